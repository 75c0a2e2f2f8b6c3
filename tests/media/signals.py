"""Audio for tests, and what is left of it after G.711, by the tables of the recommendation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from tests.native.twins import g711

Samples = np.ndarray[Any, np.dtype[np.int16]]
_LAWS = {"PCMU": (g711.encode_mu, g711.decode_mu), "PCMA": (g711.encode_a, g711.decode_a)}


def speech(seconds: float, *, seed: int = 1, rate: int = 8000) -> Samples:
    """Something that, like speech, resembles no other part of itself: noise with a changing envelope and pitch."""
    random = np.random.default_rng(seed)
    count = int(seconds * rate)
    time = np.arange(count) / rate
    pitch = 2 * np.pi * (140 * time + 25 * np.sin(2 * np.pi * 0.7 * time))
    voice = sum(np.sin(n * pitch) / n for n in range(1, 12)) + 0.15 * random.standard_normal(count)
    envelope = 0.35 + 0.3 * np.sin(2 * np.pi * 3.1 * time + seed)
    return (6000 * envelope * voice).clip(-32000, 32000).astype(np.int16)


def round_trip(samples: Samples, law: str) -> Samples:
    """Every sample encoded and decoded."""
    encode, decode = _LAWS[law]
    values, where = np.unique(samples, return_inverse=True)
    return np.array([decode(encode(int(value))) for value in values], np.int16)[where]


def write_wav(path: Path, samples: Samples, rate: int = 8000, subtype: str = "PCM_16") -> Path:
    """Writes a file; the extension chooses the format."""
    soundfile.write(path, samples, rate, subtype=subtype)
    return path


def position_in(part: Samples, whole: Samples) -> int:
    """Sample at which `part` lies in `whole`, every sample the same; -1 when it does not."""
    found = whole.tobytes().find(part.tobytes())
    while found > 0 and found % 2:  # a match between two samples is none
        found = whole.tobytes().find(part.tobytes(), found + 1)
    return found // 2 if found >= 0 else -1


def best_lag(part: Samples, whole: Samples, around: int, reach: int) -> int:
    """Where `part` fits best into `whole` near a position, by cross-correlation."""
    window = whole[max(0, around - reach) : around + len(part) + reach].astype(float)
    scores = np.correlate(window, part.astype(float), "valid")
    energy = np.sqrt(np.convolve(window**2, np.ones(len(part)), "valid")) + 1
    return max(0, around - reach) + int(np.argmax(scores / energy))


def place_of(part: Samples, whole: Samples) -> int:
    """Where `part` fits best into all of `whole`, which is at least as long; by the Fourier transform, as both may be
    seconds at 48 kHz."""
    size = 1 << (len(whole) + len(part)).bit_length()
    spectrum = np.fft.rfft(whole.astype(float), size) * np.conj(np.fft.rfft(part.astype(float), size))
    scores = np.fft.irfft(spectrum, size)[: len(whole) - len(part) + 1]
    sums = np.concatenate(([0.0], np.cumsum(whole.astype(float) ** 2)))
    return int(np.argmax(scores / (np.sqrt(sums[len(part) :] - sums[: -len(part)]) + 1)))
