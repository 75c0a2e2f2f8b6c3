"""Changing a session from our side: re-INVITE and UPDATE (RFC 3261 section 14, RFC 3311)."""

from __future__ import annotations

from sipflow.errors import MisuseError
from sipflow.events import CallModified, CallModifyRejected, MediaNegotiated, MediaRefused
from sipflow.sdp.negotiate import LocalMedia, ready_for
from sipflow.sip.acknowledgement import Acknowledger
from sipflow.sip.bodies import SDP_LINE, session_description
from sipflow.sip.call import Call, CallState
from sipflow.sip.core import Core
from sipflow.sip.exchange import Exchange
from sipflow.sip.message import Response
from sipflow.sip.requests import HeaderFields, Templates, with_headers
from sipflow.sip.session_timer import TOO_BRIEF
from sipflow.sip.timers import Timer
from sipflow.sip.transaction import ClientTransaction
from sipflow.sip.warning import reason_with_warnings

_GLARE = 491


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
        "_hears_ahead",
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
        self._hears_ahead = False
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
        self._hear_ahead()
        timer = call.session_timer

        def lines(templates: Templates) -> str:
            refresh = "" if timer is None else timer.request_lines()
            described = SDP_LINE if body else ""
            return with_headers(f"{templates.dialog_request}{refresh}{described}", self._headers)

        self._exchange = self._core.send_in_dialog(self._method, call.dialog, self, call.id, now, lines, body)

    def _hear_ahead(self) -> None:
        """Who offers to receive is ready for it from then on: media may overtake the answer (RFC 3264 section 5.1).

        What was agreed before is heard as well, for the peer sends it until it has answered (section 8.3.2). Keys stay
        as they are: that by which the peer will send stands in its answer (RFC 4568 section 6.1).
        """
        params = self._call.negotiation.params
        if self._quiet or self._media is None or params is None or not self._media.direction.receives:
            return
        ready = ready_for(params, self._media)
        if ready != params:
            self._hears_ahead = True
            self._core.emit(MediaNegotiated(self._call.id, ready, self._call.is_early))

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
        exchange = self._forget_exchange()
        if code < 300:
            self._accepted(transaction, response, exchange, now)
        elif self._abandoned:
            return
        elif code == _GLARE:
            self._close_offer()
            self._retry = self._core.timers.start(now + self._glare_wait(), self._try_again)
        elif code == TOO_BRIEF and self._call.session_timer and self._call.session_timer.take_minimum(response):
            self._close_offer()
            self.start(now)
        else:
            self._rejected(code, reason_with_warnings(response), now)

    def request_failed(self, transaction: ClientTransaction | None, code: int, reason: str, now: float) -> None:
        """No answer at all."""
        self._in_flight = False
        self._forget_exchange()
        if not self._abandoned:
            self._rejected(code, reason, now)

    def _forget_exchange(self) -> Exchange | None:
        """Let go of what refers to us, so that no garbage collector has to find it."""
        exchange, self._exchange = self._exchange, None
        return exchange

    def _accepted(
        self, transaction: ClientTransaction, response: Response, exchange: Exchange | None, now: float
    ) -> None:
        call = self._call
        call.dialog.refresh_target(response)
        if self._abandoned:
            self._acknowledge(transaction, response, exchange, b"", now)
            return
        before = call.negotiation.params
        answer, problem = self._negotiate(response)
        self._acknowledge(transaction, response, exchange, answer, now)
        if self._method == "INVITE":
            call.latest_message = response
        if call.session_timer is not None:
            call.session_timer.accepted(response, now)
        if problem:
            self._close_offer()
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
        negotiation, described = self._call.negotiation, session_description(response)
        if self._media is not None:
            problem = negotiation.apply(described) if described else "the answer has no session description"
            negotiation.close_offer()
            return b"", problem
        if self._method == "UPDATE":
            return b"", ""
        if not described or negotiation.media is None:
            return b"", "the answer has no session description"
        return negotiation.answer(described, negotiation.media)

    def _acknowledge(
        self, transaction: ClientTransaction, response: Response, exchange: Exchange | None, answer: bytes, now: float
    ) -> None:
        if self._method != "INVITE":
            return
        acknowledger = Acknowledger(self._core, self._call.id, exchange)
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
        """The offer came to nothing: the media are again what was last agreed."""
        if self._media is not None:
            self._call.negotiation.close_offer()
        if self._hears_ahead:
            self._hears_ahead = False
            self._call.report_media(early=self._call.is_early)

    def _glare_wait(self) -> float:
        """Seconds to wait after 491: 2.1 to 4 for the owner of the Call-ID, 0 to 2 for the other, in steps of 10 ms."""
        steps = self._core.random.randint(210, 400) if self._call.caller else self._core.random.randint(0, 200)
        return steps / 100

    def _try_again(self, _argument: object, now: float) -> None:
        self._retry = None
        self.start(now)
