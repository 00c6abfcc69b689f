"""Puts Tandem's firmware on a board: compile, copy what changed, check by hash, start, ask who answers."""

from __future__ import annotations

from .errors import BoardLost, FlashError, NoBoard, UnsuitableBoard
from .install import FlashResult, flash
from .ports import emulated_port, find_port
from .program import Program, build_program

__all__ = [
    "BoardLost",
    "FlashError",
    "FlashResult",
    "NoBoard",
    "Program",
    "UnsuitableBoard",
    "build_program",
    "emulated_port",
    "find_port",
    "flash",
]
