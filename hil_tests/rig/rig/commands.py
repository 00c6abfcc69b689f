"""The rig's commands: exact words, one table. Each calls one method of the rig and gives back what it returns.

Long replies are iterators, carried on by `pump` as far as the queue has room, so that nobody waits for a host that does
not read. Commands that come while a reply is being given wait their turn, up to four of them; a fifth cuts the reply
short and refuses what waits. Every command gets one reply, in order.
"""

import gc

from tandem.console import protocol
from tandem.console.output import OutputQueue
from tandem.console.protocol import BAD_ARGUMENTS, BAD_VALUE, Refused
from tandem.safety import later

from rig import pins, words
from rig.command_table import COMMANDS
from rig.room import BUTTONS, LONGEST_MS
from rig.script import FIRST_US, LAST_US

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rig.app import Rig

    Pairs = list[tuple[str, object]]
    Reply = tuple[str, Iterable[str]]

_LONGEST_LINE = 340
_MOST_WAITING = 4
_EDGES = 256
_LASERS = ("ps", "co2")
_OVERRIDES = ("missing", "no_sync", "double", "energy")
_ENERGY = 3


class Commands:
    """Carries out lines of text. Replies go to `output`; `busy` while a reply is being given. `lost`: lines dropped."""

    def __init__(self, rig: "Rig", output: OutputQueue) -> None:
        self._deeds = Deeds(rig)
        self._rig = rig
        self._output = output
        self._lines: Iterator[str] | None = None
        self._ok = ""
        self._name = ""
        self._waiting: list[tuple[int, str]] = []

    @property
    def busy(self) -> bool:
        """Whether there is a reply to go on with; `pump` does it."""
        return self._lines is not None

    def run(self, line: str) -> None:
        """Carry out one line, or let it wait. An empty line does nothing. Raises nothing: errors become replies."""
        if line.split():
            self._take(0, line)

    def refuse(self, code: int, text: str) -> None:
        """Reply to a line that could not even be read."""
        self._take(code, text)

    def say(self, text: str) -> None:
        """Queue a line; one that is lost is counted."""
        if not self._output.line(text):
            self._rig.lost_lines += 1

    def pump(self, lines: int) -> None:
        """Go on with the present reply by at most `lines` lines, as far as the queue has room. Raises nothing."""
        while self._lines is not None and lines > 0 and self._output.room >= _LONGEST_LINE:
            lines -= 1
            try:
                text = next(self._lines)
            except StopIteration:
                self._end(protocol.ok(self._ok))
            except Exception as error:
                self._fail(error)
            else:
                self.say(protocol.remark(text))
        while self._lines is None and self._waiting:
            code, text = self._waiting.pop(0)
            if not code:
                self._output.echo_line(text)
            self._carry_out(code, text)

    def _take(self, code: int, text: str) -> None:
        if self._lines is None:
            self._carry_out(code, text)
        elif len(self._waiting) < _MOST_WAITING:
            self._waiting.append((code, text))
        else:
            self._end(protocol.error(protocol.CUT_SHORT, self._name + " was cut short: too many commands came"))
            for _ in self._waiting:
                self.say(protocol.error(protocol.CUT_SHORT, "not carried out: too many commands came"))
            self._waiting.clear()
            self._carry_out(code, text)

    def _carry_out(self, code: int, text: str) -> None:
        """Begin to reply to a line (code 0), or refuse what was not one."""
        if code:
            self._end(protocol.error(code, text))
            return
        try:
            name, arguments = self._understand(text.split())
            self._name = name
            self._ok, lines = getattr(self._deeds, name.replace(" ", "_"))(*arguments)
            self._lines = iter(lines)
        except Refused as refusal:
            self._end(protocol.error(refusal.code, refusal.text))
        except ValueError as error:
            self._end(protocol.error(BAD_VALUE, str(error)))
        except Exception as error:
            self._fail(error)
        else:
            self.pump(2)

    def _understand(self, words: list[str]) -> "tuple[str, list[str]]":
        """Return the name of a command and its arguments. Raises Refused."""
        for count in (2, 1):
            name = " ".join(words[:count])
            for command, usage, least, most, _ in COMMANDS:
                if command == name and len(words) >= count:
                    if least <= len(words) - count <= most:
                        return name, words[count:]
                    raise Refused(BAD_ARGUMENTS, "{} takes {}".format(name, usage or "no argument"))
        forms = [command for command, _, _, _, _ in COMMANDS if command.startswith(words[0] + " ")]
        if forms:
            raise Refused(BAD_ARGUMENTS, "{} alone is not a command: {}".format(words[0], ", ".join(forms)))
        raise Refused(protocol.UNKNOWN_COMMAND, "there is no command '{}': type help".format(words[0]))

    def _fail(self, error: Exception) -> None:
        self._rig.errors += 1
        self._end(protocol.error(protocol.INTERNAL, "{}: {}".format(type(error).__name__, error)))

    def _end(self, text: str) -> None:
        self._lines = None
        self.say(text)


