"""Fault injection: one cause at many moments of READY and of FIRING; what moved after it, and how it ended.

Every trial starts from a saved state. What could have come is known to the cycle, from a press that was made to its
end before (`moments.Press`), so that a shot too many, a shot at another moment, a driver that moves without its trigger
and a trigger that rises after SAFE fell are all found. In READY the pedal is pressed after the cause.

Outputs are judged at every moment. Recovery (the cause taken away and the fault cleared, or the watchdog's reset and a
boot) takes seconds of emulated time and is followed to its end at some of the moments; both numbers are in the row.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from random import Random
from typing import Any, Literal

from moments import GUARD_CYCLES, Press
from stage import CYCLES_A_MS, DRIVEN, SHOTS, TRIGGERS, Stage

Flash = Literal["typical", "worst"]
State = Literal["READY", "FIRING"]
Ends = Literal["console", "watchdog", "prompt", "restart"]
Inject = Callable[[Stage, int], int | None]
RecordRow = Callable[["Row"], None]

FLASH_TIMES: tuple[Flash, ...] = ("typical", "worst")
STATES: tuple[State, ...] = ("READY", "FIRING")
COILS = ("PS_SHUTTER", "CO2_SHUTTER")
DRIVER_CYCLES = 4
"""From a trigger's edge to its driver's: 25 ns, in cycles begun."""
LEAD_CYCLES = 400
"""A trial is stopped so many cycles ahead of what is to happen in an exact cycle: the CPU ends its instruction."""
READY_AGE_CYCLES = 250 * CYCLES_A_MS
"""READY has lasted so long, and longer, when a cause comes: everything that it gives time for has come to rest."""
READY_WINDOW_CYCLES = 64 * CYCLES_A_MS
MENDED_MS = 600
"""What the cause's end is given before state and fault are asked for."""
PEDAL_AFTER_MS = 70
FIRST_SHOT_MS = 330
"""A press has made its first shot by then, and the second has not come."""
CYCLE_PS = 8000
PROMPT = ">>> "
SHOT_CYCLES = 2 * CYCLES_A_MS
WATCHDOG_REASON = 0x40058008
TIMED_OUT = 1
ONE_PERMIT = "the one shot that has its permit"
_FAULT_TOLD = re.compile(r"# fault (\d+ \w+):")


@dataclass(frozen=True)
class Cause:
    """What is done to the controller, what it may still do after that, and how it has to end.

    `inject(stage, cycle)` does it: now, or in a cycle that comes in `LEAD_CYCLES` when `exact`; it may return the cycle
    in which it really came, for what has to wait for a step of the program. `most`: shots that may still leave the
    board, `may` says which. `faults`: what may be told, "" for none. `ends`: whether the console lives on, the watchdog
    resets the board, the program ends at the prompt, or a hard reset follows in any case. `cure(stage)` takes the cause
    away. `watch_ms`: how long outputs are watched at least: from FIRING on to the second shot that was due; in READY
    before the pedal is pressed. `passes`: of which passes FIRING moments are drawn.
    """

    group: str
    name: str
    inject: Inject
    faults: tuple[str, ...] = ("",)
    most: int = 0
    may: str = "nothing"
    ends: Ends = "console"
    cure: Callable[[Stage], object] = lambda stage: None
    watch_ms: int = 200
    exact: bool = False
    passes: tuple[str, ...] = ("ps", "co2")
    coils: bool = False
    """Whether the shutters' outputs may rise: a press that the cause does not forbid opens them."""
    shifts: bool = False
    """Whether passes may begin at another moment than planned; within a pass periods are kept to the cycle."""
    press_ms: int = FIRST_SHOT_MS
    """How long READY is watched after the pedal was pressed."""


def one_permit(state: State) -> dict[str, Any]:
    """Return `most` and `may` of a cause that stops the board's next permit: one shot in FIRING has its permit."""
    return {"most": 1, "may": ONE_PERMIT} if state == "FIRING" else {}


