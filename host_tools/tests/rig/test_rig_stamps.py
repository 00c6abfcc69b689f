"""The rig's stamps against the bench's own record of the edges: right within a cycle, none lost, overflow told."""

from __future__ import annotations

import random
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterator

import pytest
from tandem_tools.bench import Bench
from tandem_tools.rig.edges import ALL_ONES, cycles_of
from timing_bench import CHANNELS, CYCLE_PS, Setup, stand

Figure = Callable[..., None]
SIX = CHANNELS[:6]
ALL = 0b111111
BENCH_CYCLES = (
    0.0015  # the bench takes an edge up to 0.001 cycle after a cycle's start as on it; its times are whole ps
)
MAKE = """
    import gc, uctypes
    from rig.stamps import Stamps
    stamps = Stamps()
    gc.collect()
"""


def ready(bench: Bench) -> Setup:
    setup = Setup(bench)
    setup.run_rig(MAKE)
    setup.keep()
    return setup


@pytest.fixture(scope="module")
def equal() -> Iterator[Setup]:
    """Both boards on perfect crystals: edges fall on the rig's cycles."""
    with Bench(stand()) as bench:
        yield ready(bench)


@pytest.fixture
def setup(equal: Setup) -> Setup:
    return equal.again()


@pytest.fixture(scope="module")
def apart() -> Iterator[Setup]:
    """The rig's crystal 18 ppm fast, the source's 23 ppm slow: edges fall on all phases."""
    with Bench(stand(source_ppm=-23, rig_ppm=18)) as bench:
        yield ready(bench)


def start(setup: Setup, edges: int, names: tuple[str, ...] = SIX) -> None:
    setup.run_rig(f"stamps.start([(name, {edges}) for name in {names!r}])")


def stop(setup: Setup) -> dict[str, tuple[int, bool, bool]]:
    """Stop, and return name -> (count, full, stalled)."""
    lines = setup.run_rig("""
        stamps.stop()
        for name in stamps.names(): print(name, stamps.count(name), int(stamps.full(name)), int(stamps.stalled(name)))
    """)
    fields = [line.split() for line in lines.split("\n") if line]
    return {name: (int(count), full == "1", stalled == "1") for name, count, full, stalled in fields}


def truth(setup: Setup, names: tuple[str, ...], ppm: float = 0) -> dict[str, list[float]]:
    """Return name -> times of the edges that the bench recorded, in the rig's cycles after START's rise."""
    found = setup.edges([*names, "START"])
    begun = max(ps for ps, level in found["START"] if level)
    cycle_ps = CYCLE_PS / (1 + ppm * 1e-6)
    return {name: [(ps - begun) / cycle_ps for ps, _ in found[name] if ps > begun] for name in names}


def errors(setup: Setup, names: tuple[str, ...], ppm: float = 0) -> list[float]:
    """Return stamp less truth of every edge; fails when one is missing, or one too many."""
    wrong: list[float] = []
    for name, times in truth(setup, names, ppm).items():
        level, stamps = cycles_of(setup.words(name))
        assert level == 0
        assert len(stamps) == len(times), name
        wrong += [stamp - time for stamp, time in zip(stamps, times, strict=True)]
    return wrong


def random_steps(count: int, seed: int) -> list[tuple[int, int]]:
    """Return steps of all kinds: long, short, 3 cycles; one pin, several, or all six at once."""
    draw = random.Random(seed)
    steps: list[tuple[int, int]] = [(0, 400)]
    levels = 0
    for _ in range(count):
        levels ^= ALL if draw.random() < 0.1 else draw.getrandbits(6)
        kind = draw.random()
        steps.append((levels, 3 if kind < 0.2 else draw.randrange(3, 12) if kind < 0.4 else draw.randrange(40, 700)))
    return [*steps, (0, 400)]


def play(setup: Setup, steps: list[tuple[int, int]]) -> None:
    setup.bench.run_for(cycles=setup.play(steps) + 20_000)


