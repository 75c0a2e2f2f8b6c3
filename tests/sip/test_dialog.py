"""Dialogs: routes, targets, sequence numbers, forks (RFC 3261 sections 12 and 13.2.2.4)."""

from __future__ import annotations

import pytest

from sipflow import events
from sipflow.sip.destinations import locate
from sipflow.sip.dialog import Dialog, dialog_of_request, dialog_of_response
from sipflow.sip.hop import Hop, NameQuery, Transport
from sipflow.sip.message import Headers, Request, Response, parse_message
from tests.sip.pair import media, talk, what

PEER = Hop("127.0.0.1", 9000)
"""A peer that is played by the test itself."""


def reply(request: Request, code: int, tag: str = "t1", body: bytes = b"", **headers: str) -> bytes:
    """A response as some peer would write it."""
    fields = [(name, request.headers.get(name) or "") for name in ("Via", "From", "Call-ID", "CSeq")]
    to = request.headers.get("To") or ""
    fields.append(("To", to if request.to_tag or not tag else f"{to};tag={tag}"))
    fields += [("Contact", "<sip:peer@127.0.0.1:9000>")] if code < 300 else []
    fields += [("Content-Type", "application/sdp")] if body else []
    fields += [(name.replace("_", "-"), value) for name, value in headers.items()]
    return Response(code, None, Headers(fields), body).to_bytes()


def follow_up(request: Request, method: str, cseq: int, tag: str = "t1", **headers: str) -> bytes:
    """A request of the peer in the dialog that its response with this tag made."""
    fields = [
        ("Via", f"SIP/2.0/UDP 127.0.0.1:9000;branch=z9hG4bK-{method}-{cseq}"),
        ("From", f"{request.headers.get('To')};tag={tag}"),
        ("To", request.headers.get("From") or ""),
        ("Call-ID", request.call_id),
        ("CSeq", f"{cseq} {method}"),
    ]
    fields += [(name.replace("_", "-"), value) for name, value in headers.items()]
    return Request(method, "sip:alice@127.0.0.1:5060", Headers(fields)).to_bytes()


def hear(world, agent, data: bytes) -> None:
    world.inject(data, PEER, agent.address)
    world.settle()


def invite_peer(world, alice, **keywords) -> Request:
    alice.do("invite", "c1", "sip:peer@127.0.0.1:9000", media(4000), **keywords)
    world.settle()
    return alice.last("INVITE")


SDP = (
    b"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 9002 RTP/AVP 0\r\n"
    b"a=rtpmap:0 PCMU/8000\r\n"
)


# --- routes and targets ---


def test_a_caller_takes_the_record_route_in_reverse_and_the_contact_as_target(world, alice):
    invite = invite_peer(world, alice)
    routes = "<sip:127.0.0.1:9001;lr>, <sip:127.0.0.1:9002;lr>"
    hear(world, alice, reply(invite, 200, body=SDP, Record_Route=routes))
    alice.do("release", "c1")
    world.settle()
    for method in ("ACK", "BYE"):
        message = alice.last(method)
        assert message.headers.get_all("Route") == ["<sip:127.0.0.1:9002;lr>", "<sip:127.0.0.1:9001;lr>"]
        assert message.uri == "sip:peer@127.0.0.1:9000"
    assert world.undelivered[-1][1][:2] == ("127.0.0.1", 9002)


def test_a_callee_takes_the_record_route_as_it_stands(world, alice):
    fields = {"Record-Route": "<sip:127.0.0.1:9001;lr>,<sip:127.0.0.1:9002;lr>"}
    call = incoming(world, alice, **fields)
    alice.do("answer", call, media(4000))
    assert alice.last("200 INVITE").headers.get("Record-Route") is not None
    ack(world, alice)
    alice.do("release", call)
    world.settle()
    assert alice.last("BYE").headers.get_all("Route") == ["<sip:127.0.0.1:9001;lr>", "<sip:127.0.0.1:9002;lr>"]
    assert world.undelivered[-1][1][:2] == ("127.0.0.1", 9001)


