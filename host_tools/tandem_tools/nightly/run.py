"""A night from beginning to end: run the tests on a stand, judge, keep, write the page."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from tandem_tools.flash.program import ROOT
from tandem_tools.nightly import follow, junit, known, lock, versions
from tandem_tools.nightly.errors import NightlyError
from tandem_tools.nightly.judge import WINDOW
from tandem_tools.nightly.night import Night, judged_figures, judged_outcomes
from tandem_tools.nightly.recording import RunRecord
from tandem_tools.nightly.store import Store

DEADLINE_S = 3600.0
RAN_TO_ITS_END = (0, 1)
"""pytest's exit codes after all tests have run: all passed, some failed."""
LAST_LINES = 12


@dataclass(frozen=True)
class Plan:
    """What to run and where to keep it.

    `tests` and `known_failures` are below `root`, the folder that pytest runs in. `state` holds the nights of all
    stands. `firmware` is the folder whose sources the controller has to run, if they are not those of `root`. `window`
    is how many nights tonight is compared with.
    """

    stand: str
    state: Path
    root: Path = ROOT
    tests: str = "hil_tests"
    firmware: Path | None = None
    known_failures: str = "hil_tests/known_failures.toml"
    deadline_s: float = DEADLINE_S
    window: int = WINDOW

    def __post_init__(self) -> None:
        """Raise NightlyError for a name that cannot be that of a folder."""
        if not self.stand or Path(self.stand).name != self.stand:
            raise NightlyError(
                f"{self.stand!r} is no name of a stand: it names a file of hil_tests/wiring/, without .py"
            )

    @property
    def folder(self) -> Path:
        """Where files of this stand are kept."""
        return self.state / self.stand

    @property
    def page(self) -> Path:
        """The page of the last night."""
        return self.folder / "latest.html"

    @property
    def junit(self) -> Path:
        """The JUnit file of the last night."""
        return self.folder / "latest.xml"

    @property
    def log(self) -> Path:
        """What pytest printed on the last night."""
        return self.folder / "latest.log"

    @property
    def figures(self) -> Path:
        """What the last night's run recorded."""
        return self.folder / "latest.json"


def default_state() -> Path:
    """Return the folder for nights: XDG_DATA_HOME/tandem/nightly, else ~/.local/share/tandem/nightly."""
    base = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(base) / "tandem" / "nightly"


def run_night(plan: Plan, progress: follow.Progress) -> Night:
    """Run a night and keep it; blocks until it is over, at most a minute longer than its deadline.

    Raises NightlyError when it did not take place (nothing is kept then): the stand is held by another run, the file of
    known failures is wrong, the kept nights cannot be read, or no test was run.
    """
    entries = known.load(plan.root / plan.known_failures)
    with lock.held(plan.folder / "lock") as holding, Store(plan.state) as store:
        for leftover in (plan.figures, plan.junit, plan.root / versions.STAND_FILE):
            leftover.unlink(missing_ok=True)
        commit, started, began = versions.commit(plan.root), datetime.now().astimezone(), time.monotonic()
        ended = follow.run(lambda fd: _command(plan, fd), plan.root, plan.log, plan.deadline_s, holding, progress)
        record = RunRecord.load(plan.figures) if plan.figures.exists() else RunRecord()
        if not record.outcomes and not ended.running:
            raise NightlyError(f"no test was run: pytest ended with code {ended.code}\n{_last_lines(plan.log)}")
        cut = _cut(plan, ended, record)
        today = started.date()
        night = Night(
            plan.stand, started, time.monotonic() - began, commit.name, commit.dirty,
            {**versions.of_tools(), **versions.of_stand(plan.root)},
            judged_figures(record, store.readings(plan.stand), store.regressed_since(plan.stand), plan.window),
            judged_outcomes(record, entries, today),
            [] if cut else known.remarks(entries, _results(record), today) + _not_measured(store, plan, record),
            cut,
        )  # fmt: skip
        night = store.keep(night)
        junit.complete(plan.junit, night)
        _write_page(night, store, plan.page)
    return night


def show_night(plan: Plan, number: int) -> Path:
    """Write the page of an old night again, from what was kept; returns its path. NightlyError if there is none."""
    with Store(plan.state) as store:
        night = store.night(plan.stand, number)
        plan.folder.mkdir(parents=True, exist_ok=True)
        return _write_page(night, store, plan.folder / f"night-{number}.html")


def accept(plan: Plan, figure: str, reason: str) -> int:
    """Let a figure's past begin anew with the last night that measured it; returns its number."""
    with Store(plan.state) as store:
        return store.accept(plan.stand, figure, reason)


def _write_page(night: Night, store: Store, path: Path) -> Path:
    from tandem_tools.nightly.page import write_page  # loads matplotlib, which a run of the tests does without

    return write_page(night, store, path)


def _command(plan: Plan, pipe: int) -> list[str]:
    firmware = [f"--firmware={plan.firmware.absolute()}"] if plan.firmware else []
    return [
        sys.executable, "-m", "pytest", plan.tests, "-p", "tandem_tools.nightly.recording", f"--stand={plan.stand}",
        f"--figures={plan.figures.absolute()}", f"--follow-fd={pipe}", f"--junitxml={plan.junit.absolute()}",
        "-p", "no:cacheprovider", "--color=no", *firmware,
    ]  # fmt: skip


def _cut(plan: Plan, ended: follow.Ended, record: RunRecord) -> str:
    """Return why a run did not come to its end, empty if it did."""
    where = f" while {ended.running} was running" if ended.running else ""
    if ended.late:
        return f"Ended by the deadline of {plan.deadline_s / 60:g} min{where}."
    if ended.code not in RAN_TO_ITS_END:
        how = f"was killed by signal {-ended.code}" if ended.code < 0 else f"ended with code {ended.code}"
        return f"pytest {how}{where}; its last words: {_last_lines(plan.log, 3)}"
    if ended.code and "failed" not in _results(record).values():
        return f"pytest failed, though no test did; its last words: {_last_lines(plan.log)}"
    return ""


def _last_lines(log: Path, count: int = LAST_LINES) -> str:
    return "\n".join(log.read_text("utf-8", "replace").splitlines()[-count:])


def _results(record: RunRecord) -> dict[str, str]:
    return {test: outcome.outcome for test, outcome in record.outcomes.items()}


def _not_measured(store: Store, plan: Plan, record: RunRecord) -> list[str]:
    """Tell of figures that the last night measured and this one did not: a test that is gone or skipped."""
    numbers = store.numbers(plan.stand)
    if not numbers:
        return []
    before = store.trends(plan.stand, numbers[-1], 1)
    gone = sorted(set(before) - {figure.name for figure in record.figures})
    return [f"not measured tonight, but on night {numbers[-1]}: {name}" for name in gone]
