"""The list of faults is closed, complete and blinkable; lamps, buzzer and LED tell the states apart."""

from __future__ import annotations

import itertools
import sys

import pytest
from tandem.safety import fault_texts, faults, indicators, states
from tandem.safety import inputs as i

CONSTANTS = {
    name: value
    for name, value in vars(faults).items()
    if name.isupper() and isinstance(value, int) and 10 < value < 100 and not hasattr(i, name)
}


@pytest.mark.proves("R-FLT-1")
def test_every_number_has_one_fault_and_every_fault_its_number_by_name() -> None:
    assert {fault.name: fault.number for fault in fault_texts.FAULTS} == CONSTANTS
    assert len({fault.number for fault in fault_texts.FAULTS}) == len(fault_texts.FAULTS)


@pytest.mark.proves("R-FLT-1")
@pytest.mark.parametrize("fault", fault_texts.FAULTS, ids=lambda f: f.name)
def test_every_fault_says_what_it_means_and_what_to_do_and_can_be_blinked(fault: fault_texts.Fault) -> None:
    assert 11 <= fault.number <= 99
    assert fault.number % 10
    assert fault.meaning and fault.action
    assert not (fault.meaning + fault.action).strip().endswith(".")
    assert fault_texts.fault(fault.number) is fault
    assert faults.needs(fault.number) == fault.needs


@pytest.mark.proves("R-FLT-1")
def test_an_unknown_fault_is_refused_and_never_cleared_without_a_restart() -> None:
    with pytest.raises(ValueError, match="no fault 99"):
        fault_texts.fault(99)
    assert faults.needs(99) == faults.RESTART


def test_a_fault_of_the_list_carries_words_and_needs() -> None:
    fault = fault_texts.Fault(faults.DOOR_OPENED, "NAME", "meaning", "action")
    assert vars(fault) == {
        "number": faults.DOOR_OPENED,
        "name": "NAME",
        "meaning": "meaning",
        "action": "action",
        "needs": i.DOOR_CLOSED,
    }


def test_a_faults_words_are_loaded_when_they_are_told_and_thrown_out_again() -> None:
    described = faults.described(faults.DOOR_OPENED)
    assert (described.number, described.name) == (faults.DOOR_OPENED, "DOOR_OPENED")
    assert "tandem.safety.fault_texts" not in sys.modules
    with pytest.raises(ValueError, match=r"^there is no fault 99: see the list in fault_texts\.py$"):
        faults.described(99)
    assert "tandem.safety.fault_texts" not in sys.modules


def _state(mode: int, **fields: int) -> states.State:
    state = states.State(0)
    state.mode = mode
    for name, value in fields.items():
        setattr(state, name, value)
    return state


def _course(state: states.State, what: str, seconds: int = 3) -> list[int]:
    ask = getattr(indicators, what)
    return [ask(state, ms) for ms in range(0, seconds * 1000, indicators.STEP_MS)]


@pytest.mark.proves("R-IND-3")
def test_arming_firing_incomplete_refusal_and_fault_sound_different() -> None:
    sounds = [
        _course(_state(states.ARMING), "sound"),
        _course(_state(states.FIRING), "sound"),
        _course(_state(states.READY, incomplete=1, before=states.FIRING), "sound"),
        _course(_state(states.STANDBY, refused=1), "sound"),
        _course(_state(states.FAULT, fault=11), "sound"),
    ]
    assert all(any(course) for course in sounds)
    assert len({tuple(course) for course in sounds}) == len(sounds)
    for quiet in (states.STANDBY, states.READY, states.BOOT):
        assert not any(_course(_state(quiet), "sound"))


@pytest.mark.proves("R-IND-3")
def test_an_interrupted_pattern_and_a_refusal_sound_once() -> None:
    for state in (_state(states.READY, incomplete=1, before=states.FIRING), _state(states.STANDBY, refused=1)):
        assert not any(_course(state, "sound", 60)[31:])


def test_an_interrupted_pattern_does_not_sound_again_at_the_next_arming() -> None:
    assert not any(_course(_state(states.READY, incomplete=1, before=states.ARMING), "sound"))


@pytest.mark.proves("R-IND-5")
def test_the_led_tells_the_states_apart() -> None:
    modes = (states.STANDBY, states.ARMING, states.READY, states.FIRING, states.BOOT)
    assert len({tuple(_course(_state(mode), "led")) for mode in modes}) == len(modes)


