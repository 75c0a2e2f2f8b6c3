"""Everything of SIP that reads what strangers send, fed with it: user agents in the middle of calls, a registrar and
proxy, and a stream. Time is virtual, so that what a message begins comes to its end, too."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from sipflow import events
from sipflow.errors import MisuseError
from sipflow.sip.config import Demanded, Listener, SessionTimerConfig
from sipflow.sip.digest import Login
from sipflow.sip.framing import Framer, FramingError
from sipflow.sip.hop import Hop, Transport
from sipflow.sip.outputs import Lookup
from sipflow.sip.proxy.config import ProxyConfig
from sipflow.sip.proxy.machine import Proxy
from sipflow.sip.user_agent import UserAgent, UserAgentConfig
from tests.sip.pair import media

PEERS = (Hop("127.0.0.1", 9000), Hop("192.0.2.7", 5060, Transport.TCP), Hop("2001:db8::7", 5060, Transport.TLS))
"""Where the messages come from."""

STEP_S = 0.1
"""How much time goes by between two messages."""


@dataclass
class Prey:
    """Feed it, and ask at the end whether anything is left."""

    seed: int = 1
    now: float = 0.0
    calls: int = 0
    messages: int = 0
    unframed: int = 0
    """Streams that ended because nobody could tell where the next message begins."""
    chance: random.Random = field(init=False)
    agents: list[UserAgent] = field(init=False)
    proxy: Proxy = field(init=False)

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)
        open_minded = UserAgentConfig(
            "open", "open", "127.0.0.1", 5060, accepts=frozenset({"REGISTER", "SUBSCRIBE"}),
            session_timer=SessionTimerConfig(1800), provisional="required",
        )  # fmt: skip
        strict = UserAgentConfig(
            "strict", "strict", "127.0.0.1", 5062, login=Login("me", "mine"),
            challenge=Demanded("gate.test", Login("phone", "open sesame"), qop=("auth", "auth-int")),
        )  # fmt: skip
        plain = UserAgentConfig("plain", "plain", "127.0.0.1", 5064)
        self.agents = [UserAgent(config, self.chance, self._new_call) for config in (open_minded, strict, plain)]
        listener = Listener(Transport.UDP, "127.0.0.1", 5066)
        self.proxy = Proxy(ProxyConfig("pbx", "sip.test", (listener,)), self.chance)
        self._place_calls()

    def _new_call(self) -> str:
        self.calls += 1
        return f"call-{self.calls}"

    def _place_calls(self) -> None:
        """Each agent calls somebody, so that responses have something to belong to."""
        for agent in self.agents:
            agent.invite(self._new_call(), "sip:peer@127.0.0.1:9000", media(), self.now)
            agent.outputs()

    def take(self, data: bytes) -> None:
        """One message, for one of them, and as bytes of a stream."""
        self.messages += 1
        self.now += STEP_S
        number = self.messages % (len(self.agents) + 1)
        if number < len(self.agents):
            self._tell_agent(self.agents[number], data)
        else:
            self._tell_proxy(data)
        self._frame(data)

    def _tell_agent(self, agent: UserAgent, data: bytes) -> None:
        agent.receive(data, self.chance.choice(PEERS), self.now)
        agent.handle_timer(self.now)
        for output in agent.outputs():
            if isinstance(output, events.CallIncoming):
                self._decide(agent, output.call)
            elif isinstance(output, Lookup):
                agent.resolved(output.number, (), "there is no name service here", self.now)
        agent.outputs()

    def _tell_proxy(self, data: bytes) -> None:
        proxy = self.proxy
        proxy.receive(data, self.chance.choice(PEERS), self.now)
        proxy.handle_timer(self.now)
        for output in proxy.outputs():
            if isinstance(output, Lookup):
                proxy.resolved(output.number, (), "there is no name service here", self.now)
        proxy.outputs()

    def _decide(self, agent: UserAgent, call: str) -> None:
        """What a scenario may do with a call that comes; that the call is over already is no reason to stop."""
        choices = (
            lambda: agent.ring(call, self.now),
            lambda: agent.progress(call, media(), self.now),
            lambda: agent.answer(call, media(), self.now),
            lambda: agent.reject(call, 486, None, self.now),
            lambda: agent.release(call, self.now),
        )
        try:
            self.chance.choice(choices)()
        except MisuseError:
            return

    def _frame(self, data: bytes) -> None:
        framer, at, step = Framer(), 0, self.chance.choice((13, 100, 1460, 70_000))
        try:
            while at < len(data):
                for _ in framer.feed(data[at : at + step]):
                    pass
                at += step
        except FramingError:
            self.unframed += 1

    def rest(self) -> None:
        """Let everything come to its end; nothing may be left."""
        for agent in self.agents:
            agent.close(self.now)
            _run_out(agent, self.now)
            assert agent.idle, agent.config.name
        _run_out(self.proxy, self.now)
        assert self.proxy.idle


def _run_out(machine: UserAgent | Proxy, now: float) -> None:
    """Until nothing is waited for; every machine ends by itself within hours, whatever it was told."""
    latest = now + 100 * 24 * 3600
    while (deadline := machine.next_deadline()) is not None:
        assert deadline < latest, "something is waited for that never comes"
        machine.handle_timer(deadline)
        for output in machine.outputs():
            if isinstance(output, Lookup):
                machine.resolved(output.number, (), "there is no name service here", deadline)
        machine.outputs()
