"""PESQ (ITU-T P.862) of what was recorded, by the package `pesq` where the user installed it."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sipflow.errors import MachineError, MediaError
from sipflow.media.hearing import Features, Wanted, features_of, search, telephone_audio
from sipflow.native import lib

_RATE = lib.SFM_EAR_RATE
_SIDE = {"received": 0, "stereo": 1}
"""Which side of a recording is what was heard."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """A file that a call was recorded to."""

    path: Path
    channels: str
    """stereo, mono, sent, received."""
    side_channels: int = 1
    """How many of each side."""

    @property
    def heard(self) -> slice:
        """Those of its channels that have what was heard; `channels` is one of `_SIDE`."""
        first = _SIDE[self.channels] * self.side_channels
        return slice(first, first + self.side_channels)


def pesq_of(prompt: Path, recording: Recorded) -> float:
    """The narrow-band score, -0.5 to 4.5, of a prompt in a recording.

    Raises MachineError when the package is not installed, MediaError when the prompt is not in the recording or PESQ
    finds no speech.
    """
    try:
        package = importlib.import_module("pesq")
    except ImportError as error:
        raise MachineError("PESQ is not installed: `pip install pesq` (it is no part of sipflow)") from error
    if recording.channels not in _SIDE:
        raise MediaError(
            f"PESQ needs a recording of what was received, not `{recording.channels}`: `record` or `record received`"
        )
    reference = telephone_audio(prompt)
    degraded = _where_it_is(features_of(reference, prompt.name), recording, len(reference))
    try:
        return float(package.pesq(_RATE, reference, degraded, "nb"))
    except Exception as error:  # whatever a package of others raises is for the user, not a bug of the run
        raise MediaError(f"PESQ has no score for {prompt.name}: {error}") from error


def _where_it_is(features: Features, recording: Recorded, length: int) -> Any:
    heard, name = telephone_audio(recording.path, recording.heard), recording.path.name
    _, report = search(Wanted("prompt", score=0.0), features, features_of(heard, name), name)
    if report["ago_ms"] is None:
        raise MediaError(f"nothing in {name} is like the prompt: there is nothing for PESQ to judge")
    start = max(0, len(heard) - report["ago_ms"] * _RATE // 1000)
    return heard[start : start + length]
