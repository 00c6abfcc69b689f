"""The firing programs of the controller on one block: pacer, two shot machines, guard; and the rig's stamp program."""

from __future__ import annotations

from pio_harness import (
    CTRL,
    IRQ,
    NULL,
    OSR,
    PINS,
    TXF,
    Operation,
    X,
    Y,
    configure,
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
    set_,
    shiftctrl,
    wait,
)

LAMP, QSW, GATE, SYNC, SAFE = 2, 3, 4, 5, 6
PACER, PS_SHOT, CO2_SHOT, GUARD = 0, 1, 2, 3
REL = 16
SAFE_CLOSED = 1 << SAFE

PACER_AT, SHOT_AT, GUARD_AT = 0, 4, 24


def pacer(flag: int) -> list[int]:
    """Return the pacer: raises `flag` every (word + 3) cycles."""
    return [pull(), mov(X, OSR), jmp(PACER_AT + 2, "x--"), irq(flag)]


def shot() -> list[int]:
    """Return the shot program of 20 words: locked until a permit is there, gate of word + 2 cycles."""
    at = SHOT_AT
    return [
        irq(REL + 2, wait_for=1),
        set_(X, 0),
        irq(REL + 4, clear=1),
        wait(1, "irq", REL + 4),
        mov(Y, "isr"),
        jmp(at + 5, "y--"),
        pull(0),
        out(Y, 20),
        jmp(at, "!y"),
        set_(PINS, 1),
        jmp(at + 10, "y--"),
        set_(PINS, 2),
        irq(REL + 5),
        out(Y, 12),
        jmp(at + 14, "y--"),
        set_(PINS, 0),
        irq(REL),
        mov(OSR, NULL, "~"),
        out(Y, 19),
        jmp(at + 19, "y--"),
    ]


def guard() -> list[int]:
    """Return the guard: once SAFE is low, flag 4 and 0 on four pins in every cycle. Side-set with its enable bit."""
    return [wait(0, "gpio", SAFE), irq(4, more=field(side=0b10000, side_bits=5))]


def firing(period: int, flag: int = 6, dead_bits: int = 19) -> list[Operation]:
    """Return a script that loads and starts everything with SAFE closed; shots locked, the pacer at `period` cycles."""
    words = shot()
    words[18] = out(Y, dead_bits)
    script: list[Operation] = [["i", SAFE_CLOSED, 0]]
    script += load(pacer(flag), PACER_AT) + load(words, SHOT_AT) + load(guard(), GUARD_AT)
    script += configure(PACER, execctrl=execctrl(PACER_AT + 3, PACER_AT + 1))
    for machine, pins in ((PS_SHOT, (LAMP, 2)), (CO2_SHOT, (GATE, 1))):
        script += configure(
            machine,
            execctrl=execctrl(SHOT_AT + 19, SHOT_AT + 1),
            shiftctrl=shiftctrl(),
            pinctrl=pinctrl(set_pins=(pins[0], pins[1])),
        )
    script += configure(
        GUARD, execctrl=execctrl(GUARD_AT + 1, GUARD_AT + 1, side_en=1), pinctrl=pinctrl(side=(LAMP, 5))
    )
    entries = {PACER: PACER_AT, PS_SHOT: SHOT_AT, CO2_SHOT: SHOT_AT, GUARD: GUARD_AT}
    for machine in (PS_SHOT, CO2_SHOT):
        pins = pinctrl(set_pins=(LAMP, 4))
        keep = pinctrl(set_pins=(LAMP, 2) if machine == PS_SHOT else (GATE, 1))
        script += configure(machine, 1, pinctrl=pins, instr=set_("pindirs", 15))
        script += configure(machine, 2, pinctrl=keep)
    for machine, entry in entries.items():
        script += configure(machine, 3, instr=jmp(entry))
    script.append(["w", of(TXF, PACER), period - 3, 4])
    script.append(["w", CTRL, 0xFFF, 10])
    return script


def unlock(machine: int, cycle: int) -> Operation:
    """Return the write that unlocks a shot machine."""
    return ["w", IRQ, 1 << ((2 + machine) & 3), cycle]


def permit(machine: int, gate: int, width: int, cycle: int) -> Operation:
    """Return the write of a permit: first field (gate, or lamp to Q-switch), then the Q-switch width, in cycles."""
    return ["w", of(TXF, machine), gate | width << 20, cycle]


def stamp() -> list[int]:
    """Return the rig's stamp program: one word an edge, a loop of two cycles."""
    return [
        jmp(3, "pin"),
        in_(X, 32),
        jmp(4, "x--"),
        jmp(0, "x--"),
        jmp(6, "pin"),
        jmp(4, "x--"),
        in_(X, 32),
        jmp(0, "x--"),
    ]
