"""`tandem demo`: the published session on an emulated Pico, from flashing to the report.

The firmware is put on the board by `tandem flash`, with the real mpremote. After that nothing depends on the computer's
speed: the board is switched off and on, and every step runs in the bench's own time.
"""

from __future__ import annotations

import json
import platform
import re
import sys
from importlib.metadata import version as package_version
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console

from tandem_tools.bench import Bench, BenchError, BenchTimeout, Board, Edge, ensure_engine
from tandem_tools.bench.stand import CONTROLLER, controller_stand
from tandem_tools.flash import FlashResult, flash
from tandem_tools.flash.install import ProgressReport
from tandem_tools.flash.program import ROOT
from tandem_tools.image import pico_image
from tandem_tools.report import (
    PlannedPass,
    Pulse,
    SessionRecord,
    Shot,
    Trigger,
    Wave,
    print_session,
    timing_svg,
    write_page,
)
from tandem_tools.report.record import LaserName

RECIPE = "calcinosis-1-combined"
STAND_OPTIONS = {"ps_laser": {"noise_percent": 2.5}, "co2_laser": {"noise_percent": 2}}
"""Lasers that vary a little from shot to shot, always in the same way."""

WAVE_NETS = (
    "FOOT_NO", "SAFE", "PS_SHUTTER_OPEN", "CO2_SHUTTER_OPEN", "PS_FIRE", "CO2_GATE", "SCAN_OK", "SYNC_OUT", "DAC_CS",
)  # fmt: skip
TRIGGER_NETS: dict[LaserName, str] = {"ps": "PS_FIRE", "co2": "CO2_GATE"}
READY_TIMEOUT_MS = 6_000
SESSION_TIMEOUT_MS = 20_000
COMMAND_TIMEOUT_MS = 10_000
BUTTON_MS = 150
AFTER_MS = 100
RELEASED_MS = 400
"""The pedal has to be seen released for 300 ms before it counts."""
WEAK_FACTOR = 0.6
FIELD = re.compile(r'(\w+)=("[^"]*"|\S+)')


def run_demo(out: Path, progress: ProgressReport, weak_shot: int | None = None) -> bool:
    """Run the demonstration; write report.html, timing.svg, session.json and session.vcd into `out`.

    :param weak_shot: number of a CO2 shot, from 1, that comes out at 60 % of its energy, to show how a session stops.
    :returns: whether the session was delivered as planned, as measured on the wires.
    :raises FlashError, BenchError, ImageError: when it cannot be run at all.
    """
    console = Console()
    out.mkdir(parents=True, exist_ok=True)
    ensure_engine()
    with Bench(controller_stand(pico_image(), options=STAND_OPTIONS)) as bench:
        board = bench.board(CONTROLLER)
        with bench.free_running():
            flashed = flash(board.port, progress=progress)
        board.close_port()
        progress("delivering the session", 0, 0)
        record = deliver(bench, flashed, weak_shot)
        bench.write_vcd(out / "session.vcd")
    record.save(out / "session.json")
    write_page(record, out / "report.html")
    (out / "timing.svg").write_text(timing_svg(record, standalone=True))
    measured = print_session(record, console)
    console.print(f"Report: {out / 'report.html'}   Signals: {out / 'session.vcd'}", highlight=False, soft_wrap=True)
    return measured.delivered


def co2_shots(recipe: str = RECIPE) -> int:
    """Return how many CO2 shots the recipe's plan has."""
    return sum(p.count for p in _planned(_host_plan(recipe)) if p.laser == "co2")


def deliver(bench: Bench, flashed: FlashResult, weak_shot: int | None = None, recipe: str = RECIPE) -> SessionRecord:
    """Switch a flashed board on, load the recipe, arm, press the pedal until it is over; return what happened.

    :raises BenchError: when the board does not get as far as firing, with what it said.
    """
    board = bench.board(CONTROLLER)
    board.reset("power")
    talk = _Talk(bench, board)
    talk.wait_for(("STANDBY",), READY_TIMEOUT_MS)
    versions = _versions(talk.command("version")[-1], flashed)
    recipe_lines = talk.command(f"recipe show {recipe}")
    plan_name = dict(FIELD.findall(talk.command(f"recipe use {recipe}")[-1]))["recipe"]
    plan_text = talk.command("plan")[:-1]
    if weak_shot is not None:
        tested = [None]  # the test fire's
        bench.part("co2_laser").set(next=tested + [None] * (weak_shot - 1) + [{"factor": WEAK_FACTOR}])
    _test_fire(bench, talk)
    _arm(bench, talk)
    window = _press_pedal(bench, board, talk)
    shots = tuple(_shot(line) for line in talk.command("shots") if line.startswith("# shot="))
    fault = {k: v.strip('"') for line in talk.command("faults")[:-1] for k, v in FIELD.findall(line)}
    talk.command("status")
    host_plan = _host_plan(recipe)
    return SessionRecord(
        recipe=recipe,
        source=next(dict(FIELD.findall(line))["source"].strip('"') for line in recipe_lines if "source=" in line),
        plan_name=plan_name,
        host_plan_name=host_plan.plan.name,
        plan_text=tuple(line.removeprefix("# ") for line in plan_text),
        clock_hz=host_plan.plan.clock_hz,
        passes=tuple(_planned(host_plan)),
        shots=shots,
        triggers=tuple(_triggers(bench)),
        pulses=tuple(_pulses(bench, window.began_ps)),
        waves=tuple(_waves(bench, window)),
        began_cycle=window.began_cycle,
        ended_cycle=window.ended_cycle,
        state=talk.state,
        because=talk.because,
        fault=fault,
        conflicts=len(bench.conflicts()),
        versions=versions,
        transcript=tuple(talk.transcript),
    )


