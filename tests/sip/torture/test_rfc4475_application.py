"""RFC 4475 sections 3.2 to 3.4: messages that the grammar allows, and that somebody above it has to refuse, ignore, or
take for what they are."""

from __future__ import annotations

import pytest

from sipflow.sip.framing import FramingError
from sipflow.sip.headers import Via
from sipflow.sip.uri import OtherUri, parse_uri
from tests.sip.torture.messages import (
    contacts,
    needs_corpora,
    proxy,
    refusal,
    registrar,
    request,
    response,
    rfc4475,
    sip_uri,
    stream,
    user_agent,
)

pytestmark = needs_corpora


def test_badbranch() -> None:
    """3.2.1: a branch that is nothing but the magic cookie: matched by the rules of RFC 2543, and answered."""
    data = rfc4475("badbranch")
    assert request(data).branch == "z9hG4bK"
    assert user_agent(data).codes == [200]
    other = data.replace(b"Call-ID: badbranch", b"Call-ID: another")
    heard = user_agent(data, then=(data, other))
    assert (heard.codes, len(heard.requests)) == ([200] * 3, 2), "one comes twice, the other is one of its own"


def test_insuf() -> None:
    """3.3.1: no Call-ID, From, To: 400, and what is missing is not made up in it."""
    data = rfc4475("insuf")
    assert refusal(data).problem == "no Call-ID, no From, no To"
    heard = user_agent(data)
    assert heard.codes == [400]
    assert "From" not in heard.response.headers and "Call-ID" not in heard.response.headers
    assert registrar(data).codes == [400]


def test_unkscm() -> None:
    """3.3.2: a Request-URI of a scheme that nobody knows: 416."""
    data = rfc4475("unkscm")
    assert isinstance(parse_uri(request(data).uri), OtherUri)
    assert (user_agent(data).codes, registrar(data).codes) == ([416], [416])


def test_novelsc() -> None:
    """3.3.3: a scheme that is registered and means no call: 416."""
    data = rfc4475("novelsc")
    assert request(data).uri == "soap.beep://192.0.2.103:3002"
    assert (user_agent(data).codes, registrar(data).codes) == ([416], [416])


def test_unksm2() -> None:
    """3.3.4: other schemes in To, From, Contact are read; a registrar has nobody of that name: 400."""
    data = rfc4475("unksm2")
    message = request(data)
    assert (message.to.uri, message.from_.uri) == ("isbn:2983792873", "http://www.example.com")
    assert [contact.uri for contact in contacts(message)] == ["name:John_Smith"]
    assert registrar(data).codes == [400]
    assert user_agent(data).codes == [405]


def test_bext01() -> None:
    """3.3.5: extensions that nobody supports: 420, which lists those of Require, from a proxy those of
    Proxy-Require."""
    data = rfc4475("bext01")
    required = ["nothingSupportsThis", "nothingSupportsThisEither"]
    assert request(data).headers.values("Require") == required
    heard = user_agent(data)
    assert (heard.codes, heard.response.headers.values("Unsupported")) == ([420], required)
    heard = registrar(data)
    assert heard.codes == [420]
    assert heard.response.headers.values("Unsupported") == request(data).headers.values("Proxy-Require")


def test_invut() -> None:
    """3.3.6: a body of an unknown type in an INVITE: 415, and Accept tells what would be taken."""
    data = rfc4475("invut")
    assert request(data).content_type == "application/unknownformat"
    heard = user_agent(data)
    assert (heard.codes, heard.calls) == ([415], [])
    assert "application/sdp" in heard.response.headers.values("Accept")


def test_regaut01() -> None:
    """3.3.7: credentials of an unknown scheme prove nothing: as if they were not there."""
    data = rfc4475("regaut01")
    assert (request(data).headers.get("Authorization") or "").startswith("NoOneKnowsThisScheme ")
    assert registrar(data).codes == [200]
    assert user_agent(data).codes == [405]


