"""Damage on the board itself: a prelude that wraps every step of the supervisor's turn, and strikes where a flag says.

The flag is a byte in the board's RAM, whose address is in the watchdog's scratch register 1: the bench writes it at the
moment of the cause, and reads it back as 0 once the step it names has struck.
"""

from __future__ import annotations

from stage import Stage

SCRATCH1 = 0x40058010
STEPS = (
    # number, module or class, name, arguments with self
    ("board.levels", "rp2_chain", "levels", 0),
    ("board.exchange", "rp2_board.Rp2Board", "exchange", 2),
    ("board.still", "rp2_board.Rp2Board", "still", 1),
    ("board.remember", "rp2_board.Rp2Board", "remember", 5),
    ("board.alive", "rp2_board.Rp2Board", "alive", 1),
    ("board.beat", "rp2_board.Rp2Board", "beat", 1),
    ("inputs.update", "inputs.Inputs", "update", 4),
    ("states.advance", "supervisor", "advance", 4),
    ("delivery.poll", "delivery.Delivery", "poll", 2),
    ("indicators.outputs", "indicators", "outputs", 3),
    ("delivery.record", "delivery.Delivery", "record", 2),
    ("journal.note", "recorder.Recorder", "note", 3),
    ("console.step", "session.Console", "step", 2),
    ("delivery.prepare", "delivery.Delivery", "prepare", 1),
)
"""The steps of a turn that are wrapped, in the order of their numbers, which begin with 1."""
RAISES, LOOPS, LOOPS_MASKED, FILLS_HEAP, RECURSES, FILLS_FLASH = range(1, 7)
"""What a strike does. `FILLS_FLASH` only in `delivery.prepare`, which may breathe."""
ENOSPC = 28
MARK = "controller.GP23"
"""A pin that is wired to nothing rises when a step strikes."""

_WRAPPERS = "".join(
    f"""
def wrap{n}(owner, name, number, hurt=hurt):
    was = getattr(owner, name)
    def step({", ".join("abcde"[:n])}):
        if hurt[0] == number:
            strike({"a" if n else "None"})
        return was({", ".join("abcde"[:n])})
    setattr(owner, name, step)
"""
    for n in sorted({arguments for *_, arguments in STEPS})
)
_USED = "".join(f"wrap{n}({owner}, {name!r}, {i + 1})\n" for i, (_, owner, name, n) in enumerate(STEPS))
_DROPPED = "".join(f"del wrap{n}\n" for n in sorted({n for *_, n in STEPS}))
PRELUDE = f"""
from tandem.timing.rp2 import sequencer
import gc, machine, uctypes
from tandem import delivery
from tandem.console import session
from tandem.io import rp2_board, rp2_chain
from tandem.record import recorder
from tandem.safety import indicators, inputs, supervisor
hurt = bytearray(2)
mark = machine.Pin(23, machine.Pin.OUT, value=0)
machine.mem32[{SCRATCH1}] = uctypes.addressof(hurt)
held = []

def deeper(n):
    return deeper(n + 1) + 1

def fill():
    size = 2048
    while size:
        try:
            held.append(bytearray(size))
        except MemoryError:
            size >>= 1

def fill_flash(breathe):
    block = bytes(512)
    try:
        with open("/full", "wb") as file:
            while True:
                file.write(block)
                breathe()
    except OSError as error:
        hurt[1] = error.errno

def strike(owner):
    what = hurt[1]
    hurt[0] = 0
    mark(1)
    if what == {RAISES}:
        raise KeyError("planted")
    if what == {LOOPS_MASKED}:
        machine.disable_irq()
    while what in ({LOOPS}, {LOOPS_MASKED}):
        pass
    if what == {FILLS_HEAP}:
        fill()
    if what == {RECURSES}:
        deeper(0)
    if what == {FILLS_FLASH}:
        fill_flash(owner._breathe)
{_WRAPPERS}
{_USED}
{_DROPPED}
"""


def strike(stage: Stage, step: str, what: int) -> None:
    """Let a step strike when it is taken next."""
    number = 1 + next(i for i, (name, *_) in enumerate(STEPS) if name == step)
    stage.board.write_memory(stage.board.word(SCRATCH1), bytes((number, what)))


def run_to_strike(stage: Stage) -> int:
    """Run until the step has struck; return the cycle. Most steps come with every turn, lamps every 64 ms."""
    stage.bench.run_until(net=MARK, level=1, timeout_ms=400)
    return stage.rises(MARK)[-1]


def left(stage: Stage) -> int:
    """Return what a strike left in the flag's second byte: the error number of a full file system."""
    return stage.board.memory(stage.board.word(SCRATCH1) + 1, 1)[0]
