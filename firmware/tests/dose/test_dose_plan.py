"""The plan: exact cycles for what can be done, a refusal with the reason and the nearest for what cannot."""

from __future__ import annotations

import sys
from array import array
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tandem import units
from tandem.dose import errors, handpiece, laser, optics, recipe
from tandem.dose.board import Board
from tandem.dose.facts import Identity
from tandem.dose.plan import PASS_FIGURES, PULSE_FIGURES, PlanError, PlanJob, compile_plan, window_uj
from tandem.dose.recipe import Pass
from tandem.dose.summary import describe
from tandem.planned import ARRAYS, PassPlan, Plan, move_arrays, moved

Figure = Callable[..., None]
CLOCK = 125_000_000
BOARD = Board()
TIP = handpiece.generic_combined()
PS = laser.generic_ps_1064()
LAMP = laser.generic_ps_1064_lamp()
CO2 = laser.generic_co2_240w()
PS_PASS = (
    recipe.calcinosis_1().passes[0].changed(pedal="stamp", repeat_every_us=None, patterns_per_press=1, not_in_source=())
)
CO2_PASS = recipe.calcinosis_1().passes[1].changed(not_in_source=())


def pair(**changes: Any) -> recipe.PairPass:
    """Return a pair of the published pulses with some fields changed."""
    values = {
        field.name: value for step in (PS_PASS, CO2_PASS) for field, value in step.given() if field.name != "pulses"
    }
    values.update(pedal="combined", rate_mhz=5000, delay_ns=200000)
    values.update(changes)
    return recipe.PairPass(**{name: value for name, value in values.items() if value is not None})


def plan_of(*passes: Any, ps: laser.Laser = PS, co2: laser.Laser = CO2, tip: Any = TIP, board: Any = BOARD) -> Plan:
    """Return the plan of these passes."""
    return compile_plan(recipe.Recipe(passes, name="test"), ps, co2, tip, board)


def one(step: Pass, **given_: Any) -> PassPlan:
    """Return the plan of a single pass."""
    return plan_of(step, **given_).passes[0]


def with_sources(profile: laser.Laser, **changes: Any) -> laser.Laser:
    """Return a profile with fields changed, and sources for just the figures it then has."""
    values = {field.name: value for field, value in profile.given()}
    values.update(changes)
    values = {name: value for name, value in values.items() if value is not None}
    words = {"name", "note", "laser", "trigger", "sync", "ready", "fault", "pickoff", "scanner", "sources"}
    values["sources"] = tuple((laser.Laser.field(name).key, "test") for name in values if name not in words)
    return laser.Laser(**values)


SILENT = with_sources(PS, sync="none", sync_at_ns=None, sync_window_ns=None)
NO_SCANNER = with_sources(CO2, scanner="none", scan_step_us=None, scan_settle_us=None, scan_field_um=None)


def refused(step: Pass, number: int, says: str, **given_: Any) -> str:
    """Check that a pass is refused with this number and text; return the text."""
    with pytest.raises(PlanError, match=says) as error:
        one(step, **given_)
    assert error.value.number == number
    return str(error.value)


# What the published session is in cycles.


def test_the_published_session_has_the_cycles_worked_out_by_hand(figure: Figure) -> None:
    plan = compile_plan(recipe.calcinosis_1_combined(), PS, CO2, TIP, BOARD)
    ps, co2 = plan.passes
    assert (ps.count, ps.period_cycles, ps.trigger_width_cycles) == (5, 25_000_000, 1250)
    assert (ps.qsw_delay_cycles, ps.qsw_width_cycles, ps.gate_cycles) == (0, 0, 0)
    assert (co2.count, co2.period_cycles, co2.gate_cycles) == (11, 625_000, 46_875)
    assert (ps.lead_cycles, co2.lead_cycles) == (125_000, 125_000)
    assert ps.ps is not None
    assert co2.co2 is not None
    window = [ps.ps.stop_low_uj, ps.ps.energy_uj, ps.ps.stop_high_uj]
    assert [units.rounded(e, 1000, 1) for e in window] == ["477.5", "596.9", "716.3"]
    assert (co2.co2.stop_low_uj, co2.co2.stop_high_uj) == (72_000, 108_000)
    assert (co2.co2.warn_low_uj, co2.co2.warn_high_uj) == (81_000, 99_000)
    assert co2.first_to_last_cycles() == CLOCK // 20
    assert plan.presses == ((0, 1),)
    assert plan.duration_cycles(0) == 5 * 25_000_000 + 11 * 625_000
    figure("published CO2 scan", f"{co2.count} shots, period {co2.period_cycles}", "cycles", limit="11, 625000")
    figure("gate for 90 mJ at 240 W", units.cycles_text(co2.gate_cycles, CLOCK), "", limit="375 us")


