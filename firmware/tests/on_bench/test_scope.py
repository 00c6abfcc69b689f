"""One pulse on one output, for an oscilloscope: its width exact, its stops those of every shot."""

from __future__ import annotations

from random import Random

import pytest
from moments import GUARD_CYCLES, dip, latency
from stage import CYCLES_A_MS, DRIVEN, TRIGGERS, Figure, Stage

PINS = {"PS_FIRE": 2, "PS_QSW": 3, "CO2_GATE": 4, "SYNC_OUT": 5}
SETUP = """
from tandem.timing.rp2.sequencer import Rp2Sequencer
from tandem.timing.rp2 import pio, scope
from tandem.timing.rp2 import registers as reg
s = Rp2Sequencer()
"""
PIO0 = 0x50200000
GUARD_ALONE = 1 << 3


@pytest.fixture
def ready(bare: Stage) -> Stage:
    """A board that has made nothing yet; SAFE is held closed."""
    bare.bench.part("filter").set(force=1)
    bare.board.exec_raw(SETUP)
    bare.bench.clear_edges()
    bare.save("ready to pulse")
    return bare


def pulses(stage: Stage) -> list[tuple[str, int]]:
    """Return (net, width in cycles) of all pulses of the four outputs, which have to be low at the end."""
    found: list[tuple[str, int]] = []
    up: dict[str, int] = {}
    for edge in stage.edges(TRIGGERS):
        if edge.level:
            up[edge.net] = edge.cycle
        elif edge.net in up:
            found.append((edge.net, edge.cycle - up.pop(edge.net)))
    assert stage.high(TRIGGERS + DRIVEN) == []
    return found


@pytest.mark.parametrize("net", TRIGGERS)
def test_one_pulse_on_one_output_as_wide_as_asked(ready: Stage, net: str, figure: Figure) -> None:
    widths = (3, 4, 8, 1250, 46_875, 131_073)
    errors: list[int] = []
    for width in widths:
        ready.again("ready to pulse")
        assert ready.board.exec_raw(f"print(scope.pulse_once(s, {PINS[net]}, {width}))").strip() == "True"
        ready.bench.run_for(ms=20)
        ((found, wide),) = pulses(ready)
        assert found == net
        errors.append(abs(wide - width))
        assert ready.board.word(PIO0) & 0xF == GUARD_ALONE
    figure(
        f"pulse for the oscilloscope on {net}, width, {len(widths)} widths, largest error", max(errors), "cycles", "0"
    )
    assert max(errors) == 0


@pytest.mark.proves("R-SRV-2")
def test_ten_pulses_at_5_hz_and_then_an_arming(ready: Stage) -> None:
    ready.board.exec_raw(
        "import time\nfor _ in range(10):\n    assert scope.pulse_once(s, 4, 1250)\n    time.sleep_ms(200)", 5000
    )
    assert pulses(ready) == [("CO2_GATE", 1250)] * 10
    ready.board.exec_raw("s.arm()")
    assert len(pulses(ready)) == 10


@pytest.mark.parametrize(
    ("pin", "width", "told"),
    [
        (4, 2, "3 to 131073 allowed"),
        (4, 131_074, "3 to 131073 allowed"),
        (4, -1, "3 to 131073 allowed"),
        (6, 1250, "no trigger"),
        (7, 1250, "no trigger"),
        (25, 1250, "no trigger"),
    ],
)
def test_what_the_word_cannot_hold_is_refused(ready: Stage, pin: int, width: int, told: str) -> None:
    said = ready.board.exec_raw(
        f"try:\n    scope.pulse_once(s, {pin}, {width})\nexcept ValueError as error:\n    print(error)"
    )
    assert told in said
    ready.bench.run_for(ms=5)
    assert ready.rises(TRIGGERS) == []


def test_without_safe_there_is_no_pulse(ready: Stage) -> None:
    ready.bench.part("filter").set(force=0)
    assert ready.board.exec_raw("print(scope.pulse_once(s, 4, 1250))").strip() == "False"
    ready.bench.run_for(ms=10)
    assert ready.rises(TRIGGERS) == []


def test_three_cycles_of_safe_low_before_the_pulse_let_none_out(ready: Stage) -> None:
    random = Random(33)
    ready.board.start_raw("print(scope.pulse_once(s, 4, 1250))")
    ready.save("called")
    start = ready.run_to_shot("CO2_GATE")
    for _ in range(20):
        fell = start - GUARD_CYCLES - random.randrange(10_000)
        ready.again("called")
        dip(ready, fell, 3, back=1)
        ready.told("False", timeout_ms=100)
        assert ready.rises(TRIGGERS) == []


@pytest.mark.parametrize("net", TRIGGERS)
def test_safe_low_ends_the_pulse(ready: Stage, net: str, figure: Figure) -> None:
    random = Random(31)
    width = 100_000
    ready.board.start_raw(f"print(scope.pulse_once(s, {PINS[net]}, {width}))")
    ready.save("called")
    start = ready.run_to_shot(net)
    found: list[int] = []
    for _ in range(25):
        fell = start + random.randrange(1, width - GUARD_CYCLES)
        dip(ready.again("called"), fell, random.randrange(3, CYCLES_A_MS), back=1)
        ready.told("False", timeout_ms=100)
        ready.bench.run_for(ms=5)
        found.append(latency(ready, fell))
        assert len(ready.rises(TRIGGERS)) == 1
    assert min(found) > 0
    figure(
        f"SAFE low to the end of a pulse for the oscilloscope on {net}, 25 moments", max(found), "cycles", "at most 8"
    )


def test_a_halted_cpu_leaves_at_most_this_one_pulse(ready: Stage, figure: Figure) -> None:
    random = Random(32)
    width = 50_000
    ready.board.start_raw(f"scope.pulse_once(s, 4, {width})")
    ready.save("called")
    called = ready.cycle
    start = ready.run_to_shot("CO2_GATE")
    moments = [random.randrange(called, start) for _ in range(20)]
    moments += [start - 200 + 20 * step for step in range(20)]
    moments += [start + random.randrange(width + CYCLES_A_MS) for _ in range(20)]
    came: list[int] = []
    for moment in moments:
        ready.again("called").run_to(moment)
        ready.board.halt_cpu()
        ready.bench.run_for(ms=50)
        found = pulses(ready)
        assert found in ([], [("CO2_GATE", width)]), f"halted in cycle {moment}"
        came.append(len(found))
    figure(
        f"pulses for the oscilloscope after the CPU halted, {len(moments)} moments", max(came), "pulses", "at most 1"
    )
    assert set(came) == {0, 1}
