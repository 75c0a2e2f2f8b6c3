"""Changing a session: re-INVITE and UPDATE in both directions (RFC 3261 section 14, RFC 3311)."""

from __future__ import annotations

from sipflow.errors import MisuseError
from sipflow.events import CallModified, CallModifyRejected, MediaRefused, RequestReceived
from sipflow.sdp.negotiate import LocalMedia
from sipflow.sip.acknowledgement import Acknowledger, AnswerAwaitingAck
from sipflow.sip.call import Call, CallState
from sipflow.sip.core import Core
from sipflow.sip.exchange import Exchange
from sipflow.sip.message import Message, Request, Response
from sipflow.sip.negotiation import CONTENT_TYPE, SDP_LINE
from sipflow.sip.requests import HeaderFields, Templates, with_headers
from sipflow.sip.timers import Timer
from sipflow.sip.transaction import ClientTransaction, ServerTransaction

_GLARE = 491
_TOO_BRIEF = 422


class Modification:
    """A re-INVITE or UPDATE of ours, with what it takes to try again after glare.

    Without `media` a re-INVITE leaves the offer to the peer, and an UPDATE changes no session. A `quiet` one, which
    refreshes the session timer, is no event unless it fails.
    """

    __slots__ = (
        "_abandoned",
        "_call",
        "_core",
        "_exchange",
        "_headers",
        "_in_flight",
        "_media",
        "_method",
        "_next",
        "_quiet",
        "_retry",
    )

    def __init__(
        self,
        core: Core,
        call: Call,
        media: LocalMedia | None,
        *,
        method: str = "INVITE",
        headers: HeaderFields = (),
        quiet: bool = False,
    ) -> None:
        self._core = core
        self._call = call
        self._media = media
        self._method = method
        self._headers = tuple(headers)
        self._quiet = quiet
        self._exchange: Exchange | None = None
        self._retry: Timer | None = None
        self._next: Modification | None = None
        self._in_flight = False
        self._abandoned = False

    def request(self, now: float) -> None:
        """Begin, or wait for a refresh that is under way; MisuseError while another modification is."""
        current = self._call.modification
        if current is None:
            self._call.modification = self
            self.start(now)
        elif current._quiet and current._next is None:
            current._next = self
        else:
            raise MisuseError(f"call {self._call.id} is being modified already")

    @property
    def has_open_invite(self) -> bool:
        """Whether an INVITE of ours is out; while it waits to be tried again the peer may go first."""
        return self._in_flight and self._method == "INVITE"

    def start(self, now: float) -> None:
        """Send it, unless a 2xx of ours still waits for its ACK: one INVITE at a time (section 14.1)."""
        call = self._call
        if (call.awaiting_ack and self._method == "INVITE") or self._in_flight or self._retry is not None:
            return
        self._in_flight = True
        body = b"" if self._media is None else call.negotiation.offer(self._media)
        timer = call.session_timer

        def lines(templates: Templates) -> str:
            refresh = "" if timer is None else timer.request_lines()
            described = SDP_LINE if body else ""
            return with_headers(f"{templates.dialog_request}{refresh}{described}", self._headers)

        self._exchange = self._core.send_in_dialog(self._method, call.dialog, self, call.id, now, lines, body)

    def abandon(self) -> None:
        """The call is over; an answer that still comes is acknowledged, no more."""
        self._abandoned = True
        self._core.timers.cancel(self._retry)

    def response_received(self, transaction: ClientTransaction, response: Response, now: float) -> None:
        """The peer's verdict."""
        code = response.status_code
        if code < 200:
            return
        self._in_flight = False
        if code < 300:
            self._accepted(transaction, response, now)
        elif self._abandoned:
            return
        elif code == _GLARE:
            self._close_offer()
            self._retry = self._core.timers.start(now + self._glare_wait(), self._try_again)
        elif code == _TOO_BRIEF and self._call.session_timer and self._call.session_timer.take_minimum(response):
            self._close_offer()
            self.start(now)
        else:
            self._rejected(code, response.reason_phrase, now)

    def request_failed(self, transaction: ClientTransaction | None, code: int, reason: str, now: float) -> None:
        """No answer at all."""
        self._in_flight = False
        if not self._abandoned:
            self._rejected(code, reason, now)

    def _accepted(self, transaction: ClientTransaction, response: Response, now: float) -> None:
        call = self._call
        call.dialog.refresh_target(response)
        if self._abandoned:
            self._acknowledge(transaction, response, b"", now)
            return
        before = call.negotiation.params
        answer, problem = self._negotiate(response)
        self._acknowledge(transaction, response, answer, now)
        if self._method == "INVITE":
            call.latest_message = response
        if call.session_timer is not None:
            call.session_timer.accepted(response, now)
        if problem:
            self._core.emit(MediaRefused(call.id, problem))
            self._core.emit(CallModifyRejected(call.id, 488, problem))
        elif not self._quiet or call.negotiation.params != before:
            self._report()
        self._finish(now)

    def _finish(self, now: float) -> None:
        """The next one goes, if one waits."""
        self._call.modification = None
        if self._next is not None and self._call.is_live:
            self._next.request(now)

    def _negotiate(self, response: Response) -> tuple[bytes, str]:
        """Our answer when the offer was the peer's, and what is wrong with the peer's description."""
        negotiation, described = self._call.negotiation, _is_described(response)
        if self._media is not None:
            problem = negotiation.apply(response.body) if described else "the answer has no session description"
            negotiation.close_offer()
            return b"", problem
        if self._method == "UPDATE":
            return b"", ""
        if not described or negotiation.media is None:
            return b"", "the answer has no session description"
        return negotiation.answer(response.body, negotiation.media)

    def _acknowledge(self, transaction: ClientTransaction, response: Response, answer: bytes, now: float) -> None:
        if self._method != "INVITE":
            return
        acknowledger = Acknowledger(self._core, self._call.id, self._exchange)
        acknowledger.acknowledge(transaction, self._call.dialog, response.cseq.number, now, answer)

    def _report(self) -> None:
        call = self._call
        if self._media is not None or self._method == "INVITE":
            call.report_media(early=call.is_early)
        if self._media is None:
            call.report_hold()
        self._core.emit(CallModified(call.id))

    def _rejected(self, code: int, reason: str, now: float) -> None:
        """The session stays as it was; only a peer that knows no such dialog, or is silent, ends it (12.2.1.2)."""
        call = self._call
        self._close_offer()
        self._core.emit(CallModifyRejected(call.id, code, reason))
        if code in (408, 481, 503) and call.state is CallState.ESTABLISHED:
            call.hang_up(now, "timeout" if code == 408 else "error", reason)
        self._finish(now)

    def _close_offer(self) -> None:
        if self._media is not None:
            self._call.negotiation.close_offer()

    def _glare_wait(self) -> float:
        """Seconds to wait after 491: 2.1 to 4 for the owner of the Call-ID, 0 to 2 for the other, in steps of 10 ms."""
        steps = self._core.random.randint(210, 400) if self._call.caller else self._core.random.randint(0, 200)
        return steps / 100

    def _try_again(self, _argument: object, now: float) -> None:
        self._retry = None
        self.start(now)


