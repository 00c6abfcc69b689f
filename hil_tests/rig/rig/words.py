"""The words of a channel as text. In native code: 30,000 of them would take minutes to format."""

import micropython

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any as ptr8  # words of the native compiler
    from typing import Any as ptr32


WORDS_A_LINE = 12
DIGITS = 8


@micropython.viper
def spell(words: ptr32, at: int, count: int, text: ptr8):  # noqa: ANN201 (viper returns nothing without it)
    """Write `count` words from number `at` on as 8 hexadecimal digits each, commas between them, to `text`."""
    place = 0
    for i in range(at, at + count):
        word = words[i]
        shift = 28
        while shift >= 0:
            digit = (word >> shift) & 15
            text[place] = digit + 48 if digit < 10 else digit + 87
            place += 1
            shift -= 4
        text[place] = 44
        place += 1


def lines(words: memoryview, at: int, end: int) -> "Iterator[str]":
    """Yield words from number `at` up to `end` as lines `words=...`, twelve a line."""
    text = bytearray((DIGITS + 1) * WORDS_A_LINE)
    while at < end:
        count = min(end - at, WORDS_A_LINE)
        spell(words, at, count, text)
        yield "words=" + str(text[: (DIGITS + 1) * count - 1], "ascii")
        at += count
