"""Requests that are no calls, default answers, bad messages, and where responses go."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sipflow import events
from sipflow.errors import MisuseError
from sipflow.sip.hop import Hop
from sipflow.sip.message import Response
from sipflow.sip.user_agent import UserAgent, UserAgentConfig
from tests.sip.pair import World, drop_first, media, talk

PEER = Hop("127.0.0.1", 9000)
CORPORA = Path(__file__).parents[2].parent / "shared" / "corpora"


def text(method: str = "OPTIONS", via: str = "127.0.0.1:9000;branch=z9hG4bK1", body: str = "", **fields: str) -> bytes:
    headers = {
        "Via": f"SIP/2.0/UDP {via}",
        "From": "<sip:p@127.0.0.1>;tag=p",
        "To": "<sip:alice@127.0.0.1>",
        "Call-ID": "x",
        "CSeq": f"1 {method}",
        "Max-Forwards": "70",
        "Content-Length": str(len(body)),
    } | {name.replace("_", "-"): value for name, value in fields.items()}
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items() if value)
    return f"{method} sip:alice@127.0.0.1:5060 SIP/2.0\r\n{lines}\r\n{body}".encode()


def hear(world, agent, data: bytes, source=PEER) -> None:
    world.inject(data, source, agent.address)
    world.settle()


# --- what the user sends ---


def test_options_outside_a_call_is_answered_with_what_the_agent_can(world, alice, bob):
    number = alice.do("request", "OPTIONS", target=bob.uri, headers=(("X-A", "1"),))
    world.settle()
    response = alice.events(events.ResponseReceived)[0]
    assert (response.request, response.method, response.code, response.call) == (number, "OPTIONS", 200, None)
    names = dict(response.headers)
    assert names["Accept"] == "application/sdp, multipart/mixed" and "INVITE" in names["Allow"]
    received = bob.events(events.RequestReceived)[0]
    assert (received.method, received.code, received.call) == ("OPTIONS", 200, None)
    assert ("X-A", "1") in received.headers
    world.run()
    assert alice.ua.idle and bob.ua.idle


def test_info_and_message_in_a_call(world, alice, bob):
    _, incoming = talk(world, alice, bob)
    alice.do("request", "INFO", call="c1", body="Signal=5\r\n", content_type="application/dtmf-relay")
    bob.do("request", "MESSAGE", call=incoming, body="hi")
    world.settle()
    info, message = bob.events(events.RequestReceived)[0], alice.events(events.RequestReceived)[0]
    assert (info.call, info.method, info.body) == (incoming, "INFO", "Signal=5\r\n")
    assert dict(info.headers)["Content-Type"] == "application/dtmf-relay"
    assert (message.call, message.body, dict(message.headers)["Content-Type"]) == ("c1", "hi", "text/plain")
    assert [event.code for event in alice.events(events.ResponseReceived)] == [200]
    assert "Contact" not in bob.last("MESSAGE").headers


def test_a_request_that_nobody_answers_gets_a_local_408(world, alice):
    alice.do("request", "OPTIONS", target="sip:x@127.0.0.1:9")
    alice.do("request", "OPTIONS", target="sip:x@example.com")
    world.run()
    assert [(event.code, event.reason) for event in alice.events(events.ResponseReceived)] == [
        (503, "example.com does not exist"),
        (408, "Request Timeout"),
    ]


def test_requests_that_make_no_sense_are_misuse(world, alice, bob):
    talk(world, alice, bob)
    for arguments in (
        ("INVITE", {"target": bob.uri}),
        ("BYE", {"call": "c1"}),
        ("INFO", {}),
        ("INFO", {"call": "nobody"}),
        ("OPTIONS", {"target": "nonsense"}),
        ("OPTIONS", {"target": bob.uri, "headers": (("Via", "x"),)}),
        ("OPTIONS", {"target": bob.uri, "headers": (("X Y", "x"),)}),
    ):
        with pytest.raises(MisuseError):
            alice.do("request", arguments[0], **arguments[1])
    alice.do("invite", "c2", bob.uri, media())
    with pytest.raises(MisuseError):
        alice.do("request", "INFO", call="c2")


def test_a_bye_outside_any_dialog_may_be_sent_to_see_it_refused(world, alice, bob):
    alice.do("request", "BYE", target=bob.uri)
    world.settle()
    assert alice.events(events.ResponseReceived)[0].code == 481


# --- default answers ---


@pytest.mark.parametrize(
    ("method", "code"),
    [
        ("OPTIONS", 200),
        ("MESSAGE", 200),
        ("INFO", 481),
        ("NOTIFY", 481),
        ("BYE", 481),
        ("PRACK", 481),
        ("SUBSCRIBE", 489),
        ("REFER", 603),
        ("REGISTER", 405),
        ("UPDATE", 405),
        ("DANCE", 405),
        ("CANCEL", 481),
    ],
)
def test_default_answers_outside_calls(world, alice, method, code):
    hear(world, alice, text(method))
    answer = alice.messages()[0]
    assert answer.status_code == code and answer.to_tag
    assert ("Allow" in answer.headers) == (code == 405 or method == "OPTIONS")
    hear(world, alice, text(method))
    assert [message.to_bytes() for message in alice.messages()] == [answer.to_bytes()] * 2
    world.run()
    assert alice.ua.idle


def test_a_request_in_a_dialog_that_is_not_there_is_481(world, alice):
    hear(world, alice, text("INFO", To="<sip:alice@127.0.0.1>;tag=gone"))
    assert alice.sent() == ["481 INFO"]


def test_an_extension_that_is_required_and_unknown_is_420(world, alice):
    hear(world, alice, text("INVITE", Require="gruu, replaces, x-dance"))
    assert alice.sent() == ["420 INVITE"]
    assert alice.messages()[0].headers.get("Unsupported") == "gruu, x-dance"
    hear(world, alice, text("OPTIONS", via="127.0.0.1:9000;branch=z9hG4bK2", Call_ID="y", Require="replaces"))
    assert alice.sent()[-1] == "200 OPTIONS"


def test_a_merged_request_is_482(world, alice):
    hear(world, alice, text("INVITE"))
    hear(world, alice, text("INVITE", via="127.0.0.1:9000;branch=z9hG4bK-other"))
    assert alice.sent() == ["482 INVITE"]
    assert len(alice.events(events.CallIncoming)) == 1


def test_max_forwards_zero_does_not_matter_to_the_last_hop(world, alice):
    hear(world, alice, text("OPTIONS", Max_Forwards="0"))
    assert alice.sent() == ["200 OPTIONS"]


def test_a_body_that_is_no_session_description_is_415(world, alice):
    hear(world, alice, text("INVITE", body="hello", Content_Type="text/plain"))
    assert alice.sent() == ["415 INVITE"]
    assert alice.messages()[0].headers.get("Accept") == "application/sdp, multipart/mixed"


def test_there_is_an_end_to_what_strangers_can_open(world):
    alice = world.agent("alice", max_calls=1, max_server_transactions=3)
    for number in range(5):
        hear(world, alice, text("INVITE", via=f"127.0.0.1:9000;branch=z9hG4bK{number}", Call_ID=f"c{number}"))
    assert alice.sent() == ["503 INVITE", "503 INVITE"]
    assert alice.events(events.SipReceived)[-1].problem == "too many transactions"
    alice.do("close")
    world.run()
    assert alice.ua.idle


def test_no_new_calls_while_closing(world, alice):
    alice.do("close")
    hear(world, alice, text("INVITE"))
    assert alice.sent() == ["503 INVITE"]


# --- where responses go ---


@pytest.mark.parametrize(
    ("via", "top", "port"),
    [
        ("127.0.0.1:9000;branch=z9hG4bK1", "127.0.0.1:9000;branch=z9hG4bK1", 9000),
        ("127.0.0.1:7000;branch=z9hG4bK1", "127.0.0.1:7000;branch=z9hG4bK1", 7000),
        ("127.0.0.1;branch=z9hG4bK1", "127.0.0.1;branch=z9hG4bK1", 5060),
        ("10.9.9.9:7000;branch=z9hG4bK1", "10.9.9.9:7000;branch=z9hG4bK1;received=127.0.0.1", 7000),
        (
            "10.9.9.9:7000;rport;branch=z9hG4bK1",
            "10.9.9.9:7000;rport=9000;branch=z9hG4bK1;received=127.0.0.1",
            9000,
        ),
        ("pc.example.com;branch=z9hG4bK1;RPORT", "pc.example.com;branch=z9hG4bK1;rport=9000;received=127.0.0.1", 9000),
        (
            "127.0.0.1:7000;rport;branch=z9hG4bK1, SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK0",
            "127.0.0.1:7000;rport=9000;branch=z9hG4bK1;received=127.0.0.1, SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK0",
            9000,
        ),
        ("10.9.9.9;maddr=8.8.8.8;branch=z9hG4bK1", "10.9.9.9;maddr=8.8.8.8;branch=z9hG4bK1;received=127.0.0.1", 5060),
    ],
)
def test_responses_go_to_where_the_request_came_from(world, alice, via, top, port):
    world.agents.clear()
    world.agents[alice.address[:2]] = alice
    alice.world.inject(text("INVITE", via=via), PEER, alice.address)
    world.settle()
    alice.do("reject", "alice-in1", 486, None)
    assert alice.messages()[0].headers.get("Via") == f"SIP/2.0/UDP {top}"
    assert alice.events(events.SipSent)[0].destination == ("127.0.0.1", port)


def test_all_vias_come_back_in_order(world, alice):
    data = text("OPTIONS").replace(b"From:", b"Via: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK0\r\nFrom:", 1)
    hear(world, alice, data)
    assert [via.host for via in parse_vias(alice.messages()[0])] == ["127.0.0.1", "10.0.0.1"]


def parse_vias(message: Response):
    from sipflow.sip.headers import Via

    return Via.parse_many(message.headers.get_all("Via"))


# --- bad input ---


def test_what_can_be_read_of_a_bad_request_is_answered_with_400(world, alice):
    hear(world, alice, text("OPTIONS", CSeq="1 INVITE"))
    assert alice.sent() == ["400 INVITE"]
    assert alice.events(events.SipReceived)[0].problem
    assert alice.ua.statistics().parse_failures == 1
    assert alice.ua.idle


@pytest.mark.parametrize("data", [b"", b"\r\n\r\n", b"\0", b"\xff" * 100, b"SIP/2.0 200 OK\r\n\r\n", b"ACK\r\n\r\n"])
def test_noise_is_not_answered(world, alice, data):
    hear(world, alice, data)
    assert alice.sent() == [] and alice.ua.idle


def test_responses_and_acks_that_belong_to_nothing_are_counted(world, alice):
    hear(world, alice, text("OPTIONS").replace(b"OPTIONS sip:alice@127.0.0.1:5060 SIP/2.0", b"SIP/2.0 200 OK"))
    hear(world, alice, text("ACK", To="<sip:a@b>;tag=1"))
    assert alice.ua.statistics().stray_messages == 2
    assert [event.problem for event in alice.events(events.SipReceived)] == ["no transaction", "no dialog"]
    assert alice.sent() == [] and alice.ua.idle


def test_junk_in_the_middle_of_a_call_changes_nothing(world, alice, bob):
    """Random bytes, and every message of the call itself cut short, between all messages of a call."""
    noise = random.Random(7)
    plain = World()
    first, second = plain.agent("alice"), plain.agent("bob")
    talk(plain, first, second)
    first.do("release", "c1")
    plain.run()
    expected = first.story(), second.story()

    def disturb(data, agent):
        for target in (alice, bob):
            target.ua.receive(data[: noise.randrange(len(data) // 2)], PEER, world.now)
            target.ua.receive(noise.randbytes(noise.randrange(200)), PEER, world.now)
            world.drop, kept = (lambda data, agent: False), world.drop
            world.drain(target)
            world.drop = kept
        return False

    world.drop = disturb
    talk(world, alice, bob)
    alice.do("release", "c1")
    world.drop = drop_first(0, "")
    world.run()
    assert (alice.story(), bob.story()) == expected
    assert alice.ua.idle and bob.ua.idle


def lonely() -> UserAgent:
    agent = UserAgent(UserAgentConfig("a", "a", "127.0.0.1", 5060), random.Random(1), lambda: "call")
    return agent


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=400))
def test_no_bytes_make_the_agent_raise(data):
    agent = lonely()
    agent.receive(data, PEER, 0.0)
    agent.outputs()
    assert agent.idle


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(["INVITE", "OPTIONS", "BYE", "CANCEL", "ACK", "REFER", "NOTIFY"]),
    st.integers(0, 500),
    st.binary(max_size=6),
    st.integers(0, 8),
)
def test_no_damaged_message_makes_the_agent_raise(method, position, insert, cut):
    agent = lonely()
    whole = text(method, body="v=0\r\n", Content_Type="application/sdp", Contact="<sip:p@127.0.0.1:9000>")
    agent.receive(whole[:position] + insert + whole[position + cut :], PEER, 0.0)
    agent.close(0.0)
    run_out(agent)
    assert agent.idle


def run_out(agent: UserAgent) -> None:
    while (deadline := agent.next_deadline()) is not None:
        agent.handle_timer(deadline)
    agent.outputs()


@pytest.mark.skipif(not (CORPORA / "sip-rfc4475").is_dir(), reason="the corpora are not beside the checkout")
@pytest.mark.parametrize("folder", ["sip-rfc4475", "sip-rfc5118", "sip-fuzz-seeds", "sip-extra"])
def test_torture_messages_are_survived_and_leave_nothing_behind(folder):
    files = [path for path in sorted((CORPORA / folder).rglob("*")) if path.is_file()]
    assert files
    numbers = iter(range(10_000))
    agent = UserAgent(UserAgentConfig("a", "a", "127.0.0.1", 5060), random.Random(1), lambda: f"call-{next(numbers)}")
    for path in files:
        agent.receive(path.read_bytes()[:65_000], PEER, 0.0)
    agent.close(0.0)
    run_out(agent)
    assert agent.idle
