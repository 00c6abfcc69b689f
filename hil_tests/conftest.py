"""A stand for the tests of this folder: real boards (`--stand=NAME`), emulated ones, or a stand that labgrid leases.

Bring-up comes first: both boards answer, run the programs of these sources, their crystals are compared, the
controller is in STANDBY. When it fails, the first test fails with the reason and the others are skipped. Every test
begins in STANDBY with a quiet room, and ends with the health counters of both boards looked at; a controller that does
not answer is switched off and on.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Generator, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from figures import Record, Recorded
from tandem_tools.flash.program import ROOT, build_rig_program
from tandem_tools.rig import bringup
from tandem_tools.rig.driver import Recording
from tandem_tools.rig.errors import RigError
from tandem_tools.rig.stand import Stand, facts
from tandem_tools.rig.truth import Truth

HIL = ROOT / "build" / "hil"
MOST_DIFFERENCE = 1.0015
"""Largest difference of a stamp from the truth, in cycles.

1 by its making; the bench takes an edge that comes up to 0.001 cycle after a boundary for one on it.
"""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --stand, --firmware and --out."""
    group = parser.getgroup("stand")
    group.addoption(
        "--stand", default="emulated", metavar="NAME", help="a wiring file of hil_tests/wiring, or its path"
    )
    group.addoption(
        "--firmware", type=Path, default=ROOT, metavar="FOLDER", help="sources that the controller has to run"
    )
    group.addoption("--out", type=Path, default=HIL, metavar="FOLDER", help="where raw edges and versions are kept")


class Session:
    """The stand of this run: brought up when the first test wants it, and not tried again when that failed."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._ending = ExitStack()
        self._stand: Stand | None = None
        self.failure = ""
        self.told = False

    def stand(self) -> Stand:
        """Return the stand. Fails the first test that asks for one that cannot be had, skips the others."""
        if self._stand is None and not self.failure:
            try:
                self._stand = self._bring_up()
            except Exception as error:
                self.failure = f"{type(error).__name__}: {error}"
        if self._stand is None or self.failure:
            if self.told:
                pytest.skip(f"the stand is not up: {self.failure}")
            self.told = True
            pytest.fail(f"the stand is not up: {self.failure}", pytrace=False)
        return self._stand

    def _bring_up(self) -> Stand:
        option = self._config.option
        opened = _opener(self._config)
        stand = self._ending.enter_context(opened)
        controller = bringup.controller_program(option.firmware)
        versions = bringup.bring_up(stand, controller, build_rig_program())
        option.out.mkdir(parents=True, exist_ok=True)
        (option.out / "stand.json").write_text(json.dumps({**facts(stand), **versions}, indent=1) + "\n")
        return stand

    def lost(self, error: RigError) -> None:
        """Switch a controller that does not answer off and on; when that does not help the stand is not up any more."""
        assert self._stand is not None
        try:
            self._stand.power_cycle()
            self._stand.to_standby()
        except RigError as last:
            self.failure = f"{error}; and after a power cycle: {last}"

    def close(self) -> None:
        """Leave the stand."""
        self._ending.close()


def _opener(config: pytest.Config) -> AbstractContextManager[Stand]:
    """Return what opens the stand that was asked for."""
    if getattr(config.option, "lg_env", None):
        from labgrid.pytestplugin.hooks import LABGRID_ENV_KEY  # type: ignore[import-not-found]

        return bringup.leased(config.stash[LABGRID_ENV_KEY])
    return bringup.opened(config.option.stand, config.option.firmware)


@pytest.fixture(scope="session")
def _session(pytestconfig: pytest.Config) -> Iterator[Session]:
    session = Session(pytestconfig)
    yield session
    session.close()


@pytest.fixture
def stand(_session: Session) -> Iterator[Stand]:
    """Return the stand: controller in STANDBY, room quiet, health counters at zero."""
    found = _session.stand()
    try:
        found.to_standby()
        found.rig.clear_health()
        before = found.controller.ok("health")
    except RigError as error:
        _session.lost(error)
        raise
    yield found
    try:
        health = found.rig.health()
        found.to_standby()
        after = found.controller.ok("health")
    except RigError as error:
        _session.lost(error)
        raise
    assert set(health.values()) <= {0}, f"health of the rig: {health}"
    worse = {key: value for key, value in after.items() if int(value) > int(before.get(key, 0))}
    assert not worse or set(worse.values()) == {"0"}, f"health of the controller: {worse}"


@pytest.fixture
def record(stand: Stand, request: pytest.FixtureRequest, pytestconfig: pytest.Config) -> Record:
    """Return what records channels in a `with` block: whole, kept as raw edges, and held against the bench's truth.

    `record({"CO2_GATE": 400})`; `truth` of the recording is its attribute afterwards, None on real boards.
    """
    count = 0

    @contextmanager
    def recording(channels: Mapping[str, int]) -> Generator[Recorded]:
        nonlocal count
        count += 1
        truth = _truth(stand, list(channels))
        found = Recorded()
        stand.rig.start_stamps(channels)
        try:
            yield found
        finally:
            if truth is not None:
                truth.stop()
            found.update(stand.rig.stop_stamps())
        found.truth = truth
        _keep(found, pytestconfig.option.out / "edges", request.node.nodeid, count)
        broken = [name for name, channel in found.items() if not channel.whole]
        assert not broken, f"the rig could not keep up with {', '.join(broken)}"
        if truth is not None:
            _compare(truth, found)

    return recording


def _truth(stand: Stand, signals: list[str]) -> Truth | None:
    if stand.bench is None:
        return None
    return Truth(stand.bench, signals, stand.wiring.rig_ppm, stand.wiring.controller_ppm)


def _compare(truth: Truth, found: Recording) -> None:
    for compared in truth.compare(found):
        assert compared.lost == 0, f"{compared.name}: {compared.lost} edges have no stamp"
        assert compared.largest <= MOST_DIFFERENCE, f"{compared.name}: a stamp is {compared.largest:.3f} cycles off"


def _keep(found: Recording, folder: Path, test: str, count: int) -> None:
    """Keep raw edges as compressed JSON: for each channel level at start and cycles of the rig after it."""
    folder.mkdir(parents=True, exist_ok=True)
    name = re.sub(r"[^\w.-]+", "-", test.split("/")[-1])
    data: dict[str, Any] = {
        c.name: {"level_at_start": c.level_at_start, "cycles": [e.cycle for e in c.edges]} for c in found.values()
    }
    with gzip.open(folder / f"{name}-{count}.json.gz", "wt") as file:
        json.dump(data, file)
