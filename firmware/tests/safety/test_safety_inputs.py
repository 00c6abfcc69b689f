"""Inputs: a delay is spent before something is permitted, never before something is stopped."""

from __future__ import annotations

import dis
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tandem.safety import elapsed, faults, later, reached, states
from tandem.safety import inputs as i

LINES = i.Lines(safe=8, foot_no=9, foot_nc=10, ps_ready=11, co2_ready=12, scan_ok=15)
SAFE, NO, NC, PS_READY, CO2_READY, SCAN = (1 << bit for bit in (8, 9, 10, 11, 12, 15))
GOOD_GPIO = SAFE | NC | PS_READY | CO2_READY | SCAN
GOOD_CHAIN = (
    i.CHAIN_PATTERN
    | i.CHAIN_ESTOP_CLOSED
    | i.CHAIN_DOOR_CLOSED
    | i.CHAIN_KEY_ON
    | i.CHAIN_PS_FAULT
    | i.CHAIN_CO2_FAULT
    | i.CHAIN_PS_SHUTTER_CLOSED
    | i.CHAIN_CO2_SHUTTER_CLOSED
)
STEADY = i.LaserLines("steady", "closed_ok")
LATEST_MS = (1 << 30) - 1


def make(ps: i.LaserLines = STEADY, co2: i.LaserLines = STEADY, scanner: bool = True) -> i.Inputs:
    return i.Inputs(LINES, ps, co2, scanner)


class Feed:
    """Feeds levels millisecond by millisecond."""

    def __init__(self, inputs: i.Inputs, now_ms: int = 0) -> None:
        self.inputs = inputs
        self.now_ms = now_ms

    def ms(self, gpio: int = GOOD_GPIO, chain: int = GOOD_CHAIN, count: int = 1) -> int:
        for _ in range(count):
            self.now_ms = (self.now_ms + 1) & LATEST_MS
            self.inputs.update(gpio, chain, self.now_ms)
        return self.inputs.word


def settled(now_ms: int = 0) -> Feed:
    feed = Feed(make(), now_ms)
    feed.ms(count=400)
    return feed


PEDAL = i.PEDAL_PRESSED | i.PEDAL_RELEASED | i.PEDAL_FAULT | i.PEDAL_DISCONNECTED


@pytest.mark.proves("R-PED-3", "R-PED-4")
@pytest.mark.parametrize(
    ("levels", "means", "after_ms"),
    [
        (NO, i.PEDAL_PRESSED, 20),
        (NC, i.PEDAL_RELEASED, 300),
        (0, i.PEDAL_DISCONNECTED, 1000),
        (NO | NC, i.PEDAL_FAULT, 11),
    ],
    ids=["pressed", "released", "disconnected", "both closed"],
)
@pytest.mark.parametrize("start_ms", [0, LATEST_MS - 15], ids=["", "while the time wraps"])
def test_each_line_of_the_pedals_truth_table_takes_its_time(
    levels: int, means: int, after_ms: int, start_ms: int
) -> None:
    other = NC if levels != NC else NO
    feed = Feed(make(), start_ms)
    feed.ms(SAFE | other, count=2000)
    for _ in range(after_ms):
        assert not feed.ms(SAFE | levels) & PEDAL
    assert feed.ms(SAFE | levels) & PEDAL == means
    assert feed.ms(SAFE | levels, count=5000) & PEDAL == means, "it lasts as long as the levels do"


@pytest.mark.proves("R-PED-6")
@pytest.mark.parametrize("lost", [0, NC, NO | NC], ids=["NO opens", "pedal released", "NC closes"])
def test_leaving_pressed_on_either_contact_stops_in_the_same_millisecond(lost: int) -> None:
    feed = settled()
    assert feed.ms(SAFE | NO, count=30) & i.PEDAL_PRESSED
    assert not feed.ms(SAFE | lost) & i.PEDAL_PRESSED
    for _ in range(20):
        assert not feed.ms(SAFE | NO) & i.PEDAL_PRESSED
    assert feed.ms(SAFE | NO) & i.PEDAL_PRESSED


