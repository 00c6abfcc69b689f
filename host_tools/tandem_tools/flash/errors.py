"""What can keep the firmware from getting onto a board. Each message says what was found and what to do."""

from __future__ import annotations


class FlashError(Exception):
    """Tandem was not put on the board."""

    exit_code = 1


class NoBoard(FlashError):
    """There is no board to talk to: none connected, several to choose from, or its port cannot be opened."""

    exit_code = 3


class UnsuitableBoard(FlashError):
    """Something answers at the port, but not a board that this firmware can run on."""

    exit_code = 4


class BoardLost(FlashError):
    """The board answered at first and then stopped, or did not come back as what was put on it."""

    exit_code = 5


class OtherProgram(UnsuitableBoard):
    """The board has the other program: a rig where a controller was expected, or the reverse. Nothing was changed."""
