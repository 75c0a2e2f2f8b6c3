"""The session description in a body, whether it stands there alone or among others (RFC 2046 section 5.1, RFC 5621)."""

from __future__ import annotations

from typing import Final

from sipflow.multipart import find_part
from sipflow.sip.headers import HeaderError, parse_parameters, unquote_string
from sipflow.sip.message import Message, Request

CONTENT_TYPE: Final = "application/sdp"
SDP_LINE: Final = f"Content-Type: {CONTENT_TYPE}\r\n"
ACCEPT_LINE: Final = f"Accept: {CONTENT_TYPE}, multipart/mixed\r\n"

_SDP_RANGES: Final = frozenset((CONTENT_TYPE, "application/*", "*/*"))


def session_description(message: Message) -> bytes:
    """The session description of a message; empty when it has none."""
    if not message.body or message.content_type == CONTENT_TYPE:
        return message.body
    return find_description(message.headers.get("Content-Type") or "", message.body)


def is_described(message: Message) -> bool:
    """Whether a message has a session description."""
    return bool(session_description(message))


def is_understood(message: Message) -> bool:
    """Whether a body is no reason for 415 (RFC 3261 sections 8.2.3 and 20.11): a session description, several parts,
    of which the scenario may want those that we do not know, or something that may be ignored."""
    kind = message.content_type
    if not message.body or kind == CONTENT_TYPE or kind.startswith("multipart/"):
        return True
    disposition = (message.headers.get("Content-Disposition") or "").partition(";")[2]
    return _parameter(disposition, "handling").lower() == "optional"


def accepts_descriptions(request: Request) -> bool:
    """Whether a session description may be in the response (RFC 3261 sections 20.1 and 21.4.7); without an Accept it
    may."""
    if "Accept" not in request.headers:
        return True
    ranges = [value.partition(";")[0].strip(" \t").lower() for value in request.headers.values("Accept")]
    return not _SDP_RANGES.isdisjoint(ranges)


def find_description(content_type: str, body: bytes) -> bytes:
    """The session description in a body of that type; empty when there is none."""
    return find_part(content_type, body, CONTENT_TYPE) or b""


def _parameter(parameters: str, name: str) -> str:
    """Value of one of a header's parameters, empty when there is none or they cannot be read."""
    try:
        values = {key.lower(): value for key, value in parse_parameters(f";{parameters}" if parameters else "")}
    except HeaderError:
        return ""
    return unquote_string(values.get(name) or "")
