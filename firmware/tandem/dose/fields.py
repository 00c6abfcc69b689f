"""Fields with a range and a unit, and the entries (passes, profiles, handpieces) that are made of them.

An entry's class lists its fields once; construction in Python and reading from JSON go through the same checks. A value
that is not allowed is refused with its field, its range and what to do; nothing is clipped, nothing is partly applied.

In Python a field holds an integer of the small unit that its name ends in (``fluence_uj_cm2=760000``). In JSON it has a
plain key and carries its unit as text (``"fluence": "0.76 J/cm2"``), because a JSON number with a decimal point would
become a float, which boards read with 24 bits.
"""

# ruff: noqa: D102 (methods of the kinds of fields are described once, in Field)
import json

from tandem import units
from tandem.dose.errors import (
    BAD_FORMAT,
    BAD_TYPE,
    CONFLICT,
    MISSING_FIELD,
    OUT_OF_RANGE,
    UNKNOWN_FIELD,
    DataError,
)
from tandem.dose.facts import Facts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

REQUIRED = "required"
"""Default of a field that has to be given. A default of None means that the field may be left out."""

LONGEST_JSON = 16384


def quoted(text: str) -> str:
    """Return ``text`` as a JSON string, in ASCII, the same on every interpreter; characters from space to U+FFFF."""
    if len(text.encode()) == len(text):
        return json.dumps(text)
    parts = [json.dumps(character) if ord(character) < 127 else f"\\u{ord(character):04x}" for character in text]
    return '"' + "".join([part if part[0] != '"' else part[1:-1] for part in parts]) + '"'


class Field:
    """One field: ``name`` in Python, ``key`` in JSON and in messages, ``meaning`` for people, ``default``."""

    def __init__(self, name: str, key: str, meaning: str, default: "Any" = REQUIRED) -> None:
        self.name = name
        self.key = key
        self.meaning = meaning
        self.default = default

    def allowed(self) -> str:
        """Return what the field may hold, with its unit, for people."""
        raise NotImplementedError

    def check(self, owner: str, value: "Any") -> None:
        """Raise DataError when the field may not hold ``value``."""
        raise NotImplementedError

    def read(self, owner: str, value: "Any") -> "Any":
        """Return what a JSON ``value`` means in Python; DataError when it is of the wrong kind; range: later."""
        return value

    def write(self, value: "Any") -> str:
        """Return ``value`` as JSON text that `read` takes: the same on every interpreter, without decimal points."""
        return str(value)

    def show(self, value: "Any") -> str:
        """Return ``value`` for people, exactly."""
        return str(value)

    def refuse(self, owner: str, number: int, what: str) -> DataError:
        """Return the error "owner: key what: allowed ..."."""
        return DataError(number, f"{owner}: {self.key} {what}; allowed: {self.allowed()}")


class Quantity(Field):
    """An integer of the small unit of ``kind`` (`tandem.units.KINDS`), from ``low`` to ``high``, shown in ``unit``."""

    def __init__(
        self, name: str, key: str, meaning: str, kind: str, low: int, high: int, unit: str, default: "Any" = REQUIRED
    ) -> None:
        super().__init__(name, key, meaning, default)
        self.kind = kind
        self.low = low
        self.high = high
        self.unit = unit

    def allowed(self) -> str:
        return f"{self.show(self.low)} to {self.show(self.high)}"

    def check(self, owner: str, value: "Any") -> None:
        if type(value) is not int:
            small = units.KINDS[self.kind][0][0]
            raise self.refuse(owner, BAD_TYPE, f"is {value!r}, not a whole number of {small}")
        if not self.low <= value <= self.high:
            sign = "-" if value < 0 else ""
            shown = sign + units.show(self.kind, abs(value), self.unit)
            raise self.refuse(owner, OUT_OF_RANGE, f"is {shown}, which is out of range")

    def read(self, owner: str, value: "Any") -> int:
        if not isinstance(value, str):
            example = self.show(self.low)
            raise self.refuse(owner, BAD_TYPE, f'is {value!r}, not text with a unit such as "{example}"')
        try:
            return units.parse(self.kind, value)
        except ValueError as error:
            raise self.refuse(owner, BAD_TYPE, str(error)) from None

    def write(self, value: int) -> str:
        return quoted(self.show(value))

    def show(self, value: int) -> str:
        return units.show(self.kind, value, self.unit)


