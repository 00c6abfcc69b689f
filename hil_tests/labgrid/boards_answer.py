"""Whether both boards of a place answer: the shortest look at a stand behind labgrid.

pytest hil_tests/labgrid/boards_answer.py --lg-env hil_tests/labgrid/stand.yaml
"""

from __future__ import annotations

import time

import pytest
import serial
from labgrid import Target

DRIVERS = {"controller": "TandemControllerDriver", "rig": "TandemRigDriver"}
PAUSE_S = 0.5


@pytest.mark.parametrize("turn", range(12))
@pytest.mark.parametrize("board", DRIVERS)
def test_board_answers(target: Target, board: str, turn: int) -> None:
    """A program or MicroPython answers to an empty line or Ctrl-C within 5 s."""
    with serial.serial_for_url(target.get_driver(DRIVERS[board]).url, timeout=5, exclusive=True) as port:
        port.write(b"\r\x03\r")
        assert port.read_until(b">>> ").endswith(b">>> ")
        time.sleep(PAUSE_S)
