"""The self-test of an RP2040 board at boot, in steps of a few milliseconds, and why the board started.

It runs once, in SELFTEST, and is thrown out of memory afterwards. Nothing in it makes a pulse: the one time that a
trigger is told to rise, SAFE is open and the guard holds it low, first shown on SYNC_OUT, which triggers nothing.

What it cannot show: that an integrator follows its reset (in the dark there is no charge to take away; the first shot
shows it), that the crystal is right (everything on the board counts it), and an error of the converter's reference
below 10 % (see `_reference`).
"""

import hashlib
import os
import time
from array import array
from binascii import unhexlify

import board
import machine
import uctypes
from machine import mem32

from tandem.safety import faults
from tandem.timing.rp2 import pio
from tandem.timing.rp2 import registers as reg
from tandem.timing.rp2 import sequencer as rp2
from tandem.timing.sequencer import RegisterDiffers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from tandem.io.rp2_board import Rp2Board

MANIFEST = "/tandem/manifest.json"
OPEN_MS = 600  # the slowest supervisor part opens 550 ms after the last toggle
CLOSE_MS = 300
CONTRADICTION_MS = 40  # longer than a relay of the chain takes to drop out; inputs.py, which has less to tell, waits 50
CLOCK_MS = 40
TOGETHER_US = 40
CLOCK_PER_MILLE = 2  # more than what two readings of both counters can be off; the PLL's next step is 8
ALIVE_COUNTS = 6  # 5 mV: a channel has an offset of 20 mV; one that reads 0 is not connected
TEMPERATURE_LOW_C = -20
TEMPERATURE_HIGH_C = 85
BLOCK_BYTES = 512
PIECE_BYTES = 256  # of the ring: free memory is in small pieces
_SAMPLES = rp2.RING_BYTES // 2
_CONTACTS = board.IN_ESTOP_CLOSED | board.IN_DOOR_CLOSED | board.IN_KEY_ON
_SYSTICK = 0xE000E010
_SYSTICK_MASK = 0xFFFFFF
_CHIP_RESET = 0x40064008
_IO_INTR0 = 0x400140F0  # latched edges of GP0 to GP7: bit 4 * pin + 3 is a rise
_RELEASE_RESET = 0xE000  # set pins, 0
_HOLD_RESET = 0xE001
_RAISE_SLOT = 0xB042  # nop side 1: SYNC_OUT, by the pacer
_RAISE_TRIGGER = 0xE001  # set pins, 1: by a shot machine


def reset_cause(clean: bool = True) -> str:
    """Return why the board started, as far as its registers tell. Does not block.

    'power_on' (also a brown-out), 'run_pin', 'watchdog' (it ran out), 'software' (a reset that a program asked for,
    also that into and out of the boot loader), 'debugger', or 'soft_reset' when `clean` is False: the interpreter
    started anew, the board did not. Source: RP2040 datasheet, WATCHDOG.REASON and VREG_AND_CHIP_RESET.CHIP_RESET; the
    first is 0 after a reset of the whole chip, the second tells only of those.
    """
    if not clean:
        return "soft_reset"
    reason = mem32[reg.WATCHDOG_REASON] & 3
    if reason:
        return "watchdog" if reason & 1 else "software"
    chip = mem32[_CHIP_RESET]
    if chip & 1 << 16:
        return "run_pin"
    if chip & 1 << 20:
        return "debugger"
    return "power_on" if chip & 1 << 8 else "unknown"


class Failed(Exception):
    """A check found something wrong: its fault's number, and what was read and expected."""

    def __init__(self, fault: int, detail: str) -> None:
        super().__init__(detail)
        self.fault = fault
        self.detail = detail