def test_the_second_session_has_a_gate_for_130_mj() -> None:
    co2 = compile_plan(recipe.calcinosis_2(), PS, CO2, TIP, BOARD).passes[1]
    assert co2.gate_cycles == round(541_667 * 0.125)
    assert co2.co2 is not None
    assert (co2.co2.stop_low_uj, co2.co2.stop_high_uj) == (104_000, 156_000)


def test_lamp_and_q_switch_are_170_us_apart() -> None:
    ps = compile_plan(recipe.calcinosis_1(), LAMP, CO2, TIP, BOARD).passes[0]
    assert (ps.trigger_width_cycles, ps.qsw_delay_cycles, ps.qsw_width_cycles) == (0, 21_250, 1250)


@pytest.mark.proves("R-PLN-2")
@pytest.mark.parametrize(
    ("shape", "spots", "actual", "ideal"),
    [("square", 11, "3.11", "10.61"), ("circle", 8, "2.88", "8.33"), ("hexagon_corners", 7, "3.05", "6.89"),
     ("hexagon_flats", 9, "2.94", "9.19")],
)  # fmt: skip
def test_asked_density_stands_beside_the_actual_one(shape: str, spots: int, actual: str, ideal: str) -> None:
    plan = plan_of(CO2_PASS.changed(shape=shape))
    assert plan.passes[0].spots == plan.passes[0].count == spots
    assert plan.passes[0].co2 is not None
    assert plan.passes[0].co2.energy_uj == 90_000
    assert any(f"asked 3.00 % = {ideal} spots; actual {actual} % = {spots} spots" in line for line in plan.lines())


def test_positions_and_codes_stand_in_the_order_of_firing() -> None:
    done = one(CO2_PASS.changed(order="shuffle", seed=5, pulses_per_spot=3))
    assert (done.spots, done.count) == (11, 33)
    assert len(done.positions) == len(done.codes) == 2 * 11
    assert (done.positions.typecode, done.codes.typecode, done.order.typecode) == ("h", "H", "H")
    raster = one(CO2_PASS).positions
    for spot, number in enumerate(done.order):
        assert done.positions[2 * spot : 2 * spot + 2] == raster[2 * number : 2 * number + 2]
        x = done.positions[2 * spot]
        assert done.codes[2 * spot] == round((x + 6000) / 12000 * 4095)
    assert [done.spot(shot) for shot in range(7)] == [0, 0, 0, 1, 1, 1, 2]
    words = done.scanner_words(0x3000, 0xB000)
    assert words[:2] == array("H", [0x3000 | done.codes[0], 0xB000 | done.codes[1]])
    assert words[0:2] == words[4:6] != words[6:8]
    assert len(words) == 2 * 33


def test_a_stepped_scanner_gets_positions_but_no_codes() -> None:
    done = one(CO2_PASS.changed(rate_mhz=100000), co2=with_sources(CO2, scanner="stepped"))
    assert (done.scanner, len(done.codes), len(done.positions)) == ("stepped", 0, 22)
    assert len(done.scanner_words(0x3000, 0xB000)) == 0


def test_a_single_spot_needs_no_scanner() -> None:
    point = CO2_PASS.changed(shape="point", size_um=None, density_ppm=None, pulses_per_spot=4, rate_mhz=100000)
    for profile in (CO2, NO_SCANNER):
        done = one(point, co2=profile)
        assert (done.spots, done.count, list(done.positions)) == (1, 4, [0, 0])


def test_the_handpieces_loss_is_made_up_by_the_laser_and_judged_at_the_tissue() -> None:
    done = one(CO2_PASS, tip=TIP.changed(co2_transmission_ppm=900000))
    assert done.co2 is not None
    assert (done.co2.energy_uj, done.co2.laser_uj) == (90_000, 100_000)
    assert (done.co2.stop_low_uj, done.co2.stop_high_uj) == (72_000, 108_000)
    assert done.gate_cycles == units.div_round((CO2.gate_ns(100_000) or 0) * 125, 1000)


@pytest.mark.proves("R-ENE-1")
@given(st.integers(1, 10**7), st.integers(10000, 200000))
def test_energy_limits_are_the_tightest_whole_microjoules_within_the_window(energy_uj: int, ppm: int) -> None:
    low, high = window_uj(energy_uj, ppm)
    assert (low - 1) * 10**6 < energy_uj * (10**6 - ppm) <= low * 10**6
    assert high * 10**6 <= energy_uj * (10**6 + ppm) < (high + 1) * 10**6


