"""Connections over real sockets: both sides ours, and peers that do what no good peer does."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from sipflow.errors import MachineError
from sipflow.lang import compile_text
from sipflow.plan.plan import make_plan
from sipflow.runtime.network import Upcalls
from sipflow.runtime.transports.certificates import why_tls_failed
from sipflow.runtime.transports.connections import ConnectionLimits
from sipflow.runtime.transports.machine import MachineNetwork, MachinePort
from sipflow.sip.hop import Hop, Transport

pytestmark = pytest.mark.wire

OPENSSL = shutil.which("openssl")
needs_openssl = pytest.mark.skipif(OPENSSL is None, reason="openssl is not installed")

REQUEST = b"OPTIONS sip:bob SIP/2.0\r\nContent-Length: 4\r\n\r\nbody"
RESPONSE = b"SIP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n"


class Side:
    """One agent's port, and what it was told."""

    def __init__(self, settings: str, folder: Path, limits: ConnectionLimits | None = None) -> None:
        compiled = compile_text(f'agent a {{ {settings} }}\non a: log "x"\n')
        assert compiled.graph is not None, compiled.diagnostics
        self.got: list[tuple[bytes, Hop]] = []
        self.failures: list[str] = []
        self.notes: list[str] = []
        self.changed = asyncio.Event()
        network = MachineNetwork(folder, limits=limits)
        upcalls = Upcalls(self._receive, self._failed, lambda: None, self._noticed)
        port = network.port(make_plan(compiled.graph).agents["a"], upcalls)
        assert isinstance(port, MachinePort)
        self.port = port
        port.open()

    def _receive(self, data: bytes, source: Hop) -> None:
        self.got.append((data, source))
        self.changed.set()

    def _failed(self, _hop: Hop, text: str) -> None:
        self.failures.append(text)
        self.changed.set()

    def _noticed(self, text: str) -> None:
        self.notes.append(text)
        self.changed.set()

    def hop(self, transport: Transport, name: str = "") -> Hop:
        """Where it listens by that transport."""
        found = next(one for one in self.port.listeners if one.transport is transport)
        return Hop(found.host, found.port, transport, name)

    async def until(self, condition: Callable[[], object], seconds: float = 5.0) -> None:
        """Wait until something is so."""
        async with asyncio.timeout(seconds):
            while not condition():
                self.changed.clear()
                await self.changed.wait()


def run(work: Callable[[], Awaitable[Any]]) -> None:
    """Run to the end, every socket given back."""

    async def whole() -> None:
        async with asyncio.timeout(30):
            await work()

    asyncio.run(whole(), debug=False)


@contextlib.asynccontextmanager
async def sides(
    folder: Path, first: str, second: str = "", limits: ConnectionLimits | None = None
) -> AsyncIterator[tuple[Side, Side]]:
    one = Side(first, folder, limits)
    other = Side(second, folder, limits)
    try:
        yield one, other
    finally:
        one.port.close()
        other.port.close()
        await asyncio.sleep(0)


@pytest.mark.parametrize("transport", [Transport.TCP, Transport.WS])
def test_a_request_and_its_response_take_one_connection(transport: Transport, tmp_path: Path) -> None:
    async def work() -> None:
        async with sides(tmp_path, f"listen {transport}") as (bob, alice):
            for _ in range(3):
                assert alice.port.send(REQUEST, bob.hop(transport)) == ""
            await bob.until(lambda: len(bob.got) == 3)
            source = bob.got[0][1]
            assert {hop.connection for _, hop in bob.got} == {source.connection} and source.connection
            assert bob.got[0][0] == REQUEST
            assert bob.port.send(RESPONSE, source) == ""
            await alice.until(lambda: alice.got)
            assert alice.got[0][0] == RESPONSE and alice.got[0][1][:3] == bob.hop(transport)[:3]

    run(work)


def test_an_agent_of_udp_takes_tcp_at_the_same_port(tmp_path: Path) -> None:
    async def work() -> None:
        async with sides(tmp_path, 'listen udp "127.0.0.1:0"') as (bob, alice):
            assert bob.hop(Transport.UDP).port == bob.hop(Transport.TCP).port
            alice.port.send(REQUEST, bob.hop(Transport.TCP))
            alice.port.send(REQUEST, bob.hop(Transport.UDP))
            await bob.until(lambda: len(bob.got) == 2)
            assert {hop.transport for _, hop in bob.got} == {Transport.UDP, Transport.TCP}

    run(work)