RUNS = st.lists(
    st.tuples(st.sampled_from([0, NO, NC, NO | NC]), st.sampled_from([1, 2, 10, 11, 12, 19, 20, 21, 299, 301, 1001])),
    max_size=25,
)


@settings(max_examples=100, deadline=None)
@given(st.sampled_from([0, LATEST_MS - 500]), RUNS)
def test_a_bouncing_pedal_is_judged_by_what_has_lasted(start_ms: int, runs: list[tuple[int, int]]) -> None:
    needed_ms = {NO: (i.PEDAL_PRESSED, 20), NC: (i.PEDAL_RELEASED, 300), 0: (i.PEDAL_DISCONNECTED, 1000)}
    needed_ms[NO | NC] = (i.PEDAL_FAULT, 11)
    feed = Feed(make(), start_ms)
    previous, lasted = None, 0
    for levels, duration in runs:
        lasted = lasted if levels == previous else -1
        previous = levels
        for _ in range(duration):
            lasted += 1
            means, after_ms = needed_ms[levels]
            assert feed.ms(SAFE | levels) & PEDAL == (means if lasted >= after_ms else 0)


STEADY_SIGNALS = [
    (SAFE, 0, i.SAFE_CLOSED),
    (PS_READY, 0, i.PS_READY),
    (CO2_READY, 0, i.CO2_READY),
    (0, i.CHAIN_ESTOP_CLOSED, i.ESTOP_CLOSED),
    (0, i.CHAIN_DOOR_CLOSED, i.DOOR_CLOSED),
    (0, i.CHAIN_KEY_ON, i.KEY_ON),
    (0, i.CHAIN_PS_FAULT, i.PS_OK),
    (0, i.CHAIN_CO2_FAULT, i.CO2_OK),
    (0, i.CHAIN_PS_SHUTTER_CLOSED, i.PS_SHUTTER_CLOSED),
    (0, i.CHAIN_PS_SHUTTER_OPEN, i.PS_SHUTTER_OPEN),
    (0, i.CHAIN_CO2_SHUTTER_CLOSED, i.CO2_SHUTTER_CLOSED),
    (0, i.CHAIN_CO2_SHUTTER_OPEN, i.CO2_SHUTTER_OPEN),
    (0, i.CHAIN_AIM_MONITOR, i.AIM_SEEN),
]


@pytest.mark.proves("R-STP-12")
@pytest.mark.parametrize(("gpio", "chain", "condition"), STEADY_SIGNALS)
def test_a_condition_is_lost_at_once_and_gained_after_20_ms(gpio: int, chain: int, condition: int) -> None:
    feed = settled()
    closed = chain >> 1 if condition in (i.PS_SHUTTER_OPEN, i.CO2_SHUTTER_OPEN) else 0
    rest = GOOD_CHAIN & ~closed
    feed.ms(chain=rest, count=50)
    on, off = (GOOD_GPIO | gpio, rest | chain), (GOOD_GPIO & ~gpio, rest & ~chain)
    others = feed.inputs.word & ~condition
    feed.ms(*on, count=50)
    assert feed.inputs.word & condition
    assert not feed.ms(*off) & condition
    for _ in range(20):
        assert not feed.ms(*on) & condition
    assert feed.ms(*on) == others | condition, "and nothing else has changed"


def test_the_scanners_line_is_taken_as_it_is() -> None:
    feed = settled()
    assert not feed.ms(GOOD_GPIO & ~SCAN) & i.SCAN_OK
    assert feed.ms() & i.SCAN_OK


