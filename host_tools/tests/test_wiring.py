"""The wiring guide against the board's file, which is the one truth for pins."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tandem_tools.bench.stand import board_constants, chain_bits

GUIDE = (Path(__file__).parents[2] / "docs" / "wiring.md").read_text()
NO_SIGNALS = {"CLOCK_HZ", "SPI_ID", "SPI_HZ", "LED", "PS_LAMP", "UART_TX", "UART_RX"}


def section(heading: str, end: str) -> str:
    return GUIDE.split(heading)[1].split(end)[0]


def test_the_guide_names_every_pin_of_the_board_and_no_other() -> None:
    board = vars(board_constants())
    pins = {name: v for name, v in board.items() if name.isupper() and isinstance(v, int) and v < 30}
    pins = {name: v for name, v in pins.items() if name not in NO_SIGNALS and not name.startswith(("IN_E", "OUT_P"))}
    expected = {name: v for name, v in pins.items() if not re.match(r"(IN|OUT)_(?!LOAD|LATCH)", name)}
    told = {name: int(pin) for pin, name in re.findall(r"^\| GP(\d+) \| (\w+) \|", GUIDE, re.MULTILINE)}
    assert told == expected


@pytest.mark.parametrize(
    ("prefix", "heading", "end"), [("IN_", "74HC165 in a row", "Bits 13"), ("OUT_", "595 in a row", "##")]
)
def test_the_guide_gives_every_bit_its_number(prefix: str, heading: str, end: str) -> None:
    rows = re.findall(r"^\| (\d+) \| (\w+) \|", section(heading, end), re.MULTILINE)
    assert {name: int(bit) for bit, name in rows} == chain_bits(board_constants(), prefix)


def test_the_readme_names_the_same_pins() -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    assert "GP2 GP3 GP4 GP5 | PS_FIRE (or PS_LAMP), PS_QSW, CO2_GATE, SYNC_OUT" in readme
    assert "docs/wiring.md" in readme
