"""`expect`: statements that wait for what the other side does. What came before they began still counts."""

from __future__ import annotations

import enum
import re
from abc import abstractmethod
from functools import partial
from typing import ClassVar

from sipflow import events
from sipflow.events import Payload
from sipflow.flow.call import Arrival, CallState, LaneCall, describe
from sipflow.flow.outcome import Failure, Outcome, Success
from sipflow.flow.scope import MessageScope
from sipflow.flow.statements.base import CallStatement, Find, OpT, Statement
from sipflow.flow.statements.media import judge_recording
from sipflow.ir import ops
from sipflow.ir.expr import Expr
from sipflow.plan.evaluate import evaluate


class ExpectStatement(CallStatement[OpT]):
    """An event of one kind on one call; the end of the call fails it at once unless the event came before."""

    needs_live_call = False
    kind: ClassVar[type[Payload]] = Payload

    def begin(self, now: float) -> Outcome | None:
        """Look at what is there."""
        failure = self.prepare()
        return failure if failure is not None or self.call is None else self.look(self.call, now)

    def prepare(self) -> Failure | None:
        """Find the call."""
        self.call = self.lane.call_for(self.node.call)
        return self.no_call() if self.call is None else None

    def find(self) -> Find | None:
        """The first event that satisfies it, left in the inbox."""
        call = self.call
        for place, arrival in enumerate(() if call is None else call.inbox):
            assert call is not None, "there is no inbox without a call"
            if self.wanted(arrival.payload) and isinstance(outcome := self.judge(arrival, call), Success):
                return Find(arrival.time, place, outcome, partial(call.drop, arrival))
        return None

    def hopeless(self) -> Failure | None:
        """Whether the event cannot come any more."""
        return None if self.call is None else self.spoiled(self.call)

    def look(self, call: LaneCall, now: float) -> Outcome | None:
        """The first event of the kind."""
        arrival = call.take(self.wanted)
        if arrival is not None:
            return self.judge(arrival, call)
        return self.spoiled(call)

    def wanted(self, payload: Payload) -> bool:
        """Whether this is the event."""
        return isinstance(payload, self.kind)

    def judge(self, arrival: Arrival, call: LaneCall) -> Outcome:
        """What the event says."""
        return Success(f"{describe(arrival.payload)} at {arrival.time:.3f} s")

    def spoiled(self, call: LaneCall) -> Failure | None:
        """Whether the event cannot come any more."""
        return Failure(self.expected(), call.why_over()) if call.state is CallState.ENDED else None

    def expected(self) -> str:
        """The statement without its first word."""
        return self.node.text.removeprefix("expect ")


class ExpectRingingStatement(ExpectStatement[ops.ExpectRinging]):
    """`expect ringing`."""

    kind = events.CallRinging

    def spoiled(self, call: LaneCall) -> Failure | None:
        """A call that is answered never rings again."""
        if call.state is CallState.ANSWERED:
            return Failure(self.expected(), "the call was answered without ringing")
        return super().spoiled(call)


class ExpectProgressStatement(ExpectStatement[ops.ExpectProgress]):
    """`expect progress`."""

    kind = events.CallProgressed

    def spoiled(self, call: LaneCall) -> Failure | None:
        """A call that is answered has no early media any more."""
        if call.state is CallState.ANSWERED:
            return Failure(self.expected(), "the call was answered without early media")
        return super().spoiled(call)


class ExpectAnsweredStatement(ExpectStatement[ops.ExpectAnswered]):
    """`expect answered`."""

    kind = events.CallAnswered


class ExpectRejectedStatement(ExpectStatement[ops.ExpectRejected]):
    """`expect rejected [CODE]`."""

    kind = events.CallRejected

    def judge(self, arrival: Arrival, call: LaneCall) -> Outcome:
        """The code must be the one, and it must have come from the network."""
        rejection = arrival.payload
        assert isinstance(rejection, events.CallRejected), "wanted() lets nothing else through"
        if rejection.local and rejection.code != 487:
            return Failure(self.expected(), f"no response at all ({rejection.reason}) at {arrival.time:.3f} s")
        if self.op.code is not None and rejection.code != self.op.code:
            return Failure(self.expected(), f"{describe(rejection)} at {arrival.time:.3f} s")
        return super().judge(arrival, call)

    def spoiled(self, call: LaneCall) -> Failure | None:
        """An answered call cannot be rejected any more."""
        if call.state is CallState.ANSWERED:
            return Failure(self.expected(), "the call was answered")
        return super().spoiled(call)


