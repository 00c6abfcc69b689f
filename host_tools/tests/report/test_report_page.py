"""The page, the table and the pictures of a session."""

from __future__ import annotations

import io
import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console
from tandem_tools.report import SessionRecord, print_session, timing_svg, write_page
from tandem_tools.report.pictures import energy_svg, spots_svg

SVG = "{http://www.w3.org/2000/svg}"


def page(record: SessionRecord, folder: Path) -> str:
    return write_page(record, folder / "report.html").read_text()


def texts(svg: str) -> list[str]:
    return ["".join(element.itertext()).strip() for element in ET.fromstring(svg).iter(f"{SVG}text")]


def test_the_page_tells_how_the_session_ended_and_the_facts_of_the_run(
    delivered: SessionRecord, tmp_path: Path
) -> None:
    text = page(delivered, tmp_path)
    for fact in (
        "Session delivered: 5 ps shots, 11 CO2 shots 5.000000 ms apart at 11 different places.",
        delivered.plan_name,
        delivered.source,
        *delivered.versions.values(),
        "pattern is complete",
    ):
        assert fact in text
    assert len(re.findall(r"<tr>\s*<td>(?:ps|CO2)", text)) == 16


def test_the_page_needs_nothing_but_itself(delivered: SessionRecord, tmp_path: Path) -> None:
    text = page(delivered, tmp_path)
    assert not re.search(r"""(?:src|href)=["'](?!\#)|url\((?!#)|@import|<script|<link""", text)


def test_every_colour_of_the_pictures_exists_in_both_themes(delivered: SessionRecord, tmp_path: Path) -> None:
    text = page(delivered, tmp_path)
    light, dark = re.findall(r":root\s*{(.*?)}", text, re.DOTALL)
    used = set(re.findall(r"var\(--([\w-]+)", text))
    for theme in (light, dark):
        assert used <= set(re.findall(r"--([\w-]+):", theme))
    svg = re.findall(r"<svg.*?</svg>", text, re.DOTALL)
    bare = {colour for picture in svg for colour in re.findall(r"(?<!, )#[0-9a-f]{6}\b", picture)}
    assert not bare, f"these colours do not follow the theme: {bare}"


def test_a_stopped_session_shows_its_last_shot_in_the_table_and_in_the_picture(
    delivered: SessionRecord, tmp_path: Path
) -> None:
    low = replace(delivered.shots[8], energy_uj=56_055, verdict="low", deviation_permille=-377)
    stopped = replace(delivered, shots=(*delivered.shots[:8], low), triggers=delivered.triggers[:9])
    text = page(stopped, tmp_path)
    assert '<div class="verdict stopped"' in text
    assert re.search(r'<tr class="bad">.*?56\.1 mJ.*?-37\.7 %.*?low', text, re.DOTALL)
    assert "56.1 mJ, low" in texts(energy_svg(stopped))


def test_the_timing_diagram_names_its_signals_and_the_measured_times(delivered: SessionRecord) -> None:
    for width_in in (10, 4):
        shown = texts(timing_svg(delivered, width_in))
        for text in (
            "pedal",
            "CO2 gate",
            "5 shots, 200.000000 ms apart",
            "11 shots, 5.000000 ms apart",
            "224.220048 ms",
            "375.000 us",
        ):
            assert text in shown, (width_in, text)


def test_the_spots_are_numbered_in_the_order_of_firing(delivered: SessionRecord) -> None:
    assert {str(n) for n in range(1, 12)} <= set(texts(spots_svg(delivered)))


def test_a_picture_that_stands_alone_brings_both_themes_with_it(delivered: SessionRecord) -> None:
    svg = timing_svg(delivered, standalone=True)
    assert ET.fromstring(svg).tag == f"{SVG}svg"
    assert "prefers-color-scheme: dark" in svg


def test_pictures_are_the_same_for_the_same_record(delivered: SessionRecord) -> None:
    assert timing_svg(delivered) == timing_svg(delivered)


@pytest.mark.parametrize("kept", [0, 1, 5, 6])
def test_a_session_that_ended_early_still_has_a_page(delivered: SessionRecord, tmp_path: Path, kept: int) -> None:
    early = replace(
        delivered, triggers=delivered.triggers[:kept], shots=delivered.shots[:kept], pulses=delivered.pulses[:kept]
    )
    assert "Session not delivered" in page(early, tmp_path)


def test_text_from_the_board_cannot_become_markup(delivered: SessionRecord, tmp_path: Path) -> None:
    hostile = "<script>alert(1)</script>"
    text = page(replace(delivered, because=hostile, transcript=(hostile,)), tmp_path)
    assert hostile not in text


def test_the_table_fits_a_terminal_of_80_columns_and_ends_with_the_sentence(delivered: SessionRecord) -> None:
    output = io.StringIO()
    print_session(delivered, Console(file=output, width=80))
    lines = output.getvalue().rstrip().splitlines()
    assert lines[-1].startswith("Session delivered: 5 ps shots, 11 CO2 shots 5.000000 ms apart")
    assert "…" not in output.getvalue()
    assert len([line for line in lines if re.match(r"(?:ps|CO2) \d+/\d+ ", line)]) == 16
