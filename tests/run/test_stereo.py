"""Whole calls in two channels: left and right told apart in what was recorded, on the wire and in simulated time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

import sipflow
from sipflow.media.hearing import telephone_audio
from sipflow.media.opus import has_opus
from sipflow.media.pesq import Recorded
from tests.media.signals import Samples, speech
from tests.media.test_opus_stereo import LEFT_HZ, RATE, RIGHT_HZ, apart_db, frames_of, tone

pytestmark = pytest.mark.skipif(not has_opus(), reason="libopus is not installed")

WAYS = [pytest.param(False, marks=pytest.mark.wire, id="wire"), pytest.param(True, id="simulated")]


def called(folder: Path, prompt: Samples, alice: str, bob: str, bob_codecs: str, sim: bool) -> dict[str, Any]:
    """A call in which bob plays; gives what alice's media came to."""
    soundfile.write(folder / "prompt.wav", prompt, RATE)
    text = f"""
    agent alice {{ codecs {alice} }}
    agent bob   {{ codecs {bob_codecs} }}
    on alice {{
      call bob
      {bob}
      expect hangup within 20s
      expect recorded
    }}
    on bob {{
      answer
      await ready
      play "prompt.wav"
      wait 200ms
      release
    }}
    """
    report = sipflow.run(text, out=folder, media_dir=folder, seed=3, timeout_s=30, sim=sim)
    assert report.passed, report.failures
    return next(call.media for call in report.calls if call.agent == "alice" and call.media is not None)


def recorded(folder: Path, name: str = "alice.wav") -> Samples:
    """Frames from where the prompt begins."""
    frames: Samples = soundfile.read(folder / name, dtype="int16", always_2d=True)[0]
    loud = np.flatnonzero(np.abs(frames).max(axis=1) > 1000)
    return frames[loud[0] :]


RECORD = 'record "alice.wav" received; signal ready'
TONES = frames_of(tone(LEFT_HZ, 3), tone(RIGHT_HZ, 3))


@pytest.mark.parametrize("sim", WAYS)
def test_two_tones_are_heard_on_their_own_sides(tmp_path: Path, sim: bool) -> None:
    media = called(tmp_path, TONES, "opus stereo", RECORD, "opus stereo", sim)
    frames = recorded(tmp_path)
    left, right = apart_db(frames[:, 0], LEFT_HZ, RIGHT_HZ), apart_db(frames[:, 1], RIGHT_HZ, LEFT_HZ)
    print(f"left {left:.1f} dB, right {right:.1f} dB apart")
    assert min(left, right) > 60
    assert media["audio_level_left_dbov"] == pytest.approx(-18, abs=4)
    assert media["audio_level_right_dbov"] == pytest.approx(-18, abs=4)


@pytest.mark.parametrize("sim", WAYS)
def test_speech_on_the_left_leaves_the_right_silent(tmp_path: Path, sim: bool) -> None:
    voice = speech(3, rate=RATE)
    media = called(tmp_path, frames_of(voice, np.zeros_like(voice)), "opus stereo", RECORD, "opus", sim)
    frames = recorded(tmp_path).astype(float)
    left, right = 20 * np.log10(np.sqrt((frames**2).mean(axis=0)) / 32768 + 1e-9)
    print(f"left {left:.1f} dB, right {right:.1f} dB")
    assert left > right + 40
    assert media["audio_level_left_dbov"] > -30
    assert media["audio_level_right_dbov"] < -60


def test_both_sides_are_four_channels(tmp_path: Path) -> None:
    called(tmp_path, TONES, "opus stereo", 'record "alice.wav"; signal ready', "opus stereo", True)
    frames = recorded(tmp_path)
    assert frames.shape[1] == 4
    assert not frames[:, :2].any()
    assert min(apart_db(frames[:, 2], LEFT_HZ, RIGHT_HZ), apart_db(frames[:, 3], RIGHT_HZ, LEFT_HZ)) > 60


def test_without_the_word_one_channel_is_heard(tmp_path: Path) -> None:
    media = called(tmp_path, TONES, "opus", RECORD, "opus stereo", True)
    frames = recorded(tmp_path)
    assert frames.shape[1] == 1
    assert abs(apart_db(frames[:, 0], LEFT_HZ, RIGHT_HZ)) < 3
    assert media["audio_level_left_dbov"] is None
    assert media["audio_level_dbov"] is not None


