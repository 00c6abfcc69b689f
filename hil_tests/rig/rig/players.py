"""Answers the controller's triggers as two lasers would: light on the energy inputs, and the sync pulse.

One program for both machines (PIO1, 2 for ps and 3 for CO2; 21 words behind the 9 of the stamps). One word a shot comes
by DMA from a table that is made before the start; without a word a laser does not answer.

    trigger rises ... delay_cycles ... light rises, 3 cycles later the sync (125 cycles long; double: again 625 later)
    ps:  the light falls when PS_INT_RESET is high, 7 cycles after its edge
    CO2: the light falls with the shot's delay after the gate, so it is as long as the gate; the gate has to be longer
         than the delay, and with a sync longer than the delay and the sync

All of it is counted from the edge at the rig's pin; where the trigger is asynchronous to the rig's clock, up to 1 cycle
comes on top. Light means that the analogue switch lets the converter's voltage through to the controller. As soon as it
is dark again, a hard interrupt writes the next shot's code to the converter (MCP4922, output A ps, B CO2), also while
garbage is collected: within 20 us on the bench, which has no cache misses. A trigger that comes sooner is counted in
`late`: that shot may have the energy of the one before.

A laser is ready for its next trigger when the light is off, both syncs are over and the trigger is low again.
"""

from array import array

import micropython
import rp2
from machine import Pin, mem32
from micropython import const
from uctypes import addressof

from rig import pins, shots
from rig.chip import abort_dma, release

MAX_SHOTS = 2_500
SYNC_AFTER_LIGHT_CYCLES = 3
SYNC_CYCLES = 125
DOUBLE_AFTER_CYCLES = 625
PS_DARK_AFTER_RESET_CYCLES = 7
SHORTEST_DELAY_CYCLES = 7
LONGEST_DELAY_CYCLES = {"ps": 65_541, "co2": 8_198}
PROGRAM_WORDS = 21

_LIGHT_OVERHEAD = const(6)  # from the trigger's edge to the light's at a count of 0, as in the bench's model of the PIO
_DARK_OVERHEAD = const(7)

_PIO1 = const(0x50300000)
_SET = const(0x2000)
_CLR = const(0x3000)
_CTRL = const(0x00)
_FLEVEL = const(0x0C)
_TXF = const(0x10)
_IRQ = const(0x30)
_IRQ_FORCE = const(0x34)
_INSTR_MEM = const(0x48)
_SM_CLKDIV = const(0xC8)
_SM_EXECCTRL = const(0xCC)
_SM_SHIFTCTRL = const(0xD0)
_SM_ADDR = const(0xD4)
_SM_INSTR = const(0xD8)
_SM_PINCTRL = const(0xDC)
_SM_STRIDE = const(24)
_FJOIN_TX = const(1 << 30)
_OFFSET = const(9)
_WAITING = const(_OFFSET + 3)  # for the trigger
_ANSWERING = const(_OFFSET + 4)  # from here
_LAST_LIT = const(_OFFSET + 18)  # to here
_ENTRY = const(_OFFSET + 20)  # waits until the trigger is low

_PULL = const(0x80A0)
_MOV_ISR_OSR = const(0xA0C7)
_MOV_PINS_NULL = const(0xA003)
_SET_LOW = const(0xE000)
_SET_OUTPUT = const(0xE081)
_WAIT_GPIO_HIGH = const(0x2080)
_WAIT_GPIO_LOW = const(0x2000)

_DMA = const(0x50000000)
_DMA_STRIDE = const(0x40)
_DMA_CTRL = const((1 << 21) | (1 << 4) | (2 << 2) | (1 << 1) | 1)  # quiet, read address rises, words, priority, enabled
_DREQ_PIO1_TX0 = const(8)

_RESET_SPI1 = const(1 << 17)
_RESET_PIO1 = const(1 << 11)
_IO_BANK0_CTRL = const(0x40014004)
_FUNCTION_SPI = const(1)
_FUNCTION_PIO1 = const(7)
_SPI1 = const(0x40040000)
_SPI_CR0 = const(0x00)
_SPI_CR1 = const(0x04)
_SPI_CPSR = const(0x10)
_SIO = const(0xD0000000)

