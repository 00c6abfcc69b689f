"""Ctrl-C and soft resets, as mpremote makes them, at any moment: open gates end, nothing fires, only a hard reset arms.

A soft reset frees the memory in which the program ran, but the machines of the PIO go on.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Literal

import pytest
from moments import GATE_CYCLES, GUARD_CYCLES, PERMITS_BY_HAND, Press, dip, latency, within
from stage import CYCLES_A_MS, DRIVEN, SHOTS, TRIGGERS, Figure, Stage, scene

PIO0_IRQ = 0x50200030
GUARD_FLAG = 1 << 4
LAMP_TO_QSW_CYCLES = 21_250
QSW_CYCLES = 1250
SLOW_OUTPUTS = ("PS_SHUTTER", "CO2_SHUTTER", "AIM", "LAMP_READY", "LAMP_EMISSION_1", "LAMP_EMISSION_2", "BUZZER")
REFUSAL = "a soft reset came before: hard reset needed"

ONE_GATE = PERMITS_BY_HAND.replace("range(4)", "range(1)")
ONE_LAMP = (
    ONE_GATE.replace("b.gate_cycles = 46875", "b.kind = 'ps'; b.lamp_qswitch = True")
    .replace("b.co2_window", "b.ps_first_cycles = 21250\nb.ps_second_cycles = 1250\nb.ps_settle")
    .replace("b.codes", "codes")
    .replace("sequencer.CO2] = b.gate_cycles - 2", "sequencer.PS] = 21248 | 1247 << 17")
)
RESETS_AFTER_RISE = """
import time
while not mem32[reg.SIO_IN] & PINS:
    pass
time.sleep_us(AFTER_US)
machine.soft_reset()
"""


def resetting(source: str, pin: int, after_us: int) -> str:
    """Return source that fires one shot, and soft-resets so many microseconds after the rise of a pin."""
    return source + RESETS_AFTER_RISE.replace("PINS", str(1 << pin)).replace("AFTER_US", str(after_us))


@pytest.fixture(scope="module")
def press(_session: Stage) -> Press:
    return Press(_session)


@pytest.fixture(scope="module")
def bare_stage() -> Iterator[Stage]:
    with scene() as found:
        found.bench.part("filter").set(force=1)
        found.save("repl")
        yield found


def widths(stage: Stage, net: str, since: int) -> set[int]:
    """Return the widths, in cycles, of a net's pulses since a cycle; it has to be low at the end."""
    assert stage.high((net,)) == []
    edges = stage.edges(net, since)
    ups, downs = ([e.cycle for e in edges if e.level == level] for level in (1, 0))
    if len(downs) > len(ups):
        downs = downs[1:]
    return {down - up for up, down in zip(ups, downs, strict=True)}


def restarted(stage: Stage) -> None:
    """Run through the soft reset and on, past every slot that was due."""
    stage.told("soft reboot")
    stage.bench.run_for(ms=30)


@pytest.mark.proves("R-PER-6")
def test_a_soft_reset_in_an_open_gate_lets_it_end_on_its_cycle(bare_stage: Stage, figure: Figure) -> None:
    random = Random(21)
    found: set[int] = set()
    moments = sorted({random.randrange(350) for _ in range(24)})
    for after_us in moments:
        stage = bare_stage.again("repl")
        stage.board.start_raw(resetting(ONE_GATE, 4, after_us))
        start = stage.run_to_shot("CO2_GATE")
        restarted(stage)
        found |= widths(stage, "CO2_GATE", start)
        assert stage.rises(SHOTS, start) == [start]
        assert stage.high(TRIGGERS + DRIVEN) == []
    figure(f"gates over which a soft reset came, {len(moments)} moments", max(found), "cycles", str(GATE_CYCLES))
    assert found == {GATE_CYCLES}


@pytest.mark.proves("R-STP-4")
def test_the_guard_lives_through_a_soft_reset(bare_stage: Stage, figure: Figure) -> None:
    random = Random(22)
    found: list[int] = []
    for after_us in (random.randrange(100) for _ in range(12)):
        stage = bare_stage.again("repl")
        stage.board.start_raw(resetting(ONE_GATE, 4, after_us))
        start = stage.run_to_shot("CO2_GATE")
        fell = start + random.randrange((after_us + 20) * 125, GATE_CYCLES)
        dip(stage, fell, 3, back=1)
        restarted(stage)
        found.append(latency(stage, fell))
    assert min(found) > 0
    name = f"SAFE low to every trigger low, in a soft reset, {len(found)} moments"
    figure(name, max(found), "cycles", f"at most {GUARD_CYCLES}")


