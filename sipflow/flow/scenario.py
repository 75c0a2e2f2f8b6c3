"""All lanes of one run of a graph, and the calls between them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sipflow import events
from sipflow.events import Payload
from sipflow.flow.call import Arrival, CallState, LaneCall
from sipflow.flow.commands import Command, FollowTransfer, Message, RejectCall, TakeOver
from sipflow.flow.outcome import LaneResult
from sipflow.flow.walker import LaneState, LaneWalker
from sipflow.ir import ops
from sipflow.ir.graph import Node
from sipflow.plan.plan import Plan


@dataclass(frozen=True, slots=True)
class Happened:
    """An event of the flow itself, with what it belongs to."""

    agent: str
    call: str
    node: Node | None
    payload: Payload


Output = Command | Happened

_ANSWERS = (events.ResponseReceived, events.Registered, events.Unregistered, events.RegistrationFailed)
"""What comes back for a request with a token; without one it is the agent's, for whichever lane waits for it."""

_FOR_EXPECT_TOO = (events.Registered, events.Unregistered)
"""What ends `register` and `unregister` is still there for the next `expect registered` and `expect unregistered`."""


class Numbers:
    """Ids of calls and tokens: no two of those that scenarios share are the same."""

    def __init__(self) -> None:
        self._calls: dict[str, int] = {}
        self._tokens = 0

    def new_call_id(self, agent: str) -> str:
        """`alice-1`, `alice-2`, …."""
        self._calls[agent] = self._calls.get(agent, 0) + 1
        return f"{agent}-{self._calls[agent]}"

    def new_token(self) -> int:
        """Tokens count from 1."""
        self._tokens += 1
        return self._tokens


