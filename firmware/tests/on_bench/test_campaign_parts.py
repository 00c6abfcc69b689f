"""Fault injection, the parts around the board: shutters, scanner, aiming monitor, lasers' lines, handpiece."""

from __future__ import annotations

from typing import Any

import pytest
from campaign import FLASH_TIMES, ONE_PERMIT, STATES, Cause, Flash, Inject, RecordRow, State, Trials, checked, tried
from moments import Press
from stage import Stage

GROUP = "Shutters, scanner, lasers, handpiece"
PRESS_MS = 1500
"""A whole press, from the pedal to the last shot, and the telling of a fault."""
OBVIOUS = 3
"""Moments a row: these faults are seen by level, in whole turns of 1 ms."""


@pytest.fixture(scope="module")
def press(_known_press: Press) -> Press:
    return _known_press


def setting(part: str, **values: Any) -> Inject:
    """Return what sets a part's controls."""

    def inject(stage: Stage, cycle: int) -> None:
        stage.bench.part(part).set(**values)

    return inject


def holding(net: str, level: int | None) -> Inject:
    """Return what holds a net at a level, None: lets it go."""

    def inject(stage: Stage, cycle: int) -> None:
        stage.bench.set_pin(net, level)

    return inject


def wrong(
    press: Press,
    name: str,
    state: State,
    flash: Flash,
    inject: Inject,
    mend: Inject,
    faults: tuple[str, ...],
    most: int = 0,
    passes: tuple[str, ...] = ("ps", "co2"),
) -> Trials:
    """Return the trials of a part that fails. `most` 1: the shot with a permit; more: what the board cannot see yet."""
    cause = Cause(
        GROUP,
        name,
        inject,
        faults=faults,
        most=most,
        may=("nothing", ONE_PERMIT)[most] if most < 2 else f"{most} shots as planned",
        cure=lambda stage: mend(stage, 0),
        coils=state == "READY",
        shifts=True,
        watch_ms=PRESS_MS if state == "FIRING" and most > 1 else 200,
        press_ms=PRESS_MS if most > 1 else 600,
        passes=passes,
    )
    return tried(press, cause, state, flash, OBVIOUS)


SHUT = {"ps": "37 PS_SHUTTER_NOT_CLOSED", "co2": "38 CO2_SHUTTER_NOT_CLOSED"}
OPEN = {"ps": "35 PS_SHUTTER_NOT_OPEN", "co2": "36 CO2_SHUTTER_NOT_OPEN"}
SHUTTER = {
    "stuck open": {"stuck": "open"},
    "stuck closed": {"stuck": "closed"},
    "closed contact lost": {"closed_contact": 0},
    "open contact lost": {"open_contact": 0},
    "both contacts at once": {"closed_contact": 1, "open_contact": 1},
}
MENDED = {"stuck": False, "closed_contact": None, "open_contact": None}
UNSEEN_IN_FIRING = ("stuck open", "closed contact lost")
"""While it fires the shutter is open: these show when it has to close."""


@pytest.mark.parametrize("flash", FLASH_TIMES)
@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("fault", SHUTTER)
@pytest.mark.parametrize("laser", ["ps", "co2"])
def test_a_shutter_that_is_not_where_it_should_be_is_a_fault(
    press: Press, laser: str, fault: str, state: State, flash: Flash, campaign_row: RecordRow
) -> None:
    part = f"{laser}_shutter"
    seen_later = state == "FIRING" and fault in UNSEEN_IN_FIRING
    both_in_ready = state == "READY" and fault == "both contacts at once"
    expected = SHUT if fault in UNSEEN_IN_FIRING or both_in_ready else OPEN
    trials = wrong(
        press,
        f"{laser} shutter {fault}",
        state,
        flash,
        setting(part, **SHUTTER[fault]),
        setting(part, **MENDED),
        (expected[laser],),
        most=16 if seen_later else 1 if state == "FIRING" else 0,
    )
    checked(trials, campaign_row)


LINES = {
    "ps laser not ready": ("ps_laser", "is_ready", 1, ("33 PS_NOT_READY",)),
    "CO2 laser not ready": ("co2_laser", "is_ready", 1, ("34 CO2_NOT_READY",)),
    "ps laser reports a fault": (
        "ps_laser",
        "is_fault",
        0,
        ("31 PS_FAULT_LINE", "33 PS_NOT_READY", "53 ENERGY_MISSING", "61 SYNC_MISSING"),
    ),
    "CO2 laser reports a fault": (
        "co2_laser",
        "is_fault",
        0,
        ("32 CO2_FAULT_LINE", "34 CO2_NOT_READY", "51 ENERGY_LOW", "53 ENERGY_MISSING"),
    ),
}
"""Part, control, its good value, faults. A laser with a fault is not ready either, and its shot may be cut or missing:
what a handler sees first gives the fault its name."""


