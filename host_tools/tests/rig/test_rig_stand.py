"""The emulated stand of two boards: every wire carries its signal, and one board switches the other."""

from __future__ import annotations

import ast
import time
from collections.abc import Callable

import pytest
import serial
from rig_harness import AT_RIG, BOARD, PINS, ROOM, Pair
from tandem_tools.bench import Bench
from tandem_tools.bench.flashed import flash_with
from tandem_tools.bench.stand import CALIBRATION, chain_bits
from tandem_tools.flash.program import MANIFEST, build_program
from tandem_tools.image import pico_image
from tandem_tools.rig.emulated import rig_stand
from tandem_tools.rig.wiring import WiringError, load_wiring

Figure = Callable[..., None]
WIRING = load_wiring("emulated")
INPUTS = {wire.signal: wire.controller for wire in WIRING.wires if wire.rig.startswith("OUT")}
TO_PINS = [name for name, at in INPUTS.items() if at.startswith("GP")]
TO_REGISTER = [name for name, at in INPUTS.items() if at.startswith("IN")]
CODE_V = CALIBRATION.v_per_count


def test_the_two_boards_start_without_a_conflict_and_with_nothing_on(pair: Pair) -> None:
    assert pair.bench.conflicts() == []
    assert pair.value(pair.controller, "exchange(0)") == BOARD.IN_PATTERN
    assert pair.put() == PINS.IN_PATTERN
    assert set(pair.bench.levels([*TO_PINS, "RUN_LOW", "SUPPLY_OFF"]).values()) == {0}


def test_each_slow_output_of_the_rig_reaches_its_own_input_of_the_controller_and_no_other(pair: Pair) -> None:
    for name in (*TO_PINS, *TO_REGISTER):
        pair.put(name)
        pins = {other: WIRING.controller_pin(other) for other in TO_PINS}
        levels, word = pair.value(pair.controller, f"([Pin(p).value() for p in {list(pins.values())}], exchange(0))")
        seen = [other for other, level in zip(pins, levels, strict=True) if level]
        bits = [other for other, bit in chain_bits(BOARD, "IN_").items() if word >> bit & 1]
        assert [*seen, *bits] == [name]
        assert word & BOARD.IN_PATTERN_MASK == BOARD.IN_PATTERN


def test_each_slow_output_of_the_controller_reaches_its_own_bit_at_the_rig(pair: Pair) -> None:
    for name, bit in chain_bits(BOARD, "OUT_").items():
        pair.controller.exec_raw(f"exchange({1 << bit})")
        assert pair.put() == PINS.IN_PATTERN | 1 << PINS.IN_NAMES.index(name)


def test_each_pin_that_the_controller_drives_reaches_its_own_pin_of_the_rig(pair: Pair) -> None:
    driven = ("PS_FIRE", "PS_QSW", "CO2_GATE", "SYNC_OUT", "HEARTBEAT", "PS_INT_RESET")
    watched = f"[Pin(p).value() for p in {[getattr(PINS, name) for name in PINS.WATCHED]}]"
    pair.controller.exec_raw(f"for p in {[getattr(BOARD, name) for name in driven]}: Pin(p, Pin.OUT, value=0)")
    for name in driven:
        pair.controller.exec_raw(f"Pin({getattr(BOARD, name)}).value(1)")
        seen = [other for other, level in zip(PINS.WATCHED, pair.value(pair.rig, watched), strict=True) if level]
        assert seen == [name]
        pair.controller.exec_raw(f"Pin({getattr(BOARD, name)}).value(0)")


def test_the_lasers_answers_reach_the_controller(pair: Pair) -> None:
    for name in ("PS_SYNC", "CO2_SYNC"):
        pair.rig.exec_raw(f"Pin({getattr(PINS, name)}, Pin.OUT, value=1)")
        answers = [BOARD.PS_SYNC, BOARD.CO2_SYNC]
        expected = [int(name == "PS_SYNC"), int(name == "CO2_SYNC")]
        assert pair.value(pair.controller, f"[Pin(p).value() for p in {answers}]") == expected
        pair.rig.exec_raw(f"Pin({getattr(PINS, name)}, Pin.OUT, value=0)")


