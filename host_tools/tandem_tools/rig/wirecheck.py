"""Proves each wire of a stand: sets one end to both levels, looks at all others, and names the wire that is broken.

The controller's firmware is interrupted for it (see `probe`); the rig is used by its own commands. At first the chain
is open, so that no driver may follow its input; then it is closed and fed, for what needs SAFE.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Mapping

from tandem_tools.bench.stand import CALIBRATION
from tandem_tools.flash.errors import BoardLost, FlashError
from tandem_tools.flash.ports import serial_number_of

from .driver import Rig
from .errors import RigError
from .probe import OUTPUTS, Probe, probe_again, start_firmware
from .wirefaults import Finding, Seen, faults_of
from .wiring import Wiring

SAFE, HANDPIECE, RUN, SUPPLY = "SAFE", "HANDPIECE_ID", "RUN", "SUPPLY"
RESET = "PS_INT_RESET"
"""Ends the light of the ps laser."""
SAFE_AT_RIG = "SAFE at the rig"
CONTACTS = ("ESTOP_CLOSED", "DOOR_CLOSED", "KEY_ON")
DRIVERS = {"PS_FIRE_DRV": "PS_FIRE", "PS_QSW_DRV": "PS_QSW", "CO2_GATE_DRV": "CO2_GATE"}
"""Wire behind a driver -> the controller's output before it."""
ANSWERS = {"PS_SYNC": ("ps", "PS_FIRE"), "CO2_SYNC": ("co2", "CO2_GATE")}
"""Wire of a laser's sync -> the rig's laser, and the trigger that it answers."""
LIGHTS = {"PS_ENERGY": ("ps", "PS_FIRE"), "CO2_ENERGY": ("co2", "CO2_GATE")}
"""Wire of an energy channel -> the rig's laser, and the trigger that it answers."""

HEARTBEAT_MS = 50
SAFE_S = 3.0
"""For the supervisor part to close or open, with room for an emulated stand that is slower than the wall."""
BACK_S = 20.0
OFF_S = 0.5
SETTLE_S = 0.5
DAC_CODES = (800, 2000, 3300)
DAC_STEPS = 4096
DAC_FULL_MV = 3300
DARK_MV = 160
ENERGY_PART, ENERGY_MV = 0.03, 25
"""What an energy channel may be off: a part of the value, and on top (converter, switch and ADC together)."""
HANDPIECE_MV = 80

DEAD_REGISTER = (
    "the {0}'s 74HC165 chain is not read right: bits 13, 14, 15 are not {1}, to which they are wired. Before any wire "
    "look at the chain's supply, clock, data and SH/LD"
)

Report = Callable[[str, int, int], None]
"""Called with (the wire that is checked, wires done, wires in all)."""


def check_wires(wiring: Wiring, rig: Rig, controller_port: str, report: Report = lambda *_: None) -> list[Finding]:
    """Check every wire and return a finding for each, in the order of the wiring file. Blocks: up to a minute.

    No laser may be connected: triggers are set to static levels. Ends with a reset of the controller, whose firmware
    runs again then, and with the rig's room idle.

    :raises FlashError: when the controller cannot be spoken to, or is lost in the middle.
    :raises RigError: when the rig cannot be spoken to, or is lost in the middle.
    """
    serial_number = serial_number_of(controller_port)
    check = _Check(wiring, rig, report)
    try:
        rig.room(False)
        with Probe(controller_port) as probe:
            check.levels(probe)
            check.under_safe(probe)
            check.lasers(probe)
            check.handpiece(probe)
            probe.mark()
        check.resets(controller_port, serial_number)
    except BaseException as error:
        with contextlib.suppress(RigError):  # what went wrong first is what is told
            check.give_back()
        if not isinstance(error, BoardLost):
            with contextlib.suppress(FlashError):
                start_firmware(controller_port, serial_number)
        raise
    check.give_back()
    start_firmware(controller_port, serial_number)
    return check.findings()


