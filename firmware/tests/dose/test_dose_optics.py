"""Beam arithmetic against figures worked out by hand, and against its own inverse."""

from __future__ import annotations

import math
from collections.abc import Callable

import dose_figures_target as figures
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tandem import units
from tandem.dose import optics

Figure = Callable[..., None]


def test_published_ps_pulse_needs_596_9_mj(figure: Figure) -> None:
    figures.check_pulses()
    energy_uj = optics.energy_uj(760000, 10000)
    figure("energy for 0.76 J/cm2 on 10 mm", energy_uj / 1000, "mJ", limit="596.9")
    assert units.rounded(energy_uj, 1000, 1) == "596.9"


def test_published_scan_is_10_61_spots_and_11_whole_ones(figure: Figure) -> None:
    area_nm2 = optics.shape_nm2("square", 2000)
    per_cm2 = units.rounded(optics.spots_per_cm2_milli(30000, 120), 1000, 1)
    ideal = units.rounded(optics.ideal_spots_milli(30000, 120, area_nm2), 1000, 2)
    count = optics.spot_count(30000, 120, area_nm2)
    actual = units.rounded(optics.density_ppm(count, 120, area_nm2), 10000, 2)
    figure("spots at 3 %, 120 um", per_cm2, "1/cm2", limit="265.3")
    figure("whole spots in a square of 2 mm", f"{ideal} -> {count} = {actual}", "%", limit="10.61 -> 11 = 3.11")
    assert (per_cm2, ideal, count, actual) == ("265.3", "10.61", 11, "3.11")


def test_every_density_of_the_table_has_its_spots_and_pitches() -> None:
    figures.check_lattices()


def test_every_scan_shape_of_the_table_has_its_spots_and_dose() -> None:
    figures.check_scans()


@given(st.integers(10000, 20000000), st.integers(1000, 20000))
def test_fluence_and_energy_are_each_others_inverse(fluence: int, diameter: int) -> None:
    energy = optics.energy_uj(fluence, diameter)
    half_a_microjoule = 0.5 * optics.NM2_PER_CM2 / optics.disc_nm2(diameter)
    assert abs(optics.fluence_uj_cm2(energy, diameter) - fluence) <= half_a_microjoule + 0.5


@given(st.sampled_from(optics.SHAPES[1:]), st.integers(200, 20000))
def test_areas_agree_with_geometry_in_double_precision(shape: str, size: int) -> None:
    factor = {"square": 1.0, "circle": math.pi / 4, "hexagon_corners": 3**1.5 / 8, "hexagon_flats": 3**0.5 / 2}[shape]
    assert math.isclose(optics.shape_nm2(shape, size), factor * (size * 1000.0) ** 2, rel_tol=1e-10)


def test_a_point_has_no_area_of_its_own() -> None:
    with pytest.raises(ValueError, match="square, circle, hexagon_corners, hexagon_flats"):
        optics.shape_nm2("point", 2000)


def test_a_column_of_120_um_cools_in_about_7_ms() -> None:
    assert units.rounded(optics.thermal_relaxation_us(120), 1000, 0) == "7"


@given(st.integers(0, 10**40))
def test_integer_square_root_is_exact(value: int) -> None:
    assert units.isqrt(value) == math.isqrt(value)


@given(st.sampled_from(sorted(units.KINDS)), st.integers(0, 10**12), st.data())
def test_a_quantity_shown_in_any_unit_reads_back_exactly(kind: str, value: int, data: st.DataObject) -> None:
    unit = data.draw(st.sampled_from([name for name, _ in units.KINDS[kind]]))
    shown = units.show(kind, value, unit)
    if len(shown.split()[0]) <= 20:
        assert units.parse(kind, shown) == value


@pytest.mark.parametrize(
    "text",
    ["", "90", "mJ", "-5 mJ", "+5 mJ", "1e3 mJ", "0,5 mJ", ".5 mJ", "5. mJ", "5 um", "5 mj", "1.2.3 mJ", "\u0665 mJ"],
)
def test_text_that_is_no_energy_is_refused_with_the_units(text: str) -> None:
    with pytest.raises(ValueError, match="uJ, mJ, J"):
        units.parse("energy", text)


@pytest.mark.proves("R-PLN-1", "R-SET-3")
def test_digits_below_the_smallest_step_are_refused_not_rounded() -> None:
    assert units.parse("energy", "0.001 mJ") == 1
    with pytest.raises(ValueError, match="finer than 1 uJ"):
        units.parse("energy", "0.0005 mJ")


@given(st.integers(1, 10**7))
def test_nearest_exact_rates_have_whole_periods_and_none_lies_between(rate_mhz: int) -> None:
    clock_millihertz = 125 * 10**9
    below, above = units.exact_rates(rate_mhz, 125000000)
    exact = [2**a * 5**b for a in range(10) for b in range(13)]
    assert clock_millihertz % below == 0
    assert below == max(rate for rate in exact if rate <= rate_mhz)
    assert above == min((rate for rate in exact if rate >= rate_mhz), default=0)
