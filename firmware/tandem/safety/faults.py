"""The closed list of faults. A fault has one number for good: a number is never given to another meaning.

Both digits run from 1 to 9, because the board's LED blinks them. The first digit is the group: 1 the interlock chain,
2 the pedal, 3 lasers and shutters, 4 slots and scanner, 5 energy, 6 sync, 7 the firmware itself, 8 self-test,
9 records. Gaps are room for later faults of the same group.
"""

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


class Fault:
    """One row of the list: what it means, what the operator does, and what has to be so before it can be cleared.

    `needs` are conditions (bits of `inputs`): each has to be in its good sense again before an acknowledgement is
    accepted. No needs: what happened is over, acknowledging is enough.
    """

    def __init__(self, number: int, name: str, meaning: str, action: str, needs: int = 0) -> None:
        self.number = number
        self.name = name
        self.meaning = meaning
        self.action = action
        self.needs = needs


FAULTS = (
    Fault(
        SAFE_OPENED,
        "SAFE_OPENED",
        "the SAFE line opened, and stop, door and key are not seen open",
        "check the supervisor part and the wiring of the chain",
        SAFE_CLOSED,
    ),
    Fault(DOOR_OPENED, "DOOR_OPENED", "the door opened", "close the door", DOOR_CLOSED),
    Fault(STOP_PRESSED, "STOP_PRESSED", "the emergency stop was pressed", "release the stop", ESTOP_CLOSED),
    Fault(
        HANDPIECE_LOST,
        "HANDPIECE_LOST",
        "the handpiece is gone, or is not the one of the recipe",
        "attach the handpiece of the recipe",
        HANDPIECE_OK,
    ),
    Fault(
        GUARD_TRIPPED,
        "GUARD_TRIPPED",
        "the guard on the chip latched: SAFE opened, if only for some nanoseconds",
        "look for a loose contact in the chain if it comes again",
        SAFE_CLOSED,
    ),
    Fault(
        INPUTS_DEAD,
        "INPUTS_DEAD",
        "the fixed bits of the input register do not read back: its signals cannot be trusted",
        "check the input register and its wiring",
        CHAIN_OK,
    ),
    Fault(
        SAFE_NOT_OPENED,
        "SAFE_NOT_OPENED",
        "SAFE stayed closed while HEARTBEAT was withheld: the supervisor part does not stop anything",
        "do not use the lasers; check the supervisor part and the wiring of the chain",
    ),
    Fault(
        SAFE_NOT_CLOSED,
        "SAFE_NOT_CLOSED",
        "SAFE did not close with HEARTBEAT running and stop, door and key closed",
        "check the supervisor part and the wiring of the chain",
        SAFE_CLOSED,
    ),
    Fault(
        SAFE_WITHOUT_CHAIN,
        "SAFE_WITHOUT_CHAIN",
        "SAFE is closed although stop, door or key is seen open",
        "do not use the lasers; check the chain's contacts, relay and wiring",
    ),
    Fault(
        PEDAL_CONTACTS,
        "PEDAL_CONTACTS",
        "both pedal contacts were closed for over 10 ms",
        "check pedal and cable, replace the pedal",
        PEDAL_FAULT,
    ),
    Fault(
        PEDAL_GONE,
        "PEDAL_GONE",
        "both pedal contacts were open for over 1 s while the controller was armed",
        "connect the pedal",
        PEDAL_DISCONNECTED,
    ),
    Fault(
        PS_FAULT_LINE,
        "PS_FAULT_LINE",
        "the picosecond laser reports a fault",
        "look at the laser's own display",
        PS_OK,
    ),
    Fault(CO2_FAULT_LINE, "CO2_FAULT_LINE", "the CO2 laser reports a fault", "look at the laser's own display", CO2_OK),
    Fault(
        PS_NOT_READY,
        "PS_NOT_READY",
        "the picosecond laser is not ready, or was not in time",
        "make the laser ready; check its interlock input",
        PS_READY,
    ),
    Fault(
        CO2_NOT_READY,
        "CO2_NOT_READY",
        "the CO2 laser is not ready, or was not in time",
        "make the laser ready; check its interlock input",
        CO2_READY,
    ),
    Fault(
        PS_SHUTTER_NOT_OPEN,
        "PS_SHUTTER_NOT_OPEN",
        "the shutter of the picosecond laser did not open in time, or fell closed",
        "check the shutter and its contacts",
        PS_SHUTTER_CLOSED,
    ),
    Fault(
        CO2_SHUTTER_NOT_OPEN,
        "CO2_SHUTTER_NOT_OPEN",
        "the shutter of the CO2 laser did not open in time, or fell closed",
        "check the shutter and its contacts",
        CO2_SHUTTER_CLOSED,
    ),
    Fault(
        PS_SHUTTER_NOT_CLOSED,
        "PS_SHUTTER_NOT_CLOSED",
        "the shutter of the picosecond laser is not seen closed",
        "switch the laser off, check the shutter and its contacts",
        PS_SHUTTER_CLOSED,
    ),
    Fault(
        CO2_SHUTTER_NOT_CLOSED,
        "CO2_SHUTTER_NOT_CLOSED",
        "the shutter of the CO2 laser is not seen closed",
        "switch the laser off, check the shutter and its contacts",
        CO2_SHUTTER_CLOSED,
    ),
    Fault(
        AIM_NOT_SEEN,
        "AIM_NOT_SEEN",
        "the aiming beam was switched on and its monitor does not see it",
        "check the aiming beam and its monitor",
    ),
    Fault(
        SLOT_MISSED,
        "SLOT_MISSED",
        "a shot's slot came without its permit; nothing fired, the sequence stopped",
        "acknowledge; report it if it comes again",
    ),
    Fault(
        SCANNER_NOT_IN_POSITION,
        "SCANNER_NOT_IN_POSITION",
        "the scanner was not in position when it had to be",
        "check the scanner and its cable",
    ),
    Fault(
        SHOTS_NOT_LOADED,
        "SHOTS_NOT_LOADED",
        "the shots could not be loaded, or not in time",
        "acknowledge and arm again; report it if it comes again",
    ),
    Fault(
        SHOT_COUNT_WRONG,
        "SHOT_COUNT_WRONG",
        "the count of shots made is not the count planned",
        "read the shots; report it",
    ),
    Fault(
        ENERGY_LOW,
        "ENERGY_LOW",
        "a shot's energy was below its window",
        "check the laser's energy, then the window of the handpiece",
    ),
    Fault(
        ENERGY_HIGH,
        "ENERGY_HIGH",
        "a shot's energy was above its window",
        "check the laser's energy before anything else is fired",
    ),
    Fault(
        ENERGY_MISSING,
        "ENERGY_MISSING",
        "a shot was triggered and no energy was seen",
        "check laser, shutter and energy channel",
    ),
    Fault(
        ENERGY_SATURATED,
        "ENERGY_SATURATED",
        "a shot's energy was beyond what its channel can measure",
        "check the laser's energy and the channel's range",
    ),
    Fault(
        ENERGY_UNEXPECTED,
        "ENERGY_UNEXPECTED",
        "energy was seen where no shot was made",
        "switch the laser off; look for a trigger that is not from here",
    ),
    Fault(
        PULSE_WITHHELD,
        "PULSE_WITHHELD",
        "a sequence was stopped between lamp and Q-switch: the lamp flashed, the pulse was withheld",
        "acknowledge",
    ),
    Fault(
        SAMPLER_OVERRUN,
        "SAMPLER_OVERRUN",
        "energy samples came faster than they were read, or were lost",
        "acknowledge; report it if it comes again",
    ),
    Fault(
        ENERGY_DRIFT,
        "ENERGY_DRIFT",
        "the mean energy of many shots has left its window",
        "check the laser's energy and the window of the handpiece",
    ),
    Fault(
        SYNC_MISSING,
        "SYNC_MISSING",
        "the laser's sync did not come inside its window",
        "check the sync cable and the laser",
    ),
    Fault(
        SYNC_EARLY,
        "SYNC_EARLY",
        "the laser's sync came before its window",
        "look for noise on the sync cable, or another source of triggers",
    ),
    Fault(
        SYNC_DOUBLE,
        "SYNC_DOUBLE",
        "the laser's sync came twice for one shot",
        "look for noise on the sync cable, or a second pulse",
    ),
    Fault(
        SUPERVISOR_LATE,
        "SUPERVISOR_LATE",
        "the supervisor's loop took longer than it may",
        "acknowledge; report it if it comes again",
    ),
    Fault(
        FIRMWARE_EXCEPTION,
        "FIRMWARE_EXCEPTION",
        "the firmware met an error that it does not know",
        "report the text of the error, then reset the board",
        RESTART,
    ),
    Fault(OUT_OF_MEMORY, "OUT_OF_MEMORY", "the firmware ran out of memory", "report it, then reset the board", RESTART),
    Fault(
        HANDLER_FAILED,
        "HANDLER_FAILED",
        "an interrupt handler failed or did not answer",
        "report it, then reset the board",
        RESTART,
    ),
    Fault(
        OUTPUT_STUCK,
        "OUTPUT_STUCK",
        "a trigger output does not read back low",
        "look for a short on the trigger outputs, then reset the board",
        RESTART,
    ),
    Fault(
        REGISTERS_DIFFER,
        "REGISTERS_DIFFER",
        "programs, dividers or pin functions do not read back as written",
        "reset the board; report it if it comes again",
        RESTART,
    ),
    Fault(
        INPUT_PATTERN_WRONG,
        "INPUT_PATTERN_WRONG",
        "the fixed bits of the input register were wrong in the self-test",
        "check the input register and its wiring, then reset the board",
        RESTART,
    ),
    Fault(
        CLOCK_WRONG,
        "CLOCK_WRONG",
        "the system clock is not the one the plan was made for",
        "reset the board; report it if it comes again",
        RESTART,
    ),
    Fault(
        ENERGY_CHANNEL_DEAD,
        "ENERGY_CHANNEL_DEAD",
        "an energy channel does not read as dark, or does not follow its reset",
        "check the energy channels, then reset the board",
        RESTART,
    ),
    Fault(
        GUARD_UNPROVEN,
        "GUARD_UNPROVEN",
        "the guard was not seen to hold an output low",
        "reset the board; report it if it comes again",
        RESTART,
    ),
    Fault(
        SELFTEST_TIMEOUT,
        "SELFTEST_TIMEOUT",
        "the self-test did not end in time",
        "reset the board; report it if it comes again",
        RESTART,
    ),
    Fault(
        PROGRAM_DIFFERS,
        "PROGRAM_DIFFERS",
        "a file of the program is missing or is not the one of the manifest",
        "put the program on the board again (tandem flash)",
        RESTART,
    ),
    Fault(
        REFERENCE_WRONG,
        "REFERENCE_WRONG",
        "the converter does not read the voltages that it has to: its reference or supply is wrong",
        "check the board's 3.3 V and the reference, then reset the board",
        RESTART,
    ),
    Fault(
        SHOT_MEMORY_FAILED,
        "SHOT_MEMORY_FAILED",
        "the shot memory did not take or give back a shot",
        "check the shot memory and its wiring",
    ),
    Fault(
        SETTINGS_LOST,
        "SETTINGS_LOST",
        "both copies of the settings are damaged: the safe defaults are in use",
        "set them again, above all the calibration; acknowledge",
    ),
    Fault(
        JOURNAL_FAILED,
        "JOURNAL_FAILED",
        "the journal could not be written or read: what happens would not be on record",
        "make room in the board's file system, pull the journal; reset the board if it comes again",
    ),
)


def fault(number: int) -> Fault:
    """Return the fault of this number; ValueError if there is none."""
    for candidate in FAULTS:
        if candidate.number == number:
            return candidate
    raise ValueError("there is no fault " + str(number) + ": see the list in faults.py")


def needs(number: int) -> int:
    """Return what has to be good again before this fault can be cleared; `RESTART` for a number not in the list.

    Called in the turn in which a fault is raised: does not raise or allocate.
    """
    for candidate in FAULTS:
        if candidate.number == number:
            return candidate.needs
    return RESTART
