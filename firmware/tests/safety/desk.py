"""A supervisor on a desk: real inputs, states, indicators and journal; board, delivery and console are recorders.

The board models what the supervisor has to prove: SAFE follows the contacts of the chain and HEARTBEAT.
"""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from tandem.record import crc, reading, text
from tandem.record.journal import Folder, Journal
from tandem.record.ram import RamMemory
from tandem.record.recorder import Recorder
from tandem.safety import elapsed, indicators, inputs, states
from tandem.safety.supervisor import Supervisor

SAFE, NO, NC, PS_READY, CO2_READY, SCAN = (1 << bit for bit in (8, 9, 10, 11, 12, 15))
LINES = inputs.Lines(safe=8, foot_no=9, foot_nc=10, ps_ready=11, co2_ready=12, scan_ok=15)
STEADY = inputs.LaserLines("steady", "closed_ok")
CONTACTS = inputs.CHAIN_ESTOP_CLOSED | inputs.CHAIN_DOOR_CLOSED | inputs.CHAIN_KEY_ON
GOOD = inputs.CHAIN_PATTERN | CONTACTS | inputs.CHAIN_PS_FAULT | inputs.CHAIN_CO2_FAULT
WATCHED_MS = 500
CLOSES_MS = 12
UNUSED_PIN = 1 << 2


class Board:
    """Levels as they are set; SAFE after contacts and HEARTBEAT, shutters and aiming beam after the outputs."""

    def __init__(self, log: list[str], now_ms: int) -> None:
        self.log = log
        self.ms = now_ms
        self.extra_us = 0
        self.pedal = NC
        self.lines = PS_READY | CO2_READY | SCAN
        self.chain = GOOD
        self.outputs = 0
        self.tripped = False
        self.stuck = False
        self.mv = 1000
        self.lit = 0
        self.beats: list[int] = []
        self.back_ms = -1
        self.alive_us: list[int] = []
        self.kept: tuple[int, int, int, int] = (0, 0, 0, -1)

    def millis(self) -> int:
        return self.ms

    def micros(self) -> int:
        return (self.ms * 1000 + self.extra_us) & 0x3FFFFFFF

    def sleep(self) -> None:
        self.ms = (self.ms + 1) & 0x3FFFFFFF

    def levels(self) -> int:
        beaten = bool(self.beats) and elapsed(self.ms, self.beats[-1]) < WATCHED_MS
        beaten = beaten and (self.back_ms < 0 or elapsed(self.ms, self.back_ms) >= CLOSES_MS)
        safe = SAFE if self.stuck or (beaten and self.chain & CONTACTS == CONTACTS) else 0
        return safe | self.pedal | self.lines | UNUSED_PIN

    def _shutters(self) -> int:
        ps_driven = self.outputs & indicators.OUT_PS_SHUTTER
        ps = inputs.CHAIN_PS_SHUTTER_OPEN if ps_driven else inputs.CHAIN_PS_SHUTTER_CLOSED
        co2 = self.outputs & indicators.OUT_CO2_SHUTTER
        ps |= inputs.CHAIN_CO2_SHUTTER_OPEN if co2 else inputs.CHAIN_CO2_SHUTTER_CLOSED
        return ps | (inputs.CHAIN_AIM_MONITOR if self.outputs & indicators.OUT_AIM else 0)

    def exchange(self, outputs: int) -> int:
        self.log.append("exchange")
        self.outputs = outputs
        return self.chain | self._shutters()

    def still(self) -> bool:
        outputs, mask, gpio, chain = self.kept
        same = self.levels() & mask == gpio and self.chain | self._shutters() == chain
        return same and outputs == self.outputs and not self.tripped

    def remember(self, outputs: int, gpio_mask: int, gpio: int, chain: int) -> None:
        self.kept = (outputs, gpio_mask, gpio, chain)

    def alive(self) -> None:
        self.alive_us.append(self.micros())

    def beat(self) -> None:
        if self.beats and elapsed(self.ms, self.beats[-1]) >= WATCHED_MS:
            self.back_ms = self.ms
        self.beats.append(self.ms)

    def led(self, on: int) -> None:
        self.lit += on

    def guard_tripped(self) -> bool:
        return self.tripped

    def make_room(self) -> None:
        self.log.append("make room")

    def flash_begins(self) -> None:
        self.log.append("flash")

    def pulse(self, output: str) -> bool:
        self.log.append(f"pulse {output}")
        return True

    def withdraw(self) -> None:
        self.log.append("withdraw")

    def handpiece_mv(self) -> int:
        self.log.append("handpiece")
        return self.mv


