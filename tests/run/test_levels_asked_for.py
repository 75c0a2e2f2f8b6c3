"""`at G` holds for whatever is played: files, tones, digits."""

from __future__ import annotations

from pathlib import Path

import pytest

import sipflow


def heard_level(folder: Path, play: str) -> float:
    text = f"""
    agent alice {{ codecs l16 }}
    agent bob {{ codecs l16; dtmf inband }}
    on alice: call bob; {play}; release
    on bob: answer; expect hangup within 20s
    """
    report = sipflow.run(text, out=folder, sim=True, seed=1)
    assert report.passed, report.failures
    media = next(call.media for call in report.calls if call.agent == "bob")
    assert media is not None
    return float(media["audio_level_dbov"])


@pytest.mark.parametrize("gain", [7, 0, -6, -20, -30])
def test_a_tone_is_as_loud_as_it_is_asked_for(gain: int, tmp_path: Path) -> None:
    assert heard_level(tmp_path, f"play tone 1kHz for 2s at {gain}dB") == -10 + gain


@pytest.mark.parametrize("gain", [4, 0, -10])
def test_digits_are_as_loud_as_they_are_asked_for(gain: int, tmp_path: Path) -> None:
    quiet = heard_level(tmp_path, f'play dtmf "1111111111" at {gain}dB')
    assert quiet == pytest.approx(heard_level(tmp_path, 'play dtmf "1111111111"') + gain, abs=1)


@pytest.mark.parametrize("play", ["play tone 1kHz for 1s at 8dB", 'play dtmf "1" at 5dB'])
def test_what_is_louder_than_full_scale_is_refused(play: str, tmp_path: Path) -> None:
    text = f"on alice: call bob; {play}; release\non bob: answer; expect hangup within 20s"
    report = sipflow.run(text, out=tmp_path, sim=True, seed=1)
    assert report.failures[0].code == "SF502"
    assert "dBov" in report.failures[0].got
