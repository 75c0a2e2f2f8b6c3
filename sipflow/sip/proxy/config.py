"""The fixed part of a proxy: where it listens, what it answers for, and how it behaves."""

from __future__ import annotations

from sipflow import __version__
from sipflow.sip.config import Listener
from sipflow.sip.hop import Hop, Transport
from sipflow.sip.timers import TimerProfile
from sipflow.sip.uri import OtherUri, SipUri
from sipflow.values import dataclass, field


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who may register and call."""

    name: str
    """User part of the address of record, and user name of the digest."""
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ProxyConfig:
    """Everything that a proxy is told before its first message."""

    name: str
    """What people call it; it never goes on the wire."""
    realm: str
    """The domain whose users register here; also what a challenge names."""
    listeners: tuple[Listener, ...]
    """Where it is reached, the preferred place first."""
    users: tuple[User, ...] = ()
    """Who has to prove who they are; empty: nobody has to, and only the own machine is served."""
    record_route: bool = True
    """Whether requests inside dialogs come through here as well."""
    minimum_expires_s: int = 0
    """Shorter registrations are refused with 423."""
    default_expires_s: int = 3600
    """For contacts that do not say how long they are good."""
    maximum_expires_s: int = 86_400
    """Longer registrations are shortened."""
    timer_c_s: float = 181.0
    """How long an INVITE may ring without news; more than three minutes (RFC 3261 section 16.6 step 11)."""
    wallclock_at_zero: float | None = None
    """Seconds since 1970 when the machine's clock stands at 0, for the Date header; None: no Date."""
    server: str = f"sipflow/{__version__}"
    largest_datagram: int = 1300
    """Bytes beyond which a request goes by TCP although UDP was meant (RFC 3261 section 18.1.1)."""
    timers: TimerProfile = field(default_factory=TimerProfile)
    trace: bool = True
    """Whether every message is reported (SipSent, SipReceived)."""
    max_server_transactions: int = 100_000
    """Received requests that are remembered at the same time; beyond it a new one is dropped unanswered."""

    def listener_for(self, hop: Hop) -> Listener:
        """The own address that a peer there sees: of its transport and address family, as far as there is one."""
        family = [one for one in self.listeners if (":" in one.host) is (":" in hop.host)] or self.listeners
        for listener in family:
            if listener.transport is hop.transport:
                return listener
        return Listener(hop.transport, family[0].host, family[0].port)

    def serves(self, uri: SipUri | OtherUri) -> bool:
        """Whether the URI's domain is the proxy's own: its realm, or an address where it listens."""
        if not isinstance(uri, SipUri):
            return False
        if uri.host.lower() == self.realm.lower():
            return uri.port is None or any(uri.port == listener.port for listener in self.listeners)
        return self.listens_at(uri)

    def is_domain(self, uri: SipUri | OtherUri) -> bool:
        """Whether an address of record of that domain may be kept here: `serves`, or the host without the port where it
        listens, which phones that know their server by an address leave out of the address of record."""
        if not isinstance(uri, SipUri):
            return False
        return self.serves(uri) or (uri.port is None and any(uri.host == one.host for one in self.listeners))

    def listens_at(self, uri: SipUri) -> bool:
        """Whether the URI names an address where it listens."""
        host = "127.0.0.1" if uri.host.lower() == "localhost" else uri.host.lower()
        port = _default_port(uri) if uri.port is None else uri.port
        return any((host, port) == (listener.host.lower(), listener.port) for listener in self.listeners)


def _default_port(uri: SipUri) -> int:
    name = (uri.parameter("transport") or ("tls" if uri.scheme == "sips" else "udp")).lower()
    return Transport(name).default_port if name in frozenset(Transport) else 5060
