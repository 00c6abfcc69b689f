"""Exceptions are entered, ordered, masked, awaited and left as on an ARMv6-M core with an NVIC."""

from __future__ import annotations

import pytest
from core_process import (
    BX_LR,
    CODE,
    CPSIE,
    EXC_RETURN_HANDLER,
    EXC_RETURN_MAIN,
    EXC_RETURN_PROCESS,
    NOP,
    SEV,
    SRAM,
    STACK,
    SVC,
    VECTORS,
    WFE,
    WFI,
    Core,
    branch,
)

HANDLERS = CODE + 0x400
NMI, SVCALL, PENDSV, SYSTICK, IRQ = 2, 11, 14, 15, 16
XPSR_T = 1 << 24


def handler(exception: int) -> int:
    """Return where the handler of an exception begins."""
    return HANDLERS + 0x10 * exception


def load(core: Core, code: list[int], **values: object) -> None:
    """Load code; each exception's handler is NOP, NOP, BX LR at its own address; all interrupts are enabled."""
    vectors = [0] + [handler(n) + 1 for n in range(1, 48)]
    halfwords = {handler(n): [NOP, NOP, BX_LR] for n in range(1, 48)}
    core.load(code, words={VECTORS: vectors}, halfwords=halfwords, **{"enabledInterrupts": 0xFFFF_FFFF, **values})


def raise_line(core: Core, irq: int, level: bool = True) -> None:
    core.ask("interrupt", irq=irq, level=level)


def entered(core: Core) -> int:
    """Run up to the next exception entry and return its number."""
    for _ in range(50):
        state = core.run(1)
        if state["reason"] == "interrupt":
            assert state["registers"][15] == handler(state["IPSR"])
            return state["IPSR"]
    pytest.fail("no exception was entered")


def steps(core: Core, count: int) -> dict[str, object]:
    state: dict[str, object] = {}
    for _ in range(count):
        state = core.run(1)
    return state


@pytest.mark.parametrize("cost", [0, 120])
def test_entry_saves_eight_words_and_takes_15_cycles_and_the_cost_set(core: Core, cost: int) -> None:
    values = {0: 10, 1: 11, 2: 12, 3: 13, 12: 112, 14: 114}
    load(core, [NOP, NOP], registers=values, N=True, C=True, irqCostCycles=cost)
    core.run(1)
    raise_line(core, 7)
    state = core.run(1)
    assert (state["cycles"], state["reason"], state["IPSR"]) == (15 + cost, "interrupt", IRQ + 7)
    assert state["registers"][13] == STACK - 0x20
    assert state["registers"][14] == EXC_RETURN_MAIN
    assert core.words(STACK - 0x20, 8) == [10, 11, 12, 13, 112, 114, CODE + 2, XPSR_T | 0xA000_0000]


def test_a_stack_that_is_not_aligned_to_eight_is_aligned_and_restored(core: Core) -> None:
    load(core, [NOP, NOP], registers={13: STACK + 4})
    raise_line(core, 0)
    state = core.run(1)
    assert state["registers"][13] == STACK + 4 - 0x24
    raise_line(core, 0, False)
    assert steps(core, 3)["registers"][13] == STACK + 4  # type: ignore[index]


def test_return_restores_registers_flags_and_mode(core: Core) -> None:
    values = {0: 10, 1: 11, 2: 12, 3: 13, 12: 112, 14: 114}
    load(core, [NOP, NOP], registers=values, Z=True, V=True)
    raise_line(core, 3)
    entered(core)
    raise_line(core, 3, False)
    core.set(registers={0: 0, 1: 0, 2: 0, 3: 0, 12: 0}, Z=False, V=False)
    state = steps(core, 3)
    assert state["cycles"] == 2 + 8
    assert {n: state["registers"][n] for n in values} == values  # type: ignore[index]
    assert (state["Z"], state["V"], state["IPSR"], state["currentMode"]) == (True, True, 0, 0)
    assert state["registers"][15] == CODE  # type: ignore[index]


def test_pop_of_the_return_code_returns_too(core: Core) -> None:
    load(core, [NOP, NOP])
    core.set(halfwords={handler(IRQ): [0xB500, 0xBD00]})
    raise_line(core, 0)
    entered(core)
    raise_line(core, 0, False)
    state = steps(core, 2)
    assert state["cycles"] == 4 + 8
    assert (state["IPSR"], state["registers"][13]) == (0, STACK)  # type: ignore[index]


