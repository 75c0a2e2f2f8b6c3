"""User agents at a registrar and proxy, in virtual time, over a network that may lose and reorder."""

from __future__ import annotations

import random

import pytest

from sipflow import events
from sipflow.sip.config import Listener
from sipflow.sip.digest import Login
from sipflow.sip.hop import Hop, Transport
from sipflow.sip.proxy.config import ProxyConfig, User
from sipflow.sip.proxy.machine import Proxy
from tests.sip.pair import Agent, World, media, what

REALM = "pbx.test"
PBX = Hop("127.0.0.1", 7000)
STRANGER = Hop("192.0.2.9", 5060)


class Server(Agent):
    """The proxy, at the place of an agent."""

    def __init__(self, world: World, **config: object) -> None:
        self.world = world
        self.address = PBX
        self.log = []
        settings = {"users": tuple(User(name, f"{name}-pw") for name in ("alice", "bob", "carol"))} | config
        listeners = (Listener(Transport.UDP, "127.0.0.1", 7000),)
        self.ua = Proxy(ProxyConfig("pbx", REALM, listeners, **settings), random.Random(1))
        world.agents[PBX[:2]] = self


@pytest.fixture
def pbx(world):
    return Server(world)


def phone(world, name, password="", user=""):
    """Somebody of the domain."""
    login = Login(user or name, password or f"{user or name}-pw")
    uri = f"sip:{user or name}@{REALM}"
    return world.agent(name, from_uri=uri, outbound_proxy="sip:127.0.0.1:7000", login=login)


def registered(world, *names):
    """Phones that are there."""
    phones = [phone(world, name) for name in names]
    for one in phones:
        one.do("register", expires_s=3600)
    world.settle()
    assert all(one.events(events.Registered) for one in phones)
    return phones


def invite(world, caller, callee, call="c1"):
    caller.do("invite", call, f"sip:{callee}@{REALM}", media(4000))
    world.settle()


def answered(world, caller, callee, name):
    """A call that was answered: id on the callee's side."""
    invite(world, caller, name)
    incoming = callee.events(events.CallIncoming)[-1].call
    callee.do("answer", incoming, media(5000))
    world.settle()
    return incoming


def rejections(agent):
    return [event.code for event in agent.events(events.CallRejected)]


def test_a_call_through_it_and_everything_in_the_call_comes_by(world, pbx):
    alice, bob = registered(world, "alice", "bob")
    incoming = answered(world, alice, bob, "bob")
    alice.do("modify", "c1", media(4000))
    world.settle()
    bob.do("release", incoming)
    world.run_for(40)
    assert [what(m) for m in pbx.messages() if what(m) in ("INVITE", "ACK", "BYE")] == [
        "INVITE", "ACK", "INVITE", "ACK", "BYE",
    ]  # fmt: skip
    assert [event.cause for event in alice.events(events.CallEnded)] and alice.ua.idle and bob.ua.idle and pbx.ua.idle


def test_without_record_route_only_the_first_request_comes_by(world):
    pbx = Server(world, record_route=False)
    alice, bob = registered(world, "alice", "bob")
    incoming = answered(world, alice, bob, "bob")
    bob.do("release", incoming)
    world.run_for(40)
    assert [what(m) for m in pbx.messages() if what(m) in ("INVITE", "ACK", "BYE")] == ["INVITE"]


def test_one_hop_less_and_nothing_that_proves_who_calls_goes_on(world, pbx):
    alice, bob = registered(world, "alice", "bob")
    invite(world, alice, "bob")
    there = bob.events(events.CallIncoming)[0]
    headers = {name.lower(): value for name, value in there.headers}
    assert headers["max-forwards"] == "69" and "proxy-authorization" not in headers
    assert headers["record-route"] == "<sip:127.0.0.1:7000;lr>"