def test_idle_machines_do_not_slow_the_bench(setup: Setup, figure: Figure) -> None:
    start(setup, 100)
    before = time.perf_counter()
    setup.bench.run_for(ms=2000)
    speed = 2 / (time.perf_counter() - before)
    figure("bench with six waiting stamp machines, times real time", round(speed, 1), "", "more than 5")
    assert speed > 5


def test_every_edge_is_stamped_within_a_cycle_of_the_same_clock(setup: Setup, figure: Figure) -> None:
    start(setup, 5000)
    play(setup, random_steps(3600, seed=5))
    assert all(not full and not stalled for _, full, stalled in stop(setup).values())
    wrong = errors(setup, SIX)
    figure("edges on six channels, equal crystals", len(wrong), "edges", "10,000 and more")
    figure("stamp less truth, equal crystals", str(dict(sorted(Counter(wrong).items()))), "cycles: edges", "-1 to 0")
    assert len(wrong) >= 10_000
    assert set(wrong) == {-1, 0}


def test_every_edge_is_stamped_within_a_cycle_of_another_clock(apart: Setup, figure: Figure) -> None:
    setup = apart.again()
    wrong: list[float] = []
    for seed in range(3):
        start(setup, 5000)
        play(setup, random_steps(3600, seed=20 + seed))
        assert all(not full and not stalled for _, full, stalled in stop(setup).values())
        wrong += errors(setup, SIX, ppm=18)
        setup.bench.clear_edges()
    mean = statistics.fmean(wrong)
    figure("edges on six channels, crystals 41 ppm apart", len(wrong), "edges", "20,000 and more")
    figure(
        "largest stamp less truth, 41 ppm apart", round(max(map(abs, wrong)), 4), "cycles", "1, and 0.0015 of the bench"
    )
    figure("mean stamp less truth, 41 ppm apart", round(mean, 4), "cycles", "within 0.1")
    figure("rms of stamp less truth, 41 ppm apart", round(statistics.pstdev(wrong), 3), "cycles")
    assert len(wrong) >= 20_000
    assert max(map(abs, wrong)) <= 1 + BENCH_CYCLES
    assert abs(mean) <= 0.1


@pytest.mark.parametrize("first", [3, 4])
def test_three_cycle_pulses_and_gaps_are_seen_on_all_channels_at_once(setup: Setup, first: int) -> None:
    start(setup, 100)
    bursts = [(0, 400), *[(ALL, 3), (0, first), (ALL, 3), (0, 300)] * 10, (0, 301), *[(ALL, 3), (0, 301)] * 10]
    play(setup, bursts)
    stop(setup)
    wrong = errors(setup, SIX)
    assert len(wrong) == 6 * 60
    assert set(wrong) <= {-1, 0}


def test_ten_thousand_edges_in_one_burst_are_all_kept(setup: Setup, figure: Figure) -> None:
    start(setup, 30_000, SIX[:1])
    play(setup, [(0, 400), *[(1, 3), (0, 3)] * 5900, (0, 400)])
    assert stop(setup) == {SIX[0]: (11_800, False, False)}
    wrong = errors(setup, SIX[:1])
    figure("one burst of 3-cycle pulses and gaps, edges kept", len(wrong), "edges", "11,800 of 11,800")
    assert set(wrong) <= {-1, 0}


def test_edges_faster_than_they_can_be_kept_are_told(setup: Setup, figure: Figure) -> None:
    """Six channels of 3-cycle pulses are 2 words a cycle; the bench's DMA moves half a word, the chip's one."""
    start(setup, 5000)
    play(setup, [(0, 400), *[(ALL, 3), (0, 3)] * 500, (0, 400)])
    told = stop(setup)
    kept = {name: count for name, (count, _, _) in told.items()}
    figure("edges kept of 1,000 on each of six channels at 3 cycles", str(kept), "edges")
    for name, (count, full, stalled) in told.items():
        assert not full
        assert stalled or count == 1000, name
    assert any(stalled for _, _, stalled in told.values())


def test_after_a_stall_the_next_recording_is_right_again(setup: Setup) -> None:
    start(setup, 5000)
    play(setup, [(0, 400), *[(ALL, 3), (0, 3)] * 500, (0, 400)])
    assert any(stalled for _, _, stalled in stop(setup).values())
    setup.bench.clear_edges()
    start(setup, 100)
    play(setup, [(0, 400), *[(ALL, 50), (0, 70)] * 40, (0, 400)])
    assert set(stop(setup).values()) == {(80, False, False)}
    assert set(errors(setup, SIX)) <= {-1, 0}


