"""`make mutants`: make every mutant, run the quick tests on each, and compare those that survive with the list."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from pathlib import Path

from mutmut.mutation.diff_apply import get_diff_for_mutant

from tandem_tools.mutants.sources import WORK, assemble
from tandem_tools.mutants.survivors import LIST, Mutant, Run, read, write

# What mutmut notes for a mutant: a test failed; pytest itself failed; the signals of a run without an end.
_NOTICED = (1, 3)
_LATE = (24, 36, 152, 255, -24, -9)


def run(processes: int) -> int:
    """Run all mutants; returns the exit code: 0 when those that survive are those on the list."""
    assemble()
    began = time.monotonic()
    done = subprocess.run(
        [str(Path(sys.executable).with_name("mutmut")), "run", "--max-children", str(processes)],
        cwd=WORK,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL if not sys.stdout.isatty() else None,
        check=False,
    )
    if done.returncode:
        print(f"mutmut ended with code {done.returncode}: run it in {WORK} to see why", file=sys.stderr)
        return 1
    return judge(round((time.monotonic() - began) / 60))


def results() -> dict[str, int | None]:
    """Return the outcome of every mutant of the run in the working folder, by mutmut's name for it."""
    found: dict[str, int | None] = {}
    for meta in sorted(WORK.glob("mutants/**/*.meta")):
        found.update(json.loads(meta.read_text("utf-8"))["exit_code_by_key"])
    return found


def survivors(outcomes: dict[str, int | None]) -> list[Mutant]:
    """Return the mutants that no test noticed."""
    names = [name for name, outcome in outcomes.items() if outcome not in _NOTICED and outcome not in _LATE]
    with contextlib.chdir(WORK):
        return sorted(_mutant(name) for name in names)


def _mutant(name: str) -> Mutant:
    source = Path(name.partition(".x")[0].replace(".", "/"))
    package = (WORK / source).is_dir()
    shown = get_diff_for_mutant(
        name, path=source / "__init__.py" if package else source.with_suffix(".py")
    ).splitlines()
    lines = {sign: [line[1:].strip() for line in shown if line[:1] == sign and line[:3] != sign * 3] for sign in "-+"}
    function = name.partition("__mutmut_")[0].removeprefix("tandem.")
    for mark, instead in ((".xǁ", "."), ("ǁ", "."), (".x_", ".")):
        function = function.replace(mark, instead)
    return Mutant(function, "\n".join(lines["-"]), "\n".join(lines["+"]))


def judge(minutes: int) -> int:
    """Compare the run's survivors with the list, write its counts and fingerprints, and tell; returns the exit code."""
    outcomes = results()
    listed, _, _ = read()
    left = survivors(outcomes)
    unlisted = sorted(set(left) - set(listed))
    gone = sorted(set(listed) - set(left))
    noticed = sum(outcome in _NOTICED for outcome in outcomes.values())
    late = sum(outcome in _LATE for outcome in outcomes.values())
    print(f"{len(outcomes)} mutants: {noticed} noticed by a test, {late} by taking too long, {len(left)} survive")
    for mutant in unlisted:
        print(f"survives and is not listed: {mutant.function}\n  - {mutant.line}\n  + {mutant.mutant}")
    for mutant in gone:
        print(f"listed and does not survive any more: {mutant.function}\n  - {mutant.line}\n  + {mutant.mutant}")
    if unlisted or gone:
        print(f"add a test that notices it, or say in {LIST.name} why none can; take out what does not survive")
        return 1
    write(listed, Run(len(outcomes), noticed, late, len(left), minutes))
    return 0


if __name__ == "__main__":
    sys.exit(run(int(sys.argv[1]) if len(sys.argv) > 1 else 2))
