"""Every shot's energy and sync are judged: what is not right ends the sequence before the next pulse, and is named."""

from __future__ import annotations

from statistics import fmean, pstdev

import pytest
from figures import NOMINAL_CODE, Record, answer
from tandem_tools.nightly.recording import Measured
from tandem_tools.rig.stand import Stand

RECIPE = "hil-pairs-60us"
PAIRS = 42
BAD_SHOT = 3
"""Counted from 0."""
PS_MJ, CO2_MJ = 596.9, 90.0
WEAK, STRONG, TOP = NOMINAL_CODE * 7 // 10, NOMINAL_CODE * 13 // 10, 4095

# laser, what its bad shot does, faults that may name it, CO2 shots in all
CASES = [
    pytest.param("ps", f"energy={WEAK}", ("51 ENERGY_LOW",), BAD_SHOT, id="ps weak"),
    pytest.param("ps", f"energy={STRONG}", ("52 ENERGY_HIGH",), BAD_SHOT, id="ps strong"),
    pytest.param("ps", f"energy={TOP}", ("54 ENERGY_SATURATED",), BAD_SHOT, id="ps saturated"),
    pytest.param("ps", "missing", ("53 ENERGY_MISSING", "61 SYNC_MISSING"), BAD_SHOT, id="ps missing"),
    pytest.param("ps", "no_sync", ("61 SYNC_MISSING",), BAD_SHOT, id="ps without sync"),
    pytest.param("ps", "double", ("63 SYNC_DOUBLE",), BAD_SHOT, id="ps double sync"),
    pytest.param("co2", f"energy={WEAK}", ("51 ENERGY_LOW",), BAD_SHOT + 1, id="co2 weak"),
    pytest.param("co2", f"energy={STRONG}", ("52 ENERGY_HIGH",), BAD_SHOT + 1, id="co2 strong"),
    pytest.param("co2", "missing", ("53 ENERGY_MISSING",), BAD_SHOT + 1, id="co2 missing"),
]


@pytest.mark.proves("R-ENE-1", "R-ENE-2", "R-ENE-4", "R-ENE-5")
@pytest.mark.parametrize(("laser", "what", "faults", "co2_shots"), CASES)
def test_a_bad_shot_ends_the_sequence(
    stand: Stand, record: Record, laser: str, what: str, faults: tuple[str, ...], co2_shots: int
) -> None:
    stand.controller.use(RECIPE)
    stand.arm()
    stand.rig.override(laser, BAD_SHOT, what)
    answer(stand, ps=PAIRS, co2=PAIRS)
    with record(dict.fromkeys(("PS_FIRE", "CO2_GATE"), 2 * PAIRS + 4)) as found:
        remark = stand.fire()
    assert any(f"fault {fault}" in remark for fault in faults), remark
    assert (len(found["PS_FIRE"].rises), len(found["CO2_GATE"].rises)) == (BAD_SHOT + 1, co2_shots)


@pytest.mark.proves("R-ENE-6")
def test_energies_are_measured_as_they_were_made(stand: Stand, measured: Measured) -> None:
    stand.controller.use(RECIPE)
    stand.arm()
    answer(stand, ps=PAIRS, co2=PAIRS)
    assert "state READY" in stand.fire()
    shots = stand.controller.shots()
    assert len(shots) == 2 * PAIRS
    for laser, made_mj in (("ps", PS_MJ), ("co2", CO2_MJ)):
        told = [int(shot["energy_uj"]) / 1000 for shot in shots if shot["laser"] == laser]
        off = made_mj * 0.03
        measured(
            f"energy of the {laser} laser as told",
            fmean(told),
            "mJ",
            low=made_mj - off,
            high=made_mj + off,
            uncertainty=made_mj * 0.01,
            samples=told,
        )
        assert {shot["verdict"] for shot in shots if shot["laser"] == laser} == {"pass"}


@pytest.mark.proves("R-ENE-1")
def test_a_shot_12_percent_weak_is_told_and_does_not_stop(stand: Stand) -> None:
    stand.controller.use(RECIPE)
    stand.arm()
    stand.rig.override("co2", BAD_SHOT, f"energy={24 + (NOMINAL_CODE - 24) * 88 // 100}")
    answer(stand, ps=PAIRS, co2=PAIRS)
    assert "state READY" in stand.fire()
    verdicts = [shot["verdict"] for shot in stand.controller.shots() if shot["laser"] == "co2"]
    assert verdicts[BAD_SHOT] not in ("pass", "withheld")
    assert {*verdicts[:BAD_SHOT], *verdicts[BAD_SHOT + 1 :]} == {"pass"}


@pytest.mark.proves("R-ENE-1")
def test_lasers_that_jitter_and_scatter_within_their_windows_are_let_go_on(stand: Stand, measured: Measured) -> None:
    stand.controller.use(RECIPE)
    stand.arm()
    answer(stand, ps=PAIRS, co2=PAIRS, jitter_cycles=8, noise_permille=20, seed=11)
    assert "state READY" in stand.fire()
    told = [int(shot["energy_uj"]) / 1000 for shot in stand.controller.shots() if shot["laser"] == "ps"]
    assert len(told) == PAIRS
    scatter = pstdev(told) / fmean(told) * 1000
    measured("scatter of the ps laser as told, 20 permille made", scatter, "permille", low=10, high=30, samples=told)
