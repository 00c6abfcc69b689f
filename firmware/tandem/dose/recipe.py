"""Recipes: ordered passes over a lesion, what each may ask for, and the built-in recipes with their source.

A pass is one of three kinds. ``ps``: picosecond pulses at one place. ``co2``: a fractional CO2 scan. ``pair``: each
ps pulse followed by one CO2 pulse after a delay, spot after spot. Its pedal mode says what a press does: ``stamp``
delivers one pattern; ``repeat`` repeats the pattern while the pedal is held and the operator moves; ``combined`` passes
that stand next to each other are run by one press at one position, with both lasers (a pair is always combined).

Every field with its range and unit stands once, in `FIELDS`. Energies and fluences are those at the tissue.
"""

from tandem.dose.errors import BAD_FORMAT, CONFLICT, OUT_OF_RANGE, DataError
from tandem.dose.facts import presses
from tandem.dose.fields import (
    Choice,
    Count,
    Entry,
    Field,
    Flag,
    Quantity,
    Text,
    Words,
    name_field,
    parse_json,
    unknown_field,
)
from tandem.dose.optics import SHAPES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

FORMAT = 1
MOST_PASSES = 8
PEDAL_MODES = ("stamp", "repeat", "combined")
ORDERS = ("raster", "serpentine", "shuffle", "farthest")
LARGEST_SEED = 2147483646

WAVELENGTH = Quantity("wavelength_nm", "wavelength", "of the ps laser", "wavelength", 500, 1100, "nm")
FLUENCE = Quantity("fluence_uj_cm2", "fluence", "of one ps pulse", "fluence", 10000, 20000000, "J/cm2")
PS_SPOT = Quantity("ps_spot_um", "ps_spot", "diameter of the ps spot", "length", 1000, 20000, "mm")
PS_WIDTH = Quantity("ps_width_ps", "ps_width", "length of the ps light pulse", "time_ps", 10, 10000, "ps")
PULSES = Count("pulses", "pulses", "ps pulses in one pattern", 1, 2000)
CO2_ENERGY = Quantity("co2_energy_uj", "co2_energy", "of one CO2 pulse", "energy", 500, 300000, "mJ")
CO2_SPOT = Quantity("co2_spot_um", "co2_spot", "diameter of one CO2 spot", "length", 50, 3000, "um")
SHAPE = Choice("shape", "shape", "of the scan; point is one spot at its centre", SHAPES)
SIZE = Quantity(
    "size_um", "size", "side, diameter, or distance between corners or flats", "length", 200, 20000, "mm", None
)
DENSITY = Quantity("density_ppm", "density", "part of the area that spots cover", "ratio", 1000, 400000, "%", None)
PULSES_PER_SPOT = Count("pulses_per_spot", "pulses_per_spot", "pulses on each spot, one after the other", 1, 20, 1)
ORDER = Choice("order", "order", "in which the spots are visited", ORDERS, "raster")
SEED = Count("seed", "seed", "of the shuffle", 1, LARGEST_SEED, None)
RATE = Quantity("rate_mhz", "rate", "of the slots; instead of period", "rate", 40, 1000000, "Hz", None)
PERIOD = Quantity("period_us", "period", "of the slots; instead of rate", "time_us", 1000, 25000000, "ms", None)
DELAY = Quantity("delay_ns", "delay", "from the ps trigger or its sync to the gate", "time_ns", 1000, 10**10, "us")
DELAY_FROM = Choice("delay_from", "delay_from", "where the delay starts", ("trigger", "sync"), "trigger")
VERIFIED = Flag("verified", "verified", "the ps energy has to pass before the CO2 pulse of the pair", True)
PEDAL = Choice("pedal", "pedal", "what one press does", PEDAL_MODES)
REPEAT_EVERY = Quantity(
    "repeat_every_us",
    "repeat_every",
    "from pattern to pattern while the pedal is held",
    "time_us",
    200000,
    5000000,
    "s",
    None,
)
PATTERNS = Count("patterns_per_press", "patterns_per_press", "most patterns that one press gives", 1, 100, 1)
PRESSES = Count("presses", "presses", "most presses in this pass", 1, 1000, 100)
WARN = Quantity("warn_ppm", "warn", "deviation of energy that is shown", "ratio", 10000, 200000, "%", 100000)
STOP = Quantity("stop_ppm", "stop", "deviation of energy that stops", "ratio", 10000, 200000, "%", 200000)
NOT_IN_SOURCE = Words("not_in_source", "not_in_source", "fields that are the operator's choice, not the source's", ())

