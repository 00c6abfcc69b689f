"""A run stops in time for everything that the world outside can notice, and only for that."""

from __future__ import annotations

import pytest
from core_process import (
    CODE,
    CPSIE,
    FLASH,
    NOP,
    PIO,
    SIO,
    SRAM,
    TIMER,
    USB,
    WFI,
    Core,
    adds,
    branch,
    ldr,
    movs,
    store,
)

BKPT_5 = 0xBE05


def test_a_run_ends_with_the_instruction_that_uses_up_its_cycles(core: Core) -> None:
    core.load([NOP, NOP, ldr(0, 1), NOP], registers={1: SRAM})
    state = core.run(3)
    assert (state["cycles"], state["reason"]) == (4, "budget")
    assert state["registers"][15] == CODE + 6


@pytest.mark.parametrize(
    "address",
    [TIMER, USB + 0x100, PIO, SIO + 4, SIO + 0x10, 0xE000_E010, 0x1800_0028, 0x3000_0000],
    ids=hex,
)
@pytest.mark.parametrize("write", [False, True], ids=["read", "write"])
def test_an_access_to_the_world_outside_is_stopped_before_and_then_done_alone(
    core: Core, address: int, write: bool
) -> None:
    access = store(0, 1) if write else ldr(0, 1)
    core.load([NOP, NOP, access, NOP, NOP], registers={1: address})
    before = core.run(100)
    assert (before["cycles"], before["reason"], before["registers"][15]) == (2, "io", CODE + 4)
    assert before["log"] == []
    after = core.run(100)
    assert (after["reason"], after["registers"][15]) == ("io", CODE + 6)
    unlogged = address == 0x3000_0000 or (address == USB + 0x100 and not write)
    assert len(after["log"]) == (0 if unlogged else 1)
    rest = core.run(2)
    assert (rest["cycles"], rest["reason"]) == (2, "budget")


@pytest.mark.parametrize("code", [0xC103, 0xC903, 0xB403, 0xBC03, 0xBD01, 0x5240, 0x5441], ids=hex)
def test_every_kind_of_access_stops_the_run(core: Core, code: int) -> None:
    core.load([NOP, code], registers={0: 0, 1: PIO, 13: PIO + 0x40})
    assert core.run(100)["reason"] == "io"
    assert core.run(100)["log"]


@pytest.mark.parametrize("offset", [0, 0x60, 0x70, 0x80, 0x100, 0x17C], ids=hex)
def test_what_only_the_core_can_see_does_not_stop_it(core: Core, offset: int) -> None:
    core.load([NOP, ldr(0, 1), NOP, branch(-4)], registers={1: SIO + offset})
    state = core.run(20)
    assert (state["reason"], len(state["log"])) == ("budget", 1)


def test_memory_of_all_kinds_does_not_stop_it(core: Core) -> None:
    loads = [ldr(0, register) for register in (1, 2, 3, 4)]
    core.load([*loads, NOP], registers={1: SRAM, 2: FLASH, 3: 0x100, 4: 0x1300_0000})
    state = core.run(9)
    assert (state["cycles"], state["reason"], state["log"]) == (9, "budget", [])


def test_a_write_to_flash_addresses_is_left_to_the_bus(core: Core) -> None:
    core.load([NOP, store(0, 1)], registers={1: FLASH + 0x3000})
    assert core.run(100)["reason"] == "io"


def test_code_changed_in_ram_or_flash_is_executed_as_changed(core: Core) -> None:
    for base in (SRAM + 0x3000, CODE):
        core.load([movs(0, 1), branch(-6)], at=base)
        core.run(30)
        core.set(halfwords={base: [adds(0, 5)]})
        value = core.run(3)["registers"][0]
        assert core.run(3)["registers"][0] == value + 5


def test_a_program_that_writes_its_own_next_instruction_executes_it(core: Core) -> None:
    at = SRAM + 0x3000
    core.load([0x8008, NOP, NOP], at=at, registers={0: movs(3, 9), 1: at + 2})  # STRH r0, [r1]
    core.run(2)
    assert core.run(1)["registers"][3] == 9


def test_memory_and_registers_may_be_replaced_by_other_arrays(core: Core) -> None:
    core.load([ldr(0, 1), store(0, 1, 4)], registers={1: SRAM}, words={SRAM: [7, 8]})
    core.ask("replace_arrays")
    core.set(words={SRAM: [9]})
    assert core.run(4)["registers"][0] == 9
    assert core.words(SRAM, 2) == [9, 9]


def test_a_breakpoint_is_stopped_before_and_then_handed_over_alone(core: Core) -> None:
    core.load([NOP, BKPT_5, NOP])
    before = core.run(100)
    assert (before["cycles"], before["reason"], before["log"]) == (1, "break", [])
    after = core.run(100)
    assert (after["cycles"], after["reason"], after["log"]) == (1, "break", [["break", 5, CODE + 4]])


def test_a_local_breakpoint_takes_the_cycles_it_says_and_does_not_stop(core: Core) -> None:
    core.load([NOP, BKPT_5, NOP, NOP], localBreaks={5: 70})
    state = core.run(72)
    assert (state["cycles"], state["reason"], state["log"]) == (72, "budget", [])


def test_a_wait_stops_the_run_and_lasts_until_something_ends_it(core: Core) -> None:
    core.load([NOP, WFI, NOP], enabledInterrupts=1 << 3)
    state = core.run(100)
    assert (state["cycles"], state["reason"], state["waiting"]) == (3, "wait", True)
    again = core.run(100)
    assert (again["cycles"], again["reason"]) == (0, "wait")


def test_an_interrupt_ends_the_run_that_allows_it(core: Core) -> None:
    core.load([NOP, CPSIE, NOP], PM=True, enabledInterrupts=1, words={0x1000_4040: [CODE + 0x101]})
    core.ask("interrupt", irq=0, level=True)
    state = core.run(100)
    assert (state["cycles"], state["reason"]) == (2 + 15, "interrupt")
    assert state["registers"][15] == CODE + 0x100
