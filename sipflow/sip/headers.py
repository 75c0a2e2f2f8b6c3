"""Typed header values (RFC 3261 section 20): frozen, `parse`, `parse_many`, `str`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sipflow.errors import ProtocolError

Parameters = tuple[tuple[str, str | None], ...]
"""Parameters in their order: name as written, value as written (quotes kept), None for a flag."""

REASON_PHRASES: dict[int, str] = {}


class HeaderError(ProtocolError):
    """A header value that does not follow its grammar, or a missing header."""


def reason_phrase(code: int) -> str:
    """The RFC's phrase for a status code; the phrase of its class for an unknown one."""
    raise NotImplementedError


def split_list(text: str, separator: str = ",") -> list[str]:
    """Split at separators outside quoted strings and angle brackets."""
    raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Via:
    transport: str
    host: str
    """Without brackets when it is IPv6."""
    port: int | None = None
    parameters: Parameters = ()

    @classmethod
    def parse(cls, text: str) -> Via: ...
    @classmethod
    def parse_many(cls, texts: str | Iterable[str]) -> list[Via]: ...
    @property
    def sent_by(self) -> str:
        """host[:port] as written, host in lower case."""
    @property
    def branch(self) -> str:
        """Empty when there is none."""
    @property
    def received(self) -> str | None: ...
    @property
    def rport(self) -> int | None:
        """The number that a server filled in; None when absent or not filled in yet."""
    @property
    def wants_rport(self) -> bool:
        """Whether the parameter is there at all (RFC 3581)."""
    @property
    def response_target(self) -> tuple[str, int]:
        """Where a response goes (RFC 3261 section 18.2.2, RFC 3581 section 4)."""
    def parameter(self, name: str) -> str | None: ...
    def with_parameter(self, name: str, value: str | None) -> Via:
        """Replace in place or append."""


@dataclass(frozen=True, slots=True)
class NameAddr:
    """From, To, Contact, Refer-To, Route, Record-Route."""

    uri: str
    display_name: str = ""
    """Without quotes and escapes."""
    parameters: Parameters = ()

    @classmethod
    def parse(cls, text: str) -> NameAddr: ...
    @classmethod
    def parse_many(cls, texts: str | Iterable[str]) -> list[NameAddr]: ...
    @property
    def tag(self) -> str | None: ...
    def parameter(self, name: str) -> str | None: ...
    def with_parameter(self, name: str, value: str | None) -> NameAddr: ...
    def with_tag(self, tag: str) -> NameAddr: ...


@dataclass(frozen=True, slots=True)
class CSeq:
    number: int
    method: str

    @classmethod
    def parse(cls, text: str) -> CSeq: ...


@dataclass(frozen=True, slots=True)
class Replaces:
    call_id: str
    to_tag: str
    from_tag: str
    early_only: bool = False

    @classmethod
    def parse(cls, text: str) -> Replaces: ...


@dataclass(frozen=True, slots=True)
class ReferTo:
    """Target of a REFER with the headers embedded in its URI (RFC 3515, RFC 3891)."""

    uri: str
    """Without the embedded headers."""
    replaces: Replaces | None = None
    headers: tuple[tuple[str, str], ...] = ()
    """Other embedded headers, unescaped."""
    display_name: str = ""

    @classmethod
    def parse(cls, text: str) -> ReferTo: ...


@dataclass(frozen=True, slots=True)
class StatusLine:
    """Status line of a message/sipfrag body (RFC 3420): `SIP/2.0 200 OK`."""

    code: int
    reason: str

    @classmethod
    def parse(cls, text: str | bytes) -> StatusLine: ...


@dataclass(frozen=True, slots=True)
class SubscriptionState:
    """RFC 6665 section 4.1.3."""

    state: str
    """active, pending, terminated (lower case)."""
    parameters: Parameters = ()

    @classmethod
    def parse(cls, text: str) -> SubscriptionState: ...
    @property
    def expires(self) -> int | None: ...
    @property
    def reason(self) -> str | None: ...


@dataclass(frozen=True, slots=True)
class RetryAfter:
    seconds: int
    comment: str = ""
    parameters: Parameters = ()

    @classmethod
    def parse(cls, text: str) -> RetryAfter: ...
