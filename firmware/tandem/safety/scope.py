"""`scope` in SERVICE: single pulses on one output, for an oscilloscope, while no light can come of them. Pure.

Before every pulse everything is looked at again: both shutters proven closed, SAFE closed, and the laser behind the
output not ready. A pulse is made by the shot machine, which bounds its width whatever Python does.
"""

from tandem.safety import const, elapsed
from tandem.safety.inputs import CHAIN_OK, CO2_SHUTTER_CLOSED, PS_SHUTTER_CLOSED, SAFE_CLOSED, Inputs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

MOST_PULSES = const(10)
PERIOD_MS = const(200)
OUTPUTS = ("PS_FIRE", "PS_QSW", "CO2_GATE", "SYNC_OUT")
"""The outputs that can be chosen, by their names on the board; each laser has those that begin with its own."""

_NEEDED = (
    (CHAIN_OK, "the input register is not alive"),
    (PS_SHUTTER_CLOSED, "the ps shutter is not closed"),
    (CO2_SHUTTER_CLOSED, "the CO2 shutter is not closed"),
    (SAFE_CLOSED, "SAFE is open"),
)


class Scope:
    """Pulses on `output`, `count` of them (1 to 10), five a second. ValueError for others.

    `inputs` are judged each time, `levels` reads the GPIO word, `pulse(output)` makes one pulse and tells whether it
    came whole.
    """

    def __init__(
        self,
        output: str,
        count: int,
        inputs: Inputs,
        levels: "Callable[[], int]",
        pulse: "Callable[[str], bool]",
    ) -> None:
        if output not in OUTPUTS:
            raise ValueError("there is no output {}; there are: {}".format(output, ", ".join(OUTPUTS)))
        if not 1 <= count <= MOST_PULSES:
            raise ValueError("{} pulses refused: 1 to {} are allowed".format(count, MOST_PULSES))
        self._output = output
        self._left = count
        self._inputs = inputs
        self._ready = inputs.ready_line(output[:2] == "PS", output[:2] == "CO")
        self._levels = levels
        self._pulse = pulse
        self._last_ms = -1
        self._counts = False
        self.made = 0
        self.stopped = ""

    def against(self) -> str:
        """Return what keeps from a pulse now, '' if nothing does."""
        for bit, text in _NEEDED:
            if not self._inputs.word & bit:
                return text
        return "the laser behind this output is ready" if self._levels() & self._ready else ""

    def step(self, now_ms: int) -> bool:
        """Make the pulse that is due, if all is well; returns True once no more will come."""
        if self._counts:  # from the pulse's end, so that two never come closer
            self._counts = False
            self._last_ms = now_ms
        if self._last_ms >= 0 and elapsed(now_ms, self._last_ms) < PERIOD_MS:
            return False
        self.stopped = self.against() if self._left else ""
        if self.stopped or not self._left:
            return True
        self._counts = True
        self._left -= 1
        if not self._pulse(self._output):
            self.stopped = "SAFE opened"
            return True
        self.made += 1
        return False

    def told(self) -> str:
        """Return how it ended, for people."""
        end = "stopped: " + self.stopped if self.stopped else "done"
        return "scope {}: {} pulses, {}".format(self._output, self.made, end)
