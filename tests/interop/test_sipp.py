"""SIPp, a peer that we did not write, in both roles; tshark reads the media on the wire."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import sipflow
from tests.interop.peers import wait_until
from tests.interop.proof import Proved
from tests.ports import free_port, is_taken

pytestmark = [pytest.mark.interop, pytest.mark.wire]

SIPP = shutil.which("sipp")
TSHARK = shutil.which("tshark")
MEDIA_PORTS = 10
"""Of a SIPp: one for audio, one for video, their reports, and what it may try besides."""
MEDIA = Path(__file__).parents[2] / "scenarios" / "media"
needs_sipp = pytest.mark.skipif(SIPP is None, reason="SIPp is not installed (Debian: sip-tester)")
needs_tshark = pytest.mark.skipif(TSHARK is None, reason="tshark is not installed (Debian: tshark)")


@contextmanager
def sipp_uas(port: int, cwd: Path, *extra: str) -> Iterator[subprocess.Popen[bytes]]:
    """SIPp's own `uas`, which echoes RTP; ready when its port is taken."""
    assert SIPP is not None
    media_port = free_port(count=MEDIA_PORTS)
    command = [SIPP, "-sn", "uas", "-i", "127.0.0.1", "-p", str(port), "-mp", str(media_port), "-rtp_echo", "-nostdin"]
    with subprocess.Popen([*command, *extra], cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as peer:
        try:
            wait_until(lambda: is_taken("127.0.0.1", port), "SIPp to listen")
            yield peer
        finally:
            peer.kill()


@needs_sipp
def test_a_scenario_calls_sipps_uas_and_hears_its_own_echo(tmp_path: Path, proved: Proved) -> None:
    port = free_port()
    text = f"""
    agent peer = "sip:service@127.0.0.1:{port}"
    on alice {{
      call peer
      record "echo.wav"
      play "greet.wav"
      release
      check media.loss < 1%
      check media.packets_received > 50
    }}
    """
    with sipp_uas(port, tmp_path, "-m", "1"):
        report = sipflow.run(text, out=tmp_path, media_dir=MEDIA, timeout_s=30)
    assert report.passed, report.failures
    proved("SIPp", "uas takes a call, and its echo comes back with less than 1 % loss")


@needs_sipp
def test_sipps_uac_calls_a_lane_that_answers(tmp_path: Path, proved: Proved) -> None:
    assert SIPP is not None
    port = free_port()
    text = f"""
    agent bob {{ number "service"; listen udp "127.0.0.1:{port}" }}
    on bob {{ ring; answer within 20s; expect hangup within 20s }}
    """
    own = free_port()
    command = [SIPP, "-sn", "uac", f"127.0.0.1:{port}", "-i", "127.0.0.1", "-p", str(own), "-m", "1", "-d", "500",
               "-nostdin"]  # fmt: skip
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as peer:
        report = sipflow.run(text, out=tmp_path, timeout_s=30)
        shown, _ = peer.communicate(timeout=20)
    assert report.passed, report.failures
    assert peer.returncode == 0, shown.decode(errors="replace")[-2000:]
    proved("SIPp", "uac calls a lane")


@needs_sipp
@needs_tshark
def test_tshark_sees_one_stream_each_way_without_loss(tmp_path: Path, proved: Proved) -> None:
    port = free_port()
    media_first = free_port(count=MEDIA_PORTS)
    media = f"{media_first}-{media_first + MEDIA_PORTS - 1}"
    text = f"""
    agent alice {{ media {{ ports {media} }} }}
    agent peer = "sip:service@127.0.0.1:{port}"
    on alice {{ call peer; play "greet.wav"; release }}
    """
    capture = tmp_path / "call.pcapng"
    with (
        sipp_uas(port, tmp_path, "-m", "1"),
        capturing(capture, f"udp portrange {media}"),
    ):
        report = sipflow.run(text, out=tmp_path, media_dir=MEDIA, timeout_s=30)
    assert report.passed, report.failures
    streams = rtp_streams(capture, media_first)
    assert len(streams) == 2, streams
    for stream in streams:
        assert int(stream["packets"]) > 50
        assert stream["lost"].startswith("0 "), stream
    counts = " and ".join(stream["packets"] for stream in streams)
    proved("tshark", f"one RTP stream each way of a call with SIPp, {counts} packets, none lost")


@contextmanager
def capturing(path: Path, capture_filter: str) -> Iterator[None]:
    """Capture on loopback; skips when this user may not."""
    assert TSHARK is not None
    command = [TSHARK, "-q", "-i", "lo", "-f", capture_filter, "-w", str(path)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as sniffer:
        assert sniffer.stderr is not None
        for line in sniffer.stderr:
            if "Capturing on" in line:
                break
        else:
            pytest.skip("tshark may not capture on loopback here")
        deadline = time.monotonic() + 10
        while not path.exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        try:
            yield
        finally:
            time.sleep(0.5)  # dumpcap hands packets over in blocks; there is no sign to wait for
            sniffer.terminate()
            sniffer.wait(10)


def rtp_streams(capture: Path, port: int) -> list[dict[str, str]]:
    """Rows of tshark's RTP stream table. The port says that it is RTP: by itself tshark takes what comes from SIPp's
    media port for TIPC, Quake or whatever else has that number."""
    assert TSHARK is not None
    command = [TSHARK, "-r", str(capture), "-d", f"udp.port=={port},rtp", "-q", "-z", "rtp,streams"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    rows = [line.split() for line in shown.splitlines() if " 127.0.0.1 " in f" {line} "]
    return [{"ssrc": row[6], "packets": row[8], "lost": " ".join(row[9:11])} for row in rows]


@contextmanager
def sipp(folder: Path, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """SIPp with these arguments; a failure of its scenario shows what it printed."""
    assert SIPP is not None
    command = [SIPP, *arguments, "-i", "127.0.0.1", "-nostdin", "-timeout", "25s", "-timeout_error"]
    output = folder / f"sipp-{len(list(folder.glob('sipp-*')))}.txt"
    with output.open("wb") as sink, subprocess.Popen(command, cwd=folder, stdout=sink, stderr=sink) as peer:
        try:
            yield peer
            assert peer.wait(30) == 0, output.read_text(errors="replace")[-3000:]
        finally:
            peer.kill()


@needs_sipp
def test_sipps_regexp_reads_what_it_looks_for_in_our_answer(tmp_path: Path, proved: Proved) -> None:
    """`regexp` fails unless address, Contact and SDP origin stand in the 200 as it knows them."""
    port, own = free_port(), free_port()
    text = f"""
    agent bob {{ number "service"; listen udp "127.0.0.1:{port}" }}
    on bob {{ answer within 20s; expect hangup within 20s }}
    """
    with sipp(tmp_path, "-sn", "regexp", f"127.0.0.1:{port}", "-p", str(own), "-m", "1"):
        report = sipflow.run(text, out=tmp_path, timeout_s=30)
    assert report.passed, report.failures
    proved("SIPp", "regexp finds address, Contact and origin in our answer")


@needs_sipp
def test_sipps_branchc_registers_and_calls_from_one_call_id(tmp_path: Path, proved: Proved) -> None:
    """`branchc` sends REGISTER and INVITE with one Call-ID and two tags, holds the call for 5 s and hangs up."""
    port, own = free_port(), free_port()
    text = f"""
    agent bob {{ number "ua2"; listen udp "127.0.0.1:{port}" }}
    on bob {{ expect request REGISTER within 10s; answer; expect hangup within 20s }}
    """
    with sipp(tmp_path, "-sn", "branchc", f"127.0.0.1:{port}", "-p", str(own), "-m", "1"):
        report = sipflow.run(text, out=tmp_path, timeout_s=30)
    assert report.passed, report.failures
    proved("SIPp", "branchc registers and calls with one Call-ID")


@needs_sipp
def test_sipps_branchs_takes_our_register_and_our_call(tmp_path: Path, proved: Proved) -> None:
    """`branchs` answers a REGISTER, then an INVITE of `ua2` with 180, 100 (after it) and 200. It takes both for one
    call, so they need one Call-ID."""
    port = free_port()
    text = f"""
    agent peer = "sip:service@127.0.0.1:{port}"
    agent ua2 {{ proxy "127.0.0.1:{port}" }}
    on ua2 {{
      register for 60s with {{ header "Call-ID" = "one-for-both" }}
      call peer with {{ header "Call-ID" = "one-for-both" }}
      release
      wait 5s  # until SIPp is gone: it would take the REGISTER that ends our registration for part of the call
    }}
    """
    with sipp(tmp_path, "-sn", "branchs", "-p", str(port), "-m", "1"):
        wait_until(lambda: is_taken("127.0.0.1", port), "SIPp to listen")
        report = sipflow.run(text, out=tmp_path, timeout_s=30)
    assert report.passed, report.failures
    proved("SIPp", "branchs takes our REGISTER and our call")


@needs_sipp
def test_sipps_third_party_controller_connects_two_lanes(tmp_path: Path, proved: Proved) -> None:
    """3pcc: the controller invites the first without an offer, takes its offer to the second, and the answer back."""
    first, second, twin = free_port(), free_port(), free_port()
    lane = "answer within 20s; play tone 440Hz for 400ms; expect hangup within 20s; check media.packets_received > 15"
    text = f"""
    agent alice {{ number "service"; listen udp "127.0.0.1:{first}" }}
    agent bob {{ number "service"; listen udp "127.0.0.1:{second}" }}
    on alice {{ {lane} }}
    on bob {{ {lane} }}
    """
    link = ("-3pcc", f"127.0.0.1:{twin}", "-m", "1")
    b_side = sipp(tmp_path, "-sn", "3pcc-C-B", f"127.0.0.1:{second}", "-p", str(free_port()), *link)
    a_side = sipp(tmp_path, "-sn", "3pcc-C-A", f"127.0.0.1:{first}", "-p", str(free_port()), *link)
    with b_side:
        wait_until(lambda: is_taken("127.0.0.1", twin, socket.SOCK_STREAM), "SIPp to listen for its twin")
        with a_side:
            report = sipflow.run(text, out=tmp_path, media_dir=MEDIA, timeout_s=30)
    assert report.passed, report.failures
    proved("SIPp", "3pcc-C connects two lanes, each hears the other")


@needs_sipp
def test_sipps_3pcc_a_side_makes_the_offer(tmp_path: Path, proved: Proved) -> None:
    """We call without an offer; SIPp's 200 has it, our ACK has the answer."""
    port = free_port()
    text = f"""
    agent peer = "sip:service@127.0.0.1:{port}"
    on alice {{ call peer with {{ late offer }}; play "greet.wav"; release }}
    """
    with sipp(tmp_path, "-sn", "3pcc-A", "-p", str(port), "-m", "1"):
        wait_until(lambda: is_taken("127.0.0.1", port), "SIPp to listen")
        report = sipflow.run(text, out=tmp_path, media_dir=MEDIA, timeout_s=30)
    assert report.passed, report.failures
    proved("SIPp", "3pcc-A offers in its answer to our late offer")
