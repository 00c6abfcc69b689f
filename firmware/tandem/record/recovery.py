"""Finding out what a journal holds: at boot, and after the file system failed. Loaded for it, not kept in memory."""

from tandem.record import layout
from tandem.record.journal import Journal, failed, name_of
from tandem.record.layout import OVERHEAD, SHOT_BYTES, seq, word

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def opened(journal: Journal) -> "Iterator[None]":
    """Do the work of `Journal.open`."""
    found = _segments(journal)
    scan = _Scan(journal)
    for first, size in found:
        journal.firsts.append(first)
        journal.sizes.append(size)
        yield from scan.segment(first, size)
    yield from scan.memory(journal.memory.size)
    journal.seq = journal.flashed + 1
    if scan.end and scan.number > journal.seq:
        journal.seq = scan.number
        journal.end_memory(scan.end)
    else:
        journal.moved = 0
        journal.end_memory(0)
    journal.damaged = scan.damaged
    journal.spare = scan.spare
    journal.boot = scan.boot + 1
    if scan.burst:
        journal.unclosed = (scan.burst, scan.shots, scan.text)


def look_again(journal: Journal) -> None:
    """After an append that failed: find out what the last segment holds, and so what is left to move.

    Blocks until a segment is read. OSError, JournalError: the file system fails again.
    """
    first = journal.firsts[-1]
    sizes = [size for found, size in _segments(journal) if found == first]
    scan = _Scan(journal)
    if sizes:
        journal.sizes[-1] = sizes[0]
        for _ in scan.segment(first, sizes[0]):
            pass
    else:
        journal.firsts.pop()
        journal.sizes.pop()
        journal.ends = True
    for _ in scan.memory(journal.end):
        pass
    journal.doubt = False


def _segments(journal: Journal) -> "list[tuple[int, int]]":
    """Return first number and size of each segment, and find out what is free."""
    found = []
    try:
        for name, size in journal.files.list():
            try:
                first = int(name[:8], 16)
            except ValueError:
                continue
            if first and name == name_of(first):
                found.append((first, size))
        journal.free = journal.files.free()
    except OSError as error:
        raise failed("read", error) from None
    found.sort()
    return found


class _Scan:
    """Goes through whole records that follow one another and takes in what they tell.

    `end`: bytes of them; `number`: the one after them; `burst`: number of an opening record that nothing closed.
    """

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self.end = 0
        self.number = 0
        self.damaged = 0
        self.boot = 0
        self.spare = 0
        self.burst = 0
        self.shots = 0
        self.text = ""

    def segment(self, first: int, size: int) -> "Iterator[None]":
        """Go through a segment, which is the last one so far."""
        journal = self.journal
        name = name_of(first)
        try:
            yield from self._records(lambda at, piece, length: journal.files.read(name, at, piece, length), size, first)
        except OSError as error:
            raise failed("read", error) from None
        journal.ends = self.end < size or not size
        if self.end < size:
            self.damaged += 1
        journal.flashed = max(journal.flashed, first - 1, self.number - 1)

    def memory(self, size: int) -> "Iterator[None]":
        """Go through memory; `journal.moved`: how much of it is in flash already."""
        journal = self.journal
        journal.memory.read(0, journal.piece, OVERHEAD)
        journal.moved = 0
        yield from self._records(journal.memory.read, size, seq(journal.piece, 0))

    def _records(self, read: "Callable[[int, bytearray, int], int]", size: int, number: int) -> "Iterator[None]":
        journal = self.journal
        piece, shots = journal.piece, journal.crc.shots
        at = 0
        while at < size:
            have = read(at, piece, min(len(piece), size - at))
            used = 0
            while True:
                run = shots(piece, used, have, number)
                if run > used:
                    self._saw_shots(number, (run - used) // SHOT_BYTES, at + used)
                    number += (run - used) // SHOT_BYTES
                    self.boot = max(self.boot, word(piece, run - SHOT_BYTES + 8))
                    used = run
                length = journal.whole(piece, used, have, number)
                if length <= 0:
                    break
                if number > journal.flashed:
                    self._saw(piece, used, number)
                else:
                    journal.moved = at + used + length
                number += 1
                used += length
            if not used:
                break
            at += used
            yield
        self.end = at
        self.number = number

    def _saw_shots(self, number: int, count: int, at: int) -> None:
        known = min(count, max(0, self.journal.flashed + 1 - number))
        self.shots += count - known
        if known:
            self.journal.moved = at + known * SHOT_BYTES

    def _saw(self, piece: bytearray, at: int, number: int) -> None:
        kind = piece[at]
        self.boot = max(self.boot, word(piece, at + 8))
        if kind == layout.OPEN:
            self.burst = number
            self.shots = 0
            self.text = bytes(piece[at + 20 : at + 20 + piece[at + 1]]).decode()
        elif kind in (layout.CLOSE, layout.START):
            self.burst = 0
        elif kind in (layout.PULLED, layout.OVERWRITE):
            self.spare = max(self.spare, word(piece, at + 20))
