"""What the bench says of a recording: its own edges, beside the rig's stamps. Only on an emulated stand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .driver import Channel, Recording

if TYPE_CHECKING:
    from tandem_tools.bench import Bench, Edge

START = "RIG_START"
PS_A_CYCLE = 8000
"""Of a perfect crystal at 125 MHz."""


@dataclass(frozen=True)
class Compared:
    """Stamps minus truth, in the rig's cycles, edge by edge of one channel; `lost`: edges without a stamp.

    An edge that the rig invented shows as a large difference of every one after it.
    """

    name: str
    differences: tuple[float, ...]
    lost: int

    @property
    def largest(self) -> float:
        """Largest difference, whichever way."""
        return max((abs(d) for d in self.differences), default=0.0)


class Truth:
    """The bench's edges of the signals that a rig watches. Make it before the recording begins.

    `cycles_ps`: the bench's edges in ps are turned into cycles of the rig's and the controller's crystals.
    """

    def __init__(self, bench: Bench, signals: list[str], rig_ppm: float, controller_ppm: float) -> None:
        self._bench = bench
        self._signals = signals
        self._rig_cycle_ps = PS_A_CYCLE / (1 + rig_ppm * 1e-6)
        self._controller_cycle_ps = PS_A_CYCLE / (1 + controller_ppm * 1e-6)
        bench.record([START, *signals])
        bench.clear_edges()
        self._edges: dict[str, list[Edge]] = {}

    def stop(self) -> None:
        """Take in what the bench recorded. To be called before the rig's recording ends, so that each has its stamp."""
        self._edges = {name: [] for name in (START, *self._signals)}
        for edge in self._bench.edges():
            if edge.net in self._edges:
                self._edges[edge.net].append(edge)

    @property
    def start_ps(self) -> int:
        """When the rig's machines began, in ps of the bench."""
        return next(edge.time_ps for edge in self._edges[START] if edge.level)

    def edges(self, name: str) -> list[Edge]:
        """Return the true edges of a signal since the start."""
        return [edge for edge in self._edges[name] if edge.time_ps >= self.start_ps]

    def controller_cycles(self, name: str, level: int = 1) -> list[float]:
        """Return when a signal came to a level, in the controller's cycles after the start."""
        return [(e.time_ps - self.start_ps) / self._controller_cycle_ps for e in self.edges(name) if e.level == level]

    def compare(self, recording: Recording) -> list[Compared]:
        """Hold stamps against the true edges, in order."""
        return [self._compare(channel) for channel in recording.values()]

    def _compare(self, channel: Channel) -> Compared:
        true = [(e.time_ps - self.start_ps) / self._rig_cycle_ps for e in self.edges(channel.name)]
        stamps = [edge.cycle for edge in channel.edges]
        differences = tuple(stamp - truth for stamp, truth in zip(stamps, true, strict=False))
        return Compared(channel.name, differences, max(len(true) - len(stamps), 0))
