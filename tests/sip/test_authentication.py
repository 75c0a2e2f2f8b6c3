"""Challenges and credentials between two user agents: who is let in, how often it is tried, and with what."""

from __future__ import annotations

import pytest

from sipflow import events
from sipflow.sip.authenticator import MAX_ROUNDS
from sipflow.sip.challenger import NONCE_LIFETIME_S
from sipflow.sip.config import Demanded
from sipflow.sip.digest import Algorithm, Challenge, Credentials, Login, prove
from sipflow.sip.edits import Edit
from sipflow.sip.hop import Hop
from tests.sip.pair import World, media, what

ALICE = Login("alice", "wonder land")
WRONG = Login("alice", "looking glass")


def ask(world, login, **demanded):
    """An agent with a login, and one that demands the password of alice."""
    bob = world.agent("bob", challenge=Demanded("wonderland", ALICE, **demanded))
    return world.agent("alice", login=login), bob


def sent(agent, method):
    """All requests of a method that an agent sent."""
    return [message for message in agent.messages() if what(message) == method]


def codes(agent, kind=events.ResponseReceived):
    return [event.code for event in agent.events(kind)]


@pytest.mark.parametrize("algorithm", Algorithm)
@pytest.mark.parametrize("qop", [(), ("auth",), ("auth-int",), ("auth", "auth-int")])
def test_a_request_with_the_right_password_is_let_in(world, algorithm, qop):
    alice, bob = ask(world, ALICE, algorithm=algorithm, qop=qop)
    alice.do("request", "MESSAGE", target=bob.uri, body="curiouser")
    world.run()
    assert codes(alice) == [200]
    assert [event.body for event in bob.events(events.RequestReceived)] == ["curiouser"]
    first, second = sent(alice, "MESSAGE")
    assert first.headers.get("Authorization") is None and second.cseq.number == first.cseq.number + 1
    given = Credentials.parse(second.headers.get("Authorization"))
    assert (given.algorithm, given.uri, given.qop) == (algorithm, second.uri, qop[0] if qop else "")
    assert second.call_id == first.call_id and second.from_tag == first.from_tag


def test_auth_int_covers_the_parts_that_are_added_to_the_body(world):
    alice, bob = ask(world, ALICE, qop=("auth-int",))
    parts = (Edit("part", "application/isup", "01 00"), Edit("part", "text/plain", "trunk 7"))
    for body in ("curiouser", ""):
        with alice.ua.editing(parts):
            alice.do("request", "MESSAGE", target=bob.uri, body=body)
        world.run()
    assert codes(alice) == [200, 200]
    assert [event.problem for event in bob.events(events.SipReceived)] == [""] * 3, "challenged once, right twice"
    assert "trunk 7" in bob.events(events.RequestReceived)[1].body


def test_a_wrong_password_is_tried_once(world):
    alice, bob = ask(world, WRONG)
    alice.do("request", "OPTIONS", target=bob.uri)
    world.run()
    assert codes(alice) == [401] and len(sent(alice, "OPTIONS")) == 2
    assert [event.problem for event in bob.events(events.SipReceived)] == ["", 'wrong password of "alice"']
    assert bob.events(events.RequestReceived) == []


def test_without_a_login_the_challenge_is_the_outcome(world):
    alice, bob = ask(world, None)
    alice.do("invite", "c1", bob.uri, media())
    world.run()
    assert codes(alice, events.CallRejected) == [401] and bob.events(events.CallIncoming) == []
    assert alice.ua.idle and bob.ua.idle


def test_a_whole_call_pays_for_one_challenge_only(world):
    alice, bob = ask(world, ALICE)
    alice.do("invite", "c1", bob.uri, media())
    world.settle()
    bob.do("answer", "bob-in1", media(5000))
    world.settle()
    alice.do("modify", "c1", media(4000))
    world.settle()
    alice.do("release", "c1")
    world.run()
    assert codes(alice, events.CallReleased) == [200]
    assert sum(what(message).startswith("401") for message in bob.messages()) == 1
    given = [Credentials.parse(message.headers.get("Authorization")) for message in sent(alice, "INVITE")[1:]]
    assert [credentials.nc for credentials in given] == ["00000001", "00000002"]
    of_2xx = sent(alice, "ACK")[1:]
    assert all(message.headers.get("Authorization") for message in of_2xx), "RFC 3261 section 22.1"


