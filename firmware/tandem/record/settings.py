"""What is set on a board: one closed table of values, kept in two files, of which one is always whole.

A file is one line of `key=value` words that begins with the form's version and a generation and ends with the CRC-32 of
all before it. A change writes the file that is not in use, reads it back, and only then counts: power lost at any
instant leaves the old values or the new ones. Of two whole files the later generation is in use.

Nothing has to stay loaded: at boot take what `open` leaves in `values`; for a change load the module and open it anew.
"""

import os
from binascii import crc32

from tandem.console.protocol import parse_pairs
from tandem.safety import const

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    class Slots(Protocol):
        """Two small files, 0 and 1. Both methods may raise OSError."""

        def read(self, slot: int) -> "bytes | None":
            """Return what a file holds, None if there is none."""
            ...

        def write(self, slot: int, data: bytes) -> None:
            """Write a file anew."""
            ...


VERSION = const(1)

SETTINGS = (
    ("arming_ms", 2000, 2000, 30000, "ms", "delay from ARM to READY, with the emission lamps on"),
    ("idle_s", 120, 10, 600, "s", "READY without a press for so long ends in STANDBY"),
    ("testfire", 1, 0, 1, "", "1: a session needs a passed test fire before READY, and again after each fault"),
    ("service_pin", "0000", 4, 8, "digits", "opens SERVICE; choose another than the one a new board has"),
    ("service_s", 300, 30, 1800, "s", "SERVICE without a command for so long ends in STANDBY"),
    ("ps_nj_per_count", 145_728, 1, 10_000_000, "nJ", "calibration of PS_ENERGY: pulse energy per count"),
    ("co2_nj_per_count", 469, 1, 10_000_000, "nJ", "calibration of CO2_ENERGY: pulse energy per count"),
)
"""Each setting: key, default, least, most, unit, meaning. Of a text, least and most are numbers of digits."""

SECRET = "service_pin"
"""The key whose value is not shown."""

MIGRATIONS: "dict[int, Callable[[dict[str, str]], dict[str, str]]]" = {}
"""Steps from an older form: version -> function from that version's words to the next one's.

A key that came new needs none: it takes its default. Version 1 is the first form.
"""


class Refused(Exception):
    """A value or key is not allowed; the text says what is."""


class SettingsError(Exception):
    """The file system did not take the change (fault 93): the old values stay in use."""


class FileSlots:
    """The two files in the file system: `path` + "0" and `path` + "1"."""

    def __init__(self, path: str) -> None:
        self._path = path

    def read(self, slot: int) -> "bytes | None":
        """Return what a file holds, None if there is none."""
        name = self._path + str(slot)
        try:
            os.stat(name)
        except OSError:
            return None
        with open(name, "rb") as file:
            return file.read()

    def write(self, slot: int, data: bytes) -> None:
        """Write a file anew; littlefs makes it whole or leaves the old one."""
        with open(self._path + str(slot), "wb") as file:
            file.write(data)


def allowed(key: str) -> str:
    """Return what is allowed for a key, as text. Refused for a key that there is not."""
    _, default, least, most, unit, _ = _row(key)
    if isinstance(default, str):
        return "{} to {} {}".format(least, most, unit)
    return "{} to {} {}".format(least, most, unit).strip()


def checked(key: str, text: str) -> "int | str":
    """Return the value of a text for a key.

    :raises Refused: unknown key, or a value that is not allowed, with what is.
    """
    _, default, least, most, _, _ = _row(key)
    if isinstance(default, str):
        if least <= len(text) <= most and _digits(text):
            return text
    elif _digits(text) and len(text) < 10 and least <= int(text) <= most:
        return int(text)
    raise Refused("{} takes {}, not '{}'".format(key, allowed(key), text[:20]))


def _row(key: str) -> tuple:
    for row in SETTINGS:
        if row[0] == key:
            return row
    raise Refused("there is no setting '{}'; there are: {}".format(key[:20], ", ".join([row[0] for row in SETTINGS])))


def _digits(text: str) -> bool:
    for letter in text:
        if not "0" <= letter <= "9":
            return False
    return bool(text)


class Settings:
    """The values in use, by key, are in `values`. `open` first.

    `lost`: why the defaults are in use though there was a file, '' if they are not (fault 92); `damaged`: one of the
    two files was not whole, as after a loss of power in a change: nothing is lost then.
    """

    def __init__(self, slots: "Slots") -> None:
        self.lost = ""
        self.damaged = False
        self._slots = slots
        self._slot = 1
        self._generation = 0
        self.values: dict[str, int | str] = {row[0]: row[1] for row in SETTINGS}

    def open(self) -> None:
        """Take the later whole file's values; without any file the defaults, without a word. Writes nothing."""
        why = []
        for slot in (0, 1):
            try:
                data = self._slots.read(slot)
                if not data:  # empty: power was lost in the very first change, when the file was just made
                    continue
                generation, values = _decoded(data)
            except (OSError, ValueError, KeyError, Refused) as error:
                why.append("file {}: {}".format(slot, error))
                continue
            if generation > self._generation:
                self._generation = generation
                self._slot = slot
                self.values.update(values)
        self.damaged = bool(why)
        self.lost = "" if self._generation else "; ".join(why)

    def change(self, key: str, text: str) -> "tuple[str, str]":
        """Set a value. Returns (before, after) as they may be shown. Blocks for the flash's erases, up to about 1 s.

        :raises Refused: unknown key, or a value that is not allowed, with what is.
        :raises SettingsError: the file system did not take it.
        """
        values = dict(self.values)
        values[key] = checked(key, text)
        self._write(values)
        before = self.shown(key)
        self.values = values
        return before, self.shown(key)

    def restore(self) -> None:
        """Set every value to its default: what a person does once both files were lost. Errors and time as `change`."""
        values = {row[0]: row[1] for row in SETTINGS}
        self._write(values)
        self.values = values

    def _write(self, values: "dict[str, int | str]") -> None:
        slot = 1 - self._slot
        data = _encoded(self._generation + 1, values)
        try:
            self._slots.write(slot, data)
            if self._slots.read(slot) != data:
                raise SettingsError("settings file {} does not read back as written: nothing is changed".format(slot))
        except OSError as error:
            raise SettingsError("settings file {} cannot be written: {}".format(slot, error)) from None
        self._slot = slot
        self._generation += 1
        self.lost = ""

    def shown(self, key: str) -> str:
        """Return a value as text; of the PIN only whether it is still the first one. Refused for an unknown key."""
        value = self.values[_row(key)[0]]
        if key == SECRET:
            return "default" if value == _row(key)[1] else "set"
        return str(value)


def _encoded(generation: int, values: "dict[str, int | str]") -> bytes:
    words = ["version={} generation={}".format(VERSION, generation)]
    for row in SETTINGS:
        words.append("{}={}".format(row[0], values[row[0]]))
    text = " ".join(words)
    return "{} crc={:08x}\n".format(text, crc32(text.encode())).encode()


def _decoded(data: bytes) -> "tuple[int, dict[str, int | str]]":
    """Return generation and values of a file. ValueError or Refused, with the reason, for one that is not whole."""
    text, mark, crc = data.decode().partition(" crc=")
    if not mark or crc != "{:08x}\n".format(crc32(text.encode())):
        raise ValueError("its CRC is wrong")
    words = parse_pairs(text)
    version = int(words["version"])
    if version > VERSION:
        raise ValueError("version {} is of a later program".format(version))
    while version < VERSION:
        words = MIGRATIONS[version](words)
        version += 1
    return int(words["generation"]), {row[0]: checked(row[0], words[row[0]]) for row in SETTINGS if row[0] in words}
