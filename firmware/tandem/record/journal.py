"""The journal: everything that happened, in order, across a loss of power at any instant.

A record goes into `memory` first (the shot memory; without one, RAM) and from there into segment files on flash, which
are written by `flush` alone. It is *acknowledged* when the shot memory holds it and gave it back; with RAM, when flash
holds it. What was acknowledged is there after any loss of power; of what was not, at most the last record is lost.

**Memory.** Records stand one behind the other from its first byte; behind the last one stands a zero, which is no kind.
A record is written from its second byte on, with the zero that ends it; its first byte, which turns the zero before it
into its kind, comes last and commits it. So at every instant the bytes up to the zero are whole records of the present
epoch, and what older epochs left behind the zero is never read. When everything is in flash, a zero at the first byte
begins a new epoch. CRC and sequence numbers that follow one another are looked at besides.

**Flash.** A segment is a file of at most 32 KB (8 blocks of littlefs) that is named by its first sequence number, in
hexadecimal. Within a segment the numbers follow one another; a piece is appended and closed, which littlefs makes
atomic. A segment whose end is not sound all the same is left as it is, and a new one is begun. Power lost after a piece
was appended and before the memory's new epoch leaves records in both: they are known by their numbers.

The segment that was written last always stays, so boot and sequence numbers go on. Nothing else is removed unless it
was pulled, or its overwriting was acknowledged; both are records themselves.
"""

import os
import struct

from tandem.record import layout
from tandem.record.layout import LAST_KIND, MAX_PAYLOAD, MAX_RECORD, OVERHEAD, SHOT_BYTES, seq
from tandem.safety import TICKS_MASK, const

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, Protocol

    class Memory(Protocol):
        """Bytes that records are written into as they happen. `lasting`: they outlive a loss of power."""

        size: int
        lasting: bool

        def append(self, at: int, buffer: bytearray, length: int) -> bool:
            """Write a buffer's bytes 1 to `length` behind the offset `at`, and only then its first byte at `at`.

            Reads all of it back and tells whether it is the same. Allocates nothing.
            """
            ...

        def read(self, at: int, buffer: bytearray, length: int) -> int:
            """Read `length` bytes from the offset `at` into a buffer's beginning; return `length`."""
            ...

    class Files(Protocol):
        """Where segments live. Every method may raise OSError."""

        def list(self) -> "list[tuple[str, int]]":
            """Return names and sizes of all files."""
            ...

        def read(self, name: str, at: int, buffer: bytearray, length: int) -> int:
            """Read from an offset of a file into a buffer's beginning; return how many bytes there were.

            The file may be left open until another one is read or any is changed, or `close`.
            """
            ...

        def close(self) -> None:
            """Close the file that was read last."""
            ...

        def append(self, name: str) -> "Any":
            """Open a file for appending, new if there is none; what is written counts once it is closed."""
            ...

        def remove(self, name: str) -> None:
            """Remove a file."""
            ...

        def free(self) -> int:
            """Return the bytes that are free in the file system."""
            ...

    class Crc(Protocol):
        """CRC-32 in the fastest form that there is: `record.crc`, or `io.rp2_crc` on the board."""

        def seal(self, buffer: bytearray, length: int) -> None:
            """Put the CRC of the first `length` bytes behind them."""
            ...

        def sound(self, buffer: bytearray, at: int, length: int) -> bool:
            """Tell whether the CRC behind `length` bytes from `at` is right."""
            ...

        def shots(self, buffer: bytearray, at: int, end: int, number: int) -> int:
            """Return where the run of sound shot records ends that begins at `at` with number `number`."""
            ...


SEGMENT_BYTES = const(32512)  # with littlefs's own pointers just 8 blocks of 4 KB
MOST_SEGMENTS = const(24)
APPEND_BYTES = const(2048)
SPARE_BYTES = const(32768)  # of the file system, left for settings, recipes and littlefs's own copies
CHANGES = const(32)
_PIECE = const(512)


