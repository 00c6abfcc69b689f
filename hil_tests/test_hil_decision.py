"""From settled energy to the permit: the shortest verified pair that the controller can keep, found from outside."""

from __future__ import annotations

import pytest
from figures import CYCLES_A_US, Record, intervals, mean_error
from tandem_tools.flash.link import Link
from tandem_tools.nightly.recording import Measured
from tandem_tools.rig.program import ON_BOARD
from tandem_tools.rig.stand import Stand

SETTLE_CYCLES = 2650
PAIRS = 10
TOO_SHORT, LONG_ENOUGH = 3000, 7000
MOST_US = 15.0
FIRE_US = 0.3
"""The permit is looked for so long before the gate opens, at most."""


@pytest.mark.proves("R-TIM-3", "R-ENE-5")
def test_the_shortest_verified_pair_shows_how_long_a_decision_takes(
    stand: Stand, record: Record, measured: Measured
) -> None:
    stand.leave_controller()
    with Link(stand.controller_port()) as link:
        link.run((ON_BOARD / "decide.py").read_text())
        shortest, longest = TOO_SHORT, LONG_ENOUGH
        kept = None
        while longest - shortest > 1:
            delay = (shortest + longest) // 2
            with record({"PS_FIRE": 4 * PAIRS, "CO2_GATE": 4 * PAIRS}) as found:
                link.run(f"fire({delay})")
            if len(found["CO2_GATE"].rises) == PAIRS:
                longest, kept = delay, found
            else:
                shortest = delay
    stand.reset_controller()
    assert kept is not None, "no verified pair was kept"
    delays = intervals(stand.ratio, kept["PS_FIRE"].rises, kept["CO2_GATE"].rises)
    true = mean_error(kept.true_spans("PS_FIRE", "CO2_GATE"), SETTLE_CYCLES)
    measured(
        "energy settled to permit, from the shortest verified pair that is kept",
        (delays.mean - SETTLE_CYCLES) / CYCLES_A_US,
        "us",
        low=5.0,
        high=MOST_US + FIRE_US,
        uncertainty=delays.uncertainty / CYCLES_A_US,
        truth=None if true is None else true / CYCLES_A_US,
    )
