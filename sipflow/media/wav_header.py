"""What the head of a WAV file says, read without loading a library of audio formats: half of what `check` does is this.

Sources: Microsoft and IBM, Multimedia Programming Interface 1.0 (RIFF, WAVE); EBU Tech 3306 (RF64); the GUIDs of
WAVE_FORMAT_EXTENSIBLE in Microsoft's ksmedia.h. Whatever is not plain is left to libsndfile, which knows every oddity:
the answer is None then.

    RIFF  size  WAVE  | fmt␣  size  (tag, channels, rate, bytes/s, block, bits, …) | …  | data  size  samples …
    RF64  ~0    WAVE  | ds64  size  (riff size, data size, …) | fmt␣ … | data  ~0  samples …
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from sipflow.values import dataclass

_PCM, _FLOAT, _A_LAW, _MU_LAW, _EXTENSIBLE = 1, 3, 6, 7, 0xFFFE
_SUBTYPES = {
    (_PCM, 8): "PCM_U8",
    (_PCM, 16): "PCM_16",
    (_PCM, 24): "PCM_24",
    (_PCM, 32): "PCM_32",
    (_FLOAT, 32): "FLOAT",
    (_FLOAT, 64): "DOUBLE",
    (_A_LAW, 8): "ALAW",
    (_MU_LAW, 8): "ULAW",
}
_GUID_TAIL = bytes.fromhex("0000 0000 1000 8000 00aa 0038 9b71")
"""Of KSDATAFORMAT_SUBTYPE_*, behind the two bytes of the format's tag."""
_UNKNOWN_SIZE = 0xFFFFFFFF
"""RF64: the size is in `ds64`. RIFF: whoever wrote the file could not go back to its head (a pipe)."""
_STREAMED_SIZE = 0x7FFF0000
"""Sizes from here on are what programs write that do not know it yet: -1, the largest of 31 bits, or a little less."""
_MOST_CHANNELS = 64
_MOST_CHUNKS = 256
_MOST_HEAD_BYTES = 128
"""Of a chunk that is read at all; `fmt ` and `ds64` are shorter."""


@dataclass(frozen=True, slots=True)
class WavHeader:
    """The audio of a WAV file."""

    sample_rate: int
    """Hz."""
    channels: int
    frames: int
    """Samples of each channel that are in the file."""
    subtype: str
    """How samples are stored, in libsndfile's words: PCM_16, FLOAT, ULAW."""
    bits: int
    """Per sample."""
    container: str
    """In libsndfile's words: WAV, WAVEX (WAVE_FORMAT_EXTENSIBLE), RF64."""
    missing_frames: int = 0
    """How many more the head announces than there are: the file was cut off."""

    @property
    def duration_ms(self) -> int:
        """Length of the audio, fractions dropped."""
        return self.frames * 1000 // self.sample_rate

    @property
    def missing_ms(self) -> int:
        """Length of the audio that is announced and not there, fractions dropped."""
        return self.missing_frames * 1000 // self.sample_rate


def missing_ms(path: Path) -> int:
    """How much of the audio that a WAV file announces is not in it; 0 for what is no such file, or cannot be read."""
    try:
        with path.open("rb") as file:
            header = read_wav_header(file)
    except (OSError, ValueError):
        return 0
    return 0 if header is None else header.missing_ms


def read_wav_header(file: BinaryIO) -> WavHeader | None:
    """What the file (open, seekable) holds; None when it is no WAV file, or not one of the plain kind."""
    file.seek(0, 2)
    length = file.tell()
    file.seek(0)
    magic, _, form = _unpack("<4sI4s", file.read(12)) or (b"", 0, b"")
    if magic not in (b"RIFF", b"RF64") or form != b"WAVE":
        return None
    format_chunk: bytes | None = None
    data_bytes: int | None = None
    for name, size in _chunks(file, length):
        if name == b"ds64" and magic == b"RF64":
            data_bytes = (_unpack("<QQ", file.read(16)) or (0, None))[1]
        elif name == b"fmt ":
            format_chunk = file.read(min(size, _MOST_HEAD_BYTES))
        elif name == b"data":
            promised = data_bytes if size == _UNKNOWN_SIZE and data_bytes is not None else size
            return _header(format_chunk, promised, length - file.tell(), magic == b"RF64")
    return None


def _chunks(file: BinaryIO, length: int) -> Iterator[tuple[bytes, int]]:
    """Name and size of one chunk after the other, `file` standing at its content."""
    at = 12
    for _ in range(_MOST_CHUNKS):
        file.seek(at)
        head = _unpack("<4sI", file.read(8))
        if head is None:
            return
        yield head[0], head[1]
        at += 8 + head[1] + head[1] % 2  # chunks begin at even offsets
        if at > length:
            return


def _header(chunk: bytes | None, promised: int, there: int, is_rf64: bool) -> WavHeader | None:
    fields = _unpack("<HHIIHH", (chunk or b"")[:16])
    if chunk is None or fields is None:
        return None
    tag, channels, sample_rate, _, block_bytes, bits = fields
    extensible = tag == _EXTENSIBLE
    if extensible:
        tag = _extended_tag(chunk)
    subtype = _SUBTYPES.get((tag, bits))
    if subtype is None or not 1 <= channels <= _MOST_CHANNELS or not 1 <= sample_rate <= 1_000_000:
        return None
    if block_bytes != channels * bits // 8 or promised == 0:
        return None
    frames = min(promised, there) // block_bytes
    missing = promised // block_bytes - frames if promised < _STREAMED_SIZE or is_rf64 else 0
    if frames + missing == 0:
        return None
    container = "RF64" if is_rf64 else "WAVEX" if extensible else "WAV"
    return WavHeader(sample_rate, channels, frames, subtype, bits, container, missing)


def _extended_tag(chunk: bytes) -> int:
    """The tag that a WAVE_FORMAT_EXTENSIBLE means, 0 for one that has none."""
    fields = _unpack("<HHIH14s", chunk[16:40])
    if fields is None or fields[4] != _GUID_TAIL:
        return 0
    tag: int = fields[3]
    return tag


def _unpack(layout: str, data: bytes) -> tuple[Any, ...] | None:
    return struct.unpack(layout, data) if len(data) == struct.calcsize(layout) else None
