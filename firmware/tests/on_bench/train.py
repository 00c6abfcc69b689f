"""A train of 2,000 CO2 shots at 200 Hz, the longest burst there is, and a host that never stops typing."""

from __future__ import annotations

from tandem.dose import recipe

SPOTS = 200
SHOTS = 2000
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
PRELUDE = f"""
from tandem.dose import recipe

def train():
    return recipe.Recipe((recipe.Co2Pass(**{_PASS}),), name="train")

def short():
    return recipe.Recipe((recipe.Co2Pass(**{_PASS | {"density_ppm": 6280}}),), name="short")

recipe.BUILT_IN["train"] = train
recipe.BUILT_IN["short"] = short
"""
"""Adds the recipes "train" and "short", a tenth of it, to the board's own."""

NOISE = b"status\rplan\rgarb\xe2ge \x01\x04 \x1b[A\tnonsense\rshots\r" * 4000
"""What the host types without end; more than the board takes in a burst."""


def train_recipe() -> recipe.Recipe:
    """Return the recipe as this computer's firmware makes it."""
    return recipe.Recipe((recipe.Co2Pass(**_PASS),), name="train")
