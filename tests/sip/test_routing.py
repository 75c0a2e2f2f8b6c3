"""Requests in a dialog go by its route set: loose and strict routers, double Record-Route (RFC 3261 section 12.2.1.1,
RFC 5658)."""

from __future__ import annotations

from typing import Any

from sipflow.sip.destinations import locate
from sipflow.sip.dialog import dialog_of_request, dialog_of_response
from sipflow.sip.hop import Hop, Transport
from sipflow.sip.message import Request, Response, parse_message
from tests.sip.pair import World, media

LOOSE = "<sip:127.0.0.1:5991;lr>"
STRICT = "<sip:strict@127.0.0.1:5992;x=y?Subject=no>"
TO_TCP, FROM_UDP = "<sip:127.0.0.1:5993;transport=tcp;lr>", "<sip:127.0.0.1:5994;lr>"


def routed_call(world: World, *record_route: str) -> tuple[Any, Any]:
    """Alice called bob by a proxy that put these values, in the order of the header, into the INVITE."""
    alice, bob = world.agent("alice"), world.agent("bob")
    world.drop = lambda data, agent: agent is alice and data.startswith(b"INVITE") and b"Record-Route" not in data
    alice.do("invite", "c1", bob.uri, media(4000))
    invite = alice.last("INVITE")
    invite.headers.insert_first("Record-Route", ", ".join(record_route))
    world.inject(invite.to_bytes(), alice.address, bob.address)
    world.settle()
    bob.do("answer", "bob-in1", media(5000))
    world.settle()
    world.inject(alice.last("ACK").to_bytes(), alice.address, bob.address)
    world.settle()
    return alice, bob


def way(world: World, message: Request) -> tuple[str, list[str], list[Hop]]:
    """Request-URI, Route values, and where it went."""
    sent = [hop for data, hop in world.undelivered if data == message.to_bytes()]
    return message.uri, message.headers.values("Route"), sent


def test_both_sides_send_by_loose_routers_in_their_own_order(world):
    alice, bob = routed_call(world, LOOSE, FROM_UDP)
    bob.do("release", "bob-in1")
    alice.do("request", "INFO", call="c1")
    world.settle()
    assert way(world, bob.last("BYE")) == (alice.uri, [LOOSE, FROM_UDP], [Hop("127.0.0.1", 5991)])
    uri, routes, hops = way(world, alice.last("INFO"))
    assert (uri, routes, hops[0]) == (bob.uri, [FROM_UDP, LOOSE], Hop("127.0.0.1", 5994))
    assert alice.last("ACK").headers.values("Route") == [FROM_UDP, LOOSE]


def test_a_strict_router_has_the_request_uri_and_the_target_comes_last(world):
    _, bob = routed_call(world, STRICT, LOOSE)
    bob.do("release", "bob-in1")
    world.settle()
    uri, routes, hops = way(world, bob.last("BYE"))
    assert uri == "sip:strict@127.0.0.1:5992;x=y"
    assert routes == [LOOSE, "<sip:alice@127.0.0.1:5060>"]
    assert hops == [Hop("127.0.0.1", 5992)]


def test_a_strict_router_behind_a_loose_one_is_a_route_like_any_other(world):
    alice, _ = routed_call(world, STRICT, LOOSE)
    assert alice.last("ACK").uri == "sip:bob@127.0.0.1:5062"
    assert alice.last("ACK").headers.values("Route") == [LOOSE, STRICT]


def test_a_proxy_between_two_transports_is_twice_in_the_route_set():
    """RFC 5658: each side comes to the proxy by its own transport, and leaves it by the other's."""
    text = (
        "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK1\r\nFrom: <sip:a@x>;tag=1\r\n"
        "To: <sip:b@x>;tag=2\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\nContact: <sip:b@127.0.0.1:7000;transport=tcp>\r\n"
        f"Record-Route: {TO_TCP}\r\nRecord-Route: {FROM_UDP}\r\n\r\n"
    )
    answer = parse_message(text.encode())
    assert isinstance(answer, Response)
    ours = dialog_of_response(answer, "")
    assert ours.route_set == (FROM_UDP, TO_TCP)
    assert locate(ours.next_hop) == Hop("127.0.0.1", 5994, Transport.UDP)
    head, _, rest = text.partition("\r\n")
    invite = parse_message(f"INVITE sip:b@x SIP/2.0\r\n{rest}".replace(";tag=2", "").encode())
    assert head and isinstance(invite, Request)
    theirs = dialog_of_request(invite, "2", Hop("127.0.0.1", 5993, Transport.TCP, connection=7))
    assert theirs.route_set == (TO_TCP, FROM_UDP)
    assert locate(theirs.next_hop) == Hop("127.0.0.1", 5993, Transport.TCP)


def test_the_route_set_stays_when_the_target_moves(world):
    alice, bob = routed_call(world, LOOSE)
    alice.do("request", "UPDATE", call="c1", headers=(("Contact", "<sip:new@127.0.0.1:5999>"),))
    world.inject(alice.last("UPDATE").to_bytes(), alice.address, bob.address)
    world.settle()
    bob.do("release", "bob-in1")
    world.settle()
    assert way(world, bob.last("BYE"))[:2] == ("sip:new@127.0.0.1:5999", [LOOSE])


def test_prack_and_update_of_an_early_dialog_go_by_its_route_set(world):
    alice, bob = world.agent("alice", provisional="required"), world.agent("bob")
    alice.do("invite", "c1", bob.uri, media(4000))
    world.settle()
    world.drop = lambda data, agent: agent is bob and b"Record-Route" not in data
    bob.do("progress", "bob-in1", media(5000))
    ringing = bob.last("183 INVITE")
    ringing.headers.insert_first("Record-Route", f"{LOOSE}, {FROM_UDP}")
    world.inject(ringing.to_bytes(), bob.address, alice.address)
    world.settle()
    alice.do("update", "c1", None)
    world.settle()
    for method in ("PRACK", "UPDATE"):
        uri, routes, hops = way(world, alice.last(method))
        assert (uri, routes, hops[0]) == (bob.uri, [FROM_UDP, LOOSE], Hop("127.0.0.1", 5994))
