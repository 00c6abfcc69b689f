"""The list of mutants that no test notices and why that is right, and what the last run found: docs/mutants.toml."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tandem_tools.mutants.sources import ROOT, fingerprints

LIST = ROOT / "docs" / "mutants.toml"


@dataclass(frozen=True, order=True)
class Mutant:
    """One small change: the function it is in, the line as it is, and as the mutant has it."""

    function: str
    line: str
    mutant: str


@dataclass(frozen=True)
class Run:
    """What a run found: mutants in all, noticed by a test, noticed by taking too long, survived; its time in minutes.

    Two that change equal lines of one function alike are one entry of the list.
    """

    mutants: int
    noticed: int
    late: int
    survived: int
    minutes: int


def read(path: Path = LIST) -> tuple[dict[Mutant, str], dict[str, str], Run]:
    """Return the accepted survivors with their reasons, the fingerprints of the last run, and its counts."""
    data = tomllib.loads(path.read_text("utf-8"))
    accepted: dict[Mutant, str] = {}
    for entry in data.get("survivor", []):
        mutant = Mutant(entry["function"], entry["line"], entry["mutant"])
        if mutant in accepted or not entry["reason"].strip():
            raise ValueError(f"{path.name}: {mutant.function}: listed twice, or without a reason: {mutant.line}")
        accepted[mutant] = entry["reason"]
    return accepted, data.get("sources", {}), Run(**data["run"])


def write(accepted: dict[Mutant, str], run: Run, path: Path = LIST) -> None:
    """Write the list anew, with the present sources' fingerprints and the counts of a run."""
    parts = ["# Written by `make mutants`, but for the reasons. What it means: docs/mutants.md.\n\n[run]\n"]
    parts += [f"{name} = {value}\n" for name, value in vars(run).items()]
    parts += ["\n[sources]\n", *(f'"{name}" = "{value}"\n' for name, value in fingerprints().items())]
    for mutant, reason in sorted(accepted.items()):
        fields = {**vars(mutant), "reason": reason}
        parts.append("\n[[survivor]]\n" + "".join(f"{name} = {_text(value)}\n" for name, value in fields.items()))
    path.write_text("".join(parts), "utf-8")


def _text(value: Any) -> str:
    if "'" not in value and "\n" not in value:
        return f"'{value}'"
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def changed_since_the_run(path: Path = LIST) -> list[str]:
    """Return the sources that are not those of the last run."""
    then, now = read(path)[1], fingerprints()
    return sorted(name for name in then.keys() | now.keys() if then.get(name) != now.get(name))
