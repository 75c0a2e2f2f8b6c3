"""What strangers send is in every report, whatever bytes it has."""

from __future__ import annotations

import io
import json
import socket
import threading
from pathlib import Path
from xml.etree import ElementTree

import pytest

import sipflow
from sipflow.events import Record, RequestReceived
from sipflow.report.junit import write_junit
from sipflow.report.serialise import EventsFile, report_to_json
from sipflow.report.text import encodable, printable
from tests.ports import free_port


def test_bytes_that_are_no_utf8_and_control_characters() -> None:
    assert encodable("Zoë \udcff\udcfe") == "Zoë \ufffd\ufffd"
    assert printable("a\0b\n\t\udcff") == "a\ufffdb\n\t\ufffd"


def test_an_event_with_them_is_a_line_of_json() -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    request = RequestReceived(None, "MESSAGE", (("X", "\udcff"),), "\udcfe", 200)
    EventsFile(stream).take(Record(0.0, "bob", "", "", 0, request))
    stream.seek(0)
    assert json.loads(stream.read())["headers"] == [["X", "\ufffd"]]


@pytest.mark.wire
def test_a_run_goes_on_and_its_reports_are_written(tmp_path: Path) -> None:
    """A MESSAGE full of such bytes; the failure tells what its header was."""
    events = (tmp_path / "events.jsonl").open("w", encoding="utf-8")
    port = free_port()
    message = (
        b"MESSAGE sip:bob\xff@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bK1\r\nX: \xff\0\xfe\r\n"
        b'From: "\xff" <sip:\xfea@b>;tag=1\r\nTo: <sip:bob@x>\r\nCall-ID: \xff\r\nCSeq: 1 MESSAGE\r\n'
        b"Content-Length: 2\r\n\r\n\xff\xfe"
    )
    over = threading.Event()

    def send() -> None:
        with socket.socket(type=socket.SOCK_DGRAM) as stranger:
            while not over.wait(0.05):
                stranger.sendto(message, ("127.0.0.1", port))

    sender = threading.Thread(target=send)
    sender.start()
    text = f"""
    agent bob {{ listen udp "127.0.0.1:{port}" }}
    on bob {{ expect message where header("X") == "what nobody sends" within 300ms }}
    """
    report = sipflow.run(text, out=tmp_path, sinks=[EventsFile(events).take], timeout_s=20)
    over.set()
    sender.join()
    events.close()
    assert not report.passed and "MESSAGE" in (tmp_path / "events.jsonl").read_text(encoding="utf-8")
    json.dumps(report_to_json(report), ensure_ascii=False).encode()
    write_junit([report], tmp_path / "report.xml")
    assert ElementTree.parse(tmp_path / "report.xml").getroot() is not None
