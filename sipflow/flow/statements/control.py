"""Statements that concern no call: time, texts, variables, signals, ends."""

from __future__ import annotations

from sipflow import events
from sipflow.flow.outcome import Failure, Outcome, Success
from sipflow.flow.statements.base import Statement, show
from sipflow.ir import ops


class WaitStatement(Statement[ops.Wait]):
    """`wait D`."""

    def begin(self, now: float) -> Outcome | None:
        """Set the alarm."""
        self.until = now + (self.ms(self.op.duration) or 0.0) / 1000
        return self.poll(now)

    def poll(self, now: float) -> Outcome | None:
        """Is it time?"""
        return Success() if now >= self.until else None

    def deadline(self, now: float) -> float | None:
        """Success, not failure, is what the time brings here."""
        return self.until


class LogStatement(Statement[ops.Log]):
    """`log "…"`."""

    def begin(self, now: float) -> Outcome | None:
        """Write it."""
        self.lane.happened(events.Logged(self.text(self.op.text)))
        return Success()


class LetStatement(Statement[ops.Let]):
    """`let x = E`."""

    def begin(self, now: float) -> Outcome | None:
        """Bind it."""
        value = self.value(self.op.value)
        self.lane.scope.variables[self.op.name] = value
        return Success(f"{self.op.name} is {show(value)}")


class FailStatement(Statement[ops.Fail]):
    """`fail "…"`."""

    def begin(self, now: float) -> Outcome | None:
        """Fail."""
        return Failure("not to come here", self.text(self.op.text))


class SignalStatement(Statement[ops.Signal]):
    """`signal NAME`."""

    def begin(self, now: float) -> Outcome | None:
        """Let them go."""
        self.lane.raise_signal(self.op.name)
        return Success()


class AwaitStatement(Statement[ops.Await]):
    """`await NAME`."""

    def begin(self, now: float) -> Outcome | None:
        """It may have come already."""
        return self.poll(now)

    def poll(self, now: float) -> Outcome | None:
        """Was it signalled?"""
        return Success() if self.lane.signal_raised(self.op.name) else None

    def expire(self, limit: str) -> Failure:
        """Nobody signalled."""
        return Failure(f"signal {self.op.name}", f"nobody signalled it within {limit}")
