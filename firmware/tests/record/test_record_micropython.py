"""Journal and settings run unchanged under MicroPython, to the same bytes, and a burst's records allocate nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tandem_tools.image import unix_micropython

FIRMWARE = Path(__file__).resolve().parents[2]
COURSE = Path(__file__).parent / "course.py"


def _run(interpreter: str | Path, folder: Path, **environment: str) -> list[str]:
    folder.mkdir()
    done = subprocess.run(
        [str(interpreter), str(COURSE), str(folder)],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()


def test_micropython_writes_the_same_journal_and_a_bursts_records_allocate_nothing(
    tmp_path: Path, figure: Callable[..., None]
) -> None:
    *course, kept, allocated = _run(unix_micropython(), tmp_path / "micropython", MICROPYPATH=str(FIRMWARE))
    assert course == _run(sys.executable, tmp_path / "python", PYTHONPATH=str(FIRMWARE))
    assert sum("kind=shot" in line for line in course) > 20
    assert kept.startswith("kept 3") and not kept.endswith(" 0")
    name, value = allocated.split()
    figure("allocated by 400 shots, input changes and turns of the journal", int(value), "bytes", limit="0")
    assert (name, value) == ("allocated", "0")
