"""One lane on its way through the graph."""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import Any, Protocol

from sipflow import events
from sipflow.events import Payload
from sipflow.flow.call import Arrival, CallState, LaneCall
from sipflow.flow.commands import Command, Measure, ReleaseCall
from sipflow.flow.outcome import (
    COMMAND_FAILED,
    ENVIRONMENT,
    NOTHING_TO_JUDGE,
    RUN_STOPPED,
    UNPROTECTED,
    Failure,
    LaneResult,
    NodeFailure,
    Outcome,
    Success,
)
from sipflow.flow.scope import LaneScope, calls_measured
from sipflow.flow.statements import STATEMENTS, Loop, Statement
from sipflow.ir import ops
from sipflow.ir.graph import Lane, Node
from sipflow.media_params import RtpFormat
from sipflow.plan.evaluate import NoValueError, evaluate_ms
from sipflow.plan.plan import AgentPlan, Plan, formats_for

RELEASE_GRACE_S = 4.0
"""How long a lane that is over waits for the answers to its BYEs before it gives its sockets back."""

MAX_STEPS_AT_ONCE = 10_000
"""Nodes that a lane may pass without waiting for anything but measurements: more is a loop in which no time passes."""


class LaneState(enum.Enum):
    """Where a lane stands."""

    WAITING = "waiting"
    """Not started."""
    RUNNING = "running"
    RELEASING = "releasing"
    """Its statements are done; its calls are being released and its recordings closed."""
    DONE = "done"


class ScenarioView(Protocol):
    """What a lane may ask of its scenario."""

    plan: Plan

    def command(self, command: Command) -> None: ...
    def happened(self, agent: str, call: str, node: Node | None, payload: Payload) -> None: ...
    def new_token(self, walker: LaneWalker) -> int: ...
    def lane_ended(self, walker: LaneWalker) -> None: ...
    def own_call(self, call: LaneCall, walker: LaneWalker) -> None: ...
    def new_call_id(self, agent: str) -> str: ...
    def claim(self, agent: str, wanted: Callable[[LaneCall], bool], walker: LaneWalker) -> LaneCall | None: ...
    def waiting_call(self, agent: str, wanted: Callable[[LaneCall], bool]) -> LaneCall | None: ...
    def agent_messages(self, agent: str) -> list[Arrival]: ...
    def raise_signal(self, name: str) -> None: ...
    def signal_raised(self, name: str) -> bool: ...


