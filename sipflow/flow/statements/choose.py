"""`choose`: the way of whichever event comes first, by asking the `expect` statements of its arms what is there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Protocol, runtime_checkable

from sipflow.events import DtmfReceived
from sipflow.flow.call import Arrival, LaneCall
from sipflow.flow.outcome import Failure, Outcome, Success
from sipflow.flow.statements.base import Find, Statement, what_came
from sipflow.flow.statements.events import ExpectDtmfStatement, Standing
from sipflow.flow.statements.hearing import HearingStatement
from sipflow.ir import ops
from sipflow.ir.text import statement_text


@runtime_checkable
class Waiting(Protocol):
    """What a statement must be able to say about itself to be an arm."""

    call: LaneCall | None

    def prepare(self) -> Failure | None:
        """What is to be known before it can wait; a failure when it never can be satisfied."""

    def find(self) -> Find | None:
        """The first thing that came and satisfies it, left where it is."""

    def hopeless(self) -> Failure | None:
        """Why nothing can come for it any more."""


class DigitArms:
    """The arms that wait for digits of one call: they look at the same digits, so they look together."""

    def __init__(self, call: LaneCall) -> None:
        self.call = call
        self.arms: list[tuple[int, ExpectDtmfStatement]] = []

    def find(self) -> tuple[Find, int] | None:
        """The first arm whose digits are whole, or the failure of digits that no arm can match any more."""
        digits: list[Arrival] = []
        for place, arrival in enumerate(self.call.inbox):
            if isinstance(arrival.payload, DtmfReceived):
                digits.append(arrival)
                found = self._judge(tuple(digits), place)
                if found is not None:
                    return found
        return None

    def forget(self) -> None:
        """Digits that were looked at in vain are gone, as they are after an `expect dtmf`."""
        self._drop(tuple(arrival for arrival in self.call.inbox if isinstance(arrival.payload, DtmfReceived)))

    def _judge(self, digits: tuple[Arrival, ...], place: int) -> tuple[Find, int] | None:
        text = "".join(arrival.payload.digit for arrival in digits if isinstance(arrival.payload, DtmfReceived))
        time = digits[-1].time
        said = f'dtmf "{text}" at {time:.3f} s'
        standings = [statement.standing(text) for _, statement in self.arms]
        if Standing.WHOLE in standings:
            arm, statement = self.arms[standings.index(Standing.WHOLE)]
            return Find(time, place, Success(said), lambda: self._take(digits, statement, text)), arm
        if all(standing is Standing.WRONG for standing in standings):
            wrong = Failure(one_of([statement.expected() for _, statement in self.arms]), said)
            return Find(time, place, wrong, lambda: self._drop(digits)), self.arms[0][0]
        return None

    def _take(self, digits: tuple[Arrival, ...], statement: ExpectDtmfStatement, text: str) -> None:
        self._drop(digits)
        statement.capture(text)

    def _drop(self, digits: tuple[Arrival, ...]) -> None:
        for arrival in digits:
            self.call.drop(arrival)


class ChooseStatement(Statement[ops.Choose]):
    """`choose { EVENT => …; timeout => … }`: what came before it began counts, first come first served."""

    polls_for_calls = True

    def begin(self, now: float) -> Outcome | None:
        """Let every arm know what it waits for, then look at what is there."""
        self.call = self.lane.call_for(self.node.call)
        self._excuses: list[Failure] = []
        self._arms: list[tuple[int, Waiting]] = []
        self._digits: dict[str, DigitArms] = {}
        for index, arm in enumerate(self.op.events):
            self._prepare(index, self._statement(arm))
        return self.poll(now)

    def poll(self, now: float) -> Outcome | None:
        """Take the first of what came, or see that nothing can come any more."""
        finds = list(self._finds())
        if not finds:
            return self._hopeless()
        find, arm = min(finds, key=lambda found: (found[0].time, found[0].place, found[1]))
        find.take()
        self._abandon()
        return replace(find.outcome, arm=arm) if isinstance(find.outcome, Success) else find.outcome

    def expire(self, limit: str) -> Outcome:
        """`timeout => …`, else a failure."""
        came = self.instead()
        for group in self._digits.values():
            group.forget()
        self._abandon()
        if self.op.timeout:
            return Success(f"nothing came within {limit}{came}", arm=len(self.op.events))
        return Failure(self.expected(), f"nothing came within {limit}{came}")

    def expected(self) -> str:
        """One of its events."""
        return one_of([name for name in self.op.arm_names() if name != "timeout"])

    def instead(self) -> str:
        """What came on any of the calls."""
        calls = [self.call, *(arm.call for _, arm in self._arms)]
        return what_came({id(call): call for call in calls if call is not None}.values())

    def _abandon(self) -> None:
        """Arms that have somebody listen need that no more."""
        for _, arm in self._arms:
            if isinstance(arm, HearingStatement):
                arm.abandon()

    # --- arms ---

    def _statement(self, arm: ops.Arm) -> Waiting:
        call = self.node.call if arm.call is None else arm.call
        node = replace(self.node, op=arm.event, call=call, text=statement_text(arm.event, arm.call))
        statement = self.lane.statement_of(node)
        assert isinstance(statement, Waiting), f"{type(statement).__name__} cannot be an arm"
        return statement

    def _prepare(self, index: int, statement: Waiting) -> None:
        failure = statement.prepare()
        if failure is not None:
            self._excuses.append(failure)
            return
        self._arms.append((index, statement))
        if isinstance(statement, ExpectDtmfStatement) and statement.call is not None:
            group = self._digits.setdefault(statement.call.id, DigitArms(statement.call))
            group.arms.append((index, statement))

    def _finds(self) -> Iterator[tuple[Find, int]]:
        for index, statement in self._arms:
            if not isinstance(statement, ExpectDtmfStatement) and (find := statement.find()) is not None:
                yield find, index
        for group in self._digits.values():
            if (found := group.find()) is not None:
                yield found

    def _hopeless(self) -> Failure | None:
        """A choose fails at once when none of its events can come any more, whatever `timeout` says."""
        reasons = [*self._excuses]
        for _, statement in self._arms:
            reason = statement.hopeless()
            if reason is None:
                return None
            reasons.append(reason)
        return Failure(self.expected(), "; ".join(dict.fromkeys(reason.got for reason in reasons)))


def one_of(names: list[str]) -> str:
    """`a, b or c`."""
    return " or ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
