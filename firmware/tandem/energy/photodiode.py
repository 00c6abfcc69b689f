"""Photodiode channels: from summed ADC counts to calibrated joules and back. Pure.

The handlers judge in summed counts: the sum of a shot's samples less as many times the mean of the baseline samples
taken just before the trigger. For the ps laser the samples are the settled output of a charge integrator; for the CO2
laser they run over the whole pulse, so that their sum is the pulse's energy.
"""

MAX_COUNTS = 0x3FFFFFFF


class Channel:
    """Calibration of one channel.

    `nj_per_count` nanojoules at the target for one summed count, in the sampling that the sequencer uses: found with an
    energy meter at the working energy, see docs/numbers.md.
    """

    def __init__(self, nj_per_count: int) -> None:
        self.calibrate(nj_per_count)

    def calibrate(self, nj_per_count: int) -> None:
        """Take over another factor; ValueError for one out of range."""
        if not 1 <= nj_per_count <= 10_000_000:
            raise ValueError("nj_per_count is %d: 1 to 10000000 nJ per summed count allowed" % nj_per_count)
        self.nj_per_count = nj_per_count
        self._whole_uj, self._rest_nj = divmod(nj_per_count, 1000)

    def energy_uj(self, counts: int) -> int:
        """Return the energy in uJ of a sum of counts (may be negative: noise around dark), rounded to the nearest.

        In two parts, so that no integer on the way is one that the board would have to allocate.
        """
        whole, rest = self._whole_uj, self._rest_nj
        return counts * whole + (counts * rest + 500) // 1000

    def limits_counts(self, low_uj: int, high_uj: int) -> tuple:
        """Return the window in summed counts, rounded inwards. ValueError when it is beyond the channel's range."""
        low = -(-low_uj * 1000 // self.nj_per_count)
        high = high_uj * 1000 // self.nj_per_count
        if not 0 < low < high <= MAX_COUNTS:
            raise ValueError(
                "window %d..%d uJ is %d..%d counts: 1..%d allowed" % (low_uj, high_uj, low, high, MAX_COUNTS)
            )
        return low, high
