"""Fault injection, the parts around the board: shutters, scanner, aiming monitor, lasers' lines, handpiece."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from campaign import FLASH_TIMES, STATES, Cause, Flash, RecordRow, State, checked, tried
from moments import Press
from stage import Stage

GROUP = "Shutters, scanner, lasers, handpiece"
PART = Callable[[Stage], None]


@pytest.fixture(scope="module")
def press(_known_press: Press) -> Press:
    return _known_press


def setting(part: str, **values: Any) -> Callable[..., None]:
    """Return what sets a part's controls."""

    def inject(stage: Stage, cycle: int = 0) -> None:
        stage.bench.part(part).set(**values)

    return inject


NUMBERS = {
    "ps": {"shut": "37 PS_SHUTTER_NOT_CLOSED", "open": "35 PS_SHUTTER_NOT_OPEN"},
    "co2": {"shut": "38 CO2_SHUTTER_NOT_CLOSED", "open": "36 CO2_SHUTTER_NOT_OPEN"},
}
SHUTTER = {
    "stuck open": {"stuck": "open"},
    "stuck closed": {"stuck": "closed"},
    "closed contact lost": {"closed_contact": 0},
    "open contact lost": {"open_contact": 0},
    "both contacts at once": {"closed_contact": 1, "open_contact": 1},
}
MENDED = {"stuck": False, "closed_contact": None, "open_contact": None}


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("fault", SHUTTER)
@pytest.mark.parametrize("laser", ["ps", "co2"])
def test_probe(press: Press, laser: str, fault: str, state: State) -> None:
    cause = Cause(
        GROUP,
        f"{laser} shutter {fault}",
        setting(f"{laser}_shutter", **SHUTTER[fault]),
        cure=setting(f"{laser}_shutter", **MENDED),
        most=16,
        coils=True,
        watch_ms=1400 if state == "FIRING" else 0,
        press_ms=1500,
    )
    t = tried(press, cause, state, "typical", 3, recoveries=1)
    print("@@", cause.name, state, t._moved, "shots", t._shots, dict(t._faults), dict(t._after), t._low)


OTHERS = {
    "scan_ok": (lambda s, c=0: s.bench.set_pin("SCAN_OK", 0), lambda s: s.bench.set_pin("SCAN_OK", None)),
    "noticed": (setting("scanner", stuck="noticed"), setting("scanner", stuck=False)),
    "silent": (setting("scanner", stuck="silent"), setting("scanner", stuck=False)),
    "slow": (setting("scanner", slow_factor=20), setting("scanner", slow_factor=1)),
    "aim": (lambda s, c=0: s.bench.set_pin("AIM_MONITOR", 0), lambda s: s.bench.set_pin("AIM_MONITOR", None)),
    "ps ready": (setting("ps_laser", is_ready=0), setting("ps_laser", is_ready=1)),
    "co2 ready": (setting("co2_laser", is_ready=0), setting("co2_laser", is_ready=1)),
    "ps fault": (setting("ps_laser", is_fault=1), setting("ps_laser", is_fault=0)),
    "co2 fault": (setting("co2_laser", is_fault=1), setting("co2_laser", is_fault=0)),
    "hand": (setting("handpiece", entry="none"), setting("handpiece", entry="generic-combined")),
}


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("name", OTHERS)
def test_probe2(press: Press, name: str, state: State) -> None:
    inject, cure = OTHERS[name]
    for passes in (("ps",), ("co2",)) if state == "FIRING" else (("ps",),):
        cause = Cause(
            GROUP,
            name,
            inject,
            cure=cure,
            most=16,
            coils=True,
            watch_ms=1400 if state == "FIRING" else 0,
            press_ms=1500,
            passes=passes,
        )
        t = tried(press, cause, state, "typical", 3, recoveries=1)
        print("@@", cause.name, state, passes, t._moved, "shots", t._shots, dict(t._faults), dict(t._after), t._low)
