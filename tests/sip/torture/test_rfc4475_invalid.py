"""RFC 4475 section 3.1.2: messages that break the grammar. Each gets the response that the RFC names, is dropped where
it names none, or is taken where the RFC allows that and nothing can be guessed wrongly by it."""

from __future__ import annotations

import pytest

from sipflow.sip.framing import FramingError
from tests.sip.torture.messages import (
    needs_corpora,
    proxy,
    refusal,
    registrar,
    request,
    rfc4475,
    sip_uri,
    stream,
    tolerated,
    user_agent,
)

pytestmark = needs_corpora


def test_badinv01() -> None:
    """3.1.2.1: separators with nothing between them in Via and Contact: 400, which shows the Via as it came."""
    data = rfc4475("badinv01")
    assert "bad Via" in refusal(data).problem
    heard = user_agent(data)
    assert (heard.codes, heard.calls) == ([400], [])
    assert heard.response.headers.get("Via") == "SIP/2.0/UDP 192.0.2.15;;,;,,"
    assert heard.response.headers.get("Call-ID") == "badinv01.0ha0isndaksdjasdf3234nas"
    assert registrar(data).codes == [400]


def test_clerr() -> None:
    """3.1.2.2: a Content-Length beyond the body: 400 to a datagram; a stream waits for the rest."""
    data = rfc4475("clerr")
    assert "Content-Length is 9999" in refusal(data).problem
    assert user_agent(data).codes == [400]
    assert stream(data) == []


def test_ncl() -> None:
    """3.1.2.3: a negative Content-Length: 400 to a datagram; a stream cannot go on, and the connection is closed."""
    data = rfc4475("ncl")
    assert "Content-Length: -999" in refusal(data).problem
    assert user_agent(data).codes == [400]
    with pytest.raises(FramingError, match="no usable Content-Length: -999"):
        stream(data)


def test_scalar02() -> None:
    """3.1.2.4: numbers too large for their fields; that of CSeq decides: 400."""
    data = rfc4475("scalar02")
    assert "CSeq number does not fit 32 bits" in refusal(data).problem
    assert user_agent(data, "REGISTER").codes == [400]
    assert registrar(data).codes == [400]


def test_scalarlg() -> None:
    """3.1.2.5: the same in a response: dropped."""
    data = rfc4475("scalarlg")
    assert refusal(data).status_code is None
    heard = user_agent(data)
    assert (heard.codes, "CSeq number" in heard.problem) == ([], True)


def test_quotbal() -> None:
    """3.1.2.6: a quoted string that does not end in To: 400, with the To as it came."""
    data = rfc4475("quotbal")
    assert "bad address" in refusal(data).problem
    heard = user_agent(data)
    assert heard.codes == [400]
    assert (heard.response.headers.get("To") or "").startswith('"Mr. J. User <sip:j.user@example.com>;tag=')


def test_ltgtruri() -> None:
    """3.1.2.7: angle brackets around the Request-URI: 400."""
    data = rfc4475("ltgtruri")
    assert "not a URI" in refusal(data).problem
    assert user_agent(data).codes == [400]


def test_lwsruri() -> None:
    """3.1.2.8: white space in the Request-URI: 400."""
    data = rfc4475("lwsruri")
    assert "white space in the Request-URI" in refusal(data).problem
    assert user_agent(data).codes == [400]


def test_lwsstart() -> None:
    """3.1.2.9: several spaces between the parts of the request line: taken, since the parts are plain."""
    message = tolerated(rfc4475("lwsstart"))
    assert (message.method, message.uri) == ("INVITE", "sip:user@example.com")
    assert len(user_agent(rfc4475("lwsstart")).calls) == 1


def test_trws() -> None:
    """3.1.2.10: a space at the end of the request line: taken, for the same reason."""
    message = tolerated(rfc4475("trws"))
    assert (message.method, message.uri) == ("OPTIONS", "sip:remote-target@example.com")
    assert user_agent(rfc4475("trws")).codes == [200]


def test_escruri() -> None:
    """3.1.2.11: headers in a Request-URI are not to be obeyed: the call is taken, and no Route follows from it."""
    data = rfc4475("escruri")
    assert sip_uri(request(data).uri).headers == (("Route", "%3Csip:example.com%3E"),)
    heard = user_agent(data)
    assert (len(heard.calls), heard.codes) == (1, [200])
    assert "Route" not in heard.response.headers


def test_baddate() -> None:
    """3.1.2.12: a Date in a time zone that may not be: ignored, as all dates are; the call is taken."""
    data = rfc4475("baddate")
    assert request(data).headers.get("Date") == "Fri, 01 Jan 2010 16:00:00 EST"
    assert user_agent(data).codes == [200]


def test_regbadct() -> None:
    """3.1.2.13: a Contact with headers and without angle brackets. Whose the `?` is nobody can know: the registrar says
    400; a user agent that takes registrations for a test does not look."""
    data = rfc4475("regbadct")
    assert request(data).method == "REGISTER"
    machine = proxy()
    assert (registrar(data, machine).codes, machine.bindings("user")) == ([400], [])
    assert user_agent(data, "REGISTER").codes == [200]


def test_badaspec() -> None:
    """3.1.2.14: spaces inside the angle brackets: taken without them."""
    data = rfc4475("badaspec")
    assert request(data).to.uri == "sip:t.watson@example.org"
    assert user_agent(data).codes == [200]


def test_baddn() -> None:
    """3.1.2.15: a comma in a display name without quotes: taken as if they were there, as the RFC allows."""
    data = rfc4475("baddn")
    message = tolerated(data)
    assert (message.from_.display_name, message.from_.uri) == ("Bell, Alexander", "sip:a.g.bell@example.com")
    assert message.to.display_name == "Watson, Thomas"
    assert user_agent(data).codes == [200]


def test_badvers() -> None:
    """3.1.2.16: SIP/7.0: 505."""
    data = rfc4475("badvers")
    assert refusal(data).problem == "version SIP/7.0"
    assert user_agent(data).codes == [505]
    assert registrar(data).codes == [505]


def test_mismatch01() -> None:
    """3.1.2.17: CSeq names another method than the request line: 400."""
    data = rfc4475("mismatch01")
    assert refusal(data).problem == "CSeq says INVITE"
    assert user_agent(data).codes == [400]


def test_mismatch02() -> None:
    """3.1.2.18: the same with a method that nobody knows: 400, which the RFC takes for as good as 501."""
    data = rfc4475("mismatch02")
    assert refusal(data).problem == "CSeq says INVITE"
    assert user_agent(data).codes == [400]


def test_bigcode() -> None:
    """3.1.2.19: a status code beyond 32 bits, which is 5 when it is cut to them: dropped."""
    data = rfc4475("bigcode")
    heard = user_agent(data)
    assert (refusal(data).status_code, heard.codes, heard.problem) == (None, [], "bad status line")
