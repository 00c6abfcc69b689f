"""Power may fail at any instant: of journal and settings nothing acknowledged is lost, and nothing is torn or invented.

A scripted session writes settings, opens bursts and fires shots into the journal, closes them, moves all of it from the
shot memory into flash, over several segments, and removes pulled ones. Power fails at each operation of flash and shot
memory that it makes. After each cut the board boots, recovers as at every start, and is judged record by record.
"""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from cuts import Outcome, RawSession, cut_all, read_files
from stage import Figure, Stage
from tandem.record import text

SHARES = 6

PROGRAM = """
import binascii, json
from tandem.io import rp2_chain, rp2_crc
from tandem.record import journal, layout, settings
{memory}
bus = rp2_chain.open_bus()
def opened():
    j = journal.Journal(journal.Folder("journal"), Memory(), rp2_crc, 700, {most})
    for _ in j.open():
        pass
    s = settings.Settings(settings.FileSlots("settings"))
    s.open()
    return j, s
def flush():
    acknowledged[3] = j.seq - 1
    while not j.flush():
        pass
    acknowledged[0] = j.acknowledged
def note(kind, text):
    j.note(kind, text)
    acknowledged[0] = j.acknowledged
j, s = opened()
"""
"""Segments of 700 bytes, `most` of them."""

HANDS = """
ms = 0
def turn():
    global ms
    ms += 137
    j.tick(ms)
def change(value):
    s.change("idle_s", str(value))
    acknowledged[1] = value
    note(layout.SETTING, "idle_s=%d" % value)
def burst(plan, shots):
    note(layout.OPEN, "plan=%08x count=%d" % (plan, shots))
    for i in range(shots):
        turn()
        j.shot(1 + plan % 2, plan % 2, i % 8, i, 90000 + i)
        acknowledged[0] = j.acknowledged
    note(layout.CLOSE, "plan=%08x shots=%d" % (plan, shots))
def start():
    note(layout.START, "cause=power program=0123456789abcdef")
"""
"""What the sessions are made of."""

SHORT = """
start()
flush()
change(100)
change(101)
burst(1, 3)
flush()
burst(2, 2)
"""

SESSION = """
start()
flush()
change(100)
change(101)
flush()
burst(0x1234567, 8)
j.change(3, 7)
acknowledged[0] = j.acknowledged
flush()
burst(0x89abcde, 14)
change(102)
flush()
j, s = opened()
start()
j.set_clock(200000000)
acknowledged[0] = j.acknowledged
burst(0x13579bd, 6)
flush()
acknowledged[2] = j.seq - 1
j.pulled(j.seq - 1)
acknowledged[0] = j.acknowledged
for plan in range(3):
    burst(plan, 10)
    flush()
change(103)
burst(7, 3)
"""

LOOK = """
from tandem.record import reading
def records(journal):
    found = []
    for place in reading.records(journal):
        if place:
            buffer, at = place
            found.append(bytes(buffer[at : at + buffer[at + 1] + layout.OVERHEAD]))
    return found
now = records(j)
for record in now:
    print(binascii.hexlify(record).decode())
values = [s.values[row[0]] for row in settings.SETTINGS]
about = dict(seq=j.seq, boot=j.boot, lost=j.lost, damaged=j.damaged, unclosed=unclosed, values=values, settings=s.lost)
about["again"] = now == records(opened()[0])
print("about", json.dumps(about))
"""

RECOVER = """
from array import array
acknowledged = array("I", (0, 0, 0, 0))
unclosed = j.unclosed
note(layout.START, "cause=recovered")
flush()
"""

DEFAULTS = [2000, 120, 1, "0000", 300, 145_728, 469]
IDLE = 1
"""Place of the changed setting among the values."""


