"""Stamps the edges of up to six watched pins, by PIO and DMA, to a cycle of the rig's clock.

One machine a channel and one 32-bit word an edge. All machines wait for START, an output of the rig that both PIO
blocks read back, so all count from the same cycle: X falls by 1 every 2 cycles, and an edge takes 3 cycles instead.
Edge k of a channel (from 0), whose word is X, was at

    t = 2 * (0xffffffff - X) + 3 * k        cycles after START, within 1 cycle (tandem_tools.rig.edges.cycles_of)

A pin that is high at START gives a first edge with X = 0xffffffff; one that is low does not. X wraps every 68.7 s
without a false edge; two edges further apart than that cannot be told from nearer ones.

Pulses and gaps of 3 cycles and more are all seen. One of 2 cycles is seen, with its end up to 2 cycles late; so is
every other one of a single cycle. Of one that is not seen, neither edge is.

START stays high while it is recorded. Whether the two blocks see its edge in the same cycle on silicon too can be
proved by stamping one pin on both: the channels are taken in order, four on PIO0, then two on PIO1.
"""

import rp2
from machine import Pin, mem32
from micropython import const
from uctypes import addressof

from rig import pins
from rig.chip import abort_dma, release

MAX_CHANNELS = 6
TOTAL_EDGES = 30_000

_PIO0 = const(0x50200000)
_PIO1 = const(0x50300000)
_SET = const(0x2000)
_CLR = const(0x3000)
_CTRL = const(0x00)
_FDEBUG = const(0x08)
_FLEVEL = const(0x0C)
_TXF = const(0x10)
_RXF = const(0x20)
_INSTR_MEM = const(0x48)
_SM_CLKDIV = const(0xC8)
_SM_EXECCTRL = const(0xCC)
_SM_SHIFTCTRL = const(0xD0)
_SM_INSTR = const(0xD8)
_SM_STRIDE = const(24)
_FJOIN_RX = const(1 << 31)

_DMA = const(0x50000000)
_DMA_STRIDE = const(0x40)
_DMA_CTRL = const(
    (1 << 21) | (1 << 5) | (2 << 2) | (1 << 1) | 1
)  # quiet, write address rises, words, priority, enabled
_DREQ_PIO0_RX0 = const(4)
_DREQ_PIO1_RX0 = const(12)

_RESET_PIOS = const((1 << 10) | (1 << 11))

_PULL = const(0x80A0)
_MOV_Y_OSR = const(0xA047)
_MOV_X_ONES = const(0xA02B)

PROGRAM_WORDS = 9
_ENTRY = const(6)


# Assembler in the form of Python: names come from the decorator.
# ruff: noqa: F821
# pyright: reportUndefinedVariable=false, reportCallIssue=false, reportIndexIssue=false, reportArgumentType=false
# pyright: reportAttributeAccessIssue=false
@rp2.asm_pio(in_shiftdir=rp2.PIO.SHIFT_LEFT, autopush=True, push_thresh=32, fifo_join=rp2.PIO.JOIN_RX)
def stamp() -> None:
    """X: ones. Y: rises that are kept, less 1; then the machine halts, so that a full buffer never looks like a stall.

    9 words. Where X wraps, each `jmp(x_dec, ...)` falls through to the word that it would have jumped to.
    """
    label("rise")
    in_(x, 32)
    jmp(y_dec, "high")
    label("halt")
    jmp("halt")
    label("stay")
    jmp(x_dec, "high")
    label("high")
    jmp(pin, "stay")
    in_(x, 32)
    wait(1, gpio, 25)
    wrap_target()
    label("low")
    jmp(pin, "rise")
    jmp(x_dec, "low")
    wrap()


class Channel:
    """One stamped pin: its machine, its DMA channel, its part of the words."""

    def __init__(self, number: int, dma: int) -> None:
        self.base = _PIO0 if number < 4 else _PIO1
        self.machine = number & 3
        self._registers = self.base + _SM_STRIDE * self.machine
        self._dma = _DMA + _DMA_STRIDE * dma
        self.register = self._dma + 8
        self._dma_number = dma
        self._dreq = (_DREQ_PIO0_RX0 if number < 4 else _DREQ_PIO1_RX0) + self.machine
        self.name = ""
        self.first = 0
        self.edges = 0

    def prepare(self, name: str, first: int, edges: int, address: int) -> None:
        """Set the stopped machine up to wait for START, with its words from `first` on at `address`."""
        self.name, self.first, self.edges = name, first, edges
        r = self._registers
        mem32[r + _SM_CLKDIV] = 1 << 16
        mem32[r + _SM_EXECCTRL] = stamp[3] | (getattr(pins, name) << 24)
        mem32[r + _SM_SHIFTCTRL] = stamp[4] & ~_FJOIN_RX  # a FIFO joined for reading takes no word for Y
        mem32[self.base + _CTRL + _SET] = 0x110 << self.machine
        mem32[self.base + _TXF + 4 * self.machine] = (edges + 3) // 2 - 1
        for instruction in (_PULL, _MOV_Y_OSR, _MOV_X_ONES, _ENTRY):
            mem32[r + _SM_INSTR] = instruction
        mem32[r + _SM_SHIFTCTRL] = stamp[4]  # joining it empties it
        mem32[self.base + _FDEBUG] = 0x01010101 << self.machine
        mem32[self._dma] = self.base + _RXF + 4 * self.machine
        mem32[self._dma + 4] = address
        mem32[self._dma + 8] = edges
        mem32[self._dma + 12] = _DMA_CTRL | (self._dma_number << 11) | (self._dreq << 15)

    def halt(self) -> None:
        """Stop the machine, let the DMA take what it has seen, and stop the DMA."""
        mem32[self.base + _CTRL + _CLR] = 1 << self.machine
        for _ in range(100):
            if self.waiting() == 0 or self.count() == self.edges:
                break
        abort_dma(self._dma_number)

    def count(self) -> int:
        """Return how many edges are in memory."""
        return self.edges - mem32[self._dma + 8]

    def waiting(self) -> int:
        """Return how many words are in the FIFO."""
        return (mem32[self.base + _FLEVEL] >> (8 * self.machine + 4)) & 0xF

    def stalled(self) -> bool:
        """Return whether the machine found its FIFO full."""
        return (mem32[self.base + _FDEBUG] >> self.machine) & 1 == 1


