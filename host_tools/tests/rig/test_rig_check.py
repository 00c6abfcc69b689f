"""`tandem rig check`: a stand's wires are proved one by one, and a broken one is named for what it is."""

from __future__ import annotations

import pytest
from tandem_tools.rig.wirefaults import Seen, faults_of


def seen(**changed: str) -> dict[str, Seen]:
    """Return what was seen: wire that was set -> names of what changed, with blanks between them."""
    return {
        name: Seen(frozenset(text.split()), levels={name: int(name in text.split())}) for name, text in changed.items()
    }


SOUND = {"A": "A", "B": "B", "C": "C"}
FAULTS = {
    "sound": ({}, {"A": "", "B": "", "C": ""}),
    "open": ({"A": ""}, {"A": "the far end sees nothing: A stays 0", "B": "", "C": ""}),
    "exchanged": ({"A": "B", "B": "A"}, {"A": "A and B are exchanged", "B": "B and A are exchanged", "C": ""}),
    "in a ring": (
        {"A": "B", "B": "C", "C": "A"},
        {"A": "it arrives as B", "B": "it arrives as C", "C": "it arrives as A"},
    ),
    "connected": (
        {"A": "A B", "B": "A B"},
        {"A": "A and B are connected with each other", "B": "B and A are connected with each other", "C": ""},
    ),
    "one way": ({"A": "A B"}, {"A": "it moves B as well", "B": "", "C": ""}),
    "taken": (
        {"A": "", "B": "A B"},
        {"A": "the far end sees nothing: A stays 0; B arrives in its place", "B": "it moves A as well", "C": ""},
    ),
    "elsewhere": ({"A": "SAFE"}, {"A": "it arrives as SAFE", "B": "", "C": ""}),
}


@pytest.mark.parametrize("name", FAULTS)
def test_what_moves_beside_a_wire_tells_what_is_wrong_with_it(name: str) -> None:
    changed, expected = FAULTS[name]
    assert faults_of(seen(**{**SOUND, **changed}), lambda _: "the far end") == expected


def test_a_wire_that_does_not_come_back_and_one_that_disturbs_another_are_told() -> None:
    a = frozenset("A")
    stuck = Seen(a, left=a, levels={"A": 1})
    noisy = Seen(frozenset("B"), flickered=frozenset({"SYNC_OUT"}))
    assert faults_of({"A": stuck, "B": noisy}, lambda _: "the rig") == {
        "A": "the rig sees it go, but not come back: A stays 1",
        "B": "SYNC_OUT shows edges when it moves",
    }
