"""Build MicroPython from its sources: the image for the Pico, and the unix port as a second interpreter for tests.

Each step is an entry of the cache: sources unpacked, compiler unpacked, mpy-cross, image, unix port.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from . import cache, fetch, toolchain
from .command import environment, run
from .errors import ImageError
from .progress import Report
from .toolchain import Toolchain
from .uf2 import bin_to_uf2, check_bootable, micropython_version
from .unpack import unpack
from .versions import (
    BOARD,
    MBEDTLS,
    MICROPYTHON,
    MICROPYTHON_DATE_EPOCH_S,
    MICROPYTHON_TAG,
    MICROPYTHON_VERSION,
    PICO_SDK,
    RECIPE,
    SOURCES,
    TINYUSB,
)

BUILD_DEADLINE_S = 3600.0
IMAGE = "firmware.bin"
IMAGE_UF2 = "firmware.uf2"
IMAGE_ELF = "firmware.elf"
UNIX = "micropython"

# The port's own modules (_boot, _boot_fat, rp2) and asyncio, as in the official image; its four drivers that come from
# micropython-lib (onewire, ds18x20, dht, neopixel) are not in Debian's source package.
PICO_MANIFEST = 'freeze("$(PORT_DIR)/modules")\ninclude("$(MPY_DIR)/extmod/asyncio")\n'
UNIX_MANIFEST = 'include("$(MPY_DIR)/extmod/asyncio")\n'
# Without what would need libraries of the machine, or sources that Debian's package leaves out. sys.settrace stays off:
# with it, every call of a function takes 128 bytes from the heap, which would hide what the tests are to see.
UNIX_OPTIONS = (
    "VARIANT=standard",
    "MICROPY_PY_FFI=0",
    "MICROPY_PY_SSL=0",
    "MICROPY_PY_BTREE=0",
    "MICROPY_SSL_AXTLS=0",
    "MICROPY_SSL_MBEDTLS=0",
)

_MICROPYTHON_PARTS = (
    "py",
    "extmod",
    "shared",
    "lib",
    "drivers",
    "tools",
    "mpy-cross",
    "ports/rp2",
    "ports/unix",
    "LICENSE",
)
_MBEDTLS_PARTS = ("include", "library", "LICENSE")
_LICENCES = {
    "micropython": "micropython/LICENSE",
    "mbedtls": "mbedtls/LICENSE",
    "pico-sdk": "usr/share/doc/pico-sdk-source/copyright",
    "tinyusb": "usr/share/doc/tinyusb-source/copyright",
}
_NINJA_STEP = re.compile(r"\[(\d+)/(\d+)\]")
_PREREQUISITES = {"apt-get": "apt", "dpkg-deb": "dpkg", "make": "make", "gcc": "gcc libc6-dev"}


def pico(report: Report) -> Path:
    """Return the folder with the image for the Pico (IMAGE, IMAGE_UF2, IMAGE_ELF); build it if it is not there."""
    compiler = toolchain.choose()
    made_from = pico_made_from(compiler)
    return cache.entry(
        "pico",
        made_from,
        [IMAGE, IMAGE_UF2],
        lambda folder: _build_pico(folder, compiler, report, _new_log("pico", made_from)),
        lambda: report.say("Waiting for another process that is building the image."),
    )


def unix(report: Report) -> Path:
    """Return the folder with the unix port's program (UNIX); build it if it is not there."""
    made_from = unix_made_from()
    return cache.entry(
        "unix",
        made_from,
        [UNIX],
        lambda folder: _build_unix(folder, report, _new_log("unix", made_from)),
        lambda: report.say("Waiting for another process that is building the unix port."),
    )


def pico_made_from(compiler: Toolchain) -> dict[str, object]:
    """Return everything that the image depends on."""
    return {
        "recipe": RECIPE,
        "board": BOARD,
        "tag": MICROPYTHON_TAG,
        "date": MICROPYTHON_DATE_EPOCH_S,
        "manifest": PICO_MANIFEST,
        "sources": _source_hashes(),
        "compiler": compiler.identity,
    }


def unix_made_from() -> dict[str, object]:
    """Return everything that the unix port's program depends on."""
    return {
        "recipe": RECIPE,
        "tag": MICROPYTHON_TAG,
        "date": MICROPYTHON_DATE_EPOCH_S,
        "manifest": UNIX_MANIFEST,
        "options": UNIX_OPTIONS,
        **_host_made_from(),
    }


def _host_made_from() -> dict[str, object]:
    return {"sources": _source_hashes(), "machine": platform.machine(), "libc": platform.libc_ver()}


def _source_hashes() -> dict[str, str]:
    return {file.name: file.sha256 for package in SOURCES for file in package.files}


def _new_log(name: str, made_from: dict[str, object]) -> Path:
    log = cache.make_folder(cache.root() / "logs") / f"{name}-{cache.key(made_from)}.log"
    log.write_text("")
    return log


