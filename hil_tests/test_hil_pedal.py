"""Only the pedal fires, and leaving "pressed" on either contact stops, whatever the contacts do meanwhile."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from figures import SHORT_TRAIN, TRIGGERS, Record, answer
from tandem_tools.rig.errors import Refused
from tandem_tools.rig.stand import Stand

RISES_BEFORE = 5
SINCE_THE_GATE_US = 1500
"""The next slot is 3.5 ms away then; a release more than 1.015 ms ahead of a slot withholds its shot."""

CLEAN = ((0, "FOOT_NO", 0), (2000, "FOOT_NC", 1))
BOUNCING = (
    *((0, "FOOT_NO", 0), (300, "FOOT_NO", 1), (700, "FOOT_NO", 0), (1100, "FOOT_NO", 1), (1900, "FOOT_NO", 0)),
    *((3000, "FOOT_NC", 1), (3300, "FOOT_NC", 0), (4000, "FOOT_NC", 1)),
)
SECOND_CONTACT = ((0, "FOOT_NC", 1), (400, "FOOT_NO", 0))
RELEASES = [
    pytest.param(CLEAN, id="clean"),
    pytest.param(BOUNCING, id="bouncing"),
    pytest.param(SECOND_CONTACT, id="closing contact first"),
]


@pytest.mark.proves("R-PED-6", "R-PED-7", "R-STA-14")
@pytest.mark.parametrize("script", RELEASES)
def test_a_release_stops_before_the_next_shot(
    stand: Stand, record: Record, script: Sequence[tuple[int, str, int]]
) -> None:
    stand.controller.use("hil-short")
    stand.arm()
    answer(stand, co2=SHORT_TRAIN)
    stand.rig.load_script(script)
    with record({"CO2_GATE": 2 * SHORT_TRAIN + 4}) as found:
        stand.rig.run_script_when("CO2_GATE", 2 * RISES_BEFORE - 1, SINCE_THE_GATE_US)
        remark = stand.fire()
        stand.rig.pass_ms(200)
    assert "state READY" in remark, remark
    assert len(found["CO2_GATE"].rises) == RISES_BEFORE


@pytest.mark.proves("R-PED-3", "R-PED-5")
@pytest.mark.parametrize(
    ("levels", "fault"),
    [({"FOOT_NO": 1, "FOOT_NC": 1}, "21 PEDAL_CONTACTS"), ({"FOOT_NO": 0, "FOOT_NC": 0}, "22 PEDAL_GONE")],
)
def test_contacts_that_contradict_each_other_are_a_fault(stand: Stand, levels: dict[str, int], fault: str) -> None:
    stand.controller.use("hil-short")
    stand.arm()
    stand.controller.forget_remarks()
    stand.rig.set(**levels)
    assert f"fault {fault}" in stand.next_state()


@pytest.mark.proves("R-STA-4", "R-PED-2", "R-PED-10")
def test_the_pedal_fires_nothing_in_standby_and_keeps_from_arming(stand: Stand, record: Record) -> None:
    stand.controller.use("hil-short")
    with record(dict.fromkeys((*TRIGGERS, "CO2_GATE_DRV", "PS_FIRE_DRV"), 10)) as found:
        stand.rig.press()
        stand.rig.pass_ms(500)
        with pytest.raises(Refused, match="pedal"):
            stand.controller.ok("arm")
        stand.rig.release()
    assert [name for name, channel in found.items() if channel.edges] == []


@pytest.mark.proves("R-PED-1")
def test_a_pedal_pressed_while_it_arms_fires_nothing(stand: Stand, record: Record) -> None:
    stand.controller.use("hil-short")
    stand.controller.forget_remarks()
    with record(dict.fromkeys((*TRIGGERS, "CO2_GATE_DRV"), 10)) as found:
        stand.rig.button("ARM")
        assert "state ARMING" in stand.next_state()
        stand.rig.press()
        stand.rig.pass_ms(4000)
        stand.rig.release()
    assert [name for name, channel in found.items() if channel.rises] == []


@pytest.mark.proves("R-PED-8")
def test_a_pedal_that_stays_down_fires_one_pattern(stand: Stand, record: Record) -> None:
    stand.controller.use("hil-short")
    stand.arm()
    answer(stand, co2=2 * SHORT_TRAIN)
    stand.controller.forget_remarks()
    with record({"CO2_GATE": 4 * SHORT_TRAIN}) as found:
        stand.rig.press()
        stand.controller.wait_for("state READY", 180)
        stand.rig.pass_ms(1000)
        stand.rig.release()
    assert len(found["CO2_GATE"].rises) == SHORT_TRAIN