def test_a_strict_router_gets_the_request_uri_and_the_target_goes_last():
    dialog = Dialog("c", "<sip:a@h>;tag=1", "1", "<sip:b@h>;tag=2", "2")
    dialog.route_set = ("<sip:192.0.2.1:5070>", "<sip:192.0.2.2;lr>")
    dialog.remote_target = "sip:b@192.0.2.3"
    assert dialog.request_uri == "sip:192.0.2.1:5070"
    assert locate(dialog.next_hop) == Hop("192.0.2.1", 5070)
    assert "Route: <sip:192.0.2.2;lr>\r\nRoute: <sip:b@192.0.2.3>\r\n" in dialog.identity


def test_a_contact_by_name_leaves_the_way_that_the_message_came(world, alice):
    call = incoming(world, alice, Contact="<sip:peer@pc33.example.com>")
    alice.do("answer", call, media(4000))
    ack(world, alice)
    alice.do("release", call)
    world.settle()
    assert alice.last("BYE").uri == "sip:peer@pc33.example.com"
    assert world.undelivered[-1][1] == PEER


def test_the_target_of_an_early_dialog_gives_way_to_the_answers(world, alice):
    invite = invite_peer(world, alice)
    hear(world, alice, reply(invite, 180))
    hear(world, alice, reply(invite, 200, body=SDP).replace(b"peer@127.0.0.1:9000>", b"other@127.0.0.1:9009>"))
    assert alice.last("ACK").uri == "sip:other@127.0.0.1:9009"


@pytest.mark.parametrize(
    ("uri", "where"),
    [
        ("sip:a@192.0.2.1", Hop("192.0.2.1", 5060)),
        ("sip:192.0.2.1:5080;transport=udp", Hop("192.0.2.1", 5080)),
        ("sip:192.0.2.1;transport=TLS", Hop("192.0.2.1", 5061, Transport.TLS)),
        ("sips:192.0.2.1", Hop("192.0.2.1", 5061, Transport.TLS)),
        ("sips:192.0.2.1:5070;transport=ws", Hop("192.0.2.1", 5070, Transport.WSS)),
        ("sip:192.0.2.1;transport=tcp", Hop("192.0.2.1", 5060, Transport.TCP)),
        ("sip:a@[2001:db8::1]:5070", Hop("2001:db8::1", 5070)),
        ("sip:a@LOCALHOST", Hop("127.0.0.1", 5060)),
        ("sip:a@example.com;maddr=192.0.2.7", Hop("192.0.2.7", 5060)),
        ("sip:a@example.com", NameQuery("example.com", None, None)),
        ("sips:a@example.com:5071;transport=tcp", NameQuery("example.com", 5071, Transport.TLS, True)),
        ("sip:a@1.2.3", NameQuery("1.2.3", None, None)),
        ("tel:+4930", "a tel: URI says nothing about where to send it; a proxy would know"),
        ("sip:192.0.2.1;transport=sctp", "transport sctp is none that can be used here"),
    ],
)
def test_what_a_uri_says_about_where_to_send(uri, where):
    assert locate(uri) == where


def test_dialogs_without_contact_fall_back_to_what_is_known():
    request = parse_message(
        b"INVITE sip:b@h SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:a@192.0.2.1>;tag=1\r\n"
        b"To: <sip:b@h>\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\nContact: nonsense here\r\n\r\n"
    )
    assert dialog_of_request(request, "2", PEER).remote_target == "sip:a@192.0.2.1"
    response = parse_message(reply(request, 200).replace(b"Contact:", b"X:"))
    assert dialog_of_response(response, "sip:b@192.0.2.9").remote_target == "sip:b@192.0.2.9"


# --- sequence numbers ---


