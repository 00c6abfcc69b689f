"""Trains at 200 Hz: every shot on its cycle, none missed or extra, each gate as wide as planned, at pin and driver."""

from __future__ import annotations

from itertools import pairwise

import pytest
from figures import DIGITS, GATE, PERIOD, TWO_STAMPS, Record, Recorded, answer, intervals, mean_error
from tandem_tools.nightly.recording import Measured
from tandem_tools.rig.stand import Stand

SHOTS = 2000
SHORT = 200
MOST_SAMPLES = 1000
MEAN_PERIOD_OFF = 0.05
"""The mean over a train of 200 shots is that sure, crystals' drift included."""
CHANNELS = ("CO2_GATE", "SYNC_OUT", "CO2_GATE_DRV")
TYPED_BYTES = 4000
"""As many as the board reads while it fires 200 shots, four a turn of 1 ms."""
NOISE = b"status\rplan\rgarb\xe2ge \x01\x04 \x1b[A\tnonsense\rshots\r"


def judge(stand: Stand, measured: Measured, found: Recorded, shots: int, which: str) -> None:
    """Measure count, period and widths of a train."""
    gates = found["CO2_GATE"]
    measured(f"shots of the {which}", len(gates.rises), "shots", low=shots, high=shots)
    assert len(found["SYNC_OUT"].rises) == shots
    assert len(found["CO2_GATE_DRV"].rises) == shots
    whole = intervals(stand.ratio, [gates.rises[0]], [gates.rises[-1]])
    true = true_periods(found)
    measured(
        f"period of the {which}, mean error",
        whole.mean / (shots - 1) - PERIOD,
        "cycles",
        low=-MEAN_PERIOD_OFF,
        high=MEAN_PERIOD_OFF,
        uncertainty=whole.uncertainty / (shots - 1),
        truth=mean_error(true, PERIOD),
    )
    period = intervals(stand.ratio, gates.rises[:-1], gates.rises[1:])
    measured(
        f"period of the {which}, largest error of one",
        max(map(abs, period.errors(PERIOD))),
        "cycles",
        low=0,
        high=TWO_STAMPS + 0.1,
        uncertainty=TWO_STAMPS,
        samples=period.errors(PERIOD)[:MOST_SAMPLES],
        truth=None if true is None else round(max(abs(each - PERIOD) for each in true), DIGITS),
    )
    for name, place in (("CO2_GATE", "pin"), ("CO2_GATE_DRV", "driver")):
        width = intervals(stand.ratio, found[name].rises, found[name].falls)
        measured(
            f"gate width of the {which} at the {place}, mean error",
            width.mean - GATE,
            "cycles",
            low=-0.5,
            high=0.5,
            uncertainty=width.uncertainty,
            truth=mean_error(found.true_spans(name, name, 0), GATE),
            samples=width.errors(GATE)[:MOST_SAMPLES],
        )
        assert max(map(abs, width.errors(GATE))) <= TWO_STAMPS + 0.1


def true_periods(found: Recorded) -> list[float] | None:
    """Return the true periods of the gates in the controller's cycles, None on real boards."""
    if found.truth is None:
        return None
    return [after - before for before, after in pairwise(found.truth.controller_cycles("CO2_GATE"))]


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.proves("R-TIM-1", "R-PER-1", "R-PER-12")
def test_2000_shots_keep_their_period(stand: Stand, record: Record, measured: Measured) -> None:
    stand.controller.use("hil-train")
    stand.arm()
    answer(stand, co2=SHOTS)
    with record(dict.fromkeys(CHANNELS, 2 * SHOTS + 20)) as found:
        remark = stand.fire(deadline_s=600)
    print(remark)  # pytest shows it beside a count that is wrong
    judge(stand, measured, found, SHOTS, "train of 2,000 shots")
    assert "state READY" in remark, remark
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
        stand.rig.wait_for_edges("CO2_GATE", 2 * SHORT, deadline_s=180)
        stand.rig.release()
    stand.controller.settle()
    stand.reset_controller()  # it has rightly counted the lines that nobody read
    judge(stand, measured, found, SHORT, "flooded train of 200 shots")
