"""What a session's record proves: a session counts as delivered only when every shot was seen as planned."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tandem_tools.report import SessionRecord, measure
from tandem_tools.report.record import Shot

Change = Callable[[SessionRecord], SessionRecord]
FAULT = {"fault": "11", "name": "SAFE_OPENED", "meaning": "the SAFE line opened"}


def without_last_trigger(r: SessionRecord) -> SessionRecord:
    return replace(r, triggers=r.triggers[:-1])


def with_one_trigger_more(r: SessionRecord) -> SessionRecord:
    return replace(r, triggers=(*r.triggers, replace(r.triggers[-1], cycle=r.triggers[-1].cycle + 625_000)))


def one_gate_a_cycle_late(r: SessionRecord) -> SessionRecord:
    late = replace(r.triggers[8], cycle=r.triggers[8].cycle + 1)
    return replace(r, triggers=(*r.triggers[:8], late, *r.triggers[9:]))


def a_dark_pulse(r: SessionRecord) -> SessionRecord:
    return replace(r, pulses=(*r.pulses[:-1], replace(r.pulses[-1], on_target=False)))


def the_same_place_twice(r: SessionRecord) -> SessionRecord:
    again = replace(r.pulses[-1], x_um=r.pulses[-2].x_um, y_um=r.pulses[-2].y_um)
    return replace(r, pulses=(*r.pulses[:-1], again))


def a_pulse_eight_um_off(r: SessionRecord) -> SessionRecord:
    return replace(r, pulses=(*r.pulses[:-1], replace(r.pulses[-1], x_um=(r.pulses[-1].x_um or 0) + 8)))


def a_pulse_while_the_scanner_moves(r: SessionRecord) -> SessionRecord:
    return replace(r, pulses=(*r.pulses[:-1], replace(r.pulses[-1], moving=True)))


def a_shot_judged_high(r: SessionRecord) -> SessionRecord:
    return replace(r, shots=(*r.shots[:-1], replace(r.shots[-1], verdict="high", energy_uj=110_000)))


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (without_last_trigger, "11 CO2 shots are planned, but 10 triggers left the board"),
        (with_one_trigger_more, "11 CO2 shots are planned, but 12 triggers left the board"),
        (one_gate_a_cycle_late, "CO2 shots are 4.999992 to 5.000008 ms apart, planned: 5.000000 ms"),
        (a_dark_pulse, "11 CO2 shots are planned, but 10 pulses hit the tissue"),
        (the_same_place_twice, "11 places are planned, but 10 were hit"),
        (a_pulse_eight_um_off, "a CO2 pulse landed 6.7 um from its place; allowed: 5 um"),
        (a_pulse_while_the_scanner_moves, "the scanner moved during a pulse"),
        (a_shot_judged_high, "11 CO2 shots are planned, but 10 shots were judged good"),
        (lambda r: replace(r, fault=FAULT), "fault SAFE_OPENED: the SAFE line opened"),
        (lambda r: replace(r, conflicts=2), "2 times two outputs drove one wire apart"),
        (lambda r: replace(r, host_plan_name="other/0"), "the board compiled calcinosis-1-combined"),
    ],
)
def test_a_session_with_anything_else_than_planned_is_not_called_delivered(
    delivered: SessionRecord, change: Change, problem: str
) -> None:
    measured = measure(change(delivered))
    assert not measured.delivered
    assert any(text.startswith(problem) for text in measured.problems), measured.problems
    assert measured.sentence.startswith("Session not delivered: ")


def test_a_delivered_session_says_so_with_the_measured_figures(delivered: SessionRecord) -> None:
    measured = measure(delivered)
    assert measured.sentence == (
        "Session delivered: 5 ps shots, 11 CO2 shots 5.000000 ms apart at 11 different places."
    )
    assert measured.problems == ()
    assert set(measured.spacings_cycles["co2"]) == {625_000}
    assert len(measured.misses_um) == 11


def stopped_at(r: SessionRecord, shot: Shot) -> SessionRecord:
    """Return the session as if it had stopped at a shot of the CO2 scan."""
    fired = 5 + shot.index - (shot.verdict == "withheld")
    return replace(
        r,
        shots=(*r.shots[: 4 + shot.index], shot),
        triggers=r.triggers[:fired],
        pulses=r.pulses[:fired],
        state="FAULT",
        because="energy",
        fault={"name": "ENERGY", "meaning": "a shot's energy was not right"},
    )


@pytest.mark.parametrize(
    ("energy_uj", "verdict", "permille", "which"),
    [
        (56_055, "low", -377, "gave 56.1 mJ, 37.7 % below 90.0 mJ and 15.9 mJ under the window of 72.0 mJ to 108.0 mJ"),
        (135_000, "high", 500, "gave 135.0 mJ, 50.0 % above 90.0 mJ and 27.0 mJ over the window of 72.0 mJ to"),
        (900, "missing", -990, "gave 0.9 mJ, 99.0 % below 90.0 mJ and 71.1 mJ under the window"),
        (0, "saturated", -1000, "saturated its energy channel: more than can be measured, above the window of 72.0 mJ"),
    ],
)
def test_a_stopped_session_says_which_shot_stopped_it_and_by_how_much(
    delivered: SessionRecord, energy_uj: int, verdict: str, permille: int, which: str
) -> None:
    measured = measure(stopped_at(delivered, Shot(9, 2, 4, "co2", energy_uj, verdict, permille)))
    assert measured.sentence.startswith(f"Session not delivered: CO2 shot 4 of 11 {which}")
    assert measured.sentence.endswith("Fired: 5 of 5 ps shots and 4 of 11 CO2 shots.")


def test_a_withheld_shot_is_said_not_to_have_fired(delivered: SessionRecord) -> None:
    measured = measure(stopped_at(delivered, Shot(9, 2, 4, "co2", 0, "withheld", -1000)))
    assert "CO2 shot 4 of 11 was withheld: it never fired. Fired: 5 of 5 ps shots and 3 of 11" in measured.sentence


def test_a_session_stopped_without_a_wrong_shot_names_the_fault_or_the_state(delivered: SessionRecord) -> None:
    cut = replace(delivered, triggers=delivered.triggers[:7], shots=delivered.shots[:7], pulses=delivered.pulses[:7])
    opened = measure(replace(cut, fault=FAULT, state="FAULT"))
    assert "fault SAFE_OPENED, the SAFE line opened. Fired: 5 of 5 ps shots and 2 of 11 CO2 shots." in opened.sentence
    released = measure(replace(cut, state="READY", because="the pedal was released"))
    assert "the controller is in READY, because the pedal was released. Fired" in released.sentence


def test_a_record_comes_back_from_its_file_unchanged(delivered: SessionRecord, tmp_path: Path) -> None:
    delivered.save(tmp_path / "session.json")
    assert SessionRecord.load(tmp_path / "session.json") == delivered
