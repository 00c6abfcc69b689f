"""Only the wanted file is used, wherever it comes from; when it cannot be had, the message tells the way out."""

from __future__ import annotations

import hashlib
import tarfile
from pathlib import Path

import pytest
from tandem_tools.image import ImageError, fetch
from tandem_tools.image.progress import Silent
from tandem_tools.image.unpack import unpack
from tandem_tools.image.versions import SOURCES, TOOLCHAIN, File, Package

CONTENTS = b"the sources"
SHA256 = hashlib.sha256(CONTENTS).hexdigest()
WANTED = Package("thing", "1.2-3", "trixie", False, (File("thing_1.2-3_all.deb", len(CONTENTS), SHA256),))
MADISON = "  thing | 1.2-3 | http://a/debian trixie/main amd64 Packages\n"

URIS = """\
'http://other/tools/dists/stable-tools/InRelease' a 0
'http://mirror.site/local/dists/bookworm/InRelease' b 0
'http://site/debian/dists/bookworm/InRelease' c 0
'http://site/debian/dists/bookworm-updates/InRelease' d 0
'http://site/debian-security/dists/bookworm-security/InRelease' e 0
'http://site/debian/dists/bookworm/main/binary-amd64/Packages.xz' f 0
"""


class FakeApt:
    """Answers as apt would, and writes a file as it would."""

    def __init__(self, madison: str = MADISON, contents: bytes = CONTENTS, uris: str = URIS) -> None:
        self.madison = madison
        self.contents = contents
        self.uris = uris
        self.failing_archives: tuple[str, ...] = ()
        self.commands: list[list[str]] = []

    def __call__(self, command: list[str], *, cwd: Path | None = None, **_: object) -> str:
        """Stand in for command.run."""
        self.commands.append(command)
        if "--print-uris" in command:
            return self.uris
        if "update" in command:
            sources = Path(command[2]).with_name("sources.list").read_text()
            if any(archive in sources for archive in self.failing_archives):
                raise ImageError(f"unreachable: {sources.split()[-3]}")
        if "madison" in command:
            return self.madison
        if "download" in command and cwd is not None:
            (cwd / WANTED.files[0].name).write_bytes(self.contents)
        return ""


def fetch_with(apt: FakeApt, monkeypatch: pytest.MonkeyPatch, folder: Path) -> Path:
    monkeypatch.setattr(fetch, "run", apt)
    return fetch.fetch([WANTED], Silent(), folder / "log")["thing"]


def test_a_fetched_file_is_kept_and_not_fetched_again(
    own_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = fetch_with(FakeApt(), monkeypatch, tmp_path)
    assert path == own_cache / "downloads" / "thing_1.2-3_all.deb"
    assert path.read_bytes() == CONTENTS
    again = FakeApt()
    assert fetch_with(again, monkeypatch, tmp_path) == path
    assert again.commands == []


def test_a_file_put_there_by_hand_is_used_without_a_network(
    own_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (own_cache / "downloads").mkdir(parents=True)
    (own_cache / "downloads" / WANTED.files[0].name).write_bytes(CONTENTS)
    apt = FakeApt()
    fetch_with(apt, monkeypatch, tmp_path)
    assert apt.commands == []


def test_a_damaged_file_in_the_cache_is_fetched_again(
    own_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (own_cache / "downloads").mkdir(parents=True)
    (own_cache / "downloads" / WANTED.files[0].name).write_bytes(b"the soUrces")
    assert fetch_with(FakeApt(), monkeypatch, tmp_path).read_bytes() == CONTENTS


def test_a_file_with_another_hash_is_refused_and_not_kept(
    own_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ImageError) as refusal:
        fetch_with(FakeApt(contents=b"others"), monkeypatch, tmp_path)
    assert hashlib.sha256(b"others").hexdigest() in str(refusal.value)
    assert SHA256 in str(refusal.value)
    assert not (own_cache / "downloads" / WANTED.files[0].name).exists()


@pytest.mark.parametrize(
    ("madison", "found"),
    [
        ("  thing | 1.4-1 | http://a/debian trixie/main amd64 Packages\n", "it offers 1.4-1"),
        ("  thing | 1.2-3 | http://a/debian trixie/main Sources\n", "it offers none"),
        ("", "it offers none"),
    ],
)
@pytest.mark.usefixtures("own_cache")
def test_a_moved_release_is_an_error_that_names_both_versions_and_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, madison: str, found: str
) -> None:
    with pytest.raises(ImageError) as refusal:
        fetch_with(FakeApt(madison=madison), monkeypatch, tmp_path)
    message = str(refusal.value)
    assert "Debian trixie no longer offers thing 1.2-3" in message
    assert found in message
    assert "TANDEM_UF2" in message
    assert SHA256 in message
    assert str(fetch.downloads()) in message


@pytest.mark.usefixtures("own_cache")
def test_the_next_archive_is_asked_when_one_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    apt = FakeApt()
    apt.failing_archives = ("http://site/debian",)
    assert fetch_with(apt, monkeypatch, tmp_path).read_bytes() == CONTENTS


@pytest.mark.usefixtures("own_cache")
def test_when_no_archive_answers_each_failure_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    apt = FakeApt()
    apt.failing_archives = ("http://site/debian", "http://mirror.site/local")
    with pytest.raises(ImageError) as refusal:
        fetch_with(apt, monkeypatch, tmp_path)
    assert "unreachable: http://site/debian" in str(refusal.value)
    assert "unreachable: http://mirror.site/local" in str(refusal.value)
    assert "TANDEM_UF2" in str(refusal.value)


@pytest.mark.usefixtures("own_cache")
def test_a_machine_without_a_debian_archive_is_told_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ImageError, match=r"(?s)no Debian archive in its sources.*TANDEM_UF2"):
        fetch_with(FakeApt(uris=""), monkeypatch, tmp_path)


def test_archives_are_those_of_debian_releases_the_likeliest_first() -> None:
    assert fetch.archives_of(URIS) == ["http://site/debian", "http://mirror.site/local"]


def test_the_machines_own_apt_lists_are_never_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TANDEM_CACHE", str(tmp_path / "cache"))
    apt = FakeApt()
    fetch_with(apt, monkeypatch, tmp_path)
    asked = [command for command in apt.commands if "--print-uris" not in command]
    assert len(asked) == 3
    assert all(command[1] == "-c" and command[2].startswith(str(tmp_path / "cache")) for command in asked)


def test_every_file_is_pinned_by_a_sha256_and_no_archive_is_named() -> None:
    for package in SOURCES + TOOLCHAIN:
        assert package.main_file in package.files
        for file in package.files:
            assert len(bytes.fromhex(file.sha256)) == 32
            assert file.size > 0
            assert "/" not in file.name


def test_only_the_wanted_parts_of_an_archive_are_unpacked(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    for name in ("top/py/a.c", "top/docs/b.rst"):
        (tree / name).parent.mkdir(parents=True)
        (tree / name).write_text(name)
    with tarfile.open(tmp_path / "thing.tar.bz2", "w:bz2") as tar:
        tar.add(tree / "top", arcname="top")
    unpack(tmp_path / "thing.tar.bz2", tmp_path / "out", lambda name: name.startswith("top/py"))
    assert sorted(str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*.*")) == ["top/py/a.c"]
    assert (tmp_path / "out/top/py/a.c").read_text() == "top/py/a.c"


@pytest.mark.parametrize("name", ["broken.deb", "broken.tar.xz"])
def test_an_archive_that_cannot_be_read_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"nonsense")
    with pytest.raises(ImageError, match=name):
        unpack(tmp_path / name, tmp_path / "out", lambda _: True)
