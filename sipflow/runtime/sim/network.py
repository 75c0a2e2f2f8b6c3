"""The network of a run in virtual time: the agents' sockets are places in one dictionary."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Callable
from typing import TypeVar

from sipflow.errors import MachineError
from sipflow.plan.listens import ListenPlan
from sipflow.plan.network import NetworkConditions
from sipflow.plan.plan import AgentPlan
from sipflow.runtime.network import Address, Port, Upcalls, place_of, undelivered
from sipflow.runtime.sim.path import Path
from sipflow.runtime.sim.streams import SimulatedConnections, Wire
from sipflow.sip.config import Listener
from sipflow.sip.hop import Hop, NameQuery, Transport

FIRST_FREE_PORT = 40_000
"""Where agents listen that leave it open, so that media (20000 and up) and the ports of a file stay clear of it."""

ANY_HOST = ("0.0.0.0", "::")
Holder = TypeVar("Holder")


class SimulatedNetwork:
    """Makes ports that reach each other and nobody else."""

    def __init__(self, conditions: NetworkConditions, seed: int) -> None:
        self._loop = asyncio.get_running_loop()
        self._conditions = conditions
        self._seed = seed
        self._datagrams: dict[Address, Endpoint] = {}
        self._servers: dict[Address, SimulatedPort] = {}
        self._free_ports = itertools.count(FIRST_FREE_PORT)
        self._numbers = itertools.count(1)
        self._under_way: dict[int, asyncio.TimerHandle] = {}
        """What has left and not arrived."""

    def port(self, agent: AgentPlan, upcalls: Upcalls) -> Port:
        """The simulated sockets of an agent; raises MachineError when two agents want the same one."""
        return SimulatedPort(self, agent, upcalls)

    def resolve(self, target: NameQuery, done: Callable[[tuple[Hop, ...], str], None]) -> None:
        """There are no names: a name is known to somebody outside, and nobody is."""
        why = f"{target.host} cannot be looked up in virtual time: there is nobody but the agents of the scenario"
        self._loop.call_soon(done, (), why)

    def close(self) -> None:
        """What is under way never arrives."""
        for handle in self._under_way.values():
            handle.cancel()
        self._under_way.clear()

    @property
    def open_sockets(self) -> int:
        """Sockets that have not been given back."""
        return len(self._datagrams) + len(self._servers)

    @property
    def in_flight(self) -> int:
        """Datagrams and pieces of connections that have not arrived."""
        return len(self._under_way)

    # --- for ports ---

    def bind_datagrams(self, endpoint: Endpoint, host: str, port: int) -> Address:
        """Take a place for datagrams; port 0: a free one."""
        address = self._take(self._datagrams, host, port, "UDP")
        self._datagrams[address] = endpoint
        return address

    def bind_stream(self, server: SimulatedPort, host: str, port: int) -> Address:
        """Take a place for connections; port 0: a free one."""
        address = self._take(self._servers, host, port, "TCP")
        self._servers[address] = server
        return address

    def unbind(self, holder: object) -> None:
        """Give all places of a holder back."""
        for address in [address for address, endpoint in self._datagrams.items() if endpoint is holder]:
            del self._datagrams[address]
        for address in [address for address, server in self._servers.items() if server is holder]:
            del self._servers[address]

    def endpoint_at(self, host: str, port: int) -> Endpoint | None:
        """Who takes datagrams there."""
        return _at(self._datagrams, host, port)

    def is_host(self, host: str) -> bool:
        """Whether somebody has that address: then a port of it that nobody has is told by ICMP."""
        return any(host == each for each, _ in self._datagrams)

    def server_at(self, host: str, port: int) -> SimulatedPort | None:
        """Who takes connections there."""
        return _at(self._servers, host, port)

    def path(self, name: str) -> Path:
        """A way of its own, with random numbers that depend on the seed and its name only."""
        return Path(self._conditions, random.Random(f"{self._seed}/network/{name}"))

    def free_port(self) -> int:
        """A number that no socket has."""
        return next(number for number in self._free_ports if all(port != number for _, port in self._datagrams))

    def at(self, when: float, what: Callable[[], None]) -> None:
        """Let something arrive."""
        number = next(self._numbers)

        def arrive() -> None:
            del self._under_way[number]
            what()

        self._under_way[number] = self._loop.call_at(when, arrive)

    def now(self) -> float:
        """Time of the loop."""
        return self._loop.time()

    def _take(self, taken: dict[Address, Endpoint] | dict[Address, SimulatedPort], host: str, port: int,
              transport: str) -> Address:  # fmt: skip
        address = (host, port or self.free_port())
        if address in taken:
            raise MachineError(f"{transport} port {port} of {host} is in use by another agent")
        return address


def _at(places: dict[Address, Holder], host: str, port: int) -> Holder | None:
    found = places.get((host, port))
    for any_host in ANY_HOST:
        found = found or places.get((any_host, port))
    return found


class Endpoint:
    """A socket for datagrams."""

    def __init__(self, network: SimulatedNetwork, upcalls: Upcalls, host: str, port: int, number: int) -> None:
        self._network = network
        self._upcalls = upcalls
        self._number = number
        self._paths: dict[Address, Path] = {}
        self._unreachable: set[Address] = set()
        self.address = network.bind_datagrams(self, host, port)
        self._open = True

    def send(self, data: bytes, destination: Hop) -> None:
        """Send one datagram. Where nobody is, it is lost, as on any network; if only the port is not there, refused."""
        place = destination[:2]
        path = self._paths.get(place)
        if path is None:
            path = self._paths[place] = self._network.path(f"{place_of(self.address)}>{place_of(place)}")
        if self._network.endpoint_at(*place) is None:
            self._tell_of_nobody(place)
            if self._network.is_host(place[0]):
                for arrival in path.datagram(self._network.now()):
                    self._network.at(arrival, lambda: self._refuse(data, place))
            return
        for arrival in path.datagram(self._network.now()):
            self._network.at(arrival, lambda: self._deliver(data, place))

    def receive(self, data: bytes, source: Address) -> None:
        """A datagram came."""
        if not self._open:
            return
        if data.strip(b"\r\n\0"):
            self._upcalls.receive(data, Hop(*source, Transport.UDP, "", self._number))
        self._upcalls.drained()

    def close(self) -> None:
        """Give the place back."""
        self._open = False
        self._network.unbind(self)

    def _deliver(self, data: bytes, place: Address) -> None:
        peer = self._network.endpoint_at(*place)
        if peer is not None:
            peer.receive(data, self.address)

    def _refuse(self, data: bytes, place: Address) -> None:
        """After the time of one way: how long the answer takes makes no difference to anybody."""
        if self._open:
            self._upcalls.refused(Hop(*place, Transport.UDP), data, undelivered(place, "port unreachable"))
            self._upcalls.drained()

    def _tell_of_nobody(self, place: Address) -> None:
        if place not in self._unreachable:
            self._unreachable.add(place)
            self._upcalls.noticed(
                f"nobody is at {place_of(place)}: in virtual time there are only the scenario's agents"
            )


class SimulatedPort:
    """All simulated sockets of one agent, with the same meaning as those of the machine."""

    def __init__(self, network: SimulatedNetwork, agent: AgentPlan, upcalls: Upcalls) -> None:
        self._network = network
        self._upcalls = upcalls
        self._name = agent.name
        self._endpoints: list[Endpoint] = []
        self._numbered: dict[int, Endpoint] = {}
        self._first: dict[bool, Endpoint] = {}
        """By whether the address is of IPv6; see `MachinePort`."""
        self._listeners: list[Listener] = []
        self._transports: dict[Address, Transport] = {}
        self._wire = Wire(network.now, network.at, network.path, network.free_port, self._knock)
        self.connections = SimulatedConnections(upcalls, asyncio.get_running_loop(), self._wire, agent.host)
        try:
            self._bind(agent.listens or (ListenPlan("udp", agent.host, agent.port),))
        except MachineError:
            self.close()
            raise

    @property
    def listeners(self) -> tuple[Listener, ...]:
        """Where it listens, the preferred place first."""
        return tuple(self._listeners)

    def open(self) -> None:
        """Nothing to do: until now nobody has sent anything."""

    def send(self, data: bytes, destination: Hop) -> str:
        """Send a message; gives what is known against it at once."""
        if destination.transport is not Transport.UDP:
            return self.connections.send(data, destination)
        endpoint = self._numbered.get(destination.connection) or self._first.get(":" in destination.host)
        if endpoint is None:
            family = "IPv6" if ":" in destination.host else "IPv4"
            return f"this agent has no UDP socket of {family}: it takes a `listen udp`, or another transport in the URI"
        endpoint.send(data, destination)
        return ""

    def faults(self) -> tuple[int, int]:
        """None: what the network loses it loses on purpose."""
        return 0, 0

    def close(self) -> None:
        """Give everything back."""
        for endpoint in self._endpoints:
            endpoint.close()
        self._endpoints.clear()
        self.connections.close()
        self._network.unbind(self)

    def transport_at(self, port: int) -> Transport:
        """What it speaks to those who connect to one of its ports."""
        return next(transport for (_, number), transport in self._transports.items() if number == port)

    def _knock(self, hop: Hop) -> SimulatedConnections | None:
        """Whom a connection to that place reaches; None when nobody there speaks that transport."""
        server = self._network.server_at(hop.host, hop.port)
        return server.connections if server is not None and server.transport_at(hop.port) is hop.transport else None

    def _bind(self, listens: tuple[ListenPlan, ...]) -> None:
        """As the machine's port: an agent of UDP only listens at the same port by TCP, too."""
        datagrams_only = all(listen.transport == Transport.UDP for listen in listens)
        streams = [] if datagrams_only else [listen for listen in listens if listen.transport != Transport.UDP]
        for listen in listens:
            if listen.transport == Transport.UDP:
                self._add_endpoint(listen.host, listen.port)
            else:
                self._add_server(Transport(listen.transport), listen.host, listen.port)
        if datagrams_only:
            for endpoint in list(self._endpoints):
                self._add_server(Transport.TCP, *endpoint.address)
        assert datagrams_only or streams, "an agent listens somewhere"

    def _add_endpoint(self, host: str, port: int) -> None:
        ipv6 = ":" in host
        number = len(self._endpoints) if ipv6 in self._first else 0
        endpoint = Endpoint(self._network, self._upcalls, host, port, number)
        self._endpoints.append(endpoint)
        if number:
            self._numbered[number] = endpoint
        else:
            self._first[ipv6] = endpoint
        self._listeners.append(Listener(Transport.UDP, *endpoint.address))

    def _add_server(self, transport: Transport, host: str, port: int) -> None:
        address = self._network.bind_stream(self, host, port)
        self._transports[address] = transport
        self._listeners.append(Listener(transport, *address))
