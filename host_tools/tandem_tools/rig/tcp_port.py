"""A board's serial port on a TCP port, for one host at a time.

A real stand has ser2net for this; an emulated one has this file. Bytes go through unchanged. The serial port is open
exactly while somebody is connected, so a board sees DTR as if the host were beside it.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
import termios
import threading
import tty

POLL_MS = 50
CHUNK = 4096
KEEPALIVE = ((socket.TCP_KEEPIDLE, 10), (socket.TCP_KEEPINTVL, 5), (socket.TCP_KEEPCNT, 3))
"""A host that lost its supply or its network is let go after 25 s; one whose program was killed, at once."""


class TcpPort:
    """Serves one serial port until `close`; a thread does the copying.

    :param path: serial port, or pseudo-terminal, without settings of its own.
    :param host: address to listen on; there is no password, so beyond loopback only in a laboratory's own network.
    :param port: TCP port, 0 for any free one.
    :raises OSError: when the TCP port is taken.
    """

    def __init__(self, path: str, host: str = "127.0.0.1", port: int = 0) -> None:
        self._path = path
        self._listener = socket.create_server((host, port))
        self.host, self.port = self._listener.getsockname()[:2]
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._serve, name=f"tcp port {self.port}", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Let go whoever is connected, and the TCP port."""
        self._ending.set()
        self._thread.join(timeout=2)
        self._listener.close()

    def _serve(self) -> None:
        self._listener.settimeout(POLL_MS / 1000)
        while not self._ending.is_set():
            with contextlib.suppress(TimeoutError, OSError):
                connection, peer = self._listener.accept()
                with connection:
                    self._connect(connection, f"{peer[0]}:{peer[1]}")

    def _connect(self, connection: socket.socket, peer: str) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in KEEPALIVE:
            connection.setsockopt(socket.IPPROTO_TCP, option, value)
        connection.setblocking(False)
        serial_port = os.open(self._path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        try:
            tty.setraw(serial_port, termios.TCSANOW)
            self._copy(connection, serial_port, peer)
        finally:
            os.close(serial_port)

    def _copy(self, connection: socket.socket, serial_port: int, peer: str) -> None:
        """Copy both ways until the host goes; what was read from one side waits until the other takes it.

        What a host that is gone sent last is dropped if the board does not take it.
        """
        to_port = to_host = b""
        gone = False
        while not self._ending.is_set():
            poll = select.poll()
            poll.register(self._listener, select.POLLIN)
            poll.register(
                connection, select.POLLRDHUP | (0 if to_port else select.POLLIN) | (select.POLLOUT if to_host else 0)
            )
            poll.register(serial_port, (0 if to_host else select.POLLIN) | (select.POLLOUT if to_port else 0))
            ready = dict(poll.poll(POLL_MS))
            if gone and to_port:
                return
            gone = bool(ready.get(connection.fileno(), 0) & (select.POLLRDHUP | select.POLLHUP | select.POLLERR))
            with contextlib.suppress(BlockingIOError):
                if not to_port:
                    to_port = connection.recv(CHUNK)
                    if not to_port:
                        return
            with contextlib.suppress(BlockingIOError):
                to_host = to_host or os.read(serial_port, CHUNK)
            with contextlib.suppress(BlockingIOError):
                to_host = to_host[connection.send(to_host) :]
            with contextlib.suppress(BlockingIOError):
                to_port = to_port[os.write(serial_port, to_port) :]
            if not gone and self._listener.fileno() in ready:
                self._refuse(peer)

    def _refuse(self, peer: str) -> None:
        """Tell a second host why it is let go, as a remark of a board's console would."""
        with contextlib.suppress(OSError):
            second, _ = self._listener.accept()
            with second:
                second.sendall(f"# {self._path} is in use by {peer}\r\n".encode())
