"""Spot patterns: exactly as many spots as asked, inside the shape, evenly; each order visits each spot once."""

from __future__ import annotations

import itertools
import math
from array import array
from collections.abc import Callable, Generator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tandem.dose import optics, scan
from tandem.dose.errors import PlanError

Figure = Callable[..., None]
SHAPES = st.sampled_from(optics.SHAPES[1:])
ORDERS = st.sampled_from(["raster", "serpentine", "shuffle", "farthest"])


def run(work: Generator[None, None, Any]) -> Any:
    """Run a generator to its end; return what it returns."""
    while True:
        try:
            next(work)
        except StopIteration as end:
            return end.value


def points(xy: array[int]) -> list[tuple[int, int]]:
    """Return coordinates as pairs."""
    return list(zip(xy[::2], xy[1::2], strict=True))


def inside(shape: str, size: float, x: float, y: float) -> bool:
    """Tell, by geometry in double precision, whether a point lies in the shape, with 1 um to spare for rounding."""
    if shape == "square":
        return max(abs(x), abs(y)) <= size / 2 + 1
    if shape == "circle":
        return math.hypot(x, y) <= size / 2 + 1
    apothem = size / 2 if shape == "hexagon_flats" else size * 3**0.5 / 4
    return all(
        x * math.cos(a) + y * math.sin(a) <= apothem + 1 for a in [math.pi / 6 + k * math.pi / 3 for k in range(6)]
    )


@pytest.mark.proves("R-OPT-7")
@given(SHAPES, st.integers(200, 20000), st.integers(1, 2000))
@settings(deadline=None, max_examples=150)
def test_exactly_n_different_spots_lie_inside_the_shape(shape: str, size: int, count: int) -> None:
    if optics.shape_nm2(shape, size) < count * 50**2 * 10**6:
        return
    xy, counts = run(scan.place(shape, size, count))
    spots = points(xy)
    assert len(spots) == len(set(spots)) == sum(counts) == count
    assert all(inside(shape, size, x, y) for x, y in spots)


@given(SHAPES, st.integers(2, 300))
@settings(deadline=None, max_examples=80)
def test_spots_keep_their_distance_and_their_centre(shape: str, count: int) -> None:
    """Neighbours are never nearer than 0.63 of the pitch that an even lattice would have; the pattern is centred."""
    size = 20000
    xy, counts = run(scan.place(shape, size, count))
    spots = points(xy)
    pitch = math.sqrt(optics.shape_nm2(shape, size) / 1e6 / count)
    nearest = min(math.dist(a, b) for i, a in enumerate(spots) for b in spots[:i])
    assert nearest >= (0.73 if count > 2 else 0.63) * pitch
    assert run(scan.closest_um(xy, counts)) == int(nearest)
    assert abs(sum(x for x, _ in spots)) <= count
    assert abs(sum(y for _, y in spots)) <= 0.5 * pitch * math.sqrt(count)


def test_eleven_spots_in_a_square_of_2_mm_are_rows_of_4_3_and_4(figure: Figure) -> None:
    xy, counts = run(scan.place("square", 2000, 11))
    assert list(counts) == [4, 3, 4]
    assert points(xy)[:4] == [(-750, -636), (-250, -636), (250, -636), (750, -636)]
    figure("rows of 11 spots in a square of 2 mm", "4, 3, 4", "", limit="11 in all")


def test_seven_spots_in_a_hexagon_are_a_hexagon_with_its_centre() -> None:
    xy, counts = run(scan.place("hexagon_corners", 2000, 7))
    assert list(counts) == [2, 3, 2]
    assert points(xy)[3] == (0, 0)


def test_a_point_is_one_spot_in_the_middle() -> None:
    xy, counts = run(scan.place("point", 0, 1))
    assert (points(xy), list(counts)) == ([(0, 0)], [1])


@pytest.mark.proves("R-PLN-1")
def test_more_spots_than_fit_are_refused() -> None:
    with pytest.raises(PlanError, match="2000 spots do not fit 50 um"):
        run(scan.place("square", 50, 2000))


@pytest.mark.proves("R-OPT-7")
@given(SHAPES, st.integers(1, 120), ORDERS, st.integers(1, 2147483646))
@settings(deadline=None, max_examples=120)
def test_every_order_visits_every_spot_once(shape: str, count: int, order: str, seed: int) -> None:
    xy, counts = run(scan.place(shape, 10000, count))
    fired, numbers = run(scan.arrange(xy, counts, order, seed))
    assert sorted(numbers) == list(range(count))
    spots = points(xy)
    assert points(fired) == [spots[number] for number in numbers]


