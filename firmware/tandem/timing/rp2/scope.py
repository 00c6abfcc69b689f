"""One pulse on one output, for an oscilloscope: loaded when SERVICE asks for it, not part of the firing path.

The pulse is made by the shot program itself, entered right behind its wait with one permit in its FIFO. So its width is
held in 17 bits, SAFE has to be high in the very cycle, the guard ends it when SAFE falls, a second one would need a
second word, and all of it goes on when Python does not.
"""

import time

import board
from machine import mem32

from tandem.timing.rp2 import pio, programs
from tandem.timing.rp2 import registers as reg
from tandem.timing.rp2 import sequencer as rp2
from tandem.timing.sequencer import RegisterDiffers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tandem.timing.rp2.sequencer import Rp2Sequencer

MIN_CYCLES = 1 + programs.GATE_OVERHEAD_CYCLES
MAX_CYCLES = (1 << programs.GATE_BITS) - 1 + programs.GATE_OVERHEAD_CYCLES
PULSE_US = 1100
_BEHIND_WAIT = programs.SHOT_START_OFFSET + 1


def pulse_once(sequencer: "Rp2Sequencer", pin: int, width_cycles: int) -> bool:
    """Make one pulse of `width_cycles` on a pin out of board.TRIGGERS; return whether it left whole.

    False: SAFE was low, or fell in it, and the guard ended it or let none out. Raises ValueError for another pin or a
    width that the word cannot hold, RegisterDiffers when something does not read back; nothing fires then. What the
    sequencer had loaded is not fired any more: it has to be armed anew. Afterwards no machine runs but the guard, which
    holds no pin while SAFE is high. Allocates; blocks for 1.1 ms and the time to write the programs.

    The caller answers for the conditions: shutters closed, that laser not ready, at most 10 pulses at 5 Hz.
    """
    if pin not in board.TRIGGERS:
        raise ValueError("GP%d is no trigger: %s allowed" % (pin, board.TRIGGERS))
    if not MIN_CYCLES <= width_cycles <= MAX_CYCLES:
        raise ValueError("width of %d cycles: %d to %d allowed" % (width_cycles, MIN_CYCLES, MAX_CYCLES))
    sequencer.stop()
    sequencer.arm()
    pin_ctrl = (1 << 26) | (_other_start(pin) << 15) | (pin << 5)
    shot = pio.Machine(reg.PIO0, rp2.PS, programs.shot, rp2.SHOT_OFFSET, pin_ctrl, board.SAFE)
    try:
        shot.write(_BEHIND_WAIT)
        if shot.differs():
            raise RegisterDiffers("machine %d at 0x%x" % (shot.number, shot.base))
        if sequencer.guard_tripped():
            return False
        mem32[reg.PIO0 + reg.PIO_TXF + 4 * rp2.PS] = width_cycles - programs.GATE_OVERHEAD_CYCLES
        pio.start(reg.PIO0, 1 << rp2.PS)
        began_us = time.ticks_us()
        while time.ticks_diff(time.ticks_us(), began_us) < PULSE_US:
            pass
    finally:
        _lock(shot)
    return not sequencer.guard_tripped()


def _other_start(pin: int) -> int:
    """Return a pin that stays low and so never starts the machine again: the slots', or the ps trigger for a slot."""
    return board.PS_FIRE if pin == board.SYNC_OUT else board.SYNC_OUT


def _lock(shot: pio.Machine) -> None:
    """Stop the machine, and put its pin low and itself back where only a new arming starts it."""
    pio.stop(shot.base, 1 << shot.number)
    pio.execute(shot.base, shot.number, 0xE000)  # set pins, 0
    shot.write(programs.SHOT_LOCKED_OFFSET)
