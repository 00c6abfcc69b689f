"""The stand of two boards; put back for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from rig_harness import Pair
from running_stand import Sound
from tandem_tools.bench import Bench
from tandem_tools.image import pico_image
from tandem_tools.rig.emulated import rig_stand
from tandem_tools.rig.running import started
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
def _sound() -> Iterator[Sound]:
    wiring = load_wiring("emulated")
    with started(wiring) as (bench, ports):
        yield Sound(bench, ports, wiring, bench.save())


@pytest.fixture
def sound(_sound: Sound) -> Iterator[Sound]:
    """A stand without a fault whose boards have just started, and whose time passes by itself."""
    _sound.bench.restore(_sound.state)
    with _sound.bench.free_running():
        yield _sound
