"""The wires of a stand as a table: for a terminal, for docs/rig.md, and as JSON."""

from __future__ import annotations

import json

from rich.table import Table

from .wirefaults import Finding
from .wiring import Wire, Wiring

HEAD = ("signal", "controller", "rig", "what to solder")


def _row(wire: Wire) -> tuple[str, ...]:
    return wire.signal, wire.controller, wire.rig, wire.note


def as_table(wiring: Wiring) -> Table:
    """Return the wires for a terminal."""
    table = Table(title=f"Wires of stand {wiring.name} ({wiring.kind})", title_justify="left")
    for head in HEAD:
        table.add_column(head, no_wrap=head != HEAD[-1])
    for wire in wiring.wires:
        table.add_row(*_row(wire))
    return table


def as_markdown(wiring: Wiring) -> str:
    """Return the wires as a table of a page, with a line's end."""
    lines = ["| " + " | ".join(HEAD) + " |", "|" + "---|" * len(HEAD)]
    return "\n".join(lines + ["| " + " | ".join(_row(wire)) + " |" for wire in wiring.wires]) + "\n"


def as_json(wiring: Wiring) -> str:
    """Return name, kind and wires as a line of JSON."""
    keys = ("signal", "controller", "rig", "note")
    wires = [dict(zip(keys, _row(wire), strict=True)) for wire in wiring.wires]
    return json.dumps({"stand": wiring.name, "kind": wiring.kind, "wires": wires})


def of_findings(findings: list[Finding], stand: str) -> Table:
    """Return the outcome of `tandem rig check` for a terminal, one line a wire."""
    table = Table(title=f"Wires of stand {stand}", title_justify="left")
    for head in ("wire", "", "what is wrong", "what to look at"):
        table.add_column(head, no_wrap=head in ("wire", ""))
    for finding in findings:
        outcome = "ok" if finding.ok else "?" if finding.ok is None else "WRONG"
        style = None if finding.ok else "yellow" if finding.ok is None else "bold red"
        table.add_row(finding.signal, outcome, finding.wrong, finding.look_at, style=style)
    return table
