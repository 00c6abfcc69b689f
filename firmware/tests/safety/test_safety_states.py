"""The state table, row by row, and what holds in every run whatever the inputs do."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tandem.safety import elapsed, fault_texts, faults, indicators
from tandem.safety import inputs as i
from tandem.safety import states as s

GOOD = (
    i.SAFE_CLOSED
    | i.ESTOP_CLOSED
    | i.DOOR_CLOSED
    | i.KEY_ON
    | i.HANDPIECE_OK
    | i.PEDAL_RELEASED
    | i.PS_READY
    | i.CO2_READY
    | i.PS_OK
    | i.CO2_OK
    | i.SCAN_OK
    | i.PS_SHUTTER_CLOSED
    | i.CO2_SHUTTER_CLOSED
    | i.CHAIN_OK
    | i.AIM_SEEN
    | i.ADMITTED
    | i.SAFE_PROVEN
    | i.LOADED
    | i.GUARD_OK
    | i.PS_SELECTED
)
PRESSED = (GOOD & ~i.PEDAL_RELEASED) | i.PEDAL_PRESSED
OPEN = (PRESSED & ~i.PS_SHUTTER_CLOSED) | i.PS_SHUTTER_OPEN
PEDAL = i.PEDAL_PRESSED | i.PEDAL_RELEASED | i.PEDAL_FAULT | i.PEDAL_DISCONNECTED
LIVE = (s.ARMING, s.READY, s.FIRING)


class Run:
    """A state record and the moment it has come to."""

    def __init__(self, **times: int) -> None:
        self.state = s.State(0, **times)
        self.now_ms = 0

    def turn(self, word: int, events: int = 0, after_ms: int = 1) -> int:
        self.now_ms = (self.now_ms + after_ms) & 0x3FFFFFFF
        return s.advance(self.state, word, events, self.now_ms)

    def wait(self, word: int, duration_ms: int) -> int:
        for _ in range(duration_ms):
            self.turn(word)
        return self.state.mode


def standby(**times: int) -> Run:
    run = Run(**times)
    run.turn(GOOD)
    run.turn(GOOD, i.EV_PASSED)
    assert run.state.mode == s.STANDBY
    return run


def arming(**times: int) -> Run:
    run = standby(**times)
    assert run.turn(GOOD, i.EV_ARM) == s.ARMING
    return run


def ready(**times: int) -> Run:
    run = arming(**times)
    assert run.wait(GOOD, run.state.times[s.T_ARMING] + 1) == s.READY
    return run


def firing(**times: int) -> Run:
    run = ready(**times)
    run.turn(GOOD)
    assert run.turn(PRESSED) == s.FIRING
    run.turn(OPEN)
    return run


def in_fault(number: int = faults.ENERGY_LOW) -> Run:
    run = firing()
    assert run.turn(OPEN, i.raising(number)) == s.FAULT
    return run


IN_MODE: dict[int, tuple[Callable[[], Run], int]] = {
    s.BOOT: (Run, GOOD),
    s.SELFTEST: (lambda: _selftest(), GOOD),
    s.STANDBY: (standby, GOOD),
    s.ARMING: (arming, GOOD),
    s.READY: (ready, GOOD),
    s.FIRING: (firing, OPEN),
    s.FAULT: (in_fault, GOOD),
    s.SERVICE: (lambda: service(), GOOD),
}


def service(**times: int) -> Run:
    run = standby(**times)
    assert run.turn(GOOD, i.EV_SERVICE) == s.SERVICE
    return run


def _selftest() -> Run:
    run = Run()
    run.turn(GOOD)
    return run


def _row_cases() -> list[tuple[int, tuple]]:
    return [(mode, row) for row in s.ROWS for mode in row[0]]


def _case_name(case: tuple[int, tuple]) -> str:
    mode, row = case
    return f"{s.MODE_NAMES[mode]}: {row[7]} -> {s.MODE_NAMES[row[5]]}"


def _word_for(row: tuple, usual: int) -> int:
    """The usual inputs of a mode, with the row's own conditions as it wants them."""
    _, _, mask, value, _, _, _, because = row
    real = 0x07FFFFFF
    word = (usual & ~(mask & real)) | (value & real)
    if because == "arming was refused":
        word &= ~i.DOOR_CLOSED
    if because == "the pedal was pressed":
        word &= ~i.PEDAL_RELEASED
    if because == "the guard tripped" and mask == i.LOADED | i.GUARD_OK:
        word |= i.LOADED
    return word


@pytest.mark.proves(
    "R-STA-2", "R-STP-6", "R-STP-7", "R-STP-8", "R-STP-9", "R-STP-13", "R-OPT-2", "R-OPT-3", "R-OPT-6", "R-OPT-8"
)
@pytest.mark.parametrize("case", _row_cases(), ids=_case_name)
def test_each_row_of_the_state_table_leads_where_it_says(case: tuple[int, tuple]) -> None:
    mode, row = case
    _, events, _, _, time, target, number, because = row
    enter, usual = IN_MODE[mode]
    run = enter()
    run.turn(usual)
    word = _word_for(row, usual)
    if because == "nothing happened for the set time":
        assert run.wait(usual, 119_000) == s.READY
    if time and time != s.T_IDLE:
        due_ms = run.state.times[time] - elapsed(run.now_ms, run.state.since_ms)
        quiet = {s.T_ARMING: GOOD & ~i.LOADED}.get(time, word)
        events_now = 0
        for _ in range(max(due_ms - 1, 0)):
            assert run.turn(quiet, events_now) == mode, "not before its time"
    if time == s.T_IDLE:
        run.wait(usual, 1010)
    else:
        run.turn(word, events)
    if time:
        run.turn(word, events if target != run.state.mode else 0)
    assert s.MODE_NAMES[run.state.mode] == s.MODE_NAMES[target]
    if target != mode:
        assert run.state.because == because
        assert run.state.fault == number
    if because == "arming was refused":
        assert run.state.refused == i.DOOR_CLOSED


