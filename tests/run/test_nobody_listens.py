"""Requests by UDP to where nobody listens: ICMP says so at once (RFC 3261 section 18.4)."""

from __future__ import annotations

import socket
import sys
import threading
from pathlib import Path

import pytest

import sipflow
from sipflow import events
from sipflow.events import Payload, Record
from sipflow.runtime.transports.names import Names
from sipflow.sip.hop import Hop, NameQuery
from sipflow.sip.message import Request, parse_message
from tests.ports import free_port

pytestmark = [
    pytest.mark.wire,
    pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells an unconnected socket what ICMP says"),
]


def sent(records: list[Record], method: str) -> int:
    """How many requests with that method left."""
    return sum(
        isinstance(record.event, events.SipSent) and record.event.data.startswith(method.encode()) for record in records
    )


@pytest.mark.parametrize(("host", "listen"), [("127.0.0.1", "127.0.0.1:0"), ("[::1]", "[::1]:0")])
def test_a_call_to_a_closed_port_fails_at_once_and_says_why(tmp_path: Path, host: str, listen: str) -> None:
    place = f"{host}:{free_port()}"
    records: list[Record] = []
    text = f'agent a {{ listen udp "{listen}" }}\non a: call "sip:bob@{place}" within 60s\n'
    report = sipflow.run(text, out=tmp_path, sinks=[records.append], timeout_s=30)
    assert report.exit_code == 1
    (failure,) = report.failures
    assert (failure.code, failure.line) == ("SF502", 2)
    assert failure.got.startswith(f"503 nothing listens at {place} (ICMP port unreachable)")
    assert sent(records, "INVITE") == 1, "it did not wait for a retransmission"
    (rejected,) = [record.event for record in records if isinstance(record.event, events.CallRejected)]
    assert (rejected.code, rejected.local, rejected.environment) == (503, True, False)


@pytest.mark.parametrize("request_", ["send options to X", "send message to X", "register", "send subscribe to X"])
def test_so_does_every_other_request(tmp_path: Path, request_: str) -> None:
    place = f"127.0.0.1:{free_port()}"
    header = ' { header "Event" = "presence" }' if "subscribe" in request_ else ""
    records: list[Record] = []
    text = f'agent a {{ proxy "sip:{place}" }}\non a: {request_.replace("X", chr(34) + "sip:b@example.com" + chr(34))}'
    report = sipflow.run(f"{text}{header}\n", out=tmp_path, sinks=[records.append], timeout_s=30)
    (failure,) = report.failures
    assert f"503 nothing listens at {place} (ICMP port unreachable)" in failure.got
    assert sum(isinstance(record.event, events.SipSent) for record in records) == 1


class Desk:
    """A peer that takes its port after so many signs that nobody is there, and answers what comes with 200."""

    def __init__(self, sign: type[Payload], times: int) -> None:
        self.port = free_port()
        self._sign = sign
        self._left = times
        self._socket: socket.socket | None = None

    def watch(self, record: Record) -> None:
        """A sink for records."""
        self._left -= isinstance(record.event, self._sign)
        if self._left == 0 and self._socket is None:
            self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self._socket.bind(("127.0.0.1", self.port))
            self._socket.settimeout(30)
            threading.Thread(target=self._serve, args=(self._socket,), daemon=True).start()

    def _serve(self, bound: socket.socket) -> None:
        with bound:
            while True:
                data, source = bound.recvfrom(65536)
                request = parse_message(data)
                assert isinstance(request, Request)
                if request.method != "ACK":
                    bound.sendto(_ok(request, self.port), source)
                if request.method == "BYE" or request.headers.get("Expires") == "0":
                    return


def _ok(request: Request, port: int) -> bytes:
    lines = "".join(f"{name}: {request.headers.get(name)}\r\n" for name in ("Via", "From", "Call-ID", "CSeq"))
    body = ""
    if request.method == "INVITE":
        body = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\n"
        lines += f"Content-Type: application/sdp\r\nContact: <sip:desk@127.0.0.1:{port}>\r\n"
    if request.method == "REGISTER":
        lines += f"Contact: {request.headers.get('Contact')}\r\nExpires: {request.headers.get('Expires')}\r\n"
    lines += f"To: {request.headers.get('To')};tag=d\r\nContent-Length: {len(body)}\r\n"
    return f"SIP/2.0 200 OK\r\n{lines}\r\n{body}".encode()


def test_a_loop_waits_for_a_peer_that_boots(tmp_path: Path) -> None:
    """As docs/sip-behaviour.md says it."""
    desk = Desk(events.CallRejected, 2)
    text = f"""
    on a {{
      label again
      call "sip:desk@127.0.0.1:{desk.port}" within 5s else {{ wait 20ms; recover at again }}
      release
    }}
    """
    records: list[Record] = []
    report = sipflow.run(text, out=tmp_path, sinks=[records.append, desk.watch], timeout_s=30)
    assert report.passed, report.failures
    assert sent(records, "INVITE") == 3


def test_an_agent_that_registers_waits_for_a_registrar_that_boots(tmp_path: Path) -> None:
    desk = Desk(events.RegistrationFailed, 1)
    text = f'agent a {{ proxy "sip:127.0.0.1:{desk.port}"; register every 300s }}\non a: expect registered within 30s\n'
    report = sipflow.run(text, out=tmp_path, sinks=[desk.watch], timeout_s=60)
    assert report.passed, report.failures


def test_a_registrar_that_never_boots_fails_with_the_reason(tmp_path: Path) -> None:
    place = f"127.0.0.1:{free_port()}"
    text = f'agent a {{ proxy "sip:{place}"; register every 300s }}\non a: expect registered within 300ms\n'
    (failure,) = sipflow.run(text, out=tmp_path, timeout_s=30).failures
    assert f"503 nothing listens at {place} (ICMP port unreachable)" in failure.got
    assert failure.got.endswith("and no answer within 0.3 s")


def test_the_next_server_of_a_name_is_tried_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """RFC 3263 section 4.3. Who answers a name is a matter of names; here the second server is the one that is up."""
    records: list[Record] = []
    up, down = free_port(), free_port()

    async def servers(_self: Names, query: NameQuery, _families: tuple[int, ...]) -> tuple[Hop, ...]:
        return tuple(Hop("127.0.0.1", port, name=query.host) for port in (down, up))

    monkeypatch.setattr(Names, "resolve", servers)
    text = f"""
    agent desk {{ listen udp "127.0.0.1:{up}" }}
    on a {{ call "sip:desk@pbx.test"; release }}
    on desk {{ answer; expect hangup }}
    """
    report = sipflow.run(text, out=tmp_path, sinks=[records.append], timeout_s=30)
    assert report.passed, report.failures
    invites = [
        record.event.destination
        for record in records
        if isinstance(record.event, events.SipSent) and record.event.data.startswith(b"INVITE")
    ]
    assert [port for _, port in invites] == [down, up]
