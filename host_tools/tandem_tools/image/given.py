"""An image or an interpreter that the user hands in, instead of the built one."""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path

from . import cache
from .errors import ImageError
from .uf2 import FLASH_BYTES, check_bootable, micropython_version, uf2_to_bin
from .versions import MICROPYTHON_VERSION

IMAGE_VARIABLE = "TANDEM_UF2"
UNIX_VARIABLE = "TANDEM_MICROPYTHON"
_MOST_BYTES = 4 * FLASH_BYTES
_ASK_DEADLINE_S = 10.0
_ASK_VERSION = "import sys; print('.'.join(str(n) for n in sys.implementation[1][:3]), sys.implementation[0])"


def load_image(path: Path) -> bytes:
    """Return the flash contents from address 0x10000000 on of a ``.uf2`` or ``.bin`` file for the Pico.

    ImageError, naming the file, unless it is a bootable RP2040 image with MicroPython of at least the wanted version.
    """
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise ImageError(f"it has {path.stat().st_size} bytes, more than any image for the Pico.")
        contents = path.read_bytes()
        image = contents if path.suffix.lower() == ".bin" else uf2_to_bin(contents)
        check_bootable(image)
        _check_version(micropython_version(image))
    except OSError as problem:
        raise ImageError(f"{path} cannot be read: {problem.strerror}.") from problem
    except ImageError as problem:
        raise ImageError(f"{path} cannot be used: {problem}") from problem
    return image


def _check_version(version: tuple[int, int, int]) -> None:
    if version < MICROPYTHON_VERSION:
        raise ImageError(f"It is MicroPython {_dotted(version)}; Tandem needs {_dotted(MICROPYTHON_VERSION)} or newer.")


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(str(part) for part in version)


def given_image() -> tuple[Path, Path] | None:
    """Return the image that TANDEM_UF2 names, as a .bin in the cache and as the file given; None when it names none."""
    named = os.environ.get(IMAGE_VARIABLE)
    if not named:
        return None
    path = Path(named).expanduser().absolute()
    try:
        image = load_image(path)
    except ImageError as problem:
        raise ImageError(f"{IMAGE_VARIABLE}: {problem}") from problem
    digest = hashlib.sha256(image).hexdigest()
    folder = cache.entry(
        "given", {"sha256": digest}, ["firmware.bin"], lambda folder: _write(folder / "firmware.bin", image)
    )
    return folder / "firmware.bin", path


def _write(path: Path, image: bytes) -> None:
    path.write_bytes(image)


def given_unix() -> Path | None:
    """Return the unix MicroPython that TANDEM_MICROPYTHON names, its version asked; None when it names none."""
    named = os.environ.get(UNIX_VARIABLE)
    if not named:
        return None
    path = Path(named).expanduser().absolute()
    try:
        answer = subprocess.run(
            [path, "-c", _ASK_VERSION], capture_output=True, text=True, timeout=_ASK_DEADLINE_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as problem:
        raise ImageError(f"{UNIX_VARIABLE}: {path} cannot be run: {problem}") from problem
    words = answer.stdout.split()
    if answer.returncode != 0 or words[1:] != ["micropython"]:
        raise ImageError(f"{UNIX_VARIABLE}: {path} is not a unix MicroPython: it answered {answer.stdout[:80]!r}.")
    try:
        _check_version(_three(words[0]))
    except ImageError as problem:
        raise ImageError(f"{UNIX_VARIABLE}: {path} cannot be used: {problem}") from problem
    return path


def _three(dotted: str) -> tuple[int, int, int]:
    major, minor, micro = (int(part) for part in dotted.split("."))
    return major, minor, micro
