"""The fixed part of a user agent: who it is and how it behaves."""

from __future__ import annotations

from sipflow import __version__
from sipflow.sip.digest import Algorithm, Login
from sipflow.sip.hop import Transport
from sipflow.sip.timers import TimerProfile
from sipflow.values import dataclass, field

METHODS = (
    "INVITE", "ACK", "CANCEL", "BYE", "OPTIONS", "INFO", "MESSAGE", "NOTIFY", "REFER", "PRACK", "UPDATE",
)  # fmt: skip
"""What a user agent answers with anything but 405, in the order of its Allow header."""


@dataclass(frozen=True, slots=True)
class Listener:
    """A place where an agent is reached."""

    transport: Transport
    host: str
    """Address literal without brackets."""
    port: int

    @property
    def host_port(self) -> str:
        """`host:port` as URIs and Via write it."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def contact_uri(self, user: str) -> str:
        """The URI that leads there; UDP is what a URI means that names no transport."""
        address = f"sip:{user}@{self.host_port}" if user else f"sip:{self.host_port}"
        return address if self.transport is Transport.UDP else f"{address};transport={self.transport}"


@dataclass(frozen=True, slots=True)
class Demanded:
    """What everybody has to prove who sends a request to an agent (RFC 7616)."""

    realm: str
    login: Login
    algorithm: Algorithm = Algorithm.MD5
    qop: tuple[str, ...] = ("auth",)


@dataclass(frozen=True, slots=True)
class SessionTimerConfig:
    """How long a session lasts that nobody refreshes (RFC 4028)."""

    expires_s: int
    """Session-Expires that is asked for."""
    refresher: str = ""
    """Who is asked to refresh: `local`, `remote`; empty: as the peer likes it."""
    min_se_s: int = 90
    """The shortest interval that is accepted."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who places one call, in the place of the user that a user agent is configured with. Its Contact stays the user
    agent's: that is where it is reached, whoever calls."""

    uri: str
    """Address of record for From."""
    login: Login | None
    """Answers challenges of all requests of the call; None: they are the outcome of the request."""


@dataclass(frozen=True, slots=True)
class UserAgentConfig:
    """Everything that a user agent is told before its first message."""

    name: str
    """What people call it; it never goes on the wire."""
    user: str
    """User part of its Contact and, without `from_uri`, of its address of record."""
    host: str
    """Address literal where it is reachable: Via, Contact, Call-ID."""
    port: int
    transport: Transport = Transport.UDP
    """By which `host` and `port` are reached."""
    also: tuple[Listener, ...] = ()
    """Where else it listens."""
    display_name: str = ""
    from_uri: str | None = None
    """Address of record for From; None: user, host and port."""
    headers: tuple[tuple[str, str], ...] = ()
    """Header fields on every request; those of its own that have the same name give way."""
    user_agent: str = f"sipflow/{__version__}"
    outbound_proxy: str = ""
    """URI of the hop that gets all requests outside of dialogs; empty: each goes where its own URI says."""
    registrar: str = ""
    """URI of the REGISTER requests; empty: the host of the address of record."""
    login: Login | None = None
    """Answers challenges (401, 407); None: they are the outcome of the request."""
    challenge: Demanded | None = None
    """With what every request that comes is challenged; None: none is."""
    largest_datagram: int = 1300
    """Bytes beyond which a request goes by TCP although UDP was meant (RFC 3261 section 18.1.1), unless its URI asks
    for UDP by name."""
    timers: TimerProfile = field(default_factory=TimerProfile)
    provisional: str = "supported"
    """Whether provisional responses are acknowledged (RFC 3262): `off`, `supported` (when the peer requires it) or
    `required` (always, and of the peer, too)."""
    session_timer: SessionTimerConfig | None = None
    """None: sessions last until somebody ends them, and `timer` is no extension that is known."""
    accepts: frozenset[str] = frozenset()
    """Methods of requests that are answered with 200 although a phone refuses them: REGISTER, SUBSCRIBE, PUBLISH."""
    trace: bool = True
    """Whether every message is reported (SipSent, SipReceived)."""
    allow: tuple[str, ...] = METHODS
    max_calls: int = 100_000
    """Calls at the same time beyond which an INVITE is answered with 503."""
    max_server_transactions: int = 500_000
    """Received requests that are remembered at the same time; beyond it a new one is dropped unanswered."""
    ended_sessions_kept: int = 1000
    """How many calls that are over can still be asked for with `session`."""

    @property
    def extensions(self) -> tuple[str, ...]:
        """Option tags of what it can do, in the order of its Supported header."""
        reliable = ("100rel",) if self.provisional != "off" else ()
        timer = ("timer",) if self.session_timer is not None else ()
        return ("replaces", "norefersub", *reliable, *timer)

    @property
    def listeners(self) -> tuple[Listener, ...]:
        """Where it listens, the preferred place first."""
        return (Listener(self.transport, self.host, self.port), *self.also)

    @property
    def takes_subscriptions(self) -> bool:
        """Whether a SUBSCRIBE outside of calls is accepted; else it is answered with 489."""
        return "SUBSCRIBE" in self.accepts

    @property
    def contact_uri(self) -> str:
        """Where requests inside a dialog reach this agent."""
        return self.listeners[0].contact_uri(self.user)
