"""labgrid's drivers of a stand: each turns the serial port of an acquired place into an address that pyserial opens.

They hold no connection: hil_tests/conftest.py opens the stand with these addresses, as it does with those of a stand
beside it, so that the tests are the same. What can be asked of the boards is tandem_tools.rig's.
"""

from __future__ import annotations

from typing import Any

import attr
from labgrid import target_factory
from labgrid.driver import Driver
from labgrid.resource.remote import RemotePlace
from labgrid.util.proxy import proxymanager
from tandem_tools.rig import serial_urls

serial_urls.register()

RFC2217_OPTIONS = "ign_set_control&timeout=3"
"""ser2net does not answer to each control line; pyserial waits 3 s for those settings that it does answer."""


class BoardDriver(Driver):
    """A board at a port that an exporter serves: raw TCP of an emulated stand, RFC 2217 of ser2net, or a local port."""

    bindings = {"port": {"NetworkSerialPort", "SerialPort"}}  # noqa: RUF012, labgrid reads a plain attribute

    port: Any
    """The resource that labgrid bound."""

    @property
    def url(self) -> str:
        """What `serial.serial_for_url` opens. Raises ValueError for a protocol that is neither raw nor rfc2217.

        Reached through an SSH tunnel when the exporter or LG_PROXY asks for one, made on first use.
        """
        port = self.port
        protocol = getattr(port, "protocol", None)
        if protocol is None:
            return port.port
        host, number = proxymanager.get_host_and_port(port)
        if protocol == "raw":
            return f"socket://{host}:{number}"
        if protocol == "rfc2217":
            return f"ser2net://{host}:{number}?{RFC2217_OPTIONS}"
        raise ValueError(f"the port {port.name} has protocol {protocol!r}: let the exporter say raw or rfc2217")


@target_factory.reg_driver
@attr.s(eq=False)
class TandemControllerDriver(BoardDriver):
    """The controller under test."""


@target_factory.reg_driver
@attr.s(eq=False)
class TandemRigDriver(BoardDriver):
    """The Pico that plays the room and the lasers.

    `wiring`: the stand's file in hil_tests/wiring; without it the place's tag `wiring`, without that "emulated".
    """

    wiring: str = attr.ib(default="", converter=str)

    @property
    def wiring_name(self) -> str:
        """Which file of hil_tests/wiring tells how the stand is wired."""
        assert self.target is not None
        places = [found for found in self.target.resources if isinstance(found, RemotePlace)]
        tags = [place.tags.get("wiring", "") for place in places]
        return self.wiring or next(filter(None, tags), "emulated")
