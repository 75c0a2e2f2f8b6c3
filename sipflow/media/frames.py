"""Files of audio that somebody else encoded: raw frames, and the storage formats of AMR and iLBC.

They are sent as they are. What is read is a list of frames with their length in units of the codec's RTP clock; a
`Packing` puts as many of them into a packet as its time holds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from sipflow.errors import MediaError
from sipflow.media_params import FRAME_FILES
from sipflow.values import dataclass

MOST_BYTES = 1 << 28
"""Of a file: more than a day of any of these codecs. It is read as a whole."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A piece of encoded audio."""

    duration_ts: int
    """In units of the codec's RTP clock."""
    data: bytes
    """As it stands in a packet; AMR: behind the header byte that the storage format has. Empty: nothing was sent."""


@dataclass(frozen=True, slots=True)
class Frames:
    """What such a file holds."""

    codec: str
    """Encoding name: GSM, AMR-WB."""
    clock_rate: int
    frames: tuple[Frame, ...]

    @property
    def duration_ms(self) -> int:
        """Length of all of it."""
        return sum(frame.duration_ts for frame in self.frames) * 1000 // self.clock_rate


AMR_BITS = (95, 103, 118, 134, 148, 159, 204, 244, 39, None, None, None, None, None, None, 0)
AMR_WB_BITS = (132, 177, 253, 285, 317, 365, 397, 461, 477, 40, None, None, None, None, 0, 0)
"""Bits of a frame by its type (3GPP TS 26.101 and 26.201); None: there is no such frame."""

_G723_BYTES = (24, 20, 4, None)
"""By the two lowest bits of the first byte (RFC 3551 section 4.5.3)."""


def _fixed(size: int, duration_ts: int, magic: bytes = b"") -> Callable[[bytes, str], Iterator[Frame]]:
    def read(data: bytes, name: str) -> Iterator[Frame]:
        body = len(data) - len(magic)
        if body % size:
            raise MediaError(f"{name} is damaged: {body} bytes are no whole frames of {size}")
        for at in range(len(magic), len(data), size):
            yield Frame(duration_ts, data[at : at + size])

    return read


def _read_g723(data: bytes, name: str) -> Iterator[Frame]:
    at = 0
    while at < len(data):
        size = _G723_BYTES[data[at] & 3]
        if size is None or at + size > len(data):
            raise MediaError(f"{name} is damaged: there is no frame of G.723.1 at byte {at}")
        yield Frame(240, data[at : at + size])
        at += size


