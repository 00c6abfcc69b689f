"""The serial console's bytes on a MicroPython board: read without blocking, written without blocking.

Bytes are read through `sys.stdin.buffer` after a poll: `sys.stdin.read(1)` decodes UTF-8 and would wait for ever after
one byte 0xE2. While a host is connected and does not read, a write of more than fits blocks for up to 500 ms; so a byte
goes out only when the port says that there is room for one.
"""

import select
import sys

import micropython


class Terminal:
    """Byte source and sink. Ctrl-C arrives as a byte while it is open; `close` gives it back to the interpreter."""

    def __init__(self) -> None:
        self._poll = select.poll()
        self._poll.register(sys.stdin, select.POLLIN)
        self._room = select.poll()
        self._room.register(sys.stdout, select.POLLOUT)
        self._in = sys.stdin.buffer
        self._out = sys.stdout.buffer
        self._one = bytearray(1)
        micropython.kbd_intr(-1)

    def read(self) -> int:
        """Return the next byte, or -1 when none has come. Does not block."""
        for _ in self._poll.ipoll(0):
            self._in.readinto(self._one)
            return self._one[0]
        return -1

    def write(self, byte: int) -> bool:
        """Write one byte if there is room; return False when there is none. Does not block."""
        for _ in self._room.ipoll(0):
            self._one[0] = byte
            self._out.write(self._one)
            return True
        return False

    def close(self) -> None:
        """Give Ctrl-C back to the interpreter."""
        micropython.kbd_intr(3)
