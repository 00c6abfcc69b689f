"""Typed lines over a serial port: one question, one answer, every wait with a deadline.

Rig and controller speak alike: they echo what is typed, answer with lines `# key=value ...` and end with `OK ...` or
`ERROR code "text"`. Lines `# word ...` without a `=` in their first word are remarks; they may come at any time.
"""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self, TypeVar

import serial

from tandem_tools.flash.ports import why_not_opened
from tandem_tools.flash.program import ROOT

from .errors import NoPort, NoReply, PortBusy, PortLost, Refused

DEADLINE_S = 15.0
"""For most answers; an emulated board on a busy computer may be ten times slower than a real one."""
POLL_S = 0.02
ECHO_S = 0.3
FORGET_LINE = b"\x15"
"""Ctrl-U, before each line: what somebody else began to type, or noise, is no part of it."""
LONGEST_LINE = 120
ERROR = re.compile(r'ERROR (\d+) "(.*)"$')
TOLD_CHARACTERS = 400
T = TypeVar("T")


@dataclass(frozen=True)
class Reply:
    """What came between a line and its OK.

    `lines`: every `#` line, without the `# `, remarks among them; `data`: those that hold data, as key to value;
    `fields`: key to value of the OK line; `text`: the OK line without the `OK `.
    """

    text: str
    lines: list[str] = field(default_factory=list)
    fields: dict[str, str] = field(default_factory=dict)
    data: list[dict[str, str]] = field(default_factory=list)


