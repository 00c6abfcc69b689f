"""Skipping ahead changes nothing: at every observation all is as if every cycle had been executed."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from pio_harness import CTRL, PINS, Operation, PioEngine, configure, execctrl, jmp, load, mov, pinctrl, set_
from pio_random import random_script

Figure = Callable[..., None]
BULK_PROGRAMS = 3000


@seed(20_040)
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    number=st.integers(0, 2**32 - 1),
    words=st.integers(1, 14),
    machines=st.integers(1, 4),
    pokes=st.integers(1, 40),
    longest_gap=st.sampled_from([50, 300, 3000]),
    read_back=st.sampled_from([0, 0x3FFFFFFF]),
)
def test_generated_programs_give_the_same_with_and_without_skipping(
    engine: PioEngine, number: int, words: int, machines: int, pokes: int, longest_gap: int, read_back: int
) -> None:
    script = random_script(Random(number), words, machines, pokes, longest_gap)
    verdict = engine.ask("compare", script, readBack=read_back)
    assert verdict.get("same"), verdict


def test_many_programs_give_the_same_with_and_without_skipping(engine: PioEngine, figure: Figure) -> None:
    edges = reads = 0
    for number in range(BULK_PROGRAMS):
        rng = Random(number)
        script = random_script(rng, rng.randrange(1, 13), rng.randrange(1, 5), rng.randrange(1, 40), 300)
        verdict = engine.ask("compare", script, readBack=rng.choice((0, 0, 0x3FFFFFFF)))
        assert verdict.get("same"), (number, verdict)
        edges += verdict["pins"]
        reads += verdict["reads"]
    figure("PIO programs run skipping and stepping, all alike", BULK_PROGRAMS, "programs")
    figure("pin changes compared between skipping and stepping", edges, "changes")
    assert edges > 10 * BULK_PROGRAMS
    assert reads > 10 * BULK_PROGRAMS


def test_a_state_kept_as_plain_properties_can_be_resumed(engine: PioEngine) -> None:
    compared = 0
    for number in range(300):
        rng = Random(number)
        script = random_script(rng, rng.randrange(1, 13), rng.randrange(1, 5), 30, 300)
        read_back = rng.choice((0, 0x3FFFFFFF))
        answer = engine.ask("resume", script, split=rng.randrange(len(script)), readBack=read_back)
        assert answer["difference"] is None, (number, answer)
        compared += answer["compared"]
    assert compared > 3000


def counting(x: int, y: int, body: list[int], clkdiv: int = 0x10000) -> list[Operation]:
    """Return a script: `body` (a loop at address 0), SET PINS 1 at its end; X and Y preset, started in cycle 10."""
    script = load([*body, set_(PINS, 1), jmp(len(body) + 1)])
    script += configure(0, clkdiv=clkdiv, execctrl=execctrl(31), pinctrl=pinctrl(set_pins=(0, 1)))
    signed = [value - (1 << 32) if value >> 31 else value for value in (x, y)]
    return [*script, ["p", 0, {"x": signed[0], "y": signed[1]}], ["w", CTRL, 0x101, 10]]


LOOPS = {
    "one counter": ([jmp(0, "x--")], 1),
    "two counters, one leaves": ([jmp(1, "y--"), jmp(0, "x--")], 2),
    "difference, y falls": ([jmp(1, "y--"), jmp(0, "x!=y")], 2),
    "difference, x falls": ([jmp(1, "x--"), jmp(0, "x!=y")], 2),
    "counts two a round": ([jmp(1, "x--"), jmp(0, "x--", 0x300)], 5),
    "no operation and delay": ([mov("y", "y", more=0x200), jmp(0, "x--", 0x100)], 5),
}


@pytest.mark.parametrize("name", LOOPS)
@pytest.mark.parametrize("clkdiv", [0x10000, 0x15500, 0x30000])
def test_a_counted_loop_ends_on_the_cycle_it_would_end_stepped(engine: PioEngine, name: str, clkdiv: int) -> None:
    body, _ = LOOPS[name]
    for x, y in (
        (0, 0),
        (1, 0),
        (2, 1),
        (5, 3),
        (40, 39),
        (41, 60),
        (100, 7),
        (7, 100),
        (1000, 0),
        (0xFFFFFFFF, 0xFFFFFE00),
    ):
        engine.run_both([*counting(x, y, body, clkdiv), ["o", 57], ["o", 333], ["o", 3500]])


@pytest.mark.parametrize("x", [3, 1000, 2**31, 2**32 - 1])
def test_the_longest_counts_are_exact(engine: PioEngine, x: int) -> None:
    script = counting(x, 0, [jmp(0, "x--")])
    result = engine.run([*script, ["t", 10 + x + 10]])
    assert result["pins"] == [[1, 0, 10 + x + 2]]  # x + 1 jumps from cycle 10, then SET


def test_the_longest_count_with_the_slowest_divider_is_exact(engine: PioEngine) -> None:
    ticks = 2**32  # 2**32 - 1 taken jumps and one that is not
    end = 9 + 65536 * (ticks + 1) + 1
    result = engine.run([*counting(2**32 - 1, 0, [jmp(0, "x--")], clkdiv=0), ["t", end]])
    assert result["pins"] == [[1, 0, end]]


def test_a_fraction_does_not_drift_over_a_long_count(engine: PioEngine) -> None:
    x, divisor = 4_000_000_000, 0x12C5  # 18 + 197/256
    result = engine.run([*counting(x, 0, [jmp(0, "x--")], clkdiv=divisor << 8), ["t", 10 + x * 19 + 100]])
    first = 10 + (divisor >> 8) - 1
    assert result["pins"] == [[1, 0, first + (x + 1) * divisor // 256 + 1]]
