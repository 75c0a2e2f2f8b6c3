"""The one place where commands go down and events come up.

Every stimulus (a datagram, a media event, the clock, a finished task) mutates one machine; then all machines are
drained until nothing is left to do, and one timer is set for the earliest deadline of all. Nothing here waits.
"""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any, Protocol

from sipflow import events
from sipflow.errors import MachineError, MisuseError, SipflowError
from sipflow.events import Payload, Record
from sipflow.flow import Scenario, commands
from sipflow.flow.outcome import LaneResult
from sipflow.flow.scenario import Happened
from sipflow.ir.graph import Agent, Node
from sipflow.media import MediaEngine
from sipflow.media.prompts import PAUSE_MS
from sipflow.plan.plan import AgentPlan, Plan
from sipflow.runtime.agents import accepted_methods, proxy_config, user_agent_config
from sipflow.runtime.digits import RELAY, DigitMerger, DigitsByInfo, digit_of, info_body
from sipflow.runtime.keys import require_srtp
from sipflow.runtime.measurements import media_measurements
from sipflow.runtime.media_desk import MediaDesk
from sipflow.runtime.network import Network, Port, Upcalls
from sipflow.sip.config import Listener
from sipflow.sip.edits import Edit
from sipflow.sip.hop import Hop
from sipflow.sip.outputs import Lookup, Output, Transmit
from sipflow.sip.proxy.machine import Proxy
from sipflow.sip.user_agent import UserAgent

Publish = Callable[[Record], None]
DeskFactory = Callable[[Callable[[str, Payload], None]], MediaDesk]

_SYSTEM_NUMBERS = random.SystemRandom()

SIGN_OFF_S = 2.0
"""How long the end of a run waits for registrars to answer."""

_FOR_REPORTS_ONLY = (events.SipSent, events.SipReceived, events.MediaProgress, events.MediaMeasured)
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


