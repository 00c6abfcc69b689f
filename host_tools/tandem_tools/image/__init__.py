"""The real MicroPython for the Pico, and its unix port for tests: built from pinned sources, or handed in.

``TANDEM_UF2`` names an official UF2 (or a .bin) to use instead of the built image, ``TANDEM_MICROPYTHON`` a unix
MicroPython to use instead of the built one, ``TANDEM_CACHE`` another folder for the cache. What is built from what:
docs/image.md.
"""

from __future__ import annotations

from pathlib import Path

from . import build
from .errors import ImageError
from .given import given_image, given_unix, load_image
from .progress import report
from .uf2 import bin_to_uf2, check_bootable
from .uf2 import uf2_to_bin as _contents_to_bin

__all__ = [
    "ImageError",
    "bin_to_uf2",
    "check_bootable",
    "load_image",
    "pico_image",
    "pico_uf2",
    "uf2_to_bin",
    "unix_micropython",
]


def pico_image(progress: bool = True) -> Path:
    """Return the path of the Pico's MicroPython as a .bin for flash offset 0.

    Builds it when it is not in the cache: one to two minutes, mostly downloading and compiling; blocks meanwhile, and
    shows what it does on standard error when ``progress``. Afterwards it takes milliseconds. ImageError says what is
    missing and the way out.
    """
    given = given_image()
    return given[0] if given else build.pico(report(progress)) / build.IMAGE


def pico_uf2(progress: bool = True) -> Path:
    """Return the path of the same image as UF2, to be dropped onto a real Pico. Otherwise as pico_image."""
    given = given_image()
    if given is None:
        return build.pico(report(progress)) / build.IMAGE_UF2
    as_bin, as_given = given
    if as_given.suffix.lower() == ".uf2":
        return as_given
    uf2 = as_bin.with_suffix(".uf2")
    uf2.write_bytes(bin_to_uf2(as_bin.read_bytes()))
    return uf2


def unix_micropython(progress: bool = True) -> Path:
    """Return the path of the unix port's program. Builds it when it is not in the cache, as pico_image does."""
    return given_unix() or build.unix(report(progress)) / build.UNIX


def uf2_to_bin(path: Path) -> bytes:
    """Return the flash contents from address 0x10000000 on that the UF2 file for the RP2040 holds; gaps are 0xFF.

    ImageError, naming the file, when it cannot be read, is not UF2, or is for another chip, incomplete or damaged.
    """
    try:
        return _contents_to_bin(Path(path).read_bytes())
    except OSError as problem:
        raise ImageError(f"{path} cannot be read: {problem.strerror}.") from problem
    except ImageError as problem:
        raise ImageError(f"{path} cannot be used: {problem}") from problem
