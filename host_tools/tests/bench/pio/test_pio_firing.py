"""The firing programs run on the PIO block as the design promises, and cost next to nothing while nothing happens."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from random import Random

import pytest
from pio_firing import (
    CO2_SHOT,
    GATE,
    LAMP,
    PACER_AT,
    PS_SHOT,
    QSW,
    SAFE_CLOSED,
    SHOT_AT,
    SYNC,
    firing,
    permit,
    stamp,
    unlock,
)
from pio_harness import (
    CTRL,
    FSTAT,
    INSTR_MEM,
    IRQ,
    ISR,
    RXF,
    Operation,
    PioEngine,
    X,
    configure,
    edges,
    execctrl,
    irq,
    jmp,
    load,
    mov,
    of,
    pull,
    shiftctrl,
)

Figure = Callable[..., None]
PERIOD = 625_000  # 200 Hz at 125 MHz
MARGIN = 125_000  # permits are written 1 ms before their slot
READ_AFTER = 20  # cycles; the joined FIFO holds eight words


def burst(gates: list[int], period: int = PERIOD, machine: int = CO2_SHOT) -> list[Operation]:
    """Return a burst on one machine: unlocked, one permit a slot, each written a margin before its slot."""
    script = [*firing(period, flag=6 if machine == CO2_SHOT else 5), unlock(machine, 100)]
    first = first_slot(period)
    return script + [
        permit(machine, gate, 10, first + i * period - MARGIN * period // PERIOD) for i, gate in enumerate(gates)
    ]


def first_slot(period: int) -> int:
    """Return the cycle in which the pacer's first IRQ executes: PULL 10, MOV 11, then word + 1 jumps."""
    return 12 + (period - 3) + 1


def test_gate_is_the_word_plus_two_and_the_period_is_exact(engine: PioEngine, figure: Figure) -> None:
    gates = [12_500, 1, 99_999, 12_500, 125_000]
    result = engine.run([*burst(gates), ["t", PERIOD * 7]])
    found = edges(result, GATE)
    rises, falls = [cycle for cycle, level in found if level], [cycle for cycle, level in found if not level]
    assert [fall - rise for rise, fall in zip(rises, falls, strict=True)] == [gate + 2 for gate in gates]
    assert {b - a for a, b in itertools.pairwise(rises)} == {PERIOD}
    figure("CO2 gate minus its word", falls[0] - rises[0] - gates[0], "cycles")
    figure("period error of the pacer over five shots", rises[4] - rises[0] - 4 * PERIOD, "cycles", limit="0")


def test_trigger_latency_from_the_tick_is_constant(engine: PioEngine) -> None:
    # Tick set in t; WAIT t+1, MOV t+2, JMP t+3, PULL t+4, OUT t+5, JMP t+6, SET t+7, driven from t+8.
    result = engine.run([*burst([100]), ["t", PERIOD * 2]])
    assert edges(result, GATE)[0] == (first_slot(PERIOD) + 8, 1)


def test_lamp_and_q_switch_come_from_the_same_pass(engine: PioEngine) -> None:
    script = [*firing(PERIOD, flag=5), unlock(PS_SHOT, 100), permit(PS_SHOT, 20_000, 700, 1000), ["t", PERIOD * 2]]
    result = engine.run(script)
    lamp, switch = edges(result, LAMP), edges(result, QSW)
    assert [b[0] - a[0] for a, b in (lamp,)] == [20_002]
    assert switch[0][0] == lamp[1][0]
    assert switch[1][0] - switch[0][0] == 700 + 4  # SET, IRQ and OUT, word + 1 jumps


class TestPermits:
    PERIOD = 20_000
    SLOT = 12 + (PERIOD - 3) + 1

    def locked(self) -> list[Operation]:
        """Return a burst whose first slot has a permit, whose second has none, and a permit that comes after that."""
        script = [*firing(self.PERIOD, dead_bits=4), unlock(CO2_SHOT, 100), permit(CO2_SHOT, 500, 10, 1000)]
        return [*script, permit(CO2_SHOT, 500, 10, self.SLOT + self.PERIOD + 500)]

    def test_a_slot_without_a_permit_locks_the_machine_and_a_late_permit_does_not_fire(self, engine: PioEngine) -> None:
        end = self.SLOT + 20 * self.PERIOD
        result = engine.run_both([*self.locked(), ["r", IRQ, end], ["t", end]])
        assert len(edges(result, GATE)) == 2
        assert result["reads"][0] & 1 == 1  # locked: its flag is up again

    def test_a_late_permit_fires_on_unlocking_unless_the_fifo_was_cleared(self, engine: PioEngine) -> None:
        again = self.SLOT + 5 * self.PERIOD + 700
        clear = configure(CO2_SHOT, again - 20, shiftctrl=shiftctrl(join_tx=1))
        clear += configure(CO2_SHOT, again - 10, shiftctrl=shiftctrl())
        for cleared, gates in (([], 2), (clear, 1)):
            script = [*self.locked(), *cleared, unlock(CO2_SHOT, again), ["t", again + 10 * self.PERIOD]]
            assert len(edges(engine.run_both(script), GATE)) == 2 * gates

    def test_a_tick_that_meets_the_dead_time_is_dropped(self, engine: PioEngine) -> None:
        script = [*firing(self.PERIOD), unlock(CO2_SHOT, 100)]  # dead time of 2**19 cycles: 26 ticks
        script += [permit(CO2_SHOT, 500, 10, 1000 + i) for i in range(3)]
        rises = [cycle for cycle, level in edges(engine.run([*script, ["t", 2_000_000]]), GATE) if level]
        assert [rise - rises[0] for rise in rises] == [0, 27 * self.PERIOD, 54 * self.PERIOD]


