"""The supervisor's loop: what it promises of every turn, of arming, of the journal and of a burst's two ends."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from desk import GOOD, NC, NO, SAFE, SCAN, WATCHED_MS, Desk
from tandem.record.journal import APPEND_BYTES, SPARE_BYTES, ShotMemoryError
from tandem.record.layout import SHOT_BYTES
from tandem.safety import elapsed, faults, indicators, states
from tandem.safety import inputs as i
from tandem.safety.scope import Scope
from tandem.safety.supervisor import FAILURES_APART, HEARTBEAT_MS, OPENS_MS, SETTLES_MS

MakeDesk = Callable[..., Desk]
LATEST_MS = (1 << 30) - 1


@pytest.fixture
def make_desk(tmp_path: Path) -> MakeDesk:
    numbers = itertools.count()

    def make(**options: int) -> Desk:
        folder = tmp_path / str(next(numbers))
        folder.mkdir()
        return Desk(folder, **options)

    return make


@pytest.fixture
def desk(make_desk: MakeDesk) -> Desk:
    return make_desk()


@pytest.mark.parametrize(
    "start_ms", [1000, LATEST_MS - 1500, 1 << 28], ids=["", "while the time wraps", "after three days"]
)
@pytest.mark.proves("R-STA-1")
def test_power_up_ends_in_standby_and_the_pedal_fires_only_through_arming_and_ready(
    make_desk: MakeDesk, start_ms: int
) -> None:
    desk = make_desk(now_ms=start_ms).firing()
    s = states
    modes = [s.BOOT, s.SELFTEST, s.STANDBY, s.ARMING, s.READY, s.FIRING]
    assert desk.console.changes == list(itertools.pairwise(modes))
    assert desk.log.count("withdraw") == 1 and desk.log.count("disarmed False") == 1
    assert [words for words in desk.log if words.startswith("begin")] == [f"begin {desk.board.ms}"]


def test_a_supervisor_that_has_just_started_asks_for_nothing_and_drives_nothing(desk: Desk) -> None:
    supervisor = desk.supervisor
    assert (supervisor.events, supervisor.outputs, supervisor.turns) == (0, 0, 0)
    assert (supervisor.worst_us, supervisor.worst_firing_us, supervisor.worst_flash_us) == (0, 0, 0)
    assert supervisor.found == 0 and isinstance(supervisor.found, int)
    assert supervisor.selftest is None and supervisor.scope is None
    desk.turns(3)
    assert not desk.console.steps, "the console comes with the fourth turn"
    desk.turns()
    assert desk.console.steps == [False]
    assert "kind=input before=0 after=" in "\n".join(desk.notes())


def test_what_a_supervisor_holds_before_its_first_turn(make_desk: MakeDesk) -> None:
    desk = make_desk(now_ms=7)
    parts = ("journal", "board", "inputs", "state", "delivery", "console")
    held = {name: value for name, value in vars(desk.supervisor).items() if name not in parts}
    zero = ("events", "turns", "worst_us", "worst_firing_us", "worst_flash_us", "outputs", "found", "_failures")
    assert held == {
        **dict.fromkeys((*zero, "_beat_ms", "_fault", "_word", "_kept", "_kept_ms", "_arming", "_arming_ms"), 0),
        **dict.fromkeys(("_breath_us", "_step_ms"), -1),
        **dict.fromkeys(("_talks", "_flushes"), False),
        **dict.fromkeys(("selftest", "scope", "_steps"), None),
        "_beats": True,
        "_mode": states.BOOT,
        "_due_ms": 7,
    }


def test_heartbeat_runs_before_the_first_turn_for_whoever_breathes(make_desk: MakeDesk) -> None:
    desk = make_desk(now_ms=4)
    desk.supervisor.breathe()
    assert not desk.board.beats
    desk.board.sleep()
    desk.supervisor.breathe()
    assert desk.board.beats == [5]


def _worst_gap(moments: list[int]) -> int:
    return max((b - a) & LATEST_MS for a, b in itertools.pairwise(moments))


def _least_gap(moments: list[int]) -> int:
    return min((b - a) & LATEST_MS for a, b in itertools.pairwise(moments))


@pytest.mark.parametrize("start_ms", [1000, LATEST_MS - 500], ids=["", "while the time wraps"])
def test_heartbeat_comes_every_5_ms_and_life_every_millisecond(make_desk: MakeDesk, start_ms: int) -> None:
    desk = make_desk(now_ms=start_ms).standby()
    desk.turns(1000)
    assert _worst_gap(desk.board.beats[1:]) == _least_gap(desk.board.beats[1:]) == HEARTBEAT_MS == 5
    assert _worst_gap(desk.board.alive_us) == 1000
    assert desk.supervisor.worst_us == 5000, "the longest time between two breaths"


@pytest.mark.proves("R-SUP-3")
def test_the_worst_turn_is_measured_and_that_of_a_burst_apart(desk: Desk) -> None:
    desk.standby()
    desk.board.extra_us = 700
    desk.turns(5)
    assert desk.supervisor.worst_us == 5700
    assert desk.supervisor.worst_firing_us == 0
    desk.board.extra_us = 0
    assert desk.ask(i.EV_ARM) == states.ARMING
    desk.until(states.READY)
    desk.turns(2)
    desk.board.pedal = NO
    desk.until(states.FIRING)
    desk.turns(40)
    assert desk.delivery.active
    assert desk.supervisor.worst_firing_us == 5000
    desk.board.extra_us = 2000
    desk.turns(10)
    assert desk.supervisor.worst_firing_us == 7000
    desk.board.extra_us = 0
    desk.turns(10)
    assert desk.supervisor.worst_firing_us == 7000 == desk.supervisor.worst_us


def test_the_measure_of_the_worst_turn_survives_the_wrap_of_the_microseconds(make_desk: MakeDesk) -> None:
    wraps_ms = (1 << 30) // 1000
    desk = make_desk(now_ms=wraps_ms - 300).standby()
    assert desk.board.ms > wraps_ms
    assert desk.supervisor.worst_us == 5000


def test_a_long_job_that_breathes_keeps_heartbeat_within_its_window(desk: Desk) -> None:
    desk.standby()
    desk.board.beats.clear()
    for _ in range(100):
        desk.board.sleep()
        desk.supervisor.breathe()
    assert _worst_gap(desk.board.beats) == _least_gap(desk.board.beats) == 5


def test_run_takes_one_turn_a_millisecond_sleeps_between_and_ends_with_ctrl_c(desk: Desk) -> None:
    began_ms = desk.board.ms
    slept = []
    sleep = desk.board.sleep

    def nap() -> None:
        slept.append(desk.board.ms)
        sleep()
        desk.console.interrupted = desk.board.ms >= began_ms + 50

    desk.board.sleep = nap
    desk.supervisor.run()
    assert desk.supervisor.turns == 50
    assert len(slept) == 50


def test_it_does_not_sleep_during_a_burst_and_takes_one_turn_a_millisecond_all_the_same(desk: Desk) -> None:
    desk.firing()
    first = desk.supervisor.turns
    asked = 0

    def millis() -> int:
        nonlocal asked
        asked += 1
        desk.board.ms += asked % 20 == 0
        desk.console.interrupted = desk.supervisor.turns >= first + 10
        return desk.board.ms

    def sleep() -> None:
        raise AssertionError("slept")

    desk.board.millis, desk.board.sleep = millis, sleep
    began_ms = desk.board.ms
    desk.supervisor.run()
    assert desk.board.ms - began_ms == desk.supervisor.turns - first == 10


def _run_with_errors(desk: Desk, errors: dict[int, Exception], most: int = 3000) -> None:
    """Run turns, with an error from the console in some of them."""
    step, sleep = desk.console.step, desk.board.sleep

    def fail(firing: bool) -> bool:
        error = errors.pop(desk.supervisor.turns, None)
        if error is not None:
            raise error
        step(firing)
        return True

    def nap() -> None:
        sleep()
        desk.console.interrupted = desk.supervisor.turns >= most

    desk.console.step = fail
    desk.console.talks = True
    desk.board.sleep = nap
    desk.supervisor.run()


@pytest.mark.parametrize(
    ("error", "fault", "words"),
    [
        (ValueError("no"), faults.FIRMWARE_EXCEPTION, "ValueError: no"),
        (MemoryError("of 5 bytes"), faults.OUT_OF_MEMORY, "MemoryError: of 5 bytes"),
    ],
)
def test_an_error_in_the_firmware_is_a_fault_that_takes_every_permit_back(
    desk: Desk, error: Exception, fault: int, words: str
) -> None:
    desk.standby()
    desk.log.clear()
    began = desk.supervisor.turns
    _run_with_errors(desk, {began + 10: error}, began + 12)
    assert desk.mode == states.FAULT and desk.state.fault == fault
    assert desk.delivery.message == words
    assert desk.log.count("withdraw") == 2, "at once, and with the fault"


@pytest.mark.parametrize(("apart", "ends"), [(1, True), (FAILURES_APART - 1, True), (FAILURES_APART, False)])
def test_a_second_error_soon_after_the_first_ends_the_program(desk: Desk, apart: int, ends: bool) -> None:
    desk.standby()
    first = desk.supervisor.turns + 10
    errors: dict[int, Exception] = {first: ValueError("one"), first + apart: KeyError("two")}
    if not ends:
        _run_with_errors(desk, errors, first + apart + 5)
        assert not errors
        return
    desk.log.clear()
    with pytest.raises(KeyError, match="two"):
        _run_with_errors(desk, errors, first + apart + 5)
    assert desk.log[-1] == "withdraw", "nothing is left permitted"


def test_garbage_is_collected_before_each_burst_if_it_has_to_be(desk: Desk) -> None:
    desk.ready()
    desk.board.pedal = NO
    desk.until(states.FIRING)
    desk.turns(60)
    steps = [words.split()[0] for words in desk.log if words.startswith(("make room", "begin"))]
    assert steps == ["make", "begin"]


@pytest.mark.parametrize("wait_ms", range(0, 64, 7))
def test_a_burst_is_looked_at_from_the_first_turn_after_it_began(make_desk: MakeDesk, wait_ms: int) -> None:
    desk = make_desk(now_ms=1000 + wait_ms).firing()
    began_ms = desk.board.ms
    desk.turns(2)
    assert f"poll {began_ms + 1}" in desk.log


@pytest.mark.proves("R-JRN-3")
@pytest.mark.parametrize("wait_ms", range(0, 64, 7))
def test_a_changed_input_is_on_record_with_the_time_of_its_turn(desk: Desk, wait_ms: int) -> None:
    desk.standby()
    for contact in (i.CHAIN_DOOR_CLOSED, i.CHAIN_ESTOP_CLOSED):
        desk.turns(wait_ms)
        desk.board.chain &= ~contact
        desk.turns()
    lines = [line for line in desk.notes() if "kind=input" in line][-2:]
    door_s, stop_s = (float(line.split("uptime_s=")[1].split()[0]) for line in lines)
    assert round((stop_s - door_s) * 1000) == wait_ms + 1


def test_what_ended_a_burst_is_named_by_what_is_seen_then(desk: Desk) -> None:
    desk.firing()
    desk.turns(64)
    poll = desk.delivery.poll

    def poll_while_the_door_opens(now_ms: int) -> int:
        poll(now_ms)
        desk.board.chain &= ~i.CHAIN_DOOR_CLOSED
        desk.delivery.active = False
        return i.raising(faults.SLOT_MISSED)

    desk.delivery.poll = poll_while_the_door_opens
    assert desk.turns() == states.FAULT
    assert (desk.state.fault, desk.state.also) == (faults.DOOR_OPENED, faults.SLOT_MISSED)


def test_what_ended_a_burst_is_named_by_safe_too(desk: Desk) -> None:
    desk.firing()
    desk.turns(64)
    poll, levels = desk.delivery.poll, desk.board.levels

    def poll_while_safe_opens(now_ms: int) -> int:
        poll(now_ms)
        desk.board.levels = lambda: levels() & ~SAFE
        desk.delivery.active = False
        return i.raising(faults.SLOT_MISSED)

    desk.delivery.poll = poll_while_safe_opens
    assert desk.turns() == states.FAULT
    assert (desk.state.fault, desk.state.also) == (faults.SAFE_OPENED, faults.SLOT_MISSED)


@pytest.mark.parametrize("start_ms", [1000, 1256, 5000, 70_000])
def test_a_fault_shows_its_lamp_and_closes_the_shutters_in_its_very_turn(make_desk: MakeDesk, start_ms: int) -> None:
    desk = make_desk(now_ms=start_ms).firing()
    assert desk.board.outputs & indicators.OUT_PS_SHUTTER
    desk.board.chain &= ~i.CHAIN_DOOR_CLOSED
    assert desk.turns() == states.FAULT
    assert desk.board.outputs & indicators.OUT_LAMP_FAULT
    assert not desk.board.outputs & (indicators.OUT_PS_SHUTTER | indicators.OUT_AIM)


def test_heartbeat_goes_on_in_fault_but_not_when_the_self_test_found_it(make_desk: MakeDesk) -> None:
    desk = make_desk().firing()
    desk.board.chain &= ~i.CHAIN_DOOR_CLOSED
    assert desk.turns() == states.FAULT
    desk.board.beats.clear()
    desk.turns(100)
    assert len(desk.board.beats) == 20
    untested = make_desk()
    untested.supervisor.selftest = SelfTest(faults.GUARD_UNPROVEN)
    untested.until(states.FAULT)
    untested.board.beats.clear()
    untested.turns(1000)
    assert not untested.board.beats


def test_while_nothing_changes_inputs_are_judged_only_with_the_lamps_steps(desk: Desk) -> None:
    desk.standby()
    desk.turns(300)
    desk.log.clear()
    desk.turns(640)
    assert 10 <= desk.log.count("exchange") <= 11
    assert 10 <= desk.log.count("handpiece") <= 11


@pytest.mark.parametrize("moment", range(0, 70, 7))
@pytest.mark.parametrize(
    ("contact", "fault"),
    [(i.CHAIN_DOOR_CLOSED, faults.DOOR_OPENED), (i.CHAIN_ESTOP_CLOSED, faults.STOP_PRESSED)],
    ids=["door", "stop"],
)
@pytest.mark.proves("R-STP-6", "R-STP-7", "R-STP-14")
def test_a_contact_that_opens_stops_in_the_very_turn_and_gives_its_name(
    desk: Desk, moment: int, contact: int, fault: int
) -> None:
    desk.firing()
    desk.turns(moment)
    desk.log.clear()
    desk.board.chain &= ~contact
    desk.board.tripped = True
    assert desk.turns() == states.FAULT
    assert desk.state.fault == fault
    assert "finish guard" in desk.log and "withdraw" in desk.log and "disarmed True" in desk.log
    assert desk.log.index("finish guard") < desk.log.index("withdraw")
    assert not desk.inputs.word & (i.LOADED | i.SAFE_PROVEN)
    assert not desk.supervisor.outputs & (indicators.OUT_PS_SHUTTER | indicators.OUT_CO2_SHUTTER | indicators.OUT_AIM)
    assert desk.console.changes[-1] == (states.FIRING, states.FAULT)
    assert f"kind=fault fault={fault} also=0" in desk.notes()[-2]


@pytest.mark.parametrize("mode", [states.READY, states.FIRING], ids=["READY", "FIRING"])
def test_a_guard_trip_that_nothing_else_shows_is_a_fault(desk: Desk, mode: int) -> None:
    if mode == states.FIRING:
        desk.firing()
    else:
        desk.ready()
    desk.board.tripped = True
    assert desk.turns() == states.FAULT
    assert desk.state.fault == faults.GUARD_TRIPPED


def test_a_latched_guard_keeps_nothing_from_standby(desk: Desk) -> None:
    desk.standby()
    desk.board.tripped = True
    assert desk.turns(300) == states.STANDBY
    desk.board.tripped = False
    assert desk.ask(i.EV_ARM) == states.ARMING


def test_another_name_of_a_fault_is_told_too(desk: Desk) -> None:
    desk.ready()
    desk.board.tripped = True
    desk.turns()
    told = len(desk.console.changes)
    desk.board.chain &= ~i.CHAIN_DOOR_CLOSED
    desk.turns()
    assert desk.state.fault == faults.DOOR_OPENED
    assert desk.console.changes[told:] == [(states.FAULT, states.FAULT)]
    assert [line.split("kind=")[1] for line in desk.notes() if "fault=12" in line] == ["fault fault=12 also=0"]
    desk.turns(100)
    assert len(desk.console.changes) == told + 1, "and once"


def test_the_pedal_released_ends_the_burst_and_the_next_one_is_loaded(desk: Desk) -> None:
    desk.firing()
    desk.turns(64)
    desk.log.clear()
    desk.board.pedal = NC
    assert desk.turns() == states.READY
    steps = [words for words in desk.log if words not in ("exchange", "handpiece")]
    assert steps[0].startswith("poll") and steps[1:] == ["finish", "reload"]
    assert not desk.console.remarks
    desk.turns(10)
    assert desk.log.count("reload") == 1 and not desk.delivery.active


def test_a_press_let_go_before_the_shutter_has_opened_begins_and_ends_no_burst(desk: Desk) -> None:
    desk.ready()
    desk.board.pedal = NO
    desk.until(states.FIRING)
    desk.log.clear()
    desk.board.pedal = NC
    assert desk.turns() == states.READY
    assert "reload" in desk.log
    assert not any(words.startswith(("begin", "finish")) for words in desk.log)


def test_a_complete_pattern_is_reloaded_and_used_presses_are_told(desk: Desk) -> None:
    desk.firing()
    desk.turns(64)
    desk.delivery.presses_used = True
    desk.delivery.answers["poll"] = i.EV_DONE
    assert desk.turns() == states.READY
    assert not desk.state.incomplete
    assert desk.inputs.word & i.PRESSES_USED
    assert (
        len(desk.console.remarks) == 1
        and "every press that the recipe allows for this pass is used" in (desk.console.remarks[0])
    )


def test_what_reloading_or_beginning_finds_wrong_is_judged_in_the_next_turn(desk: Desk) -> None:
    desk.firing()
    desk.turns(64)
    desk.delivery.answers["reload"] = i.raising(faults.SHOTS_NOT_LOADED)
    desk.delivery.answers["poll"] = i.EV_DONE
    assert desk.turns() == states.READY
    assert desk.turns() == states.FAULT
    assert desk.state.fault == faults.SHOTS_NOT_LOADED


def test_a_burst_that_cannot_begin_is_a_fault_and_is_tried_once(desk: Desk) -> None:
    desk.ready()
    desk.delivery.answers["begin"] = i.raising(faults.REGISTERS_DIFFER)
    desk.board.pedal = NO
    desk.until(states.FAULT, 100)
    assert desk.state.fault == faults.REGISTERS_DIFFER
    assert len([words for words in desk.log if words.startswith("begin")]) == 1


def test_beginning_a_burst_is_a_sign_of_life_of_its_own(desk: Desk) -> None:
    desk.ready()
    desk.board.pedal = NO
    desk.until(states.FIRING)
    while not desk.delivery.active:
        desk.board.alive_us.clear()
        desk.turns()
    assert len(desk.board.alive_us) - (1 if desk.board.beats[-1] == desk.board.ms else 0) == 2


def test_in_a_burst_it_is_polled_and_recorded_in_every_turn(desk: Desk) -> None:
    desk.firing()
    desk.log.clear()
    desk.turns(64)
    assert any(words.startswith("poll") for words in desk.log), "polled with the next step of the lamps at the latest"
    desk.log.clear()
    began_ms = desk.board.ms
    desk.turns(20)
    for what in ("poll", "record"):
        asked = [words for words in desk.log if words.startswith(what)]
        assert asked == [f"{what} {began_ms + 1 + n}" for n in range(20)]
    assert desk.log.count("flash") == 0


def test_of_two_faults_in_a_turn_the_first_stays(desk: Desk) -> None:
    desk.firing()
    desk.delivery.answers["poll"] = i.raising(faults.ENERGY_LOW)
    desk.supervisor.request(i.raising(faults.SYNC_EARLY))
    desk.supervisor.request(i.raising(faults.SYNC_DOUBLE) | i.EV_NEXT)
    assert desk.turns() == states.FAULT
    assert desk.state.fault == faults.SYNC_EARLY


@pytest.mark.parametrize("pressed_ms", [30])
def test_the_buttons_do_what_the_requests_do(desk: Desk, pressed_ms: int) -> None:
    desk.standby()
    desk.board.chain = GOOD | i.CHAIN_BUTTON_ARM
    desk.turns(pressed_ms)
    assert desk.mode == states.ARMING
    desk.board.chain = GOOD
    desk.turns(50)
    assert desk.inputs.events == 0
    desk.board.chain = GOOD | i.CHAIN_BUTTON_STANDBY
    assert desk.turns() == states.STANDBY


@pytest.mark.parametrize(("mode", "every"), [(states.STANDBY, 4), (states.FIRING, 1)], ids=["STANDBY", "FIRING"])
def test_the_console_is_heard_every_fourth_turn_and_in_each_while_it_talks_or_fires(
    desk: Desk, mode: int, every: int
) -> None:
    if mode == states.FIRING:
        desk.firing()
    else:
        desk.standby()
    desk.console.steps.clear()
    desk.turns(40)
    assert desk.console.steps == [mode == states.FIRING] * (40 // every)
    desk.console.talks = True
    desk.turns(4)
    desk.console.steps.clear()
    desk.turns(40)
    assert len(desk.console.steps) == 40
    desk.console.talks = False
    desk.turns(5)
    desk.console.steps.clear()
    desk.turns(40)
    assert len(desk.console.steps) == 40 // every


@pytest.mark.proves("R-STP-10")
def test_arming_opens_the_record_flushes_proves_safe_and_only_then_releases_the_guard(desk: Desk) -> None:
    desk.standby()
    desk.log.clear()
    assert desk.ask(i.EV_ARM) == states.ARMING
    assert not desk.inputs.word & (i.LOADED | i.GUARD_OK | i.SAFE_PROVEN)
    began_ms = desk.board.ms
    while not desk.inputs.word & i.SAFE_PROVEN:
        desk.turns()
    steps = [words for words in desk.log if words not in ("exchange", "handpiece")]
    assert steps == ["choose False", "open_record", "flash", "prepare"]
    withheld_ms = _worst_gap(desk.board.beats)
    assert WATCHED_MS <= withheld_ms <= WATCHED_MS + 2 * HEARTBEAT_MS
    assert desk.inputs.word & i.LOADED and desk.inputs.word & i.GUARD_OK
    assert elapsed(desk.board.ms, began_ms) < 600
    desk.until(states.READY)
    assert _worst_gap(desk.board.beats) == withheld_ms, "withheld once"
    desk.turns(100)
    assert desk.log.count("prepare") == 1
    assert "reload" not in desk.log


@pytest.mark.proves("R-STP-10")
def test_a_supervisor_part_that_does_not_open_safe_is_a_fault(desk: Desk) -> None:
    desk.standby()
    desk.board.stuck = True
    desk.ask(i.EV_ARM)
    began_ms = desk.board.ms
    desk.until(states.FAULT)
    assert desk.state.fault == faults.SAFE_NOT_OPENED
    assert OPENS_MS < elapsed(desk.board.ms, began_ms) <= OPENS_MS + 5
    assert "prepare" not in desk.log


def test_a_supervisor_part_that_does_not_close_safe_again_is_a_fault_in_the_end(desk: Desk) -> None:
    desk.standby()
    desk.ask(i.EV_ARM)
    while desk.inputs.word & i.SAFE_CLOSED:
        desk.turns()
    desk.board.lines |= 0
    levels = desk.board.levels
    desk.board.levels = lambda: levels() & ~(1 << 8)
    desk.until(states.FAULT, 8000)
    assert desk.state.fault == faults.SAFE_NOT_CLOSED
    assert "prepare" not in desk.log


def test_flash_that_let_safe_open_is_waited_for_before_heartbeat_is_withheld(desk: Desk) -> None:
    desk.standby()
    flush = desk.recorder.flush

    def slow() -> bool:
        desk.board.ms += 800
        return flush()

    desk.recorder.flush = slow
    assert desk.ask(i.EV_ARM) == states.ARMING
    desk.until(states.READY)
    assert desk.supervisor.worst_flash_us == 800_000
    assert desk.supervisor.worst_us < 10_000, "no permit could be written meanwhile"
    assert desk.log.count("prepare") == 1


def test_arming_waits_until_all_that_was_on_record_is_in_flash(desk: Desk) -> None:
    desk.standby()
    for number in range(40):
        desk.recorder.note(11, f"n={number} " + "x" * 150)
    desk.log.clear()
    desk.ask(i.EV_ARM)
    desk.until(states.READY)
    assert desk.log.count("flash") > 2
    assert _worst_gap(desk.board.beats[-400:]) >= WATCHED_MS


def test_a_moment_that_has_passed_unseen_is_due_at_once(desk: Desk) -> None:
    desk.standby()
    now_ms = desk.board.ms
    for record in (desk.inputs, desk.state):
        due_ms = record.due_ms
        for passed_ms in (1, 1000, 1 << 29):
            record.due_ms = now_ms - passed_ms
            assert desk.supervisor._earliest(now_ms) == now_ms
        record.due_ms = due_ms


def test_what_preparing_finds_wrong_is_a_fault_and_nothing_counts_as_loaded(desk: Desk) -> None:
    desk.standby()
    desk.delivery.answers["prepare"] = i.raising(faults.OUT_OF_MEMORY)
    desk.ask(i.EV_ARM)
    desk.until(states.FAULT)
    assert desk.state.fault == faults.OUT_OF_MEMORY
    assert not desk.inputs.word & (i.LOADED | i.SAFE_PROVEN | i.GUARD_OK)


def test_the_next_pass_arms_anew_and_shows_its_laser(desk: Desk) -> None:
    desk.delivery.more_passes = True
    desk.ready()
    desk.delivery.selected = (False, True)
    desk.log.clear()
    assert desk.ask(i.EV_NEXT) == states.ARMING
    assert "choose True" in desk.log
    assert desk.inputs.word & i.CO2_SELECTED and not desk.inputs.word & i.PS_SELECTED
    assert not desk.inputs.word & (i.LOADED | i.GUARD_OK | i.SAFE_PROVEN)
    desk.delivery.more_passes = False
    desk.supervisor.select()
    assert not desk.inputs.word & i.MORE_PASSES


def test_standby_in_the_middle_of_the_proof_lets_heartbeat_go_on(desk: Desk) -> None:
    desk.arming()
    desk.turns(100)
    beats = len(desk.board.beats)
    assert desk.ask(i.EV_STANDBY) == states.STANDBY
    desk.turns(100)
    assert len(desk.board.beats) - beats >= 20
    assert "prepare" not in desk.log


def test_the_handpiece_is_judged_by_its_code_both_limits_included_and_not_while_firing(desk: Desk) -> None:
    desk.ready()
    for mv, attached in ((900, True), (1100, True), (1101, False), (899, False)):
        desk.board.mv = mv
        mode = desk.turns(2 * indicators.STEP_MS + 1)
        assert (mode == states.READY) == attached
        if not attached:
            assert desk.state.fault == faults.HANDPIECE_LOST
            return


def test_the_converter_is_left_to_the_energies_while_firing(desk: Desk) -> None:
    desk.firing()
    desk.log.clear()
    desk.turns(200)
    assert "handpiece" not in desk.log


def test_without_a_plan_no_handpiece_is_attached(desk: Desk) -> None:
    desk.delivery.plan = None
    desk.standby()
    assert not desk.inputs.word & i.HANDPIECE_OK
    assert "handpiece" not in desk.log


def test_lamps_and_led_move_in_every_mode(desk: Desk) -> None:
    desk.arming()
    words = set()
    lit = desk.board.lit
    for _ in range(1000):
        desk.turns()
        words.add(desk.supervisor.outputs & indicators.OUT_LAMP_READY)
        assert desk.supervisor.outputs & indicators.OUT_LAMP_EMISSION_1
    assert words == {0, indicators.OUT_LAMP_READY}
    assert 6 <= desk.board.lit - lit <= 10, "half of 15 steps"
    assert desk.board.outputs == desk.supervisor.outputs or desk.turns(64)


@pytest.mark.parametrize("testing", [False, True])
def test_the_lasers_lamps_flash_while_a_test_fire_is_armed(desk: Desk, testing: bool) -> None:
    desk.delivery.testing = testing
    desk.arming()
    seen = set()
    for _ in range(1000):
        desk.turns()
        seen.add(desk.supervisor.outputs & indicators.OUT_LAMP_PS)
    assert seen == ({0, indicators.OUT_LAMP_PS} if testing else {indicators.OUT_LAMP_PS})


def _states_on_record(desk: Desk) -> list[str]:
    return [line.split("kind=state ")[1] for line in desk.notes() if "kind=state" in line]


def test_every_state_is_on_record_with_its_reason(desk: Desk) -> None:
    desk.ready()
    desk.ask(i.EV_STANDBY)
    assert _states_on_record(desk) == [
        'from=BOOT to=SELFTEST because="the controller started"',
        'from=SELFTEST to=STANDBY because="the self-test passed"',
        'from=STANDBY to=ARMING because="arming was asked for"',
        'from=ARMING to=READY because="the arming time is over"',
        'from=READY to=STANDBY because="standby was asked for"',
    ]


def test_changed_inputs_are_on_record_but_not_the_scanners_place_nor_what_is_given(desk: Desk) -> None:
    desk.standby()
    before = len([line for line in desk.notes() if "kind=input" in line])
    desk.board.lines &= ~SCAN
    desk.turns(3)
    desk.inputs.give(i.MORE_PASSES, True)
    desk.turns(70)
    assert len([line for line in desk.notes() if "kind=input" in line]) == before
    word = desk.inputs.word
    desk.board.chain &= ~i.CHAIN_DOOR_CLOSED
    desk.turns(2)
    mask = ((1 << 20) - 1) & ~i.SCAN_OK
    line = [line for line in desk.notes() if "kind=input" in line][before]
    assert f"before={word & mask} after={word & mask & ~(i.DOOR_CLOSED | i.SAFE_CLOSED)}" in line


def test_records_go_to_flash_together_once_no_other_came_for_a_while(desk: Desk) -> None:
    desk.standby()
    desk.turns(SETTLES_MS)
    desk.log.clear()
    desk.recorder.note(11, "a=1")
    desk.turns(SETTLES_MS // 2)
    desk.recorder.note(11, "b=2")
    desk.turns(1 + SETTLES_MS)
    assert "flash" not in desk.log
    desk.turns()
    assert desk.log.count("flash") == 1
    assert desk.recorder.waiting == 0
    desk.turns(1000)
    assert desk.log.count("flash") == 1


def test_a_flush_of_several_pieces_goes_on_in_the_next_turns(desk: Desk) -> None:
    desk.standby()
    for number in range(40):
        desk.recorder.note(11, f"n={number} " + "x" * 150)
    desk.log.clear()
    desk.turns(SETTLES_MS + 2)
    pieces = desk.log.count("flash")
    desk.turns(10)
    assert desk.log.count("flash") > pieces
    desk.turns(100)
    assert desk.recorder.waiting == 0


@pytest.mark.parametrize("volatile", [False, True])
def test_in_fault_only_what_the_loss_of_power_would_take_goes_to_flash(desk: Desk, volatile: bool) -> None:
    desk.memory.lasting = not volatile
    desk.ready()
    desk.board.chain &= ~i.CHAIN_DOOR_CLOSED
    assert desk.turns() == states.FAULT
    desk.log.clear()
    desk.turns(1000)
    assert ("flash" in desk.log) == volatile


@pytest.mark.proves("R-SUP-6")
@pytest.mark.parametrize("reach", ["ready", "firing"])
def test_flash_is_never_written_in_ready_or_firing(desk: Desk, reach: str) -> None:
    getattr(desk, reach)()
    desk.recorder.note(11, "a=1")
    desk.log.clear()
    desk.turns(1000)
    assert "flash" not in desk.log


def test_a_journal_that_cannot_be_written_is_a_fault_keeps_from_arming_and_is_tried_again(desk: Desk) -> None:
    desk.standby()
    desk.files.fails = True
    desk.recorder.note(11, "a=1")
    desk.until(states.FAULT, 500)
    assert desk.state.fault == faults.JOURNAL_FAILED
    assert "could not be written" in desk.delivery.message
    assert desk.inputs.holds & i.JOURNAL_CLOSED
    assert not desk.inputs.word & i.ADMITTED
    desk.log.clear()
    desk.turns(1000)
    assert desk.log.count("flash") <= 2, "tried again when there is more, not all the time"
    desk.files.fails = False
    desk.recorder.note(11, "b=2")
    desk.turns(500)
    assert not desk.inputs.holds & i.JOURNAL_CLOSED
    assert desk.inputs.word & i.ADMITTED


TOO_LARGE = [("full", i.JOURNAL_FULL, 0), ("too_long", i.BURST_TOO_LONG, 250)]


def _leave_no_room(desk: Desk, records: int) -> None:
    """A burst that the memory does not take, or no room in flash for any."""
    desk.delivery.records = records or 100
    if not records:
        desk.journal.free = SPARE_BYTES


@pytest.mark.parametrize(("what", "hold", "records"), TOO_LARGE)
def test_without_room_for_the_burst_arming_is_refused(desk: Desk, what: str, hold: int, records: int) -> None:
    desk.standby()
    free = desk.journal.free
    assert not desk.inputs.holds
    _leave_no_room(desk, records)
    desk.supervisor.flush()
    assert desk.inputs.holds == hold
    assert desk.ask(i.EV_ARM) == states.STANDBY
    desk.delivery.records, desk.journal.free = 5, free
    desk.supervisor.flush()
    assert not desk.inputs.holds
    assert desk.ask(i.EV_ARM) == states.ARMING


@pytest.mark.parametrize(("what", "hold", "records"), TOO_LARGE)
def test_room_found_missing_at_the_beginning_of_arming_ends_it_and_is_told(
    desk: Desk, what: str, hold: int, records: int
) -> None:
    desk.standby()
    flush = desk.recorder.flush

    def filled() -> bool:
        done = flush()
        _leave_no_room(desk, records)
        return done

    desk.recorder.flush = filled
    assert desk.ask(i.EV_ARM) == states.ARMING
    desk.until(states.STANDBY, 5)
    assert desk.state.because == "standby was asked for"
    assert f"not armed: {states.reasons(0, hold)[0]}" in desk.console.remarks
    assert "prepare" not in desk.log


@pytest.mark.proves("R-JRN-8")
@pytest.mark.parametrize("low", [False, True])
def test_arming_warns_below_a_tenth_of_room(desk: Desk, low: bool) -> None:
    desk.standby()
    if low:
        desk.journal.free = SPARE_BYTES + APPEND_BYTES + 50 * SHOT_BYTES
    desk.turns()
    desk.ask(i.EV_ARM)
    if low:
        desk.journal.free = SPARE_BYTES + APPEND_BYTES + 50 * SHOT_BYTES
    desk.turns(5)
    assert [("less than a tenth" in words) for words in desk.console.remarks] == [True] * low


def test_a_shot_memory_that_fails_is_a_fault_in_the_next_turn(desk: Desk) -> None:
    desk.standby()

    def broken(at: int, buffer: bytearray, length: int) -> bool:
        raise ShotMemoryError("no")

    desk.memory.append = broken
    desk.recorder.note(11, "a=1")
    assert desk.turns() == states.FAULT
    assert desk.state.fault == faults.SHOT_MEMORY_FAILED
    desk.memory.append = type(desk.memory).append.__get__(desk.memory)
    desk.recorder.event = 0
    desk.turns(150)
    assert desk.ask(i.EV_CLEAR) == states.STANDBY


class SelfTest:
    """Takes three steps; wants HEARTBEAT in the last two."""

    def __init__(self, fault: int = 0) -> None:
        self.wants_heartbeat = False
        self.fault = 0
        self.detail = ""
        self._ends_with = fault
        self.steps_taken = 0

    def steps(self) -> Iterator[None]:
        for step in range(3):
            self.steps_taken = step + 1
            self.wants_heartbeat = step > 0
            for _ in range(10):
                yield
        self.fault = self._ends_with
        self.detail = "found so"
        self.wants_heartbeat = True


def test_the_self_test_takes_a_step_a_turn_and_says_when_heartbeat_runs(desk: Desk) -> None:
    test = SelfTest()
    desk.supervisor.selftest = test
    desk.until(states.SELFTEST)
    desk.board.beats.clear()
    desk.turns(9)
    assert not desk.board.beats and test.steps_taken == 1
    desk.turns(20)
    assert 3 <= len(desk.board.beats) <= 4
    assert desk.until(states.STANDBY) <= 10
    assert desk.supervisor.selftest is None, "its memory is free again"
    assert desk.delivery.message == ""


@pytest.mark.proves("R-TST-6")
def test_what_the_self_test_finds_is_the_fault_and_its_detail_is_told(desk: Desk) -> None:
    desk.supervisor.selftest = SelfTest(faults.GUARD_UNPROVEN)
    desk.until(states.FAULT)
    assert desk.state.fault == faults.GUARD_UNPROVEN
    assert desk.delivery.message == "found so"


@pytest.mark.proves("R-SET-2", "R-TST-5")
def test_what_the_start_found_is_the_fault_after_the_self_test(desk: Desk) -> None:
    desk.supervisor.found = faults.SETTINGS_LOST
    desk.until(states.FAULT)
    assert desk.state.fault == faults.SETTINGS_LOST
    desk.turns(150)
    assert desk.ask(i.EV_CLEAR) == states.STANDBY
    assert desk.turns(5) == states.STANDBY, "told once"
    assert desk.supervisor.found == 0


def _scope(desk: Desk, count: int = 3) -> Any:
    # Its laser must not be ready while it is measured.
    desk.board.lines = SCAN
    return Scope("PS_FIRE", count, desk.inputs, desk.board.levels, desk.board.pulse)


def test_in_service_pulses_come_one_a_turn_in_their_time_and_are_told_and_recorded(desk: Desk) -> None:
    desk.standby()
    assert desk.ask(i.EV_SERVICE) == states.SERVICE
    desk.supervisor.scope = _scope(desk)
    desk.log.clear()
    desk.turns(700)
    assert desk.log.count("pulse PS_FIRE") == 3
    assert desk.supervisor.scope is None
    assert desk.console.remarks == ["scope PS_FIRE: 3 pulses, done"]
    assert "kind=note scope PS_FIRE: 3 pulses, done" in "\n".join(desk.notes())


@pytest.mark.parametrize("name", ["tandem.safety.scope", "tandem.timing.rp2.scope"])
def test_leaving_service_frees_the_memory_of_what_makes_pulses(desk: Desk, name: str) -> None:
    desk.standby()
    assert desk.ask(i.EV_SERVICE) == states.SERVICE
    package, _, last = name.rpartition(".")
    module = sys.modules.setdefault(name, ModuleType(name))
    if package in sys.modules:
        setattr(sys.modules[package], last, module)
    desk.ask(i.EV_STANDBY)
    assert name not in sys.modules


def test_leaving_service_ends_the_pulses(desk: Desk) -> None:
    desk.standby()
    desk.ask(i.EV_SERVICE)
    desk.supervisor.scope = _scope(desk, 10)
    desk.turns(300)
    assert desk.ask(i.EV_STANDBY) == states.STANDBY
    assert desk.supervisor.scope is None
    desk.log.clear()
    desk.turns(1000)
    assert "pulse PS_FIRE" not in desk.log


def test_service_ends_by_itself_though_a_request_comes_in_its_last_millisecond(make_desk: MakeDesk) -> None:
    desk = make_desk(service_s=30).standby()
    desk.board.chain &= ~i.CHAIN_DOOR_CLOSED
    desk.ask(i.EV_SERVICE)
    desk.turns(29_999)
    assert desk.ask(i.EV_ARM) == states.SERVICE
    assert desk.turns(2) == states.STANDBY


def test_ready_left_alone_ends_on_its_millisecond_though_nothing_changes(make_desk: MakeDesk) -> None:
    desk = make_desk(idle_s=10).ready()
    since_ms = desk.state.since_ms
    desk.until(states.STANDBY, 20_000)
    assert elapsed(desk.board.ms, since_ms) == 10_000
