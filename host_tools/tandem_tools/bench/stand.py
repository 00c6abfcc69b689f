"""The standard stand: one controller with every external part that the design asks for, wired to its pins.

The pins and bit numbers come from ``boards/rp2040_pico/board.py`` alone. What each part does: docs/parts.md.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

BOARD_FILE = Path(__file__).parents[3] / "boards" / "rp2040_pico" / "board.py"
CONTROLLER = "controller"
SECOND = "second"

Stand = dict[str, Any]
Options = Mapping[str, Mapping[str, Any]]
PartTable = dict[str, tuple[str, dict[str, Any]]]
"""Name of a part -> its kind and its options."""
PsTrigger = Literal["one_trigger", "lamp_qswitch"]
ScannerKind = Literal["xy", "stepped", "none"]


@dataclass(frozen=True)
class Calibration:
    """What the stand's analogue parts turn light, codes and resistors into.

    ``*_v_per_*`` are volts at the ADC pin above ``*_offset_v``, the voltage in the dark. Chosen so that the published
    energies stand in the middle of the ADC, away from the RP2040's four bad codes (512, 1536, 2560, 3584):
    596.9 mJ gives 1.65 V, a CO2 power of 240 W gives a plateau of 1.65 V.
    """

    adc_reference_v: float = 3.3
    adc_codes: int = 4096
    ps_v_per_mj: float = 1.65 / 596.9
    ps_offset_v: float = 0.02
    co2_v_per_w: float = 1.65 / 240
    co2_offset_v: float = 0.02
    co2_peak_w: float = 240.0
    dac_reference_v: float = 3.3
    scan_range_mm: float = 12.0
    """Distance on the tissue between the scanner codes 0 and 4095."""
    handpiece_v: Mapping[str, float] = field(
        default_factory=lambda: {
            "none": 3.3,
            "shorted": 0.0,
            "generic-combined": 1.2,
            "generic-ps": 2.0,
            "generic-co2": 0.6,
        }
    )

    @property
    def v_per_count(self) -> float:
        """Volts of one ADC count."""
        return self.adc_reference_v / self.adc_codes

    @property
    def ps_mj_per_count(self) -> float:
        """Millijoules of the ps laser per ADC count of the settled integrator."""
        return self.v_per_count / self.ps_v_per_mj

    def co2_mj_per_count(self, sample_us: float) -> float:
        """Millijoules of the CO2 laser per count of a sum of samples that are ``sample_us`` microseconds apart."""
        return self.v_per_count / self.co2_v_per_w * sample_us / 1000


CALIBRATION = Calibration()

_TRIGGERS = ("PS_FIRE", "PS_QSW", "CO2_GATE")
_LAMPS = ("LAMP_READY", "LAMP_EMISSION_1", "LAMP_EMISSION_2", "LAMP_FAULT", "LAMP_PS", "LAMP_CO2", "BUZZER")

# Resistors beside the pins: every trigger is low and every input reads "not ready" when nothing drives it; chips are
# unselected, the integrator is held in reset, the meter's line idles.
_PULLS = {
    **dict.fromkeys((*_TRIGGERS, "SYNC_OUT", "HEARTBEAT", "SAFE", "FOOT_NO", "FOOT_NC"), 0),
    **dict.fromkeys(("PS_READY", "CO2_READY", "PS_SYNC", "CO2_SYNC", "SCAN_OK", "OUT_LATCH"), 0),
    **dict.fromkeys(("PS_FAULT", "CO2_FAULT"), 0),
    **dict.fromkeys(("PS_INT_RESET", "DAC_CS", "FRAM_CS", "IN_LOAD", "UART_RX"), 1),
}

# Net -> "part.role" members beside the pin of the same name and its resistor.
_MEMBERS: dict[str, tuple[str, ...]] = {
    "PS_FIRE": ("driver.in_PS_FIRE",),
    "PS_QSW": ("driver.in_PS_QSW",),
    "CO2_GATE": ("one_shot.in",),
    "CO2_GATE_LIMITED": ("one_shot.out", "driver.in_CO2_GATE"),
    "PS_FIRE_DRV": ("driver.out_PS_FIRE", "ps_laser.fire"),
    "PS_QSW_DRV": ("driver.out_PS_QSW", "ps_laser.qswitch"),
    "CO2_GATE_DRV": ("driver.out_CO2_GATE", "co2_laser.gate"),
    "SYNC_OUT": (),
    "HEARTBEAT": ("supervisor.heartbeat",),
    "PS_INT_RESET": ("integrator.reset",),
    "CHAIN": ("chain.out", "supervisor.in"),
    "CHAIN_SUPERVISED": ("supervisor.out", "filter.in"),
    "SAFE": (
        "filter.out",
        "driver.safe",
        "ps_shutter.safe",
        "co2_shutter.safe",
        "ps_laser.interlock",
        "co2_laser.interlock",
    ),
    "FOOT_NO": ("pedal.no",),
    "FOOT_NC": ("pedal.nc",),
    "PS_READY": ("ps_laser.ready",),
    "CO2_READY": ("co2_laser.ready",),
    "PS_SYNC": ("ps_laser.sync",),
    "CO2_SYNC": ("co2_laser.sync",),
    "SCAN_OK": ("scanner.ok",),
    "DAC_CS": ("dac.cs",),
    "FRAM_CS": ("fram.cs",),
    "IN_LOAD": ("inputs.load",),
    "OUT_LATCH": ("outputs.latch",),
    "UART_TX": (),
    "UART_RX": (),
    "ESTOP_CLOSED": ("chain.estop", "inputs.ESTOP_CLOSED"),
    "DOOR_CLOSED": ("chain.door", "inputs.DOOR_CLOSED"),
    "KEY_ON": ("chain.key", "inputs.KEY_ON"),
    "PS_FAULT": ("ps_laser.fault", "inputs.PS_FAULT"),
    "CO2_FAULT": ("co2_laser.fault", "inputs.CO2_FAULT"),
    "PS_SHUTTER_CLOSED": ("ps_shutter.closed", "inputs.PS_SHUTTER_CLOSED"),
    "PS_SHUTTER_OPEN": ("ps_shutter.open", "inputs.PS_SHUTTER_OPEN"),
    "CO2_SHUTTER_CLOSED": ("co2_shutter.closed", "inputs.CO2_SHUTTER_CLOSED"),
    "CO2_SHUTTER_OPEN": ("co2_shutter.open", "inputs.CO2_SHUTTER_OPEN"),
    "BUTTON_ARM": ("buttons.ARM", "inputs.BUTTON_ARM"),
    "BUTTON_STANDBY": ("buttons.STANDBY", "inputs.BUTTON_STANDBY"),
    "BUTTON_NEXT": ("buttons.NEXT", "inputs.BUTTON_NEXT"),
    "AIM_MONITOR": ("aim_monitor.out", "inputs.AIM_MONITOR"),
    "PS_SHUTTER": ("outputs.PS_SHUTTER", "ps_shutter.coil"),
    "CO2_SHUTTER": ("outputs.CO2_SHUTTER", "co2_shutter.coil"),
    "AIM": ("outputs.AIM", "aim_monitor.aim"),
    **{lamp: (f"outputs.{lamp}", f"panel.{lamp}") for lamp in _LAMPS},
    "SPI_SCK": ("outputs.clock",),
    "SPI_TX": ("outputs.data",),
    "SCAN_STEP": ("outputs.SCAN_STEP", "scanner.step"),
    "SCAN_HOME": ("outputs.SCAN_HOME", "scanner.home"),
}


def board_constants(path: Path = BOARD_FILE) -> ModuleType:
    """Return the board's file as a module. FileNotFoundError when it is not there."""
    spec = importlib.util.spec_from_file_location("tandem_stand_board", path)
    if spec is None or spec.loader is None or not path.exists():
        raise FileNotFoundError(f"{path} is missing: it names the controller's pins; restore it from the repository")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def chain_bits(board: ModuleType, prefix: str) -> dict[str, int]:
    """Return name -> bit number of the shift register constants ``IN_...`` or ``OUT_...`` of a board's file."""
    masks = {name.removeprefix(prefix): value for name, value in vars(board).items() if name.startswith(prefix)}
    single = {name: mask for name, mask in masks.items() if name not in ("LOAD", "LATCH") and "PATTERN" not in name}
    return {name: mask.bit_length() - 1 for name, mask in single.items()}