def test_the_fastest_that_six_channels_can_be_kept_at(setup: Setup, figure: Figure) -> None:
    fastest = 100
    for gap in (20, 16, 14, 13, 12, 11, 10):
        start(setup, 5000)
        play(setup, [(0, 400), *[(ALL, gap), (0, gap)] * 1000, (0, 400)])
        if any(stalled for _, _, stalled in stop(setup).values()):
            break
        fastest = gap
    figure("six channels at once without end: shortest pulse and gap that is kept", fastest, "cycles (bench's DMA)")
    assert fastest <= 20


@pytest.mark.parametrize(("width", "seen", "end_late"), [(3, 50, 0), (2, 50, 1), (1, 25, 1)])
def test_shorter_pulses_lose_both_edges_or_none(setup: Setup, width: int, seen: int, end_late: int) -> None:
    """Pulses of 1 to 3 cycles on both phases of the loop; of the shortest ones the loop meets every other."""
    start(setup, 500, CHANNELS[6:])
    setup.source.exec_raw(f"""
@rp2.asm_pio(set_init=PIO.OUT_LOW)
def pulses():
    set(x, 24)
    label("again")
    set(pins, 1)[{width - 1}]
    set(pins, 0)[{30 - width}]
    set(pins, 1)[{width - 1}]
    set(pins, 0)[{29 - width}]
    jmp(x_dec, "again")
    label("end")
    jmp("end")
rp2.StateMachine(4, pulses, set_base=Pin(6)).active(1)
""")
    setup.bench.run_for(us=100)
    assert stop(setup) == {CHANNELS[6]: (2 * seen, False, False)}
    level, stamps = cycles_of(setup.words(CHANNELS[6]))
    times = truth(setup, CHANNELS[6:])[CHANNELS[6]]
    rises = [time for time in times[::2] if any(stamp - time in (-1, 0) for stamp in stamps[::2])]
    assert level == 0
    assert len(rises) == seen
    assert {stamp - time for stamp, time in zip(stamps[::2], rises, strict=True)} <= {-1, 0}
    ends = {stamp - time - width for stamp, time in zip(stamps[1::2], rises, strict=True)}
    assert ends <= {-1, 0, 1, 2}
    assert max(ends) == end_late


@pytest.mark.parametrize("size", [1, 2, 9, 10])
@pytest.mark.parametrize("more", [0, 1, 2, 3, 40])
def test_a_full_buffer_is_told_only_when_edges_were_left_out(setup: Setup, size: int, more: int) -> None:
    start(setup, size, SIX[:2])
    steps = [(0b11 * (i & 1), 30) for i in range(1, size + more + 1)]
    play(setup, [(0, 400), *steps, (steps[-1][0], 400)])
    assert set(stop(setup).values()) == {(size, more > 0, False)}
    level, stamps = cycles_of(setup.words(SIX[1]))
    assert level == 0
    times = truth(setup, SIX[1:2])[SIX[1]][:size]
    assert {stamp - time for stamp, time in zip(stamps, times, strict=True)} <= {-1, 0}


def test_a_full_channel_leaves_the_others_alone(setup: Setup) -> None:
    setup.run_rig(f"stamps.start([({SIX[0]!r}, 10), ({SIX[1]!r}, 1000)])")
    play(setup, [(0, 400), *[(0b11, 9), (0, 9)] * 300, (0, 400)])
    assert stop(setup) == {SIX[0]: (10, True, False), SIX[1]: (600, False, False)}
    assert set(errors(setup, SIX[1:2])) <= {-1, 0}


def test_the_level_at_start_is_known(setup: Setup) -> None:
    play(setup, [(0b010101, 400)])
    start(setup, 100)
    play(setup, [(0b010101, 400), (0b110011, 500), (0, 500)])
    stop(setup)
    found = {name: cycles_of(setup.words(name)) for name in SIX}
    times = truth(setup, SIX)
    for i, name in enumerate(SIX):
        level, stamps = found[name]
        assert level == 1 - i % 2
        assert {stamp - time for stamp, time in zip(stamps, times[name], strict=True)} <= {-1, 0}


