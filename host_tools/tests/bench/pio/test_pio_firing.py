"""The firmware's PIO programs take the cycles that the firmware counts on, and fire only as permitted."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from pio_firing import (
    BOARD,
    CO2,
    GATE,
    GUARD,
    LAMP,
    PS,
    QSW,
    SAFE_CLOSED,
    SYNC,
    TRIGGERS,
    Firing,
    Firmware,
    sync_watch,
    window,
)
from pio_harness import CTRL, DBG_PADOUT, FLEVEL, INSTR, IRQ, RXF, TXF, Operation, PioEngine, edges, of, set_

Figure = Callable[..., None]
GATE_WORDS = st.one_of(st.integers(1, 300), st.integers(1, 2**17 - 1))
DEAD_TIME = 2**19
generated = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def run(engine: PioEngine, firing: Firing, until: int, more: list[Operation] | None = None) -> dict[str, Any]:
    """Run the script to `until`; the machines read the triggers' pads back."""
    return engine.run([*firing.script, *(more or []), ["t", until]], read_back=TRIGGERS)


def rises(result: dict[str, Any], pin: int) -> list[int]:
    return [cycle for cycle, level in edges(result, pin) if level]


def widths(result: dict[str, Any], pin: int) -> list[int]:
    cycles = [cycle for cycle, _ in edges(result, pin)]
    return [fall - rise for rise, fall in zip(cycles[::2], cycles[1::2], strict=True)]


def test_the_constants_are_those_measured_here(firmware: Firmware) -> None:
    told = {name: value for name, value in firmware.constants.items() if name.endswith("OVERHEAD_CYCLES")}
    assert told == {
        "PACER_OVERHEAD_CYCLES": 13,
        "GATE_OVERHEAD_CYCLES": 2,
        "QSW_OVERHEAD_CYCLES": 3,
        "PAIR_OVERHEAD_CYCLES": 12,
        "SYNC_OVERHEAD_CYCLES": 2,
    }
    assert firmware.constants["SYNC_LOOP_CYCLES"] == 2


class TestPacer:
    @seed(20_050)
    @generated
    @given(first=st.integers(0, 5000), lead=st.integers(0, 5000))
    def test_the_period_is_both_counts_plus_13(
        self, engine: PioEngine, firmware: Firmware, first: int, lead: int
    ) -> None:
        firing = Firing(firmware, first, lead)
        result = run(engine, firing, firing.slot + 5 * firing.period)
        assert rises(result, SYNC) == [firing.slot + i * (first + lead + 13) for i in range(6)]

    @pytest.mark.proves("R-TIM-1")
    def test_a_200_hz_train_has_no_period_error(self, engine: PioEngine, firmware: Firmware, figure: Figure) -> None:
        firing = Firing(firmware, 625_000 - 125_000 - 13, 125_000)
        found = rises(run(engine, firing, firing.slot + 2000 * 625_000), SYNC)
        gaps = [b - a for a, b in itertools.pairwise(found)]
        assert len(gaps) == 2000
        assert set(gaps) == {625_000}
        figure(
            "PIO pacer: period error over 2000 periods", found[2000] - found[0] - 2000 * 625_000, "cycles", limit="0"
        )

    def test_the_cpu_is_told_the_lead_count_plus_3_ahead_of_the_slot(
        self, engine: PioEngine, firmware: Firmware, figure: Figure
    ) -> None:
        ahead = set()
        for lead in (0, 1, 100, 125_000):
            firing = Firing(firmware, 1000, lead)
            result = run(engine, firing, firing.slot + 20)
            assert [entry[:2] for entry in result["irq"]] == [[1, True]]
            ahead.add(rises(result, SYNC)[0] - result["irq"][0][2] - lead)
        assert ahead == {3}
        figure("PIO pacer: interrupt to slot minus its lead count", ahead.pop(), "cycles")

    def test_the_slot_pulse_is_8_cycles_long(self, engine: PioEngine, firmware: Firmware) -> None:
        firing = Firing(firmware, 1000)
        assert widths(run(engine, firing, firing.slot + 3 * firing.period + 100), SYNC) == [8, 8, 8, 8]


