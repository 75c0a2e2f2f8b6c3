"""Connections of one agent: made when something is to be sent, reused, watched, and dropped when a peer misbehaves."""

from __future__ import annotations

import asyncio
import errno
import itertools
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from sipflow.errors import MachineError
from sipflow.plan.tls import TlsPlan
from sipflow.runtime.network import Upcalls
from sipflow.runtime.transports.certificates import why_not_for, why_tls_failed
from sipflow.runtime.transports.codecs import Codec, StreamCodec, WebSocketCodec
from sipflow.sip.framing import FramingError
from sipflow.sip.hop import Hop, Transport

CONNECTION_NUMBERS = itertools.count(1)
"""Numbers of connections are unique in the process, so that no hop of one agent leads into another's connection."""


ACCEPTED_PER_WAKE_UP = 64
"""How many connections are taken before other sockets and timers get their turn."""

PAUSE_S = 1.0
"""How long none is taken after the machine had no descriptor for one."""


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """What a peer may cost. All times in seconds."""

    connect_s: float = 10.0
    """For a connection of ours to stand, its TLS and WebSocket handshakes included."""
    handshake_s: float = 10.0
    """For the handshake of who connects to us."""
    message_s: float = 20.0
    """From the first byte of a message to its last, and from the beginning of a connection to its first message:
    slow-loris peers go after that."""
    ping_s: float = 110.0
    """Between the keep-alives of an idle connection of ours (RFC 5626 section 4.4.1: 95 to 120)."""
    pong_s: float = 10.0
    """For the answer, of a peer that has answered one before."""
    unsent_bytes: int = 4 * 1024 * 1024
    """Of messages that the peer does not read."""
    connections: int = 10_000
    """Made by others, at one agent, at the same time."""


