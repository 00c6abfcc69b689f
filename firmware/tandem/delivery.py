"""From a plan to delivered shots: loads one pass after another into the sequencer and keeps what came out.

Works while the states allow it: `prepare` in ARMING, `begin` in FIRING, `finish` when a burst ended. Nothing here runs
while the sequencer fires; the handlers of the firing path do.
"""

from tandem import memory
from tandem.energy import window
from tandem.record import layout
from tandem.safety import elapsed, faults, later, reached
from tandem.safety.inputs import (
    CO2_READY,
    EV_DONE,
    EV_PEDAL_LEFT,
    EV_STANDBY,
    EV_TESTED,
    PS_READY,
    SCAN_OK,
    raising,
)
from tandem.timing import sequencer as contract

TYPE_CHECKING = False
if TYPE_CHECKING:
    from array import array
    from collections.abc import Callable, Iterator

    from tandem.energy.photodiode import Channel
    from tandem.planned import PassPlan, Plan, Pulse
    from tandem.record.recorder import Recorder
    from tandem.safety.inputs import Inputs

MAX_SHOTS = 4000
MAX_MERGED = 500  # shots of patterns that are kept as one piece: many small pieces would fill the memory
PATTERN_GAP_MS = 20
DAC_A = 0x3000  # MCP4922: channel A, gain 1, on
DAC_B = 0xB000
SATURATED_COUNTS = 0x7FFFFFFF  # what the handler writes in place of a sum with a saturated sample

_FAULT_OF_REASON = {
    contract.GUARD: faults.GUARD_TRIPPED,
    contract.LOCKED: faults.SLOT_MISSED,
    contract.VERDICT_LATE: faults.PULSE_WITHHELD,
    contract.SUPERVISOR: faults.SUPERVISOR_LATE,
    contract.SCANNER: faults.SCANNER_NOT_IN_POSITION,
    contract.PS_SATURATED: faults.ENERGY_SATURATED,
    contract.CO2_SATURATED: faults.ENERGY_SATURATED,
    contract.PS_UNEXPECTED: faults.ENERGY_UNEXPECTED,
    contract.CO2_UNEXPECTED: faults.ENERGY_UNEXPECTED,
    contract.SYNC_MISSING: faults.SYNC_MISSING,
    contract.SYNC_EARLY: faults.SYNC_EARLY,
    contract.SYNC_DOUBLE: faults.SYNC_DOUBLE,
}
_FAULT_OF_CONDITION = {
    PS_READY: faults.PS_NOT_READY,
    CO2_READY: faults.CO2_NOT_READY,
    SCAN_OK: faults.SCANNER_NOT_IN_POSITION,
}
_FAULT_OF_VERDICT = {
    window.LOW: faults.ENERGY_LOW,
    window.HIGH: faults.ENERGY_HIGH,
    window.MISSING: faults.ENERGY_MISSING,
    window.SATURATED: faults.ENERGY_SATURATED,
}


class Delivered:
    """What a press delivered of one laser in one pass: whole patterns, or one that was interrupted.

    `index` of the pass in the plan; `counts` sums of counts, of which the first `judged` passed; `last` the verdict of
    one more shot, '' without; `press` and `pattern` from 1: the pattern of the first shot; `size` shots of a whole one.
    """

    def __init__(self, index: int, laser: str, counts: "array[int]", judged: int, last: str) -> None:
        self.index = index
        self.laser = laser
        self.counts = counts
        self.judged = judged
        self.last = last
        self.press = 0
        self.pattern = 0
        self.size = 0

    @property
    def shots(self) -> int:
        """Number of shots, the last one included."""
        return self.judged + (1 if self.last else 0)

    @property
    def whole(self) -> bool:
        """Tell whether it holds nothing but whole patterns."""
        return not self.last and self.judged > 0 and self.judged % self.size == 0

    def merge(self, later: "Delivered") -> bool:
        """Take the next patterns of the same press in; False when they have to be kept apart."""
        if not (self.whole and later.whole and self.judged + later.judged <= MAX_MERGED):
            return False
        if (self.index, self.laser, self.press) != (later.index, later.laser, later.press):
            return False
        self.counts.extend(later.counts)
        self.judged += later.judged
        return True


