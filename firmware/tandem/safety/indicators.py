"""What the operator sees and hears, as functions of the state record and the time. Nothing here allocates.

All patterns move in steps of `STEP_MS`: it is enough to ask again when the record changed or the time entered a new
step. Lamps: the emission lamps burn from ARMING on, and in SERVICE; READY flashes while arming, burns in READY and
FIRING, and flashes again once every press that the recipe allows for the passes is used; the lamps of the lasers flash
while a test fire is armed; FAULT flashes twice a second while its cause stands and burns steadily once it can be
acknowledged. The sounds of arming, firing, an interrupted pattern, a fault and a refusal all differ.
"""

from tandem.safety import const, elapsed
from tandem.safety.inputs import CO2_SELECTED, PRESSES_USED, PS_SELECTED
from tandem.safety.states import ARMING, FAULT, FIRING, READY, SELFTEST, SERVICE, STANDBY, State, clear_blocks

# The output shift register, bit by bit. The scanner's bits belong to the scanner.
OUT_PS_SHUTTER = const(1 << 0)
OUT_CO2_SHUTTER = const(1 << 1)
OUT_AIM = const(1 << 2)
OUT_LAMP_READY = const(1 << 3)
OUT_LAMP_EMISSION_1 = const(1 << 4)
OUT_LAMP_EMISSION_2 = const(1 << 5)
OUT_LAMP_FAULT = const(1 << 6)
OUT_LAMP_PS = const(1 << 7)
OUT_LAMP_CO2 = const(1 << 8)
OUT_BUZZER = const(1 << 9)
OUT_SCAN_STEP = const(1 << 10)
OUT_SCAN_HOME = const(1 << 11)

STEP_MS = const(64)
_STEP_SHIFT = const(6)

# Tuples made once: written in line they would be built anew at each use.
_ARMED = (READY, FIRING)
_AFTER_FIRING = (READY, STANDBY)
_ASKED = (STANDBY, SERVICE)

_EMISSION = const(OUT_LAMP_EMISSION_1 | OUT_LAMP_EMISSION_2)
_ALL_LAMPS = const(OUT_LAMP_READY | _EMISSION | OUT_LAMP_FAULT | OUT_LAMP_PS | OUT_LAMP_CO2)
_FLASH_STEPS = const(4)

# Sounds: one bit a step, the lowest first, and the steps after which they repeat (once: they do not).
_ARMING_SOUND = const(0b11)
_ARMING_STEPS = const(16)
_FIRING_SOUND = const(0b1)
_FIRING_STEPS = const(8)
_FAULT_SOUND = const(0b1100110011)
_FAULT_STEPS = const(30)
_INCOMPLETE_SOUND = const(0b11111111000011111111)
_REFUSED_SOUND = const(0b111111)
_SELFTEST_SOUND = const(0b1)
_LONGEST_STEPS = const(30)

# The LED, in steps: a fault blinks its tens long and its ones short.
_LONG_STEPS = const(12)
_LONG_ON_STEPS = const(8)
_SHORT_STEPS = const(6)
_SHORT_ON_STEPS = const(2)
_GAP_STEPS = const(12)
_PAUSE_STEPS = const(24)


def outputs(state: State, now_ms: int, testing: bool = False) -> int:
    """Return the word for the output shift register: shutters, aiming beam, lamps and buzzer.

    `testing`: what is armed, or fires, is a test fire.
    """
    mode = state.mode
    word = OUT_BUZZER if sound(state, now_ms) else 0
    if mode == SELFTEST:
        return word | _ALL_LAMPS
    selected = state.inputs
    flash = not (elapsed(now_ms, state.since_ms) >> _STEP_SHIFT) & _FLASH_STEPS
    if flash or not testing:
        if selected & PS_SELECTED:
            word |= OUT_LAMP_PS
        if selected & CO2_SELECTED:
            word |= OUT_LAMP_CO2
    if mode == SERVICE:
        word |= _EMISSION
    elif mode == ARMING:
        word |= _EMISSION | (OUT_LAMP_READY if flash else 0)
    elif mode in _ARMED:
        word |= _EMISSION | OUT_AIM
        if flash or not selected & PRESSES_USED:
            word |= OUT_LAMP_READY
    elif mode == FAULT and (flash or not clear_blocks(state, selected)):
        word |= OUT_LAMP_FAULT
    if mode == FIRING:
        word |= shutters(state)
    return word


def shutters(state: State) -> int:
    """Return the output bits of the shutters that are to be open: those of the selected lasers, in FIRING alone."""
    word = 0
    if state.mode == FIRING:
        if state.inputs & PS_SELECTED:
            word |= OUT_PS_SHUTTER
        if state.inputs & CO2_SELECTED:
            word |= OUT_CO2_SHUTTER
    return word


def sound(state: State, now_ms: int) -> int:
    """Return 1 while the buzzer is to sound, else 0."""
    mode = state.mode
    step = elapsed(now_ms, state.since_ms) >> _STEP_SHIFT
    if mode == ARMING:
        return (_ARMING_SOUND >> step % _ARMING_STEPS) & 1
    if mode == FIRING:
        return (_FIRING_SOUND >> step % _FIRING_STEPS) & 1
    if mode == FAULT:
        return (_FAULT_SOUND >> step % _FAULT_STEPS) & 1
    if mode in _ASKED and state.refused:
        return _once(_REFUSED_SOUND, elapsed(now_ms, state.refused_ms) >> _STEP_SHIFT)
    if mode == SELFTEST:
        return _once(_SELFTEST_SOUND, step)
    if state.incomplete and state.before == FIRING and mode in _AFTER_FIRING:
        return _once(_INCOMPLETE_SOUND, step)
    return 0


def _once(pattern: int, step: int) -> int:
    return (pattern >> step) & 1 if step < _LONGEST_STEPS else 0


def led(state: State, now_ms: int) -> int:
    """Return 1 while the board's LED is to be lit, else 0.

    BOOT and SELFTEST: off. STANDBY: one short flash in two seconds. SERVICE: two. ARMING: four a second. READY: lit,
    with a short gap each second. FIRING: lit. FAULT: the number, tens as long flashes, then ones as short ones, then a
    pause.
    """
    mode = state.mode
    step = elapsed(now_ms, state.since_ms) >> _STEP_SHIFT
    if mode == STANDBY:
        return 1 if step % 32 < 2 else 0
    if mode == SERVICE:
        return 1 if step % 32 < 6 and step % 4 < 2 else 0
    if mode == ARMING:
        return 1 if step % 4 < 2 else 0
    if mode == READY:
        return 0 if step % 16 < 2 else 1
    if mode == FAULT:
        return _blink(state.fault, step)
    return 1 if mode == FIRING else 0


def _blink(number: int, step: int) -> int:
    tens_steps = number // 10 * _LONG_STEPS
    ones_steps = number % 10 * _SHORT_STEPS
    step %= tens_steps + _GAP_STEPS + ones_steps + _PAUSE_STEPS
    if step < tens_steps:
        return 1 if step % _LONG_STEPS < _LONG_ON_STEPS else 0
    step -= tens_steps + _GAP_STEPS
    if 0 <= step < ones_steps:
        return 1 if step % _SHORT_STEPS < _SHORT_ON_STEPS else 0
    return 0