class Connection(asyncio.Protocol):
    """One connection, made by us or by the peer."""

    def __init__(self, pool: Connections, hop: Hop, codec: Codec, client: bool) -> None:
        self.hop = hop._replace(connection=next(CONNECTION_NUMBERS))
        """Where its messages come from."""
        self.client = client
        self._pool = pool
        self._codec = codec
        self._transport: asyncio.Transport | None = None
        self._unsent: list[bytes] = []
        self._used_for: dict[Hop, None] = {}
        self._deadline: asyncio.TimerHandle | None = None
        self._keep_alive: asyncio.TimerHandle | None = None
        self._heard = False
        """Whether the peer ever said anything."""
        self.open = True

    # --- sending ---

    def send(self, message: bytes, destination: Hop) -> str:
        """Send now, or when the connection stands; gives what is known against it."""
        self._used_for[destination] = None
        transport = self._transport
        if transport is None or not self._codec.ready:
            if sum(map(len, self._unsent)) > self._pool.limits.unsent_bytes:
                return "too much waits to be sent"
            self._unsent.append(message)
            return ""
        if transport.get_write_buffer_size() > self._pool.limits.unsent_bytes:
            return "the peer reads nothing: too much waits to be sent"
        transport.write(self._codec.wrap(message))
        return ""

    def _flush(self) -> None:
        if self._transport is not None and self._codec.ready:
            for message in self._unsent:
                self._transport.write(self._codec.wrap(message))
            self._unsent.clear()

    # --- what asyncio tells ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It stands, TLS included."""
        self._transport = cast("asyncio.Transport", transport)
        if not self.open:
            self._transport.abort()
            return
        problem = self._pool.why_not_the_peer(self.hop, self._transport) if self.client else ""
        if problem:
            self.end(problem)
            return
        if self.client:
            self._transport.write(self._codec.start())
            self._wait_to_ping()
        self._flush()
        if not self.client or not self._codec.ready:
            self._watch()

    def data_received(self, data: bytes) -> None:
        """Bytes, however they were cut."""
        self._heard = True
        codec, upcalls = self._codec, self._pool.upcalls
        whole = False
        try:
            for message in codec.receive(data):
                whole = True
                upcalls.receive(message, self.hop)
        except FramingError as error:
            self._write(codec.replies())
            self.end(str(error))
            return
        finally:
            upcalls.drained()
        self._write(codec.replies())
        self._flush()
        if codec.closed:
            self._part()
        else:
            self._look_at_time(whole)

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone."""
        self._pool.forget(self)
        if self.open:
            self.open = False
            self._report(_why_lost(exc, self.hop) if exc is not None else "")
        self._stop_timers()
        self._transport = None

    # --- time ---

    def _look_at_time(self, whole: bool) -> None:
        if not self._codec.in_message:
            self._cancel_deadline()
        elif whole or self._deadline is None:
            self._watch()
        if self.client:
            self._wait_to_ping()

    def _watch(self) -> None:
        """A message or a handshake has begun, or is awaited: it has to be complete in time."""
        self._cancel_deadline()
        self._deadline = self._pool.loop.call_later(self._pool.limits.message_s, self._too_slow)

    def _too_slow(self) -> None:
        self.end(f"no whole message within {self._pool.limits.message_s:g} s")

    def _cancel_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _wait_to_ping(self) -> None:
        if self._keep_alive is not None:
            self._keep_alive.cancel()
        self._keep_alive = self._pool.loop.call_later(self._pool.limits.ping_s, self._ping)

    def _ping(self) -> None:
        """A peer that never answered a ping may not know them: only one that did is given up for silence."""
        if self._codec.ready:
            self._write(self._codec.ping())
        wait = self._pool.limits.pong_s if self._codec.heard_pong else self._pool.limits.ping_s
        then = self._no_pong if self._codec.heard_pong else self._ping
        self._keep_alive = self._pool.loop.call_later(wait, then)

    def _no_pong(self) -> None:
        self.end("no answer to a keep-alive")

    def _stop_timers(self) -> None:
        self._cancel_deadline()
        if self._keep_alive is not None:
            self._keep_alive.cancel()
            self._keep_alive = None

    # --- the end ---

    def end(self, problem: str) -> None:
        """Break it off; who waits for it is told why."""
        if not self.open:
            return
        self.open = False
        self._pool.forget(self)
        self._stop_timers()
        if self._transport is not None:
            self._transport.abort()
        self._report(problem)

    def _part(self) -> None:
        """The peer said goodbye: what comes next needs another connection."""
        self.open = False
        self._pool.forget(self)
        self._stop_timers()
        self._report("")
        if self._transport is not None:
            self._transport.close()

    def close(self) -> None:
        """The run is over."""
        self.open = False
        self._stop_timers()
        transport = self._transport
        if transport is None:
            return
        if transport.get_extra_info("ssl_object") is None:
            transport.close()
        else:
            transport.abort()  # asyncio would wait for the peer's goodbye

    def _write(self, data: bytes) -> None:
        if data and self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def _report(self, problem: str) -> None:
        """A peer that closes in good order may answer over another connection: that fails nothing, unless it never
        said a word."""
        if not problem and self._unsent:
            problem = "the peer closed the connection"
        elif not problem and self.client and not self._heard:
            hint = ", as one does that wants another client certificate" if self.hop.transport.secure else ""
            problem = f"the peer closed the connection without a word{hint}"
        if not problem:
            return
        if not self.client:
            self._pool.upcalls.noticed(f"{self.hop.host} port {self.hop.port} ({self.hop.transport.via}): {problem}")
        for hop in self._used_for:
            self._pool.upcalls.failed(hop, problem)
        self._pool.upcalls.drained()


class Connections:
    """All connections of one agent by all transports."""

    def __init__(
        self,
        upcalls: Upcalls,
        loop: asyncio.AbstractEventLoop,
        tls: TlsPlan,
        context: Callable[[], ssl.SSLContext],
        limits: ConnectionLimits,
    ) -> None:
        self.upcalls = upcalls
        self.loop = loop
        self.limits = limits
        self._tls = tls
        self._context = context
        self._by_number: dict[int, Connection] = {}
        self._by_place: dict[Hop, Connection] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._accepted = 0

    def __len__(self) -> int:
        """Connections that stand or are being made."""
        return len(self._by_number)

    # --- ours ---

    def send(self, message: bytes, destination: Hop) -> str:
        """Send over the connection that a message came by, over one that leads there, or over a new one."""
        connection = self._by_number.get(destination.connection)
        if connection is None or not connection.open:
            connection = self._by_place.get(_place(destination))
        if connection is None or not connection.open:
            try:
                connection = self._connect(destination)
            except MachineError as error:
                return str(error)
        return connection.send(message, destination)

    def _connect(self, hop: Hop) -> Connection:
        context = self._context() if hop.transport.secure else None
        connection = Connection(self, hop, _codec(hop, client=True), client=True)
        self._add(connection)
        self._by_place[_place(hop)] = connection
        self._run(self._establish(connection, context))
        return connection

    async def _establish(self, connection: Connection, context: ssl.SSLContext | None) -> None:
        hop = connection.hop
        name = self._tls.name or hop.name or hop.host
        try:
            async with asyncio.timeout(self.limits.connect_s):
                await self.loop.create_connection(
                    lambda: connection, hop.host, hop.port, ssl=context, server_hostname=name if context else None
                )
        except (OSError, ValueError) as error:
            connection.end(_why_not_connected(error, hop, name, self.limits.connect_s))

    def why_not_the_peer(self, hop: Hop, transport: asyncio.Transport) -> str:
        """Why the certificate of who was connected to is not for the name that was wanted; empty: it is."""
        session = transport.get_extra_info("ssl_object")
        if session is None or not self._tls.verify:
            return ""
        return why_not_for(session.getpeercert() or {}, self._tls.name or hop.name or hop.host)

    # --- those of others ---

    def accept(self, listener: socket.socket, transport: Transport, context: ssl.SSLContext | None) -> None:
        """Take all who wait at a listening socket."""
        for _ in range(ACCEPTED_PER_WAKE_UP):
            try:
                peer, address = listener.accept()
            except (BlockingIOError, ConnectionAbortedError):
                return
            except OSError as error:
                self._pause(listener, transport, context, error)
                return
            self._admit(peer, Hop(address[0], address[1], transport), context)

    def _admit(self, peer: socket.socket, hop: Hop, context: ssl.SSLContext | None) -> None:
        if self._accepted >= self.limits.connections:
            peer.close()
            self.upcalls.noticed(f"a connection was refused: {self.limits.connections} are open")
            return
        self._accepted += 1
        peer.setblocking(False)
        self._run(self._welcome(peer, hop, context))

    def _pause(
        self, listener: socket.socket, transport: Transport, context: ssl.SSLContext | None, error: OSError
    ) -> None:
        """No descriptors are left: who waits stays in the kernel's queue, and the loop must not spin on it."""
        self.upcalls.noticed(f"no connection can be taken for {PAUSE_S:g} s: {error.strerror or error}")
        self.loop.remove_reader(listener)
        self.loop.call_later(PAUSE_S, self._resume, listener, transport, context)

    def _resume(self, listener: socket.socket, transport: Transport, context: ssl.SSLContext | None) -> None:
        if listener.fileno() >= 0:
            self.loop.add_reader(listener, self.accept, listener, transport, context)

    async def _welcome(self, peer: socket.socket, hop: Hop, context: ssl.SSLContext | None) -> None:
        connection = self._admitted(hop)
        limit = self.limits.handshake_s if context else None
        try:
            await self.loop.connect_accepted_socket(lambda: connection, peer, ssl=context, ssl_handshake_timeout=limit)
        except (OSError, ValueError) as error:
            peer.close()
            connection.end(
                why_tls_failed(error, "the client") or f"no TLS handshake: {str(error) or 'the peer ended it'}"
            )

    # --- bookkeeping ---

    def _admitted(self, hop: Hop) -> Connection:
        connection = Connection(self, hop, _codec(hop, client=False), client=False)
        self._add(connection)
        return connection

    def _add(self, connection: Connection) -> None:
        self._by_number[connection.hop.connection] = connection

    def _run(self, work: asyncio._CoroutineLike[None]) -> None:
        task = self.loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def forget(self, connection: Connection) -> None:
        """It is gone."""
        if self._by_number.pop(connection.hop.connection, None) is None:
            return
        if not connection.client:
            self._accepted -= 1
        elif self._by_place.get(_place(connection.hop)) is connection:
            del self._by_place[_place(connection.hop)]

    def close(self) -> None:
        """Close all connections and end all that are being made."""
        for task in self._tasks:
            task.cancel()
        for connection in list(self._by_number.values()):
            connection.close()
        self._by_number.clear()
        self._by_place.clear()


