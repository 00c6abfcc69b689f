"""A stand that is ready for tests: rig and controller, found, checked and connected; real boards or emulated ones."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tandem_tools.flash.link import Link
from tandem_tools.flash.ports import connected_picos, port_with
from tandem_tools.flash.program import Program

from .clock import EQUAL, Ratio, ratio_of
from .controller import Controller
from .driver import Rig
from .errors import NoPort, NoReply, Refused, RigError, WrongBoard, WrongProgram
from .wiring import Wiring

if TYPE_CHECKING:
    from tandem_tools.bench import Bench

BOOT_S = 120.0
"""For a controller to come to STANDBY after a reset, its self-test included; an emulated one may be slow."""
WAVE_CYCLES = 125_000
WAVE_RISES = 4000
OFF_MS = 300
BUTTON_MS = 100
ACKNOWLEDGE_MS = 200
"""For a cause that is gone to be believed."""
ON_BOARD_WAVE = """
import machine, rp2
@rp2.asm_pio(set_init=rp2.PIO.OUT_LOW)
def wave():
    pull(block)
    wrap_target()
    set(pins, 1)
    mov(x, osr)
    label("high")
    jmp(x_dec, "high")
    set(pins, 0)
    mov(x, osr)
    label("low")
    jmp(x_dec, "low")
    wrap()
machine.freq({hz})
square = rp2.StateMachine(4, wave, set_base=machine.Pin({pin}))
square.put({count})
square.active(1)
"""
"""A square wave of the controller's own crystal; a round of the program takes twice `count` + 3 cycles."""


@dataclass(frozen=True)
class Ports:
    """Where the two boards are: names or URLs for pyserial."""

    controller: str
    rig: str


def real_ports(wiring: Wiring) -> Ports:
    """Return the ports of a real stand by the USB serial numbers in its wiring file. Raises NoPort."""
    found = {pico.serial_number: pico.path for pico in connected_picos()}
    wanted = {"controller": wiring.controller_serial, "rig": wiring.rig_serial}
    missing = {name: number for name, number in wanted.items() if number not in found}
    if missing:
        there = ", ".join(f"{number} at {path}" for number, path in found.items()) or "none"
        names = " and ".join(f"{name} ({number})" for name, number in missing.items())
        raise NoPort(
            f"stand {wiring.name}: no Pico with the serial number of the {names} is on USB; connected Picos: {there}. "
            "Connect it, or put the right number into the stand's wiring file"
        )
    return Ports(found[wanted["controller"]], found[wanted["rig"]])


