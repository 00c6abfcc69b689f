"""What a person sees while an image is made: one line a stage, with a bar where the extent is known.

On a terminal the lines live; elsewhere (a log, CI) each stage is one plain line when it begins and one when it ends.
"""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn


class Stage(Protocol):
    """One stage that is under way."""

    def at(self, done: float, total: float | None, note: str = "") -> None:
        """Show how far it is: ``done`` of ``total`` (None: not known), and a few words more."""
        ...


class Report(Protocol):
    """Where stages are shown."""

    @contextmanager
    def stage(self, name: str) -> Generator[Stage]:
        """Show ``name`` from here to the end of the block."""
        ...

    def say(self, text: str) -> None:
        """Show one remark."""
        ...


class Silent:
    """A report that shows nothing."""

    @contextmanager
    def stage(self, name: str) -> Generator[Stage]:
        """See Report."""
        yield self

    def at(self, done: float, total: float | None, note: str = "") -> None:
        """See Stage."""

    def say(self, text: str) -> None:
        """See Report."""


class _PlainStage:
    def at(self, done: float, total: float | None, note: str = "") -> None:
        pass


class Plain:
    """A report of plain lines, for output that is not a terminal."""

    def __init__(self, console: Console) -> None:
        self._console = console

    @contextmanager
    def stage(self, name: str) -> Generator[Stage]:
        """See Report."""
        began = time.monotonic()
        self.say(f"{name} ...")
        yield _PlainStage()
        self.say(f"{name}: done in {time.monotonic() - began:.0f} s")

    def say(self, text: str) -> None:
        """See Report."""
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)


class _LiveStage:
    def __init__(self, progress: Progress, task: TaskID) -> None:
        self._progress = progress
        self._task = task

    def at(self, done: float, total: float | None, note: str = "") -> None:
        self._progress.update(self._task, completed=done, total=total, note=note)


class Live:
    """A report of bars, for a terminal. A finished stage stays as one line."""

    def __init__(self, console: Console) -> None:
        self._console = console

    @contextmanager
    def stage(self, name: str) -> Generator[Stage]:
        """See Report."""
        columns = (
            SpinnerColumn(finished_text="[green]✓"),
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[note]}"),
            TimeElapsedColumn(),
        )
        with Progress(*columns, console=self._console) as progress:
            task = progress.add_task(name, total=None, note="")
            yield _LiveStage(progress, task)
            progress.update(task, total=1, completed=1)

    def say(self, text: str) -> None:
        """See Report."""
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)


def report(wanted: bool) -> Report:
    """Return the report that fits standard error, or a silent one."""
    if not wanted:
        return Silent()
    console = Console(stderr=True)
    return Live(console) if console.is_terminal else Plain(console)
