"""The journal on the emulated Pico, through littlefs itself and the modelled shot memory: time, memory, wholeness."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from board_journal import prepare, saved_segments
from stage import Figure, Stage
from tandem_tools.journal import decode_files

SHOT_LIMIT_US = 1000
MODULES_LIMIT = 12_288


def words(text: str) -> dict[str, int]:
    """Return the `name=number` words of a board's answer."""
    return {name: int(value) for name, value in re.findall(r"(\w+)=(-?\d+)", text)}


_MEMORY = """
import gc
def taken(*names):
    gc.collect()
    before = gc.mem_alloc()
    for name in names:
        __import__(name)
    gc.collect()
    return gc.mem_alloc() - before
taken("board", "struct", "os", "array", "micropython", "tandem.safety", "tandem.console.protocol")
taken("tandem.io.rp2_chain")
print("journal=%d" % taken("tandem.record.journal"))
print("driver=%d" % taken("tandem.io.rp2_crc", "tandem.io.rp2_fram"))
print("recovery=%d" % taken("tandem.record.recovery"))
print("reading=%d" % taken("tandem.record.text", "tandem.record.reading"))
print("settings=%d" % taken("tandem.record.settings"))
from tandem.io import rp2_chain, rp2_crc, rp2_fram
from tandem.record import journal
bus = rp2_chain.open_bus()
gc.collect()
before = gc.mem_alloc()
j = journal.Journal(journal.Folder("/journal"), rp2_fram.FramMemory(), rp2_crc)
for _ in j.open():
    pass
gc.collect()
print("object=%d" % (gc.mem_alloc() - before))
"""


def test_the_journal_takes_little_memory(bare: Stage, figure: Figure) -> None:
    found = words(bare.board.exec_raw(_MEMORY, timeout_ms=20_000))
    figure("memory of the journal's module, which stays", found["journal"], "bytes")
    figure("memory of a journal", found["object"], "bytes")
    figure("memory of the shot memory's driver and CRC", found["driver"], "bytes")
    figure("memory of recovery, which is loaded at boot", found["recovery"], "bytes")
    figure("memory of reading, which is loaded while a journal is shown", found["reading"], "bytes")
    figure("memory of settings, which are loaded at boot and for a change", found["settings"], "bytes")
    both = found["journal"] + found["settings"]
    figure("memory of the modules journal and settings, both loaded", both, "bytes", f"<= {MODULES_LIMIT}")
    assert 4000 < both <= MODULES_LIMIT


_LOCKED = """
import micropython
j.set_clock(200000000)
micropython.heap_lock()
for i in range(200):
    j.tick(time.ticks_ms())
    j.shot(1, i & 1, 0, i, 90000)
    j.change(i, i + 1)
micropython.heap_unlock()
print("seq=%d left_out=%d" % (j.seq, j._left_out))
"""


def test_a_bursts_records_are_kept_with_the_heap_locked(bare: Stage) -> None:
    prepare(bare)
    found = words(bare.board.exec_raw(_LOCKED, timeout_ms=20_000))
    assert found["seq"] == 1 + 2 + 200 + 32
    assert found["left_out"] == 200 - 32


_TIMES = """
from array import array
took = array("i", (0 for _ in range(200)))
for i in range(200):
    begun = time.ticks_us()
    j.shot(1, 1, 0, i, 90000)
    took[i] = time.ticks_diff(time.ticks_us(), begun)
begun = time.ticks_us()
j.change(1, 2)
change = time.ticks_diff(time.ticks_us(), begun)
print("worst=%d mean=%d change=%d" % (max(took), sum(took) // 200, change))
"""


@pytest.mark.proves("R-JRN-6")
def test_a_shot_is_kept_within_a_turn(bare: Stage, figure: Figure) -> None:
    prepare(bare)
    bare.bench.record(["FRAM_CS"])
    bare.bench.clear_edges()
    found = words(bare.board.exec_raw(_TIMES, timeout_ms=20_000))
    selects = [edge.cycle for edge in bare.edges("FRAM_CS")]
    held = [(selects[i + 1] - selects[i]) / 125 for i in range(0, 10 * 5, 2)]
    figure("a shot into the journal: mean", found["mean"], "us, no cache misses")
    figure("a shot into the journal: worst of 200", found["worst"], "us, no cache misses", f"<= {SHOT_LIMIT_US}")
    figure("an input change into the journal", found["change"], "us, no cache misses")
    figure("the bus held at once for a shot", round(max(held), 1), "us")
    assert 200 < found["worst"] <= SHOT_LIMIT_US
    assert 50 < max(held) < 120


_FLUSH = """
def longest(count):
    burst(j, count)
    worst = calls = 0
    while True:
        begun = time.ticks_us()
        done = j.flush()
        worst = max(worst, time.ticks_diff(time.ticks_us(), begun))
        calls += 1
        if done:
            return worst, calls
print("worst=%d calls=%d" % longest(1200))
"""


