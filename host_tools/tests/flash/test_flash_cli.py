"""`tandem flash` and `tandem version` as a person calls them."""

from __future__ import annotations

import re

import pytest
from tandem_tools.cli import app
from typer.testing import CliRunner


def test_a_port_that_is_not_there_is_one_sentence_and_exit_code_3() -> None:
    result = CliRunner().invoke(app, ["flash", "--port", "/dev/ttyACM99"])
    assert result.exit_code == 3
    assert result.stderr.splitlines()[-1].startswith("tandem: there is no port /dev/ttyACM99: check the cable")


def test_two_boards_at_once_are_a_wrong_call() -> None:
    result = CliRunner().invoke(app, ["flash", "--port", "/dev/ttyACM0", "--emulated"])
    assert result.exit_code == 2
    assert "give --port or --emulated, not both" in result.stderr


def test_a_weak_shot_that_the_session_does_not_have_is_a_wrong_call() -> None:
    result = CliRunner().invoke(app, ["demo", "--weak-shot", "12"])
    assert result.exit_code == 2
    assert "the session has CO2 shots 1 to 11, not 12" in result.stderr


@pytest.mark.proves("R-SWR-3")
def test_the_version_names_tools_firmware_and_program() -> None:
    result = CliRunner().invoke(app, ["version"])
    assert result.exit_code == 0
    assert re.fullmatch(
        r"tandem-tools \S+\nfirmware \d+\.\d+\.\d+, program [0-9a-f]{12} for rp2040_pico\n", result.stdout
    )


def test_every_command_tells_its_exit_codes() -> None:
    for command in ("flash", "demo", "emulate"):
        assert "3 no board" in CliRunner().invoke(app, [command, "--help"]).stdout
