"""Every turn that the state machine can take keeps every promise; a table with one thing changed breaks one."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from exploration import (
    CONDITIONS,
    NUMBERS,
    SETTINGS,
    TIGHT,
    Explorer,
    Node,
    Turn,
    needs_of,
    skipped_turns_change_nothing,
)
from promises import BAD_WHEN_SET, CAUSES, LIVE, PROMISES, keep_all
from tables import MODES, WORDS, all_changes, broken_by, prepared, same_as_before
from tandem.safety import faults, indicators, states
from tandem.safety import inputs as i

Figure = Callable[..., None]


@pytest.fixture(scope="module")
def explored() -> Explorer:
    """Every node that can be reached, and what follows it."""
    return Explorer(lambda turn: None).run()


def _judge(turn: Turn) -> None:
    keep_all(turn)
    skipped_turns_change_nothing(turn)


@pytest.mark.slow
@pytest.mark.parametrize("settings", [SETTINGS, TIGHT], ids=["usual times", "times at their limits"])
@pytest.mark.proves("R-STA-1", "R-STA-2", "R-STA-3", "R-STA-4", "R-STA-6", "R-STA-7", "R-STA-8", "R-STA-9")
def test_no_turn_from_any_state_breaks_a_promise(
    settings: dict[str, int], request: pytest.FixtureRequest, figure: Figure
) -> None:
    began = time.process_time()
    explorer = Explorer(_judge, settings).run()
    assert {node.mode for node in explorer.edges} == set(range(len(states.MODE_NAMES)))
    name = f"state machine explored, {request.node.callspec.id}"
    figure(f"{name}: records told apart", len(explorer.edges), "records")
    figure(f"{name}: ways through a turn, all different", explorer.turns, "ways")
    figure(f"{name}: turns that they stand for", f"{explorer.ways:.2g}", "turns")
    figure(f"{name}: promises broken", 0, "", limit="0")
    figure(f"{name}: time", round(time.process_time() - began, 1), "s")


@pytest.mark.proves("R-STA-3")
def test_standby_can_be_reached_from_every_state(explored: Explorer) -> None:
    reaching = {node for node in explored.edges if node.mode == states.STANDBY}
    while more := {node for node, after in explored.edges.items() if after & reaching} - reaching:
        reaching |= more
    # A fault that needs a restart is left by the hard reset alone, which leads to STANDBY as every power-up does.
    left = explored.edges.keys() - reaching
    assert all(node.mode == states.FAULT and needs_of(node) & faults.RESTART for node in left)
    power_up = min(explored.edges)
    assert power_up.mode == states.BOOT and power_up in reaching


def test_every_listed_fault_can_be_reached_and_no_state_is_for_decoration(explored: Explorer) -> None:
    assert {node.fault for node in explored.edges} == set(NUMBERS)


LASERS = (
    (i.PS_SELECTED, indicators.OUT_PS_SHUTTER),
    (i.CO2_SELECTED, indicators.OUT_CO2_SHUTTER),
)


def _lit_states(explored: Explorer) -> list[tuple[Node, states.State]]:
    found = []
    for node in sorted(explored.edges):
        for selected in (0, i.PS_SELECTED, i.CO2_SELECTED, i.PS_SELECTED | i.CO2_SELECTED):
            for word in (selected, CONDITIONS & ~(i.PS_SELECTED | i.CO2_SELECTED) | selected):
                state = states.State(0)
                state.mode, state.fault, state.inputs = node.mode, node.fault, word
                state.needs = faults.needs(node.fault) if node.fault else 0
                found.append((node, state))
    return found


@pytest.mark.proves("R-OPT-1")
def test_only_the_selected_lasers_shutter_is_driven_and_only_in_firing(explored: Explorer) -> None:
    for node, state in _lit_states(explored):
        for now_ms in range(0, 2500, indicators.STEP_MS):
            driven = indicators.outputs(state, now_ms)
            for selected, shutter in LASERS:
                wanted = node.mode == states.FIRING and bool(state.inputs & selected)
                assert bool(driven & shutter) == wanted


@pytest.mark.proves("R-STA-6", "R-IND-1")
def test_the_emission_lamps_are_lit_wherever_light_is_near(explored: Explorer) -> None:
    both = indicators.OUT_LAMP_EMISSION_1 | indicators.OUT_LAMP_EMISSION_2
    for node, state in _lit_states(explored):
        for now_ms in range(0, 2500, indicators.STEP_MS):
            driven = indicators.outputs(state, now_ms)
            if node.mode in (*LIVE, states.SERVICE):
                assert driven & both == both
            elif node.mode != states.SELFTEST:
                assert not driven & both
            assert bool(driven & indicators.OUT_AIM) == (node.mode in (states.READY, states.FIRING))


STANDING = {
    faults.INPUTS_DEAD: i.CHAIN_OK,
    faults.STOP_PRESSED: i.ESTOP_CLOSED,
    faults.DOOR_OPENED: i.DOOR_CLOSED,
    faults.SAFE_OPENED: i.SAFE_CLOSED,
    faults.SAFE_NOT_CLOSED: i.SAFE_CLOSED,
    faults.HANDPIECE_LOST: i.HANDPIECE_OK,
    faults.PEDAL_CONTACTS: i.PEDAL_FAULT,
    faults.PEDAL_GONE: i.PEDAL_DISCONNECTED,
    faults.PS_FAULT_LINE: i.PS_OK,
    faults.CO2_FAULT_LINE: i.CO2_OK,
    faults.PS_NOT_READY: i.PS_READY,
    faults.CO2_NOT_READY: i.CO2_READY,
    faults.PS_SHUTTER_NOT_CLOSED: i.PS_SHUTTER_CLOSED,
    faults.CO2_SHUTTER_NOT_CLOSED: i.CO2_SHUTTER_CLOSED,
    faults.PS_SHUTTER_NOT_OPEN: i.PS_SHUTTER_CLOSED,
    faults.CO2_SHUTTER_NOT_OPEN: i.CO2_SHUTTER_CLOSED,
}
"""What has to be good again: for a shutter that did not open, that it is closed."""


@pytest.mark.parametrize("number", sorted(set(CAUSES) | set(STANDING)))
def test_a_fault_waits_for_the_very_thing_that_caused_it(number: int) -> None:
    needs = faults.needs(number)
    if needs & faults.RESTART:
        return
    assert needs & STANDING.get(number, 0) == STANDING.get(number, 0)
    good = states._GOOD
    assert all(bool(good & bit) != bool(bit & BAD_WHEN_SET) for bit, _ in i.CONDITION_NAMES)


BROKEN = {
    "no_permit_outside_firing": [
        "READY: the next pass was asked for: to FIRING",
        "READY: the pedal was pressed: bit 0x20 turned",
    ],
    "firing_only_from_ready_with_the_pedal_seen_released": [
        "READY: the pedal was pressed: bit 0x10000000 not looked at",
    ],
    "ready_only_after_two_seconds_of_arming": [
        "ARMING: the arming time is over: after NO_TIME",
        "SELFTEST: the self-test passed: to READY",
        "ARMING, READY, FIRING: the key was turned off: to READY",
    ],
    "power_up_and_cleared_faults_end_in_standby": [
        "SELFTEST: the self-test passed: to ARMING",
        "FAULT: the fault was acknowledged: to SERVICE",
        "FAULT: the fault was acknowledged: bit 0x20000000 not looked at",
    ],
    "a_fault_is_left_only_by_acknowledgement_with_its_cause_gone": [
        "FAULT: the fault was acknowledged: without EV_CLEAR",
        "FAULT: the fault was acknowledged: after NO_TIME",
    ],
    "whatever_opens_the_chain_stops_in_the_same_turn": ["READY, FIRING: SAFE opened: dropped"],
    "standby_stops_everything": ["ARMING, READY, FIRING, SERVICE: standby was asked for: dropped"],
    "ready_left_alone_ends": ["READY: nothing happened for the set time: dropped"],
    "service_only_by_pin_from_standby": [
        "SERVICE: the service time is over: dropped",
        "STANDBY: the PIN was right: without EV_SERVICE",
    ],
}


@pytest.mark.parametrize(("promise", "change"), [(p, change) for p, changes in BROKEN.items() for change in changes])
def test_a_table_without_a_promised_row_is_caught_by_that_promise(
    promise: str, change: str, explored: Explorer
) -> None:
    row, rows = next((row, rows) for name, row, rows in all_changes() if name == change)
    assert broken_by(row, rows, explored).startswith(promise + ":")


@pytest.mark.slow
@pytest.mark.proves("R-STA-3")
def test_every_change_of_one_thing_in_the_table_breaks_a_promise_or_changes_nothing(
    explored: Explorer, figure: Figure
) -> None:
    changes = list(all_changes())
    left = [(name, row, rows) for name, row, rows in changes if not broken_by(row, rows, explored)]
    idle = [name for name, row, rows in left if same_as_before(row, rows, explored)]
    missed = [name for name, _, _ in left if name not in idle]
    figure("changes of the state table: broken promises", len(changes) - len(left), f"of {len(changes)}")
    figure("changes of the state table: proven to change no turn", len(idle), "changes")
    figure("changes of the state table: noticed by no promise", len(missed), "changes", limit="0")
    assert not missed
    assert len(idle) < len(changes) / 50, "so many changes without effect mean rows without effect"


def test_every_row_and_every_promise_is_put_to_the_test(explored: Explorer) -> None:
    named = {(row[MODES], row[WORDS]) for _, row, _ in all_changes()}
    assert prepared(states.ROWS) == (states._ROWS_OF, states._TIMES_OF)
    assert named == {(row[MODES], row[WORDS]) for row in states.ROWS}
    assert len(PROMISES) == len({promise.__doc__ for promise in PROMISES})
