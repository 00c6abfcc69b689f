"""Stages that several tests use, each set once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
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
