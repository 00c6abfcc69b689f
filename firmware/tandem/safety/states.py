"""The states, and the table by which one follows another.

`advance(state, inputs, events, now_ms)` is a function of its arguments alone. It reads no clock and no pin, drives no
output, and changes nothing but the record it is given. What it does is the table `ROWS`, read from the top: the first
row of the present mode whose events, conditions and time are met decides. The same table is printed in
docs/states.md, so that what is documented is what runs.

What it does not do: it cannot make a shot. It only says in `State.permit` whether permits may be written at all; the
guard, the sequencer and the permit handler each say no on their own as well.
"""

from tandem.safety import const, elapsed, faults, later
from tandem.safety.inputs import (
    ADMITTED,
    AIM_SEEN,
    BURST_TOO_LONG,
    CHAIN_OK,
    CO2_OK,
    CO2_READY,
    CO2_SELECTED,
    CO2_SHUTTER_CLOSED,
    CO2_SHUTTER_OPEN,
    DOOR_CLOSED,
    ESTOP_CLOSED,
    EV_ARM,
    EV_CLEAR,
    EV_DONE,
    EV_NEXT,
    EV_PASSED,
    EV_PEDAL_LEFT,
    EV_SERVICE,
    EV_STANDBY,
    EV_TESTED,
    FAULT_SHIFT,
    GUARD_OK,
    HANDPIECE_OK,
    JOURNAL_CLOSED,
    JOURNAL_FULL,
    KEY_ON,
    LOADED,
    MORE_PASSES,
    NO_RECIPE,
    PEDAL_DISCONNECTED,
    PEDAL_FAULT,
    PEDAL_PRESSED,
    PEDAL_RELEASED,
    PRESSES_USED,
    PS_OK,
    PS_READY,
    PS_SELECTED,
    PS_SHUTTER_CLOSED,
    PS_SHUTTER_OPEN,
    SAFE_CLOSED,
    SAFE_PROVEN,
    SCAN_OK,
    SOFT_RESET,
)

BOOT = const(0)
SELFTEST = const(1)
STANDBY = const(2)
ARMING = const(3)
READY = const(4)
FIRING = const(5)
FAULT = const(6)
SERVICE = const(7)

MODE_NAMES = ("BOOT", "SELFTEST", "STANDBY", "ARMING", "READY", "FIRING", "FAULT", "SERVICE")

# Conditions that follow from the record and the inputs together; they exist only inside `advance`.
PEDAL_SEEN = const(1 << 28)
NOTHING_AGAINST = const(1 << 29)
"""In STANDBY and SERVICE: against arming; in FAULT: against clearing it."""

# Times, all counted from the moment the mode was entered.
NO_TIME = const(0)
T_SELFTEST = const(1)
T_ARMING = const(2)
T_WAIT = const(3)
T_IDLE = const(4)
T_SHUTTER = const(5)
T_ACKNOWLEDGE = const(6)
T_SERVICE = const(7)

ARMING_MS_MIN = const(2000)
ARMING_MS_MAX = const(30000)
IDLE_S_MIN = const(10)
IDLE_S_MAX = const(600)
SERVICE_S_MIN = const(30)
SERVICE_S_MAX = const(1800)
_SELFTEST_MS = const(10000)
_ACKNOWLEDGE_MS = const(100)
_NAMING_MS = const(50)
_FAR_MS = const(0x10000000)
_TICKS_HALF = const(0x20000000)

_LIVE = (ARMING, READY, FIRING)
_ARMED = (READY, FIRING)
_RESTING = (STANDBY, SERVICE)
_NAMELESS = (faults.GUARD_TRIPPED, faults.SAFE_OPENED)