def test_the_process_stack_is_used_by_threads_that_chose_it(core: Core) -> None:
    process = SRAM + 0x6000
    load(core, [NOP, NOP], registers={13: process}, SPSEL=1, bankedSP=STACK)
    raise_line(core, 0)
    state = core.run(1)
    assert (state["registers"][13], state["registers"][14], state["SPSEL"]) == (STACK, EXC_RETURN_PROCESS, 0)
    assert state["bankedSP"] == process - 0x20
    raise_line(core, 0, False)
    state = steps(core, 3)
    assert (state["registers"][13], state["SPSEL"], state["bankedSP"]) == (process, 1, STACK)  # type: ignore[index]


def test_the_lowest_number_goes_first_among_equals_and_others_by_priority(core: Core) -> None:
    load(core, [NOP, NOP, branch(-6)], interruptPriorities=[0b0010, 0b0101, 0xFFFF_FF00, 0b1000])
    for irq in (9, 8, 3, 2, 1, 0):
        raise_line(core, irq)
    order = []
    for _ in range(6):
        order.append(entered(core) - IRQ)
        raise_line(core, order[-1], False)
        core.run(100)  # as far as its return, which enters the next
        core.set(interruptsUpdated=True)
        if core.run(1)["reason"] == "interrupt":
            pytest.fail("two entries at once")
    assert order == [1, 0, 2, 8, 9, 3]


def test_system_exceptions_have_their_own_priorities(core: Core) -> None:
    load(core, [NOP, branch(-6)], SHPR2=3 << 30, SHPR3=(1 << 30) | (2 << 22), interruptPriorities=[0, 0, 1, 0])
    core.set(pendingSVCall=True, pendingPendSV=True, pendingSystick=True, pendingNMI=True, interruptsUpdated=True)
    raise_line(core, 0)
    order = []
    for _ in range(5):
        order.append(entered(core))
        raise_line(core, 0, False)
        steps(core, 3)
    assert order == [NMI, SYSTICK, PENDSV, IRQ, SVCALL]


def test_only_a_more_urgent_interrupt_preempts_a_handler(core: Core) -> None:
    load(core, [NOP, branch(-6)], interruptPriorities=[0b001, 0b110, 0, 0])
    raise_line(core, 1)
    assert entered(core) == IRQ + 1
    raise_line(core, 2)
    assert core.run(1)["reason"] == "budget"
    raise_line(core, 0)
    state = core.run(1)
    assert (state["reason"], state["IPSR"]) == ("interrupt", IRQ)
    assert state["registers"][14] == EXC_RETURN_HANDLER
    raise_line(core, 0, False)
    state = steps(core, 3)
    assert (state["IPSR"], state["currentMode"]) == (IRQ + 1, 1)


def test_primask_holds_interrupts_back_until_it_is_cleared(core: Core) -> None:
    load(core, [NOP, NOP, CPSIE, NOP], PM=True)
    raise_line(core, 4)
    assert core.run(2)["reason"] == "budget"
    state = core.run(100)
    assert (state["reason"], state["cycles"], state["IPSR"]) == ("interrupt", 1 + 15, IRQ + 4)
    assert core.words(STACK - 8) == [CODE + 6]


def test_primask_written_as_a_special_register_does_the_same(core: Core) -> None:
    load(core, [0xF380, 0x8810, NOP], PM=True)
    raise_line(core, 4)
    state = core.run(100)
    assert (state["reason"], state["cycles"]) == ("interrupt", 3 + 15)


def test_nmi_is_taken_in_spite_of_primask_but_not_by_itself(core: Core) -> None:
    load(core, [NOP, NOP], PM=True, pendingNMI=True, interruptsUpdated=True)
    assert core.run(1)["IPSR"] == NMI
    core.set(pendingNMI=True, interruptsUpdated=True)
    assert core.run(1)["reason"] == "budget"


def test_an_interrupt_that_is_not_enabled_is_not_taken(core: Core) -> None:
    load(core, [NOP, NOP, NOP], enabledInterrupts=0)
    raise_line(core, 4)
    assert core.run(2)["reason"] == "budget"
    core.set(enabledInterrupts=1 << 4, interruptsUpdated=True)
    assert core.run(1)["IPSR"] == IRQ + 4


def test_supervisor_call_is_an_exception(core: Core) -> None:
    load(core, [SVC, NOP])
    core.run(1)
    assert entered(core) == SVCALL
    assert core.words(STACK - 8) == [CODE + 2]


