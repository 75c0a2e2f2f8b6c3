"""Header values: parts, leniency, refusals, round trips."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipflow.sip.headers import (
    CSeq,
    HeaderError,
    NameAddr,
    ReferTo,
    Replaces,
    RetryAfter,
    StatusLine,
    SubscriptionState,
    Via,
    name_addr_tag,
    parse_parameters,
    reason_phrase,
    split_list,
    via_branch,
)
from tests.pace import at_most

TOKEN = st.from_regex(r"[A-Za-z0-9\-.!%*_+`'~]{1,10}", fullmatch=True)
QUOTED = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n"), max_size=8).map(
    lambda text: '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
)
PARAMETERS = st.lists(st.tuples(TOKEN, st.none() | TOKEN | QUOTED), max_size=4).map(tuple)
HOST = st.from_regex(r"[a-z0-9][a-z0-9.-]{0,12}", fullmatch=True) | st.ip_addresses().map(str)
PORT = st.none() | st.integers(0, 65_535)
URI = st.from_regex(r"sip:[a-z0-9;?,=%-]{1,8}@[a-z0-9.]{1,8}(;[a-z]{1,4}(=[a-z]{1,4})?){0,2}", fullmatch=True)
NAME = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n"), max_size=12)


# --- Via ---


def test_via_with_everything() -> None:
    via = Via.parse("SIP/2.0/UDP [2001:db8::9:1]:6050;rport=5070;received=192.0.2.7;branch=z9hG4bKas3-111;x")
    assert (via.transport, via.host, via.port) == ("UDP", "2001:db8::9:1", 6050)
    assert (via.branch, via.received, via.rport, via.wants_rport) == ("z9hG4bKas3-111", "192.0.2.7", 5070, True)
    assert via.sent_by == "[2001:db8::9:1]:6050"
    assert via.parameter("X") == ""
    assert via.response_target == ("192.0.2.7", 5070)


def test_via_asks_for_rport_before_it_is_filled_in() -> None:
    via = Via.parse("SIP/2.0/UDP host;rport;branch=z9hG4bK1")
    assert (via.wants_rport, via.rport, via.response_target) == (True, None, ("host", 5060))
    filled = via.with_parameter("rport", "5099").with_parameter("received", "192.0.2.1")
    assert str(filled) == "SIP/2.0/UDP host;rport=5099;branch=z9hG4bK1;received=192.0.2.1"
    assert filled.response_target == ("192.0.2.1", 5099)


def test_response_goes_to_maddr_first() -> None:
    via = Via.parse("SIP/2.0/UDP host:5070;maddr=192.0.2.9;received=192.0.2.1")
    assert via.response_target == ("192.0.2.9", 5070)


@pytest.mark.parametrize("address", ["2001:db8::9:255", "[2001:db8::9:255]"])
def test_received_comes_with_and_without_brackets(address: str) -> None:
    assert Via.parse(f"SIP/2.0/UDP [::1];received={address};branch=z9hG4bKas3").received == "2001:db8::9:255"


def test_via_with_white_space_everywhere() -> None:
    hops = Via.parse_many(
        "SIP  / 2.0  / TCP     spindle.example.com   ;  branch  =   z9hG4bK9ikj8  , SIP/2.0/UDP h ; a=1"
    )
    assert [(hop.transport, hop.host, hop.branch) for hop in hops] == [
        ("TCP", "spindle.example.com", "z9hG4bK9ikj8"),
        ("UDP", "h", ""),
    ]


@pytest.mark.parametrize(
    "text",
    [
        *("", ",", "SIP/2.0/UDP", "SIP/2.0/UDP 192.0.2.15;;,;,,", "SIP/2.0/UDP h:65536", "SIP/2.0/UDP h:x"),
        *("UDP h;branch=1", "SIP/2.0/UDP 2001:db8::1", 'SIP/2.0/UDP h;a="', "SIP/2.0/UDP h;branch=a b"),
        "SIP/2.0/UDP h, x",
    ],
)
def test_bad_via_is_refused(text: str) -> None:
    with pytest.raises(HeaderError):
        via_branch(text)
    with pytest.raises(HeaderError):
        Via.parse(text)


@given(st.builds(Via, TOKEN, HOST, PORT, PARAMETERS))
def test_via_round_trip(via: Via) -> None:
    assert Via.parse(str(via)) == via
    assert via_branch(str(via)) == via.branch


# --- addresses ---


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sip:a@b;tag=1", NameAddr("sip:a@b", "", (("tag", "1"),))),
        ("<sip:a@b;lr>;tag=1", NameAddr("sip:a@b;lr", "", (("tag", "1"),))),
        ("caller<sip:caller@example.com>;tag=323", NameAddr("sip:caller@example.com", "caller", (("tag", "323"),))),
        ('"J R \\\\\\"" <sip:j@e>  ; tag = 98asjd8', NameAddr("sip:j@e", 'J R \\"', (("tag", "98asjd8"),))),
        ('"Watson, Thomas" < sip:t.watson@example.org >', NameAddr("sip:t.watson@example.org", "Watson, Thomas")),
        ("Bell, Alexander <sip:bell@e>;tag=43", NameAddr("sip:bell@e", "Bell, Alexander", (("tag", "43"),))),
        ("<http://www.example.com>;tag=3234233", NameAddr("http://www.example.com", "", (("tag", "3234233"),))),
        ("isbn:2983792873", NameAddr("isbn:2983792873")),
        ('"<;,>" <sip:a,b@c>;x="a;tag=2,";tag=1', NameAddr("sip:a,b@c", "<;,>", (("x", '"a;tag=2,"'), ("tag", "1")))),
        (" * ", NameAddr("*")),
    ],
)  # fmt: skip
def test_addresses_as_they_come(text: str, expected: NameAddr) -> None:
    assert NameAddr.parse(text) == expected
    assert NameAddr.parse(str(expected)) == expected


@pytest.mark.parametrize(
    "text",
    [
        *("", "alan@jasomi.com", "<>", "<sip:>x", '"Mr. J. User <sip:j.user@example.com>', "<sip:a@b>;;;;"),
        *("sip:a@b?Route=%3Csip:c%3E", "<sip:a@b", "a> <sip:a@b>", "sip:a@b c", "<sip:a@b>;tag=a b"),
        "sip:a@b, sip:c@d",
    ],
)
def test_bad_address_is_refused(text: str) -> None:
    with pytest.raises(HeaderError):
        NameAddr.parse(text)
    with pytest.raises(HeaderError):
        name_addr_tag(text)


def test_list_of_contacts_over_several_lines() -> None:
    lines = ['"a, b" <sip:a,1@x;p=1>;q=0.7, sip:c@d', "<sip:e@f>"]
    assert [contact.uri for contact in NameAddr.parse_many(lines)] == ["sip:a,1@x;p=1", "sip:c@d", "sip:e@f"]


def test_parameters_inside_and_outside_the_angle_brackets() -> None:
    outside = NameAddr.parse("sip:+19725552222@gw1.example.net;unknownparam")
    inside = NameAddr.parse("<sip:+19725552222@gw1.example.net;unknownparam>")
    assert (outside.uri, outside.parameter("unknownparam")) == ("sip:+19725552222@gw1.example.net", "")
    assert (inside.uri, inside.parameters) == ("sip:+19725552222@gw1.example.net;unknownparam", ())


def test_tag_is_replaced_in_place_or_appended() -> None:
    assert str(NameAddr("sip:a@b").with_tag("x")) == "<sip:a@b>;tag=x"
    assert str(NameAddr.parse("<sip:a@b>;TAG=old;q=1").with_tag("new")) == "<sip:a@b>;TAG=new;q=1"
    assert NameAddr("sip:a@b").tag is None


@given(st.builds(NameAddr, URI, NAME, PARAMETERS))
def test_address_round_trip(address: NameAddr) -> None:
    assert NameAddr.parse(str(address)) == address
    assert name_addr_tag(str(address)) == (address.tag or "")
    assert NameAddr.parse_many(f"{address}, {address}") == [address, address]


# --- the smaller ones ---


def test_cseq() -> None:
    assert CSeq.parse("0009  INVITE") == CSeq(9, "INVITE")
    assert str(CSeq(4_294_967_295, "BYE")) == "4294967295 BYE"


@pytest.mark.parametrize(
    "text", ["", "1", "INVITE", "-1 INVITE", "1 INVITE x", "4294967296 BYE", "9" * 5000 + " BYE", "² A"]
)
def test_bad_cseq_is_refused(text: str) -> None:
    with pytest.raises(HeaderError):
        CSeq.parse(text)


def test_replaces() -> None:
    text = "98732@sip.example.com;from-tag=r33th4x0r;to-tag=ff87ff;early-only"
    assert Replaces.parse(text) == Replaces("98732@sip.example.com", "ff87ff", "r33th4x0r", early_only=True)
    for bad in ("a;to-tag=1", ";to-tag=1;from-tag=2", "a;from-tag=1", ""):
        with pytest.raises(HeaderError):
            Replaces.parse(bad)


def test_refer_to_takes_the_embedded_headers_out() -> None:
    refer_to = ReferTo.parse(
        "<sip:dave@denver.example.org?Replaces=12345%40192.168.118.3%3Bto-tag%3D12345%3Bfrom-tag%3D5FFE-3994&Subject=a%20b>"
    )
    assert refer_to.uri == "sip:dave@denver.example.org"
    assert refer_to.replaces == Replaces("12345@192.168.118.3", "12345", "5FFE-3994")
    assert refer_to.headers == (("Subject", "a b"),)
    assert ReferTo.parse(str(refer_to)) == refer_to


def test_refer_to_without_the_brackets_that_it_needs() -> None:
    assert ReferTo.parse("sip:a@b?Replaces=c%3Bto-tag%3D1%3Bfrom-tag%3D2").replaces == Replaces("c", "1", "2")


def test_refer_to_any_other_scheme() -> None:
    assert ReferTo.parse("<tel:+123?x>").uri == "tel:+123?x"


@pytest.mark.parametrize(
    "text", ["<sip:a@b?X=1%0d%0aVia:%20x>", "<sip:a@b?X%0A=1>", "<sip:a@b?Replaces=x>", "<sip:>", "x", "*"]
)
def test_bad_refer_to_is_refused(text: str) -> None:
    with pytest.raises(HeaderError):
        ReferTo.parse(text)


REPLACES = st.builds(
    Replaces, st.from_regex(r"[\w.<>:/\[\]{}%?+-]{1,9}@[a-z]{1,5}", fullmatch=True), TOKEN, TOKEN, st.booleans()
)


@given(REPLACES)
def test_replaces_round_trip_also_inside_refer_to(replaces: Replaces) -> None:
    assert Replaces.parse(str(replaces)) == replaces
    refer_to = ReferTo("sip:a@b;x=1", replaces, (("Subject", 'a&b=c?d"<>é'),), "Name")
    assert ReferTo.parse(str(refer_to)) == refer_to


def test_status_line_of_a_sipfrag() -> None:
    assert StatusLine.parse(b"SIP/2.0 200 OK\r\nTo: x\r\n") == StatusLine(200, "OK")
    assert StatusLine.parse("SIP/2.0 100") == StatusLine(100, "")
    assert StatusLine.parse(str(StatusLine(603, "Decline \xe9"))) == StatusLine(603, "Decline \xe9")
    for bad in (b"", b"INVITE sip:a@b SIP/2.0", b"SIP/2.0 1000 x", b"SIP/2.0 99 x", b"\xff\xfe"):
        with pytest.raises(HeaderError):
            StatusLine.parse(bad)


def test_subscription_state() -> None:
    state = SubscriptionState.parse("Terminated ; reason=noresource;expires=60")
    assert (state.state, state.reason, state.expires) == ("terminated", "noresource", 60)
    assert SubscriptionState.parse(str(state)) == state
    assert SubscriptionState.parse("active;expires=x").expires is None
    with pytest.raises(HeaderError):
        SubscriptionState.parse(";expires=1")


def test_retry_after() -> None:
    assert RetryAfter.parse("18000 (in a meeting);duration=3600") == RetryAfter(
        18000, "in a meeting", (("duration", "3600"),)
    )
    assert str(RetryAfter(5)) == "5"
    with pytest.raises(HeaderError):
        RetryAfter.parse("949302838503028349304023988")


def test_reason_phrases() -> None:
    assert reason_phrase(486) == "Busy Here"
    assert reason_phrase(199) == "Early Dialog Terminated"
    assert [reason_phrase(code) for code in (299, 499, 699)] == ["Success", "Client Error", "Global Failure"]


def test_lists_are_split_outside_quotes_and_brackets() -> None:
    assert split_list('a , "b,c\\",d" <x,y> ;p=1,, e,') == ["a", '"b,c\\",d" <x,y> ;p=1', "e"]
    assert split_list("a") == ["a"]
    assert split_list("") == []
    assert split_list('"never closed, x') == ['"never closed, x']


@given(st.lists(TOKEN | QUOTED | st.just("<a,b>"), max_size=6))
def test_split_list_undoes_join(parts: list[str]) -> None:
    assert split_list(", ".join(parts)) == parts


READERS: tuple[Callable[[str], object], ...] = (
    *(Via.parse, NameAddr.parse, CSeq.parse, Replaces.parse, ReferTo.parse, StatusLine.parse, RetryAfter.parse),
    *(SubscriptionState.parse, parse_parameters, via_branch, name_addr_tag),
)


@given(st.text(st.sampled_from('ab=;,"<>\\ \t@:/[]SIP2.0é'), max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    for read in READERS:
        try:
            read(text)
        except HeaderError:
            continue


@pytest.mark.parametrize(
    "unit", [" ", "\t;", ";a", ";a=", '"', '\\"', "<", ",", "a ", ";a ", ";a= ", "[", "SIP/2.0/UDP ", "((", "\\"]
)
@pytest.mark.parametrize("lead", ["", "SIP/2.0/UDP h", "<sip:a@b>", '"', "sip:a@b", "1 ", "<sip:a@b?"])
def test_no_text_takes_long(lead: str, unit: str) -> None:
    text = (lead + unit * 70_000)[:65_000]
    with at_most(2.0):
        for read in (*READERS, split_list):
            with contextlib.suppress(HeaderError):
                read(text)
