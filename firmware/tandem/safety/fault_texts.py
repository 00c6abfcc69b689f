"""What each fault is called, what it means, and what the operator does. Loaded by `faults.described`."""

from tandem.safety import faults


class Fault:
    """One row of the list. `needs`: what has to be so before it can be cleared, see `faults.NEEDS`."""

    def __init__(self, number: int, name: str, meaning: str, action: str) -> None:
        self.number = number
        self.name = name
        self.meaning = meaning
        self.action = action
        self.needs = faults.needs(number)


FAULTS = (
    Fault(
        faults.SAFE_OPENED,
        "SAFE_OPENED",
        "the SAFE line opened, and stop, door and key are not seen open",
        "check the supervisor part and the wiring of the chain",
    ),
    Fault(
        faults.DOOR_OPENED,
        "DOOR_OPENED",
        "the door opened",
        "close the door",
    ),
    Fault(
        faults.STOP_PRESSED,
        "STOP_PRESSED",
        "the emergency stop was pressed",
        "release the stop",
    ),
    Fault(
        faults.HANDPIECE_LOST,
        "HANDPIECE_LOST",
        "the handpiece is gone, or is not the one of the recipe",
        "attach the handpiece of the recipe",
    ),
    Fault(
        faults.GUARD_TRIPPED,
        "GUARD_TRIPPED",
        "the guard on the chip latched: SAFE opened, if only for some nanoseconds",
        "look for a loose contact in the chain if it comes again",
    ),
    Fault(
        faults.INPUTS_DEAD,
        "INPUTS_DEAD",
        "the fixed bits of the input register do not read back: its signals cannot be trusted",
        "check the input register and its wiring",
    ),
    Fault(
        faults.SAFE_NOT_OPENED,
        "SAFE_NOT_OPENED",
        "SAFE stayed closed while HEARTBEAT was withheld: the supervisor part does not stop anything",
        "do not use the lasers; check the supervisor part and the wiring of the chain",
    ),
    Fault(
        faults.SAFE_NOT_CLOSED,
        "SAFE_NOT_CLOSED",
        "SAFE did not close with HEARTBEAT running and stop, door and key closed",
        "check the supervisor part and the wiring of the chain",
    ),
    Fault(
        faults.SAFE_WITHOUT_CHAIN,
        "SAFE_WITHOUT_CHAIN",
        "SAFE is closed although stop, door or key is seen open",
        "do not use the lasers; check the chain's contacts, relay and wiring",
    ),
    Fault(
        faults.PEDAL_CONTACTS,
        "PEDAL_CONTACTS",
        "both pedal contacts were closed for over 10 ms",
        "check pedal and cable, replace the pedal",
    ),
    Fault(
        faults.PEDAL_GONE,
        "PEDAL_GONE",
        "both pedal contacts were open for over 1 s while the controller was armed",
        "connect the pedal",
    ),
    Fault(
        faults.PS_FAULT_LINE,
        "PS_FAULT_LINE",
        "the picosecond laser reports a fault",
        "look at the laser's own display",
    ),
    Fault(
        faults.CO2_FAULT_LINE,
        "CO2_FAULT_LINE",
        "the CO2 laser reports a fault",
        "look at the laser's own display",
    ),
    Fault(
        faults.PS_NOT_READY,
        "PS_NOT_READY",
        "the picosecond laser is not ready, or was not in time",
        "make the laser ready; check its interlock input",
    ),
    Fault(
        faults.CO2_NOT_READY,
        "CO2_NOT_READY",
        "the CO2 laser is not ready, or was not in time",
        "make the laser ready; check its interlock input",
    ),
    Fault(
        faults.PS_SHUTTER_NOT_OPEN,
        "PS_SHUTTER_NOT_OPEN",
        "the shutter of the picosecond laser did not open in time, or fell closed",
        "check the shutter and its contacts",
    ),
    Fault(
        faults.CO2_SHUTTER_NOT_OPEN,
        "CO2_SHUTTER_NOT_OPEN",
        "the shutter of the CO2 laser did not open in time, or fell closed",
        "check the shutter and its contacts",
    ),
    Fault(
        faults.PS_SHUTTER_NOT_CLOSED,
        "PS_SHUTTER_NOT_CLOSED",
        "the shutter of the picosecond laser is not seen closed",
        "switch the laser off, check the shutter and its contacts",
    ),
    Fault(
        faults.CO2_SHUTTER_NOT_CLOSED,
        "CO2_SHUTTER_NOT_CLOSED",
        "the shutter of the CO2 laser is not seen closed",
        "switch the laser off, check the shutter and its contacts",
    ),
    Fault(
        faults.AIM_NOT_SEEN,
        "AIM_NOT_SEEN",
        "the aiming beam was switched on and its monitor does not see it",
        "check the aiming beam and its monitor",
    ),
    Fault(
        faults.SLOT_MISSED,
        "SLOT_MISSED",
        "a shot's slot came without its permit; nothing fired, the sequence stopped",
        "acknowledge; report it if it comes again",
    ),
    Fault(
        faults.SCANNER_NOT_IN_POSITION,
        "SCANNER_NOT_IN_POSITION",
        "the scanner was not in position when it had to be",
        "check the scanner and its cable",
    ),
    Fault(
        faults.SHOTS_NOT_LOADED,
        "SHOTS_NOT_LOADED",
        "the shots could not be loaded, or not in time",
        "acknowledge and arm again; report it if it comes again",
    ),
    Fault(
        faults.SHOT_COUNT_WRONG,
        "SHOT_COUNT_WRONG",
        "the count of shots made is not the count planned",
        "read the shots; report it",
    ),
    Fault(
        faults.ENERGY_LOW,
        "ENERGY_LOW",
        "a shot's energy was below its window",
        "check the laser's energy, then the window of the handpiece",
    ),
    Fault(
        faults.ENERGY_HIGH,
        "ENERGY_HIGH",
        "a shot's energy was above its window",
        "check the laser's energy before anything else is fired",
    ),
    Fault(
        faults.ENERGY_MISSING,
        "ENERGY_MISSING",
        "a shot was triggered and no energy was seen",
        "check laser, shutter and energy channel",
    ),
    Fault(
        faults.ENERGY_SATURATED,
        "ENERGY_SATURATED",
        "a shot's energy was beyond what its channel can measure",
        "check the laser's energy and the channel's range",
    ),
    Fault(
        faults.ENERGY_UNEXPECTED,
        "ENERGY_UNEXPECTED",
        "energy was seen where no shot was made",
        "switch the laser off; look for a trigger that is not from here",
    ),
    Fault(
        faults.PULSE_WITHHELD,
        "PULSE_WITHHELD",
        "a sequence was stopped between lamp and Q-switch: the lamp flashed, the pulse was withheld",
        "acknowledge",
    ),
    Fault(
        faults.SAMPLER_OVERRUN,
        "SAMPLER_OVERRUN",
        "energy samples came faster than they were read, or were lost",
        "acknowledge; report it if it comes again",
    ),
    Fault(
        faults.ENERGY_DRIFT,
        "ENERGY_DRIFT",
        "the mean energy of many shots has left its window",
        "check the laser's energy and the window of the handpiece",
    ),
    Fault(
        faults.SYNC_MISSING,
        "SYNC_MISSING",
        "the laser's sync did not come inside its window",
        "check the sync cable and the laser",
    ),
    Fault(
        faults.SYNC_EARLY,
        "SYNC_EARLY",
        "the laser's sync came before its window",
        "look for noise on the sync cable, or another source of triggers",
    ),
    Fault(
        faults.SYNC_DOUBLE,
        "SYNC_DOUBLE",
        "the laser's sync came twice for one shot",
        "look for noise on the sync cable, or a second pulse",
    ),
    Fault(
        faults.SUPERVISOR_LATE,
        "SUPERVISOR_LATE",
        "the supervisor's loop took longer than it may",
        "acknowledge; report it if it comes again",
    ),
    Fault(
        faults.FIRMWARE_EXCEPTION,
        "FIRMWARE_EXCEPTION",
        "the firmware met an error that it does not know",
        "report the text of the error, then reset the board",
    ),
    Fault(
        faults.OUT_OF_MEMORY,
        "OUT_OF_MEMORY",
        "the firmware ran out of memory",
        "report it, then reset the board",
    ),
    Fault(
        faults.HANDLER_FAILED,
        "HANDLER_FAILED",
        "an interrupt handler failed or did not answer",
        "report it, then reset the board",
    ),
    Fault(
        faults.OUTPUT_STUCK,
        "OUTPUT_STUCK",
        "a trigger output does not read back low",
        "look for a short on the trigger outputs, then reset the board",
    ),
    Fault(
        faults.REGISTERS_DIFFER,
        "REGISTERS_DIFFER",
        "programs, dividers or pin functions do not read back as written",
        "reset the board; report it if it comes again",
    ),
    Fault(
        faults.INPUT_PATTERN_WRONG,
        "INPUT_PATTERN_WRONG",
        "the fixed bits of the input register were wrong in the self-test",
        "check the input register and its wiring, then reset the board",
    ),
    Fault(
        faults.CLOCK_WRONG,
        "CLOCK_WRONG",
        "the system clock is not the one the plan was made for",
        "reset the board; report it if it comes again",
    ),
    Fault(
        faults.ENERGY_CHANNEL_DEAD,
        "ENERGY_CHANNEL_DEAD",
        "an energy channel does not read as dark, or does not follow its reset",
        "check the energy channels, then reset the board",
    ),
    Fault(
        faults.GUARD_UNPROVEN,
        "GUARD_UNPROVEN",
        "the guard was not seen to hold an output low",
        "reset the board; report it if it comes again",
    ),
    Fault(
        faults.SELFTEST_TIMEOUT,
        "SELFTEST_TIMEOUT",
        "the self-test did not end in time",
        "reset the board; report it if it comes again",
    ),
    Fault(
        faults.PROGRAM_DIFFERS,
        "PROGRAM_DIFFERS",
        "a file of the program is missing or is not the one of the manifest",
        "put the program on the board again (tandem flash)",
    ),
    Fault(
        faults.REFERENCE_WRONG,
        "REFERENCE_WRONG",
        "the converter does not read the voltages that it has to: its reference or supply is wrong",
        "check the board's 3.3 V and the reference, then reset the board",
    ),
    Fault(
        faults.SHOT_MEMORY_FAILED,
        "SHOT_MEMORY_FAILED",
        "the shot memory did not take or give back a shot",
        "check the shot memory and its wiring",
    ),
    Fault(
        faults.SETTINGS_LOST,
        "SETTINGS_LOST",
        "both copies of the settings are damaged: the safe defaults are in use",
        "set them again, above all the calibration; acknowledge",
    ),
    Fault(
        faults.JOURNAL_FAILED,
        "JOURNAL_FAILED",
        "the journal could not be written or read: what happens would not be on record",
        "make room in the board's file system, pull the journal; reset the board if it comes again",
    ),
)
"""Every fault, in the order of its numbers."""


def fault(number: int) -> Fault:
    """Return the fault of this number; ValueError if there is none."""
    for candidate in FAULTS:
        if candidate.number == number:
            return candidate
    raise ValueError("there is no fault " + str(number) + ": see the list in fault_texts.py")
