"""`tandem rig`: draw and check the wires of a stand, put programs on its boards, run an emulated one."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console

from tandem_tools.bench.errors import BenchError
from tandem_tools.flash.errors import FlashError
from tandem_tools.flash.install import FlashResult
from tandem_tools.image.errors import ImageError
from tandem_tools.terminal import EXIT_CODES, Bar, fail, not_written

from .errors import NoPort, NoReply, PortLost, RigError, WrongBoard, WrongProgram
from .stand import Ports, Stand, opened_at, real_ports
from .wiring import Wiring, WiringError, load_wiring

rig_app = typer.Typer(
    name="rig", help="A second Pico that plays the room and the lasers, for tests on hardware.", no_args_is_help=True
)

NO_LASER = "Triggers are set to static levels. Is it certain that no laser is connected to the controller?"
WAKE_S = 0.2
WIDTH = 150
"""Columns of a table where there is no terminal to tell."""

StandName = Annotated[
    str, typer.Option("--stand", envvar="TANDEM_STAND", help="A file of hil_tests/wiring, by name or by path.")
]
ControllerPort = Annotated[
    str | None, typer.Option("--controller", help="The controller's port, in place of the one found by serial number.")
]
RigPort = Annotated[str | None, typer.Option("--rig", help="The rig's port, in place of the one found.")]


def _fail(error: Exception) -> NoReturn:
    """End with the exit code of an error's kind."""
    if isinstance(error, FlashError):
        fail(error, error.exit_code)
    codes = {NoPort: 3, WrongBoard: 4, WrongProgram: 4, PortLost: 5, NoReply: 5}
    fail(error, next((code for kind, code in codes.items() if isinstance(error, kind)), 1))


@contextlib.contextmanager
def _failing() -> Generator[None]:
    """Turn whatever is known to go wrong into a message and an exit code."""
    try:
        yield
    except (FlashError, RigError, WiringError, BenchError, ImageError) as error:
        _fail(error)
    except OSError as error:
        fail(not_written(error), 1)


@contextlib.contextmanager
def _ended_alike() -> Generator[None]:
    """Let a closed terminal and a plain `kill` end a command as Ctrl-C does, so that ports and boards are left tidy."""
    endings = (signal.SIGTERM, signal.SIGHUP)
    before = [signal.signal(ending, signal.default_int_handler) for ending in endings]
    try:
        yield
    finally:
        for ending, handler in zip(endings, before, strict=True):
            signal.signal(ending, handler)


@rig_app.command(epilog=EXIT_CODES)
def wiring(
    stand: StandName = "emulated",
    svg: Annotated[Path | None, typer.Option(help="Draw the wires into this file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The table as a line of JSON.")] = False,
) -> None:
    """Print the table of a stand's wires; with --svg draw them, too."""
    from .drawing import draw
    from .table import as_json as to_json
    from .table import as_table

    with _failing():
        found = load_wiring(stand)
        if svg is not None:
            svg.write_text(draw(found))
    if as_json:
        print(to_json(found))
    else:
        _console().print(as_table(found))


@rig_app.command(epilog=EXIT_CODES)
def check(
    stand: StandName = "emulated",
    controller: ControllerPort = None,
    rig: RigPort = None,
    yes: Annotated[bool, typer.Option("--yes", help=f"Yes to: {NO_LASER}")] = False,
    loose: Annotated[
        list[str] | None, typer.Option(help="Emulated stand: take this wire off; may be given again.")
    ] = None,
    crossed: Annotated[
        list[str] | None, typer.Option(metavar="A,B", help="Emulated stand: exchange these wires; may be given again.")
    ] = None,
) -> None:
    """Prove each wire of a stand by setting one end and reading the other. Exit code 1 when one is wrong."""
    from .table import of_findings
    from .wirecheck import check_wires

    pairs = [_pair(text) for text in crossed or ()]
    with _failing(), _ended_alike():
        found = load_wiring(stand)
        if (loose or pairs) and (found.kind != "emulated" or controller or rig):
            raise typer.BadParameter("--loose and --crossed are for an emulated stand that this command starts")
        if found.kind == "real" and not yes and not typer.confirm(NO_LASER):
            fail("nothing was set: take the lasers off first", 1)
        with Bar("") as bar, _boards(found, controller, rig, loose or (), pairs) as boards:
            _check_answers(boards)
            boards.leave_controller()
            findings = check_wires(found, boards.rig, boards.ports.controller, bar)
    _console().print(of_findings(findings, found.name))
    wrong = [finding.signal for finding in findings if finding.ok is False]
    untold = [finding.signal for finding in findings if finding.ok is None]
    if wrong or untold:
        fail(f"wrong wires: {', '.join(wrong) or 'none'}; not checked: {', '.join(untold) or 'none'}", 1)
    print(f"all {len(findings)} wires are right")


