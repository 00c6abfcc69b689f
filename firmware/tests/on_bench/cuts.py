"""Power cuts at every operation of flash and FRAM, each followed by a boot and a judgement.

A `Session` says what a board does, what it has promised at any instant, and how to look whether that was kept.
`cut_all` lets it run once; in the instant in which an operation begins it stops the world, and from there cuts the
supply before, within and after that operation, each time switches on, boots and judges, and goes on as if nothing had
been. So no operation can be forgotten: the bench finds them, not the test.

What a cut can do lies in what the memories hold afterwards; RAM is lost each time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from littlefs import LittleFS, LittleFSError
from stage import Stage
from tandem_tools.bench import BenchTimeout, BoardError, Operation

FLASH_AT = 0x10000000
FLASH_BYTES = 2 * 1024 * 1024
BLOCK_BYTES = 4096
BLOCKS = 352
"""MicroPython's file system on a Pico: the last blocks of the flash (`rp2.Flash().ioctl(4, 0)` tells how many)."""

FRACTIONS = (0.15, 0.6)
"""Of a flash operation: how much of its time has passed at a cut in its middle. An erase cut at 0.15 has lost ones."""

READ_BYTES = 2048
"""How much is read at once, from outside; the file system does not depend on it."""

OFF_MS = 1.0
WRONG = (AssertionError, BenchTimeout, BoardError, LittleFSError)
"""What a judgement raises: a broken promise, a board that does not come up, a recovery that fails, no file system."""


class Session:
    """What a board does between its start and its last operation. Subclasses say it; none of it knows about cuts.

    `RawSession` is one of a bare board. One of the whole firmware differs in three places: `drive` presses buttons and
    types commands, `promised` tells what the console has acknowledged, or what the bench saw leave, by then, and `boot`
    is `Stage.boot`.
    """

    own: Sequence[str] = ()
    """Beginnings of the paths that the session itself writes; all other files have to stay as they were."""

    def drive(self, stage: Stage) -> None:
        """Do all of it: the board starts in the state in which `cut_all` found it."""
        raise NotImplementedError

    def promised(self, stage: Stage) -> Any:
        """Return what is promised in this instant, from the board's memory or the bench's record. No time may pass."""
        raise NotImplementedError

    def boot(self, stage: Stage) -> None:
        """Wait until the board, just switched on, is up and has repaired what it repairs at its start."""
        raise NotImplementedError

    def judge(self, stage: Stage, promised: Any) -> None:
        """Look at what is there after a boot; AssertionError says which promise was broken."""
        raise NotImplementedError


@dataclass(frozen=True)
class Failure:
    """A cut after which something was wrong; without an operation the end of a session that nothing had disturbed."""

    operation: Operation | None
    cut: str
    reason: str

    def __str__(self) -> str:
        o = self.operation
        if o is None:
            return f"{self.cut}: {self.reason}"
        return f"{o.memory} {o.kind} {o.number} at 0x{o.offset:x}, {self.cut}: {self.reason}"


@dataclass
class Outcome:
    """What a campaign met: operations by memory and kind, cuts, cuts while it recovered from one, and failures.

    `met` counts all operations of the session, those of other shares too.
    """

    met: int = 0
    operations: Counter[str] = field(default_factory=Counter)
    cuts: int = 0
    cuts_again: int = 0
    failures: list[Failure] = field(default_factory=list)

    def __str__(self) -> str:
        kinds = ", ".join(f"{count} x {kind}" for kind, count in sorted(self.operations.items()))
        failures = "".join(f"\n  {failure}" for failure in self.failures[:12])
        return f"{self.cuts} cuts and {self.cuts_again} again in {kinds}; {len(self.failures)} failed{failures}"


