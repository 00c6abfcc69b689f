"""What the bench's own tests share: the image, and a bench that has booted once and is put back for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tandem_tools.bench import Bench, default_stand
from tandem_tools.image import pico_image


@pytest.fixture(scope="session")
def image() -> Path:
    return pico_image()


class Ready:
    """A bench that can be put back to the moment at which it was ready."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.state = bench.save()

    def again(self) -> Bench:
        self.bench.restore(self.state)
        return self.bench


def booted(stand: dict[str, Any]) -> Iterator[Ready]:
    """Boot every board of a stand to its raw REPL."""
    with Bench(stand) as bench:
        for description in stand["boards"]:
            board = bench.board(description["name"])
            board.wait_for_repl()
            board.enter_raw_repl()
        yield Ready(bench)


@pytest.fixture(scope="session")
def one_ready(image: Path) -> Iterator[Ready]:
    """One bare controller; its GP14 and GP15 share a net."""
    stand = default_stand(image) | {"nets": {"LINK": ["controller.GP14", "controller.GP15"]}}
    yield from booted(stand)


@pytest.fixture
def bench(one_ready: Ready) -> Bench:
    """The controller in the raw REPL, as just booted."""
    return one_ready.again()


@pytest.fixture(scope="session")
def two_ready(image: Path) -> Iterator[Ready]:
    """Two boards: a.GP2 -> b.GP3 on net FORTH, b.GP4 -> a.GP5 on net BACK; b's crystal is 37 ppm fast."""
    boards = [{"name": "a", "image": str(image)}, {"name": "b", "image": str(image), "ppm": 37}]
    yield from booted({"boards": boards, "nets": {"FORTH": ["a.GP2", "b.GP3"], "BACK": ["b.GP4", "a.GP5"]}})


@pytest.fixture
def two(two_ready: Ready) -> Bench:
    """Both boards in the raw REPL, as just booted."""
    return two_ready.again()
