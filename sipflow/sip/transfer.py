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
from sipflow.sip.timers import Timer
from sipflow.sip.transaction import ClientTransaction, ServerTransaction
from sipflow.sip.uri import SipUri, UriError, parse_uri
from sipflow.sip.warning import reason_with_warnings

_SIPFRAG = "message/sipfrag"
_EXPIRES_S = 60
"""Lifetime in seconds of the implicit subscription that our NOTIFYs announce."""


class SentRefer:
    """A REFER of ours: its response, and the subscription that it makes; NOTIFYs come as requests of the dialog.

    The subscription is a usage of the dialog of its own (RFC 5057 section 4.2): a BYE ends the call, and the dialog
    goes on until the NOTIFY that is final, or until nobody would send one any more.
    """

    __slots__ = ("_call", "_core", "_cseq", "_lasts_until", "_timer", "is_open")

    def __init__(self, core: Core, call: Call) -> None:
        self._core = core
        self._call = call
        self._cseq = -1
        self._lasts_until = 0.0
        self._timer: Timer | None = None
        self.is_open = False
        """Whether a NOTIFY may still come."""

    def send(self, refer_to: str, now: float, headers: HeaderFields = ()) -> None:
        """REFER in the call's dialog; `refer_to` is the whole header value."""
        dialog = self._call.dialog
        referred_by = f"Referred-By: <{_uri_of(dialog.local)}>\r\n"

        def lines(templates: Templates) -> str:
            return with_headers(f"{templates.dialog_request}Refer-To: {refer_to}\r\n{referred_by}", headers)

        self._call.sent_refer = self
        self.is_open = True
        self._core.send_in_dialog("REFER", dialog, self, self._call.id, now, lines)

    def response_received(self, transaction: ClientTransaction, response: Response, now: float) -> None:
        """Accepted or not; how far the transfer comes is told by NOTIFY."""
        code = response.status_code
        if 200 <= code < 300:
            subscribed = not _wants_no_subscription(response)
            self._tell(TransferAccepted(self._call.id, code, subscribed=subscribed))
            self._last_until(now + self._core.config.timers.timeout)  # Timer N, RFC 6665 section 4.1.2.4
            if not subscribed:
                self.close(now)
        elif code >= 300:
            self._tell(TransferRejected(self._call.id, code, reason_with_warnings(response)))
            self.close(now)

    def request_failed(self, transaction: ClientTransaction | None, code: int, reason: str, now: float) -> None:
        """No answer to the REFER."""
        self._tell(TransferRejected(self._call.id, code, reason))
        self.close(now)

    def in_order(self, request: Request) -> bool:
        """Whether a NOTIFY is later than those before it.

        When the call is over only these are compared: the BYE that overtook a NOTIFY has the higher number, and a 500
        for that (RFC 3261 section 12.2.2) would lose the outcome for good.
        """
        if request.cseq.number < self._cseq:
            return False
        self._cseq = request.cseq.number
        return True

    def notified(self, code: int, state: SubscriptionState, now: float) -> None:
        """A NOTIFY came: tell it, and know how long the next may take."""
        final = code >= 200 or state.state == "terminated"
        self._tell(TransferProgressed(self._call.id, code, final))
        if final:
            self.close(now)
        elif state.expires is not None:
            self._last_until(now + state.expires)

    def outlive(self, now: float) -> None:
        """The call is over: wait for what is on its way, or will be while the subscription lasts."""
        self._last_until(max(self._lasts_until, now + self._core.config.timers.timeout))

    def close(self, now: float) -> None:
        """No NOTIFY is waited for any more."""
        self._core.timers.cancel(self._timer)
        if self.is_open:
            self.is_open = False
            self._call.refer_is_over(now)

    def _last_until(self, at: float) -> None:
        self._lasts_until = at
        self._core.timers.cancel(self._timer)
        if self.is_open and not self._call.is_live:
            self._timer = self._core.timers.start(at, lambda _, now: self.close(now))

    def _tell(self, event: TransferAccepted | TransferRejected | TransferProgressed) -> None:
        """Nothing is told about a call after its CallReleased."""
        if self._call.state is not CallState.ENDED:
            self._core.emit(event)


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
    package = (request.headers.get("Event") or "").partition(";")[0].strip().lower()
    return request.method == "NOTIFY" and package == "refer"


def receive_notification(core: Core, call: Call, transaction: ServerTransaction, request: Request, now: float) -> None:
    """NOTIFY of our REFER: how far the transfer is."""
    sent = call.sent_refer
    if sent is not None and not sent.in_order(request):
        transaction.reply(now, 500, None, call.dialog.local, core.templates.response)
        return
    try:
        status = StatusLine.parse(request.body)
        state = SubscriptionState.parse(request.headers.get("Subscription-State") or "active")
    except HeaderError as error:
        transaction.reply(now, 400, _reason(error), call.dialog.local, core.templates.response)
        return
    transaction.reply(now, 200, None, call.dialog.local, core.templates.response)
    if sent is not None and sent.is_open:
        sent.notified(status.code, state, now)
    elif call.is_live:
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
