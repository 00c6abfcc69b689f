"""The PIO block does on each cycle what the datasheet says: traces worked out by hand.

In every trace the machine is started by a write of CTRL in cycle 10 with divider 1, so that its first instruction
executes in cycle 10; a pin that an instruction of cycle t sets is driven from t + 1.
"""

from __future__ import annotations

import itertools

from pio_harness import (
    ADDR,
    CTRL,
    DBG_PADOE,
    DBG_PADOUT,
    EXECCTRL,
    FDEBUG,
    FLEVEL,
    INPUT_SYNC_BYPASS,
    INSTR,
    IRQ,
    IRQ_FORCE,
    ISR,
    NOP,
    NULL,
    OSR,
    PC,
    PINS,
    RXF,
    TXF,
    Operation,
    PioEngine,
    X,
    Y,
    configure,
    edges,
    execctrl,
    field,
    in_,
    irq,
    jmp,
    load,
    mov,
    of,
    out,
    pinctrl,
    pull,
    push,
    set_,
    shiftctrl,
    wait,
)

START = 10
ON_PIN_0 = pinctrl(set_pins=(0, 1), out=(0, 1))


def started(program: list[int], cycle: int = START, strobes: int = 0, **registers: int) -> list[Operation]:
    """Return a script that runs `program` on machine 0, wrapped from its last word to its first by default."""
    registers.setdefault("execctrl", execctrl(len(program) - 1))
    registers.setdefault("pinctrl", ON_PIN_0)
    return [*load(program), *configure(0, **registers), ["w", CTRL, 1 | strobes, cycle]]


TOGGLE = [set_(PINS, 1), set_(PINS, 0)]
CLKDIV_RESTART = 0x100


class TestDivider:
    def test_divider_one_executes_every_cycle(self, engine: PioEngine) -> None:
        result = engine.run_both([*started(TOGGLE), ["t", 15]])
        assert edges(result, 0) == [(11, 1), (12, 0), (13, 1), (14, 0), (15, 1)]

    def test_integer_divider_ticks_first_when_its_count_reaches_one(self, engine: PioEngine) -> None:
        result = engine.run_both([*started(TOGGLE, strobes=CLKDIV_RESTART, clkdiv=3 << 16), ["t", 22]])
        assert edges(result, 0) == [(13, 1), (16, 0), (19, 1), (22, 0)]

    def test_fraction_of_a_half_lengthens_every_second_period(self, engine: PioEngine) -> None:
        # Periods of 2, 2, 3, 2, 3: a carry of the running total lengthens the period after it.
        result = engine.run_both([*started(TOGGLE, strobes=CLKDIV_RESTART, clkdiv=0x28000), ["t", 23]])
        assert [cycle for cycle, _ in edges(result, 0)] == [12, 14, 17, 19, 22]

    def test_fraction_of_one_256th_adds_one_cycle_in_256_periods(self, engine: PioEngine) -> None:
        result = engine.run_both([*started(TOGGLE, strobes=CLKDIV_RESTART, clkdiv=0x10100), ["t", 1000]])
        cycles = [cycle for cycle, _ in edges(result, 0)]
        gaps = [b - a for a, b in itertools.pairwise(cycles)]
        assert [i for i, gap in enumerate(gaps, 1) if gap != 1] == [256, 512, 768]
        assert set(gaps) == {1, 2}

    def test_integer_zero_divides_by_65536(self, engine: PioEngine) -> None:
        result = engine.run([*started(TOGGLE, strobes=CLKDIV_RESTART, clkdiv=0), ["t", 200_000]])
        assert [cycle for cycle, _ in edges(result, 0)] == [10 + 65536, 10 + 2 * 65536, 10 + 3 * 65536]

    def test_divider_runs_on_while_the_machine_is_disabled(self, engine: PioEngine) -> None:
        script = started(TOGGLE, strobes=CLKDIV_RESTART, clkdiv=4 << 16)  # ticks at 13, 17, 21, 25 ...
        script += [["w", CTRL, 0, 15], ["w", CTRL, 1, 22], ["t", 27]]
        assert [cycle for cycle, _ in edges(engine.run_both(script), 0)] == [14, 26]

    def test_restarted_dividers_run_in_lockstep(self, engine: PioEngine) -> None:
        script = load(TOGGLE)
        for machine, divider in ((0, 0x2A500), (1, 0x2A500)):
            script += configure(machine, clkdiv=divider, execctrl=execctrl(1), pinctrl=pinctrl(set_pins=(machine, 1)))
        script += [["w", CTRL, 0x1, 10], ["w", CTRL, 0x303, 37], ["t", 200]]
        result = engine.run_both(script)
        late = [[cycle for cycle, _ in edges(result, pin) if cycle > 45] for pin in (0, 1)]
        assert late[0] == late[1]
        assert len(late[0]) > 50

    def test_a_new_divider_holds_from_the_next_tick_on(self, engine: PioEngine) -> None:
        script = started(TOGGLE, strobes=CLKDIV_RESTART, clkdiv=4 << 16)  # ticks at 13, 17
        script += [*configure(0, 15, clkdiv=2 << 16), ["t", 24]]
        assert [cycle for cycle, _ in edges(engine.run_both(script), 0)] == [14, 18, 20, 22, 24]


class TestEnable:
    def test_machines_enabled_in_one_write_start_in_the_same_cycle(self, engine: PioEngine) -> None:
        script = load([set_(PINS, 1), jmp(1)])
        for machine in range(4):
            script += configure(machine, pinctrl=pinctrl(set_pins=(machine, 1)))
        result = engine.run_both([*script, ["w", CTRL, 0b1011, 10], ["r", CTRL, 12], ["t", 20]])
        assert result["pins"] == [[0b1011, 0, 11]]
        assert result["reads"] == [0b1011]

    def test_a_stopped_machine_goes_on_where_it_was_in_a_delay(self, engine: PioEngine) -> None:
        script = [*started([set_(PINS, 1, field(7)), set_(PINS, 0, field(7))]), ["w", CTRL, 0, 13], ["w", CTRL, 1, 33]]
        # SET 1 in 10, delay in 11, 12 and 33 to 37, SET 0 in 38.
        assert edges(engine.run_both([*script, ["t", 45]]), 0) == [(11, 1), (39, 0)]

    def test_a_stopped_machine_does_not_see_what_it_waits_for(self, engine: PioEngine) -> None:
        script = [*started([wait(1, "gpio", 9), set_(PINS, 1), jmp(2)]), ["w", CTRL, 0, 20], ["w", CTRL, 1, 60]]
        for pulse, found in ((30, []), (40, [(62, 1)])):  # gone again, or still there, when it is started
            levels = [["i", 1 << 9, pulse], *([["i", 0, pulse + 5]] if pulse == 30 else [])]
            assert edges(engine.run_both([*script, *levels, ["t", 80]]), 0) == found


