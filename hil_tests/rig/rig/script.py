"""Scripts: what the rig's slow outputs do at exact times: a pedal that bounces, say, or a contact that comes late.

A step is shifted out as soon as the one before it is shown, and shown at its time: within some microseconds, if 20 us
lie between it and the one before. While a script runs nothing else is served: the room does not follow, and the console
waits. An output that a script moved stays forced to its last level.
"""

from array import array

from tandem.safety import const

from rig import slow

MOST_STEPS = const(64)
LAST_US = const(10_000_000)
LATE_US = const(20)
"""A step shown later than that is counted as late."""
FIRST_US = const(200)
"""A script begins so long after it is told to: its first step, too, has to be shifted out before."""
AFTER_EDGE_US = const(30)
"""And at least so long after an edge that it waited for."""

IDLE = const(0)
ARMED = const(1)

_COUNT = const(0)
_WORST = const(1)
_LATE = const(2)
_LIMIT = const(3)
_DELAY = const(4)
_REGISTER = const(5)
_MOST = const(6)
_STEPS = const(8)
"""Words of the table, see `slow.play`."""


class Script:
    """Up to 64 steps, in the order of their times. `runs`: how often it was carried out."""

    def __init__(self) -> None:
        self._table = array("I", (0 for _ in range(_STEPS + 3 * MOST_STEPS)))
        self._table[_LIMIT] = LATE_US
        self.runs = 0
        self.state = IDLE
        self.channel = ""
        self.edges = 0

    @property
    def state_name(self) -> str:
        """Whether it waits for edges: `idle` or `armed`. While it runs nobody can ask."""
        return "armed" if self.state == ARMED else "idle"

    @property
    def steps(self) -> int:
        """How many steps there are; steps of one time count as one."""
        return self._table[_COUNT]

    @property
    def worst_us(self) -> int:
        """The latest that a step came in the last run."""
        return self._table[_WORST]

    @property
    def late(self) -> int:
        """How many steps came more than 20 us late since `forget_late`."""
        return self._table[_LATE]

    def forget_late(self) -> None:
        """Count late steps anew."""
        self._table[_LATE] = 0

    def clear(self) -> None:
        """Forget all steps, and do not wait for edges any more."""
        self._table[_COUNT] = 0
        self.state = IDLE

    def add(self, us: int, mask: int, level: int) -> None:
        """Add a step. ValueError when there is no room, or when it would come before the last one."""
        table = self._table
        count = table[_COUNT]
        at = _STEPS + 3 * count
        last = table[at - 3] if count else -1
        if not 0 <= us <= LAST_US:
            raise ValueError("US={} is not in 0..{}".format(us, LAST_US))
        if us < last:
            raise ValueError("US={} is before the last step, {}: keep their order".format(us, last))
        if us == last:
            at -= 3
        elif count == MOST_STEPS:
            raise ValueError("there are {} steps already, and no more fit: script clear".format(count))
        else:
            table[at] = us
            table[at + 1] = table[at + 2] = 0
            table[_COUNT] = count + 1
        table[at + 1] |= mask
        table[at + 2] = table[at + 2] | mask if level else table[at + 2] & ~mask

    def moved(self) -> int:
        """Return the mask of all outputs that the steps move."""
        mask = 0
        for i in range(self.steps):
            mask |= self._table[_STEPS + 3 * i + 1]
        return mask

    def run(self, outputs: int, began_us: int) -> int:
        """Carry out the steps and return the outputs as they are then. Blocks up to the last step.

        `began_us`: what the steps' times count from, by `time.ticks_us()`. Does not allocate; the caller collects
        garbage before, lest a collection come between two steps.
        """
        self.state = IDLE
        self._table[_WORST] = 0
        outputs = slow.play(self._table, outputs, began_us)
        self.runs += 1
        return outputs

    def arm(self, channel: str, edges: int, delay_us: int, left: "tuple[int, int]") -> None:
        """Wait until a stamped channel has so many edges; the steps' times count from `delay_us` (30 or more) later.

        `left`: the channel's, see `Stamps.left`.
        """
        register, kept = left
        table = self._table
        table[_WORST] = 0
        table[_DELAY] = max(delay_us, AFTER_EDGE_US)
        table[_REGISTER] = register
        table[_MOST] = kept - edges
        self.state = ARMED
        self.channel = channel
        self.edges = edges

    def await_edges(self, outputs: int, us: int) -> int:
        """Look for the edges for a time, and carry out the steps when they have come; else return -1. As `run`."""
        outputs = slow.play_on_edge(self._table, outputs, us)
        if outputs >= 0:
            self.state = IDLE
            self.runs += 1
        return outputs

    def disarm(self) -> None:
        """Wait no more; the steps stay."""
        self.state = IDLE
