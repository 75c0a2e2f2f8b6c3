"""Calling: the INVITE that starts a call, its answers, and taking it back (RFC 3261 sections 9.1 and 13.2)."""

from __future__ import annotations

from collections.abc import Callable

from sipflow.errors import MisuseError
from sipflow.events import CallAnswered, CallPlaced, CallProgressed, CallRejected, CallRinging, MediaRefused
from sipflow.sdp.negotiate import LocalMedia
from sipflow.sip.acknowledgement import Acknowledger
from sipflow.sip.authenticator import Authenticator
from sipflow.sip.bodies import CONTENT_TYPE, find_description, session_description
from sipflow.sip.call import Call, CallState
from sipflow.sip.core import INDIFFERENT, Core
from sipflow.sip.dialog import contact_uris, dialog_of_response
from sipflow.sip.early_dialog import EarlyDialog
from sipflow.sip.exchange import Exchange, Lines, Outgoing
from sipflow.sip.hop import Hop
from sipflow.sip.invitation import Invitation, dialog_to_be
from sipflow.sip.message import Response
from sipflow.sip.negotiation import Negotiation
from sipflow.sip.reliable_provisional import OPTION, rseq_of, send_prack
from sipflow.sip.requests import HeaderFields, Templates, header_lines, split_identity, with_headers
from sipflow.sip.session_refresh import session_timer_for
from sipflow.sip.timers import Timer
from sipflow.sip.transaction import ClientTransaction, cancellation
from sipflow.sip.uri import UriError, check_uri

Observer = Callable[[int, str, float], None]
"""Told the status code and reason of every response to the INVITE: a transfer reports them to its transferor."""