def test_multi01() -> None:
    """3.3.8: fields twice that may come once: 400."""
    data = rfc4475("multi01")
    assert "more than one" in refusal(data).problem
    assert (user_agent(data).codes, registrar(data).codes) == ([400], [400])


def test_mcl01() -> None:
    """3.3.9: two lengths: 400 to a datagram; a stream cannot go on."""
    data = rfc4475("mcl01")
    assert refusal(data).problem == "Content-Length says two things"
    assert user_agent(data).codes == [400]
    with pytest.raises(FramingError, match="no usable Content-Length"):
        stream(data)


def test_bcast() -> None:
    """3.3.10: a response that came astray, with a broadcast address in its second Via: it is sent on to nobody."""
    data = rfc4475("bcast")
    assert [hop.host for hop in Via.parse_many(response(data).headers.get_all("Via"))][1] == "255.255.255.255"
    for heard in (user_agent(data), registrar(data)):
        assert (heard.codes, heard.problem) == ([], "no transaction")


def test_zeromf() -> None:
    """3.3.11: Max-Forwards 0: an endpoint answers as usual, a proxy 483."""
    data = rfc4475("zeromf")
    assert request(data).headers.get("Max-Forwards") == "0"
    assert (user_agent(data).codes, registrar(data).codes) == ([200], [483])


def test_cparam01() -> None:
    """3.3.12: without angle brackets a parameter belongs to the Contact, and not to the URI that is bound."""
    data = rfc4475("cparam01")
    (contact,) = contacts(request(data))
    assert (contact.parameter("unknownparam"), sip_uri(contact.uri).parameter("unknownparam")) == ("", None)
    assert _bound(data) == ["sip:+19725552222@gw1.example.net"]


def test_cparam02() -> None:
    """3.3.13: within angle brackets it belongs to the URI, and is bound with it."""
    data = rfc4475("cparam02")
    (contact,) = contacts(request(data))
    assert (contact.parameter("unknownparam"), sip_uri(contact.uri).parameter("unknownparam")) == (None, "")
    assert _bound(data) == ["sip:+19725552222@gw1.example.net;unknownparam"]


def _bound(data: bytes) -> list[str]:
    machine = proxy()
    assert registrar(data, machine).codes == [200]
    return [binding.uri for binding in machine.bindings("watson")]


def test_regescrt() -> None:
    """3.3.14: a Route in a Contact's URI is part of what is registered, and not the route of this request."""
    data = rfc4475("regescrt")
    (contact,) = contacts(request(data))
    assert sip_uri(contact.uri).headers == (("Route", "%3Csip:sip.example.com%3E"),)
    machine = proxy()
    assert registrar(data, machine).codes == [200]
    assert [binding.uri for binding in machine.bindings("user")] == [contact.uri]


def test_sdp01() -> None:
    """3.3.15: Accept leaves no format in which a call could be answered: 406 with a Warning."""
    data = rfc4475("sdp01")
    assert request(data).headers.values("Accept") == ["text/nobodyKnowsThis"]
    heard = user_agent(data)
    assert (heard.codes, heard.calls) == ([406], [])
    assert (heard.response.headers.get("Warning") or "").startswith("399 127.0.0.1 ")


def test_inv2543() -> None:
    """3.4.1: an INVITE of the old RFC without branch, From tag, Max-Forwards and Content-Length: a call like others."""
    data = rfc4475("inv2543")
    message = request(data)
    assert (message.branch, message.from_tag) == ("", "")
    assert len(message.body) == len(data.partition(b"\r\n\r\n")[2])
    heard = user_agent(data)
    assert (len(heard.calls), heard.codes) == (1, [200])
    assert heard.response.headers.get("Record-Route") == message.headers.get("Record-Route")


def test_test() -> None:
    """In the RFC's archive and in none of its sections: a request line without a version is no SIP at all."""
    data = rfc4475("test")
    assert (refusal(data).problem, refusal(data).partial) == ("not a SIP message", None)
    assert user_agent(data).codes == []
