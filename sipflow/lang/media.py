"""What the checks ask about media files. They never open one: whoever compiles passes something that can."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class MediaInfo:
    """A file that can be played."""

    path: str
    sample_rate_hz: int
    channels: int
    duration_ms: float


@dataclass(frozen=True, slots=True)
class MediaProblem:
    """Why a file cannot be played."""

    kind: str
    """`missing`, or `unreadable` for a file that is there and is no audio."""
    message: str
    """One line for a person, without a full stop."""
    searched: tuple[str, ...] = ()
    """Where it was looked for."""
    similar: tuple[str, ...] = ()
    """Names of files that are there and may have been meant."""


class MediaProbe(Protocol):
    """Looks at media files by the names that scenarios use."""

    def probe(self, path: str) -> MediaInfo | MediaProblem:
        """What is known about the file `path`; never raises on account of the file."""
        ...
