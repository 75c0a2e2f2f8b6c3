"""A request that is too large for a datagram goes by TCP, and by UDP all the same where nobody takes it (RFC 3261
section 18.1.1)."""

from __future__ import annotations

from typing import Any

from sipflow import events
from sipflow.sip.hop import Hop, Transport
from sipflow.sip.message import parse_message
from tests.sip.pair import Agent, World, media

LARGEST = 1300


def sent(agent: Agent, method: str) -> list[tuple[str, str, int]]:
    """Transport, protocol of the Via, and length of each request with that method that an agent sent."""
    found = []
    for event in agent.events(events.SipSent):
        if event.data.startswith(method.encode()):
            via = parse_message(event.data).headers.get("Via") or ""
            found.append((event.transport, via.split()[0].rpartition("/")[2], len(event.data)))
    return found


def padded(length: int) -> tuple[tuple[str, str], ...]:
    return (("X-Padding", "x" * length),)


def invite(alice: Agent, target: str, more: int) -> Any:
    alice.do("invite", "c1", target, media(4000), headers=padded(more))


def size_of_small(bob: Agent) -> int:
    """How long the INVITE of a caller like alice is, with an empty padding."""
    world = World()
    other = world.agent("alice")
    other.do("invite", "c1", bob.uri, media(4000), headers=padded(0))
    return sent(other, "INVITE")[0][2]


def test_the_limit_is_the_last_length_that_goes_by_udp(alice, bob):
    room = LARGEST - size_of_small(bob)
    invite(alice, bob.uri, room)
    assert sent(alice, "INVITE") == [("udp", "UDP", LARGEST)]


def test_a_byte_more_goes_by_tcp_and_the_call_is_as_any_other(world, alice, bob):
    invite(alice, bob.uri, LARGEST - size_of_small(bob) + 1)
    world.settle()
    assert sent(alice, "INVITE") == [("tcp", "TCP", LARGEST + 1)]
    bob.do("answer", "bob-in1", media(5000))
    world.settle()
    assert sent(alice, "ACK")[0][:2] == ("udp", "UDP"), "each request is taken by its own length"
    alice.do("request", "INFO", call="c1", body="x" * 2000)
    alice.do("release", "c1")
    world.settle()
    assert [sent(alice, method)[0][:2] for method in ("INFO", "BYE")] == [("tcp", "TCP"), ("udp", "UDP")]
    assert alice.story()[-1] == bob.story()[-1] == "CallReleased"
    world.run()


def test_who_refuses_tcp_gets_a_datagram(world, alice, bob):
    world.drop = lambda data, agent: b"SIP/2.0/TCP" in data
    invite(alice, bob.uri, 1500)
    alice.do("transport_failed", Hop(*bob.address[:2], Transport.TCP), "nobody listens there")
    world.settle()
    first, second = sent(alice, "INVITE")
    assert (first[:2], second[:2]) == (("tcp", "TCP"), ("udp", "UDP"))
    branches = {parse_message(event.data).headers.get("Via") for event in alice.events(events.SipSent)}
    assert len(branches) == 2, "another transaction"
    bob.do("reject", "bob-in1", 486, None)
    world.settle()
    assert alice.events(events.CallRejected)[0].code == 486


def test_a_peer_that_takes_neither_is_told_once(world, alice, bob):
    world.drop = lambda data, agent: True
    invite(alice, bob.uri, 1500)
    for transport in (Transport.TCP, Transport.UDP):
        alice.do("transport_failed", Hop(*bob.address[:2], transport), "nobody listens there")
    assert [event.code for event in alice.events(events.CallRejected)] == [503]
    assert len(sent(alice, "INVITE")) == 2


def test_who_asks_for_udp_by_name_gets_it(world, alice, bob):
    invite(alice, f"{bob.uri};transport=udp", 1500)
    assert [way[:2] for way in sent(alice, "INVITE")] == [("udp", "UDP")]


def test_responses_go_the_way_of_their_request_whatever_their_length(world, alice, bob):
    invite(alice, bob.uri, 0)
    world.settle()
    bob.do("reject", "bob-in1", 486, None, headers=padded(2000))
    world.settle()
    answer = [event for event in bob.events(events.SipSent) if event.data.startswith(b"SIP/2.0 486")]
    assert [event.transport for event in answer] == ["udp"] and len(answer[0].data) > LARGEST
