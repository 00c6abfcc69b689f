"""The chain of times, with flash at its worst: longest turn, the supervisor part's time, the watchdog's."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import pytest
from stage import Figure, Stage, stage

RECIPE = "calcinosis-1-combined"
PART_OPENS_MS = 450
"""500 ms less the part's tolerance of 10 %."""
WATCHDOG_MS = 1000
FLASH_WATCHDOG_MS = 8000


@pytest.fixture(scope="module")
def _worst() -> Iterator[Stage]:
    with stage(RECIPE, flash_times="worst") as found:
        yield found


@pytest.fixture
def worst(_worst: Stage) -> Stage:
    """The published session in READY, with every flash operation taking its longest time."""
    return _worst.again()


@pytest.mark.proves("R-SUP-2", "R-SUP-3", "R-SUP-6")
def test_where_safe_has_to_stay_closed_no_turn_is_longer_than_the_supervisor_parts_time(
    worst: Stage, figure: Figure
) -> None:
    operations = worst.board.status["flash_operations"]
    worst.press()
    worst.told("state READY", timeout_ms=4000)
    worst.bench.run_for(ms=2000)
    assert worst.board.status["flash_operations"] == operations, "flash is not written while armed"
    beats = [edge.time_ps for edge in worst.edges("HEARTBEAT")]
    longest_ms = max(b - a for a, b in pairwise(beats)) / 1e9
    figure("longest HEARTBEAT interval while armed, flash at worst", round(longest_ms, 1), "ms", f"< {PART_OPENS_MS}")
    assert longest_ms < PART_OPENS_MS < WATCHDOG_MS
    assert worst.edges("SAFE") == []
    shown = worst.fields("status")
    figure("longest turn around a burst", int(shown["worst_firing_us"]) / 1000, "ms", f"< {PART_OPENS_MS}")
    assert len(worst.rises("CO2_GATE")) == 11


@pytest.mark.proves("R-SUP-2", "R-SUP-6")
def test_flash_at_its_worst_is_written_in_standby_and_the_board_lives_on(worst: Stage, figure: Figure) -> None:
    worst.press()
    worst.told("state READY", timeout_ms=4000)
    worst.release()
    worst.ok("standby")
    worst.told("state STANDBY")
    operations = worst.board.status["flash_operations"]
    worst.bench.run_for(ms=6000)
    assert worst.board.status["flash_operations"] > operations
    shown = worst.fields("status")
    assert shown["state"] == "STANDBY" and shown["safe_closed"] == "1"
    longest_ms = int(shown["worst_flash_us"]) / 1000
    figure("longest turn with a flash operation, flash at worst", longest_ms, "ms", f"< {FLASH_WATCHDOG_MS}, watchdog")
    assert longest_ms < FLASH_WATCHDOG_MS
    settled = worst.board.status["flash_operations"]
    worst.bench.run_for(ms=5000)
    assert worst.board.status["flash_operations"] == settled, "what flash brings about is not written at once again"
    assert "waiting_bytes=0" in worst.ok("journal status")[-1] or "memory=fram" in worst.ok("journal status")[-1]
    worst.arm()
    assert worst.state == "READY"
