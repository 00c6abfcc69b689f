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
    rng=st.randoms(use_true_random=False),
    words=st.integers(1, 14),
    machines=st.integers(1, 4),
    pokes=st.integers(1, 40),
    longest_gap=st.sampled_from([50, 300, 3000]),
    read_back=st.sampled_from([0, 0x3FFFFFFF]),
)
def test_generated_programs_give_the_same_with_and_without_skipping(
    engine: PioEngine, rng: Random, words: int, machines: int, pokes: int, longest_gap: int, read_back: int
) -> None:
    script = random_script(rng, words, machines, pokes, longest_gap)
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
    return [*script, ["p", 0, {"x": signed[0], "y": signed[1], "isr": 7}], ["w", CTRL, 0x101, 10]]


LOOPS = {
    "one counter": [jmp(0, "x--")],
    "two counters, one leaves": [jmp(1, "y--"), jmp(0, "x--")],
    "difference, y falls": [jmp(1, "y--"), jmp(0, "x!=y")],
    "difference, x falls": [jmp(1, "x--"), jmp(0, "x!=y")],
    "counts two a round": [jmp(1, "x--"), jmp(0, "x--", 0x300)],
    "no operation and delay": [mov("y", "y", more=0x200), jmp(0, "x--", 0x100)],
    "thirty instructions": [*[mov("y", "y")] * 29, jmp(0, "x--")],
    "a counted loop inside": [set_("y", 9), jmp(1, "y--"), jmp(0, "x--")],
    "one of a single turn inside": [set_("y", 0), jmp(1, "y--"), jmp(0, "x--")],
    "one of an ISR's count inside, with delays": [
        mov("y", "isr", more=0x100),
        jmp(1, "y--", 0x200),
        jmp(0, "x--", 0x300),
    ],
    "two inside": [set_("y", 3), jmp(1, "y--", 0x100), set_("y", 4), jmp(3, "y--"), jmp(0, "x--")],
    "the same count twice inside": [set_("y", 3), jmp(1, "y--"), jmp(2, "y--"), jmp(0, "x--")],
    "x inside, y outside": [set_("x", 6), jmp(1, "x--", 0x100), jmp(0, "y--")],
}


@pytest.mark.parametrize("name", LOOPS)
@pytest.mark.parametrize("clkdiv", [0x10000, 0x15500, 0x30000])
def test_a_counted_loop_ends_on_the_cycle_it_would_end_stepped(engine: PioEngine, name: str, clkdiv: int) -> None:
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
        moments = [["o", cycle] for cycle in (57, *range(300, 342), 3500)]
        engine.run_both([*counting(x, y, LOOPS[name], clkdiv), *moments])


def test_the_longest_count_inside_a_loop_is_exact_at_any_moment(engine: PioEngine) -> None:
    x, turns = 5, 2**32
    script = counting(x, 0, [mov("y", "null", "~"), jmp(1, "y--"), jmp(0, "x--")])
    middle = 10 + 3 * (turns + 2) + 1 + 3_000_000_000  # three rounds, MOV, and so many turns
    result = engine.run([*script, ["o", middle], ["t", 10 + 7 * (turns + 2)]])
    state = result["observed"][0][0]
    assert (state["pc"], state["x"], state["y"]) == (1, x - 3, 2**32 - 1 - 3_000_000_000)
    assert result["pins"] == [[1, 0, 10 + (x + 1) * (turns + 2) + 1]]


def test_a_loop_inside_a_loop_is_exact_over_its_whole_length(engine: PioEngine) -> None:
    outer, inner = 999_999, 12_345
    script = counting(outer, 0, [mov("y", "isr"), jmp(1, "y--", 0x100), jmp(0, "x--")])
    result = engine.run([*script[:-1], ["p", 0, {"isr": inner}], script[-1], ["t", 10 + 10**11]])
    assert result["pins"] == [[1, 0, 10 + (outer + 1) * (1 + 2 * (inner + 1) + 1) + 1]]


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
