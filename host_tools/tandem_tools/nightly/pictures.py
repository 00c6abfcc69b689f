"""Pictures of one figure as SVG, drawn with matplotlib: its trend over the nights, and the histogram of one night.

Colours become CSS variables, so that a picture follows the page's light or dark theme (see `report.pictures`). Nothing
is clipped and nothing has an id of its own but markers, which are equal where their ids are: so that many pictures can
stand in one page.
"""

from __future__ import annotations

import io
import re
from bisect import bisect_right
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from math import isclose
from typing import Any

# report.pictures comes before matplotlib: it says where matplotlib may keep its files.
from tandem_tools.report.pictures import BAD, GRID, INK, MUTED, PS, STYLE, VARIABLES, WINDOW

import matplotlib as mpl  # isort: skip
from matplotlib.axes import Axes  # isort: skip
from matplotlib.figure import Figure  # isort: skip
from matplotlib.ticker import MaxNLocator  # isort: skip

from tandem_tools.nightly.figures import shown
from tandem_tools.nightly.night import JudgedFigure
from tandem_tools.nightly.store import TrendPoint

WIDTH_IN, HEIGHT_IN = 4.4, 1.75
AXES = (0.16, 0.17, 0.81, 0.76)
NEAR_SPANS = 1.5
"""A bound further off than so many heights of the data is told in words: drawn to scale, it would flatten the rest."""
MARGIN, TEXT_MARGIN = 0.08, 0.26
"""Parts of the data's height left free beside it; the larger one where a bound is told in words."""
MOST_BINS = 40
LOOKS: Any = {"font.size": 10, "axes.grid": False, "svg.hashsalt": "tandem nightly"}


def trend_svg(judged: JudgedFigure, points: Sequence[TrendPoint]) -> str:
    """Return a figure's values on the nights up to this one, the band that is explained, and the bounds."""
    with _axes() as (ax, finish):
        places = range(len(points))
        values = [p.value for p in points]
        low, high = _height(judged, values)
        _draw_band(ax, judged, low, high)
        ax.plot(places, values, color=MUTED, linewidth=1, clip_on=False)
        for good, colour in ((True, MUTED), (False, BAD)):
            chosen = [i for i in places if points[i].good is good]
            ax.plot(chosen, [values[i] for i in chosen], "o", color=colour, markersize=3.5, clip_on=False)
        ax.plot(
            places[-1:], values[-1:], "o", color=PS if points[-1].good else BAD, markersize=8, clip_on=False, zorder=3
        )
        _draw_bounds(ax, judged, low, high)
        ax.set_xlim(-0.5, max(len(points), 8) - 0.5)
        ax.set_ylim(low, high)
        shown_at = sorted({0, len(points) - 1, *(i for i in places[5:-3] if points[i].night % 5 == 0)})
        ax.set_xticks(shown_at, [str(points[i].night) for i in shown_at])
        ax.yaxis.set_major_locator(MaxNLocator(4))
        return finish()


def histogram_svg(judged: JudgedFigure) -> str:
    """Return how often which value was measured on this night."""
    figure = judged.figure
    samples = figure.samples
    with _axes() as (ax, finish):
        edges = _edges(samples)
        counts = _counts(samples, edges)
        ax.stairs(counts, edges, fill=True, color=PS, clip_on=False)
        top = max(counts) * 1.08
        ax.plot([figure.value] * 2, [0, top], color=INK, linewidth=1.2, clip_on=False)
        for bound in (figure.low, figure.high):
            if edges[0] <= bound <= edges[-1]:
                ax.plot([bound] * 2, [0, top], color=BAD, linewidth=1, linestyle=(0, (4, 3)), clip_on=False)
        ax.set_xlim(edges[0], edges[-1])
        ax.set_ylim(0, top)
        ax.xaxis.set_major_locator(MaxNLocator(5, prune="lower"))
        ax.yaxis.set_major_locator(MaxNLocator(3, integer=True))
        return finish()


