"""A real stand, to copy: name the copy after your stand, and write the serial numbers of its two boards into it.

Connect one board alone; `mpremote connect list` shows its port and its serial number, 16 digits 0 to 9 and a to f.
Then wire as standard.py says.

A stand without some wire that tests can do without:

    from .standard import WIRES as ALL_WIRES
    WIRES = tuple(wire for wire in ALL_WIRES if wire.signal not in ("SCAN_STEP", "SCAN_HOME"))
"""

from .standard import WIRES as WIRES

NAME = "example"
KIND = "real"
CONTROLLER_SERIAL = "write the controller's here"
RIG_SERIAL = "write the rig's here"
