"""Prompts of audio that is encoded already: the frames of a file, packed for a packet time and otherwise untouched."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any

from sipflow.errors import MediaError
from sipflow.media.encoding import Coding, map_packets
from sipflow.media.formats import fmtp_parameter
from sipflow.media.frames import Frame, Frames, holds_frames, payload_of, read_frames
from sipflow.native import check, ffi, lib


def is_encoded(path: Path) -> bool:
    """Whether a file is to be sent as it is, by its name."""
    return holds_frames(path)


def encoded_prompt(file: IO[bytes], coding: Coding, path: Path, start_ms: float) -> Any:
    """The native prompt of a file of encoded frames from `start_ms` on, kept in `file`.

    Raises MediaError when they are not of the codec that is sent, or nothing is left behind `start_ms`.
    """
    found = read_frames(path)
    _require_codec(found, coding, path)
    frames = _from(found, start_ms)
    if not frames:
        raise MediaError(f"{path} has no audio after {start_ms:g} ms")
    native = _stream(file, coding, frames, path) if coding.codec.frame_bytes else _packets(file, coding, frames, path)
    return ffi.gc(native, lib.sfm_prompt_release)


def _require_codec(found: Frames, coding: Coding, path: Path) -> None:
    if found.codec.lower() != coding.rtp_format.name.lower():
        raise MediaError(f"{path} holds frames of {found.codec}, and {coding.rtp_format.name} is sent")
    wrong = next((frame for frame in found.frames if frame.duration_ts != coding.codec.frame_samples), None)
    if wrong is not None:
        ms, sent_ms = (ts * 1000 // found.clock_rate for ts in (wrong.duration_ts, coding.codec.frame_samples))
        raise MediaError(f"{path} holds frames of {ms} ms, and such of {sent_ms} ms are sent")


def _from(found: Frames, start_ms: float) -> tuple[Frame, ...]:
    """All frames but those that are over at `start_ms`."""
    at_ts, wanted_ts = 0, start_ms * found.clock_rate / 1000
    for index, frame in enumerate(found.frames):
        at_ts += frame.duration_ts
        if at_ts > wanted_ts:
            return found.frames[index:]
    return ()


def _stream(file: IO[bytes], coding: Coding, frames: Iterable[Frame], path: Path) -> Any:
    length = file.write(b"".join(frame.data for frame in frames))
    file.flush()
    out = ffi.new("sfm_prompt **")
    check(lib.sfm_prompt_map(file.fileno(), length, coding.codec, out), f"map {path}")
    return out[0]


def _packets(file: IO[bytes], coding: Coding, frames: tuple[Frame, ...], path: Path) -> Any:
    a_packet = coding.piece // coding.codec.frame_samples
    aligned = fmtp_parameter(coding.rtp_format.fmtp, "octet-align") == "1"
    ends = [0]
    for at in range(0, len(frames), a_packet):
        held = [frame.data for frame in frames[at : at + a_packet]]
        payload = payload_of(coding.rtp_format.name, held, octet_aligned=aligned)
        ends.append(ends[-1] + file.write(payload))
    return map_packets(file, coding, ends[1:], len(frames) * coding.codec.frame_samples, str(path))
