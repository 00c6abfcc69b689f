"""Lasers that differ or misbehave: syncs, light in the dark, lamp and Q-switch, a stepped scanner, a pair."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from stage import DRIVEN, LAMP, TRIGGERS, Figure, Stage, stage
from tandem.dose import handpiece, laser, plan, recipe
from tandem.dose.board import Board

STEPPED = """
    from tandem import catalog
    xy = catalog.co2_laser
    published = catalog.RECIPES["calcinosis-1-combined"]
    def stepped():
        found = xy()
        found.scanner = "stepped"
        return found
    def slow():
        from tandem.dose import recipe
        ps, co2 = published().passes
        return recipe.Recipe((ps, co2.changed(rate_mhz=100000, order="raster", pulses_per_spot=2)), name="stepped")
    catalog.co2_laser = stepped
    catalog.RECIPES["stepped"] = slow
"""
PAIR = """
    from tandem import catalog
    published = catalog.RECIPES["calcinosis-1-combined"]
    def pair():
        from tandem.dose import recipe
        ps, co2 = published().passes
        values = {f.name: v for step in (co2, ps) for f, v in step.given()}
        values.pop("pulses")
        values.update(pedal="combined", delay_ns=100000, delay_from="trigger", verified=True, rate_mhz=5000)
        values["not_in_source"] = ()
        return recipe.Recipe((recipe.PairPass(**values),), name="pair")
    catalog.RECIPES["pair"] = pair
