"""Requests outside of calls by secure WebSocket, on the wire (RFC 7118): REGISTER with digest, and MESSAGE."""

from __future__ import annotations

from pathlib import Path

import pytest

import sipflow
from sipflow import events
from tests.ports import free_port

pytestmark = pytest.mark.wire

CERTIFICATES = Path(__file__).parents[2] / "scenarios" / "certificates"
CERTIFIED = f'tls {{ certificate "{CERTIFICATES}/agent.pem"; key "{CERTIFICATES}/agent.key" }}'


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]"])
@pytest.mark.parametrize("trusting", [True, False])
def test_register_and_message(tmp_path: Path, host: str, trusting: bool) -> None:
    """The same connection carries all; without the authority of the certificate nothing is sent over it."""
    records: list[events.Record] = []
    port = free_port(host.strip("[]"))
    ca = f'tls {{ ca "{CERTIFICATES}/ca.pem" }}' if trusting else ""
    text = f"""
    agent gate {{
      listen wss "{host}:{port}"
      {CERTIFIED}
      challenge realm "gate" user "phone" password "open sesame"
    }}
    agent phone {{
      uri "sip:phone@gate.test"
      listen tcp "{host}:0"
      proxy "sip:{host}:{port};transport=wss"
      auth "phone" password "open sesame"
      {ca}
    }}
    on phone {{
      register for 60s
      send message to "sip:gate@gate.test" {{ body "hello" }}
      expect response 200
      unregister
    }}
    on gate {{
      expect request REGISTER within 3s
      expect message where body == "hello" and header("Via") contains "SIP/2.0/WSS"
      expect request REGISTER where header("Expires") == "0" or header("Contact") contains "expires=0"
    }}
    """
    report = sipflow.run(text, out=tmp_path, sinks=[records.append], timeout_s=20)
    came = [
        record.event for record in records if record.agent == "gate" and isinstance(record.event, events.SipReceived)
    ]
    assert report.passed is trusting, report.failures
    if trusting:
        assert {event.transport for event in came} == {"wss"}
    else:
        assert not came
        assert "unknown CA" in str(report.failures), report.failures
