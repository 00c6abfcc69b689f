"""A plan as text for people: what was asked beside what will be delivered, with the arithmetic of the dose."""

from tandem.dose import optics
from tandem.units import cycles_text, div_round, rounded, show

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from typing import Any

    from tandem.dose.facts import Given
    from tandem.planned import PassPlan, Plan, Pulse

_NM2_PER_MM2 = 10**12


def describe(given: "Given", plan: "Plan") -> "Generator[None, None, None]":
    """Generator that gives a plan its text, a line at a time."""
    text = []
    for line in lines(given, plan):
        text.append(line)
        yield
    plan.text = "\n".join(text) + "\n"


def lines(given: "Given", plan: "Plan") -> "Iterator[str]":
    """Yield the lines of a plan that was made of this.

    Values marked * are the operator's choice and not from the recipe's source.
    """
    recipe = given.recipe
    yield f"plan {plan.name}, handpiece {given.handpiece.name}, board {given.board.name} at {plan.clock_hz} Hz"
    if recipe.source:
        yield f"source: {recipe.source}"
    if recipe.remark:
        yield f"remark: {recipe.remark}"
    for press in plan.presses:
        for index in press:
            yield from pass_lines(given, plan.passes[index])
        if len(press) > 1:
            numbers = " and ".join([str(index + 1) for index in press])
            yield f"one press runs passes {numbers} at one position, with BOTH LASERS"
    if any(step.not_in_source for step in recipe.passes):
        yield "* the operator's choice, not in the source"
    for warning in plan.warnings:
        yield "WARNING: " + warning


def pass_lines(given: "Given", done: "PassPlan") -> "Iterator[str]":
    """Yield the lines of one pass."""
    step: Any = given.recipe.passes[done.number - 1]
    clock = given.board.clock_hz
    both = ", BOTH LASERS" if done.kind == "pair" else ""
    yield f"pass {done.number}: {done.kind}, pedal {done.pedal}{_mark(step, 'pedal')}{both}"
    if done.ps:
        yield from _ps_lines(given.profile("ps").name, step, done, done.ps)
    if done.co2:
        yield from _co2_lines(given.profile("co2").name, step, done, done.co2, clock)
    if done.kind == "pair":
        yield from _pair_lines(done, clock)
    yield from _time_lines(step, done, clock)


def _ps_lines(name: str, step: "Any", done: "PassPlan", pulse: "Pulse") -> "Iterator[str]":
    power = rounded(optics.peak_power_w(pulse.energy_uj, step.ps_width_ps), 1000000, 0)
    irradiance = rounded(optics.peak_irradiance_w_cm2(step.fluence_uj_cm2, step.ps_width_ps), 10**9, 2)
    area = rounded(done.ps_area_nm2, _NM2_PER_MM2, 2)
    yield _row("ps laser", f"{name}, {step.wavelength_nm} nm, {step.ps_width_ps} ps")
    fluence, spot = show("fluence", step.fluence_uj_cm2, "J/cm2"), show("length", step.ps_spot_um, "mm")
    yield _row("ps fluence", f"{fluence} on {spot} ({area} mm2); {power} MW, {irradiance} GW/cm2")
    yield from _energy_lines("ps energy", pulse)
    dose = show("fluence", done.count * step.fluence_uj_cm2, "J/cm2")
    pulses = f"{done.count} pulses{_mark(step, 'pulses')}"
    yield _row("ps pattern", f"{pulses}, {_mj(done.ps_pattern_uj)}, {dose} in total on one place")


