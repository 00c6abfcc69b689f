"""The closed list of faults. A fault has one number for good: a number is never given to another meaning.

Both digits run from 1 to 9, because the board's LED blinks them. The first digit is the group: 1 the interlock chain,
2 the pedal, 3 lasers and shutters, 4 slots and scanner, 5 energy, 6 sync, 7 the firmware itself, 8 self-test,
9 records. Gaps are room for later faults of the same group.
"""

from tandem.memory import forget
from tandem.safety import const
from tandem.safety.inputs import (
    CHAIN_OK,
    CO2_OK,
    CO2_READY,
    CO2_SHUTTER_CLOSED,
    DOOR_CLOSED,
    ESTOP_CLOSED,
    HANDPIECE_OK,
    PEDAL_DISCONNECTED,
    PEDAL_FAULT,
    PS_OK,
    PS_READY,
    PS_SHUTTER_CLOSED,
    SAFE_CLOSED,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tandem.safety.fault_texts import Fault

SAFE_OPENED = const(11)
DOOR_OPENED = const(12)
STOP_PRESSED = const(13)
HANDPIECE_LOST = const(14)
GUARD_TRIPPED = const(15)
INPUTS_DEAD = const(16)
SAFE_NOT_OPENED = const(17)
SAFE_NOT_CLOSED = const(18)
SAFE_WITHOUT_CHAIN = const(19)

PEDAL_CONTACTS = const(21)
PEDAL_GONE = const(22)

PS_FAULT_LINE = const(31)
CO2_FAULT_LINE = const(32)
PS_NOT_READY = const(33)
CO2_NOT_READY = const(34)
PS_SHUTTER_NOT_OPEN = const(35)
CO2_SHUTTER_NOT_OPEN = const(36)
PS_SHUTTER_NOT_CLOSED = const(37)
CO2_SHUTTER_NOT_CLOSED = const(38)
AIM_NOT_SEEN = const(39)

SLOT_MISSED = const(41)
SCANNER_NOT_IN_POSITION = const(42)
SHOTS_NOT_LOADED = const(43)
SHOT_COUNT_WRONG = const(44)

ENERGY_LOW = const(51)
ENERGY_HIGH = const(52)
ENERGY_MISSING = const(53)
ENERGY_SATURATED = const(54)
ENERGY_UNEXPECTED = const(55)
PULSE_WITHHELD = const(56)
SAMPLER_OVERRUN = const(57)
ENERGY_DRIFT = const(58)

SYNC_MISSING = const(61)
SYNC_EARLY = const(62)
SYNC_DOUBLE = const(63)

SUPERVISOR_LATE = const(71)
FIRMWARE_EXCEPTION = const(72)
OUT_OF_MEMORY = const(73)
HANDLER_FAILED = const(74)

OUTPUT_STUCK = const(81)
REGISTERS_DIFFER = const(82)
INPUT_PATTERN_WRONG = const(83)
CLOCK_WRONG = const(84)
ENERGY_CHANNEL_DEAD = const(85)
GUARD_UNPROVEN = const(86)
SELFTEST_TIMEOUT = const(87)
PROGRAM_DIFFERS = const(88)
REFERENCE_WRONG = const(89)

SHOT_MEMORY_FAILED = const(91)
SETTINGS_LOST = const(92)
JOURNAL_FAILED = const(93)

RESTART = const(1 << 29)
"""Stands among the needs of a fault for a cause that only a hard reset can prove gone."""

FOLLOW_ON = (
    SAFE_OPENED,
    GUARD_TRIPPED,
    PS_NOT_READY,
    CO2_NOT_READY,
    SLOT_MISSED,
    ENERGY_LOW,
    ENERGY_MISSING,
    PULSE_WITHHELD,
    SYNC_MISSING,
)
"""Faults that an opened chain brings with it: raised while its cause is seen, they are noted beside it."""


NEEDS = (
    SAFE_OPENED, SAFE_CLOSED,
    DOOR_OPENED, DOOR_CLOSED,
    STOP_PRESSED, ESTOP_CLOSED,
    HANDPIECE_LOST, HANDPIECE_OK,
    GUARD_TRIPPED, SAFE_CLOSED,
    INPUTS_DEAD, CHAIN_OK,
    SAFE_NOT_OPENED, 0,
    SAFE_NOT_CLOSED, SAFE_CLOSED,
    SAFE_WITHOUT_CHAIN, 0,
    PEDAL_CONTACTS, PEDAL_FAULT,
    PEDAL_GONE, PEDAL_DISCONNECTED,
    PS_FAULT_LINE, PS_OK,
    CO2_FAULT_LINE, CO2_OK,
    PS_NOT_READY, PS_READY,
    CO2_NOT_READY, CO2_READY,
    PS_SHUTTER_NOT_OPEN, PS_SHUTTER_CLOSED,
    CO2_SHUTTER_NOT_OPEN, CO2_SHUTTER_CLOSED,
    PS_SHUTTER_NOT_CLOSED, PS_SHUTTER_CLOSED,
    CO2_SHUTTER_NOT_CLOSED, CO2_SHUTTER_CLOSED,
    AIM_NOT_SEEN, 0,
    SLOT_MISSED, 0,
    SCANNER_NOT_IN_POSITION, 0,
    SHOTS_NOT_LOADED, 0,
    SHOT_COUNT_WRONG, 0,
    ENERGY_LOW, 0,
    ENERGY_HIGH, 0,
    ENERGY_MISSING, 0,
    ENERGY_SATURATED, 0,
    ENERGY_UNEXPECTED, 0,
    PULSE_WITHHELD, 0,
    SAMPLER_OVERRUN, 0,
    ENERGY_DRIFT, 0,
    SYNC_MISSING, 0,
    SYNC_EARLY, 0,
    SYNC_DOUBLE, 0,
    SUPERVISOR_LATE, 0,
    FIRMWARE_EXCEPTION, RESTART,
    OUT_OF_MEMORY, RESTART,
    HANDLER_FAILED, RESTART,
    OUTPUT_STUCK, RESTART,
    REGISTERS_DIFFER, RESTART,
    INPUT_PATTERN_WRONG, RESTART,
    CLOCK_WRONG, RESTART,
    ENERGY_CHANNEL_DEAD, RESTART,
    GUARD_UNPROVEN, RESTART,
    SELFTEST_TIMEOUT, RESTART,
    PROGRAM_DIFFERS, RESTART,
    REFERENCE_WRONG, RESTART,
    SHOT_MEMORY_FAILED, 0,
    SETTINGS_LOST, 0,
    JOURNAL_FAILED, 0,
)  # fmt: skip
"""Number and needs of each fault, one after the other. Needs are conditions (bits of `inputs`): each has to be in its
good sense again before an acknowledgement is accepted. None: what happened is over, acknowledging is enough.
"""


def needs(number: int) -> int:
    """Return what has to be good again before this fault can be cleared; `RESTART` for a number not in the list.

    Called in the turn in which a fault is raised: does not raise or allocate.
    """
    i = 0
    while i < len(NEEDS):
        if NEEDS[i] == number:
            return NEEDS[i + 1]
        i += 2
    return RESTART


def described(number: int) -> "Fault":
    """Return name, meaning and action of a fault; ValueError if there is none of this number.

    The texts are loaded for it, 12 KB on a board, and thrown out of memory again.
    """
    from tandem.safety import fault_texts

    try:
        return fault_texts.fault(number)
    finally:
        forget(("safety.fault_texts",))