def _height(judged: JudgedFigure, values: Sequence[float]) -> tuple[float, float]:
    """Return the lowest and highest value to show: data and explained band, and bounds that are near."""
    figure, j = judged.figure, judged.judgement
    inside = list(values)
    if j.median is not None and j.allowed is not None:
        inside += [j.median - j.allowed, j.median + j.allowed]
    low, high = min(inside), max(inside)
    if isclose(low, high, abs_tol=1e-12):
        step = abs(low) * 0.01 or 1.0
        low, high = low - step, high + step
    near = NEAR_SPANS * (high - low)
    bounds = [b for b in (figure.low, figure.high) if low - near <= b <= high + near]
    low, high = min([low, *bounds]), max([high, *bounds])
    below, above = (MARGIN if bound in bounds else TEXT_MARGIN for bound in (figure.low, figure.high))
    return low - below * (high - low), high + above * (high - low)


def _draw_band(ax: Axes, judged: JudgedFigure, low: float, high: float) -> None:
    j = judged.judgement
    if j.median is not None and j.allowed is not None:
        ax.axhspan(max(low, j.median - j.allowed), min(high, j.median + j.allowed), color=WINDOW, clip_on=False, lw=0)


def _draw_bounds(ax: Axes, judged: JudgedFigure, low: float, high: float) -> None:
    """Draw the bounds that are in the picture; say where the others are."""
    figure = judged.figure
    for bound, edge, arrow in ((figure.low, low, "\N{DOWNWARDS ARROW}"), (figure.high, high, "\N{UPWARDS ARROW}")):
        if low <= bound <= high:
            ax.axhline(bound, color=BAD, linewidth=1, linestyle=(0, (4, 3)), clip_on=False)
            continue
        ax.text(
            1, edge, f"{arrow} bound {shown(bound)}", transform=ax.get_yaxis_transform(), ha="right", color=BAD,
            va="bottom" if edge == low else "top", fontsize=9,
        )  # fmt: skip


def _edges(samples: Sequence[float]) -> list[float]:
    """Return the edges of bins: one for each whole number where all samples are whole and close together."""
    low, high = min(samples), max(samples)
    if all(float(s).is_integer() for s in samples) and high - low < MOST_BINS:
        return [low - 0.5 + i for i in range(int(high - low) + 2)]
    if isclose(low, high, abs_tol=1e-12):
        step = abs(low) * 0.01 or 1.0
        return [low - step, low + step]
    return [low + (high - low) * i / MOST_BINS for i in range(MOST_BINS + 1)]


def _counts(samples: Sequence[float], edges: Sequence[float]) -> list[int]:
    """Return how many samples lie in each bin; the last bin holds its upper edge too."""
    counts = [0] * (len(edges) - 1)
    for sample in samples:
        counts[min(bisect_right(edges, sample), len(counts)) - 1] += 1
    return counts


@contextmanager
def _axes() -> Generator[tuple[Axes, Finish]]:
    with mpl.rc_context(rc=STYLE), mpl.rc_context(rc=LOOKS):
        figure = Figure(figsize=(WIDTH_IN, HEIGHT_IN))
        ax = figure.add_axes(AXES)
        ax.tick_params(length=0, colors=MUTED)
        ax.spines[["top", "right"]].set_visible(False)
        ax.spines[["left", "bottom"]].set_color(GRID)
        yield ax, Finish(figure)


class Finish:
    """Gives a drawn picture as one svg element."""

    def __init__(self, figure: Figure) -> None:
        self._figure = figure

    def __call__(self) -> str:
        """Return the SVG text."""
        buffer = io.StringIO()
        self._figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None}, transparent=True)
        text = buffer.getvalue()
        text = text[text.index("<svg") :]
        text = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->", "", text, flags=re.DOTALL)
        text = re.sub(r'(<svg[^>]*?) (?:width|height)="[\d.]+pt"', r"\1", text)
        text = re.sub(r'(<svg[^>]*?) (?:width|height)="[\d.]+pt"', r"\1", text)
        text = re.sub(r'<g id="[^"]*"', "<g", text)
        text = re.sub(r"(\d+\.\d\d)\d+", r"\1", text)
        for colour, name in VARIABLES.items():
            text = text.replace(colour, f"var(--{name}, {colour})")
        return re.sub(r"\s*\n\s*", "\n", text).strip()
