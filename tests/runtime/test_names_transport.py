"""Names by RFC 3263, asked of a small name server of our own over UDP."""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import dns.flags
import dns.message
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset
import pytest

from sipflow.errors import MachineError
from sipflow.runtime.transports import names as module
from sipflow.runtime.transports.machine import MachineNetwork
from sipflow.runtime.transports.names import NameLookupError, Names
from sipflow.sip.hop import Hop, NameQuery, Transport
from tests.runtime.parties import CERTIFICATES, Party

pytestmark = pytest.mark.wire

ZONE = """
naptr.test NAPTR 20 10 "s" "SIP+D2U" "" _sip._udp.naptr.test.
naptr.test NAPTR 10 10 "s" "SIP+D2T" "" _sip._tcp.naptr.test.
naptr.test NAPTR 10 20 "s" "SIPS+D2T" "" _sips._tcp.naptr.test.
naptr.test NAPTR 5 10 "u" "E2U+sip" "!^.*$!sip:x@y!" .
_sip._udp.naptr.test SRV 1 0 5070 one.test.
_sip._tcp.naptr.test SRV 1 0 5080 one.test.
_sips._tcp.naptr.test SRV 1 0 5090 one.test.
_sip._udp.srv.test SRV 20 0 5060 backup.test.
_sip._udp.srv.test SRV 10 0 5062 one.test.
_sip._tcp.srv.test SRV 10 0 5063 one.test.
_sip._tcp.tcponly.test SRV 10 0 5064 one.test.
_sip._ws.srv.test SRV 10 0 8080 one.test.
_sip._udp.none.test SRV 0 0 0 .
_sip._udp.half.test SRV 10 0 5062 gone.test.
_sip._udp.half.test SRV 20 0 5063 one.test.
_sip._udp.weights.test SRV 1 70 1 one.test.
_sip._udp.weights.test SRV 1 20 2 one.test.
_sip._udp.weights.test SRV 1 10 3 one.test.
_sip._udp.weights.test SRV 2 0 4 one.test.
one.test A 192.0.2.1
one.test AAAA 2001:db8::1
backup.test A 192.0.2.2
plain.test A 192.0.2.3
six.test AAAA 2001:db8::6
"""


class NameServer(asyncio.DatagramProtocol):
    """Answers out of a zone; what it is asked is in `asked`."""

    def __init__(self, zone: str) -> None:
        self.asked: list[tuple[str, str]] = []
        self._records = [line.split(" ", 2) for line in zone.strip().splitlines()]

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        query = dns.message.from_wire(data)
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.RA
        name = query.question[0].name.to_text(omit_final_dot=True)
        kind = dns.rdatatype.to_text(query.question[0].rdtype)
        self.asked.append((name, kind))
        if name.startswith("silent"):
            return
        if name.startswith("broken"):
            answer.set_rcode(dns.rcode.SERVFAIL)
        elif not any(owner == name for owner, _, _ in self._records):
            answer.set_rcode(dns.rcode.NXDOMAIN)
        values = [value for owner, what, value in self._records if (owner, what) == (name, kind)]
        if values:
            answer.answer.append(dns.rrset.from_text(query.question[0].name, 60, "IN", kind, *values))
        self._transport.sendto(answer.to_wire(), addr)


@asynccontextmanager
async def name_server() -> AsyncIterator[tuple[NameServer, str]]:
    loop = asyncio.get_running_loop()
    transport, server = await loop.create_datagram_endpoint(lambda: NameServer(ZONE), local_addr=("127.0.0.1", 0))
    host, port = transport.get_extra_info("sockname")
    try:
        yield server, f"{host}:{port}"
    finally:
        transport.close()


def look_up(query: NameQuery, families: tuple[int, ...] = (4,), seed: int = 1) -> list[str]:
    """The hops as text."""

    async def work() -> list[str]:
        async with name_server() as (_, address):
            return [str(hop) for hop in await Names(address, seed).resolve(query, families)]

    return asyncio.run(work())


@pytest.mark.parametrize(
    ("query", "hops"),
    [
        (
            NameQuery("naptr.test", None, None),
            ["tcp:192.0.2.1:5080", "tls:192.0.2.1:5090", "udp:192.0.2.1:5070"],
        ),
        (NameQuery("naptr.test", None, None, secure=True), ["tls:192.0.2.1:5090"]),
        (NameQuery("naptr.test", None, Transport.UDP), ["udp:192.0.2.1:5070"]),
        (NameQuery("srv.test", None, None), ["udp:192.0.2.1:5062", "udp:192.0.2.2:5060"]),
        (NameQuery("srv.test", None, Transport.TCP), ["tcp:192.0.2.1:5063"]),
        (NameQuery("srv.test", None, Transport.WS), ["ws:192.0.2.1:8080"]),
        (NameQuery("tcponly.test", None, None), ["tcp:192.0.2.1:5064"]),
        (NameQuery("plain.test", None, None), ["udp:192.0.2.3:5060"]),
        (NameQuery("plain.test", None, None, secure=True), ["tls:192.0.2.3:5061"]),
        (NameQuery("plain.test", None, Transport.WSS), ["wss:192.0.2.3:443"]),
        (NameQuery("one.test", 5099, None), ["udp:192.0.2.1:5099"]),
        (NameQuery("one.test", 5099, None, secure=True), ["tls:192.0.2.1:5099"]),
        (NameQuery("192.0.2.9", None, None), ["udp:192.0.2.9:5060"]),
        (NameQuery("half.test", None, None), ["udp:192.0.2.1:5063"]),
    ],
    ids=lambda value: f"{value.host}/{value.port}/{value.transport}" if isinstance(value, NameQuery) else "",
)
def test_a_name_leads_to_its_servers(query: NameQuery, hops: list[str]) -> None:
    assert look_up(query) == hops


