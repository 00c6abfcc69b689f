"""The list of surviving mutants: short, with reasons, and of the sources as they are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tandem_tools.mutants import __main__ as mutants
from tandem_tools.mutants import sources, survivors
from tandem_tools.mutants.survivors import Mutant, Run

Figure = Callable[..., None]


def test_the_last_mutation_run_was_of_the_present_sources(figure: Figure) -> None:
    assert survivors.changed_since_the_run() == [], "run make mutants: these have changed since the last run"
    accepted, _, run = survivors.read()
    figure("mutants of the safety layer and the energy window", run.mutants, "mutants")
    figure("mutants noticed by a test, or by taking too long", run.noticed + run.late, "mutants")
    figure("mutants that survive, each listed with its reason", run.survived, "mutants")
    assert run.noticed + run.late + run.survived == run.mutants > 1000
    assert len(accepted) <= run.survived < run.mutants / 20


def test_comments_docstrings_and_layout_do_not_count_as_a_change_but_everything_else_does() -> None:
    plain = "def f(a):\n    return a + 1\n"
    dressed = '"""Module."""\n\n\ndef f(a):  # why\n    """Say."""\n    return (a\n        + 1)\n'
    assert sources.fingerprint(plain) == sources.fingerprint(dressed)
    assert sources.fingerprint(plain) != sources.fingerprint(plain.replace("1", "2"))
    assert sources.fingerprint("A = 1\n") != sources.fingerprint("A = 2\n"), "tables count too"


MUTANT = Mutant("safety.states.advance", "if a < 'b':", 'if a <= "b\\c":')
OTHER = Mutant("safety.states.advance", "x", "y")


def test_the_list_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "list.toml"
    survivors.write({MUTANT: 'it\'s "so"', OTHER: "why"}, Run(9, 7, 0, 2, 3), path)
    accepted, found, run = survivors.read(path)
    assert accepted == {MUTANT: 'it\'s "so"', OTHER: "why"}
    assert found == sources.fingerprints()
    assert run == Run(9, 7, 0, 2, 3)
    assert survivors.changed_since_the_run(path) == []
    path.write_text(path.read_text().replace(next(iter(found.values())), "0" * 16))
    assert survivors.changed_since_the_run(path) == [next(iter(found))]


def test_a_survivor_without_a_reason_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "list.toml"
    survivors.write({MUTANT: " "}, Run(1, 0, 0, 1, 1), path)
    with pytest.raises(ValueError, match="without a reason"):
        survivors.read(path)


@pytest.mark.parametrize(
    ("left", "listed", "code"),
    [([MUTANT], [MUTANT], 0), ([], [], 0), ([MUTANT], [], 1), ([], [MUTANT], 1), ([MUTANT], [OTHER], 1)],
    ids=["listed", "none", "not listed", "gone", "another"],
)
def test_a_run_fails_on_survivors_that_are_not_listed_and_on_listed_ones_that_are_gone(
    left: list[Mutant], listed: list[Mutant], code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "list.toml"
    survivors.write(dict.fromkeys(listed, "why"), Run(1, 1, 0, 0, 1), path)
    before = path.read_text()
    monkeypatch.setattr(mutants, "read", lambda: survivors.read(path))
    monkeypatch.setattr(mutants, "write", lambda accepted, run: survivors.write(accepted, run, path))
    monkeypatch.setattr(mutants, "results", lambda: {"a": 1, "b": 152, **dict.fromkeys(map(str, left), 0)})
    monkeypatch.setattr(mutants, "survivors", lambda outcomes: left)
    assert mutants.judge(4) == code
    assert (path.read_text() == before) == (code == 1), "only a run that is as listed is put on record"
    if not code:
        assert survivors.read(path)[2] == Run(2 + len(left), 1, 1, len(left), 4)