class Deeds:
    """A method for each command, which returns the text after `OK` and the lines before it.

    Raises Refused, or ValueError for a value that is not allowed.
    """

    def __init__(self, rig: "Rig") -> None:
        self._rig = rig

    def help(self) -> "Reply":
        """Give the table of commands."""
        return "help lines={}".format(len(COMMANDS)), _help_lines()

    def version(self) -> "Reply":
        """Tell which program runs."""
        return protocol.pairs(self._rig.version()), ()

    def status(self) -> "Reply":
        """Tell what the rig is doing."""
        return "status", _one_a_line(self._rig.status())

    def health(self) -> "Reply":
        """Give the counters."""
        return protocol.pairs(self._rig.health()), ()

    def health_clear(self) -> "Reply":
        """Set the counters to 0."""
        self._rig.clear_health()
        return "cleared", ()

    def set(self, *levels: str) -> "Reply":
        """Force outputs, or give them back: all of them or, when one is wrong, none."""
        wanted = [_level(text, True) for text in levels]
        for mask, level in wanted:
            if level < 0:
                self._rig.room.give_back(mask)
            else:
                self._rig.room.force(mask, mask if level else 0)
        return "set", ()

    def get(self) -> "Reply":
        """Give all levels."""
        return "get", self._rig.level_lines()

    def room(self, on: str) -> "Reply":
        """Put the quiet room in place, or let nothing follow."""
        if _choice(on, ("on", "off")):
            self._rig.room.still()
        else:
            self._rig.room.idle()
        return "room " + on, ()

    def handpiece(self, code: str) -> "Reply":
        """Connect a handpiece."""
        self._rig.room.handpiece(_number(code, "CODE", 0, 7))
        return "handpiece " + code, ()

    def pedal(self, move: str) -> "Reply":
        """Press or release the pedal."""
        self._rig.room.pedal(_choice(move, ("press", "release")) == 0)
        return "pedal " + move, ()

    def button(self, name: str, ms: str) -> "Reply":
        """Press a button for a time."""
        _choice(name, BUTTONS)
        self._rig.room.button(name, _number(ms, "MS", 1, LONGEST_MS))
        return "button " + name, ()

    def script(self) -> "Reply":
        """Tell what became of the script."""
        return protocol.pairs(self._rig.script_pairs()), ()

    def script_clear(self) -> "Reply":
        """Forget the steps."""
        self._rig.script.clear()
        return "cleared", ()

    def script_add(self, us: str, *levels: str) -> "Reply":
        """Add a step."""
        at_us = _number(us, "US", 0, LAST_US)
        for mask, level in [_level(text, False) for text in levels]:
            self._rig.script.add(at_us, mask, level)
        return "steps={}".format(self._rig.script.steps), ()

    def script_run(self) -> "Reply":
        """Carry out the steps."""
        self._check_steps()
        gc.collect()
        self._rig.run_script(later(self._rig.now_us(), FIRST_US))
        return self.script()

    def script_when(self, channel: str, edges: str, us: str = "0") -> "Reply":
        """Carry out the steps once a channel has edges enough."""
        self._check_steps()
        count, delay_us = _number(edges, "EDGES", 1, 30_000), _number(us, "US", 0, LAST_US)
        if channel not in self._stamped():
            raise ValueError("{} is not stamped: stamp start {}".format(channel, channel))
        kept = self._rig.stamps.left(channel)[1]
        if count > kept:
            raise ValueError("EDGES={} of {}, but only {} are kept".format(count, channel, kept))
        self._rig.arm_script(channel, count, delay_us)
        return "armed", ()

    def _check_steps(self) -> None:
        if not self._rig.script.steps:
            raise Refused(protocol.NOTHING_LOADED, "the script has no steps: script add US NAME=0|1")

    def _stamped(self) -> "tuple[str, ...]":
        return tuple(self._rig.stamps.names())

    def stamp_start(self, *channels: str) -> "Reply":
        """Keep the times of edges."""
        if self._rig.stamps.running:
            raise Refused(protocol.NOT_NOW, "edges are being stamped: stamp stop first")
        self._rig.start_stamps([_channel(text) for text in channels])
        return "channels=" + ",".join(self._stamped()), ()

    def stamp_status(self) -> "Reply":
        """Tell how many edges there are."""
        return "running={:d}".format(self._rig.stamps.running), self._rig.channel_lines()

    def stamp_stop(self) -> "Reply":
        """Keep no more edges."""
        self._rig.stop_stamps()
        return self.stamp_status()

    def stamp_read(self, name: str, first: str, count: str) -> "Reply":
        """Give words of a channel."""
        stamps = self._rig.stamps
        if name not in self._stamped():
            raise ValueError("{} was not stamped: {}".format(name, ", ".join(self._stamped()) or "stamp start first"))
        there = stamps.count(name)
        at = _number(first, "FIRST", 0, there)
        end = at + _number(count, "COUNT", 0, there - at)
        return "read count={}".format(end - at), words.lines(stamps.buffer(name), at, end)

    def watch(self) -> "Reply":
        """Tell what the chip latched of the watched pins."""
        return "watch", self._rig.watch_lines()

    def watch_clear(self) -> "Reply":
        """Forget what was latched."""
        self._rig.forget_edges()
        return "cleared", ()

    def laser(self, kind: str, *told: str) -> "Reply":
        """Set up a laser, load it, stop it, or tell how it is."""
        i = _choice(kind, _LASERS)
        laser = self._rig.lasers[i]
        first = told[0] if told else ""
        if first == "shot":
            _check_count(told, 3, "shot N missing|no_sync|double|energy=CODE")
            what, equals, value = told[2].partition("=")
            if (_choice(what, _OVERRIDES) == _ENERGY) != bool(equals):
                raise ValueError("'{}' is not one of missing, no_sync, double, energy=CODE".format(told[2]))
            laser.override(_number(told[1], "N", 0, 2499), what, _number(value, "energy", 0, 4095) if equals else 0)
        elif first == "load":
            _check_count(told, 2, "load COUNT")
            self._rig.load_laser(i, _number(told[1], "COUNT", 1, 2500))
        elif first == "stop":
            _check_count(told, 1, "stop")
            laser.stop()
        else:
            for key, value in [_pair(word) for word in told]:
                laser.configure(key, value if key == "trigger" else _number(value, key, 0, 99_999_999))
        return protocol.pairs(self._rig.laser_pairs(i)), ()

    def run(self, how: str, ms: str = "") -> "Reply":
        """Move the controller's RUN line."""
        choice = _choice(how, ("low", "high", "pulse"))
        if (choice == 2) != bool(ms):
            raise Refused(BAD_ARGUMENTS, "run takes low, high, or pulse MS")
        if choice == 2:
            self._rig.room.run_pulse(_number(ms, "MS", 1, LONGEST_MS))
        else:
            self._rig.room.run_low(choice == 0)
        return "run " + how, ()

    def power(self, on: str) -> "Reply":
        """Switch the controller's supply."""
        self._rig.room.supply(_choice(on, ("on", "off")) == 0)
        return "power " + on, ()


