"""The RP2040 sequencer: PIO machines make every edge, handlers in machine code decide, Python only prepares.

Memory that handlers and DMA use is allocated once, at boot, and never freed while they run: `make_safe()` takes the
handlers out of the vector table's reach before any exit, since a soft reset frees that memory.
"""

import time
from array import array

import board
import uctypes
from machine import ADC, Pin, mem32

from tandem.io import rp2_chain
from tandem.timing import sequencer as contract
from tandem.timing.rp2 import handlers as h
from tandem.timing.rp2 import pio, programs
from tandem.timing.rp2 import registers as reg

ALIVE_US = 20_000
PERMIT_LEAD_CYCLES = 125_000
RELEASE_BEFORE_TRIGGER_US = 60
RING_BYTES = 2048
DMA_CHANNEL = 11
SAMPLE_CYCLES = 500  # one sample of each channel: two conversions of 2 us
SATURATED_COUNTS = 3930  # 3.17 V: integrator and detector end at 3.2 V, which is code 3972
DARK_COUNTS = 200  # 0.16 V: more without a pulse is unexpected light
PS_SAMPLES = 2
PS_BASE_SAMPLES = 2
CO2_BASE_SAMPLES = 8
MAX_BURST = 2000
MEASURE_US = 2500  # longest gate, light and tail, and the handler
_UNMEASURED = b"\x00\x00\x00\x80"  # contract.NOT_MEASURED

PACER, PS, CO2, GUARD = 0, 1, 2, 3
SYNC, UNUSED = 2, 3  # of PIO1
STARTED = 0x2A5A
PACER_OFFSET, SHOT_OFFSET, GUARD_OFFSET = 0, 8, 28
TRIGGER_PAD = reg.PAD_IN_DOWN

_REASONS = {
    h.STOP_GUARD: contract.GUARD,
    h.STOP_LOCKED: contract.LOCKED,
    h.STOP_VERDICT_LATE: contract.VERDICT_LATE,
    h.STOP_INPUT: contract.INPUTS,
    h.STOP_SUPERVISOR: contract.SUPERVISOR,
    h.STOP_SCANNER: contract.SCANNER,
    h.STOP_PS_ENERGY: contract.PS_ENERGY,
    h.STOP_CO2_ENERGY: contract.CO2_ENERGY,
    h.STOP_PS_SATURATED: contract.PS_SATURATED,
    h.STOP_CO2_SATURATED: contract.CO2_SATURATED,
    h.STOP_PS_UNEXPECTED: contract.PS_UNEXPECTED,
    h.STOP_CO2_UNEXPECTED: contract.CO2_UNEXPECTED,
    h.STOP_SYNC_MISSING: contract.SYNC_MISSING,
    h.STOP_SYNC_EARLY: contract.SYNC_EARLY,
    h.STOP_SYNC_DOUBLE: contract.SYNC_DOUBLE,
}


def started_before() -> bool:
    """Tell whether the controller has run since the last hard reset; from this call on it has.

    The pin settings of a machine that nothing uses tell: a soft reset leaves them, every hard reset clears them.
    """
    pio.unreset(reg.RESET_PIO1)
    mark = reg.PIO1 + reg.SM_PINCTRL + UNUSED * reg.SM_STRIDE
    found = mem32[mark] == STARTED
    mem32[mark] = STARTED
    return found


def silence() -> None:
    """Take the handlers and the DMA away and stop the pacer; running gates end on their cycle, the guard lives on."""
    mem32[reg.NVIC_DISABLE] = reg.IRQS
    if mem32[reg.RESETS_DONE] & reg.RESET_PIO0:
        pio.stop(reg.PIO0, 1 << PACER)
        pio.clear_fifos(reg.PIO0, PS)
        pio.clear_fifos(reg.PIO0, CO2)
    if mem32[reg.RESETS_DONE] & reg.RESET_DMA:
        mem32[reg.DMA_ABORT] = 1 << DMA_CHANNEL


