"""One press of the pedal, known in advance, and any moment of it to come back to."""

from __future__ import annotations

from random import Random

from stage import CYCLES_A_MS, SHOTS, TRIGGERS, Stage

LEAD_CYCLES = 3 * CYCLES_A_MS
GUARD_CYCLES = 8
"""Within so many cycles after SAFE fell every trigger is low."""
GATE_CYCLES = 46_875

PERMITS_BY_HAND = """
import machine, rp2
from array import array
from machine import mem32
from tandem.timing import sequencer as contract
from tandem.timing.rp2 import registers as reg, sequencer
s = sequencer.Rp2Sequencer()
b = contract.Burst()
b.count = 4
b.codes = array("H", bytes(16))
b.period_cycles = 625000
b.gate_cycles = 46875
b.co2_window_cycles = 60000
s.load(b)
s.arm()
s.start()
mem32[reg.NVIC_DISABLE] = (1 << reg.IRQ_PIO0_1) | (1 << reg.IRQ_PIO1_1)
for _ in range(4):
    mem32[reg.PIO0 + reg.PIO_TXF + 4 * sequencer.CO2] = b.gate_cycles - 2
print("permitted")
"""
"""Four shots of 375 us, 5 ms apart, all permitted at once: after the last line nothing needs the CPU.

With a scanner the shot program asks for SCAN_OK, not for SAFE: so nothing but guard and drivers look at SAFE.
"""


class Press:
    """A press that was first made to its end, so that every later trial knows what would have come.

    `rises` of the four triggers, `end` of the planned time, 10 ms after the last shot. `at` goes to any cycle of it.
    """

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        stage.again()
        self.start = stage.press()
        stage.told("state READY", timeout_ms=4000)
        self.rises = {net: stage.rises(net) for net in TRIGGERS}
        self.ps = self.rises["PS_FIRE"]
        self.qsw = self.rises["PS_QSW"]
        self.co2 = self.rises["CO2_GATE"]
        self.end = max(self.ps + self.co2) + 10 * CYCLES_A_MS
        stage.again()
        stage.press()
        self._saved = [(self.start, "pressed")]
        stage.save("pressed")
        for shot in sorted(self.ps + self.co2):
            if shot - LEAD_CYCLES > stage.cycle:
                stage.run_to(shot - LEAD_CYCLES)
                self._saved.append((stage.cycle, f"before {shot}"))
                stage.save(f"before {shot}")

    def saved_before(self, cycle: int) -> int:
        """Return the cycle of the last saved moment up to a cycle, from which `at` would go there."""
        return max(saved for saved, _ in self._saved if saved <= cycle)

    def at(self, cycle: int) -> Stage:
        """Return the stage at a cycle, or a few cycles later: the CPU ends its instruction."""
        name = max(saved for saved in self._saved if saved[0] <= cycle)[1]
        self.stage.again(name)
        if cycle > self.stage.cycle:
            self.stage.run_to(cycle)
        return self.stage

    def ahead(self, cycle: int) -> Stage:
        """Return the stage at a saved moment before a cycle, for what is to happen at this very cycle."""
        return self.at(max(self.start, cycle - LEAD_CYCLES))

    def left(self, cycle: int, nets: tuple[str, ...] = SHOTS) -> int:
        """Return how many rises of nets would have come after a cycle."""
        return sum(rise > cycle for net in nets for rise in self.rises[net])


def within(random: Random, starts: list[int], length: int) -> int:
    """Return a cycle, drawn evenly, in one of the spans that begin at `starts`."""
    return random.choice(starts) + random.randrange(length)


def dip(stage: Stage, cycle: int, cycles: int, back: int | None = None) -> None:
    """Let SAFE be low from a cycle on for some cycles; then `back` holds it, None: what chain and filter say."""
    stage.bench.part("filter").set(force=0, at_cycle=cycle)
    stage.bench.part("filter").set(force=back, at_cycle=cycle + cycles)


def latency(stage: Stage, fell: int) -> int:
    """Return cycles from the fall of SAFE to all four triggers low; they have to be low ever after.

    Only for a moment at which a trigger was high: -1 when none fell.
    """
    edges = stage.edges(TRIGGERS, since=fell)
    late = [edge for edge in edges if edge.cycle > fell + GUARD_CYCLES]
    assert late == [], f"SAFE fell in cycle {fell}"
    assert stage.high(TRIGGERS) == []
    return max((edge.cycle - fell for edge in edges), default=-1)
