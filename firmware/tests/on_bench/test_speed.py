"""How fast the bench runs the whole firmware, against the engine's processor time: medians of several runs.

Processor time, because other tests run beside this one; what waits for a free core does not count.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path

from stage import Figure, Stage

RUNS = 5
TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")


def processor_seconds(stage: Stage) -> float:
    """Return the processor time that the bench's engine has taken so far."""
    fields = Path(f"/proc/{stage.bench.engine_pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_A_SECOND


def speed(stage: Stage, run: Callable[[], None], ms: float) -> float:
    """Return how many times real time the bench went, median of several runs."""
    ratios = []
    for _ in range(RUNS):
        began = processor_seconds(stage)
        run()
        ratios.append(ms / 1000 / (processor_seconds(stage) - began))
    return statistics.median(ratios)


def test_waiting_in_ready_runs_at_five_times_real_time_or_better(session: Stage, figure: Figure) -> None:
    found = speed(session, lambda: session.bench.run_for(ms=5000), 5000)
    figure("bench speed, Tandem waiting in READY", round(found, 1), "x real time", ">= 5")
    assert session.state == "READY"
    assert found >= 5


def test_firing_runs_at_a_fifth_of_real_time_or_better(session: Stage, figure: Figure) -> None:
    session.press()
    session.run_to_shot("CO2_GATE", 1)
    session.save("scan")

    def scan() -> None:
        for _ in range(10):
            session.again("scan").bench.run_for(ms=40)

    found = speed(session, scan, 400)
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