def controller_stand(
    image: str | Path,
    *,
    ps_laser: PsTrigger = "one_trigger",
    scanner: ScannerKind = "xy",
    positions: Sequence[tuple[float, float]] = (),
    handpiece: str = "generic-combined",
    options: Options | None = None,
    flash: str | Path | None = None,
    flash_times: Literal["typical", "worst", "instant"] = "typical",
    ppm: float = 0,
    irq_cost_cycles: int = 0,
    second_board: bool | str | Path = False,
    wires: Mapping[str, Iterable[str]] | None = None,
) -> Stand:
    """Return the description of the standard stand.

    ``image``: the MicroPython image of the controller. ``positions``: mm, for the stepped scanner. ``handpiece``: one
    of ``CALIBRATION.handpiece_v``. ``options``: part name -> options on top of the stand's own. ``flash``: a file with
    saved flash. ``second_board``: True or an image adds an RP2040 named "second"; it is wired by ``wires``, which
    adds members to nets (new nets are made), e.g. ``{"PS_FIRE": ["second.GP2"]}``. Raises ValueError for a part or
    handpiece that the stand does not have.
    """
    if handpiece not in CALIBRATION.handpiece_v:
        allowed = ", ".join(CALIBRATION.handpiece_v)
        raise ValueError(f"handpiece {handpiece!r} is not on this stand; allowed: {allowed}")
    board = board_constants()
    table = _all_parts(board, ps_laser, scanner, positions, handpiece)
    about = {"kind": "rp2040_pico", "flash_times": flash_times, "ppm": ppm, "irq_cost_cycles": irq_cost_cycles}
    boards = [{"name": CONTROLLER, "image": str(image), **about}]
    if flash is not None:
        boards[0]["flash"] = str(flash)
    if second_board:
        other = image if second_board is True else second_board
        boards.append({"name": SECOND, "image": str(other), **about})
    analog = {
        adc_input(board, "PS_ENERGY"): "integrator.out",
        adc_input(board, "CO2_ENERGY"): "detector.out",
        adc_input(board, "HANDPIECE_ID"): "handpiece.id",
    }
    if scanner == "xy":
        analog |= {"scanner.x": "dac.a", "scanner.y": "dac.b"}
    return {
        "boards": boards,
        "nets": controller_nets(board, table, wires or {}),
        "analog": analog,
        "spi": spi_bus(board),
        "parts": list_parts(table, options or {}),
    }


