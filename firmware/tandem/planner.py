"""Loads the dose package while a recipe is compiled or shown, and throws it out of memory afterwards.

The package takes about 70 KB, a third of the board's memory, and delivery needs nothing of it but the plan. Not all of
it is loaded at once. What is called here takes seconds and blocks so long, with `breathe` called at least every 150 ms:
for STANDBY only.
"""

import gc
import sys

from tandem import catalog
from tandem.memory import erase
from tandem.planned import Plan, moved

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from tandem.dose.facts import Identity
    from tandem.dose.handpiece import Handpiece
    from tandem.dose.recipe import Recipe

ENTRIES = ("units", "dose", "dose.errors", "dose.facts", "dose.fields", "dose.optics")
"""What every job starts with. Wherever modules are loaded, it is in an order in which each import loads one file."""

PLANNING = ("dose.scan", "dose.board", "dose.plan")
MODULES = ENTRIES + ("dose.recipe", "dose.laser", "dose.handpiece") + PLANNING + ("dose.summary",)

COLLECT_BYTES = 8192
"""How much a job allocates before garbage is collected: seldom, and what it keeps would be strewn over all memory."""


class CannotPlan(Exception):
    """A recipe that is refused; the text says why, and the nearest that can be done."""


def acquaint() -> None:
    """Load the dose package once, make all that the catalog has, and throw it out: before other modules are loaded.

    The interpreter keeps every name that it has met for good. Met now they lie among what stays; met when the first
    recipe is compiled they would be strewn over the free memory.
    """
    planner = Planner(gc.collect)
    try:
        planner.work(planner.everything)
    except CannotPlan:
        pass  # told when somebody chooses it


def make_room() -> None:
    """Let the table of modules grow to what it needs while the package is loaded, when all others are.

    The new table stays. When the first recipe is compiled it would break the free memory in two.
    """
    for name in MODULES:
        sys.modules[name] = sys
    for name in MODULES:
        del sys.modules[name]


class Planner:
    """Compiles recipes of the catalog and shows them. ``breathe`` lets the supervisor live while it works."""

    def __init__(self, breathe: "Callable[[], None]") -> None:
        self._breathe = breathe

    def work(self, job: "Callable[..., Any]", *given: "Any") -> "Any":
        """Return what a job returns that needs the dose package. Its result may hold nothing of the package.

        CannotPlan: what the package refused. MemoryError when there is no room for it.
        """
        threshold = gc.threshold()
        self._rest()
        try:
            self._load(ENTRIES)
            return self._refusing(job, given)
        finally:
            gc.threshold(threshold)
            erase(MODULES)
            self._rest()

    def _refusing(self, job: "Callable[..., Any]", given: tuple) -> "Any":
        from tandem.dose.errors import DoseError

        try:
            return job(*given)
        except DoseError as error:
            raise CannotPlan(str(error)) from None

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

    def compile(self, name: str, handpiece_mv: int, clock_hz: int) -> Plan:
        """Return the plan of a recipe of the catalog for the handpiece attached. CannotPlan, MemoryError."""
        plan = moved(self.work(self._compile, name, handpiece_mv, clock_hz))
        self._rest()
        return plan

    def _compile(self, name: str, handpiece_mv: int, clock_hz: int) -> Plan:
        """Work in three parts, so that entries, planning and text are never in memory together."""
        from tandem.dose.facts import Identity

        identity = Identity()
        recipe = self._facts("dose.recipe", identity, (catalog.RECIPES[name],))[0]
        ps, co2 = self._facts("dose.laser", identity, (catalog.ps_laser, catalog.co2_laser))
        tip = self._facts("dose.handpiece", identity, (lambda: self._handpiece(handpiece_mv),))[0]
        self._drop(("dose.fields",))
        self._load(PLANNING)
        from tandem.dose.board import Board

        board = Board(clock_hz=clock_hz)
        plan = self._plan(recipe, ps, co2, tip, board, identity)
        self._drop(PLANNING)
        self._load(("dose.summary",))
        self._describe(plan, recipe, ps, co2, tip, board)
        return plan

    def _facts(self, module: str, identity: "Identity", makers: tuple) -> list:
        """Load a module, make entries of it, and keep their facts alone."""
        self._load((module,))
        found = []
        for make in makers:
            entry = make()
            self._breathe()
            for _ in identity.add(entry):
                self._breathe()
            found.append(entry.facts())
        entry = None
        self._drop((module,))
        return found

    def _plan(self, *given: "Any") -> Plan:
        from tandem.dose.plan import PlanJob

        job = PlanJob(*given)
        for _ in job.steps():
            self._breathe()
        if job.plan is None:
            raise CannotPlan("the recipe was not compiled to its end")
        return job.plan

    def _describe(self, plan: Plan, *given: "Any") -> None:
        from tandem.dose.facts import Given
        from tandem.dose.summary import describe

        for _ in describe(Given(*given), plan):
            self._breathe()

    def recipe(self, name: str) -> "Recipe":
        """Return a recipe of the catalog, in a job."""
        self._load(("dose.recipe",))
        made = catalog.RECIPES[name]()
        self._breathe()
        return made

    def everything(self) -> None:
        """Load all modules and make all that the catalog has, in a job."""
        for name in MODULES[len(ENTRIES) :]:
            self._load((name,))
            self._drop((name,))
        self._load(("dose.recipe",))
        for name in catalog.RECIPES:
            catalog.RECIPES[name]()
        self._drop(("dose.recipe",))
        self._load(("dose.laser", "dose.handpiece"))
        catalog.ps_laser()
        catalog.co2_laser()
        for _ in catalog.handpieces():
            self._breathe()

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
