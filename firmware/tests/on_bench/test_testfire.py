"""Before a treatment one shot of each laser is proven, made like every other; after a fault it is due again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from stage import SHOTS, Figure, Stage, stage

RECIPE = "calcinosis-1-combined"


@pytest.fixture(scope="module")
def _due() -> Iterator[Stage]:
    with stage(settings={}) as found:
        found.use(RECIPE)
        found.bench.run_for(ms=400)
        found.save("due")
        yield found


@pytest.fixture
def due(_due: Stage) -> Stage:
    """The published session in use on a board whose settings are the defaults; a test fire is due."""
    return _due.again("due")


def fire_the_test(found: Stage) -> None:
    """Arm, and press the pedal until the test fire has passed."""
    assert found.fields("status")["testfire"] == "due"
    found.arm()
    assert found.fields("status")["testfire"] == "armed"
    found.bench.run_for(ms=400)
    found.press()
    found.told("the test fire passed", timeout_ms=4000)
    found.release()
    found.bench.run_for(ms=400)


@pytest.mark.proves("R-SRV-3", "R-SRV-4")
def test_one_shot_of_each_laser_comes_before_the_first_treatment(due: Stage, figure: Figure) -> None:
    fire_the_test(due)
    found = [len(due.rises(net)) for net in ("PS_FIRE", "CO2_GATE")]
    figure("shots of a test fire, ps and CO2", f"{found[0]} and {found[1]}", "shots", "1 and 1")
    assert found == [1, 1]
    assert due.shots() == [], "they are no treatment"
    assert due.fields("status")["presses"] == "0 of 100"
    due.arm()
    due.bench.run_for(ms=400)
    due.press()
    due.told("state READY", timeout_ms=4000)
    assert [len(due.rises(net)) for net in ("PS_FIRE", "CO2_GATE")] == [6, 12]


@pytest.mark.proves("R-SRV-3")
def test_the_shots_of_a_test_fire_are_on_record_as_such(due: Stage) -> None:
    fire_the_test(due)
    lines = due.ok("journal show 1", timeout_ms=20_000)
    shots = [line for line in lines if "kind=shot" in line]
    assert [(" pass=0 " in line, "verdict=pass" in line) for line in shots] == [(True, True)] * 2
    assert sum("kind=open" in line and "test=1" in line for line in lines) == 2


@pytest.mark.proves("R-SRV-4")
@pytest.mark.parametrize(("laser", "fault"), [("ps_laser", "51 ENERGY_LOW"), ("co2_laser", "51 ENERGY_LOW")])
def test_a_weak_shot_fails_the_test_fire_and_no_treatment_is_armed(due: Stage, laser: str, fault: str) -> None:
    due.bench.part(laser).set(next=[{"factor": 0.6}])
    due.arm()
    due.bench.run_for(ms=400)
    due.press()
    due.told(f"fault {fault}", timeout_ms=4000)
    due.release()
    due.bench.run_for(ms=500)
    due.ok("clear")
    due.told("state STANDBY")
    assert due.fields("status")["testfire"] == "due"


@pytest.mark.proves("R-SRV-3")
def test_a_fault_makes_it_due_again(due: Stage) -> None:
    fire_the_test(due)
    due.arm()
    due.bench.part("chain").set(door=0)
    due.told("fault 12")
    due.bench.part("chain").set(door=1)
    due.bench.run_for(ms=500)
    due.ok("clear")
    due.told("state STANDBY")
    fire_the_test(due)
    assert [len(due.rises(net)) for net in ("PS_FIRE", "CO2_GATE")] == [2, 2]


def test_letting_go_of_the_pedal_ends_the_test_fire_and_the_next_press_begins_it_anew(due: Stage) -> None:
    due.arm()
    due.bench.run_for(ms=400)
    due.press()
    due.run_to_shot("PS_FIRE")
    due.release()
    due.told("state READY")
    due.bench.run_for(ms=1000)
    assert len(due.rises("CO2_GATE")) == 0
    due.press()
    due.told("the test fire passed", timeout_ms=4000)
    assert [len(due.rises(net)) for net in ("PS_FIRE", "CO2_GATE")] == [2, 1]


def test_the_lamps_of_the_lasers_flash_while_a_test_fire_is_armed(due: Stage) -> None:
    due.arm()
    since = due.cycle
    due.bench.run_for(ms=2000)
    flashes = {net: len(due.rises(net, since)) for net in ("LAMP_PS", "LAMP_CO2")}
    assert all(3 <= count <= 5 for count in flashes.values()), flashes


@pytest.mark.proves("R-SRV-3")
def test_the_setting_takes_it_away() -> None:
    with stage(RECIPE) as found:
        assert found.fields("status")["testfire"] == "done"
        found.bench.run_for(ms=400)
        found.press()
        found.told("state READY", timeout_ms=4000)
        assert len(found.rises(SHOTS)) == 16


def test_it_can_be_asked_for_when_none_is_due(due: Stage) -> None:
    fire_the_test(due)
    due.ok("testfire")
    due.told("state READY", timeout_ms=8000)
    assert due.fields("status")["testfire"] == "armed"
    due.ok("standby")
    due.told("state STANDBY")
    assert due.fields("status")["testfire"] == "done", "the one that passed still counts"