@dataclass(frozen=True)
class Row:
    """One line of the campaign's table. Times: the longest found; None where nothing of the kind happened."""

    group: str
    cause: str
    state: str
    flash: str
    moments: int
    recovered: int
    may: str
    moved: list[str]
    shots: int
    guard_cycles: int | None
    low_ms: float | None
    safe_ms: float | None
    reset_ms: float | None
    faults: dict[str, int]
    after: list[str]
    note: str = ""

    def as_data(self) -> dict[str, Any]:
        """Return the row as it is kept in build/campaign.json."""
        return asdict(self)


class Trials:
    """The trials of one cause from one state with flash at one speed. `row` tells what came of all of them."""

    def __init__(self, press: Press, cause: Cause, state: State, flash: Flash) -> None:
        self.press = press
        self.cause = cause
        self.state: State = state
        self.flash: Flash = flash
        self.note = ""
        self._planned = {(net, rise) for net in SHOTS for rise in press.rises[net]}
        self._moments = 0
        self._moved: list[str] = []
        self._shots = 0
        self._guard: list[int] = []
        self._low: list[float] = []
        self._safe: list[float] = []
        self._reset: list[float] = []
        self._faults: Counter[str] = Counter()
        self._after: Counter[str] = Counter()
        self._at_prompt = False

    # --- moments

    def moments(self, cycles: Sequence[int]) -> Iterator[tuple[Stage, int]]:
        """Go to each cycle of the state in turn; between two of them the trial may do what it likes."""
        stage = self.press.stage.again("ready" if self.state == "READY" else "pressed")
        lead = LEAD_CYCLES if self.cause.exact else 0
        for cycle in sorted(cycles):
            if self.state == "FIRING" and self.press.saved_before(cycle - lead) > stage.cycle:
                self.press.at(cycle - lead)
            elif cycle - lead > stage.cycle:
                stage.run_to(cycle - lead)
            stage.board.set_flash_times(self.flash)
            state = stage.bench.save()
            yield stage, cycle if self.cause.exact else stage.cycle
            stage.bench.restore(state)
            stage.bench.drop(state)

    # --- judging

    def judge(self, stage: Stage, since: int) -> None:
        """Take one trial's edges into account, from the cause's cycle up to now."""
        edges = stage.edges((*TRIGGERS, *DRIVEN, *COILS, "SAFE"), since=since)
        fell = next((edge.cycle for edge in edges if edge.net == "SAFE" and not edge.level), None)
        rises = {(edge.net, edge.cycle) for edge in edges if edge.level}
        shots = [rise for rise in rises if rise[0] in SHOTS]
        pulses = [rise for rise in shots if rise[0] != "PS_QSW"]
        wrong = self._out_of_plan(shots)
        if len(pulses) > self.cause.most:
            wrong += [net for net, _ in pulses]
        wrong += [net for net, cycle in rises if net in DRIVEN and not self._made(rises, net, cycle, since)]
        if not self.cause.coils:
            wrong += [net for net, _ in rises if net in COILS]
        if fell is not None:
            wrong += self._after_safe(edges, fell)
        wrong += stage.high(TRIGGERS + DRIVEN)
        self._moved += [f"{net} at {since}" for net in wrong]
        self._moments += 1
        self._shots = max(self._shots, len(pulses))
        lows = [edge.cycle for edge in edges if not edge.level and edge.net in SHOTS + DRIVEN]
        self._low.append((max(lows) - since) / CYCLES_A_MS if lows else 0.0)
        said = stage.board.read().decode(errors="replace")
        told = _FAULT_TOLD.findall(said)
        self._faults[told[-1] if told else ""] += 1
        self._at_prompt = said.endswith(PROMPT)

    def _out_of_plan(self, shots: list[tuple[str, int]]) -> list[str]:
        """Return the triggers that rose in another cycle than planned."""
        if self.state == "FIRING" and not self.cause.shifts:
            return [net for net, cycle in shots if (net, cycle) not in self._planned]
        wrong: list[str] = []
        for net in SHOTS:
            cycles = sorted(cycle for other, cycle in shots if other == net)
            wrong += [net for a, b in pairwise(cycles) if b - a != self.press.rises[net][1] - self.press.rises[net][0]]
        return wrong

    def _made(self, rises: set[tuple[str, int]], driver: str, cycle: int, since: int) -> bool:
        """Tell whether a driver's rise follows its trigger's; one that rose just before the cause counts too."""
        if cycle <= since + DRIVER_CYCLES:
            return True
        net = driver.removesuffix("_DRV")
        return any((net, cycle - late) in rises for late in range(DRIVER_CYCLES + 1))

    def _after_safe(self, edges: list[Any], fell: int) -> list[str]:
        """Return what moved too late after SAFE fell, and keep how long the guard took."""
        changes = [edge for edge in edges if edge.cycle >= fell]
        held = [edge.cycle - fell for edge in changes if edge.net in TRIGGERS]
        self._guard += held
        late = [edge.net for edge in changes if edge.net in TRIGGERS and edge.cycle > fell + GUARD_CYCLES]
        return late + [e.net for e in changes if e.net in DRIVEN and e.cycle > fell + GUARD_CYCLES + DRIVER_CYCLES]

    # --- recovery

    def recover(self, stage: Stage, cause_ps: int) -> None:
        """Follow a trial, already judged, to its end; keep state and fault found there."""
        since = stage.cycle
        if self.cause.ends == "watchdog":
            told = self._reset_by_watchdog(stage, cause_ps)
        elif self.cause.ends == "prompt":
            self._safe_opens(stage, cause_ps)
            told = self._restarted(stage)
        elif self.cause.ends == "restart":
            told = self._restarted(stage)
        else:
            told = self._cleared(stage)
        self._after[told] += 1
        wrong = [net for net in TRIGGERS + DRIVEN if net != "SYNC_OUT" and stage.rises(net, since + 1)]
        self._moved += [f"{net} after {since}" for net in wrong + stage.high(TRIGGERS + DRIVEN)]

    def _safe_opens(self, stage: Stage, cause_ps: int) -> None:
        stage.bench.run_until(net="SAFE", level=0, timeout_ms=700)
        fell_ps = [edge.time_ps for edge in stage.edges("SAFE") if not edge.level][-1]
        self._safe.append((fell_ps - cause_ps) / 1e9)

    def _reset_by_watchdog(self, stage: Stage, cause_ps: int) -> str:
        """See SAFE open and the watchdog reset the board; the pedal stays as it is through reset and boot."""
        self._safe_opens(stage, cause_ps)
        assert stage.board.word(WATCHDOG_REASON) != TIMED_OUT
        while stage.board.word(WATCHDOG_REASON) != TIMED_OUT:
            stage.bench.run_for(ms=5)
            assert stage.bench.now_ps - cause_ps < 1.5e12, f"{self.cause.name}: no reset by the watchdog"
        self._reset.append((stage.bench.now_ps - cause_ps) / 1e9)
        stage.board.resume_cpu()
        self.cause.cure(stage)
        return self._booted(stage) + " after the watchdog's reset"

    def _restarted(self, stage: Stage) -> str:
        """See that nothing happens by itself; a hard reset starts the program again, which may have ended."""
        stage.bench.run_for(ms=700)
        assert stage.board.word(WATCHDOG_REASON) == 0, f"{self.cause.name}: the watchdog bit at the prompt"
        assert self._at_prompt or self.cause.ends == "restart", f"{self.cause.name}: not at the prompt"
        self.cause.cure(stage)
        stage.board.reset("run_pin")
        before = "prompt, outputs safe; " if self._at_prompt else ""
        return before + self._booted(stage) + " after a hard reset"

    def _booted(self, stage: Stage) -> str:
        stage.boot()
        stage.bench.run_for(ms=FIRST_SHOT_MS)
        return standing(stage)

    def _cleared(self, stage: Stage) -> str:
        """Take the cause away, look at state and fault, and clear it."""
        self.cause.cure(stage)
        stage.release()
        stage.bench.run_for(ms=MENDED_MS)
        found = standing(stage)
        if not found.startswith("FAULT"):
            return found
        stage.ok("clear")
        stage.bench.run_for(ms=50)
        return f"{found}; cleared: {standing(stage)}"

    # --- the result

    def row(self) -> Row:
        """Return the line of the table. AssertionError when a fault was told that may not be, or nothing was tried."""
        assert self._moments > 0
        cause = self.cause
        odd = {fault: count for fault, count in self._faults.items() if fault not in cause.faults}
        assert not odd, f"{cause.name} from {self.state}: told {odd}, expected {cause.faults}"
        return Row(
            group=cause.group,
            cause=cause.name,
            state=self.state,
            flash=self.flash,
            moments=self._moments,
            recovered=self._after.total(),
            may=cause.may,
            moved=sorted(set(self._moved)),
            shots=self._shots,
            guard_cycles=max(self._guard, default=None),
            low_ms=_longest(self._low),
            safe_ms=_longest(self._safe),
            reset_ms=_longest(self._reset),
            faults=dict(sorted(self._faults.items())),
            after=sorted(self._after),
            note=self.note,
        )