ROWS = (
    # modes, any of these events, conditions looked at, their values, time, next mode, fault, because
    ((BOOT,), 0, 0, 0, NO_TIME, SELFTEST, 0, "the controller started"),
    (
        (SELFTEST,),
        EV_PASSED,
        PS_SHUTTER_CLOSED | CO2_SHUTTER_CLOSED,
        PS_SHUTTER_CLOSED | CO2_SHUTTER_CLOSED,
        NO_TIME,
        STANDBY,
        0,
        "the self-test passed",
    ),
    ((SELFTEST,), 0, 0, 0, T_SELFTEST, FAULT, faults.SELFTEST_TIMEOUT, "the self-test did not end"),
    ((SERVICE,), 0, CHAIN_OK, 0, NO_TIME, FAULT, faults.INPUTS_DEAD, "the input register is not alive"),
    (_LIVE, 0, CHAIN_OK, 0, NO_TIME, FAULT, faults.INPUTS_DEAD, "the input register is not alive"),
    (_LIVE, 0, KEY_ON, 0, NO_TIME, STANDBY, 0, "the key was turned off"),
    (_LIVE, 0, ESTOP_CLOSED, 0, NO_TIME, FAULT, faults.STOP_PRESSED, "the emergency stop was pressed"),
    (_LIVE, 0, DOOR_CLOSED, 0, NO_TIME, FAULT, faults.DOOR_OPENED, "the door opened"),
    ((ARMING,), 0, SAFE_PROVEN | SAFE_CLOSED, SAFE_PROVEN, NO_TIME, FAULT, faults.SAFE_OPENED, "SAFE opened"),
    ((READY, FIRING), 0, SAFE_CLOSED, 0, NO_TIME, FAULT, faults.SAFE_OPENED, "SAFE opened"),
    (_LIVE, 0, HANDPIECE_OK, 0, NO_TIME, FAULT, faults.HANDPIECE_LOST, "the handpiece is gone"),
    ((ARMING,), 0, LOADED | GUARD_OK, LOADED, NO_TIME, FAULT, faults.GUARD_TRIPPED, "the guard tripped"),
    ((READY, FIRING), 0, GUARD_OK, 0, NO_TIME, FAULT, faults.GUARD_TRIPPED, "the guard tripped"),
    (_LIVE, 0, PEDAL_FAULT, PEDAL_FAULT, NO_TIME, FAULT, faults.PEDAL_CONTACTS, "both pedal contacts are closed"),
    (
        (ARMING, READY),
        0,
        PEDAL_DISCONNECTED,
        PEDAL_DISCONNECTED,
        NO_TIME,
        FAULT,
        faults.PEDAL_GONE,
        "the pedal is disconnected",
    ),
    (_LIVE, 0, PS_SELECTED | PS_OK, PS_SELECTED, NO_TIME, FAULT, faults.PS_FAULT_LINE, "the ps laser has a fault"),
    (_LIVE, 0, CO2_SELECTED | CO2_OK, CO2_SELECTED, NO_TIME, FAULT, faults.CO2_FAULT_LINE, "the CO2 laser has a fault"),
    (
        (READY, FIRING),
        0,
        PS_SELECTED | PS_READY,
        PS_SELECTED,
        NO_TIME,
        FAULT,
        faults.PS_NOT_READY,
        "the ps laser is not ready any more",
    ),
    (
        (READY, FIRING),
        0,
        CO2_SELECTED | CO2_READY,
        CO2_SELECTED,
        NO_TIME,
        FAULT,
        faults.CO2_NOT_READY,
        "the CO2 laser is not ready any more",
    ),
    (
        (SELFTEST, STANDBY, ARMING, READY, SERVICE),
        0,
        CHAIN_OK | PS_SHUTTER_CLOSED,
        CHAIN_OK,
        T_SHUTTER,
        FAULT,
        faults.PS_SHUTTER_NOT_CLOSED,
        "the ps shutter is not closed",
    ),
    (
        (SELFTEST, STANDBY, ARMING, READY, SERVICE),
        0,
        CHAIN_OK | CO2_SHUTTER_CLOSED,
        CHAIN_OK,
        T_SHUTTER,
        FAULT,
        faults.CO2_SHUTTER_NOT_CLOSED,
        "the CO2 shutter is not closed",
    ),
    (
        (FIRING,),
        0,
        PS_SELECTED | PS_SHUTTER_CLOSED,
        0,
        NO_TIME,
        FAULT,
        faults.PS_SHUTTER_NOT_CLOSED,
        "the shutter of the laser not selected is not closed",
    ),
    (
        (FIRING,),
        0,
        CO2_SELECTED | CO2_SHUTTER_CLOSED,
        0,
        NO_TIME,
        FAULT,
        faults.CO2_SHUTTER_NOT_CLOSED,
        "the shutter of the laser not selected is not closed",
    ),
    ((READY,), 0, AIM_SEEN, 0, T_SHUTTER, FAULT, faults.AIM_NOT_SEEN, "the aiming beam is not seen"),
    ((READY,), 0, SCAN_OK, 0, T_SHUTTER, FAULT, faults.SCANNER_NOT_IN_POSITION, "the scanner is not in position"),
    ((FIRING,), 0, AIM_SEEN, 0, NO_TIME, FAULT, faults.AIM_NOT_SEEN, "the aiming beam is not seen any more"),
    ((ARMING, READY, FIRING, SERVICE), EV_STANDBY, 0, 0, NO_TIME, STANDBY, 0, "standby was asked for"),
    ((STANDBY, SERVICE), EV_ARM, NOTHING_AGAINST, NOTHING_AGAINST, NO_TIME, ARMING, 0, "arming was asked for"),
    ((STANDBY,), EV_ARM, 0, 0, NO_TIME, STANDBY, 0, "arming was refused"),
    ((SERVICE,), EV_ARM, 0, 0, NO_TIME, SERVICE, 0, "arming was refused"),
    ((STANDBY,), EV_SERVICE, 0, 0, NO_TIME, SERVICE, 0, "the PIN was right"),
    ((SERVICE,), EV_SERVICE, 0, 0, NO_TIME, SERVICE, 0, "the service time begins anew"),
    ((SERVICE,), 0, 0, 0, T_SERVICE, STANDBY, 0, "the service time is over"),
    (
        (ARMING,),
        0,
        PS_SELECTED | PS_READY,
        PS_SELECTED,
        T_WAIT,
        FAULT,
        faults.PS_NOT_READY,
        "the ps laser was not ready in time",
    ),
    (
        (ARMING,),
        0,
        CO2_SELECTED | CO2_READY,
        CO2_SELECTED,
        T_WAIT,
        FAULT,
        faults.CO2_NOT_READY,
        "the CO2 laser was not ready in time",
    ),
    (
        (ARMING,),
        0,
        SCAN_OK,
        0,
        T_WAIT,
        FAULT,
        faults.SCANNER_NOT_IN_POSITION,
        "the scanner was not in position in time",
    ),
    ((ARMING,), 0, SAFE_PROVEN, 0, T_WAIT, FAULT, faults.SAFE_NOT_CLOSED, "SAFE was not proven in time"),
    ((ARMING,), 0, LOADED, 0, T_WAIT, FAULT, faults.SHOTS_NOT_LOADED, "the shots were not loaded in time"),
    ((ARMING,), 0, PS_SELECTED | PS_READY, PS_SELECTED, NO_TIME, ARMING, 0, "waiting for the ps laser"),
    ((ARMING,), 0, CO2_SELECTED | CO2_READY, CO2_SELECTED, NO_TIME, ARMING, 0, "waiting for the CO2 laser"),
    (
        (ARMING,),
        0,
        SAFE_PROVEN | LOADED | GUARD_OK | SCAN_OK,
        SAFE_PROVEN | LOADED | GUARD_OK | SCAN_OK,
        T_ARMING,
        READY,
        0,
        "the arming time is over",
    ),
    ((READY,), EV_NEXT, MORE_PASSES, MORE_PASSES, NO_TIME, ARMING, 0, "the next pass was asked for"),
    ((READY,), 0, 0, 0, T_IDLE, STANDBY, 0, "nothing happened for the set time"),
    (
        (READY,),
        0,
        PEDAL_PRESSED | PEDAL_SEEN | LOADED | SCAN_OK | AIM_SEEN | PRESSES_USED,
        PEDAL_PRESSED | PEDAL_SEEN | LOADED | SCAN_OK | AIM_SEEN,
        NO_TIME,
        FIRING,
        0,
        "the pedal was pressed",
    ),
    ((FIRING,), EV_TESTED, 0, 0, NO_TIME, STANDBY, 0, "the test fire passed"),
    ((FIRING,), EV_DONE, 0, 0, NO_TIME, READY, 0, "the pattern is complete"),
    ((FIRING,), EV_PEDAL_LEFT, 0, 0, NO_TIME, READY, 0, "the pedal was released"),
    ((FIRING,), 0, PEDAL_PRESSED, 0, NO_TIME, READY, 0, "the pedal was released"),
    (
        (FIRING,),
        0,
        PS_SELECTED | PS_SHUTTER_OPEN,
        PS_SELECTED,
        T_SHUTTER,
        FAULT,
        faults.PS_SHUTTER_NOT_OPEN,
        "the ps shutter is not open",
    ),
    (
        (FIRING,),
        0,
        CO2_SELECTED | CO2_SHUTTER_OPEN,
        CO2_SELECTED,
        T_SHUTTER,
        FAULT,
        faults.CO2_SHUTTER_NOT_OPEN,
        "the CO2 shutter is not open",
    ),
    ((FAULT,), EV_CLEAR, NOTHING_AGAINST, NOTHING_AGAINST, T_ACKNOWLEDGE, STANDBY, 0, "the fault was acknowledged"),
)
"""The table of state and event. Before any row, a fault raised by another part leads to FAULT from every mode."""

