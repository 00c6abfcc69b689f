"""Pins and nets: outputs read back, pulls, conflicts, overrides, interrupts, exact edges."""

from __future__ import annotations

from pathlib import Path

import pytest
from tandem_tools.bench import Bench, BenchError


def test_an_output_reads_back_on_its_own_pin(bench: Bench) -> None:
    source = "from machine import Pin\np = Pin(2, Pin.OUT)\nfor v in (1, 0, 1):\n p(v); print(p())"
    assert bench.board().exec_raw(source).split() == ["1", "0", "1"]


def test_pulls_decide_when_nobody_drives(bench: Bench) -> None:
    source = (
        "from machine import Pin\nprint([Pin(6, Pin.IN, pull)() for pull in (Pin.PULL_UP, Pin.PULL_DOWN, Pin.PULL_UP)])"
    )
    assert bench.board().exec_raw(source).strip() == "[1, 0, 1]"


def test_the_bench_drives_a_pin_and_lets_it_go(bench: Bench) -> None:
    board = bench.board()
    board.exec_raw("from machine import Pin\np = Pin(6, Pin.IN, Pin.PULL_UP)")
    seen = []
    for level in (0, 1, None):
        bench.set_pin("controller.GP6", level)
        seen.append(board.exec_raw("print(p())").strip())
    assert seen == ["0", "1", "1"]


def test_two_outputs_on_one_net_are_reported_as_a_conflict_once_and_read_low(bench: Bench) -> None:
    board = bench.board()
    board.exec_raw("from machine import Pin\na = Pin(14, Pin.OUT, value=1)\nb = Pin(15, Pin.OUT, value=1)")
    assert bench.conflicts() == []
    assert board.exec_raw("b(0); print(a(), b())").strip() == "0 0"
    board.exec_raw("b(1)")
    (conflict,) = bench.conflicts()
    assert conflict["net"] == "LINK"
    assert sorted(conflict["drivers"]) == ["controller.GP14=1", "controller.GP15=0"]
    assert conflict["end_ps"] > conflict["time_ps"]


def test_input_enable_and_overrides_work_as_in_the_datasheet(bench: Bench) -> None:
    board = bench.board()
    board.exec_raw(
        "from machine import Pin, mem32\np = Pin(2, Pin.OUT, value=1)\n"
        "ctrl = 0x40014000 + 8 * 2 + 4\npad = 0x4001c000 + 4 + 4 * 2\n"
    )
    assert board.exec_raw("mem32[ctrl] = 5 | 1 << 8; print(p())").strip() == "0"  # OUTOVER invert
    assert board.exec_raw("mem32[ctrl] = 5 | 1 << 16; print(p())").strip() == "0"  # INOVER invert
    assert bench.level("controller.GP2") == 1
    assert board.exec_raw("mem32[ctrl] = 5; mem32[pad + 0x3000] = 1 << 6; print(p())").strip() == "0"  # IE clear
    assert bench.level("controller.GP2") == 1
    board.exec_raw("mem32[ctrl] = 5 | 2 << 12; mem32[pad] = 1 << 6 | 1 << 2")  # OEOVER disable: pull-down decides
    assert bench.level("controller.GP2") == 0
    board.exec_raw("mem32[ctrl] = 5 | 3 << 12 | 3 << 8")
    assert bench.level("controller.GP2") == 1
    board.exec_raw("mem32[pad + 0x2000] = 1 << 7")  # OD
    assert bench.level("controller.GP2") == 0


def test_pin_interrupts_see_both_edges_and_levels(bench: Bench) -> None:
    board = bench.board()
    board.exec_raw(
        "from machine import Pin\nn = [0, 0]\np = Pin(7, Pin.IN)\n"
        "def h(p):\n n[p()] += 1\np.irq(h, Pin.IRQ_RISING | Pin.IRQ_FALLING, hard=True)"
    )
    for _ in range(5):
        for level in (1, 0):
            bench.set_pin("controller.GP7", level)
            bench.run_for(us=100)
    assert board.exec_raw("print(n)").strip() == "[5, 5]"


def test_a_pin_set_at_a_cycle_changes_in_that_cycle(bench: Bench) -> None:
    start = bench.board().cycle
    for i, offset in enumerate((1000, 1001, 5000)):
        bench.set_pin("controller.GP7", (i + 1) & 1, at_cycle=start + offset)
    bench.run_for(cycles=6000)
    edges = bench.edges("controller.GP7", since_cycle=start)
    assert [(e.cycle - start, e.level) for e in edges] == [(1000, 1), (1001, 0), (5000, 1)]


def test_run_until_a_level_stops_at_its_instant(bench: Bench) -> None:
    start = bench.now_ps
    bench.set_pin("controller.GP7", 1, at_ps=start + 123_456_789)
    bench.run_until(net="controller.GP7", level=1, timeout_ms=1)
    assert bench.now_ps == start + 123_456_789


def test_edges_can_be_limited_to_chosen_nets(bench: Bench) -> None:
    bench.record(["controller.GP3"])
    for net in ("controller.GP2", "controller.GP3"):
        bench.set_pin(net, 1)
    assert [e.net for e in bench.edges(since_cycle=bench.board().cycle - 1)] == ["controller.GP3"]


def test_the_vcd_holds_exact_times(bench: Bench, tmp_path: Path) -> None:
    from vcd.reader import TokenKind, tokenize

    start = bench.now_ps
    bench.clear_edges()
    bench.set_pin("controller.GP7", 1, at_ps=start + 1_234_567)
    bench.run_for(us=10)
    path = bench.write_vcd(tmp_path / "x.vcd", nets=["controller.GP7"])
    with path.open("rb") as file:
        tokens = list(tokenize(file))
    assert "$timescale 1 ps $end" in path.read_text()
    times = [t.time_change for t in tokens if t.kind is TokenKind.CHANGE_TIME]
    assert start + 1_234_567 in times


def test_unknown_names_are_refused_with_what_there_is(bench: Bench) -> None:
    with pytest.raises(BenchError, match=r"no net NOPE; there are .*controller\.GP0"):
        bench.set_pin("NOPE", 1)
    with pytest.raises(BenchError, match="no board x; there are controller"):
        bench.board("x")
    with pytest.raises(BenchError, match="allowed: 0, 1, None"):
        bench.set_pin("controller.GP0", 2)
