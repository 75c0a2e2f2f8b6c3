"""Prompts of audio that is encoded already: the frames of a file, packed for a packet time and otherwise untouched, and
the packets of a capture."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any

from sipflow.errors import MediaError
from sipflow.media.captures import Capture, holds_packets, read_capture
from sipflow.media.encoding import Coding, map_packets
from sipflow.media.formats import packet_time_ms, static_name
from sipflow.media.frames import Frame, Frames, holds_frames, payload_of, read_frames
from sipflow.native import check, ffi, lib

_FIRST_DYNAMIC = 96
_MOST_SLOTS = 24 * 3600 * 50
"""Packet times of a capture from its first packet to its last: a day of 20 ms."""


def is_encoded(path: Path) -> bool:
    """Whether a file is to be sent as it is, by its name."""
    return holds_frames(path) or holds_packets(path)


def encoded_prompt(file: IO[bytes], coding: Coding, path: Path, start_ms: float, ptime_ms: int) -> Any:
    """The native prompt of a file of encoded frames or packets from `start_ms` on, kept in `file`.

    Raises MediaError when they are not of the codec that is sent, packets do not have the packet time that a call with
    `ptime_ms` sends, or nothing is left behind `start_ms`.
    """
    make = _of_capture if holds_packets(path) else _of_frames
    native = make(file, coding, path, start_ms, packet_time_ms(coding.codec, ptime_ms))
    return ffi.gc(native, lib.sfm_prompt_release)


# --- frames --------------------------------------------------------------------------------------------------------


def _of_frames(file: IO[bytes], coding: Coding, path: Path, start_ms: float, sent_ms: int) -> Any:
    found = read_frames(path)
    _require_codec(found, coding, path)
    frames = _from(found, start_ms)
    if not frames:
        raise MediaError(f"{path} has no audio after {start_ms:g} ms")
    if coding.codec.frame_bytes:
        return _stream(file, coding, (frame.data for frame in frames), path)
    return _packets(file, coding, frames, path)


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


def _stream(file: IO[bytes], coding: Coding, pieces: Iterable[bytes], path: Path) -> Any:
    length = file.write(b"".join(pieces))
    file.flush()
    out = ffi.new("sfm_prompt **")
    check(lib.sfm_prompt_map(file.fileno(), length, coding.codec, out), f"map {path}")
    return out[0]


def _packets(file: IO[bytes], coding: Coding, frames: tuple[Frame, ...], path: Path) -> Any:
    a_packet = coding.piece // coding.codec.frame_samples
    aligned = coding.rtp_format.parameters.get("octet-align") == "1"
    payloads = []
    for at in range(0, len(frames), a_packet):
        held = [frame.data for frame in frames[at : at + a_packet]]
        payloads.append(payload_of(coding.rtp_format.name, held, octet_aligned=aligned))
    return _mapped(file, coding, payloads, len(frames) * coding.codec.frame_samples, path)


def _mapped(file: IO[bytes], coding: Coding, payloads: list[bytes], samples: int, path: Path) -> Any:
    ends = [0]
    for payload in payloads:
        ends.append(ends[-1] + file.write(payload))
    return map_packets(file, coding, ends[1:], samples, str(path))


# --- captures ------------------------------------------------------------------------------------------------------


def _of_capture(file: IO[bytes], coding: Coding, path: Path, start_ms: float, sent_ms: int) -> Any:
    capture, codec = read_capture(path), coding.codec
    _require_type(capture, coding, path)
    durations = [_duration_ts(packet.payload, coding, path) for packet in capture.packets]
    packet_ts = Counter(durations).most_common(1)[0][0]
    slots = _slots(capture, durations, packet_ts, path)
    slots = slots[round(start_ms * codec.clock_rate / 1000) // packet_ts :]
    if not any(slots):
        raise MediaError(f"{path} has no audio after {start_ms:g} ms")
    packet_samples = packet_ts * codec.sample_rate // codec.clock_rate
    whole = all(slots) and set(durations[:-1]) <= {packet_ts}
    if codec.frame_bytes and (codec.decode or (whole and not any(len(slot) % codec.frame_bytes for slot in slots))):
        silence = bytes([codec.silence]) * lib.sfm_codec_bytes(codec, packet_samples)
        return _stream(file, coding, (slot or silence for slot in slots), path)
    packet_ms = packet_ts * 1000 / codec.clock_rate
    if packet_ms != sent_ms:
        raise MediaError(f"{path} holds packets of {packet_ms:g} ms, and such of {sent_ms} ms are sent: see `ptime`")
    packed = Coding(coding.rtp_format, codec, sent_ms)
    return _mapped(file, packed, slots, len(slots) * packet_samples, path)


def _require_type(capture: Capture, coding: Coding, path: Path) -> None:
    """A dynamic payload type may mean any codec."""
    name = static_name(capture.payload_type)
    fits = name.lower() == coding.rtp_format.name.lower()
    if not fits and (name or capture.payload_type < _FIRST_DYNAMIC):
        held = name or f"payload type {capture.payload_type}"
        raise MediaError(f"{path} holds packets of {held}, and {coding.rtp_format.name} is sent")


def _duration_ts(payload: bytes, coding: Coding, path: Path) -> int:
    duration_ts: int = lib.sfm_codec_duration_ts(coding.codec, payload, len(payload))
    if duration_ts <= 0 or len(payload) > lib.SFM_MAX_PAYLOAD_BYTES:
        raise MediaError(f"{path} holds a packet of {len(payload)} bytes that {coding.rtp_format.name} does not have")
    return duration_ts


def _slots(capture: Capture, durations: list[int], packet_ts: int, path: Path) -> list[bytes]:
    """The payload of each packet time, empty where none was sent."""
    slots: dict[int, bytes] = {}
    for packet, duration_ts in zip(capture.packets, durations, strict=True):
        at = round(packet.offset_ts / packet_ts)
        if not 0 <= at < _MOST_SLOTS or at in slots or duration_ts > packet_ts:
            raise MediaError(f"{path} holds packets whose timestamps do not go on by their length")
        slots[at] = packet.payload
    return [slots.get(at, b"") for at in range(max(slots) + 1)]
