"""What every statement has in common: it begins, it is polled after every event, it may expire."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from sipflow.events import CommandFailed, Payload
from sipflow.flow.call import QUIET, Arrival, CallState, LaneCall, describe
from sipflow.flow.commands import Command, Message, MessageEdit
from sipflow.flow.outcome import COMMAND_FAILED, ENVIRONMENT, Failure, Outcome
from sipflow.flow.scope import LaneScope
from sipflow.ir.expr import Binary, Expr, Literal, Value
from sipflow.ir.graph import Node
from sipflow.ir.ops import Op, With
from sipflow.media_params import RtpFormat
from sipflow.plan.evaluate import NoValueError, evaluate, evaluate_ms, evaluate_text, format_value
from sipflow.plan.plan import AgentPlan

OpT = TypeVar("OpT", bound=Op)


@dataclass(slots=True)
class Loop:
    """How far a `repeat` is."""

    times: int
    done: int = 0


@dataclass(frozen=True, slots=True)
class Find:
    """What came for an event that is waited for, left where it is until `take` is called."""

    time: float
    """When it came, in seconds since the run started."""
    place: int
    """Place in its inbox: what came before it has a lower one."""
    outcome: Outcome
    take: Callable[[], None]


class LaneView(Protocol):
    """What a statement may ask of its lane."""

    agent: str
    scope: LaneScope
    came_from: str | None
    """Id of the node before the current one, None at the beginning."""
    loops: dict[str, Loop]
    """Loops that are under way, by the ids of their nodes."""

    def statement_of(self, node: Node) -> Statement[Any]:
        """What runs `node`, not begun."""

    def call_for(self, name: str | None) -> LaneCall | None:
        """The call with this name; without a name the lane's current call."""

    def new_call(self, name: str | None, peer: str, now: float) -> LaneCall:
        """A new outgoing call of this lane, which becomes its current one."""

    def claim(self, wanted: Callable[[LaneCall], bool], name: str | None) -> LaneCall | None:
        """The first incoming call of the agent that no lane has; it becomes the lane's current one."""

    def waiting_call(self, wanted: Callable[[LaneCall], bool]) -> LaneCall | None:
        """The call that `claim` would take, left to whoever claims it."""

    def command(self, command: Command) -> None:
        """Hand a command to the runtime."""

    def happened(self, payload: Payload) -> None:
        """Write an event into the stream."""

    def new_token(self) -> int:
        """A number for a command that will be answered."""

    def calls_as(self) -> AgentPlan | None:
        """The lane's agent, where rows of tables say who it calls as."""

    def formats(self, codecs: tuple[str, ...]) -> tuple[RtpFormat, ...]:
        """RTP formats of a call: the agent's, unless the statement names codecs."""

    def local_agent(self, name: str | None) -> bool:
        """Whether `name` is an agent that this run drives."""

    def remote_uri(self, name: str) -> str:
        """URI of an agent that the file only names."""

    def take_message(self, wanted: Callable[[Payload], bool], *, leave: bool = False) -> Arrival | None:
        """The first `wanted` among the lane's responses and its agent's requests outside any call."""

    def inboxes(self) -> tuple[list[Arrival], ...]:
        """The lane's responses, and its agent's requests outside any call."""

    def raise_signal(self, name: str) -> None:
        """Let everybody who awaits `name` go on."""

    def signal_raised(self, name: str) -> bool:
        """Whether `name` was signalled."""