@pytest.mark.parametrize("sim", WAYS)
def test_an_offer_in_mid_call_asks_for_two_channels(tmp_path: Path, sim: bool) -> None:
    """What plays goes on, from one channel to two."""
    doing = """
      record "before.wav" received for 1s
      signal ready
      wait 1500ms
      resume with { codecs opus stereo }
      record "alice.wav" received
    """
    prompt = frames_of(tone(LEFT_HZ, 6), tone(RIGHT_HZ, 6))
    called(tmp_path, prompt, "opus", doing, "opus", sim)
    assert recorded(tmp_path, "before.wav").shape[1] == 1
    frames = recorded(tmp_path)
    assert min(apart_db(frames[:, 0], LEFT_HZ, RIGHT_HZ), apart_db(frames[:, 1], RIGHT_HZ, LEFT_HZ)) > 60


def test_a_digit_in_the_audio_is_found_in_the_mix(tmp_path: Path) -> None:
    """The two frequencies of a key, one on each side."""
    key = frames_of(tone(770, 0.2), tone(1336, 0.2))  # 5
    prompt = np.concatenate((np.zeros((RATE // 2, 2), np.int16), key, np.zeros((RATE // 2, 2), np.int16)))
    soundfile.write(tmp_path / "prompt.wav", prompt, RATE)
    text = """
    agent alice { codecs opus stereo; dtmf inband }
    agent bob   { codecs opus; dtmf inband }
    on alice: call bob; signal ready; expect dtmf "5" within 5s; release
    on bob: answer; await ready; play "prompt.wav" in background; expect hangup within 10s
    """
    report = sipflow.run(text, out=tmp_path, media_dir=tmp_path, seed=3, timeout_s=30, sim=True)
    assert report.passed, report.failures


def test_an_answer_asks_for_two_channels_and_a_hold_does_not_take_them_away(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "prompt.wav", TONES, RATE)
    text = """
    agent alice { codecs opus }
    agent bob   { codecs pcmu, opus }
    on alice { call bob; await ready; play "prompt.wav"; wait 200ms; release }
    on bob {
      answer with { codecs opus stereo }
      hold
      resume
      record "bob.wav" received
      signal ready
      expect hangup within 20s
      expect recorded
    }
    """
    report = sipflow.run(text, out=tmp_path, media_dir=tmp_path, seed=3, timeout_s=30, sim=True)
    assert report.passed, report.failures
    frames = recorded(tmp_path, "bob.wav")
    assert min(apart_db(frames[:, 0], LEFT_HZ, RIGHT_HZ), apart_db(frames[:, 1], RIGHT_HZ, LEFT_HZ)) > 60


def test_an_offer_in_mid_call_goes_back_to_one_channel(tmp_path: Path) -> None:
    """The recording that has begun keeps its two, and one that begins then has one."""
    doing = """
      record "alice.wav" received
      signal ready
      wait 1500ms
      resume with { codecs opus }
      wait 3s
      record "after.wav" received for 1s
    """
    called(tmp_path, frames_of(tone(LEFT_HZ, 6), tone(RIGHT_HZ, 6)), "opus stereo", doing, "opus", True)
    assert recorded(tmp_path, "after.wav").shape[1] == 1
    frames = recorded(tmp_path)
    assert np.array_equal(frames[2 * RATE :, 0], frames[2 * RATE :, 1])
    assert not np.array_equal(frames[:RATE, 0], frames[:RATE, 1])


def test_a_prompt_is_recognised_in_the_channels_that_were_heard(tmp_path: Path) -> None:
    """Of a file of four channels PESQ takes the mix of the last two."""
    soundfile.write(tmp_path / "four.wav", np.array([[0.9, 0.9, 0.5, 0.25]] * 800), 8000, subtype="FLOAT")
    assert telephone_audio(tmp_path / "four.wav", Recorded(tmp_path, "stereo", 2).heard) == pytest.approx(0.375)
    assert telephone_audio(tmp_path / "four.wav", Recorded(tmp_path, "received", 2).heard) == pytest.approx(0.9)