def test_a_pair_has_a_constant_delay(engine: PioEngine, figure: Figure) -> None:
    offsets = set()
    for delay in (125, 1_000, 40_000, 300_000):
        script = [*firing(PERIOD, flag=5)]
        script += [*configure(CO2_SHOT, 50, instr=pull()), ["w", of(16, CO2_SHOT), delay, 51]]
        script += configure(CO2_SHOT, 60, instr=mov(ISR, "osr")) + configure(CO2_SHOT, 61, instr=jmp(SHOT_AT))
        script += [["w", CTRL, 0x40 | 0xF, 40], unlock(CO2_SHOT, 100), unlock(PS_SHOT, 100)]
        script += [permit(CO2_SHOT, 1_000, 10, 1000), permit(PS_SHOT, 2_000, 50, 1000), ["t", PERIOD * 2]]
        result = engine.run(script)
        lamp, gate = edges(result, LAMP), edges(result, GATE)
        offsets.add(gate[0][0] - lamp[1][0] - delay)
    assert len(offsets) == 1
    figure("ps to CO2 delay minus its word, from the Q-switch edge", offsets.pop(), "cycles")


def test_the_guard_ends_a_gate_within_eight_cycles_and_latches(engine: PioEngine, figure: Figure) -> None:
    rng = Random(5)
    rise = first_slot(PERIOD) + 8
    latencies = set()
    for _ in range(40):
        opened = rise + rng.randrange(1, 90_000)
        closed = opened + rng.choice((1, 2, 3, 1000))
        script = [*burst([100_000, 100]), ["i", 0, opened], ["i", SAFE_CLOSED, closed], ["t", PERIOD * 4]]
        result = engine.run(script)
        found = edges(result, GATE)
        assert [level for _, level in found] == [1, 0]
        latencies.add(found[1][0] - opened)
    assert max(latencies) <= 8
    figure("guard: SAFE low at the pad to gate low", max(latencies), "cycles", limit="<= 8")
    figure("guard: jitter of that", max(latencies) - min(latencies), "cycles")


def test_the_tripped_guard_holds_all_four_pins_whatever_else_writes_them(engine: PioEngine) -> None:
    script = [*firing(20_000, dead_bits=4), unlock(CO2_SHOT, 100), unlock(PS_SHOT, 100), ["i", 0, 500]]
    rng = Random(6)
    cycle = 600
    for _ in range(200):
        cycle += rng.randrange(1, 900)
        script.append(permit(rng.choice((PS_SHOT, CO2_SHOT)), rng.randrange(1, 500), rng.randrange(20), cycle))
        if rng.random() < 0.3:
            script.append(["w", IRQ, rng.randrange(256), cycle + 1])
            cycle += 1
    result = engine.run_both([*script, ["t", cycle + 50_000]])
    for pin in (LAMP, QSW, GATE, SYNC):
        assert edges(result, pin) == []


def test_the_guard_sets_its_flag_again_at_once(engine: PioEngine) -> None:
    script = [*firing(PERIOD), ["i", 0, 500], ["w", IRQ, 1 << 4, 1000], ["r", IRQ, 1001], ["r", IRQ, 1002]]
    assert [word >> 4 & 1 for word in engine.run_both(script)["reads"]] == [1, 1]


def test_the_firing_programs_give_the_same_stepped_cycle_by_cycle(engine: PioEngine) -> None:
    rng = Random(7)
    for _ in range(6):
        script = [*firing(3_000, flag=rng.choice((5, 6)), dead_bits=10)]
        cycle = 200
        for _ in range(25):
            cycle += rng.randrange(1, 1500)
            machine = rng.choice((PS_SHOT, CO2_SHOT))
            script.append(
                rng.choice((unlock(machine, cycle), permit(machine, rng.randrange(900), rng.randrange(50), cycle)))
            )
        opened = rng.randrange(20_000, 40_000)
        script += [["i", 0, opened], ["i", SAFE_CLOSED, opened + 2], ["t", 60_000], ["o", 60_000], ["r", FSTAT, 60_000]]
        engine.run_both(script)


