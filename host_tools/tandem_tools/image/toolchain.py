"""The compiler for the Pico's processor: the machine's own, or Debian's, unpacked into the cache.

The image is C throughout. The SDK still has C++ in its build (one file, whose contents a definition switches off) and
its link names the C++ library, so an empty archive of that name stands in for 313 MB of libstdc++-arm-none-eabi-newlib.
"""

from __future__ import annotations

import platform
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from . import cache, fetch
from .command import environment, run
from .errors import ImageError
from .progress import Report
from .unpack import unpack
from .versions import RECIPE, TOOLCHAIN

PREFIX = "arm-none-eabi-"
CPU_OPTIONS = ("-mcpu=cortex-m0plus", "-mthumb")
NO_CXX_LIBRARY = "-DPICO_CXX_DISABLE_ALLOCATION_OVERRIDES=1"
INSTALL = "sudo apt-get install gcc-arm-none-eabi libnewlib-arm-none-eabi"
_TRY_DEADLINE_S = 60.0
_TRIAL = "#include <stdlib.h>\n#include <newlib.h>\nint main(void) { return (int)(size_t)malloc(1); }\n"
_GCC = "usr/lib/gcc/arm-none-eabi/12.2.1"
_NEWLIB = "usr/lib/arm-none-eabi/newlib"
_MULTILIB = "thumb/v6-m/nofp"  # of the Pico's Cortex-M0+; those for 40 other processors would take 600 MB


@dataclass(frozen=True)
class Toolchain:
    """A compiler: the folder of its programs (None: found on PATH), and what tells it from any other."""

    programs: Path | None
    identity: dict[str, object]

    def program(self, name: str) -> str:
        """Return how ``name`` (such as ``gcc``) of this toolchain is called."""
        return f"{self.programs}/{PREFIX}{name}" if self.programs else f"{PREFIX}{name}"

    def path(self, before: str) -> str:
        """Return PATH ``before`` with this toolchain's programs first."""
        return f"{self.programs}:{before}" if self.programs else before


def choose() -> Toolchain:
    """Return the machine's own toolchain when it can compile and link for the Pico, else the one to be unpacked.

    Fetches and writes nothing outside a temporary folder.
    """
    return _installed() or Toolchain(_private_folder() / "usr" / "bin", _private_identity())


def prepare(toolchain: Toolchain, report: Report, log: Path) -> None:
    """Make sure that ``toolchain`` is there and works: unpack it if it is the private one (blocks, downloads)."""
    if toolchain.programs is None:
        return
    if platform.machine() != "x86_64":
        raise ImageError(
            f"The compiler for the Pico is missing, and only for x86_64 can it be unpacked without root "
            f"(this machine is {platform.machine()}). Install it: {INSTALL}"
        )
    cache.entry(
        "toolchain",
        _private_identity(),
        [f"usr/bin/{PREFIX}gcc", f"{_GCC}/cc1", f"{_GCC}/cc1plus", f"{_NEWLIB}/{_MULTILIB}/libc_nano.a"],
        lambda folder: _unpack_private(folder, report, log),
        lambda: report.say("Waiting for another process that is unpacking the compiler."),
    )


def _installed() -> Toolchain | None:
    if shutil.which(f"{PREFIX}gcc") is None or shutil.which(f"{PREFIX}g++") is None:
        return None
    candidate = Toolchain(None, {})
    if _trial_problem(candidate) is not None:
        return None
    version = _ask([candidate.program("gcc"), "--version"]).splitlines()[0]
    newlib = _ask([candidate.program("gcc"), "-dM", "-E", "-include", "newlib.h", "-x", "c", "/dev/null"])
    released = [line.split()[2] for line in newlib.splitlines() if line.startswith("#define _NEWLIB_VERSION ")]
    return Toolchain(None, {"compiler": version, "newlib": released})


def _ask(command: list[str]) -> str:
    try:
        return subprocess.run(
            command, capture_output=True, text=True, timeout=_TRY_DEADLINE_S, env=environment(), check=True
        ).stdout
    except (OSError, subprocess.SubprocessError) as problem:
        raise ImageError(f"The installed compiler does not say what it is: {problem}") from problem


def _trial_problem(toolchain: Toolchain) -> str | None:
    """Compile and link a few lines for the Pico; return what went wrong, or None."""
    with tempfile.TemporaryDirectory() as temporary:
        source = Path(temporary) / "trial.c"
        source.write_text(_TRIAL)
        command = [toolchain.program("gcc"), *CPU_OPTIONS, "--specs=nosys.specs", "--specs=nano.specs"]
        try:
            answer = subprocess.run(
                [*command, str(source), "-o", f"{temporary}/trial.elf"],
                capture_output=True,
                text=True,
                timeout=_TRY_DEADLINE_S,
                env=environment(),
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as problem:
            return str(problem)
        return None if answer.returncode == 0 else answer.stderr.strip() or f"ended with code {answer.returncode}"


def _private_identity() -> dict[str, object]:
    files = {file.name: file.sha256 for package in TOOLCHAIN for file in package.files}
    return {"recipe": RECIPE, "files": files}


def _private_folder() -> Path:
    return cache.folder_for("toolchain", _private_identity())


def _wanted(name: str) -> bool:
    """Tell whether a file of the packages is needed to compile C for the Pico."""
    if name.startswith(
        ("usr/bin/", "usr/include/newlib/", "usr/lib/arm-none-eabi/bin/", "usr/lib/arm-none-eabi/ldscripts/")
    ):
        return not name.endswith(("lto-dump", "gdb"))
    if name.startswith(f"{_GCC}/"):
        rest = name.removeprefix(f"{_GCC}/")
        if rest.startswith("thumb/"):
            return rest.startswith(f"{_MULTILIB}/")
        return not rest.startswith(("arm/", "plugin/", "install-tools/", "lto1"))
    if name.startswith(f"{_NEWLIB}/"):
        return name.startswith(f"{_NEWLIB}/{_MULTILIB}/") or name.endswith(".specs")
    return "/lib/x86_64-linux-gnu/" in f"/{name}" or name.startswith("usr/share/doc/")


def _unpack_private(folder: Path, report: Report, log: Path) -> None:
    files = fetch.fetch(TOOLCHAIN, report, log)
    with report.stage("Unpack the compiler") as stage:
        for done, package in enumerate(TOOLCHAIN):
            stage.at(done, len(TOOLCHAIN), package.name)
            unpack(files[package.name], folder, _wanted)
        # The compiler looks for its C library at places relative to its own that Debian sets up with links.
        target = folder / "usr/lib/arm-none-eabi"
        (target / "include").symlink_to("../../include/newlib")
        (target / "lib").symlink_to("newlib")
    problem = _trial_problem(Toolchain(folder / "usr" / "bin", {}))
    if problem is not None:
        raise ImageError(f"The unpacked compiler does not run here. Install one: {INSTALL}\nIt said: {problem}")


def make_empty_cxx_library(toolchain: Toolchain, folder: Path, log: Path) -> None:
    """Put an archive without members, named as the C++ library, into ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    run(
        [toolchain.program("ar"), "rcs", folder / "libstdc++.a"],
        log=log,
        deadline_s=_TRY_DEADLINE_S,
        doing="Empty C++ library",
    )
