"""The file of known failures: tests that may fail for a reason, each until a date."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from tandem_tools.nightly.errors import NightlyError

ALLOWED = {"test": str, "reason": str, "until": date}


@dataclass(frozen=True)
class KnownFailure:
    """A test (its pytest id; without `[...]` it stands for all parameters) that may fail up to and on a day."""

    test: str
    reason: str
    until: date

    def covers(self, test: str) -> bool:
        """Return whether a test is meant."""
        return self.test in (test, test.partition("[")[0])


def load(path: Path) -> list[KnownFailure]:
    """Return the known failures of a file; none when there is no file. NightlyError says what is wrong in it."""
    if not path.exists():
        return []
    try:
        data = tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise NightlyError(f"{path}: not a TOML file: {error}") from None
    entries = data.pop("known", [])
    if data or not isinstance(entries, list):
        raise NightlyError(f"{path}: holds {', '.join(data) or 'known'}; allowed are [[known]] tables alone")
    return _without_doubles(path, [_entry(path, number, entry) for number, entry in enumerate(entries, 1)])


def _entry(path: Path, number: int, entry: Any) -> KnownFailure:
    where = f"{path}: [[known]] number {number}"
    if not isinstance(entry, dict) or set(entry) != set(ALLOWED):
        has = ", ".join(entry) if isinstance(entry, dict) and entry else "nothing of the kind"
        raise NightlyError(f"{where}: has {has}; it needs test, reason and until")
    for key, kind in ALLOWED.items():
        # A TOML date-time is a date too for isinstance, but not one for comparing.
        if type(entry[key]) is not kind or not entry[key]:
            wanted = "a date without quotes, as 2030-12-31" if kind is date else "a text"
            raise NightlyError(f"{where}: {key} is {entry[key]!r}; it has to be {wanted}")
    return KnownFailure(entry["test"], entry["reason"].strip(), entry["until"])


def _without_doubles(path: Path, entries: list[KnownFailure]) -> list[KnownFailure]:
    tests = [entry.test for entry in entries]
    doubled = sorted({test for test in tests if tests.count(test) > 1})
    if doubled:
        raise NightlyError(f"{path}: listed more than once: {', '.join(doubled)}")
    return entries


def until(entries: Sequence[KnownFailure], test: str, today: date) -> KnownFailure | None:
    """Return the entry that lets a test fail today; its last day counts."""
    return next((entry for entry in entries if entry.covers(test) and today <= entry.until), None)


def remarks(entries: Sequence[KnownFailure], outcomes: Mapping[str, str], today: date) -> list[str]:
    """Return what is to be said of the entries after a whole run: over, of no test, or of a test that passes.

    :param outcomes: passed, failed or skipped by pytest id.
    """
    found = []
    for entry in entries:
        results = {outcome for test, outcome in outcomes.items() if entry.covers(test)}
        if not results:
            found.append(f"known failure of no test: {entry.test} was not run; mend or remove the entry")
        elif results == {"passed"}:
            found.append(f"known failure that passes: {entry.test}; remove the entry ({entry.reason})")
        elif today > entry.until:
            found.append(f"known failure that ran out on {entry.until}: {entry.test} ({entry.reason})")
    return found