class Count(Field):
    """A whole number from ``low`` to ``high``."""

    def __init__(self, name: str, key: str, meaning: str, low: int, high: int, default: "Any" = REQUIRED) -> None:
        super().__init__(name, key, meaning, default)
        self.low = low
        self.high = high

    def allowed(self) -> str:
        return f"{self.low} to {self.high}"

    def check(self, owner: str, value: "Any") -> None:
        if type(value) is not int:
            raise self.refuse(owner, BAD_TYPE, f"is {value!r}, not a whole number")
        if not self.low <= value <= self.high:
            raise self.refuse(owner, OUT_OF_RANGE, f"is {value}, which is out of range")


class Choice(Field):
    """One of a few words."""

    def __init__(self, name: str, key: str, meaning: str, choices: tuple[str, ...], default: "Any" = REQUIRED) -> None:
        super().__init__(name, key, meaning, default)
        self.choices = choices

    def allowed(self) -> str:
        return ", ".join(self.choices)

    def check(self, owner: str, value: "Any") -> None:
        if not isinstance(value, str):
            raise self.refuse(owner, BAD_TYPE, f"is {value!r}, not a word")
        if value not in self.choices:
            raise self.refuse(owner, OUT_OF_RANGE, f"is '{value[:40]}', which is not a choice")

    def write(self, value: str) -> str:
        return quoted(value)


class Flag(Field):
    """True or False."""

    def allowed(self) -> str:
        return "true or false"

    def check(self, owner: str, value: "Any") -> None:
        if value is not True and value is not False:
            raise self.refuse(owner, BAD_TYPE, f"is {value!r}")

    def write(self, value: bool) -> str:
        return self.show(value)

    def show(self, value: bool) -> str:
        return "true" if value else "false"


class Text(Field):
    """Printable text of ``shortest`` to ``longest`` characters; with ``alphabet``, of those characters only."""

    def __init__(
        self,
        name: str,
        key: str,
        meaning: str,
        shortest: int,
        longest: int,
        alphabet: str = "",
        default: "Any" = REQUIRED,
    ) -> None:
        super().__init__(name, key, meaning, default)
        self.shortest = shortest
        self.longest = longest
        self.alphabet = alphabet

    def allowed(self) -> str:
        of = " of " + self.alphabet if self.alphabet else ""
        return f"{self.shortest} to {self.longest} characters{of}"

    def check(self, owner: str, value: "Any") -> None:
        if not isinstance(value, str):
            raise self.refuse(owner, BAD_TYPE, f"is {value!r}, not text")
        if not self.shortest <= len(value) <= self.longest:
            raise self.refuse(owner, OUT_OF_RANGE, f"has {len(value)} characters")
        for character in value:
            if not 32 <= ord(character) < 65536 or (self.alphabet and character not in self.alphabet):
                raise self.refuse(owner, OUT_OF_RANGE, f"contains {character!r}")

    def write(self, value: str) -> str:
        return quoted(value)


NAME_ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789-"


def name_field(meaning: str) -> Text:
    """Return the field ``name`` that recipes, profiles and handpiece entries have."""
    return Text("name", "name", meaning, 1, 32, NAME_ALPHABET)


class Many(Field):
    """A tuple of 1 to ``most`` different values of one quantity, in JSON a list."""

    def __init__(self, item: Quantity, most: int, default: "Any" = REQUIRED) -> None:
        super().__init__(item.name, item.key, item.meaning, default)
        self.item = item
        self.most = most

    def allowed(self) -> str:
        return f"1 to {self.most} different values, each {self.item.allowed()}"

    def check(self, owner: str, value: "Any") -> None:
        if not isinstance(value, tuple):
            raise self.refuse(owner, BAD_TYPE, f"is {value!r}, not a list")
        for one in value:
            self.item.check(owner, one)
        if not 1 <= len(value) <= self.most or len(set(value)) != len(value):
            raise self.refuse(owner, OUT_OF_RANGE, "is " + self.show(value))

    def read(self, owner: str, value: "Any") -> "tuple[int, ...]":
        if not isinstance(value, list):
            raise self.refuse(owner, BAD_TYPE, f"is {value!r}, not a list")
        return tuple([self.item.read(owner, one) for one in value])

    def write(self, value: "tuple[int, ...]") -> str:
        return "[" + ", ".join([self.item.write(one) for one in value]) + "]"

    def show(self, value: "tuple[int, ...]") -> str:
        return ", ".join([self.item.show(one) for one in value]) or "empty"


