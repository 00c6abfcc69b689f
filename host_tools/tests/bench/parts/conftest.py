"""One table for all tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from parts_harness import Table


@pytest.fixture(scope="session")
def table() -> Iterator[Table]:
    """Return the table; each test lays out its own parts."""
    table = Table()
    yield table
    table.close()
