"""Requests beyond the size of a datagram, on the wire: by TCP, or by UDP where TCP is refused (RFC 3261 section
18.1.1)."""

from __future__ import annotations

import socket
import threading
from pathlib import Path

import pytest

import sipflow
from sipflow import events
from sipflow.sip.message import Request, parse_message
from tests.ports import free_port

pytestmark = pytest.mark.wire

PADDED = f'with {{ header "X-Padding" = "{"x" * 1500}" }}'


def sent_by_alice(records: list[events.Record], method: str) -> list[str]:
    """Transports of her requests with that method, in order."""
    return [
        record.event.transport
        for record in records
        if record.agent == "alice"
        and isinstance(record.event, events.SipSent)
        and record.event.data.startswith(method.encode())
    ]


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]"])
def test_a_large_invite_goes_by_tcp_between_agents_that_name_no_transport(tmp_path: Path, host: str) -> None:
    records: list[events.Record] = []
    text = f"""
    agent alice {{ listen udp "{host}:0" }}
    agent bob {{ listen udp "{host}:0" }}
    on alice {{ call bob {PADDED}; release }}
    on bob {{ answer; expect hangup }}
    """
    report = sipflow.run(text, out=tmp_path, sinks=[records.append])
    assert report.passed, report.failures
    assert sent_by_alice(records, "INVITE") == ["tcp"]
    assert sent_by_alice(records, "BYE") == ["tcp"], "bob's Contact names what he was called by"


def test_who_listens_by_udp_alone_gets_a_large_invite_by_udp(tmp_path: Path) -> None:
    """The TCP port of that number is closed, and the kernel says so at once."""
    records: list[events.Record] = []
    port = free_port()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.bind(("127.0.0.1", port))
        peer.settimeout(10)
        got: list[bytes] = []

        def refuse() -> None:
            data, source = peer.recvfrom(65536)
            got.append(data)
            request = parse_message(data)
            assert isinstance(request, Request)
            echoed = [f"{name}: {request.headers.get(name)}\r\n" for name in ("Via", "From", "Call-ID", "CSeq")]
            to = f"To: {request.headers.get('To')};tag=1\r\n"
            lines = "".join((*echoed, to))
            peer.sendto(f"SIP/2.0 486 Busy Here\r\n{lines}Content-Length: 0\r\n\r\n".encode(), source)

        answering = threading.Thread(target=refuse)
        answering.start()
        text = f'on alice {{ dial "sip:bob@127.0.0.1:{port}" {PADDED}; expect rejected 486 }}'
        report = sipflow.run(text, out=tmp_path, sinks=[records.append], timeout_s=20)
        answering.join(10)
    assert report.passed, report.failures
    assert sent_by_alice(records, "INVITE") == ["tcp", "udp"]
    assert len(got) == 1 and len(got[0]) > 1500 and b"Via: SIP/2.0/UDP" in got[0]
