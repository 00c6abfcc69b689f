"""Flash: contents last, operations take their time with the CPU stopped, and a power cut leaves them partly done."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import pytest
from tandem_tools.bench import Bench, BenchTimeout, default_stand

WRITE = "f = open('{0}', 'w'); f.write('{1}'); f.close()"
BLINK = """
import rp2
from machine import Pin
@rp2.asm_pio(set_init=rp2.PIO.OUT_LOW)
def blink():
    set(pins, 1) [31]
    nop() [31]
    set(pins, 0) [31]
    nop() [31]
sm = rp2.StateMachine(0, blink, freq=125_000_000, set_base=Pin(2))
sm.active(1)
"""


@pytest.mark.parametrize("how", ["run_pin", "power"])
def test_littlefs_survives(how: str, bench: Bench) -> None:
    board = bench.board()
    board.exec_raw(WRITE.format("kept.txt", "still here"))
    board.reset(how)  # type: ignore[arg-type]
    board.wait_for_repl()
    assert board.exec("print(open('kept.txt').read())").strip() == "still here"


def test_flash_is_saved_to_a_file_and_loaded_again(bench: Bench, image: Path, tmp_path: Path) -> None:
    bench.board().exec_raw(WRITE.format("kept.txt", "on file"))
    saved = bench.board().save_flash(tmp_path / "flash.bin")
    assert saved.stat().st_size == 2 * 1024 * 1024
    with Bench(default_stand(image, flash=str(saved))) as other:
        other.board().wait_for_repl()
        assert other.board().exec("print(open('kept.txt').read())").strip() == "on file"


@pytest.mark.parametrize(("times", "erase_ms", "page_ms"), [("typical", 45, 0.4), ("worst", 400, 3), ("instant", 0, 0)])
def test_erase_and_program_take_their_time(
    times: str, erase_ms: float, page_ms: float, bench: Bench, figure: Callable[..., None]
) -> None:
    board = bench.board()
    board.set_flash_times(times)  # type: ignore[arg-type]
    before = len(board.flash_log())
    source = (
        "import rp2, time\nf = rp2.Flash()\nt = time.ticks_us()\nf.ioctl(6, 300)\nu = time.ticks_us()\n"
        "f.writeblocks(300, bytes(256), 0)\nprint(u - t, time.ticks_us() - u)"
    )
    erase_us, program_us = map(int, board.exec_raw(source).split())
    figure(f"4 KiB erase, {times}", erase_us / 1000, "ms")
    figure(f"256-byte page program, {times}", program_us / 1000, "ms")
    assert erase_ms * 1000 <= erase_us <= erase_ms * 1000 + 1000
    assert page_ms * 1000 <= program_us <= page_ms * 1000 + 1000
    assert [op["kind"] for op in board.flash_log()[before:]] == ["erase", "program"]


def test_programming_only_clears_bits(bench: Bench) -> None:
    source = (
        "import rp2\nf = rp2.Flash()\nf.ioctl(6, 300)\nb = bytearray(256)\n"
        "for v in (0xf0, 0x3c):\n for i in range(256): b[i] = v\n f.writeblocks(300, b, 0)\n"
        "f.readblocks(300, b, 0); print(set(b))"
    )
    assert bench.board().exec_raw(source).strip() == "{48}"


def test_pio_runs_on_while_an_erase_stops_the_cpu(bench: Bench) -> None:
    board = bench.board()
    board.exec_raw(BLINK)
    bench.clear_edges()
    before = len(board.flash_log())
    board.exec_raw("import rp2\nrp2.Flash().ioctl(6, 300)")
    (erase,) = board.flash_log()[before:]
    rises = [e for e in bench.edges("controller.GP2") if e.level]
    during = [e for e in rises if erase["time_ps"] < e.time_ps < erase["time_ps"] + erase["duration_ps"]]
    assert {b.cycle - a.cycle for a, b in itertools.pairwise(rises)} == {128}
    assert len(during) == pytest.approx(erase["duration_ps"] / (128 * 8000), abs=2)


@pytest.mark.parametrize("fraction", [0.0, 0.3, 0.7, 1.0])
def test_a_power_cut_leaves_an_erase_partly_done(fraction: float, bench: Bench) -> None:
    board = bench.board()
    block = 0x10000000 + 640 * 1024 + 300 * 4096
    board.exec_raw("import rp2\nf = rp2.Flash()\nf.ioctl(6, 300)\nf.writeblocks(300, bytes(4096))")
    board.cut_power_in_flash(1, fraction)
    board.start_raw("f.ioctl(6, 300)")
    with pytest.raises(BenchTimeout, match="power_cut"):
        bench.run_until(serial=b"\x04", timeout_ms=100)
    assert board.status["powered"] is False
    ones = sum(byte.bit_count() for byte in board.memory(block, 4096)) / (4096 * 8)
    assert ones == pytest.approx(fraction, abs=0.02)
    board.power(True)
    board.wait_for_repl()
    assert board.exec("print(7)").strip() == "7"


def test_littlefs_mounts_after_a_power_cut_in_every_operation_of_an_append(bench: Bench) -> None:
    board = bench.board()
    board.exec_raw(WRITE.format("log", "first "))
    state = bench.save()
    before = len(board.flash_log())
    board.exec_raw("f = open('log', 'a'); f.write('second' * 400); f.close()")
    operations = len(board.flash_log()) - before
    assert operations >= 3
    for operation in range(1, operations + 1):
        bench.restore(state)
        board.cut_power_in_flash(operation, 0.5)
        board.start_raw("f = open('log', 'a'); f.write('second' * 400); f.close()")
        with pytest.raises(BenchTimeout):
            bench.run_until(serial=b"\x04", timeout_ms=500)
        board.power(True)
        board.wait_for_repl()
        assert board.exec("print(open('log').read())").strip() in ("first", "first " + "second" * 400)
    bench.drop(state)