class JournalError(Exception):
    """The file system did not write or read the journal (fault 93). What was acknowledged is still there."""


class ShotMemoryError(Exception):
    """The shot memory did not take a record or give it back (fault 91). The record is not acknowledged."""


class Folder:
    """Segments in a folder of the file system. It is made when it is listed and there is none."""

    def __init__(self, path: str) -> None:
        self._path = path + "/"
        self._name = ""
        self._file: Any = None

    def list(self) -> "list[tuple[str, int]]":
        """Return names and sizes of all files."""
        path = self._path[:-1]
        if not self._there():
            os.mkdir(path)
        if hasattr(os, "ilistdir"):
            found: list[Any] = list(os.ilistdir(path))
            if not found or len(found[0]) > 3:  # littlefs tells the sizes; asking for each takes 3 ms
                return [(entry[0], entry[3]) for entry in found]
        return [(name, os.stat(self._path + name)[6]) for name in os.listdir(path)]

    def _there(self) -> bool:
        try:
            os.stat(self._path[:-1])
        except OSError:
            return False
        return True

    def read(self, name: str, at: int, buffer: bytearray, length: int) -> int:
        """Read from an offset of a file, which is left open, into a buffer's beginning; return how many bytes."""
        if name != self._name:
            self.close()
            self._file = open(self._path + name, "rb")  # noqa: SIM115
            self._name = name
        self._file.seek(at)
        return self._file.readinto(memoryview(buffer)[:length])

    def close(self) -> None:
        """Close the file that was read last."""
        if self._name:
            self._name = ""
            self._file.close()
            self._file = None

    def append(self, name: str) -> "Any":
        """Open a file for appending."""
        self.close()
        return open(self._path + name, "ab")

    def remove(self, name: str) -> None:
        """Remove a file."""
        self.close()
        os.remove(self._path + name)

    def free(self) -> int:
        """Return the bytes that are free in the file system."""
        found = os.statvfs(self._path[:-1])
        return found[0] * found[3]


def failed(what: str, error: OSError) -> JournalError:
    """Return the exception for an error of the file system."""
    return JournalError("the journal could not be {}: {}".format(what, error))


def name_of(first: int) -> str:
    """Return the name of the segment that begins with a number."""
    return "{:08x}.rec".format(first)


