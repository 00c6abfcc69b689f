"""What is promised of every turn, said from the inputs and from what happened before, without the state table.

Each promise is a function of an explored `Turn` that raises `Broken`. Why a state may be left for which other is said
in `MOVES`, why for FAULT in `CAUSES`: a turn that does something has a reason to, and one that does nothing has none.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from exploration import Needs, Turn, Unread, needs_of
from tandem.safety import elapsed, faults
from tandem.safety import inputs as i
from tandem.safety.states import (
    ARMING,
    BOOT,
    FAULT,
    FIRING,
    READY,
    SELFTEST,
    SERVICE,
    STANDBY,
)

LIVE = (ARMING, READY, FIRING)
ARMED = (READY, FIRING)
RESTING = (STANDBY, SERVICE)
PEDAL = i.PEDAL_PRESSED | i.PEDAL_RELEASED | i.PEDAL_FAULT | i.PEDAL_DISCONNECTED
BAD_WHEN_SET = i.PEDAL_PRESSED | i.PEDAL_FAULT | i.PEDAL_DISCONNECTED | i.PRESSES_USED
SELFTEST_MS = 10_000
ACKNOWLEDGE_MS = 100
NAMING_MS = 50

LASERS = (
    (i.PS_SELECTED, i.PS_OK, i.PS_READY, i.PS_SHUTTER_CLOSED, i.PS_SHUTTER_OPEN),
    (i.CO2_SELECTED, i.CO2_OK, i.CO2_READY, i.CO2_SHUTTER_CLOSED, i.CO2_SHUTTER_OPEN),
)


class Broken(Exception):
    """A turn broke a promise."""


def _late(turn: Turn) -> bool:
    """Tell whether arming has lasted beyond its time."""
    return turn.before == ARMING and turn.age_ms >= turn.settings["arming_ms"] + turn.settings["wait_ms"]


def _moved(turn: Turn) -> bool:
    """Tell whether a shutter has had the time that it may take."""
    return turn.age_ms >= turn.settings["shutter_ms"]


def _not_ready(turn: Turn, selected: int, ready: int) -> bool:
    return (turn.before in ARMED or _late(turn)) and turn.has(selected) and not turn.has(ready)


def _not_closed(turn: Turn, selected: int, closed: int) -> bool:
    if turn.before == FIRING:
        return not turn.has(selected) and not turn.has(closed)
    resting = turn.before in (SELFTEST, STANDBY, SERVICE, ARMING, READY)
    return resting and _moved(turn) and turn.has(i.CHAIN_OK) and not turn.has(closed)


def _not_open(turn: Turn, selected: int, opened: int) -> bool:
    return turn.before == FIRING and _moved(turn) and turn.has(selected) and not turn.has(opened)


CAUSES: dict[int, Callable[[Turn], bool]] = {
    faults.INPUTS_DEAD: lambda t: t.before in (*LIVE, SERVICE) and not t.has(i.CHAIN_OK),
    faults.STOP_PRESSED: lambda t: t.before in LIVE and not t.has(i.ESTOP_CLOSED),
    faults.DOOR_OPENED: lambda t: t.before in LIVE and not t.has(i.DOOR_CLOSED),
    faults.SAFE_OPENED: lambda t: (
        (t.before in ARMED or (t.before == ARMING and t.has(i.SAFE_PROVEN))) and not t.has(i.SAFE_CLOSED)
    ),
    faults.HANDPIECE_LOST: lambda t: t.before in LIVE and not t.has(i.HANDPIECE_OK),
    faults.GUARD_TRIPPED: lambda t: (
        (t.before in ARMED or (t.before == ARMING and t.has(i.LOADED))) and not t.has(i.GUARD_OK)
    ),
    faults.PEDAL_CONTACTS: lambda t: t.before in LIVE and t.has(i.PEDAL_FAULT),
    faults.PEDAL_GONE: lambda t: t.before in (ARMING, READY) and t.has(i.PEDAL_DISCONNECTED),
    faults.PS_FAULT_LINE: lambda t: t.before in LIVE and t.has(i.PS_SELECTED) and not t.has(i.PS_OK),
    faults.CO2_FAULT_LINE: lambda t: t.before in LIVE and t.has(i.CO2_SELECTED) and not t.has(i.CO2_OK),
    faults.PS_NOT_READY: lambda t: _not_ready(t, i.PS_SELECTED, i.PS_READY),
    faults.CO2_NOT_READY: lambda t: _not_ready(t, i.CO2_SELECTED, i.CO2_READY),
    faults.PS_SHUTTER_NOT_CLOSED: lambda t: _not_closed(t, i.PS_SELECTED, i.PS_SHUTTER_CLOSED),
    faults.CO2_SHUTTER_NOT_CLOSED: lambda t: _not_closed(t, i.CO2_SELECTED, i.CO2_SHUTTER_CLOSED),
    faults.PS_SHUTTER_NOT_OPEN: lambda t: _not_open(t, i.PS_SELECTED, i.PS_SHUTTER_OPEN),
    faults.CO2_SHUTTER_NOT_OPEN: lambda t: _not_open(t, i.CO2_SELECTED, i.CO2_SHUTTER_OPEN),
    faults.AIM_NOT_SEEN: lambda t: (t.before == FIRING or (t.before == READY and _moved(t))) and not t.has(i.AIM_SEEN),
    faults.SCANNER_NOT_IN_POSITION: lambda t: (_late(t) or (t.before == READY and _moved(t))) and not t.has(i.SCAN_OK),
    faults.SAFE_NOT_CLOSED: lambda t: _late(t) and not t.has(i.SAFE_PROVEN),
    faults.SHOTS_NOT_LOADED: lambda t: _late(t) and not t.has(i.LOADED),
    faults.SELFTEST_TIMEOUT: lambda t: t.before == SELFTEST and t.age_ms >= SELFTEST_MS,
}
"""What is a fault by the inputs alone, and in which states."""

YIELDING = {
    SELFTEST: (faults.SELFTEST_TIMEOUT, faults.PS_SHUTTER_NOT_CLOSED, faults.CO2_SHUTTER_NOT_CLOSED),
    ARMING: (
        faults.PS_NOT_READY,
        faults.CO2_NOT_READY,
        faults.SCANNER_NOT_IN_POSITION,
        faults.SAFE_NOT_CLOSED,
        faults.SHOTS_NOT_LOADED,
    ),
    FIRING: (faults.PS_SHUTTER_NOT_OPEN, faults.CO2_SHUTTER_NOT_OPEN),
}
"""Faults of being too late: void when the state is left in that very turn."""

CHAIN = (
    (faults.INPUTS_DEAD, i.CHAIN_OK),
    (0, i.KEY_ON),
    (faults.STOP_PRESSED, i.ESTOP_CLOSED),
    (faults.DOOR_OPENED, i.DOOR_CLOSED),
)
"""What opens SAFE, or hides it, in the order in which it gives the fault its name; the key gives none."""
CONTACTS = i.CHAIN_OK | i.KEY_ON | i.ESTOP_CLOSED | i.DOOR_CLOSED


def armable(turn: Turn) -> bool:
    """Tell whether nothing keeps from arming."""
    if not turn.has(i.CHAIN_OK | i.KEY_ON | i.ESTOP_CLOSED | i.DOOR_CLOSED | i.SAFE_CLOSED | i.HANDPIECE_OK):
        return False
    if turn.word & PEDAL != i.PEDAL_RELEASED or not turn.has(i.ADMITTED):
        return False
    if turn.has(i.PRESSES_USED) and not turn.has(i.MORE_PASSES):
        return False
    if any(turn.has(selected) and not turn.has(ok | ready) for selected, ok, ready, _, _ in LASERS):
        return False
    return turn.has(i.PS_SHUTTER_CLOSED | i.CO2_SHUTTER_CLOSED)


def _key_off(turn: Turn) -> bool:
    return turn.has(i.CHAIN_OK) and not turn.has(i.KEY_ON)


def _arming_done(turn: Turn) -> bool:
    if turn.age_ms < turn.settings["arming_ms"]:
        return False
    if not turn.has(i.SAFE_PROVEN | i.LOADED | i.GUARD_OK | i.SCAN_OK):
        return False
    return not any(turn.has(selected) and not turn.has(ready) for selected, _, ready, _, _ in LASERS)


def _may_fire(turn: Turn) -> bool:
    if not turn.node.fresh or turn.has(i.PRESSES_USED):
        return False
    return turn.has(i.PEDAL_PRESSED | i.LOADED | i.SCAN_OK | i.AIM_SEEN)


def _idle(turn: Turn) -> bool:
    return turn.age_ms >= turn.settings["idle_s"] * 1000


def _service_over(turn: Turn) -> bool:
    return turn.age_ms >= turn.settings["service_s"] * 1000 and not turn.asked(i.EV_ARM | i.EV_SERVICE)


def _cause_gone(turn: Turn) -> bool:
    """Tell whether everything that the fault needs is good: its own conditions, and those of faults seen beside it."""
    needs = needs_of(turn.node)
    if needs & faults.RESTART:
        return False
    while needs:
        bit = needs & -needs
        needs ^= bit
        if turn.has(bit) == bool(bit & BAD_WHEN_SET):
            return False
    return not turn.others_wait()


MOVES: dict[tuple[int, int], Callable[[Turn], bool]] = {
    (BOOT, SELFTEST): lambda t: True,
    (SELFTEST, STANDBY): lambda t: t.asked(i.EV_PASSED) and t.has(i.PS_SHUTTER_CLOSED | i.CO2_SHUTTER_CLOSED),
    (STANDBY, ARMING): lambda t: t.asked(i.EV_ARM) and armable(t),
    (STANDBY, SERVICE): lambda t: t.asked(i.EV_SERVICE) and not t.asked(i.EV_ARM),
    (SERVICE, STANDBY): lambda t: t.asked(i.EV_STANDBY) or _service_over(t),
    (SERVICE, ARMING): lambda t: t.asked(i.EV_ARM) and armable(t),
    (ARMING, STANDBY): lambda t: _key_off(t) or t.asked(i.EV_STANDBY),
    (ARMING, READY): _arming_done,
    (READY, STANDBY): lambda t: _key_off(t) or t.asked(i.EV_STANDBY) or _idle(t),
    (READY, ARMING): lambda t: t.asked(i.EV_NEXT) and t.has(i.MORE_PASSES),
    (READY, FIRING): _may_fire,
    (FIRING, READY): lambda t: t.asked(i.EV_DONE | i.EV_PEDAL_LEFT) or not t.has(i.PEDAL_PRESSED),
    (FIRING, STANDBY): lambda t: _key_off(t) or t.asked(i.EV_STANDBY | i.EV_TESTED),
    (FAULT, STANDBY): lambda t: t.asked(i.EV_CLEAR) and t.age_ms >= ACKNOWLEDGE_MS and _cause_gone(t),
}
"""Which state may follow which, beside FAULT, and when."""


def no_permit_outside_firing(turn: Turn) -> None:
    """No permit outside FIRING; in it only while the shutters of the selected lasers are open and nothing is wrong."""
    if not turn.state.permit:
        return
    if turn.mode != FIRING:
        raise Broken("a permit outside FIRING")
    good = i.CHAIN_OK | i.KEY_ON | i.ESTOP_CLOSED | i.DOOR_CLOSED | i.SAFE_CLOSED | i.HANDPIECE_OK | i.GUARD_OK
    if not turn.has(good | i.PEDAL_PRESSED | i.AIM_SEEN) or turn.has(i.PEDAL_FAULT) or turn.raised:
        raise Broken("a permit though something that stops is seen")
    if not turn.has(i.PS_SELECTED) and not turn.has(i.CO2_SELECTED):
        raise Broken("a permit without a laser")
    for selected, ok, ready, _, opened in LASERS:
        if turn.has(selected) and not turn.has(ok | ready | opened):
            raise Broken("a permit though a selected laser is not right or its shutter is not open")


def no_permit_while_the_other_shutter_may_be_open(turn: Turn) -> None:
    """A permit needs the shutter of the laser that is not selected to be seen closed."""
    for selected, _, _, closed, _ in LASERS:
        if turn.state.permit and not turn.has(selected) and not turn.has(closed):
            raise Broken("a permit though the shutter of the laser not selected is not closed")


def permits_come_with_the_open_shutter(turn: Turn) -> None:
    """In FIRING, permits are there as soon as the shutters of the selected lasers are open, and of no other."""
    if turn.mode == FIRING and not turn.state.permit:
        lasers = [laser for laser in LASERS if turn.has(laser[0])]
        rest = [laser for laser in LASERS if laser not in lasers]
        if lasers and all(turn.has(laser[4]) for laser in lasers) and all(turn.has(laser[3]) for laser in rest):
            raise Broken("FIRING with open shutter, without a permit")


def firing_only_from_ready_with_the_pedal_seen_released(turn: Turn) -> None:
    """FIRING is entered only from READY, by a press after the pedal was seen released there."""
    if turn.mode == FIRING != turn.before and (turn.before != READY or not turn.node.fresh):
        raise Broken("FIRING without the pedal seen released in READY")
    if turn.mode == FIRING != turn.before and not turn.has(i.PEDAL_PRESSED):
        raise Broken("FIRING without the pedal pressed")
    if turn.state.pedal_seen and not turn.fresh_after:
        raise Broken("the pedal counts as seen released though it was not")


def ready_only_after_two_seconds_of_arming(turn: Turn) -> None:
    """READY is entered only from ARMING after at least 2 s in it, or from FIRING."""
    if turn.mode == READY != turn.before and turn.before != FIRING and (turn.before != ARMING or turn.age_ms < 2000):
        raise Broken("READY without 2 s of ARMING")


def power_up_and_cleared_faults_end_in_standby(turn: Turn) -> None:
    """From BOOT only SELFTEST follows, from SELFTEST and FAULT only STANDBY; nothing before the self-test passed."""
    follows = {BOOT: (SELFTEST,), SELFTEST: (SELFTEST, STANDBY), FAULT: (FAULT, STANDBY)}
    if turn.mode not in (*follows.get(turn.before, (turn.mode,)), FAULT):
        raise Broken("power-up or a cleared fault does not end in STANDBY")
    if turn.mode not in (BOOT, SELFTEST, FAULT) and not turn.tested_after:
        raise Broken("the self-test was left out")


def a_fault_is_left_only_by_acknowledgement_with_its_cause_gone(turn: Turn) -> None:
    """FAULT stays until acknowledged, at least 100 ms after it began, with everything good that it needs."""
    if turn.before != FAULT or turn.mode == FAULT:
        return
    if not turn.asked(i.EV_CLEAR) or turn.raised or turn.age_ms < ACKNOWLEDGE_MS or not _cause_gone(turn):
        raise Broken("a fault was left without acknowledgement or with its cause")
    if turn.state.last_fault != turn.node.fault:
        raise Broken("the acknowledged fault is not kept as the last one")


def whatever_opens_the_chain_stops_in_the_same_turn(turn: Turn) -> None:
    """With a contact, SAFE, the handpiece, the guard or the register lost, READY and FIRING end in that turn."""
    if turn.before not in ARMED or turn.mode not in LIVE:
        return
    chain = i.CHAIN_OK | i.KEY_ON | i.ESTOP_CLOSED | i.DOOR_CLOSED | i.SAFE_CLOSED | i.HANDPIECE_OK | i.GUARD_OK
    if not turn.has(chain):
        raise Broken("READY or FIRING goes on though something of the chain is lost")


def standby_stops_everything(turn: Turn) -> None:
    """Asked for STANDBY, no state in which light could come or be prepared goes on."""
    if turn.before in (*LIVE, SERVICE) and turn.asked(i.EV_STANDBY) and turn.mode not in (STANDBY, FAULT):
        raise Broken("STANDBY was asked for and did not come")


def ready_left_alone_ends(turn: Turn) -> None:
    """At the inactivity time READY ends, and a press in that moment does not fire."""
    if turn.before == READY and _idle(turn) and turn.mode in ARMED:
        raise Broken("READY goes on beyond the inactivity time")


def service_only_by_pin_from_standby(turn: Turn) -> None:
    """SERVICE is entered from STANDBY alone, by the PIN, and ends at its time unless the PIN is given again."""
    if turn.mode != SERVICE:
        return
    if turn.before != SERVICE and (turn.before != STANDBY or not turn.asked(i.EV_SERVICE)):
        raise Broken("SERVICE without the PIN in STANDBY")
    if turn.before == SERVICE and _service_over(turn):
        raise Broken("SERVICE goes on beyond its time")


def what_happens_has_a_reason(turn: Turn) -> None:
    """Every change of state is one of `MOVES`, or a fault with its cause, with the name of its cause."""
    if turn.mode == turn.before:
        return
    if turn.mode != FAULT:
        reason = MOVES.get((turn.before, turn.mode))
        if reason is None or not reason(turn):
            raise Broken("a change of state without a reason")
        return
    fault = turn.state.fault
    if fault != turn.raised and (fault not in CAUSES or not CAUSES[fault](turn)):
        raise Broken("a fault without its cause")
    if fault == turn.raised or turn.before not in LIVE:
        return
    for first, contact in CHAIN:
        if fault == first:
            return
        if not turn.has(contact):
            raise Broken("a fault does not have the name of what opened the chain")
    if fault == faults.GUARD_TRIPPED and CAUSES[faults.SAFE_OPENED](turn):
        raise Broken("a guard trip hides that SAFE opened")


def nothing_is_passed_over(turn: Turn) -> None:
    """A turn without a fault has no cause of one, except what the key or leaving the state makes void."""
    if turn.before == FAULT or turn.mode == FAULT:
        return
    if turn.raised:
        # It merely follows from an opened chain, and is noted.
        follows = turn.raised in faults.FOLLOW_ON and turn.before in LIVE
        if not follows or turn.mode != STANDBY or turn.has(i.KEY_ON) or turn.state.also != turn.raised:
            raise Broken("a fault that another part found is passed over")
    if turn.before in LIVE and _key_off(turn):
        if turn.mode != STANDBY:
            raise Broken("the key was turned off and STANDBY did not come")
        return
    void = YIELDING.get(turn.before, ()) if turn.mode != turn.before else ()
    if any(cause(turn) for fault, cause in CAUSES.items() if fault not in void):
        raise Broken("a fault's cause is passed over")


def nothing_is_missed(turn: Turn) -> None:
    """A turn that changes no state had no reason to change it."""
    if turn.mode != turn.before or turn.raised:
        return
    for (before, _), reason in MOVES.items():
        if before == turn.before and reason(turn):
            raise Broken("a state is not left though it should be")


def a_raised_fault_is_kept(turn: Turn) -> None:
    """A fault that another part found is the fault, or is noted beside it with all that it needs."""
    state = turn.state
    if not turn.raised:
        return
    if turn.before == FAULT:
        if turn.mode != FAULT or state.needs.known & faults.needs(turn.raised) != faults.needs(turn.raised):
            raise Broken("a second fault is lost or is not waited for")
        if turn.raised != turn.node.fault and state.also != turn.raised:
            raise Broken("a second fault is not noted")
    elif turn.mode == FAULT and state.fault != turn.raised:
        chain = (faults.INPUTS_DEAD, faults.STOP_PRESSED, faults.DOOR_OPENED, faults.SAFE_OPENED)
        allowed = (*chain, faults.HANDPIECE_LOST, faults.GUARD_TRIPPED)
        if state.also != turn.raised or state.fault not in allowed or turn.raised not in faults.FOLLOW_ON:
            raise Broken("a raised fault is hidden by something that is not its cause")
    elif turn.mode == FAULT and turn.raised in faults.FOLLOW_ON and turn.before in ARMED and not turn.has(CONTACTS):
        raise Broken("what merely follows hides what opened the chain")


def a_faults_name_is_its_cause(turn: Turn) -> None:
    """In FAULT the name changes only for 50 ms, only from SAFE or guard, and only to the contact that is seen open."""
    if turn.before != FAULT or turn.mode != FAULT:
        return
    name = turn.node.fault
    if name in (faults.GUARD_TRIPPED, faults.SAFE_OPENED) and turn.age_ms <= NAMING_MS and turn.has(i.CHAIN_OK):
        if not turn.has(i.ESTOP_CLOSED):
            name = faults.STOP_PRESSED
        elif not turn.has(i.DOOR_CLOSED):
            name = faults.DOOR_OPENED
        elif not turn.has(i.SAFE_CLOSED):
            name = faults.SAFE_OPENED
    if turn.state.fault != name:
        raise Broken("a fault has the wrong name")
    kept = faults.needs(turn.node.fault) | faults.needs(name)
    if turn.state.needs.known & kept != kept:
        raise Broken("a fault does not wait for its cause")


def the_record_says_what_happened(turn: Turn) -> None:
    """The record holds mode, since when, why, and how the last pattern ended."""
    state, mode = turn.state, turn.mode
    if mode != state.mode or bool(state.fault) != (mode == FAULT):
        raise Broken("a fault outside FAULT, or FAULT without one")
    if state.inputs is not turn.word:
        raise Broken("the conditions that were judged are not kept")
    if mode == turn.before:
        renewed = mode == SERVICE and turn.asked(i.EV_SERVICE) and not turn.asked(i.EV_ARM)
        if elapsed(turn.now_ms, state.since_ms) != (0 if renewed else turn.age_ms):
            raise Broken("the moment of entering was moved")
        _refusal(turn)
        return
    if state.before != turn.before or state.since_ms != turn.now_ms or not state.because or state.refused != 0:
        raise Broken("a change of state is not on record")
    known = state.needs.known if isinstance(state.needs, Needs) else state.needs
    if known != (needs_of(turn.after) if state.fault else 0):
        raise Broken("a fault does not wait for its cause")
    if turn.before == FIRING and state.incomplete == turn.asked(i.EV_DONE | i.EV_TESTED):
        raise Broken("an interrupted pattern counts as complete, or a complete one as interrupted")
    if mode == FIRING and state.incomplete:
        raise Broken("a new pattern counts as interrupted")
    if mode != FAULT and turn.before != FIRING and state.also not in (0, turn.raised):
        raise Broken("an old fault is still noted")


def _refusal(turn: Turn) -> None:
    state: Any = turn.state
    refused = turn.mode in RESTING and turn.asked(i.EV_ARM)
    if refused == isinstance(state.refused, Unread):
        raise Broken("a refusal to arm is not noted, or something else is noted as one")
    if refused and (state.refused_ms != turn.now_ms or not state.refused):
        raise Broken("a refusal to arm does not say why or when")


PROMISES: tuple[Callable[[Turn], None], ...] = (
    no_permit_outside_firing,
    no_permit_while_the_other_shutter_may_be_open,
    permits_come_with_the_open_shutter,
    firing_only_from_ready_with_the_pedal_seen_released,
    ready_only_after_two_seconds_of_arming,
    power_up_and_cleared_faults_end_in_standby,
    a_fault_is_left_only_by_acknowledgement_with_its_cause_gone,
    whatever_opens_the_chain_stops_in_the_same_turn,
    standby_stops_everything,
    ready_left_alone_ends,
    service_only_by_pin_from_standby,
    what_happens_has_a_reason,
    nothing_is_passed_over,
    nothing_is_missed,
    a_raised_fault_is_kept,
    a_faults_name_is_its_cause,
    the_record_says_what_happened,
)


def keep_all(turn: Turn) -> None:
    """Check every promise on one turn; raises `Broken` with the turn's words."""
    for promise in PROMISES:
        try:
            promise(turn)
        except Broken as broken:
            raise Broken(f"{promise.__name__}: {broken}: {turn}") from None
