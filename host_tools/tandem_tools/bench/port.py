"""A board's serial port on a pseudo-terminal, for mpremote, pyserial or a terminal program."""

from __future__ import annotations

import contextlib
import os
import pty
import select
import socket
import termios
import threading
import tty
from collections.abc import Callable

POLL_MS = 5
CHUNK = 4096


class Port:
    """Copies bytes between a pseudo-terminal and the engine's socket of one board, with flow control both ways.

    DTR follows whether somebody has the terminal open. What the board sends while nobody has it open is dropped.

    :param stream: the engine's socket of this board.
    :param opened: called with True when somebody opens the terminal and with False when the last one closes it.
    """

    def __init__(self, stream: socket.socket, opened: Callable[[bool], None]) -> None:
        self._stream = stream
        self._opened = opened
        self._master, slave = pty.openpty()
        tty.setraw(slave)
        self.path = os.ttyname(slave)
        os.close(slave)
        os.set_blocking(self._master, False)
        stream.setblocking(False)
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._pump, name=f"port {self.path}", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop copying and remove the terminal."""
        self._ending.set()
        self._thread.join(timeout=2)
        with contextlib.suppress(OSError):
            os.close(self._master)

    def _pump(self) -> None:
        is_open = False
        to_board = b""
        to_port = b""
        with contextlib.suppress(OSError, ValueError):
            while not self._ending.is_set():
                hung_up = self._hung_up()
                if hung_up and is_open:
                    to_board += self._read_master()
                    self._flush(to_board)
                    to_board = to_port = b""
                    is_open = False
                    self._forget_unread()
                    self._opened(False)
                elif not hung_up and not is_open:
                    is_open = True
                    self._opened(True)
                if not is_open:
                    self._read_stream()
                    self._ending.wait(POLL_MS / 1000)
                    continue
                self._wait(bool(to_board), bool(to_port))
                if len(to_board) < CHUNK:
                    to_board += self._read_master()
                if len(to_port) < CHUNK:
                    to_port += self._read_stream()
                to_board = to_board[self._send(to_board) :]
                to_port = to_port[self._write(to_port) :]

    def _hung_up(self) -> bool:
        poll = select.poll()
        poll.register(self._master, 0)
        return any(event & select.POLLHUP for _, event in poll.poll(0))

    def _wait(self, board_waits: bool, port_waits: bool) -> None:
        poll = select.poll()
        poll.register(self._master, (0 if board_waits else select.POLLIN) | (select.POLLOUT if port_waits else 0))
        poll.register(self._stream, (0 if port_waits else select.POLLIN) | (select.POLLOUT if board_waits else 0))
        poll.poll(POLL_MS)

    def _read_master(self) -> bytes:
        try:
            return os.read(self._master, CHUNK)
        except OSError:
            return b""

    def _read_stream(self) -> bytes:
        try:
            data = self._stream.recv(CHUNK)
        except BlockingIOError:
            return b""
        if not data:
            raise OSError("the engine is gone")
        return data

    def _send(self, data: bytes) -> int:
        try:
            return self._stream.send(data) if data else 0
        except BlockingIOError:
            return 0

    def _write(self, data: bytes) -> int:
        try:
            return os.write(self._master, data) if data else 0
        except OSError:
            return 0

    def _flush(self, data: bytes) -> None:
        for _ in range(200):
            data = data[self._send(data) :]
            if not data:
                return
            self._ending.wait(POLL_MS / 1000)

    def _forget_unread(self) -> None:
        """Drop what the last user did not read, as a serial driver does on the last close."""
        slave = os.open(self.path, os.O_RDWR | os.O_NOCTTY)
        try:
            termios.tcflush(slave, termios.TCIOFLUSH)
        finally:
            os.close(slave)
