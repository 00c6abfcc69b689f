"""The standard stand: everything wired, nothing in conflict, pins as in the board's file."""

from __future__ import annotations

from typing import Any

import pytest
from parts_harness import MS, NS, US, Table
from tandem_tools.bench.stand import CALIBRATION, board_constants, controller_stand

BOARD = board_constants()


def power_up(table: Table, **choices: Any) -> Table:
    """Lay out the stand without its board and feed the heartbeat until SAFE is closed."""
    table.build_stand(controller_stand("image.uf2", **choices))
    for i in range(200):
        table.drive_at((210 + i * 5) * MS, "HEARTBEAT", (i + 1) % 2)
    table.run_to(300 * MS)
    assert table.level("SAFE") == 1
    return table


def open_shutters(table: Table) -> None:
    word = BOARD.OUT_PS_SHUTTER | BOARD.OUT_CO2_SHUTTER
    table.exchange("outputs", value=word, bits=16)
    table.drive("OUT_LATCH", 1)
    table.run(50 * MS)


def test_every_pin_of_the_boards_file_that_has_a_signal_is_on_the_net_of_that_name() -> None:
    nets = controller_stand("image.uf2")["nets"]
    for name in ("PS_FIRE", "PS_QSW", "CO2_GATE", "SAFE", "FOOT_NO", "PS_INT_RESET", "SCAN_OK", "DAC_CS", "FRAM_CS"):
        assert f"controller.GP{getattr(BOARD, name)}" in nets[name]
    used = [member for members in nets.values() for member in members]
    assert len(used) == len(set(used)), "a pin or role is on two nets"


def test_without_a_board_every_trigger_is_low_and_every_input_says_not_ready(table: Table) -> None:
    table.build_stand(controller_stand("image.uf2"))
    table.run(1000 * MS)
    low = (
        "PS_FIRE",
        "PS_QSW",
        "CO2_GATE",
        "PS_FIRE_DRV",
        "PS_QSW_DRV",
        "CO2_GATE_DRV",
        "SAFE",
        "PS_READY",
        "CO2_READY",
    )
    assert [name for name in low if table.level(name)] == []
    assert [name for name in ("PS_INT_RESET", "DAC_CS", "FRAM_CS", "IN_LOAD") if not table.level(name)] == []
    assert table.probe("ps_laser")["pulses"] == table.probe("co2_laser")["pulses"] == []
    assert table.ask("conflicts") == []


def test_a_healthy_stand_reads_its_inputs_as_the_boards_file_names_them(table: Table) -> None:
    power_up(table)
    expected = BOARD.IN_ESTOP_CLOSED | BOARD.IN_DOOR_CLOSED | BOARD.IN_KEY_ON | BOARD.IN_PS_FAULT | BOARD.IN_CO2_FAULT
    expected |= BOARD.IN_PS_SHUTTER_CLOSED | BOARD.IN_CO2_SHUTTER_CLOSED | BOARD.IN_PATTERN
    assert table.probe("inputs")["word"] == expected
    table.set("chain", key=0)
    assert table.probe("inputs")["word"] == expected & ~BOARD.IN_KEY_ON
    assert table.level("PS_READY") == table.level("CO2_READY") == table.level("SCAN_OK") == 1
    assert table.ask("conflicts") == []


def test_a_ps_trigger_becomes_light_a_sync_and_a_voltage(table: Table) -> None:
    power_up(table)
    open_shutters(table)
    table.drive("PS_INT_RESET", 0)
    start = table.now
    table.pulse("PS_FIRE", start, 10 * US)
    table.run(30 * US)
    pulse = table.probe("ps_laser")["pulses"][0]
    assert pulse["target"] and pulse["energy_mj"] == 596.9
    assert abs(pulse["ps"] - start - 25 * NS - 1000 * NS) <= 50 * NS
    assert table.edges("PS_SYNC")[0] == (pulse["ps"], 1)
    above = table.volts("integrator.out") - CALIBRATION.ps_offset_v
    assert above / CALIBRATION.v_per_count * CALIBRATION.ps_mj_per_count == pytest.approx(596.9, rel=1e-3)


