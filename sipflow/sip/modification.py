"""Changing a session: re-INVITE in both directions (RFC 3261 section 14)."""

from __future__ import annotations

from sipflow.events import CallModified, CallModifyRejected, MediaRefused
from sipflow.sdp.negotiate import LocalMedia
from sipflow.sip.acknowledgement import Acknowledger, AnswerAwaitingAck
from sipflow.sip.call import Call, CallState
from sipflow.sip.core import Core
from sipflow.sip.exchange import Exchange
from sipflow.sip.incoming_invite import SDP_LINE
from sipflow.sip.message import Request, Response
from sipflow.sip.negotiation import CONTENT_TYPE
from sipflow.sip.requests import Templates
from sipflow.sip.timers import Timer
from sipflow.sip.transaction import ClientTransaction, ServerTransaction


class Modification:
    """A re-INVITE of ours, with what it takes to try again after glare."""

    __slots__ = ("_abandoned", "_call", "_core", "_exchange", "_in_flight", "_media", "_retry")

    def __init__(self, core: Core, call: Call, media: LocalMedia) -> None:
        self._core = core
        self._call = call
        self._media = media
        self._exchange: Exchange | None = None
        self._retry: Timer | None = None
        self._in_flight = False
        self._abandoned = False
        call.modification = self

    @property
    def in_flight(self) -> bool:
        """Whether an INVITE of ours is out; while it waits to be tried again the peer may go first."""
        return self._in_flight

    def start(self, now: float) -> None:
        """Send it, unless a 2xx of ours still waits for its ACK: one INVITE at a time (section 14.1)."""
        if self._call.awaiting_ack or self._in_flight or self._retry is not None:
            return
        self._in_flight = True
        body = self._call.negotiation.offer(self._media)
        call = self._call
        self._exchange = self._core.send_in_dialog("INVITE", call.dialog, self, call.id, now, _described, body)

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
        elif code == 491:
            self._call.negotiation.close_offer()
            self._retry = self._core.timers.start(now + self._glare_wait(), self._try_again)
        else:
            self._rejected(code, response.reason_phrase, now)

    def request_failed(self, transaction: ClientTransaction | None, code: int, reason: str, now: float) -> None:
        """No answer at all."""
        self._in_flight = False
        if not self._abandoned:
            self._rejected(code, reason, now)

    def _accepted(self, transaction: ClientTransaction, response: Response, now: float) -> None:
        call, core = self._call, self._core
        call.dialog.refresh_target(response)
        credentials = "" if self._exchange is None else self._exchange.credentials
        Acknowledger(core, call.id, credentials).acknowledge(transaction, call.dialog, response.cseq.number, now)
        if self._abandoned:
            return
        described = bool(response.body) and response.content_type == CONTENT_TYPE
        problem = call.negotiation.apply(response.body) if described else "the answer has no session description"
        call.negotiation.close_offer()
        call.modification = None
        call.latest_message = response
        if problem:
            core.emit(MediaRefused(call.id, problem))
            core.emit(CallModifyRejected(call.id, 488, problem))
            return
        call.report_media()
        core.emit(CallModified(call.id))

    def _rejected(self, code: int, reason: str, now: float) -> None:
        """The session stays as it was; only a peer that knows no such dialog, or is silent, ends it (12.2.1.2)."""
        call = self._call
        call.negotiation.close_offer()
        call.modification = None
        self._core.emit(CallModifyRejected(call.id, code, reason))
        if code in (408, 481, 503):
            call.hang_up(now, "timeout" if code == 408 else "error", reason)

    def _glare_wait(self) -> float:
        """Seconds to wait after 491: 2.1 to 4 for the owner of the Call-ID, 0 to 2 for the other, in steps of 10 ms."""
        steps = self._core.random.randint(210, 400) if self._call.caller else self._core.random.randint(0, 200)
        return steps / 100

    def _try_again(self, _argument: object, now: float) -> None:
        self._retry = None
        self.start(now)


def _described(templates: Templates) -> str:
    return templates.dialog_request + SDP_LINE


def receive_modification(core: Core, call: Call, transaction: ServerTransaction, request: Request, now: float) -> None:
    """A re-INVITE came in order: answer it at once with what our side can do now (section 14.2)."""
    to, templates = call.dialog.local, core.templates_for(transaction.destination)
    if call.state is CallState.INCOMING:
        retry = f"Retry-After: {core.random.randint(0, 10)}\r\n"
        transaction.reply(now, 500, None, to, templates.response + retry)
    elif _has_open_invite(call):
        transaction.reply(now, 491, None, to, templates.response)
    else:
        _answer(core, call, transaction, request, now)


def _has_open_invite(call: Call) -> bool:
    ours = call.modification is not None and call.modification.in_flight
    return ours or call.negotiation.offering or call.state in (CallState.CALLING, CallState.PROCEEDING)


def _answer(core: Core, call: Call, transaction: ServerTransaction, request: Request, now: float) -> None:
    media, to, templates = call.negotiation.media, call.dialog.local, core.templates_for(transaction.destination)
    if media is None or (request.body and request.content_type != CONTENT_TYPE):
        transaction.reply(now, 488, None, to, templates.response)
        return
    if request.body:
        body, problem = call.negotiation.answer(request.body, media)
    else:
        body, problem = call.negotiation.offer(media), ""
    if problem:
        transaction.reply(now, 488, None, to, templates.response)
        core.emit(MediaRefused(call.id, problem))
        return
    call.dialog.refresh_target(request)
    call.latest_message = request
    _send_answer(core, call, transaction, request.cseq.number, body, now)
    if request.body:
        call.report_media()
        call.report_hold()


def _send_answer(core: Core, call: Call, transaction: ServerTransaction, cseq: int, body: bytes, now: float) -> None:
    def acknowledged(ack: Request, at: float) -> None:
        if call.negotiation.offering:
            _take_late_answer(core, call, ack)
        if call.modification is not None:
            call.modification.start(at)

    def unanswered(code: int, reason: str, at: float) -> None:
        call.hang_up(at, "timeout" if code == 408 else "error", reason)

    lines = core.templates_for(transaction.destination).dialog_response + SDP_LINE
    transaction.reply(now, 200, None, call.dialog.local, lines, body)
    AnswerAwaitingAck(core, call.awaiting_ack, transaction, cseq, now, acknowledged, unanswered)


def _take_late_answer(core: Core, call: Call, ack: Request) -> None:
    described = bool(ack.body) and ack.content_type == CONTENT_TYPE
    problem = call.negotiation.apply(ack.body) if described else "the ACK has no session description"
    call.negotiation.close_offer()
    if problem:
        core.emit(MediaRefused(call.id, problem))
        return
    call.report_media()
    call.report_hold()
