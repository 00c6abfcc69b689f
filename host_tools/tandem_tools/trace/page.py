"""docs/trace.md, and the integrator's checklist in docs/wiring.md."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path

from tandem_tools.trace.documents import INSPECTIONS, Documents, Requirement
from tandem_tools.trace.errors import TraceError
from tandem_tools.trace.evidence import NOT_YET, Evidence, shown
from tandem_tools.trace.tables import table

TRACE = "docs/trace.md"
GUIDE = "docs/wiring.md"
BEGIN, END = "<!-- made: integrator -->\n", "<!-- end: integrator -->"
HEAD = ("requirement", "method", "shown by", "on the bench", "to reach", "on real hardware")
MEASURED = HEAD.index("on the bench")
NO_TEST = "no test that passed"

INTRODUCTION = """# The trace

Written by `make trace` from [requirements.md](requirements.md), [hazards.md](hazards.md),
[inspections.md](inspections.md) and the last run of `make test`; do not edit it here. `make test` fails when a
requirement to be tested has no test that passed, when an inspected document has changed, or when this page is not what
would be written now, measured values aside.

*On the bench* stands for every figure of the last run: on emulated boards where pins and times are concerned, on the
host's Python and the board's interpreter where a part is pure. How each is measured: [numbers.md](numbers.md). Nothing
was measured on real hardware yet. A requirement without a figure of its own is *passed* by tests that can only hold or
fail. What the integrator has to do is a checklist in [wiring.md](wiring.md).
"""


def trace(documents: Documents, evidence: Evidence) -> str:
    """Return docs/trace.md."""
    parts = [INTRODUCTION, "## From hazards to figures\n"]
    for hazard in documents.hazards:
        found = [r for name in hazard.controls if (r := documents.requirement(name))]
        parts.append(
            f"### {hazard.id}, {hazard.severity}: {hazard.cause}\n\nThen: {hazard.effect}. What remains: "
            f"{hazard.remains}.\n\n{_shown(found, documents, evidence)}"
        )
    alone = [r for r in documents.requirements if r.id in documents.alone]
    if alone:
        reasons = "".join(f"- {r.id}: {documents.alone[r.id]}\n" for r in alone)
        parts.append(f"## Requirements that control no hazard\n\n{reasons}\n{_shown(alone, documents, evidence)}")
    parts.append(f"## Requirements and their tests\n\n{_tests(documents, evidence)}")
    return "\n".join(parts)


def structure(text: str) -> str:
    """Return a trace with every measured value taken out: what must not differ from what would be written now."""
    lines = text.splitlines()
    inside = False
    for i, content in enumerate(lines):
        cells = content.strip("| ").split(" | ")
        if not content.startswith("|"):
            inside = False
        elif cells == list(HEAD):
            inside = True
        elif inside and not content.startswith("|-"):
            split = content.split(" | ")
            split[MEASURED] = "..."
            lines[i] = " | ".join(split)
    return "\n".join(lines) + "\n"


def guide(root: Path) -> str:
    """Return the wiring guide as it is. TraceError without it."""
    path = root / GUIDE
    if not path.exists():
        raise TraceError(f"{GUIDE} is missing: the integrator's checklist stands there")
    return path.read_text()


def guide_with_checklist(root: Path, documents: Documents) -> str:
    """Return the wiring guide with its checklist made anew. TraceError when it has no place for it."""
    text = guide(root)
    if text.count(BEGIN) != 1 or text.count(END) != 1:
        raise TraceError(
            f"{GUIDE} has no place for the integrator's checklist: put {BEGIN.strip()} and {END} around it"
        )
    before, rest = text.split(BEGIN)
    return before + BEGIN + checklist(documents) + END + rest.split(END)[1]


def checklist(documents: Documents) -> str:
    """Return the requirements that only the integrator can keep, as a list to be ticked off."""
    lines = (f"- [ ] **{r.id}** {r.sentence}" for r in documents.of_method("integrator"))
    return "\n".join(lines) + "\n"


def _shown(requirements: Iterable[Requirement], documents: Documents, evidence: Evidence) -> str:
    return table(HEAD, [row for r in requirements for row in _rows(r, documents, evidence)])


def _rows(requirement: Requirement, documents: Documents, evidence: Evidence) -> Iterator[tuple[str, ...]]:
    """One row for each figure or inspected document; the requirement's id and method stand in the first alone."""
    first = (requirement.id, requirement.method)
    for what in _evidence(requirement, documents, evidence):
        yield (*first, *what)
        first = ("", "")


def _evidence(requirement: Requirement, documents: Documents, evidence: Evidence) -> Iterator[tuple[str, ...]]:
    name, method = requirement.id, requirement.method
    if method == "integrator":
        yield "checklist in wiring.md", "", "", "the integrator's"
    elif method == "inspection":
        for look in documents.inspections:
            if look.requirement == name:
                yield look.document, f"inspected {look.date}", "", ""
    elif not any(o.outcome == "passed" for o in evidence.of(name)):
        yield NO_TEST, "", "", ""
    elif figures := evidence.figures_of(name):
        for figure in figures:
            yield figure["name"], shown(figure), figure["limit"], NOT_YET
    else:
        yield "its tests", "passed", "", NOT_YET


def _tests(documents: Documents, evidence: Evidence) -> str:
    rows = [(r.id, r.sentence, r.clause, r.sure, _by(r, documents, evidence)) for r in documents.requirements]
    return table(("requirement", "says", "clause", "sure", "tests, documents"), rows)


def _by(requirement: Requirement, documents: Documents, evidence: Evidence) -> str:
    if requirement.method == "integrator":
        return GUIDE
    if requirement.method == "inspection":
        looks = ", ".join(i.document for i in documents.inspections if i.requirement == requirement.id)
        return f"{looks} ({INSPECTIONS})"
    functions = sorted({tuple(o.function.split("::", 1)) for o in evidence.of(requirement.id)})
    by_file = groupby(functions, key=lambda f: f[0])
    found = [f"`{file}`: {', '.join(name for _, name in names)}" for file, names in by_file]
    return "; ".join(found) or NO_TEST
