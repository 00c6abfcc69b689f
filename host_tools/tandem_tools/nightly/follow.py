"""A run of pytest, followed test by test, that ends by a deadline."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

LOOK_S = 0.5
TEARDOWN_S = 30.0
"""How long a run may take to put outputs low and to write what it has, once it is told to end."""
TERMINATE_S = 5.0
READ_BYTES = 65536


class Progress(Protocol):
    """What shows a run's progress."""

    def __call__(self, done: int, total: int, test: str, outcome: str) -> None:
        """`outcome` is empty while `test` is running. `total` is 0 while it is not known."""
        ...


@dataclass(frozen=True)
class Ended:
    """How a run ended: pytest's exit code (below 0: the signal it died of), and which test was running, if any.

    `late`: the deadline ended it.
    """

    code: int
    running: str
    late: bool


class _Follower:
    """Reads the lines of JSON that the recording plugin writes, and keeps count."""

    def __init__(self, pipe: int, progress: Progress) -> None:
        self._pipe = pipe
        self._progress = progress
        self._rest = b""
        self._done = self._total = 0
        self.running = ""

    def look(self, wait_s: float) -> bool:
        """Take in what was written, waiting for it at most `wait_s`; returns whether there was anything."""
        if not select.select([self._pipe], [], [], wait_s)[0]:
            return False
        got = os.read(self._pipe, READ_BYTES)
        *lines, self._rest = (self._rest + got).split(b"\n")
        for line in lines:
            self._take(json.loads(line))
        return bool(got)

    def _take(self, event: dict[str, Any]) -> None:
        self._total = event.get("tests", self._total)
        if "begins" in event:
            self.running = event["begins"]
            self._progress(self._done, self._total, self.running, "")
        if "ends" in event:
            self._done += 1
            self.running = ""
            self._progress(self._done, self._total, event["ends"], event["outcome"])


def run(
    command: Callable[[int], Sequence[str]], folder: Path, log: Path, deadline_s: float, keep_open: int, show: Progress
) -> Ended:
    """Run pytest in a process group of its own until it ends, at most `deadline_s`; its output goes to a file.

    Also ends the group when this process is interrupted, and raises KeyboardInterrupt on. Should this process be
    killed, pytest finds nobody at the pipe after the test that is running, and ends.

    :param command: gives the command for the file descriptor that progress is written to.
    :param keep_open: a file descriptor that pytest holds as long as it lives: the stand's lock.
    """
    reading, writing = os.pipe()
    follower = _Follower(reading, show)
    with log.open("wb") as output:
        process = subprocess.Popen(
            command(writing), cwd=folder, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
            start_new_session=True, pass_fds=(writing, keep_open),
        )  # fmt: skip
    os.close(writing)
    try:
        late = _wait(process, follower, time.monotonic() + deadline_s)
        return Ended(process.returncode, follower.running, late)
    finally:
        _end(process)
        os.close(reading)


def _wait(process: subprocess.Popen[bytes], follower: _Follower, deadline: float) -> bool:
    """Follow a run until it ends; returns whether it had to be ended."""
    late = False
    while process.poll() is None and not late:
        if not follower.look(LOOK_S):
            time.sleep(LOOK_S / 10)  # the pipe was closed: nothing to wait at any more
        late = time.monotonic() > deadline
    if late:
        _end(process)
    while follower.look(0.0):
        pass
    return late


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a run and all that it started: first asking pytest, which then takes the stand down and writes its files."""
    for ending, wait_s in ((signal.SIGINT, TEARDOWN_S), (signal.SIGTERM, TERMINATE_S)):
        if process.poll() is None:
            process.send_signal(ending)
            with suppress(subprocess.TimeoutExpired):
                process.wait(wait_s)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