# Rates and periods.


@pytest.mark.proves("R-PLN-1")
@pytest.mark.parametrize("clock_hz", [CLOCK, 150_000_000])
@pytest.mark.parametrize("rate_mhz", [7000, 33_333, 199_000])
def test_a_rate_with_a_broken_period_is_refused_with_the_nearest_exact_ones(rate_mhz: int, clock_hz: int) -> None:
    board = Board(clock_hz=clock_hz)
    text = refused(PS_PASS.changed(rate_mhz=rate_mhz), errors.BOARD_CANNOT, "nearest exact rates", board=board)
    below, above = [units.parse("rate", r) for r in text.split("rates are ")[1].split(";")[0].split(" and ")]
    assert below < rate_mhz < above
    assert clock_hz * 1000 % below == clock_hz * 1000 % above == 0


def test_a_broken_rate_can_be_given_as_a_period_instead() -> None:
    text = refused(PS_PASS.changed(rate_mhz=3000), errors.BOARD_CANNOT, "41666666.667 cycles a period")
    assert 'give "period": "333.333 ms"' in text
    assert one(PS_PASS.changed(rate_mhz=None, period_us=333_333)).period_cycles == 41_666_625


def test_a_clock_without_whole_microseconds_is_refused_too() -> None:
    board = Board("odd", clock_hz=133_333_333)
    refused(PS_PASS.changed(rate_mhz=None, period_us=200_001), errors.BOARD_CANNOT, "nearest are 2000", board=board)


@given(st.integers(1000, 25_000_000))
@settings(max_examples=60, deadline=None)
def test_every_period_in_microseconds_is_exact_or_refused(period_us: int) -> None:
    try:
        done = one(PS_PASS.changed(rate_mhz=None, period_us=period_us, pulses=2))
    except PlanError as error:
        assert error.number in (errors.TOO_FAST, errors.LASER_CANNOT)
        assert period_us < 100_000
    else:
        assert done.period_cycles == period_us * 125
        assert done.period_cycles >= done.min_period_cycles


