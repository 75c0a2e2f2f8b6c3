"""Messages that break the rules: what each edit does to the bytes, and that repetitions keep it."""

from __future__ import annotations

import pytest

from sipflow import events
from sipflow.multipart import boundary_of, find_part, parts
from sipflow.sip.edits import Edit, EditError, apply_edits, copies
from sipflow.sip.message import parse_message
from tests.sip.pair import drop_first, media, what

MESSAGE = b"BYE sip:b SIP/2.0\r\nVia: SIP/2.0/UDP a\r\nf: <sip:a>\r\nCSeq: 7 BYE\r\nContent-Length: 4\r\n\r\nbody"


@pytest.mark.parametrize(
    ("edit", "before", "after"),
    [
        (Edit("start_line", value="BYE sip:b SIP/9"), b"BYE sip:b SIP/2.0\r\n", b"BYE sip:b SIP/9\r\n"),
        (Edit("replace", "via", "nonsense"), b"Via: SIP/2.0/UDP a\r\n", b"via: nonsense\r\n"),
        (Edit("replace", "From", "<sip:c"), b"f: <sip:a>\r\n", b"From: <sip:c\r\n"),
        (Edit("remove", "From"), b"f: <sip:a>\r\n", b""),
        (Edit("double", "CSeq"), b"CSeq: 7 BYE\r\n", b"CSeq: 7 BYE\r\nCSeq: 7 BYE\r\n"),
        (Edit("cseq", value="1"), b"CSeq: 7 BYE", b"CSeq: 1 BYE"),
        (Edit("content_length", value="-3"), b"Content-Length: 4", b"Content-Length: -3"),
        (Edit("add", "X y", "ß"), b"Length: 4\r\n", "Length: 4\r\nX y: ß\r\n".encode()),
    ],
)
def test_one_change_and_nothing_else(edit: Edit, before: bytes, after: bytes) -> None:
    assert MESSAGE.count(before) == 1
    assert apply_edits([edit], MESSAGE) == MESSAGE.replace(before, after)


def test_they_are_made_in_their_order() -> None:
    edits = [Edit("add", "A", "1"), Edit("double", "A"), Edit("replace", "A", "2")]
    assert apply_edits(edits, MESSAGE).endswith(b"\r\nA: 2\r\nA: 1\r\n\r\nbody")


@pytest.mark.parametrize("kind", ["replace", "remove", "double"])
def test_what_is_not_there_cannot_be_changed(kind: str) -> None:
    with pytest.raises(EditError, match="there is no Subject to"):
        apply_edits([Edit(kind, "Subject", "x")], MESSAGE)


def test_a_part_stands_behind_the_body_that_is_there() -> None:
    usual = b"Via: SIP/2.0/UDP a;branch=z9hG4bK1\r\nf: <sip:a>;tag=1\r\nt: <sip:b>\r\ni: 1\r\nCSeq: 1 INVITE\r\n"
    own = b"INVITE sip:b SIP/2.0\r\n" + usual + b"c: application/sdp\r\nl: 3\r\n\r\nv=0"
    added = [Edit("part", "application/isup;version=x", "01 00"), Edit("part", "text/plain", "ß")]
    message = parse_message(apply_edits(added, own))
    kind = message.headers.get("Content-Type") or ""
    assert message.headers.get_all("Content-Type") == [kind] and kind.startswith("multipart/mixed;boundary=")
    assert message.headers.get_all("Content-Length") == [str(len(message.body))]
    assert message.headers.get("MIME-Version") == "1.0"
    assert list(parts(message.body, boundary_of(kind))) == [
        ("application/sdp", b"v=0"),
        ("application/isup;version=x", b"01 00"),
        ("text/plain", "ß".encode()),
    ]
    assert apply_edits(added, own) == apply_edits(added, own), "the same message is the same bytes"


def test_a_part_alone_and_its_length_as_it_is_broken_on_purpose() -> None:
    bare = b"BYE sip:b SIP/2.0\r\nContent-Length: 0\r\n\r\n"
    data = apply_edits([Edit("content_length", value="7"), Edit("part", "text/plain", "x")], bare)
    assert data.count(b"Content-Length") == 1 and b"Content-Length: 7\r\n" in data
    head, _, body = data.partition(b"\r\n\r\n")
    kind = head.partition(b"Content-Type: ")[2].partition(b"\r\n")[0].decode()
    assert list(parts(body, boundary_of(kind))) == [("text/plain", b"x")]


def test_an_offer_among_other_parts_is_answered_and_so_is_an_answer_taken(world, alice, bob):
    isup = (Edit("part", "application/isup", "01"),)
    with alice.ua.editing(isup):
        alice.do("invite", "c1", bob.uri, media(4000))
    world.settle()
    assert find_part(*body_of(bob.events(events.CallIncoming)[0]), "application/isup") == b"01"
    with bob.ua.editing(isup):
        bob.do("answer", "bob-in1", media(5000))
    world.settle()
    assert alice.events(events.MediaNegotiated)[0].params.remote_port == 5000
    assert bob.events(events.MediaNegotiated)[0].params.remote_port == 4000
    with alice.ua.editing(isup):
        alice.do("release", "c1")
    world.settle()
    ended = bob.events(events.CallEnded)[0]
    assert find_part(*body_of(ended), "application/isup") == b"01"
    assert ("CSeq", "2 BYE") in ended.headers


