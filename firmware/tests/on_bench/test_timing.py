"""When shots come: pairs to the cycle, trains without error, the longest gate, and how long a decision takes."""

from __future__ import annotations

import math
from random import Random

import pytest
from burst import prepare
from stage import CLOCK_HZ, Figure, Stage

CYCLE_PS = 10**12 // CLOCK_HZ
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
