"""`make numbers`: the figures of the last test run as pages of the documentation.

docs/numbers.md lists every figure by the test that measured it, and what the fault-injection campaign found; the README
shows those figures that its own table names.
"""

from __future__ import annotations

import ast
import json
import sys
from collections.abc import Iterable
from itertools import groupby

from tandem_tools.flash.program import ROOT
from tandem_tools.report import campaign
from tandem_tools.trace import evidence
from tandem_tools.trace.evidence import NOT_YET, Figure, shown

FIGURES = ROOT / evidence.FIGURES
PAGE = ROOT / "docs" / "numbers.md"
README = ROOT / "README.md"
BEGIN, END = "<!-- numbers: written by make numbers -->", "<!-- end of numbers -->"
MEASURABLE = "firmware/tests/on_bench/"
"""Where the figures stand that real boards can be asked for too."""
BY_THE_RIG = "hil_tests/"
RIG_HEAD = """## What the rig measures, beside the ground truth

`hil_tests/`, on two emulated boards whose crystals differ by 41 ppm, over their serial ports. The rig's figures are its
own stamps, turned into the controller's cycles by the ratio of the crystals that it measured first; `+-` is how sure it
is of them. The ground truth comes from the bench's edges, which no stand of real boards has.

| figure | the rig, on the bench | +- | ground truth | bounds | on real boards |
|---|---|---|---|---|---|
"""

HEAD = """# The numbers

Every figure is measured by a test and printed at the end of `make test`, also on a pass. This page was written by
`make numbers` from the last run. Nothing here was measured on real boards yet: that column waits for a stand of them.

How they are measured: the bench records every edge of every wire in picoseconds and in system-clock cycles of 8 ns.
Those edges are the ground truth for all times of pins; they come from PIO, timers and parts, which the bench models to
the cycle ([bench.md](bench.md)). Times that the CPU takes are those of an emulated core without flash cache misses: a
real one is slower. Figures in times of real time, and seconds and milliseconds of the bench itself, are wall-clock of
one machine. Random values and moments come from fixed seeds.
"""


def load() -> list[Figure]:
    """Return the kept figures: name, value, unit, limit, test. SystemExit when there are none yet."""
    if not FIGURES.exists():
        sys.exit(f"{FIGURES.relative_to(ROOT)} is missing: run make test first")
    return json.loads(FIGURES.read_text())


def what_it_tests(module: str) -> str:
    """Return the first line of a test module's docstring."""
    text = ast.get_docstring(ast.parse((ROOT / module).read_text())) or module
    return text.splitlines()[0].rstrip(".")


def row(figure: Figure) -> str:
    """Return one line of a table; `|` in texts would end a cell."""
    on_boards = NOT_YET if figure["test"].startswith((MEASURABLE, BY_THE_RIG)) else ""
    cells = (figure["name"], shown(figure), figure["limit"], on_boards)
    return "| " + " | ".join(str(cell).replace("|", "/") for cell in cells) + " |"


def table(figures: Iterable[Figure]) -> str:
    """Return figures as a Markdown table."""
    lines = ["| figure | on the bench | to reach | on real boards |", "|---|---|---|---|", *map(row, figures)]
    return "\n".join(lines) + "\n"


def page(figures: list[Figure]) -> str:
    """Return the whole page, a section for each test module."""
    sections = [HEAD, RIG_HEAD + "\n".join(_rig_row(f) for f in figures if f["test"].startswith(BY_THE_RIG)) + "\n"]
    others = [f for f in figures if not f["test"].startswith(BY_THE_RIG)]
    in_order = sorted(others, key=lambda f: (f["test"].split("::")[0], f["name"]))
    for module, found in groupby(in_order, key=lambda f: f["test"].split("::")[0]):
        sections.append(f"## {what_it_tests(module)}\n\n`{module}`\n\n{table(found)}")
    return "\n".join(sections + campaign.sections())


def _rig_row(figure: Figure) -> str:
    unit = figure["unit"]
    sure = evidence.shown({"value": float(figure["uncertainty"]), "unit": unit}) if figure["uncertainty"] else ""
    true = "" if figure["truth"] is None else evidence.shown({"value": _readable(figure["truth"]), "unit": unit})
    cells = (
        figure["name"],
        shown({**figure, "value": _readable(figure["value"])}),
        sure,
        true,
        figure["limit"],
        NOT_YET,
    )
    return "| " + " | ".join(str(cell).replace("|", "/") for cell in cells) + " |"


def _readable(value: float) -> float:
    """Return a value without the dust of its arithmetic: picoseconds that were rounded are no cycles."""
    return round(value, 4)


def chosen(readme: str, figures: list[Figure]) -> str:
    """Return the README with its table renewed: its rows say which figures. SystemExit for an unknown one."""
    before, rest = readme.split(BEGIN)
    old, after = rest.split(END)
    names = [line.split("|")[1].strip() for line in old.strip().splitlines()[2:]]
    by_name = {f["name"]: f for f in figures}
    missing = [name for name in names if name not in by_name]
    if missing:
        sys.exit(
            f"README.md shows figures that no test measured: {', '.join(missing)}; run make test, or take them out"
        )
    return f"{before}{BEGIN}\n{table(by_name[name] for name in names)}{END}{after}"


def main() -> None:
    """Write docs/numbers.md and the README's table."""
    figures = load()
    PAGE.write_text(page(figures))
    README.write_text(chosen(README.read_text(), figures))
    print(f"{len(figures)} figures in {PAGE.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
