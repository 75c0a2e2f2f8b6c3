"""User agents joined by an in-memory network in virtual time, for tests of whole calls.

`World` is the clock and the network: it lets time jump to whatever is next, a datagram or a deadline. `Agent` wraps one
UserAgent with short-cuts for what tests ask most.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable
from typing import Any, TypeVar

from sipflow import events
from sipflow.media_params import RtpFormat
from sipflow.sdp.negotiate import LocalMedia
from sipflow.sip.hop import Hop
from sipflow.sip.message import Request, Response, parse_message
from sipflow.sip.outputs import Lookup, Transmit
from sipflow.sip.user_agent import UserAgent, UserAgentConfig

PCMU = RtpFormat("PCMU", 0)
PCMA = RtpFormat("PCMA", 8)
DTMF = RtpFormat("telephone-event", 101, fmtp="0-16")

Event = TypeVar("Event", bound=events.Payload)
Dropper = Callable[[bytes, "Agent | None"], bool]


def media(port: int = 4000, *formats: RtpFormat, address: str = "127.0.0.1", **changes: Any) -> LocalMedia:
    """What a side can do: PCMU, PCMA and telephone-event unless told otherwise."""
    return LocalMedia(address, port, formats or (PCMU, PCMA, DTMF), **changes)


class Agent:
    """A user agent in a world."""

    def __init__(self, world: World, name: str, port: int, **config: Any) -> None:
        self.world = world
        self.name = name
        self.address = Hop("127.0.0.1", port)
        self._incoming = 0
        settings = UserAgentConfig(name=name, user=name, host="127.0.0.1", port=port, **config)
        self.ua = UserAgent(settings, random.Random(f"{world.seed}/{name}"), self._next_call)
        self.log: list[tuple[float, events.Payload]] = []

    @property
    def uri(self) -> str:
        return f"sip:{self.name}@127.0.0.1:{self.address[1]}"

    def _next_call(self) -> str:
        self._incoming += 1
        return f"{self.name}-in{self._incoming}"

    def do(self, command: str, *arguments: Any, **keywords: Any) -> Any:
        """Give a command now, and let the network have what it sends."""
        result = getattr(self.ua, command)(*arguments, now=self.world.now, **keywords)
        self.world.drain(self)
        return result

    def events(self, kind: type[Event]) -> list[Event]:
        return [payload for _, payload in self.log if isinstance(payload, kind)]

    def ends(self) -> list[tuple[str, str, str, str]]:
        """Call, by whom, cause and reason of each call that ended, without the message that did it."""
        return [(event.call, event.by, event.cause, event.reason) for event in self.events(events.CallEnded)]

    def story(self) -> list[str]:
        """Names of all events but the trace, in order."""
        return [
            type(payload).__name__
            for _, payload in self.log
            if not isinstance(payload, events.SipSent | events.SipReceived)
        ]

    def time_of(self, kind: type[events.Payload]) -> float:
        """When the first event of a kind happened."""
        return next(at for at, payload in self.log if isinstance(payload, kind))

    def messages(self) -> list[Request | Response]:
        """What it sent, retransmissions included."""
        return [parse_message(event.data) for event in self.events(events.SipSent)]

    def sent(self) -> list[str]:
        """Methods and codes that it sent, in order."""
        return [what(message) for message in self.messages()]

    def sent_times(self, wanted: str) -> list[float]:
        """When it sent each message of that method or code."""
        return [
            at
            for at, payload in self.log
            if isinstance(payload, events.SipSent) and what(parse_message(payload.data)) == wanted
        ]

    def last(self, wanted: str) -> Any:
        """The latest message of that method or code that it sent."""
        return [message for message in self.messages() if what(message) == wanted][-1]

    def session(self, call: str) -> Any:
        return self.ua.session(call)


def what(message: Request | Response) -> str:
    """Method of a request, code and method of a response: `200 INVITE`."""
    if isinstance(message, Request):
        return message.method
    return f"{message.status_code} {message.cseq.method}"


class World:
    """Virtual time and a network that may lose, delay and reorder."""

    def __init__(self, seed: int = 1, *, delay: float = 0.0, jitter: float = 0.0, loss: float = 0.0) -> None:
        self.seed = seed
        self.now = 0.0
        self.delay = delay
        self.jitter = jitter
        self.loss = loss
        self.agents: dict[tuple[str, int], Agent] = {}
        self.lost: list[str] = []
        self.undelivered: list[tuple[bytes, Hop]] = []
        """Datagrams to addresses where nobody is."""
        self.names: dict[str, tuple[Hop, ...]] = {}
        """What the name service knows."""
        self.drop: Dropper = lambda data, agent: False
        self.steps = 0
        self._random = random.Random(seed)
        self._flying: list[tuple[float, int, bytes, Hop, Hop]] = []
        self._serial = 0

    def agent(self, name: str, **config: Any) -> Agent:
        port = 5060 + 2 * len(self.agents)
        agent = Agent(self, name, port, **config)
        self.agents[agent.address[:2]] = agent
        return agent

    def drain(self, agent: Agent) -> None:
        for output in agent.ua.outputs():
            if isinstance(output, Transmit):
                self.inject(output.data, agent.address, output.destination)
            elif isinstance(output, Lookup):
                self._look_up(agent, output)
            else:
                agent.log.append((self.now, output))

    def _look_up(self, agent: Agent, lookup: Lookup) -> None:
        hops = self.names.get(lookup.query.host, ())
        problem = "" if hops else f"{lookup.query.host} does not exist"
        agent.ua.resolved(lookup.number, hops, problem, self.now)
        self.drain(agent)

    def inject(self, data: bytes, source: Hop, destination: Hop) -> None:
        """Put a datagram into the network."""
        source = Hop(*source[:2], destination.transport)
        reliable = destination.transport.reliable
        if self.drop(data, self.agents.get(source[:2])) or (self._random.random() < self.loss and not reliable):
            self.lost.append(data.partition(b"\r\n")[0].decode("latin-1"))
            return
        self._serial += 1
        at = self.now + self.delay + self._random.random() * self.jitter
        heapq.heappush(self._flying, (at, self._serial, data, source, destination))

    def run(self, until: float | None = None) -> None:
        """Let everything happen until nothing is left to happen, or until a time (then the clock stands there)."""
        while self._step(until):
            self.steps += 1
            assert self.steps < 100_000, "the world does not come to rest"
        if until is not None:
            self.now = max(self.now, until)

    def settle(self) -> None:
        """Let everything happen that happens now."""
        self.run(self.now)

    def run_for(self, seconds: float) -> None:
        self.run(self.now + seconds)

    def _step(self, until: float | None) -> bool:
        deadline, agent = min(
            ((at, agent) for agent in self.agents.values() if (at := agent.ua.next_deadline()) is not None),
            key=lambda pair: pair[0],
            default=(None, None),
        )
        flight = self._flying[0][0] if self._flying else None
        if flight is not None and (deadline is None or flight <= deadline):
            return self._within(flight, until) and self._deliver()
        if deadline is None or agent is None or not self._within(deadline, until):
            return False
        self.now = max(self.now, deadline)
        agent.ua.handle_timer(self.now)
        self.drain(agent)
        return True

    @staticmethod
    def _within(at: float, until: float | None) -> bool:
        return until is None or at <= until

    def _deliver(self) -> bool:
        at, _, data, source, destination = heapq.heappop(self._flying)
        self.now = max(self.now, at)
        agent = self.agents.get(destination[:2])
        if agent is None:
            self.undelivered.append((data, destination))
            return True
        agent.ua.receive(data, source, self.now)
        self.drain(agent)
        return True


def drop_first(count: int, wanted: str) -> Dropper:
    """Lose the first messages of that method or code, all of them with a big count."""
    left = [count]

    def dropper(data: bytes, agent: Agent | None) -> bool:
        if left[0] and what(parse_message(data)) == wanted:
            left[0] -= 1
            return True
        return False

    return dropper


def talk(world: World, caller: Agent, callee: Agent, call: str = "c1", **invite: Any) -> tuple[str, str]:
    """An established call: ids on both sides."""
    caller.do("invite", call, callee.uri, media(4000), **invite)
    world.settle()
    incoming = callee.events(events.CallIncoming)[-1].call
    callee.do("answer", incoming, media(5000))
    world.settle()
    return call, incoming