def _longest(found: list[float]) -> float | None:
    return round(max(found), 3) if found else None


def standing(stage: Stage) -> str:
    """Return the state that the console tells, with the fault that is present."""
    return f"{stage.state} {stage.fault}".strip()


def drawn(press: Press, cause: Cause, state: State, flash: Flash, count: int) -> list[int]:
    """Draw cycles evenly: of 64 ms of READY; of the firing ps pass and CO2 scan, as many of each."""
    random = Random(f"{cause.name} {state} {flash}")
    ps, co2, ready = press.ps, press.co2, press.start + READY_AGE_CYCLES
    spans = {"READY": (ready, ready + READY_WINDOW_CYCLES), "ps": (ps[0], ps[-1]), "co2": (ps[-1], co2[-1])}
    chosen = cause.passes if state == "FIRING" else ("READY",)
    return [
        random.randrange(spans[chosen[i % len(chosen)]][0] + LEAD_CYCLES, spans[chosen[i % len(chosen)]][1])
        for i in range(count)
    ]


def watched_to(press: Press, cause: Cause, cycle: int) -> int:
    """Return the cycle up to which a trial in FIRING is judged: past the second shot that was due after the cause."""
    due = [rise for rise in sorted(press.ps + press.co2) if rise > cycle]
    end = due[1] + SHOT_CYCLES if len(due) > 1 else press.end
    return max(end, cycle + cause.watch_ms * CYCLES_A_MS)


