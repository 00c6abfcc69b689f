"""Lasers, energy channels and scanner against numbers worked out by hand."""

from __future__ import annotations

import math
import statistics
from typing import Any

import pytest
from parts_harness import MS, NS, US, PartError, Table
from tandem_tools.bench.stand import CALIBRATION as CAL

OFFSET = CAL.ps_offset_v


def integrator(table: Table, **options: float) -> Table:
    own = {"v_per_mj": CAL.ps_v_per_mj, "offset_v": OFFSET, **options}
    return table.build([("integrator", "integrator", own)], {"RESET": ["integrator.reset"]})


def absorb(table: Table, energy_mj: float) -> None:
    table.set("integrator", inject_mj=energy_mj)


def test_the_published_energy_gives_1650_mv_after_the_integrator(table: Table) -> None:
    integrator(table, droop_v_per_s=0)
    absorb(table, 596.9)
    table.run(100 * US)
    assert table.volts("integrator.out") - OFFSET == pytest.approx(1.65, abs=1e-9)
    assert (table.volts("integrator.out") - OFFSET) / CAL.v_per_count * CAL.ps_mj_per_count == pytest.approx(596.9)


def test_the_integrator_settles_exponentially_and_is_within_a_count_after_20_us(table: Table) -> None:
    integrator(table, droop_v_per_s=0)
    absorb(table, 596.9)
    for us in (0, 1.5, 3, 7.5):
        want = OFFSET + 1.65 * (1 - math.exp(-us / 1.5))
        assert table.volts("integrator.out", us * US) == pytest.approx(want, abs=1e-9)
    assert OFFSET + 1.65 - table.volts("integrator.out", 20 * US) < CAL.v_per_count


def test_the_integrator_droops_by_a_volt_a_second_and_stops_at_nothing(table: Table) -> None:
    integrator(table)
    absorb(table, 596.9)
    table.run(10_000 * US)
    assert table.volts("integrator.out") - OFFSET == pytest.approx(1.65 - 0.01, abs=2e-6)
    table.run(3000 * MS)
    assert table.volts("integrator.out") == pytest.approx(OFFSET, abs=1e-9)


def test_a_reset_of_100_us_leaves_less_than_a_thousandth(table: Table) -> None:
    integrator(table, droop_v_per_s=0)
    absorb(table, 596.9)
    table.run(50 * US)
    table.drive("RESET", 1)
    table.run(10 * US)
    assert table.probe("integrator")["charge"] == pytest.approx(1.65 * (0.0005 + 0.9995 * math.exp(-1)))
    table.run(90 * US)
    table.drive("RESET", 0)
    table.run(100 * US)
    left = table.volts("integrator.out") - OFFSET
    assert left == pytest.approx(1.65 * (0.0005 + 0.9995 * math.exp(-10)), rel=1e-6)
    assert left < 0.001 * 1.65


def test_two_pulses_without_a_reset_add_up(table: Table) -> None:
    integrator(table, droop_v_per_s=0)
    absorb(table, 300)
    table.run(5 * US)
    absorb(table, 200)
    table.run(100 * US)
    assert table.volts("integrator.out") - OFFSET == pytest.approx(500 * CAL.ps_v_per_mj)


def test_a_pulse_during_reset_is_lost(table: Table) -> None:
    integrator(table)
    table.drive("RESET", 1)
    absorb(table, 596.9)
    table.run(200 * US)
    assert table.volts("integrator.out") == pytest.approx(OFFSET, abs=1e-6)


def test_the_integrator_saturates_at_3200_mv(table: Table) -> None:
    integrator(table, droop_v_per_s=0)
    absorb(table, 1300)
    table.run(100 * US)
    assert table.volts("integrator.out") == 3.2
    assert table.probe("integrator")["saturated"] == 1


def test_an_inward_leak_stops_at_saturation(table: Table) -> None:
    integrator(table, droop_v_per_s=-10)
    table.run(100 * MS)
    assert table.volts("integrator.out") == pytest.approx(OFFSET + 1.0, abs=1e-4)
    table.run(1000 * MS)
    assert table.volts("integrator.out") == 3.2


