"""Stages that several tests use, each set once."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from campaign import RecordRow, Row
from moments import Press
from stage import Stage, scene, stage


@pytest.fixture(scope="session")
def _session() -> Iterator[Stage]:
    with stage("calcinosis-1-combined") as found:
        yield found


@pytest.fixture
def session(_session: Stage) -> Stage:
    """The published session in READY, the pedal not yet pressed."""
    return _session.again()


@pytest.fixture(scope="session")
def _bare() -> Iterator[Stage]:
    with scene() as found:
        yield found


@pytest.fixture
def bare(_bare: Stage) -> Stage:
    """A board with the firmware's files and nothing running, in the raw REPL."""
    return _bare.again("repl")


@pytest.fixture(scope="session")
def _known_press(_session: Stage) -> Press:
    """The published session, one press of it known to its end."""
    return Press(_session)


@pytest.fixture
def campaign_row(request: pytest.FixtureRequest) -> RecordRow:
    """Return a function that records one row of the fault-injection campaign, also of a test that fails."""

    def record(row: Row) -> None:
        entry = {**row.as_data(), "test": request.node.nodeid}
        request.node.user_properties.append(("campaign", json.dumps(entry)))

    return record