class Stand:
    """Rig and controller of one stand. `bench` is set on an emulated one, `ratio` once it was measured."""

    def __init__(self, wiring: Wiring, ports: Ports, bench: Bench | None = None) -> None:
        self.wiring = wiring
        self.ports = ports
        self.bench = bench
        self.ratio: Ratio = EQUAL
        self.rig = Rig(ports.rig)
        self._controller: Controller | None = None

    @property
    def controller(self) -> Controller:
        """The controller's console, opened when it is first wanted."""
        if self._controller is None:
            self._controller = Controller(self.controller_port())
        return self._controller

    def controller_port(self) -> str:
        """Return where the controller is now: after a reset a real board may have another port."""
        return port_with(self.wiring.controller_serial, self.ports.controller)

    def close(self) -> None:
        """Close both ports."""
        self.leave_controller()
        self.rig.close()

    def leave_controller(self) -> None:
        """Close the controller's port, so that another program or the interpreter can be spoken to over it."""
        if self._controller is not None:
            self._controller.close()
            self._controller = None

    # --- bring-up

    def check_boards(self) -> dict[str, str]:
        """Return the versions of both boards. Raises WrongBoard when they are swapped or something else answers."""
        try:
            rig = self.rig.version()
        except RigError as error:
            raise self._not_a_rig(error) from error
        if "rig" not in rig:
            raise self._not_a_rig(RigError(f"it says {rig}"))
        controller = self.controller.ok("version")
        if "tandem" not in controller:
            raise WrongBoard(
                f"the board at {self.ports.controller}, which should be the controller, answers {controller}: "
                "put Tandem on it (tandem rig prepare)"
            )
        return {f"rig {key}": value for key, value in rig.items()} | {
            f"controller {key}": value for key, value in controller.items()
        }

    def _not_a_rig(self, error: RigError) -> WrongBoard:
        return WrongBoard(
            f"the board at {self.ports.rig}, which should be the rig, does not answer as one ({error}). If rig and "
            "controller are swapped, exchange their serial numbers in the wiring file; else put the rig's firmware on "
            f"it: tandem rig flash --port {self.ports.rig}"
        )

    def check_programs(self, controller: Program, rig: Program) -> None:
        """Raise WrongProgram unless both boards run these programs."""
        found = self.rig.version().get("program", "unknown"), self.controller.ok("version").get("hash", "unknown")
        for name, wanted, has in (("rig", rig.hash, found[0]), ("controller", controller.hash, found[1])):
            if wanted != has:
                raise WrongProgram(
                    f"the {name} runs program {has}, but these sources make {wanted}: bring the stand up to date with "
                    f"tandem rig prepare --stand {self.wiring.name}"
                )

    def idle_room(self) -> None:
        """Put the room into its idle state: nothing forced, supply on, RUN released, no laser answering."""
        self.rig.room(True)
        self.rig.power(True)
        self.rig.release_run()
        for kind in ("ps", "co2"):
            self.rig.stop_laser(kind)

    def reset_controller(self) -> None:
        """Reset the controller by its RUN line and wait for the end of its self-test."""
        self.leave_controller()
        self.rig.reset_controller()
        self.wait_for_standby()

    def power_cycle(self) -> None:
        """Switch the controller off and on, and wait for the end of its self-test."""
        self.leave_controller()
        self.rig.power(False)
        self.rig.pass_ms(OFF_MS)
        self.rig.power(True)
        self.wait_for_standby()

    def wait_for_standby(self) -> None:
        """Wait until the controller answers in STANDBY. Raises NoReply or PortLost after `BOOT_S`."""
        ends = time.monotonic() + BOOT_S
        while True:
            try:
                self.controller.wait_for_state("STANDBY", deadline_s=max(1.0, ends - time.monotonic()))
                return
            except RigError:
                if time.monotonic() > ends:
                    raise
                self.leave_controller()
                time.sleep(0.2)

    def measure_ratio(self) -> Ratio:
        """Measure how the two crystals differ, with a wave on SYNC_OUT; keep and return it.

        The controller's program is stopped for it, and started anew by a reset. About 5 s. Raises ClockError.
        """
        self.leave_controller()
        pin = self.wiring.controller_pin("SYNC_OUT")
        with Link(self.controller_port()) as link:
            link.run(ON_BOARD_WAVE.format(hz=125_000_000, pin=pin, count=WAVE_CYCLES // 2 - 3))
            self.rig.start_stamps({"SYNC_OUT": 2 * WAVE_RISES})
            self.rig.wait_for_edges("SYNC_OUT", 2 * WAVE_RISES, deadline_s=60)
            stamps = self.rig.stop_stamps()["SYNC_OUT"]
        self.ratio = ratio_of(stamps.rises, WAVE_CYCLES)
        self.reset_controller()
        return self.ratio

    # --- what tests do

    def arm(self, deadline_s: float = 120.0) -> None:
        """Press ARM and wait for READY."""
        self.controller.forget_remarks()
        self.rig.button("ARM", BUTTON_MS)
        remark = self.next_state(deadline_s)
        while "state ARMING" in remark:
            remark = self.next_state(deadline_s)
        if "state READY" not in remark:
            raise RigError(f"the controller did not arm, but said: {remark}")

    def next_state(self, deadline_s: float = 120.0) -> str:
        """Return the next remark of the controller that tells of a new state or a fault."""
        while True:
            remark = self.controller.wait_for("", deadline_s)
            if remark.startswith(("state ", "fault ")):
                return remark

    def fire(self, deadline_s: float = 300.0) -> str:
        """Press the pedal, hold it until the controller has left FIRING, release it; return what it said then."""
        self.controller.forget_remarks()
        self.rig.press()
        try:
            remark = self.next_state(deadline_s)
            while "state FIRING" in remark:
                remark = self.next_state(deadline_s)
        finally:
            self.rig.release()
        return remark

    def to_standby(self) -> None:
        """Bring the controller to STANDBY from wherever it is, with the room idle; by a reset if nothing else does."""
        self.idle_room()
        try:
            if self.controller.state == "FAULT":
                self.rig.pass_ms(ACKNOWLEDGE_MS)
                self.controller.ok("clear")
            elif self.controller.state != "STANDBY":
                self.controller.ok("standby")
            self.controller.wait_for_state("STANDBY", deadline_s=30)
        except (Refused, NoReply):
            self.reset_controller()


@contextlib.contextmanager
def opened_at(wiring: Wiring, ports: Ports, bench: Bench | None = None) -> Generator[Stand]:
    """Connect to a stand whose ports are known, and close them at the end."""
    stand = Stand(wiring, ports, bench)
    try:
        yield stand
    finally:
        stand.close()


def facts(stand: Stand) -> dict[str, Any]:
    """Return what a report should say about a stand."""
    return {
        "stand": stand.wiring.name,
        "kind": stand.wiring.kind,
        "crystals_ppm": round(stand.ratio.ppm, 4),
        "crystals_uncertainty_ppm": round(stand.ratio.uncertainty_ppm, 4),
    }
