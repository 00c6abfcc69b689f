"""The board behind a port, through mpremote's transport: it does the talking, the reading and the writing."""

from __future__ import annotations

import ast
import contextlib
import io
import struct
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from types import TracebackType

import serial
from mpremote.transport import TransportError, TransportExecError
from mpremote.transport_serial import SerialTransport

from .errors import BoardLost, FlashError, UnsuitableBoard
from .ports import HOW_TO_PUT_MICROPYTHON, why_not_opened
from .program import MpyFormat

READ_TIMEOUT_S = 3.0
ENTER_TIMEOUT_S = 10
CHUNK_BYTES = 2048
LOST = (TransportError, serial.SerialException, OSError, struct.error)
"""What mpremote's transport raises when a board that answered before does not any more."""

ARCHITECTURES = (
    "none", "x86", "x64", "armv6", "armv6m", "armv7m", "armv7em", "armv7emsp", "armv7emdp", "xtensa", "xtensawin",
    "rv32imc",
)  # fmt: skip
"""Order of the processors in `sys.implementation._mpy`, as in MicroPython's page on .mpy files."""

# Runs on the board: prints one literal with what it is.
_ASK_IDENTITY = """
import sys
i = sys.implementation
print(repr((i.name, tuple(i.version[:3]), getattr(i, '_mpy', 0), getattr(i, '_machine', ''), sys.platform)))
"""

# Runs on the board: prints (path, sha256) of the files that it has of those named, and of all below some folders.
_ASK_HASHES = """
import os, hashlib
from binascii import hexlify
def walk(path):
    for entry in os.ilistdir(path):
        name = path + '/' + entry[0]
        if entry[1] & 0x4000:
            yield from walk(name)
        else:
            yield name
def digest(path):
    h = hashlib.sha256()
    block = memoryview(bytearray(1024))
    with open(path, 'rb') as f:
        while True:
            n = f.readinto(block)
            if not n:
                return hexlify(h.digest()).decode()
            h.update(block[:n])
top = os.listdir('/')
paths = ['/' + p for p in {top!r} if p in top]
for folder in {folders!r}:
    if folder in top:
        paths += walk('/' + folder)
for path in paths:
    print(repr((path[1:], digest(path))))
"""

# Runs on the board: makes folders; 17 is EEXIST.
_MAKE_FOLDERS = """
import os
for path in {paths!r}:
    try:
        os.mkdir('/' + path)
    except OSError as error:
        if error.errno != 17:
            raise
"""

# Runs on the board: removes folders under one of / that are empty by now.
_PRUNE = """
import os
def prune(path):
    left = 0
    for entry in list(os.ilistdir(path)):
        name = path + '/' + entry[0]
        if entry[1] & 0x4000 and prune(name) == 0:
            os.rmdir(name)
        else:
            left += 1
    return left
if {folder!r} in os.listdir('/'):
    prune('/' + {folder!r})
"""


@dataclass(frozen=True)
class Identity:
    """What a board says about itself."""

    interpreter: str
    version: tuple[int, int, int]
    mpy: int
    machine: str
    platform: str

    @property
    def mpy_format(self) -> MpyFormat:
        """The .mpy files it can load: `sys.implementation._mpy` taken apart (MicroPython's page on .mpy files)."""
        number = self.mpy >> 10 & 0xF
        march = ARCHITECTURES[number] if number < len(ARCHITECTURES) else f"unknown ({number})"
        return MpyFormat(self.mpy & 0xFF, self.mpy >> 8 & 3, march)

    @property
    def version_text(self) -> str:
        """Version as 1.25.0."""
        return ".".join(map(str, self.version))