def tried(
    press: Press, cause: Cause, state: State, flash: Flash, cycles: int | Sequence[int], recoveries: int = 1
) -> Trials:
    """Inject the cause at so many drawn moments, or in these cycles; judge all, follow some (spread evenly) to the end.

    In READY the pedal is pressed 70 ms after the cause, and held; a press that was not stopped fires once meanwhile.
    """
    trials = Trials(press, cause, state, flash)
    moments = drawn(press, cause, state, flash, cycles) if isinstance(cycles, int) else cycles
    followed = {len(moments) * (2 * i + 1) // (2 * recoveries) for i in range(recoveries)}
    for number, (stage, cycle) in enumerate(trials.moments(moments)):
        stage.board.read()
        cause_ps = stage.bench.now_ps + (cycle - stage.cycle) * CYCLE_PS
        came = cause.inject(stage, cycle)
        if came is not None:
            cause_ps += (came - cycle) * CYCLE_PS
            cycle = came
        if state == "READY":
            stage.run_to(cycle + max(PEDAL_AFTER_MS, cause.watch_ms) * CYCLES_A_MS)
            stage.press()
            stage.bench.run_for(ms=cause.press_ms)
        else:
            stage.run_to(watched_to(press, cause, cycle))
        trials.judge(stage, cycle)
        if number in followed:
            trials.recover(stage, cause_ps)
    return trials


def checked(trials: Trials, record: RecordRow) -> Row:
    """Record the trials' row; nothing may have moved that may not."""
    row = trials.row()
    record(row)
    assert row.moved == [], f"{row.cause} from {row.state}, flash {row.flash}: moved {row.moved[:20]}"
    return row
