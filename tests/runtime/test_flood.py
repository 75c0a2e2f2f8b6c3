"""Who is heard during a flood."""

from __future__ import annotations

import asyncio
import socket

import pytest

from sipflow.runtime.transports.flood import LOUD_SHARE, MODEST, READ_AT_MOST, is_flood, worth_reading
from sipflow.runtime.transports.udp import UdpEndpoint

CALLER, OTHER, FLOODER = ("192.0.2.1", 5060), ("192.0.2.2", 5060), ("192.0.2.3", 9)


def test_a_busy_agent_is_not_flooded() -> None:
    assert not is_flood(dropped=128, taken=32)
    assert is_flood(dropped=129, taken=32)


def test_who_sends_little_is_read_first_and_whole_and_who_sends_much_in_part() -> None:
    junk = [(b"junk %d" % number, FLOODER) for number in range(500)]
    sweep = [*junk[:250], (b"INVITE", CALLER), *junk[250:], (b"BYE", OTHER), (b"ACK", CALLER)]
    assert list(worth_reading(sweep)) == [(b"INVITE", CALLER), (b"BYE", OTHER), (b"ACK", CALLER), *junk[:LOUD_SHARE]]


def test_many_who_send_little_are_bounded_too() -> None:
    sweep = [(b"x", ("192.0.2.1", port)) for port in range(1, 900) for _ in range(2)]
    assert len(list(worth_reading(sweep))) == READ_AT_MOST


def test_a_burst_of_one_call_is_no_loud_source() -> None:
    burst = [(b"%d" % number, CALLER) for number in range(MODEST)]
    assert list(worth_reading(burst)) == burst


@pytest.mark.wire
def test_an_endpoint_hears_the_one_datagram_behind_a_thousand() -> None:
    """A flood fills the socket before its agent can read; what comes between is read all the same, once it is found out
    that the kernel drops."""

    async def work() -> list[bytes]:
        got: list[bytes] = []
        heard = asyncio.Event()

        def receive(data: bytes, _source: object) -> None:
            got.append(data)
            if data == b"hello":
                heard.set()

        endpoint = UdpEndpoint("127.0.0.1", 0, receive=receive, drained=lambda: None)
        with socket.socket(type=socket.SOCK_DGRAM) as flooder, socket.socket(type=socket.SOCK_DGRAM) as caller:
            for number in range(800):
                flooder.sendto(b"junk %d" % number, endpoint.address)
            caller.sendto(b"hello", endpoint.address)
            endpoint._flooded = True  # as after a batch during which the kernel dropped
            endpoint.open(asyncio.get_running_loop())
            await asyncio.wait_for(heard.wait(), 10)
        endpoint.close()
        return got

    got = asyncio.run(work())
    assert got[0] == b"hello", "before the junk that came first"
    assert len(got) <= 1 + LOUD_SHARE
