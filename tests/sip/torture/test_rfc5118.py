"""RFC 5118: IPv6 addresses where they are easily misread. Each is read to the right values, written back byte for byte,
and gets what a message without them gets."""

from __future__ import annotations

from sipflow.sdp.session import SessionDescription
from sipflow.sip.headers import Via
from tests.sip.torture.messages import contacts, needs_corpora, refusal, request, rfc5118, sip_uri, user_agent

pytestmark = needs_corpora


def test_ipv6_good() -> None:
    """4.1: addresses in brackets in Request-URI, Via and Contact."""
    data = rfc5118("ipv6-good")
    message = request(data)
    assert (sip_uri(message.uri).host, message.via.host) == ("2001:db8::10", "2001:db8::9:1")
    assert [sip_uri(contact.uri).host for contact in contacts(message)] == ["2001:db8::1"]
    assert user_agent(data, "REGISTER").codes == [200]


def test_ipv6_bad() -> None:
    """4.2: an address without brackets in the Request-URI: 400."""
    data = rfc5118("ipv6-bad")
    assert refusal(data).problem == "not a SIP URI: 'sip:2001:db8::10'"
    assert user_agent(data, "REGISTER").codes == [400]


def test_port_ambiguous() -> None:
    """4.3: what looks like a port within the brackets is part of the address: the port is the default."""
    data = rfc5118("port-ambiguous")
    uri = sip_uri(request(data).uri)
    assert (uri.host, uri.port) == ("2001:db8::10:5070", None)
    assert user_agent(data, "REGISTER").codes == [200]


def test_port_unambiguous() -> None:
    """4.4: a port behind the brackets."""
    data = rfc5118("port-unambiguous")
    uri = sip_uri(request(data).uri)
    assert (uri.host, uri.port) == ("2001:db8::10", 5070)
    assert user_agent(data, "REGISTER").codes == [200]


def test_via_received_param_with_delim() -> None:
    """4.5: `received` in brackets, as some write it. A BYE of no dialog: 481."""
    data = rfc5118("via-received-param-with-delim")
    assert request(data).via.received == "2001:db8::9:255"
    assert user_agent(data).codes == [481]


def test_via_received_param_no_delim() -> None:
    """4.5: `received` without brackets, as the grammar has it."""
    data = rfc5118("via-received-param-no-delim")
    assert (request(data).via.received, request(data).branch) == ("2001:db8::9:255", "z9hG4bKas3")
    assert user_agent(data).codes == [200]


def test_ipv6_in_sdp() -> None:
    """4.6: a session description with IPv6 addresses only. Its codecs are not ours: 488."""
    data = _with_its_length("ipv6-in-sdp")
    session = SessionDescription.parse(request(data).body)
    assert [str(line) for line in str(session).split("\r\n") if line.startswith("c=")] == ["c=IN IP6 2001:db8::20"]
    heard = user_agent(data)
    assert (len(heard.calls), heard.codes) == (1, [488])


def test_mult_ip_in_header() -> None:
    """4.7: IPv6 and IPv4 addresses in the Via hops of one request; all come back. A BYE of no dialog: 481."""
    data = rfc5118("mult-ip-in-header")
    hops = Via.parse_many(request(data).headers.get_all("Via"))
    assert [(hop.host, hop.port, hop.received) for hop in hops] == [
        ("2001:db8::9:1", 6050, None),
        ("192.0.2.1", None, None),
        ("2001:db8::9:255", None, "192.0.2.200"),
    ]
    heard = user_agent(data)
    assert heard.codes == [481]
    assert Via.parse_many(heard.response.headers.get_all("Via"))[1:] == hops[1:]


def test_mult_ip_in_sdp() -> None:
    """4.8: a stream by IPv4 and one by IPv6 in one description: the audio is taken, the video is not."""
    data = _with_its_length("mult-ip-in-sdp")
    assert request(data).body.count(b"c=IN IP") == 2
    heard = user_agent(data)
    assert (len(heard.calls), heard.codes) == (1, [200])
    answer = heard.response.body.decode()
    assert [line.split()[1] == "0" for line in answer.split("\r\n") if line.startswith("m=")] == [False, True]


def test_ipv4_mapped_ipv6() -> None:
    """4.9: IPv4 addresses in the clothes of IPv6, in Via, Contact and SDP. Its codecs are not ours: 488."""
    data = _with_its_length("ipv4-mapped-ipv6")
    message = request(data)
    hops = Via.parse_many(message.headers.get_all("Via"))
    assert [(hop.host, hop.port) for hop in hops] == [("::ffff:192.0.2.10", 19823), ("::ffff:192.0.2.2", None)]
    assert [sip_uri(contact.uri).host for contact in contacts(message)] == ["::ffff:192.0.2.2"]
    heard = user_agent(data)
    assert (len(heard.calls), heard.codes) == (1, [488])


def test_ipv6_bug_abnf_3_colons() -> None:
    """4.10: three colons, which only the grammar of RFC 3261 before its correction allows: read, since nothing else can
    be meant."""
    data = rfc5118("ipv6-bug-abnf-3-colons")
    assert sip_uri(request(data).uri).host == "2001:db8:::192.0.2.1"
    assert user_agent(data).codes == [200]


def test_ipv6_correct_abnf_2_colons() -> None:
    """4.10: the same address as it should be written."""
    data = rfc5118("ipv6-correct-abnf-2-colons")
    assert sip_uri(request(data).uri).host == "2001:db8::192.0.2.1"
    assert user_agent(data).codes == [200]


def _with_its_length(name: str) -> bytes:
    """The archive's bodies lack line ends that their Content-Length counts: it is made that of the body."""
    head, _, body = rfc5118(name).partition(b"\r\n\r\n")
    lines = [line for line in head.split(b"\r\n") if not line.startswith(b"Content-Length")]
    return b"\r\n".join([*lines, b"Content-Length: %d" % len(body), b"", body])
