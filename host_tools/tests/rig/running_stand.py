"""An emulated stand that runs, with ports for commands, and can be put right after a test has spoiled it."""

from __future__ import annotations

from collections.abc import Iterator

from tandem_tools.bench import Bench
from tandem_tools.rig.running import emulated
from tandem_tools.rig.stand import Ports, opened_at
from tandem_tools.rig.wiring import Wiring, load_wiring


class Sound:
    """A stand without a fault, whose time passes by itself."""

    def __init__(self, bench: Bench, ports: Ports, wiring: Wiring) -> None:
        self.bench = bench
        self.ports = ports
        self.wiring = wiring

    @property
    def options(self) -> list[str]:
        """Its ports as a command takes them."""
        return ["--controller", self.ports.controller, "--rig", self.ports.rig]

    def plug_in(self) -> None:
        """Plug both boards' cables in again, reset the controller, and wait until it is in STANDBY."""
        for name in ("rig", "controller"):
            self.bench.board(name).host(plugged=True)
        with opened_at(self.wiring, self.ports) as stand:
            stand.rig.room(True)
            stand.reset_controller()


def sound_stand() -> Iterator[Sound]:
    """Start one, and end it."""
    wiring = load_wiring("emulated")
    with emulated(wiring, speed="max") as (bench, ports):
        yield Sound(bench, ports, wiring)
