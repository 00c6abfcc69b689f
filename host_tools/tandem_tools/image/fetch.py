"""Fetch pinned Debian packages through the machine's own apt set-up, and check the hash of every file.

apt is given a state of its own in a temporary folder: its lists, cache and status are not the machine's, which stay as
they are, so no rights are needed. The archive it asks is the one the machine's apt already uses for Debian; only the
release is another. Files that passed are kept in the cache's ``downloads`` folder, and a file with the right name and
hash that somebody puts there by hand is as good as a fetched one.
"""

from __future__ import annotations

import re
import shutil
import tempfile
import threading
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from . import cache
from .command import run
from .errors import ImageError
from .progress import Report, Stage
from .versions import File, Package

UPDATE_DEADLINE_S = 600.0
DOWNLOAD_DEADLINE_S = 3600.0
_ASK_DEADLINE_S = 60.0
_KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_RELEASES = ("oldstable", "stable", "testing", "unstable", "sid", "bullseye", "bookworm", "trixie", "forky", "duke")
_RELEASE_URI = re.compile(r"^'(\S+?)/*/dists/([^/\s]+)/InRelease'", re.MULTILINE)
_MEBIBYTE = 1 << 20

WAY_OUT = (
    "Ways out: set TANDEM_UF2 to the path of an official MicroPython UF2 for the Pico (for the image), "
    "TANDEM_MICROPYTHON to a unix MicroPython (for the tests' second interpreter), "
    "or put the file(s) into {folder} by hand."
)

# The hooks that other packages hang on apt, and the extra indexes they ask for, are the machine's, not ours.
_APT_CONFIG = """\
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear Acquire::IndexTargets;
Acquire::IndexTargets::deb::Packages {{
  MetaKey "$(COMPONENT)/binary-$(ARCHITECTURE)/Packages";
  ShortDescription "Packages"; Description "$(RELEASE) Packages";
}};
Acquire::IndexTargets::deb-src::Sources {{
  MetaKey "$(COMPONENT)/source/Sources";
  ShortDescription "Sources"; Description "$(RELEASE) Sources";
}};
Acquire::Languages "none";
APT::Sandbox::User "root";
Dir::State "{folder}/state";
Dir::State::Lists "{folder}/lists";
Dir::State::status "{folder}/status";
Dir::Cache "{folder}/cache";
Dir::Etc::sourcelist "{folder}/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
"""


def downloads() -> Path:
    """Return the folder of fetched files."""
    return cache.root() / "downloads"


def fetch(packages: Sequence[Package], report: Report, log: Path) -> dict[str, Path]:
    """Return the path of each package's main file, by the package's name; every file has been checked.

    Blocks while it downloads what is not there yet. ImageError when the archive offers another version, cannot be
    reached, or gives a file with another hash.
    """
    folder = cache.make_folder(downloads())
    with cache.lock(folder / "lock", lambda: report.say("Waiting for another process that is downloading.")):
        missing = [package for package in packages if not all(_is_good(folder / f.name, f) for f in package.files)]
        for suite in sorted({package.suite for package in missing}):
            _fetch_from(suite, [package for package in missing if package.suite == suite], folder, report, log)
    return {package.name: folder / package.main_file.name for package in packages}


def _is_good(path: Path, file: File) -> bool:
    return path.is_file() and path.stat().st_size == file.size and cache.file_hash(path) == file.sha256


def _fetch_from(suite: str, packages: Sequence[Package], folder: Path, report: Report, log: Path) -> None:
    with tempfile.TemporaryDirectory(prefix=".fetching-", dir=folder) as temporary:
        work = Path(temporary)
        with report.stage(f"List of the packages of Debian {suite}"):
            apt = _apt_for(suite, work / "apt", log)
        for package in packages:
            _check_offered(package, apt, log)
        total = sum(file.size for package in packages for file in package.files)
        names = ", ".join(package.name for package in packages)
        with report.stage(f"Download {names}") as stage, _watching(work / "files", total, stage):
            for package in packages:
                _download(package, apt, work / "files", log)
        for package in packages:
            for file in package.files:
                _accept(file, work / "files" / file.name, folder)


def machine_archives(log: Path) -> list[str]:
    """Return the archives (URI) from which this machine's apt takes a Debian release, likeliest first."""
    # Unlike `indextargets`, this also answers where no list of packages was ever fetched. It fetches nothing.
    command = ["apt-get", "--print-uris", "update"]
    return archives_of(run(command, log=log, deadline_s=_ASK_DEADLINE_S, doing="Archives of this machine's apt"))


