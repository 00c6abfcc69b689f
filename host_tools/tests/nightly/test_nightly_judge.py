"""What is called a regression: a change that the nights before do not explain, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations
from pathlib import Path
from random import Random
from statistics import median

import pytest
from nightly_harness import drifting, hil_figure, pretended_night
from tandem_tools.nightly.judge import LEAST, Reading, chance_of_order, judge, jump_limit
from tandem_tools.nightly.store import Store

NIGHTS, FIGURES = 1000, 20
SHAPES: dict[str, tuple[Callable[[Random], float], float]] = {
    "normal": (lambda r: r.gauss(0, 1), 0.01),
    "even": (lambda r: r.uniform(-1, 1), 0.01),
    "long tails": (lambda r: r.expovariate(1) * r.choice((-1, 1)), 0.05),
}
"""How figures scatter, and false alarms per night that are bearable among 20 figures."""


def readings(*values: float, uncertainty: float = 0.0) -> list[Reading]:
    return [Reading(value, uncertainty) for value in values]


def flagged(values: list[float], unit: str = "us", uncertainty: float = 0.0) -> dict[int, str]:
    """Return on which nights, counted from 1, a figure was called what; flagged nights are no good nights."""
    past, found = [], {}
    for night, value in enumerate(values, 1):
        judgement = judge(Reading(value, uncertainty), past, unit)
        if judgement.regression:
            found[night] = judgement.kind
        else:
            past.append(Reading(value, uncertainty))
    return found


def test_nothing_is_judged_by_fewer_than_five_nights() -> None:
    assert judge(Reading(1e6), readings(*[1.0] * (LEAST - 1)), "us").kind == "learning"
    assert judge(Reading(1e6), readings(*[1.0] * LEAST), "us").kind == "jump"


def test_a_figure_that_never_changes_alarms_on_a_change_beyond_its_resolution_alone() -> None:
    same = readings(*[0.0] * 14)
    assert not judge(Reading(0.0), same, "cycles").regression
    assert not judge(Reading(1.0), same, "cycles").regression
    assert judge(Reading(2.0), same, "cycles").kind == "jump"
    assert judge(Reading(-2.0), same, "cycles").kind == "jump"
    same = readings(*[625_000.0] * 14, uncertainty=0.01)
    assert not judge(Reading(625_000.02, 0.01), same, "cycles").regression
    assert judge(Reading(625_000.03, 0.01), same, "cycles").kind == "jump"
    same = readings(*[0.1 + 0.2] * 14, uncertainty=0.5)
    assert not judge(Reading(1.3, 0.5), same, "us").regression
    assert judge(Reading(1.31, 0.5), same, "us").kind == "jump"
    assert not judge(Reading(0.3), readings(*[0.1 + 0.2] * 14), "us").regression


def test_a_jump_is_told_with_its_numbers_in_both_directions() -> None:
    past = readings(*[10.0, 10.1, 9.9, 10.0, 10.1, 9.9, 10.0, 10.1, 9.9, 10.0])
    for value, where in ((12.0, "above"), (8.0, "below")):
        judgement = judge(Reading(value), past, "us")
        assert judgement.text.startswith(f"2 us {where} the median of 10 nights; ") and judgement.median == 10.0


def test_one_night_far_off_hardly_widens_what_is_explained() -> None:
    plain = [10.0, 10.1, 9.9, 10.05, 9.95] * 3
    assert jump_limit([*plain[:-1], 10.5]) < 2 * jump_limit(plain)


def test_the_chance_of_an_order_is_that_of_all_orders_counted() -> None:
    for count in range(2, 8):
        orders = [sum((b > a) - (b < a) for i, a in enumerate(p) for b in p[i:]) for p in permutations(range(count))]
        for order in range(max(orders) % 2, max(orders) + 1, 2):
            exact = sum(abs(s) >= order for s in orders) / len(orders)
            assert chance_of_order(count, order) == pytest.approx(exact if order else 1.0)


def test_a_drift_in_steps_that_no_single_night_shows_is_found() -> None:
    assert flagged([100.0 + 0.5 * night for night in range(10)]) == {8: "drift", 9: "drift", 10: "drift"}
    assert flagged([100.0 - 0.5 * night for night in range(8)]) == {8: "drift"}
    assert flagged([100.0 + 0.001 * night for night in range(14)], uncertainty=0.01) == {}


def test_a_creep_too_slow_for_the_recent_nights_is_found_by_the_first_ones() -> None:
    random = Random(3)
    found = flagged([100 + random.gauss(0, 1) + 0.1 * night for night in range(100)])
    assert set(found.values()) <= {"creep", "drift"} and 30 < min(found) < 75


@pytest.mark.parametrize(("begins", "step", "bearable"), [(12, 0.5, 12), (12, 1.0, 9), (12, 3.0, 5), (7, 3.0, 7)])
def test_a_drift_is_found_within_days(begins: int, step: float, bearable: int, figure: Callable[..., None]) -> None:
    after = []
    for seed in range(40):
        random = Random(1000 + seed)
        values = [random.gauss(0, 1) + step * max(0, night - begins + 1) for night in range(1, begins + 30)]
        after.append(min(night for night in flagged(values) if night >= begins) - begins + 1)
    name = f"nights until a drift of {step:g} standard deviations a night from night {begins} on is found, median"
    figure(name, median(after), "nights", f"<= {bearable}")
    assert median(after) <= bearable


@pytest.mark.parametrize("shape", SHAPES)
def test_false_alarms_are_rare(shape: str, figure: Callable[..., None]) -> None:
    draw, bearable = SHAPES[shape]
    random = Random(20)
    alarms = sum(len(flagged([draw(random) for _ in range(NIGHTS)])) for _ in range(FIGURES))
    name = f"false alarms per night, 20 figures without a drift, {shape} scatter, 1,000 nights"
    figure(name, alarms / NIGHTS, "", f"<= {bearable}")
    assert alarms / NIGHTS <= bearable


def test_ten_nights_in_the_store_flag_a_hidden_drift_and_no_other(tmp_path: Path, figure: Callable[..., None]) -> None:
    """As the ten nights that are run for real, with 40 figures and 20 seeds."""
    found = []
    for seed in range(20):
        random = Random(seed)
        with Store(tmp_path / str(seed)) as store:
            for number in range(1, 11):
                figures = [hil_figure(f"figure {i}", 100 + random.gauss(0, 1)) for i in range(40)]
                value, uncertainty = drifting(random, number)
                figures[17] = hil_figure("figure 17", value, uncertainty=uncertainty)
                found += [(seed, number, f.figure.name) for f in pretended_night(store, figures).regressions]
    right = [(seed, 8, "figure 17") for seed in range(20)]
    text = f"{len(set(found) & set(right))} of 20, {len(set(found) - set(right))} others"
    figure("drifts found on night 8 of ten, 40 figures, 20 seeds", text, "", "20 of 20, 0 others")
    assert found == right


@pytest.mark.parametrize("night", [6, 7, 9])
def test_ten_nights_in_the_store_flag_the_night_of_a_change_and_no_other(
    night: int, tmp_path: Path, figure: Callable[..., None]
) -> None:
    """A figure walks off in growing steps, from two nights before `night`, and is mended after."""
    found = []
    for seed in range(10):
        random = Random(seed)
        with Store(tmp_path / str(seed)) as store:
            for number in range(1, 11):
                values = [100 + random.gauss(0, 1) for _ in range(40)]
                values[17] += {night - 2: 0.5, night - 1: 1.0, night: 60.0}.get(number, 0.0)
                kept = pretended_night(store, [hil_figure(f"figure {i}", v) for i, v in enumerate(values)])
                found += [(seed, number, f.figure.name) for f in kept.regressions]
    right = [(seed, night, "figure 17") for seed in range(10)]
    text = f"{len(set(found) & set(right))} of 10, {len(set(found) - set(right))} others"
    figure(f"changes found on night {night} of ten, 40 figures, 10 seeds", text, "", "10 of 10, 0 others")
    assert found == right