class TestDelay:
    def test_delay_follows_its_instruction(self, engine: PioEngine) -> None:
        result = engine.run_both([*started([set_(PINS, 1, field(3)), set_(PINS, 0)]), ["t", 21]])
        assert edges(result, 0) == [(11, 1), (15, 0), (16, 1), (20, 0), (21, 1)]

    def test_delay_of_a_stalled_instruction_starts_when_it_completes(self, engine: PioEngine) -> None:
        script = started([wait(1, "gpio", 5, field(2)), set_(PINS, 1)])
        result = engine.run_both([*script, ["i", 1 << 5, 30], ["t", 50]])
        # Seen by the instruction of cycle 33, two cycles of delay, SET in 36, driven from 37.
        assert edges(result, 0) == [(37, 1)]

    def test_delay_of_a_jump_counts_taken_or_not(self, engine: PioEngine) -> None:
        program = [set_(PINS, 1), jmp(2, "!x", field(4)), set_(PINS, 0), jmp(0, "x--", field(4))]
        result = engine.run_both([*started(program), ["t", 30]])
        # 10 set 1, 11 jmp taken + 4, 16 set 0, 17 jmp x-- not taken + 4, wrap: 22 set 1, 23 jmp !x not taken + 4,
        # 28 set 0.
        assert edges(result, 0) == [(11, 1), (17, 0), (23, 1), (29, 0)]

    def test_side_set_takes_its_bits_from_the_delay(self, engine: PioEngine) -> None:
        # Two side-set bits leave three for the delay: 7 at most.
        program = [mov(Y, Y, more=field(7, 2, 2)), mov(Y, Y, more=field(0, 1, 2))]
        result = engine.run_both([*started(program, pinctrl=pinctrl(side=(4, 2))), ["t", 25]])
        assert edges(result, 5) == [(11, 1), (19, 0), (20, 1)]
        assert edges(result, 4) == [(19, 1), (20, 0)]


class TestSideSet:
    def test_it_happens_in_the_first_cycle_of_a_stalled_instruction(self, engine: PioEngine) -> None:
        result = engine.run_both([*started([pull(more=field(0, 1, 1))], pinctrl=pinctrl(side=(3, 1))), ["t", 30]])
        assert edges(result, 3) == [(11, 1)]

    def test_enable_bit_leaves_pins_alone_when_clear(self, engine: PioEngine) -> None:
        program = [
            mov(Y, Y, more=field(1, 0b11, 2)),
            mov(Y, Y, more=field(1, 0b01, 2)),
            mov(Y, Y, more=field(1, 0b10, 2)),
        ]
        registers = {"execctrl": execctrl(2, side_en=1), "pinctrl": pinctrl(side=(3, 2))}
        result = engine.run_both([*started(program, **registers), ["t", 20]])
        assert edges(result, 3) == [(11, 1), (15, 0), (17, 1)]
        assert edges(result, 4) == []

    def test_it_can_drive_directions(self, engine: PioEngine) -> None:
        program = [mov(Y, Y, more=field(2, 1, 1)), mov(Y, Y, more=field(0, 0, 1))]
        registers = {"execctrl": execctrl(1, side_pindir=1), "pinctrl": pinctrl(side=(7, 1))}
        result = engine.run_both([*started(program, **registers), ["t", 16]])
        assert edges(result, 7, directions=True) == [(11, 1), (14, 0), (15, 1)]
        assert edges(result, 7) == []

    def test_it_wins_over_set_and_out_of_the_same_instruction(self, engine: PioEngine) -> None:
        program = [set_(PINS, 0b11, field(1, 0, 1)), set_(PINS, 0b00, field(1, 1, 1))]
        result = engine.run_both([*started(program, pinctrl=pinctrl(set_pins=(0, 2), side=(1, 1))), ["t", 18]])
        assert edges(result, 0) == [(11, 1), (13, 0), (15, 1), (17, 0)]
        assert edges(result, 1) == [(13, 1), (15, 0), (17, 1)]

    def test_a_stalled_instruction_repeats_it_in_every_tick(self, engine: PioEngine) -> None:
        # Machine 1 stalls with side 0 and divider 4 (ticks 13, 17, 21 ...); machine 0 sets the same pin in cycle 10.
        script = load([set_(PINS, 1), jmp(1), pull(more=field(0, 0, 1))])
        script += configure(0, pinctrl=ON_PIN_0)
        script += configure(1, clkdiv=4 << 16, pinctrl=pinctrl(side=(0, 1)), instr=jmp(2))
        script += [["w", CTRL, 0xF03, 10], ["w", of(INSTR, 0), set_(PINS, 1), 30], ["t", 50]]
        assert edges(engine.run_both(script), 0) == [(11, 1), (14, 0), (31, 1), (34, 0)]


class TestWrap:
    def test_it_goes_from_top_to_bottom_and_a_taken_jump_goes_first(self, engine: PioEngine) -> None:
        program = [set_(X, 1), set_(PINS, 1), set_(PINS, 0), jmp(1, "x--")]
        result = engine.run_both([*started(program, execctrl=execctrl(3, 0)), ["t", 25]])
        # x = 1: jump to 1 is taken once, then the wrap goes to 0, which costs the SET X cycle.
        assert edges(result, 0) == [(12, 1), (13, 0), (15, 1), (16, 0), (19, 1), (20, 0), (22, 1), (23, 0)]

    def test_without_a_wrap_the_counter_runs_through_all_32_words(self, engine: PioEngine) -> None:
        program = [set_(PINS, 1), *[NOP] * 30, set_(PINS, 0)]
        result = engine.run_both([*started(program), ["t", 80]])
        assert edges(result, 0) == [(11, 1), (42, 0), (43, 1), (74, 0), (75, 1)]


