"""The lasers that the rig plays: on their cycle, with the light and energy of each shot, also while Python is busy."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator

import pytest
from tandem_tools.bench import Bench
from timing_bench import CYCLE_PS, Setup, module, stand

shots = module("shots")
Figure = Callable[..., None]
PS_FIRE, PS_QSW, CO2_GATE, PS_INT_RESET = 1, 2, 4, 32
SYNC_AFTER_LIGHT = 3
DARK_AFTER_RESET = 7
LEAD = 1_250_000  # cycles in which the source's reply comes, before the first shot
MAKE = """
    import gc
    gc.collect(); at_first = gc.mem_free()
    from rig.stamps import Stamps
    stamps = Stamps()
    from rig.players import Players
    players = Players()
    ps, co2 = players.ps, players.co2
    gc.collect()
    print(at_first, gc.mem_free())
"""


@pytest.fixture(scope="module")
def made() -> Iterator[Setup]:
    with Bench(stand()) as bench:
        setup = Setup(bench)
        setup.free = [int(field) for field in setup.run_rig(MAKE).split()]
        setup.keep()
        yield setup


@pytest.fixture
def setup(made: Setup) -> Setup:
    return made.again()


def load(setup: Setup, laser: str, count: int, **values: int | str) -> None:
    for key, value in values.items():
        setup.run_rig(f"{laser}.configure({key!r}, {value!r})")
    setup.run_rig(f"{laser}.load({count})")
    setup.bench.clear_edges()


def status(setup: Setup, laser: str) -> tuple[int, int, int]:
    """Return loaded, answered, late."""
    loaded, answered, late = setup.run_rig(f"print({laser}.loaded, {laser}.answered, {laser}.late)").split()
    return int(loaded), int(answered), int(late)


def ps_shots(count: int, trigger: int = PS_FIRE, period: int = 12_500) -> list[tuple[int, int]]:
    """Return a source's steps for ps shots as the controller makes them: integrator released, trigger, reset."""
    shot = [(0, 500), (trigger, 1250), (0, 2500), (PS_INT_RESET, period - 4250)]
    return [(PS_INT_RESET, 1000), *shot * count]


def co2_shots(count: int, gate: int, period: int) -> list[tuple[int, int]]:
    return [(0, 1000), *[(CO2_GATE, gate), (0, period - gate)] * count]


def play(setup: Setup, steps: list[tuple[int, int]]) -> None:
    setup.bench.run_for(cycles=setup.play(steps) + 20_000)