class TestWidths:
    @seed(20_051)
    @generated
    @given(word=GATE_WORDS)
    def test_a_gate_is_its_word_plus_2(self, engine: PioEngine, firmware: Firmware, word: int) -> None:
        firing = Firing(firmware, 2000)
        firing.permit_each(CO2, [word])
        result = run(engine, firing, firing.slot + word + 100)
        assert widths(result, GATE) == [word + 2]
        assert edges(result, LAMP) == edges(result, QSW) == []

    @seed(20_052)
    @generated
    @given(word=GATE_WORDS, width=st.integers(0, 2**12 - 1))
    def test_a_q_switch_pulse_is_its_word_plus_3_and_begins_where_the_lamp_ends(
        self, engine: PioEngine, firmware: Firmware, word: int, width: int
    ) -> None:
        firing = Firing(firmware, 2000)
        firing.permit_each(PS, [word], width)
        result = run(engine, firing, firing.slot + word + width + 100)
        assert widths(result, LAMP) == [word + 2]
        assert widths(result, QSW) == [width + 3]
        assert edges(result, LAMP)[1][0] == rises(result, QSW)[0]
        assert edges(result, GATE) == []

    def test_a_laser_with_one_trigger_gets_no_q_switch_pulse(self, engine: PioEngine, firmware: Firmware) -> None:
        firing = Firing(firmware, 2000, lamp_qswitch=False)
        firing.permit_each(PS, [700])
        result = run(engine, firing, firing.slot + 2000)
        assert widths(result, LAMP) == [702]
        assert edges(result, QSW) == []

    def test_a_burst_keeps_its_period_whatever_the_gates(
        self, engine: PioEngine, firmware: Firmware, figure: Figure
    ) -> None:
        firing = Firing(firmware, 625_000 - 125_000 - 13, 125_000)
        words = [12_498, 1, 99_999, 12_498, 99_998]
        firing.permit_each(CO2, words)
        result = run(engine, firing, firing.slot + 5 * firing.period)
        assert widths(result, GATE) == [word + 2 for word in words]
        assert rises(result, GATE) == [firing.slot + 12 + i * 625_000 for i in range(5)]
        figure("PIO shot: CO2 gate minus its word", widths(result, GATE)[0] - words[0], "cycles")


class TestStart:
    @seed(20_053)
    @generated
    @given(delay=st.one_of(st.integers(0, 50), st.integers(0, 400_000)))
    def test_a_pair_is_its_delay_plus_12_apart(self, engine: PioEngine, firmware: Firmware, delay: int) -> None:
        firing = Firing(firmware, 2000, delays=(0, delay), co2_start=QSW)
        firing.permit_each(PS, [300], 50)
        firing.permit_each(CO2, [1000])
        result = run(engine, firing, firing.slot + delay + 3000)
        assert rises(result, GATE) == [rises(result, QSW)[0] + delay + 12]

    def test_a_pair_from_the_lasers_sync_input_is_its_delay_plus_12_after_the_edge(
        self, engine: PioEngine, firmware: Firmware, figure: Figure
    ) -> None:
        found = set()
        for delay in (0, 1, 124, 300_000):
            firing = Firing(firmware, 2000, delays=(0, delay), co2_start=BOARD.PS_SYNC)
            firing.permit_each(CO2, [1000])
            for moment in range(firing.slot, firing.slot + 10):
                levels = SAFE_CLOSED | 1 << BOARD.PS_SYNC
                result = run(engine, firing, moment + delay + 2000, [["i", levels, moment]])
                found.add(rises(result, GATE)[0] - moment - delay)
        assert found == {12}
        figure("PIO shot: start pin to trigger minus the delay count", found.pop(), "cycles")

    def test_a_slot_fires_both_lasers_in_the_same_cycle(self, engine: PioEngine, firmware: Firmware) -> None:
        firing = Firing(firmware, 2000, delays=(70, 70))
        firing.permit_each(PS, [300], 50)
        firing.permit_each(CO2, [1000])
        result = run(engine, firing, firing.slot + 3000)
        assert rises(result, LAMP) == rises(result, GATE) == [firing.slot + 70 + 12]

    def test_a_slot_in_the_dead_time_starts_nothing_and_keeps_the_permit(
        self, engine: PioEngine, firmware: Firmware
    ) -> None:
        firing = Firing(firmware, 300_000 - 113)
        for i in range(3):
            firing.permit(CO2, firing.slot - 500 + i, 998)
        result = run(engine, firing, firing.slot + 5 * firing.period)
        assert rises(result, GATE) == [firing.slot + 12 + i * 600_000 for i in range(3)]

    @pytest.mark.proves("R-PER-9")
    def test_no_start_is_seen_for_524290_cycles_after_a_gate(self, engine: PioEngine, firmware: Firmware) -> None:
        # From the fall: 3 for the second pulse, which has no pin here, MOV, OUT, 524,288 jumps; then WAIT, which sees
        # pads three cycles old.
        for late, shots in ((-1, 1), (0, 2)):
            firing = Firing(firmware, 2000, co2_start=BOARD.PS_SYNC)
            firing.permit(CO2, firing.slot, 98)
            firing.permit(CO2, firing.slot + 1, 98)
            high, low = SAFE_CLOSED | 1 << BOARD.PS_SYNC, SAFE_CLOSED
            fall = firing.slot + 100 + 12 + 100
            again = fall + 3 + 2 + DEAD_TIME - 3 + late
            pulses: list[Operation] = [["i", high, firing.slot + 100], ["i", low, firing.slot + 101]]
            pulses += [["i", high, again], ["i", low, again + 1]]
            assert len(rises(run(engine, firing, again + 1000, pulses), GATE)) == shots


