"""The one place that puts the rig together.

Memory is taken in this order: what a bare board needs for a room, then the large blocks of stamps and lasers, while the
heap is still in one piece, then the rest.
"""

import gc
import sys
import time

import machine
from tandem.safety import elapsed

from rig import VERSION, pins, slow
from rig.room import Room

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    Pairs = list[tuple[str, object]]


MANIFEST = "/rig/manifest.json"


class Rig:
    """What the commands ask: room, script, stamps, lasers, and the counters of what went wrong.

    The registers are shown first, so that RUN and supply of the controller are right before anything else.
    """

    def __init__(self) -> None:
        self.now_us = time.ticks_us
        self.room = Room(self.now_us())
        self.bus = slow.open_bus(self.room.outputs)
        gc.collect()
        from rig.stamps import Stamps

        self.stamps = Stamps()
        from rig.players import Players

        self.players = Players()
        gc.collect()
        from rig.script import Script

        self.script = Script()
        self.lasers = (self.players.ps, self.players.co2)
        self.inputs = 0
        self.armed_ms = 0
        self._program = _program_hash()
        self._began_ms = time.ticks_ms()
        self.clear_health()

    def clear_health(self) -> None:
        """Count anew."""
        self._stalls = 0
        self._full = 0
        self.lost_lines = 0
        self.errors = 0
        self.shift_errors = 0
        self.script.forget_late()
        self._late = 0
        self._late_before = [laser.late for laser in self.lasers]

    def exchange(self) -> None:
        """Shift outputs out and inputs in, let the room follow, and show at once what it changes. Does not allocate."""
        room = self.room
        shown = room.outputs
        inputs = slow.exchange(shown)
        if not slow.alive(inputs):
            self.shift_errors += 1
            inputs = self.inputs
        self.inputs = inputs
        if room.step(self.now_us(), inputs, slow.safe()) != shown:
            slow.exchange(room.outputs)

    def run_script(self, began_us: int) -> None:
        """Carry out the script, whose times count from `began_us`; its outputs stay forced. Blocks until it has ended.

        Collect garbage before it, lest a collection come between steps.
        """
        self.script_ran(self.script.run(self.room.outputs, began_us))

    def script_ran(self, outputs: int) -> None:
        """Keep what a script that has ended moved as it left it."""
        self.room.play(self.script.moved(), outputs)
        self.exchange()

    def arm_script(self, channel: str, edges: int, delay_us: int) -> None:
        """Begin to wait for a channel's edges."""
        gc.collect()
        self.armed_ms = time.ticks_ms()
        self.script.arm(channel, edges, delay_us, self.stamps.left(channel))

    def start_stamps(self, channels: "list[tuple[str, int]]") -> None:
        """Begin to keep edges. A script that waits for some waits no more."""
        self.script.disarm()
        self.stamps.start(channels)

    def load_laser(self, i: int, count: int) -> None:
        """Make a laser's shots and let it answer; takes 0.3 ms a shot. ValueError for what it cannot play."""
        late = self.lasers[i].late
        self.lasers[i].load(count)
        self._late += late - self._late_before[i]
        self._late_before[i] = 0

    def stop_stamps(self) -> None:
        """Keep no more edges, and count what went wrong. A script that waits for some waits no more."""
        self.script.disarm()
        if self.stamps.running:
            self.stamps.stop()
            for name in self.stamps.names():
                self._stalls += bool(self.stamps.stalled(name))
                self._full += bool(self.stamps.full(name))

    def stop(self) -> None:
        """End what runs by itself: stamps and lasers. The room stays as it is."""
        self.stop_stamps()
        for laser in self.lasers:
            laser.stop()

    def version(self) -> "Pairs":
        """Return pairs for the `OK` line."""
        return [
            ("rig", VERSION),
            ("program", self._program),
            ("micropython", ".".join([str(part) for part in sys.implementation.version[:3]])),
            ("board", pins.NAME),
            ("serial", machine.unique_id().hex()),
        ]

    def status(self) -> "Pairs":
        """Return what the rig is doing."""
        return [
            ("uptime_ms", elapsed(time.ticks_ms(), self._began_ms)),
            ("room", "on" if self.room.on else "off"),
            ("outputs", "{:06x}".format(self.room.outputs)),
            ("forced", "{:06x}".format(self.room.forced)),
            ("inputs", "{:04x}".format(self.inputs)),
            ("pins", "{:03x}".format(slow.levels())),
            ("script", self.script.state_name),
            ("stamps", "running" if self.stamps.running else "stopped"),
            ("free_bytes", gc.mem_free()),
        ]

    def health(self) -> "Pairs":
        """Return the counters. `late`: laser answers and script steps that came late; `shift`: torn slow inputs."""
        stalls, full = self._stalls, self._full
        if self.stamps.running:
            for name in self.stamps.names():
                stalls += bool(self.stamps.stalled(name))
                full += bool(self.stamps.full(name))
        late = self.script.late + self._late + sum([laser.late for laser in self.lasers]) - sum(self._late_before)
        return [
            ("stalls", stalls),
            ("full", full),
            ("late", late),
            ("lost_lines", self.lost_lines),
            ("errors", self.errors),
            ("shift", self.shift_errors),
        ]

    def script_pairs(self) -> "Pairs":
        """Return what became of the script."""
        script = self.script
        return [
            ("script", script.state_name),
            ("steps", script.steps),
            ("runs", script.runs),
            ("worst_us", script.worst_us),
        ]

    def laser_pairs(self, i: int) -> "Pairs":
        """Return how a laser is."""
        laser = self.lasers[i]
        return [("loaded", laser.loaded), ("answered", laser.answered), ("late", laser.late)]

    def level_lines(self) -> "Iterator[str]":
        """Yield the levels of watched pins, slow inputs and slow outputs, a few a line."""
        yield from _levels(pins.WATCHED, slow.levels())
        yield from _levels(pins.IN_NAMES, self.inputs)
        yield from _levels(pins.OUT_NAMES, self.room.outputs)

    def channel_lines(self) -> "Iterator[str]":
        """Yield one line of `key=value` a stamped channel."""
        stamps = self.stamps
        for name in stamps.names():
            yield "name={} edges={} full={:d} stalled={:d}".format(
                name, stamps.count(name), stamps.full(name), stamps.stalled(name)
            )

    def watch_lines(self) -> "Iterator[str]":
        """Yield the level of each watched pin, and what the chip latched of it."""
        levels = slow.levels()
        for pin, name in enumerate(pins.WATCHED):
            latched = slow.latched(pin)
            yield "{}={} rises={} falls={}".format(name, levels >> pin & 1, latched >> 1, latched & 1)

    def forget_edges(self) -> None:
        """Clear what the chip latched."""
        slow.forget_edges()


def run() -> None:
    """Run the rig until Ctrl-C comes over its port, which the interpreter has then."""
    rig = Rig()
    from rig.loop import Loop, PacketTerminal

    port = PacketTerminal()
    gc.collect()
    try:
        Loop(rig, port).run()
    finally:
        port.close()
        rig.stop()


def _levels(names: "tuple[str, ...]", bits: int) -> "Iterable[str]":
    for first in range(0, len(names), 5):
        some = range(first, min(first + 5, len(names)))
        yield " ".join(["{}={}".format(names[i], bits >> i & 1) for i in some])


def _program_hash() -> str:
    """Return the program's hash out of the manifest that `tandem rig flash` wrote, 'unknown' without one."""
    try:
        with open(MANIFEST) as file:
            return file.readline().split('"')[3]
    except (OSError, IndexError):
        return "unknown"
