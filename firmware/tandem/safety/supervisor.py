"""The supervisor's loop, as a numbered list of priorities. One turn every millisecond; between turns the CPU sleeps,
but for bursts.

Nothing here touches hardware by itself: `board`, `delivery`, `journal` and `console` are passed in.

What may hold a turn up, and for how long: while permits can be written (FIRING), nothing that takes longer than permits
wait (20 ms). In STANDBY, SERVICE and at the beginning of ARMING one append to the journal's flash: HEARTBEAT stands
still then, SAFE may open, and the watchdog is given time for it. The longest time between two signs of life, which come
every 5 ms and within long jobs, is kept in `worst_us`, that while a burst is under way in `worst_firing_us`, that of a
turn with a flash operation in `worst_flash_us`.

Arming proves the supervisor part each time: HEARTBEAT is withheld until SAFE is seen open, then goes on, and only after
SAFE is seen closed again the programs are written and the guard is released.
"""

from tandem.memory import forget
from tandem.record import layout
from tandem.record.journal import JournalError
from tandem.safety import TICKS_HALF, TICKS_MASK, const, elapsed, faults, indicators, later
from tandem.safety.inputs import (
    BURST_TOO_LONG,
    CO2_SELECTED,
    EV_PASSED,
    EV_STANDBY,
    GUARD_OK,
    HANDPIECE_OK,
    JOURNAL_CLOSED,
    JOURNAL_FULL,
    LOADED,
    MORE_PASSES,
    PRESSES_USED,
    PS_SELECTED,
    SAFE_CLOSED,
    SAFE_PROVEN,
    SCAN_OK,
    Inputs,
    merged,
    raising,
)
from tandem.safety.states import (
    ARMING,
    FAULT,
    FIRING,
    MODE_NAMES,
    READY,
    SELFTEST,
    SERVICE,
    STANDBY,
    State,
    advance,
    reasons,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Protocol

    from tandem.console.session import Console
    from tandem.delivery import Delivery
    from tandem.record.recorder import Recorder
    from tandem.safety.scope import Scope

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

        def make_room(self) -> None:
            """Collect garbage if it has to be done soon."""
            ...

        def flash_begins(self) -> None:
            """Give the watchdog the time of a flash operation, until the next `alive`."""
            ...

        def pulse(self, output: str) -> bool:
            """Make one pulse of 10 us on a trigger output, for SERVICE; False when SAFE kept it from coming whole."""
            ...

        def withdraw(self) -> None:
            """Take every permit back."""
            ...

        def handpiece_mv(self) -> int:
            """Return the voltage on HANDPIECE_ID. Not while FIRING: the converter belongs to the energies then."""
            ...

    class SelfTest(Protocol):
        """Checks of the hardware, a step a turn; see `tandem.io.rp2_selftest`."""

        wants_heartbeat: bool
        fault: int
        detail: str

        def steps(self) -> "Iterator[None]":
            """Yield after each step."""
            ...


HEARTBEAT_MS = const(5)
FAILURES_APART = const(1000)
"""Turns between two errors that are not taken for the same trouble."""
OPENS_MS = const(700)
"""How long SAFE may stay closed while HEARTBEAT is withheld: the part's 500 ms with its tolerance, and some."""
SETTLES_MS = const(200)
"""A record that goes to flash waits so long for others, so that one flash operation serves them all."""
WAITING_BYTES = const(2048)
"""So much goes into flash even if nothing of it is urgent."""
_USED_TEXT = "every press that the recipe allows for this pass is used: go on with NEXT, or to STANDBY"
_LOW_TEXT = "less than a tenth of the journal's room is free: pull it (journal show, journal pulled)"
_LIVE = (ARMING, READY, FIRING)
_ARMED = (READY, FIRING)
_RESTING = (STANDBY, SERVICE)
_ON_RECORD = ((1 << 20) - 1) & ~SCAN_OK
"""The conditions whose changes go into the journal; a scanner's place changes with every shot."""

# What arming is at.
_FLUSH = const(1)
_CLOSED = const(2)
_OPENS = const(3)
_CLOSES = const(4)
_PROVEN = const(5)


class Supervisor:
    """Runs `turn` for ever. `console` and `delivery` are to be set, and `selftest`, whose steps are taken.

    `journal` takes what happens; `found`: the fault, 0 without one, that the start found beside the self-test; `scope`:
    the pulses that SERVICE makes, if any.
    """

    console: "Console"
    delivery: "Delivery"

    def __init__(self, board: "Board", inputs: Inputs, state: State, journal: "Recorder") -> None:
        self.journal = journal
        self.board = board
        self.inputs = inputs
        self.state = state
        self.events = 0
        self.turns = 0
        self.worst_us = 0
        self.worst_firing_us = 0
        self.worst_flash_us = 0
        self.outputs = 0
        self.selftest: SelfTest | None = None
        self.found = 0
        self.scope: Scope | None = None
        self._steps: Iterator[None] | None = None
        self._beats = True
        self._beat_ms = 0
        self._breath_us = -1
        self._step_ms = -1
        self._mode = state.mode
        self._fault = 0
        self._talks = False
        self._due_ms = state.since_ms
        self._word = 0
        self._failures = 0
        self._kept = 0
        self._kept_ms = 0
        self._flushes = False
        self._arming = 0
        self._arming_ms = 0

    def request(self, events: int) -> None:
        """Put events in for the next turn."""
        self.events = merged(self.events, events)

    def run(self) -> None:
        """Take a turn every millisecond until the console reports Ctrl-C."""
        board = self.board
        while not self.console.interrupted:
            millis = board.millis()
            try:
                self.turn()
            except Exception as error:
                self._failed(error)
            while board.millis() == millis:
                if not self.delivery.active:  # to sleep takes an alarm, which keeps interrupts off for 3 us
                    board.sleep()

    def _failed(self, error: Exception) -> None:
        """Make a fault of an error in the firmware; the second one in a row ends the program, with the outputs safe."""
        self.board.withdraw()
        failures = self._failures
        self._failures = self.turns
        if failures and self.turns - failures < FAILURES_APART:
            raise error
        self.delivery.message = "{}: {}".format(type(error).__name__, error)
        self.request(raising(faults.OUT_OF_MEMORY if isinstance(error, MemoryError) else faults.FIRMWARE_EXCEPTION))

    def turn(self) -> None:
        """Take one turn. While nothing changes and nothing is due, what was judged before is still right."""
        board = self.board
        now = board.millis()
        self.turns += 1

        # 1. Look at every input, and stop what must stop.
        if self.events or self.journal.event or not (now - self._due_ms) & TICKS_HALF or not board.still():
            self._judge(now)

        # 2. Say that this turn was healthy: permits, heartbeat, watchdog.
        board.alive()
        if (now - self._beat_ms) & TICKS_MASK >= HEARTBEAT_MS:
            self.breathe()

        # 3. Begin the burst once everything allows it. Garbage collected in it takes longer than permits wait.
        state = self.state
        if state.permit and not self.delivery.active:
            board.make_room()
            self.request(self.delivery.begin(now))
            self._due_ms = now
            board.alive()

        # 4. Put on record what has been delivered.
        if self.delivery.active:
            self.delivery.record(now)

        # 5. Where nothing can fire: the self-test, the proof of the chain, the journal's flash, one piece a turn.
        elif state.mode not in _ARMED:
            self._work(now)

        # 6. Talk, as much as fits into a turn; with nothing to say or to hear, listen every fourth turn.
        firing = state.mode == FIRING
        if self._talks or firing or not self.turns & 3:
            self._talks = self.console.step(firing)

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
        ended = self.delivery.poll(now) if self.delivery.active else 0
        if ended:  # what ended the burst may have come after the inputs were read: its cause is seen now
            gpio = board.levels() & inputs.gpio_mask
            chain = board.exchange(self.outputs)
            inputs.update(gpio, chain, now)
        events = self.events
        self.events = 0
        if inputs.events or self.journal.event:
            events = merged(merged(events, inputs.events), self.journal.event)
            inputs.events = self.journal.event = 0
        if tripped:
            inputs.give(GUARD_OK, False)
        events = merged(events, ended)
        word = inputs.word
        mode = state.mode
        if events or word != state.inputs or not (now - state.due_ms) & TICKS_HALF:
            mode = advance(state, word, events, now)
        if mode != self._mode:
            self._changed(mode, now)
        elif state.fault != self._fault:
            self._tell(mode, mode)
        self._fault = state.fault
        if (word ^ self._word) & _ON_RECORD:  # after what it stopped: a record takes half a millisecond
            self.journal.tick(now)
            self.journal.change(self._word & _ON_RECORD, word & _ON_RECORD)
            self._word = word
        if now >> 6 != self._step_ms:
            self._show(now)
        self._due_ms = now if self.delivery.active else self._earliest(now)
        board.remember(self.outputs, inputs.gpio_mask, gpio, chain)

    def _show(self, now: int) -> None:
        """Move lamps, sounds and LED on by a step, and see whether the plan's handpiece is attached."""
        self._step_ms = now >> 6
        self.journal.tick(now)
        self._look_at_handpiece()
        self.outputs = indicators.outputs(self.state, now, self.delivery.testing)
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
        """Do what a new state asks for: permits and shutters first, then tell people, then what takes its time."""
        before = self._mode
        self._mode = mode
        if before == FIRING and self.delivery.active:
            self.delivery.finish("guard" if self.board.guard_tripped() else "")
        self._step_ms = -1
        self._beats = not (before == SELFTEST and mode == FAULT)
        self._arming = 0
        self.journal.tick(now)
        self._put_out(now)
        if mode in (STANDBY, FAULT):
            self.board.withdraw()
            self.inputs.give(LOADED | SAFE_PROVEN, False)
            self.delivery.disarmed(mode == FAULT)
        self._tell(before, mode)
        if before == SERVICE:
            self.scope = None
            forget(("timing.rp2.scope", "safety.scope"))
        if mode == SELFTEST and self.selftest is not None:
            self._steps = self.selftest.steps()
        elif mode == ARMING:
            self.delivery.choose(before == READY)
            self.inputs.give(LOADED | GUARD_OK | SAFE_PROVEN, False)
            self.select()
            self.delivery.open_record()
            self._arming = _FLUSH
        elif mode == STANDBY:
            self.select()
            if self.found:
                self.request(raising(self.found))
                self.found = 0
        elif mode == READY and before == FIRING:
            self.request(self.delivery.reload())
            self.select()
            if self.delivery.presses_used:
                self.console.remark(_USED_TEXT)

    def _put_out(self, now: int) -> None:
        """Shift shutters, lamps and sounds of the present state out at once."""
        self.outputs = indicators.outputs(self.state, now, self.delivery.testing)
        self.board.exchange(self.outputs)

    def _tell(self, before: int, mode: int) -> None:
        """Put a new state or another fault on record, and tell people."""
        state = self.state
        if mode != before:
            text = 'from={} to={} because="{}"'.format(MODE_NAMES[before], MODE_NAMES[mode], state.because)
            self.journal.note(layout.STATE, text)
        if mode == FAULT:
            self.journal.note(layout.FAULT, "fault={} also={}".format(state.fault, state.also))
        self.console.mode_changed(before, mode, state)

    def _work(self, now: int) -> None:
        """Go on with what takes longer than permits wait, by one piece."""
        mode = self.state.mode
        if mode == SELFTEST:
            self._test()
        elif mode == ARMING:
            self._arm(now)
        elif mode in _RESTING or (mode == FAULT and self.journal.volatile):
            if self.scope is not None:
                self._pulse(self.scope, now)
            elif self._flush_due(now):
                self._flushes = not self.flush()

    def _pulse(self, scope: "Scope", now: int) -> None:
        if scope.step(now):
            self.scope = None
            self.console.remark(scope.told())
            self.journal.note(layout.NOTE, scope.told())

    def _flush_due(self, now: int) -> bool:
        """Tell whether records wait for flash, and no other has come for a while."""
        journal = self.journal
        if journal.seq != self._kept:
            self._kept = journal.seq
            self._kept_ms = now
            self._flushes = self._flushes or journal.urgent or journal.waiting > WAITING_BYTES
        return self._flushes and elapsed(now, self._kept_ms) > SETTLES_MS

    def _test(self) -> None:
        """Take a step of the self-test; without one there is nothing that could fail."""
        test = self.selftest
        if test is not None and self._steps is not None:
            for _ in self._steps:
                self._beats = test.wants_heartbeat
                return
            self._beats = test.wants_heartbeat
            if test.fault:
                self.delivery.message = test.detail
                self.request(raising(test.fault))
                return
            self._steps = self.selftest = test = None
        self.request(EV_PASSED)

    def _arm(self, now: int) -> None:
        """Bring what waits into flash, prove that SAFE opens without HEARTBEAT, then load and release the guard."""
        stage = self._arming
        closed = self.inputs.word & SAFE_CLOSED
        if stage == _FLUSH:
            if self.flush():
                self._enter(_CLOSED, now)
                if self.journal.low:
                    self.console.remark(_LOW_TEXT)
                if self.inputs.holds:
                    self.console.remark("not armed: " + reasons(0, self.inputs.holds)[0])
                    self.request(EV_STANDBY)
        elif stage == _CLOSED:
            if closed:
                self._beats = False
                self._enter(_OPENS, now)
        elif stage == _OPENS:
            if not closed:
                self._beats = True
                self._enter(_CLOSES, now)
            elif elapsed(now, self._arming_ms) > OPENS_MS:
                self.request(raising(faults.SAFE_NOT_OPENED))
                self._enter(0, now)
        elif stage == _CLOSES and closed:
            self._enter(_PROVEN, now)
            self._prepare()

    def _enter(self, stage: int, now: int) -> None:
        self._arming = stage
        self._arming_ms = now

    def flush(self) -> bool:
        """Bring a piece of the journal into flash; returns True when nothing waits any more. Blocks for one append.

        Only where nothing can fire: HEARTBEAT stands still meanwhile, and SAFE may open.
        """
        self.breathe()
        self.board.flash_begins()
        began_us = self._breath_us
        done = True
        try:
            done = self.journal.flush()
            self.inputs.hold(JOURNAL_CLOSED, False)
        except JournalError as error:
            self.delivery.message = str(error)
            self.inputs.hold(JOURNAL_CLOSED, True)
            self.request(raising(faults.JOURNAL_FAILED))
        self.inputs.hold(JOURNAL_FULL, self.journal.full(self.delivery.records))
        self.inputs.hold(BURST_TOO_LONG, self.journal.too_long(self.delivery.records))
        self._breath_us = -1
        self.breathe()
        self.worst_flash_us = max(self.worst_flash_us, (self._breath_us - began_us) & TICKS_MASK)
        self._due_ms = self.board.millis()
        return done

    def breathe(self) -> None:
        """Allow permits, feed the watchdog, and toggle HEARTBEAT when it is time. Long jobs in STANDBY call it too.

        The time is read anew: counted from a turn's start, two toggles could come too close for the supervisor part.
        """
        board = self.board
        board.alive()
        micros = board.micros()
        if self._breath_us >= 0:
            taken_us = (micros - self._breath_us) & TICKS_MASK
            if taken_us > self.worst_us:
                self.worst_us = taken_us
            if taken_us > self.worst_firing_us and self.delivery.active:
                self.worst_firing_us = taken_us
        self._breath_us = micros
        now = board.millis()
        if (now - self._beat_ms) & TICKS_MASK >= HEARTBEAT_MS:
            self._beat_ms = now
            if self._beats:
                board.beat()

    def select(self) -> None:
        """Tell the states which lasers the present pass uses, whether its presses are used, whether another follows."""
        ps, co2 = self.delivery.lasers()
        self.inputs.give(PS_SELECTED, ps)
        self.inputs.give(CO2_SELECTED, co2)
        self.inputs.give(MORE_PASSES, self.delivery.more_passes)
        self.inputs.give(PRESSES_USED, self.delivery.presses_used)

    def _prepare(self) -> None:
        """Write programs anew and load the shots: only here is the guard released."""
        event = self.delivery.prepare()
        if event:
            self.request(event)
        else:
            self.inputs.give(LOADED | GUARD_OK | SAFE_PROVEN, True)

    def _look_at_handpiece(self) -> None:
        """See whether the handpiece that the plan was made for is attached."""
        plan = self.delivery.plan
        if plan is None or self._mode == FIRING:
            return
        self.inputs.give(HANDPIECE_OK, plan.id_low_mv <= self.board.handpiece_mv() <= plan.id_high_mv)