def test_a_request_that_comes_out_of_order_gets_500(world, alice):
    invite = invite_peer(world, alice)
    hear(world, alice, reply(invite, 200, body=SDP))
    hear(world, alice, follow_up(invite, "INFO", 20))
    hear(world, alice, follow_up(invite, "INFO", 19))
    hear(world, alice, follow_up(invite, "BYE", 18))
    assert alice.sent()[-3:] == ["200 INFO", "500 INFO", "500 BYE"]
    assert "CallEnded" not in alice.story()


def test_local_numbers_grow_by_one_and_the_ack_keeps_its_invites(world, alice):
    bob = world.agent("bob")
    talk(world, alice, bob)
    alice.do("request", "INFO", call="c1", body="x")
    alice.do("modify", "c1", media(4004))
    world.settle()
    alice.do("release", "c1")
    numbers = [str(message.cseq) for message in alice.messages() if isinstance(message, Request)]
    assert numbers == ["1 INVITE", "1 ACK", "2 INFO", "3 INVITE", "3 ACK", "4 BYE"]


# --- forks ---


def test_early_dialogs_of_a_fork_and_the_first_answer_wins(world, alice):
    invite = invite_peer(world, alice)
    hear(world, alice, reply(invite, 180, "t1"))
    hear(world, alice, reply(invite, 180, "t2"))
    hear(world, alice, reply(invite, 200, "t2", SDP))
    assert alice.story()[-2:] == ["MediaNegotiated", "CallAnswered"]
    assert alice.session("c1").remote_tag == "t2"
    hear(world, alice, follow_up(invite, "BYE", 5, "t1"))
    assert alice.sent()[-1] == "481 BYE"
    hear(world, alice, follow_up(invite, "BYE", 6, "t2"))
    assert alice.sent()[-1] == "200 BYE"


def test_a_second_answer_of_a_fork_is_acknowledged_and_hung_up(world, alice):
    invite = invite_peer(world, alice)
    hear(world, alice, reply(invite, 200, "t1", SDP))
    hear(world, alice, reply(invite, 200, "t2", SDP))
    hear(world, alice, reply(invite, 200, "t2", SDP))
    assert alice.sent() == ["INVITE", "ACK", "ACK", "BYE", "ACK"]
    assert [message.to_tag for message in alice.messages()[1:]] == ["t1", "t2", "t2", "t2"]
    assert alice.story().count("CallAnswered") == 1 and "CallEnded" not in alice.story()
    hear(world, alice, reply(alice.last("BYE"), 200))
    alice.do("release", "c1")
    hear(world, alice, reply(alice.last("BYE"), 200))
    world.run()
    assert alice.ua.idle


def test_answers_to_a_call_that_is_over_are_still_acknowledged(world, alice):
    invite = invite_peer(world, alice)
    hear(world, alice, reply(invite, 200, "t1", SDP))
    hear(world, alice, follow_up(invite, "BYE", 5))
    hear(world, alice, reply(invite, 200, "t1", SDP))
    assert alice.sent() == ["INVITE", "ACK", "200 BYE", "ACK"]


def test_a_bye_in_an_early_dialog_ends_the_callers_waiting(world, alice):
    invite = invite_peer(world, alice)
    hear(world, alice, reply(invite, 180))
    hear(world, alice, follow_up(invite, "BYE", 1))
    assert alice.story()[-2:] == ["CallEnded", "CallReleased"]
    world.run()
    assert alice.ua.idle


# --- a peer that calls, played by hand ---


def invite_text(cseq: int = 1, branch: str = "z9hG4bK-in", body: bytes = SDP, **headers: str) -> bytes:
    fields = {
        "Via": f"SIP/2.0/UDP 127.0.0.1:9000;branch={branch}",
        "From": "<sip:peer@127.0.0.1>;tag=p",
        "To": "<sip:alice@127.0.0.1>",
        "Call-ID": "from-peer",
        "CSeq": f"{cseq} INVITE",
        "Contact": "<sip:peer@127.0.0.1:9000>",
    } | headers
    items = [(name, value) for name, value in fields.items() if value]
    items += [("Content-Type", "application/sdp")] if body and "Content-Type" not in headers else []
    return Request("INVITE", "sip:alice@127.0.0.1:5060", Headers(items), body).to_bytes()


