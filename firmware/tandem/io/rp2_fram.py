"""The shot memory: an MB85RS2MT, 256 KiB of FRAM on the SPI that the shift registers and the scanner share.

A byte is kept with its eighth clock; a record of 32 bytes takes 0.1 ms to write and as long to be read back. While the
bus is held, the handler of the firing path leaves a move of the scanner as a note: after each transfer `scanner_waits`
is called if there is one. Native code as in `rp2_chain`; nothing here allocates, but for what `scanner_waits` does.
"""

# pyright: reportCallIssue=false
from array import array

import board
import micropython

from tandem.safety import const

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any as ptr8  # words of the native compiler
    from typing import Any as ptr32

_BYTES = const(262144)
_WRITE = const(0x02)
_READ = const(0x03)
_IDENTIFY = const(0x9F)
_KEEP = const(1)
_COMPARE = const(2)
_ID = b"\x04\x7f\x28\x03"  # Fujitsu, continued, density 2 Mbit, product


@micropython.viper
def _transfer(block: ptr32, order: ptr32, data: ptr8) -> int:
    """Carry an order out: command, bytes of it (1 or 4), address, offset in `data`, length, what to do with answers.

    Returns 0; bit 0: a byte read differs from `data`, bit 1: the bus did not answer, bit 2: the scanner waits.
    """
    sio = ptr32(0xD0000000)
    spi = ptr32(0x4003C000)
    resets_done = ptr32(0x4000C008)
    if not resets_done[0] & (1 << 16):
        return 2
    if not spi[1] & 2:
        return 2
    command = order[0]
    head = order[1]
    address = order[2]
    offset = order[3]
    answers = order[5]
    total = head + order[4]
    found = 0
    block[16] = 1
    if command == 2:
        sio[6] = 1 << 22
        spi[2] = 6
        rounds = 1000
        while (spi[3] & 0x10) and rounds:
            rounds -= 1
        found = spi[2] & 0
        sio[5] = 1 << 22
    sio[6] = 1 << 22
    sent = 0
    got = 0
    rounds = 1000 + (total << 5)
    while got < total and rounds:
        rounds -= 1
        status = spi[3]
        if sent < total and sent - got < 7 and status & 2:
            if sent >= head:
                value = 0
                if command == 2:
                    value = data[offset + sent - head]
            elif sent == 0:
                value = command
            else:
                value = (address >> (24 - (sent << 3))) & 0xFF
            spi[2] = value
            sent += 1
        if status & 4:
            value = spi[2] & 0xFF
            if got >= head and answers:
                if answers == 1:
                    data[offset + got - head] = value
                elif data[offset + got - head] != value:
                    found = 1
            got += 1
    if not rounds:
        found |= 2
    sio[5] = 1 << 22
    block[16] = 0
    if block[17]:
        found |= 4
    return found


class FramMemory:
    """The shot memory, as `record.journal` needs it. The SPI has to be open (`rp2_chain.open_bus`).

    `block`: address of the handlers' block, 0 where no handlers run. `scanner_waits`: moves the scanner that the
    handler could not move; called at most once a transfer.
    """

    size = _BYTES
    lasting = True

    def __init__(self, block: int = 0, scanner_waits: "Callable[[], None] | None" = None) -> None:
        if board.FRAM_CS != 22:
            raise ValueError("board.py moved a pin that the native function of rp2_fram names: change both")
        self._block = block or array("I", (0 for _ in range(18)))
        self._order = array("I", (0 for _ in range(6)))
        self._scanner_waits = scanner_waits

    def present(self) -> bool:
        """Tell whether the chip says what it is. False is no fault: the board has none."""
        answer = bytearray(4)
        return self._do(_IDENTIFY, 1, 0, answer, 0, 4, _KEEP) == 0 and answer == _ID

    def write(self, at: int, buffer: bytearray, start: int, length: int) -> None:
        """Write `length` bytes of a buffer, from `start` on, to an address."""
        self._do(_WRITE, 4, at, buffer, start, length, 0)

    def read(self, at: int, buffer: bytearray, length: int) -> int:
        """Read into a buffer's beginning; return `length`."""
        self._do(_READ, 4, at, buffer, 0, length, _KEEP)
        return length

    def same(self, at: int, buffer: bytearray, length: int) -> bool:
        """Read and compare with a buffer's beginning. False also when the bus does not answer."""
        return not self._do(_READ, 4, at, buffer, 0, length, _COMPARE)

    def _do(self, command: int, head: int, at: int, data: bytearray, start: int, length: int, answers: int) -> int:
        order = self._order
        order[0] = command
        order[1] = head
        order[2] = at
        order[3] = start
        order[4] = length
        order[5] = answers
        found = _transfer(self._block, order, data)
        if found & 4 and self._scanner_waits:
            self._scanner_waits()
        return found & 3
