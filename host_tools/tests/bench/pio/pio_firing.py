"""The firmware's own firing programs on the bench's PIO blocks, loaded by the firmware's own loader.

MicroPython on an emulated board assembles `programs.py`; `pio.py` writes them, here into a script of register writes.
Which machine has which pins is told in the sequencer's `arm`, `_place_shots` and `start`, whose order is kept.
"""

from __future__ import annotations

import ast
import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import patch

from pio_harness import CTRL, FDEBUG, IRQ, IRQ0_INTE, IRQ1_INTE, TXF, Operation, of
from tandem_tools.bench import Bench
from tandem_tools.bench.stand import board_constants

RP2 = Path(__file__).parents[4] / "firmware" / "tandem" / "timing" / "rp2"
BOARD = board_constants()
PACER, PS, CO2, GUARD = 0, 1, 2, 3
LAMP, QSW, GATE, SYNC, SAFE = BOARD.PS_LAMP, BOARD.PS_QSW, BOARD.CO2_GATE, BOARD.SYNC_OUT, BOARD.SAFE
PACER_AT, SHOT_AT, GUARD_AT = 0, 8, 28
SAFE_CLOSED = 1 << SAFE
TRIGGERS = 0b1111 << LAMP
PIO0, PIO1 = 0x50200000, 0x50300000

_DUMP = """
print(repr({n: v for n, v in globals().items() if n.isupper() and isinstance(v, int)}))
print(repr({f: (list(p[0]), 0, 0, p[3], p[4]) for f, p in
    (('pacer', pacer), ('shot', shot), ('guard', guard), ('window', window),
    ('sync_watch', sync_watch))}))
"""


class Bus:
    """Stands in for `machine.mem32`: a list of register writes, one every second cycle from cycle 2 on."""

    def __init__(self) -> None:
        self.script: list[Operation] = []
        self.cycle = 0
        self._written: dict[int, int] = {}

    def __setitem__(self, address: int, value: int) -> None:
        kind, offset = address & 0x3000, address & 0xFFF
        now = self._written.get(offset, 0)
        merged = {0: value, 0x1000: now ^ value, 0x2000: now | value, 0x3000: now & ~value}[kind]
        self._written[offset] = merged & 0xF if offset == CTRL else merged
        self.cycle += 2
        self.script.append(["alias", offset, merged, value, self.cycle])


