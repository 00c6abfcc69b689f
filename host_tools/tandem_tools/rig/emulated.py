"""The emulated stand of two boards, built from a wiring: each end of the wiring's wires becomes a member of a net.

The controller keeps its own outside parts (supervisor, filter, one-shot, drivers, registers, converter, memory); the
rig's relays, registers, converter, analogue switches and selector take the place of people, lasers and light. Every
net has the name that it has on the stand of one board (docs/parts.md); the rig's ends join it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

from tandem_tools.bench.stand import (
    CALIBRATION,
    CONTROLLER,
    Options,
    PartTable,
    Stand,
    adc_input,
    board_constants,
    controller_nets,
    controller_parts,
    list_parts,
    spi_bus,
)

from .wiring import Wire, Wiring, WiringError, rig_constants

RIG = "rig"
HANDPIECE_INPUTS = 8
LOOSE = "_LOOSE"
"""Ends the name of the net on which the rig's end of a wire that is off stands alone."""

_SOURCES = {"DAC_A": "ps_switch.out", "DAC_B": "co2_switch.out", "MUX": "handpiece.out"}
_COMMANDS = {"RUN": "run_line.pull", "SUPPLY": "supply_switch.off"}
_UNDRIVEN_V = {"PS_ENERGY": 0.0, "CO2_ENERGY": 0.0, "HANDPIECE_ID": CALIBRATION.handpiece_v["none"]}

# The rig's own resistors: chips unselected, dark, nothing held in reset.
_PULLS = {"RIG_DAC_CS": 1, "RIG_IN_LOAD": 1, "RIG_OUT_LATCH": 0, "PS_LIGHT": 0, "CO2_LIGHT": 0}


def rig_stand(
    wiring: Wiring,
    image: str | Path,
    controller_flash: str | Path | None = None,
    rig_flash: str | Path | None = None,
    *,
    loose: Iterable[str] = (),
    crossed: Iterable[tuple[str, str]] = (),
    options: Options | None = None,
    flash_times: Literal["typical", "worst", "instant"] = "typical",
) -> Stand:
    """Return the description of an emulated stand with the boards "controller" and "rig", for ``Bench``.

    ``image``: the MicroPython image of both. ``*_flash``: files with saved flash; without one the board is as the image
    leaves it. ``loose``: signals whose wire is off; the rig's end sees its pull-down alone. ``crossed``: pairs of
    signals whose wires are swapped at the rig's end. ``options``: part name -> options, on top of the wiring's. Raises
    WiringError for a signal that has no wire or cannot be crossed so, ValueError for a part that is not there.
    """
    board, pins = board_constants(), rig_constants()
    off = _known(wiring, loose)
    wires = [wire for wire in _crossed(wiring, crossed, off) if wire.signal not in off]
    loose_ends = {f"{signal}{LOOSE}": wiring.wire(signal).rig for signal in off if not _is_special(wiring.wire(signal))}

    own = controller_parts(board, "series", {"contacts": ["estop", "door", "key"]})
    others = _rig_parts(wires, pins, loose_ends)
    given = _merged(wiring.options, options or {})
    parts = list_parts({**own, **others}, given)
    for part in parts:
        part["supply"] = CONTROLLER if part["name"] in own and part["name"] != "chain" else RIG
    return {
        "boards": [
            _board(CONTROLLER, image, controller_flash, wiring.controller_ppm, flash_times),
            _board(RIG, image, rig_flash, wiring.rig_ppm, flash_times),
        ],
        "nets": _nets(board, pins, own, wires, loose_ends),
        "analog": _analog(board, wires),
        "spi": {
            **spi_bus(board),
            f"{RIG}.SPI{pins.SHIFT_SPI_ID}": ["rig_inputs", "rig_outputs"],
            f"{RIG}.SPI{pins.DAC_SPI_ID}": ["rig_dac"],
        },
        "parts": parts,
    }


def _known(wiring: Wiring, signals: Iterable[str]) -> list[str]:
    """Return the signals, each of which has a wire. Raises WiringError."""
    return [wiring.wire(signal).signal for signal in signals]


def _is_special(wire: Wire) -> bool:
    """Return whether a wire is no logic wire between two pins or registers: a voltage, RUN, or the supply."""
    return wire.rig in _SOURCES or wire.signal in _COMMANDS


def _crossed(wiring: Wiring, pairs: Iterable[tuple[str, str]], off: Sequence[str]) -> list[Wire]:
    """Return the wires, pairs of them swapped at the rig's end. Raises WiringError."""
    wires = {wire.signal: wire for wire in wiring.wires}
    moved = list(off)
    for first, second in pairs:
        a, b = wiring.wire(first), wiring.wire(second)
        if first == second or first in moved or second in moved:
            raise WiringError(
                f"{first} and {second} cannot be crossed: a wire is crossed with one other, and is not off"
            )
        both_voltages = a.rig in _SOURCES and b.rig in _SOURCES
        if not both_voltages and (_is_special(a) or _is_special(b)):
            raise WiringError(
                f"{first} and {second} cannot be crossed on the emulated stand; two logic wires can, or two voltages"
            )
        wires[first], wires[second] = replace(a, rig=b.rig), replace(b, rig=a.rig)
        moved += [first, second]
    return list(wires.values())


