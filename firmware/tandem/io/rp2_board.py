"""The RP2040 board as the supervisor sees it: levels, slow signals, heartbeat, watchdog, LED, time."""

import gc
import time
from array import array

import board
import machine
from machine import ADC, WDT, Pin, mem32

from tandem.io import rp2_chain
from tandem.io.rp2_fram import FramMemory
from tandem.timing.rp2 import registers as reg
from tandem.timing.rp2.sequencer import Rp2Sequencer

ALIVE_US = 20_000
WATCHDOG_MS = 1000
WATCHDOG_COUNT = 2 * 1000 * WATCHDOG_MS  # it counts twice a microsecond (RP2040 erratum E1)
FLASH_MS = 8000
FLASH_COUNT = 2 * 1000 * FLASH_MS
SCAN_WAITS = 1 << 16
SCOPE_CYCLES = 1250
FREE_BYTES = 16384
ADC_FULL_MV = 3300


class Rp2Board:
    """Hardware at the supervisor's edge. `sequencer` owns the handlers' block, in which permits are allowed."""

    def __init__(self, sequencer: Rp2Sequencer) -> None:
        self._sequencer = sequencer
        self._block = sequencer.block_address
        self._seen = array("I", (0 for _ in range(4)))
        self._bus = rp2_chain.open_bus()
        self._led = Pin(board.LED, Pin.OUT, value=0)
        for pin in (board.SAFE, board.FOOT_NO, board.FOOT_NC, board.PS_READY, board.CO2_READY, board.PS_SYNC):
            Pin(pin, Pin.IN, Pin.PULL_DOWN)
        for pin in (board.CO2_SYNC, board.SCAN_OK):
            Pin(pin, Pin.IN, Pin.PULL_DOWN)
        self._heartbeat = Pin(board.HEARTBEAT, Pin.OUT, value=0)
        self._handpiece = ADC(Pin(board.HANDPIECE_ID))
        WDT(timeout=WATCHDOG_MS)
        self.millis = time.ticks_ms
        self.micros = time.ticks_us
        self.levels = rp2_chain.levels
        self.sleep = machine.idle
        self.guard_tripped = sequencer.guard_tripped

    def exchange(self, outputs: int) -> int:
        """Shift 16 outputs out and 16 inputs in; move the scanner where the handler could or should not."""
        inputs = rp2_chain.exchange(self._block, outputs)
        if inputs & SCAN_WAITS:
            self._move_scanner(outputs)
        return inputs & ~SCAN_WAITS

    def still(self) -> bool:
        """Exchange as at the last `remember`; tell whether everything is as it was then."""
        return rp2_chain.still(self._block, self._seen)

    @property
    def outputs(self) -> int:
        """What was shifted out at the last `remember`."""
        return self._seen[0]

    def remember(self, outputs: int, gpio_mask: int, gpio: int, chain: int) -> None:
        """Keep what `still` sends and compares with."""
        seen = self._seen
        seen[0] = outputs
        seen[1] = gpio_mask
        seen[2] = gpio
        seen[3] = chain

    def _move_scanner(self, outputs: int) -> None:
        """Make the move that waits: a step stays on the outputs until the next exchange."""
        if self._sequencer.scan_pending():
            rp2_chain.place_scanner(self._block, self._sequencer.next_position)
        else:
            rp2_chain.exchange(self._block, outputs | self._sequencer.step_due())

    def alive(self) -> None:
        """Allow permits for the next 20 ms and feed the watchdog."""
        rp2_chain.set_alive(self._block, ALIVE_US, WATCHDOG_COUNT)

    def make_room(self) -> None:
        """Collect garbage if little memory is free: right before a burst, so that none is collected in it."""
        if gc.mem_free() < FREE_BYTES:
            gc.collect()

    def flash_begins(self) -> None:
        """Give the watchdog 8 s, until the next `alive`: an append to flash may take over one."""
        rp2_chain.set_alive(self._block, ALIVE_US, FLASH_COUNT)

    def shot_memory(self) -> FramMemory:
        """Return the driver of the shot memory; whether there is one, it tells itself."""
        return FramMemory(self._block, self._move_waiting)

    def _move_waiting(self) -> None:
        """Move the scanner that the handler could not move while the shot memory had the bus."""
        self._move_scanner(self._seen[0])

    def pulse(self, output: str) -> bool:
        """Make one pulse of 10 us on a trigger output; False when SAFE kept it from coming whole. Blocks for 5 ms."""
        from tandem.timing.rp2 import scope

        return scope.pulse_once(self._sequencer, getattr(board, output), SCOPE_CYCLES)

    def beat(self) -> None:
        """Toggle HEARTBEAT."""
        mem32[reg.SIO_OUT_XOR] = 1 << board.HEARTBEAT

    def led(self, on: int) -> None:
        """Light the LED or not."""
        self._led.value(on)

    def handpiece_mv(self) -> int:
        """Return the voltage on HANDPIECE_ID. Not while the sequencer samples."""
        return self._handpiece.read_u16() * ADC_FULL_MV // 65535

    def withdraw(self) -> None:
        """Take every permit back."""
        self._sequencer.stop()
