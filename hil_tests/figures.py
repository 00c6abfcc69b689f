"""What the tests of a stand share: nominal figures, and statistics of intervals that the rig stamped."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from statistics import fmean

from tandem_tools.rig.clock import STAMP_MOST_CYCLES, Ratio
from tandem_tools.rig.driver import Recording
from tandem_tools.rig.stand import Stand
from tandem_tools.rig.truth import Truth

CLOCK_HZ = 125_000_000
CYCLES_A_US = CLOCK_HZ // 1_000_000
TRIGGERS = ("PS_FIRE", "PS_QSW", "CO2_GATE", "SYNC_OUT")
DRIVEN = ("PS_FIRE_DRV", "PS_QSW_DRV", "CO2_GATE_DRV")
PERIOD = CLOCK_HZ // 200
GATE = 46_875
"""90 mJ at 240 W, cycles."""
NOMINAL_CODE = 2073
"""DAC code of the nominal energy of either laser: 1.65 V above 20 mV in the dark."""
INTERNAL_DELAY = 125
"""From a trigger to light, of the generic lasers, cycles."""
SHORT_TRAIN = 200
DIGITS = 3
TWO_STAMPS = 2 * STAMP_MOST_CYCLES


class Recorded(Recording):
    """Channels by name, and the bench's truth beside them, None on real boards."""

    truth: Truth | None = None

    def true_spans(self, begins: str, ends: str, end_level: int = 1) -> tuple[float, ...] | None:
        """Return the true time from each rise of a signal to each edge of another, in the controller's cycles."""
        if self.truth is None:
            return None
        starts, stops = self.truth.controller_cycles(begins), self.truth.controller_cycles(ends, end_level)
        return tuple(stop - start for start, stop in zip(starts, stops, strict=True))


Record = Callable[..., AbstractContextManager[Recorded]]
"""What the fixture `record` gives."""


@dataclass(frozen=True)
class Intervals:
    """Intervals in the controller's cycles: their mean, the two ends, and how sure the mean is."""

    values: tuple[float, ...]
    uncertainty: float

    @property
    def mean(self) -> float:
        return fmean(self.values)

    @property
    def least(self) -> float:
        return min(self.values)

    @property
    def most(self) -> float:
        return max(self.values)

    def errors(self, nominal: float) -> tuple[float, ...]:
        """Return how far each is off."""
        return tuple(value - nominal for value in self.values)


def intervals(ratio: Ratio, begins: Sequence[int], ends: Sequence[int]) -> Intervals:
    """Return the intervals from each beginning to its end, which the rig stamped in its own cycles."""
    spans = [end - begin for begin, end in zip(begins, ends, strict=True)]
    values = tuple(ratio.cycles(span) for span in spans)
    return Intervals(values, ratio.uncertainty_cycles(max(map(abs, spans)), len(spans)))


def mean_error(values: Sequence[float] | None, nominal: float) -> float | None:
    """Return how far the mean is off, None without values; the bench's picoseconds leave dust, which is rounded off."""
    return None if values is None else round(fmean(values) - nominal, DIGITS) + 0.0


def answer(stand: Stand, ps: int = 0, co2: int = 0, **ps_values: int) -> None:
    """Let both lasers answer so many triggers as they should; the ps laser with other values where they are given."""
    steady = {"energy": NOMINAL_CODE, "delay_cycles": INTERNAL_DELAY, "jitter_cycles": 0, "noise_permille": 0}
    for kind, count, values in (("ps", ps, ps_values), ("co2", co2, {})):
        if count:
            stand.rig.laser(kind, **steady | values)
            stand.rig.load_laser(kind, count)
