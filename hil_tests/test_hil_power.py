"""Through power-up, power-down, RUN and the boot loader nothing rises, at the pins or behind the drivers."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import pytest
from figures import DRIVEN, SHORT_TRAIN, TRIGGERS, Record, answer
from tandem_tools.flash.errors import FlashError
from tandem_tools.flash.link import Link
from tandem_tools.nightly.recording import Measured
from tandem_tools.rig.stand import Stand

WATCHED = ("PS_FIRE", "CO2_GATE", "SYNC_OUT", *DRIVEN)
TIMES = 3
RISES_BEFORE = 5


def count_rises(stand: Stand, found: dict) -> int:
    """Count rises of the recorded channels, and those pins that the rig's latches saw rise."""
    latched = stand.rig.watch()
    return sum(len(channel.rises) for channel in found.values()) + sum(latched[name][0] for name in TRIGGERS)


@pytest.mark.proves("R-SUP-7", "R-STA-1", "R-SUP-8")
@pytest.mark.parametrize(
    ("start", "what"), [(Stand.reset_controller, "resets by RUN"), (Stand.power_cycle, "power cycles")]
)
def test_nothing_rises_through_starts(
    stand: Stand, record: Record, measured: Measured, start: Callable[[Stand], None], what: str
) -> None:
    stand.rig.clear_watch()
    with record(dict.fromkeys(WATCHED, 20)) as found:
        for _ in range(TIMES):
            start(stand)
    measured(f"rises over {TIMES} {what}", count_rises(stand, found), "edges", low=0, high=0)


@pytest.mark.proves("R-SUP-7")
def test_nothing_rises_in_the_boot_loader(stand: Stand, record: Record, measured: Measured) -> None:
    stand.leave_controller()
    stand.rig.clear_watch()
    with record(dict.fromkeys(WATCHED, 20)) as found:
        with Link(stand.controller_port()) as link, contextlib.suppress(FlashError):  # gone before it can answer
            link.start("import machine\nmachine.bootloader()")
        stand.rig.pass_ms(1000)
        stand.reset_controller()
    measured("rises in and out of the boot loader", count_rises(stand, found), "edges", low=0, high=0)


@pytest.mark.proves("R-SUP-7", "R-SUP-8")
@pytest.mark.parametrize(("line", "what"), [("RUN_LOW", "RUN low"), ("SUPPLY_OFF", "supply off")])
def test_a_burst_ends_with_its_controller(
    stand: Stand, record: Record, measured: Measured, line: str, what: str
) -> None:
    stand.controller.use("hil-short")
    newest = stand.controller.ok("journal status")["last"]
    stand.arm()
    answer(stand, co2=SHORT_TRAIN)
    stand.rig.load_script([(0, line, 1)])
    with record(dict.fromkeys(("CO2_GATE", "CO2_GATE_DRV", "SYNC_OUT", "PS_FIRE_DRV"), 2 * SHORT_TRAIN + 4)) as found:
        stand.rig.run_script_when("CO2_GATE", 2 * RISES_BEFORE - 1, 100)
        stand.rig.press()
        stand.rig.wait_for_edges("CO2_GATE", 2 * RISES_BEFORE, deadline_s=180)
        stand.leave_controller()
        stand.rig.pass_ms(500)
    measured(f"shots after {what} in a gate", len(found["CO2_GATE_DRV"].rises) - RISES_BEFORE, "shots", low=0, high=0)
    assert found["CO2_GATE_DRV"].falls[-1] - found["CO2_GATE_DRV"].rises[-1] < 46_875
    stand.idle_room()
    stand.reset_controller()
    assert stand.controller.fields("status", 60)["recipe"] == "none"
    kept = stand.controller.ask(f"journal show {newest}", 120).data
    shots = sum(record["kind"] == "shot" for record in kept)
    assert shots >= RISES_BEFORE - 1, f"{shots} of {RISES_BEFORE} shots are on record after the loss"
