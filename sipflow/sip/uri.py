"""URIs: SIP and SIPS taken apart, every other scheme opaque (RFC 3261 section 19.1)."""

from __future__ import annotations

import ipaddress
import re
from typing import Final
from urllib.parse import quote, unquote

from sipflow.errors import ProtocolError
from sipflow.values import dataclass, replace

UriParameters = tuple[tuple[str, str | None], ...]
"""Parameters in their order: name and value as written (escapes kept), None for a flag."""

UriHeaders = tuple[tuple[str, str], ...]
"""Embedded headers in their order, as written (escapes kept)."""


class UriError(ProtocolError):
    """Text that is no URI."""


# Every quantifier is possessive: each character class ends where the next part can start, so that nothing is gained by
# giving back, and hostile text costs one pass. User and password take more than RFC 3261 allows (UTF-8, for one).
_HOST: Final = r"\[[0-9A-Fa-f:.]++\]|[A-Za-z0-9._\-]++"
_SIP_URI: Final = re.compile(
    r"(?P<scheme>[Ss][Ii][Pp][Ss]?):"
    r'(?:(?P<user>[^\x00-\x20\x7f<>"@:]++)(?::(?P<password>[^\x00-\x20\x7f<>"@]*+))?+@)?'
    rf"(?P<host>{_HOST})(?::(?P<port>[0-9]{{1,5}}))?+"
    r'(?P<parameters>(?:;[^\x00-\x20\x7f<>";?]*+)*+)'
    r'(?:\?(?P<headers>[^\x00-\x20\x7f<>"]*+))?+'
)
_OTHER_URI: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*+):([^\x00-\x20\x7f<>]*+)")

_UNRESERVED: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.!~*'()")
_ESCAPE: Final = re.compile("%([0-9A-Fa-f]{2})")

_NEVER_IGNORED: Final = ("user", "ttl", "method", "maddr", "transport")
"""Parameters that two equal URIs have both or neither (RFC 3261 section 19.1.4, its rules and its examples)."""


def escape_user(text: str) -> str:
    """Text as the user part of a SIP URI, with everything escaped that may not stand there (RFC 3261 section 25.1)."""
    return quote(text, safe="-_.!~*'()&=+$,;?/", errors="surrogateescape")


def escape_header(text: str) -> str:
    """Text as the value of a header embedded in a SIP URI (hvalue of RFC 3261 section 25.1)."""
    return quote(text, safe="-_.!~*'()[]/?:+$", errors="surrogateescape")


def unescape(text: str) -> str:
    """Text with its %-escapes resolved; bytes that are no UTF-8 come as surrogates, broken escapes stay as they are."""
    return unquote(text, errors="surrogateescape")


