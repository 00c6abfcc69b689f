"""A night on a stand: what failed and what changed is told, kept, and ends in an exit code."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from nightly_harness import MEASURING, Project, drifting, hil_figure, pretended_night
from tandem_tools.cli import app
from tandem_tools.nightly import EXIT_CODES, NightlyError, Plan, StandIsBusy, accept, lock, show_night
from tandem_tools.nightly.store import Store
from typer.testing import CliRunner

FAILING = MEASURING + "\n\ndef test_that_fails():\n    assert 1 + 1 == 3\n"
SLOW = "import time\n\n\ndef test_quick():\n    pass\n\n\ndef test_slow():\n    time.sleep(60)\n"
TAKING_DOWN = """
import time
from pathlib import Path
import pytest


@pytest.fixture(scope="session")
def stand():
    yield
    Path("taken_down").touch()


def test_that_brings_it_up(stand):
    pass


def test_slow(stand):
    time.sleep(60)
"""
BESIDE = """
import sys
from pathlib import Path
from tandem_tools.nightly import Plan, run_night
run_night(Plan("pretended", Path(sys.argv[1]), Path(sys.argv[2])), lambda *step: print(step, flush=True))
"""


def cases(project: Project, tag: str) -> set[str]:
    return {c.get("name", "") for c in ET.parse(project.plan.junit).iter("testcase") if c.find(tag) is not None}


def test_a_good_night_is_kept_with_all_that_it_measured(project: Project) -> None:
    (project.root / "build" / "hil").mkdir(parents=True)
    told = '{"controller": {"program": "C0FFEE", "micropython": "1.25.0"}}'
    writes = f"\n\ndef test_stand():\n    Path('build/hil/stand.json').write_text('{told}')\n"
    project.write(MEASURING + writes)
    night = project.run()
    assert night.verdict == "good" and EXIT_CODES[night.verdict] == 0
    assert night.headline == "Good: 3 tests, 1 figure, nothing failed and nothing changed."
    with Store(project.plan.state) as store:
        kept = store.night("pretended", night.number)
    measured = kept.figures[0].figure
    assert (measured.name, measured.value, measured.unit, measured.low, measured.high) == (
        "delay",
        100.0,
        "us",
        0,
        1000,
    )
    assert (measured.uncertainty, measured.truth, measured.samples) == (0.01, 100.0, (99.0, 101.0))
    assert kept.versions["controller program"] == "C0FFEE" and "mpremote" in kept.versions
    assert {o.outcome.outcome for o in kept.outcomes} == {"passed"}
    assert "delay: 100 us" in project.plan.log.read_text()
    assert "hil_figure" not in project.plan.junit.read_text()
    assert ET.parse(project.plan.junit).getroot()[1].get("tests") == "1"


def test_progress_names_each_test_and_how_many_there_are(project: Project) -> None:
    project.run()
    first, second = (f"hil_tests/test_pretended.py::{name}" for name in ("test_figures", "test_that_stands_beside"))
    assert project.seen == [(0, 2, first, ""), (1, 2, first, "passed"), (1, 2, second, ""), (2, 2, second, "passed")]


def test_a_failed_test_and_a_figure_out_of_bounds_fail_the_night(project: Project) -> None:
    project.write(FAILING)
    project.tonight(delay=1001.0)
    night = project.run()
    assert night.verdict == "failed" and EXIT_CODES[night.verdict] == 7
    assert "delay: 1001 us is not within 0 .. 1000 us" in "\n".join(night.problems)
    assert "assert (1 + 1) == 3" in "\n".join(night.problems)
    assert night.figures[0].figure.value == 1001
    assert cases(project, "failure") == {"test_figures", "test_that_fails"}


def test_a_changed_figure_is_a_regression_until_it_is_mended_or_accepted(project: Project) -> None:
    with Store(project.plan.state) as store:
        for _ in range(5):
            pretended_night(store, [hil_figure("delay", 100.0, uncertainty=0.01)])
    project.tonight(delay=110.0)
    changed = project.run()
    assert changed.verdict == "regression" and EXIT_CODES[changed.verdict] == 8
    assert changed.problems == ["delay: 110 us, jump: 10 us above the median of 5 nights; 0.02 is explained"]
    assert cases(project, "failure") == {"delay"}
    assert f"(so since night {changed.number})" in project.run().problems[0]
    assert accept(project.plan, "delay", "the pulse is delayed by 10 us now") == changed.number + 1
    assert project.run().verdict == "good"


def test_a_known_failure_does_not_fail_the_night_until_its_date(project: Project) -> None:
    project.write(FAILING)
    entry = '[[known]]\ntest = "hil_tests/test_pretended.py::test_that_fails"\nreason = "arithmetic"\nuntil = '
    project.known(entry + "2999-12-31\n")
    night = project.run()
    assert night.verdict == "good" and len(night.known_failures) == 1
    assert cases(project, "skipped") == {"test_that_fails"} and cases(project, "failure") == set()
    project.known(entry + "2020-12-31\n")
    late = project.run()
    assert late.verdict == "failed" and "ran out on 2020-12-31" in late.remarks[0]
    project.write(MEASURING)
    assert "was not run" in project.run().remarks[0]


def test_a_figure_that_is_gone_is_told(project: Project) -> None:
    project.tonight(delay=100.0, width=5.0)
    project.run()
    project.tonight(delay=100.0)
    assert project.run().remarks == ["not measured tonight, but on night 1: width"]


def test_a_night_is_ended_by_its_deadline_and_failed(project: Project) -> None:
    project.write(SLOW)
    began = time.monotonic()
    night = project.run(replace(project.plan, deadline_s=3.0))
    assert time.monotonic() - began < 20
    assert night.verdict == "failed"
    assert night.cut.startswith("Ended by the deadline of 0.05 min while hil_tests/test_pretended.py::test_slow")
    assert [o.outcome.outcome for o in night.outcomes if o.outcome.test.endswith("quick")] == ["passed"]


def test_a_run_that_dies_fails_the_night(project: Project) -> None:
    project.write("import os, signal\n\n\ndef test_dies():\n    os.kill(os.getpid(), signal.SIGKILL)\n")
    night = project.run()
    assert night.verdict == "failed" and "was killed by signal 9 while" in night.cut


def test_a_run_that_pytest_calls_failed_fails_the_night_though_no_test_did(project: Project) -> None:
    spoilt = (project.tests / "conftest.py").read_text() + "\n\ndef pytest_sessionfinish(session):\n    "
    (project.tests / "conftest.py").write_text(spoilt + "session.exitstatus = 1\n")
    assert "pytest failed, though no test did" in project.run().cut


@pytest.mark.parametrize(
    ("tests", "said"),
    [("", "code 5"), ("import nothing_of_that_name\n", "nothing_of_that_name")],
    ids=["none", "broken"],
)
def test_a_night_without_a_test_did_not_take_place(project: Project, tests: str, said: str) -> None:
    project.write(tests)
    with pytest.raises(NightlyError, match=said):
        project.run()
    with Store(project.plan.state) as store:
        assert store.numbers("pretended") == []


def test_a_stand_in_use_is_refused_with_who_holds_it(project: Project) -> None:
    with lock.held(project.plan.folder / "lock"), pytest.raises(StandIsBusy, match=rf"by process {os.getpid()} since "):
        project.run()


def killed_after(project: Project, seen: Callable[[str], bool], by: int = signal.SIGKILL) -> None:
    """Start a night in a process of its own, and send that a signal when it has shown a certain line."""
    command = [sys.executable, "-c", BESIDE, str(project.plan.state), str(project.root)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as other:
        assert other.stdout
        for line in other.stdout:
            if seen(line):
                other.send_signal(by)
                break


def test_a_killed_night_leaves_no_half_night_and_its_lock_dies_with_all_of_it(project: Project) -> None:
    project.write("import time\n\n\ndef test_a():\n    time.sleep(2)\n\n\ndef test_b():\n    time.sleep(60)\n")
    killed_after(project, lambda line: "test_a" in line)
    with pytest.raises(StandIsBusy):  # pytest is still at the stand, for as long as test_a takes
        project.run()
    project.write(MEASURING)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            night = project.run()
            break
        except StandIsBusy:
            time.sleep(0.2)
    else:
        pytest.fail("the lock outlived the run")
    assert night.verdict == "good" and night.number == 1


def test_an_interrupted_night_takes_the_stand_down_and_leaves_nothing(project: Project) -> None:
    project.write(TAKING_DOWN)
    killed_after(project, lambda line: "test_slow" in line, by=signal.SIGINT)
    assert (project.root / "taken_down").exists()
    with lock.held(project.plan.folder / "lock"), Store(project.plan.state) as store:
        assert store.numbers("pretended") == []


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (["--show", "3"], "no night 3 of stand emulated: none is kept yet"),
        (["--accept", "delay"], "why delay may change has to be said: give --because"),
        (["--accept", "delay", "--because", "x"], "no night of stand emulated has measured a figure called 'delay'"),
        (["--stand", "a/b"], "'a/b' is no name of a stand"),
    ],
    ids=["show", "no reason", "no figure", "stand"],
)
def test_the_command_says_what_cannot_be_done(asked: list[str], said: str, tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["nightly", "--state", str(tmp_path), *asked])
    assert result.exit_code == 1 and said in result.stderr


def test_ten_nights_with_a_drift_hidden_in_one_figure(project: Project, figure: Callable[..., None]) -> None:
    """No step shows on its own; night 8 is the first on which chance is out of the question. See `drifting`."""
    random, flagged = Random(1), {}
    for number in range(1, 11):
        steady = {f"figure {i}": 100 + random.gauss(0, 1) for i in range(5)}
        project.tonight(**{**steady, "figure 3": drifting(random, number)})
        night = project.run()
        flagged.update({number: [f.figure.name for f in night.regressions]} if night.regressions else {})
        assert EXIT_CODES[night.verdict] == (8 if number == 8 else 0)
    figure("nights and figures flagged, of ten nights and 5 figures", str(flagged), "", "{8: ['figure 3']}")
    assert flagged == {8: ["figure 3"]}


def test_the_page_of_an_old_night_can_be_written_again(project: Project) -> None:
    project.run()
    first = project.plan.page.read_text()
    project.tonight(delay=101.0)
    project.run()
    assert show_night(project.plan, 1).read_text() == first
    with pytest.raises(NightlyError, match="no night 3 of stand pretended: nights 1 to 2 are kept"):
        show_night(project.plan, 3)


def test_figures_come_out_of_a_run_in_parallel_too(project: Project) -> None:
    project.write(MEASURING + "\n\ndef test_other(measured):\n    measured('other', 2, '', low=1, high=3)\n")
    file = project.root / "figures.json"
    command = [sys.executable, "-m", "pytest", "hil_tests", "-n2", "--stand=x", f"--figures={file}"]
    done = subprocess.run(command, cwd=project.root, capture_output=True, text=True, check=True)
    assert {f["name"] for f in json.loads(file.read_text())["figures"]} == {"delay", "other"}
    assert "other: 2   (bounds 1 .. 3)" in done.stdout
    assert len(json.loads(file.read_text())["outcomes"]) == 3


def test_plans_keep_each_stand_in_a_folder_of_its_own() -> None:
    plan = Plan("bench 2", Path("state"))
    with pytest.raises(NightlyError, match="is no name of a stand"):
        Plan("../bench", Path("state"))
    assert plan.page == Path("state/bench 2/latest.html") and plan.junit.parent == plan.log.parent == plan.folder
