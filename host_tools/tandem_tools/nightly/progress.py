"""Progress of a night: a bar on a terminal, a line for each test elsewhere (in a journal or a mail)."""

from __future__ import annotations

import time

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn


class NightProgress:
    """Shows on stderr which test of how many is running, and since when the night is; see `follow.Progress`."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True)
        columns = (MofNCompleteColumn(), BarColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
        self._bar = Progress(*columns, console=self._console, transient=True)
        self._task = self._bar.add_task("starting the stand", total=None)
        self._began = time.monotonic()

    def __enter__(self) -> NightProgress:
        if self._console.is_terminal:
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._console.is_terminal:
            self._bar.stop()

    def __call__(self, done: int, total: int, test: str, outcome: str) -> None:
        """Show one step."""
        if self._console.is_terminal:
            self._bar.update(self._task, completed=done, total=total or None, description=_short(test))
        if outcome == "failed" or (outcome and not self._console.is_terminal):
            elapsed = int(time.monotonic() - self._began)
            place = f"{done}/{total}" if total else str(done)
            line = f"{elapsed // 60:3}:{elapsed % 60:02}  {place:>9}  {outcome:7}  {test}"
            self._console.print(line, markup=False, highlight=False, soft_wrap=True)


def _short(test: str) -> str:
    """Return a test's file and name without its folders; rich reads square brackets as markup."""
    return test.rpartition("/")[2].replace("[", "\\[")