class Curve(Field):
    """A calibration curve: a tuple of 2 to ``most`` points (x, y), each x and each y greater than the one before."""

    def __init__(self, name: str, key: str, meaning: str, x: Quantity, y: Quantity, most: int, default: "Any") -> None:
        super().__init__(name, key, meaning, default)
        self.x = x
        self.y = y
        self.most = most

    def allowed(self) -> str:
        axes = f"{self.x.key} ({self.x.allowed()}) and {self.y.key} ({self.y.allowed()})"
        return f"2 to {self.most} points, {axes}, both rising from point to point"

    def check(self, owner: str, value: "Any") -> None:
        if not isinstance(value, tuple) or any(not isinstance(p, tuple) or len(p) != 2 for p in value):
            raise self.refuse(owner, BAD_TYPE, "is not a list of pairs")
        if not 2 <= len(value) <= self.most:
            raise self.refuse(owner, OUT_OF_RANGE, f"has {len(value)} points")
        for index in range(len(value)):
            x, y = value[index]
            self.x.check(owner, x)
            self.y.check(owner, y)
            if index and (x <= value[index - 1][0] or y <= value[index - 1][1]):
                raise self.refuse(owner, OUT_OF_RANGE, f"does not rise at point {index + 1}")

    def read(self, owner: str, value: "Any") -> "tuple[tuple[int, int], ...]":
        if not isinstance(value, list) or any(not isinstance(p, list) or len(p) != 2 for p in value):
            raise self.refuse(owner, BAD_TYPE, "is not a list of pairs")
        return tuple([(self.x.read(owner, x), self.y.read(owner, y)) for x, y in value])

    def write(self, value: "tuple[tuple[int, int], ...]") -> str:
        return "[" + ", ".join([f"[{self.x.write(x)}, {self.y.write(y)}]" for x, y in value]) + "]"

    def show(self, value: "tuple[tuple[int, int], ...]") -> str:
        return ", ".join([f"{self.x.show(x)} -> {self.y.show(y)}" for x, y in value])


class Words(Field):
    """A tuple of different field keys of the same entry, in JSON a list of words."""

    def allowed(self) -> str:
        return "a list of this entry's field names"

    def check(self, owner: str, value: "Any") -> None:
        if not isinstance(value, tuple) or any(not isinstance(word, str) for word in value):
            raise self.refuse(owner, BAD_TYPE, f"is {value!r}, not a list of words")
        if len(set(value)) != len(value):
            raise self.refuse(owner, OUT_OF_RANGE, "names a field twice")

    def read(self, owner: str, value: "Any") -> "tuple[str, ...]":
        if not isinstance(value, list):
            raise self.refuse(owner, BAD_TYPE, f"is {value!r}, not a list")
        return tuple(value)

    def write(self, value: "tuple[str, ...]") -> str:
        return "[" + ", ".join([quoted(word) for word in value]) + "]"

    def show(self, value: "tuple[str, ...]") -> str:
        return ", ".join(value)


class Notes(Field):
    """A tuple of pairs (field key, text), in JSON an object: where each figure comes from."""

    def allowed(self) -> str:
        return "one text of 1 to 120 characters for each of this entry's figures"

    def check(self, owner: str, value: "Any") -> None:
        if not isinstance(value, tuple) or any(not isinstance(p, tuple) or len(p) != 2 for p in value):
            raise self.refuse(owner, BAD_TYPE, "is not a set of texts")
        for key, text in value:
            if not isinstance(key, str) or not isinstance(text, str):
                raise self.refuse(owner, BAD_TYPE, f"has something that is not text at {key!r}")
            if not 1 <= len(text) <= 120:
                raise self.refuse(owner, OUT_OF_RANGE, f"has {len(text)} characters at '{key}'")

    def read(self, owner: str, value: "Any") -> "tuple[tuple[str, str], ...]":
        if not isinstance(value, dict):
            raise self.refuse(owner, BAD_TYPE, f"is {value!r}, not an object")
        return tuple([(key, value[key]) for key in sorted(value)])

    def write(self, value: "tuple[tuple[str, str], ...]") -> str:
        return "{" + ", ".join([quoted(key) + ": " + quoted(text) for key, text in sorted(value)]) + "}"

    def show(self, value: "tuple[tuple[str, str], ...]") -> str:
        return "; ".join([f"{key}: {text}" for key, text in value])


