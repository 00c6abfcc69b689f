"""Fault injection, Python: stuck, an exception in every task, heap, stack and file system exhausted, USB flooded."""

from __future__ import annotations

from collections.abc import Iterator

import hurt
import pytest
from campaign import FLASH_TIMES, STATES, Cause, Flash, Inject, RecordRow, State, checked, one_permit, tried
from moments import Press
from stage import Stage, stage
from train import NOISE

GROUP = "Python, memory, console"
RECIPE = "calcinosis-1-combined"
TASKS = tuple(name for name, *_ in hurt.STEPS if name != "delivery.prepare")
NOT_WHILE_FIRING = ("board.still", "journal.note")
"""Steps that are not taken while a burst is active: each turn judges all anew, and no state changes."""
STRUCK = [(task, state) for task in TASKS for state in STATES if state == "READY" or task not in NOT_WHILE_FIRING]
WAITS_FOR_A_CHANGE = ("inputs.update", "states.advance")
FLOOD = NOISE[:12_000]
"""More than the board reads within a press."""


@pytest.fixture(scope="module")
def press() -> Iterator[Press]:
    with stage(RECIPE, prelude=hurt.PRELUDE) as found:
        yield Press(found)


def striking(step: str, what: int, state: State) -> Inject:
    """Return what lets a step strike; in FIRING the cause counts from the very cycle in which the step struck.

    In READY some steps strike only when the pedal is pressed: the turn skips them while nothing changes.
    """

    def inject(stage: Stage, cycle: int) -> int | None:
        if state == "FIRING" and step in WAITS_FOR_A_CHANGE:
            stage.bench.part("buttons").press(["NEXT", 30])
        hurt.strike(stage, step, what)
        return hurt.run_to_strike(stage) if state == "FIRING" else None

    return inject


@pytest.mark.proves("R-SUP-5")
@pytest.mark.parametrize("flash", FLASH_TIMES)
@pytest.mark.parametrize(("step", "state"), STRUCK)
def test_an_exception_in_a_task_is_a_fault_that_only_a_reset_clears(
    press: Press, step: str, state: State, flash: Flash, campaign_row: RecordRow
) -> None:
    firing = state == "FIRING"
    cause = Cause(
        GROUP,
        f"exception in {step}",
        striking(step, hurt.RAISES, state),
        faults=("72 FIRMWARE_EXCEPTION",),
        **one_permit(state),
        ends="restart",
        watch_ms=400,
        coils=not firing,
    )
    checked(tried(press, cause, state, flash, 6 if firing else 2), campaign_row)


@pytest.mark.parametrize("flash", FLASH_TIMES)
@pytest.mark.parametrize(("where", "most"), [("READY", 0), ("ps", 1), ("co2", 5)])
def test_a_stuck_python_fires_for_20_ms_at_most(
    press: Press, where: str, most: int, flash: Flash, campaign_row: RecordRow
) -> None:
    state: State = "READY" if where == "READY" else "FIRING"
    cause = Cause(
        GROUP,
        "Python stuck, interrupts alive" + ("" if where == "READY" else f", {where} pass"),
        striking("console.step", hurt.LOOPS, state),
        most=most,
        may=f"floor(20 ms x rate) + 1 = {most}" if most else "nothing",
        ends="watchdog",
        watch_ms=40,
        passes=(where,),
    )
    checked(tried(press, cause, state, flash, 20), campaign_row)


@pytest.mark.parametrize("flash", FLASH_TIMES)
@pytest.mark.parametrize("state", STATES)
def test_a_python_stuck_with_interrupts_disabled_fires_at_most_the_shot_that_has_its_permit(
    press: Press, state: State, flash: Flash, campaign_row: RecordRow
) -> None:
    cause = Cause(
        GROUP,
        "Python stuck, interrupts disabled",
        striking("console.step", hurt.LOOPS_MASKED, state),
        **one_permit(state),
        ends="watchdog",
        watch_ms=0,
    )
    checked(tried(press, cause, state, flash, 10), campaign_row)


