"""Before anything else: both boards answer, run these sources, and their crystals are compared."""

from __future__ import annotations

import pytest
from tandem_tools.nightly.recording import Measured
from tandem_tools.rig.clock import MOST_PPM
from tandem_tools.rig.stand import Stand


@pytest.mark.proves("R-STA-1")
def test_the_stand_is_up(stand: Stand, measured: Measured) -> None:
    true_ppm = None
    if stand.bench is not None:
        wiring = stand.wiring
        true_ppm = ((1 + wiring.controller_ppm * 1e-6) / (1 + wiring.rig_ppm * 1e-6) - 1) * 1e6
    unsure = stand.ratio.uncertainty_ppm
    measured("crystals apart", stand.ratio.ppm, "ppm", low=-MOST_PPM, high=MOST_PPM, uncertainty=unsure, truth=true_ppm)
    if true_ppm is not None:
        assert abs(stand.ratio.ppm - true_ppm) <= unsure
    assert stand.controller.state == "STANDBY"


def test_the_inputs_are_a_quiet_room(stand: Stand) -> None:
    levels = stand.rig.levels()
    assert {levels[name] for name in ("ESTOP_CLOSED", "DOOR_CLOSED", "KEY_ON", "FOOT_NC", "PS_READY", "CO2_READY")} == {
        1
    }
    seen = stand.controller.fields("status", 60)
    for name in ("stop_closed", "door_closed", "key_on", "pedal_released"):
        assert seen[name] == "1", seen
