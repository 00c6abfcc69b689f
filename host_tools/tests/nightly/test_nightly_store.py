"""Nights in SQLite: all of a night or nothing of it, and files of older schemas."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from nightly_harness import hil_figure, pretended_night
from tandem_tools.nightly import Night, NightlyError
from tandem_tools.nightly.judge import Judgement
from tandem_tools.nightly.night import JudgedFigure, JudgedOutcome
from tandem_tools.nightly.recording import Outcome
from tandem_tools.nightly.store import FILE, SCHEMAS, Store


def a_night() -> Night:
    judged = JudgedFigure(
        hil_figure("delay", 3.0, samples=(1, 2.5), truth=3.25, uncertainty=0.5),
        Judgement("jump", 9, 2.0, 0.25, "1 us above"),
        since=4,
    )
    outcomes = [
        JudgedOutcome(Outcome("a::b", "failed", "why", 1.5), date(2030, 1, 31), "reason"),
        JudgedOutcome(Outcome("a::c", "passed", "", 0.5)),
    ]
    return Night(
        "bench", datetime(2030, 1, 1, tzinfo=UTC), 12.5, "abc", True, {"x": "1"}, [judged], outcomes, ["r"], "cut"
    )


def test_a_night_comes_back_as_it_was_kept(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        kept = store.keep(a_night())
        assert store.night("bench", 1) == kept == a_night().numbered(1)
        with pytest.raises(NightlyError, match="no night 1 of stand other: none is kept yet"):
            store.night("other", 1)


def test_a_night_that_cannot_be_kept_whole_leaves_nothing(tmp_path: Path) -> None:
    night = a_night()
    doubled = Night(**{**vars(night), "outcomes": [*night.outcomes, night.outcomes[0]]})
    with Store(tmp_path) as store:
        with pytest.raises(sqlite3.IntegrityError):
            store.keep(doubled)
        assert store.numbers("bench") == [] and store.readings("bench") == {}


def test_a_file_of_an_older_schema_is_brought_up_to_date_with_its_nights(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / FILE)) as db:
        db.executescript(SCHEMAS[0])
        db.execute("PRAGMA user_version = 1")
        db.execute(
            "INSERT INTO nights VALUES (1, 'bench', '2030-01-01T00:00:00+00:00', 1, 'abc', 0, '{}', 'good', '', '[]')"
        )
        db.commit()
    with Store(tmp_path) as store:
        assert store.night("bench", 1).commit == "abc"
        pretended_night(store, [hil_figure("delay", 1.0)], "bench")
        assert store.accept("bench", "delay", "why") == 2


def test_a_file_of_a_newer_schema_and_one_that_is_none_are_refused(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / FILE)) as db:
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(NightlyError, match="is of schema 99, this Tandem knows up to 2: use a newer one"):
        Store(tmp_path)
    (tmp_path / FILE).write_text("no database at all, but text of some length" * 50)
    with pytest.raises(NightlyError, match="cannot be read"):
        Store(tmp_path)


def test_only_nights_of_the_same_stand_that_were_good_for_a_figure_are_its_past(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        for value in (1.0, 1.0, 1.0, 1.0, 1.0, 50.0, 1.0):
            pretended_night(store, [hil_figure("delay", value), hil_figure("out", value, low=2.0)])
        pretended_night(store, [hil_figure("delay", 7.0)], "other")
        assert [r.value for r in store.readings("pretended")["delay"]] == [1.0] * 6
        assert [r.value for r in store.readings("pretended")["out"]] == [50.0]
        assert [p.good for p in store.trends("pretended", 6, 3)["delay"]] == [True, True, False]


def test_an_accepted_change_begins_a_new_past_with_the_night_that_showed_it(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        for value in (1.0, 1.0, 1.0, 1.0, 1.0, 50.0):
            pretended_night(store, [hil_figure("delay", value)])
        with pytest.raises(NightlyError, match="--because"):
            store.accept("pretended", "delay", " ")
        with pytest.raises(NightlyError, match="no night of stand pretended has measured a figure called 'width'"):
            store.accept("pretended", "width", "why")
        store.accept("pretended", "delay", "faster now")
        assert [r.value for r in store.readings("pretended")["delay"]] == [50.0]
        assert "delay, from night 6 on: faster now" in store.accepted("pretended", 6)[0]
        assert pretended_night(store, [hil_figure("delay", 50.0)]).verdict == "good"