def adc_input(board: ModuleType, signal: str) -> str:
    """Return the stand's name of the controller's analogue input that a signal is on."""
    return f"{CONTROLLER}.ADC{getattr(board, signal) - 26}"


def spi_bus(board: ModuleType) -> dict[str, list[str]]:
    """Return the controller's SPI bus with its parts."""
    return {f"{CONTROLLER}.SPI{board.SPI_ID}": ["fram", "dac", "inputs", "outputs"]}


def controller_nets(
    board: ModuleType, parts: Collection[str], wires: Mapping[str, Iterable[str]]
) -> dict[str, list[str]]:
    """Return the controller's nets: its pin, those of `parts` that are on it, its resistor, and what `wires` adds."""
    nets: dict[str, list[str]] = {}
    for net, members in _MEMBERS.items():
        pin = getattr(board, net, None)
        on_board = [] if pin is None else [f"{CONTROLLER}.GP{pin}"]
        pull = [f"pulls.{net}"] if net in _PULLS else []
        nets[net] = on_board + [member for member in members if member.split(".")[0] in parts] + pull
    for net, members in wires.items():
        nets.setdefault(net, []).extend(members)
    return nets


def controller_parts(
    board: ModuleType, chain: str = "chain", chain_options: Mapping[str, Any] | None = None
) -> PartTable:
    """Return the parts that belong to the controller itself, with or without people and lasers around it.

    ``chain`` is the kind of the part of that name: contacts in series, by hand (``chain``) or by relays (``series``).
    """
    return {
        "pulls": ("pulls", {"levels": _PULLS}),
        "chain": (chain, dict(chain_options or {})),
        "supervisor": ("supervisor", {}),
        "filter": ("filter", {}),
        "one_shot": ("one_shot", {}),
        "driver": ("driver", {"lines": list(_TRIGGERS)}),
        "inputs": ("shift_inputs", {"bits": chain_bits(board, "IN_"), "pattern": board.IN_PATTERN}),
        "outputs": ("shift_outputs", {"bits": chain_bits(board, "OUT_")}),
        "dac": ("dac", {"vref_v": CALIBRATION.dac_reference_v}),
        "fram": ("fram", {}),
    }


def _all_parts(
    board: ModuleType,
    ps_laser: PsTrigger,
    scanner: ScannerKind,
    positions: Sequence[tuple[float, float]],
    handpiece: str,
) -> PartTable:
    """Return all parts; the converter comes before the scanner, which reads it."""
    c = CALIBRATION
    parts: PartTable = {
        **controller_parts(board),
        "integrator": ("integrator", {"v_per_mj": c.ps_v_per_mj, "offset_v": c.ps_offset_v}),
        "detector": ("detector", {"v_per_w": c.co2_v_per_w, "offset_v": c.co2_offset_v}),
        "ps_shutter": ("shutter", {}),
        "co2_shutter": ("shutter", {}),
        "ps_laser": ("ps_laser", {"trigger": ps_laser, "detector": "integrator", "shutter": "ps_shutter"}),
        "co2_laser": ("co2_laser", {"peak_w": c.co2_peak_w, "detector": "detector", "shutter": "co2_shutter"}),
        "pedal": ("pedal", {}),
        "buttons": ("buttons", {}),
        "aim_monitor": ("aim_monitor", {}),
        "handpiece": ("handpiece", {"volts": dict(c.handpiece_v), "entry": handpiece}),
        "panel": ("panel", {"names": list(_LAMPS)}),
    }
    if scanner != "none":
        scale = {"range_mm": c.scan_range_mm, "full_scale_v": c.dac_reference_v * 4095 / 4096}
        parts["scanner"] = ("scanner", {"mode": scanner, "positions": [list(p) for p in positions], **scale})
        parts["co2_laser"][1]["scanner"] = "scanner"
    return parts


def list_parts(parts: PartTable, options: Options) -> list[dict[str, Any]]:
    """Return parts as a stand lists them, `options` on top of their own. ValueError for a part that is not there."""
    for name in options:
        if name not in parts:
            raise ValueError(f"options were given for part {name!r}; this stand has: {', '.join(parts)}")
    return [
        {"name": name, "kind": kind, "options": {**own, **options.get(name, {})}} for name, (kind, own) in parts.items()
    ]
