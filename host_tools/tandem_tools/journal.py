"""A controller's journal on a computer: its records out of segment files, with their CRCs, numbers and gaps checked.

The bytes of a record stand in one place, the firmware's own `tandem.record`; docs/journal.md describes them.
"""

from __future__ import annotations

import json
import struct
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from tandem_tools.flash.program import ROOT

SUFFIX = ".rec"
NUMBER = frozenset("0123456789")


@dataclass(frozen=True)
class Record:
    """One record. `time`: UTC as ISO text, '' while the clock was unset; `text`: the payload as `key=value` words."""

    seq: int
    boot: int
    uptime_ms: int
    time: str
    kind: str
    text: str

    @property
    def fields(self) -> dict[str, Any]:
        """The payload's values by key; whole numbers as such."""
        from tandem.console.protocol import parse_pairs

        return {key: _number(value) for key, value in parse_pairs(self.text).items()}

    def json(self) -> str:
        """Return the record as one line of JSON; the payload's values are under `fields`, its words under `text`."""
        facts: dict[str, Any] = {"seq": self.seq, "boot": self.boot, "uptime_ms": self.uptime_ms}
        facts.update(time=self.time or None, kind=self.kind, text=self.text, fields=self.fields)
        return json.dumps(facts, ensure_ascii=False)


@dataclass
class Decoded:
    """Records in the order of their numbers, and what is wrong with them: an empty list when all is well."""

    records: list[Record] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


class JournalFileError(Exception):
    """There is no journal at a path; the text says what there is."""


def decode(data: bytes, name: str = "the data") -> Decoded:
    """Decode the records of one segment, or of a shot memory's beginning up to its first zero.

    After bytes that are not sound it goes on with the next sound record.
    """
    layout, crc, text = _firmware()
    found = Decoded()
    at = bad_from = 0
    bad = False
    while at < len(data):
        length = _length(data, at, layout, crc)
        if length:
            if bad:
                found.wrong.append(f"{name}: bytes {bad_from} to {at - 1} are not sound")
            bad = False
            found.records.append(_record(data, at, layout, text))
            at += length
            continue
        if not bad:
            bad, bad_from = True, at
        at += 1
    if bad:
        found.wrong.append(f"{name}: bytes {bad_from} to {len(data) - 1} are not sound")
    return found


def decode_files(paths: Iterable[Path]) -> Decoded:
    """Decode segment files, and all those in folders; check that numbers are complete and that no two records differ.

    :raises JournalFileError: a path does not exist, or a folder has no segment.
    """
    files: list[Path] = []
    for path in paths:
        inside = sorted(path.glob(f"*{SUFFIX}")) if path.is_dir() else [path]
        if not inside:
            raise JournalFileError(f"{path} has no journal segment (*{SUFFIX}): copy /journal from the board")
        files += inside
    found = Decoded()
    kept: dict[int, Record] = {}
    for path in files:
        try:
            part = decode(path.read_bytes(), str(path))
        except OSError as error:
            raise JournalFileError(f"{path} cannot be read: {error.strerror}") from error
        found.wrong += part.wrong
        for record in part.records:
            if kept.setdefault(record.seq, record) != record:
                found.wrong.append(f"{path}: there are two different records {record.seq}: files of two boards?")
    found.records = [kept[number] for number in sorted(kept)]
    found.wrong += _gaps(found.records)
    return found


def _gaps(records: list[Record]) -> list[str]:
    """Tell which numbers are missing between records, and boots that go backwards."""
    wrong = []
    for before, after in pairwise(records):
        if after.seq > before.seq + 1:
            missing = after.seq - before.seq - 1
            wrong.append(f"records {before.seq + 1} to {after.seq - 1} are missing ({missing})")
        if (after.boot, after.uptime_ms) < (before.boot, before.uptime_ms):
            wrong.append(f"record {after.seq} is earlier than the one before it")
    return wrong


def _length(data: bytes, at: int, layout: Any, crc: Any) -> int:
    """Return the length of the sound record at an offset, 0 if there is none."""
    if at + layout.OVERHEAD > len(data) or not 0 < data[at] <= layout.LAST_KIND or data[at + 1] > layout.MAX_PAYLOAD:
        return 0
    length = data[at + 1] + layout.OVERHEAD
    return length if at + length <= len(data) and crc.sound(data, at, length - 4) else 0


def _record(data: bytes, at: int, layout: Any, text: Any) -> Record:
    kind, _, ms, seq, boot, uptime_s, time_s = struct.unpack_from(layout.HEADER, data, at)
    time = text.moment(time_s) if time_s else ""
    return Record(seq, boot, uptime_s * 1000 + ms, time, text.KINDS[kind], text.body(data, at))


def _number(value: str) -> Any:
    digits = value[1:] if value[:1] == "-" else value
    return int(value) if digits and set(digits) <= NUMBER and str(int(value)) == value else value


def _firmware() -> tuple[Any, Any, Any]:
    """Return the firmware's own modules of a record's bytes, CRC and text."""
    folder = str(ROOT / "firmware")
    if folder not in sys.path:
        sys.path.insert(0, folder)
    from tandem.record import crc, layout, text

    return layout, crc, text
