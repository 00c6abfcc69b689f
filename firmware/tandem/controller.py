"""What the console may ask of the controller, carried out on its parts."""

import gc
import sys

import board
import machine

from tandem import VERSION, catalog
from tandem.console import protocol
from tandem.console.protocol import Refused
from tandem.maintenance import Maintenance
from tandem.planner import CannotPlan, Planner
from tandem.record import layout
from tandem.safety import faults, states
from tandem.safety.inputs import (
    CONDITION_NAMES,
    EV_ARM,
    EV_CLEAR,
    EV_STANDBY,
    NO_RECIPE,
    LaserLines,
    raising,
)
from tandem.safety.supervisor import Supervisor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tandem.dose.recipe import Recipe
    from tandem.record.settings import Settings

_NO_ROOM = "not enough memory for this recipe, and none is in use any more: give it fewer spots or passes"


class Tandem(Maintenance):
    """What the console may ask, carried out on the parts."""

    def __init__(self, supervisor: Supervisor, kept: "Settings", apply: "Callable[[], None]") -> None:
        super().__init__(supervisor, kept, apply)
        self._planner = Planner(supervisor.breathe)
        self._errors = 0

    def status(self) -> "list[tuple[str, object]]":
        """Return state, fault, recipe, inputs and what keeps from arming."""
        state, delivery = self._state, self._delivery
        items: list[tuple[str, object]] = [("state", states.MODE_NAMES[state.mode]), ("because", state.because)]
        if state.mode == states.FAULT:
            items.append(("fault", "{} {}".format(state.fault, faults.described(state.fault).name)))
        items.append(("recipe", delivery.plan.name if delivery.plan else "none"))
        if delivery.plan:
            items.append(("press", "{} of {}".format(delivery.press + 1, len(delivery.plan.presses))))
            items.append(("presses", "{} of {}".format(delivery.presses, delivery.most_presses)))
        items.append(("shots", delivery.shots))
        items.append(("testfire", "armed" if delivery.testing else "due" if delivery.test_due else "done"))
        if state.incomplete:
            items.append(("pattern", "incomplete"))
        if state.mode == states.STANDBY:
            for text in states.reasons(states.arm_blocks(self._inputs.word), self._inputs.holds):
                items.append(("cannot_arm", text))
        gc.collect()
        items.append(("free_bytes", gc.mem_free()))
        for bit, name in CONDITION_NAMES:
            items.append((name, 1 if self._inputs.word & bit else 0))
        supervisor = self._supervisor
        items.append(("turns", supervisor.turns))
        items.append(("worst_turn_us", supervisor.worst_us))
        items.append(("worst_firing_us", supervisor.worst_firing_us))
        items.append(("worst_flash_us", supervisor.worst_flash_us))
        return items

    def recipe_names(self) -> "list[str]":
        """Return the names of the recipes in the catalog."""
        return sorted(catalog.RECIPES)

    def _needs_standby(self, name: str) -> None:
        """Refuse a recipe that is not in the catalog, and to load the dose package anywhere but in STANDBY."""
        if name not in catalog.RECIPES:
            names = ", ".join(self.recipe_names())
            raise Refused(protocol.UNKNOWN_RECIPE, "there is no recipe '{}'; there are: {}".format(name[:40], names))
        if self._state.mode != states.STANDBY:
            raise Refused(protocol.NOT_NOW, "recipes are shown and taken into use in STANDBY: type standby first")

    def recipe_lines(self, name: str) -> "Iterator[str]":
        """Return the recipe, a field a line; `left_open=1` where the source does not give it."""
        self._needs_standby(name)
        try:
            return iter(self._planner.show(name, self._shown))
        except CannotPlan as error:
            raise Refused(protocol.RECIPE_REFUSED, str(error)) from None
        except MemoryError:
            raise Refused(protocol.RECIPE_REFUSED, "not enough memory to show a recipe beside the one in use") from None

    def _shown(self, found: "Recipe") -> "list[str]":
        lines = ["source={}".format(protocol.quoted(found.source))]
        for number, step in enumerate(found.passes):
            for field, value in step.given():
                items: list[tuple[str, object]] = [("pass", number + 1), (field.key, field.show(value))]
                if field.key in step.not_in_source:
                    items.append(("left_open", 1))
                lines.append(protocol.pairs(items))
            self._supervisor.breathe()
        return lines

    def use(self, name: str) -> "list[tuple[str, object]]":
        """Compile a recipe; the plan is in use after that. Where memory is short the one in use is given up first."""
        self._needs_standby(name)
        supervisor = self._supervisor
        given = name, supervisor.board.handpiece_mv(), machine.freq()
        try:
            try:
                plan = self._planner.compile(*given)
            except MemoryError:
                self._give_up()
                plan = self._planner.compile(*given)
        except CannotPlan as error:
            raise Refused(protocol.RECIPE_REFUSED, str(error)) from None
        except MemoryError:
            raise Refused(protocol.RECIPE_REFUSED, _NO_ROOM) from None
        self._inputs.configure(LaserLines(*plan.ps_lines), LaserLines(*plan.co2_lines), plan.co2_scanner != "none")
        self._state.set_shutter(plan.shutter_ms)
        self._delivery.use(plan)
        supervisor.select()
        self._inputs.hold(NO_RECIPE, False)
        supervisor.journal.note(layout.NOTE, "recipe={}".format(plan.name))
        return [("recipe", plan.name), ("presses", len(plan.presses)), ("warnings", len(plan.warnings))]

    def _give_up(self) -> None:
        """Give up the plan in use, whose memory another recipe needs."""
        self._delivery.drop()
        self._inputs.hold(NO_RECIPE, True)
        self._supervisor.select()

    def plan_lines(self) -> "Iterator[str]":
        """Yield the plan as text."""
        if self._delivery.plan is None:
            raise Refused(protocol.NOTHING_LOADED, "no recipe is in use: type recipe list, recipe use NAME")
        return self._delivery.plan.lines()

    def arm(self) -> None:
        """Ask for arming."""
        if self._state.mode != states.STANDBY:
            raise Refused(protocol.NOT_NOW, "arming starts in STANDBY: type standby first")
        self._admit()
        self._supervisor.request(EV_ARM)

    def standby(self) -> None:
        """Ask for STANDBY."""
        if self._state.mode in (states.BOOT, states.SELFTEST, states.FAULT):
            mode = states.MODE_NAMES[self._state.mode]
            raise Refused(protocol.NOT_NOW, "not in {}; a fault is left by clear".format(mode))
        self._supervisor.request(EV_STANDBY)

    def fault_lines(self) -> "Iterator[str]":
        """Yield the present or the last fault."""
        number = self._state.fault or self._state.last_fault
        if not number:
            return
        fault = faults.described(number)
        yield "fault={} name={} present={}".format(number, fault.name, 1 if self._state.mode == states.FAULT else 0)
        yield "meaning={}".format(protocol.quoted(fault.meaning))
        yield "action={}".format(protocol.quoted(fault.action))
        if self._delivery.message:
            yield "detail={}".format(protocol.quoted(self._delivery.message))

    def clear(self) -> None:
        """Acknowledge the fault."""
        state = self._state
        if state.mode != states.FAULT:
            raise Refused(protocol.NO_FAULT, "there is no fault to clear")
        blocks = states.clear_blocks(state, self._inputs.word)
        if blocks & faults.RESTART:
            raise Refused(protocol.RESET_NEEDED, "only a hard reset can prove the cause gone")
        if blocks:
            names = [name for bit, name in CONDITION_NAMES if blocks & bit]
            raise Refused(protocol.CAUSE_STANDS, "the cause stands: " + ", ".join(names))
        self._supervisor.request(EV_CLEAR)

    def shot_lines(self) -> "Iterator[str]":
        """Yield every shot since the recipe was taken into use."""
        return self._delivery.shot_lines()

    def health(self) -> "list[tuple[str, object]]":
        """Return counters since the start: errors that a command met, lines dropped, records that found no room."""
        output = self._supervisor.console.output
        return [
            ("errors", self._errors),
            ("lost_lines", output.dropped + output.lost),
            ("lost_records", self._supervisor.journal.journal.lost),
        ]

    def version(self) -> "list[tuple[str, object]]":
        """Return versions of firmware, interpreter and board."""
        interpreter = sys.version.split("; ")[-1]
        return [("tandem", VERSION), ("hash", program_hash()), ("micropython", interpreter), ("board", board.NAME)]

    def failed(self, error: Exception) -> None:
        """Raise the fault of an error in the firmware."""
        self._errors += 1
        self._delivery.message = "{}: {}".format(type(error).__name__, error)
        self._supervisor.request(raising(faults.FIRMWARE_EXCEPTION))


def program_hash() -> str:
    """Return the program's hash out of the manifest that `tandem flash` wrote, 'unknown' without one."""
    try:
        import json

        with open("/tandem/manifest.json") as file:
            return json.load(file)["hash"]
    except (OSError, ValueError, KeyError):
        return "unknown"