class LineClient:
    """One board's console; a context manager. It has the port for itself. Not for several threads.

    :param port: a name (/dev/ttyACM0, /dev/pts/3), a URL that pyserial knows, or an open pyserial port.
    :param deadline_s: for each answer, unless another is asked for.
    :raises NoPort: when there is no such port; its kind PortBusy when another program has it.
    """

    def __init__(self, port: str | serial.SerialBase, deadline_s: float = DEADLINE_S) -> None:
        self.deadline_s = deadline_s
        self.remarks: list[str] = []
        """Remarks in the order in which they came, since the beginning."""
        self._told = 0
        self._owed = 0
        self._unread = b""
        self._serial: Any = _opened(port, deadline_s) if isinstance(port, str) else port
        self.port = str(self._serial.port)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the port; may be called twice."""
        self._serial.close()

    def ask(self, line: str, deadline_s: float | None = None) -> Reply:
        """Type a line and return its answer. Blocks up to the deadline.

        :raises ValueError: for a line that is no line: too long, empty, or not printable ASCII.
        :raises Refused: when the board refuses it.
        :raises NoReply: when no answer is whole by the deadline.
        :raises PortLost: when the port goes away.
        """
        if not line.strip() or len(line) > LONGEST_LINE or not (line.isascii() and line.isprintable()):
            raise ValueError(f"{line!r} is not a line: 1 to {LONGEST_LINE} printable ASCII characters")
        waits_s = self.deadline_s if deadline_s is None else deadline_s
        began = time.monotonic()
        self._take_stale(began + waits_s)
        answer = _Answer(line, self._owed)
        self._write(FORGET_LINE + line.encode() + b"\r", line)
        try:
            while not answer.ended or self._was_another(answer):
                text = self._next_line(began + waits_s)
                if text is None:
                    self._owed = answer.owed + 1
                    raise NoReply(self._no_reply(line, answer, waits_s))
                self._note_remark(text)
                answer.take(text)
        finally:
            if answer.ended:
                self._owed = 0
        if answer.refusal:
            raise Refused(int(answer.refusal[1]), answer.refusal[2], line)
        return answer.reply()

    def _was_another(self, answer: _Answer) -> bool:
        """Tell whether an answer that came without an echo was to an earlier line: the echo of this one follows then.

        A board that fires echoes nothing, so it cannot be told by the missing echo alone.
        """
        if answer.echoed:
            return False
        text = self._next_line(time.monotonic() + ECHO_S)
        if text is None:
            return False
        self._note_remark(text)
        return answer.begins_with(text)

    def wait_for_remark(self, text: str, deadline_s: float) -> str:
        """Wait for a remark that contains `text` and return it; remarks up to it are not found again.

        Remarks that came since the last one so found count, too. Blocks up to the deadline.

        :raises NoReply: when it does not come; with those that came.
        :raises PortLost: when the port goes away.
        """
        ends = time.monotonic() + deadline_s
        first = self._told
        while True:
            while self._told < len(self.remarks):
                self._told += 1
                if text in self.remarks[self._told - 1]:
                    return self.remarks[self._told - 1]
            line = self._next_line(ends)
            if line is None:
                came = _told("; ".join(self.remarks[first:]))
                raise NoReply(f"no remark with {text!r} from {self.port} within {deadline_s:g} s; remarks: {came}")
            self._note_remark(line)

    def type(self, data: bytes) -> None:
        """Send bytes as they are, and wait for nothing but room. Raises NoReply when there is none, PortLost.

        Answers to lines among them are passed over by the next `ask`.
        """
        self._owed += data.count(b"\r") + data.count(b"\n")
        self._write(data, "bytes")

    def drain(self) -> int:
        """Throw away what has come, within a moment; return how many bytes it was. Raises PortLost."""
        self._read(POLL_S)
        count, self._unread = len(self._unread), b""
        return count

    def drain_remarks(self) -> None:
        """Take in what has come: remarks are kept. Raises PortLost."""
        self._take_stale(time.monotonic() + self.deadline_s)

    def forget_remarks(self) -> None:
        """Let no remark that has come so far be found any more. Raises PortLost."""
        self._take_stale(time.monotonic() + self.deadline_s)
        self._told = len(self.remarks)

    def _note_remark(self, text: str) -> None:
        if text.startswith("#") and not _is_data(text):
            self.remarks.append(text.removeprefix("#").strip())

    def _take_stale(self, until: float) -> None:
        """Take in what came before anything was asked: remarks, and answers that were given up."""
        while time.monotonic() < until and (text := self._next_line(0.0)) is not None:
            self._note_remark(text)
            if self._owed and _is_end(text):
                self._owed -= 1
        self._unread = b""

    def _next_line(self, until: float) -> str | None:
        """Return the next whole line that came by a time of the monotonic clock; None: there is none."""
        while b"\n" not in self._unread:
            left_s = until - time.monotonic()
            came = self._read(max(0.0, min(left_s, POLL_S)))
            if left_s <= 0 and not (came and b"\n" in self._unread):
                return None
        line, _, self._unread = self._unread.partition(b"\n")
        return line.decode("ascii", errors="replace").strip("\r")

    def _read(self, timeout_s: float) -> bool:
        """Take in what has come, waiting for a moment; False: nothing came."""

        def read() -> bytes:
            if self._serial.timeout != timeout_s:
                self._serial.timeout = timeout_s
            return self._serial.read(max(1, self._serial.in_waiting))

        came = self._on_port(read)
        self._unread += came
        return bool(came)

    def _write(self, data: bytes, line: str) -> None:
        try:
            self._on_port(lambda: self._serial.write(data))
        except serial.SerialTimeoutException as error:
            raise NoReply(
                f"the board at {self.port} took no bytes for {self._serial.write_timeout} s when {line!r} was to be "
                "sent: it hangs, or is at its interpreter; reset it"
            ) from error

    def _on_port(self, action: Callable[[], T]) -> T:
        try:
            return action()
        except serial.SerialTimeoutException:
            raise
        except (serial.SerialException, OSError, TypeError) as error:  # TypeError: pyserial, of a port closed meanwhile
            raise PortLost(
                f"{self.port} went away: {error}. See to the cable and the board's supply; after a reset open it anew"
            ) from error

    def _no_reply(self, line: str, answer: _Answer, waits_s: float) -> str:
        rest = self._unread.decode("ascii", errors="replace")
        came = _told("\n".join([*answer.heard, rest]).strip())
        at_prompt = ">>>" in rest or any(text.startswith(">>>") for text in answer.heard)
        hint = ": the board is at its interpreter; reset it" if at_prompt else ""
        return f"no answer to {line!r} from {self.port} within {waits_s:g} s; came: {came}{hint}"


class _Answer:
    """An answer while it comes. `owed`: how many earlier answers were given up and may still come before it."""

    def __init__(self, line: str, owed: int) -> None:
        self._line = line.strip()
        self.owed = owed
        self.echoed = False
        self._lines: list[str] = []
        self._end = ""
        self.heard: list[str] = []

    @property
    def ended(self) -> bool:
        """Whether it is whole."""
        return bool(self._end)

    @property
    def refusal(self) -> re.Match[str] | None:
        """Code and text, if it is a refusal."""
        return ERROR.match(self._end)

    def take(self, text: str) -> None:
        """Take the next line that came."""
        self.heard.append(text)
        if text.startswith("#"):
            self._lines.append(text.removeprefix("#").strip())
        elif not _is_end(text):
            self._take_echo(text)
        elif self.owed and not self.echoed:
            self.owed -= 1
            self._lines.clear()
        else:
            self._end = text

    def _take_echo(self, text: str) -> None:
        if text.rstrip().endswith(self._line):
            self.echoed = True
            self._lines.clear()

    def begins_with(self, text: str) -> bool:
        """Begin anew if a line is the echo; tell whether it is."""
        self._take_echo(text)
        if self.echoed:
            self._end = ""
        return self.echoed

    def reply(self) -> Reply:
        """Return it taken apart."""
        pairs = _pairs_parser()
        text = self._end.removeprefix("OK").strip()
        data = [pairs(line) for line in self._lines if _is_data("# " + line)]
        return Reply(text, self._lines, pairs(text), data)


def _opened(port: str, deadline_s: float) -> serial.SerialBase:
    try:
        return serial.serial_for_url(port, timeout=POLL_S, write_timeout=deadline_s, exclusive=True)
    except (serial.SerialException, OSError, ValueError) as error:
        reason = str(why_not_opened(port))
        raise (PortBusy if "is in use" in reason else NoPort)(reason) from error


def _is_end(text: str) -> bool:
    return text == "OK" or text.startswith("OK ") or ERROR.match(text) is not None


def _is_data(text: str) -> bool:
    """Tell whether a `#` line is data: its first word holds a `=`."""
    return "=" in text.removeprefix("#").strip().split(" ", 1)[0]


def _told(text: str) -> str:
    """Return what came, for a message: the end of it, if it is long."""
    if not text:
        return "nothing"
    return repr(text if len(text) <= TOLD_CHARACTERS else "..." + text[-TOLD_CHARACTERS:])


def _pairs_parser() -> Callable[[str], dict[str, str]]:
    """Return the firmware's own parser of `key=value` words."""
    folder = str(ROOT / "firmware")
    if folder not in sys.path:
        sys.path.insert(0, folder)
    from tandem.console.protocol import parse_pairs

    return parse_pairs
