"""A controller that hangs for good, and the test after it: run by host_tools/tests/rig/test_rig_recovery.py alone."""

from __future__ import annotations

import time

from tandem_tools.flash.link import Link
from tandem_tools.rig.stand import Stand

HANG = """
import machine
machine.disable_irq()
while True:
    pass
"""


def test_that_leaves_the_controller_dead(stand: Stand) -> None:
    """Stop Tandem, which stops its watchdog too, and let the interpreter hang with its interrupts off."""
    stand.leave_controller()
    with Link(stand.controller_port()) as link:
        link.start(HANG)
        time.sleep(0.5)
    stand.controller.ok("version")


def test_that_finds_it_alive(stand: Stand) -> None:
    """Find the controller in STANDBY, because the test before ended in a power cycle."""
    assert stand.controller.state == "STANDBY"
