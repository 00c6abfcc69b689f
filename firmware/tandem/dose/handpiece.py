"""Handpiece entries: what a tip, recognised by the voltage of its identification line, offers to each laser."""

from tandem.dose.errors import CONFLICT, DataError
from tandem.dose.fields import Entry, Field, Many, Quantity, Text, entry_json, name_field, parse_json

FIELDS = (
    name_field("of the handpiece"),
    Text("note", "note", "for people", 0, 200, "", ""),
    Quantity("id_low_mv", "id_low", "least voltage of its identification", "voltage", 100, 3200, "V"),
    Quantity("id_high_mv", "id_high", "greatest voltage of its identification", "voltage", 100, 3200, "V"),
    Many(Quantity("wavelengths_nm", "wavelengths", "that it passes", "wavelength", 200, 12000, "nm"), 8),
    Many(Quantity("ps_spots_um", "ps_spots", "spot diameters for the ps laser", "length", 1000, 20000, "mm"), 12, None),
    Many(Quantity("co2_spots_um", "co2_spots", "spot diameters for the CO2 laser", "length", 50, 3000, "um"), 12, None),
    Quantity("scan_field_um", "scan_field", "side of the square that spots may use", "length", 500, 60000, "mm", None),
    Quantity(
        "scan_range_um", "scan_range", "what the scanner's 12 bits span at the tissue", "length", 500, 60000, "mm", None
    ),
    Quantity("ps_transmission_ppm", "ps_transmission", "at the ps wavelengths", "ratio", 100000, 1000000, "%", None),
    Quantity("co2_transmission_ppm", "co2_transmission", "at the CO2 wavelength", "ratio", 100000, 1000000, "%", None),
)

_OF_PS = ("ps_spots_um", "ps_transmission_ppm")
_OF_CO2 = ("co2_spots_um", "scan_field_um", "scan_range_um", "co2_transmission_ppm")


class Handpiece(Entry):
    """One tip. Fields for a laser that it does not serve are all None. Scanner codes 0..4095 span ``scan_range_um``."""

    FIELDS: "tuple[Field, ...]" = FIELDS
    WHAT = "handpiece"
    name: str
    note: str
    id_low_mv: int
    id_high_mv: int
    wavelengths_nm: "tuple[int, ...]"
    ps_spots_um: "tuple[int, ...] | None"
    co2_spots_um: "tuple[int, ...] | None"
    scan_field_um: "int | None"
    scan_range_um: "int | None"
    ps_transmission_ppm: "int | None"
    co2_transmission_ppm: "int | None"

    def check(self, owner: str) -> None:
        """Raise DataError when the fields of a laser are incomplete, or a window or field is inside out."""
        if self.id_low_mv >= self.id_high_mv:
            raise DataError(CONFLICT, f"{owner}: id_low is not below id_high; give the lower voltage first")
        for laser, names in (("the ps laser", _OF_PS), ("the CO2 laser", _OF_CO2)):
            if any(getattr(self, name) is not None for name in names):
                self.require_given(owner, names, laser)
        if self.ps_spots_um is None and self.co2_spots_um is None:
            raise DataError(
                CONFLICT, f"{owner}: it serves neither laser; give ps_spots or co2_spots and what goes with it"
            )
        if (self.scan_field_um or 0) > (self.scan_range_um or 0):
            raise DataError(
                CONFLICT, f"{owner}: scan_field is larger than scan_range, so codes end inside it; shrink it"
            )


def check_apart(entries: "tuple[Handpiece, ...]") -> None:
    """Raise DataError when two entries have the same name or could answer to the same identification voltage."""
    for index in range(len(entries)):
        for other in entries[:index]:
            one = entries[index]
            if one.name == other.name:
                raise DataError(CONFLICT, f"two handpieces are called {one.name}; rename one")
            if one.id_low_mv <= other.id_high_mv and other.id_low_mv <= one.id_high_mv:
                message = f"handpieces {other.name} and {one.name} share identification voltages; move one window"
                raise DataError(CONFLICT, message)


def choose(entries: "tuple[Handpiece, ...]", id_mv: int) -> "Handpiece | None":
    """Return the entry whose window holds the measured identification voltage, None when there is none."""
    for entry in entries:
        if entry.id_low_mv <= id_mv <= entry.id_high_mv:
            return entry
    return None


def loads(text: str) -> Handpiece:
    """Return the entry in JSON ``text``. DataError says what is wrong; then nothing of it was taken."""
    return Handpiece.from_json(parse_json(text, "the handpiece entry"))


def dumps(handpiece: Handpiece) -> str:
    """Return the entry as JSON text."""
    return entry_json(handpiece)


def generic_combined() -> Handpiece:
    """Return an example of a tip for both lasers; its energies are calibrated at the tip, hence transmission 100 %."""
    return Handpiece(
        name="generic-combined",
        id_low_mv=1100,
        id_high_mv=1300,
        wavelengths_nm=(1064, 10600),
        ps_spots_um=(4000, 6000, 8000, 10000),
        co2_spots_um=(120, 1250),
        scan_field_um=10000,
        scan_range_um=12000,
        ps_transmission_ppm=1000000,
        co2_transmission_ppm=1000000,
    )


def generic_ps() -> Handpiece:
    """Return an example of a tip for the ps laser alone."""
    return Handpiece(
        name="generic-ps",
        id_low_mv=1900,
        id_high_mv=2100,
        wavelengths_nm=(532, 1064),
        ps_spots_um=(2000, 3000, 4000, 5000, 6000, 8000, 10000),
        ps_transmission_ppm=1000000,
    )


def generic_co2() -> Handpiece:
    """Return an example of a tip for the CO2 laser alone."""
    return Handpiece(
        name="generic-co2",
        id_low_mv=500,
        id_high_mv=700,
        wavelengths_nm=(10600,),
        co2_spots_um=(120, 300, 1250),
        scan_field_um=15000,
        scan_range_um=16000,
        co2_transmission_ppm=1000000,
    )


BUILT_IN = {
    "generic-combined": generic_combined,
    "generic-ps": generic_ps,
    "generic-co2": generic_co2,
}
"""Built-in example entries by name; each is made when asked for."""
