"""A block costs next to nothing while nothing happens outside of it."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest
from pio_firing import CO2, TRIGGERS, Firing, Firmware
from pio_harness import (
    CTRL,
    ISR,
    RXF,
    Operation,
    PioEngine,
    X,
    Y,
    configure,
    execctrl,
    in_,
    jmp,
    load,
    mov,
    of,
    set_,
    shiftctrl,
)

Figure = Callable[..., None]
CALL_LIMIT_NS = 1_000
READ_AFTER = 20  # cycles; the joined FIFO holds eight words
LEAD, PERIOD = 125_000, 625_000  # 200 Hz at 125 MHz
FIRST = PERIOD - LEAD - 13


@pytest.mark.parametrize("state", ["waiting for a slot", "guard tripped", "in the dead time"])
def test_an_advance_over_a_sleeping_block_costs_far_below_a_microsecond(
    engine: PioEngine, firmware: Firmware, figure: Figure, state: str
) -> None:
    firing = Firing(firmware, FIRST, LEAD)
    cycle = firing.started + 1000
    if state == "guard tripped":
        firing.script.append(["i", 0, cycle])
    elif state == "in the dead time":
        firing.permit_each(CO2, [100])
        cycle = firing.slot + 500
    script = [*firing.script, ["t", cycle + 100]]
    measured = engine.ask("speed", script, step=1, calls=100_000, readBack=TRIGGERS)
    figure(f"PIO: advance over a sleeping block, {state}", round(measured["nsPerCall"], 1), "ns a call", limit="< 1000")
    assert measured["pins"] <= 6  # the script's own; none while it was measured
    assert measured["nsPerCall"] < CALL_LIMIT_NS


def test_a_pacing_period_is_a_handful_of_steps(engine: PioEngine, firmware: Firmware, figure: Figure) -> None:
    firing = Firing(firmware, FIRST, LEAD)
    periods = 5000
    start = firing.started + 1000
    script = [*firing.script, ["t", start]]
    measured = engine.ask("wakes", script, until=start + periods * PERIOD, readBack=TRIGGERS)
    figure("PIO: steps in one 5 ms pacing period", round(measured["count"] / periods, 2), "steps", limit="< 10")
    figure("PIO: one 5 ms pacing period", round(measured["ns"] / periods), "ns")
    assert measured["pins"] >= 2 * periods
    assert measured["count"] < 10 * periods


def test_busy_machines_and_the_reference_path(engine: PioEngine, firmware: Firmware, figure: Figure) -> None:
    toggle = load([set_("pins", 1), set_("pins", 0)])
    toggle += [*configure(0, execctrl=execctrl(1), pinctrl=1 << 26), ["w", CTRL, 1, 5]]
    busy = engine.ask("speed", toggle, step=1000, calls=300)
    plain = engine.ask("speed", Firing(firmware, FIRST, LEAD).script, step=1000, calls=100, how="plain")
    polls = engine.ask("speed", stamping([[], [], [], []], 100), step=20, calls=100_000)
    figure("PIO: a machine that changes a pin in every cycle", round(busy["nsPerCycle"]), "ns a cycle")
    figure("PIO: four machines stepped in every cycle", round(plain["nsPerCycle"]), "ns a cycle")
    figure("PIO: advance over four polling machines", round(polls["nsPerCall"], 1), "ns a call", limit="< 1000")
    assert polls["nsPerCall"] < CALL_LIMIT_NS


def stamping(channels: list[list[int]], end: int) -> list[Operation]:
    """Return four machines that stamp pins 8..11, whose levels change in these cycles, by loops of two cycles."""
    program = [
        jmp(3, "pin"),
        in_(X, 32),
        jmp(4, "x--"),
        jmp(0, "x--"),
        jmp(6, "pin"),
        jmp(4, "x--"),
        in_(X, 32),
        jmp(0, "x--"),
    ]
    script = load(program)
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
    for cycle, machine in changes:
        levels ^= 1 << (8 + machine)
        script += [["i", levels, cycle], ["r", of(RXF, machine), cycle + READ_AFTER]]
    return [*script, ["t", end]]


def test_polling_machines_stamp_every_edge_within_one_cycle(engine: PioEngine, figure: Figure) -> None:
    rng = Random(8)
    channels: list[list[int]] = []
    for _ in range(4):
        cycle, cycles = 100, []
        for _ in range(120):
            cycle += rng.choice((3, 4, 5, 40, rng.randrange(3, 400)))
            cycles.append(cycle)
        channels.append(cycles)
    script = stamping(channels, 60_000)
    order = sorted((operation[2], (operation[1] - RXF) // 4) for operation in script if operation[0] == "r")
    reads = engine.run_both(script)["reads"]
    errors: list[int] = []
    counts = [0] * 4
    for (cycle, machine), word in zip(order, reads, strict=True):
        stamped = 2 * (0xFFFFFFFF - word) + counts[machine]
        counts[machine] += 1
        errors.append(10 + stamped - (cycle - READ_AFTER) - 3)
    assert set(errors) == {0, 1}
    figure("PIO: stamps one cycle late", sum(errors), f"of {len(errors)}")


LOOPS = {
    "jmp x-- to itself": ([jmp(0, "x--")], 0),
    "the same with a delay": ([jmp(0, "x--", 0x500)], 0),
    "30 instructions": ([*[mov(Y, Y)] * 29, jmp(0, "x--")], 0),
    "a loop of 31 rounds inside": ([mov(Y, ISR), jmp(1, "y--"), jmp(0, "x--")], 30),
    "a loop of 31 rounds of 4 cycles inside": ([mov(Y, ISR), jmp(1, "y--", 0x300), jmp(0, "x--", 0x200)], 30),
}


@pytest.mark.parametrize("name", LOOPS)
def test_a_counted_loop_is_skipped_whole(engine: PioEngine, figure: Figure, name: str) -> None:
    body, isr = LOOPS[name]
    script = [*load([*body, set_("pins", 1), jmp(len(body) + 1)]), *configure(0, pinctrl=1 << 26)]
    script += [["p", 0, {"x": 100_000, "isr": isr}], ["w", CTRL, 1, 10]]
    measured = engine.ask("wakes", script, until=100_000_000)
    figure(f"PIO: steps in 100,001 rounds, {name}", measured["count"], "steps", limit="< 300")
    assert measured["pins"] == 1
    assert measured["count"] < 300
