"""A session that was delivered on the emulated bench, as `tandem demo` kept it."""

from __future__ import annotations

from pathlib import Path

import pytest
from tandem_tools.report import SessionRecord

SAMPLE = Path(__file__).parent / "delivered_session.json"


@pytest.fixture
def delivered() -> SessionRecord:
    """Return the record of a whole session: 5 ps shots, 11 CO2 shots."""
    return SessionRecord.load(SAMPLE)