@pytest.mark.proves("R-SUP-4")
@pytest.mark.parametrize("flash", FLASH_TIMES)
@pytest.mark.parametrize("state", STATES)
def test_an_exhausted_stack_is_a_fault_that_only_a_reset_clears(
    press: Press, state: State, flash: Flash, campaign_row: RecordRow
) -> None:
    cause = Cause(
        GROUP,
        "stack exhausted in console.step",
        striking("console.step", hurt.RECURSES, state),
        faults=("72 FIRMWARE_EXCEPTION",),
        **one_permit(state),
        ends="restart",
        watch_ms=400,
    )
    checked(tried(press, cause, state, flash, 10), campaign_row)


@pytest.mark.proves("R-SUP-4")
@pytest.mark.parametrize("flash", FLASH_TIMES)
@pytest.mark.parametrize("state", STATES)
def test_an_exhausted_heap_changes_no_shot_or_stops(
    press: Press, state: State, flash: Flash, campaign_row: RecordRow
) -> None:
    """Nothing is allocated while it fires; filling the heap in the middle of it takes longer than permits wait."""
    cause = Cause(
        GROUP,
        "heap exhausted in console.step",
        striking("console.step", hurt.FILLS_HEAP, state),
        faults=("", "71 SUPERVISOR_LATE", "73 OUT_OF_MEMORY"),
        most=5 if state == "FIRING" else len(press.ps) + len(press.co2),
        may="5, what fits into 20 ms: filling takes longer" if state == "FIRING" else "the pattern as planned",
        ends="restart",
        watch_ms=300 if state == "FIRING" else 0,
        press_ms=2500,
        coils=True,
        shifts=state == "READY",
    )
    checked(tried(press, cause, state, flash, 6), campaign_row)


def quiet(stage: Stage) -> None:
    """Let the board work off all that was typed, and end the line that was begun."""
    silent = 0
    while silent < 3:
        stage.bench.run_for(ms=200)
        silent = 0 if stage.board.read() else silent + 1
    stage.board.write(b"\r")
    stage.bench.run_for(ms=100)
    stage.board.read()


@pytest.mark.proves("R-SUP-3")
@pytest.mark.parametrize("flash", FLASH_TIMES)
@pytest.mark.parametrize("state", STATES)
def test_a_flooded_console_changes_no_shot(press: Press, state: State, flash: Flash, campaign_row: RecordRow) -> None:
    planned = len(press.ps) + len(press.co2)
    cause = Cause(
        GROUP,
        "console flooded at full USB speed",
        lambda stage, cycle: stage.board.write(FLOOD),
        cure=quiet,
        most=planned,
        may="the pattern as planned",
        coils=True,
        shifts=True,
        watch_ms=1400 if state == "FIRING" else 0,
        press_ms=2500,
    )
    trials = tried(press, cause, state, flash, 4 if state == "FIRING" else 2)
    checked(trials, campaign_row)


@pytest.fixture(scope="module")
def full() -> Iterator[Press]:
    """A controller whose file system was filled to its last block while it armed."""
    with stage("", prelude=hurt.PRELUDE) as found:
        found.use(RECIPE)
        found.board.set_flash_times("instant")
        hurt.strike(found, "delivery.prepare", hurt.FILLS_FLASH)
        found.arm()
        assert hurt.left(found) == hurt.ENOSPC
        found.bench.clear_edges()
        found.save("ready")
        yield Press(found)


def to_standby(stage: Stage) -> None:
    """Let the pedal go and ask for STANDBY, where the journal goes into flash; the file system stays full."""
    stage.release()
    stage.bench.run_for(ms=400)
    stage.ok("standby")
    stage.bench.run_for(ms=3000)


@pytest.mark.proves("R-SUP-4")
@pytest.mark.parametrize("flash", FLASH_TIMES)
@pytest.mark.parametrize("state", STATES)
def test_a_full_file_system_changes_no_shot(full: Press, state: State, flash: Flash, campaign_row: RecordRow) -> None:
    cause = Cause(
        GROUP,
        "file system full since arming",
        lambda stage, cycle: None,
        cure=to_standby,
        most=len(full.ps) + len(full.co2),
        may="the pattern as planned",
        coils=True,
        watch_ms=1300 if state == "FIRING" else 0,
        press_ms=1300,
    )
    row = checked(tried(full, cause, state, flash, 2), campaign_row)
    assert row.shots == cause.most or state == "FIRING"
