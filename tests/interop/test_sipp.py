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

pytestmark = [pytest.mark.interop, pytest.mark.wire]

SIPP = shutil.which("sipp")
TSHARK = shutil.which("tshark")
MEDIA = Path(__file__).parents[2] / "scenarios" / "media"
needs_sipp = pytest.mark.skipif(SIPP is None, reason="SIPp is not installed (Debian: sip-tester)")
needs_tshark = pytest.mark.skipif(TSHARK is None, reason="tshark is not installed (Debian: tshark)")


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def sipp_uas(port: int, cwd: Path, *extra: str) -> Iterator[subprocess.Popen[bytes]]:
    """SIPp's own `uas`, which echoes RTP; ready when its port is taken."""
    assert SIPP is not None
    media_port = 6000 + 2 * (port % 1500)
    command = [SIPP, "-sn", "uas", "-i", "127.0.0.1", "-p", str(port), "-mp", str(media_port), "-rtp_echo", "-nostdin"]
    with subprocess.Popen([*command, *extra], cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as peer:
        try:
            _wait_until_taken(port)
            yield peer
        finally:
            peer.kill()


def _wait_until_taken(port: int) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                return
        time.sleep(0.02)
    raise AssertionError(f"nobody took port {port}")


@needs_sipp
def test_a_scenario_calls_sipps_uas_and_hears_its_own_echo(tmp_path: Path) -> None:
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


@needs_sipp
def test_sipps_uac_calls_a_lane_that_answers(tmp_path: Path) -> None:
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


@needs_sipp
@needs_tshark
def test_tshark_sees_one_stream_each_way_without_loss(tmp_path: Path) -> None:
    port = free_port()
    media_first = 24_600
    text = f"""
    agent alice {{ media {{ ports {media_first}-{media_first + 99} }} }}
    agent peer = "sip:service@127.0.0.1:{port}"
    on alice {{ call peer; play "greet.wav"; release }}
    """
    capture = tmp_path / "call.pcapng"
    with sipp_uas(port, tmp_path, "-m", "1"), capturing(capture, f"udp portrange {media_first}-{media_first + 99}"):
        report = sipflow.run(text, out=tmp_path, media_dir=MEDIA, timeout_s=30)
    assert report.passed, report.failures
    streams = rtp_streams(capture, media_first)
    assert len(streams) == 2, streams
    for stream in streams:
        assert int(stream["packets"]) > 50
        assert stream["lost"].startswith("0 "), stream


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
