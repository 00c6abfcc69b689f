"""Recipe + lasers + handpiece + board -> a plan: every shot in system-clock cycles and scanner codes, or a refusal.

A plan is what the sequencer fires and what the record cites. It holds integers only, the same on board and host. What
board, laser, scanner or handpiece cannot keep is refused with a PlanError that gives the reason and the nearest that
they can; nothing is rounded silently. Two figures are rounded by their nature and shown: the number of spots (asked and
actual density stand side by side) and the gate, which is the calibration curve's to the nearest cycle.

The terms of a slot, all counted from its trigger, run beside each other; each has to end within the period:

- board: widths, dead time, the slot's own cycles;
- energy: light, tail, settling, samples, decision, emptying the integrator, the next permit's lead;
- scanner: light, tail, decision, step, settling, the next permit's lead;
- ready: the laser's recovery, the next permit's lead.
"""

import binascii

from tandem import units
from tandem.dose import optics, scan
from tandem.dose.errors import (
    BOARD_CANNOT,
    HANDPIECE_CANNOT,
    LASER_CANNOT,
    SCANNER_CANNOT,
    TOO_FAST,
    PlanError,
)
from tandem.dose.facts import Given, Identity, presses
from tandem.planned import ARRAYS, PassPlan, Plan, Pulse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from typing import Any

    from tandem.dose.board import Board
    from tandem.dose.handpiece import Handpiece
    from tandem.dose.laser import Laser
    from tandem.dose.recipe import Co2Pass, PairPass, Pass, PsPass, Recipe

PPM = 1000000
US = 1000000
NS = 1000000000


PULSE_FIGURES = ("energy_uj", "laser_uj", "warn_low_uj", "warn_high_uj", "stop_low_uj", "stop_high_uj", "judge_cycles")
PASS_FIGURES = (
    "number",
    "kind",
    "pedal",
    "count",
    "period_cycles",
    "min_period_cycles",
    "lead_cycles",
    "trigger_width_cycles",
    "qsw_delay_cycles",
    "qsw_width_cycles",
    "gate_cycles",
    "pair_delay_cycles",
    "min_pair_delay_cycles",
    "pair_from",
    "sync_open_cycles",
    "sync_close_cycles",
    "verified",
    "spots",
    "pulses_per_spot",
    "scanner",
    "closest_um",
    "shortest_move_um",
    "asked_density_ppm",
    "actual_density_ppm",
    "ideal_spots_milli",
    "ps_area_nm2",
    "co2_area_nm2",
    "ps_pattern_uj",
    "co2_pattern_uj",
    "patterns_per_press",
    "presses",
    "repeat_us",
)
"""What of a plan goes into its hash, in this order, and after it `ARRAYS`."""


def pulse_of(laser: "Laser", energy_uj: int, transmission_ppm: int, step: "Pass") -> Pulse:
    """Return the pulse of a laser that gives so much energy at the tissue, with the pass's windows."""
    pulse = Pulse()
    pulse.laser = laser.laser
    pulse.energy_uj = energy_uj
    pulse.laser_uj = units.div_round(energy_uj * PPM, transmission_ppm)
    pulse.warn_ppm = step.warn_ppm
    pulse.stop_ppm = step.stop_ppm
    pulse.warn_low_uj, pulse.warn_high_uj = window_uj(energy_uj, step.warn_ppm)
    pulse.stop_low_uj, pulse.stop_high_uj = window_uj(energy_uj, step.stop_ppm)
    return pulse


def window_uj(energy_uj: int, deviation_ppm: int) -> "tuple[int, int]":
    """Return the least and greatest energy, uJ, that deviate by no more than this; rounded inwards."""
    return units.div_ceil(energy_uj * (PPM - deviation_ppm), PPM), energy_uj * (PPM + deviation_ppm) // PPM


