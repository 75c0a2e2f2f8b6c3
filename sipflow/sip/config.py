"""The fixed part of a user agent: who it is and how it behaves."""

from __future__ import annotations

from dataclasses import dataclass, field

from sipflow import __version__
from sipflow.sip.timers import TimerProfile

METHODS = ("INVITE", "ACK", "CANCEL", "BYE", "OPTIONS", "INFO", "MESSAGE", "NOTIFY", "REFER")
"""What a user agent answers with anything but 405, in the order of its Allow header."""


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
    display_name: str = ""
    from_uri: str | None = None
    """Address of record for From; None: user, host and port."""
    headers: tuple[tuple[str, str], ...] = ()
    """Header fields on every request; those of its own that have the same name give way."""
    user_agent: str = f"sipflow/{__version__}"
    outbound_proxy: tuple[str, int] | None = None
    """Where requests go that have no route of their own."""
    timers: TimerProfile = field(default_factory=TimerProfile)
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
    def host_port(self) -> str:
        """`host:port` as URIs and Via write it."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def contact_uri(self) -> str:
        """Where requests inside a dialog reach this agent."""
        return f"sip:{self.user}@{self.host_port}" if self.user else f"sip:{self.host_port}"
