"""Cycle by cycle the same as rp2040-pio-emulator, a model written by others, for what it supports.

It has one machine, no divider, no synchroniser, no IRQ, STATUS, EXEC or bit reversal, and its autopull refills only on
OUT; so programs avoid these, start with an OUT when they use autopull, and either read pins or write them. Its WAIT and
JMP PIN see a level at once, so levels reach our pads three cycles earlier.
"""

from collections import deque
from collections.abc import Callable
from random import Random

from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from pio_harness import CTRL, TXF, Operation, PioEngine, configure, execctrl, load, mov, out, pinctrl, shiftctrl
from pioemu import State, emulate

Figure = Callable[..., None]
START = 40
CYCLES = 120
LATENCY = 3
FIRST_INPUT = 16


class Case:
    """One random program with its configuration and inputs, for both models."""

    def __init__(self, rng: Random) -> None:
        self.words = rng.randrange(2, 12)
        self.reads_pins = rng.random() < 0.4
        self.side_bits = rng.choice((0, 0, 1, 2))
        self.autopull, self.autopush = rng.random() < 0.4, rng.random() < 0.4
        self.pull = rng.choice((8, 16, 32)) if self.autopull else 32
        self.push = rng.choice((8, 16, 32)) if self.autopush else 32
        self.right = (rng.random() < 0.5, rng.random() < 0.5)
        self.out, self.set, self.side = (rng.randrange(4), rng.randrange(1, 5)), (rng.randrange(5), 3), rng.randrange(6)
        self.jmp_pin = FIRST_INPUT + rng.randrange(3)
        self.wrap_top = rng.randrange(1, self.words)
        self.wrap_target = rng.randrange(self.wrap_top + 1)
        self.fifo = [rng.getrandbits(32) for _ in range(rng.randrange(5))]
        self.program = [self.instruction(rng) for _ in range(self.words)]
        if self.autopull:
            self.program[0] = 0x6000 | rng.choice((1, 2, 3)) << 5 | 8
        self.levels = [rng.getrandbits(3) << FIRST_INPUT if rng.random() < 0.2 else None for _ in range(CYCLES)]

    def instruction(self, rng: Random) -> int:
        """Return an instruction that both models know."""
        more = rng.choice((0, 0, rng.randrange(1 << (5 - self.side_bits)))) | rng.randrange(1 << self.side_bits) << (
            5 - self.side_bits
        )
        more <<= 8
        conditions = (0, 1, 2, 2, 3, 4, 4, 5, 6) + ((7,) if self.pull == 32 else ())
        kind = rng.choice("jjwioOPpmss" if not self.autopull else "jjwiooPmss")
        if kind == "j":
            return more | rng.choice(conditions) << 5 | rng.randrange(self.words)
        if kind == "w":
            return 0x2000 | more | rng.randrange(2) << 7 | FIRST_INPUT + rng.randrange(3)
        if kind == "i":
            return (
                0x4000
                | more
                | rng.choice((0, 1, 2, 3, 6, 7) if self.reads_pins else (1, 2, 3, 6, 7)) << 5
                | rng.randrange(32)
            )
        if kind in "oO":
            return (
                0x6000
                | more
                | rng.choice((1, 2, 3, 5, 6) if self.reads_pins else (0, 0, 1, 2, 3, 4, 5, 6)) << 5
                | rng.randrange(32)
            )
        if kind == "p":
            return 0x8080 | more | rng.choice((0, 0x20))
        if kind == "P":
            return 0x8000 | more | rng.choice((0, 0x20))
        if kind == "m":
            source = rng.choice((0, 1, 2, 3, 6, 7) if self.reads_pins else (1, 2, 3, 6, 7))
            target = rng.choice((1, 2, 5, 6) if self.autopull else (1, 2, 5, 6, 7))
            return 0xA000 | more | target << 5 | rng.randrange(2) << 3 | source
        return 0xE000 | more | rng.choice((1, 2) if self.reads_pins else (0, 0, 1, 2, 4)) << 5 | rng.randrange(32)

    def level(self, clock: int) -> int:
        """Return the levels from outside in a cycle of the other model."""
        known = [level for level in self.levels[: clock + 1] if level is not None]
        return known[-1] if known else 0

    def theirs(self) -> list[State]:
        """Return the other model's states after each of its steps."""

        def source(clock: int) -> int:
            return self.level(clock)

        driven = 0 if self.reads_pins else 0xFFFF
        start = State(transmit_fifo=deque(self.fifo), pin_directions=driven)
        side = {"side_set_base": self.side, "side_set_count": self.side_bits} if self.side_bits else {}
        steps = emulate(
            self.program + [0] * (32 - self.words),
            stop_when=lambda _, state: state.clock >= CYCLES or len(state.receive_fifo) >= 4,
            initial_state=start,
            input_source=source,
            auto_pull=self.autopull,
            auto_push=self.autopush,
            pull_threshold=self.pull,
            push_threshold=self.push,
            shift_osr_right=self.right[0],
            shift_isr_right=self.right[1],
            out_base=self.out[0],
            out_count=self.out[1],
            set_base=self.set[0],
            set_count=self.set[1],
            jmp_pin=self.jmp_pin,
            wrap_target=self.wrap_target,
            wrap_top=self.wrap_top,
            **side,
        )
        return [after for _, after in steps]

    def ours(self, clocks: list[int]) -> list[Operation]:
        """Return our script, observed at the other model's clocks."""
        script = load(self.program)
        if not self.reads_pins:
            script += configure(0, 1, pinctrl=pinctrl(out=(0, 32)), instr=mov("osr", "null", "~"))
            script += configure(0, 2, instr=out("pindirs", 16))
        settings = shiftctrl(
            pull=self.pull,
            push=self.push,
            out_right=int(self.right[0]),
            in_right=int(self.right[1]),
            autopull=int(self.autopull),
            autopush=int(self.autopush),
        )
        script += configure(
            0,
            5,
            execctrl=execctrl(self.wrap_top, self.wrap_target, jmp_pin=self.jmp_pin),
            shiftctrl=settings,
            pinctrl=pinctrl(side=(self.side, self.side_bits), set_pins=self.set, out=self.out),
        )
        script += [["p", 0, {"osr": 0, "osrCount": 32}], *[["w", TXF, word, 6] for word in self.fifo]]
        timed: list[Operation] = [["w", CTRL, 1, START]]
        timed += [["i", level, START + k - LATENCY] for k, level in enumerate(self.levels) if level is not None]
        timed += [
            operation
            for clock in clocks
            for operation in (["o", START + clock], ["r", 0x03C, START + clock], ["r", 0x040, START + clock])
        ]
        return [*script, *timed]