class Records(RawSession):
    """The journal and the settings, as the firmware has them, on a board with shot memory."""

    own = ("/journal/", "/settings")
    memory = "from tandem.io.rp2_fram import FramMemory as Memory"
    script = HANDS + SESSION
    most = 6
    """Segments: so few that the session has to remove those that were pulled."""

    def __init__(self, stage: Stage) -> None:
        super().__init__()
        self.use(24)
        self.drive(stage)
        self.wanted, _ = self.look(stage)
        self.idle = [120, 100, 101, 102, 103]
        stage.again("repl")
        self.use(self.most)

    def use(self, most: int) -> None:
        program = PROGRAM.replace("{memory}", self.memory).replace("{most}", str(most))
        self.setup = "acknowledged = array('I', (0, 120, 0, 0))\nunclosed = None\n" + program
        self.recovery = program + RECOVER

    def look(self, stage: Stage) -> tuple[list[str], dict[str, Any]]:
        """Return the journal's records as lines, and what else there is to see."""
        *records, about = stage.board.exec_raw(LOOK).splitlines()
        try:
            lines = [text.line(bytes.fromhex(record), 0) for record in records]
        except (ValueError, IndexError) as error:
            raise AssertionError(f"a record that cannot be read ({error}): {records}") from None
        return lines, json.loads(about.removeprefix("about "))

    def promised(self, stage: Stage) -> tuple[int, ...]:
        """Return the last acknowledged record, the setting in use, which records may be removed, which may be there."""
        if not self.address:
            return (0, 120, 0, 0)
        data = stage.board.memory(self.address, 16)
        return tuple(int.from_bytes(data[at : at + 4], "little") for at in (0, 4, 8, 12))

    def judge(self, stage: Stage, promised: tuple[int, ...]) -> None:
        """Compare each record with that of the undisturbed session."""
        acknowledged, idle, removable, begun = promised
        records, about = self.look(stage)
        numbers = [int(field(line, "seq")) for line in records]
        starts = [line for line in records if "cause=recovered" in line]
        kept = records[: len(records) - len(starts)]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers))), f"a gap or a repetition: {numbers}"
        assert starts == records[len(kept) :], "a start stands among what was before it"
        assert numbers[0] <= removable + 1, f"records 1 to {numbers[0] - 1} are gone, {removable} were pulled"
        last = numbers[0] + len(kept) - 1
        if starts:
            self.judge_last(last, acknowledged, begun)
        else:
            assert last == len(self.wanted), "undisturbed, the session ends with its last record"
        for line, number in zip(kept, numbers, strict=False):
            assert line == self.wanted[number - 1], f"record {number} is {line}"
        self.judge_about(about, records, idle)
        if starts:
            wanted = unclosed(records[:-1])
            assert about["unclosed"] == wanted, f"unclosed is {about['unclosed']}, it should be {wanted}"
            assert about["again"], "the journal reads back differently when it is opened once more"

    def judge_last(self, last: int, acknowledged: int, begun: int) -> None:
        """At most the record that was under way is there beside the acknowledged ones."""
        assert acknowledged <= last <= acknowledged + 1, f"{acknowledged} were acknowledged, {last} are there"

    def judge_about(self, about: dict[str, Any], records: list[str], idle: int) -> None:
        faults = {key: about[key] for key in ("lost", "damaged", "settings") if about[key]}
        assert not faults, f"found at the start: {faults}"
        last = field(records[-1], "seq")
        assert about["seq"] == int(last) + 1, f"the next record is {about['seq']}, the last one was {last}"
        values = about["values"]
        following = self.idle[self.idle.index(idle) : self.idle.index(idle) + 2]
        assert values[IDLE] in following, f"idle_s is {values[IDLE]}, it was {idle}"
        assert [*values[:IDLE], 120, *values[IDLE + 1 :]] == DEFAULTS, f"settings that nobody changed: {values}"


def field(line: str, key: str) -> str:
    found = re.search(rf"\b{key}=(\S+)", line)
    assert found, f"no {key} in {line!r}"
    return found[1]


def unclosed(records: list[str]) -> list[Any] | None:
    """Return what a start after these records has to tell of a burst that was not closed."""
    ends = ("close", "start")
    for back, line in enumerate(reversed(records)):
        kind = field(line, "kind")
        if kind in ends:
            return None
        if kind == "open":
            return [int(field(line, "seq")), back, line.partition("kind=open ")[2]]
    return None


