"""The commands: exact words, nothing else. Each calls one method of the controller and prints what it returns.

No command fires. Long replies are iterators, carried on a few lines a turn by `Commands.pump`, so that a turn stays
short and the queue never overflows by a reply. Commands that come while a reply is being given wait their turn, up to
eight of them. `standby` never waits: it cuts the reply short and refuses what waits, and so does a ninth command, and
the beginning of FIRING. Every command gets one reply, in order.
"""

from tandem.console import protocol
from tandem.console.output import OutputQueue
from tandem.console.protocol import Refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

COMMANDS = (
    ("help", "", "list the commands"),
    ("status", "", "state, fault, recipe, inputs and what keeps from arming"),
    ("recipe list", "", "names of the recipes"),
    ("recipe show", "NAME", "a recipe with its source"),
    ("recipe use", "NAME", "compile a recipe and take it into use (in STANDBY)"),
    ("plan", "", "the shots that the recipe in use leads to"),
    ("arm", "", "start arming; firing is by the pedal alone"),
    ("standby", "", "go to STANDBY, from every state but FAULT (see clear)"),
    ("faults", "", "the present fault, what to do, what clears it"),
    ("clear", "", "acknowledge a fault whose cause is gone"),
    ("shots", "", "every shot since the recipe was taken into use, with its energy"),
    ("service", "PIN", "go from STANDBY to SERVICE, or lengthen it; left by standby or by itself"),
    ("testfire", "", "arm a test fire: the pedal then gives one shot of each laser into the meter port"),
    ("scope", "OUTPUT COUNT", "in SERVICE: 1 to 10 pulses, 5 a second, on PS_FIRE, PS_QSW, CO2_GATE or SYNC_OUT"),
    ("settings", "", "every setting with its range"),
    ("set", "NAME VALUE", "in SERVICE: change a setting"),
    ("clock", "TIME", "set the calendar time (UTC), as 2026-11-26T09:30:00Z"),
    ("journal status", "", "how full the journal is, and what is in it"),
    ("journal show", "SEQ", "records from this number on (not while armed)"),
    ("journal pulled", "SEQ", "say that records up to this number were pulled: their room may be used"),
    ("journal overwrite", "", "acknowledge that the oldest records are overwritten when there is no room"),
    ("version", "", "versions of firmware, interpreter and board"),
)
"""Each command: its words, its argument, what it does."""

_FAMILIES = ("recipe", "journal")
"""Words that begin several commands."""
_DEEDS = ("standby", "service", "testfire", "scope", "journal pulled", "journal overwrite")
"""Commands answered by their own name once they are carried out."""
_FACTS = ("version", "set", "clock", "journal status")
"""Commands answered by `key=value` words."""

_LONGEST_LINE = 340
_MOST_WAITING = 8


