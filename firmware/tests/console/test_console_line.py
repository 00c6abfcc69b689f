"""The line editor and the queue: a plain terminal is enough, and nobody waits for a host that does not read."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from consoles import Desk
from hypothesis import given, settings
from hypothesis import strategies as st
from tandem.console import line, protocol
from tandem.console.output import OutputQueue
from tandem.console.session import STALE_LOOKS
from tandem.safety import faults, states


def edit(data: bytes) -> tuple[list[int], list[str], bytes]:
    """Feed bytes to an editor; return what it told, the lines it gave and what it echoed."""
    output = OutputQueue()
    editor = line.LineEditor(output)
    told, lines = [], []
    for byte in data:
        result = editor.feed(byte)
        if result:
            told.append(result)
        if result == line.LINE:
            lines.append(editor.take())
    echoed = bytearray()
    while output.pending:
        echoed.append(output.peek())
        output.drop()
    return told, lines, bytes(echoed)


@pytest.mark.parametrize("end", [b"\r", b"\n", b"\r\n"], ids=["CR", "LF", "CR LF"])
def test_enter_may_be_cr_lf_or_both(end: bytes) -> None:
    told, lines, echoed = edit(b"status" + end + b"plan" + end)
    assert told == [line.LINE, line.LINE]
    assert lines == ["status", "plan"]
    assert echoed == b"status\r\nplan\r\n"


@pytest.mark.parametrize("key", [b"\x08", b"\x7f"], ids=["backspace", "delete"])
def test_backspace_takes_one_character_back(key: bytes) -> None:
    _, lines, echoed = edit(b"statt" + key + b"us\r")
    assert lines == ["status"]
    assert echoed == b"statt\b \bus\r\n"
    assert edit(key * 3 + b"ok\r")[1:] == (["ok"], b"ok\r\n")


def test_ctrl_u_takes_the_whole_line_back_with_everything_wrong_in_it() -> None:
    _, lines, echoed = edit(b"abc\xe2\x15plan\r")
    assert lines == ["plan"]
    assert echoed == b"abc" + b"\b \b" * 3 + b"plan\r\n"
    assert edit(b"x" * 300 + b"\x15plan\r")[1] == ["plan"]


def test_a_line_of_120_characters_is_taken_and_one_more_is_refused_whole() -> None:
    assert edit(b"x" * 120 + b"\r")[1] == ["x" * 120]
    told, lines, _ = edit(b"x" * 121 + b"\rplan\r")
    assert told == [line.TOO_LONG, line.LINE]
    assert lines == ["plan"]


@pytest.mark.proves("R-CON-1")
@pytest.mark.parametrize("byte", [b for b in range(256) if not 32 <= b < 127 and b not in (3, 8, 10, 13, 21, 127)])
def test_any_other_byte_refuses_its_line_even_if_it_is_taken_back(byte: int) -> None:
    told, lines, _ = edit(b"ar" + bytes([byte]) + b"m\b\bm\rplan\r")
    assert told == [line.BAD, line.LINE]
    assert lines == ["plan"]


@settings(max_examples=200)
@given(st.binary(max_size=600))
def test_the_editor_takes_any_bytes_and_echoes_only_harmless_ones(data: bytes) -> None:
    _, lines, echoed = edit(data)
    assert all(len(text) <= 120 and text.isascii() for text in lines)
    assert all(32 <= byte < 127 or byte in b"\b\r\n" for byte in echoed)


def drain(output: OutputQueue) -> list[str]:
    data = bytearray()
    while output.pending:
        data.append(output.peek())
        output.drop()
    return data.decode("ascii").split("\r\n")[:-1]


@pytest.mark.proves("R-CON-3")
def test_a_host_that_does_not_read_loses_whole_lines_and_is_told_how_many() -> None:
    output = OutputQueue(1000)
    sent = [f"# line {number} " + "x" * 50 for number in range(100)]
    taken = [text for text in sent if output.line(text)]
    assert 10 < len(taken) < 20
    assert output.pending <= 1000
    assert drain(output) == taken
    assert output.line("# after")
    assert drain(output) == [f"# {100 - len(taken)} lines lost", "# after"]


def test_lost_lines_are_told_though_nothing_more_is_said() -> None:
    desk = Desk(capacity=256)
    desk.wire.room = 0
    desk.type("help\r" * 3, 400)
    for _ in range(30):
        desk.console.remark("x" * 60)
    desk.wire.room = None
    desk.turns(300)
    told = [text for text in desk.wire.seen.decode().split("\r\n") if "lines lost" in text]
    assert told, "the loss is told when there is room again"
    assert sum(int(text.split()[1]) for text in told) == 30 - desk.wire.seen.decode().count("x" * 60)


@settings(max_examples=200)
@given(
    st.integers(256, 600),
    st.lists(st.one_of(st.text(max_size=80), st.integers(1, 400), st.binary(min_size=1, max_size=9)), max_size=60),
)
def test_the_queue_never_gives_more_or_less_than_whole_lines(capacity: int, steps: list[str | int | bytes]) -> None:
    output = OutputQueue(capacity)
    seen = bytearray()
    expected = lost = 0
    for step in steps:
        if isinstance(step, str):
            taken = output.line(">" + step)
            expected += taken
            lost += not taken
        elif isinstance(step, int):
            for _ in range(step):
                if output.pending:
                    seen.append(output.peek())
                    output.drop()
        else:
            output.echo(b"e" * len(step))
        assert 0 <= output.pending <= capacity
    while output.pending or output.lost:
        if not output.pending:
            output.tell_lost()
        seen.append(output.peek())
        output.drop()
    text = seen.decode("ascii")
    told = [part for part in text.split("\r\n") if "lines lost" in part]
    assert text.count("\r\n") == expected + len(told)
    assert sum(int(part.split("# ")[1].split()[0]) for part in told) == lost


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r"])
def test_a_text_with_line_ends_stays_one_line(end: str) -> None:
    output = OutputQueue()
    output.line(f"# {end}OK arming")
    assert drain(output) == ["# " + "?" * len(end) + "OK arming"]


def test_a_text_beyond_ascii_goes_out_as_ascii() -> None:
    output = OutputQueue()
    output.line("# 3 \u00b5m")
    assert drain(output) == ["# 3 ??m"]


def test_a_queue_too_small_to_tell_of_losses_is_refused() -> None:
    with pytest.raises(ValueError, match="256"):
        OutputQueue(100)


@pytest.mark.proves("R-CON-3")
def test_a_host_that_does_not_read_stops_no_turn_and_no_command(figure: Callable[..., None]) -> None:
    desk = Desk()
    desk.wire.room = 0
    desk.controller.shots = 500
    for _ in range(50):
        desk.type("shots\rarm\rstandby\r", 60)
    assert desk.controller.calls.count("standby") == 50
    desk.wire.room = None
    desk.turns(5000)
    figure("commands carried out with a host that does not read", len(desk.controller.calls), "commands")


def test_a_remark_does_not_tear_what_is_being_typed() -> None:
    desk = Desk()
    assert desk.type("stat") == ["stat"]
    desk.console.remark("state READY: the arming time is over")
    lines = desk.type("us\r")
    assert lines[:3] == ["", "# state READY: the arming time is over", "status"]
    assert desk.controller.calls == ["status"]


@pytest.mark.proves("R-FLT-1")
def test_a_new_state_and_a_fault_are_told_with_what_to_do() -> None:
    desk = Desk()
    state = states.State(0)
    state.mode, state.because = states.READY, "the arming time is over"
    desk.console.mode_changed(states.ARMING, states.READY, state)
    state.mode, state.fault = states.FAULT, faults.DOOR_OPENED
    desk.console.mode_changed(states.READY, states.FAULT, state)
    assert desk.type("")[:2] == [
        "# state READY: the arming time is over",
        "# fault 12 DOOR_OPENED: the door opened; close the door",
    ]


def test_a_line_left_unfinished_is_not_ended_by_the_next_who_connects() -> None:
    desk = Desk()
    desk.type("arm", STALE_LOOKS + 10)
    lines = desk.type("\r")
    assert desk.controller.calls == []
    assert lines == ["", ""]
    assert "dropped" in desk.wire.seen.decode()
    desk.type(b"\xe2", STALE_LOOKS + 10)
    assert desk.reply("version")[0].startswith("OK"), "nothing wrong in it is left either"


def test_a_slow_typist_is_not_interrupted() -> None:
    desk = Desk()
    for key in "arm\r":
        desk.type(key, STALE_LOOKS - 10)
    assert desk.controller.calls == ["arm"]


@pytest.mark.proves("R-CON-4")
def test_garbage_gets_an_error_with_its_reason() -> None:
    desk = Desk()
    assert desk.type(b"x" * 200 + b"\r")[-2] == f'ERROR {protocol.LINE_TOO_LONG} "a line has at most 120 characters"'