class Scenario:
    """One run. Feed it events and time; after every mutation drain `outputs()` until it is empty, then re-arm."""

    def __init__(self, plan: Plan, numbers: Numbers | None = None) -> None:
        """`numbers` are shared by scenarios that run beside one another, with the same agents."""
        self.plan = plan
        self._numbers = numbers or Numbers()
        self.walkers = [LaneWalker(lane, self) for lane in plan.graph.lanes]
        self._outputs: list[Output] = []
        self._token_owners: dict[int, LaneWalker] = {}
        self._owners: dict[str, tuple[LaneCall, LaneWalker | None]] = {}
        self._queues: dict[str, list[LaneCall]] = {agent: [] for agent in plan.agents}
        """Incoming calls that no lane has yet, first come first served."""
        self._messages: dict[str, list[Arrival]] = {agent: [] for agent in plan.agents}
        self._signals: set[str] = set()
        self._now = 0.0

    # --- verbs ---

    def start(self, now: float) -> None:
        """Let all lanes begin."""
        self._now = now
        for walker in self.walkers:
            walker.start(now)

    def receive(self, agent: str, payload: Payload, now: float) -> None:
        """An event of one of the agent's calls, or of the agent itself."""
        self._now = now
        if isinstance(payload, events.CallIncoming):
            self._receive_call(agent, payload, now)
        elif isinstance(payload, events.CallMeasured):
            self._receive_measurement(payload, now)
        elif isinstance(payload, _ANSWERS) and payload.request in self._token_owners:
            self._receive_answer(payload.request, payload, now)
            if isinstance(payload, _FOR_EXPECT_TOO):
                self._receive_request(agent, payload, now)
        elif isinstance(payload, events.CommandFailed | events.CommandDone) and not payload.call:
            self._receive_answer(payload.token, payload, now)
        elif getattr(payload, "call", None) is None:
            self._receive_request(agent, payload, now)
        else:
            self._receive_for_call(payload, now)

    def handle_timer(self, now: float) -> None:
        """Time passed."""
        self._now = now
        for walker in self.walkers:
            deadline = walker.next_deadline()
            if deadline is not None and deadline <= now:
                walker.handle_timer(now)

    def next_deadline(self) -> float | None:
        """When `handle_timer` wants to be called, None when only events can move anything."""
        return min((at for walker in self.walkers if (at := walker.next_deadline()) is not None), default=None)

    def outputs(self) -> Iterator[Output]:
        """Drain what is to be done and what happened, in order."""
        while self._outputs:
            batch, self._outputs = self._outputs, []
            yield from batch

    def close(self, now: float, why: str) -> None:
        """Stop every lane; their calls are released."""
        self._now = now
        for walker in self.walkers:
            walker.stop(now, why)

    @property
    def done(self) -> bool:
        """Whether every lane is over, its calls released and its recordings closed."""
        return all(walker.state is LaneState.DONE for walker in self.walkers)

    def results(self) -> tuple[LaneResult, ...]:
        """What became of the lanes, in source order."""
        return tuple(walker.result() for walker in self.walkers)

    @property
    def only_waits_for_calls(self) -> bool:
        """Whether a lane has failed, and all that are not over wait for a call to come, and for nothing else."""
        going = [walker for walker in self.walkers if walker.state is not LaneState.DONE]
        waiting = all(
            walker.state is LaneState.RUNNING
            and walker.statement is not None
            and walker.statement.polls_for_calls
            and not isinstance(walker.statement.op, ops.Choose)
            for walker in going
        )
        return waiting and any(walker.result().failure is not None for walker in self.walkers if walker not in going)

    def place(self, call_id: str | None, agent: str) -> Node | None:
        """The node that is current for a call, or for the agent when the call belongs to no lane."""
        owner = self._owners.get(call_id or "", (None, None))[1]
        if owner is None:
            owner = next((walker for walker in self.walkers if walker.agent == agent), None)
        return None if owner is None else owner.node

    # --- events ---

    def _receive_call(self, agent: str, incoming: events.CallIncoming, now: float) -> None:
        replaced = self._owners.get(incoming.replaces or "")
        if replaced is not None:
            self._take_over(replaced, incoming)
            return
        call = LaneCall(incoming.call, agent, CallState.INCOMING, name=None, peer=incoming.from_uri, at=now)
        call.invite = events.RequestReceived(incoming.call, "INVITE", incoming.headers, incoming.body, 0)
        self._owners[incoming.call] = (call, None)
        if not self._has_running_lane(agent):
            self._turn_away(call)
            return
        self._queues[agent].append(call)
        lanes = [walker for walker in self.walkers if walker.agent == agent]
        for walker in sorted(lanes, key=lambda walker: walker.waiting_since):
            if walker.statement is not None and walker.statement.polls_for_calls:
                walker.poll(now)

    def _has_running_lane(self, agent: str) -> bool:
        over = (LaneState.RELEASING, LaneState.DONE)
        return any(walker.agent == agent and walker.state not in over for walker in self.walkers)

    def _turn_away(self, call: LaneCall) -> None:
        self.command(RejectCall(call.agent, call.id, 480, "", Message()))

    def _take_over(self, replaced: tuple[LaneCall, LaneWalker | None], incoming: events.CallIncoming) -> None:
        call = replaced[0]
        call.next_id = incoming.call
        call.dialogs.add(incoming.call)
        self._owners[incoming.call] = replaced
        self.command(TakeOver(call.agent, call.id, incoming.call))

    def _receive_measurement(self, measured: events.CallMeasured, now: float) -> None:
        walker = self._token_owners.pop(measured.token, None)
        if walker is not None:
            walker.measured(measured, now)

    def _receive_request(self, agent: str, payload: Payload, now: float) -> None:
        """A request outside any call goes to the agent: the first lane that expects it takes it."""
        self._messages[agent].append(Arrival(now, payload))
        for walker in self.walkers:
            if walker.agent == agent:
                walker.poll(now)

    def _receive_answer(self, token: int, payload: Payload, now: float) -> None:
        """A response goes to the lane that sent the request."""
        walker = self._token_owners.pop(token, None)
        if walker is not None:
            walker.messages.append(Arrival(now, payload))
            walker.poll(now)

    def _receive_for_call(self, payload: Payload, now: float) -> None:
        call_id: str = getattr(payload, "call", "")
        call, walker = self._owners.get(call_id, (None, None))
        if call is None:
            return
        call.receive(payload, now)
        if isinstance(payload, events.TransferRequested) and walker is not None and walker.state is LaneState.RUNNING:
            self._follow(call, walker)
        if walker is not None:
            walker.poll(now)

    def _follow(self, call: LaneCall, walker: LaneWalker) -> None:
        """A phone follows a REFER by itself; the lane's call goes on in the new dialog when that is answered."""
        new_id = self.new_call_id(call.agent)
        call.next_id = new_id
        call.dialogs.add(new_id)
        self._owners[new_id] = (call, walker)
        self.command(FollowTransfer(call.agent, call.id, new_id))

    # --- what lanes ask for (ScenarioView) ---

    def command(self, command: Command) -> None:
        """To the runtime."""
        self._outputs.append(command)

    def happened(self, agent: str, call: str, node: Node | None, payload: Payload) -> None:
        """Into the stream."""
        self._outputs.append(Happened(agent, call, node, payload))

    def new_token(self, walker: LaneWalker) -> int:
        """A number for a command of that lane."""
        token = self._numbers.new_token()
        self._token_owners[token] = walker
        return token

    def lane_ended(self, walker: LaneWalker) -> None:
        """Callers that wait for an agent whose lanes are all over are sent away at once."""
        if self._has_running_lane(walker.agent):
            return
        for call in self._queues[walker.agent]:
            if call.state is CallState.INCOMING:
                self._turn_away(call)

    def new_call_id(self, agent: str) -> str:
        """`alice-1`, `alice-2`, …: unique in the run; user agents name incoming calls with it, too."""
        return self._numbers.new_call_id(agent)

    def own_call(self, call: LaneCall, walker: LaneWalker) -> None:
        """Events of this call go to this lane."""
        self._owners[call.id] = (call, walker)

    def claim(self, agent: str, wanted: Callable[[LaneCall], bool], walker: LaneWalker) -> LaneCall | None:
        """The first waiting call that is wanted, taken out of the queue."""
        call = self.waiting_call(agent, wanted)
        if call is not None:
            self._queues[agent].remove(call)
            self._owners[call.id] = (call, walker)
        return call

    def waiting_call(self, agent: str, wanted: Callable[[LaneCall], bool]) -> LaneCall | None:
        """The first waiting call that is wanted, left in the queue."""
        return next((call for call in self._queues[agent] if wanted(call)), None)

    def agent_messages(self, agent: str) -> list[Arrival]:
        """Messages of the agent that belong to no call."""
        return self._messages[agent]

    def raise_signal(self, name: str) -> None:
        """Signals stay: whoever awaits it later finds it."""
        self._signals.add(name)
        for walker in self.walkers:
            if walker.state is LaneState.RUNNING and walker.statement is not None:
                walker.poll(self._now)

    def signal_raised(self, name: str) -> bool:
        """Whether it was signalled."""
        return name in self._signals
