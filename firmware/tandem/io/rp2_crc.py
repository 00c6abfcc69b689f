"""CRC-32 of records in native code: nothing here allocates. The same functions as in `record.crc`."""

# pyright: reportCallIssue=false, reportArgumentType=false
from array import array

import micropython

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any as ptr8  # words of the native compiler
    from typing import Any as ptr32

_ROWS = array("I", (0 for _ in range(16)))
"""CRC of each half byte."""


def _fill() -> None:
    for i in range(16):
        value = i
        for _ in range(4):
            value = value >> 1 ^ (0xEDB88320 if value & 1 else 0)
        _ROWS[i] = value


_fill()
del _fill


@micropython.viper
def seal(buffer: ptr8, length: int):  # noqa: ANN201
    """Put the CRC of the first `length` bytes behind them. About 10 us for a shot. Does not allocate."""
    rows = ptr32(_ROWS)
    crc = -1
    i = 0
    while i < length:
        crc ^= buffer[i]
        crc = ((crc >> 4) & 0x0FFFFFFF) ^ rows[crc & 15]
        crc = ((crc >> 4) & 0x0FFFFFFF) ^ rows[crc & 15]
        i += 1
    crc ^= -1
    buffer[length] = crc & 0xFF
    buffer[length + 1] = (crc >> 8) & 0xFF
    buffer[length + 2] = (crc >> 16) & 0xFF
    buffer[length + 3] = (crc >> 24) & 0xFF


@micropython.viper
def sound(buffer: ptr8, at: int, length: int) -> bool:
    """Tell whether the CRC behind `length` bytes from `at` is right. Does not allocate."""
    rows = ptr32(_ROWS)
    crc = -1
    end = at + length
    while at < end:
        crc ^= buffer[at]
        crc = ((crc >> 4) & 0x0FFFFFFF) ^ rows[crc & 15]
        crc = ((crc >> 4) & 0x0FFFFFFF) ^ rows[crc & 15]
        at += 1
    crc ^= -1
    kept = buffer[at] | (buffer[at + 1] << 8) | (buffer[at + 2] << 16) | (buffer[at + 3] << 24)
    return bool(crc == kept)


@micropython.viper
def shots(buffer: ptr8, at: int, end: int, number: int) -> int:
    """Return where the run of sound shot records ends that begins at `at` with sequence number `number`."""
    rows = ptr32(_ROWS)
    while at + 32 <= end:
        if buffer[at] != 9 or buffer[at + 1] != 8:
            return at
        i = at + 4
        if number != buffer[i] | (buffer[i + 1] << 8) | (buffer[i + 2] << 16) | (buffer[i + 3] << 24):
            return at
        crc = -1
        i = at
        while i < at + 28:
            crc ^= buffer[i]
            crc = ((crc >> 4) & 0x0FFFFFFF) ^ rows[crc & 15]
            crc = ((crc >> 4) & 0x0FFFFFFF) ^ rows[crc & 15]
            i += 1
        crc ^= -1
        if crc != buffer[i] | (buffer[i + 1] << 8) | (buffer[i + 2] << 16) | (buffer[i + 3] << 24):
            return at
        at += 32
        number += 1
    return at
