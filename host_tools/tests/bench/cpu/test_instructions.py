"""Every instruction does what the package's own core does, and what the architecture says where that is wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from core_process import CODE, FLASH, NOP, SIO, SRAM, STACK, TIMER, VECTORS, Core, movs
from hypothesis import given, settings
from hypothesis import strategies as st

MASK = 0xFFFF_FFFF
INTERESTING = [0, 1, 2, 31, 32, 33, 255, 256, 0x7FFF_FFFF, 0x8000_0000, 0x8000_0001, 0xFFFF_FFFE, MASK]
words = st.one_of(st.sampled_from(INTERESTING), st.integers(0, MASK))
addresses = st.one_of(
    st.integers(0, 0x7FF).map(lambda i: SRAM + 4 * i),
    st.integers(0, 0x1FFF).map(lambda i: SRAM + i),
    st.integers(0, 0x3FFF).map(lambda i: FLASH + 4 * i),
    st.sampled_from([TIMER, SIO, SIO + 0x60, 0x18000000, 0xE000E100, 0x5010_0000, 0x1004, SRAM + 0x42000 - 8]),
)
flags = st.fixed_dictionaries({name: st.booleans() for name in "NZCV"})
opcodes = st.one_of(
    st.integers(0, 0xE7FF),
    st.integers(0, 0xFF).map(lambda i: 0x4000 | i << 2),
    st.sampled_from([0xB400, 0xBC00, 0xC000, 0xC800, 0xB500]).flatmap(lambda base: st.integers(base, base | 0x3FF)),
)


@settings(max_examples=300, deadline=None)
@given(
    code=st.lists(opcodes, min_size=1, max_size=24),
    low=st.lists(st.one_of(words, addresses), min_size=8, max_size=8),
    high=st.lists(st.one_of(words, addresses), min_size=5, max_size=5),
    initial_flags=flags,
    budget=st.integers(1, 60),
    in_ram=st.booleans(),
)
def test_programs_do_the_same_by_steps_by_runs_and_on_the_package(
    core: Core,
    code: list[int],
    low: list[int],
    high: list[int],
    initial_flags: dict[str, bool],
    budget: int,
    in_ram: bool,
) -> None:
    at = SRAM + 0x3000 if in_ram else CODE
    registers = {**dict(enumerate(low + high)), 13: STACK, 14: CODE + 1, 15: at}
    padded = code + [NOP] * 80
    result = core.ask(
        "compare",
        halfwords={at: padded},
        words={VECTORS: [SRAM + 0x5000] * 16},
        registers=registers,
        VTOR=VECTORS,
        budget=budget,
        steps=2 * len(code),
        **initial_flags,
    )
    assert result["difference"] is None


def test_random_programs_over_all_encodings_do_the_same(core: Core, figure: Callable[..., None]) -> None:
    result = core.ask("soak", seed=2040, programs=15_000)
    assert result["difference"] is None
    executed = result["executed"]
    missing = [hex(group << 6) for group in range(0xE800 >> 6) if executed[group] == 0]
    assert not missing
    assert executed[0xF000 >> 6] and executed[0xF3C0 >> 6] and executed[0xF380 >> 6]
    assert result["exception_returns"] > 100
    figure("core: random instructions compared with the package's core", result["instructions"], "instructions")


# Loads and stores of r2, by [r0, r1], [r0, #4] and [sp, #4], and of r2 and r3 by LDMIA r0!, STMIA r0!, PUSH and POP.
BY_REGISTER = [0x5042, 0x5242, 0x5442, 0x5642, 0x5842, 0x5A42, 0x5C42, 0x5E42]
BY_OFFSET = [0x6042, 0x6842, 0x7102, 0x7902, 0x8082, 0x8882, 0x9201, 0x9A01]
SEVERAL = [0xC00C, 0xC80C, 0xB40C, 0xB504, 0xBC0C]
ENDS = {"sram": SRAM + 0x42000, "flash": FLASH + 0x10000, "begin of sram": SRAM, "begin of flash": FLASH}


@pytest.mark.parametrize("end", list(ENDS.values()), ids=list(ENDS))
def test_accesses_around_the_ends_of_memory_do_the_same(core: Core, end: int) -> None:
    for opcode in BY_REGISTER + BY_OFFSET + SEVERAL:
        for address in range(end - 12, end + 9, 4 if opcode in SEVERAL or opcode >> 12 == 9 else 1):
            base = address if opcode in SEVERAL else address - 4
            registers = {0: base, 1: 4, 2: 0x8765_4321, 3: 0x1234_5678, 13: base, 15: CODE}
            result = core.ask("compare", halfwords={CODE: [NOP, opcode]}, registers=registers, budget=9, steps=2)
            assert result["difference"] is None, (hex(opcode), hex(address))


# The same operations as the ARMv6-M reference manual defines them, for what the package does otherwise.


OPERATIONS = (
    ["and", "eor", "lsl", "lsr", "asr", "adc", "sbc", "ror", "tst", "rsb", "cmp", "cmn", "orr", "mul", "bic", "mvn"]
)  # fmt: skip


def add_with_carry(a: int, b: int, carry: int) -> tuple[int, bool, bool]:
    """Return result, carry and overflow."""
    unsigned = a + b + carry
    signed = (a - (a >> 31 << 32)) + (b - (b >> 31 << 32)) + carry
    result = unsigned & MASK
    return result, result != unsigned, (result - (result >> 31 << 32)) != signed


def shift(kind: str, a: int, amount: int, carry: bool) -> tuple[int, bool]:
    """Return result and carry of a shift by register."""
    if amount == 0:
        return a, carry
    if kind == "lsl":
        wide = a << amount
        return wide & MASK, bool(wide >> 32 & 1)
    if kind == "ror":
        by = amount % 32
        result = (a >> by | a << (32 - by)) & MASK
        return result, bool(result >> 31)
    wide = (a - (a >> 31 << 32) if kind == "asr" else a) << 1
    return wide >> amount + 1 & MASK, bool(wide >> amount & 1)


def data_processing(opcode: int, a: int, b: int, before: dict[str, bool]) -> tuple[int | None, dict[str, bool]]:
    """Return what Rdn becomes (None: unchanged) and the flags: operations 0x4000 to 0x43FF on Rdn = a, Rm = b."""
    carry, overflow = before["C"], before["V"]
    name = OPERATIONS[opcode]
    if name in ("lsl", "lsr", "asr", "ror"):
        result, carry = shift(name, a, b & 0xFF, carry)
    elif name in ("adc", "cmn"):
        result, carry, overflow = add_with_carry(a, b, int(carry) if name == "adc" else 0)
    elif name in ("sbc", "cmp"):
        result, carry, overflow = add_with_carry(a, ~b & MASK, int(carry) if name == "sbc" else 1)
    elif name == "rsb":
        result, carry, overflow = add_with_carry(~b & MASK, 0, 1)
    else:
        plain = {"and": a & b, "tst": a & b, "eor": a ^ b, "orr": a | b, "mul": a * b, "bic": a & ~b, "mvn": ~b}
        result = plain[name] & MASK
    after = {"N": bool(result >> 31), "Z": result == 0, "C": carry, "V": overflow}
    return (None if name in ("tst", "cmp", "cmn") else result), after


@settings(max_examples=400, deadline=None)
@given(operation=st.integers(0, 15), a=words, b=words, before=flags)
def test_results_and_flags_are_those_of_the_architecture_manual(
    core: Core, operation: int, a: int, b: int, before: dict[str, bool]
) -> None:
    core.load([0x4000 | operation << 6 | 1 << 3], registers={0: a, 1: b}, **before)
    state = core.run()
    result, after = data_processing(operation, a, b, before)
    assert state["registers"][0] == (a if result is None else result)
    assert {name: state[name] for name in "NZCV"} == after


@pytest.mark.parametrize(
    ("code", "cycles"),
    [
        ([movs(0, 1)], 1),
        ([0x4348], 1),  # MULS
        ([0x6808], 2),  # LDR from SRAM
        ([0x4800], 2),  # LDR literal
        ([0x6008], 2),  # STR to SRAM
        ([0x6810], 1),  # LDR from SIO
        ([0x6010], 1),  # STR to SIO
        ([0x6818], 4),  # LDR from APB
        ([0x6018], 5),  # STR to APB
        ([0x6820], 2),  # LDR from AHB
        ([0xC90C], 3),  # LDMIA of two
        ([0xC10C], 3),  # STMIA of two
        ([0xB40C], 3),  # PUSH of two
        ([0xB50C], 4),  # PUSH of two and LR
        ([0xBC0C], 3),  # POP of two
        ([0xBD0C], 6),  # POP of two and PC
        ([0xE000], 2),  # B
        ([0xD000], 2),  # BEQ taken
        ([0xD100], 1),  # BNE not taken
        ([0xF000, 0xF800], 3),  # BL
        ([0x4770], 2),  # BX
        ([0x4788], 2),  # BLX
        ([0x468F], 2),  # MOV PC
        ([0x448F], 2),  # ADD PC
        ([0x4688], 1),  # MOV R8
        ([0xF3EF, 0x8010], 3),  # MRS
        ([0xF380, 0x8810], 3),  # MSR
        ([0xF3BF, 0x8F5F], 3),  # DMB
        ([0xF3BF, 0x8F4F], 3),  # DSB
        ([0xF3BF, 0x8F6F], 3),  # ISB
        ([NOP], 1),
        ([0xB662], 1),  # CPSIE
        ([0xBF30], 2),  # WFI
        ([0xBF20], 2),  # WFE
        ([0xBF40], 1),  # SEV
    ],
    ids=lambda value: "-".join(f"{word:04x}" for word in value) if isinstance(value, list) else None,
)
def test_cycles_are_those_of_the_technical_reference_manual(core: Core, code: list[int], cycles: int) -> None:
    registers = {1: SRAM + 0x100, 2: SIO + 0x10, 3: TIMER, 4: 0x5020_0000}
    core.load(code, registers=registers, Z=True)
    assert core.run()["cycles"] == cycles


def test_store_multiple_writes_its_base_back_also_when_it_stores_it(core: Core) -> None:
    core.load([0xC103], registers={0: 7, 1: SRAM + 0x100})
    assert core.run()["registers"][1] == SRAM + 0x108
    assert core.words(SRAM + 0x100, 2) == [7, SRAM + 0x100]


def test_blx_through_the_link_register_jumps_where_it_pointed(core: Core) -> None:
    core.load([0x47F0], registers={14: CODE + 0x101})
    state = core.run()
    assert state["registers"][15] == CODE + 0x100
    assert state["registers"][14] == CODE + 3


@pytest.mark.parametrize(
    ("sysm", "value"), [(0, 0xA000_0000), (1, 0xA000_0011), (3, 0xA000_0011), (5, 0x11), (6, 0), (7, 0x11)]
)
def test_status_registers_read_as_flags_and_exception_number(core: Core, sysm: int, value: int) -> None:
    core.load([0xF3EF, 0x8000 | sysm], N=True, C=True, IPSR=0x11, currentMode=1)
    assert core.run()["registers"][0] == value


def test_software_cannot_write_the_exception_number(core: Core) -> None:
    for sysm in (3, 5):
        core.load([0xF380, 0x8800 | sysm], registers={0: 0x1000_0020}, IPSR=0x11, currentMode=1)
        state = core.run()
        assert state["IPSR"] == 0x11
        assert state["V"] == (sysm == 3)


def test_code_runs_from_the_uncached_view_of_flash(core: Core) -> None:
    core.load([movs(0, 7), movs(1, 8)], registers={15: CODE + 0x300_0000})
    core.run()
    state: dict[str, Any] = core.run()
    assert state["registers"][:2] == [7, 8]
