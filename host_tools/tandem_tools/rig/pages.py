"""The parts of docs/rig.md that are made of the wiring: the drawing and the table. `make pages` writes them anew."""

from __future__ import annotations

from pathlib import Path

from .drawing import draw
from .table import as_markdown
from .wiring import ROOT, load_wiring

PAGE = ROOT / "docs" / "rig.md"
DRAWING = ROOT / "docs" / "rig_wiring.svg"
STAND = "emulated"
"""Has every wire that there may be; a real stand's wires are the same, or some of them."""
BEGIN, END = "<!-- made: wires -->\n", "<!-- end: wires -->"


def with_table(text: str) -> str:
    """Return the text of docs/rig.md with the table of wires put in anew between its marks."""
    before, rest = text.split(BEGIN)
    return before + BEGIN + as_markdown(load_wiring(STAND)) + END + rest.split(END, 1)[1]


def write(page: Path = PAGE, drawing: Path = DRAWING) -> None:
    """Write both."""
    drawing.write_text(draw(load_wiring(STAND)))
    page.write_text(with_table(page.read_text()))


if __name__ == "__main__":
    write()
