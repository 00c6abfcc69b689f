"""A small bench for the rig's time-critical parts: a board whose PIO makes edges, and the rig with its modules."""

from __future__ import annotations

import importlib.util
import struct
import textwrap
from array import array
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from tandem_tools.bench import Bench
from tandem_tools.image import pico_image

ROOT = Path(__file__).parents[3]
RIG = ROOT / "hil_tests" / "rig" / "rig"
MODULES = ("pins.py", "chip.py", "shots.py", "stamps.py", "players.py")
CHANNELS = ("PS_FIRE", "PS_QSW", "CO2_GATE", "SYNC_OUT", "HEARTBEAT", "PS_INT_RESET", "SAFE")
CYCLE_PS = 8000
STEP_BITS = 7  # levels of the channels in one word of the source; the other 25 are a delay
STEP_CYCLES = 3  # the shortest step

SOURCE = """
import array, rp2, uctypes
from machine import Pin, mem32
from rp2 import PIO
@rp2.asm_pio(
    out_init=(PIO.OUT_LOW,) * 7, out_shiftdir=PIO.SHIFT_RIGHT, autopull=True, pull_thresh=32, fifo_join=PIO.JOIN_TX
)
def source():
    out(pins, 7)
    out(y, 25)
    label("d")
    jmp(y_dec, "d")
words = array.array('I', bytearray(4 * 12000))
machine = rp2.StateMachine(0, source, out_base=Pin(0))
dma = rp2.DMA()
def play(count):
    paced = dma.pack_ctrl(size=2, inc_write=False, treq_sel=0)
    dma.config(read=words, write=machine, count=count, trigger=True, ctrl=paced)
    machine.active(1)
print(uctypes.addressof(words))
"""


def module(name: str) -> ModuleType:
    """Return one of the rig's modules that need no hardware."""
    spec = importlib.util.spec_from_file_location(f"rig_{name}", RIG / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


def stand(source_ppm: float = 0, rig_ppm: float = 0, flash_times: str = "instant") -> dict[str, Any]:
    """Return the stand: source GP0..GP6 to the rig's first watched pins, the rig's answers and its converter."""
    image = str(pico_image())
    boards = [
        {"name": name, "kind": "rp2040_pico", "image": image, "ppm": ppm, "flash_times": flash_times}
        for name, ppm in (("source", source_ppm), ("rig", rig_ppm))
    ]
    nets = {name: [f"source.GP{i}", f"rig.GP{i}"] for i, name in enumerate(CHANNELS)}
    nets |= {"PS_SYNC": ["rig.GP10"], "CO2_SYNC": ["rig.GP11"], "PS_LIGHT": ["rig.GP22"], "CO2_LIGHT": ["rig.GP26"]}
    nets |= {"START": ["rig.GP25"], "DAC_CS": ["rig.GP17", "dac.cs"]}
    parts = [{"name": "dac", "kind": "dac", "options": {}, "supply": "rig"}]
    return {"boards": boards, "nets": nets, "analog": {}, "spi": {"rig.SPI1": ["dac"]}, "parts": parts}


class Setup:
    """Both boards in the raw REPL: the rig's modules on its flash, the source's program loaded."""

    free: list[int]

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.rig = bench.board("rig")
        self.source = bench.board("source")
        for board in (self.source, self.rig):
            board.wait_for_repl()
            board.enter_raw_repl()
        self.rig.exec_raw("import os\nos.mkdir('/rig')")
        for name in MODULES:
            self.rig.exec_raw(f"f = open('/rig/{name}', 'w')")
            text = (RIG / name).read_text()
            for start in range(0, len(text), 2000):
                self.rig.exec_raw(f"f.write({text[start : start + 2000]!r}) and None")
            self.rig.exec_raw("f.close()")
        self.words_at = int(self.source.exec_raw(SOURCE))
        self.keep()

    def keep(self) -> None:
        """Make this the moment to come back to."""
        self._moment = self.bench.save()

    def again(self) -> Setup:
        """Go back to the moment that was kept last."""
        self.bench.restore(self._moment)
        self.bench.clear_edges()
        return self

    def run_rig(self, source: str, timeout_ms: float = 60_000) -> str:
        """Run source on the rig and return what it printed."""
        return self.rig.exec_raw(textwrap.dedent(source), timeout_ms)

    def play(self, steps: Sequence[tuple[int, int]]) -> int:
        """Let the source put out (levels, cycles to the next step); return the cycles that it all takes."""
        words = array("I", [levels | ((cycles - STEP_CYCLES) << STEP_BITS) for levels, cycles in steps])
        self.source.write_memory(self.words_at, words.tobytes())
        self.source.exec_raw(f"play({len(words)})")
        return sum(cycles for _, cycles in steps)

    def words(self, name: str) -> list[int]:
        """Read a channel's words out of the rig's memory."""
        text = self.run_rig(f"b = stamps.buffer({name!r}); print(uctypes.addressof(b), len(b))")
        address, length = (int(field) for field in text.split())
        return [word for (word,) in struct.iter_unpack("<I", self.rig.memory(address, length))] if length else []

    def edges(self, nets: Iterable[str]) -> Mapping[str, list[tuple[int, int]]]:
        """Return net -> (time in ps, level) of what the bench recorded."""
        found: dict[str, list[tuple[int, int]]] = {net: [] for net in nets}
        for edge in self.bench.edges(list(found)):
            found[edge.net].append((edge.time_ps, edge.level))
        return found