def test_noise_has_its_deviation_and_repeats_by_seed_and_instant(table: Table) -> None:
    def sample(seed: int) -> list[float]:
        integrator(table, noise_v_rms=0.002, seed=seed)
        return [table.volts("integrator.out", i * 2 * US) for i in range(400)]

    first = sample(4)
    assert first == sample(4)
    assert first != sample(5)
    assert statistics.mean(first) == pytest.approx(OFFSET, abs=0.0005)
    assert statistics.stdev(first) == pytest.approx(0.002, rel=0.15)


def lag_by_steps(light: dict[str, float], tau: float, y: float, end: float, steps: int = 200_000) -> float:
    """An independent model of the low pass: the trapezoidal rule in small steps."""
    h = end / steps

    def u(s: float) -> float:
        swing = light["swing"] * math.exp(-s / light["decay"]) if light["decay"] else 0
        return light["level"] + swing + light["slope"] * s

    for i in range(steps):
        k1 = (u(i * h) - y) / tau
        k2 = (u((i + 1) * h) - (y + h * k1)) / tau
        y += h * (k1 + k2) / 2
    return y


@pytest.mark.parametrize("decay", [0.0, 20.0, 5.0, 7.0])
def test_the_closed_form_of_the_low_pass_agrees_with_small_steps(table: Table, decay: float) -> None:
    light = {"level": 2.0, "swing": -1.5, "decay": decay, "slope": 0.01}
    exact = table.ask("pure", module="lag", name="lagAt", args=[light, 7.0, 0.3, 30.0])
    assert exact == pytest.approx(lag_by_steps(light, 7.0, 0.3, 30.0), abs=1e-7)


def ps_table(table: Table, **options: Any) -> Table:
    own = {"detector": "integrator", "shutter": "shutter", "jitter_ns": 0, **options}
    table.build(
        [
            ("shutter", "shutter", {"open_ms": 1, "close_ms": 1}),
            ("integrator", "integrator", {"v_per_mj": CAL.ps_v_per_mj, "droop_v_per_s": 0}),
            ("laser", "ps_laser", own),
        ],
        {
            "FIRE": ["laser.fire"],
            "QSW": ["laser.qswitch"],
            "SYNC": ["laser.sync"],
            "READY": ["laser.ready"],
            "FAULT": ["laser.fault"],
            "RESET": ["integrator.reset"],
            "COIL": ["shutter.coil"],
            "SAFE": ["shutter.safe", "laser.interlock"],
        },
    )
    table.drive("SAFE", 1)
    table.drive("COIL", 1)
    table.run_to(50 * MS)
    return table


def fire(table: Table, count: int = 1, period: float = 100 * MS) -> list[dict[str, Any]]:
    """Fire and return the optical pulses that this gave."""
    known = len(table.probe("laser")["pulses"])
    for i in range(count):
        table.pulse("FIRE", table.now + 1 * MS + i * period, 10 * US)
    table.run(1 * MS + count * period)
    return table.probe("laser")["pulses"][known:]


def test_one_trigger_gives_light_and_sync_after_the_internal_delay(table: Table) -> None:
    ps_table(table)
    pulses = fire(table)
    light = 51 * MS + 1000 * NS
    assert pulses == [{"ps": light, "shot": 0, "energy_mj": 596.9, "shutter": "open", "target": True}]
    assert table.edges("SYNC") == [(light, 1), (light + 1 * US, 0)]
    assert table.probe("integrator")["charge"] == pytest.approx(1.65)


@pytest.mark.parametrize(("pickoff", "seen"), [("before", 1.65), ("after", 0)])
def test_behind_a_closed_shutter_only_a_pickoff_before_it_sees_the_pulse(
    table: Table, pickoff: str, seen: float
) -> None:
    ps_table(table, pickoff=pickoff)
    table.drive("COIL", 0)
    table.run(10 * MS)
    pulses = fire(table)
    assert [(pulse["shutter"], pulse["target"]) for pulse in pulses] == [("closed", False)]
    assert table.probe("integrator")["charge"] == pytest.approx(seen)


