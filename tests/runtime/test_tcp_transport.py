"""SIP over TCP: reuse of connections, framing, keep-alives, what is dropped, and what is told about it."""

from __future__ import annotations

import asyncio
import re
import socket
from pathlib import Path

import pytest

from sipflow.errors import MachineError
from sipflow.runtime.transports.connections import ConnectionLimits
from sipflow.runtime.transports.machine import MachineNetwork
from sipflow.sip.hop import Hop, Transport
from tests.runtime.parties import Party, message, parties

pytestmark = pytest.mark.wire


async def connect(party: Party) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection(*party.at(Transport.TCP)[:2])


async def rest(reader: asyncio.StreamReader) -> bytes:
    """What the peer still says until it closes or breaks off."""
    try:
        return await asyncio.wait_for(reader.read(), 10)
    except ConnectionResetError:
        return b""


def test_who_listens_by_udp_listens_by_tcp_at_the_same_port() -> None:
    async def work() -> None:
        async with parties("") as (one,):
            udp, tcp = one.port.listeners
            assert (udp.transport, tcp.transport) == (Transport.UDP, Transport.TCP)
            assert (udp.host, udp.port) == (tcp.host, tcp.port)

    asyncio.run(work())


def test_a_tcp_port_that_is_taken_is_named() -> None:
    async def work() -> None:
        with socket.create_server(("127.0.0.1", 0)) as other:
            port = other.getsockname()[1]
            network = MachineNetwork(Path())
            with pytest.raises(MachineError, match=f"TCP port {port} of 127.0.0.1 is in use"):
                Party(network, f'listen udp "127.0.0.1:{port}"')
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:  # the UDP port was given back
                free.bind(("127.0.0.1", port))

    asyncio.run(work())


def test_one_connection_serves_both_directions() -> None:
    async def work() -> None:
        async with parties("", "") as (alice, bob):
            assert [alice.port.send(message(text), bob.at(Transport.TCP)) for text in ("1", "2")] == ["", ""]
            _, source = await bob.message(2)
            assert bob.port.send(message("3"), source) == ""
            data, back = await alice.message()
            assert data == message("3") and back[:3] == bob.at(Transport.TCP)[:3]
            alice.port.send(message("4"), bob.at(Transport.TCP, "bob.example.com"))
            assert len({hop.connection for _, hop in [await bob.message(3), *bob.got]}) == 1 and source.connection

    asyncio.run(work())


def test_a_hop_whose_connection_is_gone_gets_a_new_one() -> None:
    async def work() -> None:
        async with parties("", "") as (alice, bob):
            alice.port.send(message("1"), bob.at(Transport.TCP)._replace(connection=999_999_999))
            assert (await bob.message())[0] == message("1")

    asyncio.run(work())


def test_messages_are_whole_however_the_stream_is_cut() -> None:
    async def work() -> None:
        async with parties("") as (bob,):
            _, writer = await connect(bob)
            for byte in message("one") + message("") + message("three"):
                writer.write(bytes([byte]))
                await writer.drain()
            await bob.message(3)
            assert [data for data, _ in bob.got] == [message("one"), message(""), message("three")]
            writer.close()

    asyncio.run(work())


def test_a_ping_is_answered_and_is_no_message() -> None:
    async def work() -> None:
        async with parties("") as (bob,):
            reader, writer = await connect(bob)
            writer.write(b"\r\n\r\n" + message("after"))
            assert await asyncio.wait_for(reader.readexactly(2), 10) == b"\r\n"
            assert [data for data, _ in [await bob.message()]] == [message("after")]
            writer.close()

    asyncio.run(work())


async def answer_pings(server: socket.socket, pongs: int) -> int:
    """Take one connection and answer so many pings; gives how many came in all until it was closed."""
    loop = asyncio.get_running_loop()
    peer, _ = await loop.sock_accept(server)
    data = b""
    try:
        while more := await asyncio.wait_for(loop.sock_recv(peer, 4096), 10):
            data = (data + more).replace(message(), b"")
            if data.count(b"\r\n\r\n") <= pongs:
                await loop.sock_sendall(peer, b"\r\n")
    except ConnectionResetError:
        pass
    finally:
        peer.close()
    return data.count(b"\r\n\r\n")


def test_idle_connections_are_kept_alive_until_the_peer_falls_silent() -> None:
    async def work() -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            server.setblocking(False)
            async with parties("", limits=ConnectionLimits(ping_s=0.03, pong_s=0.2)) as (alice,):
                pings = asyncio.create_task(answer_pings(server, 3))
                alice.port.send(message(), Hop(*server.getsockname(), Transport.TCP))
                assert await alice.failure() == "no answer to a keep-alive"
                assert await pings == 4

    asyncio.run(work())


@pytest.mark.parametrize("begun", [b"", b"INVITE sip:x SIP/2.0\r\nVia:", message("x" * 50)[:-10]])
def test_a_peer_that_never_ends_its_message_is_dropped(begun: bytes) -> None:
    async def work() -> None:
        async with parties("", limits=ConnectionLimits(message_s=0.2)) as (bob,):
            reader, writer = await connect(bob)
            writer.write(begun)
            assert await rest(reader) == b""
            assert "no whole message within 0.2 s" in await bob.notice() and not bob.got
            writer.close()

    asyncio.run(work())