def _help_lines() -> "Iterator[str]":
    for name, usage, _, _, meaning in COMMANDS:
        yield "{}: {}".format(name + " " + usage if usage else name, meaning)


def _one_a_line(pairs: "Pairs") -> "Iterator[str]":
    for pair in pairs:
        yield protocol.pairs([pair])


def _number(text: str, what: str, low: int, high: int) -> int:
    if not text.isdigit() or len(text) > 9 or not low <= int(text) <= high:
        raise ValueError("{}={} is not a whole number in {}..{}".format(what, text, low, high))
    return int(text)


def _choice(text: str, allowed: "tuple[str, ...]") -> int:
    if text not in allowed:
        raise ValueError("'{}' is not one of {}".format(text, ", ".join(allowed)))
    return allowed.index(text)


def _pair(text: str) -> "tuple[str, str]":
    key, equals, value = text.partition("=")
    if not key or not equals or not value:
        raise Refused(BAD_ARGUMENTS, "'{}' is not of the form KEY=VALUE".format(text))
    return key, value


def _level(text: str, auto: bool) -> "tuple[int, int]":
    """Return the mask of an output and its level, -1 for auto."""
    name, value = _pair(text)
    if name not in pins.OUT_NAMES:
        raise ValueError("'{}' is not a slow output: get lists them as outputs".format(name))
    allowed = ("0", "1", "auto") if auto else ("0", "1")
    level = _choice(value, allowed)
    return 1 << pins.OUT_NAMES.index(name), -1 if level == 2 else level


def _channel(text: str) -> "tuple[str, int]":
    name, colon, edges = text.partition(":")
    if name not in pins.WATCHED:
        raise ValueError("'{}' is not a watched pin: get lists them as pins".format(name))
    return name, _number(edges, "EDGES", 1, 30_000) if colon else _EDGES


def _check_count(words: "tuple[str, ...]", count: int, usage: str) -> None:
    if len(words) != count:
        raise Refused(BAD_ARGUMENTS, "laser ps|co2 takes " + usage)