# Words of the block that the interrupt reads; two lasers, _STRIDE words each, then what they share.
_CODES = const(0)  # address of the codes, 16 bits each
_DONE = const(1)
_COUNT = const(2)
_LATE = const(3)
_ADDR = const(4)  # address of the machine's SM_ADDR
_FLAG = const(5)
_LIGHT = const(6)  # bit of the light's pin
_STRIDE = const(8)
_BOTH = const(16)
_SIO_AT = const(16)
_SPI_AT = const(17)
_PIO_AT = const(18)
_WORDS = const(19)

_DAC_ACTIVE = const(0x3000)  # gain 1, on
_DAC_B = const(0x8000)


# Assembler in the form of Python: names come from the decorator.
# ruff: noqa: ANN001, ANN202, F821
# pyright: reportUndefinedVariable=false, reportCallIssue=false, reportIndexIssue=false, reportArgumentType=false
# pyright: reportAttributeAccessIssue=false
@rp2.asm_pio(
    out_init=rp2.PIO.OUT_LOW, set_init=rp2.PIO.OUT_LOW, out_shiftdir=rp2.PIO.SHIFT_RIGHT, fifo_join=rp2.PIO.JOIN_TX
)
def player() -> None:
    """ISR: the instruction that waits for the end. A word: delay 16 bits, syncs 2, light 1, delay at the end 13."""
    wrap_target()
    pull(block)
    out(x, 16)
    out(y, 2)
    wait(1, pin, 0)
    label("delay")
    jmp(x_dec, "delay")
    out(pins, 1)
    jmp(not_y, "end")
    jmp(y_dec, "sync")
    label("again")
    set(x, 14)[17]
    label("gap")
    jmp(x_dec, "gap")[31]
    label("sync")
    set(pins, 1)
    set(x, 29)[3]
    label("pulse")
    jmp(x_dec, "pulse")[3]
    set(pins, 0)
    jmp(y_dec, "again")
    label("end")
    mov(exec, isr)
    out(x, 13)
    label("tail")
    jmp(x_dec, "tail")
    mov(pins, null)
    irq(rel(0))
    wait(0, pin, 0)
    wrap()


