"""Pictures of a session as SVG, drawn with matplotlib.

Colours are CSS variables with a fallback, so that a picture inside the page follows its light or dark theme; one that
stands alone brings the two themes with it.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tandem_tools.user_cache import user_cache

os.environ.setdefault("MPLCONFIGDIR", str(user_cache() / "matplotlib"))  # before the import: it looks there at once

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.patches import Circle, Rectangle
from matplotlib.ticker import MultipleLocator

from .measure import GOOD_VERDICTS, NAMES, measure, ms_text, spacing_text
from .record import LaserName, PlannedPass, SessionRecord, Trigger, Wave

# Colour of each role in the light theme; also its name as a CSS variable. No two are the same.
INK = "#1d2129"
MUTED = "#646b76"
GRID = "#dcdfe4"
PS = "#2b5fc7"
CO2 = "#c4501b"
BAD = "#b3121f"
WINDOW = "#e4efe6"
WARN = "#cfe4d3"
PLATE = "#fffffe"
VARIABLES = {
    INK: "ink", MUTED: "muted", GRID: "grid", PS: "ps", CO2: "co2", BAD: "bad", WINDOW: "window", WARN: "warn",
    PLATE: "plate",
}  # fmt: skip
DARK = {
    "ink": "#e8eaee", "muted": "#9aa2ae", "grid": "#353a43", "ps": "#86aaff", "co2": "#ff9a66", "bad": "#ff7a82",
    "window": "#20322a", "warn": "#2c463a", "plate": "#16181d",
}  # fmt: skip

LASER_COLOURS: dict[LaserName, str] = {"ps": PS, "co2": CO2}
TRIGGER_NETS: dict[LaserName, str] = {"ps": "PS_FIRE", "co2": "CO2_GATE"}

STYLE: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "tandem",
    "font.family": "sans-serif",
    "font.sans-serif": ["system-ui", "Segoe UI", "Helvetica", "Arial", "DejaVu Sans", "sans-serif"],
    "font.size": 9.5,
    "text.color": INK,
    "axes.edgecolor": GRID,
    "axes.labelcolor": MUTED,
    "axes.titlecolor": INK,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.facecolor": "none",
    "figure.facecolor": "none",
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
}


@dataclass(frozen=True)
class Row:
    """One line of a timing diagram."""

    net: str
    label: str
    colour: str = INK


@dataclass(frozen=True)
class Note:
    """A measured time, drawn as an arrow above the line of `net`: from and to in cycles."""

    net: str
    begin: int
    end: int
    text: str
    colour: str


@dataclass(frozen=True)
class Span:
    """A stretch of time to draw, in cycles; its axis counts milliseconds from `zero`."""

    title: str
    begin: int
    end: int
    zero: int
    rows: Sequence[Row]
    notes: Sequence[Note]


SESSION_ROWS = (
    Row("FOOT_NO", "pedal"),
    Row("SAFE", "SAFE"),
    Row("PS_SHUTTER_OPEN", "ps shutter open", PS),
    Row("PS_FIRE", "ps trigger", PS),
    Row("CO2_SHUTTER_OPEN", "CO2 shutter open", CO2),
    Row("SCAN_OK", "scanner in position", CO2),
    Row("CO2_GATE", "CO2 gate", CO2),
)
SLOT_ROWS = (
    Row("SYNC_OUT", "slot"),
    Row("CO2_GATE", "CO2 gate", CO2),
    Row("DAC_CS", "scanner converter", CO2),
    Row("SCAN_OK", "scanner in position", CO2),
)


def timing_svg(record: SessionRecord, width_in: float = 10.0, standalone: bool = False) -> str:
    """Return the timing diagram: the whole session, from the last ps shot into the scan, and one CO2 slot.

    :param width_in: width of the picture; below 7 inches labels stand above their lines.
    :param standalone: with its own background and themes, to be used as a file.
    """
    narrow = width_in < 7
    spans = list(_spans(record))
    heights = [-_places(span, narrow)[-1] + 1.7 for span in spans]
    with _figure(width_in, sum(heights) * 0.25 + 0.6 * len(spans)) as (figure, finish):
        axes = list(figure.subplots(len(spans), 1, height_ratios=heights, squeeze=False).flat)
        for ax, span in zip(axes, spans, strict=True):
            _draw_span(ax, record, span, narrow)
        return finish(standalone)


def energy_svg(record: SessionRecord, width_in: float = 10.0) -> str:
    """Return each shot's energy against its window, a panel for each pass."""
    narrow = width_in < 7
    count = len(record.passes)
    with _figure(width_in, 2.9 * count if narrow else 3.1) as (figure, finish):
        ratios = [1] if narrow else [max(4, p.count) for p in record.passes]
        grid = figure.subplots(count if narrow else 1, len(ratios), squeeze=False, width_ratios=ratios)
        for ax, planned in zip(grid.flat, record.passes, strict=True):
            _draw_energy(ax, record, planned)
        return finish(False)


