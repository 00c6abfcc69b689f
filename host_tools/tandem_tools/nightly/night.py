"""One night: what was run, what it showed, and what that means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Literal

from tandem_tools.nightly import known
from tandem_tools.nightly.figures import HilFigure, shown
from tandem_tools.nightly.judge import Judgement, Reading, judge
from tandem_tools.nightly.known import KnownFailure
from tandem_tools.nightly.recording import Outcome, RunRecord

Verdict = Literal["good", "regression", "failed"]
EXIT_CODES: dict[Verdict, int] = {"good": 0, "failed": 7, "regression": 8}


@dataclass(frozen=True)
class JudgedFigure:
    """A figure and what it was called; `since` is the first night in a row on which it was called a regression."""

    figure: HilFigure
    judgement: Judgement
    since: int | None = None

    @property
    def sentence(self) -> str:
        """What there is to say of a regression, in words and numbers."""
        tonight = f"{self.figure.name}: {shown(self.figure.value, self.figure.unit)}"
        again = f" (so since night {self.since})" if self.since else ""
        return f"{tonight}, {self.judgement.kind}: {self.judgement.text}{again}"


@dataclass(frozen=True)
class JudgedOutcome:
    """How a test ended; `known_until` is set where it was allowed to fail, with the reason."""

    outcome: Outcome
    known_until: date | None = None
    reason: str = ""

    @property
    def fails(self) -> bool:
        """Whether the test fails the night."""
        return self.outcome.outcome == "failed" and self.known_until is None


@dataclass(frozen=True)
class Night:
    """Everything that is kept of a night. `number` is 0 until it is kept; `started` has a time zone.

    `cut` says why the run did not come to its end, empty when it did.
    """

    stand: str
    started: datetime
    seconds: float
    commit: str
    dirty: bool
    versions: Mapping[str, str]
    figures: Sequence[JudgedFigure]
    outcomes: Sequence[JudgedOutcome]
    remarks: Sequence[str] = ()
    cut: str = ""
    number: int = 0

    @property
    def failures(self) -> list[JudgedOutcome]:
        """The tests that fail the night."""
        return [o for o in self.outcomes if o.fails]

    @property
    def known_failures(self) -> list[JudgedOutcome]:
        """The tests that failed and may."""
        return [o for o in self.outcomes if o.known_until is not None]

    @property
    def regressions(self) -> list[JudgedFigure]:
        """The figures that have changed."""
        return [f for f in self.figures if f.judgement.regression]

    @property
    def verdict(self) -> Verdict:
        """The night in one word; a failure counts more than a regression."""
        if self.cut or self.failures:
            return "failed"
        return "regression" if self.regressions else "good"

    @property
    def headline(self) -> str:
        """The verdict in words."""
        ran = f"{_count(len(self.outcomes), 'test')}, {_count(len(self.figures), 'figure')}"
        if self.verdict == "good":
            known_too = f", {_count(len(self.known_failures), 'known failure')}" if self.known_failures else ""
            return f"Good: {ran}, nothing failed and nothing changed{known_too}."
        parts = [f"{_count(len(self.failures), 'test')} failed"] if self.failures else []
        parts += [f"{_count(len(self.regressions), 'figure')} changed"] if self.regressions else []
        said = " and ".join(parts) or "not run to its end"
        return f"{'Failed' if self.verdict == 'failed' else 'Regression'}: {said}, of {ran}."

    @property
    def problems(self) -> list[str]:
        """What is to be looked at, one line each, the gravest first."""
        lines = [self.cut] if self.cut else []
        lines += [f"{o.outcome.test}: {first_line(o.outcome.message)}" for o in self.failures]
        return lines + [f.sentence for f in self.regressions]

    def numbered(self, number: int) -> Night:
        """Return the night under its number."""
        return replace(self, number=number)


def first_line(text: str) -> str:
    """Return the first line of a message, "no message" for an empty one."""
    return text.strip().partition("\n")[0] or "no message"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def judged_outcomes(record: RunRecord, entries: Sequence[KnownFailure], today: date) -> list[JudgedOutcome]:
    """Return how each test ended, known failures named as such."""
    found = []
    for outcome in record.outcomes.values():
        entry = known.until(entries, outcome.test, today) if outcome.outcome == "failed" else None
        found.append(JudgedOutcome(outcome, entry.until, entry.reason) if entry else JudgedOutcome(outcome))
    return found


def judged_figures(
    record: RunRecord, past: Mapping[str, Sequence[Reading]], since: Mapping[str, int], window: int
) -> list[JudgedFigure]:
    """Judge each figure.

    :param past: the good nights of each figure, the oldest first.
    :param since: the first night of those in a row that ended last night, on which a figure was called a regression.
    """
    found = []
    for figure in record.figures:
        reading = Reading(figure.value, figure.uncertainty)
        judgement = judge(reading, past.get(figure.name, ()), figure.unit, window)
        found.append(JudgedFigure(figure, judgement, since.get(figure.name) if judgement.regression else None))
    return found
