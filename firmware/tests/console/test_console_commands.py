"""Commands: exact words, one reply each, in order; nothing fires, and noise does nothing."""

from __future__ import annotations

import pytest
from consoles import Desk, refused
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tandem.console import commands, errors, help_texts, protocol
from tandem.console.protocol import parse_pairs
from tandem.safety import states

CALLS = [
    ("status", "status", ["# state=STANDBY", '# cannot_arm="the key is off"', "OK status lines=2"]),
    ("recipe list", "recipe_names", ["# recipe=calcinosis-1", "# recipe=calcinosis-2", "OK recipe list lines=2"]),
    ("recipe show calcinosis-1", "recipe_lines calcinosis-1", ["# pass=1 laser=ps", "OK recipe show lines=1"]),
    ("recipe use calcinosis-1", "use calcinosis-1", ["OK recipe=calcinosis-1 shots=31"]),
    ("plan", "plan_lines", ["# pass=1 shot=1", "OK plan lines=1"]),
    ("arm", "arm", ["OK arming"]),
    ("standby", "standby", ["OK standby"]),
    ("faults", "fault_lines", ["OK faults lines=0"]),
    ("clear", "clear", ["OK cleared"]),
    ("service 0000", "service 0000", ["OK service"]),
    ("testfire", "testfire", ["OK testfire"]),
    ("scope CO2_GATE 10", "scope CO2_GATE 10", ["OK scope"]),
    ("settings", "setting_lines", ["# name=idle_s value=120", "OK settings lines=1"]),
    ("set idle_s 60", "set idle_s 60", ["OK name=idle_s value=60"]),
    ("clock 2026-11-26T09:30:00Z", "clock 2026-11-26T09:30:00Z", ["OK time=2026-11-26T09:30:00Z"]),
    ("journal status", "journal_status", ["OK last=45"]),
    ("journal show 7", "journal_lines 7", ["# seq=7 kind=note", "# seq=8 kind=note", "OK journal show lines=2"]),
    ("journal pulled 45", "journal_pulled 45", ["OK journal pulled"]),
    ("journal overwrite", "journal_overwrite", ["OK journal overwrite"]),
    ("health", "health", ["OK errors=0 lost_lines=0"]),
    ("version", "version", ['OK tandem=0.1.0 board="a board"']),
]


@pytest.mark.parametrize(("command", "call", "reply"), CALLS, ids=[case[0] for case in CALLS])
def test_each_command_asks_the_controller_once_and_replies(command: str, call: str, reply: list[str]) -> None:
    desk = Desk()
    assert desk.reply(command) == reply
    assert desk.controller.calls == [call]


def test_every_command_in_the_list_is_tried_here() -> None:
    forms = {name: len(argument.split()) for name, argument in commands.COMMANDS}
    tried = {" ".join(words[: len(words) - n]) for words in (c.split() for c, _, _ in CALLS) for n in (0, 1, 2)}
    assert forms.keys() <= tried | {"help", "shots"}


def test_help_names_every_command() -> None:
    reply = Desk().reply("help")
    for (name, argument), meaning, line in zip(commands.COMMANDS, help_texts.MEANINGS, reply[:-1], strict=True):
        assert line.startswith(f"# {name} {argument}".rstrip()) and line.endswith(meaning)
    assert reply[-1] == f"OK help lines={len(commands.COMMANDS)}"


@pytest.mark.proves("R-ENE-6")
def test_shots_can_be_read_by_a_program() -> None:
    desk = Desk()
    desk.controller.shots = 11
    reply = desk.reply("shots")
    assert reply[-1] == "OK shots lines=11"
    shots = [parse_pairs(line[2:]) for line in reply[:-1]]
    assert [int(shot["shot"]) for shot in shots] == list(range(1, 12))
    assert shots[0]["x_um"] == "-870" and shots[0]["verdict"] == "pass"


@pytest.mark.proves("R-CON-4")
@pytest.mark.parametrize("command", [case[0] for case in CALLS])
def test_a_refusal_is_an_error_with_its_code_and_text(command: str) -> None:
    desk = Desk()
    desk.controller.refusal = refused('a "quoted" reason')
    assert desk.reply(command)[-1] == "ERROR 20 \"a 'quoted' reason\""
    assert desk.controller.failures == []


@pytest.mark.parametrize("command", [case[0] for case in CALLS] + ["shots"])
def test_an_error_in_the_firmware_is_replied_and_reported_and_does_not_escape(command: str) -> None:
    desk = Desk()
    error = ValueError("two\r\nlines")
    desk.controller.refusal = error
    reply = desk.reply(command)
    assert reply == ['ERROR 90 "ValueError: two??lines"']
    assert desk.controller.failures == [error]


