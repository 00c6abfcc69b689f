"""Ctrl-C and damage while the firmware is being loaded: the board always comes back to a prompt."""

from __future__ import annotations

import pytest
from stage import CONTROLLER, DRIVEN, TRIGGERS, Stage, flashed
from tandem_tools.bench import Bench
from tandem_tools.bench.stand import controller_stand
from tandem_tools.image import pico_image


@pytest.mark.parametrize("moment_ms", [60, 300, 700, 1200, 1600])
def test_ctrl_c_while_the_firmware_loads_gives_the_prompt(moment_ms: int) -> None:
    with Bench(controller_stand(pico_image(), flash=flashed())) as bench:
        bench.run_for(ms=moment_ms)
        found = Stage(bench)
        found.board.enter_raw_repl(timeout_ms=4000)
        assert found.board.exec_raw("print(6 * 7)").strip() == "42"
        assert found.high(TRIGGERS + DRIVEN) == []


def test_a_board_with_a_damaged_file_still_answers_as_micropython() -> None:
    with Bench(controller_stand(pico_image(), flash=flashed())) as bench:
        board = bench.board(CONTROLLER)
        bench.run_for(ms=3000)
        board.exec("open('/tandem/console/session.mpy', 'wb').write(b'M\\x06')")
        board.reset("power")
        bench.run_for(ms=4000)
        assert board.exec("print(6 * 7)").strip() == "42"
