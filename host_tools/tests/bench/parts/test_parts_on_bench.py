"""The parts on the real bench: a board with MicroPython, wired as the standard stand."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

import pytest
from tandem_tools.bench import Bench
from tandem_tools.bench.stand import CALIBRATION, board_constants, controller_stand
from tandem_tools.image import pico_image

BOARD = board_constants()
US = 1_000_000

PRELUDE = f"""
from machine import ADC, PWM, Pin, SPI
import time
dac = Pin({BOARD.DAC_CS}, Pin.OUT, value=1)
fram = Pin({BOARD.FRAM_CS}, Pin.OUT, value=1)
load = Pin({BOARD.IN_LOAD}, Pin.OUT, value=1)
latch = Pin({BOARD.OUT_LATCH}, Pin.OUT, value=0)
reset = Pin({BOARD.PS_INT_RESET}, Pin.OUT, value=1)
fire = Pin({BOARD.PS_FIRE}, Pin.OUT, value=0)
gate = Pin({BOARD.CO2_GATE}, Pin.OUT, value=0)
lines = dict(sck=Pin({BOARD.SPI_SCK}), mosi=Pin({BOARD.SPI_TX}), miso=Pin({BOARD.SPI_RX}))
spi = SPI({BOARD.SPI_ID}, baudrate={BOARD.SPI_HZ}, **lines)
def exchange(word):
    load(0); load(1)
    answer = bytearray(2)
    spi.write_readinto(bytes((word >> 8, word & 255)), answer)
    latch(1); latch(0)
    return answer[0] << 8 | answer[1]
def send(select, data, count=0):
    select(0)
    spi.write(data)
    answer = spi.read(count) if count else b''
    select(1)
    return answer
def volts(pin):
    return ADC(pin).read_u16() * 3.3 / 65535
beat = PWM(Pin({BOARD.HEARTBEAT}), freq=100, duty_u16=32768)
"""


class Stand:
    """A running stand that returns to the same state, SAFE closed, for each test."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.board = bench.board("controller")
        self.board.enter_raw_repl()
        self.run(PRELUDE)
        bench.run_for(ms=500)
        assert bench.level("SAFE") == 1
        self.ready = bench.save()

    def run(self, source: str) -> str:
        """Run source on the board in one long raw REPL session, so that names stay."""
        return self.board.exec_raw(source, 5000)

    def value(self, expression: str) -> Any:
        """Return the value of an expression on the board."""
        return ast.literal_eval(self.run(f"print(repr({expression}))"))


@pytest.fixture(scope="module")
def whole_stand() -> Iterator[Stand]:
    options = {"ps_laser": {"noise_percent": 3}, "co2_laser": {"noise_percent": 3}}
    with Bench(controller_stand(pico_image(progress=False), options=options)) as bench:
        yield Stand(bench)


@pytest.fixture
def stand(whole_stand: Stand) -> Stand:
    """Return the stand as it was when SAFE had closed."""
    whole_stand.bench.restore(whole_stand.ready)
    return whole_stand


def open_shutters(stand: Stand) -> None:
    stand.run(f"exchange({BOARD.OUT_PS_SHUTTER | BOARD.OUT_CO2_SHUTTER})")
    stand.bench.run_for(ms=50)


def test_micropython_reads_and_writes_the_chains(stand: Stand) -> None:
    healthy = BOARD.IN_ESTOP_CLOSED | BOARD.IN_DOOR_CLOSED | BOARD.IN_KEY_ON | BOARD.IN_PS_FAULT | BOARD.IN_CO2_FAULT
    closed = BOARD.IN_PS_SHUTTER_CLOSED | BOARD.IN_CO2_SHUTTER_CLOSED
    assert stand.value("exchange(0)") == healthy | closed | BOARD.IN_PATTERN
    stand.bench.part("buttons").set(ARM=1)
    stand.bench.run_for(ms=5)
    open_shutters(stand)
    opened = BOARD.IN_PS_SHUTTER_OPEN | BOARD.IN_CO2_SHUTTER_OPEN | BOARD.IN_BUTTON_ARM
    assert stand.value("exchange(0)") == healthy | opened | BOARD.IN_PATTERN
    assert stand.bench.level("PS_SHUTTER") == 0