def test_light_through_a_moving_shutter_counts_as_delivered(table: Table) -> None:
    ps_table(table)
    table.drive_at(table.now + 0.5 * MS, "COIL", 0)
    assert [(pulse["shutter"], pulse["target"]) for pulse in fire(table)] == [("moving", True)]


@pytest.mark.parametrize(("delay_us", "fires"), [(99, False), (100, True), (170, True), (999, True), (1000, False)])
def test_a_lamp_pumped_laser_fires_only_inside_its_q_switch_window(table: Table, delay_us: float, fires: bool) -> None:
    ps_table(table, trigger="lamp_qswitch", delay_ns=80)
    lamp = table.now + 1 * MS
    table.pulse("FIRE", lamp, 10 * US)
    table.pulse("QSW", lamp + delay_us * US, 10 * US)
    table.run(10 * MS)
    probe = table.probe("laser")
    expected = [lamp + delay_us * US + 80 * NS] if fires else []
    assert [pulse["ps"] for pulse in probe["pulses"]] == expected
    assert [refusal["reason"] for refusal in probe["refused"]] == ([] if fires else ["outside the Q-switch window"])
    assert probe["lamps"] == [{"ps": lamp, "qswitch_ps": lamp + delay_us * US}]


def test_a_flash_serves_one_q_switch_and_none_fires_without_a_flash(table: Table) -> None:
    ps_table(table, trigger="lamp_qswitch")
    lamp = table.now + 1 * MS
    table.pulse("FIRE", lamp, 10 * US)
    table.pulse("QSW", lamp + 170 * US, 10 * US)
    table.pulse("QSW", lamp + 300 * US, 10 * US)
    table.run(50 * MS)
    table.pulse("QSW", table.now, 10 * US)
    table.run(1 * MS)
    probe = table.probe("laser")
    assert len(probe["pulses"]) == 1
    assert [refusal["reason"] for refusal in probe["refused"]] == ["no lamp", "no lamp"]


def test_a_lamp_without_its_q_switch_gives_no_light(table: Table) -> None:
    ps_table(table, trigger="lamp_qswitch")
    assert fire(table) == []
    assert table.probe("laser")["lamps"][0]["qswitch_ps"] is None


def test_a_trigger_too_soon_after_the_last_is_refused(table: Table) -> None:
    ps_table(table, min_period_ms=50)
    fire(table, count=3, period=40 * MS)
    probe = table.probe("laser")
    assert len(probe["pulses"]) == 2
    assert [refusal["reason"] for refusal in probe["refused"]] == ["too soon"]


def test_a_trigger_input_with_a_least_width_ignores_shorter_pulses(table: Table) -> None:
    ps_table(table, min_trigger_ns=100)
    table.pulse("FIRE", table.now + 1 * MS, 64 * NS)
    table.pulse("FIRE", table.now + 20 * MS, 104 * NS)
    start = table.now
    table.run(50 * MS)
    assert [pulse["ps"] - start for pulse in table.probe("laser")["pulses"]] == [20 * MS + 1000 * NS]


@pytest.mark.parametrize(
    ("override", "energies", "syncs"),
    [
        ({"missing": True}, [], 0),
        ({"no_sync": True}, [596.9], 0),
        ({"factor": 0.7}, [0.7 * 596.9], 1),
        ({"energy_mj": 100.0}, [100.0], 1),
        ({"double_us": 5}, [596.9, 596.9], 2),
        ({"extra_sync_us": 5}, [596.9], 2),
    ],
)
def test_an_override_changes_its_shot_and_no_other(
    table: Table, override: dict[str, Any], energies: list[float], syncs: int
) -> None:
    ps_table(table)
    fire(table)
    before = len(table.edges("SYNC"))
    table.set("laser", next=[override])
    assert [pulse["energy_mj"] for pulse in fire(table)] == pytest.approx(energies)
    assert len(table.edges("SYNC")) - before == 2 * syncs
    assert [pulse["energy_mj"] for pulse in fire(table)] == [596.9]