@pytest.mark.proves("R-CON-1")
@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("fire", protocol.PEDAL_ONLY),
        ("fire now", protocol.PEDAL_ONLY),
        ("ARM", protocol.UNKNOWN_COMMAND),
        ("ar", protocol.UNKNOWN_COMMAND),
        ("arm!", protocol.UNKNOWN_COMMAND),
        ("arm now", protocol.BAD_ARGUMENTS),
        ("recipe", protocol.BAD_ARGUMENTS),
        ("recipe lis", protocol.UNKNOWN_COMMAND),
        ("recipe use", protocol.BAD_ARGUMENTS),
        ("recipe use a b", protocol.BAD_ARGUMENTS),
        ("recipe list all", protocol.BAD_ARGUMENTS),
        ("status arm", protocol.BAD_ARGUMENTS),
        ("journal", protocol.BAD_ARGUMENTS),
        ("journal erase", protocol.UNKNOWN_COMMAND),
        ("scope CO2_GATE", protocol.BAD_ARGUMENTS),
        ("set idle_s", protocol.BAD_ARGUMENTS),
    ],
)
def test_what_is_not_exactly_a_command_is_refused_and_does_nothing(line: str, code: int) -> None:
    desk = Desk()
    reply = desk.reply(line)
    assert len(reply) == 1
    assert reply[0].startswith(f'ERROR {code} "')
    assert desk.controller.calls == []


@pytest.mark.proves("R-PED-10")
def test_only_the_pedal_fires_and_the_console_says_so() -> None:
    assert "press the pedal" in Desk().reply("fire")[0]


def test_an_empty_line_has_no_reply() -> None:
    assert Desk().type("\r\n\r\n   \r\n") == ["", "", "   ", ""]


def carried_out(data: bytes) -> list[str]:
    """Return the calls that a stream without editing keys leads to, by the rule alone: whole, clean, exact lines."""
    calls = {command: call for command, call, _ in CALLS if " " not in command} | {"shots": "shot_lines"}
    found = []
    for line in data.replace(b"\r\n", b"\r").replace(b"\n", b"\r").split(b"\r")[:-1]:
        clean = len(line) <= 120 and all(32 <= byte < 127 for byte in line)
        words = line.decode("ascii").split() if clean else []
        if " ".join(words) in calls:
            found.append(calls[" ".join(words)])
        elif len(words) == 3 and words[:2] == ["recipe", "use"]:
            found.append("use " + words[2])
        elif len(words) == 3 and words[:2] == ["recipe", "show"]:
            found.append("recipe_lines " + words[2])
    return found


def without_editing(data: bytes) -> bytes:
    """Remove Ctrl-C and the keys that edit a line; those are tried elsewhere."""
    return bytes(byte for byte in data if byte not in (0x03, 0x08, 0x15, 0x7F))


@pytest.mark.proves("R-CON-1", "R-STA-5")
@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=400).map(without_editing))
@example(b"arm\xe2\r")
@example(b"ar\x00m\r")
@example(b"\xe2arm\r")
@example(b"\x1b[Aarm\r")
def test_no_noise_on_the_line_does_anything(noise: bytes) -> None:
    desk = Desk()
    desk.type(noise)
    assert desk.controller.calls == carried_out(noise)
    assert desk.controller.failures == []


COMMAND_BYTES = st.sampled_from(
    [b"arm", b"standby", b"clear", b"recipe use ", b"fire", b"\r", b"\n", b" ", b"x", b"\xe2"],
)


@pytest.mark.proves("R-CON-1")
@settings(max_examples=200, deadline=None)
@given(st.lists(st.one_of(COMMAND_BYTES, st.binary(max_size=3)), max_size=40))
def test_only_a_whole_clean_line_is_ever_carried_out(pieces: list[bytes]) -> None:
    data = without_editing(b"".join(pieces))
    desk = Desk()
    desk.type(data, len(data) + 4000)
    assert desk.controller.calls == carried_out(data)


@pytest.mark.proves("R-CON-1")
def test_the_byte_that_stops_the_interpreters_own_reader_is_harmless() -> None:
    desk = Desk()
    assert desk.type(b"\xe2\r")[-2].startswith(f"ERROR {protocol.BAD_BYTES} ")
    assert desk.reply("status")[-1] == "OK status lines=2"


def test_ctrl_c_is_told_and_no_byte_after_it_is_read() -> None:
    desk = Desk()
    desk.type(b"ar\x03\x01print\r")
    assert desk.console.interrupted
    assert desk.wire.typed == b"\x01print\r"
    assert desk.controller.calls == []


def test_commands_sent_at_once_are_answered_one_by_one_in_order() -> None:
    desk = Desk()
    desk.controller.shots = 20
    lines = desk.type("shots\rarm\rnonsense\rstatus\rversion\r", 500)
    replies = [line.split()[0:2] for line in lines if line.startswith(("OK", "ERROR"))]
    assert replies == [["OK", "shots"], ["OK", "arming"], ["ERROR", "10"], ["OK", "status"], ["OK", "tandem=0.1.0"]]
    assert desk.controller.calls == ["shot_lines", "arm", "status", "version"]


