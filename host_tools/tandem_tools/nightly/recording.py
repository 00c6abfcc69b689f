"""The part of a test run on a stand that records its figures; a pytest plugin.

A conftest.py takes it with `pytest_plugins = ("tandem_tools.nightly.recording",)`. It brings the fixture `measured`,
prints every figure at the end of a run, also on a pass, and adds two options: `--figures=FILE` writes figures and
outcomes as JSON when the run ends, `--follow-fd=N` writes a line of JSON to an open pipe as each test begins and ends.
Works with pytest-xdist too: what a test records travels with its report.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

import pytest

from tandem_tools.nightly.figures import HilFigure, shown, with_own_names
from tandem_tools.trace import evidence

HIL_FIGURE = "hil_figure"
MESSAGE_CHARACTERS = 4000

Result = Literal["passed", "failed", "skipped"]


@dataclass(frozen=True)
class Outcome:
    """How one test ended; `message` is empty for a test that passed."""

    test: str
    outcome: Result
    message: str
    seconds: float


@dataclass
class RunRecord:
    """What a run showed: figures, and the outcome of every test that was begun."""

    figures: list[HilFigure] = field(default_factory=list)
    outcomes: dict[str, Outcome] = field(default_factory=dict)

    def add(self, report: pytest.TestReport) -> None:
        """Take in one part (set-up, call, tear-down) of a test. It failed if any part did."""
        before = self.outcomes.get(report.nodeid, Outcome(report.nodeid, "passed", "", 0.0))
        outcome, message = before.outcome, before.message
        if report.failed or (report.skipped and outcome == "passed"):
            outcome, message = report.outcome, _message(report)
        self.outcomes[report.nodeid] = Outcome(report.nodeid, outcome, message, before.seconds + report.duration)

    def save(self, path: Path) -> None:
        """Write the record as JSON."""
        data = {"figures": [asdict(f) for f in self.figures], "outcomes": [asdict(o) for o in self.outcomes.values()]}
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(data) + "\n")

    @classmethod
    def load(cls, path: Path) -> RunRecord:
        """Read what `save` wrote; figures that several tests measured get names of their own."""
        data = json.loads(path.read_text())
        figures = with_own_names([HilFigure.from_json(f) for f in data["figures"]])
        return cls(figures, {o["test"]: Outcome(**o) for o in data["outcomes"]})


class Measured(Protocol):
    """What the fixture `measured` gives."""

    def __call__(
        self,
        name: str,
        value: float,
        unit: str,
        *,
        low: float,
        high: float,
        uncertainty: float = 0.0,
        truth: float | None = None,
        samples: Sequence[float] = (),
    ) -> None:
        """Record a figure and assert that low <= value <= high; see `HilFigure` for what each means.

        AssertionError names figure, value and bounds; ValueError for what cannot be a figure. A figure is recorded
        before it is judged, so that one out of its bounds is shown as well.
        """
        ...


@pytest.fixture
def measured(request: pytest.FixtureRequest) -> Measured:
    """Return what records a figure of the running test and asserts its bounds; see `Measured`."""

    def record(
        name: str,
        value: float,
        unit: str,
        *,
        low: float,
        high: float,
        uncertainty: float = 0.0,
        truth: float | None = None,
        samples: Sequence[float] = (),
    ) -> None:
        figure = HilFigure(name, value, unit, low, high, uncertainty, truth, tuple(samples), request.node.nodeid)
        figure.check()
        _keep(request.node, figure)
        assert figure.within, f"{name}: {shown(value, unit)} is not within {figure.bounds} {unit}".rstrip()

    return record


def _keep(node: pytest.Item, figure: HilFigure) -> None:
    """Put a figure on a test: as the nightly reads it, and as docs/numbers.md does."""
    earlier = [json.loads(str(text))["name"] for key, text in node.user_properties if key == HIL_FIGURE]
    if figure.name in earlier:
        raise ValueError(f"{figure.name}: this test recorded it already; give each figure a name of its own")
    entry = {"name": figure.name, "value": figure.value, "unit": figure.unit, "limit": figure.bounds}
    entry |= {"uncertainty": figure.uncertainty, "truth": figure.truth, "test": figure.test}
    node.user_properties.append((evidence.FIGURE, json.dumps(entry)))
    node.user_properties.append((HIL_FIGURE, json.dumps(asdict(figure))))


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --figures and --follow-fd."""
    group = parser.getgroup("stand")
    group.addoption("--figures", type=Path, metavar="FILE", help="write figures and outcomes to this file as JSON")
    group.addoption("--follow-fd", type=int, metavar="N", help="tell each test's begin and end to this open pipe")


def pytest_configure(config: pytest.Config) -> None:
    """Gather what the tests record, in the process that the reports come to."""
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(_Recorder(config), "tandem-nightly-recorder")


class _Recorder:
    """Gathers reports; not in the workers of a run in parallel."""

    def __init__(self, config: pytest.Config) -> None:
        self._file: Path | None = config.getoption("--figures", None)
        self._pipe: int | None = config.getoption("--follow-fd", None)
        self._record = RunRecord()

    def _tell(self, **event: Any) -> None:
        if self._pipe is None:
            return
        try:
            os.write(self._pipe, (json.dumps(event) + "\n").encode())
        except BrokenPipeError:
            self._pipe = None
            pytest.exit("whoever followed this run is gone, so it ends here", returncode=pytest.ExitCode.INTERRUPTED)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        if session.items:  # a run in parallel collects in its workers and begins without a number
            self._tell(tests=len(session.items))

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self._tell(begins=nodeid)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take figures off the report before other plugins see it: samples have no place in a JUnit file."""
        own = [text for key, text in report.user_properties if key == HIL_FIGURE]
        report.user_properties = [pair for pair in report.user_properties if pair[0] != HIL_FIGURE]
        self._record.add(report)
        if report.when == "teardown":
            self._record.figures += [HilFigure.from_json(json.loads(str(text))) for text in own]
            self._tell(ends=report.nodeid, outcome=self._record.outcomes[report.nodeid].outcome)

    def pytest_sessionfinish(self) -> None:
        if self._file:
            self._record.save(self._file)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self._record.figures:
            terminalreporter.section("figures of the stand")
        for figure in self._record.figures:
            terminalreporter.write_line(_line(figure), red=not figure.within)


def _line(figure: HilFigure) -> str:
    parts = [f"{figure.name}: {shown(figure.value, figure.unit)}   (bounds {figure.bounds}"]
    parts += [f"uncertainty {shown(figure.uncertainty)}"] if figure.uncertainty else []
    parts += [f"ground truth {shown(figure.truth)}"] if figure.truth is not None else []
    return ", ".join(parts) + (")" if figure.within else "; OUT OF BOUNDS)")


def _message(report: pytest.TestReport) -> str:
    """Return why a part of a test did not pass: the error's own lines, or the reason for skipping."""
    if report.skipped and isinstance(report.longrepr, tuple):
        return report.longrepr[2]
    crash = getattr(report.longrepr, "reprcrash", None)
    text = crash.message if crash else str(report.longrepr)
    return text[:MESSAGE_CHARACTERS]
