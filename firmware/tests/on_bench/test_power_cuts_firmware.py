"""Power fails in a session of the whole firmware, and in the first start of a new board: nothing acknowledged is lost.

A session changes a setting in SERVICE, takes a recipe into use, is armed, fires, and goes back to STANDBY, where all of
it goes into flash. It is made once undisturbed; the bench then knows when each record was acknowledged and when each
shot left. Then power fails at operations of flash and shot memory, spread over all phases and kinds; each time the
firmware starts by itself, and what is there is compared with the undisturbed session, record by record. A start takes
4.4 s of the board's time, so operations are drawn here; `test_power_cuts.py` takes all of them, with the same modules.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pytest
from cuts import Outcome, Session, cut_all, read_files
from stage import DRIVEN, NO_TESTFIRE, TRIGGERS, Figure, Stage, flashed, stage
from tandem.record import layout
from tandem_tools.bench import Bench, Operation
from tandem_tools.bench.stand import controller_stand
from tandem_tools.image import pico_image
from tandem_tools.journal import Record, decode

RECIPE = "calcinosis-1-combined"
EMITTED = ("PS_FIRE", "CO2_GATE")
"""One rise a shot."""
SHOTS = 16
IN_FLASH_MS = 1500
"""So long after the last record everything is in flash; the session looks whether it is."""
MEMORY_BYTES = 16384
"""The beginning of the shot memory, more than waits in a session."""
CUTS_A_PHASE = 7
MOMENTS = (0, 2, -1, 1)
"""Which moments of an operation one after the other are cut at: before, in the middle, after, at its beginning."""
ONLY_AT_WORK = {"setting", "login", "open", "shot", "close", "note", "clock", "lost"}
"""Kinds of records that a start never makes."""


DEFAULTS = {
    "arming_ms": "2000",
    "idle_s": "120",
    "testfire": "1",
    "service_pin": "default",
    "service_s": "300",
    "ps_nj_per_count": "145728",
    "co2_nj_per_count": "469",
}
"""Settings of a new board, as they are shown."""


@dataclass(frozen=True)
class Step:
    """The beginning of an operation in the undisturbed session, with the last record that was acknowledged by then."""

    at_ps: int
    phase: str
    kind: str
    acknowledged: int


@dataclass(frozen=True)
class Promise:
    """What is promised at a cut: the last acknowledged record, shots that have left, values that idle_s may have."""

    acknowledged: int
    fired: int
    idle_s: tuple[str, ...]


def waiting(found: Stage) -> list[Record]:
    """Return the records in the shot memory, seen from outside: all up to the zero that ends them."""
    fram = found.bench.part("fram")
    fram.set(view=[0, MEMORY_BYTES])
    memory = bytes.fromhex(fram.probe()["view"])
    at = 0
    while memory[at]:
        at += memory[at + 1] + layout.OVERHEAD
    decoded = decode(memory[:at], "the shot memory")
    assert decoded.wrong == []
    return decoded.records


def kept(found: Stage) -> list[Record]:
    """Return all records, of flash and of shot memory, seen from outside, in the order of their numbers."""
    by_number: dict[int, Record] = {}
    segments = [(path, data) for path, data in read_files(found).items() if path.startswith("/journal/")]
    parts = [decode(data, path) for path, data in sorted(segments)]
    assert [wrong for part in parts for wrong in part.wrong] == []
    for part in parts:
        for record in part.records:
            assert record.seq not in by_number, f"record {record.seq} is twice in flash"
            by_number[record.seq] = record
    for record in waiting(found):
        assert by_number.setdefault(record.seq, record) == record, f"two different records {record.seq}"
    records = [by_number[number] for number in sorted(by_number)]
    assert [record.seq for record in records] == list(range(1, len(records) + 1)), "a gap in the numbers"
    return records


def unclosed(records: list[Record]) -> tuple[int, int] | None:
    """Return the opening record, and the shots after it, of a burst that nothing has closed."""
    opened = None
    for record in records:
        if record.kind == "open":
            opened = (record.seq, 0)
        elif record.kind in ("close", "start"):
            opened = None
        elif record.kind == "shot" and opened:
            opened = (opened[0], opened[1] + 1)
    return opened


class Recorded(Session):
    """A session of the whole firmware that was made once undisturbed, and from then on is known."""

    own = ("/journal/", "/settings")
    settings: Mapping[str, str] = DEFAULTS
    """Before the session."""
    new_idle_s = "120"
    """idle_s after it."""

    def __init__(self, found: Stage) -> None:
        self.phase = ""
        self.set_ps = (0, 0)
        self.booted_ps: int | None = None
        self.steps: list[Step] = []
        found.save("begin")
        acknowledged = max([record.seq for record in kept(found)], default=0)

        def visit(operation: Operation) -> None:
            nonlocal acknowledged
            acknowledged = max([acknowledged, *(record.seq for record in waiting(found))])
            kind = f"{operation.memory} {operation.kind}"
            self.steps.append(Step(found.bench.now_ps, self.phase, kind, acknowledged))

        with found.bench.at_operations(visit):
            self.drive(found)
        self.wanted = kept(found)
        self.steps_end_ps = found.bench.now_ps
        self.fired_ps = [edge.time_ps for edge in found.edges(EMITTED) if edge.level]
        assert {record.kind for record in waiting(found)} <= {"input"}, "at its end all else is in flash"
        found.again("begin")

    def drive(self, stage: Stage) -> None:
        """Do all of it; at the end no start is to be judged, though there was one after each cut."""
        self.act(stage)
        self.booted_ps = None

    def act(self, stage: Stage) -> None:
        """Do what the session consists of, and name its phases."""
        raise NotImplementedError

    def promised(self, stage: Stage) -> Promise:
        """Return what the undisturbed session has promised by this time."""
        now_ps = stage.bench.now_ps
        begun = bisect_right([step.at_ps for step in self.steps], now_ps)
        acknowledged = self.steps[begun - 1].acknowledged if begun else 0
        if now_ps >= self.steps_end_ps:
            acknowledged = len(self.wanted)
        before, after = self.settings["idle_s"], self.new_idle_s
        begin_ps, end_ps = self.set_ps
        idle_s = (before,) if now_ps < begin_ps else (after,) if now_ps >= end_ps else (before, after)
        return Promise(acknowledged, bisect_right(self.fired_ps, now_ps), idle_s)

    def boot(self, stage: Stage) -> None:
        """Wait for STANDBY, and a while longer: a pedal that was held is still held."""
        self.booted_ps = stage.bench.now_ps
        stage.boot()
        stage.bench.run_for(ms=100)

    def judge(self, stage: Stage, promised: Promise) -> None:
        """Compare with the undisturbed session."""
        records = kept(stage)
        if self.booted_ps is None:
            assert records == self.wanted
            return
        at = max(i for i, record in enumerate(records) if record.kind == "start")
        before, since = records[:at], records[at:]
        self.judge_before(before, promised)
        self.judge_start(before, since)
        self.judge_console(stage, records, promised)
        moved = [edge for edge in stage.bench.edges(TRIGGERS + DRIVEN, since_ps=self.booted_ps) if edge.level]
        assert moved == [], "an output moved at the start"

    def judge_before(self, before: list[Record], promised: Promise) -> None:
        """What was acknowledged is there, beside it at most what was under way, and each shot once."""
        last, acknowledged = len(before), promised.acknowledged
        assert acknowledged <= last <= acknowledged + 1, f"{acknowledged} were acknowledged, {last} are there"
        assert before == self.wanted[:last]
        shots = sum(record.kind == "shot" for record in before)
        assert promised.fired - shots in (0, 1), f"{promised.fired} shots have left, {shots} are on record"

    def judge_start(self, before: list[Record], since: list[Record]) -> None:
        """The start is on record, as the next one, and tells what was open."""
        assert {record.boot for record in since} == {max([record.boot for record in before], default=0) + 1}
        assert not {record.kind for record in since} & ONLY_AT_WORK, "the start invented records"
        told = since[0].fields
        assert (told["cause"], told["memory"]) == ("power_on", "fram")
        assert told["settings"] in ("whole", "damaged"), "the settings are lost"
        opened = unclosed(before)
        assert (told.get("unclosed"), told.get("kept")) == (opened or (None, None))

    def judge_console(self, stage: Stage, records: list[Record], promised: Promise) -> None:
        """The controller shows the same records, its settings are old or new, and only people can arm it again."""
        shown = [line[2:] for line in stage.ok("journal show 1", timeout_ms=60_000) if line.startswith("# seq=")]
        assert shown[: len(records)] == [
            f"seq={r.seq} boot={r.boot} uptime_s={r.uptime_ms // 1000}.{r.uptime_ms % 1000:03d} time=unset"
            f" kind={r.kind} {r.text}"
            for r in records
        ]
        lines = stage.ok("settings", timeout_ms=4000)
        values = dict(line.split("name=")[1].split(" unit=")[0].split(" value=") for line in lines if "name=" in line)
        assert values["idle_s"] in promised.idle_s
        assert values == {**self.settings, "idle_s": values["idle_s"]}
        assert stage.state == "STANDBY"
        assert stage.board.command("arm")[-1].startswith("ERROR 21")


class FirstStart(Recorded):
    """A new board starts for the first time: no journal yet, no settings."""

    def act(self, stage: Stage) -> None:
        """Let it start, and move the first records into flash."""
        self.phase = "start"
        stage.boot()
        self.phase = "flash"
        stage.bench.run_for(ms=IN_FLASH_MS)


class Treatment(Recorded):
    """A setting is changed, then a session is armed, delivered and ended."""

    settings = DEFAULTS | NO_TESTFIRE
    new_idle_s = "60"

    def act(self, stage: Stage) -> None:
        """Do it by hand and console."""
        self.phase = "setting"
        stage.ok("service 0000")
        stage.told("state SERVICE")
        begin_ps = stage.bench.now_ps
        stage.ok("set idle_s 60", timeout_ms=4000)
        self.set_ps = (begin_ps, stage.bench.now_ps)
        stage.ok("standby")
        stage.told("state STANDBY")
        self.phase = "arming"
        stage.use(RECIPE)
        stage.arm()
        self.phase = "shots"
        stage.press()
        stage.told("state READY", timeout_ms=4000)
        self.phase = "end"
        stage.release()
        stage.ok("standby")
        stage.told("state STANDBY")
        stage.bench.run_for(ms=IN_FLASH_MS)


def drawn(steps: list[Step], phase: str, count: int) -> dict[int, int]:
    """Return places of operations of a phase, spread evenly over those of each kind, with a moment to cut each at."""
    kinds: dict[str, list[int]] = {}
    for place, step in enumerate(steps):
        if step.phase == phase:
            kinds.setdefault(step.kind, []).append(place)
    each = -(-count // len(kinds))
    places = {found[len(found) * (2 * i + 1) // (2 * each)] for found in kinds.values() for i in range(each)}
    return {place: MOMENTS[i % len(MOMENTS)] for i, place in enumerate(sorted(places))}


def told(outcome: Outcome, session: Recorded, name: str, figure: Figure) -> None:
    figure(f"operations, {name}", len(session.steps), "operations")
    figure(f"power cuts, {name}", outcome.cuts, "cuts")
    figure(f"power cuts after which something was wrong, {name}", len(outcome.failures), "cuts", "0")
    assert outcome.met == len(session.steps), "the session was another one than the undisturbed one"
    assert outcome.failures == [], str(outcome)


FORGETS = """
from tandem.record import journal
def opened(self, was=journal.Journal.open):
    self.end_memory(0)
    return was(self)
