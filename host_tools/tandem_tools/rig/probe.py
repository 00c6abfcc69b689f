"""The controller as a bare chip: its firmware is interrupted, a small program sets its outputs and reads its inputs.

The outputs are laser triggers. Nothing here times a pulse or asks SAFE: no laser may be connected.
"""

from __future__ import annotations

import ast
import contextlib
import io
import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Self

from tandem_tools.bench.stand import board_constants, chain_bits
from tandem_tools.flash.errors import FlashError
from tandem_tools.flash.link import Link
from tandem_tools.flash.ports import port_with

FULL_MV = 3300
ASK_AGAIN_S = 0.3
HEARTBEAT = "HEARTBEAT"
OUTPUTS = {"PS_FIRE": 0, "PS_QSW": 0, "CO2_GATE": 0, "SYNC_OUT": 0, HEARTBEAT: 0, "PS_INT_RESET": 1}
"""Pins that the controller drives, with their levels at rest."""
INPUTS = ("SAFE", "FOOT_NO", "FOOT_NC", "PS_READY", "CO2_READY", "PS_SYNC", "CO2_SYNC", "SCAN_OK")
ENERGIES = ("PS_ENERGY", "CO2_ENERGY")
ANALOGUE = (*ENERGIES, "HANDPIECE_ID")
_SELECTS = ("DAC_CS", "FRAM_CS", "IN_LOAD")

# Runs on the board. Registers: latched edges of the pins, levels of the pins, reset cause, a scratch register that
# only a reset of the whole chip clears (RP2040 datasheet: IO_BANK0 INTR, SIO GPIO_IN, CHIP_RESET, WATCHDOG SCRATCH3).
_PROGRAM = """
from machine import ADC, Pin, SPI, Timer, mem32
for gpio in {inputs!r}:
    Pin(gpio, Pin.IN, Pin.PULL_DOWN)
for gpio, level in {outputs!r}:
    Pin(gpio, Pin.OUT, value=level)
load, latch, beat = Pin({load!r}), Pin({latch!r}), Pin({beat!r})
bus = SPI({spi!r}, baudrate=1000000, sck=Pin({sck!r}), mosi=Pin({mosi!r}), miso=Pin({miso!r}))
adcs = [ADC(Pin(gpio)) for gpio in {analogue!r}]
timer = Timer()
def shift(word):
    load.value(0)
    load.value(1)
    came = bytearray(2)
    bus.write_readinto(bytes((word >> 8, word & 255)), came)
    latch.value(1)
    latch.value(0)
    return came[0] << 8 | came[1]
def forget():
    for i in range(4):
        mem32[0x400140F0 + 4 * i] = 0xFFFFFFFF
def look(word):
    edges = 0
    for i in range(4):
        edges |= (mem32[0x400140F0 + 4 * i] & 0xFFFFFFFF) << 32 * i
    volts = []
    for adc in adcs:
        volts.append(sum(adc.read_u16() for _ in range(16)) // 16)
    print(repr((mem32[0xD0000004], edges, shift(word), volts)))
def shine(pin, number, samples):
    peaks = [0] * len(adcs)
    pin.value(1)
    for i in range(samples):
        for k in number:
            peaks[k] = max(peaks[k], adcs[k].read_u16())
    pin.value(0)
    print(repr([peaks[k] for k in number]))
def feed(ms):
    timer.deinit()
    if ms:
        timer.init(period=ms, callback=lambda _: beat.toggle())
"""


@dataclass(frozen=True)
class Look:
    """What the controller sees: levels and edges (since the last `forget`) of its inputs, ADCs in mV, fixed bits."""

    levels: Mapping[str, int]
    moved: frozenset[str]
    millivolts: Mapping[str, float]
    fixed_bits: int