def find_tool(name: str) -> str | None:
    """Return the path of a program: the one of this Python's environment, else the one on PATH, else None."""
    return shutil.which(name, path=str(Path(sys.executable).parent)) or shutil.which(name)


def check_prerequisites(build_tools: Sequence[str] = ()) -> None:
    """ImageError that names every missing program, and how to get it. ``build_tools``: cmake and ninja, or none."""
    missing = [name for name in _PREREQUISITES if shutil.which(name) is None]
    lacking = [name for name in build_tools if find_tool(name) is None]
    if not missing and not lacking:
        return
    lines = [f"MicroPython cannot be built: {', '.join(missing + lacking)} not found."]
    if {"apt-get", "dpkg-deb"} & set(missing):
        lines.append("Its sources come as Debian packages: build on Debian 12 or newer.")
    elif missing:
        lines.append(f"Install: sudo apt-get install {' '.join(_PREREQUISITES[name] for name in missing)}")
    if lacking:
        debian = " ".join({"ninja": "ninja-build"}.get(name, name) for name in lacking)
        lines.append(
            f"Install: {sys.executable} -m pip install {' '.join(lacking)} (or: sudo apt-get install {debian})"
        )
    lines.append(fetch.WAY_OUT.split(", or put")[0] + ".")
    raise ImageError("\n".join(lines))


def _build_environment(**extra: str) -> dict[str, str]:
    return environment(
        MICROPY_GIT_TAG=MICROPYTHON_TAG,
        SOURCE_DATE_EPOCH=str(MICROPYTHON_DATE_EPOCH_S),
        PYTHONHASHSEED="0",  # the build's scripts list modules in the order of a set
        **extra,
    )


def _jobs() -> int:
    return len(os.sched_getaffinity(0))


def _sources(report: Report, log: Path) -> Path:
    """Return the folder with the unpacked sources, joined as MicroPython's build wants them."""
    return cache.entry(
        "sources",
        {"recipe": RECIPE, "sources": _source_hashes()},
        ["micropython/ports/rp2/CMakeLists.txt", "usr/src/pico-sdk/pico_sdk_init.cmake", *_LICENCES.values()],
        lambda folder: _unpack_sources(folder, report, log),
        lambda: report.say("Waiting for another process that is unpacking the sources."),
    )


def _unpack_sources(folder: Path, report: Report, log: Path) -> None:
    files = fetch.fetch(SOURCES, report, log)
    with report.stage("Unpack the sources") as stage:
        stage.at(0, 4, "micropython")
        _unpack_upstream(files[MICROPYTHON.name], folder / "micropython", _MICROPYTHON_PARTS)
        stage.at(1, 4, "mbedtls")
        _unpack_upstream(files[MBEDTLS.name], folder / "mbedtls", _MBEDTLS_PARTS)
        for done, package in enumerate((PICO_SDK, TINYUSB), start=2):
            stage.at(done, 4, package.name)
            unpack(files[package.name], folder, lambda name: name.startswith("usr/"))
    libraries = folder / "micropython" / "lib"
    for name, target in (("tinyusb", "../../usr/src/tinyusb"), ("mbedtls", "../../mbedtls")):
        shutil.rmtree(libraries / name, ignore_errors=True)
        (libraries / name).symlink_to(target)
    (libraries / "micropython-lib").mkdir(exist_ok=True)
    (libraries / "micropython-lib" / "README.md").touch()  # the build only looks whether it exists


def _unpack_upstream(archive: Path, into: Path, parts: Sequence[str]) -> None:
    """Unpack the wanted parts of an upstream archive, and take away the folder that holds them all."""
    whole = into.with_name(into.name + ".whole")

    def wanted(name: str) -> bool:
        inner = name.partition("/")[2]
        return any(inner == part or inner.startswith(f"{part}/") for part in parts)

    unpack(archive, whole, wanted)
    (top,) = whole.iterdir()
    top.rename(into)
    whole.rmdir()


def _mpy_cross(sources: Path, report: Report, log: Path) -> Path:
    """Return the compiler of frozen modules, built for this machine."""
    folder = cache.entry(
        "mpy-cross",
        {"recipe": RECIPE, **_host_made_from()},
        ["mpy-cross"],
        lambda building: _build_mpy_cross(building, sources, report, log),
        lambda: report.say("Waiting for another process that is building mpy-cross."),
    )
    return folder / "mpy-cross"


def _build_mpy_cross(folder: Path, sources: Path, report: Report, log: Path) -> None:
    work = folder / "work"
    _make(sources / "micropython/mpy-cross", work, [], "Build mpy-cross", report, log)
    shutil.move(work / "mpy-cross", folder / "mpy-cross")
    shutil.rmtree(work)