class LaneWalker:
    """Runs the statements of one lane, one after the other, each to its success or failure edge."""

    def __init__(self, lane: Lane, scenario: ScenarioView) -> None:
        self.lane = lane
        self.agent = lane.agent
        self.scope = LaneScope(scenario.plan, lane.id)
        self.state = LaneState.WAITING
        self.calls: list[LaneCall] = []
        self.messages: list[Arrival] = []
        """Responses to this lane's own requests, and refusals to send them."""
        self.node: Node | None = None
        self.statement: Statement[Any] | None = None
        self.came_from: str | None = None
        self.loops: dict[str, Loop] = {}
        self.waiting_since = 0.0
        self._scenario = scenario
        self._graph = scenario.plan.graph
        self._limit_at: float | None = None
        self._limit_text = ""
        self._wake_at: float | None = None
        self._measuring: dict[int, str | None] = {}
        self._measured: dict[str | None, events.CallMeasured] = {}
        self._failures: list[NodeFailure] = []
        """Failures that the lane carries, the newest last: an `else` may fail, too."""
        self._recovered: list[NodeFailure] = []
        self._statements = 0
        self._why = ""
        self._steps = 0

    # --- verbs ---

    def start(self, now: float) -> None:
        """Enter the first node."""
        self.state = LaneState.RUNNING
        self._happened(events.LaneStarted(self.lane.id), self._lane_entry())
        self._advance(self._lane_entry(), now)

    def poll(self, now: float) -> None:
        """Something happened: see whether the current statement is done."""
        unprotected = self._unprotected()
        if self.state is LaneState.RUNNING and self.statement is not None:
            self._continue(unprotected or self._guarded(self.statement.poll, now), now)
        elif self.state is LaneState.RELEASING:
            if unprotected is not None and self.node is not None:
                self._record_failure(self.node, unprotected, now)
            self._finish_when_closed(now)

    def _unprotected(self) -> Failure | None:
        """Whatever the lane does: what nobody should be able to listen to must not pass when everybody can, or none."""
        call = next((call for call in self.calls if call.unprotected), None)
        if call is None:
            return None
        reason, call.unprotected = call.unprotected, ""
        return Failure("media that is protected", reason, UNPROTECTED)

    def handle_timer(self, now: float) -> None:
        """Time passed."""
        if self.state is LaneState.RELEASING and self._limit_at is not None and now >= self._limit_at:
            self._give_up_release(now)
            return
        self.poll(now)
        if self.state is LaneState.RUNNING and self._limit_at is not None and now >= self._limit_at:
            self._expire(now)

    def next_deadline(self) -> float | None:
        """When `handle_timer` wants to be called."""
        times = [at for at in (self._limit_at, self._wake_at) if at is not None]
        return min(times) if times and self.state is not LaneState.DONE else None

    def stop(self, now: float, why: str) -> None:
        """End the lane wherever it is: it has failed, unless it was through already."""
        if self.state in (LaneState.WAITING, LaneState.RUNNING):
            node = self.node or (self._graph.node(self.lane.entry) if self.lane.entry else None)
            if node is not None:
                expected = node.text if self.statement is None else self.statement.expected()
                self._record_failure(node, Failure(expected, why, RUN_STOPPED), now)
            self._end(now, why)

    def measured(self, answer: events.CallMeasured, now: float) -> None:
        """A measurement that this lane asked for was taken."""
        if answer.token not in self._measuring:
            return
        self._measured[self._measuring.pop(answer.token)] = answer
        if not self._measuring and self.state is LaneState.RUNNING and self.node is not None:
            self._continue(self._begin(self.node, now), now)

    def result(self) -> LaneResult:
        """What became of it."""
        passed = self.state is LaneState.DONE and not self._failures
        first = self._failures[0] if self._failures else None
        also, recovered = tuple(self._failures[1:]), tuple(self._recovered)
        return LaneResult(self.lane, passed, first, also, recovered, self._statements)

    # --- walking ---

    def _lane_entry(self) -> Node | None:
        return None if self.lane.entry is None else self._graph.node(self.lane.entry)

    def _advance(self, node: Node | None, now: float) -> None:
        """Enter nodes until one has to wait."""
        while node is not None and self.state is LaneState.RUNNING:
            outcome = self._enter(node, now)
            if outcome is None:
                return
            node = self._leave(node, outcome, now)
        if self.state is LaneState.RUNNING:
            self._end(now, "")

    def _continue(self, outcome: Outcome | None, now: float) -> None:
        if outcome is not None and self.node is not None:
            self._advance(self._leave(self.node, outcome, now), now)

    def _enter(self, node: Node, now: float) -> Outcome | None:
        self.came_from = None if self.node is None else self.node.id
        self.node, self.statement = node, None
        self._limit_at = self._wake_at = None
        self.waiting_since = now
        self._happened(events.NodeStarted(node.text), node)
        self._steps += 1
        if self._steps > MAX_STEPS_AT_ONCE:
            self._stop_circling(node, now)
            return None
        if isinstance(node.op, ops.Recover | ops.End):
            return Success()
        wanted = calls_measured(node, self._scenario.plan)
        if wanted and self._ask_for_measurements(wanted):
            return None
        return self._begin(node, now)

    def _begin(self, node: Node, now: float) -> Outcome | None:
        self.scope.measured, self._measured = self._measured, {}
        self.statement = self.statement_of(node)
        outcome = self._guarded(self.statement.begin, now)
        if outcome is None:
            self._steps = 0
            self._wake_at = self.statement.deadline(now)
            outcome = self._set_limit(node, now)
        return outcome

    def _guarded(self, step: Callable[[float], Outcome | None], now: float) -> Outcome | None:
        """What cannot be judged fails; it never passes, and it is never a traceback."""
        try:
            return step(now)
        except NoValueError as error:
            assert self.node is not None, "a statement runs on a node"
            return Failure(self.node.text, str(error), NOTHING_TO_JUDGE)

    def _set_limit(self, node: Node, now: float) -> Outcome | None:
        limit_ms: float = self._graph.scenario.timeout_ms
        if node.within is not None:
            try:
                limit_ms = evaluate_ms(node.within, self.scope)
            except NoValueError as error:
                return Failure(node.text, str(error), NOTHING_TO_JUDGE)
        elif not node.op.waits:
            return None
        self._limit_at = now + limit_ms / 1000
        self._limit_text = f"{limit_ms / 1000:g} s"
        return None

    def _expire(self, now: float) -> None:
        assert self.node is not None, "a limit belongs to a node"
        if self.statement is None:
            outcome: Outcome = Failure(self.node.text, f"nothing was measured within {self._limit_text}")
        else:
            outcome = self.statement.expire(self._limit_text)
        self._continue(outcome, now)

    def _leave(self, node: Node, outcome: Outcome, now: float) -> Node | None:
        """Take the success or the failure edge."""
        if isinstance(outcome, Failure):
            self._record_failure(node, outcome, now)
            return None if node.failure is None else self._graph.node(node.failure)
        self._statements += 1
        self._happened(events.NodeSucceeded(outcome.detail), node)
        if isinstance(node.op, ops.Recover):
            self._recover(node)
        following = _way_on(node, outcome)
        return None if following is None else self._graph.node(following)

    def _record_failure(self, node: Node, failure: Failure, now: float) -> None:
        call = "" if self.statement is None or self.statement.call is None else self.statement.call.id
        entry = NodeFailure(node, failure, now, call)
        span = node.span
        end_column = span.end_column if span.end_line == span.line else span.column + 1
        self._happened(
            events.NodeFailed(
                self.lane.id,
                failure.code,
                node.text,
                failure.expected,
                failure.got,
                span.column,
                end_column,
                source=span.source,
                via=tuple((call.source, call.line) for call in node.via),
            ),
            node,
        )
        self._failures.append(entry)

    def _recover(self, node: Node) -> None:
        """The newest failure was provided for; one in whose `else` it happened stands."""
        if self._failures:
            failure = self._failures.pop()
            self._recovered.append(failure)
            self._happened(events.NodeRecovered(self.lane.id, failure.node.id), node)

    def _stop_circling(self, node: Node, now: float) -> None:
        """End the lane whatever `else` there is: that may be a part of the circle."""
        got = f"the lane passed {MAX_STEPS_AT_ONCE} statements without waiting once: its loop needs a `wait`"
        self._record_failure(node, Failure("time to pass in a loop", got, COMMAND_FAILED), now)
        self._end(now, got)

    # --- the end ---

    def _end(self, now: float, why: str) -> None:
        self.state, self.statement = LaneState.RELEASING, None
        self._why = why
        self._wake_at = None
        self._limit_at = now + RELEASE_GRACE_S
        for call in self.calls:
            for dialog in sorted(call.dialogs):
                self.command(ReleaseCall(self.agent, dialog))
        self._scenario.lane_ended(self)
        self._finish_when_closed(now)

    def _finish_when_closed(self, now: float) -> None:
        if all(call.closed for call in self.calls):
            self._done(now)

    def _judge_recordings(self, now: float) -> None:
        """A file that is not whole proves nothing: unless a statement was told so, the lane is told now."""
        for call in self.calls:
            for node, broken in call.broken_recordings.values():
                got = f"{broken.path} is not whole: {broken.error} after {broken.duration_ms / 1000:.2f} s"
                self._record_failure(node, Failure("a recording that is whole", got, ENVIRONMENT), now)

    def _give_up_release(self, now: float) -> None:
        open_dialogs = [dialog for call in self.calls for dialog in sorted(call.dialogs)]
        if open_dialogs:
            text = f"the peer did not answer the release of {', '.join(open_dialogs)} within {RELEASE_GRACE_S:g} s"
            self.happened(events.Logged(text, "warning"))
        self._done(now)

    def _done(self, now: float) -> None:
        self._judge_recordings(now)
        self.state = LaneState.DONE
        passed = not self._failures
        why = self._why or ("" if passed else self._failures[0].failure.got)
        self.happened(events.LaneEnded(self.lane.id, passed, why, self._statements))

    # --- what statements ask for (LaneView) ---

    def statement_of(self, node: Node) -> Statement[Any]:
        """What runs `node`."""
        return STATEMENTS[type(node.op)](self, node, node.op)

    def call_for(self, name: str | None) -> LaneCall | None:
        """The call with this name; without a name the latest one that is not over, else the latest one."""
        candidates = [call for call in self.calls if name is None or call.name == name]
        live = [call for call in candidates if call.state is not CallState.ENDED]
        chosen = live or candidates
        return chosen[-1] if chosen else None

    def new_call(self, name: str | None, peer: str, now: float) -> LaneCall:
        """A new outgoing call of this lane."""
        call = LaneCall(
            self._scenario.new_call_id(self.agent), self.agent, CallState.PLACED, name=name, peer=peer, at=now
        )  # fmt: skip
        self.calls.append(call)
        self._scenario.own_call(call, self)
        return call

    def claim(self, wanted: Callable[[LaneCall], bool], name: str | None) -> LaneCall | None:
        """The first incoming call that nobody has."""
        call = self._scenario.claim(self.agent, wanted, self)
        if call is not None:
            call.name = name
            self.calls.append(call)
        return call

    def waiting_call(self, wanted: Callable[[LaneCall], bool]) -> LaneCall | None:
        """The call that `claim` would take."""
        return self._scenario.waiting_call(self.agent, wanted)

    def command(self, command: Command) -> None:
        """To the runtime."""
        self._scenario.command(command)

    def happened(self, payload: Payload) -> None:
        """Into the stream."""
        self._happened(payload, self.node)

    def _happened(self, payload: Payload, node: Node | None) -> None:
        call = self.call_for(None if node is None else node.call)
        self._scenario.happened(self.agent, "" if call is None else call.id, node, payload)

    def new_token(self) -> int:
        """A number for a command."""
        return self._scenario.new_token(self)

    def calls_as(self) -> AgentPlan | None:
        """The lane's agent, where rows of tables say who it calls as."""
        plan = self._scenario.plan
        return plan.agents[self.agent] if self.agent in plan.per_call else None

    def formats(self, codecs: tuple[str, ...]) -> tuple[RtpFormat, ...]:
        """The statement's codecs, else the agent's."""
        agent = self._scenario.plan.agents[self.agent]
        return formats_for(codecs, events=agent.spec.dtmf != "inband") if codecs else agent.formats

    def local_agent(self, name: str | None) -> bool:
        """Whether this run drives `name`."""
        agent = self._scenario.plan.agents.get(name or "")
        return agent is not None and not agent.remote

    def remote_uri(self, name: str) -> str:
        """URI of an agent that the file only names."""
        return self._scenario.plan.agents[name].uri

    def take_message(self, wanted: Callable[[Payload], bool], *, leave: bool = False) -> Arrival | None:
        """A response of this lane, or a request for its agent."""
        for inbox in self.inboxes():
            for index, arrival in enumerate(inbox):
                if wanted(arrival.payload):
                    return arrival if leave else inbox.pop(index)
        return None

    def inboxes(self) -> tuple[list[Arrival], ...]:
        """Where messages outside of calls are."""
        return self.messages, self._scenario.agent_messages(self.agent)

    def raise_signal(self, name: str) -> None:
        """For everybody who awaits it."""
        self._scenario.raise_signal(name)

    def signal_raised(self, name: str) -> bool:
        """Whether it was signalled."""
        return self._scenario.signal_raised(name)

    def _ask_for_measurements(self, names: frozenset[str | None]) -> bool:
        """Ask for all that can be measured; what cannot fails when the expression is evaluated."""
        for name in sorted(names, key=str):
            call = self.call_for(name)
            if call is not None:
                token = self.new_token()
                self._measuring[token] = name
                self.command(Measure(self.agent, call.id, token))
        return bool(self._measuring)


def _way_on(node: Node, outcome: Success) -> str | None:
    """Id of the node behind a success, None at the end of the lane."""
    if isinstance(node.op, ops.Branching):
        assert outcome.arm is not None, "a branching statement that succeeds has chosen an arm"
        return node.arms[outcome.arm]
    return None if isinstance(node.op, ops.End) else node.success
