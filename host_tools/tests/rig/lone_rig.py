"""A rig alone on a bench: its registers, nothing wired to them but the bench itself."""

from __future__ import annotations

import re
from typing import Any

from tandem_tools.bench import Bench
from tandem_tools.image import pico_image
from tandem_tools.rig.flashed import rig_flash_image
from tandem_tools.rig.wiring import rig_constants

PINS = rig_constants()
BOOT_MS = 8000


def lone_rig_stand() -> dict[str, Any]:
    """Return the stand: one net for each watched pin, slow input and slow output, under its name."""
    outputs = {name: bit for bit, name in enumerate(PINS.OUT_NAMES)}
    inputs = {name: bit for bit, name in enumerate(PINS.IN_NAMES)}
    nets = {name: [f"outputs.{name}"] for name in outputs} | {name: [f"inputs.{name}"] for name in inputs}
    nets |= {name: [f"rig.GP{getattr(PINS, name)}"] for name in PINS.WATCHED}
    nets |= {"OUT_LATCH": [f"rig.GP{PINS.OUT_LATCH}", "outputs.latch"], "SCK": ["outputs.clock"]}
    nets |= {"IN_LOAD": [f"rig.GP{PINS.IN_LOAD}", "inputs.load"], "DAC_CS": [f"rig.GP{PINS.DAC_CS}", "dac.cs"]}
    parts = [
        {"name": "outputs", "kind": "shift_outputs", "options": {"bits": outputs, "width": PINS.OUT_BITS}},
        {
            "name": "inputs",
            "kind": "shift_inputs",
            "options": {"bits": inputs, "width": PINS.IN_BITS, "pattern": PINS.IN_PATTERN},
        },
        {"name": "dac", "kind": "dac", "options": {}},
    ]
    board = {"name": "rig", "kind": "rp2040_pico", "image": str(pico_image()), "flash": str(rig_flash_image())}
    return {
        "boards": [board],
        "nets": nets,
        "analog": {},
        "spi": {f"rig.SPI{PINS.SHIFT_SPI_ID}": ["inputs", "outputs"], f"rig.SPI{PINS.DAC_SPI_ID}": ["dac"]},
        "parts": parts,
    }


class LoneRig:
    """The bench, and the rig's console on it in the bench's own time."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.board = bench.board()

    def boot(self) -> None:
        """Let it start."""
        self.board.read_until(b"type help\r\n", BOOT_MS)

    def ask(self, line: str, timeout_ms: float = 3000) -> list[str]:
        """Type a line and return its whole reply; AssertionError for a refusal."""
        reply = self.board.command(line, timeout_ms)
        assert reply[-1].startswith("OK"), reply
        return reply

    def refused(self, line: str) -> tuple[int, str]:
        """Type a line that has to be refused, and return code and text."""
        reply = self.board.command(line, 3000)
        found = re.fullmatch(r'ERROR (\d+) "(.*)"', reply[-1])
        assert found, reply
        return int(found[1]), found[2]

    def fields(self, line: str) -> dict[str, str]:
        """Type a line and return all `key=value` words of its reply."""
        return dict(re.findall(r'(\w+)=("[^"]*"|\S+)', "\n".join(self.ask(line))))

    def run(self, ms: float) -> None:
        """Let time pass."""
        self.bench.run_for(ms=ms)

    def level(self, net: str) -> int:
        """Return the level of a net now."""
        return self.bench.level(net)

    def edges_us(self, *nets: str) -> list[tuple[float, str, int]]:
        """Return recorded edges of nets: time in microseconds from the first, net, level."""
        edges = self.bench.edges(list(nets))
        return [((e.time_ps - edges[0].time_ps) / 1e6, e.net, e.level) for e in edges]