def test_later_requests_carry_credentials_at_once_with_a_rising_count(world):
    alice, bob = ask(world, ALICE)
    for _ in range(3):
        alice.do("request", "OPTIONS", target=bob.uri)
        world.run()
    given = [message.headers.get("Authorization") for message in sent(alice, "OPTIONS")]
    assert given[0] is None and [Credentials.parse(text).nc for text in given[1:]] == [
        "00000001",
        "00000002",
        "00000003",
    ]
    assert codes(alice) == [200, 200, 200]


def test_an_old_nonce_is_stale_and_costs_one_more_round(world):
    alice, bob = ask(world, ALICE)
    alice.do("request", "OPTIONS", target=bob.uri)
    world.run()
    world.run_for(NONCE_LIFETIME_S + 1)
    alice.do("request", "OPTIONS", target=bob.uri)
    world.run()
    challenges = [
        message.headers.get("WWW-Authenticate") for message in bob.messages() if what(message).startswith("401")
    ]
    assert [Challenge.parse(text).stale for text in challenges] == [False, True]
    assert codes(alice) == [200, 200]


def test_a_server_that_always_says_stale_is_left_alone():
    alice = World().agent("alice", login=ALICE)
    alice.do("request", "OPTIONS", target="sip:peer@127.0.0.1:9000")
    for number in range(10):
        alice.world.settle()
        if codes(alice):
            break
        answer_with_challenge(alice, f'Digest realm="r", nonce="{number}", stale=true')
    assert codes(alice) == [401] and len(sent(alice, "OPTIONS")) == 4


def answer_with_challenge(agent, *challenges, code=401):
    name = "WWW-Authenticate" if code == 401 else "Proxy-Authenticate"
    request = sent(agent, "OPTIONS")[-1]
    lines = "".join(f"{name}: {challenge}\r\n" for challenge in challenges)
    copied = "".join(f"{field}: {request.headers.get(field)}\r\n" for field in ("Via", "From", "To", "Call-ID", "CSeq"))
    data = f"SIP/2.0 {code} No\r\n{copied}{lines}Content-Length: 0\r\n\r\n".encode()
    agent.world.inject(data, Hop("127.0.0.1", 9000), agent.address)
    agent.world.settle()


def test_the_topmost_challenge_that_we_can_answer_is_taken():
    alice = World().agent("alice", login=ALICE)
    alice.do("request", "OPTIONS", target="sip:peer@127.0.0.1:9000")
    alice.world.settle()
    answer_with_challenge(
        alice,
        'Digest realm="r", nonce="1", algorithm=AKAv1-MD5',
        'Digest realm="r", nonce="2", algorithm=SHA-256, qop="auth"',
        'Digest realm="r", nonce="3", algorithm=MD5',
    )
    given = Credentials.parse(sent(alice, "OPTIONS")[-1].headers.get("Authorization"))
    assert (given.nonce, given.algorithm) == ("2", "SHA-256")


def test_a_proxy_and_the_far_end_are_both_answered():
    alice = World().agent("alice", login=ALICE)
    alice.do("request", "OPTIONS", target="sip:peer@127.0.0.1:9000")
    alice.world.settle()
    answer_with_challenge(alice, 'Digest realm="proxy", nonce="1"', code=407)
    answer_with_challenge(alice, 'Digest realm="far", nonce="2"')
    last = sent(alice, "OPTIONS")[-1]
    assert Credentials.parse(last.headers.get("Proxy-Authorization")).realm == "proxy"
    assert Credentials.parse(last.headers.get("Authorization")).realm == "far"
    assert [message.cseq.number for message in sent(alice, "OPTIONS")] == [1, 2, 3]


