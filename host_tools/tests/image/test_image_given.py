"""TANDEM_UF2 and TANDEM_MICROPYTHON: what the user hands in is used instead, after it was looked at."""

from __future__ import annotations

from pathlib import Path

import pytest
from image_harness import block, micropython_image
from tandem_tools.image import (
    ImageError,
    bin_to_uf2,
    load_image,
    pico_image,
    pico_uf2,
    uf2_to_bin,
    unix_micropython,
)

pytestmark = pytest.mark.usefixtures("own_cache")


def given_file(folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, contents: bytes) -> Path:
    path = folder / name
    path.write_bytes(contents)
    monkeypatch.setenv("TANDEM_UF2", str(path))
    return path


def test_an_official_uf2_is_used_instead_of_the_built_image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    image = micropython_image("1.27.0")
    uf2 = given_file(tmp_path, monkeypatch, "RPI_PICO.uf2", bin_to_uf2(image))
    assert pico_image().read_bytes().rstrip(b"\xff") == image.rstrip(b"\xff")
    assert pico_uf2() == uf2


def test_a_bin_is_used_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    image = micropython_image()
    given_file(tmp_path, monkeypatch, "firmware.bin", image)
    assert pico_image().read_bytes() == image
    assert pico_uf2().read_bytes() == bin_to_uf2(image)


def test_another_file_under_the_same_name_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given_file(tmp_path, monkeypatch, "firmware.bin", micropython_image("1.25.0"))
    first = pico_image()
    given_file(tmp_path, monkeypatch, "firmware.bin", micropython_image("1.26.0"))
    assert pico_image() != first
    assert b"v1.26.0" in pico_image().read_bytes()


@pytest.mark.parametrize(
    ("name", "contents", "said"),
    [
        ("pico2.uf2", block(family=0xE48BFF59), "for another chip"),
        ("program.elf", b"\x7fELF" + bytes(1000), "not a UF2 file"),
        ("cut.uf2", bin_to_uf2(micropython_image())[:-512], "incomplete"),
        ("blink.bin", micropython_image().replace(b"MicroPython", b"blink      "), "no MicroPython for the RP2040"),
        ("old.bin", micropython_image("1.24.1"), "MicroPython 1.24.1; Tandem needs 1.25.0 or newer"),
        ("noise.bin", bytes(4000), "not a flash image of an RP2040"),
        ("disk.bin", bytes(9_000_000), "9000000 bytes, more than any image"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, contents: bytes, said: str
) -> None:
    path = given_file(tmp_path, monkeypatch, name, contents)
    with pytest.raises(ImageError) as refusal:
        pico_image()
    assert "TANDEM_UF2" in str(refusal.value)
    assert str(path) in str(refusal.value)
    assert said in str(refusal.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TANDEM_UF2", str(tmp_path / "none.uf2"))
    with pytest.raises(ImageError, match=r"TANDEM_UF2: .*none\.uf2 cannot be read: No such file"):
        pico_image()


def test_load_image_and_uf2_to_bin_read_files_and_name_them_in_errors(tmp_path: Path) -> None:
    path = tmp_path / "image.uf2"
    path.write_bytes(bin_to_uf2(micropython_image()))
    assert load_image(path) == uf2_to_bin(path)
    path.write_bytes(b"no")
    with pytest.raises(ImageError, match=r"image\.uf2 cannot be used: This is not a UF2 file"):
        uf2_to_bin(path)
    with pytest.raises(ImageError, match=r"absent\.uf2 cannot be read"):
        uf2_to_bin(tmp_path / "absent.uf2")


def script(folder: Path, text: str) -> Path:
    path = folder / "interpreter"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def test_a_unix_micropython_is_used_after_it_has_told_its_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = script(tmp_path, "echo 1.25.0 micropython")
    monkeypatch.setenv("TANDEM_MICROPYTHON", str(path))
    assert unix_micropython() == path


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("echo 1.24.0 micropython", "MicroPython 1.24.0; Tandem needs 1.25.0"),
        ("echo 3.11.7 cpython", "not a unix MicroPython"),
        ("exit 3", "not a unix MicroPython"),
    ],
)
def test_another_interpreter_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str, said: str
) -> None:
    monkeypatch.setenv("TANDEM_MICROPYTHON", str(script(tmp_path, answer)))
    with pytest.raises(ImageError, match=f"TANDEM_MICROPYTHON: .*{said}"):
        unix_micropython()


def test_an_interpreter_that_is_not_there_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TANDEM_MICROPYTHON", str(tmp_path / "none"))
    with pytest.raises(ImageError, match=r"TANDEM_MICROPYTHON: .*none cannot be run"):
        unix_micropython()
