"""Power may fail at any instant: the check finds writers that lose, tear or invent, and passes the others."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from cuts import BLOCKS, RawSession, Session, cut_all, read_files
from stage import Figure, Stage

RECORDS = 5
FRAM = """
from machine import Pin, SPI
import board, binascii
select = Pin(board.FRAM_CS, Pin.OUT, value=1)
lines = dict(sck=Pin(board.SPI_SCK), mosi=Pin(board.SPI_TX), miso=Pin(board.SPI_RX))
spi = SPI(board.SPI_ID, baudrate=board.SPI_HZ, **lines)
def send(data, count=0):
    select(0)
    spi.write(data)
    answer = spi.read(count) if count else b""
    select(1)
    return answer
def put(address, data):
    send(b"\\x06")
    send(bytes((2, 0, 0, address)) + data)
def get(address, count):
    return send(bytes((3, 0, 0, address)), count)
"""


class Numbers(RawSession):
    """Writes the numbers from 1 on, each acknowledged; after a start the last one has to be there, or one more."""

    found = ""
    """Source that prints the last number that is there; 0 for none."""

    def judge(self, stage: Stage, promised: int) -> None:
        """At most the number that was under way is there beside those acknowledged."""
        text = stage.board.exec_raw(self.found).strip()
        assert re.fullmatch(r"\d+", text), f"not a number: {text[:80]!r}"
        assert promised <= int(text) <= promised + 1, f"{promised} were acknowledged, {text} is there"


class Appending(Numbers):
    """Adds a line to a file and writes it out: the file system's own promise."""

    own = ("/log",)
    script = f"""
f = open("log", "a")
for i in range({RECORDS}):
    f.write("record %06d of a session, and some more to fill it\\n" % (i + 1) * 9)
    f.flush()
    acknowledged[0] += 1
f.close()
"""
    found = """
try:
    lines = open("log").read().split("\\n")
except OSError:
    lines = [""]
wanted = ["record %06d of a session, and some more to fill it" % (i // 9 + 1) for i in range(len(lines) - 1)]
print(len(lines) // 9 if lines[:-1] == wanted and len(lines) % 9 == 1 and lines[-1] == "" else "torn")
"""


class TwoSlots(Numbers):
    """Writes to the older of two places in FRAM, with a checksum."""

    setup = FRAM
    script = f"""
for i in range(1, {RECORDS + 1}):
    data = i.to_bytes(4, "little")
    put(8 * (i & 1), data + binascii.crc32(data).to_bytes(4, "little"))
    acknowledged[0] += 1
"""
    recovery = FRAM
    found = """
best = 0
for at in (0, 8):
    data = get(at, 8)
    if binascii.crc32(data[:4]).to_bytes(4, "little") == data[4:]:
        best = max(best, int.from_bytes(data[:4], "little"))
print(best)
"""


class OnePlace(TwoSlots):
    """The same in one place: a cut in the middle leaves neither the old nor the new number."""

    script = TwoSlots.script.replace("8 * (i & 1)", "0")


class RewrittenInPlace(Numbers):
    """Empties a file and fills it again, as is often done with settings."""

    own = ("/settings",)
    script = f"""
for i in range(1, {RECORDS + 1}):
    open("settings", "w").close()
    f = open("settings", "w")
    f.write("%d\\n" % i)
    f.close()
    acknowledged[0] += 1
"""
    found = """
try:
    print(open("settings").read() or "empty")
except OSError:
    print(0)
"""


class Inventing(Appending):
    """Acknowledges what it has not yet written out."""

    script = Appending.script.replace("    f.flush()\n", "")


class Destroying(Appending):
    """Erases both copies of the file system's first block: the stock image then makes a new one at the next start."""

    script = "import rp2\nrp2.Flash().ioctl(6, 0)\nrp2.Flash().ioctl(6, 1)\n"


