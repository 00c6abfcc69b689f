"""What was delivered is on record: every shot that left, what a press gave, and what an interrupted pattern reached."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from burst import prepare
from stage import CYCLES_A_MS, Figure, Stage, stage

SHORT = """
    from tandem import catalog
    published = catalog.RECIPES["calcinosis-1-combined"]
    def long_gate():
        from tandem.dose import recipe
        co2 = published().passes[1].changed(co2_energy_uj=200000, rate_mhz=64000, pedal="stamp", presses=2)
        return recipe.Recipe((co2,), name="long-gate")
    def single():
        from tandem.dose import recipe
        ps, co2 = published().passes
        ps = ps.changed(pulses=1, rate_mhz=10000, pedal="repeat", repeat_every_us=200000, patterns_per_press=60)
        return recipe.Recipe((ps, co2.changed(pedal="stamp")), name="single")
    catalog.RECIPES.update({"long-gate": long_gate, "single": single})
"""
LAMP: dict[str, Any] = {
    "kind": "ps",
    "count": 2,
    "period_cycles": 6_250_000,
    "lamp_qswitch": True,
    "ps_first_cycles": 62_500,
    "ps_second_cycles": 1250,
    "ps_settle_cycles": 50_000,
}
GATE_CYCLES = 104_167


@pytest.fixture(scope="module")
def long_gate() -> Iterator[Stage]:
    with stage("long-gate", SHORT) as found:
        yield found


def stop_by_button(s: Stage) -> None:
    s.bench.part("buttons").press(["STANDBY", 100])


def stop_by_a_contact(s: Stage) -> None:
    """The other laser's shutter is not seen closed any more: a fault that neither laser nor SAFE knows of."""
    s.bench.part("ps_shutter").set(closed_contact=0)


@pytest.mark.proves("R-JRN-10")
@pytest.mark.parametrize("stop", [Stage.release, stop_by_button, stop_by_a_contact])
def test_every_shot_that_left_is_on_record(long_gate: Stage, stop: Callable[[Stage], object], figure: Figure) -> None:
    long_gate.again().press()
    long_gate.told("state READY", timeout_ms=4000)
    gates = long_gate.rises("CO2_GATE")
    cut = 0
    moments = [gate + offset for gate in gates[2:5] for offset in range(-2 * CYCLES_A_MS, CYCLES_A_MS, 12_347)]
    for moment in moments:
        long_gate.again().press()
        long_gate.run_to(moment)
        stop(long_gate)
        long_gate.bench.run_for(ms=60)
        landed = long_gate.bench.part("co2_laser").probe()["pulses"]
        made = [shot for shot in long_gate.shots() if shot["verdict"] != "withheld"]
        assert len(made) == len(landed), f"stopped in cycle {moment}"
        assert {shot["verdict"] for shot in made} == {"pass"}, "a gate that is open ends on its cycle"
        cut += len(landed) < len(gates)
    assert cut == len(moments)
    name = getattr(stop, "__name__", "").replace("_", " ")
    figure(f"shots that left and are not on record, {name}, {len(moments)} moments", 0, "shots", "0")


