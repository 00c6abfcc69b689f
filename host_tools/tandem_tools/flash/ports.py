"""Which serial port the board is at."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import serial
from serial.tools import list_ports

from .errors import NoBoard
from .program import ROOT

PICO_USB_IDS = (0x2E8A, 0x0005)
"""USB vendor and product of a Pico that runs MicroPython."""

HOW_TO_PUT_MICROPYTHON = (
    "put MicroPython on it: hold BOOTSEL while connecting it, then copy the .uf2 that `make image` names onto the "
    "drive that appears"
)

EMULATED_PORT_FILE = ROOT / "build" / "emulated-port.json"


@dataclass(frozen=True)
class UsbPort:
    """A serial port of a USB device: path, and the device's serial number ("" when it has none)."""

    path: str
    serial_number: str

    def __str__(self) -> str:
        return f"{self.path} (serial number {self.serial_number or 'unknown'})"


def connected_picos() -> list[UsbPort]:
    """Return the ports of all Picos with MicroPython on USB."""
    ports = [p for p in list_ports.comports() if (p.vid, p.pid) == PICO_USB_IDS]
    return sorted((UsbPort(p.device, p.serial_number or "") for p in ports), key=lambda p: p.path)


def find_port(picos: Sequence[UsbPort] | None = None, emulated_file: Path = EMULATED_PORT_FILE) -> str:
    """Return the port of the only board: a Pico on USB, or the emulated one. Raises NoBoard unless there is one."""
    found = {p.path: str(p) for p in (connected_picos() if picos is None else picos)}
    emulated = _announced_port(emulated_file)
    if emulated:
        found[emulated] = f"{emulated} (emulated)"
    if not found:
        raise NoBoard(
            f"no Pico with MicroPython was found on USB. Connect one; if it is new, {HOW_TO_PUT_MICROPYTHON}. "
            "For an emulated board start one in another terminal with: tandem emulate. "
            "For any other port say --port PORT."
        )
    if len(found) > 1:
        raise NoBoard(
            f"{len(found)} Picos are connected: {', '.join(found.values())}. Choose one with --port PORT"
            f"{', or say --emulated' if emulated else ''}."
        )
    return next(iter(found))


def emulated_port(file: Path = EMULATED_PORT_FILE) -> str:
    """Return the port of the board that `tandem emulate` runs. Raises NoBoard when it does not run."""
    port = _announced_port(file)
    if port is None:
        raise NoBoard("no emulated board runs: start one in another terminal with: tandem emulate")
    return port


def _announced_port(file: Path) -> str | None:
    """Return the port that `tandem emulate` announced, unless it has ended without a word.

    The port's path alone would not tell: the system gives it to the next terminal that is opened.
    """
    try:
        facts = json.loads(file.read_text())
        port = str(facts["port"])
        os.kill(int(facts["pid"]), 0)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return port if Path(port).exists() else None


def why_not_opened(port: str) -> NoBoard:
    """Return the error that says why a port could not be opened."""
    if "://" not in port and not Path(port).exists():
        return NoBoard(f"there is no port {port}: check the cable, and the name with: mpremote connect list")
    try:
        serial.serial_for_url(port, exclusive=True).close()
    except serial.SerialException as error:
        if error.errno == errno.EACCES:
            return NoBoard(f"{port} may not be opened by this user: on Linux join the group dialout and log in again")
        if error.errno in (errno.EBUSY, errno.EAGAIN) or "lock" in str(error):
            return NoBoard(f"{port} is in use by another program: close the terminal or mpremote that has it open")
        return NoBoard(f"{port} cannot be opened: {error}")
    return NoBoard(f"{port} could not be opened a moment ago, and now it can: try again")


def serial_number_of(port: str) -> str:
    """Return the USB serial number of the device at a port, or "" for a port that is not on USB."""
    for found in list_ports.comports():
        if found.device == port:
            return found.serial_number or ""
    return ""


def port_with(serial_number: str, otherwise: str) -> str:
    """Return where the device with this USB serial number is now: after a reset it may have another port."""
    for found in list_ports.comports():
        if serial_number and found.serial_number == serial_number:
            return found.device
    return otherwise
