"""The parts of docs/rig.md that `make pages` makes: drawing and table of the wires, table of the rig's commands."""

from __future__ import annotations

import runpy
from pathlib import Path

from .drawing import draw
from .table import as_markdown
from .wiring import ROOT, load_wiring

PAGE = ROOT / "docs" / "rig.md"
DRAWING = ROOT / "docs" / "rig_wiring.svg"
STAND = "emulated"
"""Has every wire that there may be; a real stand's wires are the same, or some of them."""
COMMANDS = ROOT / "hil_tests" / "rig" / "rig" / "command_table.py"


def with_tables(text: str) -> str:
    """Return the text of docs/rig.md with its tables put in anew between their marks."""
    return _with(_with(text, "wires", as_markdown(load_wiring(STAND))), "commands", commands_table())


def commands_table() -> str:
    """Return the rig's commands as a Markdown table, from the rig's own list."""
    table = runpy.run_path(str(COMMANDS))["COMMANDS"]
    shown = [(f"{name} {usage}".strip().replace("|", "/"), meaning) for name, usage, _, _, meaning in table]
    rows = [f"| `{words}` | {meaning} |" for words, meaning in shown]
    return "\n".join(["| command | does |", "|---|---|", *rows]) + "\n"


def _with(text: str, name: str, table: str) -> str:
    begin, end = f"<!-- made: {name} -->\n", f"<!-- end: {name} -->"
    before, rest = text.split(begin)
    return before + begin + table + end + rest.split(end, 1)[1]


def write(page: Path = PAGE, drawing: Path = DRAWING) -> None:
    """Write both."""
    drawing.write_text(draw(load_wiring(STAND)))
    page.write_text(with_tables(page.read_text()))


if __name__ == "__main__":
    write()
