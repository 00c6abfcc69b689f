"""From raw words to conditions: levels, not edges. A delay is spent before a condition permits, never before it stops.

Two raw words come in: the GPIO levels and the 16 bits of the input shift register. One word of conditions goes out,
one bit each, in a sense that names itself (`DOOR_CLOSED`). A condition that is good for firing appears after its level
has been steady for 20 ms and disappears in the very turn in which the level is seen lost. Button presses go out as
events, each press once. What other parts of the controller know (recipe loaded, guard not tripped, ...) is put in with
`Inputs.give`. Nothing here allocates in a turn; a turn in which nothing changed costs a few comparisons.
"""

from tandem.safety import const, elapsed, later

# Conditions. Those from the shift register keep their order there, so that shifts move whole groups.
SAFE_CLOSED = const(1 << 0)
ESTOP_CLOSED = const(1 << 1)
DOOR_CLOSED = const(1 << 2)
KEY_ON = const(1 << 3)
HANDPIECE_OK = const(1 << 4)
PEDAL_PRESSED = const(1 << 5)
PEDAL_RELEASED = const(1 << 6)
PEDAL_FAULT = const(1 << 7)
PEDAL_DISCONNECTED = const(1 << 8)
PS_READY = const(1 << 9)
CO2_READY = const(1 << 10)
PS_OK = const(1 << 11)
CO2_OK = const(1 << 12)
SCAN_OK = const(1 << 13)
PS_SHUTTER_CLOSED = const(1 << 14)
PS_SHUTTER_OPEN = const(1 << 15)
CO2_SHUTTER_CLOSED = const(1 << 16)
CO2_SHUTTER_OPEN = const(1 << 17)
CHAIN_OK = const(1 << 18)
AIM_SEEN = const(1 << 19)
ADMITTED = const(1 << 20)
SAFE_PROVEN = const(1 << 21)
LOADED = const(1 << 22)
GUARD_OK = const(1 << 23)
PS_SELECTED = const(1 << 24)
CO2_SELECTED = const(1 << 25)
MORE_PASSES = const(1 << 26)
PRESSES_USED = const(1 << 27)

GIVEN = const(HANDPIECE_OK | SAFE_PROVEN | LOADED | GUARD_OK | PS_SELECTED | CO2_SELECTED | MORE_PASSES | PRESSES_USED)
"""The conditions that the rest of the controller puts in with `Inputs.give`."""

# What keeps from arming though every input is as it should be: put in with `Inputs.hold`. ADMITTED: none of them.
NO_RECIPE = const(1 << 0)
SOFT_RESET = const(1 << 1)
JOURNAL_FULL = const(1 << 2)
JOURNAL_CLOSED = const(1 << 3)
BURST_TOO_LONG = const(1 << 4)

# Events: requests that last one turn. A fault raised by another part rides in the same word (see `raising`).
EV_ARM = const(1 << 0)
EV_STANDBY = const(1 << 1)
EV_CLEAR = const(1 << 2)
EV_NEXT = const(1 << 3)
EV_DONE = const(1 << 4)
EV_PEDAL_LEFT = const(1 << 5)
EV_PASSED = const(1 << 6)
EV_TESTED = const(1 << 7)
EV_SERVICE = const(1 << 8)
FAULT_SHIFT = const(10)

# The input shift register, bit by bit. Bits 13 to 15 are wired to 0, 1, 0 and prove that the chain is alive.
CHAIN_ESTOP_CLOSED = const(1 << 0)
CHAIN_DOOR_CLOSED = const(1 << 1)
CHAIN_KEY_ON = const(1 << 2)
CHAIN_PS_FAULT = const(1 << 3)
CHAIN_CO2_FAULT = const(1 << 4)
CHAIN_PS_SHUTTER_CLOSED = const(1 << 5)
CHAIN_PS_SHUTTER_OPEN = const(1 << 6)
CHAIN_CO2_SHUTTER_CLOSED = const(1 << 7)
CHAIN_CO2_SHUTTER_OPEN = const(1 << 8)
CHAIN_BUTTON_ARM = const(1 << 9)
CHAIN_BUTTON_STANDBY = const(1 << 10)
CHAIN_BUTTON_NEXT = const(1 << 11)
CHAIN_AIM_MONITOR = const(1 << 12)
CHAIN_PATTERN_MASK = const(0b111 << 13)
CHAIN_PATTERN = const(0b010 << 13)