@dataclass(frozen=True, slots=True)
class SipUri:
    """A SIP or SIPS URI (RFC 3261 section 19.1.1); `str` gives back what was parsed."""

    scheme: str
    """`sip` or `sips`."""
    user: str | None
    """As written, escapes kept; None when there is no `@`."""
    password: str | None
    """As written, escapes kept; None when there is none."""
    host: str
    """As written, without brackets when it is IPv6."""
    port: int | None = None
    """0-65535; None when the default of the transport applies."""
    parameters: UriParameters = ()
    headers: UriHeaders = ()

    def __str__(self) -> str:
        parameters = "".join(f";{name}" if value is None else f";{name}={value}" for name, value in self.parameters)
        headers = "&".join(f"{name}={value}" for name, value in self.headers)
        return f"{self.scheme}:{self._userinfo()}{self.host_port}{parameters}{'?' if headers else ''}{headers}"

    def _userinfo(self) -> str:
        if self.user is None:
            return ""
        return f"{self.user}@" if self.password is None else f"{self.user}:{self.password}@"

    @property
    def host_port(self) -> str:
        """`host[:port]` as it is written in a URI, IPv6 in brackets."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port is None else f"{host}:{self.port}"

    def parameter(self, name: str) -> str | None:
        """Value of a parameter whatever its case; empty text for one without value, None when it is absent."""
        name = name.lower()
        return next((value or "" for key, value in self.parameters if key.lower() == name), None)

    def without_headers(self) -> SipUri:
        """The same URI as it may stand in a request line (RFC 3261 section 19.1.5)."""
        return replace(self, headers=()) if self.headers else self

    def equivalent(self, other: SipUri | OtherUri) -> bool:
        """Whether both name the same resource (RFC 3261 section 19.1.4)."""
        return (
            isinstance(other, SipUri)
            and self.scheme == other.scheme
            and self.port == other.port
            and _comparable_host(self.host) == _comparable_host(other.host)
            and _comparable(self.user) == _comparable(other.user)
            and _comparable(self.password) == _comparable(other.password)
            and _equal_parameters(self, other)
            and _comparable_headers(self) == _comparable_headers(other)
        )


@dataclass(frozen=True, slots=True)
class OtherUri:
    """A URI of another scheme (tel, urn, http, …): its text is not looked into."""

    scheme: str
    """As written."""
    opaque: str
    """Everything after the colon."""

    def __str__(self) -> str:
        return f"{self.scheme}:{self.opaque}"

    def equivalent(self, other: SipUri | OtherUri) -> bool:
        """Same text; only the case of the scheme does not count."""
        return isinstance(other, OtherUri) and (self.scheme.lower(), self.opaque) == (
            other.scheme.lower(),
            other.opaque,
        )


def parse_uri(text: str) -> SipUri | OtherUri:
    """Read a URI without its angle brackets; UriError when it is none."""
    match = _SIP_URI.fullmatch(text)
    if match is not None:
        return _sip_uri(match)
    other = _OTHER_URI.fullmatch(text)
    if other is None:
        raise UriError(f"not a URI: {text[:80]!r}")
    if other[1].lower() in ("sip", "sips"):
        raise UriError(f"not a SIP URI: {text[:80]!r}")
    return OtherUri(other[1], other[2])


def check_uri(text: str) -> None:
    """UriError unless `parse_uri` would read the text; cheaper, for those who need no parts."""
    match = _SIP_URI.fullmatch(text)
    if match is None or (match[5] and int(match[5]) > 65_535):
        parse_uri(text)


def _sip_uri(match: re.Match[str]) -> SipUri:
    scheme, user, password, host, port, parameters, headers = match.groups()
    if port is not None and int(port) > 65_535:
        raise UriError(f"port {port} is more than 65535")
    return SipUri(
        scheme.lower(),
        user,
        password,
        host[1:-1] if host[0] == "[" else host,
        None if port is None else int(port),
        _read_parameters(parameters) if parameters else (),
        _read_headers(headers) if headers else (),
    )


def _read_parameters(text: str) -> UriParameters:
    """Parameters of `;a=b;c`; empty ones are dropped, as phones write a `;` too many."""
    parts = (part.partition("=") for part in text.split(";") if part)
    return tuple((name, value if equals else None) for name, equals, value in parts)


def _read_headers(text: str) -> UriHeaders:
    parts = (part.partition("=") for part in text.split("&") if part)
    return tuple((name, value) for name, _, value in parts)


def _comparable(text: str | None) -> str | None:
    """Text in which equal things look equal: only reserved characters keep their escapes."""
    return None if text is None else _ESCAPE.sub(_resolve_unreserved, text)


def _resolve_unreserved(match: re.Match[str]) -> str:
    character = chr(int(match[1], 16))
    return character if character in _UNRESERVED else match[0].upper()


def _comparable_host(host: str) -> str:
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return host.lower()


def _equal_parameters(one: SipUri, other: SipUri) -> bool:
    ours, theirs = _comparable_parameters(one), _comparable_parameters(other)
    if any((name in ours) != (name in theirs) for name in _NEVER_IGNORED):
        return False
    return all(ours[name] == theirs[name] for name in ours.keys() & theirs.keys())


def _comparable_parameters(uri: SipUri) -> dict[str, str]:
    pairs = ((_comparable(name) or "", _comparable(value) or "") for name, value in uri.parameters)
    return {name.lower(): value.lower() for name, value in pairs}


def _comparable_headers(uri: SipUri) -> list[tuple[str, str]]:
    return sorted((unescape(name).lower(), unescape(value)) for name, value in uri.headers)


def same_uri(one: str, other: str) -> bool:
    """Whether two texts are URIs of the same resource (RFC 3261 section 19.1.4)."""
    if one == other:
        return True
    try:
        return parse_uri(one).equivalent(parse_uri(other))
    except UriError:
        return False
