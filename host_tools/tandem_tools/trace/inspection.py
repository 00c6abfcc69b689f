"""Inspections: the content that a person looked at, its hash, and how a look is put on record.

A hash is never renewed by itself: a changed document asks for a person, who looks and then runs
`make inspected ID=R-...`.
"""

from __future__ import annotations

import datetime
import hashlib
from dataclasses import replace
from pathlib import Path

from tandem_tools.trace.documents import INSPECTIONS, Documents, Inspection
from tandem_tools.trace.errors import TraceError
from tandem_tools.trace.tables import headings, line


def content(root: Path, document: str) -> str:
    """Return what an inspection looks at: a whole file, or of `file#heading` that heading with its own text.

    A heading's own text ends at the next heading of any level, so that a change elsewhere in a page does not ask for a
    new look. TraceError when there is no such file or heading.
    """
    name, _, heading = document.partition("#")
    path = root / name
    if not path.is_file():
        raise TraceError(f"{document}: there is no file {name}")
    text = path.read_text()
    if not heading:
        return text
    found = headings(text)
    at = next((i for i, h in enumerate(found) if h.name == heading), None)
    if at is None:
        raise TraceError(f"{document}: {name} has no heading #{heading}; it has #{', #'.join(h.name for h in found)}")
    end = found[at + 1].line - 1 if at + 1 < len(found) else None
    return "\n".join(text.splitlines()[found[at].line - 1 : end]).rstrip() + "\n"


def digest(root: Path, document: str) -> str:
    """Return the SHA-256 of an inspection's content, in hexadecimal."""
    return hashlib.sha256(content(root, document).encode()).hexdigest()


def record(root: Path, documents: Documents, requirement: str, found: str = "") -> list[Inspection]:
    """Put on record that a person looked, today, at every document that is inspected for a requirement.

    `found`, if not empty, replaces the finding. Changes docs/inspections.md alone and returns the rows as they are now.
    TraceError when there is nothing to inspect for that id, or its document is not there.
    """
    looks = [i for i in documents.inspections if i.requirement == requirement]
    if not looks:
        known = sorted({i.requirement for i in documents.inspections})
        raise TraceError(f"{INSPECTIONS} has no row for {requirement}; it has {', '.join(known) or 'none'}: add one")
    page = root / INSPECTIONS
    lines = page.read_text().splitlines()
    today = datetime.date.today().isoformat()
    renewed = [replace(i, found=found or i.found, date=today, sha256=digest(root, i.document)) for i in looks]
    for look in renewed:
        cells = (look.requirement, look.document, look.looked_for, look.found, look.date, look.sha256)
        lines[look.line - 1] = line(cells)
    page.write_text("\n".join(lines) + "\n")
    return renewed
