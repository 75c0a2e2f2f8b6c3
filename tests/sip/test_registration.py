"""A user agent at a registrar, in virtual time: registering, refreshing, taking back, and what a registrar answers."""

from __future__ import annotations

import itertools

import pytest

from sipflow import events
from sipflow.sip.digest import Login
from sipflow.sip.hop import Hop
from sipflow.sip.message import parse_message
from tests.sip.pair import media, what

REGISTRAR = Hop("127.0.0.1", 9000)


@pytest.fixture
def alice(world):
    return world.agent("alice", from_uri="sip:alice@sip.test", outbound_proxy="sip:127.0.0.1:9000")


def registers(agent):
    """REGISTER requests that an agent sent, repetitions left out."""
    return list({m.via.branch: m for m in agent.messages() if what(m) == "REGISTER"}.values())


def reply(agent, code, *lines, reason="OK"):
    """What the registrar answers to the agent's latest REGISTER."""
    request = registers(agent)[-1]
    copied = [f"{name}: {request.headers.get(name)}" for name in ("Via", "From", "To", "Call-ID", "CSeq")]
    text = "\r\n".join([f"SIP/2.0 {code} {reason}", *copied, *lines, "Content-Length: 0", "", ""])
    agent.world.inject(text.encode(), REGISTRAR, agent.address)
    agent.world.settle()


def own_contact(agent):
    return registers(agent)[-1].headers.get("Contact")


def test_a_register_goes_to_the_domain_by_way_of_the_proxy(world, alice):
    alice.do("register", expires_s=300)
    world.settle()
    request = registers(alice)[0]
    assert request.uri == "sip:sip.test" and request.headers.get("To") == "<sip:alice@sip.test>"
    assert request.headers.get("From").startswith("<sip:alice@sip.test>;tag=")
    assert request.headers.get("Expires") == "300"
    assert world.undelivered[0][1][:2] == ("127.0.0.1", 9000)


def test_it_is_renewed_with_the_same_call_id_before_it_ends(world, alice):
    number = alice.do("register", expires_s=300)
    world.settle()
    reply(alice, 200, f"Contact: {own_contact(alice)};expires=100", "Contact: <sip:other@10.0.0.1>;expires=7")
    first = alice.events(events.Registered)[0]
    assert (first.request, first.expires_s) == (number, 100) and "sip:other@10.0.0.1" in first.contacts
    world.run_for(79.0)
    assert len(registers(alice)) == 1
    world.run_for(1.5)
    before, after = registers(alice)
    assert after.call_id == before.call_id and after.cseq.number == before.cseq.number + 1
    assert after.headers.get("Expires") == "300"
    reply(alice, 200, "Expires: 60")
    assert alice.events(events.Registered)[1] == events.Registered(0, (), 60, 200)


def test_too_short_an_interval_is_asked_for_again(world, alice):
    alice.do("register", expires_s=5)
    world.settle()
    reply(alice, 423, "Min-Expires: 60", reason="Interval Too Brief")
    assert registers(alice)[-1].headers.get("Expires") == "60"
    reply(alice, 423, "Min-Expires: 60", reason="Interval Too Brief")
    assert alice.events(events.RegistrationFailed)[0].code == 423


def test_several_contacts_are_registered_and_taken_back(world, alice):
    contacts = ("sip:alice@10.0.0.1", "sip:alice@10.0.0.2;transport=tcp")
    alice.do("register", contacts=contacts)
    world.settle()
    assert registers(alice)[-1].headers.get_all("Contact") == [f"<{uri}>" for uri in contacts]
    reply(alice, 200)
    number = alice.do("unregister")
    world.settle()
    last = registers(alice)[-1]
    assert last.headers.get_all("Contact") == [f"<{uri}>" for uri in contacts] and last.headers.get("Expires") == "0"
    reply(alice, 200)
    assert alice.events(events.Unregistered) == [events.Unregistered(number, 200)]
    world.run_for(7200)
    assert len(registers(alice)) == 2 and alice.ua.idle and not alice.ua.registered


def test_everything_at_the_address_is_taken_back_with_a_star(world, alice):
    alice.do("unregister", everything=True)
    world.settle()
    last = registers(alice)[-1]
    assert last.headers.get_all("Contact") == ["*"] and last.headers.get("Expires") == "0"


def test_one_after_the_other(world, alice):
    alice.do("register")
    alice.do("unregister")
    world.settle()
    assert len(registers(alice)) == 1
    reply(alice, 200)
    assert [message.headers.get("Expires") for message in registers(alice)] == ["3600", "0"]
    reply(alice, 200)
    assert alice.story() == ["Registered", "Unregistered"] and not alice.ua.registered


def test_a_refresh_that_fails_is_tried_again_after_ever_longer_waits(world, alice):
    alice.do("register", expires_s=100)
    world.settle()
    reply(alice, 200)
    world.run_for(80.5)
    for wait in (5, 10, 20):
        count = len(registers(alice))
        reply(alice, 500, reason="Server Error")
        world.run_for(wait - 0.5)
        assert len(registers(alice)) == count
        world.run_for(1.0)
        assert len(registers(alice)) == count + 1
    assert [failed.code for failed in alice.events(events.RegistrationFailed)] == [500, 500, 500]