@pytest.mark.proves("R-FLT-3")
@pytest.mark.parametrize("mode", range(len(s.MODE_NAMES)), ids=s.MODE_NAMES)
def test_a_fault_that_another_part_finds_leads_to_fault_from_every_state(mode: int) -> None:
    enter, usual = IN_MODE[mode]
    run = enter()
    run.turn(usual)
    assert run.turn(usual, i.raising(faults.REGISTERS_DIFFER)) == s.FAULT
    shown = run.state.also if mode == s.FAULT else run.state.fault
    assert shown == faults.REGISTERS_DIFFER


@pytest.mark.proves("R-STA-7")
def test_standby_works_from_arming_ready_and_firing() -> None:
    for enter, word in (IN_MODE[mode] for mode in LIVE):
        assert enter().turn(word, i.EV_STANDBY) == s.STANDBY


@pytest.mark.proves("R-STA-6", "R-IND-1")
def test_arming_lasts_at_least_two_seconds_with_both_emission_lamps_on() -> None:
    run = arming()
    started_ms = run.now_ms
    while run.turn(GOOD) == s.ARMING:
        lamps = indicators.outputs(run.state, run.now_ms)
        assert lamps & indicators.OUT_LAMP_EMISSION_1 and lamps & indicators.OUT_LAMP_EMISSION_2
    assert run.state.mode == s.READY
    assert run.now_ms - started_ms >= 2000


@pytest.mark.proves("R-STA-6", "R-SET-3")
@pytest.mark.parametrize("arming_ms", [0, 1999, 30001])
def test_an_arming_time_below_two_seconds_is_refused(arming_ms: int) -> None:
    with pytest.raises(ValueError, match="2000 to 30000"):
        s.State(0, arming_ms=arming_ms)


@pytest.mark.proves("R-SET-3")
@pytest.mark.parametrize("idle_s", [9, 601])
def test_an_inactivity_time_out_of_range_is_refused(idle_s: int) -> None:
    with pytest.raises(ValueError, match="10 to 600"):
        s.State(0, idle_s=idle_s)


@pytest.mark.proves("R-STA-9")
def test_ready_left_alone_falls_back_to_standby_after_the_set_time() -> None:
    run = ready(idle_s=10)
    entered_ms = run.state.since_ms
    while run.turn(GOOD) == s.READY:
        pass
    assert run.state.mode == s.STANDBY
    assert elapsed(run.now_ms, entered_ms) == 10_000


@pytest.mark.proves("R-STA-10", "R-PED-2", "R-STP-9")
@pytest.mark.parametrize(("bit", "text"), s.ARM_REASONS)
def test_in_standby_what_keeps_from_arming_is_said_and_is_no_fault(bit: int, text: str) -> None:
    run = standby()
    word = (GOOD | i.CO2_SELECTED) ^ bit
    assert run.turn(word, i.EV_ARM) == s.STANDBY
    assert run.state.refused == bit
    assert run.state.fault == 0
    assert text in s.reasons(s.arm_blocks(word), 0)


@pytest.mark.proves("R-STA-10")
def test_what_merely_follows_is_not_given_as_a_reason() -> None:
    stopped = GOOD & ~(i.ESTOP_CLOSED | i.SAFE_CLOSED)
    assert s.reasons(s.arm_blocks(stopped), 0) == ["the emergency stop is pressed"]
    assert s.reasons(s.arm_blocks(PRESSED), 0) == ["the pedal is pressed"]
    register = i.CHAIN_OK | i.ESTOP_CLOSED | i.DOOR_CLOSED | i.KEY_ON | i.PS_SHUTTER_CLOSED
    assert s.reasons(s.arm_blocks(GOOD & ~register), 0) == ["the input register is not alive"]


def test_the_lines_of_a_laser_that_is_not_selected_do_not_keep_from_arming() -> None:
    run = standby()
    assert run.turn(GOOD & ~(i.CO2_READY | i.CO2_OK), i.EV_ARM) == s.ARMING


@pytest.mark.proves("R-STA-12")
@pytest.mark.parametrize(("hold", "text"), s.HOLD_REASONS)
def test_what_keeps_from_arming_beside_the_inputs_is_said_too(hold: int, text: str) -> None:
    run = standby()
    assert run.turn(GOOD & ~i.ADMITTED, i.EV_ARM) == s.STANDBY
    assert run.state.refused == i.ADMITTED
    assert s.reasons(run.state.refused, hold) == [text]
    assert s.reasons(i.DOOR_CLOSED, hold) == [text, "the door is open"]


@pytest.mark.proves("R-PED-1")
def test_a_pedal_pressed_while_arming_fires_only_after_release_and_a_new_press() -> None:
    run = arming()
    run.wait(PRESSED, 2100)
    assert run.wait(PRESSED, 500) == s.READY
    released = GOOD & ~i.PEDAL_RELEASED
    run.wait(released, 299)
    assert run.wait(PRESSED, 100) == s.READY, "not seen released for long enough"
    run.turn(GOOD)
    assert run.turn(PRESSED) == s.FIRING


