"""Verdict of one shot against its window. Pure; integers in microjoules."""

PASS = "pass"
WARN = "warn"
LOW = "low"
HIGH = "high"
MISSING = "missing"
SATURATED = "saturated"
WITHHELD = "withheld"

MISSING_PERMILLE = 100  # below a tenth of the target there was no pulse worth the name


def verdict(energy_uj: int, target_uj: int, warn_permille: int, stop_permille: int) -> str:
    """Return the verdict of a measured energy; limits are inclusive, as in "within 20 %".

    `energy_uj` may be negative (noise around a dark baseline). Does not raise for any integers with target_uj > 0.
    """
    if energy_uj * 1000 < target_uj * MISSING_PERMILLE:
        return MISSING
    low, high = limits(target_uj, stop_permille)
    if energy_uj < low:
        return LOW
    if energy_uj > high:
        return HIGH
    low, high = limits(target_uj, warn_permille)
    return PASS if low <= energy_uj <= high else WARN


def limits(target_uj: int, permille: int) -> tuple:
    """Return (lowest, highest) energy in uJ within `permille` of the target, rounded inwards."""
    low = -(-target_uj * (1000 - permille) // 1000)
    return low, target_uj * (1000 + permille) // 1000


def deviation_permille(energy_uj: int, target_uj: int) -> int:
    """Return how far a measured energy is from its target, in thousandths, rounded to the nearest."""
    return (2 * 1000 * (energy_uj - target_uj) + target_uj) // (2 * target_uj)