def _typed(magic: bytes, bits: tuple[int | None, ...], duration_ts: int) -> Callable[[bytes, str], Iterator[Frame]]:
    """The storage format of RFC 4867 section 5: each frame has a header byte, with its type in four bits, and whole
    bytes behind it."""
    sizes = [None if one is None else (one + 7) // 8 for one in bits]

    def read(data: bytes, name: str) -> Iterator[Frame]:
        at = len(magic)
        while at < len(data):
            size = sizes[data[at] >> 3 & 15]
            if size is None or at + 1 + size > len(data):
                raise MediaError(f"{name} is damaged: there is no frame at byte {at}")
            yield Frame(duration_ts, data[at : at + 1 + size])
            at += 1 + size

    return read


_AMR, _AMR_WB, _ILBC_20, _ILBC_30 = b"#!AMR\n", b"#!AMR-WB\n", b"#!iLBC20\n", b"#!iLBC30\n"

_Kind = tuple[str, int, Callable[[bytes, str], Iterator[Frame]]]

_BY_MAGIC: dict[bytes, _Kind] = {
    _AMR: ("AMR", 8000, _typed(_AMR, AMR_BITS, 160)),
    _AMR_WB: ("AMR-WB", 16000, _typed(_AMR_WB, AMR_WB_BITS, 320)),
    _ILBC_20: ("iLBC", 8000, _fixed(38, 160, _ILBC_20)),
    _ILBC_30: ("iLBC", 8000, _fixed(50, 240, _ILBC_30)),
}
"""RFC 4867 section 5, RFC 3952 section 4.3."""

_BY_SUFFIX: dict[str, _Kind] = {
    ".gsm": ("GSM", 8000, _fixed(33, 160)),
    ".g729": ("G729", 8000, _fixed(10, 80)),
    ".g723": ("G723", 8000, _read_g723),
}
"""Frames one behind the other: nothing but the name tells what they are."""

SUFFIXES = frozenset(FRAME_FILES)


def holds_frames(path: Path) -> bool:
    """Whether a file is of encoded frames, by its name."""
    return path.suffix.lower() in SUFFIXES


def read_frames(path: Path) -> Frames:
    """The frames of a file.

    Raises MediaError, with a text for a user, when it is missing, empty, damaged, or not what its name says.
    """
    data = read_all(path)
    codec, clock_rate, read = _kind_of(path, data)
    frames = tuple(read(data, str(path)))
    if not any(frame.data for frame in frames):
        raise MediaError(f"{path} holds no audio at all")
    return Frames(codec, clock_rate, frames)


def read_all(path: Path) -> bytes:
    """The bytes of a file that is not too large; raises MediaError."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise MediaError(f"{path} is larger than {MOST_BYTES >> 20} MB")
        return path.read_bytes()
    except FileNotFoundError:
        raise MediaError(f"no such file: {path}") from None
    except OSError as error:
        raise MediaError(f"cannot read {path}: {error.strerror}") from error


def _kind_of(path: Path, data: bytes) -> _Kind:
    kind = next((kind for magic, kind in _BY_MAGIC.items() if data.startswith(magic)), None)
    if kind is None and path.suffix.lower() not in _BY_SUFFIX:
        raise MediaError(f"{path} does not begin as such a file does: with {_magics()}")
    return kind or _BY_SUFFIX[path.suffix.lower()]


def _magics() -> str:
    return ", ".join(magic.decode().strip() for magic in _BY_MAGIC)


# --- packets -------------------------------------------------------------------------------------------------------


def payload_of(codec: str, frames: list[bytes], *, octet_aligned: bool = False) -> bytes:
    """The payload of a packet with these frames (RFC 3551 section 4.5, RFC 3952, RFC 4867 section 4); empty where
    none of them holds anything, as such a packet is not sent."""
    sizes = {"AMR": AMR_BITS, "AMR-WB": AMR_WB_BITS}.get(codec)
    if sizes is None:
        return b"".join(frames)
    if all(frame[0] >> 3 & 15 == _NO_DATA for frame in frames):
        return b""
    return _aligned(frames) if octet_aligned else _packed(frames, sizes)


_NO_MODE_REQUEST, _NO_DATA = 15, 15


def _aligned(frames: list[bytes]) -> bytes:
    """Section 4.4: a mode request, the header bytes with the bit that another follows, the frames."""
    entries = [frame[0] & 0x7C | 0x80 for frame in frames]
    entries[-1] &= 0x7F
    return bytes([_NO_MODE_REQUEST << 4, *entries]) + b"".join(frame[1:] for frame in frames)


def _packed(frames: list[bytes], sizes: tuple[int | None, ...]) -> bytes:
    """Section 4.3: the same without the bits that fill bytes up."""
    value, count = _NO_MODE_REQUEST, 4
    for index, frame in enumerate(frames):
        follows = index < len(frames) - 1
        value, count = value << 6 | follows << 5 | frame[0] >> 2 & 0x1F, count + 6
    for frame in frames:
        bits = sizes[frame[0] >> 3 & 15] or 0
        data = int.from_bytes(frame[1:]) >> (8 * len(frame[1:]) - bits)
        value, count = value << bits | data, count + bits
    filling = -count % 8
    return (value << filling).to_bytes((count + filling) // 8)