class ExpectHangupStatement(ExpectStatement[ops.ExpectHangup]):
    """`expect hangup`."""

    def wanted(self, payload: Payload) -> bool:
        """Only the peer's doing."""
        return isinstance(payload, events.CallEnded) and payload.by == "remote"

    def judge(self, arrival: Arrival, call: LaneCall) -> Outcome:
        """The BYE or CANCEL must be as the condition says."""
        ended = arrival.payload
        assert isinstance(ended, events.CallEnded), "wanted() lets nothing else through"
        if self.op.where is not None:
            method = "CANCEL" if ended.cause == "cancel" else "BYE"
            message = events.RequestReceived(ended.call, method, ended.headers, ended.body, 0)
            if evaluate(self.op.where, MessageScope(self.lane.scope, message)) is not True:
                return Failure(self.expected(), f"{describe(ended)} at {arrival.time:.3f} s")
        return super().judge(arrival, call)


class ExpectHeldStatement(ExpectStatement[ops.ExpectHeld]):
    """`expect held`."""

    kind = events.CallHeld


class ExpectResumedStatement(ExpectStatement[ops.ExpectResumed]):
    """`expect resumed`."""

    kind = events.CallResumed


class ExpectTransferStatement(ExpectStatement[ops.ExpectTransfer]):
    """`expect transfer`."""

    kind = events.TransferRequested


class ExpectTransferredStatement(ExpectStatement[ops.ExpectTransferred]):
    """`expect transferred`: for the one who transfers, who is transferred, and whose call was taken over."""

    def wanted(self, payload: Payload) -> bool:
        """An outcome of a transfer."""
        if isinstance(payload, events.TransferProgressed):
            return payload.final
        return isinstance(payload, events.CallTransferred | events.TransferRejected)

    def judge(self, arrival: Arrival, call: LaneCall) -> Outcome:
        """It must be a good one."""
        outcome = arrival.payload
        if isinstance(outcome, events.CallTransferred) or (
            isinstance(outcome, events.TransferProgressed) and 200 <= outcome.code < 300
        ):
            return super().judge(arrival, call)
        return Failure(self.expected(), f"{describe(outcome)} at {arrival.time:.3f} s")


class ExpectRecordedStatement(ExpectStatement[ops.ExpectRecorded]):
    """`expect recorded`."""

    kind = events.RecordingFinished
    judged = 0
    """Token of the recording that was looked at last."""

    def judge(self, arrival: Arrival, call: LaneCall) -> Outcome:
        """The file must be whole."""
        assert isinstance(arrival.payload, events.RecordingFinished), "wanted() lets nothing else through"
        self.judged = arrival.payload.token
        return judge_recording(arrival.payload, self.expected())

    def look(self, call: LaneCall, now: float) -> Outcome | None:
        """The lane is told of a file that is not whole."""
        outcome = super().look(call, now)
        if isinstance(outcome, Failure):
            call.broken_recordings.pop(self.judged, None)
        return outcome

    def spoiled(self, call: LaneCall) -> Failure | None:
        """Files are closed after the end of the call: that alone spoils nothing."""
        return None if call.open_recordings else Failure(self.expected(), "nothing is being recorded")


class ExpectPlayedStatement(ExpectStatement[ops.ExpectPlayed]):
    """`expect played`: a play in background came to its end."""

    kind = events.PlayFinished

    def judge(self, arrival: Arrival, call: LaneCall) -> Outcome:
        """To its end, not cut short."""
        finished = arrival.payload
        assert isinstance(finished, events.PlayFinished), "wanted() lets nothing else through"
        if finished.completed:
            return super().judge(arrival, call)
        why = f": {finished.error}" if finished.error else ""
        return Failure(self.expected(), f"it stopped after {finished.played_ms / 1000:.2f} s{why}")


class Standing(enum.Enum):
    """How digits that came stand to those that are waited for."""

    WHOLE = "whole"
    BEGUN = "begun"
    WRONG = "wrong"
    """Whatever comes now, these cannot become whole."""


