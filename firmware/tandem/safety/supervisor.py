"""The supervisor's loop, as a numbered list of priorities. One turn every millisecond.

Nothing here touches hardware by itself: `board`, `delivery` and `console` are passed in. A turn never blocks. The
longest time between two signs of life, which come every 5 ms and within long jobs, is kept in `worst_us`.
"""

from tandem.safety import TICKS_HALF, TICKS_MASK, indicators, later
from tandem.safety.inputs import (
    CO2_SELECTED,
    EV_PASSED,
    GUARD_OK,
    HANDPIECE_OK,
    LOADED,
    MORE_PASSES,
    PRESSES_USED,
    PS_SELECTED,
    Inputs,
    merged,
)
from tandem.safety.states import ARMING, FAULT, FIRING, READY, SELFTEST, STANDBY, State, advance

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from tandem.console.session import Console
    from tandem.delivery import Delivery

    class Board(Protocol):
        """The hardware of a board as the supervisor needs it. Nothing blocks; in a turn nothing allocates."""

        def millis(self) -> int:
            """Return the time in ms, which wraps at 2**30."""
            ...

        def micros(self) -> int:
            """Return the time in us, which wraps at 2**30."""
            ...

        def sleep(self) -> None:
            """Let the CPU sleep until the next interrupt."""
            ...

        def levels(self) -> int:
            """Return the GPIO levels."""
            ...

        def exchange(self, outputs: int) -> int:
            """Shift 16 outputs out and 16 inputs in."""
            ...

        def still(self) -> bool:
            """Shift out and in as before; tell whether all is as at the last `remember`, and no guard latched."""
            ...

        def remember(self, outputs: int, gpio_mask: int, gpio: int, chain: int) -> None:
            """Keep what `still` compares with."""
            ...

        def alive(self) -> None:
            """Allow permits for the next 20 ms and feed the watchdog."""
            ...

        def beat(self) -> None:
            """Toggle HEARTBEAT."""
            ...

        def led(self, on: int) -> None:
            """Light the LED or not."""
            ...

        def guard_tripped(self) -> bool:
            """Return True when the guard has latched."""
            ...

        def withdraw(self) -> None:
            """Take every permit back."""
            ...

        def handpiece_mv(self) -> int:
            """Return the voltage on HANDPIECE_ID. Not while FIRING: the converter belongs to the energies then."""
            ...


HEARTBEAT_MS = 5
_USED_TEXT = "every press that the recipe allows for this pass is used: go on with NEXT, or to STANDBY"
_LIVE = (ARMING, READY, FIRING)


