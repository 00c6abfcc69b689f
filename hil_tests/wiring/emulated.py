"""The emulated stand: nothing to solder. Its two crystals differ, as two real ones do."""

from .standard import WIRES as WIRES

NAME = "emulated"
KIND = "emulated"
CONTROLLER_PPM = 18.0
RIG_PPM = -23.0
