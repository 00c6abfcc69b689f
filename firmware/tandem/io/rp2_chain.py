"""Slow signals of the RP2040 board: one transfer of 16 bits shifts all inputs in and all outputs out.

The scanner's converter and the shift registers share one SPI. The handler of the firing path moves the scanner itself,
except while a transfer of the supervisor is under way: then it leaves a note, and `exchange` makes the move after it.
Native code, because this runs in each turn of the supervisor: 12 us, of which 8 are the transfer.
"""

# pyright: reportCallIssue=false
import board
import micropython
from machine import SPI, Pin

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any as ptr16  # words of the native compiler
    from typing import Any as ptr32


PEDAL_EDGES = 0x840
_PINS = (9, 10, 20, 21)
"""FOOT_NO, FOOT_NC, OUT_LATCH and IN_LOAD, as the functions below have them."""


def open_bus() -> SPI:
    """Set up the SPI and its select lines, all unselected. Returns the bus, which must be kept."""
    if (board.FOOT_NO, board.FOOT_NC, board.OUT_LATCH, board.IN_LOAD) != _PINS:
        raise ValueError("board.py moved pins that the native functions of rp2_chain name: change both")
    for pin in (board.DAC_CS, board.FRAM_CS, board.IN_LOAD):
        Pin(pin, Pin.OUT, value=1)
    Pin(board.OUT_LATCH, Pin.OUT, value=0)
    return SPI(
        board.SPI_ID,
        baudrate=board.SPI_HZ,
        polarity=0,
        phase=0,
        sck=Pin(board.SPI_SCK),
        mosi=Pin(board.SPI_TX),
        miso=Pin(board.SPI_RX),
    )


@micropython.viper
def exchange(block: ptr32, out: int) -> int:
    """Write the 16 outputs and return the 16 inputs as they were at the start. `block`: the handlers' block. 12 us.

    Bit 16 of what is returned: the scanner waits to be moved. Before `open_bus` nothing is moved and 0 is returned: an
    SPI that is not set up would be busy for ever.
    """
    sio = ptr32(0xD0000000)
    spi = ptr32(0x4003C000)
    resets_done = ptr32(0x4000C008)
    if not resets_done[0] & (1 << 16):
        return 0
    if not spi[1] & 2:
        return 0
    block[16] = 1
    sio[6] = 1 << 21
    sio[5] = 1 << 21
    spi[2] = (out >> 8) & 0xFF
    spi[2] = out & 0xFF
    wait = 70  # most of the transfer's time, without a read of the SPI in every round
    while wait:
        wait -= 1
    rounds = 1000
    while (spi[3] & 0x10) and rounds:
        rounds -= 1
    value = (spi[2] & 0xFF) << 8
    value |= spi[2] & 0xFF
    sio[5] = 1 << 20
    sio[6] = 1 << 20
    block[16] = 0
    return value | block[17] << 16


@micropython.viper
def still(block: ptr32, seen: ptr32) -> bool:
    """Exchange with the outputs in `seen`; tell whether all is as kept there. Does not allocate.

    `seen`: outputs, mask of GPIO levels, levels, inputs. Not still: the guard latched, the scanner waits, or a contact
    of the pedal left "pressed".
    """
    inputs = int(exchange(block, seen[0]))
    sio = ptr32(0xD0000000)
    pio0 = ptr32(0x50200000)
    edges = ptr32(0x400140F4)
    differs = (inputs ^ seen[3]) | ((sio[1] & seen[1]) ^ seen[2]) | (pio0[12] & 0x10) | (edges[0] & 0x840)
    return bool(differs == 0)


@micropython.viper
def place_scanner(block: ptr32, index: int):  # noqa: ANN201
    """Move the scanner to position `index` of the loaded table: two words, each taking effect at its select's rise."""
    sio = ptr32(0xD0000000)
    spi = ptr32(0x4003C000)
    block[16] = 1
    block[17] = 0
    codes = ptr16(block[14])
    select = block[15]
    i = 0
    while i < 2:
        word = codes[2 * index + i]
        sio[6] = select
        spi[2] = (word >> 8) & 0xFF
        spi[2] = word & 0xFF
        while spi[3] & 0x10:
            pass
        word = spi[2] | spi[2]
        sio[5] = select
        i += 1
    block[18] = index
    block[16] = 0


@micropython.viper
def set_alive(block: ptr32, us: int, watchdog: int):  # noqa: ANN201
    """Allow permits for the next `us` microseconds; the watchdog counts down from `watchdog`. Does not allocate."""
    timer = ptr32(0x40054028)
    load = ptr32(0x40058004)
    block[0] = timer[0] + us
    load[0] = watchdog


@micropython.viper
def levels() -> int:
    """Return the levels of GP0 to GP29, as one read. Does not allocate.

    A contact of the pedal that left "pressed" since the last call, however shortly, is returned as if it still had: the
    chip latches those edges.
    """
    sio = ptr32(0xD0000000)
    edges = ptr32(0x400140F4)
    left = edges[0] & 0x840
    found = sio[1] & 0x3FFFFFFF
    if left:
        edges[0] = left
        if left & 0x40:
            found &= ~(1 << 9)
        if left & 0x800:
            found |= 1 << 10
    return found


@micropython.viper
def firing_flags() -> int:
    """Return the eight interrupt flags of PIO0. Does not allocate, as an address above 30 bits would in Python."""
    pio0 = ptr32(0x50200000)
    return pio0[12] & 0xFF