def test_the_rigs_relays_close_the_chain_and_the_drivers_follow_the_triggers(pair: Pair) -> None:
    pair.controller.exec_raw(f"beat = PWM(Pin({BOARD.HEARTBEAT}), freq=100, duty_u16=32768)")
    fire = (BOARD.PS_FIRE, BOARD.PS_QSW, BOARD.CO2_GATE)
    pair.controller.exec_raw(f"for p in {fire}: Pin(p, Pin.OUT, value=1)")
    pair.put("ESTOP_CLOSED", "DOOR_CLOSED")
    pair.bench.run_for(ms=500)
    driven = f"[Pin(p).value() for p in {[PINS.SAFE, PINS.PS_FIRE_DRV, PINS.PS_QSW_DRV]}]"
    assert pair.value(pair.rig, driven) == [0, 0, 0]
    pair.put("ESTOP_CLOSED", "DOOR_CLOSED", "KEY_ON")
    pair.bench.run_for(us=20)
    assert pair.value(pair.rig, driven) == [1, 1, 1]
    assert [e.level for e in pair.bench.edges("CO2_GATE_DRV")] == [], "the one-shot stands between"
    pair.controller.exec_raw(f"Pin({BOARD.CO2_GATE}).value(0); Pin({BOARD.CO2_GATE}).value(1)")
    pair.bench.run_for(ms=2)
    rise, fall = pair.bench.edges("CO2_GATE_DRV")
    assert fall.time_ps - rise.time_ps == pytest.approx(1.2e9, abs=1e6)


@pytest.mark.parametrize(("laser", "output", "channel"), [("ps", 0, 0), ("co2", 0x8000, 1)])
def test_the_rigs_converter_reaches_the_energy_input_through_its_switch_alone(
    pair: Pair, laser: str, output: int, channel: int
) -> None:
    dark = round(CALIBRATION.ps_offset_v / CODE_V)
    for code in (100, 2048, 4000):
        pair.rig.exec_raw(f"light[{laser!r}](0); send({output | 0x3000 | code})")
        assert pair.value(pair.controller, "[code(0), code(1)]") == pytest.approx([dark, dark], abs=1)
        pair.rig.exec_raw(f"light[{laser!r}](1)")
        both = pair.value(pair.controller, "[code(0), code(1)]")
        assert both[channel] == pytest.approx(code, abs=1)
        assert both[1 - channel] == pytest.approx(dark, abs=1)


def test_frames_of_sixteen_bits_and_more_words_than_the_buffer_holds_reach_parts_on_the_second_bus(pair: Pair) -> None:
    pair.rig.exec_raw(
        "base = 0x40040000\nmem32[base + 4] = 0\nmem32[base] = mem32[base] & ~15 | 15\nmem32[base + 4] = 2\n"
        "cs(0)\nmem32[base + 8] = 0x3abc\nwhile mem32[base + 12] & 16: pass\ncs(1)"
    )
    assert pair.bench.part("rig_dac").probe()["code_a"] == 0xABC
    pair.rig.exec_raw("mem32[base + 4] = 0\nmem32[base] = mem32[base] & ~15 | 7\nmem32[base + 4] = 2")
    pair.rig.exec_raw("cs(0)\ndac.write(bytes(64))\ncs(1)\nsend(0xb123)")
    found = pair.bench.part("rig_dac").probe()
    assert (found["code_b"], found["words"], found["ignored"]) == (0x123, 2, 1)


def test_every_handpiece_reads_as_its_voltage(pair: Pair) -> None:
    for number, name in enumerate((*PINS.HANDPIECES, "none", "none", "none")):
        pair.put(*(f"HANDPIECE_{bit}" for bit in range(3) if number >> bit & 1))
        volts = pair.value(pair.controller, "code(2)") * CODE_V
        assert volts == pytest.approx(CALIBRATION.handpiece_v[name], abs=2 * CODE_V)


@pytest.mark.parametrize("held_ms", [1, 3000])
def test_a_run_line_held_low_stops_the_controller_until_it_is_released(pair: Pair, held_ms: int) -> None:
    pair.controller.exec_raw(f"Pin({BOARD.SYNC_OUT}, Pin.OUT, value=1)")
    pair.put("RUN_LOW", "FOOT_NC")
    assert pair.bench.level("SYNC_OUT") == 0
    pair.bench.run_for(ms=held_ms)
    assert pair.controller.status["usb"] == "detached"
    assert pair.bench.part("run_line").probe() == {"board": "controller", "low": 1}
    pair.controller.read()
    pair.put("FOOT_NC")
    assert "Raspberry Pi Pico" in pair.controller.wait_for_repl()
    assert pair.controller.exec("import machine; print(machine.reset_cause())").strip() == "1"
    assert [e["event"] for e in pair.bench.log("run_line")] == ["low", "released"]


def test_the_controllers_port_stays_the_same_while_its_run_line_is_held_low_and_after(pair: Pair) -> None:
    path = pair.controller.port
    low = 1 << PINS.OUT_NAMES.index("RUN_LOW")
    pair.rig.start_raw(f"time.sleep(0.1); exchange({low}); time.sleep(2); exchange(0)")
    with serial.Serial(path, timeout=0.2) as port, pair.bench.free_running():
        came, ends = b"", time.monotonic() + 60
        while not came.endswith(b">>> ") and time.monotonic() < ends:
            came += port.read(200)
        port.write(b"print(6 * 7)\r")
        while b"42\r\n" not in came and time.monotonic() < ends:
            came += port.read(200)
    assert b"Raspberry Pi Pico" in came and b"42\r\n" in came
    assert pair.controller.port == path
    pair.controller.close_port()


