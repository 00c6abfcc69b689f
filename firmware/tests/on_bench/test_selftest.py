"""The self-test at boot: every defect ends in FAULT under its own number, with SAFE open, and no driver moves."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from stage import DRIVEN, SHOTS, TRIGGERS, Figure, Stage, flashed
from tandem_tools.bench import Bench
from tandem_tools.bench.stand import controller_stand
from tandem_tools.image import pico_image
from test_stops import WITHOUT_GUARD

LOADING_MS = 1000
"""After power-up, while the firmware is being loaded: its self-test is still to come."""
COILS = ("PS_SHUTTER", "CO2_SHUTTER", "AIM")

PADS = """
from tandem import app
from machine import mem32
def selftest(hardware, sequencer, clean, was=app._selftest):
    for pin in range(2, 6):
        mem32[0x4001C004 + 4 * pin] = 0x56 | 0x80
    return was(hardware, sequencer, clean)
app._selftest = selftest
"""
"""The trigger pins' output stages are dead, so that a short can move the pins."""

REGISTER = """
from tandem import app
from machine import mem32
def selftest(hardware, sequencer, clean, was=app._selftest):
    test = was(hardware, sequencer, clean)
    check = sequencer.check
    def spoilt():
        mem32[ADDRESS] = VALUE
        check()
    sequencer.check = spoilt
    return test
app._selftest = selftest
"""
NO_CONVERSIONS = """
from tandem import app
def selftest(hardware, sequencer, clean, was=app._selftest):
    sequencer.sample = lambda: None
    return was(hardware, sequencer, clean)
app._selftest = selftest
"""
WATCHED = """
import gc, time
from tandem import app
took = {}
def steps(test, was):
    gc.collect()
    took["running_free"] = gc.mem_free()
    began_us = time.ticks_us()
    gc.collect()
    took["gc_us"] = time.ticks_diff(time.ticks_us(), began_us)
    took["count"] = took["worst_us"] = 0
    began_us = time.ticks_us()
    checks = was(test)
    while True:
        step_us = time.ticks_us()
        try:
            next(checks)
        except StopIteration:
            break
        took["worst_us"] = max(took["worst_us"], time.ticks_diff(time.ticks_us(), step_us))
        took["count"] += 1
        yield
    took["all_us"] = time.ticks_diff(time.ticks_us(), began_us)
def selftest(hardware, sequencer, clean, was=app._selftest):
    from tandem.controller import Tandem
    def version(controller):
        gc.collect()
        took["after_free"] = gc.mem_free()
        return list(took.items())
    Tandem.version = version
    gc.collect()
    took["before_free"] = gc.mem_free()
    test = was(hardware, sequencer, clean)
    gc.collect()
    took["loaded_free"] = gc.mem_free()
    kind = type(test)
    inner = kind.steps
    kind.steps = lambda self: steps(self, inner)
    return test
app._selftest = selftest
"""
"""Measures time and memory of the self-test's steps; `version` tells."""


@contextmanager
def powered_up(prelude: str = "") -> Generator[Stage]:
    """Give a board that has just been switched on, `LOADING_MS` ago, saved as "loading"."""
    with Bench(controller_stand(pico_image(), flash=flashed(prelude=prelude))) as bench:
        found = Stage(bench)
        bench.run_for(ms=LOADING_MS)
        found.save("loading")
        yield found


@pytest.fixture(scope="module")
def _loading() -> Iterator[Stage]:
    with powered_up() as found:
        yield found


@pytest.fixture
def loading(_loading: Stage) -> Stage:
    """A sound board, its firmware being loaded."""
    return _loading.again("loading")


def fault_of(stage: Stage, moved: tuple[str, ...] = ()) -> tuple[int, str]:
    """Run to the end of the self-test and on; return the fault's number and the detail.

    Nothing may have moved since power-up but what the defect itself moves; SAFE stays open and nothing can be armed.
    """
    stage.told("# fault ", timeout_ms=9000)
    stage.bench.run_for(ms=2000)
    assert stage.rises(tuple(net for net in (*SHOTS, *DRIVEN, *COILS) if net not in moved)) == []
    found = stage.fields("faults")
    assert found["present"] == "1"
    assert stage.board.command("arm")[-1].startswith("ERROR")
    assert stage.board.command("clear")[-1].startswith("ERROR")
    stage.bench.run_for(ms=300)
    assert stage.state == "FAULT"
    if "SAFE" not in moved:
        assert not stage.bench.level("SAFE"), "HEARTBEAT goes on after a failed self-test"
    return int(found["fault"]), found["detail"]


