"""Which wire joins which terminal of the controller to which of the rig: one importable file a stand.

A wiring file (``hil_tests/wiring/NAME.py``, or any path) tells a person in its comments what to solder, and the tests
in its names what is there. Pins and bits are not free: they are those of ``boards/rp2040_pico/board.py`` and of
``hil_tests/rig/rig/pins.py``, and a file that says otherwise is refused before anything is switched.

Terminals are ``GPn``; ``INn`` and ``OUTn``, bit n of that board's 74HC165 or 74HC595 chain; the rig's ``DAC_A``,
``DAC_B`` (each through its analogue switch) and ``MUX`` (its selector); the controller's ``RUN`` and ``SUPPLY``; and
``driver.out_SIGNAL``, an output of the controller's drivers.
"""

from __future__ import annotations

import difflib
import importlib.util
import re
import sys
from collections import defaultdict
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType
from typing import Any, Literal, get_args

from tandem_tools.bench.stand import board_constants, chain_bits, controller_nets, controller_parts

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "hil_tests" / "wiring"
PINS_FILE = ROOT / "hil_tests" / "rig" / "rig" / "pins.py"

Kind = Literal["emulated", "real"]
TERMINAL = re.compile(r"GP\d+|IN\d+|OUT\d+|DAC_A|DAC_B|MUX|RUN|SUPPLY|driver\.out_\w+")
TERMINALS = "GPn, INn, OUTn, DAC_A, DAC_B, MUX, RUN, SUPPLY, driver.out_SIGNAL"
SERIAL_NUMBER = re.compile(r"[0-9a-f]{16}")
MOST_PPM = 1000.0
SETTINGS = ("NAME", "KIND", "CONTROLLER_SERIAL", "RIG_SERIAL", "CONTROLLER_PPM", "RIG_PPM", "OPTIONS", "WIRES")

OPTIONAL = frozenset(
    (
        *("PS_QSW", "PS_QSW_DRV"),  # a ps laser with one trigger
        *("CO2_SYNC", "SYNC_OUT"),
        *("SCAN_STEP", "SCAN_HOME"),  # a scanner that takes voltages
        *("LAMP_PS", "LAMP_CO2", "BUZZER", "BUTTON_NEXT"),
        "SUPPLY",
    )
)
"""Signals without which a stand still tests the rest."""

_ANALOG = {"PS_ENERGY": "DAC_A", "CO2_ENERGY": "DAC_B", "HANDPIECE_ID": "MUX"}
_ANSWERS = ("PS_SYNC", "CO2_SYNC")
_COMMANDS = {"RUN_LOW": "RUN", "SUPPLY_OFF": "SUPPLY"}
_HANDPIECE = "HANDPIECE_"


class WiringError(Exception):
    """A wiring file is not right; the message says what was found, what is allowed, and what to do."""


@dataclass(frozen=True)
class Wire:
    """One wire: its signal, its ends, what else stands on it at the controller, and what to solder."""

    signal: str
    controller: str
    rig: str
    parts: tuple[str, ...] = ()
    """``part.role`` members of the bench's net of this name; `load_wiring` fills in what a file leaves out."""
    note: str = ""


@dataclass(frozen=True)
class Wiring:
    """A stand's wiring. Serial numbers are the boards' USB serial numbers, "" on an emulated stand."""

    name: str
    kind: Kind
    wires: tuple[Wire, ...]
    controller_serial: str = ""
    rig_serial: str = ""
    controller_ppm: float = 0.0
    """How fast an emulated crystal is; a real one is measured."""
    rig_ppm: float = 0.0
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Part of the emulated stand -> its options."""

    @property
    def signals(self) -> tuple[str, ...]:
        """All signals that have a wire."""
        return tuple(wire.signal for wire in self.wires)

    def wire(self, signal: str) -> Wire:
        """Return the wire of a signal. Raises WiringError when the stand has none."""
        for wire in self.wires:
            if wire.signal == signal:
                return wire
        raise WiringError(f"stand {self.name} has no wire for {signal!r}; it has {', '.join(self.signals)}")

    def controller_pin(self, signal: str) -> int:
        """Return the number of the controller's pin that a signal is on. Raises WiringError when it is on none."""
        return self._pin(signal, self.wire(signal).controller)

    def rig_pin(self, signal: str) -> int:
        """Return the number of the rig's pin that a signal is on. Raises WiringError when it is on none."""
        return self._pin(signal, self.wire(signal).rig)

    def _pin(self, signal: str, terminal: str) -> int:
        if not terminal.startswith("GP"):
            raise WiringError(f"stand {self.name}: {signal} is on {terminal}, not on a pin of the board")
        return int(terminal.removeprefix("GP"))