@pytest.mark.proves("R-STP-13")
@pytest.mark.parametrize("pattern", [p << 13 for p in range(8) if p != 0b010], ids=lambda p: f"{p >> 13:03b}")
def test_a_dead_input_register_vouches_for_nothing(pattern: int) -> None:
    feed = settled()
    chain = (GOOD_CHAIN & ~i.CHAIN_PATTERN_MASK) | pattern | i.CHAIN_BUTTON_ARM | i.CHAIN_BUTTON_STANDBY
    from_register = i.CHAIN_OK | i.ESTOP_CLOSED | i.DOOR_CLOSED | i.KEY_ON | i.PS_OK | i.CO2_OK
    from_register |= i.PS_SHUTTER_CLOSED | i.CO2_SHUTTER_CLOSED
    assert not feed.ms(chain=chain) & from_register
    assert feed.ms(chain=chain, count=100) & i.SAFE_CLOSED
    assert feed.inputs.events == 0
    assert feed.ms(count=22) & from_register == from_register


def test_inputs_that_were_never_read_vouch_for_nothing_and_have_heard_nothing() -> None:
    inputs = i.Inputs(LINES, STEADY, STEADY)
    assert (inputs.word, inputs.events, inputs.holds, inputs.due_ms) == (0, 0, 0, 0)
    feed = Feed(inputs)
    # An aiming beam has a monitor unless it is said that it has none.
    assert not feed.ms(count=50) & i.AIM_SEEN


def test_what_inputs_hold_before_the_first_look() -> None:
    held = {name: value for name, value in vars(make()).items() if isinstance(value, int | None)}
    assert held == {
        **dict.fromkeys(("word", "events", "due_ms", "holds", "_disagrees_ms", "_levels", "_levels_ms", "_good"), 0),
        **dict.fromkeys(("_pedal_ms", "_pedal_means", "_buttons_ms", "_wait_ms", "_permit_high", "_always"), 0),
        **dict.fromkeys(("gpio", "chain", "_pedal"), -1),
        "gpio_mask": SAFE | NO | NC | PS_READY | CO2_READY | SCAN,
        "_given": i.ADMITTED,
        "_aim": i.CHAIN_AIM_MONITOR,
        "_disagrees": False,
        "_buttons": 7,
        "_buttons_raw": 7,
        "_standby_told": True,
        "_scan": SCAN,
        "_ps_ready": PS_READY,
        "_co2_ready": CO2_READY,
        "_fault_flip": 0,
        "_unwired": 0,
    }


def test_the_lines_that_count_are_those_of_the_profiles() -> None:
    pedal = SAFE | NO | NC
    assert make().gpio_mask == pedal | PS_READY | CO2_READY | SCAN
    assert i.Inputs(LINES, STEADY, STEADY).gpio_mask == make().gpio_mask, "a scanner is wired unless said otherwise"
    assert make(scanner=False).gpio_mask == pedal | PS_READY | CO2_READY
    assert make(i.LaserLines("per_shot"), i.LaserLines("none")).gpio_mask == pedal | SCAN


@pytest.mark.parametrize(
    ("fault", "ok_level", "bad_level"),
    [("closed_ok", i.CHAIN_CO2_FAULT, 0), ("open_ok", 0, i.CHAIN_CO2_FAULT)],
)
def test_the_co2_lasers_fault_line_means_what_its_profile_says(fault: str, ok_level: int, bad_level: int) -> None:
    feed = Feed(make(co2=i.LaserLines("steady", fault)))
    chain = GOOD_CHAIN & ~i.CHAIN_CO2_FAULT
    assert feed.ms(chain=chain | ok_level, count=30) & (i.CO2_OK | i.PS_OK) == i.CO2_OK | i.PS_OK
    assert feed.ms(chain=chain | bad_level) & (i.CO2_OK | i.PS_OK) == i.PS_OK


