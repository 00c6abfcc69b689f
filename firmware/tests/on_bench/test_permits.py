"""One permit, one shot: a permit that comes a cycle too late, or is not given, never fires."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest
from burst import prepare
from stage import CLOCK_HZ, CYCLES_A_MS, Figure, Stage, stage
from train import PRELUDE

PERIOD = CLOCK_HZ // 200
LEAD = 125_003
"""From the pacer's interrupt to its slot, cycles."""
DECISION = 15 * 125
"""What the plan allows a decision, cycles."""
SLOT_TO_GATE = 12
SLOT_TO_PULL = SLOT_TO_GATE - 5
"""From SYNC_OUT's rise to the cycle in which the shot program takes its permit: OUT, two JMPs, SET, the pin follow."""
PIO0, FLEVEL, IRQ, CO2 = 0x50200000, 0x0C, 0x30, 2
LOCKED = 1 << CO2
MARK = "controller.GP25"

# The function waits for the pacer's flag, 125,003 cycles ahead of the slot, spins (three cycles a count, one a NOP),
# toggles GP25 in one cycle, and writes the permit with its next instruction. The handlers are off: nobody else permits.
_SHOOT = """
from machine import Pin
import micropython
Pin(25, Pin.OUT, value=0)

@micropython.asm_thumb
def shoot(r0, r1, r2, r3):
    cpsid(0)
    mov(r5, 1)
    mov(r6, 1)
    lsl(r6, r6, 25)
    label(AHEAD)
    ldr(r4, [r0, 0x18])
    and_(r4, r5)
    beq(AHEAD)
    label(SPIN)
    sub(r2, 1)
    bne(SPIN)
{nops}
    str(r6, [r3, 0])
    str(r1, [r0, 0])
    cpsie(0)

go()
mem32[reg.NVIC_DISABLE] = reg.IRQS
shoot(reg.PIO0 + reg.PIO_TXF + 8, 1248, {count}, reg.SIO_OUT_XOR)
"""


def shoot(bare: Stage, count: int, nops: int) -> tuple[int, str]:
    """Write a permit about its slot; return (cycles from the slot's look at the FIFO to the write, what came of it)."""
    bare.again("armed")
    since = bare.cycle
    bare.board.exec_raw(_SHOOT.format(nops="    nop()\n" * nops, count=count))
    bare.bench.run_for(us=100)
    (slot,) = bare.rises("SYNC_OUT", since)
    (marked,) = bare.rises(MARK, since)
    locked = bare.board.word(PIO0 + IRQ) & LOCKED
    waiting = bare.board.word(PIO0 + FLEVEL) >> 8 * CO2 & 15
    bare.bench.run_for(ms=20)
    gates = bare.rises("CO2_GATE", since)
    assert len(bare.rises("SYNC_OUT", since)) >= 4, "the pacer does not go on"
    assert bare.board.word(PIO0 + IRQ) & LOCKED, "the machine is not locked in the end"
    offset = marked + MARK_TO_WRITE - (slot + SLOT_TO_PULL)
    if gates == [slot + SLOT_TO_GATE]:
        assert (locked, waiting) == (0, 0)
        return offset, "fires"
    assert (gates, locked, waiting) == ([], LOCKED, 1)
    return offset, "locked"


MARK_TO_WRITE = 1
"""A store to a pin takes one cycle, so that the next store begins in the cycle after it."""


@pytest.mark.proves("R-PER-1", "R-PER-2")
def test_a_permit_that_comes_too_late_by_a_cycle_never_fires(bare: Stage, figure: Figure) -> None:
    prepare(bare, kind="co2", count=5, period_cycles=PERIOD, gate_cycles=1250)
    bare.save("armed")
    offset, _ = shoot(bare, 41_600, 0)
    count = 41_600 - (offset + 12) // 3
    found: dict[int, str] = {}
    for nops in range(24):
        offset, came = shoot(bare, count, nops)
        assert found.setdefault(offset, came) == came
    last = max(offset for offset, came in found.items() if came == "fires")
    around = {offset - last: found.get(offset, "not tried") for offset in range(last - 3, last + 5)}
    table = ", ".join(f"{offset:+d} {came}" for offset, came in around.items())
    figure("permit written that many cycles from the last moment that fires", table)
    figure("last moment that fires, from the cycle in which the slot looks for it", last, "cycles", "-3 to 3")
    assert all(came == ("fires" if offset <= last else "locked") for offset, came in found.items())
    assert list(around.values()) == ["fires"] * 4 + ["locked"] * 4
    assert -3 <= last <= 3


@pytest.fixture(scope="module")
def _scan() -> Iterator[Stage]:
    with stage("short", PRELUDE) as found:
        found.press()
        found.run_to_shot("CO2_GATE", 5)
        found.save("fifth shot")
        yield found


@pytest.mark.proves("R-PED-6")
@pytest.mark.parametrize("bounce_ms", [0, 3])
def test_a_pedal_that_opens_stops_the_next_shot(_scan: Stage, bounce_ms: int, figure: Figure) -> None:
    after: Counter[str] = Counter()
    shutter_ms = 0.0
    for step in range(50):
        scan = _scan.again("fifth shot")
        gate = scan.cycle
        opened = gate + 1 + step * PERIOD // 50
        scan.bench.part("pedal").set(bounce_ms=bounce_ms)
        scan.bench.part("pedal").set(release=True, at_cycle=opened)
        scan.told("state READY: the pedal was released", timeout_ms=150)
        (shut,) = [edge.cycle for edge in scan.edges("CO2_SHUTTER", gate)]
        shutter_ms = max(shutter_ms, (shut - opened) / CYCLES_A_MS)
        scan.bench.run_for(ms=15)
        contact = [edge.cycle for edge in scan.edges("FOOT_NO", gate)]
        assert contact[0] == opened
        assert len(contact) == (7 if bounce_ms else 1)
        shots = len([cycle for cycle in scan.rises("CO2_GATE", gate) if cycle > opened])
        ahead = gate - SLOT_TO_GATE + PERIOD - opened
        late = ahead < LEAD + DECISION
        after[f"{shots} after opening {'less' if late else 'more'} than 1.015 ms ahead of the slot"] += 1
        assert shots <= (1 if late else 0), f"opened {ahead} cycles ahead of a slot"
        if not step % 10:
            assert scan.state == "READY"
            assert scan.fields("status")["pattern"] == "incomplete"
    told = "; ".join(f"{count} x {what}" for what, count in sorted(after.items()))
    figure(f"shots after the pedal opened at 50 moments, contacts bouncing {bounce_ms} ms", told)
    figure(
        f"pedal opens to the shutter's coil off, contacts bouncing {bounce_ms} ms", round(shutter_ms, 1), "ms", "<= 5"
    )
    assert shutter_ms <= 15
