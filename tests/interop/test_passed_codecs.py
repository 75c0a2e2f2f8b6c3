"""Codecs that only pass through, with peers that we did not write: the same frames at both ends, bit by bit."""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

import sipflow
from sipflow.events import PlayFinished, RecordingFinished
from sipflow.media import PromptStore
from sipflow.media_params import MediaParams, RtpFormat
from sipflow.sdp.negotiate import LocalMedia, make_answer, make_offer
from sipflow.sdp.session import SessionDescription
from tests.interop.peers import needs, running, where_is
from tests.interop.proof import Proved
from tests.interop.test_ffmpeg import ffmpeg, open_leg, read
from tests.interop.test_sipp_latching import ANSWER, HOST, needs_root
from tests.media.engine import LOOPBACK
from tests.media.likeness import compare
from tests.media.test_captures import pcap, rtp
from tests.ports import free_port, is_taken

pytestmark = [pytest.mark.interop, pytest.mark.wire]

MEDIA = Path(__file__).parents[2] / "scenarios" / "media"
GSM_FRAMES = (MEDIA / "greet.gsm").read_bytes()
made = random.Random(1)
AMR_FRAMES = b"#!AMR\n" + b"".join(b"\x3c" + made.randbytes(30) + b"\xf0" for _ in range(150))
AMR_WB_FRAMES = b"#!AMR-WB\n" + b"".join(b"\x14" + made.randbytes(31) + b"\x80" for _ in range(150))
ILBC_FRAMES = b"#!iLBC30\n" + made.randbytes(50 * 100)
G729_FRAMES = made.randbytes(10 * 300)
FILES = {
    "GSM": (RtpFormat("GSM", 3), "x.gsm", GSM_FRAMES),
    "AMR": (RtpFormat("AMR", 104, fmtp="octet-align=1"), "x.amr", AMR_FRAMES),
    "AMR-WB": (RtpFormat("AMR-WB", 106, 16000, fmtp="octet-align=1"), "x.awb", AMR_WB_FRAMES),
    "iLBC": (RtpFormat("iLBC", 97, fmtp="mode=30"), "x.lbc", ILBC_FRAMES),
}


def local(port: int, rtp_format: RtpFormat) -> LocalMedia:
    return LocalMedia(LOOPBACK, port, (rtp_format,), 30 if rtp_format.name == "iLBC" else 20)


def answered(offer: SessionDescription, port: int, rtp_format: RtpFormat) -> MediaParams:
    answer = make_answer(offer, local(port, rtp_format), session_id=1, session_version=1)
    assert answer.params is not None, answer.reason
    return answer.params


@needs("ffmpeg", "ffmpeg")
@pytest.mark.parametrize("name", FILES)
def test_ffmpeg_takes_the_frames_as_they_are(tmp_path: Path, name: str, proved: Proved) -> None:
    rtp_format, file, frames = FILES[name]
    (tmp_path / file).write_bytes(frames)
    port = free_port(count=2)
    offer = make_offer(local(port, rtp_format), session_id=1, session_version=1)
    (tmp_path / "peer.sdp").write_text(str(offer), newline="")
    heard, output = tmp_path / f"heard{Path(file).suffix}", tmp_path / "ffmpeg.txt"
    heard = tmp_path / "heard.amr" if name == "AMR-WB" else heard
    source = (
        "-analyzeduration",
        0,
        "-probesize",
        64,
        "-protocol_whitelist",
        "file,rtp,udp",
        "-i",
        tmp_path / "peer.sdp",
    )
    command = ffmpeg(*source, "-c", "copy", "-flush_packets", 1, heard)
    with open_leg() as (leg, listener):
        with running(command, tmp_path, output, lambda: is_taken(LOOPBACK, port), signal.SIGINT):
            leg.start(answered(offer, leg.port, rtp_format))
            leg.play(PromptStore().load(tmp_path / file, rtp_format), 1)
            listener.wait_for(PlayFinished)
            listener.wait(lambda: heard.exists() and heard.stat().st_size >= len(frames), 5)
        assert heard.exists(), output.read_text()
    assert heard.read_bytes() == frames
    proved("ffmpeg", f"has the frames of {name} that we sent, bit by bit")