def test_overrides_by_shot_number_and_early_or_late_light(table: Table) -> None:
    ps_table(table)
    table.set("laser", overrides={"1": {"late_us": 3}, "2": {"sync_offset_ns": -400}})
    start = table.now
    pulses = fire(table, count=3)
    light = [pulse["ps"] - start - 1 * MS - i * 100 * MS for i, pulse in enumerate(pulses)]
    assert light == [1000 * NS, 4000 * NS, 1000 * NS]
    rises = [ps - start - 1 * MS - i * 100 * MS for i, (ps, _) in enumerate(table.edges("SYNC")[::2])]
    assert rises == [1000 * NS, 4000 * NS, 600 * NS]


def test_an_override_with_an_unknown_field_is_refused(table: Table) -> None:
    ps_table(table)
    with pytest.raises(PartError, match=r"override energy was given 5; allowed: missing \(boolean\)"):
        table.set("laser", next=[{"energy": 5}])


def test_energy_noise_has_its_deviation_and_repeats_by_seed(table: Table) -> None:
    def energies(seed: int) -> list[float]:
        ps_table(table, noise_percent=3, seed=seed)
        return [pulse["energy_mj"] for pulse in fire(table, count=300, period=20 * MS)]

    first = energies(11)
    assert first == energies(11)
    assert first != energies(12)
    assert statistics.mean(first) == pytest.approx(596.9, rel=0.01)
    assert statistics.stdev(first) == pytest.approx(0.03 * 596.9, rel=0.15)


def test_jitter_stays_within_five_deviations_and_repeats(table: Table) -> None:
    def delays() -> list[float]:
        ps_table(table, jitter_ns=10)
        start = table.now
        return [p["ps"] - start - 1 * MS - i * 20 * MS for i, p in enumerate(fire(table, count=200, period=20 * MS))]

    first = delays()
    assert first == delays()
    assert all(950 * NS <= delay <= 1050 * NS for delay in first)
    assert statistics.stdev(first) == pytest.approx(10 * NS, rel=0.2)


def test_a_decaying_laser_loses_the_same_part_with_each_shot(table: Table) -> None:
    ps_table(table, decay_per_shot=0.01)
    assert [p["energy_mj"] for p in fire(table, count=4)] == pytest.approx([596.9 * 0.99**i for i in range(4)])


def test_ready_per_shot_falls_with_the_trigger_and_returns_after_the_recharge(table: Table) -> None:
    ps_table(table, ready="per_shot", recharge_ms=40)
    assert table.level("READY") == 1
    start = table.now + 1 * MS
    table.pulse("FIRE", start, 10 * US)
    table.pulse("FIRE", start + 30 * MS, 10 * US)
    table.run(200 * MS)
    assert table.edges("READY")[-2:] == [(start, 0), (start + 40 * MS, 1)]
    assert [refusal["reason"] for refusal in table.probe("laser")["refused"]] == ["recharging"]


@pytest.mark.parametrize(("line", "healthy"), [("closed_ok", 1), ("open_ok", 0)])
def test_the_fault_line_shows_a_fault_and_the_laser_stays_dark(table: Table, line: str, healthy: int) -> None:
    ps_table(table, fault=line)
    assert table.level("FAULT") == healthy
    table.set("laser", is_fault=1)
    assert (table.level("FAULT"), table.level("READY")) == (1 - healthy, 0)
    assert fire(table) == []


def test_the_interlock_contact_takes_ready_away_after_its_relay(table: Table) -> None:
    ps_table(table)
    opened = table.now
    table.drive("SAFE", 0)
    table.run(20 * MS)
    assert table.edges("READY")[-1] == (opened + 5 * MS, 0)
    assert fire(table) == []
    assert table.probe("laser")["refused"][0]["reason"] == "interlock"


def test_light_without_a_trigger_can_be_made(table: Table) -> None:
    ps_table(table)
    table.set("laser", emit_mj=50)
    table.run(1 * MS)
    assert [(pulse["shot"], pulse["energy_mj"]) for pulse in table.probe("laser")["pulses"]] == [(None, 50)]
    assert len(table.edges("SYNC")) == 2


