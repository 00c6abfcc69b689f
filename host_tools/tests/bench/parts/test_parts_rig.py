"""The parts with which one board works another: switches, selector, relays, wide registers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pytest
from parts_harness import MS, US, PartError, Table

CLOSED_V = 3.3 * 2048 / 4096
OFF_V = 0.02
TAU_US = 0.3


def switch(table: Table, **options: float) -> Table:
    parts = [("dac", "dac", {}), ("switch", "analog_switch", options)]
    table.build(parts, {"CS": ["dac.cs"], "LIGHT": ["switch.control"]}, {"switch.in": "dac.a"})
    table.drive("CS", 1)
    send(table, 2048)
    return table


def send(table: Table, code: int) -> None:
    table.drive("CS", 0)
    table.exchange("dac", value=0x3000 | code, bits=16)
    table.drive("CS", 1)


def test_an_open_switch_gives_the_dark_voltage_whatever_the_converter_says(table: Table) -> None:
    switch(table)
    assert table.volts("switch.out") == OFF_V
    send(table, 4095)
    assert table.volts("switch.out") == OFF_V


@pytest.mark.parametrize("after_us", [0, 0.1, 0.3, 1, 3])
def test_a_closed_switch_settles_exponentially_both_ways(table: Table, after_us: float) -> None:
    switch(table)
    left = math.exp(-after_us / TAU_US)
    table.drive("LIGHT", 1)
    table.run(after_us * US)
    assert table.volts("switch.out") == pytest.approx(CLOSED_V - (CLOSED_V - OFF_V) * left)
    before = table.volts("switch.out")
    table.drive("LIGHT", 0)
    table.run(after_us * US)
    assert table.volts("switch.out") == pytest.approx(OFF_V + (before - OFF_V) * left)


def test_a_step_of_the_converter_settles_through_a_closed_switch_from_where_it_stands(table: Table) -> None:
    switch(table)
    table.drive("LIGHT", 1)
    table.run(0.3 * US)
    before = table.volts("switch.out")
    send(table, 1024)
    assert table.volts("switch.out") == pytest.approx(before)
    table.run(0.6 * US)
    assert table.volts("switch.out") == pytest.approx(0.825 + (before - 0.825) * math.exp(-2))
    table.run(10 * US)
    assert table.volts("switch.out") == pytest.approx(0.825, abs=1e-9)


def test_a_switch_without_time_constant_follows_at_once_and_without_supply_it_is_open(table: Table) -> None:
    switch(table, tau_us=0)
    table.drive("LIGHT", 1)
    assert table.volts("switch.out") == pytest.approx(CLOSED_V)
    table.power("switch", False)
    assert table.volts("switch.out") == OFF_V
    table.power("switch", True)
    assert table.volts("switch.out") == pytest.approx(CLOSED_V)
    table.set("switch", off_v=0.1)
    table.drive("LIGHT", 0)
    assert table.probe("switch") == {"closed": 0, "volts": 0.1, "target_v": 0.1}


def test_a_switch_refuses_a_source_that_never_tells_of_a_step(table: Table) -> None:
    parts = [("integrator", "integrator", {"v_per_mj": 0.003}), ("switch", "analog_switch", {})]
    nets = {"RESET": ["integrator.reset"], "LIGHT": ["switch.control"]}
    with pytest.raises(PartError, match="out of its input never tells of a step"):
        table.build(parts, nets, {"switch.in": "integrator.out"})


VOLTS = [3.3, 0.0, 1.2, 2.0, 0.6, 3.3, 3.2, 3.1]


def selector(table: Table, volts: list[float] = VOLTS) -> Table:
    nets = {f"S{i}": [f"selector.s{i}"] for i in range(3)}
    return table.build([("selector", "selector", {"volts": volts})], nets)


def test_a_selector_gives_each_of_its_eight_voltages(table: Table) -> None:
    selector(table)
    for code, volts in enumerate(VOLTS):
        for i in range(3):
            table.drive(f"S{i}", code >> i & 1)
        assert table.probe("selector") == {"code": code, "volts": volts}
    table.power("selector", False)
    assert table.volts("selector.out") == 3.3
    table.power("selector", True)
    assert table.volts("selector.out") == 3.1


@pytest.mark.parametrize("volts", [[1.0] * 7, 1.0, [1.0] * 7 + [3.4], [1.0] * 7 + ["x"]])
def test_a_selector_refuses_other_than_eight_voltages(table: Table, volts: Any) -> None:
    with pytest.raises(PartError, match=r"volts was given .*; allowed: (a list of 8|a number from 0 to 3.3)"):
        selector(table, volts)


def relays(table: Table, **options: Any) -> Table:
    wanted: Mapping[str, Any] = {"contacts": ["estop", "door"], **options}
    nets = {"ESTOP": ["relays.estop"], "DOOR": ["relays.door"], "OUT": ["relays.out"]}
    return table.build([("relays", "series", wanted)], nets)


def test_relays_in_series_close_only_together(table: Table) -> None:
    relays(table)
    levels = []
    for estop, door in ((0, 0), (1, 0), (1, 1), (0, 1)):
        table.drive("ESTOP", estop)
        table.drive("DOOR", door)
        levels.append(table.level("OUT"))
    assert levels == [0, 0, 1, 0]


def test_a_relay_follows_its_coil_after_its_delay_and_overlooks_a_shorter_change(table: Table) -> None:
    relays(table, delay_us=5000)
    table.drive_at(10 * MS, "ESTOP", 1)
    table.drive_at(10 * MS, "DOOR", 1)
    table.drive_at(30 * MS, "DOOR", 0)
    table.drive_at(34 * MS, "DOOR", 1)
    table.drive_at(50 * MS, "ESTOP", 0)
    table.run_to(100 * MS)
    assert table.edges("OUT") == [(15 * MS, 1), (55 * MS, 0)]
    assert [entry["event"] for entry in table.log("relays")] == ["closed", "closed", "opened"]


def test_relays_without_supply_are_open(table: Table) -> None:
    relays(table)
    table.drive("ESTOP", 1)
    table.drive("DOOR", 1)
    table.power("relays", False)
    assert table.level("OUT") == 0
    table.power("relays", True)
    assert table.probe("relays") == {"estop": 1, "door": 1, "out": 1}


def test_relays_refuse_what_is_not_wired_and_a_change_of_their_contacts(table: Table) -> None:
    with pytest.raises(PartError, match="contact key is not wired"):
        relays(table, contacts=["estop", "key"])
    with pytest.raises(PartError, match="names no contact"):
        relays(table, contacts=[])
    relays(table)
    with pytest.raises(PartError, match="fixed once the stand is built"):
        table.set("relays", contacts=["door"])


@pytest.mark.parametrize(("kind", "role"), [("run_line", "pull"), ("supply_switch", "off")])
def test_a_line_to_a_board_that_is_not_there_is_refused(table: Table, kind: str, role: str) -> None:
    with pytest.raises(PartError, match='there is no board named "controller"; there are none'):
        table.build([("line", kind, {"board": "controller"})], {"LINE": [f"line.{role}"]})


WIDTHS = [8, 16, 24, 32]


def registers(table: Table, width: int) -> int:
    """Lay out both chains with their outer bits wired; return the word that has only these."""
    bits = {"FIRST": 0, "LAST": width - 1}
    table.build(
        [
            ("inputs", "shift_inputs", {"bits": bits, "width": width}),
            ("outputs", "shift_outputs", {"bits": bits, "width": width}),
        ],
        {
            "LOAD": ["inputs.load"],
            "LATCH": ["outputs.latch"],
            **{f"IN_{name}": [f"inputs.{name}"] for name in bits},
            **{name: [f"outputs.{name}"] for name in bits},
        },
    )
    return 1 | 1 << (width - 1)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("frame", [8, 16])
def test_a_wide_chain_of_outputs_keeps_its_last_bits(table: Table, width: int, frame: int) -> None:
    both = registers(table, width)
    frames = -(-width // frame)
    word = (0xFFFFFFFF << 32 | both) & (2 ** (frames * frame) - 1)
    for i in reversed(range(frames)):
        table.exchange("outputs", value=word >> (i * frame) & (2**frame - 1), bits=frame)
    table.drive("LATCH", 1)
    assert table.probe("outputs")["word"] == both
    assert (table.level("FIRST"), table.level("LAST")) == (1, 1)


@pytest.mark.parametrize("width", WIDTHS)
def test_a_wide_chain_of_inputs_gives_its_highest_bit_first_and_zeros_after_its_last(table: Table, width: int) -> None:
    both = registers(table, width)
    table.drive("IN_FIRST", 1)
    table.drive("IN_LAST", 1)
    table.drive("LOAD", 0)
    assert table.exchange("inputs", value=0) == [0xFF]
    table.drive("LOAD", 1)
    read = [table.exchange("inputs", value=0)[0] or 0 for _ in range(width // 8 + 1)]
    assert int.from_bytes(bytes(read), "big") == both << 8


@pytest.mark.parametrize("kind", ["shift_inputs", "shift_outputs"])
@pytest.mark.parametrize("width", [0, 33, 15.5])
def test_a_chain_of_another_width_is_refused(table: Table, kind: str, width: float) -> None:
    roles = ["chain.load", "chain.latch"]
    with pytest.raises(PartError, match=r"width was given .*; allowed: "):
        table.build([("chain", kind, {"width": width})], {"LINE": roles})


def test_a_bit_beyond_the_width_is_refused(table: Table) -> None:
    with pytest.raises(PartError, match="bit of LAST was given 24; allowed: a number from 0 to 23"):
        table.build([("chain", "shift_outputs", {"width": 24, "bits": {"LAST": 24}})], {"LATCH": ["chain.latch"]})