class TestInputs:
    PROGRAM = (wait(1, "gpio", 9), set_(PINS, 1), jmp(2))

    def test_a_level_is_seen_three_cycles_after_it_reached_the_pad(self, engine: PioEngine) -> None:
        result = engine.run_both([*started(list(self.PROGRAM)), ["i", 1 << 9, 50], ["t", 70]])
        assert edges(result, 0) == [(55, 1)]  # WAIT ends in 53, SET in 54

    def test_a_bypassed_level_is_seen_one_cycle_after(self, engine: PioEngine) -> None:
        script = started(list(self.PROGRAM))
        result = engine.run_both([["w", INPUT_SYNC_BYPASS, 1 << 9, 0], *script, ["i", 1 << 9, 50], ["t", 70]])
        assert edges(result, 0) == [(53, 1)]

    def test_bypass_is_per_pin(self, engine: PioEngine) -> None:
        script = [["w", INPUT_SYNC_BYPASS, 1 << 8, 0], *started(list(self.PROGRAM))]
        assert edges(engine.run_both([*script, ["i", 3 << 8, 50], ["t", 70]]), 0) == [(55, 1)]

    def test_own_output_is_seen_after_four_cycles_and_after_two_with_the_bypass(self, engine: PioEngine) -> None:
        # 16 words with side 1, then 16 with side 0, each shifting pin 0 into the ISR: bit n is what word n saw.
        program = [in_(PINS, 1, field(0, int(i < 16), 1)) for i in range(32)]
        for bypass, latency in ((0, 4), (1, 2)):
            script = [["w", INPUT_SYNC_BYPASS, bypass, 0], *load(program)]
            script += configure(0, 0, pinctrl=pinctrl(set_pins=(0, 1)), instr=set_("pindirs", 1))
            script += configure(0, 1, pinctrl=pinctrl(side=(0, 1)))
            result = engine.run_both([*script, ["w", CTRL, 1, 10], ["w", CTRL, 0, 42], ["o", 42]], read_back=1)
            assert result["observed"][0][0]["isr"] == 0x0000FFFF << latency

    def test_a_pulse_of_one_cycle_is_seen_for_one_cycle(self, engine: PioEngine) -> None:
        program = [jmp(2, "pin"), jmp(0), set_(PINS, 1), jmp(3)]
        for at, seen in ((50, False), (51, True)):  # JMP PIN executes in even cycles, so it sees odd pad cycles
            script = started(program, execctrl=execctrl(31, jmp_pin=4))
            result = engine.run_both([*script, ["i", 1 << 4, at], ["i", 0, at + 1], ["t", 80]])
            assert edges(result, 0) == ([(at + 5, 1)] if seen else [])

    def test_wait_pin_and_in_pins_count_from_in_base_and_wrap_after_31(self, engine: PioEngine) -> None:
        program = [wait(1, "pin", 4), in_(PINS, 32), push()]
        script = [["i", 0b1101 << 2, 0], *started(program, pinctrl=pinctrl(in_base=30))]
        result = engine.run_both([*script, ["r", RXF, 40]])
        # Pin 4 from base 30 is GPIO 2; the word is GPIO 30, 31, 0, 1, 2 ...
        assert result["reads"] == [0b1101 << 4]

    def test_many_changes_on_their_way_through_the_synchroniser_all_arrive(self, engine: PioEngine) -> None:
        script = started([in_(PINS, 8)], shiftctrl=shiftctrl(autopush=1, join_rx=1))
        script += [["i", n & 0xFF, 7 + n] for n in range(1, 200)]  # the level of cycle 7 + n is seen in 10 + n
        words = engine.run([*script, *[["r", RXF, 300 + n] for n in range(8)]])["reads"]
        assert words == [sum((4 * k + j) << 8 * j for j in range(4)) for k in range(8)]

    def test_jmp_pin_is_absolute(self, engine: PioEngine) -> None:
        program = [jmp(2, "pin"), jmp(0), set_(PINS, 1), jmp(3)]
        registers = {"execctrl": execctrl(31, jmp_pin=6), "pinctrl": pinctrl(set_pins=(0, 1), in_base=3)}
        for pin, taken in ((6, True), (9, False), (3, False)):
            result = engine.run_both([*started(program, **registers), ["i", 1 << pin, 50], ["t", 80]])
            assert bool(edges(result, 0)) == taken


class TestSeveralMachinesOnOnePin:
    def test_the_highest_numbered_machine_wins_in_one_cycle(self, engine: PioEngine) -> None:
        script = [*load([set_(PINS, 1), jmp(1), set_(PINS, 0), jmp(3)])]
        script += configure(0, pinctrl=ON_PIN_0) + configure(3, pinctrl=ON_PIN_0, instr=jmp(2))
        assert edges(engine.run_both([*script, ["w", CTRL, 0b1001, 10], ["t", 20]]), 0) == []
        swapped = [*load([set_(PINS, 0), jmp(1), set_(PINS, 1), jmp(3)]), *script[4:]]
        assert edges(engine.run_both([*swapped, ["w", CTRL, 0b1001, 10], ["t", 20]]), 0) == [(11, 1)]

    def test_the_highest_numbered_machine_wins_for_directions_too(self, engine: PioEngine) -> None:
        for low, high, found in ((1, 0, []), (0, 1, [(11, 1)])):
            script = load([set_("pindirs", low), jmp(1), set_("pindirs", high), jmp(3)])
            script += configure(1, pinctrl=ON_PIN_0) + configure(2, pinctrl=ON_PIN_0, instr=jmp(2))
            result = engine.run_both([*script, ["w", CTRL, 0b0110, 10], ["t", 20]])
            assert edges(result, 0, directions=True) == found

    def test_in_different_cycles_the_last_write_stays(self, engine: PioEngine) -> None:
        script = [*load([set_(PINS, 1), jmp(1), set_(PINS, 0), jmp(3)])]
        script += configure(0, pinctrl=ON_PIN_0, instr=NOP) + configure(3, pinctrl=ON_PIN_0, instr=jmp(2))
        result = engine.run_both([*script, ["w", CTRL, 0b1000, 10], ["w", CTRL, 0b1001, 15], ["t", 30]])
        assert edges(result, 0) == [(16, 1)]

    def test_side_set_of_a_lower_machine_loses_to_set_of_a_higher_one(self, engine: PioEngine) -> None:
        script = load([mov(Y, Y, more=field(0, 1, 1)), jmp(0, more=field(0, 1, 1)), set_(PINS, 0), jmp(2)])
        script += configure(0, pinctrl=pinctrl(side=(0, 1)))
        script += configure(1, execctrl=execctrl(2, 2), pinctrl=ON_PIN_0, instr=jmp(2))
        assert edges(engine.run_both([*script, ["w", CTRL, 3, 10], ["t", 200]]), 0) == []

    def test_a_standing_writer_takes_the_pin_back_at_its_next_tick(self, engine: PioEngine) -> None:
        # Machine 3 holds the pin low at ticks 13, 17, 21 ... while machine 0 raises it in cycle 30.
        script = load([set_(PINS, 0)]) + configure(0, pinctrl=ON_PIN_0)
        script += configure(3, clkdiv=4 << 16, execctrl=execctrl(0), pinctrl=ON_PIN_0)
        script += [["w", CTRL, 0x808, 10], ["w", of(INSTR, 0), set_(PINS, 1), 30], ["t", 60]]
        assert edges(engine.run_both(script), 0) == [(31, 1), (34, 0)]


