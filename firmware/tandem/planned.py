"""What a compiled plan is: every shot in system-clock cycles and scanner codes, as plain data. Pure.

`dose.plan` makes plans. They hold nothing of the `dose` package, which is thrown out of a board's memory once a recipe
is compiled: numbers, words, tuples and arrays only.
"""

from array import array

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any


ARRAYS = ("positions", "order", "codes")
"""The arrays of a `PassPlan`."""


class Pulse:
    """One laser's pulse in a pass: its energy, the window that is judged, and when.

    ``laser`` "ps" or "co2". ``energy_uj`` at the tissue, ``laser_uj`` before the handpiece's loss.
    ``warn_low_uj`` .. ``warn_high_uj`` and ``stop_low_uj`` .. ``stop_high_uj`` are inclusive limits of the energy at
    the tissue, rounded inwards; ``warn_ppm``, ``stop_ppm`` what they were made of. ``judge_cycles`` from the rise of
    the trigger that makes the light to the moment at which its energy can be sampled (ps: integrator settled) or has
    been sampled whole (co2: gate, delay and tail are over).
    """

    def __init__(self) -> None:
        self.laser = ""
        self.energy_uj = 0
        self.laser_uj = 0
        self.warn_ppm = 0
        self.stop_ppm = 0
        self.warn_low_uj = self.warn_high_uj = 0
        self.stop_low_uj = self.stop_high_uj = 0
        self.judge_cycles = 0