def _make(where: Path, work: Path, options: Sequence[str], doing: str, report: Report, log: Path) -> None:
    """Run one of MicroPython's makefiles, all that it makes going into ``work``."""
    command = [
        "make",
        "-C",
        where,
        f"-j{_jobs()}",
        f"BUILD={work}",
        f"PYTHON={sys.executable}",
        "CFLAGS_EXTRA=-Wno-error",
    ]
    with report.stage(doing) as stage:
        compiled = 0

        def on_line(line: str) -> None:
            nonlocal compiled
            compiled += line.startswith("CC ")
            stage.at(compiled, None, f"{compiled} files")

        run(
            [*command, *options],
            log=log,
            deadline_s=BUILD_DEADLINE_S,
            doing=doing,
            env=_build_environment(),
            on_line=on_line,
        )


def _build_unix(folder: Path, report: Report, log: Path) -> None:
    check_prerequisites()
    sources = _sources(report, log)
    mpy_cross = _mpy_cross(sources, report, log)
    work = folder / "work"
    work.mkdir()
    manifest = folder / "manifest.py"
    manifest.write_text(UNIX_MANIFEST)
    options = [*UNIX_OPTIONS, f"FROZEN_MANIFEST={manifest}", f"MICROPY_MPYCROSS={mpy_cross}"]
    _make(sources / "micropython/ports/unix", work, options, "Build the unix port", report, log)
    shutil.move(work / "micropython", folder / UNIX)
    shutil.rmtree(work)
    _keep_licences(sources, folder)


def _build_pico(folder: Path, compiler: Toolchain, report: Report, log: Path) -> None:
    check_prerequisites(("cmake", "ninja"))
    toolchain.prepare(compiler, report, log)
    sources = _sources(report, log)
    mpy_cross = _mpy_cross(sources, report, log)
    work = folder / "work"
    toolchain.make_empty_cxx_library(compiler, work / "empty", log)
    (work / "manifest.py").write_text(PICO_MANIFEST)
    env = _build_environment(
        PATH=compiler.path(os.environ.get("PATH", os.defpath)),
        CXXFLAGS=toolchain.NO_CXX_LIBRARY,
        MICROPY_MPYCROSS=str(mpy_cross),
    )
    _configure(sources, work, env, report, log)
    _compile(work, env, report, log)
    _collect(sources, work, folder)


def _configure(sources: Path, work: Path, env: dict[str, str], report: Report, log: Path) -> None:
    options = {
        "CMAKE_MAKE_PROGRAM": find_tool("ninja"),
        "CMAKE_EXE_LINKER_FLAGS": f"-L{work / 'empty'}",
        "MICROPY_BOARD": BOARD,
        "MICROPY_FROZEN_MANIFEST": work / "manifest.py",
        "PICO_SDK_PATH_OVERRIDE": sources / "usr/src/pico-sdk",
        "PICO_NO_PICOTOOL": 1,
        "Python3_EXECUTABLE": sys.executable,
    }
    command: list[str | Path] = [find_tool("cmake") or "cmake", "-G", "Ninja", "-S", sources / "micropython/ports/rp2"]
    command += ["-B", work / "build", *(f"-D{name}={value}" for name, value in options.items())]
    with report.stage("Configure the image"):
        run(command, log=log, deadline_s=BUILD_DEADLINE_S, doing="Configure the image", env=env)


def _compile(work: Path, env: dict[str, str], report: Report, log: Path) -> None:
    command = [find_tool("ninja") or "ninja", "-C", str(work / "build"), f"-j{_jobs()}"]
    with report.stage("Build the image") as stage:

        def on_line(line: str) -> None:
            step = _NINJA_STEP.match(line)
            if step:
                stage.at(int(step[1]), int(step[2]), f"{step[1]}/{step[2]}")

        run(command, log=log, deadline_s=BUILD_DEADLINE_S, doing="Build the image", env=env, on_line=on_line)


def _collect(sources: Path, work: Path, folder: Path) -> None:
    """Check what was built, put it into ``folder`` together with the licences, and remove the rest."""
    image = (work / "build" / IMAGE).read_bytes()
    check_bootable(image)
    if micropython_version(image) != MICROPYTHON_VERSION:
        raise ImageError(f"The built image is not MicroPython {MICROPYTHON_VERSION}: {micropython_version(image)}.")
    (folder / IMAGE).write_bytes(image)
    (folder / IMAGE_UF2).write_bytes(bin_to_uf2(image))
    shutil.move(work / "build" / IMAGE_ELF, folder / IMAGE_ELF)
    shutil.rmtree(work)
    _keep_licences(sources, folder)


def _keep_licences(sources: Path, folder: Path) -> None:
    (folder / "licences").mkdir()
    for name, path in _LICENCES.items():
        shutil.copy(sources / path, folder / "licences" / name)
