"""Random but lively PIO scripts: programs that loop, poll, stall and disturb one another, and pokes from the bus."""

from __future__ import annotations

from random import Random

from pio_harness import (
    CTRL,
    DBG_PADOE,
    DBG_PADOUT,
    FDEBUG,
    FLEVEL,
    FSTAT,
    INPUT_SYNC_BYPASS,
    INSTR_MEM,
    INTR,
    IRQ,
    IRQ0_INTE,
    IRQ0_INTF,
    IRQ0_INTS,
    IRQ1_INTE,
    IRQ_FORCE,
    NOP,
    RXF,
    TXF,
    Operation,
    configure,
    execctrl,
    irq,
    jmp,
    load,
    mov,
    of,
    pinctrl,
    pull,
    set_,
    shiftctrl,
    wait,
)

DIVIDERS = (0x10000, 0x10000, 0x10000, 0x10000, 0x20000, 0x30000, 0x18000, 0x2A500, 0x101FF, 0x74000, 0x200100)
READABLE = (CTRL, FSTAT, FDEBUG, FLEVEL, IRQ, INTR, IRQ0_INTS, DBG_PADOUT, DBG_PADOE, 0x140)


def instruction(rng: Random, words: int) -> int:
    """Return one instruction of a program of `words` words; loops and waits more often than chance would give."""
    more = rng.choice((0, 0, 0, 1, 2, 3, 8, rng.randrange(32))) << 8
    kind = rng.choice("jjjjjwwiopPmmIIsss")
    if kind == "j":
        return more | rng.choice((0, 0, 1, 2, 2, 2, 3, 4, 4, 5, 6, 6, 7)) << 5 | rng.randrange(words)
    if kind == "w":
        return (
            0x2000 | more | rng.choice((0x00, 0x80)) | rng.choice((0, 1, 2, 2)) << 5 | rng.choice((0, 1, 2, 3, 16, 18))
        )
    if kind == "i":
        return 0x4000 | more | rng.choice((0, 1, 2, 3, 6, 7)) << 5 | rng.choice((0, 1, 4, 8, 31))
    if kind == "o":
        return 0x6000 | more | rng.choice((0, 0, 1, 2, 3, 4, 5, 6, 7)) << 5 | rng.choice((0, 1, 4, 8, 16, 31))
    if kind == "p":
        return 0x8000 | more | rng.choice((0, 0x20, 0x40, 0x60))
    if kind == "P":
        return 0x8080 | more | rng.choice((0, 0, 0x20, 0x40, 0x60))
    if kind == "m":
        return 0xA000 | more | rng.choice((0, 1, 1, 2, 2, 4, 5, 6, 7)) << 5 | rng.randrange(3) << 3 | rng.randrange(8)
    if kind == "I":
        return 0xC000 | more | rng.choice((0, 0, 0x20, 0x40)) | rng.choice((0, 1, 2, 4, 16, 18))
    return 0xE000 | more | rng.choice((0, 0, 1, 1, 2, 2, 4)) << 5 | rng.randrange(32)


def signed(word: int) -> int:
    """Return a 32-bit word as the engine keeps it."""
    return word - (1 << 32) if word >> 31 else word


def loop(rng: Random, at: int) -> list[int]:
    """Return a loop, to stand at address `at`, of the kinds that the engine skips."""
    more = rng.choice((0, 0, 1, 5)) << 8
    back = rng.choice(("x--", "y--", "x!=y", "!x", "pin", ""))
    bodies: dict[str, list[int]] = {
        "count": [],
        "poll": [jmp(at + 1, "pin", more)],
        "down": [jmp(at + 1, rng.choice(("x--", "y--")), more)],
        "two": [jmp(at + 1, "y--", more), jmp(at + 2, rng.choice(("x--", "y--")))],
        "status": [mov("x", "status", more=more)],
        "fifo": [pull(0), mov("x", "osr")],
        "clear": [mov("isr", "null", more=more)],
        "level": [wait(rng.randrange(2), "gpio", rng.randrange(3))],
        "steady": [irq(rng.randrange(5), clear=rng.randrange(2), more=more)],
        "pins": [set_("pins", rng.randrange(32))],
        "read": [mov("x", "pins")],
        "inside": [set_("y", rng.choice((0, 1, 5, 31))), jmp(at + 1, "y--", more)],
        "x inside": [mov("x", rng.choice(("isr", "osr"))), jmp(at + 1, "x--", more), mov("y", "y", more=more)],
    }
    body = bodies[rng.choice(list(bodies))]
    return [*body, jmp(at, back, rng.choice((0, 0, 2, 7)) << 8)]


def program(rng: Random, words: int) -> list[int]:
    """Return `words` random words, some of them whole loops."""
    found: list[int] = []
    while len(found) < words:
        found += loop(rng, len(found)) if rng.random() < 0.25 else [instruction(rng, words)]
    return found[:words]