def spots_svg(record: SessionRecord, width_in: float = 5.0) -> str:
    """Return the spots of the scan as planned and as landed, numbered in the order of firing, true to scale."""
    planned = next(p for p in record.passes if p.positions)
    landed = [p for p in record.pulses if p.laser == planned.laser and p.x_um is not None and p.y_um is not None]
    with _figure(width_in, width_in * 0.94) as (figure, finish):
        ax = figure.subplots()
        half = planned.scan_um / 2000
        outline = (
            Rectangle((-half, -half), 2 * half, 2 * half) if planned.scan_shape == "square" else Circle((0, 0), half)
        )
        outline.set(fill=False, edgecolor=GRID, linewidth=1.2)
        ax.add_patch(outline)
        path = [(p.x_um / 1000, p.y_um / 1000) for p in landed if p.x_um is not None and p.y_um is not None]
        ax.plot(*zip(*path, strict=True), color=GRID, linewidth=1, zorder=1) if path else None
        for number, (x, y) in enumerate(planned.positions, 1):
            centre = (x / 1000, y / 1000)
            ax.add_patch(Circle(centre, planned.spot_um / 2000, fill=False, edgecolor=MUTED, linewidth=1, zorder=3))
            offset = (planned.spot_um / 2000 + 0.035, 0)
            ax.text(centre[0] + offset[0], centre[1] + half * 0.07, str(number), fontsize=9, color=INK)
        for x, y in path:
            ax.add_patch(Circle((x, y), planned.spot_um / 2000 * 0.62, facecolor=CO2, edgecolor="none", zorder=2))
        ax.set(aspect="equal", xlabel="x, mm", ylabel="y, mm")
        ax.xaxis.set_major_locator(MultipleLocator(0.5))
        ax.yaxis.set_major_locator(MultipleLocator(0.5))
        ax.set_xlim(-half * 1.12, half * 1.12)
        ax.set_ylim(-half * 1.12, half * 1.12)
        return finish(False)


@contextmanager
def _figure(width_in: float, height_in: float) -> Generator[tuple[Figure, Callable[[bool], str]]]:
    with mpl.rc_context(rc=STYLE):
        figure = Figure(figsize=(width_in, height_in), layout=ConstrainedLayoutEngine(h_pad=0.09, w_pad=0.1))
        yield figure, lambda standalone: _svg(figure, standalone)


def _svg(figure: Figure, standalone: bool) -> str:
    """Return the figure as one svg element whose colours are CSS variables."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None}, transparent=True)
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(
        r'(<svg[^>]*?) width="[^"]*pt" height="[^"]*pt"|(<svg[^>]*?) height="[^"]*pt"', r"\1\2", text, count=1
    )
    text = re.sub(r' width="[\d.]+pt"', "", text, count=1)
    for colour, name in VARIABLES.items():
        text = text.replace(colour, f"var(--{name}, {colour})")
    text = _with_steady_names(text)
    if standalone:
        text = _with_themes(text)
    return re.sub(r"\s+\n", "\n", text).strip() + "\n"


def _with_steady_names(svg: str) -> str:
    """Name clip paths after the picture's content: matplotlib names them after places in memory."""
    names = re.findall(r'<clipPath id="(\w+)"', svg)
    nameless = svg
    for name in names:
        nameless = nameless.replace(name, "")
    digest = hashlib.sha256(nameless.encode()).hexdigest()[:8]
    for number, name in enumerate(names):
        svg = svg.replace(name, f"clip-{digest}-{number}")
    return svg


def _with_themes(svg: str) -> str:
    dark = " ".join(f"--{name}: {colour};" for name, colour in DARK.items())
    style = f"<style>@media (prefers-color-scheme: dark) {{ svg {{ {dark} }} }}</style>"
    plate = f'<rect width="100%" height="100%" fill="var(--plate, {PLATE})"/>'
    end = svg.index(">") + 1
    return svg[:end] + style + plate + svg[end:]


