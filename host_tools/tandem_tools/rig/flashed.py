"""Saved flash with the rig's program, for emulated stands."""

from __future__ import annotations

from pathlib import Path

from tandem_tools.bench.flashed import flash_with
from tandem_tools.flash.program import build_rig_program
from tandem_tools.image import pico_image


def rig_flash_image() -> Path:
    """Return 2 MB of saved flash with the rig's files, as `tandem rig flash` puts them on a board.

    Made once for each content, under build/flashed. Raises FlashError for source that does not compile. Blocks for
    seconds when it is new.
    """
    program = build_rig_program()
    return flash_with({**program.files, program.kind.manifest: program.manifest}, pico_image())