def told(outcome: Outcome, name: str, figure: Figure) -> None:
    figure(f"operations, {name}", sum(outcome.operations.values()), "operations")
    figure(f"power cuts, {name}", outcome.cuts, "cuts")
    figure(f"power cuts while it recovered, {name}", outcome.cuts_again, "cuts")
    figure(f"power cuts after which something was wrong, {name}", len(outcome.failures), "cuts", "0")
    assert outcome.failures == [], str(outcome)


class WithoutShotMemory(Records):
    """The same with RAM: acknowledged is what is in flash; a piece of the journal gets there whole or not at all."""

    memory = "from tandem.record import ram\ndef Memory():\n return ram.RamMemory(4096)"
    script = HANDS + SHORT

    def judge_last(self, last: int, acknowledged: int, begun: int) -> None:
        """Of what was on its way to flash, all or nothing may be there."""
        assert last in (acknowledged, max(acknowledged, begun)), f"{acknowledged} were acknowledged, {last} are there"


class Forgetting(WithoutShotMemory):
    """Takes RAM for a memory that lasts."""

    script = "j.memory.lasting = True\n" + HANDS + SHORT

    def judge_last(self, last: int, acknowledged: int, begun: int) -> None:
        """Judge as with shot memory."""
        Records.judge_last(self, last, acknowledged, begun)


class Careless(Records):
    """Writes a record's first byte first, and looks at no CRC."""

    script = HANDS + SHORT
    change = """
def append(self, at, buffer, length, was=Memory.append):
    was(self, at, buffer, 0)
    return was(self, at, buffer, length)
Memory.append = append
rp2_crc.sound = lambda buffer, at, length: True
rp2_crc.shots = lambda buffer, at, end, number: at
"""

    def use(self, most: int) -> None:
        super().use(most)
        self.setup = self.setup.replace("bus =", f"{self.change}\nbus =")
        self.recovery = self.recovery.replace("bus =", f"{self.change}\nbus =")


class OneFile(Careless):
    """Removes the settings' file before it writes it anew."""

    change = """
def write(self, slot, data):
    import os
    for name in ("settings0", "settings1"):
        try:
            os.remove(name)
        except OSError:
            pass
    with open("settings0", "wb") as file:
        file.write(data)
settings.FileSlots.write = write
settings.FileSlots.read = lambda self, slot: open("settings0", "rb").read() if "settings0" in os.listdir() else None
import os
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("session", "complaint"),
    [
        (Forgetting, r"\d+ were acknowledged, \d+ are there"),
        (Careless, r"a record that cannot be read|record \d+ is seq="),
        (OneFile, "idle_s is 120, it was 100"),
    ],
)
def test_a_journal_or_settings_that_break_the_promise_are_found(
    bare: Stage, session: type[Records], complaint: str
) -> None:
    outcome = cut_all(bare, session(bare), share=(0, 3))
    assert any(re.search(complaint, failure.reason) for failure in outcome.failures), str(outcome)


@pytest.mark.slow
def test_without_shot_memory_what_is_in_flash_stays_there(bare: Stage, figure: Figure) -> None:
    outcome = cut_all(bare, WithoutShotMemory(bare), again_each=20)
    told(outcome, "journal in RAM and flash", figure)


@pytest.mark.proves("R-JRN-5", "R-SET-1")
@pytest.mark.slow
@pytest.mark.parametrize("share", range(SHARES))
def test_no_record_and_no_setting_is_lost_torn_or_invented_by_a_power_cut(
    bare: Stage, share: int, figure: Figure
) -> None:
    session = Records(bare)
    before = len(bare.board.flash_log())
    outcome = cut_all(bare, session, share=(share, SHARES), again_each=40)
    in_flash = bare.board.flash_log()[before:]
    figure("operations, journal and settings, the whole session", outcome.met, "operations")
    told(outcome, f"journal and settings, share {share + 1} of {SHARES}", figure)
    assert {operation["kind"] for operation in in_flash} == {"erase", "program"}
    assert {"fram write", "controller program"} <= set(outcome.operations)
    segments = sorted(path for path in read_files(bare) if path.startswith("/journal/"))
    assert len(segments) > 2 and segments[0] > "/journal/00000001.rec", "segments were begun, and the first was removed"
