"""Warning headers (RFC 3261 section 20.43): why a session description was not taken, to peers and from them."""

from __future__ import annotations

import pytest

from sipflow import events
from sipflow.media_params import RtpFormat
from sipflow.sdp.security import Security, SecurityMode
from sipflow.sip.message import Response, parse_message
from sipflow.sip.warning import reason_with_warnings, warning_line
from tests.sip.pair import PCMA, PCMU, Agent, World, media

OPUS = RtpFormat("opus", 96, 48000, 2)


@pytest.mark.parametrize(
    ("offered", "warning"),
    [
        (
            media(4000, OPUS),
            '305 127.0.0.1 "Incompatible media format: no common codec: offered opus, here PCMU, PCMA"',
        ),
        (
            media(4000, PCMU, address="::1"),
            '301 127.0.0.1 "Incompatible network address formats: the peer\'s media address is IPv6, here it is IPv4"',
        ),
        (
            media(4000, PCMU, security=Security(SecurityMode.REQUIRED)),
            '302 127.0.0.1 "Incompatible transport protocol: audio was offered as RTP/SAVP, here it is RTP/AVP '
            '(`srtp off`)"',
        ),
    ],
    ids=["codec", "family", "protocol"],
)
def test_our_488_says_why_and_the_callers_reason_quotes_it(
    world: World, alice: Agent, bob: Agent, offered: object, warning: str
) -> None:
    alice.do("invite", "c1", bob.uri, offered)
    world.settle()
    bob.do("answer", "bob-in1", media(5000, PCMU, PCMA))
    world.settle()
    assert [m.headers.get("Warning") for m in bob.messages() if getattr(m, "status_code", 0) == 488] == [warning]
    code, _, text = warning.split(" ", 2)
    (rejected,) = alice.events(events.CallRejected)
    assert (rejected.code, rejected.reason) == (488, f"Not Acceptable Here (warning {code}: {text})")


def test_what_is_no_audio_and_what_cannot_be_read(world: World, alice: Agent, bob: Agent) -> None:
    video = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=video 4000 RTP/AVP 96\r\n"
    for call, body in (("c1", video), ("c2", "v=1\r\n")):
        alice.do("invite", call, bob.uri, media(), body=body.encode())
        world.settle()
        bob.do("answer", f"bob-in{call[1]}", media(5000))
        world.settle()
    sent = [m.headers.get("Warning") or "" for m in bob.messages() if getattr(m, "status_code", 0) == 488]
    assert [value.partition(":")[0] for value in sent] == [
        '304 127.0.0.1 "Media type not available',
        '399 127.0.0.1 "Miscellaneous warning',
    ]


def test_a_reinvite_that_is_refused_says_why(world: World, alice: Agent, bob: Agent) -> None:
    alice.do("invite", "c1", bob.uri, media())
    world.settle()
    bob.do("answer", "bob-in1", media(5000))
    world.settle()
    alice.do("modify", "c1", media(4000, OPUS))
    world.settle()
    (rejected,) = alice.events(events.CallModifyRejected)
    assert rejected.reason == (
        'Not Acceptable Here (warning 305: "Incompatible media format: no common codec: offered opus, here PCMU, PCMA")'
    )


def rejection(*warnings: str, more: str = "") -> Response:
    lines = "".join(f"Warning: {value}\r\n" for value in warnings) + more
    text = "SIP/2.0 606 No\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:b@b>;tag=2\r\n"
    message = parse_message(f"{text}Call-ID: c\r\nCSeq: 1 INVITE\r\n{lines}Content-Length: 0\r\n\r\n".encode())
    assert isinstance(message, Response)
    return message


@pytest.mark.parametrize(
    ("warnings", "told"),
    [
        ((), "No"),
        (('370 isi.edu:5060 "Insufficient bandwidth"',), 'No (warning 370: "Insufficient bandwidth")'),
        (
            ('301 a "Two, \\"of\\" them", 399 [::1]:5060 "x"', '304 b "y"'),
            'No (warning 301: "Two, \\"of\\" them"; warning 399: "x"; warning 304: "y")',
        ),
        (('399 "without its agent"',), 'No (warning 399: "without its agent")'),
        (('392 192.0.2.1:5060 "Noisy feedback tells: pid=17"',), "No"),
        (("399", "nonsense", '399 a "open'), "No"),
    ],
)
def test_the_texts_of_a_peers_warnings_are_read(warnings: tuple[str, ...], told: str) -> None:
    assert reason_with_warnings(rejection(*warnings)) == told


def test_a_line_without_a_name_is_no_reason() -> None:
    told = reason_with_warnings(rejection('399 a "x"', more=": nameless\r\n"))
    assert told == 'No (warning 399: "x")'


def test_an_extension_that_is_wanted_is_named(world: World) -> None:
    alice = world.agent("alice", provisional="off")
    bob = world.agent("bob", provisional="required")
    alice.do("invite", "c1", bob.uri, media())
    world.settle()
    alice.do("request", "OPTIONS", target=bob.uri, headers=(("Require", "teleport"),))
    world.settle()
    assert alice.events(events.CallRejected)[0].reason == "Extension Required (Require: 100rel)"
    assert alice.events(events.ResponseReceived)[0].reason == "Bad Extension (Unsupported: teleport)"


def test_a_problem_cannot_break_the_header() -> None:
    assert warning_line("::1", 'a "b"\r\nX: y') == 'Warning: 399 [::1] "Miscellaneous warning: a \\"b\\"??X: y"\r\n'