_PS = (WAVELENGTH, FLUENCE, PS_SPOT, PS_WIDTH)
_CO2 = (CO2_ENERGY, CO2_SPOT, SHAPE, SIZE, DENSITY, PULSES_PER_SPOT, ORDER, SEED)
_PULSES = (PULSES,)
_PAIR = (DELAY, DELAY_FROM, VERIFIED)
_EVERY = (RATE, PERIOD, PEDAL, REPEAT_EVERY, PATTERNS, PRESSES, WARN, STOP, NOT_IN_SOURCE)

FIELDS = _PS + _PULSES + _CO2 + _PAIR + _EVERY
"""Every field that a pass can have; each kind of pass takes some of them."""


class Pass(Entry):
    """What the three kinds of passes share. ``kind`` is "ps", "co2" or "pair"."""

    FIELDS: "tuple[Field, ...]" = _EVERY
    WHAT = "pass"
    kind = ""
    rate_mhz: "int | None"
    period_us: "int | None"
    pedal: str
    repeat_every_us: "int | None"
    patterns_per_press: int
    presses: int
    warn_ppm: int
    stop_ppm: int
    not_in_source: "tuple[str, ...]"

    def facts(self) -> "Any":
        """Return the values alone, the kind too."""
        bare = super().facts()
        bare.kind = self.kind
        return bare

    @classmethod
    def owner(cls, values: "dict[str, Any]") -> str:
        """Return how messages call a pass of this kind."""
        return cls.kind + " pass"

    def check(self, owner: str) -> None:
        """Raise DataError when rate and period, pedal mode, window or notes contradict each other."""
        if (self.rate_mhz is None) == (self.period_us is None):
            raise DataError(CONFLICT, f"{owner}: give either rate or period, not both and not neither")
        if self.pedal == "repeat":
            self.require_given(owner, ("repeat_every_us",), "pedal mode repeat")
        else:
            self.refuse_given(owner, ("repeat_every_us",), "is only for pedal mode repeat")
            if self.patterns_per_press != 1:
                message = "{}: patterns_per_press is {}, but only pedal mode repeat gives more than 1; leave it out"
                raise DataError(CONFLICT, message.format(owner, self.patterns_per_press))
        if self.warn_ppm > self.stop_ppm:
            message = "{}: warn {} is more than stop {}; give a warn up to the stop"
            raise DataError(CONFLICT, message.format(owner, WARN.show(self.warn_ppm), STOP.show(self.stop_ppm)))
        for key in self.not_in_source:
            if key not in [field.key for field in self.FIELDS]:
                message = "{}: not_in_source names '{}', which is no field of this pass; take it out"
                raise DataError(OUT_OF_RANGE, message.format(owner, key[:40]))


class PsPass(Pass):
    """Picosecond pulses at one place: ``pulses`` in a pattern."""

    FIELDS = _PS + _PULSES + _EVERY
    kind = "ps"
    wavelength_nm: int
    fluence_uj_cm2: int
    ps_spot_um: int
    ps_width_ps: int
    pulses: int


def _check_scan(step: "Co2Pass | PairPass", owner: str) -> None:
    if step.shape == "point":
        step.refuse_given(owner, ("size_um", "density_ppm"), "has no meaning for shape point")
    else:
        step.require_given(owner, ("size_um", "density_ppm"), "shape " + step.shape)
    if step.order == "shuffle":
        step.require_given(owner, ("seed",), "order shuffle")
    else:
        step.refuse_given(owner, ("seed",), "is only for order shuffle")