def test_the_output_registers_follow_pins_that_a_program_moves_itself(stand: Stand) -> None:
    stand.run(
        f"clock, data = Pin({BOARD.SPI_SCK}, Pin.OUT, value=0), Pin({BOARD.SPI_TX}, Pin.OUT, value=0)\n"
        "def shift(word):\n    for bit in range(15, -1, -1):\n"
        "        data(word >> bit & 1); clock(1); clock(0)\n    latch(1); latch(0)"
    )
    stand.run(f"shift({BOARD.OUT_AIM | BOARD.OUT_SCAN_HOME})")
    assert stand.bench.part("outputs").probe()["on"] == ["AIM", "SCAN_HOME"]
    stand.run("shift(0)")
    assert stand.bench.part("outputs").probe()["on"] == []


def test_micropython_writes_and_reads_the_memory(stand: Stand) -> None:
    assert stand.value(r"send(fram, b'\x9f', 4)") == bytes([0x04, 0x7F, 0x28, 0x03])
    stand.run(r"send(fram, b'\x06'); send(fram, b'\x02\x01\x00\x00' + bytes(range(200)))")
    assert stand.value(r"send(fram, b'\x03\x01\x00\x00', 200)") == bytes(range(200))


def written(stand: Stand, address: int, length: int) -> bytes:
    stand.bench.part("fram").set(view=[address, length])
    return bytes.fromhex(stand.bench.part("fram").probe()["view"])


def test_the_bench_stops_at_a_write_of_the_memory_and_after_any_byte_of_it(stand: Stand) -> None:
    stand.board.start_raw(r"send(fram, b'\x06'); send(fram, b'\x02\x01\x00\x10' + bytes(range(1, 21))); print('done')")
    write = stand.bench.run_until_operation()
    assert (write.memory, write.kind, write.offset, write.number, write.length) == ("fram", "write", 0x10010, 1, None)
    moment = stand.bench.save()
    for count in range(1, 21):
        stand.bench.restore(moment)
        assert stand.bench.run_until_stored("fram", count) == count
        stand.board.power(False)
        stand.bench.run_for(ms=1)
        assert written(stand, 0x10010, 20) == bytes(range(1, count + 1)) + bytes(20 - count)
    stand.bench.restore(moment)
    assert stand.bench.run_until_stored("fram", 1000) == 20, "it ends with the write"
    assert stand.bench.part("fram").probe()["operations"] == 1
    assert [e["data"] for e in stand.bench.part("fram").log()] == [{"number": 1, "address": 0x10010, "length": 20}]


