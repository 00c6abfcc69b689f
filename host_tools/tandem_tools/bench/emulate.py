"""One emulated controller on a pseudo-terminal, for `tandem emulate`."""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

from tandem_tools.image import pico_image

from .bench import Bench
from .errors import BenchError
from .stand import CONTROLLER, controller_stand

PORT_FILE = Path(__file__).resolve().parents[3] / "build" / "emulated-port.json"
WAKE_S = 0.2


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

    :param port_file: file that holds {"port": path, "pid": this process} while the board runs, for
        `tandem flash --emulated` and scripts; removed at the end. Without it build/emulated-port.json in the
        repository. Of several boards it names the one that was started last.
    :param image: MicroPython for the Pico (.bin or .uf2); without it the one that the image tool builds.
    :param flash: file with the contents of flash: loaded if it exists, written at the end.
    :param speed: 'real' is never faster than real time; 'max' as fast as possible.
    :param stand: another stand with a board named "controller", instead of the standard one.
    :raises BenchError: when Node, its package or the stand is not right.
    """
    saved = Path(flash) if flash else None
    if saved is not None and not os.access(saved if saved.exists() else saved.absolute().parent, os.W_OK):
        raise BenchError(f"the flash cannot be kept in {saved}: nothing can be written there; name another file")
    chosen = dict(stand) if stand is not None else controller_stand(image or pico_image(), flash=saved)
    with Bench(chosen) as bench:
        board = bench.board(CONTROLLER)
        say(f"Emulated controller on {board.port}   (mpremote connect {board.port}; Ctrl-C here ends it)")
        announced = Path(port_file) if port_file is not None else PORT_FILE
        announced.parent.mkdir(parents=True, exist_ok=True)
        ours = json.dumps({"port": board.port, "pid": os.getpid()}) + "\n"
        announced.write_text(ours)
        try:
            with bench.free_running(speed), contextlib.suppress(KeyboardInterrupt):
                while not stop():
                    time.sleep(WAKE_S)
        finally:
            if announced.exists() and announced.read_text() == ours:
                announced.unlink()
            if saved is not None:
                board.save_flash(saved)