class Co2Pass(Pass):
    """A fractional CO2 scan: ``pulses_per_spot`` on each of the spots that shape, size and density give."""

    FIELDS = _CO2 + _EVERY
    kind = "co2"
    co2_energy_uj: int
    co2_spot_um: int
    shape: str
    size_um: "int | None"
    density_ppm: "int | None"
    pulses_per_spot: int
    order: str
    seed: "int | None"

    def check(self, owner: str) -> None:
        """Raise DataError when the scan's fields contradict each other."""
        super().check(owner)
        _check_scan(self, owner)


class PairPass(Pass):
    """Pairs of one ps and one CO2 pulse: as many pairs as a co2 pass of the same scan has pulses."""

    FIELDS = _PS + _CO2 + _PAIR + _EVERY
    kind = "pair"
    wavelength_nm: int
    fluence_uj_cm2: int
    ps_spot_um: int
    ps_width_ps: int
    co2_energy_uj: int
    co2_spot_um: int
    shape: str
    size_um: "int | None"
    density_ppm: "int | None"
    pulses_per_spot: int
    order: str
    seed: "int | None"
    delay_ns: int
    delay_from: str
    verified: bool

    def check(self, owner: str) -> None:
        """Raise DataError when scan fields contradict each other, or the pedal mode is not combined."""
        super().check(owner)
        _check_scan(self, owner)
        if self.pedal != "combined":
            message = "{}: pedal is {}, but a pair uses both lasers; give combined"
            raise DataError(CONFLICT, message.format(owner, self.pedal))


KINDS = {"ps": PsPass, "co2": Co2Pass, "pair": PairPass}

_NAME = name_field("of the recipe")
_SOURCE = Text("source", "source", "publication the settings come from", 0, 200, "", "")
_REMARK = Text("remark", "remark", "what the operator should know", 0, 300, "", "")


class Recipe(Entry):
    """A named, ordered list of passes. ``passes`` is a tuple of `PsPass`, `Co2Pass`, `PairPass`."""

    FIELDS = (_NAME, _SOURCE, _REMARK)
    WHAT = "recipe"
    name: str
    source: str
    remark: str

    def __init__(self, passes: "tuple[Pass, ...]", **values: "Any") -> None:
        super().__init__(**values)
        self.passes = tuple(passes)
        if not 1 <= len(self.passes) <= MOST_PASSES:
            message = "recipe {} has {} passes; allowed: 1 to {}"
            raise DataError(OUT_OF_RANGE, message.format(self.name, len(self.passes), MOST_PASSES))
        for press in self.presses():
            first = self.passes[press[0]]
            if len(press) == 1 and first.pedal == "combined" and first.kind != "pair":
                message = (
                    "recipe {}: pass {} is combined but stands alone; put the passes of one press together, or stamp"
                )
                raise DataError(CONFLICT, message.format(self.name, press[0] + 1))

    def changed(self, **values: "Any") -> "Recipe":
        """Return a new recipe with these fields, or ``passes``, changed and checked."""
        merged: dict[str, Any] = {field.name: value for field, value in self.given()}
        merged["passes"] = self.passes
        merged.update(values)
        return Recipe(**merged)

    def presses(self) -> "tuple[tuple[int, ...], ...]":
        """Return which passes (indices from 0) one press runs: combined passes that stand together, others alone."""
        return presses(self.passes)

    def facts(self) -> "Any":
        """Return the values alone, passes too."""
        bare = super().facts()
        bare.passes = tuple([step.facts() for step in self.passes])
        return bare


def loads(text: str) -> Recipe:
    """Return the recipe in JSON ``text``. DataError says what is wrong; then nothing of it was taken."""
    data = parse_json(text, "the recipe")
    if not isinstance(data, dict):
        raise DataError(BAD_FORMAT, "the recipe is not a JSON object; give format, name and passes")
    known = ("format", "name", "source", "remark", "passes")
    for key in sorted(data):
        if key not in known:
            raise unknown_field("recipe", key, known)
    if data.get("format") != FORMAT or data["format"] is True:
        message = "the recipe's format is {}; this firmware reads format {}: convert the recipe"
        raise DataError(BAD_FORMAT, message.format(repr(data.get("format"))[:40], FORMAT))
    listed = data.get("passes")
    if not isinstance(listed, list) or not 1 <= len(listed) <= MOST_PASSES:
        raise DataError(BAD_FORMAT, f"the recipe's passes are not a list of 1 to {MOST_PASSES} passes")
    passes = tuple([_read_pass(number, listed[number - 1]) for number in range(1, len(listed) + 1)])
    values = {key: data[key] for key in ("name", "source", "remark") if key in data}
    return Recipe(passes, **values)


