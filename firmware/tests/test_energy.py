"""Energy: verdicts at the window's very edges, and counts to joules and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tandem.dose.laser import generic_ps_1064
from tandem.dose.plan import pulse_of, window_uj
from tandem.dose.recipe import BUILT_IN
from tandem.energy import window
from tandem.energy.photodiode import Channel
from tandem.planned import Pulse

PS_UJ = 596_903


@pytest.fixture
def pulse() -> Pulse:
    """The published ps pulse with its window: warn 10 %, stop 20 %."""
    return pulse_of(generic_ps_1064(), PS_UJ, 1_000_000, BUILT_IN["calcinosis-1"]().passes[0])


@pytest.mark.proves("R-ENE-1")
@pytest.mark.parametrize(
    ("permille", "expected"),
    [(801, "warn"), (799, "low"), (899, "warn"), (901, "pass"), (1000, "pass"), (1099, "pass"), (1101, "warn")]
    + [(1199, "warn"), (1201, "high"), (99, "missing"), (0, "missing")],
)
def test_a_shot_is_judged_against_warn_10_percent_and_stop_20_percent(
    pulse: Pulse, permille: int, expected: str
) -> None:
    assert window.verdict(pulse, PS_UJ * permille // 1000) == expected


@pytest.mark.proves("R-ENE-1")
def test_the_window_of_the_published_ps_pulse_is_477_5_to_716_3_mj(pulse: Pulse) -> None:
    low, high = pulse.stop_low_uj, pulse.stop_high_uj
    assert (low, high) == (477_523, 716_283)
    assert window.verdict(pulse, low) == "warn"
    assert window.verdict(pulse, low - 1) == "low"
    assert window.verdict(pulse, high) == "warn"
    assert window.verdict(pulse, high + 1) == "high"


@pytest.mark.proves("R-ENE-1")
@given(st.integers(1, 1_000_000), st.integers(1, 10_000_000))
def test_counts_judge_as_joules_do(counts: int, nj_per_count: int) -> None:
    channel = Channel(nj_per_count)
    energy = channel.energy_uj(counts)
    assert abs(energy * 1000 - counts * nj_per_count) <= 500


@pytest.mark.proves("R-ENE-1")
@given(st.integers(1_000, 2_000_000), st.integers(100, 200_000))
def test_count_limits_lie_inside_the_window(target_uj: int, nj_per_count: int) -> None:
    channel = Channel(nj_per_count)
    low_uj, high_uj = window_uj(target_uj, 200_000)
    try:
        low, high = channel.limits_counts(low_uj, high_uj)
    except ValueError:
        return
    assert low * nj_per_count >= low_uj * 1000
    assert high * nj_per_count <= high_uj * 1000


@pytest.mark.proves("R-SET-3")
def test_a_calibration_out_of_range_is_refused_with_the_range() -> None:
    with pytest.raises(ValueError, match="1 to 10000000"):
        Channel(0)
