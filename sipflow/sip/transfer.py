"""Transfer: REFER, the NOTIFYs of its implicit subscription, and Replaces (RFC 3515, RFC 3891, RFC 5589)."""

from __future__ import annotations

from sipflow.errors import MisuseError
from sipflow.events import TransferAccepted, TransferProgressed, TransferRejected, TransferRequested
from sipflow.sip.call import Call, CallState
from sipflow.sip.core import INDIFFERENT, Core
from sipflow.sip.dialog import Dialog
from sipflow.sip.headers import HeaderError, ReferTo, Replaces, StatusLine, SubscriptionState, reason_phrase
from sipflow.sip.message import Message, Request, Response
from sipflow.sip.requests import HeaderFields, Templates, with_headers
from sipflow.sip.transaction import ClientTransaction, ServerTransaction
from sipflow.sip.uri import SipUri, UriError, parse_uri

_SIPFRAG = "message/sipfrag"
_EXPIRES_S = 60
"""Lifetime in seconds of the implicit subscription that our NOTIFYs announce."""


class SentRefer:
    """A REFER of ours: its response; NOTIFYs come as requests of the dialog."""

    __slots__ = ("_call", "_core")

    def __init__(self, core: Core, call: Call) -> None:
        self._core = core
        self._call = call

    def send(self, refer_to: str, now: float, headers: HeaderFields = ()) -> None:
        """REFER in the call's dialog; `refer_to` is the whole header value."""
        dialog = self._call.dialog
        referred_by = f"Referred-By: <{_uri_of(dialog.local)}>\r\n"

        def lines(templates: Templates) -> str:
            return with_headers(f"{templates.dialog_request}Refer-To: {refer_to}\r\n{referred_by}", headers)

        self._core.send_in_dialog("REFER", dialog, self, self._call.id, now, lines)

    def response_received(self, transaction: ClientTransaction, response: Response, now: float) -> None:
        """Accepted or not; how far the transfer comes is told by NOTIFY."""
        code = response.status_code
        if 200 <= code < 300:
            self._core.emit(TransferAccepted(self._call.id, code, subscribed=not _wants_no_subscription(response)))
        elif code >= 300:
            self._core.emit(TransferRejected(self._call.id, code, response.reason_phrase))

    def request_failed(self, transaction: ClientTransaction | None, code: int, reason: str, now: float) -> None:
        """No answer to the REFER."""
        self._core.emit(TransferRejected(self._call.id, code, reason))


class ReceivedRefer:
    """A REFER that was accepted: what it asks for, and the subscription by which its sender learns the outcome.

    The subscription lives on when the call ends: a transferor may hang up as soon as its REFER is accepted.
    """

    __slots__ = ("_call", "_core", "_dialog", "_event", "_over", "refer_to", "referred_by")

    def __init__(self, core: Core, call: Call, request: Request, refer_to: ReferTo) -> None:
        self._core = core
        self._call = call.id
        self._dialog: Dialog = call.dialog
        self._event = f"refer;id={request.cseq.number}"
        self._over = _wants_no_subscription(request)
        self.refer_to = refer_to
        self.referred_by = request.headers.get("Referred-By") or ""

    def notify(self, code: int, reason: str, now: float) -> None:
        """Send how far the new call is; a final code ends the subscription (RFC 3515 section 2.4.5)."""
        if self._over:
            return
        self._over = code >= 200
        state = "terminated;reason=noresource" if self._over else f"active;expires={_EXPIRES_S}"
        body = f"SIP/2.0 {code} {reason or reason_phrase(code)}\r\n".encode("utf-8", "surrogateescape")

        def lines(templates: Templates) -> str:
            return (
                f"{templates.dialog_request}Event: {self._event}\r\nSubscription-State: {state}\r\n"
                f"Content-Type: {_SIPFRAG};version=2.0\r\n"
            )

        self._core.send_in_dialog("NOTIFY", self._dialog, INDIFFERENT, self._call, now, lines, body)


def refer_to_dialog(other: Call) -> str:
    """Refer-To value that asks to take the place of our side in `other` (RFC 3891 section 4).

    To the receiver its own tag is the to-tag: what is remote for us is local there.
    """
    dialog = other.dialog
    if other.state is not CallState.ESTABLISHED:
        raise MisuseError(f"call {other.id} is {other.state}: only an established call can be replaced")
    replaces = Replaces(dialog.call_id, to_tag=dialog.remote_tag, from_tag=dialog.local_tag)
    return str(ReferTo(_without_headers(dialog.remote_target), replaces))


def receive_refer(core: Core, call: Call, transaction: ServerTransaction, request: Request, now: float) -> None:
    """REFER in a call: 202, a first NOTIFY, and the user decides when it is followed."""
    values, to = request.headers.get_all("Refer-To"), call.dialog.local
    try:
        refer_to = ReferTo.parse(values[0]) if len(values) == 1 else None
    except HeaderError:
        refer_to = None
    if refer_to is None:
        transaction.reply(now, 400, "Bad Refer-To", to, core.templates.response)
        return
    unsubscribed = "Refer-Sub: false\r\n" if _wants_no_subscription(request) else ""
    lines = core.templates_for(transaction.destination).contact + unsubscribed + core.templates.response
    transaction.reply(now, 202, None, to, lines)
    call.refer = ReceivedRefer(core, call, request, refer_to)
    call.refer.notify(100, "", now)
    core.emit(TransferRequested(call.id, refer_to.uri, str(refer_to.replaces or "")))


def _wants_no_subscription(message: Message) -> bool:
    """Whether a REFER, or its answer, leaves out the NOTIFYs (RFC 4488 section 4)."""
    return (message.headers.get("Refer-Sub") or "").partition(";")[0].strip().lower() == "false"


def is_refer_notification(request: Request) -> bool:
    """Whether a NOTIFY belongs to a REFER."""
    return (request.headers.get("Event") or "").partition(";")[0].strip().lower() == "refer"


def receive_notification(core: Core, call: Call, transaction: ServerTransaction, request: Request, now: float) -> None:
    """NOTIFY of our REFER: how far the transfer is."""
    try:
        status = StatusLine.parse(request.body)
        state = SubscriptionState.parse(request.headers.get("Subscription-State") or "active")
    except HeaderError as error:
        transaction.reply(now, 400, _reason(error), call.dialog.local, core.templates.response)
        return
    transaction.reply(now, 200, None, call.dialog.local, core.templates.response)
    core.emit(TransferProgressed(call.id, status.code, status.code >= 200 or state.state == "terminated"))


def _reason(error: HeaderError) -> str:
    """An error's text as a reason phrase: one line of printable ASCII."""
    return "".join([letter for letter in str(error) if letter.isascii() and letter.isprintable()])[:80]


def _uri_of(name_addr: str) -> str:
    return name_addr.partition("<")[2].partition(">")[0] or name_addr.partition(";")[0]


def _without_headers(uri: str) -> str:
    try:
        parsed = parse_uri(uri)
    except UriError:
        return uri
    return str(parsed.without_headers()) if isinstance(parsed, SipUri) else uri