@pytest.mark.proves("R-PED-8")
def test_a_pedal_held_after_the_pattern_does_not_fire_again() -> None:
    run = firing()
    assert run.turn(OPEN, i.EV_DONE) == s.READY
    assert not run.state.incomplete
    assert run.wait(PRESSED, 1000) == s.READY
    run.turn(GOOD)
    assert run.turn(PRESSED) == s.FIRING


@pytest.mark.proves("R-PED-8")
@pytest.mark.parametrize("missing", [i.LOADED, i.SCAN_OK])
def test_a_press_that_could_not_fire_does_not_fire_later_by_itself(missing: int) -> None:
    run = ready()
    run.turn(GOOD)
    run.wait(PRESSED & ~missing, 50)
    assert run.wait(PRESSED, 50) == s.READY
    run.turn(GOOD)
    assert run.turn(PRESSED) == s.FIRING


@pytest.mark.proves("R-PED-4", "R-PED-5")
@pytest.mark.parametrize("mode", [s.ARMING, s.READY], ids=["ARMING", "READY"])
def test_a_pedal_that_is_gone_while_armed_is_a_fault(mode: int) -> None:
    run = IN_MODE[mode][0]()
    gone = (GOOD & ~i.PEDAL_RELEASED) | i.PEDAL_DISCONNECTED
    assert run.turn(gone) == s.FAULT
    assert run.state.fault == faults.PEDAL_GONE
    assert run.turn(gone, i.EV_CLEAR, after_ms=200) == s.FAULT, "it has to be connected first"
    assert run.turn(PRESSED, i.EV_CLEAR) == s.STANDBY


@pytest.mark.proves("R-STP-10")
def test_safe_may_open_in_arming_until_it_is_proven_and_never_after() -> None:
    unproven = GOOD & ~(i.SAFE_PROVEN | i.LOADED | i.GUARD_OK)
    run = arming()
    assert run.wait(unproven & ~i.SAFE_CLOSED, 1500) == s.ARMING
    assert run.wait(unproven, 1000) == s.ARMING, "READY waits for the proof"
    assert run.turn(GOOD & ~i.SAFE_CLOSED) == s.FAULT
    assert run.state.fault == faults.SAFE_OPENED


@pytest.mark.proves("R-STP-11")
def test_a_safe_that_is_not_proven_in_time_is_a_fault() -> None:
    run = arming()
    assert run.wait(GOOD & ~i.SAFE_PROVEN, 6999) == s.ARMING
    assert run.turn(GOOD & ~i.SAFE_PROVEN) == s.FAULT
    assert run.state.fault == faults.SAFE_NOT_CLOSED


@pytest.mark.parametrize("closed", [i.PS_SHUTTER_CLOSED, i.CO2_SHUTTER_CLOSED])
def test_the_self_test_does_not_pass_before_both_shutters_are_seen_closed(closed: int) -> None:
    run = _selftest()
    assert run.turn(GOOD & ~closed, i.EV_PASSED) == s.SELFTEST
    assert run.turn(GOOD, i.EV_PASSED) == s.STANDBY
    run = _selftest()
    assert run.wait(GOOD & ~closed, 250) == s.FAULT


@pytest.mark.proves("R-OPT-5")
def test_without_the_aiming_beam_nothing_fires() -> None:
    run = ready()
    dark = GOOD & ~i.AIM_SEEN
    run.turn(dark)
    assert run.turn(PRESSED & ~i.AIM_SEEN) == s.READY
    assert run.wait(dark, 250) == s.FAULT
    assert run.state.fault == faults.AIM_NOT_SEEN
    run = firing()
    assert run.turn(OPEN & ~i.AIM_SEEN) == s.FAULT
    assert run.state.fault == faults.AIM_NOT_SEEN


@pytest.mark.proves("R-SRV-1")
def test_service_is_entered_from_standby_alone_and_ends_by_itself() -> None:
    for mode in (s.BOOT, s.SELFTEST, s.ARMING, s.READY, s.FIRING, s.FAULT):
        enter, word = IN_MODE[mode]
        assert enter().turn(word, i.EV_SERVICE) != s.SERVICE
    run = service(service_s=30)
    run.wait(GOOD, 20_000)
    assert run.turn(GOOD, i.EV_SERVICE) == s.SERVICE, "its time begins anew"
    assert run.wait(GOOD, 29_999) == s.SERVICE
    assert run.turn(GOOD) == s.STANDBY


def test_a_refused_arming_in_service_is_told_and_does_not_lengthen_it() -> None:
    run = service(service_s=30)
    run.wait(GOOD, 20_000)
    assert run.turn(GOOD & ~i.DOOR_CLOSED, i.EV_ARM) == s.SERVICE
    assert run.state.refused == i.DOOR_CLOSED
    assert run.wait(GOOD, 10_000) == s.STANDBY


def test_a_test_fire_that_passed_ends_in_standby_and_is_no_incomplete_pattern() -> None:
    run = firing()
    assert run.turn(OPEN, i.EV_TESTED) == s.STANDBY
    assert not run.state.incomplete


@pytest.mark.proves("R-PED-6", "R-STA-14")
def test_releasing_the_pedal_ends_firing_in_the_same_turn_and_marks_the_pattern_incomplete() -> None:
    run = firing()
    assert run.state.permit
    assert run.turn(OPEN & ~i.PEDAL_PRESSED) == s.READY
    assert not run.state.permit
    assert run.state.incomplete
    assert run.state.before == s.FIRING
    run.turn(GOOD)
    assert run.turn(PRESSED) == s.FIRING
    assert not run.state.incomplete, "a new pattern has begun"
    assert run.state.before == s.READY


