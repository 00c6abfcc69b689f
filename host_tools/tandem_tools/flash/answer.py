"""Waits for a board that was reset, and asks its console who answers: Tandem, or the rig's program."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping

import serial

from .errors import BoardLost, OtherProgram
from .ports import port_with
from .program import KINDS, TANDEM, Kind

BACK_TIMEOUT_S = 30.0
ASK_AGAIN_S = 2.0


def wait_for(
    port: str, kind: Kind = TANDEM, serial_number: str = "", timeout_s: float = BACK_TIMEOUT_S
) -> dict[str, str]:
    """Return the fields of the reply to `version` (tandem, hash, ...; rig, program, ...) and `port`, where it is now.

    :param kind: the program that has to answer.
    :param serial_number: of its USB device, by which it is found again under another port; "" for the same port.
    :raises OtherProgram: when a rig answers in place of a controller, or the reverse.
    :raises BoardLost: when nothing comes back, or what comes back is neither.
    """
    deadline = time.monotonic() + timeout_s
    heard = b""
    while time.monotonic() < deadline:
        now_at = port_with(serial_number, port)
        try:
            with serial.serial_for_url(now_at, timeout=0.1, write_timeout=ASK_AGAIN_S, exclusive=True) as line:
                while time.monotonic() < deadline:
                    heard += _ask(line, min(deadline, time.monotonic() + ASK_AGAIN_S))
                    fields = version_fields(heard)
                    if fields:
                        _check_kind(now_at, kind, fields)
                        return {**fields, "port": now_at}
                    if b"\n>>> " in heard:
                        raise BoardLost(_not_started(now_at, kind, heard))
        except (serial.SerialException, OSError):
            time.sleep(0.2)  # the port is gone until the board has started
    raise BoardLost(_silent(port, kind, heard, timeout_s))


def version_fields(heard: bytes) -> dict[str, str]:
    """Return the fields of the last complete `OK tandem=... hash=...` or `OK rig=... program=...` line, or nothing."""
    lines = [line for line in heard.decode(errors="replace").splitlines(keepends=True) if line.endswith("\n")]
    starts = tuple(f"OK {key}=" for key in KINDS)
    replies = [line.strip() for line in lines if line.startswith(starts)]
    return dict(re.findall(r'(\w+)=("[^"]*"|\S+)', replies[-1])) if replies else {}


def kind_of(fields: Mapping[str, str]) -> Kind | None:
    """Return which program gave these fields of a reply to `version`, None for neither."""
    return next((kind for key, kind in KINDS.items() if key in fields), None)


def _check_kind(port: str, kind: Kind, fields: Mapping[str, str]) -> None:
    found = kind_of(fields)
    if found is not None and found is not kind:
        raise OtherProgram(
            f"{found.title} {fields[found.key]} answers at {port}, not {kind.title}: the ports of controller and rig "
            "are swapped; give the other one"
        )


def _ask(line: serial.Serial, until: float) -> bytes:
    """Ask once for the version and return what is heard until an answer or the time."""
    line.write(b"\rversion\r")
    heard = b""
    while time.monotonic() < until and not version_fields(heard) and b"\n>>> " not in heard:
        heard += line.read(256)
    return heard


def _not_started(port: str, kind: Kind, heard: bytes) -> str:
    words = heard.decode(errors="replace")
    reasons = re.findall(r"^\w*(?:Error|Exception|Interrupt)\b.*$", words, re.MULTILINE)
    reason = next((r.strip() for r in reasons if "version" not in r), "its reason was given before anybody listened")
    return (
        f"the files are on the board at {port}, but {kind.title} did not start ({reason}): "
        f"mpremote connect {port} resume exec 'import main' shows where"
    )


def _silent(port: str, kind: Kind, heard: bytes, timeout_s: float) -> str:
    if heard.strip():
        return f"what the board at {port} said in {timeout_s:g} s is not {kind.title}: {heard[-80:]!r}"
    return (
        f"the files are on the board at {port}, but it did not answer within {timeout_s:g} s of its reset: "
        f"connect it anew and run {kind.command} again"
    )
