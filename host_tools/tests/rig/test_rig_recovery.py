"""A controller that hangs is switched off and on; a stand that is not up fails one test and skips the others."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from tandem_tools.flash.program import ROOT

RUN_S = 600


def run(*words: str) -> str:
    """Run pytest in the repository; return what it printed."""
    command = [sys.executable, "-m", "pytest", "-n0", "-p", "no:cacheprovider", *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=RUN_S, check=False)
    return done.stdout + done.stderr


def counts(output: str) -> dict[str, int]:
    """Return how many tests passed, failed, were skipped, or ended with an error."""
    last = next(line for line in reversed(output.splitlines()) if re.search(r"\d+ (passed|failed|skipped|error)", line))
    return {
        what.rstrip("s"): int(number) for number, what in re.findall(r"(\d+) (passed|failed|skipped|errors?)", last)
    }


@pytest.mark.slow
@pytest.mark.timeout(RUN_S + 60)
def test_a_controller_that_hangs_is_switched_off_and_on(tmp_path: Path) -> None:
    output = run("hil_tests/provoked.py", f"--out={tmp_path}")
    found = counts(output)
    assert found["failed"] == 1 and found["passed"] == 1, output
    assert "test_that_leaves_the_controller_dead" in output


def test_a_stand_that_is_not_there_fails_once(tmp_path: Path) -> None:
    own = tmp_path / "absent.py"
    example = (ROOT / "hil_tests" / "wiring" / "example.py").read_text()
    own.write_text(
        example.replace('"write the controller\'s here"', '"0123456789abcdef"')
        .replace('"write the rig\'s here"', '"fedcba9876543210"')
        .replace('NAME = "example"', 'NAME = "absent"')
    )
    output = run("hil_tests/test_a_bring_up.py", "hil_tests/test_hil_pedal.py", f"--stand={own}", f"--out={tmp_path}")
    found = counts(output)
    assert found.get("failed", 0) + found.get("error", 0) == 1, output
    assert found["skipped"] >= 5, output
    assert "no Pico with the serial number of the controller (0123456789abcdef) and rig (fedcba9876543210)" in output
