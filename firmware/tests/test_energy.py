"""Energy: verdicts at the window's very edges, and counts to joules and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tandem.energy import window
from tandem.energy.photodiode import Channel

PS_UJ = 596_903


@pytest.mark.parametrize(
    ("permille", "expected"),
    [(801, "warn"), (799, "low"), (899, "warn"), (901, "pass"), (1000, "pass"), (1099, "pass"), (1101, "warn")]
    + [(1199, "warn"), (1201, "high"), (99, "missing"), (0, "missing")],
)
def test_a_shot_is_judged_against_warn_10_percent_and_stop_20_percent(permille: int, expected: str) -> None:
    assert window.verdict(PS_UJ * permille // 1000, PS_UJ, 100, 200) == expected


def test_the_window_of_the_published_ps_pulse_is_477_5_to_716_3_mj() -> None:
    low, high = window.limits(PS_UJ, 200)
    assert (low, high) == (477_523, 716_283)
    assert window.verdict(low, PS_UJ, 100, 200) == "warn"
    assert window.verdict(low - 1, PS_UJ, 100, 200) == "low"
    assert window.verdict(high, PS_UJ, 100, 200) == "warn"
    assert window.verdict(high + 1, PS_UJ, 100, 200) == "high"


@given(st.integers(1, 1_000_000), st.integers(1, 10_000_000))
def test_counts_judge_as_joules_do(counts: int, nj_per_count: int) -> None:
    channel = Channel(nj_per_count)
    energy = channel.energy_uj(counts)
    assert abs(energy * 1000 - counts * nj_per_count) <= 500


@given(st.integers(1_000, 2_000_000), st.integers(100, 200_000))
def test_count_limits_lie_inside_the_window(target_uj: int, nj_per_count: int) -> None:
    channel = Channel(nj_per_count)
    low_uj, high_uj = window.limits(target_uj, 200)
    try:
        low, high = channel.limits_counts(low_uj, high_uj)
    except ValueError:
        return
    assert low * nj_per_count >= low_uj * 1000
    assert high * nj_per_count <= high_uj * 1000


def test_a_calibration_out_of_range_is_refused_with_the_range() -> None:
    with pytest.raises(ValueError, match="1 to 10000000"):
        Channel(0)