class Window(NamedTuple):
    """The time from the pedal's press to the end, and the levels when recording began."""

    began_cycle: int
    began_ps: int
    ended_cycle: int
    levels: dict[str, int]


class _Talk:
    """The console, typed at in the bench's own time. Keeps everything said, and the last state that was told."""

    def __init__(self, bench: Bench, board: Board) -> None:
        self._bench = bench
        self._board = board
        self.transcript: list[str] = []
        self.state = ""
        self.because = ""

    def command(self, line: str) -> list[str]:
        """Return the reply's lines with OK as the last; remarks that came in between are taken out."""
        self.transcript.append(f"> {line}")
        lines = self._board.command(line, timeout_ms=COMMAND_TIMEOUT_MS)
        reply = [text for text in lines if text and not self._hear(text)]
        if not reply[-1].startswith("OK"):
            raise BenchError(f"the board answered to {line!r}: {reply[-1]}")
        return [text for text in reply if text != line]

    def wait_for(self, states: tuple[str, ...], timeout_ms: float) -> None:
        """Let time pass until one of the states is told. Raises BenchError with what was said instead."""
        end_ps = self._bench.now_ps + int(timeout_ms * 1e9)
        while True:
            left_ms = (end_ps - self._bench.now_ps) / 1e9
            try:
                text = self._board.read_until(b"\n", timeout_ms=max(left_ms, 0)).decode(errors="replace").strip()
            except BenchTimeout as error:
                said = "\n".join(self.transcript[-12:])
                raise BenchError(
                    f"the board is not in {' or '.join(states)} after {timeout_ms} ms; it said:\n{said}"
                ) from error
            if self._hear(text) and self.state in states:
                return

    def _hear(self, text: str) -> bool:
        """Keep a line; tell whether it is a remark that a state was entered (a fault's names its number instead)."""
        self.transcript.append(text)
        found = re.match(r"# (?:state (\w+)|fault \d+ \w+): (.*)", text)
        if found:
            self.state, self.because = found[1] or "FAULT", found[2]
        return found is not None


def _test_fire(bench: Bench, talk: _Talk) -> None:
    """Fire one shot of each laser into the meter port, without which no treatment is armed."""
    _arm(bench, talk)
    bench.run_for(ms=AFTER_MS + RELEASED_MS)
    talk.transcript.append("(pedal pressed: test fire)")
    bench.part("pedal").press()
    talk.wait_for(("STANDBY", "FAULT"), SESSION_TIMEOUT_MS)
    talk.transcript.append("(pedal released)")
    bench.part("pedal").release()
    bench.run_for(ms=RELEASED_MS)


def _arm(bench: Bench, talk: _Talk) -> None:
    """Press ARM and wait until the controller is ready to fire."""
    bench.run_for(ms=500)
    bench.clear_edges()
    talk.transcript.append("(button ARM pressed)")
    bench.part("buttons").set(ARM=True)
    bench.run_for(ms=BUTTON_MS)
    bench.part("buttons").set(ARM=False)
    talk.wait_for(("READY",), READY_TIMEOUT_MS)


def _press_pedal(bench: Bench, board: Board, talk: _Talk) -> Window:
    """Hold the pedal down until the pattern is over, or something stopped it."""
    bench.run_for(ms=AFTER_MS)
    bench.clear_edges()
    levels = bench.levels(WAVE_NETS)
    bench.run_for(ms=AFTER_MS)
    began, began_ps = board.cycle, bench.now_ps
    talk.transcript.append("(pedal pressed)")
    bench.part("pedal").press()
    talk.wait_for(("FIRING",), READY_TIMEOUT_MS)
    talk.wait_for(("READY", "STANDBY", "FAULT"), SESSION_TIMEOUT_MS)
    ended = board.cycle
    bench.run_for(ms=AFTER_MS)
    talk.transcript.append("(pedal released)")
    bench.part("pedal").release()
    bench.run_for(ms=AFTER_MS)
    return Window(began, began_ps, ended, levels)


