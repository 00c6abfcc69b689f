"""While it fires nothing is allocated: a garbage collection would take longer than permits wait for the supervisor."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from stage import Figure, Stage, stage
from train import NOISE, PRELUDE

_WATCH = """
import gc
import micropython
import sys
from array import array
from tandem.controller import Tandem
from tandem.delivery import Delivery
from tandem.safety import supervisor
from tandem.safety.states import FIRING

class Watch:
    def __init__(self):
        self.first = array("i", (0, 0))
        self.last = array("i", (0, 0))
        self.turns = 0
        self.locked = 0

    def turn(self, supervisor, turn):
        delivery = supervisor.delivery
        if delivery.active and self.locked >= 0 and delivery.plan.recipe == "short":
            self.in_locked_heap(supervisor, turn)
            return
        if supervisor.state.mode == FIRING:
            gc.disable()
        turn(supervisor)
        if supervisor.state.mode != FIRING:
            gc.enable()
        if not delivery.active:
            return
        self.turns += 1
        if self.first[delivery.step] == 0:
            self.first[delivery.step] = gc.mem_alloc()
        elif self.turns % 8 == 0:
            self.last[delivery.step] = gc.mem_alloc()

    def in_locked_heap(self, supervisor, turn):
        micropython.heap_lock()
        try:
            turn(supervisor)
        except MemoryError as error:
            self.locked = -1
            micropython.heap_unlock()
            sys.print_exception(error)
            return
        micropython.heap_unlock()
        self.locked += 1

watch = Watch()
micropython.alloc_emergency_exception_buf(2000)

def turn(supervisor, watch=watch, was=supervisor.Supervisor.turn):
    watch.turn(supervisor, was)

def version(controller, watch=watch):
    return [("grown", "%d,%d" % (watch.last[0] - watch.first[0], watch.last[1] - watch.first[1])),
        ("turns", watch.turns), ("locked", watch.locked)]

def begin(delivery, now_ms, gc=gc, was=Delivery.begin):
    gc.collect()
    return was(delivery, now_ms)

Delivery.begin = begin
supervisor.Supervisor.turn = turn
Tandem.version = version
"""
"""Wraps the supervisor's turn. In the short train the heap is locked in each turn: an allocation is an error with its
place; in other recipes the bytes in use at a burst's beginning and end are compared, with the collector off. Garbage is
collected in the beginning of each burst, as may happen by chance."""


@pytest.fixture(scope="module")
def _watched() -> Iterator[Stage]:
    with stage("", PRELUDE + _WATCH) as found:
        yield found


@pytest.fixture
def watched(_watched: Stage) -> Stage:
    """The controller in STANDBY, its allocations watched."""
    return _watched.again()


@pytest.mark.proves("R-PER-11")
def test_the_session_allocates_nothing_while_it_fires(watched: Stage, figure: Figure) -> None:
    watched.use("calcinosis-1-combined")
    watched.arm()
    watched.press()
    watched.told("state READY", timeout_ms=4000)
    assert (len(watched.rises("PS_FIRE")), len(watched.rises("CO2_GATE"))) == (5, 11)
    seen = watched.fields("version")
    assert int(seen["turns"]) > 200
    ps, co2 = map(int, seen["grown"].split(","))
    figure("allocated while the ps pass fires", ps, "bytes", "0")
    figure("allocated while the CO2 pass fires", co2, "bytes", "0")
    assert (ps, co2) == (0, 0)


@pytest.mark.proves("R-PER-11")
@pytest.mark.parametrize("flooded", [False, True])
def test_a_train_fires_with_the_heap_locked(watched: Stage, flooded: bool) -> None:
    watched.use("short")
    watched.arm()
    if flooded:
        watched.board.write(NOISE)
        watched.bench.run_for(ms=60)
    watched.press()
    watched.told("state FIRING")
    watched.bench.run_for(ms=800)
    said = watched.board.read().decode(errors="replace")
    assert "MemoryError" not in said, said
    assert len(watched.rises("CO2_GATE")) > 100
    assert not flooded or said.count('ERROR 20 "not while it fires') > 10


_WASTE = """
from tandem.safety import supervisor

def turn(supervisor, was=supervisor.Supervisor.turn):
    if supervisor.delivery.active and supervisor.delivery.step == 1:
        bytes(1000)
    was(supervisor)

supervisor.Supervisor.turn = turn
"""
"""Makes more garbage in the scan than is left lying elsewhere: 16 KB."""


@pytest.mark.proves("R-PER-11")
def test_no_garbage_is_collected_between_two_shots() -> None:
    with stage("calcinosis-1-combined", _WASTE) as wasting:
        wasting.press()
        wasting.told("state READY", timeout_ms=4000)
        assert len(wasting.rises("CO2_GATE")) == 11
