"""The one folder outside the repository that Tandem's tools write to."""

from __future__ import annotations

import os
from pathlib import Path


def user_cache() -> Path:
    """Return the cache folder: TANDEM_CACHE, else XDG_CACHE_HOME/tandem, else ~/.cache/tandem."""
    chosen = os.environ.get("TANDEM_CACHE")
    if chosen:
        base = Path(chosen)
    elif os.environ.get("XDG_CACHE_HOME"):
        base = Path(os.environ["XDG_CACHE_HOME"]) / "tandem"
    else:
        base = Path.home() / ".cache" / "tandem"
    return base.expanduser().absolute()