def test_a_lamp_and_a_q_switch_become_light(table: Table) -> None:
    power_up(table, ps_laser="lamp_qswitch")
    open_shutters(table)
    table.pulse("PS_FIRE", table.now, 10 * US)
    table.pulse("PS_QSW", table.now + 170 * US, 10 * US)
    table.run(1 * MS)
    assert [pulse["target"] for pulse in table.probe("ps_laser")["pulses"]] == [True]


def test_a_co2_gate_lands_at_the_place_of_the_scanner_with_its_energy(table: Table) -> None:
    power_up(table)
    open_shutters(table)
    table.drive("DAC_CS", 0)
    table.exchange("dac", value=0x3000 | 2389, bits=16)
    table.drive("DAC_CS", 1)
    table.run(5 * MS)
    table.pulse("CO2_GATE", table.now, 375 * US)
    table.run(5 * MS)
    spot = table.probe("scanner")["pulses"][0]
    assert spot["x_mm"] == pytest.approx((2389 / 4095 - 0.5) * CALIBRATION.scan_range_mm)
    assert spot["delivered_mj"] == pytest.approx(90, rel=1e-6)
    assert not spot["moved"]


@pytest.mark.proves("R-PER-8")
def test_a_gate_stuck_high_is_ended_by_the_one_shot_at_1200_us(table: Table) -> None:
    power_up(table)
    start = table.now
    table.drive("CO2_GATE", 1)
    table.run(20 * MS)
    assert table.edges("CO2_GATE_DRV") == [(start + 25 * NS, 1), (start + 1200 * US + 25 * NS, 0)]


@pytest.mark.proves("R-STP-8", "R-OPT-4")
def test_the_key_ends_everything_in_the_middle_of_a_gate(table: Table) -> None:
    power_up(table)
    open_shutters(table)
    table.pulse("CO2_GATE", table.now, 900 * US)
    table.run(100 * US)
    turned = table.now
    table.set("chain", key=0)
    table.run(100 * MS)
    assert table.edges("CO2_GATE_DRV")[-1] == (turned + 10 * US + 25 * NS, 0)
    assert table.level("CO2_SHUTTER_CLOSED") == 1
    pulse = table.probe("co2_laser")["pulses"][0]
    assert pulse["gate_us"] == pytest.approx(110, abs=0.01)


def test_a_heartbeat_that_stops_takes_safe_away(table: Table) -> None:
    power_up(table)
    table.run_to(1205 * MS)
    assert table.level("SAFE") == 1
    table.run(551 * MS)
    assert table.level("SAFE") == 0


def test_stands_without_or_with_a_stepped_scanner_can_be_laid_out(table: Table) -> None:
    power_up(table, scanner="none")
    assert table.level("SCAN_OK") == 0
    power_up(table, scanner="stepped", positions=[(0, 0), (1, 0)])
    table.exchange("outputs", value=BOARD.OUT_SCAN_STEP, bits=16)
    table.drive("OUT_LATCH", 1)
    table.run(5 * MS)
    assert table.probe("scanner")["x_mm"] == 1


def test_options_reach_their_part_and_unknown_ones_are_refused(table: Table) -> None:
    power_up(table, options={"ps_laser": {"energy_mj": 500}})
    table.pulse("PS_FIRE", table.now, 10 * US)
    table.run(1 * MS)
    assert table.probe("ps_laser")["pulses"][0]["energy_mj"] == 500
    with pytest.raises(ValueError, match="options were given for part 'laser'; this stand has: pulls, chain"):
        controller_stand("image.uf2", options={"laser": {}})
    with pytest.raises(ValueError, match="handpiece 'x' is not on this stand; allowed: none"):
        controller_stand("image.uf2", handpiece="x")


def test_a_second_board_is_wired_by_the_wires_given() -> None:
    stand = controller_stand("a.uf2", second_board="b.uf2", wires={"PS_FIRE": ["second.GP2"], "EXTRA": ["second.GP3"]})
    assert [board["image"] for board in stand["boards"]] == ["a.uf2", "b.uf2"]
    assert "second.GP2" in stand["nets"]["PS_FIRE"]
    assert stand["nets"]["EXTRA"] == ["second.GP3"]
