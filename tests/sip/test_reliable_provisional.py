"""Provisional responses that are acknowledged: 100rel, PRACK, and offers and answers in them (RFC 3262, RFC 6337)."""

from __future__ import annotations

from typing import Any

import pytest

from sipflow import events
from sipflow.sip.message import Request, Response, parse_message
from sipflow.sip.reliable_provisional import RAck, rseq_of
from tests.sip.pair import PCMA, PCMU, World, drop_first, media, what


def pair(world: World, caller: str = "required", callee: str = "supported") -> tuple[Any, Any]:
    return world.agent("alice", provisional=caller), world.agent("bob", provisional=callee)


def call(world: World, alice: Any, bob: Any, **invite: Any) -> str:
    alice.do("invite", "c1", bob.uri, media(4000), **invite)
    world.settle()
    return str(bob.events(events.CallIncoming)[-1].call)


# --- who wants what ---


@pytest.mark.parametrize(
    ("caller", "callee", "reliable"),
    [
        ("off", "off", False),
        ("off", "supported", False),
        ("supported", "off", False),
        ("supported", "supported", False),
        ("supported", "required", True),
        ("required", "supported", True),
        ("required", "required", True),
    ],
)
def test_both_sides_decide_whether_ringing_is_acknowledged(world, caller, callee, reliable):
    alice, bob = pair(world, caller, callee)
    incoming = call(world, alice, bob)
    bob.do("ring", incoming)
    world.settle()
    assert ("PRACK" in alice.sent()) is reliable
    assert (rseq_of(bob.last("180 INVITE")) is not None) is reliable
    bob.do("answer", incoming, media(5000))
    world.settle()
    assert bob.story()[-1] == "CallConfirmed"
    alice.do("release", "c1")
    world.run()
    assert alice.ua.idle and bob.ua.idle


def test_who_lacks_it_refuses_what_requires_it(world):
    alice, bob = pair(world, "required", "off")
    alice.do("invite", "c1", bob.uri, media())
    world.settle()
    assert alice.events(events.CallRejected)[0].code == 420
    assert bob.last("420 INVITE").headers.get("Unsupported") == "100rel"


def test_who_insists_on_it_refuses_a_caller_without(world):
    alice, bob = pair(world, "off", "required")
    alice.do("invite", "c1", bob.uri, media())
    world.settle()
    assert alice.events(events.CallRejected)[0].code == 421
    assert bob.last("421 INVITE").headers.get("Require") == "100rel"
    assert bob.events(events.CallIncoming) == []


def test_a_prack_names_the_response_that_it_acknowledges(world):
    alice, bob = pair(world)
    bob.do("ring", call(world, alice, bob))
    world.settle()
    prack, ringing = alice.last("PRACK"), bob.last("180 INVITE")
    assert RAck.of(prack) == RAck(rseq_of(ringing), ringing.cseq.number, "INVITE")
    assert prack.cseq.number == ringing.cseq.number + 1
    assert 1 <= rseq_of(ringing) < 2**31
    assert bob.sent()[-1] == "200 PRACK"


# --- repetition ---


def test_it_is_repeated_at_twice_the_interval_without_limit_and_the_call_is_given_up_after_64_t1(world):
    alice, bob = pair(world)
    world.drop = drop_first(1000, "PRACK")
    bob.do("ring", call(world, alice, bob))
    world.run(40.0)
    assert bob.sent_times("180 INVITE") == [0.0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5]
    assert bob.sent_times("504 INVITE") == [32.0]
    assert len({message.to_bytes() for message in bob.messages() if what(message) == "180 INVITE"}) == 1
    assert bob.events(events.CallEnded) == [events.CallEnded("bob-in1", "local", "timeout", "no PRACK came")]
    assert alice.events(events.CallRejected)[0].code == 504
    world.run()
    assert alice.ua.idle and bob.ua.idle


def test_a_repeated_response_is_neither_told_nor_acknowledged_again(world):
    alice, bob = pair(world)
    world.drop = drop_first(2, "PRACK")
    bob.do("ring", call(world, alice, bob))
    world.run(5.0)
    assert alice.sent_times("PRACK") == [0.0, 0.5, 1.5]
    assert len({message.cseq.number for message in alice.messages() if what(message) == "PRACK"}) == 1
    assert bob.sent_times("180 INVITE") == [0.0, 0.5]
    assert len(alice.events(events.CallRinging)) == 1