_ROWS_OF = tuple([tuple([row for row in ROWS if mode in row[0]]) for mode in range(len(MODE_NAMES))])
_TIMES_OF = tuple([tuple({row[4] for row in rows if row[4]}) for rows in _ROWS_OF])

ARM_REASONS = (
    (PRESSES_USED, "every press that the recipe allows is used: take it into use again"),
    (CHAIN_OK, "the input register is not alive"),
    (KEY_ON, "the key is off"),
    (ESTOP_CLOSED, "the emergency stop is pressed"),
    (DOOR_CLOSED, "the door is open"),
    (SAFE_CLOSED, "SAFE is open"),
    (HANDPIECE_OK, "the handpiece of the recipe is not attached"),
    (PEDAL_PRESSED, "the pedal is pressed"),
    (PEDAL_FAULT, "both pedal contacts are closed"),
    (PEDAL_DISCONNECTED, "the pedal is disconnected"),
    (PEDAL_RELEASED, "the pedal has not been seen released for 300 ms"),
    (PS_OK, "the ps laser reports a fault"),
    (CO2_OK, "the CO2 laser reports a fault"),
    (PS_READY, "the ps laser is not ready"),
    (CO2_READY, "the CO2 laser is not ready"),
    (PS_SHUTTER_CLOSED, "the ps shutter is not closed"),
    (CO2_SHUTTER_CLOSED, "the CO2 shutter is not closed"),
)
"""Why it cannot be armed: the condition that is not as it should be, and how to say so."""

