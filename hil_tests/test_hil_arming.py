"""Arming: SAFE is proven, both emission lamps burn for two seconds and more, and whatever opens meanwhile is named."""

from __future__ import annotations

from itertools import pairwise

import pytest
from figures import CLOCK_HZ, Record
from tandem_tools.nightly.recording import Measured
from tandem_tools.rig.stand import Stand

LAMPS = ("LAMP_EMISSION_1", "LAMP_EMISSION_2")
ARMING_S = 2.0


@pytest.mark.proves("R-STA-6", "R-STP-10", "R-IND-1")
def test_arming_proves_safe_and_takes_two_seconds(stand: Stand, record: Record, measured: Measured) -> None:
    stand.controller.use("hil-short")
    stand.controller.forget_remarks()
    lit = []
    with record({"SAFE": 20, "HEARTBEAT": 4000}) as found:
        stand.rig.button("ARM")
        assert "state ARMING" in stand.next_state()
        while not any("state READY" in remark for remark in stand.controller.heard()):
            levels = stand.rig.levels()
            lit.append(tuple(levels[lamp] for lamp in LAMPS))
    safe = found["SAFE"]
    opened, closed = safe.falls[0], safe.rises[-1]
    beats = [edge.cycle for edge in found["HEARTBEAT"].edges]
    gap = max(after - before for before, after in pairwise(beats))
    measured("HEARTBEAT withheld at arming", gap / CLOCK_HZ * 1000, "ms", low=450, high=800, uncertainty=0.01)
    measured("SAFE open at arming", (closed - opened) / CLOCK_HZ * 1000, "ms", low=1, high=1000, uncertainty=0.01)
    assert len(lit) >= 3
    assert set(lit[1:-1]) == {(1, 1)}, lit


@pytest.mark.proves("R-STA-6")
def test_ready_comes_no_sooner_than_two_seconds_after_the_button(stand: Stand, record: Record) -> None:
    stand.controller.use("hil-short")
    with record({"SAFE": 20, "PS_INT_RESET": 100}):
        uptime = stand.rig.uptime_ms()
        stand.arm()
        assert stand.rig.uptime_ms() - uptime >= ARMING_S * 1000


CAUSES = [
    pytest.param({"DOOR_CLOSED": 0}, "fault 12 DOOR_OPENED", "R-STP-7", id="door"),
    pytest.param({"ESTOP_CLOSED": 0}, "fault 13 STOP_PRESSED", "R-STP-6", id="stop"),
    pytest.param({"KEY_ON": 0}, "state STANDBY", "R-STP-8", id="key"),
    pytest.param({"PS_FAULT": 0}, "fault 31 PS_FAULT_LINE", "R-OPT-8", id="ps fault line"),
    pytest.param({"CO2_FAULT": 0}, "fault 32 CO2_FAULT_LINE", "R-OPT-8", id="co2 fault line"),
    pytest.param({"PS_SHUTTER_CLOSED": 0}, "fault 37 PS_SHUTTER_NOT_CLOSED", "R-OPT-2", id="ps shutter"),
    pytest.param({"CO2_SHUTTER_CLOSED": 0}, "fault 38 CO2_SHUTTER_NOT_CLOSED", "R-OPT-2", id="co2 shutter"),
    pytest.param({"AIM_MONITOR": 0}, "fault 39 AIM_NOT_SEEN", "R-OPT-5", id="aiming beam"),
]


@pytest.mark.proves("R-STP-6", "R-STP-7", "R-STP-8", "R-OPT-2", "R-OPT-5", "R-OPT-8", "R-STP-14")
@pytest.mark.parametrize(("levels", "says", "requirement"), CAUSES)
def test_what_goes_wrong_in_ready_is_named(stand: Stand, levels: dict[str, int], says: str, requirement: str) -> None:
    stand.controller.use("hil-pairs-60us")
    stand.arm()
    stand.controller.forget_remarks()
    stand.rig.set(**levels)
    assert says in stand.next_state(), requirement


@pytest.mark.proves("R-STP-9")
def test_a_handpiece_that_goes_is_a_fault_in_ready(stand: Stand) -> None:
    stand.controller.use("hil-short")
    stand.arm()
    stand.controller.forget_remarks()
    stand.rig.handpiece(0)
    assert "fault 14 HANDPIECE_LOST" in stand.next_state()


@pytest.mark.proves("R-STA-7", "R-IND-8")
def test_the_standby_button_leads_to_standby(stand: Stand) -> None:
    stand.controller.use("hil-short")
    stand.arm()
    stand.controller.forget_remarks()
    began = stand.rig.uptime_ms()
    stand.rig.button("STANDBY")
    assert "state STANDBY" in stand.next_state()
    assert stand.rig.uptime_ms() - began < 2000
