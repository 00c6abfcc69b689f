"""The `tandem` command.

Exit codes: 0 done; 1 not done, for a reason given on stderr; 2 the command was not called right; 3 no board, or its
port cannot be opened; 4 not a board that Tandem can run on, or another board or program than was meant; 5 the board
stopped answering; 6 a session was not delivered as it should have been; 7 a test of a night failed, or the night did
not come to its end; 8 a figure of a night has changed against the nights before.
"""

from __future__ import annotations

import signal
import sys
from importlib.metadata import version as package_version
from pathlib import Path
from typing import Annotated

import typer

from tandem_tools.image.cli import image_app
from tandem_tools.rig.cli import rig_app
from tandem_tools.terminal import EXIT_CODES, Bar, fail, not_written

app = typer.Typer(
    name="tandem",
    help="Tandem: firmware and bench of a controller that fires a picosecond and a CO2 laser through one handpiece.",
    epilog=EXIT_CODES,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
)
app.add_typer(image_app, name="image")
app.add_typer(rig_app)
journal_app = typer.Typer(name="journal", help="The controller's journal.", no_args_is_help=True)
app.add_typer(journal_app)

Board = Annotated[str, typer.Option(help="A folder of boards/.")]


@app.command(epilog=EXIT_CODES)
def flash(
    port: Annotated[str | None, typer.Option(help="Serial port of the board, e.g. /dev/ttyACM0.")] = None,
    emulated: Annotated[bool, typer.Option("--emulated", help="The board that `tandem emulate` runs.")] = False,
    board: Board = "rp2040_pico",
    force: Annotated[bool, typer.Option("--force", help="Make a controller of a board that is a rig.")] = False,
) -> None:
    """Put Tandem on a board: --port, --emulated, or the only one there is. Copies only what changed, then starts it."""
    from tandem_tools.flash import FlashError, emulated_port, find_port
    from tandem_tools.flash import flash as put_on_board

    if port and emulated:
        raise typer.BadParameter("give --port or --emulated, not both")
    try:
        where = port or (emulated_port() if emulated else find_port())
        with Bar() as bar:
            result = put_on_board(where, board, bar, force=force)
    except FlashError as error:
        fail(error, error.exit_code)
    print(
        f"Tandem {result.version} (program {result.hash}) runs on {result.machine} at {result.port}: "
        f"{len(result.copied)} of {result.files} files copied, {result.bytes_copied} bytes, "
        f"{len(result.removed)} removed, MicroPython {result.micropython}, {result.seconds:.1f} s"
    )


@app.command(epilog=EXIT_CODES)
def demo(
    out: Annotated[Path, typer.Option(help="Folder for report.html, session.json and session.vcd.")] = Path(
        "build/demo"
    ),
    weak_shot: Annotated[
        int | None, typer.Option(min=1, help="Let this CO2 shot come out weak, to see how a session stops.")
    ] = None,
) -> None:
    """Deliver the published session on an emulated Pico: flash, load, arm, press the pedal, report what was seen."""
    from tandem_tools.bench import BenchError
    from tandem_tools.demo import co2_shots, run_demo
    from tandem_tools.flash import FlashError
    from tandem_tools.image import ImageError

    if weak_shot is not None and weak_shot > co2_shots():
        raise typer.BadParameter(
            f"the session has CO2 shots 1 to {co2_shots()}, not {weak_shot}", param_hint="--weak-shot"
        )
    try:
        with Bar() as bar:
            delivered = run_demo(out, bar, weak_shot)
    except FlashError as error:
        fail(error, error.exit_code)
    except (BenchError, ImageError) as error:
        fail(error, 1)
    except OSError as error:
        fail(not_written(error, "; choose another folder with --out"), 1)
    if not delivered:
        raise typer.Exit(6)


@app.command(epilog=EXIT_CODES)
def emulate(
    flash_file: Annotated[
        Path | None, typer.Option("--flash", help="Keep the board's flash in this file from run to run.")
    ] = None,
    fast: Annotated[bool, typer.Option("--fast", help="Let time pass as fast as it can, not as on the wall.")] = False,
) -> None:
    """Run an emulated controller until Ctrl-C, and print its serial port for mpremote, tandem flash or a terminal."""
    from tandem_tools.bench import BenchError
    from tandem_tools.bench.emulate import emulate as run_emulated
    from tandem_tools.image import ImageError

    for ending in (signal.SIGTERM, signal.SIGHUP):  # a closed terminal, too, saves the flash and takes the port back
        signal.signal(ending, signal.default_int_handler)
    try:
        run_emulated(flash=flash_file, speed="max" if fast else "real")
    except (BenchError, ImageError) as error:
        fail(error, 1)
    except OSError as error:
        fail(not_written(error), 1)