class Stamps:
    """The recorder. Its words are one block of memory, taken once: make it before the heap is used much."""

    def __init__(self) -> None:
        release(_RESET_PIOS)
        self._words = bytearray(4 * TOTAL_EDGES)
        self._address = addressof(self._words)
        self._dma = [rp2.DMA() for _ in range(MAX_CHANNELS)]
        self._channels = [Channel(i, dma.channel) for i, dma in enumerate(self._dma)]
        self._used = []
        self._state = {}  # of stopped channels: name -> (count, full, stalled)
        self.running = False
        self._start = Pin(pins.START, Pin.OUT, value=0)
        for name in pins.WATCHED:
            Pin(getattr(pins, name), Pin.IN, Pin.PULL_DOWN)
        for base, machines in ((_PIO0, 0b1111), (_PIO1, 0b0011)):
            mem32[base + _CTRL + _CLR] = machines  # some may run since before a soft reset
            for i, word in enumerate(stamp[0]):
                mem32[base + _INSTR_MEM + 4 * i] = word

    def start(self, wanted: list) -> None:
        """Begin to stamp: list of (name, edges to keep). Forgets what was recorded before; takes about 2 ms.

        ValueError for a name that is not watched or given twice, more than 6, no edges, more than 30,000 in all.
        """
        names = [name for name, _ in wanted]
        for name in names:
            if name not in pins.WATCHED or names.count(name) > 1:
                raise ValueError("{}; allowed, each once: {}".format(name, " ".join(pins.WATCHED)))
        if not 1 <= len(wanted) <= MAX_CHANNELS:
            raise ValueError("{} channels; allowed: 1 to {}".format(len(wanted), MAX_CHANNELS))
        total = sum(edges for _, edges in wanted)
        if min(edges for _, edges in wanted) < 1 or total > TOTAL_EDGES:
            raise ValueError("{} edges; allowed: 1 and more each, {} in all".format(total, TOTAL_EDGES))
        self.stop()
        self._used = self._channels[: len(wanted)]
        self._state = {}
        first = 0
        for channel, (name, edges) in zip(self._used, wanted):  # noqa: B905 - MicroPython's zip has no strict
            channel.prepare(name, first, edges, self._address + 4 * first)
            first += edges
        for channel in self._used:
            mem32[channel.base + _CTRL + _SET] = 1 << channel.machine
        self._start(1)
        self.running = True

    def stop(self) -> None:
        """End the recording; its words stay readable until the next start. Does nothing when none runs."""
        if not self.running:
            return
        for channel in self._used:
            channel.halt()
        self._state = {c.name: self._of(c) for c in self._used}
        self.running = False
        self._start(0)

    def names(self) -> list:
        """Return the names of the channels in the order of start."""
        return [channel.name for channel in self._used]

    def count(self, name: str) -> int:
        """Return how many edges of a channel are kept so far. KeyError for one that is not stamped."""
        return self._now(name)[0]

    def full(self, name: str) -> bool:
        """Return whether edges came that were not kept, because the channel had no more room; those kept are good."""
        return self._now(name)[1]

    def stalled(self, name: str) -> bool:
        """Return whether edges came faster than they could be kept: the channel's stamps are then worth nothing."""
        return self._now(name)[2]

    def word(self, name: str, i: int) -> int:
        """Return word `i` of a channel, from 0. IndexError beyond its count."""
        if not 0 <= i < self.count(name):
            raise IndexError("{} word {}; there are {}".format(name, i, self.count(name)))
        return mem32[self._address + 4 * (self._find(name).first + i)] & 0xFFFFFFFF

    def buffer(self, name: str) -> memoryview:
        """Return a view of a channel's words so far, 4 bytes each, least significant first."""
        first = 4 * self._find(name).first
        return memoryview(self._words)[first : first + 4 * self.count(name)]

    def left(self, name: str) -> tuple:
        """Return the address of the register in which the DMA counts down a channel's free words, and its first value.

        For loops that look at it all the time and must not allocate.
        """
        channel = self._find(name)
        return channel.register, channel.edges

    def _find(self, name: str) -> Channel:
        for channel in self._used:
            if channel.name == name:
                return channel
        raise KeyError(name)

    def _now(self, name: str) -> tuple:
        return self._state[name] if name in self._state else self._of(self._find(name))

    def _of(self, channel: Channel) -> tuple:
        count = channel.count()
        return count, count == channel.edges and channel.waiting() > 0, channel.stalled()
