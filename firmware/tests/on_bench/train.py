"""A train of 2,000 CO2 shots at 200 Hz, the longest burst there is, and a host that never stops typing."""

from __future__ import annotations

from tandem.dose import recipe

SPOTS = 200
SHOTS = 2000
PAIR_DELAY_NS = 60_000
_PASS = {
    "co2_energy_uj": 90_000,
    "co2_spot_um": 120,
    "shape": "square",
    "size_um": 6000,
    "density_ppm": 62_800,
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
    "density_ppm": 30_000,
    "rate_mhz": 10_000,
    "delay_ns": PAIR_DELAY_NS,
    "pedal": "combined",
}
PRELUDE = f"""
from tandem import catalog

def train():
    from tandem.dose import recipe
    return recipe.Recipe((recipe.Co2Pass(**{_PASS}),), name="train")

def short():
    from tandem.dose import recipe
    return recipe.Recipe((recipe.Co2Pass(**{_PASS | {"density_ppm": 6280}}),), name="short")

def pairs():
    from tandem.dose import recipe
    return recipe.Recipe((recipe.PairPass(**{_PAIR}),), name="pairs")

catalog.RECIPES["pairs"] = pairs
catalog.RECIPES["train"] = train
catalog.RECIPES["short"] = short
"""
"""Adds to the board's recipes "train", "short", which is a tenth of it, and "pairs", 11 verified pairs at 10 Hz."""

NOISE = b"status\rplan\rgarb\xe2ge \x01\x04 \x1b[A\tnonsense\rshots\r" * 4000
"""What the host types without end; more than the board takes in a burst."""


def train_recipe() -> recipe.Recipe:
    """Return the recipe as this computer's firmware makes it."""
    return recipe.Recipe((recipe.Co2Pass(**_PASS),), name="train")


def pairs_recipe() -> recipe.Recipe:
    """Return the recipe of the pairs as this computer's firmware makes it."""
    return recipe.Recipe((recipe.PairPass(**_PAIR),), name="pairs")
