"""Two crystals: how many of the controller's cycles one of the rig's lasts, how sure that is, and what follows.

The rig stamps edges in its own cycles. The controller, asked over its interpreter, makes a square wave of a known
period in its own cycles on SYNC_OUT, where no laser is. A straight line through the stamps gives the ratio.

A stamp is wrong by what the two rasters leave: the input synchroniser's (up to one cycle) and the stamp machine's loop
(up to two). With its mean taken off that is within one cycle, 0.58 cycles rms.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

STAMP_MOST_CYCLES = 1.0
"""Largest error of one stamp, in the rig's cycles."""
STAMP_RMS_CYCLES = 1 / math.sqrt(3)
"""Root mean square of a stamp's error where rasters drift against each other, in cycles."""
COVERAGE = 3
"""Standard deviations that an uncertainty of a mean spans."""
DRIFT_PPM = 0.01
"""What two crystals may drift against each other within a test (estimate: seconds at room temperature)."""
MOST_PPM = 100.0
"""Difference of two sound crystals; more means a wrong clock, or a wire that is off."""
NOMINAL_HZ = 125_000_000


class ClockError(Exception):
    """The ratio of the crystals cannot be told from these stamps."""


@dataclass(frozen=True)
class Ratio:
    """`value`: controller's cycles in one of the rig's; `uncertainty_ppm`: of it, drift included."""

    value: float
    uncertainty_ppm: float

    @property
    def ppm(self) -> float:
        """How much faster the controller's crystal is than the rig's."""
        return (self.value - 1) * 1e6

    def cycles(self, rig_cycles: float) -> float:
        """Return an interval in the controller's cycles."""
        return rig_cycles * self.value

    def uncertainty_cycles(self, rig_cycles: float, count: int = 1) -> float:
        """Return how far the mean of `count` intervals of this length may be off, in the controller's cycles.

        One interval has two stamps, each within a cycle. A mean of many is judged by their spread, but never taken for
        better than a tenth of a cycle, since the rasters need not mix.
        """
        stamps = 2 * STAMP_MOST_CYCLES
        if count > 1:
            stamps = min(stamps, max(0.1, COVERAGE * math.sqrt(2) * STAMP_RMS_CYCLES / math.sqrt(count)))
        return stamps + abs(rig_cycles) * self.uncertainty_ppm * 1e-6


EQUAL = Ratio(1.0, 0.0)


def ratio_of(rises: Sequence[int], period_cycles: int) -> Ratio:
    """Return the ratio out of the stamps (rig's cycles) of a wave's rises, `period_cycles` of the controller apart.

    Raises ClockError when there are under 100, when one is missing, or when no two sound crystals differ so much.
    """
    if len(rises) < 100:
        raise ClockError(
            f"{len(rises)} rises of the controller's wave were stamped, at least 100 are needed: see that "
            "SYNC_OUT is connected (tandem rig check)"
        )
    middle = (len(rises) - 1) / 2
    mean = sum(rises) / len(rises)
    below = sum((i - middle) ** 2 for i in range(len(rises)))
    slope = sum((i - middle) * (rise - mean) for i, rise in enumerate(rises)) / below
    worst = max(abs(rise - mean - slope * (i - middle)) for i, rise in enumerate(rises))
    ppm = (period_cycles / slope - 1) * 1e6
    if abs(ppm) > MOST_PPM:
        raise ClockError(
            f"the controller's crystal seems {ppm:.1f} ppm off the rig's, sound ones differ by at most "
            f"{MOST_PPM:.0f}: see that both run at {NOMINAL_HZ // 1_000_000} MHz (tandem rig info)"
        )
    if worst > 2 * STAMP_MOST_CYCLES + period_cycles * DRIFT_PPM * 1e-6:
        raise ClockError(
            f"a rise of the controller's wave is {worst:.1f} cycles off the line through all of them: an "
            "edge was missed, or SYNC_OUT picks up noise (tandem rig check)"
        )
    of_slope = COVERAGE * STAMP_RMS_CYCLES / math.sqrt(below)
    return Ratio(period_cycles / slope, of_slope / slope * 1e6 + DRIFT_PPM)
