"""The UDP endpoint: batches, errors, the port given back."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

import pytest

from sipflow.errors import MachineError
from sipflow.runtime.transports.udp import DATAGRAMS_PER_WAKE_UP, UdpEndpoint
from sipflow.sip.hop import Hop
from tests.ports import free_port

pytestmark = pytest.mark.wire


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


def test_a_peer_that_is_not_there_is_no_error_of_ours() -> None:
    nobody = ("127.0.0.1", free_port())
    endpoint = UdpEndpoint("127.0.0.1", 0, receive=lambda *_: None, drained=lambda: None)
    assert [endpoint.send(b"x", Hop(*nobody)) for _ in range(3)] == ["", "", ""]
    endpoint.close()
