"""Memory on the board: what is free, in how large pieces, and that using recipes takes none of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from stage import Figure, Stage, stage

LEAST_FREE = 75_000
LEAST_PIECE = 24_000
"""Three times the longest array of a burst: 2,000 results of 4 bytes."""
LONGEST_TURN_US = 300_000
USES = 20
STACK_END = 0x20042000
MOST_STACK = 7400
"""The interpreter allows 7,936 bytes of stack."""
PAINT = b"\xa5"

_LARGEST = {
    "co2_energy_uj": 20_000,
    "co2_spot_um": 120,
    "shape": "square",
    "size_um": 9500,
    "density_ppm": 250_000,
    "order": "shuffle",
    "seed": 1,
    "rate_mhz": 200_000,
    "pedal": "stamp",
}
PRELUDE = f"""
from tandem import app, catalog

def largest():
    from tandem.dose import recipe
    return recipe.Recipe((recipe.Co2Pass(**{_LARGEST}),), name="largest")

catalog.RECIPES["largest"] = largest

def largest_piece(breathe):
    import gc
    gc.collect()
    fits, fails = 0, gc.mem_free()
    while fails - fits > 64:
        tried = (fits + fails) // 2
        try:
            bytearray(tried)
            fits = tried
        except MemoryError:
            fails = tried
        breathe()
        gc.collect()
        breathe()
    return fits

def version(controller):
    return [("largest_piece", largest_piece(controller._supervisor.breathe))]

def assemble(sequencer, clean, was=app._assemble):
    supervisor = was(sequencer, clean)
    from tandem.controller import Tandem
    Tandem.version = version
    return supervisor

app._assemble = assemble
"""
"""A recipe of 1,995 spots, the most that one burst takes; and `version` tells the largest piece of free memory."""


@pytest.fixture(scope="module")
def _roomy() -> Iterator[Stage]:
    with stage("", PRELUDE) as found:
        yield found


@pytest.fixture
def roomy(_roomy: Stage) -> Stage:
    """The controller in STANDBY, nothing used yet."""
    return _roomy.again()


def free(found: Stage) -> int:
    return int(found.fields("status")["free_bytes"])


def piece(found: Stage) -> int:
    return int(found.fields("version")["largest_piece"])


def test_memory_is_left_for_bursts_and_replies(roomy: Stage, figure: Figure) -> None:
    figure("free memory in STANDBY, no recipe used yet", free(roomy), "bytes")
    figure("largest piece of it", piece(roomy), "bytes")
    roomy.use("calcinosis-1-combined")
    roomy.arm()
    ready, largest = free(roomy), piece(roomy)
    figure("free memory in READY with the published session", ready, "bytes", f">= {LEAST_FREE}")
    figure("largest piece of it in READY", largest, "bytes", f">= {LEAST_PIECE}")
    assert ready >= LEAST_FREE
    assert largest >= LEAST_PIECE


def test_using_recipes_again_and_again_takes_no_memory(roomy: Stage, figure: Figure) -> None:
    left: list[int] = []
    pieces: list[int] = []
    for use in range(USES):
        roomy.use(("calcinosis-1", "calcinosis-1-combined")[use % 2])
        left.append(free(roomy))
        pieces.append(piece(roomy))
    lost = left[1] - left[-1]
    figure(f"memory lost from the 2nd to the {USES}th use of a recipe", lost, "bytes", "<= 2 % of what is free")
    figure(f"largest piece after the {USES}th use of a recipe", pieces[-1], "bytes", f">= {LEAST_PIECE}")
    worst_us = int(roomy.fields("status")["worst_turn_us"])
    figure("longest without a sign of life while recipes are used", worst_us // 1000, "ms", "<= 300")
    assert abs(lost) <= left[1] // 50
    assert pieces[-1] >= LEAST_PIECE
    assert worst_us <= LONGEST_TURN_US


def test_the_recipe_with_the_most_spots_can_be_used_and_changed_for_itself(roomy: Stage, figure: Figure) -> None:
    for _ in range(3):
        roomy.use("largest")
        roomy.arm()
        figure("free memory in READY with 1,995 spots", free(roomy), "bytes")
        roomy.bench.part("buttons").press(["STANDBY", 100])
        roomy.told("state STANDBY")


@pytest.mark.parametrize("command", ["recipe show calcinosis-1", "recipe use calcinosis-1", "shots", "plan", "status"])
def test_the_stack_is_deep_enough(roomy: Stage, command: str, figure: Figure) -> None:
    roomy.use("calcinosis-1-combined")
    lowest = STACK_END - 0x2000
    roomy.board.write_memory(lowest, PAINT * 0x1000)
    roomy.ok(command, timeout_ms=20_000)
    painted = roomy.board.memory(lowest, 0x2000)
    used = len(painted.lstrip(PAINT))
    figure(f"stack used by {command}", used, "bytes", f"<= {MOST_STACK}")
    assert used <= MOST_STACK