def test_the_supply_switch_takes_the_controller_and_its_parts_off_and_on(pair: Pair) -> None:
    pair.controller.exec_raw(f"exchange({BOARD.OUT_AIM}); Pin({BOARD.SYNC_OUT}, Pin.OUT, value=1)")
    pair.controller.write_memory(0x20040100, b"remember")
    assert pair.put("FOOT_NC") & 1 << PINS.IN_NAMES.index("AIM")
    assert pair.put("FOOT_NC", "SUPPLY_OFF") and not pair.controller.status["powered"]
    assert pair.bench.levels(["SYNC_OUT", "AIM", "FOOT_NC"]) == {"SYNC_OUT": 0, "AIM": 0, "FOOT_NC": 1}
    assert pair.bench.part("supervisor").probe()["reason"] == "no supply"
    pair.bench.run_for(ms=500)
    pair.put("FOOT_NC")
    pair.controller.wait_for_repl()
    assert pair.controller.memory(0x20040100, 8) != b"remember"
    assert pair.value(pair.rig, "6 * 7") == 42, "the rig went on all the while"


def test_a_supply_that_returns_while_run_is_low_starts_nothing_until_run_is_released(pair: Pair) -> None:
    pair.put("RUN_LOW", "SUPPLY_OFF")
    pair.put("RUN_LOW")
    pair.bench.run_for(ms=300)
    assert pair.controller.status["usb"] == "detached" and pair.controller.status["powered"]
    pair.put()
    pair.controller.wait_for_repl()


def test_a_rig_that_loses_its_supply_leaves_the_room_open_and_dark_and_the_controller_running(pair: Pair) -> None:
    pair.rig.exec_raw("send(0x3000 | 4000); light['ps'](1)")
    pair.put("ESTOP_CLOSED", "DOOR_CLOSED", "KEY_ON", "FOOT_NC", "RUN_LOW")
    assert pair.bench.level("CHAIN") == 1
    pair.rig.power(False)
    assert pair.bench.levels(["CHAIN", "FOOT_NC", "KEY_ON"]) == {"CHAIN": 0, "FOOT_NC": 0, "KEY_ON": 0}
    pair.controller.wait_for_repl()
    codes = pair.controller.exec("from machine import ADC\nprint([ADC(i).read_u16() >> 4 for i in range(3)])")
    assert ast.literal_eval(codes) == pytest.approx([24, 24, 4095], abs=1)


def test_a_saved_state_holds_a_step_of_the_light_on_its_way_and_a_held_run_line(pair: Pair) -> None:
    pair.rig.exec_raw("send(0x3000 | 4000); light['ps'](1)")
    pair.put("RUN_LOW")
    state = pair.bench.save()
    before = [pair.bench.part(name).probe() for name in ("ps_switch", "run_line")]
    pair.put()
    pair.rig.exec_raw("light['ps'](0)")
    pair.controller.wait_for_repl()
    pair.bench.restore(state)
    assert [pair.bench.part(name).probe() for name in ("ps_switch", "run_line")] == before
    pair.put()
    pair.controller.wait_for_repl()


def test_both_crystals_run_as_far_off_as_the_wiring_says(pair: Pair, figure: Figure) -> None:
    wave = "PWM(Pin({})).init(freq=2000, duty_u16=32768)"
    pair.controller.exec_raw(wave.format(BOARD.SYNC_OUT))
    pair.rig.exec_raw(wave.format(PINS.PS_SYNC))
    pair.bench.clear_edges()
    pair.bench.run_for(ms=12)
    for net, ppm in (("SYNC_OUT", WIRING.controller_ppm), ("PS_SYNC", WIRING.rig_ppm)):
        rises = [edge.time_ps for edge in pair.bench.edges(net) if edge.level]
        took = rises[16] - rises[0]
        figure(f"1,000,000 cycles on {net}, crystal {ppm:+.0f} ppm", took / 1e6, "us")
        assert took == pytest.approx(8e9 / (1 + ppm * 1e-6), abs=2)


def _levels_at_rig(bench: Bench, names: tuple[str, ...]) -> list[int]:
    pair = Pair(bench)
    pair.controller.exec_raw(
        f"for p in {[BOARD.PS_FIRE, BOARD.PS_QSW, BOARD.CO2_GATE]}: Pin(p, Pin.OUT, value=0)\n"
        f"Pin({BOARD.PS_FIRE}, Pin.OUT, value=1)"
    )
    return pair.value(pair.rig, f"[Pin(p).value() for p in {[getattr(PINS, name) for name in names]}]")


