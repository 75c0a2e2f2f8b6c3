"""RFC 4475 section 3.1.1: messages that look broken and are not. Each is read to the right values, is written back byte
for byte, and gets what any proper request gets."""

from __future__ import annotations

from sipflow.sip.headers import Via
from sipflow.sip.uri import parse_uri
from tests.sip.torture.messages import (
    contacts,
    needs_corpora,
    proxy,
    registrar,
    request,
    response,
    rfc4475,
    sip_uri,
    user_agent,
)

pytestmark = needs_corpora


def test_wsinv() -> None:
    """3.1.1.1: white space and folds wherever they may be, compact forms, escaped quotes, an empty Subject, unknown
    headers. It has a To tag of no dialog: 481."""
    data = rfc4475("wsinv")
    message = request(data)
    assert (message.to.uri, message.to_tag) == ("sip:vivekg@chair-dnrc.example.com", "1918181833n")
    assert (message.from_.display_name, message.from_tag) == ('J Rosenberg \\"', "98asjd8")
    assert (message.cseq.number, message.cseq.method, message.branch) == (9, "INVITE", "390skdjuw")
    hops = Via.parse_many(message.headers.get_all("Via"))
    assert [(hop.transport, hop.host, hop.branch) for hop in hops] == [
        ("UDP", "192.0.2.2", "390skdjuw"),
        ("TCP", "spindle.example.com", "z9hG4bK9ikj8"),
        ("UDP", "192.168.255.111", "z9hG4bK30239"),
    ]
    (contact,) = contacts(message)
    assert (contact.display_name, contact.parameter("q")) == ('Quoted string ""', "0.33")
    assert message.headers.get("NewFangledHeader") == "newfangled value continued newfangled value"
    assert message.headers.get("UnknownHeaderWithUnusualValue") == ";;,,;;,;"
    assert (message.headers.get("subject"), len(message.body)) == ("", 150)
    assert message.headers.get("Max-Forwards") == "0068"
    assert user_agent(data).codes == [481]


def test_intmeth() -> None:
    """3.1.1.2: a method, a display name, parameters and a user part of every character that may be there. The method is
    nobody's: 405."""
    data = rfc4475("intmeth")
    message = request(data)
    assert message.method == "!interesting-Method0123456789_*+`.%indeed'~"
    uri = sip_uri(message.uri)
    assert uri.user == "1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*"
    assert uri.password == "&it+has=1,weird!*pas$wo~d_too.(doesn't-it)"
    assert message.to.display_name == "BEL:\x07 NUL:\0 DEL:\x7f"
    assert message.from_.display_name == "token1~` token2'+_ token3*%!.-"
    assert message.from_.parameter("fromParam''~+*_!.-%") == "работающий"
    assert message.call_id == "intmeth.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{"
    assert message.headers.get("extensionHeader-!.%*+_`'~") == "\N{ZERO WIDTH NO-BREAK SPACE}大停電"
    assert user_agent(data).codes == [405]


def test_esc01() -> None:
    """3.1.1.3: escapes in URIs. `sips%3A…` is a user and no scheme; escaped and plain letters are equal. It is a
    call."""
    data = rfc4475("esc01")
    message = request(data)
    uri = sip_uri(message.uri)
    assert (uri.scheme, uri.user, uri.host) == ("sip", "sips%3Auser%40example.com", "example.net")
    assert parse_uri(message.to.uri).equivalent(parse_uri("sip:user@example.com"))
    assert message.from_.uri == "sip:I%20have%20spaces@example.net"
    (contact,) = contacts(message)
    assert sip_uri(contact.uri).parameter("n%61me") == "v%61lue%25%34%31"
    heard = user_agent(data)
    assert (len(heard.calls), heard.codes) == (1, [200])


def test_escnull() -> None:
    """3.1.1.4: an escaped NUL ends nothing: the two Contacts differ, and the registrar binds both."""
    data = rfc4475("escnull")
    assert [sip_uri(contact.uri).user for contact in contacts(request(data))] == ["%00", "%00%00"]
    assert user_agent(data).codes == [405]
    machine = proxy()
    assert registrar(data, machine).codes == [200]
    bound = {binding.uri for binding in machine.bindings("null-%00-null")}
    assert bound == {"sip:%00@host5.example.com", "sip:%00%00@host5.example.com"}


