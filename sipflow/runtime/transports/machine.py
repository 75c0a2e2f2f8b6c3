"""The network of the machine: real sockets for every agent, real names."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable
from functools import partial
from pathlib import Path

from sipflow.errors import MachineError
from sipflow.plan.listens import ListenPlan
from sipflow.plan.plan import AgentPlan
from sipflow.runtime.network import Port, Upcalls
from sipflow.runtime.transports.certificates import NO_SETTINGS, client_context, server_context
from sipflow.runtime.transports.connections import CONNECTION_NUMBERS, ConnectionLimits, Connections
from sipflow.runtime.transports.names import ANY_FAMILY, NameLookupError, Names
from sipflow.runtime.transports.sockets import bind_udp_and_tcp, listen_socket, udp_socket
from sipflow.runtime.transports.udp import UdpEndpoint
from sipflow.sip.config import Listener
from sipflow.sip.hop import Hop, NameQuery, Transport


class MachineNetwork:
    """Makes ports out of sockets, and asks name servers. Certificates are looked for in `folder`."""

    def __init__(self, folder: Path, names: Names | None = None, limits: ConnectionLimits | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        self._folder = folder
        self._names = names or Names()
        self._limits = limits or ConnectionLimits()
        self._look_ups: set[asyncio.Task[None]] = set()
        self._families: dict[int, None] = {}
        """Address families at which somebody listens, in the order of the agents."""

    def port(self, agent: AgentPlan, upcalls: Upcalls) -> Port:
        """The sockets of an agent; raises MachineError when an address or a certificate cannot be had."""
        port = MachinePort(agent, upcalls, self._loop, self._folder, self._limits)
        self._families |= dict.fromkeys(6 if ":" in listener.host else 4 for listener in port.listeners)
        return port

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
        try:
            hops = await self._names.resolve(target, tuple(self._families) or ANY_FAMILY)
        except NameLookupError as error:
            done((), str(error))
        else:
            done(hops, "")


class MachinePort:
    """The sockets of one agent."""

    def __init__(
        self,
        agent: AgentPlan,
        upcalls: Upcalls,
        loop: asyncio.AbstractEventLoop,
        folder: Path,
        limits: ConnectionLimits,
    ) -> None:
        self._loop = loop
        self._tls = agent.tls or NO_SETTINGS
        self._folder = folder
        self._client_context: ssl.SSLContext | None = None
        self._upcalls = upcalls
        self._udp: dict[bool, UdpEndpoint] = {}
        """By whether the address is of IPv6; the first of each family sends what answers nothing."""
        self._numbered: dict[int, UdpEndpoint] = {}
        """The other ones: responses leave where the request came in."""
        self._endpoints: list[UdpEndpoint] = []
        self._servers: list[tuple[socket.socket, Transport, ssl.SSLContext | None]] = []
        self._listeners: list[Listener] = []
        self._connections = Connections(upcalls, loop, self._tls, self._context, limits)
        try:
            if agent.tls is not None:
                self._context()  # what is wrong with the files is told before anything begins
            self._bind(agent.listens or (ListenPlan("udp", agent.host, agent.port),))
        except MachineError:
            self.close()
            raise

    @property
    def listeners(self) -> tuple[Listener, ...]:
        """Where it listens, the preferred place first."""
        return tuple(self._listeners)

    def open(self) -> None:
        """Begin to receive."""
        for endpoint in self._endpoints:
            endpoint.open(self._loop)
        for server, transport, context in self._servers:
            accept = partial(self._connections.accept, server, transport, context)
            self._loop.add_reader(server.fileno(), accept)

    def send(self, data: bytes, destination: Hop) -> str:
        """Send a message; gives what is known against it at once."""
        if destination.transport is not Transport.UDP:
            return self._connections.send(data, destination)
        endpoint = self._numbered.get(destination.connection) or self._udp.get(":" in destination.host)
        if endpoint is not None:
            return endpoint.send(data, destination)
        family = "IPv6" if ":" in destination.host else "IPv4"
        return f"this agent has no UDP socket of {family}: it takes a `listen udp`, or another transport in the URI"

    def faults(self) -> tuple[int, int]:
        """Datagrams that the kernel dropped, or did not take."""
        endpoints = self._endpoints
        return sum(one.dropped for one in endpoints), sum(one.send_errors for one in endpoints)

    def close(self) -> None:
        """Give the sockets back."""
        for endpoint in self._endpoints:
            endpoint.close()
        for server, _, _ in self._servers:
            if server.fileno() >= 0:
                self._loop.remove_reader(server.fileno())
                server.close()
        self._connections.close()

    def _bind(self, listens: tuple[ListenPlan, ...]) -> None:
        """Bind what is asked for; an agent of UDP only listens at the same port by TCP, too, since every request may
        be too large for a datagram (RFC 3261 section 18.2.1)."""
        datagrams_only = all(listen.transport == Transport.UDP for listen in listens)
        for listen in listens:
            transport = Transport(listen.transport)
            if datagrams_only:
                datagrams, stream = bind_udp_and_tcp(listen.host, listen.port)
                self._add_udp(datagrams)
                self._servers.append((stream, Transport.TCP, None))
            elif transport is Transport.UDP:
                self._add_udp(None, listen.host, listen.port)
            else:
                context = server_context(self._tls, self._folder) if transport.secure else None
                server = listen_socket(listen.host, listen.port)
                self._servers.append((server, transport, context))
                self._add_listener(transport, server)
        if datagrams_only:
            for server, transport, _ in self._servers:
                self._add_listener(transport, server)

    def _add_udp(self, bound: socket.socket | None, host: str = "", port: int = 0) -> None:
        receive, drained, refused = self._upcalls.receive, self._upcalls.drained, self._upcalls.refused
        bound = bound or udp_socket(host, port)
        ipv6 = bound.family is socket.AF_INET6
        number = next(CONNECTION_NUMBERS) if ipv6 in self._udp else 0
        endpoint = UdpEndpoint(receive=receive, drained=drained, refused=refused, bound=bound, number=number)
        self._endpoints.append(endpoint)
        if number:
            self._numbered[number] = endpoint
        else:
            self._udp[ipv6] = endpoint
        self._listeners.append(Listener(Transport.UDP, *endpoint.address))

    def _add_listener(self, transport: Transport, server: socket.socket) -> None:
        host, port = server.getsockname()[:2]
        self._listeners.append(Listener(transport, host, port))

    def _context(self) -> ssl.SSLContext:
        if self._client_context is None:
            self._client_context = client_context(self._tls, self._folder)
        return self._client_context
