"""Where a SIP message goes or came from: one address, by one transport (RFC 3261 section 18, RFC 7118)."""

from __future__ import annotations

import enum
from typing import NamedTuple

from sipflow.values import dataclass


class Transport(enum.StrEnum):
    """How messages travel, by the word that the `transport` parameter of a URI and `listen` use."""

    UDP = "udp"
    TCP = "tcp"
    TLS = "tls"
    WS = "ws"
    WSS = "wss"

    @property
    def reliable(self) -> bool:
        """Whether it repeats what was lost by itself, so that transactions need not."""
        return self is not Transport.UDP

    @property
    def secure(self) -> bool:
        """Whether it runs over TLS."""
        return self in (Transport.TLS, Transport.WSS)

    @property
    def via(self) -> str:
        """Its name in a Via header."""
        return self.value.upper()

    @property
    def default_port(self) -> int:
        """The port of a URI that names none (RFC 3261 section 19.1.2, RFC 7118 section 8 by RFC 6455 section 3)."""
        return _DEFAULT_PORTS[self]


_DEFAULT_PORTS = {
    Transport.UDP: 5060,
    Transport.TCP: 5060,
    Transport.TLS: 5061,
    Transport.WS: 80,
    Transport.WSS: 443,
}


class Hop(NamedTuple):
    """One place that messages are sent to or come from."""

    host: str
    """Address literal without brackets."""
    port: int
    transport: Transport = Transport.UDP
    name: str = ""
    """The domain that led to the address: what a certificate has to be for. Empty: the address itself."""
    connection: int = 0
    """Number of the connection that a message came over, unique in the run; 0 for none. What is sent to a hop with a
    number goes over that connection while it is open, and else over one to host and port."""

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.transport}:{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class NameQuery:
    """The part of a URI that a name service has to turn into addresses (RFC 3263 section 4)."""

    host: str
    port: int | None
    """As the URI says it; with a port there are no SRV look-ups."""
    transport: Transport | None
    """As the URI says it; None leaves it to NAPTR and SRV."""
    secure: bool = False
    """`sips:`: only transports over TLS will do."""