class PassPlan:
    """One pass in cycles.

    What: ``number`` from 1; ``kind`` "ps", "co2" or "pair"; ``pedal``; ``ps``, ``co2`` the `Pulse` of each laser, None
    when it is not used. ``count`` slots of one pattern (a pair is one slot).
    When: ``period_cycles`` from slot to slot, ``min_period_cycles`` the shortest that would do; ``lead_cycles`` from
    the permit's decision to its slot. ``trigger_width_cycles`` of a single trigger (0 with lamp and Q-switch);
    ``qsw_delay_cycles`` lamp to Q-switch, ``qsw_width_cycles`` (both 0 with a single trigger); ``gate_cycles`` of every
    CO2 pulse. ``pair_delay_cycles`` from the rise of the trigger that makes the ps light, or of its sync
    (``pair_from`` "trigger" or "sync", "" without a pair), to the rise of the gate; ``min_pair_delay_cycles`` the
    shortest that would do. ``sync_open_cycles`` .. ``sync_close_cycles`` valid times of the sync after that trigger
    (both 0 without one). ``verified``: False only for a pair whose CO2 pulse does not wait for the energy of its ps
    pulse; the next slot always waits for the energies of this one.
    Where: ``spots``; ``pulses_per_spot``; ``positions`` array 'h' of x, y, ... um in the order of firing; ``order``
    array 'H', the raster number of each; ``codes`` array 'H' of 12-bit x, y, ... (empty without an xy scanner);
    ``scanner`` "none", "stepped" or "xy"; ``closest_um``, ``shortest_move_um``. Without CO2 these are empty.
    How much: ``asked_density_ppm``, ``actual_density_ppm``, ``ideal_spots_milli`` (0 for a point); ``ps_area_nm2``,
    ``co2_area_nm2``; ``ps_pattern_uj``, ``co2_pattern_uj`` total energies of one pattern; ``patterns_per_press``,
    ``presses`` limits; ``repeat_us`` from pattern to pattern (0 unless repeated).
    """

    def __init__(self) -> None:
        self.number = 0
        self.kind = ""
        self.pedal = ""
        self.ps: Pulse | None = None
        self.co2: Pulse | None = None
        self.count = 0
        self.period_cycles = self.min_period_cycles = 0
        self.lead_cycles = 0
        self.trigger_width_cycles = 0
        self.qsw_delay_cycles = self.qsw_width_cycles = 0
        self.gate_cycles = 0
        self.pair_delay_cycles = self.min_pair_delay_cycles = 0
        self.pair_from = ""
        self.sync_open_cycles = self.sync_close_cycles = 0
        self.verified = True
        self.spots = 0
        self.pulses_per_spot = 1
        self.positions = array("h")
        self.order = array("H")
        self.codes = array("H")
        self.scanner = "none"
        self.closest_um = self.shortest_move_um = 0
        self.asked_density_ppm = self.actual_density_ppm = 0
        self.ideal_spots_milli = 0
        self.ps_area_nm2 = self.co2_area_nm2 = 0
        self.ps_pattern_uj = self.co2_pattern_uj = 0
        self.patterns_per_press = self.presses = 0
        self.repeat_us = 0

    def spot(self, shot: int) -> int:
        """Return which spot, in the order of firing, shot ``shot`` (from 0) of a pattern hits. Allocates nothing."""
        return shot // self.pulses_per_spot

    def scanner_words(self, x_bits: int, y_bits: int, breathe: "Callable[[], None] | None" = None) -> "array[int]":
        """Return a dual converter's words for each shot: array 'H' of x | x_bits, y | y_bits, ...; empty without xy.

        Calls ``breathe`` every 32 shots, so that a supervisor can live on.
        """
        words = array("H", range(2 * self.count if self.codes else 0))  # in place: no copy would fit beside it
        for shot in range(len(words) // 2):
            spot = 2 * self.spot(shot)
            words[2 * shot] = self.codes[spot] | x_bits
            words[2 * shot + 1] = self.codes[spot + 1] | y_bits
            if breathe is not None and not shot % 32:
                breathe()
        return words

    def first_to_last_cycles(self) -> int:
        """Return the time from a pattern's first trigger to its last."""
        return (self.count - 1) * self.period_cycles

    def most_pulses(self, laser: str) -> int:
        """Return the most pulses of "ps" or "co2" that the pass can give with all its patterns and presses."""
        used = self.ps if laser == "ps" else self.co2
        return self.count * self.patterns_per_press * self.presses if used else 0


class Plan:
    """A compiled recipe. ``crc`` identifies it: CRC-32 of recipe, profiles, handpiece, board and all figures.

    ``recipe`` its name. ``passes`` tuple of `PassPlan`; ``presses`` tuple of tuples: the passes (indices from 0) that
    one press runs; ``warnings`` tuple of texts; ``text`` all of it for people, see `lines`. ``clock_hz``.
    Of the handpiece: ``id_low_mv`` .. ``id_high_mv`` its identification. Of the profiles: ``ps_lines``, ``co2_lines``
    (ready, fault), how each laser's lines behave, "none" without the laser; ``co2_scanner`` "none", "stepped" or "xy";
    ``shutter_ms`` within which the shutters of both open or close.
    """

    def __init__(self) -> None:
        self.recipe = ""
        self.crc = 0
        self.clock_hz = 0
        self.id_low_mv = self.id_high_mv = 0
        self.ps_lines: tuple[str, str] = ("none", "none")
        self.co2_lines: tuple[str, str] = ("none", "none")
        self.co2_scanner = "none"
        self.shutter_ms = 0
        self.passes: tuple[PassPlan, ...] = ()
        self.presses: tuple[tuple[int, ...], ...] = ()
        self.warnings: tuple[str, ...] = ()
        self.text = ""

    @property
    def name(self) -> str:
        """Return the recipe's name and the plan's hash, as records cite it: "calcinosis-1/1A2B3C4D"."""
        return "{}/{:08X}".format(self.recipe, self.crc)

    def duration_cycles(self, press: int) -> int:
        """Return how long the patterns of press ``press`` (from 0) take, once through, without shutters and pauses."""
        return sum([self.passes[index].count * self.passes[index].period_cycles for index in self.presses[press]])

    def lines(self) -> "Iterator[str]":
        """Yield the plan as text for people, a line at a time: asked beside actual, totals, warnings."""
        start = 0
        while start < len(self.text):
            end = self.text.find("\n", start)
            yield self.text[start:end]
            start = end + 1


def moved(value: "Any") -> "Any":
    """Return a copy of a plan that shares nothing with it but its arrays, down to numbers and words.

    A plan is made beside much that is thrown away after it. A copy that is made then lies where memory became free, and
    leaves the rest of it in one piece. Arrays are long: two of each may not fit, see `move_arrays`.
    """
    if isinstance(value, (Plan, PassPlan, Pulse)):
        twin = type(value)()
        for name in value.__dict__:
            setattr(twin, name, moved(getattr(value, name)))
        return twin
    if isinstance(value, tuple):
        return tuple([moved(part) for part in value])
    if isinstance(value, str):
        return value[:]
    return value + 0 if type(value) is int else value


def move_arrays(plan: Plan, rest: "Callable[[], None]") -> None:
    """Move a plan's arrays, one after the other, with a ``rest`` for collecting garbage after each.

    MemoryError when there is no room for a copy of one: those before it are moved, the plan is whole.
    """
    for done in plan.passes:
        for name in ARRAYS:
            setattr(done, name, getattr(done, name)[:])
            rest()
