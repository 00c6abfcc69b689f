"""The guard on the chip: SAFE low holds every trigger low within 8 cycles and for ever, whatever the CPU does."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import pytest
from moments import GATE_CYCLES, GUARD_CYCLES, PERMITS_BY_HAND, Press, dip, latency, within
from stage import CYCLES_A_MS, LAMP, SHOTS, Figure, Stage, scene, stage

FIRE_CYCLES = 1250
SYNC_CYCLES = 8
QSW_DELAY_CYCLES = 21_250
LIMIT = f"at most {GUARD_CYCLES}"

CPU = {
    "busy": "machine.disable_irq()\nwhile True:\n    pass\n",
    "flash write": "rp2.Flash().writeblocks(0, bytes(4096))\n",
    "halted": "while True:\n    pass\n",
}


@pytest.fixture(scope="module")
def press(_session: Stage) -> Press:
    return Press(_session)


@pytest.fixture(scope="module")
def lamp_press() -> Iterator[Press]:
    with stage("calcinosis-1-combined", LAMP, ps_laser="lamp_qswitch") as found:
        yield Press(found)


@pytest.fixture(scope="module")
def worst_flash() -> Iterator[Stage]:
    with scene(flash_times="worst") as found:
        yield found


@pytest.mark.proves("R-STP-2")
def test_safe_low_ends_every_trigger_while_the_cpu_fires_normally(press: Press, figure: Figure) -> None:
    random = Random(1)
    spans = (press.co2, GATE_CYCLES, 24), (press.ps, FIRE_CYCLES, 8), (press.rises["SYNC_OUT"], SYNC_CYCLES, 8)
    found: list[int] = []
    for starts, length, count in spans:
        for _ in range(count):
            fell = within(random, starts, length)
            stage = press.ahead(fell)
            dip(stage, fell, random.randrange(3, CYCLES_A_MS))
            stage.run_to(fell + 25 * CYCLES_A_MS)
            found.append(latency(stage, fell))
    assert min(found) > 0
    figure(f"SAFE low to every trigger low, CPU firing, {len(found)} moments", max(found), "cycles", LIMIT)


@pytest.mark.proves("R-STP-2")
@pytest.mark.parametrize("cpu", CPU)
def test_safe_low_ends_every_trigger_whatever_the_cpu_does(worst_flash: Stage, cpu: str, figure: Figure) -> None:
    random = Random(2)
    stage = worst_flash.again("repl")
    stage.bench.part("filter").set(force=1)
    stage.board.start_raw(PERMITS_BY_HAND + CPU[cpu])
    stage.told("permitted")
    stage.run(CYCLES_A_MS)
    if cpu == "halted":
        stage.board.halt_cpu()
    if cpu == "flash write":
        assert stage.board.flash_log()[-1]["duration_ps"] > 300e9
    stage.save("permitted")
    stage.run(25 * CYCLES_A_MS)
    gates = stage.rises("CO2_GATE")
    assert len(gates) == 4, "without a stop all four shots come"
    found: list[int] = []
    for _ in range(25):
        fell = within(random, gates[:3], GATE_CYCLES)
        dip(stage.again("permitted"), fell, random.randrange(3, CYCLES_A_MS), back=1)
        stage.run_to(gates[-1] + 5 * CYCLES_A_MS)
        found.append(latency(stage, fell))
    assert min(found) > 0
    figure(f"SAFE low to every trigger low, CPU {cpu}, {len(found)} moments", max(found), "cycles", LIMIT)


def shots_after(press: Press, fell: int) -> int:
    """Let SAFE fall for 3 cycles; return the rises from then on to the planned end. The fault has to be the guard's."""
    stage = press.ahead(fell)
    dip(stage, fell, 3)
    told = stage.told(" fault ", timeout_ms=200 + (fell - stage.cycle) / CYCLES_A_MS)
    assert "READY" not in told
    assert stage.told(":") == "15 GUARD_TRIPPED:"
    stage.run_to(max(press.end, stage.cycle))
    assert stage.high(SHOTS) == []
    return len(stage.rises(SHOTS, since=fell + GUARD_CYCLES + 1))


@pytest.mark.proves("R-STP-3")
def test_three_cycles_of_safe_low_end_the_burst(press: Press, figure: Figure) -> None:
    random = Random(3)
    first, last = press.co2[0], press.co2[-1]
    moments = [within(random, press.co2[:-1], GATE_CYCLES) for _ in range(14)]
    moments += [random.randrange(first, last) for _ in range(16)]
    moments += [random.randrange(press.ps[-1], first) for _ in range(14)]
    moments += [random.randrange(press.ps[0], press.ps[-1]) for _ in range(12)]
    moments += [within(random, press.ps[1:], FIRE_CYCLES) for _ in range(8)]
    due = [press.left(moment) for moment in moments]
    assert min(due) > 0
    came = [shots_after(press, moment) for moment in moments]
    figure(f"shots after 3 cycles of SAFE low, {len(moments)} moments", sum(came), "shots", "0")
    assert sum(came) == 0


@pytest.mark.proves("R-STP-3", "R-TIM-4")
def test_three_cycles_of_safe_low_withhold_the_q_switch(lamp_press: Press, figure: Figure) -> None:
    random = Random(4)
    assert {qsw - lamp for lamp, qsw in zip(lamp_press.ps, lamp_press.qsw, strict=True)} == {QSW_DELAY_CYCLES}
    moments = [within(random, lamp_press.ps[2:], QSW_DELAY_CYCLES - GUARD_CYCLES) for _ in range(24)]
    came = [shots_after(lamp_press, moment) for moment in moments]
    figure(f"pulses after 3 cycles of SAFE low since the lamp, {len(moments)} moments", sum(came), "pulses", "0")
    assert sum(came) == 0
