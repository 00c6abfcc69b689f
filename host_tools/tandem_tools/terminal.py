"""What every command of `tandem` does alike on a terminal: exit codes, failures, progress."""

from __future__ import annotations

import sys
from typing import NoReturn

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

EXIT_CODES = (
    "Exit codes: 0 done, 1 not done, 2 called wrongly, 3 no board, 4 unsuitable board, 5 board lost, "
    "6 session not delivered as planned, 7 a test of the night failed, 8 a figure of the night has changed."
)


def fail(error: Exception | str, code: int) -> NoReturn:
    """Say on stderr why a command did not do what it should, and end with this exit code."""
    print(f"tandem: {error}", file=sys.stderr)
    raise typer.Exit(code)


def not_written(error: OSError, way_out: str = "") -> str:
    """Return the words for a file that could not be written."""
    return f"{error.filename or 'a file'} cannot be written: {error.strerror}{way_out}"


class Bar:
    """A progress bar on stderr; on something that is not a terminal, one line for each step.

    :param counted: what a counted step is called where there is no terminal; "" for each by its own name.
    """

    def __init__(self, counted: str = "copying") -> None:
        self._console = Console(stderr=True)
        columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
        self._progress = Progress(*columns, console=self._console, transient=True)
        self._task = self._progress.add_task("", total=None)
        self._counted = counted
        self._step = ""

    def __enter__(self) -> Bar:
        if self._console.is_terminal:
            self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._console.is_terminal:
            self._progress.stop()

    def __call__(self, step: str, done: int, total: int) -> None:
        """Show where things are; see `flash.install.ProgressReport`."""
        if self._console.is_terminal:
            self._progress.update(self._task, description=step, completed=done, total=total or None)
            return
        step = self._counted if total and self._counted else step
        if step != self._step:
            print(step, file=sys.stderr)
        self._step = step