@pytest.mark.parametrize("times", ["typical", "worst"])
def test_a_flush_moves_2_kb_at_a_time(bare: Stage, times: str, figure: Figure) -> None:
    prepare(bare)
    bare.board.set_flash_times("typical" if times == "typical" else "worst")
    before = len(bare.board.flash_log())
    found = words(bare.board.exec_raw(_FLUSH, timeout_ms=120_000))
    log = bare.board.flash_log()[before:]
    assert found["calls"] >= 1200 * 32 // 2048
    figure(f"a flush of 2 KB, longest of {found['calls']}, flash at its {times}", found["worst"] // 1000, "ms")
    figure(f"erases a flush, mean of {found['calls']}", round(_erases(log) / found["calls"], 2), "erases")
    assert found["worst"] < 8_000_000, "the watchdog is given 8 s"


def _erases(log: list[dict[str, object]]) -> int:
    return sum("erase" in str(operation["kind"]) for operation in log)


_DAY = """
gc.collect()
begun = gc.mem_alloc()
for _ in range({bursts}):
    burst(j, 250)
    flush(j)
gc.collect()
print("grown=%d seq=%d free=%d flashed=%d" % (gc.mem_alloc() - begun, j.seq, j.free_permille, j.flashed))
"""
_AGAIN = """
begun = time.ticks_ms()
worst = pieces = 0
again = journal.Journal(journal.Folder("/journal"), rp2_fram.FramMemory(), rp2_crc)
before = time.ticks_us()
for _ in again.open():
    now = time.ticks_us()
    worst = max(worst, time.ticks_diff(now, before))
    pieces += 1
    before = now
print("ms=%d worst=%d pieces=%d seq=%d" % (time.ticks_diff(time.ticks_ms(), begun), worst, pieces, again.seq))
"""
_READ = """
from tandem.record import reading
seen = last = 0
for place in reading.records(again):
    if place:
        seen += place[0][place[1]] == layout.SHOT
        last = layout.seq(*place)
print("seen=%d last=%d" % (seen, last))
"""


@pytest.mark.proves("R-JRN-9")
@pytest.mark.slow
def test_a_day_of_ten_thousand_shots_goes_through_shot_memory_and_flash(
    bare: Stage, tmp_path: Path, figure: Figure
) -> None:
    prepare(bare)
    bare.board.set_flash_times("instant")
    found = {}
    for _ in range(4):
        found = words(bare.board.exec_raw(_DAY.format(bursts=10), timeout_ms=300_000))
        assert found["grown"] < 1024
    assert found["flashed"] == found["seq"] - 1 == 1 + 40 * 252
    figure("room that a day of 10,000 shots takes on the Pico", 1000 - found["free"], "permille")
    started = words(bare.board.exec_raw(_AGAIN, timeout_ms=60_000))
    assert started["seq"] == found["seq"]
    figure("finding a day's journal at boot, all of it verified", started["ms"], "ms, no cache misses")
    figure("longest piece of it", started["worst"] // 1000, "ms, no cache misses", "<= 200")
    assert started["worst"] <= 200_000, "SAFE would open after 500 ms without HEARTBEAT"
    read = words(bare.board.exec_raw(_READ, timeout_ms=120_000))
    assert read == {"seen": 10_000, "last": found["seq"] - 1}
    decoded = decode_files([saved_segments(bare, tmp_path)])
    assert decoded.wrong == []
    shots = [record for record in decoded.records if record.kind == "shot"]
    figure("shots of a day out of the Pico's flash, decoded on the host", len(shots), "shots", "10000")
    assert [shot.fields["number"] for shot in shots] == 40 * list(range(1, 251))
    assert [record.seq for record in decoded.records] == list(range(1, found["seq"]))


def test_a_burst_that_a_loss_of_power_cut_off_is_found_with_its_shots(bare: Stage) -> None:
    prepare(bare)
    bare.board.exec_raw("burst(j, 20)\nflush(j)\nburst(j, 300, close=False)", timeout_ms=60_000)
    bare.board.reset("power")
    bare.board.wait_for_repl(timeout_ms=8000)
    bare.board.enter_raw_repl()
    prepare(bare)
    found = bare.board.exec_raw("print(j.boot, j.unclosed, j.damaged)").strip()
    assert found == "2 (24, 300, 'plan=00aa11bb22 count=300') 0"


def test_a_board_without_shot_memory_says_so(bare: Stage) -> None:
    prepare(bare)
    assert bare.board.exec_raw("print(j.memory.present())").strip() == "True"
    bare.bench.part("fram").set(present=0)
    assert bare.board.exec_raw("print(j.memory.present())").strip() == "False"
    found = bare.board.exec_raw("""
try:
    j.shot(1, 1, 0, 1, 1)
except journal.ShotMemoryError as error:
    print(error)
""")
    assert found.strip() == "the shot memory did not give back record 2"


_SCANNER = """
from array import array
block = array("I", (0 for _ in range(40)))
moves = array("I", (0, 0))
def moved():
    moves[0] += 1
    moves[1] = block[16]
    block[17] = 0
memory = rp2_fram.FramMemory(block, moved)
buffer = bytearray(225)
for i in range(40):
    buffer[i] = i + 1
"""


def test_a_move_of_the_scanner_that_waits_is_made_after_the_bus_was_held(bare: Stage) -> None:
    prepare(bare)
    bare.board.exec_raw(_SCANNER)
    for pending, call in ((0, "append(5000, buffer, 32)"), (1, "append(6000, buffer, 32)"), (1, "read(0, buffer, 8)")):
        made = bare.board.exec_raw(
            f"moves[0] = 0\nblock[17] = {pending}\nkept = memory.{call}\nprint(kept, list(moves))"
        )
        assert made.strip() in (f"True [{pending}, 0]", f"8 [{pending}, 0]")
    bare.bench.part("fram").set(view=[6000, 33])
    kept = bytes.fromhex(bare.bench.part("fram").probe()["view"])
    assert kept == bytes(range(1, 34)), "an append goes on after the move"