@pytest.mark.parametrize("lost", [0.0, 0.2])
def test_all_contacts_ring_and_the_first_answer_wins(lost, world, pbx):
    alice, bob = registered(world, "alice", "bob")
    other = phone(world, "other", user="bob")
    other.do("register", expires_s=3600)
    world.settle()
    world.loss = lost
    alice.do("invite", "c1", f"sip:bob@{REALM}", media(4000))
    world.run_for(3)
    assert bob.events(events.CallIncoming) and other.events(events.CallIncoming)
    other.do("answer", "other-in1", media(5000))
    world.run_for(3)
    assert alice.events(events.CallAnswered)
    assert [event.cause for event in bob.events(events.CallEnded)] == ["cancel"]
    alice.do("release", "c1")
    world.run_for(60)
    assert alice.ua.idle and bob.ua.idle and other.ua.idle and pbx.ua.idle


def test_the_best_refusal_is_told_when_all_refuse(world, pbx):
    alice, bob = registered(world, "alice", "bob")
    other = phone(world, "other", user="bob")
    other.do("register", expires_s=3600)
    world.settle()
    invite(world, alice, "bob")
    bob.do("reject", "bob-in1", 503, None)
    world.settle()
    assert rejections(alice) == []
    other.do("reject", "other-in1", 486, None)
    world.settle()
    assert rejections(alice) == [486]


def test_a_6xx_decides_for_all(world, pbx):
    alice, bob = registered(world, "alice", "bob")
    other = phone(world, "other", user="bob")
    other.do("register", expires_s=3600)
    world.settle()
    invite(world, alice, "bob")
    other.do("ring", "other-in1")
    world.settle()
    bob.do("reject", "bob-in1", 603, None)
    world.settle()
    assert rejections(alice) == [603] and [event.cause for event in other.events(events.CallEnded)] == ["cancel"]


def test_a_caller_who_gives_up_stops_the_ringing(world, pbx):
    alice, bob = registered(world, "alice", "bob")
    invite(world, alice, "bob")
    bob.do("ring", "bob-in1")
    world.settle()
    alice.do("release", "c1")
    world.settle()
    assert [event.cause for event in bob.events(events.CallEnded)] == ["cancel"] and rejections(alice) == [487]


def test_nobody_answers_for_minutes(world):
    pbx = Server(world, timer_c_s=200)
    alice, bob = registered(world, "alice", "bob")
    invite(world, alice, "bob")
    bob.do("ring", "bob-in1")
    world.run_for(199)
    assert rejections(alice) == []
    world.run_for(2)
    assert rejections(alice) == [408] and [event.cause for event in bob.events(events.CallEnded)] == ["cancel"]
    assert pbx.events(events.SipSent)


@pytest.mark.parametrize(("user", "code"), [("nobody", 404), ("carol", 480)])
def test_who_is_not_there(user, code, world, pbx):
    (alice,) = registered(world, "alice")
    invite(world, alice, user)
    assert rejections(alice) == [code]


def test_a_registration_ends_by_itself(world, pbx):
    alice, bob = registered(world, "alice", "bob")
    bob.do("close")
    bob.ua._registration.timers._heap.clear()
    world.run_for(3601)
    invite(world, alice, "bob")
    assert rejections(alice) == [480]


def test_a_wrong_password_and_another_ones_address(world, pbx):
    thief = phone(world, "thief", password="guessed", user="alice")
    thief.do("register")
    world.settle()
    assert [event.code for event in thief.events(events.RegistrationFailed)] == [401]
    mallory = world.agent(
        "mallory", from_uri=f"sip:alice@{REALM}", outbound_proxy="sip:127.0.0.1:7000", login=Login("bob", "bob-pw")
    )
    mallory.do("register")
    mallory.do("invite", "c1", f"sip:carol@{REALM}", media())
    world.settle()
    (refused,) = mallory.events(events.RegistrationFailed)
    assert refused.code == 403 and rejections(mallory) == [403]
    assert f"To is sip:alice@{REALM}, and the credentials are those of bob" in refused.reason
    assert f"From is sip:alice@{REALM}, and the" in mallory.events(events.CallRejected)[0].reason
    assert pbx.ua.bindings("alice") == []


def test_too_short_a_registration(world):
    pbx = Server(world, minimum_expires_s=60)
    bob = phone(world, "bob")
    bob.do("register", expires_s=5)
    world.settle()
    assert [event.expires_s for event in bob.events(events.Registered)] == [60]
    assert [what(m) for m in pbx.messages()] == ["401 REGISTER", "423 REGISTER", "200 REGISTER"]


