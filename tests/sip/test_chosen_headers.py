"""Headers that a user puts on any message of a call arrive there: Reason, Diversion, Privacy and their like."""

from __future__ import annotations

from typing import Any

import pytest

from sipflow import events
from sipflow.errors import MisuseError
from sipflow.media_params import Direction
from tests.sip.pair import World, media, talk

CHOSEN = (
    ("Reason", 'Q.850;cause=17;text="busy"'),
    ("Diversion", "<sip:first@example.com>;reason=user-busy;counter=1"),
    ("P-Asserted-Identity", '"Alice" <sip:alice@example.com>'),
    ("P-Asserted-Identity", "<tel:+15551234>"),
    ("Privacy", "id;critical"),
    ("History-Info", "<sip:bob@example.com?Reason=SIP%3Bcause%3D302>;index=1"),
    ("History-Info", "<sip:carol@example.com>;index=1.1"),
)


def chosen(agent: Any, message: str) -> bool:
    """Whether the latest such message of the agent has all of them, in their order."""
    fields = [field for field in agent.last(message).headers.items() if field[0] in dict(CHOSEN)]
    return fields == list(CHOSEN)


def ringing(world: World, alice: Any, bob: Any) -> None:
    alice.do("invite", "c1", bob.uri, media(4000), headers=CHOSEN)
    world.settle()


def test_an_invite_and_what_the_callee_sees_of_it(world, alice, bob):
    ringing(world, alice, bob)
    assert chosen(alice, "INVITE")
    seen = bob.events(events.CallIncoming)[0]
    assert [field for field in seen.headers if field[0] in dict(CHOSEN)] == list(CHOSEN)
    assert seen.body.startswith("v=0")


@pytest.mark.parametrize(
    ("command", "arguments", "message"),
    [
        ("ring", (), "180 INVITE"),
        ("progress", (media(5000),), "183 INVITE"),
        ("answer", (media(5000),), "200 INVITE"),
        ("reject", (486, None), "486 INVITE"),
        ("redirect", (("sip:carol@example.com",),), "302 INVITE"),
        ("release", (), "480 INVITE"),
    ],
)
def test_every_response_to_an_invite(world, alice, bob, command, arguments, message):
    ringing(world, alice, bob)
    bob.do(command, "bob-in1", *arguments, headers=CHOSEN)
    assert chosen(bob, message)


def test_a_cancel_of_what_rings(world, alice, bob):
    ringing(world, alice, bob)
    bob.do("ring", "bob-in1")
    world.settle()
    alice.do("release", "c1", headers=CHOSEN)
    world.settle()
    assert chosen(alice, "CANCEL")
    assert bob.ends() == [("bob-in1", "remote", "cancel", "busy")]


def test_a_cancel_that_waits_for_a_provisional_response(world, alice, bob):
    ringing(world, alice, bob)
    alice.do("release", "c1", headers=CHOSEN)
    world.run(1.0)
    assert chosen(alice, "CANCEL")


def test_a_cancel_with_a_line_break_in_a_header_is_misuse(world, alice, bob):
    ringing(world, alice, bob)
    bob.do("ring", "bob-in1")
    world.settle()
    with pytest.raises(MisuseError):
        alice.do("release", "c1", headers=(("Reason", "x\r\nVia: y"),))
    alice.do("release", "c1")
    world.settle()
    assert alice.events(events.CallRejected)[0].code == 487


@pytest.mark.parametrize("by", ["alice", "bob"])
def test_a_bye(world, alice, bob, by):
    talk(world, alice, bob)
    agent, call, other = (alice, "c1", bob) if by == "alice" else (bob, "bob-in1", alice)
    agent.do("release", call, headers=CHOSEN)
    world.settle()
    assert chosen(agent, "BYE")
    assert other.events(events.CallEnded)[0].reason == "busy"


def test_what_changes_a_call(world, alice, bob):
    talk(world, alice, bob)
    alice.do("modify", "c1", media(4000, direction=Direction.SENDONLY), headers=CHOSEN)
    world.settle()
    alice.do("update", "c1", None, headers=CHOSEN)
    world.settle()
    alice.do("refer", "c1", "sip:carol@example.com", headers=CHOSEN)
    world.settle()
    for message in ("INVITE", "UPDATE", "REFER"):
        assert chosen(alice, message)


def test_an_attended_transfer(world, alice, bob):
    talk(world, alice, bob)
    talk(world, alice, bob, "c2")
    alice.do("refer_replacing", "c1", "c2", headers=CHOSEN)
    assert chosen(alice, "REFER")
