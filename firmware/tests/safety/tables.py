"""State tables with one thing changed: each has to break a promise, or to be the same table in other words."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any

from exploration import CONDITIONS, Explorer, Turn
from promises import BAD_WHEN_SET, PEDAL, Broken, keep_all
from tandem.safety import faults, states
from tandem.safety import inputs as i

Row = tuple[Any, ...]
MODES, EVENTS, MASK, VALUE, TIME, TARGET, FAULT, WORDS = range(8)
CONDITION_BITS = [bit for bit, _ in i.CONDITION_NAMES] + [states.PEDAL_SEEN, states.NOTHING_AGAINST]
EVENT_BITS = {name: bit for name, bit in vars(i).items() if name.startswith("EV_")}
TIMES = {name: value for name, value in vars(states).items() if name.startswith("T_") or name == "NO_TIME"}

RELEASED = CONDITIONS & ~(BAD_WHEN_SET | i.PS_SELECTED | i.CO2_SELECTED)
PRESSED = RELEASED & ~PEDAL | i.PEDAL_PRESSED


@contextmanager
def table(rows: tuple[Row, ...]) -> Generator[None]:
    """Let the states run on another table, prepared as the module prepares its own."""
    kept = states._ROWS_OF, states._TIMES_OF
    states._ROWS_OF, states._TIMES_OF = prepared(rows)
    try:
        yield
    finally:
        states._ROWS_OF, states._TIMES_OF = kept


def prepared(rows: tuple[Row, ...]) -> tuple[Any, Any]:
    """Return rows and times of each mode, as the module has them of its own table."""
    of_mode = tuple(tuple(row for row in rows if mode in row[MODES]) for mode in range(len(states.MODE_NAMES)))
    return of_mode, tuple(tuple({row[TIME] for row in rows if row[TIME]}) for rows in of_mode)


def changed(row: Row, place: int, value: Any) -> Row:
    """Return a row with one field changed."""
    return (*row[:place], value, *row[place + 1 :])


def changes_of(row: Any) -> Iterator[tuple[str, tuple[Row, ...]]]:
    """Yield (what was changed, the rows that stand in the place of this one)."""
    yield "dropped", ()
    for mode in row[MODES]:
        if len(row[MODES]) > 1:
            yield f"not in {states.MODE_NAMES[mode]}", (changed(row, MODES, tuple(m for m in row[MODES] if m != mode)),)
    for name, bit in EVENT_BITS.items():
        if row[EVENTS] & bit:
            yield f"without {name}", (changed(row, EVENTS, row[EVENTS] ^ bit),)
    for bit in CONDITION_BITS:
        if row[MASK] & bit:
            less = changed(changed(row, MASK, row[MASK] ^ bit), VALUE, row[VALUE] & ~bit)
            yield f"bit {bit:#x} not looked at", (less,)
            yield f"bit {bit:#x} turned", (changed(row, VALUE, row[VALUE] ^ bit),)
    for name, time in TIMES.items():
        if time != row[TIME]:
            yield f"after {name}", (changed(row, TIME, time),)
    for target, name in enumerate(states.MODE_NAMES):
        if target != row[TARGET]:
            number = faults.SLOT_MISSED if target == states.FAULT else 0
            yield f"to {name}", (changed(changed(row, TARGET, target), FAULT, number),)
    if row[FAULT]:
        other = faults.DOOR_OPENED if row[FAULT] != faults.DOOR_OPENED else faults.STOP_PRESSED
        yield "with another fault", (changed(row, FAULT, other),)


def all_changes() -> Iterator[tuple[str, Row, tuple[Row, ...]]]:
    """Yield (name, the row, the whole table) for every change of one row."""
    at: int
    row: Any
    for at, row in enumerate(states.ROWS):
        where = ", ".join(states.MODE_NAMES[mode] for mode in row[MODES])
        for what, instead in changes_of(row):
            yield f"{where}: {row[WORDS]}: {what}", row, (*states.ROWS[:at], *instead, *states.ROWS[at + 1 :])


def _probes(row: Row) -> Iterator[tuple[int, int]]:
    """Yield (conditions, events) about what a row looks at: as it wants them, and with one of them turned."""
    looked = row[MASK] & CONDITIONS
    turned = [0, *(bit for bit in CONDITION_BITS if looked & bit)]
    for good in (RELEASED, PRESSED):
        for selected in (i.PS_SELECTED, i.CO2_SELECTED):
            for flip in turned:
                word = ((good | selected) & ~looked | row[VALUE] & looked) ^ flip
                for events in {0, row[EVENTS], *(bit for bit in EVENT_BITS.values() if row[EVENTS] & bit)}:
                    yield word, events


def broken_by(row: Row, rows: tuple[Row, ...], explored: Explorer) -> str:
    """Return the promise that a table with this row changed breaks, '' when it breaks none.

    First by turns about what the row looks at, which nearly always is enough; then by every turn of its modes.
    """
    explorer = Explorer(keep_all, deadlines=explored.deadlines)
    nodes = [node for node in sorted(explored.edges) if node.mode in row[MODES]]
    try:
        with table(rows):
            for node in nodes:
                for word, events in _probes(row):
                    for age_ms in explorer.ages(node.mode):
                        explorer.probe(node, word, events, age_ms)
            for node in nodes:
                explorer.from_node(node, (0,))
    except Broken as broken:
        return str(broken)
    return ""


def _outcome(turn: Turn) -> tuple[Any, ...]:
    state = turn.state
    known = getattr(state.needs, "known", state.needs)
    plain = [state.mode, state.pedal_seen, state.fault, known, state.permit, state.since_ms, type(state.refused)]
    return (*plain, state.also if isinstance(state.also, int) else None, state.incomplete is True)


def same_as_before(row: Row, rows: tuple[Row, ...], explored: Explorer) -> bool:
    """Tell whether a table with this row changed leads every turn where the states' own leads it, whatever it says."""
    twin = Explorer(lambda turn: None)
    differs = False

    def compare(turn: Turn) -> None:
        nonlocal differs
        with table(states.ROWS):
            own = twin.again(turn)
        differs = differs or _outcome(own) != _outcome(turn)

    explorer = Explorer(compare, deadlines=explored.deadlines)
    with table(rows):
        for node in explored.edges:
            if node.mode in row[MODES] and not differs:
                explorer.from_node(node)
    return not differs
