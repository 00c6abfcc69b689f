"""The built image is MicroPython for the Pico as it should be, and building it again does nothing."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tandem_tools.image import (
    ImageError,
    build,
    check_bootable,
    command,
    pico_image,
    pico_uf2,
    toolchain,
    uf2_to_bin,
    unix_micropython,
)
from tandem_tools.image.cli import image_app
from tandem_tools.image.versions import IMAGE_SHA256
from typer.testing import CliRunner

Figure = Callable[..., None]

# A fresh machine downloads 120 MB and compiles for two minutes, and all but one worker wait for that meanwhile.
pytestmark = pytest.mark.timeout(1800)
FIRST_BUILD = pytest.mark.slow

STOCK_FROZEN = {"_boot", "_boot_fat", "rp2"} | {
    f"asyncio/{name}" for name in ("__init__", "core", "event", "funcs", "lock", "stream")
}
STOCK_BUILT_IN = """
    __main__ _asyncio _onewire _rp2 _thread array binascii builtins cmath collections cryptolib deflate errno framebuf
    gc hashlib heapq io json machine math micropython os platform random re select struct sys time uasyncio uctypes vfs
"""


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> None:
    """See to it that the built image is tested, also where the user works with one handed in."""
    monkeypatch.delenv("TANDEM_UF2", raising=False)
    monkeypatch.delenv("TANDEM_MICROPYTHON", raising=False)


def on_emulated_pico(code: str) -> str:
    """Run ``code`` on a Pico emulated by the package rp2040py with the built image; return what it printed."""
    emulator = Path(sys.executable).with_name("rp2040py")
    answer = subprocess.run(
        [emulator, "micropython", "--image", pico_uf2(), "-c", code],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    return answer.stdout


@FIRST_BUILD
@pytest.mark.usefixtures("built")
def test_the_image_boots_on_a_pico_as_micropython_1_25_for_this_board() -> None:
    told = on_emulated_pico("import sys, os; print(sys.implementation, os.uname().version)")
    assert "version=(1, 25, 0, '')" in told
    assert "_machine='Raspberry Pi Pico with RP2040'" in told
    assert "_build='RPI_PICO'" in told
    assert "v1.25.0 on 2025-04-15" in told


@FIRST_BUILD
@pytest.mark.usefixtures("built")
def test_the_image_has_pio_and_asyncio_and_what_the_firmware_calls() -> None:
    code = (
        "import rp2, asyncio, machine, micropython, select, hashlib, vfs\n"
        "f = [rp2.asm_pio, rp2.StateMachine, rp2.PIO, rp2.DMA, asyncio.run, machine.ADC, machine.SPI, machine.UART, "
        "machine.WDT, machine.mem32, micropython.kbd_intr, micropython.schedule, vfs.VfsLfs2, select.poll]\n"
        "@micropython.viper\ndef v(a: int) -> int:\n  return a + 1\n"
        "@micropython.asm_thumb\ndef t(r0):\n  add(r0, r0, 2)\n"
        "print(len(f), v(1), t(1))"
    )
    assert on_emulated_pico(code).split()[-3:] == ["14", "2", "3"]


@FIRST_BUILD
@pytest.mark.usefixtures("built")
def test_nothing_is_frozen_into_the_image_but_the_stock_modules() -> None:
    told = on_emulated_pico("help('modules')").partition("Plus any modules")[0].split()
    assert set(told) == STOCK_FROZEN | set(STOCK_BUILT_IN.split())


@FIRST_BUILD
@pytest.mark.usefixtures("built")
def test_the_image_is_the_same_to_the_byte_on_every_machine() -> None:
    if toolchain.choose().programs is None:
        pytest.skip("built with the machine's own compiler, so other bytes are right here")
    assert hashlib.sha256(pico_image().read_bytes()).hexdigest() == IMAGE_SHA256


@FIRST_BUILD
@pytest.mark.usefixtures("built")
def test_the_uf2_holds_the_same_image() -> None:
    image = pico_image().read_bytes()
    check_bootable(image)
    assert uf2_to_bin(pico_uf2())[: len(image)] == image


@FIRST_BUILD
@pytest.mark.usefixtures("built")
def test_the_unix_port_runs() -> None:
    answer = subprocess.run([unix_micropython(), "-c", "print(1)"], capture_output=True, text=True, timeout=20)
    assert (answer.returncode, answer.stdout) == (0, "1\n")


@FIRST_BUILD
@pytest.mark.usefixtures("built")
def test_the_unix_port_has_asyncio_and_counts_its_heap_to_the_byte() -> None:
    code = (
        "import sys, gc, asyncio\n"
        "async def main():\n  await asyncio.sleep_ms(1)\n"
        "asyncio.run(main())\n"
        "def f(x):\n  return x\n"
        "def g():\n  a = gc.mem_alloc()\n  for i in range(100):\n    f(i)\n  return gc.mem_alloc() - a\n"
        "gc.collect()\n"
        "print(sys.implementation[1][:3], g())"
    )
    answer = subprocess.run([unix_micropython(), "-c", code], capture_output=True, text=True, timeout=20)
    assert answer.stdout == "(1, 25, 0) 0\n", answer.stderr


@FIRST_BUILD
@pytest.mark.usefixtures("built")
def test_building_a_second_time_does_nothing(monkeypatch: pytest.MonkeyPatch, figure: Figure) -> None:
    first = (pico_image(), pico_uf2(), unix_micropython())

    def fail(*words: object, **_: object) -> str:
        raise AssertionError(f"a command was run: {words}")

    for module in (build, toolchain):
        monkeypatch.setattr(module, "run", fail)
    monkeypatch.setattr("tandem_tools.image.fetch.run", fail)
    began = time.monotonic()
    assert (pico_image(), pico_uf2(), unix_micropython()) == first
    seconds = time.monotonic() - began
    figure("second build of image and unix port", round(seconds, 3), "s", limit="< 1")
    assert seconds < 1


@FIRST_BUILD
@pytest.mark.usefixtures("built")
def test_the_image_comes_with_its_elf_its_licences_and_a_record_of_what_it_was_made_from() -> None:
    folder = pico_image().parent
    assert (folder / "firmware.elf").read_bytes()[:4] == b"\x7fELF"
    assert {path.name for path in (folder / "licences").iterdir()} == {"micropython", "mbedtls", "pico-sdk", "tinyusb"}
    assert (
        "micropython_1.25.0+ds.orig.tar.xz"
        in json.loads((folder / "made_from.json").read_text())["made_from"]["sources"]
    )


@FIRST_BUILD
@pytest.mark.usefixtures("built")
def test_the_command_prints_paths_that_exist() -> None:
    answer = CliRunner().invoke(image_app, ["build"])
    assert answer.exit_code == 0, answer.output
    paths = [Path(line.split()[1]) for line in answer.stdout.splitlines()]
    assert paths == [pico_image(), pico_uf2(), unix_micropython()]
    assert CliRunner().invoke(image_app, ["path"]).stdout == f"{pico_uf2()}\n"
    assert CliRunner().invoke(image_app, ["path", "unix"]).stdout == f"{unix_micropython()}\n"


def test_the_command_tells_an_error_and_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TANDEM_UF2", str(tmp_path / "none.uf2"))
    answer = CliRunner().invoke(image_app, ["path", "bin"])
    assert answer.exit_code == 1
    assert answer.stderr.startswith("tandem: TANDEM_UF2: ")
    assert answer.stdout == ""


def only_these(folder: Path, monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """Make a machine that has only these programs."""
    programs = folder / "programs"
    programs.mkdir()
    for name in names:
        (programs / name).write_text("#!/bin/sh\n")
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.setattr(sys, "executable", str(programs / "python"))


@pytest.mark.parametrize(
    ("programs", "said"),
    [
        ((), ["apt-get, dpkg-deb, make, gcc, cmake, ninja not found", "build on Debian 12 or newer"]),
        (("apt-get", "dpkg-deb", "gcc", "cmake"), ["make, ninja not found", "apt-get install make\n", "ninja-build"]),
        (("apt-get", "dpkg-deb", "make", "cmake", "ninja"), ["gcc not found", "apt-get install gcc libc6-dev"]),
        (("apt-get", "dpkg-deb", "make", "gcc"), ["cmake, ninja not found", "-m pip install cmake ninja"]),
    ],
)
def test_everything_that_is_missing_is_named_at_once_with_the_way_out(
    own_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, programs: tuple[str, ...], said: list[str]
) -> None:
    only_these(tmp_path, monkeypatch, *programs)
    with pytest.raises(ImageError) as refusal:
        pico_image(progress=False)
    assert all(words in str(refusal.value) for words in [*said, "TANDEM_UF2"]), str(refusal.value)
    assert not [path for path in own_cache.iterdir() if path.is_dir() and path.name != "logs"]


@pytest.mark.usefixtures("own_cache")
def test_on_another_processor_the_message_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    only_these(tmp_path, monkeypatch, "apt-get", "dpkg-deb", "make", "gcc", "cmake", "ninja")
    monkeypatch.setattr("tandem_tools.image.toolchain.platform.machine", lambda: "aarch64")
    with pytest.raises(ImageError, match="sudo apt-get install gcc-arm-none-eabi libnewlib-arm-none-eabi"):
        pico_image(progress=False)


@pytest.mark.usefixtures("own_cache")
def test_an_installed_compiler_without_its_c_library_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    only_these(tmp_path, monkeypatch)
    for name in ("arm-none-eabi-gcc", "arm-none-eabi-g++"):
        program = tmp_path / "programs" / name
        program.write_text("#!/bin/sh\necho stdlib.h: no such file >&2; exit 1\n")
        program.chmod(0o755)
    assert toolchain.choose().programs is not None


@pytest.mark.usefixtures("own_cache")
def test_a_failing_build_names_its_log_which_is_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def failing_sources(_: object, log: Path) -> Path:
        return Path(command.run(["sh", "-c", "echo fatal error: disk; exit 1"], log=log, deadline_s=9, doing="Unpack"))

    monkeypatch.setattr(build, "_sources", failing_sources)
    with pytest.raises(ImageError) as failure:
        unix_micropython(progress=False)
    log = Path(str(failure.value).rpartition("Log: ")[2])
    assert "fatal error: disk" in str(failure.value)
    assert "fatal error: disk" in log.read_text()