def body_of(event):
    """Content-Type and body of what came."""
    return dict(event.headers)["Content-Type"], event.body.encode()


def test_the_number_of_copies() -> None:
    assert copies([Edit("copies", value="3"), Edit("no_ack")]) == 3 and copies([]) == 1


def edited(agent, *edits, command, **keywords):
    with agent.ua.editing(edits):
        return agent.do(*command, **keywords)


def test_a_request_is_repeated_as_it_was_changed(world, alice, bob):
    world.drop = drop_first(2, "OPTIONS")
    edited(alice, Edit("add", "X-Odd", "1"), command=("request", "OPTIONS"), target=bob.uri)
    world.run()
    sent = {event.data for event in alice.events(events.SipSent)}
    assert len(sent) == 1 and b"X-Odd: 1\r\n" in sent.pop()
    assert [event.code for event in alice.events(events.ResponseReceived)] == [200]


def test_an_answer_is_repeated_as_it_was_changed_until_its_ack(world, alice, bob):
    alice.do("invite", "c1", bob.uri, media())
    world.settle()
    world.drop = drop_first(2, "ACK")
    edited(bob, Edit("add", "X-Odd", "1"), Edit("copies", value="2"), command=("answer", "bob-in1", media(5000)))
    world.run_for(4)
    answers = [event.data for event in bob.events(events.SipSent) if event.data.startswith(b"SIP/2.0 200")]
    assert len(answers) >= 2 and len(set(answers)) == 1 and b"X-Odd" in answers[0]
    assert [event.code for event in alice.events(events.CallAnswered)] == [200]


def test_what_comes_next_is_not_changed(world, alice, bob):
    edited(alice, Edit("add", "X-Odd", "1"), command=("invite", "c1", bob.uri, media()))
    world.settle()
    bob.do("answer", "bob-in1", media(5000))
    world.settle()
    alice.do("release", "c1")
    world.run()
    odd = [what(message) for message in alice.messages() if message.headers.get("X-Odd")]
    assert odd == ["INVITE"]


def test_an_edit_of_what_is_not_there_ends_the_call_with_the_reason(world, alice, bob):
    edited(alice, Edit("remove", "X-Odd"), command=("invite", "c1", bob.uri, media()))
    world.run()
    rejected = alice.events(events.CallRejected)[0]
    assert rejected.code == 503 and rejected.reason.startswith("there is no X-Odd to remove in INVITE")
    assert alice.ua.idle and alice.events(events.SipSent) == []


def test_a_2xx_without_its_ack(world, alice, bob):
    edited(alice, Edit("no_ack"), command=("invite", "c1", bob.uri, media()))
    world.settle()
    bob.do("answer", "bob-in1", media(5000))
    world.run()
    assert "ACK" not in alice.sent()
    assert sum(what(message) == "200 INVITE" for message in bob.messages()) == 11, "T1 doubled up to T2, for 64*T1"
    assert bob.events(events.CallEnded)[0].reason == "no ACK came"


def test_a_rejection_without_its_ack(world, alice, bob):
    edited(alice, Edit("no_ack"), command=("invite", "c1", bob.uri, media()))
    world.settle()
    bob.do("reject", "bob-in1", 486, None)
    world.run()
    assert "ACK" not in alice.sent()
    assert sum(what(message) == "486 INVITE" for message in bob.messages()) == 11
    assert [event.code for event in alice.events(events.CallRejected)] == [486]
    assert alice.ua.idle and bob.ua.idle


# --- out of turn ---


def test_responses_at_any_time(world, alice, bob):
    alice.do("invite", "c1", bob.uri, media())
    world.settle()
    bob.do("respond", "bob-in1", 183, None)
    bob.do("answer", "bob-in1", media(5000))
    world.settle()
    bob.do("respond", "bob-in1", 200, "Again")
    bob.do("respond", "bob-in1", 486, None)
    world.settle()
    alice.do("release", "c1")
    world.settle()
    bob.do("respond", "bob-in1", 481, None, method="BYE")
    world.run()
    assert [what(message) for message in bob.messages()][-5:] == [
        "200 INVITE", "200 INVITE", "486 INVITE", "200 BYE", "481 BYE",
    ]  # fmt: skip
    again = [message for message in bob.messages() if what(message) == "200 INVITE"][-1]
    assert again.reason_phrase == "Again" and again.body and again.to_tag == alice.session("c1").remote_tag
    assert [event.code for event in alice.events(events.CallReleased)] == [200]


def test_raw_text_and_what_comes_back(world, alice, bob):
    head = "OPTIONS sip:bob SIP/3.0\r\nVia: SIP/2.0/UDP 192.0.2.1;rport;branch=z9hG4bK-raw\r\n"
    text = (
        head + "From: <sip:a@x>;tag=1\r\nTo: <sip:b@x>\r\nCall-ID: raw\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
    )
    alice.do("send_raw", b"nonsense", target=bob.uri)
    alice.do("send_raw", text.encode(), target=bob.uri)
    world.run()
    told = alice.events(events.ResponseReceived)
    assert [(event.request, event.code, event.method) for event in told] == [(0, 505, "OPTIONS")]
    assert bob.events(events.SipReceived)[0].problem