def test_a_sound_board_passes_and_is_ready_in_time(figure: Figure) -> None:
    with powered_up(WATCHED) as stage:
        stage.boot()
        seen = {key: int(value) for key, value in stage.fields("version").items()}
        assert stage.rises(TRIGGERS + DRIVEN + COILS) == []
        (safe,) = stage.rises("SAFE")
        beats = [cycle for cycle in stage.rises("HEARTBEAT") if cycle < safe]
        assert len(beats) >= 4
    taken = seen["before_free"] - seen["loaded_free"]
    left = taken - (seen["after_free"] - seen["running_free"])
    figure("self-test at boot, in all", round(seen["all_us"] / 1000), "ms", "at most 1500")
    figure(f"longest of {seen['count']} steps of the self-test", round(seen["worst_us"] / 1000, 1), "ms")
    figure("one garbage collection, which can fall into a step", round(seen["gc_us"] / 1000, 1), "ms")
    figure("memory that the self-test takes while it runs", taken, "bytes")
    figure("memory that is kept of it, programs written by it included", left, "bytes")
    assert seen["all_us"] <= 1_500_000
    assert left < taken / 2, "the self-test stays in memory"


@pytest.mark.parametrize("net", ["ESTOP_CLOSED", "DOOR_CLOSED", "KEY_ON"])
def test_an_open_chain_is_no_fault_at_boot(loading: Stage, net: str) -> None:
    values: dict[str, Any] = {net.split("_")[0].lower(): 0}
    loading.bench.part("chain").set(**values)
    loading.boot()
    loading.bench.run_for(ms=500)
    assert loading.state == "STANDBY"
    assert not loading.bench.level("SAFE")


def test_a_safe_that_stays_open_is_shown_in_standby(loading: Stage) -> None:
    loading.bench.part("filter").set(force=0)
    loading.boot()
    loading.bench.run_for(ms=500)
    assert loading.state == "STANDBY"
    assert any("cannot_arm" in line and "SAFE" in line for line in loading.ok("status"))


@pytest.mark.proves("R-TST-1")
@pytest.mark.parametrize("net", TRIGGERS)
def test_a_trigger_that_is_stuck_high(net: str) -> None:
    with powered_up(PADS) as stage:
        stage.bench.set_pin(net, 1)
        number, detail = fault_of(stage, moved=(net,))
    assert number == 81
    assert re.fullmatch(r"GP[2-5] reads 1, expected 0", detail)


@pytest.mark.proves("R-TST-1")
def test_an_integrator_reset_that_is_stuck(loading: Stage) -> None:
    loading.bench.set_pin("PS_INT_RESET", 0)
    assert fault_of(loading) == (81, "GP7 reads 0, expected 1")


@pytest.mark.proves("R-TST-3", "R-STP-11")
def test_safe_that_does_not_open_without_heartbeat(loading: Stage) -> None:
    loading.bench.part("filter").set(force=1)
    number, detail = fault_of(loading, moved=("SAFE",))
    assert number == 17
    assert "SAFE reads 1" in detail


@pytest.mark.proves("R-TST-3", "R-STP-11")
@pytest.mark.parametrize(("net", "read"), [("ESTOP_CLOSED", 6), ("DOOR_CLOSED", 5), ("KEY_ON", 3)])
def test_safe_closed_with_a_contact_of_the_chain_open(loading: Stage, net: str, read: int) -> None:
    loading.bench.set_pin(net, 0)
    number, detail = fault_of(loading)
    assert number == 19
    assert f"bits {read} are read" in detail


