"""The registers of the PIO block read and write as the datasheet lists them."""

from __future__ import annotations

import pytest
from pio_harness import (
    ADDR,
    CLKDIV,
    CTRL,
    DBG_CFGINFO,
    DBG_PADOE,
    DBG_PADOUT,
    EXECCTRL,
    FDEBUG,
    FLEVEL,
    FSTAT,
    INPUT_SYNC_BYPASS,
    INSTR,
    INSTR_MEM,
    INTR,
    IRQ,
    IRQ0_INTE,
    IRQ0_INTF,
    IRQ0_INTS,
    IRQ1_INTE,
    IRQ1_INTF,
    IRQ1_INTS,
    IRQ_FORCE,
    PINCTRL,
    RXF,
    SHIFTCTRL,
    TXF,
    PioEngine,
    irq,
    jmp,
    load,
    of,
    push,
)

RESET_VALUES = {
    CTRL: 0,
    FSTAT: 0x0F000F00,
    FDEBUG: 0,
    FLEVEL: 0,
    IRQ: 0,
    IRQ_FORCE: 0,
    INPUT_SYNC_BYPASS: 0,
    DBG_PADOUT: 0,
    DBG_PADOE: 0,
    DBG_CFGINFO: 0x00200404,
    INTR: 0xF0,  # four TX FIFOs with room
    IRQ0_INTE: 0,
    IRQ0_INTF: 0,
    IRQ0_INTS: 0,
    IRQ1_INTE: 0,
    IRQ1_INTF: 0,
    IRQ1_INTS: 0,
}
MACHINE_RESET_VALUES = {
    CLKDIV: 0x00010000,
    EXECCTRL: 0x0001F000,
    SHIFTCTRL: 0x000C0000,
    ADDR: 0,
    INSTR: 0,
    PINCTRL: 0x14000000,
}
ALL_RESET_VALUES = RESET_VALUES | {of(r, m): value for r, value in MACHINE_RESET_VALUES.items() for m in range(4)}


def test_reset_values(engine: PioEngine) -> None:
    script = [["r", offset, 5] for offset in ALL_RESET_VALUES]
    assert engine.run_both(script)["reads"] == list(ALL_RESET_VALUES.values())


def test_reset_returns_everything_to_the_reset_values_and_releases_the_pins(engine: PioEngine) -> None:
    busy = load([0xE01F, 0xE09F, irq(0), 0x4020, push(), jmp(3)])
    busy += [["w", offset, 0xFFFFFFFF, 5] for offset in (IRQ0_INTE, IRQ1_INTF, INPUT_SYNC_BYPASS)]
    busy += [["w", TXF, 1, 6], ["w", CLKDIV, 0x30000, 6], ["w", CTRL, 1, 7], ["t", 60], ["reset"]]
    script = [*busy, *[["r", offset, 60] for offset in ALL_RESET_VALUES]]
    result = engine.run(script)
    assert result["reads"] == list(ALL_RESET_VALUES.values())
    assert result["pins"][-1] == [0, 0, 60]
    assert result["irq"][-2:] == [[0, False, 60], [1, False, 60]]


@pytest.mark.parametrize(
    ("offset", "kept"),
    [
        (CTRL, 0xF),
        (INPUT_SYNC_BYPASS, 0xFFFFFFFF),
        (IRQ0_INTE, 0xFFF),
        (IRQ0_INTF, 0xFFF),
        (IRQ1_INTE, 0xFFF),
        (IRQ1_INTF, 0xFFF),
        (of(CLKDIV, 1), 0xFFFFFF00),
        (of(EXECCTRL, 2), 0x7FFFFF9F),
        (of(SHIFTCTRL, 3), 0xFFFF0000),
        (of(PINCTRL, 1), 0xFFFFFFFF),
        (INSTR_MEM, 0),
        (INSTR_MEM + 4 * 31, 0),
        (of(ADDR, 2), 0),
        (DBG_PADOUT, 0),
        (TXF, 0),
    ],
)
def test_bits_that_can_be_written_and_read_back(engine: PioEngine, offset: int, kept: int) -> None:
    assert engine.run_both([["w", offset, 0xFFFFFFFF, 5], ["r", offset, 6]])["reads"] == [kept]


