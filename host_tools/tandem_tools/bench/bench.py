"""A bench: emulated boards, wires and parts on one clock, driven from Python.

Time is the bench's own: it passes only in ``run_for``, ``run_until``, the serial helpers, and while ``free_running``.
Nothing here is repeated or guessed: the same calls on the same stand give the same edges, to the picosecond.
"""

from __future__ import annotations

import base64
import contextlib
import os
import weakref
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

from .channel import Channel, names_of
from .edges import Edge, decode_edges, write_vcd
from .errors import BenchError, BenchTimeout, BoardError
from .port import Port

PS_PER_MS = 1_000_000_000
PS_PER_US = 1_000_000
RAW_PROMPT = b"raw REPL; CTRL-B to exit\r\n>"
FRIENDLY_PROMPT = b">>> "
END = b"\x04"


def _encode(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _moment(at_cycle: int | None, at_ps: int | None, board: str | None) -> dict[str, Any]:
    if at_cycle is not None and at_ps is not None:
        raise BenchError("both at_cycle and at_ps were given; give one of them")
    if at_cycle is not None:
        return {"at_cycle": int(at_cycle), "board": board}
    return {} if at_ps is None else {"at_ps": int(at_ps)}


@dataclass(frozen=True)
class Operation:
    """One change of a memory that is about to begin: nothing of it is done yet.

    `memory` is the name of a board (its flash) or of a FRAM; `kind` is erase, program or write; `offset` the first
    byte; `number` counts from 1 in each memory. A write has no `length` and `duration_ps`: its bytes arrive one by one.
    """

    memory: str
    kind: str
    offset: int
    number: int
    length: int | None = None
    duration_ps: int | None = None


class Part:
    """An external part of the stand (docs/parts.md lists the kinds with their options and controls)."""

    def __init__(self, bench: Bench, name: str) -> None:
        self._bench = bench
        self.name = name

    def set(
        self, *, at_cycle: int | None = None, at_ps: int | None = None, board: str | None = None, **values: Any
    ) -> None:
        """Change options or operate controls, now or at an exact later moment. Unknown names raise BenchError."""
        moment = _moment(at_cycle, at_ps, board or self._bench.first_board)
        self._bench.request("part_set", name=self.name, values=values, **moment)

    def probe(self) -> dict[str, Any]:
        """Return what a person could look at or measure on the part."""
        return self._bench.request("part_probe", name=self.name)

    def log(self, since_ps: int = -1) -> list[dict[str, Any]]:
        """Return the part's log: entries with time_ps, event and data."""
        return self._bench.log(self.name, since_ps)

    def __getattr__(self, action: str) -> Any:
        """Any other name is a control without a value: ``pedal.press()`` is ``pedal.set(press=True)``."""
        if action.startswith("_"):
            raise AttributeError(action)

        def operate(value: Any = True, **moment: Any) -> None:
            self.set(**{action: value}, **moment)

        return operate


class Board:
    """One emulated board."""

    def __init__(self, bench: Bench, name: str, number: int) -> None:
        self._bench = bench
        self._number = number
        self._port: Port | None = None
        self.name = name

    def _request(self, action: str, /, **args: Any) -> Any:
        return self._bench.request(action, board=self.name, **args)

    @property
    def status(self) -> dict[str, Any]:
        """State of the board: cycle, frequency_hz, powered, halted, stopped (why), usb, pc, flash_operations, ..."""
        return self._bench.request("status")["boards"][self.name]

    @property
    def cycle(self) -> int:
        """System-clock cycles since the bench began; goes on counting while the CPU is halted or the board is off."""
        return int(self.status["cycle"])

    @property
    def frequency_hz(self) -> float:
        """Frequency of the system clock (a perfect crystal's; the stand's ppm comes on top)."""
        return float(self.status["frequency_hz"])

    @property
    def stopped(self) -> str | None:
        """Why the CPU stopped for good (boot loader, breakpoint), or None."""
        return self.status["stopped"]

    # --- serial port

    @property
    def port(self) -> str:
        """Path of a pseudo-terminal with the board's USB serial port; made on first use, stays the same over resets.

        Bytes move only while the bench runs: use it inside ``bench.free_running()``.
        """
        if self._port is None:
            stream = self._bench.serial_socket(self._number)
            self._port = Port(stream, lambda opened: self._request("port", open=opened))
        return self._port.path

    def close_port(self) -> None:
        """Remove the pseudo-terminal, if there is one."""
        if self._port is not None:
            self._port.close()
            self._port = None
            self._request("port", open=False, at_once=True)

    def write(self, data: bytes) -> None:
        """Queue bytes at the host's end; the board gets them as fast as it takes them, while time passes."""
        self._request("serial_write", data=_encode(data))

    def read(self, count: int | None = None) -> bytes:
        """Return (and remove) what the board has sent so far, at most `count` bytes. Never blocks, no time passes."""
        args = {} if count is None else {"count": count}
        return base64.b64decode(self._request("serial_read", **args))

    def read_until(self, text: bytes, timeout_ms: float = 1000) -> bytes:
        """Return (and remove) what the board sends up to and including `text`; raises BenchTimeout."""
        reason = self._bench.run_until(serial=text, board=self.name, timeout_ms=timeout_ms)
        return self.read(reason["end"])

    def host(self, *, plugged: bool | None = None, reading: bool | None = None, dtr: bool | None = None) -> None:
        """Set the host's side: cable plugged in, host reading (else the board's packets wait), port open (DTR)."""
        self._request("usb", plugged=plugged, reading=reading, dtr=dtr)

    def command(self, line: str, timeout_ms: float = 500) -> list[str]:
        """Send a line to the console; return the lines of its reply, up to and including ``OK ...`` or ``ERROR ...``.

        The echo of the line is left out. Raises BenchTimeout with what came when no such line comes.
        """
        self.write(line.encode() + b"\r")
        lines: list[str] = []
        end_ps = self._bench.now_ps + int(timeout_ms * PS_PER_MS)
        while True:
            left_ms = (end_ps - self._bench.now_ps) / PS_PER_MS
            try:
                text = self.read_until(b"\n", timeout_ms=max(left_ms, 0)).decode(errors="replace").strip("\r\n")
            except BenchTimeout as error:
                rest = self.read().decode(errors="replace")
                raise BenchTimeout(
                    f"no OK or ERROR to {line!r} within {timeout_ms} ms; got {[*lines, rest]}"
                ) from error
            if text.strip().endswith(line.strip()) and not lines and not text.startswith(("OK", "ERROR")):
                continue
            lines.append(text)
            if text.startswith(("OK", "ERROR")):
                return lines

    def wait_for_repl(self, timeout_ms: float = 3000) -> str:
        """Run until MicroPython's prompt; return what was printed before it."""
        return self.read_until(FRIENDLY_PROMPT, timeout_ms).decode(errors="replace")

    def enter_raw_repl(self, timeout_ms: float = 3000) -> None:
        """Interrupt what runs (Ctrl-C) and enter the raw REPL, in which ``exec_raw`` works."""
        self.read()
        self.write(b"\r\x03\x03\r\x01")
        self.read_until(RAW_PROMPT, timeout_ms)

    def exec_raw(self, source: str, timeout_ms: float = 10_000) -> str:
        """Run source in the raw REPL that ``enter_raw_repl`` entered; return its output. Raises BoardError."""
        self.write(source.encode() + END)
        self.read_until(b"OK", timeout_ms)
        output = self.read_until(END, timeout_ms)[:-1]
        failure = self.read_until(END + b">", timeout_ms)[:-2]
        if failure:
            raise BoardError(f"{failure.decode(errors='replace')}output before: {output.decode(errors='replace')!r}")
        return output.decode(errors="replace").replace("\r\n", "\n")

    def start_raw(self, source: str, timeout_ms: float = 3000) -> None:
        """Start source in the raw REPL and return as soon as it runs; its output is left to ``read``."""
        self.write(source.encode() + END)
        self.read_until(b"OK", timeout_ms)

    def leave_raw_repl(self) -> None:
        """Go back to the friendly REPL (the next run of the bench does it)."""
        self.write(b"\r\x02")

    def exec(self, source: str, timeout_ms: float = 10_000) -> str:
        """Run source on the board and return what it printed, without mpremote and always in the same emulated time.

        Interrupts a program that runs. Raises BoardError with the traceback, BenchTimeout when it does not end.
        """
        self.enter_raw_repl()
        try:
            return self.exec_raw(source, timeout_ms)
        finally:
            self.leave_raw_repl()

    # --- power, resets, the CPU

    def halt_cpu(self) -> None:
        """Stop the CPU as a debugger would; everything else goes on."""
        self._request("halt", halted=True)

    def resume_cpu(self) -> None:
        """Let a halted CPU go on."""
        self._request("halt", halted=False)

    def reset(self, how: Literal["run_pin", "power"] = "run_pin") -> None:
        """Press a reset button for 1 ms, or switch off and on again."""
        self._request("reset", how=how)

    def power(self, on: bool, *, at_cycle: int | None = None, at_ps: int | None = None) -> None:
        """Switch the board's supply now or at an exact later moment."""
        self._request("power", on=on, **{k: v for k, v in _moment(at_cycle, at_ps, None).items() if k != "board"})

    def cut_power_in_flash(self, operation: int = 1, fraction: float = 0.5) -> None:
        """Cut the supply in the middle of the flash operation that comes as `operation`-th from now (1 = the next).

        :param fraction: how much of its time has passed then, 0 to 1. ``run_for`` and ``run_until`` end there.
        """
        if operation < 1 or not 0 <= fraction <= 1:
            raise BenchError(f"operation {operation}, fraction {fraction}; allowed: from 1 on, and 0 to 1")
        self._request("cut_power_in_flash", operation=operation, fraction=fraction)

    def set_irq_cost(self, cycles: int) -> None:
        """Charge every interrupt this many cycles on top, which stand for flash cache misses."""
        self._request("irq_cost", cycles=cycles)

    # --- memory

    def memory(self, address: int, length: int) -> bytes:
        """Return memory as the CPU reads it. Reading a peripheral's register has the effects of a read."""
        return base64.b64decode(self._request("memory", address=address, length=length))

    def word(self, address: int) -> int:
        """Return one 32-bit word of memory or a register."""
        return int.from_bytes(self.memory(address, 4), "little")

    def write_memory(self, address: int, data: bytes) -> None:
        """Write RAM as the CPU would, byte by byte."""
        self._request("write_memory", address=address, data=_encode(data))

    def save_flash(self, path: str | Path) -> Path:
        """Write the 2 MB of flash to a file, which a stand's ``flash`` can name."""
        self._request("save_flash", path=str(Path(path).resolve()))
        return Path(path)

    def set_flash_times(self, times: Literal["typical", "worst", "instant"]) -> None:
        """Choose how long flash operations take from now on."""
        self._request("flash_times", times=times)

    def flash_log(self) -> list[dict[str, Any]]:
        """Return every flash operation so far: kind, offset, length, number, time_ps, duration_ps."""
        return self._request("flash_log")

    def uart_feed(self, index: int, data: bytes) -> None:
        """Send bytes to a UART of the board, at its own speed."""
        self._request("uart_feed", index=index, data=_encode(data))

    def uart_read(self, index: int) -> bytes:
        """Return (and remove) what a UART of the board has sent."""
        return base64.b64decode(self._request("uart_read", index=index))


class Bench:
    """Emulated boards, wires and external parts; a context manager.

    :param stand: description of the stand (docs/bench.md), for example of ``tandem_tools.bench.stand``.
    :raises BenchError: when the stand is not right, or Node or its package is missing.
    """

    def __init__(self, stand: Mapping[str, Any]) -> None:
        self.stand = dict(stand)
        names = names_of(self.stand.get("boards", []))
        self._channel = Channel(len(names))
        self._finalizer = weakref.finalize(self, self._channel.close)
        try:
            answer = self.request("init", stand=self._with_absolute_paths())
        except BaseException:
            self._finalizer()
            raise
        self.nets: list[str] = answer["nets"]
        self.part_names: list[str] = answer["parts"]
        self._boards = {name: Board(self, name, i) for i, name in enumerate(names)}
        self._running_freely = False
        self._memories: list[str] = []
        self._at_operation: Callable[[Operation], None] | None = None

    def _with_absolute_paths(self) -> dict[str, Any]:
        boards = []
        for board in self.stand.get("boards", []):
            paths = {key: str(Path(board[key]).resolve()) for key in ("image", "flash") if board.get(key)}
            boards.append({**board, **paths})
        return {**self.stand, "boards": boards}

    def __enter__(self) -> Bench:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the bench and its engine process; may be called twice."""
        for board in self._boards.values():
            with contextlib.suppress(BenchError):
                board.close_port()
        self._finalizer()

    def request(self, action: str, /, **args: Any) -> Any:
        """Send one request of the channel (docs/bench.md) and return its answer."""
        return self._channel.request(action, **args)

    def serial_socket(self, number: int) -> Any:
        """Return the byte stream of one board's serial port, for Port."""
        return self._channel.serial_sockets[number]

    # --- what is there

    @property
    def first_board(self) -> str:
        """Name of the stand's first board, whose cycles are meant where none is named."""
        return next(iter(self._boards))

    def board(self, name: str | None = None) -> Board:
        """Return a board by its name; without one, the first."""
        found = self._boards.get(name or self.first_board)
        if found is None:
            raise BenchError(f"there is no board {name}; there are {', '.join(self._boards)}")
        return found

    def part(self, name: str) -> Part:
        """Return a part by its name."""
        if name not in self.part_names:
            raise BenchError(f"there is no part {name}; there are {', '.join(self.part_names) or 'none'}")
        return Part(self, name)

    @property
    def engine_pid(self) -> int:
        """Process number of the engine, for measuring the processor time that the bench takes."""
        return self._channel.process.pid

    @property
    def now_ps(self) -> int:
        """The bench's time in picoseconds since it began."""
        return int(self.request("status")["now_ps"])

    # --- time

    def run_for(
        self,
        *,
        ms: float | None = None,
        us: float | None = None,
        ps: int | None = None,
        cycles: int | None = None,
        board: str | None = None,
    ) -> None:
        """Let time pass: ms, us, ps, or cycles of a board (the first, unless named)."""
        given = [x for x in (ms, us, ps, cycles) if x is not None]
        if len(given) != 1 or given[0] < 0:
            raise BenchError("run_for needs one of ms, us, ps and cycles, not negative")
        if cycles is not None:
            self._run(for_cycles=int(cycles), board=board or self.first_board)
        else:
            self._run(for_ps=round((ms or 0) * PS_PER_MS + (us or 0) * PS_PER_US + (ps or 0)))

    def run_to(self, *, ps: int) -> None:
        """Let time pass up to an absolute time in picoseconds."""
        self._run(to_ps=int(ps))

    def run_until(
        self,
        *,
        net: str | None = None,
        level: int | None = None,
        edge: bool = False,
        count: int = 1,
        serial: bytes | None = None,
        board: str | None = None,
        timeout_ms: float = 1000,
    ) -> dict[str, Any]:
        """Let time pass until a net has a level, or until a board's unread serial output contains some bytes.

        :param edge: wait for a change to the level also when the net has it already; `count` of them.
        :raises BenchTimeout: when it has not come after `timeout_ms` of the bench's time.
        """
        if (net is None) == (serial is None):
            raise BenchError("run_until needs either net or serial")
        wanted: dict[str, Any] = {}
        if net is not None:
            wanted["net"] = {"name": net, "level": level, "edge": edge or count > 1, "count": count}
            what = f"net {net} {'change' if level is None else f'= {level}'}"
        else:
            name = board or self.first_board
            wanted["serial"] = {"board": name, "text": _encode(serial or b"")}
            what = f"{serial!r} from board {name}"
        answer = self._run(for_ps=round(timeout_ms * PS_PER_MS), **wanted)
        reason = answer["reason"]
        if reason is None or not (set(reason) & {"net", "serial"}):
            got = "" if serial is None else f"; unread: {self.board(board).read()[-2000:]!r}"
            why = f" ({reason})" if reason else ""
            raise BenchTimeout(
                f"no {what} within {timeout_ms} ms of the bench's time{why}{got}{self._stopped_boards(answer)}"
            )
        return reason

    def _run(self, **args: Any) -> dict[str, Any]:
        if self._running_freely:
            raise BenchError("the bench runs freely; leave free_running() first")
        if self._at_operation is None:
            return self.request("run", **args)
        return self._run_past_operations(self._at_operation, args)

    def _run_past_operations(self, visit: Callable[[Operation], None], args: dict[str, Any]) -> dict[str, Any]:
        """Run with a stop, and a visit, at the beginning of each operation."""
        while True:
            answer = self.request("run", operations=self._memories, **args)
            if "operation" not in (answer["reason"] or {}):
                return answer
            self._at_operation = None
            try:
                visit(Operation(**answer["reason"]["operation"]))
            finally:
                self._at_operation = visit
            args = {key: args[key] for key in ("net", "serial") if key in args} | {"to_ps": answer["target_ps"]}
            if "net" in args:
                if answer["net_count"] < 1:
                    return {**answer, "reason": {"net": args["net"]["name"], "level": args["net"]["level"]}}
                args["net"] = {**args["net"], "count": answer["net_count"]}

    # --- operations of memories

    @property
    def memories(self) -> list[str]:
        """Names of all that stores: boards (their flash) and FRAM parts."""
        parts = [part["name"] for part in self.stand.get("parts", []) if part["kind"] == "fram"]
        return [*self._boards, *parts]

    @contextlib.contextmanager
    def at_operations(
        self, visit: Callable[[Operation], None], memories: Sequence[str] | None = None
    ) -> Generator[None]:
        """Call `visit` at the beginning of every operation of memories (all, unless named) inside a ``with`` block.

        Whatever runs the bench there (run_for, run_until, the serial helpers) goes on afterwards as if nothing had
        been. The visit may save, go on, cut the power and look; at its end the bench has to be restored to where it
        was. Operations that happen in a visit are not visited, unless it asks for that with an `at_operations` inside.
        """
        before = self._at_operation, self._memories
        self._at_operation, self._memories = visit, list(self.memories if memories is None else memories)
        try:
            yield
        finally:
            self._at_operation, self._memories = before

    def run_until_operation(self, memories: Sequence[str] | None = None, timeout_ms: float = 1000) -> Operation:
        """Let time pass until the next operation of one of the memories (all, unless named) begins.

        A flash operation is then under way since this instant: ``run_for(ps=...)`` and ``power(False)`` leave it partly
        done. Of a FRAM's write the address has arrived. Raises BenchTimeout.
        """
        wanted = list(self.memories if memories is None else memories)
        answer = self.request("run", for_ps=round(timeout_ms * PS_PER_MS), operations=wanted)
        reason = answer["reason"] or {}
        if "operation" not in reason:
            raise BenchTimeout(
                f"no operation of {', '.join(wanted)} within {timeout_ms} ms of the bench's time"
                f"{f' ({reason})' if reason else ''}{self._stopped_boards(answer)}"
            )
        return Operation(**reason["operation"])

    def run_until_stored(self, memory: str, count: int, timeout_ms: float = 1000) -> int:
        """Let time pass until a FRAM has stored `count` bytes from now on, or its write has ended; return how many.

        It ends in the instant of the last bit of that byte: of the next byte nothing has arrived. Raises BenchTimeout.
        """
        if count < 1:
            raise BenchError(f"{count} bytes; allowed: from 1 on")
        stored = {"memory": memory, "bytes": count}
        answer = self.request("run", for_ps=round(timeout_ms * PS_PER_MS), stored=stored)
        reason = answer["reason"] or {}
        if "stored" not in reason:
            raise BenchTimeout(
                f"{memory} stored no {count} bytes within {timeout_ms} ms of the bench's time ({reason})"
            )
        return int(reason["stored"])

    def _stopped_boards(self, answer: dict[str, Any]) -> str:
        stopped = {name: board["stopped"] for name, board in answer["boards"].items() if board["stopped"]}
        return f"; stopped for good: {stopped}" if stopped else ""

    @contextlib.contextmanager
    def free_running(self, speed: Literal["max", "real"] = "max") -> Generator[None]:
        """Let time pass by itself inside a ``with`` block, as fast as possible or never faster than real time."""
        self.request("free", speed=speed)
        self._running_freely = True
        try:
            yield
        finally:
            self._running_freely = False
            self.request("stop")

    # --- signals

    def set_pin(
        self,
        net: str,
        level: int | None,
        *,
        at_cycle: int | None = None,
        at_ps: int | None = None,
        board: str | None = None,
    ) -> None:
        """Drive a net from the bench (None: let go), now or at a moment (cycle of a board, the first unless named)."""
        if level not in (0, 1, None):
            raise BenchError(f"level {level!r} for net {net}; allowed: 0, 1, None")
        self.request("drive", net=net, level=level, **_moment(at_cycle, at_ps, board or self.first_board))

    def level(self, net: str) -> int:
        """Return the level of a net."""
        return int(self.request("levels", nets=[net])[net])

    def levels(self, nets: Sequence[str] | None = None) -> dict[str, int]:
        """Return the levels of some or all nets."""
        return self.request("levels", nets=None if nets is None else list(nets))

    def set_analog(self, source: str, volts: float) -> None:
        """Put a constant voltage on an ADC input ('controller.ADC2'), in place of what fed it.

        'controller.ADC_VREF' is the converter's reference: 3.3 V until it is set.
        """
        self.request("analog", input=source, volts=volts)

    def record(self, nets: Sequence[str] | None = None) -> None:
        """Record only these nets from now on; None: all (as at the start)."""
        self.request("record", nets=None if nets is None else list(nets))

    def clear_edges(self) -> None:
        """Forget the edges recorded so far."""
        self.request("clear_edges")

    def edges(
        self,
        nets: Sequence[str] | str | None = None,
        *,
        since_cycle: int | None = None,
        since_ps: int | None = None,
        board: str | None = None,
    ) -> list[Edge]:
        """Return recorded edges in order; cycles are those of `board` (the first, unless named)."""
        wanted = [nets] if isinstance(nets, str) else None if nets is None else list(nets)
        since = {} if since_ps is None else {"since_ps": since_ps}
        found = decode_edges(self.request("edges", nets=wanted, board=board or self.first_board, **since))
        return found if since_cycle is None else [edge for edge in found if edge.cycle >= since_cycle]

    def write_vcd(self, path: str | Path, nets: Sequence[str] | None = None, since_ps: int = 0) -> Path:
        """Write recorded edges as a value change dump; its times (1 ps) are exact."""
        answer = self.request("edges", nets=None if nets is None else list(nets))
        edges = decode_edges(answer)
        start = dict(zip(answer["names"], answer["levels_at_start"], strict=True))
        chosen = {name: start[name] for name in (nets if nets is not None else answer["names"])}
        for edge in edges:
            if edge.time_ps < since_ps:
                chosen[edge.net] = edge.level
        write_vcd(Path(path), [e for e in edges if e.time_ps >= since_ps], chosen, self.now_ps)
        return Path(path)

    def conflicts(self) -> list[dict[str, Any]]:
        """Return every time several outputs drove one net apart: net, drivers, time_ps, end_ps (None: still)."""
        return self.request("conflicts")

    def log(self, name: str | None = None, since_ps: int = -1) -> list[dict[str, Any]]:
        """Return log entries of one part or board, or all."""
        return self.request("log", name=name, since_ps=since_ps)

    def warnings(self) -> dict[str, int]:
        """Return what the boards did that the emulation does not model, with how often."""
        return self.request("warnings")

    # --- saved states

    def save(self) -> int:
        """Keep the whole state (boards, wires, parts, flash, edges, serial data) in the engine; return its number."""
        return int(self.request("save")["snapshot"])

    def restore(self, state: int) -> None:
        """Put everything back to a saved state; what follows is then the same again, to the picosecond."""
        self.request("restore", snapshot=state)

    def drop(self, state: int) -> None:
        """Forget a saved state."""
        self.request("drop", snapshot=state)


def default_stand(image: str | os.PathLike[str], **board: Any) -> dict[str, Any]:
    """Return a stand with one bare controller, nothing wired to it."""
    return {
        "boards": [{"name": "controller", "kind": "rp2040_pico", "image": str(image), **board}],
        "nets": {},
        "parts": [],
    }
