"""SIP over TLS: who is trusted, and what a person reads when nobody is (RFC 5922)."""

from __future__ import annotations

import asyncio
import shutil
import ssl
import subprocess
from pathlib import Path

import pytest

from sipflow.errors import MachineError
from sipflow.runtime.transports.certificates import why_not_for
from sipflow.runtime.transports.connections import ConnectionLimits
from sipflow.runtime.transports.machine import MachineNetwork
from sipflow.sip.hop import Hop, Transport
from tests.runtime.parties import Authority, Party, message, parties

pytestmark = pytest.mark.wire
if shutil.which("openssl") is None:
    pytest.skip("openssl makes the certificates of these tests", allow_module_level=True)

HERE = "DNS:example.com,IP:127.0.0.1"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Certificates of every kind."""
    authority = Authority(tmp_path_factory.mktemp("trusted"))
    authority.sign("good", HERE)
    authority.sign("domain", "URI:sip:example.com")
    authority.sign("other", "DNS:other.example,URI:sip:third.example")
    authority.sign("six", "IP:::1")
    authority.sign("expired", HERE, end="20210203040506Z")
    authority.sign("future", HERE, start="20800102030405Z")
    stranger = Authority(tmp_path_factory.mktemp("stranger"))
    stranger.sign("unknown", HERE)
    for name in ("unknown.pem", "unknown.key"):
        shutil.copy(stranger.folder / name, authority.folder)
    arguments = ("-keyout", "self.key", "-out", "self.pem", "-subj", "/CN=me", "-addext", f"subjectAltName={HERE}")
    ec = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    subprocess.run(["openssl", "req", "-x509", *ec, *arguments], cwd=authority.folder, check=True, capture_output=True)
    locked = ("-in", "good.key", "-aes128", "-passout", "pass:x", "-out", "locked.key")
    subprocess.run(["openssl", "ec", *locked], cwd=authority.folder, check=True, capture_output=True)
    return authority.folder


def server(certificate: str, more: str = "") -> str:
    return f'listen tls\ntls {{ certificate "{certificate}.pem"; key "{certificate}.key"; {more} }}'


TRUSTING = 'tls { ca "ca.pem" }'


def exchange(folder: Path, client: str, other: str, name: str = "", transport: Transport = Transport.TLS) -> str:
    """Send a message and have it answered over the same connection; why that failed, empty when it did not."""

    async def work() -> str:
        async with parties(client, other, folder=folder) as (alice, bob):
            alice.port.send(message("there"), bob.at(transport, name))
            await alice.until(lambda: alice.failures) if not await arrived(alice, bob) else None
            return alice.failures[0] if alice.failures else ""

    async def arrived(alice: Party, bob: Party) -> bool:
        waits = [asyncio.ensure_future(bob.message()), asyncio.ensure_future(alice.failure())]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED, timeout=10)
        for wait in waits:
            wait.cancel()
        if not bob.got:
            return False
        bob.port.send(message("back"), bob.got[0][1])
        return (await alice.message())[0] == message("back")

    return asyncio.run(work())


@pytest.mark.parametrize(
    ("client", "certificate", "name"),
    [
        (TRUSTING, "good", ""),
        (TRUSTING, "good", "example.com"),
        (TRUSTING, "domain", "example.com"),
        ('tls { ca "ca.pem"; name "other.example" }', "other", "example.com"),
        ("tls { verify off }", "expired", "nobody.example"),
    ],
)
def test_messages_pass_when_the_certificate_is_right(folder: Path, client: str, certificate: str, name: str) -> None:
    assert exchange(folder, client, server(certificate), name) == ""


@pytest.mark.parametrize(
    ("client", "certificate", "why"),
    [
        (TRUSTING, "other", "the certificate is not for example.com, but for other.example, sip:third.example"),
        (TRUSTING, "expired", "the certificate of example.com expired at Feb  3 04:05:06 2021 GMT"),
        (TRUSTING, "future", "the certificate of example.com is not valid yet, only from Jan  2 03:04:05 2080 GMT"),
        (TRUSTING, "unknown", "nobody who is trusted signed the certificate of example.com (unknown CA)"),
        (TRUSTING, "self", "the certificate of example.com is self-signed and not among the trusted ones"),
        ("", "good", "nobody who is trusted signed the certificate of example.com (unknown CA)"),
    ],
)
def test_a_certificate_that_is_not_accepted_is_explained(folder: Path, client: str, certificate: str, why: str) -> None:
    told = exchange(folder, client, server(certificate), "example.com")
    assert why in told and "\n" not in told


def test_a_certificate_is_asked_of_clients(folder: Path) -> None:
    demanding = server("good", 'ca "ca.pem"; client certificate required')
    with_one = 'tls { ca "ca.pem"; certificate "other.pem"; key "other.key" }'
    assert exchange(folder, with_one, demanding) == ""
    assert "client certificate" in exchange(folder, TRUSTING, demanding)


# --- the server name of the handshake (RFC 6066 section 3) ---


def greeted_by_name(folder: Path, client: str, names: list[str]) -> tuple[list[str | None], list[str]]:
    """Send to a server of several domains that shows the certificate of the one that is asked for, once as each of
    these; the names that it was asked for, and why sending failed."""
    asked: list[str | None] = []
    writers: list[asyncio.StreamWriter] = []

    def context(certificate: str) -> ssl.SSLContext:
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        made.load_cert_chain(folder / f"{certificate}.pem", folder / f"{certificate}.key")
        return made

    domains = {"example.com": context("domain"), "other.example": context("other")}
    usual = context("good")

    def choose(session: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
        asked.append(name)
        session.context = domains.get(name or "", usual)

    usual.sni_callback = choose

    async def work() -> list[str]:
        async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(await reader.readuntil(b"\r\n\r\n"))
            writers.append(writer)  # closed with the connection otherwise

        peer = await asyncio.start_server(echo, "127.0.0.1", 0, ssl=usual)
        host, port = peer.sockets[0].getsockname()
        async with peer, parties(client, folder=folder) as (alice,):
            for number, name in enumerate(names, 1):
                alice.port.send(message(), Hop(host, port, Transport.TLS, name))
                await alice.until(lambda number=number: len(alice.got + alice.failures) >= number)
            return alice.failures

    return asked, asyncio.run(work())


def test_the_domain_is_asked_for_and_its_certificate_shown(folder: Path) -> None:
    names = ["example.com", "other.example", "nobody.example"]
    asked, failures = greeted_by_name(folder, TRUSTING, names)
    assert asked == names
    assert failures == ["the certificate is not for nobody.example, but for example.com, 127.0.0.1"]


def test_the_name_of_the_settings_is_asked_for_in_place_of_the_domain(folder: Path) -> None:
    settings = 'tls { ca "ca.pem"; name "other.example" }'
    assert greeted_by_name(folder, settings, ["example.com"]) == (["other.example"], [])


def test_an_address_is_no_server_name(folder: Path) -> None:
    assert greeted_by_name(folder, TRUSTING, [""]) == ([None], [])


# --- IPv6 ---


@pytest.mark.parametrize(("certificate", "why"), [("six", ""), ("good", "the certificate is not for ::1, but for")])
def test_tls_by_ipv6(folder: Path, certificate: str, why: str) -> None:
    listening = server(certificate).replace("listen tls", 'listen tls "[::1]:0"')
    told = exchange(folder, f'listen tcp "[::1]:0"\n{TRUSTING}', listening)
    assert why in told and bool(why) == bool(told), told


@pytest.mark.parametrize(
    ("shown", "why"),
    [
        ("", "(TLS): it showed no client certificate"),
        (
            'certificate "unknown.pem"; key "unknown.key"',
            "(TLS): nobody who is trusted signed the certificate of the client (unknown CA)",
        ),
        ('certificate "expired.pem"; key "expired.key"', "(TLS): the certificate of the client expired at"),
    ],
)
def test_the_server_says_which_client_it_did_not_take_and_why(folder: Path, shown: str, why: str) -> None:
    async def work() -> str:
        demanding = server("good", 'ca "ca.pem"; client certificate required')
        async with parties(f'tls {{ ca "ca.pem"; {shown} }}', demanding, folder=folder) as (alice, bob):
            alice.port.send(message(), bob.at(Transport.TLS))
            assert "client certificate" in await alice.failure()
            assert not bob.got
            return await bob.notice()

    told = asyncio.run(work())
    assert why in told, told


def test_a_peer_without_tls_is_named(folder: Path) -> None:
    async def work() -> str:
        async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"SIP/2.0 400 Bad Request\r\n\r\n")

        plain = await asyncio.start_server(greet, "127.0.0.1", 0)
        async with parties(TRUSTING, folder=folder) as (alice,):
            host, port = plain.sockets[0].getsockname()
            alice.port.send(message(), alice.at(Transport.TCP)._replace(host=host, port=port, transport=Transport.TLS))
            told = await alice.failure()
        plain.close()
        return told

    assert "the peer speaks no TLS at this port" in asyncio.run(work())


@pytest.mark.parametrize("sent", [b"", b"\x16\x03\x01\x02\x00\x01"], ids=["silent", "half a ClientHello"])
def test_a_client_that_never_ends_its_handshake_is_dropped(folder: Path, sent: bytes) -> None:
    async def work() -> None:
        async with parties(server("good"), limits=ConnectionLimits(handshake_s=0.2), folder=folder) as (bob,):
            reader, writer = await asyncio.open_connection(*bob.at(Transport.TLS)[:2])
            writer.write(sent)
            assert await asyncio.wait_for(reader.read(), 10) == b""
            assert "no TLS handshake" in await bob.notice()
            writer.close()

    asyncio.run(work())


@pytest.mark.parametrize(
    ("items", "why"),
    [
        ('tls { ca "no.pem" }', "cannot read CA certificates .*no.pem: No such file"),
        ('tls { ca "ca.cnf" }', "ca.cnf holds no CA certificates in PEM"),
        ('tls { ca "good.key" }', "good.key holds no CA certificates that can be read"),
        (
            'tls { certificate "good.pem"; key "other.key" }',
            "key other.key does not belong to the certificate good.pem",
        ),
        ('tls { certificate "good.pem"; key "locked.key" }', "key locked.key is encrypted"),
        ('tls { certificate "good.pem" }', "no certificate with its key can be read from good.pem"),
    ],
)
def test_files_that_do_not_fit_are_named(folder: Path, items: str, why: str) -> None:
    async def work() -> None:
        with pytest.raises(MachineError, match=why):
            Party(MachineNetwork(folder), items)

    asyncio.run(work())


def test_keys_are_logged_for_captures(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys"))
    assert exchange(folder, TRUSTING, server("good")) == ""
    assert "CLIENT_TRAFFIC_SECRET_0" in (tmp_path / "keys").read_text()
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "nowhere" / "keys"))
    with pytest.raises(MachineError, match="cannot write the key log"):
        exchange(folder, TRUSTING, server("good"))


@pytest.mark.parametrize(
    ("names", "wanted", "fits"),
    [
        ([("DNS", "a.example")], "A.example", True),
        ([("DNS", "*.example.com")], "pbx.example.com", True),
        ([("DNS", "*.example.com")], "a.b.example.com", False),
        ([("DNS", "*.example.com")], "example.com", False),
        ([("URI", "sip:example.com")], "example.com", True),
        ([("URI", "sip:bob@example.com")], "example.com", False),
        ([("URI", "https://example.com")], "example.com", False),
        ([("IP Address", "0:0:0:0:0:0:0:1")], "::1", True),
        ([("IP Address", "192.0.2.1")], "192.0.2.2", False),
        ([], "common.example", True),
        ([("DNS", "a.example")], "common.example", False),
    ],
)
def test_names_of_certificates(names: list[tuple[str, str]], wanted: str, fits: bool) -> None:
    certificate = {"subject": ((("commonName", "common.example"),),), "subjectAltName": tuple(names)}
    assert (why_not_for(certificate, wanted) == "") is fits
