"""Addresses of serial ports that pyserial does not know by itself; `register` lets serial.serial_for_url open them."""

from __future__ import annotations

import serial


def register() -> None:
    """Let pyserial open `ser2net://HOST:PORT`; may be called twice."""
    if __name__ not in serial.protocol_handler_packages:
        serial.protocol_handler_packages.append(__name__)