def _co2_lines(name: str, step: "Any", done: "PassPlan", pulse: "Pulse", clock: int) -> "Iterator[str]":
    yield _row(
        "CO2 laser",
        f"{name}, gate {done.gate_cycles} cycles ({cycles_text(done.gate_cycles, clock)})",
    )
    yield from _energy_lines("CO2 energy", pulse)
    fluence = rounded(optics.fluence_uj_cm2(pulse.energy_uj, step.co2_spot_um), 1000000, 0)
    yield _row("CO2 spot", f"{step.co2_spot_um} um, {fluence} J/cm2 a pulse, {done.pulses_per_spot} on each spot")
    area = rounded(done.co2_area_nm2, _NM2_PER_MM2, 3)
    if done.asked_density_ppm:
        size = show("length", step.size_um, "mm")
        yield _row("scan", f"{step.shape}{_mark(step, 'shape')} {size} ({area} mm2)")
        asked, actual = rounded(done.asked_density_ppm, 10000, 2), rounded(done.actual_density_ppm, 10000, 2)
        ideal = rounded(done.ideal_spots_milli, 1000, 2)
        yield _row("density", f"asked {asked} % = {ideal} spots; actual {actual} % = {done.spots} spots")
        seed = f", seed {step.seed}" if step.seed else ""
        order = f"{step.order}{_mark(step, 'order')}{seed}"
        yield _row("order", f"{order}; spots {done.closest_um} um apart, moves of {done.shortest_move_um} um and more")
    else:
        yield _row("scan", f"one spot at the centre ({area} mm2)")
    dose = rounded(optics.area_dose_uj_cm2(done.co2_pattern_uj, done.co2_area_nm2), 1000000, 2)
    power = rounded(optics.mean_power_mw(pulse.energy_uj, done.period_cycles, clock), 1000, 1)
    yield _row(
        "CO2 pattern", f"{done.count} pulses, {_mj(done.co2_pattern_uj)}, area dose {dose} J/cm2, mean {power} W"
    )


def _energy_lines(label: str, pulse: "Pulse") -> "Iterator[str]":
    warn = f"{_mj(pulse.warn_low_uj)} to {_mj(pulse.warn_high_uj)} (+-{show('ratio', pulse.warn_ppm, '%')})"
    stop = f"{_mj(pulse.stop_low_uj)} to {_mj(pulse.stop_high_uj)} (+-{show('ratio', pulse.stop_ppm, '%')})"
    lost = "" if pulse.laser_uj == pulse.energy_uj else f", {_mj(pulse.laser_uj)} at the laser"
    yield _row(label, f"{_mj(pulse.energy_uj)} a pulse{lost}")
    yield _row("", f"warns outside {warn}")
    yield _row("", f"stops outside {stop}")


def _pair_lines(done: "PassPlan", clock: int) -> "Iterator[str]":
    verified = "the ps energy has to pass first" if done.verified else "UNVERIFIED"
    delay = cycles_text(done.pair_delay_cycles, clock)
    yield _row("pair delay", f"{delay} ({done.pair_delay_cycles} cycles) from the ps {done.pair_from}; {verified}")
    yield _row("", f"shortest possible {cycles_text(done.min_pair_delay_cycles, clock)}")


def _time_lines(step: "Any", done: "PassPlan", clock: int) -> "Iterator[str]":
    period = cycles_text(done.period_cycles, clock)
    rate = rounded(clock, done.period_cycles, 3)
    least = cycles_text(done.min_period_cycles, clock)
    yield _row(
        "rate", f"{rate} Hz{_mark(step, 'rate')}, period {period} ({done.period_cycles} cycles), at least {least}"
    )
    if done.qsw_delay_cycles:
        delay = cycles_text(done.qsw_delay_cycles, clock)
        yield _row("Q-switch", f"{delay} after the lamp, {cycles_text(done.qsw_width_cycles, clock)} wide")
    yield _row("duration", f"{cycles_text(done.first_to_last_cycles(), clock)} from first to last trigger")
    if done.repeat_us:
        every = show("time_us", done.repeat_us, "s") + _mark(step, "repeat_every")
        yield _row("repeat", f"every {every} while held, up to {done.patterns_per_press} patterns a press")
    yield _row("limits", f"{done.presses} presses{_mark(step, 'presses')}; {_most(done)}")


def _most(done: "PassPlan") -> str:
    texts = []
    for laser, pulse in (("ps", done.ps), ("co2", done.co2)):
        if pulse:
            total = done.most_pulses(laser)
            texts.append(
                f"at most {total} {laser} pulses, {rounded(div_round(total * pulse.energy_uj, 1000), 1000, 1)} J"
            )
    return "; ".join(texts)


def _mark(step: "Any", key: str) -> str:
    return "*" if key in step.not_in_source else ""


def _row(label: str, text: str) -> str:
    return f"  {label:<12} {text}"


def _mj(energy_uj: int) -> str:
    return rounded(energy_uj, 1000, 1) + " mJ"
