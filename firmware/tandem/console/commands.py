"""The commands: exact words, nothing else. Each calls one method of the controller and prints what it returns.

No command fires. Long replies are iterators, carried on a few lines a turn by `Commands.pump`, so that a turn stays
short and the queue never overflows by a reply. Commands that come while a reply is being given wait their turn, up to
eight of them. `standby` never waits: it cuts the reply short and refuses what waits, and so does a ninth command, and
the beginning of FIRING. Every command gets one reply, in order.
"""

from tandem.console import protocol
from tandem.console.output import OutputQueue
from tandem.console.protocol import Refused
from tandem.memory import forget

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from tandem.console.asked import Controller

COMMANDS = (
    ("help", ""),
    ("status", ""),
    ("recipe list", ""),
    ("recipe show", "NAME"),
    ("recipe use", "NAME"),
    ("plan", ""),
    ("arm", ""),
    ("standby", ""),
    ("faults", ""),
    ("clear", ""),
    ("shots", ""),
    ("service", "PIN"),
    ("testfire", ""),
    ("scope", "OUTPUT COUNT"),
    ("settings", ""),
    ("set", "NAME VALUE"),
    ("clock", "TIME"),
    ("journal status", ""),
    ("journal show", "SEQ"),
    ("journal pulled", "SEQ"),
    ("journal overwrite", ""),
    ("health", ""),
    ("version", ""),
)
"""Each command: its words, its arguments. What it does: `help_texts`."""

_FAMILIES = ("recipe", "journal")
"""Words that begin several commands."""
_DEEDS = ("standby", "service", "testfire", "scope", "journal pulled", "journal overwrite")
"""Commands answered by their own name once they are carried out."""
_FACTS = ("version", "health", "set", "clock", "journal status")
"""Commands answered by `key=value` words."""

_DEEP = ("recipe show", "recipe use")
"""Commands that call so deep that they are carried out by `pump`, nearer to the bottom of the board's small stack."""

_LONGEST_LINE = 340
_MOST_WAITING = 8


class Commands:
    """Carries out lines of text. Replies go to `output`; `busy` while a reply is being given."""

    def __init__(self, controller: "Controller", output: OutputQueue) -> None:
        self._controller = controller
        self._output = output
        self._lines: Iterator[str] | None = None
        self._name = ""
        self._deep = ""
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
                deep = self._deep
                if deep:
                    self._deep = ""
                    if self._name == "recipe show":
                        self._lines = iter(self._controller.recipe_lines(deep))
                    else:
                        self._end(protocol.ok(protocol.pairs(self._controller.use(deep))))
                    continue
                text = next(self._lines)
            except StopIteration:
                self._end(protocol.ok("{} lines={}".format(self._name, self._given)))
            except Refused as refusal:
                self._end(protocol.error(refusal.code, refusal.text))
            except Exception as error:
                self._fail(error)
            else:
                if text:
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
        for command, argument in COMMANDS:
            if command == name:
                return argument
        if name == "fire":
            raise Refused(protocol.PEDAL_ONLY, "there is no command that fires: arm, then press the pedal")
        if name in _FAMILIES:
            forms = [(c[len(name) + 1 :] + " " + a).strip() for c, a in COMMANDS if c.startswith(name + " ")]
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
        else:
            self._given = 0
            self._lines = iter(self._long_reply(name, arguments))

    def _long_reply(self, name: str, arguments: list[str]) -> "Iterable[str]":
        controller = self._controller
        if name in _DEEP:
            self._deep = arguments[0]
            return ()
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
        self._deep = ""
        self._output.line(text)


def _help_lines() -> "Iterator[str]":
    from tandem.console import help_texts

    for i in range(len(COMMANDS)):
        name, argument = COMMANDS[i]
        command = name + " " + argument if argument else name
        yield command + " " * (20 - len(command)) + help_texts.MEANINGS[i]
    forget(("console.help_texts",))