@pytest.mark.parametrize("energy_uj", [2400, 90_000, 130_000, 240_000])
@pytest.mark.parametrize("tail_us", [0, 150, 1000])
def test_the_shortest_period_named_is_taken_and_the_next_shorter_refused(energy_uj: int, tail_us: int) -> None:
    profile = with_sources(CO2, tail_us=tail_us, average_power_mw=1_000_000)
    slow = CO2_PASS.changed(co2_energy_uj=energy_uj, rate_mhz=100_000)
    least = one(slow, co2=profile).min_period_cycles
    just_us = -(-least // 125)
    assert one(slow.changed(rate_mhz=None, period_us=just_us), co2=profile).period_cycles >= least
    text = refused(slow.changed(rate_mhz=None, period_us=just_us - 1), errors.TOO_FAST, "too fast for the", co2=profile)
    fastest = units.parse("rate", text.rsplit("rate is ", 1)[1])
    assert one(slow.changed(rate_mhz=fastest), co2=profile).period_cycles >= least


def test_a_rate_too_fast_for_the_dead_time_lists_the_terms_and_the_fastest() -> None:
    says = r"rate 250\.000 Hz \(period 4\.000 ms\) is too fast .*: gate 375\.000 us \+ dead time 4\.194 ms"
    text = refused(CO2_PASS.changed(rate_mhz=250_000), errors.TOO_FAST, says)
    assert text.endswith("the fastest exact rate is 200 Hz")


def test_a_rate_too_fast_for_the_scanner_lists_the_terms() -> None:
    slow = with_sources(CO2, scan_step_us=2600, scan_settle_us=900)
    says = r"for the scanner: gate, light and tail 525\.000 us .* step 2\.600 ms \+ settling 900\.000 us \+ permit lead"
    refused(CO2_PASS, errors.TOO_FAST, says, co2=slow)
    stacked = CO2_PASS.changed(shape="point", size_um=None, density_ppm=None, pulses_per_spot=5)
    assert one(stacked, co2=slow).count == 5


def test_a_rate_too_fast_for_the_optical_tail_and_the_verdict_is_refused() -> None:
    refused(
        CO2_PASS,
        errors.TOO_FAST,
        "too fast for the co2 energy: gate, light and tail",
        co2=with_sources(CO2, tail_us=4000),
    )


def test_a_rate_too_fast_for_the_laser_to_be_ready_again_is_refused() -> None:
    profile = with_sources(PS, ready="per_shot", ready_within_us=199_001)
    refused(PS_PASS, errors.TOO_FAST, r"ready again 199\.001 ms \+ permit lead 1\.000 ms", ps=profile)
    assert one(PS_PASS, ps=with_sources(PS, ready="per_shot", ready_within_us=199_000)).count == 5


@pytest.mark.proves("R-PLN-1")
def test_a_rate_above_the_lasers_is_refused_with_the_fastest() -> None:
    refused(
        PS_PASS.changed(rate_mhz=12_500),
        errors.LASER_CANNOT,
        "too fast for generic-ps-1064; the fastest exact rate is 10 Hz",
    )


@pytest.mark.parametrize("rate_mhz", [4000, 6250])
def test_a_rate_off_the_lamp_rate_is_refused_with_the_allowed_ones(rate_mhz: int) -> None:
    refused(
        PS_PASS.changed(rate_mhz=rate_mhz),
        errors.LASER_CANNOT,
        "off the lamp rate .*allowed: 4.5 Hz to 5.5 Hz",
        ps=LAMP,
    )


@pytest.mark.proves("R-PLN-1")
def test_too_much_mean_power_is_refused_with_the_rate_that_is_allowed() -> None:
    weak = with_sources(CO2, average_power_mw=17_999)
    refused(
        CO2_PASS,
        errors.LASER_CANNOT,
        "mean power 18.000 W .*allowed: 17.999 W; the fastest exact rate is [0-9.]+ Hz",
        co2=weak,
    )
    assert one(CO2_PASS, co2=with_sources(CO2, average_power_mw=18_000)).count == 11


def test_a_repeat_interval_shorter_than_its_pattern_is_refused_with_the_shortest() -> None:
    held = PS_PASS.changed(pedal="repeat", repeat_every_us=1_019_999, patterns_per_press=3)
    refused(held, errors.TOO_FAST, r"repeat_every 1\.019999 s .*the shortest is 1\.02 s")
    done = one(held.changed(repeat_every_us=1_020_000))
    assert (done.repeat_us, done.most_pulses("ps"), done.most_pulses("co2")) == (1_020_000, 5 * 3 * 100, 0)


# What laser, handpiece and scanner offer.


@pytest.mark.proves("R-PLN-1")
@pytest.mark.parametrize(
    ("step", "given_", "number", "says"),
    [
        (PS_PASS.changed(wavelength_nm=532), {}, errors.LASER_CANNOT, "532 nm .* which offers 1064 nm"),
        (PS_PASS.changed(ps_width_ps=250), {}, errors.LASER_CANNOT, "ps_width 250 ps .*offers 800 ps"),
        (PS_PASS.changed(ps_spot_um=9000), {}, errors.HANDPIECE_CANNOT, "offers 4000, 6000, 8000, 10000 um"),
        (CO2_PASS.changed(co2_spot_um=130), {}, errors.HANDPIECE_CANNOT, "120, 1250 um; the nearest is 120 um"),
        (PS_PASS, {"tip": handpiece.generic_co2()}, errors.HANDPIECE_CANNOT, "1064 nm .*offers 10600 nm"),
        (CO2_PASS, {"tip": handpiece.generic_ps()}, errors.HANDPIECE_CANNOT, "10600 nm .*offers 532, 1064 nm"),
        (PS_PASS.changed(fluence_uj_cm2=1_200_000), {}, errors.LASER_CANNOT, "942.478 mJ .*: 20 mJ to 800 mJ"),
        (CO2_PASS.changed(co2_energy_uj=2399), {}, errors.LASER_CANNOT, "2.399 mJ .*: 2.4 mJ to 240 mJ"),
        (CO2_PASS.changed(co2_energy_uj=240_001), {}, errors.LASER_CANNOT, "allowed: 2.4 mJ to 240 mJ"),
        (CO2_PASS, {"board": Board(gate_bits=15)}, errors.BOARD_CANNOT, "gate of 375.000 us; .* 262.152 us, 62.916 mJ"),
        (PS_PASS, {"ps": None}, errors.LASER_CANNOT, "needs the ps laser"),
        (PS_PASS, {"ps": CO2}, errors.LASER_CANNOT, "generic-co2-240w is not a ps laser"),
        (CO2_PASS, {"co2": NO_SCANNER},
         errors.SCANNER_CANNOT, "11 spots, but generic-co2-240w has no scanner; give shape point"),
        (CO2_PASS.changed(order="serpentine"), {"co2": with_sources(CO2, scanner="stepped")}, errors.SCANNER_CANNOT,
         "steps in its own order; give order raster"),
        (CO2_PASS.changed(size_um=12_000, density_ppm=5000), {}, errors.SCANNER_CANNOT,
         "handpiece generic-combined allows 5000 um; give a smaller size"),
        (CO2_PASS.changed(size_um=4000), {"co2": with_sources(CO2, scan_field_um=3000)}, errors.SCANNER_CANNOT,
         "generic-co2-240w allows 1500 um"),
        (CO2_PASS.changed(size_um=200), {}, errors.SCANNER_CANNOT, "less than half a spot; give at least 14.1"),
        (CO2_PASS.changed(size_um=10_000, density_ppm=300_000), {}, errors.BOARD_CANNOT, "2653 shots .* allows 2000"),
        (PS_PASS, {"board": Board(max_burst=4)}, errors.BOARD_CANNOT, "a pattern of 5 shots is too long; .* allows 4"),
        (CO2_PASS.changed(size_um=220, density_ppm=360_000), {}, errors.SCANNER_CANNOT, "would overlap"),
        (CO2_PASS.changed(size_um=8000, order="farthest", density_ppm=100_000), {}, errors.SCANNER_CANNOT, "up to 500"),
        (PS_PASS, {"ps": with_sources(PS, fire_width_ns=10_001)}, errors.BOARD_CANNOT, "10000.000 and 10008.000 ns"),
        (PS_PASS, {"ps": with_sources(LAMP, qsw_width_ns=40_000)}, errors.BOARD_CANNOT, r"allows 4095 \(32.760 us\)"),
        (PS_PASS, {"ps": LAMP, "board": Board(qsw_delay_high_us=160)}, errors.BOARD_CANNOT, "allows 100 to 160 us"),
        (PS_PASS.changed(rate_mhz=40), {"board": Board(max_period_cycles=2**31)}, errors.BOARD_CANNOT, "is 17.180 s"),
    ],
)  # fmt: skip
def test_what_cannot_be_kept_is_refused_with_reason_and_nearest(
    step: Pass, given_: dict[str, Any], number: int, says: str
) -> None:
    refused(step, number, says, **given_)


def test_the_pass_that_is_refused_is_named() -> None:
    with pytest.raises(PlanError, match=r"^pass 2: rate 250"):
        plan_of(PS_PASS, CO2_PASS.changed(rate_mhz=250_000))


# Pairs.


@pytest.mark.parametrize(
    ("delay_ns", "cycles"), [(1000, 125), (1008, 126), (53_200, 6650), (10**9, 125_000_000), (10**10, 1_250_000_000)]
)
def test_pair_delays_from_1_us_to_10_s_are_exact(delay_ns: int, cycles: int) -> None:
    step = pair(delay_ns=delay_ns, verified=delay_ns > 50_000, rate_mhz=None, period_us=20_000_000)
    done = one(step, ps=SILENT)
    assert (done.pair_delay_cycles, done.pair_from, done.kind) == (cycles, "trigger", "pair")
    assert done.count == done.spots == 11
    assert done.verified == (delay_ns > 50_000)


@pytest.mark.proves("R-PLN-1")
@given(st.integers(1000, 10**10))
@settings(max_examples=60, deadline=None)
def test_a_pair_delay_is_exact_or_refused_with_its_neighbours(delay_ns: int) -> None:
    step = pair(delay_ns=delay_ns, verified=False, rate_mhz=None, period_us=20_000_000)
    if delay_ns % 8 == 0 and delay_ns < 6400:
        refused(step, errors.TOO_FAST, "sync at latest")
    elif delay_ns % 8 == 0:
        assert one(step).pair_delay_cycles * 8 == delay_ns
    else:
        below = delay_ns // 8 * 8
        refused(step, errors.BOARD_CANNOT, rf"nearest are {below}\.000 and {below + 8}\.000 ns")


def test_a_verified_delay_shorter_than_the_verdict_is_refused_with_the_shortest(figure: Figure) -> None:
    says = (
        r"delay 53\.192 us from the trigger is too short: light at latest 1\.200 us \+ settling 20\.000 us \+ samples "
        r"12\.000 us \+ decision 15\.000 us \+ margin 5\.000 us; the shortest is 53\.200 us, or name it unverified"
    )
    refused(pair(delay_ns=53_192), errors.TOO_FAST, says)
    done = one(pair(delay_ns=53_200))
    assert done.pair_delay_cycles == done.min_pair_delay_cycles
    figure("shortest verified pair delay, generic lasers", "53.2", "us", limit="settle + samples + decision + margin")


def test_a_verified_delay_from_the_sync_counts_from_its_earliest_moment() -> None:
    refused(
        pair(delay_ns=52_592, delay_from="sync"),
        errors.TOO_FAST,
        r"less sync at earliest -0\.600 us; the shortest is 52\.600 us",
    )
    done = one(pair(delay_ns=52_600, delay_from="sync"))
    assert (done.pair_from, done.sync_open_cycles, done.sync_close_cycles) == ("sync", 75, 175)


def test_an_unverified_delay_from_the_trigger_leaves_time_to_check_the_sync_where_there_is_one() -> None:
    says = (
        r"unverified delay 6\.392 us from the trigger .*: sync at latest 1\.400 us \+ sync check 5\.000 us; "
        r"the shortest is 6\.400 us$"
    )
    refused(pair(delay_ns=6392, verified=False), errors.TOO_FAST, says)
    assert one(pair(delay_ns=6400, verified=False)).pair_delay_cycles == 800
    assert one(pair(delay_ns=1000, verified=False), ps=SILENT).pair_delay_cycles == 125


def test_an_unverified_delay_from_the_sync_leaves_time_to_check_the_sync() -> None:
    says = r"unverified delay 5\.792 us .*: sync window 0\.800 us \+ sync check 5\.000 us; the shortest is 5\.800 us$"
    refused(pair(delay_ns=5792, delay_from="sync", verified=False), errors.TOO_FAST, says)
    assert one(pair(delay_ns=5800, delay_from="sync", verified=False)).pair_delay_cycles == 725


def test_a_delay_from_the_sync_needs_a_laser_that_gives_one() -> None:
    refused(
        pair(delay_from="sync"),
        errors.LASER_CANNOT,
        "generic-ps-1064 gives no sync; give delay_from trigger",
        ps=SILENT,
    )


def test_a_board_with_narrower_delays_is_respected() -> None:
    refused(
        pair(delay_ns=1000, verified=False),
        errors.TOO_FAST,
        "the shortest is 2.000 us",
        board=Board(pair_min_cycles=250),
        ps=SILENT,
    )
    narrow = Board(pair_max_cycles=25_000)
    refused(pair(delay_ns=200_008), errors.BOARD_CANNOT, "the longest is 200.000 us", board=narrow)


@pytest.mark.parametrize(("profile", "start_us"), [(PS, 0), (LAMP, 170)])
def test_a_pairs_period_holds_lamp_delay_gate_and_dead_time(profile: laser.Laser, start_us: int) -> None:
    done = one(pair(delay_ns=150_000_000), ps=profile)
    assert done.min_period_cycles == start_us * 125 + 18_750_000 + 46_875 + 2**19 + 64
    refused(
        pair(delay_ns=199_000_000), errors.TOO_FAST, r"too fast for the co2 trigger: pair delay 199\.000 ms", ps=profile
    )


@pytest.mark.proves("R-PLN-3")
def test_unverified_is_said_wherever_the_plan_is_shown() -> None:
    plan = plan_of(pair(verified=False))
    assert any("UNVERIFIED" in warning for warning in plan.warnings)
    assert sum("UNVERIFIED" in line for line in plan.lines()) == 2
    assert not any("UNVERIFIED" in line for line in plan_of(pair()).lines())


# Warnings, text, identity.


@pytest.mark.proves("R-PLN-3")
def test_areas_that_differ_more_than_twofold_in_one_press_are_warned_of() -> None:
    plan = compile_plan(recipe.calcinosis_1_combined(), PS, CO2, TIP, BOARD)
    assert plan.warnings == ("passes 1 and 2: areas treated by one press differ 19.6-fold (more than twofold)",)
    assert "WARNING: " + plan.warnings[0] in list(plan.lines())
    assert not compile_plan(recipe.calcinosis_1(), PS, CO2, TIP, BOARD).warnings


@pytest.mark.proves("R-PLN-3")
def test_areas_up_to_twofold_are_not_warned_of() -> None:
    combined = [
        step.changed(pedal="combined")
        for step in (PS_PASS.changed(ps_spot_um=4000), CO2_PASS.changed(shape="circle", size_um=4000))
    ]
    assert not plan_of(*combined).warnings


@pytest.mark.proves("R-PLN-2")
def test_the_plan_shows_areas_doses_totals_and_marks_what_the_source_leaves_open() -> None:
    text = "\n".join(compile_plan(recipe.calcinosis_1_combined(), PS, CO2, TIP, BOARD).lines())
    for part in (
        "JAAD Case Reports 2020;6:852-3",
        "0.76 J/cm2 on 10 mm (78.54 mm2); 746 MW, 0.95 GW/cm2",
        "596.9 mJ a pulse",
        "5 pulses*, 2984.5 mJ, 3.8 J/cm2 in total",
        "square* 2 mm (4.000 mm2)",
        "11 pulses, 990.0 mJ, area dose 24.75 J/cm2, mean 18.0 W",
        "50.000 ms from first to last trigger",
        "with BOTH LASERS",
        "* the operator's choice, not in the source",
    ):
        assert part in text
    assert max(map(len, text.splitlines())) < 140


def changes_that_matter() -> Iterator[Any]:
    """Yield plans that differ from calcinosis-1 in one thing each."""
    base = recipe.calcinosis_1()
    ps, co2 = base.passes
    yield compile_plan(base.changed(passes=(ps.changed(pulses=6), co2)), PS, CO2, TIP, BOARD)
    yield compile_plan(base.changed(passes=(ps, co2.changed(co2_energy_uj=90_001))), PS, CO2, TIP, BOARD)
    yield compile_plan(base.changed(passes=(ps, co2.changed(order="serpentine"))), PS, CO2, TIP, BOARD)
    yield compile_plan(base.changed(passes=(ps, co2.changed(stop_ppm=190_000))), PS, CO2, TIP, BOARD)
    yield compile_plan(base.changed(name="other"), PS, CO2, TIP, BOARD)
    yield compile_plan(base, with_sources(PS, internal_jitter_ns=201), CO2, TIP, BOARD)
    yield compile_plan(base, PS, with_sources(CO2, tail_us=151), TIP, BOARD)
    yield compile_plan(base, PS, CO2, TIP.changed(scan_range_um=12_001), BOARD)
    yield compile_plan(base, PS, CO2, TIP, Board(decision_us=14))


@pytest.mark.proves("R-PLN-5")
def test_the_hash_is_the_same_for_the_same_plan_and_differs_for_any_other(figure: Figure) -> None:
    plans = [compile_plan(recipe.calcinosis_1(), PS, CO2, TIP, BOARD) for _ in range(2)]
    loaded = recipe.loads(recipe.dumps(recipe.calcinosis_1()))
    plans.append(
        compile_plan(loaded, laser.loads(laser.dumps(PS)), CO2, handpiece.loads(handpiece.dumps(TIP)), Board())
    )
    assert len({plan.crc for plan in plans}) == 1
    others = {plan.crc for plan in changes_that_matter()}
    assert len(others | {plans[0].crc}) == 10
    assert plans[0].name == f"calcinosis-1/{plans[0].crc:08X}"
    figure("hash of the plan of calcinosis-1", plans[0].name)


@pytest.mark.parametrize("ps", [PS, LAMP])
@pytest.mark.parametrize("made", [recipe.calcinosis_1(), recipe.Recipe((pair(delay_ns=400_000),), name="pairs")])
def test_the_facts_alone_give_the_same_plan_as_the_entries(made: recipe.Recipe, ps: laser.Laser) -> None:
    """A board plans with facts: entries do not fit into its memory beside the planning."""
    entries = (made, ps, CO2, TIP)
    identity = Identity()
    for entry in entries:
        list(identity.add(entry))
    job = PlanJob(made.facts(), ps.facts(), CO2.facts(), TIP.facts(), BOARD, identity)
    list(job.steps())
    assert job.plan is not None
    list(describe(job, job.plan))
    plan = compile_plan(*entries, BOARD)
    assert (job.plan.name, job.plan.text) == (plan.name, plan.text)
    for one_plan, other in zip(plan.passes, job.plan.passes, strict=True):
        assert [getattr(one_plan, n) for n in PASS_FIGURES] == [getattr(other, n) for n in PASS_FIGURES]


def test_a_moved_plan_is_the_same_and_shares_no_array() -> None:
    plan = compile_plan(recipe.calcinosis_1_combined(), PS, CO2, TIP, BOARD)
    twin = moved(plan)
    rests: list[int] = []
    move_arrays(twin, lambda: rests.append(1))
    assert len(rests) == 2 * len(ARRAYS)
    assert (twin.name, twin.text, twin.presses, twin.warnings) == (plan.name, plan.text, plan.presses, plan.warnings)
    for one_plan, other in zip(plan.passes, twin.passes, strict=True):
        assert [getattr(one_plan, n) for n in PASS_FIGURES] == [getattr(other, n) for n in PASS_FIGURES]
        for name in ARRAYS:
            assert getattr(one_plan, name) == getattr(other, name)
            assert getattr(one_plan, name) is not getattr(other, name)
    assert twin.passes[1].co2.stop_high_uj == 108_000


class LineCount:
    """Counts the lines of Python that run while it is the trace function."""

    def __init__(self) -> None:
        self.lines = 0

    def __call__(self, frame: FrameType, event: str, argument: object) -> LineCount:
        self.lines += event == "line"
        return self


def lines_of_each_piece(job: PlanJob) -> list[int]:
    """Compile, and return how many lines of Python ran in each piece."""
    counts = []
    steps = job.steps()
    before = sys.gettrace()
    while job.plan is None:
        count = LineCount()
        sys.settrace(count)
        try:
            next(steps, None)
        finally:
            sys.settrace(before)
        counts.append(count.lines)
    return counts


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"size_um": 9500, "order": "shuffle", "seed": 1},
        {"size_um": 9500, "order": "serpentine", "shape": "circle"},
        {"size_um": 4700, "order": "farthest"},
    ],
)
def test_the_supervisor_gets_its_turn_every_700_lines_of_compiling(changes: dict[str, Any], figure: Figure) -> None:
    step = CO2_PASS.changed(**({"density_ppm": 250_000, **changes} if changes else {}))
    job = PlanJob(recipe.Recipe((step,), name="x"), PS, CO2, TIP, BOARD)
    pieces = lines_of_each_piece(job)
    assert job.plan is not None
    spots = job.plan.passes[0].spots
    figure(f"lines of Python in one piece of compiling {spots} spots, {step.order}", max(pieces), limit="<= 700")
    assert max(pieces) <= 700
    assert len(pieces) > sum(pieces) / 700


