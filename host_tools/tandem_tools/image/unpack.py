"""Unpack the parts of an archive that are wanted, without dpkg-dev and without root."""

from __future__ import annotations

import importlib
import subprocess
import tarfile
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from .errors import ImageError

# Module and program for each kind: the program stands in where this Python was built without the module.
_DECOMPRESSORS = {".xz": ("lzma", "xz"), ".bz2": ("bz2", "bzip2"), ".gz": ("gzip", "gzip")}


def unpack(archive: Path, into: Path, wanted: Callable[[str], bool]) -> None:
    """Unpack the members of a .deb or .tar.* whose path (without a leading ``./``) is ``wanted``.

    ``archive`` must have been checked by its hash: members are trusted. ImageError when it cannot be read.
    """
    try:
        with _tar_stream(archive) as stream, tarfile.open(fileobj=stream, mode="r|") as tar:
            tar.extraction_filter = tarfile.fully_trusted_filter if hasattr(tarfile, "fully_trusted_filter") else None
            for member in tar:
                member.name = member.name.removeprefix("./")
                if member.islnk():
                    member.linkname = member.linkname.removeprefix("./")
                if wanted(member.name):
                    tar.extract(member, into, set_attrs=member.isreg())
    except ImageError:
        raise
    except Exception as problem:  # each decompressor has errors of its own
        raise ImageError(f"{archive} cannot be unpacked: {problem}") from problem


@contextmanager
def _tar_stream(archive: Path) -> Generator[IO[bytes]]:
    if archive.suffix == ".deb":
        with _output_of(["dpkg-deb", "--fsys-tarfile", str(archive)]) as stream:
            yield stream
        return
    module, program = _DECOMPRESSORS[archive.suffix]
    try:
        decompressor = importlib.import_module(module)
    except ImportError:
        with _output_of([program, "-dc", str(archive)]) as stream:
            yield stream
        return
    with decompressor.open(archive) as stream:
        yield stream


@contextmanager
def _output_of(command: list[str]) -> Generator[IO[bytes]]:
    with subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        yield process.stdout
        while process.stdout.read(1 << 20):  # what follows the archive's end mark, so that the command can end
            pass
    if process.returncode != 0:
        raise ImageError(f"`{' '.join(command)}` ended with code {process.returncode}.")