HOLD_REASONS = (
    (SOFT_RESET, "a soft reset came before: hard reset needed"),
    (NO_RECIPE, "no recipe is in use"),
    (JOURNAL_FULL, "the journal has no room: pull it, acknowledge overwriting, or remove other files"),
    (JOURNAL_CLOSED, "the journal cannot be written"),
    (BURST_TOO_LONG, "one pattern has more shots than the memory for records takes"),
)
"""The same for what keeps from arming beside the inputs (`Inputs.holds`)."""

_ALL_BITS = const(0x3FFFFFFF)
_GOOD = _ALL_BITS & ~(PEDAL_PRESSED | PEDAL_FAULT | PEDAL_DISCONNECTED | PRESSES_USED)
_PS_BITS = PS_OK | PS_READY
_CO2_BITS = CO2_OK | CO2_READY
_CONTACTS = KEY_ON | ESTOP_CLOSED | DOOR_CLOSED
_FROM_REGISTER = _CONTACTS | PS_OK | CO2_OK | PS_SHUTTER_CLOSED | CO2_SHUTTER_CLOSED
_STOPS = CHAIN_OK | _CONTACTS | SAFE_CLOSED | HANDPIECE_OK | GUARD_OK
_PEDAL = PEDAL_PRESSED | PEDAL_RELEASED | PEDAL_FAULT | PEDAL_DISCONNECTED
_PEDAL_WRONG = PEDAL_PRESSED | PEDAL_FAULT | PEDAL_DISCONNECTED

_arm_bits = ADMITTED
for _bit, _text in ARM_REASONS:
    _arm_bits |= _bit
_ARM_BITS = _arm_bits


