"""Loads the dose package while a recipe is compiled or shown, and throws it out of memory afterwards.

The package takes about 70 KB, a third of the board's memory, and delivery needs nothing of it but the plan. Not all of
it is loaded at once. What is called here takes seconds and blocks so long, with `breathe` called at least every 150 ms:
for STANDBY only.
"""

import gc
import sys

from tandem import catalog
from tandem.memory import collect, erase
from tandem.planned import Plan, move_arrays, moved

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from tandem.dose.facts import Given, Identity
    from tandem.dose.fields import Entry
    from tandem.dose.handpiece import Handpiece
    from tandem.dose.recipe import Recipe

ENTRIES = ("units", "dose", "dose.errors", "dose.facts", "dose.fields", "dose.optics")
"""What every job starts with. Wherever modules are loaded, it is in an order in which each import loads one file."""

PLANNING = ("dose.scan", "dose.plan")
MODULES = ENTRIES + ("dose.recipe", "dose.laser", "dose.handpiece", "dose.board") + PLANNING + ("dose.summary",)

COLLECT_BYTES = 8192
"""How much a job allocates before garbage is collected: seldom, and what it keeps would be strewn over all memory."""


class CannotPlan(Exception):
    """A recipe that is refused; the text says why, and the nearest that can be done."""


def make_room() -> None:
    """Let the table of modules grow to what it needs while the package is loaded, when all others are.

    The new table stays. When the first recipe is compiled it would break the free memory in two.
    """
    for name in MODULES:
        sys.modules[name] = sys
    for name in MODULES:
        del sys.modules[name]


class Planner:
    """Compiles recipes of the catalog and shows them. ``breathe`` lets the supervisor live while it works.

    Calls are kept flat: the interpreter's stack is 8 KB, and reading a module takes much of it.
    """

    def __init__(self, breathe: "Callable[[], None]") -> None:
        self._breathe = breathe

    def compile(self, name: str, handpiece_mv: int, clock_hz: int) -> Plan:
        """Return the plan of a recipe of the catalog for the handpiece attached. CannotPlan, MemoryError.

        Entries, planning and text come one after the other, so that they are never in memory together.
        """
        self._begin()
        try:
            given, identity = self._given(name, handpiece_mv, clock_hz)
            self._load(PLANNING)
            plan = self._plan(given, identity)
            self._drop(PLANNING)
            self._load(("dose.summary",))
            self._describe(given, plan)
        except ValueError as error:
            raise _refusal(error) from None
        finally:
            given = None
            self._end()
        plan = moved(plan)
        self._rest()
        try:
            move_arrays(plan, self._rest)
        except MemoryError:
            pass  # they stay where they were made
        return plan

    def show(self, name: str, lines: "Callable[[Recipe], list[str]]") -> "list[str]":
        """Return what `lines` tells of a recipe of the catalog. CannotPlan, MemoryError."""
        self._begin()
        try:
            self._load(("dose.recipe",))
            return lines(catalog.RECIPES[name]())
        except ValueError as error:
            raise _refusal(error) from None
        finally:
            self._end()

    def acquaint(self) -> None:
        """Load every module once, make all that the catalog has, and throw it out: before other modules are loaded.

        The interpreter keeps every name that it has met for good. Met now they lie among what stays; met when the first
        recipe is compiled they would be strewn over the free memory. What the catalog has wrong is not told now, but
        when somebody chooses it.
        """
        self._begin()
        try:
            for name in PLANNING + ("dose.summary", "dose.recipe"):
                self._load((name,))
            self._make(*catalog.RECIPES.values())
            self._drop(PLANNING + ("dose.summary", "dose.recipe"))
            self._load(("dose.laser", "dose.handpiece"))
            self._make(catalog.ps_laser, catalog.co2_laser)
            self._make(lambda: list(catalog.handpieces()))
        finally:
            self._end()

    def _make(self, *makers: "Callable[[], object]") -> None:
        for make in makers:
            try:
                make()
            except ValueError:
                pass
            self._breathe()

    def _begin(self) -> None:
        self._rest()
        self._load(ENTRIES)

    def _end(self) -> None:
        self._drop(MODULES)
        collect(often=True)
        self._breathe()

    def _load(self, names: "tuple[str, ...]") -> None:
        for name in names:
            gc.threshold(-1)
            __import__("tandem." + name)
            gc.threshold(COLLECT_BYTES)
            self._rest()

    def _drop(self, names: "tuple[str, ...]") -> None:
        erase(names)
        self._rest()

    def _rest(self) -> None:
        """Collect what reading a file left behind: between modules it would break the free memory into pieces."""
        self._breathe()
        gc.collect()
        self._breathe()

    def _given(self, name: str, handpiece_mv: int, clock_hz: int) -> "tuple[Given, Identity]":
        """Return the facts of all that the plan is made of, and the identity of the entries they were taken from."""
        from tandem.dose.facts import Given, Identity

        identity = Identity()
        self._load(("dose.recipe",))
        recipe = self._facts(identity, catalog.RECIPES[name]())
        self._drop(("dose.recipe",))
        self._load(("dose.laser",))
        ps = self._facts(identity, catalog.ps_laser())
        co2 = self._facts(identity, catalog.co2_laser())
        self._drop(("dose.laser",))
        self._load(("dose.handpiece",))
        tip = self._facts(identity, self._handpiece(handpiece_mv))
        self._drop(("dose.handpiece", "dose.fields"))
        self._load(("dose.board",))
        from tandem.dose.board import Board

        return Given(recipe, ps, co2, tip, Board(clock_hz=clock_hz)), identity

    def _facts(self, identity: "Identity", entry: "Entry") -> "Any":
        """Take an entry into the identity, and keep its facts alone."""
        self._breathe()
        for _ in identity.add(entry):
            self._breathe()
        return entry.facts()

    def _handpiece(self, millivolts: int) -> "Handpiece":
        from tandem.dose.handpiece import choose

        tips = []
        for tip in catalog.handpieces():
            tips.append(tip)
            self._breathe()
        tip = choose(tuple(tips), millivolts)
        if tip is None:
            raise CannotPlan("no known handpiece: {} mV on HANDPIECE_ID".format(millivolts))
        return tip

    def _plan(self, given: "Given", identity: "Identity") -> Plan:
        from tandem.dose.plan import PlanJob

        job = PlanJob(given.recipe, given.ps, given.co2, given.handpiece, given.board, identity)
        for _ in job.steps():
            self._breathe()
        if job.plan is None:
            raise CannotPlan("the recipe was not compiled to its end")
        return job.plan

    def _describe(self, given: "Given", plan: Plan) -> None:
        from tandem.dose.summary import describe

        for _ in describe(given, plan):
            self._breathe()


def _refusal(error: ValueError) -> Exception:
    """Return what is raised for an error of the dose package, whose own classes are thrown out; others as they are."""
    return CannotPlan(str(error)) if hasattr(error, "number") else error
