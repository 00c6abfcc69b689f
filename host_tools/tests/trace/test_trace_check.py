"""Every kind of hole in the trace is found, and told in a sentence that names it and says what to do."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tandem_tools.trace import documents, evidence, page
from tandem_tools.trace.documents import HAZARDS, INSPECTIONS, REQUIREMENTS
from tandem_tools.trace.errors import TraceError
from trace_harness import Small

pytestmark = pytest.mark.proves("R-SWR-2")


def test_a_trace_without_a_hole_passes(small: Small) -> None:
    assert small.holes() == []


SPOILED_PAGES = [
    (REQUIREMENTS, "| R-STP-1 |", "| R-ARM-1 |", "R-ARM-1 stands in line 9 too: give it another number"),
    (REQUIREMENTS, "| R-STP-1 |", "| r-stp-1 |", "r-stp-1 is no id of a requirement"),
    (REQUIREMENTS, "SAFE stops at once.", "", "R-STP-1 says nothing"),
    (REQUIREMENTS, "two seconds. | test", "two seconds. | tests", "the method 'tests' is not known: use test,"),
    (REQUIREMENTS, "seconds. | test | | own", "seconds. | test | | sure", "'sure' is no word for how sure we are"),
    (REQUIREMENTS, "| R-LED-1 | nothing", "| R-LED-2 | nothing", "R-LED-2 is said to stand alone, and there is no"),
    (REQUIREMENTS, "| R-LED-1 | nothing", "| R-LED-2 | nothing", "R-LED-1 controls no hazard: name it in"),
    (REQUIREMENTS, "nothing depends on it", "", "R-LED-1 stands alone without a reason"),
    (REQUIREMENTS, "red. | integrator", "red. | test", "R-INT-1 (docs/requirements.md:12): no test that"),
    (REQUIREMENTS, "is. | inspection", "is. | test", "R-DOC-1 is shown by test: take the row away"),
    (REQUIREMENTS, "red. | integrator", "red. | inspection", "R-INT-1 is to be inspected, and docs/inspections.md"),
    (REQUIREMENTS, "The stop is red.", "The stop is green.", "docs/wiring.md: its checklist is not that of"),
    (HAZARDS, "| H-2 |", "| H-1 |", "H-1 stands in line 9 too"),
    (HAZARDS, "| H-2 |", "| hazard 2 |", "hazard 2 is no id of a hazard"),
    (HAZARDS, "wrongly | critical", "wrongly | bad", "H-2: the severity 'bad' is not known: use critical"),
    (HAZARDS, "R-DOC-1, R-INT-1", "", "H-2 has no control: name the requirements that control it"),
    (HAZARDS, "R-ARM-1 R-STP-1", "R-ARM-1 R-STP-7", "H-1 is controlled by R-STP-7, which docs/requirements.md"),
    (HAZARDS, "R-ARM-1 R-STP-1", "R-ARM-1 R-STP-1 R-LED-1", "R-LED-1 controls a hazard, and is said to stand alone"),
    (HAZARDS, "R-ARM-1 R-STP-1", "R-ARM-1", "R-STP-1 controls no hazard"),
    (INSPECTIONS, "| R-DOC-1 |", "| R-DOC-7 |", "R-DOC-7 is not in docs/requirements.md: correct the id"),
    (INSPECTIONS, "#what-it-is", "#what-it-was", "no heading #what-it-was; it has #small, #what-it-is, #more"),
    (INSPECTIONS, "README.md#what-it-is", "READ.md", "READ.md: there is no file READ.md"),
    (INSPECTIONS, "a controller", "", "R-DOC-1: nobody has looked at README.md#what-it-is yet"),
    ("README.md", "A research controller.", "A medical device.", "README.md#what-it-is has changed since it was"),
    (page.TRACE, "| R-STP-1 | test |", "| R-STP-9 | test |", "docs/trace.md:23 is stale"),
    (page.TRACE, "an eye is hit", "nobody is hit", "docs/trace.md:17 is stale"),
    (page.GUIDE, "The stop is red.", "The stop is green.", "its checklist is not that of docs/requirements.md"),
    (page.GUIDE, page.BEGIN, "", "docs/wiring.md has no place for the integrator's checklist"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "old", "new", "told"), SPOILED_PAGES, ids=[case[3] for case in SPOILED_PAGES])
def test_a_spoiled_page_is_told(small: Small, name: str, old: str, new: str, told: str) -> None:
    small.spoil(name, old, new)
    assert any(told in hole for hole in small.holes()), small.holes()


def test_a_change_outside_of_what_was_inspected_asks_for_no_new_look(small: Small) -> None:
    small.spoil("README.md", "Introduction.", "Another introduction.")
    small.spoil("README.md", "Text.", "Another text.")
    assert small.holes() == []


def a_failed_test(small: Small) -> None:
    small.outcomes[0] = evidence.Outcome("test_small.py::test_arming[2000]", ("R-ARM-1",), "failed")


def a_skipped_test(small: Small) -> None:
    small.outcomes[2] = evidence.Outcome("test_small.py::test_stop", ("R-LED-1", "R-STP-1"), "skipped")


def no_test(small: Small) -> None:
    del small.outcomes[2]


def an_unknown_id(small: Small) -> None:
    small.outcomes.append(evidence.Outcome("test_small.py::test_more", ("R-ARM-9",), "passed"))


def a_mark_without_an_id(small: Small) -> None:
    small.outcomes.append(evidence.Outcome("test_small.py::test_more", (), "passed"))


def a_mark_for_the_integrator(small: Small) -> None:
    small.outcomes.append(evidence.Outcome("test_small.py::test_more", ("R-INT-1",), "passed"))


def one_figure_more(small: Small) -> None:
    small.figures.append({**small.figure(2000), "name": "arming, worst"})


def another_limit(small: Small) -> None:
    small.figures[0]["limit"] = ">= 1000"


def another_test(small: Small) -> None:
    small.outcomes.append(evidence.Outcome("test_small.py::test_more", ("R-ARM-1",), "passed"))


@pytest.mark.parametrize(
    ("what", "told"),
    [
        (a_failed_test, "R-ARM-1: a test that names it failed: test_small.py::test_arming[2000]"),
        (a_skipped_test, "no test that names it has passed (test_small.py::test_stop was skipped)"),
        (no_test, 'R-STP-1 (docs/requirements.md:10): no test that names it has passed: mark one'),
        (an_unknown_id, "test_small.py::test_more proves R-ARM-9, which docs/requirements.md does not have"),
        (a_mark_without_an_id, "test_small.py::test_more: the mark proves names no requirement"),
        (a_mark_for_the_integrator, "test_small.py::test_more proves R-INT-1, which is shown by integrator"),
        (one_figure_more, "docs/trace.md:23 is stale: it has '| R-STP-1 | test | its tests | ... |"),
        (another_limit, "docs/trace.md:21 is stale"),
        (another_test, "docs/trace.md:46 is stale"),
    ],
)  # fmt: skip
def test_what_the_tests_do_not_show_is_told(small: Small, what: Callable[[Small], None], told: str) -> None:
    what(small)
    assert any(told in hole for hole in small.holes()), small.holes()


def test_another_measured_value_makes_no_trace_stale(small: Small) -> None:
    small.figures[0]["value"] = 2345.678
    assert small.holes() == []
    assert "2345.68 ms" in page.trace(small.documents, small.evidence)


def test_a_missing_trace_is_told(small: Small) -> None:
    small.path(page.TRACE).unlink()
    assert small.holes() == ["docs/trace.md is missing: run make test, then make trace"]


@pytest.mark.parametrize("name", [REQUIREMENTS, HAZARDS, INSPECTIONS])
def test_a_missing_document_is_told(small: Small, name: str) -> None:
    small.path(name).unlink()
    with pytest.raises(TraceError, match=f"{name} is missing"):
        documents.read(small.root)


def test_a_table_that_nobody_reads_is_told_with_the_heads_that_are_read(small: Small) -> None:
    small.spoil(HAZARDS, "| severity | means |", "| severety | means |")
    with pytest.raises(
        TraceError, match=r"docs/hazards.md:3: a table with the head severety .* use one of id \| cause"
    ):
        documents.read(small.root)
