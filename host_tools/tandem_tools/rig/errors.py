"""What can keep a test from talking to a rig or a controller. Each message says what was found and what to do."""

from __future__ import annotations


class RigError(Exception):
    """Rig or controller did not do what was asked of it."""


class NoPort(RigError):
    """There is no such port, or it cannot be opened."""


class PortBusy(NoPort):
    """Another program has the port open."""


class PortLost(RigError):
    """The port went away while it was open: a cable, a reset, the supply."""


class NoReply(RigError):
    """No whole answer came in time. The message says what was asked, what came, and how long it was waited."""


class Refused(RigError):
    """The board refused a command. `code`: one of tandem.console.errors.ERRORS; `text`: its reason."""

    def __init__(self, code: int, text: str, line: str = "") -> None:
        super().__init__(f"{line!r} was refused: ERROR {code} {text}" if line else f"ERROR {code} {text}")
        self.code = code
        self.text = text


class WrongBoard(RigError):
    """Something else answers where rig or controller should: the two are swapped, or it is another board."""


class WrongProgram(RigError):
    """The right board answers, with another program than the one of these sources."""
