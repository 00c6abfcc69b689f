"""Every branch of the safety layer is taken by its quick tests."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
QUICK = [HERE / f"test_safety_{name}.py" for name in ("faults", "inputs", "scope", "states", "supervisor")]


@pytest.mark.proves("R-SWR-1")
@pytest.mark.slow
def test_every_branch_of_the_safety_layer_is_taken(tmp_path: Path, figure: Callable[..., None]) -> None:
    command = [sys.executable, "-m", "pytest", "--noconftest", "-p", "quiet", "-p", "no:cacheprovider"]
    measure = ["--cov=tandem.safety", "--cov-branch", f"--cov-report=json:{tmp_path / 'coverage.json'}"]
    environment = {**os.environ, "COVERAGE_FILE": str(tmp_path / "coverage"), "PYTHONPATH": str(HERE)}
    environment.pop("PYTEST_XDIST_WORKER", None)
    done = subprocess.run(
        [*command, *measure, *map(str, QUICK)], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads((tmp_path / "coverage.json").read_text())
    files = {Path(name).name: found for name, found in report["files"].items()}
    sources = {path.name for path in (ROOT / "firmware/tandem/safety").glob("*.py")}
    assert set(files) == sources
    totals = report["totals"]
    percent = 100 * totals["covered_branches"] / totals["num_branches"]
    figure("branches of the safety layer taken by its quick tests", percent, "%", limit="100")
    figure("branches of the safety layer", totals["num_branches"], "branches")
    missed = {name: found["missing_lines"] + found["missing_branches"] for name, found in files.items()}
    assert not {name: lines for name, lines in missed.items() if lines}
    assert percent == 100
