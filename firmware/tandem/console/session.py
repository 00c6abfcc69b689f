"""One console: a port's bytes, the line editor, the commands and the queue, moved on a little in every turn."""

from tandem.console import protocol
from tandem.console.commands import Commands
from tandem.console.line import BAD, CAPACITY, INTERRUPT, LINE, TOO_LONG, LineEditor
from tandem.console.output import OutputQueue
from tandem.safety import const, faults
from tandem.safety.states import FAULT, FIRING, MODE_NAMES, State

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from tandem.console.asked import Controller

    class Port(Protocol):
        """Where bytes come from and go to."""

        def read(self) -> int:
            """Return the next byte, or -1 when none has come. Must not block."""
            ...

        def write(self, byte: int) -> bool:
            """Send one byte if there is room for it; False when there is none. Must not block."""
            ...


READS = const(16)
WRITES = const(32)
LINES = const(2)
FIRING_READS = const(4)
FIRING_WRITES = const(8)
"""What one turn may move at most: bytes read, bytes sent, lines of a long reply; and the bytes while it fires."""

_STANDBY = b"standby"
_WHILE_FIRING = "not while it fires: let go of the pedal first; standby works"

STALE_LOOKS = const(7500)
"""A line begun and left alone for so many looks (30 s) is forgotten: the next who connects must not end it."""


class Console:
    """Talks through `port` and asks `controller`. `interrupted` is set by Ctrl-C; nothing is read after it.

    Connecting, disconnecting and any bytes but a whole command's change nothing.
    """

    def __init__(self, controller: "Controller", port: "Port", capacity: int = 4096) -> None:
        self._port = port
        self.output = OutputQueue(capacity)
        self._editor = LineEditor(self.output)
        self._commands = Commands(controller, self.output)
        self._quiet = 0
        self._calm = False
        self._refusal = (protocol.error(protocol.NOT_NOW, _WHILE_FIRING) + "\r\n").encode()
        self.interrupted = False

    def step(self, firing: bool) -> bool:
        """Read, answer and send as much as one turn allows. Returns whether there is more to do in the next turn.

        Never blocks; allocates only when there is something to do.
        At most one line is carried out in a turn. While it fires nothing is allocated, since a garbage collection takes
        longer than permits wait for the supervisor: `standby` is carried out, any other command refused.
        """
        if self.interrupted:
            return False
        byte = self._port.read()
        if byte < 0 and (self._calm or (firing and not self.output.pending)):
            return False
        if firing:
            self._listen(FIRING_READS, byte)
        else:
            self._talk(byte)
        if self.output.pending:
            self._send(FIRING_WRITES if firing else WRITES)
        lively = byte >= 0 or self.output.pending > 0 or self._commands.busy
        self._calm = not (lively or firing or self._editor.begun or self.output.lost)
        return lively

    def _talk(self, byte: int) -> None:
        if not self._commands.busy:
            self._editor.muted = False
        self._read(READS, byte)
        if self._commands.busy:
            self._answer(LINES)
        if self.output.lost:
            self.output.tell_lost()

    def remark(self, text: str) -> None:
        """Tell people something, on a line of its own; what is being typed is shown again after it."""
        self._calm = False
        shown = self._editor.length > 0 and not self._editor.muted
        if shown:
            self.output.echo(b"\r\n")
        self.output.line(protocol.remark(text))
        if shown:
            self._editor.redraw()

    def mode_changed(self, before: int, mode: int, state: State) -> None:
        """Tell people of a new state and why, or of a fault and what to do about it."""
        if mode == FIRING:
            self._commands.cut_short()
        if mode == FAULT:
            fault = faults.described(state.fault)
            self.remark("fault {} {}: {}; {}".format(fault.number, fault.name, fault.meaning, fault.action))
        elif mode != before:
            self.remark("state {}: {}".format(MODE_NAMES[mode], state.because))

    def _answer(self, lines: int) -> None:
        """Go on with a reply. What is typed meanwhile is shown after it, so that no line of it is torn."""
        self._editor.muted = True
        self._commands.pump(lines)
        if not self._commands.busy:
            self._editor.muted = False
            self._editor.redraw()

    def _read(self, limit: int, byte: int) -> None:
        while byte >= 0:
            self._quiet = 0
            result = self._editor.feed(byte)
            if result:
                self._act(result)
                return
            limit -= 1
            if not limit:
                return
            byte = self._port.read()
        self._forget_stale()

    def _listen(self, limit: int, byte: int) -> None:
        """Read without echo and without allocating: `standby` and Ctrl-C are acted upon, other lines refused."""
        editor = self._editor
        editor.muted = True
        while byte >= 0:
            self._quiet = 0
            result = editor.feed(byte)
            if result == INTERRUPT or (result == LINE and editor.holds(_STANDBY)):
                self._act(result)
                return
            if result:
                if result != LINE or editor.length:
                    self.output.fixed(self._refusal)
                editor.reset()
                return
            limit -= 1
            if not limit:
                return
            byte = self._port.read()

    def _act(self, result: int) -> None:
        if result == LINE:
            self._commands.run(self._editor.take())
            self._editor.muted = self._commands.busy
        elif result == INTERRUPT:
            self.interrupted = True
        elif result == TOO_LONG:
            self._commands.refuse(protocol.LINE_TOO_LONG, "a line has at most {} characters".format(CAPACITY))
        elif result == BAD:
            self._commands.refuse(protocol.BAD_BYTES, "the line held bytes that are not printable ASCII")

    def _forget_stale(self) -> None:
        if not self._editor.begun:
            return
        self._quiet += 1
        if self._quiet >= STALE_LOOKS:
            self._quiet = 0
            self._editor.reset()
            self.output.echo(b"\r\n")
            self.output.line(protocol.remark("the line begun half a minute ago was dropped"))

    def _send(self, limit: int) -> None:
        output = self.output
        while limit > 0 and output.pending:
            limit -= 1
            if not self._port.write(output.peek()):
                return
            output.drop()
