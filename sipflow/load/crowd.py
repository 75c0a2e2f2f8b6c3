"""Many scenarios over the same agents: one for each planned call, each with its own lanes, row of data, calls and legs.

A machine as `sipflow.flow.Scenario` is: the driver feeds it the events of all agents, and it hands each to the
scenario that it belongs to. An incoming call finds the scenario that placed it by its Call-ID; one that comes through
something that changes Call-IDs goes to the oldest scenario that still waits for a call; where no lane of the file
calls anybody, every incoming call begins a scenario of its own.
"""

from __future__ import annotations

import heapq
import math
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from sipflow import events
from sipflow.events import Payload, Record
from sipflow.flow import Scenario, commands
from sipflow.flow.outcome import LaneResult
from sipflow.flow.scenario import Happened, Numbers
from sipflow.ir import ops
from sipflow.ir.graph import Node
from sipflow.load.arrivals import Arrivals
from sipflow.load.meter import CallTimes, Meter
from sipflow.load.roles import begins_by_itself, callees
from sipflow.plan.plan import Plan

STARTS_AT_ONCE = 50
"""How many calls are started before the network gets its turn."""
RING_RECORDS = 400
"""The newest events of a call that are kept until it is known how it ends."""
_SERIAL_SHIFT = 20
"""Tokens of a scenario are below 2^20; the number of the scenario stands above."""
_UNCLAIMED = 1000
"""Incoming calls whose first events are kept until it is known whose they are."""


@dataclass(frozen=True, slots=True)
class Ended:
    """A call of the plan that is over, for whoever keeps failures."""

    number: int
    """In the whole run, from 0."""
    passed: bool
    planned_at: float
    started_at: float
    ended_at: float
    plan: Plan
    results: tuple[LaneResult, ...]
    records: tuple[Record, ...]
    """Its newest events, oldest first; empty when nobody keeps any."""
    calls: tuple[str, ...]


PlanOf = Callable[[int], Plan]
"""The plan of call number n; raises `NoRowError` when there is no row of data for it."""


class NoRowError(Exception):
    """A table whose rows are used once has none left."""


class _Member(Numbers):
    """One scenario of the crowd. It numbers its own calls and tokens (`Numbers`), so that the crowd finds it."""

    def __init__(self, crowd: Crowd, serial: int, number: int, planned: float, now: float, plan: Plan) -> None:
        self.crowd = crowd
        self.serial = serial
        self.number = number
        self.planned = planned
        self.started = now
        self.late: float | None = max(now - planned, 0.0)
        """What the first call that is placed is late; None once it is placed."""
        self.calls: dict[str, CallTimes | None] = {}
        self.tokens = 0
        self.alarm = math.inf
        self.ring: deque[Record] | None = deque(maxlen=RING_RECORDS) if crowd.keeps_records else None
        self.steps: dict[str, tuple[Node, float]] = {}
        """The node in which each lane is, and since when."""
        self.uncalled = False
        """Whether a call could not even be placed, and none had been before."""
        self.wanted = dict(crowd.callees)
        """How many calls each agent waits for."""
        self.scenario = Scenario(plan, self)

    def new_call_id(self, agent: str) -> str:
        """A call of this scenario."""
        call = self.crowd.new_call_id(agent)
        self.crowd.own(call, self)
        return call

    def new_token(self) -> int:
        """A token that leads back to this scenario."""
        self.tokens += 1
        return (self.serial << _SERIAL_SHIFT) | (self.tokens & ((1 << _SERIAL_SHIFT) - 1))


@dataclass(slots=True)
class CrowdConfig:
    """What a crowd is told once."""

    plan: Plan
    arrivals: Arrivals
    plan_of: PlanOf
    concurrency: int | None = None
    """For this crowd alone."""
    calls: int | None = None
    """Where every incoming call begins a scenario: so many, at most."""
    ended: Callable[[Ended], None] = field(default=lambda ended: None)


