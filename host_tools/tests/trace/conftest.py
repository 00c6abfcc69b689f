"""The small repository of `trace_harness`, fresh for each test."""

from __future__ import annotations

from pathlib import Path

import pytest
from trace_harness import Small


@pytest.fixture
def small(tmp_path: Path) -> Small:
    return Small(tmp_path)
