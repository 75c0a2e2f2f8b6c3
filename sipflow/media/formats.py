"""From a negotiated RTP format to the codec that the native side has for it."""

from __future__ import annotations

from typing import Any

from sipflow.errors import MediaError
from sipflow.media_params import RtpFormat
from sipflow.native import ffi, lib


def codec_names() -> list[str]:
    """Encoding names of all codecs that can be sent and heard, in the registry's spelling."""
    names: list[str] = []
    while codec := lib.sfm_codec_at(len(names)):
        names.append(ffi.string(codec.name).decode())
    return names


def codec_of(rtp_format: RtpFormat) -> Any:
    """The native codec of a format.

    Raises MediaError, naming the codecs that exist, when there is none of that name, clock and number of channels.
    """
    codec = lib.sfm_codec_find(rtp_format.name.encode())
    if not codec or (codec.clock_rate, codec.channels) != (rtp_format.clock_rate, rtp_format.channels):
        wanted = f"{rtp_format.name}/{rtp_format.clock_rate}"
        raise MediaError(f"no codec for {wanted}; there are {', '.join(codec_names())}")
    return codec
