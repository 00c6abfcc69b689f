"""Requirements, hazards and inspections: the tables of docs/requirements.md, docs/hazards.md, docs/inspections.md."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tandem_tools.trace.errors import TraceError
from tandem_tools.trace.tables import Row, tables

REQUIREMENTS = "docs/requirements.md"
HAZARDS = "docs/hazards.md"
INSPECTIONS = "docs/inspections.md"

METHODS = ("test", "inspection", "integrator")
REQUIREMENT_HEAD = ("id", "requirement", "method", "clause", "sure")
SURE_HEAD = ("sure", "means")
ALONE_HEAD = ("id", "stands alone because")
HAZARD_HEAD = ("id", "cause", "effect", "severity", "controls", "what remains")
SEVERITY_HEAD = ("severity", "means")
INSPECTION_HEAD = ("requirement", "document", "looked for", "found", "date", "SHA-256")

Tables = dict[tuple[str, ...], list[Row]]


@dataclass(frozen=True)
class Requirement:
    """One sentence that the controller keeps, how that is shown, where it comes from, and how sure that source is."""

    id: str
    sentence: str
    method: str
    clause: str
    sure: str
    line: int


@dataclass(frozen=True)
class Hazard:
    """What may go wrong, what it does to whom, how bad that is, what controls it, and what the controls leave."""

    id: str
    cause: str
    effect: str
    severity: str
    controls: tuple[str, ...]
    remains: str
    line: int


@dataclass(frozen=True)
class Inspection:
    """A look at a document (`file` or `file#heading`) for a requirement: what was found, when, in which content."""

    requirement: str
    document: str
    looked_for: str
    found: str
    date: str
    sha256: str
    line: int


@dataclass(frozen=True)
class Documents:
    """All of it, in the order of the pages; ids may still be double or unknown: `check` says so."""

    requirements: tuple[Requirement, ...]
    hazards: tuple[Hazard, ...]
    inspections: tuple[Inspection, ...]
    alone: Mapping[str, str]
    """Id of a requirement that controls no hazard -> why it is there all the same."""
    sure_words: tuple[str, ...]
    severities: tuple[str, ...]

    def requirement(self, name: str) -> Requirement | None:
        """Return the (first) requirement of an id, or None."""
        return next((r for r in self.requirements if r.id == name), None)

    def of_method(self, method: str) -> tuple[Requirement, ...]:
        """Return the requirements of one method."""
        return tuple(r for r in self.requirements if r.method == method)


def read(root: Path) -> Documents:
    """Read the three documents of a repository. TraceError when one is missing or a table has an unknown head."""
    required = _tables(root, REQUIREMENTS, (REQUIREMENT_HEAD, SURE_HEAD, ALONE_HEAD))
    dangers = _tables(root, HAZARDS, (HAZARD_HEAD, SEVERITY_HEAD))
    looks = _tables(root, INSPECTIONS, (INSPECTION_HEAD,))
    return Documents(
        requirements=tuple(Requirement(*row.cells, line=row.line) for row in required[REQUIREMENT_HEAD]),
        hazards=tuple(map(_hazard, dangers[HAZARD_HEAD])),
        inspections=tuple(Inspection(*row.cells, line=row.line) for row in looks[INSPECTION_HEAD]),
        alone={row.cells[0]: row.cells[1] for row in required[ALONE_HEAD]},
        sure_words=tuple(row.cells[0] for row in required[SURE_HEAD]),
        severities=tuple(row.cells[0] for row in dangers[SEVERITY_HEAD]),
    )


def _hazard(row: Row) -> Hazard:
    name, cause, effect, severity, controls, remains = row.cells
    ids = tuple(word for word in controls.replace(",", " ").split() if word)
    return Hazard(name, cause, effect, severity, ids, remains, row.line)


def _tables(root: Path, name: str, heads: tuple[tuple[str, ...], ...]) -> Tables:
    path = root / name
    if not path.exists():
        raise TraceError(f"{name} is missing: the trace is made of it")
    found: Tables = {head: [] for head in heads}
    for table in tables(path.read_text()):
        if table.head.cells not in found:
            allowed = "; ".join(" | ".join(head) for head in heads)
            raise TraceError(
                f"{name}:{table.head.line}: a table with the head {' | '.join(table.head.cells)} is not read by "
                f"anybody: use one of {allowed}"
            )
        found[table.head.cells] += table.rows
    return found