def co2_table(table: Table, detector: dict[str, Any] | None = None, **options: Any) -> Table:
    own = {"detector": "detector", "shutter": "shutter", "scanner": "scanner", "sync": True, **options}
    analogue = {"v_per_w": CAL.co2_v_per_w, "offset_v": CAL.co2_offset_v, **(detector or {})}
    table.build(
        [
            ("shutter", "shutter", {"open_ms": 1, "close_ms": 1}),
            ("detector", "detector", analogue),
            ("laser", "co2_laser", own),
            ("scanner", "scanner", {"mode": "stepped", "positions": [[0, 0], [0.6, 0], [0.6, 0.8]]}),
        ],
        {
            "GATE": ["laser.gate"],
            "SYNC": ["laser.sync"],
            "READY": ["laser.ready"],
            "COIL": ["shutter.coil"],
            "SAFE": ["shutter.safe"],
            "OK": ["scanner.ok"],
            "STEP": ["scanner.step"],
            "HOME": ["scanner.home"],
        },
    )
    table.drive("SAFE", 1)
    table.drive("COIL", 1)
    table.run_to(50 * MS)
    return table


def gate(table: Table, *widths_us: float, period: float = 5 * MS) -> list[dict[str, Any]]:
    """Open the gate for each width in turn and return the records of the pulses that this gave."""
    known = len(table.probe("laser")["pulses"])
    for i, width in enumerate(widths_us):
        table.pulse("GATE", table.now + 1 * MS + i * period, width * US)
    table.run(1 * MS + len(widths_us) * period)
    return table.probe("laser")["pulses"][known:]


@pytest.mark.parametrize(("width_us", "energy_mj"), [(375, 90), (541.667, 130), (1000, 240)])
@pytest.mark.parametrize("tau_us", [20, 75])
def test_a_gate_gives_240_w_times_its_width(table: Table, width_us: float, energy_mj: float, tau_us: float) -> None:
    co2_table(table, rise_us=tau_us, fall_us=tau_us)
    pulse = gate(table, width_us)[0]
    assert pulse["complete"]
    assert pulse["energy_mj"] == pytest.approx(energy_mj, rel=1e-6)
    assert pulse["delivered_mj"] == pytest.approx(energy_mj, rel=1e-6)
    assert pulse["gate_us"] == pytest.approx(width_us, abs=1e-5)


def test_unequal_rise_and_fall_change_the_energy_as_the_integral_says(table: Table) -> None:
    co2_table(table, rise_us=75, fall_us=20)
    grown = 1 - math.exp(-375 / 75)
    want = 240 * (375 - 75 * grown + 20 * grown) * 1e-3
    assert gate(table, 375)[0]["energy_mj"] == pytest.approx(want, rel=1e-6)


def test_the_detector_reaches_its_plateau_and_its_sum_of_samples_gives_the_energy(table: Table) -> None:
    co2_table(table)
    start = table.now + 1 * MS
    table.pulse("GATE", start, 375 * US)
    table.run_to(start + 370 * US)
    assert table.volts("detector.out") == pytest.approx(1.65 + CAL.co2_offset_v, abs=1e-4)
    co2_table(table)
    table.pulse("GATE", start, 375 * US)
    counts = 0.0
    for i in range(400):
        table.run_to(start + i * 2 * US)
        counts += (table.volts("detector.out") - CAL.co2_offset_v) / CAL.v_per_count
    assert counts * CAL.co2_mj_per_count(2) == pytest.approx(90, rel=1e-3)


def test_the_detector_follows_the_light_as_two_low_passes_in_a_row(table: Table) -> None:
    co2_table(table, delay_us=0)
    start = table.now + 1 * MS
    table.pulse("GATE", start, 500 * US)
    table.run_to(start + 30 * US)
    s, a, b = 30.0, 20.0, 5.0
    power = 240 * (1 - (a * math.exp(-s / a) - b * math.exp(-s / b)) / (a - b))
    assert table.volts("detector.out") == pytest.approx(CAL.co2_v_per_w * power + CAL.co2_offset_v, rel=1e-9)


def test_the_detector_saturates_and_can_be_broken(table: Table) -> None:
    co2_table(table, peak_w=600)
    table.pulse("GATE", table.now, 500 * US)
    table.run(400 * US)
    assert table.volts("detector.out") == 3.2
    table.set("detector", broken=1)
    table.run(100 * US)
    assert table.volts("detector.out") == pytest.approx(CAL.co2_offset_v, abs=1e-6)