class Entry:
    """Checked data made of `FIELDS`; every field is an attribute, None when it was left out and may be."""

    FIELDS: "tuple[Field, ...]" = ()
    BARE: "type[Any]" = Facts
    WHAT = "entry"

    def __init__(self, **values: "Any") -> None:
        owner = self.owner(values)
        known = [field.name for field in self.FIELDS]
        for name in sorted(values):
            if name not in known:
                raise unknown_field(owner, name, known)
        for field in self.FIELDS:
            value = values.get(field.name, field.default)
            if value is REQUIRED and field.name not in values:
                raise DataError(MISSING_FIELD, f"{owner}: {field.key} is missing; give it: {field.allowed()}")
            if value is not None or field.default is not None:
                field.check(owner, value)
            setattr(self, field.name, value)
        self.check(owner)

    @classmethod
    def owner(cls, values: "dict[str, Any]") -> str:
        """Return how messages call the entry with these values."""
        name = values.get("name")
        return f"{cls.WHAT} {name[:32]}" if isinstance(name, str) else cls.WHAT

    def check(self, owner: str) -> None:
        """Raise DataError when fields that are each right do not go together."""

    @classmethod
    def field(cls, name: str) -> Field:
        """Return the field with this Python name or JSON key. KeyError when there is none."""
        for field in cls.FIELDS:
            if name in (field.name, field.key):
                return field
        raise KeyError(name)

    def get(self, field: Field) -> "Any":
        """Return what ``field`` holds here, None when it was left out."""
        return getattr(self, field.name)

    def facts(self) -> "Any":
        """Return the values alone, but for notes: what planning reads, and no more."""
        bare = self.BARE()
        for field in self.FIELDS:
            if not isinstance(field, Notes):
                setattr(bare, field.name, self.get(field))
        return bare

    def given(self) -> "Iterator[tuple[Field, Any]]":
        """Yield each field that is set, with its value, in the table's order."""
        for field in self.FIELDS:
            value = self.get(field)
            if value is not None:
                yield field, value

    def changed(self, **values: "Any") -> "Any":
        """Return a new entry with these fields changed (None leaves one out), checked like any other."""
        merged = {field.name: value for field, value in self.given()}
        merged.update(values)
        for name in [name for name in merged if merged[name] is None]:
            del merged[name]
        return type(self)(**merged)

    @classmethod
    def from_json(cls, data: "Any", owner: str = "") -> "Any":
        """Return the entry that ``data``, an object that JSON gave, describes. DataError says what is wrong with it."""
        if not isinstance(data, dict):
            raise DataError(BAD_FORMAT, f"{owner or cls.WHAT} is {repr(data)[:40]}, not an object with fields")
        owner = owner or cls.owner(data)
        keys = [field.key for field in cls.FIELDS]
        for key in sorted(data):
            if key not in keys:
                raise unknown_field(owner, key, keys)
        return cls(**{field.name: field.read(owner, data[field.key]) for field in cls.FIELDS if field.key in data})

    def json_lines(self) -> "Iterator[str]":
        """Yield the members of this entry as JSON text, one field a line, in the table's order, without commas."""
        for field, value in self.given():
            yield quoted(field.key) + ": " + field.write(value)

    def refuse_given(self, owner: str, fields: "tuple[str, ...]", why: str) -> None:
        """Raise DataError when one of the named fields is set, because it has no meaning here."""
        for name in fields:
            if getattr(self, name) is not None:
                raise DataError(CONFLICT, f"{owner}: {self.field(name).key} {why}; leave it out")

    def require_given(self, owner: str, fields: "tuple[str, ...]", why: str) -> None:
        """Raise DataError when one of the named fields is not set."""
        for name in fields:
            if getattr(self, name) is None:
                field = self.field(name)
                text = f"{owner}: {field.key} is missing, {why} needs it; give it: {field.allowed()}"
                raise DataError(MISSING_FIELD, text)


def unknown_field(owner: str, name: str, known: "list[str] | tuple[str, ...]") -> DataError:
    """Return the error for a field that does not exist, with those that do."""
    text = "{}: there is no field '{}'; the fields are {}".format(owner, name[:40], ", ".join(known))
    return DataError(UNKNOWN_FIELD, text)


def parse_json(text: str, what: str) -> "Any":
    """Return what JSON ``text`` holds. DataError, naming ``what``, when it is not JSON or too long."""
    if len(text) > LONGEST_JSON:
        message = f"{what} has {len(text)} characters of text; allowed: up to {LONGEST_JSON}"
        raise DataError(BAD_FORMAT, message)
    try:
        return json.loads(text)
    except ValueError as error:
        message = f"{what} is not JSON ({error}); correct the text and load it again"
        raise DataError(BAD_FORMAT, message) from None


def entry_json(entry: Entry) -> str:
    """Return the entry as JSON text that `Entry.from_json` reads back to equal fields."""
    return "{\n  " + ",\n  ".join(entry.json_lines()) + "\n}\n"


def table(fields: "tuple[Field, ...]") -> "Iterator[str]":
    """Yield one line a field: key, what it may hold, default, meaning. For the console and the documents."""
    for field in fields:
        if field.default is REQUIRED:
            default = "required"
        elif field.default is None:
            default = "may be left out"
        else:
            default = "default " + (field.show(field.default) or "none")
        yield f"{field.key:<18} {field.allowed()} ({default}): {field.meaning}"
