"""Recordings of one run on one time line: a file in which each has channels of its own, where it began."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sipflow.errors import MediaError
from sipflow.media.prompts import audio_blocks, open_audio, reason_of, resampled

if TYPE_CHECKING:
    from sipflow.media.encoding import Samples

_BLOCK_FRAMES = 65_536
_MOST_WAV_BYTES = 4_000_000_000
MOST_CHANNELS = 255
"""Of more nobody would find one again."""


@dataclass(frozen=True, slots=True)
class Track:
    """A recording, and when it began on the clock that all of them share."""

    path: Path
    began_s: float


@dataclass(frozen=True, slots=True)
class Place:
    """Where a track stands in the joined file."""

    track: Track
    channels: tuple[int, ...]
    """From 1."""
    offset_s: float
    """From the beginning of the file, which is that of the earliest track."""


def join(tracks: list[Track], out: Path) -> list[Place]:
    """Writes all tracks into one WAV file, 16 bit at the highest of their sample rates, and gives where each is.

    A track begins within half a sample of its moment; before and behind it its channels are silent. Only a block of
    each is in memory. A file of more than 4 GiB is RF64.

    Raises MediaError when there is none, one cannot be read, or the file cannot be written.
    """
    import numpy
    import soundfile

    if not tracks:
        raise MediaError("there is no recording to join")
    first_s = min(track.began_s for track in tracks)
    shapes = [_shape(track.path) for track in tracks]
    rate, width = max(shape.rate for shape in shapes), sum(shape.channels for shape in shapes)
    if width > MOST_CHANNELS:
        raise MediaError(f"{width} channels are more than a file holds ({MOST_CHANNELS})")
    places, taken = [], 0
    for track, shape in zip(tracks, shapes, strict=True):
        own = tuple(range(taken + 1, taken + shape.channels + 1))
        places.append(Place(track, own, track.began_s - first_s))
        taken += shape.channels
    length_s = max(place.offset_s + shape.length_s for place, shape in zip(places, shapes, strict=True))
    container = "WAV" if length_s * rate * width * 2 < _MOST_WAV_BYTES else "RF64"
    sources = [_frames(place, rate) for place in places]
    try:
        with soundfile.SoundFile(out, "w", rate, width, "PCM_16", format=container) as file:
            blocks = [next(source) for source in sources]
            while longest := max(map(len, blocks)):
                padded = [numpy.pad(block, ((0, longest - len(block)), (0, 0))) for block in blocks]
                file.write(numpy.concatenate(padded, axis=1))
                blocks = [next(source) for source in sources]
    except (soundfile.LibsndfileError, OSError) as error:
        raise MediaError(f"cannot write {out}: {reason_of(error)}") from error
    return places


@dataclass(frozen=True, slots=True)
class _Shape:
    rate: int
    channels: int
    length_s: float


def _shape(path: Path) -> _Shape:
    with open_audio(path) as audio:
        return _Shape(audio.samplerate, audio.channels, audio.frames / audio.samplerate)


def _frames(place: Place, rate: int) -> Iterator[Samples]:
    """A track's frames from the beginning of the file on, in blocks of one size but for the last; then empty ones."""
    import numpy

    channels, before = len(place.channels), round(place.offset_s * rate)
    for _ in range(before // _BLOCK_FRAMES):
        yield numpy.zeros((_BLOCK_FRAMES, channels), "float32")
    rest = numpy.zeros((before % _BLOCK_FRAMES, channels), "float32")
    with open_audio(place.track.path) as audio:
        for block in resampled(audio_blocks(audio, 0, channels), audio.samplerate, rate):
            rest = numpy.concatenate((rest, block))
            while len(rest) >= _BLOCK_FRAMES:
                yield rest[:_BLOCK_FRAMES]
                rest = rest[_BLOCK_FRAMES:]
    while True:
        yield rest
        rest = rest[:0]
