"""A port that ser2net serves by RFC 2217, as our programs use ports: with a write timeout, and changing read timeouts.

pyserial's own `rfc2217://` refuses a write timeout, and sends all settings anew, 50 ms, whenever a timeout changes, of
which the other end never hears. A write that the network does not take raises after the socket's 5 s.
"""

from __future__ import annotations

from typing import Any

from serial import rfc2217


class Serial(rfc2217.Serial):
    """Opens `ser2net://HOST:PORT` with the options of `rfc2217://`."""

    _told: tuple[Any, ...] | None = None

    def open(self) -> None:
        """Connect, and tell all settings. Raises SerialException."""
        self._told = None
        super().open()

    def from_url(self, url: str) -> Any:
        """Return host and port; sets the options."""
        return super().from_url(url.replace("ser2net", "rfc2217", 1))

    def _reconfigure_port(self) -> None:
        settings = (self.baudrate, self.bytesize, self.parity, self.stopbits, self.rtscts, self.xonxoff)
        if settings == self._told:
            return
        write_timeout, self._write_timeout = self._write_timeout, None
        try:
            super()._reconfigure_port()  # type: ignore[attr-defined]
        finally:
            self._write_timeout = write_timeout
        self._told = settings
