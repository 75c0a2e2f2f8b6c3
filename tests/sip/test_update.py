"""UPDATE in both directions, before and after the answer (RFC 3311)."""

from __future__ import annotations

from typing import Any

import pytest

from sipflow import events
from sipflow.errors import MisuseError
from sipflow.media_params import Direction
from tests.sip.pair import World, drop_first, media, talk


@pytest.fixture
def alice(world: World) -> Any:
    return world.agent("alice", provisional="required")


def early(world: World, alice: Any, bob: Any) -> str:
    """A call with early media by a reliable 183: offer and answer are through."""
    alice.do("invite", "c1", bob.uri, media(4000))
    world.settle()
    bob.do("progress", "bob-in1", media(5000))
    world.settle()
    return "bob-in1"


def test_an_update_changes_the_session_of_an_answered_call(world, alice, bob):
    _, incoming = talk(world, alice, bob)
    alice.do("update", "c1", media(4400, direction=Direction.SENDONLY))
    world.settle()
    assert alice.sent()[-1] == "UPDATE" and bob.sent()[-1] == "200 UPDATE"
    assert alice.story()[-2:] == ["MediaNegotiated", "CallModified"]
    assert bob.story()[-3:] == ["RequestReceived", "MediaNegotiated", "CallHeld"]
    assert bob.events(events.RequestReceived)[0].code == 200
    changed = bob.events(events.MediaNegotiated)[-1]
    assert (changed.params.remote_port, changed.params.direction, changed.early) == (4400, Direction.RECVONLY, False)
    bob.do("release", incoming)
    world.run()
    assert alice.ua.idle and bob.ua.idle


@pytest.mark.parametrize("by", ["caller", "callee"])
def test_an_update_changes_early_media(world, alice, bob, by):
    incoming = early(world, alice, bob)
    agent, other, call, port = (alice, bob, "c1", 4400) if by == "caller" else (bob, alice, incoming, 5500)
    agent.do("update", call, media(port))
    world.settle()
    changed = other.events(events.MediaNegotiated)[-1]
    assert (changed.params.remote_port, changed.early) == (port, True)
    assert agent.story()[-1] == "CallModified"
    bob.do("answer", incoming, media(5000))
    world.settle()
    assert other.events(events.MediaNegotiated)[-1].params.remote_port == port
    assert alice.story()[-1] == "CallAnswered"


def test_an_update_without_offer_changes_no_session(world, alice, bob):
    talk(world, alice, bob)
    before = len(bob.events(events.MediaNegotiated))
    alice.do("update", "c1", None)
    world.settle()
    assert alice.last("UPDATE").body == bob.last("200 UPDATE").body == b""
    assert len(bob.events(events.MediaNegotiated)) == before
    assert alice.story()[-1] == "CallModified" and bob.story()[-1] == "RequestReceived"


def test_an_update_moves_the_remote_target(world, alice, bob):
    _, incoming = talk(world, alice, bob)
    alice.do("update", "c1", None, headers=(("Contact", "<sip:elsewhere@127.0.0.1:5999>"),))
    world.settle()
    bob.do("release", incoming)
    world.settle()
    assert bob.last("BYE").uri == "sip:elsewhere@127.0.0.1:5999"


def test_an_offer_is_refused_with_491_while_ours_is_open(world, alice, bob):
    _, incoming = talk(world, alice, bob)
    world.delay = 0.1
    alice.do("update", "c1", media(4400))
    bob.do("update", incoming, media(5500))
    world.run(0.5)
    assert "491 UPDATE" in alice.sent() and "491 UPDATE" in bob.sent()
    world.run(10.0)
    assert [len(agent.events(events.CallModified)) for agent in (alice, bob)] == [1, 1]
    assert 2.1 <= alice.sent_times("UPDATE")[1] - 0.2 <= 4.0
    assert 0.0 <= bob.sent_times("UPDATE")[1] - 0.2 <= 2.0
    assert alice.events(events.MediaNegotiated)[-1].params.remote_port == 5500
    assert bob.events(events.MediaNegotiated)[-1].params.remote_port == 4400


def test_an_offer_before_the_first_answer_is_refused_with_500_and_a_time(world, alice, bob):
    alice.do("invite", "c1", bob.uri, media(4000))
    world.settle()
    bob.do("ring", "bob-in1")
    world.settle()
    body = alice.last("INVITE").body
    alice.do("request", "UPDATE", call="c1", body=body, content_type="application/sdp")
    world.settle()
    refused = bob.last("500 UPDATE")
    assert 0 <= int(refused.headers.get("Retry-After")) <= 10
    assert bob.events(events.RequestReceived)[-1].code == 500