def _host_plan(recipe: str) -> Any:
    """Compile the recipe on this computer with the firmware's own code, as the board does."""
    folder = str(ROOT / "firmware")
    if folder not in sys.path:
        sys.path.insert(0, folder)
    from tandem.dose import handpiece, laser, plan
    from tandem.dose.board import Board as Capabilities
    from tandem.dose.recipe import BUILT_IN

    tip = handpiece.generic_combined()
    job = plan.PlanJob(BUILT_IN[recipe](), laser.generic_ps_1064(), laser.generic_co2_240w(), tip, Capabilities())
    for _ in job.steps():
        pass
    return job


def _planned(job: Any) -> list[PlannedPass]:
    """Return the passes of a job that was carried out, one for each laser."""
    found: list[PlannedPass] = []
    for p, step in zip(job.plan.passes, job.recipe.passes, strict=True):
        pulses: dict[LaserName, Any] = {"ps": p.ps, "co2": p.co2}
        for laser, pulse in pulses.items():
            if pulse is None:
                continue
            co2 = laser == "co2"
            spots = (
                [(p.positions[2 * p.spot(i)], p.positions[2 * p.spot(i) + 1]) for i in range(p.count)] if co2 else []
            )
            found.append(
                PlannedPass(
                    number=p.number,
                    laser=laser,
                    count=p.count,
                    period_cycles=p.period_cycles,
                    energy_uj=pulse.energy_uj,
                    warn_low_uj=pulse.warn_low_uj,
                    warn_high_uj=pulse.warn_high_uj,
                    stop_low_uj=pulse.stop_low_uj,
                    stop_high_uj=pulse.stop_high_uj,
                    spot_um=step.co2_spot_um if co2 else step.ps_spot_um,
                    scan_shape=step.shape if co2 else "",
                    scan_um=(step.size_um or 0) if co2 else 0,
                    positions=tuple(spots),
                )
            )
    return found


def _shot(line: str) -> Shot:
    """Return the shot that a line of `shots` tells."""
    f = dict(FIELD.findall(line))
    return Shot(
        number=int(f["shot"]),
        pass_number=int(f["pass"]),
        index=int(f["number"]),
        laser="ps" if f["laser"] == "ps" else "co2",
        energy_uj=int(f["energy_uj"]),
        verdict=f["verdict"],
        deviation_permille=int(f["deviation_permille"]),
    )


def _triggers(bench: Bench) -> list[Trigger]:
    """Return the rises of the trigger pins with their widths, in order; a pin that is still high has no width yet."""
    found = []
    for laser, net in TRIGGER_NETS.items():
        edges = bench.edges(net)
        falls = [e.cycle for e in edges if not e.level]
        for rise in (e.cycle for e in edges if e.level):
            fall = next((cycle for cycle in falls if cycle > rise), rise)
            found.append(Trigger(laser, rise, fall - rise))
    return sorted(found, key=lambda t: t.cycle)


def _pulses(bench: Bench, since_ps: int) -> list[Pulse]:
    """Return what the emulated lasers made since a moment, and where it landed."""
    ps, co2 = (
        [p for p in bench.part(name).probe()["pulses"] if p["ps"] >= since_ps] for name in ("ps_laser", "co2_laser")
    )
    found = [Pulse("ps", p["energy_mj"] * 1000, p["target"]) for p in ps]
    for p in co2:
        whole = p["delivered_mj"] > 0.99 * p["energy_mj"]
        found.append(Pulse("co2", p["energy_mj"] * 1000, whole, p["x_mm"] * 1000, p["y_mm"] * 1000, p["moved"]))
    return found


def _waves(bench: Bench, window: Window) -> list[Wave]:
    """Return the signals of the timing diagram, from 0.1 s before the pedal to its release."""
    edges: dict[str, list[Edge]] = {net: [] for net in WAVE_NETS}
    for edge in bench.edges(WAVE_NETS):
        edges[edge.net].append(edge)
    return [Wave(net, window.levels[net], tuple((e.cycle, e.level) for e in edges[net])) for net in WAVE_NETS]


def _versions(reply: str, flashed: FlashResult) -> dict[str, str]:
    """Return the facts of the run, by the names that the report shows."""
    fields = {k: v.strip('"') for k, v in FIELD.findall(reply)}
    engine = json.loads((ROOT / "host_tools/tandem_tools/bench/engine/package.json").read_text())
    return {
        "Firmware": f"Tandem {fields['tandem']}, program {fields['hash']}",
        "Interpreter": fields["micropython"],
        "Board": f"{fields['board']}: {flashed.machine}, emulated with rp2040js {engine['dependencies']['rp2040js']}",
        "Put there by": f"mpremote {package_version('mpremote')}: {flashed.files} files",
        "Host tools": f"tandem-tools {package_version('tandem-tools')} on Python {platform.python_version()}",
    }
