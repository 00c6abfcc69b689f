"""Faults put into the firmware on purpose: a night on the emulated stand catches each, and names it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from tandem_tools.flash.program import ROOT
from tandem_tools.nightly import EXIT_CODES

NIGHT_S = 900
SEQUENCER = "firmware/tandem/timing/rp2/sequencer.py"

# What is changed in which file: (file, text there, text in its place); the tests that are run; what the night says.
SEEDS = {
    "one cycle added to the pair delay": (
        [(SEQUENCER, "- programs.PAIR_OVERHEAD_CYCLES if", "- programs.PAIR_OVERHEAD_CYCLES + 1 if")],
        "hil_tests/test_hil_pairs.py",
        ("pair delay 60 us, verified, mean error: 1", "is not within -0.5 .. 0.5 cycles"),
    ),
    "one shot dropped in 1,000": (
        [(SEQUENCER, "b[h.COUNT] = burst.count\n", "b[h.COUNT] = burst.count - burst.count // 1000\n")],
        "hil_tests/test_hil_trains.py",
        ("shots of the train of 2,000 shots: 1998 shots is not within 2000 .. 2000",),
    ),
    "guard program removed": (
        [
            ("firmware/tandem/timing/rp2/programs.py", "    irq(4).side(0)\n", "    irq(4)\n"),
            (
                "firmware/tandem/io/rp2_selftest.py",
                "                yield from self._guard()\n",
                "                yield\n",
            ),
        ],
        "hil_tests/test_hil_stops.py",
        ("guard: SAFE low to triggers low",),
    ),
    "verdict ignored": (
        [
            ("firmware/tandem/delivery.py", f"b.{laser}_limits = self", f"b.{laser}_limits = (-(2**30), 2**30) or self")
            for laser in ("ps", "co2")
        ],
        "hil_tests/test_hil_energy.py::test_a_bad_shot_ends_the_sequence",
        ("test_a_bad_shot_ends_the_sequence[ps weak]", "test_a_bad_shot_ends_the_sequence[co2 strong]"),
    ),
}


def seeded(folder: Path, changes: list[tuple[str, str, str]]) -> Path:
    """Return a copy of the firmware's sources with changes made in it; each text has to be there once."""
    for part in ("firmware", "boards"):
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    for name, before, after in changes:
        file = folder / name
        text = file.read_text()
        assert text.count(before) == 1, f"{name} has {before!r} {text.count(before)} times"
        file.write_text(text.replace(before, after))
    return folder


@pytest.mark.slow
@pytest.mark.timeout(NIGHT_S + 60)
@pytest.mark.parametrize("seed", SEEDS)
def test_a_seeded_fault_is_caught_and_named(seed: str, tmp_path: Path) -> None:
    """Run a night with the fault in the controller's sources: it fails, and says by which figure or test."""
    changes, tests, says = SEEDS[seed]
    firmware = seeded(tmp_path / "sources", changes)
    ended = night(tests, tmp_path / "nights", firmware)
    assert ended.returncode == EXIT_CODES["failed"], ended.stdout + ended.stderr
    for text in says:
        assert text in ended.stdout, ended.stdout


def night(tests: str, state: Path, firmware: Path) -> subprocess.CompletedProcess[str]:
    """Run `tandem nightly` with some of the tests, on the emulated stand with a controller of other sources."""
    options: Mapping[str, str] = {"--tests": tests, "--state": str(state), "--firmware": str(firmware)}
    words = [word for pair in options.items() for word in pair]
    command = [sys.executable, "-m", "tandem_tools.cli", "nightly", *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=NIGHT_S, check=False)
