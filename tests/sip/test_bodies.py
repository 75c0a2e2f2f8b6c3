"""Session descriptions among other parts of a body (RFC 2046 section 5.1, RFC 5621), and bodies that are none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipflow import events
from sipflow.multipart import MAX_DEPTH, boundary_of, find_part, join, parts
from sipflow.sip.bodies import find_description
from sipflow.sip.call import CallState
from tests.sip.pair import World, media, talk

SDP = (
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8\r\n"
    "a=rtpmap:8 PCMA/8000\r\n"
)
MIXED = 'multipart/mixed; boundary="b 1"'
BODY = (
    "this is no part\r\n--b 1\r\nContent-Type: application/pidf+xml\r\nContent-ID: <where@x>\r\n\r\n<presence/>\r\n"
    f"--b 1\r\nContent-Disposition: session\r\ncontent-TYPE :\r\n application/sdp\r\n\r\n{SDP}\r\n--b 1--\r\n"
    "nor is this"
)


@pytest.mark.parametrize(
    ("content_type", "body", "found"),
    [
        ("application/sdp", "v=0", "v=0"),
        ("Application/SDP;charset=utf-8", "v=0", "v=0"),
        ("text/plain", "v=0", ""),
        ("multipart/mixed", "--x\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n--x--", ""),
        ("multipart/mixed;boundary=x", "--x\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n--x--", "v=0"),
        ("multipart/mixed;boundary=x", "--x\nc: application/sdp\n\nv=0\n--x--\n", "v=0"),
        ("multipart/mixed;boundary=x", "--x\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n", "v=0\r\n"),
        ("multipart/mixed;boundary=x", "--x\r\n\r\nplain text\r\n--x--", ""),
        ("multipart/mixed;boundary=x", "--xy\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n--xy--", ""),
        ("multipart/mixed;boundary=x", "", ""),
        (MIXED, BODY, SDP),
    ],
)
def test_where_the_description_is(content_type: str, body: str, found: str) -> None:
    assert find_description(content_type, body.encode()).decode() == found


def test_of_several_the_first_and_of_alternatives_the_last_is_taken() -> None:
    one, other = (f"--x\r\nContent-Type: application/sdp\r\n\r\n{text}\r\n" for text in ("v=0", "v=1"))
    body = f"{one}{other}--x--".encode()
    assert find_description("multipart/mixed;boundary=x", body) == b"v=0"
    assert find_description("multipart/alternative;boundary=x", body) == b"v=1"


def test_parts_in_parts_are_looked_into_but_not_for_ever() -> None:
    body, kind = SDP.encode(), "application/sdp"
    for depth in range(6):
        boundary = f"b{depth}"
        body = b"--%s\r\nContent-Type: %s\r\n\r\n%s\r\n--%s--" % (
            boundary.encode(), kind.encode(), body, boundary.encode(),
        )  # fmt: skip
        kind = f"multipart/mixed;boundary={boundary}"
        assert find_description(kind, body) == (SDP.encode() if depth < 4 else b"")


def test_a_part_without_header_fields_is_text() -> None:
    body = b"--x\r\n\r\nhello\r\n--x\r\nX-A: 1\r\n\r\nyou\r\n--x--"
    assert list(parts(body, "x")) == [("text/plain", b"hello"), ("text/plain", b"you")]


def test_a_call_with_its_offer_among_other_parts() -> None:
    world = World()
    alice, bob = world.agent("alice"), world.agent("bob")
    alice.do("invite", "c1", bob.uri, media(4000), body=BODY, content_type=MIXED)
    world.settle()
    (incoming,) = bob.events(events.CallIncoming)
    assert "<presence/>" in incoming.body and ("Content-Type", MIXED) in incoming.headers
    bob.do("answer", incoming.call, media(5000))
    world.settle()
    assert [side.events(events.MediaNegotiated)[-1].params.send_format.name for side in (alice, bob)] == [
        "PCMA",
        "PCMA",
    ]


def test_an_answer_among_other_parts() -> None:
    world = World()
    alice, bob = world.agent("alice"), world.agent("bob")
    alice.do("invite", "c1", bob.uri, media(4000))
    world.settle()
    whole = alice.last("INVITE")
    via, to = whole.headers.get("Via"), whole.headers.get("To")
    head = f"Via: {via}\r\nFrom: {whole.headers.get('From')}\r\nTo: {to};tag=raw\r\nCall-ID: {whole.call_id}\r\n"
    head += f"CSeq: {whole.headers.get('CSeq')}\r\nContact: <{bob.uri}>\r\nContent-Type: {MIXED}\r\n"
    answer = f"SIP/2.0 200 OK\r\n{head}Content-Length: {len(BODY)}\r\n\r\n{BODY}".encode()
    world.inject(answer, bob.address, alice.address)
    world.settle()
    assert alice.events(events.CallAnswered)
    assert alice.events(events.MediaNegotiated)[-1].params.send_format.name == "PCMA"


@pytest.mark.parametrize(
    ("disposition", "code"),
    [("", 415), ("render", 415), ("signal;handling=required", 415), ("signal;handling=optional", 0)],
)
def test_a_body_of_another_type_is_refused_unless_it_may_be_ignored(disposition: str, code: int) -> None:
    world = World()
    alice, bob = world.agent("alice"), world.agent("bob")
    headers = (("Content-Disposition", disposition),) if disposition else ()
    alice.do("invite", "c1", bob.uri, media(), headers=headers, body="x", content_type="application/isup")
    world.settle()
    if code:
        assert bob.sent() == [f"{code} INVITE"]
        assert bob.last("415 INVITE").headers.values("Accept") == ["application/sdp", "multipart/mixed"]
        return
    (incoming,) = bob.events(events.CallIncoming)
    bob.do("answer", incoming.call, media(5000))
    assert bob.last("200 INVITE").content_type == "application/sdp", "our offer, since there was none"


@pytest.mark.parametrize("method", ["INVITE", "UPDATE"])
def test_a_change_with_a_body_of_another_type_is_415_and_the_call_goes_on(method: str) -> None:
    world = World()
    alice, bob = world.agent("alice"), world.agent("bob")
    call, incoming = talk(world, alice, bob)
    before = len(bob.events(events.MediaNegotiated))
    invite = alice.last("ACK")
    lines = [
        f"{name}: {value}" for name, value in invite.headers.items() if name not in ("CSeq", "Via", "Content-Length")
    ]
    text = f"{method} {invite.uri} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bKnew\r\nCSeq: 9 {method}\r\n"
    text += "\r\n".join([*lines, "Content-Type: application/isup", "Content-Length: 1", "", "x"])
    world.inject(text.encode(), alice.address, bob.address)
    world.settle()
    assert bob.sent()[-1] == f"415 {method}"
    assert len(bob.events(events.MediaNegotiated)) == before
    assert bob.session(incoming).state is alice.session(call).state is CallState.ESTABLISHED


@pytest.mark.parametrize(
    ("kind", "wanted", "found"),
    [
        ("text/plain", "Text/Plain;charset=x", b"whole"),
        ("text/plain", "text/html", None),
        ("", "text/plain", None),
        ("multipart/mixed", "text/plain", None),
    ],
)
def test_a_body_that_is_no_multipart_is_its_own_part(kind: str, wanted: str, found: bytes | None) -> None:
    assert find_part(kind, b"whole", wanted) == found


def test_a_part_is_found_within_multiparts_and_the_first_of_two_counts() -> None:
    inner = join([("text/plain", b"deep"), ("a/b", b"1")])
    outer = join([("a/c", b"2"), inner, ("A/B ; x=y", b"3")])
    assert [find_part(*outer, wanted) for wanted in ("a/b", "a/c", "text/plain", "a/d")] == [b"1", b"2", b"deep", None]


def test_a_part_that_lies_too_deep_is_not_looked_for() -> None:
    nested = join([("a/b", b"1")])
    for _ in range(MAX_DEPTH):
        nested = join([nested])
    assert find_part(*nested, "a/b") is None


@given(st.lists(st.tuples(st.sampled_from(["a/b", 'text/plain;x="y"']), st.binary(max_size=60)), min_size=1))
def test_parts_come_back_as_they_were_joined(pieces: list[tuple[str, bytes]]) -> None:
    kind, body = join(pieces)
    assert list(parts(body, boundary_of(kind))) == pieces
