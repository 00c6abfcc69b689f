"""Beam arithmetic: fluence and energy, density and spots, pitch and area dose. Integers only (see `tandem.units`).

Areas are in nm2 (1 cm2 = 1e14 nm2); pi and the square root of three are ratios good to 1e-15, so results are rounded
once.
A spot is a disc of its stated diameter with even fluence. What a maker means by "120 um spot" (1/e2, half maximum,
crater) is not agreed among makers: the diameter is taken as entered.
"""

from tandem.units import div_round, isqrt

PI_E15 = 3141592653589793
SQRT3_E15 = 1732050807568877
E15 = 10**15
NM2_PER_CM2 = 10**14
PPM = 1000000

SHAPES = ("point", "square", "circle", "hexagon_corners", "hexagon_flats")
"""Scan shapes. ``size`` is the side, the diameter, the distance between opposite corners, or between opposite flats."""


def disc_nm2(diameter_um: int) -> int:
    """Return the area of a disc, nm2."""
    return div_round(PI_E15 * (1000 * diameter_um) ** 2, 4 * E15)


def shape_nm2(shape: str, size_um: int) -> int:
    """Return the area of a scan shape, nm2.

    Square s2; circle pi s2/4; hexagon 3 sqrt(3)/8 s2 with s from corner to corner, sqrt(3)/2 s2 from flat to flat.
    ValueError for a shape that has no area of its own (``point``: its area is the spot's) or is not in `SHAPES`.
    """
    square_nm2 = (1000 * size_um) ** 2
    if shape == "square":
        return square_nm2
    if shape == "circle":
        return disc_nm2(size_um)
    if shape == "hexagon_corners":
        return div_round(3 * SQRT3_E15 * square_nm2, 8 * E15)
    if shape == "hexagon_flats":
        return div_round(SQRT3_E15 * square_nm2, 2 * E15)
    raise ValueError("shape '{}' has no area; shapes with one are {}".format(shape, ", ".join(SHAPES[1:])))


def energy_uj(fluence_uj_cm2: int, diameter_um: int) -> int:
    """Return the pulse energy, uJ, that gives a disc of this diameter this fluence: E = F pi (d/2)**2."""
    return div_round(fluence_uj_cm2 * disc_nm2(diameter_um), NM2_PER_CM2)


def fluence_uj_cm2(pulse_energy_uj: int, diameter_um: int) -> int:
    """Return the fluence, uJ/cm2, of one pulse of this energy on a disc of this diameter: F = E / A."""
    return div_round(pulse_energy_uj * NM2_PER_CM2, disc_nm2(diameter_um))


def area_dose_uj_cm2(total_uj: int, area_nm2: int) -> int:
    """Return energy spread over an area, uJ/cm2."""
    return div_round(total_uj * NM2_PER_CM2, area_nm2)


def spots_per_cm2_milli(density_ppm: int, spot_um: int) -> int:
    """Return the spots on 1 cm2, in thousandths of a spot, that cover this fraction of it without overlap: D / a."""
    return div_round(density_ppm * NM2_PER_CM2, 1000 * disc_nm2(spot_um))


def square_pitch_nm(density_ppm: int, spot_um: int) -> int:
    """Return the pitch, nm, of a square lattice of this density: sqrt(a / D)."""
    return isqrt(disc_nm2(spot_um) * PPM // density_ppm)


def hex_pitch_nm(density_ppm: int, spot_um: int) -> int:
    """Return the pitch, nm, of a hexagonal lattice of this density: sqrt(2 a / (sqrt(3) D))."""
    return isqrt(2 * E15 * PPM * disc_nm2(spot_um) // (SQRT3_E15 * density_ppm))


def ideal_spots_milli(density_ppm: int, spot_um: int, area_nm2: int) -> int:
    """Return the spots, in thousandths of a spot, that give ``area_nm2`` this density: D A / a."""
    return div_round(density_ppm * area_nm2, 1000 * disc_nm2(spot_um))


def spot_count(density_ppm: int, spot_um: int, area_nm2: int) -> int:
    """Return the whole number of spots nearest to the ideal, halves upwards; 0 when the area is too small for one."""
    return div_round(density_ppm * area_nm2, PPM * disc_nm2(spot_um))


def density_ppm(count: int, spot_um: int, area_nm2: int) -> int:
    """Return the density, ppm, that ``count`` whole spots really give: N a / A."""
    return div_round(count * disc_nm2(spot_um) * PPM, area_nm2)


def peak_power_w(pulse_energy_uj: int, width_ps: int) -> int:
    """Return energy over pulse width, W."""
    return div_round(pulse_energy_uj * 1000000, width_ps)


def peak_irradiance_w_cm2(pulse_fluence_uj_cm2: int, width_ps: int) -> int:
    """Return fluence over pulse width, W/cm2."""
    return div_round(pulse_fluence_uj_cm2 * 1000000, width_ps)


def mean_power_mw(pulse_energy_uj: int, period_cycles: int, clock_hz: int) -> int:
    """Return the mean power, mW, of a train of pulses."""
    return div_round(pulse_energy_uj * clock_hz, 1000 * period_cycles)


def thermal_relaxation_us(spot_um: int, diffusivity_um2_s: int = 130000) -> int:
    """Return how long a heated column of this diameter takes to cool, us, an estimate: s2 / (16 k), k as of water."""
    return div_round(spot_um * spot_um * 1000000, 16 * diffusivity_um2_s)
