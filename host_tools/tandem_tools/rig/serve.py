"""One emulated stand behind two TCP ports: `python -m tandem_tools.rig.serve`, until Ctrl-C or SIGTERM.

Prints one line of JSON when both boards can be reached: {"controller": [host, port], "rig": [host, port]}. Ports of
labgrid's exporter are these (docs/labgrid.md); `socket://HOST:PORT` is what pyserial and mpremote call them.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import signal
import threading
from collections.abc import Mapping

from .running import emulated
from .tcp_port import TcpPort
from .wiring import load_wiring


def serve(paths: Mapping[str, str], host: str, ports: Mapping[str, int], stop: threading.Event) -> None:
    """Serve serial ports (name -> path) on TCP ports (name -> number, 0 for any), say which, and wait for `stop`."""
    with contextlib.ExitStack() as ending:
        served: dict[str, tuple[str, int]] = {}
        for name, path in paths.items():
            port = TcpPort(path, host, ports.get(name, 0))
            ending.callback(port.close)
            served[name] = (port.host, port.port)
        print(json.dumps(served), flush=True)
        stop.wait()


def main() -> None:
    """Read the command line and serve."""
    words = argparse.ArgumentParser(prog="python -m tandem_tools.rig.serve", description=__doc__)
    words.add_argument("--stand", default="emulated", help="a wiring file of an emulated stand (%(default)s)")
    words.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    words.add_argument("--controller-port", type=int, default=0, help="TCP port of the controller; 0: any free one")
    words.add_argument("--rig-port", type=int, default=0, help="TCP port of the rig; 0: any free one")
    given = words.parse_args()
    stop = threading.Event()
    for ending in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(ending, lambda *_: stop.set())
    wiring = load_wiring(given.stand)
    if wiring.kind != "emulated":
        words.error(f"stand {given.stand} is real: labgrid's exporter serves its ports with ser2net (docs/labgrid.md)")
    with emulated(wiring) as (_, ports):
        paths = {"controller": ports.controller, "rig": ports.rig}
        serve(paths, given.host, {"controller": given.controller_port, "rig": given.rig_port}, stop)


if __name__ == "__main__":
    main()