def test_the_callers_open_offer_refuses_one_of_the_callee(world, alice, bob):
    alice.do("invite", "c1", bob.uri, media(4000))
    world.settle()
    bob.do("ring", "bob-in1")
    world.settle()
    bob.do("request", "UPDATE", call="bob-in1", body=alice.last("INVITE").body, content_type="application/sdp")
    world.settle()
    assert alice.sent()[-1] == "491 UPDATE"


def test_our_own_offer_before_the_first_answer_is_misuse(world, alice, bob):
    alice.do("invite", "c1", bob.uri, media(4000))
    with pytest.raises(MisuseError):
        alice.do("update", "c1", None)
    world.settle()
    bob.do("ring", "bob-in1")
    world.settle()
    for agent, call in ((alice, "c1"), (bob, "bob-in1")):
        with pytest.raises(MisuseError):
            agent.do("update", call, media())
    alice.do("update", "c1", None)
    world.settle()
    assert bob.sent()[-1] == "200 UPDATE"


@pytest.mark.parametrize(
    ("content_type", "body", "code"),
    [("text/plain", "v=0\r\n", 415), ("application/sdp", "v=0\r\n", 488), ("application/sdp", "x", 488)],
)
def test_an_offer_that_cannot_be_used_leaves_the_session_as_it_was(world, alice, bob, content_type, body, code):
    talk(world, alice, bob)
    before = bob.events(events.MediaNegotiated)
    alice.do("request", "UPDATE", call="c1", body=body, content_type=content_type)
    world.settle()
    assert alice.events(events.ResponseReceived)[-1].code == code
    assert bob.events(events.MediaNegotiated) == before


def test_a_refused_update_leaves_the_call(world, alice, bob):
    talk(world, alice, bob)
    world.drop = drop_first(1, "UPDATE")
    alice.do("update", "c1", media(4400))
    update = alice.last("UPDATE")
    world.drop = drop_first(0, "UPDATE")
    head = update.to_bytes().partition(b"\r\n")[2].partition(b"\r\nContact")[0]
    world.inject(b"SIP/2.0 500 No\r\n" + head + b"\r\n\r\n", bob.address, alice.address)
    world.settle()
    assert alice.story()[-1] == "CallModifyRejected"
    assert alice.events(events.CallModifyRejected)[0].code == 500
    assert alice.session("c1").state == "established"


def test_an_update_that_nobody_answers_ends_an_answered_call(world, alice, bob):
    talk(world, alice, bob)
    world.drop = drop_first(1000, "UPDATE")
    alice.do("update", "c1", media(4400))
    world.run()
    assert alice.events(events.CallModifyRejected)[0].code == 408
    assert alice.events(events.CallEnded)[0].cause == "timeout"
    assert alice.ua.idle and bob.ua.idle


def test_an_update_that_the_user_wrote_is_an_offer_like_any_other(world, alice, bob):
    talk(world, alice, bob)
    offer = alice.last("INVITE").body.replace(b" 4000 ", b" 4400 ")
    alice.do("request", "UPDATE", call="c1", body=offer, content_type="application/sdp")
    world.settle()
    assert alice.events(events.ResponseReceived)[-1].code == 200
    assert bob.events(events.MediaNegotiated)[-1].params.remote_port == 4400
    assert len(alice.events(events.MediaNegotiated)) == 2
    alice.do("modify", "c1", media(4000, direction=Direction.SENDONLY))
    world.settle()
    assert bob.story()[-1] == "CallHeld"


def test_a_written_update_that_is_refused_leaves_room_for_another_offer(world, alice, bob):
    talk(world, alice, bob)
    alice.do("request", "UPDATE", call="c1", body="v=0\r\n", content_type="application/sdp")
    world.settle()
    assert alice.events(events.ResponseReceived)[-1].code == 488
    alice.do("modify", "c1", media(4400))
    world.settle()
    assert alice.story()[-1] == "CallModified"


def test_an_update_and_a_reinvite_that_cross_refuse_each_other_and_both_succeed_later(world, alice, bob):
    _, incoming = talk(world, alice, bob)
    world.delay = 0.05
    alice.do("modify", "c1", media(4400))
    bob.do("update", incoming, media(5500))
    world.run(10.0)
    assert "491 UPDATE" in alice.sent() and "491 INVITE" in bob.sent()
    assert [len(agent.events(events.CallModified)) for agent in (alice, bob)] == [1, 1]
    assert alice.events(events.MediaNegotiated)[-1].params.remote_port == 5500
    assert bob.events(events.MediaNegotiated)[-1].params.remote_port == 4400
