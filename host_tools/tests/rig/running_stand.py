"""An emulated stand with ports for commands: each test has it as it was when both boards had just started."""

from __future__ import annotations

from dataclasses import dataclass

from tandem_tools.bench import Bench
from tandem_tools.rig.stand import Ports
from tandem_tools.rig.wiring import Wiring


@dataclass(frozen=True)
class Sound:
    """A stand without a fault. Its time passes by itself while a test has it."""

    bench: Bench
    ports: Ports
    wiring: Wiring
    state: int

    @property
    def options(self) -> list[str]:
        """Its ports as a command takes them."""
        return ["--controller", self.ports.controller, "--rig", self.ports.rig]