def incoming(world, alice, **headers: str) -> str:
    hear(world, alice, invite_text(**headers))
    return alice.events(events.CallIncoming)[-1].call


def in_dialog(alice, method: str, cseq: int, body: bytes = b"", **headers: str) -> bytes:
    """A request of the calling peer in the dialog of alice's latest answer."""
    to = next(message for message in reversed(alice.messages()) if message.to_tag).headers.get("To") or ""
    data = invite_text(cseq, f"z9hG4bK-{method}-{cseq}", body, **({"To": to, "CSeq": f"{cseq} {method}"} | headers))
    return data.replace(b"INVITE sip:", f"{method} sip:".encode(), 1)


def ack(world, alice, cseq: int = 1) -> None:
    hear(world, alice, in_dialog(alice, "ACK", cseq))


def test_a_reinvite_before_the_answer_is_told_to_wait(world, alice):
    call = incoming(world, alice)
    alice.do("ring", call)
    hear(world, alice, in_dialog(alice, "INVITE", 2, SDP))
    assert alice.sent()[-1] == "500 INVITE"
    assert 0 <= int(alice.messages()[-1].headers.get("Retry-After")) <= 10


def test_a_bye_before_the_answer_ends_the_invite_with_487(world, alice):
    call = incoming(world, alice)
    alice.do("ring", call)
    hear(world, alice, in_dialog(alice, "BYE", 2))
    assert alice.sent()[-2:] == ["200 BYE", "487 INVITE"]
    assert alice.ends() == [(call, "remote", "bye", "")]


def test_a_bye_that_overtakes_the_ack_ends_the_repetition_of_the_answer(world, alice):
    call = incoming(world, alice)
    alice.do("answer", call, media(4000))
    hear(world, alice, in_dialog(alice, "BYE", 2))
    world.run()
    assert alice.sent_times("200 INVITE") == [0]
    assert alice.ua.idle


def test_a_reinvite_without_offer_gets_ours_and_the_ack_answers(world, alice):
    call = incoming(world, alice)
    alice.do("answer", call, media(4000))
    ack(world, alice)
    hear(world, alice, in_dialog(alice, "INVITE", 2, b""))
    assert b"m=audio 4000" in alice.last("200 INVITE").body
    hear(world, alice, in_dialog(alice, "INVITE", 3, SDP))
    assert alice.sent()[-1] == "491 INVITE"
    answer = SDP.replace(b"9002", b"9004").replace(b"a=rtpmap", b"a=sendonly\r\na=rtpmap")
    hear(world, alice, in_dialog(alice, "ACK", 2, answer))
    assert alice.story()[-2:] == ["MediaNegotiated", "CallHeld"]
    assert alice.events(events.MediaNegotiated)[-1].params.remote_port == 9004


def test_a_reinvite_without_common_codec_gets_488_and_changes_nothing(world, alice):
    call = incoming(world, alice)
    alice.do("answer", call, media(4000))
    ack(world, alice)
    hear(world, alice, in_dialog(alice, "INVITE", 2, SDP.replace(b"AVP 0", b"AVP 18").replace(b"0 PCMU", b"18 G729")))
    assert alice.sent()[-1] == "488 INVITE"
    assert alice.session(call).state == "established"


def test_a_reinvite_whose_ack_never_comes_ends_the_call(world, alice):
    call = incoming(world, alice)
    alice.do("answer", call, media(4000))
    ack(world, alice)
    world.run(1.0)
    hear(world, alice, in_dialog(alice, "INVITE", 2, SDP))
    world.run(40.0)
    assert alice.time_of(events.CallEnded) == 33.0
    assert alice.events(events.CallEnded)[0].cause == "timeout"
    assert [what(message) for message in alice.messages()].count("BYE") > 1
