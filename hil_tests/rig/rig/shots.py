"""What each shot of a laser is to be like: its delay, its energy, its light and its syncs, from a seed. No hardware.

Integers only, so that MicroPython and CPython give the same shots. Noise is the sum of four uniform numbers: close to
a normal distribution, and never more than 3.47 times its rms away from the mean.
"""

# A multiply-with-carry generator that stays within MicroPython's small integers; 16371 * 2**15 - 1 is a safe prime.
_FACTOR = 16371
_MODULUS = _FACTOR * 32768 - 1
_WARM_UP = 8

_MEAN = 4 * 32767 // 2
_RMS = 18918  # of the sum of four numbers that are uniform in 0..32767
_REACH = 3465  # the largest deviation, in thousandths of the rms

CODE_MAX = 4095
MAX_OVERRIDES = 64
_PPM = 1_000_000
_LEVEL_STEPS = 1024  # the decaying energy is kept in steps of 1/1024 of a converter code

# key: smallest, largest, at the start
LIMITS = {
    "delay_cycles": (0, 65_541, 125),
    "jitter_cycles": (0, 10_000, 0),
    "energy": (0, CODE_MAX, 2048),
    "noise_permille": (0, 250, 0),
    "decay_ppm": (0, 100_000, 0),
    "seed": (0, 500_000_000, 1),
    "sync": (0, 1, 1),
}
OVERRIDES = ("missing", "no_sync", "double", "energy")


class Profile:
    """How a laser answers: `delay_cycles` to its light and their rms `jitter_cycles`, `energy` as converter code with
    rms `noise_permille`, falling by `decay_ppm` with each shot, `sync` 1 or 0, and the `seed` of all that is random."""

    def __init__(self) -> None:
        self.values = {key: limits[2] for key, limits in LIMITS.items()}

    def configure(self, key: str, value: int) -> None:
        """Set one value. ValueError says what is allowed."""
        if key not in LIMITS:
            raise ValueError("no {}; allowed: {}".format(key, " ".join(sorted(LIMITS))))
        low, high, _ = LIMITS[key]
        if not low <= value <= high:
            raise ValueError("{}={}; allowed: {} to {}".format(key, value, low, high))
        self.values[key] = value

    def delays(self) -> tuple:
        """Return the shortest and the longest delay that the jitter can make, in cycles."""
        mean, jitter = self.values["delay_cycles"], self.values["jitter_cycles"]
        reach = (jitter * _REACH + 999) // 1000
        return mean - reach, mean + reach


class Overrides:
    """Shots that are unlike the others, by their number from 0 on."""

    def __init__(self) -> None:
        self._kept = {}

    def clear(self) -> None:
        """Forget all."""
        self._kept = {}

    def add(self, shot: int, what: str, value: int = 0) -> None:
        """Note that a shot is `missing`, gives `no_sync` or a `double` one, or has another `energy` (converter code).

        ValueError says what is allowed. Of two for the same shot both hold.
        """
        if what not in OVERRIDES:
            raise ValueError("no override {}; allowed: {}".format(what, " ".join(OVERRIDES)))
        if shot < 0 or not 0 <= value <= CODE_MAX:
            raise ValueError("shot {} {}; allowed: shots from 0, codes 0 to {}".format(shot, value, CODE_MAX))
        if shot not in self._kept and len(self._kept) == MAX_OVERRIDES:
            raise ValueError("overrides of more than {} shots; allowed: {}".format(MAX_OVERRIDES, MAX_OVERRIDES))
        self._kept.setdefault(shot, {})[what] = value

    def of(self, shot: int) -> dict:
        """Return what is special about a shot."""
        return self._kept.get(shot, {})


def shots(profile: Profile, overrides: Overrides, count: int):  # noqa: ANN201 - a generator; MicroPython has no typing
    """Yield (delay_cycles, code, light, syncs) of `count` shots: code 0..4095, light 0 or 1, syncs 0, 1 or 2.

    A code beyond the converter's range becomes its end, as a real detector saturates.
    """
    values = profile.values
    jitter, permille, sync = values["jitter_cycles"], values["noise_permille"], values["sync"]
    delay = values["delay_cycles"]
    level = values["energy"] * _LEVEL_STEPS
    kept = _PPM - values["decay_ppm"]
    state = _seeded(values["seed"])
    for shot in range(count):
        total = -_MEAN
        for _ in range(4):
            state = _FACTOR * (state & 32767) + (state >> 15)
            total += state & 32767
        late = (total * jitter + _RMS // 2) // _RMS
        total = -_MEAN
        for _ in range(4):
            state = _FACTOR * (state & 32767) + (state >> 15)
            total += state & 32767
        noisy = level + level * permille * total // (_RMS * 1000) if permille else level
        code = (noisy + _LEVEL_STEPS // 2) // _LEVEL_STEPS
        special = overrides.of(shot)
        light, syncs = 1, sync
        if special:
            code = special.get("energy", code)
            syncs = 2 if "double" in special else syncs
            syncs = 0 if "no_sync" in special else syncs
            if "missing" in special:
                light = syncs = 0
        yield delay + late, min(max(code, 0), CODE_MAX), light, syncs
        if kept != _PPM:
            level = level * kept // _PPM


def _seeded(seed: int) -> int:
    state = 1 + seed % (_MODULUS - 2)
    for _ in range(_WARM_UP):
        state = _FACTOR * (state & 32767) + (state >> 15)
    return state
