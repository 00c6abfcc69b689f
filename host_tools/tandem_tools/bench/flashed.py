"""Saved flash with files in it: written once through the raw REPL of an emulated board, and kept."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

from .bench import Bench, default_stand

CACHE = Path(__file__).parents[3] / "build" / "flashed"
CHUNK_BYTES = 3000
BOOT_TIMEOUT_MS = 8000


def flash_with(files: Mapping[str, bytes], image: Path, cache: Path = CACHE) -> Path:
    """Return 2 MB of saved flash with an image and files in its file system; made once for each image and contents.

    :param files: path on the board (no leading slash) to contents, in the order of writing.
    :raises BenchError: when the emulated board does not take them. Blocks for seconds when they are new.
    """
    key = hashlib.sha256(image.read_bytes())
    for path, data in sorted(files.items()):
        key.update(f"{path} {len(data)}\n".encode() + data)
    saved = cache / f"{key.hexdigest()[:16]}.bin"
    if not saved.exists():
        cache.mkdir(parents=True, exist_ok=True)
        _write(files, image, saved)
    return saved


def _write(files: Mapping[str, bytes], image: Path, saved: Path) -> None:
    with Bench(default_stand(image, flash_times="instant")) as bench:
        board = bench.board()
        board.wait_for_repl(timeout_ms=BOOT_TIMEOUT_MS)
        board.enter_raw_repl()
        board.exec_raw("import os, binascii")
        folders = sorted({str(parent) for path in files for parent in Path(path).parents if parent.name})
        for folder in folders:
            board.exec_raw(f"os.mkdir({folder!r})")
        for path, data in files.items():
            board.exec_raw(f"f = open({path!r}, 'wb')")
            for start in range(0, len(data), CHUNK_BYTES):
                text = base64.b64encode(data[start : start + CHUNK_BYTES]).decode()
                board.exec_raw(f"f.write(binascii.a2b_base64({text!r})) and None")
            board.exec_raw("f.close()")
        unfinished = saved.with_suffix(f".{os.getpid()}")
        board.save_flash(unfinished)
        unfinished.rename(saved)
