"""Responses as text, and where they go (RFC 3261 sections 8.2.6 and 18.2, RFC 3581)."""

from __future__ import annotations

import re
from contextlib import suppress

from sipflow.sip.headers import HeaderError, name_addr_tag, reason_phrase, split_list
from sipflow.sip.hop import Hop
from sipflow.sip.message import MessageError, Request
from sipflow.values import dataclass

_RPORT_FLAG = re.compile(r";\s*rport\s*=?\s*(?=;|$)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Answerable:
    """What is kept of a request so that it can be answered once more."""

    echo: str
    """Header lines that its responses copy."""
    to: str
    destination: Hop


def echo(request: Request, source: Hop) -> str:
    """The header lines that every response copies from its request, without To; the top Via tells the source.

    Record-Route is for responses that make a dialog (section 12.1.1), and does no harm in others.
    """
    headers = request.headers
    vias = headers.get_all("Via")
    vias[0] = with_source(request, vias[0], source)
    lines = "".join([f"Via: {via}\r\n" for via in vias])
    if "Record-Route" in headers:
        lines += "".join([f"Record-Route: {route}\r\n" for route in headers.get_all("Record-Route")])
    return f"{lines}From: {headers.get('From')}\r\nCall-ID: {request.call_id}\r\nCSeq: {headers.get('CSeq')}\r\n"


def response_destination(request: Request, source: Hop) -> Hop:
    """Where a response is sent (section 18.2.2): over the connection that the request came by, and with UDP back to
    the source port when the client asked for that by rport.

    `maddr` is not followed: it serves multicast, and would let a stranger aim our responses at somebody else.
    """
    via = request.via
    if source.transport.reliable or via.wants_rport:
        return source
    return Hop(source.host, via.port or 5060)


def write_response(code: int, reason: str | None, head: str, to: str, lines: str = "", body: bytes = b"") -> bytes:
    """A response as bytes; `head` from `echo`, `lines` whole header lines."""
    phrase = reason_phrase(code) if reason is None else reason
    text = f"SIP/2.0 {code} {phrase}\r\n{head}To: {to}\r\n{lines}Content-Length: {len(body)}\r\n\r\n"
    return text.encode("utf-8", "surrogateescape") + body


def refusal(error: MessageError, source: Hop, tag: str, lines: str = "") -> tuple[bytes, Hop] | None:
    """The response to a request that could not be read, and where it goes; None when it is to be dropped.

    What it copies it copies as it came, so that who sent it finds the mistake; what was not there is not made up.
    """
    request = error.partial
    if error.status_code is None or not isinstance(request, Request):
        return None
    reason = "Bad Request" if error.status_code == 400 else None
    head = "".join([f"{name}: {value}\r\n" for name, value in _copied(request, source)])
    try:
        destination = response_destination(request, source)
    except HeaderError:
        destination = source
    to = _with_tag_if_readable(request.headers.get("To") or "", tag)
    return write_response(error.status_code, reason, head, to, lines), destination


def _copied(request: Request, source: Hop) -> list[tuple[str, str]]:
    vias = request.headers.get_all("Via")
    with suppress(HeaderError):
        vias[0] = with_source(request, vias[0], source)
    rest = [(name, request.headers.get(name)) for name in ("From", "Call-ID", "CSeq")]
    return [*(("Via", via) for via in vias), *((name, value) for name, value in rest if value is not None)]


def _with_tag_if_readable(to: str, tag: str) -> str:
    try:
        return with_tag(to, tag)
    except HeaderError:
        return to


def with_source(request: Request, value: str, source: Hop) -> str:
    """The top Via as written, with `received` where it is due (18.2.1) and `rport` filled in where it was asked for."""
    via = request.via
    first, rest = value, ""
    if "," in value:
        values = split_list(value)
        first, rest = values[0], "".join([f", {other}" for other in values[1:]])
    wants_rport = via.wants_rport
    if wants_rport:
        first = _RPORT_FLAG.sub(f";rport={source[1]}", first, count=1)
    if (wants_rport or via.host != source[0]) and via.received is None:
        first += f";received={source[0]}"
    return first + rest


def with_tag(to: str, tag: str) -> str:
    """A To value with our tag; one that came with a tag stays as it is."""
    return to if ";" in to and name_addr_tag(to) else f"{to};tag={tag}"
