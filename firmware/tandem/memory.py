"""Memory on a board is scarce: what is seldom needed is loaded when it is, and thrown out again."""

import sys


def forget(names: "tuple[str, ...]") -> None:
    """Throw modules out of memory: nobody may hold anything of them any more. Names are those below `tandem`."""
    for name in names:
        name = "tandem." + name
        package, _, module = name.rpartition(".")
        if sys.modules.pop(name, None) is not None and package in sys.modules:
            delattr(sys.modules[package], module)
