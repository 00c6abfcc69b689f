"""The rig's program beside Tandem: onto a board, told from one another, never mixed up by mistake."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tandem_tools.bench import Bench, default_stand
from tandem_tools.flash import OtherProgram, build_program, build_rig_program, flash, flash_rig
from tandem_tools.flash.answer import kind_of, version_fields, wait_for
from tandem_tools.flash.install import FlashResult
from tandem_tools.flash.program import RIG, RIG_SHARES, TANDEM
from tandem_tools.image import pico_image

FILES = """
import os
def walk(path):
    for e in os.ilistdir(path):
        if e[1] & 0x4000: walk(path + e[0] + '/')
        else: print(path[1:] + e[0])
walk('/')
"""


@pytest.fixture
def repository(small_repository: Path) -> Path:
    """A small firmware, and a rig's program that shares the true files with it."""
    root = Path(__file__).parents[3]
    for name in RIG_SHARES:
        target = small_repository / "firmware" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.exists():
            target.write_bytes((root / "firmware" / name).read_bytes())
    rig = small_repository / "hil_tests" / "rig"
    (rig / "rig").mkdir(parents=True)
    (rig / "rig" / "__init__.py").write_text('VERSION = "0.0.7"\n')
    (rig / "rig" / "app.py").write_text("PLAYS = True\n")
    main = (small_repository / "firmware" / "main.py").read_text()
    main = main.replace("from tandem import", "from rig import").replace("OK tandem=", "OK rig=")
    main = main.replace("/tandem/manifest.json", "/rig/manifest.json").replace("hash=", "program=")
    (rig / "main.py").write_text(main)
    app = small_repository / "firmware" / "tandem" / "app.py"
    app.write_text("FIRES = True\n")
    return small_repository


@pytest.fixture
def bench() -> Iterator[Bench]:
    """A bench with a bare Pico that has just started MicroPython."""
    with Bench(default_stand(pico_image())) as bench:
        bench.board().wait_for_repl()
        yield bench


def put(bench: Bench, action: Callable[[str], FlashResult]) -> FlashResult:
    """Flash, and take the serial port away afterwards."""
    try:
        with bench.free_running():
            return action(bench.board().port)
    finally:
        bench.board().close_port()


def files_of(bench: Bench) -> set[str]:
    return set(bench.board().exec(FILES).split())


def test_the_rigs_program_is_its_own_files_and_the_typed_lines_of_the_firmware() -> None:
    program = build_rig_program()
    assert program.kind is RIG
    assert {"main.py", "rig/app.mpy", "rig/room.mpy", "tandem/console/line.mpy", "tandem/io/terminal.mpy"} <= set(
        program.files
    )
    assert "boot.py" not in program.files and "tandem/app.mpy" not in program.files
    manifest = json.loads(program.manifest)
    assert (manifest["rig"], manifest["hash"], manifest["files"]) == (program.version, program.hash, program.hashes)
    assert "tandem" not in manifest


def test_a_change_of_the_rig_or_of_what_it_shares_changes_its_hash_and_no_other_does(repository: Path) -> None:
    hashes = [build_rig_program(root=repository).hash]
    for path in ("hil_tests/rig/rig/app.py", "hil_tests/rig/main.py", "firmware/tandem/console/line.py"):
        (repository / path).write_text((repository / path).read_text() + "\nMORE = 1\n")
        hashes.append(build_rig_program(root=repository).hash)
    assert len(set(hashes)) == 4
    (repository / "firmware" / "main.py").write_text("pass\n")
    assert build_rig_program(root=repository).hash == hashes[-1]


def test_the_rigs_program_gets_onto_a_pico_and_answers(bench: Bench, figure: Callable[..., None]) -> None:
    result = put(bench, flash_rig)
    again = put(bench, flash_rig)
    program = build_rig_program()
    assert (result.version, result.hash, result.files) == (program.version, program.hash, len(program.files))
    assert files_of(bench) == {*program.files, "rig/manifest.json"}
    assert (again.copied, again.removed, again.bytes_copied) == ([], [], 0)
    figure("tandem rig flash, whole program", round(result.seconds, 1), "s")


