"""Stereo Opus, ffmpeg at the other end: left and right told apart by their tones."""

from __future__ import annotations

import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from sipflow.events import PlayFinished, RecordingFinished
from sipflow.media import PromptStore
from sipflow.media.opus import has_opus
from sipflow.media_params import RtpFormat
from sipflow.sdp.negotiate import LocalMedia, make_offer
from sipflow.sdp.session import SessionDescription
from tests.interop.peers import needs, running
from tests.interop.proof import Proved
from tests.interop.test_ffmpeg import Trial, answered, ffmpeg, open_leg
from tests.media.engine import LOOPBACK
from tests.media.signals import Samples
from tests.ports import free_port, is_taken

pytestmark = [
    pytest.mark.interop,
    pytest.mark.wire,
    needs("ffmpeg", "ffmpeg"),
    pytest.mark.skipif(not has_opus(), reason="libopus is not installed"),
]

RATE, SECONDS = 48_000, 3
LEFT_HZ, RIGHT_HZ = 440, 1000


def tone(hertz: float) -> Samples:
    """A sine at -12 dB of full scale."""
    samples: Samples = np.rint(8192 * np.sin(2 * np.pi * hertz / RATE * np.arange(SECONDS * RATE))).astype(np.int16)
    return samples


def apart_db(channel: Samples, own_hz: float, other_hz: float) -> float:
    """How much louder a channel has its own tone than that of the other."""
    middle = channel[RATE : 2 * RATE].astype(float)  # a second: the tones are whole bins of 1 Hz
    spectrum = np.abs(np.fft.rfft(middle * np.hanning(len(middle))))
    return float(20 * np.log10(spectrum[int(own_hz)] / max(spectrum[int(other_hz)], 1e-9)))


def heard_by_ffmpeg(folder: Path, prompt: Samples, fmtp: str) -> Samples:
    """Frames of left and right, as ffmpeg decodes what is sent to a peer with this fmtp."""
    soundfile.write(folder / "played.wav", prompt, RATE)
    opus = RtpFormat("opus", 111, RATE, 2, fmtp)
    port, heard, output = free_port(count=2), folder / "heard.wav", folder / "ffmpeg.txt"
    offer = make_offer(LocalMedia(LOOPBACK, port, (opus,)), session_id=1, session_version=1)
    (folder / "peer.sdp").write_text(str(offer), newline="")
    source = ("-protocol_whitelist", "file,rtp,udp", "-i", folder / "peer.sdp")
    with (
        open_leg() as (leg, listener),
        running(ffmpeg(*source, "-ac", 2, heard), folder, output, lambda: is_taken(LOOPBACK, port), signal.SIGINT),
    ):
        params = answered(offer, leg, Trial(opus, RATE, ()))
        leg.start(params)
        leg.play(PromptStore().load(folder / "played.wav", params.send_format), 1)
        listener.wait_for(PlayFinished)
        listener.wait(lambda: leg.statistics().packets_sent >= SECONDS * 50 + 25)
    frames: Samples = soundfile.read(heard, dtype="int16")[0]
    loud = np.flatnonzero(np.abs(frames).max(axis=1) > 1000)
    return frames[loud[0] :]


@pytest.mark.parametrize(("fmtp", "least_db"), [("stereo=1", 60), ("stereo=1;useinbandfec=1", 15)])
def test_a_peer_that_prefers_stereo_hears_two_channels(
    tmp_path: Path, proved: Proved, fmtp: str, least_db: float
) -> None:
    """In-band FEC costs separation: ffmpeg's own encoder comes to 88 dB without it and to 21 dB with it."""
    frames = heard_by_ffmpeg(tmp_path, np.stack((tone(LEFT_HZ), tone(RIGHT_HZ)), axis=1), fmtp)
    left, right = apart_db(frames[:, 0], LEFT_HZ, RIGHT_HZ), apart_db(frames[:, 1], RIGHT_HZ, LEFT_HZ)
    print(f"left {left:.1f} dB, right {right:.1f} dB apart")
    assert left > least_db
    assert right > least_db
    proved("ffmpeg", "hears left and right of our Opus where it says stereo=1")


def test_others_hear_both_channels_mixed(tmp_path: Path) -> None:
    frames = heard_by_ffmpeg(tmp_path, np.stack((tone(LEFT_HZ), tone(RIGHT_HZ)), axis=1), "useinbandfec=1")
    assert np.array_equal(frames[:, 0], frames[:, 1])
    assert abs(apart_db(frames[:, 0], LEFT_HZ, RIGHT_HZ)) < 3


def test_a_prompt_of_one_channel_is_the_same_in_both(tmp_path: Path) -> None:
    frames = heard_by_ffmpeg(tmp_path, tone(LEFT_HZ), "stereo=1").astype(float)
    level = np.sqrt((frames[RATE : 2 * RATE] ** 2).mean(axis=0))
    assert 20 * np.log10(level / (8192 / 2**0.5)) == pytest.approx([0, 0], abs=0.5)


@pytest.mark.parametrize(
    ("fec", "least_db"),
    [(("-application", "audio"), 60), (("-application", "voip", "-fec:a", "1", "-packet_loss", "10"), 12)],
    ids=["plain", "fec"],
)
def test_two_channels_of_ffmpeg_are_heard_apart(
    tmp_path: Path, proved: Proved, fec: tuple[str, ...], least_db: float
) -> None:
    soundfile.write(tmp_path / "played.wav", np.stack((tone(LEFT_HZ), tone(RIGHT_HZ)), axis=1), RATE)
    stereo = Trial(RtpFormat("opus", 111, RATE, 2, "stereo=1;sprop-stereo=1"), RATE, ())
    description, its_port = tmp_path / "ffmpeg.sdp", free_port(count=2)
    with open_leg() as (leg, listener):
        to = f"rtp://{LOOPBACK}:{leg.port}?localrtpport={its_port}&localrtcpport={its_port + 1}"
        encoding = ("-c:a", "libopus", "-b:a", 64000, *fec, "-ac", 2, "-payload_type", 111)
        source = f"amovie={tmp_path}/played.wav,asetnsamples={RATE // 50}"
        command = ffmpeg("-re", "-f", "lavfi", "-i", source, *encoding, "-f", "rtp", "-sdp_file", description, to)
        output = tmp_path / "ffmpeg.txt"
        with running(command, tmp_path, output, lambda: description.exists() and "m=" in description.read_text()):
            params = answered(SessionDescription.parse(description.read_bytes()), leg, stereo)
            leg.start(replace(params, remote_port=its_port, remote_rtcp_port=its_port + 1))
            leg.record(tmp_path / "heard.wav", 2, channels="received", side_channels=2)
            listener.wait(lambda: (leg.statistics().packets_received or 0) >= (SECONDS - 0.1) * 50, SECONDS + 10)
        listener.wait(lambda: leg.statistics().packets_sent >= (SECONDS + 0.6) * 50)
        leg.stop_record()
        listener.wait_for(RecordingFinished)
    frames: Samples = soundfile.read(tmp_path / "heard.wav", dtype="int16")[0]
    assert frames.shape[1] == 2
    frames = frames[np.flatnonzero(np.abs(frames).max(axis=1) > 1000)[0] :]
    left, right = apart_db(frames[:, 0], LEFT_HZ, RIGHT_HZ), apart_db(frames[:, 1], RIGHT_HZ, LEFT_HZ)
    print(f"left {left:.1f} dB, right {right:.1f} dB apart")
    assert left > least_db
    assert right > least_db
    proved("ffmpeg", "its left and right are heard apart where we say stereo=1")
