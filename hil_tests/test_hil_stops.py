"""The chain opens in the middle of a gate: every trigger low within cycles, drivers off, no shot after, fault named."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from figures import DIGITS, SHORT_TRAIN, TRIGGERS, Record, answer
from tandem_tools.nightly.recording import Measured
from tandem_tools.rig.stand import Stand
from tandem_tools.rig.truth import Truth

GUARD_CYCLES = 8
DRIVER_CYCLES = 40
"""Isolated drivers take 25 ns on the bench; real ones up to 300 ns."""
INTO_THE_GATE_US = 100
RISES_BEFORE = 5
CONTACTS = {"ESTOP_CLOSED": "13 STOP_PRESSED", "DOOR_CLOSED": "12 DOOR_OPENED"}


def low_after(falls: Sequence[float], cycle: float) -> float:
    """Return how long after a cycle a channel was low for good: at once, or at its last fall."""
    return max((fall - cycle for fall in falls if fall > cycle), default=0)


def true_latency(truth: Truth, names: Sequence[str]) -> float:
    """Return how long after SAFE's last fall the last of some channels was low, in the controller's cycles."""
    opened = truth.controller_cycles("SAFE", 0)[-1]
    return round(max(low_after(truth.controller_cycles(name, 0), opened) for name in names), DIGITS)


@pytest.mark.proves("R-STP-2", "R-STP-6", "R-STP-7")
@pytest.mark.parametrize("contact", CONTACTS)
def test_an_opened_contact_ends_the_gate(stand: Stand, record: Record, measured: Measured, contact: str) -> None:
    stand.controller.use("hil-short")
    latencies, drivers, after = [], [], []
    true_latencies: list[float] = []
    true_drivers: list[float] = []
    for attempt in range(3):
        stand.arm()
        answer(stand, co2=SHORT_TRAIN)
        stand.rig.load_script([(0, contact, 0)])
        channels = ("SAFE", "CO2_GATE", "CO2_GATE_DRV", "SYNC_OUT", "PS_FIRE", "PS_QSW")
        with record(dict.fromkeys(channels, 2 * SHORT_TRAIN + 20)) as found:
            stand.rig.run_script_when("CO2_GATE", 2 * RISES_BEFORE - 1, INTO_THE_GATE_US)
            remark = stand.fire()
            stand.rig.pass_ms(200)
        assert f"fault {CONTACTS[contact]}" in remark, remark
        opened = next(fall for fall in found["SAFE"].falls if fall > found["CO2_GATE"].rises[0])
        assert found["CO2_GATE"].rises[-1] < opened < found["CO2_GATE"].falls[-1] + GUARD_CYCLES, "not in a gate"
        latencies.append(max(low_after(found[name].falls, opened) for name in TRIGGERS))
        drivers.append(low_after(found["CO2_GATE_DRV"].falls, opened))
        if found.truth is not None:
            true_latencies.append(true_latency(found.truth, TRIGGERS))
            true_drivers.append(true_latency(found.truth, ("CO2_GATE_DRV",)))
        after.append(sum(rise > opened for name in TRIGGERS for rise in found[name].rises))
        assert len(found["CO2_GATE"].rises) == RISES_BEFORE, attempt
        stand.to_standby()
    name = contact.lower().replace("_", " ")
    measured(
        f"guard: SAFE low to triggers low, {name}",
        max(latencies),
        "cycles",
        low=3,
        high=GUARD_CYCLES + 1,
        uncertainty=2,
        truth=max(true_latencies, default=None),
        samples=latencies,
    )
    measured(
        f"SAFE low to CO2 driver low, {name}",
        max(drivers),
        "cycles",
        low=0,
        high=DRIVER_CYCLES,
        uncertainty=2,
        truth=max(true_drivers, default=None),
        samples=drivers,
    )
    measured(f"rises after SAFE low, {name}", sum(after), "edges", low=0, high=0)


@pytest.mark.proves("R-STP-8")
def test_the_key_leads_to_standby(stand: Stand, record: Record) -> None:
    stand.controller.use("hil-short")
    stand.arm()
    answer(stand, co2=SHORT_TRAIN)
    stand.rig.load_script([(0, "KEY_ON", 0)])
    with record({"SAFE": 50, "CO2_GATE": 2 * SHORT_TRAIN + 20}) as found:
        stand.rig.run_script_when("CO2_GATE", 2 * RISES_BEFORE - 1, INTO_THE_GATE_US)
        remark = stand.fire()
        stand.rig.pass_ms(200)
    assert "state STANDBY" in remark, remark
    assert len(found["CO2_GATE"].rises) == RISES_BEFORE


@pytest.mark.proves("R-OPT-6")
def test_a_scanner_that_is_not_in_position_gets_no_shot(stand: Stand, record: Record) -> None:
    stand.controller.use("hil-short")
    stand.arm()
    answer(stand, co2=SHORT_TRAIN)
    stand.rig.load_script([(0, "SCAN_OK", 0)])
    with record({"CO2_GATE": 2 * SHORT_TRAIN + 20}) as found:
        stand.rig.run_script_when("CO2_GATE", 2 * RISES_BEFORE - 1, INTO_THE_GATE_US)
        remark = stand.fire()
        stand.rig.pass_ms(200)
    assert any(f"fault {name}" in remark for name in ("42 SCANNER_NOT_IN_POSITION", "41 SLOT_MISSED")), remark
    assert len(found["CO2_GATE"].rises) == RISES_BEFORE