def read_files(stage: Stage) -> dict[str, bytes]:
    """Return all files on the board's flash, read from outside. LittleFSError when no file system mounts there."""
    length = BLOCKS * BLOCK_BYTES
    image = stage.board.memory(FLASH_AT + FLASH_BYTES - length, length)
    found = LittleFS(block_size=BLOCK_BYTES, block_count=BLOCKS, read_size=READ_BYTES, mount=False)
    found.context.buffer[:] = image
    found.mount()
    files: dict[str, bytes] = {}
    for folder, _, names in found.walk("/"):
        for name in names:
            path = f"{folder.rstrip('/')}/{name}"
            with found.open(path, "rb") as file:
                files[path] = bytes(file.read())
    return files


def cut_all(
    stage: Stage,
    session: Session,
    *,
    share: tuple[int, int] = (0, 1),
    every_byte: bool = False,
    again_each: int = 0,
    only: Mapping[int, int] | None = None,
) -> Outcome:
    """Run a session from the present moment, with cuts at each of its operations; the session itself ends undisturbed.

    :param share: (index, of): only each `of`-th operation, from the index on.
    :param every_byte: cut after each byte of a FRAM write, not only after the first, a middle and the last ones.
    :param again_each: after each so many-th cut, cut the recovery from it as well, at each operation of it. 0: never.
    :param only: by the operation's place in the session, from 0, which of its moments to cut at; None: all of them.
    """
    return _Campaign(stage, session, share, every_byte, again_each, only).run()


