"""What a session's record proves: counts, spacings and places, and whether the session was delivered as planned."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import hypot
from typing import get_args

from .record import GOOD_VERDICTS, LaserName, Pulse, SessionRecord, Shot

LARGEST_MISS_UM = 5.0
"""Half the diagonal of a 12-bit scanner code over 12 mm is 2.1 um; a spot further off was not hit as planned."""

NAMES: dict[LaserName, str] = {"ps": "ps", "co2": "CO2"}


@dataclass(frozen=True)
class Measured:
    """Figures taken from the wires and from the lasers, not from what the controller says.

    `triggers`: rising edges for each laser. `spacings_cycles`: all differences between neighbouring rises. `places`:
    different places that the tissue was hit at by the CO2 laser, `misses_um` how far each lay from its plan.
    `problems` is empty when everything was as planned; `sentence` says how the session ended.
    """

    triggers: dict[LaserName, int]
    spacings_cycles: dict[LaserName, tuple[int, ...]]
    ps_to_co2_cycles: int | None
    places: int
    misses_um: tuple[float, ...]
    problems: tuple[str, ...]
    sentence: str

    @property
    def delivered(self) -> bool:
        """Whether the session was delivered as planned, as measured."""
        return not self.problems


def measure(record: SessionRecord) -> Measured:
    """Return what the record proves."""
    rises = {laser: [t.cycle for t in record.triggers if t.laser == laser] for laser in get_args(LaserName)}
    spacings = {laser: tuple(b - a for a, b in pairwise(at)) for laser, at in rises.items()}
    misses = tuple(_misses(record))
    problems = tuple(_problems(record, rises, spacings, misses))
    places = len(_places(record))
    last_ps = [cycle for cycle in rises["ps"] if rises["co2"] and cycle < rises["co2"][0]]
    if problems:
        sentence = _stopped_sentence(record)
    else:
        sentence = (
            f"Session delivered: {len(rises['ps'])} ps shots, {len(rises['co2'])} CO2 shots "
            f"{spacing_text(spacings['co2'], record.clock_hz)} apart at {places} different places."
        )
    return Measured(
        triggers={laser: len(at) for laser, at in rises.items()},
        spacings_cycles=spacings,
        ps_to_co2_cycles=rises["co2"][0] - last_ps[-1] if last_ps else None,
        places=places,
        misses_um=misses,
        problems=problems,
        sentence=sentence,
    )


def ms_text(cycles: int, clock_hz: int) -> str:
    """Return a time as 5.000000 ms: to the nanosecond, as edges are exact to a cycle (8 ns at 125 MHz)."""
    return f"{cycles * 1000 / clock_hz:.6f} ms"


def spacing_text(cycles: tuple[int, ...], clock_hz: int) -> str:
    """Return equal spacings as one time, others as a range."""
    if not cycles:
        return "-"
    shortest, longest = min(cycles), max(cycles)
    if shortest == longest:
        return ms_text(shortest, clock_hz)
    return f"{ms_text(shortest, clock_hz).removesuffix(' ms')} to {ms_text(longest, clock_hz)}"


def mj_text(energy_uj: float) -> str:
    """Return an energy as 90.0 mJ."""
    return f"{energy_uj / 1000:.1f} mJ"


def failed_shot(record: SessionRecord) -> Shot | None:
    """Return the first shot that was not good, or None."""
    return next((s for s in record.shots if s.verdict not in GOOD_VERDICTS), None)


def shot_failure_text(record: SessionRecord, shot: Shot) -> str:
    """Say which shot stopped the session, and by how much it was wrong."""
    planned = record.pass_of(shot)
    which = f"{NAMES[shot.laser]} shot {shot.index} of {planned.count}"
    if shot.verdict == "withheld":
        return f"{which} was withheld: it never fired"
    window = f"the window of {mj_text(planned.stop_low_uj)} to {mj_text(planned.stop_high_uj)}"
    if shot.verdict == "saturated":
        return f"{which} saturated its energy channel: more than can be measured, above {window}"
    below = shot.energy_uj < planned.energy_uj
    beyond = planned.stop_low_uj - shot.energy_uj if below else shot.energy_uj - planned.stop_high_uj
    return (
        f"{which} gave {mj_text(shot.energy_uj)}, {abs(shot.deviation_permille) / 10:.1f} % "
        f"{'below' if below else 'above'} {mj_text(planned.energy_uj)} and {mj_text(beyond)} "
        f"{'under' if below else 'over'} {window}"
    )


def _stopped_sentence(record: SessionRecord) -> str:
    shot = failed_shot(record)
    if shot is not None:
        reason = shot_failure_text(record, shot)
    elif record.fault:
        reason = f"fault {record.fault.get('name', '?')}, {record.fault.get('meaning', '')}".rstrip(", ")
    else:
        reason = f"the controller is in {record.state}, because {record.because or 'it did not say'}"
    fired = [sum(1 for t in record.triggers if t.laser == laser) for laser in ("ps", "co2")]
    return (
        f"Session not delivered: {reason}. Fired: {fired[0]} of {record.planned('ps')} ps shots and "
        f"{fired[1]} of {record.planned('co2')} CO2 shots."
    )


def _places(record: SessionRecord) -> set[tuple[int, int]]:
    return {
        (round(p.x_um), round(p.y_um))
        for p in record.pulses
        if p.laser == "co2" and p.on_target and p.x_um is not None and p.y_um is not None
    }


def miss_um(pulse: Pulse, spot: tuple[int, int]) -> float:
    """Return how far a pulse of a scanned laser landed from a spot, um."""
    return hypot((pulse.x_um or 0) - spot[0], (pulse.y_um or 0) - spot[1])


def _misses(record: SessionRecord) -> list[float]:
    """Distance of each CO2 pulse from the spot that was planned for it, um, in the order of firing."""
    planned = [spot for p in record.passes if p.laser == "co2" for spot in p.positions]
    landed = [p for p in record.pulses if p.laser == "co2"]
    return [miss_um(pulse, spot) for pulse, spot in zip(landed, planned, strict=False)]


def _problems(
    record: SessionRecord,
    rises: dict[LaserName, list[int]],
    spacings: dict[LaserName, tuple[int, ...]],
    misses: tuple[float, ...],
) -> list[str]:
    """Return everything that is not as planned."""
    found = []
    for laser, name in NAMES.items():
        planned = record.planned(laser)
        pulses = [p for p in record.pulses if p.laser == laser]
        good = [s for s in record.shots if s.laser == laser and s.verdict in GOOD_VERDICTS]
        for what, count in (
            ("triggers left the board", len(rises[laser])),
            ("pulses hit the tissue", sum(p.on_target for p in pulses)),
            ("shots were judged good", len(good)),
        ):
            if count != planned:
                found.append(f"{planned} {name} shots are planned, but {count} {what}")
        periods = {p.period_cycles for p in record.passes if p.laser == laser and p.count > 1}
        if len(periods) == 1 and set(spacings[laser]) - periods:
            wanted = ms_text(periods.pop(), record.clock_hz)
            found.append(f"{name} shots are {spacing_text(spacings[laser], record.clock_hz)} apart, planned: {wanted}")
    spots = {spot for p in record.passes if p.laser == "co2" for spot in p.positions}
    if len(_places(record)) != len(spots):
        found.append(f"{len(spots)} places are planned, but {len(_places(record))} were hit")
    if misses and max(misses) > LARGEST_MISS_UM:
        found.append(f"a CO2 pulse landed {max(misses):.1f} um from its place; allowed: {LARGEST_MISS_UM:g} um")
    if any(p.moving for p in record.pulses):
        found.append("the scanner moved during a pulse")
    if record.fault:
        found.append(f"fault {record.fault.get('name', '?')}: {record.fault.get('meaning', '')}")
    if record.conflicts:
        found.append(f"{record.conflicts} times two outputs drove one wire apart")
    if record.plan_name != record.host_plan_name:
        found.append(f"the board compiled {record.plan_name}, this computer {record.host_plan_name}")
    return found