class TestPermits:
    @pytest.mark.proves("R-PER-1", "R-PER-3")
    def test_without_a_permit_a_slot_locks_both_machines_and_tells_by_flag(
        self, engine: PioEngine, firmware: Firmware
    ) -> None:
        firing = Firing(firmware, 2000)
        slot = firing.slot
        result = run(engine, firing, slot + 5000, [["r", IRQ, slot], ["r", IRQ, slot + 20]])
        flags = 1 << firmware.constants["FLAG_PS_LOCKED"] | 1 << firmware.constants["FLAG_CO2_LOCKED"]
        assert [word & 0b110 for word in result["reads"]] == [0, flags]
        assert flags == 0b110
        assert all(edges(result, pin) == [] for pin in (LAMP, QSW, GATE))

    @pytest.mark.proves("R-PER-2", "R-PER-3")
    def test_a_locked_machine_ignores_later_permits(self, engine: PioEngine, firmware: Firmware) -> None:
        firing = Firing(firmware, 600_000)
        for slot, written in ((0, -50), (1, 500), (2, -50), (3, -50)):  # the second slot's permit comes after it
            firing.permit(CO2, firing.slot + slot * firing.period + written, 1000)
        result = run(engine, firing, firing.slot + 20 * firing.period)
        assert rises(result, GATE) == [firing.slot + 12]

    @pytest.mark.proves("R-PER-1")
    def test_unlocking_by_the_loader_leaves_no_old_permit(self, engine: PioEngine, firmware: Firmware) -> None:
        first = Firing(firmware, 2000)
        first.permit(CO2, first.slot + 500, 1000)  # after its slot
        cycle = first.slot + 3000
        again: list[Operation] = []
        for operation in Firing(firmware, 2000).script[1:]:
            again.append([*operation[:-1], operation[-1] + cycle])
        result = run(engine, first, cycle + 20_000, [["r", FLEVEL, cycle], *again, ["r", FLEVEL, cycle + 20_000]])
        assert [word >> 8 * CO2 & 15 for word in result["reads"]] == [1, 0]
        assert edges(result, GATE) == []

    @pytest.mark.proves("R-PER-1")
    def test_a_permit_of_zero_locks(self, engine: PioEngine, firmware: Firmware) -> None:
        firing = Firing(firmware, 2000)
        firing.permit_each(CO2, [0, 1000])
        result = run(engine, firing, firing.slot + 5 * firing.period, [["r", IRQ, firing.slot + 20]])
        assert result["reads"][0] >> 2 & 1 == 1
        assert edges(result, GATE) == []

    @pytest.mark.proves("R-OPT-6")
    @pytest.mark.parametrize(("low", "fires"), [(-10, False), (30, True)])
    def test_a_scanner_that_is_not_in_place_when_the_shot_starts_locks_instead(
        self, engine: PioEngine, firmware: Firmware, low: int, fires: bool
    ) -> None:
        firing = Firing(firmware, 2000, in_place=BOARD.SCAN_OK)
        firing.permit_each(CO2, [1000])
        moves: list[Operation] = [["i", SAFE_CLOSED | 1 << BOARD.SCAN_OK, 0]]
        moves.append(["i", SAFE_CLOSED, firing.slot + low])
        result = run(engine, firing, firing.slot + 1500, [*moves, ["r", IRQ, firing.slot + 500]])
        assert bool(edges(result, GATE)) == fires
        assert result["reads"][0] >> 2 & 1 == int(not fires)


