"""A call as its lane sees it: one name, one inbox, whatever dialogs carry it in the course of transfers."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass

from sipflow import events
from sipflow.events import Payload
from sipflow.ir.graph import Node
from sipflow.media_params import MediaParams


class CallState(enum.Enum):
    """Where a call stands for its user."""

    INCOMING = "incoming"
    PLACED = "placed"
    ANSWERED = "answered"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Arrival:
    """An event in an inbox, with the time at which it came."""

    time: float
    payload: Payload


class LaneCall:
    """Mutable state of one call. Its scenario feeds it; statements take events out of its inbox."""

    def __init__(self, call_id: str, agent: str, state: CallState, *, name: str | None, peer: str, at: float) -> None:
        self.id = call_id
        self.agent = agent
        self.name = name
        self.peer = peer
        """Who is at the other end: target of a placed call, From URI of an incoming one."""
        self.state = state
        self.since = at
        self.inbox: list[Arrival] = []
        self.invite: events.RequestReceived | None = None
        """The INVITE of an incoming call, as a condition behind `where` sees it."""
        self.media: MediaParams | None = None
        self.rejection: events.CallRejected | None = None
        self.end: events.CallEnded | None = None
        self.ended_at = 0.0
        self.held_by_us = False
        self.dialogs = {call_id}
        """Dialogs that are not released yet."""
        self.next_id: str | None = None
        """Dialog that will carry the call when it is answered: a transfer is on its way."""
        self.open_recordings: dict[int, Node] = {}
        """The statements that record, by their tokens."""
        self.broken_recordings: dict[int, tuple[Node, events.RecordingFinished]] = {}
        """Files that are not whole, of which the lane has not been told."""
        self.unprotected = ""
        """Why its media is not protected as it has to be; empty when it is, and once a lane has failed for it."""
        self._old_end: tuple[events.CallEnded, float] | None = None
        """End of the dialog that a transfer is about to replace; it counts only when the transfer fails."""

    @property
    def closed(self) -> bool:
        """Whether nothing of this call is left on the wire or on disk."""
        return not self.dialogs and not self.open_recordings

    def receive(self, payload: Payload, now: float) -> None:
        """Take in an event of any of the call's dialogs."""
        call_id = getattr(payload, "call", self.id)
        if isinstance(payload, events.CallReleased):
            self.dialogs.discard(call_id)
        if call_id == self.next_id:
            self._receive_from_next(payload, now)
        elif call_id == self.id:
            self._receive_own(payload, now)

    def _receive_from_next(self, payload: Payload, now: float) -> None:
        match payload:
            case events.CallAnswered() | events.CallConfirmed():
                self._go_on_in(payload.call, now)
            case events.CallRejected() | events.CallEnded():
                self._stay(payload, now)
            case events.MediaNegotiated(params=params):
                self.media = params
            case _:
                pass

    def _go_on_in(self, dialog: str, now: float) -> None:
        self.inbox.append(Arrival(now, events.CallTransferred(self.id, dialog)))
        self.id, self.next_id, self._old_end = dialog, None, None
        self.state = CallState.ANSWERED

    def _stay(self, payload: Payload, now: float) -> None:
        self.next_id = None
        self.inbox.append(Arrival(now, payload))
        if self._old_end is not None:
            self._receive_own(*self._old_end)

    def _receive_own(self, payload: Payload, now: float) -> None:
        if isinstance(payload, events.CallEnded) and self.next_id is not None:
            self._old_end = (payload, now)
            return
        self.inbox.append(Arrival(now, payload))
        match payload:
            case events.CallAnswered() | events.CallConfirmed():
                self.state = CallState.ANSWERED
            case events.MediaNegotiated(params=params):
                self.media = params
            case events.MediaUnprotected(reason=reason):
                self.unprotected = reason
            case events.CallRejected():
                self._finish(now)
                self.rejection = payload
            case events.CallEnded():
                self._finish(now)
                self.end = payload
            case events.RecordingFinished(token=token, error=error):
                node = self.open_recordings.pop(token, None)
                if error and node is not None:
                    self.broken_recordings[token] = node, payload
            case events.CommandFailed(token=token):
                self.open_recordings.pop(token, None)
            case _:
                pass

    def _finish(self, now: float) -> None:
        self.state = CallState.ENDED
        self.ended_at = now

    def take(self, wanted: Callable[[Payload], bool], *, leave: bool = False) -> Arrival | None:
        """The first event in the inbox that is `wanted`; it is gone from the inbox unless `leave` says otherwise."""
        for index, arrival in enumerate(self.inbox):
            if wanted(arrival.payload):
                return arrival if leave else self.inbox.pop(index)
        return None

    def drop(self, arrival: Arrival) -> None:
        """Take out an event that was found in the inbox."""
        self.inbox = [other for other in self.inbox if other is not arrival]

    def why_over(self) -> str:
        """How the call ended, for a person."""
        at = f" at {self.ended_at:.3f} s"
        if self.rejection is not None:
            why = "could not be made: " if self.rejection.environment else "was rejected with "
            return f"the call {why}{describe(self.rejection)}{at}"
        if self.end is not None:
            return f"the call ended: {describe(self.end)}{at}"
        return "the call is over"