def test_a_loose_and_two_crossed_wires_are_seen_at_the_rig() -> None:
    names = ("PS_FIRE", "PS_QSW", "CO2_GATE")
    with Bench(rig_stand(WIRING, pico_image(), loose=("PS_FIRE", "DOOR_CLOSED", "PS_ENERGY", "RUN"))) as bench:
        assert _levels_at_rig(bench, names) == [0, 0, 0]
        assert bench.level("PS_FIRE") == 1
        bench.board("rig").exec_raw(f"exchange({(1 << 18) - 1 | 1 << 21})")
        assert bench.levels(["ESTOP_CLOSED", "DOOR_CLOSED", "DOOR_CLOSED_LOOSE"]) == {
            "ESTOP_CLOSED": 1,
            "DOOR_CLOSED": 0,
            "DOOR_CLOSED_LOOSE": 1,
        }
        bench.board("controller").exec_raw("assert code(0) == 0 and code(1) > 20")
    crossed = (("PS_FIRE", "CO2_GATE"), ("PS_READY", "BUTTON_ARM"), ("PS_ENERGY", "HANDPIECE_ID"))
    with Bench(rig_stand(WIRING, pico_image(), crossed=crossed)) as bench:
        assert _levels_at_rig(bench, names) == [0, 0, 1]
        bench.board("rig").exec_raw(f"exchange({1 << PINS.OUT_NAMES.index('PS_READY')})")
        assert bench.levels(["PS_READY", "BUTTON_ARM"]) == {"PS_READY": 0, "BUTTON_ARM": 1}
        bench.board("controller").exec_raw("assert code(0) == 4095 and 20 < code(2) < 30")


@pytest.mark.parametrize(
    ("loose", "crossed", "message"),
    [
        (("PS_FIER",), (), "has no wire for 'PS_FIER'"),
        ((), (("PS_FIRE", "PS_FIRE"),), "a wire is crossed with one other"),
        (("PS_FIRE",), (("PS_FIRE", "PS_QSW"),), "and is not off"),
        ((), (("PS_FIRE", "PS_QSW"), ("PS_QSW", "SAFE")), "a wire is crossed with one other"),
        ((), (("PS_FIRE", "PS_ENERGY"),), "two logic wires can, or two voltages"),
        ((), (("RUN", "SUPPLY"),), "two logic wires can, or two voltages"),
    ],
)
def test_a_wire_that_cannot_be_loosened_or_crossed_is_refused(
    loose: tuple[str, ...], crossed: tuple[tuple[str, str], ...], message: str
) -> None:
    with pytest.raises(WiringError, match=message):
        rig_stand(WIRING, "image.uf2", loose=loose, crossed=crossed)


def test_options_reach_the_parts_and_an_unknown_part_is_refused() -> None:
    stand = rig_stand(WIRING, "image.uf2", options={"chain": {"delay_us": 5000}})
    assert next(part for part in stand["parts"] if part["name"] == "chain")["options"]["delay_us"] == 5000
    with pytest.raises(ValueError, match="options were given for part 'pedal'; this stand has: pulls, chain, "):
        rig_stand(WIRING, "image.uf2", options={"pedal": {}})


@pytest.mark.slow
def test_tandem_passes_its_self_test_arms_and_fires_in_the_rigs_room(figure: Figure) -> None:
    program = build_program()
    flash = flash_with({**program.files, MANIFEST: program.manifest}, pico_image())
    with Bench(rig_stand(WIRING, pico_image(), flash)) as bench:
        rig, controller = bench.board("rig"), bench.board("controller")
        rig.wait_for_repl()
        rig.enter_raw_repl()
        rig.exec_raw(AT_RIG + ROOM)
        rig.start_raw("room()")
        controller.read_until(b"state STANDBY", timeout_ms=8000)
        for line in ("recipe use calcinosis-1-combined", "arm"):
            bench.run_for(ms=400)
            assert controller.command(line, timeout_ms=20_000)[-1].startswith("OK")
        controller.read_until(b"state READY", timeout_ms=8000)
        said = controller.read_until(b"fault 61 SYNC_MISSING", timeout_ms=3000)
        assert b"state FIRING" in said, "and then no laser answered"
        first = {
            net: next(e.time_ps for e in bench.edges(net) if e.level) for net in ("PS_SHUTTER_OPEN", "PS_FIRE_DRV")
        }
        assert first["PS_SHUTTER_OPEN"] < first["PS_FIRE_DRV"]
        figure("shutter seen open to the first trigger", (first["PS_FIRE_DRV"] - first["PS_SHUTTER_OPEN"]) / 1e9, "ms")
        assert "61" in " ".join(controller.command("faults")), "no laser answers"
        assert bench.conflicts() == []
