"""Fault injection, the CPU: halted at random cycles, and stopped inside each interrupt handler."""

from __future__ import annotations

import pytest
from campaign import FLASH_TIMES, STATES, Cause, Flash, RecordRow, State, checked, one_permit, tried
from moments import Press
from stage import CYCLES_A_MS, Stage

GROUP = "CPU"
HALTS = 200
VTOR = 0xE000ED08
HANDLERS = {"slot_ahead": 8, "sync_judged": 9, "window_end": 10}
"""Each handler of the firing path and its interrupt."""
UNDEFINED = b"\x00\xde"
CODE_BYTES = 600


@pytest.fixture(scope="module")
def press(_known_press: Press) -> Press:
    return _known_press


@pytest.mark.parametrize("flash", FLASH_TIMES)
@pytest.mark.parametrize("state", STATES)
def test_a_halted_cpu_fires_at_most_the_shot_that_has_its_permit(
    press: Press, state: State, flash: Flash, campaign_row: RecordRow
) -> None:
    cause = Cause(
        GROUP,
        "CPU halted",
        lambda stage, cycle: stage.board.halt_cpu(),
        **one_permit(state),
        ends="watchdog",
        watch_ms=0,
    )
    checked(tried(press, cause, state, flash, HALTS, recoveries=2), campaign_row)


def code(press: Press, interrupt: int) -> tuple[int, int]:
    """Return address and length in bytes of a handler's code, up to the last instruction, which pops the PC."""
    stage = press.at(press.ps[0])
    entry = stage.board.word(stage.board.word(VTOR) + 4 * (16 + interrupt)) & ~1
    found = stage.board.memory(entry, CODE_BYTES)
    return entry, next(i for i in range(2, CODE_BYTES, 2) if found[i + 1] == 0xBD)


def hit(press: Press, address: int) -> bool:
    """Tell whether the CPU comes by an address within the press, by planting an instruction there that stops it."""
    stage = press.at(press.ps[0])
    stage.board.write_memory(address, UNDEFINED)
    stage.run_to(press.ps[1] + 5 * CYCLES_A_MS)
    return stage.board.stopped is not None


def nearest_middle(press: Press, entry: int, length: int) -> int:
    """Return the address nearest to the middle of a handler that is executed when all is well."""
    middle = length // 4 * 2
    for away in range(0, middle, 2):
        for address in (entry + middle + away, entry + middle - away):
            if hit(press, address):
                return address
    raise AssertionError("nothing of the handler is executed")


@pytest.fixture(scope="module")
def places(press: Press) -> dict[tuple[str, str], int]:
    """Where instructions are planted: the entry of each handler, and the middle of it."""
    found: dict[tuple[str, str], int] = {}
    for handler, interrupt in HANDLERS.items():
        entry, length = code(press, interrupt)
        found[handler, "entry"] = entry
        found[handler, "middle"] = nearest_middle(press, entry, length)
    return found


@pytest.mark.proves("R-SUP-5")
@pytest.mark.parametrize("flash", FLASH_TIMES)
@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("place", ["entry", "middle"])
@pytest.mark.parametrize("handler", HANDLERS)
def test_a_handler_that_faults_fires_at_most_the_shot_that_has_its_permit(
    press: Press,
    places: dict[tuple[str, str], int],
    handler: str,
    place: str,
    state: State,
    flash: Flash,
    campaign_row: RecordRow,
) -> None:
    """Handlers are machine code and cannot raise: an undefined instruction stops the core in them, as a hard fault."""
    address = places[handler, place]

    def plant(stage: Stage, cycle: int) -> None:
        stage.board.write_memory(address, UNDEFINED)

    firing = state == "FIRING"
    cause = Cause(
        GROUP,
        f"undefined instruction in {handler}, {place}",
        plant,
        most=1,
        may="the one shot that had its permit when the handler was entered",
        ends="watchdog",
        coils=not firing,
        passes=("ps",) if handler == "sync_judged" else ("ps", "co2"),
        watch_ms=0,
    )
    checked(tried(press, cause, state, flash, 6 if firing else 2), campaign_row)
