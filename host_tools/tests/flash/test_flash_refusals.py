"""Boards and ports that `tandem flash` refuses, and what it says then."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import threading
import tty
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import serial
from tandem_tools.flash import FlashError, NoBoard, UnsuitableBoard, emulated_port, find_port, flash, link
from tandem_tools.flash.answer import version_fields
from tandem_tools.flash.install import check_suitable
from tandem_tools.flash.link import Identity
from tandem_tools.flash.ports import UsbPort

PICO = Identity("micropython", (1, 25, 0), 4 << 10 | 3 << 8 | 6, "Raspberry Pi Pico with RP2040", "rp2")
Echo = Callable[[Callable[[bytes], bytes]], str]


@pytest.fixture
def something_at_a_port() -> Iterator[Echo]:
    """Return a function that puts something on a new pseudo-terminal: what is written goes through `answer`."""
    opened: list[int] = []

    def put(answer: Callable[[bytes], bytes]) -> str:
        master, slave = pty.openpty()
        opened.extend((master, slave))
        tty.setraw(slave)

        def serve() -> None:
            try:
                while data := os.read(master, 1024):
                    os.write(master, answer(data))
            except OSError:
                return

        threading.Thread(target=serve, daemon=True).start()
        return os.ttyname(slave)

    yield put
    for descriptor in reversed(opened):
        os.close(descriptor)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait half a second for a prompt that will not come."""
    monkeypatch.setattr(link, "ENTER_TIMEOUT_S", 0.5)
    monkeypatch.setattr(link, "READ_TIMEOUT_S", 0.2)


def test_a_pico_that_fits_is_accepted() -> None:
    assert str(PICO.mpy_format) == "mpy v6.3 for armv6m"
    check_suitable(PICO, "rp2040_pico")


@pytest.mark.parametrize(
    ("board", "reason"),
    [
        (
            replace(PICO, version=(1, 24, 1)),
            r"runs MicroPython 1\.24\.1, but Tandem needs 1\.25 or newer: put .*BOOTSEL",
        ),
        (replace(PICO, interpreter="circuitpython"), "runs circuitpython, but Tandem needs MicroPython"),
        (replace(PICO, mpy=4 << 10 | 1 << 8 | 6), r"loads mpy v6\.1 for armv6m, but mpy-cross .* writes mpy v6\.3"),
        (
            replace(PICO, machine="ESP32 module with ESP32"),
            "says it is a 'ESP32 module with ESP32', but .* rp2040_pico",
        ),
    ],
)
def test_a_board_that_does_not_fit_is_refused_with_the_reason(board: Identity, reason: str) -> None:
    with pytest.raises(UnsuitableBoard, match=reason):
        check_suitable(board, "rp2040_pico")


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("answer", [lambda data: data, lambda data: b"login: ", lambda data: b""])
def test_something_that_is_not_micropython_is_refused(
    something_at_a_port: Echo, answer: Callable[[bytes], bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    port = something_at_a_port(answer)
    with pytest.raises(UnsuitableBoard, match=f"at {port} does not answer as MicroPython does.*BOOTSEL"):
        flash(port)
    assert capsys.readouterr().out == ""


def test_a_port_that_is_not_there_is_named() -> None:
    with pytest.raises(NoBoard, match="no port /dev/ttyACM99: check the cable"):
        flash("/dev/ttyACM99")


def test_a_port_in_use_says_so(something_at_a_port: Echo) -> None:
    port = something_at_a_port(lambda data: b"")
    with (
        serial.Serial(port, exclusive=True),
        pytest.raises(NoBoard, match=f"{port} is in use by another program: close"),
    ):
        flash(port)


def test_the_only_pico_is_found_and_several_are_listed(something_at_a_port: Echo, tmp_path: Path) -> None:
    emulated = tmp_path / "port.json"
    one, other = UsbPort("/dev/ttyACM0", "E660"), UsbPort("/dev/ttyACM3", "E661")
    assert find_port([one], emulated) == "/dev/ttyACM0"
    with pytest.raises(
        NoBoard, match=r"2 Picos are connected: /dev/ttyACM0 \(serial number E660\), /dev/ttyACM3 .*--port"
    ):
        find_port([one, other], emulated)
    with pytest.raises(NoBoard, match=r"no Pico with MicroPython was found on USB.*tandem emulate.*--port"):
        find_port([], emulated)
    port = something_at_a_port(lambda data: b"")
    emulated.write_text(json.dumps({"port": port, "pid": os.getpid()}))
    assert find_port([], emulated) == port
    with pytest.raises(NoBoard, match=rf"2 Picos are connected: /dev/ttyACM0 .*, {port} \(emulated\).*--emulated"):
        find_port([one], emulated)


def test_the_emulated_board_is_found_while_it_runs(something_at_a_port: Echo, tmp_path: Path) -> None:
    file = tmp_path / "port.json"
    with pytest.raises(NoBoard, match=r"no emulated board runs: start one .* tandem emulate"):
        emulated_port(file)
    port = something_at_a_port(lambda data: b"")
    file.write_text(json.dumps({"port": port, "pid": os.getpid()}))
    assert emulated_port(file) == port
    ended = subprocess.Popen(["true"])
    ended.wait()
    for gone in ({"port": "/dev/pts/99999", "pid": os.getpid()}, {"port": port, "pid": ended.pid}, {"port": port}):
        file.write_text(json.dumps(gone))
        with pytest.raises(NoBoard, match="no emulated board runs"):
            emulated_port(file)


def test_an_unknown_board_is_refused_before_the_port_is_touched() -> None:
    with pytest.raises(FlashError, match=r"there is no board 'rp2350_pico2'; boards/ has: rp2040_pico"):
        flash("/dev/ttyACM99", board="rp2350_pico2")


def test_the_version_is_read_out_of_whatever_surrounds_it() -> None:
    heard = b'# Tandem\r\nversion\r\nOK tandem=0.1.0 hash=0123abcd micropython="v1.25.0 on 2025-04-15"\r\n> OK tand'
    assert version_fields(heard) == {"tandem": "0.1.0", "hash": "0123abcd", "micropython": '"v1.25.0 on 2025-04-15"'}
    assert version_fields(b"OK tandem=0.1.0 hash=01") == {}, "a line that is not complete does not count"


def test_every_refusal_has_an_exit_code_of_its_own() -> None:
    assert [kind.exit_code for kind in (FlashError, NoBoard, UnsuitableBoard)] == [1, 3, 4]