@dataclass(slots=True)
class LocalAgent:
    """An agent that this run drives: its plan, its sockets, its SIP machine."""

    plan: AgentPlan
    port: Port
    machine: UserAgent | Proxy
    """A registrar has no calls of its own, and no lane."""

    @property
    def user_agent(self) -> UserAgent:
        """The machine of an agent that lanes drive."""
        assert isinstance(self.machine, UserAgent), "a check keeps lanes and calls away from registrars"
        return self.machine

    @property
    def proxy_uri(self) -> str:
        """Where requests go whose sender has this agent as its proxy."""
        first = self.machine.config.listeners[0]
        return first.contact_uri("") if isinstance(self.machine, Proxy) else first.contact_uri(self.plan.user)

    def reached_by(self, other: LocalAgent) -> str:
        """The URI with which another agent of the run calls it: its address of record when both have the same proxy,
        else where it listens."""
        if isinstance(self.machine, Proxy):
            return self.machine.config.listeners[0].contact_uri("")
        config = self.machine.config
        shared = config.outbound_proxy and config.outbound_proxy == other.user_agent.config.outbound_proxy
        return config.from_uri if shared and config.from_uri else config.contact_uri


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
        self._requests: dict[tuple[str, int], int] = {}
        self._digits = DigitMerger()
        self._by_info: dict[tuple[str, int], DigitsByInfo] = {}
        """Digits whose INFO is not answered yet, by agent and number of the request."""
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = math.inf
        self._leaving: asyncio.TimerHandle | None = None
        """Set once the lanes are over; ends the run although a registrar does not answer."""
        self._finished = asyncio.Event()
        self._started_at = self._loop.time()
        self._crashed: BaseException | None = None
        self._commands = _command_table(self)

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
            port = self._network.port(
                plan,
                Upcalls(
                    receive=lambda data, source: self._on_message(agent, data, source),
                    failed=lambda hop, problem: agent.machine.transport_failed(hop, problem, self.now()),
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
        self._pending.append((agent, payload))

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
        if isinstance(payload, events.ResponseReceived) and self._answered_by_info(agent, payload):
            self._stamp(agent, replace(payload, request=0))
            return
        match payload:
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
                payload = replace(payload, request=self._requests.pop((agent, number), 0))
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
            self._commands[type(output)](output)

    def place_call(self, command: commands.PlaceCall) -> None:
        """INVITE."""
        agent = self._agents[command.agent]
        try:
            media = self._desk.local_media(agent.plan, command.call, command.formats)
            target = self._target(command)
            with self._editing(command):
                agent.user_agent.invite(
                    command.call,
                    target,
                    media,
                    self.now(),
                    headers=command.message.headers,
                    body=_body(command.message),
                    content_type=command.message.content_type,
                )
        except SipflowError as error:
            self._never_was(command.agent, command.call, error)

    def answer_call(self, command: commands.AnswerCall) -> None:
        """200."""
        agent = self._agents[command.agent]
        self._guarded(
            command,
            lambda: agent.user_agent.answer(
                command.call,
                self._desk.local_media(agent.plan, command.call, command.formats),
                self.now(),
                headers=command.message.headers,
            ),
        )

    def progress_call(self, command: commands.ProgressCall) -> None:
        """183."""
        agent = self._agents[command.agent]
        self._guarded(
            command,
            lambda: agent.user_agent.progress(
                command.call,
                self._desk.local_media(agent.plan, command.call, agent.plan.formats),
                self.now(),
                headers=command.message.headers,
            ),
        )

    def ring_call(self, command: commands.RingCall) -> None:
        """180."""
        agent = self._agents[command.agent].user_agent
        self._done_or_failed(command, lambda: agent.ring(command.call, self.now(), headers=command.message.headers))

    def reject_call(self, command: commands.RejectCall) -> None:
        """Final response."""
        agent, headers = self._agents[command.agent].user_agent, command.message.headers
        self._guarded(
            command, lambda: agent.reject(command.call, command.code, command.reason, self.now(), headers=headers)
        )

    def redirect_call(self, command: commands.RedirectCall) -> None:
        """302."""
        agent = self._agents[command.agent].user_agent
        contact = self._target(command)
        headers = command.message.headers
        self._guarded(command, lambda: agent.redirect(command.call, (contact,), self.now(), headers))

    def release_call(self, command: commands.ReleaseCall) -> None:
        """BYE, CANCEL, rejection."""
        agent, headers = self._agents[command.agent].user_agent, command.message.headers
        self._guarded(command, lambda: agent.release(command.call, self.now(), headers))

    def modify_call(self, command: commands.ModifyCall) -> None:
        """re-INVITE."""
        agent = self._agents[command.agent]
        if command.fresh_keys:
            self._desk.renew_keys(agent.plan, command.call)
        media = self._desk.local_media(agent.plan, command.call, agent.plan.formats)
        if command.formats:
            media = replace(media, formats=self._desk.offer_others(command.call, command.formats))
        by_address = agent.plan.hold_style == "address"
        held = replace(media, direction=command.direction, hold_by_address=by_address)
        headers = command.message.headers
        self._guarded(command, lambda: agent.user_agent.modify(command.call, held, self.now(), headers))

    def transfer_call(self, command: commands.TransferCall) -> None:
        """REFER."""
        agent, now, other = self._agents[command.agent].user_agent, self.now(), command.other
        headers = command.message.headers
        if other is not None:
            self._guarded(command, lambda: agent.refer_replacing(command.call, other, now, headers))
        else:
            target = self._target(command)
            self._guarded(command, lambda: agent.refer(command.call, target, now, headers))

    def follow_transfer(self, command: commands.FollowTransfer) -> None:
        """INVITE to the target of a REFER, with the leg of the call that is transferred."""
        agent = self._agents[command.agent]
        self._desk.share(command.call, command.new_call)
        media = self._desk.local_media(agent.plan, command.new_call, agent.plan.formats)
        try:
            agent.user_agent.follow_transfer(command.call, command.new_call, media, self.now())
        except SipflowError as error:
            self._never_was(command.agent, command.new_call, error)

    def take_over(self, command: commands.TakeOver) -> None:
        """200 to an INVITE with Replaces."""
        agent = self._agents[command.agent]
        self._desk.share(command.call, command.new_call)
        media = self._desk.local_media(agent.plan, command.new_call, agent.plan.formats)
        self._guarded(command, lambda: agent.user_agent.answer(command.new_call, media, self.now()))

    def send_request(self, command: commands.SendSipRequest) -> None:
        """A request of the user's own."""
        agent, message = self._agents[command.agent].user_agent, command.message
        self._numbered(
            command,
            lambda: agent.request(
                command.method,
                self.now(),
                call=command.call,
                target=None if command.call else self._target(command),
                headers=message.headers,
                body=_body(message) or b"",
                content_type=message.content_type,
            ),
        )

    def respond_call(self, command: commands.RespondCall) -> None:
        """A response out of turn."""
        agent, message = self._agents[command.agent].user_agent, command.message
        self._done_or_failed(
            command,
            lambda: agent.respond(
                command.call,
                command.code,
                command.reason,
                self.now(),
                method=command.method,
                headers=message.headers,
                body=message.body,
                content_type=message.content_type,
            ),
        )

    def send_digits(self, command: commands.SendDigits) -> None:
        """By the way that the statement or its agent has."""
        via = command.via or self._agents[command.agent].plan.spec.dtmf
        if via == "inband":
            self._desk.play_digits(command)
        elif via == "rfc4733":
            self._desk.send_digits(command)
        else:
            self._next_by_info(
                DigitsByInfo(
                    command.agent, command.call, command.token, command.digits, command.tone_ms, command.gap_ms
                )
            )

    def _next_by_info(self, sending: DigitsByInfo) -> None:
        """The next digit; when there is none, all are out."""
        digit = sending.waiting.popleft() if sending.waiting else ""
        if digit == ",":
            self._loop.call_later(PAUSE_MS / 1000, self._next_by_info, sending)
        elif digit:
            self._send_info(sending, digit)
        else:
            self._pending.append(
                (sending.agent, events.DtmfSent(sending.call, sending.token, sending.digits, completed=True))
            )
        self._loop.call_soon(self._pump)

    def _send_info(self, sending: DigitsByInfo, digit: str) -> None:
        body = info_body(digit, sending.tone_ms).encode()
        user_agent = self._agents[sending.agent].user_agent
        try:
            number = user_agent.request(
                "INFO", self.now(), call=sending.call, target=None, headers=(), body=body, content_type=RELAY
            )
        except SipflowError as error:
            self._pending.append((sending.agent, events.CommandFailed(sending.call, sending.token, str(error))))
        else:
            self._by_info[sending.agent, number] = sending

    def _answered_by_info(self, agent: str, response: events.ResponseReceived) -> bool:
        """Whether it answers a digit; then the next one goes out after the gap, or the peer takes no INFO."""
        sending = self._by_info.pop((agent, response.request), None)
        if sending is None:
            return False
        if 200 <= response.code < 300:
            self._loop.call_later(sending.gap_ms / 1000, self._next_by_info, sending)
        else:
            why = f"the peer takes no digits by INFO: {response.code} {response.reason}"
            self._pending.append((agent, events.CommandFailed(sending.call, sending.token, why)))
        return True

    def send_raw_text(self, command: commands.SendRawText) -> None:
        """No message at all, perhaps."""
        agent = self._agents[command.agent].user_agent
        target = self._target(command) if command.target else ""
        data = _wire_text(command.text)
        self._done_or_failed(command, lambda: agent.send_raw(data, self.now(), call=command.call, target=target))

    def register_agent(self, command: commands.RegisterAgent) -> None:
        """REGISTER, and keep it so."""
        agent, headers = self._agents[command.agent], command.message.headers
        expires_s = agent.plan.register_s if command.expires_s is None else command.expires_s
        seconds = None if expires_s is None else round(expires_s)
        self._numbered(
            command,
            lambda: agent.user_agent.register(
                self.now(), expires_s=seconds, contacts=command.contacts, headers=headers
            ),
        )

    def unregister_agent(self, command: commands.UnregisterAgent) -> None:
        """REGISTER that takes it back."""
        agent, headers = self._agents[command.agent].user_agent, command.message.headers
        self._numbered(command, lambda: agent.unregister(self.now(), everything=command.all, headers=headers))

    def _numbered(self, command: Any, send: Callable[[], int]) -> None:
        """Send what the agent gives a number, under which the answer comes; that of the flow is the command's token."""
        try:
            with self._editing(command):
                self._requests[command.agent, send()] = command.token
        except SipflowError as error:
            self._pending.append((command.agent, events.CommandFailed("", command.token, str(error))))

    def measure(self, command: commands.Measure) -> None:
        """What was counted until now."""
        session = self._agents[command.agent].user_agent.session(command.call)
        counted = self._desk.statistics(command.call)
        self._pending.append(
            (
                command.agent,
                events.CallMeasured(
                    command.call,
                    command.token,
                    {} if counted is None else media_measurements(counted),
                    {} if session is None else session.for_checks(),
                    () if session is None else session.headers,
                ),
            )
        )

    def _never_was(self, agent: str, call: str, error: SipflowError) -> None:
        """A call that could not even be sent ends as every call does: rejected, then released."""
        self._desk.close(call)
        self._pending.append((agent, events.CallRejected(call, 503, str(error), local=True)))
        self._pending.append((agent, events.CallReleased(call, 503)))

    def _guarded(self, command: Any, act: Callable[[], object]) -> None:
        """A command that comes too late for its call is an event, not an exception."""
        try:
            with self._editing(command):
                act()
        except MisuseError as error:
            self._fail(command, str(error), environment=False)
        except SipflowError as error:
            self._fail(command, str(error), environment=True)

    def _done_or_failed(self, command: Any, act: Callable[[], None]) -> None:
        """A command that is over once it is carried out."""

        def act_and_tell() -> None:
            act()
            self._pending.append((command.agent, events.CommandDone(command.call or "", command.token)))

        self._guarded(command, act_and_tell)

    def _editing(self, command: Any) -> AbstractContextManager[None]:
        """What the command sends has the faults that the scenario wants."""
        message: commands.Message | None = getattr(command, "message", None)
        edits = () if message is None else tuple(Edit(one.kind, one.name, one.value) for one in message.edits)
        return self._agents[command.agent].user_agent.editing(edits)

    def _fail(self, command: Any, reason: str, *, environment: bool) -> None:
        failed = events.CommandFailed(command.call or "", getattr(command, "token", 0), reason, environment)
        self._pending.append((command.agent, failed))

    def _target(self, command: Any) -> str:
        target: str = command.target
        if command.local:
            return self._agents[target].reached_by(self._agents[command.agent])
        return target if target.partition(":")[0] in ("sip", "sips", "tel") else f"sip:{target}"


def _command_table(driver: Driver) -> dict[type[commands.Command], Callable[[Any], None]]:
    desk = driver._desk
    return {
        commands.PlaceCall: driver.place_call,
        commands.RingCall: driver.ring_call,
        commands.ProgressCall: driver.progress_call,
        commands.AnswerCall: driver.answer_call,
        commands.RejectCall: driver.reject_call,
        commands.RedirectCall: driver.redirect_call,
        commands.ReleaseCall: driver.release_call,
        commands.ModifyCall: driver.modify_call,
        commands.TransferCall: driver.transfer_call,
        commands.FollowTransfer: driver.follow_transfer,
        commands.TakeOver: driver.take_over,
        commands.SendSipRequest: driver.send_request,
        commands.RespondCall: driver.respond_call,
        commands.SendRawText: driver.send_raw_text,
        commands.RegisterAgent: driver.register_agent,
        commands.UnregisterAgent: driver.unregister_agent,
        commands.StartPlay: desk.play,
        commands.StopPlay: desk.stop_play,
        commands.StartRecord: desk.record,
        commands.StopRecord: desk.stop_record,
        commands.PauseRecord: desk.pause_record,
        commands.SendDigits: driver.send_digits,
        commands.MuteCall: desk.mute,
        commands.ImpairCall: desk.impair,
        commands.ForgetCall: desk.forget,
        commands.Listen: desk.listen,
        commands.StopListening: desk.stop_listening,
        commands.JudgeHeard: desk.judge_heard,
        commands.Measure: driver.measure,
    }


def _wire_text(text: str) -> bytes:
    """Lines end as SIP's do, however the file writes them."""
    return text.replace("\r\n", "\n").replace("\n", "\r\n").encode()


def _proxies_first(plan: Plan) -> list[AgentPlan]:
    """The agents that the run drives; whose address another one has to know is bound before that one."""
    proxies = {agent.proxy_agent for agent in plan.agents.values()}
    driven = [agent for agent in plan.agents.values() if not agent.remote]
    return sorted(driven, key=lambda agent: agent.name not in proxies)


def _body(message: commands.Message) -> bytes | None:
    """The body of a message; empty where an INVITE leaves the offer to the callee."""
    if any(edit.kind == "late_offer" for edit in message.edits):
        return b""
    return None if message.body is None else message.body.encode()
