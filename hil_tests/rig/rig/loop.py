"""The rig's loop.

A turn: shift outputs out and inputs in; let the room follow; begin a script whose edges have come; read, answer and
send a little. It takes well under a millisecond. Nothing in it waits for the host.
"""

import time

from tandem.console import protocol
from tandem.console.line import BAD, CAPACITY, INTERRUPT, LINE, TOO_LONG, LineEditor
from tandem.console.output import OutputQueue
from tandem.io.terminal import Terminal
from tandem.safety import const, elapsed

from rig import VERSION, slow
from rig.commands import Commands
from rig.script import ARMED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rig.app import Rig


WATCH_MS = const(30_000)
"""A script that is armed waits so long for its edges."""
SPIN_US = const(5000)
BUSY_SPIN_US = const(200)
"""How long it looks for edges and does nothing else: in a room that rests, and in one where something moves."""
READS = const(32)
LINES = const(2)
PACKET_BYTES = const(64)
"""What one turn may move at most: bytes read, lines of a long reply, bytes sent."""


class Outgoing(OutputQueue):
    """The queue of output, taken a packet at a time: byte by byte 30,000 stamps would take half a minute."""

    def packet(self) -> memoryview:
        """Return the next bytes, up to a packet of them."""
        end = min(self._first + min(self.pending, PACKET_BYTES), self._capacity)
        return memoryview(self._ring)[self._first : end]

    def sent(self, count: int) -> None:
        """Remove bytes that were sent."""
        self.pending -= count
        self._first += count
        if self._first == self._capacity:
            self._first = 0


class PacketTerminal(Terminal):
    """The terminal, which also takes a packet at once."""

    def has_room(self) -> bool:
        """Tell whether the port takes anything: somebody is connected and reads. Does not block."""
        for _ in self._room.ipoll(0):
            return True
        return False

    def send(self, data: memoryview) -> int:
        """Write bytes and return how many. Does not block where `slow.port_idle` was true after `has_room`."""
        return self._out.write(data)


class Loop:
    """The turns: everything that has to be done again and again, until Ctrl-C comes."""

    def __init__(self, rig: Rig, port: PacketTerminal) -> None:
        self._rig = rig
        self._port = port
        self._output = Outgoing()
        self._editor = LineEditor(self._output)
        self._commands = Commands(rig, self._output)
        self._interrupted = False
        self._byte = -1

    def run(self) -> None:
        """Go on until Ctrl-C. An error is told and counted, and it goes on."""
        self._commands.say(protocol.remark("Tandem's rig {}: type help".format(VERSION)))
        while not self._interrupted:
            try:
                self._turn()
            except Exception as error:
                self._rig.errors += 1
                self._commands.say(protocol.error(protocol.INTERNAL, "{}: {}".format(type(error).__name__, error)))

    def _turn(self) -> None:
        self._rig.exchange()
        byte = self._port.read()
        if self._rig.script.state == ARMED and byte < 0 and not (self._output.pending or self._commands.busy):
            byte = self._await_edges()
        self._read(byte)
        commands = self._commands
        if commands.busy:
            self._editor.muted = True
            self._send()
            commands.pump(LINES)
            if not commands.busy:
                self._editor.muted = False
                self._editor.redraw()
        if self._output.lost:
            self._output.tell_lost()
        self._send()

    def _await_edges(self) -> int:
        """Look for the script's edges, and begin it when they have come. Returns a byte that came, or -1.

        It begins 30 us after the edge, or up to 0.1 ms when the edge comes while the rest is looked after (2 % of the
        time). While something moves in the room, that can be 0.7 ms; a byte from the host delays it by a turn.
        """
        rig = self._rig
        script, room = rig.script, rig.room
        quiet, before = False, 0
        while True:
            outputs = script.await_edges(room.outputs, SPIN_US if quiet else BUSY_SPIN_US)
            if outputs < 0:
                seen = slow.exchange(room.outputs) | slow.safe() << 16
                if not quiet or seen != before:
                    rig.exchange()
                    before = seen
                    quiet = not room.busy(seen & 0xFFFF, seen >> 16)
                outputs = script.await_edges(room.outputs, 0)
            if outputs >= 0:
                rig.script_ran(outputs)
                self._commands.say(protocol.remark("script ended " + protocol.pairs(rig.script_pairs()[1:])))
                return -1
            byte = self._port.read()
            if byte >= 0:
                return byte
            if elapsed(time.ticks_ms(), rig.armed_ms) > WATCH_MS:
                script.disarm()
                text = "script not begun: {} had no {} edges within 30 s"
                self._commands.say(protocol.remark(text.format(script.channel, script.edges)))
                return -1

    def _read(self, byte: int) -> None:
        limit = READS
        while byte >= 0:
            result = self._editor.feed(byte)
            if result:
                self._act(result)
                return
            limit -= 1
            if not limit:
                return
            byte = self._port.read()

    def _act(self, result: int) -> None:
        if result == LINE:
            self._commands.run(self._editor.take())
        elif result == INTERRUPT:
            self._interrupted = True
        elif result == TOO_LONG:
            self._commands.refuse(protocol.LINE_TOO_LONG, "a line has at most {} characters".format(CAPACITY))
        elif result == BAD:
            self._commands.refuse(protocol.BAD_BYTES, "the line held bytes that are not printable ASCII")

    def _send(self) -> None:
        """Send a packet, if the last one was fetched and there is room. Does not block."""
        if self._output.pending and self._port.has_room() and slow.port_idle():
            self._output.sent(self._port.send(self._output.packet()))
