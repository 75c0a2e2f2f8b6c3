"""Requests that are no machinery of a call: those the user sends, and the default answers to those that come."""

from __future__ import annotations

import itertools

from sipflow.errors import MisuseError
from sipflow.events import RequestReceived, ResponseReceived
from sipflow.sip import subscription
from sipflow.sip.bodies import ACCEPT_LINE
from sipflow.sip.call import Call
from sipflow.sip.core import Core
from sipflow.sip.exchange import Exchange, Lines, Outgoing
from sipflow.sip.message import Request, Response
from sipflow.sip.requests import HeaderFields, Templates, with_headers
from sipflow.sip.responses import with_tag
from sipflow.sip.subscription import Role
from sipflow.sip.transaction import ClientTransaction, ClientUser, ServerTransaction
from sipflow.sip.uri import UriError, check_uri
from sipflow.sip.written_update import WrittenUpdate

_CALL_METHODS = frozenset({"INVITE", "ACK", "CANCEL"})
_WITHOUT_CONTACT = frozenset({"MESSAGE", "INFO", "BYE"})
"""RFC 3428 section 4 forbids a Contact in MESSAGE, the others have no use for it."""


_BINDING = frozenset({"Contact", "Expires"})
"""What a REGISTER that is accepted gets back: as if it were the only one (RFC 3261 section 10.3 step 8)."""


class UserRequest:
    """A request that the user of the agent sent, until its final response."""

    __slots__ = ("_call", "_core", "_method", "_number", "exchange")

    def __init__(self, core: Core, number: int, method: str, call: str | None) -> None:
        self._core = core
        self._number = number
        self._method = method
        self._call = call
        self.exchange: Exchange | None = None
        """What carries it; knows why a challenge was not answered."""

    def response_received(self, transaction: ClientTransaction, response: Response, now: float) -> None:
        """Only the final response counts."""
        if response.status_code >= 200:
            headers, body = tuple(response.headers.items()), _text(response.body)
            reason = response.reason_phrase if self.exchange is None else self.exchange.reason_of(response)
            self._report(response.status_code, reason, headers, body)

    def request_failed(self, transaction: ClientTransaction | None, code: int, reason: str, now: float) -> None:
        """No final response: a local one takes its place (RFC 3261 section 8.1.3.1)."""
        self._report(code, reason, (), "")

    def _report(self, code: int, reason: str, headers: tuple[tuple[str, str], ...], body: str) -> None:
        self.exchange = None  # it refers to us
        event = ResponseReceived(self._call, self._number, self._method, code, reason, headers, body)
        self._core.emit(event)


def stray_response(response: Response) -> ResponseReceived:
    """A response to nothing that was sent as a request: to raw text."""
    headers, body = tuple(response.headers.items()), _text(response.body)
    method = response.cseq.method
    return ResponseReceived(None, 0, method, response.status_code, response.reason_phrase, headers, body)


def check_method(method: str, call: str | None) -> None:
    """MisuseError for what has a command of its own."""
    if method in _CALL_METHODS or (method == "BYE" and call is not None):
        raise MisuseError(f"{method} is sent by invite, answer and release, not as a request of its own")


def send_in_call(
    core: Core, user: UserRequest, method: str, call: Call, lines: tuple[HeaderFields, str], body: bytes, now: float
) -> None:
    """Send a request in a call's dialog."""
    if not call.is_live or not call.dialog.remote_tag:
        raise MisuseError(f"call {call.id} has no dialog for {method}: it is {call.state}")
    listener: ClientUser = WrittenUpdate(core, call, user, body, lines[1]) if method == "UPDATE" else user
    user.exchange = core.send_in_dialog(method, call.dialog, listener, call.id, now, _lines(method, *lines), body)


def send_outside(
    core: Core, user: UserRequest, method: str, target: str, lines: tuple[HeaderFields, str], body: bytes, now: float
) -> None:
    """Send a request outside of calls (RFC 3261 section 8.1.1); SUBSCRIBE and NOTIFY may have a subscription."""
    try:
        check_uri(target)
    except UriError as error:
        raise MisuseError(str(error)) from None
    written = _lines(method, *lines)
    if method == "SUBSCRIBE":
        subscription.subscribe(core, user, target, lines[0], written, body, now)
        return
    subscribed = subscription.find(core, Role.NOTIFIER, target, lines[0]) if method == "NOTIFY" else None
    if subscribed is not None:
        subscription.notify(core, subscribed, user, lines[0], written, body, now)
        return
    numbers = itertools.count(1)
    first_hop, routes = core.way_out(target)
    who = f"From: {core.templates.local};tag={core.ids.tag()}\r\nTo: <{target}>\r\n"
    identity = f"{routes}{who}Call-ID: {core.ids.call_id()}\r\n"
    request = Outgoing(method, target, identity, written, numbers.__next__, body)
    user.exchange = Exchange(core, request, user, None)
    user.exchange.start(first_hop, None, now)


def _lines(method: str, headers: HeaderFields, content_type: str) -> Lines:
    with_headers("", headers)  # what cannot be written is refused now, not when a name was looked up
    described = f"Content-Type: {content_type}\r\n" if content_type else ""

    def lines(templates: Templates) -> str:
        template = templates.request if method in _WITHOUT_CONTACT else templates.dialog_request
        return with_headers(template + described, headers)

    return lines


def answer_by_default(
    core: Core, call: Call | None, transaction: ServerTransaction, request: Request, now: float
) -> None:
    """Answer what needs no decision of the user, and tell that it came (section 8.2)."""
    welcome = request.method in core.config.accepts
    code = 200 if welcome else _default_code(core, request.method, call is not None)
    templates = core.templates_for(transaction.destination)
    lines = templates.response
    if code == 405:
        lines = templates.allow + lines
    elif request.method == "SUBSCRIBE" and code == 200:
        lines = f"{templates.dialog_response}Expires: {subscription.expires_of(request)}\r\n"
    elif request.method == "OPTIONS":
        lines = templates.dialog_response + ACCEPT_LINE
    elif request.method == "REGISTER" and welcome:
        lines += "".join([f"{name}: {value}\r\n" for name, value in request.headers.items() if name in _BINDING])
    headers, body = tuple(request.headers.items()), _text(request.body)
    to = with_tag(request.headers.get("To") or "", core.ids.tag())
    transaction.reply(now, code, None, to, lines)
    core.emit(RequestReceived(None if call is None else call.id, request.method, headers, body, code))


def _default_code(core: Core, method: str, in_dialog: bool) -> int:
    if method in ("OPTIONS", "MESSAGE"):
        return 200
    if method in ("INFO", "NOTIFY"):
        return 200 if in_dialog else 481
    if method == "REFER":
        return 603
    return {"SUBSCRIBE": 489, "PRACK": 481, "BYE": 481}.get(method, 405)


def _text(body: bytes) -> str:
    return body.decode("utf-8", "replace")