def test_all_machines_of_both_blocks_start_in_the_same_cycle(setup: Setup) -> None:
    start(setup, 100)
    play(setup, [(0, 400), *[(ALL, 57), (0, 36)] * 20])
    stop(setup)
    assert len({tuple(setup.words(name)) for name in SIX}) == 1


def test_a_silence_of_a_minute_and_a_wrapped_counter_keep_their_cycles(setup: Setup) -> None:
    start(setup, 100)
    play(setup, [(0, 400), (ALL, 400)])
    setup.bench.run_for(ms=60_000)
    play(setup, [(0, 400)])
    setup.bench.run_for(ms=30_000)
    play(setup, [(ALL, 400), (0, 400)])
    setup.bench.run_for(ms=68_000)
    play(setup, [(ALL, 400)])
    assert set(stop(setup).values()) == {(5, False, False)}
    assert set(errors(setup, SIX)) <= {-1, 0}


def test_words_stay_readable_until_the_next_start(setup: Setup) -> None:
    start(setup, 100, SIX[:1])
    play(setup, [(0, 400), (1, 100), (0, 100)])
    stop(setup)
    words = setup.words(SIX[0])
    play(setup, [(0, 400), (1, 100), (0, 100)])
    assert setup.words(SIX[0]) == words
    one = setup.run_rig(f"print([stamps.word({SIX[0]!r}, i) for i in range(2)], stamps.running)")
    assert one.strip() == f"{words} False"
    with pytest.raises(Exception, match="PS_FIRE word 2; there are 2"):
        setup.run_rig(f"stamps.word({SIX[0]!r}, 2)")
    start(setup, 100, SIX[1:2])
    assert setup.run_rig("print(stamps.names(), stamps.count('PS_QSW'), stamps.running)").strip() == "['PS_QSW'] 0 True"


def test_every_watched_pin_can_be_stamped(setup: Setup) -> None:
    start(setup, 100, (CHANNELS[6],))
    play(setup, [(0, 400), (1 << 6, 50), (0, 50)])
    assert stop(setup) == {CHANNELS[6]: (2, False, False)}
    setup.run_rig("stamps.start([(n, 10) for n in ('PS_FIRE_DRV', 'PS_QSW_DRV', 'CO2_GATE_DRV')])")


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ("[('START', 10)]", "START; allowed, each once: PS_FIRE"),
        ("[('PS_FIRE', 10), ('PS_FIRE', 10)]", "PS_FIRE; allowed, each once"),
        ("[]", "0 channels; allowed: 1 to 6"),
        (str([(name, 10) for name in CHANNELS]), "7 channels; allowed: 1 to 6"),
        ("[('PS_FIRE', 0)]", "0 edges; allowed: 1 and more each, 30000 in all"),
        ("[('PS_FIRE', 20000), ('PS_QSW', 10001)]", "30001 edges; allowed"),
    ],
)
def test_what_cannot_be_stamped_is_refused(setup: Setup, wanted: str, message: str) -> None:
    with pytest.raises(Exception, match=message):
        setup.run_rig(f"stamps.start({wanted})")


def test_words_become_cycles() -> None:
    assert cycles_of([]) == (0, [])
    assert cycles_of([ALL_ONES - 5]) == (0, [10])
    assert cycles_of([ALL_ONES]) == (1, [])
    assert cycles_of([ALL_ONES, ALL_ONES - 10]) == (1, [23])


def test_a_wrap_between_two_edges_is_found_each_time() -> None:
    words = [ALL_ONES - 4, 3, ALL_ONES - 1, ALL_ONES - 1, ALL_ONES - 2, ALL_ONES - 1]
    counts = [4, (1 << 32) - 4, (1 << 32) + 1, (1 << 32) + 1, (1 << 32) + 2, (1 << 33) + 1]
    assert cycles_of(words) == (0, [2 * count + 3 * k for k, count in enumerate(counts)])
