"""The real MicroPython image does on the fast core what it does on the package's, several times as fast."""

from __future__ import annotations

import inspect
import json
import statistics
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from core_process import NODE
from tandem_tools.image import pico_image

DRIVER = Path(__file__).with_name("image_driver.mjs")
UNTIL_MS = 760
AT_LEAST = 2.0


def work(n: int) -> float:
    # runs on the emulated board, too
    total = 0
    seen = {}
    for i in range(n):
        total = (total * 31 + i) & 0xFFFFFF
        seen[i & 63] = str(total)
        if total % 7 == 0:
            total += len(seen)
    return total / 3


@pytest.fixture(scope="module")
def result() -> dict[str, Any]:
    """Return what the image driver found."""
    program = f"{inspect.getsource(work)}\nwhile True:\n    print(work(300))\n"
    done = subprocess.run(
        [str(NODE), str(DRIVER), str(pico_image()), str(UNTIL_MS)],
        input=program,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_micropython_runs_the_same_with_the_package_decoding_each_instruction(
    result: dict[str, Any], figure: Callable[..., None]
) -> None:
    assert result["difference"] is None
    counts = result["counts"]
    assert counts["package"] > 3_000_000
    assert counts["package"] > 0.9 * counts["all"]
    printed = result["text"].partition("OK")[2].split()
    assert printed
    assert {float(line) for line in printed} == {work(300)}
    figure("core: instructions of MicroPython compared with the package's core", counts["all"], "instructions")


def test_micropython_runs_at_least_twice_as_fast_as_on_the_package(
    result: dict[str, Any], figure: Callable[..., None]
) -> None:
    fast, package = (statistics.median(result[name]) for name in ("fast", "package"))
    figure("core: MicroPython on the fast core, median of 5", round(fast), "M cycles/s of processor time")
    figure("core: MicroPython on the package's core, median of 5", round(package), "M cycles/s of processor time")
    ratio = statistics.median(f / p for f, p in zip(result["fast"], result["package"], strict=True))
    figure("core: speed against the package's core", round(ratio, 1), "times", limit=f">= {AT_LEAST:g}")
    assert ratio >= AT_LEAST