def describe(payload: Payload) -> str:
    """What happened, in the few words of a report."""
    match payload:
        case events.CallEnded(by="remote", cause="bye"):
            return "the peer hung up (BYE)"
        case events.CallEnded(by="remote", cause="cancel"):
            return "the caller gave up (CANCEL)"
        case events.CallEnded(by="local", cause="rejected", reason=reason):
            return f"it was refused here{': ' if reason else ''}{reason}"
        case events.CallEnded(by="local", cause="bye", reason=reason):
            return f"it was ended here (BYE{', ' if reason else ''}{reason})"
        case events.CallEnded(by=by, cause=cause, reason=reason):
            return f"ended by the {by} side, {cause}{': ' if reason else ''}{reason}"
        case events.CallRejected(reason=reason, environment=True):
            return reason
        case events.CallRejected(code=code, reason=reason, local=local):
            return f"{code} {reason}{' (no answer from the network)' if local and code == 408 else ''}"
        case events.DtmfReceived(digit=digit, via=via):
            return f'dtmf "{digit}"{"" if via == "rfc4733" else f" by {via}"}'
        case events.CallRinging(code=code):
            return f"{code} ringing"
        case events.CallProgressed(code=code):
            return f"{code} with early media"
        case events.TransferProgressed(code=code, final=final):
            return f"transfer {'ended' if final else 'at'} {code}"
        case events.TransferRequested(refer_to=target):
            return f"transfer to {target}"
        case events.RequestReceived(method=method):
            return method
        case events.PlayFinished(played_ms=played):
            return f"played {played / 1000:.2f} s"
        case events.RecordingFinished(path=path, duration_ms=duration):
            return f"recorded {duration / 1000:.2f} s into {path}"
        case events.HearingFinished(what=what):
            return f"heard {what}"
        case _:
            return _DESCRIPTIONS.get(type(payload), type(payload).__name__)


_DESCRIPTIONS: dict[type[Payload], str] = {
    events.CallAnswered: "answered",
    events.CallHeld: "held",
    events.CallResumed: "resumed",
    events.CallTransferred: "transferred",
    events.CallModified: "session changed",
    events.MediaFirstPacket: "first RTP packet",
    events.MediaUnprotected: "media that is not protected",
}

QUIET = (
    events.MediaNegotiated,
    events.MediaProgress,
    events.CommandDone,
    events.CallMeasured,
    events.CallConfirmed,
    events.CallReleased,
    events.MediaFirstPacket,
    events.MediaSecured,
    events.CallPlaced,
    events.DtmfSent,
    events.Hearing,
)
"""Events that no `expect` waits for: they are never told as what came instead."""
