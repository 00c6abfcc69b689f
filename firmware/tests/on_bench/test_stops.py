"""What stops when one of the stops is taken away, when the CPU halts, and when Python hangs."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
from moments import GATE_CYCLES, GUARD_CYCLES, PERMITS_BY_HAND, Press, dip, within
from stage import CYCLES_A_MS, DRIVEN, SHOTS, TRIGGERS, Figure, Stage, scene, stage

FILTER_AND_DRIVER_US = 10.025
DRIVER_CYCLES = 4
SCRATCH1 = 0x40058010
WATCHDOG_REASON = 0x40058008
TIMED_OUT = 1

WITHOUT_GUARD = """
from tandem.timing.rp2 import programs
programs.guard[0][0] = programs.guard[0][1] = 0xE048
"""
"""Two harmless words (set y, 8) in place of the guard's; the first still ends in the number of SAFE's pin."""

WITHOUT_SELFTEST = """
from tandem import app
def assemble(sequencer, clean, was=app._assemble):
    supervisor = was(sequencer, clean)
    supervisor.selftest = None
    return supervisor
app._assemble = assemble
"""
"""It would find out that the guard holds nothing, and the controller would never arm."""

HEARTBEATS = """
import time
from machine import mem32
for _ in range(12):
    mem32[0xD000001C] = 1 << 6
    time.sleep_ms(5)
"""

HANGS = """
from tandem.timing.rp2 import sequencer
import machine, uctypes
from tandem.safety import supervisor
hang = bytearray(1)
machine.mem32[0x40058010] = uctypes.addressof(hang)
def turn(self, turn=supervisor.Supervisor.turn):
    turn(self)
    while hang[0]:
        pass
