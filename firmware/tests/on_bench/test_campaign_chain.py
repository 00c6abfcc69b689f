"""Fault injection, the chain: contacts opened at random cycles of a firing scan, and SAFE low for 100 ns."""

from __future__ import annotations

from typing import Any

import pytest
from campaign import FLASH_TIMES, STATES, Cause, Flash, RecordRow, State, checked, tried
from moments import Press, dip
from stage import Stage

GROUP = "Chain and SAFE"
DIP_CYCLES = 13
"""100 ns, in whole cycles of 8 ns: 104."""
CONTACTS = {"estop": ("13 STOP_PRESSED", 167), "door": ("12 DOOR_OPENED", 167), "key": ("", 166)}
"""What each contact leads to, and at how many moments of the scan it is opened: 500 in all."""


@pytest.fixture(scope="module")
def press(_known_press: Press) -> Press:
    return _known_press


@pytest.mark.parametrize("flash", FLASH_TIMES)
@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("contact", CONTACTS)
def test_nothing_leaves_the_drivers_once_a_contact_has_opened(
    press: Press, contact: str, state: State, flash: Flash, campaign_row: RecordRow
) -> None:
    opened: dict[str, Any] = {contact: 0}
    closed: dict[str, Any] = {contact: 1}

    def opens(stage: Stage, cycle: int) -> None:
        stage.bench.part("chain").set(at_cycle=cycle, **opened)

    def closes(stage: Stage) -> None:
        stage.bench.part("chain").set(**closed)

    firing = state == "FIRING"
    fault, moments = CONTACTS[contact]
    cause = Cause(
        GROUP,
        f"{contact} contact opened",
        opens,
        faults=(fault,),
        most=1 if firing else 0,
        may="a shot that begins within the filter's 10 us" if firing else "nothing",
        cure=closes,
        exact=True,
        passes=("co2",),
        watch_ms=200,
    )
    row = checked(tried(press, cause, state, flash, moments if firing else 12, recoveries=3), campaign_row)
    assert row.guard_cycles is None or 0 < row.guard_cycles <= 8


@pytest.mark.parametrize("flash", FLASH_TIMES)
@pytest.mark.parametrize("state", STATES)
def test_a_safe_that_is_low_for_100_ns_stops_everything(
    press: Press, state: State, flash: Flash, campaign_row: RecordRow
) -> None:
    cause = Cause(
        GROUP,
        "SAFE low for 100 ns",
        lambda stage, cycle: dip(stage, cycle, DIP_CYCLES),
        faults=("15 GUARD_TRIPPED",),
        exact=True,
        watch_ms=200,
    )
    row = checked(tried(press, cause, state, flash, 100 if state == "FIRING" else 20, recoveries=3), campaign_row)
    assert row.guard_cycles is None or 0 < row.guard_cycles <= 8
