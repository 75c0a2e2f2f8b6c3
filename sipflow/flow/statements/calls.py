"""Statements that make, take, change and end calls."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar, TypeVar

from sipflow import events
from sipflow.flow import commands
from sipflow.flow.call import CallState, LaneCall, describe
from sipflow.flow.outcome import COMMAND_FAILED, ENVIRONMENT, Failure, Outcome, Success
from sipflow.flow.statements.base import CallStatement, OpT, Statement
from sipflow.ir import ops
from sipflow.media_params import Direction, RtpFormat

MAX_REDIRECTS = 5
"""As many hops as a phone follows before it thinks that two servers send it in circles."""


class _Placing(Statement[OpT]):
    """What `call` and `dial` share."""

    def place(self, op: ops.Call | ops.Dial, now: float) -> LaneCall:
        target, local = self.target(op.target, op.target_agent)
        call = self.lane.new_call(op.name, target, now)
        self._invite(call, op, target, local)
        return call

    def _invite(self, call: LaneCall, op: ops.Call | ops.Dial, target: str, local: bool) -> None:
        formats, caller = self.lane.formats(op.extra.codecs), self.lane.calls_as()
        self.lane.command(
            commands.PlaceCall(self.lane.agent, call.id, target, local, formats, self.message(op.extra), caller),
        )


class CallStatementNode(_Placing[ops.Call]):
    """`call TARGET`."""

    def begin(self, now: float) -> Outcome | None:
        """Send the INVITE."""
        self.redirects = 0
        self.call = self.place(self.op, now)
        return None

    def poll(self, now: float) -> Outcome | None:
        """Answered, redirected, rejected?"""
        assert self.call is not None, "poll comes after begin"
        call = self.call
        if call.take(lambda p: isinstance(p, events.CallAnswered)):
            return Success(f"answered after {now - call.since:.3f} s")
        if call.rejection is not None:
            return self._follow(call, call.rejection, now)
        if call.state is CallState.ENDED:
            return Failure(self.expected(), call.why_over())
        return None

    def _follow(self, call: LaneCall, rejection: events.CallRejected, now: float) -> Outcome | None:
        if 300 <= rejection.code < 400 and rejection.contacts and self.redirects < MAX_REDIRECTS:
            self.redirects += 1
            self.call = self.lane.new_call(self.op.name, rejection.contacts[0], now)
            self._invite(self.call, self.op, rejection.contacts[0], False)
            return None
        code = ENVIRONMENT if rejection.environment else COMMAND_FAILED
        return Failure(self.expected(), f"{describe(rejection)} at {call.ended_at:.3f} s", code)

    def expected(self) -> str:
        """An answer."""
        return f"an answer to `{self.node.text}`"

    def expire(self, limit: str) -> Failure:
        """Nobody answered."""
        return Failure(self.expected(), f"no answer within {limit}{self.instead()}")


class DialStatement(_Placing[ops.Dial]):
    """`dial TARGET`."""

    def begin(self, now: float) -> Outcome | None:
        """Send the INVITE, and go on."""
        self.place(self.op, now)
        return Success()


class IncomingStatement(Statement[OpT]):
    """A statement that takes an incoming call: the one that this lane claimed, else the next that comes."""

    polls_for_calls = True

    def begin(self, now: float) -> Outcome | None:
        """Take the call that is there."""
        current = self.lane.call_for(self.node.call)
        if current is not None and current.state is CallState.INCOMING:
            name = self.wanted_name()
            current.name = name if name is not None else current.name
            self.call = current
            return self.accept(current, now)
        return self.poll(now)

    def poll(self, now: float) -> Outcome | None:
        """Take the next call, or look how the taken one goes on."""
        if self.call is not None:
            return self.look(self.call, now)
        self.call = self.lane.claim(lambda call: call.state is CallState.INCOMING, self.wanted_name())
        return None if self.call is None else self.accept(self.call, now)

    def wanted_name(self) -> str | None:
        """The name that the statement gives to the call."""
        return None

    @abstractmethod
    def accept(self, call: LaneCall, now: float) -> Outcome | None:
        """Do it to the call."""

    def look(self, call: LaneCall, now: float) -> Outcome | None:
        """How the call took it."""
        return None

    def expire(self, limit: str) -> Outcome:
        """No call, or no ACK."""
        if self.call is None:
            return Failure(f"a call for {self.lane.agent}", f"nobody called within {limit}")
        return super().expire(limit)


class AnswerStatement(IncomingStatement[ops.Answer]):
    """`answer`: done when the ACK came, so that what follows finds both sides ready."""

    def wanted_name(self) -> str | None:
        """`as NAME`."""
        return self.op.name

    def accept(self, call: LaneCall, now: float) -> Outcome | None:
        """Send the 200."""
        formats = self.lane.formats(self.op.extra.codecs)
        self.lane.command(commands.AnswerCall(self.lane.agent, call.id, formats, self.message(self.op.extra)))
        return None

    def look(self, call: LaneCall, now: float) -> Outcome | None:
        """ACK, or the end."""
        if call.state is CallState.ANSWERED:
            return Success(f"call from {call.peer}")
        if call.state is CallState.ENDED:
            return Failure(self.expected(), call.why_over())
        refused = call.take(lambda p: isinstance(p, events.CommandFailed))
        return Failure(self.expected(), _reason(refused.payload), "SF506") if refused else None

    def expected(self) -> str:
        """A call that is taken."""
        return "a call that is answered and acknowledged"


class RingStatement(IncomingStatement[ops.Ring]):
    """`ring`."""

    def wanted_name(self) -> str | None:
        """`as NAME`."""
        return self.op.name

    def accept(self, call: LaneCall, now: float) -> Outcome | None:
        """Send the 180."""
        self.token = self.lane.new_token()
        self.lane.command(commands.RingCall(self.lane.agent, call.id, self.token, self.message(self.op.extra)))
        return None

    def look(self, call: LaneCall, now: float) -> Outcome | None:
        """It is sent, or the call is gone."""
        arrival = call.take(self._is_answer)
        if arrival is not None and isinstance(arrival.payload, events.CommandFailed):
            return Failure(self.expected(), _reason(arrival.payload), COMMAND_FAILED)
        if arrival is None and call.state is CallState.ENDED:
            return Failure(self.expected(), call.why_over())
        return None if arrival is None else Success(f"call from {call.peer}")

    def _is_answer(self, payload: events.Payload) -> bool:
        return isinstance(payload, events.CommandDone | events.CommandFailed) and payload.token == self.token


class ProgressStatement(IncomingStatement[ops.Progress]):
    """`progress`."""

    def wanted_name(self) -> str | None:
        """`as NAME`."""
        return self.op.name

    def accept(self, call: LaneCall, now: float) -> Outcome | None:
        """Send the 183; media flows as soon as offer and answer are complete."""
        self.lane.command(commands.ProgressCall(self.lane.agent, call.id, self.message(self.op.extra)))
        return None

    def look(self, call: LaneCall, now: float) -> Outcome | None:
        """Early media is there, or the call is not."""
        if call.media is not None:
            return Success(f"early media in {call.media.send_format.name}")
        if call.state is CallState.ENDED:
            return Failure(self.expected(), call.why_over())
        refused = call.take(lambda p: isinstance(p, events.CommandFailed | events.MediaRefused))
        return Failure(self.expected(), _reason(refused.payload)) if refused else None


class RefuseStatement(IncomingStatement[OpT]):
    """What `reject` and `redirect` share: they are done when the call is over, so that the next one takes the next."""

    def look(self, call: LaneCall, now: float) -> Outcome | None:
        """Over, or refused."""
        if call.state is CallState.ENDED:
            by_us = call.end is not None and call.end.by == "local"
            return Success(f"call from {call.peer}") if by_us else Failure(self.expected(), call.why_over())
        refused = call.take(lambda p: isinstance(p, events.CommandFailed))
        return Failure(self.expected(), _reason(refused.payload), COMMAND_FAILED) if refused else None


class RejectStatement(RefuseStatement[ops.Reject]):
    """`reject CODE`."""

    def accept(self, call: LaneCall, now: float) -> Outcome | None:
        """Send the final response."""
        reason, message = self.text(self.op.reason), self.message(self.op.extra)
        self.lane.command(commands.RejectCall(self.lane.agent, call.id, self.op.code, reason, message))
        return None


class RedirectStatement(RefuseStatement[ops.Redirect]):
    """`redirect TARGET`."""

    def accept(self, call: LaneCall, now: float) -> Outcome | None:
        """Send the 302."""
        target, local = self.target(self.op.target, self.op.target_agent)
        self.lane.command(commands.RedirectCall(self.lane.agent, call.id, target, local, self.message(self.op.extra)))
        return None


class ReleaseStatement(CallStatement[ops.Release]):
    """`release`."""

    needs_live_call = False

    def act(self, call: LaneCall, now: float) -> Outcome | None:
        """Send what the state needs."""
        if call.state is not CallState.ENDED or call.id in call.dialogs:
            self.lane.command(commands.ReleaseCall(self.lane.agent, call.id, self.message(self.op.extra)))
        return self.look(call, now)

    def look(self, call: LaneCall, now: float) -> Outcome | None:
        """The last transaction is done."""
        arrival = call.take(lambda p: isinstance(p, events.CallReleased))
        if arrival is not None and isinstance(arrival.payload, events.CallReleased):
            return self._judge(call, arrival.payload, now)
        return Success() if call.id not in call.dialogs else None

    def _judge(self, call: LaneCall, released: events.CallReleased, now: float) -> Outcome:
        """Only our own BYE has an answer to judge. 481 says that the peer has forgotten the call: that is fine, too."""
        code = released.code
        if not _is_by_our_bye(call) or code < 300 or code == 481:
            return Success()
        got = "nobody answered the BYE" if code == 408 else f"the BYE was answered with {code}"
        got = f"the BYE did not arrive: {released.reason}" if released.reason else got
        return Failure(self.expected(), f"{got} at {now:.3f} s", COMMAND_FAILED)

    def expire(self, limit: str) -> Outcome:
        """The BYE is sent again for longer than most statements have patience."""
        if self.call is not None and _is_by_our_bye(self.call):
            return Failure(self.expected(), f"nobody answered the BYE within {limit}")
        return super().expire(limit)

    def expected(self) -> str:
        """The peer's 200."""
        return "the peer's answer to the release"