@pytest.mark.parametrize("count", [1999, 2000])
@pytest.mark.parametrize("order", ["raster", "serpentine", "shuffle"])
def test_the_longest_burst_visits_every_spot_once(count: int, order: str) -> None:
    xy, counts = run(scan.place("circle", 20000, count))
    _, numbers = run(scan.arrange(xy, counts, order, 7))
    assert sorted(numbers) == list(range(count))


def test_serpentine_goes_back_along_every_second_row() -> None:
    assert list(run(scan.serpentine(array("H", [4, 3, 4])))) == [0, 1, 2, 3, 6, 5, 4, 7, 8, 9, 10]
    assert list(run(scan.serpentine(array("H", [2, 0, 2])))) == [0, 1, 3, 2]


def test_serpentine_moves_are_shorter_than_raster_moves() -> None:
    xy, counts = run(scan.place("square", 5000, 60))
    longest = {}
    for order in ("raster", "serpentine"):
        spots = points(run(scan.arrange(xy, counts, order, None))[0])
        longest[order] = max(math.dist(a, b) for a, b in itertools.pairwise(spots))
    assert longest["serpentine"] < longest["raster"] / 3


def test_shuffle_uses_the_minimal_standard_generator() -> None:
    """Its ten-thousandth number from seed 1 is 399268537 by definition; a model makes the same shuffle."""
    state = 1
    for _ in range(10000):
        state = state * scan._MINSTD % scan._MINSTD_MODULUS
    assert state == 399268537
    model = list(range(30))
    state = 12345
    for last in range(29, 0, -1):
        state = state * 48271 % (2**31 - 1)
        other = state * (last + 1) // (2**31 - 1)
        model[last], model[other] = model[other], model[last]
    assert list(run(scan.shuffled(30, 12345))) == model


def test_shuffles_of_different_seeds_differ_and_spread_evenly(figure: Figure) -> None:
    firsts = [0] * 8
    for seed in range(1, 4001):
        firsts[run(scan.shuffled(8, seed * 104729))[0]] += 1
    figure("spot fired first over 4000 seeds", f"{min(firsts)} to {max(firsts)}", "times each of 8", limit="500 +- 100")
    assert all(400 < times < 600 for times in firsts)


def test_farthest_keeps_successive_spots_further_apart_than_raster(figure: Figure) -> None:
    for count in (11, 44):
        xy, counts = run(scan.place("square", 2000, count))
        fired = {o: run(scan.arrange(xy, counts, o, None))[0] for o in ("raster", "farthest")}
        shortest = {order: run(scan.shortest_move_um(spots)) for order, spots in fired.items()}
        path = {o: sum(math.dist(a, b) for a, b in itertools.pairwise(points(s))) for o, s in fired.items()}
        shown = f"{shortest['raster']} and {shortest['farthest']}"
        figure(f"shortest move of {count} spots, raster and farthest", shown, "um")
        assert shortest["farthest"] > shortest["raster"]
        assert path["farthest"] > 1.5 * path["raster"]


@given(SHAPES, st.integers(2, 40))
@settings(deadline=None, max_examples=30)
def test_farthest_takes_the_spot_with_most_distance_to_the_last_three(shape: str, count: int) -> None:
    xy, _ = run(scan.place(shape, 10000, count))
    spots = points(xy)
    numbers = list(run(scan.farthest(xy)))
    assert numbers[0] == 0
    for step in range(1, count):
        recent = numbers[max(0, step - 3) : step]
        scores = {
            i: min(math.dist(spots[i], spots[j]) for j in recent) for i in range(count) if i not in numbers[:step]
        }
        assert scores[numbers[step]] == max(scores.values())
        assert numbers[step] == min(i for i in scores if scores[i] == max(scores.values()))


def test_farthest_refuses_more_spots_than_it_can_order_in_reasonable_time() -> None:
    with pytest.raises(PlanError, match="up to 500 spots, not 501; use shuffle"):
        run(scan.farthest(array("h", bytes(4 * 501))))


@given(st.integers(500, 60000), st.data())
def test_codes_are_12_bits_rise_with_position_and_are_right_within_half_a_step(
    range_um: int, data: st.DataObject
) -> None:
    x = data.draw(st.integers(-(range_um // 2), range_um // 2))
    code = scan.code(x, range_um)
    assert 0 <= code <= 4095
    assert abs(code * range_um / 4095 - range_um / 2 - x) <= range_um / 4095 / 2 + 1e-6


def test_codes_span_the_range_and_a_position_outside_is_refused() -> None:
    assert [scan.code(x, 12000) for x in (-6000, 0, 6000)] == [0, 2048, 4095]
    for x in (-6001, 6001):
        with pytest.raises(PlanError, match=f"position {x} um is outside.*up to 6000 um"):
            scan.code(x, 12000)