def test_a_refused_job_has_no_plan() -> None:
    job = PlanJob(recipe.Recipe((CO2_PASS.changed(rate_mhz=250_000),), name="x"), PS, CO2, TIP, BOARD)
    with pytest.raises(PlanError):
        list(job.steps())
    assert job.plan is None


def test_the_longest_burst_fits_in_small_arrays(figure: Figure) -> None:
    step = CO2_PASS.changed(size_um=9500, density_ppm=250_000, order="shuffle", seed=1)
    done = one(step)
    size = sum(len(a) * a.itemsize for a in (done.positions, done.order, done.codes))
    figure(f"memory for {done.spots} spots", size, "bytes", limit="10 a spot")
    assert done.spots == 1995
    assert size == 10 * done.spots


@pytest.mark.parametrize("values", [{"clock": 1}, {"clock_hz": 1.5e8}, {"max_burst": -1}, {"max_burst": True}])
def test_a_board_with_unknown_or_broken_capabilities_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(TypeError):
        Board(**values)


def test_any_object_with_a_boards_attributes_will_do() -> None:
    class Other:
        DEFAULTS = Board.DEFAULTS
        name = "other"
        max_gate_cycles = 131_073

    for key, value in Board.DEFAULTS:
        setattr(Other, key, value)
    assert one(CO2_PASS, board=Other()).count == 11