def test_bytes_in_drops_do_not_prolong_a_message() -> None:
    """What makes a slow-loris peer slow: each byte comes in time, the message never does."""

    async def work() -> None:
        async with parties("", limits=ConnectionLimits(message_s=0.3)) as (bob,):
            reader, writer = await connect(bob)

            async def drip() -> None:
                while not writer.is_closing():
                    writer.write(b"x")
                    await asyncio.sleep(0.02)

            dripping = asyncio.create_task(drip())
            assert await rest(reader) == b""
            assert "no whole message" in await bob.notice()
            dripping.cancel()
            writer.close()

    asyncio.run(work())


def test_a_peer_that_is_idle_between_messages_stays() -> None:
    async def work() -> None:
        async with parties("", limits=ConnectionLimits(message_s=0.1)) as (bob,):
            _, writer = await connect(bob)
            writer.write(message("1"))
            await bob.message()
            await asyncio.sleep(0.3)
            writer.write(message("2"))
            assert (await bob.message(2))[0] == message("2") and not bob.notices
            writer.close()

    asyncio.run(work())


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"x" * 70_000, "no end of the header fields"),
        (b"A b SIP/2.0\r\nContent-Length: 99999999\r\n\r\n", "more than 1048576 are not taken"),
        (b"A b SIP/2.0\r\nContent-Length: many\r\n\r\n", "no usable Content-Length: many"),
    ],
)
def test_what_is_no_stream_of_messages_is_dropped(data: bytes, why: str) -> None:
    async def work() -> None:
        async with parties("") as (bob,):
            reader, writer = await connect(bob)
            writer.write(data)
            assert await rest(reader) == b""
            assert why in await bob.notice()
            writer.close()

    asyncio.run(work())


def test_connections_beyond_the_limit_are_refused() -> None:
    async def work() -> None:
        async with parties("", limits=ConnectionLimits(connections=2)) as (bob,):
            kept = [await connect(bob) for _ in range(2)]
            reader, writer = await connect(bob)
            assert await rest(reader) == b"" and "2 are open" in await bob.notice()
            kept[0][1].write(message("still here"))
            await bob.message()
            for one in (writer, *(other for _, other in kept)):
                one.close()

    asyncio.run(work())


def test_a_peer_that_reads_nothing_costs_no_more_than_the_limit() -> None:
    async def work() -> str:
        with socket.create_server(("127.0.0.1", 0)) as server:
            async with parties("", limits=ConnectionLimits(unsent_bytes=200_000)) as (alice,):
                hop = Hop(*server.getsockname(), Transport.TCP)
                for _ in range(10_000):
                    if problem := alice.port.send(message("x" * 50_000), hop):
                        return problem
                    await asyncio.sleep(0)
        return ""

    assert "too much waits to be sent" in asyncio.run(work())


def test_nobody_there_is_told_with_the_reason() -> None:
    async def work() -> str:
        with socket.create_server(("127.0.0.1", 0)) as gone:
            nobody = Hop(*gone.getsockname(), Transport.TCP)
        async with parties("") as (alice,):
            assert alice.port.send(message(), nobody) == ""
            return await alice.failure()

    assert re.search(r"127\.0\.0\.1 port \d+ \(TCP\): nobody listens there \(connection refused\)", asyncio.run(work()))


def test_who_does_not_take_a_connection_is_given_up() -> None:
    async def work() -> str:
        with socket.socket() as full:
            full.bind(("127.0.0.1", 0))
            full.listen(0)
            with socket.create_connection(full.getsockname()):  # its queue is full now: Linux answers no further SYN
                async with parties("", limits=ConnectionLimits(connect_s=0.2)) as (alice,):
                    alice.port.send(message(), Hop(*full.getsockname(), Transport.TCP))
                    return await alice.failure()

    assert "did not take the connection within 0.2 s" in asyncio.run(work())


def test_an_agent_of_both_families_sends_by_the_one_that_fits() -> None:
    async def work() -> None:
        dual = 'listen udp "127.0.0.1:0"\nlisten udp "[::1]:0"'
        async with parties(dual, 'listen udp "[::1]:0"', "") as (alice, six, four):
            for party in (six, four):
                for transport in (Transport.UDP, Transport.TCP):
                    assert alice.port.send(message(transport), party.at(transport)) == ""
                await party.message(2)
                assert {hop.host for _, hop in party.got} == {party.port.listeners[0].host}

    asyncio.run(work())


def test_an_answer_leaves_the_socket_that_the_request_came_in_by() -> None:
    async def work() -> None:
        async with parties('listen udp "127.0.0.1:0"\nlisten udp "127.0.0.1:0"', "") as (two, one):
            second = [place for place in two.port.listeners if place.transport is Transport.UDP][1]
            one.port.send(message(), Hop(second.host, second.port))
            _, source = await two.message()
            two.port.send(message("back"), source)
            assert (await one.message())[1].port == second.port

    asyncio.run(work())


@pytest.mark.filterwarnings("error")
def test_nothing_is_left_open() -> None:
    open_before = len(list(Path("/proc/self/fd").iterdir())) if Path("/proc/self/fd").is_dir() else 0

    async def work() -> None:
        async with parties("", "") as (alice, bob):
            alice.port.send(message(), bob.at(Transport.TCP))
            await bob.message()
            alice.port.send(message(), Hop("127.0.0.1", 1, Transport.TCP))  # still being made when all ends

    asyncio.run(work())
    if open_before:
        assert len(list(Path("/proc/self/fd").iterdir())) == open_before
