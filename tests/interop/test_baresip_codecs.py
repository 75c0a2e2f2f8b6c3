"""baresip with G.722 and Opus: what each side recorded is compared with what the other played."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
import soundfile

import sipflow
from sipflow.media.opus import has_opus
from tests.interop.peers import PATIENT, baresip, has_baresip_module, needs
from tests.interop.proof import Proved
from tests.media.likeness import Likeness, compare
from tests.media.signals import Samples, speech, write_wav
from tests.ports import free_port

pytestmark = [pytest.mark.interop, pytest.mark.wire, needs("baresip", "baresip-core")]


@dataclass(frozen=True)
class Trial:
    """A codec in our words and in baresip's, and what of the waveform is left at the worse of the two ends.

    The encoder of speech that libopus has shifts low harmonics: ffmpeg's `-application voip` leaves the same of it.
    """

    codec: str
    theirs: str
    rate: int
    correlation: float
    more: str = ""


OPUS = Trial("opus", "opus/48000/1", 48000, 0.7, "opus_stereo no\nopus_sprop_stereo no\n")
STEREO = Trial("opus", "opus/48000/2", 48000, 0.7, "opus_stereo yes\nopus_sprop_stereo yes\n")
"""It asks for stereo by `stereo=1` and says by `sprop-stereo=1` that it sends it; here one channel is heard."""
TRIALS = [
    pytest.param(Trial("g722", "G722/16000/1", 16000, 0.99), id="g722"),
    pytest.param(OPUS, id="opus"),
    pytest.param(STEREO, id="opus-stereo"),
]


@pytest.fixture(autouse=True)
def _available(trial: Trial) -> None:
    if not has_baresip_module(trial.codec):
        pytest.skip(f"baresip has no module for {trial.codec}")
    if trial.codec == "opus" and not has_opus():
        pytest.skip("libopus is not installed")


def read(path: Path, rate: int) -> Samples:
    """The first channel."""
    samples: Samples
    samples, found = soundfile.read(path, dtype="int16", always_2d=True)
    assert found == rate
    return samples[:, 0]


def judge(trial: Trial, heard: Likeness) -> None:
    print(f"{trial.codec}: {heard}")
    assert heard.correlation > trial.correlation, heard
    assert abs(heard.level_db) < 1, heard
    assert heard.bands_db < 1.5, heard


def play_both(tmp_path: Path, trial: Trial) -> tuple[Samples, Samples]:
    """Files of what we play and of what baresip does; its is longer, as it hangs up at the end of it."""
    ours, theirs = speech(4, seed=1, rate=trial.rate), speech(6, seed=2, rate=trial.rate)
    write_wav(tmp_path / "ours.wav", ours, trial.rate)
    write_wav(tmp_path / "theirs.wav", theirs, trial.rate)
    return ours, theirs


@pytest.mark.parametrize("trial", TRIALS)
def test_baresip_answers_and_both_hear_what_the_other_said(tmp_path: Path, trial: Trial, proved: Proved) -> None:
    ours, theirs = play_both(tmp_path, trial)
    with baresip(tmp_path, tmp_path / "theirs.wav", codecs=trial.theirs, rate=trial.rate, more=trial.more) as peer:
        text = f"""
        agent peer = "sip:peer@127.0.0.1:{peer.port}"
        agent alice {{ codecs {trial.codec}; {PATIENT} }}
        on alice {{ call peer; record "heard.wav" received; play "ours.wav"; release; check media.loss < 1% }}
        """
        report = sipflow.run(text, out=tmp_path, media_dir=tmp_path, timeout_s=30)
        assert report.passed, report.failures
    judge(trial, compare(ours, read(peer.heard(), trial.rate), trial.rate))
    judge(trial, compare(theirs, read(tmp_path / "heard.wav", trial.rate), trial.rate))
    proved("baresip", f"answers with {trial.codec}; levels within 1 dB and bands within 1.5 dB of what was said")


@pytest.mark.parametrize("trial", TRIALS)
def test_baresip_calls_a_lane_that_answers(tmp_path: Path, trial: Trial, proved: Proved) -> None:
    ours, theirs = play_both(tmp_path, trial)
    port = free_port()
    text = f"""
    agent bob {{ listen udp "127.0.0.1:{port}"; codecs {trial.codec}; {PATIENT} }}
    on bob {{ answer within 20s; record "heard.wav" received; play "ours.wav"; release; check media.loss < 1% }}
    """
    call = f"/dial sip:bob@127.0.0.1:{port}"
    with baresip(
        tmp_path, tmp_path / "theirs.wav", execute=call, codecs=trial.theirs, rate=trial.rate, more=trial.more
    ) as peer:
        report = sipflow.run(text, out=tmp_path, media_dir=tmp_path, timeout_s=30)
        assert report.passed, report.failures
    judge(trial, compare(ours, read(peer.heard(), trial.rate), trial.rate))
    judge(trial, compare(theirs, read(tmp_path / "heard.wav", trial.rate), trial.rate))
    proved("baresip", f"calls with {trial.codec}; levels within 1 dB and bands within 1.5 dB of what was said")
