"""One PIO engine for all tests of this folder, and the firmware's programs as MicroPython assembles them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pio_firing import Firmware
from pio_harness import PioEngine
from tandem_tools.bench import Bench, default_stand


@pytest.fixture(scope="session")
def engine() -> Iterator[PioEngine]:
    """Return the engine; it is stateless between requests."""
    engine = PioEngine()
    yield engine
    engine.close()


@pytest.fixture(scope="session")
def firmware(image: Path) -> Firmware:
    """Return the firmware's PIO programs, assembled by MicroPython on an emulated board."""
    with Bench(default_stand(image)) as bench:
        bench.board().wait_for_repl()
        bench.board().enter_raw_repl()
        return Firmware(bench)
