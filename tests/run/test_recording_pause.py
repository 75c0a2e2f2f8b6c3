"""What is said while a recording is paused is in no file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile

import sipflow

SCENARIO = Path(__file__).parents[2] / "scenarios" / "record-pause.sflow"


def strength(samples: np.ndarray, hertz: float) -> float:
    """Of a tone in a part of a recording; 1 is a sine of full scale."""
    turns = np.exp(-2j * np.pi * hertz / 8000 * np.arange(len(samples)))
    return float(2 * abs(np.mean(samples * turns)))


def test_the_number_is_not_in_the_recording_and_all_around_it_is(tmp_path: Path) -> None:
    report = sipflow.run(SCENARIO, out=tmp_path, sim=True, seed=1)
    assert report.passed, report.failures
    samples, rate = soundfile.read(tmp_path / "desk.wav")
    assert rate == 8000
    blocks = [samples[n : n + 800] for n in range(0, len(samples) - 799, 800)]
    said = [strength(block, 400) > 0.01 for block in blocks]
    assert 18 <= sum(said) <= 21, "both tones of a second, in tenths"
    assert max(strength(block, 800) for block in blocks) < 0.1 * max(strength(block, 400) for block in blocks)
    assert len(samples) / rate < 3.5, "two seconds were left out"
