"""Connections of a run in virtual time: the machine's own protocol, framing and keep-alives, above bytes that are
carried inside the process. TLS has no certificates here, and takes no more than the time of its handshake."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass

from sipflow.plan.tls import TlsPlan
from sipflow.runtime.network import Upcalls
from sipflow.runtime.sim.path import Path
from sipflow.runtime.transports.connections import Connection, ConnectionLimits, Connections
from sipflow.sip.hop import Hop, Transport

NO_CERTIFICATES = TlsPlan("", "", "", verify=False)
HANDSHAKES = {Transport.TLS: 1, Transport.WSS: 1}
"""Round trips before a connection can be used, beside that of TCP (RFC 8446 section 2); WebSocket's handshake is
carried out above."""


@dataclass(frozen=True, slots=True)
class Wire:
    """What connections need of the network."""

    now: Callable[[], float]
    at: Callable[[float, Callable[[], None]], None]
    path: Callable[[str], Path]
    free_port: Callable[[], int]
    knock: Callable[[Hop], SimulatedConnections | None]


class SimulatedConnections(Connections):
    """All connections of one agent; only their making and carrying is other than the machine's."""

    def __init__(self, upcalls: Upcalls, loop: asyncio.AbstractEventLoop, wire: Wire, host: str) -> None:
        super().__init__(upcalls, loop, NO_CERTIFICATES, _no_context, ConnectionLimits())
        self._wire = wire
        self._host = host

    async def _establish(self, connection: Connection, context: ssl.SSLContext | None) -> None:
        """Knock, and be let in a few round trips later, or be told that nobody is there."""
        hop, wire = connection.hop, self._wire
        own = Hop(self._host, wire.free_port(), hop.transport)
        there, back = wire.path(f"{own}>{hop._replace(connection=0)}"), wire.path(f"{hop._replace(connection=0)}>{own}")
        await self._until(back.segment(there.segment(wire.now())))
        peer = wire.knock(hop)
        if peer is None:
            connection.end(f"{hop.host} port {hop.port} ({hop.transport.via}): nobody listens there")
            return
        for _ in range(HANDSHAKES.get(hop.transport, 0)):
            await self._until(back.segment(there.segment(wire.now())))
        near, far = Stream(wire, there), Stream(wire, back)
        near.join(connection, far)
        far.join(peer.welcome(own), near)
        far.begin()
        near.begin()

    def welcome(self, hop: Hop) -> Connection:
        """A connection of somebody else; it stands already."""
        self._accepted += 1
        return self._admitted(hop)

    async def _until(self, when: float) -> None:
        await asyncio.sleep(when - self._wire.now())


class Stream(asyncio.Transport):
    """One end of a connection: what is written comes out of the other end, in order and later."""

    def __init__(self, wire: Wire, path: Path) -> None:
        super().__init__()
        self._wire = wire
        self._path = path
        self._protocol: Connection | None = None
        self._peer: Stream | None = None
        self._closing = False

    def join(self, protocol: Connection, peer: Stream) -> None:
        """Belong to a connection, with that other end."""
        self._protocol, self._peer = protocol, peer

    def begin(self) -> None:
        """It stands."""
        assert self._protocol is not None, "both ends are joined before either begins"
        self._protocol.connection_made(self)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send bytes."""
        copy, peer = bytes(data), self._peer
        if peer is not None and copy and not self._closing:
            self._wire.at(self._path.segment(self._wire.now()), lambda: peer.receive(copy))

    def receive(self, data: bytes) -> None:
        """Bytes have arrived."""
        if not self._closing and self._protocol is not None:
            self._protocol.data_received(data)

    def close(self) -> None:
        """End it: all that was written arrives before the other end hears of it."""
        peer = self._peer
        if self._closing:
            return
        self._closing = True
        if peer is not None:
            self._wire.at(self._path.segment(self._wire.now()), peer.hang_up)
        if self._protocol is not None:
            self._protocol.connection_lost(None)

    def abort(self) -> None:
        """The same: nothing waits here that could be thrown away."""
        self.close()

    def hang_up(self) -> None:
        """The other end has ended it."""
        self.close()

    def is_closing(self) -> bool:
        """Whether it is over."""
        return self._closing

    def get_write_buffer_size(self) -> int:
        """What is written has left."""
        return 0


def _no_context() -> ssl.SSLContext:
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