class Delivery:
    """Notes what it is asked, and answers with the events that a test has put in."""

    def __init__(self, log: list[str]) -> None:
        self.log = log
        self.active = False
        self.testing = False
        self.plan: Any = SimpleNamespace(id_low_mv=900, id_high_mv=1100)
        self.message = ""
        self.records = 5
        self.presses_used = False
        self.more_passes = False
        self.selected: tuple[bool, bool] = (True, False)
        self.answers: dict[str, int] = {}

    def _asked(self, what: str) -> int:
        self.log.append(what)
        return self.answers.pop(what.split()[0], 0)

    def lasers(self) -> tuple[bool, bool]:
        return self.selected

    def choose(self, next_pass: bool) -> None:
        self._asked(f"choose {next_pass}")

    def open_record(self) -> None:
        self._asked("open_record")

    def prepare(self) -> int:
        return self._asked("prepare")

    def reload(self) -> int:
        return self._asked("reload")

    def begin(self, now_ms: int) -> int:
        event = self._asked(f"begin {now_ms}")
        self.active = not event
        return event

    def poll(self, now_ms: int) -> int:
        event = self._asked(f"poll {now_ms}")
        if event:
            self.active = False
        return event

    def record(self, now_ms: int) -> None:
        self._asked(f"record {now_ms}")

    def finish(self, reason: str = "") -> int:
        self.active = False
        return self._asked(f"finish {reason}".strip())

    def disarmed(self, by_fault: bool) -> None:
        self._asked(f"disarmed {by_fault}")


class Console:
    """Notes what is told; `talks` is what a step says of whether there is more."""

    def __init__(self) -> None:
        self.interrupted = False
        self.talks = False
        self.remarks: list[str] = []
        self.changes: list[tuple[int, int]] = []
        self.steps: list[bool] = []

    def step(self, firing: bool) -> bool:
        self.steps.append(firing)
        return self.talks

    def remark(self, words: str) -> None:
        self.remarks.append(words)

    def mode_changed(self, before: int, mode: int, state: states.State) -> None:
        assert state.mode == mode
        self.changes.append((before, mode))


class Files(Folder):
    """A folder that can fail."""

    fails = False

    def append(self, name: str) -> Any:
        if self.fails:
            raise OSError(28)
        return super().append(name)


class Desk:
    """The supervisor with everything about it; `turns(n)` takes turns, a millisecond each."""

    def __init__(self, folder: Path, now_ms: int = 1000, segment_bytes: int = 4096, **times: int) -> None:
        self.log: list[str] = []
        self.board = Board(self.log, now_ms)
        self.delivery = Delivery(self.log)
        self.console = Console()
        self.inputs = inputs.Inputs(LINES, STEADY, STEADY)
        self.state = states.State(now_ms, **times)
        self.files = Files(str(folder / "journal"))
        self.memory = RamMemory(8192)
        self.journal = Journal(self.files, self.memory, crc, segment_bytes)
        for _ in self.journal.open():
            pass
        self.recorder = Recorder(self.journal)
        self.supervisor = Supervisor(self.board, self.inputs, self.state, self.recorder)
        loose: Any = self.supervisor
        loose.delivery = self.delivery
        loose.console = self.console

    @property
    def mode(self) -> int:
        return self.state.mode

    def turns(self, count: int = 1) -> int:
        """Take turns and return the mode."""
        for _ in range(count):
            self.board.sleep()
            self.supervisor.turn()
        return self.state.mode

    def until(self, mode: int, most: int = 5000) -> int:
        """Take turns until a mode is reached; returns how many it took, and fails after `most`."""
        for count in range(1, most + 1):
            if self.turns() == mode:
                return count
        raise AssertionError(f"{states.MODE_NAMES[mode]} was not reached: {states.MODE_NAMES[self.mode]}")

    def ask(self, events: int) -> int:
        """Put events in and take the turn that judges them."""
        self.supervisor.request(events)
        return self.turns()

    def standby(self) -> Desk:
        """Power up, with everything good and settled."""
        self.until(states.STANDBY)
        self.turns(600)
        return self

    def arming(self) -> Desk:
        """Ask for arming."""
        self.standby()
        assert self.ask(inputs.EV_ARM) == states.ARMING
        return self

    def ready(self) -> Desk:
        """Arm, and wait until the pedal is seen released."""
        self.arming()
        self.until(states.READY)
        self.turns(2)
        return self

    def firing(self) -> Desk:
        """Press the pedal, and wait for the permit."""
        self.ready()
        self.board.pedal = NO
        self.until(states.FIRING, 50)
        for _ in range(50):
            if self.delivery.active:
                return self
            self.turns()
        raise AssertionError("the burst was not begun")

    def notes(self) -> list[str]:
        """Return what is on record, as the console shows it."""
        return [text.line(*found) for found in reading.records(self.journal) if found is not None]
