"""The shot memory: an MB85RS2MT, 256 KiB of FRAM on the SPI that the shift registers and the scanner share.

A byte is kept with its eighth clock, 2.4 us each; a shot takes 0.1 ms to be written and as long to be read back. While
the chip is selected, the handler of the firing path leaves a move of the scanner as a note; after each selection
`scanner_waits` is called if there is one. Native code as in `rp2_chain`. Nothing here allocates, but for what
`scanner_waits` does.
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
_ID = b"\x04\x7f\x28\x03"  # Fujitsu, continued, density 2 Mbit, product

_WRITE_BODY = const(0)
_WRITE_FIRST = const(1)
_READ_BACK = const(2)
_READ = const(3)
_IDENTIFY = const(4)

_FAILED = const(3)
_SCANNER = const(4)


@micropython.viper
def _transfer(block: ptr32, order: ptr32, data: ptr8) -> int:
    """Carry an order out: what to do (0 to 4, as named above), address, length. Appending is the steps 0, 1 and 2.

    Returns bit 0: what was read back differs; bit 1: the bus does not answer; bit 2: the scanner waits to be moved.
    With bit 2 an append may not be at its end: called again it goes on, until order[0] is over 2.
    """
    sio = ptr32(0xD0000000)
    spi = ptr32(0x4003C000)
    resets_done = ptr32(0x4000C008)
    if not resets_done[0] & (1 << 16):
        return 2
    if not spi[1] & 2:
        return 2
    found = 0
    step = order[0]
    while True:
        command = 3
        head = 4
        address = order[1]
        length = order[2]
        offset = 0
        if step == 0:
            command = 2
            address += 1
            offset = 1
        elif step == 1:
            command = 2
            length = 1
        elif step == 2:
            length += 1
        elif step == 4:
            command = 0x9F
            head = 1
        block[16] = 1
        if command == 2:
            sio[6] = 1 << 22
            spi[2] = 6
            rounds = 1000
            while (spi[3] & 0x10) and rounds:
                rounds -= 1
            found |= spi[2] & 0
            sio[5] = 1 << 22
        sio[6] = 1 << 22
        total = head + length
        sent = 0
        got = 0
        rounds = 1000 + (total << 5)
        while got < total and rounds:
            rounds -= 1
            status = spi[3]
            if sent < total and sent - got < 7 and status & 2:
                value = command
                if sent >= head:
                    value = data[offset + sent - head]
                elif sent:
                    value = (address >> (24 - (sent << 3))) & 0xFF
                spi[2] = value
                sent += 1
            if status & 4:
                value = spi[2] & 0xFF
                if got >= head:
                    if step >= 3:
                        data[got - head] = value
                    elif step == 2 and data[got - head] != value:
                        found |= 1
                got += 1
        if not rounds:
            found |= 2
        sio[5] = 1 << 22
        block[16] = 0
        step += 1
        order[0] = step
        if block[17]:
            return found | 4
        if step > 2:
            return found


class FramMemory:
    """The shot memory, as `record.journal` needs it. The SPI has to be open (`rp2_chain.open_bus`).

    `block`: address of the handlers' block, 0 where no handlers run. `scanner_waits`: moves the scanner that the
    handler could not move; called at most once after each selection of the chip, that is 0.1 ms.
    """

    size = _BYTES
    lasting = True

    def __init__(self, block: int = 0, scanner_waits: "Callable[[], None] | None" = None) -> None:
        if board.FRAM_CS != 22:
            raise ValueError("board.py moved a pin that the native function of rp2_fram names: change both")
        self._block = block or array("I", (0 for _ in range(18)))
        self._order = array("I", (0 for _ in range(3)))
        self._scanner_waits = scanner_waits

    def present(self) -> bool:
        """Tell whether the chip says what it is. False is no fault: the board has none."""
        answer = bytearray(4)
        return not self._read(_IDENTIFY, 0, answer, 4) and answer == _ID

    def append(self, at: int, buffer: bytearray, length: int) -> bool:
        """Write a buffer's bytes 1 to `length` behind an address, then its first byte there; read all of it back.

        False when it is not the same, or the bus does not answer. 0.2 ms for a shot.
        """
        order = self._order
        order[0] = _WRITE_BODY if length else _WRITE_FIRST
        order[1] = at
        order[2] = length
        found = _transfer(self._block, order, buffer)
        return not (found and self._failed(found, buffer))

    def read(self, at: int, buffer: bytearray, length: int) -> int:
        """Read into a buffer's beginning; return `length`. Takes 2.4 us a byte, with the bus held all the time."""
        self._read(_READ, at, buffer, length)
        return length

    def _read(self, step: int, at: int, data: bytearray, length: int) -> int:
        order = self._order
        order[0] = step
        order[1] = at
        order[2] = length
        return self._failed(_transfer(self._block, order, data), data)

    def _failed(self, found: int, data: bytearray) -> int:
        """Move the scanner where it waits, and go on with what is left of an append. Returns not 0 for a failure."""
        failed = found & _FAILED
        while found & _SCANNER:
            if self._scanner_waits:
                self._scanner_waits()
            if self._order[0] > _READ_BACK:
                break
            found = _transfer(self._block, self._order, data)
            failed |= found & _FAILED
        return failed
