"""When shots come: pairs to the cycle, trains without error, the longest gate, and how long a decision takes."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise
from random import Random

import pytest
from burst import prepare
from stage import CLOCK_HZ, SHOTS, Figure, Stage, stage
from tandem.dose import handpiece, laser, plan
from tandem.dose.board import Board
from tandem_tools.bench.stand import CALIBRATION
from train import NOISE, PRELUDE, train_recipe
from train import SHOTS as TRAIN_SHOTS
from train import SPOTS as TRAIN_SPOTS

CYCLE_PS = 10**12 // CLOCK_HZ
PERIOD = CLOCK_HZ // 200
PAIR = {
    "kind": "pair",
    "verified": False,
    "count": 1,
    "period_cycles": 150_000,
    "ps_first_cycles": 1250,
    "gate_cycles": 1250,
    "pair_delay_cycles": 1000,
}
SHORTEST_PAIR, LONGEST_PAIR = CLOCK_HZ // 1_000_000, CLOCK_HZ

# The converter's ring costs the bench most of the time of a long delay, and makes no edge. So it runs on through every
# delay up to 10 ms, and through one in ten of the longer ones.
_PAIRS = """
def pairs(delays):
    for i, d in enumerate(delays):
        take(pair_delay_cycles=d, period_cycles=d + 150000)
        s.start()
        if d > 1250000 and i % 10:
            s._stop_sampling()
        print(wait(1 if d < 1250000 else 15))
"""


@pytest.fixture(scope="module")
def _train() -> Iterator[Stage]:
    with stage("train", PRELUDE) as found:
        yield found


@pytest.fixture
def train(_train: Stage) -> Stage:
    """A train of 2,000 CO2 shots at 200 Hz in READY, the console flooded."""
    found = _train.again()
    found.board.write(NOISE)
    found.bench.run_for(ms=60)
    return found


def fire_pairs(bare: Stage, delays: list[int], start: str = "PS_FIRE") -> list[int]:
    """Fire a pair with each delay; return what each was off, in cycles."""
    off = []
    for first in range(0, len(delays), 50):
        some = delays[first : first + 50]
        since = bare.cycle
        told = bare.board.exec_raw(f"pairs({some})", timeout_ms=300_000)
        assert told.split() == ["2"] * len(some)
        rises, gates = bare.rises(start, since), bare.rises("CO2_GATE", since)
        assert (len(rises), len(gates)) == (len(some), len(some))
        off += [gate - rise - asked for rise, gate, asked in zip(rises, gates, some, strict=True)]
        bare.bench.clear_edges()
    return off


@pytest.mark.slow
def test_a_pair_from_the_trigger_keeps_its_delay_to_the_cycle(bare: Stage, figure: Figure) -> None:
    prepare(bare, _PAIRS, **PAIR)
    rng = Random(1)
    span = math.log(LONGEST_PAIR / SHORTEST_PAIR)
    delays = [round(SHORTEST_PAIR * math.exp(span * rng.random())) for _ in range(1000)]
    off = fire_pairs(bare, [SHORTEST_PAIR, LONGEST_PAIR, 10 * CLOCK_HZ, *delays])
    figure("pairs measured, delays of 1 us to 1 s, and of 10 s", len(off), "pairs")
    figure("pair delay from the ps trigger, largest error", max(map(abs, off)), "cycles", "0")
    figure("pair delay from the ps trigger, jitter", max(off) - min(off), "cycles", "0")
    assert set(off) == {0}


def test_a_pair_from_the_sync_comes_a_fixed_latency_and_up_to_a_cycle_after_it(bare: Stage, figure: Figure) -> None:
    prepare(bare, _PAIRS, **PAIR | {"pair_from_sync": True})
    rng = Random(2)
    asked = [rng.randrange(SHORTEST_PAIR, 12_500) for _ in range(100)]
    bare.board.exec_raw(f"pairs({asked})")
    syncs = [edge.time_ps for edge in bare.edges("PS_SYNC") if edge.level]
    gates = [edge.time_ps for edge in bare.edges("CO2_GATE") if edge.level]
    late_ps = [gate - sync - delay * CYCLE_PS for sync, gate, delay in zip(syncs, gates, asked, strict=True)]
    assert len({late % CYCLE_PS for late in late_ps}) > 90, "the laser's sync is not asynchronous to the clock"
    figure("pair delay from the sync, earliest over the asked one", round(min(late_ps) / CYCLE_PS, 3), "cycles", "0")
    figure("pair delay from the sync, latest over the asked one", round(max(late_ps) / CYCLE_PS, 3), "cycles", "1")
    assert min(late_ps) >= 0
    assert max(late_ps) < CYCLE_PS


@pytest.mark.slow
def test_a_train_of_2000_shots_keeps_its_period_and_its_places_while_the_console_is_flooded(
    train: Stage, figure: Figure
) -> None:
    train.bench.record(SHOTS)
    pressed = train.press()
    train.told("state READY", timeout_ms=12_000)
    train.bench.run_for(ms=20)
    gates = train.rises("CO2_GATE", pressed)
    off = [after - before - PERIOD for before, after in pairwise(gates)]
    figure("200 Hz train with the console flooded, shots missed or extra", len(gates) - TRAIN_SHOTS, "shots", "0")
    figure("200 Hz train with the console flooded, largest period error", max(map(abs, off)), "cycles", "0")
    assert len(gates) == TRAIN_SHOTS
    assert set(off) == {0}
    assert train.rises(("PS_FIRE", "PS_QSW"), pressed) == []
    assert not any(pulse["moved"] for pulse in train.bench.part("co2_laser").probe()["pulses"])
    strays = miss_um(train)
    figure("200 Hz train, landed beside the planned spot at most", round(max(strays), 2), "um", "half a step, 1.47")
    assert max(strays) <= CALIBRATION.scan_range_mm * 1000 / 4096 / 2 * 1.01


def miss_um(train: Stage) -> list[float]:
    """Return how far, in um and by axis, each pulse landed from where the plan compiled on this computer has it."""
    found = plan.compile_plan(
        train_recipe(),
        laser.generic_ps_1064(),
        laser.generic_co2_240w(),
        handpiece.generic_combined(),
        Board(),
    ).passes[0]
    landed = train.bench.part("co2_laser").probe()["pulses"]
    assert (found.count, found.spots) == (TRAIN_SHOTS, TRAIN_SPOTS)
    strays = []
    for shot, pulse in enumerate(landed):
        spot = 2 * found.spot(shot)
        strays.append(abs(pulse["x_mm"] * 1000 - found.positions[spot]))
        strays.append(abs(pulse["y_mm"] * 1000 - found.positions[spot + 1]))
    assert len(strays) == 2 * TRAIN_SHOTS
    return strays