def test_a_port_asks_for_no_servers() -> None:
    async def work() -> list[str]:
        async with name_server() as (server, address):
            await Names(address).resolve(NameQuery("plain.test", 5060, None))
            return [kind for _, kind in server.asked]

    assert asyncio.run(work()) == ["A", "AAAA"]


def test_every_hop_carries_the_domain_that_was_asked_for() -> None:
    async def work() -> tuple[Hop, ...]:
        async with name_server() as (_, address):
            return await Names(address).resolve(NameQuery("srv.test", None, Transport.TCP))

    assert {hop.name for hop in asyncio.run(work())} == {"srv.test"}


@pytest.mark.parametrize(
    ("families", "hosts"),
    [((4,), ["192.0.2.1"]), ((6,), ["[2001:db8::1]"]), ((6, 4), ["[2001:db8::1]", "192.0.2.1"])],
)
def test_families_come_in_the_order_of_the_listener(families: tuple[int, ...], hosts: list[str]) -> None:
    assert look_up(NameQuery("one.test", 5060, None), families) == [f"udp:{host}:5060" for host in hosts]


def test_weights_share_the_first_place_and_a_seed_repeats_the_order() -> None:
    async def work(seed: int, times: int = 12) -> list[str]:
        async with name_server() as (_, address):
            names = Names(address, seed)
            hops = [await names.resolve(NameQuery("weights.test", None, None), (4,)) for _ in range(times)]
            assert {one[-1].port for one in hops} == {4}
            return [",".join(str(hop.port) for hop in one) for one in hops]

    first = asyncio.run(work(3, 120))
    assert asyncio.run(work(3)) == first[:12] != asyncio.run(work(4))
    shares = Counter(order[0] for order in first)
    assert 66 < shares["1"] < 102 and 12 < shares["2"] < 38 and 3 < shares["3"] < 24


@pytest.mark.parametrize(
    ("host", "why"),
    [
        ("nobody.test", "nobody.test has no address: 127.0.0.1:"),
        ("broken.test", "told no NAPTR of broken.test: it answered SERVFAIL"),
        ("silent.test", "told no NAPTR of silent.test: no answer within 0.3 s"),
        ("six.test", "six.test has only 2001:db8::6, and nobody here listens by another than IPv4"),
        ("none.test", "none.test has no address"),
        ("a" * 70 + ".test", "told no NAPTR of a"),
    ],
)
def test_a_name_that_leads_nowhere_says_why(host: str, why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOKUP_S", 0.3)
    with pytest.raises(NameLookupError) as raised:
        look_up(NameQuery(host, None, None))
    assert why in str(raised.value) and "\n" not in str(raised.value)


def test_the_name_server_may_be_given_by_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    async def work() -> tuple[Hop, ...]:
        async with name_server() as (_, address):
            monkeypatch.setenv("SIPFLOW_DNS", address)
            return await Names().resolve(NameQuery("plain.test", None, None))

    assert [hop.host for hop in asyncio.run(work())] == ["192.0.2.3"]
    for wrong in ("example.com:53", "127.0.0.1:many", "127.0.0.1:0", ":"):
        monkeypatch.setenv("SIPFLOW_DNS", wrong)
        with pytest.raises(MachineError, match="SIPFLOW_DNS"):
            Names()


def test_a_network_leaves_out_families_in_which_nobody_listens() -> None:
    async def work() -> tuple[tuple[Hop, ...], str]:
        async with name_server() as (_, address):
            network = MachineNetwork(CERTIFICATES, Names(address))
            party = Party(network, 'listen udp "[::1]:0"')
            told: asyncio.Future[tuple[tuple[Hop, ...], str]] = asyncio.get_running_loop().create_future()
            network.resolve(NameQuery("one.test", 5060, None), lambda hops, why: told.set_result((hops, why)))
            try:
                return await asyncio.wait_for(told, 10)
            finally:
                party.port.close()
                network.close()

    hops, problem = asyncio.run(work())
    assert [hop.host for hop in hops] == ["2001:db8::1"] and problem == ""


def test_the_hosts_file_serves_where_no_name_server_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    async def work() -> tuple[Hop, ...]:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mute:
            mute.bind(("127.0.0.1", 0))
            names = Names()
            resolver = names._resolver()
            resolver.nameservers, resolver.port, resolver.lifetime = ["127.0.0.1"], mute.getsockname()[1], 0.2
            return await names.resolve(NameQuery("localhost", None, None), (4,))

    monkeypatch.delenv("SIPFLOW_DNS", raising=False)
    assert [str(hop) for hop in asyncio.run(work())] == ["udp:127.0.0.1:5060"]