def test_a_byte_that_is_still_arriving_when_power_fails_is_not_stored(stand: Stand) -> None:
    stand.board.start_raw(r"send(fram, b'\x06'); send(fram, b'\x02\0\0\0' + b'ab'); print('done')")
    stand.bench.run_until_operation(["fram"])
    stand.bench.run_until_stored("fram", 1)
    stand.bench.run_for(ps=7 * 1_000_000 // 4)
    stand.board.power(False)
    stand.bench.run_for(ms=1)
    assert written(stand, 0, 2) == b"a\0"
    assert [e["data"]["length"] for e in stand.bench.part("fram").log()] == [1]


def test_micropython_moves_the_scanner_and_reads_the_handpiece(stand: Stand) -> None:
    stand.run("send(dac, bytes((0x39, 0x55))); send(dac, bytes((0xb8, 0)))")
    stand.bench.run_for(ms=5)
    assert stand.bench.part("scanner").probe()["x_mm"] == pytest.approx((0x955 / 4095 - 0.5) * 12)
    assert stand.value(f"volts({BOARD.HANDPIECE_ID})") == pytest.approx(1.2, abs=0.003)
    stand.bench.part("handpiece").set(entry="generic-co2")
    assert stand.value(f"volts({BOARD.HANDPIECE_ID})") == pytest.approx(0.6, abs=0.003)


def test_a_shot_is_measured_by_the_boards_own_converter(stand: Stand) -> None:
    open_shutters(stand)
    stand.run("reset(0); fire(1); fire(0); time.sleep_us(50)")
    volts = stand.value(f"volts({BOARD.PS_ENERGY})")
    pulse = stand.bench.part("ps_laser").probe()["pulses"][0]
    energy_mj = (volts - CALIBRATION.ps_offset_v) / CALIBRATION.v_per_count * CALIBRATION.ps_mj_per_count
    assert pulse["energy_mj"] != 596.9
    assert energy_mj == pytest.approx(pulse["energy_mj"], rel=0.01)


def test_a_gate_left_high_ends_at_the_one_shot_and_lands_on_the_tissue(stand: Stand) -> None:
    open_shutters(stand)
    stand.run("gate(1)")
    stand.bench.run_for(ms=10)
    rise, fall = stand.bench.edges("CO2_GATE_DRV")[-2:]
    assert fall.time_ps - rise.time_ps == 1200 * US
    spot = stand.bench.part("scanner").probe()["pulses"][0]
    assert spot["delivered_mj"] == pytest.approx(1.2 * 240, rel=0.15)


def test_a_board_that_stops_its_heartbeat_loses_safe(stand: Stand) -> None:
    stand.run("beat.deinit()")
    stand.bench.run_until(net="SAFE", level=0, timeout_ms=600)
    assert stand.bench.part("supervisor").probe()["reason"] == "too_slow"


def test_a_contact_opened_at_an_exact_moment_stops_the_drivers_after_filter_and_delay(stand: Stand) -> None:
    stand.run("gate(1); gate(0)")
    at = stand.bench.now_ps + 5 * US
    stand.bench.part("chain").set(door=0, at_ps=at)
    stand.bench.run_for(us=100)
    assert [(e.time_ps, e.level) for e in stand.bench.edges("SAFE") if e.time_ps >= at] == [(at + 10 * US, 0)]


def test_a_restored_stand_repeats_shots_noise_and_movement(stand: Stand) -> None:
    def shots() -> list[dict[str, Any]]:
        open_shutters(stand)
        for step in range(3):
            stand.run(f"send(dac, bytes((0x38, {20 * step})))")
            stand.run("fire(1); fire(0); time.sleep_ms(2); gate(1); time.sleep_us(300); gate(0); time.sleep_ms(20)")
        parts = stand.bench.part("ps_laser").probe()["pulses"], stand.bench.part("scanner").probe()["pulses"]
        return [*parts[0], *parts[1]]

    first = shots()
    assert len(first) == 6
    stand.bench.restore(stand.ready)
    assert stand.bench.part("ps_laser").probe()["pulses"] == []
    assert shots() == first


def test_a_board_without_power_leaves_its_outputs_low_and_the_memory_keeps_its_bytes(stand: Stand) -> None:
    stand.run(rf"send(fram, b'\x06'); send(fram, b'\x02\0\0\0kept'); exchange({BOARD.OUT_AIM})")
    stand.bench.part("fram").set(view=[0, 4])
    assert stand.bench.level("AIM") == 1
    stand.board.power(False)
    stand.bench.run_for(ms=1)
    assert (stand.bench.level("AIM"), stand.bench.level("SAFE")) == (0, 0)
    stand.board.power(True)
    stand.bench.run_for(ms=1)
    assert bytes.fromhex(stand.bench.part("fram").probe()["view"]) == b"kept"
    assert stand.bench.level("AIM") == 0


def test_nothing_on_the_stand_drives_against_anything(stand: Stand) -> None:
    assert stand.bench.conflicts() == []
