"""Dialogs: the state that two user agents share (RFC 3261 section 12)."""

from __future__ import annotations

from sipflow.sip.headers import HeaderError, NameAddr
from sipflow.sip.hop import Hop
from sipflow.sip.message import Message, Request, Response
from sipflow.sip.responses import with_tag
from sipflow.sip.uri import SipUri, UriError, parse_uri

DialogKey = tuple[str, str, str]
"""Call-ID, local tag, remote tag."""


class Dialog:
    """One dialog as its local side sees it."""

    __slots__ = (
        "_identity",
        "_next_hop",
        "_request_uri",
        "call_id",
        "fallback",
        "key",
        "local",
        "local_cseq",
        "local_tag",
        "remote",
        "remote_cseq",
        "remote_tag",
        "remote_target",
        "route_set",
    )

    def __init__(self, call_id: str, local: str, local_tag: str, remote: str, remote_tag: str) -> None:
        self.call_id = call_id
        self.local = local
        """From of our requests, with tag."""
        self.local_tag = local_tag
        self.remote = remote
        """To of our requests, with its tag if it has one."""
        self.remote_tag = remote_tag
        self.key: DialogKey = (call_id, local_tag, remote_tag)
        self.local_cseq = 0
        """Number of our latest request."""
        self.remote_cseq = -1
        """Number of the peer's latest request, -1 before its first."""
        self.route_set: tuple[str, ...] = ()
        """Values of the Route headers, next hop first."""
        self.remote_target = ""
        self.fallback: Hop | None = None
        """Where the peer was heard: the way back when the names and addresses that it gives lead nowhere."""
        self._identity: str | None = None
        self._request_uri = ""
        self._next_hop = ""

    @property
    def request_uri(self) -> str:
        """Request-URI of requests in this dialog (section 12.2.1.1)."""
        if self._identity is None:
            self._prepare()
        return self._request_uri

    @property
    def identity(self) -> str:
        """Route, From, To and Call-ID lines of requests in this dialog."""
        return self._identity or self._prepare()

    @property
    def next_hop(self) -> str:
        """URI of where requests in this dialog go first."""
        if self._identity is None:
            self._prepare()
        return self._next_hop

    def next_cseq(self) -> int:
        """Number for a new request."""
        self.local_cseq += 1
        return self.local_cseq

    def accepts(self, request: Request) -> bool:
        """Whether a request comes in order; its number is remembered then (section 12.2.2)."""
        number = request.cseq.number
        if number < self.remote_cseq:
            return False
        self.remote_cseq = number
        return True

    def refresh_target(self, message: Message) -> None:
        """Take the Contact of a target refresh request or of its 2xx as the new remote target."""
        contact = contact_uri(message)
        if contact and contact != self.remote_target:
            self.remote_target = contact
            self._identity = None

    def confirm(self, response: Response) -> None:
        """Take over what the 2xx says: its route set and target replace those of the early dialog (13.2.2.4)."""
        route_set = _reversed_route_set(response)
        if route_set != self.route_set:
            self.route_set = route_set
            self._identity = None
        self.refresh_target(response)

    def _prepare(self) -> str:
        self._request_uri, routes, self._next_hop = _routed(self.route_set, self.remote_target)
        lines = "".join([f"Route: {route}\r\n" for route in routes])
        self._identity = f"{lines}From: {self.local}\r\nTo: {self.remote}\r\nCall-ID: {self.call_id}\r\n"
        return self._identity


def dialog_of_response(response: Response, request_uri: str) -> Dialog:
    """The dialog that a response to our INVITE makes (section 12.1.2), or would make if it had no Contact."""
    headers = response.headers
    dialog = Dialog(
        response.call_id, headers.get("From") or "", response.from_tag, headers.get("To") or "", response.to_tag
    )
    dialog.local_cseq = response.cseq.number
    dialog.route_set = _reversed_route_set(response)
    dialog.remote_target = contact_uri(response) or request_uri
    return dialog


def _reversed_route_set(response: Response) -> tuple[str, ...]:
    headers = response.headers
    return tuple(reversed(headers.values("Record-Route"))) if "Record-Route" in headers else ()


def dialog_of_request(request: Request, local_tag: str, source: Hop) -> Dialog:
    """The dialog that a received INVITE makes once it is answered (section 12.1.1)."""
    headers = request.headers
    local = with_tag(headers.get("To") or "", local_tag)
    dialog = Dialog(request.call_id, local, local_tag, headers.get("From") or "", request.from_tag)
    dialog.remote_cseq = request.cseq.number
    dialog.route_set = tuple(headers.values("Record-Route")) if "Record-Route" in headers else ()
    dialog.remote_target = contact_uri(request) or request.from_.uri
    dialog.fallback = source
    return dialog


def dialog_key(request: Request) -> DialogKey:
    """Key of the dialog that a received request belongs to."""
    return request.call_id, request.to_tag, request.from_tag


def contact_uri(message: Message) -> str:
    """URI of the first Contact, empty when there is none that can be read."""
    value = message.headers.get("Contact")
    if value is None:
        return ""
    try:
        return NameAddr.parse_many(value)[0].uri if "," in value else NameAddr.parse(value).uri
    except (HeaderError, IndexError):
        return ""


def contact_uris(response: Response) -> tuple[str, ...]:
    """URIs of all Contacts of a redirection, most wanted first (section 20.10: q from 0 to 1, 1 when absent)."""
    try:
        contacts = NameAddr.parse_many(response.headers.get_all("Contact"))
    except HeaderError:
        return ()
    return tuple(contact.uri for contact in sorted(contacts, key=_preference, reverse=True))


def _preference(contact: NameAddr) -> float:
    try:
        return float(contact.parameter("q") or 1)
    except ValueError:
        return 0.0


def _routed(route_set: tuple[str, ...], target: str) -> tuple[str, tuple[str, ...], str]:
    """Request-URI, Route values and the URI of the next hop, loose or strict routing (section 12.2.1.1)."""
    if not route_set:
        return target, (), target
    first = _route_uri(route_set[0])
    if first is None or first.parameter("lr") is not None:
        return target, route_set, str(first) if first else target
    return str(first.without_headers()), (*route_set[1:], f"<{target}>"), str(first)


def _route_uri(route: str) -> SipUri | None:
    try:
        uri = parse_uri(NameAddr.parse(route).uri)
    except (HeaderError, UriError):
        return None
    return uri if isinstance(uri, SipUri) else None
