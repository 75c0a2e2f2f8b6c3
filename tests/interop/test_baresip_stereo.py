"""baresip with Opus in two channels: left and right told apart by their tones, at both ends."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

import sipflow
from sipflow.media.opus import has_opus
from tests.interop.peers import PATIENT, baresip, has_baresip_module, needs
from tests.interop.proof import Proved
from tests.media.signals import Samples
from tests.media.test_opus_stereo import LEFT_HZ, RATE, RIGHT_HZ, apart_db, frames_of, tone

pytestmark = [
    pytest.mark.interop,
    pytest.mark.wire,
    needs("baresip", "baresip-core"),
    pytest.mark.skipif(not has_opus(), reason="libopus is not installed"),
    pytest.mark.skipif(not has_baresip_module("opus"), reason="baresip has no module for opus"),
]


def from_its_beginning(path: Path) -> Samples:
    """Frames of what was heard, from the first sound on."""
    frames: Samples = soundfile.read(path, dtype="int16", always_2d=True)[0]
    assert frames.shape[1] == 2
    return frames[np.flatnonzero(np.abs(frames).max(axis=1) > 1000)[0] :]


def judge(who: str, frames: Samples, left_hz: float, right_hz: float) -> None:
    left, right = apart_db(frames[:, 0], left_hz, right_hz), apart_db(frames[:, 1], right_hz, left_hz)
    print(f"{who} hears left {left:.1f} dB, right {right:.1f} dB apart")
    assert left > 40
    assert right > 40


def test_left_and_right_are_heard_apart_at_both_ends(tmp_path: Path, proved: Proved) -> None:
    """baresip's tones are on the other sides, so that neither end can hear its own."""
    soundfile.write(tmp_path / "ours.wav", frames_of(tone(LEFT_HZ, 4), tone(RIGHT_HZ, 4)), RATE)
    soundfile.write(tmp_path / "theirs.wav", frames_of(tone(RIGHT_HZ, 6), tone(LEFT_HZ, 6)), RATE)
    stereo = "opus_stereo yes\nopus_sprop_stereo yes\nopus_bitrate 64000\n"
    with baresip(tmp_path, tmp_path / "theirs.wav", codecs="opus/48000/2", rate=RATE, channels=2, more=stereo) as peer:
        text = f"""
        agent peer = "sip:peer@127.0.0.1:{peer.port}"
        agent alice {{ codecs opus stereo; {PATIENT} }}
        on alice {{ call peer; record "heard.wav" received; play "ours.wav"; release; check media.loss < 1% }}
        """
        report = sipflow.run(text, out=tmp_path, media_dir=tmp_path, timeout_s=30)
        assert report.passed, report.failures
    judge("baresip", from_its_beginning(peer.heard()), LEFT_HZ, RIGHT_HZ)
    judge("sipflow", from_its_beginning(tmp_path / "heard.wav"), RIGHT_HZ, LEFT_HZ)
    proved("baresip", "hears left and right of our Opus apart, and is heard so")