class Controller:
    """What the console may ask of the controller. The application gives an object with these methods.

    No method blocks or prints. A method that cannot do what is asked raises `Refused(code, text)` with a code out of
    `protocol.ERRORS`. Lines are given without the leading `# ` and without line ends, at most 196 characters each;
    long replies are best given as generators.
    """

    def status(self) -> "list[tuple[str, object]]":
        """Return (key, value) pairs; printed one a line. Keys are words of the command language, units in the name."""
        raise NotImplementedError

    def recipe_names(self) -> "Iterable[str]":
        """Return the names of all recipes."""
        raise NotImplementedError

    def recipe_lines(self, name: str) -> "Iterable[str]":
        """Return a recipe as lines of `key=value`. Refuses: `UNKNOWN_RECIPE`."""
        raise NotImplementedError

    def use(self, name: str) -> "list[tuple[str, object]]":
        """Compile a recipe and take it into use; return pairs for the `OK` line.

        Refuses: `UNKNOWN_RECIPE`, `RECIPE_REFUSED` (with the reason and the nearest that can be kept), `NOT_NOW`
        outside STANDBY.
        """
        raise NotImplementedError

    def plan_lines(self) -> "Iterable[str]":
        """Return the plan in use, one line of `key=value` for each pass and shot. Refuses: `NOTHING_LOADED`."""
        raise NotImplementedError

    def arm(self) -> None:
        """Ask for arming, as the button does. Refuses: `CANNOT_ARM` with all reasons, `NOT_NOW` outside STANDBY."""
        raise NotImplementedError

    def standby(self) -> None:
        """Ask for STANDBY, as the button does. Refuses: `NOT_NOW` in FAULT (`clear` leaves it) and before STANDBY."""
        raise NotImplementedError

    def fault_lines(self) -> "Iterable[str]":
        """Return the present fault, or the last one, as lines of `key=value`; no lines if there was none."""
        raise NotImplementedError

    def clear(self) -> None:
        """Acknowledge the fault. Refuses: `NO_FAULT`, `CAUSE_STANDS` with what still stands, `RESET_NEEDED`."""
        raise NotImplementedError

    def shot_lines(self) -> "Iterable[str]":
        """Return one line a shot: `shot= pass= laser= energy_uj= low_uj= high_uj= verdict= deviation_permille=`.

        CO2 shots of a scan add `x_um= y_um=`.
        """
        raise NotImplementedError

    def service(self, pin: str) -> None:
        """Go to SERVICE, or begin its time anew. Refuses: `WRONG_PIN`, `NOT_NOW`."""
        raise NotImplementedError

    def testfire(self) -> None:
        """Ask for arming a test fire. Refuses: as `arm`."""
        raise NotImplementedError

    def scope(self, output: str, count: str) -> None:
        """Begin to make pulses. Refuses: `BAD_VALUE`, `NOT_NOW`, `NOT_SAFE` with what keeps from it."""
        raise NotImplementedError

    def setting_lines(self) -> "Iterable[str]":
        """Return one line of `key=value` a setting."""
        raise NotImplementedError

    def set(self, name: str, text: str) -> "list[tuple[str, object]]":
        """Change a setting; return pairs for the `OK` line. Refuses: `BAD_VALUE`, `NOT_KEPT`, `NOT_NOW` elsewhere."""
        raise NotImplementedError

    def clock(self, text: str) -> "list[tuple[str, object]]":
        """Set the calendar time; return pairs for the `OK` line. Refuses: `BAD_VALUE`."""
        raise NotImplementedError

    def journal_status(self) -> "list[tuple[str, object]]":
        """Return pairs for the `OK` line: number of the newest record, of the newest in flash, room, store."""
        raise NotImplementedError

    def journal_lines(self, first: str) -> "Iterable[str]":
        """Return records, a line each. Refuses: `BAD_VALUE`, `NOT_NOW` while armed."""
        raise NotImplementedError

    def journal_pulled(self, last: str) -> None:
        """Take note that records were pulled. Refuses: `BAD_VALUE`, `NOT_NOW` while armed."""
        raise NotImplementedError

    def journal_overwrite(self) -> None:
        """Take note that the oldest records may be overwritten. Refuses: `NOT_NOW` while armed."""
        raise NotImplementedError

    def version(self) -> "list[tuple[str, object]]":
        """Return pairs for the `OK` line: at least `tandem`, `micropython` and `board`."""
        raise NotImplementedError

    def failed(self, error: Exception) -> None:
        """Take note of an error that is not a refusal: raise fault FIRMWARE_EXCEPTION. Must not raise itself."""
        raise NotImplementedError