@pytest.mark.proves("R-PLN-1")
@given(
    st.sampled_from(optics.SHAPES[1:]), st.integers(500, 9000), st.integers(1000, 250_000), st.integers(2400, 240_000),
    st.sampled_from([200_000, 100_000, 50_000]), st.integers(1, 3),
)  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_every_scan_is_planned_exactly_or_refused(
    shape: str, size: int, density: int, energy: int, rate: int, stack: int
) -> None:
    step = CO2_PASS.changed(
        shape=shape, size_um=size, density_ppm=density, co2_energy_uj=energy, rate_mhz=rate, pulses_per_spot=stack
    )
    try:
        done = one(step)
    except PlanError as error:
        assert error.number in errors.MEANINGS
        return
    assert done.period_cycles * rate == CLOCK * 1000
    assert done.count == done.spots * stack <= 2000
    assert abs(done.spots * 1000 - done.ideal_spots_milli) <= 501
    assert done.closest_um >= 120 or done.spots == 1
    assert done.gate_cycles + BOARD.dead_cycles < done.period_cycles
    assert max(abs(c) for c in done.positions) <= 5000
    assert all(type(getattr(done, name)) in (int, str, bool) for name in PASS_FIGURES)
    assert done.co2 is not None
    assert all(type(getattr(done.co2, name)) is int for name in PULSE_FIGURES)