@pytest.mark.proves("R-PER-10", "R-TST-6")
@pytest.mark.parametrize(
    ("what", "address", "value"),
    [
        ("divider of the guard", 0x50200000 + 0xC8 + 24 * 3, 2 << 16),
        ("divider of the CO2 shots", 0x50200000 + 0xC8 + 24 * 2, 1 << 16 | 1 << 8),
        ("wrap of the ps shots", 0x50200000 + 0xCC + 24, 0),
        ("pins of the guard", 0x50200000 + 0xDC + 24 * 3, (4 << 29) | (2 << 10)),
        ("pins of the CO2 window", 0x50300000 + 0xDC + 24, 0),
        ("function of GP4", 0x40014000 + 8 * 4 + 4, 5),
        ("override of GP2", 0x40014000 + 8 * 2 + 4, 6 | 2 << 8),
        ("pad of GP3", 0x4001C004 + 4 * 3, 0x5A),
    ],
)
def test_a_register_that_differs(what: str, address: int, value: int) -> None:
    with powered_up(REGISTER.replace("ADDRESS", hex(address)).replace("VALUE", hex(value))) as stage:
        number, detail = fault_of(stage)
    assert number == 82, what
    assert "does not read back as written" in detail


@pytest.mark.proves("R-TST-1")
@pytest.mark.parametrize("pattern", [0b000, 0b011, 0b110, 0b111])
def test_an_input_register_without_its_pattern(loading: Stage, pattern: int) -> None:
    loading.bench.part("inputs").set(pattern=pattern << 13)
    number, detail = fault_of(loading)
    assert number == 83
    assert "must be 0, 1, 0" in detail


@pytest.mark.proves("R-TST-4")
@pytest.mark.parametrize(
    ("prelude", "told"),
    [
        ("import machine\nmachine.freq(133_000_000)\n", "set to 133000000 Hz"),
        ("from machine import mem32\nmem32[0x40008040] = 2 << 8\n", "cycles in"),
    ],
)
def test_a_wrong_clock(prelude: str, told: str) -> None:
    with powered_up(prelude) as stage:
        number, detail = fault_of(stage)
    assert number == 84
    assert told in detail


@pytest.mark.proves("R-TST-4")
@pytest.mark.parametrize(("channel", "name"), [(0, "PS_ENERGY"), (1, "CO2_ENERGY")])
@pytest.mark.parametrize("volts", [0.0, 0.18, 3.3])
def test_an_energy_channel_that_is_not_dark_or_not_there(loading: Stage, channel: int, name: str, volts: float) -> None:
    loading.bench.set_analog(f"controller.ADC{channel}", volts)
    number, detail = fault_of(loading)
    assert number == 85
    assert detail.startswith(f"{name} reads ")


def test_an_integrator_that_fills_while_it_is_released(loading: Stage) -> None:
    loading.bench.part("integrator").set(droop_v_per_s=-100)
    number, detail = fault_of(loading)
    assert number == 85
    assert detail.startswith("PS_ENERGY reads ") and "released" in detail


def test_conversions_that_do_not_arrive() -> None:
    with powered_up(NO_CONVERSIONS) as stage:
        number, detail = fault_of(stage)
    assert number == 85
    assert detail.startswith("0 conversions arrived")


@pytest.mark.proves("R-TST-6")
@pytest.mark.parametrize(
    ("error", "number", "told"),
    [("MemoryError('no room')", 73, "no room"), ("KeyError('lost')", 72, "KeyError: lost")],
)
def test_an_error_in_the_self_test_is_a_fault_too(error: str, number: int, told: str) -> None:
    prelude = NO_CONVERSIONS.replace("lambda: None", "spoilt")
    with powered_up(f"def spoilt():\n    raise {error}\n" + prelude) as stage:
        assert fault_of(stage) == (number, told)


@pytest.mark.proves("R-TST-2")
def test_a_guard_that_holds_nothing_is_found_without_raising_a_trigger() -> None:
    with powered_up(WITHOUT_GUARD) as stage:
        number, _ = fault_of(stage)
    assert number == 86


@pytest.mark.proves("R-TST-4")
@pytest.mark.parametrize("volts", [2.5, 2.95])
def test_a_reference_that_is_low(loading: Stage, volts: float) -> None:
    loading.bench.set_analog("controller.ADC_VREF", volts)
    number, detail = fault_of(loading)
    assert number == 89
    assert "degrees C" in detail


@pytest.mark.parametrize("volts", [3.0, 3.6])
def test_a_reference_that_the_sensor_cannot_tell_from_a_sound_one(loading: Stage, volts: float, figure: Figure) -> None:
    loading.bench.set_analog("controller.ADC_VREF", volts)
    loading.boot()
    figure("reference that the self-test lets pass, at 27 degrees C", volts, "V")


