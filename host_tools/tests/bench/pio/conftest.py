"""One PIO engine for all tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pio_harness import PioEngine


@pytest.fixture(scope="session")
def engine() -> Iterator[PioEngine]:
    """Return the engine; it is stateless between requests."""
    engine = PioEngine()
    yield engine
    engine.close()
