"""Samples to payload, once for all legs that will send it: a stream of frames, or packets encoded one by one.

numpy is imported when the first prompt is made: not every use of sipflow plays audio.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

from sipflow.errors import MediaError
from sipflow.media.formats import codec_of, packet_time_ms
from sipflow.media_params import RtpFormat
from sipflow.native import check, ffi, lib

if TYPE_CHECKING:
    import numpy

    Samples = numpy.ndarray[Any, numpy.dtype[numpy.float32]]
    Pcm = numpy.ndarray[Any, numpy.dtype[numpy.int16]]

_FULL_SCALE = 32768.0


@dataclass(frozen=True, slots=True)
class Coding:
    """How audio is to be encoded."""

    rtp_format: RtpFormat
    codec: Any
    """The native codec."""
    ptime_ms: int
    """Length of a packet; 0 for codecs whose frames can be cut into packets of any length."""

    @classmethod
    def of(cls, rtp_format: RtpFormat, ptime_ms: int) -> Coding:
        """Raises MediaError when there is no codec for the format."""
        codec = codec_of(rtp_format)
        return cls(rtp_format, codec, 0 if codec.frame_bytes else packet_time_ms(codec, ptime_ms))

    @property
    def key(self) -> tuple[object, ...]:
        """Equal for what is encoded the same, whatever the payload type."""
        return (int(ffi.cast("uintptr_t", self.codec)), self.ptime_ms)

    @property
    def piece(self) -> int:
        """Samples a channel that are encoded at once, at least."""
        return int(self.codec.sample_rate // 1000 * self.ptime_ms or self.codec.frame_samples)


class Encoder:
    """A codec with the state of one stream."""

    def __init__(self, codec: Any) -> None:
        self._codec = codec
        self._state = ffi.new("uint64_t[]", codec.encoder_bytes // 8 + 1)
        check(lib.sfm_codec_encoder_init(codec, self._state), "start the encoder")

    def encode(self, pcm: Pcm) -> bytes:
        """Payload of whole frames: rows of one sample a channel."""
        out = bytearray(max(2 * pcm.size, lib.SFM_MAX_PAYLOAD_BYTES))
        samples = ffi.from_buffer("int16_t[]", pcm)
        room = ffi.from_buffer(out)
        count = check(lib.sfm_codec_encode(self._codec, self._state, samples, len(pcm), room, len(out)), "encode")
        return bytes(memoryview(out)[:count])

    def payloads(self, pcm: Pcm, coding: Coding) -> list[bytes]:
        """Whole pieces, packet by packet where the codec has such, else in one."""
        if not coding.ptime_ms:
            return [self.encode(pcm)]
        return [self.encode(pcm[start : start + coding.piece]) for start in range(0, len(pcm), coding.piece)]


def require_encoder(coding: Coding, name: str) -> None:
    """Raises MediaError for a codec that only passes through."""
    if not coding.codec.encode:
        raise MediaError(f"{coding.rtp_format.name} only passes through: {name} would have to hold its frames already")


def pieces(blocks: Iterator[Samples], coding: Coding) -> Generator[Pcm]:
    """`blocks` (floats, full scale is 1; one column a channel) as samples in whole pieces, the last one filled up."""
    for block, _ in _whole(map(_to_pcm, blocks), coding.piece):
        yield block


def encode(file: IO[bytes], coding: Coding, blocks: Iterator[Samples], name: str) -> Any:
    """The native prompt of `blocks` (floats, full scale is 1; one column a channel), kept in `file`.

    Raises MediaError when there is not a single sample.
    """
    require_encoder(coding, name)
    write = _write_packets if coding.ptime_ms else _write_stream
    native = write(file, coding, _whole(map(_to_pcm, blocks), coding.piece), name)
    return ffi.gc(native, lib.sfm_prompt_release)


def _to_pcm(block: Samples) -> Pcm:
    import numpy

    # Whatever a float file holds (beyond full scale, not a number) becomes a sample that a codec has.
    scaled = numpy.nan_to_num(numpy.rint(block * _FULL_SCALE), posinf=_FULL_SCALE, neginf=-_FULL_SCALE)
    pcm: Pcm = scaled.clip(-_FULL_SCALE, _FULL_SCALE - 1).astype(numpy.int16)
    return pcm


def _whole(blocks: Iterator[Pcm], piece: int) -> Iterator[tuple[Pcm, int]]:
    """The same samples in blocks of whole pieces, the last one filled up with silence; and how many of each count."""
    import numpy

    rest: Pcm | None = None
    for block in blocks:
        joined = block if rest is None else numpy.concatenate((rest, block))
        whole = len(joined) // piece * piece
        rest = joined[whole:]
        if whole:
            yield numpy.ascontiguousarray(joined[:whole]), whole
    if rest is not None and len(rest):
        yield numpy.pad(rest, ((0, piece - len(rest)), (0, 0))), len(rest)


def _write_stream(file: IO[bytes], coding: Coding, blocks: Iterator[tuple[Pcm, int]], name: str) -> Any:
    encoder, length = Encoder(coding.codec), 0
    for block, _ in blocks:
        length += file.write(encoder.encode(block))
    if length == 0:
        raise MediaError(f"{name} holds no audio at all")
    file.flush()
    out = ffi.new("sfm_prompt **")
    check(lib.sfm_prompt_map(file.fileno(), length, coding.codec, out), f"map the encoded audio of {name}")
    return out[0]


def _write_packets(file: IO[bytes], coding: Coding, blocks: Iterator[tuple[Pcm, int]], name: str) -> Any:
    encoder, samples, ends = Encoder(coding.codec), 0, [0]
    for block, count in blocks:
        samples += count
        for payload in encoder.payloads(block, coding):
            ends.append(ends[-1] + file.write(payload))
    return map_packets(file, coding, ends[1:], samples, name)


def map_packets(file: IO[bytes], coding: Coding, ends: list[int], samples: int, name: str) -> Any:
    """The native prompt of packets that were written to `file`, one behind the other, and end at `ends`."""
    import numpy

    if not ends:
        raise MediaError(f"{name} holds no audio at all")
    file.write(bytes(-ends[-1] % 4) + numpy.array(ends, numpy.uint32).tobytes())
    file.flush()
    out = ffi.new("sfm_prompt **")
    code = lib.sfm_prompt_map_packets(
        file.fileno(), ends[-1], coding.codec, coding.piece, len(ends), samples, out
    )  # fmt: skip
    check(code, f"map the encoded audio of {name}")
    return out[0]