@pytest.mark.proves("R-IND-5")
@pytest.mark.parametrize("fault", fault_texts.FAULTS, ids=lambda f: f.name)
def test_the_led_blinks_a_faults_number_as_long_and_short_flashes(fault: fault_texts.Fault) -> None:
    flashes: list[int] = []
    previous = 0
    tens, ones = divmod(fault.number, 10)
    steps = tens * 12 + 12 + ones * 6 + 24
    course = _course(_state(states.FAULT, fault=fault.number), "led", 30)
    assert course[:steps] == course[steps : 2 * steps]
    for lit in course[:steps]:
        if lit and not previous:
            flashes.append(0)
        if lit:
            flashes[-1] += 1
        previous = lit
    assert flashes == [8] * tens + [2] * ones, "half a second, and an eighth"
    assert set(course) == {0, 1}


@pytest.mark.proves("R-IND-2")
def test_ready_and_standby_and_arming_look_different() -> None:
    ready = indicators.OUT_LAMP_READY
    assert all(word & ready for word in _course(_state(states.READY), "outputs"))
    assert not any(word & ready for word in _course(_state(states.STANDBY), "outputs"))
    flashing = [bool(word & ready) for word in _course(_state(states.ARMING), "outputs")]
    assert any(flashing) and not all(flashing)


@pytest.mark.proves("R-IND-4")
def test_the_fault_lamp_flashes_while_the_cause_stands_and_burns_when_it_is_gone() -> None:
    standing = _state(states.FAULT, fault=faults.DOOR_OPENED, needs=i.DOOR_CLOSED)
    lit = [bool(word & indicators.OUT_LAMP_FAULT) for word in _course(standing, "outputs", 2)]
    assert any(lit) and not all(lit)
    gone = _state(states.FAULT, fault=faults.DOOR_OPENED, needs=i.DOOR_CLOSED, inputs=i.DOOR_CLOSED)
    assert all(word & indicators.OUT_LAMP_FAULT for word in _course(gone, "outputs", 2))
    lamp_hz = sum(1 for a, b in itertools.pairwise(lit) if b and not a) / 2
    assert 1.4 <= lamp_hz <= 2.8


@pytest.mark.proves("R-IND-7")
@pytest.mark.parametrize(
    ("selected", "lamps"),
    [
        (0, 0),
        (i.PS_SELECTED, indicators.OUT_LAMP_PS),
        (i.CO2_SELECTED, indicators.OUT_LAMP_CO2),
        (i.PS_SELECTED | i.CO2_SELECTED, indicators.OUT_LAMP_PS | indicators.OUT_LAMP_CO2),
    ],
)
def test_the_selected_laser_is_shown_in_every_state_after_the_self_test(selected: int, lamps: int) -> None:
    both = indicators.OUT_LAMP_PS | indicators.OUT_LAMP_CO2
    for mode in range(states.STANDBY, states.FAULT + 1):
        assert all(word & both == lamps for word in _course(_state(mode, inputs=selected), "outputs"))


SOUNDS = [
    (states.SELFTEST, {}, 1000, {0}),
    (states.ARMING, {}, 16, {0, 1}),
    (states.FIRING, {}, 8, {0}),
    (states.FAULT, {"fault": 12}, 30, {0, 1, 4, 5, 8, 9}),
    (states.STANDBY, {"refused": 1}, 1000, set(range(6))),
    (states.SERVICE, {"refused": 1}, 1000, set(range(6))),
    (states.READY, {"incomplete": 1, "before": states.FIRING}, 1000, {*range(8), *range(12, 20)}),
    (states.STANDBY, {"incomplete": 1, "before": states.FIRING}, 1000, {*range(8), *range(12, 20)}),
    (states.SERVICE, {"incomplete": 1, "before": states.FIRING}, 1000, set()),
    (states.READY, {"incomplete": 0, "before": states.FIRING}, 1000, set()),
    (states.READY, {"refused": 1}, 1000, set()),
    (states.BOOT, {"refused": 1}, 1000, set()),
]
"""State and record, after how many steps of 64 ms the sound repeats, and in which of them the buzzer sounds."""


