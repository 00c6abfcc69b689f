"""From nothing to a stand that tests can use: boards found, programs on them, crystals compared, STANDBY reached."""

from __future__ import annotations

import contextlib
from collections.abc import Generator
from pathlib import Path
from typing import Any

from tandem_tools.flash.program import ROOT, Program

from .errors import WrongBoard
from .program import hil_program
from .running import emulated
from .stand import Ports, Stand, opened_at, real_ports
from .wiring import load_wiring


def controller_program(firmware: Path = ROOT) -> Program:
    """Return what a stand's controller has to run, out of the sources in a folder."""
    return hil_program(firmware)


def bring_up(stand: Stand, controller: Program, rig: Program) -> dict[str, str]:
    """Bring a stand to STANDBY with its crystals compared; return the versions of both boards.

    Availability first, then programs, then the rest. Raises RigError's kinds with what to do.
    """
    stand.rig.room(True)
    stand.wait_for_standby()
    versions = stand.check_boards()
    stand.check_programs(controller, rig)
    make_room(stand)
    if setting(stand, "testfire") != "0":
        stand.controller.change(testfire=0)
    stand.measure_ratio()
    return versions


def make_room(stand: Stand) -> None:
    """Give up the records of earlier runs: a journal that is full of them would refuse to arm."""
    acknowledged = stand.controller.ok("journal status")["acknowledged"]
    if acknowledged != "0":
        stand.controller.ok(f"journal pulled {acknowledged}", 60)


def setting(stand: Stand, name: str) -> str:
    """Return the value of one of the controller's settings."""
    return next(line["value"] for line in stand.controller.ask("settings", 30).data if line["name"] == name)


@contextlib.contextmanager
def opened(name: str, firmware: Path = ROOT, **faults: Any) -> Generator[Stand]:
    """Open a stand by the name or the path of its wiring file; an emulated one is started for it.

    `faults`: of an emulated stand, see `rig_stand` (`loose`, `crossed`).
    """
    wiring = load_wiring(name)
    if wiring.kind == "real":
        if faults:
            raise WrongBoard(f"stand {name} is real: wires can be taken off an emulated one alone")
        with opened_at(wiring, real_ports(wiring)) as stand:
            yield stand
        return
    with (
        emulated(wiring, firmware=firmware, speed="max", **faults) as (bench, ports),
        opened_at(wiring, ports, bench) as stand,
    ):
        yield stand


@contextlib.contextmanager
def leased(environment: Any) -> Generator[Stand]:
    """Open the stand of a labgrid environment, whose drivers say where its boards are."""
    target = environment.get_target()
    drivers = [target.get_driver(name) for name in ("TandemControllerDriver", "TandemRigDriver")]
    wiring = load_wiring(drivers[1].wiring_name)
    with opened_at(wiring, Ports(*(driver.url for driver in drivers))) as stand:
        yield stand
