"""Draws the wires of a stand as SVG: the controller's chips on the left, the rig's on the right, one line a wire.

The order of the rows lets every chip be one box: drivers, then the Picos, converter and selector, and the registers.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Literal

import schemdraw
from schemdraw import elements

from tandem_tools.bench.stand import board_constants

from .wiring import Wire, Wiring, rig_constants

ROW = 0.62
"""Height of a row, in units of 36 SVG points."""
ROWS_BETWEEN = 3
"""From the last row of a group to the first of the next, in which titles stand."""
BOX, LEFT, RIGHT = 3.3, 6.1, 24.3
"""Width of a box, and where the wires begin and end."""
SERIES, PART, AWAY = 0.55, 5.6, 0.4
"""Width of a resistor's box and of one with words, and how far they are away from a wire's end."""
SIGNAL_PT, NOTE_PT, PIN_PT, TITLE_PT, HEADING_PT = 11, 10, 10, 12, 15
LABEL_RISE = 0.1
"""How much higher than asked schemdraw puts a label."""
GREY, WIRE_COLOUR, BOX_FILL, PART_FILL = "#555555", "#1f4e79", "#eef3f8", "#fff4d6"
Align = Literal["left", "center", "right"]
_SERIES = re.compile(r"1 kOhm at the (controller|rig)[;,]?\s*")
_PART = re.compile(r"(relay|74HC4066 by \w+|NPN transistor|high-side switch)")

_CHIPS = (
    ("driver.", "drivers", "GP", "Pico"),
    ("GP", "Pico", "GP", "Pico"),
    ("GP", "Pico", "DAC", "MCP4922"),
    ("GP", "Pico", "MUX", "74HC4051"),
    ("GP", "Pico", "OUT", "3 x 74HC595"),
    ("RUN", "Pico", "OUT", "3 x 74HC595"),
    ("SUPPLY", "Pico", "OUT", "3 x 74HC595"),
    ("IN", "2 x 74HC165", "OUT", "3 x 74HC595"),
    ("OUT", "2 x 74HC595", "IN", "2 x 74HC165"),
)
"""How terminals begin and which chip they are of, at the controller and at the rig, in the order of the groups."""


@dataclass(frozen=True)
class _Row:
    """One wire, its row counted from the top, and the chips at its ends."""

    wire: Wire
    row: int
    controller_chip: str
    rig_chip: str

    @property
    def y(self) -> float:
        """Height in the drawing, which grows upwards."""
        return -ROW * self.row


def draw(wiring: Wiring) -> str:
    """Return the drawing of a stand's wires as the text of an SVG, which depends on the wiring alone."""
    schemdraw.use("svg")
    rows = _rows(wiring)
    sheet = schemdraw.Drawing(show=False)
    sheet.config(font="sans-serif", lw=1.2, margin=0.4, bgcolor="white")
    board, pins = board_constants(), rig_constants()
    heading = f"Stand {wiring.name}: wires between controller (left) and rig (right). An empty box is 1 kOhm in series."
    _text(sheet, (LEFT - BOX, 2 * ROW + 0.5), heading, HEADING_PT, "left")
    for chip, own in itertools.groupby(rows, key=lambda row: row.controller_chip):
        _box(sheet, f"controller: {chip}", list(own), _controller_bus(chip, board), left=True)
    for chip, own in itertools.groupby(rows, key=lambda row: row.rig_chip):
        _box(sheet, f"rig: {chip}", list(own), _rig_bus(chip, pins), left=False)
    for row in rows:
        _wire(sheet, row)
    return sheet.get_imagedata("svg").decode() + "\n"


def _rows(wiring: Wiring) -> list[_Row]:
    """Return the wires by groups, from the top; with room between where either chip changes."""
    rows: list[_Row] = []
    for wire in sorted(wiring.wires, key=_group):
        _, controller_chip, _, rig_chip = _CHIPS[_group(wire)]
        number = 0
        if rows:
            same = (rows[-1].controller_chip, rows[-1].rig_chip) == (controller_chip, rig_chip)
            number = rows[-1].row + (1 if same else ROWS_BETWEEN)
        rows.append(_Row(wire, number, controller_chip, rig_chip))
    return rows


def _group(wire: Wire) -> int:
    for number, (controller, _, rig, _) in enumerate(_CHIPS):
        if wire.controller.startswith(controller) and wire.rig.startswith(rig):
            return number
    raise ValueError(f"{wire.signal}: a wire from {wire.controller} to {wire.rig} has no place in the drawing")