class TestGuard:
    @pytest.mark.proves("R-STP-2")
    def test_it_ends_every_trigger_5_cycles_after_safe_fell(
        self, engine: PioEngine, firmware: Firmware, figure: Figure
    ) -> None:
        rng = Random(5)
        latencies = set()
        cases = [(LAMP, 12, 8000), (QSW, 8020, 3000), (GATE, 12, 90_000), (SYNC, 0, 3)] * 10
        for pin, begin, length in cases:
            firing = Firing(firmware, 2000)
            firing.permit_each(PS, [8006], 4000)
            firing.permit_each(CO2, [100_000])
            opened = firing.slot + begin + rng.randrange(length)
            closed = opened + rng.choice((1, 2, 3, 1000))
            result = run(engine, firing, opened + 300_000, [["i", 0, opened], ["i", SAFE_CLOSED, closed]])
            found = edges(result, pin)
            assert [level for _, level in found] == [1, 0]
            latencies.add(found[1][0] - opened)
        assert latencies == {5}
        figure("PIO guard: SAFE low at the pad to trigger low", max(latencies), "cycles", limit="<= 8")
        figure("PIO guard: jitter of that", max(latencies) - min(latencies), "cycles")

    @pytest.mark.proves("R-STP-4")
    def test_once_tripped_it_holds_all_four_pins_whatever_writes_them(
        self, engine: PioEngine, firmware: Firmware
    ) -> None:
        firing = Firing(firmware, 300)
        opened = firing.slot - 200
        writes: list[Operation] = [["i", 0, opened], ["i", SAFE_CLOSED | 1 << BOARD.SCAN_OK, opened + 1]]
        rng = Random(6)
        cycle = opened + 5
        for _ in range(150):
            cycle += rng.randrange(1, 50)
            machine = rng.choice((PS, CO2))
            word = rng.choice((set_("pins", 31), set_("pins", 3), 0x0000 | firing_entry(firmware)))
            writes.append(["w", of(INSTR, machine), word, cycle])
            writes.append(["w", of(TXF, machine), rng.randrange(1, 500), cycle])
            if rng.random() < 0.3:
                writes.append(["w", IRQ, rng.randrange(256), cycle])
        script = [*firing.script, *writes, ["r", IRQ, cycle + 5000]]
        result = engine.run_both(script, read_back=TRIGGERS)
        for pin in (LAMP, QSW, GATE, SYNC):
            assert edges(result, pin) == []
        assert result["reads"][0] >> firmware.constants["FLAG_GUARD"] & 1 == 1
        # The same without the trip does raise pins.
        untouched = [operation for operation in script if operation[0] != "i" or operation[2] == 0]
        assert edges(engine.run(untouched, read_back=TRIGGERS), GATE) != []

    def test_it_sets_its_flag_again_at_once(self, engine: PioEngine, firmware: Firmware) -> None:
        firing = Firing(firmware, 2000)
        opened = firing.started + 100
        more: list[Operation] = [["i", 0, opened], ["r", IRQ, opened + 4], ["r", IRQ, opened + 5]]
        more += [["w", IRQ, 1 << 4, opened + 50], ["r", IRQ, opened + 51], ["r", IRQ, opened + 52]]
        reads = run(engine, firing, opened + 100, more)["reads"]
        assert [word >> 4 & 1 for word in reads] == [0, 1, 1, 1]

    def test_it_is_there_while_the_other_machines_stand_still(self, engine: PioEngine, firmware: Firmware) -> None:
        # A gate is open, then everything but the guard is stopped: SAFE still ends it.
        firing = Firing(firmware, 2000)
        firing.permit_each(CO2, [100_000])
        stopped, opened = firing.slot + 500, firing.slot + 50_000
        more: list[Operation] = [["w", CTRL, 1 << GUARD, stopped], ["i", 0, opened]]
        assert edges(run(engine, firing, opened + 200_000, more), GATE) == [(firing.slot + 12, 1), (opened + 5, 0)]


def firing_entry(firmware: Firmware) -> int:
    """Return the address at which the shot program raises its first trigger."""
    code = firmware.programs["shot"][0]
    return 8 + code.index(set_("pins", 1))


