"""Power-up, power-down, RUN, watchdog and boot loader: no driver output rises, an open gate only falls."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import pytest
from moments import GATE_CYCLES, LEAD_CYCLES, PERMITS_BY_HAND, Press, within
from stage import CYCLES_A_MS, DRIVEN, TRIGGERS, Figure, Stage, flashed
from tandem_tools.bench import Bench
from tandem_tools.bench.stand import controller_stand
from tandem_tools.image import pico_image

DRIVER_CYCLES = 4
COILS = ("PS_SHUTTER", "CO2_SHUTTER", "AIM")
BOOT_MS = 3000
SAVED_EVERY_MS = 100
AFTER_MS = 250
"""Long enough for MicroPython to start and for boot.py."""
WATCHDOG_SET = 0x4005A000
WATCHDOG_REASON = 0x40058008
TRIGGER = (1 << 31).to_bytes(4, "little")

Disturb = Callable[[Stage, Random], None]


class Starting:
    """A board from power-up on, with moments to come back to. `moment` goes to any of its first `BOOT_MS`."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self._saved: list[str] = []
        for at in range(0, BOOT_MS, SAVED_EVERY_MS):
            stage.bench.run_for(ms=max(1, at) - stage.bench.now_ps / 1e9)
            self._saved.append(f"{at} ms")
            stage.save(self._saved[-1])

    def moment(self, random: Random) -> Stage:
        """Return the stage at a random moment of its start."""
        self.stage.again(random.choice(self._saved))
        self.stage.bench.run_for(us=random.randrange(1, SAVED_EVERY_MS * 1000))
        return self.stage


@contextmanager
def switched_on(flash: Path | None) -> Generator[Stage]:
    """Give a board at the moment of power-up."""
    with Bench(controller_stand(pico_image(), flash=flash)) as bench:
        yield Stage(bench)


@pytest.fixture(scope="module")
def with_firmware() -> Iterator[Starting]:
    with switched_on(flashed()) as stage:
        yield Starting(stage)


@pytest.fixture(scope="module")
def without_files() -> Iterator[Starting]:
    with switched_on(None) as stage:
        yield Starting(stage)


@pytest.fixture(scope="module")
def press(_session: Stage) -> Press:
    return Press(_session)


def switch_off_and_on(stage: Stage, random: Random) -> None:
    """Cut the power, for up to 50 ms."""
    stage.board.power(False)
    stage.bench.run_for(us=random.randrange(1, 50_000))
    stage.board.power(True)


def press_run(stage: Stage, random: Random) -> None:
    stage.board.reset("run_pin")


def bite(stage: Stage, random: Random) -> None:
    """The watchdog resets the chip in this very cycle."""
    stage.board.write_memory(WATCHDOG_SET, TRIGGER)


DISTURBANCES: dict[str, Disturb] = {"power": switch_off_and_on, "run pin": press_run, "watchdog": bite}


def moves(stage: Stage, since: int) -> list[str]:
    """Return the outputs that rose after a cycle; a driver follows its pin by `DRIVER_CYCLES`."""
    late = [edge for edge in stage.edges(DRIVEN, since + DRIVER_CYCLES + 1) if edge.level]
    return [edge.net for edge in late + [e for e in stage.edges(TRIGGERS + COILS, since + 1) if e.level]]


@pytest.mark.proves("R-SUP-7")
@pytest.mark.parametrize("files", ["with_firmware", "without_files"])
def test_power_up_moves_no_output(files: str, request: pytest.FixtureRequest, figure: Figure) -> None:
    stage = request.getfixturevalue(files).stage
    stage.again(f"{BOOT_MS - SAVED_EVERY_MS} ms")
    stage.bench.run_for(ms=3000)
    rises = [edge.net for edge in stage.edges(TRIGGERS + DRIVEN + COILS) if edge.level]
    figure(f"outputs that rise in a power-up, {files.replace('_', ' ')}", len(rises), "rises", "0")
    assert rises == []
    if files == "with_firmware":
        assert stage.state == "STANDBY"


@pytest.mark.proves("R-SUP-7")
@pytest.mark.slow
@pytest.mark.parametrize("files", ["with_firmware", "without_files"])
@pytest.mark.parametrize("how", DISTURBANCES)
def test_a_reset_at_any_moment_of_the_start_moves_no_output(
    files: str, how: str, request: pytest.FixtureRequest, figure: Figure
) -> None:
    starting: Starting = request.getfixturevalue(files)
    random = Random(41)
    count = 100
    rises: list[str] = []
    for _ in range(count):
        stage = starting.moment(random)
        DISTURBANCES[how](stage, random)
        stage.bench.run_for(ms=AFTER_MS)
        rises += moves(stage, 0)
        assert stage.high(TRIGGERS + DRIVEN + COILS) == []
    name = f"outputs that rise after {how} at {count} moments of a start, {files.replace('_', ' ')}"
    figure(name, len(rises), "rises", "0")
    assert rises == []


def firing_moments(press: Press, random: Random) -> list[int]:
    """Cycles of a press: 25 within open gates and triggers, 25 anywhere."""
    inside = [within(random, press.co2, GATE_CYCLES) for _ in range(20)] + [
        within(random, press.ps, 1250) for _ in range(5)
    ]
    return inside + [random.randrange(press.start, press.end) for _ in range(25)]


