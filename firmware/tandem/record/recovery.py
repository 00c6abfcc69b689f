"""Finding out what a journal holds: at boot, and after the file system failed. Loaded for it, not kept in memory."""

from tandem.record import layout
from tandem.record.journal import Journal, failed, name_of
from tandem.record.layout import MAX_RECORD, OVERHEAD, SHOT_BYTES, seq, word

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def opened(journal: Journal) -> "Iterator[None]":
    """Do the work of `Journal.open`."""
    found = _segments(journal)
    yield
    scan = _Scan(journal)
    for first, size in found:
        journal.firsts.append(first)
        journal.sizes.append(size)
        yield from scan.segment(first, size)
    journal.memory.read(0, journal.piece, OVERHEAD)
    first = seq(journal.piece, 0)
    yield from scan.memory(0, journal.memory.size, first)
    journal.seq = journal.following = journal.flashed + 1
    if scan.end and scan.number > journal.seq:
        if not journal.moved:
            journal.following = first
        journal.seq = scan.number
        journal.end = scan.end
        journal.memory.read(scan.end, journal.piece, 1)
        scan.damaged += journal.piece[0] != 0
    else:
        journal.moved = 0
    journal.end_memory(journal.end)
    journal.damaged = scan.damaged
    journal.spare = scan.spare
    journal.boot = scan.boot + 1
    if scan.burst:
        journal.unclosed = (scan.burst, scan.shots, scan.text)


def look_again(journal: Journal) -> None:
    """Go on after an append that failed, or over a record in memory that is damaged.

    Blocks until a segment, or 2 KB of memory, is read. OSError, JournalError: the file system fails again.
    """
    if journal.doubt:
        _look_into_flash(journal)
    if not journal.following:
        _skip_damage(journal)
    journal.doubt = False


def _look_into_flash(journal: Journal) -> None:
    """Find out what the last segment holds, and so what is left to move."""
    first, start = journal.firsts[-1], journal.moved
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
    journal.moved = start
    if journal.following:
        for _ in scan.memory(start, journal.end, journal.following):
            pass
        journal.following = max(journal.following, journal.flashed + 1)


def _skip_damage(journal: Journal) -> None:
    """Look for the next record in memory that is sound, 2 KB a call."""
    piece = journal.piece
    at = journal.moved + 1
    stop = at + 2048
    while at < min(stop, journal.end):
        have = journal.memory.read(at, piece, min(len(piece), journal.end - at))
        offsets = max(1, have - MAX_RECORD)
        for i in range(offsets):
            number = seq(piece, i)
            if journal.flashed < number < journal.seq and journal.whole(piece, i, have, number) > 0:
                journal.moved = at + i
                journal.following = number
                return
        at += offsets
    journal.moved = min(at, journal.end)
    if journal.moved == journal.end:
        journal.following = journal.seq


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
            journal.files.close()
        except OSError as error:
            raise failed("read", error) from None
        journal.ends = self.end < size or not size
        if self.end < size:
            self.damaged += 1
        journal.flashed = max(journal.flashed, first - 1, self.number - 1)

    def memory(self, start: int, end: int, number: int) -> "Iterator[None]":
        """Go through memory from a place on; `journal.moved`: how much of it is in flash already."""
        journal = self.journal
        read = journal.memory.read
        journal.moved = 0
        yield from self._records(lambda at, piece, length: read(start + at, piece, length), end - start, number)
        journal.moved += start

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
