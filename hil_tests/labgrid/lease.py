"""Reserve a stand for one command, and give it back afterwards, also those of runs that died.

    lease.py run board=rp2040_pico -- pytest hil_tests --lg-env hil_tests/labgrid/stand.yaml
    lease.py recover

labgrid keeps reservations and locks; this only calls labgrid-client in the right order. Each run is a user of its own,
named NAME.PID.START: two runs of one person cannot enter each other's stand, and a lock tells whether its run lives.
labgrid keeps a lock when its owner's connection breaks, so that a stand is not taken from a run that is only cut off.
"""

from __future__ import annotations

import argparse
import getpass
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

CLIENT = str(Path(sys.executable).with_name("labgrid-client"))
ANSWER_S = 30
"""For the coordinator's answer to anything but waiting."""
WAIT_SLICE_S = 20
"""A waiting reservation lives for 60 s from one question about it to the next."""
NOT_LEASED = 3
OWNER = re.compile(r"(?P<name>.+)\.(?P<pid>\d+)\.(?P<start>\d+)")


class NotLeased(Exception):
    """No stand could be had, or it was lost before the end; the message says why."""


def client(*words: str, deadline_s: float = ANSWER_S) -> str:
    """Run labgrid-client and return what it printed. Raises NotLeased, and TimeoutExpired after `deadline_s`."""
    done = subprocess.run([CLIENT, *words], capture_output=True, text=True, timeout=deadline_s)
    if done.returncode:
        raise NotLeased(f"labgrid-client {' '.join(words)}: {(done.stderr or done.stdout).strip()}")
    return done.stdout


def start_of(pid: int) -> str:
    """Return when a process of this computer began, in the kernel's ticks, or "" when there is none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""


def run(filters: Sequence[str], command: Sequence[str], wait_s: float) -> int:
    """Run a command with a stand that has all tags (TAG=VALUE); return its exit code, 128 + N after signal N.

    Waits up to `wait_s` seconds for a stand to be free. Raises NotLeased when there is none.
    """
    pid = os.getpid()
    os.environ["LG_USERNAME"] = f"{os.environ.get('LG_USERNAME') or getpass.getuser()}.{pid}.{start_of(pid)}"
    with ExitStack() as giving_back:
        token = client("reserve", "--shell", *filters).strip().removeprefix("export LG_TOKEN=")
        giving_back.callback(client, "cancel-reservation", token)
        os.environ["LG_TOKEN"] = token
        began = time.monotonic()
        _wait(token, began + wait_s, filters)
        print(client("-p", "+", "acquire").strip(), f"after {time.monotonic() - began:.1f} s", flush=True)
        giving_back.callback(client, "-p", "+", "release")
        return _carry_out(command)


def _wait(token: str, ends: float, filters: Sequence[str]) -> None:
    while True:
        left = ends - time.monotonic()
        if left <= 0:
            raise NotLeased(f"no stand with {' '.join(filters)} became free; labgrid-client who tells who has them")
        try:
            told = client("wait", token, deadline_s=min(left, WAIT_SLICE_S))
        except subprocess.TimeoutExpired:
            continue
        if "state: allocated" in told:
            return
        raise NotLeased(f"the reservation was not kept: {told.strip()}")


def _carry_out(command: Sequence[str]) -> int:
    """Run a command; a request to end goes on to it, so that the stand is given back in any case."""
    with subprocess.Popen(command) as running:
        for ending in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(ending, lambda number, _: running.send_signal(number))
        signal.signal(signal.SIGINT, lambda *_: None)  # Ctrl-C reaches the command by itself
        code = running.wait()
    return code if code >= 0 else 128 - code


def recover() -> None:
    """Free the places, and cancel the reservations, of runs of this computer that are gone; say what stays."""
    here = os.environ.get("LG_HOSTNAME") or socket.gethostname()
    for line in client("who").splitlines()[1:]:
        user, host, place = line.split()[:3]
        why_kept = _why_kept(user, host, here)
        if why_kept:
            print(f"{place} stays with {host}/{user}: {why_kept}")
            continue
        client("-p", place, "release-from", f"{host}/{user}")
        print(f"{place} freed from {host}/{user}, which is gone")
    reserved = re.findall(r"Reservation '(\w+)':\n\s+owner: (\S+)/(\S+)", client("reservations"))
    for token, host, user in reserved:
        if not _why_kept(user, host, here):
            client("cancel-reservation", token)
            print(f"reservation {token} of {host}/{user} cancelled")


def _why_kept(user: str, host: str, here: str) -> str:
    """Return why a user's places are left alone, or "" when its run was one of this computer and is gone."""
    owner = OWNER.fullmatch(user)
    if host != here:
        return f"it is of {host}; run recover there, or labgrid-client -p PLACE release --kick"
    if owner is None:
        return "it was not reserved by lease.py; labgrid-client -p PLACE release --kick frees it"
    return "its run goes on" if start_of(int(owner["pid"])) == owner["start"] else ""


def main() -> int:
    """Read the command line; return the command's exit code, 3 when no stand could be had or kept to the end."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    actions = words.add_subparsers(dest="action", required=True)
    usage = "%(prog)s [-h] [--wait-s S] TAG=VALUE ... -- COMMAND"
    running = actions.add_parser("run", help="run a command with a stand", usage=usage)
    running.add_argument("--wait-s", type=float, default=3600, help="longest wait for a free stand (%(default)s)")
    running.add_argument("filters", nargs="+", metavar="TAG=VALUE", help="what the stand has to be")
    actions.add_parser("recover", help="free the stands of runs that died on this computer")
    at = sys.argv.index("--") if "--" in sys.argv else len(sys.argv)
    given, command = words.parse_args(sys.argv[1:at]), sys.argv[at + 1 :]
    try:
        if given.action == "run":
            if not command:
                words.error("say what to run after --")
            return run(given.filters, command, given.wait_s)
        recover()
    except (NotLeased, subprocess.TimeoutExpired) as error:
        print(f"lease: {error}", file=sys.stderr)
        return NOT_LEASED
    return 0


if __name__ == "__main__":
    sys.exit(main())