class State:
    """The whole record of the state machine. Only `advance` changes it; everybody may read it.

    `mode`, since when (`since_ms`), the mode before it (`before`) and why it was entered (`because`); `fault`, 0
    outside FAULT; `also`, another fault seen beside it; `last_fault`, the one acknowledged last; `needs`, the
    conditions an acknowledgement waits for; `permit`, whether permits may be written; `incomplete`, whether the last
    pattern was interrupted; `refused`, the conditions that refused the last request to arm, and when (`refused_ms`);
    `inputs`, the conditions judged last; `due_ms`, when it has to be looked at again though nothing changes.

    `arming_ms` 2000-30000; `idle_s` 10-600 until READY gives up; `shutter_ms` 1-2000, what a shutter may take;
    `wait_ms` 0-60000, how long arming may last beyond `arming_ms`; `service_s` 30-1800 until SERVICE gives up. Values
    out of range raise ValueError.
    """

    def __init__(
        self,
        now_ms: int = 0,
        arming_ms: int = ARMING_MS_MIN,
        idle_s: int = 120,
        shutter_ms: int = 250,
        wait_ms: int = 5000,
        service_s: int = 300,
    ) -> None:
        self.mode = BOOT
        self.before = BOOT
        self.since_ms = now_ms
        self.due_ms = now_ms
        self.because = ""
        self.inputs = 0
        self.fault = 0
        self.also = 0
        self.last_fault = 0
        self.needs = 0
        self.permit = False
        self.pedal_seen = False
        self.incomplete = False
        self.refused = 0
        self.refused_ms = 0
        self.times = [0, _SELFTEST_MS, 0, 0, 0, 0, _ACKNOWLEDGE_MS, 0]
        self._wait_ms = wait_ms
        self.set_shutter(shutter_ms)
        _within("wait_ms", wait_ms, 0, 60000)
        self.set_times(arming_ms, idle_s, service_s)

    def set_shutter(self, shutter_ms: int) -> None:
        """Take over the time, 1 to 2000 ms, within which shutters open or close; ValueError for another."""
        _within("shutter_ms", shutter_ms, 1, 2000)
        self.times[T_SHUTTER] = shutter_ms

    def set_times(self, arming_ms: int, idle_s: int, service_s: int) -> None:
        """Take over times that can be set; ValueError for one out of range, and none is taken over then."""
        _within("arming_ms", arming_ms, ARMING_MS_MIN, ARMING_MS_MAX)
        _within("idle_s", idle_s, IDLE_S_MIN, IDLE_S_MAX)
        _within("service_s", service_s, SERVICE_S_MIN, SERVICE_S_MAX)
        times = self.times
        times[T_ARMING] = arming_ms
        times[T_WAIT] = arming_ms + self._wait_ms
        times[T_IDLE] = idle_s * 1000
        times[T_SERVICE] = service_s * 1000


def _within(name: str, value: int, lowest: int, highest: int) -> None:
    if not lowest <= value <= highest:
        raise ValueError(name + "=" + str(value) + " refused: " + str(lowest) + " to " + str(highest) + " is allowed")


def advance(state: State, inputs: int, events: int, now_ms: int) -> int:
    """Judge one turn and return the mode. At most one step of the table is taken in a call.

    `inputs`: conditions from `inputs.Inputs`; `events`: `EV_...` bits, with `inputs.raising(number)` for a fault that
    another part found; `now_ms`: the present moment. To be called in every turn; does not allocate or block. A turn in
    which nothing changed and nothing is due costs a few comparisons.
    """
    if inputs == state.inputs and not events and (now_ms - state.due_ms) & _TICKS_HALF:
        return state.mode
    return _decide(state, inputs, events, now_ms)


def _decide(state: State, inputs: int, events: int, now_ms: int) -> int:
    before = state.mode
    state.inputs = inputs
    raised = events >> FAULT_SHIFT
    follows = raised in faults.FOLLOW_ON and before in _ARMED and inputs & _STOPS != _STOPS
    if raised and not follows:
        _raise(state, raised, events, now_ms)
    else:
        _read_table(state, inputs, events, now_ms)
        if follows and raised != state.fault:
            state.also = raised
    if before == FAULT == state.mode:
        _name_cause(state, inputs, now_ms)
    state.permit = state.mode == FIRING and _shutters_right(inputs)
    # A mode just entered is looked at again in the next turn: its rows have not been read yet. So is one in which an
    # event was answered: a row below, whose time has come in this very turn, has not been read either.
    state.due_ms = now_ms if state.mode != before or events else later(now_ms, _wait_ms(state, now_ms))
    return state.mode


def _read_table(state: State, inputs: int, events: int, now_ms: int) -> None:
    mode = state.mode
    age_ms = elapsed(now_ms, state.since_ms)
    word = inputs | _derived(state, inputs)
    for _, wanted, mask, value, time, target, number, because in _ROWS_OF[mode]:
        if wanted and not events & wanted:
            continue
        if word & mask != value:
            continue
        if time and age_ms < state.times[time]:
            continue
        if target != mode:
            _enter(state, target, number, because, events, now_ms)
        elif mode in _RESTING and events & EV_ARM:
            state.refused = arm_blocks(inputs)
            state.refused_ms = now_ms
        elif mode == SERVICE:
            state.since_ms = now_ms
        return
    if mode == READY and inputs & PEDAL_PRESSED:
        # This press could not fire; it must not fire later, without the operator's doing, once it could.
        state.pedal_seen = False