class TestStamps:
    def scripted(self, channels: list[list[int]], end: int) -> list[Operation]:
        """Return four stamping machines on pins 8..11 whose levels change in these cycles; FIFOs read as they fill."""
        script = load(stamp())
        for machine in range(4):
            script += configure(
                machine,
                execctrl=execctrl(7, 4, jmp_pin=8 + machine),
                shiftctrl=shiftctrl(join_rx=1, autopush=1, in_right=0),
                instr=mov(X, "null", "~"),
            )
            script += configure(machine, 1, instr=jmp(4))
        script.append(["w", CTRL, 0xF, 10])
        changes = sorted({(cycle, machine) for machine, cycles in enumerate(channels) for cycle in cycles})
        levels = 0
        timed: list[Operation] = []
        for cycle, machine in changes:
            levels ^= 1 << (8 + machine)
            timed.append(["i", levels, cycle])
        timed += [["r", of(RXF, machine), cycle + READ_AFTER] for cycle, machine in changes]
        return [*script, *timed, ["t", end]]

    def test_every_edge_is_stamped_within_one_cycle(self, engine: PioEngine, figure: Figure) -> None:
        rng = Random(8)
        channels = []
        for _ in range(4):
            cycle, cycles = 100, []
            for _ in range(120):
                cycle += rng.choice((3, 4, 5, 40, rng.randrange(3, 400)))
                cycles.append(cycle)
            channels.append(cycles)
        script = self.scripted(channels, 60_000)
        order = [(operation[2], (operation[1] - RXF) // 4) for operation in script if operation[0] == "r"]
        reads = engine.run_both(script)["reads"]
        errors: list[int] = []
        counts = [0] * 4
        for (cycle, machine), word in zip(order, reads, strict=True):
            stamped = 2 * (0xFFFFFFFF - word) + counts[machine]
            counts[machine] += 1
            errors.append(10 + stamped - (cycle - READ_AFTER) - 3)
        assert set(errors) <= {0, 1}
        figure("stamped edges, four channels", len(errors), "edges")
        figure("stamps one cycle late", sum(errors), f"of {len(errors)}")


class TestSpeed:
    CALL_LIMIT_NS = 1_000

    @pytest.mark.parametrize(
        ("name", "before"),
        [
            ("armed, all waiting", []),
            ("guard tripped", [["i", 0, 500]]),
            ("locked, pacer off", [["w", CTRL, 0xE, 500]]),
        ],
    )
    def test_an_advance_over_a_sleeping_block_costs_far_below_a_microsecond(
        self, engine: PioEngine, figure: Figure, name: str, before: list[Operation]
    ) -> None:
        script = [*firing(PERIOD), *before, ["t", 1000]]
        measured = engine.ask("speed", script, step=20, calls=300_000)
        figure(f"advance over a sleeping block, {name}", round(measured["nsPerCall"], 1), "ns a call", limit="< 1000")
        assert measured["nsPerCall"] < self.CALL_LIMIT_NS

    def test_a_pacing_period_is_a_handful_of_steps(self, engine: PioEngine, figure: Figure) -> None:
        measured = engine.ask("speed", [*firing(PERIOD), ["t", 1000]], step=PERIOD, calls=5_000)
        figure("one 5 ms pacing period of the armed block", round(measured["nsPerCall"]), "ns")
        assert measured["nsPerCall"] < 50_000

    def test_busy_machines_and_the_reference_path(self, engine: PioEngine, figure: Figure) -> None:
        toggle = load([0xE001, 0xE000]) + configure(0, execctrl=execctrl(1), pinctrl=1 << 26) + [["w", CTRL, 1, 5]]
        busy = engine.ask("speed", toggle, step=1000, calls=300)
        plain = engine.ask("speed", firing(PERIOD), step=1000, calls=100, how="plain")
        stamps = [*TestStamps().scripted([[], [], [], []], 100)]
        polls = engine.ask("speed", stamps, step=20, calls=300_000)
        figure("a machine that changes a pin in every cycle", round(busy["nsPerCycle"]), "ns a cycle")
        figure("four machines stepped in every cycle", round(plain["nsPerCycle"]), "ns a cycle")
        figure("advance over four polling stamp machines", round(polls["nsPerCall"], 1), "ns a call")
        assert polls["nsPerCall"] < self.CALL_LIMIT_NS


def test_a_program_cannot_be_read_back_and_a_written_word_counts_at_once(engine: PioEngine) -> None:
    script = [
        *firing(PERIOD),
        ["r", INSTR_MEM + 4 * (PACER_AT + 3), 20],
        ["w", INSTR_MEM + 4 * (PACER_AT + 3), irq(7), 30],
    ]
    result = engine.run([*script, ["t", PERIOD + 100], ["r", IRQ, PERIOD + 100]])
    assert result["reads"][0] == 0
    assert result["reads"][1] >> 5 & 7 == 0b100
