"""The controller as a host sees it through its console."""

from __future__ import annotations

import time

from .errors import NoReply
from .line import LineClient

STATUS_S = 60.0
"""For the answer to `status`, the longest of those asked for often; an emulated board may be slow."""
SERVICE_PIN = "0000"
"""The PIN of a new board (docs/settings.md)."""


class Controller(LineClient):
    """A board with Tandem at a serial port. Methods raise what LineClient raises: NoReply, Refused, PortLost."""

    def ok(self, line: str, deadline_s: float | None = None) -> dict[str, str]:
        """Carry out a command and return the `key=value` words of its OK line."""
        return self.ask(line, deadline_s).fields

    def fields(self, line: str, deadline_s: float | None = None) -> dict[str, str]:
        """Carry out a command and return all `key=value` words of its reply; of those that come twice the first."""
        reply = self.ask(line, deadline_s)
        found: dict[str, str] = {}
        for data in [*reply.data, reply.fields]:
            for key, value in data.items():
                found.setdefault(key, value)
        return found

    @property
    def state(self) -> str:
        """Present state."""
        return self.fields("status", STATUS_S).get("state", "unknown")

    @property
    def fault(self) -> str:
        """Number and name of the present fault, "" without one."""
        found = self.fields("faults")
        return f"{found['fault']} {found['name']}" if found.get("present") == "1" else ""

    def wait_for(self, text: str, deadline_s: float) -> str:
        """Wait for a remark that contains `text`, and return it. Raises NoReply."""
        return self.wait_for_remark(text, deadline_s)

    def heard(self) -> list[str]:
        """Return the remarks that came since the last one that was waited for, and take in what is there."""
        self.drain_remarks()
        return self.remarks[self._told :]

    def wait_for_state(self, *states: str, deadline_s: float) -> str:
        """Ask until the board is in one of these states, and return it. Raises NoReply with the last one seen."""
        ends = time.monotonic() + deadline_s
        while True:
            state = self.state
            if state in states:
                return state
            if time.monotonic() > ends:
                raise NoReply(
                    f"the controller did not come to {' or '.join(states)} within {deadline_s:g} s, it is in "
                    f"{state}; fault: {self.fault or 'none'}"
                )
            time.sleep(0.05)

    def use(self, recipe: str, deadline_s: float = 180) -> dict[str, str]:
        """Take a recipe into use."""
        return self.ok(f"recipe use {recipe}", deadline_s)

    def settle(self, deadline_s: float = 180.0) -> None:
        """Wait until the board has worked off what was typed, and answers again. Raises the last NoReply."""
        ends = time.monotonic() + deadline_s
        while True:
            try:
                self.ask("version")
                return
            except NoReply:
                if time.monotonic() > ends:
                    raise

    def change(self, **settings: str | int) -> None:
        """Change settings by way of SERVICE, and go back to STANDBY."""
        self.ok(f"service {SERVICE_PIN}")
        for name, value in settings.items():
            self.ok(f"set {name} {value}", 60)
        self.ok("standby")
        self.wait_for_state("STANDBY", deadline_s=30)

    def shots(self, deadline_s: float = 180) -> list[dict[str, str]]:
        """Return what `shots` tells of each shot."""
        return [line for line in self.ask("shots", deadline_s).data if "shot" in line]
