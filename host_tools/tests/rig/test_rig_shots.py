"""The plan of a laser's shots: the same on the board as on the host, random as asked for, and within the converter."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator
from typing import Any

import pytest
from tandem_tools.bench import Bench
from timing_bench import Setup, module, stand

shots = module("shots")
Figure = Any


def profile(**values: int) -> Any:
    made = shots.Profile()
    for key, value in values.items():
        made.configure(key, value)
    return made


def plan(count: int, overrides: Any = None, **values: int) -> list[tuple[int, int, int, int]]:
    return list(shots.shots(profile(**values), overrides or shots.Overrides(), count))


@pytest.fixture(scope="module")
def setup() -> Iterator[Setup]:
    with Bench(stand()) as bench:
        yield Setup(bench)


def test_without_noise_every_shot_is_the_same() -> None:
    assert set(plan(100, delay_cycles=300, energy=1234)) == {(300, 1234, 1, 1)}


def test_jitter_has_the_rms_that_was_asked_for_and_no_bias(figure: Figure) -> None:
    delays = [delay for delay, *_ in plan(20_000, delay_cycles=5000, jitter_cycles=100)]
    rms, mean = statistics.pstdev(delays), statistics.fmean(delays)
    figure("jitter of 20,000 planned shots, rms", round(rms, 2), "cycles", "100 within 2 %")
    assert abs(rms - 100) < 2
    assert abs(mean - 5000) < 4 * 100 / math.sqrt(20_000)
    low, high = profile(delay_cycles=5000, jitter_cycles=100).delays()
    assert low <= min(delays) < 5000 - 270
    assert 5000 + 270 < max(delays) <= high


def test_small_jitter_is_jitter_too() -> None:
    delays = [delay for delay, *_ in plan(10_000, delay_cycles=500, jitter_cycles=1)]
    assert abs(statistics.pstdev(delays) - math.sqrt(1 + 1 / 12)) < 0.05


def test_energy_noise_has_the_rms_that_was_asked_for() -> None:
    codes = [code for _, code, *_ in plan(20_000, energy=2000, noise_permille=30)]
    assert abs(statistics.pstdev(codes) - 60) < 1.5
    assert abs(statistics.fmean(codes) - 2000) < 2


def test_the_next_shot_does_not_follow_from_the_last() -> None:
    delays = [float(delay) for delay, *_ in plan(20_000, delay_cycles=5000, jitter_cycles=100)]
    for lag in (1, 2, 3):
        assert abs(statistics.correlation(delays[:-lag], delays[lag:])) < 0.03
    codes = [float(code) for _, code, *_ in plan(20_000, delay_cycles=5000, jitter_cycles=100, noise_permille=30)]
    assert abs(statistics.correlation(delays, codes)) < 0.03


def test_energy_decays_by_the_same_part_each_shot() -> None:
    codes = [code for _, code, *_ in plan(1000, energy=4000, decay_ppm=500)]
    assert all(abs(code - 4000 * (1 - 500e-6) ** shot) <= 2 for shot, code in enumerate(codes))


def test_seeds_give_different_shots_and_the_same_seed_the_same() -> None:
    one, again, two = (plan(50, delay_cycles=500, jitter_cycles=50, seed=seed) for seed in (1, 1, 2))
    assert one == again
    assert one != two


def test_noise_does_not_leave_the_converter() -> None:
    codes = [code for _, code, *_ in plan(2000, energy=4000, noise_permille=250)]
    assert max(codes) == 4095
    assert min(codes) >= 0


def test_overrides_change_their_shot_alone() -> None:
    overrides = shots.Overrides()
    overrides.add(1, "missing")
    overrides.add(2, "no_sync")
    overrides.add(3, "double")
    overrides.add(4, "energy", 77)
    overrides.add(5, "energy", 78)
    overrides.add(5, "double")
    made = plan(7, overrides, delay_cycles=200, energy=1000)
    answers = [(1000, 1, 1), (1000, 0, 0), (1000, 1, 0), (1000, 1, 2), (77, 1, 1), (78, 1, 2), (1000, 1, 1)]
    assert [shot[1:] for shot in made] == answers


def test_an_override_does_not_change_the_noise_of_the_others() -> None:
    overrides = shots.Overrides()
    overrides.add(3, "energy", 0)
    plain = plan(20, delay_cycles=500, jitter_cycles=50, noise_permille=30)
    changed = plan(20, overrides, delay_cycles=500, jitter_cycles=50, noise_permille=30)
    assert [i for i in range(20) if plain[i] != changed[i]] == [3]


@pytest.mark.parametrize(("key", "value"), [("energy", 4096), ("seed", -1), ("sync", 2), ("jitter_cycles", 10_001)])
def test_a_value_out_of_range_is_refused_with_what_is_allowed(key: str, value: int) -> None:
    with pytest.raises(ValueError, match=f"{key}={value}; allowed: 0 to "):
        profile(**{key: value})


def test_an_unknown_setting_or_override_is_refused() -> None:
    with pytest.raises(ValueError, match="no wave; allowed: decay_ppm"):
        profile(wave=1)
    with pytest.raises(ValueError, match="no override late; allowed: missing"):
        shots.Overrides().add(0, "late")
    with pytest.raises(ValueError, match="shots from 0"):
        shots.Overrides().add(-1, "missing")


def test_more_overrides_than_there_is_room_for_are_refused() -> None:
    overrides = shots.Overrides()
    for shot in range(shots.MAX_OVERRIDES):
        overrides.add(shot, "missing")
    overrides.add(5, "double")
    with pytest.raises(ValueError, match="allowed: 64"):
        overrides.add(100, "missing")


@pytest.mark.parametrize(
    "values",
    [
        {"delay_cycles": 500, "jitter_cycles": 100, "energy": 3000, "noise_permille": 30, "decay_ppm": 100, "seed": 7},
        {"delay_cycles": 60_000, "jitter_cycles": 10_000, "energy": 4095, "noise_permille": 250, "seed": 500_000_000},
    ],
)
def test_board_and_host_make_the_same_shots(setup: Setup, values: dict[str, int]) -> None:
    code = f"""
        from rig import shots
        profile = shots.Profile()
        for key, value in {values!r}.items(): profile.configure(key, value)
        overrides = shots.Overrides()
        overrides.add(9, 'double')
        print(list(shots.shots(profile, overrides, 150)))
    """
    overrides = shots.Overrides()
    overrides.add(9, "double")
    assert setup.run_rig(code).strip() == repr(plan(150, overrides, **values))
