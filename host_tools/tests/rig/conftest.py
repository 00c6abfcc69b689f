"""The stand of two boards; put back for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from rig_harness import Pair
from running_stand import Sound, sound_stand
from tandem_tools.bench import Bench
from tandem_tools.image import pico_image
from tandem_tools.rig.emulated import rig_stand
from tandem_tools.rig.wiring import load_wiring


@pytest.fixture(scope="session")
def _pair() -> Iterator[tuple[Pair, int]]:
    with Bench(rig_stand(load_wiring("emulated"), pico_image())) as bench:
        pair = Pair(bench)
        yield pair, bench.save()


@pytest.fixture
def pair(_pair: tuple[Pair, int]) -> Pair:
    """Both boards in the raw REPL, all outputs of the rig off."""
    found, state = _pair
    found.bench.restore(state)
    return found


@pytest.fixture(scope="session")
def sound() -> Iterator[Sound]:
    """A stand without a fault that runs by itself; who spoils it puts it right."""
    yield from sound_stand()