class TestWindow:
    @seed(20_054)
    @generated
    @given(word=st.integers(0, 3000), settle=st.integers(0, 3000), pulse=st.integers(1, 4000))
    def test_the_verdict_comes_its_count_plus_7_after_the_trigger(
        self, engine: PioEngine, firmware: Firmware, word: int, settle: int, pulse: int
    ) -> None:
        script = window(firmware, settle)
        # PULL, MOV, word + 1 jumps, SET: driven 4 cycles and the word after the write. The trigger is seen after 3
        # cycles, then MOV, settle + 1 jumps, IRQ: the flag is up 7 cycles and the count after the edge; WAIT, SET.
        written = script[-1][-1] + 50
        released = written + word + 4
        trigger = released + 10
        script += [["w", TXF, word, written], ["i", 1 << QSW, trigger], ["i", 0, trigger + pulse]]
        end = max(trigger + settle + 7 + 2, trigger + pulse + 3 + 2)
        result = engine.run([*script, ["t", end + 10_000]])
        assert edges(result, BOARD.PS_INT_RESET)[1:] == [(released, 0), (end, 1)]
        assert result["irq"] == [[1, True, trigger + settle + 7]]

    def test_a_trigger_without_a_word_gives_no_verdict(self, engine: PioEngine, firmware: Firmware) -> None:
        script = window(firmware, 100)
        cycle = script[-1][-1] + 50
        result = engine.run([*script, ["i", 1 << QSW, cycle], ["t", cycle + 5000], ["r", DBG_PADOUT, cycle + 5000]])
        assert result["irq"] == []
        assert result["reads"] == [1 << BOARD.PS_INT_RESET]


class TestSyncWatch:
    NONE = 0xFFFFFFFF

    @seed(20_055)
    @generated
    @given(counts=st.integers(0, 400), after=st.integers(0, 900))
    def test_it_tells_the_counts_left_when_the_sync_came(
        self, engine: PioEngine, firmware: Firmware, counts: int, after: int
    ) -> None:
        script = sync_watch(firmware, counts, 10)
        # WAIT sees the trigger after 3 cycles, MOV, then a look each 2 cycles, at a pad three cycles old: the first at
        # the level 2 cycles after the trigger's edge. MOV, PUSH and IRQ follow the look, or the last count.
        trigger = script[-1][-1] + 50
        look = max(0, (after - 2 + 1) // 2)
        told = counts - look if look <= counts else self.NONE
        flag = trigger + (9 + 2 * look if look <= counts else 10 + 2 * counts)
        both = 1 << QSW | 1 << BOARD.PS_SYNC
        script += [["i", 1 << QSW, trigger]] if after > 0 else []
        script += [["i", both, trigger + after], ["r", of(RXF, 2), trigger + 2000], ["t", trigger + 3000]]
        result = engine.run(script)
        assert result["reads"] == [told]
        assert result["irq"] == [[0, True, flag]]

    @pytest.mark.parametrize(("again", "double"), [(20, True), (22, True), (23, False), (60, False)])
    def test_a_second_sync_raises_its_flag_once_more(
        self, engine: PioEngine, firmware: Firmware, again: int, double: bool
    ) -> None:
        quiet = 10
        script = sync_watch(firmware, 100, quiet)
        trigger = script[-1][-1] + 50
        fall = trigger + 40
        flag = 1 << firmware.constants["FLAG_SYNC"]
        # WAIT sees the fall after 3 cycles; MOV, then quiet + 1 looks each 2 cycles, at pads three cycles old: the last
        # at the level 22 cycles after the fall.
        script += [["i", 1 << QSW, trigger], ["i", 1 << QSW | 1 << BOARD.PS_SYNC, trigger + 20], ["i", 0, fall]]
        script += [["w", IRQ, flag, trigger + 38]]
        script += [["i", 1 << BOARD.PS_SYNC, fall + again], ["t", fall + 500]]
        changes = [level for _, level, _ in engine.run(script)["irq"]]
        assert changes == [True, False, True] if double else [True, False]


def test_the_firing_programs_do_the_same_stepped_cycle_by_cycle(engine: PioEngine, firmware: Firmware) -> None:
    rng = Random(7)
    edges_seen = 0
    for _ in range(8):
        firing = Firing(firmware, rng.randrange(1, 4000), rng.randrange(200), delays=(rng.randrange(500), 0))
        cycle = firing.started
        for _ in range(20):
            cycle += rng.randrange(1, 1500)
            firing.permit(rng.choice((PS, CO2)), cycle, rng.randrange(900), rng.randrange(50))
        opened = firing.started + rng.randrange(5_000, 40_000)
        firing.script += [["i", 0, opened], ["i", SAFE_CLOSED, opened + 2], ["t", 60_000], ["o", 60_000]]
        edges_seen += len(engine.run_both(firing.script, read_back=TRIGGERS)["pins"])
    assert edges_seen > 200