class TestOutputMapping:
    def test_set_wraps_after_pin_31(self, engine: PioEngine) -> None:
        script = started([set_(PINS, 0b10101), jmp(1)], pinctrl=pinctrl(set_pins=(30, 5)))
        assert engine.run_both([*script, ["r", DBG_PADOUT, 20]])["reads"] == [1 << 30 | 1 << 0 | 1 << 2]

    def test_side_set_and_out_of_directions_wrap_after_pin_31(self, engine: PioEngine) -> None:
        program = [mov(OSR, NULL, "~", field(0, 0b1011, 4)), out("pindirs", 32, field(0, 0b1011, 4)), jmp(2)]
        script = started(program, pinctrl=pinctrl(side=(30, 4), out=(31, 3)))
        result = engine.run_both([*script, ["r", DBG_PADOUT, 12], ["r", DBG_PADOE, 12]])
        assert result["reads"] == [1 << 30 | 1 << 31 | 1 << 1, 1 << 31 | 1 << 0 | 1 << 1]

    def test_out_and_mov_write_all_their_pins_zero_extended(self, engine: PioEngine) -> None:
        program = [set_(X, 0b110), mov(PINS, X, "~"), mov(OSR, X), out(PINS, 2), jmp(4)]
        script = started(program, pinctrl=pinctrl(out=(28, 6)), execctrl=execctrl(31))
        result = engine.run_both([*script, ["r", DBG_PADOUT, 12], ["r", DBG_PADOUT, 14]])
        # MOV of ~6 to six pins from 28: bits 0, 3, 4, 5 -> GPIO 28, 31, 0, 1. OUT of two bits 10: GPIO 29 only.
        assert result["reads"] == [1 << 28 | 1 << 31 | 1 << 0 | 1 << 1, 1 << 29]

    def test_set_touches_only_its_count_of_pins(self, engine: PioEngine) -> None:
        program = [set_(PINS, 31), set_("pindirs", 31), jmp(2)]
        script = started(program, pinctrl=pinctrl(set_pins=(4, 3)))
        assert engine.run_both([*script, ["r", DBG_PADOUT, 20], ["r", DBG_PADOE, 20]])["reads"] == [0x70, 0x70]

    def test_pin_31_is_reported_like_any_other(self, engine: PioEngine) -> None:
        script = started([set_(PINS, 1), set_("pindirs", 1), jmp(2)], pinctrl=pinctrl(set_pins=(31, 1)))
        assert engine.run_both([*script, ["t", 20]])["pins"] == [[1 << 31, 0, 11], [1 << 31, 1 << 31, 12]]

    def test_count_zero_writes_nothing(self, engine: PioEngine) -> None:
        script = started([set_(PINS, 31), mov(PINS, NULL, "~"), jmp(2)], pinctrl=0)
        assert engine.run_both([*script, ["t", 30]])["pins"] == []


class TestShifting:
    def test_in_and_out_shift_both_ways(self, engine: PioEngine) -> None:
        program = [pull(), out(X, 8), in_(X, 8), out(X, 4), in_(X, 4), push(), jmp(6)]
        word = 0x12345678
        for right, expected in ((1, (0x6 << 28) | (0x78 << 20)), (0, (0x12 << 4) | 0x3)):
            script = started(program, shiftctrl=shiftctrl(out_right=right, in_right=right))
            assert engine.run_both([*script, ["w", TXF, word, 20], ["r", RXF, 40]])["reads"] == [expected]

    def test_out_of_32_bits_empties_the_osr(self, engine: PioEngine) -> None:
        program = [pull(), out(X, 32), in_(X, 32), push(), in_(OSR, 32), push(), jmp(6)]
        script = started(program)
        result = engine.run_both([*script, ["w", TXF, 0xDEADBEEF, 20], ["r", RXF, 40], ["r", RXF, 41]])
        assert result["reads"] == [0xDEADBEEF, 0]

    def test_out_isr_sets_its_count_and_mov_clears_it(self, engine: PioEngine) -> None:
        program = [pull(), out(ISR, 12), mov(ISR, X), mov(OSR, X), jmp(4)]
        script = [*started(program), ["w", TXF, 0xABC, 20], ["o", 22], ["o", 23], ["o", 24]]
        after_out, after_isr, after_osr = (observed[0] for observed in engine.run_both(script)["observed"])
        assert (after_out["isr"], after_out["isrCount"], after_out["osrCount"]) == (0xABC, 12, 12)
        assert (after_isr["isr"], after_isr["isrCount"]) == (0, 0)
        assert after_osr["osrCount"] == 0

    def test_mov_reverses_and_inverts(self, engine: PioEngine) -> None:
        program = [pull(), mov(X, OSR, "::"), mov(Y, OSR, "~"), jmp(3)]
        state = engine.run_both([*started(program), ["w", TXF, 0x80000005, 20], ["o", 40]])["observed"][0][0]
        assert (state["x"], state["y"]) == (0xA0000001, 0x7FFFFFFA)


class TestAutopull:
    PAIR = (0x0001 << 16) | 0x0000  # low half first: pin 0 low, then high

    def test_an_empty_osr_costs_one_stall_cycle_although_the_fifo_has_data(self, engine: PioEngine) -> None:
        script = started([out(PINS, 16)], shiftctrl=shiftctrl(autopull=1))
        script += [["w", TXF, self.PAIR, 4], ["w", TXF, self.PAIR, 5]]
        result = engine.run_both([*script, ["t", 25], ["r", FDEBUG, 25], ["w", TXF, self.PAIR, 30], ["t", 40]])
        # 10 refill, 11 low, 12 high and refill at once, 13 low, 14 high, 15 stalls until the word of 30; 31 low,
        # 32 high.
        assert edges(result, 0) == [(13, 1), (14, 0), (15, 1), (32, 0), (33, 1)]
        assert result["reads"] == [1 << 24]

    def test_a_word_that_comes_in_between_is_taken_without_a_stall(self, engine: PioEngine) -> None:
        program = [out(PINS, 32), NOP, NOP, NOP]
        script = started(program, shiftctrl=shiftctrl(autopull=1))
        result = engine.run_both([*script, ["w", TXF, 1, 20], ["w", TXF, 0, 23], ["w", TXF, 1, 29], ["t", 40]])
        # 20 refill, 21 OUT 1; 22-24 NOPs: the word of 23 is taken in 23; 25 OUT 0; 26-28; 29 OUT finds nothing but
        # takes the word of that cycle and stalls; 30 OUT 1.
        assert edges(result, 0) == [(22, 1), (26, 0), (31, 1)]

    def test_the_osr_is_refilled_in_a_delay(self, engine: PioEngine) -> None:
        script = started([out(NULL, 32, field(20))], shiftctrl=shiftctrl(autopull=1))
        script += [["w", TXF, 1, 11], ["w", TXF, 2, 15], ["r", FLEVEL, 16], ["o", 16]]
        result = engine.run_both(script)
        # OUT stalls in 10, refills in 11, executes in 12 and delays to 32; the word of 15 goes to the OSR in 15.
        assert result["reads"] == [0]
        assert result["observed"][0][0]["osr"] == 2
        assert result["observed"][0][0]["delay"] == 17

    def test_pull_is_a_barrier_that_does_nothing_while_bits_are_left(self, engine: PioEngine) -> None:
        program = [out(X, 8), pull(), out(Y, 8), jmp(3)]
        script = started(program, shiftctrl=shiftctrl(autopull=1))
        state = engine.run_both([*script, ["w", TXF, 0x2211, 20], ["w", TXF, 0x44, 21], ["o", 40]])["observed"][0][0]
        assert (state["x"], state["y"], state["tx"]) == (0x11, 0x22, [0x44])

    def test_threshold_counts_bits(self, engine: PioEngine) -> None:
        script = started([out(PINS, 1)], shiftctrl=shiftctrl(autopull=1, pull=2))
        script += [["w", TXF, 0b01, 5], ["w", TXF, 0b01, 6]]
        assert edges(engine.run_both([*script, ["t", 30]]), 0) == [(12, 1), (13, 0), (14, 1), (15, 0)]

    def test_not_osre_uses_the_threshold(self, engine: PioEngine) -> None:
        program = [pull(), out(NULL, 3), jmp(1, "!osre"), set_(PINS, 1), jmp(4)]
        script = started(program, shiftctrl=shiftctrl(pull=9))
        # 20 PULL; OUT and JMP three times (21..26); SET in 27.
        assert edges(engine.run_both([*script, ["w", TXF, 0, 20], ["t", 40]]), 0) == [(28, 1)]