@pytest.mark.parametrize("flash", FLASH_TIMES)
@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("line", LINES)
def test_a_laser_that_reports_a_fault_or_is_not_ready_stops_everything(
    press: Press, line: str, state: State, flash: Flash, campaign_row: RecordRow
) -> None:
    part, control, good, faults = LINES[line]
    bad, mend = setting(part, **{control: 1 - good}), setting(part, **{control: good})
    told = faults if state == "FIRING" else faults[:1]
    checked(wrong(press, line, state, flash, bad, mend, told, most=1 if state == "FIRING" else 0), campaign_row)


SCANNER = {
    "SCAN_OK missing": (holding("SCAN_OK", 0), holding("SCAN_OK", None)),
    "scanner stands still, SCAN_OK low": (setting("scanner", stuck="noticed"), setting("scanner", stuck=False)),
    "scanner slow, SCAN_OK late": (setting("scanner", slow_factor=20), setting("scanner", slow_factor=1)),
}
SCANNER_FAULT = "42 SCANNER_NOT_IN_POSITION"


@pytest.mark.parametrize("flash", FLASH_TIMES)
@pytest.mark.parametrize("where", ["READY", "ps", "co2"])
@pytest.mark.parametrize("fault", SCANNER)
def test_a_scanner_that_is_not_in_position_gets_no_co2_shot_more(
    press: Press, fault: str, where: str, flash: Flash, campaign_row: RecordRow
) -> None:
    """The ps pass does not need the scanner. A spot whose time comes while the board waits may be named instead."""
    inject, mend = SCANNER[fault]
    missing = fault == "SCAN_OK missing"
    state: State = "READY" if where == "READY" else "FIRING"
    most = {"READY": 0 if missing else 6, "ps": 4 if missing else 5, "co2": 1}[where]
    name = f"{fault}, {where} pass" if state == "FIRING" else fault
    faults = (SCANNER_FAULT, "41 SLOT_MISSED") if where == "co2" else (SCANNER_FAULT,)
    passes = (where,)
    checked(wrong(press, name, state, flash, inject, mend, faults, most=most, passes=passes), campaign_row)


@pytest.mark.parametrize("flash", FLASH_TIMES)
@pytest.mark.parametrize("state", STATES)
def test_a_scanner_that_says_that_it_moved_cannot_be_seen_by_the_board(
    press: Press, state: State, flash: Flash, campaign_row: RecordRow
) -> None:
    """Told for what it is: the places where the CO2 pulses land are counted."""
    landed: list[int] = []

    def stands(stage: Stage, cycle: int) -> None:
        stage.bench.part("scanner").set(stuck="silent")

    def mend(stage: Stage, cycle: int) -> None:
        pulses = stage.bench.part("co2_laser").probe()["pulses"]
        landed.append(len({(p["x_mm"], p["y_mm"]) for p in pulses}))
        stage.bench.part("scanner").set(stuck=False)

    name = "scanner stands still, SCAN_OK answers"
    trials = wrong(press, name, state, flash, stands, mend, ("",), most=16)
    trials.note = f"{len(press.co2)} CO2 pulses of a trial landed on as few as {min(landed)} places"
    checked(trials, campaign_row)
    assert min(landed) < len(press.co2)


@pytest.mark.parametrize("flash", FLASH_TIMES)
@pytest.mark.parametrize("state", STATES)
def test_a_handpiece_that_is_pulled_is_a_fault(
    press: Press, state: State, flash: Flash, campaign_row: RecordRow
) -> None:
    """Its code is not read while it fires: the converter belongs to the energies then."""
    pulled, back = setting("handpiece", entry="none"), setting("handpiece", entry="generic-combined")
    most = 16 if state == "FIRING" else 0
    checked(wrong(press, "handpiece pulled", state, flash, pulled, back, ("14 HANDPIECE_LOST",), most), campaign_row)


@pytest.mark.proves("R-OPT-5")
@pytest.mark.parametrize("flash", FLASH_TIMES)
@pytest.mark.parametrize("state", STATES)
def test_an_aiming_beam_that_is_not_seen_is_a_fault(
    press: Press, state: State, flash: Flash, campaign_row: RecordRow
) -> None:
    dark, mend = holding("AIM_MONITOR", 0), holding("AIM_MONITOR", None)
    most = 1 if state == "FIRING" else 0
    trials = wrong(press, "aiming beam not seen", state, flash, dark, mend, ("39 AIM_NOT_SEEN",), most)
    checked(trials, campaign_row)
