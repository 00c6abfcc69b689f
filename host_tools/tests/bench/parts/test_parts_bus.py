"""Parts on the SPI bus: shift registers, converter, memory."""

from __future__ import annotations

import pytest
from parts_harness import US, PartError, Table
from tandem_tools.bench.stand import board_constants, chain_bits

BOARD = board_constants()
INPUTS = chain_bits(BOARD, "IN_")
OUTPUTS = chain_bits(BOARD, "OUT_")


def registers(table: Table) -> Table:
    table.build(
        [
            ("inputs", "shift_inputs", {"bits": INPUTS, "pattern": BOARD.IN_PATTERN}),
            ("outputs", "shift_outputs", {"bits": OUTPUTS}),
        ],
        {
            "IN_LOAD": ["inputs.load"],
            "OUT_LATCH": ["outputs.latch"],
            **{f"IN_{name}": [f"inputs.{name}"] for name in INPUTS},
            **{name: [f"outputs.{name}"] for name in OUTPUTS},
        },
    )
    table.drive("IN_LOAD", 1)
    table.drive("OUT_LATCH", 0)
    return table


def load(table: Table) -> None:
    table.drive("IN_LOAD", 0)
    table.drive("IN_LOAD", 1)


def latch(table: Table) -> None:
    table.drive("OUT_LATCH", 1)
    table.drive("OUT_LATCH", 0)


def exchange(table: Table, word: int) -> int:
    """One turn as a board does it: load, 2 bytes both ways, latch."""
    load(table)
    high = table.exchange("inputs", "outputs", value=word >> 8)[0]
    low = table.exchange("inputs", "outputs", value=word & 0xFF)[0]
    latch(table)
    assert high is not None and low is not None
    return high << 8 | low


def test_the_boards_file_gives_every_bit_of_both_chains() -> None:
    assert INPUTS["ESTOP_CLOSED"] == 0 and INPUTS["AIM_MONITOR"] == 12 and len(INPUTS) == 13
    assert OUTPUTS["PS_SHUTTER"] == 0 and OUTPUTS["SCAN_HOME"] == 11 and len(OUTPUTS) == 12


def test_an_idle_input_chain_reads_the_fixed_pattern(table: Table) -> None:
    assert exchange(registers(table), 0) == 0b010 << 13


@pytest.mark.parametrize("name", INPUTS)
def test_each_input_reads_at_its_bit(table: Table, name: str) -> None:
    registers(table)
    table.drive(f"IN_{name}", 1)
    assert exchange(table, 0) == 0x4000 | getattr(BOARD, f"IN_{name}")


@pytest.mark.parametrize("name", OUTPUTS)
def test_each_output_bit_shows_on_its_net_after_the_latch(table: Table, name: str) -> None:
    registers(table)
    exchange(table, getattr(BOARD, f"OUT_{name}"))
    assert [other for other in OUTPUTS if table.level(other)] == [name]


def test_inputs_are_kept_at_the_end_of_the_load(table: Table) -> None:
    registers(table)
    table.drive("IN_DOOR_CLOSED", 1)
    load(table)
    table.drive("IN_DOOR_CLOSED", 0)
    table.drive("IN_KEY_ON", 1)
    word = table.exchange("inputs", value=0, bits=16)[0]
    assert word == 0x4000 | BOARD.IN_DOOR_CLOSED


def test_a_chain_read_beyond_its_end_gives_zeros_and_while_loading_its_first_bit(table: Table) -> None:
    registers(table)
    load(table)
    assert table.exchange("inputs", value=0, bits=16) == [0x4000]
    assert table.exchange("inputs", value=0, bits=16) == [0]
    table.drive("IN_LOAD", 0)
    assert table.exchange("inputs", value=0) == [0]


def test_outputs_shift_without_showing_until_the_latch_rises(table: Table) -> None:
    registers(table)
    exchange(table, BOARD.OUT_AIM)
    table.exchange("outputs", value=BOARD.OUT_LAMP_READY, bits=16)
    assert (table.level("AIM"), table.level("LAMP_READY")) == (1, 0)
    latch(table)
    assert (table.level("AIM"), table.level("LAMP_READY")) == (0, 1)


def test_only_the_last_sixteen_bits_count(table: Table) -> None:
    registers(table)
    for byte in (0xFF, 0xFF, 0x0F, 0x00, BOARD.OUT_AIM):
        table.exchange("outputs", value=byte)
    latch(table)
    assert table.probe("outputs")["word"] == BOARD.OUT_AIM


def test_outputs_are_low_after_power_up_and_hold_without_a_board(table: Table) -> None:
    registers(table)
    assert table.probe("outputs")["word"] == 0
    exchange(table, BOARD.OUT_PS_SHUTTER)
    table.run(100 * US)
    assert table.level("PS_SHUTTER") == 1
    table.power("outputs", False)
    assert table.level("PS_SHUTTER") == 0
    table.power("outputs", True)
    latch(table)
    assert table.probe("outputs")["word"] == 0


def dac(table: Table) -> Table:
    table.build([("dac", "dac", {})], {"CS": ["dac.cs"]})
    table.drive("CS", 1)
    return table


def send(table: Table, word: int, bits: int = 16) -> None:
    table.drive("CS", 0)
    for shift in range(bits - 8, -1, -8):
        table.exchange("dac", value=word >> shift & 0xFF)
    table.drive("CS", 1)


