"""What the console may ask beside operation: SERVICE, test fire, pulses, settings, clock, journal."""

from tandem.console import protocol
from tandem.console.protocol import Refused
from tandem.memory import forget
from tandem.record import layout, settings
from tandem.safety import elapsed, states
from tandem.safety.inputs import EV_ARM, EV_SERVICE, SOFT_RESET
from tandem.safety.supervisor import Supervisor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tandem.console.asked import Controller
else:
    Controller = object

PIN_WAIT_MS = 3000


class Maintenance(Controller):
    """Carries these commands out. `kept` are the settings; `apply` brings them into use after a change."""

    def __init__(self, supervisor: Supervisor, kept: "settings.Settings", apply: "Callable[[], None]") -> None:
        self._supervisor = supervisor
        self._state = supervisor.state
        self._inputs = supervisor.inputs
        self._delivery = supervisor.delivery
        self._settings = kept
        self._apply = apply
        self._wrong_ms = -1

    def _unarmed(self, what: str) -> None:
        if self._state.mode not in (states.STANDBY, states.SERVICE, states.FAULT):
            raise Refused(protocol.NOT_NOW, what + " is for STANDBY, SERVICE and FAULT: type standby first")

    def _in_service(self, what: str) -> None:
        if self._state.mode != states.SERVICE:
            raise Refused(protocol.NOT_NOW, what + " is for SERVICE: type service PIN in STANDBY first")

    def service(self, pin: str) -> None:
        """Go to SERVICE, or begin its time anew. After a wrong PIN three seconds have to pass."""
        if self._state.mode not in (states.STANDBY, states.SERVICE):
            raise Refused(protocol.NOT_NOW, "SERVICE is entered from STANDBY: type standby first")
        now = self._supervisor.board.millis()
        if self._wrong_ms >= 0 and elapsed(now, self._wrong_ms) < PIN_WAIT_MS:
            raise Refused(protocol.WRONG_PIN, "a wrong PIN was given just now: wait three seconds")
        right = pin == self._settings.values["service_pin"]
        self._wrong_ms = -1 if right else now
        self._supervisor.journal.note(layout.LOGIN, "service={}".format("granted" if right else "refused"))
        if not right:
            raise Refused(protocol.WRONG_PIN, "this is not the PIN; the setting service_pin holds it")
        self._supervisor.request(EV_SERVICE)

    def testfire(self) -> None:
        """Ask for arming a test fire."""
        if self._state.mode not in (states.STANDBY, states.SERVICE):
            raise Refused(protocol.NOT_NOW, "a test fire is armed in STANDBY or SERVICE: type standby first")
        self._admit()
        self._delivery.test_wanted = True
        self._supervisor.request(EV_ARM)

    def _admit(self) -> None:
        blocks = states.arm_blocks(self._inputs.word)
        if blocks:
            raise Refused(protocol.CANNOT_ARM, "; ".join(states.reasons(blocks, self._inputs.holds)))

    def scope(self, output: str, count: str) -> None:
        """Begin to make pulses on one output, 5 a second."""
        from tandem.safety.scope import Scope

        self._in_service("scope")
        supervisor = self._supervisor
        if supervisor.scope is not None:
            raise Refused(protocol.NOT_NOW, "the pulses asked for before are still being made")
        board = supervisor.board
        try:
            made = Scope(output, _whole("COUNT", count), self._inputs, board.levels, board.pulse)
        except ValueError as error:
            raise Refused(protocol.BAD_VALUE, str(error)) from None
        against = "a soft reset came before: hard reset needed" if self._inputs.holds & SOFT_RESET else made.against()
        if against:
            raise Refused(protocol.NOT_SAFE, against)
        supervisor.journal.note(layout.NOTE, "scope={} count={}".format(output, count))
        supervisor.scope = made

    def setting_lines(self) -> "Iterator[str]":
        """Yield one line a setting."""
        for key, _, _, _, unit, meaning in settings.SETTINGS:
            shown = self._settings.shown(key)
            items: list[tuple[str, object]] = [("name", key), ("value", shown), ("unit", unit)]
            items += [("allowed", settings.allowed(key)), ("meaning", meaning)]
            yield protocol.pairs(items)

    def set(self, name: str, text: str) -> "list[tuple[str, object]]":
        """Change a setting for good: written to flash, read back, then in use and on record."""
        self._in_service("set")
        supervisor = self._supervisor
        supervisor.breathe()
        supervisor.board.flash_begins()
        try:
            before, after = self._settings.change(name, text)
        except settings.Refused as error:
            raise Refused(protocol.BAD_VALUE, str(error)) from None
        except settings.SettingsError as error:
            raise Refused(protocol.NOT_KEPT, str(error)) from None
        finally:
            supervisor.breathe()
        supervisor.journal.note(layout.SETTING, "name={} before={} after={}".format(name, before, after))
        self._apply()
        return [("name", name), ("value", after)]

    def clock(self, text: str) -> "list[tuple[str, object]]":
        """Set the calendar time."""
        journal = self._supervisor.journal.journal
        try:
            journal.set_clock(seconds(text))
        except ValueError as error:
            raise Refused(protocol.BAD_VALUE, str(error)) from None
        return [("time", _moment(journal.time_s))]

    def journal_status(self) -> "list[tuple[str, object]]":
        """Return what there is and how much room."""
        journal = self._supervisor.journal.journal
        return [
            ("last", journal.seq - 1),
            ("acknowledged", journal.acknowledged),
            ("waiting_bytes", journal.waiting),
            ("free_permille", journal.free_permille),
            ("room_shots", journal.room),
            ("lost", journal.lost),
            ("memory", "fram" if journal.memory.lasting else "ram"),
            ("boot", journal.boot),
            ("time", _moment(journal.time_s)),
        ]

    def journal_lines(self, first: str) -> "Iterator[str]":
        """Return records from a number on, a line each; an empty text while there is nothing to show yet."""
        self._unarmed("journal show")
        return self._records(self._number(first))

    def _records(self, number: int) -> "Iterator[str]":
        from tandem.record import reading, text

        for place in reading.records(self._supervisor.journal.journal, number):
            yield text.line(*place) if place else ""
        forget(("record.reading", "record.text"))

    def journal_pulled(self, last: str) -> None:
        """Take note that records were pulled."""
        self._unarmed("journal pulled")
        try:
            self._supervisor.journal.journal.pulled(self._number(last))
        except ValueError as error:
            raise Refused(protocol.BAD_VALUE, str(error)) from None

    def journal_overwrite(self) -> None:
        """Take note that the oldest records may be overwritten."""
        self._unarmed("journal overwrite")
        self._supervisor.journal.journal.overwrite()

    def _number(self, text: str) -> int:
        try:
            return _whole("SEQ", text)
        except ValueError as error:
            raise Refused(protocol.BAD_VALUE, str(error)) from None


