"""`tandem flash` on an emulated Pico: real MicroPython, the real mpremote, a pseudo-terminal between them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tandem_tools.bench import Bench, Board, default_stand
from tandem_tools.bench.stand import controller_stand
from tandem_tools.flash import BoardLost, FlashResult, build_program, flash
from tandem_tools.flash.install import ProgressReport
from tandem_tools.image import pico_image


@pytest.fixture
def bench() -> Iterator[Bench]:
    """Return a bench with a bare Pico that has just started MicroPython."""
    with Bench(default_stand(pico_image())) as bench:
        bench.board().wait_for_repl()
        yield bench


def put(bench: Bench, root: Path, progress: ProgressReport | None = None) -> FlashResult:
    """Flash, and take the serial port away afterwards: it would get what the board says in its place."""
    try:
        with bench.free_running():
            return flash(bench.board().port, progress=progress or (lambda *_: None), root=root)
    finally:
        bench.board().close_port()


def files_of(board: Board) -> dict[str, int]:
    walk = """
import os
def walk(path):
    for e in os.ilistdir(path):
        if e[1] & 0x4000: walk(path + e[0] + '/')
        else: print(path[1:] + e[0], e[3])
walk('/')
"""
    return {line.split()[0]: int(line.split()[1]) for line in board.exec(walk).splitlines()}


def test_the_whole_firmware_gets_onto_a_pico_and_answers(figure: Callable[..., None]) -> None:
    with Bench(controller_stand(pico_image())) as bench, bench.free_running():
        result = flash(bench.board().port)
        again = flash(bench.board().port)
    program = build_program()
    assert (result.version, result.hash, result.files) == (program.version, program.hash, len(program.files))
    assert result.copied == list(program.files)
    assert (again.copied, again.removed, again.bytes_copied) == ([], [], 0)
    figure("tandem flash, whole firmware", round(result.seconds, 1), "s")
    figure("tandem flash, nothing changed", round(again.seconds, 1), "s")


@pytest.mark.proves("R-SWR-3")
def test_the_board_has_exactly_the_files_of_the_program(bench: Bench, small_repository: Path) -> None:
    put(bench, small_repository)
    program = build_program(root=small_repository)
    expected = {path: len(data) for path, data in program.files.items()}
    assert files_of(bench.board()) == {**expected, "tandem/manifest.json": len(program.manifest)}


def test_only_what_changed_is_copied(bench: Bench, small_repository: Path) -> None:
    put(bench, small_repository)
    (small_repository / "firmware" / "tandem" / "part" / "numbers.py").write_text("TABLE = b'changed'\n")
    result = put(bench, small_repository)
    assert result.copied == ["tandem/part/numbers.mpy"]


@pytest.mark.proves("R-SWR-3")
def test_a_file_damaged_on_the_board_is_repaired(bench: Bench, small_repository: Path) -> None:
    put(bench, small_repository)
    bench.board().exec("with open('/boot.py', 'a') as f: f.write('#')")
    assert put(bench, small_repository).copied == ["boot.py"]


def test_code_of_an_earlier_version_is_removed_and_data_stays(bench: Bench, small_repository: Path) -> None:
    part = small_repository / "firmware" / "tandem" / "part"
    put(bench, small_repository)
    bench.board().exec(
        "for n in ('/tandem/app.py', '/tandem/notes.txt', '/journal.bin', '/other.py'): open(n, 'w').close()"
    )
    (part / "numbers.py").unlink()
    (part / "__init__.py").unlink()
    result = put(bench, small_repository)
    assert sorted(result.removed) == ["tandem/app.py", "tandem/part/__init__.mpy", "tandem/part/numbers.mpy"]
    left = files_of(bench.board())
    assert {"journal.bin", "other.py", "tandem/notes.txt"} <= set(left)
    assert not any(path.startswith("tandem/part") for path in left)
    assert "part" not in bench.board().exec("import os; print(os.listdir('/tandem'))")


def lose_half_way(bench: Bench, root: Path, trouble: Callable[[], None]) -> None:
    """Flash a program, then a changed one, in the middle of which trouble comes."""
    put(bench, root)
    (root / "firmware" / "tandem" / "part" / "numbers.py").write_text(f"TABLE = {b'new' * 3000!r}\n")
    happened: list[str] = []

    def report(step: str, done: int, total: int) -> None:
        if done and not happened:
            happened.append(step)
            trouble()

    told = r"stopped answering while it received tandem/part/numbers.mpy \(1 of 1\).*run tandem flash again"
    with pytest.raises(BoardLost, match=told):
        put(bench, root, report)
    assert happened


def assert_repaired(bench: Bench, root: Path) -> None:
    assert put(bench, root).hash == build_program(root=root).hash
    manifest = json.loads(bench.board().exec("print(open('/tandem/manifest.json').read())"))
    assert manifest["files"] == build_program(root=root).hashes


def test_a_cable_pulled_half_way_is_told_and_flashing_again_repairs_it(bench: Bench, small_repository: Path) -> None:
    lose_half_way(bench, small_repository, bench.board().close_port)
    assert_repaired(bench, small_repository)


def test_power_lost_half_way_is_told_and_flashing_again_repairs_it(bench: Bench, small_repository: Path) -> None:
    board = bench.board()
    lose_half_way(bench, small_repository, lambda: board.power(False))
    board.power(True)
    assert "tandem/manifest.json" not in files_of(board), "a board left half-way must be seen as such"
    assert_repaired(bench, small_repository)


def test_firmware_that_does_not_start_is_told(bench: Bench, small_repository: Path) -> None:
    (small_repository / "firmware" / "main.py").write_text("import no_such_module\n")
    with pytest.raises(BoardLost, match=r"Tandem did not start .*mpremote connect .* resume exec 'import main'"):
        put(bench, small_repository)
