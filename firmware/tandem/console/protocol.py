"""The form of every reply, and the codes of errors: a closed list, which `errors` explains.

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


class Refused(Exception):
    """A command is refused: `code` out of `errors.ERRORS`; `text`: what was asked, what is allowed, what to do."""

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