class TestAutopush:
    def test_in_pushes_in_the_same_cycle_and_stalls_only_on_a_full_fifo(self, engine: PioEngine) -> None:
        script = started([in_(X, 16), set_(X, 5)], shiftctrl=shiftctrl(autopush=1, push=16, in_right=0))
        script += [["r", FLEVEL, 11], ["r", FLEVEL, 17], ["r", FDEBUG, 18], ["r", FDEBUG, 19], ["r", FLEVEL, 30]]
        script += [["r", RXF, 40], ["r", FLEVEL, 40], ["r", FLEVEL, 41], ["r", RXF, 42]]
        levels = engine.run_both(script)["reads"]
        # Pushes in 10, 12, 14, 16; IN of 18 stalls, and pushes in the cycle in which the bus made room.
        assert levels == [0x10, 0x40, 0, 1, 0x40, 0, 0x30, 0x40, 5]

    def test_a_stalled_in_samples_its_input_when_it_completes(self, engine: PioEngine) -> None:
        script = started([in_(PINS, 32)], shiftctrl=shiftctrl(autopush=1))
        script += [["i", 7, 100], *[["r", RXF, 200 + i] for i in range(5)]]
        assert engine.run_both(script)["reads"] == [0, 0, 0, 0, 7]


class TestPushAndPull:
    def test_pull_noblock_of_an_empty_fifo_copies_x(self, engine: PioEngine) -> None:
        program = [set_(X, 21), pull(0), mov(Y, OSR), jmp(3)]
        result = engine.run_both([*started(program), ["r", FDEBUG, 40], ["o", 40]])
        assert result["observed"][0][0]["y"] == 21
        assert result["reads"] == [0]

    def test_pull_block_stalls_and_says_so(self, engine: PioEngine) -> None:
        script = [*started([pull(), set_(PINS, 1), jmp(2)]), ["r", FDEBUG, 11], ["w", TXF, 0, 30], ["t", 40]]
        result = engine.run_both(script)
        assert result["reads"] == [1 << 24]
        assert edges(result, 0) == [(32, 1)]

    def test_txstall_comes_back_while_the_machine_still_stalls(self, engine: PioEngine) -> None:
        script = [*started([pull()]), ["w", FDEBUG, 1 << 24, 30], ["r", FDEBUG, 30], ["r", FDEBUG, 31]]
        assert engine.run_both(script)["reads"] == [0, 1 << 24]

    def test_pull_ifempty_waits_for_the_threshold(self, engine: PioEngine) -> None:
        program = [pull(), out(NULL, 4), pull(1, 1), out(NULL, 4), pull(1, 1), jmp(5)]
        script = [*started(program, shiftctrl=shiftctrl(pull=8)), ["w", TXF, 1, 20], ["w", TXF, 2, 21], ["o", 40]]
        assert engine.run_both(script)["observed"][0][0]["osr"] == 2

    def test_push_noblock_to_a_full_fifo_drops_the_word_and_clears_the_isr(self, engine: PioEngine) -> None:
        program = [set_(X, 9), in_(X, 32), push(0), jmp(1)]
        script = [*started(program), ["r", FDEBUG, 24], ["o", 24], ["r", FDEBUG, 25], ["o", 25], ["r", FLEVEL, 25]]
        result = engine.run_both(script)
        # Pushes in 12, 15, 18, 21; the one of 24 finds the FIFO full.
        assert result["reads"] == [0, 1, 0x40]
        assert [state[0]["isr"] for state in result["observed"]] == [9, 0]

    def test_push_iffull_does_nothing_below_the_threshold(self, engine: PioEngine) -> None:
        program = [in_(X, 8), push(1, 1)]
        script = [*started(program, shiftctrl=shiftctrl(push=24)), ["r", FLEVEL, 15], ["r", FLEVEL, 16]]
        assert engine.run_both(script)["reads"] == [0, 0x10]

    def test_bus_over_and_underflow_are_noted_and_change_nothing(self, engine: PioEngine) -> None:
        script = [["w", TXF, i, 1] for i in range(5)] + [["r", RXF, 2], ["r", FDEBUG, 3], ["o", 3]]
        result = engine.run_both(script)
        assert result["reads"] == [0, 1 << 16 | 1 << 8]
        assert result["observed"][0][0]["tx"] == [0, 1, 2, 3]


class TestJoinedFifos:
    def test_tx_holds_eight_words_and_rx_reads_full_and_empty(self, engine: PioEngine) -> None:
        script = configure(0, shiftctrl=shiftctrl(join_tx=1))
        script += [["w", TXF, i, 1] for i in range(9)] + [["r", FLEVEL, 2], ["r", FDEBUG, 2], ["r", 0x004, 2]]
        levels, debug, status = engine.run_both(script)["reads"]
        assert (levels, debug) == (8, 1 << 16)
        assert status & 0x01010101 == 0x00010101  # TX full, RX empty and RX full

    def test_rx_holds_eight_words(self, engine: PioEngine) -> None:
        script = started([in_(X, 32)], shiftctrl=shiftctrl(join_rx=1, autopush=1))
        result = engine.run_both([*script, ["r", FLEVEL, 30], ["r", 0x004, 30], ["w", TXF, 1, 30], ["r", FDEBUG, 30]])
        assert result["reads"] == [0x80, 0x0F010E01, 1 << 16 | 1]

    def test_changing_a_join_clears_both_fifos(self, engine: PioEngine) -> None:
        plain = shiftctrl()
        for join in ({"join_rx": 1}, {"join_tx": 1}):
            script = [["p", 0, {"rxLevel": 3}], ["w", TXF, 1, 1], ["w", TXF, 2, 1], ["r", FLEVEL, 2]]
            script += [*configure(0, 3, shiftctrl=plain), ["r", FLEVEL, 3]]
            script += [*configure(0, 4, shiftctrl=shiftctrl(**join)), ["r", FLEVEL, 4]]
            script += [*configure(0, 5, shiftctrl=plain), ["r", FLEVEL, 5]]
            assert engine.run_both(script)["reads"] == [0x32, 0x32, 0, 0]

    def test_words_live_through_stop_and_restart(self, engine: PioEngine) -> None:
        script = [*started([jmp(0)]), ["w", TXF, 1, 20], ["w", CTRL, 0, 21], ["w", CTRL, 0x10, 22], ["r", FLEVEL, 23]]
        assert engine.run_both(script)["reads"] == [1]


