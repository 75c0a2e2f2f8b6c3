"""Changes of a session that the peer wants: re-INVITE and UPDATE (RFC 3261 section 14.2, RFC 3311 section 5.2)."""

from __future__ import annotations

from sipflow.events import MediaRefused, RequestReceived
from sipflow.sip.acknowledgement import AnswerAwaitingAck
from sipflow.sip.bodies import ACCEPT_LINE, SDP_LINE, is_described, is_understood, session_description
from sipflow.sip.call import Call, CallState
from sipflow.sip.core import Core
from sipflow.sip.message import Request
from sipflow.sip.session_timer import TOO_BRIEF
from sipflow.sip.transaction import ServerTransaction
from sipflow.sip.warning import warning_line


def receive_modification(core: Core, call: Call, transaction: ServerTransaction, request: Request, now: float) -> None:
    """A re-INVITE came in order: answer it at once with what our side can do now (section 14.2)."""
    if call.state is CallState.INCOMING:
        _refuse_for_now(core, call, transaction, 500, now)
    elif _has_open_invite(call):
        _refuse_for_now(core, call, transaction, 491, now)
    elif not is_understood(request):
        _refuse_body(core, call, transaction, now)
    elif not _is_too_brief(core, call, transaction, request, now):
        _answer_invite(core, call, transaction, request, now)


def receive_update(core: Core, call: Call, transaction: ServerTransaction, request: Request, now: float) -> None:
    """An UPDATE came in order (RFC 3311 section 5.2); one without a session description refreshes target and timer."""
    headers, body = tuple(request.headers.items()), request.body.decode("utf-8", "replace")
    code = _answer_update(core, call, transaction, request, now)
    core.emit(RequestReceived(call.id, "UPDATE", headers, body, code))
    if code == 200 and is_described(request):
        call.report_media(early=call.is_early)
        call.report_hold()


def _answer_update(core: Core, call: Call, transaction: ServerTransaction, request: Request, now: float) -> int:
    """Answer an UPDATE; returns the status code."""
    if not is_understood(request):
        return _refuse_body(core, call, transaction, now)
    described = is_described(request)
    code = call.offer_in_the_way() if described else 0
    if code:
        return _refuse_for_now(core, call, transaction, code, now)
    if _is_too_brief(core, call, transaction, request, now):
        return TOO_BRIEF
    templates = core.templates_for(transaction.destination)
    body, problem = b"", ""
    if described:
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
        transaction.reply(now, TOO_BRIEF, None, call.dialog.local, lines + response)
    return bool(lines)


def _refresh(call: Call, request: Request, now: float) -> str:
    return "" if call.session_timer is None else call.session_timer.accept(request, now)


def _describe(call: Call, request: Request) -> tuple[bytes, str]:
    """Body of our 2xx, and why there is none."""
    negotiation = call.negotiation
    if negotiation.media is None:
        return b"", "there is no session to change"
    offer = session_description(request)
    if not offer:
        return negotiation.offer(negotiation.media), ""
    return negotiation.answer(offer, negotiation.media)


def _refuse_body(core: Core, call: Call, transaction: ServerTransaction, now: float) -> int:
    lines = ACCEPT_LINE + core.templates_for(transaction.destination).response
    transaction.reply(now, 415, None, call.dialog.local, lines)
    return 415


def _refuse_description(core: Core, call: Call, transaction: ServerTransaction, problem: str, now: float) -> int:
    lines = warning_line(core.config.host, problem) + core.templates_for(transaction.destination).response
    transaction.reply(now, 488, None, call.dialog.local, lines)
    core.emit(MediaRefused(call.id, problem))
    return 488


def _answer_invite(core: Core, call: Call, transaction: ServerTransaction, request: Request, now: float) -> None:
    before = call.negotiation.params
    body, problem = _describe(call, request)
    if problem:
        _refuse_description(core, call, transaction, problem, now)
        return
    call.dialog.refresh_target(request)
    call.latest_message = request
    _send_answer(core, call, transaction, request, body, now)
    if is_described(request):
        call.report_media(before=before)
        call.report_hold()


def _send_answer(
    core: Core, call: Call, transaction: ServerTransaction, request: Request, body: bytes, now: float
) -> None:
    def acknowledged(ack: Request, at: float) -> None:
        if call.negotiation.offering:
            _take_late_answer(core, call, ack)
        elif call.hears_more and call.modification is None:  # the peer has our answer
            call.report_media()
        if call.modification is not None:
            call.modification.start(at)

    def unanswered(code: int, reason: str, at: float) -> None:
        call.hang_up(at, "timeout" if code == 408 else "error", reason)

    lines = _refresh(call, request, now) + core.templates_for(transaction.destination).dialog_response + SDP_LINE
    transaction.reply(now, 200, None, call.dialog.local, lines, body)
    AnswerAwaitingAck(core, call.awaiting_ack, transaction, request.cseq.number, now, acknowledged, unanswered)


def _take_late_answer(core: Core, call: Call, ack: Request) -> None:
    answer = session_description(ack)
    problem = call.negotiation.apply(answer) if answer else "the ACK has no session description"
    call.negotiation.close_offer()
    if problem:
        core.emit(MediaRefused(call.id, problem))
        return
    call.report_media()
    call.report_hold()
