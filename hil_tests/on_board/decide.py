"""Verified pairs with any delay, fired by the firmware's sequencer while nothing else runs on the controller.

Pasted into the interpreter of a stand's controller by the test of the permit's decision: no laser is there, and any
energy passes. HEARTBEAT is fed by hand, so that SAFE is closed.
"""

import time

import board
from machine import Pin
from tandem.io import rp2_chain
from tandem.timing import sequencer as contract
from tandem.timing.rp2.sequencer import Rp2Sequencer

ANY_ENERGY = (-(2**30), 2**30)
BEAT_MS = 20
COUNT = 10
PERIOD_CYCLES = 1_250_000
SETTLE_CYCLES = 2650

beat = Pin(board.HEARTBEAT, Pin.OUT, value=0)
sequencer = Rp2Sequencer()
burst = contract.Burst()
burst.kind = "pair"
burst.verified = True
burst.count = COUNT
burst.period_cycles = PERIOD_CYCLES
burst.ps_first_cycles = burst.gate_cycles = 1250
burst.ps_limits = burst.co2_limits = ANY_ENERGY
burst.ps_settle_cycles = SETTLE_CYCLES
burst.co2_window_cycles = 5000


def feed(ms):  # noqa: ANN001, ANN201, D103
    for _ in range(ms // BEAT_MS):
        beat.toggle()
        time.sleep_ms(BEAT_MS)


def fire(delay):  # noqa: ANN001, ANN201
    """Fire the pairs with a delay in cycles; print how the burst ended."""
    burst.pair_delay_cycles = delay
    feed(400)
    sequencer.load(burst)
    sequencer.arm()
    rp2_chain.set_alive(sequencer.block_address, 20000, 0xFFFFFF)
    sequencer.start()
    turns = 0
    while sequencer.state == contract.RUNNING and turns < 5000:
        rp2_chain.set_alive(sequencer.block_address, 20000, 0xFFFFFF)
        turns += 1
        if turns % BEAT_MS == 0:
            beat.toggle()
        time.sleep_ms(1)
    print(sequencer.reason or sequencer.state)
    sequencer.stop()
