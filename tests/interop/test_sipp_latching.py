"""SIPp as a peer behind a NAT: its session description says a port at which nobody is, its media has another one."""

from __future__ import annotations

import struct
import subprocess
from pathlib import Path

import pytest

import sipflow
from sipflow.report.fold import Report
from tests.interop.peers import needs, running, where_is
from tests.interop.proof import Proved
from tests.ports import free_port, is_taken

pytestmark = [pytest.mark.interop, pytest.mark.wire, needs("sipp", "sip-tester")]

HOST = "127.0.0.1"
FIRST_PACKETS = 25
ANSWER = """<?xml version="1.0" encoding="UTF-8" ?>
<scenario name="behind a NAT">
  <recv request="INVITE"/>
  <send><![CDATA[
    SIP/2.0 200 OK
    [last_Via:]
    [last_From:]
    [last_To:];tag=[call_number]
    [last_Call-ID:]
    [last_CSeq:]
    Contact: <sip:[local_ip]:[local_port]>
    Content-Type: application/sdp
    Content-Length: [len]

    v=0
    o=- 1 1 IN IP4 [local_ip]
    s=-
    c=IN IP4 [media_ip]
    t=0 0
    m=audio SAID RTP/AVP 0
    a=rtcp-mux
    a=x-audio-is-at:[media_port]

  ]]></send>
  <recv request="ACK"/>
  <nop><action><exec play_pcap_audio="first.pcap"/></action></nop>
  <recv request="BYE"/>
  <send><![CDATA[
    SIP/2.0 200 OK
    [last_Via:]
    [last_From:]
    [last_To:]
    [last_Call-ID:]
    [last_CSeq:]
    Content-Length: 0

  ]]></send>
</scenario>
"""


def write_media(path: Path) -> None:
    """Half a second of silence in PCMU, with the headers of Ethernet, IPv4 and UDP that SIPp replaces."""
    with path.open("wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        for n in range(FIRST_PACKETS):
            rtp = struct.pack("!BBHII", 0x80, 0, n, n * 160, 4711) + b"\xff" * 160
            udp = struct.pack("!HHHH", 6000, 7000, 8 + len(rtp), 0)
            ip = struct.pack("!BBHHHBBHII", 0x45, 0, 28 + len(rtp), n, 0, 64, 17, 0, 0x7F000001, 0x7F000001)
            frame = bytes(12) + b"\x08\x00" + ip + udp + rtp
            file.write(struct.pack("<IIII", *divmod(n * 20_000, 10**6), len(frame), len(frame)) + frame)


def call(folder: Path, agent: str, statements: str) -> Report:
    """A call with SIPp, which sends a little and echoes what comes to its true port."""
    port, said, media = free_port(), free_port(count=2), free_port(count=2)
    (folder / "answer.xml").write_text(ANSWER.replace("SAID", str(said)))
    write_media(folder / "first.pcap")
    command = [where_is("sipp"), "-sf", folder / "answer.xml", "-i", HOST, "-mi", HOST, "-p", port, "-mp", media,
               "-rtp_echo", "-m", 1, "-nostdin"]  # fmt: skip
    text = f'agent alice {{ {agent} }}\nagent peer = "sip:x@{HOST}:{port}"\non alice {{ call peer; {statements} }}\n'
    with running([*map(str, command)], folder, folder / "sipp.txt", lambda: is_taken(HOST, port)):
        return sipflow.run(text, out=folder, timeout_s=30)


def may_send_raw() -> bool:
    """Whether SIPp may send with addresses of its own, as it does what it replays."""
    return subprocess.run(["id", "-u"], capture_output=True, text=True, check=True).stdout.strip() == "0"


needs_root = pytest.mark.skipif(not may_send_raw(), reason="SIPp replays captures with raw sockets: root only")


@needs_root
def test_media_goes_to_where_the_first_packet_comes_from(tmp_path: Path, proved: Proved) -> None:
    heard = (
        "wait 700ms; play tone 440Hz for 4s in background; expect tone 440Hz for 500ms within 5s; wait 1s; "
        "check media.packets_received > 100; check media.junk == 0; release"
    )
    report = call(tmp_path, "media { latching }", heard)
    assert report.passed, (report.failures, report.diagnostics, (tmp_path / "sipp.txt").read_text()[-2000:])
    proved("SIPp", "sends from another port than it says: with latching our tone comes back by its echo")


@needs_root
def test_without_latching_only_the_place_that_was_said_is_listened_to(tmp_path: Path) -> None:
    unheard = "wait 700ms; play tone 440Hz for 1s; check media.packets_received == 0; check media.junk > 0; release"
    report = call(tmp_path, "", unheard)
    assert report.passed, (report.failures, report.diagnostics)
