"""PIO programs of the firing path: 28 of 32 words of PIO0 (all four machines), 24 of 32 words of PIO1.

PIO0  machine 0 pacer    one slot each period, 1 ms ahead of it an interrupt to the CPU
      machine 1 ps shot  GP2 (fire or lamp) and GP3 (Q-switch)
      machine 2 CO2 shot GP4; the same program
      machine 3 guard    highest machine, so its writes win in every cycle
PIO1  machine 0 ps window, machine 1 CO2 window: from a trigger's edge to the moment its energy is to be judged
      machine 2 sync watch: when the ps laser's sync came after its trigger, and whether a second one followed

A shot machine starts on the *level* of one pin, its IN_BASE: SYNC_OUT (slots), the ps trigger or PS_SYNC (pairs). So a
tripped guard, which holds SYNC_OUT low, also takes away every start.
"""

# pyright: reportUndefinedVariable=false, reportCallIssue=false, reportIndexIssue=false, reportArgumentType=false
import rp2
from rp2 import PIO

FLAG_PS_LOCKED = 1  # irq(rel(0)) on machine 1
FLAG_CO2_LOCKED = 2  # irq(rel(0)) on machine 2
FLAG_GUARD = 4
FLAG_SLOT_AHEAD = 0  # PIO0 flag 0: pacer, interrupt of the CPU
FLAG_WINDOW_END = 0  # PIO1 flags 0 and 1: ps and CO2 window
FLAG_SYNC = 2  # PIO1 flag 2: sync watch

GATE_BITS = 17
QSW_WIDTH_BITS = 12
DEAD_BITS = 19

# Cycles that the programs add to the counts they are given (measured by tests of the same name).
PACER_OVERHEAD_CYCLES = 13  # period = first count + lead count + this
GATE_OVERHEAD_CYCLES = 2  # gate = word + this
QSW_OVERHEAD_CYCLES = 3  # Q-switch width = word + this
PAIR_OVERHEAD_CYCLES = 12  # delay count 0: rise of the start pin to rise of the trigger (2 of them synchroniser)


@rp2.asm_pio(sideset_init=PIO.OUT_LOW)
def pacer():
    """ISR: lead count. OSR: period count, pulled once. 7 words."""
    pull(block).side(0)
    wrap_target()
    mov(x, osr).side(0)
    label("wait")
    jmp(x_dec, "wait").side(0)
    irq(0).side(0)
    mov(x, isr).side(0)
    label("lead")
    jmp(x_dec, "lead").side(0)
    nop().side(1)[7]
    wrap()


@rp2.asm_pio(set_init=(PIO.OUT_LOW, PIO.OUT_LOW), out_shiftdir=PIO.SHIFT_RIGHT)
def shot():
    """ISR: delay count after the start. Permit: 17 bits first width, 12 bits second. 19 words, starts at "locked"."""
    wrap_target()
    label("start")
    wait(1, pin, 0)
    set(x, 0)
    mov(y, isr)
    label("delay")
    jmp(y_dec, "delay")
    pull(noblock)
    out(y, 17)
    jmp(not_y, "locked")
    jmp(pin, "fire")
    label("locked")
    irq(block, rel(0))
    jmp("start")
    label("fire")
    set(pins, 1)
    label("first")
    jmp(y_dec, "first")
    set(pins, 2)
    out(y, 12)
    label("second")
    jmp(y_dec, "second")
    set(pins, 0)
    mov(osr, invert(null))
    out(y, 19)
    label("dead")
    jmp(y_dec, "dead")
    wrap()


SHOT_LOCKED_OFFSET = 8
SHOT_START_OFFSET = 0
SHOT_FIRE_OFFSET = 10
SHOT_LAMP = 11  # last word before the Q-switch rises


@rp2.asm_pio(sideset_init=(PIO.OUT_LOW,) * 4)
def guard():
    """Once SAFE was low: all four triggers low in every cycle, for ever. 2 words."""
    wait(0, gpio, 8)
    wrap_target()
    irq(4).side(0)
    wrap()


@rp2.asm_pio(set_init=PIO.OUT_HIGH)
def window():
    """One word a shot: cycles until the integrator is released. ISR: cycles from trigger to verdict. 10 words."""
    wrap_target()
    pull(block)
    mov(x, osr)
    label("ahead")
    jmp(x_dec, "ahead")
    set(pins, 0)
    wait(1, pin, 0)
    mov(x, isr)
    label("settle")
    jmp(x_dec, "settle")
    irq(rel(0))
    wait(0, pin, 0)
    set(pins, 1)
    wrap()


WINDOW_MEASURES = (5, 7)
"""Words between the trigger's rise and the interrupt for the verdict."""

SYNC_LOOP_CYCLES = 2  # cycles of one count of the sync watch
SYNC_OVERHEAD_CYCLES = 2  # rise of the trigger to the first look at the sync


@rp2.asm_pio()
def sync_watch():
    """OSR: counts until the window closes. Y: counts in which no second sync may come. 14 words.

    Pushes the counts that were left when the sync came, all ones when none did; raises its flag then, and once more
    when a second one comes. Word SYNC_GPIO_WORD names PS_SYNC's pin.
    """
    wrap_target()
    label("start")
    wait(1, pin, 0)
    mov(x, osr)
    label("look")
    jmp(pin, "seen")
    jmp(x_dec, "look")
    label("seen")
    mov(isr, x)
    push(noblock)
    irq(rel(0))
    wait(0, gpio, 13)
    mov(x, y)
    label("quiet")
    jmp(pin, "double")
    jmp(x_dec, "quiet")
    jmp("start")
    label("double")
    irq(rel(0))
    label("for_good")
    jmp("for_good")
    wrap()


SYNC_WATCH_OFFSET = 10
SYNC_GPIO_WORD = 7
