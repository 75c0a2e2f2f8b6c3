"""One call of a user agent: what its parts share, how it ends, and what can be asked about it afterwards."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Any

from sipflow.events import CallEnded, CallHeld, CallReleased, CallResumed, MediaNegotiated
from sipflow.media_params import MediaParams
from sipflow.sdp.negotiate import hears_too
from sipflow.sip.core import Core
from sipflow.sip.dialog import Dialog
from sipflow.sip.early_dialog import EarlyDialog
from sipflow.sip.message import Message, Request, Response
from sipflow.sip.negotiation import Negotiation
from sipflow.sip.requests import with_headers
from sipflow.sip.responses import Answerable
from sipflow.sip.session_timer import SessionTimer
from sipflow.sip.transaction import ClientTransaction
from sipflow.values import dataclass

if TYPE_CHECKING:
    from sipflow.sip.acknowledgement import AnswerAwaitingAck
    from sipflow.sip.authenticator import Authenticator
    from sipflow.sip.config import Identity
    from sipflow.sip.incoming_invite import IncomingInvite
    from sipflow.sip.modification import Modification
    from sipflow.sip.outgoing_invite import OutgoingInvite
    from sipflow.sip.transfer import ReceivedRefer, SentRefer


class CallState(enum.StrEnum):
    """Where a call stands, from INVITE to the end of its last transaction (RFC 3261 sections 13 to 15)."""

    CALLING = "calling"
    """As a caller: the INVITE is out, nothing came yet."""
    PROCEEDING = "proceeding"
    """As a caller: a provisional response came."""
    INCOMING = "incoming"
    """As a callee: an INVITE came, no final response is sent."""
    ANSWERED = "answered"
    """As a callee: our 2xx waits for its ACK."""
    ESTABLISHED = "established"
    CANCELLING = "cancelling"
    """As a caller: the user gave up before the answer; the INVITE's end is waited for."""
    RELEASING = "releasing"
    """Over for its user; a last transaction is not done."""
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Session:
    """A call as it can be looked at from outside: a copy, safe to keep."""

    call: str
    state: CallState
    caller: bool
    """Whether our side sent the INVITE."""
    local_uri: str
    remote_uri: str
    call_id: str
    local_tag: str
    remote_tag: str
    invited_at: float
    """When the INVITE was sent or came, on the caller's clock in seconds, as all times here."""
    ringing_at: float | None
    """When the first 18x was sent or came."""
    answered_at: float | None
    """When the 2xx was sent or came."""
    ended_at: float | None
    code: int | None
    """Status code of the INVITE's final response; None while there is none."""
    headers: tuple[tuple[str, str], ...]
    """Of the latest INVITE, or response to one, that came from the peer."""

    def for_checks(self, now: float) -> dict[str, Any]:
        """Measurements under the names that a check uses; times in milliseconds, what was not measured is absent."""
        until = now if self.ended_at is None else self.ended_at
        measured = {
            "setup_time": _milliseconds(self.invited_at, self.answered_at),
            "ring_time": _milliseconds(self.invited_at, self.ringing_at),
            "duration": None if self.answered_at is None else _milliseconds(self.answered_at, until),
            "code": self.code,
            "state": self.state.value,
            "local_uri": self.local_uri,
            "remote_uri": self.remote_uri,
            "call_id": self.call_id,
        }
        return {name: value for name, value in measured.items() if value is not None}


def _milliseconds(start: float, end: float | None) -> float | None:
    return None if end is None else (end - start) * 1000


