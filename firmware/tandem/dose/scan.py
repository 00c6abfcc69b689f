"""Spot patterns: where the spots lie, in which order they are visited, and the scanner codes that reach them.

Placing. The shape is cut into rows, and each row takes a whole number of spots in proportion to its area. A row lies
where its spots' share of the area is halved, and divides the shape's width there evenly. So every spot owns the same
area, any whole number of spots fits any shape (11 in a square: rows of 4, 3 and 4), and every spot's centre is inside.

Orders. Spots are numbered row by row from the lowest y, in each row from the lowest x; that is `raster`. `serpentine`
turns every second row round. `shuffle` is Fisher and Yates' (see `shuffled`). `farthest` goes from the first spot
always to the spot whose distance to the nearest of the last three spots is greatest, the lowest number among equals:
heat of neighbours has time to relax.

Long work comes as generators that yield after each bounded piece, so that a supervisor can run in between; the result
is what the generator returns. Coordinates are integer um from the field's centre, x to the right, y upwards.
"""

from array import array

from tandem.dose.errors import SCANNER_CANNOT, PlanError
from tandem.dose.optics import E15, SQRT3_E15, shape_nm2
from tandem.units import div_round, isqrt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator

SLICES = 256
MOST_FARTHEST = 500
CODES = 4096
_PIECE = 32
"""Spots that are worked on between two yields."""

_FAR = (1 << 30) - 1
_MINSTD = 48271
_MINSTD_MODULUS = 2147483647


def height_um(shape: str, size_um: int) -> int:
    """Return a shape's extent in y, um."""
    if shape == "hexagon_corners":
        return div_round(SQRT3_E15 * size_um, 2 * E15)
    return size_um


def half_width_um(shape: str, size_um: int, twice_y_um: int) -> int:
    """Return half of a shape's width at height y, um; ``twice_y_um`` is 2 y, so that halves stay whole.

    Hexagons have corners on the x axis and flats above and below.
    """
    if shape == "circle":
        return div_round(isqrt(max(0, 16 * (size_um * size_um - twice_y_um * twice_y_um))), 8)
    if shape == "hexagon_corners":
        return div_round(size_um * SQRT3_E15 - abs(twice_y_um) * E15, 2 * SQRT3_E15)
    if shape == "hexagon_flats":
        return div_round((2 * size_um - abs(twice_y_um)) * E15, 2 * SQRT3_E15)
    return size_um // 2


def _areas(shape: str, size_um: int) -> "Generator[None, None, array[int]]":
    """Generator that returns the area below each slice edge, in slice heights times 1 um (trapezoids)."""
    tall = height_um(shape, size_um)
    below = array("I", bytes(4 * (SLICES + 1)))
    before = half_width_um(shape, size_um, -tall)
    for edge in range(1, SLICES + 1):
        here = half_width_um(shape, size_um, div_round(2 * tall * edge, SLICES) - tall)
        below[edge] = below[edge - 1] + before + here
        before = here
        if not edge % 8:
            yield
    return below


def _unwritten(code: str, length: int) -> "array[int]":
    """Return an array whose values are all to be written; made in place, since a copy would not fit beside it."""
    return array(code, range(length))


def _counts(below: "array[int]", count: int, rows: int) -> "array[int]":
    """Return how many of ``count`` spots each of ``rows`` equally high rows takes, in proportion to its area."""
    counts = array("H", bytes(2 * rows))
    placed = 0
    for row in range(rows):
        edge, part = divmod(SLICES * (row + 1), rows)
        area = below[edge] * rows
        if part:
            area += part * (below[edge + 1] - below[edge])
        until = div_round(count * area, rows * below[SLICES])
        counts[row] = until - placed
        placed = until
    return counts


