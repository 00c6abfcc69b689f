"""One run at a time on a stand: a lock that the kernel takes back when its holder dies."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from tandem_tools.nightly.errors import StandIsBusy


@contextmanager
def held(path: Path) -> Generator[int]:
    """Hold the lock of a stand; gives its file descriptor. Does not wait: raises StandIsBusy, saying who holds it.

    A child process that is handed the descriptor (`pass_fds`) keeps the lock too, until it ends.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip() or "by a process that has not said its number yet"
            raise StandIsBusy(f"the stand is in use {holder}; try again when that run is over ({path})") from None
        file.truncate(0)
        file.write(f"by process {os.getpid()} since {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC\n")
        file.flush()
        yield file.fileno()
