"""Pulses for an oscilloscope: few, bounded, and only while no light can come of them."""

from __future__ import annotations

import pytest
from desk import GOOD, LINES, NC, PS_READY, SAFE, SCAN, STEADY
from tandem.safety import inputs as i
from tandem.safety.scope import MOST_PULSES, OUTPUTS, PERIOD_MS, Scope

CLOSED = GOOD | i.CHAIN_PS_SHUTTER_CLOSED | i.CHAIN_CO2_SHUTTER_CLOSED
LATEST_MS = (1 << 30) - 1
DARK = SAFE | NC | SCAN


class Probe:
    """A scope on inputs that a test sets, and the pulses that it made."""

    def __init__(self, output: str = "PS_FIRE", count: int = 3) -> None:
        self.inputs = i.Inputs(LINES, STEADY, STEADY)
        self.gpio, self.chain = DARK, CLOSED
        self.whole = True
        self.pulses: list[int] = []
        self.now_ms = 0
        self.settle()
        self.scope = Scope(output, count, self.inputs, lambda: self.gpio, self._pulse)

    def _pulse(self, output: str) -> bool:
        assert output in OUTPUTS
        self.pulses.append(self.now_ms)
        return self.whole

    def settle(self) -> None:
        for _ in range(30):
            self.now_ms += 1
            self.inputs.update(self.gpio, self.chain, self.now_ms)

    def run(self, most_ms: int = 5000) -> Probe:
        for _ in range(most_ms):
            self.now_ms += 1
            self.inputs.update(self.gpio, self.chain, self.now_ms)
            if self.scope.step(self.now_ms):
                break
        return self


@pytest.mark.proves("R-SRV-2")
@pytest.mark.parametrize("output", OUTPUTS)
def test_as_many_pulses_as_asked_for_come_five_a_second(output: str) -> None:
    probe = Probe(output, 4).run()
    assert [b - a for a, b in zip(probe.pulses, probe.pulses[1:], strict=False)] == [PERIOD_MS + 1] * 3, (
        "from a pulse's end"
    )
    assert PERIOD_MS == 200
    assert probe.scope.made == 4
    assert probe.scope.told() == f"scope {output}: 4 pulses, done"


@pytest.mark.parametrize("count", [0, MOST_PULSES + 1])
def test_more_than_ten_pulses_or_none_are_refused_with_the_range(count: int) -> None:
    with pytest.raises(ValueError, match=f"^{count} pulses refused: 1 to 10 are allowed$"):
        Probe(count=count)


@pytest.mark.parametrize("count", [1, MOST_PULSES])
def test_one_and_ten_pulses_are_allowed(count: int) -> None:
    assert len(Probe(count=count).run().pulses) == count


def test_an_output_that_is_no_trigger_is_refused_with_those_that_are() -> None:
    words = "there is no output HEARTBEAT; there are: PS_FIRE, PS_QSW, CO2_GATE, SYNC_OUT"
    with pytest.raises(ValueError, match=f"^{words}$"):
        Probe("HEARTBEAT")


AGAINST = [
    (SAFE, 0, "SAFE is open"),
    (0, i.CHAIN_PS_SHUTTER_CLOSED, "the ps shutter is not closed"),
    (0, i.CHAIN_CO2_SHUTTER_CLOSED, "the CO2 shutter is not closed"),
    (0, i.CHAIN_PATTERN, "the input register is not alive"),
]


@pytest.mark.parametrize(("gpio", "chain", "words"), AGAINST)
def test_a_pulse_needs_safe_and_both_shutters_closed_each_time(gpio: int, chain: int, words: str) -> None:
    probe = Probe()
    probe.run(100)
    probe.gpio &= ~gpio
    probe.chain &= ~chain
    probe.run()
    assert len(probe.pulses) == 1
    assert probe.scope.told() == f"scope PS_FIRE: 1 pulses, stopped: {words}"


@pytest.mark.parametrize(
    ("output", "line", "refused"),
    [
        ("PS_FIRE", LINES.ps_ready, True),
        ("PS_QSW", LINES.ps_ready, True),
        ("CO2_GATE", LINES.co2_ready, True),
        ("PS_FIRE", LINES.co2_ready, False),
        ("CO2_GATE", LINES.ps_ready, False),
        ("SYNC_OUT", LINES.ps_ready | LINES.co2_ready, False),
    ],
)
def test_no_pulse_comes_while_the_laser_behind_the_output_is_ready(output: str, line: int, refused: bool) -> None:
    probe = Probe(output, 2)
    probe.gpio |= line
    probe.run()
    assert len(probe.pulses) == (0 if refused else 2)
    end = "0 pulses, stopped: the laser behind this output is ready" if refused else "2 pulses, done"
    assert probe.scope.told() == f"scope {output}: {end}"


@pytest.mark.parametrize("start_ms", [0, 1, LATEST_MS])
def test_the_time_between_pulses_holds_from_the_very_first_millisecond(start_ms: int) -> None:
    probe = Probe()
    assert probe.scope.stopped == ""
    assert (probe.scope._last_ms, probe.scope._counts) == (-1, False), "none has been made"
    for waited_ms in range(401):
        probe.now_ms = (start_ms + waited_ms) & LATEST_MS
        assert not probe.scope.step(probe.now_ms)
    assert probe.pulses == [start_ms, (start_ms + 201) & LATEST_MS]


def test_nothing_is_against_a_last_pulse_that_was_made() -> None:
    probe = Probe(count=1)
    probe.run(100)
    probe.gpio |= PS_READY
    probe.run()
    assert probe.scope.told() == "scope PS_FIRE: 1 pulses, done"


def test_a_pulse_that_safe_cut_short_ends_it_and_does_not_count() -> None:
    probe = Probe()
    probe.run(100)
    probe.whole = False
    probe.run()
    assert len(probe.pulses) == 2
    assert probe.scope.told() == "scope PS_FIRE: 1 pulses, stopped: SAFE opened"


def test_the_first_pulse_comes_at_once_whatever_the_time() -> None:
    probe = Probe()
    probe.now_ms = (1 << 30) - 100
    probe.inputs.due_ms = probe.now_ms
    assert not probe.scope.step(probe.now_ms)
    assert probe.pulses == [probe.now_ms]
    assert not probe.scope.step(probe.now_ms)
    assert not probe.scope.step((probe.now_ms + PERIOD_MS - 1) & ((1 << 30) - 1))
    assert len(probe.pulses) == 1
    assert not probe.scope.step((probe.now_ms + PERIOD_MS) & ((1 << 30) - 1))
    assert len(probe.pulses) == 2