supervisor.Supervisor.turn = turn
"""
"""Python hangs, with interrupts alive, right after a healthy turn has allowed permits for 20 ms."""


@pytest.fixture(scope="module")
def press(_session: Stage) -> Press:
    return Press(_session)


@pytest.fixture(scope="module")
def hanging() -> Iterator[Press]:
    with stage("calcinosis-1-combined", prelude=HANGS) as found:
        yield Press(found)


@pytest.fixture(scope="module")
def no_guard() -> Iterator[Press]:
    with stage("calcinosis-1-combined", prelude=WITHOUT_SELFTEST + WITHOUT_GUARD) as found:
        yield Press(found)


@pytest.fixture(scope="module")
def bare_stage() -> Iterator[Stage]:
    with scene() as found:
        yield found


def off_us(stage: Stage, contact: str, opened: int) -> float:
    """Return us from a contact's opening to the last change of a driver's output; all have to be low ever after."""
    opened_ps = next(edge.time_ps for edge in stage.edges(contact, since=opened) if not edge.level)
    last_ps = max((edge.time_ps for edge in stage.edges(DRIVEN, since=opened)), default=opened_ps)
    assert stage.high(DRIVEN) == []
    return (last_ps - opened_ps) / 1e6


@pytest.mark.proves("R-STP-1", "R-STP-5")
def test_the_drivers_alone_stop_four_permitted_shots(bare_stage: Stage, figure: Figure) -> None:
    random = Random(11)
    stage = bare_stage
    stage.bench.run_for(ms=200)
    stage.board.exec_raw(HEARTBEATS)
    assert stage.bench.level("SAFE")
    stage.board.start_raw(WITHOUT_GUARD + PERMITS_BY_HAND + "while True:\n    pass\n")
    stage.told("permitted")
    stage.board.halt_cpu()
    stage.save("permitted")
    stage.run(25 * CYCLES_A_MS)
    gates = stage.rises("CO2_GATE")
    assert len(gates) == len(stage.rises("CO2_GATE_DRV")) == 4, "without a stop all four shots come"
    found: list[float] = []
    for net in ("ESTOP_CLOSED", "DOOR_CLOSED", "KEY_ON") * 10:
        opened = within(random, gates[:3], GATE_CYCLES - 1300)
        values: dict[str, Any] = {net.split("_")[0].lower(): 0}
        stage.again("permitted").bench.part("chain").set(at_cycle=opened, **values)
        stage.run_to(gates[-1] + 5 * CYCLES_A_MS)
        assert len(stage.rises("CO2_GATE")) == 4, "nothing on the chip stops here"
        found.append(off_us(stage, net, opened))
    figure(f"contact opens to drivers off, guard removed, {len(found)} moments", max(found), "us", "10.025")
    assert FILTER_AND_DRIVER_US - 0.01 < min(found) <= max(found) <= FILTER_AND_DRIVER_US + 0.01


@pytest.mark.proves("R-STP-1", "R-STP-5")
def test_a_contact_opens_without_the_guard(no_guard: Press, figure: Figure) -> None:
    random = Random(12)
    found: list[float] = []
    rises: list[int] = []
    moments = [within(random, no_guard.co2[:-1], GATE_CYCLES) for _ in range(12)]
    moments += [random.randrange(no_guard.ps[-1], no_guard.co2[-1]) for _ in range(12)]
    moments += [random.randrange(no_guard.ps[0], no_guard.ps[-1]) for _ in range(8)]
    for opened in moments:
        stage = no_guard.ahead(opened)
        stage.bench.part("chain").set(door=0, at_cycle=opened)
        stage.told(" fault ", timeout_ms=200)
        stage.run_to(max(no_guard.end, stage.cycle))
        found.append(off_us(stage, "DOOR_CLOSED", opened))
        rises.append(len(stage.rises(SHOTS, since=opened + 1300)))
    figure(f"contact opens to drivers off in a session, guard removed, {len(found)} moments", max(found), "us")
    figure("shots that leave the chip, held by the drivers, guard removed", max(rises), "shots", "at most 1")
    assert max(found) <= FILTER_AND_DRIVER_US + 0.01
    assert max(rises) <= 1, "at most the one that had its permit"


@pytest.mark.proves("R-STP-5")
def test_the_guard_alone_stops_a_session_without_the_driver_gate(press: Press, figure: Figure) -> None:
    random = Random(13)
    moments = [within(random, press.co2[:-1], GATE_CYCLES) for _ in range(12)]
    moments += [random.randrange(press.ps[-1], press.co2[-1]) for _ in range(12)]
    moments += [random.randrange(press.ps[0], press.ps[-1]) for _ in range(8)]
    rises: list[int] = []
    for fell in moments:
        stage = press.ahead(fell)
        stage.bench.part("driver").set(gate_removed=True)
        dip(stage, fell, random.choice((3, 100, 12_500)))
        stage.run_to(press.end)
        assert stage.high(TRIGGERS + DRIVEN) == []
        since = fell + GUARD_CYCLES + 1
        rises.append(len(stage.rises(SHOTS, since)) + len(stage.rises(DRIVEN, since + DRIVER_CYCLES)))
    figure(f"shots after SAFE fell, driver gate removed, {len(moments)} moments", sum(rises), "shots", "0")
    assert sum(rises) == 0


def shots_to_the_end(press: Press, stage: Stage, since: int) -> int:
    """Run to the planned end; return the shots that began since a cycle."""
    stage.run_to(press.end)
    return len(stage.rises(("PS_FIRE", "CO2_GATE"), since + 1))


def stops_and_restarts(press: Press, stage: Stage) -> tuple[float, float]:
    """Without heartbeat the part opens SAFE, then the watchdog resets the board. Returns ms of both, from now.

    A fresh controller stands in STANDBY then, and has not fired.
    """
    start_ps = stage.bench.now_ps
    shots_to_the_end(press, stage, stage.cycle)
    start = stage.cycle
    stage.bench.run_until(net="SAFE", level=0, timeout_ms=600)
    safe_ps = stage.bench.now_ps
    assert stage.high(TRIGGERS + DRIVEN) == []
    assert stage.board.word(WATCHDOG_REASON) == 0
    while stage.board.word(WATCHDOG_REASON) != TIMED_OUT:
        stage.bench.run_for(ms=5)
        assert stage.bench.now_ps - start_ps < 1.2e12
    reset_ps = stage.bench.now_ps
    stage.board.resume_cpu()
    stage.boot()
    stage.bench.run_for(ms=500)
    assert stage.state == "STANDBY"
    assert stage.rises(SHOTS, start + 1) == []
    assert stage.high(TRIGGERS + DRIVEN) == []
    return (safe_ps - start_ps) / 1e9, (reset_ps - start_ps) / 1e9


@pytest.mark.proves("R-PER-5")
@pytest.mark.parametrize("laser", ["ps", "co2"])
def test_a_halted_cpu_fires_at_most_once_more(press: Press, laser: str, figure: Figure) -> None:
    random = Random(14)
    shots = press.ps if laser == "ps" else press.co2
    moments = [random.randrange(shots[0], shots[-1]) for _ in range(25)]
    moments += [within(random, [rise - CYCLES_A_MS for rise in shots[1:]], CYCLES_A_MS) for _ in range(20)]
    found: list[int] = []
    for moment in moments:
        stage = press.at(moment)
        stage.board.halt_cpu()
        found.append(shots_to_the_end(press, stage, stage.cycle))
        assert stage.high(TRIGGERS + DRIVEN) == []
    figure(f"shots after the CPU halted, {laser} pass, {len(found)} moments", max(found), "shots", "at most 1")
    assert set(found) == {0, 1}


@pytest.mark.proves("R-SUP-1", "R-STA-1")
def test_a_halted_cpu_opens_safe_and_is_reset(press: Press, figure: Figure) -> None:
    stage = press.at(press.co2[4] + 1000)
    stage.board.halt_cpu()
    safe_ms, reset_ms = stops_and_restarts(press, stage)
    figure("CPU halted to SAFE open", round(safe_ms), "ms", "at most 550")
    figure("CPU halted to reset by the watchdog", round(reset_ms), "ms")


@pytest.mark.proves("R-PER-5")
@pytest.mark.parametrize(("laser", "limit"), [("ps", 1), ("co2", 5)])
def test_a_hanging_python_fires_for_20_ms_at_most(hanging: Press, laser: str, limit: int, figure: Figure) -> None:
    random = Random(15)
    shots = hanging.ps[2:] if laser == "ps" else hanging.co2[:-5]
    found: list[int] = []
    moments = [random.randrange(shots[0], shots[-1]) for _ in range(20 if laser == "co2" else 4)]
    moments += [within(random, [rise - 10 * CYCLES_A_MS for rise in shots[1:]], 10 * CYCLES_A_MS) for _ in range(8)]
    for moment in moments:
        stage = hanging.at(moment)
        stage.board.write_memory(stage.board.word(SCRATCH1), b"\x01")
        found.append(shots_to_the_end(hanging, stage, stage.cycle))
        assert stage.high(TRIGGERS + DRIVEN) == []
    name = f"shots after Python hung with interrupts alive, {laser} pass, {len(found)} moments"
    figure(name, max(found), "shots", f"at most {limit}")
    assert max(found) <= limit


@pytest.mark.proves("R-SUP-1", "R-STA-1")
def test_a_hanging_python_opens_safe_and_is_reset(hanging: Press, figure: Figure) -> None:
    stage = hanging.at(hanging.co2[4] + 1000)
    stage.board.write_memory(stage.board.word(SCRATCH1), b"\x01")
    safe_ms, reset_ms = stops_and_restarts(hanging, stage)
    figure("Python hung to SAFE open", round(safe_ms), "ms", "at most 550")
    figure("Python hung to reset by the watchdog", round(reset_ms), "ms")