NEIGHBOUR = Hop("127.0.0.1", 9000)


def send(world, pbx, source=NEIGHBOUR, method="OPTIONS", uri=f"sip:{REALM}", **fields):
    """A request from somebody who is no phone of ours; gives the codes of what it gets."""
    headers = {
        "Via": f"SIP/2.0/UDP {source.host}:{source.port};branch=z9hG4bK{world._serial}",
        "From": "<sip:x@other.test>;tag=1",
        "To": f"<{uri}>",
        "Call-ID": f"c{world._serial}",
        "CSeq": f"1 {method}",
    } | {name.replace("_", "-"): value for name, value in fields.items()}
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    before = len(pbx.messages())
    world.inject(f"{method} {uri} SIP/2.0\r\n{lines}Content-Length: 0\r\n\r\n".encode(), source, PBX)
    world.settle()
    return [what(message) for message in pbx.messages()[before:]]


def test_it_answers_for_itself(world, pbx):
    assert send(world, pbx) == ["200 OPTIONS"]


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"Max_Forwards": "0"}, 483),
        ({"Max_Forwards": "many"}, 400),
        ({"Proxy_Require": "teleport"}, 420),
        ({"uri": "tel:+123"}, 416),
        ({"uri": "sip:bob@elsewhere.example"}, 403),
        ({"uri": f"sip:nobody@{REALM}"}, 404),
    ],
)
def test_what_it_does_not_forward(fields, code, world, pbx):
    assert send(world, pbx, **fields) == [f"{code} OPTIONS"]


def test_without_users_only_the_own_machine_is_served(world):
    pbx = Server(world, users=())
    contact = {"method": "REGISTER", "To": f"<sip:bob@{REALM}>", "Contact": "<sip:bob@127.0.0.1:9000>"}
    assert send(world, pbx, **contact) == ["200 REGISTER"]
    assert send(world, pbx, source=STRANGER, **contact) == ["403 REGISTER"]
    assert send(world, pbx, source=STRANGER, uri=f"sip:bob@{REALM}") == ["403 OPTIONS"]


def test_a_strict_router_before_it(world, pbx):
    """Its own URI is the Request-URI, the target stands at the end of the routes (section 16.4)."""
    bob = phone(world, "bob")
    said = send(world, pbx, uri="sip:127.0.0.1:7000;lr", Route=f"<{bob.uri}>", To=f"<{bob.uri}>;tag=9")
    assert "OPTIONS" in said and bob.messages()[-1].status_code == 481


def test_what_is_no_sip_is_nothing_to_it(world, pbx):
    for data in (b"", b"\x00" * 50, b"OPTIONS\r\n\r\n", b"SIP/2.0 200 OK\r\n\r\n"):
        world.inject(data, STRANGER, PBX)
    world.settle()
    assert pbx.ua.idle


def test_a_call_survives_loss(pbx, world):
    alice, bob = registered(world, "alice", "bob")
    world.loss = 0.3
    alice.do("invite", "c1", f"sip:bob@{REALM}", media(4000))
    world.run_for(10)
    if bob.events(events.CallIncoming):
        bob.do("answer", "bob-in1", media(5000))
    world.run_for(40)
    alice.do("release", "c1")
    world.run_for(100)
    assert alice.ua.idle and pbx.ua.idle


def test_an_address_of_record_with_the_servers_address_needs_no_port(world):
    """Phones that know their server by its address only; from port 7000 it is no part of their own."""
    Server(world)
    alice, bob = (
        world.agent(name, from_uri=f"sip:{name}@127.0.0.1", outbound_proxy="sip:127.0.0.1:7000",
                    login=Login(name, f"{name}-pw"))
        for name in ("alice", "bob")
    )  # fmt: skip
    for one in (alice, bob):
        one.do("register", expires_s=3600)
    world.settle()
    assert all(one.events(events.Registered) for one in (alice, bob))
    alice.do("invite", "c1", "sip:bob@127.0.0.1", media())
    world.settle()
    assert bob.events(events.CallIncoming)
