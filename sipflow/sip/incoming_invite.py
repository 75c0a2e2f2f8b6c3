"""Being called: the INVITE that starts a call as its receiver sees it (RFC 3261 section 13.3, RFC 3891)."""

from __future__ import annotations

from sipflow.errors import MisuseError
from sipflow.events import CallConfirmed, CallIncoming, MediaRefused
from sipflow.sdp.negotiate import LocalMedia
from sipflow.sip.acknowledgement import AnswerAwaitingAck
from sipflow.sip.bodies import SDP_LINE, session_description
from sipflow.sip.call import Call, CallState
from sipflow.sip.core import Core
from sipflow.sip.dialog import dialog_of_request
from sipflow.sip.hop import Hop
from sipflow.sip.message import Request
from sipflow.sip.reliable_provisional import RAck, ReliableProvisionals, wanted_by
from sipflow.sip.requests import HeaderFields, with_headers
from sipflow.sip.responses import Answerable
from sipflow.sip.session_refresh import session_timer_for
from sipflow.sip.transaction import ServerTransaction
from sipflow.sip.warning import warning_value


class IncomingInvite:
    """The INVITE of a call as its receiver sees it."""

    __slots__ = (
        "_answer",
        "_call",
        "_core",
        "_cseq",
        "_early_answer",
        "_media",
        "_offer",
        "_reliable",
        "_replaced",
        "_transaction",
        "_wants_bye",
        "exchanged",
    )

    def __init__(
        self, core: Core, call: Call, transaction: ServerTransaction, request: Request, replaced: Call | None
    ) -> None:
        self._core = core
        self._call = call
        self._transaction = transaction
        self._cseq = request.cseq.number
        self._offer = session_description(request)
        self._replaced = replaced
        self._media: LocalMedia | None = None
        self._early_answer = b""
        self._wants_bye: tuple[tuple[str, str], ...] | None = None
        self._answer: tuple[LocalMedia, HeaderFields] | None = None
        self._reliable: ReliableProvisionals | None = None
        """None when provisional responses go out unreliably."""
        if wanted_by(core, request):
            self._reliable = ReliableProvisionals(
                core, transaction, self._cseq, call.dialog.local, self._unacknowledged
            )
        self.exchanged = False
        """Whether offer and answer were complete before the 2xx: the peer has acknowledged both."""
        transaction.user = self

    # --- what the user does ---

    def ring(self, now: float, headers: HeaderFields) -> None:
        """180 Ringing."""
        self._provisional(180, now, headers, b"")

    def progress(self, media: LocalMedia, now: float, headers: HeaderFields) -> None:
        """183 with our answer or, when the INVITE had no offer and it is sent reliably, with our offer. It goes without
        a body when there is no codec in common, and when the session is described already."""
        call = self._call
        body = self._early_description(media)
        self._provisional(183, now, headers, body)
        if self._early_answer:
            call.report_media(early=True)

    def _early_description(self, media: LocalMedia) -> bytes:
        negotiation, reliable = self._call.negotiation, self._reliable
        if reliable is not None and (self.exchanged or reliable.described):
            return b""
        if self._offer:
            self._answer_early(media)
            return self._early_answer
        if reliable is None:
            return b""
        self._media = media
        return negotiation.offer(media)

    def _answer_early(self, media: LocalMedia) -> None:
        if media == self._media:
            return
        self._early_answer, problem = self._call.negotiation.answer(self._offer, media)
        self._media = None if problem else media
        if problem:
            self._core.emit(MediaRefused(self._call.id, problem))

    def _provisional(self, code: int, now: float, headers: HeaderFields, body: bytes) -> None:
        call = self._call
        call.ringing_at = now if call.ringing_at is None else call.ringing_at
        if self._reliable is None:
            self._reply(code, None, now, headers, body)
        else:
            self._reliable.send(code, self._lines(code, headers, body), body, now)

    def answer(self, media: LocalMedia, now: float, headers: HeaderFields) -> None:
        """200 with our answer or, when the INVITE brought no offer, with our offer; 488 when no codec is shared."""
        call, core = self._call, self._core
        if self._reliable is not None and self._reliable.described:
            self._answer = media, headers
            return
        body, problem = self._describe(media)
        if problem:
            self._refuse_description(problem, now)
            return
        timer, request = call.session_timer, self._transaction.request
        refresh = timer.accept(request, now) if timer is not None and request is not None else ""
        self._stop_provisionals()
        call.code, call.answered_at, call.state = 200, now, CallState.ANSWERED
        self._reply(200, None, now, headers, body, refresh)
        AnswerAwaitingAck(
            core, call.awaiting_ack, self._transaction, self._cseq, now, self._acknowledged, self._unanswered
        )
        if self._offer or self.exchanged:
            call.report_media()
        self._end_replaced(now)

    def _describe(self, media: LocalMedia) -> tuple[bytes, str]:
        if self.exchanged:
            return b"", ""
        if not self._offer:
            self._media = media
            return self._call.negotiation.offer(media), ""
        if media == self._media:
            return self._early_answer, ""
        return self._call.negotiation.answer(self._offer, media)

    def reject(self, code: int, reason: str | None, now: float, headers: HeaderFields) -> None:
        """A final response from 300 to 699."""
        self._finish(code, reason, now, headers, "local", "rejected", reason or "")

    def release(self, now: float, headers: tuple[tuple[str, str], ...]) -> None:
        """Before the answer reject; after it wait for the ACK before BYE (section 15)."""
        if self._call.state is CallState.INCOMING:
            self.reject(480, None, now, headers)
        else:
            self._wants_bye = headers

    # --- what the peer does ---

    def cancelled(self, reason: str, now: float, request: Request, cause: str = "cancel") -> None:
        """CANCEL came, or a BYE of the early dialog: 487 (sections 9.2 and 15.1.2)."""
        self._finish(487, None, now, (), "remote", cause, reason, request)

    def hung_up_on(self) -> None:
        """BYE came. Before the ACK, which was lost or is late, it says as much: only who has our 2xx knows the dialog
        that the BYE is of (section 15 lets a caller send it before anything is acknowledged)."""
        if self._call.state is CallState.ANSWERED:
            self._core.emit(CallConfirmed(self._call.id))

    def ack_received(self, transaction: ServerTransaction, request: Request | None, now: float) -> None:
        """The ACK of our rejection came."""
        self._call.released(self._call.code or 0, now)

    def response_failed(self, transaction: ServerTransaction, code: int, reason: str, now: float) -> None:
        """Nobody acknowledged our rejection, or no response reaches the caller."""
        self._stop_provisionals()
        if self._call.is_live:
            transaction.terminate()
            self._call.end("local", "error", reason, now)
        self._call.released(code, now)

    # --- provisional responses that are acknowledged (RFC 3262) ---

    def receive_prack(self, transaction: ServerTransaction, request: Request, now: float) -> None:
        """A PRACK came: it may answer the offer of the response that it acknowledges, or make a new one."""
        call, templates = self._call, self._core.templates_for(transaction.destination)
        reliable = self._reliable
        if reliable is None or not reliable.is_acknowledged_by(RAck.of(request)):
            transaction.reply(now, 481, None, call.dialog.local, templates.response)
            return
        described = reliable.is_description_out
        body, problem = self._prack_description(request, described)
        lines = templates.response + SDP_LINE if body else templates.response
        reliable.acknowledge(now)
        transaction.reply(now, 200, None, call.dialog.local, lines, body)
        if call.state is not CallState.INCOMING:
            return
        if problem:
            self._refuse_description(problem, now)
            return
        self.exchanged = self.exchanged or described
        if self._answer is not None:
            self.answer(self._answer[0], now, self._answer[1])

    def _prack_description(self, request: Request, answers: bool) -> tuple[bytes, str]:
        """Body of the 200, and what is wrong with the description in the PRACK; `answers`: whether the response that
        it acknowledges had one."""
        call, described = self._call, session_description(request)
        negotiation, body, problem = call.negotiation, b"", ""
        if answers and negotiation.offering:
            problem = negotiation.apply(described) if described else "the PRACK has no session description"
            negotiation.close_offer()
        elif described and negotiation.media is not None:
            body, problem = negotiation.answer(described, negotiation.media)
        if described and not problem:
            call.report_media(early=True)
        return body, problem

    def _unacknowledged(self, now: float) -> None:
        """No PRACK for 64*T1: the INVITE is rejected (section 3)."""
        self._finish(504, None, now, (), "local", "timeout", "no PRACK came")

    def forget_provisionals(self) -> None:
        """The call is over: no PRACK will be known any more."""
        self._stop_provisionals()
        self._reliable = None

    def _stop_provisionals(self) -> None:
        if self._reliable is not None:
            self._reliable.stop()

    def _acknowledged(self, ack: Request, now: float) -> None:
        call = self._call
        call.state = CallState.ESTABLISHED
        problem = self._late_answer(ack)
        if problem:
            self._core.emit(MediaRefused(call.id, problem))
            call.hang_up(now, "error", problem)
            return
        self._core.emit(CallConfirmed(call.id))
        if self._wants_bye is not None:
            call.hang_up(now, headers=self._wants_bye)

    def _late_answer(self, ack: Request) -> str:
        """The answer to the offer in our 2xx; without one the session has no media."""
        call = self._call
        if not call.negotiation.offering:
            return ""
        described = session_description(ack)
        problem = call.negotiation.apply(described) if described else "the ACK has no session description"
        call.negotiation.close_offer()
        if not problem:
            call.report_media()
        return problem

    def _unanswered(self, code: int, reason: str, now: float) -> None:
        """No ACK for 64*T1: the session ends with BYE (section 13.3.1.4)."""
        self._call.hang_up(now, "timeout" if code == 408 else "error", reason)

    # --- parts ---

    def _end_replaced(self, now: float) -> None:
        """The call that this one takes the place of ends, however far it is (RFC 3891 section 3)."""
        replaced = self._replaced
        if replaced is None or not replaced.is_live:
            return
        if replaced.state is CallState.ESTABLISHED:
            replaced.hang_up(now, "bye", f"replaced by {self._call.id}")
        elif replaced.outgoing is not None:
            replaced.outgoing.cancel(now)
        elif replaced.incoming is not None:
            replaced.incoming.release(now, ())

    def _refuse_description(self, problem: str, now: float) -> None:
        self._core.emit(MediaRefused(self._call.id, problem))
        warning = ("Warning", warning_value(self._core.config.host, problem))
        self._finish(488, None, now, (warning,), "local", "rejected", problem)

    def _finish(
        self,
        code: int,
        reason: str | None,
        now: float,
        headers: HeaderFields,
        by: str,
        cause: str,
        why: str,
        request: Request | None = None,
    ) -> None:
        self._call.code = code
        self._stop_provisionals()
        self._reply(code, reason, now, headers, b"")
        self._call.end(by, cause, why, now, request)

    def _reply(
        self, code: int, reason: str | None, now: float, headers: HeaderFields, body: bytes, extra: str = ""
    ) -> None:
        lines = extra + self._lines(code, headers, body)
        self._transaction.reply(now, code, reason, self._call.dialog.local, lines, body)

    def _lines(self, code: int, headers: HeaderFields, body: bytes) -> str:
        templates = self._core.templates_for(self._transaction.destination)
        template = templates.dialog_response if code < 300 else templates.response
        return with_headers(template + SDP_LINE if body else template, headers)


def receive_call(
    core: Core,
    transaction: ServerTransaction,
    request: Request,
    source: Hop,
    replaced: Call | None,
    now: float,
) -> Call:
    """A call begins with this INVITE; its user is told and answers when it likes."""
    call_id = core.new_call_id()
    if call_id in core.calls:
        raise MisuseError(f"call {call_id} exists already")
    dialog = dialog_of_request(request, core.ids.tag(), source)
    call = Call(core, call_id, dialog, now, caller=False)
    transaction.call = call_id
    call.incoming = IncomingInvite(core, call, transaction, request, replaced)
    call.latest_message = request
    call.received["INVITE"] = Answerable(transaction.echo, request.headers.get("To") or "", transaction.destination)
    call.session_timer = session_timer_for(core, call)
    core.dialogs[dialog.key] = call
    core.statistics.calls_received += 1
    replaced_id = None if replaced is None else replaced.id
    parties = request.from_.uri, request.to.uri, request.uri
    headers, body = tuple(request.headers.items()), request.body.decode("utf-8", "replace")
    core.emit(CallIncoming(call_id, *parties, replaced_id, headers, body))
    return call
