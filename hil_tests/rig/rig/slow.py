"""The rig's slow signals: 24 outputs and 16 inputs on shift registers, on one SPI; and what the chip latched of edges.

Native code, because it runs in every turn and between the steps of a script; of an exchange 12 us are the transfer.
Nothing is allocated.
"""

# pyright: reportCallIssue=false
import micropython
from machine import SPI, Pin, mem32

from rig import pins

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any as ptr32  # a word of the native compiler


SPI_HZ = 2_000_000
"""A quarter of what the registers take at 3.3 V: their wires are long."""

_PINS = (0, 20, 21)
"""SPI, OUT_LATCH and IN_LOAD, as the functions below have them."""
_SIO_IN = 0xD0000004
_LATCHED = 0x400140F0
RISES = 0x88888888
FALLS = 0x44444444


def open_bus(outputs: int) -> SPI:
    """Set up the bus and show these outputs at once. Returns the bus, which must be kept.

    At power-up the registers' outputs are off (their clear line comes up late), and stay so up to this: RUN released,
    supply on. After a reset of the rig alone they stay as they were.
    """
    if (pins.SHIFT_SPI_ID, pins.OUT_LATCH, pins.IN_LOAD) != _PINS:
        raise ValueError("pins.py moved pins that the native functions of slow.py name: change both")
    Pin(pins.IN_LOAD, Pin.OUT, value=1)
    Pin(pins.OUT_LATCH, Pin.OUT, value=0)
    bus = SPI(
        pins.SHIFT_SPI_ID,
        baudrate=SPI_HZ,
        polarity=0,
        phase=0,
        sck=Pin(pins.SHIFT_SCK),
        mosi=Pin(pins.OUT_DATA),
        miso=Pin(pins.IN_DATA),
    )
    exchange(outputs)
    return bus


@micropython.viper
def exchange(out: int) -> int:
    """Shift the 24 outputs out and show them; return the 16 inputs as they were at the start. 20 us."""
    sio = ptr32(0xD0000000)
    spi = ptr32(0x4003C000)
    sio[6] = 1 << 21
    sio[5] = 1 << 21
    spi[2] = (out >> 16) & 0xFF
    spi[2] = (out >> 8) & 0xFF
    spi[2] = out & 0xFF
    rounds = 1000
    while (spi[3] & 0x10) and rounds:
        rounds -= 1
    value = (spi[2] & 0xFF) << 8
    value |= spi[2] & 0xFF
    rounds = spi[2]
    sio[5] = 1 << 20
    sio[6] = 1 << 20
    return value


@micropython.viper
def play(table: ptr32, outputs: int, began: int) -> int:
    """Carry out a script's steps, timed from `began`; return the outputs as they are then. Does not allocate.

    `table`, in words: 0 number of steps, 1 the latest that one came in us, 2 how many came later than word 3; from 8 on
    time in us, mask and levels of each step. Times are the low 30 bits of the chip's microsecond counter.
    """
    timer = ptr32(0x40054028)
    sio = ptr32(0xD0000000)
    spi = ptr32(0x4003C000)
    at = 8
    ends = 8 + 3 * table[0]
    while at < ends:
        outputs = (outputs & ~table[at + 1]) | table[at + 2]
        spi[2] = (outputs >> 16) & 0xFF
        spi[2] = (outputs >> 8) & 0xFF
        spi[2] = outputs & 0xFF
        due = began + table[at]
        rounds = 1000
        while (spi[3] & 0x10) and rounds:
            rounds -= 1
        rounds = spi[2]
        rounds = spi[2]
        rounds = spi[2]
        while (timer[0] - due) & 0x20000000:
            pass
        sio[5] = 1 << 20
        late = (timer[0] - due) & 0x1FFFFFFF
        sio[6] = 1 << 20
        if late > table[1]:
            table[1] = late
        if late > table[3]:
            table[2] += 1
        at += 3
    return outputs


@micropython.viper
def play_on_edge(table: ptr32, outputs: int, us: int) -> int:
    """Look for a script's edge for some microseconds and, when it has come, play it; return the outputs then, else -1.

    Further words of `table`: 4 the delay after the edge, 5 the address of a register that counts down with each edge, 6
    what it has to be, or less.
    """
    timer = ptr32(0x40054028)
    register = ptr32(table[5])
    most = table[6]
    ends = timer[0] + us
    while register[0] > most:
        if (timer[0] - ends) >= 0:
            return -1
    return int(play(table, outputs, (timer[0] + table[4]) & 0x3FFFFFFF))


@micropython.viper
def port_idle() -> bool:
    """Tell whether the host has fetched all that was sent, so that 64 bytes can be sent without waiting.

    Looks at the buffer control of endpoint 2, on which MicroPython sends (RP2040 datasheet 4.1.3.2, bit 10).
    """
    control = ptr32(0x50100090)
    return bool((control[0] & 0x400) == 0)


def alive(inputs: int) -> bool:
    """Tell whether the inputs hold the pattern that they are wired to. Does not allocate."""
    return inputs & pins.IN_PATTERN_MASK == pins.IN_PATTERN


@micropython.viper
def safe() -> int:
    """Return the level of SAFE."""
    sio = ptr32(0xD0000000)
    return (sio[1] >> 6) & 1


def levels() -> int:
    """Return the levels of the watched pins, one bit each in their order."""
    return mem32[_SIO_IN] & (1 << len(pins.WATCHED)) - 1


def forget_edges() -> None:
    """Clear what the chip latched of edges of the watched pins."""
    mem32[_LATCHED] = RISES | FALLS
    mem32[_LATCHED + 4] = (RISES | FALLS) & 0xFF


def latched(pin: int) -> int:
    """Return what the chip latched of a watched pin since `forget_edges`: 1 it fell, 2 it rose, 3 both."""
    return mem32[_LATCHED + 4 * (pin >> 3)] >> (4 * (pin & 7) + 2) & 3