def _is_by_our_bye(call: LaneCall) -> bool:
    return call.end is not None and (call.end.by, call.end.cause) == ("local", "bye")


_Modifying = TypeVar("_Modifying", ops.Hold, ops.Resume, ops.Rekey)


class ModifyStatement(CallStatement[_Modifying]):
    """`hold`, `resume` and `rekey`: a re-INVITE that succeeds."""

    direction = Direction.SENDRECV
    fresh_keys: ClassVar[bool] = False

    def act(self, call: LaneCall, now: float) -> Outcome | None:
        """Send the re-INVITE."""
        if call.state is not CallState.ANSWERED:
            return Failure(self.expected(), "the call is not answered yet")
        call.take(_is_modify_answer)
        self.lane.command(
            commands.ModifyCall(
                self.lane.agent,
                call.id,
                self.wanted(call),
                self.message(self.op.extra),
                self._other_formats(),
                self.fresh_keys,
            ),
        )
        return None

    def _other_formats(self) -> tuple[RtpFormat, ...]:
        codecs = self.op.extra.codecs
        return self.lane.formats(codecs) if codecs else ()

    def look(self, call: LaneCall, now: float) -> Outcome | None:
        """2xx, or a refusal."""
        arrival = call.take(_is_modify_answer)
        if arrival is None:
            return Failure(self.expected(), call.why_over()) if call.state is CallState.ENDED else None
        if isinstance(arrival.payload, events.CallModifyRejected):
            return Failure(self.expected(), f"{arrival.payload.code} {arrival.payload.reason}", COMMAND_FAILED)
        call.held_by_us = self.wanted(call) is not Direction.SENDRECV
        return Success()

    def wanted(self, call: LaneCall) -> Direction:
        """The direction that is offered."""
        return self.direction


