"""The torture messages of RFC 4475 and RFC 5118: what is said to be valid is read and written back byte for byte, what
is said to be invalid is refused with the status code it calls for, or taken where the RFC allows that."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from sipflow.sip.headers import NameAddr, Via
from sipflow.sip.message import MessageError, Request, Response, parse_message
from sipflow.sip.uri import OtherUri, SipUri, parse_uri

CORPORA = Path(__file__).parents[2].parent / "shared" / "corpora"
pytestmark = pytest.mark.skipif(
    not (CORPORA / "sip-rfc4475").is_dir(), reason="the corpora are not beside the checkout (../shared/corpora)"
)

# What has to be refused, and with what; None: dropped without an answer.
REFUSED = {
    "badinv01": 400,
    "clerr": 400,
    "ncl": 400,
    "scalar02": 400,
    "scalarlg": None,
    "quotbal": 400,
    "ltgtruri": 400,
    "lwsruri": 400,
    "badvers": 505,
    "mismatch01": 400,
    "mismatch02": 400,
    "bigcode": None,
    "insuf": 400,
    "multi01": 400,
    "mcl01": 400,
    "test": None,
}
# Refused by the grammar, taken here: nothing is guessed wrongly by it.
LENIENT = {"lwsstart", "trws", "escruri", "baddate", "regbadct", "badaspec", "baddn"}
# Valid for the parser; the answer is a matter of the layers above.
ABOVE = {
    *("badbranch", "unkscm", "novelsc", "unksm2", "bext01", "invut", "regaut01", "bcast", "zeromf", "cparam01"),
    *("cparam02", "regescrt", "sdp01", "inv2543"),
}
VALID = {
    *("wsinv", "intmeth", "esc01", "escnull", "esc02", "lwsdisp", "longreq", "dblreq", "semiuri", "transports"),
    *("mpart01", "unreason", "noreason"),
}


def read(name: str) -> bytes:
    return (CORPORA / "sip-rfc4475" / f"{name}.dat").read_bytes()


def rfc5118(name: str) -> bytes:
    """The archive has bare line feeds, and no empty line in two files."""
    data = (CORPORA / "sip-rfc5118" / name).read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    return data if b"\r\n\r\n" in data else data + b"\r\n"


def names() -> list[str]:
    return sorted(path.stem for path in (CORPORA / "sip-rfc4475").glob("*.dat"))


def request(name: str) -> Request:
    message = parse_message(read(name))
    assert isinstance(message, Request)
    return message


def sip_uri(text: str) -> SipUri:
    uri = parse_uri(text)
    assert isinstance(uri, SipUri)
    return uri


def test_every_message_of_the_corpus_has_its_place() -> None:
    assert set(names()) == REFUSED.keys() | LENIENT | ABOVE | VALID


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_invalid_message_is_refused(name: str) -> None:
    with pytest.raises(MessageError) as refusal:
        parse_message(read(name))
    assert refusal.value.status_code == REFUSED[name], refusal.value.problem
    if refusal.value.status_code is not None:
        assert isinstance(refusal.value.partial, Request)
        assert refusal.value.partial.headers.get("Via")


@pytest.mark.parametrize("name", sorted(VALID | ABOVE))
def test_valid_message_comes_back_byte_for_byte(name: str) -> None:
    data = read(name)
    message = parse_message(data)
    assert data.startswith(message.to_bytes(fix_content_length=False))
    if "content-length" in message.headers:
        assert message.to_bytes() == message.to_bytes(fix_content_length=False)
    if name != "dblreq":
        assert message.to_bytes(fix_content_length=False) == data


@pytest.mark.parametrize("name", sorted(LENIENT))
def test_tolerated_message_is_read(name: str) -> None:
    assert parse_message(read(name)).call_id.startswith(name)


def test_wsinv() -> None:
    message = request("wsinv")
    assert (message.to.uri, message.to_tag) == ("sip:vivekg@chair-dnrc.example.com", "1918181833n")
    assert (message.from_.display_name, message.from_tag) == ('J Rosenberg \\"', "98asjd8")
    assert (message.cseq.number, message.cseq.method, message.branch) == (9, "INVITE", "390skdjuw")
    hops = Via.parse_many(message.headers.get_all("Via"))
    assert [(hop.transport, hop.host, hop.branch) for hop in hops] == [
        ("UDP", "192.0.2.2", "390skdjuw"),
        ("TCP", "spindle.example.com", "z9hG4bK9ikj8"),
        ("UDP", "192.168.255.111", "z9hG4bK30239"),
    ]
    contact = NameAddr.parse(message.headers.get("Contact") or "")
    assert (contact.display_name, contact.parameter("q")) == ('Quoted string ""', "0.33")
    assert message.headers.get("NewFangledHeader") == "newfangled value continued newfangled value"
    assert message.headers.get("subject") == ""
    assert len(message.body) == 150


def test_intmeth() -> None:
    message = request("intmeth")
    assert message.method == "!interesting-Method0123456789_*+`.%indeed'~"
    uri = sip_uri(message.uri)
    assert uri.user == "1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*"
    assert uri.password == "&it+has=1,weird!*pas$wo~d_too.(doesn't-it)"
    assert message.to.display_name == "BEL:\x07 NUL:\0 DEL:\x7f"
    assert message.from_.display_name == "token1~` token2'+_ token3*%!.-"
    assert message.from_.parameter("fromParam''~+*_!.-%") == "работающий"
    assert message.call_id == "intmeth.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{"
    assert message.headers.get("extensionHeader-!.%*+_`'~") == "\N{ZERO WIDTH NO-BREAK SPACE}大停電"


def test_escapes() -> None:
    uri = sip_uri(request("esc01").uri)
    assert (uri.user, uri.host) == ("sips%3Auser%40example.com", "example.net")
    assert parse_uri(request("esc01").to.uri).equivalent(parse_uri("sip:user@example.com"))
    contacts = NameAddr.parse_many(request("escnull").headers.get_all("Contact"))
    assert [sip_uri(contact.uri).user for contact in contacts] == ["%00", "%00%00"]
    message = request("esc02")
    assert message.method == "RE%47IST%45R"
    assert message.to.display_name == "%Z%45"
    assert [contact.uri for contact in NameAddr.parse_many(message.headers.get_all("Contact"))] == [
        "sip:alias1@host1.example.com",
        "sip:alias3@host3.example.com",
    ]


def test_second_request_in_the_datagram_is_cut_off() -> None:
    assert request("dblreq").body == b""
    assert request("dblreq").to_bytes().endswith(b"Content-Length: 0\r\n\r\n")


def test_semicolon_in_the_user_part() -> None:
    assert sip_uri(request("semiuri").uri).user == "user;par=u%40example.net"
    assert request("semiuri").headers.values("Accept") == [
        *("application/sdp", "application/pkcs7-mime", "multipart/mixed"),
        *("multipart/signed", "message/sip", "message/sipfrag"),
    ]


def test_transports() -> None:
    hops = Via.parse_many(request("transports").headers.get_all("Via"))
    assert [hop.transport for hop in hops] == ["UDP", "SCTP", "TLS", "UNKNOWN", "TCP"]


def test_binary_body_is_kept() -> None:
    message = request("mpart01")
    assert b"\0" in message.body
    assert message.content_type == "multipart/mixed" or message.content_type == "multipart/signed"


def test_reason_phrases() -> None:
    unusual, empty = parse_message(read("unreason")), parse_message(read("noreason"))
    assert isinstance(unusual, Response)
    assert isinstance(empty, Response)
    assert unusual.reason_phrase == "= 2**3 * 5**2 но сто девяносто девять - простое"
    assert (empty.status_code, empty.reason_phrase) == (100, "")


def test_whose_parameter_it_is() -> None:
    outside = NameAddr.parse(request("cparam01").headers.get("contact") or "")
    inside = NameAddr.parse(request("cparam02").headers.get("contact") or "")
    assert (outside.parameter("unknownparam"), sip_uri(outside.uri).parameter("unknownparam")) == ("", None)
    assert (inside.parameter("unknownparam"), sip_uri(inside.uri).parameter("unknownparam")) == (None, "")


def test_messages_for_the_layers_above() -> None:
    assert request("badbranch").branch == "z9hG4bK"
    assert isinstance(parse_uri(request("unkscm").uri), OtherUri)
    assert request("novelsc").uri == "soap.beep://192.0.2.103:3002"
    assert request("unksm2").to.uri == "isbn:2983792873"
    assert request("bext01").headers.values("Require") == ["nothingSupportsThis", "nothingSupportsThisEither"]
    assert request("zeromf").headers.get("Max-Forwards") == "0"
    assert Via.parse_many(parse_message(read("bcast")).headers.get_all("Via"))[1].host == "255.255.255.255"
    old = request("inv2543")
    assert (old.branch, old.from_tag, len(old.body)) == ("", "", len(read("inv2543").partition(b"\r\n\r\n")[2]))
    assert sip_uri(NameAddr.parse(request("regescrt").headers.get("Contact") or "").uri).headers == (
        ("Route", "%3Csip:sip.example.com%3E"),
    )


# --- RFC 5118 ---


def test_ipv6_without_brackets_is_refused() -> None:
    with pytest.raises(MessageError) as refusal:
        parse_message(rfc5118("ipv6-bad"))
    assert refusal.value.status_code == 400


@pytest.mark.parametrize(
    "name",
    [
        *("ipv6-good", "port-ambiguous", "port-unambiguous", "via-received-param-with-delim", "ipv6-in-sdp"),
        *("via-received-param-no-delim", "mult-ip-in-header", "mult-ip-in-sdp", "ipv4-mapped-ipv6"),
        *("ipv6-bug-abnf-3-colons", "ipv6-correct-abnf-2-colons"),
    ],
)
def test_ipv6_message_is_read_and_comes_back(name: str) -> None:
    # The Content-Length of these files counts an empty line that the archive lacks.
    data = rfc5118(name)
    message = parse_message(data + b"\r\n" * 16)
    assert data.startswith(message.to_bytes(fix_content_length=False).rstrip(b"\r\n"))


def test_ipv6_values() -> None:
    assert sip_uri(parse(rfc5118("port-ambiguous")).uri).port is None
    assert sip_uri(parse(rfc5118("port-unambiguous")).uri).port == 5070
    assert parse(rfc5118("via-received-param-with-delim")).via.received == "2001:db8::9:255"
    assert parse(rfc5118("via-received-param-no-delim")).via.received == "2001:db8::9:255"
    hops = Via.parse_many(parse(rfc5118("mult-ip-in-header")).headers.get_all("Via"))
    assert [(hop.host, hop.port) for hop in hops] == [
        ("2001:db8::9:1", 6050),
        ("192.0.2.1", None),
        ("2001:db8::9:255", None),
    ]


def parse(data: bytes) -> Request:
    message = parse_message(data)
    assert isinstance(message, Request)
    return message


# --- broken on purpose ---


def survives(data: bytes) -> None:
    """A message whose views can all be had, or a MessageError."""
    try:
        message = parse_message(data)
    except MessageError as error:
        assert error.status_code in (None, 400, 505, 513)
        return
    assert message.via.branch == message.branch
    assert (message.from_.tag or "", message.to.tag or "") == (message.from_tag, message.to_tag)
    assert message.call_id
    assert parse_message(message.to_bytes()).to_bytes() == message.to_bytes()


@pytest.mark.parametrize("name", names() if CORPORA.is_dir() else [])
def test_message_cut_at_each_byte(name: str) -> None:
    data = read(name)
    for length in range(len(data)):
        survives(data[:length])


@pytest.mark.parametrize("name", ["wsinv", "intmeth", "unreason"])
@pytest.mark.parametrize("byte", [0x00, 0x0A, 0x0D, 0x20, 0x22, 0x2C, 0x3A, 0x3B, 0x3C, 0x80, 0xFF])
def test_message_with_each_byte_changed(name: str, byte: int) -> None:
    data = read(name)
    for position in range(len(data)):
        survives(data[:position] + bytes([byte]) + data[position + 1 :])


def test_each_bit_flipped() -> None:
    data = bytearray(read("unreason"))
    for position in range(len(data)):
        for bit in range(8):
            data[position] ^= 1 << bit
            survives(bytes(data))
            data[position] ^= 1 << bit


@pytest.mark.parametrize("path", sorted((CORPORA / "sip-fuzz-seeds").glob("*")), ids=lambda path: path.name)
def test_inputs_that_crashed_another_stack(path: Path) -> None:
    survives(path.read_bytes())


def flows() -> list[Path]:
    """RFC 5626 prints some of its flows without Via; those are no messages."""
    return [path for path in sorted((CORPORA / "sip-flows-yaml").glob("*/*.yaml")) if "Via:" in path.read_text()]


@pytest.mark.parametrize("path", flows(), ids=lambda path: path.stem)
def test_flows_of_the_rfcs(path: Path) -> None:
    """Messages of RFC 3665 and others, written as YAML block scalars."""
    blocks = path.read_text().split("- |+\n")[1:]
    for block in blocks:
        lines = [line[2:] for line in block.split("\n")]
        head, _, body = "\r\n".join(lines).partition("\r\n\r\n")
        message = parse_message((head + "\r\n\r\n" + body + "\r\n" * 4).encode())
        assert message.via.host
        assert message.from_.uri.startswith("sip")


def test_hostile_messages_take_no_time() -> None:
    start = "INVITE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\n"
    fills = [b"\r\n" * 32_000, b" \r\n" * 20_000, b"a:\r\n" * 16_000, b"X: " + b"\r\n " * 20_000, b"\n" * 64_000]
    begin = time.perf_counter()
    for fill in fills:
        survives((start.encode() + fill)[:65_536])
        survives((start.encode() + b"To: " + fill)[:65_536])
        survives(fill)
    assert time.perf_counter() - begin < 5.0
