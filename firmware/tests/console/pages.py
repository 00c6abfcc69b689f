"""The parts of the documentation that are made of the firmware's own lists. `python pages.py` writes them anew."""

from __future__ import annotations

import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(REPOSITORY / "firmware"))

from tandem.console import commands, errors, help_texts  # noqa: E402
from tandem.record import settings  # noqa: E402
from tandem.safety import fault_texts, faults, inputs, states  # noqa: E402

DOCS = REPOSITORY / "docs"
MADE = "Made of the firmware's own list by `python firmware/tests/console/pages.py`; do not edit it here."
EVENT_NAMES = (
    (inputs.EV_ARM, "ARM"),
    (inputs.EV_STANDBY, "STANDBY"),
    (inputs.EV_CLEAR, "ACKNOWLEDGE"),
    (inputs.EV_NEXT, "NEXT"),
    (inputs.EV_DONE, "pattern complete"),
    (inputs.EV_PEDAL_LEFT, "pedal left pressed"),
    (inputs.EV_PASSED, "self-test passed"),
    (inputs.EV_TESTED, "test fire complete"),
    (inputs.EV_SERVICE, "PIN given"),
)
TIME_NAMES = {
    states.NO_TIME: "",
    states.T_SELFTEST: "self-test time (10 s)",
    states.T_ARMING: "arming time (2 s or more)",
    states.T_WAIT: "arming time and 5 s",
    states.T_IDLE: "inactivity time (120 s)",
    states.T_SHUTTER: "shutter time (of the profiles; 250 ms)",
    states.T_ACKNOWLEDGE: "100 ms",
    states.T_SERVICE: "service time (300 s)",
}
DERIVED_NAMES = (
    (states.PEDAL_SEEN, "pedal seen released in READY"),
    (states.NOTHING_AGAINST, "nothing keeps from it"),
)
CONDITION_NAMES = (*inputs.CONDITION_NAMES, *DERIVED_NAMES)


def _names(word: int) -> list[str]:
    return [name for bit, name in CONDITION_NAMES if word & bit]


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows]) + "\n"


def commands_table() -> str:
    """Return the table of commands of docs/console.md."""
    told = zip(commands.COMMANDS, help_texts.MEANINGS, strict=True)
    rows = [(f"`{name} {argument}`".replace(" `", "`"), meaning) for (name, argument), meaning in told]
    return _table(("command", "does"), rows)


def errors_table() -> str:
    """Return the table of error codes of docs/console.md."""
    rows = [(str(code), f"`{name}`", meaning, action) for code, name, meaning, action in errors.ERRORS]
    return _table(("code", "name", "means", "what to do"), rows)


def _clears(fault: fault_texts.Fault) -> str:
    if fault.needs & faults.RESTART:
        return "a hard reset"
    bad = inputs.PEDAL_FAULT | inputs.PEDAL_DISCONNECTED
    words = [f"not `{name}`" if bit & bad else f"`{name}`" for bit, name in inputs.CONDITION_NAMES if fault.needs & bit]
    return "acknowledging" + (", with " + ", ".join(words) if words else "")


def faults_page() -> str:
    """Return docs/faults.md."""
    rows = [(str(f.number), f"`{f.name}`", f.meaning, f.action, _clears(f)) for f in fault_texts.FAULTS]
    table = _table(("number", "name", "means", "what to do", "cleared by"), rows)
    return f"""# Faults

{MADE}

A fault stops everything and stays until it is acknowledged: by the STANDBY/ACK button or by `clear`, and only once its
cause is gone. The board's LED blinks the number, its tens as long flashes and its ones as short ones. The FAULT lamp
flashes while the cause stands and burns steadily when the fault can be acknowledged. A number is never given to another
meaning; the first digit is the group (1 chain, 2 pedal, 3 lasers and shutters, 4 slots and scanner, 5 energy, 6 sync,
7 firmware, 8 self-test, 9 records).

{table}"""


def _row(row: tuple) -> tuple[str, ...]:
    modes, events, mask, value, time, target, number, because = row
    met = [f"`{name}`" for name in _names(mask & value)] + [f"not `{name}`" for name in _names(mask & ~value)]
    asked = " or ".join(name for bit, name in EVENT_NAMES if events & bit)
    to = states.MODE_NAMES[target]
    if (target,) == modes:
        to = "stays"
    elif number:
        to += f" {number}"
    return ", ".join(states.MODE_NAMES[m] for m in modes), asked, ", ".join(met), TIME_NAMES[time], to, because


def states_page() -> str:
    """Return docs/states.md."""
    table = _table(("in", "on", "when", "after", "to", "because"), [_row(row) for row in states.ROWS])
    reasons = "".join(f"- {text}\n" for _, text in (*states.HOLD_REASONS, *states.ARM_REASONS))
    return f"""# States

{MADE}

The firmware reads this very table (`firmware/tandem/safety/states.py`), from the top, in every turn of 1 ms: the first
row of the present state whose event, conditions and time are met decides. Times count from the moment in which the
state was entered. Before any row, a fault that another part of the firmware finds (a missed slot, an energy outside its
window, ...) leads to FAULT from every state, unless it merely follows from an opened chain that is seen in the same
turn: then the row for the chain decides, and the other is noted beside it.

{table}
Permits are written in FIRING alone, and there only while the shutter of every selected laser is seen open. A pattern
that ended by anything but its completion is incomplete; it is never resumed. A press in READY counts once the pedal has
been seen released for 300 ms in READY; a press that could not fire is spent.

## What keeps from arming

In STANDBY none of these is a fault; `status` and a refused `arm` say which it is.

{reasons}"""


def settings_page() -> str:
    """Return docs/settings.md."""
    rows = []
    for key, default, _, _, unit, meaning in settings.SETTINGS:
        kind = f"{unit}, as text" if isinstance(default, str) else unit
        rows.append((f"`{key}`", kind, str(default), settings.allowed(key), meaning))
    table = _table(("key", "unit", "default", "allowed", "meaning"), rows)
    return f"""# Settings

{MADE}

{table}
What is not allowed is refused, with what is; nothing is rounded or clipped. The service PIN is never shown, only
whether it is still the first one. Each change is a record of the journal.

Settings are kept in two files, `/settings0` and `/settings1`: one line of `key=value` words each, with the form's
version (now {settings.VERSION}), a generation that rises with every change, and a CRC-32. A change writes the file that
is not in use, reads it back, and only then counts: a loss of power at any instant leaves the old values or the new
ones. With one file damaged the other is in use. With both damaged the defaults are in use and fault 92 says so until
values are set again; a board that never had settings has the defaults without a word. A file of an older version is
taken over when it is read and written in the present form with the next change; a key that is new takes its default. A
file of a later version is not guessed at: it counts as damaged.
"""


def with_made_parts(text: str) -> str:
    """Return the text of docs/console.md with its made tables put in anew between their marks."""
    for name, made in (("commands", commands_table()), ("errors", errors_table())):
        begin, end = f"<!-- made: {name} -->\n", f"<!-- end: {name} -->"
        before, rest = text.split(begin)
        text = before + begin + made + end + rest.split(end, 1)[1]
    return text


def main() -> None:
    """Write all of it."""
    (DOCS / "faults.md").write_text(faults_page())
    (DOCS / "states.md").write_text(states_page())
    (DOCS / "settings.md").write_text(settings_page())
    console = DOCS / "console.md"
    console.write_text(with_made_parts(console.read_text()))


if __name__ == "__main__":
    main()