@pytest.mark.parametrize("challenge", ["", 'Basic realm="x"', 'Digest realm="x", nonce="1", algorithm=SHA-3'])
def test_a_challenge_that_cannot_be_answered_is_the_outcome(challenge):
    alice = World().agent("alice", login=ALICE)
    alice.do("request", "OPTIONS", target="sip:peer@127.0.0.1:9000")
    alice.world.settle()
    answer_with_challenge(alice, *([challenge] if challenge else []))
    assert codes(alice) == [401] and len(sent(alice, "OPTIONS")) == 1


def test_credentials_are_good_once(world):
    """Somebody who heard them cannot send the same request again as a new one."""
    alice, bob = ask(world, ALICE)
    alice.do("request", "MESSAGE", target=bob.uri, body="x")
    world.run()
    heard, branch = alice.events(events.SipSent)[-1].data, sent(alice, "MESSAGE")[-1].via.branch
    replayed = heard.replace(branch.encode(), b"z9hG4bKagain").replace(b"CSeq: 2 ", b"CSeq: 3 ")
    world.inject(replayed, Hop("127.0.0.1", 9000), bob.address)
    world.run()
    assert len(bob.events(events.RequestReceived)) == 1
    assert Challenge.parse(bob.messages()[-1].headers.get("WWW-Authenticate")).stale


def test_cancel_and_ack_are_not_challenged(world):
    alice, bob = ask(world, ALICE)
    alice.do("invite", "c1", bob.uri, media())
    world.settle()
    alice.do("release", "c1")
    world.run()
    assert codes(alice, events.CallRejected) == [487]
    assert sent(alice, "CANCEL")[0].headers.get("Authorization") is None
    assert alice.ua.idle and bob.ua.idle


@pytest.fixture
def alice():
    """An agent with a login that asked something of a peer at port 9000, which has not answered yet."""
    agent = World().agent("alice", login=ALICE)
    agent.do("request", "OPTIONS", target="sip:peer@127.0.0.1:9000")
    agent.world.settle()
    return agent


def accept(agent, *lines):
    """200 to the latest request."""
    request = sent(agent, "OPTIONS")[-1]
    copied = [f"{field}: {request.headers.get(field)}" for field in ("Via", "From", "To", "Call-ID", "CSeq")]
    data = "\r\n".join(["SIP/2.0 200 OK", *copied, *lines, "Content-Length: 0", "", ""]).encode()
    agent.world.inject(data, Hop("127.0.0.1", 9000), agent.address)
    agent.world.settle()


def test_a_server_that_thinks_of_a_new_realm_each_time_is_left_alone(alice):
    for number in range(20):
        if not codes(alice):
            answer_with_challenge(alice, f'Digest realm="{number}", nonce="{number}"')
    assert codes(alice) == [401] and len(sent(alice, "OPTIONS")) == MAX_ROUNDS + 1


def test_without_a_login_a_person_is_told_why():
    alice = World().agent("alice")
    alice.do("request", "OPTIONS", target="sip:peer@127.0.0.1:9000")
    alice.world.settle()
    answer_with_challenge(alice, 'Digest realm="r", nonce="1"')
    reasons = [event.reason for event in alice.events(events.ResponseReceived)]
    assert reasons == ["No (the agent has no user and password to answer it with)"]


def test_the_nonce_that_a_server_wants_next_is_used_next(alice):
    answer_with_challenge(alice, 'Digest realm="r", nonce="1", qop="auth"')
    accept(alice, 'Authentication-Info: nextnonce="2"')
    alice.do("request", "OPTIONS", target="sip:peer@127.0.0.1:9000")
    given = Credentials.parse(sent(alice, "OPTIONS")[-1].headers.get("Authorization"))
    assert (given.nonce, given.nc) == ("2", "00000001")


@pytest.mark.parametrize("login", [ALICE, WRONG])
def test_a_server_that_cannot_prove_the_password_is_told_of(alice, login):
    answer_with_challenge(alice, 'Digest realm="r", nonce="1", qop="auth"')
    given = Credentials.parse(sent(alice, "OPTIONS")[-1].headers.get("Authorization"))
    accept(alice, f'Authentication-Info: rspauth="{prove(given, login, "", b"")}", qop=auth')
    told = [event.text for event in alice.events(events.Logged)]
    assert codes(alice) == [200] and len(told) == (login is WRONG)
    assert all("does not know the password" in text for text in told)