class TestFlags:
    def test_a_flag_is_seen_by_another_machine_in_the_next_cycle(self, engine: PioEngine) -> None:
        for setter, waiter in ((0, 1), (3, 0)):
            script = load([irq(2, more=field(30)), wait(1, "irq", 2), set_(PINS, 1), jmp(3)])
            script += configure(setter) + configure(waiter, pinctrl=ON_PIN_0, instr=jmp(1))
            script += [["w", CTRL, 1 << waiter, 10], ["w", CTRL, 1 << waiter | 1 << setter, 20]]
            result = engine.run_both([*script, ["r", IRQ, 21], ["r", IRQ, 22], ["t", 30]])
            # Set in 20, seen in 21 by WAIT, which also clears it; SET in 22.
            assert result["reads"] == [4, 0]
            assert edges(result, 0) == [(23, 1)]

    def test_wait_and_clear_take_relative_flags_too(self, engine: PioEngine) -> None:
        for machine in range(4):
            waited, cleared = (3 + machine) & 3, 4 | (2 + machine) & 3
            script = load([wait(1, "irq", 0x10 | 3), irq(0x10 | 6, clear=1), jmp(2)]) + configure(machine)
            script += [["w", IRQ_FORCE, 0xFF ^ 1 << waited, 5], ["w", CTRL, 1 << machine, 10], ["r", IRQ, 30]]
            script += [["w", IRQ_FORCE, 1 << waited, 30], ["r", IRQ, 40]]
            # Only its own flag lets it go; WAIT clears that one.
            assert engine.run_both(script)["reads"] == [0xFF ^ 1 << waited, 0xFF ^ 1 << waited ^ 1 << cleared]

    def test_relative_flags_add_the_machine_to_the_two_low_bits(self, engine: PioEngine) -> None:
        script = load([irq(0x10 | 5), jmp(1)])
        for machine in range(4):
            script += configure(machine)
        for machine, expected in enumerate((1 << 5, 1 << 6, 1 << 7, 1 << 4)):
            result = engine.run_both([*script, ["w", CTRL, 1 << machine, 10], ["r", IRQ, 20]])
            assert result["reads"] == [expected]

    def test_irq_wait_goes_on_when_the_flag_is_cleared(self, engine: PioEngine) -> None:
        script = started([irq(1, wait_for=1, more=field(2)), set_(PINS, 1), jmp(2)])
        result = engine.run_both([*script, ["r", IRQ, 11], ["w", IRQ, 2, 30], ["t", 50]])
        # Cleared by the bus in 30, so low from 31; IRQ completes in 31, delay 32 and 33, SET in 34.
        assert result["reads"] == [2]
        assert edges(result, 0) == [(35, 1)]

    def test_wait_zero_does_not_clear_and_wait_one_does(self, engine: PioEngine) -> None:
        script = started([wait(0, "irq", 3), wait(1, "irq", 3), set_(PINS, 1), jmp(3)])
        result = engine.run_both([*script, ["w", IRQ_FORCE, 8, 30], ["r", IRQ, 31], ["r", IRQ, 32], ["t", 40]])
        assert result["reads"] == [8, 0]
        assert edges(result, 0) == [(33, 1)]

    def test_set_wins_over_clear_in_one_cycle(self, engine: PioEngine) -> None:
        for first, second in ((irq(6), irq(6, clear=1)), (irq(6, clear=1), irq(6))):
            script = load([first, jmp(1), second, jmp(3)]) + configure(0) + configure(1, instr=jmp(2))
            assert engine.run_both([*script, ["w", CTRL, 3, 10], ["r", IRQ, 20]])["reads"] == [1 << 6]
        script = [*started([NOP, irq(6), jmp(2)]), ["w", IRQ, 0xFF, 11], ["r", IRQ, 12]]
        assert engine.run_both(script)["reads"] == [1 << 6]

    def test_two_waiters_on_one_flag_both_go(self, engine: PioEngine) -> None:
        script = load([wait(1, "irq", 0), set_(PINS, 1), jmp(2)])
        script += configure(0, pinctrl=ON_PIN_0) + configure(1, pinctrl=pinctrl(set_pins=(1, 1)))
        result = engine.run_both([*script, ["w", CTRL, 3, 10], ["w", IRQ_FORCE, 1, 30], ["t", 40]])
        assert edges(result, 0) == edges(result, 1) == [(33, 1)]


class TestForcedInstructions:
    def test_a_disabled_machine_executes_at_once_whatever_its_divider(self, engine: PioEngine) -> None:
        script = [
            *configure(0, clkdiv=0, pinctrl=ON_PIN_0),
            ["w", of(INSTR, 0), set_(PINS, 1, field(31)), 50],
            ["t", 60],
        ]
        result = engine.run_both([*script, ["w", of(INSTR, 0), set_(PINS, 0), 60], ["t", 70], ["r", ADDR, 70]])
        assert edges(result, 0) == [(51, 1), (61, 0)]
        assert result["reads"] == [0]

    def test_its_side_set_is_driven(self, engine: PioEngine) -> None:
        script = [*configure(0, pinctrl=pinctrl(side=(4, 1)), instr=mov(Y, Y, more=field(0, 1, 1))), ["t", 10]]
        assert edges(engine.run_both(script), 4) == [(1, 1)]

    def test_a_jump_moves_the_counter(self, engine: PioEngine) -> None:
        script = [["w", of(INSTR, 0), jmp(17), 5], ["r", ADDR, 6], ["r", INSTR, 6]]
        assert engine.run_both([*load([set_(X, 3)], 17), *script])["reads"] == [17, set_(X, 3)]

    def test_it_takes_the_place_of_one_instruction_and_its_delay_is_ignored(self, engine: PioEngine) -> None:
        script = [*started(TOGGLE), ["w", of(INSTR, 0), mov(Y, Y, more=field(9)), 14], ["t", 18]]
        result = engine.run_both(script)
        # 10 to 13 toggle; 14 is the forced word; 15 goes on where it left off.
        assert edges(result, 0) == [(11, 1), (12, 0), (13, 1), (14, 0), (16, 1), (17, 0), (18, 1)]

    def test_it_interrupts_a_stalled_instruction_which_then_goes_on(self, engine: PioEngine) -> None:
        program = [pull(), out(PINS, 1), jmp(2)]
        script = [*started(program), ["w", of(INSTR, 0), set_(X, 7), 20], ["o", 25], ["w", TXF, 1, 30], ["t", 40]]
        result = engine.run_both(script)
        assert result["observed"][0][0]["x"] == 7
        assert edges(result, 0) == [(32, 1)]

    def test_a_stalled_word_is_latched_shown_and_completed(self, engine: PioEngine) -> None:
        script = [
            ["w", of(INSTR, 0), pull(), 5],
            ["r", EXECCTRL, 6],
            ["w", TXF, 77, 20],
            ["r", EXECCTRL, 21],
            ["o", 21],
        ]
        result = engine.run_both(script)
        assert [word >> 31 for word in result["reads"]] == [1, 0]
        assert result["observed"][0][0]["osr"] == 77

    def test_a_stalled_word_is_dropped_by_a_no_operation_and_by_restart(self, engine: PioEngine) -> None:
        for way in (["w", of(INSTR, 0), NOP, 10], ["w", CTRL, 0x10, 10]):
            script = [["w", of(INSTR, 0), pull(), 5], way, ["r", EXECCTRL, 12], ["w", TXF, 77, 20], ["r", FLEVEL, 25]]
            assert [word >> 31 for word in engine.run_both(script)["reads"]] == [0, 0]
            assert engine.run_both(script)["reads"][1] == 1

    def test_an_out_with_autopull_takes_a_cycle_for_the_refill(self, engine: PioEngine) -> None:
        script = configure(0, clkdiv=0, shiftctrl=shiftctrl(autopull=1), pinctrl=ON_PIN_0)
        script += [["w", TXF, 1, 5], ["w", of(INSTR, 0), out(PINS, 1), 50], ["t", 60]]
        assert edges(engine.run_both(script), 0) == [(52, 1)]

    def test_an_irq_wait_stays_until_the_flag_is_cleared(self, engine: PioEngine) -> None:
        script = [["w", of(INSTR, 0), irq(3, wait_for=1), 5], ["r", IRQ, 6], ["r", EXECCTRL, 20], ["w", IRQ, 8, 30]]
        flags, before, after = engine.run_both([*script, ["r", EXECCTRL, 32]])["reads"]
        assert (flags, before >> 31, after >> 31) == (8, 1, 0)

    def test_jump_out_of_a_count_loop(self, engine: PioEngine) -> None:
        program = [mov(X, NULL, "~"), jmp(1, "x--"), set_(PINS, 1), jmp(3)]
        script = [*started(program), ["w", of(INSTR, 0), jmp(2), 1_000_000], ["o", 1_000_003], ["t", 1_000_010]]
        result = engine.run(script)
        assert edges(result, 0) == [(1_000_002, 1)]
        # Cycle 10 sets X, cycles 11 to 999,999 count.
        assert result["observed"][0][0]["x"] == 0xFFFFFFFF - (1_000_000 - 11)


