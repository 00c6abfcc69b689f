"""The firmware as files of a board."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import pytest
from tandem_tools.flash import FlashError, Program, build_program


def test_a_program_has_the_same_hash_wherever_it_is_compiled(small_repository: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "deeper" / "down"
    shutil.copytree(small_repository / "firmware", elsewhere / "firmware")
    shutil.copytree(small_repository / "boards", elsewhere / "boards")
    assert build_program(root=small_repository).hash == build_program(root=elsewhere).hash


@pytest.mark.proves("R-SWR-3")
def test_every_change_of_the_code_changes_the_programs_hash(small_repository: Path) -> None:
    hashes = {build_program(root=small_repository).hash}
    for path, text in (
        ("firmware/main.py", "pass\n"),
        ("firmware/tandem/part/numbers.py", "TABLE = b''\n"),
        ("boards/rp2040_pico/board.py", "NAME = 'other'\n"),
        ("firmware/tandem/__init__.py", 'VERSION = "0.0.2"\n'),
    ):
        (small_repository / path).write_text(text)
        hashes.add(build_program(root=small_repository).hash)
    assert len(hashes) == 5


def test_the_manifest_names_every_file_with_its_hash_and_the_program_on_its_first_line(small_repository: Path) -> None:
    program = build_program(root=small_repository)
    manifest = json.loads(program.manifest)
    assert manifest["files"] == {path: hashlib.sha256(data).hexdigest() for path, data in program.files.items()}
    assert (manifest["tandem"], manifest["board"]) == ("0.0.1", "rp2040_pico")
    assert json.loads(program.manifest.splitlines()[0].decode().rstrip(",") + "}") == {"hash": program.hash}


def test_start_files_stay_source_and_packages_are_compiled(small_repository: Path) -> None:
    program = build_program(root=small_repository)
    assert sorted(program.files) == [
        "board.py",
        "boot.py",
        "main.py",
        "tandem/__init__.mpy",
        "tandem/part/__init__.mpy",
        "tandem/part/numbers.mpy",
    ]
    assert all(data.startswith(b"M\x06") for path, data in program.files.items() if path.endswith(".mpy"))


def test_the_firmware_of_this_repository_compiles() -> None:
    program = build_program()
    assert isinstance(program, Program)
    assert {"boot.py", "main.py", "board.py", "tandem/app.mpy"} <= set(program.files)


def test_source_that_does_not_compile_is_named_with_its_line(small_repository: Path) -> None:
    (small_repository / "firmware" / "tandem" / "part" / "numbers.py").write_text("a = 1\nb = = 2\n")
    with pytest.raises(FlashError, match=r"(?s)numbers\.py.*line 2.*SyntaxError"):
        build_program(root=small_repository)


def test_an_unknown_board_is_refused_with_the_known_ones(small_repository: Path) -> None:
    with pytest.raises(FlashError, match="no board 'esp32_devkit'; boards/ has: rp2040_pico"):
        build_program("esp32_devkit", root=small_repository)


def test_a_missing_start_file_is_named(small_repository: Path) -> None:
    (small_repository / "firmware" / "boot.py").unlink()
    with pytest.raises(FlashError, match=r"boot\.py cannot be read .*restore it"):
        build_program(root=small_repository)
