"""The rig as a host sees it: one object, a method for each thing that it does, every wait with a deadline."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .edges import cycles_of
from .errors import NoReply, RigError
from .line import LineClient

WORDS_A_READ = 240
LOOK_AGAIN_S = 0.1
READ_DEADLINE_S = 60.0
"""For one block of words; an emulated rig may be ten times slower than a real one."""


@dataclass(frozen=True)
class Edge:
    """One edge of a channel: `cycle` after the start of the recording, in the rig's cycles; `level` after it."""

    cycle: int
    level: int


@dataclass(frozen=True)
class Channel:
    """What one channel showed. `full`: the buffer ran out; `stalled`: edges came faster than they could be kept."""

    name: str
    level_at_start: int
    edges: tuple[Edge, ...]
    full: bool
    stalled: bool

    @property
    def whole(self) -> bool:
        """Whether no edge is missing."""
        return not self.full and not self.stalled

    @property
    def rises(self) -> list[int]:
        """Cycles of the rises."""
        return [e.cycle for e in self.edges if e.level]

    @property
    def falls(self) -> list[int]:
        """Cycles of the falls."""
        return [e.cycle for e in self.edges if not e.level]

    @property
    def widths(self) -> list[int]:
        """Cycles from each rise to its fall."""
        first = self.falls[1:] if self.falls and (not self.rises or self.falls[0] < self.rises[0]) else self.falls
        return [fall - rise for rise, fall in zip(self.rises, first, strict=False)]


Recording = dict[str, Channel]


