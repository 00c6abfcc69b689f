"""Laser profiles and handpiece entries: complete, without contradiction, each figure with its source."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tandem.dose import errors, handpiece, laser
from tandem.dose.errors import DataError

CO2 = laser.generic_co2_240w()


@pytest.mark.proves("R-PLN-4")
@pytest.mark.parametrize("name", sorted(laser.BUILT_IN))
def test_every_figure_of_a_built_in_profile_has_a_source(name: str) -> None:
    profile = laser.BUILT_IN[name]()
    assert profile.name == name
    data = json.loads(laser.dumps(profile))
    words = {"name", "laser", "trigger", "sync", "ready", "fault", "pickoff", "scanner", "sources"}
    assert set(data["sources"]) == set(data) - words - {"note"}


@pytest.mark.proves("R-PLN-4")
def test_a_figure_without_source_is_refused() -> None:
    data = json.loads(laser.dumps(CO2))
    del data["sources"]["tail"]
    with pytest.raises(DataError, match="sources says nothing of tail") as refused:
        laser.loads(json.dumps(data))
    assert refused.value.number == errors.MISSING_FIELD


@pytest.mark.parametrize("build", [*laser.BUILT_IN.values()])
def test_a_saved_profile_loads_to_the_same_fields(build: Any) -> None:
    before = build()
    after = laser.loads(laser.dumps(before))
    assert {f.name: v for f, v in before.given()} == {f.name: v for f, v in after.given()}


@pytest.mark.parametrize("build", [*handpiece.BUILT_IN.values()])
def test_a_saved_handpiece_loads_to_the_same_fields(build: Any) -> None:
    before = build()
    after = handpiece.loads(handpiece.dumps(before))
    assert {f.name: v for f, v in before.given()} == {f.name: v for f, v in after.given()}


@pytest.mark.parametrize("owner", [laser.Laser, handpiece.Handpiece])
def test_declared_attributes_are_the_tables_fields(owner: Any) -> None:
    assert set(owner.__annotations__) - {"FIELDS"} == {field.name for field in owner.FIELDS}


def test_gates_lie_on_the_curve_and_in_a_straight_line_between_points() -> None:
    assert CO2.gate_ns(90000) == 375000
    assert CO2.gate_ns(130000) == 541667
    assert CO2.gate_ns(110000) == 458334
    assert (CO2.gate_ns(2399), CO2.gate_ns(240001)) == (None, None)
    assert CO2.energy_of_gate_uj(375000) == 90000


@given(st.integers(2400, 239999))
def test_more_energy_never_gives_a_shorter_gate(energy_uj: int) -> None:
    shorter, longer = CO2.gate_ns(energy_uj), CO2.gate_ns(energy_uj + 1)
    assert shorter is not None
    assert longer is not None
    assert shorter < longer


def test_lamp_rate_allows_its_tolerance_and_no_more() -> None:
    assert laser.generic_ps_1064_lamp().lamp_rates_mhz() == (4500, 5500)


@pytest.mark.parametrize(
    ("build", "changes", "says"),
    [
        (laser.generic_co2_240w, {"laser": "ps"}, "trigger gate is for the co2 laser"),
        (laser.generic_ps_1064, {"trigger": "gate"}, "trigger gate is for the co2 laser"),
        (laser.generic_ps_1064, {"trigger": "lamp_qswitch"}, "fire_width does not go with trigger lamp_qswitch"),
        (laser.generic_ps_1064, {"lamp_rate_mhz": 5000}, "lamp_rate does not go with trigger one_trigger"),
        (laser.generic_ps_1064_lamp, {"qsw_width_ns": None}, "qsw_width is missing, trigger lamp_qswitch needs it"),
        (laser.generic_ps_1064, {"fire_width_ns": None}, "fire_width is missing"),
        (laser.generic_ps_1064_lamp, {"qsw_delay_us": 99}, "qsw_delay is 99 us.*allowed: 100 us to 999 us"),
        (laser.generic_ps_1064_lamp, {"qsw_delay_us": 1000}, "qsw_delay is 1000 us"),
        (laser.generic_ps_1064, {"sync": "none"}, "sync_at does not go with sync none"),
        (laser.generic_ps_1064, {"sync_window_ns": None}, "sync_window is missing, sync at needs it"),
        (laser.generic_ps_1064, {"sync_window_ns": 1001}, "a sync could precede its trigger"),
        (laser.generic_ps_1064, {"ready": "per_shot"}, "ready_within is missing, ready per_shot needs it"),
        (laser.generic_ps_1064, {"ready_within_us": 5}, "ready_within is only for ready per_shot"),
        (laser.generic_ps_1064, {"fault": "inverted"}, "none, closed_ok, open_ok"),
        (laser.generic_ps_1064, {"pickoff": "behind"}, "before, after"),
        (laser.generic_ps_1064, {"energy_low_uj": 900000}, "energy_low is above energy_high"),
        (laser.generic_co2_240w, {"scanner": "none"}, "scan_step does not go with scanner none"),
        (laser.generic_co2_240w, {"scan_settle_us": None}, "scan_settle is missing, scanner xy needs it"),
        (laser.generic_co2_240w, {"gate_low_ns": 20000}, "leave gate_low to gate_high"),
        (laser.generic_co2_240w, {"energy_low_uj": 1000}, "leave the curve, 2400 to 240000 uJ"),
        (laser.generic_co2_240w, {"curve": ((2400, 10000),)}, "has 1 points"),
        (laser.generic_co2_240w, {"curve": ((2400, 10000), (2400, 20000))}, "does not rise at point 2"),
        (laser.generic_co2_240w, {"curve": ((2400, 10000), (9999, 10000))}, "does not rise at point 2"),
        (laser.generic_co2_240w, {"curve": "steep"}, "not a list of pairs"),
        (laser.generic_co2_240w, {"wavelengths_nm": ()}, "wavelengths is empty"),
        (laser.generic_co2_240w, {"wavelengths_nm": (10600, 10600)}, "different values"),
        (laser.generic_co2_240w, {"sources": (("colour", "x"),)}, "sources says nothing of"),
        (laser.generic_co2_240w, {"polarity": 1}, "no field 'polarity'"),
    ],
)
def test_a_profile_that_contradicts_itself_is_refused(build: Any, changes: dict[str, Any], says: str) -> None:
    with pytest.raises(DataError, match=says):
        build().changed(**changes)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"id_low_mv": 1300}, "id_low is not below id_high"),
        ({"id_low_mv": 99}, "id_low is 0.099 V.*allowed: 0.1 V to 3.2 V"),
        ({"id_high_mv": 3201}, "id_high is 3.201 V"),
        ({"ps_transmission_ppm": None}, "ps_transmission is missing, the ps laser needs it"),
        ({"scan_range_um": None}, "scan_range is missing, the CO2 laser needs it"),
        ({"scan_field_um": 12001}, "scan_field is larger than scan_range"),
        ({"ps_transmission_ppm": 1000001}, "ps_transmission is 100.0001 %"),
    ],
)
def test_a_handpiece_entry_that_contradicts_itself_is_refused(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(DataError, match=says):
        handpiece.generic_combined().changed(**changes)


def test_a_handpiece_for_no_laser_is_refused() -> None:
    with pytest.raises(DataError, match="serves neither laser"):
        handpiece.Handpiece(name="x", id_low_mv=100, id_high_mv=200, wavelengths_nm=(1064,))


@pytest.mark.proves("R-PLN-6")
def test_the_identification_voltage_chooses_the_handpiece_or_none() -> None:
    entries = tuple(build() for build in handpiece.BUILT_IN.values())
    handpiece.check_apart(entries)
    names = {
        mv: getattr(handpiece.choose(entries, mv), "name", None)
        for mv in (0, 600, 1099, 1100, 1200, 1300, 1301, 2000, 3300)
    }
    assert names == {
        0: None, 600: "generic-co2", 1099: None, 1100: "generic-combined", 1200: "generic-combined",
        1300: "generic-combined", 1301: None, 2000: "generic-ps", 3300: None,
    }  # fmt: skip


@pytest.mark.proves("R-PLN-6")
def test_handpieces_that_could_be_mistaken_for_each_other_are_refused() -> None:
    one = handpiece.generic_combined()
    with pytest.raises(DataError, match="share identification voltages"):
        handpiece.check_apart((one, one.changed(name="other", id_low_mv=1300, id_high_mv=1500)))
    with pytest.raises(DataError, match="two handpieces are called generic-combined"):
        handpiece.check_apart((one, one.changed(id_low_mv=2000, id_high_mv=2200)))
