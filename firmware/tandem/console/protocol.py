"""The form of every reply, and the closed list of error codes.

A reply is any number of lines `# ...` and then one line `OK ...` or `ERROR <code> "text"`. A `#` line whose first word
holds a `=` is data and belongs to the reply being given; any other `#` line is a remark for people and may come at any
time. Values with blanks stand in double quotes; a double quote inside a text is given as a single one.
"""

from tandem.safety import const

UNKNOWN_COMMAND = const(10)
LINE_TOO_LONG = const(11)
BAD_BYTES = const(12)
BAD_ARGUMENTS = const(13)
PEDAL_ONLY = const(14)
CUT_SHORT = const(15)
NOT_NOW = const(20)
CANNOT_ARM = const(21)
UNKNOWN_RECIPE = const(22)
RECIPE_REFUSED = const(23)
NOTHING_LOADED = const(24)
CAUSE_STANDS = const(25)
NO_FAULT = const(26)
RESET_NEEDED = const(27)
WRONG_PIN = const(28)
BAD_VALUE = const(29)
NOT_SAFE = const(30)
NOT_KEPT = const(31)
INTERNAL = const(90)

ERRORS = (
    (UNKNOWN_COMMAND, "UNKNOWN_COMMAND", "there is no such command", "type help"),
    (LINE_TOO_LONG, "LINE_TOO_LONG", "the line was longer than 120 characters; nothing of it was used", "shorten it"),
    (
        BAD_BYTES,
        "BAD_BYTES",
        "the line held a byte that is not printable ASCII; nothing of it was used",
        "type it again without arrow keys, tabs and accents",
    ),
    (BAD_ARGUMENTS, "BAD_ARGUMENTS", "the command takes other arguments", "type help"),
    (PEDAL_ONLY, "PEDAL_ONLY", "firing is not a command", "arm, then press the pedal"),
    (
        CUT_SHORT,
        "CUT_SHORT",
        "standby, firing, or too many commands came before this one was answered",
        "wait for OK or ERROR",
    ),
    (NOT_NOW, "NOT_NOW", "the present state does not allow it", "the text names the state that does"),
    (CANNOT_ARM, "CANNOT_ARM", "something keeps from arming", "the text lists what; put it right and arm again"),
    (UNKNOWN_RECIPE, "UNKNOWN_RECIPE", "there is no recipe of this name", "type recipe list"),
    (
        RECIPE_REFUSED,
        "RECIPE_REFUSED",
        "lasers, handpiece or board cannot keep the recipe",
        "the text says what, and the nearest that can be kept",
    ),
    (NOTHING_LOADED, "NOTHING_LOADED", "no recipe is in use", "type recipe use NAME"),
    (
        CAUSE_STANDS,
        "CAUSE_STANDS",
        "the cause of the fault is still there",
        "the text says what; remove it, then clear",
    ),
    (NO_FAULT, "NO_FAULT", "there is no fault to clear", "nothing"),
    (
        RESET_NEEDED,
        "RESET_NEEDED",
        "only a hard reset can prove the cause gone",
        "switch the controller off and on, or press its reset button",
    ),
    (WRONG_PIN, "WRONG_PIN", "the PIN is not the one that was set", "wait three seconds, then try again"),
    (BAD_VALUE, "BAD_VALUE", "a value is not what the command takes", "the text says what is allowed"),
    (NOT_SAFE, "NOT_SAFE", "something is not as it has to be for pulses on an output", "the text lists what"),
    (NOT_KEPT, "NOT_KEPT", "it could not be written to the board's flash; nothing changed", "the text says why"),
    (INTERNAL, "INTERNAL", "the firmware met an error that it does not know", "report the text"),
)
"""Each error: code, name, meaning, what to do. A code is never given to another meaning."""


class Refused(Exception):
    """A command is refused: `code` out of `ERRORS`, `text` says what was asked, what is allowed and what to do."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


def ok(text: str) -> str:
    """Return the line that ends a reply to a command that was carried out."""
    return "OK " + text


def error(code: int, text: str) -> str:
    """Return the line that ends a reply to a command that was not carried out."""
    return "ERROR {} {}".format(code, quoted(text))


def remark(text: str) -> str:
    """Return a line of data or a remark."""
    return "# " + text


def quoted(text: str) -> str:
    """Return a text in double quotes."""
    return '"' + text.replace('"', "'") + '"'


def pairs(items: "list[tuple[str, object]]") -> str:
    """Return `key=value` words with one blank between them; a value that is empty or has blanks is quoted."""
    words = []
    for key, value in items:
        text = str(value)
        if not text or " " in text or '"' in text:
            text = quoted(text)
        words.append(key + "=" + text)
    return " ".join(words)


def parse_pairs(text: str) -> dict[str, str]:
    """Return the `key=value` words of a line as `pairs` wrote them; words without `=` are passed over."""
    found = {}
    at = 0
    while at < len(text):
        end = text.find(" ", at)
        end = len(text) if end < 0 else end
        equals = text.find("=", at, end)
        if equals < 0:
            at = end + 1
            continue
        if text[equals + 1 : equals + 2] == '"':
            end = text.find('"', equals + 2)
            end = len(text) if end < 0 else end
            found[text[at:equals]] = text[equals + 2 : end]
            end += 1
        else:
            found[text[at:equals]] = text[equals + 1 : end]
        at = end + 1
    return found