class Commands:
    """Carries out lines of text. Replies go to `output`; `busy` while a reply is being given."""

    def __init__(self, controller: Controller, output: OutputQueue) -> None:
        self._controller = controller
        self._output = output
        self._lines: Iterator[str] | None = None
        self._name = ""
        self._given = 0
        self._waiting: list[tuple[int, str]] = []

    @property
    def busy(self) -> bool:
        """Whether there is a reply to go on with, or a command that waits; `pump` does it."""
        return self._lines is not None or len(self._waiting) > 0

    def run(self, line: str) -> None:
        """Carry out one line, or let it wait. An empty line does nothing. Raises nothing: errors become replies."""
        words = line.split()
        if not words:
            return
        if self._lines is None:
            self._begin(words)
        elif words == ["standby"] or not self._wait(0, line):
            self._cut_short()
            self._output.echo_line(line)
            self._begin(words)

    def cut_short(self) -> None:
        """End a reply that is being given, and refuse what waits: nobody answers while it fires."""
        self._cut_short("the pedal")

    def refuse(self, code: int, text: str) -> None:
        """Reply to a line that could not even be read."""
        if self._lines is not None:
            if self._wait(code, text):
                return
            self._cut_short()
        self._output.line(protocol.error(code, text))

    def _wait(self, code: int, text: str) -> bool:
        """Let a command (code 0) or a refusal wait for the present reply; False if too many wait already."""
        if len(self._waiting) >= _MOST_WAITING:
            return False
        self._waiting.append((code, text))
        return True

    def _cut_short(self, by: str = "a later command") -> None:
        """End the present reply and refuse the commands that wait."""
        waiting = self._waiting
        self._waiting = []
        if self._lines is not None:
            self._end(protocol.error(protocol.CUT_SHORT, "{} was cut short by {}".format(self._name, by)))
        for code, text in waiting:
            if code:
                self._output.line(protocol.error(code, text))
            else:
                self._output.echo_line(text)
                self._output.line(protocol.error(protocol.CUT_SHORT, "not carried out: {} came".format(by)))

    def _next(self) -> None:
        """Carry out what waited for the reply that has just ended."""
        code, text = self._waiting.pop(0)
        if code:
            self._output.line(protocol.error(code, text))
        else:
            self._output.echo_line(text)
            self._begin(text.split())

    def _begin(self, words: list[str]) -> None:
        try:
            self._dispatch(words)
        except Refused as refusal:
            self._end(protocol.error(refusal.code, refusal.text))
        except Exception as error:
            self._fail(error)

    def pump(self, lines: int) -> None:
        """Go on with the present reply by at most `lines` lines, as far as the queue has room. Raises nothing."""
        while self._lines is not None and lines > 0 and self._output.room >= _LONGEST_LINE:
            lines -= 1
            try:
                text = next(self._lines)
            except StopIteration:
                self._end(protocol.ok("{} lines={}".format(self._name, self._given)))
            except Refused as refusal:
                self._end(protocol.error(refusal.code, refusal.text))
            except Exception as error:
                self._fail(error)
            else:
                self._given += 1
                self._output.line(protocol.remark(text))
        if self._lines is None and self._waiting:
            self._next()

    def _dispatch(self, words: list[str]) -> None:
        name = words[0]
        if name in _FAMILIES and len(words) > 1:
            name = words[0] + " " + words[1]
        arguments = words[name.count(" ") + 1 :]
        expected = self._expected(name)
        if len(arguments) != len(expected.split()):
            raise Refused(protocol.BAD_ARGUMENTS, self._usage(name, expected))
        self._name = name
        self._carry_out(name, arguments)

    def _expected(self, name: str) -> str:
        for command, argument, _ in COMMANDS:
            if command == name:
                return argument
        if name == "fire":
            raise Refused(protocol.PEDAL_ONLY, "there is no command that fires: arm, then press the pedal")
        if name in _FAMILIES:
            forms = [(c[len(name) + 1 :] + " " + a).strip() for c, a, _ in COMMANDS if c.startswith(name + " ")]
            raise Refused(protocol.BAD_ARGUMENTS, "{} takes one of: {}".format(name, ", ".join(forms)))
        raise Refused(protocol.UNKNOWN_COMMAND, "there is no command '{}': type help".format(name))

    def _usage(self, name: str, argument: str) -> str:
        if argument:
            return "{} takes {}: {} {}".format(name, argument, name, argument)
        return name + " takes no argument"

    def _carry_out(self, name: str, arguments: list[str]) -> None:
        controller = self._controller
        if name == "arm":
            controller.arm()
            self._end(protocol.ok("arming"))
        elif name in _DEEDS:
            getattr(controller, name.replace(" ", "_"))(*arguments)
            self._end(protocol.ok(name))
        elif name in _FACTS:
            self._end(protocol.ok(protocol.pairs(getattr(controller, name.replace(" ", "_"))(*arguments))))
        elif name == "clear":
            controller.clear()
            self._end(protocol.ok("cleared"))
        elif name == "recipe use":
            self._end(protocol.ok(protocol.pairs(controller.use(arguments[0]))))
        else:
            self._given = 0
            self._lines = iter(self._long_reply(name, arguments))

    def _long_reply(self, name: str, arguments: list[str]) -> "Iterable[str]":
        controller = self._controller
        if name == "recipe show":
            return controller.recipe_lines(arguments[0])
        if name == "journal show":
            return controller.journal_lines(arguments[0])
        long_replies: dict[str, Callable[[], Iterable[str]]] = {
            "help": _help_lines,
            "status": self._status_lines,
            "recipe list": self._recipe_names,
            "plan": controller.plan_lines,
            "faults": controller.fault_lines,
            "shots": controller.shot_lines,
            "settings": controller.setting_lines,
        }
        return long_replies[name]()

    def _status_lines(self) -> "Iterator[str]":
        for item in self._controller.status():
            yield protocol.pairs([item])

    def _recipe_names(self) -> "Iterator[str]":
        for name in self._controller.recipe_names():
            yield protocol.pairs([("recipe", name)])

    def _fail(self, error: Exception) -> None:
        self._end(protocol.error(protocol.INTERNAL, "{}: {}".format(type(error).__name__, error)))
        self._controller.failed(error)

    def _end(self, text: str) -> None:
        self._lines = None
        self._output.line(text)


def _help_lines() -> "Iterator[str]":
    for name, argument, meaning in COMMANDS:
        command = name + " " + argument if argument else name
        yield command + " " * (20 - len(command)) + meaning