def test_ipv6(tmp_path: Path) -> None:
    async def work() -> None:
        async with sides(tmp_path, 'listen udp "[::1]:0"', 'listen udp "[::1]:0"') as (bob, alice):
            for transport in (Transport.UDP, Transport.TCP):
                assert alice.port.send(REQUEST, bob.hop(transport)) == ""
            await bob.until(lambda: len(bob.got) == 2)
            assert {hop.host for _, hop in bob.got} == {"::1"}
            assert "no UDP socket of IPv4" in alice.port.send(REQUEST, Hop("127.0.0.1", 5060))

    run(work)


def test_nobody_listens(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]

    async def work() -> None:
        async with sides(tmp_path, "") as (alice, _):
            alice.port.send(REQUEST, Hop("127.0.0.1", port, Transport.TCP))
            await alice.until(lambda: alice.failures)
            assert alice.failures == [f"127.0.0.1 port {port} (TCP): nobody listens there (connection refused)"]

    run(work)


def test_a_port_that_tcp_does_not_give_is_named(tmp_path: Path) -> None:
    async def work() -> None:
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            port = other.getsockname()[1]
            with pytest.raises(MachineError, match=f"TCP port {port} of 127.0.0.1 is in use"):
                Side(f'listen udp "127.0.0.1:{port}"', tmp_path)

    run(work)