def test_behind_a_closed_shutter_nothing_is_delivered_or_seen(table: Table) -> None:
    co2_table(table)
    table.drive("COIL", 0)
    table.run(5 * MS)
    table.pulse("GATE", table.now, 375 * US)
    table.run(300 * US)
    assert table.volts("detector.out") == CAL.co2_offset_v
    table.run(5 * MS)
    pulse = table.probe("laser")["pulses"][0]
    assert (pulse["shutter"], pulse["delivered_mj"]) == ("closed", 0)
    assert pulse["energy_mj"] == pytest.approx(90, rel=1e-6)


def test_a_shutter_that_closes_in_a_gate_lets_only_the_first_part_through(table: Table) -> None:
    co2_table(table, rise_us=0, fall_us=0, delay_us=0)
    start = table.now + 2 * MS
    table.drive_at(start - 0.9 * MS, "COIL", 0)
    table.pulse("GATE", start, 375 * US)
    table.run(10 * MS)
    pulse = table.probe("laser")["pulses"][0]
    assert pulse["energy_mj"] == pytest.approx(90)
    assert pulse["delivered_mj"] == pytest.approx(240 * 0.1)


@pytest.mark.parametrize(
    ("override", "energies", "syncs"),
    [
        ({"missing": True}, [], 0),
        ({"no_light": True}, [], 1),
        ({"no_sync": True}, [90], 0),
        ({"factor": 1.3}, [117], 1),
        ({"peak_w": 120}, [45], 1),
        ({"extend_us": 100}, [114], 1),
        ({"extra_sync_us": 50}, [90], 2),
    ],
)
def test_an_override_of_a_gate_changes_its_shot_alone(
    table: Table, override: dict[str, Any], energies: list[float], syncs: int
) -> None:
    co2_table(table)
    table.set("laser", next=[None, override])
    pulses = gate(table, 375, 375, 375)
    middle = [pulse["energy_mj"] for pulse in pulses if pulse["shot"] == 1]
    assert middle == pytest.approx(energies, rel=1e-6)
    assert [pulse["energy_mj"] for pulse in pulses if pulse["shot"] != 1] == pytest.approx([90, 90], rel=1e-6)
    assert len(table.edges("SYNC")) == 2 * (2 + syncs)


def test_co2_light_without_a_gate_can_be_made(table: Table) -> None:
    co2_table(table)
    table.set("laser", emit_us=375)
    table.run(10 * MS)
    pulse = table.probe("laser")["pulses"][0]
    assert (pulse["shot"], pulse["complete"]) == (None, True)
    assert pulse["energy_mj"] == pytest.approx(90, rel=1e-6)
    assert [pulse["energy_mj"] for pulse in gate(table, 375)] == pytest.approx([90], rel=1e-6)


def test_the_first_pulse_after_darkness_can_differ(table: Table) -> None:
    co2_table(table, first_pulse_factor=1.2, first_pulse_gap_ms=50)
    assert [p["energy_mj"] for p in gate(table, 375, 375, 375)] == pytest.approx([108, 90, 90], rel=1e-6)
    table.run(60 * MS)
    assert [p["energy_mj"] for p in gate(table, 375)] == pytest.approx([108], rel=1e-6)


def test_a_gate_that_returns_in_the_tail_takes_the_rest_of_it_over(table: Table) -> None:
    co2_table(table, delay_us=0)
    start = table.now
    table.pulse("GATE", start, 100 * US)
    table.pulse("GATE", start + 120 * US, 100 * US)
    table.run(10 * MS)
    grown = 1 - math.exp(-5)
    first = 240 * (100 - 20 * grown + 20 * grown * (1 - math.exp(-1))) * 1e-3
    energies = [pulse["energy_mj"] for pulse in table.probe("laser")["pulses"]]
    assert energies[0] == pytest.approx(first, rel=1e-6)
    assert sum(energies) == pytest.approx(240 * 200 * 1e-3, rel=1e-6)


