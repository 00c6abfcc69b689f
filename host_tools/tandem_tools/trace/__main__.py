"""`python -m tandem_tools.trace`: writes the trace, and puts inspections on record."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from tandem_tools.flash.program import ROOT
from tandem_tools.trace import check, documents, evidence, inspection, page
from tandem_tools.trace.errors import TraceError

app = typer.Typer(add_completion=False, help="From hazard to requirement to the figure that shows it.")


@app.command()
def write() -> None:
    """Write docs/trace.md and the integrator's checklist in docs/wiring.md; fails while the trace has a hole."""
    found = documents.read(ROOT)
    shown = evidence.load(ROOT)
    (ROOT / page.GUIDE).write_text(page.guide_with_checklist(ROOT, found))
    (ROOT / page.TRACE).write_text(page.trace(found, shown))
    holes = check.holes(ROOT, found, shown)
    for hole in holes:
        print(hole, file=sys.stderr)
    counted = ", ".join(f"{len(found.of_method(method))} by {method}" for method in documents.METHODS)
    print(f"{page.TRACE}: {len(found.hazards)} hazards, requirements {counted}; holes: {len(holes)}")
    if holes:
        raise typer.Exit(1)


@app.command()
def inspected(
    requirement: Annotated[str, typer.Argument(help="id of a requirement that is shown by inspection")],
    found: Annotated[str, typer.Option(help="the finding; without it, the one on record is confirmed")] = "",
) -> None:
    """Put on record that you have looked, today, at every document that is inspected for a requirement."""
    for look in inspection.record(ROOT, documents.read(ROOT), requirement, found):
        print(f"{look.document}, looked for: {look.looked_for}\nfound: {look.found}\n{look.date} {look.sha256}")


def main() -> None:
    """Run the command; a TraceError is one line and exit code 1."""
    try:
        app()
    except TraceError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
