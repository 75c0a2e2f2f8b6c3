"""Audio without its digits: what may be kept of a call while a secret could be read from them.

Hidden is every stretch that could be a digit to anybody's receiver, not only what ITU-T Q.24 takes for one: half of its
energy in one frequency of each group, however short it is. Some vowels are hidden with them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sipflow.media.leg import KeptAudio

if TYPE_CHECKING:
    import numpy as np

_LOW = (697.0, 770.0, 852.0, 941.0)
_HIGH = (1209.0, 1336.0, 1477.0, 1633.0)
_WINDOW_S, _HOP_S = 0.015, 0.005
_SHARE = 0.5
"""Of the energy of a window, in both frequencies together: one that is off by 1.5 % still has that much there."""
_LEAST_SHARE = 0.04
"""Of either: a twist of 12 dB is more than any receiver takes."""
_QUIETEST = 32768 * 10 ** (-60 / 20)
"""RMS; quieter tones nobody takes for a digit."""
_MARGIN_S = 0.02
"""Before and behind, for edges that no window has caught."""


def without_digits(audio: KeptAudio) -> KeptAudio:
    """The same audio with silence in the place of whatever could be a digit, in either direction."""
    import numpy as np

    frames = np.frombuffer(audio.frames, np.int16).reshape(-1, 2).copy()
    for channel in range(frames.shape[1]):
        frames[_digits_in(frames[:, channel], audio.sample_rate), channel] = 0
    return KeptAudio(audio.sample_rate, frames.tobytes())


def _digits_in(samples: np.ndarray[Any, Any], rate: int) -> np.ndarray[Any, Any]:
    """Which samples to hide."""
    import numpy as np

    window, hop, margin = (round(rate * seconds) for seconds in (_WINDOW_S, _HOP_S, _MARGIN_S))
    padded = np.pad(samples.astype(np.float64), (margin, margin + window))
    windows = np.lib.stride_tricks.sliding_window_view(padded, window)[::hop]
    energy = np.square(windows).sum(axis=1)
    low, high = (_strongest(windows, group, rate) / np.maximum(energy, 1.0) for group in (_LOW, _HIGH))
    loud = energy > window * _QUIETEST**2
    found = loud & (low + high >= _SHARE) & (np.minimum(low, high) >= _LEAST_SHARE)
    hidden = np.zeros(len(padded) + margin, bool)
    for start in np.flatnonzero(found) * hop:  # in the padded samples, where the margin in front is the shift
        hidden[start : start + window + 2 * margin] = True
    return hidden[2 * margin : 2 * margin + len(samples)]


def _strongest(windows: np.ndarray[Any, Any], group: tuple[float, ...], rate: int) -> np.ndarray[Any, Any]:
    """Energy of each window in the strongest frequency of a group."""
    import numpy as np

    turns = np.exp(-2j * np.pi * np.outer(np.arange(windows.shape[1]), group) / rate)
    energy: np.ndarray[Any, Any] = np.square(np.abs(windows @ turns)).max(axis=1) * 2 / windows.shape[1]
    return energy