@app.command(epilog=EXIT_CODES)
def nightly(
    stand: Annotated[str, typer.Option(help="A file of hil_tests/wiring/, without .py.")] = "emulated",
    state: Annotated[
        Path | None, typer.Option(help="Folder for the nights of all stands; your data folder if not given.")
    ] = None,
    deadline_min: Annotated[float, typer.Option(min=1, help="End the night after so many minutes, as failed.")] = 60,
    show: Annotated[int | None, typer.Option(metavar="NIGHT", help="Write the page of an old night; run none.")] = None,
    accept: Annotated[
        str | None, typer.Option(metavar="FIGURE", help="This figure may be as it is now; run none. Needs --because.")
    ] = None,
    because: Annotated[str, typer.Option(help="Why the figure has changed.")] = "",
    tests: Annotated[
        str, typer.Option(help="Run these tests alone: a file or a test as pytest names it.")
    ] = "hil_tests",
    firmware: Annotated[
        Path | None, typer.Option(help="Folder with the sources that the controller has to run, if not these.")
    ] = None,
) -> None:
    """Run the tests of a stand, keep every figure, and say what failed or has changed against the nights before."""
    from tandem_tools import nightly as nights

    for ending in (signal.SIGTERM, signal.SIGHUP):  # a service that is stopped, too, puts the stand's outputs low
        signal.signal(ending, signal.default_int_handler)
    try:
        plan = nights.Plan(
            stand, state or nights.default_state(), deadline_s=deadline_min * 60, tests=tests, firmware=firmware
        )
        if show is not None:
            print(nights.show_night(plan, show))
            return
        if accept is not None:
            print(f"{accept}: nights are compared from night {nights.accept(plan, accept, because)} on")
            return
        with nights.NightProgress() as progress:
            night = nights.run_night(plan, progress)
    except nights.NightlyError as error:
        fail(error, 1)
    except OSError as error:
        fail(not_written(error, "; choose another folder with --state"), 1)
    except KeyboardInterrupt:
        fail("interrupted: nothing of this night is kept", 1)
    print("\n".join([night.headline, *(f"  {text}" for text in [*night.problems, *night.remarks]), str(plan.page)]))
    if night.verdict != "good":
        raise typer.Exit(nights.EXIT_CODES[night.verdict])


@journal_app.command(epilog=EXIT_CODES)
def decode(
    paths: Annotated[list[Path], typer.Argument(help="Segment files (*.rec) or folders of them.")],
    as_json: Annotated[bool, typer.Option("--json", help="A line of JSON for each record.")] = False,
) -> None:
    """Print the records of a journal copied from a board (`mpremote cp -r :journal .`), and what is not whole of it."""
    from tandem_tools.journal import JournalFileError, decode_files

    try:
        found = decode_files(paths)
    except JournalFileError as error:
        fail(error, 1)
    row = "{:>8} {:>5} {:>12} {:<20} {:<9} {}"
    if not as_json:
        print(row.format("number", "boot", "uptime", "time", "kind", "what"))
    for r in found.records:
        uptime = f"{r.uptime_ms // 1000}.{r.uptime_ms % 1000:03d}"
        print(r.json() if as_json else row.format(r.seq, r.boot, uptime, r.time or "unset", r.kind, r.text))
    for text in found.wrong:
        print(f"tandem: {text}", file=sys.stderr)
    if found.wrong:
        raise typer.Exit(1)


@app.command()
def version() -> None:
    """Print the versions of these tools and of the firmware that they put on a board."""
    from tandem_tools.flash import FlashError, build_program

    print(f"tandem-tools {package_version('tandem-tools')}")
    try:
        program = build_program()
    except FlashError as error:
        fail(error, 1)
    print(f"firmware {program.version}, program {program.hash} for {program.board}")


if __name__ == "__main__":
    app()
