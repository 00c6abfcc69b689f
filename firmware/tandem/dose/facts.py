"""What a plan is made of, laid bare: the values of a recipe, profiles and a handpiece without what checked them.

The fields of entries, with their ranges, units and texts, take more memory than all that planning needs. On a board
they are thrown out before planning starts: `Entry.facts` keeps the values, `Identity` what the plan's hash needs.
"""

import binascii

from tandem.units import div_round

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator, Iterable
    from typing import Any

    from tandem.dose.board import Board
    from tandem.dose.fields import Entry
    from tandem.dose.handpiece import Handpiece
    from tandem.dose.laser import Laser
    from tandem.dose.recipe import Recipe


class Facts:
    """An entry's values as attributes, but for notes. Whatever reads an entry's values reads these as well."""


class Profile:
    """What planning works out of a laser profile's values; see `laser` for what they are."""

    curve: "tuple[tuple[int, int], ...] | None"
    lamp_rate_mhz: "int | None"
    lamp_tolerance_ppm: "int | None"
    internal_delay_ns: int
    internal_jitter_ns: int
    sync_at_ns: "int | None"
    sync_window_ns: "int | None"

    def gate_ns(self, energy_uj: int) -> "int | None":
        """Return the gate for this energy, ns, between the curve's points in a straight line; None beyond its ends."""
        return _along(self.curve or (), 0, 1, energy_uj)

    def energy_of_gate_uj(self, gate_ns: int) -> "int | None":
        """Return the energy that a gate gives by the curve, uJ; None beyond its ends."""
        return _along(self.curve or (), 1, 0, gate_ns)

    def lamp_rates_mhz(self) -> "tuple[int, int]":
        """Return the least and greatest lamp rate, mHz, rounded inwards. Only for trigger lamp_qswitch."""
        rate, tolerance = self.number("lamp_rate_mhz"), self.number("lamp_tolerance_ppm")
        return -(-rate * (1000000 - tolerance) // 1000000), rate * (1000000 + tolerance) // 1000000

    def light_latest_ns(self) -> int:
        """Return the latest moment, ns after the trigger, at which light may begin."""
        return self.internal_delay_ns + self.internal_jitter_ns

    def sync_earliest_ns(self) -> int:
        """Return the earliest moment of a valid sync, ns after the trigger. Only with sync at."""
        return self.number("sync_at_ns") - self.number("sync_window_ns")

    def sync_latest_ns(self) -> int:
        """Return the latest moment of a valid sync, ns after the trigger. Only with sync at."""
        return self.number("sync_at_ns") + self.number("sync_window_ns")

    def number(self, name: str) -> int:
        """Return a value that the checks have shown to be given."""
        return int(getattr(self, name))


def _along(curve: "tuple[tuple[int, int], ...]", given: int, wanted: int, value: int) -> "int | None":
    """Return column ``wanted`` at ``value`` of column ``given``, rounded to the nearest integer; None outside."""
    for index in range(1, len(curve)):
        before, after = curve[index - 1], curve[index]
        if before[given] <= value <= after[given]:
            rise = (value - before[given]) * (after[wanted] - before[wanted])
            return before[wanted] + div_round(rise, after[given] - before[given])
    return None


class Given:
    """What a plan is made of: entries, or their facts. A laser is None when there is no profile of it."""

    def __init__(
        self, recipe: "Recipe", ps: "Laser | None", co2: "Laser | None", handpiece: "Handpiece", board: "Board"
    ) -> None:
        self.recipe = recipe
        self.ps = ps
        self.co2 = co2
        self.handpiece = handpiece
        self.board = board

    def profile(self, laser: str) -> "Any":
        """Return the profile of laser "ps" or "co2"."""
        return self.ps if laser == "ps" else self.co2


class Identity:
    """The CRC-32 of all that entries say, which begins a plan's hash. Add recipe, ps, co2, handpiece in this order."""

    def __init__(self) -> None:
        self.crc = 0

    def add(self, entry: "Entry | None") -> "Generator[None, None, None]":
        """Generator that takes an entry in, None for one that there is not."""
        yield from self._lines(entry.json_lines() if entry is not None else ("none",))
        for step in getattr(entry, "passes", ()):
            yield from self._lines(step.json_lines())

    def _lines(self, lines: "Iterable[str]") -> "Generator[None, None, None]":
        for line in lines:
            self.crc = binascii.crc32((line + "\n").encode(), self.crc)
            yield


def presses(passes: "tuple[Any, ...]") -> "tuple[tuple[int, ...], ...]":
    """Return which passes (indices from 0) one press runs: combined passes that stand together, others alone."""
    found = []
    for index in range(len(passes)):
        combined = passes[index].pedal == "combined"
        if combined and index and passes[index - 1].pedal == "combined":
            found[-1] += (index,)
        else:
            found.append((index,))
    return tuple(found)
