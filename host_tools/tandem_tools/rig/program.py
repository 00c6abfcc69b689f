"""What a stand's controller runs: Tandem as it is, with the recipes of the hardware tests beside the built-in ones."""

from __future__ import annotations

from pathlib import Path

from tandem_tools.flash.program import ROOT, Program, build_program

ON_BOARD = ROOT / "hil_tests" / "on_board"


def hil_program(root: Path = ROOT, board: str = "rp2040_pico") -> Program:
    """Return the controller's program out of the repository at `root`, with the tests' recipes added.

    Raises FlashError as build_program does.
    """
    own = build_program(board, root=root)
    files = {
        **own.files,
        "tandem_main.py": own.files["main.py"],
        "main.py": (ON_BOARD / "main.py").read_bytes(),
        "hil_recipes.py": (ON_BOARD / "hil_recipes.py").read_bytes(),
    }
    return Program(own.board, own.version, files)
