"""Puts Tandem or the rig's program on a board: compile, copy what changed, check by hash, start, ask who answers."""

from __future__ import annotations

from .errors import BoardLost, FlashError, NoBoard, OtherProgram, UnsuitableBoard
from .install import FlashResult, flash, flash_rig
from .ports import emulated_port, find_port
from .program import Program, build_program, build_rig_program

__all__ = [
    "BoardLost",
    "FlashError",
    "FlashResult",
    "NoBoard",
    "OtherProgram",
    "Program",
    "UnsuitableBoard",
    "build_program",
    "build_rig_program",
    "emulated_port",
    "find_port",
    "flash",
    "flash_rig",
]