class Firmware:
    """What the firmware gives: the assembled `programs`, the `constants` beside them, and the loader."""

    def __init__(self, bench: Bench) -> None:
        answer = bench.board().exec_raw((RP2 / "programs.py").read_text() + _DUMP, 5000)
        constants, programs = answer.splitlines()
        self.constants: dict[str, int] = ast.literal_eval(constants)
        self.programs: dict[str, Any] = ast.literal_eval(programs)

    def loader(self, bus: Bus) -> Any:
        """Return the firmware's `pio` module, writing to `bus`."""
        machine, micropython = ModuleType("machine"), ModuleType("micropython")
        vars(machine)["mem32"] = bus
        vars(micropython)["const"] = int
        spec = importlib.util.spec_from_file_location("firmware_pio", RP2 / "pio.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        with patch.dict(sys.modules, machine=machine, micropython=micropython):
            spec.loader.exec_module(module)
        return module


class Firing:
    """A script on PIO0: armed, one pass loaded and started. `started` is the cycle in which the machines start."""

    def __init__(
        self,
        firmware: Firmware,
        first: int,
        lead: int = 100,
        *,
        lamp_qswitch: bool = True,
        delays: tuple[int, int] = (0, 0),
        co2_start: int = SYNC,
        in_place: int = SAFE,
    ) -> None:
        bus = Bus()
        pio = firmware.loader(bus)
        programs = firmware.programs
        bus[PIO0 + of(0xDC, GUARD)] = 4 << 26 | LAMP << 5
        pio.execute(PIO0, GUARD, 0xE000)  # set pins, 0
        pio.execute(PIO0, GUARD, 0xE08F)  # set pindirs, 15
        pio.Machine(PIO0, PACER, programs["pacer"], PACER_AT, 1 << 29 | SYNC << 10).write()
        pio.Machine(PIO0, GUARD, programs["guard"], GUARD_AT, 5 << 29 | LAMP << 10).write()
        ps_pins = (2 if lamp_qswitch else 1) << 26 | SYNC << 15 | LAMP << 5
        co2_pins = 1 << 26 | co2_start << 15 | GATE << 5
        locked = firmware.constants["SHOT_LOCKED_OFFSET"]
        pio.Machine(PIO0, PS, programs["shot"], SHOT_AT, ps_pins, SAFE).write(locked)
        pio.Machine(PIO0, CO2, programs["shot"], SHOT_AT, co2_pins, in_place).write(locked)
        bus[PIO0 + IRQ] = 0xFF
        pio.start(PIO0, 1 << GUARD)
        entry = SHOT_AT + firmware.constants["SHOT_START_OFFSET"]
        for machine, count, at in ((PS, delays[0], entry), (CO2, delays[1], entry), (PACER, lead, PACER_AT)):
            self.prime(pio, bus, PIO0, machine, count, at)
        bus[PIO0 + IRQ] = 0xEF
        bus[PIO0 + FDEBUG] = 0xFFFFFFFF
        bus[PIO0 + IRQ1_INTE] = 1 << 8
        bus[PIO0 + of(TXF, PACER)] = first
        pio.start(PIO0, 1 << PACER | 1 << PS | 1 << CO2)
        self.started = bus.cycle
        self.slot = (
            self.started + first + lead + 7
        )  # SYNC_OUT's first rise: PULL, MOV, count + 1, IRQ, MOV, count + 1, NOP
        self.period = first + lead + 13
        self.script: list[Operation] = [["i", SAFE_CLOSED, 0], *bus.script]

    @staticmethod
    def prime(pio: Any, bus: Bus, base: int, machine: int, count: int, entry: int) -> None:
        """Stop a machine, give it its count and its entry, as the sequencer's `_prime`."""
        pio.stop(base, 1 << machine)
        bus[base + 0x2000 + CTRL] = 0x110 << machine
        pio.load_isr(base, machine, count)
        pio.execute(base, machine, entry)

    def permit(self, machine: int, cycle: int, first: int, second: int = 0) -> None:
        """Write a permit: first width and, for the Q-switch, the second, as counts."""
        self.script.append(["w", of(TXF, machine), first | second << 17, cycle])

    def permit_each(self, machine: int, firsts: list[int], second: int = 0) -> None:
        """Write one permit for every slot, 50 cycles before it."""
        for i, first in enumerate(firsts):
            self.permit(machine, self.slot + i * self.period - 50, first, second)


def window(firmware: Firmware, settle: int) -> list[Operation]:
    """Return a script on PIO1: machine 0 is the ps laser's window, its trigger is QSW; the integrator is in reset."""
    bus = Bus()
    pio = firmware.loader(bus)
    pins = 1 << 26 | QSW << 15 | BOARD.PS_INT_RESET << 5
    bus[PIO1 + of(0xDC, 0)] = pins
    pio.execute(PIO1, 0, 0xE001)  # set pins, 1
    pio.execute(PIO1, 0, 0xE081)  # set pindirs, 1
    pio.Machine(PIO1, 0, firmware.programs["window"], 0, pins).write()
    Firing.prime(pio, bus, PIO1, 0, settle, 0)
    bus[PIO1 + IRQ1_INTE] = 1 << 8
    pio.start(PIO1, 1)
    return bus.script


def sync_watch(firmware: Firmware, counts: int, quiet: int) -> list[Operation]:
    """Return a script on PIO1: machine 2 looks for the ps laser's sync after QSW for `counts`, then `quiet` counts."""
    bus = Bus()
    pio = firmware.loader(bus)
    at = firmware.constants["SYNC_WATCH_OFFSET"]
    pio.Machine(PIO1, 2, firmware.programs["sync_watch"], at, QSW << 15, BOARD.PS_SYNC).write()
    Firing.prime(pio, bus, PIO1, 2, 0, at)
    pio.load_osr(PIO1, 2, quiet)
    pio.execute(PIO1, 2, 0xA047)  # mov y, osr
    pio.load_osr(PIO1, 2, counts)
    bus[PIO1 + IRQ0_INTE] = 1 << 8 + firmware.constants["FLAG_SYNC"]
    pio.start(PIO1, 1 << 2)
    return bus.script
