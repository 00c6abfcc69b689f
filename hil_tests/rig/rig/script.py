"""Scripts: what the rig's slow outputs do at exact times: a pedal that bounces, say, or a contact that comes late.

A step is shifted out as soon as the one before it is shown, and shown at its time: within some microseconds, if 100 us
lie between it and the one before. While a script runs nothing else is served: the room does not follow, and the console
waits. An output that a script moved stays forced to its last level.
"""

from array import array

from tandem.safety import const, later

from rig import slow

MOST_STEPS = const(64)
LAST_US = const(10_000_000)
LATE_US = const(20)
"""A step shown later than that is counted as late."""
FIRST_US = const(40)
"""A script begins so long after it is told to, or later: its first step, too, has to be shifted out before."""

IDLE = const(0)
ARMED = const(1)


class Script:
    """Up to 64 steps, in the order of their times. `worst_us`: the latest that a step came in the last run."""

    def __init__(self) -> None:
        self._at_us = array("I", (0 for _ in range(MOST_STEPS)))
        self._masks = array("I", (0 for _ in range(MOST_STEPS)))
        self._levels = array("I", (0 for _ in range(MOST_STEPS)))
        self.steps = 0
        self.runs = 0
        self.worst_us = 0
        self.late = 0
        self.state = IDLE
        self.channel = ""
        self.edges = 0
        self.delay_us = 0

    @property
    def state_name(self) -> str:
        """Whether it waits for edges: `idle` or `armed`. While it runs nobody can ask."""
        return "armed" if self.state == ARMED else "idle"

    def clear(self) -> None:
        """Forget all steps, and do not wait for edges any more."""
        self.steps = 0
        self.state = IDLE

    def add(self, us: int, mask: int, level: int) -> None:
        """Add a step. ValueError when there is no room, or when it would come before the last one."""
        i = self.steps
        if i == MOST_STEPS:
            raise ValueError("there are {} steps already, and no more fit: script clear".format(i))
        if not 0 <= us <= LAST_US:
            raise ValueError("US={} is not in 0..{}".format(us, LAST_US))
        if i and us < self._at_us[i - 1]:
            raise ValueError(
                "US={} is before the last step, {}: add them in their order".format(us, self._at_us[i - 1])
            )
        if i and us == self._at_us[i - 1]:
            i -= 1
        else:
            self._at_us[i] = us
            self._masks[i] = self._levels[i] = 0
        self._masks[i] |= mask
        self._levels[i] = self._levels[i] | mask if level else self._levels[i] & ~mask
        self.steps = i + 1

    def moved(self) -> int:
        """Return the mask of all outputs that the steps move."""
        mask = 0
        for i in range(self.steps):
            mask |= self._masks[i]
        return mask

    def run(self, outputs: int, began_us: int) -> int:
        """Carry out the steps and return the outputs as they are then. Blocks up to the last step.

        `began_us`: what the steps' times count from, by `time.ticks_us()`. Does not allocate; the caller collects
        garbage before, lest a collection come.
        """
        self.state = IDLE
        self.worst_us = 0
        for i in range(self.steps):
            outputs = (outputs & ~self._masks[i]) | self._levels[i]
            slow.load(outputs)
            late_us = slow.latch_at(later(began_us, self._at_us[i]))
            if late_us > self.worst_us:
                self.worst_us = late_us
            if late_us > LATE_US:
                self.late += 1
        self.runs += 1
        return outputs

    def arm(self, channel: str, edges: int, delay_us: int) -> None:
        """Wait until a stamped channel has so many edges; the steps' times count from `delay_us` after that."""
        self.state = ARMED
        self.channel = channel
        self.edges = edges
        self.delay_us = delay_us

    def disarm(self) -> None:
        """Wait no more; the steps stay."""
        self.state = IDLE
