"""The cache: folders named by a hash of everything they were made from, made once, whole or not at all.

An entry is built in a temporary folder beside its place and renamed when it is complete, so that a build that was
interrupted leaves nothing that looks finished. A lock on a file beside it makes a second process wait for the first and
then take what it built.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import shutil
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from tandem_tools.user_cache import user_cache

from .errors import ImageError

LOCK_DEADLINE_S = 3600.0
_POLL_S = 0.1
_RECORD = "made_from.json"
_WAY_OUT = "Set TANDEM_CACHE to a folder that you can write to."


def root() -> Path:
    """Return the folder of all cached images."""
    return user_cache() / "image"


def make_folder(folder: Path) -> Path:
    """Create ``folder`` and its parents; ImageError when that is not allowed."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise ImageError(f"The cache folder {folder} cannot be made: {problem.strerror}. {_WAY_OUT}") from problem
    return folder


def file_hash(path: Path) -> str:
    """Return the SHA-256 of the file's contents, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def key(made_from: Mapping[str, object]) -> str:
    """Return 16 hexadecimal digits that change when anything in ``made_from`` (plain JSON data) changes."""
    text = json.dumps(made_from, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def folder_for(name: str, made_from: Mapping[str, object]) -> Path:
    """Return where the entry is, or will be."""
    return root() / f"{name}-{key(made_from)}"


@contextmanager
def lock(path: Path, on_wait: Callable[[], None], deadline_s: float = LOCK_DEADLINE_S) -> Generator[None]:
    """Hold the lock file ``path``, alone among all processes of this machine.

    Blocks while another process holds it, after one call of ``on_wait``; ImageError after ``deadline_s`` seconds.
    The system drops the lock when its holder ends, however it ends.
    """
    make_folder(path.parent)
    until = time.monotonic() + deadline_s
    waited = False
    with _opened(path) as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                pass
            if not waited:
                on_wait()
                waited = True
            if time.monotonic() > until:
                raise ImageError(
                    f"Another process has held {path} for more than {deadline_s:.0f} s. "
                    f"See who with `fuser {path}`, end it, and try again."
                )
            time.sleep(_POLL_S)
        yield


def _opened(path: Path) -> TextIO:
    try:
        return path.open("a")
    except OSError as problem:
        raise ImageError(f"The cache cannot be written: {path}: {problem.strerror}. {_WAY_OUT}") from problem


def is_whole(folder: Path, products: Sequence[str]) -> bool:
    """Tell whether ``folder`` is a finished entry whose ``products`` are still, to the byte, as they were made."""
    try:
        record = json.loads((folder / _RECORD).read_text())["products"]
        return all(record[name] == file_hash(folder / name) for name in products)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def entry(
    name: str,
    made_from: Mapping[str, object],
    products: Sequence[str],
    make: Callable[[Path], None],
    on_wait: Callable[[], None] = lambda: None,
) -> Path:
    """Return the folder of the entry, making it first if it is not there or was damaged.

    ``make`` is called with an empty folder and leaves ``products`` (paths relative to it) there. An ImageError from
    it is passed on, and nothing is kept of what it left.
    """
    place = folder_for(name, made_from)
    if is_whole(place, products):
        return place
    with lock(place.with_name(place.name + ".lock"), on_wait):
        if not is_whole(place, products):
            _make_anew(place, made_from, products, make)
    return place


def _make_anew(
    place: Path, made_from: Mapping[str, object], products: Sequence[str], make: Callable[[Path], None]
) -> None:
    building = place.with_name(f".{place.name}.building")
    for old in (building, place):
        shutil.rmtree(old, ignore_errors=True)
    try:
        building.mkdir()
        make(building)
        record = {"products": {name: file_hash(building / name) for name in products}, "made_from": made_from}
        (building / _RECORD).write_text(json.dumps(record, indent=1) + "\n")
        building.rename(place)
    except OSError as problem:
        raise ImageError(f"{place} cannot be made: {problem}") from problem
    finally:
        shutil.rmtree(building, ignore_errors=True)