@pytest.mark.proves("R-OPT-8")
@pytest.mark.parametrize(
    ("fault", "ok_level", "bad_level"),
    [("closed_ok", i.CHAIN_PS_FAULT, 0), ("open_ok", 0, i.CHAIN_PS_FAULT)],
)
def test_fault_lines_mean_what_the_profile_says(fault: str, ok_level: int, bad_level: int) -> None:
    feed = Feed(make(ps=i.LaserLines("steady", fault)))
    chain = GOOD_CHAIN & ~i.CHAIN_PS_FAULT
    assert feed.ms(chain=chain | ok_level, count=30) & i.PS_OK
    assert not feed.ms(chain=chain | bad_level) & i.PS_OK


@pytest.mark.proves("R-OPT-8")
@pytest.mark.parametrize("ready", ["none", "per_shot"])
def test_lines_that_a_profile_does_not_have_never_keep_from_anything(ready: str) -> None:
    feed = Feed(make(i.LaserLines(ready, "none", shutter=False), i.LaserLines(ready, "none", shutter=False), False))
    word = feed.ms(SAFE | NC, i.CHAIN_PATTERN, count=30)
    wanted = i.PS_OK | i.CO2_OK | i.PS_READY | i.CO2_READY | i.SCAN_OK
    wanted |= i.PS_SHUTTER_CLOSED | i.PS_SHUTTER_OPEN | i.CO2_SHUTTER_CLOSED | i.CO2_SHUTTER_OPEN
    assert word & wanted == wanted


@pytest.mark.parametrize(("ready", "fault"), [("always", "none"), ("none", "low_ok")])
def test_a_line_of_unknown_meaning_is_refused(ready: str, fault: str) -> None:
    words = {
        "always": "ready=always is not known: use none, steady or per_shot",
        "none": "fault=low_ok is not known: use none, closed_ok or open_ok",
    }
    with pytest.raises(ValueError, match=f"^{words[ready]}$"):
        i.LaserLines(ready, fault)


def test_a_soft_condition_is_given_and_taken_and_a_real_one_cannot_be() -> None:
    feed = settled()
    feed.inputs.give(i.GUARD_OK | i.SAFE_PROVEN, True)
    assert feed.inputs.word & (i.GUARD_OK | i.SAFE_PROVEN) == i.GUARD_OK | i.SAFE_PROVEN
    feed.inputs.give(i.GUARD_OK, False)
    assert feed.ms(GOOD_GPIO & ~SAFE) & (i.GUARD_OK | i.SAFE_PROVEN) == i.SAFE_PROVEN
    words = "^these conditions are read from the inputs, they cannot be given$"
    with pytest.raises(ValueError, match=words):
        feed.inputs.give(i.SAFE_CLOSED, True)


SOFT = [
    i.HANDPIECE_OK,
    i.SAFE_PROVEN,
    i.LOADED,
    i.GUARD_OK,
    i.PS_SELECTED,
    i.CO2_SELECTED,
    i.MORE_PASSES,
    i.PRESSES_USED,
]


@pytest.mark.parametrize("condition", SOFT)
def test_giving_a_condition_changes_that_one_alone(condition: int) -> None:
    feed = settled()
    before = feed.inputs.word
    feed.inputs.give(condition, True)
    assert feed.inputs.word == before | condition
    assert feed.ms() == before | condition
    feed.inputs.give(condition, False)
    assert feed.inputs.word == before


def test_reasons_beside_the_inputs_are_held_one_by_one() -> None:
    feed = settled()
    assert feed.inputs.word & i.ADMITTED
    feed.inputs.hold(i.NO_RECIPE | i.SOFT_RESET, True)
    assert not feed.ms() & i.ADMITTED
    feed.inputs.hold(i.NO_RECIPE, False)
    assert not feed.ms() & i.ADMITTED
    assert feed.inputs.holds == i.SOFT_RESET
    feed.inputs.hold(i.SOFT_RESET, False)
    assert feed.ms() & i.ADMITTED
    words = "^these conditions are read from the inputs, they cannot be given$"
    with pytest.raises(ValueError, match=words):
        feed.inputs.give(i.ADMITTED, True)