def _is_described(message: Message) -> bool:
    return bool(message.body) and message.content_type == CONTENT_TYPE


# --- as the receiver ---


def receive_modification(core: Core, call: Call, transaction: ServerTransaction, request: Request, now: float) -> None:
    """A re-INVITE came in order: answer it at once with what our side can do now (section 14.2)."""
    if call.state is CallState.INCOMING:
        _refuse_for_now(core, call, transaction, 500, now)
    elif _has_open_invite(call):
        _refuse_for_now(core, call, transaction, 491, now)
    elif not _is_too_brief(core, call, transaction, request, now):
        _answer_invite(core, call, transaction, request, now)


def receive_update(core: Core, call: Call, transaction: ServerTransaction, request: Request, now: float) -> None:
    """An UPDATE came in order (RFC 3311 section 5.2); one without a session description refreshes target and timer."""
    headers, body = tuple(request.headers.items()), request.body.decode("utf-8", "replace")
    code = _answer_update(core, call, transaction, request, now)
    core.emit(RequestReceived(call.id, "UPDATE", headers, body, code))
    if code == 200 and _is_described(request):
        call.report_media(early=call.is_early)
        call.report_hold()


def _answer_update(core: Core, call: Call, transaction: ServerTransaction, request: Request, now: float) -> int:
    """Answer an UPDATE; returns the status code."""
    code = call.offer_in_the_way() if request.body else 0
    if code:
        return _refuse_for_now(core, call, transaction, code, now)
    if _is_too_brief(core, call, transaction, request, now):
        return _TOO_BRIEF
    templates = core.templates_for(transaction.destination)
    body, problem = b"", ""
    if request.body:
        body, problem = _describe(call, request)
    if problem:
        return _refuse_description(core, call, transaction, problem, now)
    call.dialog.refresh_target(request)
    lines = _refresh(call, request, now) + templates.dialog_response + (SDP_LINE if body else "")
    transaction.reply(now, 200, None, call.dialog.local, lines, body)
    return 200


