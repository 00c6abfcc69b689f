"""What every run of the tests leaves: measured figures, and the requirements that its tests prove.

Figures are printed at the end of every run, also when everything passes, and kept in build/figures.json. A test names
the requirements of docs/requirements.md that it proves (`@pytest.mark.proves("R-ARM-1")`); outcomes are kept in
build/outcomes.json. The rows of the fault-injection campaign go into build/campaign.json. A whole run (`make test`, no
test left out) fails when the trace has a hole; a run of some tests fails for a wrong mark alone.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tandem_tools.trace import check, documents, evidence
from tandem_tools.trace.errors import TraceError

pytest_plugins = ("tandem_tools.nightly.recording",)

ROOT = Path(__file__).parent
HOLES = "holes in the trace"
STAND = "hil_tests/"
"""Tests of a stand: `make test` does not run them, and the trace is that of `make test`. Their figures are kept."""
Figure = Callable[..., None]


@dataclass
class Hole:
    """One hole in the trace, among the reports that pytest counts in its closing line."""

    text: str


@pytest.fixture
def figure(request: pytest.FixtureRequest) -> Figure:
    """Return ``figure(name, value, unit, limit="")``, which records one measured figure of the running test."""

    def record(name: str, value: float | str, unit: str = "", limit: str = "") -> None:
        entry = {"name": name, "value": value, "unit": unit, "limit": limit, "test": request.node.nodeid}
        request.node.user_properties.append((evidence.FIGURE, json.dumps(entry)))

    return record


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let each test's reports carry the ids that it proves: so they reach the process that writes them."""
    for item in items:
        marks = list(item.iter_markers(evidence.PROVES))
        if marks:
            names = sorted({name for mark in marks for name in mark.args})
            item.user_properties.append((evidence.PROVES, json.dumps(names)))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Keep figures and outcomes, and look for holes in the trace; not in the workers of a run in parallel."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    finished = session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
    if hasattr(session.config, "workerinput") or reporter is None or not finished or session.config.option.collectonly:
        return
    reports = [r for group in reporter.stats.values() for r in group if isinstance(r, pytest.TestReport)]
    found = evidence.of_reports(reports)
    found = evidence.Evidence(tuple(o for o in found.outcomes if not o.test.startswith(STAND)), found.figures)
    evidence.keep(ROOT, found, _replaced(session, {r.nodeid for r in reports}))
    _keep_campaign(reports)
    holes = _holes(found, _is_whole(session))
    if holes:
        reporter.stats[HOLES] = [Hole(text) for text in holes]
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _campaign_rows(reports: list[pytest.TestReport]) -> dict[tuple[str, str, str], dict[str, Any]]:
    """Return the rows of the fault-injection campaign by what makes a row the same in another run."""
    rows = [json.loads(str(value)) for r in reports for key, value in r.user_properties if key == "campaign"]
    return {_campaign_key(row): row for row in rows}


def _campaign_key(row: dict[str, Any]) -> tuple[str, str, str]:
    return row["cause"], row["state"], row["flash"]


def _keep_campaign(reports: list[pytest.TestReport]) -> None:
    """Write the campaign's rows over those of earlier runs under the same key; the rest stays."""
    found = _campaign_rows(reports)
    if not found:
        return
    file = ROOT / "build" / "campaign.json"
    kept = json.loads(file.read_text()) if file.exists() else []
    rows = [row for row in kept if _campaign_key(row) not in found] + list(found.values())
    file.write_text(json.dumps(rows, indent=1) + "\n")


def _is_narrowed(session: pytest.Session) -> bool:
    """Return whether tests of the files that were asked for were left out, or not reached."""
    option = session.config.option
    narrowing = ("keyword", "markexpr", "deselect", "ignore", "ignore_glob", "lf", "stepwise")
    narrowed = any(getattr(option, name, None) for name in narrowing) or any("::" in a for a in session.config.args)
    return bool(narrowed or session.shouldstop or session.shouldfail)


def _is_whole(session: pytest.Session) -> bool:
    """Return whether all tests were asked for, and none was left out."""
    return session.config.args_source is pytest.Config.ArgsSource.TESTPATHS and not _is_narrowed(session)


def _replaced(session: pytest.Session, ran: set[str]) -> Callable[[str], bool]:
    """Tell of which tests earlier results are forgotten: those that ran, and those that are gone from their files."""
    if _is_whole(session):
        return lambda test: not test.startswith(STAND)
    if _is_narrowed(session):
        return lambda test: test in ran
    files = {test.split("::")[0] for test in ran}
    return lambda test: test.split("::")[0] in files


def _holes(found: evidence.Evidence, whole: bool) -> list[str]:
    if not whole and not (ROOT / documents.REQUIREMENTS).exists():
        return []  # tools that test changed copies of the sources take no documents along
    try:
        required = documents.read(ROOT)
    except TraceError as error:
        return [str(error)]
    return check.holes(ROOT, required, found) if whole else check.of_marks(required, found.outcomes)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the figures of this run, and the holes in the trace."""
    reports = [r for group in terminalreporter.stats.values() for r in group if isinstance(r, pytest.TestReport)]
    figures = evidence.of_reports(reports).figures
    if figures:
        terminalreporter.section("measured figures")
    for f in figures:
        limit = f"   (to reach: {f['limit']})" if f["limit"] else ""
        terminalreporter.write_line(f"{f['name']}: {f['value']} {f['unit']}{limit}")
    rows = _campaign_rows(reports).values()
    if rows:
        terminalreporter.section("fault injection")
        moments, moved = sum(row["moments"] for row in rows), sum(bool(row["moved"]) for row in rows)
        terminalreporter.write_line(f"{len(rows)} rows, {moments} moments; rows in which something moved: {moved}")
    holes = terminalreporter.stats.get(HOLES, [])
    if holes:
        terminalreporter.section(HOLES, red=True)
    for hole in holes:
        terminalreporter.write_line(hole.text)
