"""Requests as text: one f-string for the usual header lines, room for what a test wants to say differently."""

from __future__ import annotations

from collections.abc import Iterable

from sipflow.errors import MisuseError
from sipflow.sip.config import Listener, UserAgentConfig
from sipflow.sip.headers import is_token, quote_string
from sipflow.sip.hop import Hop, Transport

HeaderFields = Iterable[tuple[str, str]]

_MACHINE_OWNED = frozenset({"via", "v", "cseq", "call-id", "i", "content-length", "l"})
"""Without these as written by the machine no response would find its way back to it."""

_TEMPLATE_NAMES = frozenset({"max-forwards", "user-agent", "contact", "allow", "supported", "content-type", "server"})


def header_lines(headers: HeaderFields) -> str:
    """Whole header lines; MisuseError for what would break the message apart."""
    return "".join([_line(name, value) for name, value in headers])


def _line(name: str, value: str) -> str:
    if not is_token(name):
        raise MisuseError(f"{name!r} is no header name")
    if name.lower() in _MACHINE_OWNED:
        raise MisuseError(f"{name} is written by the user agent; send a raw message to choose it")
    return f"{name}: {one_line(value, name)}\r\n"


def one_line(text: str, name: str) -> str:
    """The text as it is; MisuseError when it would start another line of the message."""
    if "\r" in text or "\n" in text:
        raise MisuseError(f"the value of {name} has a line break in it")
    return text


def with_headers(template: str, headers: HeaderFields) -> str:
    """The template's lines followed by `headers`; lines of the template that have one of their names are left out."""
    headers = tuple(headers)
    if not headers:
        return template
    given = {name.lower() for name, _ in headers} & _TEMPLATE_NAMES
    if given:
        kept = [line for line in template.splitlines(True) if line.partition(":")[0].lower() not in given]
        template = "".join(kept)
    return template + header_lines(headers)


_IDENTITY = {"from": "From", "f": "From", "to": "To", "t": "To", "call-id": "Call-ID", "i": "Call-ID"}


def split_identity(headers: HeaderFields) -> tuple[dict[str, str], list[tuple[str, str]]]:
    """From, To and Call-ID that somebody wants for a request outside of dialogs, by these names, and all other
    fields; MisuseError for what cannot be written."""
    given, others = {}, []
    for name, value in headers:
        known = _IDENTITY.get(name.lower())
        if known is None:
            others.append((name, value))
        else:
            given[known] = one_line(value, name)
    if not given.get("Call-ID", "x") or " " in given.get("Call-ID", ""):
        raise MisuseError(f"{given['Call-ID']!r} is no Call-ID")
    with_headers("", others)
    return given, others


class Templates:
    """Lines that are the same in every message of one user agent by one transport, made once."""

    __slots__ = ("allow", "contact", "dialog_request", "dialog_response", "local", "request", "response", "via")

    def __init__(self, config: UserAgentConfig, transport: Transport, reached_at: Listener) -> None:
        server = f"Server: {config.user_agent}\r\n" if config.user_agent else ""
        client = f"User-Agent: {config.user_agent}\r\n" if config.user_agent else ""
        self.allow = f"Allow: {', '.join(config.allow)}\r\n"
        self.contact = f"Contact: <{reached_at.contact_uri(config.user)}>\r\n"
        abilities = f"{self.contact}{self.allow}Supported: {', '.join(config.extensions)}\r\n"
        self.request = with_headers(f"Max-Forwards: 70\r\n{client}", config.headers)
        self.dialog_request = with_headers(f"Max-Forwards: 70\r\n{abilities}{client}", config.headers)
        self.response = server
        self.dialog_response = abilities + server
        self.via = f"SIP/2.0/{transport.via} {reached_at.host_port};rport;branch="
        name = f"{quote_string(config.display_name)} " if config.display_name else ""
        self.local = f"{name}<{config.from_uri or config.contact_uri}>"
        """From of requests outside dialogs, without tag."""


class Wardrobe:
    """The templates of one user agent, for each transport and address family."""

    __slots__ = ("_config", "_made", "usual")

    def __init__(self, config: UserAgentConfig) -> None:
        self._config = config
        self._made: dict[tuple[Transport, bool], Templates] = {}
        self.usual = self._make(config.transport, ":" in config.host)
        """Those of where it listens first."""

    def of(self, hop: Hop) -> Templates:
        """Those for messages to and from there."""
        return self._made.get((hop.transport, ":" in hop.host)) or self._make(hop.transport, ":" in hop.host)

    def _make(self, transport: Transport, ipv6: bool) -> Templates:
        listeners = self._config.listeners
        same_family = [listener for listener in listeners if (":" in listener.host) is ipv6] or listeners
        fitting = [listener for listener in same_family if listener.transport is transport] or same_family
        made = self._made[transport, ipv6] = Templates(self._config, transport, fitting[0])
        return made


def write_request(
    method: str, uri: str, via: str, branch: str, identity: str, cseq: int, lines: str, body: bytes = b""
) -> bytes:
    """A request as bytes; `identity` holds the Route, From, To and Call-ID lines."""
    text = (
        f"{method} {uri} SIP/2.0\r\nVia: {via}{branch}\r\n{identity}CSeq: {cseq} {method}\r\n"
        f"{lines}Content-Length: {len(body)}\r\n\r\n"
    )
    return text.encode("utf-8", "surrogateescape") + body