def _has_open_invite(call: Call) -> bool:
    ours = call.modification is not None and call.modification.has_open_invite
    return ours or call.negotiation.offering or call.state in (CallState.CALLING, CallState.PROCEEDING)


def _refuse_for_now(core: Core, call: Call, transaction: ServerTransaction, code: int, now: float) -> int:
    """491, or 500 with the time after which another try may succeed (section 14.2)."""
    retry = f"Retry-After: {core.random.randint(0, 10)}\r\n" if code == 500 else ""
    transaction.reply(now, code, None, call.dialog.local, core.templates_for(transaction.destination).response + retry)
    return code


def _is_too_brief(core: Core, call: Call, transaction: ServerTransaction, request: Request, now: float) -> bool:
    """Whether the session that is asked for is too short; it is refused with 422 then (RFC 4028 section 9)."""
    lines = "" if call.session_timer is None else call.session_timer.refusal(request)
    if lines:
        response = core.templates_for(transaction.destination).response
        transaction.reply(now, _TOO_BRIEF, None, call.dialog.local, lines + response)
    return bool(lines)


def _refresh(call: Call, request: Request, now: float) -> str:
    return "" if call.session_timer is None else call.session_timer.accept(request, now)


def _describe(call: Call, request: Request) -> tuple[bytes, str]:
    """Body of our 2xx, and why there is none."""
    negotiation = call.negotiation
    if negotiation.media is None:
        return b"", "there is no session to change"
    if not request.body:
        return negotiation.offer(negotiation.media), ""
    if request.content_type != CONTENT_TYPE:
        return b"", f"the offer is {request.content_type}"
    return negotiation.answer(request.body, negotiation.media)


def _refuse_description(core: Core, call: Call, transaction: ServerTransaction, problem: str, now: float) -> int:
    transaction.reply(now, 488, None, call.dialog.local, core.templates_for(transaction.destination).response)
    core.emit(MediaRefused(call.id, problem))
    return 488


def _answer_invite(core: Core, call: Call, transaction: ServerTransaction, request: Request, now: float) -> None:
    body, problem = _describe(call, request)
    if problem:
        _refuse_description(core, call, transaction, problem, now)
        return
    call.dialog.refresh_target(request)
    call.latest_message = request
    _send_answer(core, call, transaction, request, body, now)
    if request.body:
        call.report_media()
        call.report_hold()


def _send_answer(
    core: Core, call: Call, transaction: ServerTransaction, request: Request, body: bytes, now: float
) -> None:
    def acknowledged(ack: Request, at: float) -> None:
        if call.negotiation.offering:
            _take_late_answer(core, call, ack)
        if call.modification is not None:
            call.modification.start(at)

    def unanswered(code: int, reason: str, at: float) -> None:
        call.hang_up(at, "timeout" if code == 408 else "error", reason)

    lines = _refresh(call, request, now) + core.templates_for(transaction.destination).dialog_response + SDP_LINE
    transaction.reply(now, 200, None, call.dialog.local, lines, body)
    AnswerAwaitingAck(core, call.awaiting_ack, transaction, request.cseq.number, now, acknowledged, unanswered)


def _take_late_answer(core: Core, call: Call, ack: Request) -> None:
    problem = call.negotiation.apply(ack.body) if _is_described(ack) else "the ACK has no session description"
    call.negotiation.close_offer()
    if problem:
        core.emit(MediaRefused(call.id, problem))
        return
    call.report_media()
    call.report_hold()
