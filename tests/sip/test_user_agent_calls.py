"""Calls between two user agents: set-up, answer, rejection, cancellation, release, and what loss does to them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sipflow import events
from sipflow.errors import MisuseError
from sipflow.media_params import SRTP_KEY_BYTES, Direction, RtpFormat
from sipflow.sdp.crypto import CryptoLine, KeyParameter
from sipflow.sdp.security import Security, SecurityMode
from sipflow.sip.hop import Hop
from sipflow.sip.message import parse_message
from tests.sip.pair import PCMA, PCMU, drop_first, media, talk, what

SUITE = "AES_CM_128_HMAC_SHA1_80"


def test_a_call_is_placed_rung_answered_and_hung_up_by_the_caller(world, alice, bob):
    alice.do("invite", "c1", bob.uri, media(4000))
    world.settle()
    assert bob.story() == ["CallIncoming"]
    bob.do("ring", "bob-in1")
    world.settle()
    world.run(3.0)
    bob.do("answer", "bob-in1", media(5000))
    world.settle()
    alice.do("release", "c1")
    world.settle()
    assert alice.story() == [
        "CallPlaced",
        "CallRinging",
        "MediaNegotiated",
        "CallAnswered",
        "CallEnded",
        "CallReleased",
    ]
    assert bob.story() == ["CallIncoming", "MediaNegotiated", "CallConfirmed", "CallEnded", "CallReleased"]
    assert alice.sent() == ["INVITE", "ACK", "BYE"]
    assert bob.sent() == ["180 INVITE", "200 INVITE", "200 BYE"]
    assert alice.events(events.CallEnded) == [events.CallEnded("c1", "local", "bye", "")]
    assert bob.ends() == [("bob-in1", "remote", "bye", "")]
    assert alice.session("c1").for_checks(world.now)["setup_time"] == 3000.0
    world.run()
    assert alice.ua.idle and bob.ua.idle


def test_how_long_a_call_lasts_counts_from_its_answer_to_its_end(world, alice, bob):
    talk(world, alice, bob)
    answered = alice.session("c1").answered_at
    world.run(2.0)
    assert alice.session("c1").for_checks(world.now)["duration"] == pytest.approx((world.now - answered) * 1000)
    alice.do("release", "c1")
    ended = world.now
    world.run(5.0)
    assert alice.session("c1").for_checks(world.now)["duration"] == pytest.approx((ended - answered) * 1000)


def test_both_sides_agree_on_the_media(world, alice, bob):
    talk(world, alice, bob)
    ours, theirs = alice.events(events.MediaNegotiated)[0], bob.events(events.MediaNegotiated)[0]
    assert (ours.params.local_port, ours.params.remote_port) == (4000, 5000)
    assert (theirs.params.local_port, theirs.params.remote_port) == (5000, 4000)
    assert ours.params.send_format == theirs.params.send_format == PCMU
    assert not ours.early and not theirs.early


def test_the_callee_hangs_up(world, alice, bob):
    _, incoming = talk(world, alice, bob)
    bob.do("release", incoming, headers=(("Reason", 'Q.850;cause=16;text="done"'),))
    world.settle()
    assert alice.ends() == [("c1", "remote", "bye", "done")]
    assert bob.events(events.CallReleased) == [events.CallReleased(incoming, 200)]
    world.run()
    assert alice.ua.idle and bob.ua.idle


def test_both_hang_up_at_once_and_each_ends_once(world, alice, bob):
    _, incoming = talk(world, alice, bob)
    world.delay = 0.05
    alice.do("release", "c1")
    bob.do("release", incoming)
    world.run()
    for agent in (alice, bob):
        assert [event.by for event in agent.events(events.CallEnded)] == ["local"]
        assert [event.code for event in agent.events(events.CallReleased)] == [200]
        assert agent.ua.idle


def test_releasing_twice_is_fine_and_an_unknown_call_is_misuse(world, alice, bob):
    talk(world, alice, bob)
    alice.do("release", "c1")
    alice.do("release", "c1")
    world.settle()
    alice.do("release", "c1")
    assert alice.sent().count("BYE") == 1
    with pytest.raises(MisuseError):
        alice.do("release", "nobody")


def test_a_server_says_trying_only_when_its_user_takes_longer_than_200_ms(world, alice, bob):
    alice.do("invite", "c1", bob.uri, media())
    world.run(1.0)
    assert bob.sent_times("100 INVITE") == [0.2]
    assert alice.sent() == ["INVITE"]


def test_rejection(world, alice, bob):
    alice.do("invite", "c1", bob.uri, media())
    world.settle()
    bob.do("reject", "bob-in1", 486, None)
    world.settle()
    assert alice.events(events.CallRejected) == [events.CallRejected("c1", 486, "Busy Here")]
    assert alice.story()[-1] == "CallReleased"
    assert bob.story() == ["CallIncoming", "CallEnded", "CallReleased"]
    assert bob.events(events.CallEnded)[0].cause == "rejected"
    assert bob.events(events.CallReleased) == [events.CallReleased("bob-in1", 486)]
    assert alice.sent() == ["INVITE", "ACK"]
    world.run()
    assert alice.ua.idle and bob.ua.idle
    assert world.now == 32.0


def test_redirection_gives_the_contacts_in_order(world, alice, bob):
    alice.do("invite", "c1", bob.uri, media())
    world.settle()
    bob.do("redirect", "bob-in1", ("sip:carol@127.0.0.1:5064", "sip:dave@127.0.0.1:5066"))
    world.settle()
    rejected = alice.events(events.CallRejected)[0]
    assert (rejected.code, rejected.contacts) == (302, ("sip:carol@127.0.0.1:5064", "sip:dave@127.0.0.1:5066"))


def test_nobody_answers_and_timer_b_ends_it(world, alice):
    alice.do("invite", "c1", "sip:nobody@127.0.0.1:9", media())
    world.run()
    assert alice.sent_times("INVITE") == [0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5]
    assert alice.events(events.CallRejected) == [events.CallRejected("c1", 408, "Request Timeout", (), True)]
    assert alice.time_of(events.CallRejected) == 32.0
    assert len({message.to_bytes() for message in alice.messages()}) == 1
    assert alice.ua.idle


def test_a_transport_failure_rejects_the_call(world, alice):
    alice.do("invite", "c1", "sip:nobody@127.0.0.1:9", media())
    alice.do("transport_failed", Hop("127.0.0.1", 9), "connection refused")
    assert alice.events(events.CallRejected) == [events.CallRejected("c1", 503, "connection refused", (), True)]
    assert alice.ua.idle


def test_a_host_name_that_nobody_knows_rejects_the_call(world, alice):
    alice.do("invite", "c1", "sip:bob@example.com", media())
    rejected = events.CallRejected("c1", 503, "example.com does not exist", (), True)
    assert alice.events(events.CallRejected) == [rejected]
    assert alice.story() == ["CallPlaced", "CallRejected", "CallReleased"] and alice.ua.idle


def test_an_outbound_proxy_takes_what_has_no_address(world):
    alice = world.agent("alice", outbound_proxy="sip:127.0.0.1:7777")
    alice.do("invite", "c1", "sip:bob@example.com", media())
    world.settle()
    assert world.undelivered[0][1][:2] == ("127.0.0.1", 7777)


def test_localhost_needs_no_name_service(world, alice, bob):
    alice.do("invite", "c1", f"sip:bob@localhost:{bob.address[1]}", media())
    world.settle()
    assert bob.story() == ["CallIncoming"]


# --- CANCEL ---


def test_cancel_while_it_rings(world, alice, bob):
    alice.do("invite", "c1", bob.uri, media())
    world.settle()
    bob.do("ring", "bob-in1")
    world.settle()
    alice.do("release", "c1")
    world.settle()
    assert alice.sent() == ["INVITE", "CANCEL", "ACK"]
    assert bob.sent() == ["180 INVITE", "200 CANCEL", "487 INVITE"]
    assert alice.events(events.CallRejected) == [events.CallRejected("c1", 487, "Request Terminated")]
    assert bob.ends() == [("bob-in1", "remote", "cancel", "")]
    assert bob.events(events.CallReleased) == [events.CallReleased("bob-in1", 487)]
    world.run()
    assert alice.ua.idle and bob.ua.idle


def test_cancel_waits_for_a_provisional_response(world, alice, bob):
    alice.do("invite", "c1", bob.uri, media())
    alice.do("release", "c1")
    world.settle()
    assert alice.sent() == ["INVITE"]
    world.run(0.2)
    assert alice.sent() == ["INVITE", "CANCEL", "ACK"]
    assert bob.events(events.CallEnded)[0].cause == "cancel"


def test_cancel_that_crosses_the_answer_ends_with_bye(world, alice, bob):
    alice.do("invite", "c1", bob.uri, media())
    world.settle()
    bob.do("ring", "bob-in1")
    world.settle()
    world.delay = 0.05
    alice.do("release", "c1")
    bob.do("answer", "bob-in1", media(5000))
    world.run()
    assert alice.sent() == ["INVITE", "CANCEL", "ACK", "BYE"]
    assert "CallAnswered" not in alice.story()
    assert alice.story()[-2:] == ["CallEnded", "CallReleased"]
    assert bob.story() == [
        "CallIncoming",
        "MediaNegotiated",
        "CallConfirmed",
        "CallEnded",
        "CallReleased",
    ]
    assert alice.ua.idle and bob.ua.idle


def test_a_cancel_that_nobody_hears_is_given_up_after_64_t1(world, alice, bob):
    alice.do("invite", "c1", bob.uri, media())
    world.settle()
    bob.do("ring", "bob-in1")
    world.settle()
    world.drop = drop_first(100, "CANCEL")
    world.run(1.0)
    alice.do("release", "c1")
    world.run(40.0)
    assert alice.time_of(events.CallRejected) == 33.0
    assert alice.events(events.CallRejected)[0].local
    assert alice.ua.idle
    assert not bob.ua.idle  # its phone rings on, as nobody told it
    bob.do("close")
    world.run()
    assert bob.ua.idle


def test_the_callee_gives_up_while_it_rings(world, alice, bob):
    alice.do("invite", "c1", bob.uri, media())
    world.settle()
    bob.do("release", "bob-in1")
    world.settle()
    assert alice.events(events.CallRejected)[0].code == 480


def test_the_first_ack_of_a_rejection_is_no_retransmission(world, alice, bob):
    alice.do("invite", "c1", bob.uri, media())
    world.settle()
    bob.do("reject", "bob-in1", 486, None)
    world.settle()
    assert alice.ua.statistics().retransmissions_sent == 0


def test_messages_are_told_only_as_long_as_somebody_wants_them(world, alice, bob):
    alice.ua.tell_messages(False)
    alice.do("invite", "c1", bob.uri, media())
    world.settle()
    assert not alice.events(events.SipSent) and not alice.events(events.SipReceived)
    assert bob.events(events.SipReceived)


# --- loss ---


def test_a_lost_invite_is_sent_again_as_the_same_bytes(world, alice, bob):
    world.drop = drop_first(2, "INVITE")
    alice.do("invite", "c1", bob.uri, media())
    world.run(1.5)
    assert bob.time_of(events.CallIncoming) == 1.5
    assert len({event.data for event in alice.events(events.SipSent)}) == 1
    assert [event.retransmission for event in alice.events(events.SipSent)] == [False, True, True]


def test_a_lost_answer_is_repeated_until_its_ack(world, alice, bob):
    alice.do("invite", "c1", bob.uri, media())
    world.settle()
    world.drop = drop_first(2, "200 INVITE")
    bob.do("answer", "bob-in1", media(5000))
    world.run(10.0)
    assert bob.sent_times("200 INVITE") == [0, 0.5, 1.5]
    assert alice.time_of(events.CallAnswered) == 1.5


def test_a_lost_ack_is_sent_again_for_each_repeated_answer(world, alice, bob):
    alice.do("invite", "c1", bob.uri, media())
    world.settle()
    world.drop = drop_first(2, "ACK")
    bob.do("answer", "bob-in1", media(5000))
    world.run(10.0)
    assert alice.sent_times("ACK") == [0, 0.5, 1.5]
    assert len({event.data for event in alice.events(events.SipSent) if event.data.startswith(b"ACK")}) == 1
    assert alice.story().count("CallAnswered") == 1
    assert bob.time_of(events.CallConfirmed) == 1.5
    assert bob.story().count("CallConfirmed") == 1


def test_without_any_ack_the_callee_hangs_up_after_64_t1(world, alice, bob):
    alice.do("invite", "c1", bob.uri, media())
    world.settle()
    world.drop = drop_first(100, "ACK")
    bob.do("answer", "bob-in1", media(5000))
    world.run()
    assert bob.sent_times("200 INVITE") == [0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]
    assert bob.sent_times("BYE") == [32.0]
    assert bob.events(events.CallEnded)[0].cause == "timeout"
    assert alice.events(events.CallEnded)[0].by == "remote"
    assert alice.ua.idle and bob.ua.idle


def test_a_callee_that_hangs_up_before_the_ack_waits_for_it(world, alice, bob):
    alice.do("invite", "c1", bob.uri, media())
    world.settle()
    world.drop = drop_first(1, "ACK")
    bob.do("answer", "bob-in1", media(5000))
    bob.do("release", "bob-in1")
    world.run(0.4)
    assert "BYE" not in bob.sent()
    world.run(1.0)
    assert bob.sent_times("BYE") == [0.5]
    world.run()
    assert alice.ua.idle and bob.ua.idle


def test_a_lost_bye_is_sent_again(world, alice, bob):
    talk(world, alice, bob)
    world.drop = drop_first(3, "BYE")
    alice.do("release", "c1")
    world.run(20.0)
    assert alice.sent_times("BYE") == [0, 0.5, 1.5, 3.5]
    assert alice.time_of(events.CallReleased) == 3.5
    assert bob.time_of(events.CallEnded) == 3.5


def test_a_bye_that_nobody_answers_is_given_up(world, alice, bob):
    talk(world, alice, bob)
    world.drop = drop_first(100, "BYE")
    alice.do("release", "c1")
    world.run(40.0)
    assert alice.events(events.CallReleased) == [events.CallReleased("c1", 408)]
    assert alice.time_of(events.CallReleased) == 32.0
    assert alice.ua.idle


def test_a_rejection_without_ack_is_repeated_and_given_up(world, alice, bob):
    alice.do("invite", "c1", bob.uri, media())
    world.settle()
    world.drop = drop_first(100, "ACK")
    bob.do("reject", "bob-in1", 603, "Go away")
    world.run()
    assert bob.sent_times("603 INVITE")[:5] == [0, 0.5, 1.5, 3.5, 7.5]
    assert bob.events(events.CallReleased) == [events.CallReleased("bob-in1", 408)]
    assert alice.events(events.CallRejected) == [events.CallRejected("c1", 603, "Go away")]
    assert alice.ua.idle and bob.ua.idle


def test_the_answer_never_arrives_and_the_callees_bye_ends_the_callers_waiting(world, alice, bob):
    alice.do("invite", "c1", bob.uri, media())
    world.settle()
    bob.do("ring", "bob-in1")
    world.settle()
    world.drop = drop_first(100, "200 INVITE")
    bob.do("answer", "bob-in1", media(5000))
    world.run()
    assert alice.ends() == [("c1", "remote", "bye", "")]
    assert alice.ua.idle and bob.ua.idle


# --- early media, late offers, codecs ---


def test_early_media(world, alice, bob):
    alice.do("invite", "c1", bob.uri, media())
    world.settle()
    bob.do("progress", "bob-in1", media(5000))
    world.settle()
    bob.do("answer", "bob-in1", media(5000))
    world.settle()
    assert alice.story() == [
        "CallPlaced",
        "MediaNegotiated",
        "CallProgressed",
        "MediaNegotiated",
        "CallAnswered",
    ]
    early, final = alice.events(events.MediaNegotiated)
    assert early.early and not final.early and early.params == final.params
    assert bob.messages()[0].body == bob.messages()[1].body
    assert [event.early for event in bob.events(events.MediaNegotiated)] == [True, False]


def test_an_answer_without_description_after_early_media_counts(world, alice, bob):
    alice.do("invite", "c1", bob.uri, media())
    world.settle()
    bob.do("progress", "bob-in1", media(5000))
    world.settle()

    def without_body(data: bytes) -> bytes:
        message = parse_message(data)
        message.body = b""
        message.headers.remove("Content-Type")
        return message.to_bytes()

    world.drop = lambda data, agent: b"200 OK" in data and b"v=0" in data
    bob.do("answer", "bob-in1", media(5000))
    world.drop = lambda data, agent: False
    answer = [event.data for event in bob.events(events.SipSent)][-1]
    world.inject(without_body(answer), bob.address, alice.address)
    world.settle()
    assert alice.story()[-2:] == ["MediaNegotiated", "CallAnswered"]


def test_late_offer(world, alice, bob):
    alice.do("invite", "c1", bob.uri, media(4000), body=b"")
    world.settle()
    bob.do("answer", "bob-in1", media(5000, PCMA))
    world.settle()
    assert b"m=audio 5000" in bob.messages()[0].body
    assert b"m=audio 4000" in alice.last("ACK").body
    for agent in (alice, bob):
        assert agent.events(events.MediaNegotiated)[0].params.send_format == PCMA
    assert bob.story() == ["CallIncoming", "MediaNegotiated", "CallConfirmed"]


def test_no_common_codec_is_refused_by_the_callee(world, alice, bob):
    alice.do("invite", "c1", bob.uri, media(4000, PCMU))
    world.settle()
    bob.do("answer", "bob-in1", media(5000, PCMA))
    world.settle()
    assert bob.story() == ["CallIncoming", "MediaRefused", "CallEnded", "CallReleased"]
    assert bob.events(events.CallEnded)[0].cause == "rejected"
    assert alice.events(events.CallRejected)[0].code == 488


def test_an_answer_that_cannot_be_used_is_acknowledged_and_hung_up(world, alice, bob):
    alice.do("invite", "c1", bob.uri, media(4000, PCMU), body=b"")
    world.settle()
    bob.do("answer", "bob-in1", media(5000, PCMA))
    world.settle()
    assert alice.story() == ["CallPlaced", "MediaRefused", "CallEnded", "CallReleased"]
    # Bob hangs up, too: the ACK that he got has no answer.
    assert alice.sent() == ["INVITE", "ACK", "BYE", "200 BYE"]
    assert "MediaRefused" in bob.story()


# --- hold and resume ---


def test_the_caller_holds_and_resumes(world, alice, bob):
    talk(world, alice, bob)
    alice.do("modify", "c1", media(4000, direction=Direction.SENDONLY))
    world.settle()
    assert alice.events(events.MediaNegotiated)[-1].params.direction is Direction.SENDONLY
    assert bob.events(events.MediaNegotiated)[-1].params.direction is Direction.RECVONLY
    assert bob.story()[-2:] == ["MediaNegotiated", "CallHeld"]
    alice.do("modify", "c1", media(4000))
    world.settle()
    assert bob.story()[-2:] == ["MediaNegotiated", "CallResumed"]
    assert alice.story()[-2:] == ["MediaNegotiated", "CallModified"]
    assert bob.events(events.MediaNegotiated)[-1].params.direction is Direction.SENDRECV
    alice.do("release", "c1")
    world.run()
    assert alice.ua.idle and bob.ua.idle


def test_who_resumes_hears_from_the_offer_on(world, alice, bob):
    """RFC 3264 section 5.1: the peer may speak before its answer arrives, or when that is lost."""
    talk(world, alice, bob)
    alice.do("modify", "c1", media(4000, direction=Direction.SENDONLY))
    world.settle()
    alice.do("modify", "c1", media(4000))
    assert alice.story()[-1] == "MediaNegotiated", "nothing of the answer has arrived"
    assert alice.events(events.MediaNegotiated)[-1].params.direction is Direction.SENDRECV


def heard(agent):
    """Names and payload types of the codecs that its leg was last told to hear, and what it sends."""
    params = agent.events(events.MediaNegotiated)[-1].params
    return [(each.name, each.payload_type) for each in params.receive_formats], params.send_format.name


def test_who_offers_other_codecs_hears_them_and_those_of_before_until_the_answer(world, alice, bob):
    """RFC 3264 section 8.3.2: the peer sends the old ones until it answers, and new ones may overtake that."""
    g722 = RtpFormat("G722", 9)
    alice.do("invite", "c1", bob.uri, media(4000, PCMU))
    world.settle()
    bob.do("answer", "bob-in1", media(5000, PCMU, g722))
    world.settle()
    alice.do("modify", "c1", media(4000, g722, RtpFormat("G726-32", 0)))
    assert alice.story()[-1] == "MediaNegotiated", "nothing of the answer has arrived"
    assert heard(alice) == ([("PCMU", 0), ("G722", 9)], "PCMU"), "no payload type gets another meaning"
    world.settle()
    assert heard(alice) == ([("G722", 9)], "G722")
    assert heard(bob) == ([("G722", 9)], "G722")


def test_who_answers_hears_the_old_codecs_until_the_ack(world, alice, bob):
    """RFC 3264 section 8.3.2: the peer sends as was agreed before until it has our answer."""
    g722 = RtpFormat("G722", 9)
    alice.do("invite", "c1", bob.uri, media(4000, PCMU))
    world.settle()
    bob.do("answer", "bob-in1", media(5000, PCMU, g722))
    world.settle()
    world.drop = drop_first(1, "200 INVITE")
    alice.do("modify", "c1", media(4000, g722))
    world.settle()
    assert heard(bob) == ([("G722", 9), ("PCMU", 0)], "G722")
    world.run_for(1)
    assert heard(bob) == ([("G722", 9)], "G722")
    told = len(bob.events(events.MediaNegotiated))
    alice.do("modify", "c1", media(4000, g722, direction=Direction.SENDONLY))
    world.run_for(1)
    assert len(bob.events(events.MediaNegotiated)) == told + 1, "nothing else was heard before"


def test_who_answers_and_is_released_before_the_ack_tells_no_media(world, alice, bob):
    alice.do("invite", "c1", bob.uri, media(4000, PCMU))
    world.settle()
    bob.do("answer", "bob-in1", media(5000, PCMU, RtpFormat("G722", 9)))
    world.settle()
    world.drop = drop_first(100, "ACK")
    alice.do("modify", "c1", media(4000, RtpFormat("G722", 9)))
    world.settle()
    alice.do("release", "c1")
    world.drop = drop_first(0, "ACK")
    world.run()
    assert bob.story()[-2:] == ["CallEnded", "CallReleased"] and alice.ua.idle and bob.ua.idle


def test_codecs_that_are_refused_are_heard_no_longer(world, alice, bob):
    talk(world, alice, bob)
    before = alice.events(events.MediaNegotiated)[-1]
    alice.do("modify", "c1", media(4000, RtpFormat("G722", 9)))
    assert ("G722", 9) in heard(alice)[0]
    world.settle()
    assert alice.events(events.CallModifyRejected)[-1].code == 488
    assert alice.events(events.MediaNegotiated)[-1] == before


def test_an_offer_that_brings_nothing_new_to_hear_is_not_told_before_its_answer(world, alice, bob):
    talk(world, alice, bob)
    told = len(alice.events(events.MediaNegotiated))
    alice.do("modify", "c1", media(4000))
    assert len(alice.events(events.MediaNegotiated)) == told


def test_new_keys_count_once_the_peer_has_told_its_own(world):
    """RFC 4568: the key by which the peer sends stands in its answer, so until then the old ones are right."""

    def secured(port, letter):
        line = CryptoLine(1, SUITE, (KeyParameter(letter.encode() * SRTP_KEY_BYTES[SUITE]),))
        return media(port, security=Security(SecurityMode.REQUIRED, (line,), (SUITE,)))

    alice, bob = world.agent("alice"), world.agent("bob")
    alice.do("invite", "c1", bob.uri, secured(4000, "a"))
    world.settle()
    bob.do("answer", "bob-in1", secured(5000, "b"))
    world.settle()
    alice.do("modify", "c1", replace(secured(4000, "a"), direction=Direction.SENDONLY))
    world.settle()
    before = alice.events(events.MediaNegotiated)[-1].params.srtp
    alice.do("modify", "c1", secured(4000, "c"))
    ahead = alice.events(events.MediaNegotiated)[-1].params
    assert ahead.direction is Direction.SENDRECV and ahead.srtp == before
    world.settle()
    after = alice.events(events.MediaNegotiated)[-1].params.srtp
    theirs = bob.events(events.MediaNegotiated)[-1].params.srtp
    assert after.send_key == theirs.receive_key != before.send_key
    assert after.receive_key == theirs.send_key


def test_who_takes_up_a_session_held_by_both_hears_first_and_speaks_once_answered(world, alice, bob):
    _, incoming = talk(world, alice, bob)
    for agent, call, port in ((bob, incoming, 5000), (alice, "c1", 4000)):
        agent.do("modify", call, media(port, direction=Direction.SENDONLY))
        world.settle()
    alice.do("modify", "c1", media(4000))
    assert alice.events(events.MediaNegotiated)[-1].params.direction is Direction.RECVONLY


def test_a_resume_that_fails_leaves_the_call_on_hold(world, alice, bob):
    talk(world, alice, bob)
    alice.do("modify", "c1", media(4000, direction=Direction.SENDONLY))
    world.settle()
    alice.do("modify", "c1", media(4000, PCMU.__class__("G729", 18)))
    assert alice.events(events.MediaNegotiated)[-1].params.direction is Direction.SENDRECV
    world.settle()
    assert alice.events(events.CallModifyRejected)[-1].code == 488
    assert alice.events(events.MediaNegotiated)[-1].params.direction is Direction.SENDONLY


def test_the_callee_holds_and_both_hold(world, alice, bob):
    _, incoming = talk(world, alice, bob)
    bob.do("modify", incoming, media(5000, direction=Direction.SENDONLY))
    world.settle()
    assert alice.story()[-1] == "CallHeld"
    alice.do("modify", "c1", media(4000, direction=Direction.SENDONLY))
    world.settle()
    assert alice.events(events.MediaNegotiated)[-1].params.direction is Direction.INACTIVE
    assert bob.events(events.MediaNegotiated)[-1].params.direction is Direction.INACTIVE


def test_a_refused_modification_changes_nothing(world, alice, bob):
    talk(world, alice, bob)
    before = alice.events(events.MediaNegotiated)
    alice.do("modify", "c1", media(4000, PCMU.__class__("G729", 18)))
    world.settle()
    (rejected,) = alice.events(events.CallModifyRejected)
    assert (rejected.call, rejected.code) == ("c1", 488)
    assert rejected.reason.startswith("Not Acceptable Here (warning 305: ")
    assert alice.events(events.MediaNegotiated)[-1] == before[-1], "it was told what the offer would have it hear"
    alice.do("modify", "c1", media(4000, direction=Direction.SENDONLY))
    world.settle()
    assert bob.story()[-1] == "CallHeld"


def test_an_unanswered_modification_ends_the_call(world, alice, bob):
    talk(world, alice, bob)
    world.drop = drop_first(100, "INVITE")
    alice.do("modify", "c1", media(4000, direction=Direction.SENDONLY))
    world.run()
    assert alice.events(events.CallModifyRejected)[0].code == 408
    assert alice.events(events.CallEnded)[0].cause == "timeout"
    assert bob.events(events.CallEnded)[0].by == "remote"
    assert alice.ua.idle and bob.ua.idle


def test_glare_is_retried_by_each_side_after_its_wait(world, alice, bob):
    _, incoming = talk(world, alice, bob)
    world.delay = 0.05
    start = world.now
    alice.do("modify", "c1", media(4000, direction=Direction.SENDONLY))
    bob.do("modify", incoming, media(5002))
    world.run(10.0)
    assert "491 INVITE" in alice.sent() and "491 INVITE" in bob.sent()
    first, second = (agent.sent_times("INVITE")[-1] - start - 0.1 for agent in (alice, bob))
    assert 2.1 <= first <= 4.0 and 0.0 <= second <= 2.0
    assert alice.story().count("CallModified") == 1 and bob.story().count("CallModified") == 1
    assert alice.events(events.MediaNegotiated)[-1].params.remote_port == 5002
    assert bob.story().count("CallHeld") == 1


def test_a_modification_waits_for_the_ack_of_the_peers(world, alice, bob):
    _, incoming = talk(world, alice, bob)
    world.drop = drop_first(1, "ACK")
    alice.do("modify", "c1", media(4000, direction=Direction.SENDONLY))
    world.settle()
    bob.do("modify", incoming, media(5002))
    world.settle()
    assert bob.sent().count("INVITE") == 0
    world.run(1.0)
    assert bob.sent_times("INVITE") == [0.5]
    assert bob.story()[-1] == "CallModified"


def test_misuse_of_commands(world, alice, bob):
    with pytest.raises(MisuseError):
        alice.do("answer", "c1", media())
    with pytest.raises(MisuseError):
        alice.do("invite", "c1", "not a uri", media())
    alice.do("invite", "c1", bob.uri, media())
    with pytest.raises(MisuseError):
        alice.do("invite", "c1", bob.uri, media())
    with pytest.raises(MisuseError):
        alice.do("modify", "c1", media())
    world.settle()
    with pytest.raises(MisuseError):
        bob.do("reject", "bob-in1", 200, None)
    with pytest.raises(MisuseError):
        bob.do("reject", "bob-in1", 486, "Busy\r\nX-B: 2")
    with pytest.raises(MisuseError):
        alice.do("invite", "c3", bob.uri, media(), referred_by="<sip:x@y>\r\nX-B: 2")
    with pytest.raises(MisuseError):
        alice.do("invite", "c2", bob.uri, media(), headers=(("X-A", "1\r\nX-B: 2"),))
    assert alice.session("c2") is None


# --- several calls, headers, tracing ---


def test_two_calls_on_one_agent(world, alice, bob):
    carol = world.agent("carol")
    talk(world, alice, bob, "c1")
    talk(world, carol, bob, "c2")
    bob.do("release", "bob-in1")
    world.settle()
    assert "CallEnded" in alice.story() and "CallEnded" not in carol.story()
    bob.do("release", "bob-in2")
    world.run()
    assert all(agent.ua.idle for agent in (alice, bob, carol))


def test_headers_of_the_agent_and_of_the_call(world, bob):
    alice = world.agent("alice", headers=(("X-Tenant", "blue"), ("User-Agent", "mine")), display_name='Al "A"')
    alice.do(
        "invite",
        "c1",
        bob.uri,
        media(),
        headers=(("X-Id", "7"), ("Contact", "<sip:x@127.0.0.1:1>"), ("To", "<sip:z@q>")),
    )
    world.settle()
    invite = alice.messages()[0]
    assert invite.headers.get_all("X-Tenant") == ["blue"]
    assert invite.headers.get_all("User-Agent") == ["mine"]
    assert invite.headers.get_all("Contact") == ["<sip:x@127.0.0.1:1>"]
    assert invite.headers.get_all("To") == ["<sip:z@q>"]
    assert invite.from_.display_name == 'Al "A"'
    assert ("X-Id", "7") in bob.session("bob-in1").headers
    bob.do("answer", "bob-in1", media(5000), headers=(("X-Reply", "8"),))
    world.settle()
    assert ("X-Reply", "8") in alice.session("c1").headers


def test_every_message_is_traced_before_what_it_causes(world, alice, bob):
    talk(world, alice, bob)
    alice.do("release", "c1")
    world.settle()
    trace = [
        f"{'<' if isinstance(event, events.SipReceived) else '>'}{what(parse_message(event.data))}"
        if isinstance(event, events.SipReceived | events.SipSent)
        else type(event).__name__
        for _, event in bob.log
    ]
    assert trace == [
        "<INVITE",
        "CallIncoming",
        ">200 INVITE",
        "MediaNegotiated",
        "<ACK",
        "CallConfirmed",
        "<BYE",
        ">200 BYE",
        "CallEnded",
        "CallReleased",
    ]
    assert {event.call for event in bob.events(events.SipReceived)} == {"bob-in1"}
    assert {event.call for event in bob.events(events.SipSent)} == {"bob-in1"}


def test_without_trace_no_message_is_reported(world, bob):
    alice = world.agent("alice", trace=False)
    talk(world, alice, bob)
    assert not alice.events(events.SipSent) and not alice.events(events.SipReceived)


def test_close_releases_everything(world, alice, bob):
    talk(world, alice, bob, "c1")
    alice.do("invite", "c2", bob.uri, media())
    world.run(1.0)
    alice.do("close")
    bob.do("close")
    world.run()
    assert alice.ua.idle and bob.ua.idle


def test_ended_calls_can_be_asked_for_until_there_are_too_many(world, bob):
    alice = world.agent("alice", ended_sessions_kept=2)
    for number in range(3):
        talk(world, alice, bob, f"c{number}")
        alice.do("release", f"c{number}")
        world.settle()
    assert alice.session("c0") is None
    assert alice.session("c2").state == "ended" and alice.session("c2").code == 200


def test_a_bye_before_the_ack_says_that_the_answer_came(world, alice, bob):
    world.drop = drop_first(99, "ACK")
    alice.do("invite", "c1", bob.uri, media(4000))
    world.settle()
    bob.do("answer", "bob-in1", media(5000))
    world.settle()
    assert bob.events(events.CallConfirmed) == []
    alice.do("release", "c1")
    world.settle()
    assert bob.story()[-3:] == ["CallConfirmed", "CallEnded", "CallReleased"]
    world.run()
    assert bob.sent() == ["200 INVITE", "200 BYE"]
    assert alice.ua.idle and bob.ua.idle
