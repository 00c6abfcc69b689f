"""A port behind ser2net takes the options that our programs give to any port, and is told its settings once."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
import serial
from serial import rfc2217
from tandem_tools.rig import serial_urls

DEADLINE_S = 5


@dataclass
class Ser2net:
    """What ser2net does, by pyserial's own server: RFC 2217 on one side, a port that echoes on the other."""

    listener: socket.socket = field(default_factory=lambda: socket.create_server(("127.0.0.1", 0)))
    baudrates: list[int] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"ser2net://127.0.0.1:{self.listener.getsockname()[1]}?ign_set_control&timeout=3"

    def write(self, data: bytes) -> None:
        self.connection.sendall(data)

    def serve(self) -> None:
        with serial.serial_for_url("loop://") as port:
            self.connection, _ = self.listener.accept()
            manager = rfc2217.PortManager(cast(Any, port), cast(Any, self))
            while data := self.connection.recv(1024):
                self.baudrates += [port.baudrate] * data.count(
                    rfc2217.SB + rfc2217.COM_PORT_OPTION + rfc2217.SET_BAUDRATE
                )
                self.connection.sendall(b"".join(manager.escape(b"".join(manager.filter(data)))))


@pytest.fixture
def ser2net() -> Iterator[Ser2net]:
    serial_urls.register()
    served = Ser2net()
    thread = threading.Thread(target=served.serve, daemon=True)
    thread.start()
    yield served
    thread.join(DEADLINE_S)
    served.listener.close()


@pytest.mark.filterwarnings("ignore:set(Daemon|Name):DeprecationWarning")  # of pyserial's own
def test_lines_pass_and_settings_are_told_once_however_often_timeouts_change(ser2net: Ser2net) -> None:
    with serial.serial_for_url(ser2net.url, timeout=DEADLINE_S, write_timeout=DEADLINE_S, exclusive=True) as port:
        for timeout_s in (0.02, 1.0, DEADLINE_S):
            port.timeout = timeout_s
        port.write(b"status\r")
        assert port.read(7) == b"status\r"
        assert port.write_timeout == DEADLINE_S
        assert len(ser2net.baudrates) == 1
        port.baudrate = 230_400
        assert len(ser2net.baudrates) == 2


def test_registering_twice_changes_nothing() -> None:
    serial_urls.register()
    before = list(serial.protocol_handler_packages)
    serial_urls.register()
    assert serial.protocol_handler_packages == before