class TestExec:
    def test_out_exec_takes_one_cycle_and_the_executee_the_next_with_its_delay(self, engine: PioEngine) -> None:
        program = [pull(), out("exec", 16, field(9)), set_(PINS, 0), jmp(3)]
        script = [*started(program), ["w", TXF, set_(PINS, 1, field(4)), 20], ["t", 40]]
        # 20 PULL, 21 OUT EXEC (its delay is ignored), 22 SET 1 with 4 of delay, 27 SET 0.
        assert edges(engine.run_both(script), 0) == [(23, 1), (28, 0)]

    def test_mov_exec_runs_a_jump_that_counts(self, engine: PioEngine) -> None:
        program = [pull(), mov("exec", OSR, more=field(9)), set_(PINS, 1), jmp(3), set_("pindirs", 1), jmp(5)]
        result = engine.run_both([*started(program), ["w", TXF, jmp(4), 20], ["t", 40]])
        assert edges(result, 0) == []
        assert edges(result, 0, directions=True) == [(24, 1)]

    def test_an_executee_may_stall_and_shows_it(self, engine: PioEngine) -> None:
        program = [pull(), mov("exec", OSR), set_(PINS, 1), jmp(3)]
        script = [
            *started(program),
            ["w", TXF, wait(1, "gpio", 7), 20],
            ["r", EXECCTRL, 30],
            ["i", 1 << 7, 40],
            ["t", 60],
        ]
        result = engine.run_both([*script, ["r", EXECCTRL, 60]])
        assert [word >> 31 for word in result["reads"]] == [1, 0]
        assert edges(result, 0) == [(45, 1)]  # seen in 43, SET in 44

    def test_an_executee_can_initiate_another(self, engine: PioEngine) -> None:
        program = [pull(), mov("exec", OSR), set_(PINS, 0), jmp(3)]
        script = [*started(program), *configure(0, 15, instr=set_(X, 0))]
        state = engine.run_both([*script, ["w", TXF, mov("exec", X), 20], ["o", 23], ["o", 24]])["observed"]
        # 20 PULL, 21 MOV EXEC, 22 MOV EXEC of X = 0, 23 JMP 0.
        assert (state[0][0]["pc"], state[1][0]["pc"]) == (2, 0)

    def test_out_pc_and_mov_pc_jump(self, engine: PioEngine) -> None:
        program = [pull(), out(PC, 5), set_(PINS, 1), jmp(3), mov(PC, OSR), jmp(5)]
        script = [*started(program, shiftctrl=shiftctrl(out_right=1)), ["w", TXF, 4 | 9 << 5, 20], ["o", 22], ["o", 23]]
        observed = engine.run_both(script)["observed"]
        assert [state[0]["pc"] for state in observed] == [4, 9]


class TestStatus:
    def test_it_compares_the_fifo_level_below_n(self, engine: PioEngine) -> None:
        program = [mov(X, "status"), in_(X, 1), jmp(0)]
        for rx, register in ((0, TXF), (1, RXF)):
            registers = {"execctrl": execctrl(31, status_rx=rx, status_n=2)}
            script = started(program, **registers)
            if rx:
                script.insert(0, ["p", 0, {"rxLevel": 2}])
                script += [["o", 20], ["r", register, 30], ["o", 40]]
                expected = [0, 0xFFFFFFFF]
            else:
                script += [["w", register, 1, 12], ["o", 20], ["w", register, 1, 30], ["o", 40]]
                expected = [0xFFFFFFFF, 0]
            assert [state[0]["x"] for state in engine.run_both(script)["observed"]] == expected


