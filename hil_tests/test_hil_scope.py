"""The technician's pulses: exactly as many as asked for, 10 us wide, 5 a second, and only where nothing can answer."""

from __future__ import annotations

import pytest
from figures import TWO_STAMPS, Record, intervals
from tandem_tools.nightly.recording import Measured
from tandem_tools.rig.controller import SERVICE_PIN
from tandem_tools.rig.errors import Refused
from tandem_tools.rig.stand import Stand

WIDTH = 1250
COUNT = 10


@pytest.mark.proves("R-SRV-2")
@pytest.mark.parametrize(("output", "ready"), [("PS_FIRE", "PS_READY"), ("CO2_GATE", "CO2_READY")])
def test_scope_makes_its_pulses(stand: Stand, record: Record, measured: Measured, output: str, ready: str) -> None:
    stand.controller.ok(f"service {SERVICE_PIN}")
    stand.controller.wait_for_state("SERVICE", deadline_s=60)
    with pytest.raises(Refused):
        stand.controller.ok(f"scope {output} {COUNT}")
    stand.rig.set(**{ready: 0})
    stand.rig.pass_ms(200)
    with record({output: 40, f"{output}_DRV": 40, "SYNC_OUT": 40}) as found:
        stand.controller.ok(f"scope {output} {COUNT}")
        stand.rig.wait_for_edges(output, 2 * COUNT, deadline_s=180)
    pulses = found[output]
    widths = intervals(stand.ratio, pulses.rises, pulses.falls)
    measured(
        f"width of scope's pulses on {output}, by the rig",
        widths.mean,
        "cycles",
        low=WIDTH - 1,
        high=WIDTH + 1,
        uncertainty=widths.uncertainty,
        samples=widths.values,
    )
    assert len(pulses.rises) == COUNT
    assert max(map(abs, widths.errors(WIDTH))) <= TWO_STAMPS
    stand.controller.ok("standby")
