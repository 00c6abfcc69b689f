"""The room around a controller: people, doors, pedal, shutters, handpiece. Pure: time and levels are passed in.

What is not told otherwise is as in a quiet room in which a treatment could begin: chain closed, pedal released, lasers
ready and without fault, handpiece connected. Some follows by itself: a shutter's contacts leave its end when coil and
SAFE want the other one, and show that one 30 ms (open) or 20 ms (closed) later; turned round on its way it travels
back what it has gone. The aiming beam's monitor follows the beam. Any output can be forced to a level; then nothing
moves it until it is given back, or until a later command is about it.

Time is microseconds that wrap at 2**30, as `time.ticks_us()` gives it; a turn has to come every few minutes. Nothing
is allocated in `step`.
"""

from tandem.safety import const, elapsed, later, reached

from rig import pins

ESTOP_CLOSED = const(1 << 0)
DOOR_CLOSED = const(1 << 1)
KEY_ON = const(1 << 2)
FOOT_NO = const(1 << 3)
FOOT_NC = const(1 << 4)
PS_READY = const(1 << 5)
CO2_READY = const(1 << 6)
SCAN_OK = const(1 << 7)
PS_FAULT = const(1 << 8)
CO2_FAULT = const(1 << 9)
PS_SHUTTER_CLOSED = const(1 << 10)
PS_SHUTTER_OPEN = const(1 << 11)
CO2_SHUTTER_CLOSED = const(1 << 12)
CO2_SHUTTER_OPEN = const(1 << 13)
AIM_MONITOR = const(1 << 14)
HANDPIECE_SHIFT = const(18)
RUN_LOW = const(1 << 21)
SUPPLY_OFF = const(1 << 22)
"""Bits of the slow outputs, as in `pins.OUT_NAMES`; a test holds the two together."""

COIL_PS = const(1 << 0)
COIL_CO2 = const(1 << 1)
AIM = const(1 << 2)
"""Bits of the slow inputs that the room follows."""

ALL = const((1 << 23) - 1)
CONTROLLERS = const(RUN_LOW | SUPPLY_OFF)
"""What is not of the room: reset and supply of the controller."""

TRAVEL_US = const(2000)
"""Of the pedal, from the contact that leaves to the one that closes."""
OPEN_STEP = const(2)
CLOSE_STEP = const(3)
_OPEN = const(60_000)
"""A shutter's way, in steps a microsecond: 30 ms to open, 20 ms to close."""

GENERIC_COMBINED = const(2)
IDLE = const(
    ESTOP_CLOSED | DOOR_CLOSED | KEY_ON | FOOT_NC | PS_READY | CO2_READY | SCAN_OK | PS_FAULT | CO2_FAULT
    | PS_SHUTTER_CLOSED | CO2_SHUTTER_CLOSED | (GENERIC_COMBINED << HANDPIECE_SHIFT)
)  # fmt: skip
"""The quiet room. PS_FAULT and CO2_FAULT are contacts: 1 is closed, no fault."""

BUTTONS = ("ARM", "STANDBY", "NEXT")
_BUTTON_BIT = const(15)
LONGEST_MS = const(60_000)

_TIMED = (15, 16, 17, 21)
"""Bits that can be set for a time: the buttons, and RUN_LOW."""


class Shutter:
    """One shutter: where it is, 0 (closed) to 60,000 (open), and where it is wanted."""

    def __init__(self, coil: int, closed: int, opened: int) -> None:
        self.coil = coil
        self._closed = closed
        self._opened = opened
        self.wanted = False
        self.place = 0

    @property
    def at_rest(self) -> bool:
        """Whether it is where it is wanted. Does not allocate."""
        return self.place == (_OPEN if self.wanted else 0)

    def move(self, wanted: bool, passed_us: int) -> int:
        """Go the way it was on for a time, then be wanted elsewhere; return the closed contacts. Does not allocate."""
        passed_us = min(passed_us, _OPEN)
        if self.wanted:
            self.place = min(_OPEN, self.place + OPEN_STEP * passed_us)
        else:
            self.place = max(0, self.place - CLOSE_STEP * passed_us)
        self.wanted = wanted
        if not self.at_rest:
            return 0
        return self._opened if wanted else self._closed


