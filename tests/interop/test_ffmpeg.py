"""ffmpeg at the other end of the RTP, by session description: it decodes what we encoded, we decode what it encoded.

No SIP takes part: the descriptions go as files. What is heard is compared with what was played by its waveform, its
level, and its level in each third of an octave.
"""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from sipflow.events import PlayFinished, RecordingFinished
from sipflow.media import JitterConfig, Leg, MediaEngine, PromptStore
from sipflow.media.opus import has_opus
from sipflow.media_params import MediaParams, RtpFormat
from sipflow.sdp.negotiate import LocalMedia, make_answer, make_offer
from sipflow.sdp.session import SessionDescription
from tests.interop.peers import PATIENCE_MS, needs, running, where_is
from tests.interop.proof import Proved
from tests.media.engine import LOOPBACK, Listener
from tests.media.likeness import compare
from tests.media.signals import Samples, speech, write_wav
from tests.ports import free_port, is_taken

pytestmark = [pytest.mark.interop, pytest.mark.wire, needs("ffmpeg", "ffmpeg")]

SECONDS = 4
OPUS = RtpFormat("opus", 111, 48000, 2, "useinbandfec=1")


@dataclass(frozen=True)
class Trial:
    """A codec, and ffmpeg's words for encoding it as it is encoded here."""

    rtp_format: RtpFormat
    rate: int
    encoder: tuple[str, ...]


TRIALS = [
    Trial(RtpFormat("PCMU", 0), 8000, ("pcm_mulaw",)),
    Trial(RtpFormat("PCMA", 8), 8000, ("pcm_alaw",)),
    Trial(RtpFormat("G722", 9), 16000, ("g722",)),
    Trial(RtpFormat("L16", 98, 16000), 16000, ("pcm_s16be",)),
    Trial(OPUS, 48000, ("libopus", "-b:a", "32000", "-application", "voip", "-fec:a", "1", "-packet_loss", "10")),
]
by_codec = pytest.mark.parametrize("trial", TRIALS, ids=lambda trial: trial.rtp_format.name)


@pytest.fixture(autouse=True)
def _opus(trial: Trial) -> None:
    if trial.rtp_format == OPUS and not has_opus():
        pytest.skip("libopus is not installed")


# --- what is compared ---


def judge(trial: Trial, folder: Path, played: Samples, heard: Samples) -> None:
    """The codec costs what it costs when ffmpeg encodes and decodes it without any network, and no more."""
    alone = compare(played, by_ffmpeg_alone(trial, folder), trial.rate)
    through = compare(played, heard, trial.rate)
    figures = f"{trial.rtp_format.name}: {through}; ffmpeg alone: {alone}"
    print(figures)
    assert through.correlation > alone.correlation - 0.01, figures
    assert abs(through.level_db - alone.level_db) < 0.1, figures
    assert through.bands_db < alone.bands_db + 0.5, figures


def by_ffmpeg_alone(trial: Trial, folder: Path) -> Samples:
    """`played.wav` encoded and decoded by ffmpeg."""
    coded, decoded = folder / "alone.nut", folder / "alone.wav"
    for step in (
        ffmpeg("-i", folder / "played.wav", "-c:a", *trial.encoder, coded),
        ffmpeg("-i", coded, "-ac", 1, "-ar", trial.rate, decoded),
    ):
        subprocess.run(step, check=True, timeout=30, stdin=subprocess.DEVNULL)
    return read(decoded, trial.rate)


def read(path: Path, rate: int) -> Samples:
    """Samples of a mono WAV of this rate."""
    samples: Samples
    samples, found = soundfile.read(path, dtype="int16")
    assert found == rate
    return samples


# --- the two ends ---


@contextmanager
def open_leg() -> Iterator[tuple[Leg, Listener]]:
    with MediaEngine() as engine:
        patient = JitterConfig(adaptive=False, initial_ms=PATIENCE_MS, max_ms=PATIENCE_MS)
        yield engine.open_leg("call-1", LOOPBACK, jitter=patient), Listener(engine)