def place(shape: str, size_um: int, count: int) -> "Generator[None, None, tuple[array[int], array[int]]]":
    """Generator that returns (xy, counts): ``count`` spots in raster order, and how many each row has.

    ``xy`` is an array 'h' of x, y, x, y, ... in um. ``point`` is one spot at the centre. PlanError when spots would
    fall on the same micrometre.
    """
    if shape == "point":
        return array("h", (0, 0)), array("H", (1,))
    tall = height_um(shape, size_um)
    area_um2 = shape_nm2(shape, size_um) // 1000000
    pitch = isqrt(area_um2 // count)
    if pitch < 2:
        raise PlanError(SCANNER_CANNOT, f"{count} spots do not fit {size_um} um; give fewer spots or a larger size")
    below = yield from _areas(shape, size_um)
    counts = _counts(below, count, max(1, div_round(tall, pitch)))
    yield
    xy = _unwritten("h", 2 * count)
    index = 0
    edge = 0
    for row in range(len(counts)):
        spots = counts[row]
        target = below[SLICES] * (2 * (index // 2) + spots)
        while edge < SLICES - 1 and below[edge + 1] * 2 * count < target:
            edge += 1
        over, whole = target - below[edge] * 2 * count, (below[edge + 1] - below[edge]) * 2 * count
        y2 = div_round(2 * tall * (edge * whole + over), SLICES * whole) - tall
        half = half_width_um(shape, size_um, y2)
        for spot in range(spots):
            xy[index] = div_round(half * (2 * spot + 1 - spots), spots)
            xy[index + 1] = div_round(y2, 2)
            index += 2
        yield
    return xy, counts


def serpentine(counts: "array[int]") -> "Generator[None, None, array[int]]":
    """Generator that returns the order that turns every second row round."""
    order = _unwritten("H", sum(counts))
    first = 0
    turned = False
    for spots in counts:
        for spot in range(spots):
            order[first + spot] = first + (spots - 1 - spot if turned else spot)
        first += spots
        if spots:
            turned = not turned
        yield
    return order


def shuffled(count: int, seed: int) -> "Generator[None, None, array[int]]":
    """Generator that returns a shuffle of 0..count-1, the same on every interpreter for a seed of 1..2147483646.

    Fisher and Yates, from the last place down: place i changes with place x (i + 1) // (2**31 - 1), where x is the next
    number of the minimal standard generator x = 48271 x mod (2**31 - 1), started at the seed.
    """
    order = array("H", range(count))
    state = seed
    for last in range(count - 1, 0, -1):
        state = state * _MINSTD % _MINSTD_MODULUS
        other = state * (last + 1) // _MINSTD_MODULUS
        order[last], order[other] = order[other], order[last]
        if not last % _PIECE:
            yield
    return order


def farthest(xy: "array[int]") -> "Generator[None, None, array[int]]":
    """Generator that returns the order `farthest` (see above); for at most 500 spots, as its work grows as n2.

    Spots that are left form a chain in their numbers' order. Each keeps its distances to the last two spots fired, so a
    step costs one distance a spot.
    """
    count = len(xy) // 2
    if count > MOST_FARTHEST:
        message = f"order farthest is for up to {MOST_FARTHEST} spots, not {count}; use shuffle, or fewer spots"
        raise PlanError(SCANNER_CANNOT, message)
    order = _unwritten("H", count)
    after = array("H", range(1, count + 1))
    last = array("I", [_FAR] * count)
    before_last = array("I", [_FAR] * count)
    first = chosen = 0
    before_chosen = -1
    for step in range(count):
        order[step] = chosen
        if before_chosen < 0:
            first = after[chosen]
        else:
            after[before_chosen] = after[chosen]
        fired = chosen
        best = before = -1
        spot = first
        worked = 0
        while spot < count:
            distance = _squared(xy, fired, spot)
            nearest = min(distance, last[spot], before_last[spot])
            before_last[spot] = last[spot]
            last[spot] = distance
            if nearest > best:
                best = nearest
                chosen = spot
                before_chosen = before
            before = spot
            spot = after[spot]
            worked += 1
            if not worked % _PIECE:
                yield
        yield
    return order


def _squared(xy: "array[int]", one: int, other: int) -> int:
    dx = xy[2 * one] - xy[2 * other]
    dy = xy[2 * one + 1] - xy[2 * other + 1]
    return dx * dx + dy * dy


def arrange(
    xy: "array[int]", counts: "array[int]", order: str, seed: "int | None"
) -> "Generator[None, None, tuple[array[int], array[int]]]":
    """Generator that returns (xy in the order of firing, order): order[i] is the raster number of the i-th spot."""
    count = len(xy) // 2
    if order == "farthest":
        numbers = yield from farthest(xy)
    elif order == "shuffle":
        numbers = yield from shuffled(count, seed or 1)
    elif order == "serpentine":
        numbers = yield from serpentine(counts)
    else:
        numbers = array("H", range(count))
    yield
    fired = _unwritten("h", 2 * count)
    for index in range(count):
        fired[2 * index] = xy[2 * numbers[index]]
        fired[2 * index + 1] = xy[2 * numbers[index] + 1]
        if not index % _PIECE:
            yield
    return fired, numbers


def shortest_move_um(fired: "array[int]") -> "Generator[None, None, int]":
    """Generator that returns the least distance, um, between spots that follow each other; 0 for a single spot."""
    least = -1
    for index in range(1, len(fired) // 2):
        least = _less(least, _squared(fired, index - 1, index))
        if not index % _PIECE:
            yield
    return isqrt(max(0, least))


def reach_um(xy: "array[int]") -> "Generator[None, None, int]":
    """Generator that returns the largest coordinate, um, of either sign."""
    reach = 0
    for index in range(len(xy)):
        reach = max(reach, abs(xy[index]))
        if not index % _PIECE:
            yield
    return reach


def code(position_um: int, range_um: int) -> int:
    """Return the 12-bit scanner code of a position: 0 at -range/2, 4095 at +range/2. PlanError outside."""
    if 2 * abs(position_um) > range_um:
        message = (
            f"position {position_um} um is outside the scanner's range; allowed: up to {range_um // 2} um to each side"
        )
        raise PlanError(SCANNER_CANNOT, message)
    return div_round((2 * position_um + range_um) * (CODES - 1), 2 * range_um)


def codes(xy: "array[int]", range_um: int) -> "Generator[None, None, array[int]]":
    """Generator that returns the codes of all positions, array 'H' of x, y, ... PlanError when one is outside."""
    found = _unwritten("H", len(xy))
    for index in range(len(xy)):
        found[index] = code(xy[index], range_um)
        if not index % _PIECE:
            yield
    return found


def closest_um(xy: "array[int]", counts: "array[int]") -> "Generator[None, None, int]":
    """Generator that returns the least distance, um, between two spots of a row or of neighbouring rows; 0 for one."""
    least = -1
    first = 0
    for row in range(len(counts)):
        after = first + counts[row]
        until = after + (counts[row + 1] if row + 1 < len(counts) else 0)
        other = after
        for spot in range(first, after):
            if spot + 1 < after:
                least = _less(least, _squared(xy, spot, spot + 1))
            while other + 1 < until and _squared(xy, spot, other + 1) <= _squared(xy, spot, other):
                other += 1
            if other < until:
                least = _less(least, _squared(xy, spot, other))
            if not spot % 8:
                yield
        first = after
        yield
    return isqrt(max(0, least))


def _less(least: int, distance: int) -> int:
    return distance if least < 0 or distance < least else least