CONTACTS = [i.CHAIN_ESTOP_CLOSED, i.CHAIN_DOOR_CLOSED, i.CHAIN_KEY_ON]


@pytest.mark.parametrize("contact", CONTACTS)
def test_a_safe_that_stays_closed_over_an_open_contact_is_a_fault_as_long_as_it_lasts(contact: int) -> None:
    feed = settled()
    for _ in range(i.SAFE_FOLLOWS_MS):
        feed.ms(chain=GOOD_CHAIN & ~contact)
        assert feed.inputs.events == 0
    for _ in range(3):
        feed.ms(chain=GOOD_CHAIN & ~contact, count=i.SAFE_FOLLOWS_MS)
        assert feed.inputs.events == i.raising(faults.SAFE_WITHOUT_CHAIN)
        feed.inputs.events = 0
    feed.ms(GOOD_GPIO & ~SAFE, GOOD_CHAIN & ~contact, count=200)
    feed.ms(count=200)
    assert feed.inputs.events == 0


@pytest.mark.parametrize("contact", CONTACTS)
def test_a_safe_that_opens_with_its_chain_is_no_fault(contact: int) -> None:
    feed = settled()
    feed.ms(chain=GOOD_CHAIN & ~contact, count=i.SAFE_FOLLOWS_MS)
    feed.ms(GOOD_GPIO & ~SAFE, GOOD_CHAIN & ~contact, count=500)
    assert feed.inputs.events == 0


@pytest.mark.parametrize(
    ("both", "neither"),
    [
        (i.CHAIN_PS_SHUTTER_CLOSED | i.CHAIN_PS_SHUTTER_OPEN, i.PS_SHUTTER_CLOSED | i.PS_SHUTTER_OPEN),
        (i.CHAIN_CO2_SHUTTER_CLOSED | i.CHAIN_CO2_SHUTTER_OPEN, i.CO2_SHUTTER_CLOSED | i.CO2_SHUTTER_OPEN),
    ],
)
def test_a_shutter_seen_open_and_closed_at_once_is_seen_neither(both: int, neither: int) -> None:
    feed = settled()
    good = feed.inputs.word
    assert feed.ms(chain=GOOD_CHAIN | both, count=50) & neither == 0
    assert feed.ms(count=50) == good


def test_an_aiming_beam_without_a_monitor_counts_as_seen() -> None:
    inputs = i.Inputs(LINES, STEADY, STEADY, aim=False)
    feed = Feed(inputs)
    assert feed.ms(count=50) & i.AIM_SEEN
    assert not settled().inputs.word & i.AIM_SEEN
    assert settled().ms(chain=GOOD_CHAIN | i.CHAIN_AIM_MONITOR, count=50) & i.AIM_SEEN


BUTTONS = [
    (i.CHAIN_BUTTON_ARM, 0, i.EV_ARM),
    (i.CHAIN_BUTTON_STANDBY, i.EV_STANDBY, i.EV_CLEAR),
    (i.CHAIN_BUTTON_NEXT, 0, i.EV_NEXT),
]


@pytest.mark.proves("R-IND-8")
@pytest.mark.parametrize(("button", "at_once", "steady"), BUTTONS)
def test_one_press_is_one_event_and_standby_stops_at_once(button: int, at_once: int, steady: int) -> None:
    feed = settled()
    feed.ms(chain=GOOD_CHAIN | button)
    assert feed.inputs.events == at_once
    feed.inputs.events = 0
    feed.ms(chain=GOOD_CHAIN | button, count=19)
    assert feed.inputs.events == 0
    feed.ms(chain=GOOD_CHAIN | button)
    assert feed.inputs.events == steady
    feed.inputs.events = 0
    feed.ms(chain=GOOD_CHAIN | button, count=3000)
    feed.ms(count=100)
    assert feed.inputs.events == 0
    feed.ms(chain=GOOD_CHAIN | button, count=30)
    assert feed.inputs.events == at_once | steady


