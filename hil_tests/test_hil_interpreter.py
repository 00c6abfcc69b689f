"""Ctrl-C in a burst cuts no gate, fires no more than the shot that had its permit, and needs a hard reset after it."""

from __future__ import annotations

import pytest
from figures import GATE, SHORT_TRAIN, TWO_STAMPS, Record, answer
from tandem_tools.rig.stand import Stand

RISES_BEFORE = 20


@pytest.mark.proves("R-PER-6", "R-STA-12")
def test_ctrl_c_in_a_burst(stand: Stand, record: Record) -> None:
    stand.controller.use("hil-short")
    stand.arm()
    answer(stand, co2=SHORT_TRAIN)
    with record(dict.fromkeys(("CO2_GATE", "SYNC_OUT", "CO2_GATE_DRV"), 2 * SHORT_TRAIN + 4)) as found:
        stand.rig.press()
        stand.rig.wait_for_edges("CO2_GATE", 2 * RISES_BEFORE, deadline_s=180)
        stand.controller.type(b"\x03")
        stand.rig.pass_ms(1000)
        stand.rig.release()
    gates = found["CO2_GATE"]
    assert RISES_BEFORE <= len(gates.rises) < SHORT_TRAIN
    assert max(abs(width - GATE) for width in gates.widths) <= TWO_STAMPS + 2 + GATE * 100e-6
    assert len(found["CO2_GATE_DRV"].rises) == len(gates.rises)
    stand.leave_controller()
    stand.reset_controller()