def test_esc02() -> None:
    """3.1.1.5: a percent sign in a method and in a display name is a percent sign. The method is not REGISTER."""
    data = rfc4475("esc02")
    message = request(data)
    assert (message.method, message.to.display_name) == ("RE%47IST%45R", "%Z%45")
    assert [contact.uri for contact in contacts(message)] == [
        "sip:alias1@host1.example.com",
        "sip:alias3@host3.example.com",
    ]
    assert user_agent(data, "REGISTER").codes == [405]


def test_lwsdisp() -> None:
    """3.1.1.6: no white space between display name and angle bracket."""
    data = rfc4475("lwsdisp")
    assert (request(data).from_.display_name, request(data).from_.uri) == ("caller", "sip:caller@example.com")
    assert user_agent(data).codes == [200]


def test_longreq() -> None:
    """3.1.1.7: long values, names and lists (3.5 kB): nothing is cut off. It is a call."""
    data = rfc4475("longreq")
    message = request(data)
    assert message.call_id == "longreq.one" + "really" * 20 + "longcallid"
    assert len(sip_uri(message.to.uri).parameters) == 3
    assert message.from_tag == "1" + "298" * 50 + "2424"
    assert [hop.branch for hop in Via.parse_many(message.headers.get_all("Via"))][-1]
    assert len(Via.parse_many(message.headers.get_all("Via"))) == 34
    heard = user_agent(data)
    assert (len(heard.calls), heard.codes) == (1, [200])
    assert heard.response.headers.get_all("Via")[1:] == message.headers.get_all("Via")[1:]


def test_dblreq() -> None:
    """3.1.1.8: what follows a message in its datagram is ignored: a REGISTER is answered, the INVITE is not seen. In a
    stream it would be the next message."""
    data = rfc4475("dblreq")
    message = request(data)
    assert (message.method, message.body) == ("REGISTER", b"")
    assert message.to_bytes().endswith(b"Content-Length: 0\r\n\r\n")
    heard = user_agent(data)
    assert (heard.calls, heard.codes) == ([], [405])
    assert registrar(data).codes == [200]


def test_semiuri() -> None:
    """3.1.1.9: a semicolon in a user part begins no parameter."""
    data = rfc4475("semiuri")
    message = request(data)
    uri = sip_uri(message.uri)
    assert (uri.user, uri.parameters) == ("user;par=u%40example.net", ())
    assert message.headers.values("Accept") == [
        *("application/sdp", "application/pkcs7-mime", "multipart/mixed"),
        *("multipart/signed", "message/sip", "message/sipfrag"),
    ]
    assert user_agent(data).codes == [200]


def test_transports() -> None:
    """3.1.1.10: Via hops by transports that we lack or nobody knows; they come back in the response."""
    data = rfc4475("transports")
    hops = Via.parse_many(request(data).headers.get_all("Via"))
    assert [hop.transport for hop in hops] == ["UDP", "SCTP", "TLS", "UNKNOWN", "TCP"]
    heard = user_agent(data)
    assert heard.codes == [200]
    assert [hop.transport for hop in Via.parse_many(heard.response.headers.get_all("Via"))] == [
        hop.transport for hop in hops
    ]


def test_mpart01() -> None:
    """3.1.1.11: a body of several parts, one of them bytes with NUL among them: kept as it is, and accepted."""
    data = rfc4475("mpart01")
    message = request(data)
    assert (message.content_type, len(message.body), b"\0" in message.body) == ("multipart/mixed", 553, True)
    assert user_agent(data).codes == [200]


def test_unreason() -> None:
    """3.1.1.12: a reason phrase in UTF-8. A response to nothing goes no further, and is not answered."""
    data = rfc4475("unreason")
    message = response(data)
    assert (message.status_code, message.reason_phrase) == (
        200, "= 2**3 * 5**2 но сто девяносто девять - простое",
    )  # fmt: skip
    heard = user_agent(data)
    assert (heard.codes, heard.problem) == ([], "no transaction")


def test_noreason() -> None:
    """3.1.1.13: an empty reason phrase."""
    data = rfc4475("noreason")
    assert (response(data).status_code, response(data).reason_phrase) == (100, "")
    heard = user_agent(data)
    assert (heard.codes, heard.problem) == ([], "no transaction")
