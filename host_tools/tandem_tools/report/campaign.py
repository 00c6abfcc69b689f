"""The fault-injection campaign as a section of docs/numbers.md: one line a cause and state, from build/campaign.json.

Both speeds of flash stand in one line: `a / b` is typical / worst, one value is the same for both.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tandem_tools.flash.program import ROOT

ROWS = ROOT / "build" / "campaign.json"
FLASH_TIMES = ("typical", "worst")

HEAD = """## Fault injection: what moved after a cause that may not, and how it ended

`firmware/tests/on_bench/test_campaign_*.py`

Each cause is injected from saved states READY and FIRING, with flash at its typical and at its worst times: `a / b`
where they differ. In READY the pedal is pressed after the cause and held. Outputs are judged at every moment, against a
press that was made to its end before: every edge of triggers and drivers, the shutters' outputs, and that nothing rises
once SAFE fell. Recovery is followed to its end at the number of moments in the last column: the cause is taken away and
the fault cleared on the console; or the watchdog resets the board and it boots; or the program has ended at the prompt,
and a hard reset follows.

*Shots* is the most that left the board after the cause in one trial. *Low after*: where the guard acted, cycles of 8 ns
from SAFE's fall to the last trigger low; and the longest time from the cause to the last edge of a trigger or driver,
the shots that may still come included. SYNC_OUT, which fires nothing, may go on until SAFE opens. Handlers are machine
code and cannot raise: an undefined instruction in them stops the core, as a hard fault does.
"""
TITLES = (
    "cause",
    "in",
    "moments",
    "may still move",
    "moved that may not",
    "shots",
    "low after",
    "SAFE open, reset after",
)
LAST = ("fault told", "after recovery")

Row = dict[str, Any]


def both(rows: list[Row], show: Callable[[Row], str]) -> str:
    """Return what a cell shows for the rows of one line: once when they agree, else one after the other."""
    shown = [show(row) for row in rows]
    return shown[0] if len(set(shown)) == 1 else " / ".join(text or "-" for text in shown)


def low(row: Row) -> str:
    """Return how long it took until all was low."""
    cycles = [] if row["guard_cycles"] is None else [f"guard {row['guard_cycles']} cycles"]
    return "; ".join([*cycles, f"{row['low_ms']:.3f} ms" if row["low_ms"] else "nothing was high"])


def stopped(row: Row) -> str:
    """Return when the supervisor part opened SAFE and when the watchdog reset the board."""
    found = ((row["safe_ms"], "SAFE"), (row["reset_ms"], "reset"))
    return ", ".join(f"{name} {ms:.0f} ms" for ms, name in found if ms is not None)


def told(row: Row) -> str:
    """Return the faults that were told, with their counts where there are several."""
    faults = {fault or "none": count for fault, count in row["faults"].items()}
    return ", ".join(faults) if len(faults) == 1 else ", ".join(f"{fault} ({n})" for fault, n in faults.items())


def line(rows: list[Row]) -> str:
    """Return one line of the table: a cause in a state, flash typical and worst."""
    first = rows[0]
    cells = (
        first["cause"],
        first["state"],
        " + ".join(str(row["moments"]) for row in rows),
        first["may"],
        both(rows, lambda row: ", ".join(row["moved"]) or "none"),
        both(rows, lambda row: str(row["shots"])),
        both(rows, low),
        both(rows, stopped),
        both(rows, told),
        both(rows, lambda row: "; ".join(row["after"])) + f" ({sum(row['recovered'] for row in rows)})",
    )
    return "| " + " | ".join(str(cell).replace("|", "/") for cell in cells) + " |"


def notes(rows: list[Row]) -> list[str]:
    """Return what was remarked on single rows, below their table."""
    return sorted(
        {f"- {row['cause']}, {row['state']}, flash {row['flash']}: {row['note']}" for row in rows if row["note"]}
    )


def sections() -> list[str]:
    """Return the campaign's section of the page, nothing when no campaign was run."""
    if not ROWS.exists():
        return []
    rows: list[Row] = json.loads(ROWS.read_text())
    moved = sum(len(row["moved"]) for row in rows)
    total = f"In all: {sum(row['moments'] for row in rows)} moments, {sum(row['recovered'] for row in rows)} followed"
    found = [f"{HEAD}\n{total} to the end of their recovery; movements that may not be: {moved}.\n"]
    for group in sorted({row["group"] for row in rows}):
        lines = [f"| {' | '.join(TITLES + LAST)} |", "|" + "---|" * len(TITLES + LAST)]
        in_group = [row for row in rows if row["group"] == group]
        for cause, state in sorted({(row["cause"], row["state"]) for row in in_group}):
            same = [row for row in in_group if (row["cause"], row["state"]) == (cause, state)]
            lines.append(line(sorted(same, key=lambda row: FLASH_TIMES.index(row["flash"]))))
        remarks = notes(in_group)
        found.append(f"### {group}\n\n" + "\n".join([*lines, *([""] if remarks else []), *remarks]) + "\n")
    return found
