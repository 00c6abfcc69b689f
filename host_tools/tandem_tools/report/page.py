"""The report as one self-contained page."""

from __future__ import annotations

from pathlib import Path

from markupsafe import Markup

from tandem_tools.templating import environment

from .measure import NAMES, measure, ms_text, spacing_text
from .pictures import DARK, VARIABLES, energy_svg, spots_svg, timing_svg
from .record import SessionRecord
from .table import shot_rows

WIDE_IN = 10.4
NARROW_IN = 4.3
SPOTS_IN = 4.6


def write_page(record: SessionRecord, path: Path) -> Path:
    """Write the report of a session as one HTML file that needs nothing else; return its path."""
    templates = environment(Path(__file__).parent / "templates")
    measured = measure(record)
    text = templates.get_template("report.html").render(
        record=record,
        measured=measured,
        tiles=_tiles(record),
        rows=shot_rows(record),
        timing=_two_widths(timing_svg(record, WIDE_IN), timing_svg(record, NARROW_IN)),
        energy=_two_widths(energy_svg(record, WIDE_IN), energy_svg(record, NARROW_IN)),
        spots=Markup(spots_svg(record, SPOTS_IN)) if any(p.positions for p in record.passes) else "",
        light={name: colour for colour, name in VARIABLES.items()},
        dark=DARK,
    )
    path.write_text(text)
    return path


def _two_widths(wide: str, narrow: str) -> Markup:
    """Return both drawings; the style sheet shows the one that fits. SVG text that we drew ourselves is safe."""
    return Markup('<div class="wide">{}</div><div class="narrow">{}</div>').format(Markup(wide), Markup(narrow))


def _tiles(record: SessionRecord) -> list[dict[str, str]]:
    """Return the figures to be seen at a glance."""
    measured = measure(record)
    tiles = []
    for laser, name in NAMES.items():
        spacings = measured.spacings_cycles[laser]
        equal = len(set(spacings)) == 1
        count = f"{measured.triggers[laser]} of {record.planned(laser)}"
        tiles.append({"value": count, "label": f"{name} shots fired", "laser": laser})
        if spacings:
            cycles = f"all {len(spacings)} spacings equal to the cycle" if equal else f"{len(spacings)} spacings differ"
            label = f"between {name} shots; {cycles}"
            tiles.append({"value": spacing_text(spacings, record.clock_hz), "label": label, "laser": laser})
    if measured.misses_um:
        label = f"different places; the farthest {max(measured.misses_um):.1f} um from its plan"
        tiles.append({"value": str(measured.places), "label": label, "laser": "co2"})
    if measured.ps_to_co2_cycles is not None:
        value = ms_text(measured.ps_to_co2_cycles, record.clock_hz)
        tiles.append({"value": value, "label": "from the last ps trigger to the first CO2 gate", "laser": ""})
    return tiles
