"""Verdict of one shot against its window. Pure; integers in microjoules."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tandem.planned import Pulse

PASS = "pass"
WARN = "warn"
LOW = "low"
HIGH = "high"
MISSING = "missing"
SATURATED = "saturated"
WITHHELD = "withheld"
UNEXPECTED = "unexpected"

VERDICTS = (PASS, WARN, LOW, HIGH, MISSING, SATURATED, UNEXPECTED, WITHHELD)
"""Each at its number in the journal; a number is never given to another verdict."""

MISSING_PART = 10  # below a tenth of the target there was no pulse worth the name


def verdict(pulse: "Pulse", energy_uj: int) -> str:
    """Return the verdict of a measured energy. The pulse's limits are inclusive, as in "within 20 %".

    `energy_uj` may be negative (noise around a dark baseline). Allocates nothing up to 100 J.
    """
    if energy_uj * MISSING_PART < pulse.energy_uj:
        return MISSING
    if energy_uj < pulse.stop_low_uj:
        return LOW
    if energy_uj > pulse.stop_high_uj:
        return HIGH
    return PASS if pulse.warn_low_uj <= energy_uj <= pulse.warn_high_uj else WARN


def deviation_permille(energy_uj: int, target_uj: int) -> int:
    """Return how far a measured energy is from its target, in thousandths, rounded to the nearest."""
    return (2 * 1000 * (energy_uj - target_uj) + target_uj) // (2 * target_uj)
