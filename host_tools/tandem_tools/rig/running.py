"""An emulated stand that runs: both boards have the programs of these sources, and ports that anything can open."""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Iterable
from pathlib import Path
from typing import Any, Literal

from tandem_tools.bench import Bench
from tandem_tools.bench.flashed import flash_with
from tandem_tools.bench.stand import CONTROLLER
from tandem_tools.flash.program import ROOT
from tandem_tools.image import pico_image

from .emulated import RIG, rig_stand
from .flashed import rig_flash_image
from .program import hil_program
from .stand import Ports
from .wiring import Wiring

BANNERS = {RIG: b"type help", CONTROLLER: b"research and bench controller"}
"""What each board says as soon as its console can be spoken to."""
BOOT_MS = 20_000


def controller_flash_image(firmware: Path = ROOT) -> Path:
    """Return 2 MB of saved flash with Tandem and the tests' recipes; see `flashed.rig_flash_image`."""
    program = hil_program(firmware)
    return flash_with({**program.files, program.kind.manifest: program.manifest}, pico_image())


@contextlib.contextmanager
def started(
    wiring: Wiring,
    *,
    firmware: Path = ROOT,
    loose: Iterable[str] = (),
    crossed: Iterable[tuple[str, str]] = (),
) -> Generator[tuple[Bench, Ports]]:
    """Start the emulated stand of a wiring; both boards can be spoken to, as soon as the bench's time passes.

    Blocks for seconds, a minute when a program is new. `firmware`: the sources of the controller's program. `loose` and
    `crossed` as in `rig_stand`.

    :raises BenchError: when the bench cannot be made, or a board does not start.
    :raises WiringError: for a wire that there is not.
    """
    flashed = controller_flash_image(firmware), rig_flash_image()
    with Bench(rig_stand(wiring, pico_image(), *flashed, loose=loose, crossed=crossed)) as bench:
        for name, banner in BANNERS.items():
            bench.board(name).read_until(banner, BOOT_MS)
        yield bench, Ports(bench.board(CONTROLLER).port, bench.board(RIG).port)


@contextlib.contextmanager
def emulated(wiring: Wiring, *, speed: Literal["real", "max"] = "real", **how: Any) -> Generator[tuple[Bench, Ports]]:
    """Start an emulated stand as `started` does, and let it run freely; "real": never faster than the wall's clock."""
    with started(wiring, **how) as (bench, ports), bench.free_running(speed):
        yield bench, ports