class Journal:
    """Records of what happens. `open` first, all of it; then `tick` in every turn.

    `seq`: number of the next record; `boot`: number of this start, from 1; `acknowledged`: see there; `lost`: records
    that could not be kept and are not told of yet; `damaged`: segments with an end that is not sound; `unclosed`: None,
    or (number of the opening record, shots kept after it, its text) of a burst that the last loss of power cut off.
    """

    def __init__(
        self,
        files: "Files",
        memory: "Memory",
        crc: "Crc",
        segment_bytes: int = SEGMENT_BYTES,
        most_segments: int = MOST_SEGMENTS,
    ) -> None:
        self.memory = memory
        self.seq = 1
        self.boot = 0
        self.uptime_s = 0
        self.lost = 0
        self.damaged = 0
        self.unclosed: tuple[int, int, str] | None = None
        self.files = files
        self.crc = crc
        self._segment_bytes = segment_bytes
        self._most_bytes = segment_bytes * most_segments
        self.firsts: list[int] = []
        self.sizes: list[int] = []
        self.flashed = 0  # number of the last record that is in flash
        self.ends = False  # the last segment cannot be appended to
        self.doubt = False  # an append failed: what the last segment holds has to be read again
        self.free = 0
        self.spare = 0  # records up to this number may be removed
        self.end = 0  # bytes of whole records in memory
        self.moved = 0  # how many of them are in flash
        self.following = 1  # number of the record after those; 0: it is damaged
        self.epoch = 0
        self._ms = 0
        self._tick_ms = 0
        self._clock_s = 0
        self._budget = CHANGES
        self._left_out = 0
        self._before = 0
        self._after = 0
        self._buffer = bytearray(MAX_RECORD + 1)
        self.piece = bytearray(_PIECE)

    # --- at boot

    def open(self) -> "Iterator[None]":
        """Find what there is: yields between pieces of work of a few ms. Writes nothing but a zero into memory.

        The module `recovery` is loaded for it, and may be thrown out of memory afterwards.

        :raises JournalError: flash cannot be read.
        :raises ShotMemoryError: memory does not take a byte.
        """
        from tandem.record import recovery

        return recovery.opened(self)

    def whole(self, piece: bytearray, at: int, have: int, number: int) -> int:
        """Return the length of the record `number` at an offset; 0 if it is not all there, -1 if it is not sound."""
        if have - at < OVERHEAD:
            return 0
        length = piece[at + 1] + OVERHEAD
        if not 0 < piece[at] <= LAST_KIND or length > MAX_RECORD or seq(piece, at) != number:
            return -1
        if at + length > have:
            return 0
        return length if self.crc.sound(piece, at, length - 4) else -1

    # --- time

    def tick(self, now_ms: int) -> None:
        """Take the time in, which wraps at 2**30; at least once in 12 days. Allocates nothing.

        Input changes that were left out are told here, as one, as soon as the budget allows it.
        """
        ms = self._ms + ((now_ms - self._tick_ms) & TICKS_MASK)
        self._tick_ms = now_ms
        if ms >= 1000:
            self.uptime_s += ms // 1000
            self._budget = min(CHANGES, self._budget + ms // 1000)
            ms %= 1000
            if self._left_out:
                self._tell_change()
        self._ms = ms

    @property
    def time_s(self) -> int:
        """Seconds since 2020-01-01 UTC, 0 while the clock is unset."""
        return self._clock_s + self.uptime_s if self._clock_s else 0

    def set_clock(self, seconds: int) -> None:
        """Set the clock: seconds since 2020-01-01 UTC. The change is a record. ValueError outside 1 to 2**30 - 1."""
        if not 0 < seconds < 1 << 30:
            raise ValueError("the clock takes 1 to 1073741823 s since 2020-01-01 UTC, not {}".format(seconds))
        before_s = self.time_s
        self._clock_s = seconds - self.uptime_s
        self.note(layout.CLOCK, "before_s={} after_s={}".format(before_s, seconds))

    # --- what happens

    def note(self, kind: int, text: str) -> int:
        """Keep a record with a text of `key=value` words; return its number, 0 if there is no room: it is counted then.

        Of a text over 200 bytes the beginning is kept, with "..." behind it. Blocks for less than 1 ms.

        :raises ShotMemoryError: when memory does not take it.
        """
        data = text.encode()
        if len(data) > MAX_PAYLOAD:
            cut = MAX_PAYLOAD - 3
            while data[cut] & 0xC0 == 0x80:
                cut -= 1
            data = data[:cut] + b"..."
        if not self._begin(kind, len(data)):
            return 0
        self._buffer[20 : 20 + len(data)] = data
        return self._keep(20 + len(data))

    def shot(self, step: int, laser: int, verdict: int, number: int, energy_uj: int) -> int:
        """Keep a shot: pass from 1, laser (0 ps, 1 CO2), verdict (place in `layout.VERDICTS`), number in its burst.

        Returns the record's number, 0 without room. Allocates nothing.

        :raises ShotMemoryError: when memory does not take it.
        """
        if not self._begin(layout.SHOT, 8):
            return 0
        struct.pack_into("<BBHi", self._buffer, 20, step, laser << 7 | verdict, number, energy_uj)
        return self._keep(28)

    def change(self, before: int, after: int) -> int:
        """Keep a change of the inputs' condition word (below 2**30). Allocates nothing. Returns as `shot` does.

        A contact that bounces may make 32 records at once and one more a second; the changes between are counted, and
        the next record goes from the state that the last one told to the present one.
        """
        if self._left_out:
            self._after = after
            self._left_out += 1
            return 0
        if not self._budget:
            self._before = before
            self._after = after
            self._left_out = 1
            return 0
        self._budget -= 1
        return self._words(layout.INPUT, 3, before, after, 0)

    def _tell_change(self) -> None:
        left_out = self._left_out
        self._left_out = 0
        self._budget -= 1
        self._words(layout.INPUT, 3, self._before, self._after, left_out - 1)

    def pulled(self, number: int) -> int:
        """Note that everything up to a number was pulled: it may be removed when room is needed.

        ValueError for a number that no record in flash or memory has. Returns as `note` does.
        """
        if not 0 < number < self.seq:
            raise ValueError("records 1 to {} can have been pulled, not {}".format(self.seq - 1, number))
        return self._allow(layout.PULLED, number)

    def overwrite(self) -> int:
        """Note that everything up to now may be overwritten, the oldest first, though it was not pulled."""
        return self._allow(layout.OVERWRITE, self.seq - 1)

    def _allow(self, kind: int, number: int) -> int:
        kept = self._words(kind, 1, number, 0, 0)
        if kept:
            self.spare = max(self.spare, number)
        return kept

    def _words(self, kind: int, count: int, first: int, second: int, third: int) -> int:
        if not self._begin(kind, 4 * count):
            return 0
        struct.pack_into("<III", self._buffer, 20, first, second, third)
        return self._keep(20 + 4 * count)

    def _begin(self, kind: int, length: int) -> bool:
        """Write a record's header into the buffer. False without room: the record is counted as lost."""
        room = self.memory.size - self.end
        need = length + OVERHEAD + 1
        if self.lost and room >= need + 4 + OVERHEAD:
            lost = self.lost
            self.lost = 0
            self._words(layout.LOST, 1, lost, 0, 0)
        elif room < need or self.lost:
            self.lost += 1
            return False
        time_s = self._clock_s + self.uptime_s if self._clock_s else 0
        struct.pack_into(
            layout.HEADER, self._buffer, 0, kind, length, self._ms, self.seq, self.boot, self.uptime_s, time_s
        )
        return True

    def _keep(self, length: int) -> int:
        """Seal the record in the buffer and put it into memory. Returns its number."""
        buffer = self._buffer
        self.crc.seal(buffer, length)
        length += 4
        buffer[length] = 0
        if not self.memory.append(self.end, buffer, length):
            raise ShotMemoryError("the shot memory did not give back record {}".format(self.seq))
        self.end += length
        self.seq += 1
        return self.seq - 1

    def end_memory(self, at: int) -> None:
        """Put the zero that ends the records into memory, after `at` bytes of them."""
        self.end = at
        self._buffer[0] = 0
        if not self.memory.append(at, self._buffer, 0):
            raise ShotMemoryError("the shot memory did not give back the byte at {}".format(at))

    # --- from memory into flash

    @property
    def acknowledged(self) -> int:
        """Number of the last record that outlives a loss of power from now on."""
        return self.seq - 1 if self.memory.lasting else self.flashed

    @property
    def waiting(self) -> int:
        """Bytes in memory that are not in flash yet."""
        return self.end - self.moved

    def flush(self, most: int = APPEND_BYTES) -> bool:
        """Move at most about `most` bytes from memory into flash, as one append, or remove one segment to make room.

        Returns True when nothing is left to do: everything is in flash, or there is no room. Blocks for the flash's
        erases (some 100 ms; at worst 1.3 s): only in STANDBY and at the beginning of ARMING. Allocates.

        :raises JournalError: the file system failed; the records stay in memory. The next call tries again.
        :raises ShotMemoryError: memory does not hold what it gave back before.
        """
        if self.moved == self.end:
            return self._begin_epoch()
        try:
            if self.doubt or not self.following:
                from tandem.record import recovery

                recovery.look_again(self)
                return False
            if self.firsts and self.firsts[-1] == self.following:
                return self._drop(-1)  # a segment in which nothing is sound: its name is wanted
            if not self._has_room(most):
                return not self._may_drop() or self._drop(0)
            self.doubt = True
            self._append(most)
            self.doubt = False
        except OSError as error:
            raise failed("written", error) from None
        return self.moved == self.end and self._begin_epoch()

    def _begin_epoch(self) -> bool:
        """Everything in memory is in flash: begin at its beginning again."""
        if self.end:
            self.moved = 0
            self.epoch += 1
            self.end_memory(0)
        return True

    def _drop(self, index: int) -> bool:
        """Remove a segment. Returns False: there is more to do."""
        self.files.remove(name_of(self.firsts[index]))
        self.firsts.pop(index)
        self.sizes.pop(index)
        self.free = self.files.free()
        self.ends = self.ends or index < 0
        return False

    def _may_drop(self) -> bool:
        """Tell whether the oldest segment is not the last one, and all of it was pulled or may be overwritten."""
        return len(self.firsts) > 1 and self.firsts[1] <= self.spare + 1

    def _has_room(self, most: int) -> bool:
        return sum(self.sizes) + most <= self._most_bytes and self.free - most >= SPARE_BYTES

    def _append(self, most: int) -> None:
        memory, piece, files, number = self.memory, self.piece, self.files, self.following
        if (
            self.ends
            or not self.firsts
            or number != self.flashed + 1
            or self.sizes[-1] + MAX_RECORD > self._segment_bytes
        ):
            self.firsts.append(number)
            self.sizes.append(0)
            self.ends = False
            self.free = files.free()
        most = min(max(most, MAX_RECORD), self._segment_bytes - self.sizes[-1])
        moved = self.moved
        with files.append(name_of(self.firsts[-1])) as file:
            while moved < self.end and most >= MAX_RECORD:
                have = memory.read(moved, piece, min(_PIECE, self.end - moved, most))
                used, number = self._whole_records(piece, have, number)
                if not used:
                    break
                file.write(memoryview(piece)[:used])
                moved += used
                most -= used
        self.sizes[-1] += moved - self.moved
        self.free -= moved - self.moved
        self.flashed = number - 1
        if moved == self.moved:
            self.following = 0
            raise ShotMemoryError("the shot memory does not give back record {} as it took it".format(number))
        self.moved = moved
        self.following = number

    def _whole_records(self, piece: bytearray, have: int, number: int) -> "tuple[int, int]":
        """Return how many bytes of a piece are whole records from `number` on, and the number after them."""
        used = 0
        while True:
            run = self.crc.shots(piece, used, have, number)
            number += (run - used) // SHOT_BYTES
            used = run
            length = self.whole(piece, used, have, number)
            if length <= 0:
                break
            used += length
            number += 1
        return used, number

    # --- room

    @property
    def room(self) -> int:
        """How many more shots flash can take, beside what waits in memory."""
        held = sum(self.sizes)
        spare = 0
        for i in range(len(self.sizes) - 1):
            if self.firsts[i + 1] <= self.spare + 1:
                spare += self.sizes[i]
        left = min(self._most_bytes - held, self.free - SPARE_BYTES) + spare - self.waiting - APPEND_BYTES
        return max(0, left // SHOT_BYTES)

    @property
    def free_permille(self) -> int:
        """How much of the journal's room is free, in thousandths."""
        return min(1000, self.room * SHOT_BYTES * 1000 // (self._most_bytes - APPEND_BYTES))

    @property
    def low(self) -> bool:
        """Tell whether less than 10 % is free."""
        return self.free_permille < 100

    def fits(self, records: int) -> bool:
        """Tell whether that many shots, and 2 KB of what goes with them, fit into flash and, at once, into memory."""
        left = (self.memory.size - self.end - APPEND_BYTES) // SHOT_BYTES
        return records <= self.room and records <= left
