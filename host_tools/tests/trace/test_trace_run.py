"""A whole run of the tests fails while the trace has a hole; a run of some tests fails for a wrong mark alone.

The real pytest runs the real conftest.py of this repository, in a small repository beside it.
"""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from tandem_tools.trace import evidence, page
from tandem_tools.trace.documents import REQUIREMENTS
from trace_harness import REPOSITORY, TESTS, Small

PARALLEL = ["-p", "xdist", "-n", "2", "--dist", "worksteal"]


def run(small: Small, *arguments: str) -> tuple[int, str]:
    """Run pytest as `make test` does; return its exit code and what it printed."""
    environment = {name: v for name, v in os.environ.items() if not name.startswith("PYTEST_")}
    environment |= {"PYTHONPATH": str(REPOSITORY / "host_tools"), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments]
    done = subprocess.run(command, cwd=small.root, env=environment, capture_output=True, text=True, timeout=120)
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def runnable(small: Small) -> Small:
    small.with_tests()
    return small


@pytest.mark.proves("R-SWR-2")
@pytest.mark.parametrize("how", [[], PARALLEL], ids=["alone", "in parallel"])
def test_a_whole_run_without_a_hole_passes_and_keeps_what_it_showed(runnable: Small, how: list[str]) -> None:
    code, said = run(runnable, *how)
    assert code == 0, said
    assert "arming 2001: 2001 ms   (to reach: >= 2000)" in said
    assert runnable.kept(evidence.OUTCOMES) == [
        {"test": "test_small.py::test_arming[2000]", "proves": ["R-ARM-1"], "outcome": "passed"},
        {"test": "test_small.py::test_arming[2001]", "proves": ["R-ARM-1"], "outcome": "passed"},
        {"test": "test_small.py::test_stop", "proves": ["R-LED-1", "R-STP-1"], "outcome": "passed"},
    ]
    assert [f["name"] for f in runnable.kept(evidence.FIGURES)] == ["arming 2000", "arming 2001"]


@pytest.mark.proves("R-SWR-2")
@pytest.mark.parametrize("how", [[], PARALLEL], ids=["alone", "in parallel"])
def test_a_whole_run_with_holes_fails_and_tells_them(runnable: Small, how: list[str]) -> None:
    runnable.path("test_small.py").write_text(TESTS.replace('"R-STP-1", "R-LED-1"', '"R-LED-1"'))
    code, said = run(runnable, *how)
    assert code == 1, said
    assert "R-STP-1 (docs/requirements.md:10): no test that names it has passed" in said
    assert "docs/trace.md:23 is stale" in said
    assert "4 passed, 2 holes in the trace in" in said.splitlines()[-1]


@pytest.mark.proves("R-SWR-2")
def test_a_test_that_fails_or_breaks_in_its_set_up_proves_nothing(runnable: Small) -> None:
    spoiled = TESTS.replace("assert ms >= 2000", "assert ms == 2000").replace(
        "test_stop()", "test_stop(no_such_fixture)"
    )
    runnable.path("test_small.py").write_text(spoiled)
    code, said = run(runnable)
    assert code == 1
    assert "R-ARM-1: a test that names it failed: test_small.py::test_arming[2001]" in said
    assert "R-STP-1: a test that names it failed: test_small.py::test_stop" in said


@pytest.mark.parametrize("how", [["test_small.py"], ["-k", "arming"]])
def test_a_run_of_some_tests_asks_for_no_other_proof(runnable: Small, how: list[str]) -> None:
    runnable.spoil(REQUIREMENTS, "The stop is red. | integrator", "The stop is red. | test")
    assert run(runnable)[0] == 1
    code, said = run(runnable, *how)
    assert code == 0, said
    assert "holes" not in said


@pytest.mark.proves("R-SWR-2")
def test_a_run_of_some_tests_fails_for_an_unknown_id(runnable: Small) -> None:
    runnable.path("test_small.py").write_text(TESTS.replace('"R-LED-1"', '"R-LED-7"'))
    code, said = run(runnable, "test_small.py")
    assert code == 1
    assert "test_small.py::test_stop proves R-LED-7, which docs/requirements.md does not have" in said


def test_a_run_of_some_tests_replaces_what_they_showed_and_keeps_the_rest(runnable: Small) -> None:
    run(runnable)
    runnable.path("test_small.py").write_text(TESTS.replace("pass\n", "assert False\n", 1))
    assert run(runnable, "test_small.py::test_stop")[0] == 1
    kept = {str(o["test"]): o["outcome"] for o in runnable.kept(evidence.OUTCOMES)}
    assert kept["test_small.py::test_stop"] == "failed"
    assert kept["test_small.py::test_arming[2000]"] == "passed"
    assert len(runnable.kept(evidence.FIGURES)) == 2


@pytest.mark.parametrize("how", [[], ["test_small.py"]], ids=["all", "the file"])
def test_a_run_of_a_whole_file_forgets_tests_and_figures_that_are_gone(runnable: Small, how: list[str]) -> None:
    run(runnable)
    runnable.path("test_small.py").write_text(TESTS.replace("[2000, 2001]", "[2000]"))
    run(runnable, *how)
    assert len(runnable.kept(evidence.OUTCOMES)) == 2
    assert [f["name"] for f in runnable.kept(evidence.FIGURES)] == ["arming 2000"]


@pytest.mark.parametrize("how", [["--collect-only"], ["-x"]])
def test_a_run_that_reaches_no_end_asks_for_nothing(runnable: Small, how: list[str]) -> None:
    runnable.path(page.TRACE).unlink()
    runnable.path("test_small.py").write_text(TESTS.replace("assert ms >= 2000", "assert False"))
    _, said = run(runnable, *how)
    assert "holes in the trace" not in said