@pytest.fixture(scope="module")
def prompt() -> Iterator[Stage]:
    """The controller stopped by Ctrl-C, at the prompt: files can be changed."""
    with powered_up() as found:
        found.boot()
        found.board.write(b"\x03")
        found.told(">>> ")
        found.save("prompt")
        yield found


MANIFEST_CHANGED = """
with open("/tandem/manifest.json") as f:
    text = f.read()
at = text.find('"boot.py": "') + 12
with open("/tandem/manifest.json", "w") as f:
    f.write(CHANGED)
"""
CUT = MANIFEST_CHANGED.replace("CHANGED", 'text[:len(text) // 2].rsplit("\\n", 1)[0] + "\\n"')
DROPPED = MANIFEST_CHANGED.replace("CHANGED", '"\\n".join([l for l in text.split("\\n") if "window" not in l])')
LONGER = MANIFEST_CHANGED.replace("CHANGED", """text.replace('"boot.py": "', '"boot.py": "0')""")
FLIPPED = MANIFEST_CHANGED.replace("CHANGED", 'text[:at] + "0123" + text[at + 4 :]')
TWICE = MANIFEST_CHANGED.replace("CHANGED", """text.replace('"files": {', '"files": {\\n' + text.split("\\n")[4])""")


@pytest.mark.proves("R-TST-5")
@pytest.mark.parametrize(
    ("damage", "told"),
    [
        ("with open('/boot.py', 'a') as f: f.write('#')", "boot.py is not the one of the manifest"),
        ("with open('/tandem/energy/window.mpy', 'ab') as f: f.write(b'0')", "tandem/energy/window.mpy is not the one"),
        ("import os; os.remove('/prelude.py')", "prelude.py is missing"),
        ("import os; os.remove('/tandem/manifest.json')", "manifest.json is missing"),
        ("open('/tandem/manifest.json', 'w').close()", "manifest.json is cut short"),
        (CUT, "manifest.json is cut short"),
        (DROPPED, "/tandem/energy/window.mpy is not of the program"),
        (LONGER, "manifest.json is missing or damaged"),
        (FLIPPED, "boot.py is not the one of the manifest"),
        (TWICE, "manifest.json names a file twice"),
        ("open('/tandem/extra.py', 'w').close()", "/tandem/extra.py is not of the program"),
        ("import os; os.mkdir('/lib'); open('/lib/extra.mpy', 'w').close()", "/lib/extra.mpy is not of the program"),
    ],
)
def test_a_program_that_differs_from_its_manifest(prompt: Stage, damage: str, told: str) -> None:
    prompt.again("prompt").board.enter_raw_repl()
    prompt.board.exec_raw(damage)
    prompt.board.reset("power")
    prompt.bench.clear_edges()
    number, detail = fault_of(prompt)
    assert number == 88
    assert re.search(told, detail), detail


CAUSE = """
from tandem.io.rp2_selftest import reset_cause
from tandem.timing.rp2 import sequencer
print(reset_cause(not sequencer.started_before()))
"""


def cause_after(stage: Stage) -> str:
    """Wait for the prompt and ask why the board started."""
    stage.board.wait_for_repl(timeout_ms=8000)
    return stage.board.exec(CAUSE).strip()


@pytest.mark.proves("R-SUP-9")
def test_why_the_board_started_is_told(bare: Stage) -> None:
    bare.board.leave_raw_repl()
    found = {}
    bare.board.reset("power")
    found["power"] = cause_after(bare)
    found["soft"] = cause_after(bare)
    bare.board.reset("run_pin")
    found["run_pin"] = cause_after(bare)
    bare.board.enter_raw_repl()
    bare.board.start_raw("import machine\nmachine.WDT(timeout=50)\nwhile True: pass")
    bare.bench.run_for(ms=200)
    found["watchdog"] = cause_after(bare)
    bare.board.enter_raw_repl()
    bare.board.start_raw("import machine\nmachine.reset()")
    bare.bench.run_for(ms=200)
    found["machine.reset()"] = cause_after(bare)
    assert found == {
        "power": "power_on",
        "soft": "soft_reset",
        "run_pin": "run_pin",
        "watchdog": "watchdog",
        "machine.reset()": "software",
    }
