"""Two boards in their raw REPLs, each with a few words of its own."""

from __future__ import annotations

import ast
from typing import Any

from tandem_tools.bench import Bench, Board
from tandem_tools.bench.stand import board_constants
from tandem_tools.rig.wiring import rig_constants

BOARD, PINS = board_constants(), rig_constants()

AT_CONTROLLER = f"""
from machine import ADC, PWM, Pin, SPI
load = Pin({BOARD.IN_LOAD}, Pin.OUT, value=1)
latch = Pin({BOARD.OUT_LATCH}, Pin.OUT, value=0)
lines = dict(sck=Pin({BOARD.SPI_SCK}), mosi=Pin({BOARD.SPI_TX}), miso=Pin({BOARD.SPI_RX}))
spi = SPI({BOARD.SPI_ID}, baudrate={BOARD.SPI_HZ}, **lines)
def exchange(word):
    load(0); load(1)
    answer = bytearray(2)
    spi.write_readinto(bytes((word >> 8, word & 255)), answer)
    latch(1); latch(0)
    return answer[0] << 8 | answer[1]
def code(channel):
    return ADC(channel).read_u16() >> 4
"""

AT_RIG = f"""
import time
from machine import PWM, Pin, SPI, mem32
load = Pin({PINS.IN_LOAD}, Pin.OUT, value=1)
latch = Pin({PINS.OUT_LATCH}, Pin.OUT, value=0)
cs = Pin({PINS.DAC_CS}, Pin.OUT, value=1)
light = {{'ps': Pin({PINS.PS_LIGHT}, Pin.OUT, value=0), 'co2': Pin({PINS.CO2_LIGHT}, Pin.OUT, value=0)}}
shift = SPI({PINS.SHIFT_SPI_ID}, baudrate=4000000, sck=Pin({PINS.SHIFT_SCK}), mosi=Pin({PINS.OUT_DATA}),
    miso=Pin({PINS.IN_DATA}))
dac = SPI({PINS.DAC_SPI_ID}, baudrate=10000000, sck=Pin({PINS.DAC_SCK}), mosi=Pin({PINS.DAC_TX}), miso=None)
for pin in range(10): Pin(pin, Pin.IN)
def exchange(word):
    load(0); load(1)
    answer = bytearray(3)
    shift.write_readinto(bytes((word >> 16, word >> 8 & 255, word & 255)), answer)
    latch(1); latch(0)
    return answer[0] << 8 | answer[1]
def send(word):
    cs(0)
    dac.write(bytes((word >> 8, word & 255)))
    cs(1)
"""


class Pair:
    """Both boards, with values read as Python expressions."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.controller = bench.board("controller")
        self.rig = bench.board("rig")
        for board, words in ((self.controller, AT_CONTROLLER), (self.rig, AT_RIG)):
            board.wait_for_repl()
            board.enter_raw_repl()
            board.exec_raw(words)

    def value(self, board: Board, expression: str) -> Any:
        """Return the value of an expression on a board."""
        return ast.literal_eval(board.exec_raw(f"print(repr({expression}))"))

    def put(self, *names: str) -> int:
        """Switch on these slow outputs of the rig and no other; return the word of its slow inputs."""
        return self.value(self.rig, f"exchange({sum(1 << PINS.OUT_NAMES.index(name) for name in names)})")


ROOM = f"""
outputs = {{name: 1 << bit for bit, name in enumerate({PINS.OUT_NAMES!r})}}
inputs = {{name: 1 << bit for bit, name in enumerate({PINS.IN_NAMES!r})}}
shutters = ('PS_SHUTTER', 'CO2_SHUTTER')
closed = ('ESTOP_CLOSED', 'DOOR_CLOSED', 'KEY_ON', 'PS_FAULT', 'CO2_FAULT')
base = sum(outputs[name] for name in closed + ('PS_READY', 'CO2_READY', 'SCAN_OK', 'HANDPIECE_1'))
def room():
    safe = Pin({PINS.SAFE})
    at = dict.fromkeys(shutters, 0)
    since = dict.fromkeys(('LAMP_READY',) + shutters, -1000)
    seen = 0
    while True:
        now = time.ticks_ms()
        word = base
        for name in shutters:
            coil = 1 if seen & inputs[name] and safe.value() else 0
            if coil != at[name]:
                at[name], since[name] = coil, now
            if now - since[name] > 30:
                word |= outputs[name + ('_OPEN' if coil else '_CLOSED')]
        if seen & inputs['AIM']:
            word |= outputs['AIM_MONITOR']
        if not seen & inputs['LAMP_READY']:
            since['LAMP_READY'] = now
        pressed = now - since['LAMP_READY'] - 500
        word |= outputs['FOOT_NO'] if pressed > 2 else 0 if pressed > 0 else outputs['FOOT_NC']
        seen = exchange(word)
"""
"""A room with a person in it: the chain is closed, the shutters follow, the pedal is pressed 0.5 s after READY."""