@pytest.mark.proves("R-CON-2")
def test_standby_does_not_wait_for_a_long_reply() -> None:
    desk = Desk()
    desk.controller.shots = 1000
    desk.type("shots\rarm\r", 20)
    assert desk.controller.calls == ["shot_lines"]
    lines = desk.type("standby\r", 100)
    assert desk.controller.calls == ["shot_lines", "standby"], "and the arming that waited is not carried out"
    answers = [line.split()[:2] for line in lines if line.startswith(("OK", "ERROR"))]
    assert answers == [["ERROR", str(protocol.CUT_SHORT)]] * 2 + [["OK", "standby"]]


def test_too_many_waiting_commands_are_refused_not_hoarded() -> None:
    desk = Desk()
    desk.controller.shots = 1000
    lines = desk.type("shots\r" + "version\r" * 9, 400)
    answers = [line.split()[:2] for line in lines if line.startswith(("OK", "ERROR"))]
    assert answers == [["ERROR", str(protocol.CUT_SHORT)]] * 9 + [["OK", "tandem=0.1.0"]]


def test_what_is_typed_during_a_long_reply_does_not_tear_its_lines() -> None:
    desk = Desk()
    desk.controller.shots = 50
    lines = desk.type("shots\rversi", 500)
    assert [line for line in lines if line.startswith("#")] == [line for line in lines[1:51] if "verdict=pass" in line]
    assert lines[51:] == ["OK shots lines=50", "versi"]
    assert desk.type("on\r") == ["on", 'OK tandem=0.1.0 board="a board"', ""], "and is echoed again after it"


def test_a_line_refused_during_a_long_reply_is_answered_after_it() -> None:
    desk = Desk()
    desk.controller.shots = 50
    lines = desk.type(b"shots\r\xe2\rversion\r", 500)
    answers = [line.split()[:2] for line in lines if line.startswith(("OK", "ERROR"))]
    assert answers == [["OK", "shots"], ["ERROR", str(protocol.BAD_BYTES)], ["OK", "tandem=0.1.0"]]


@pytest.mark.parametrize("firing", [False, True])
@pytest.mark.proves("R-CON-3")
def test_a_turn_moves_a_bounded_number_of_bytes_and_lines(firing: bool) -> None:
    desk = Desk()
    desk.controller.shots = 1000
    desk.wire.typed += b"shots\r" + b"x" * 1000
    most_read, most_written = (4, 8) if firing else (16, 32)
    for _ in range(200):
        read, written = len(desk.wire.typed), len(desk.wire.seen)
        desk.turns(1, firing)
        assert read - len(desk.wire.typed) <= most_read
        assert len(desk.wire.seen) - written <= most_written
    assert desk.controller.calls == ([] if firing else ["shot_lines"])


@pytest.mark.proves("R-CON-2")
def test_while_it_fires_standby_alone_is_carried_out() -> None:
    desk = Desk()
    before = len(desk.wire.seen)
    desk.wire.typed += b"status\rshots\r\r\xe2\r" + b"x" * 130 + b"\rstandby\rarm\r"
    desk.turns(400, firing=True)
    refused = f'ERROR {protocol.NOT_NOW} "not while it fires: let go of the pedal first; standby works"'
    lines = desk.wire.seen[before:].decode("ascii").split("\r\n")
    assert lines == [refused] * 4 + ["OK standby", refused, ""]
    assert desk.controller.calls == ["standby"]
    assert desk.reply("version") == ['OK tandem=0.1.0 board="a board"']


def test_ctrl_c_interrupts_also_while_it_fires() -> None:
    desk = Desk()
    desk.wire.typed += b"sta\x03\x01"
    desk.turns(5, firing=True)
    assert desk.console.interrupted
    assert desk.wire.typed == b"\x01"


def test_firing_cuts_a_reply_short_and_refuses_what_waits() -> None:
    desk = Desk()
    desk.controller.shots = 50
    desk.wire.typed += b"shots\rversion\r"
    desk.turns(4)
    desk.console.mode_changed(states.READY, states.FIRING, states.State(0))
    desk.turns(200, firing=True)
    lines = desk.wire.seen.decode("ascii").split("\r\n")
    answers = [line.split()[:2] for line in lines if line.startswith(("OK", "ERROR"))]
    assert answers == [["ERROR", str(protocol.CUT_SHORT)]] * 2
    assert lines[-2].startswith("# state FIRING")


@pytest.mark.proves("R-CON-4")
def test_every_error_code_is_listed_once() -> None:
    codes = {name: value for name, value in vars(protocol).items() if name.isupper() and isinstance(value, int)}
    assert codes == {name: code for code, name, _, _ in errors.ERRORS}
    assert len(set(codes.values())) == len(codes)


@given(
    st.lists(
        st.tuples(
            st.text("abcxyz_", min_size=1),
            st.text(st.characters(min_codepoint=32, max_codepoint=126, exclude_characters='"='), max_size=20),
        ),
        unique_by=lambda pair: pair[0],
    )
)
def test_what_pairs_writes_a_program_reads_back(items: list[tuple[str, str]]) -> None:
    assert parse_pairs(protocol.pairs(list(items))) == dict(items)