def local(port: int, trial: Trial) -> LocalMedia:
    return LocalMedia(LOOPBACK, port, (trial.rtp_format,))


def answered(offer: SessionDescription, leg: Leg, trial: Trial) -> MediaParams:
    answer = make_answer(offer, local(leg.port, trial), session_id=1, session_version=1)
    assert answer.params is not None, answer.reason
    return answer.params


def ffmpeg(*arguments: object) -> list[str]:
    return [where_is("ffmpeg"), "-nostdin", "-hide_banner", "-loglevel", "warning", "-y", *map(str, arguments)]


@by_codec
def test_ffmpeg_decodes_what_was_encoded_here(tmp_path: Path, trial: Trial, proved: Proved) -> None:
    played = speech(SECONDS, rate=trial.rate)
    prompt = PromptStore().load(write_wav(tmp_path / "played.wav", played, trial.rate), trial.rtp_format)
    port = free_port(count=2)
    offer = make_offer(local(port, trial), session_id=1, session_version=1)
    (tmp_path / "peer.sdp").write_text(str(offer), newline="")
    heard = tmp_path / "heard.wav"
    source = ("-protocol_whitelist", "file,rtp,udp", "-i", tmp_path / "peer.sdp")
    command = ffmpeg(*source, "-ac", 1, "-ar", trial.rate, heard)
    output = tmp_path / "ffmpeg.txt"
    with open_leg() as (leg, listener):
        with running(command, tmp_path, output, lambda: is_taken(LOOPBACK, port), signal.SIGINT):
            leg.start(answered(offer, leg, trial))
            leg.play(prompt, 1)
            listener.wait_for(PlayFinished)
            listener.wait(lambda: leg.statistics().packets_sent >= SECONDS * 50 + 25)
        assert heard.exists(), output.read_text()
    judge(trial, tmp_path, played, read(heard, trial.rate))
    proved("ffmpeg", f"decodes our {trial.rtp_format.name} as well as its own")


@by_codec
def test_what_ffmpeg_encoded_is_decoded_here(tmp_path: Path, trial: Trial, proved: Proved) -> None:
    played = speech(SECONDS, rate=trial.rate, seed=2)
    silence = np.zeros(trial.rate // 2, np.int16)
    write_wav(tmp_path / "played.wav", np.concatenate((silence, played)), trial.rate)
    description, its_port = tmp_path / "ffmpeg.sdp", free_port(count=2)
    with open_leg() as (leg, listener):
        to = f"rtp://{LOOPBACK}:{leg.port}?localrtpport={its_port}&localrtcpport={its_port + 1}"
        encoding = ("-c:a", *trial.encoder, "-ac", 1, "-payload_type", trial.rtp_format.payload_type)
        # In time with packets, not with the blocks that it reads a file by.
        source = f"amovie={tmp_path}/played.wav,asetnsamples={trial.rate // 50}"
        command = ffmpeg("-re", "-f", "lavfi", "-i", source, *encoding, "-f", "rtp", "-sdp_file", description, to)
        output = tmp_path / "ffmpeg.txt"
        with running(command, tmp_path, output, lambda: description.exists() and "m=" in description.read_text()):
            theirs = SessionDescription.parse(description.read_bytes())
            params = answered(theirs, leg, trial)
            leg.start(replace(params, remote_port=its_port, remote_rtcp_port=its_port + 1))
            leg.record(tmp_path / "heard.wav", 2, channels="received")  # at the rate of the codec
            listener.wait(lambda: (leg.statistics().packets_received or 0) >= (SECONDS + 0.4) * 50, SECONDS + 10)
            listener.wait(lambda: leg.statistics().packets_sent >= (SECONDS + 0.6) * 50)
        statistics = leg.statistics()
        leg.stop_record()
        listener.wait_for(RecordingFinished)
    wrong = (statistics.packets_lost, statistics.malformed_packets, statistics.unknown_payload_packets)
    assert wrong == (0, 0, 0), statistics
    judge(trial, tmp_path, played, read(tmp_path / "heard.wav", trial.rate))
    proved("ffmpeg", f"its {trial.rtp_format.name} is decoded here as well as by itself")