@pytest.mark.proves("R-TST-6")
def test_a_self_test_that_does_not_end_is_a_fault_after_ten_seconds() -> None:
    run = _selftest()
    assert run.wait(GOOD, 9_999) == s.SELFTEST
    assert run.wait(GOOD, 1) == s.FAULT
    assert run.state.fault == faults.SELFTEST_TIMEOUT


@pytest.mark.proves("R-STP-8")
def test_turning_the_key_off_leads_to_standby_though_it_opens_safe_too() -> None:
    for enter, word in (IN_MODE[mode] for mode in LIVE):
        run = enter()
        assert run.turn(word & ~(i.KEY_ON | i.SAFE_CLOSED | i.GUARD_OK)) == s.STANDBY
        assert run.state.fault == 0


@pytest.mark.proves("R-STP-14")
def test_what_a_stop_brings_with_it_does_not_hide_its_cause() -> None:
    run = firing()
    word = OPEN & ~(i.DOOR_CLOSED | i.SAFE_CLOSED | i.GUARD_OK)
    assert run.turn(word, i.raising(faults.SLOT_MISSED)) == s.FAULT
    assert (run.state.fault, run.state.also) == (faults.DOOR_OPENED, faults.SLOT_MISSED)
    run = firing()
    assert run.turn(OPEN & ~i.KEY_ON, i.raising(faults.SLOT_MISSED)) == s.STANDBY
    assert run.state.also == faults.SLOT_MISSED


@pytest.mark.proves("R-STP-14")
@pytest.mark.parametrize("cause", [i.CHAIN_OK, i.KEY_ON, i.ESTOP_CLOSED, i.DOOR_CLOSED, i.SAFE_CLOSED, i.HANDPIECE_OK])
def test_whatever_opens_the_chain_decides_and_what_follows_is_noted(cause: int) -> None:
    run = firing()
    run.turn(OPEN & ~cause, i.raising(faults.SLOT_MISSED))
    assert run.state.fault not in (faults.SLOT_MISSED, faults.GUARD_TRIPPED)
    assert run.state.also == faults.SLOT_MISSED


def test_a_fault_noted_beside_another_is_gone_with_the_acknowledgement() -> None:
    run = in_fault()
    run.turn(GOOD, i.raising(faults.SYNC_EARLY))
    assert run.turn(GOOD, i.EV_CLEAR, after_ms=200) == s.STANDBY
    assert run.state.also == 0


def test_a_door_opened_after_an_energy_fault_does_not_rename_it() -> None:
    run = in_fault(faults.ENERGY_LOW)
    run.turn(GOOD & ~(i.DOOR_CLOSED | i.SAFE_CLOSED))
    assert run.state.fault == faults.ENERGY_LOW


@pytest.mark.proves("R-STA-1")
def test_a_controller_that_has_just_started_has_no_pattern_and_no_fault() -> None:
    state = s.State(0)
    assert (state.mode, state.fault, state.also, state.last_fault) == (s.BOOT, 0, 0, 0)
    assert not (state.permit or state.incomplete or state.pedal_seen)


def test_no_condition_or_event_needs_an_integer_that_the_board_would_allocate() -> None:
    largest = max(s.PEDAL_SEEN, s.NOTHING_AGAINST, faults.RESTART, *(bit for bit, _ in i.CONDITION_NAMES))
    assert largest < 1 << 30
    assert i.raising(99) | i.EV_PASSED < 1 << 30
    events = [i.EV_ARM, i.EV_STANDBY, i.EV_CLEAR, i.EV_NEXT, i.EV_DONE, i.EV_PEDAL_LEFT, i.EV_PASSED]
    assert sum(events) < 1 << i.FAULT_SHIFT
    assert len(set(events)) == len(events)


@pytest.mark.proves("R-STP-14")
def test_the_key_wins_over_a_guard_trip_that_the_sequencer_reports() -> None:
    run = firing()
    assert run.turn(OPEN & ~(i.KEY_ON | i.GUARD_OK), i.raising(faults.GUARD_TRIPPED)) == s.STANDBY
    run = firing()
    assert run.turn(OPEN & ~i.GUARD_OK, i.raising(faults.GUARD_TRIPPED)) == s.FAULT
    assert (run.state.fault, run.state.also) == (faults.GUARD_TRIPPED, 0)
    run = firing()
    assert run.turn(OPEN, i.raising(faults.GUARD_TRIPPED)) == s.FAULT, "seen by the sequencer alone"


@pytest.mark.proves("R-PER-3")
def test_a_missed_slot_without_a_stop_is_a_fault() -> None:
    run = firing()
    assert run.turn(OPEN, i.raising(faults.SLOT_MISSED)) == s.FAULT


@pytest.mark.proves("R-STP-14")
def test_a_stop_seen_late_still_gives_the_fault_its_name() -> None:
    run = firing()
    assert run.turn(OPEN & ~i.GUARD_OK) == s.FAULT
    assert run.state.fault == faults.GUARD_TRIPPED
    run.turn(OPEN & ~(i.GUARD_OK | i.SAFE_CLOSED))
    assert run.state.fault == faults.SAFE_OPENED
    stopped = GOOD & ~(i.GUARD_OK | i.SAFE_CLOSED | i.ESTOP_CLOSED)
    run.turn(stopped, after_ms=10)
    assert run.state.fault == faults.STOP_PRESSED
    run.turn(GOOD & ~i.ESTOP_CLOSED, i.EV_CLEAR, after_ms=200)
    assert run.state.mode == s.FAULT, "the stop is still pressed"
    assert run.turn(GOOD & ~i.GUARD_OK, i.EV_CLEAR) == s.STANDBY