def _whole(name: str, text: str) -> int:
    if not text.isdigit() or len(text) > 9:
        raise ValueError("{} is {}: a whole number from 0 to 999999999 is taken".format(name, text))
    return int(text)


def _moment(time_s: int) -> str:
    from tandem.record import text

    shown = text.moment(time_s)
    forget(("record.text",))
    return shown


def _days(year: int, month: int, day: int) -> int:
    """Return days in the Gregorian calendar, counted from some day far back."""
    if month < 3:
        year -= 1
        month += 12
    return 365 * year + year // 4 - year // 100 + year // 400 + (153 * month - 457) // 5 + day


def seconds(text: str) -> int:
    """Return the seconds from 2020-01-01 UTC to a time written as 2026-11-26T09:30:00Z. ValueError for another text."""
    try:
        date, _, clock = text.partition("T")
        year, month, day = [int(part) for part in date.split("-")]
        hour, minute, second = [int(part) for part in clock[:-1].split(":")]
        found = (_days(year, month, day) - _days(2020, 1, 1)) * 86400 + hour * 3600 + minute * 60 + second
    except ValueError:
        found = 0
    if not 0 < found < 1 << 30 or _moment(found) != text:
        raise ValueError("'{}' is no time as 2026-11-26T09:30:00Z, from 2020 to 2053".format(text))
    return found