class Probe(Link):
    """A controller in its raw REPL with the probe's program; all outputs at rest. A context manager.

    Methods block for milliseconds and raise FlashError's kinds, with BoardLost when the board stops answering.
    """

    way_out = "connect it again and run tandem rig check again"

    def __init__(self, port: str) -> None:
        super().__init__(port)
        self._board = board_constants()
        self._inputs = chain_bits(self._board, "IN_")
        self._outputs = chain_bits(self._board, "OUT_")
        self._word = 0
        self.doing = "was made ready for the check of its wires"
        self._run(_program(self._board))
        self._run("shift(0)")

    def __enter__(self) -> Self:
        return self

    @property
    def slow_outputs(self) -> list[str]:
        """Names of the outputs behind the controller's shift register."""
        return list(self._outputs)

    @property
    def pattern_is_right(self) -> bool:
        """Whether the shift register of the inputs shows the bits that it is wired to."""
        return self.look().fixed_bits == self._board.IN_PATTERN

    def set(self, name: str, level: int) -> None:
        """Set an output, a pin or one of the shift register's."""
        self.doing = f"set {name} to {level}"
        if name in self._outputs:
            bit = 1 << self._outputs[name]
            self._word = self._word | bit if level else self._word & ~bit
            self._run(f"shift({self._word})")
        else:
            self._run(f"Pin({getattr(self._board, name)}).value({level})")

    def look(self) -> Look:
        """Read all inputs."""
        self.doing = "read its inputs"
        pins, edges, word, codes = ast.literal_eval(self._run(f"look({self._word})"))
        levels = {name: pins >> getattr(self._board, name) & 1 for name in INPUTS}
        levels |= {name: word >> bit & 1 for name, bit in self._inputs.items()}
        moved = frozenset(name for name in INPUTS if edges >> 4 * getattr(self._board, name) & 0b1100)
        millivolts = {name: code * FULL_MV / 65535 for name, code in zip(ANALOGUE, codes, strict=True)}
        return Look(levels, moved, millivolts, word & self._board.IN_PATTERN_MASK)

    def forget(self) -> None:
        """Forget the edges so far."""
        self._run("forget()")

    def pulse(self, name: str) -> None:
        """Make an output high for some microseconds."""
        self.doing = f"made a pulse on {name}"
        pin = getattr(self._board, name)
        self._run(f"p = Pin({pin})\np.value(1)\np.value(0)")

    def shine(self, trigger: str, samples: int = 30) -> dict[str, float]:
        """Make a trigger high for about 1 ms; return what the energy inputs showed at most meanwhile, in mV."""
        self.doing = f"looked for light after {trigger}"
        numbers = tuple(range(len(ENERGIES)))
        codes = ast.literal_eval(self._run(f"shine(Pin({getattr(self._board, trigger)}), {numbers}, {samples})"))
        return {name: code * FULL_MV / 65535 for name, code in zip(ENERGIES, codes, strict=True)}

    def feed(self, period_ms: int) -> None:
        """Toggle HEARTBEAT from now on, every `period_ms`; 0 ends it. Returns at once."""
        self.doing = "toggled HEARTBEAT"
        self._run(f"feed({period_ms})")

    def mark(self) -> None:
        """Leave a mark that only a reset of the whole chip removes; see `reset_cause`."""
        self.doing = "was marked"
        self._run(f"mem32[{_SCRATCH}] = {_MARK}")

    def reset_cause(self) -> str:
        """Return "none" when the mark still stands, else "run_pin", "power_on" or "unknown"."""
        self.doing = "was asked why it started"
        mark, cause = ast.literal_eval(self._run(f"print((mem32[{_SCRATCH}], mem32[{_CHIP_RESET}]))"))
        if mark == _MARK:
            return "none"
        return "run_pin" if cause & 1 << 16 else "power_on" if cause & 1 << 8 else "unknown"

    def _run(self, source: str) -> str:
        """Run a part of the program and return what it printed; mpremote prints remarks of its own: not here."""
        with self._answering(), contextlib.redirect_stdout(io.StringIO()):
            return self._transport.exec(source).decode()


_SCRATCH = 0x40058018
_CHIP_RESET = 0x40064008
_MARK = 0x7A9D3A


def _program(board: ModuleType) -> str:
    """Return the probe's program with the pins of a board."""
    at_rest = {**OUTPUTS, **dict.fromkeys(_SELECTS, 1), "OUT_LATCH": 0}
    return _PROGRAM.format(
        inputs=[getattr(board, name) for name in INPUTS],
        outputs=[(getattr(board, name), level) for name, level in at_rest.items()],
        analogue=[getattr(board, name) for name in ANALOGUE],
        load=board.IN_LOAD,
        latch=board.OUT_LATCH,
        beat=board.HEARTBEAT,
        spi=board.SPI_ID,
        sck=board.SPI_SCK,
        mosi=board.SPI_TX,
        miso=board.SPI_RX,
    )


def probe_again(port: str, serial_number: str, deadline_s: float) -> Probe:
    """Return a probe of a board that was reset a moment ago. Raises the last reason when it does not come back."""
    ends = time.monotonic() + deadline_s
    while True:
        try:
            return Probe(port_with(serial_number, port))
        except FlashError:
            if time.monotonic() > ends:
                raise
            time.sleep(ASK_AGAIN_S)


def start_firmware(port: str, serial_number: str) -> None:
    """Reset a board, so that its firmware runs again. Raises FlashError when it cannot be reached."""
    with Link(port_with(serial_number, port)) as link:
        link.hard_reset()
