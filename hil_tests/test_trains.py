"""Trains at 200 Hz: every shot on its cycle, none missed or extra, each gate as wide as planned, at pin and driver."""

from __future__ import annotations

from itertools import pairwise

import pytest
from figures import GATE, PERIOD, TWO_STAMPS, answer, intervals
from tandem_tools.nightly.recording import Measured
from tandem_tools.rig.driver import Recording
from tandem_tools.rig.stand import Stand

from conftest import Record

SHOTS = 2000
SHORT = 200
MEAN_PERIOD_OFF = 0.05
"""The mean over a train of 200 shots is that sure, crystals' drift included."""
CHANNELS = ("CO2_GATE", "SYNC_OUT", "CO2_GATE_DRV")
TYPED_BYTES = 4000
"""As many as the board reads while it fires 200 shots, four a turn of 1 ms."""
NOISE = b"status\rplan\rgarb\xe2ge \x01\x04 \x1b[A\tnonsense\rshots\r"


def judge(stand: Stand, measured: Measured, found: Recording, shots: int, which: str) -> None:
    """Measure period, width and count of a train."""
    gates = found["CO2_GATE"]
    measured(f"shots of the {which}", len(gates.rises), "shots", low=shots, high=shots)
    assert len(found["SYNC_OUT"].rises) == shots
    assert len(found["CO2_GATE_DRV"].rises) == shots
    period = intervals(stand.ratio, gates.rises[:-1], gates.rises[1:])
    whole = intervals(stand.ratio, [gates.rises[0]], [gates.rises[-1]])
    mean = whole.values[0] / (shots - 1)
    truth = getattr(found, "truth", None)
    true = None
    if truth is not None:
        starts = truth.controller_cycles("CO2_GATE")
        true = (starts[-1] - starts[0]) / (shots - 1)
    unsure = whole.uncertainty / (shots - 1)
    measured(
        f"period of the {which}, mean error",
        mean - PERIOD,
        "cycles",
        low=-MEAN_PERIOD_OFF,
        high=MEAN_PERIOD_OFF,
        uncertainty=unsure,
        truth=None if true is None else true - PERIOD,
    )
    worst = max(map(abs, period.errors(PERIOD)))
    measured(
        f"period of the {which}, largest error of one",
        worst,
        "cycles",
        low=0,
        high=TWO_STAMPS + 0.1,
        uncertainty=TWO_STAMPS,
        samples=period.errors(PERIOD)[:1000],
        truth=None if truth is None else max(abs(b - a - PERIOD) for a, b in pairwise(starts)),
    )
    for name, low in (("CO2_GATE", GATE), ("CO2_GATE_DRV", GATE)):
        channel = found[name]
        width = intervals(stand.ratio, channel.rises, channel.falls)
        true = None
        if truth is not None:
            ups, downs = truth.controller_cycles(name), truth.controller_cycles(name, 0)
            true = sum(down - up for up, down in zip(ups, downs, strict=True)) / len(ups)
        measured(
            f"gate width of the {which} at {'the pin' if name == 'CO2_GATE' else 'the driver'}, mean error",
            width.mean - low,
            "cycles",
            low=-0.5,
            high=0.5,
            uncertainty=width.uncertainty,
            truth=None if true is None else true - low,
            samples=width.errors(low)[:1000],
        )
        assert max(map(abs, width.errors(low))) <= TWO_STAMPS + 0.1


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.proves("R-TIM-1", "R-PER-1", "R-PER-12")
def test_2000_shots_keep_their_period(stand: Stand, record: Record, measured: Measured) -> None:
    stand.controller.use("hil-train")
    stand.arm()
    answer(stand, co2=SHOTS)
    with record(dict.fromkeys(CHANNELS, 2 * SHOTS + 20)) as found:
        remark = stand.fire(deadline_s=240)
    assert "state READY" in remark, remark
    judge(stand, measured, found, SHOTS, "train of 2,000 shots")
    assert stand.rig.answered("co2") == SHOTS


@pytest.mark.proves("R-TIM-1", "R-CON-3", "R-PER-11")
def test_a_train_keeps_its_period_while_the_console_is_flooded(
    stand: Stand, record: Record, measured: Measured
) -> None:
    stand.controller.use("hil-short")
    stand.arm()
    answer(stand, co2=SHORT)
    with record(dict.fromkeys(CHANNELS, 2 * SHORT + 20)) as found:
        stand.rig.press()
        stand.controller.type(NOISE * (TYPED_BYTES // len(NOISE)))
        stand.rig.wait_for_edges("CO2_GATE", 2 * SHORT, deadline_s=60)
        stand.rig.release()
    stand.controller.settle()
    stand.reset_controller()  # it has rightly counted the lines that nobody read
    judge(stand, measured, found, SHORT, "flooded train of 200 shots")
