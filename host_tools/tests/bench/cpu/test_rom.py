"""The boot ROM's floating point, bit and memory functions.

MicroPython's arithmetic and copies call them; the rest, for which it has code of its own, are called by
their addresses in the ROM's tables.
"""

from __future__ import annotations

import ast
import math
import operator
import struct
from collections.abc import Callable
from random import Random
from typing import Any

from tandem_tools.bench import Bench

Figure = Callable[..., None]
PAIRS = 150
ARITHMETIC: dict[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
}
# Entries of the single-precision table, in words (RP2040 datasheet, 2.8.3.2).
FUNCTIONS: dict[int, Callable[[float], float]] = {
    6: math.sqrt,
    15: math.cos,
    16: math.sin,
    17: math.tan,
    19: math.exp,
    20: math.log,
}
CALLS = """
from machine import mem16, mem32
@micropython.asm_thumb
def call(r0, r1, r2):
    data(2, 0x4790)  # blx r2
def entry(pointer, code):
    at = mem16[pointer]
    while mem16[at] != ord(code[0]) | ord(code[1]) << 8:
        at += 4
    return mem16[at + 2]
singles = entry(0x16, 'SF')
def single(index, x, y=0): return call(x, y, mem32[singles + 4 * index]) & 0xffffffff
"""


def bits(value: float) -> int:
    """Return the bits of a number rounded to single precision."""
    return struct.unpack("<I", struct.pack("<f", value))[0]


def single(value: float) -> float:
    return struct.unpack("<f", struct.pack("<f", value))[0]


def ask(bench: Bench, source: str) -> Any:
    """Run source on the board; return what it printed."""
    return ast.literal_eval(bench.board().exec_raw(source, 20_000))


def numbers(seed: int, count: int) -> list[float]:
    """Return normal singles of many sizes, simple ones among them, exact in single precision."""
    rng = Random(seed)
    found = [1.0, -1.0, 0.5, 3.0, 16777216.0, -0.1]
    found += [
        rng.choice((-1, 1)) * rng.uniform(1, 2) * 2.0 ** rng.randrange(-30, 30) for _ in range(count - len(found))
    ]
    return [single(value) for value in found]


def prelude(*lists: list[float]) -> str:
    """Return source that rebuilds the lists from their bits and can tell a result's bits."""
    words = [[bits(value) for value in values] for values in lists]
    return f"""
import struct, math
def f(w): return struct.unpack('<f', struct.pack('<I', w))[0]
def b(v): return struct.unpack('<I', struct.pack('<f', v))[0]
lists = [[f(w) for w in ws] for ws in {words}]
"""


def test_single_precision_arithmetic_is_rounded_to_nearest(bench: Bench, figure: Figure) -> None:
    left, right = numbers(1, PAIRS), numbers(2, PAIRS)[::-1]
    each = ", ".join(f"b(x {sign} y)" for sign in ARITHMETIC)
    told = ask(bench, prelude(left, right) + f"print([({each}) for x, y in zip(*lists)])")
    expected = [tuple(bits(act(x, y)) for act in ARITHMETIC.values()) for x, y in zip(left, right, strict=True)]
    assert told == expected
    figure("boot ROM: single-precision results compared", 4 * PAIRS, "results")


def test_comparisons_and_conversions_are_those_of_the_numbers(bench: Bench) -> None:
    left, right = numbers(3, PAIRS), numbers(4, PAIRS)
    right[::10] = left[::10]
    source = "print([(x < y, x <= y, x == y, x > y, int(x), b(float(int(y)))) for x, y in zip(*lists)])"
    told = ask(bench, prelude(left, right) + source)
    pairs = zip(left, right, strict=True)
    assert told == [(x < y, x <= y, x == y, x > y, int(x), bits(float(int(y)))) for x, y in pairs]


def test_functions_called_by_the_table_are_right_to_the_last_bits(bench: Bench) -> None:
    values = [abs(value) for value in numbers(5, 60) if 1e-3 < abs(value) < 80]
    words = [bits(value) for value in values]
    told = ask(bench, CALLS + f"print([[single(i, w) for i in {list(FUNCTIONS)}] for w in {words}])")
    assert len(told) > 15
    for value, answers in zip(values, told, strict=True):
        assert answers == [bits(function(value)) for function in FUNCTIONS.values()], value


def test_conversions_called_by_the_table_round_towards_minus_infinity_and_saturate(bench: Bench) -> None:
    values = [0.0, 0.75, -0.75, 2.5, -2.5, 3e9, -3e9, 5e9]
    words = [bits(value) for value in values]
    told = ask(bench, CALLS + f"print([(single(7, w), single(8, w, 1), single(9, w)) for w in {words}])")

    def within(value: float, low: int, high: int) -> int:
        return max(low, min(high, math.floor(value))) & 0xFFFFFFFF

    signed, unsigned = (-(2**31), 2**31 - 1), (0, 2**32 - 1)
    assert told == [(within(v, *signed), within(2 * v, *signed), within(v, *unsigned)) for v in values]
    back = ask(bench, CALLS + "print([single(i, 0x80000001, 1) for i in (11, 12, 13, 14)])")
    assert back == [bits(value) for value in (1 - 2**31, (1 - 2**31) / 2, 2**31 + 1, (2**31 + 1) / 2)]


def test_bits_are_counted_and_reversed(bench: Bench) -> None:
    words = [0, 1, 0x80000000, 0x00F0_1230, 0xFFFFFFFF]
    each = ", ".join(f"call(w, 0, entry(0x14, '{name}')) & 0xffffffff" for name in ("P3", "R3", "L3", "T3"))
    told = ask(bench, CALLS + f"print([({each}) for w in {words}])")
    texts = [f"{word:032b}" for word in words]
    expected = [
        (t.count("1"), int(t[::-1], 2), len(t) - len(t.lstrip("0")), len(t) - len(t.rstrip("0"))) for t in texts
    ]
    assert told == expected


def test_memory_is_copied_and_filled_at_any_alignment_and_length(bench: Bench) -> None:
    source = """
bad = 0
src = bytes((i * 37 + 11) & 255 for i in range(300))
for length in (0, 1, 2, 3, 4, 5, 15, 63, 64, 65, 127, 128, 129, 255):
    for a in range(4):
        for d in range(4):
            dst = bytearray(300)
            dst[d:d + length] = src[a:a + length]
            bad += dst != bytes(d) + src[a:a + length] + bytes(300 - d - length)
print(bad)
"""
    assert ask(bench, source) == 0