async def raw(bob: Side, transport: Transport = Transport.TCP) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection of somebody who is no SIP agent."""
    hop = bob.hop(transport)
    return await asyncio.open_connection(hop.host, hop.port)


def test_keep_alives_are_answered_and_no_message(tmp_path: Path) -> None:
    async def work() -> None:
        async with sides(tmp_path, "listen tcp") as (bob, _):
            reader, writer = await raw(bob)
            writer.write(b"\r\n\r\n" + REQUEST + b"\r\n\r\n")
            assert await reader.readexactly(4) == b"\r\n\r\n"
            assert [data for data, _ in bob.got] == [REQUEST]
            writer.close()

    run(work)


def test_keep_alives_are_sent_and_a_silent_peer_is_given_up(tmp_path: Path) -> None:
    limits = ConnectionLimits(ping_s=0.1, pong_s=0.2)

    async def work() -> None:
        async with sides(tmp_path, "", limits=limits) as (alice, _):
            pings = asyncio.Event()

            async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                await reader.readexactly(len(REQUEST) + 4)
                writer.write(b"\r\n")  # it knows keep-alives …
                await reader.readexactly(4)
                pings.set()  # … and answers no more
                await reader.read()
                writer.close()

            server = await asyncio.start_server(serve, "127.0.0.1", 0)
            port = server.sockets[0].getsockname()[1]
            alice.port.send(REQUEST, Hop("127.0.0.1", port, Transport.TCP))
            await pings.wait()
            await alice.until(lambda: alice.failures)
            assert alice.failures == ["no answer to a keep-alive"]
            server.close()

    run(work)


@pytest.mark.parametrize("said", [b"", b"OPTIONS sip:bob SI", b"OPTIONS sip:bob SIP/2.0\r\nContent-Length: 9\r\n\r\nx"])
def test_a_slow_loris_is_dropped(said: bytes, tmp_path: Path) -> None:
    """Nothing said, a head that does not end, a body that does not come: each a byte now and then."""
    limits = ConnectionLimits(message_s=0.4)

    async def work() -> None:
        async with sides(tmp_path, "listen tcp", limits=limits) as (bob, _):
            reader, writer = await raw(bob)
            writer.write(said)

            async def drip() -> None:
                with contextlib.suppress(ConnectionError):
                    while said:
                        writer.write(b"x" if b"\r\n\r\n" not in said else b"")
                        await asyncio.sleep(0.05)

            dripping = asyncio.create_task(drip())
            with contextlib.suppress(ConnectionError):
                assert await reader.read() == b""
            dripping.cancel()
            await bob.until(lambda: bob.notes)
            assert "no whole message within 0.4 s" in bob.notes[0] and bob.got == []
            assert len(bob.port._connections) == 0
            writer.close()

    run(work)


def test_a_stream_that_cannot_be_framed_is_dropped(tmp_path: Path) -> None:
    async def work() -> None:
        async with sides(tmp_path, "listen tcp") as (bob, _):
            reader, writer = await raw(bob)
            writer.write(REQUEST + b"OPTIONS x SIP/2.0\r\nContent-Length: lots\r\n\r\n")
            with contextlib.suppress(ConnectionError):
                await reader.read()
            assert [data for data, _ in bob.got] == [REQUEST] and "Content-Length: lots" in bob.notes[0]
            writer.close()

    run(work)


def test_more_connections_than_allowed_are_refused(tmp_path: Path) -> None:
    limits = ConnectionLimits(connections=3)

    async def work() -> None:
        async with sides(tmp_path, "listen tcp", limits=limits) as (bob, _):
            peers = [await raw(bob) for _ in range(5)]
            for reader, _ in peers[3:]:
                assert await reader.read() == b""
            assert len(bob.port._connections) == 3 and "3 are open" in bob.notes[0]
            for _, writer in peers:
                writer.close()

    run(work)


def test_a_peer_that_closes_in_good_order_fails_nothing(tmp_path: Path) -> None:
    async def work() -> None:
        async with sides(tmp_path, "listen tcp", "listen tcp") as (bob, alice):
            alice.port.send(REQUEST, bob.hop(Transport.TCP))
            await bob.until(lambda: bob.got)
            bob.port.send(RESPONSE, bob.got[0][1])
            await alice.until(lambda: alice.got)
            bob.port.close()
            async with asyncio.timeout(5):
                while len(alice.port._connections):
                    await asyncio.sleep(0.01)
            assert alice.failures == []

    run(work)


# --- WebSocket ---


def test_a_websocket_without_the_subprotocol_is_refused(tmp_path: Path) -> None:
    async def work() -> None:
        async with sides(tmp_path, "listen ws") as (bob, _):
            reader, writer = await raw(bob, Transport.WS)
            writer.write(
                b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
            )
            assert (await reader.readline()).startswith(b"HTTP/1.1 400")
            writer.close()

    run(work)


@pytest.mark.parametrize(
    "said", [b"OPTIONS sip:bob SIP/2.0\r\n\r\n", b"\x00" * 64, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"]
)
def test_what_is_no_websocket_is_dropped(said: bytes, tmp_path: Path) -> None:
    async def work() -> None:
        async with sides(tmp_path, "listen ws", limits=ConnectionLimits(message_s=0.5)) as (bob, _):
            reader, writer = await raw(bob, Transport.WS)
            writer.write(said)
            with contextlib.suppress(ConnectionError):
                await reader.read()
            assert bob.got == [] and len(bob.port._connections) == 0
            writer.close()

    run(work)


# --- TLS ---


def certificate(folder: Path, name: str, subject: str, *extra: str, issuer: str = "") -> None:
    """A certificate and its key; it vouches for itself, or `issuer` does."""
    assert OPENSSL is not None
    signed = ["-CA", f"{issuer}.pem", "-CAkey", f"{issuer}.key"] if issuer else []
    days = [] if "-not_after" in extra else ["-days", "2"]
    command = [OPENSSL, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={subject}", *days, *signed,
               "-keyout", f"{name}.key", "-out", f"{name}.pem", *extra]  # fmt: skip
    subprocess.run(command, cwd=folder, check=True, capture_output=True)


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CA, and certificates of bob.test, of somebody else, and of nobody who is known."""
    folder = tmp_path_factory.mktemp("pki")
    certificate(folder, "ca", "Test CA")
    own = ("-addext", "subjectAltName=DNS:bob.test", "-addext", "basicConstraints=critical,CA:false")
    certificate(folder, "bob", "bob.test", *own, issuer="ca")
    certificate(folder, "alone", "bob.test", *own)
    return folder


BOB = 'listen tls; tls { certificate "bob.pem"; key "bob.key"; ca "ca.pem" }'


@needs_openssl
def test_tls_with_a_known_ca_and_the_right_name(pki: Path) -> None:
    async def work() -> None:
        async with sides(pki, BOB, 'tls { ca "ca.pem" }') as (bob, alice):
            alice.port.send(REQUEST, bob.hop(Transport.TLS, "bob.test"))
            await bob.until(lambda: bob.got)
            bob.port.send(RESPONSE, bob.got[0][1])
            await alice.until(lambda: alice.got)
            assert alice.got[0][0] == RESPONSE

    run(work)


