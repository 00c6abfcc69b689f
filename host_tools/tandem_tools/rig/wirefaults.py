"""What is wrong with the wires of a stand, told from what moved when each was set: open, crossed, connected, stuck."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Finding:
    """What the check says of one wire. `ok` is None when it could not be told; `wrong` and `look_at` are for people."""

    signal: str
    ok: bool | None
    wrong: str = ""
    look_at: str = ""


@dataclass(frozen=True)
class Seen:
    """What setting one wire to its other level, and back, did to all signals that are looked at.

    `changed`: had another level than at rest meanwhile. `flickered`: showed an edge without that. `left`: did not come
    back. `levels`: all levels meanwhile.
    """

    changed: frozenset[str]
    flickered: frozenset[str] = frozenset()
    left: frozenset[str] = frozenset()
    levels: Mapping[str, int] = field(default_factory=dict)


def faults_of(seen: Mapping[str, Seen], far: Callable[[str], str]) -> dict[str, str]:
    """Return for each wire that was set what is wrong with it, "" when nothing is.

    :param far: gives the words for the end at which a wire's level is looked at.
    """
    return {name: _fault(name, seen, far(name)) for name in seen}


def _fault(name: str, seen: Mapping[str, Seen], far: str) -> str:
    own = seen[name]
    others = sorted(own.changed - {name})
    if name not in own.changed:
        return _not_arrived(name, others, seen, far)
    if name in own.left:
        return f"{far} sees it go, but not come back: {name} stays {own.levels.get(name, 1)}"
    if others:
        mutual = [other for other in others if other in seen and name in seen[other].changed]
        if mutual:
            return f"{name} and {mutual[0]} are connected with each other"
        return f"it moves {', '.join(others)} as well"
    if own.flickered - {name}:
        return f"{', '.join(sorted(own.flickered - {name}))} shows edges when it moves"
    return ""


def _not_arrived(name: str, others: list[str], seen: Mapping[str, Seen], far: str) -> str:
    exchanged = [other for other in others if other in seen and name in seen[other].changed]
    if exchanged:
        return f"{name} and {exchanged[0]} are exchanged"
    if others:
        return f"it arrives as {', '.join(others)}"
    taken = sorted(other for other, its in seen.items() if name in its.changed)
    came = f"; {taken[0]} arrives in its place" if taken else ""
    return f"{far} sees nothing: {name} stays {seen[name].levels.get(name, 0)}{came}"
