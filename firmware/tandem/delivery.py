"""From a plan to delivered shots: loads one pass after another into the sequencer and keeps what came out.

Works while the states allow it: `prepare` in ARMING, `begin` in FIRING, `finish` when a burst ended. Nothing here runs
while the sequencer fires; the handlers of the firing path do.
"""

from tandem.energy import window
from tandem.safety import elapsed, faults, later, reached
from tandem.safety.inputs import CO2_READY, EV_DONE, EV_PEDAL_LEFT, PS_READY, SCAN_OK, raising
from tandem.timing import sequencer as contract

TYPE_CHECKING = False
if TYPE_CHECKING:
    from array import array
    from collections.abc import Callable, Iterator

    from tandem.energy.photodiode import Channel
    from tandem.planned import PassPlan, Plan, Pulse
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

    `sequencer` fires, `ps` and `co2` are the calibrated channels, `inputs` tells which levels a permit needs. The
    sums of counts that the handlers wrote are the records of the shots; the oldest bursts go when there are over 4,000.
    """

    def __init__(
        self,
        sequencer: contract.Sequencer,
        ps: "Channel",
        co2: "Channel",
        inputs: "Inputs",
        breathe: "Callable[[], None]",
    ) -> None:
        self._sequencer = sequencer
        self._channels = {"ps": ps, "co2": co2}
        self._inputs = inputs
        self._breathe = breathe
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

    def _loaded(self) -> "Plan":
        if self.plan is None:
            raise ValueError("no recipe is in use")
        return self.plan

    @property
    def index(self) -> int:
        """Index in the plan of the pass that fires next."""
        return self._loaded().presses[self.press][self.step]

    @property
    def current(self) -> "PassPlan":
        """The pass that fires next."""
        return self._loaded().passes[self.index]

    @property
    def more_passes(self) -> bool:
        """Tell whether another pass can be chosen after the present press."""
        return self.plan is not None and self.press + 1 < len(self.plan.presses)

    @property
    def most_presses(self) -> int:
        """Return how many times the pedal may be pressed for the present passes; 0 without a recipe."""
        if self.plan is None:
            return 0
        return min([self.plan.passes[i].presses for i in self.plan.presses[self.press]])

    @property
    def presses_used(self) -> bool:
        """Tell whether the pedal was pressed as often as the recipe allows for the present passes."""
        return self.plan is not None and self.presses >= self.most_presses

    def lasers(self) -> tuple:
        """Return (ps selected, CO2 selected) for the present press; both when its passes are combined."""
        if self.plan is None:
            return False, False
        kinds = [self.plan.passes[i].kind for i in self.plan.presses[self.press]]
        return ("ps" in kinds or "pair" in kinds), ("co2" in kinds or "pair" in kinds)

    def prepare(self) -> int:
        """Load the press from its beginning, write programs anew, release the guard. Returns 0 or the fault's event."""
        return self._attempt(self._prepare)

    def reload(self) -> int:
        """Load the press's beginning again after a pattern; the guard stays as it is. Returns 0 or a fault's event."""
        return self._attempt(self._load_first)

    def begin(self, now_ms: int) -> int:
        """Start the loaded pass; its first slot is one period away. Returns 0 or the fault's event."""
        self._started_ms = now_ms
        self.presses += 1
        event = self._attempt(self._sequencer.start)
        self.active = not event
        return event

    def next_pass(self) -> None:
        """Go on to the next press; it has to be prepared."""
        self.press += 1
        self.presses = 0

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
        self._load_first()
        self._sequencer.arm()

    def _load_first(self) -> None:
        self.step = 0
        self.patterns = 0
        self._load()

    def _load(self) -> None:
        """Load the present pass, and move the scanner to its first spot."""
        p = self.current
        self._sequencer.load(self._burst(p))
        if p.scanner != "none":
            self._sequencer.place(0)

    def _start_step(self) -> None:
        self._load()
        self._sequencer.start()

    def _burst(self, p: "PassPlan") -> contract.Burst:
        b = contract.Burst()
        b.kind = p.kind
        b.count = p.count
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
            return self._attempt(self._start_step)
        state = self._sequencer.state
        if state == contract.RUNNING:
            return 0
        reason = self._sequencer.reason
        if state != contract.DONE:
            return self.finish(reason)
        press = self._loaded().presses[self.press]
        self._end_burst("")
        if self.step + 1 < len(press):
            self.step += 1
            return self._attempt(self._start_step)
        self.patterns += 1
        if self.patterns < self.current.patterns_per_press:
            self.step = 0
            self._again_ms = later(now_ms, self._pause_ms(now_ms))
            return 0
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
            return 0
        event = self._end_burst(reason)
        if not reason:
            return 0
        if reason == contract.INPUTS:
            return self._input_event()
        return event or raising(_FAULT_OF_REASON.get(reason, faults.SLOT_MISSED))

    def _end_burst(self, reason: str) -> int:
        self._sequencer.stop()
        return self._keep(reason)

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
        return 0 if counts == SATURATED_COUNTS else self._channels[laser].energy_uj(counts)

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
                counts = 0 if d.counts[i] == contract.NOT_MEASURED else d.counts[i]
                yield self._line(number, d, pulse, i, counts, verdict)
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