def make_everything_safe() -> None:
    """Leave nothing that could fire or restart the board behind: for the end of the program, however it comes.

    The watchdog is stopped by register, so that it does not bite in the middle of a copy of files. The guard stays, and
    a gate that is open ends on its cycle. Shutters, aiming beam, lamps and buzzer go off.
    """
    silence()
    mem32[reg.WATCHDOG + reg.CLR] = 1 << 30
    mem32[reg.SIO_OUT_CLR] = 1 << board.HEARTBEAT | 1 << board.LED
    rp2_chain.exchange(bytearray(4 * h.WORDS), 0)


class Rp2Sequencer(contract.Sequencer):
    """Sequencer of the RP2040. One instance a boot; `arm`, `load`, `start` may allocate, `alive` and `poll` do not."""

    def __init__(self) -> None:
        self._ring_memory = bytearray(2 * RING_BYTES)
        self._ring = (uctypes.addressof(self._ring_memory) + RING_BYTES - 1) & ~(RING_BYTES - 1)
        self._block = array("I", (0 for _ in range(h.WORDS)))
        self._ps = array("I", (0 for _ in range(h.CHANNEL_WORDS)))
        self._co2 = array("I", (0 for _ in range(h.CHANNEL_WORDS)))
        self.ps_results = array("i")
        self.co2_results = array("i")
        self.withheld = False
        self._scan = array("H", (0 for _ in range(2)))
        self._burst = contract.Burst()
        self._p = uctypes.addressof(self._block)
        self._fixed = ()
        self._machines = ()
        pio.unreset(reg.RESET_PIO0 | reg.RESET_PIO1 | reg.RESET_ADC | reg.RESET_DMA)
        ADC(Pin(board.PS_ENERGY))
        ADC(Pin(board.CO2_ENERGY))
        self._constants()
        self._pins()

    def _constants(self) -> None:
        b = self._block
        b[h.RING] = self._ring
        b[h.RING_MASK] = RING_BYTES - 1
        b[h.DMA_WRITE] = reg.DMA + reg.DMA_STRIDE * DMA_CHANNEL + 4
        b[h.PIO0_BASE] = reg.PIO0
        b[h.PIO1_BASE] = reg.PIO1
        b[h.TIMER] = reg.TIMERAWL
        b[h.SIO] = 0xD0000000
        b[h.SPI] = reg.SPI0
        b[h.ALIVE_MAX_US] = ALIVE_US
        b[h.PACER_STOP] = reg.PIO0 + reg.CLR
        b[h.PEDAL_EDGES] = reg.IO_INTR1
        mem32[reg.SCRATCH0] = self._p

    def _pins(self) -> None:
        """Give triggers to PIO0 and the integrator's reset to PIO1, low and high, with input buffers on."""
        mask = 0
        for pin in board.TRIGGERS:
            mask |= 1 << pin
        if pio.running(reg.PIO0) == 0:
            self._set_pins(reg.PIO0, GUARD, board.TRIGGERS[0], 4, 0)
        self._set_pins(reg.PIO1, 0, board.PS_INT_RESET, 1, 1)
        for pin in board.TRIGGERS:
            mem32[reg.PADS_BANK0 + 4 * pin] = TRIGGER_PAD
            mem32[reg.IO_BANK0 + 8 * pin + 4] = 6
        mem32[reg.PADS_BANK0 + 4 * board.PS_INT_RESET] = TRIGGER_PAD
        mem32[reg.IO_BANK0 + 8 * board.PS_INT_RESET + 4] = 7

    def _set_pins(self, base: int, machine: int, first: int, count: int, level: int) -> None:
        address = base + reg.SM_PINCTRL + reg.SM_STRIDE * machine
        mem32[address] = (count << 26) | (first << 5)
        ones = (1 << count) - 1
        pio.execute(base, machine, 0xE000 | (ones if level else 0))
        pio.execute(base, machine, 0xE080 | ones)

    def arm(self) -> None:
        """Write every program anew, release the guard, read everything back. Raises RegisterDiffers."""
        pio.stop(reg.PIO0, 0xF)
        pio.stop(reg.PIO1, 0xF)
        if programs.guard[0][0] & 0x1F != board.SAFE:
            raise contract.RegisterDiffers("the guard's program watches another pin than SAFE")
        if programs.sync_watch[0][programs.SYNC_GPIO_WORD] & 0x1F != board.PS_SYNC:
            raise contract.RegisterDiffers("the sync watch looks at another pin than PS_SYNC")
        self._pins()
        pacer = pio.Machine(reg.PIO0, PACER, programs.pacer, PACER_OFFSET, (1 << 29) | (board.SYNC_OUT << 10))
        guard = pio.Machine(reg.PIO0, GUARD, programs.guard, GUARD_OFFSET, (5 << 29) | (board.TRIGGERS[0] << 10))
        pacer.write()
        guard.write()
        self._fixed = (pacer, guard)
        self._place_shots(self._burst)
        for base in (reg.PIO0, reg.PIO1):
            mem32[base + reg.PIO_IRQ] = 0xFF
            mem32[base + reg.PIO_BYPASS] = 0
        pio.start(reg.PIO0, 1 << GUARD)
        self.check()

    def _place_shots(self, burst: contract.Burst) -> None:
        """Write the shot and window machines as this pass wants them; pacer and guard are left alone."""
        ps_pins = 2 if burst.lamp_qswitch else 1
        ps_trigger = board.PS_QSW if burst.lamp_qswitch else board.PS_FIRE
        co2_start = board.SYNC_OUT
        if burst.kind == "pair":
            co2_start = board.PS_SYNC if burst.pair_from_sync else ps_trigger
        in_place = board.SCAN_OK if burst.codes is not None or burst.stepped else board.SAFE
        ps_pin_ctrl = (ps_pins << 26) | (board.SYNC_OUT << 15) | (board.PS_FIRE << 5)
        co2_pin_ctrl = (1 << 26) | (co2_start << 15) | (board.CO2_GATE << 5)
        ps_window_ctrl = (1 << 26) | (ps_trigger << 15) | (board.PS_INT_RESET << 5)
        shot, window = programs.shot, programs.window
        shots = (
            pio.Machine(reg.PIO0, PS, shot, SHOT_OFFSET, ps_pin_ctrl, board.SAFE),
            pio.Machine(reg.PIO0, CO2, shot, SHOT_OFFSET, co2_pin_ctrl, in_place),
        )
        windows = (
            pio.Machine(reg.PIO1, 0, window, 0, ps_window_ctrl),
            pio.Machine(reg.PIO1, 1, window, 0, board.CO2_GATE << 15),
            pio.Machine(
                reg.PIO1, SYNC, programs.sync_watch, programs.SYNC_WATCH_OFFSET, ps_trigger << 15, board.PS_SYNC
            ),
        )
        for machine in shots:
            machine.write(programs.SHOT_LOCKED_OFFSET)
        for machine in windows:
            machine.write()
        self._machines = self._fixed + shots + windows

    def check(self) -> None:
        """Read clocks, dividers, programs' settings, pin functions and overrides back. Raises RegisterDiffers."""
        for machine in self._machines:
            if machine.differs():
                raise contract.RegisterDiffers("machine %d at 0x%x" % (machine.number, machine.base))
        for pin in board.TRIGGERS:
            if mem32[reg.IO_BANK0 + 8 * pin + 4] != 6 or mem32[reg.PADS_BANK0 + 4 * pin] != TRIGGER_PAD:
                raise contract.RegisterDiffers("function, override or pad of GP%d" % pin)

    def load(self, burst: contract.Burst) -> None:
        """Take one pass. The caller checks the plan; what the words cannot hold raises ValueError and fires nothing."""
        first = burst.gate_cycles - programs.GATE_OVERHEAD_CYCLES
        ps_first = burst.ps_first_cycles - programs.GATE_OVERHEAD_CYCLES
        if burst.kind != "ps" and not 1 <= first < 1 << programs.GATE_BITS:
            raise ValueError("gate of %d cycles: 3 to %d allowed" % (burst.gate_cycles, (1 << programs.GATE_BITS) + 1))
        if burst.kind != "co2" and not 1 <= ps_first < 1 << programs.GATE_BITS:
            raise ValueError("first ps width of %d cycles: 3 to 131073 allowed" % burst.ps_first_cycles)
        if burst.lamp_qswitch and not 3 <= burst.ps_second_cycles <= 4098:
            raise ValueError("Q-switch width of %d cycles: 3 to 4098 allowed" % burst.ps_second_cycles)
        if not 1 <= burst.count <= MAX_BURST:
            raise ValueError("%d shots: 1 to %d in a burst" % (burst.count, MAX_BURST))
        self._burst = burst
        if self._fixed:
            self._place_shots(burst)
        second = burst.ps_second_cycles - programs.QSW_OVERHEAD_CYCLES if burst.lamp_qswitch else 0
        ps_permit = ps_first | second << programs.GATE_BITS
        b = self._block
        b[h.STATE] = h.IDLE
        self.ps_results = array("i", _UNMEASURED * (burst.count if burst.kind != "co2" else 1))
        self.co2_results = array("i", _UNMEASURED * (burst.count if burst.kind != "ps" else 1))
        b[h.INDEX] = 0
        b[h.COUNT] = burst.count
        b[h.INPUT_MASK] = burst.input_mask
        b[h.INPUT_WANT] = burst.input_want
        has_ps = burst.kind != "co2"
        has_co2 = burst.kind != "ps"
        pair = burst.kind == "pair"
        b[h.PERMIT] = ps_permit if has_ps else first
        b[h.PERMIT_TXF] = reg.PIO0 + reg.PIO_TXF + 4 * (PS if has_ps else CO2)
        b[h.PERMIT_2] = first if pair and not burst.verified and not burst.sync_close_cycles else 0
        b[h.PERMIT_2_TXF] = reg.PIO0 + reg.PIO_TXF + 4 * CO2
        b[h.LOCK_FLAGS] = (1 << PS if has_ps else 0) | (1 << CO2 if has_co2 else 0)
        b[h.PS_CHANNEL] = uctypes.addressof(self._ps) if has_ps else 0
        b[h.CO2_CHANNEL] = uctypes.addressof(self._co2) if has_co2 else 0
        b[h.SPI_LOCK] = 0
        b[h.SCAN_PENDING] = 0
        b[h.SCAN_AT] = 0
        b[h.SCAN_BY_SUPERVISOR] = 1 if burst.stepped else 0
        b[h.SCAN_SELECT] = 1 << board.DAC_CS
        if burst.codes is not None:
            self._scan = burst.codes
        b[h.SCAN_TABLE] = uctypes.addressof(self._scan) if burst.codes is not None or burst.stepped else 0
        self._load_channel(self._ps, 0, burst.ps_limits, PS_SAMPLES, PS_BASE_SAMPLES, self.ps_results)
        gap = burst.ps_settle_cycles // SAMPLE_CYCLES + 2
        self._ps[h.GAP_BYTES] = 4 * gap
        self._ps[h.NEXT_PERMIT] = first if pair and burst.verified else 0
        self._ps[h.SYNC_SLACK] = self._sync_slack(burst)
        self._ps[h.SYNC_PERMIT] = first if pair and not burst.verified and burst.sync_close_cycles else 0
        samples = (burst.co2_window_cycles // SAMPLE_CYCLES // CO2_BASE_SAMPLES + 1) * CO2_BASE_SAMPLES
        self._load_channel(self._co2, 1, burst.co2_limits, samples, CO2_BASE_SAMPLES, self.co2_results)
        self._co2[h.GAP_BYTES] = 8
        self._co2[h.NEXT_PERMIT] = 0
        self._co2[h.SYNC_SLACK] = 0

    def _sync_slack(self, burst: contract.Burst) -> int:
        """Return the counts between the opening and the closing of the sync's window, at least 1; 0 without a sync."""
        if not burst.sync_close_cycles:
            return 0
        return max(1, (burst.sync_close_cycles - burst.sync_open_cycles) // programs.SYNC_LOOP_CYCLES)

    def _load_channel(self, c: array, lane: int, limits: tuple, samples: int, base: int, results: array) -> None:
        c[h.JUDGED] = 0
        c[h.SYNCS] = 0
        c[h.DARK_SUM] = base * DARK_COUNTS
        c[h.DARK_AT] = DARK_COUNTS
        c[h.LOW] = limits[0] & 0xFFFFFFFF
        c[h.HIGH] = limits[1] & 0xFFFFFFFF
        c[h.SAMPLES] = samples
        c[h.BASE_SAMPLES] = base
        c[h.FACTOR] = samples // base
        c[h.LANE] = 2 * lane
        c[h.SATURATED_AT] = SATURATED_COUNTS
        c[h.RESULTS] = uctypes.addressof(results)
        c[h.RELEASE] = PERMIT_LEAD_CYCLES - RELEASE_BEFORE_TRIGGER_US * 125
        c[h.WINDOW_TXF] = reg.PIO1 + reg.PIO_TXF + 4 * lane
        c[h.NEXT_TXF] = reg.PIO0 + reg.PIO_TXF + 4 * CO2
        c[h.FAIL_CODE] = h.STOP_PS_ENERGY + lane
        c[h.MOVES_SCANNER] = lane

    def unload(self) -> None:
        """Give up the memory of the loaded pass; `load` another before `start`. Not while RUNNING.

        A start all the same would end at its first slot: no shot is left to permit.
        """
        b = self._block
        b[h.STATE] = h.IDLE
        b[h.COUNT] = b[h.INDEX] = 0
        b[h.PS_CHANNEL] = b[h.CO2_CHANNEL] = b[h.SCAN_TABLE] = 0
        self._burst = contract.Burst()
        self._scan = array("H", (0, 0))
        self.ps_results = array("i", _UNMEASURED)
        self.co2_results = array("i", _UNMEASURED)
        self._ps[h.RESULTS] = uctypes.addressof(self.ps_results)
        self._co2[h.RESULTS] = uctypes.addressof(self.co2_results)

    def start(self) -> None:
        """Start the loaded pass: its first slot is one period away. Raises RegisterDiffers; nothing fires then.

        When the guard has tripped meanwhile, nothing starts, and `reason` says so.
        """
        self.check()
        burst = self._burst
        if self.guard_tripped():
            self._block[h.STATE] = h.STOP_GUARD
            return
        delay = burst.pair_delay_cycles - programs.PAIR_OVERHEAD_CYCLES if burst.kind == "pair" else 0
        ps_settle = burst.ps_settle_cycles + 2 * SAMPLE_CYCLES + SAMPLE_CYCLES
        self._prime(reg.PIO0, PS, 0, SHOT_OFFSET + programs.SHOT_START_OFFSET)
        self._prime(reg.PIO0, CO2, delay, SHOT_OFFSET + programs.SHOT_START_OFFSET)
        self._prime(reg.PIO1, 0, ps_settle, 0)
        self._prime(reg.PIO1, 1, burst.co2_window_cycles, 0)
        if burst.sync_close_cycles:
            self._prime_sync(burst, ps_settle)
        self._prime(reg.PIO0, PACER, PERMIT_LEAD_CYCLES, PACER_OFFSET)
        mem32[reg.PIO0 + reg.PIO_IRQ] = 0xEF
        mem32[reg.PIO1 + reg.PIO_IRQ] = 0xFF
        self.sample()
        self._hook()
        mem32[reg.IO_INTR1] = rp2_chain.PEDAL_EDGES
        self._block[h.STATE] = h.RUNNING
        mem32[reg.PIO0 + reg.PIO_TXF + 4 * PACER] = (
            burst.period_cycles - PERMIT_LEAD_CYCLES - programs.PACER_OVERHEAD_CYCLES
        )
        pio.start(reg.PIO1, 7 if burst.sync_close_cycles else 3)
        pio.start(reg.PIO0, (1 << PACER) | (1 << PS) | (1 << CO2))

    def _prime(self, base: int, machine: int, isr: int, entry: int) -> None:
        """Stop a machine, load its count and put it at its entry, with empty FIFOs."""
        pio.stop(base, 1 << machine)
        mem32[base + reg.PIO_CTRL + reg.SET] = 0x110 << machine
        pio.load_isr(base, machine, isr)
        pio.execute(base, machine, entry)

    def _prime_sync(self, burst: contract.Burst, ps_settle: int) -> None:
        """Load the sync watch: counts until the window closes, and counts of quiet, which end after the verdict."""
        loop = programs.SYNC_LOOP_CYCLES
        trigger = burst.ps_second_cycles if burst.lamp_qswitch else burst.ps_first_cycles
        self._prime(reg.PIO1, SYNC, 0, programs.SYNC_WATCH_OFFSET)
        pio.load_osr(reg.PIO1, SYNC, (trigger + ps_settle) // loop)
        pio.execute(reg.PIO1, SYNC, 0xA047)  # mov y, osr
        pio.load_osr(reg.PIO1, SYNC, (burst.sync_close_cycles - programs.SYNC_OVERHEAD_CYCLES) // loop)

    def sample(self) -> None:
        """Let the ADC convert both channels in turn, 500 kS/s, into the ring, ps first at its beginning."""
        c = reg.DMA + reg.DMA_STRIDE * DMA_CHANNEL
        mem32[reg.DMA_ABORT] = 1 << DMA_CHANNEL
        mem32[reg.ADC] = 1
        while not mem32[reg.ADC] & 0x100:
            pass
        mem32[reg.ADC + reg.ADC_FCS] = 0xC00  # clears sticky errors
        while mem32[reg.ADC + reg.ADC_FCS] & 0x000F0000:
            mem32[reg.ADC + reg.ADC_FIFO]
        mem32[reg.ADC + reg.ADC_DIV] = 0
        mem32[reg.ADC + reg.ADC_FCS] = 1 << 24 | 1 << 3 | 1
        mem32[c] = reg.ADC + reg.ADC_FIFO
        mem32[c + 4] = self._ring
        mem32[c + 8] = 0xFFFFFFFF
        ctrl = 1 | 1 << 1 | 1 << 2 | 1 << 5 | 11 << 6 | 1 << 10 | DMA_CHANNEL << 11 | 36 << 15 | 1 << 21
        mem32[c + 12] = ctrl
        mem32[reg.ADC] = 3 << 16 | 1 << 3 | 1

    def sampled(self) -> int:
        """Return the number of conversions that reached the ring since `sample`."""
        return 0xFFFFFFFF - (mem32[reg.DMA + reg.DMA_STRIDE * DMA_CHANNEL + 8] & 0xFFFFFFFF)

    @property
    def ring_address(self) -> int:
        """Address of the RING_BYTES of 16-bit samples."""
        return self._ring

    def stop_sampling(self) -> None:
        """Stop converter and DMA."""
        mem32[reg.ADC] = 1
        mem32[reg.DMA_ABORT] = 1 << DMA_CHANNEL

    def _hook(self) -> None:
        """Put the handlers into the RAM vector table, at the highest priority."""
        table = mem32[reg.VTOR]
        mask = reg.IRQS
        mem32[reg.NVIC_DISABLE] = mask
        mem32[table + 4 * (16 + reg.IRQ_PIO0_1)] = h.code_address(h.slot_ahead)
        mem32[table + 4 * (16 + reg.IRQ_PIO1_0)] = h.code_address(h.sync_judged)
        mem32[table + 4 * (16 + reg.IRQ_PIO1_1)] = h.code_address(h.window_end)
        priorities = mem32[reg.NVIC_PRIORITY + 8]
        mem32[reg.NVIC_PRIORITY + 8] = priorities & ~0x00FFFFFF
        mem32[reg.PIO0 + reg.PIO_IRQ1_INTE] = 1 << 8
        mem32[reg.PIO1 + reg.PIO_IRQ0_INTE] = 1 << (8 + programs.FLAG_SYNC)
        mem32[reg.PIO1 + reg.PIO_IRQ1_INTE] = 3 << 8
        mem32[reg.NVIC_UNPEND] = mask
        mem32[reg.NVIC_ENABLE] = mask

    @property
    def block_address(self) -> int:
        """Address of the handlers' block, for the native functions of `tandem.io`."""
        return self._p

    def dead(self) -> None:
        """Say that there is no supervisor: no permit from now on."""
        self._block[h.ALIVE_UNTIL_US] = (mem32[reg.TIMERAWL] - 1) & 0xFFFFFFFF

    def stop(self) -> None:
        """Stop pacer and both shot machines' permits. A gate that is open ends on its cycle; a Q-switch never comes.

        Blocks until a shot that has begun is measured, 2.5 ms at most: what came out has to be on record.
        """
        if self._block[h.STATE] == h.RUNNING:
            self._block[h.STATE] = h.IDLE  # from now on a handler judges, and permits nothing
        pio.stop(reg.PIO0, 1 << PACER)
        pio.clear_fifos(reg.PIO0, PS)
        pio.clear_fifos(reg.PIO0, CO2)
        self.withheld = self._withhold()
        began_us = time.ticks_us()
        while self._measuring() and time.ticks_diff(time.ticks_us(), began_us) < MEASURE_US:
            pass
        mem32[reg.NVIC_DISABLE] = reg.IRQS
        self.stop_sampling()

    def _withhold(self) -> bool:
        """Between lamp and Q-switch: end the lamp's trigger and lock the machine. Returns whether it was so."""
        if not self._burst.lamp_qswitch or self._burst.kind == "co2":
            return False
        word = pio.program_counter(reg.PIO0, PS) - SHOT_OFFSET
        if not programs.SHOT_FIRE_OFFSET <= word <= programs.SHOT_LAMP:
            return False
        pio.execute(reg.PIO0, PS, SHOT_OFFSET + programs.SHOT_LOCKED_OFFSET)  # a jump
        pio.execute(reg.PIO0, PS, 0xE000)  # set pins, 0
        return True

    def _measuring(self) -> bool:
        """Tell whether a trigger has risen whose energy was not judged yet."""
        first, last = programs.WINDOW_MEASURES
        return first <= pio.program_counter(reg.PIO1, 0) <= last or first <= pio.program_counter(reg.PIO1, 1) <= last

    def guard_tripped(self) -> bool:
        """Return True when the guard has latched since `arm`."""
        return rp2_chain.firing_flags() & (1 << programs.FLAG_GUARD) != 0

    def place(self, index: int) -> None:
        """Move the scanner to the position of shot `index` (from 0); a stepped one goes home at the next exchange."""
        if self._burst.stepped:
            self._block[h.SCAN_PENDING] = 1
        else:
            rp2_chain.place_scanner(self._p, index)

    def step_due(self) -> int:
        """Return the outputs that move a stepped scanner on, for one exchange; 0 when it has to stand. Call it once."""
        b = self._block
        if not b[h.SCAN_BY_SUPERVISOR] or not b[h.SCAN_PENDING]:
            return 0
        b[h.SCAN_PENDING] = 0
        index = b[h.INDEX]
        b[h.SCAN_AT] = index
        if index == 0:
            return board.OUT_SCAN_HOME
        return 0 if index % self._burst.pulses_per_spot else board.OUT_SCAN_STEP

    def scan_pending(self) -> bool:
        """Tell whether the handler left a move of the scanner to Python, because the SPI was in use."""
        return self._block[h.SCAN_PENDING] != 0 and not self._block[h.SCAN_BY_SUPERVISOR]

    @property
    def next_position(self) -> int:
        """Index of the shot that is due next, and of its scanner position."""
        return self._block[h.INDEX]

    @property
    def state(self) -> int:
        """RUNNING, DONE when every shot was judged, 0 when idle, or a stop's code, see `reason`."""
        state = self._block[h.STATE]
        if state == h.RUNNING and self._all_judged():
            return contract.DONE
        return state

    def _all_judged(self) -> bool:
        b = self._block
        count = b[h.COUNT]
        return (not b[h.PS_CHANNEL] or self._ps[h.JUDGED] == count) and (
            not b[h.CO2_CHANNEL] or self._co2[h.JUDGED] == count
        )

    @property
    def reason(self) -> str:
        """Why the handlers stopped, one of the contract's words, or ''.

        A shot that the guard cut short is judged low: the guard is named then, not the energy.
        """
        reason = _REASONS.get(self._block[h.STATE], "")
        return contract.GUARD if reason and self.guard_tripped() else reason

    @property
    def permitted(self) -> int:
        """Slots that were given a permit."""
        return self._block[h.INDEX]

    def judged(self, laser: str) -> int:
        """Return the number of shots of 'ps' or 'co2' that passed."""
        return (self._ps if laser == "ps" else self._co2)[h.JUDGED]

    @property
    def stop_inputs(self) -> int:
        """GPIO levels at the moment of the stop."""
        return self._block[h.STOP_INPUTS]

    def make_safe(self) -> None:
        """Declare the supervisor dead, withdraw permits, silence handlers and DMA. Gates end on their cycle."""
        self.dead()
        silence()
        self.stop_sampling()