_CONTACTS = const(CHAIN_ESTOP_CLOSED | CHAIN_DOOR_CLOSED | CHAIN_KEY_ON)
_CONTACTS_SHIFT = const(1)
_LASER_FAULTS = const(CHAIN_PS_FAULT | CHAIN_CO2_FAULT)
_LASER_FAULTS_SHIFT = const(8)
_SHUTTERS = const(CHAIN_PS_SHUTTER_CLOSED | CHAIN_PS_SHUTTER_OPEN | CHAIN_CO2_SHUTTER_CLOSED | CHAIN_CO2_SHUTTER_OPEN)
_SHUTTERS_SHIFT = const(9)
_SHUTTERS_CLOSED = const(CHAIN_PS_SHUTTER_CLOSED | CHAIN_CO2_SHUTTER_CLOSED)
_AIM_SHIFT = const(7)
_BUTTONS_SHIFT = const(9)
_BUTTON_ARM = const(1)
_BUTTON_STANDBY = const(2)
_BUTTON_NEXT = const(4)
_BUTTONS = const(7)

STEADY_MS = const(20)
"""How long a level has to be steady before it permits anything, and a button before its press counts."""

SAFE_FOLLOWS_MS = const(50)
"""How long SAFE may still be seen closed after a contact of the chain is seen open."""
_SAFE_WITHOUT_CHAIN = const(19)  # the fault for it, by the number that `faults` gives it

# Pedal contacts as (NO closed) * 2 + (NC closed), and how long each must last before it is believed.
_BOTH_OPEN = const(0)
_RELEASED = const(1)
_PRESSED = const(2)
PEDAL_DISCONNECTED_MS = const(1000)
PEDAL_RELEASED_MS = const(300)
PEDAL_PRESSED_MS = const(20)
PEDAL_FAULT_MS = const(11)
"""Both contacts closed for over 10 ms, counted in whole milliseconds."""
_PEDAL_MS = (PEDAL_DISCONNECTED_MS, PEDAL_RELEASED_MS, PEDAL_PRESSED_MS, PEDAL_FAULT_MS)
_PEDAL_MEANS = (PEDAL_DISCONNECTED, PEDAL_RELEASED, PEDAL_PRESSED, PEDAL_FAULT)

_TICKS_HALF = const(0x20000000)
_FAR_MS = const(0x10000000)

CONDITION_NAMES = (
    (SAFE_CLOSED, "safe_closed"),
    (ESTOP_CLOSED, "stop_closed"),
    (DOOR_CLOSED, "door_closed"),
    (KEY_ON, "key_on"),
    (HANDPIECE_OK, "handpiece_ok"),
    (PEDAL_PRESSED, "pedal_pressed"),
    (PEDAL_RELEASED, "pedal_released"),
    (PEDAL_FAULT, "pedal_fault"),
    (PEDAL_DISCONNECTED, "pedal_disconnected"),
    (PS_READY, "ps_ready"),
    (CO2_READY, "co2_ready"),
    (PS_OK, "ps_ok"),
    (CO2_OK, "co2_ok"),
    (SCAN_OK, "scan_ok"),
    (PS_SHUTTER_CLOSED, "ps_shutter_closed"),
    (PS_SHUTTER_OPEN, "ps_shutter_open"),
    (CO2_SHUTTER_CLOSED, "co2_shutter_closed"),
    (CO2_SHUTTER_OPEN, "co2_shutter_open"),
    (CHAIN_OK, "input_register_ok"),
    (AIM_SEEN, "aim_seen"),
    (ADMITTED, "admitted"),
    (SAFE_PROVEN, "safe_proven"),
    (LOADED, "shots_loaded"),
    (GUARD_OK, "guard_ok"),
    (PS_SELECTED, "ps_selected"),
    (CO2_SELECTED, "co2_selected"),
    (MORE_PASSES, "more_passes"),
    (PRESSES_USED, "presses_used"),
)
"""Each condition and the name by which `status` shows it."""


def raising(fault: int) -> int:
    """Return the event bits that raise a numbered fault; combine them with other events by `|`."""
    return fault << FAULT_SHIFT


