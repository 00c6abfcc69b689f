"""ADC and DMA: conversion times, round robin, FIFO, paced transfers."""

from __future__ import annotations

import ast
from collections.abc import Callable

import pytest
from tandem_tools.bench import Bench, BenchError, Board

REGISTERS = """
import rp2, array, time
from machine import mem32, ADC, Pin
A = 0x4004c000
D = 0x50000000
ADC(0)
def drain():
    mem32[A] = 1
    while not mem32[A] & 256: pass
    while not mem32[A + 8] & 256: mem32[A + 12]
"""


def run(board: Board, source: str) -> str:
    return board.exec_raw(REGISTERS + source).strip()


@pytest.mark.parametrize("volts", [0.0, 0.5, 1.65, 2.9, 3.3])
def test_the_adc_reads_its_source_in_twelve_bits_of_3_3_v(volts: float, bench: Bench) -> None:
    bench.set_analog("controller.ADC1", volts)
    code = run(bench.board(), "mem32[A] = 1 | 1 << 12 | 4\nwhile not mem32[A] & 256: pass\nprint(mem32[A + 4])")
    assert int(code) == min(4095, int(volts / 3.3 * 4096))


def test_a_wrong_reference_changes_every_reading(bench: Bench) -> None:
    board = bench.board()
    bench.set_analog("controller.ADC0", 1.0)
    bench.set_analog("controller.ADC_VREF", 2.5)
    told = board.exec_raw("from machine import ADC\nprint(ADC(26).read_u16() >> 4, ADC(4).read_u16() >> 4)")
    assert told.split() == [str(int(1.0 / 2.5 * 4096)), str(int(0.706 / 2.5 * 4096))]
    with pytest.raises(BenchError, match=r"1 to 3\.63 V"):
        bench.set_analog("controller.ADC_VREF", 0.5)


def test_500_000_samples_a_second_come_by_dma(bench: Bench, figure: Callable[..., None]) -> None:
    bench.set_analog("controller.ADC0", 1.0)
    source = """
drain()
n = 5000
buffer = array.array('H', (0 for _ in range(n)))
mem32[A + 8] = 1 | 8 | 1 << 24
mem32[A + 16] = 0
dma = rp2.DMA()
control = dma.pack_ctrl(size=1, inc_read=False, inc_write=True, treq_sel=36)
dma.config(read=A + 12, write=buffer, count=n, ctrl=control, trigger=True)
t = time.ticks_us()
mem32[A] = 1 | 8
while dma.active(): pass
t = time.ticks_us() - t
mem32[A] = 1
print(t, set(buffer), dma.count)
"""
    took, values, left = run(bench.board(), source).replace("{", "").replace("}", "").split()
    figure("ADC by DMA", 5000 / int(took) * 1e3, "kS/s", limit="500")
    assert abs(int(took) - 10_000) <= 20  # a lost sample would add 2 us
    assert (values, left) == (str(int(1.0 / 3.3 * 4096)), "0")


def test_the_fifo_overflows_when_nobody_reads_and_says_so(bench: Bench) -> None:
    source = (
        "drain()\nmem32[A + 8] = 1\nmem32[A] = 9\ntime.sleep_us(50)\nmem32[A] = 1\nprint(hex(mem32[A + 8] & 0xf0f00))"
    )
    assert run(bench.board(), source) == "0x40a00"


def test_round_robin_samples_its_channels_in_turn(bench: Bench) -> None:
    for channel, volts in enumerate((0.3, 0.6, 0.9)):
        bench.set_analog(f"controller.ADC{channel}", volts)
    source = """
drain()
mem32[A + 8] = 1
mem32[A] = 1 | 5 << 16
out = []
for i in range(4):
    mem32[A + 0x2000] = 4
    while not mem32[A] & 256: pass
    out.append(mem32[A + 12])
print(out)
"""
    low, high = (int(v / 3.3 * 4096) for v in (0.3, 0.9))
    assert ast.literal_eval(run(bench.board(), source)) == [low, high, low, high]


def test_the_divider_paces_conversions(bench: Bench) -> None:
    source = """
drain()
mem32[A + 8] = 1
mem32[A + 16] = (4800 - 1) << 8
mem32[A] = 9
for i in range(3):
    while mem32[A + 8] & 256: pass
    mem32[A + 12]
    if i == 0: t = time.ticks_us()
print(time.ticks_us() - t)
mem32[A] = 1
"""
    assert abs(int(run(bench.board(), source)) - 200) <= 15