class Link:
    """A board in its raw REPL; a context manager. What ran on it was interrupted, and is not started again here.

    Every method blocks, for seconds at most, and raises BoardLost when the board stops answering.

    :raises NoBoard: when the port cannot be opened.
    :raises UnsuitableBoard: when no MicroPython answers.
    """

    way_out = "connect it again and run tandem flash again, which repairs what is half done"
    """What a person does about a board that was lost."""

    def __init__(self, port: str) -> None:
        self.port = port
        self.doing = "was asked what it is"
        try:
            self._transport = SerialTransport(port, timeout=READ_TIMEOUT_S)
        except (TransportError, serial.SerialException, OSError) as error:
            raise why_not_opened(port) from error
        try:
            self._enter()
        except BaseException:
            self._close()
            raise

    def __enter__(self) -> Link:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def _enter(self) -> None:
        """Interrupt what runs and soft-reset into the raw REPL. mpremote prints what it did not expect: not here."""
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                self._transport.enter_raw_repl(soft_reset=True, timeout_overall=ENTER_TIMEOUT_S)
        except TransportError as error:
            raise UnsuitableBoard(
                f"what is connected at {self.port} does not answer as MicroPython does. If it is a Pico, press its "
                f"reset or connect it anew and try again; if that does not help, {HOW_TO_PUT_MICROPYTHON}."
            ) from error
        except (serial.SerialException, OSError) as error:
            raise BoardLost(f"the board at {self.port} went away when it was first spoken to: {error}") from error

    def _close(self) -> None:
        with contextlib.suppress(OSError, serial.SerialException):
            self._transport.close()

    @contextlib.contextmanager
    def _answering(self) -> Generator[None]:
        """Turn what mpremote raises into errors with a way out."""
        try:
            yield
        except TransportExecError as error:
            last = error.error_output.strip().splitlines()[-1:] or ["no message"]
            if "ENOSPC" in last[0] or last[0].endswith(" 28"):
                last = ["its file system is full: remove files that are not Tandem's (mpremote fs ls, fs rm)"]
            raise FlashError(f"the board at {self.port} refused while it {self.doing}: {last[0]}") from error
        except LOST as error:
            raise BoardLost(
                f"the board at {self.port} stopped answering while it {self.doing}. Nothing is broken: {self.way_out}."
            ) from error

    def identity(self) -> Identity:
        """Ask the board what it is."""
        with self._answering():
            answer = ast.literal_eval(self._transport.exec(_ASK_IDENTITY).decode().strip())
        name, version, mpy, machine, platform = answer
        return Identity(name, tuple(version), mpy, machine, platform)

    def hashes(self, top: Iterable[str], folders: Iterable[str] = ("tandem",)) -> dict[str, str]:
        """Return path to SHA-256 (hexadecimal) of the files of `top` that are in /, and of all in folders of it."""
        source = _ASK_HASHES.replace("{top!r}", repr(list(top))).replace("{folders!r}", repr(list(folders)))
        with self._answering():
            output = self._transport.exec(source).decode()
        return dict(ast.literal_eval(line) for line in output.splitlines() if line.strip())

    def make_folders(self, paths: Iterable[str]) -> None:
        """Make the folders (no leading slash, parents first) that are not there yet."""
        with self._answering():
            self._transport.exec(_MAKE_FOLDERS.replace("{paths!r}", repr(list(paths))))

    def write(self, path: str, data: bytes, moved: Callable[[int], None]) -> None:
        """Write a file; `moved(bytes)` is called for each chunk. An old file stays until the new one is complete."""
        done = 0

        def progress(written: int, total: int) -> None:
            nonlocal done
            moved(written - done)
            done = written

        with self._answering():
            self._transport.fs_writefile("/" + path, data, chunk_size=CHUNK_BYTES, progress_callback=progress)

    def remove(self, path: str) -> None:
        """Remove a file."""
        with self._answering():
            self._transport.fs_rmfile("/" + path)

    def prune_folders(self, folder: str = "tandem") -> None:
        """Remove empty folders under a folder of /, which itself stays."""
        with self._answering():
            self._transport.exec(_PRUNE.replace("{folder!r}", repr(folder)))

    def run(self, source: str) -> str:
        """Run source on the board and return what it printed. Raises FlashError with the board's last line."""
        with self._answering():
            return self._transport.exec(source).decode()

    def start(self, source: str) -> None:
        """Start source on the board and wait for nothing."""
        with self._answering():
            self._transport.exec_raw_no_follow(source)

    def hard_reset(self) -> None:
        """Start the board anew, as the reset button does. The link is of no use afterwards."""
        self.start("import machine\nmachine.reset()")
