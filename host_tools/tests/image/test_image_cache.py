"""An entry of the cache is made once, whole or not at all, whoever else wants it at the same moment."""

from __future__ import annotations

import multiprocessing
import os
import signal
from multiprocessing.synchronize import Event as ProcessEvent
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tandem_tools.image import ImageError, cache
from tandem_tools.image.build import pico_made_from
from tandem_tools.image.toolchain import Toolchain

MADE_FROM: dict[str, object] = {"sources": "1"}
DEADLINE_S = 20.0
processes = multiprocessing.get_context("fork")


def write_product(folder: Path) -> None:
    (folder / "product").write_text("made")


def fail_if_made(folder: Path) -> None:
    raise AssertionError(f"{folder} was made again")


def make(name: str = "thing") -> Path:
    return cache.entry(name, MADE_FROM, ["product"], write_product)


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"TANDEM_CACHE": "/a", "XDG_CACHE_HOME": "/b", "HOME": "/c"}, "/a/image"),
        ({"XDG_CACHE_HOME": "/b", "HOME": "/c"}, "/b/tandem/image"),
        ({"HOME": "/c"}, "/c/.cache/tandem/image"),
        ({"TANDEM_CACHE": "", "XDG_CACHE_HOME": "", "HOME": "/c"}, "/c/.cache/tandem/image"),
    ],
)
def test_the_cache_is_where_the_user_wants_it(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], expected: str
) -> None:
    for name in ("TANDEM_CACHE", "XDG_CACHE_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert cache.root() == Path(expected)


JSON = st.dictionaries(st.text(max_size=8), st.text(max_size=8) | st.integers(), max_size=4)


@given(JSON, JSON)
def test_the_key_is_the_same_for_the_same_things_only(one: dict[str, object], other: dict[str, object]) -> None:
    assert (cache.key(one) == cache.key(other)) == (one == other)
    assert cache.key(one) == cache.key(dict(reversed(one.items())))


def test_the_image_is_made_anew_with_another_compiler_or_source(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = {cache.key(pico_made_from(Toolchain(None, {"compiler": version}))) for version in ("12", "13")}
    monkeypatch.setattr("tandem_tools.image.build.SOURCES", ())
    keys.add(cache.key(pico_made_from(Toolchain(None, {"compiler": "12"}))))
    assert len(keys) == 3


def test_an_entry_is_made_once(own_cache: Path) -> None:
    first = make()
    assert first.parent == own_cache
    assert cache.entry("thing", MADE_FROM, ["product"], fail_if_made) == first


def test_a_failed_build_leaves_nothing_and_the_next_one_succeeds(own_cache: Path) -> None:
    def fail(folder: Path) -> None:
        write_product(folder)
        raise ImageError("no luck")

    with pytest.raises(ImageError, match="no luck"):
        cache.entry("thing", MADE_FROM, ["product"], fail)
    assert [path for path in own_cache.iterdir() if path.is_dir()] == []
    assert (make() / "product").read_text() == "made"


def test_a_build_that_made_too_little_is_not_kept(own_cache: Path) -> None:
    with pytest.raises(ImageError, match="product"):
        cache.entry("thing", MADE_FROM, ["product"], lambda folder: None)
    assert [path for path in own_cache.iterdir() if path.is_dir()] == []


@pytest.mark.parametrize("damage", ["changed", "removed", "record"])
@pytest.mark.usefixtures("own_cache")
def test_a_damaged_entry_is_made_again(damage: str) -> None:
    folder = make()
    if damage == "changed":
        (folder / "product").write_text("mad")
    else:
        (folder / {"removed": "product", "record": "made_from.json"}[damage]).unlink()
    assert (make() / "product").read_text() == "made"


def test_a_cache_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("TANDEM_CACHE", str(tmp_path / "file"))
    with pytest.raises(ImageError, match=r"file/image cannot be made: .* Set TANDEM_CACHE"):
        make()


@pytest.mark.usefixtures("own_cache")
def test_a_cache_in_which_nothing_can_be_made_is_named() -> None:
    place = cache.folder_for("thing", MADE_FROM)
    place.with_name(place.name + ".lock").mkdir(parents=True)
    with pytest.raises(ImageError, match=r"The cache cannot be written: .*\.lock: .* Set TANDEM_CACHE"):
        make()


def _build_slowly(building: ProcessEvent, may_end: ProcessEvent) -> None:
    def slow(folder: Path) -> None:
        building.set()
        assert may_end.wait(DEADLINE_S)
        write_product(folder)

    cache.entry("thing", MADE_FROM, ["product"], slow)


@pytest.mark.usefixtures("own_cache")
def test_a_second_process_waits_for_the_first_and_takes_what_it_built() -> None:
    building, may_end = processes.Event(), processes.Event()
    first = processes.Process(target=_build_slowly, args=(building, may_end))
    first.start()
    try:
        assert building.wait(DEADLINE_S)
        folder = cache.entry("thing", MADE_FROM, ["product"], fail_if_made, on_wait=may_end.set)
        assert (folder / "product").read_text() == "made"
    finally:
        may_end.set()
        first.join(DEADLINE_S)
    assert first.exitcode == 0


@pytest.mark.usefixtures("own_cache")
def test_after_a_killed_build_the_next_one_does_not_wait_and_starts_clean() -> None:
    building, may_end = processes.Event(), processes.Event()
    first = processes.Process(target=_build_slowly, args=(building, may_end))
    first.start()
    assert building.wait(DEADLINE_S)
    os.kill(first.pid or 0, signal.SIGKILL)
    first.join(DEADLINE_S)

    def make_in_empty(folder: Path) -> None:
        assert list(folder.iterdir()) == []
        write_product(folder)

    folder = cache.entry("thing", MADE_FROM, ["product"], make_in_empty, on_wait=lambda: pytest.fail("it waited"))
    assert (folder / "product").read_text() == "made"


def test_waiting_for_a_lock_ends_at_its_deadline_with_the_name_of_the_lock(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with (
        cache.lock(path, lambda: None),
        pytest.raises(ImageError, match=rf"has held {path}.*fuser"),
        cache.lock(path, lambda: None, deadline_s=0.05),
    ):
        pytest.fail("two held it")
