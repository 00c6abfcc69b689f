"""The main job: the published session, fired on an emulated Pico."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tandem_tools.bench import Bench
from tandem_tools.bench.stand import CONTROLLER, controller_stand
from tandem_tools.demo import STAND_OPTIONS, deliver, run_demo
from tandem_tools.flash import FlashResult, flash
from tandem_tools.image import pico_image
from tandem_tools.report import SessionRecord, measure

pytestmark = pytest.mark.slow
Flashed = tuple[Bench, FlashResult]


@pytest.fixture(scope="module")
def flashed() -> Iterator[Flashed]:
    """A controller on the stand with Tandem on it."""
    with Bench(controller_stand(pico_image(), options=STAND_OPTIONS)) as bench:
        board = bench.board(CONTROLLER)
        with bench.free_running():
            result = flash(board.port)
        board.close_port()
        yield bench, result


def test_the_demo_delivers_the_published_session_and_reports_it(
    tmp_path: Path, figure: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    began = time.monotonic()
    assert run_demo(tmp_path, lambda *_: None)
    figure("tandem demo", round(time.monotonic() - began, 1), "s", limit="< 60")
    assert "Session delivered: 5 ps shots, 11 CO2 shots 5.000000 ms apart at 11 different" in capsys.readouterr().out
    measured = measure(SessionRecord.load(tmp_path / "session.json"))
    assert measured.delivered
    figure(
        "CO2 spacing in the demo", ", ".join(map(str, set(measured.spacings_cycles["co2"]))), "cycles", limit="625000"
    )
    assert "<svg" in (tmp_path / "report.html").read_text()
    header = (tmp_path / "session.vcd").read_text().split("$enddefinitions")[0]
    assert all(f" {net} " in header for net in ("PS_FIRE", "CO2_GATE", "SAFE", "SCAN_OK", "FOOT_NO"))


def test_a_weak_shot_stops_the_session_before_the_next_and_the_report_says_by_how_much(flashed: Flashed) -> None:
    record = deliver(*flashed, weak_shot=4)
    measured = measure(record)
    assert not measured.delivered
    assert measured.triggers == {"ps": 5, "co2": 4}, "nothing fires after the weak shot"
    assert "CO2 shot 4 of 11 gave 5" in measured.sentence
    assert "mJ under the window of 72.0 mJ to 108.0 mJ" in measured.sentence
    assert record.fault["name"] == "ENERGY_LOW"


def test_the_plan_of_the_board_is_the_plan_of_this_computer(flashed: Flashed) -> None:
    record = deliver(*flashed)
    assert record.plan_name == record.host_plan_name
    assert measure(record).delivered