class Crowd:
    """Feed it events and time; after every mutation drain `outputs()` until it is empty, then re-arm."""

    def __init__(self, config: CrowdConfig, meter: Meter) -> None:
        self._config = config
        self._meter = meter
        self.callees = callees(config.plan.graph)
        self.answers_only = not begins_by_itself(config.plan.graph)
        """Whether scenarios begin with the calls that come."""
        self.keeps_records = True
        """Whether calls that begin from now on keep their newest events; costs memory and time."""
        self._origin = math.inf
        """When the plan begins, in seconds of the run."""
        self._now = 0.0
        self._serials = 0
        self._numbers: dict[str, int] = {}
        self._members: dict[int, _Member] = {}
        self._by_call: dict[str, _Member] = {}
        self._by_dialog: dict[str, _Member] = {}
        self._dialogs: dict[str, str] = {}
        """Call-ID of each call that was placed."""
        self._waiting: dict[str, dict[int, _Member]] = {agent: {} for agent in self.callees}
        self._unclaimed: dict[str, list[Record]] = {}
        self._alarms: list[tuple[float, int]] = []
        self._touched: dict[int, _Member] = {}
        """Members that may have outputs."""
        self._outputs: list[commands.Command] = []
        self._over: list[_Member] = []
        self._closed = ""

    # --- the plan ---

    def begin(self, at: float) -> None:
        """The plan begins at that second of the run."""
        self._origin = at

    @property
    def arrivals(self) -> Arrivals:
        """The planned starts."""
        return self._config.arrivals

    @property
    def origin(self) -> float:
        """When the plan begins."""
        return self._origin

    @property
    def active(self) -> int:
        """Calls of the plan that began and are not over."""
        return len(self._members)

    # --- verbs ---

    @property
    def done(self) -> bool:
        """Whether no call is left, and none will begin."""
        return not self._members and not self._outputs and self._exhausted

    @property
    def _exhausted(self) -> bool:
        if self._closed:
            return True
        if self.answers_only:
            limit = self._config.calls
            return (limit is not None and self._serials >= limit) or self._now >= self._end
        return self.arrivals.peek() is None

    @property
    def _end(self) -> float:
        """When no more calls begin."""
        return self._origin + self.arrivals.curve.duration_s

    def start(self, now: float) -> None:
        """The agents are there; the plan begins when `begin` said."""
        self._now = now

    def receive(self, agent: str, payload: Payload, now: float) -> None:
        """An event of one of the calls, or of an agent."""
        self._now = now
        if isinstance(payload, events.CallIncoming):
            member = self._member_called(agent, payload, now)
        else:
            member = self._member_of(agent, payload)
        if member is not None:
            member.scenario.receive(agent, payload, now)
            self._touched[member.serial] = member

    def handle_timer(self, now: float) -> None:
        """Begin what is due, and let time pass for those whose time it is."""
        self._now = now
        self._begin_due(now)
        while self._alarms and self._alarms[0][0] <= now:
            at, serial = heapq.heappop(self._alarms)
            member = self._members.get(serial)
            if member is not None and member.alarm == at:
                member.alarm = math.inf
                member.scenario.handle_timer(now)
                self._touched[serial] = member

    def next_deadline(self) -> float | None:
        """When `handle_timer` wants to be called."""
        if self.answers_only:
            start = self._end if self._end > self._now else math.inf
        else:
            planned = None if self._closed else self.arrivals.peek()
            start = math.inf if planned is None else self._origin + planned[1]
        alarm = self._alarms[0][0] if self._alarms else math.inf
        nearest = min(start, alarm)
        return None if nearest == math.inf else nearest

    def outputs(self) -> Iterator[commands.Command]:
        """What is to be done; what happened in the scenarios goes to the meter."""
        while self._touched or self._outputs:
            touched, self._touched = self._touched, {}
            for member in touched.values():
                yield from self._outputs_of(member)
            ready, self._outputs = self._outputs, []
            yield from ready

    def close(self, now: float, why: str) -> None:
        """Stop every call; they are released."""
        self._now = now
        self._closed = why
        for member in list(self._members.values()):
            member.scenario.close(now, why)
            self._touched[member.serial] = member

    def results(self) -> tuple[LaneResult, ...]:
        """Lanes of a crowd are counted, not kept."""
        return ()

    def place(self, call_id: str | None, agent: str) -> Node | None:
        """The node that is current for a call."""
        member = self._by_call.get(call_id or "")
        return None if member is None else member.scenario.place(call_id, agent)

    def new_call_id(self, agent: str) -> str:
        """`alice-1`, `alice-2`, …: unique in this worker."""
        number = self._numbers[agent] = self._numbers.get(agent, 0) + 1
        return f"{agent}-{number}"

    def own(self, call: str, member: _Member) -> None:
        """Events of this call go to that scenario."""
        self._by_call[call] = member
        member.calls[call] = None

    # --- what the driver stamps ---

    def take(self, record: Record) -> None:
        """Measure an event of a call, and keep it until the call is over."""
        member = self._by_call.get(record.call)
        if member is None:
            self._keep_unclaimed(record)
            return
        if member.ring is not None:
            member.ring.append(record)
        self._measure(member, record)

    def _measure(self, member: _Member, record: Record) -> None:
        payload, call = record.event, record.call
        if isinstance(payload, events.MediaMeasured):
            self._meter.measured(payload.statistics)
        elif isinstance(payload, events.CallPlaced):
            late, member.late = member.late or 0.0, None
            member.calls[call] = self._meter.placed(record.time, late)
            if payload.call_id:
                self._by_dialog[payload.call_id] = member
                self._dialogs[call] = payload.call_id
        else:
            times = member.calls.get(call)
            if times is not None:
                self._meter.happened(times, payload, record.time)

    def _keep_unclaimed(self, record: Record) -> None:
        if record.call and self.callees and len(self._unclaimed) < _UNCLAIMED:
            self._unclaimed.setdefault(record.call, []).append(record)

    # --- beginning ---

    def _begin_due(self, now: float) -> None:
        if self.answers_only or self._closed:
            return
        for _ in range(STARTS_AT_ONCE):
            planned = self.arrivals.peek()
            if planned is None or self._origin + planned[1] > now:
                return
            self.arrivals.take()
            self._begin(planned[0], self._origin + planned[1], now)

    def _begin(self, number: int, planned: float, now: float) -> _Member | None:
        limit = self._config.concurrency
        if limit is not None and len(self._members) >= limit:
            self._meter.not_started("too many calls at the same time")
            return None
        try:
            plan = self._config.plan_of(number)
        except NoRowError as error:
            self._meter.not_started(str(error))
            return None
        self._serials += 1
        member = _Member(self, self._serials, number, planned, now, plan)
        self._members[member.serial] = member
        for agent in member.wanted:
            self._waiting[agent][member.serial] = member
        self._meter.started(now - planned)
        member.scenario.start(now)
        self._touched[member.serial] = member
        return member

    # --- whose event it is ---

    def _member_called(self, agent: str, incoming: events.CallIncoming, now: float) -> _Member | None:
        early = self._unclaimed.pop(incoming.call, [])
        member = self._by_call.get(incoming.replaces or "") or self._by_dialog.get(_call_id_in(incoming.headers))
        if member is None:
            member = next(iter(self._waiting.get(agent, {}).values()), None)
        if member is None and self.answers_only and not self._exhausted:
            member = self._begin(self._serials, now, now)
        if member is None:
            self._turn_away(agent, incoming)
            return None
        self._count_down(member, agent)
        self.own(incoming.call, member)
        member.calls[incoming.call] = self._meter.came(now)
        if member.ring is not None:
            member.ring.extend(early)
        return member

    def _count_down(self, member: _Member, agent: str) -> None:
        left = member.wanted.get(agent, 0) - 1
        member.wanted[agent] = left
        if left <= 0 and agent in self._waiting:
            self._waiting[agent].pop(member.serial, None)

    def _turn_away(self, agent: str, incoming: events.CallIncoming) -> None:
        self._meter.metrics.count("sip/nobodys_calls")
        self._outputs.append(commands.RejectCall(agent, incoming.call, 480, "", commands.Message()))
        self._outputs.append(commands.ForgetCall(agent, incoming.call))

    def _member_of(self, agent: str, payload: Payload) -> _Member | None:
        call: str | None = getattr(payload, "call", None)
        if call:
            return self._by_call.get(call)
        token: int = getattr(payload, "token", None) or getattr(payload, "request", None) or 0
        if token:
            return self._members.get(token >> _SERIAL_SHIFT)
        # A request outside of calls, or a registration of the agent's own: the oldest scenario has waited longest.
        return next(iter(self._members.values()), None)

    # --- outputs and the end ---

    def _outputs_of(self, member: _Member) -> Iterator[commands.Command]:
        for output in member.scenario.outputs():
            if isinstance(output, Happened):
                self._step(member, output)
            else:
                yield output
        if member.uncalled and not any(member.calls.values()) and member.scenario.only_waits_for_calls:
            member.uncalled = False
            member.scenario.close(self._now, "nobody will call: no call could be placed")
            yield from self._outputs_of(member)
            return
        if member.scenario.done:
            self._retire(member)
            return
        deadline = member.scenario.next_deadline()
        if deadline is not None and deadline < member.alarm:
            member.alarm = deadline
            heapq.heappush(self._alarms, (deadline, member.serial))

    def _step(self, member: _Member, happened: Happened) -> None:
        node, payload = happened.node, happened.payload
        if member.ring is not None:
            place = ("", 0) if node is None else (node.id, node.span.line)
            member.ring.append(Record(self._now, happened.agent, happened.call, *place, payload))
        if node is None:
            return
        if isinstance(payload, events.NodeStarted):
            member.steps[node.lane] = node, self._now
        elif isinstance(payload, events.NodeSucceeded | events.NodeFailed):
            entered, since = member.steps.get(node.lane, (node, self._now))
            if entered is node:
                self._meter.step(node, isinstance(payload, events.NodeSucceeded), self._now - since)
            if isinstance(payload, events.NodeFailed) and isinstance(node.op, ops.Call | ops.Dial):
                member.uncalled = not any(member.calls.values())

    def _retire(self, member: _Member) -> None:
        del self._members[member.serial]
        for waiting in self._waiting.values():
            waiting.pop(member.serial, None)
        for call in member.calls:
            self._by_call.pop(call, None)
            self._by_dialog.pop(self._dialogs.pop(call, ""), None)
            self._outputs.append(commands.ForgetCall(call.rpartition("-")[0], call))
        results = member.scenario.results()
        passed = self._meter.over(results, member.scenario.plan.redactor.told)
        records = () if passed or member.ring is None else tuple(member.ring)
        whole = member.scenario.plan, results, records, tuple(member.calls)
        self._config.ended(Ended(member.number, passed, member.planned, member.started, self._now, *whole))


def _call_id_in(headers: tuple[tuple[str, str], ...]) -> str:
    return next((value for name, value in headers if name.lower() in ("call-id", "i")), "")
