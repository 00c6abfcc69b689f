"""CRC-32 of records where there is no machine code for it: on a computer. On the board `io.rp2_crc` takes its place."""

from binascii import crc32

from tandem.record.layout import SHOT, SHOT_BYTES, word


def _rows() -> "list[int]":
    rows = []
    for value in range(16):
        for _ in range(4):
            value = value >> 1 ^ (0xEDB88320 if value & 1 else 0)
        rows.append(value)
    return rows


_ROWS = _rows()


def seal(buffer: bytearray, length: int) -> None:
    """Put the CRC of the first `length` bytes behind them. Allocates nothing where an integer holds 33 bits."""
    rows = _ROWS
    crc = 0xFFFFFFFF
    for i in range(length):
        crc ^= buffer[i]
        crc = crc >> 4 ^ rows[crc & 15]
        crc = crc >> 4 ^ rows[crc & 15]
    crc ^= 0xFFFFFFFF
    for i in range(4):
        buffer[length + i] = crc >> 8 * i & 0xFF


def sound(buffer: "bytes | bytearray", at: int, length: int) -> bool:
    """Tell whether the CRC behind `length` bytes from `at` is right."""
    view = memoryview(buffer)
    return crc32(view[at : at + length]) == word(buffer, at + length)


def shots(buffer: "bytes | bytearray", at: int, end: int, number: int) -> int:
    """Return where the run of sound shot records ends that begins at `at` with sequence number `number`."""
    while (
        at + SHOT_BYTES <= end
        and buffer[at] == SHOT
        and buffer[at + 1] == 8
        and word(buffer, at + 4) == number
        and sound(buffer, at, SHOT_BYTES - 4)
    ):
        at += SHOT_BYTES
        number += 1
    return at