def test_a_converter_word_sets_its_own_output_at_the_selects_rise(table: Table) -> None:
    dac(table)
    send(table, 0x3000 | 2048)
    assert (table.volts("dac.a"), table.volts("dac.b")) == (pytest.approx(1.65), 0)
    table.drive("CS", 0)
    table.exchange("dac", value=0xB0 | 0x04)
    table.exchange("dac", value=0x00)
    assert table.volts("dac.b") == 0
    table.drive("CS", 1)
    assert (table.volts("dac.a"), table.volts("dac.b")) == (pytest.approx(1.65), pytest.approx(0.825))


def test_every_code_of_the_converter_is_a_step_of_the_reference_over_4096(table: Table) -> None:
    dac(table)
    for code in (0, 1, 2047, 4095):
        send(table, 0x3000 | code)
        assert table.volts("dac.a") == pytest.approx(3.3 * code / 4096)


def test_the_converters_gain_and_shutdown_bits_are_honoured(table: Table) -> None:
    dac(table)
    send(table, 0x1000 | 1000)
    assert table.volts("dac.a") == pytest.approx(2 * 3.3 * 1000 / 4096)
    send(table, 0x1000 | 3000)
    assert table.volts("dac.a") == pytest.approx(3.3)
    send(table, 0x2000 | 3000)
    assert table.volts("dac.a") == 0


@pytest.mark.parametrize("bits", [8, 24])
def test_a_converter_word_of_another_length_is_ignored_and_logged(table: Table, bits: int) -> None:
    dac(table)
    send(table, 0x3000 | 1000)
    send(table, 0x3FFFFF, bits)
    assert table.probe("dac")["code_a"] == 1000
    assert [entry["data"] for entry in table.log("dac")] == [{"bits": bits}]


def test_an_unselected_converter_ignores_the_bus(table: Table) -> None:
    dac(table)
    table.exchange("dac", value=0x3FFF, bits=16)
    table.drive("CS", 0)
    table.drive("CS", 1)
    assert table.probe("dac") == {"code_a": 0, "code_b": 0, "volts_a": 0, "volts_b": 0, "words": 0, "ignored": 0}


WREN, WRDI, RDSR, WRSR, READ, WRITE, RDID = 0x06, 0x04, 0x05, 0x01, 0x03, 0x02, 0x9F


def fram(table: Table) -> Table:
    table.build([("fram", "fram", {})], {"CS": ["fram.cs"]})
    table.drive("CS", 1)
    return table


def command(table: Table, *data: int) -> bytes:
    return table.transfer("fram", "CS", bytes(data))


def write(table: Table, address: int, data: bytes) -> None:
    command(table, WREN)
    command(table, WRITE, *address.to_bytes(3, "big"), *data)


def read(table: Table, address: int, length: int) -> bytes:
    return command(table, READ, *address.to_bytes(3, "big"), *bytes(length))[4:]


def test_the_memory_says_what_it_is(table: Table) -> None:
    assert command(fram(table), RDID, 0, 0, 0, 0)[1:] == bytes([0x04, 0x7F, 0x28, 0x03])


def test_the_memory_keeps_what_was_written_also_without_power(table: Table) -> None:
    fram(table)
    write(table, 0x12345, b"shot 1")
    table.power("fram", False)
    assert table.transfer("fram", "CS", bytes([RDSR, 0])) == b"\0\0"
    table.power("fram", True)
    assert read(table, 0x12345, 6) == b"shot 1"


def test_the_memory_writes_only_after_write_enable_and_once(table: Table) -> None:
    fram(table)
    command(table, WRITE, 0, 0, 0, 0x55)
    assert read(table, 0, 1) == b"\0"
    write(table, 0, b"\x55")
    command(table, WRITE, 0, 0, 0, 0xAA)
    assert read(table, 0, 1) == b"\x55"
    assert table.probe("fram")["refused"] == 2


def test_the_memorys_status_shows_write_enable(table: Table) -> None:
    fram(table)
    assert command(table, RDSR, 0)[1] == 0
    command(table, WREN)
    assert command(table, RDSR, 0)[1] == 2
    command(table, WRDI)
    assert command(table, RDSR, 0)[1] == 0


def test_the_memory_runs_on_and_wraps_at_its_end(table: Table) -> None:
    fram(table)
    write(table, 0x3FFFF, b"ab")
    assert read(table, 0x3FFFF, 2) == b"ab"
    assert read(table, 0, 1) == b"b"
    assert read(table, 0x40000, 1) == b"b"


def test_a_block_protected_memory_refuses_writes_there(table: Table) -> None:
    fram(table)
    command(table, WREN)
    command(table, WRSR, 0x04)
    write(table, 0x30000, b"x")
    write(table, 0x2FFFF, b"yz")
    assert read(table, 0x2FFFF, 2) == b"y\0"


def test_bytes_that_arrived_before_a_power_cut_stay(table: Table) -> None:
    fram(table)
    command(table, WREN)
    table.drive("CS", 0)
    for byte in (WRITE, 0, 0, 16, 1, 2):
        table.exchange("fram", value=byte)
    table.power("fram", False)
    table.exchange("fram", value=3)
    table.drive("CS", 1)
    table.power("fram", True)
    assert read(table, 16, 3) == bytes([1, 2, 0])


def test_the_memory_can_be_looked_into_prepared_and_taken_out(table: Table) -> None:
    fram(table)
    table.set("fram", poke=[4, "c0ffee"], view=[3, 5])
    assert table.probe("fram")["view"] == "00c0ffee00"
    with pytest.raises(PartError, match="poke address"):
        table.set("fram", poke=[262143, "0000"])
    table.set("fram", present=0)
    assert table.exchange("fram", value=RDSR) == [None]
