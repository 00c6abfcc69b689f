"""Pairs: the CO2 pulse comes the planned time after the ps trigger, from 6.4 us to 1 s, with no jitter."""

from __future__ import annotations

import pytest
from figures import GATE, TWO_STAMPS, Record, answer, intervals, mean_error
from tandem_tools.nightly.recording import Measured
from tandem_tools.rig.stand import Stand

# recipe, delay in cycles, pairs, what it is called, how far the mean may be off: more where there are few pairs
PAIRS = [
    pytest.param("hil-pairs-6us", 800, 42, "6.4 us, unverified", 0.5, marks=pytest.mark.proves("R-TIM-2")),
    pytest.param("hil-pairs-60us", 7500, 42, "60 us, verified", 0.5, marks=pytest.mark.proves("R-TIM-2", "R-ENE-5")),
    pytest.param("hil-pairs-10ms", 1_250_000, 21, "10 ms, unverified", 0.6, marks=pytest.mark.proves("R-TIM-2")),
    pytest.param("hil-pairs-1s", 125_000_000, 5, "1 s, unverified", 2.5, marks=pytest.mark.proves("R-TIM-2")),
]
FIRE_WIDTH = 1250


@pytest.mark.slow
@pytest.mark.parametrize(("recipe", "delay", "count", "what", "off"), PAIRS)
def test_a_pair_keeps_its_delay(
    stand: Stand, record: Record, measured: Measured, recipe: str, delay: int, count: int, what: str, off: float
) -> None:
    stand.controller.use(recipe)
    stand.arm()
    answer(stand, ps=count, co2=count)
    with record(dict.fromkeys(("PS_FIRE", "CO2_GATE", "PS_FIRE_DRV", "CO2_GATE_DRV"), 2 * count + 20)) as found:
        remark = stand.fire()
    assert "state READY" in remark, remark
    fires, gates = found["PS_FIRE"].rises, found["CO2_GATE"].rises
    assert (len(fires), len(gates)) == (count, count)
    delays = intervals(stand.ratio, fires, gates)
    true = found.true_spans("PS_FIRE", "CO2_GATE")
    measured(
        f"pair delay {what}, mean error",
        delays.mean - delay,
        "cycles",
        low=-off,
        high=off,
        uncertainty=delays.uncertainty,
        truth=mean_error(true, delay),
        samples=delays.errors(delay),
    )
    spread = 2 * TWO_STAMPS
    measured(
        f"pair delay {what}, spread", delays.most - delays.least, "cycles", low=0, high=spread, uncertainty=TWO_STAMPS
    )
    widths = intervals(stand.ratio, fires, found["PS_FIRE"].falls)
    assert max(map(abs, widths.errors(FIRE_WIDTH))) <= TWO_STAMPS
    gate_widths = intervals(stand.ratio, gates, found["CO2_GATE"].falls)
    assert max(map(abs, gate_widths.errors(GATE))) <= TWO_STAMPS + 0.1
