"""`tandem rig` as a person calls it: each thing that can be wrong with a stand is one sentence with a way out."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import serial
from running_stand import Sound
from tandem_tools import flash
from tandem_tools.cli import app
from tandem_tools.rig import bringup
from tandem_tools.rig.wiring import FOLDER
from typer.testing import CliRunner, Result

COMMANDS = ("wiring", "check", "flash", "prepare", "info", "emulate")
NUMBERS = "0123456789abcdef", "fedcba9876543210"


def tandem(*words: str, typed: str = "") -> Result:
    return CliRunner().invoke(app, ["rig", *words], input=typed)


def said(result: Result) -> str:
    """Return the sentence on stderr, its words with one blank between them."""
    return " ".join(result.stderr.split()[result.stderr.split().index("tandem:") :])


def wiring_file(folder: Path, kind: str = "real", extra: str = "") -> Path:
    """Write the wiring file of a stand whose boards nobody has."""
    path = folder / "bench7.py"
    path.write_text(
        f"from .standard import WIRES as WIRES\nNAME = 'bench7'\nKIND = '{kind}'\n"
        f"CONTROLLER_SERIAL, RIG_SERIAL = {NUMBERS!r}\n{extra}"
    )
    return path


def test_every_command_tells_its_exit_codes() -> None:
    for command in COMMANDS:
        assert "4 unsuitable board" in " ".join(tandem(command, "--help").stdout.split())


@pytest.mark.parametrize("command", ["check", "flash", "prepare", "info"])
def test_a_stand_that_is_not_connected_is_said_with_the_numbers_of_its_boards(command: str, tmp_path: Path) -> None:
    words = [command, "--stand", str(wiring_file(tmp_path))] + (["--yes"] if command == "check" else [])
    result = tandem(*words)
    assert result.exit_code == 3
    assert all(number in said(result) for number in NUMBERS)
    assert "is on USB" in said(result)


def test_a_real_stand_is_not_checked_without_a_word_that_no_laser_is_connected(tmp_path: Path) -> None:
    result = tandem("check", "--stand", str(wiring_file(tmp_path)), typed="n\n")
    assert result.exit_code == 1
    assert "no laser is connected" in result.stdout
    assert said(result) == "tandem: nothing was set: take the lasers off first"


WRONG_FILES = {
    "pin": (
        "WIRES = tuple(Wire('PS_FIRE', controller='GP3', rig='GP0') if w.signal == 'PS_FIRE' else w for w in WIRES)",
        "carries PS_FIRE and PS_QSW",
    ),
    "missing": ("WIRES = tuple(w for w in WIRES if w.signal != 'SAFE')", "no wire for SAFE"),
    "number": ("RIG_SERIAL = '17'", "RIG_SERIAL is '17'"),
    "python": ("WIRES = WIRES +", "cannot be read: SyntaxError"),
}


@pytest.mark.parametrize("name", WRONG_FILES)
def test_a_wrong_wiring_file_is_refused_before_anything_is_set(name: str, tmp_path: Path) -> None:
    line, message = WRONG_FILES[name]
    path = wiring_file(tmp_path, extra=f"from tandem_tools.rig.wiring import Wire\n{line}\n")
    for command in ("check", "wiring", "info"):
        result = tandem(command, "--stand", str(path))
        assert result.exit_code == 1
        assert message in said(result)
        assert "bench7.py" in said(result)


def test_a_stand_that_there_is_not_is_said_with_those_that_there_are() -> None:
    result = tandem("info", "--stand", "nowhere")
    assert result.exit_code == 1
    assert re.search(r"there is no stand 'nowhere'; there are .*emulated", said(result))
    assert FOLDER.name in said(result)


def test_words_that_do_not_go_together_are_a_wrong_call() -> None:
    assert tandem("info", "--rig", "/dev/ttyACM0").exit_code == 2
    assert tandem("check", "--crossed", "PS_FIRE").exit_code == 2
    assert tandem("check", "--loose", "PS_FIRE", "--controller", "a", "--rig", "b").exit_code == 2
    unknown = tandem("check", "--loose", "PS_FIER")
    assert unknown.exit_code == 1
    assert "has no wire for 'PS_FIER'" in said(unknown)


def test_the_emulated_stand_has_no_boards_to_flash() -> None:
    result = tandem("flash")
    assert result.exit_code == 3
    assert "stand emulated is emulated and has no boards of its own" in said(result)


# --- on a stand that runs


def test_the_boards_say_what_they_run(sound: Sound) -> None:
    result = tandem("info", *sound.options)
    assert result.exit_code == 0, result.stderr
    assert f"controller at {sound.ports.controller}, rig at {sound.ports.rig}" in result.stdout
    assert re.search(r"^rig program +[0-9a-f]{12}$", result.stdout, re.MULTILINE)
    assert re.search(r"^controller hash +[0-9a-f]{12}$", result.stdout, re.MULTILINE)
    assert result.stdout.splitlines()[-1] == "both boards run what these sources make"


@pytest.mark.parametrize("command", ["info", "check"])
def test_rig_and_controller_swapped_are_told(sound: Sound, command: str) -> None:
    result = tandem(command, "--controller", sound.ports.rig, "--rig", sound.ports.controller)
    assert result.exit_code == 4
    assert f"the board at {sound.ports.controller}, which should be the rig, does not answer as one" in said(result)
    assert "If rig and controller are swapped, exchange their serial numbers" in said(result)


@pytest.mark.parametrize("name", ["rig", "controller"])
def test_a_port_that_another_program_holds_is_told(sound: Sound, name: str) -> None:
    port = getattr(sound.ports, name)
    with serial.Serial(port, exclusive=True):
        result = tandem("check", *sound.options)
    assert result.exit_code == 3
    assert said(result).startswith(f"tandem: {port} is in use by another program: close the terminal")


def test_a_port_that_is_not_there_is_told(sound: Sound) -> None:
    result = tandem("check", "--controller", sound.ports.controller, "--rig", "/dev/ttyACM99")
    assert result.exit_code == 3
    assert said(result).startswith("tandem: there is no port /dev/ttyACM99: check the cable")


@pytest.mark.parametrize("name", ["rig", "controller"])
def test_an_old_program_on_either_board_is_told(sound: Sound, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sources are made newer than what the boards run: by one file."""
    module, maker = (flash, "build_rig_program") if name == "rig" else (bringup, "controller_program")
    present = getattr(module, maker)()
    newer = replace(present, files={**present.files, "newer.py": b"# a line more\n"})
    monkeypatch.setattr(module, maker, lambda: newer)
    result = tandem("check", *sound.options)
    assert result.exit_code == 4
    assert f"the {name} runs program {present.hash}, but these sources make {newer.hash}" in said(result)
    assert "tandem rig prepare" in said(result)


def test_a_board_that_is_up_to_date_is_prepared_without_a_copy(sound: Sound) -> None:
    result = tandem("prepare", *sound.options)
    assert result.exit_code == 0, result.stderr
    assert len(re.findall(r"\b0 of \d+ files copied, 0 removed", result.stdout)) == 2


def test_an_emulated_stand_prints_ports_that_commands_take_and_ends_with_ctrl_c() -> None:
    command = [sys.executable, "-m", "tandem_tools.cli", "rig", "emulate"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        try:
            assert running.stdout is not None
            line = running.stdout.readline()
            found = re.search(r"--controller (\S+) --rig (\S+) ", line)
            assert found, line
            result = tandem("info", "--controller", found[1], "--rig", found[2])
        finally:
            running.send_signal(signal.SIGINT)
        _, errors = running.communicate(timeout=30)
    assert result.exit_code == 0, result.stderr
    assert (running.returncode, errors) == (0, "")