class PlanJob(Given):
    """Compiles a plan in bounded pieces: run `steps()` to its end, then ``plan`` is there. PlanError refuses.

    Given entries, or their facts: then ``identity`` has to be that of the entries. The plan has no text yet: see
    `summary`.
    """

    def __init__(
        self,
        recipe: "Recipe",
        ps: "Laser | None",
        co2: "Laser | None",
        handpiece: "Handpiece",
        board: "Board",
        identity: "Identity | None" = None,
    ) -> None:
        for laser, kind in ((ps, "ps"), (co2, "co2")):
            if laser is not None and laser.laser != kind:
                raise PlanError(LASER_CANNOT, f"{laser.name} is not a {kind} laser; give one of that kind")
        super().__init__(recipe, ps, co2, handpiece, board)
        self._identity = identity
        self.plan: Plan | None = None

    def steps(self) -> "Generator[None, None, Plan]":
        """Generator that does the work and yields often, so that a supervisor can run in between; returns the plan."""
        plan = self._begun()
        passes = []
        for index in range(len(self.recipe.passes)):
            try:
                done = yield from self._pass(index)
            except PlanError as error:
                raise PlanError(error.number, f"pass {index + 1}: {error}") from None
            passes.append(done)
        plan.passes = tuple(passes)
        plan.warnings = tuple(_warnings(plan))
        yield
        plan.crc = yield from self._crc(plan)
        self.plan = plan
        return plan

    def _begun(self) -> Plan:
        plan = Plan()
        plan.recipe = self.recipe.name
        plan.presses = presses(self.recipe.passes)
        plan.clock_hz = self.board.clock_hz
        plan.id_low_mv = self.handpiece.id_low_mv
        plan.id_high_mv = self.handpiece.id_high_mv
        if self.ps is not None:
            plan.ps_lines = (self.ps.ready, self.ps.fault)
            plan.shutter_ms = self.ps.shutter_us // 1000
        if self.co2 is not None:
            plan.co2_lines = (self.co2.ready, self.co2.fault)
            plan.shutter_ms = max(plan.shutter_ms, self.co2.shutter_us // 1000)
            plan.co2_scanner = self.co2.scanner
        return plan

    def _pass(self, index: int) -> "Generator[None, None, PassPlan]":
        step: Any = self.recipe.passes[index]
        done = PassPlan()
        done.number = index + 1
        done.kind = step.kind
        done.pedal = step.pedal
        done.patterns_per_press = step.patterns_per_press
        done.presses = step.presses
        done.repeat_us = step.repeat_every_us or 0
        done.period_cycles = period_cycles(step, self.board)
        done.lead_cycles = units.cycles_up(self.board.permit_lead_us, US, self.board.clock_hz)
        if step.kind != "co2":
            self._ps_pulse(done, step, _needed(self.ps, "ps"))
        yield
        if step.kind != "ps":
            laser = _needed(self.co2, "co2")
            self._co2_pulse(done, step, laser)
            yield
            yield from self._scan(done, step, laser)
        done.count = step.pulses if step.kind == "ps" else done.spots * done.pulses_per_spot
        if step.kind == "pair":
            self._pair(done, step)
        yield
        self._limits(done)
        if done.ps:
            done.ps_pattern_uj = done.count * done.ps.energy_uj
        if done.co2:
            done.co2_pattern_uj = done.count * done.co2.energy_uj
        return done

    def _ps_pulse(self, done: PassPlan, step: "PsPass | PairPass", laser: "Laser") -> None:
        tip = self.handpiece
        _offered("wavelength", step.wavelength_nm, laser.wavelengths_nm, "nm", laser.name, LASER_CANNOT)
        _offered("wavelength", step.wavelength_nm, tip.wavelengths_nm, "nm", "handpiece " + tip.name, HANDPIECE_CANNOT)
        _offered("ps_width", step.ps_width_ps, laser.widths_ps or (), "ps", laser.name, LASER_CANNOT)
        spots = tip.ps_spots_um or ()
        _offered("ps_spot", step.ps_spot_um, spots, "um", "handpiece " + tip.name, HANDPIECE_CANNOT)
        energy_uj = optics.energy_uj(step.fluence_uj_cm2, step.ps_spot_um)
        pulse = done.ps = pulse_of(laser, energy_uj, tip.ps_transmission_ppm or PPM, step)
        done.ps_area_nm2 = optics.disc_nm2(step.ps_spot_um)
        _energy_allowed(laser, pulse)
        if laser.trigger == "lamp_qswitch":
            self._lamp(done, laser)
        else:
            width = self._cycles(laser.fire_width_ns or 0, NS, f"fire_width of {laser.name}")
            done.trigger_width_cycles = self._first_width(width, "trigger")
        settle = units.cycles_up(self.board.energy_settle_us, US, self.board.clock_hz)
        pulse.judge_cycles = self._light_latest(laser) + settle
        self._sync_window(done, laser)

    def _lamp(self, done: PassPlan, laser: "Laser") -> None:
        board = self.board
        delay_us = laser.qsw_delay_us or 0
        if not board.qsw_delay_low_us <= delay_us <= board.qsw_delay_high_us:
            allowed = f"{board.qsw_delay_low_us} to {board.qsw_delay_high_us} us"
            message = (
                f"qsw_delay of {laser.name} is {delay_us} us; board {board.name} allows {allowed}; change the profile"
            )
            raise PlanError(BOARD_CANNOT, message)
        delay = self._cycles(delay_us, US, f"qsw_delay of {laser.name}")
        done.qsw_delay_cycles = self._first_width(delay, "lamp to Q-switch delay")
        width = self._cycles(laser.qsw_width_ns or 0, NS, f"qsw_width of {laser.name}")
        longest = (1 << board.qsw_width_bits) - 1
        if width > longest:
            shown = units.cycles_text(longest, board.clock_hz)
            message = f"qsw_width of {laser.name} is {width} cycles; board {board.name} allows {longest} ({shown})"
            raise PlanError(BOARD_CANNOT, message)
        done.qsw_width_cycles = width

    def _sync_window(self, done: PassPlan, laser: "Laser") -> None:
        if laser.sync == "at":
            done.sync_open_cycles = laser.sync_earliest_ns() * self.board.clock_hz // NS
            done.sync_close_cycles = units.cycles_up(laser.sync_latest_ns(), NS, self.board.clock_hz)

    def _co2_pulse(self, done: PassPlan, step: "Co2Pass | PairPass", laser: "Laser") -> None:
        tip = self.handpiece
        wavelength = laser.wavelengths_nm[0]
        _offered("wavelength", wavelength, tip.wavelengths_nm, "nm", "handpiece " + tip.name, HANDPIECE_CANNOT)
        spots = tip.co2_spots_um or ()
        _offered("co2_spot", step.co2_spot_um, spots, "um", "handpiece " + tip.name, HANDPIECE_CANNOT)
        pulse = done.co2 = pulse_of(laser, step.co2_energy_uj, tip.co2_transmission_ppm or PPM, step)
        _energy_allowed(laser, pulse)
        gate_ns = laser.gate_ns(pulse.laser_uj) or 0
        gate = units.div_round(gate_ns * self.board.clock_hz, NS)
        longest = self.board.max_gate_cycles
        if not self.board.min_gate_cycles <= gate <= longest:
            message = f"{_mj(pulse.laser_uj)} needs a gate of {units.cycles_text(gate, self.board.clock_hz)}"
            nearest = laser.energy_of_gate_uj(longest * NS // self.board.clock_hz)
            advice = f", {_mj(nearest)}" if nearest else ""
            shown = units.cycles_text(longest, self.board.clock_hz)
            raise PlanError(BOARD_CANNOT, f"{message}; board {self.board.name} allows up to {shown}{advice}")
        done.gate_cycles = gate
        tail = units.cycles_up(laser.tail_us, US, self.board.clock_hz)
        latest = units.cycles_up(laser.light_latest_ns(), NS, self.board.clock_hz)
        pulse.judge_cycles = gate + latest + tail

    def _scan(self, done: PassPlan, step: "Co2Pass | PairPass", laser: "Laser") -> "Generator[None, None, None]":
        size_um = step.size_um or 0
        done.pulses_per_spot = step.pulses_per_spot
        done.co2_area_nm2 = optics.disc_nm2(step.co2_spot_um)
        done.spots = 1
        if step.shape != "point":
            done.co2_area_nm2 = optics.shape_nm2(step.shape, size_um)
            self._count_spots(done, step)
        self._check_scanner(done, step, laser)
        xy, counts = yield from scan.place(step.shape, size_um, done.spots)
        done.closest_um = yield from scan.closest_um(xy, counts)
        if done.spots > 1 and done.closest_um < step.co2_spot_um:
            message = f"spots of {step.co2_spot_um} um would overlap, {done.closest_um} um apart; lower the density"
            raise PlanError(SCANNER_CANNOT, message)
        yield
        done.positions, done.order = yield from scan.arrange(xy, counts, step.order, step.seed)
        del xy, counts  # as long as the arrays that follow
        done.shortest_move_um = yield from scan.shortest_move_um(done.positions)
        reach_um = yield from scan.reach_um(done.positions)
        self._check_field(done, laser, reach_um)
        if done.scanner == "xy":
            done.codes = yield from scan.codes(done.positions, self.handpiece.scan_range_um or 0)

    def _count_spots(self, done: PassPlan, step: "Co2Pass | PairPass") -> None:
        density_ppm = step.density_ppm or 0
        done.asked_density_ppm = density_ppm
        done.ideal_spots_milli = optics.ideal_spots_milli(density_ppm, step.co2_spot_um, done.co2_area_nm2)
        done.spots = optics.spot_count(density_ppm, step.co2_spot_um, done.co2_area_nm2)
        least = units.div_ceil(optics.disc_nm2(step.co2_spot_um) * PPM, 2 * done.co2_area_nm2)
        if done.spots < 1:
            ideal = units.rounded(done.ideal_spots_milli, 1000, 3)
            message = (
                f"density {units.show('ratio', density_ppm, '%')} of this area is {ideal} spots, less than half a spot"
            )
            raise PlanError(
                SCANNER_CANNOT, f"{message}; give at least {units.show('ratio', least, '%')}, or a larger size"
            )
        done.actual_density_ppm = optics.density_ppm(done.spots, step.co2_spot_um, done.co2_area_nm2)

    def _check_scanner(self, done: PassPlan, step: "Co2Pass | PairPass", laser: "Laser") -> None:
        self._check_burst(done.spots * done.pulses_per_spot)
        if done.spots == 1:
            done.scanner = "xy" if laser.scanner == "xy" else "none"
            return
        done.scanner = laser.scanner
        if laser.scanner == "none":
            message = f"the scan has {done.spots} spots, but {laser.name} has no scanner; give shape point"
            raise PlanError(SCANNER_CANNOT, message)
        if laser.scanner == "stepped" and step.order != "raster":
            message = f"order is {step.order}, but {laser.name} steps in its own order; give order raster"
            raise PlanError(SCANNER_CANNOT, message)

    def _check_field(self, done: PassPlan, laser: "Laser", reach_um: int) -> None:
        """Every spot's centre lies within the field of the tip, and within the one the scanner's times hold for."""
        tip = self.handpiece
        field_um, owner = tip.scan_field_um or 0, "handpiece " + tip.name
        if done.scanner != "none" and laser.scan_field_um is not None and laser.scan_field_um < field_um:
            field_um, owner = laser.scan_field_um, laser.name
        if 2 * reach_um > field_um:
            message = (
                f"spots lie up to {reach_um} um from the centre; {owner} allows {field_um // 2} um; give a smaller size"
            )
            raise PlanError(SCANNER_CANNOT, message)

    def _check_burst(self, count: int) -> None:
        if count > self.board.max_burst:
            message = f"a pattern of {count} shots is too long; board {self.board.name} allows {self.board.max_burst}"
            raise PlanError(BOARD_CANNOT, message + "; lower density, size or pulses per spot")

    def _pair(self, done: PassPlan, step: "PairPass") -> None:
        board, laser = self.board, _needed(self.ps, "ps")
        done.pair_from = step.delay_from
        done.verified = step.verified
        done.pair_delay_cycles = self._cycles(step.delay_ns, NS, "delay")
        if step.delay_from == "sync" and laser.sync == "none":
            message = f"delay_from is sync, but {laser.name} gives no sync; give delay_from trigger"
            raise PlanError(LASER_CANNOT, message)
        terms = self._delay_terms(done, laser)
        done.min_pair_delay_cycles = max(_sum(terms), board.pair_min_cycles)
        if done.pair_delay_cycles < done.min_pair_delay_cycles:
            unverified = "" if step.verified else "unverified "
            nearest = units.cycles_text(done.min_pair_delay_cycles, board.clock_hz)
            asked = units.cycles_text(done.pair_delay_cycles, board.clock_hz)
            reason = self._terms_text(terms) or f"the board's least, {nearest}"
            message = f"{unverified}delay {asked} from the {step.delay_from} is too short: {reason}"
            advice = ", or name it unverified (verified false)" if step.verified else ""
            raise PlanError(TOO_FAST, f"{message}; the shortest is {nearest}{advice}")
        if done.pair_delay_cycles > board.pair_max_cycles:
            longest = units.cycles_text(board.pair_max_cycles, board.clock_hz)
            raise PlanError(BOARD_CANNOT, f"delay is too long for board {board.name}; the longest is {longest}")

    def _delay_terms(self, done: PassPlan, laser: "Laser") -> "list[tuple[str, int]]":
        """Return what has to fit into the pair delay, as (name, cycles)."""
        board = self.board
        from_sync = done.pair_from == "sync"
        terms = []
        if done.sync_close_cycles:  # the CO2 permit waits for the sync to be judged
            window = done.sync_close_cycles - (done.sync_open_cycles if from_sync else 0)
            what = "sync window" if from_sync else "sync at latest"
            terms = [(what, window), ("sync check", self._us(board.sync_check_us))]
        if not done.verified:
            return terms
        verdict = [
            ("light at latest", self._light_latest(laser)),
            ("settling", self._us(board.energy_settle_us)),
            ("samples", self._us(board.energy_sample_us)),
            ("decision", self._us(board.decision_us)),
            ("margin", self._us(board.verify_margin_us)),
        ]
        if from_sync:
            verdict.append(("less sync at earliest", -done.sync_open_cycles))
        return verdict if _sum(verdict) >= _sum(terms) else terms

    def _limits(self, done: PassPlan) -> None:
        """Check rates, powers and the period against both lasers and the board."""
        self._check_burst(done.count)
        if done.period_cycles > self.board.max_period_cycles:
            shown = units.cycles_text(self.board.max_period_cycles, self.board.clock_hz)
            raise PlanError(
                BOARD_CANNOT, f"the period is longer than board {self.board.name} allows; the longest is {shown}"
            )
        for pulse in (done.ps, done.co2):
            if pulse is not None:
                self._check_rate(done, pulse)
        for what, terms in self._chains(done):
            total = _sum(terms)
            done.min_period_cycles = max(done.min_period_cycles, total)
            if done.period_cycles < total:
                message = f"{self._rate_text(done)} is too fast for the {what}: {self._terms_text(terms)}"
                raise PlanError(TOO_FAST, f"{message}; {self._fastest(self.board.clock_hz * 1000 // total)}")
        if done.repeat_us:
            self._check_repeat(done)

    def _check_rate(self, done: PassPlan, pulse: Pulse) -> None:
        laser, clock = self.profile(pulse.laser), self.board.clock_hz
        if done.period_cycles * laser.max_rate_mhz < clock * 1000:
            message = f"{self._rate_text(done)} is too fast for {laser.name}"
            raise PlanError(LASER_CANNOT, f"{message}; {self._fastest(laser.max_rate_mhz)}")
        if laser.trigger == "lamp_qswitch":
            low, high = laser.lamp_rates_mhz()
            if not low * done.period_cycles <= clock * 1000 <= high * done.period_cycles:
                allowed = f"{units.show('rate', low, 'Hz')} to {units.show('rate', high, 'Hz')}"
                message = f"{self._rate_text(done)} is off the lamp rate of {laser.name}; allowed: {allowed}"
                raise PlanError(LASER_CANNOT, message)
        if pulse.laser_uj * clock > laser.average_power_mw * 1000 * done.period_cycles:
            power = units.rounded(optics.mean_power_mw(pulse.laser_uj, done.period_cycles, clock), 1000, 3)
            limit = units.show("power", laser.average_power_mw, "W")
            message = f"mean power {power} W is too much for {laser.name}; allowed: {limit}"
            raise PlanError(LASER_CANNOT, f"{message}; {self._fastest(laser.average_power_mw * PPM // pulse.laser_uj)}")

    def _check_repeat(self, done: PassPlan) -> None:
        clock = self.board.clock_hz
        pattern_us = units.div_ceil(done.count * done.period_cycles * US, clock)
        least = pattern_us + self.board.pattern_gap_us
        if done.repeat_us < least:
            asked, shown = units.show("time_us", done.repeat_us, "s"), units.show("time_us", least, "s")
            message = f"repeat_every {asked} is shorter than the pattern and its gap; the shortest is {shown}"
            raise PlanError(TOO_FAST, message)

    def _chains(self, done: PassPlan) -> "Iterator[tuple[str, list[tuple[str, int]]]]":
        """Yield what has to fit into one period: (what, [(name, cycles), ...])."""
        before = []
        if done.ps:
            yield from self._laser_chains(done, done.ps, before)
        if done.co2:
            if done.ps:
                before = self._pair_start(done)
            yield from self._laser_chains(done, done.co2, before)
            if done.scanner != "none" and done.spots > 1:
                yield "scanner", self._scanner_terms(done, done.co2, before)

    def _pair_start(self, done: PassPlan) -> "list[tuple[str, int]]":
        terms = [("pair delay", done.pair_delay_cycles)]
        if done.pair_from == "sync":
            terms.append(("sync at latest", done.sync_close_cycles))
        if done.qsw_delay_cycles:
            terms.append(("lamp to Q-switch", done.qsw_delay_cycles))
        return terms

    def _laser_chains(
        self, done: PassPlan, pulse: Pulse, before: "list[tuple[str, int]]"
    ) -> "Iterator[tuple[str, list[tuple[str, int]]]]":
        board, laser = self.board, self.profile(pulse.laser)
        lead = ("permit lead", done.lead_cycles)
        dead = [("dead time", board.dead_cycles), ("slot", board.slot_cycles)]
        if laser.laser == "co2":
            widths = [("gate", done.gate_cycles)]
            light = [("gate, light and tail", pulse.judge_cycles)]
            sampling = [("decision", self._us(board.co2_decision_us))]
            reset = []
        else:
            widths = [("trigger", done.trigger_width_cycles)]
            light = [("light and settling", pulse.judge_cycles)]
            sampling = [("samples", self._us(board.energy_sample_us)), ("decision", self._us(board.decision_us))]
            reset = [("integrator reset", self._us(board.energy_reset_us))]
            if done.qsw_delay_cycles:
                widths = [("lamp to Q-switch", done.qsw_delay_cycles), ("Q-switch", done.qsw_width_cycles)]
                light = widths[:1] + light
        yield laser.laser + " trigger", before + widths + dead
        yield laser.laser + " energy", before + light + sampling + reset + [lead]
        if laser.ready == "per_shot":
            yield laser.laser + " ready line", before + [("ready again", self._us(laser.ready_within_us or 0)), lead]

    def _scanner_terms(self, done: PassPlan, pulse: Pulse, before: "list[tuple[str, int]]") -> "list[tuple[str, int]]":
        board, laser = self.board, self.profile(pulse.laser)
        wait_us = board.step_wait_us if done.scanner == "stepped" else 0
        return before + [
            ("gate, light and tail", pulse.judge_cycles),
            ("decision", self._us(board.co2_decision_us)),
            ("wait for the step", self._us(wait_us)),
            ("step", self._us(laser.scan_step_us or 0)),
            ("settling", self._us(laser.scan_settle_us or 0)),
            ("permit lead", done.lead_cycles),
        ]

    def _us(self, time_us: int) -> int:
        return units.cycles_up(time_us, US, self.board.clock_hz)

    def _light_latest(self, laser: "Laser") -> int:
        return units.cycles_up(laser.light_latest_ns() + 1000 * laser.tail_us, NS, self.board.clock_hz)

    def _cycles(self, time: int, per_second: int, what: str) -> int:
        """Return an exact number of cycles. PlanError, with the two nearest, when the time is none."""
        clock = self.board.clock_hz
        cycles = units.cycles_exact(time, per_second, clock)
        if cycles is not None:
            return cycles
        below = time * clock // per_second
        near = [units.rounded(count * NS, clock, 3) for count in (below, below + 1)]
        asked = units.rounded(time * NS, per_second, 0)
        message = f"{what} {asked} ns is not a whole number of cycles of {clock} Hz"
        raise PlanError(BOARD_CANNOT, f"{message}; the nearest are {near[0]} and {near[1]} ns")

    def _first_width(self, cycles: int, what: str) -> int:
        low, high = self.board.min_gate_cycles, self.board.max_gate_cycles
        if low <= cycles <= high:
            return cycles
        clock = self.board.clock_hz
        allowed = f"{units.cycles_text(low, clock)} to {units.cycles_text(high, clock)}"
        shown = units.cycles_text(cycles, clock)
        raise PlanError(BOARD_CANNOT, f"{what} of {shown} does not fit board {self.board.name}; allowed: {allowed}")

    def _rate_text(self, done: PassPlan) -> str:
        clock = self.board.clock_hz
        period = units.cycles_text(done.period_cycles, clock)
        return f"rate {units.rounded(clock, done.period_cycles, 3)} Hz (period {period})"

    def _terms_text(self, terms: "list[tuple[str, int]]") -> str:
        texts = []
        for name, cycles in terms:
            sign = "-" if cycles < 0 else ""
            texts.append(f"{name} {sign}{units.cycles_text(abs(cycles), self.board.clock_hz)}")
        return " + ".join(texts)

    def _fastest(self, rate_mhz: int) -> str:
        exact = units.exact_rates(rate_mhz, self.board.clock_hz)[0]
        return f"the fastest exact rate is {units.show('rate', exact, 'Hz')}"

    def _crc(self, plan: Plan) -> "Generator[None, None, int]":
        identity = self._identity
        if identity is None:
            identity = Identity()
            for entry in (self.recipe, self.ps, self.co2, self.handpiece):
                yield from identity.add(entry)
        crc = identity.crc
        crc = yield from _crc_figures(crc, self.board, [name for name, _ in self.board.DEFAULTS])
        for done in plan.passes:
            crc = yield from _crc_figures(crc, done, PASS_FIGURES)
            for pulse in (done.ps, done.co2):
                if pulse is not None:
                    crc = yield from _crc_figures(crc, pulse, PULSE_FIGURES)
            for name in ARRAYS:
                crc = binascii.crc32(getattr(done, name), crc)
        return crc & 0xFFFFFFFF


def _crc_figures(crc: int, owner: "Any", names: "tuple[str, ...] | list[str]") -> "Generator[None, None, int]":
    for name in names:
        crc = binascii.crc32(f"{name}={getattr(owner, name)}\n".encode(), crc)
        yield
    return crc


def compile_plan(
    recipe: "Recipe", ps: "Laser | None", co2: "Laser | None", handpiece: "Handpiece", board: "Board"
) -> Plan:
    """Return the plan of a recipe, in one go. PlanError says what cannot be done, why, and the nearest that can."""
    from tandem.dose.summary import describe

    job = PlanJob(recipe, ps, co2, handpiece, board)
    for _ in job.steps():
        pass
    plan = job.plan
    if plan is None:
        raise PlanError(BOARD_CANNOT, "the plan was not finished; compile it again")
    for _ in describe(job, plan):
        pass
    return plan


def period_cycles(step: "Pass", board: "Board") -> int:
    """Return a pass's period in cycles. PlanError when it is not a whole number of them, with the nearest rates."""
    clock = board.clock_hz
    if step.period_us is not None:
        cycles = units.cycles_exact(step.period_us, US, clock)
        if cycles is None:
            below = step.period_us * clock // US
            near = [units.rounded(count * US, clock, 3) for count in (below, below + 1)]
            message = f"period {step.period_us} us is not a whole number of cycles of {clock} Hz"
            raise PlanError(BOARD_CANNOT, f"{message}; the nearest are {near[0]} and {near[1]} us")
        return cycles
    rate_mhz = step.rate_mhz or 1
    cycles, rest = divmod(clock * 1000, rate_mhz)
    if not rest:
        return cycles
    near = " and ".join([units.show("rate", rate, "Hz") for rate in units.exact_rates(rate_mhz, clock) if rate])
    period = units.show("time_us", units.div_round(1000 * US, rate_mhz), "ms")
    message = f"rate {units.show('rate', rate_mhz, 'Hz')} is {units.rounded(clock * 1000, rate_mhz, 3)} cycles a period"
    advice = f'the nearest exact rates are {near}; or give "period": "{period}" instead of the rate'
    raise PlanError(BOARD_CANNOT, f"{message}, not a whole number; {advice}")


def _warnings(plan: Plan) -> "Iterator[str]":
    for press in plan.presses:
        areas = []
        for index in press:
            done = plan.passes[index]
            areas += [area for area in (done.ps_area_nm2, done.co2_area_nm2) if area]
        if len(areas) > 1 and max(areas) > 2 * min(areas):
            ratio = units.rounded(max(areas), min(areas), 1)
            numbers = " and ".join([str(index + 1) for index in press])
            passes = "pass" if len(press) == 1 else "passes"
            yield f"{passes} {numbers}: areas treated by one press differ {ratio}-fold (more than twofold)"
    for done in plan.passes:
        if done.kind == "pair" and not done.verified:
            yield f"pass {done.number}: UNVERIFIED: the CO2 pulse of a pair does not wait for the ps pulse's energy"


def _needed(laser: "Laser | None", kind: str) -> "Laser":
    if laser is None:
        raise PlanError(
            LASER_CANNOT, f"the pass needs the {kind} laser, but there is no profile of one; choose a profile"
        )
    return laser


def _offered(what: str, value: int, offered: "tuple[int, ...]", unit: str, owner: str, number: int) -> None:
    """Raise PlanError unless ``value`` is among ``offered``; the text lists them, and the nearest."""
    if value in offered:
        return
    if not offered:
        raise PlanError(number, f"{what} {value} {unit} is not offered by {owner}, which offers none; take another")
    nearest = offered[0]
    for one in offered:
        if abs(one - value) < abs(nearest - value):
            nearest = one
    listed = ", ".join([str(one) for one in offered])
    message = f"{what} {value} {unit} is not offered by {owner}, which offers {listed} {unit}"
    raise PlanError(number, f"{message}; the nearest is {nearest} {unit}")


def _energy_allowed(laser: "Laser", pulse: Pulse) -> None:
    if not laser.energy_low_uj <= pulse.laser_uj <= laser.energy_high_uj:
        allowed = f"{_mj(laser.energy_low_uj)} to {_mj(laser.energy_high_uj)}"
        of = "" if pulse.laser_uj == pulse.energy_uj else f" ({_mj(pulse.energy_uj)} at the tissue)"
        message = f"energy {_mj(pulse.laser_uj)}{of} is outside what {laser.name} gives; allowed: {allowed}"
        raise PlanError(LASER_CANNOT, message)


def _mj(energy_uj: int) -> str:
    return units.show("energy", energy_uj, "mJ")


def _sum(terms: "list[tuple[str, int]]") -> int:
    return sum([cycles for _, cycles in terms])
