"""A journal on a bare board, through the real shot memory and file system, driven from scripts.

`prepare(stage)` makes the journal `j`; later scripts use what `SETUP` defines: `start()` makes it anew, as after a loss
of power; `burst(count)` keeps a burst's records; `flush()` moves everything into flash. `saved_segments` takes the
segments out of a board's flash with littlefs's own code.
"""

from __future__ import annotations

from pathlib import Path

from littlefs import LittleFS
from stage import Stage

FLASH_FILES = 0xA0000
"""Where the file system of the stock image begins in flash, and below its size."""
BLOCK_BYTES = 4096
BLOCKS = 352

SETUP = """
import gc, time
from tandem.record import layout, journal
from tandem.io import rp2_chain, rp2_crc, rp2_fram
bus = rp2_chain.open_bus()

def start(segment_bytes=journal.SEGMENT_BYTES, most_segments=journal.MOST_SEGMENTS):
    j = journal.Journal(journal.Folder("/journal"), rp2_fram.FramMemory(), rp2_crc, segment_bytes, most_segments)
    for _ in j.open():
        pass
    j.tick(time.ticks_ms())
    j.note(layout.START, "reset=power boot=%d" % j.boot)
    return j

def burst(j, count, close=True):
    j.note(layout.OPEN, "plan=00aa11bb22 count=%d" % count)
    for i in range(count):
        j.tick(time.ticks_ms())
        j.shot(2, 1, 0, i + 1, 90000 + i)
    if close:
        j.note(layout.CLOSE, "count=%d reason=done" % count)

def flush(j):
    while not j.flush():
        pass
"""


def prepare(bare: Stage) -> None:
    """Load the modules on a bare board and make the journal `j`."""
    bare.board.exec_raw(SETUP + "\nj = start()\n", timeout_ms=60_000)


def saved_segments(bare: Stage, folder: Path) -> Path:
    """Copy the journal's segments from the board's flash into a folder, the file system being read as it stands."""
    flash = bare.board.save_flash(folder / "flash.bin").read_bytes()
    files = LittleFS(block_size=BLOCK_BYTES, block_count=BLOCKS, mount=False)
    files.context.buffer = bytearray(flash[FLASH_FILES:])
    files.mount()
    segments = folder / "journal"
    segments.mkdir()
    for name in files.listdir("/journal"):
        with files.open(f"/journal/{name}", "rb") as file:
            (segments / name).write_bytes(file.read())
    return segments
