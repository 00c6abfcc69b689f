"""One measured figure of the tests on a stand, with the bounds it was tested against."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

MAX_SAMPLES = 20_000


@dataclass(frozen=True)
class HilFigure:
    """A figure as its test measured it; all numbers are in `unit`.

    `low` and `high` are the test's bounds, both inclusive. `uncertainty` is the half-width of the range in which the
    true value lies, given how it was measured. `truth` is the emulated bench's own value, None on a real stand.
    `samples` are the single measurements behind the value, for a histogram; may be empty. `test` is a pytest id.
    """

    name: str
    value: float
    unit: str
    low: float
    high: float
    uncertainty: float
    truth: float | None
    samples: tuple[float, ...]
    test: str

    @property
    def within(self) -> bool:
        """Whether the value keeps its bounds."""
        return self.low <= self.value <= self.high

    @property
    def bounds(self) -> str:
        """The bounds as text: `low .. high`."""
        return f"{shown(self.low)} .. {shown(self.high)}"

    def check(self) -> None:
        """Raise ValueError for what cannot be a figure: no number, bounds the wrong way round, too many samples."""
        numbers = {"value": self.value, "low": self.low, "high": self.high, "uncertainty": self.uncertainty}
        for what, number in numbers.items():
            if not math.isfinite(number):
                raise ValueError(f"{self.name}: {what} is {number}, it has to be a finite number")
        if self.low > self.high:
            raise ValueError(f"{self.name}: its low bound {self.low} is above its high bound {self.high}")
        if self.uncertainty < 0:
            raise ValueError(f"{self.name}: an uncertainty of {self.uncertainty} is below 0")
        if len(self.samples) > MAX_SAMPLES:
            raise ValueError(
                f"{self.name}: {len(self.samples)} samples, at most {MAX_SAMPLES} are kept; give every nth"
            )

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> HilFigure:
        """Return the figure of parsed JSON, as `dataclasses.asdict` gave it."""
        return cls(**{**data, "samples": tuple(data["samples"])})


def shown(value: float, unit: str = "") -> str:
    """Return a number with up to six digits, whole ones with all of them, and its unit."""
    whole = value == int(value) and abs(value) < 1e12
    return f"{int(value) if whole else format(value, '.6g')} {unit}".strip()


def with_own_names(figures: Sequence[HilFigure]) -> list[HilFigure]:
    """Return the figures under names of their own: one that several tests measured gets the test's name behind it."""
    tests: dict[str, set[str]] = {}
    for figure in figures:
        tests.setdefault(figure.name, set()).add(figure.test)
    return [_named(figure) if len(tests[figure.name]) > 1 else figure for figure in figures]


def _named(figure: HilFigure) -> HilFigure:
    return HilFigure(**{**vars(figure), "name": f"{figure.name}, {figure.test.rpartition('::')[2]}"})
