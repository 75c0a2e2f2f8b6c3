"""The one place where commands go down and events come up.

Every stimulus (a datagram, a media event, the clock, a finished task) mutates one machine; then all machines are
drained until nothing is left to do, and one timer is set for the earliest deadline of all. Nothing here waits.
"""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Protocol

from sipflow import events
from sipflow.errors import MachineError, SipflowError
from sipflow.events import Payload, Record
from sipflow.flow import Scenario, commands
from sipflow.flow.outcome import LaneResult
from sipflow.flow.scenario import Happened
from sipflow.ir.graph import Agent, Node
from sipflow.media import MediaEngine
from sipflow.plan.plan import AgentPlan, Plan
from sipflow.runtime.agents import accepted_methods, proxy_config, user_agent_config
from sipflow.runtime.codecs import require_codecs
from sipflow.runtime.digits import DigitMerger, digit_of
from sipflow.runtime.info_digits import InfoDigits
from sipflow.runtime.keys import require_srtp
from sipflow.runtime.local_agent import LocalAgent
from sipflow.runtime.media_desk import MediaDesk
from sipflow.runtime.network import Network, Upcalls
from sipflow.runtime.orders import Orders
from sipflow.sip.config import Listener
from sipflow.sip.hop import Hop
from sipflow.sip.outputs import Lookup, Output, Transmit
from sipflow.sip.proxy.machine import Proxy
from sipflow.sip.user_agent import UserAgent

Publish = Callable[[Record], None]
DeskFactory = Callable[[Callable[[str, Payload], None]], MediaDesk]

_SYSTEM_NUMBERS = random.SystemRandom()

SIGN_OFF_S = 2.0
"""How long the end of a run waits for registrars to answer."""

_FOR_REPORTS_ONLY = (
    events.SipSent,
    events.SipReceived,
    events.MediaProgress,
    events.MediaMeasured,
    events.DigitSent,
)
"""Events that no statement can wait for: the flow never sees them."""


class Flow(Protocol):
    """What walks the graph: one `Scenario`, or the many of a load run. All times are seconds since the run started."""

    @property
    def done(self) -> bool:
        """Whether nothing is left to do."""

    def start(self, now: float) -> None:
        """The agents are there."""

    def receive(self, agent: str, payload: Payload, now: float) -> None:
        """Something happened."""

    def handle_timer(self, now: float) -> None:
        """Time passed."""

    def next_deadline(self) -> float | None:
        """When `handle_timer` wants to be called."""

    def outputs(self) -> Iterator[commands.Command | Happened]:
        """What is to be done, and what happened."""

    def close(self, now: float, why: str) -> None:
        """Stop; `done` tells when all calls are released."""

    def results(self) -> tuple[LaneResult, ...]:
        """What became of the lanes."""

    def place(self, call_id: str | None, agent: str) -> Node | None:
        """The node that is current for a call, or for the agent."""

    def new_call_id(self, agent: str) -> str:
        """Names an incoming call."""


class AgentRefusedError(MachineError):
    """The machine does not grant what an agent needs."""

    def __init__(self, agent: Agent, message: str) -> None:
        super().__init__(message)
        self.agent = agent


