"""RTP headers with struct and slices (RFC 3550 section 5.1)."""

from __future__ import annotations

import struct
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a packet holds."""

    marker: int
    payload_type: int
    sequence_number: int
    timestamp: int
    ssrc: int
    csrc: tuple[int, ...]
    extension: tuple[int, bytes] | None
    payload: bytes
    padding_bytes: int


def parse(data: bytes) -> Parsed | str:
    """The packet, or why it is none: truncated, version, padding."""
    if len(data) < 12:
        return "truncated"
    first, second, sequence_number, timestamp, ssrc = struct.unpack_from("!BBHII", data)
    if first >> 6 != 2:
        return "version"
    rest = data[12:]
    count = first & 15
    if len(rest) < 4 * count:
        return "truncated"
    csrc = struct.unpack_from(f"!{count}I", rest)
    rest = rest[4 * count :]
    extension = None
    if first & 0x10:
        if len(rest) < 4:
            return "truncated"
        profile, words = struct.unpack_from("!HH", rest)
        if len(rest) < 4 + 4 * words:
            return "truncated"
        extension = (profile, rest[4 : 4 + 4 * words])
        rest = rest[4 + 4 * words :]
    padding = data[-1] if first & 0x20 else 0
    if first & 0x20 and not 1 <= padding <= len(rest):
        return "padding"
    payload = rest[: len(rest) - padding]
    return Parsed(second >> 7, second & 0x7F, sequence_number, timestamp, ssrc, csrc, extension, payload, padding)
