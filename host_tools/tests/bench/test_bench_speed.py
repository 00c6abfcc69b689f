"""Speed of the bench, as ratio of emulated to real time; medians of several runs."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

from tandem_tools.bench import Bench

BUSY = "x = 0\nwhile True: x = (x * 3 + 1) & 0xffff"
RUNS = 5


def ratio(bench: Bench, ms: float) -> float:
    """Median over RUNS runs of how much faster than real time the bench is (below 1: slower)."""
    found = []
    for _ in range(RUNS):
        begun = time.perf_counter()
        bench.run_for(ms=ms)
        found.append(ms / 1000 / (time.perf_counter() - begun))
    return round(statistics.median(found), 3)


def test_one_busy_board_runs_at_a_fifth_of_real_time_or_better(bench: Bench, figure: Callable[..., None]) -> None:
    bench.board().start_raw(BUSY)
    speed = ratio(bench, 50)
    figure("bench speed, one busy board", speed, "x real time", limit=">= 0.2")
    assert speed >= 0.2


def test_two_busy_boards_run_at_a_tenth_of_real_time_or_better(two: Bench, figure: Callable[..., None]) -> None:
    for name in ("a", "b"):
        two.board(name).start_raw(BUSY)
    speed = ratio(two, 50)
    figure("bench speed, two busy boards", speed, "x real time", limit=">= 0.1")
    assert speed >= 0.1


def test_sleeping_firmware_runs_at_five_times_real_time_or_better(bench: Bench, figure: Callable[..., None]) -> None:
    bench.board().start_raw("import time\nwhile True: time.sleep_ms(5)")
    speed = ratio(bench, 500)
    figure("bench speed, firmware that sleeps 5 ms at a time", speed, "x real time", limit=">= 5")
    assert speed >= 5


def test_saving_and_restoring_take_less_than_half_a_second(two: Bench, figure: Callable[..., None]) -> None:
    saves, restores = [], []
    for i in range(RUNS):
        two.board("a").exec_raw(f"open('f{i}', 'w').write('{i}' * 5000)")
        begun = time.perf_counter()
        state = two.save()
        saves.append(time.perf_counter() - begun)
        two.run_for(ms=5)
        begun = time.perf_counter()
        two.restore(state)
        restores.append(time.perf_counter() - begun)
        two.drop(state)
    figure("bench save, two boards", round(statistics.median(saves) * 1000, 1), "ms", limit="< 500")
    figure("bench restore, two boards", round(statistics.median(restores) * 1000, 1), "ms", limit="< 500")
    assert max(saves) < 0.5 and max(restores) < 0.5
