"""The boot ROM's floating point and memory functions, as MicroPython's own arithmetic calls them."""

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
FUNCTIONS = {"sqrt": math.sqrt, "sin": math.sin, "cos": math.cos, "exp": math.exp, "log": math.log, "atan": math.atan}


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


def test_functions_are_right_to_the_last_bits(bench: Bench) -> None:
    values = [abs(value) for value in numbers(5, 60) if 1e-3 < abs(value) < 80]
    each = ", ".join(f"b(math.{name}(x))" for name in FUNCTIONS)
    told = ask(bench, prelude(values) + f"print([({each}) for x in lists[0]])")
    assert len(told) > 15
    for value, words in zip(values, told, strict=True):
        for (name, function), word in zip(FUNCTIONS.items(), words, strict=True):
            got = struct.unpack("<f", struct.pack("<I", word))[0]
            assert math.isclose(got, function(value), rel_tol=3e-7, abs_tol=3e-7), (name, value)


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