class _Check:
    """One run of the check: what was found so far."""

    def __init__(self, wiring: Wiring, rig: Rig, report: Report) -> None:
        self._wires = {wire.signal: wire for wire in wiring.wires}
        self._rig = rig
        self._report = report
        self._wrong: dict[str, str] = {}
        self._told: set[str] = set()
        self._rest: dict[str, int] = {}
        self._seen_by_rig: set[str] = set()
        self._set_by_rig: list[str] = []

    def findings(self) -> list[Finding]:
        """Return a finding for each wire."""
        return [self._finding(name) for name in self._wires]

    def _finding(self, name: str) -> Finding:
        wire = self._wires[name]
        place = f"controller {wire.controller}, rig {wire.rig}: {wire.note}"
        if name not in self._told:
            return Finding(name, None, self._wrong.get(name, "not checked: nothing here can set it"), place)
        wrong = self._wrong.get(name, "")
        return Finding(name, not wrong, wrong, place if wrong else "")

    def _say(self, name: str, wrong: str = "") -> None:
        """Keep what was found of a wire of this stand; what was found first stays."""
        if name not in self._wires:
            return
        self._told.add(name)
        if wrong:
            self._wrong.setdefault(name, wrong)
        self._report(name, len(self._told), len(self._wires))

    def _cannot_say(self, names: Iterable[str], why: str) -> None:
        for name in names:
            if name not in self._told:
                self._wrong.setdefault(name, f"not checked: {why}")

    def give_back(self) -> None:
        """Let the rig's room be the quiet one, which follows the controller; nothing is forced any more."""
        self._rig.room(True)

    # --- wires that are simply set, with the chain open

    def levels(self, probe: Probe) -> None:
        """Set each wire that can be set to its other level and back, and judge all by what moved."""
        self._registers(probe)
        self._seen_by_rig = {*OUTPUTS, *DRIVERS, SAFE, *probe.slow_outputs}
        self._set_by_rig = [
            name for name in self._rig.levels() if name in self._wires and name not in self._seen_by_rig
        ]
        self._rig.set(**dict.fromkeys(self._set_by_rig, 0))
        self._rig.handpiece(2)
        self._rest = self._levels(probe)
        seen: dict[str, Seen] = {}
        for name in self._wires:
            if name in OUTPUTS or name in probe.slow_outputs:
                rest = OUTPUTS.get(name, 0)
                seen[name] = self._act(probe, name, probe.set, 1 - rest, rest)
            elif name in self._set_by_rig:
                seen[name] = self._act(probe, name, self._set_rig, 1, 0)
            else:
                continue
            self._report(name, len(seen), len(self._wires))
        if self._rest[SAFE] or self._rest[SAFE_AT_RIG]:
            self._say(SAFE, "it is 1 while every contact is open and HEARTBEAT stands still")
        self._judge(self._without_drivers(seen))

    def _registers(self, probe: Probe) -> None:
        """Raise RigError unless the input registers of both boards show the bits that they are wired to."""
        self._rig.clear_health()
        if not probe.pattern_is_right:
            raise RigError(DEAD_REGISTER.format("controller", "0, 1, 0"))
        self._rig.levels()
        if self._rig.health()["shift"]:
            raise RigError(DEAD_REGISTER.format("rig", "1, 0, 1"))

    def _set_rig(self, name: str, level: int) -> None:
        self._rig.set(**{name: level})

    def _act(self, probe: Probe, name: str, put: Callable[[str, int], None], other: int, rest: int) -> Seen:
        probe.forget()
        self._rig.clear_watch()
        put(name, other)
        there = self._levels(probe)
        put(name, rest)
        moved = self._moved(probe)
        changed = self._differing(there)
        return Seen(changed, moved - changed, self._differing(self._levels(probe)), there)

    def _levels(self, probe: Probe) -> dict[str, int]:
        """Return the levels of all that is looked at, at both boards; SAFE is looked at twice."""
        levels = {name: level for name, level in self._rig.levels().items() if name in self._seen_by_rig}
        levels[SAFE_AT_RIG] = levels.pop(SAFE)
        return {**levels, **probe.look().levels}

    def _differing(self, levels: Mapping[str, int]) -> frozenset[str]:
        return frozenset(name for name, level in levels.items() if self._rest[name] != level)

    def _moved(self, probe: Probe) -> frozenset[str]:
        return probe.look().moved | {
            SAFE_AT_RIG if n == SAFE else n for n, edges in self._rig.watch().items() if any(edges)
        }

    def _without_drivers(self, seen: Mapping[str, Seen]) -> dict[str, Seen]:
        """Return what was seen without what is the fault of a driver that followed its input, which is told here."""
        for driver, before in DRIVERS.items():
            if before in seen and driver in seen[before].changed | seen[before].flickered:
                self._say(driver, f"it follows {before} while SAFE is open: the driver is not enabled by SAFE alone")
        drivers = frozenset(DRIVERS)
        return {
            n: Seen(s.changed - drivers, s.flickered - drivers, s.left - drivers, s.levels) for n, s in seen.items()
        }

    def _judge(self, seen: Mapping[str, Seen]) -> None:
        for name, wrong in faults_of(seen, self._far).items():
            self._say(name, wrong)

    def _far(self, name: str) -> str:
        """Return which board looks at a wire's level."""
        return "the rig" if name in self._seen_by_rig else "the controller"

    # --- what needs SAFE

    def under_safe(self, probe: Probe) -> None:
        """Close and feed the chain; check SAFE, each contact in the chain, and the drivers."""
        for contact in CONTACTS:
            self._set_rig(contact, 1)
        probe.feed(HEARTBEAT_MS)
        closed = self._wait_for_safe(probe, 1)
        if 1 in closed.values():
            self._say(SAFE, _one_sided(closed))
            ends = [end for end, level in closed.items() if level]
            self._contacts(probe, ends)
            self._drivers(probe)
            probe.feed(0)
            if 1 in self._wait_for_safe(probe, 0, ends).values():
                self._say(SAFE, "it stays 1 without HEARTBEAT: the supervisor part is not in the chain")
        else:
            self._say(
                SAFE,
                "it stays 0 at both boards with every contact closed and HEARTBEAT toggling every "
                f"{HEARTBEAT_MS} ms: look at contacts, supervisor part and filter, one after the other",
            )
            self._cannot_say(DRIVERS, "SAFE does not close")
            probe.feed(0)
        for contact in CONTACTS:
            self._set_rig(contact, 0)

    def _wait_for_safe(self, probe: Probe, level: int, ends: Iterable[str] = (SAFE, SAFE_AT_RIG)) -> dict[str, int]:
        """Return what SAFE is at its ends once all of them have this level, or when it has taken too long."""
        until = time.monotonic() + SAFE_S
        while True:
            found = {SAFE: probe.look().levels[SAFE], SAFE_AT_RIG: self._rig.levels()[SAFE]}
            found = {end: found[end] for end in ends}
            if set(found.values()) == {level} or time.monotonic() > until:
                return found

    def _contacts(self, probe: Probe, ends: list[str]) -> None:
        for contact in CONTACTS:
            self._set_rig(contact, 0)
            opened = self._wait_for_safe(probe, 0, ends)
            self._set_rig(contact, 1)
            self._wait_for_safe(probe, 1, ends)
            if 1 in opened.values():
                self._say(contact, "SAFE stays 1 while it is open: its contact is not in the chain")

    def _drivers(self, probe: Probe) -> None:
        seen = {}
        for driver, before in DRIVERS.items():
            if driver not in self._wires:
                continue
            self._rig.clear_watch()
            probe.set(before, 1)
            probe.set(before, 0)
            edges = {name: found for name, found in self._rig.watch().items() if name in DRIVERS}
            levels = {name: level for name, level in self._rig.levels().items() if name in DRIVERS}
            moved = frozenset(name for name, (rises, falls) in edges.items() if rises and falls)
            seen[driver] = Seen(moved, left=frozenset(n for n, level in levels.items() if level), levels=levels)
        self._judge(seen)

    # --- lasers, which look at triggers before the drivers

    def lasers(self, probe: Probe) -> None:
        """Let the rig's lasers answer triggers, with the chain open; check syncs and energies."""
        self._answers(probe)
        self._lights(probe)

    def _answers(self, probe: Probe) -> None:
        seen = {}
        for name, (laser, trigger) in ANSWERS.items():
            if name not in self._wires:
                continue
            self._rig.laser(laser, sync=1)
            self._rig.load_laser(laser, 1)
            probe.forget()
            probe.pulse(trigger)
            moved = probe.look().moved & set(ANSWERS)
            if self._rig.answered(laser):
                seen[name] = Seen(moved, levels=probe.look().levels)
            else:
                self._cannot_say([name], f"the rig's laser saw no {trigger}")
            self._rig.stop_laser(laser)
        self._judge(seen)

    def _lights(self, probe: Probe) -> None:
        for name, (laser, trigger) in LIGHTS.items():
            if name in self._wires:
                self._light(probe, name, laser, trigger)

    def _light(self, probe: Probe, name: str, laser: str, trigger: str) -> None:
        """Let the rig answer with known energies, and compare what the controller's inputs show; dark before."""
        other = next(n for n in LIGHTS if n != name)
        dark = probe.look().millivolts
        if dark[name] > DARK_MV:
            self._say(
                name, f"{dark[name]:.0f} mV in the dark, at most {DARK_MV} mV are sound: the switch does not open"
            )
            return
        for code in DAC_CODES:
            self._rig.laser(laser, energy=code, noise_permille=0, decay_ppm=0)
            self._rig.load_laser(laser, 1)
            probe.set(RESET, 0)
            peaks = probe.shine(trigger)
            probe.set(RESET, 1)
            answered = self._rig.answered(laser)
            self._rig.stop_laser(laser)
            if not answered:
                self._cannot_say([name], f"the rig's laser saw no {trigger}")
                return
            expected = code * DAC_FULL_MV / DAC_STEPS
            if abs(peaks[name] - expected) > ENERGY_PART * expected + ENERGY_MV:
                crossed = peaks[other] > DARK_MV > peaks[name]
                self._say(
                    name,
                    f"{name} and {other} are exchanged"
                    if crossed
                    else f"{peaks[name]:.0f} mV come of {expected:.0f} mV (converter code {code})",
                )
                return
        self._say(name)

    # --- handpiece, resets

    def handpiece(self, probe: Probe) -> None:
        """Choose each handpiece and compare the voltage of its coding."""
        if HANDPIECE not in self._wires:
            return
        wrong = []
        for code, (entry, volts) in enumerate(CALIBRATION.handpiece_v.items()):
            self._rig.handpiece(code)
            found = self._wait_for_handpiece(probe, 1000 * volts)
            if abs(found - 1000 * volts) > HANDPIECE_MV:
                wrong.append(f"{found:.0f} mV of {1000 * volts:.0f} mV ({entry})")
        self._rig.handpiece(2)
        self._say(HANDPIECE, f"voltages are off: {', '.join(wrong)}" if wrong else "")

    def _wait_for_handpiece(self, probe: Probe, millivolts: float) -> float:
        until = time.monotonic() + SETTLE_S
        while True:
            found = probe.look().millivolts[HANDPIECE]
            if abs(found - millivolts) <= HANDPIECE_MV or time.monotonic() > until:
                return found

    def resets(self, port: str, serial_number: str) -> None:
        """Reset the controller by its RUN line, then by its supply, and ask it each time why it started."""
        acts = {RUN: ("run_pin", self._rig.reset_controller), SUPPLY: ("power_on", self._switch_supply)}
        for name, (wanted, act) in acts.items():
            if name not in self._wires:
                continue
            act()
            try:
                with probe_again(port, serial_number, BACK_S) as probe:
                    cause = probe.reset_cause()
                    probe.mark()
            except FlashError as error:
                self._say(name, f"the controller does not come back: {error}")
                self._cannot_say((RUN, SUPPLY), "the controller did not come back from a reset")
                return
            self._say(name, _wrong_reset(wanted, cause))

    def _switch_supply(self) -> None:
        self._rig.power(False)
        time.sleep(OFF_S)
        self._rig.power(True)


def _one_sided(levels: Mapping[str, int]) -> str:
    """Return what is wrong when SAFE is closed at one board alone."""
    if not levels[SAFE]:
        return "the controller sees nothing: SAFE stays 0 there, the rig sees it closed"
    return "" if levels[SAFE_AT_RIG] else "the rig sees nothing: SAFE stays 0 there, the controller sees it closed"


def _wrong_reset(wanted: str, cause: str) -> str:
    """Return what is wrong with a wire that resets the controller, by the cause that the controller gives."""
    if cause == wanted:
        return ""
    if cause == "none":
        return "the controller runs on, it was not reset"
    return f"the controller was reset, but by {cause} in place of {wanted}"
