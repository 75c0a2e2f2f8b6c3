"""The network of the machine: real sockets for every agent, real names."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Mapping

from sipflow.errors import MachineError
from sipflow.plan.plan import AgentPlan
from sipflow.runtime.network import Address, Port, Upcalls
from sipflow.runtime.transports.udp import UdpEndpoint
from sipflow.sip.hop import Hop, NameQuery, Transport


class MachineNetwork:
    """Makes ports out of sockets, and asks the machine's resolver."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._look_ups: set[asyncio.Task[None]] = set()

    def port(self, agent: AgentPlan, upcalls: Upcalls) -> Port:
        """The sockets of an agent; raises MachineError when an address cannot be had."""
        return MachinePort(agent, upcalls, self._loop)

    def resolve(self, target: NameQuery, done: Callable[[tuple[Hop, ...], str], None]) -> None:
        """Look a name up."""
        task = self._loop.create_task(self._look_up(target, done))
        self._look_ups.add(task)
        task.add_done_callback(self._look_ups.discard)

    def close(self) -> None:
        """Stop all look-ups."""
        for task in self._look_ups:
            task.cancel()

    async def _look_up(self, target: NameQuery, done: Callable[[tuple[Hop, ...], str], None]) -> None:
        transport = target.transport or (Transport.TLS if target.secure else Transport.UDP)
        port = target.port or transport.default_port
        try:
            found = await self._loop.getaddrinfo(target.host, port, type=socket.SOCK_DGRAM)
        except OSError as error:
            done((), f"{target.host} cannot be looked up: {error.strerror}")
            return
        done(tuple(Hop(str(one[4][0]), port, transport, target.host) for one in found), "")


class MachinePort:
    """The sockets of one agent."""

    def __init__(self, agent: AgentPlan, upcalls: Upcalls, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        if any(listen.transport != Transport.UDP for listen in agent.listens):
            raise MachineError("only UDP is there")
        self._udp = UdpEndpoint(agent.host, agent.port, receive=upcalls.receive, drained=upcalls.drained)

    @property
    def listeners(self) -> Mapping[Transport, Address]:
        """Where it listens."""
        return {Transport.UDP: self._udp.address}

    def open(self) -> None:
        """Begin to receive."""
        self._udp.open(self._loop)

    def send(self, data: bytes, destination: Hop) -> str:
        """Send a message."""
        if destination.transport is not Transport.UDP:
            return f"no {destination.transport.via} here"
        return self._udp.send(data, destination)

    def close(self) -> None:
        """Give the sockets back."""
        self._udp.close()
