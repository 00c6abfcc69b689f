"""One course of journal and settings, printed: run by CPython and by MicroPython, it must print the same.

Takes a folder of its own as argument. Under MicroPython it also counts what records of a burst allocate.
"""

import gc
import os
import sys

from tandem.record import crc, layout, reading, text
from tandem.record import settings as s
from tandem.record.journal import Folder, Journal
from tandem.record.ram import RamMemory

FOLDER = sys.argv[1]


class Lasting(RamMemory):
    """Stands in for the shot memory: outlives the journals of this course."""

    lasting = True


def start(memory: RamMemory, boot_ms: int) -> Journal:
    """Start a journal and say what it found."""
    journal = Journal(Folder(FOLDER + "/journal"), memory, crc, 4000, 4)
    pieces = 0
    for _ in journal.open():
        pieces += 1
    print("boot", journal.boot, "seq", journal.seq, "unclosed", journal.unclosed, "damaged", journal.damaged)
    print("pieces", pieces, "flashed", journal.flashed, "waiting", journal.waiting)
    journal.tick(boot_ms)
    journal.note(layout.START, "reset=power hash=0011223344")
    return journal


def flush(journal: Journal) -> None:
    """Move everything into flash."""
    calls = 0
    while not journal.flush():
        calls += 1
    print("flushed to", journal.flashed, "in", calls, "low", journal.low, "waiting", journal.waiting)


def burst(journal: Journal, count: int, now_ms: int, close: bool = True) -> None:
    """Keep a burst's records."""
    journal.note(layout.OPEN, "plan=aa count={}".format(count))
    for i in range(count):
        journal.tick((now_ms + 5 * i) & 0x3FFFFFFF)
        journal.change(i, i + 1)
        journal.shot(1, i & 1, i % 8, i, 1000 * i - 7)
    if close:
        journal.note(layout.CLOSE, "count={}".format(count))


def show(journal: Journal, number: int) -> None:
    """Print records."""
    for place in reading.records(journal, number):
        if place:
            print(text.line(*place))


def journal_course() -> None:
    """Go through bursts, restarts, a full journal, pulling and reading."""
    memory = Lasting(12_000)
    journal = start(memory, 40)
    burst(journal, 20, 1000)
    flush(journal)
    journal.set_clock(200_000_000)
    burst(journal, 30, 0x3FFFFFFF - 50, close=False)
    journal = start(memory, 60)
    show(journal, 60)
    for _ in range(6):
        burst(journal, 60, 5000)
        flush(journal)
    print("room", journal.room, journal.free_permille, journal.fits(10))
    journal.pulled(300)
    flush(journal)
    journal.note(layout.NOTE, "\xe4" * 150)
    journal.overwrite()
    flush(journal)
    while journal.shot(1, 0, 0, 0, 0):
        pass
    flush(journal)
    journal.note(layout.NOTE, "")
    show(journal, journal.seq - 4)
    journal = start(memory, 0)
    for name in sorted(os.listdir(FOLDER + "/journal")):
        with open(FOLDER + "/journal/" + name, "rb") as file:
            print(name, sum(file.read()))


def settings_course() -> None:
    """Set values, well and badly, and lose a file, and both."""
    slots = s.FileSlots(FOLDER + "/settings")
    settings = s.Settings(slots)
    settings.open()
    print(settings.lost == "", settings.damaged, [settings.shown(row[0]) for row in s.SETTINGS])
    for key, value in (("idle_s", "60"), ("service_pin", "12345678"), ("co2_nj_per_count", "470"), ("idle_s", "60")):
        print(key, settings.change(key, value))
    for key, value in (("idle_s", "9"), ("idle_s", "+60"), ("service_pin", "12a4"), ("none", "1"), ("testfire", "")):
        try:
            settings.change(key, value)
        except s.Refused as error:
            print(error)
    for slot in (0, 1):
        print(slots.read(slot))
    for slot in (0, 1):
        slots.write(slot, b"version=1 generation=9 crc=00000000\n")
        settings = s.Settings(slots)
        settings.open()
        print(settings.lost, settings.damaged, settings.values["idle_s"])
    settings.restore()
    print(slots.read(0), settings.lost == "")


def allocated() -> int:
    """Return what a burst's records allocate under MicroPython: shots, input changes, turns; also those left out."""
    journal = Journal(Folder(FOLDER + "/other"), RamMemory(12_000), crc)
    for _ in journal.open():
        pass
    journal.set_clock(200_000_000)
    journal.tick(0)
    gc.collect()
    gc.disable()
    before = gc.mem_alloc()  # pyright: ignore[reportAttributeAccessIssue]
    for i in range(400):
        journal.tick(7 * i)
        journal.shot(1, 1, 2, i, 90_000)
        journal.change(i, i + 1)
    taken = gc.mem_alloc() - before  # pyright: ignore[reportAttributeAccessIssue]
    print("kept", journal.seq, "lost", journal.lost)
    return taken


journal_course()
settings_course()
if sys.implementation.name == "micropython":
    print("allocated", allocated())
