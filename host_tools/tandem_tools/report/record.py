"""The record of one session: what was planned, what the controller said, and what was seen on the wires.

Times are system-clock cycles of the controller, lengths um, energies uJ. Everything is plain data, and goes to JSON and
back unchanged.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

LaserName = Literal["ps", "co2"]
GOOD_VERDICTS = ("pass", "warn")


@dataclass(frozen=True)
class PlannedPass:
    """The pulses of one laser in one pass of the plan.

    `positions` are the centres of the spots in the order of firing, one for each of `count` pulses; empty without a
    scanner. `scan_um` is the side or diameter of the scan, 0 without one. The windows are inclusive.
    """

    number: int
    laser: LaserName
    count: int
    period_cycles: int
    energy_uj: int
    warn_low_uj: int
    warn_high_uj: int
    stop_low_uj: int
    stop_high_uj: int
    spot_um: int
    scan_shape: str = ""
    scan_um: int = 0
    positions: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True)
class Shot:
    """One line of the console's `shots`: what the controller measured and how it judged. `index` counts in the pass."""

    number: int
    pass_number: int
    index: int
    laser: LaserName
    energy_uj: int
    verdict: str
    deviation_permille: int


@dataclass(frozen=True)
class Trigger:
    """A trigger as it left the board: the rise of its pin, and how long the pin stayed high."""

    laser: LaserName
    cycle: int
    width_cycles: int


@dataclass(frozen=True)
class Pulse:
    """A pulse of light as the laser made it: true energy, whether the tissue got it, where (None without a scanner).

    `moving`: the scanner was not at rest.
    """

    laser: LaserName
    energy_uj: float
    on_target: bool
    x_um: float | None = None
    y_um: float | None = None
    moving: bool = False


@dataclass(frozen=True)
class Wave:
    """A signal for the timing diagram: level at the start, then (cycle, level) at every change."""

    net: str
    start: int
    edges: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class SessionRecord:
    """Everything that a report shows.

    `plan_name` is recipe and plan hash as the board cites them, `host_plan_name` the same compiled on the host.
    `began_cycle` is when the pedal was pressed, `ended_cycle` when the controller said that it was over. `state` and
    `because` are the controller's last state and the reason for it; `fault` its fields of `faults`, empty without one.
    `conflicts` counts moments at which two outputs drove one wire apart.
    """

    recipe: str
    source: str
    plan_name: str
    host_plan_name: str
    plan_text: tuple[str, ...]
    clock_hz: int
    passes: tuple[PlannedPass, ...]
    shots: tuple[Shot, ...]
    triggers: tuple[Trigger, ...]
    pulses: tuple[Pulse, ...]
    waves: tuple[Wave, ...]
    began_cycle: int
    ended_cycle: int
    state: str
    because: str
    fault: dict[str, str]
    conflicts: int
    versions: dict[str, str]
    transcript: tuple[str, ...]

    def planned(self, laser: LaserName) -> int:
        """Return how many pulses of a laser are planned."""
        return sum(p.count for p in self.passes if p.laser == laser)

    def pass_of(self, shot: Shot) -> PlannedPass:
        """Return the pass that a shot belongs to."""
        return next(p for p in self.passes if (p.number, p.laser) == (shot.pass_number, shot.laser))

    def save(self, path: Path) -> None:
        """Write the record as JSON."""
        path.write_text(json.dumps(asdict(self), indent=1) + "\n")

    @classmethod
    def load(cls, path: Path) -> SessionRecord:
        """Read a record that `save` wrote."""
        return cls.from_json(json.loads(path.read_text()))

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> SessionRecord:
        """Return the record of parsed JSON."""
        fields = dict(data)
        fields["passes"] = tuple(
            PlannedPass(**{**p, "positions": tuple((x, y) for x, y in p["positions"])}) for p in data["passes"]
        )
        for key, kind in (("shots", Shot), ("triggers", Trigger), ("pulses", Pulse)):
            fields[key] = tuple(kind(**item) for item in data[key])
        fields["waves"] = tuple(
            Wave(w["net"], w["start"], tuple((cycle, level) for cycle, level in w["edges"])) for w in data["waves"]
        )
        for key in ("plan_text", "transcript"):
            fields[key] = tuple(data[key])
        return cls(**fields)