class Driver:
    """Runs one plan once."""

    def __init__(
        self,
        plan: Plan,
        engine: MediaEngine,
        desk: DeskFactory,
        publish: Publish,
        network: Network,
        flow: Flow | None = None,
    ) -> None:
        """`flow` walks the graph; without one it is walked once."""
        self._loop = asyncio.get_running_loop()
        self._plan = plan
        self._scenario: Flow = flow or Scenario(plan)
        self._engine = engine
        self._publish = publish
        self._network = network
        self._desk = desk(self._feed_later)
        self._agents: dict[str, LocalAgent] = {}
        self._proxies: dict[str, tuple[str, str]] = {}
        """Realm and URI of every agent that is open: those with `proxy NAME` need them."""
        self._pending: list[tuple[str, Payload]] = []
        self._digits = DigitMerger()
        self._by_info = InfoDigits(self.now, self._tell, self._later)
        self._orders = Orders(self._agents, self._desk, self._by_info, self.now, self._tell)
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = math.inf
        self._leaving: asyncio.TimerHandle | None = None
        """Set once the lanes are over; ends the run although a registrar does not answer."""
        self._finished = asyncio.Event()
        self._started_at = self._loop.time()
        self._crashed: BaseException | None = None

    # --- the run ---

    def open(self) -> None:
        """Bind every agent's socket; raises `AgentRefusedError` and leaves nothing open when one cannot be had."""
        try:
            for plan in _proxies_first(self._plan):
                agent = self._agents[plan.name] = self._open_agent(plan)
                realm = "" if plan.registrar is None else plan.registrar.realm
                self._proxies[plan.name] = realm, agent.proxy_uri
        except SipflowError:
            self.close()
            raise
        self._loop.add_reader(self._engine.fileno(), self._on_media)

    async def run(self) -> None:
        """Let the lanes begin and wait until all of them are over."""
        for agent in self._agents.values():
            agent.port.open()
        self._started_at = self._loop.time()
        for agent in self._agents.values():
            if agent.plan.register_s is not None:
                agent.user_agent.register(0.0, expires_s=round(agent.plan.register_s), persistent=True)
        self._scenario.start(0.0)
        self._pump()
        await self.wait()

    async def wait(self) -> None:
        """Wait until all lanes are over; raises what a bug raised in the middle of a run."""
        await self._finished.wait()
        if self._crashed is not None:
            raise self._crashed

    def pump(self) -> None:
        """The flow was told something by another way: do what it wants done, and re-arm."""
        self._pump()

    def tell_messages(self, on: bool) -> None:
        """Whether the SIP messages of user agents are published from now on."""
        for agent in self._agents.values():
            if isinstance(agent.machine, UserAgent):
                agent.machine.tell_messages(on)

    @property
    def started_at(self) -> float:
        """When the run started, on the loop's clock."""
        return self._started_at

    def retransmissions(self) -> tuple[int, int]:
        """Messages that all agents sent again, and that came again."""
        counted = [a.machine.statistics() for a in self._agents.values() if isinstance(a.machine, UserAgent)]
        return sum(one.retransmissions_sent for one in counted), sum(one.retransmissions_received for one in counted)

    def socket_faults(self) -> tuple[int, int]:
        """Datagrams that the kernel dropped because they were not read in time, and that it did not take."""
        faults = [agent.port.faults() for agent in self._agents.values()]
        return sum(dropped for dropped, _ in faults), sum(refused for _, refused in faults)

    def abandon(self) -> None:
        """Wait for nothing any more."""
        self._finished.set()

    def unfinished(self) -> dict[str, dict[str, int]]:
        """What every agent's machine still has of what comes and goes, by the agent's name."""
        return {name: agent.machine.unfinished() for name, agent in self._agents.items()}

    def results(self) -> tuple[LaneResult, ...]:
        """What became of the lanes."""
        return self._scenario.results()

    def stop(self, why: str) -> None:
        """Stop all lanes; `run` returns when their calls are released."""
        self._scenario.close(self.now(), why)
        self._pump()

    def close(self) -> None:
        """Give back every socket, leg and timer."""
        for timer in (self._timer, self._leaving):
            if timer is not None:
                timer.cancel()
        self._loop.remove_reader(self._engine.fileno())
        self._desk.close_all()
        for agent_name, payload in self._pending:
            self._stamp(agent_name, payload)
        self._pending.clear()
        for agent in self._agents.values():
            agent.port.close()
        self._network.close()

    def now(self) -> float:
        """Seconds since the run started."""
        return self._loop.time() - self._started_at

    def publish(self, payload: Payload) -> None:
        """Write an event that belongs to no agent into the stream."""
        self._publish(Record(self.now(), "", "", "", 0, payload))

    def _open_agent(self, plan: AgentPlan) -> LocalAgent:
        try:
            require_srtp(plan)
            require_codecs(plan, self._plan.graph)
            port = self._network.port(
                plan,
                Upcalls(
                    receive=lambda data, source: self._on_message(agent, data, source),
                    failed=lambda hop, problem: agent.machine.transport_failed(hop, problem, self.now()),
                    refused=lambda hop, quoted, why: agent.machine.datagram_refused(hop, quoted, why, self.now()),
                    drained=self._pump,
                    noticed=lambda text: self._stamp(plan.name, events.Logged(text, "warning")),
                ),
            )
        except MachineError as error:
            raise AgentRefusedError(plan.spec, str(error)) from error
        agent = LocalAgent(plan, port, self._machine(plan, port.listeners))
        return agent

    def _machine(self, plan: AgentPlan, listeners: tuple[Listener, ...]) -> UserAgent | Proxy:
        """The SIP side of an agent; its identifiers are the same ones for the same seed and port."""
        seed = self._plan.seed
        numbers = random.Random(f"{seed}/{plan.name}/{listeners[0].port}") if seed else random.SystemRandom()
        if plan.registrar is not None:
            return Proxy(proxy_config(plan, plan.registrar, listeners), numbers)
        config = user_agent_config(plan, listeners, self._proxies, accepted_methods(self._plan.graph, plan.name))
        return UserAgent(config, numbers, lambda: self._scenario.new_call_id(plan.name))

    # --- stimuli ---

    def _on_message(self, agent: LocalAgent, data: bytes, source: Hop) -> None:
        agent.machine.receive(data, source, self.now())

    def _on_media(self) -> None:
        for payload in self._engine.drain():
            call: str = getattr(payload, "call", "")
            self._feed(self._desk.agent_of(call), payload)
        self._pump()

    def _on_timer(self) -> None:
        self._timer, self._timer_at = None, math.inf
        now = self.now()
        for agent in self._agents.values():
            deadline = agent.machine.next_deadline()
            if deadline is not None and deadline <= now:
                agent.machine.handle_timer(now)
        self._scenario.handle_timer(now)
        self._pump()

    def _feed_later(self, agent: str, payload: Payload) -> None:
        """From the media desk, inside a pump or from a task of its own."""
        if not self._pending:
            self._loop.call_soon(self._pump)
        self._tell(agent, payload)

    def _tell(self, agent: str, payload: Payload) -> None:
        """To be fed by the pump that runs, or by the next one."""
        self._pending.append((agent, payload))

    def _later(self, seconds: float, act: Callable[[], None]) -> None:
        """Act then, and drain what came of it."""

        def act_and_pump() -> None:
            act()
            self._pump()

        self._loop.call_later(seconds, act_and_pump)

    # --- drain, then re-arm ---

    def _pump(self) -> None:
        try:
            while self._drain_once():
                pass
            self._rearm()
        except Exception as error:  # a bug must end the run with its cause, never hang it
            self._crashed = error
            self._finished.set()
            return
        if self._scenario.done and not self._pending:
            self._sign_off()

    def _sign_off(self) -> None:
        """All lanes are over: take registrations back, and wait a little for the registrars' answers."""
        agents = [agent.machine for agent in self._agents.values() if isinstance(agent.machine, UserAgent)]
        if self._leaving is None:
            self._leaving = self._loop.call_later(SIGN_OFF_S, self._finished.set)
            for agent in agents:
                if agent.registered or agent.registering:
                    agent.unregister(self.now())
        if not any(agent.registering for agent in agents):
            self._finished.set()
        elif any(agent.has_outputs for agent in agents):
            self._loop.call_soon(self._pump)

    def _drain_once(self) -> bool:
        moved = False
        for agent in self._agents.values():
            for output in agent.machine.outputs():
                moved = True
                self._take_sip(agent, output)
        pending, self._pending = self._pending, []
        for name, payload in pending:
            self._feed(name, payload)
        for step in self._scenario.outputs():
            moved = True
            self._take_flow(step)
        return moved or bool(pending)

    def _rearm(self) -> None:
        """Move the alarm forward only: one that rings too early finds nothing to do, and costs less than moving it."""
        deadlines = [agent.machine.next_deadline() for agent in self._agents.values()]
        deadlines.append(self._scenario.next_deadline())
        nearest = min((at for at in deadlines if at is not None), default=None)
        if nearest is None or nearest >= self._timer_at:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer_at = nearest
        self._timer = self._loop.call_at(self._started_at + nearest, self._on_timer)

    # --- events going up ---

    def _take_sip(self, agent: LocalAgent, output: Output) -> None:
        if isinstance(output, Transmit):
            problem = agent.port.send(output.data, output.destination)
            if problem:
                agent.machine.transport_failed(output.destination, problem, self.now())
        elif isinstance(output, Lookup):
            self._network.resolve(output.query, lambda hops, why: self._on_resolved(agent, output.number, hops, why))
        else:
            self._feed(agent.plan.name, output)

    def _on_resolved(self, agent: LocalAgent, number: int, hops: tuple[Hop, ...], problem: str) -> None:
        agent.machine.resolved(number, hops, problem, self.now())
        self._pump()

    def _feed(self, agent: str, payload: Payload) -> None:
        """Stamp an event, publish it, act on what concerns media, and let the flow have it."""
        if isinstance(payload, events.DtmfReceived) and not self._is_news(payload):
            return
        if isinstance(payload, events.ResponseReceived) and self._by_info.answered(agent, payload):
            self._stamp(agent, replace(payload, request=0))
            return
        match payload:
            case events.RecordingFinished(began_s=float(began_s)):
                payload = replace(payload, began_s=round(began_s - self._started_at, 9))
            case events.MediaNegotiated(call=call, params=params):
                self._desk.negotiated(call, params)
            case events.CallModified(call=call):
                self._desk.offer_taken(call)
            case events.CallModifyRejected(call=call):
                self._desk.offer_refused(call)
            case events.CallEnded(call=call) | events.CallRejected(call=call):
                unprotected = self._desk.close(call)
                self._digits.forget(call)
                if unprotected:
                    self._feed(agent, events.MediaUnprotected(call, unprotected))
            case (
                events.ResponseReceived(request=number)
                | events.Registered(request=number)
                | events.Unregistered(request=number)
                | events.RegistrationFailed(request=number)
            ):
                payload = replace(payload, request=self._orders.token(agent, number))
            case _:
                pass
        self._stamp(agent, payload)
        if not isinstance(payload, _FOR_REPORTS_ONLY):
            self._scenario.receive(agent, payload, self.now())
        if isinstance(payload, events.RequestReceived) and (digit := digit_of(payload)) is not None:
            self._feed(agent, digit)

    def _is_news(self, digit: events.DtmfReceived) -> bool:
        """Whether a digit is none that came by another way already."""
        told = self._digits.admit(digit, self.now())
        self._desk.digit(digit, told=told)
        return told

    def _stamp(self, agent: str, payload: Payload) -> None:
        if isinstance(payload, events.CallMeasured | events.CommandDone):
            return
        call = getattr(payload, "call", None)
        node = self._scenario.place(call, agent)
        place = ("", 0) if node is None else (node.id, node.span.line)
        self._publish(Record(self.now(), agent, call or "", *place, payload))

    # --- commands going down ---

    def _take_flow(self, output: commands.Command | Happened) -> None:
        if isinstance(output, Happened):
            node = output.node
            place = ("", 0) if node is None else (node.id, node.span.line)
            self._publish(Record(self.now(), output.agent, output.call, *place, output.payload))
        else:
            self._orders.carry_out(output)


def _proxies_first(plan: Plan) -> list[AgentPlan]:
    """The agents that the run drives; whose address another one has to know is bound before that one."""
    proxies = {agent.proxy_agent for agent in plan.agents.values()}
    driven = [agent for agent in plan.agents.values() if not agent.remote]
    return sorted(driven, key=lambda agent: agent.name not in proxies)
