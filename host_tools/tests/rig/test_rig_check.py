"""`tandem rig check`: a stand's wires are proved one by one, and a broken one is named for what it is."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import pytest
from running_stand import Sound
from tandem_tools.cli import app
from tandem_tools.flash import BoardLost, FlashError
from tandem_tools.flash.answer import wait_for
from tandem_tools.flash.program import TANDEM
from tandem_tools.rig.errors import NoReply, RigError
from tandem_tools.rig.stand import opened_at
from tandem_tools.rig.wirecheck import check_wires
from tandem_tools.rig.wirefaults import Seen, faults_of
from typer.testing import CliRunner


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


def test_every_wire_of_a_sound_stand_is_proved(sound: Sound, figure: Callable[..., None]) -> None:
    began = time.monotonic()
    result = CliRunner().invoke(app, ["rig", "check", *sound.options])
    assert (result.exit_code, result.stdout.splitlines()[-1]) == (0, f"all {len(sound.wiring.wires)} wires are right")
    figure("tandem rig check, emulated, all wires", round(time.monotonic() - began, 1), "s")
    assert set(sound.wiring.signals) <= set(result.stderr.splitlines())
    assert wait_for(sound.ports.controller, TANDEM)["tandem"]
    with opened_at(sound.wiring, sound.ports) as stand:
        assert set(stand.rig.health().values()) == {0}
        assert stand.rig.levels()["ESTOP_CLOSED"] == 1


CROSSED = (("FOOT_NO", "FOOT_NC"), ("PS_ENERGY", "CO2_ENERGY"), ("LAMP_PS", "LAMP_CO2"), ("PS_SYNC", "CO2_SYNC"))
LOOSE = {
    "SYNC_OUT": "the rig sees nothing: SYNC_OUT stays 0",
    "BUTTON_NEXT": "the controller sees nothing: BUTTON_NEXT stays 0",
    "PS_FIRE_DRV": "the rig sees nothing: PS_FIRE_DRV stays 0",
    "SAFE": "the rig sees nothing: SAFE stays 0 there, the controller sees it closed",
    "RUN": "the controller runs on, it was not reset",
    "SUPPLY": "the controller runs on, it was not reset",
}


def test_broken_wires_are_named_for_what_they_are_and_no_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "400")
    expected = LOOSE | {a: f"{a} and {b} are exchanged" for pair in CROSSED for a, b in (pair, pair[::-1])}
    faults = [f"--loose={name}" for name in (*LOOSE, "HANDPIECE_ID")] + [f"--crossed={a},{b}" for a, b in CROSSED]
    result = CliRunner().invoke(app, ["rig", "check", *faults])
    assert result.exit_code == 1, result.stderr
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in result.stdout.splitlines() if "│" in line]
    wrong = {name: text for name, outcome, text, _ in rows if outcome != "ok"}
    assert wrong.pop("HANDPIECE_ID").startswith("voltages are off: 3300 mV of 0 mV (shorted)")
    assert wrong == expected
    assert ["SYNC_OUT", "WRONG", expected["SYNC_OUT"], "controller GP5, rig GP3: 1 kOhm at the controller"] in rows
    assert ["PS_FIRE", "ok", "", ""] in rows
    names = [name for name, outcome, _, _ in rows if outcome == "WRONG"]
    assert result.stderr.splitlines()[-1] == f"tandem: wrong wires: {', '.join(names)}; not checked: none"


@pytest.mark.parametrize(
    ("part", "told"), [("inputs", "the controller's 74HC165"), ("rig_inputs", "the rig's 74HC165")]
)
def test_a_register_that_is_not_read_right_is_told_before_any_wire(sound: Sound, part: str, told: str) -> None:
    sound.bench.part(part).set(pattern=0)
    result = CliRunner().invoke(app, ["rig", "check", *sound.options])
    assert result.exit_code == 1
    assert f"tandem: {told} chain is not read right" in " ".join(result.stderr.split())


@pytest.mark.parametrize("name", ["controller", "rig"])
def test_a_board_whose_cable_is_pulled_in_the_middle_ends_the_check_with_a_way_out(sound: Sound, name: str) -> None:
    pulled: list[str] = []

    def pull(wire: str, done: int, total: int) -> None:
        if wire == "KEY_ON" and not pulled:
            pulled.append(wire)
            sound.bench.board(name).host(plugged=False)

    with opened_at(sound.wiring, sound.ports) as stand, pytest.raises((FlashError, RigError)) as found:
        check_wires(sound.wiring, stand.rig, sound.ports.controller, pull)
    assert pulled
    told = {
        "controller": (BoardLost, "stopped answering while it .* connect it again and run tandem rig check again"),
        "rig": (NoReply, "no answer to .* within 15 s; came: nothing"),
    }
    assert isinstance(found.value, told[name][0])
    assert re.search(told[name][1], str(found.value))