class Room:
    """All slow outputs. `step` returns them; every other method only says what they are to be from the next step on.

    `on`: whether contacts and monitor follow; otherwise they stay as they are.
    """

    def __init__(self, now_us: int) -> None:
        self._shutters = (
            Shutter(COIL_PS, PS_SHUTTER_CLOSED, PS_SHUTTER_OPEN),
            Shutter(COIL_CO2, CO2_SHUTTER_CLOSED, CO2_SHUTTER_OPEN),
        )
        self._due_us = [0 for _ in _TIMED]
        self._timed = 0
        self._begins = 0
        self._closing = 0
        self._travels = False
        self._closes_us = 0
        self._then_us = now_us
        self._own = IDLE
        self._forced = 0
        self._levels = 0
        self.on = True
        self.outputs = IDLE

    def idle(self) -> None:
        """Put the quiet room in place: nothing is forced any more, and all that can follow does.

        RUN and supply of the controller stay as they are.
        """
        self._own = (self._own & CONTROLLERS) | IDLE
        self._timed &= RUN_LOW
        self._begins &= RUN_LOW
        self._closing = 0
        self._forced &= CONTROLLERS
        for shutter in self._shutters:
            shutter.place = 0
            shutter.wanted = False
        self.on = True

    def still(self) -> None:
        """Let nothing follow from now on."""
        self.on = False

    def force(self, mask: int, levels: int) -> None:
        """Hold outputs at levels (a bit each), whatever else happens."""
        self._forced |= mask
        self._levels = (self._levels & ~mask) | (levels & mask)

    def play(self, mask: int, outputs: int) -> None:
        """Take note that a script has moved outputs, which it leaves forced, and that all are like this now."""
        self.force(mask, outputs)
        self.outputs = outputs

    def give_back(self, mask: int) -> None:
        """Let outputs be what the room makes of them again."""
        self._forced &= ~mask

    @property
    def forced(self) -> int:
        """Mask of the outputs that are forced."""
        return self._forced

    def pedal(self, pressed: bool) -> None:
        """Press or release the pedal: one contact opens with the next step, the other closes 2 ms later."""
        self.give_back(FOOT_NO | FOOT_NC)
        leaving, closing = (FOOT_NC, FOOT_NO) if pressed else (FOOT_NO, FOOT_NC)
        if self._own & closing and not self._own & leaving:
            self._closing = 0
            return
        self._own &= ~leaving
        self._closing = closing
        self._travels = True

    def handpiece(self, code: int) -> None:
        """Connect the handpiece with a code, 0 to 7."""
        mask = 0b111 << HANDPIECE_SHIFT
        self.give_back(mask)
        self._own = (self._own & ~mask) | (code << HANDPIECE_SHIFT)

    def button(self, name: str, ms: int) -> None:
        """Press a button of `BUTTONS` with the next step, for a time up to `LONGEST_MS`."""
        self._hold(BUTTONS.index(name), ms)

    def run_low(self, low: bool) -> None:
        """Pull the controller's RUN line low until told otherwise, or release it."""
        self.give_back(RUN_LOW)
        self._timed &= ~RUN_LOW
        self._own = self._own | RUN_LOW if low else self._own & ~RUN_LOW

    def run_pulse(self, ms: int) -> None:
        """Pull the controller's RUN line low with the next step, for a time up to `LONGEST_MS`."""
        self._hold(len(_TIMED) - 1, ms)

    def supply(self, on: bool) -> None:
        """Switch the controller's supply."""
        self.give_back(SUPPLY_OFF)
        self._own = self._own & ~SUPPLY_OFF if on else self._own | SUPPLY_OFF

    def _hold(self, i: int, ms: int) -> None:
        mask = 1 << _TIMED[i]
        self.give_back(mask)
        self._own |= mask
        self._timed |= mask
        self._begins |= mask
        self._due_us[i] = 1000 * ms

    def busy(self, inputs: int, safe: int) -> bool:
        """Tell whether the next step could change something. Does not allocate."""
        if self._timed or self._closing:
            return True
        if not self.on:
            return False
        for shutter in self._shutters:
            if shutter.wanted != bool(safe and inputs & shutter.coil) or not shutter.at_rest:
                return True
        return bool(inputs & AIM) != bool(self._own & AIM_MONITOR)

    def step(self, now_us: int, inputs: int, safe: int) -> int:
        """Let time pass up to `now_us` and return the slow outputs. Does not allocate.

        `inputs`: the slow inputs; `safe`: the level of SAFE.
        """
        passed_us = elapsed(now_us, self._then_us)
        self._then_us = now_us
        if self._timed:
            self._keep_times(now_us)
        if self._travels:
            self._travels = False
            self._closes_us = later(now_us, TRAVEL_US)
        if self._closing and reached(now_us, self._closes_us):
            self._own |= self._closing
            self._closing = 0
        if self.on:
            self._follow(passed_us, inputs, safe)
        self.outputs = (self._own & ~self._forced) | (self._levels & self._forced)
        return self.outputs

    def _keep_times(self, now_us: int) -> None:
        """Begin and end what is set for a time."""
        i = 0
        while i < 4:
            mask = 1 << _TIMED[i]
            if self._begins & mask:
                self._begins &= ~mask
                self._due_us[i] = later(now_us, self._due_us[i])
            if self._timed & mask and reached(now_us, self._due_us[i]):
                self._timed &= ~mask
                self._own &= ~mask
            i += 1

    def _follow(self, passed_us: int, inputs: int, safe: int) -> None:
        """Move what follows."""
        own = self._own & ~(PS_SHUTTER_CLOSED | PS_SHUTTER_OPEN | CO2_SHUTTER_CLOSED | CO2_SHUTTER_OPEN | AIM_MONITOR)
        for shutter in self._shutters:
            own |= shutter.move(bool(safe and inputs & shutter.coil), passed_us)
        if inputs & AIM:
            own |= AIM_MONITOR
        self._own = own


def mask_of(name: str) -> int:
    """Return the bit of a slow output. Raises ValueError for a name that there is not."""
    return 1 << pins.OUT_NAMES.index(name)
