"""A line editor: bytes in, whole lines out. A line with anything doubtful in it is refused whole, never mended.

Were doubtful bytes dropped instead, noise could turn into a command. Enter is CR, LF or CR LF; Backspace or Delete
takes one character back; Ctrl-U takes the whole line back. Ctrl-C is told to the caller, who reads no further byte
after it: what follows (mpremote sends 0x01) is for the interpreter.
"""

from tandem.console.output import OutputQueue
from tandem.safety import const

NOTHING = const(0)
LINE = const(1)
TOO_LONG = const(2)
BAD = const(3)
INTERRUPT = const(4)

CAPACITY = const(120)

_CTRL_C = const(0x03)
_BACKSPACE = const(0x08)
_LF = const(0x0A)
_CR = const(0x0D)
_CTRL_U = const(0x15)
_DELETE = const(0x7F)


class LineEditor:
    """Collects one line of up to 120 characters and echoes it to `output`, unless `muted`."""

    def __init__(self, output: OutputQueue) -> None:
        self._output = output
        self._line = bytearray(CAPACITY)
        self._one = bytearray(1)
        self._after_cr = False
        self._too_long = False
        self._bad = False
        self.length = 0
        self.muted = False

    @property
    def begun(self) -> bool:
        """Whether a line has been begun and not ended."""
        return self.length > 0 or self._bad or self._too_long

    def feed(self, byte: int) -> int:
        """Take one byte (0-255) and return what it brought about.

        `NOTHING` yet; `LINE`: read it with `take`; `TOO_LONG` or `BAD`: a line ended that has to be refused, it is
        already forgotten; `INTERRUPT`: Ctrl-C, the line so far is forgotten.
        """
        after_cr = self._after_cr
        self._after_cr = byte == _CR
        if byte == _CTRL_C:
            self.reset()
            return INTERRUPT
        if byte == _LF and after_cr:
            return NOTHING
        if byte == _CR or byte == _LF:  # noqa: SIM109 (a tuple of constants would be built anew for each byte)
            return self._end()
        if byte == _BACKSPACE or byte == _DELETE:  # noqa: SIM109
            self._erase(1)
        elif byte == _CTRL_U:
            self._erase(self.length)
            self.reset()
        elif not 32 <= byte < 127:
            self._bad = True
        elif self.length == CAPACITY:
            self._too_long = True
        else:
            self._line[self.length] = byte
            self.length += 1
            self._one[0] = byte
            self._echo(self._one)
        return NOTHING

    def take(self) -> str:
        """Return the line that `feed` announced, and forget it."""
        text = str(self._line[: self.length], "ascii")
        self.reset()
        return text

    def holds(self, text: bytes) -> bool:
        """Tell whether the line is this text. Does not allocate."""
        if self.length != len(text):
            return False
        i = 0
        for byte in text:
            if self._line[i] != byte:
                return False
            i += 1  # noqa: SIM113 (enumerate allocates)
        return True

    def redraw(self) -> None:
        """Echo again what has been typed so far, after something else was put in its place."""
        self._output.echo(self._line[: self.length])

    def reset(self) -> None:
        """Forget the line so far."""
        self.length = 0
        self._bad = False
        self._too_long = False

    def _echo(self, data: bytes | bytearray) -> None:
        if not self.muted:
            self._output.echo(data)

    def _end(self) -> int:
        self._echo(b"\r\n")
        if self._bad or self._too_long:
            bad = self._bad
            self.reset()
            return BAD if bad else TOO_LONG
        return LINE

    def _erase(self, count: int) -> None:
        for _ in range(min(count, self.length)):
            self.length -= 1
            self._echo(b"\b \b")
