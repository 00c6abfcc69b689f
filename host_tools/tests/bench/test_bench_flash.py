"""Flash: contents last, operations take their time with the CPU stopped, and a power cut leaves them partly done."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import pytest
from tandem_tools.bench import Bench, BenchError, BenchTimeout, Operation, default_stand

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


BLOCK = 0x10000000 + 640 * 1024 + 300 * 4096
FRACTIONS = [0.0, 0.1, 0.25, 0.4, 0.7, 1.0]


def ones(bench: Bench, length: int = 4096) -> float:
    return sum(byte.bit_count() for byte in bench.board().memory(BLOCK, length)) / (length * 8)


def fill(bench: Bench, byte: int) -> None:
    bench.board().exec_raw(f"import rp2\nf = rp2.Flash()\nf.ioctl(6, 300)\nf.writeblocks(300, bytes([{byte}]) * 4096)")


@pytest.mark.parametrize("times", ["typical", "instant"])
@pytest.mark.parametrize("fraction", FRACTIONS)
def test_a_power_cut_leaves_an_erase_partly_done(fraction: float, times: str, bench: Bench) -> None:
    board = bench.board()
    board.set_flash_times(times)  # type: ignore[arg-type]
    fill(bench, 0)
    board.cut_power_in_flash(1, fraction)
    board.start_raw("f.ioctl(6, 300)")
    with pytest.raises(BenchTimeout, match="power_cut"):
        bench.run_until(serial=b"\x04", timeout_ms=100)
    assert board.status["powered"] is False
    assert ones(bench) == pytest.approx(max(0, (fraction - 0.25) / 0.75), abs=0.02)
    board.power(True)
    board.wait_for_repl()
    assert board.exec("print(7)").strip() == "7"


@pytest.mark.parametrize("fraction", FRACTIONS)
def test_an_erase_that_was_cut_early_has_lost_ones(fraction: float, bench: Bench) -> None:
    fill(bench, 0xF0)
    bench.board().cut_power_in_flash(1, fraction)
    bench.board().start_raw("f.ioctl(6, 300)")
    with pytest.raises(BenchTimeout, match="power_cut"):
        bench.run_until(serial=b"\x04", timeout_ms=100)
    left = 0.5 * (1 - fraction / 0.25) if fraction < 0.25 else (fraction - 0.25) / 0.75
    assert ones(bench) == pytest.approx(left, abs=0.02)


def test_the_bench_stops_at_the_beginning_of_each_flash_operation(bench: Bench) -> None:
    board = bench.board()
    fill(bench, 0)
    before = board.memory(BLOCK, 4096)
    number = board.status["flash_operations"]
    board.start_raw("f.ioctl(6, 300); f.writeblocks(300, bytes(256), 0); print('done')")
    erase = bench.run_until_operation()
    assert (erase.memory, erase.kind, erase.offset, erase.length) == (
        "controller",
        "erase",
        640 * 1024 + 300 * 4096,
        4096,
    )
    assert (erase.number, erase.duration_ps) == (number + 1, 45_000_000_000)
    assert board.memory(BLOCK, 4096) == before
    program = bench.run_until_operation(["controller"])
    assert (program.kind, program.length) == ("program", 256)
    assert board.memory(BLOCK, 4096) == b"\xff" * 4096
    assert [op["time_ps"] for op in board.flash_log()[-1:]] == [bench.now_ps]
    bench.run_for(ps=program.duration_ps)
    assert board.memory(BLOCK, 256) == bytes(256)
    with pytest.raises(BenchTimeout, match="no operation of controller within 50 ms"):
        bench.run_until_operation(timeout_ms=50)
    assert b"done" in board.read()


@pytest.mark.parametrize("times", ["typical", "instant"])
def test_visits_to_operations_leave_no_trace_in_what_follows(times: str, bench: Bench) -> None:
    board = bench.board()
    board.set_flash_times(times)  # type: ignore[arg-type]
    source = "f = open('log', 'w')\nfor i in range(4):\n f.write('x' * 700); f.flush(); print(i)\nf.close()"
    state = bench.save()
    first = len(board.flash_log())
    undisturbed = board.exec_raw(source)
    end, log = bench.now_ps, board.flash_log()[first:]
    bench.restore(state)
    seen: list[Operation] = []

    def visit(operation: Operation) -> None:
        seen.append(operation)
        moment = bench.save()
        board.power(False)
        board.power(True)
        board.wait_for_repl()
        bench.restore(moment)
        bench.drop(moment)

    with bench.at_operations(visit):
        assert board.exec_raw(source) == undisturbed
    assert bench.now_ps == end
    assert [(s.kind, s.offset, s.number) for s in seen] == [(op["kind"], op["offset"], op["number"]) for op in log]
    assert len(seen) >= 8


def test_a_wait_for_edges_goes_on_after_a_visit(bench: Bench) -> None:
    board = bench.board()
    pulses = "for i in range(6):\n p(1); rp2.Flash().ioctl(6, 300); p(0)"
    visits: list[int] = []
    board.start_raw("from machine import Pin\nimport rp2\np = Pin(3, Pin.OUT)\n" + pulses)
    bench.clear_edges()
    with bench.at_operations(lambda operation: visits.append(operation.number)):
        bench.run_until(net="controller.GP3", level=1, count=4, edge=True, timeout_ms=2000)
    assert len([edge for edge in bench.edges("controller.GP3") if edge.level]) == 4
    assert len(visits) == 3


def test_waiting_for_an_operation_of_something_that_stores_nothing_is_refused(bench: Bench) -> None:
    with pytest.raises(BenchError, match="pedal is not a flash or fram; there are controller"):
        bench.run_until_operation(["pedal"])
    with pytest.raises(BenchError, match="controller is not a fram; there are none"):
        bench.run_until_stored("controller", 1)


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