def test_a_contact_that_opens_long_after_does_not_rename_the_fault() -> None:
    run = firing()
    run.turn(OPEN & ~i.GUARD_OK)
    run.turn(GOOD & ~i.DOOR_CLOSED, after_ms=51)
    assert run.state.fault == faults.GUARD_TRIPPED


@pytest.mark.proves("R-STP-3")
def test_a_guard_trip_that_no_poll_of_safe_saw_is_a_fault_of_its_own() -> None:
    for mode in (s.READY, s.FIRING):
        enter, word = IN_MODE[mode]
        run = enter()
        assert run.turn(word & ~i.GUARD_OK) == s.FAULT
        assert run.state.fault == faults.GUARD_TRIPPED
        assert run.turn(GOOD & ~i.GUARD_OK, i.EV_CLEAR, after_ms=200) == s.STANDBY, "arming releases the guard"


@pytest.mark.proves("R-STA-1", "R-STA-8", "R-STP-6", "R-STP-7")
@pytest.mark.parametrize("fault", fault_texts.FAULTS, ids=lambda f: f.name)
def test_a_fault_is_left_only_by_acknowledgement_with_its_cause_gone(fault: fault_texts.Fault) -> None:
    run = firing()
    run.turn(OPEN, i.raising(fault.number))
    assert run.wait(GOOD, 200) == s.FAULT
    for event in (i.EV_ARM, i.EV_STANDBY, i.EV_NEXT, i.EV_DONE, i.EV_PASSED, i.EV_PEDAL_LEFT):
        assert run.turn(GOOD, event) == s.FAULT
    if fault.needs & faults.RESTART:
        assert run.turn(GOOD, i.EV_CLEAR) == s.FAULT
        return
    if fault.needs:
        assert run.turn(GOOD ^ fault.needs, i.EV_CLEAR) == s.FAULT
    assert run.turn(GOOD, i.EV_CLEAR) == s.STANDBY
    assert run.state.last_fault == fault.number
    assert run.state.fault == 0


@pytest.mark.proves("R-STA-8")
def test_an_acknowledgement_in_the_moment_of_the_fault_does_not_count() -> None:
    run = firing()
    assert run.turn(OPEN, i.raising(faults.ENERGY_LOW) | i.EV_CLEAR) == s.FAULT
    for _ in range(99):
        assert run.turn(GOOD, i.EV_CLEAR) == s.FAULT
    assert run.turn(GOOD, i.EV_CLEAR) == s.STANDBY


@pytest.mark.proves("R-FLT-4")
def test_a_second_fault_is_kept_beside_the_first_and_has_to_be_gone_too() -> None:
    run = in_fault()
    run.turn(GOOD & ~i.PS_OK, i.raising(faults.PS_FAULT_LINE))
    assert (run.state.fault, run.state.also) == (faults.ENERGY_LOW, faults.PS_FAULT_LINE)
    assert run.turn(GOOD & ~i.PS_OK, i.EV_CLEAR, after_ms=500) == s.FAULT
    assert run.turn(GOOD, i.EV_CLEAR) == s.STANDBY


@pytest.mark.proves("R-PED-9")
def test_a_new_record_says_that_nothing_has_happened_yet() -> None:
    state = s.State(77)
    assert (state.before, state.because, state.inputs, state.needs, state.refused) == (s.BOOT, "", 0, 0, 0)
    assert (state.since_ms, state.due_ms) == (77, 77)
    assert s.State().since_ms == 0
    assert state.times == [0, 10_000, 2_000, 7_000, 120_000, 250, 100, 300_000]
    assert (state.permit, state.pedal_seen, state.incomplete) == (False, False, False)


def test_lasers_are_waited_for_0_to_60_s_beyond_the_arming_time() -> None:
    for wait_ms in (0, 60_000):
        assert s.State(wait_ms=wait_ms).times[s.T_WAIT] == 2000 + wait_ms
    for wait_ms in (-1, 60_001):
        with pytest.raises(ValueError, match=f"^wait_ms={wait_ms} refused: 0 to 60000 is allowed$"):
            s.State(wait_ms=wait_ms)


@pytest.mark.parametrize(
    ("name", "lowest", "highest"), [("arming_ms", 2000, 30_000), ("idle_s", 10, 600), ("service_s", 30, 1800)]
)
def test_a_time_out_of_range_is_refused_by_its_name_with_the_range(name: str, lowest: int, highest: int) -> None:
    for value in (lowest, highest):
        s.State(**{name: value})
    for value in (lowest - 1, highest + 1):
        with pytest.raises(ValueError, match=f"^{name}={value} refused: {lowest} to {highest} is allowed$"):
            s.State(**{name: value})


def test_shutters_are_given_1_to_2000_ms() -> None:
    state = s.State()
    for shutter_ms in (1, 2000):
        state.set_shutter(shutter_ms)
        assert state.times[s.T_SHUTTER] == shutter_ms
    for shutter_ms in (0, 2001):
        with pytest.raises(ValueError, match=f"^shutter_ms={shutter_ms} refused: 1 to 2000 is allowed$"):
            state.set_shutter(shutter_ms)


