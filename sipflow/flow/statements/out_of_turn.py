"""`respond` and `send raw`: what no phone sends at that time, or at all."""

from __future__ import annotations

from sipflow import events
from sipflow.events import Payload
from sipflow.flow import commands
from sipflow.flow.call import LaneCall
from sipflow.flow.outcome import COMMAND_FAILED, Failure, Outcome, Success
from sipflow.flow.statements.base import CallStatement, Statement
from sipflow.ir import ops


class RespondStatement(CallStatement[ops.Respond]):
    """`respond CODE ["Reason"] [to METHOD]`: done when it is sent."""

    needs_live_call = False

    def act(self, call: LaneCall, now: float) -> Outcome | None:
        """Send the response."""
        op, self.token = self.op, self.lane.new_token()
        what = op.method, op.code, self.text(op.reason), self.message(op.extra)
        self.lane.command(commands.RespondCall(self.lane.agent, call.id, self.token, *what))
        return None

    def look(self, call: LaneCall, now: float) -> Outcome | None:
        """Whether it was sent."""
        if self.answered(call, events.CommandDone) is not None:
            return Success(f"{self.op.code} to {self.op.method}")
        return self.failed_command(call)

    def expected(self) -> str:
        """A response on the wire."""
        return f"{self.op.code} to be sent"


class SendRawStatement(Statement[ops.SendRaw]):
    """`send raw TEXT [to TARGET]`: done when it is sent."""

    def begin(self, now: float) -> Outcome | None:
        """Send the text."""
        op, self.token = self.op, self.lane.new_token()
        target, local = self.target(op.target, op.target_agent) if op.target is not None else ("", False)
        self.call = None if op.target is not None else self.lane.call_for(self.node.call)
        if op.target is None and self.call is None:
            return Failure(self.expected(), "this lane has no call to send it in; say `to TARGET`")
        call_id = None if self.call is None else self.call.id
        text = self.text(op.text)
        self.lane.command(commands.SendRawText(self.lane.agent, self.token, call_id, target, local, text))
        return None

    def poll(self, now: float) -> Outcome | None:
        """Whether it was sent."""
        found = self.lane.take_message(self._is_answer) or (self.call and self.call.take(self._is_answer))
        match found and found.payload:
            case events.CommandDone():
                return Success()
            case events.CommandFailed(reason=reason):
                return Failure(self.expected(), reason, COMMAND_FAILED)
        return None

    def _is_answer(self, payload: Payload) -> bool:
        return isinstance(payload, events.CommandDone | events.CommandFailed) and payload.token == self.token

    def expected(self) -> str:
        """Bytes on the wire."""
        return "the text to be sent"