class SelfTest:
    """Every check once. Take `steps` to their end, a step a turn; then `fault` is 0, or a number with its `detail`.

    HEARTBEAT has to stand still while `wants_heartbeat` is False: at first, so that the supervisor part is seen to open
    SAFE, and for good after a failure, so that SAFE stays open until the board is reset. `clean` False: the board was
    soft-reset; what may still run on it is left alone then, and it cannot be armed.
    """

    def __init__(self, hardware: "Rp2Board", sequencer: rp2.Rp2Sequencer, clean: bool) -> None:
        self._hardware = hardware
        self._sequencer = sequencer
        self._clean = clean
        self._contradicts_ms = -1
        self.wants_heartbeat = False
        self.fault = 0
        self.detail = ""

    def steps(self) -> "Iterator[None]":
        """Yield after each step, which takes a few milliseconds. Allocates. Whatever goes wrong becomes a fault."""
        try:
            yield from self._outputs()
            yield from self._pattern()
            yield from self._clock()
            yield from self._reference()
            yield from self._energy()
            yield from self._safe_opens()
            if self._clean:
                yield from self._programs()
                yield from self._guard()
            self.wants_heartbeat = True
            began_ms = time.ticks_ms()
            for _ in self._files():
                self._safe_follows()
                yield
            while self._closing(began_ms):
                self._safe_follows()
                yield
        except Failed as failed:
            self._fail(failed.fault, failed.detail)
        except MemoryError as error:
            self._fail(faults.OUT_OF_MEMORY, str(error))
        except Exception as error:
            self._fail(faults.FIRMWARE_EXCEPTION, "{}: {}".format(type(error).__name__, error))

    def _fail(self, fault: int, detail: str) -> None:
        self.wants_heartbeat = False
        self.fault = fault
        self.detail = detail

    def _outputs(self) -> "Iterator[None]":
        """Every trigger low at its pin; the integrator's reset goes low and high again (81)."""
        for pin in board.TRIGGERS:
            self._read_back(pin, 0)
        pio.execute(reg.PIO1, 0, _RELEASE_RESET)
        self._read_back(board.PS_INT_RESET, 0)
        pio.execute(reg.PIO1, 0, _HOLD_RESET)
        self._read_back(board.PS_INT_RESET, 1)
        yield

    def _read_back(self, pin: int, wanted: int) -> None:
        found = mem32[reg.SIO_IN] >> pin & 1
        if found != wanted:
            raise Failed(faults.OUTPUT_STUCK, "GP%d reads %d, expected %d" % (pin, found, wanted))

    def _pattern(self) -> "Iterator[None]":
        """The input register gives its fixed bits (83)."""
        for _ in range(3):
            word = self._hardware.exchange(self._hardware.outputs)
            if word & board.IN_PATTERN_MASK != board.IN_PATTERN:
                raise Failed(
                    faults.INPUT_PATTERN_WRONG,
                    "the input register reads 0x%04x: bits 13 to 15 must be 0, 1, 0" % word,
                )
            yield

    def _clock(self) -> "Iterator[None]":
        """The clock is what the plan counts in: by what the interpreter set, and counted against the timer (84)."""
        told = machine.freq()
        if told != board.CLOCK_HZ:
            raise Failed(faults.CLOCK_WRONG, "the clock is set to %d Hz, expected %d" % (told, board.CLOCK_HZ))
        kept = mem32[_SYSTICK], mem32[_SYSTICK + 4]
        mem32[_SYSTICK + 4] = _SYSTICK_MASK
        mem32[_SYSTICK] = 5  # counts down at the system clock, without an interrupt
        began_us, began = self._counters()
        while time.ticks_diff(time.ticks_us(), began_us) < CLOCK_MS * 1000:
            yield
        ended_us, ended = self._counters()
        mem32[_SYSTICK], mem32[_SYSTICK + 4] = kept
        us = time.ticks_diff(ended_us, began_us)
        cycles = (began - ended) & _SYSTICK_MASK
        expected = us * (board.CLOCK_HZ // 1_000_000)
        if abs(cycles - expected) * 1000 > expected * CLOCK_PER_MILLE:
            raise Failed(
                faults.CLOCK_WRONG,
                "%d cycles in %d us of the timer, expected %d within %d permille"
                % (cycles, us, expected, CLOCK_PER_MILLE),
            )

    def _counters(self) -> tuple:
        """Return (timer in us, system tick), read within TOGETHER_US of each other."""
        clock_us, word, address = time.ticks_us, mem32, _SYSTICK + 8
        took_us = 0
        for _ in range(100):
            us = clock_us()
            tick = word[address]
            took_us = time.ticks_diff(clock_us(), us)
            if took_us <= TOGETHER_US:
                return us, tick
        raise Failed(faults.CLOCK_WRONG, "timer and system tick are read %d us apart" % took_us)

    def _reference(self) -> "Iterator[None]":
        """The temperature sensor's voltage stands for -20 to 85 degrees C, the chip's own range (89).

        T = 27 - (V - 0.706 V) / 1.721 mV (RP2040 datasheet 4.9.5). At 25 degrees this finds a reference that is more
        than 10 % low or 16 % high. GP29 would give VSYS / 3, which may be anything; HANDPIECE_ID is a divider of the
        reference itself: neither says more.
        """
        mem32[reg.ADC] = 3  # sensor on
        yield
        mem32[reg.ADC] = 4 << 12 | 3
        total = 0
        for _ in range(16):
            mem32[reg.ADC] = 4 << 12 | 7
            while not mem32[reg.ADC] & 0x100:
                pass
            total += mem32[reg.ADC + reg.ADC_RESULT]
        mem32[reg.ADC] = 1
        microvolts = total * 3300 * 1000 // 65536
        celsius = 27 - (microvolts - 706_000) // 1721
        if not TEMPERATURE_LOW_C <= celsius <= TEMPERATURE_HIGH_C:
            raise Failed(
                faults.REFERENCE_WRONG,
                "the chip's sensor gives %d uV, which is %d degrees C: %d to %d expected"
                % (microvolts, celsius, TEMPERATURE_LOW_C, TEMPERATURE_HIGH_C),
            )

    def _energy(self) -> "Iterator[None]":
        """Both channels give samples at the sequencer's rate, dark and above zero, reset held and released (85)."""
        for word in (_HOLD_RESET, _RELEASE_RESET):
            pio.execute(reg.PIO1, 0, word)
            yield from self._sample()
            pio.execute(reg.PIO1, 0, _HOLD_RESET)
            for at in range(0, rp2.RING_BYTES, PIECE_BYTES):
                samples = array("H", uctypes.bytearray_at(self._sequencer.ring_address + at, PIECE_BYTES))
                if min(samples) < ALIVE_COUNTS or max(samples) > rp2.DARK_COUNTS:
                    self._name_channel(samples, "released" if word == _RELEASE_RESET else "held")
            yield

    def _sample(self) -> "Iterator[None]":
        """Fill the whole ring with new samples; the count of conversions has to fit the timer."""
        sequencer = self._sequencer
        sequencer.sample()
        began_us, began = time.ticks_us(), sequencer.sampled()
        while time.ticks_diff(time.ticks_us(), began_us) < 3 * _SAMPLES:
            yield
        us, count = time.ticks_diff(time.ticks_us(), began_us), sequencer.sampled() - began
        sequencer.stop_sampling()
        if abs(2 * count - us) > us // 20:
            raise Failed(
                faults.ENERGY_CHANNEL_DEAD,
                "%d conversions arrived in %d us, expected one every 2 us" % (count, us),
            )

    def _name_channel(self, samples: array, reset: str) -> None:
        for lane, name in ((0, "PS_ENERGY"), (1, "CO2_ENERGY")):
            for i in range(lane, len(samples), 2):
                if not ALIVE_COUNTS <= samples[i] <= rp2.DARK_COUNTS:
                    raise Failed(
                        faults.ENERGY_CHANNEL_DEAD,
                        "%s reads %d of 4096 in the dark, integrator %s: %d to %d expected"
                        % (name, samples[i], reset, ALIVE_COUNTS, rp2.DARK_COUNTS),
                    )

    def _safe_opens(self) -> "Iterator[None]":
        """Without HEARTBEAT the supervisor part has SAFE open by now, or opens it in its time (17)."""
        began_ms = time.ticks_ms()
        while mem32[reg.SIO_IN] & 1 << board.SAFE:
            if time.ticks_diff(time.ticks_ms(), began_ms) > OPEN_MS:
                raise Failed(faults.SAFE_NOT_OPENED, "SAFE reads 1 after %d ms without HEARTBEAT, expected 0" % OPEN_MS)
            yield

    def _programs(self) -> "Iterator[None]":
        """Programs written anew; dividers, pin functions, overrides and pads read back (82)."""
        try:
            self._sequencer.arm()
        except RegisterDiffers as error:
            raise Failed(faults.REGISTERS_DIFFER, str(error) + " does not read back as written") from None
        yield

    def _guard(self) -> "Iterator[None]":
        """With SAFE open, outputs that are told to rise stay low, in every cycle: the chip latches any edge (86)."""
        if mem32[reg.SIO_IN] & 1 << board.SAFE:
            raise Failed(faults.SAFE_NOT_OPENED, "SAFE closed again without HEARTBEAT")
        if not self._sequencer.guard_tripped():
            raise Failed(faults.GUARD_UNPROVEN, "the guard has not latched, though SAFE is open")
        self._held(board.SYNC_OUT, rp2.PACER, _RAISE_SLOT)
        self._held(board.PS_FIRE, rp2.PS, _RAISE_TRIGGER)
        self._held(board.CO2_GATE, rp2.CO2, _RAISE_TRIGGER)
        yield

    def _held(self, pin: int, number: int, instruction: int) -> None:
        rises = 8 << 4 * pin
        mem32[_IO_INTR0] = rises
        pio.execute(reg.PIO0, number, instruction)
        level = mem32[reg.SIO_IN] >> pin & 1
        rose = mem32[_IO_INTR0] & rises
        if level or rose:
            pio.stop(reg.PIO0, 0xF)
            pio.execute(reg.PIO0, number, instruction & ~0x1001)
            raise Failed(faults.GUARD_UNPROVEN, "GP%d rose when told to, with SAFE open: the guard holds nothing" % pin)

    def _safe_follows(self) -> None:
        """SAFE closed while a contact of the chain is open, and not only for the moment in which it opens (19)."""
        closed = mem32[reg.SIO_IN] & 1 << board.SAFE
        contacts = self._hardware.exchange(self._hardware.outputs) & _CONTACTS
        if not closed or contacts == _CONTACTS:
            self._contradicts_ms = -1
            return
        now_ms = time.ticks_ms()
        if self._contradicts_ms < 0:
            self._contradicts_ms = now_ms
        elif time.ticks_diff(now_ms, self._contradicts_ms) > CONTRADICTION_MS:
            raise Failed(
                faults.SAFE_WITHOUT_CHAIN,
                "SAFE is closed, and of stop, door, key bits %d are read: 7 expected" % contacts,
            )

    def _closing(self, began_ms: int) -> bool:
        """Tell whether to look on: SAFE gets its time to close; if it stays open nothing is wrong but arming refused.

        An open SAFE is the safe side, and may have reasons that the board cannot see; so it is shown in STANDBY, and
        becomes a fault only where it has to close, in arming.
        """
        if self._contradicts_ms >= 0:
            return True
        closed = mem32[reg.SIO_IN] & 1 << board.SAFE
        return not closed and time.ticks_diff(time.ticks_ms(), began_ms) < CLOSE_MS

    def _files(self) -> "Iterator[None]":
        """Every file of the manifest has its hash, and no other code lies on the board (88)."""
        listed = -1
        line = ""
        block = memoryview(bytearray(BLOCK_BYTES))
        try:
            with open(MANIFEST) as manifest:
                for line in manifest:
                    words = line.split('"')
                    if listed < 0:
                        listed = 0 if len(words) == 3 and words[1] == "files" else -1
                    elif len(words) > 1:
                        listed += 1
                        yield from self._file(words[1], unhexlify(words[3]), block)
        except (OSError, ValueError, IndexError):
            raise Failed(faults.PROGRAM_DIFFERS, MANIFEST + " is missing or damaged") from None
        if listed < 1 or line.strip() != "}":
            raise Failed(faults.PROGRAM_DIFFERS, MANIFEST + " is cut short")
        found = 0
        for _ in self._code("/"):
            found += 1
            if not found & 1:
                yield
        if found != listed:
            yield from self._name_stranger()

    def _file(self, path: str, digest: bytes, block: memoryview) -> "Iterator[None]":
        found = hashlib.sha256()
        blocks = 0
        try:
            with open("/" + path, "rb") as file:
                while True:
                    count = file.readinto(block)
                    if not count:
                        break
                    found.update(block[:count])
                    blocks += 1
                    if not blocks & 3:
                        yield
        except OSError:
            raise Failed(faults.PROGRAM_DIFFERS, path + " is missing") from None
        if found.digest() != digest:
            raise Failed(faults.PROGRAM_DIFFERS, path + " is not the one of the manifest")
        yield

    def _code(self, folder: str) -> "Iterator[str]":
        """Yield the paths of all files that could be imported."""
        for entry in os.ilistdir(folder):
            path = folder + entry[0]
            if entry[1] & 0x4000:
                yield from self._code(path + "/")
            elif path.endswith((".py", ".mpy")):
                yield path

    def _name_stranger(self) -> "Iterator[None]":
        """Name the code that is not of the program: it could be imported in place of what was checked."""
        for path in self._code("/"):
            wanted = '"' + path[1:] + '"'
            with open(MANIFEST) as manifest:
                if not any(wanted in line for line in manifest):
                    raise Failed(faults.PROGRAM_DIFFERS, path + " is not of the program: remove it")
            yield
        raise Failed(faults.PROGRAM_DIFFERS, MANIFEST + " names a file twice")