def test_nobody_answers(world, alice):
    alice.do("register")
    world.run_for(33)
    failed = alice.events(events.RegistrationFailed)
    assert [event.code for event in failed] == [408] and not alice.ua.registered
    assert alice.ua.idle


def test_a_wrong_password_says_whose(world):
    login = Login("alice", "nonsense")
    alice = world.agent("alice", from_uri="sip:alice@sip.test", outbound_proxy="sip:127.0.0.1:9000", login=login)
    alice.do("register")
    for nonce in "12":
        world.settle()
        reply(alice, 401, f'WWW-Authenticate: Digest realm="sip.test", nonce="{nonce}"', reason="Unauthorized")
    failed = alice.events(events.RegistrationFailed)[0]
    assert failed.code == 401 and failed.reason == (
        'Unauthorized (realm "sip.test" does not accept the password of "alice")'
    )
    assert "nonsense" not in str(alice.log)


def test_calls_after_it_take_the_service_route(world, alice):
    alice.do("register")
    world.settle()
    reply(alice, 200, "Service-Route: <sip:edge.test;lr>, <sip:core.test;lr>")
    alice.do("request", "OPTIONS", target="sip:bob@sip.test")
    alice.do("invite", "c1", "sip:bob@sip.test", media())
    world.settle()
    for method in ("OPTIONS", "INVITE"):
        assert alice.last(method).headers.get_all("Route") == ["<sip:edge.test;lr>", "<sip:core.test;lr>"]
    assert {hop[:2] for _, hop in world.undelivered} == {("127.0.0.1", 9000)}


def test_a_registered_agent_may_be_idle(world, alice):
    alice.do("register")
    world.settle()
    reply(alice, 200)
    world.run_for(33)
    assert alice.ua.idle and alice.ua.registered and alice.ua.next_deadline() is not None


def test_what_is_sent_is_a_message(world, alice):
    alice.do("register", headers=(("X-Device", "7"),))
    world.settle()
    data = alice.events(events.SipSent)[0].data
    assert parse_message(data).headers.get("X-Device") == "7"


def test_what_was_registered_one_by_one_is_refreshed_and_taken_back_together(world, alice):
    for contacts in (("sip:alice@10.0.0.1",), ()):
        alice.do("register", contacts=contacts, expires_s=100)
        world.settle()
        reply(alice, 200)
    world.run_for(80.5)
    both = ["<sip:alice@10.0.0.1>", f"<{alice.ua.config.contact_uri}>"]
    assert registers(alice)[-1].headers.get_all("Contact") == both
    reply(alice, 200)
    alice.do("unregister")
    world.settle()
    assert registers(alice)[-1].headers.get_all("Contact") == both
    reply(alice, 200)
    assert not alice.ua.registered


def test_a_register_that_is_refused_leaves_the_one_before_it_alive(world, alice):
    alice.do("register", expires_s=100)
    world.settle()
    reply(alice, 200)
    alice.do("register", contacts=("sip:alice@10.0.0.1",))
    world.settle()
    reply(alice, 403, reason="Forbidden")
    world.run_for(80.5)
    assert len(registers(alice)) == 3 and own_contact(alice) == f"<{alice.ua.config.contact_uri}>"


def test_one_that_has_to_succeed_is_tried_until_it_does(world, alice):
    alice.do("register", expires_s=100, persistent=True)
    for code in (500, 200):
        world.settle()
        assert not alice.ua.registered
        reply(alice, code)
        world.run_for(5.5)
    assert alice.story() == ["RegistrationFailed", "Registered"] and len(registers(alice)) == 2
    assert [event.request for event in alice.events(events.RegistrationFailed)] == [1]


def test_who_is_not_there_is_asked_as_often_as_by_retransmissions_and_then_ever_less_often(world, alice):
    alice.do("register", expires_s=100, persistent=True)
    begun = world.now
    tried = []
    for _ in range(11):
        world.settle()
        while len(registers(alice)) == len(tried):
            world.run_for(0.5)
        tried.append(world.now - begun)
        request = registers(alice)[-1].to_bytes()
        alice.do("datagram_refused", Hop(*REGISTRAR), request, "nothing listens there")
        world.settle()
    waits = [after - before for before, after in itertools.pairwise(tried)]
    assert waits == pytest.approx([4.0] * 8 + [5.0, 10.0], abs=0.6)
    failed = alice.events(events.RegistrationFailed)
    assert [event.unanswered_retry_s for event in failed] == [4.0] * 8 + [5.0, 10.0, 20.0]
    assert {(event.code, event.reason) for event in failed} == {(503, "nothing listens there")}


def test_taking_it_back_ends_the_retries(world, alice):
    alice.do("register", expires_s=100, persistent=True)
    alice.do("unregister")
    world.settle()
    reply(alice, 500)
    reply(alice, 200)
    world.run_for(1000)
    assert len(registers(alice)) == 2 and alice.ua.next_deadline() is None


def test_without_a_login_the_outcome_says_so(world, alice):
    alice.do("register")
    world.settle()
    reply(alice, 401, 'WWW-Authenticate: Digest realm="sip.test", nonce="1"', reason="Unauthorized")
    assert alice.events(events.RegistrationFailed)[0].reason == (
        "Unauthorized (the agent has no user and password to answer it with)"
    )
