"""A wiring file: what it says is there, and one that is wrong is refused with what to do."""

from __future__ import annotations

from pathlib import Path

import pytest
from tandem_tools.rig.wiring import FOLDER, OPTIONAL, WiringError, all_terminals, load_wiring, stands

HEAD = """
from .standard import WIRES as ALL
from tandem_tools.rig.wiring import Wire
NAME, KIND = "mine", "real"
CONTROLLER_SERIAL, RIG_SERIAL = "E6614C311B6B2A35", "e6614c311b6b2a36"
"""


def other(signal: str, **changes: object) -> str:
    """Return the line of a file in which one wire is another."""
    changed = f"replace(w, **{changes}) if w.signal == {signal!r} else w"
    return f"from dataclasses import replace\nWIRES = [{changed} for w in ALL]"


WRONG = {
    "settings": (
        "WIRES = ALL\nCONTROLER_PPM = 3",
        "CONTROLER_PPM is no setting, but near CONTROLLER_PPM; allowed: ",
    ),
    "no wires": ("", "WIRES is missing; see example.py"),
    "kind": ("WIRES = ALL\nKIND = 'fast'", "KIND is 'fast'; allowed: emulated, real"),
    "ppm": ("WIRES = ALL\nRIG_PPM = 2000", "RIG_PPM is 2000; allowed: a number from -1000 to 1000"),
    "no wire": ("WIRES = [*ALL, 'PS_FIRE']", r"WIRES holds 'PS_FIRE'; allowed: Wire\("),
    "not python": ("WIRES = [", "cannot be read: SyntaxError: .* Mend the file"),
    "not there": ("from .nothing import WIRES", "cannot be read: ModuleNotFoundError: .*nothing"),
    "signal": ("WIRES = [*ALL, Wire('PS_FIER', 'GP2', 'GP0')]", "there is no signal 'PS_FIER'; allowed: AIM, "),
    "terminal": (other("PS_FIRE", rig="pin 0"), "PS_FIRE: 'pin 0' is no terminal of the rig; allowed: GPn, INn, "),
    "twice": ("WIRES = [*ALL, ALL[0]]", "PS_FIRE has 2 wires; give each signal one Wire"),
    "shared at the rig": (
        other("PS_FIRE", rig="GP1"),
        "GP1 of the rig carries PS_FIRE and PS_QSW; a terminal takes one wire",
    ),
    "shared at the controller": (
        other("SAFE", controller="GP2"),
        "GP2 of the controller carries PS_FIRE and SAFE; a terminal takes one wire",
    ),
    "controller's pin": (
        other("PS_FIRE", controller="GP20"),
        "PS_FIRE is on GP20 of the controller, but boards/rp2040_pico/board.py has it on GP2: .* controller='GP2'",
    ),
    "controller's bit": (other("KEY_ON", controller="IN14"), "KEY_ON is on IN14 of the controller, .* has it on IN2"),
    "rig's pin": (
        other("PS_FIRE", rig="GP27"),
        "PS_FIRE is on GP27 of the rig, but hil_tests/rig/rig/pins.py has it on GP0: .* rig='GP0'",
    ),
    "rig's bit": (other("KEY_ON", rig="OUT23"), "KEY_ON is on OUT23 of the rig, .* has it on OUT2"),
    "missing": (
        "WIRES = [w for w in ALL if w.signal not in ('SAFE', 'BUZZER', 'RUN')]",
        "no wire for RUN, SAFE; only BUTTON_NEXT, BUZZER, .* may be left out",
    ),
    "parts": (
        other("PS_FIRE", parts=("filter.in",)),
        "PS_FIRE: filter.in does not stand on this wire; allowed: driver.in_PS_FIRE, pulls.PS_FIRE",
    ),
    "serial number": ("WIRES = ALL\nRIG_SERIAL = ''", "RIG_SERIAL is ''; a Pico's USB serial number is 16 digits"),
    "one board twice": (
        "WIRES = ALL\nRIG_SERIAL = CONTROLLER_SERIAL",
        "controller and rig have one serial number, e6614c311b6b2a35",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_wiring_file_is_refused_with_what_is_wrong_and_what_to_do(name: str, tmp_path: Path) -> None:
    lines, message = WRONG[name]
    file = tmp_path / "mine.py"
    file.write_text(HEAD + lines + "\n")
    with pytest.raises(WiringError, match=f"mine.py.*{message}"):
        load_wiring(file)


def test_a_file_outside_the_repository_that_takes_the_standard_wires_is_read(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(
        HEAD + "WIRES = [w for w in ALL if w.signal != 'BUZZER']\nOPTIONS = {'chain': {'delay_us': 5000}}\n"
    )
    wiring = load_wiring(file)
    assert (wiring.name, wiring.kind) == ("mine", "real")
    assert (wiring.controller_serial, wiring.rig_serial) == ("e6614c311b6b2a35", "e6614c311b6b2a36")
    assert wiring.options == {"chain": {"delay_us": 5000}}
    with pytest.raises(WiringError, match="stand mine has no wire for 'BUZZER'; it has PS_FIRE, "):
        wiring.wire("BUZZER")


def test_the_standard_wiring_has_every_signal_and_says_what_to_solder_for_each() -> None:
    wiring = load_wiring("emulated")
    assert {wire.signal: (wire.controller, wire.rig) for wire in wiring.wires} == all_terminals()
    assert set(wiring.signals) >= OPTIONAL
    assert [wire.signal for wire in wiring.wires if not wire.note] == []
    assert wiring.wire("SAFE").parts == ("filter.out", "driver.safe", "pulls.SAFE")
    assert wiring.controller_ppm != wiring.rig_ppm
    assert (wiring.controller_pin("PS_FIRE"), wiring.rig_pin("PS_FIRE")) == (2, 0)
    with pytest.raises(WiringError, match="KEY_ON is on OUT2, not on a pin of the board"):
        wiring.rig_pin("KEY_ON")


def test_the_example_is_refused_until_its_serial_numbers_are_filled_in(tmp_path: Path) -> None:
    with pytest.raises(WiringError, match=r"example.py: CONTROLLER_SERIAL is .*: mpremote connect list, and write"):
        load_wiring("example")
    text = (FOLDER / "example.py").read_text()
    for number, name in enumerate(("the controller's", "the rig's")):
        text = text.replace(f'"write {name} here"', f'"e6614c311b6b2a3{number}"')
    copy = tmp_path / "laboratory.py"
    copy.write_text(text)
    assert load_wiring(copy).kind == "real"


@pytest.mark.parametrize("name", ["standart", "standard", "/nowhere/x.py"])
def test_an_unknown_stand_is_refused_with_those_that_there_are(name: str) -> None:
    assert {"emulated", "example"} <= set(stands())
    with pytest.raises(WiringError, match=f"there is no stand '{name}'; there are emulated, .*copy .*example.py"):
        load_wiring(name)
