"""Where a request goes: the address in a URI, as far as it needs no name service (RFC 3261 section 8.1.2)."""

from __future__ import annotations

import functools
import ipaddress

from sipflow.sip.uri import SipUri, UriError, parse_uri


@functools.lru_cache(maxsize=4096)
def destination_of(uri: str) -> tuple[str, int] | None:
    """Address and port that a SIP URI names; None when it is a host name, another scheme, or no URI.

    `localhost` is 127.0.0.1. A `maddr` parameter wins over the host (section 19.1.1).
    """
    try:
        parsed = parse_uri(uri)
    except UriError:
        return None
    if not isinstance(parsed, SipUri):
        return None
    address = _literal(parsed.parameter("maddr") or parsed.host)
    return None if address is None else (address, 5060 if parsed.port is None else parsed.port)


def _literal(host: str) -> str | None:
    if host.lower() == "localhost":
        return "127.0.0.1"
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return None
    return host.strip("[]")
