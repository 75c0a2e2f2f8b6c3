"""Statements that concern no call: time, texts, variables, signals, ends."""

from __future__ import annotations

from sipflow import events
from sipflow.flow.outcome import Failure, Outcome, Success
from sipflow.flow.statements.base import Loop, Statement, show
from sipflow.ir import ops
from sipflow.plan.evaluate import NoValueError


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


class IfStatement(Statement[ops.If]):
    """`if C { … } else { … }`."""

    def begin(self, now: float) -> Outcome | None:
        """One of the two; a condition without a value is neither."""
        truth, told = self.judge_condition(self.op.condition)
        return Success(_and_so(told, "then" if truth else "else"), arm=0 if truth else 1)


class WhileStatement(Statement[ops.While]):
    """`while C { … }`."""

    def begin(self, now: float) -> Outcome | None:
        """Once more, or on."""
        truth, told = self.judge_condition(self.op.condition)
        return Success(_and_so(told, "again" if truth else "done"), arm=0 if truth else 1)


class RepeatStatement(Statement[ops.Repeat]):
    """`repeat N times { … }`: how often is settled when the lane comes to it from outside."""

    def begin(self, now: float) -> Outcome | None:
        """Count."""
        loop = self.lane.loops.get(self.node.id) if self._comes_from_its_body() else None
        if loop is None:
            loop = self.lane.loops[self.node.id] = Loop(self._times())
        if loop.done == loop.times:
            del self.lane.loops[self.node.id]
            return Success(f"done after {loop.times} time{'' if loop.times == 1 else 's'}", arm=1)
        loop.done += 1
        return Success(f"{ordinal(loop.done)} of {loop.times} times", arm=0)

    def _comes_from_its_body(self) -> bool:
        """An empty body leads from the node to itself."""
        before = self.lane.came_from or ""
        return before == self.node.id or before.startswith(f"{self.node.id}.")

    def _times(self) -> int:
        value = self.value(self.op.times)
        if isinstance(value, float | int) and not isinstance(value, bool) and value >= 0 and value == int(value):
            return int(value)
        raise NoValueError(f"{show(value)} is not how often something can be repeated")


def ordinal(number: int) -> str:
    """`1st`, `2nd`, `11th`, …"""
    teens = 10 < number % 100 < 14
    return f"{number}{'th' if teens else {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th')}"


def _and_so(told: str, way: str) -> str:
    return f"{told}: {way}" if told else way
