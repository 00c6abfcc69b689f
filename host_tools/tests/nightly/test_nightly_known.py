"""The file of known failures: what it may hold, until when an entry counts, and what is told of it."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from tandem_tools.flash.program import ROOT
from tandem_tools.nightly import NightlyError, known

ENTRY = '[[known]]\ntest = "f.py::test_x"\nreason = "why"\nuntil = 2030-06-15\n'
WRONG = {
    "not TOML": ("[[known", "not a TOML file"),
    "another table": ("[unknown]\nx = 1\n", "holds unknown; allowed are"),
    "no table": ("known = 3\n", "allowed are"),
    "a key is missing": (ENTRY.replace('reason = "why"\n', ""), "has test, until; it needs test, reason and until"),
    "a key too many": (ENTRY + "x = 1\n", "number 1: has test, reason, until, x"),
    "a date in quotes": (ENTRY.replace("2030-06-15", '"2030-06-15"'), "a date without quotes, as 2030-12-31"),
    "a date with a time": (ENTRY.replace("06-15", "06-15T12:00:00"), "a date without quotes"),
    "no reason": (ENTRY.replace("why", ""), "reason is ''; it has to be a text"),
    "twice": (ENTRY + ENTRY, "listed more than once: f.py::test_x"),
}


def load(folder: Path, text: str) -> list[known.KnownFailure]:
    file = folder / "known.toml"
    file.write_text(text)
    return known.load(file)


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_file_is_refused_with_what_is_wrong(case: str, tmp_path: Path) -> None:
    text, said = WRONG[case]
    with pytest.raises(NightlyError) as refusal:
        load(tmp_path, text)
    assert said in str(refusal.value) and "known.toml" in str(refusal.value)


def test_the_last_day_counts_and_the_day_after_does_not(tmp_path: Path) -> None:
    entries = load(tmp_path, ENTRY)
    assert known.until(entries, "f.py::test_x", date(2030, 6, 15))
    assert not known.until(entries, "f.py::test_x", date(2030, 6, 16))


def test_an_entry_stands_for_one_parameter_or_for_all(tmp_path: Path) -> None:
    today = date(2030, 1, 1)
    every = load(tmp_path, ENTRY)
    assert known.until(every, "f.py::test_x[a]", today) and not known.until(every, "f.py::test_xy", today)
    one = load(tmp_path, ENTRY.replace("test_x", "test_x[a]"))
    assert known.until(one, "f.py::test_x[a]", today) and not known.until(one, "f.py::test_x[b]", today)


def test_what_is_no_longer_so_is_told(tmp_path: Path) -> None:
    entries = load(tmp_path, ENTRY)
    today, later = date(2030, 6, 15), date(2030, 6, 16)
    assert known.remarks(entries, {"f.py::test_x[a]": "failed", "f.py::test_x[b]": "passed"}, today) == []
    assert "that passes" in known.remarks(entries, {"f.py::test_x": "passed"}, today)[0]
    assert "of no test" in known.remarks(entries, {"f.py::test_y": "passed"}, today)[0]
    assert "ran out on 2030-06-15" in known.remarks(entries, {"f.py::test_x": "failed"}, later)[0]


def test_no_file_is_no_known_failure_and_that_of_the_repository_is_right(tmp_path: Path) -> None:
    assert known.load(tmp_path / "none.toml") == []
    assert (ROOT / "hil_tests" / "known_failures.toml").exists()
    known.load(ROOT / "hil_tests" / "known_failures.toml")
