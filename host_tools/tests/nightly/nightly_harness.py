"""A small folder of tests on a stand that is not there: run for real, in a process of its own, with the real plugin."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from random import Random

from tandem_tools.nightly import Night, Plan, run_night
from tandem_tools.nightly.figures import HilFigure
from tandem_tools.nightly.night import judged_figures, judged_outcomes
from tandem_tools.nightly.recording import Outcome, RunRecord
from tandem_tools.nightly.store import Store

CONFTEST = """
import pytest

pytest_plugins = ("tandem_tools.nightly.recording",)


def pytest_addoption(parser):
    parser.addoption("--stand")
"""
MEASURING = """
import json
from pathlib import Path
from random import Random

TONIGHT = json.loads(Path(__file__).with_name("tonight.json").read_text())


def test_figures(measured):
    for name, (value, uncertainty) in TONIGHT.items():
        samples = [value - 1, value + 1]
        measured(name, value, "us", low=0, high=1000, uncertainty=uncertainty, truth=value, samples=samples)


def test_that_stands_beside():
    assert True
"""


class Project:
    """A repository with a folder of tests, and where its nights are kept."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "project"
        self.tests = self.root / "hil_tests"
        self.tests.mkdir(parents=True)
        self.plan = Plan("pretended", folder / "state", self.root)
        self.seen: list[tuple[int, int, str, str]] = []
        (self.root / "pytest.ini").write_text("[pytest]\n")
        (self.tests / "conftest.py").write_text(CONFTEST)
        self.write(MEASURING)
        self.tonight(delay=100.0)

    def write(self, tests: str) -> None:
        """Replace the tests."""
        (self.tests / "test_pretended.py").write_text(tests)

    def tonight(self, **values: float | tuple[float, float]) -> None:
        """Say what the tests will measure: values, and uncertainties where they are not 0.01."""
        pairs = {name: value if isinstance(value, tuple) else (value, 0.01) for name, value in values.items()}
        (self.tests / "tonight.json").write_text(json.dumps(pairs))

    def known(self, text: str) -> None:
        """Write the file of known failures."""
        (self.tests / "known_failures.toml").write_text(text)

    def _see(self, done: int, total: int, test: str, outcome: str) -> None:
        self.seen.append((done, total, test, outcome))

    def run(self, plan: Plan | None = None) -> Night:
        """Run a night."""
        return run_night(plan or self.plan, self._see)


def drifting(random: Random, night: int) -> tuple[float, float]:
    """Return value and uncertainty of a figure that drifts for eight nights, and is mended then.

    On night 7 it is still within its uncertainty of the nights before, and seven values that rise are chance once in
    2,520; eight are so once in 20,160.
    """
    return 100 + random.uniform(-1.9, 1.9) + (4 * night if night <= 8 else 0), 10.0


def hil_figure(name: str, value: float, **other: object) -> HilFigure:
    """Return a figure with plain fields, but for those given."""
    fields = {"unit": "us", "low": -1e6, "high": 1e6, "uncertainty": 0.0, "truth": None, "samples": (), "test": "t::t"}
    return HilFigure(name, value, **{**fields, **other})


def pretended_night(store: Store, figures: Sequence[HilFigure], stand: str = "pretended") -> Night:
    """Judge and keep a night that measured these figures."""
    record = RunRecord(list(figures), {"t::t": Outcome("t::t", "passed", "", 1.0)})
    judged = judged_figures(record, store.readings(stand), store.regressed_since(stand), 14)
    outcomes = judged_outcomes(record, [], datetime.now(UTC).date())
    return store.keep(Night(stand, datetime.now(UTC), 61.0, "0" * 40, False, {"tandem": "0"}, judged, outcomes))
