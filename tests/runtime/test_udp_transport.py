"""The UDP endpoint: batches, errors, the port given back."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import Callable

import pytest

from sipflow.errors import MachineError
from sipflow.runtime.transports.udp import DATAGRAMS_PER_WAKE_UP, UdpEndpoint
from sipflow.sip.hop import Hop
from tests.ports import free_port

pytestmark = pytest.mark.wire
linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells an unconnected socket what ICMP says")


def test_datagrams_come_in_order_and_in_bounded_batches() -> None:
    async def work() -> tuple[list[bytes], list[int]]:
        got: list[bytes] = []
        batches: list[int] = []
        endpoint = UdpEndpoint(
            "127.0.0.1", 0, receive=lambda data, _: got.append(data), drained=lambda: batches.append(len(got))
        )
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
            for number in range(100):
                peer.sendto(str(number).encode(), endpoint.address)
        complete = asyncio.Event()
        endpoint.open(asyncio.get_running_loop())
        asyncio.get_running_loop().call_soon(_set_when, lambda: len(got) == 100, complete)
        await asyncio.wait_for(complete.wait(), 5)
        endpoint.close()
        return got, batches

    got, batches = asyncio.run(work())
    assert got == [str(number).encode() for number in range(100)]
    assert max(after - before for before, after in zip([0, *batches], batches, strict=False)) <= DATAGRAMS_PER_WAKE_UP


def _set_when(done: Callable[[], bool], event: asyncio.Event) -> None:
    if done():
        event.set()
    else:
        asyncio.get_running_loop().call_soon(_set_when, done, event)


def test_a_port_in_use_and_a_foreign_address_are_named() -> None:
    first = UdpEndpoint("127.0.0.1", free_port(), receive=lambda *_: None, drained=lambda: None)
    with pytest.raises(MachineError, match=f"port {first.address[1]} of 127.0.0.1 is in use"):
        UdpEndpoint("127.0.0.1", first.address[1], receive=lambda *_: None, drained=lambda: None)
    with pytest.raises(MachineError, match=r"no address 192\.0\.2\.1"):
        UdpEndpoint("192.0.2.1", 0, receive=lambda *_: None, drained=lambda: None)
    first.close()
    UdpEndpoint("127.0.0.1", first.address[1], receive=lambda *_: None, drained=lambda: None).close()


@linux
@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_what_icmp_says_is_told_with_what_it_quotes(host: str) -> None:
    async def work() -> list[tuple[Hop, bytes, str]]:
        told: list[tuple[Hop, bytes, str]] = []
        heard = asyncio.Event()
        endpoint = UdpEndpoint(host, 0, receive=lambda *_: None, refused=lambda *it: told.append(it), drained=heard.set)
        endpoint.open(asyncio.get_running_loop())
        assert endpoint.send(b"OPTIONS", Hop(host, port)) == ""
        await asyncio.wait_for(heard.wait(), 5)
        endpoint.close()
        return told

    port = free_port(host)
    place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    reason = f"nothing listens at {place} (ICMP port unreachable)"
    assert asyncio.run(work()) == [(Hop(host, port), b"OPTIONS", reason)]


@linux
def test_a_refusal_does_not_swallow_the_next_datagram_and_is_no_error_of_ours() -> None:
    """Linux tells of it in place of sending; with thousands of calls that would be a datagram of somebody else."""
    told: list[bytes] = []
    endpoint = UdpEndpoint(
        "127.0.0.1", 0, receive=lambda *_: None, refused=lambda _, data, __: told.append(data), drained=lambda: None
    )
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.bind(("127.0.0.1", 0))
        peer.settimeout(5)
        nobody = Hop("127.0.0.1", free_port())
        for number in range(3):
            assert endpoint.send(b"lost %d" % number, nobody) == ""
            assert endpoint.send(b"%d" % number, Hop(*peer.getsockname())) == ""
        assert [peer.recv(10) for _ in range(3)] == [b"0", b"1", b"2"]
    assert told == [b"lost 0", b"lost 1", b"lost 2"]
    assert endpoint.send_errors == 0
    endpoint.close()


@linux
def test_a_loop_does_not_spin_on_refusals_that_were_told_to_a_send() -> None:
    """The error is gone from the socket by then, and its queue still wakes who waits."""

    async def work() -> tuple[int, int]:
        told, wake_ups = [], []
        endpoint = UdpEndpoint(
            "127.0.0.1", 0, receive=lambda *_: None, refused=lambda *it: told.append(it),
            drained=lambda: wake_ups.append(1),
        )  # fmt: skip
        for _ in range(200):
            endpoint.send(b"x", nobody)
        endpoint.open(asyncio.get_running_loop())
        for _ in range(50):
            await asyncio.sleep(0)
        endpoint.close()
        return len(told), len(wake_ups)

    nobody = Hop("127.0.0.1", free_port())
    told, wake_ups = asyncio.run(work())
    assert told == 200
    assert wake_ups < 10


def test_a_peer_that_is_not_there_is_no_error_of_ours() -> None:
    nobody = ("127.0.0.1", free_port())
    endpoint = UdpEndpoint("127.0.0.1", 0, receive=lambda *_: None, drained=lambda: None)
    assert [endpoint.send(b"x", Hop(*nobody)) for _ in range(3)] == ["", "", ""]
    endpoint.close()