def merged(events: int, more: int) -> int:
    """Return both sets of events; of two faults the first stays, since a turn can name only one."""
    if events >> FAULT_SHIFT:
        more &= (1 << FAULT_SHIFT) - 1
    return events | more


class Lines:
    """Bit numbers of the signals in the GPIO word, as the board file has them."""

    def __init__(self, safe: int, foot_no: int, foot_nc: int, ps_ready: int, co2_ready: int, scan_ok: int) -> None:
        self.safe = 1 << safe
        self.foot_no = 1 << foot_no
        self.foot_nc = 1 << foot_nc
        self.ps_ready = 1 << ps_ready
        self.co2_ready = 1 << co2_ready
        self.scan_ok = 1 << scan_ok


class LaserLines:
    """What a laser's ready and fault lines mean, from its profile.

    `ready`: `"none"`, `"steady"` (high while the laser can fire: judged in every turn) or `"per_shot"` (high for each
    shot: judged only when a permit is written). `fault`: `"none"`, `"closed_ok"` (line high = no fault) or `"open_ok"`
    (line low = no fault). Anything else raises ValueError. `shutter` False: there is none with contacts, and it counts
    as closed and as open.
    """

    def __init__(self, ready: str = "none", fault: str = "none", shutter: bool = True) -> None:
        if ready not in ("none", "steady", "per_shot"):
            raise ValueError("ready=" + ready + " is not known: use none, steady or per_shot")
        if fault not in ("none", "closed_ok", "open_ok"):
            raise ValueError("fault=" + fault + " is not known: use none, closed_ok or open_ok")
        self.ready = ready
        self.fault = fault
        self.shutter = shutter


