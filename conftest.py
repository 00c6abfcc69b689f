"""Figures that tests measure: printed at the end of every run, also when everything passes, and kept as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

FIGURES_FILE = Path(__file__).parent / "build" / "figures.json"
Figure = Callable[..., None]


@pytest.fixture
def figure(request: pytest.FixtureRequest) -> Figure:
    """Return ``figure(name, value, unit, limit="")``, which records one measured figure of the running test."""

    def record(name: str, value: float | str, unit: str = "", limit: str = "") -> None:
        entry = {"name": name, "value": value, "unit": unit, "limit": limit, "test": request.node.nodeid}
        request.node.user_properties.append(("figure", json.dumps(entry)))

    return record


def _figures(terminalreporter: pytest.TerminalReporter) -> list[dict[str, object]]:
    reports = [r for group in terminalreporter.stats.values() for r in group if hasattr(r, "user_properties")]
    found = [json.loads(value) for r in reports for key, value in r.user_properties if key == "figure"]
    unique = {(f["test"], f["name"]): f for f in found}
    return sorted(unique.values(), key=lambda f: (f["test"], f["name"]))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the figures of this run and merge them into build/figures.json."""
    figures = _figures(terminalreporter)
    if not figures:
        return
    terminalreporter.section("measured figures")
    for f in figures:
        limit = f"   (to reach: {f['limit']})" if f["limit"] else ""
        terminalreporter.write_line(f"{f['name']}: {f['value']} {f['unit']}{limit}")
    FIGURES_FILE.parent.mkdir(exist_ok=True)
    kept = json.loads(FIGURES_FILE.read_text()) if FIGURES_FILE.exists() else []
    names = {f["name"] for f in figures}
    FIGURES_FILE.write_text(json.dumps([f for f in kept if f["name"] not in names] + figures, indent=1) + "\n")
