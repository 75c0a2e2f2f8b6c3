"""Messages: look-up and change of fields, tolerance of reading, exactness of writing, limits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipflow.errors import MisuseError
from sipflow.sip.headers import CSeq, HeaderError
from sipflow.sip.message import Headers, Limits, MessageError, Request, Response, parse_message

INVITE = (
    b"INVITE sip:bob@192.0.2.2 SIP/2.0\r\n"
    b"Via: SIP/2.0/UDP 192.0.2.1:5060;rport;branch=z9hG4bK776\r\n"
    b"Via: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK000\r\n"
    b"f: Alice <sip:alice@192.0.2.1>;tag=9fxced76sl\r\n"
    b"T: Bob <sip:bob@192.0.2.2>\r\n"
    b"CALL-ID: 3848276298220188511@192.0.2.1\r\n"
    b"cseq:1 INVITE\r\n"
    b"Allow: INVITE, ACK\r\n"
    b"Allow: BYE\r\n"
    b"c: application/SDP;x=1\r\n"
    b"l: 4\r\n"
    b"\r\n"
    b"v=0\n"
)
OK = INVITE.replace(b"INVITE sip:bob@192.0.2.2 SIP/2.0", b"SIP/2.0 200 OK", 1)
CORE = b"Via: SIP/2.0/UDP h;branch=1\r\nFrom: sip:a@b;tag=1\r\nTo: sip:c@d\r\nCall-ID: x\r\nCSeq: 1 BYE\r\n"
BYE = b"BYE sip:a@b SIP/2.0\r\n" + CORE


def refusal(data: bytes, limits: Limits | None = None) -> MessageError:
    with pytest.raises(MessageError) as error:
        parse_message(data, limits) if limits else parse_message(data)
    return error.value


# --- reading ---


def test_request_and_its_views() -> None:
    message = parse_message(INVITE)
    assert isinstance(message, Request)
    assert (message.method, message.uri, message.version) == ("INVITE", "sip:bob@192.0.2.2", "SIP/2.0")
    assert (message.branch, message.via.port, message.via.wants_rport) == ("z9hG4bK776", 5060, True)
    assert (message.call_id, message.cseq) == ("3848276298220188511@192.0.2.1", CSeq(1, "INVITE"))
    assert (message.from_.display_name, message.from_.tag, message.from_tag) == ("Alice", "9fxced76sl", "9fxced76sl")
    assert (message.to.uri, message.to.tag, message.to_tag) == ("sip:bob@192.0.2.2", None, "")
    assert (message.content_type, message.body) == ("application/sdp", b"v=0\n")


def test_response_and_its_reason() -> None:
    message = parse_message(OK)
    assert isinstance(message, Response)
    assert (message.status_code, message.reason_phrase) == (200, "OK")


@pytest.mark.parametrize("data", [INVITE, OK, BYE + b"\r\n"])
def test_unchanged_message_is_written_as_it_came(data: bytes) -> None:
    assert parse_message(data).to_bytes(fix_content_length=False) == data


def test_bytes_that_are_no_utf8_survive() -> None:
    data = BYE + b"X-\xff: \xc3\x28\xfe\x00\r\nSubject: \xc3\xa9\r\nContent-Length: 0\r\n\r\n"
    message = parse_message(data)
    assert message.headers.get("subject") == "é"
    assert message.to_bytes() == data


@pytest.mark.parametrize(
    "data",
    [
        INVITE.replace(b"\r\n", b"\n"),
        b"\r\n\r\n\n" + INVITE,
        INVITE.replace(b"\r\nf:", b"\nf:"),
        INVITE.replace(b" SIP/2.0\r\n", b"\t sip/2.0 \r\n", 1),
        INVITE + b"\r\nnext",
        INVITE.replace(b"l: 4\r\n", b""),
        INVITE.replace(b"l: 4", b"Content-Length \t: 0004"),
        INVITE.replace(b"l: 4", b"l: 4\r\nContent-Length: 4"),
        INVITE.replace(b"cseq:1 INVITE", b"cseq:\r\n 1\r\n\tINVITE"),
        INVITE.replace(b"l: 4", b"no colon here\r\nl: 4"),
    ],
    ids=["lf", "blank-lines", "one-lf", "start-line", "trailing", "no-length", "zeros", "twice", "folded", "no-colon"],
)
def test_tolerated(data: bytes) -> None:
    message = parse_message(data)
    assert (message.branch, message.cseq, message.body) == ("z9hG4bK776", CSeq(1, "INVITE"), b"v=0\n")
    assert b"\n" not in message.to_bytes().partition(b"\r\n\r\n")[0].replace(b"\r\n", b"")


def test_fold_is_read_as_a_space_and_written_as_it_was() -> None:
    data = BYE + b"Subject: I know you're there,\r\n \t pick up\r\nContent-Length: 0\r\n\r\n"
    message = parse_message(data)
    assert message.headers.get("Subject") == "I know you're there, pick up"
    message.headers.add("X", "y")
    assert b"there,\r\n \t pick up\r\n" in message.to_bytes()


def test_no_empty_line_after_the_last_field() -> None:
    assert parse_message(BYE + b"Content-Length: 0\r\n").body == b""
    assert refusal(BYE + b"Content-Len").status_code == 400


@pytest.mark.parametrize(
    ("data", "status_code"),
    [
        (b"", None),
        (b"\r\n\r\n", None),
        (b"\0" * 12, None),
        (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", None),
        (b"BYE sip:a@b SIP/3.0\r\n" + CORE + b"\r\n", 505),
        (b"BYE sip:a@b SIP/x\r\n" + CORE + b"\r\n", 505),
        (b"B/YE sip:a@b SIP/2.0\r\n" + CORE + b"\r\n", 400),
        (b"BYE sip:a b SIP/2.0\r\n" + CORE + b"\r\n", 400),
        (b"BYE a SIP/2.0\r\n" + CORE + b"\r\n", 400),
        (b"BYE sip:a@b:99999 SIP/2.0\r\n" + CORE + b"\r\n", 400),
        (b"ACK sip:a b SIP/2.0\r\n" + CORE.replace(b"BYE", b"ACK") + b"\r\n", None),
        (b"SIP/2.0 99 x\r\n" + CORE + b"\r\n", None),
        (b"SIP/2.0 \xc2\xb200 x\r\n" + CORE + b"\r\n", None),
        (b"SIP/2.0 200 x\r\nVia: x\r\n\r\n", None),
        (BYE.replace(b"CSeq: 1 BYE", b"CSeq: 1 INVITE") + b"\r\n", 400),
        (BYE.replace(b"Call-ID: x", b"Call-ID:") + b"\r\n", 400),
        (BYE.replace(b"tag=1", b"tag=\x01 2") + b"\r\n", 400),
        (BYE + b"CSeq: 1 BYE\r\n\r\n", 400),
        (BYE + b"Content-Length: 1\r\n\r\n", 400),
        (BYE + b"Content-Length: \xd9\xa3\r\n\r\nabc", 400),
        (BYE + b"Content-Length: " + b"9" * 6000 + b"\r\n\r\nabc", 400),
        (BYE + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nabc", 400),
        (b"BYE sip:a@b SIP/2.0\r\nTo: sip:a@b\r\n\r\n", None),
    ],
)
def test_refused(data: bytes, status_code: int | None) -> None:
    assert refusal(data).status_code == status_code


def test_refusal_brings_what_an_answer_needs() -> None:
    error = refusal(BYE.replace(b"CSeq: 1 BYE", b"CSeq: x") + b"\r\n")
    assert isinstance(error.partial, Request)
    assert (error.partial.method, error.partial.branch, error.partial.headers.get("cseq")) == ("BYE", "1", "x")
    assert "CSeq" in error.problem
    with pytest.raises(HeaderError):
        _ = error.partial.cseq


@pytest.mark.parametrize("view", ["via", "branch", "call_id", "cseq", "from_", "to", "from_tag", "to_tag"])
@pytest.mark.parametrize("value", [None, "", ",", ";", "<", "1"])
def test_view_of_a_bad_or_missing_field_is_a_header_error(view: str, value: str | None) -> None:
    names = {"branch": "Via", "from_tag": "From", "to_tag": "To", "from_": "From", "call_id": "Call-ID"}
    headers = Headers() if value is None else Headers([(names.get(view, view), value)])
    if view == "call_id" and value:
        assert Request("BYE", "sip:a@b", headers).call_id == value
        return
    with pytest.raises(HeaderError):
        getattr(Request("BYE", "sip:a@b", headers), view)


def test_limits() -> None:
    limits = Limits(message_bytes=400, header_fields=10, header_bytes=60)
    assert parse_message(BYE + b"Content-Length: 0\r\n\r\n", limits)
    for data in (BYE + b"\r\n" + b"x" * 400, BYE + b"X: 1\r\n" * 6 + b"\r\n", BYE + b"X: " + b"y" * 60 + b"\r\n\r\n"):
        error = refusal(data, limits)
        assert error.status_code == 513
        assert error.partial is not None
        assert error.partial.branch == "1"


@given(st.binary(max_size=80) | st.builds(lambda tail: BYE + tail, st.binary(max_size=60)))
def test_any_bytes_are_a_message_or_a_message_error(data: bytes) -> None:
    try:
        parse_message(data).to_bytes()
    except MessageError as error:
        assert error.problem


# --- header fields ---


def test_look_up_by_any_name() -> None:
    headers = parse_message(INVITE).headers
    assert (
        headers.get("From") == headers.get("f") == headers.get("FROM") == "Alice <sip:alice@192.0.2.1>;tag=9fxced76sl"
    )
    assert headers.get("nothing") is None
    assert "allow" in headers
    assert "Subject" not in headers
    assert headers.get_all("v") == [
        "SIP/2.0/UDP 192.0.2.1:5060;rport;branch=z9hG4bK776",
        "SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK000",
    ]
    assert headers.values("Allow") == ["INVITE", "ACK", "BYE"]
    assert headers.items()[2][0] == "f"
    assert len(headers) == 10


def test_changes_keep_the_order() -> None:
    headers = Headers([("Via", "1"), ("To", "a"), ("Via", "2"), ("X-Any", "b")])
    headers.insert_first("Via", "0")
    headers.replace_first("t", "c")
    headers.set("X-Any", "d")
    headers.add("Y", "e")
    assert headers.items() == [("Via", "0"), ("Via", "1"), ("t", "c"), ("Via", "2"), ("X-Any", "d"), ("Y", "e")]
    headers.set("Via", "only")
    headers.remove("y")
    assert headers.items() == [("Via", "only"), ("t", "c"), ("X-Any", "d")]
    headers.insert_first("Route", "r")
    headers.replace_first("Z", "new")
    assert [name for name, _ in headers] == ["Route", "Via", "t", "X-Any", "Z"]


def test_field_is_inserted_before_the_first_of_its_name() -> None:
    headers = Headers([("To", "a"), ("v", "1"), ("From", "b")])
    headers.insert_first("Via", "0")
    assert headers.items() == [("To", "a"), ("Via", "0"), ("v", "1"), ("From", "b")]


def test_copy_is_independent() -> None:
    message = parse_message(INVITE)
    copy = message.headers.copy()
    assert copy == message.headers
    copy.remove("Via")
    copy.set("Call-ID", "other")
    assert message.branch == "z9hG4bK776"
    assert message.call_id != "other"
    assert copy != message.headers


def test_views_follow_the_headers() -> None:
    message = parse_message(INVITE)
    assert message.from_tag == "9fxced76sl"
    message.headers.set("From", "<sip:x@y>;tag=2")
    message.headers.insert_first("Via", "SIP/2.0/UDP new;branch=z9hG4bKnew")
    assert (message.from_tag, message.from_.tag, message.branch, message.via.host) == ("2", "2", "z9hG4bKnew", "new")
    message.headers.remove("cseq")
    with pytest.raises(HeaderError):
        _ = message.cseq


@pytest.mark.parametrize(("name", "value"), [("X", "a\r\nVia: b"), ("X", "a\nb"), ("X\r\nY", "a"), ("X:Y", "a")])
def test_no_value_starts_a_line_of_its_own(name: str, value: str) -> None:
    for change in (Headers.add, Headers.set, Headers.insert_first, Headers.replace_first):
        with pytest.raises(MisuseError):
            change(Headers([("X", "1")]), name, value)


# --- writing ---


def test_written_message() -> None:
    headers = Headers([("Via", "SIP/2.0/UDP h"), ("Call-ID", "1")])
    assert Request("OPTIONS", "sip:a@b", headers, b"hi").to_bytes() == (
        b"OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP h\r\nCall-ID: 1\r\nContent-Length: 2\r\n\r\nhi"
    )
    assert Response(486).to_bytes() == b"SIP/2.0 486 Busy Here\r\nContent-Length: 0\r\n\r\n"
    assert Response(200, "").to_bytes(fix_content_length=False) == b"SIP/2.0 200 \r\n\r\n"
    assert "Content-Length" not in headers


def test_content_length_is_made_right_in_its_place() -> None:
    message = parse_message(INVITE)
    message.body = b"longer body"
    assert b"c: application/SDP;x=1\r\nContent-Length: 11\r\n\r\nlonger body" in message.to_bytes()
    assert b"l: 4\r\n\r\nlonger body" in message.to_bytes(fix_content_length=False)


def test_character_that_no_bytes_stand_for() -> None:
    with pytest.raises(MisuseError):
        Request("OPTIONS", "sip:a@b", Headers([("X", "\ud800")])).to_bytes()


VALUE = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n"), max_size=20).map(
    lambda text: text.strip(" \t")
)
FIELD = st.tuples(st.from_regex(r"X-[A-Za-z0-9-]{1,8}", fullmatch=True), VALUE)


@given(st.lists(FIELD, max_size=5), st.binary(max_size=30))
def test_written_message_is_read_as_it_was(fields: list[tuple[str, str]], body: bytes) -> None:
    core = [line.split(": ", 1) for line in CORE.decode().split("\r\n")[:-1]]
    request = Request("BYE", "sip:a@b", Headers([*((name, value) for name, value in core), *fields]), body)
    read = parse_message(request.to_bytes())
    assert isinstance(read, Request)
    assert (read.method, read.uri, read.body) == ("BYE", "sip:a@b", body)
    assert read.headers.items()[:-1] == request.headers.items()
    assert read.to_bytes() == request.to_bytes()


def test_a_carriage_return_on_its_own_is_white_space_in_a_value_and_stays_in_the_line() -> None:
    data = BYE + b"Subject: one\rtwo\r\nContent-Length: 0\r\n\r\n"
    message = parse_message(data)
    assert message.headers.get("Subject") == "one two"
    assert message.to_bytes(fix_content_length=False) == data