class HoldStatement(ModifyStatement[ops.Hold]):
    """`hold`."""

    direction = Direction.SENDONLY


class ResumeStatement(ModifyStatement[ops.Resume]):
    """`resume`."""


class RekeyStatement(ModifyStatement[ops.Rekey]):
    """`rekey`: all stays as it is but the keys."""

    fresh_keys = True

    def act(self, call: LaneCall, now: float) -> Outcome | None:
        """Only keys that an offer brings can be renewed by one."""
        if call.media is not None and call.media.srtp is None:
            why = "they came by DTLS" if call.media.dtls else "it is plain RTP"
            return Failure(self.expected(), f"the call has no keys that a re-INVITE could change: {why}")
        return super().act(call, now)

    def wanted(self, call: LaneCall) -> Direction:
        """A call that is on hold stays there."""
        return Direction.SENDONLY if call.held_by_us else Direction.SENDRECV


def _is_modify_answer(payload: events.Payload) -> bool:
    return isinstance(payload, events.CallModified | events.CallModifyRejected)


class TransferStatement(CallStatement[ops.Transfer]):
    """`transfer to TARGET`, `transfer c1 to c2`: done when the NOTIFY says that the target answered."""

    def act(self, call: LaneCall, now: float) -> Outcome | None:
        """Send the REFER."""
        other = None if self.op.other is None else self.lane.call_for(self.op.other)
        if self.op.other is not None and (other is None or other.state is not CallState.ANSWERED):
            return Failure(self.expected(), f"there is no answered call named {self.op.other}")
        self.other = other
        target, local = ("", False) if other else self.target(self.op.target, self.op.target_agent)
        other_id = None if other is None else other.id
        message = self.message(self.op.extra)
        self.lane.command(commands.TransferCall(self.lane.agent, call.id, target, local, other_id, message))
        return None

    def look(self, call: LaneCall, now: float) -> Outcome | None:
        """How far the transfer is."""
        refused = call.take(lambda p: isinstance(p, events.TransferRejected | events.CommandFailed))
        if refused is not None:
            return Failure(self.expected(), _reason(refused.payload), COMMAND_FAILED)
        if call.take(lambda p: isinstance(p, events.TransferAccepted) and not p.subscribed):
            return self._succeed(call, "the peer accepted the transfer; nobody tells how it goes on")
        done = call.take(lambda p: isinstance(p, events.TransferProgressed) and p.final, leave=True)
        if done is not None and isinstance(done.payload, events.TransferProgressed):
            return self._finish(call, done.payload)
        return Failure(self.expected(), call.why_over()) if _is_settled(call) else None

    def _finish(self, call: LaneCall, progress: events.TransferProgressed) -> Outcome:
        if not 200 <= progress.code < 300:
            call.take(lambda p: p is progress)
            return Failure(self.expected(), f"the transfer ended with {progress.code}", COMMAND_FAILED)
        return self._succeed(call, "the target answered")

    def _succeed(self, call: LaneCall, how: str) -> Success:
        """Our part is over: the legs are released."""
        for leg in (call, self.other):
            if leg is not None and leg.state is not CallState.ENDED:
                self.lane.command(commands.ReleaseCall(self.lane.agent, leg.id))
        return Success(how)

    def expected(self) -> str:
        """The target's answer."""
        return "a transfer that the target answers"