"""
GATE_CYCLES = 46_875
LAMP_TO_QSW_CYCLES = 170 * 125


@pytest.mark.proves("R-ENE-4")
@pytest.mark.parametrize(
    ("override", "fault"),
    [
        ({"no_sync": True}, "61 SYNC_MISSING"),
        ({"sync_offset_ns": -600}, "62 SYNC_EARLY"),
        ({"sync_offset_ns": 700}, "61 SYNC_MISSING"),
        ({"extra_sync_us": 8}, "63 SYNC_DOUBLE"),
    ],
)
def test_a_sync_that_is_not_as_it_should_be_ends_the_pass(session: Stage, override: dict[str, Any], fault: str) -> None:
    session.bench.part("ps_laser").set(next=[None, override])
    session.press()
    session.told(f"fault {fault}", timeout_ms=4000)
    session.bench.run_for(ms=500)
    assert len(session.rises("PS_FIRE")) == 2
    assert session.rises("CO2_GATE") == []


@pytest.mark.proves("R-ENE-3")
def test_light_that_no_gate_made_ends_the_scan(session: Stage) -> None:
    session.press()
    third = session.run_to_shot("CO2_GATE", 3)
    session.run(625_000 - 2 * 125_000)
    session.bench.part("co2_laser").emit_us(1500)
    session.told("fault 55 ENERGY_UNEXPECTED")
    session.bench.run_for(ms=50)
    assert session.rises("CO2_GATE")[-1] == third


@pytest.mark.proves("R-ENE-3")
def test_light_just_before_a_gate_ends_the_scan(session: Stage) -> None:
    """It comes after the permit, 60 us before the gate: the shot cannot be taken back, the next one can."""
    session.press()
    third = session.run_to_shot("CO2_GATE", 3)
    session.run(625_000 - 60 * 125)
    session.bench.part("co2_laser").emit_us(40)
    session.told("fault 55 ENERGY_UNEXPECTED")
    session.bench.run_for(ms=50)
    assert session.rises("CO2_GATE", since=third + 1) == [third + 625_000]


@pytest.fixture(scope="module")
def _lamp() -> Iterator[Stage]:
    with stage("calcinosis-1-combined", LAMP, ps_laser="lamp_qswitch") as found:
        yield found


@pytest.mark.proves("R-TIM-4")
def test_lamp_and_q_switch_come_in_one_pass(_lamp: Stage, figure: Figure) -> None:
    lamp = _lamp.again()
    lamp.press()
    lamp.told("state READY", timeout_ms=4000)
    flashes, switches = lamp.rises("PS_FIRE"), lamp.rises("PS_QSW")
    assert len(flashes) == len(switches) == 5
    errors = {q - f - LAMP_TO_QSW_CYCLES for f, q in zip(flashes, switches, strict=True)}
    figure("lamp to Q-switch, error", max(errors, key=abs), "cycles", "0")
    assert errors == {0}
    assert [shot["verdict"] for shot in lamp.shots()] == ["pass"] * 16


@pytest.mark.proves("R-TIM-4")
def test_a_q_switch_that_safe_withheld_is_told(_lamp: Stage) -> None:
    lamp = _lamp.again()
    lamp.press()
    lamp.run_to_shot("PS_FIRE", 3)
    lamp.run(LAMP_TO_QSW_CYCLES // 2)
    lamp.bench.part("chain").set(door=0)
    lamp.told("fault 12 DOOR_OPENED")
    lamp.bench.run_for(ms=300)
    assert len(lamp.rises("PS_QSW")) == 2
    assert lamp.shots()[-1]["verdict"] == "withheld"
    assert lamp.high(TRIGGERS + DRIVEN) == []


def places() -> list[tuple[float, float]]:
    """Return the spots of the published scan in the scanner's own order, mm."""
    job = plan.PlanJob(
        recipe.Recipe((recipe.calcinosis_1_combined().passes[1].changed(order="raster", pedal="stamp"),), name="spots"),
        None,
        laser.generic_co2_240w(),
        handpiece.generic_combined(),
        Board(),
    )
    for _ in job.steps():
        pass
    assert job.plan is not None
    xy = job.plan.passes[0].positions
    return [(xy[2 * i] / 1000, xy[2 * i + 1] / 1000) for i in range(len(xy) // 2)]


@pytest.mark.proves("R-OPT-7")
def test_a_stepped_scanner_goes_one_place_on_after_each_spot() -> None:
    spots = places()
    with stage("stepped", STEPPED, scanner="stepped", positions=spots) as found:
        found.press()
        found.told("state READY", timeout_ms=5000)
        landed = found.bench.part("co2_laser").probe()["pulses"]
        assert [(p["x_mm"], p["y_mm"]) for p in landed] == [spot for spot in spots for _ in range(2)]
        assert not any(p["moved"] for p in landed)
        assert {b - a for a, b in pairwise(found.rises("CO2_GATE"))} == {1_250_000}


@pytest.fixture(scope="module")
def _pair() -> Iterator[Stage]:
    with stage("pair", PAIR) as found:
        yield found


@pytest.mark.proves("R-ENE-5", "R-TIM-2")
def test_a_verified_pair_waits_for_the_ps_energy(_pair: Stage, figure: Figure) -> None:
    pair = _pair.again()
    pair.press()
    pair.told("state READY", timeout_ms=5000)
    ps, co2 = pair.rises("PS_FIRE"), pair.rises("CO2_GATE")
    assert len(ps) == len(co2) == 11
    errors = {c - p - 12_500 for p, c in zip(ps, co2, strict=True)}
    figure("verified pair delay of 100 us in a session, error", max(errors, key=abs), "cycles", "0")
    assert errors == {0}
    assert [shot["verdict"] for shot in pair.shots()] == ["pass"] * 22


@pytest.mark.proves("R-ENE-5", "R-ENE-4")
@pytest.mark.parametrize(
    ("override", "fault"),
    [
        ({"factor": 0.5}, "51 ENERGY_LOW"),
        ({"no_sync": True}, "61 SYNC_MISSING"),
        ({"missing": True}, "61 SYNC_MISSING"),
    ],
)
def test_a_pair_whose_ps_pulse_is_wrong_has_no_co2_pulse(_pair: Stage, override: dict[str, Any], fault: str) -> None:
    pair = _pair.again()
    pair.bench.part("ps_laser").set(next=[None, None, override])
    pair.press()
    pair.told(f"fault {fault}", timeout_ms=4000)
    pair.bench.run_for(ms=300)
    assert (len(pair.rises("PS_FIRE")), len(pair.rises("CO2_GATE"))) == (3, 2)


@pytest.mark.proves("R-PED-8", "R-STA-11", "R-IND-8")
def test_a_held_pedal_repeats_the_ps_pattern_and_next_goes_on_to_the_scan() -> None:
    with stage("calcinosis-1") as found:
        found.press()
        found.run_to_shot("PS_FIRE", 11, timeout_ms=6000)
        rises = found.rises("PS_FIRE")
        assert rises[5] - rises[0] == pytest.approx(2 * 125_000_000, rel=0.01)
        found.release()
        found.told("state READY: the pedal was released")
        found.bench.run_for(ms=500)
        found.bench.part("buttons").press(["NEXT", 100])
        found.told("state READY: the arming time is over", timeout_ms=5000)
        found.bench.run_for(ms=500)
        found.press()
        found.told("state READY", timeout_ms=3000)
        assert len(found.rises("PS_FIRE")) == 11
        assert len(found.rises("CO2_GATE")) == 11