def _place(hop: Hop) -> Hop:
    """What two hops share that one connection serves; over TLS a certificate is for one name."""
    return hop._replace(connection=0, name=hop.name if hop.transport.secure else "")


def _codec(hop: Hop, *, client: bool) -> Codec:
    if hop.transport in (Transport.WS, Transport.WSS):
        return WebSocketCodec(client, f"{hop.name or hop.host}:{hop.port}")
    return StreamCodec(client)


def _why_not_connected(error: Exception, hop: Hop, name: str, limit_s: float) -> str:
    where = f"{hop.host} port {hop.port} ({hop.transport.via})"
    if isinstance(error, TimeoutError):
        return f"{where} did not take the connection within {limit_s:g} s"
    if isinstance(error, ssl.SSLError):
        return f"{where}: {why_tls_failed(error, name)}"
    return f"{where}: {_why_lost(error, hop)}"


def _why_lost(error: Exception, hop: Hop) -> str:
    if isinstance(error, ssl.SSLError):
        return why_tls_failed(error, hop.name or hop.host)
    number = getattr(error, "errno", None)
    return {
        errno.ECONNREFUSED: "nobody listens there (connection refused)",
        errno.ECONNRESET: "the peer broke the connection off (reset)",
        errno.EPIPE: "the peer broke the connection off",
        errno.ETIMEDOUT: "the connection timed out",
        errno.ENETUNREACH: "the network is unreachable",
        errno.EHOSTUNREACH: "the host is unreachable",
    }.get(number or 0, str(error) or type(error).__name__)
