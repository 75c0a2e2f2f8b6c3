"""URIs: parts, round trips, equality of RFC 3261 section 19.1.4."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipflow.sip.uri import OtherUri, SipUri, UriError, check_uri, escape_header, escape_user, parse_uri, unescape

ROUND_TRIPS = [
    "sip:localhost",
    "sip:alice@atlanta.example.com",
    "sip:alice:secret@atlanta.example.com:5060;transport=tcp",
    "sips:alice@atlanta.example.com?subject=project%20x&priority=urgent",
    "sip:+1-212-555-1212:1234@gateway.example.com;user=phone",
    "sip:atlanta.example.com;method=REGISTER?to=alice%40atlanta.example.com",
    "sip:alice;day=tuesday@atlanta.example.com",
    "sip:user@[2001:db8::10]:5070;maddr=[::1];lr",
    "sip:null-%00-null@example.com",
    "sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*:&it+has=1,weird!*pas$wo~d_too.(doesn't-it)@example.com",
    "tel:+1-201-555-0123;phone-context=example.com",
    "urn:service:sos",
    "soap.beep://192.0.2.103:3002",
]


@pytest.mark.parametrize("text", ROUND_TRIPS)
def test_text_comes_back_as_it_was(text: str) -> None:
    assert str(parse_uri(text)) == text
    check_uri(text)


def test_parts_of_a_full_uri() -> None:
    uri = parse_uri("SIPS:al%69ce:pw@[2001:DB8::1]:5061;transport=TLS;lr?Replaces=a%3Bb&x=")
    assert uri == SipUri(
        "sips",
        "al%69ce",
        "pw",
        "2001:DB8::1",
        5061,
        (("transport", "TLS"), ("lr", None)),
        (("Replaces", "a%3Bb"), ("x", "")),
    )
    assert isinstance(uri, SipUri)
    assert uri.parameter("Transport") == "TLS"
    assert uri.parameter("lr") == ""
    assert uri.parameter("maddr") is None
    assert uri.host_port == "[2001:DB8::1]:5061"
    assert "?" not in str(uri.without_headers())


def test_user_with_semicolon_and_question_mark_ends_at_the_at_sign() -> None:
    uri = parse_uri("sip:user;par=u%40example.net?x@example.com")
    assert isinstance(uri, SipUri)
    assert (uri.user, uri.host, uri.parameters) == ("user;par=u%40example.net?x", "example.com", ())


def test_brackets_decide_between_address_and_port() -> None:
    ambiguous, unambiguous = parse_uri("sip:[2001:db8::10:5070]"), parse_uri("sip:[2001:db8::10]:5070")
    assert isinstance(ambiguous, SipUri)
    assert isinstance(unambiguous, SipUri)
    assert (ambiguous.host, ambiguous.port) == ("2001:db8::10:5070", None)
    assert (unambiguous.host, unambiguous.port) == ("2001:db8::10", 5070)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "alice",
        "sip:",
        "sip :host",
        "sip: host",
        "sip:user:password",
        "sip:user@",
        "sip:@",
        "sip:@host",
        "sip:2001:db8::10",
        "sip:host:65536",
        "sip:host:99999999999",
        "sip:host;a b",
        "sip:a@b@c",
        "<sip:host>",
        "sip:host\r\nVia: x",
        "sip:hôst",
    ],
)
def test_what_is_no_uri_is_refused(text: str) -> None:
    with pytest.raises(UriError):
        parse_uri(text)
    with pytest.raises(UriError):
        check_uri(text)


EQUIVALENT = [
    ("sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtlanTa.CoM;Transport=tcp"),
    ("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"),
    ("sip:carol@chicago.com;newparam=5", "sip:carol@chicago.com;security=on"),
    (
        "sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
        "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com",
    ),
    (
        "sip:alice@atlanta.com?subject=project%20x&priority=urgent",
        "sip:alice@atlanta.com?priority=urgent&subject=project%20x",
    ),
    ("sip:a@[2001:db8::1]", "sip:a@[2001:DB8:0::1]"),
    ("TEL:+123", "tel:+123"),
]
DIFFERENT = [
    ("SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP"),
    ("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"),
    ("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"),
    ("sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp"),
    ("sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting"),
    ("sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4"),
    ("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off"),
    ("sip:bob@biloxi.com", "sips:bob@biloxi.com"),
    ("sip:a%2Fb@biloxi.com", "sip:a/b@biloxi.com"),
    ("sip:bob@biloxi.com", "sip:bob:pw@biloxi.com"),
    ("tel:+123", "sip:+123@biloxi.com"),
]


@pytest.mark.parametrize(("one", "other"), EQUIVALENT)
def test_uris_that_the_rfc_calls_equal(one: str, other: str) -> None:
    assert parse_uri(one).equivalent(parse_uri(other))
    assert parse_uri(other).equivalent(parse_uri(one))


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_uris_that_the_rfc_calls_different(one: str, other: str) -> None:
    assert not parse_uri(one).equivalent(parse_uri(other))
    assert not parse_uri(other).equivalent(parse_uri(one))


def test_other_schemes_are_opaque() -> None:
    assert parse_uri("nobodyKnowsThisScheme:totallyopaquecontent") == OtherUri(
        "nobodyKnowsThisScheme", "totallyopaquecontent"
    )


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_can_be_user_and_header_value(text: str) -> None:
    uri = parse_uri(f"sip:{escape_user(text) or 'x'}@host?subject={escape_header(text)}")
    assert isinstance(uri, SipUri)
    assert unescape(uri.user or "") == (text or "x")
    assert [unescape(value) for _, value in uri.headers] == [text]


NAMES = st.from_regex(r"[A-Za-z0-9_.!~*'()%$&+-]{1,8}", fullmatch=True)
VALUES = st.from_regex(r"[A-Za-z0-9_.!~*'()\[\]/:&+$%-]{0,8}", fullmatch=True)
URIS = st.builds(
    SipUri,
    st.sampled_from(["sip", "sips"]),
    st.from_regex(r"[A-Za-z0-9_.!~*'()&=+$,;?/%-]{1,12}", fullmatch=True),
    st.none() | st.from_regex(r"[A-Za-z0-9&=+$,]{0,8}", fullmatch=True),
    st.from_regex(r"[a-z0-9][a-z0-9.-]{0,12}", fullmatch=True) | st.ip_addresses().map(str),
    st.none() | st.integers(0, 65_535),
    st.lists(st.tuples(NAMES, st.none() | VALUES), max_size=4).map(tuple),
    st.lists(
        st.tuples(NAMES.filter(lambda name: "&" not in name), VALUES.filter(lambda v: "&" not in v)), max_size=3
    ).map(tuple),
)


@given(URIS)
def test_parsing_the_text_of_a_uri_gives_the_uri(uri: SipUri) -> None:
    assert parse_uri(str(uri)) == uri
    assert uri.equivalent(uri)


@given(st.text(max_size=60) | st.from_regex(r"sips?:[a@:;?&=\[\]%1. <>]{0,40}"))
def test_any_text_is_a_uri_or_refused(text: str) -> None:
    try:
        uri = parse_uri(text)
    except UriError:
        return
    assert parse_uri(str(uri)) == uri
