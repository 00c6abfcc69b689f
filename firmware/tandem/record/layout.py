"""The bytes of a record: the same in shot memory, RAM and flash, on the board and on the host.

Little endian: kind u8, payload's length u8, ms u16, seq u32, boot u32, uptime_s u32, time_s u32, payload, CRC-32 over
all before it (as `binascii.crc32`). uptime_s and ms: time since this boot. time_s: seconds since 2020-01-01 UTC, 0
while the clock is unset. docs/journal.md tells what each kind means; a number is never given to another kind.
"""

from tandem.safety import const

MAX_PAYLOAD = const(200)
OVERHEAD = const(24)
"""Bytes of a record beside its payload: header of 20 and CRC of 4."""
MAX_RECORD = const(224)
SHOT_BYTES = const(32)
HEADER = "<BBHIIII"

START = const(1)
STATE = const(2)
FAULT = const(3)
INPUT = const(4)
SETTING = const(5)
LOGIN = const(6)
CLOCK = const(7)
OPEN = const(8)
SHOT = const(9)
CLOSE = const(10)
NOTE = const(11)
LOST = const(12)
PULLED = const(13)
OVERWRITE = const(14)
LAST_KIND = const(14)


def word(buffer: "bytes | bytearray", at: int) -> int:
    """Return the word of 32 bits at an offset. Below 2**30 it does not allocate."""
    return buffer[at] | buffer[at + 1] << 8 | buffer[at + 2] << 16 | buffer[at + 3] << 24


def seq(buffer: "bytes | bytearray", at: int) -> int:
    """Return the sequence number of the record at an offset."""
    return word(buffer, at + 4)