@pytest.mark.parametrize(("mode", "fields", "count", "on"), SOUNDS)
def test_each_sound_has_its_own_steps_and_is_what_drives_the_buzzer(
    mode: int, fields: dict[str, int], count: int, on: set[int]
) -> None:
    state = _state(mode, inputs=i.PS_SELECTED | i.CO2_SELECTED, **fields)
    wanted = [1 if step % count in on else 0 for step in range(40 * 1000 // indicators.STEP_MS)]
    assert _course(state, "sound", 40) == wanted
    buzzer = [bool(word & indicators.OUT_BUZZER) for word in _course(state, "outputs", 40)]
    assert buzzer == [bool(on) for on in wanted]


def _lamps(mode: int, flash: bool, testing: bool) -> int:
    """What burns, beam and shutters, with both lasers selected and every press used, a fault whose cause stands."""
    lasers = indicators.OUT_LAMP_PS | indicators.OUT_LAMP_CO2
    emission = indicators.OUT_LAMP_EMISSION_1 | indicators.OUT_LAMP_EMISSION_2
    ready = indicators.OUT_LAMP_READY if flash else 0
    shutters = indicators.OUT_PS_SHUTTER | indicators.OUT_CO2_SHUTTER
    own = {
        states.SERVICE: emission,
        states.ARMING: emission | ready,
        states.READY: emission | ready | indicators.OUT_AIM,
        states.FIRING: emission | ready | indicators.OUT_AIM | shutters,
        states.FAULT: indicators.OUT_LAMP_FAULT if flash else 0,
    }
    if mode == states.SELFTEST:
        return lasers | emission | indicators.OUT_LAMP_READY | indicators.OUT_LAMP_FAULT
    return own.get(mode, 0) | (lasers if flash or not testing else 0)


@pytest.mark.parametrize("testing", [False, True], ids=["treatment", "test fire"])
@pytest.mark.parametrize("mode", range(len(states.MODE_NAMES)), ids=states.MODE_NAMES)
def test_each_state_lights_its_own_lamps_and_nothing_else(mode: int, testing: bool) -> None:
    used = i.PS_SELECTED | i.CO2_SELECTED | i.PRESSES_USED
    state = _state(mode, inputs=used, fault=faults.DOOR_OPENED, needs=i.DOOR_CLOSED)
    for step in range(32):
        word = indicators.outputs(state, step * indicators.STEP_MS, testing)
        assert word & ~indicators.OUT_BUZZER == _lamps(mode, step % 8 < 4, testing)


LIT_STEPS = {
    states.BOOT: (1, set()),
    states.SELFTEST: (1, set()),
    states.STANDBY: (32, {0, 1}),
    states.SERVICE: (32, {0, 1, 4, 5}),
    states.ARMING: (4, {0, 1}),
    states.READY: (16, set(range(2, 16))),
    states.FIRING: (1, {0}),
}
"""After how many steps of 64 ms the LED repeats, and in which of them it is lit."""


@pytest.mark.parametrize("mode", LIT_STEPS, ids=lambda mode: states.MODE_NAMES[mode])
def test_the_led_of_each_state_is_lit_in_its_own_steps(mode: int) -> None:
    count, lit = LIT_STEPS[mode]
    course = _course(_state(mode), "led", 30)
    assert course == [1 if step % count in lit else 0 for step in range(len(course))]


def test_no_shutter_is_asked_for_outside_firing() -> None:
    both = i.PS_SELECTED | i.CO2_SELECTED
    for mode in range(len(states.MODE_NAMES)):
        asked = indicators.shutters(_state(mode, inputs=both))
        assert bool(asked) == (mode == states.FIRING)
    assert indicators.shutters(_state(states.FIRING, inputs=i.PS_SELECTED)) == indicators.OUT_PS_SHUTTER
    assert indicators.shutters(_state(states.FIRING, inputs=i.CO2_SELECTED)) == indicators.OUT_CO2_SHUTTER


@pytest.mark.proves("R-IND-6")
def test_the_self_test_lights_every_lamp_and_opens_nothing() -> None:
    word = indicators.outputs(_state(states.SELFTEST, inputs=i.PS_SELECTED), 500)
    assert word & 0b111111000 == 0b111111000
    assert not word & (indicators.OUT_PS_SHUTTER | indicators.OUT_CO2_SHUTTER | indicators.OUT_AIM)


def test_nothing_is_driven_that_belongs_to_the_scanner() -> None:
    for mode in range(len(states.MODE_NAMES)):
        for word in _course(_state(mode, inputs=i.PS_SELECTED), "outputs"):
            assert not word & (indicators.OUT_SCAN_STEP | indicators.OUT_SCAN_HOME)
