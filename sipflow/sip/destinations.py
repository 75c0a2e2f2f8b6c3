"""Where a request goes: what a URI says about it (RFC 3261 section 8.1.2, RFC 3263 section 4)."""

from __future__ import annotations

import functools
import ipaddress

from sipflow.sip.hop import Hop, NameQuery, Transport
from sipflow.sip.uri import SipUri, UriError, parse_uri


@functools.lru_cache(maxsize=4096)
def locate(uri: str) -> Hop | NameQuery | str:
    """The hop that a SIP URI names, what a name service has to be asked, or why the URI leads nowhere.

    `localhost` is 127.0.0.1. A `maddr` parameter wins over the host (RFC 3261 section 19.1.1).
    """
    try:
        parsed = parse_uri(uri)
    except UriError as error:
        return str(error)
    if not isinstance(parsed, SipUri):
        return f"a {parsed.scheme}: URI says nothing about where to send it; a proxy would know"
    transport = _transport(parsed)
    if isinstance(transport, str) and not isinstance(transport, Transport):
        return transport
    secure = parsed.scheme.lower() == "sips"
    address = _literal(parsed.parameter("maddr") or parsed.host)
    if address is None:
        return NameQuery(parsed.host, parsed.port, transport, secure)
    chosen = transport or (Transport.TLS if secure else Transport.UDP)
    return Hop(address, chosen.default_port if parsed.port is None else parsed.port, chosen)


def is_made_up(host: str) -> bool:
    """Whether a name exists only to be unique, as WebSocket clients make them (RFC 7118 section 5, RFC 2606)."""
    return host.lower().rstrip(".").endswith(".invalid")


def wants_transport(uri: str) -> bool:
    """Whether a URI says itself which transport is to be used."""
    try:
        parsed = parse_uri(uri)
    except UriError:
        return False
    return isinstance(parsed, SipUri) and bool(parsed.parameter("transport"))


def _transport(uri: SipUri) -> Transport | str | None:
    """What the `transport` parameter says, None without one, a text when we do not speak it."""
    value = (uri.parameter("transport") or "").lower()
    if not value:
        return None
    if value not in _KNOWN:
        return f"transport {value} is none that can be used here"
    transport = Transport(value)
    return _OVER_TLS.get(transport, transport) if uri.scheme.lower() == "sips" else transport


_KNOWN = frozenset(Transport)
_OVER_TLS = {Transport.TCP: Transport.TLS, Transport.WS: Transport.WSS}
"""`sips:` asks for TLS, and its `transport` parameter names what is below (RFC 3261 section 26.2.2)."""


def _literal(host: str) -> str | None:
    if host.lower() == "localhost":
        return "127.0.0.1"
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return None
    return host.strip("[]")
