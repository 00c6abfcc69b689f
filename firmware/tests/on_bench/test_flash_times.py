"""How long the controller is held up while it writes flash, with flash as it is and as bad as its maker allows."""

from __future__ import annotations

from itertools import pairwise
from statistics import median

import pytest
from cuts import read_files
from stage import Figure, Stage

WATCHDOG_S = 8
"""The watchdog's time while flash is written."""

PROGRAM = """
import time
from tandem.io import rp2_chain, rp2_crc, rp2_fram
from tandem.record import journal, layout, settings
bus = rp2_chain.open_bus()
j = journal.Journal(journal.Folder("journal"), rp2_fram.FramMemory(), rp2_crc, 32512, 3)
for _ in j.open():
    pass
s = settings.Settings(settings.FileSlots("settings"))
s.open()
def flush():
    begun = time.ticks_us()
    j.flush()
    return time.ticks_diff(time.ticks_us(), begun)
def one(size):
    j.note(layout.NOTE, "x" * size)
    return flush()
def piece():
    while j.waiting < 2048:
        j.shot(1, 1, 0, 1, 90000)
    return flush()
def over():
    j.overwrite()
    return piece()
def change(value):
    begun = time.ticks_us()
    s.change("idle_s", str(value))
    return time.ticks_diff(time.ticks_us(), begun)
"""


def measured(stage: Stage, calls: list[str]) -> tuple[list[float], list[int]]:
    """Run calls, each of which returns microseconds; return the ms of each, and how many sectors it erased."""
    times_ms: list[float] = []
    moments = [stage.bench.now_ps]
    for call in calls:
        times_ms.append(int(stage.board.exec_raw(f"print({call})")) / 1000)
        moments.append(stage.bench.now_ps)
    erases = [op["time_ps"] for op in stage.board.flash_log() if op["kind"] == "erase"]
    return times_ms, [sum(start <= ps < end for ps in erases) for start, end in pairwise(moments)]


FULL = "append or removal in a full journal"
CALLS = {
    "append of one record": [f"one({40 + i % 60})" for i in range(400)],
    "append of 2 KB": ["piece()"] * 40,
    FULL: ["over()"] * 90,
    "change of a setting": [f"change({100 + i})" for i in range(150)],
}


@pytest.mark.parametrize("times", ["typical", "worst"])
@pytest.mark.parametrize("what", CALLS)
def test_a_write_to_flash_ends_long_before_the_watchdog(what: str, times: str, bare: Stage, figure: Figure) -> None:
    bare.board.set_flash_times(times)  # type: ignore[arg-type]
    bare.board.exec_raw(PROGRAM)
    times_ms, erases = measured(bare, CALLS[what])
    longest_s = max(times_ms) / 1000
    figure(f"{what}, flash {times}, median of {len(times_ms)}", round(median(times_ms), 1), "ms")
    figure(f"{what}, flash {times}, longest", round(longest_s, 3), "s", f"<= {WATCHDOG_S}")
    figure(f"{what}, flash {times}, sectors erased, median", median(erases), "sectors")
    figure(f"{what}, flash {times}, sectors erased, most", max(erases), "sectors")
    assert longest_s <= WATCHDOG_S
    assert max(erases) > median(erases), "the series has to meet ends of blocks and full folders"
    if what == FULL:
        assert "/journal/00000001.rec" not in read_files(bare), "the series has to remove a segment"
