"""Fault injection, the pedal: contacts that bounce for 1 to 20 ms, as the pedal is pressed and as it is released."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from campaign import FLASH_TIMES, Cause, Flash, Inject, RecordRow, checked, tried
from moments import Press
from stage import CYCLES_A_MS, Stage

GROUP = "Pedal"
WIDTHS_MS = range(1, 21)
TRAVEL_US = 2000
BOUNCES_A_MS = 2
PEDAL_PRESSED_CYCLES = 20 * CYCLES_A_MS
BOUNCING = ("no", "nc", "both")


@pytest.fixture(scope="module")
def press(_known_press: Press) -> Press:
    return _known_press


def bounces(random: Random, level: int, width_ms: int, begins_us: int) -> list[list[int]]:
    """Return the changes of a contact that bounces to a level: two pairs a millisecond, the last at the very end."""
    count = 2 * BOUNCES_A_MS * width_ms - 1
    times = sorted(random.randrange(1, 1000 * width_ms) for _ in range(count))
    changes = [[begins_us, level], *([begins_us + t, (level + 1 + i) % 2] for i, t in enumerate(times))]
    return [*changes, [begins_us + 1000 * width_ms, level]]


def moving(random: Random, pressed: int, contact: str) -> Inject:
    """Return what moves the pedal, each time with one more millisecond of bounce of one contact or both."""
    widths = iter(WIDTHS_MS)

    def inject(stage: Stage, cycle: int) -> None:
        width_ms = next(widths)
        script: dict[str, Any] = {}
        for name, level in (("no", pressed), ("nc", 1 - pressed)):
            begins_us = TRAVEL_US if level else 0
            bouncing = contact in (name, "both")
            script[name] = bounces(random, level, width_ms, begins_us) if bouncing else [[begins_us, level]]
        stage.bench.part("pedal").set(script=script, pressed=pressed)

    return inject


@pytest.mark.proves("R-PED-7")
@pytest.mark.parametrize("flash", FLASH_TIMES)
@pytest.mark.parametrize("contact", BOUNCING)
def test_a_pedal_that_bounces_as_it_opens_stops_at_once(
    press: Press, contact: str, flash: Flash, campaign_row: RecordRow
) -> None:
    cause = Cause(
        GROUP,
        f"pedal released, {contact} bouncing 1 to 20 ms",
        moving(Random(contact + flash), 0, contact),
        most=1,
        may="the one shot that has its permit",
        watch_ms=200,
    )
    checked(tried(press, cause, "FIRING", flash, len(WIDTHS_MS), recoveries=2), campaign_row)


@pytest.mark.proves("R-PED-7")
@pytest.mark.parametrize("flash", FLASH_TIMES)
@pytest.mark.parametrize("contact", BOUNCING)
def test_a_pedal_that_bounces_as_it_closes_fires_20_ms_after_its_last_bounce(
    press: Press, contact: str, flash: Flash, campaign_row: RecordRow
) -> None:
    """Contacts that a turn saw closed, or that were closed since the last, count as closed: both, for over 10 ms, are a
    fault. A long bounce of the NC contact beside a steady NO contact is one."""
    moves = moving(Random(contact + flash), 1, contact)
    waited: list[int] = []

    def closes(stage: Stage, cycle: int) -> None:
        moves(stage, cycle)
        stage.bench.run_for(ms=60)
        last = [edge.cycle for edge in stage.edges(("FOOT_NO", "FOOT_NC"), cycle)][-1]
        waited.extend(opened - last for opened in stage.rises("PS_SHUTTER", cycle))

    cause = Cause(
        GROUP,
        f"pedal pressed, {contact} bouncing 1 to 20 ms",
        closes,
        faults=("", "21 PEDAL_CONTACTS") if contact != "no" else ("",),
        most=1,
        may="the pattern, 20 ms after the last bounce",
        coils=True,
        watch_ms=0,
    )
    trials = tried(press, cause, "READY", flash, len(WIDTHS_MS), recoveries=2)
    trials.note = f"FIRING began {min(waited) / CYCLES_A_MS:.1f} ms after the last bounce at the earliest"
    checked(trials, campaign_row)
    assert min(waited) >= PEDAL_PRESSED_CYCLES - CYCLES_A_MS, "counted in whole milliseconds"
