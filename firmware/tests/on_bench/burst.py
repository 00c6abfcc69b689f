"""Bursts of the tests' own, fired by the firmware's sequencer from a script on a board on which nothing else runs.

No supervisor runs then: SAFE is held closed at the filter, and `fire` keeps the permits' time limit fresh by itself.
"""

from __future__ import annotations

from stage import Stage

WIDE = (-(2**30), 2**30)
"""Limits of energy that every shot keeps: the shutters are closed, no light gets to the detectors."""

_SETUP = f"""
import time
from machine import mem32
from tandem.timing.rp2 import registers as reg
from tandem.timing.rp2.sequencer import Rp2Sequencer
from tandem.timing import sequencer as contract
from tandem.io import rp2_chain

s = Rp2Sequencer()
b = contract.Burst()
b.ps_limits = b.co2_limits = {WIDE}
b.ps_settle_cycles = 2650
b.co2_window_cycles = 5000

def take(**values):
    for name in values:
        setattr(b, name, values[name])
    s.load(b)

def alive():
    rp2_chain.set_alive(s.block_address, 20000, 0xFFFFFF)

def go():
    alive()
    s.start()

def wait(ms=1):
    while s.state == contract.RUNNING:
        alive()
        time.sleep_ms(ms)
    reached = s.reason or s.state
    s.stop()
    return reached
"""


def prepare(bare: Stage, script: str = "", /, **values: object) -> None:
    """Make the sequencer `s` and the burst `b` on the board, take `values` into it, and arm."""
    bare.bench.part("filter").set(force=1)
    bare.board.exec_raw(_SETUP + script)
    told = ", ".join(f"{name}={value!r}" for name, value in values.items())
    bare.board.exec_raw(f"take({told})\ns.arm()")
    bare.bench.clear_edges()
