"""The one module that converts units, in integers only.

The controller's chip computes floating point in single precision (24 bits), so a period of 625,000,000 ns or an energy
of 596,903 uJ held as a float would differ between board and host. Every quantity is therefore an integer count of a
small unit, named in its field: uJ, uJ/cm2, um, nm, ns, us, ps, mHz (`rate_mhz`: thousandths of a hertz), ppm (ratios
and percentages), mW, mV, system-clock cycles. Text is read and written by decimal digits. No float is made here or in
`dose`.
"""

KINDS = {
    "energy": (("uJ", 1), ("mJ", 1000), ("J", 1000000)),
    "fluence": (("uJ/cm2", 1), ("mJ/cm2", 1000), ("J/cm2", 1000000)),
    "length": (("um", 1), ("mm", 1000), ("cm", 10000)),
    "wavelength": (("nm", 1), ("um", 1000)),
    "time_ps": (("ps", 1), ("ns", 1000)),
    "time_ns": (("ns", 1), ("us", 1000), ("ms", 1000000), ("s", 1000000000)),
    "time_us": (("us", 1), ("ms", 1000), ("s", 1000000)),
    "rate": (("mHz", 1), ("Hz", 1000), ("kHz", 1000000)),
    "ratio": (("ppm", 1), ("%", 10000)),
    "power": (("mW", 1), ("W", 1000)),
    "voltage": (("mV", 1), ("V", 1000)),
}
"""For each kind of quantity the units people write and how many of its small unit each is; the small unit is first."""

_DIGITS = "0123456789."
_LONGEST_NUMBER = 20


def div_round(numerator: int, denominator: int) -> int:
    """Return numerator / denominator rounded to the nearest integer, halves upwards; denominator > 0."""
    return (2 * numerator + denominator) // (2 * denominator)


def div_ceil(numerator: int, denominator: int) -> int:
    """Return numerator / denominator rounded up; denominator > 0."""
    return -(-numerator // denominator)


def isqrt(value: int) -> int:
    """Return the integer part of the square root of ``value`` >= 0 (Newton's iteration)."""
    if value < 2:
        return value
    guess = 1
    rest = value
    while rest:
        rest >>= 2
        guess <<= 1
    while True:
        better = (guess + value // guess) >> 1
        if better >= guess:
            return guess
        guess = better


def factor(kind: str, unit: str) -> int:
    """Return how many small units of ``kind`` one ``unit`` is. KeyError for a unit that the kind does not have."""
    for name, size in KINDS[kind]:
        if name == unit:
            return size
    raise KeyError(unit)


def parse(kind: str, text: str) -> int:
    """Return the quantity in ``text``, such as "0.76 J/cm2", in the small unit of ``kind``, exactly.

    ValueError, with a message for people, when there is no number, no unit of this kind, or more digits than the small
    unit can hold; nothing is rounded.
    """
    text = text.strip()
    end = 0
    while end < len(text) and text[end] in _DIGITS:
        end += 1
    number, unit = text[:end], text[end:].strip()
    names = ", ".join([name for name, _ in KINDS[kind]])
    whole, dot, part = number.partition(".")
    if not whole.isdigit() or (dot and not part.isdigit()) or end > _LONGEST_NUMBER:
        raise ValueError(f"'{text[:40]}' does not start with a number; write a number and one of {names}")
    try:
        size = factor(kind, unit)
    except KeyError:
        raise ValueError(f"'{text[:40]}' has no unit that fits; write a number and one of {names}") from None
    value = int(whole + part) * size
    scale = 10 ** len(part)
    if value % scale:
        raise ValueError(f"'{text}' is finer than 1 {KINDS[kind][0][0]}, the smallest step; give fewer digits")
    return value // scale


def show(kind: str, value: int, unit: str) -> str:
    """Return ``value`` (small units of ``kind``) in ``unit`` with every digit it has: `parse` gives it back exactly."""
    size = factor(kind, unit)
    whole, rest = divmod(value, size)
    digits = str(whole)
    if rest:
        digits += "." + str(size + rest)[1:].rstrip("0")
    return digits + " " + unit


def rounded(numerator: int, denominator: int, decimals: int) -> str:
    """Return numerator / denominator (>= 0) as decimal text with ``decimals`` digits, rounded half up."""
    scale = 10**decimals
    whole, rest = divmod(div_round(numerator * scale, denominator), scale)
    return str(whole) if not decimals else f"{whole}.{str(scale + rest)[1:]}"


def cycles_exact(time: int, per_second: int, clock_hz: int) -> int | None:
    """Return ``time`` (in 1/per_second s) in clock cycles, or None when it is not a whole number of them."""
    cycles, rest = divmod(time * clock_hz, per_second)
    return None if rest else cycles


def cycles_up(time: int, per_second: int, clock_hz: int) -> int:
    """Return the whole clock cycles that last at least ``time`` (in 1/per_second s)."""
    return div_ceil(time * clock_hz, per_second)


def cycles_text(cycles: int, clock_hz: int) -> str:
    """Return a number of clock cycles as a time for people, to a thousandth: "375.000 us", "5.000 ms", "1.200 s"."""
    for name, per_second in (("us", 1000000), ("ms", 1000)):
        if cycles * per_second < 1000 * clock_hz:
            return rounded(cycles * per_second, clock_hz, 3) + " " + name
    return rounded(cycles, clock_hz, 3) + " s"


def _divisors(value: int) -> list[int]:
    found = [1]
    prime = 2
    while value > 1:
        if prime * prime > value:
            prime = value
        power = 1
        known = len(found)
        while value % prime == 0:
            value //= prime
            power *= prime
            for index in range(known):
                found.append(found[index] * power)
        prime += 1
    return found


def exact_rates(rate_mhz: int, clock_hz: int) -> tuple[int, int]:
    """Return the nearest rates (mHz) at or below and at or above ``rate_mhz`` whose period is a whole number of cycles.

    0 stands for "none". At 125 MHz these are the rates 2**a * 5**b mHz.
    """
    below = above = 0
    for rate in _divisors(clock_hz * 1000):
        if below < rate <= rate_mhz:
            below = rate
        if rate >= rate_mhz and (not above or rate < above):
            above = rate
    return below, above
