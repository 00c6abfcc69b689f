"""Reading a journal while it goes on. Loaded while it is shown."""

from tandem.record.journal import Journal, failed, name_of
from tandem.record.layout import SHOT_BYTES, seq

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_PIECE = 512


def records(journal: Journal, number: int = 1) -> "Iterator[tuple[bytearray, int] | None]":
    """Yield the records from a number on, oldest first, as (buffer, offset), see `text.line`; None: nothing yet.

    What is yielded holds until the next; a step takes a few ms. Records may be kept, flushed and removed meanwhile:
    numbers only rise, and a gap in them is what was removed or is not sound. Allocates 512 bytes.

    :raises JournalError: flash cannot be read.
    """
    piece = bytearray(_PIECE)
    try:
        yield from _records(journal, number, piece)
    finally:
        journal.files.close()


def _records(journal: Journal, number: int, piece: bytearray) -> "Iterator[tuple[bytearray, int] | None]":
    while number < journal.seq:
        asked = number
        first = _segment_of(journal, number)
        epoch = journal.epoch
        size, follows = _extent(journal, first)
        at = 0
        expected = first
        while at < size and (first in journal.firsts if first else epoch == journal.epoch):
            have = _read(journal, first, at, piece, min(_PIECE, size - at))
            expected = expected or seq(piece, 0)
            used = 0
            if expected < number:
                yield None
            while True:
                if expected < number:
                    run = min(have, used + (number - expected) * SHOT_BYTES)
                    run = journal.crc.shots(piece, used, run, expected)
                    expected += (run - used) // SHOT_BYTES
                    used = run
                length = journal.whole(piece, used, have, expected)
                if length <= 0:
                    break
                if expected >= number:
                    number = expected + 1
                    yield piece, used
                expected += 1
                used += length
            if not used:
                break
            at += used
        number = max(number, follows)
        if number == asked and epoch == journal.epoch:
            return


def _segment_of(journal: Journal, number: int) -> int:
    """Return the first number of the segment to look for a record in; 0 for memory."""
    if not journal.firsts or number > journal.flashed:
        return 0
    found = journal.firsts[0]
    for first in journal.firsts:
        if first <= number:
            found = first
    return found


def _extent(journal: Journal, first: int) -> "tuple[int, int]":
    """Return the bytes of a segment or of memory, and the number with which what follows a segment begins."""
    if not first:
        return journal.end, 0
    index = journal.firsts.index(first)
    last = index + 1 == len(journal.firsts)
    return journal.sizes[index], journal.flashed + 1 if last else journal.firsts[index + 1]


def _read(journal: Journal, first: int, at: int, piece: bytearray, length: int) -> int:
    if not first:
        return journal.memory.read(at, piece, length)
    try:
        return journal.files.read(name_of(first), at, piece, length)
    except OSError as error:
        raise failed("read", error) from None