def test_a_pedal_seen_released_in_the_turn_in_which_ready_begins_counts() -> None:
    run = arming()
    assert run.wait(GOOD, 1999) == s.ARMING
    assert run.turn(GOOD) == s.READY
    assert run.turn(PRESSED) == s.FIRING


@pytest.mark.parametrize("lost", [i.SAFE_CLOSED, i.ESTOP_CLOSED, i.GUARD_OK])
def test_a_stop_counts_in_ready_whether_the_pedal_was_seen_or_not(lost: int) -> None:
    run = arming()
    run.wait(PRESSED, 2100)
    assert run.state.mode == s.READY and not run.state.pedal_seen
    assert run.turn(PRESSED & ~lost) == s.FAULT


def test_a_refusal_is_forgotten_when_it_is_armed_after_all() -> None:
    run = standby()
    run.turn(GOOD & ~i.DOOR_CLOSED, i.EV_ARM)
    assert run.state.refused == i.DOOR_CLOSED
    assert run.turn(GOOD, i.EV_ARM) == s.ARMING
    assert run.state.refused == 0


def test_outside_fault_nothing_is_waited_for() -> None:
    for mode, (enter, word) in IN_MODE.items():
        run = enter()
        run.turn(word)
        assert (run.state.needs != 0) == (mode == s.FAULT and bool(faults.needs(run.state.fault)))


@pytest.mark.parametrize("number", [faults.ENERGY_LOW, faults.DOOR_OPENED])
def test_a_fault_in_the_self_test_is_left_only_by_a_restart(number: int) -> None:
    run = _selftest()
    assert run.turn(GOOD, i.raising(number)) == s.FAULT
    assert run.state.needs == faults.needs(number) | faults.RESTART
    assert run.turn(GOOD, i.EV_CLEAR, after_ms=200) == s.FAULT
    other = in_fault(number)
    assert other.state.needs == faults.needs(number)


@pytest.mark.parametrize(("selected", "lines"), [(i.PS_SELECTED, i.CO2_OK), (i.CO2_SELECTED, i.PS_OK)])
def test_only_the_selected_lasers_lines_keep_from_arming(selected: int, lines: int) -> None:
    lines |= {i.CO2_OK: i.CO2_READY, i.PS_OK: i.PS_READY}[lines]
    word = (GOOD & ~i.PS_SELECTED | selected) & ~lines
    assert s.arm_blocks(word) == 0
    assert s.arm_blocks(word | i.PS_SELECTED | i.CO2_SELECTED) == lines


def test_what_is_due_in_the_next_millisecond_is_looked_at_in_the_next_turn() -> None:
    run = arming()
    run.turn(GOOD, after_ms=1999)
    assert run.state.mode == s.ARMING
    assert run.state.due_ms == run.now_ms + 1


def test_a_stop_seen_late_needs_safe_closed_again_too() -> None:
    run = firing()
    run.turn(OPEN & ~i.GUARD_OK)
    run.turn(GOOD & ~(i.SAFE_CLOSED | i.ESTOP_CLOSED), after_ms=50)
    assert run.state.fault == faults.STOP_PRESSED, "50 ms are soon enough"
    for bad in (i.SAFE_CLOSED, i.ESTOP_CLOSED):
        assert run.turn(GOOD & ~bad, i.EV_CLEAR, after_ms=200) == s.FAULT
    assert run.turn(GOOD, i.EV_CLEAR) == s.STANDBY


def test_a_register_that_is_not_alive_gives_no_fault_another_name() -> None:
    run = firing()
    run.turn(OPEN & ~i.GUARD_OK)
    run.turn(GOOD & ~(i.CHAIN_OK | i.ESTOP_CLOSED | i.DOOR_CLOSED | i.KEY_ON))
    assert run.state.fault == faults.GUARD_TRIPPED


def test_without_a_laser_there_is_no_permit() -> None:
    run = ready()
    run.turn(GOOD & ~i.PS_SELECTED)
    assert run.turn(PRESSED & ~i.PS_SELECTED) == s.FIRING
    run.turn(PRESSED & ~i.PS_SELECTED)
    assert not run.state.permit


def test_every_fault_seen_beside_the_first_has_to_be_gone_not_only_the_last() -> None:
    run = in_fault(faults.DOOR_OPENED)
    run.turn(GOOD, i.raising(faults.PS_FAULT_LINE))
    run.turn(GOOD, i.raising(faults.CO2_FAULT_LINE))
    assert run.state.because == "a fault was found"
    for bad in (i.DOOR_CLOSED, i.PS_OK, i.CO2_OK):
        assert run.turn(GOOD & ~bad, i.EV_CLEAR, after_ms=200) == s.FAULT
    assert run.turn(GOOD, i.EV_CLEAR) == s.STANDBY


def test_used_presses_neither_fire_nor_arm_but_the_next_pass_can_be_chosen() -> None:
    run = ready()
    assert run.turn(PRESSED | i.PRESSES_USED) == s.READY
    assert standby().turn(GOOD | i.PRESSES_USED, i.EV_ARM) == s.STANDBY
    assert standby().turn(GOOD | i.PRESSES_USED | i.MORE_PASSES, i.EV_ARM) == s.ARMING
    assert ready().turn(GOOD | i.PRESSES_USED | i.MORE_PASSES, i.EV_NEXT) == s.ARMING