def registers(rng: Random, words: int) -> dict[str, int]:
    """Return a machine's configuration; pin groups overlap between machines and may wrap after pin 31."""

    def base() -> int:
        return rng.choice((0, 1, 2, 2, 3, 5, 30, 31))

    bottom = rng.randrange(words)
    rare = {name: int(rng.random() < 0.12) for name in ("sticky", "inline")}
    return {
        "clkdiv": rng.choice(DIVIDERS),
        "execctrl": execctrl(
            rng.randrange(bottom, words),
            bottom,
            jmp_pin=rng.randrange(4),
            side_en=rng.randrange(2),
            side_pindir=int(rng.random() < 0.25),
            enable_bit=rng.randrange(5),
            status_rx=rng.randrange(2),
            status_n=rng.randrange(6),
            **rare,
        ),
        "shiftctrl": shiftctrl(
            join_rx=int(rng.random() < 0.15),
            join_tx=int(rng.random() < 0.15),
            pull=rng.choice((32, 8, 5, 1)),
            push=rng.choice((32, 8, 5, 1)),
            out_right=rng.randrange(2),
            in_right=rng.randrange(2),
            autopull=rng.randrange(2),
            autopush=rng.randrange(2),
        ),
        "pinctrl": pinctrl(
            side=(base(), rng.choice((0, 0, 1, 2, 3))),
            set_pins=(base(), rng.randrange(6)),
            out=(base(), rng.choice((0, 1, 5, 32))),
            in_base=rng.choice((0, 0, 1, 30)),
        ),
    }


def poke(rng: Random, words: int, cycle: int) -> list[Operation]:
    """Return one disturbance at `cycle`."""
    machine = rng.randrange(4)
    what = rng.choice("iiiitttrrqqfceeeRgmMdbnX")
    word = rng.choice((0, 1, rng.randrange(64), rng.getrandbits(32)))
    if what == "i":
        return [["i", rng.choice((0, 1, 2, 3, 7, 15, 0x20000003, rng.getrandbits(30))), cycle]]
    if what == "t":
        return [["w", of(TXF, machine), word, cycle]]
    if what == "r":
        return [["r", of(RXF, machine), cycle]]
    if what == "q":
        return [["w", IRQ, rng.randrange(256), cycle]]
    if what == "f":
        return [["w", IRQ_FORCE, 1 << rng.randrange(8), cycle]]
    if what == "c":
        return [["w", CTRL, rng.randrange(16) | rng.choice((0, 0, rng.randrange(256) << 4)), cycle]]
    if what == "e":
        return configure(machine, cycle, instr=instruction(rng, words))
    if what == "R":
        return [["r", rng.choice((*READABLE, of(0xD4, machine), of(0xCC, machine), of(0xD8, machine))), cycle]]
    if what == "g":
        name, value = rng.choice(list(registers(rng, words).items()))
        return configure(machine, cycle, **{name: value})
    if what == "m":
        return [["w", INSTR_MEM + 4 * rng.randrange(words), instruction(rng, words), cycle]]
    if what == "M":
        return configure(machine, cycle, instr=mov("x", "null", "~"))
    if what == "d":
        return [["w", FDEBUG, 0xFFFFFFFF, cycle]]
    if what == "b":
        return [["w", INPUT_SYNC_BYPASS, rng.choice((0, 1, 3, 0x3FFFFFFF)), cycle]]
    if what == "X":
        return configure(machine, cycle, instr=NOP)
    return [["w", rng.choice((IRQ0_INTE, IRQ1_INTE, IRQ0_INTF)), rng.randrange(4096), cycle]]


def random_script(rng: Random, words: int, machines: int, pokes: int, longest_gap: int) -> list[Operation]:
    """Return a script: configuration, start, then `pokes` disturbances at random distances, observed now and then."""
    script = load(program(rng, words))
    for machine in range(4):
        setting = registers(rng, words)
        script += configure(machine, **setting)
        counter = mov(rng.choice(("x", "y")), "null", "~")
        script += configure(machine, machine + 1, instr=rng.choice((counter, NOP, instruction(rng, words))))
        start = rng.choice((0, 1, rng.randrange(40), rng.randrange(4000), rng.getrandbits(32)))
        other = (start + rng.choice((0, 1, -1, 7, rng.randrange(500)))) & 0xFFFFFFFF
        fields = {"x": signed(start), "y": signed(other), "isrCount": rng.randrange(33), "pc": rng.randrange(words)}
        if setting["shiftctrl"] >> 30 == 0:
            fields["rxLevel"] = rng.choice((0, 0, 1, 3))
        script.append(["p", machine, fields])
    script.append(["w", IRQ0_INTE, rng.randrange(4096), 6])
    script.append(["w", CTRL, (1 << machines) - 1 | rng.choice((0, 0xF00)), 8])
    cycle = 8
    for _ in range(pokes):
        cycle += rng.choice((0, 1, 1, 2, 3, 7, rng.randrange(1, 60), rng.randrange(1, longest_gap)))
        script += poke(rng, words, cycle)
        if rng.random() < 0.3:
            cycle += rng.randrange(3)
            script.append(["o", cycle])
    cycle += rng.randrange(1, longest_gap)
    script.append(["o", cycle])
    script += [["r", register, cycle] for register in READABLE]
    return script
