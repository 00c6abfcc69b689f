"""A controller that only notes what it is asked, and a port that tests hold both ends of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tandem.console import protocol
from tandem.console.asked import Controller
from tandem.console.protocol import Refused
from tandem.console.session import Console


class Noted(Controller):
    """Notes every call in `calls`; `refusal` is raised by every method when it is set."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.refusal: Exception | None = None
        self.shots = 3
        self.failures: list[Exception] = []

    def _note(self, call: str) -> None:
        self.calls.append(call)
        if self.refusal is not None:
            raise self.refusal

    def status(self) -> list[tuple[str, object]]:
        self._note("status")
        return [("state", "STANDBY"), ("cannot_arm", "the key is off")]

    def recipe_names(self) -> Iterable[str]:
        self._note("recipe_names")
        return ["calcinosis-1", "calcinosis-2"]

    def recipe_lines(self, name: str) -> Iterable[str]:
        self._note("recipe_lines " + name)
        return ["pass=1 laser=ps"]

    def use(self, name: str) -> list[tuple[str, object]]:
        self._note("use " + name)
        return [("recipe", name), ("shots", 31)]

    def plan_lines(self) -> Iterable[str]:
        self._note("plan_lines")
        return ["pass=1 shot=1"]

    def arm(self) -> None:
        self._note("arm")

    def standby(self) -> None:
        self._note("standby")

    def fault_lines(self) -> Iterable[str]:
        self._note("fault_lines")
        return []

    def clear(self) -> None:
        self._note("clear")

    def shot_lines(self) -> Iterator[str]:
        self._note("shot_lines")
        for number in range(self.shots):
            yield f"shot={number + 1} pass=1 laser=co2 energy_uj=90000 verdict=pass x_um=-870 y_um=0"

    def service(self, pin: str) -> None:
        self._note("service " + pin)

    def testfire(self) -> None:
        self._note("testfire")

    def scope(self, output: str, count: str) -> None:
        self._note("scope {} {}".format(output, count))

    def setting_lines(self) -> Iterable[str]:
        self._note("setting_lines")
        return ["name=idle_s value=120"]

    def set(self, name: str, text: str) -> list[tuple[str, object]]:
        self._note("set {} {}".format(name, text))
        return [("name", name), ("value", text)]

    def clock(self, text: str) -> list[tuple[str, object]]:
        self._note("clock " + text)
        return [("time", text)]

    def journal_status(self) -> list[tuple[str, object]]:
        self._note("journal_status")
        return [("last", 45)]

    def journal_lines(self, first: str) -> Iterator[str]:
        self._note("journal_lines " + first)
        yield "seq=7 kind=note"
        yield ""
        yield "seq=8 kind=note"

    def journal_pulled(self, last: str) -> None:
        self._note("journal_pulled " + last)

    def journal_overwrite(self) -> None:
        self._note("journal_overwrite")

    def health(self) -> list[tuple[str, object]]:
        self._note("health")
        return [("errors", 0), ("lost_lines", 0)]

    def version(self) -> list[tuple[str, object]]:
        self._note("version")
        return [("tandem", "0.1.0"), ("board", "a board")]

    def failed(self, error: Exception) -> None:
        self.failures.append(error)


class Wire:
    """The serial port: `typed` waits to be read by the console, `seen` is what it sent; `room` limits sending."""

    def __init__(self) -> None:
        self.typed = bytearray()
        self.seen = bytearray()
        self.room: int | None = None

    def read(self) -> int:
        return self.typed.pop(0) if self.typed else -1

    def write(self, byte: int) -> bool:
        if self.room is not None:
            if not self.room:
                return False
            self.room -= 1
        self.seen.append(byte)
        return True


class Desk:
    """A console on a wire, with a noting controller behind it."""

    def __init__(self, capacity: int = 4096) -> None:
        self.controller = Noted()
        self.wire = Wire()
        self.console = Console(self.controller, self.wire, capacity)

    def turns(self, count: int = 1, firing: bool = False) -> None:
        for _ in range(count):
            self.console.step(firing)

    def type(self, text: str | bytes, turns: int | None = None) -> list[str]:
        """Type bytes, let the console work on them, and return the lines that came back."""
        data = text.encode() if isinstance(text, str) else text
        before = len(self.wire.seen)
        self.wire.typed += data
        self.turns(turns if turns is not None else len(data) + 200)
        return self.wire.seen[before:].decode("ascii").split("\r\n")

    def reply(self, command: str) -> list[str]:
        """Type one command with Enter; return its reply without the echo."""
        lines = self.type(command + "\r")
        assert lines[0] == command, "the command is echoed"
        assert lines[-1] == ""
        return lines[1:-1]


def refused(text: str = "not so") -> Refused:
    """Return a refusal for a controller to raise."""
    return Refused(protocol.NOT_NOW, text)
