"""Keeps a journal and, beside it, what a reader of it may expect: what was asked for, acknowledged, and let go."""

from __future__ import annotations

from dataclasses import dataclass, field

from stores import Files, Fram, Store
from tandem.record import crc, layout, reading, text
from tandem.record.journal import Journal
from tandem.record.ram import RamMemory

SEGMENT_BYTES = 900
MOST_SEGMENTS = 4


def boot(store: Store, ram: bool = False, segment_bytes: int = SEGMENT_BYTES) -> Journal:
    """Start a journal on what a store holds."""
    memory = RamMemory(len(store.memory)) if ram else Fram(store)
    journal = Journal(Files(store), memory, crc, segment_bytes, MOST_SEGMENTS)
    for _ in journal.open():
        pass
    return journal


def contents(journal: Journal, number: int = 1) -> dict[int, tuple[int, str]]:
    """Return every record that can be read: number -> (kind, payload's text). The numbers have to rise."""
    found: dict[int, tuple[int, str]] = {}
    for place in reading.records(journal, number):
        if place:
            at = layout.seq(*place)
            assert at > max(found, default=0), "numbers rise"
            found[at] = (place[0][place[1]], text.body(*place))
    return found


@dataclass
class Expected:
    """What a reader may expect."""

    asked: dict[int, tuple[int, str]] = field(default_factory=dict)
    acknowledged: int = 0
    let_go: int = 0
    boots: int = 0

    def copy(self) -> Expected:
        """Return a copy."""
        return Expected(dict(self.asked), self.acknowledged, self.let_go, self.boots)

    def verify(self, journal: Journal) -> dict[int, tuple[int, str]]:
        """Read the journal and compare. Returns what it holds."""
        found = contents(journal)
        for number, record in found.items():
            assert record == self.asked[number], f"record {number} is torn or invented"
        missing = [n for n in range(self.let_go + 1, self.acknowledged + 1) if n not in found]
        assert not missing, f"acknowledged and gone: {missing}"
        last = max(found, default=0)
        assert journal.seq == last + 1 or not found
        assert journal.seq > self.acknowledged
        if found:
            assert sorted(found) == list(range(min(found), last + 1)), "none is missing in between"
        return found


class Keeper:
    """A journal that is watched: every record that is asked for is noted in `expected` before and after."""

    def __init__(
        self, store: Store, expected: Expected | None = None, ram: bool = False, segment_bytes: int = SEGMENT_BYTES
    ) -> None:
        self.expected = expected or Expected()
        self.ram = ram
        self.segment_bytes = segment_bytes
        self.store = store
        self.reboot()

    def reboot(self) -> None:
        """Start anew on the same store, as after a loss of power."""
        self.journal = boot(self.store, self.ram, self.segment_bytes)
        assert self.journal.boot > self.expected.boots, "a boot number that was acknowledged does not come again"
        self._started = self.journal.seq
        self.note(layout.START, f"reset=power boot={self.journal.boot}")

    def _ask(self, kind: int, body: str) -> None:
        self.expected.asked[self.journal.seq] = (kind, body)

    def _told(self) -> None:
        assert self.ram or self.store.memory[self.journal.end] == 0, "a zero ends the records in memory"
        self.expected.acknowledged = max(self.expected.acknowledged, self.journal.acknowledged)
        if self.expected.acknowledged >= self._started:
            self.expected.boots = self.journal.boot

    def note(self, kind: int, body: str) -> None:
        """Ask for a record with a text."""
        self._ask(kind, body)
        assert self.journal.note(kind, body)
        self._told()

    def shot(self, number: int, energy_uj: int) -> None:
        """Ask for a shot."""
        self._ask(layout.SHOT, f"pass=2 laser=co2 number={number} verdict=pass energy_uj={energy_uj}")
        assert self.journal.shot(2, 1, 0, number, energy_uj)
        self._told()

    def change(self, before: int, after: int) -> None:
        """Ask for an input change; the budget has to allow it."""
        self._ask(layout.INPUT, f"before={before} after={after} left_out=0")
        assert self.journal.change(before, after)
        self._told()

    def burst(self, count: int, closed: bool = True) -> None:
        """A burst: its opening, shots, and its closing."""
        self.note(layout.OPEN, f"plan=0011223344 count={count}")
        for i in range(count):
            self.shot(i + 1, 90_000 + i)
        if closed:
            self.note(layout.CLOSE, f"count={count} reason=done")

    def pulled(self, number: int) -> None:
        """Note that everything up to a number was pulled."""
        self._ask(layout.PULLED, f"up_to={number}")
        self.expected.let_go = max(self.expected.let_go, number)
        assert self.journal.pulled(number)
        self._told()

    def overwrite(self) -> None:
        """Acknowledge overwriting."""
        number = self.journal.seq - 1
        self._ask(layout.OVERWRITE, f"up_to={number}")
        self.expected.let_go = max(self.expected.let_go, number)
        assert self.journal.overwrite()
        self._told()

    def flush(self, most: int = 300, calls: int = 1000) -> bool:
        """Move records into flash; tells whether nothing is left to do."""
        for _ in range(calls):
            if self.journal.flush(most):
                self._told()
                return True
            self._told()
        return False
