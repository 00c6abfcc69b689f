"""What the last runs of the tests showed: outcomes of tests that name requirements, and measured figures.

The conftest.py at the repository's root writes both into build/ at the end of each run, and reads nothing back.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from tandem_tools.trace.errors import TraceError

if TYPE_CHECKING:
    import pytest

OUTCOMES = "build/outcomes.json"
FIGURES = "build/figures.json"
PROVES = "proves"
FIGURE = "figure"
NOT_YET = "not yet measured"

Figure = dict[str, Any]
"""`name`, `value`, `unit`, `limit`, `test`."""
Result = Literal["passed", "failed", "skipped"]


@dataclass(frozen=True)
class Outcome:
    """How one test ended, and the requirements that it names."""

    test: str
    proves: tuple[str, ...]
    outcome: Result

    @property
    def function(self) -> str:
        """The test without its parameters: `file::test_name`."""
        return self.test.partition("[")[0]


@dataclass(frozen=True)
class Evidence:
    """Outcomes of the tests that name requirements, and all figures, each sorted by test."""

    outcomes: tuple[Outcome, ...]
    figures: tuple[Figure, ...]

    def of(self, requirement: str) -> tuple[Outcome, ...]:
        """Return the outcomes of the tests that name a requirement."""
        return tuple(o for o in self.outcomes if requirement in o.proves)

    def figures_of(self, requirement: str) -> tuple[Figure, ...]:
        """Return the figures that those tests measured."""
        tests = {o.test for o in self.of(requirement)}
        return tuple(f for f in self.figures if f["test"] in tests)


def shown(figure: Figure) -> str:
    """Return a figure's value, with up to six digits, and its unit."""
    value = figure["value"]
    digits = f"{value:.6g}" if isinstance(value, float) else str(value)
    return f"{digits} {figure['unit']}".strip()


def of_reports(reports: Iterable[pytest.TestReport]) -> Evidence:
    """Return what a run showed. A test failed if any of its parts did, and passed only if its call did."""
    parts: dict[str, list[pytest.TestReport]] = {}
    for report in reports:
        parts.setdefault(report.nodeid, []).append(report)
    outcomes = [_outcome(test, own) for test, own in sorted(parts.items())]
    found = [json.loads(str(v)) for own in parts.values() for r in own for key, v in r.user_properties if key == FIGURE]
    unique = {(f["test"], f["name"]): f for f in found}
    return Evidence(tuple(o for o in outcomes if o), tuple(unique[key] for key in sorted(unique)))


def _outcome(test: str, reports: Sequence[pytest.TestReport]) -> Outcome | None:
    """Return None for a test that names no requirement."""
    named = [json.loads(str(value)) for r in reports for key, value in r.user_properties if key == PROVES]
    if not named:
        return None
    outcome: Result = "passed" if any(r.when == "call" and r.outcome == "passed" for r in reports) else "skipped"
    if any(r.outcome == "failed" for r in reports):
        outcome = "failed"
    return Outcome(test, tuple(named[0]), outcome)


def load(root: Path) -> Evidence:
    """Return what was kept. TraceError when no test was run yet."""
    path = root / OUTCOMES
    if not path.exists():
        raise TraceError(f"{OUTCOMES} is missing: run make test first")
    outcomes = [Outcome(o["test"], tuple(o["proves"]), o["outcome"]) for o in json.loads(path.read_text())]
    figures = root / FIGURES
    return Evidence(tuple(outcomes), tuple(json.loads(figures.read_text()) if figures.exists() else ()))


def keep(root: Path, new: Evidence, replaced: Callable[[str], bool]) -> None:
    """Keep what a run showed beside what earlier runs showed of other tests.

    `replaced` tells of a test (its pytest id) whether its earlier results are to be forgotten.
    """
    outcomes, figures = list(new.outcomes), list(new.figures)
    names = {f["name"] for f in figures}
    if (root / OUTCOMES).exists():
        kept = load(root)
        outcomes += [o for o in kept.outcomes if not replaced(o.test)]
        figures += [f for f in kept.figures if not replaced(f["test"]) and f["name"] not in names]
    (root / OUTCOMES).parent.mkdir(exist_ok=True)
    _write(root / OUTCOMES, [asdict(o) for o in sorted(outcomes, key=lambda o: o.test)])
    _write(root / FIGURES, sorted(figures, key=lambda f: (f["test"], f["name"])))


def _write(path: Path, data: list[dict[str, Any]]) -> None:
    path.write_text(json.dumps(data, indent=1) + "\n")
