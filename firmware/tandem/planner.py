"""Loads the dose package while a recipe is compiled or shown, and throws it out of memory afterwards.

The package takes about 70 KB, a third of the board's memory, and delivery needs nothing of it but the plan. What is
called here takes up to a second and blocks so long, with `breathe` called every 100 ms and more often: for STANDBY
only.
"""

import gc
import sys

from tandem import catalog
from tandem.memory import forget
from tandem.planned import Plan, moved

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from tandem.dose.handpiece import Handpiece
    from tandem.dose.recipe import Recipe

MODULES = ("units",) + tuple(
    [
        "dose" + name
        for name in ("", ".errors", ".fields", ".optics", ".scan", ".board", ".handpiece", ".laser", ".recipe")
        + (".summary", ".plan")
    ]
)
"""What is loaded and thrown out, in an order in which each import loads one file: one breathes in between."""

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
        self._rest()
        try:
            for name in MODULES:
                __import__("tandem." + name)
                self._rest()
            return self._refusing(job, given)
        finally:
            forget(MODULES)
            self._rest()

    def _refusing(self, job: "Callable[..., Any]", given: tuple) -> "Any":
        from tandem.dose.errors import DoseError

        before = gc.threshold()
        gc.threshold(COLLECT_BYTES)
        try:
            return job(*given)
        except DoseError as error:
            raise CannotPlan(str(error)) from None
        finally:
            gc.threshold(before)

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
        from tandem.dose.board import Board
        from tandem.dose.plan import compile_plan

        recipe = self.recipe(name)
        tip = self._handpiece(handpiece_mv)
        ps = catalog.ps_laser()
        self._breathe()
        co2 = catalog.co2_laser()
        self._breathe()
        return compile_plan(recipe, ps, co2, tip, Board(clock_hz=clock_hz), self._breathe)

    def recipe(self, name: str) -> "Recipe":
        """Return a recipe of the catalog, in a job."""
        made = catalog.RECIPES[name]()
        self._breathe()
        return made

    def everything(self) -> None:
        """Make all that the catalog has, in a job."""
        for name in catalog.RECIPES:
            self.recipe(name)
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
