"""An agent that a run drives."""

from __future__ import annotations

from dataclasses import dataclass

from sipflow.plan.plan import AgentPlan
from sipflow.runtime.network import Port
from sipflow.sip.proxy.machine import Proxy
from sipflow.sip.user_agent import UserAgent


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