class Delivery:
    """The passes of one plan and their shots.

    `sequencer` fires, `ps` and `co2` are the calibrated channels, `inputs` tells which levels a permit needs, `journal`
    takes every shot. The sums of counts that the handlers wrote are what `shots` shows; the oldest bursts go when there
    are over 4,000.

    A *test fire* is one shot of each laser of the plan, made like every other; `testing` while it is armed, `test_due`
    until it has passed: after a recipe was taken into use, and after a fault. `testfire` False: none is asked for.
    """

    def __init__(
        self,
        sequencer: contract.Sequencer,
        ps: "Channel",
        co2: "Channel",
        inputs: "Inputs",
        journal: "Recorder",
        breathe: "Callable[[], None]",
        testfire: bool = True,
    ) -> None:
        self._sequencer = sequencer
        self._channels = {"ps": ps, "co2": co2}
        self._inputs = inputs
        self._journal = journal
        self._breathe = breathe
        self._opened = False
        self._recorded_ps = 0
        self._recorded_co2 = 0
        self._fired = 0
        self._now_ps: Pulse | None = None
        self._now_co2: Pulse | None = None
        self._test_order = ()
        self.testfire = testfire
        self.testing = False
        self.test_due = testfire
        self.test_wanted = False
        self._delivered: list[Delivered] = []
        self._started_ms = 0
        self._again_ms = -1
        self.shots = 0
        self.plan: Plan | None = None
        self.press = 0
        self.step = 0
        self.patterns = 0
        self.presses = 0
        self.active = False
        self.message = ""

    def use(self, plan: "Plan") -> None:
        """Take a compiled plan; earlier shot records are dropped. Not while a burst is active."""
        self.plan = plan
        self.press = 0
        self.step = 0
        self.patterns = 0
        self.presses = 0
        self.shots = 0
        self._delivered = []
        self.message = ""
        self._test_order = _one_of_each(plan)
        self.testing = False
        self.test_due = self.testfire

    def drop(self) -> None:
        """Give up the plan in use and the shots since then: their memory is needed. Not while a burst is active."""
        self.plan = None
        self.press = 0
        self.step = 0
        self.shots = 0
        self._delivered = []
        self.testing = False
        self._sequencer.unload()

    def _loaded(self) -> "Plan":
        if self.plan is None:
            raise ValueError("no recipe is in use")
        return self.plan

    @property
    def order(self) -> tuple:
        """Indices of the passes that the present press runs."""
        return self._test_order if self.testing else self._loaded().presses[self.press]

    @property
    def index(self) -> int:
        """Index in the plan of the pass that fires next."""
        return self.order[self.step]

    @property
    def current(self) -> "PassPlan":
        """The pass that fires next."""
        return self._loaded().passes[self.index]

    @property
    def more_passes(self) -> bool:
        """Tell whether another pass can be chosen after the present press."""
        return self.plan is not None and not self.testing and self.press + 1 < len(self.plan.presses)

    @property
    def most_presses(self) -> int:
        """Return how many times the pedal may be pressed for the present passes; 0 without a recipe."""
        if self.plan is None:
            return 0
        return min([self.plan.passes[i].presses for i in self.plan.presses[self.press]])

    @property
    def presses_used(self) -> bool:
        """Tell whether the pedal was pressed as often as the recipe allows for the present passes."""
        return self.plan is not None and not self.testing and self.presses >= self.most_presses

    @property
    def slots(self) -> int:
        """Slots of one pattern of the pass that fires next."""
        return 1 if self.testing else self.current.count

    @property
    def records(self) -> int:
        """Shots of the next burst, to be kept on record; 0 without a recipe."""
        if self.plan is None:
            return 0
        return self.slots * (2 if self.current.kind == "pair" else 1)

    def lasers(self) -> tuple:
        """Return (ps selected, CO2 selected) for the present press; both when its passes are combined."""
        if self.plan is None:
            return False, False
        kinds = [self.plan.passes[i].kind for i in self.order]
        return ("ps" in kinds or "pair" in kinds), ("co2" in kinds or "pair" in kinds)

    def choose(self, next_pass: bool) -> None:
        """Choose what arming is for: the next pass, a test fire that is due or asked for, or the present pass again."""
        if next_pass:
            self.press += 1
            self.presses = 0
        else:
            self.testing = self.test_due or self.test_wanted
        self.test_wanted = False
        self.step = 0
        self.patterns = 0

    def disarmed(self, by_fault: bool) -> None:
        """Take note that nothing is armed any more; after a fault a test fire is due again."""
        self.close_record("disarmed")
        self.testing = False
        self.step = 0
        if by_fault:
            self.test_due = self.testfire

    def prepare(self) -> int:
        """Load the press from its beginning, write programs anew, release the guard. Returns 0 or the fault's event."""
        return self._attempt(self._prepare)

    def reload(self) -> int:
        """Load the press's beginning again after a pattern; the guard stays as it is. Returns 0 or a fault's event."""
        return self._attempt(self._load_first)

    def begin(self, now_ms: int) -> int:
        """Start the loaded pass; its first slot is one period away. Returns 0 or the fault's event."""
        self._started_ms = now_ms
        if not self.testing:
            self.presses += 1
        event = self._no_room() or self._attempt(self._open_and_start)
        self.active = not event
        return event

    def _no_room(self) -> int:
        """Return 0 if the shots of the next burst can be kept on record, else the event that ends the press."""
        if self._journal.fits(self.records):
            return 0
        self.message = "no room for the records of the next shots: they are moved when it is armed again"
        return EV_STANDBY

    def _open_and_start(self) -> None:
        self.open_record()
        self._sequencer.start()

    def open_record(self) -> None:
        """Put on record what may be fired now: plan, pass, shots, limits. Once until it is closed."""
        if self._opened:
            return
        self._opened = True
        plan, p = self._loaded(), self.current
        text = "plan={} pass={} test={} count={}".format(plan.name, p.number, 1 if self.testing else 0, self.slots)
        for laser, pulse in (("ps", p.ps), ("co2", p.co2)):
            if pulse is not None:
                text += " {}_low_uj={} {}_high_uj={}".format(laser, pulse.stop_low_uj, laser, pulse.stop_high_uj)
        self._journal.note(layout.OPEN, text)

    def close_record(self, because: str) -> None:
        """Put on record how what was opened ended."""
        if self._opened:
            self._opened = False
            self._journal.note(layout.CLOSE, "delivered={} because={}".format(self._fired, because))
            self._fired = 0

    def record(self, now_ms: int) -> None:
        """Put the shots judged since the last call on record. Allocates nothing."""
        if (self._now_ps is not None and self._sequencer.judged("ps") != self._recorded_ps) or (
            self._now_co2 is not None and self._sequencer.judged("co2") != self._recorded_co2
        ):
            self._journal.tick(now_ms)
            self._record_new()

    def _record_new(self) -> None:
        if self._now_ps is not None:
            self._recorded_ps = self._record("ps", self._now_ps, self._recorded_ps)
        if self._now_co2 is not None:
            self._recorded_co2 = self._record("co2", self._now_co2, self._recorded_co2)

    def _record(self, laser: str, pulse: "Pulse", done: int) -> int:
        judged = self._sequencer.judged(laser)
        while done < judged:
            counts = (self._sequencer.ps_results if laser == "ps" else self._sequencer.co2_results)[done]
            energy = self._energy_uj(laser, counts)
            done += 1
            self._put(laser, done, window.verdict(pulse, energy), energy)
        return done

    def _put(self, laser: str, number: int, verdict: str, energy_uj: int) -> None:
        """Put one shot on record; a test fire's has pass 0."""
        self._fired += 1
        step = 0 if self.testing else self.index + 1
        self._journal.shot(step, 1 if laser == "co2" else 0, window.VERDICTS.index(verdict), number, energy_uj)

    def _attempt(self, work: "Callable[[], None]") -> int:
        """Do work that may be refused; nothing fires after a refusal, whose reason is kept in `message`."""
        try:
            work()
        except contract.RegisterDiffers as error:
            self.message = str(error)
            return raising(faults.REGISTERS_DIFFER)
        except MemoryError as error:
            self.message = str(error)
            return raising(faults.OUT_OF_MEMORY)
        except ValueError as error:
            self.message = str(error)
            return raising(faults.SHOTS_NOT_LOADED)
        return 0

    def _prepare(self) -> None:
        memory.collect(often=False)  # the burst's arrays are long: after it they get the lowest place that is free
        self._breathe()
        self._load_first()
        self._sequencer.arm()

    def _load_first(self) -> None:
        self.step = 0
        self.patterns = 0
        self._load()

    def _load(self) -> None:
        """Load the present pass, and move the scanner to its first spot."""
        p = self.current
        self._now_ps, self._now_co2 = p.ps, p.co2
        self._recorded_ps = self._recorded_co2 = 0
        self._sequencer.load(self._burst(p))
        if p.scanner != "none":
            self._sequencer.place(0)

    def _load_next(self) -> int:
        """Load the next burst of the press ahead of its time and open its record. Returns 0, or what ends the press."""
        event = self._no_room() or self._attempt(self._load_and_open)
        if event:
            self.active = False  # nothing of it was fired
            self._again_ms = -1
        return event

    def _load_and_open(self) -> None:
        self._load()
        self.open_record()

    def _burst(self, p: "PassPlan") -> contract.Burst:
        b = contract.Burst()
        b.kind = p.kind
        b.count = self.slots
        b.period_cycles = p.period_cycles
        b.lamp_qswitch = p.qsw_delay_cycles > 0
        b.ps_first_cycles = p.qsw_delay_cycles or p.trigger_width_cycles
        b.ps_second_cycles = p.qsw_width_cycles
        b.gate_cycles = p.gate_cycles
        b.pair_delay_cycles = p.pair_delay_cycles
        b.pair_from_sync = p.pair_from == "sync"
        b.verified = p.verified
        b.stepped = p.scanner == "stepped"
        b.pulses_per_spot = p.pulses_per_spot
        b.sync_open_cycles = p.sync_open_cycles
        b.sync_close_cycles = p.sync_close_cycles
        b.codes = p.scanner_words(DAC_A, DAC_B, self._breathe) if p.scanner == "xy" else None
        b.input_mask, b.input_want = self._inputs.permit_gpio(p.ps is not None, p.co2 is not None)
        if p.ps is not None:
            b.ps_limits = self._channels["ps"].limits_counts(p.ps.stop_low_uj, p.ps.stop_high_uj)
            b.ps_settle_cycles = p.ps.judge_cycles
        if p.co2 is not None:
            b.co2_limits = self._channels["co2"].limits_counts(p.co2.stop_low_uj, p.co2.stop_high_uj)
            b.co2_window_cycles = p.co2.judge_cycles
        return b

    def poll(self, now_ms: int) -> int:
        """Look whether the burst ended. Returns the event bits that follow from it, 0 while the press goes on."""
        if self._again_ms >= 0:
            if not reached(now_ms, self._again_ms):
                return 0
            self._again_ms = -1
            self._started_ms = now_ms
            return self._attempt(self._sequencer.start)
        state = self._sequencer.state
        if state == contract.RUNNING:
            return 0
        self._journal.tick(now_ms)
        reason = self._sequencer.reason
        if state != contract.DONE:
            return self.finish(reason)
        self._end_burst("", "complete")
        if self.step + 1 < len(self.order):
            self.step += 1
            return self._load_next() or self._attempt(self._sequencer.start)
        if self.testing:
            self.active = False
            self.test_due = False
            return EV_TESTED
        self.patterns += 1
        if self.patterns < self.current.patterns_per_press:
            self.step = 0
            self._again_ms = later(now_ms, self._pause_ms(now_ms))
            return self._load_next()
        self.active = False
        return EV_DONE

    def _pause_ms(self, now_ms: int) -> int:
        """Return what is left of the interval from pattern to pattern."""
        return max(PATTERN_GAP_MS, self.current.repeat_us // 1000 - elapsed(now_ms, self._started_ms))

    def finish(self, reason: str = "") -> int:
        """Stop the press and keep its shots. Returns the event bits that follow from `reason`."""
        self.active = False
        if self._again_ms >= 0:
            self._again_ms = -1
            self.close_record("released")
            return 0
        event = self._end_burst(reason)
        if not reason:
            return 0
        if reason == contract.INPUTS:
            return self._input_event()
        return event or raising(_FAULT_OF_REASON.get(reason, faults.SLOT_MISSED))

    def _end_burst(self, reason: str, because: str = "") -> int:
        self._sequencer.stop()
        self._record_new()
        event = self._keep(reason)
        self.close_record(because or reason or "released")
        return event

    def _input_event(self) -> int:
        """Name the input for which the permit was refused: the pedal, or what is not ready."""
        lost = self._inputs.lost(self._sequencer.stop_inputs, self.current.ps is not None)
        return raising(_FAULT_OF_CONDITION[lost]) if lost else EV_PEDAL_LEFT

    def _keep(self, reason: str) -> int:
        """Keep the burst's shots; return the fault of a shot that did not pass."""
        event = 0
        for laser in ("ps", "co2"):
            pulse = self._pulse(self.index, laser)
            if pulse is None:
                continue
            judged = self._sequencer.judged(laser)
            results = self._sequencer.ps_results if laser == "ps" else self._sequencer.co2_results
            last = ""
            if reason in (laser + "_energy", laser + "_saturated"):
                last = self._judge(pulse, laser, results[judged])
                event = raising(_FAULT_OF_VERDICT.get(last, faults.ENERGY_HIGH))
                self.message = self._describe(pulse, laser, judged, results[judged])
            elif self._sequencer.permitted > judged:
                last = self._last_verdict(pulse, laser, reason, results[judged])
            if last:
                self._put(laser, judged + 1, last, self._energy_uj(laser, results[judged]))
            if not self.testing:
                self._append(Delivered(self.index, laser, results, judged, last))
        return event

    def _append(self, delivered: Delivered) -> None:
        """Put a burst's shots on record; the oldest go when there are too many."""
        delivered.press = self.presses
        delivered.pattern = self.patterns + 1
        delivered.size = self.current.count
        self.shots += delivered.shots
        kept = self._delivered
        if not kept or not kept[-1].merge(delivered):
            kept.append(delivered)
        while self.shots > MAX_SHOTS:
            self.shots -= kept.pop(0).shots

    def _last_verdict(self, pulse: "Pulse", laser: str, reason: str, counts: int) -> str:
        """Return the verdict of a shot that was permitted and ended the burst by something else than its energy.

        A shot that was stopped on its way is judged by what came out of it. What nothing came out of was withheld; ''
        when it had not even begun, and nothing but the operator's will ended the burst.
        """
        if reason == laser + "_unexpected":
            return window.UNEXPECTED
        if counts != contract.NOT_MEASURED:
            return self._judge(pulse, laser, counts)
        return window.WITHHELD if reason or (laser == "ps" and self._sequencer.withheld) else ""

    def _pulse(self, index: int, laser: str) -> "Pulse | None":
        p = self._loaded().passes[index]
        return p.ps if laser == "ps" else p.co2

    def _energy_uj(self, laser: str, counts: int) -> int:
        if counts == SATURATED_COUNTS or counts == contract.NOT_MEASURED:
            return 0
        return self._channels[laser].energy_uj(counts)

    def _judge(self, pulse: "Pulse", laser: str, counts: int) -> str:
        return window.SATURATED if counts == SATURATED_COUNTS else window.verdict(pulse, self._energy_uj(laser, counts))

    def _describe(self, pulse: "Pulse", laser: str, i: int, counts: int) -> str:
        target = pulse.energy_uj
        energy = self._energy_uj(laser, counts)
        return "%s shot %d of pass %d: %d uJ is %s, %+d permille off %d uJ" % (
            laser,
            i + 1,
            self.index + 1,
            energy,
            self._judge(pulse, laser, counts),
            window.deviation_permille(energy, target),
            target,
        )

    def shot_lines(self) -> "Iterator[str]":
        """Yield a line for each shot in the order of delivery, and one after each pattern that was interrupted."""
        number = 0
        for d in self._delivered:
            pulse = self._pulse(d.index, d.laser)
            if pulse is None:
                continue
            for i in range(d.shots):
                number += 1
                verdict = d.last if i == d.judged else self._judge(pulse, d.laser, d.counts[i])
                yield self._line(number, d, pulse, i, d.counts[i], verdict)
            if not d.whole:
                delivered = d.judged + (1 if d.last not in ("", window.WITHHELD) else 0)
                yield "incomplete=%s pass=%d press=%d pattern=%d delivered=%d of=%d" % (
                    d.laser,
                    d.index + 1,
                    d.press,
                    d.pattern,
                    delivered,
                    d.size,
                )

    def _line(self, number: int, d: Delivered, pulse: "Pulse", i: int, counts: int, verdict: str) -> str:
        index, laser = d.index, d.laser
        i %= d.size
        p = self._loaded().passes[index]
        energy = self._energy_uj(laser, counts)
        line = (
            "shot=%d pass=%d number=%d laser=%s energy_uj=%d low_uj=%d high_uj=%d verdict=%s deviation_permille=%d"
            % (
                number,
                index + 1,
                i + 1,
                laser,
                energy,
                pulse.stop_low_uj,
                pulse.stop_high_uj,
                verdict,
                window.deviation_permille(energy, pulse.energy_uj),
            )
        )
        if laser == "co2" and len(p.positions):
            spot = 2 * p.spot(i)
            line += " x_um=%d y_um=%d" % (p.positions[spot], p.positions[spot + 1])
        return line


def _one_of_each(plan: "Plan") -> tuple:
    """Return the indices of the passes whose first slots together fire each laser of a plan once."""
    order = []
    ps = co2 = False
    for index in range(len(plan.passes)):
        p = plan.passes[index]
        if (p.ps is not None and not ps) or (p.co2 is not None and not co2):
            order.append(index)
            ps = ps or p.ps is not None
            co2 = co2 or p.co2 is not None
    return tuple(order)