def test_a_response_that_overtook_another_is_dropped(world):
    alice, bob = pair(world)
    bob.do("ring", call(world, alice, bob))
    world.settle()
    ringing = bob.last("180 INVITE")
    number = rseq_of(ringing)
    for later, told in ((number + 2, 1), (number - 1, 1), (number, 1), (number + 1, 2)):
        ringing.headers.set("RSeq", str(later))
        world.inject(ringing.to_bytes(), bob.address, alice.address)
        world.settle()
        assert len(alice.events(events.CallRinging)) == told
        assert alice.sent().count("PRACK") == told


def test_one_waits_for_the_prack_of_the_one_before(world):
    alice, bob = pair(world)
    incoming = call(world, alice, bob)
    world.delay = 0.1
    bob.do("ring", incoming)
    bob.do("progress", incoming, media(5000))
    bob.do("ring", incoming)
    assert bob.sent().count("183 INVITE") == 0
    world.run(2.0)
    first, second, third = (rseq_of(m) for m in bob.messages() if isinstance(m, Response) and rseq_of(m) is not None)
    assert (second, third) == (first + 1, first + 2)
    assert bob.sent_times("183 INVITE") == [pytest.approx(0.2)]
    assert alice.sent().count("PRACK") == 3


def test_a_prack_of_nothing_is_481(world):
    alice, bob = pair(world)
    incoming = call(world, alice, bob)
    bob.do("ring", incoming)
    world.settle()
    for rack in ("1 1 INVITE", "x", f"{rseq_of(bob.last('180 INVITE'))} 1 INVITE"):
        alice.do("request", "PRACK", call="c1", headers=(("RAck", rack),))
        world.settle()
        assert alice.events(events.ResponseReceived)[-1].code == 481


# --- the end of the INVITE ---


def test_an_answer_need_not_wait_for_the_prack_of_plain_ringing(world):
    alice, bob = pair(world)
    world.drop = drop_first(2, "PRACK")
    incoming = call(world, alice, bob)
    bob.do("ring", incoming)
    bob.do("answer", incoming, media(5000))
    world.run(5.0)
    assert bob.sent_times("200 INVITE") == [0.0]
    assert bob.sent_times("180 INVITE") == [0.0]
    assert bob.sent()[-1] == "200 PRACK"
    assert bob.story()[-1] == "CallConfirmed"


def test_an_answer_waits_for_the_prack_of_a_description(world):
    alice, bob = pair(world)
    world.drop = drop_first(1, "PRACK")
    incoming = call(world, alice, bob)
    bob.do("progress", incoming, media(5000))
    bob.do("answer", incoming, media(5000))
    world.run(5.0)
    assert bob.sent_times("200 INVITE") == [0.5]
    assert bob.last("200 INVITE").body == b""
    assert alice.story()[-1] == "CallAnswered"


def test_cancel_ends_the_repetition(world):
    alice, bob = pair(world)
    world.drop = drop_first(1000, "PRACK")
    bob.do("ring", call(world, alice, bob))
    world.run(0.2)
    alice.do("release", "c1")
    world.run(30.0)
    assert bob.sent_times("180 INVITE") == [0.0]
    assert alice.events(events.CallRejected)[0].code == 487
    world.run()
    assert alice.ua.idle and bob.ua.idle


def test_cancel_wins_over_an_answer_that_waits_for_its_prack(world):
    alice, bob = pair(world)
    world.drop = drop_first(1000, "PRACK")
    incoming = call(world, alice, bob)
    bob.do("progress", incoming, media(5000))
    world.run(0.2)
    bob.do("answer", incoming, media(5000))
    alice.do("release", "c1")
    world.drop = drop_first(0, "PRACK")
    world.run()
    assert "200 INVITE" not in bob.sent()
    assert alice.events(events.CallRejected)[0].code == 487
    assert alice.ua.idle and bob.ua.idle


# --- offers and answers (RFC 3262 section 5, RFC 6337 section 2.2) ---


