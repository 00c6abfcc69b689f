"""Run one command of the build: logged, within a deadline, in an environment of its own."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from .errors import ImageError

_KEPT = ("PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "LD_LIBRARY_PATH", "APT_CONFIG")
_KEPT_PROXIES = ("http_proxy", "https_proxy", "no_proxy")
_SHOWN_LINES = 12
_SHOWN_CHARACTERS = 300


def environment(**extra: str) -> dict[str, str]:
    """Return an environment for a build: the few variables a tool needs, plus ``extra``.

    A caller's CFLAGS, MAKEFLAGS, PICO_SDK_PATH and the like would change the image without changing its cache key.
    """
    kept = {name: os.environ[name] for name in (*_KEPT, *_KEPT_PROXIES) if name in os.environ}
    return {**kept, "LC_ALL": "C", "PYTHONDONTWRITEBYTECODE": "1", **extra}


def run(
    command: Sequence[str | Path],
    *,
    log: Path,
    deadline_s: float,
    doing: str,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    on_line: Callable[[str], None] = lambda line: None,
) -> str:
    """Run ``command`` and return what it printed (standard output and error together), which also goes to ``log``.

    Blocks until it ends; every line is handed to ``on_line`` as it comes. ImageError with the last lines and the log's
    path when it cannot be started, ends with another code than 0, or is still running after ``deadline_s`` seconds (it
    and all its children are then ended, as they are when this process is interrupted).
    """
    words = [str(word) for word in command]
    with log.open("a") as book:
        book.write(f"\n$ {shlex.join(words)}\n")
        book.flush()
        try:
            process = subprocess.Popen(
                words,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                env=dict(env) if env is not None else environment(),
                cwd=cwd,
                start_new_session=True,
            )
        except OSError as problem:
            raise ImageError(f"{doing}: {words[0]} cannot be run: {problem.strerror}.") from problem
        lines, late = _follow(process, deadline_s, lambda line: (book.write(line), on_line(line.rstrip("\n"))))
    if late:
        raise ImageError(f"{doing}: not done after {deadline_s:.0f} s, stopped. Log: {log}")
    if process.returncode != 0:
        raise ImageError(f"{doing}: {Path(words[0]).name} failed.\n{_tail(lines)}\nLog: {log}")
    return "".join(lines)


def _follow(
    process: subprocess.Popen[str], deadline_s: float, on_line: Callable[[str], object]
) -> tuple[list[str], bool]:
    """Read the process's output to its end; return the lines, and whether the deadline had to stop it."""
    late = threading.Event()

    def stop() -> None:
        late.set()
        _end(process)

    timer = threading.Timer(deadline_s, stop)
    timer.start()
    lines: list[str] = []
    try:
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line)
            on_line(line)
        process.wait()
    finally:
        timer.cancel()
        if process.poll() is None:
            _end(process)
    return lines, late.is_set()


def _end(process: subprocess.Popen[str]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _tail(lines: Sequence[str]) -> str:
    """Return the lines that tell why: those that name an error, else the last ones, each cut to a readable length."""
    errors = [line for line in lines if "error" in line.lower() or line.startswith(("E:", "FAILED"))]
    chosen = errors[:_SHOWN_LINES] or lines[-_SHOWN_LINES:]
    cut = (line.rstrip() if len(line) <= _SHOWN_CHARACTERS else line[:_SHOWN_CHARACTERS] + " ..." for line in chosen)
    return "\n".join(f"  {line}" for line in cut)
