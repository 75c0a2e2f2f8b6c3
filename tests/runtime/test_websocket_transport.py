"""SIP over WebSocket (RFC 7118), as server and as client."""

from __future__ import annotations

import asyncio

import pytest
from wsproto import ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Event,
    Ping,
    Pong,
    RejectConnection,
    Request,
    TextMessage,
)

from sipflow.runtime.transports.connections import ConnectionLimits
from sipflow.sip.framing import MAX_MESSAGE
from sipflow.sip.hop import Hop, Transport
from tests.runtime.parties import Party, message, parties

pytestmark = pytest.mark.wire


class Peer:
    """A WebSocket peer that we did not build ourselves: wsproto on a stream."""

    def __init__(self, kind: ConnectionType, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._socket = WSConnection(kind)
        self._reader, self._writer = reader, writer
        self._events: list[Event] = []

    @classmethod
    async def connect(cls, party: Party, *subprotocols: str) -> Peer:
        """A client whose handshake is sent."""
        hop = party.at(Transport.WS)
        peer = cls(ConnectionType.CLIENT, *await asyncio.open_connection(hop.host, hop.port))
        peer.send(Request(host="agent", target="/", subprotocols=list(subprotocols)))
        return peer

    def send(self, *events: Event) -> None:
        """Send them in one write."""
        self._writer.write(b"".join(self._socket.send(event) for event in events))

    async def next(self) -> Event | None:
        """What comes next, None at the end."""
        async with asyncio.timeout(10):
            while not self._events:
                data = await self._reader.read(4096)
                if not data:
                    return None
                self._socket.receive_data(data)
                self._events += self._socket.events()
        return self._events.pop(0)

    def close(self) -> None:
        """Close the socket."""
        self._writer.close()


@pytest.mark.parametrize("transport", [Transport.WS, Transport.WSS])
def test_one_connection_serves_both_directions(transport: Transport) -> None:
    async def work() -> None:
        listening = f'listen {transport}\ntls {{ certificate "agent.pem"; key "agent.key" }}'
        async with parties('tls { ca "ca.pem" }', listening) as (alice, bob):
            alice.port.send(message("text"), bob.at(transport))
            alice.port.send(message("more") + b"\xff\xfe", bob.at(transport))  # no UTF-8: goes as a binary frame
            _, source = await bob.message(2)
            assert [data for data, _ in bob.got] == [message("text"), message("more") + b"\xff\xfe"]
            bob.port.send(message("back"), source)
            assert (await alice.message())[0] == message("back")

    asyncio.run(work())


def test_frames_of_every_kind_are_messages() -> None:
    async def work() -> None:
        async with parties("listen ws") as (bob,):
            peer = await Peer.connect(bob, "chat", "sip")
            accepted = await peer.next()
            assert isinstance(accepted, AcceptConnection) and accepted.subprotocol == "sip"
            peer.send(TextMessage(message("text").decode()), BytesMessage(message("bytes")))
            peer.send(TextMessage(message("in parts").decode()[:20], message_finished=False))
            peer.send(Ping(b"between"), TextMessage(message("in parts").decode()[20:]))
            await bob.message(3)
            assert [data for data, _ in bob.got] == [message("text"), message("bytes"), message("in parts")]
            pong = await peer.next()
            assert isinstance(pong, Pong) and pong.payload == b"between"
            bob.port.send(message("back"), bob.got[0][1])
            answer = await peer.next()
            assert isinstance(answer, TextMessage) and answer.data.encode() == message("back")
            peer.close()

    asyncio.run(work())


def test_line_ends_are_keep_alives() -> None:
    async def work() -> None:
        async with parties("listen ws") as (bob,):
            peer = await Peer.connect(bob, "sip")
            await peer.next()
            peer.send(TextMessage("\r\n\r\n"), TextMessage(message().decode()))
            assert [data for data, _ in [await bob.message()]] == [message()] and len(bob.got) == 1
            peer.close()

    asyncio.run(work())


def test_a_client_without_the_subprotocol_is_refused() -> None:
    async def work() -> None:
        async with parties("listen ws") as (bob,):
            peer = await Peer.connect(bob, "chat")
            refused = await peer.next()
            assert isinstance(refused, RejectConnection) and refused.status_code == 400
            peer.close()

    asyncio.run(work())


def test_a_goodbye_is_returned_and_what_is_sent_later_is_a_failure() -> None:
    async def work() -> None:
        async with parties("listen ws") as (bob,):
            peer = await Peer.connect(bob, "sip")
            await peer.next()
            peer.send(TextMessage(message().decode()))
            _, source = await bob.message()
            peer.send(CloseConnection(1000))
            assert isinstance(await peer.next(), CloseConnection)
            peer.close()
            bob.port.send(message(), source)  # nobody takes connections there
            assert "nobody listens there" in await bob.failure()

    asyncio.run(work())


@pytest.mark.parametrize(
    "said", [b"", b"GET / HTTP/1.1\r\nHost: x\r\n", b"GET / HTTP/1.1\r\nHost: x\r\nX: y"], ids=["nothing", "a", "b"]
)
def test_a_handshake_that_never_ends_is_dropped(said: bytes) -> None:
    async def work() -> None:
        async with parties("listen ws", limits=ConnectionLimits(message_s=0.2)) as (bob,):
            reader, writer = await asyncio.open_connection(*bob.at(Transport.WS)[:2])
            writer.write(said)
            assert await asyncio.wait_for(reader.read(), 10) == b""
            assert "no whole message within 0.2 s" in await bob.notice()
            writer.close()

    asyncio.run(work())


def test_a_message_beyond_the_limit_is_dropped() -> None:
    async def work() -> None:
        async with parties("listen ws") as (bob,):
            peer = await Peer.connect(bob, "sip")
            await peer.next()
            for _ in range(MAX_MESSAGE // 65_536 + 1):
                peer.send(TextMessage("x" * 65_536, message_finished=False))
            assert f"more than {MAX_MESSAGE} bytes" in await bob.notice() and not bob.got
            peer.close()

    asyncio.run(work())


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (AcceptConnection(), "did not take the subprotocol"),
        (RejectConnection(status_code=403), "refused with 403"),
    ],
)
def test_a_server_that_speaks_no_sip_is_named(answer: Event, why: str) -> None:
    async def work() -> str:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            peer = Peer(ConnectionType.SERVER, reader, writer)
            await peer.next()
            peer.send(answer)
            await reader.read()
            peer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        async with parties("") as (alice,):
            alice.port.send(message(), Hop(*server.sockets[0].getsockname(), Transport.WS))
            told = await alice.failure()
        server.close()
        return told

    assert why in asyncio.run(work())