class TestStickyAndInlineEnable:
    def test_sticky_output_takes_the_pin_back_in_the_next_cycle(self, engine: PioEngine) -> None:
        script = [*started([set_(PINS, 1), jmp(1)], execctrl=execctrl(31, sticky=1))]
        script += [*configure(1, 20, pinctrl=ON_PIN_0, instr=set_(PINS, 0)), ["t", 30]]
        assert edges(engine.run_both(script), 0) == [(11, 1), (21, 0), (22, 1)]

    def test_sticky_directions_are_repeated_on_their_pins_only(self, engine: PioEngine) -> None:
        script = started([set_("pindirs", 1), jmp(1)], execctrl=execctrl(31, sticky=1))
        both = pinctrl(set_pins=(0, 2))
        script += configure(1, 20, pinctrl=both, instr=set_("pindirs", 2))
        result = engine.run_both([*script, ["t", 30]])
        assert edges(result, 0, directions=True) == [(11, 1), (21, 0), (22, 1)]
        assert edges(result, 1, directions=True) == [(21, 1)]

    def test_a_sticky_direction_of_0_is_repeated_too(self, engine: PioEngine) -> None:
        script = started([set_("pindirs", 0), jmp(1)], execctrl=execctrl(31, sticky=1))
        script += [*configure(1, 20, pinctrl=ON_PIN_0, instr=set_("pindirs", 1)), ["t", 30]]
        assert edges(engine.run_both(script), 0, directions=True) == [(21, 1), (22, 0)]

    def test_a_lower_machine_cannot_override_a_sticky_higher_one(self, engine: PioEngine) -> None:
        script = load([set_(PINS, 1), jmp(1)]) + configure(2, execctrl=execctrl(31, sticky=1), pinctrl=ON_PIN_0)
        script += [["w", CTRL, 4, 10], *configure(0, 20, pinctrl=ON_PIN_0, instr=set_(PINS, 0)), ["t", 30]]
        assert edges(engine.run_both(script), 0) == [(11, 1)]

    def test_restart_lets_a_sticky_output_go(self, engine: PioEngine) -> None:
        script = [*started([set_(PINS, 1), jmp(1)], execctrl=execctrl(31, sticky=1)), ["w", CTRL, 0x11, 15]]
        script += [*configure(1, 20, pinctrl=ON_PIN_0, instr=set_(PINS, 0)), ["t", 30]]
        assert edges(engine.run_both(script), 0) == [(11, 1), (21, 0)]

    def test_sticky_output_follows_the_pins_that_pinctrl_names(self, engine: PioEngine) -> None:
        script = [*started([set_(PINS, 1), jmp(1)], execctrl=execctrl(31, sticky=1))]
        script += [*configure(0, 20, pinctrl=pinctrl(set_pins=(9, 1))), ["t", 30]]
        assert edges(engine.run_both(script), 9) == [(21, 1)]

    def test_the_enable_can_be_any_bit_of_the_data(self, engine: PioEngine) -> None:
        program = [pull(), out(PINS, 32), jmp(0)]
        for bit in (0, 7, 16, 31):
            registers = {"execctrl": execctrl(31, inline=1, enable_bit=bit), "pinctrl": pinctrl(out=(0, 32))}
            script = [*started(program, **registers), ["w", TXF, 0xFFFFFFFF ^ 1 << bit, 20], ["r", DBG_PADOUT, 25]]
            script += [["w", TXF, 1 << bit, 30], ["r", DBG_PADOUT, 35]]
            assert engine.run_both(script)["reads"] == [0, 1 << bit]

    def test_inline_enable_masks_a_write_and_lets_a_sticky_one_go(self, engine: PioEngine) -> None:
        program = [pull(), out(PINS, 2), jmp(0)]
        registers = {"execctrl": execctrl(31, sticky=1, inline=1, enable_bit=1), "pinctrl": pinctrl(out=(0, 1))}
        script = [*started(program, **registers), ["w", TXF, 0b11, 20], ["w", TXF, 0b00, 30]]
        script += configure(1, 25, pinctrl=ON_PIN_0, instr=set_(PINS, 0))
        script += [*configure(1, 35, instr=set_(PINS, 0)), ["t", 50]]
        # 21 OUT with enable: high and sticky, so the foreign 0 of 25 lasts one cycle; 31 OUT without: no write, and the
        # foreign 0 of 35 stays.
        result = engine.run_both(script)
        assert edges(result, 0) == [(22, 1), (26, 0), (27, 1), (36, 0)]


class TestRestart:
    def test_it_clears_what_silicon_clears_and_nothing_else(self, engine: PioEngine) -> None:
        program = [pull(), set_(X, 3), set_(Y, 4), in_(X, 5), out(NULL, 7), irq(0, wait_for=1, more=field(9))]
        script = [*started(program), ["w", TXF, 0xFFFF, 20], ["o", 30], ["w", CTRL, 0x10, 30], ["o", 30]]
        before, after = (states[0] for states in engine.run_both(script)["observed"])
        assert before["irqWaiting"]
        assert not after["irqWaiting"]
        assert (before["isrCount"], before["osrCount"]) == (5, 7)
        assert (after["isr"], after["isrCount"], after["osrCount"], after["delay"]) == (0, 0, 32, 0)
        for kept in ("x", "y", "osr", "pc", "tx"):
            assert after[kept] == before[kept]

    def test_it_ends_a_delay(self, engine: PioEngine) -> None:
        script = [*started([set_(PINS, 1, field(31)), set_(PINS, 0), jmp(2)]), ["w", CTRL, 0x11, 20], ["t", 30]]
        assert edges(engine.run_both(script), 0) == [(11, 1), (21, 0)]


class TestDreq:
    def test_tx_asks_while_there_is_room_and_rx_while_there_is_data(self, engine: PioEngine) -> None:
        script = started([pull(), in_(OSR, 32), push(), jmp(0)])
        script += [["w", TXF, i, 30 + i] for i in range(6)]
        script = [["w", CTRL, 0, 0], *script[:-6], ["w", CTRL, 0, 20], *script[-6:], ["w", CTRL, 1, 50], ["t", 100]]
        result = engine.run_both([*script, ["r", RXF, 100]])
        # The FIFO was empty and the machine stalled in PULL; stopped, it fills with the write of 33; started in 50,
        # PULL makes room from 51 on, PUSH of 52 asks from 53 on. PULL of 50, 54, 58, 62: then nothing more comes.
        assert result["dreq"] == [["tx", 0, False, 33], ["tx", 0, True, 51], ["rx", 0, True, 53]]

    def test_tx_asks_again_from_the_cycle_after_an_autopull(self, engine: PioEngine) -> None:
        script = started([out(NULL, 32)], shiftctrl=shiftctrl(autopull=1))
        script += [["w", TXF, i, 5] for i in range(4)]
        # The OUT of 10 stalls and refills, the one of 11 executes and refills.
        assert engine.run_both([*script, ["t", 30]])["dreq"] == [["tx", 0, False, 5], ["tx", 0, True, 11]]

    def test_rx_asks_until_the_read_of_the_last_word(self, engine: PioEngine) -> None:
        script = started([in_(X, 32), in_(X, 32), jmp(2)], shiftctrl=shiftctrl(autopush=1))
        script += [["r", RXF, 20], ["r", RXF, 30]]
        assert engine.run_both([*script, ["t", 40]])["dreq"] == [["rx", 0, True, 11], ["rx", 0, False, 30]]

    def test_a_joined_tx_fifo_asks_for_eight_words(self, engine: PioEngine) -> None:
        script = configure(3, shiftctrl=shiftctrl(join_tx=1)) + [["w", of(TXF, 3), i, 10 + i] for i in range(8)]
        assert engine.run_both([*script, ["t", 40]])["dreq"] == [["tx", 3, False, 17]]

    def test_joining_withdraws_the_tx_request(self, engine: PioEngine) -> None:
        script = configure(2, 5, shiftctrl=shiftctrl(join_rx=1)) + configure(2, 9, shiftctrl=shiftctrl())
        assert engine.run_both([*script, ["t", 20]])["dreq"] == [["tx", 2, False, 5], ["tx", 2, True, 9]]
