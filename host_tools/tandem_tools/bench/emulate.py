"""One emulated controller on a pseudo-terminal, for `tandem emulate`."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

from tandem_tools.image import pico_image

from .bench import Bench, default_stand

CONTROLLER = "controller"
PORT_FILE = Path(__file__).resolve().parents[3] / "build" / "emulated-port.json"
WAKE_S = 0.2


def emulated_stand(image: Path, flash: Path | None) -> dict[str, Any]:
    """Return the standard stand of a controller with all its external parts."""
    try:
        from .stand import controller_stand
    except ImportError:
        return default_stand(image, **({"flash": str(flash)} if flash else {}))
    return controller_stand(image=image, flash=flash)


def emulate(
    port_file: str | Path | None = None,
    *,
    image: str | Path | None = None,
    flash: str | Path | None = None,
    speed: Literal["real", "max"] = "real",
    stand: Mapping[str, Any] | None = None,
    say: Callable[[str], None] = print,
    stop: Callable[[], bool] = lambda: False,
) -> None:
    """Start a bench with one controller, say its port, and let it run until Ctrl-C (or until `stop()` is true). Blocks.

    :param port_file: file that holds {"port": path} while the board runs, for `tandem flash --emulated` and scripts;
        removed at the end. Without it build/emulated-port.json in the repository.
    :param image: MicroPython for the Pico (.bin or .uf2); without it the one that the image tool builds.
    :param flash: file with the contents of flash: loaded if it exists, written at the end.
    :param speed: 'real' is never faster than real time; 'max' as fast as possible.
    :param stand: another stand with a board named "controller".
    :raises BenchError: when Node, its package or the stand is not right.
    """
    saved = Path(flash) if flash else None
    chosen = dict(stand) if stand is not None else emulated_stand(Path(image) if image else pico_image(), saved)
    with Bench(chosen) as bench:
        board = bench.board(CONTROLLER)
        say(f"Emulated controller on {board.port}   (mpremote connect {board.port}; Ctrl-C here ends it)")
        announced = Path(port_file) if port_file is not None else PORT_FILE
        announced.parent.mkdir(parents=True, exist_ok=True)
        announced.write_text(json.dumps({"port": board.port}) + "\n")
        try:
            with bench.free_running(speed), contextlib.suppress(KeyboardInterrupt):
                while not stop():
                    time.sleep(WAKE_S)
        finally:
            announced.unlink(missing_ok=True)
            if saved is not None:
                board.save_flash(saved)
