"""The published session, from READY to the last spot, and what ends it early."""

from __future__ import annotations

from itertools import pairwise

import pytest
from stage import CYCLES_A_MS, DRIVEN, TRIGGERS, Figure, Stage

PS_SHOTS = 5
CO2_SHOTS = 11


def to_the_scan(session: Stage, shots: int = 4) -> int:
    """Press the pedal and stop after some CO2 shots; return the cycle of the last one's rise."""
    session.press()
    return session.run_to_shot("CO2_GATE", shots)


@pytest.mark.proves("R-OPT-7", "R-PER-12")
def test_the_session_is_delivered(session: Stage, figure: Figure) -> None:
    session.press()
    session.told("state READY", timeout_ms=4000)
    ps, co2 = session.rises("PS_FIRE"), session.rises("CO2_GATE")
    assert (len(ps), len(co2)) == (PS_SHOTS, CO2_SHOTS)
    assert {b - a for a, b in pairwise(ps)} == {25_000_000}
    assert {b - a for a, b in pairwise(co2)} == {625_000}
    landed = session.bench.part("co2_laser").probe()["pulses"]
    assert len({(round(p["x_mm"], 2), round(p["y_mm"], 2)) for p in landed}) == CO2_SHOTS
    assert not any(p["moved"] for p in landed)
    assert [shot["verdict"] for shot in session.shots()] == ["pass"] * (PS_SHOTS + CO2_SHOTS)
    assert session.bench.conflicts() == []
    beats = [edge.cycle for edge in session.edges("HEARTBEAT")]
    longest_ms = max(b - a for a, b in pairwise(beats)) / CYCLES_A_MS
    figure("longest HEARTBEAT interval in a session", round(longest_ms, 1), "ms", "< 450, the supervisor part's time")
    assert longest_ms < 450
    figure("last ps shot to first CO2 shot of the session", round((co2[0] - ps[-1]) / CYCLES_A_MS, 3), "ms")


@pytest.mark.proves("R-ENE-2", "R-ENE-6")
@pytest.mark.parametrize("shot", [1, 5, 10])
def test_a_weak_shot_stops_the_sequence_before_the_next(session: Stage, shot: int) -> None:
    session.bench.part("co2_laser").set(next=[None] * (shot - 1) + [{"factor": 0.6}])
    session.press()
    session.told("fault 51 ENERGY_LOW", timeout_ms=4000)
    session.bench.run_for(ms=50)
    assert len(session.rises("CO2_GATE")) == shot
    told = session.fields("faults")["detail"]
    assert told.startswith(f"co2 shot {shot} of pass 2: 5")
    assert "is low" in told
    assert "permille off 90000 uJ" in told


@pytest.mark.proves("R-ENE-2")
@pytest.mark.parametrize("shot", [1, 4])
def test_a_strong_ps_shot_stops_the_sequence_before_the_next(session: Stage, shot: int) -> None:
    session.bench.part("ps_laser").set(next=[None] * (shot - 1) + [{"factor": 1.3}])
    session.press()
    session.told("fault 52 ENERGY_HIGH", timeout_ms=4000)
    session.bench.run_for(ms=500)
    assert len(session.rises("PS_FIRE")) == shot
    assert session.rises("CO2_GATE") == []


@pytest.mark.proves("R-ENE-2")
def test_a_missing_pulse_stops_the_sequence(session: Stage) -> None:
    session.bench.part("ps_laser").set(next=[None, {"factor": 0}])
    session.press()
    session.told("fault 53 ENERGY_MISSING", timeout_ms=4000)
    session.bench.run_for(ms=500)
    assert len(session.rises("PS_FIRE")) == 2


@pytest.mark.proves("R-ENE-2")
@pytest.mark.parametrize(("laser", "shot"), [("ps_laser", {"energy_mj": 2000}), ("co2_laser", {"peak_w": 900})])
def test_a_saturated_channel_stops_the_sequence_and_is_named(session: Stage, laser: str, shot: dict[str, int]) -> None:
    session.bench.part(laser).set(next=[None, shot])
    session.press()
    session.told("fault 54 ENERGY_SATURATED", timeout_ms=4000)
    session.bench.run_for(ms=500)
    assert len(session.rises("PS_FIRE" if laser == "ps_laser" else "CO2_GATE")) == 2
    assert session.shots()[-1]["verdict"] == "saturated"


@pytest.mark.proves("R-STP-7")
def test_opening_safe_in_the_scan_is_a_fault(session: Stage) -> None:
    last = to_the_scan(session)
    session.bench.part("chain").set(door=0)
    session.told("fault 12 DOOR_OPENED")
    session.bench.run_for(ms=50)
    assert session.rises("CO2_GATE")[-1] == last
    assert session.high(TRIGGERS + DRIVEN) == []


@pytest.mark.proves("R-PED-6", "R-STA-14")
def test_releasing_the_pedal_in_the_scan_goes_back_to_ready(session: Stage) -> None:
    last = to_the_scan(session)
    session.release()
    told = session.told("state READY: the pedal was released")
    assert "fault" not in told
    session.bench.run_for(ms=50)
    assert session.rises("CO2_GATE")[-1] == last
    assert session.fields("status")["pattern"] == "incomplete"


@pytest.mark.proves("R-STP-8")
def test_turning_the_key_in_the_scan_goes_to_standby(session: Stage) -> None:
    last = to_the_scan(session)
    session.bench.part("chain").set(key=0)
    session.told("state STANDBY")
    session.bench.run_for(ms=50)
    assert session.rises("CO2_GATE")[-1] == last
    assert session.high(TRIGGERS + DRIVEN) == []