def _is_settled(call: LaneCall) -> bool:
    """Whether nothing more is told about a transfer. The BYE of the peer may overtake its NOTIFY: such a call is
    released when the subscription is over."""
    if call.state is not CallState.ENDED:
        return False
    by_peer = call.end is not None and call.end.by == "remote"
    return not by_peer or call.id not in call.dialogs


def _reason(payload: events.Payload) -> str:
    match payload:
        case events.TransferRejected(code=code, reason=reason):
            return f"{code} {reason}"
        case events.CommandFailed(reason=reason) | events.MediaRefused(reason=reason):
            return reason
        case _:
            return describe(payload)


class SendRequestStatement(Statement[ops.SendRequest]):
    """`send info|message|options|… [to TARGET]`: waits for the final response, which `expect response` may judge."""

    def begin(self, now: float) -> Outcome | None:
        """Send the request."""
        self.token = self.lane.new_token()
        self.call = self.lane.call_for(self.node.call) if self.op.target is None else None
        if self.op.target is None and (self.call is None or self.call.state is CallState.ENDED):
            return Failure(self.expected(), "this lane has no call to send it in; say `to TARGET`")
        target, local = self.target(self.op.target, self.op.target_agent) if self.op.target else ("", False)
        call_id = None if self.call is None else self.call.id
        message = self.message(self.op.extra)
        self.lane.command(
            commands.SendSipRequest(self.lane.agent, self.token, call_id, self.op.method, target, local, message),
        )
        return None

    def poll(self, now: float) -> Outcome | None:
        """The final response; it stays there for `expect response`."""
        refused = self.lane.take_message(lambda p: isinstance(p, events.CommandFailed) and p.token == self.token)
        if refused is not None:
            return Failure(self.expected(), _reason(refused.payload), COMMAND_FAILED)
        token = self.token
        arrival = self.lane.take_message(
            lambda p: isinstance(p, events.ResponseReceived) and p.request == token, leave=True
        )
        if arrival is None or not isinstance(arrival.payload, events.ResponseReceived):
            return None
        response = arrival.payload
        if not response.headers:  # made here: what comes from somebody has some
            nobody = response.code == 408
            return Failure(self.expected(), "nobody answered" if nobody else f"{response.code} {response.reason}")
        return Success(f"{response.code} {response.reason}")

    def expected(self) -> str:
        """A response."""
        return f"a final response to {self.op.method}"