def test_flags_are_set_by_force_and_cleared_by_writing_ones(engine: PioEngine) -> None:
    script = [["w", IRQ_FORCE, 0xA5, 5], ["r", IRQ, 6], ["w", IRQ, 0x21, 7], ["r", IRQ, 8]]
    assert engine.run_both(script)["reads"] == [0xA5, 0x84]


def test_fdebug_is_cleared_by_writing_ones(engine: PioEngine) -> None:
    script = [["r", RXF, 1], ["r", of(RXF, 2), 1], ["r", FDEBUG, 2], ["w", FDEBUG, 0x100, 3], ["r", FDEBUG, 4]]
    assert engine.run_both(script)["reads"][2:] == [0x500, 0x400]


def test_flevel_has_a_field_of_four_bits_for_each_fifo(engine: PioEngine) -> None:
    script = [["p", m, {"rxLevel": m + 1}] for m in range(4)]
    script += [["w", of(TXF, m), 0, 5] for m in range(4) for _ in range(4 - m)]
    assert engine.run_both([*script, ["r", FLEVEL, 6], ["r", FSTAT, 6]])["reads"] == [0x41322314, 0x00010008]


def test_interrupt_lines_follow_enable_and_force(engine: PioEngine) -> None:
    script = [["w", IRQ0_INTE, 0x100, 5], ["w", IRQ1_INTF, 0x800, 6], ["w", IRQ_FORCE, 1, 10], ["r", INTR, 11]]
    script += [["r", IRQ0_INTS, 11], ["r", IRQ1_INTS, 11], ["w", IRQ, 1, 20], ["w", IRQ1_INTF, 0, 30]]
    script += [["w", IRQ1_INTE, 0x20, 40], ["w", IRQ1_INTE, 0x2, 50], ["t", 60]]
    result = engine.run_both(script)
    assert result["reads"] == [0x1F0, 0x100, 0x800]
    lines = [[1, True, 6], [0, True, 11], [0, False, 21], [1, False, 30], [1, True, 40], [1, False, 50]]
    assert result["irq"] == lines


def test_the_raw_interrupts_show_data_received_and_room_to_send(engine: PioEngine) -> None:
    script = [["p", 1, {"rxLevel": 1}], *[["w", of(TXF, 2), 0, 5] for _ in range(4)], ["r", INTR, 6]]
    assert engine.run_both(script)["reads"] == [0xB2]


def test_upper_flags_do_not_reach_the_processor(engine: PioEngine) -> None:
    script = [["w", IRQ0_INTE, 0xFFF & ~0xF0, 5], ["w", IRQ_FORCE, 0xF0, 6], ["t", 20], ["r", INTR, 20]]
    result = engine.run_both(script)
    assert result["irq"] == []
    assert result["reads"] == [0xF0]


def test_a_strobe_through_the_clear_alias_does_nothing(engine: PioEngine) -> None:
    # The clear alias writes 0xF10 of a register that reads 1: merged value 1, word on the bus 0xF10.
    script = [*load([irq(1, wait_for=1)]), ["w", CTRL, 1, 5], ["alias", CTRL, 0x001, 0xF10, 20], ["o", 20]]
    assert engine.run(script)["observed"][0][0]["irqWaiting"]


def test_aliases_of_write_one_to_clear_registers_use_the_word_on_the_bus(engine: PioEngine) -> None:
    script = [["w", IRQ_FORCE, 0xF, 5], ["alias", IRQ, 0xC, 0x3, 10], ["r", IRQ, 11]]
    assert engine.run(script)["reads"] == [0xC]


def test_instruction_register_shows_the_word_at_the_counter(engine: PioEngine) -> None:
    script = [*load([jmp(3), 0, 0, jmp(3)]), ["r", INSTR, 5], ["w", CTRL, 1, 6], ["r", INSTR, 9], ["r", ADDR, 9]]
    assert engine.run_both(script)["reads"] == [jmp(3), jmp(3), 3]
