"""Audio files by name: where they are looked for, and what is in them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sipflow.errors import MediaError
from sipflow.media import captures, frames
from sipflow.media.wav_header import WavHeader, read_wav_header
from sipflow.media_params import ANY_CODEC
from sipflow.values import dataclass

if TYPE_CHECKING:
    import soundfile

_CLIPPED_RUN = 3
"""So many samples in a row at full scale are no peak of the music but a recording that was too loud."""
_SILENT_PEAK = 10 ** (-60 / 20)
_SOUND = frozenset({".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".au", ".snd", ".w64", ".caf"})
SUFFIXES = _SOUND | frames.SUFFIXES | captures.SUFFIXES
"""Names of files that `list` looks into; `find` and `probe` take any."""

_BITS = {
    "PCM_S8": 8, "PCM_U8": 8, "PCM_16": 16, "PCM_24": 24, "PCM_32": 32, "FLOAT": 32, "DOUBLE": 64, "ULAW": 8, "ALAW": 8
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class MediaInfo:
    """What an audio file is."""

    path: Path
    duration_ms: int
    sample_rate: int
    """Hz."""
    channels: int
    subtype: str
    """How samples are stored, in libsndfile's words: PCM_16, FLOAT, ULAW, VORBIS."""
    format: str
    """Container, in libsndfile's words: WAV, FLAC, OGG."""
    bits: int | None
    """Per sample; None for compressed audio."""
    encoded: str = ""
    """Encoding name of the codec that its frames are sent with, as they are; `ANY_CODEC` where only a
    call tells; empty for audio that any codec encodes."""
    missing_ms: int = 0
    """How much more its head announces than there is: the file was cut off."""


@dataclass(frozen=True, slots=True)
class MediaProblem:
    """Why a file cannot be played."""

    path: Path
    message: str


@dataclass(frozen=True, slots=True)
class Loudness:
    """What a look at every sample of a file says."""

    peak: float
    """Largest sample, 1 is full scale."""
    clipped_runs: int
    """Places where three or more samples in a row are at full scale."""

    @property
    def silent(self) -> bool:
        """Whether nothing in the file is louder than -60 dB of full scale."""
        return self.peak < _SILENT_PEAK


class MediaLibrary:
    """Folders in which audio is looked for, the first one first."""

    def __init__(self, search: Sequence[Path]) -> None:
        self.search = tuple(search)

    def find(self, name: str) -> Path | None:
        """The file of that name: as it is when absolute, else in the first folder that has it; None when none has.

        A relative name stays inside the folders: `..` leads out of none of them.
        """
        if "\0" in name or not name:
            return None
        if Path(name).is_absolute():
            return Path(name) if _is_file(Path(name)) else None
        if os.path.normpath(name).startswith(".."):
            return None
        return next((folder / name for folder in self.search if _is_file(folder / name)), None)

    def require(self, name: str) -> Path:
        """As `find`; raises MediaError, naming the folders, when there is no such file."""
        path = self.find(name)
        if path is None:
            raise MediaError(f"no file {name} in {', '.join(str(folder) for folder in self.search)}")
        return path

    def probe(self, path: Path) -> MediaInfo | MediaProblem:
        """What the file is, or why it cannot be played. A plain WAV file is known by its head, others by libsndfile."""
        if frames.holds_frames(path):
            return _probe_frames(path)
        if captures.holds_packets(path):
            return _probe_capture(path)
        header = _wav_header(path)
        if header is not None:
            return _info_of_wav(path, header)
        return self._probe_others(path)

    def _probe_others(self, path: Path) -> MediaInfo | MediaProblem:
        from sipflow.media.prompts import open_audio

        try:
            with open_audio(path) as audio:
                return _info(path, audio)
        except MediaError as error:
            return MediaProblem(path, str(error))

    def list(self) -> list[MediaInfo | MediaProblem]:
        """All audio files in the folders and below them, each once, in the order in which they are found by name."""
        once: dict[Path, Path] = {}
        for folder in self.search:
            for path in _audio_files(folder):
                once.setdefault(path.resolve(), path)
        return [self.probe(path) for path in once.values()]


def measure(path: Path) -> Loudness:
    """Reads the whole file. Raises MediaError when that is impossible."""
    from sipflow.media.prompts import open_audio, read_blocks

    peak, clipped_runs = 0.0, 0
    with open_audio(path) as audio:
        for block in read_blocks(audio):
            peak = max(peak, float(abs(block).max()))
            clipped_runs += _clipped_runs(block)
    return Loudness(peak, clipped_runs)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name that is too long for the file system is a file that does not exist
        return False


def _audio_files(folder: Path) -> Iterator[Path]:
    """In the order of their names; what is hidden (`.venv`, `.git`) stays hidden."""
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(parent, name) for name in sorted(files) if Path(name).suffix.lower() in SUFFIXES)


def _wav_header(path: Path) -> WavHeader | None:
    try:
        with path.open("rb") as file:
            return read_wav_header(file)
    except (OSError, ValueError):  # libsndfile's complaint about it is the one that is shown
        return None


def _info_of_wav(path: Path, header: WavHeader) -> MediaInfo | MediaProblem:
    if header.frames == 0:
        announced = f"{header.missing_frames / header.sample_rate:.3g} s of audio"
        return MediaProblem(path, f"{path} is cut off: its head announces {announced}, and none is there")
    return MediaInfo(
        path,
        header.duration_ms,
        header.sample_rate,
        header.channels,
        header.subtype,
        header.container,
        header.bits,
        missing_ms=header.missing_ms,
    )


def _probe_frames(path: Path) -> MediaInfo | MediaProblem:
    try:
        found = frames.read_frames(path)
    except MediaError as error:
        return MediaProblem(path, str(error))
    return MediaInfo(path, found.duration_ms, found.clock_rate, 1, found.codec, "frames", None, found.codec)


def _probe_capture(path: Path) -> MediaInfo | MediaProblem:
    from sipflow.media.formats import static_name

    try:
        found = captures.read_capture(path)
    except MediaError as error:
        return MediaProblem(path, str(error))
    codec = static_name(found.payload_type)
    kind = codec or f"payload type {found.payload_type}"
    return MediaInfo(path, found.duration_ms, 8000, 1, kind, "packets", None, codec or ANY_CODEC)


def _info(path: Path, audio: soundfile.SoundFile) -> MediaInfo | MediaProblem:
    if audio.frames == 0:
        return MediaProblem(path, f"{path} holds no audio at all")
    duration_ms = audio.frames * 1000 // audio.samplerate
    bits = _BITS.get(audio.subtype)
    return MediaInfo(path, duration_ms, audio.samplerate, audio.channels, audio.subtype, audio.format, bits)


def _clipped_runs(block: Any) -> int:
    full = abs(block) >= 1 - 1 / 32768
    run = full.copy()
    for shift in range(1, _CLIPPED_RUN):
        run[:-shift] &= full[shift:]
        run[-shift:] = False
    starts = run.copy()
    starts[1:] &= ~run[:-1]
    return int(starts.sum())
