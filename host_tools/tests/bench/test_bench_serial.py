"""The serial port: flow control, deterministic use, and the real mpremote on the pseudo-terminal."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tandem_tools.bench import Bench, BenchTimeout, BoardError

MPREMOTE = [sys.executable, "-m", "mpremote", "connect"]
WALL_S = 60


@pytest.fixture
def free(bench: Bench) -> Iterator[Bench]:
    """The controller running by itself, with its port open to programs."""
    with bench.free_running():
        yield bench
    bench.board().close_port()


def mpremote(bench: Bench, *arguments: str, check: bool = True) -> str:
    command = [*MPREMOTE, bench.board().port, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=WALL_S, check=False)
    if check:
        assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.replace("\r\n", "\n")


def test_a_board_boots_to_the_prompt(bench: Bench, figure: Callable[..., None]) -> None:
    board = bench.board()
    board.reset("power")
    start = bench.now_ps
    begun = time.perf_counter()
    banner = board.wait_for_repl()
    figure("boot to the prompt", round((bench.now_ps - start) / 1e9, 1), "ms of the bench's time")
    figure("boot to the prompt, real time", round(time.perf_counter() - begun, 3), "s")
    assert "Raspberry Pi Pico with RP2040" in banner


def test_exec_returns_output_and_raises_tracebacks(bench: Bench) -> None:
    board = bench.board()
    assert board.exec("print('a'); print('b')") == "a\nb\n"
    with pytest.raises(BoardError, match="ZeroDivisionError"):
        board.exec("1/0")
    with pytest.raises(BenchTimeout, match="within 50 ms"):
        board.exec("while True: pass", timeout_ms=50)
    assert board.exec("print(2)") == "2\n"


def test_lines_that_come_in_one_packet_are_read_one_by_one(bench: Bench) -> None:
    board = bench.board()
    board.enter_raw_repl()
    board.write(b"print('a longer line\\nb\\nc and more')\x04")
    lines = [board.read_until(b"\n") for _ in range(3)]
    assert lines == [b"OKa longer line\r\n", b"b\r\n", b"c and more\r\n"]


def test_a_long_input_arrives_whole(bench: Bench) -> None:
    text = "".join(chr(ord("a") + i % 26) for i in range(20_000))
    assert bench.board().exec_raw(f"print(len('{text}'), '{text}'[-3:])") == f"20000 {text[-3:]}\n"


def test_nothing_is_lost_while_the_host_reads_slowly(bench: Bench) -> None:
    board = bench.board()
    board.start_raw("for i in range(400): print(i)")
    got = b""
    for _ in range(400):
        board.host(reading=False)
        bench.run_for(ms=2)
        board.host(reading=True)
        bench.run_for(us=200)
        got += board.read()
        if got.endswith(b"\x04\x04>"):
            break
    assert [int(x) for x in got.partition(b"\x04")[0].split()] == list(range(400))


def test_a_host_that_does_not_read_stalls_a_write_by_half_a_second(bench: Bench, figure: Callable[..., None]) -> None:
    board = bench.board()
    board.start_raw(
        "import time\nt = time.ticks_ms()\nfor i in range(40): print('0123456789' * 8)\nt = time.ticks_ms() - t"
    )
    board.host(reading=False)
    bench.run_for(ms=3000)
    board.host(reading=True)
    bench.run_for(ms=200)
    board.read()
    stalled = int(board.exec_raw("print(t)"))
    figure("print to a host that does not read", stalled, "ms")
    assert stalled >= 500


def test_a_command_returns_its_reply_without_the_echo(bench: Bench) -> None:
    board = bench.board()
    board.start_raw(
        "import sys\nwhile True:\n line = sys.stdin.readline().strip()\n print(line)\n"
        " if line == 'stop': break\n print('# remark')\n print('OK', line.upper())"
    )
    assert board.command("status") == ["# remark", "OK STATUS"]
    with pytest.raises(BenchTimeout, match=r"no OK or ERROR to 'stop' within 20 ms"):
        board.command("stop", timeout_ms=20)


def test_mpremote_exec_cp_ls_run_and_cat(free: Bench, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text("print('from a file')\n")
    assert mpremote(free, "exec", "print(1 + 1)") == "2\n"
    mpremote(free, "cp", str(script), ":copied.py")
    assert "copied.py" in mpremote(free, "ls")
    assert mpremote(free, "run", str(script)) == "from a file\n"
    assert mpremote(free, "exec", "import copied") == "from a file\n"
    assert mpremote(free, "cat", ":copied.py") == "print('from a file')\n"


def test_mpremote_copies_a_large_file_back_and_forth(free: Bench, tmp_path: Path) -> None:
    there, back = tmp_path / "there.bin", tmp_path / "back.bin"
    there.write_bytes(bytes(i * 7 & 255 for i in range(30_000)))
    mpremote(free, "cp", str(there), ":big.bin")
    mpremote(free, "cp", ":big.bin", str(back))
    assert back.read_bytes() == there.read_bytes()


def test_mpremote_mounts_a_folder(free: Bench, tmp_path: Path) -> None:
    (tmp_path / "mounted.py").write_text("print('mounted')\n")
    assert mpremote(free, "mount", str(tmp_path), "exec", "import mounted").endswith("mounted\n")


def test_mpremote_resets_and_the_port_stays(free: Bench) -> None:
    port = free.board().port
    mpremote(free, "soft-reset")
    mpremote(free, "reset")
    assert mpremote(free, "exec", "import machine; print(machine.reset_cause())") == "3\n"
    free.board().reset("run_pin")
    assert mpremote(free, "exec", "import machine; print(machine.reset_cause())") == "1\n"
    assert free.board().port == port


def test_mpremote_works_again_and_again_and_after_an_abandoned_program(free: Bench) -> None:
    for i in range(3):
        assert mpremote(free, "resume", "exec", f"print({i})") == f"{i}\n"
    endless = subprocess.Popen(
        [*MPREMOTE, free.board().port, "exec", "print('go')\nwhile True: pass"], stdout=subprocess.PIPE, text=True
    )
    assert endless.stdout is not None
    assert endless.stdout.readline().strip() == "go"
    endless.send_signal(signal.SIGINT)
    endless.wait(WALL_S)
    endless.stdout.close()
    assert mpremote(free, "exec", "print('again')") == "again\n"


def test_mpremote_repl_talks_to_the_prompt(free: Bench) -> None:
    command = [*MPREMOTE, free.board().port, "repl"]
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(sys.executable, command)
    try:
        read_until(terminal, b"Use Ctrl-]")
        os.write(terminal, b"\r\x02")
        read_until(terminal, b">>> ")
        os.write(terminal, b"print(6 * 7)\r")
        read_until(terminal, b"42")
        os.write(terminal, b"\x18")
    finally:
        deadline = time.monotonic() + WALL_S
        while os.waitpid(pid, os.WNOHANG) == (0, 0) and time.monotonic() < deadline:
            drain(terminal)
        os.close(terminal)


def drain(terminal: int) -> None:
    try:
        os.read(terminal, 1024)
    except OSError:
        time.sleep(0.01)


def read_until(terminal: int, text: bytes) -> bytes:
    seen = b""
    deadline = time.monotonic() + WALL_S
    while text not in seen:
        assert time.monotonic() < deadline, seen
        if select.select([terminal], [], [], 0.1)[0]:
            seen += os.read(terminal, 1024)
    return seen


def test_dtr_follows_whether_somebody_has_the_port_open(free: Bench) -> None:
    board = free.board()
    seen = []
    for _ in range(2):
        fd = os.open(board.port, os.O_RDWR | os.O_NOCTTY)
        os.write(fd, b"\x02")  # both REPLs answer with the banner and one prompt
        seen.append(read_until(fd, b">>> "))
        os.close(fd)
        deadline = time.monotonic() + WALL_S
        while board.status["dtr"]:
            assert time.monotonic() < deadline, "DTR stays"
            time.sleep(0.01)
    assert all(b"MicroPython" in text for text in seen)


def test_at_real_speed_time_does_not_pass_faster(bench: Bench) -> None:
    start, begun = bench.now_ps, time.monotonic()
    with bench.free_running("real"):
        time.sleep(0.3)
        passed_s = (bench.now_ps - start) / 1e12
        real_s = time.monotonic() - begun
    assert 0.5 * real_s < passed_s <= real_s


def test_the_engine_ends_with_the_process_that_started_it(image: Path) -> None:
    source = (
        "import os, sys\nfrom tandem_tools.bench import Bench, default_stand\n"
        f"b = Bench(default_stand({str(image)!r}))\nprint(b._channel.process.pid, flush=True)\nos.kill(os.getpid(), 9)"
    )
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, timeout=WALL_S, check=False)
    pid = int(done.stdout)
    deadline = time.monotonic() + 10
    while Path(f"/proc/{pid}").exists() and "Z" not in Path(f"/proc/{pid}/stat").read_text().split()[2]:
        assert time.monotonic() < deadline, "the engine is still there"
        time.sleep(0.05)
