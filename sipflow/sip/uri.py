"""URIs: SIP and SIPS taken apart, every other scheme opaque (RFC 3261 section 19.1)."""

from __future__ import annotations

from dataclasses import dataclass

from sipflow.errors import ProtocolError


class UriError(ProtocolError):
    """Text that is no URI."""


@dataclass(frozen=True, slots=True)
class SipUri:
    scheme: str
    """`sip` or `sips`."""
    user: str | None
    """As written, escapes kept; None when there is no `@`."""
    password: str | None
    host: str
    """As written, without brackets when it is IPv6."""
    port: int | None = None
    parameters: tuple[tuple[str, str | None], ...] = ()
    headers: tuple[tuple[str, str], ...] = ()

    def parameter(self, name: str) -> str | None:
        """Value of a parameter; empty text for one without value, None when it is absent."""
    def equivalent(self, other: SipUri | OtherUri) -> bool:
        """RFC 3261 section 19.1.4."""
    def without_headers(self) -> SipUri: ...


@dataclass(frozen=True, slots=True)
class OtherUri:
    scheme: str
    opaque: str

    def equivalent(self, other: SipUri | OtherUri) -> bool: ...


def parse_uri(text: str) -> SipUri | OtherUri:
    """Read a URI; UriError when it is none."""
    raise NotImplementedError