def _board(name: str, image: str | Path, flash: str | Path | None, ppm: float, flash_times: str) -> dict[str, Any]:
    found = {"name": name, "kind": "rp2040_pico", "image": str(image), "ppm": ppm, "flash_times": flash_times}
    return found if flash is None else {**found, "flash": str(flash)}


def _merged(*all_options: Options) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for options in all_options:
        for name, values in options.items():
            found.setdefault(name, {}).update(values)
    return found


def _rig_parts(wires: Sequence[Wire], pins: ModuleType, loose_ends: Mapping[str, str]) -> PartTable:
    """Return the rig's parts, the converter before the switches that read it."""
    c = CALIBRATION
    codes = [c.handpiece_v[name] for name in pins.HANDPIECES]
    volts = codes + [c.handpiece_v["none"]] * (HANDPIECE_INPUTS - len(codes))
    outputs = {name: bit for bit, name in enumerate(pins.OUT_NAMES)}
    inputs = {name: bit for bit, name in enumerate(pins.IN_NAMES)}
    parts: PartTable = {
        "rig_pulls": ("pulls", {"levels": {**_PULLS, **dict.fromkeys(loose_ends, 0)}}),
        "rig_outputs": ("shift_outputs", {"bits": outputs, "width": pins.OUT_BITS}),
        "rig_inputs": ("shift_inputs", {"bits": inputs, "width": pins.IN_BITS, "pattern": pins.IN_PATTERN}),
        "rig_dac": ("dac", {"vref_v": c.dac_reference_v}),
        "ps_switch": ("analog_switch", {"off_v": c.ps_offset_v}),
        "co2_switch": ("analog_switch", {"off_v": c.co2_offset_v}),
        "handpiece": ("selector", {"volts": volts, "open_v": c.handpiece_v["none"]}),
    }
    lines: PartTable = {"RUN": ("run_line", {"board": CONTROLLER}), "SUPPLY": ("supply_switch", {"board": CONTROLLER})}
    joined = {wire.signal for wire in wires}
    return parts | {_COMMANDS[name].split(".")[0]: line for name, line in lines.items() if name in joined}


def _nets(
    board: ModuleType,
    pins: ModuleType,
    own: PartTable,
    wires: Sequence[Wire],
    loose_ends: Mapping[str, str],
) -> dict[str, list[str]]:
    joined = {wire.signal: [_end(wire.rig, pins)] for wire in wires if not _is_special(wire)}
    alone = {net: [_end(terminal, pins), f"rig_pulls.{net}"] for net, terminal in loose_ends.items()}
    nets = {**controller_nets(board, own, {**joined, **alone}), **_rig_nets(pins)}
    for wire in wires:
        if wire.signal in _COMMANDS:
            nets[_command_net(wire, pins)].append(_COMMANDS[wire.signal])
    return nets


def _command_net(wire: Wire, pins: ModuleType) -> str:
    return pins.OUT_NAMES[int(wire.rig.removeprefix("OUT"))]


def _end(terminal: str, pins: ModuleType) -> str:
    """Return the rig's terminal as a member of a net."""
    if terminal.startswith("GP"):
        return f"{RIG}.{terminal}"
    if terminal.startswith("OUT"):
        return f"rig_outputs.{pins.OUT_NAMES[int(terminal.removeprefix('OUT'))]}"
    return f"rig_inputs.{pins.IN_NAMES[int(terminal.removeprefix('IN'))]}"


def _rig_nets(pins: ModuleType) -> dict[str, list[str]]:
    """Return the nets that stay within the rig."""
    nets = {
        "RIG_SHIFT_SCK": [f"{RIG}.GP{pins.SHIFT_SCK}", "rig_outputs.clock"],
        "RIG_OUT_DATA": [f"{RIG}.GP{pins.OUT_DATA}", "rig_outputs.data"],
        "RIG_OUT_LATCH": [f"{RIG}.GP{pins.OUT_LATCH}", "rig_outputs.latch"],
        "RIG_IN_LOAD": [f"{RIG}.GP{pins.IN_LOAD}", "rig_inputs.load"],
        "RIG_DAC_CS": [f"{RIG}.GP{pins.DAC_CS}", "rig_dac.cs"],
        "RIG_START": [f"{RIG}.GP{pins.START}"],
        "PS_LIGHT": [f"{RIG}.GP{pins.PS_LIGHT}", "ps_switch.control"],
        "CO2_LIGHT": [f"{RIG}.GP{pins.CO2_LIGHT}", "co2_switch.control"],
        **{f"HANDPIECE_{i}": [f"rig_outputs.HANDPIECE_{i}", f"handpiece.s{i}"] for i in range(3)},
        "RUN_LOW": ["rig_outputs.RUN_LOW"],
        "SUPPLY_OFF": ["rig_outputs.SUPPLY_OFF"],
    }
    return {net: members + ([f"rig_pulls.{net}"] if net in _PULLS else []) for net, members in nets.items()}


def _analog(board: ModuleType, wires: Sequence[Wire]) -> dict[str, str | float]:
    """Return what feeds analogue inputs; one whose wire is off shows what the controller's own resistor makes of it."""
    sources: dict[str, str | float] = {adc_input(board, signal): volts for signal, volts in _UNDRIVEN_V.items()}
    for wire in wires:
        if wire.rig in _SOURCES:
            sources[adc_input(board, wire.signal)] = _SOURCES[wire.rig]
    return {**sources, "ps_switch.in": "rig_dac.a", "co2_switch.in": "rig_dac.b"}