class Supervisor:
    """Runs `turn` for ever. `selftest`: the event that the self-test's outcome raises; `console` is to be set."""

    console: "Console"
    delivery: "Delivery"

    def __init__(self, board: "Board", inputs: Inputs, state: State) -> None:
        self.board = board
        self.inputs = inputs
        self.state = state
        self.events = 0
        self.turns = 0
        self.worst_us = 0
        self.outputs = 0
        self._beat_ms = 0
        self._breath_us = -1
        self._step_ms = -1
        self._mode = state.mode
        self._fault = 0
        self._incomplete = False
        self._talks = False
        self._due_ms = state.since_ms
        self.selftest = EV_PASSED

    def request(self, events: int) -> None:
        """Put events in for the next turn."""
        self.events = merged(self.events, events)

    def run(self) -> None:
        """Take a turn every millisecond until the console reports Ctrl-C."""
        board = self.board
        while not self.console.interrupted:
            millis = board.millis()
            self.turn()
            while board.millis() == millis:
                board.sleep()

    def turn(self) -> None:
        """Take one turn. While nothing changes and nothing is due, what was judged before is still right."""
        board = self.board
        now = board.millis()
        self.turns += 1

        # 1. Look at every input, and stop what must stop.
        if self.events or not (now - self._due_ms) & TICKS_HALF or not board.still():
            self._judge(now)

        # 2. Say that this turn was healthy: permits, heartbeat, watchdog.
        board.alive()
        if (now - self._beat_ms) & TICKS_MASK >= HEARTBEAT_MS:
            self.breathe()

        # 3. Begin the burst once everything allows it. Garbage collected in it takes longer than permits wait.
        state = self.state
        if state.permit and not self.delivery.active and not self._incomplete:
            self.request(self.delivery.begin(now))
            board.alive()

        # 4. Talk, as much as fits into a turn; with nothing to say or to hear, listen every fourth turn.
        if self._talks or not self.turns & 3:
            self._talks = self.console.step(state.mode == FIRING)

    def _judge(self, now: int) -> None:
        """Judge inputs and state, and show the operator what came of it.

        Guard, pins, contacts are read in this order: then what opened SAFE is seen with it, and the fault gets the name
        of its cause.
        """
        board, inputs, state = self.board, self.inputs, self.state
        tripped = self._mode in _LIVE and board.guard_tripped()
        gpio = board.levels() & inputs.gpio_mask
        chain = board.exchange(self.outputs)
        if gpio != inputs.gpio or chain != inputs.chain or not (now - inputs.due_ms) & TICKS_HALF:
            inputs.update(gpio, chain, now)
        events = self.events | inputs.events
        self.events = 0
        inputs.events = 0
        if tripped:
            inputs.give(GUARD_OK, False)
        if self.delivery.active:
            events = merged(events, self.delivery.poll(now))
        word = inputs.word
        mode = state.mode
        if events or word != state.inputs or not (now - state.due_ms) & TICKS_HALF:
            mode = advance(state, word, events, now)
        if mode != self._mode:
            self._changed(mode, now)
        elif state.fault != self._fault:
            self.console.mode_changed(mode, mode, state)
        self._fault = state.fault
        if now >> 6 != self._step_ms:
            self._show(now)
        self._due_ms = now if self.delivery.active else self._earliest(now)
        board.remember(self.outputs, inputs.gpio_mask, gpio, chain)

    def _show(self, now: int) -> None:
        """Move lamps, sounds and LED on by a step, and see whether the plan's handpiece is attached."""
        self._step_ms = now >> 6
        self._look_at_handpiece()
        self.outputs = indicators.outputs(self.state, now)
        self.board.led(indicators.led(self.state, now))

    def _earliest(self, now: int) -> int:
        """Return when inputs, state or indicators have to be looked at again though nothing changes."""
        wait_ms = indicators.STEP_MS - now % indicators.STEP_MS
        inputs_ms = (self.inputs.due_ms - now) & TICKS_MASK
        state_ms = (self.state.due_ms - now) & TICKS_MASK
        if inputs_ms >= TICKS_HALF or state_ms >= TICKS_HALF:
            return now
        return later(now, min(wait_ms, inputs_ms, state_ms))

    def _changed(self, mode: int, now: int) -> None:
        before = self._mode
        self._mode = mode
        self._step_ms = -1
        if before == FIRING and self.delivery.active:
            self.delivery.finish("guard" if self.board.guard_tripped() else "")
        if mode == SELFTEST:
            self.request(self.selftest)
        elif mode == ARMING:
            self._prepare(before == READY)
        elif mode in (STANDBY, FAULT):
            self.board.withdraw()
            self.inputs.give(LOADED, False)
            if mode == STANDBY:
                self.select()
        elif mode == READY and before == FIRING:
            self.request(self.delivery.reload())
            self.select()
            if self.delivery.presses_used:
                self.console.remark(_USED_TEXT)
        self._incomplete = False
        self.outputs = indicators.outputs(self.state, now)
        self.console.mode_changed(before, mode, self.state)

    def breathe(self) -> None:
        """Allow permits, feed the watchdog, and toggle HEARTBEAT when it is time. Long jobs in STANDBY call it too.

        The time is read anew: counted from a turn's start, two toggles could come too close for the supervisor part.
        """
        board = self.board
        board.alive()
        micros = board.micros()
        if self._breath_us >= 0:
            self.worst_us = max(self.worst_us, (micros - self._breath_us) & TICKS_MASK)
        self._breath_us = micros
        now = board.millis()
        if (now - self._beat_ms) & TICKS_MASK >= HEARTBEAT_MS:
            self._beat_ms = now
            board.beat()

    def select(self) -> None:
        """Tell the states which lasers the present pass uses, whether its presses are used, whether another follows."""
        ps, co2 = self.delivery.lasers()
        self.inputs.give(PS_SELECTED, ps)
        self.inputs.give(CO2_SELECTED, co2)
        self.inputs.give(MORE_PASSES, self.delivery.more_passes)
        self.inputs.give(PRESSES_USED, self.delivery.presses_used)

    def _prepare(self, next_pass: bool) -> None:
        """Write programs anew and load the shots: only here is the guard released."""
        self.inputs.give(LOADED | GUARD_OK, False)
        if next_pass:
            self.delivery.next_pass()
        self.select()
        event = self.delivery.prepare()
        if event:
            self.request(event)
        else:
            self.inputs.give(LOADED | GUARD_OK, True)

    def _look_at_handpiece(self) -> None:
        """See whether the handpiece that the plan was made for is attached."""
        plan = self.delivery.plan
        if plan is None or self._mode == FIRING:
            return
        self.inputs.give(HANDPIECE_OK, plan.id_low_mv <= self.board.handpiece_mv() <= plan.id_high_mv)