class Inputs:
    """The inputs of the controller: feed raw words with `update`, read `word` (conditions) and `events`.

    `events` collects button presses, and the fault of a chain that SAFE does not follow, until the reader sets it to 0.
    `gpio_mask` is what of the GPIO word counts; `gpio`, `chain` and `due_ms` are public so that a loop in a hurry can
    make the test of `update` in line. `holds`: what keeps from arming beside the inputs. `aim` False: the aiming beam
    has no monitor, and counts as seen.
    """

    def __init__(self, lines: Lines, ps: LaserLines, co2: LaserLines, scanner: bool = True, aim: bool = True) -> None:
        self.word = 0
        self.events = 0
        self.gpio = -1
        self.chain = -1
        self.due_ms = 0
        self.gpio_mask = 0
        self._lines = lines
        self.holds = 0
        self._given = ADMITTED
        self._aim = CHAIN_AIM_MONITOR if aim else 0
        self._disagrees = False
        self._disagrees_ms = 0
        self._levels = 0
        self._levels_ms = 0
        self._good = 0
        self._pedal = -1
        self._pedal_ms = 0
        self._pedal_means = 0
        # A button held since before the start is no press: it has to be seen released first.
        self._buttons = _BUTTONS
        self._buttons_raw = _BUTTONS
        self._buttons_ms = 0
        self._standby_told = True
        self._wait_ms = 0
        self._permit_high = 0
        self.configure(ps, co2, scanner)

    def configure(self, ps: LaserLines, co2: LaserLines, scanner: bool) -> None:
        """Take over what the lasers' lines mean; `scanner` False means that SCAN_OK is not wired and always good."""
        lines = self._lines
        self._ps = ps
        self._co2 = co2
        self._scan = lines.scan_ok if scanner else 0
        self._always = 0 if scanner else SCAN_OK
        self._ps_ready = lines.ps_ready if ps.ready == "steady" else 0
        self._co2_ready = lines.co2_ready if co2.ready == "steady" else 0
        self._fault_flip = (CHAIN_PS_FAULT if ps.fault == "open_ok" else 0) | (
            CHAIN_CO2_FAULT if co2.fault == "open_ok" else 0
        )
        self._unwired = (
            (PS_OK if ps.fault == "none" else 0)
            | (CO2_OK if co2.fault == "none" else 0)
            | (0 if self._ps_ready else PS_READY)
            | (0 if self._co2_ready else CO2_READY)
            | (0 if ps.shutter else PS_SHUTTER_CLOSED | PS_SHUTTER_OPEN)
            | (0 if co2.shutter else CO2_SHUTTER_CLOSED | CO2_SHUTTER_OPEN)
            | (0 if self._aim else AIM_SEEN)
        )
        self.gpio_mask = lines.safe | lines.foot_no | lines.foot_nc | self._scan | self._ps_ready | self._co2_ready
        self.gpio = -1

    def give(self, conditions: int, present: bool) -> None:
        """Set or remove conditions out of `GIVEN` (ValueError for others). Takes effect in the next turn."""
        if conditions & ~GIVEN:
            raise ValueError("these conditions are read from the inputs, they cannot be given")
        self._put(conditions, present)

    def hold(self, reasons: int, present: bool) -> None:
        """Add or take away reasons (`NO_RECIPE`, ...) that keep from arming. Takes effect in the next turn."""
        self.holds = self.holds | reasons if present else self.holds & ~reasons
        self._put(ADMITTED, not self.holds)

    def _put(self, conditions: int, present: bool) -> None:
        self._given = self._given | conditions if present else self._given & ~conditions
        self.word = (self.word & ~(GIVEN | ADMITTED)) | self._given

    def update(self, gpio: int, chain: int, now_ms: int) -> int:
        """Judge one turn's raw words and return the conditions. Read the GPIO word first, then the shift register.

        In that order a contact that opened SAFE is already seen open in the register, and the fault gets the right
        name. To be called every millisecond; does not allocate or block.
        """
        gpio &= self.gpio_mask
        if gpio == self.gpio and chain == self.chain and (now_ms - self.due_ms) & _TICKS_HALF:
            return self.word
        return self._judge(gpio, chain, now_ms)

    def ready_line(self, ps: bool, co2: bool) -> int:
        """Return the bits of the GPIO word at which these lasers say that they are ready, whatever their profiles."""
        return (self._lines.ps_ready if ps else 0) | (self._lines.co2_ready if co2 else 0)

    def permit_gpio(self, ps: bool, co2: bool) -> tuple[int, int]:
        """Return (mask, value): a shot of these lasers may be permitted only while `gpio & mask == value`."""
        lines = self._lines
        high = lines.safe | lines.foot_no
        if ps and self._ps.ready != "none":
            high |= lines.ps_ready
        if co2:
            high |= self._scan
            if self._co2.ready != "none":
                high |= lines.co2_ready
        self._permit_high = high
        return high | lines.foot_nc, high

    def permit_chain(self, ps: bool, co2: bool) -> tuple[int, int]:
        """Return (mask, value): a shot of these lasers may be permitted only while `chain & mask == value`."""
        mask = CHAIN_PATTERN_MASK | _CONTACTS
        value = CHAIN_PATTERN | _CONTACTS
        for chosen, profile, fault, shutter in (
            (ps, self._ps, CHAIN_PS_FAULT, CHAIN_PS_SHUTTER_OPEN),
            (co2, self._co2, CHAIN_CO2_FAULT, CHAIN_CO2_SHUTTER_OPEN),
        ):
            if chosen:
                if profile.shutter:
                    mask |= shutter
                    value |= shutter
                if profile.fault != "none":
                    mask |= fault
                if profile.fault == "closed_ok":
                    value |= fault
        return mask, value

    def lost(self, gpio: int, ps: bool) -> int:
        """Return the condition that was missing among the levels at which a permit was refused.

        `gpio`: the levels as the permit handler read them, judged by what `permit_gpio` asked for last; `ps`: whether
        the permit was for the ps laser. 0 when the pedal or SAFE explains it: the pedal is no fault, and an open SAFE
        is latched by the guard.
        """
        lines = self._lines
        if not gpio & lines.foot_no or gpio & lines.foot_nc or not gpio & lines.safe:
            return 0
        missing = self._permit_high & ~gpio
        if ps and missing & lines.ps_ready:
            return PS_READY
        if missing & lines.co2_ready:
            return CO2_READY
        return SCAN_OK if missing & lines.scan_ok else 0

    def _judge(self, gpio: int, chain: int, now_ms: int) -> int:
        self.gpio = gpio
        self.chain = chain
        self._wait_ms = _FAR_MS
        alive = chain & CHAIN_PATTERN_MASK == CHAIN_PATTERN
        word = self._given | self._always | self._steady(self._read_levels(gpio, chain, alive), now_ms)
        if gpio & self._scan:
            word |= SCAN_OK
        word |= self._judge_pedal(gpio, now_ms)
        self._judge_safe(gpio, chain, alive, now_ms)
        if alive:
            self._judge_buttons((chain >> _BUTTONS_SHIFT) & _BUTTONS, now_ms)
        self.due_ms = later(now_ms, self._wait_ms)
        self.word = word
        return word

    def _read_levels(self, gpio: int, chain: int, alive: bool) -> int:
        """Gather the conditions that have to be steady. A dead shift register vouches for nothing."""
        levels = self._unwired
        if gpio & self._lines.safe:
            levels |= SAFE_CLOSED
        if gpio & self._ps_ready:
            levels |= PS_READY
        if gpio & self._co2_ready:
            levels |= CO2_READY
        if alive:
            # A shutter that is seen closed and open at once is seen neither.
            both = chain & (chain >> 1) & _SHUTTERS_CLOSED
            shutters = chain & _SHUTTERS & ~(both | both << 1)
            levels |= CHAIN_OK | (chain & _CONTACTS) << _CONTACTS_SHIFT | shutters << _SHUTTERS_SHIFT
            levels |= ((chain ^ self._fault_flip) & _LASER_FAULTS) << _LASER_FAULTS_SHIFT
            levels |= (chain & self._aim) << _AIM_SHIFT
        return levels

    def _steady(self, levels: int, now_ms: int) -> int:
        """Lose a condition at once, gain it after all levels have been still for `STEADY_MS`."""
        if levels != self._levels:
            self._levels = levels
            self._levels_ms = now_ms
            self._good &= levels
        if self._good != levels and self._lasted(self._levels_ms, STEADY_MS, now_ms):
            self._good = levels
        return self._good

    def _judge_pedal(self, gpio: int, now_ms: int) -> int:
        contacts = (2 if gpio & self._lines.foot_no else 0) + (1 if gpio & self._lines.foot_nc else 0)
        if contacts != self._pedal:
            self._pedal = contacts
            self._pedal_ms = now_ms
            self._pedal_means = 0
        if not self._pedal_means and self._lasted(self._pedal_ms, _PEDAL_MS[contacts], now_ms):
            self._pedal_means = _PEDAL_MEANS[contacts]
        return self._pedal_means

    def _judge_safe(self, gpio: int, chain: int, alive: bool, now_ms: int) -> None:
        """Raise a fault, again and again, while SAFE stays closed although a contact of its chain is seen open."""
        if not alive or chain & _CONTACTS == _CONTACTS or not gpio & self._lines.safe:
            self._disagrees = False
        elif not self._disagrees:
            self._disagrees = True
            self._disagrees_ms = now_ms
            self._lasted(now_ms, SAFE_FOLLOWS_MS, now_ms)
        elif self._lasted(self._disagrees_ms, SAFE_FOLLOWS_MS, now_ms):
            self.events = merged(self.events, raising(_SAFE_WITHOUT_CHAIN))
            self._disagrees_ms = now_ms
            self._lasted(now_ms, SAFE_FOLLOWS_MS, now_ms)

    def _judge_buttons(self, raw: int, now_ms: int) -> None:
        """Turn presses into events. STANDBY stops at once; the same press acknowledges only when it is steady."""
        if raw != self._buttons_raw:
            if raw & _BUTTON_STANDBY and not self._standby_told:
                self._standby_told = True
                self.events |= EV_STANDBY
            self._buttons_raw = raw
            self._buttons_ms = now_ms
        if raw == self._buttons and (raw & _BUTTON_STANDBY or not self._standby_told):
            return
        if not self._lasted(self._buttons_ms, STEADY_MS, now_ms):
            return
        pressed = raw & ~self._buttons
        self._buttons = raw
        if not raw & _BUTTON_STANDBY:
            self._standby_told = False
        if pressed & _BUTTON_ARM:
            self.events |= EV_ARM
        if pressed & _BUTTON_STANDBY:
            self.events |= EV_CLEAR
        if pressed & _BUTTON_NEXT:
            self.events |= EV_NEXT

    def _lasted(self, since_ms: int, needed_ms: int, now_ms: int) -> bool:
        """Tell whether something has lasted; if not, make sure that the turn that completes it is not skipped."""
        remaining_ms = needed_ms - elapsed(now_ms, since_ms)
        if remaining_ms <= 0:
            return True
        if remaining_ms < self._wait_ms:
            self._wait_ms = remaining_ms
        return False