@pytest.mark.proves("R-JRN-10")
def test_a_gate_that_the_guard_cut_is_on_record_with_the_energy_that_came_out(long_gate: Stage) -> None:
    long_gate.again().press()
    gate = long_gate.run_to_shot("CO2_GATE", 3)
    long_gate.bench.part("filter").set(force=0, at_cycle=gate + GATE_CYCLES // 2)
    long_gate.told("fault 1")
    long_gate.bench.run_for(ms=50)
    last = long_gate.shots()[-1]
    assert (last["number"], last["verdict"]) == ("3", "low")
    assert 80_000 < int(last["energy_uj"]) < 120_000


@pytest.mark.proves("R-STA-14", "R-JRN-10")
def test_an_interrupted_pattern_is_closed_with_the_positions_it_reached(session: Stage) -> None:
    session.press()
    session.run_to_shot("CO2_GATE", 4)
    session.release()
    session.told("state READY: the pedal was released")
    session.bench.run_for(ms=50)
    lines = session.ok("shots", timeout_ms=20_000)
    assert lines[-2] == "# incomplete=co2 pass=2 press=1 pattern=1 delivered=4 of=11"
    landed = session.bench.part("co2_laser").probe()["pulses"]
    listed = [shot for shot in session.shots() if shot["laser"] == "co2"]
    assert len(listed) == len(landed) == 4
    for shot, pulse in zip(listed, landed, strict=True):
        assert pulse["x_mm"] * 1000 == pytest.approx(int(shot["x_um"]), abs=5)
        assert pulse["y_mm"] * 1000 == pytest.approx(int(shot["y_um"]), abs=5)
    session.release()
    session.bench.run_for(ms=400)
    session.press()
    session.told("state READY: the pattern is complete", timeout_ms=4000)
    assert len(session.rises("CO2_GATE")) == 4 + 11, "a pattern begins anew, it is not resumed"


@pytest.mark.proves("R-PED-9")
def test_a_press_beyond_the_recipes_limit_does_not_fire(long_gate: Stage) -> None:
    found = long_gate.again()
    for press in (1, 2):
        found.press()
        found.told("state READY: the pattern is complete", timeout_ms=4000)
        found.release()
        found.bench.run_for(ms=500)
        assert found.fields("status")["presses"] == f"{press} of 2"
    found.press()
    found.bench.run_for(ms=1500)
    assert found.state == "READY"
    assert len(found.rises("CO2_GATE")) == 2 * 11
    found.release()
    found.ok("standby")
    found.bench.run_for(ms=500)
    refused = found.board.command("arm", 2000)[-1]
    assert refused.startswith("ERROR 21")
    assert "every press that the recipe allows is used" in refused
    found.use("long-gate")
    found.arm()
    found.press()
    found.told("state READY: the pattern is complete", timeout_ms=4000)
    assert len(found.rises("CO2_GATE")) == 3 * 11


@pytest.mark.proves("R-TIM-4")
def test_a_lamp_that_flashed_when_it_was_stopped_has_no_q_switch_after_it(bare: Stage) -> None:
    prepare(bare, **LAMP)
    bare.board.exec_raw("go()\nwhile not mem32[reg.SIO_IN] & 4:\n    alive()\ns.stop()")
    told = bare.board.exec_raw("print(s.withheld, s.permitted, s.judged('ps'), s.ps_results[0])").split()
    bare.bench.run_for(ms=20)
    assert [edge.level for edge in bare.edges("PS_FIRE")] == [1, 0]
    assert bare.rises("PS_QSW") == []
    assert told == ["True", "1", "0", str(-0x80000000)], "the Q-switch was withheld, and no energy was measured"


def test_a_q_switch_that_came_before_the_stop_is_measured(bare: Stage) -> None:
    prepare(bare, **LAMP)
    bare.board.exec_raw(
        "go()\nfor level in (0, 4):\n    while mem32[reg.SIO_IN] & 4 == level:\n        alive()\ns.stop()"
    )
    told = bare.board.exec_raw("print(s.withheld, s.permitted, s.judged('ps'))").split()
    assert len(bare.rises("PS_QSW")) == 1
    assert told == ["False", "1", "1"]


def test_the_record_of_many_short_patterns_leaves_memory(figure: Figure) -> None:
    with stage("single", SHORT) as found:
        before = int(found.fields("status")["free_bytes"])
        found.press()
        found.told("state READY: the pattern is complete", timeout_ms=20_000)
        after = int(found.fields("status")["free_bytes"])
        figure("memory of a pattern of one shot on record", (before - after) / 60, "bytes", "<= 16")
        assert len(found.shots()) == 60
        assert before - after <= 60 * 16
        found.release()
        found.ok("standby")
        found.use("calcinosis-1")