def rig_constants(path: Path = PINS_FILE) -> ModuleType:
    """Return the rig's pin file as a module. FileNotFoundError when it is not there."""
    if not path.exists():
        raise FileNotFoundError(f"{path} is missing: it names the rig's pins; restore it from the repository")
    return _run("tandem_rig_pins", path)


def all_terminals() -> dict[str, tuple[str, str]]:
    """Return signal -> (controller's terminal, rig's terminal) of every wire that there may be."""
    board, pins = board_constants(), rig_constants()
    found: dict[str, tuple[str, str]] = {}
    for name in (*pins.WATCHED, *_ANSWERS):
        at_board = getattr(board, name, None)
        driver = f"driver.out_{name.removesuffix('_DRV')}"
        found[name] = (driver if at_board is None else f"GP{at_board}", f"GP{getattr(pins, name)}")
    bits = chain_bits(board, "IN_")
    for bit, name in enumerate(pins.OUT_NAMES):
        if name in _COMMANDS:
            found[_COMMANDS[name]] = (_COMMANDS[name], f"OUT{bit}")
        elif not name.startswith(_HANDPIECE):
            found[name] = (f"IN{bits[name]}" if name in bits else f"GP{getattr(board, name)}", f"OUT{bit}")
    bits = chain_bits(board, "OUT_")
    for bit, name in enumerate(pins.IN_NAMES):
        found[name] = (f"OUT{bits[name]}", f"IN{bit}")
    return found | {name: (f"GP{getattr(board, name)}", at_rig) for name, at_rig in _ANALOG.items()}


def controller_members() -> dict[str, tuple[str, ...]]:
    """Return signal -> ``part.role`` of what stands on its net at the controller, beside the board's own pin."""
    board = board_constants()
    nets = controller_nets(board, controller_parts(board), {})
    return {name: tuple(m for m in members if not m.startswith("controller.")) for name, members in nets.items()}


def stands(folder: Path = FOLDER) -> list[str]:
    """Return the names of all wiring files of a folder."""
    return sorted(path.stem for path in folder.glob("*.py") if path.stem not in ("__init__", "standard"))


def load_wiring(name_or_path: str | Path) -> Wiring:
    """Return the checked wiring of a stand, by its name in ``hil_tests/wiring`` or by the path of its file.

    Raises WiringError for everything that is wrong with it.
    """
    path = _find(name_or_path)
    settings = _settings(path)
    wiring = _of_settings(path, settings)
    try:
        wires = _checked_wires(wiring.wires)
        _check_boards(wiring)
    except WiringError as error:
        raise WiringError(f"{path.name}: {error}") from None
    return replace(wiring, wires=wires)


def _find(name_or_path: str | Path) -> Path:
    path = Path(name_or_path)
    if path.suffix != ".py":
        path = FOLDER / f"{name_or_path}.py"
    if not path.exists() or path.stem == "standard":
        raise WiringError(
            f"there is no stand {str(name_or_path)!r}; there are {', '.join(stands())}. For a stand of your own copy "
            f"{FOLDER.relative_to(ROOT) / 'example.py'} and give its name or its path"
        )
    return path.resolve()


