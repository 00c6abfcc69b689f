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
    ("version", "", "versions of firmware, interpreter and board"),
)
"""Each command: its words, its argument, what it does."""

_LONGEST_LINE = 200
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
        if name == "recipe" and len(words) > 1:
            name = words[0] + " " + words[1]
        arguments = words[name.count(" ") + 1 :]
        expected = self._expected(name)
        if len(arguments) != (1 if expected else 0):
            raise Refused(protocol.BAD_ARGUMENTS, self._usage(name, expected))
        self._name = name
        self._carry_out(name, arguments)

    def _expected(self, name: str) -> str:
        for command, argument, _ in COMMANDS:
            if command == name:
                return argument
        if name == "fire":
            raise Refused(protocol.PEDAL_ONLY, "there is no command that fires: arm, then press the pedal")
        if name == "recipe":
            raise Refused(protocol.BAD_ARGUMENTS, "recipe takes list, show NAME or use NAME")
        raise Refused(protocol.UNKNOWN_COMMAND, "there is no command '{}': type help".format(name))

    def _usage(self, name: str, argument: str) -> str:
        if argument:
            return "{} takes one argument: {} {}".format(name, name, argument)
        return name + " takes no argument"

    def _carry_out(self, name: str, arguments: list[str]) -> None:
        controller = self._controller
        if name == "arm":
            controller.arm()
            self._end(protocol.ok("arming"))
        elif name == "standby":
            controller.standby()
            self._end(protocol.ok("standby"))
        elif name == "clear":
            controller.clear()
            self._end(protocol.ok("cleared"))
        elif name == "recipe use":
            self._end(protocol.ok(protocol.pairs(controller.use(arguments[0]))))
        elif name == "version":
            self._end(protocol.ok(protocol.pairs(controller.version())))
        else:
            self._given = 0
            self._lines = iter(self._long_reply(name, arguments))

    def _long_reply(self, name: str, arguments: list[str]) -> "Iterable[str]":
        controller = self._controller
        if name == "recipe show":
            return controller.recipe_lines(arguments[0])
        long_replies: dict[str, Callable[[], Iterable[str]]] = {
            "help": _help_lines,
            "status": self._status_lines,
            "recipe list": self._recipe_names,
            "plan": controller.plan_lines,
            "faults": controller.fault_lines,
            "shots": controller.shot_lines,
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
        yield command + " " * (18 - len(command)) + meaning