def archives_of(uris: str) -> list[str]:
    """Return the archives that carry a Debian release, from what ``apt-get --print-uris update`` printed."""
    found = [match[1] for match in _RELEASE_URI.finditer(uris) if match[2] in _RELEASES]
    return sorted(dict.fromkeys(found), key=lambda archive: not archive.endswith("/debian"))


def _apt_for(suite: str, folder: Path, log: Path) -> list[str]:
    """Return the options that make an apt command work in ``folder``, with the lists of ``suite`` fetched."""
    archives = machine_archives(log)
    if not archives:
        raise ImageError(
            f"Packages of Debian {suite} are wanted, but this machine's apt has no Debian archive in its sources. "
            f"{WAY_OUT.format(folder=downloads())}"
        )
    for part in ("state", "lists/partial", "cache/archives/partial"):
        (folder / part).mkdir(parents=True)
    (folder / "status").touch()
    (folder / "apt.conf").write_text(_APT_CONFIG.format(folder=folder))
    options = ["-c", str(folder / "apt.conf"), "-q"]
    signed = f"[signed-by={_KEYRING}] " if _KEYRING.exists() else ""
    problems: list[str] = []
    for archive in archives:
        lines = (f"{kind} {signed}{archive} {suite} main\n" for kind in ("deb", "deb-src"))
        (folder / "sources.list").write_text("".join(lines))
        try:
            update = ["apt-get", *options, "--error-on=any", "update"]
            run(update, log=log, deadline_s=UPDATE_DEADLINE_S, doing=f"List of the packages of Debian {suite}")
            return options
        except ImageError as problem:
            problems.append(str(problem))
    raise ImageError(
        f"No archive that this machine's apt uses gave the packages of Debian {suite}.\n"
        + "\n".join(problems)
        + f"\n{WAY_OUT.format(folder=downloads())}"
    )


def _check_offered(package: Package, apt: Sequence[str], log: Path) -> None:
    """ImageError, naming both versions, unless the archive offers the version that is wanted."""
    table = run(
        ["apt-cache", *apt, "madison", package.name],
        log=log,
        deadline_s=_ASK_DEADLINE_S,
        doing=f"Versions of {package.name}",
    )
    offered = _versions(table, source=package.source)
    if package.version in offered:
        return
    files = "\n".join(f"  {file.name}  sha256 {file.sha256}" for file in package.files)
    found = f"it offers {', '.join(sorted(offered))}" if offered else "it offers none"
    raise ImageError(
        f"Debian {package.suite} no longer offers {package.name} {package.version}, which is wanted: {found}. "
        f"Wanted:\n{files}\n{WAY_OUT.format(folder=downloads())}"
    )


def _versions(madison: str, source: bool) -> set[str]:
    rows = [[cell.strip() for cell in line.split("|")] for line in madison.splitlines()]
    return {row[1] for row in rows if len(row) == 3 and row[2].endswith("Sources") == source}


def _download(package: Package, apt: Sequence[str], folder: Path, log: Path) -> None:
    how = ["source", "--download-only"] if package.source else ["download"]
    run(
        ["apt-get", *apt, *how, f"{package.name}={package.version}"],
        log=log,
        deadline_s=DOWNLOAD_DEADLINE_S,
        doing=f"Download {package.name}",
        cwd=folder,
    )


def _accept(file: File, fetched: Path, folder: Path) -> None:
    if not fetched.is_file():
        raise ImageError(f"{file.name} was not among the files that were downloaded.")
    found = cache.file_hash(fetched)
    if found != file.sha256:
        raise ImageError(
            f"{file.name} is not the file that is wanted: its sha256 is {found}, wanted is {file.sha256}. "
            f"It is not used. {WAY_OUT.format(folder=downloads())}"
        )
    shutil.move(fetched, folder / file.name)


@contextmanager
def _watching(folder: Path, total_bytes: int, stage: Stage) -> Generator[None]:
    """Show on ``stage`` how much of ``total_bytes`` has arrived in ``folder`` while the block runs."""
    folder.mkdir()
    done = threading.Event()

    def watch() -> None:
        while not done.wait(0.2):
            arrived = sum(_sizes(folder.rglob("*")))
            note = f"{arrived / _MEBIBYTE:.0f} of {total_bytes / _MEBIBYTE:.0f} MiB"
            stage.at(arrived, total_bytes, note)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()


def _sizes(paths: Iterable[Path]) -> Iterator[int]:
    for path in paths:
        try:
            yield path.stat().st_size
        except FileNotFoundError:  # apt renames a file when it is complete
            continue