def _box(sheet: schemdraw.Drawing, title: str, rows: Sequence[_Row], bus: Sequence[str], *, left: bool) -> None:
    """Draw one chip with a pin for each row; `bus`: what its other side is connected to."""
    slots = max(rows[-1].row - rows[0].row + 1, len(bus))
    top = rows[0].y + ROW / 2
    x = LEFT - BOX if left else RIGHT
    pins = [
        elements.IcPin(
            name=(row.wire.controller if left else row.wire.rig).removeprefix("driver."),
            side="right" if left else "left",
            slot=f"{slots - row.row + rows[0].row}/{slots}",
        )
        for row in rows
    ]
    size = (BOX, ROW * slots)
    chip = elements.Ic(size=size, pins=pins, pinspacing=ROW, leadlen=0, lsize=PIN_PT, lofst=0.12)
    sheet.add(chip.at((x, top - ROW * slots)).theta(0).fill(BOX_FILL))
    _text(sheet, (x, top + 0.3), title, TITLE_PT, "left")
    align: Align
    edge, step, align = (x, -0.35, "right") if left else (x + BOX, 0.35, "left")
    for i, text in enumerate(bus):
        y = top - ROW * (i + 0.5)
        sheet.add(elements.Line().at((edge, y)).to((edge + step, y)).color(GREY))
        _text(sheet, (edge + 1.3 * step, y), text, NOTE_PT, align, GREY)


def _wire(sheet: schemdraw.Drawing, row: _Row) -> None:
    """Draw one wire with its signal, the part on it, and what its note says beside that."""
    note = row.wire.note
    series, part = _SERIES.match(note), _PART.match(note)
    width, text = (SERIES, "") if series else (PART, part[1]) if part else (0.0, "")
    x = LEFT + AWAY if series and series[1] == "controller" else RIGHT - AWAY - width
    for start, end in ((LEFT, x), (x + width, RIGHT)):
        sheet.add(elements.Line().at((start, row.y)).to((end, row.y)).color(WIRE_COLOUR))
    if width:
        half = 0.22 if text else 0.13
        box = elements.Rect(corner1=(0, -half), corner2=(width, half))
        sheet.add(box.at((x, row.y)).theta(0).fill(PART_FILL))
        _text(sheet, (x + width / 2, row.y), text, NOTE_PT, "center")
    left = note[series.end() :] if series else note[part.end() :].lstrip(", ") if part else note
    _text(sheet, (LEFT + 1.3, row.y + 0.28), row.wire.signal, SIGNAL_PT, "left")
    _text(sheet, (LEFT + 6.4, row.y + 0.28), left, NOTE_PT, "left", GREY)


def _text(
    sheet: schemdraw.Drawing, at: tuple[float, float], text: str, size: float, align: Align, colour: str = "black"
) -> None:
    """Write words with their middle height, and the end that `align` names, at a place."""
    if text:
        label = elements.Label().at((at[0], at[1] - LABEL_RISE)).theta(0)
        label = label.label(text, loc="center", fontsize=size, halign=align, valign="center")
        sheet.add(label.color(colour))


def _controller_bus(chip: str, board: ModuleType) -> list[str]:
    """Return what the other side of a chip of the controller is connected to."""
    return {
        "drivers": [
            f"inputs: GP{board.PS_FIRE}, GP{board.PS_QSW}",
            f"GP{board.CO2_GATE} by the one-shot",
            "enable: SAFE",
        ],
        "2 x 74HC165": [f"QH to GP{board.SPI_RX}", f"CLK to GP{board.SPI_SCK}", f"SH/LD to GP{board.IN_LOAD}"],
        "2 x 74HC595": [f"SER to GP{board.SPI_TX}", f"SRCLK to GP{board.SPI_SCK}", f"RCLK to GP{board.OUT_LATCH}"],
    }.get(chip, [])


def _rig_bus(chip: str, pins: ModuleType) -> list[str]:
    """Return what the other side of a chip of the rig is connected to."""
    selects = [f"OUT{bit}" for bit, name in enumerate(pins.OUT_NAMES) if name.startswith("HANDPIECE_")]
    return {
        "MCP4922": [f"SCK, SDI to GP{pins.DAC_SCK}, GP{pins.DAC_TX}", f"CS to GP{pins.DAC_CS}"],
        "74HC4051": [f"A, B, C to {', '.join(selects)}"],
        "2 x 74HC165": [f"QH to GP{pins.IN_DATA}", f"CLK to GP{pins.SHIFT_SCK}", f"SH/LD to GP{pins.IN_LOAD}"],
        "3 x 74HC595": [f"SER to GP{pins.OUT_DATA}", f"SRCLK to GP{pins.SHIFT_SCK}", f"RCLK to GP{pins.OUT_LATCH}"],
    }.get(chip, [])