def test_the_answer_in_a_reliable_183_completes_the_exchange(world):
    alice, bob = pair(world)
    incoming = call(world, alice, bob)
    bob.do("progress", incoming, media(5000, PCMA))
    world.settle()
    early = alice.events(events.MediaNegotiated)
    assert [event.early for event in early] == [True]
    assert early[0].params.send_format == PCMA
    bob.do("answer", incoming, media(5000))
    world.settle()
    assert bob.last("200 INVITE").body == b""
    assert alice.events(events.MediaNegotiated)[-1].params == early[0].params
    assert bob.events(events.MediaNegotiated)[-1].params.send_format == PCMA


def test_a_description_that_the_answer_repeats_does_not_count(world):
    alice, bob = pair(world)
    incoming = call(world, alice, bob)
    bob.do("progress", incoming, media(5000))
    world.settle()
    body = bob.last("183 INVITE").body.replace(b" 5000 ", b" 6000 ")
    world.drop = drop_first(1, "200 INVITE")
    bob.do("answer", incoming, media(5000))
    answer = bob.last("200 INVITE")
    answer.headers.set("Content-Type", "application/sdp")
    answer.body = body
    world.inject(answer.to_bytes(), bob.address, alice.address)
    world.settle()
    assert alice.events(events.MediaNegotiated)[-1].params.remote_port == 5000


def test_the_offer_in_a_reliable_183_is_answered_by_the_prack(world):
    alice, bob = pair(world)
    incoming = call(world, alice, bob, body=b"")
    bob.do("progress", incoming, media(5000, PCMU, PCMA))
    world.settle()
    assert alice.last("INVITE").body == b""
    assert bob.last("183 INVITE").body and alice.last("PRACK").body
    for agent in (alice, bob):
        assert [event.early for event in agent.events(events.MediaNegotiated)] == [True]
    bob.do("answer", incoming, media(5000))
    world.settle()
    assert bob.last("200 INVITE").body == alice.last("ACK").body == b""
    assert (alice.story()[-1], bob.story()[-1]) == ("CallAnswered", "CallConfirmed")


def test_an_offer_in_a_reliable_183_that_cannot_be_used_is_given_up(world):
    alice, bob = pair(world)
    alice.do("invite", "c1", bob.uri, media(4000, PCMU), body=b"")
    world.settle()
    bob.do("progress", "bob-in1", media(5000, PCMA))
    world.run()
    assert "no common codec" in alice.events(events.MediaRefused)[0].reason
    assert "CallRejected" in alice.story()
    assert alice.ua.idle and bob.ua.idle


def test_a_prack_may_make_a_new_offer(world):
    """Pattern 5 of RFC 6337: offer and answer are through, the PRACK of the answer offers again."""
    alice, bob = pair(world)
    incoming = call(world, alice, bob)
    world.drop = drop_first(1, "PRACK")
    bob.do("progress", incoming, media(5000))
    world.settle()
    prack = alice.last("PRACK")
    prack.headers.set("Content-Type", "application/sdp")
    prack.body = alice.last("INVITE").body.replace(b" 4000 ", b" 4400 ")
    world.inject(prack.to_bytes(), alice.address, bob.address)
    world.settle()
    assert b"m=audio 5000" in bob.last("200 PRACK").body
    assert bob.events(events.MediaNegotiated)[-1].params.remote_port == 4400


def test_without_reliability_an_invite_without_offer_gets_no_early_offer(world):
    alice, bob = pair(world, "supported", "supported")
    incoming = call(world, alice, bob, body=b"")
    bob.do("progress", incoming, media(5000))
    world.settle()
    assert bob.last("183 INVITE").body == b""


def test_values(world):
    assert str(RAck(776656, 1, "INVITE")) == "776656 1 INVITE"
    for text in ("", "1", "1 x INVITE", "1 2", "1 2 INVITE extra", "99999999999 1 INVITE"):
        message = parse_message(
            b"PRACK sip:b@h SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:a@h>;tag=1\r\n"
            b"To: <sip:b@h>;tag=2\r\nCall-ID: c\r\nCSeq: 1 PRACK\r\nRAck: " + text.encode() + b"\r\n\r\n"
        )
        assert isinstance(message, Request) and RAck.of(message) is None