def _read_pass(number: int, data: "Any") -> Pass:
    if not isinstance(data, dict):
        raise DataError(BAD_FORMAT, f"pass {number} is not an object with fields")
    kind = data.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        message = "pass {}: kind is {}; allowed: ps, co2, pair"
        raise DataError(OUT_OF_RANGE, message.format(number, repr(kind)[:40]))
    fields = {key: data[key] for key in data if key != "kind"}
    try:
        return KINDS[kind].from_json(fields)
    except DataError as error:
        raise DataError(error.number, f"pass {number}, {error}") from None


def dumps(recipe: Recipe) -> str:
    """Return the recipe as JSON text, always the same for the same recipe; `loads` reads it back to equal fields."""
    lines = [f'"format": {FORMAT}']
    lines.extend(recipe.json_lines())
    passes = []
    for step in recipe.passes:
        members = [f'"kind": "{step.kind}"']
        members.extend(step.json_lines())
        passes.append("    {\n      " + ",\n      ".join(members) + "\n    }")
    lines.append('"passes": [\n' + ",\n".join(passes) + "\n  ]")
    return "{\n  " + ",\n  ".join(lines) + "\n}\n"


SOURCE = "Abrouk, Nousari, Waibel, JAAD Case Reports 2020;6:852-3"
_OPEN = "The source leaves open: number and rate of the ps pulses, the scan's shape, order and pedal modes."


def _ps(pedal: str) -> PsPass:
    repeat = {"repeat_every_us": 2000000, "patterns_per_press": 20} if pedal == "repeat" else {}
    chosen = ("pulses", "rate", "pedal", "presses") + (("repeat_every", "patterns_per_press") if repeat else ())
    return PsPass(
        wavelength_nm=1064,
        fluence_uj_cm2=760000,
        ps_spot_um=10000,
        ps_width_ps=800,
        pulses=5,
        rate_mhz=5000,
        pedal=pedal,
        not_in_source=chosen,
        **repeat,
    )


def _co2(energy_uj: int, pedal: str) -> Co2Pass:
    return Co2Pass(
        co2_energy_uj=energy_uj,
        co2_spot_um=120,
        shape="square",
        size_um=2000,
        density_ppm=30000,
        pulses_per_spot=1,
        rate_mhz=200000,
        pedal=pedal,
        not_in_source=("shape", "order", "pedal", "presses"),
    )


def calcinosis_1() -> Recipe:
    """Return the published session: the ps pass held and moved over the lesion, then the CO2 scan stamped."""
    return Recipe((_ps("repeat"), _co2(90000, "stamp")), name="calcinosis-1", source=SOURCE, remark=_OPEN)


def calcinosis_1_combined() -> Recipe:
    """Return the same session at one position: one press gives the ps pulses and then at once the CO2 scan."""
    passes = (_ps("combined"), _co2(90000, "combined"))
    return Recipe(passes, name="calcinosis-1-combined", source=SOURCE, remark=_OPEN)


def calcinosis_2() -> Recipe:
    """Return the published second session, a month later: the CO2 energy is 130 mJ, the rest as before."""
    remark = "A month after calcinosis-1. " + _OPEN
    return Recipe((_ps("repeat"), _co2(130000, "stamp")), name="calcinosis-2", source=SOURCE, remark=remark)


BUILT_IN = {
    "calcinosis-1": calcinosis_1,
    "calcinosis-1-combined": calcinosis_1_combined,
    "calcinosis-2": calcinosis_2,
}
"""Built-in recipes by name; each is made when asked for, so that unused ones take no memory. List them sorted."""
