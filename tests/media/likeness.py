"""How much of some audio is left at the other end: its waveform, its level, its level in each third of an octave."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tests.media.signals import Samples, place_of


@dataclass(frozen=True)
class Likeness:
    """What is left of two seconds of audio."""

    correlation: float
    """Of the waveforms."""
    level_db: float
    """How much louder it came."""
    bands_db: float
    """Of the third of an octave that differs most, among those within 40 dB of the loudest."""

    def __str__(self) -> str:
        return f"correlation {self.correlation:.4f}, level {self.level_db:+.2f} dB, bands within {self.bands_db:.2f} dB"


def compare(played: Samples, heard: Samples, rate: int) -> Likeness:
    """The seconds from 1 to 3 of `played` with the place in `heard` that is most like them."""
    part = played[rate : 3 * rate]
    at = place_of(part, heard)
    found = heard[at : at + len(part)]
    wanted, got = _levels(part, rate), _levels(found, rate)
    return Likeness(
        correlation=float(np.corrcoef(part, found)[0, 1]),
        level_db=float(20 * np.log10(np.std(found.astype(float)) / np.std(part.astype(float)))),
        bands_db=float(np.abs(wanted - got)[wanted > wanted.max() - 40].max()),
    )


def _levels(samples: Samples, rate: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """dB of each third of an octave from 100 Hz to 0.9 of half the rate."""
    power = np.abs(np.fft.rfft(samples.astype(float))) ** 2
    frequencies = np.fft.rfftfreq(len(samples), 1 / rate)
    centres = 100 * 2 ** (np.arange(40) / 3)
    edges = [(low, low * 2 ** (1 / 3)) for low in centres if low * 2 ** (1 / 3) < 0.45 * rate]
    return np.array([10 * np.log10(power[(frequencies >= a) & (frequencies < b)].sum() + 1) for a, b in edges])
