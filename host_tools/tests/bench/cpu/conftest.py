"""One driver process for all tests of the core."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from core_process import Core


@pytest.fixture(scope="session")
def core() -> Iterator[Core]:
    """Return the fast core under test."""
    process = Core()
    yield process
    process.close()
