"""Laser profiles: what a laser needs at its interface, what it allows, and where each figure comes from.

A profile is data. There is no polarity in it: at the board every trigger is active high and low is safe; inversion is
the external driver's. Built in are generic profiles with example figures, to be replaced by figures measured on the
laser. No compatibility with any make is claimed: trigger interfaces of medical lasers are seldom public.

Energies are those that the laser must give before the handpiece's loss.
"""

from tandem.dose.errors import CONFLICT, MISSING_FIELD, UNKNOWN_FIELD, DataError
from tandem.dose.facts import Profile
from tandem.dose.fields import (
    Choice,
    Curve,
    Entry,
    Field,
    Many,
    Notes,
    Quantity,
    Text,
    entry_json,
    name_field,
    parse_json,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

TRIGGERS = ("one_trigger", "lamp_qswitch", "gate")

_LIGHT_ENERGY = Quantity("energy_uj", "energy", "of one pulse", "energy", 100, 10000000, "mJ")
_GATE_TIME = Quantity("gate_ns", "gate", "width of the gate", "time_ns", 1000, 10000000, "us")

FIELDS = (
    name_field("of the profile"),
    Text("note", "note", "for people", 0, 200, "", ""),
    Choice("laser", "laser", "which of the two lasers", ("ps", "co2")),
    Choice("trigger", "trigger", "what makes a pulse", TRIGGERS),
    Many(Quantity("wavelengths_nm", "wavelengths", "offered", "wavelength", 200, 12000, "nm"), 4),
    Many(Quantity("widths_ps", "widths", "of the light pulse, offered", "time_ps", 10, 10000, "ps"), 8, None),
    Quantity("energy_low_uj", "energy_low", "least pulse energy", "energy", 100, 10000000, "mJ"),
    Quantity("energy_high_uj", "energy_high", "greatest pulse energy", "energy", 100, 10000000, "mJ"),
    Quantity("fire_width_ns", "fire_width", "of the only trigger", "time_ns", 1000, 1000000, "us", None),
    Quantity("qsw_width_ns", "qsw_width", "of the Q-switch trigger", "time_ns", 1000, 1000000, "us", None),
    Quantity("qsw_delay_us", "qsw_delay", "from lamp to Q-switch trigger", "time_us", 100, 999, "us", None),
    Quantity("lamp_rate_mhz", "lamp_rate", "at which the lamps are in balance", "rate", 100, 1000000, "Hz", None),
    Quantity("lamp_tolerance_ppm", "lamp_tolerance", "of the lamp rate", "ratio", 0, 500000, "%", None),
    Quantity("max_rate_mhz", "max_rate", "greatest rate of triggers", "rate", 100, 10000000, "Hz"),
    Quantity("gate_low_ns", "gate_low", "shortest gate", "time_ns", 1000, 10000000, "us", None),
    Quantity("gate_high_ns", "gate_high", "longest gate", "time_ns", 1000, 10000000, "us", None),
    Curve("curve", "curve", "energy and the gate that gives it", _LIGHT_ENERGY, _GATE_TIME, 16, None),
    Quantity("average_power_mw", "average_power", "greatest mean power of a train", "power", 10, 10000000, "W"),
    Quantity("internal_delay_ns", "internal_delay", "from trigger to light", "time_ns", 0, 1000000, "us"),
    Quantity("internal_jitter_ns", "internal_jitter", "of that delay, to each side", "time_ns", 0, 1000000, "us"),
    Quantity("tail_us", "tail", "how long light may go on after the trigger", "time_us", 0, 10000, "us"),
    Choice("sync", "sync", "whether the laser answers with a sync pulse", ("none", "at")),
    Quantity("sync_at_ns", "sync_at", "from trigger to sync", "time_ns", 0, 10000000, "us", None),
    Quantity(
        "sync_window_ns", "sync_window", "deviation of the sync, to each side", "time_ns", 8, 10000000, "us", None
    ),
    Choice("ready", "ready", "the ready line: absent, steady, or gone after each shot", ("none", "steady", "per_shot")),
    Quantity("ready_within_us", "ready_within", "from trigger until ready again", "time_us", 1, 10000000, "ms", None),
    Choice("fault", "fault", "the fault line", ("none", "closed_ok", "open_ok")),
    Choice("pickoff", "pickoff", "where the energy is taken, seen from the shutter", ("before", "after")),
    Quantity("shutter_us", "shutter", "its time to open, or to close", "time_us", 1000, 2000000, "ms"),
    Choice("scanner", "scanner", "what moves the spots", ("none", "stepped", "xy")),
    Quantity("scan_step_us", "scan_step", "time of the longest move", "time_us", 10, 1000000, "us", None),
    Quantity("scan_settle_us", "scan_settle", "from its end until in position", "time_us", 0, 1000000, "us", None),
    Quantity(
        "scan_field_um", "scan_field", "side of the field for which both times hold", "length", 500, 60000, "mm", None
    ),
    Quantity("power_up_us", "power_up", "wait after power-up", "time_us", 0, 600000000, "s"),
    Notes("sources", "sources", "where each figure comes from", ()),
)

_OF_TRIGGER = {
    "one_trigger": ("fire_width_ns", "widths_ps"),
    "lamp_qswitch": ("qsw_width_ns", "qsw_delay_us", "lamp_rate_mhz", "lamp_tolerance_ppm", "widths_ps"),
    "gate": ("gate_low_ns", "gate_high_ns", "curve"),
}
_OF_SYNC = ("sync_at_ns", "sync_window_ns")
_OF_SCANNER = ("scan_step_us", "scan_settle_us", "scan_field_um")


class Laser(Entry, Profile):
    """One laser's profile: an attribute for each of `FIELDS`, None where it does not apply."""

    FIELDS: "tuple[Field, ...]" = FIELDS
    BARE = Profile
    WHAT = "laser profile"
    name: str
    note: str
    laser: str
    trigger: str
    wavelengths_nm: "tuple[int, ...]"
    widths_ps: "tuple[int, ...] | None"
    energy_low_uj: int
    energy_high_uj: int
    fire_width_ns: "int | None"
    qsw_width_ns: "int | None"
    qsw_delay_us: "int | None"
    lamp_rate_mhz: "int | None"
    lamp_tolerance_ppm: "int | None"
    max_rate_mhz: int
    gate_low_ns: "int | None"
    gate_high_ns: "int | None"
    curve: "tuple[tuple[int, int], ...] | None"
    average_power_mw: int
    internal_delay_ns: int
    internal_jitter_ns: int
    tail_us: int
    sync: str
    sync_at_ns: "int | None"
    sync_window_ns: "int | None"
    ready: str
    ready_within_us: "int | None"
    fault: str
    pickoff: str
    shutter_us: int
    scanner: str
    scan_step_us: "int | None"
    scan_settle_us: "int | None"
    scan_field_um: "int | None"
    power_up_us: int
    sources: "tuple[tuple[str, str], ...]"

    def check(self, owner: str) -> None:
        """Raise DataError when the profile contradicts itself, or a figure has no source."""
        wanted = "co2" if self.trigger == "gate" else "ps"
        if self.laser != wanted:
            raise _conflict(owner, f"trigger {self.trigger} is for the {wanted} laser, not {self.laser}", "change one")
        self._check_groups(owner)
        if self.energy_low_uj > self.energy_high_uj:
            raise _conflict(owner, "energy_low is above energy_high", "swap them")
        if self.sync == "at" and self.number("sync_window_ns") > self.number("sync_at_ns"):
            raise _conflict(
                owner, "sync_window is longer than sync_at, so a sync could precede its trigger", "narrow it"
            )
        if self.scanner != "none" and self.laser != "co2":
            raise _conflict(owner, "a scanner is the CO2 laser's", "give scanner none")
        if self.curve is not None:
            self._check_curve(owner, self.curve)
        self._check_sources(owner)

    def _check_groups(self, owner: str) -> None:
        for trigger in TRIGGERS:
            names = _OF_TRIGGER[trigger]
            if trigger == self.trigger:
                self.require_given(owner, names, "trigger " + trigger)
            else:
                foreign = tuple([name for name in names if name not in _OF_TRIGGER[self.trigger]])
                self.refuse_given(owner, foreign, "does not go with trigger " + self.trigger)
        for name, off, names in (("sync", "none", _OF_SYNC), ("scanner", "none", _OF_SCANNER)):
            chosen = getattr(self, name)
            if chosen == off:
                self.refuse_given(owner, names, f"does not go with {name} {off}")
            else:
                self.require_given(owner, names, f"{name} {chosen}")
        if self.ready == "per_shot":
            self.require_given(owner, ("ready_within_us",), "ready per_shot")
        else:
            self.refuse_given(owner, ("ready_within_us",), "is only for ready per_shot")

    def _check_curve(self, owner: str, curve: "tuple[tuple[int, int], ...]") -> None:
        low, high = self.number("gate_low_ns"), self.number("gate_high_ns")
        if curve[0][1] < low or curve[-1][1] > high:
            asked = (
                f"the curve's gates, {curve[0][1]} to {curve[-1][1]} ns, leave gate_low to gate_high, {low} to {high}"
            )
            raise _conflict(owner, asked, "take the points outside away")
        if self.energy_low_uj < curve[0][0] or self.energy_high_uj > curve[-1][0]:
            asked = f"energy_low to energy_high leave the curve, {curve[0][0]} to {curve[-1][0]} uJ"
            raise _conflict(owner, asked, "give energies on the curve")

    def _check_sources(self, owner: str) -> None:
        """Every figure that the profile gives has its source, and every source belongs to a figure."""
        noted = [key for key, _ in self.sources]
        figures = [f.key for f, _ in self.given() if isinstance(f, (Quantity, Many, Curve))]
        for key in figures:
            if key not in noted:
                raise DataError(
                    MISSING_FIELD, f"{owner}: sources says nothing of {key}; say where the figure comes from"
                )
        for key in noted:
            if key not in figures:
                raise DataError(UNKNOWN_FIELD, f"{owner}: sources names '{key}', which is no figure here; take it out")


def _conflict(owner: str, what: str, to_do: str) -> DataError:
    return DataError(CONFLICT, f"{owner}: {what}; {to_do}")


def loads(text: str) -> Laser:
    """Return the profile in JSON ``text``. DataError says what is wrong; then nothing of it was taken."""
    return Laser.from_json(parse_json(text, "the laser profile"))


def dumps(laser: Laser) -> str:
    """Return the profile as JSON text."""
    return entry_json(laser)


_EXAMPLE = "example, not of any make: measure it on the laser"
_USUAL = "usual for such an interface; check the laser's manual"


def _sources(usual: "tuple[str, ...]", example: "tuple[str, ...]", **known: str) -> "tuple[tuple[str, str], ...]":
    notes = [(key, _USUAL) for key in usual] + [(key, _EXAMPLE) for key in example]
    return tuple(sorted(notes + [(key, known[key]) for key in known]))


_PS_EXAMPLE = (
    "energy_low",
    "energy_high",
    "average_power",
    "internal_delay",
    "internal_jitter",
    "sync_at",
    "sync_window",
    "shutter",
)
_LAMP_EXAMPLE = ("lamp_rate",)
_SESSION = "settings of the published session"


def _ps(name: str, trigger: str, **values: "Any") -> Laser:
    return Laser(
        name=name,
        laser="ps",
        trigger=trigger,
        wavelengths_nm=(1064,),
        widths_ps=(800,),
        energy_low_uj=20000,
        energy_high_uj=800000,
        average_power_mw=10000,
        internal_delay_ns=1000,
        internal_jitter_ns=200,
        tail_us=0,
        sync="at",
        sync_at_ns=1000,
        sync_window_ns=400,
        ready="steady",
        fault="closed_ok",
        pickoff="after",
        shutter_us=250000,
        scanner="none",
        power_up_us=10000000,
        **values,
    )


def generic_ps_1064() -> Laser:
    """Return a generic 1064 nm picosecond laser with one trigger (seeded amplifier that times its own lamps)."""
    return _ps(
        "generic-ps-1064",
        "one_trigger",
        fire_width_ns=10000,
        max_rate_mhz=10000,
        sources=_sources(
            ("fire_width", "max_rate", "tail", "power_up"), _PS_EXAMPLE, wavelengths=_SESSION, widths=_SESSION
        ),
    )


def generic_ps_1064_lamp() -> Laser:
    """Return a generic 1064 nm laser with a lamp trigger and a Q-switch trigger."""
    return _ps(
        "generic-ps-1064-lamp",
        "lamp_qswitch",
        qsw_width_ns=10000,
        qsw_delay_us=170,
        lamp_rate_mhz=5000,
        lamp_tolerance_ppm=100000,
        max_rate_mhz=10000,
        sources=_sources(
            ("qsw_width", "lamp_tolerance", "max_rate", "tail", "power_up"),
            _PS_EXAMPLE + _LAMP_EXAMPLE,
            qsw_delay="two thirds of a 250 us lamp pulse",
            wavelengths=_SESSION,
            widths=_SESSION,
        ),
    )


def generic_co2_240w() -> Laser:
    """Return a generic RF-excited CO2 laser of 240 W peak power with an xy scanner."""
    return Laser(
        name="generic-co2-240w",
        laser="co2",
        trigger="gate",
        wavelengths_nm=(10600,),
        energy_low_uj=2400,
        energy_high_uj=240000,
        gate_low_ns=3500,
        gate_high_ns=1000000,
        curve=((2400, 10000), (24000, 100000), (90000, 375000), (130000, 541667), (240000, 1000000)),
        max_rate_mhz=1000000,
        average_power_mw=60000,
        internal_delay_ns=0,
        internal_jitter_ns=0,
        tail_us=150,
        sync="none",
        ready="steady",
        fault="closed_ok",
        pickoff="after",
        shutter_us=250000,
        scanner="xy",
        scan_step_us=1000,
        scan_settle_us=500,
        scan_field_um=10000,
        power_up_us=200000,
        sources=_sources(
            ("wavelengths", "max_rate", "power_up"),
            (
                "energy_low",
                "energy_high",
                "average_power",
                "internal_delay",
                "internal_jitter",
                "scan_step",
                "scan_settle",
                "scan_field",
                "shutter",
            ),
            gate_low="shortest gate of a common RF laser controller",
            gate_high="a millisecond, below the external one-shot of 1.2 ms",
            curve="240 W times the gate's width; calibrate with an energy meter at the tip",
            tail="rise and fall of RF-excited lasers are 75 to 150 us",
        ),
    )


BUILT_IN = {
    "generic-ps-1064": generic_ps_1064,
    "generic-ps-1064-lamp": generic_ps_1064_lamp,
    "generic-co2-240w": generic_co2_240w,
}
"""Built-in generic profiles by name; each is made when asked for."""
