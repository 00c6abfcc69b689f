"""One clock for everything: edges between boards, clock changes, the microsecond timer, saved states."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest
from tandem_tools.bench import Bench, BenchTimeout

PULSES = """
import rp2
from machine import Pin
@rp2.asm_pio(set_init=rp2.PIO.OUT_LOW)
def pulse():
    pull(block)
    mov(x, osr)
    label("wait")
    jmp(x_dec, "wait")
    set(pins, 1) [15]
    set(pins, 0)
sm = rp2.StateMachine(0, pulse, set_base=Pin(2))
sm.active(1)
"""
ECHO = """
import machine, rp2
from machine import Pin
machine.freq({hz})
@rp2.asm_pio(set_init=rp2.PIO.OUT_LOW)
def echo():
    wait(1, gpio, 3)
    set(pins, 1)
    wait(0, gpio, 3)
    set(pins, 0)
sm = rp2.StateMachine(0, echo, set_base=Pin(4))
sm.active(1)
"""
# pad -> synchroniser and register stage (3 cycles) -> wait -> set -> output register
ECHO_CYCLES = 5


@pytest.mark.parametrize("hz", [125_000_000, 133_000_000, 200_000_000, 48_000_000])
def test_an_edge_reaches_another_boards_pio_on_the_right_cycle(
    hz: int, two: Bench, figure: Callable[..., None]
) -> None:
    two.board("a").exec_raw(PULSES)
    two.board("b").exec_raw(ECHO.format(hz=hz))
    two.clear_edges()
    two.board("a").exec_raw("for i in range(20): sm.put(100 + 7 * i)")
    two.run_for(ms=1)
    forth = two.edges("FORTH", board="b")
    back = two.edges("BACK", board="b")
    assert len(forth) == len(back) == 40
    # an Edge's cycle is the first of b's cycles that begins at or after the edge
    assert {there.cycle - here.cycle for here, there in zip(forth, back, strict=True)} == {ECHO_CYCLES}
    delays = [(there.time_ps - here.time_ps) * hz * 1.000037 / 1e12 for here, there in zip(forth, back, strict=True)]
    assert min(delays) >= ECHO_CYCLES - 0.001 and max(delays) < ECHO_CYCLES + 1
    figure(f"edge to the other board's answer at {hz / 1e6:g} MHz", f"{min(delays):.3f} to {max(delays):.3f}", "cycles")


def test_a_cycle_gets_its_length_from_machine_freq_and_the_crystal(two: Bench) -> None:
    board = two.board("b")
    for mhz in (48, 125, 200):
        board.exec_raw(f"import machine\nmachine.freq({mhz}_000_000)")
        start = board.cycle
        two.run_for(ms=10)
        assert board.cycle - start == pytest.approx(mhz * 1e4 * 1.000037, abs=1)


def test_the_timer_counts_microseconds_whatever_the_clock(two: Bench) -> None:
    source = (
        "import machine, time\nmachine.freq({})\nt = time.ticks_us()\ntime.sleep_ms(20)\nprint(time.ticks_us() - t)"
    )
    for hz in (48_000_000, 250_000_000):
        assert int(two.board("a").exec_raw(source.format(hz))) in range(19_000, 20_300)
    before = two.now_ps
    first = two.board("b").word(0x40054028)
    two.run_for(ms=1000)
    counted = two.board("b").word(0x40054028) - first
    assert counted == pytest.approx((two.now_ps - before) / 1e6 * 1.000037, abs=1)


def test_a_halted_cpu_stands_still_while_the_rest_goes_on(bench: Bench) -> None:
    board = bench.board()
    board.start_raw("from machine import Pin\np = Pin(3, Pin.OUT)\nwhile True: p.toggle()")
    bench.run_until(net="controller.GP3", level=1, timeout_ms=20)
    board.halt_cpu()
    bench.run_for(us=1)
    bench.clear_edges()
    timer = board.word(0x40054028)
    bench.run_for(ms=5)
    assert bench.edges("controller.GP3") == []
    assert board.word(0x40054028) - timer == 5000
    board.resume_cpu()
    bench.run_for(ms=1)
    assert len(bench.edges("controller.GP3")) > 10


def test_a_restored_bench_does_the_very_same_again(two: Bench) -> None:
    two.board("a").exec_raw(PULSES + "import machine, time, os")
    two.board("b").exec_raw(ECHO.format(hz=133_000_000))
    two.board("a").start_raw(
        "for i in range(200):\n sm.put(i * 11)\n time.sleep_us(i)\n"
        " if i % 50 == 0:\n  f = open('x', 'w'); f.write(str(i)); f.close()\nprint(open('x').read(), time.ticks_us())"
    )
    two.run_for(us=777)
    state = two.save()
    first = trace(two)
    two.restore(state)
    assert trace(two) == first
    two.board("b").exec("import os; open('y', 'w').write('later')")
    two.restore(state)
    assert trace(two) == first
    two.drop(state)


def trace(bench: Bench) -> tuple[object, ...]:
    text = bench.board("a").read_until(b"\x04>", timeout_ms=2000)
    edges = bench.edges(board="b")
    cycles = [bench.board(name).cycle for name in ("a", "b")]
    return text, edges, cycles, bench.board("a").memory(0x20000000, 264 * 1024), bench.board("a").flash_log()


def test_saved_states_can_be_restored_in_any_order(bench: Bench) -> None:
    board = bench.board()
    states = []
    for i in range(3):
        board.exec_raw(f"import os\nopen('f{i}', 'w').close()")
        states.append(bench.save())
    for i in (1, 0, 2, 1):
        bench.restore(states[i])
        assert board.exec_raw("print(sorted(os.listdir()))").strip() == str([f"f{k}" for k in range(i + 1)])
    for state in states:
        bench.drop(state)


def test_waiting_in_vain_raises_with_what_was_waited_for(bench: Bench) -> None:
    before = bench.now_ps
    with pytest.raises(BenchTimeout, match=r"no net controller.GP2 = 1 within 5 ms"):
        bench.run_until(net="controller.GP2", level=1, timeout_ms=5)
    assert bench.now_ps == before + 5_000_000_000


def test_an_interrupt_costs_what_is_charged_for_cache_misses(bench: Bench, figure: Callable[..., None]) -> None:
    board = bench.board()
    board.exec_raw(
        "from machine import Pin\nout = Pin(2, Pin.OUT)\np = Pin(7, Pin.IN)\n@micropython.viper\ndef h(p):\n"
        " q = ptr32(0xd0000000)\n q[5] = 4\n q[6] = 4\np.irq(h, Pin.IRQ_RISING, hard=True)"
    )
    latency = {}
    for cost in (0, 0, 500):
        board.set_irq_cost(cost)
        start = board.cycle
        bench.set_pin("controller.GP7", 1)
        bench.run_until(net="controller.GP2", level=1, edge=True, timeout_ms=5)
        latency[cost] = bench.edges("controller.GP2")[-1].cycle - start
        bench.set_pin("controller.GP7", 0)
        bench.run_for(ms=1)
    figure("pin interrupt to a viper handler's output", latency[0], "cycles")
    assert latency[500] - latency[0] == 500


def test_pwm_edges_come_within_a_tick_of_its_divider(bench: Bench) -> None:
    bench.board().exec_raw("from machine import Pin, PWM\np = PWM(Pin(2), freq=1000, duty_u16=16384)")
    bench.clear_edges()
    bench.run_for(ms=50)
    edges = bench.edges("controller.GP2")
    rises = [e.cycle for e in edges if e.level]
    highs = [b.cycle - a.cycle for a, b in itertools.pairwise(edges) if a.level]
    assert {b - a for a, b in itertools.pairwise(rises)} <= set(range(124_998, 125_003))
    assert {round(high / 125_000, 3) for high in highs} == {0.25}


def test_uart_bytes_take_their_time(bench: Bench) -> None:
    board = bench.board()
    board.exec_raw("from machine import Pin, UART\nimport time\nu = UART(0, 9600, tx=Pin(0), rx=Pin(1))")
    took = board.exec_raw("t = time.ticks_us(); u.write('hello'); u.flush(); print(time.ticks_us() - t)")
    assert board.uart_read(0) == b"hello"
    assert int(took) == pytest.approx(5 * 10 / 9600 * 1e6, abs=300)
    board.uart_feed(0, b"1.25\r\n")
    bench.run_for(ms=10)
    assert board.exec_raw("print(u.read())").strip() == r"b'1.25\r\n'"
