"""A journal that was pulled from a board is decoded whole, and what is not whole about it is said."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tandem.record import crc, layout
from tandem.record.journal import Folder, Journal
from tandem.record.ram import RamMemory
from tandem_tools.cli import app
from tandem_tools.journal import JournalFileError, decode, decode_files
from typer.testing import CliRunner


@pytest.fixture
def pulled(tmp_path: Path) -> Path:
    """A folder of segments as a board writes them: 3 starts, 120 shots."""
    folder = tmp_path / "journal"
    for boot in range(3):
        journal = Journal(Folder(str(folder)), RamMemory(8000), crc, segment_bytes=1500)
        for _ in journal.open():
            pass
        journal.note(layout.START, 'reset=power hash=0011223344 because="two words"')
        if boot == 2:
            journal.set_clock(200_000_000)
        journal.tick(5001)
        for number in range(40):
            journal.shot(1, 1, 0, number + 1, -5 if number else 90_000)
        while not journal.flush():
            pass
    return folder


def test_every_record_is_decoded_with_its_values(pulled: Path) -> None:
    found = decode_files([pulled])
    assert found.wrong == []
    assert [record.seq for record in found.records] == list(range(1, 125))
    start, shot, *_, last = found.records
    assert start.fields == {"reset": "power", "hash": "0011223344", "because": "two words"}
    assert (start.kind, start.boot, start.uptime_ms, start.time) == ("start", 1, 0, "")
    assert shot.fields == {"pass": 1, "laser": "co2", "number": 1, "verdict": "pass", "energy_uj": 90_000}
    assert (last.boot, last.uptime_ms, last.time) == (3, 5001, "2026-05-03T19:33:25Z")
    assert last.fields["energy_uj"] == -5


def test_records_that_are_in_two_files_are_told_once(pulled: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.rec"
    copy.write_bytes(sorted(pulled.iterdir())[1].read_bytes())
    assert decode_files([copy, pulled]) == decode_files([pulled])


@pytest.mark.proves("R-JRN-1")
def test_a_missing_file_is_said_with_the_numbers(pulled: Path) -> None:
    second, third = sorted(pulled.iterdir())[1:3]
    first, after = int(second.stem, 16), int(third.stem, 16)
    second.unlink()
    found = decode_files([pulled])
    assert found.wrong == [f"records {first} to {after - 1} are missing ({after - first})"]


@pytest.mark.proves("R-JRN-1")
def test_damage_is_said_with_its_place_and_costs_one_record(pulled: Path) -> None:
    path = sorted(pulled.iterdir())[0]
    data = bytearray(path.read_bytes())
    place = data.index(layout.SHOT.to_bytes() + b"\x08", 200)
    data[place + 25] ^= 8
    path.write_bytes(bytes(data))
    number = layout.seq(data, place)
    found = decode_files([pulled])
    assert found.wrong == [
        f"{path}: bytes {place} to {place + 31} are not sound",
        f"records {number} to {number} are missing (1)",
    ]
    assert len(found.records) == 123


@pytest.mark.parametrize("cut", range(1, 60))
def test_a_file_that_was_cut_gives_its_whole_records(pulled: Path, cut: int) -> None:
    data = sorted(pulled.iterdir())[0].read_bytes()
    whole = decode(data).records
    found = decode(data[:-cut])
    assert found.records == whole[: len(found.records)]
    assert len(found.records) == len(whole) - 1 - (cut > 32)
    assert bool(found.wrong) == (cut != 32)


def test_files_of_two_boards_are_not_mixed(pulled: Path, tmp_path: Path) -> None:
    journal = Journal(Folder(str(tmp_path / "other")), RamMemory(8000), crc)
    for _ in journal.open():
        pass
    journal.note(layout.NOTE, "another board")
    journal.flush()
    found = decode_files([pulled, tmp_path / "other"])
    assert any("two different records 1: files of two boards?" in text for text in found.wrong)


@pytest.mark.parametrize("what", ["nothing", "empty"])
def test_a_path_without_a_journal_is_refused(tmp_path: Path, what: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(JournalFileError, match=what):
        decode_files([tmp_path / what])


def test_the_command_prints_a_table_or_lines_of_json(pulled: Path) -> None:
    done = CliRunner().invoke(app, ["journal", "decode", str(pulled), "--json"])
    assert done.exit_code == 0
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["seq"] for line in lines] == list(range(1, 125))
    assert lines[1]["fields"]["energy_uj"] == 90_000
    done = CliRunner().invoke(app, ["journal", "decode", str(pulled)])
    assert done.exit_code == 0
    shown = done.stdout.splitlines()
    assert len(shown) == 125
    assert shown[0].split() == ["number", "boot", "uptime", "time", "kind", "what"]
    assert shown[2].split()[:5] == ["2", "1", "5.001", "unset", "shot"]
    assert shown[2].endswith("pass=1 laser=co2 number=1 verdict=pass energy_uj=90000")


def test_the_command_ends_with_1_when_the_journal_is_not_whole(pulled: Path) -> None:
    sorted(pulled.iterdir())[1].unlink()
    done = CliRunner().invoke(app, ["journal", "decode", str(pulled)])
    assert done.exit_code == 1
    assert "are missing" in done.stderr
    done = CliRunner().invoke(app, ["journal", "decode", str(pulled / "none")])
    assert done.exit_code == 1
    assert "cannot be read" in done.stderr
