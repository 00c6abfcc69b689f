"""What the tests on the bench share: the flashed controller, the people around it, and moments to come back to.

A *stage* is a bench with the whole firmware on an emulated Pico and every external part, saved in READY with a recipe
in use, so that each trial starts there. A *scene* is a bare board with the firmware's files and no program running:
tests drive the sequencer from it with their own bursts.
"""

from __future__ import annotations

import hashlib
import re
import textwrap
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tandem.record.settings import Settings
from tandem_tools.bench import Bench, Edge
from tandem_tools.bench.flashed import flash_with
from tandem_tools.bench.stand import CONTROLLER, controller_stand
from tandem_tools.flash.program import MANIFEST, build_program, manifest_of
from tandem_tools.image import pico_image

Figure = Callable[..., None]
CLOCK_HZ = 125_000_000
CYCLES_A_MS = CLOCK_HZ // 1000
TRIGGERS = ("PS_FIRE", "PS_QSW", "CO2_GATE", "SYNC_OUT")
"""The pins under the guard."""
SHOTS = ("PS_FIRE", "PS_QSW", "CO2_GATE")
DRIVEN = ("PS_FIRE_DRV", "PS_QSW_DRV", "CO2_GATE_DRV")
"""The same behind the drivers, which SAFE enables."""

STAGED_MAIN = """
try:
    with open("/prelude.py") as file:
        prelude = file.read()
except OSError:
    prelude = ""
exec(prelude)
del prelude
with open("/tandem_main.py") as file:
    exec(file.read())
"""
"""Stands in for main.py: puts the test's own recipes or profiles into the catalog, then runs the real main.py."""

LAMP = """
    from tandem import catalog
    def lamp():
        from tandem.dose import laser
        return laser.generic_ps_1064_lamp()
    catalog.ps_laser = lamp
"""
"""A prelude: the ps laser is the one with lamp and Q-switch."""

NO_MAIN = "pass\n"

NO_TESTFIRE = {"testfire": "0"}
"""Settings of most stages: every trial but those of the test fire begins in READY for treatment."""


def flashed(main: str = STAGED_MAIN, prelude: str = "", settings: Mapping[str, str] | None = None) -> Path:
    """Return saved flash with the firmware's files; made once for each program, image, main, prelude and settings.

    Its manifest lists what is written, under the hash of the program itself. `settings`: those that are not defaults.
    """
    program = build_program()
    files = {**program.files, "tandem_main.py": program.files["main.py"], "main.py": main.encode()}
    files["prelude.py"] = textwrap.dedent(prelude).encode()
    hashes = {path: hashlib.sha256(data).hexdigest() for path, data in files.items()}
    files[MANIFEST] = manifest_of(program.hash, program.version, program.board, hashes)
    if settings:
        files["settings0"] = _settings_file(settings)
    return flash_with(files, pico_image())


def _settings_file(changes: Mapping[str, str]) -> bytes:
    """Return the settings file that the firmware writes for these changes."""

    class Slots:
        data = b""

        def read(self, slot: int) -> bytes | None:
            return self.data or None

        def write(self, slot: int, data: bytes) -> None:
            self.data = data

    slots = Slots()
    kept = Settings(slots)
    for key, text in changes.items():
        kept.change(key, text)
    return slots.data