class OutgoingInvite:
    """The INVITE of a call as its sender sees it."""

    __slots__ = (
        "_acknowledger",
        "_call",
        "_cancel_lines",
        "_core",
        "_exchange",
        "_first_hop",
        "_give_up",
        "_media",
        "_observer",
        "_offered",
        "_request",
    )

    def __init__(self, core: Core, call: Call, media: LocalMedia, observer: Observer | None) -> None:
        self._core = core
        self._call = call
        self._media = media
        self._observer = observer
        self._offered = call.negotiation
        """With the INVITE's offer, unanswered: what every early dialog begins with."""
        self._request: Outgoing | None = None
        self._first_hop = ""
        self._cancel_lines = ""
        self._acknowledger: Acknowledger | None = None
        self._exchange: Exchange | None = None
        """None until the INVITE is sent."""
        self._give_up: Timer | None = None

    def send(self, invitation: Invitation, now: float) -> None:
        """Send the INVITE; a target that leads nowhere rejects the call."""
        call, core, dialog = self._call, self._core, self._call.dialog
        body, lines = self._content(invitation)
        first_hop, routes = core.way_out(dialog.next_hop)
        self._first_hop = first_hop
        request = Outgoing("INVITE", dialog.request_uri, routes + dialog.identity, lines, dialog.next_cseq, body)
        self._request = request
        self._exchange = Exchange(core, request, self, call.id)
        core.emit(CallPlaced(call.id, invitation.target, dialog.call_id))
        self._exchange.start(first_hop, None, now)

    def _content(self, invitation: Invitation) -> tuple[bytes, Lines]:
        """Body, and what makes all header lines that do not belong to the dialog."""
        negotiation, body = self._call.negotiation, invitation.body
        content_type = invitation.content_type or CONTENT_TYPE
        if body is None:
            body = negotiation.offer(invitation.media)
        elif written := find_description(content_type, body):
            negotiation.offer_as_written(written, invitation.media)
        extra = f"Replaces: {invitation.replaces}\r\n" if invitation.replaces else ""
        extra += f"Referred-By: {invitation.referred_by}\r\n" if invitation.referred_by else ""
        extra += f"Require: {OPTION}\r\n" if self._core.config.provisional == "required" else ""
        extra += f"Content-Type: {content_type}\r\n" if body else ""
        timer = self._call.session_timer
        _, headers = split_identity(invitation.headers)

        def lines(templates: Templates) -> str:
            self._begin_again()
            refresh = "" if timer is None else timer.request_lines()
            return with_headers(templates.dialog_request + refresh + extra, headers)

        return body, lines

    def _begin_again(self) -> None:
        """An attempt begins: what an earlier one was told allows no CANCEL of this one."""
        if self._call.state is CallState.PROCEEDING:
            self._call.state = CallState.CALLING

    # --- taking it back ---

    def cancel(self, now: float, headers: HeaderFields = ()) -> None:
        """Give the call up: CANCEL now, or as soon as a provisional response allows it (section 9.1). `headers` are
        added to the CANCEL."""
        if self._call.state is CallState.CANCELLING:
            return
        could = self._call.state is CallState.PROCEEDING
        self._cancel_lines = header_lines(headers)
        self._call.state = CallState.CANCELLING
        assert self._exchange is not None, "a call has an INVITE"
        self._exchange.abandon()
        if self._exchange.transaction is None:
            self._reject(487, "given up before it was sent", now, local=True)
        elif could:
            self._send_cancel(now)

    def _send_cancel(self, now: float) -> None:
        exchange, core = self._exchange, self._core
        transaction = None if exchange is None else exchange.transaction
        if transaction is None or self._give_up is not None:
            return
        self._give_up = core.timers.start(now + core.config.timers.timeout, self._nobody_cared)
        data, branch = core.alter(cancellation(transaction.data, self._cancel_lines)), transaction.key[0]
        core.transactions.send_request("CANCEL", branch, data, transaction.destination, INDIFFERENT, self._call.id, now)

    def _nobody_cared(self, _argument: object, now: float) -> None:
        """64*T1 after the CANCEL the INVITE counts as cancelled whatever the other side says (section 9.1)."""
        self.stop_waiting()
        self._reject(487, "no final response after CANCEL", now, local=True)

    def stop_waiting(self) -> None:
        """No final response is expected any more; one that came is acknowledged as before."""
        self._core.timers.cancel(self._give_up)
        if self._exchange is not None and self._acknowledger is None:
            self._exchange.abandon()
            if self._exchange.transaction is not None:
                self._exchange.transaction.terminate()
            self._forget_dialogs()

    # --- what comes back ---

    def response_received(self, transaction: ClientTransaction, response: Response, now: float) -> None:
        """Any response to the INVITE; after the first 2xx the acknowledger has taken over."""
        code = response.status_code
        if code > 100:
            self._call.latest_message = response
        if code < 200:
            self._proceed(response, now)
        elif code < 300:
            self._answered(transaction, response, now)
        elif not self._lasts_longer(response, now):
            reason = response.reason_phrase if self._exchange is None else self._exchange.reason_of(response)
            contacts = contact_uris(response) if code < 400 else ()
            self._reject(code, reason, now, contacts=contacts, phrase=response.reason_phrase)

    def _lasts_longer(self, response: Response, now: float) -> bool:
        """After a 422 try once more with the session interval that it asks for (RFC 4028 section 7.3)."""
        timer, request = self._call.session_timer, self._request
        if timer is None or request is None or self._call.state is CallState.CANCELLING:
            return False
        if not timer.take_minimum(response):
            return False
        self._forget_dialogs()
        self._exchange = Exchange(self._core, request, self, self._call.id)
        self._exchange.start(self._first_hop, None, now)
        return True

    def request_failed(self, transaction: ClientTransaction | None, code: int, reason: str, now: float) -> None:
        """Nobody answered, or it cannot be sent."""
        self._reject(code, reason, now, local=True)

    def _proceed(self, response: Response, now: float) -> None:
        call = self._call
        if call.state is CallState.CALLING:
            call.state = CallState.PROCEEDING
        if call.state is CallState.CANCELLING:
            self._send_cancel(now)
            return
        if response.status_code == 100:
            return
        early = self._enter_dialog(response)
        if not early.takes(response):
            return
        call.ringing_at = now if call.ringing_at is None else call.ringing_at
        described = session_description(response)
        answer, problem = self._describe_early(early.negotiation, response, described) if described else (b"", "")
        rseq = rseq_of(response)
        if rseq is not None:
            send_prack(self._core, call.id, early.dialog, response, rseq, now, answer)
        self._report_progress(response.status_code, bool(described))
        self._observe(response.status_code, response.reason_phrase, now)
        if problem and rseq is not None:
            self.cancel(now)

    def _describe_early(self, negotiation: Negotiation, response: Response, described: bytes) -> tuple[bytes, str]:
        """Body for the PRACK, and what is wrong with the peer's description. One that comes reliably is the answer to
        our offer, or the offer when we made none (RFC 3262 section 5); any other only tells what the answer will be."""
        reliable, before = rseq_of(response) is not None, negotiation.params
        answer, problem = b"", ""
        if negotiation.offering:
            problem = negotiation.apply(described)
            if reliable and not problem:
                negotiation.close_offer()
        elif reliable and not negotiation.complete:
            answer, problem = negotiation.answer(described, self._media)
        if problem:
            self._core.emit(MediaRefused(self._call.id, problem))
        elif negotiation.params is not before:
            self._call.report_media(early=True)
        return answer, problem

    def _report_progress(self, code: int, described: bool) -> None:
        happened = CallProgressed if described or code == 183 else CallRinging
        self._core.emit(happened(self._call.id, code))

    def _enter_dialog(self, response: Response) -> EarlyDialog:
        """The dialog of a response, which is what the call is about from here on; the first response with a new To tag
        makes one (section 12.1)."""
        call, tag = self._call, response.to_tag
        early = call.early.get(tag)
        if early is None:
            dialog = dialog_of_response(response, call.dialog.remote_target)
            dialog.fallback = self._heard_at()
            early = call.early[tag] = EarlyDialog(dialog, self._offered.fork())
            if tag:
                self._core.dialogs[dialog.key] = call
        call.turn_to(tag)
        return early

    def _heard_at(self) -> Hop | None:
        """The hop that answers."""
        transaction = None if self._exchange is None else self._exchange.transaction
        return None if transaction is None else transaction.destination

    def _answered(self, transaction: ClientTransaction, response: Response, now: float) -> None:
        call, core = self._call, self._core
        core.timers.cancel(self._give_up)
        call.code = response.status_code
        acknowledger = self._acknowledger = Acknowledger(core, call.id, self._exchange)
        cancelled = call.state is CallState.CANCELLING
        self._confirm_dialog(response)
        # They refer to us: a call that is over must not need the garbage collector.
        self._exchange = self._request = None
        if cancelled:
            self._hang_up_on(transaction, response.cseq.number, "answered before the CANCEL took effect", "bye", now)
            return
        answer, problem = self._negotiate(response)
        if problem:
            core.emit(MediaRefused(call.id, problem))
            self._hang_up_on(transaction, response.cseq.number, problem, "error", now)
            return
        call.answered_at = now
        call.state = CallState.ESTABLISHED
        if call.session_timer is not None:
            call.session_timer.accepted(response, now)
        acknowledger.acknowledge(transaction, call.dialog, response.cseq.number, now, answer)
        call.report_media()
        core.emit(CallAnswered(call.id, response.status_code))
        self._observe(response.status_code, response.reason_phrase, now)

    def _confirm_dialog(self, response: Response) -> None:
        """The 2xx decides: its route set and target count, other early dialogs are gone (section 13.2.2.4)."""
        call, tag = self._call, response.to_tag
        self._enter_dialog(response)
        early = call.early.pop(tag)
        self._forget_dialogs()
        early.dialog.confirm(response)
        call.dialog, call.negotiation = early.dialog, early.negotiation
        self._core.dialogs[early.dialog.key] = call

    def _negotiate(self, response: Response) -> tuple[bytes, str]:
        """Body for the ACK, and what is wrong with the peer's description."""
        negotiation = self._call.negotiation
        described = session_description(response)
        if negotiation.complete:
            return b"", ""  # answered reliably before: what the 2xx says again does not count (section 13.2.1)
        if not negotiation.offering:
            if not described:
                return b"", "the answer has no session description"
            return negotiation.answer(described, self._media)
        problem = negotiation.apply(described) if described else ""
        if not described and negotiation.params is None:
            problem = "the answer has no session description"
        negotiation.close_offer()
        return b"", problem

    def _hang_up_on(self, transaction: ClientTransaction, cseq: int, reason: str, cause: str, now: float) -> None:
        assert self._acknowledger is not None, "made when the 2xx came"
        self._acknowledger.acknowledge(transaction, self._call.dialog, cseq, now)
        self._call.hang_up(now, cause, reason)
        self._observe(487, "Request Terminated", now)

    def _reject(
        self,
        code: int,
        reason: str,
        now: float,
        *,
        contacts: tuple[str, ...] = (),
        local: bool = False,
        phrase: str = "",
    ) -> None:
        """`phrase`: the response's own, where `reason` says more than that."""
        call, core = self._call, self._core
        core.timers.cancel(self._give_up)
        self._exchange = self._request = None
        self._forget_dialogs()
        call.code = code
        call.ended_at = now
        core.emit(CallRejected(call.id, code, reason, contacts, local))
        self._observe(code, phrase or reason, now)
        call.released(code, now)

    def _forget_dialogs(self) -> None:
        for early in self._call.early.values():
            self._core.dialogs.pop(early.dialog.key, None)
        self._call.early.clear()

    def _observe(self, code: int, reason: str, now: float) -> None:
        if self._observer is not None:
            self._observer(code, reason, now)


def place_call(core: Core, call_id: str, invitation: Invitation, now: float, observer: Observer | None = None) -> None:
    """Make a call and send its INVITE; MisuseError when the id is taken or the target is no URI."""
    if call_id in core.calls:
        raise MisuseError(f"call {call_id} exists already")
    try:
        check_uri(invitation.target)
        if invitation.identity is not None:
            check_uri(invitation.identity.uri)
    except UriError as error:
        raise MisuseError(str(error)) from None
    dialog = dialog_to_be(core, invitation)
    call = Call(core, call_id, dialog, now, caller=True)
    call.session_timer = session_timer_for(core, call)
    call.identity = identity = invitation.identity
    if identity is not None and identity.login is not None:
        call.authenticator = Authenticator(identity.login, core.ids)
    core.statistics.calls_placed += 1
    call.outgoing = OutgoingInvite(core, call, invitation.media, observer)
    call.outgoing.send(invitation, now)
