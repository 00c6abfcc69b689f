"""A cache of its own for each test that asks for one."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, and no image or interpreter handed in; returns the cache's folder of images."""
    monkeypatch.setenv("TANDEM_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("TANDEM_UF2", raising=False)
    monkeypatch.delenv("TANDEM_MICROPYTHON", raising=False)
    return tmp_path / "cache" / "image"
