"""What can go wrong on a bench."""

from __future__ import annotations


class BenchError(Exception):
    """The bench was asked for something it cannot do; the message says what, and what it can."""


class BenchTimeout(BenchError):
    """What was waited for did not happen within the emulated time that was allowed."""


class BoardError(BenchError):
    """A program on a board ended with an exception; the message is its traceback."""
