"""A laboratory on loopback: a coordinator, and emulated stands each with an exporter, for two_stands.py."""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
LABGRID_BIN = Path(sys.executable).parent
BENCH_PYTHON = ROOT / ".venv" / "bin" / "python"
"""The emulator lives in the repository's own environment."""
START_S = 300
"""For a stand whose programs are new, and have to be written to emulated flash."""
CLIENT_S = 60
END_S = 10
POLL_S = 0.05


def wait_until(true: Callable[[], bool], what: str, deadline_s: float) -> float:
    """Wait until something is true, and return how many seconds it took. Raises TimeoutError, which says `what`."""
    began = time.monotonic()
    while not true():
        if time.monotonic() - began > deadline_s:
            raise TimeoutError(f"{what} did not come about within {deadline_s} s")
        time.sleep(POLL_S)
    return time.monotonic() - began


def first_line(process: subprocess.Popen[str], beginning: str, deadline_s: float = START_S) -> str:
    """Return the first line of a process's output that begins so. Raises TimeoutError when none comes."""
    assert process.stdout is not None
    ends = time.monotonic() + deadline_s
    while select.select([process.stdout], [], [], max(0.0, ends - time.monotonic()))[0]:
        line = process.stdout.readline()
        if line.startswith(beginning):
            return line.strip()
        if not line:
            break
    raise TimeoutError(f"{process.args} did not say {beginning!r} within {deadline_s} s")


@dataclass
class Run:
    """A run of tests with a stand of its own, as a job of a CI server would be: in its own process group and folder."""

    name: str
    process: subprocess.Popen[bytes]
    output: Path
    began: float

    @property
    def said(self) -> str:
        """What it has printed so far."""
        return self.output.read_text()

    @property
    def place(self) -> str:
        """Place that it acquired, "" before that."""
        words = self.said.partition("acquired place ")[2].split()
        return words[0] if words else ""

    def wait_for(self, text: str, deadline_s: float) -> float:
        """Wait until it prints `text`; return the seconds. Raises TimeoutError, also when it ends before."""
        took = wait_until(lambda: text in self.said or self.ended, f"{text!r} of {self.name}", deadline_s)
        if text not in self.said:
            raise TimeoutError(f"the {self.name} run ended without {text!r}: {self.said}")
        return took

    @property
    def ended(self) -> bool:
        """Whether it is over."""
        return self.process.poll() is not None

    def kill(self) -> None:
        """Kill all of it at once, as a crash of its computer would: nothing can clean up."""
        if not self.ended:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(END_S)


class Lab:
    """Coordinator, stands and exporters, all of them children of this process, ended one by one at the end.

    :param folder: what the coordinator keeps, and each run's copy of the tests and its output, go here.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ending = ExitStack()
        self.environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
        for name in ("LG_ENV", "LG_PLACE", "LG_TOKEN", "LG_USERNAME", "LG_HOSTNAME", "LG_PROXY"):
            self.environment.pop(name, None)
        coordinator = self._start("coordinator", [str(LABGRID_BIN / "labgrid-coordinator"), "-l", "127.0.0.1:0"])
        self.environment["LG_COORDINATOR"] = first_line(coordinator, "listening on").split()[-1]

    def __enter__(self) -> Lab:
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.close()

    def _start(self, name: str, command: Sequence[str], **environment: str) -> subprocess.Popen[str]:
        errors: IO[str] = self._ending.enter_context((self._folder / f"{name}.log").open("w"))
        process = subprocess.Popen(
            command,
            cwd=self._folder,
            env=self.environment | environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
        self._ending.callback(self._end, process)
        return process

    @staticmethod
    def _end(process: subprocess.Popen[str]) -> None:
        process.terminate()
        try:
            process.communicate(timeout=END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()

    def client(self, *words: str) -> str:
        """Run labgrid-client and return what it printed. Raises CalledProcessError."""
        command = [str(LABGRID_BIN / "labgrid-client"), *words]
        done = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, timeout=CLIENT_S, check=True
        )
        return done.stdout

    def lease(self, *words: str) -> str:
        """Run lease.py and return what it printed. Raises CalledProcessError."""
        command = [sys.executable, str(HERE / "lease.py"), *words]
        done = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, timeout=CLIENT_S, check=True
        )
        return done.stdout

    def add_stand(self, place: str) -> dict[str, tuple[str, int]]:
        """Run an emulated stand and its exporter, and make a place of it; return the addresses of its ports."""
        stand = self._start(f"{place}-boards", [str(BENCH_PYTHON), "-m", "tandem_tools.rig.serve"])
        ports = json.loads(first_line(stand, "{"))
        words = ["--name", f"host-of-{place}", "--hostname", "127.0.0.1", str(HERE / "exporter-emulated.yaml")]
        exporter = self._start(
            f"{place}-exporter",
            [str(LABGRID_BIN / "labgrid-exporter"), *words],
            STAND=place,
            CONTROLLER_PORT=str(ports["controller"][1]),
            RIG_PORT=str(ports["rig"][1]),
        )
        first_line(exporter, "Exporter ready")
        self.client("-p", place, "create")
        self.client("-p", place, "add-match", f"*/{place}/*")
        self.client("-p", place, "set-tags", "board=rp2040_pico", "kind=emulated", "wiring=emulated")
        return ports

    def run(self, name: str, tests: Sequence[str]) -> Run:
        """Start a run of tests on whichever stand is free or becomes free; returns at once."""
        folder = self._folder / name
        self._copy_of_tests(folder)
        pytest = [
            sys.executable,
            "-m",
            "pytest",
            "-vv",
            "-p",
            "no:cacheprovider",
            "--lg-env",
            "hil_tests/labgrid/stand.yaml",
        ]
        command = [
            sys.executable,
            str(HERE / "lease.py"),
            "run",
            "board=rp2040_pico",
            "kind=emulated",
            "--",
            *pytest,
            *tests,
        ]
        output = folder / "output.txt"
        with output.open("wb") as to:
            process = subprocess.Popen(
                command,
                cwd=folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=to,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        run = Run(name, process, output, time.monotonic())
        self._ending.callback(run.kill)
        return run

    @staticmethod
    def _copy_of_tests(folder: Path) -> None:
        """Give a run a folder of its own: what a run of tests leaves in build/ is not for two at once."""
        shutil.copytree(ROOT / "hil_tests", folder / "hil_tests", ignore=shutil.ignore_patterns("__pycache__"))
        for name in ("conftest.py", "pyproject.toml"):
            shutil.copy(ROOT / name, folder / name)
        for name in ("boards", "docs", "firmware", "host_tools"):
            (folder / name).symlink_to(ROOT / name)

    def places(self) -> dict[str, str]:
        """Return the acquired places, and the user who has each."""
        lines = self.client("who").splitlines()[1:]
        return {place: user for user, _, place in (line.split()[:3] for line in lines)}
