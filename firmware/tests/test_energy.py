"""Energy: verdicts at the window's very edges, and counts to joules and back."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

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
def test_a_window_beyond_the_channel_is_refused_with_its_counts() -> None:
    assert Channel(1000).limits_counts(800, 1200) == (800, 1200)
    assert Channel(3000).limits_counts(800, 1200) == (267, 400)
    assert Channel(1).limits_counts(1, 1_073_741) == (1000, 1_073_741_000)
    words = r"^window 1\.\.1073742 uJ is 1000\.\.1073742000 counts: 1\.\.1073741823 allowed$"
    with pytest.raises(ValueError, match=words):
        Channel(1).limits_counts(1, 1_073_742)
    for low_uj, high_uj in ((0, 100), (100, 100), (2, 1)):
        with pytest.raises(ValueError, match="counts: 1"):
            Channel(1000).limits_counts(low_uj, high_uj)
    assert Channel(10_000_000).limits_counts(1, 20_000) == (1, 2)
    assert Channel(1000).limits_counts(1, 0x3FFFFFFF) == (1, 0x3FFFFFFF), "the largest sum is one of them"


@pytest.mark.parametrize(
    ("nj_per_count", "counts", "energy_uj"), [(1, 499, 0), (1, 500, 1), (1500, 3, 5), (1000, -2, -2)]
)
def test_counts_are_energy_rounded_to_the_nearest(nj_per_count: int, counts: int, energy_uj: int) -> None:
    assert Channel(nj_per_count).energy_uj(counts) == energy_uj


@pytest.mark.parametrize("nj_per_count", [0, 10_000_001])
def test_a_factor_out_of_range_is_refused_in_its_own_words(nj_per_count: int) -> None:
    assert Channel(10_000_000).nj_per_count == 10_000_000
    words = f"^nj_per_count is {nj_per_count}: 1 to 10000000 nJ per summed count allowed$"
    with pytest.raises(ValueError, match=words):
        Channel(nj_per_count)


def test_a_deviation_is_told_in_thousandths_of_the_target_rounded_to_the_nearest() -> None:
    told = [window.deviation_permille(energy, 2000) for energy in (2000, 2002, 2003, 1998, 1997, 1996, 0, 4000, -2)]
    assert told == [0, 1, 2, -1, -1, -2, -1000, 1000, -1001]
    assert window.deviation_permille(1_003, 1_000) == 3


def test_the_edges_of_every_verdict_belong_to_the_milder_one() -> None:
    pulse = SimpleNamespace(energy_uj=1000, stop_low_uj=800, stop_high_uj=1200, warn_low_uj=900, warn_high_uj=1100)
    edges = {99: "missing", 100: "low", 799: "low", 800: "warn", 899: "warn", 900: "pass", 1100: "pass", 1101: "warn"}
    edges.update({1200: "warn", 1201: "high", -5: "missing", 0: "missing"})
    assert {energy: window.verdict(cast("Pulse", pulse), energy) for energy in edges} == edges


def test_a_calibration_out_of_range_is_refused_with_the_range() -> None:
    with pytest.raises(ValueError, match="1 to 10000000"):
        Channel(0)
