"""From a negotiated RTP format to the codec that the native side has for it."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

from sipflow.errors import MediaError
from sipflow.media import opus
from sipflow.media_params import RtpFormat
from sipflow.native import ffi, lib

MIN_PTIME_MS, MAX_PTIME_MS = 5, 60
"""Packet times outside are brought to the nearest of these: `a=ptime` is a wish (RFC 4566 section 6)."""


@functools.cache
def _registry() -> dict[tuple[str, int, int], list[Any]]:
    """The native codecs by name in lower case, RTP clock and channels: they are the same ones for ever, and every call
    looks its formats up a dozen times. There are two where `a=fmtp` chooses."""
    found: dict[tuple[str, int, int], list[Any]] = {}
    for codec in _codecs():
        found.setdefault((_name(codec).lower(), codec.clock_rate, codec.channels), []).append(codec)
    return found


def _codecs() -> Iterator[Any]:
    index = 0
    while codec := lib.sfm_codec_at(index):
        yield codec
        index += 1


def _name(codec: Any) -> str:
    return str(ffi.string(codec.name).decode())


def codec_names() -> list[str]:
    """Encoding names of all codecs that can be encoded and decoded, in the registry's spelling."""
    own = dict.fromkeys(_name(codec) for codec in _codecs() if codec.decode)
    return [*own, *([opus.NAME] if opus.has_opus() else [])]


def static_name(payload_type: int) -> str:
    """Encoding name of the codec that has this payload type without an `a=rtpmap`; empty when none here has."""
    return next((_name(codec) for codec in _codecs() if codec.static_payload_type == payload_type), "")


def passed_names() -> list[str]:
    """Encoding names of all codecs that only pass through."""
    return [*dict.fromkeys(_name(codec) for codec in _codecs() if not codec.decode)]


def find_codec(rtp_format: RtpFormat) -> Any | None:
    """The native codec of a format, None when there is none of that name, clock and number of channels."""
    if _is_opus(rtp_format):
        return opus.opus_codec(rtp_format.fmtp) if opus.has_opus() else None
    found = _registry().get((rtp_format.name.lower(), rtp_format.clock_rate, rtp_format.channels), ())
    return found[_is_second(rtp_format) and len(found) > 1] if found else None


_SECOND = {"ilbc": ("mode", "20"), "amr": ("octet-align", "1"), "amr-wb": ("octet-align", "1")}


def _is_second(rtp_format: RtpFormat) -> bool:
    """Whether `a=fmtp` says other than what is meant without it (RFC 3952 section 5, RFC 4867 section 8.1)."""
    name, value = _SECOND.get(rtp_format.name.lower(), ("", ""))
    return bool(name) and rtp_format.parameters.get(name) == value


def _is_opus(rtp_format: RtpFormat) -> bool:
    """Always 48000 and two channels, whatever is sent (RFC 7587 section 7)."""
    named = rtp_format.name.lower() == opus.NAME
    return named and (rtp_format.clock_rate, rtp_format.channels) == (lib.SFM_MAX_SAMPLE_RATE, 2)


def codec_of(rtp_format: RtpFormat) -> Any:
    """The native codec of a format.

    Raises MediaError, naming the codecs that exist, when there is none of that name, clock and number of channels, and
    MachineError, naming what to install, when it is a library's that is missing.
    """
    if _is_opus(rtp_format):
        return opus.opus_codec(rtp_format.fmtp)
    codec = find_codec(rtp_format)
    if codec is None:
        wanted = f"{rtp_format.name}/{rtp_format.clock_rate}"
        raise MediaError(f"no codec for {wanted}; there are {', '.join([*codec_names(), *passed_names()])}")
    return codec


def packet_time_ms(codec: Any, wanted_ms: int) -> int:
    """The packet time to send a codec with: the longest one up to `wanted_ms` that it has and that fits a datagram, or
    the shortest that it has (G.723.1: 30 ms)."""
    wanted = min(max(wanted_ms, MIN_PTIME_MS), MAX_PTIME_MS)
    tried = (*range(wanted, MIN_PTIME_MS - 1, -1), *range(wanted, MAX_PTIME_MS + 1))
    return next((ptime for ptime in tried if _fits(codec, ptime)), wanted)


def _fits(codec: Any, ptime_ms: int) -> bool:
    if _name(codec) == opus.NAME:
        return ptime_ms in opus.PTIMES_MS
    samples = codec.sample_rate // 1000 * ptime_ms
    whole = samples % codec.frame_samples == 0
    return bool(whole and lib.sfm_codec_bytes(codec, samples) <= lib.SFM_MAX_PAYLOAD_BYTES)
