"""The dose package's worked figures and plans as text, for any interpreter: CPython, MicroPython, a board.

Run with the folder ``firmware`` on the import path. It asserts what was worked out by hand, then prints every figure of
several plans; the same text has to come out everywhere, to the last digit.
"""

from tandem.dose import handpiece, laser, optics, recipe
from tandem.dose.board import Board
from tandem.dose.plan import PASS_FIGURES, PULSE_FIGURES, compile_plan
from tandem.planned import ARRAYS, Plan

LATTICES = (
    (1, 884, 1063, 1143),
    (2, 1768, 752, 808),
    (3, 2653, 614, 660),
    (5, 4421, 476, 511),
    (7, 6189, 402, 432),
    (10, 8842, 336, 361),
    (15, 13263, 275, 295),
    (20, 17684, 238, 256),
    (25, 22105, 213, 229),
)
"""Density %, spots per cm2 in tenths, square pitch um, hexagonal pitch um, for spots of 120 um."""

SCANS = (
    ("square", 40000, 1061, 11, 311, 50, 2475, 3575),
    ("circle", 31420, 833, 8, 288, 35, 2292, 3310),
    ("hexagon_corners", 25980, 689, 7, 305, 30, 2425, 3503),
    ("hexagon_flats", 34640, 919, 9, 294, 40, 2338, 3377),
)
"""Shape of 2 mm at 3 %, 120 um: area in 1e-6 cm2, ideal spots in hundredths, spots, actual % in hundredths,
first to last in ms at 200 Hz, area dose in 0.01 J/cm2 at 90 and at 130 mJ."""


def near(value: int, expected: int, step: int) -> bool:
    """Tell whether ``value`` rounds to ``expected`` in steps of ``step``."""
    return abs(value - expected) * 2 <= step


def check_lattices() -> None:
    """Compare spots and pitches with the table worked out by hand."""
    for percent, tenths, square_um, hex_um in LATTICES:
        density = 10000 * percent
        assert near(optics.spots_per_cm2_milli(density, 120), tenths * 100, 100), percent
        assert near(optics.square_pitch_nm(density, 120), square_um * 1000, 1001), percent
        assert near(optics.hex_pitch_nm(density, 120), hex_um * 1000, 1001), percent


def check_scans() -> None:
    """Compare whole scans with the table worked out by hand."""
    for shape, area, ideal, count, actual, first_to_last, dose_90, dose_130 in SCANS:
        area_nm2 = optics.shape_nm2(shape, 2000)
        assert near(area_nm2, area * 10**8, 10 * 10**8), shape
        assert near(optics.ideal_spots_milli(30000, 120, area_nm2), ideal * 10, 10), shape
        assert optics.spot_count(30000, 120, area_nm2) == count, shape
        assert near(optics.density_ppm(count, 120, area_nm2), actual * 100, 100), shape
        assert near(optics.area_dose_uj_cm2(count * 90000, area_nm2), dose_90 * 10000, 10000), shape
        assert near(optics.area_dose_uj_cm2(count * 130000, area_nm2), dose_130 * 10000, 10000), shape
        assert (count - 1) * 5 == first_to_last, shape


def check_pulses() -> None:
    """Compare single pulses with figures worked out by hand."""
    assert optics.energy_uj(760000, 10000) == 596903
    assert near(optics.fluence_uj_cm2(596903, 10000), 760000, 2)
    assert near(optics.fluence_uj_cm2(596903, 8000), 1188000, 1000)
    assert near(optics.fluence_uj_cm2(596903, 6000), 2110000, 10000)
    assert near(optics.fluence_uj_cm2(596903, 4000), 4750000, 10000)
    assert near(optics.fluence_uj_cm2(90000, 120), 796 * 10**6, 10**6)
    assert near(optics.fluence_uj_cm2(130000, 120), 1149 * 10**6, 10**6)
    assert near(optics.peak_power_w(596903, 800), 746 * 10**6, 10**6)
    assert optics.peak_irradiance_w_cm2(760000, 800) == 950 * 10**6
    assert optics.mean_power_mw(90000, 625000, 125000000) == 18000
    assert optics.mean_power_mw(130000, 625000, 125000000) == 26000


def show(plan: Plan) -> None:
    """Print every line and every figure of a plan."""
    for line in plan.lines():
        print(line)
    for done in plan.passes:
        for name in PASS_FIGURES:
            print(done.number, name, getattr(done, name))
        for name in ARRAYS:
            print(done.number, name, list(getattr(done, name)))
        for pulse in (done.ps, done.co2):
            if pulse:
                for name in PULSE_FIGURES:
                    print(done.number, pulse.laser, name, getattr(pulse, name))


def pairs() -> recipe.Recipe:
    """Return a recipe of two pair passes, with hard arithmetic in it."""
    common = {
        "wavelength_nm": 1064,
        "fluence_uj_cm2": 1234567,
        "ps_spot_um": 6000,
        "ps_width_ps": 800,
        "co2_energy_uj": 77777,
        "co2_spot_um": 120,
        "pedal": "combined",
        "warn_ppm": 70000,
        "stop_ppm": 123456,
    }
    first = recipe.PairPass(
        shape="circle",
        size_um=3333,
        density_ppm=23456,
        order="shuffle",
        seed=20200401,
        period_us=200000,
        delay_ns=123456000,
        **common,
    )
    second = recipe.PairPass(
        shape="hexagon_flats",
        size_um=5000,
        density_ppm=50000,
        order="farthest",
        rate_mhz=5000,
        delay_ns=6408,
        verified=False,
        **common,
    )
    return recipe.Recipe((first, second), name="pairs")


def main() -> None:
    """Check, then print."""
    check_lattices()
    check_scans()
    check_pulses()
    co2, tip, board = laser.generic_co2_240w(), handpiece.generic_combined(), Board()
    for name in sorted(recipe.BUILT_IN):
        print(recipe.dumps(recipe.BUILT_IN[name]()))
        show(compile_plan(recipe.BUILT_IN[name](), laser.generic_ps_1064(), co2, tip, board))
    show(compile_plan(recipe.loads(recipe.dumps(pairs())), laser.generic_ps_1064_lamp(), co2, tip, board))
    for profile in sorted(laser.BUILT_IN):
        print(laser.dumps(laser.BUILT_IN[profile]()))
    print("all figures hold")


if __name__ == "__main__":
    main()