class Ahead(TwoSlots):
    """Writes to two places in FRAM; each start moves the last number from there to a file, and only then clears FRAM.

    A file that is made for the first time is there empty before it has its contents, and may be found so.
    """

    own = ("/moved",)
    newest = (
        TwoSlots.found.replace("print(best)", "")
        + """
try:
    moved = int(open("moved").read() or 0)
except OSError:
    moved = 0
"""
    )
    found = newest + "print(max(best, moved))"
    keep = """
if best > moved:
    f = open("moved", "w")
    f.write("%d" % best)
    f.close()
"""
    clear = """
put(0, bytes(8))
put(8, bytes(8))
"""
    recovery = FRAM + newest + keep + clear


class ClearedTooEarly(Ahead):
    """Clears FRAM before the number stands in the file: one cut is survived, a second one while it recovers is not."""

    recovery = FRAM + Ahead.newest + Ahead.clear + Ahead.keep


@pytest.mark.parametrize(
    "session", [Appending(), TwoSlots(), Ahead()], ids=["appended file", "two slots in FRAM", "FRAM ahead of a file"]
)
def test_a_writer_that_commits_whole_records_survives_a_cut_at_every_operation(
    bare: Stage, session: Session, figure: Figure
) -> None:
    outcome = cut_all(bare, session, every_byte=not isinstance(session, Ahead), again_each=7)
    name = {Appending: "appended file", TwoSlots: "two slots in FRAM", Ahead: "FRAM ahead of a file"}[type(session)]
    figure(f"power cuts, {name}", outcome.cuts, "cuts")
    if outcome.cuts_again:
        figure(f"power cuts while it recovered, {name}", outcome.cuts_again, "cuts")
    assert outcome.failures == [], str(outcome)
    assert sum(outcome.operations.values()) >= RECORDS
    assert outcome.cuts >= 4 * RECORDS
    assert (outcome.cuts_again > 0) == isinstance(session, Ahead)


@pytest.mark.parametrize(
    ("session", "complaint"),
    [
        (RewrittenInPlace(), "not a number: 'empty'"),
        (OnePlace(), r"\d+ were acknowledged, 0 is there"),
        (Inventing(), r"[1-9] were acknowledged, 0 is there"),
        (Destroying(), r"the file system was made anew: \d\d of \d\d files are gone"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Session) else "",
)
def test_a_writer_that_loses_or_tears_is_found(bare: Stage, session: Session, complaint: str) -> None:
    outcome = cut_all(bare, session)
    assert any(re.search(complaint, failure.reason) for failure in outcome.failures), str(outcome)


def test_a_recovery_that_cannot_be_repeated_is_found(bare: Stage) -> None:
    once = cut_all(bare, ClearedTooEarly())
    assert once.failures == [], str(once)
    twice = cut_all(bare.again("repl"), ClearedTooEarly(), again_each=7)
    assert any("while it recovered from" in failure.cut for failure in twice.failures), str(twice)


class Short(Appending):
    """The first records of it."""

    script = Appending.script.replace(f"range({RECORDS})", "range(3)")


def test_shares_of_a_session_make_up_the_whole(bare: Stage) -> None:
    whole = cut_all(bare, Short())
    parts = [cut_all(bare.again("repl"), Short(), share=(i, 3)) for i in range(3)]
    assert sum(part.cuts for part in parts) == whole.cuts
    assert {part.met for part in parts} == {whole.met} == {sum(whole.operations.values())}
    assert sum((part.operations for part in parts), Counter()) == whole.operations


def test_the_file_system_read_from_outside_is_the_one_that_the_board_mounts(bare: Stage) -> None:
    bare.board.exec_raw("import os, rp2\nos.mkdir('d')\nf = open('d/x', 'w')\nf.write('y' * 9000)\nf.close()")
    assert bare.board.exec_raw("print(rp2.Flash().ioctl(4, 0), rp2.Flash().ioctl(5, 0))").split() == [
        str(BLOCKS),
        "4096",
    ]
    walk = """
def walk(path):
    for name, kind, *rest in os.ilistdir(path):
        if kind == 0x4000:
            walk(path + name + "/")
        else:
            print(path + name, os.stat(path + name)[6])
walk("/")
"""
    told = dict(line.split() for line in bare.board.exec_raw(walk).splitlines())
    assert {path: str(len(data)) for path, data in read_files(bare).items()} == told
    assert read_files(bare)["/d/x"] == b"y" * 9000
