"""Resets and power: what a program can tell afterwards is what it could tell on silicon."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest
from tandem_tools.bench import Bench, Board

CAUSE = "import machine\nprint(machine.reset_cause(), hex(machine.mem32[0x40058008]))"
PIO_HIGH = """
import rp2
from machine import Pin, mem32
@rp2.asm_pio(set_init=rp2.PIO.OUT_LOW)
def high():
    set(pins, 1)
    label("stay")
    jmp("stay")
sm = rp2.StateMachine(0, high, set_base=Pin(2))
sm.active(1)
"""


def by_machine_reset(board: Board) -> None:
    board.start_raw("import machine\nmachine.reset()")


def by_watchdog(board: Board) -> None:
    board.start_raw("import machine\nmachine.WDT(timeout=20)\nwhile True: pass")


def by_run_pin(board: Board) -> None:
    board.reset("run_pin")


def by_power(board: Board) -> None:
    board.reset("power")


Way = Callable[[Board], None]
WAYS: dict[Way, str] = {
    by_machine_reset: "3 0x2",
    by_watchdog: "3 0x1",
    by_run_pin: "1 0x0",
    by_power: "1 0x0",
}


@pytest.mark.parametrize("way", WAYS)
def test_the_reset_cause_is_right(way: Way, bench: Bench) -> None:
    board = bench.board()
    way(board)
    board.wait_for_repl()
    assert board.exec(CAUSE).strip() == WAYS[way]


@pytest.mark.parametrize("way", WAYS)
def test_a_reset_releases_all_pins_and_stops_pio(way: Way, bench: Bench) -> None:
    board = bench.board()
    board.exec_raw(PIO_HIGH + "Pin(3, Pin.OUT, value=1)\nPin(9, Pin.IN, Pin.PULL_UP)")
    assert [bench.level(f"controller.GP{n}") for n in (2, 3, 9)] == [1, 1, 1]
    way(board)
    bench.run_until(net="controller.GP3", level=0, timeout_ms=100)
    assert [bench.level(f"controller.GP{n}") for n in (2, 3, 9)] == [0, 0, 0]
    board.wait_for_repl()
    assert board.exec("import machine\nprint(machine.mem32[0x50200000] & 15)").strip() == "0"


def test_scratch_registers_last_over_machine_reset_only(bench: Bench) -> None:
    board = bench.board()
    board.exec_raw("import machine\nmachine.mem32[0x4005800c] = 1234")
    by_machine_reset(board)
    board.wait_for_repl()
    read = "import machine\nprint(machine.mem32[0x4005800c])"
    assert board.exec(read).strip() == "1234"
    board.reset("run_pin")
    board.wait_for_repl()
    assert board.exec(read).strip() == "0"


def test_ram_is_lost_with_the_power_only(bench: Bench) -> None:
    board = bench.board()
    address = 0x20040100
    for how, kept in (("run_pin", True), ("power", False)):
        board.write_memory(address, b"remember")
        board.reset(how)  # type: ignore[arg-type]
        bench.run_for(us=1)
        assert (board.memory(address, 8) == b"remember") is kept


def test_the_watchdog_bites_when_it_should(bench: Bench, figure: Callable[..., None]) -> None:
    board = bench.board()
    board.start_raw(
        "import machine\nw = machine.WDT(timeout=50)\nw.feed()\n"
        "machine.Pin(2, machine.Pin.OUT, value=1)\nwhile True: pass"
    )
    bench.run_until(net="controller.GP2", level=1, timeout_ms=10)
    fed = bench.now_ps
    bench.run_until(net="controller.GP2", level=0, timeout_ms=100)
    figure("watchdog of 50 ms bites after", (bench.now_ps - fed) / 1e9, "ms")
    assert 49.9 <= (bench.now_ps - fed) / 1e9 <= 50.0


def test_a_board_without_power_does_nothing_until_it_returns(bench: Bench) -> None:
    board = bench.board()
    board.exec_raw("from machine import Pin\nPin(2, Pin.OUT, value=1)")
    cut = board.cycle + 10_000
    board.power(False, at_cycle=cut)
    bench.run_for(ms=1)
    assert bench.edges("controller.GP2")[-1][::3] == (cut, 0)
    bench.run_for(ms=100)
    assert bench.edges("controller.GP2")[-1].cycle == cut
    board.power(True)
    board.wait_for_repl()


def test_the_loader_resets_the_chip_and_is_reported(bench: Bench) -> None:
    board = bench.board()
    board.exec_raw("from machine import WDT, Pin, bootloader\nPin(2, Pin.OUT, value=1)\nWDT(timeout=1000)")
    assert bench.level("controller.GP2") == 1
    board.start_raw("bootloader()")
    bench.run_for(ms=3000)
    assert board.stopped == "entered the boot loader"
    assert bench.level("controller.GP2") == 0
    assert board.word(0x40058008) == 2, "the watchdog was forced"
    board.reset("run_pin")
    board.wait_for_repl()
    assert board.stopped is None


def test_pio_lives_through_a_soft_reset_when_loaded_by_register(bench: Bench) -> None:
    board = bench.board()
    board.exec_raw(
        "from machine import mem32, Pin\nPin(2, Pin.ALT, alt=6)\np = 0x50200000\n"
        "for i, w in enumerate((0xff01, 0xff00)): mem32[p + 0x48 + 4 * i] = w\n"
        "mem32[p + 0xc8] = 1 << 16\nmem32[p + 0xcc] = 1 << 12\nmem32[p + 0xdc] = 1 << 26 | 2 << 5\n"
        "mem32[p + 0xd8] = 0xe081\nmem32[p + 0xd8] = 0\nmem32[p] = 1"
    )
    bench.clear_edges()
    board.write(b"\x04")
    board.read_until(b"soft reboot", timeout_ms=500)
    bench.run_for(ms=20)
    edges = bench.edges("controller.GP2")
    assert len(edges) > 20e-3 * 125e6 / 32
    assert {b.cycle - a.cycle for a, b in itertools.pairwise(edges)} == {32}
