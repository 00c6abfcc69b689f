"""What is called a regression: one figure of tonight against the nights before. docs/nightly.md gives the reasons.

All functions are pure. Three checks, each against good nights of the same figure on the same stand:

- jump: tonight is further from the median of the recent nights, or of those before the last five, than their scatter
  explains (a drift that has begun widens the scatter of the recent nights, and would hide itself);
- drift: the recent nights and tonight rise or fall so steadily that chance does not explain it;
- creep: the last nights have left the first ones, in steps too small for the other two.

No change within what the measurement itself resolves is called anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from math import factorial
from statistics import fmean, median
from typing import Literal

from tandem_tools.nightly.figures import shown

WINDOW = 14
"""Nights that tonight is compared with; also the first nights that creep is measured from."""
LEAST = 5
"""Nights without which nothing is judged."""
JUMP_SCALES = 6.0
CREEP_SCALES = 4.0
LATEST = 5
"""The last nights: taken together for creep, and left out of a jump's second comparison."""
DRIFT_CHANCE = 5e-5
"""Chance of as steady a rise or fall among values in random order, below which it is a drift."""

NORMAL_MAD = 1.4826
"""Standard deviation of a normal distribution over its median absolute deviation."""
NORMAL_MEAN_DEVIATION = 1.2533
"""The same over its mean absolute deviation: sqrt(pi / 2)."""
STEPS = {"cycle": 1.0, "cycles": 1.0}
"""One step of a unit that is counted: such a figure may differ by one where no uncertainty is stated."""
ROUNDING = 1e-12
"""Part of a value that is rounding of floating point."""

Kind = Literal["learning", "steady", "jump", "drift", "creep"]


@dataclass(frozen=True)
class Reading:
    """A figure of one night."""

    value: float
    uncertainty: float = 0.0


@dataclass(frozen=True)
class Judgement:
    """What tonight's value is, compared with `nights` nights before.

    `median` and `allowed`, None while learning: the recent nights' median, and how far off it tonight may be.
    """

    kind: Kind
    nights: int
    median: float | None
    allowed: float | None
    text: str

    @property
    def regression(self) -> bool:
        """Whether the figure has changed."""
        return self.kind in ("jump", "drift", "creep")


def judge(tonight: Reading, past: Sequence[Reading], unit: str, window: int = WINDOW) -> Judgement:
    """Judge a figure by its good nights, the oldest first, all since it was last accepted."""
    recent = past[-window:]
    if len(recent) < LEAST:
        return Judgement("learning", len(recent), None, None, f"being learned: {len(recent)} of {LEAST} nights so far")
    middle = median(r.value for r in recent)
    resolves = resolution(tonight, recent, unit)
    allowed = explained(tonight, recent, unit)
    kind, text = "steady", "as the nights before"
    if jumped := _jump(tonight, recent, unit) or _jump(tonight, past[:-LATEST][-window:], unit):
        kind, text = "jump", jumped
    elif moved := _drift(tonight, recent, resolves):
        kind, text = (
            "drift",
            f"{told(abs(moved), unit)} {'up' if moved > 0 else 'down'}, steadily in {len(recent)} nights",
        )
    elif left := _creep(tonight, past, window, resolves):
        kind, text = "creep", f"the last {LATEST} nights are {told(left, unit)} off the first {window}"
    return Judgement(kind, len(recent), middle, allowed, text)


def scale(values: Sequence[float]) -> float:
    """Return the scatter of values as a standard deviation, hardly moved by single values far off.

    It is the larger one of the median and the mean absolute deviation from the median, each as it would be of a normal
    distribution: the median alone is far too small too often when there are few values.
    """
    middle = median(values)
    deviations = [abs(v - middle) for v in values]
    return max(NORMAL_MAD * median(deviations), NORMAL_MEAN_DEVIATION * fmean(deviations))


def jump_limit(values: Sequence[float]) -> float:
    """Return how far off its median another value may be: 6 scales of many nights, 15 of five, which say less."""
    return JUMP_SCALES * scale(values) * len(values) / (len(values) - 3)


def explained(tonight: Reading, nights: Sequence[Reading], unit: str) -> float:
    """Return how far off the median of nights tonight may be."""
    return max(jump_limit([r.value for r in nights]), resolution(tonight, nights, unit))


def told(value: float, unit: str = "") -> str:
    """Return a change in three digits with its unit: more say nothing."""
    return shown(float(format(value, ".3g")), unit)


def _jump(tonight: Reading, nights: Sequence[Reading], unit: str) -> str:
    """Return what tonight is off these nights, empty when they explain it or are too few."""
    if len(nights) < LEAST:
        return ""
    off = tonight.value - median(r.value for r in nights)
    allowed = explained(tonight, nights, unit)
    if abs(off) <= allowed:
        return ""
    where = "above" if off > 0 else "below"
    return f"{told(abs(off), unit)} {where} the median of {len(nights)} nights; {told(allowed)} is explained"


def resolution(tonight: Reading, recent: Sequence[Reading], unit: str) -> float:
    """Return the smallest change that can be told: the uncertainties of both sides, or else one step of the unit."""
    uncertainty = tonight.uncertainty + median(r.uncertainty for r in recent)
    return (uncertainty or STEPS.get(unit, 0.0)) + ROUNDING * abs(tonight.value)


def _drift(tonight: Reading, recent: Sequence[Reading], resolves: float) -> float:
    """Return by how much a figure moved over the recent nights, 0 when that is no drift.

    Mann and Kendall's test says whether (Mann 1945, exact for few values), Theil and Sen's slope how far.
    """
    values = [*(r.value for r in recent), tonight.value]
    pairs = list(combinations(enumerate(values), 2))
    order = sum((b > a) - (b < a) for (_, a), (_, b) in pairs)
    if chance_of_order(len(values), abs(order)) > DRIFT_CHANCE:
        return 0.0
    moved = median((b - a) / (j - i) for (i, a), (j, b) in pairs) * len(recent)
    onward = (tonight.value - median(values)) * moved > 0
    return moved if onward and abs(moved) > resolves else 0.0


@lru_cache(maxsize=4096)
def chance_of_order(count: int, order: int) -> float:
    """Return the chance that values in random order have at least this |Kendall's S|, rising or falling.

    S is how many pairs rise less how many fall: `pairs - 2 * inversions`.
    """
    pairs = count * (count - 1) // 2
    inversions = [1]
    for n in range(2, count + 1):
        inversions = [sum(inversions[max(0, k - n + 1) : k + 1]) for k in range(n * (n - 1) // 2 + 1)]
    as_steady = sum(inversions[: (pairs - order) // 2 + 1])
    return min(1.0, 2 * as_steady / factorial(count))


def _creep(tonight: Reading, past: Sequence[Reading], window: int, resolves: float) -> float:
    """Return how far the last nights' median is off the first nights', 0 when that is no creep."""
    last = [*(r.value for r in past[window:]), tonight.value][-LATEST:]
    if len(last) < LATEST:
        return 0.0
    first = [r.value for r in past[:window]]
    left = median(last) - median(first)
    return left if abs(left) > max(CREEP_SCALES * scale(first), resolves) else 0.0