class Players:
    """Both lasers and what they share: the converter, the interrupt, and memory for 2,500 shots each, taken once."""

    def __init__(self) -> None:
        release(_RESET_PIO1 | _RESET_SPI1)
        mem32[_PIO1 + _CTRL + _CLR] = 0b1100  # they may run since before a soft reset
        for i, word in enumerate(player[0]):
            mem32[_PIO1 + _INSTR_MEM + 4 * (_OFFSET + i)] = word + _OFFSET if word >> 13 == 0 else word
        _open_converter()
        self._block = array("I", bytearray(4 * _WORDS))
        self._block[_SIO_AT] = _SIO
        self._block[_SPI_AT] = _SPI1
        self._block[_PIO_AT] = _PIO1
        both = rp2.PIO.IRQ_SM2 | rp2.PIO.IRQ_SM3
        self._irq = rp2.PIO(1).irq(handler=self._dark, trigger=both, hard=True)
        self.ps = Laser("ps", self._block)
        self.co2 = Laser("co2", self._block)

    @micropython.viper
    def _dark(self, _pio):
        """Hard interrupt, a light has gone out: write the next code. Allocates nothing and names no globals."""
        flags = int(self._irq.flags())
        block = ptr32(self._block)
        sio = ptr32(block[_SIO_AT])
        spi = ptr32(block[_SPI_AT])
        pio = ptr32(block[_PIO_AT])
        at = 0
        while at < _BOTH:
            if flags & block[at + _FLAG]:
                done = block[at + _DONE] + 1
                block[at + _DONE] = done
                late = sio[1] & block[at + _LIGHT]
                if done < block[at + _COUNT]:
                    if late == 0:
                        codes = ptr16(block[at + _CODES])
                        sio[6] = 1 << 17  # select low
                        spi[2] = codes[done]
                        turns = 0
                        while spi[3] & 0x10 and turns < 100:
                            turns += 1
                        sio[5] = 1 << 17  # select high: the converter takes the code
                    counter = ptr32(block[at + _ADDR])[0]
                    ended = flags & (pio[_IRQ // 4] << 8) & block[at + _FLAG]
                    if late or ended or (counter >= _ANSWERING and counter <= _LAST_LIT):
                        block[at + _LATE] += 1
            at += _STRIDE


def _open_converter() -> None:
    Pin(pins.DAC_CS, Pin.OUT, value=1)
    for pin in (pins.DAC_SCK, pins.DAC_TX):
        mem32[_IO_BANK0_CTRL + 8 * pin] = _FUNCTION_SPI
    mem32[_SPI1 + _SPI_CR1] = 0
    mem32[_SPI1 + _SPI_CPSR] = 8  # 15.6 MHz of 125 MHz; the converter takes 20
    mem32[_SPI1 + _SPI_CR0] = 15  # 16 bits, mode 0
    mem32[_SPI1 + _SPI_CR1] = 2


class Laser:
    """One laser, "ps" or "co2". `Players` makes both. Settings and overrides take effect at the next `load`."""

    def __init__(self, kind: str, block: array) -> None:
        self.kind = kind
        self._is_ps = kind == "ps"
        self._machine = 2 if self._is_ps else 3
        self._registers = _PIO1 + _SM_STRIDE * self._machine
        self._light = pins.PS_LIGHT if self._is_ps else pins.CO2_LIGHT
        self._sync = pins.PS_SYNC if self._is_ps else pins.CO2_SYNC
        self._triggers = ("PS_FIRE", "PS_QSW") if self._is_ps else ("CO2_GATE",)
        self._table = array("I", bytearray(4 * MAX_SHOTS))
        self._codes = array("H", bytearray(2 * MAX_SHOTS))
        self._dma = rp2.DMA()
        self._channel = _DMA + _DMA_STRIDE * self._dma.channel
        self._block = block
        self._at = 0 if self._is_ps else _STRIDE
        block[self._at + _CODES] = addressof(self._codes)
        block[self._at + _ADDR] = self._registers + _SM_ADDR
        block[self._at + _FLAG] = 0x100 << self._machine
        block[self._at + _LIGHT] = 1 << self._light
        self.loaded = 0
        self.forget()
        self._claim_pins()

    def forget(self) -> None:
        """Go back to the settings of the start, without overrides."""
        self.profile = shots.Profile()
        self.profile.configure("sync", 1 if self._is_ps else 0)
        self.overrides = shots.Overrides()
        self.trigger = self._triggers[0]

    def configure(self, key: str, value: "int | str") -> None:
        """Set one value of shots.LIMITS, or the `trigger` by its pin's name. ValueError says what is allowed."""
        if key != "trigger":
            self.profile.configure(key, value)
        elif value in self._triggers:
            self.trigger = value
        else:
            raise ValueError("trigger={}; allowed: {}".format(value, " ".join(self._triggers)))

    def override(self, n: int, what: str, value: int = 0) -> None:
        """Make shot `n` (from 0) of the next load `missing`, `no_sync`, `double`, or give it an `energy` (code)."""
        self.overrides.add(n, what, value)

    def load(self, count: int) -> None:
        """Make `count` shots and let the laser answer so many triggers; overrides are used up. About 0.3 ms a shot.

        ValueError for a count or for delays, jitter included, that the rig cannot play; a laser that runs goes on then.
        """
        if not 1 <= count <= MAX_SHOTS:
            raise ValueError("{} shots; allowed: 1 to {}".format(count, MAX_SHOTS))
        shortest, longest = self.profile.delays()
        limit = LONGEST_DELAY_CYCLES[self.kind]
        if shortest < SHORTEST_DELAY_CYCLES or longest > limit:
            text = "delays with jitter {} to {} cycles; allowed: {} to {}"
            raise ValueError(text.format(shortest, longest, SHORTEST_DELAY_CYCLES, limit))
        self.stop()
        self._fill(count)
        self.overrides.clear()
        self._block[self._at + _COUNT] = count
        self._block[self._at + _LATE] = 0
        self.loaded = count
        self._prepare(count)
        self._write_first_code()
        mem32[_PIO1 + _CTRL + _SET] = 1 << self._machine

    def stop(self) -> None:
        """Answer no more, and go dark at once. What was answered stays readable."""
        mem32[_PIO1 + _CTRL + _CLR] = 1 << self._machine
        abort_dma(self._dma.channel)
        mem32[self._registers + _SM_INSTR] = _MOV_PINS_NULL
        mem32[self._registers + _SM_INSTR] = _SET_LOW

    @property
    def answered(self) -> int:
        """How many triggers were answered and are over, shots without light among them."""
        return self._block[self._at + _DONE]

    @property
    def late(self) -> int:
        """How many triggers came before the code of their shot was written: its energy is not what it should be."""
        return self._block[self._at + _LATE] + self._unnoticed()

    def _unnoticed(self) -> int:
        """Return how many shots ended without an interrupt of their own; only where the machine waits for a trigger."""
        waits = mem32[self._registers + _SM_ADDR] == _WAITING
        left = mem32[self._channel + 8] + (mem32[_PIO1 + _FLEVEL] >> (8 * self._machine) & 0xF)
        return max(0, self.loaded - left - 1 - self.answered) if waits else 0

    def _fill(self, count: int) -> None:
        command = _DAC_ACTIVE if self._is_ps else _DAC_ACTIVE | _DAC_B
        table, codes = self._table, self._codes
        for i, (delay, code, light, syncs) in enumerate(shots.shots(self.profile, self.overrides, count)):
            at_the_end = 0 if self._is_ps else delay - _DARK_OVERHEAD
            table[i] = (delay - _LIGHT_OVERHEAD) | (syncs << 16) | (light << 18) | (at_the_end << 19)
            codes[i] = command | code

    def _prepare(self, count: int) -> None:
        """Set the stopped machine up, with its end in ISR, waiting until the trigger is low; start its DMA."""
        r = self._registers
        mem32[r + _SM_CLKDIV] = 1 << 16
        mem32[r + _SM_EXECCTRL] = player[3] + (_OFFSET << 12) + (_OFFSET << 7)
        mem32[r + _SM_SHIFTCTRL] = player[4] ^ _FJOIN_TX
        mem32[r + _SM_SHIFTCTRL] = player[4]  # a change of it empties the FIFO
        mem32[r + _SM_PINCTRL] = self._pin_control(self._sync) | (getattr(pins, self.trigger) << 15)
        mem32[_PIO1 + _CTRL + _SET] = 0x110 << self._machine
        txf = _PIO1 + _TXF + 4 * self._machine
        mem32[txf] = _WAIT_GPIO_HIGH | pins.PS_INT_RESET if self._is_ps else _WAIT_GPIO_LOW | pins.CO2_GATE
        for instruction in (_PULL, _MOV_ISR_OSR, _ENTRY):
            mem32[r + _SM_INSTR] = instruction
        channel = self._dma.channel
        mem32[self._channel] = addressof(self._table)
        mem32[self._channel + 4] = txf
        mem32[self._channel + 8] = count
        dreq = _DREQ_PIO1_TX0 + self._machine
        mem32[self._channel + 12] = _DMA_CTRL | (channel << 11) | (dreq << 15)

    def _write_first_code(self) -> None:
        """Have the interrupt do it, so that only it uses the converter."""
        self._block[self._at + _DONE] = 0xFFFFFFFF
        mem32[_PIO1 + _IRQ_FORCE] = 1 << self._machine
        for _ in range(1000):
            if self._block[self._at + _DONE] == 0:
                return
        raise RuntimeError("the {} laser's interrupt does not come".format(self.kind))

    def _pin_control(self, set_base: int) -> int:
        return (1 << 26) | (1 << 20) | (set_base << 5) | self._light

    def _claim_pins(self) -> None:
        """Drive both outputs low, then give the pins to PIO1."""
        self.stop()
        for pin in (self._light, self._sync):
            mem32[self._registers + _SM_PINCTRL] = self._pin_control(pin)
            mem32[self._registers + _SM_INSTR] = _SET_LOW
            mem32[self._registers + _SM_INSTR] = _SET_OUTPUT
            Pin(pin, Pin.IN)  # the pad as for any pin
            mem32[_IO_BANK0_CTRL + 8 * pin] = _FUNCTION_PIO1
