"""Boards without boards: emulated Picos, wired, on one clock (docs/bench.md)."""

from __future__ import annotations

from .bench import Bench, Board, Operation, Part, default_stand
from .edges import Edge
from .errors import BenchError, BenchTimeout, BoardError
from .setup import ensure_engine

__all__ = [
    "Bench",
    "BenchError",
    "BenchTimeout",
    "Board",
    "BoardError",
    "Edge",
    "Operation",
    "Part",
    "default_stand",
    "ensure_engine",
]