def _run(name: str, path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@contextmanager
def _package(name: str, folders: Sequence[Path]) -> Generator[None]:
    """Make a package of folders for the time of one import, so that a wiring file may say ``from .standard import``."""
    package = ModuleType(name)
    package.__path__ = [str(folder) for folder in folders]
    sys.modules[name] = package
    try:
        yield
    finally:
        for key in [key for key in sys.modules if key == name or key.startswith(f"{name}.")]:
            del sys.modules[key]


def _settings(path: Path) -> dict[str, Any]:
    package = "tandem_wiring"
    with _package(package, [path.parent, FOLDER]):
        try:
            module = _run(f"{package}.{path.stem}", path)
        except Exception as error:
            raise WiringError(f"{path.name} cannot be read: {type(error).__name__}: {error}. Mend the file") from error
    found = {name: value for name, value in vars(module).items() if name.isupper()}
    for name in found:
        meant = difflib.get_close_matches(name, SETTINGS, 1, cutoff=0.8)
        if meant and name not in SETTINGS:
            raise WiringError(f"{path.name}: {name} is no setting, but near {meant[0]}; allowed: {', '.join(SETTINGS)}")
    missing = [name for name in ("NAME", "KIND", "WIRES") if name not in found]
    if missing:
        raise WiringError(f"{path.name}: {', '.join(missing)} is missing; see example.py for what a wiring file says")
    return found


def _of_settings(path: Path, found: Mapping[str, Any]) -> Wiring:
    if found["KIND"] not in get_args(Kind):
        raise WiringError(f"{path.name}: KIND is {found['KIND']!r}; allowed: {', '.join(get_args(Kind))}")
    for name in ("CONTROLLER_PPM", "RIG_PPM"):
        ppm = found.get(name, 0.0)
        if not isinstance(ppm, int | float) or abs(ppm) > MOST_PPM:
            raise WiringError(
                f"{path.name}: {name} is {ppm!r}; allowed: a number from -{MOST_PPM:.0f} to {MOST_PPM:.0f}"
            )
    for wire in found["WIRES"]:
        if not isinstance(wire, Wire):
            raise WiringError(f"{path.name}: WIRES holds {wire!r}; allowed: Wire(signal, controller=..., rig=...)")
    return Wiring(
        name=str(found["NAME"]),
        kind=found["KIND"],
        wires=tuple(found["WIRES"]),
        controller_serial=str(found.get("CONTROLLER_SERIAL", "")).lower(),
        rig_serial=str(found.get("RIG_SERIAL", "")).lower(),
        controller_ppm=float(found.get("CONTROLLER_PPM", 0.0)),
        rig_ppm=float(found.get("RIG_PPM", 0.0)),
        options=found.get("OPTIONS", {}),
    )


def _check_boards(wiring: Wiring) -> None:
    if wiring.kind == "emulated":
        return
    for name, number in (("CONTROLLER_SERIAL", wiring.controller_serial), ("RIG_SERIAL", wiring.rig_serial)):
        if not SERIAL_NUMBER.fullmatch(number):
            raise WiringError(
                f"{name} is {number!r}; a Pico's USB serial number is 16 digits 0 to 9 and a to f. Connect this board "
                "alone, read its number with: mpremote connect list, and write it into the file"
            )
    if wiring.controller_serial == wiring.rig_serial:
        raise WiringError(f"controller and rig have one serial number, {wiring.rig_serial}: give each board its own")


def _checked_wires(wires: Sequence[Wire]) -> tuple[Wire, ...]:
    """Return the wires with their parts filled in. Raises WiringError."""
    allowed = all_terminals()
    for wire in wires:
        _check_names(wire, allowed)
    _check_once(wires)
    for wire in wires:
        _check_terminals(wire, *allowed[wire.signal])
    missing = sorted(set(allowed) - OPTIONAL - {wire.signal for wire in wires})
    if missing:
        raise WiringError(
            f"no wire for {', '.join(missing)}; only {', '.join(sorted(OPTIONAL))} may be left out. Connect it and "
            "give it a Wire"
        )
    members = controller_members()
    return tuple(_with_parts(wire, members.get(wire.signal, ())) for wire in wires)


def _check_names(wire: Wire, allowed: Mapping[str, tuple[str, str]]) -> None:
    if wire.signal not in allowed:
        raise WiringError(f"there is no signal {wire.signal!r}; allowed: {', '.join(sorted(allowed))}")
    for side, terminal in (("controller", wire.controller), ("rig", wire.rig)):
        if not TERMINAL.fullmatch(terminal):
            raise WiringError(f"{wire.signal}: {terminal!r} is no terminal of the {side}; allowed: {TERMINALS}")


def _check_once(wires: Sequence[Wire]) -> None:
    used: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for wire in wires:
        used["signal", wire.signal].append(wire.signal)
        used["controller", wire.controller].append(wire.signal)
        used["rig", wire.rig].append(wire.signal)
    for (side, terminal), signals in used.items():
        if len(signals) > 1 and side == "signal":
            raise WiringError(f"{terminal} has {len(signals)} wires; give each signal one Wire")
        if len(signals) > 1:
            raise WiringError(f"{terminal} of the {side} carries {' and '.join(signals)}; a terminal takes one wire")


def _check_terminals(wire: Wire, controller: str, rig: str) -> None:
    files = {"controller": "boards/rp2040_pico/board.py", "rig": "hil_tests/rig/rig/pins.py"}
    for side, found, allowed in (("controller", wire.controller, controller), ("rig", wire.rig, rig)):
        if found != allowed:
            raise WiringError(
                f"{wire.signal} is on {found} of the {side}, but {files[side]} has it on {allowed}: connect it there, "
                f"and write {side}={allowed!r}"
            )


def _with_parts(wire: Wire, members: tuple[str, ...]) -> Wire:
    unknown = [part for part in wire.parts if part not in members]
    if unknown:
        raise WiringError(
            f"{wire.signal}: {', '.join(unknown)} does not stand on this wire; allowed: {', '.join(members) or 'none'}"
        )
    return replace(wire, parts=members)
