"""From the rig's stamp words to times in cycles of the rig's own clock."""

from __future__ import annotations

from collections.abc import Iterable

ALL_ONES = 0xFFFFFFFF
CYCLES_A_COUNT = 2  # one look at the pin
CYCLES_AN_EDGE = 3  # the look that found it, its word, the jump; X does not count meanwhile
WRAP_COUNTS = 1 << 32


def cycles_of(words: Iterable[int]) -> tuple[int, list[int]]:
    """Return the level at START, and of each edge after it how many cycles after START's edge it came.

    The edges alternate, beginning with the change away from that level. Each time is right within 1 cycle for pulses
    and gaps of 3 cycles and more; for edges that are asynchronous to the rig's clock the mean error is 0. No constant
    is added, because two delays cancel and two means do:

    - START and a stamped pin pass the same synchroniser. The machine leaves its wait one cycle before its first look,
      so look n (counted from 0) sees levels that are 2 n + 1 cycles younger than the one that let it leave;
    - an edge is seen 0 to 1 cycle late by the synchroniser and 0 to 1 by the two-cycle loop: 1 cycle in the mean.

    A channel that was high at START has an edge at the very first look (word 0xffffffff), which is taken off. The
    counter wraps every 2**33 cycles (68.7 s); one wrap between two edges is found, because counts never fall. A longer
    silence cannot be told from a shorter one.
    """
    counts: list[int] = []
    wraps = 0
    for word in words:
        count = (ALL_ONES - word) & ALL_ONES
        if counts and count + wraps < counts[-1]:
            wraps += WRAP_COUNTS
        counts.append(count + wraps)
    times = [CYCLES_A_COUNT * count + CYCLES_AN_EDGE * k for k, count in enumerate(counts)]
    if counts and counts[0] == 0:
        return 1, times[1:]
    return 0, times
