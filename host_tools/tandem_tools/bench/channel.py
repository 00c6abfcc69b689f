"""The control channel to the engine process: one JSON line a request, one a reply (docs/bench.md)."""

from __future__ import annotations

import json
import socket
import subprocess
import threading
from collections.abc import Sequence
from typing import Any

from .errors import BenchError
from .setup import ensure_engine, node_program

CLOSE_TIMEOUT_S = 5.0


class Channel:
    """Starts the engine and passes requests to it. The engine ends when the control socket closes, for whatever reason.

    :param boards: number of boards, each of which gets a socket for the bytes of its serial port.
    :param deadline_s: wall time after which a request that is not answered counts as failed.
    """

    def __init__(self, boards: int, deadline_s: float = 1800.0) -> None:
        self._lock = threading.RLock()
        self._count = 0
        self._buffer = b""
        main = ensure_engine()
        self._control, theirs = socket.socketpair()
        self._control.settimeout(deadline_s)
        pairs = [socket.socketpair() for _ in range(boards)]
        self.serial_sockets = [ours for ours, _ in pairs]
        passed = [theirs, *(engine for _, engine in pairs)]
        fds = [s.fileno() for s in passed]
        options = ["--max-old-space-size=4096", "--stack-size=2000"]
        command = [str(node_program()), *options, str(main), *map(str, fds)]
        self.process = subprocess.Popen(command, pass_fds=fds, stdin=subprocess.DEVNULL)
        for s in passed:
            s.close()

    def request(self, action: str, /, **args: Any) -> Any:
        """Return the engine's answer to one request. Blocks until it comes; raises BenchError for a refusal."""
        with self._lock:
            self._count += 1
            number = self._count
            line = json.dumps({"id": number, "do": action, "args": args}) + "\n"
            try:
                self._control.sendall(line.encode())
                reply = self._reply(number)
            except TimeoutError as error:
                raise BenchError(f"the engine did not answer {action} within {self._control.gettimeout()} s") from error
            except OSError as error:
                raise BenchError(
                    f"the engine is gone (exit code {self.process.poll()}) before it answered {action}"
                ) from error
        failure = reply.get("error")
        if failure is None:
            return reply["ok"]
        if failure["kind"] == "BenchError":
            raise BenchError(failure["message"])
        raise BenchError(f"the engine failed at {action}: {failure['message']}\n{failure.get('stack') or ''}")

    def _reply(self, number: int) -> dict[str, Any]:
        while True:
            line, found, rest = self._buffer.partition(b"\n")
            if found:
                self._buffer = rest
                reply = json.loads(line)
                if reply.get("id") == number:
                    return reply
                continue
            data = self._control.recv(1 << 20)
            if not data:
                raise OSError("the control socket was closed")
            self._buffer += data

    def close(self) -> None:
        """End the engine; may be called twice."""
        for each in (self._control, *self.serial_sockets):
            each.close()
        try:
            self.process.wait(CLOSE_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def names_of(boards: Sequence[dict[str, Any]]) -> list[str]:
    """Return the names of a stand's boards."""
    return [str(board.get("name", "")) for board in boards]