def edges(setup: Setup, net: str, level: int) -> list[int]:
    """Return the cycles at which a net took a level."""
    return [ps // CYCLE_PS for ps, now in setup.edges([net])[net] if now == level]


def after(setup: Setup, cause: tuple[str, int], effect: tuple[str, int]) -> list[int]:
    """Return the cycles from each edge of one net to the one edge of another that follows."""
    causes, effects = edges(setup, *cause), edges(setup, *effect)
    assert len(causes) == len(effects)
    return [late - early for early, late in zip(causes, effects, strict=True)]


def test_programs_and_tables_fit(made: Setup, figure: Figure) -> None:
    made.again()
    words = made.run_rig("from rig import stamps as s, players as p; print(len(s.stamp[0]), len(p.player[0]))").split()
    figure("words of PIO1: stamps and players", f"{words[0]} and {words[1]}", "words", "32 in all")
    assert [int(word) for word in words] == [9, 21]
    figure("heap of the board before and after 30,000 edges and 2 x 2,500 shots", str(made.free), "bytes")
    assert made.free[1] > 50_000


@pytest.mark.parametrize("delay", [7, 8, 9, 125, 126, 1000, 65_541])
def test_ps_light_and_sync_come_on_their_cycle(setup: Setup, delay: int) -> None:
    load(setup, "ps", 4, delay_cycles=delay)
    shot = [(0, 500), (PS_FIRE, 1250), (0, delay + 1000), (PS_INT_RESET, 8000)]
    play(setup, [(PS_INT_RESET, 1000), *shot * 3])
    assert after(setup, ("PS_FIRE", 1), ("PS_LIGHT", 1)) == [delay] * 3
    assert after(setup, ("PS_FIRE", 1), ("PS_SYNC", 1)) == [delay + SYNC_AFTER_LIGHT] * 3
    assert after(setup, ("PS_SYNC", 1), ("PS_SYNC", 0)) == [125] * 3
    resets = edges(setup, "PS_INT_RESET", 1)[-3:]
    assert edges(setup, "PS_LIGHT", 0) == [cycle + DARK_AFTER_RESET for cycle in resets]
    assert status(setup, "ps") == (4, 3, 0)


@pytest.mark.parametrize(("delay", "gate"), [(7, 20), (8, 20), (125, 130), (125, 46_875), (8198, 8200), (8198, 46_875)])
def test_co2_light_is_the_gate_later(setup: Setup, delay: int, gate: int) -> None:
    load(setup, "co2", 4, delay_cycles=delay)
    play(setup, co2_shots(3, gate, gate + 2 * delay + 5000))
    assert after(setup, ("CO2_GATE", 1), ("CO2_LIGHT", 1)) == [delay] * 3
    assert after(setup, ("CO2_GATE", 0), ("CO2_LIGHT", 0)) == [delay] * 3
    assert edges(setup, "CO2_SYNC", 1) == []
    assert status(setup, "co2") == (4, 3, 0)


def test_co2_sync_is_given_when_asked_for(setup: Setup) -> None:
    load(setup, "co2", 2, delay_cycles=125, sync=1)
    play(setup, co2_shots(2, 5000, 20_000))
    assert after(setup, ("CO2_GATE", 1), ("CO2_SYNC", 1)) == [125 + SYNC_AFTER_LIGHT] * 2
    assert after(setup, ("CO2_GATE", 0), ("CO2_LIGHT", 0)) == [125] * 2


def test_the_q_switch_can_be_the_trigger(setup: Setup) -> None:
    load(setup, "ps", 2, delay_cycles=100, trigger="PS_QSW")
    play(setup, [(PS_INT_RESET, 1000), (0, 500), (PS_FIRE, 3000), (PS_QSW, 1250), (0, 1000), (PS_INT_RESET, 5000)])
    assert after(setup, ("PS_QSW", 1), ("PS_SYNC", 1)) == [100 + SYNC_AFTER_LIGHT]
    assert status(setup, "ps") == (2, 1, 0)


def test_jitter_is_played_to_the_cycle(setup: Setup, figure: Figure) -> None:
    settings = {"delay_cycles": 400, "jitter_cycles": 40, "seed": 3}
    load(setup, "ps", 500, **settings)
    play(setup, ps_shots(500))
    profile = shots.Profile()
    for key, value in settings.items():
        profile.configure(key, value)
    planned = [delay for delay, *_ in shots.shots(profile, shots.Overrides(), 500)]
    played = after(setup, ("PS_FIRE", 1), ("PS_LIGHT", 1))
    figure("jitter of 500 played shots, rms", round(statistics.pstdev(played), 2), "cycles", "40 within 4")
    assert played == planned
    assert abs(statistics.pstdev(played) - 40) < 4
    assert after(setup, ("PS_FIRE", 1), ("PS_SYNC", 1)) == [delay + SYNC_AFTER_LIGHT for delay in planned]
    assert status(setup, "ps") == (500, 500, 0)


def test_co2_light_keeps_the_gates_width_also_with_jitter(setup: Setup) -> None:
    load(setup, "co2", 100, delay_cycles=400, jitter_cycles=40)
    play(setup, co2_shots(100, 5000, 20_000))
    assert set(after(setup, ("CO2_LIGHT", 1), ("CO2_LIGHT", 0))) == {5000}
    assert len(set(after(setup, ("CO2_GATE", 1), ("CO2_LIGHT", 1)))) > 20


def test_a_missing_shot_gives_no_light_and_no_sync(setup: Setup) -> None:
    setup.run_rig("ps.override(1, 'missing')")
    load(setup, "ps", 3)
    play(setup, ps_shots(3))
    assert len(edges(setup, "PS_LIGHT", 1)) == len(edges(setup, "PS_SYNC", 1)) == 2
    fires, lights = edges(setup, "PS_FIRE", 1), edges(setup, "PS_LIGHT", 1)
    assert lights == [fires[0] + 125, fires[2] + 125]
    assert status(setup, "ps") == (3, 3, 0)


def test_a_shot_without_sync_gives_light(setup: Setup) -> None:
    setup.run_rig("ps.override(0, 'no_sync')")
    load(setup, "ps", 2)
    play(setup, ps_shots(2))
    assert after(setup, ("PS_FIRE", 1), ("PS_LIGHT", 1)) == [125] * 2
    assert edges(setup, "PS_SYNC", 1) == [edges(setup, "PS_FIRE", 1)[1] + 125 + SYNC_AFTER_LIGHT]


def test_a_double_shot_gives_a_second_sync_five_microseconds_later(setup: Setup) -> None:
    setup.run_rig("ps.override(1, 'double')")
    load(setup, "ps", 3)
    play(setup, ps_shots(3))
    fires = edges(setup, "PS_FIRE", 1)
    first = 125 + SYNC_AFTER_LIGHT
    assert edges(setup, "PS_SYNC", 1) == [fires[0] + first, fires[1] + first, fires[1] + first + 625, fires[2] + first]
    assert after(setup, ("PS_SYNC", 1), ("PS_SYNC", 0)) == [125] * 4
    assert len(edges(setup, "PS_LIGHT", 1)) == 3


def test_overrides_hold_for_one_load(setup: Setup) -> None:
    setup.run_rig("ps.override(0, 'missing')")
    load(setup, "ps", 1)
    load(setup, "ps", 1)
    play(setup, ps_shots(1))
    assert len(edges(setup, "PS_LIGHT", 1)) == 1


def test_a_laser_whose_table_is_used_up_does_not_answer(setup: Setup) -> None:
    load(setup, "ps", 2)
    load(setup, "co2", 1)
    play(setup, ps_shots(4))
    play(setup, co2_shots(3, 500, 9000))
    assert len(edges(setup, "PS_FIRE", 1)) == 4
    assert len(edges(setup, "PS_LIGHT", 1)) == len(edges(setup, "PS_SYNC", 1)) == 2
    assert len(edges(setup, "CO2_LIGHT", 1)) == 1
    assert (status(setup, "ps"), status(setup, "co2")) == ((2, 2, 0), (1, 1, 0))


def test_stop_goes_dark_at_once_and_load_begins_anew(setup: Setup) -> None:
    load(setup, "ps", 5)
    play(setup, [(PS_INT_RESET, 1000), (0, 500), (PS_FIRE, 1250), (0, 2500)])
    assert setup.bench.level("PS_LIGHT") == 1
    setup.run_rig("ps.stop()")
    assert setup.bench.level("PS_LIGHT") == 0
    play(setup, ps_shots(2))
    assert len(edges(setup, "PS_LIGHT", 1)) == 1
    load(setup, "ps", 5)
    play(setup, ps_shots(2))
    assert after(setup, ("PS_FIRE", 1), ("PS_LIGHT", 1)) == [125] * 2
    assert status(setup, "ps") == (5, 2, 0)


def test_stamps_and_lasers_work_beside_each_other(setup: Setup) -> None:
    load(setup, "ps", 20, delay_cycles=300)
    load(setup, "co2", 20, delay_cycles=200)
    setup.run_rig("""
        names = ("PS_FIRE", "PS_QSW", "CO2_GATE", "SYNC_OUT", "HEARTBEAT", "PS_INT_RESET")
        stamps.start([(name, 1000) for name in names])
    """)
    setup.bench.clear_edges()
    for _ in range(2):
        play(setup, ps_shots(5))
        play(setup, co2_shots(5, 500, 9000))
        setup.run_rig("stamps.stop(); stamps.start([(name, 1000) for name in names])")
    assert after(setup, ("PS_FIRE", 1), ("PS_LIGHT", 1)) == [300] * 10
    assert after(setup, ("CO2_GATE", 1), ("CO2_LIGHT", 1)) == [200] * 10


def codes_while_lit(setup: Setup, steps: list[tuple[int, int]], lights: int, net: str, key: str) -> list[int]:
    """Play, and return the converter's code in the middle of the light of each shot."""
    setup.play([(steps[0][0], LEAD), *steps])
    codes = []
    for _ in range(lights):
        setup.bench.run_until(net=net, level=1, edge=True, timeout_ms=100)
        codes.append(setup.bench.part("dac").probe()[key])
    return codes


def planned_codes(count: int, **settings: int) -> list[int]:
    profile = shots.Profile()
    for key, value in settings.items():
        profile.configure(key, value)
    return [code for _, code, *_ in shots.shots(profile, shots.Overrides(), count)]


def test_each_ps_shot_has_its_energy(setup: Setup) -> None:
    settings = {"energy": 3000, "noise_permille": 100, "decay_ppm": 2000, "seed": 9}
    load(setup, "ps", 100, **settings)
    load(setup, "co2", 5, energy=777)
    assert codes_while_lit(setup, ps_shots(100), 100, "PS_LIGHT", "code_a") == planned_codes(100, **settings)
    setup.bench.run_for(ms=1)
    assert status(setup, "ps") == (100, 100, 0)
    assert setup.bench.part("dac").probe()["code_b"] == 777
    assert setup.bench.part("dac").probe()["ignored"] == 0


def test_both_converter_outputs_change_only_while_their_light_is_off(setup: Setup, figure: Figure) -> None:
    load(setup, "ps", 60, energy=2000, noise_permille=200)
    load(setup, "co2", 60, energy=1000, noise_permille=200, seed=5)
    shot = [(0, 500), (PS_FIRE, 1250), (0, 1200), (PS_INT_RESET, 600), (PS_INT_RESET | CO2_GATE, 2000)]
    setup.play([(PS_INT_RESET, LEAD), *[*shot, (PS_INT_RESET, 6000)] * 50])
    before = setup.bench.part("dac").probe()
    changes = {"code_a": 0, "code_b": 0}
    for _ in range(100):
        setup.bench.run_until(net="DAC_CS", level=1, edge=True, timeout_ms=100)
        now = setup.bench.part("dac").probe()
        for key, light in (("code_a", "PS_LIGHT"), ("code_b", "CO2_LIGHT")):
            if now[key] != before[key]:
                changes[key] += 1
                assert setup.bench.level(light) == 0
        before = now
    assert min(changes.values()) > 45
    setup.bench.run_for(ms=1)
    assert (status(setup, "ps"), status(setup, "co2")) == ((60, 50, 0), (60, 50, 0))
    dark = sorted(edges(setup, "PS_LIGHT", 0) + edges(setup, "CO2_LIGHT", 0))
    written = edges(setup, "DAC_CS", 1)[-100:]
    worst = max(done - out for out, done in zip(dark, written, strict=True))
    figure("longest time from dark to the next code, idle prompt", round(worst / 125, 1), "us (bench: no cache misses)")


def test_a_trigger_that_comes_too_soon_is_counted_as_late(setup: Setup) -> None:
    load(setup, "co2", 10, delay_cycles=10)
    play(setup, [(0, 1000), (CO2_GATE, 500), (0, 60), (CO2_GATE, 8000), (0, 9000), (CO2_GATE, 500), (0, 9000)])
    assert len(edges(setup, "CO2_LIGHT", 1)) == 3
    assert status(setup, "co2") == (10, 3, 1)


def test_a_shot_that_ends_before_the_code_of_its_own_is_counted_as_late(setup: Setup) -> None:
    load(setup, "co2", 10, delay_cycles=10)
    play(setup, [(0, 1000), (CO2_GATE, 100), (0, 60), (CO2_GATE, 100), (0, 9000), (CO2_GATE, 500), (0, 9000)])
    assert len(edges(setup, "CO2_LIGHT", 1)) == 3
    assert status(setup, "co2") == (10, 3, 1)


@pytest.mark.slow
def test_a_train_of_2000_shots_at_200_hz_is_right_while_garbage_is_collected(setup: Setup, figure: Figure) -> None:
    count, period = 2000, 625_000
    settings = {"delay_cycles": 125, "energy": 2000, "noise_permille": 100, "seed": 11}
    load(setup, "co2", count, **settings)
    setup.rig.start_raw("""
import time
rounds = 0
until = time.ticks_add(time.ticks_ms(), 10500)
while time.ticks_diff(until, time.ticks_ms()) > 0:
    kept = [bytearray(100) for _ in range(50)]
    gc.collect()
    rounds += 1
print(rounds, co2.answered, co2.late)
""")
    codes = codes_while_lit(setup, co2_shots(count, 46_875, period), count, "CO2_LIGHT", "code_b")
    answer = setup.rig.read_until(b"\x04>", timeout_ms=2000).decode()
    rounds, answered, late = (int(field) for field in answer.split("\x04")[0].split())
    figure(
        "shots at 200 Hz with an energy each, garbage collected meanwhile",
        f"{answered}, late {late}",
        "shots",
        "2,000, late 0",
    )
    figure("garbage collections during the train", rounds, "")
    gates = edges(setup, "CO2_GATE", 1)
    assert [b - a for a, b in zip(gates, edges(setup, "CO2_LIGHT", 1), strict=True)] == [125] * count
    assert codes == planned_codes(count, **settings)
    assert (answered, late) == (count, 0)
    assert rounds > 100
    worst = max(
        done - dark for dark, done in zip(edges(setup, "CO2_LIGHT", 0)[:-1], edges(setup, "DAC_CS", 1), strict=True)
    )
    figure(
        "longest time from dark to the next code, collecting garbage",
        round(worst / 125, 1),
        "us (bench: no cache misses)",
    )


def test_both_work_again_after_a_soft_reset_in_the_middle(setup: Setup) -> None:
    load(setup, "ps", 5)
    setup.run_rig("stamps.start([('PS_FIRE', 100)])")
    setup.rig.write(b"\x02")
    setup.rig.read_until(b">>> ")
    setup.rig.write(b"\x04")
    setup.rig.wait_for_repl()
    setup.rig.enter_raw_repl()
    setup.run_rig(MAKE)
    load(setup, "ps", 5)
    setup.run_rig("stamps.start([('PS_FIRE', 100)])")
    play(setup, ps_shots(3))
    assert after(setup, ("PS_FIRE", 1), ("PS_LIGHT", 1)) == [125] * 3
    setup.run_rig("stamps.stop()")
    assert setup.run_rig("print(stamps.count('PS_FIRE'), stamps.stalled('PS_FIRE'))").strip() == "6 False"


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("ps.load(2501)", "2501 shots; allowed: 1 to 2500"),
        ("co2.load(0)", "0 shots; allowed: 1 to 2500"),
        ("ps.configure('delay_cycles', 6); ps.load(1)", "delays with jitter 6 to 6 cycles; allowed: 7 to 65541"),
        ("co2.configure('delay_cycles', 8199); co2.load(1)", "8199 to 8199 cycles; allowed: 7 to 8198"),
        ("ps.configure('jitter_cycles', 100); ps.load(1)", "jitter -222 to 472 cycles; allowed: 7 to 65541"),
        ("co2.configure('trigger', 'PS_FIRE')", "trigger=PS_FIRE; allowed: CO2_GATE"),
    ],
)
def test_what_a_laser_cannot_do_is_refused(setup: Setup, code: str, message: str) -> None:
    with pytest.raises(Exception, match=message):
        setup.run_rig(code)


def test_full_tables_for_both_lasers_beside_a_full_recording(setup: Setup, figure: Figure) -> None:
    setup.run_rig("""
        stamps.start([('PS_FIRE', 15000), ('CO2_GATE', 15000)])
        import time
        begun = time.ticks_us()
        ps.configure('jitter_cycles', 10); ps.configure('noise_permille', 30); ps.load(2500)
        took = time.ticks_diff(time.ticks_us(), begun)
        co2.load(2500)
        gc.collect()
    """)
    free, took = setup.run_rig("print(gc.mem_free(), took)").split()
    figure("heap left with 30,000 edges and 2 x 2,500 shots in use", int(free), "bytes")
    figure("making 2,500 shots with jitter and noise", round(int(took) / 1e6, 2), "s (bench: no cache misses)")
    play(setup, ps_shots(3))
    assert status(setup, "ps") == (2500, 3, 0)
