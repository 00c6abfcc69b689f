"""How fast the bench runs the whole firmware: wall-clock, so medians of several runs."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

from stage import Figure, Stage

RUNS = 5


def speed(run: Callable[[], None], ms: float) -> float:
    """Return how many times real time the bench went, median of several runs."""
    ratios = []
    for _ in range(RUNS):
        began = time.perf_counter()
        run()
        ratios.append(ms / 1000 / (time.perf_counter() - began))
    return statistics.median(ratios)


def test_waiting_in_ready_runs_at_five_times_real_time_or_better(session: Stage, figure: Figure) -> None:
    found = speed(lambda: session.bench.run_for(ms=2000), 2000)
    figure("bench speed, Tandem waiting in READY", round(found, 1), "x real time", ">= 5")
    assert session.state == "READY"
    assert found >= 5


def test_firing_runs_at_a_fifth_of_real_time_or_better(session: Stage, figure: Figure) -> None:
    session.press()
    session.run_to_shot("CO2_GATE", 1)
    session.save("scan")

    def scan() -> None:
        session.again("scan").bench.run_for(ms=40)

    found = speed(scan, 40)
    figure("bench speed, CO2 scan at 200 Hz", round(found, 2), "x real time", ">= 0.2")
    assert found >= 0.2


def test_the_whole_stand_is_saved_and_restored_in_half_a_second(session: Stage, figure: Figure) -> None:
    session.press()
    session.run_to_shot("CO2_GATE", 3)
    took: dict[str, list[float]] = {"save": [], "restore": []}
    for _ in range(RUNS):
        began = time.perf_counter()
        saved = session.bench.save()
        took["save"].append(time.perf_counter() - began)
        began = time.perf_counter()
        session.bench.restore(saved)
        took["restore"].append(time.perf_counter() - began)
        session.bench.drop(saved)
    for what, seconds in took.items():
        median = statistics.median(seconds)
        figure(f"bench {what}, whole stand in FIRING", round(median * 1000, 1), "ms", "< 500")
        assert median < 0.5