class _Campaign:
    def __init__(
        self,
        stage: Stage,
        session: Session,
        share: tuple[int, int],
        every_byte: bool,
        again_each: int,
        only: Mapping[int, int] | None,
    ) -> None:
        self.stage = stage
        self.bench = stage.bench
        self.session = session
        self.index, self.of = share
        self.every_byte = every_byte
        self.again_each = again_each
        self.only = only
        self.outcome = Outcome()
        self.kept = self.others()

    def others(self) -> dict[str, bytes]:
        """Return the files that are not the session's own."""
        own = tuple(self.session.own)
        return {path: data for path, data in read_files(self.stage).items() if not (own and path.startswith(own))}

    def run(self) -> Outcome:
        before = self.counted()
        with self.bench.at_operations(self.visit):
            self.session.drive(self.stage)
        counted = self.counted() - before
        assert self.outcome.met == counted, f"{counted} operations were made, {self.outcome.met} of them were met"
        try:
            self.check(self.session.promised(self.stage))
        except WRONG as error:
            self.failed(None, "at the end, without a cut", error)
        return self.outcome

    def counted(self) -> int:
        """Return how many operations flash and FRAM themselves have counted."""
        return self.stage.board.status["flash_operations"] + self.bench.part("fram").probe()["operations"]

    def failed(self, operation: Operation | None, cut: str, error: BaseException) -> None:
        reason = " ".join(str(error).split()) or type(error).__name__
        self.outcome.failures.append(Failure(operation, cut, reason[:600]))

    def visit(self, operation: Operation) -> None:
        place = self.outcome.met
        self.outcome.met += 1
        if place % self.of != self.index or (self.only is not None and place not in self.only):
            return
        self.outcome.operations[f"{operation.memory} {operation.kind}"] += 1
        moments = self.moments(operation)
        for cut, moment in moments if self.only is None else [moments[self.only[place] % len(moments)]]:
            self.trial(operation, cut, moment)

    # --- the moments of one operation

    def moments(self, operation: Operation) -> list[tuple[str, float]]:
        """Return names of cuts, each with the fraction of time (flash) or the count of bytes (FRAM) done by then."""
        if operation.length is None:
            length = self.bytes_written(operation)
            some = range(length + 1) if self.every_byte else sorted({0, 1, length // 2, length - 1, length})
            names = {0: "before", length: "after"}
            return [(names.get(count, f"after {count} of {length} bytes"), count) for count in some]
        within = [(f"{fraction:.0%} done", fraction) for fraction in FRACTIONS]
        return [("before", 0.0), *within, ("after", 1.0)]

    def bytes_written(self, operation: Operation) -> int:
        state = self.bench.save()
        try:
            return self.bench.run_until_stored(operation.memory, 1 << 20)
        finally:
            self.bench.restore(state)
            self.bench.drop(state)

    def advance(self, operation: Operation, moment: float) -> None:
        if operation.duration_ps is not None:
            self.bench.run_for(ps=round(moment * operation.duration_ps))
        elif moment:
            self.bench.run_until_stored(operation.memory, int(moment))

    # --- one cut

    def trial(self, operation: Operation, cut: str, moment: float, earlier: tuple[Any] | None = None) -> None:
        """Cut the supply at a moment of an operation that just begins, switch on, judge; come back to its beginning.

        :param earlier: what was promised at an earlier cut, from which the board was recovering; None at a first cut.
        """
        state = self.bench.save()
        try:
            self.advance(operation, moment)
            promised = self.session.promised(self.stage) if earlier is None else earlier[0]
            self.stage.board.power(False)
            self.bench.run_for(ms=OFF_MS)
            self.stage.board.read()
            self.stage.board.power(True)
            if self.count(earlier is None):
                self.boot_with_cuts(f"{cut} of {operation.memory} {operation.kind} {operation.number}", promised)
            else:
                self.session.boot(self.stage)
            self.check(promised)
        except WRONG as error:
            self.failed(operation, cut, error)
        finally:
            self.bench.restore(state)
            self.bench.drop(state)

    def count(self, first: bool) -> bool:
        """Count a cut; tell whether the recovery from it is to be cut as well."""
        if not first:
            self.outcome.cuts_again += 1
            return False
        self.outcome.cuts += 1
        return self.again_each > 0 and self.outcome.cuts % self.again_each == 0

    def boot_with_cuts(self, first: str, promised: Any) -> None:
        def visit(operation: Operation) -> None:
            for cut, moment in self.moments(operation):
                self.trial(operation, f"{cut}, while it recovered from {first}", moment, (promised,))

        with self.bench.at_operations(visit):
            self.session.boot(self.stage)

    def check(self, promised: Any) -> None:
        """Judge the board that is up: its file system seen from outside, and the session's own promises."""
        found = self.others()
        lost = sorted(set(self.kept) - set(found))
        assert not lost, f"the file system was made anew: {len(lost)} of {len(self.kept)} files are gone"
        changed = [path for path, data in self.kept.items() if found[path] != data]
        assert not changed, f"files changed that nobody wrote: {', '.join(changed)}"
        invented = sorted(set(found) - set(self.kept))
        assert not invented, f"files came that nobody wrote: {', '.join(invented)}"
        self.session.judge(self.stage, promised)


class RawSession(Session):
    """A session of a bare board: a script in the raw REPL that counts what it has acknowledged.

    `script` runs with `acknowledged`, an array whose item 0 it counts up; `recovery` runs after each start.
    """

    setup = ""
    script = ""
    recovery = ""
    timeout_ms = 60_000

    def __init__(self) -> None:
        self.address = 0

    def drive(self, stage: Stage) -> None:
        """Prepare, then run the script."""
        counter = "import uctypes\nfrom array import array\nacknowledged = array('I', (0,))\n"
        told = stage.board.exec_raw(f"{counter}{self.setup}\nprint(uctypes.addressof(acknowledged))", self.timeout_ms)
        self.address = int(told.split()[-1])
        stage.board.exec_raw(self.script, self.timeout_ms)

    def promised(self, stage: Stage) -> Any:
        """Return how many records the board's program has acknowledged."""
        return stage.board.word(self.address) if self.address else 0

    def boot(self, stage: Stage) -> None:
        """Wait for the prompt, enter the raw REPL, recover."""
        stage.board.wait_for_repl(timeout_ms=8000)
        stage.board.enter_raw_repl()
        if self.recovery:
            stage.board.exec_raw(self.recovery, self.timeout_ms)