@pytest.mark.proves("R-STA-11")
def test_the_next_pass_repeats_the_arming_delay() -> None:
    run = ready()
    more = GOOD | i.MORE_PASSES
    assert run.turn(GOOD, i.EV_NEXT) == s.READY, "there is no next pass"
    assert run.turn(more, i.EV_NEXT) == s.ARMING
    assert run.wait(more, 1999) == s.ARMING
    assert run.wait(more, 2) == s.READY


@pytest.mark.proves("R-OPT-3")
@pytest.mark.parametrize(
    ("selected", "shutter"),
    [(i.PS_SELECTED, i.PS_SHUTTER_OPEN), (i.CO2_SELECTED, i.CO2_SHUTTER_OPEN)],
    ids=["ps", "CO2"],
)
def test_permits_wait_for_the_shutter_of_the_one_laser(selected: int, shutter: int) -> None:
    run = ready()
    word = (GOOD & ~i.PS_SELECTED) | selected
    run.turn(word)
    pressed = (word & ~i.PEDAL_RELEASED) | i.PEDAL_PRESSED
    assert run.turn(pressed) == s.FIRING
    assert not run.state.permit
    run.turn(pressed | shutter)
    assert run.state.permit
    run.turn(pressed)
    assert not run.state.permit


@pytest.mark.proves("R-OPT-3")
def test_permits_wait_for_the_shutters_of_the_selected_lasers() -> None:
    run = ready()
    both = PRESSED | i.CO2_SELECTED
    run.turn(GOOD | i.CO2_SELECTED)
    assert run.turn(both) == s.FIRING
    assert not run.state.permit
    run.turn((both & ~i.PS_SHUTTER_CLOSED) | i.PS_SHUTTER_OPEN)
    assert not run.state.permit
    run.turn((both & ~(i.PS_SHUTTER_CLOSED | i.CO2_SHUTTER_CLOSED)) | i.PS_SHUTTER_OPEN | i.CO2_SHUTTER_OPEN)
    assert run.state.permit


@pytest.mark.proves("R-OPT-1")
def test_in_firing_only_the_selected_lasers_shutter_is_driven() -> None:
    for selected, driven in (
        (i.PS_SELECTED, indicators.OUT_PS_SHUTTER),
        (i.CO2_SELECTED, indicators.OUT_CO2_SHUTTER),
        (i.PS_SELECTED | i.CO2_SELECTED, indicators.OUT_PS_SHUTTER | indicators.OUT_CO2_SHUTTER),
    ):
        run = ready()
        word = (GOOD & ~i.PS_SELECTED) | selected
        run.turn(word)
        run.turn((word & ~i.PEDAL_RELEASED) | i.PEDAL_PRESSED)
        assert run.state.mode == s.FIRING
        both = indicators.OUT_PS_SHUTTER | indicators.OUT_CO2_SHUTTER
        assert indicators.outputs(run.state, run.now_ms) & both == driven


FLIPS = st.sampled_from([1 << bit for bit in range(27)])
EVENTS = st.sampled_from([i.EV_ARM, i.EV_STANDBY, i.EV_CLEAR, i.EV_NEXT, i.EV_DONE, i.EV_PEDAL_LEFT, i.EV_PASSED])
NUMBERS = st.sampled_from([f.number for f in fault_texts.FAULTS])
ACTIONS = st.one_of(
    st.tuples(st.just("flip"), FLIPS),
    st.tuples(st.just("event"), EVENTS),
    st.tuples(st.just("event"), st.just(i.EV_ARM)),
    st.tuples(st.just("fault"), NUMBERS),
    st.tuples(st.just("good"), st.just(0)),
    st.tuples(st.just("press"), st.just(0)),
    st.tuples(st.just("open"), st.just(0)),
    st.tuples(st.just("wait"), st.sampled_from([1, 19, 100, 250, 300, 2000, 5000, 120_000])),
)