@pytest.mark.proves("R-IND-8")
@pytest.mark.parametrize(("button", "at_once", "steady"), BUTTONS)
@pytest.mark.parametrize("bounce_ms", [1, 2, 5, 19])
def test_a_bouncing_button_is_pressed_once(button: int, at_once: int, steady: int, bounce_ms: int) -> None:
    feed = settled()
    counts = dict.fromkeys((i.EV_ARM, i.EV_STANDBY, i.EV_CLEAR, i.EV_NEXT), 0)
    bounces = [(GOOD_CHAIN | button, bounce_ms), (GOOD_CHAIN, bounce_ms)] * 5
    for chain, duration in [*bounces, (GOOD_CHAIN | button, 200), *bounces, (GOOD_CHAIN, 200)]:
        for _ in range(duration):
            feed.ms(chain=chain)
            for event in counts:
                counts[event] += bool(feed.inputs.events & event)
            feed.inputs.events = 0
    assert counts == {event: int(bool(event & (at_once | steady))) for event in counts}


@pytest.mark.proves("R-IND-8", "R-STA-5")
def test_a_button_held_since_power_up_is_no_press() -> None:
    feed = Feed(make())
    held = i.CHAIN_BUTTON_ARM | i.CHAIN_BUTTON_STANDBY | i.CHAIN_BUTTON_NEXT
    feed.ms(chain=GOOD_CHAIN | held, count=1000)
    feed.ms(count=100)
    assert feed.inputs.events == 0


@pytest.mark.proves("R-IND-8")
def test_a_glitch_of_the_standby_button_stops_but_does_not_acknowledge() -> None:
    feed = settled()
    feed.ms(chain=GOOD_CHAIN | i.CHAIN_BUTTON_STANDBY, count=5)
    feed.ms(count=100)
    assert feed.inputs.events == i.EV_STANDBY


def test_a_glitch_of_the_standby_button_does_not_make_the_next_press_deaf() -> None:
    feed = settled()
    for _ in range(2):
        feed.ms(chain=GOOD_CHAIN | i.CHAIN_BUTTON_STANDBY, count=5)
        assert feed.inputs.events == i.EV_STANDBY
        feed.inputs.events = 0
        feed.ms(count=30)


def test_buttons_pressed_together_are_all_heard_and_none_wipes_out_another() -> None:
    feed = settled()
    both = i.CHAIN_BUTTON_ARM | i.CHAIN_BUTTON_NEXT
    feed.ms(chain=GOOD_CHAIN | both, count=21)
    assert feed.inputs.events == i.EV_ARM | i.EV_NEXT
    feed.ms(chain=GOOD_CHAIN | both | i.CHAIN_BUTTON_STANDBY)
    assert feed.inputs.events == i.EV_ARM | i.EV_NEXT | i.EV_STANDBY
    feed.ms(count=30)
    feed.inputs.events = i.EV_CLEAR
    feed.ms(chain=GOOD_CHAIN | i.CHAIN_BUTTON_ARM, count=21)
    assert feed.inputs.events == i.EV_CLEAR | i.EV_ARM


def test_events_are_put_together_and_of_two_faults_the_first_stays() -> None:
    first, second = i.raising(12), i.raising(35)
    assert i.merged(i.EV_ARM, second | i.EV_NEXT) == i.EV_ARM | i.EV_NEXT | second
    assert i.merged(first, second | i.EV_ARM | i.EV_NEXT) == first | i.EV_ARM | i.EV_NEXT
    assert i.merged(first | i.EV_STANDBY, 0) == first | i.EV_STANDBY
    assert i.merged(0, second) == second


def test_pins_that_are_not_inputs_of_this_kind_change_nothing() -> None:
    feed = settled()
    word = feed.inputs.word
    judged_until = feed.inputs.due_ms
    assert feed.ms(GOOD_GPIO | 0x3FFFFFFF & ~(SAFE | NO | NC | PS_READY | CO2_READY | SCAN)) == word
    assert feed.inputs.due_ms == judged_until


