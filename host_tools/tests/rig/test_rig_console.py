"""The rig's program on an emulated Pico, in the bench's own time: every command, and what its registers do."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import pairwise

import pytest
from lone_rig import PINS, LoneRig, lone_rig_stand
from tandem.console import protocol
from tandem_tools.bench import Bench
from tandem_tools.flash import build_rig_program

Figure = Callable[..., None]
QUIET = 0x0817F7
"""Outputs of the quiet room, counted by hand out of the names."""
EXPLAINED = (protocol.BAD_ARGUMENTS, protocol.NOTHING_LOADED)

BREAKS_ONCE = """
from rig import app
sound = app.Rig.exchange
def exchange(self):
    app.Rig.exchange = sound
    raise ValueError('torn')
app.Rig.exchange = exchange
app.run()
"""


@pytest.fixture(scope="module")
def _rig() -> Iterator[tuple[LoneRig, int]]:
    with Bench(lone_rig_stand()) as bench:
        rig = LoneRig(bench)
        rig.boot()
        rig.run(50)
        bench.clear_edges()
        yield rig, bench.save()


@pytest.fixture
def rig(_rig: tuple[LoneRig, int]) -> LoneRig:
    """A rig that has just started."""
    found, state = _rig
    found.bench.restore(state)
    return found


def test_it_says_who_it_is_and_is_no_controller(rig: LoneRig) -> None:
    (line,) = rig.ask("version")
    fields = rig.fields("version")
    assert line.startswith("OK rig=0.1.0 ") and "tandem=" not in line
    assert fields["program"] == build_rig_program().hash
    assert (fields["micropython"], fields["board"]) == ("1.25.0", "rp2040_pico")
    assert re.fullmatch("[0-9a-f]{16}", fields["serial"])


def test_it_starts_sound_in_the_quiet_room(rig: LoneRig, figure: Figure) -> None:
    status = rig.fields("status")
    assert (status["room"], status["script"], status["stamps"]) == ("on", "idle", "stopped")
    assert int(status["outputs"], 16) == QUIET
    assert int(status["inputs"], 16) == PINS.IN_PATTERN
    figure("rig: memory free with everything loaded", int(status["free_bytes"]), "bytes", "> 16384")
    assert int(status["free_bytes"]) > 16_384
    assert set(rig.fields("health").values()) == {"0"}


def test_starting_leaves_run_and_supply_of_the_controller_alone() -> None:
    with Bench(lone_rig_stand()) as bench:
        rig = LoneRig(bench)
        rig.boot()
        assert bench.edges(["RUN_LOW", "SUPPLY_OFF"]) == []
        assert rig.level("ESTOP_CLOSED") == 1
        rig.ask("set DOOR_CLOSED=0")
        rig.run(5)
        rig.board.reset("run_pin")
        bench.clear_edges()
        rig.boot()
        assert bench.edges(["RUN_LOW", "SUPPLY_OFF"]) == []
        assert rig.level("DOOR_CLOSED") == 1, "a reset puts the quiet room in place again"


def test_help_lists_every_command_and_each_works_or_says_what_it_takes(rig: LoneRig) -> None:
    lines = rig.ask("help")[:-1]
    assert len(lines) >= 25
    assert all(len(line) <= 120 and ": " in line for line in lines)
    for line in lines:
        words = [word for word in line[2:].split(":")[0].split() if word.islower() and "|" not in word]
        reply = rig.board.command(" ".join(words), 3000)[-1]
        assert reply.startswith("OK") or int(reply.split()[1]) in EXPLAINED, (words, reply)


@pytest.mark.parametrize(
    ("line", "code", "text"),
    [
        ("fly", protocol.UNKNOWN_COMMAND, "no command 'fly': type help"),
        ("version now", protocol.BAD_ARGUMENTS, "version takes no argument"),
        ("stamp", protocol.BAD_ARGUMENTS, "stamp start, stamp status, stamp stop, stamp read"),
        ("set", protocol.BAD_ARGUMENTS, "set takes NAME=0|1|auto ..."),
        ("set DOOR_CLOSED", protocol.BAD_ARGUMENTS, "'DOOR_CLOSED' is not of the form KEY=VALUE"),
        ("set WINDOW=1", protocol.BAD_VALUE, "'WINDOW' is not a slow output"),
        ("set DOOR_CLOSED=2", protocol.BAD_VALUE, "'2' is not one of 0, 1, auto"),
        ("room maybe", protocol.BAD_VALUE, "'maybe' is not one of on, off"),
        ("handpiece 8", protocol.BAD_VALUE, "CODE=8 is not a whole number in 0..7"),
        ("handpiece -1", protocol.BAD_VALUE, "CODE=-1 is not"),
        ("pedal kick", protocol.BAD_VALUE, "not one of press, release"),
        ("button FIRE 10", protocol.BAD_VALUE, "not one of ARM, STANDBY, NEXT"),
        ("button ARM 0", protocol.BAD_VALUE, "MS=0 is not a whole number in 1..60000"),
        ("script run", protocol.NOTHING_LOADED, "script add"),
        ("script add 10000001 FOOT_NO=1", protocol.BAD_VALUE, "US=10000001"),
        ("script add 0 FOOT_NO=auto", protocol.BAD_VALUE, "'auto' is not one of 0, 1"),
        ("script when PS_FIRE 1", protocol.NOTHING_LOADED, "script add"),
        ("stamp start DOOR_CLOSED", protocol.BAD_VALUE, "'DOOR_CLOSED' is not a watched pin"),
        ("stamp start SAFE:0", protocol.BAD_VALUE, "EDGES=0 is not"),
        ("stamp start SAFE:20000 PS_FIRE:20000", protocol.BAD_VALUE, "40000 edges"),
        ("stamp start SAFE SAFE", protocol.BAD_VALUE, "SAFE"),
        ("stamp read SAFE 0 1", protocol.BAD_VALUE, "SAFE was not stamped: stamp start first"),
        ("laser uv", protocol.BAD_VALUE, "not one of ps, co2"),
        ("laser ps load", protocol.BAD_ARGUMENTS, "load COUNT"),
        ("laser ps load 2501", protocol.BAD_VALUE, "COUNT=2501 is not a whole number in 1..2500"),
        ("laser ps shot 3 strange", protocol.BAD_VALUE, "'strange' is not one of missing, no_sync, double"),
        ("laser ps shot 3 energy", protocol.BAD_VALUE, "energy=CODE"),
        ("laser ps shot 3 missing=1", protocol.BAD_VALUE, "'missing=1' is not one of"),
        ("laser ps energy=much", protocol.BAD_VALUE, "energy=much is not a whole number"),
        ("laser ps colour=3", protocol.BAD_VALUE, "colour"),
        ("laser ps stop now", protocol.BAD_ARGUMENTS, "stop"),
        ("run pulse", protocol.BAD_ARGUMENTS, "pulse MS"),
        ("run low 5", protocol.BAD_ARGUMENTS, "pulse MS"),
        ("power half", protocol.BAD_VALUE, "not one of on, off"),
        ("x" * 121, protocol.LINE_TOO_LONG, "120 characters"),
        ("vérsion", protocol.BAD_BYTES, "not printable ASCII"),
    ],
)  # fmt: skip
def test_a_wrong_line_is_refused_with_what_is_allowed(rig: LoneRig, line: str, code: int, text: str) -> None:
    before = rig.fields("status")["outputs"]
    found = rig.refused(line)
    assert found[0] == code and text in found[1], found
    assert rig.fields("status")["outputs"] == before
    assert set(rig.fields("health").values()) == {"0"}


def test_every_slow_output_can_be_forced_both_ways_and_given_back(rig: LoneRig) -> None:
    for bit, name in enumerate(PINS.OUT_NAMES):
        own = QUIET >> bit & 1
        for level in (1 - own, own):
            rig.ask(f"set {name}={level}")
            rig.run(2)
            assert rig.level(name) == level, name
        rig.ask(f"set {name}={1 - own}")
        rig.ask(f"set {name}=auto")
        rig.run(2)
        assert rig.level(name) == own, name
    assert int(rig.fields("status")["forced"], 16) == 0


def test_a_line_with_one_wrong_level_forces_nothing(rig: LoneRig) -> None:
    rig.refused("set DOOR_CLOSED=0 KEY_ON=7")
    assert int(rig.fields("status")["forced"], 16) == 0


def test_get_shows_pins_inputs_and_outputs(rig: LoneRig) -> None:
    rig.bench.set_pin("CO2_GATE_DRV", 1)
    rig.bench.set_pin("LAMP_CO2", 1)
    rig.ask("set SCAN_OK=0")
    rig.run(3)
    got = {key: int(value) for key, value in rig.fields("get").items()}
    assert list(got) == [*PINS.WATCHED, *PINS.IN_NAMES, *PINS.OUT_NAMES]
    assert (got["CO2_GATE_DRV"], got["PS_FIRE_DRV"], got["LAMP_CO2"], got["LAMP_PS"], got["SCAN_OK"]) == (1, 0, 1, 0, 0)


def test_shutters_follow_coil_and_safe_within_a_turn_of_their_times(rig: LoneRig, figure: Figure) -> None:
    rig.bench.set_pin("PS_SHUTTER", 1)
    rig.run(40)
    assert rig.level("PS_SHUTTER_CLOSED") == 1, "without SAFE it has no current"
    rig.bench.clear_edges()
    rig.bench.set_pin("SAFE", 1)
    rig.run(40)
    rig.bench.set_pin("SAFE", 0)
    rig.run(30)
    edges = rig.edges_us("SAFE", "PS_SHUTTER_CLOSED", "PS_SHUTTER_OPEN", "CO2_SHUTTER_CLOSED")
    assert [(net, level) for _, net, level in edges] == [
        ("SAFE", 1), ("PS_SHUTTER_CLOSED", 0), ("PS_SHUTTER_OPEN", 1),
        ("SAFE", 0), ("PS_SHUTTER_OPEN", 0), ("PS_SHUTTER_CLOSED", 1),
    ]  # fmt: skip
    opened, closed = edges[2][0] / 1000, (edges[5][0] - edges[3][0]) / 1000
    figure("rig: a shutter opens after", round(opened, 2), "ms", "30 to 32")
    figure("rig: a shutter closes after", round(closed, 2), "ms", "20 to 22")
    assert 30 <= opened <= 32 and 20 <= closed <= 22


def test_the_pedal_opens_one_contact_before_it_closes_the_other(rig: LoneRig) -> None:
    for line, leaving, closing in (("press", "FOOT_NC", "FOOT_NO"), ("release", "FOOT_NO", "FOOT_NC")):
        rig.bench.clear_edges()
        rig.ask(f"pedal {line}")
        rig.run(10)
        (_, first, _), (after_us, second, level) = rig.edges_us("FOOT_NO", "FOOT_NC")
        assert (first, second, level) == (leaving, closing, 1)
        assert 2000 <= after_us <= 4000


def test_a_button_is_pressed_for_its_time(rig: LoneRig) -> None:
    rig.ask("button ARM 50")
    rig.run(80)
    edges = rig.edges_us("BUTTON_ARM", "BUTTON_STANDBY", "BUTTON_NEXT")
    assert [level for _, _, level in edges] == [1, 0]
    assert 49_000 <= edges[1][0] <= 52_000


def test_run_and_supply_are_switched(rig: LoneRig) -> None:
    for line, net, level in (("run low", "RUN_LOW", 1), ("run high", "RUN_LOW", 0), ("power off", "SUPPLY_OFF", 1),
                             ("power on", "SUPPLY_OFF", 0)):  # fmt: skip
        rig.ask(line)
        rig.run(3)
        assert rig.level(net) == level, line
    rig.bench.clear_edges()
    rig.ask("run pulse 10")
    rig.run(30)
    edges = rig.edges_us("RUN_LOW")
    assert [level for _, _, level in edges] == [1, 0] and 9_000 <= edges[1][0] <= 12_000


def test_a_script_of_a_bouncing_pedal_comes_at_its_times(rig: LoneRig, figure: Figure) -> None:
    steps = [(0, "FOOT_NC", 0)]
    steps += [(2000 + 170 * i, "FOOT_NO", 1 - i % 2) for i in range(25)]
    steps += [(9000 + 20 * i, "FOOT_NC", 1 - i % 2) for i in range(38)]
    for us, name, level in steps:
        rig.ask(f"script add {us} {name}={level}")
    rig.bench.clear_edges()
    reply = rig.fields("script run")
    assert (reply["steps"], reply["runs"]) == ("64", "1")
    edges = rig.edges_us("FOOT_NO", "FOOT_NC")
    assert [(net, level) for _, net, level in edges] == [(name, level) for _, name, level in steps]
    worst = max(abs(at - us) for (at, _, _), (us, _, _) in zip(edges, steps, strict=True))
    figure("rig: largest error of a script's step, 64 steps, some 20 us apart", round(worst, 2), "us", "< 20")
    assert worst < 20 and int(reply["worst_us"]) <= 1
    assert rig.refused("script add 10000 FOOT_NO=1")[1].startswith("there are 64 steps")
    rig.ask("pedal release")
    rig.run(5)
    assert (rig.level("FOOT_NO"), rig.level("FOOT_NC")) == (0, 1)


def test_steps_that_are_too_close_are_counted_as_late(rig: LoneRig) -> None:
    for i in range(8):
        rig.ask(f"script add {5 * i} DOOR_CLOSED={i % 2}")
    reply = rig.fields("script run")
    assert int(reply["worst_us"]) > 20
    assert int(rig.fields("health")["late"]) > 0
    rig.ask("health clear")
    assert set(rig.fields("health").values()) == {"0"}


def test_steps_go_in_their_order_and_those_of_one_time_together(rig: LoneRig) -> None:
    rig.ask("script add 100 FOOT_NO=1 FOOT_NC=0")
    assert rig.ask("script add 100 KEY_ON=0") == ["OK steps=1"]
    assert "before the last step, 100" in rig.refused("script add 99 FOOT_NO=0")[1]
    rig.ask("script run")
    times = {round(at, 3) for at, _, _ in rig.edges_us("FOOT_NO", "FOOT_NC", "KEY_ON")}
    assert times == {0.0}


def test_a_script_begins_when_a_channel_has_its_edges(rig: LoneRig, figure: Figure) -> None:
    rig.ask("script add 0 DOOR_CLOSED=0")
    rig.ask("script add 100 DOOR_CLOSED=1")
    rig.ask("stamp start PS_FIRE:64 SAFE")
    assert "3 is" not in rig.ask("script when PS_FIRE 3")[-1]
    assert rig.fields("status")["script"] == "armed"
    began = []
    for number in range(12):
        rig.ask(f"script when PS_FIRE {2 * number + 1}")
        rig.run(3.1 + 0.37 * number)
        rig.bench.clear_edges()
        rig.bench.set_pin("PS_FIRE", 1)
        rig.bench.run_for(us=30)
        rig.bench.set_pin("PS_FIRE", 0)
        rig.board.read_until(b"# script ended steps=2", 1000)
        edges = rig.edges_us("PS_FIRE", "DOOR_CLOSED")
        (opened, _, level), (closed, _, _) = [edge for edge in edges if edge[1] == "DOOR_CLOSED"]
        assert level == 0 and abs(closed - opened - 100) < 2
        began.append(opened)
    began.sort()
    figure("rig: a script begins after its edge, typically", round(began[len(began) // 2], 1), "us", "< 50")
    figure("rig: a script begins after its edge, at most", round(began[-1], 1), "us", "< 150")
    assert began[len(began) // 2] < 50 and began[-1] < 150


def test_the_room_and_the_console_are_served_while_a_script_waits(rig: LoneRig) -> None:
    rig.ask("script add 0 DOOR_CLOSED=0")
    rig.ask("stamp start SAFE:4")
    rig.ask("script when SAFE 4")
    rig.bench.set_pin("PS_SHUTTER", 1)
    rig.bench.set_pin("SAFE", 1)
    rig.run(45)
    assert rig.level("PS_SHUTTER_OPEN") == 1
    assert rig.fields("status")["script"] == "armed"
    rig.ask("pedal press")
    rig.run(15)
    assert rig.level("FOOT_NO") == 1
    rig.ask("script clear")
    assert rig.fields("status")["script"] == "idle"


def test_a_script_whose_edges_do_not_come_is_given_up_after_30_s(rig: LoneRig) -> None:
    rig.ask("script add 0 DOOR_CLOSED=0")
    rig.ask("stamp start SAFE:4")
    assert "only 4 are kept" in rig.refused("script when SAFE 5")[1]
    assert "PS_FIRE is not stamped" in rig.refused("script when PS_FIRE 1")[1]
    rig.ask("script when SAFE 2")
    rig.run(50)
    rig.board.halt_cpu()  # only so that this half minute does not take one
    rig.run(29_900)
    rig.board.resume_cpu()
    assert rig.fields("status")["script"] == "armed"
    rig.board.read_until(b"# script not begun: SAFE had no 2 edges within 30 s", 200)
    assert rig.fields("status")["script"] == "idle"
    assert rig.level("DOOR_CLOSED") == 1


def test_stamps_are_read_back_word_for_word(rig: LoneRig) -> None:
    rig.ask("stamp start SAFE:40 PS_FIRE")
    for _ in range(15):
        for level in (1, 0):
            rig.bench.set_pin("SAFE", level)
            rig.bench.run_for(us=10)
    assert "stamp stop first" in rig.refused("stamp start SAFE")[1]
    assert rig.ask("stamp stop") == [
        "# name=SAFE edges=30 full=0 stalled=0", "# name=PS_FIRE edges=0 full=0 stalled=0", "OK running=0",
    ]  # fmt: skip
    reply = rig.ask("stamp read SAFE 0 30")
    assert reply[-1] == "OK read count=30"
    assert [line.count(",") + 1 for line in reply[:-1]] == [12, 12, 6]
    words = [int(word, 16) for line in reply[:-1] for word in line.removeprefix("# words=").split(",")]
    times = [2 * (0xFFFFFFFF - word) + 3 * k for k, word in enumerate(words)]
    assert all(abs(b - a - 1250) <= 2 for a, b in pairwise(times))
    part = rig.ask("stamp read SAFE 13 2")
    assert part[0] == "# words={:08x},{:08x}".format(*words[13:15])
    assert "COUNT=31 is not" in rig.refused("stamp read SAFE 0 31")[1]
    assert "FIRST=31 is not" in rig.refused("stamp read SAFE 31 0")[1]


def test_many_stamps_are_read_quickly(rig: LoneRig, figure: Figure) -> None:
    count = 1800
    rig.ask(f"stamp start SAFE:{count}")
    start_ps = rig.bench.now_ps
    for i in range(count):
        rig.bench.set_pin("SAFE", 1 - i % 2, at_ps=start_ps + 1_000_000 * (i + 1))
    rig.run(3)
    rig.ask("stamp stop")
    before_ps = rig.bench.now_ps
    reply = rig.ask(f"stamp read SAFE 0 {count}")
    assert sum(line.count(",") + 1 for line in reply[:-1]) == count
    took_us = (rig.bench.now_ps - before_ps) / 1e6
    figure("rig: reading a stamp over the port", round(took_us / count), "us", "< 400")
    assert took_us / count < 400


def test_a_full_channel_is_counted_until_health_is_cleared(rig: LoneRig) -> None:
    rig.ask("stamp start SAFE:2")
    for level in (1, 0, 1, 0, 1):
        rig.bench.set_pin("SAFE", level)
        rig.bench.run_for(us=10)
    assert "full=1" in rig.ask("stamp status")[0]
    assert rig.fields("health")["full"] == "1"
    rig.ask("stamp stop")
    assert rig.fields("health")["full"] == "1"
    rig.ask("health clear")
    assert rig.fields("health")["full"] == "0"


def test_the_watch_latches_what_pins_did(rig: LoneRig) -> None:
    rig.bench.set_pin("HEARTBEAT", 1)
    rig.run(1)
    rig.ask("watch clear")
    rig.bench.set_pin("HEARTBEAT", 0)
    for level in (1, 0):
        rig.bench.set_pin("CO2_GATE_DRV", level)
        rig.bench.run_for(us=1)
    rig.bench.set_pin("PS_QSW", 1)
    rig.run(1)
    told = {line.split("=")[0][2:]: line for line in rig.ask("watch")[:-1]}
    assert list(told) == list(PINS.WATCHED)
    assert told["HEARTBEAT"].endswith("HEARTBEAT=0 rises=0 falls=1")
    assert told["CO2_GATE_DRV"].endswith("CO2_GATE_DRV=0 rises=1 falls=1")
    assert told["PS_QSW"].endswith("PS_QSW=1 rises=1 falls=0")
    assert told["SAFE"].endswith("SAFE=0 rises=0 falls=0")
    rig.ask("watch clear")
    assert not any("=1" in line.split(" ", 2)[2] for line in rig.ask("watch")[:-1])


def test_a_laser_is_set_up_loaded_and_stopped(rig: LoneRig) -> None:
    assert rig.fields("laser ps") == {"loaded": "0", "answered": "0", "late": "0"}
    rig.ask("laser ps delay_cycles=100 jitter_cycles=3 energy=2000 sync=1 seed=7 trigger=PS_QSW")
    rig.ask("laser ps shot 2 missing")
    rig.ask("laser ps shot 3 energy=100")
    assert rig.fields("laser ps load 5")["loaded"] == "5"
    for _ in range(4):
        for net, level in (("PS_QSW", 1), ("PS_QSW", 0), ("PS_INT_RESET", 1), ("PS_INT_RESET", 0)):
            rig.bench.set_pin(net, level)
            rig.bench.run_for(us=50)
    assert rig.fields("laser ps")["answered"] == "4"
    rig.ask("laser ps stop")
    assert set(rig.fields("health").values()) == {"0"}


def test_torn_slow_inputs_are_counted_and_the_last_good_ones_stay(rig: LoneRig) -> None:
    rig.bench.set_pin("LAMP_PS", 1)
    rig.run(3)
    rig.bench.part("inputs").set(pattern=0)
    rig.bench.set_pin("LAMP_PS", 0)
    rig.run(10)
    rig.bench.part("inputs").set(pattern=PINS.IN_PATTERN)
    assert int(rig.fields("health")["shift"]) > 5
    assert rig.fields("get")["LAMP_PS"] == "0"


def test_an_error_in_the_loop_is_told_and_counted_and_the_rig_goes_on(rig: LoneRig) -> None:
    rig.board.enter_raw_repl()
    rig.board.start_raw(BREAKS_ONCE)
    told = rig.board.read_until(b'ERROR 90 "ValueError: torn"\r\n', 3000)
    assert b"type help" in told
    assert rig.fields("version")["rig"] == "0.1.0"
    assert rig.fields("health")["errors"] == "1"


def test_junk_is_refused_line_by_line_and_then_all_works(rig: LoneRig) -> None:
    noise = bytes(range(4, 256)) * 12
    rig.board.write(noise + b"\r")
    rig.run(2000)
    told = rig.board.read()
    assert b"ERROR" in told and b"OK" not in told.replace(b"OK\xff", b"")
    assert rig.fields("version")["rig"] == "0.1.0"
    assert rig.fields("health")["errors"] == "0"


def test_many_lines_at_once_get_a_reply_each_in_their_order(rig: LoneRig) -> None:
    rig.board.write(b"version\rstamp status\rwatch\rpower on\r")
    text = rig.board.read_until(b"OK power on\r\n", 2000).decode()
    assert re.findall(r"^OK (\w+)", text, re.MULTILINE) == ["rig", "running", "watch", "power"]
    rig.board.write(b"help\r" + b"power on\r" * 8)
    text = rig.board.read_until(b"OK power on\r\n", 2000).decode()
    rig.run(500)
    text += rig.board.read().decode()
    replies = re.findall(r"^(?:OK|ERROR) (\w+)", text, re.MULTILINE)
    assert len(replies) == 9, replies


def test_a_host_that_does_not_read_stops_nothing(rig: LoneRig) -> None:
    rig.board.host(reading=False)
    rig.board.write(b"help\rhelp\rget\rstatus\rset DOOR_CLOSED=0\r" + b"button ARM 20\r")
    rig.run(500)
    rig.bench.set_pin("AIM", 1)
    rig.run(20)
    assert rig.level("AIM_MONITOR") == 1, "the room is served all the same"
    rig.board.host(reading=True)
    rig.run(1500)
    rig.board.read()
    assert rig.fields("version")["rig"] == "0.1.0"
    assert rig.fields("health")["errors"] == "0"


def test_ctrl_c_gives_the_port_to_the_interpreter(rig: LoneRig) -> None:
    rig.ask("set DOOR_CLOSED=0")
    assert rig.board.exec("print(6 * 7)") == "42\n"
    assert rig.level("DOOR_CLOSED") == 0, "the room stays as it is"


def test_a_turn_takes_well_under_a_millisecond(rig: LoneRig, figure: Figure) -> None:
    rig.bench.clear_edges()
    rig.run(100)
    turns = sum(edge.level for edge in rig.bench.edges("OUT_LATCH"))
    figure("rig: a turn", round(100_000 / turns), "us", "< 1000")
    assert 100 / turns < 1
