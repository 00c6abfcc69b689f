"""The page of a night: one HTML file that needs nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from tandem_tools.nightly import judge
from tandem_tools.nightly.figures import shown
from tandem_tools.nightly.night import JudgedFigure, Night
from tandem_tools.nightly.pictures import histogram_svg, trend_svg
from tandem_tools.nightly.store import Store, TrendPoint
from tandem_tools.report.pictures import DARK, VARIABLES
from tandem_tools.templating import environment

TREND_NIGHTS = 30


@dataclass(frozen=True)
class Card:
    """A figure with its pictures; `histogram` is empty without samples."""

    judged: JudgedFigure
    anchor: str
    trend: Markup
    histogram: Markup


def write_page(night: Night, store: Store, path: Path) -> Path:
    """Write the page of a kept night; returns its path."""
    templates = environment(Path(__file__).parent / "templates")
    templates.filters |= {"shown": shown, "told": judge.told}
    trends = store.trends(night.stand, night.number, TREND_NIGHTS)
    text = templates.get_template("nightly.html").render(
        night=night,
        cards=_cards(night, trends),
        accepted=store.accepted(night.stand, night.number),
        skipped=[o for o in night.outcomes if o.outcome.outcome == "skipped"],
        slowest=sorted(night.outcomes, key=lambda o: -o.outcome.seconds)[:10],
        rules=judge,
        trend_nights=TREND_NIGHTS,
        light={name: colour for colour, name in VARIABLES.items()},
        dark=DARK,
    )
    path.write_text(text, "utf-8")
    return path


def _cards(night: Night, trends: dict[str, list[TrendPoint]]) -> list[Card]:
    """Return the figures, those that need a look first; SVG text that we drew ourselves is safe."""
    ordered = sorted(night.figures, key=lambda f: (f.figure.within, not f.judgement.regression))
    return [_card(number, judged, trends[judged.figure.name]) for number, judged in enumerate(ordered, 1)]


def _card(number: int, judged: JudgedFigure, points: Sequence[TrendPoint]) -> Card:
    histogram = histogram_svg(judged) if judged.figure.samples else ""
    return Card(judged, f"figure-{number}", Markup(trend_svg(judged, points)), Markup(histogram))