def test_old_code_of_the_rig_is_removed_and_nothing_else(bench: Bench, repository: Path) -> None:
    put(bench, lambda port: flash_rig(port, root=repository))
    bench.board().exec(
        "for n in ('/rig/old.py', '/rig/notes.txt', '/tandem/kept.py', '/other.py'): open(n, 'w').close()"
    )
    assert put(bench, lambda port: flash_rig(port, root=repository)).removed == ["rig/old.py"]
    assert {"rig/notes.txt", "tandem/kept.py", "other.py"} <= files_of(bench)


def test_tandem_is_not_put_on_a_rig_unless_it_is_forced(bench: Bench, repository: Path) -> None:
    put(bench, lambda port: flash_rig(port, root=repository))
    before = files_of(bench)
    bench.board().reset("power")
    told = r"has the rig's program, and Tandem was to be put on it: nothing was changed.*tandem flash --force"
    with pytest.raises(OtherProgram, match=told):
        put(bench, lambda port: flash(port, root=repository))
    with bench.free_running():
        assert wait_for(bench.board().port, RIG)["rig"] == "0.0.7", "it runs as before"
    bench.board().close_port()
    assert files_of(bench) == before
    result = put(bench, lambda port: flash(port, root=repository, force=True))
    assert result.version == "0.0.1" and {"rig/app.mpy", "rig/manifest.json", "main.py"} <= set(result.removed)
    assert files_of(bench) == {*build_program(root=repository).files, "tandem/manifest.json"}


def test_a_rig_is_not_made_of_a_controller_unless_it_is_forced(bench: Bench, repository: Path) -> None:
    put(bench, lambda port: flash(port, root=repository))
    bench.board().exec("import os\nos.mkdir('/journal')\nopen('/journal/0', 'w').close()")
    told = r"has Tandem, and the rig's program was to be put on it: nothing was changed.*tandem rig flash --force"
    with pytest.raises(OtherProgram, match=told):
        put(bench, lambda port: flash_rig(port, root=repository))
    result = put(bench, lambda port: flash_rig(port, root=repository, force=True))
    assert result.version == "0.0.7" and {"boot.py", "board.py", "tandem/app.mpy"} <= set(result.removed)
    assert files_of(bench) == {*build_rig_program(root=repository).files, "rig/manifest.json", "journal/0"}


def test_a_controller_left_half_way_is_still_known_as_one(bench: Bench, repository: Path) -> None:
    put(bench, lambda port: flash(port, root=repository))
    bench.board().exec("import os; os.remove('/tandem/manifest.json')")
    with pytest.raises(OtherProgram, match="has Tandem"):
        put(bench, lambda port: flash_rig(port, root=repository))


def test_swapped_ports_are_told_by_who_answers(bench: Bench, repository: Path) -> None:
    put(bench, lambda port: flash_rig(port, root=repository))
    with bench.free_running():
        port = bench.board().port
        assert wait_for(port, RIG)["rig"] == "0.0.7"
        with pytest.raises(OtherProgram, match=r"the rig's program 0\.0\.7 answers at .*, not Tandem: .* swapped"):
            wait_for(port, TANDEM)
    bench.board().close_port()


def test_a_reply_tells_a_rig_from_a_controller() -> None:
    rig = version_fields(b"version\r\nOK rig=0.1.0 program=0123 board=rp2040_pico\r\n")
    controller = version_fields(b"version\r\nOK tandem=0.1.0 hash=4567 board=rp2040_pico\r\n")
    assert (kind_of(rig), kind_of(controller), kind_of({})) == (RIG, TANDEM, None)
    assert (rig["program"], controller["hash"]) == ("0123", "4567")
    assert version_fields(b"OK running=0\r\n") == {}