@needs_openssl
def test_secure_websocket(pki: Path) -> None:
    async def work() -> None:
        settings = BOB.replace("listen tls", "listen wss")
        async with sides(pki, settings, 'tls { ca "ca.pem"; name "bob.test" }') as (bob, alice):
            alice.port.send(REQUEST, bob.hop(Transport.WSS))
            await bob.until(lambda: bob.got)
            assert bob.got[0][0] == REQUEST

    run(work)


@needs_openssl
@pytest.mark.parametrize(
    ("server", "client", "name", "told"),
    [
        (BOB, 'tls { ca "ca.pem" }', "carol.test", "the certificate is not for carol.test, but for bob.test"),
        (BOB, 'tls { ca "ca.pem" }', "", "the certificate is not for 127.0.0.1, but for bob.test"),
        (BOB, "", "bob.test", "unknown CA"),
        (BOB.replace("bob.", "alone."), 'tls { ca "ca.pem" }', "bob.test", "self-signed"),
        (
            BOB.replace("ca ", "client certificate required; ca "),
            'tls { ca "ca.pem" }',
            "bob.test",
            "client certificate",
        ),
    ],
)
def test_why_a_peer_is_not_trusted(pki: Path, server: str, client: str, name: str, told: str) -> None:
    async def work() -> None:
        async with sides(pki, server, client) as (bob, alice):
            alice.port.send(REQUEST, bob.hop(Transport.TLS, name))
            await alice.until(lambda: alice.failures)
            assert told in alice.failures[0] and bob.got == []

    run(work)


@pytest.mark.parametrize(("verify_code", "told"), [(10, "expired"), (9, "is not valid yet")])
def test_certificates_out_of_their_time(verify_code: int, told: str) -> None:
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_code, error.verify_message = verify_code, "…"
    assert f"the certificate of bob.test {told}" in why_tls_failed(error, "bob.test")


@needs_openssl
def test_client_certificates_and_no_verification(pki: Path) -> None:
    async def work() -> None:
        demanding = BOB.replace("ca ", "client certificate required; ca ")
        careless = 'tls { verify off; certificate "bob.pem"; key "bob.key" }'
        async with sides(pki, demanding, careless) as (bob, alice):
            alice.port.send(REQUEST, bob.hop(Transport.TLS, "whoever.test"))
            await bob.until(lambda: bob.got)

    run(work)


@needs_openssl
def test_a_tls_client_that_never_finishes_is_dropped(pki: Path) -> None:
    limits = ConnectionLimits(handshake_s=0.4)

    async def work() -> None:
        async with sides(pki, BOB, limits=limits) as (bob, _):
            reader, writer = await raw(bob, Transport.TLS)
            writer.write(b"\x16\x03\x01\x02")
            with contextlib.suppress(ConnectionError):
                assert await reader.read() == b""
            await bob.until(lambda: bob.notes)
            assert len(bob.port._connections) == 0 and "TLS" in bob.notes[0]
            writer.close()

    run(work)


@needs_openssl
def test_a_peer_without_tls(pki: Path) -> None:
    async def work() -> None:
        async with sides(pki, "listen tcp", limits=ConnectionLimits(message_s=0.3)) as (bob, alice):
            plain = bob.hop(Transport.TCP)
            alice.port.send(REQUEST, plain._replace(transport=Transport.TLS))
            await alice.until(lambda: alice.failures)
            assert "TLS" in alice.failures[0] or "broke" in alice.failures[0]

    run(work)


@needs_openssl
@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ('tls { ca "nowhere.pem" }', "cannot read CA certificates .*nowhere.pem: No such file"),
        (
            'listen tls; tls { certificate "bob.pem"; key "ca.key" }',
            "ca.key does not belong to the certificate bob.pem",
        ),
        ('listen tls; tls { certificate "bob.pem" }', "no certificate with its key can be read"),
        ('listen tls; tls { certificate "note.txt" }', "note.txt holds no certificate in PEM"),
        ('listen tls; tls { certificate "bob.pem"; key "locked.key" }', "locked.key is encrypted"),
    ],
)
def test_files_that_are_of_no_use_are_named(pki: Path, settings: str, told: str) -> None:
    (pki / "note.txt").write_text("hello")
    assert OPENSSL is not None
    command = [OPENSSL, "rsa", "-aes128", "-passout", "pass:x", "-in", "bob.key", "-out", "locked.key"]
    subprocess.run(command, cwd=pki, check=True, capture_output=True)

    async def work() -> None:
        with pytest.raises(MachineError, match=told):
            Side(settings, pki)

    run(work)
