"""The pure modules run unchanged under MicroPython, with the same outcome, and their turns allocate nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tandem_tools.image import unix_micropython

FIRMWARE = Path(__file__).resolve().parents[2]
SMOKE = Path(__file__).parent / "smoke.py"


def _run(interpreter: str | Path, **environment: str) -> list[str]:
    done = subprocess.run(
        [str(interpreter), str(SMOKE)],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.proves("R-STA-13", "R-PER-11")
def test_micropython_and_cpython_go_the_same_way_and_a_turn_allocates_nothing(figure: Callable[..., None]) -> None:
    *course, allocated = _run(unix_micropython(), MICROPYPATH=str(FIRMWARE))
    assert course == _run(sys.executable, PYTHONPATH=str(FIRMWARE))
    modes = {line.split()[0] for line in course}
    assert {"STANDBY", "READY", "FIRING", "FAULT"} <= modes, "the course goes through the states"
    name, value = allocated.split()
    figure("allocated by inputs, states, indicators and an idle console in 4,000 turns", int(value), "bytes", limit="0")
    assert (name, value) == ("allocated", "0")
