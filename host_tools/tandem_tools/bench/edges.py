"""Recorded edges and their export as a value change dump."""

from __future__ import annotations

import base64
from array import array
from pathlib import Path
from typing import Any, NamedTuple

from vcd.writer import VCDWriter

from .errors import BenchError


class Edge(NamedTuple):
    """A net took a level: at `cycle` of the board that was asked for, which is `time_ps` of the bench's time."""

    cycle: int
    time_ps: int
    net: str
    level: int


def decode_edges(answer: dict[str, Any]) -> list[Edge]:
    """Return the edges of an engine's answer to ``edges``."""
    if answer["dropped"]:
        raise BenchError(
            f"{answer['dropped']} edges were not recorded: choose fewer nets (record) or clear_edges() earlier"
        )
    columns = {}
    for key, kind in (("times", "d"), ("cycles", "d"), ("nets", "h"), ("levels", "B")):
        columns[key] = array(kind)
        columns[key].frombytes(base64.b64decode(answer[key]))
    names = answer["names"]
    return [
        Edge(int(cycle), int(ps), names[net], level)
        for ps, cycle, net, level in zip(*(columns[k] for k in ("times", "cycles", "nets", "levels")), strict=True)
    ]


def write_vcd(path: Path, edges: list[Edge], initial: dict[str, int], now_ps: int) -> None:
    """Write edges as a VCD file with a timescale of 1 ps, in which every time of the bench is exact."""
    with path.open("w") as file, VCDWriter(file, timescale="1 ps", date="", version="Tandem bench") as writer:
        variables = {}
        for name, level in initial.items():
            scope, _, last = name.rpartition(".")
            variables[name] = writer.register_var(scope or "nets", last, "wire", size=1, init=level)
        for edge in edges:
            if edge.net in variables:
                writer.change(variables[edge.net], edge.time_ps, edge.level)
        writer.close(now_ps)
