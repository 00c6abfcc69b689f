"""One course of the safety layer and the console, printed: run by CPython and by MicroPython, it must print the same.

Under MicroPython it also counts what the turns allocate.
"""

import gc
import sys

from tandem.console.asked import Controller
from tandem.console.session import Console
from tandem.safety import faults, indicators, states
from tandem.safety import inputs as i

LINES = i.Lines(8, 9, 10, 11, 12, 15)
SAFE, NO, NC, READIES, SCAN = 1 << 8, 1 << 9, 1 << 10, 3 << 11, 1 << 15
RELEASED = SAFE | NC | READIES | SCAN
PRESSED = SAFE | NO | READIES | SCAN
CLOSED = i.CHAIN_PATTERN | i.CHAIN_AIM_MONITOR | 0b11111 | i.CHAIN_PS_SHUTTER_CLOSED | i.CHAIN_CO2_SHUTTER_CLOSED
OPENED = (CLOSED & ~i.CHAIN_PS_SHUTTER_CLOSED) | i.CHAIN_PS_SHUTTER_OPEN
GIVEN = i.HANDPIECE_OK | i.SAFE_PROVEN | i.LOADED | i.GUARD_OK | i.PS_SELECTED

# What the hands and the hardware do: milliseconds, GPIO levels, register, events of other parts.
COURSE = (
    (30, RELEASED, CLOSED, 0),
    (50, RELEASED, CLOSED, i.EV_PASSED),
    (400, RELEASED, CLOSED, 0),
    (100, PRESSED, CLOSED, i.EV_ARM),
    (400, RELEASED, CLOSED, 0),
    (2100, RELEASED, CLOSED | i.CHAIN_BUTTON_ARM, 0),
    (40, PRESSED, CLOSED, 0),
    (60, PRESSED, OPENED, 0),
    (400, RELEASED, CLOSED, 0),
    (60, PRESSED, CLOSED, 0),
    (100, PRESSED, OPENED, 0),
    (5, PRESSED & ~SAFE, OPENED & ~i.CHAIN_DOOR_CLOSED, i.raising(faults.SLOT_MISSED)),
    (200, RELEASED & ~SAFE, CLOSED & ~i.CHAIN_DOOR_CLOSED, 0),
    (30, RELEASED & ~SAFE, CLOSED & ~i.CHAIN_DOOR_CLOSED | i.CHAIN_BUTTON_STANDBY, 0),
    (30, RELEASED, CLOSED, 0),
    (200, RELEASED, CLOSED | i.CHAIN_BUTTON_STANDBY, 0),
    (100, NO | NC, 0, 0),
)


class Asked(Controller):
    """Prints what the console asks for."""

    def status(self) -> list[tuple[str, object]]:
        return [("state", "STANDBY"), ("because", "two words")]

    def arm(self) -> None:
        print("asked to arm")

    def use(self, name: str) -> list[tuple[str, object]]:
        raise ValueError("no " + name)

    def failed(self, error: Exception) -> None:
        print("failed", type(error).__name__)


class Port:
    """Types a fixed text, prints whole lines as they come."""

    def __init__(self, typed: bytes) -> None:
        self.typed = typed
        self.at = 0
        self.line = bytearray()

    def read(self) -> int:
        if self.at == len(self.typed):
            return -1
        self.at += 1
        return self.typed[self.at - 1]

    def write(self, byte: int) -> bool:
        if byte == 10:
            print(bytes(self.line).decode())
            self.line = bytearray()
        elif byte != 13:
            self.line.append(byte)
        return True


class Bench:
    """Inputs, states and indicators turned together, as the supervisor does it."""

    def __init__(self, now_ms: int) -> None:
        self.now_ms = now_ms
        self.inputs = i.Inputs(LINES, i.LaserLines("steady", "closed_ok"), i.LaserLines("steady", "closed_ok"))
        self.inputs.give(GIVEN, True)
        self.state = states.State(now_ms)
        self.lit = 0

    def run(self, count: int, gpio: int, chain: int, events: int) -> int:
        """Take `count` turns; returns the mode. Nothing in here may allocate."""
        inputs, state = self.inputs, self.state
        now_ms = self.now_ms
        for _ in range(count):
            word = inputs.update(gpio, chain, now_ms)
            events |= inputs.events
            inputs.events = 0
            states.advance(state, word, events, now_ms)
            events = 0
            self.lit += indicators.led(state, now_ms) + (indicators.outputs(state, now_ms) & 1)
            now_ms = (now_ms + 1) & 0x3FFFFFFF
        self.now_ms = now_ms
        return state.mode


def safety_course(now_ms: int) -> None:
    """Run the course and print where each part of it led."""
    bench = Bench(now_ms)
    for part in COURSE:
        mode = bench.run(*part)
        state = bench.state
        print(
            states.MODE_NAMES[mode], state.because, state.fault, state.also, state.permit, state.incomplete, bench.lit
        )


def console_course() -> None:
    """Type good and bad lines and print what comes back."""
    port = Port(b"status\r\nhelp\rarm\rar\xe2m\rfire\rrecipe use x\r" + b"y" * 130 + b"\r")
    console = Console(Asked(), port)
    for typed in (port.typed, b"ar\x03\x01m\r"):
        port.typed, port.at = typed, 0
        for _ in range(400):
            console.step(False)
    print("interrupted", console.interrupted, "unread", port.typed[port.at :])


def allocated() -> int:
    """Return the bytes that a whole course of turns allocates under MicroPython."""
    bench = Bench(0x3FFFFFFF - 3000)
    console = Console(Asked(), Port(b""))
    for part in COURSE:
        bench.run(*part)
    bench = Bench(0x3FFFFFFF - 3000)
    gc.collect()
    gc.disable()
    before = gc.mem_alloc()  # pyright: ignore[reportAttributeAccessIssue]
    for count, gpio, chain, events in COURSE:
        bench.run(count, gpio, chain, events)
    for _ in range(1000):
        console.step(True)
    return gc.mem_alloc() - before  # pyright: ignore[reportAttributeAccessIssue]


safety_course(1000)
safety_course(0x3FFFFFFF - 2500)
console_course()
if sys.implementation.name == "micropython":
    print("allocated", allocated())