class Stage:
    """The controller and what is around it. `saved` moments are restored with `again`."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.board = bench.board(CONTROLLER)
        self._moments: dict[str, int] = {}

    # --- moments

    def save(self, name: str) -> None:
        """Keep the present moment under a name."""
        self._moments[name] = self.bench.save()

    def again(self, name: str = "ready") -> Stage:
        """Go back to a saved moment."""
        self.bench.restore(self._moments[name])
        return self

    @property
    def cycle(self) -> int:
        """Controller's cycle now."""
        return self.board.cycle

    def run(self, cycles: int) -> None:
        """Let cycles pass."""
        self.bench.run_for(cycles=cycles)

    def run_to(self, cycle: int) -> None:
        """Let time pass up to a cycle of the controller."""
        self.bench.run_for(cycles=cycle - self.cycle)

    # --- people

    def boot(self) -> None:
        """Let the board start."""
        self.told("state STANDBY", timeout_ms=8000)

    def use(self, recipe: str) -> str:
        """Take a recipe into use; return the OK line."""
        self.bench.run_for(ms=400)
        return self.ok(f"recipe use {recipe}", timeout_ms=20_000)[-1]

    def arm(self) -> None:
        """Press ARM and wait for READY."""
        self.bench.run_for(ms=400)
        self.bench.part("buttons").press(["ARM", 100])
        self.told("state READY", timeout_ms=8000)
        self.bench.run_for(ms=50)

    def press(self) -> int:
        """Press the pedal; return the cycle."""
        self.bench.part("pedal").press()
        return self.cycle

    def release(self) -> int:
        """Release the pedal; return the cycle."""
        self.bench.part("pedal").release()
        return self.cycle

    # --- console

    def ok(self, line: str, timeout_ms: float = 2000) -> list[str]:
        """Type a command; return its reply. AssertionError for a refusal."""
        reply = [text for text in self.board.command(line, timeout_ms) if text]
        assert reply[-1].startswith("OK"), reply
        return reply

    def fields(self, line: str) -> dict[str, str]:
        """Type a command and return its key=value pairs; of those that come twice the first."""
        found: dict[str, str] = {}
        for text in self.ok(line):
            for key, value in re.findall(r'(\w+)=("[^"]*"|\S+)', text):
                found.setdefault(key, value.strip('"'))
        return found

    def shots(self) -> list[dict[str, str]]:
        """Return what `shots` tells of each shot."""
        lines = [text for text in self.ok("shots", timeout_ms=20_000) if "shot=" in text]
        return [dict(re.findall(r"(\w+)=(\S+)", text)) for text in lines]

    def told(self, text: str, timeout_ms: float = 2000) -> str:
        """Wait until the console says `text`; return everything said up to it."""
        return self.board.read_until(text.encode(), timeout_ms).decode(errors="replace")

    @property
    def state(self) -> str:
        """Present state, asked of the console."""
        return self.fields("status")["state"]

    @property
    def fault(self) -> str:
        """Number and name of the present fault, '' without one."""
        found = self.fields("faults")
        return f"{found['fault']} {found['name']}" if found.get("present") == "1" else ""

    # --- signals

    def edges(self, nets: tuple[str, ...] | str, since: int = 0) -> list[Edge]:
        """Return the edges of nets since a cycle."""
        return self.bench.edges(nets, since_cycle=since)

    def rises(self, nets: tuple[str, ...] | str = SHOTS, since: int = 0) -> list[int]:
        """Return the cycles at which nets rose."""
        return [e.cycle for e in self.edges(nets, since) if e.level]

    def high(self, nets: tuple[str, ...]) -> list[str]:
        """Return which nets are high now."""
        return [net for net, level in self.bench.levels(nets).items() if level]

    def run_to_shot(self, net: str, count: int = 1, timeout_ms: float = 5000) -> int:
        """Run until a net has risen `count` times; return the cycle of the last rise."""
        self.bench.run_until(net=net, level=1, edge=True, count=count, timeout_ms=timeout_ms)
        return self.rises(net)[-1]


@contextmanager
def stage(
    recipe: str = "",
    prelude: str = "",
    save_as: str = "ready",
    settings: Mapping[str, str] = NO_TESTFIRE,
    **stand: Any,
) -> Generator[Stage]:
    """Set the stage: boot, take the recipe into use, arm, save. Without a recipe it is saved in STANDBY."""
    flash = flashed(prelude=prelude, settings=settings)
    with Bench(controller_stand(pico_image(), flash=flash, **stand)) as bench:
        found = Stage(bench)
        found.boot()
        if recipe:
            found.use(recipe)
            found.arm()
        bench.clear_edges()
        found.save(save_as)
        yield found


@contextmanager
def scene(**stand: Any) -> Generator[Stage]:
    """Set the scene: the firmware's files on a board in the raw REPL, nothing running, saved as "repl"."""
    with Bench(controller_stand(pico_image(), flash=flashed(NO_MAIN), **stand)) as bench:
        found = Stage(bench)
        found.board.wait_for_repl(timeout_ms=8000)
        found.board.enter_raw_repl()
        bench.clear_edges()
        found.save("repl")
        yield found
