"""`tandem rig wiring`: drawing and table are those of the stand's wiring file, in the documents as well."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from tandem_tools.cli import app
from tandem_tools.rig import pages
from tandem_tools.rig.drawing import draw
from tandem_tools.rig.wiring import load_wiring
from typer.testing import CliRunner

WIRING = load_wiring("emulated")
STALE = "docs/rig.md or docs/rig_wiring.svg is not that of hil_tests/wiring/: run make pages"


def words(svg: str) -> list[tuple[str, float, float]]:
    """Return each text of a drawing with its place."""
    texts = ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")
    return [("".join(text.itertext()), float(text.get("x", "0")), float(text.get("y", "0"))) for text in texts]


def test_the_drawing_names_every_wire_and_both_its_ends() -> None:
    found = Counter(text for text, _, _ in words(draw(WIRING)))
    ends = [end.removeprefix("driver.") for wire in WIRING.wires for end in (wire.controller, wire.rig)]
    expected = Counter(ends) + Counter(WIRING.signals)
    assert {word: found[word] for word in expected} == dict(expected)


def test_no_words_of_the_drawing_stand_in_one_another() -> None:
    """Words that begin or end in one column are a line's height apart; columns are far apart."""
    places = [(x, y) for _, x, y in words(draw(WIRING))]
    near = [(a, b) for i, a in enumerate(places) for b in places[i + 1 :] if a[0] == b[0] and abs(a[1] - b[1]) < 10]
    assert near == []


def test_the_drawing_can_be_read_at_1200_points_and_is_the_same_every_time() -> None:
    svg = draw(WIRING)
    width = float(ElementTree.fromstring(svg).get("viewBox", "").split()[2])
    assert width == pytest.approx(1200, abs=20)
    assert draw(WIRING) == svg


def test_a_stand_without_some_wires_is_drawn_without_them() -> None:
    some = replace(WIRING, wires=tuple(wire for wire in WIRING.wires if wire.signal not in ("SUPPLY", "PS_QSW")))
    found = {text for text, _, _ in words(draw(some))}
    assert "PS_FIRE" in found
    assert not {"SUPPLY", "PS_QSW", "OUT22"} & found


def test_the_documents_show_the_wires_of_the_wiring_file() -> None:
    text = pages.PAGE.read_text()
    assert pages.with_tables(text) == text, STALE
    assert pages.DRAWING.read_text() == draw(load_wiring(pages.STAND)), STALE
    assert "(rig_wiring.svg)" in text


def test_the_table_and_its_json_have_a_line_for_each_wire(tmp_path: Path) -> None:
    drawing = tmp_path / "wires.svg"
    table = CliRunner().invoke(app, ["rig", "wiring", "--svg", str(drawing)], env={"COLUMNS": "240"})
    as_json = CliRunner().invoke(app, ["rig", "wiring", "--json"])
    assert (table.exit_code, as_json.exit_code) == (0, 0)
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in table.stdout.splitlines() if "│" in line]
    assert [tuple(row) for row in rows] == [(w.signal, w.controller, w.rig, w.note) for w in WIRING.wires]
    found = json.loads(as_json.stdout)
    assert found["stand"] == "emulated"
    assert [wire["signal"] for wire in found["wires"]] == list(WIRING.signals)
    assert drawing.read_text() == draw(WIRING)


def test_a_drawing_that_cannot_be_written_is_one_sentence() -> None:
    result = CliRunner().invoke(app, ["rig", "wiring", "--svg", "/nowhere/wires.svg"])
    assert result.exit_code == 1
    assert result.stderr == "tandem: /nowhere/wires.svg cannot be written: No such file or directory\n"
