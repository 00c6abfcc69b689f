"""Memory on a board is scarce: what is seldom needed is loaded when it is, and thrown out again."""

import gc
import sys

OFTEN_BYTES = 16384
_ON_BOARD = sys.implementation.name == "micropython"


def collect(often: bool) -> None:
    """Collect garbage now, and from now on often, or only when memory is full: that is from the first arming on.

    A collection takes up to 50 ms, longer than permits wait; and calls of functions with many variables, which take
    memory and give it back, would bring one into a burst. But collected only when memory is full, garbage reaches
    everywhere, and what stays lies strewn among it; some of it for ever, see `erase`.
    """
    gc.collect()
    if _ON_BOARD:
        gc.threshold(OFTEN_BYTES if often else -1)


def forget(names: "tuple[str, ...]") -> None:
    """Throw modules out of memory, as soon as nobody holds anything of them. Names are those below `tandem`."""
    for name in names:
        name = "tandem." + name
        package, _, module = name.rpartition(".")
        if sys.modules.pop(name, None) is not None and package in sys.modules:
            delattr(sys.modules[package], module)


def erase(names: "tuple[str, ...]") -> None:
    """Throw modules out of memory at once: on a board what somebody still holds of them does not work any more.

    MicroPython's collector takes any word on the stack and in machine code for an address; one that happens to point
    into a module keeps all that the module names, and with it whole packages. So the modules are emptied.
    """
    for name in names:
        module = sys.modules.get("tandem." + name)
        if module is not None and _ON_BOARD:
            module.__dict__.clear()
    forget(names)
