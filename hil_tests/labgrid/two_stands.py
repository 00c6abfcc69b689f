"""Two emulated stands behind labgrid, on loopback: runs in parallel, one of them killed, and its place recovered.

`make labgrid` runs this. pytest does not collect it by itself, since it needs labgrid's environment (docs/labgrid.md).
"""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from lab import Lab, wait_until

TESTS = ("hil_tests/test_a_bring_up.py", "hil_tests/test_hil_stops.py::test_the_key_leads_to_standby")
RUN_S = 600
STAYS_LOCKED_S = 3
AT_WORK = "PASSED"


@pytest.mark.slow
@pytest.mark.timeout(2 * RUN_S)
def test_two_runs_at_once_and_a_killed_ones_place_recovered(tmp_path: Path) -> None:
    """Two runs get different stands by one filter; a killed one's stays locked until recovered, and serves a third."""
    began = time.monotonic()

    def say(text: str) -> None:
        print(f"{time.monotonic() - began:6.1f} s  {text}", flush=True)

    with Lab(tmp_path) as lab:
        for place in ("stand-1", "stand-2"):
            say(f"{place} served: {lab.add_stand(place)}")
        first, second = lab.run("first", TESTS), lab.run("second", TESTS)
        for run in (first, second):
            run.wait_for(AT_WORK, RUN_S)
            say(f"{run.name} run at work on {run.place}, {lab.places()[run.place]}")
        assert {first.place, second.place} == {"stand-1", "stand-2"}
        assert not first.ended and not second.ended, "they did not overlap"

        third = lab.run("third", TESTS)
        wait_until(lambda: lab.client("reservations").count("state: waiting") == 1, "third run's reservation", 20)
        say("third run waits for a stand")
        lost = second.place
        second.kill()
        say(f"second run killed (SIGKILL), exit code {second.process.returncode}")
        time.sleep(STAYS_LOCKED_S)
        assert lost in lab.places(), "labgrid let go the place of a broken connection: docs/labgrid.md is wrong"
        assert not third.place
        say(f"{lost} still locked {STAYS_LOCKED_S} s later by {lab.places()[lost]}")

        killed = time.monotonic()
        told = lab.lease("recover").splitlines()
        for line in told:
            say(f"recover: {line}")
        assert any(line.startswith(f"{lost} freed") for line in told)
        assert not any(line.startswith(f"{first.place} freed") for line in told), "a living run lost its stand"
        third.wait_for("acquired place", RUN_S)
        say(f"third run has {third.place}, {time.monotonic() - killed:.1f} s after recovery began")
        third.wait_for(AT_WORK, RUN_S)
        say(f"third run at work on {third.place}")
        assert third.place == lost
        for run in (first, third):
            wait_until(lambda run=run: run.ended, f"end of the {run.name} run", RUN_S)
            last = run.said.splitlines()[-1].strip("= ")
            say(f"{run.name} run on {run.place}: exit code {run.process.returncode}, {last}")
            assert run.process.returncode == 0, run.said
        assert lab.places() == {} and lab.client("reservations") == ""
        say("both places free, no reservation left")
