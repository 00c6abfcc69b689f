"""The recipes that the hardware tests fire, in the controller's catalog beside the built-in ones."""

_CO2 = {
    "co2_energy_uj": 90_000,
    "co2_spot_um": 120,
    "shape": "square",
    "size_um": 6000,
    "pulses_per_spot": 10,
    "order": "shuffle",
    "seed": 1,
    "rate_mhz": 200_000,
    "pedal": "stamp",
}
_PAIR = {
    "wavelength_nm": 1064,
    "fluence_uj_cm2": 760_000,
    "ps_spot_um": 10_000,
    "ps_width_ps": 800,
    "co2_energy_uj": 90_000,
    "co2_spot_um": 120,
    "shape": "square",
    "size_um": 2000,
    "rate_mhz": 10_000,
    "pedal": "combined",
}

TRAINS = {"hil-train": 62_800, "hil-short": 6280}
"""Recipe name -> density in ppm: 2,000 and 200 shots at 200 Hz."""

PAIRS = {
    "hil-pairs-6us": (6400, False, 120_000, 10_000),
    "hil-pairs-60us": (60_000, True, 120_000, 10_000),
    "hil-pairs-10ms": (10_000_000, False, 60_000, 10_000),
    "hil-pairs-1s": (1_000_000_000, False, 15_000, 500),
}
"""Recipe name -> delay in ns, verified, density in ppm (hence the number of pairs), rate in mHz."""


def add() -> None:
    """Put the recipes into the catalog."""
    from tandem import catalog

    for name, density in TRAINS.items():
        catalog.RECIPES[name] = _train(name, density)
    for name, figures in PAIRS.items():
        catalog.RECIPES[name] = _pairs(name, *figures)


def _train(name: str, density: int):  # noqa: ANN202 (a maker as the catalog has them)
    def make():  # noqa: ANN202
        from tandem.dose import recipe

        values = dict(_CO2)
        values["density_ppm"] = density
        return recipe.Recipe((recipe.Co2Pass(**values),), name=name)

    return make


def _pairs(name: str, delay_ns: int, verified: bool, density: int, rate_mhz: int):  # noqa: ANN202
    def make():  # noqa: ANN202
        from tandem.dose import recipe

        values = dict(_PAIR)
        values["delay_ns"] = delay_ns
        values["verified"] = verified
        values["density_ppm"] = density
        values["rate_mhz"] = rate_mhz
        return recipe.Recipe((recipe.PairPass(**values),), name=name)

    return make