def test_each_pulse_lands_where_the_scanner_stands(table: Table) -> None:
    co2_table(table)
    for _ in range(3):
        gate(table, 375)
        table.pulse("STEP", table.now, 1 * US)
        table.run(5 * MS)
    spots = [(p["x_mm"], p["y_mm"], p["moved"], round(p["delivered_mj"], 3)) for p in table.probe("scanner")["pulses"]]
    assert spots == [(0, 0, False, 90), (0.6, 0, False, 90), (0.6, 0.8, False, 90)]
    table.pulse("HOME", table.now, 1 * US)
    table.run(5 * MS)
    assert table.probe("scanner")["x_mm"] == 0


def test_a_pulse_during_a_move_says_so(table: Table) -> None:
    co2_table(table)
    start = table.now + 1 * MS
    table.pulse("STEP", start, 1 * US)
    table.pulse("GATE", start + 200 * US, 10 * US)
    table.pulse("GATE", start + 10 * MS, 375 * US)
    table.pulse("STEP", start + 10 * MS + 300 * US, 1 * US)
    table.run(20 * MS)
    first, second = table.probe("scanner")["pulses"]
    settle_us = 200 + 80 * 0.6
    assert first["moved"] and first["x_mm"] == pytest.approx(0.6 * (1 - math.exp(-7 * 200 / settle_us)))
    assert second["moved"] and second["x_mm"] == 0.6


def test_in_position_falls_with_a_step_and_rises_after_the_settle_time(table: Table) -> None:
    co2_table(table)
    start = table.now
    table.pulse("STEP", start, 1 * US)
    table.run(5 * MS)
    assert table.edges("OK")[1:] == [(start + 2 * US, 0), (start + 248 * US, 1)]


def xy_table(table: Table, **options: Any) -> Table:
    table.build(
        [("dac", "dac", {}), ("scanner", "scanner", options)],
        {"CS": ["dac.cs"], "OK": ["scanner.ok"]},
        {"scanner.x": "dac.a", "scanner.y": "dac.b"},
    )
    table.drive("CS", 1)
    place(table, 2048, 2048)
    table.run_to(50 * MS)
    return table


def place(table: Table, x: int, y: int) -> None:
    for word in (0x3000 | x, 0xB000 | y):
        table.drive("CS", 0)
        table.exchange("dac", value=word, bits=16)
        table.drive("CS", 1)


def test_scanner_codes_0_and_4095_are_the_ends_of_the_range(table: Table) -> None:
    xy_table(table)
    place(table, 0, 4095)
    table.run(10 * MS)
    probe = table.probe("scanner")
    assert (probe["x_mm"], probe["y_mm"]) == (pytest.approx(-6, abs=1e-9), pytest.approx(6, abs=1e-9))


def test_an_xy_move_settles_in_its_time_and_the_same_codes_again_do_not_move_it(table: Table) -> None:
    xy_table(table)
    start = table.now
    place(table, 2048 + 341, 2048)
    table.run(5 * MS)
    way = 341 / 4095 * 12
    (fell, zero), (rose, one) = table.edges("OK")[-2:]
    assert (fell - start, zero, one) == (2 * US, 0, 1)
    assert rose - start == pytest.approx((200 + 80 * way) * US, rel=1e-6)
    place(table, 2048 + 341, 2048)
    table.run(5 * MS)
    assert table.edges("OK")[-1][0] == rose


@pytest.mark.parametrize(("stuck", "ok"), [("noticed", 0), ("silent", 1)])
def test_a_stuck_scanner_stands_still(table: Table, stuck: str, ok: int) -> None:
    xy_table(table)
    table.set("scanner", stuck=stuck)
    place(table, 0, 0)
    table.run(20 * MS)
    assert table.probe("scanner")["x_mm"] == pytest.approx(0, abs=0.01)
    assert table.level("OK") == ok


def test_a_slow_scanner_takes_as_many_times_longer(table: Table) -> None:
    xy_table(table, slow_factor=10)
    start = table.now
    place(table, 2048, 2048 + 341)
    table.run(20 * MS)
    assert table.edges("OK")[-1][0] - start == pytest.approx((2000 + 800 * 341 / 4095 * 12) * US, rel=1e-6)
