"""The trace shows each hazard with its requirements and their figures; looks at documents go on record."""

from __future__ import annotations

import datetime
import hashlib

import pytest
from tandem_tools.trace import check, documents, evidence, inspection, page, tables
from tandem_tools.trace.documents import INSPECTIONS
from tandem_tools.trace.errors import TraceError
from trace_harness import REPOSITORY, Small

HOW = "run make trace"


@pytest.mark.proves("R-SWR-2")
def test_the_documents_of_this_repository_have_no_hole() -> None:
    required = documents.read(REPOSITORY)
    assert check.of_documents(REPOSITORY, required) == []
    assert check.of_checklist(REPOSITORY, required) == [], HOW


def test_the_trace_leads_from_the_hazard_to_the_figure(small: Small) -> None:
    text = page.trace(small.documents, small.evidence)
    section = text.split("### H-1, critical: it fires too early")[1].split("###")[0]
    assert "Then: an eye is hit. What remains: nothing." in section
    assert "| R-ARM-1 | test | arming 2000 | 2000 ms | >= 2000 | not yet measured |" in section
    assert "|  |  | arming 2001 | 2001 ms | >= 2000 | not yet measured |" in section
    assert "| R-STP-1 | test | its tests | passed |  | not yet measured |" in section
    section = text.split("### H-2")[1].split("##")[0]
    assert f"| R-DOC-1 | inspection | README.md#what-it-is | inspected {datetime.date.today()} |  |  |" in section
    assert "| R-INT-1 | integrator | checklist in wiring.md |  |  | the integrator's |" in section
    assert "- R-LED-1: nothing depends on it" in text
    assert "| R-ARM-1 | Arming takes two seconds. |  | own | `test_small.py`: test_arming |" in text


def test_a_requirement_without_proof_is_shown_as_such(small: Small) -> None:
    del small.outcomes[:2]
    assert "| R-ARM-1 | test | no test that passed |  |  |  |" in page.trace(small.documents, small.evidence)


def test_the_checklist_goes_between_its_marks_and_touches_nothing_else(small: Small) -> None:
    text = small.path(page.GUIDE).read_text()
    assert text == f"# Wiring\n\n{page.BEGIN}- [ ] **R-INT-1** The stop is red.\n{page.END}\n\nThe end.\n"


def test_a_look_puts_todays_date_and_the_contents_hash_on_record(small: Small) -> None:
    small.spoil("README.md", "A research controller.", "A bench controller.")
    others = small.path(INSPECTIONS).read_text().splitlines()[:-1]
    (look,) = inspection.record(small.root, small.documents, "R-DOC-1", "a bench controller")
    expected = hashlib.sha256(b"## What it is\n\nA bench controller.\n").hexdigest()
    assert (look.found, look.date, look.sha256) == ("a bench controller", datetime.date.today().isoformat(), expected)
    assert small.path(INSPECTIONS).read_text().splitlines()[:-1] == others
    assert small.documents.inspections == (look,)
    assert check.of_documents(small.root, small.documents) == []


def test_a_look_at_a_whole_file_covers_all_of_it(small: Small) -> None:
    small.spoil(INSPECTIONS, "README.md#what-it-is", "README.md")
    inspection.record(small.root, small.documents, "R-DOC-1")
    small.spoil("README.md", "Introduction.", "Another introduction.")
    assert any("README.md has changed" in hole for hole in small.holes())


def test_a_look_for_an_unknown_requirement_is_refused_with_those_there_are(small: Small) -> None:
    with pytest.raises(TraceError, match="no row for R-DOC-2; it has R-DOC-1"):
        inspection.record(small.root, small.documents, "R-DOC-2")


def test_without_a_run_the_trace_asks_for_one(small: Small) -> None:
    with pytest.raises(TraceError, match=r"build/outcomes\.json is missing: run make test first"):
        evidence.load(small.root)


def test_tables_and_headings_are_read_with_their_lines() -> None:
    text = "# One & two\n\ntext\n\n| a | b |\n|---|---|\n| 1 | `x \\| y` |\n| 2 | |\n\n## Three\n"
    (table,) = tables.tables(text)
    assert (table.head.cells, table.head.line) == (("a", "b"), 5)
    assert [(row.cells, row.line) for row in table.rows] == [(("1", "`x | y`"), 7), (("2", ""), 8)]
    assert [(h.name, h.line) for h in tables.headings(text)] == [("one--two", 1), ("three", 10)]