journal.Journal.open = opened
"""
"""A prelude: each start forgets what the shot memory holds."""


@pytest.fixture(scope="module")
def treatment() -> Iterator[tuple[Stage, Treatment]]:
    with stage() as found:
        found.bench.run_for(ms=IN_FLASH_MS)
        session = Treatment(found)
        assert len(session.fired_ps) == SHOTS, "the undisturbed session is delivered"
        yield found, session


@pytest.fixture(scope="module")
def first_start() -> Iterator[tuple[Stage, FirstStart]]:
    with Bench(controller_stand(pico_image(), flash=flashed())) as bench:
        found = Stage(bench)
        yield found, FirstStart(found)


@pytest.mark.slow
@pytest.mark.proves("R-JRN-5", "R-JRN-6", "R-SET-1", "R-SUP-8")
@pytest.mark.parametrize("phase", ["setting", "arming", "shots", "end"])
def test_the_whole_firmware_keeps_what_it_acknowledged_when_power_fails(
    treatment: tuple[Stage, Treatment], phase: str, figure: Figure
) -> None:
    found, session = treatment
    only = drawn(session.steps, phase, CUTS_A_PHASE)
    outcome = cut_all(found.again("begin"), session, only=only)
    kinds = {step.kind for step in session.steps if step.phase == phase}
    assert set(outcome.operations) == kinds
    told(outcome, session, f"whole firmware, {phase}", figure)


@pytest.mark.slow
@pytest.mark.proves("R-JRN-5", "R-SET-1", "R-SUP-8")
@pytest.mark.parametrize("half", [0, 1])
def test_a_new_board_comes_up_after_power_failed_in_its_first_start(
    first_start: tuple[Stage, FirstStart], half: int, figure: Figure
) -> None:
    found, session = first_start
    places = range(half, len(session.steps), 2)
    only = {place: MOMENTS[i % len(MOMENTS)] for i, place in enumerate(places)}
    outcome = cut_all(found.again("begin"), session, only=only)
    told(outcome, session, f"first start of a new board, half {half + 1} of 2", figure)


@pytest.mark.slow
def test_a_firmware_that_forgets_shots_is_found() -> None:
    with stage(prelude=FORGETS) as found:
        found.bench.run_for(ms=IN_FLASH_MS)
        session = Treatment(found)
        place = next(place for place, step in enumerate(session.steps) if step.phase == "end")
        outcome = cut_all(found.again("begin"), session, only={place: 0})
        assert len(outcome.failures) == 1
        assert re.match(r"\d+ were acknowledged, \d+ are there", outcome.failures[0].reason), str(outcome)
