"""A record as text: names of kinds and verdicts, one line of `key=value` words. Loaded while a journal is shown."""

import struct

from tandem.record.layout import HEADER, INPUT, LOST, OVERWRITE, PULLED, SHOT, word

KINDS = (
    "",
    "start",
    "state",
    "fault",
    "input",
    "setting",
    "login",
    "clock",
    "open",
    "shot",
    "close",
    "note",
    "lost",
    "pulled",
    "overwrite",
)
"""Name of each kind, at its number."""

VERDICTS = ("pass", "warn", "low", "high", "missing", "saturated", "unexpected", "withheld")
"""Verdict of a shot, at its number in the record. A number is never given to another verdict."""

WORDS = {INPUT: ("before", "after", "left_out"), LOST: ("count",), PULLED: ("up_to",), OVERWRITE: ("up_to",)}
"""Kinds whose payload are words of 32 bits, with their names. A shot's is its own; all others hold text."""


def body(buffer: "bytes | bytearray", at: int) -> str:
    """Return the payload of the record at an offset as `key=value` words."""
    kind, length = buffer[at], buffer[at + 1]
    if kind == SHOT:
        step, code, number, energy_uj = struct.unpack_from("<BBHi", buffer, at + 20)
        laser = "co2" if code & 0x80 else "ps"
        return "pass={} laser={} number={} verdict={} energy_uj={}".format(
            step, laser, number, VERDICTS[code & 7], energy_uj
        )
    if kind in WORDS:
        names = WORDS[kind]
        return " ".join(["{}={}".format(names[i], word(buffer, at + 20 + 4 * i)) for i in range(len(names))])
    return bytes(buffer[at + 20 : at + 20 + length]).decode()


def line(buffer: "bytes | bytearray", at: int) -> str:
    """Return the record at an offset as one line of `key=value` words."""
    kind, _, ms, number, boot, uptime_s, time_s = struct.unpack_from(HEADER, buffer, at)
    return "seq={} boot={} uptime_s={}.{:03d} time={} kind={} {}".format(
        number, boot, uptime_s, ms, moment(time_s), KINDS[kind], body(buffer, at)
    )


def moment(time_s: int) -> str:
    """Return seconds since 2020-01-01 UTC as text like 2026-02-28T23:59:59Z, 'unset' for 0."""
    if not time_s:
        return "unset"
    day, second = divmod(time_s, 86400)
    day += 1401  # counted from 2016-03-01: years that begin in March end with the leap day, and so do each four of them
    year = 2016 + (4 * day + 3) // 1461  # right until 2100, which is no leap year
    day -= (year - 2016) * 1461 // 4
    month = (5 * day + 2) // 153
    day -= (153 * month + 2) // 5
    year += month // 10
    month = month + 3 if month < 10 else month - 9
    hour, second = divmod(second, 3600)
    return "{}-{:02d}-{:02d}T{:02d}:{:02d}:{:02d}Z".format(year, month, day + 1, hour, second // 60, second % 60)
