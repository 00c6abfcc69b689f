"""SERVICE: by PIN from STANDBY, for settings and for pulses on one output while no light can come of them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from stage import CYCLES_A_MS, DRIVEN, TRIGGERS, Figure, Stage, stage

WIDTH_CYCLES = 1250
PERIOD_CYCLES = 200 * CYCLES_A_MS


@pytest.fixture(scope="module")
def _service() -> Iterator[Stage]:
    with stage() as found:
        found.bench.run_for(ms=500)
        found.save("standby")
        found.ok("service 0000")
        found.told("state SERVICE")
        found.bench.run_for(ms=500)
        found.bench.clear_edges()
        found.save("service")
        yield found


@pytest.fixture
def service(_service: Stage) -> Stage:
    """The controller in SERVICE, no recipe in use, both lasers not ready."""
    found = _service.again("service")
    for laser in ("ps_laser", "co2_laser"):
        found.bench.part(laser).set(is_ready=0)
    found.bench.run_for(ms=50)
    return found


@pytest.fixture
def standby(_service: Stage) -> Stage:
    """The controller in STANDBY."""
    return _service.again("standby")


@pytest.mark.proves("R-SRV-1")
def test_a_wrong_pin_is_refused_and_three_seconds_have_to_pass(standby: Stage) -> None:
    assert standby.board.command("service 1234")[-1].startswith("ERROR 28")
    assert standby.board.command("service 0000")[-1].startswith("ERROR 28"), "too soon"
    assert standby.state == "STANDBY"
    standby.bench.run_for(ms=3000)
    standby.ok("service 0000")
    standby.told("state SERVICE")
    lines = standby.ok("journal show 1", timeout_ms=20_000)
    assert [line.split("service=")[1] for line in lines if "kind=login" in line] == ["refused", "granted"]


@pytest.mark.proves("R-SRV-1")
def test_service_ends_by_itself(service: Stage) -> None:
    service.ok("set service_s 30", timeout_ms=4000)
    service.ok("service 0000")
    service.bench.run_for(ms=29_000)
    assert service.state == "SERVICE"
    service.told("state STANDBY: the service time is over", timeout_ms=3000)


@pytest.mark.proves("R-SRV-2")
@pytest.mark.parametrize("output", TRIGGERS)
def test_scope_makes_ten_pulses_at_5_hz_on_one_output_alone(service: Stage, output: str, figure: Figure) -> None:
    service.ok(f"scope {output} 10")
    service.told(f"# scope {output}: 10 pulses, done", timeout_ms=4000)
    ups = service.rises(output)
    widths = {down - up for up, down in zip(ups, [e.cycle for e in service.edges(output) if not e.level], strict=True)}
    periods = [b - a for a, b in pairwise(ups)]
    figure(f"width of scope's pulses on {output}", max(widths), "cycles", str(WIDTH_CYCLES))
    figure(f"shortest period of scope's pulses on {output}", round(min(periods) / CYCLES_A_MS, 1), "ms", "at least 200")
    assert len(ups) == 10 and widths == {WIDTH_CYCLES}
    assert min(periods) >= PERIOD_CYCLES
    others = tuple(net for net in TRIGGERS if net != output)
    assert service.rises(others) == []
    assert service.state == "SERVICE"


@pytest.mark.proves("R-SRV-2")
@pytest.mark.parametrize(
    ("part", "values", "reason"),
    [
        ("chain", {"door": 0}, "SAFE is open"),
        ("ps_laser", {"is_ready": 1}, "the laser behind this output is ready"),
    ],
)
def test_scope_is_refused_unless_no_light_can_come(
    service: Stage, part: str, values: dict[str, Any], reason: str
) -> None:
    service.bench.part(part).set(**values)
    service.bench.run_for(ms=50)
    assert service.board.command("scope PS_FIRE 3")[-1] == f'ERROR 30 "{reason}"'
    service.bench.run_for(ms=500)
    assert service.rises(TRIGGERS + DRIVEN) == []


@pytest.mark.proves("R-SRV-2")
@pytest.mark.parametrize(
    ("shutter", "fault"), [("ps_shutter", "37 PS_SHUTTER_NOT_CLOSED"), ("co2_shutter", "38 CO2_SHUTTER_NOT_CLOSED")]
)
def test_a_shutter_that_is_not_seen_closed_ends_scope_and_service(service: Stage, shutter: str, fault: str) -> None:
    service.ok("scope SYNC_OUT 10")
    service.run_to_shot("SYNC_OUT", 2)
    service.bench.part(shutter).set(closed_contact=0)
    service.told(f"fault {fault}")
    service.bench.run_for(ms=1000)
    assert len(service.rises("SYNC_OUT")) == 2


@pytest.mark.proves("R-SRV-2")
def test_scope_stops_before_the_next_pulse_when_the_laser_gets_ready(service: Stage) -> None:
    service.ok("scope CO2_GATE 10")
    service.run_to_shot("CO2_GATE", 3)
    service.bench.part("co2_laser").set(is_ready=1)
    service.told("# scope CO2_GATE: 3 pulses, stopped: the laser behind this output is ready", timeout_ms=1000)
    service.bench.run_for(ms=1000)
    assert len(service.rises("CO2_GATE")) == 3


def test_standby_ends_scope(service: Stage) -> None:
    service.ok("scope CO2_GATE 10")
    service.run_to_shot("CO2_GATE", 2)
    service.ok("standby")
    service.told("state STANDBY")
    service.bench.run_for(ms=1000)
    assert len(service.rises("CO2_GATE")) == 2


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("scope CO2_GATE 11", 29),
        ("scope CO2_GATE 0", 29),
        ("scope GP4 1", 29),
        ("scope CO2_GATE many", 29),
        ("set idle_s 9", 29),
        ("set idle 60", 29),
        ("clock yesterday", 29),
        ("clock 2026-02-29T00:00:00Z", 29),
        ("journal show x", 29),
        ("journal pulled 999999", 29),
    ],
)
def test_bad_values_are_refused_with_what_is_allowed(service: Stage, line: str, code: int) -> None:
    reply = service.board.command(line)[-1]
    assert reply.startswith(f"ERROR {code} "), reply
    assert service.rises(TRIGGERS) == []


@pytest.mark.parametrize("line", ["scope CO2_GATE 1", "set idle_s 60"])
def test_what_belongs_to_service_is_refused_in_standby(standby: Stage, line: str) -> None:
    assert standby.board.command(line)[-1].startswith("ERROR 20 ")


@pytest.mark.proves("R-SET-1")
def test_a_setting_is_in_use_at_once_and_after_power_is_back(service: Stage) -> None:
    service.ok("set arming_ms 3000", timeout_ms=4000)
    assert any("name=arming_ms value=3000" in line for line in service.ok("settings"))
    service.board.reset("power")
    service.boot()
    assert any("name=arming_ms value=3000" in line for line in service.ok("settings"))
    assert any("kind=setting name=arming_ms before=2000 after=3000" in x for x in service.ok("journal show 1", 20_000))


def test_the_clock_is_unset_until_somebody_sets_it(standby: Stage) -> None:
    assert "time=unset" in standby.ok("journal status")[-1]
    assert standby.ok("clock 2026-11-26T09:30:00Z") == ["OK time=2026-11-26T09:30:00Z"]
    standby.bench.run_for(ms=5000)
    assert "time=2026-11-26T09:30:05Z" in standby.ok("journal status")[-1]
    lines = standby.ok("journal show 1", timeout_ms=20_000)
    assert "time=unset" in lines[1] and "time=2026-11-26T09:30" in lines[-2]