def _derived(state: State, inputs: int) -> int:
    """Return the conditions that follow from the record and the inputs together."""
    mode = state.mode
    if mode == READY:
        if inputs & _PEDAL == PEDAL_RELEASED:
            state.pedal_seen = True
        return PEDAL_SEEN if state.pedal_seen else 0
    if mode in _RESTING:
        return 0 if arm_blocks(inputs) else NOTHING_AGAINST
    if mode == FAULT:
        return 0 if clear_blocks(state, inputs) else NOTHING_AGAINST
    return 0


def _enter(state: State, mode: int, number: int, because: str, events: int, now_ms: int) -> None:
    if state.mode == FIRING:
        state.incomplete = not events & (EV_DONE | EV_TESTED)
    elif mode == FIRING:
        state.incomplete = False
    if state.mode == FAULT:
        state.last_fault = state.fault
    if mode != FAULT and state.mode != FIRING:
        state.also = 0
    state.before = state.mode
    state.mode = mode
    state.since_ms = now_ms
    state.because = because
    state.fault = number
    state.needs = faults.needs(number) if number else 0
    if mode == FAULT and state.before < STANDBY:
        state.needs |= faults.RESTART  # what was not tested any more has to be tested first
    state.refused = 0
    state.pedal_seen = mode == READY and state.inputs & _PEDAL == PEDAL_RELEASED


def _raise(state: State, number: int, events: int, now_ms: int) -> None:
    """Go to FAULT; in FAULT the first fault stays, and what a later one needs is needed as well."""
    if state.mode != FAULT:
        _enter(state, FAULT, number, "a fault was found", events, now_ms)
    elif number != state.fault:
        state.also = number
        state.needs |= faults.needs(number)


def _name_cause(state: State, inputs: int, now_ms: int) -> None:
    """Give the fault its proper name when the contact that opened SAFE is seen open only some turns later."""
    if state.fault not in _NAMELESS or not inputs & CHAIN_OK:
        return
    if elapsed(now_ms, state.since_ms) > _NAMING_MS:
        return
    number = state.fault
    if not inputs & ESTOP_CLOSED:
        number = faults.STOP_PRESSED
    elif not inputs & DOOR_CLOSED:
        number = faults.DOOR_OPENED
    elif not inputs & SAFE_CLOSED:
        number = faults.SAFE_OPENED
    state.fault = number
    state.needs |= faults.needs(number)


def _shutters_right(inputs: int) -> bool:
    """Tell whether each selected laser, and at least one, has its shutter open, and any other has it closed."""
    if not inputs & (PS_SHUTTER_OPEN if inputs & PS_SELECTED else PS_SHUTTER_CLOSED):
        return False
    if not inputs & (CO2_SHUTTER_OPEN if inputs & CO2_SELECTED else CO2_SHUTTER_CLOSED):
        return False
    return bool(inputs & (PS_SELECTED | CO2_SELECTED))


def _wait_ms(state: State, now_ms: int) -> int:
    age_ms = elapsed(now_ms, state.since_ms)
    wait_ms = _FAR_MS
    for time in _TIMES_OF[state.mode]:
        remaining_ms = state.times[time] - age_ms
        if 0 < remaining_ms < wait_ms:
            wait_ms = remaining_ms
    return wait_ms


def arm_blocks(inputs: int) -> int:
    """Return the conditions that keep from arming, 0 when it may be armed. Lines of a laser not selected do not count.

    Does not allocate; `reasons` turns the bits into words.
    """
    blocks = (inputs ^ _GOOD) & _ARM_BITS
    if not inputs & PS_SELECTED:
        blocks &= ~_PS_BITS
    if not inputs & CO2_SELECTED:
        blocks &= ~_CO2_BITS
    if inputs & MORE_PASSES:
        blocks &= ~PRESSES_USED
    return blocks


def clear_blocks(state: State, inputs: int) -> int:
    """Return the conditions whose absence keeps the fault from being cleared, `faults.RESTART` for a hard reset."""
    return (inputs ^ _GOOD) & state.needs


def reasons(blocks: int, holds: int) -> list[str]:
    """Return in words what `arm_blocks` found and `Inputs.holds` says, without what merely follows from another."""
    if blocks & CHAIN_OK:
        blocks &= ~_FROM_REGISTER
    if blocks & _CONTACTS:
        blocks &= ~SAFE_CLOSED
    if blocks & _PEDAL_WRONG:
        blocks &= ~PEDAL_RELEASED
    found = [text for bit, text in HOLD_REASONS if holds & bit]
    return found + [text for bit, text in ARM_REASONS if blocks & bit]