class Statement(ABC, Generic[OpT]):
    """One execution of one node. `begin` and `poll` give an outcome, or None to go on waiting."""

    polls_for_calls: ClassVar[bool] = False
    """Whether an incoming call that nobody has may be what it waits for."""

    def __init__(self, lane: LaneView, node: Node, op: OpT) -> None:
        self.lane = lane
        self.node = node
        self.op = op
        self.call: LaneCall | None = None
        self.token = 0

    @abstractmethod
    def begin(self, now: float) -> Outcome | None:
        """Do what the statement does at once."""

    def poll(self, now: float) -> Outcome | None:
        """Look whether what it waits for is there."""
        return None

    def deadline(self, now: float) -> float | None:
        """When the statement succeeds by itself (`wait`), None for all that only the time limit ends."""
        return None

    def expire(self, limit: str) -> Outcome:
        """The time limit passed."""
        return Failure(self.expected(), f"nothing came within {limit}{self.instead()}")

    def expected(self) -> str:
        """What it waits for, for a person."""
        return self.node.text

    def instead(self) -> str:
        """What the call had to offer instead, in words that follow `nothing came within …`."""
        return what_came([] if self.call is None else [self.call])

    # --- helpers for the statements ---

    def text(self, expression: Expr | None) -> str:
        """Value of an expression as text, empty for None."""
        return "" if expression is None else evaluate_text(expression, self.lane.scope)

    def value(self, expression: Expr) -> Value:
        """Value of an expression."""
        return evaluate(expression, self.lane.scope)

    def judge_condition(self, condition: Expr) -> tuple[bool, str]:
        """Whether `condition` holds, and what the names in it stand for: `media.loss is 4.2%`.

        Raises `NoValueError` when it is neither true nor false.
        """
        told = ""
        if isinstance(condition, Binary) and condition.operator not in ("and", "or"):
            # Each side is evaluated once: the second number that `random` gives would be another one.
            values = [Literal(self.value(side)) for side in (condition.left, condition.right)]
            sides = zip((condition.left, condition.right), values, strict=True)
            told = ", ".join(f"{side} is {show(it.value)}" for side, it in sides if not isinstance(side, Literal))
            condition = Binary(condition.operator, values[0], values[1])
        truth = self.value(condition)
        if not isinstance(truth, bool):
            raise NoValueError(f"{show(truth)} is neither true nor false")
        return truth, told

    def ms(self, expression: Expr | None) -> float | None:
        """Value of an expression in milliseconds, None for None."""
        return None if expression is None else evaluate_ms(expression, self.lane.scope)

    def message(self, extra: With) -> Message:
        """The `with` block, evaluated."""
        headers = tuple((name, self.text(value)) for name, value in extra.headers)
        body = None if extra.body is None else self.text(extra.body)
        edits = tuple(MessageEdit(edit.kind, edit.name, self.text(edit.value)) for edit in extra.edits)
        return Message(headers, body, None if extra.content_type is None else self.text(extra.content_type), edits)

    def target(self, target: Expr | None, agent: str | None) -> tuple[str, bool]:
        """A TARGET as (URI or agent name, whether it is an agent of this run)."""
        if agent is None:
            return self.text(target), False
        return (agent, True) if self.lane.local_agent(agent) else (self.lane.remote_uri(agent), False)


class CallStatement(Statement[OpT]):
    """A statement that acts on a call which the lane must have."""

    needs_live_call: ClassVar[bool] = True

    def begin(self, now: float) -> Outcome | None:
        """Find the call, then act on it."""
        self.call = self.lane.call_for(self.node.call)
        if self.call is None:
            return self.no_call()
        if self.needs_live_call and self.call.state is CallState.ENDED:
            return Failure(self.expected(), self.call.why_over())
        return self.act(self.call, now)

    def poll(self, now: float) -> Outcome | None:
        """Look at the call."""
        return None if self.call is None else self.look(self.call, now)

    def no_call(self) -> Failure:
        """The lane has no such call."""
        name = self.node.call
        return Failure(self.expected(), f"this lane has no call{'' if name is None else f' named {name}'}")

    def act(self, call: LaneCall, now: float) -> Outcome | None:
        """Begin on `call`; what is there already counts."""
        return self.look(call, now)

    def look(self, call: LaneCall, now: float) -> Outcome | None:
        """Whether `call` has what is waited for."""
        return None

    def failed_command(self, call: LaneCall) -> Failure | None:
        """Whether the runtime refused the command with this statement's token."""
        arrival = call.take(lambda p: isinstance(p, CommandFailed) and p.token == self.token)
        if arrival is None or not isinstance(arrival.payload, CommandFailed):
            return None
        refused = arrival.payload
        return Failure(self.expected(), refused.reason, ENVIRONMENT if refused.environment else COMMAND_FAILED)

    def answered(self, call: LaneCall, kind: type[Payload], *, leave: bool = False) -> Any:
        """The event of this kind that carries this statement's token, None while there is none."""
        arrival = call.take(lambda p: isinstance(p, kind) and getattr(p, "token", None) == self.token, leave=leave)
        return None if arrival is None else arrival.payload


def what_came(calls: Iterable[LaneCall]) -> str:
    """What waits in the inboxes of `calls`, in words that follow `nothing came within …`."""
    told = [arrival for call in calls for arrival in call.inbox if not isinstance(arrival.payload, QUIET)]
    told.sort(key=lambda arrival: arrival.time)
    words = [f"{describe(arrival.payload)} at {arrival.time:.3f} s" for arrival in told[:6]]
    return f"; what came: {', '.join(words)}" if words else ""


def show(value: Value) -> str:
    """A value as it stands in a report."""
    return f'"{value}"' if isinstance(value, str) else format_value(value)