class Call:
    """The mutable middle of a call. Its parts (INVITE, re-INVITE, REFER, …) are objects of their own that act on it."""

    __slots__ = (
        "answered_at",
        "authenticator",
        "awaiting_ack",
        "caller",
        "code",
        "core",
        "dialog",
        "early",
        "ended_at",
        "ended_by",
        "hears_more",
        "held",
        "id",
        "identity",
        "incoming",
        "invited_at",
        "latest_message",
        "modification",
        "negotiation",
        "outgoing",
        "received",
        "refer",
        "ringing_at",
        "sent_refer",
        "session_timer",
        "state",
    )

    def __init__(self, core: Core, call: str, dialog: Dialog, now: float, *, caller: bool) -> None:
        self.core = core
        self.id = call
        self.dialog = dialog
        """The dialog; as a caller before an answer, the one that an answer would make, without remote tag."""
        self.caller = caller
        self.state = CallState.CALLING if caller else CallState.INCOMING
        self.negotiation = Negotiation(core.ids.session_id())
        self.received: dict[str, Answerable] = {}
        """The latest request of each method that came."""
        self.outgoing: OutgoingInvite | None = None
        self.incoming: IncomingInvite | None = None
        self.modification: Modification | None = None
        self.refer: ReceivedRefer | None = None
        """The REFER that came last."""
        self.sent_refer: SentRefer | None = None
        """Our latest REFER, until its subscription is over."""
        self.early: dict[str, EarlyDialog] = {}
        """As a caller: the early dialogs by their remote tag; a forked INVITE has several."""
        self.session_timer: SessionTimer | None = None
        """None when the agent wants none."""
        self.awaiting_ack: dict[int, AnswerAwaitingAck] = {}
        """2xx responses of ours whose ACK has not come, by the INVITE's CSeq number."""
        self.identity: Identity | None = None
        """Who placed it, where that is not the user agent's own user."""
        self.authenticator: Authenticator | None = None
        """Of that identity; None when it has no login."""
        self.held = False
        self.hears_more = False
        """Whether what was agreed before is heard as well, since the peer may not have our answer yet."""
        self.invited_at = now
        self.ringing_at: float | None = None
        self.answered_at: float | None = None
        self.ended_at: float | None = None
        self.ended_by = ""
        """Whose doing its end is, `local` or `remote`; empty before."""
        self.code: int | None = None
        self.latest_message: Message | None = None
        core.calls[call] = self

    @property
    def is_live(self) -> bool:
        """Whether its user still has it."""
        return self.state not in (CallState.RELEASING, CallState.ENDED)

    @property
    def is_early(self) -> bool:
        """Whether the INVITE has no final response yet."""
        return self.state in (CallState.CALLING, CallState.PROCEEDING, CallState.INCOMING)

    def turn_to(self, remote_tag: str) -> None:
        """Make the early dialog with that tag, if there is one, the one that everything is about from here on."""
        early = self.early.get(remote_tag)
        if early is not None:
            self.dialog, self.negotiation = early.dialog, early.negotiation

    # --- media ---

    def offer_in_the_way(self) -> int:
        """Status code that refuses an offer of the peer now, 0 when there may be one (RFC 3311 section 5.2): 491 when
        ours is not answered yet, 500 when the INVITE's is not."""
        if self.negotiation.offering:
            return 491
        unanswered = self.state is CallState.INCOMING and not (self.incoming and self.incoming.exchanged)
        return 500 if unanswered or not self.negotiation.complete else 0

    def report_media(self, *, early: bool = False, before: MediaParams | None = None) -> None:
        """Tell the negotiated stream. `before`: the session until now, as which the peer sends until it has our answer
        (RFC 3264 section 8.3.2): its codecs are heard as well."""
        params = self.negotiation.params
        assert params is not None, "there is a stream once an answer was accepted"
        heard = params if before is None else hears_too(params, before.receive_formats)
        self.hears_more = heard is not params
        self.core.emit(MediaNegotiated(self.id, heard, early))

    def report_hold(self) -> None:
        """Tell when a re-INVITE of the peer put the call on hold or took it back."""
        held = self.negotiation.held_by_peer
        if held != self.held:
            self.held = held
            self.core.emit(CallHeld(self.id) if held else CallResumed(self.id))

    # --- its end ---

    def end(self, by: str, cause: str, reason: str, now: float, request: Request | None = None) -> None:
        """The call is over for its user; nothing but its last transaction goes on. `request`: the BYE or CANCEL that
        ended it."""
        if self.ended_at is None:
            self.ended_at = now
            self.ended_by = by
            headers = () if request is None else tuple(request.headers.items())
            body = "" if request is None else request.body.decode("utf-8", "replace")
            self.core.emit(CallEnded(self.id, by, cause, reason, headers, body))
        self.state = CallState.RELEASING
        for answer in list(self.awaiting_ack.values()):
            answer.give_up()
        self._stop_changing()

    def _stop_changing(self) -> None:
        """No modification is tried again, and no session refreshed."""
        if self.session_timer is not None:
            self.session_timer.stop()
        if self.modification is not None:
            self.modification.abandon()

    def hang_up(
        self, now: float, cause: str = "bye", reason: str = "", headers: tuple[tuple[str, str], ...] = ()
    ) -> None:
        """Send BYE (section 15.1.1)."""
        self.end("local", cause, reason, now)
        self.core.send_in_dialog(
            "BYE", self.dialog, _Bye(self), self.id, now, lambda templates: with_headers(templates.request, headers)
        )

    def hung_up_on(self, now: float) -> None:
        """The peer's BYE was answered: released, unless the subscription of our REFER is still open. Then how the
        transfer ended is yet to be told, and the call is released behind that."""
        if self.sent_refer is None or self.core.closing:
            self.released(200, now)
        else:
            self.sent_refer.outlive(now)

    def stop_waiting(self, now: float) -> None:
        """Its user does not want to hear how the transfer ends."""
        if self.sent_refer is not None and self.ended_by == "remote":
            self.released(200, now)

    def refer_is_over(self, now: float) -> None:
        """The subscription of our REFER has ended: when the call has, too, then so has the dialog (RFC 5057)."""
        self.sent_refer = None
        if self.state is CallState.ENDED:
            self._forget_dialog()
        elif self.state is CallState.RELEASING and self.ended_by == "remote":
            self.released(200, now)

    def released(self, code: int, now: float, reason: str = "") -> None:
        """The last transaction is done: the call leaves the user agent, what can be asked about it stays a while.

        Its dialog goes on, unseen, while the subscription of our REFER is open: each NOTIFY has its answer.
        """
        if self.state is CallState.ENDED:
            return
        if self.ended_at is None:
            self.ended_at = now
        self.state = CallState.ENDED
        self._stop_changing()
        core = self.core
        core.calls.pop(self.id, None)
        if self.sent_refer is None or core.closing:
            self._forget_dialog()
        else:
            self.sent_refer.outlive(now)
        core.emit(CallReleased(self.id, code, reason))
        if self.incoming is not None:
            self.incoming.forget_provisionals()
        # These refer back to the call: without the cycles it goes when the last reference goes, not when a garbage
        # collector that has thousands of calls to look through comes by.
        self.outgoing = self.incoming = self.modification = self.session_timer = None
        core.ended[self.id] = self
        while len(core.ended) > core.config.ended_sessions_kept:
            del core.ended[next(iter(core.ended))]

    def _forget_dialog(self) -> None:
        if self.core.dialogs.get(self.dialog.key) is self:
            del self.core.dialogs[self.dialog.key]

    # --- what can be asked ---

    def session(self) -> Session:
        """The call as it is now."""
        dialog, message = self.dialog, self.latest_message
        return Session(
            call=self.id,
            state=self.state,
            caller=self.caller,
            local_uri=dialog.local.partition("<")[2].partition(">")[0] or dialog.local.partition(";")[0],
            remote_uri=dialog.remote.partition("<")[2].partition(">")[0] or dialog.remote.partition(";")[0],
            call_id=dialog.call_id,
            local_tag=dialog.local_tag,
            remote_tag=dialog.remote_tag,
            invited_at=self.invited_at,
            ringing_at=self.ringing_at,
            answered_at=self.answered_at,
            ended_at=self.ended_at,
            code=self.code,
            headers=tuple(message.headers.items()) if message is not None else (),
        )


class _Bye:
    """The BYE of a call: whatever its answer, the call is released (section 15.1.1)."""

    __slots__ = ("_call",)

    def __init__(self, call: Call) -> None:
        self._call = call

    def response_received(self, transaction: ClientTransaction, response: Response, now: float) -> None:
        if response.status_code >= 200:
            self._call.released(response.status_code, now)

    def request_failed(self, transaction: ClientTransaction | None, code: int, reason: str, now: float) -> None:
        self._call.released(code, now, "" if code == 408 else reason)