def compare(engine: PioEngine, case: Case) -> int:
    """Insist that both models agree after every step; return the number of steps."""
    states = case.theirs()
    result = engine.run(case.ours([state.clock for state in states]))
    outputs = 0xFFFF  # pins that were outputs all the time: an input forgets its output level in the other model
    for i, (theirs, observed) in enumerate(zip(states, result["observed"], strict=True)):
        ours = observed[0]
        told = (i, [hex(word) for word in case.program])
        assert ours["pc"] == theirs.program_counter, told
        assert (ours["x"], ours["y"]) == (theirs.x_register, theirs.y_register), told
        assert (ours["isr"], ours["isrCount"]) == (
            theirs.input_shift_register.contents,
            theirs.input_shift_register.counter,
        ), told
        assert (ours["osr"], ours["osrCount"]) == (
            theirs.output_shift_register.contents,
            theirs.output_shift_register.counter,
        ), told
        assert (ours["tx"], ours["rx"]) == (list(theirs.transmit_fifo), list(theirs.receive_fifo)), told
        if not case.reads_pins:
            levels, directions = result["reads"][2 * i : 2 * i + 2]
            assert directions == theirs.pin_directions, told
            outputs &= directions
            assert levels & outputs == theirs.pin_values & outputs, told
    return len(states)


@seed(20_041)
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rng=st.randoms(use_true_random=False))
def test_generated_programs_agree_in_every_step(engine: PioEngine, rng: Random) -> None:
    compare(engine, Case(rng))


def test_many_programs_agree_in_every_step(engine: PioEngine, figure: Figure) -> None:
    programs = 1500
    steps = sum(compare(engine, Case(Random(number))) for number in range(programs))
    figure("PIO programs compared with rp2040-pio-emulator", programs, "programs")
    figure("PIO steps compared with rp2040-pio-emulator", steps, "steps")
    assert steps > 20 * programs
