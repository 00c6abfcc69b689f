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
def _work(buffer: ptr8, at: int, end: int, number: int) -> int:
    """Seal, check, or go through shots: one function, since each one costs memory. Does not allocate.

    `number` -1: put the CRC of the bytes from `at` to `end` behind them. -2: tell whether it is there. Else: return
    where the run of sound shot records ends that begins at `at` with sequence number `number`.
    """
    rows = ptr32(_ROWS)
    while True:
        stop = end
        if number >= 0:
            stop = at + 28
            if stop + 4 > end or buffer[at] != 9 or buffer[at + 1] != 8:
                return at
            if number != buffer[at + 4] | (buffer[at + 5] << 8) | (buffer[at + 6] << 16) | (buffer[at + 7] << 24):
                return at
        crc = -1
        i = at
        while i < stop:
            crc ^= buffer[i]
            crc = ((crc >> 4) & 0x0FFFFFFF) ^ rows[crc & 15]
            crc = ((crc >> 4) & 0x0FFFFFFF) ^ rows[crc & 15]
            i += 1
        crc ^= -1
        same = 1
        while i < stop + 4:
            if number == -1:
                buffer[i] = crc & 0xFF
            elif buffer[i] != crc & 0xFF:
                same = 0
            crc >>= 8
            i += 1
        if number < 0:
            return same
        if same == 0:
            return at
        at += 32
        number += 1


def seal(buffer: bytearray, length: int) -> None:
    """Put the CRC of the first `length` bytes behind them. Does not allocate."""
    _work(buffer, 0, length, -1)


def sound(buffer: bytearray, at: int, length: int) -> bool:
    """Tell whether the CRC behind `length` bytes from `at` is right. Does not allocate."""
    return _work(buffer, at, at + length, -2) == 1


shots = _work
"""Return where the run of sound shot records ends: `shots(buffer, at, end, number)`."""
