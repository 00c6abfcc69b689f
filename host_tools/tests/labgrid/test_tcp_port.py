"""A serial port over TCP: one host at a time, nothing lost, and the next one gets in when the first is gone."""

from __future__ import annotations

import os
import pty
import select
import signal
import socket
import subprocess
import sys
import time
import tty
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from tandem_tools.rig.tcp_port import TcpPort

DEADLINE_S = 5


@dataclass(frozen=True)
class Terminal:
    """A pseudo-terminal: `board` is the end of the board, `path` that of the hosts."""

    board: int
    path: str

    @property
    def is_open(self) -> bool:
        poll = select.poll()
        poll.register(self.board, 0)
        return not any(event & select.POLLHUP for _, event in poll.poll(0))


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    board, hosts = pty.openpty()
    tty.setraw(hosts)
    path = os.ttyname(hosts)
    os.close(hosts)
    yield Terminal(board, path)
    os.close(board)


@pytest.fixture
def port(terminal: Terminal) -> Iterator[TcpPort]:
    served = TcpPort(terminal.path)
    yield served
    served.close()


@pytest.fixture
def board(terminal: Terminal) -> Iterator[int]:
    """Return the board's end, of a terminal that stays open from host to host."""
    kept = os.open(terminal.path, os.O_RDWR | os.O_NOCTTY)
    yield terminal.board
    os.close(kept)


def connect(port: TcpPort) -> socket.socket:
    host = socket.create_connection((port.host, port.port), DEADLINE_S)
    host.settimeout(DEADLINE_S)
    return host


def wait_until(true: Callable[[], bool]) -> None:
    ends = time.monotonic() + DEADLINE_S
    while not true():
        assert time.monotonic() < ends
        time.sleep(0.005)


def received(host: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        data += host.recv(count - len(data)) or pytest.fail(f"the line ended after {len(data)} of {count} bytes")
    return data


def test_every_byte_value_passes_both_ways(port: TcpPort, board: int) -> None:
    every = bytes(range(256)) * 8
    with connect(port) as host:
        host.sendall(every)
        seen = b""
        while len(seen) < len(every):
            seen += os.read(board, len(every))
        os.write(board, every)
        assert seen == every and received(host, len(every)) == every


def test_a_second_host_is_told_who_has_the_port_and_disturbs_nothing(port: TcpPort, board: int) -> None:
    with connect(port) as first:
        first.sendall(b"one")
        assert os.read(board, 10) == b"one"
        with connect(port) as second:
            told = second.recv(200).decode()
            assert second.recv(1) == b""
        own = "{}:{}".format(*first.getsockname())
        assert told.startswith("# ") and f"in use by {own}" in told
        os.write(board, b"two")
        assert received(first, 3) == b"two"


def test_the_next_host_gets_in_at_once_when_the_first_has_closed(port: TcpPort, board: int) -> None:
    for turn in range(20):
        word = f"turn {turn:02}".encode()
        with connect(port) as host:
            os.write(board, word)
            assert received(host, len(word)) == word


def test_the_serial_port_is_open_exactly_while_a_host_is_connected(port: TcpPort, terminal: Terminal) -> None:
    for _ in range(2):
        assert not terminal.is_open
        with connect(port):
            wait_until(lambda: terminal.is_open)
        wait_until(lambda: not terminal.is_open)


def test_a_killed_host_leaves_the_port_free(port: TcpPort, board: int) -> None:
    source = (
        "import socket, sys, time; s = socket.create_connection((sys.argv[1], int(sys.argv[2]))); print(1, flush=True)"
    )
    command = [sys.executable, "-c", f"{source}; time.sleep(60)", port.host, str(port.port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as held:
        assert held.stdout is not None and held.stdout.readline()
        held.send_signal(signal.SIGKILL)
        held.wait()
        began = time.monotonic()
        with connect(port) as host:
            os.write(board, b"free")
            assert received(host, 4) == b"free"
        assert time.monotonic() - began < 1