@pytest.mark.proves("R-PER-4")
def test_a_permit_asks_for_every_line_of_the_lasers_it_is_for() -> None:
    inputs = make(i.LaserLines("per_shot", "closed_ok"), i.LaserLines("none", "open_ok"))
    assert inputs.permit_gpio(True, False) == (SAFE | NO | NC | PS_READY, SAFE | NO | PS_READY)
    assert inputs.permit_gpio(False, True) == (SAFE | NO | NC | SCAN, SAFE | NO | SCAN)
    mask, value = inputs.permit_chain(True, True)
    contacts = i.CHAIN_ESTOP_CLOSED | i.CHAIN_DOOR_CLOSED | i.CHAIN_KEY_ON
    shutters = i.CHAIN_PS_SHUTTER_OPEN | i.CHAIN_CO2_SHUTTER_OPEN
    assert mask == i.CHAIN_PATTERN_MASK | contacts | shutters | i.CHAIN_PS_FAULT | i.CHAIN_CO2_FAULT
    assert value == i.CHAIN_PATTERN | contacts | shutters | i.CHAIN_PS_FAULT


def test_each_line_is_the_bit_of_its_own_pin() -> None:
    lines = i.Lines(safe=1, foot_no=2, foot_nc=3, ps_ready=4, co2_ready=5, scan_ok=6)
    assert list(vars(lines).values()) == [2, 4, 8, 16, 32, 64]
    assert list(vars(lines)) == ["safe", "foot_no", "foot_nc", "ps_ready", "co2_ready", "scan_ok"]


def test_a_laser_without_a_profile_has_neither_line_but_a_shutter() -> None:
    assert vars(i.LaserLines()) == {"ready": "none", "fault": "none", "shutter": True}


def test_the_ready_lines_can_be_asked_for_each_laser() -> None:
    inputs = make(i.LaserLines("none"), i.LaserLines("none"))
    asked = [inputs.ready_line(ps, co2) for ps in (False, True) for co2 in (False, True)]
    assert asked == [0, CO2_READY, PS_READY, PS_READY | CO2_READY]


def test_a_permit_asks_for_nothing_that_a_profile_does_not_have() -> None:
    inputs = make(i.LaserLines("none", "none", shutter=False), i.LaserLines("steady", "closed_ok"))
    contacts = i.CHAIN_ESTOP_CLOSED | i.CHAIN_DOOR_CLOSED | i.CHAIN_KEY_ON
    assert inputs.permit_chain(True, False) == (i.CHAIN_PATTERN_MASK | contacts, i.CHAIN_PATTERN | contacts)
    mask, value = inputs.permit_chain(False, True)
    of_co2 = i.CHAIN_CO2_SHUTTER_OPEN | i.CHAIN_CO2_FAULT
    assert (mask, value) == (i.CHAIN_PATTERN_MASK | contacts | of_co2, i.CHAIN_PATTERN | contacts | of_co2)
    assert inputs.permit_gpio(True, True) == (SAFE | NO | NC | SCAN | CO2_READY, SAFE | NO | SCAN | CO2_READY)


@pytest.mark.proves("R-PER-4")
def test_a_refused_permit_names_the_line_that_refused_it() -> None:
    inputs = make(i.LaserLines("per_shot", "none"), i.LaserLines("steady", "none"))
    inputs.permit_gpio(True, False)
    pressed = SAFE | NO | PS_READY
    assert inputs.lost(pressed & ~PS_READY, True) == i.PS_READY
    assert inputs.lost(pressed, True) == 0, "neither scanner nor CO2 laser was asked for"
    inputs.permit_gpio(False, True)
    assert inputs.lost(pressed | CO2_READY, False) == i.SCAN_OK
    assert inputs.lost(pressed | SCAN, False) == i.CO2_READY