class Watch:
    """Checks, turn by turn and from the inputs alone, what must hold in every run."""

    def __init__(self, start_ms: int) -> None:
        self.state = s.State(start_ms)
        self.shadow = s.State(start_ms)
        self.now_ms = start_ms
        self.armed_ms = 0
        self.released_seen = False
        self.word = GOOD
        self.reached: set[int] = set()

    def turn(self, events: int) -> None:
        before = self.state.mode
        given = copy.deepcopy(self.state)
        mode = s.advance(self.state, self.word, events, self.now_ms)
        assert s.advance(given, self.word, events, self.now_ms) == mode and vars(given) == vars(self.state)
        self.shadow.due_ms = self.now_ms
        s.advance(self.shadow, self.word, events, self.now_ms)
        differing = {k for k, v in vars(self.state).items() if v != vars(self.shadow)[k]} - {"due_ms", "inputs"}
        assert not differing, "the short way through a turn skips something"
        self.check(before, mode, events)
        self.reached.add(mode)

    def check(self, before: int, mode: int, events: int) -> None:
        word, state = self.word, self.state
        outputs = indicators.outputs(state, self.now_ms)
        driven = outputs & (indicators.OUT_PS_SHUTTER | indicators.OUT_CO2_SHUTTER)
        if mode != s.FIRING:
            assert not state.permit and not driven
        if driven & indicators.OUT_PS_SHUTTER:
            assert word & i.PS_SELECTED
        if driven & indicators.OUT_CO2_SHUTTER:
            assert word & i.CO2_SELECTED
        if state.permit:
            assert word & i.PEDAL_PRESSED and word & i.SAFE_CLOSED and word & i.GUARD_OK
        if mode in LIVE:
            lit = indicators.OUT_LAMP_EMISSION_1 | indicators.OUT_LAMP_EMISSION_2
            assert outputs & lit == lit
        if mode == s.ARMING and before != s.ARMING:
            assert before in (s.STANDBY, s.READY) and events & (i.EV_ARM | i.EV_NEXT)
            self.armed_ms = self.now_ms
            self.released_seen = False
        if mode == s.READY:
            assert before in (s.ARMING, s.READY, s.FIRING)
            if before == s.ARMING:
                assert elapsed(self.now_ms, self.armed_ms) >= 2000
            if before == s.FIRING:
                self.released_seen = False
            self.released_seen = self.released_seen or word & PEDAL == i.PEDAL_RELEASED
        if mode == s.FIRING and before != s.FIRING:
            assert before == s.READY and self.released_seen and word & i.PEDAL_PRESSED
        if before == s.FAULT and mode != s.FAULT:
            assert mode == s.STANDBY and events & i.EV_CLEAR
        if before in LIVE:
            if events & i.EV_STANDBY:
                assert mode in (s.STANDBY, s.FAULT)
            for bit in (i.SAFE_CLOSED, i.DOOR_CLOSED, i.ESTOP_CLOSED, i.KEY_ON, i.HANDPIECE_OK, i.CHAIN_OK):
                if not word & bit:
                    assert mode in (s.STANDBY, s.FAULT)
        assert bool(state.fault) == (mode == s.FAULT)
        numbers = [v for v in vars(state).values() if isinstance(v, int)] + [outputs]
        assert all(0 <= v < 1 << 30 for v in numbers), "an integer of this size would be allocated on the board"
        assert all(isinstance(said, bool) for said in (state.permit, state.pedal_seen, state.incomplete))

    def act(self, what: str, value: int) -> None:
        events = 0
        if what == "flip":
            self.word ^= value
        elif what == "event":
            events = value
        elif what == "fault":
            events = i.raising(value)
        elif what == "good":
            self.word = GOOD
        elif what == "press":
            self.word = (self.word & ~i.PEDAL_RELEASED) | i.PEDAL_PRESSED
        elif what == "open":
            self.word = (self.word & ~i.PS_SHUTTER_CLOSED) | i.PS_SHUTTER_OPEN
        elif what == "wait":
            self.turn(0)
            self.now_ms = (self.now_ms + value) & 0x3FFFFFFF
        self.turn(events)
        self.now_ms = (self.now_ms + 1) & 0x3FFFFFFF


START_MS = st.sampled_from([0, 12345, (1 << 29) - 1000, (1 << 30) - 3000])


@pytest.mark.proves("R-STA-4", "R-STA-5", "R-PED-10", "R-OPT-1", "R-IND-1")
@settings(max_examples=150, deadline=None)
@given(START_MS, st.lists(ACTIONS, max_size=60))
def test_no_run_of_inputs_breaks_a_promise(start_ms: int, actions: list[tuple[str, int]]) -> None:
    watch = Watch(start_ms)
    watch.act("good", 0)
    watch.act("event", i.EV_PASSED)
    for what, value in actions:
        watch.act(what, value)


@pytest.mark.proves("R-STA-4", "R-STA-5", "R-PED-10", "R-OPT-1", "R-IND-1")
def test_long_random_runs_reach_every_state_and_break_no_promise(figure: Callable[..., None]) -> None:
    reached: set[tuple[int, int]] = set()
    turns = 0
    for seed in range(40):
        rng = random.Random(seed)
        watch = Watch(rng.randrange(1 << 30))
        watch.act("good", 0)
        watch.act("event", i.EV_PASSED)
        plan = ("good", "good", "arm", "wait", "press", "open", "done", "clear", "flip", "standby", "next", "fault")
        for _ in range(400):
            before = watch.state.mode
            what = rng.choices(plan, weights=(9, 6, 9, 9, 9, 9, 4, 5, 3, 1, 1, 1))[0]
            events = {"arm": i.EV_ARM, "done": i.EV_DONE, "clear": i.EV_CLEAR, "standby": i.EV_STANDBY}.get(what, 0)
            if what == "next":
                watch.word |= i.MORE_PASSES
                events = i.EV_NEXT
            if events:
                watch.act("event", events)
            elif what == "fault":
                watch.act("fault", rng.choice([faults.ENERGY_LOW, faults.SLOT_MISSED, faults.SYNC_EARLY]))
            else:
                value = {"wait": rng.choice([100, 2000, 5000]), "flip": 1 << rng.randrange(28)}.get(what, 0)
                watch.act(what, value)
            reached.add((before, watch.state.mode))
            turns += 1
    modes = {mode for step in reached for mode in step}
    assert {s.STANDBY, s.ARMING, s.READY, s.FIRING, s.FAULT} <= modes
    assert {(s.STANDBY, s.ARMING), (s.READY, s.FIRING), (s.FIRING, s.READY), (s.FIRING, s.FAULT)} <= reached
    figure("turns of random runs without a broken promise", turns, "turns")


def test_the_state_machine_takes_no_more_than_its_arguments() -> None:
    run = ready()
    twin = copy.deepcopy(run.state)
    run.turn(PRESSED & ~i.SAFE_CLOSED)
    s.advance(twin, PRESSED & ~i.SAFE_CLOSED, 0, run.now_ms)
    assert vars(twin) == vars(run.state)
