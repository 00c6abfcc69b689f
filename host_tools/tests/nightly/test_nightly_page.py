"""The page of a night: the verdict first, every figure with its past, and nothing needed but itself."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from html import unescape
from pathlib import Path
from random import Random

import pytest
from nightly_harness import hil_figure, pretended_night
from tandem_tools.nightly import Night
from tandem_tools.nightly.figures import HilFigure
from tandem_tools.nightly.night import JudgedOutcome
from tandem_tools.nightly.page import write_page
from tandem_tools.nightly.recording import Outcome
from tandem_tools.nightly.store import Store

NAME = "delay <from> trigger & gate"


def figures(random: Random, changed: float = 0.0) -> list[HilFigure]:
    samples = tuple(random.gauss(0, 3) for _ in range(500))
    return [
        hil_figure(NAME, 100 + random.gauss(0, 1) + changed, low=0, high=1000, uncertainty=0.25, truth=99.5),
        hil_figure("jitter", 0, unit="cycles", low=-8, high=8, samples=(*[0] * 90, *[1] * 10)),
        hil_figure("latency", 41.0, unit="ns", low=40, high=60, samples=samples),
    ]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path)
    random = Random(2)
    for _ in range(8):
        pretended_night(store, figures(random))
    return store


@pytest.fixture
def bad(store: Store) -> Night:
    """A night with everything there is to tell."""
    night = pretended_night(store, figures(Random(3), changed=50))
    outcomes = [
        JudgedOutcome(Outcome("a.py::test_a", "failed", "AssertionError: 3 > 2\nassert 3 <= 2", 1.0)),
        JudgedOutcome(Outcome("a.py::test_b", "failed", "no answer", 1.0), date(2031, 1, 31), "the line is open"),
        JudgedOutcome(Outcome("a.py::test_c", "skipped", "Skipped: no meter", 0.0)),
    ]
    return replace(night, outcomes=outcomes, remarks=["known failure of no test: x"], dirty=True)


def text_of(page: str) -> str:
    """Return what a reader sees, without pictures and marks."""
    body = re.sub(r"<svg.*?</svg>", "", page[page.index("<body>") :], flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).split())


def test_the_verdict_comes_first_and_says_what_failed_and_what_changed_with_numbers(
    store: Store, bad: Night, tmp_path: Path
) -> None:
    text = text_of(write_page(bad, store, tmp_path / "page.html").read_text())
    assert text.index("Failed: 1 test failed and 1 figure changed, of 3 tests, 3 figures.") < text.index(
        "Known failures"
    )
    assert "a.py::test_a: AssertionError: 3 > 2" in text
    assert re.search(re.escape(NAME) + r": 1\d\d\.\d+ us, jump: \d+(\.\d)? us above the median of 8 nights; ", text)
    assert "a.py::test_b failed, known until 2031-01-31: the line is open" in text
    for fact in ("known failure of no test: x", "with changed files", "0" * 40, "tandem 0", "Skipped: no meter"):
        assert fact in text


def test_every_figure_has_its_trend_and_one_with_samples_its_histogram(
    store: Store, bad: Night, tmp_path: Path
) -> None:
    page = write_page(bad, store, tmp_path / "page.html").read_text()
    assert page.count('aria-label="Trend of') == 3 and page.count('aria-label="Histogram of') == 2
    assert page.count("<svg") == 5
    assert "ground truth 99.5" in page and "bounds 0 .. 1000" in page and "uncertainty 0.25" in page
    assert "\N{UPWARDS ARROW} bound 1000" in page


def test_the_page_needs_nothing_but_itself_and_follows_both_themes(store: Store, bad: Night, tmp_path: Path) -> None:
    page = write_page(bad, store, tmp_path / "page.html").read_text()
    assert not re.search(r"""(?:src|href)=["'](?!\#)|url\((?!#)|@import|<script|<link""", page)
    light, dark = re.findall(r":root\s*{(.*?)}", page, re.DOTALL)
    used = set(re.findall(r"var\(--([\w-]+)", page))
    for theme in (light, dark):
        assert used <= set(re.findall(r"--([\w-]+):", theme))
    drawn = "".join(re.findall(r"<svg.*?</svg>", page, re.DOTALL))
    assert not re.findall(r"(?<!, )#[0-9a-f]{6}\b", drawn)
    ids = re.findall(r'<(?!path)\w+ [^>]*id="([^"]+)"', page)
    assert len(ids) == len(set(ids))


def test_sixty_figures_of_thirty_nights_make_a_page_that_is_quick_to_make_and_to_load(
    tmp_path: Path, figure: Callable[..., None]
) -> None:
    random = Random(1)
    with Store(tmp_path) as store:
        for _ in range(29):
            pretended_night(store, [hil_figure(f"figure {i}", random.gauss(0, 1)) for i in range(60)])
        samples = [tuple(random.gauss(0, 1) for _ in range(3000)) for _ in range(60)]
        last = [hil_figure(f"figure {i}", random.gauss(0, 1), samples=own) for i, own in enumerate(samples)]
        night = pretended_night(store, last)
        began = time.process_time()
        size_mb = write_page(night, store, tmp_path / "page.html").stat().st_size / 1e6
        seconds = time.process_time() - began
        kept_mb = (tmp_path / "nights.sqlite").stat().st_size / 1e6
    figure("page of a night with 60 figures, each with a histogram", round(size_mb, 2), "MB", "<= 3")
    figure("processor time for that page", round(seconds, 1), "s", "<= 10")
    figure("that night and 29 without samples in SQLite", round(kept_mb, 2), "MB", "<= 3")
    assert size_mb <= 3 and seconds <= 10 and kept_mb <= 3