@pytest.mark.parametrize("gpio", [SAFE, SAFE | NO | NC, NO], ids=["NO opened", "NC closed", "SAFE opened"])
def test_a_permit_refused_for_the_pedal_or_safe_blames_no_other_line(gpio: int) -> None:
    inputs = make()
    inputs.permit_gpio(True, True)
    assert inputs.lost(gpio, True) == 0


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, (1 << 30) - 1), st.integers(0, 0xFFFF), st.integers(1, 40)), max_size=30),
    st.sampled_from([0, LATEST_MS - 40]),
)
def test_the_short_way_through_a_turn_sees_the_same(words: list[tuple[int, int, int]], start_ms: int) -> None:
    feed, thorough = Feed(make(), start_ms), Feed(make(), start_ms)
    for gpio, chain, duration in words:
        # Wild words seldom hold the register's pattern; half of them get it, so that what follows from it is tried.
        chain = chain & ~i.CHAIN_PATTERN_MASK | i.CHAIN_PATTERN if duration % 2 else chain
        for _ in range(duration):
            thorough.inputs.gpio = -1
            assert feed.ms(gpio, chain) == thorough.ms(gpio, chain)
            assert feed.inputs.events == thorough.inputs.events
            assert 0 <= feed.inputs.word < 1 << 30


class Small(int):
    """An integer that fails where MicroPython on the board would have to allocate."""

    def _checked(self, value: int) -> Small:
        assert -(1 << 30) <= value < 1 << 30, f"{value} is no small integer"
        return Small(value)

    def __add__(self, other: int) -> Small:
        return self._checked(int(self) + int(other))

    def __sub__(self, other: int) -> Small:
        return self._checked(int(self) - int(other))

    def __and__(self, other: int) -> Small:
        return self._checked(int(self) & int(other))

    def __xor__(self, other: int) -> Small:
        return self._checked(int(self) ^ int(other))


@given(st.integers(0, LATEST_MS), st.integers(0, (1 << 29) - 1))
def test_moments_are_compared_rightly_over_the_wrap_and_in_small_integers(then_ms: int, delay_ms: int) -> None:
    now_ms = (then_ms + delay_ms) & LATEST_MS
    assert later(Small(then_ms), Small(delay_ms)) == now_ms
    assert elapsed(Small(now_ms), Small(then_ms)) == delay_ms
    assert reached(Small(now_ms), Small(then_ms))
    assert reached(Small(then_ms), Small(now_ms)) == (delay_ms == 0)


def _bytecodes(call: Callable[[], object]) -> int:
    """Count the instructions that a call executes in the safety layer, as CPython has them."""
    count = 0
    names: list[str] = []

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal count
        frame.f_trace_opcodes = True
        frame.f_trace_lines = False
        if event == "opcode" and "safety" in frame.f_code.co_filename and "tests" not in frame.f_code.co_filename:
            name = dis.opname[frame.f_code.co_code[frame.f_lasti]]
            names.append(name)
            count += name not in ("RESUME", "PRECALL", "CACHE")
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        call()
    finally:
        sys.settrace(before)
    return count


def test_a_turn_in_which_nothing_happens_is_short(figure: Callable[..., None]) -> None:
    feed = settled()
    state = states.State(feed.now_ms)
    for events in (0, i.EV_PASSED, 0, 0):
        feed.ms()
        states.advance(state, feed.inputs.word, events, feed.now_ms)
    feed.ms(count=3000)
    states.advance(state, feed.inputs.word, 0, feed.now_ms)
    judging = _bytecodes(lambda: feed.inputs.update(GOOD_GPIO, GOOD_CHAIN, feed.now_ms + 1))
    advancing = _bytecodes(lambda: states.advance(state, feed.inputs.word, 0, feed.now_ms + 1))
    figure("inputs in an idle turn", judging, "bytecodes", limit="<= 35")
    figure("states in an idle turn", advancing, "bytecodes", limit="<= 25")
    assert 0 < judging <= 35
    assert 0 < advancing <= 25