@pytest.mark.proves("R-SUP-7")
@pytest.mark.slow
@pytest.mark.parametrize("how", DISTURBANCES)
def test_a_reset_at_any_moment_of_firing_moves_no_output(press: Press, how: str, figure: Figure) -> None:
    random = Random(42)
    rises: list[str] = []
    fell: list[float] = []
    open_then = 0
    moments = firing_moments(press, random)
    off_ms: dict[str, float] = dict.fromkeys(COILS, 0.0)
    for moment in moments:
        stage = press.at(moment)
        since, since_ps = stage.cycle, stage.bench.now_ps
        before = stage.high(TRIGGERS)
        open_then += bool(before)
        DISTURBANCES[how](stage, random)
        stage.bench.run_for(ms=AFTER_MS)
        rises += moves(stage, since)
        assert stage.high(TRIGGERS + DRIVEN) == []
        fell += [(e.time_ps - since_ps) / 1e6 for e in stage.edges(DRIVEN, since) if not e.level]
        for edge in stage.edges(COILS, since):
            off_ms[edge.net] = max(off_ms[edge.net], (edge.time_ps - since_ps) / 1e9)
        assert stage.high(COILS) == []
    assert open_then >= 20
    figure(f"outputs that rise after {how} at {len(moments)} moments of firing", len(rises), "rises", "0")
    figure(f"{how} in an open gate to the driver low", round(max(fell), 3), "us", "at most 0.1")
    for net, ms in off_ms.items():
        figure(f"{how} in firing to {net} off", round(ms, 1), "ms")
    assert rises == []
    assert max(fell) <= 0.1


@pytest.mark.proves("R-SUP-8")
@pytest.mark.parametrize("how", DISTURBANCES)
def test_after_a_reset_in_firing_the_controller_stands_by(press: Press, how: str) -> None:
    random = Random(43)
    stage = press.at(press.co2[3] + 1000)
    since = stage.cycle
    DISTURBANCES[how](stage, random)
    stage.told("state STANDBY", timeout_ms=8000)
    stage.bench.run_for(ms=500)
    assert moves(stage, since) == []
    assert stage.state == "STANDBY"


@pytest.mark.proves("R-SUP-7")
def test_the_boot_loader_moves_no_output(bare: Stage, figure: Figure) -> None:
    random = Random(44)
    rises: list[str] = []
    fell: list[float] = []
    count = 20
    bare.bench.part("filter").set(force=1)
    source = PERMITS_BY_HAND + (
        "import time\nwhile not mem32[reg.SIO_IN] & 1 << 4:\n    pass\ntime.sleep_us(AFTER_US)\nmachine.bootloader()\n"
    )
    bare.save("filter closed")
    for _ in range(count):
        bare.again("filter closed").board.start_raw(source.replace("AFTER_US", str(random.randrange(340))))
        start = bare.run_to_shot("CO2_GATE")
        bare.bench.run_for(ms=100)
        assert bare.board.stopped == "entered the boot loader"
        rises += moves(bare, start)
        (down,) = [edge.cycle for edge in bare.edges("CO2_GATE", start) if not edge.level]
        assert down - start <= GATE_CYCLES
        fell.append(down - start)
    figure(f"outputs that rise in the boot loader, entered in {count} open gates", len(rises), "rises", "0")
    assert rises == []
    assert min(fell) < GATE_CYCLES, "the boot loader ends an open gate"


def test_the_boot_loader_after_ctrl_c_leaves_everything_off(press: Press) -> None:
    stage = press.at(press.co2[3] + 1000)
    stage.board.write(b"\x03")
    stage.told(">>> ")
    since = stage.cycle
    stage.board.write(b"import machine; machine.bootloader()\r")
    stage.bench.run_for(ms=3000)
    assert stage.board.stopped == "entered the boot loader"
    assert moves(stage, since) == []
    assert stage.high(TRIGGERS + DRIVEN + COILS) == []
    assert not stage.bench.level("SAFE")
    stage.board.reset("run_pin")
    stage.told("state STANDBY", timeout_ms=8000)
    assert moves(stage, since) == []


@pytest.mark.proves("R-SUP-7")
def test_a_power_cut_lets_an_open_gate_only_fall(press: Press, figure: Figure) -> None:
    random = Random(45)
    found: list[float] = []
    for _ in range(60):
        moment = within(random, press.co2, GATE_CYCLES)
        stage = press.ahead(moment)
        stage.board.power(False, at_cycle=moment)
        stage.run(LEAD_CYCLES + CYCLES_A_MS)
        stage.bench.run_for(ms=100)
        assert moves(stage, moment) == []
        assert stage.high(TRIGGERS + DRIVEN + COILS) == []
        (pin,) = [edge for edge in stage.edges("CO2_GATE", moment) if not edge.level]
        assert pin.cycle == moment
        found += [(edge.time_ps - pin.time_ps) / 1e3 for edge in stage.edges(DRIVEN, moment) if not edge.level]
    figure("power cut in an open gate to the driver low, 60 moments", max(found), "ns", "25, the driver's own time")
    assert set(found) == {25}
