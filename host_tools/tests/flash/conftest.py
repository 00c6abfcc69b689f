"""A small firmware to flash: quick to copy, and it answers `version` as Tandem does."""

from __future__ import annotations

from pathlib import Path

import pytest

MAIN = """
import sys
from tandem import VERSION
try:
    with open('/tandem/manifest.json') as file:
        program = file.readline().split('"')[3]
except OSError:
    program = 'none'
while True:
    if sys.stdin.readline().strip() == 'version':
        print('OK tandem=' + VERSION + ' hash=' + program)
"""


@pytest.fixture
def small_repository(tmp_path: Path) -> Path:
    """Return a folder laid out as the repository is, with a firmware of a few lines."""
    package = tmp_path / "firmware" / "tandem"
    (package / "part").mkdir(parents=True)
    (tmp_path / "boards" / "rp2040_pico").mkdir(parents=True)
    (tmp_path / "firmware" / "boot.py").write_text("# outputs low\n")
    (tmp_path / "firmware" / "main.py").write_text(MAIN)
    (package / "__init__.py").write_text('VERSION = "0.0.1"\n')
    (package / "part" / "__init__.py").write_text('"""A part."""\n')
    (package / "part" / "numbers.py").write_text(f"TABLE = {bytes(range(256)) * 24!r}\n")
    (tmp_path / "boards" / "rp2040_pico" / "board.py").write_text('NAME = "rp2040_pico"\n')
    return tmp_path