@rig_app.command(epilog=EXIT_CODES)
def flash(
    stand: StandName = "emulated",
    port: Annotated[str | None, typer.Option(help="The rig's port, in place of the one of the stand.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Make a rig of a board that is a controller.")] = False,
) -> None:
    """Put the rig's program on the rig of a real stand, or on the board at --port. Copies only what changed."""
    from tandem_tools.flash import flash_rig

    with _failing(), Bar() as bar:
        where = port or _real_ports(load_wiring(stand)).rig
        result = flash_rig(where, bar, force=force)
    print(_said("the rig's program", result))


@rig_app.command(epilog=EXIT_CODES)
def prepare(stand: StandName = "emulated", controller: ControllerPort = None, rig: RigPort = None) -> None:
    """Bring both boards of a stand up to date: the rig's program, and Tandem with the tests' recipes."""
    from tandem_tools.flash import flash as flash_controller
    from tandem_tools.flash import flash_rig

    from .bringup import controller_program

    with _failing(), Bar() as bar:
        ports = _given(controller, rig) or _real_ports(load_wiring(stand))
        for title, result in (
            ("the rig's program", flash_rig(ports.rig, bar)),
            ("Tandem", flash_controller(ports.controller, progress=bar, build=lambda _: controller_program())),
        ):
            print(_said(title, result))


@rig_app.command(epilog=EXIT_CODES)
def info(stand: StandName = "emulated", controller: ControllerPort = None, rig: RigPort = None) -> None:
    """Say which boards a stand has, what they run, and whether that is what these sources make."""
    with _failing(), _ended_alike():
        found = load_wiring(stand)
        with _boards(found, controller, rig) as boards:
            versions = _check_answers(boards)
            print(
                f"stand {found.name} ({found.kind}): controller at {boards.ports.controller}, rig at {boards.ports.rig}"
            )
    for key, value in versions.items():
        print(f"{key:24} {value}")
    print("both boards run what these sources make")


@rig_app.command(epilog=EXIT_CODES)
def emulate(stand: StandName = "emulated") -> None:
    """Run an emulated stand until Ctrl-C, and print both ports, for --controller and --rig, mpremote, a terminal."""
    from .running import emulated

    with _failing(), _ended_alike():
        found = _emulated_only(load_wiring(stand))
        with contextlib.suppress(KeyboardInterrupt), emulated(found) as (_, ports):
            print(f"Emulated stand {found.name}: --controller {ports.controller} --rig {ports.rig}   (Ctrl-C ends it)")
            sys.stdout.flush()
            while True:
                time.sleep(WAKE_S)


@contextlib.contextmanager
def _boards(
    wiring: Wiring,
    controller: str | None,
    rig: str | None,
    loose: Sequence[str] = (),
    crossed: Sequence[tuple[str, str]] = (),
) -> Generator[Stand]:
    """Open the boards at the ports named, the real ones, or those of an emulated stand that runs meanwhile."""
    from .running import emulated

    given = _given(controller, rig)
    if given or wiring.kind == "real":
        with opened_at(wiring, given or _real_ports(wiring)) as boards:
            yield boards
    else:
        with (
            emulated(wiring, speed="max", loose=loose, crossed=crossed) as (bench, ports),
            opened_at(wiring, ports, bench) as boards,
        ):
            yield boards


def _check_answers(boards: Stand) -> dict[str, str]:
    """Return the versions of both boards. Raises WrongBoard, or WrongProgram for those of other sources."""
    from tandem_tools.flash import build_rig_program

    from .bringup import controller_program

    versions = boards.check_boards()
    if boards.bench is None:  # an emulated stand was started with these very programs
        boards.check_programs(controller_program(), build_rig_program())
    return versions


def _given(controller: str | None, rig: str | None) -> Ports | None:
    """Return the ports that were named on the command line: both, or none."""
    if (controller is None) != (rig is None):
        raise typer.BadParameter("give --controller and --rig, or neither")
    return Ports(controller, rig) if controller is not None and rig is not None else None


def _real_ports(wiring: Wiring) -> Ports:
    """Return the ports of a real stand's boards. Raises NoPort, also for a stand that is not real."""
    if wiring.kind != "real":
        raise NoPort(
            f"stand {wiring.name} is emulated and has no boards of its own: name a real one with --stand (copy "
            "hil_tests/wiring/example.py), or start this one with tandem rig emulate and give its ports"
        )
    return real_ports(wiring)


def _emulated_only(wiring: Wiring) -> Wiring:
    if wiring.kind != "emulated":
        raise WiringError(f"stand {wiring.name} is a real one; give an emulated one with --stand")
    return wiring


def _pair(text: str) -> tuple[str, str]:
    names = text.split(",")
    if len(names) != 2:
        raise typer.BadParameter(f"{text!r} is not two signals with a comma between them", param_hint="--crossed")
    return names[0], names[1]


def _said(title: str, result: FlashResult) -> str:
    return (
        f"{title} {result.version} (program {result.hash}) runs on {result.machine} at {result.port}: "
        f"{len(result.copied)} of {result.files} files copied, {len(result.removed)} removed, {result.seconds:.1f} s"
    )


def _console() -> Console:
    """Return a console for tables, wide enough for them where no terminal says how wide it is."""
    console = Console()
    return console if console.is_terminal or "COLUMNS" in os.environ else Console(width=WIDTH)