@needs("ffmpeg", "ffmpeg")
@pytest.mark.parametrize("name", ["AMR", "AMR-WB", "iLBC"])
def test_frames_that_ffmpeg_sends_are_recorded_as_they_are(tmp_path: Path, name: str, proved: Proved) -> None:
    rtp_format, file, frames = FILES[name]
    (tmp_path / file).write_bytes(frames)
    description, its_port = tmp_path / "ffmpeg.sdp", free_port(count=2)
    came = frames[: -50 if name == "iLBC" else -32 if name == "AMR" else -33]  # ffmpeg keeps the last frame to itself
    with open_leg() as (leg, listener):
        to = f"rtp://{LOOPBACK}:{leg.port}?localrtpport={its_port}&localrtcpport={its_port + 1}"
        one_a_packet = ("-max_delay", 20_000)
        sent = (
            "-c",
            "copy",
            *one_a_packet,
            "-payload_type",
            rtp_format.payload_type,
            "-f",
            "rtp",
            "-sdp_file",
            description,
            to,
        )
        command, output = ffmpeg("-re", "-i", tmp_path / file, *sent), tmp_path / "ffmpeg.txt"
        heard = tmp_path / f"heard{Path(file).suffix}"
        leg.record(heard, 2)
        with running(command, tmp_path, output, lambda: description.exists() and "m=" in description.read_text()):
            params = answered(SessionDescription.parse(description.read_bytes()), leg.port, rtp_format)
            leg.start(replace(params, remote_port=its_port, remote_rtcp_port=its_port + 1))
            listener.wait(lambda: heard.stat().st_size >= len(came), 15)
        counted = leg.statistics()
        leg.stop_record()
        listener.wait_for(RecordingFinished)
    assert heard.read_bytes() == came, counted
    assert (counted.packets_lost, counted.malformed_packets, counted.audio_level_dbov) == (0, 0, None)
    proved("ffmpeg", f"its frames of {name} are recorded here, bit by bit")


@needs("sipp", "sip-tester")
@needs_root
@pytest.mark.parametrize(
    ("name", "payload_type", "size", "step", "frames"),
    [("gsm", 3, 33, 160, GSM_FRAMES), ("g729", 18, 20, 160, G729_FRAMES)],
)
def test_a_capture_that_sipp_plays_is_recorded_frame_by_frame(
    tmp_path: Path, name: str, payload_type: int, size: int, step: int, frames: bytes, proved: Proved
) -> None:
    """And what SIPp would play, we play from the same file; SIPp has no ear for it."""
    payloads = [frames[at : at + size] for at in range(0, len(frames), size)]
    (tmp_path / "first.pcap").write_bytes(pcap(rtp(payloads, step, payload_type=payload_type, first=1, timestamp=0)))
    scenario = ANSWER.replace("SAID RTP/AVP 0", f"[media_port] RTP/AVP {payload_type}").replace("a=rtcp-mux\n", "")
    (tmp_path / "answer.xml").write_text(scenario)
    port, media = free_port(), free_port(count=2)
    command = [where_is("sipp"), "-sf", tmp_path / "answer.xml", "-i", HOST, "-mi", HOST, "-p", port, "-mp", media,
               "-m", 1, "-nostdin"]  # fmt: skip
    text = f"""
    agent alice {{ codecs {name} }}
    agent peer = "sip:x@{HOST}:{port}"
    on alice {{
      call peer
      record "heard.{name}"
      play "first.pcap"
      wait 1s
      check media.packets_received >= {len(payloads)}
      check media.loss == 0%
      release
    }}
    """
    with running([*map(str, command)], tmp_path, tmp_path / "sipp.txt", lambda: is_taken(HOST, port)):
        report = sipflow.run(text, out=tmp_path, media_dir=tmp_path, timeout_s=30)
    assert report.passed, (report.failures, report.diagnostics)
    assert (tmp_path / f"heard.{name}").read_bytes() == frames
    proved("SIPp", f"plays a capture of {name.upper()}: every frame is recorded as it stands in the capture")


@pytest.mark.parametrize("program", ["ffmpeg", "sox"])
def test_frames_that_were_recorded_sound_like_the_prompt(tmp_path: Path, program: str, proved: Proved) -> None:
    """What two decoders of GSM make of our recording, against the prompt that was encoded."""
    if shutil.which("ffmpeg") is None or shutil.which(program) is None:
        pytest.skip(f"ffmpeg and {program} are not installed")
    text = """
    agent alice { codecs gsm }
    agent menu { codecs gsm }
    on alice { call menu; wait 200ms; play "greet.gsm"; wait 500ms; release }
    on menu { answer; record "heard.gsm"; expect hangup within 20s; expect recorded }
    """
    report = sipflow.run(text, out=tmp_path, media_dir=MEDIA, timeout_s=30)
    assert report.passed, report.failures
    heard, played = tmp_path / "heard.gsm", tmp_path / "played.wav"
    decoded = tmp_path / "decoded.wav"
    sox = [where_is("sox"), "-t", "gsm", "-r", "8000", heard, "-b", "16", decoded]
    steps = (
        ffmpeg("-i", MEDIA / "greet.wav", "-ar", 8000, "-ac", 1, played),
        ffmpeg("-i", heard, decoded) if program == "ffmpeg" else list(map(str, sox)),
    )
    for step in steps:
        subprocess.run(step, check=True, timeout=30, stdin=subprocess.DEVNULL)
    likeness = compare(read(played, 8000), read(decoded, 8000), 8000)
    print(f"GSM by {program}: {likeness}")
    assert likeness.correlation > 0.9, likeness
    assert abs(likeness.level_db) < 1, likeness
    proved(program, f"GSM that we recorded sounds like the prompt, correlation {likeness.correlation:.3f}")