_WAYS = {"rfc4733": "by RFC 4733", "inband": "in the audio", "info": "by INFO"}


class ExpectDtmfStatement(ExpectStatement[ops.ExpectDtmf]):
    """`expect dtmf`: digits are taken in order, and a wrong one fails at once."""

    kind = events.DtmfReceived

    def prepare(self) -> Failure | None:
        """Know the digits."""
        self.wanted_digits = self.text(self.op.digits).upper()
        self.got = ""
        self.ways: dict[str, None] = {}
        return super().prepare()

    def look(self, call: LaneCall, now: float) -> Outcome | None:
        """One digit after the other."""
        while (arrival := call.take(self.wanted)) is not None:
            outcome = self.judge_digit(arrival)
            if outcome is not None:
                return outcome
        return self.spoiled(call)

    def judge_digit(self, arrival: Arrival) -> Outcome | None:
        """Complete, wrong, or to be continued."""
        assert isinstance(arrival.payload, events.DtmfReceived), "wanted() lets nothing else through"
        self.got += arrival.payload.digit
        self.ways[arrival.payload.via] = None
        ways = [] if list(self.ways) == ["rfc4733"] else [_WAYS[via] for via in self.ways]
        at = f"at {arrival.time:.3f} s{''.join(f', {way}' for way in ways)}"
        match self.standing(self.got):
            case Standing.WRONG:
                return Failure(self.expected(), f'dtmf "{self.got}" {at}')
            case Standing.WHOLE:
                self.capture(self.got)
                return Success(f'dtmf "{self.got}" {at}')
            case _:
                return None

    def standing(self, digits: str) -> Standing:
        """How `digits` stand to the wanted ones. What may still match a pattern, nobody knows."""
        if self.op.pattern is not None:
            return Standing.WHOLE if re.fullmatch(self.op.pattern, digits) else Standing.BEGUN
        if self.wanted_digits and not self.wanted_digits.startswith(digits):
            return Standing.WRONG
        return Standing.WHOLE if len(digits) >= len(self.wanted_digits) else Standing.BEGUN

    def capture(self, digits: str) -> None:
        """`as NAME`: the digits are a variable from now on."""
        if self.op.capture is not None:
            self.lane.scope.variables[self.op.capture] = digits

    def spoiled(self, call: LaneCall) -> Failure | None:
        """No digit comes after the end of the call."""
        if call.state is not CallState.ENDED:
            return None
        return Failure(self.expected(), f"{self._so_far()}; {call.why_over()}")

    def expire(self, limit: str) -> Failure:
        """Too few digits."""
        return Failure(self.expected(), f"{self._so_far()} within {limit}{self.instead()}")

    def _so_far(self) -> str:
        return f'only dtmf "{self.got}" came' if self.got else "no digit came"


class ExpectCallStatement(Statement[ops.ExpectCall]):
    """`expect call [from X] [where C]`: the lane has the call from now on; `answer`, `ring` and `reject` act on it."""

    polls_for_calls = True

    def begin(self, now: float) -> Outcome | None:
        """Take the call that is there."""
        self.prepare()
        return self.poll(now)

    def prepare(self) -> Failure | None:
        """Know the caller."""
        self.caller = self.op.caller_agent or self.text(self.op.caller)
        return None

    def find(self) -> Find | None:
        """The first call that nobody has, left to whoever claims it."""
        call = self.lane.waiting_call(self._is_wanted)
        if call is None:
            return None
        claim = partial(self.lane.claim, lambda other: other is call, self.op.name)
        return Find(call.since, 0, _came(call), lambda: (claim(), None)[1])

    def hopeless(self) -> Failure | None:
        """Somebody may always call."""
        return None

    def poll(self, now: float) -> Outcome | None:
        """The first call that nobody has."""
        call = self.lane.claim(self._is_wanted, self.op.name)
        return None if call is None else _came(call)

    def _is_wanted(self, call: LaneCall) -> bool:
        return (not self.caller or is_same_party(self.caller, call.peer)) and self._fits(call)

    def _fits(self, call: LaneCall) -> bool:
        """Whether the `where` condition holds for its INVITE."""
        if self.op.where is None or call.invite is None:
            return self.op.where is None
        return evaluate(self.op.where, MessageScope(self.lane.scope, call.invite)) is True

    def expected(self) -> str:
        """A call."""
        return f"a call from {self.caller}" if self.caller else "a call"

    def expire(self, limit: str) -> Failure:
        """Nobody called."""
        return Failure(self.expected(), f"nobody called {self.lane.agent} within {limit}")