@pytest.mark.proves("R-PER-6")
def test_a_soft_reset_between_lamp_and_q_switch_is_too_late_to_move_it(bare_stage: Stage, figure: Figure) -> None:
    random = Random(23)
    delays: set[int] = set()
    moments = sorted({random.randrange(160) for _ in range(20)})
    for after_us in moments:
        stage = bare_stage.again("repl")
        stage.board.start_raw(resetting(ONE_LAMP, 2, after_us))
        lamp = stage.run_to_shot("PS_FIRE")
        restarted(stage)
        (qsw,) = stage.rises("PS_QSW", lamp)
        assert stage.rises("PS_FIRE", lamp) == [lamp]
        assert widths(stage, "PS_QSW", lamp) == {QSW_CYCLES}
        assert stage.high(TRIGGERS + DRIVEN) == []
        delays.add(qsw - lamp)
    name = f"lamp to Q-switch over which a soft reset came, {len(moments)} moments"
    figure(name, max(delays), "cycles", str(LAMP_TO_QSW_CYCLES))
    assert delays == {LAMP_TO_QSW_CYCLES}


def interrupted(stage: Stage) -> int:
    """Press Ctrl-C and wait for the prompt; return the shots that began since."""
    since = stage.cycle
    stage.board.write(b"\x03")
    stage.told(">>> ")
    return len(stage.rises(("PS_FIRE", "CO2_GATE"), since + 1))


def soft_reset_at(press: Press, moment: int) -> int:
    """Ctrl-C at a moment of the burst, then Ctrl-D; returns the shots that began after Ctrl-C, of which none is cut."""
    stage = press.at(moment)
    since = stage.cycle
    shots = interrupted(stage)
    prompt = stage.cycle
    stage.board.write(b"\x04")
    restarted(stage)
    assert stage.rises(SHOTS, prompt + 1) == []
    assert widths(stage, "CO2_GATE", since) <= {GATE_CYCLES}
    assert stage.high(TRIGGERS + DRIVEN) == []
    return shots


@pytest.mark.proves("R-PER-6")
def test_ctrl_c_and_ctrl_d_in_a_burst_cut_no_gate_and_fire_nothing_more(press: Press, figure: Figure) -> None:
    random = Random(24)
    ahead = 2 * CYCLES_A_MS
    moments = [within(random, [rise - ahead for rise in press.co2[1:-2]], ahead + GATE_CYCLES) for _ in range(16)]
    moments += [within(random, [rise - ahead for rise in press.ps[1:]], ahead) for _ in range(6)]
    found = [soft_reset_at(press, moment) for moment in moments]
    name = f"shots after Ctrl-C in a burst, {len(found)} moments"
    figure(name, max(found), "shots", "at most 1, which had its permit")
    assert set(found) <= {0, 1}


@pytest.mark.proves("R-PER-6")
@pytest.mark.parametrize("state", ["READY", "FIRING"])
def test_ctrl_c_makes_everything_safe(press: Press, state: str, figure: Figure) -> None:
    stage = press.at(press.co2[3] + 1000) if state == "FIRING" else press.stage.again()
    stage.board.write(b"\x03")
    start_ps, since = stage.bench.now_ps, stage.cycle
    stage.told(">>> ")
    figure(f"Ctrl-C in {state} to the prompt", round((stage.bench.now_ps - start_ps) / 1e9, 1), "ms")
    prompt = stage.cycle
    assert stage.high(SLOW_OUTPUTS) == []
    stage.bench.run_until(net="SAFE", level=0, timeout_ms=600)
    stage.bench.run_for(ms=10_000)
    assert stage.board.frequency_hz == 125e6, "the watchdog does not bite"
    assert stage.rises(SHOTS, prompt + 1) == []
    assert len(stage.rises(SHOTS, since + 1)) <= 1
    assert stage.high(TRIGGERS + DRIVEN + SLOW_OUTPUTS) == []
    assert stage.board.exec("print(6 * 7)") == "42\n"


def arms(stage: Stage) -> str:
    """Take the recipe into use and ask for arming; return the answer."""
    stage.use("calcinosis-1-combined")
    stage.bench.run_for(ms=400)
    return stage.board.command("arm", timeout_ms=2000)[-1]


@pytest.mark.proves("R-STA-12")
@pytest.mark.parametrize(("state", "how"), [("READY", "run_pin"), ("FIRING", "power")])
def test_only_a_hard_reset_arms_again(press: Press, state: str, how: Literal["run_pin", "power"]) -> None:
    stage = press.at(press.co2[3] + 1000) if state == "FIRING" else press.stage.again()
    interrupted(stage)
    assert not stage.board.word(PIO0_IRQ) & GUARD_FLAG
    stage.release()
    prompt = stage.cycle
    for _ in range(2):
        stage.board.write(b"\x04")
        stage.boot()
        assert REFUSAL in arms(stage)
        stage.board.write(b"\x03")
        stage.told(">>> ")
    assert stage.board.word(PIO0_IRQ) & GUARD_FLAG, "the guard lived on, and latched when SAFE opened"
    assert stage.rises(SHOTS, prompt + 1) == []
    stage.board.reset(how)
    stage.boot()
    assert arms(stage).startswith("OK")
    stage.told("state READY", timeout_ms=8000)
