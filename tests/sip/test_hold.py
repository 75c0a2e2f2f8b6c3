"""Hold in both styles, by direction and by address, from both sides (RFC 3264 section 8.4, RFC 2543)."""

from __future__ import annotations

from typing import Any

import pytest

from sipflow import events
from sipflow.media_params import Direction
from sipflow.sdp.negotiate import make_offer
from tests.sip.pair import media, talk

RECVONLY, SENDONLY, SENDRECV, INACTIVE = (
    Direction.RECVONLY,
    Direction.SENDONLY,
    Direction.SENDRECV,
    Direction.INACTIVE,
)


def held(**changes: Any) -> Any:
    return media(4000, hold_by_address=True, direction=SENDONLY, **changes)


def test_hold_by_direction_says_so_and_keeps_the_address(world):
    alice, bob = world.agent("alice"), world.agent("bob")
    talk(world, alice, bob)
    alice.do("modify", "c1", media(4000, direction=SENDONLY))
    body = alice.last("INVITE").body
    assert b"a=sendonly" in body and b"c=IN IP4 127.0.0.1" in body


def test_hold_by_address_says_nothing_else_and_is_heard_as_a_hold(world):
    alice, bob = world.agent("alice"), world.agent("bob")
    talk(world, alice, bob)
    alice.do("modify", "c1", held())
    world.settle()
    body = alice.last("INVITE").body
    assert b"c=IN IP4 0.0.0.0\r\n" in body
    assert not any(direction.value.encode() in body for direction in Direction)
    assert bob.story()[-2:] == ["MediaNegotiated", "CallHeld"]
    assert b"a=recvonly" in bob.last("200 INVITE").body
    assert alice.events(events.MediaNegotiated)[-1].params.direction is SENDONLY
    assert bob.events(events.MediaNegotiated)[-1].params.direction is RECVONLY
    alice.do("modify", "c1", media(4000, hold_by_address=True))
    world.settle()
    assert b"c=IN IP4 127.0.0.1\r\n" in alice.last("INVITE").body
    assert bob.story()[-1] == "CallResumed"
    assert bob.events(events.MediaNegotiated)[-1].params.direction is SENDRECV


def test_a_call_that_is_held_by_address_answers_so_too(world):
    alice, bob = world.agent("alice"), world.agent("bob")
    _, incoming = talk(world, alice, bob)
    alice.do("modify", "c1", held())
    world.settle()
    bob.do("modify", incoming, media(5000, direction=SENDONLY))
    world.settle()
    body = alice.last("200 INVITE").body
    assert b"c=IN IP4 0.0.0.0\r\n" in body and b"a=inactive" in body
    assert bob.events(events.MediaNegotiated)[-1].params.direction is INACTIVE
    assert alice.story()[-1] == "CallHeld"


@pytest.mark.parametrize(
    ("connection", "attribute", "direction"),
    [
        ("IN IP4 0.0.0.0", "", RECVONLY),
        ("IN IP4 0.0.0.0", "a=sendrecv", RECVONLY),
        ("IN IP4 0.0.0.0", "a=sendonly", RECVONLY),
        ("IN IP4 0.0.0.0", "a=inactive", INACTIVE),
        ("IN IP6 ::", "", RECVONLY),
        ("IN IP4 127.0.0.1", "a=sendonly", RECVONLY),
        ("IN IP4 127.0.0.1", "a=inactive", INACTIVE),
    ],
)
def test_every_style_of_the_peer_is_a_hold(world, connection, attribute, direction):
    alice, bob = world.agent("alice"), world.agent("bob")
    talk(world, alice, bob)
    head = f"v=0\r\no=- 9 2 IN IP4 127.0.0.1\r\ns=-\r\nc={connection}\r\nt=0 0\r\n"
    body = f"{head}m=audio 4000 RTP/AVP 0\r\n{attribute}\r\n"
    alice.do("request", "UPDATE", call="c1", body=body, content_type="application/sdp")
    world.settle()
    assert alice.events(events.ResponseReceived)[-1].code == 200
    assert bob.story()[-1] == "CallHeld"
    assert bob.events(events.MediaNegotiated)[-1].params.direction is direction


def test_hold_by_address_in_ipv6():
    offer = make_offer(held(address="::1"), session_id=1, session_version=1)
    assert offer.address_of(offer.media[0]) == "::"
    assert offer.direction_of(offer.media[0]) is SENDONLY
    assert "o=sipflow 1 1 IN IP6 ::1" in str(offer)


def test_a_reinvite_without_offer_leaves_it_to_the_peer_and_answers_in_the_ack(world):
    alice, bob = world.agent("alice"), world.agent("bob")
    talk(world, alice, bob)
    alice.do("modify", "c1", None)
    world.settle()
    assert alice.last("INVITE").body == b""
    assert b"m=audio 5000" in bob.last("200 INVITE").body
    assert b"m=audio 4000" in alice.last("ACK").body
    assert alice.story()[-2:] == ["MediaNegotiated", "CallModified"]
    assert bob.events(events.MediaNegotiated)[-1].params.remote_port == 4000
    alice.do("release", "c1")
    world.run()
    assert alice.ua.idle and bob.ua.idle


@pytest.mark.parametrize(("code", "ends"), [(481, True), (488, False), (500, False), (603, False)])
def test_only_a_dialog_that_is_gone_ends_the_call_when_a_reinvite_is_refused(world, code, ends):
    alice, bob = world.agent("alice"), world.agent("bob")
    talk(world, alice, bob)
    world.drop = lambda data, agent: agent is alice and data.startswith(b"INVITE")
    before = alice.events(events.MediaNegotiated)
    alice.do("modify", "c1", media(4400, direction=SENDONLY))
    head = alice.last("INVITE").to_bytes().partition(b"\r\n")[2].partition(b"\r\nContact")[0]
    world.inject(f"SIP/2.0 {code} No\r\n".encode() + head + b"\r\n\r\n", bob.address, alice.address)
    world.run_for(1.0)
    assert alice.events(events.CallModifyRejected)[0].code == code
    assert alice.events(events.MediaNegotiated) == before
    assert ("BYE" in alice.sent()) is ends