def _spans(record: SessionRecord) -> Iterator[Span]:
    """Choose what to show: always the whole, the others when there was a CO2 shot."""
    ms = record.clock_hz // 1000
    last = max([t.cycle for t in record.triggers], default=record.ended_cycle)
    began = record.began_cycle
    end = min(last + 80 * ms, max(record.ended_cycle, last + 40 * ms))
    notes = list(_train_notes(record))
    yield Span("The whole session: ms since the pedal was pressed", began - 40 * ms, end, began, SESSION_ROWS, notes)
    co2 = [t for t in record.triggers if t.laser == "co2"]
    if not co2:
        return
    gate = co2[0]
    before = [t.cycle for t in record.triggers if t.laser == "ps" and t.cycle < gate.cycle]
    if before:
        delay = Note("PS_FIRE", before[-1], gate.cycle, ms_text(gate.cycle - before[-1], record.clock_hz), PS)
        title = "From the last ps shot through the CO2 scan: ms since that ps trigger"
        shown = [delay, *(n for n in notes if n.net == "CO2_GATE")]
        yield Span(title, before[-1] - 8 * ms, co2[-1].cycle + 12 * ms, before[-1], SESSION_ROWS[2:], shown)
    title = "One CO2 slot: ms since its gate rose"
    shown = _slot_notes(record, co2)
    yield Span(title, gate.cycle - ms // 2, gate.cycle + 23 * ms // 4, gate.cycle, SLOT_ROWS, shown)


def _train_notes(record: SessionRecord) -> Iterator[Note]:
    """Say how far apart each laser's shots are."""
    measured = measure(record)
    for laser, net in TRIGGER_NETS.items():
        at = [t.cycle for t in record.triggers if t.laser == laser]
        if len(at) > 1:
            text = f"{len(at)} shots, {spacing_text(measured.spacings_cycles[laser], record.clock_hz)} apart"
            yield Note(net, at[0], at[-1], text, LASER_COLOURS[laser])


def _slot_notes(record: SessionRecord, co2: Sequence[Trigger]) -> list[Note]:
    """Say how long the gate is, how far the next slot, and how long the scanner moves."""
    gate = co2[0]
    microseconds = gate.width_cycles * 1e6 / record.clock_hz
    notes = [Note("CO2_GATE", gate.cycle, gate.cycle + gate.width_cycles, f"{microseconds:.3f} us", CO2)]
    if len(co2) > 1:
        away = ms_text(co2[1].cycle - gate.cycle, record.clock_hz)
        notes.append(Note("SYNC_OUT", gate.cycle, co2[1].cycle, away, INK))
    edges = next((w.edges for w in record.waves if w.net == "SCAN_OK"), ())
    move = [cycle for cycle, _ in edges if cycle > gate.cycle][:2]
    if len(move) == 2 and len(co2) > 1 and move[1] < co2[1].cycle:
        text = f"moves and settles {ms_text(move[1] - move[0], record.clock_hz)}"
        notes.append(Note("SCAN_OK", move[0], move[1], text, CO2))
    return notes


def _places(span: Span, narrow: bool) -> list[float]:
    """Return the height of each row's low level, the first row at 0; a row with notes has room for them above."""
    noted = {note.net for note in span.notes}
    places, y = [], 0.0
    for i, row in enumerate(span.rows):
        y -= 0 if i == 0 else 1.7 if narrow else 1.65 if row.net in noted else 1.0
        places.append(y)
    return places


def _draw_span(ax: Axes, record: SessionRecord, span: Span, narrow: bool) -> None:
    """Draw the rows of a span, the first on top; a label stands left of its line, or above it where it is narrow."""
    waves = {wave.net: wave for wave in record.waves}
    places = _places(span, narrow)
    for row, y in zip(span.rows, places, strict=True):
        if row.net in waves:
            times, levels = _steps(waves[row.net], span, record.clock_hz)
            heights = [y + 0.62 * level for level in levels]
            ax.plot(times, heights, color=row.colour, linewidth=1.2, solid_joinstyle="miter")
            ax.fill_between(times, y, heights, color=row.colour, alpha=0.16, linewidth=0)
        if narrow:
            ax.text(0, y + 1.05, row.label, fontsize=8.5, color=MUTED, transform=ax.get_yaxis_transform(), va="center")
        for note in span.notes:
            if note.net == row.net:
                _draw_note(ax, record, span, note, y + 1.0, narrow)
    ax.set_title(span.title if not narrow else span.title.replace(": ", ",\n"))
    ax.set_xlim(*(_ms(cycle - span.zero, record.clock_hz) for cycle in (span.begin, span.end)))
    ax.set_ylim(places[-1] - 0.3, 1.4)
    ax.set_yticks([] if narrow else [y + 0.3 for y in places], [] if narrow else [row.label for row in span.rows])
    ax.tick_params(length=0)
    ax.grid(axis="x")
    ax.set_axisbelow(True)
    ax.spines["left"].set_visible(False)


def _draw_note(ax: Axes, record: SessionRecord, span: Span, note: Note, y: float, narrow: bool) -> None:
    """Draw an arrow over the stretch that was measured, with its time beside it; where it is narrow, the time alone."""
    begin, end = (_ms(cycle - span.zero, record.clock_hz) for cycle in (note.begin, note.end))
    left, right = (_ms(cycle - span.zero, record.clock_hz) for cycle in (span.begin, span.end))
    if narrow:
        ax.text(
            1,
            y + 0.05,
            note.text,
            fontsize=8.5,
            color=note.colour,
            transform=ax.get_yaxis_transform(),
            ha="right",
            va="center",
        )
        return
    ax.annotate(
        "",
        (end, y),
        (begin, y),
        arrowprops={"arrowstyle": "<->", "color": note.colour, "linewidth": 0.9, "shrinkA": 0, "shrinkB": 0},
    )
    gap = (right - left) * 0.008
    if (end - begin) / (right - left) > 0.3:
        ax.text(
            (begin + end) / 2,
            y,
            note.text,
            fontsize=8.5,
            color=note.colour,
            ha="center",
            va="center",
            bbox={"facecolor": PLATE, "edgecolor": "none", "pad": 1.5},
        )
    elif end > left + 0.7 * (right - left):
        ax.text(begin - gap, y, note.text, fontsize=8.5, color=note.colour, ha="right", va="center")
    else:
        ax.text(end + gap, y, note.text, fontsize=8.5, color=note.colour, ha="left", va="center")


def _steps(wave: Wave, span: Span, clock_hz: int) -> tuple[list[float], list[int]]:
    """Return the corners of a signal within a span."""
    level = wave.start
    times, levels = [_ms(span.begin - span.zero, clock_hz)], []
    inside = []
    for cycle, new in wave.edges:
        if cycle < span.begin:
            level = new
        elif cycle <= span.end:
            inside.append((cycle, new))
    levels.append(level)
    for cycle, new in inside:
        at = _ms(cycle - span.zero, clock_hz)
        times += [at, at]
        levels += [levels[-1], new]
    times.append(_ms(span.end - span.zero, clock_hz))
    levels.append(levels[-1])
    return times, levels


def _draw_energy(ax: Axes, record: SessionRecord, planned: PlannedPass) -> None:
    shots = [s for s in record.shots if (s.pass_number, s.laser) == (planned.number, planned.laser)]
    ax.axhspan(planned.stop_low_uj / 1000, planned.stop_high_uj / 1000, color=WINDOW, linewidth=0)
    ax.axhspan(planned.warn_low_uj / 1000, planned.warn_high_uj / 1000, color=WARN, linewidth=0)
    ax.axhline(planned.energy_uj / 1000, color=MUTED, linewidth=1, linestyle=(0, (4, 3)))
    fired = [s for s in shots if s.verdict != "withheld"]
    ax.vlines(
        [s.index for s in fired],
        planned.energy_uj / 1000,
        [s.energy_uj / 1000 for s in fired],
        color=MUTED,
        linewidth=1,
    )
    for good, colour in ((True, LASER_COLOURS[planned.laser]), (False, BAD)):
        chosen = [s for s in fired if (s.verdict in GOOD_VERDICTS) is good]
        ax.plot([s.index for s in chosen], [s.energy_uj / 1000 for s in chosen], "o", color=colour, markersize=6)
    for s in fired:
        if s.verdict not in GOOD_VERDICTS:
            ax.annotate(
                f"{s.energy_uj / 1000:.1f} mJ, {s.verdict}", (s.index, s.energy_uj / 1000), (0, -14),
                textcoords="offset points", ha="center", color=BAD, fontsize=9,
            )  # fmt: skip
    low = min([planned.stop_low_uj, *(s.energy_uj for s in fired)]) / 1000
    high = max([planned.stop_high_uj, *(s.energy_uj for s in fired)]) / 1000
    margin = (high - low) * 0.14
    ax.set_ylim(low - margin, high + margin)
    ax.set_xlim(0.4, planned.count + 0.6)
    ax.set_xticks(range(1, planned.count + 1))
    ax.tick_params(length=0)
    ax.set(xlabel="shot", ylabel="mJ")
    ax.set_title(f"{NAMES[planned.laser]}: {planned.energy_uj / 1000:.1f} mJ, {planned.count} shots")


def _ms(cycles: int, clock_hz: int) -> float:
    return cycles * 1000 / clock_hz