def _came(call: LaneCall) -> Success:
    return Success(f"call from {call.peer} at {call.since:.3f} s")


def is_same_party(wanted: str, uri: str) -> bool:
    """Whether `wanted` (a user part, user@host or a whole URI) names the party with this URI."""
    address = uri.partition(":")[2].partition(";")[0].partition("?")[0]
    user = address.partition("@")[0] if "@" in address else ""
    return wanted in (uri, address, user) or wanted.partition(":")[2] == address


class RequestStatement(Statement[OpT]):
    """A message outside the machinery of calls: in the lane's call, or outside of any."""

    where: Expr | None = None

    def begin(self, now: float) -> Outcome | None:
        """Look at what is there."""
        self.prepare()
        return self.poll(now)

    def prepare(self) -> Failure | None:
        """Find the call; it needs none."""
        self.call = self.lane.call_for(self.node.call)
        return None

    def find(self) -> Find | None:
        """The first message that satisfies it, left where it is."""
        for inbox in (*(() if self.call is None else (self.call.inbox,)), *self.lane.inboxes()):
            for place, arrival in enumerate(inbox):
                if self.wanted(arrival.payload) and isinstance(outcome := self.judge(arrival), Success):
                    return Find(arrival.time, place, outcome, partial(inbox.remove, arrival))
        return None

    def hopeless(self) -> Failure | None:
        """A message may always come."""
        return None

    def poll(self, now: float) -> Outcome | None:
        """The first message that fits."""
        arrival = None if self.call is None else self.call.take(self.wanted)
        arrival = arrival or self.lane.take_message(self.wanted)
        return None if arrival is None else self.judge(arrival)

    @abstractmethod
    def wanted(self, payload: Payload) -> bool:
        """Whether this is the message."""

    def fits(self, message: events.RequestReceived | events.ResponseReceived) -> bool:
        """Whether the `where` condition holds for it."""
        return self.where is None or evaluate(self.where, MessageScope(self.lane.scope, message)) is True

    def judge(self, arrival: Arrival) -> Outcome:
        """It came."""
        return Success(f"{describe(arrival.payload)} at {arrival.time:.3f} s")

    def expected(self) -> str:
        """The statement without its first word."""
        return self.node.text.removeprefix("expect ")


class ExpectRequestStatement(RequestStatement[ops.ExpectRequest]):
    """`expect info|message|options|request METHOD [where C]`."""

    def wanted(self, payload: Payload) -> bool:
        """A request with this method."""
        self.where = self.op.where
        return isinstance(payload, events.RequestReceived) and payload.method == self.op.method and self.fits(payload)


class ExpectNotifyStatement(RequestStatement[ops.ExpectNotify]):
    """`expect notify [where C]`: a NOTIFY of a transfer, or any other."""

    def wanted(self, payload: Payload) -> bool:
        """A NOTIFY."""
        self.where = self.op.where
        if isinstance(payload, events.TransferProgressed):
            return self.where is None
        return isinstance(payload, events.RequestReceived) and payload.method == "NOTIFY" and self.fits(payload)


class ExpectResponseStatement(RequestStatement[ops.ExpectResponse]):
    """`expect response [CODE] [where C]`: the response of the lane's latest `send`."""

    def wanted(self, payload: Payload) -> bool:
        """Any response: the first one is judged."""
        return isinstance(payload, events.ResponseReceived)

    def judge(self, arrival: Arrival) -> Outcome:
        """Its code and the condition."""
        self.where = self.op.where
        response = arrival.payload
        assert isinstance(response, events.ResponseReceived), "wanted() lets nothing else through"
        came = f"{response.code} {response.reason} at {arrival.time:.3f} s"
        fine = self.op.code in (None, response.code) and self.fits(response)
        return Success(came) if fine else Failure(self.expected(), came)
