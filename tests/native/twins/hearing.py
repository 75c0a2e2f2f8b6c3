"""An ear in numpy: what csrc/core/sfm_ear.c says of the same audio, by the plain formulas."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

RATE, FRAME, BANDS_WINDOW, PEAKS_WINDOW = 8000, 160, 512, 1024
BAND_BINS = (13, 19, 26, 33, 40, 49, 59, 69, 81, 95, 110, 128, 148, 166, 186, 205, 224)


def power(block: Array) -> Array:
    """Mean squares by bin under a Hann window; they add up to the mean square of the windowed block."""
    size = len(block)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * (np.arange(size) + 0.5) / size)
    spectrum = np.fft.rfft(block * window)[:-1]
    squares = 2 * np.abs(spectrum) ** 2 / (0.375 * size * size)
    squares[0] /= 2
    return squares


def blocks(pcm: Array, window: int) -> list[Array]:
    """The newest `window` samples at the end of every frame; before the first there was silence."""
    padded = np.concatenate([np.zeros(window), pcm.astype(float)])
    ends = range(FRAME, len(pcm) + 1, FRAME)
    return [padded[end : end + window] for end in ends]


def bands(pcm: Array) -> Array:
    """Loudness of each band in each frame."""
    rows = []
    for block in blocks(pcm, BANDS_WINDOW):
        squares = power(block)
        sums = [squares[low:high].sum() for low, high in itertools.pairwise(BAND_BINS)]
        rows.append([64 * value**0.25 for value in sums])
    return np.array(rows)


def correlation(prompt: Array, heard: Array) -> float:
    """Correlation coefficient of two stretches of frames, each band's mean taken out."""
    x, y = prompt - prompt.mean(0), heard - heard.mean(0)
    norm = float(np.sqrt((x * x).sum() * (y * y).sum()))
    return float((x * y).sum()) / norm if norm > 0 else 0.0


def best_correlation(prompt: Array, heard: Array) -> tuple[float, int]:
    """The best of all places, and the frame at which it begins."""
    places = range(len(heard) - len(prompt) + 1)
    return max((correlation(prompt, heard[at : at + len(prompt)]), at) for at in places)