def test_a_pulse_is_latched_and_taken_once(core: Core) -> None:
    load(core, [NOP, branch(-6)], PM=True)
    raise_line(core, 6)
    raise_line(core, 6, False)
    core.set(PM=False, interruptsUpdated=True)
    assert entered(core) == IRQ + 6
    steps(core, 3)
    assert all(core.run(1)["reason"] == "budget" for _ in range(5))


def test_a_line_that_stays_high_is_taken_again_after_the_return(core: Core) -> None:
    load(core, [NOP, branch(-6)])
    raise_line(core, 6)
    assert entered(core) == IRQ + 6
    steps(core, 2)
    assert steps(core, 1)["pending"] == 1 << 6
    assert core.run(1)["IPSR"] == IRQ + 6


def test_a_line_that_rises_again_in_its_handler_is_taken_again(core: Core) -> None:
    load(core, [NOP, branch(-6)])
    raise_line(core, 6)
    entered(core)
    raise_line(core, 6, False)
    raise_line(core, 6)
    raise_line(core, 6, False)
    steps(core, 3)
    assert entered(core) == IRQ + 6


def test_clearing_a_pending_interrupt_helps_only_when_its_line_is_low(core: Core) -> None:
    load(core, [NOP, NOP], PM=True)
    raise_line(core, 6)
    core.ask("clear_pending", mask=1 << 6)
    assert core.run(1)["pending"] == 1 << 6
    raise_line(core, 6, False)
    core.ask("clear_pending", mask=1 << 6)
    assert core.run(1)["pending"] == 0


def test_waiting_for_an_interrupt_ends_with_one_and_then_takes_it(core: Core) -> None:
    load(core, [WFI, NOP])
    assert core.run(100)["reason"] == "wait"
    raise_line(core, 2)
    state = core.run(100)
    assert (state["reason"], state["waiting"], state["IPSR"]) == ("interrupt", False, IRQ + 2)
    assert core.words(STACK - 8) == [CODE + 2]


def test_waiting_for_an_interrupt_ends_with_a_masked_one_without_taking_it(core: Core) -> None:
    load(core, [WFI, NOP, NOP], PM=True)
    core.run(100)
    raise_line(core, 2)
    state = core.run(1)
    assert (state["reason"], state["IPSR"], state["registers"][15]) == ("budget", 0, CODE + 4)


def test_waiting_for_an_interrupt_does_not_begin_when_one_is_pending(core: Core) -> None:
    load(core, [WFI, NOP, NOP], PM=True)
    raise_line(core, 2)
    state = core.run(3)
    assert (state["reason"], state["waiting"]) == ("budget", False)


def test_waiting_for_an_event_does_not_end_with_a_masked_interrupt(core: Core) -> None:
    load(core, [WFE, NOP], PM=True)
    core.run(100)
    raise_line(core, 2)
    assert core.run(100)["reason"] == "wait"
    core.set(PM=False)
    assert core.run(100)["reason"] == "interrupt"


def test_a_disabled_or_less_urgent_interrupt_ends_no_wait(core: Core) -> None:
    load(core, [NOP, NOP], enabledInterrupts=0b11, interruptPriorities=[0, 0b01, 0b10, 0])
    core.set(halfwords={handler(IRQ): [WFI, NOP]})
    raise_line(core, 0)
    entered(core)
    assert core.run(100)["reason"] == "wait"
    raise_line(core, 1)
    raise_line(core, 5)
    assert core.run(100)["reason"] == "wait"


@pytest.mark.parametrize("pending", ["pendingSystick", "pendingPendSV"])
def test_system_exceptions_end_a_wait(core: Core, pending: str) -> None:
    load(core, [WFE, NOP])
    core.run(100)
    core.set(**{pending: True, "interruptsUpdated": True})
    assert core.run(100)["reason"] == "interrupt"


def test_an_event_sent_before_lets_one_wait_pass(core: Core) -> None:
    load(core, [SEV, WFE, NOP, WFE])
    state = core.run(100)
    assert (state["reason"], state["registers"][15], state["cycles"]) == ("wait", CODE + 8, 1 + 2 + 1 + 2)


def test_an_exception_counts_as_an_event(core: Core) -> None:
    load(core, [NOP, WFE, NOP, WFE])
    raise_line(core, 0)
    entered(core)
    raise_line(core, 0, False)
    steps(core, 3)
    state = core.run(100)
    assert state["registers"][15] == CODE + 8