class Rig(LineClient):
    """A rig Pico at a serial port. Methods raise what LineClient raises: NoReply, Refused, PortLost."""

    def version(self) -> dict[str, str]:
        """Return `rig`, `program`, `micropython`, `board`, `serial`."""
        return self.ask("version").fields

    def status(self) -> dict[str, str]:
        """Return all that `status` tells."""
        reply = self.ask("status")
        return {key: value for line in reply.data for key, value in line.items()} | reply.fields

    def uptime_ms(self) -> int:
        """Return how long the rig has run."""
        return int(self.status()["uptime_ms"])

    def pass_ms(self, ms: int) -> None:
        """Wait until so much time has passed on the rig's own clock, which on an emulated stand is not the wall's."""
        ends = self.uptime_ms() + ms
        while self.uptime_ms() < ends:
            time.sleep(LOOK_AGAIN_S)

    def health(self) -> dict[str, int]:
        """Return the counters of what went wrong since `clear_health`: all zero on a sound rig."""
        return {key: int(value) for key, value in self.ask("health").fields.items()}

    def clear_health(self) -> None:
        """Set the health counters to zero."""
        self.ask("health clear")

    def set(self, **levels: int | str) -> None:
        """Force slow outputs to 0 or 1, or give them back to the room with "auto"."""
        for start in range(0, len(levels), 4):
            some = list(levels.items())[start : start + 4]
            self.ask("set " + " ".join(f"{name}={value}" for name, value in some))

    def levels(self) -> dict[str, int]:
        """Return the level of every watched pin, slow input and slow output."""
        return {key: int(value) for line in self.ask("get").data for key, value in line.items()}

    def room(self, on: bool = True) -> None:
        """Put the room into its idle state, following coils and lamps; off: nothing follows."""
        self.ask(f"room {'on' if on else 'off'}")

    def handpiece(self, code: int) -> None:
        """Connect a handpiece: 0 none, 1 shorted, 2 combined, 3 ps, 4 CO2."""
        self.ask(f"handpiece {code}")

    def press(self) -> None:
        """Press the pedal."""
        self.ask("pedal press")

    def release(self) -> None:
        """Release the pedal."""
        self.ask("pedal release")

    def button(self, name: str, ms: int = 100) -> None:
        """Press a button (ARM, STANDBY, NEXT) for a time."""
        self.ask(f"button {name} {ms}")

    def load_script(self, steps: Sequence[tuple[int, str, int]]) -> None:
        """Load a script: (microseconds after its beginning, slow output, level)."""
        self.ask("script clear")
        for us, name, level in steps:
            self.ask(f"script add {us} {name}={level}")

    def run_script(self) -> None:
        """Run the loaded script now; returns when it is done."""
        self.ask("script run", READ_DEADLINE_S)

    def run_script_when(self, channel: str, edges: int, us: int = 0) -> None:
        """Let the loaded script begin `us` after a stamped channel has had so many edges; returns at once."""
        self.ask(f"script when {channel} {edges} {us}")

    def start_stamps(self, channels: Mapping[str, int]) -> None:
        """Begin a recording: watched signal -> how many edges are kept of it."""
        self.ask("stamp start " + " ".join(f"{name}:{edges}" for name, edges in channels.items()))

    def stamped(self) -> dict[str, int]:
        """Return how many edges each channel has had so far."""
        return {line["name"]: int(line["edges"]) for line in self.ask("stamp status").data}

    def wait_for_edges(self, channel: str, count: int, deadline_s: float) -> None:
        """Wait until a stamped channel has had so many edges. Raises NoReply with how many there were."""
        ends = time.monotonic() + deadline_s
        while (seen := self.stamped()[channel]) < count:
            if time.monotonic() > ends:
                raise NoReply(
                    f"{seen} of {count} edges came on {channel} within {deadline_s:g} s: see that its wire is "
                    "connected (tandem rig check)"
                )
            time.sleep(LOOK_AGAIN_S)

    def stop_stamps(self) -> Recording:
        """End the recording and return it."""
        found = {}
        for line in self.ask("stamp stop").data:
            name, count = line["name"], int(line["edges"])
            level, cycles = cycles_of(self._words(name, count))
            first = 1 - level
            edges = tuple(Edge(cycle, first ^ (i & 1)) for i, cycle in enumerate(cycles))
            found[name] = Channel(name, level, edges, line["full"] == "1", line["stalled"] == "1")
        return found

    def _words(self, name: str, count: int) -> list[int]:
        words: list[int] = []
        while len(words) < count:
            asked = min(WORDS_A_READ, count - len(words))
            reply = self.ask(f"stamp read {name} {len(words)} {asked}", READ_DEADLINE_S)
            got = [int(word, 16) for line in reply.data for word in line["words"].split(",")]
            if len(got) != asked:
                raise RigError(
                    f"the rig gave {len(got)} of {asked} words of {name}: put its firmware on it again "
                    "(tandem rig flash)"
                )
            words += got
        return words

    def clear_watch(self) -> None:
        """Forget the latched edges of the watched pins."""
        self.ask("watch clear")

    def watch(self) -> dict[str, tuple[bool, bool]]:
        """Return of each watched pin whether it rose and whether it fell since `clear_watch`."""
        found = {}
        for line in self.ask("watch").data:
            name = next(key for key in line if key not in ("rises", "falls"))
            found[name] = (line["rises"] == "1", line["falls"] == "1")
        return found

    def laser(self, kind: str, **values: int | str) -> None:
        """Set what a laser ("ps" or "co2") answers with, see `help` on the rig."""
        for key, value in values.items():
            self.ask(f"laser {kind} {key}={value}")

    def override(self, kind: str, shot: int, what: str) -> None:
        """Let one shot (counted from 0) be `missing`, `no_sync`, `double` or `energy=CODE`."""
        self.ask(f"laser {kind} shot {shot} {what}")

    def load_laser(self, kind: str, count: int) -> None:
        """Let a laser answer `count` triggers from now on."""
        self.ask(f"laser {kind} load {count}", READ_DEADLINE_S)

    def stop_laser(self, kind: str) -> None:
        """Let a laser answer no more."""
        self.ask(f"laser {kind} stop")

    def answered(self, kind: str) -> int:
        """Return how many triggers a laser has answered since it was loaded."""
        return int(self.ask(f"laser {kind}").fields["answered"])

    def reset_controller(self, ms: int = 10) -> None:
        """Pull the controller's RUN line low for a time."""
        self.ask(f"run pulse {ms}")

    def release_run(self) -> None:
        """Let go of the controller's RUN line."""
        self.ask("run high")

    def power(self, on: bool) -> None:
        """Switch the controller's supply."""
        self.ask(f"power {'on' if on else 'off'}")