def test_memory_is_copied_with_swapped_bytes_rings_and_chains(bench: Bench) -> None:
    source = """
src = array.array('I', range(0x01020300, 0x01020300 + 16))
dst = array.array('I', (0 for _ in range(16)))
a = rp2.DMA(); b = rp2.DMA()
b.config(read=src, write=memoryview(dst)[8:], count=8, ctrl=b.pack_ctrl(bswap=True), trigger=False)
a.config(read=src, write=dst, count=8, ctrl=a.pack_ctrl(chain_to=b.channel), trigger=True)
while a.active() or b.active(): pass
print([hex(x) for x in dst[:2]], [hex(x) for x in dst[8:10]])
"""
    answer = run(bench.board(), source)
    assert answer == "['0x1020300', '0x1020301'] ['0x30201', '0x1030201']"


def test_a_pacing_timer_and_an_interrupt_at_the_end(bench: Bench) -> None:
    source = """
src = bytearray(100); dst = bytearray(100)
done = []
d = rp2.DMA()
d.irq(lambda x: done.append(time.ticks_us()), hard=False)
mem32[D + 0x420] = 1 << 16 | 12500
d.config(read=src, write=dst, count=100, ctrl=d.pack_ctrl(size=0, treq_sel=59, irq_quiet=False))
t = time.ticks_us()
d.active(1)
while not done: pass
print(done[0] - t)
"""
    assert abs(int(run(bench.board(), source)) - 10_000) <= 150


def test_an_abort_stops_a_transfer(bench: Bench) -> None:
    source = """
src = bytearray(4); dst = bytearray(4)
d = rp2.DMA()
d.config(read=src, write=dst, count=4, ctrl=d.pack_ctrl(size=0, treq_sel=36), trigger=True)
was = d.active()
mem32[D + 0x444] = 1 << d.channel
print(was, d.active(), mem32[D + 0x444])
"""
    assert run(bench.board(), source) == "True False 0"


def test_pio_starts_conversions_through_dma_with_no_cpu(bench: Bench) -> None:
    bench.set_analog("controller.ADC0", 1.1)
    source = """
@rp2.asm_pio(in_shiftdir=rp2.PIO.SHIFT_LEFT, fifo_join=rp2.PIO.JOIN_RX)
def ask():
    set(x, 4)
    set(y, 15)
    label("next")
    mov(isr, x) [31]
    push(block) [31]
    nop() [31]
    nop() [31]
    nop() [31]
    nop() [31]
    nop() [31]
    nop() [31]
    jmp(y_dec, "next")
    irq(block, 0)
drain()
mem32[A + 8] = 1 | 8 | 1 << 24
samples = array.array('H', (0 for _ in range(16)))
start, take = rp2.DMA(), rp2.DMA()
take.config(read=A + 12, write=samples, count=16, trigger=True,
            ctrl=take.pack_ctrl(size=1, inc_read=False, treq_sel=36))
start.config(read=0x50200020, write=A + 0x2000, count=16, trigger=True,
             ctrl=start.pack_ctrl(size=2, inc_read=False, inc_write=False, treq_sel=4))
fired = []
rp2.PIO(0).irq(lambda p: fired.append(p.irq().flags()))
sm = rp2.StateMachine(0, ask, freq=125_000_000)
sm.active(1)
time.sleep_ms(2)
print(set(samples), take.active(), start.active(), fired)
"""
    code = int(1.1 / 3.3 * 4096)
    assert run(bench.board(), source) == f"{{{code}}} False False [256]"


def test_spi_moves_long_transfers_by_dma_in_their_real_time(bench: Bench) -> None:
    source = """
from machine import SPI
s = SPI(0, baudrate=1_000_000, sck=Pin(18), mosi=Pin(19), miso=Pin(16))
mem32[0x4003c004 + 0x2000] = 1
data = bytes(range(200))
back = bytearray(200)
t = time.ticks_us()
s.write_readinto(data, back)
print(back == data, time.ticks_us() - t)
"""
    same, took = run(bench.board(), source).split()
    assert same == "True"
    assert abs(int(took) - 200 * 9.5) < 60
