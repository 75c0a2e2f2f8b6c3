"""`register`, `unregister` and the events of a registration."""

from __future__ import annotations

from typing import ClassVar

from sipflow import events
from sipflow.events import Payload
from sipflow.flow import commands
from sipflow.flow.call import Arrival
from sipflow.flow.outcome import COMMAND_FAILED, Failure, Outcome, Success
from sipflow.flow.statements.base import OpT, Statement
from sipflow.flow.statements.events import RequestStatement
from sipflow.ir import ops

_OUTCOMES = (events.Registered, events.Unregistered, events.RegistrationFailed)


class _RegisterStatement(Statement[OpT]):
    """Waits for the registrar's final answer."""

    def poll(self, now: float) -> Outcome | None:
        """What the registrar answered."""
        refused = self.lane.take_message(lambda p: isinstance(p, events.CommandFailed) and p.token == self.token)
        if refused is not None:
            return Failure(self.expected(), str(getattr(refused.payload, "reason", "")), COMMAND_FAILED)
        token = self.token
        arrival = self.lane.take_message(lambda p: isinstance(p, _OUTCOMES) and p.request == token)
        return None if arrival is None else judge(arrival, self.expected())


class RegisterStatement(_RegisterStatement[ops.Register]):
    """`register [for D] [contact E]…`."""

    def begin(self, now: float) -> Outcome | None:
        """Send the REGISTER."""
        self.token = self.lane.new_token()
        ms = self.ms(self.op.expires)
        contacts = tuple(self.text(contact) for contact in self.op.contacts)
        message = self.message(self.op.extra)
        expires_s = None if ms is None else ms / 1000
        self.lane.command(commands.RegisterAgent(self.lane.agent, self.token, expires_s, contacts, message))
        return None

    def expected(self) -> str:
        """A registration."""
        return "the registration to be accepted"


class UnregisterStatement(_RegisterStatement[ops.Unregister]):
    """`unregister [all]`."""

    def begin(self, now: float) -> Outcome | None:
        """Send the REGISTER that takes it back."""
        self.token = self.lane.new_token()
        message = self.message(self.op.extra)
        self.lane.command(commands.UnregisterAgent(self.lane.agent, self.token, self.op.all, message))
        return None

    def expected(self) -> str:
        """The end of it."""
        return "the registration to be taken back"


class _ExpectRegistrationStatement(RequestStatement[OpT]):
    """Waits for what happens to the agent's registration, whoever caused it; a refusal decides, too, unless a success
    came behind it. That nobody answers does not, as long as it is tried again."""

    kind: ClassVar[type[Payload]]

    def poll(self, now: float) -> Outcome | None:
        """The first success; without one, the first refusal."""
        found = self.find()
        if found is None:
            refusal = self.lane.take_message(_is_refusal)
            return None if refusal is None else self.judge(refusal)
        found.take()
        self._forget_refusals(found.time)
        return found.outcome

    def hopeless(self) -> Failure | None:
        """Whether there was a refusal, which is left for whoever expects it."""
        refusal = self.lane.take_message(_is_refusal, leave=True)
        outcome = None if refusal is None else self.judge(refusal)
        return outcome if isinstance(outcome, Failure) else None

    def wanted(self, payload: Payload) -> bool:
        """Only the success."""
        return isinstance(payload, self.kind)

    def judge(self, arrival: Arrival) -> Outcome:
        """What the registrar said."""
        return judge(arrival, self.expected())

    def expire(self, limit: str) -> Outcome:
        """With the latest reason why nobody answered."""
        tried = [each for inbox in self.lane.inboxes() for each in inbox if _is_unanswered(each.payload)]
        return (
            super().expire(limit) if not tried else judge(tried[-1], self.expected(), f", and no answer within {limit}")
        )

    def _forget_refusals(self, until: float) -> None:
        """What was refused before it succeeded is no longer of interest."""
        for inbox in self.lane.inboxes():
            inbox[:] = [each for each in inbox if each.time > until or not _is_failure(each.payload)]


class ExpectRegisteredStatement(_ExpectRegistrationStatement[ops.ExpectRegistered]):
    """`expect registered`."""

    kind = events.Registered


class ExpectUnregisteredStatement(_ExpectRegistrationStatement[ops.ExpectUnregistered]):
    """`expect unregistered`."""

    kind = events.Unregistered


def _is_failure(payload: Payload) -> bool:
    return isinstance(payload, events.RegistrationFailed)


def _is_unanswered(payload: Payload) -> bool:
    """Whether it is tried again since nobody was there: that decides nothing."""
    return isinstance(payload, events.RegistrationFailed) and payload.unanswered_retry_s is not None


def _is_refusal(payload: Payload) -> bool:
    return _is_failure(payload) and not _is_unanswered(payload)


def judge(arrival: Arrival, expected: str, more: str = "") -> Outcome:
    """The outcome of a REGISTER as that of a statement; `more` is added to a failure."""
    match arrival.payload:
        case events.Registered(expires_s=seconds, contacts=contacts):
            others = f" ({len(contacts)} contacts)" if len(contacts) > 1 else ""
            return Success(f"registered for {seconds} s{others} at {arrival.time:.3f} s")
        case events.Unregistered():
            return Success(f"no longer registered at {arrival.time:.3f} s")
        case events.RegistrationFailed(code=code, reason=reason):
            return Failure(expected, f"{code} {reason} at {arrival.time:.3f} s{more}")
        case other:
            raise AssertionError(f"no outcome of a REGISTER: {other}")
