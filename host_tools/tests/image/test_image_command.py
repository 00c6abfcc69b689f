"""A command of the build ends within its deadline, with all its children, and its failure is told with its reason."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest
from tandem_tools.image import ImageError
from tandem_tools.image.command import environment, run


def run_shell(script: str, log: Path, deadline_s: float = 20.0) -> str:
    return run(["sh", "-c", script], log=log, deadline_s=deadline_s, doing="Build the thing")


def test_what_a_command_prints_is_returned_and_logged(tmp_path: Path) -> None:
    assert run_shell("echo out; echo err >&2", tmp_path / "log") == "out\nerr\n"
    log = (tmp_path / "log").read_text()
    assert "sh -c 'echo out; echo err >&2'" in log
    assert log.endswith("out\nerr\n")


def test_a_failure_shows_the_lines_with_the_error_and_the_log(tmp_path: Path) -> None:
    with pytest.raises(ImageError) as failure:
        run_shell("echo fine; echo 'a.c:1: fatal error: x.h missing'; echo also fine; exit 2", tmp_path / "log")
    assert "Build the thing: sh failed." in str(failure.value)
    assert "fatal error: x.h missing" in str(failure.value)
    assert "also fine" not in str(failure.value)
    assert str(tmp_path / "log") in str(failure.value)


def test_a_failure_without_an_error_line_shows_the_last_lines(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="line 30"):
        run_shell("for i in $(seq 30); do echo line $i; done; exit 1", tmp_path / "log")


def test_a_very_long_line_is_cut(tmp_path: Path) -> None:
    with pytest.raises(ImageError) as failure:
        run_shell("head -c 100000 /dev/zero | tr '\\0' x; exit 1", tmp_path / "log")
    assert len(str(failure.value)) < 1000


def test_a_program_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="Build the thing: no-such-program cannot be run: No such file"):
        run(["no-such-program"], log=tmp_path / "log", deadline_s=5, doing="Build the thing")


def test_at_the_deadline_the_command_and_its_children_are_ended(tmp_path: Path) -> None:
    began = time.monotonic()
    with pytest.raises(ImageError, match="not done after 0 s, stopped"):
        run_shell(f"sleep 60 & echo $! > {tmp_path}/child; wait", tmp_path / "log", deadline_s=0.4)
    assert time.monotonic() - began < 10
    child = (tmp_path / "child").read_text().strip()
    until = time.monotonic() + 10
    while Path(f"/proc/{child}").exists() and _is_running(child):
        assert time.monotonic() < until, "the child still runs"
        time.sleep(0.01)


def _is_running(pid: str) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_the_callers_build_variables_do_not_reach_the_build(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CFLAGS", "MAKEFLAGS", "PICO_SDK_PATH", "MICROPY_GIT_TAG", "CROSS_COMPILE"):
        monkeypatch.setenv(name, "mine")
    assert "mine" not in environment().values()
    assert environment()["PATH"] == os.environ["PATH"]
    assert environment(PATH="other")["PATH"] == "other"


def test_a_line_is_handed_on_as_it_comes(tmp_path: Path) -> None:
    lines: list[str] = []
    run(
        [sys.executable, "-c", "print('[1/2] a'); print('[2/2] b')"],
        log=tmp_path / "log",
        deadline_s=20,
        doing="Count",
        on_line=lines.append,
    )
    assert lines == ["[1/2] a", "[2/2] b"]
