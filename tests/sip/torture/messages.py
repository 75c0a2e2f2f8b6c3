"""The messages of the two RFCs, and what a user agent, a registrar, a proxy and a stream make of one."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

import pytest

from sipflow import events
from sipflow.sip.config import Listener
from sipflow.sip.framing import Framer
from sipflow.sip.headers import NameAddr
from sipflow.sip.hop import Hop, Transport
from sipflow.sip.message import MessageError, Request, Response, parse_message
from sipflow.sip.outputs import Output, Transmit
from sipflow.sip.proxy.config import ProxyConfig
from sipflow.sip.proxy.machine import Proxy
from sipflow.sip.uri import SipUri, parse_uri
from sipflow.sip.user_agent import UserAgent, UserAgentConfig
from tests.sip.pair import media

CORPORA = Path(__file__).parents[3].parent / "shared" / "corpora"
PEER = Hop("127.0.0.1", 9000)
"""Where every message comes from."""

needs_corpora = pytest.mark.skipif(
    not (CORPORA / "sip-rfc4475").is_dir(), reason="the corpora are not beside the checkout (../shared/corpora)"
)


def rfc4475(name: str) -> bytes:
    """A message as it stands in the RFC's archive."""
    return (CORPORA / "sip-rfc4475" / f"{name}.dat").read_bytes()


def rfc5118(name: str) -> bytes:
    """The archive has bare line feeds, no empty line in two files, and bodies without the last line end, which their
    Content-Length counts in other ways, too: it is left out here where it is too long."""
    data = (CORPORA / "sip-rfc5118" / name).read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    return data if b"\r\n\r\n" in data else data + b"\r\n"


def names(corpus: str) -> set[str]:
    """Names of all messages of a corpus."""
    paths = (CORPORA / corpus).glob("*")
    return {path.name.removesuffix(".dat") for path in paths if path.suffix != ".tsv"}


@dataclass
class Heard:
    """What a machine did with a message."""

    responses: list[Response]
    events: list[events.Payload]
    problem: str

    @property
    def codes(self) -> list[int]:
        return [response.status_code for response in self.responses]

    @property
    def response(self) -> Response:
        (only,) = self.responses
        return only

    @property
    def calls(self) -> list[events.CallIncoming]:
        return [event for event in self.events if isinstance(event, events.CallIncoming)]

    @property
    def requests(self) -> list[events.RequestReceived]:
        return [event for event in self.events if isinstance(event, events.RequestReceived)]


def user_agent(data: bytes, *accepts: str, then: tuple[bytes, ...] = ()) -> Heard:
    """A user agent that gets the message, and answers a call that it begins; `then` comes after it."""
    calls = iter("ab")
    config = UserAgentConfig("desk", "desk", "127.0.0.1", 5060, accepts=frozenset(accepts))
    agent = UserAgent(config, random.Random(1), lambda: next(calls))
    agent.receive(data, PEER, 0.0)
    outputs = agent.outputs()
    for event in outputs:
        if isinstance(event, events.CallIncoming):
            agent.answer(event.call, media(), 0.0)
    for other in then:
        agent.receive(other, PEER, 0.0)
    return _heard([*outputs, *agent.outputs()])


def proxy() -> Proxy:
    """A registrar and proxy for example.com that serves this machine."""
    return Proxy(ProxyConfig("pbx", "example.com", (Listener(Transport.UDP, "127.0.0.1", 5060),)), random.Random(1))


def registrar(data: bytes, machine: Proxy | None = None) -> Heard:
    """What the registrar and proxy says."""
    machine = machine or proxy()
    machine.receive(data, PEER, 0.0)
    return _heard(machine.outputs())


def _heard(outputs: list[Output]) -> Heard:
    sent = [parse_any(output.data) for output in outputs if isinstance(output, Transmit)]
    happened = [output for output in outputs if not isinstance(output, Transmit)]
    problems = [event.problem for event in happened if isinstance(event, events.SipReceived)]
    return Heard([one for one in sent if isinstance(one, Response)], happened, problems[0])  # type: ignore[arg-type]


def parse_any(data: bytes) -> Request | Response:
    """A message that was sent; a response to a broken request copies what is broken in it."""
    try:
        return parse_message(data)
    except MessageError as error:
        assert error.partial is not None
        return error.partial


def stream(data: bytes) -> list[bytes]:
    """The messages that a stream of these bytes has; FramingError when it cannot go on."""
    return list(Framer().feed(data))


def request(data: bytes) -> Request:
    """The request, which is written back byte for byte."""
    message = parse_message(data)
    assert isinstance(message, Request)
    assert data.startswith(message.to_bytes(fix_content_length=False))
    return message


def tolerated(data: bytes) -> Request:
    """The request, which is not written back as it came: it was put right."""
    message = parse_message(data)
    assert isinstance(message, Request)
    assert message.to_bytes(fix_content_length=False) != data
    return message


def response(data: bytes) -> Response:
    """The response, which is written back byte for byte."""
    message = parse_message(data)
    assert isinstance(message, Response)
    assert message.to_bytes(fix_content_length=False) == data
    return message


def refusal(data: bytes) -> MessageError:
    """Why the parser does not take it."""
    with pytest.raises(MessageError) as caught:
        parse_message(data)
    return caught.value


def sip_uri(text: str) -> SipUri:
    uri = parse_uri(text)
    assert isinstance(uri, SipUri)
    return uri


def contacts(message: Request | Response) -> list[NameAddr]:
    return NameAddr.parse_many(message.headers.get_all("Contact"))
