"""Opus (RFC 6716, RFC 7587) by the system's libopus.

The library is found when it is first needed and used in C by the addresses of its functions, at native speed. This one
file finds it, and proves by a packet there and back that it does what it should. Without it all but Opus runs.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import functools
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from sipflow.errors import MachineError
from sipflow.media_params import fmtp_parameters
from sipflow.native import check, ffi, lib

NAME: Final = "opus"
MISSING: Final = "Opus needs libopus: apt install libopus0 (Debian, Ubuntu), brew install opus (macOS)"
PTIMES_MS: Final = (5, 10, 20, 40, 60)
"""Packets that libopus encodes at once (RFC 6716 section 2.1.4), of those that a leg sends."""

_NAMES: Final = ("libopus.so.0", "libopus.0.dylib")
_FUNCTIONS: Final = (
    *("encoder_get_size", "encoder_init", "encoder_ctl", "encode"),
    *("decoder_get_size", "decoder_init", "decode", "packet_get_nb_samples"),
)
"""Fields of `sfm_opus_library`; the functions have `opus_` before."""

_SAMPLES: Final = 960
DEFAULT_BITRATE: Final = 32_000
"""bit/s and channel; full-band speech (RFC 7587 section 3.1.1)."""


@dataclass(frozen=True, slots=True)
class OpusSettings:
    """What a receiver asks of its peer's encoder (RFC 7587 section 6.1)."""

    bitrate: int = DEFAULT_BITRATE
    """bit/s"""
    highest_hz: int = 48_000
    """Sampling rate that is worth sending."""
    loss_percent: int = 0
    """Loss that in-band FEC is to stand; 0 is without it."""
    dtx: bool = False
    constant: bool = False
    channels: int = 1
    """2 where the receiver prefers stereo."""

    @classmethod
    def of(cls, fmtp: str) -> OpusSettings:
        """From the text of `a=fmtp`; what is not understood stays as it is without."""
        said = fmtp_parameters(fmtp)
        given = {name: int(value) for name, value in said.items() if value.isascii() and value.isdigit()}
        channels = 2 if given.get("stereo") == 1 else 1
        bitrate = given.get("maxaveragebitrate", DEFAULT_BITRATE * channels)
        return cls(
            bitrate=min(max(bitrate, 6_000), 510_000),
            highest_hz=given.get("maxplaybackrate", 48_000),
            loss_percent=_FEC_LOSS_PERCENT if given.get("useinbandfec") == 1 else 0,
            dtx=given.get("usedtx") == 1,
            constant=given.get("cbr") == 1,
            channels=channels,
        )


_FEC_LOSS_PERCENT: Final = 10
"""libopus weighs the copy's bits by the loss that it expects; the tests on purpose lose about this much."""


@dataclass(frozen=True, slots=True)
class OpusLibrary:
    """libopus, found and tried."""

    functions: dict[str, int]
    """Fields of `sfm_opus_library`."""
    binding: Any
    """The library, which has to stay loaded."""


@functools.cache
def opus_library() -> OpusLibrary:
    """libopus; raises MachineError, with what to do, when there is none that works."""
    binding = _load()
    try:
        functions = {name: _address(getattr(binding, f"opus_{name}")) for name in _FUNCTIONS}
    except AttributeError as error:
        raise MachineError(f"{MISSING} ({error})") from error
    library = OpusLibrary(functions, binding)
    _prove(_codec(library, OpusSettings()))
    return library


def _load() -> Any:
    """By its soname first: `find_library` needs a compiler or ldconfig, which a plain machine may lack."""
    for name in _NAMES:
        with suppress(OSError):
            return ctypes.CDLL(name)
    found = ctypes.util.find_library(NAME)
    if found is None:
        raise MachineError(MISSING)
    try:
        return ctypes.CDLL(found)
    except OSError as error:
        raise MachineError(f"{MISSING} ({error})") from error


def _address(function: Any) -> int:
    return int(ctypes.cast(function, ctypes.c_void_p).value or 0)


def has_opus() -> bool:
    """Whether there is a libopus that works."""
    return not missing_opus()


def missing_opus() -> str:
    """Why Opus cannot be used here, and what to install; empty when it can."""
    try:
        opus_library()
    except MachineError as error:
        return str(error)
    return ""


def opus_codec(fmtp: str) -> Any:
    """The native codec for what the receiver's `a=fmtp` asks; the same one for the same wishes.

    Raises MachineError, with what to do, when there is no libopus.
    """
    return _codec_for(OpusSettings.of(fmtp))


@functools.cache
def _codec_for(settings: OpusSettings) -> Any:
    codec = _codec(opus_library(), settings)
    _FOREVER.append(codec)
    return codec[1]


_FOREVER: list[Any] = []
"""Legs and prompts hold codecs by their addresses, past any reference of Python's."""


def _codec(library: OpusLibrary, settings: OpusSettings) -> tuple[Any, Any]:
    native = ffi.new(
        "sfm_opus_settings *",
        {
            "library": library.functions,
            "bitrate": settings.bitrate,
            "highest_hz": settings.highest_hz,
            "loss_percent": settings.loss_percent,
            "dtx": settings.dtx,
            "constant": settings.constant,
            "channels": settings.channels,
        },
    )
    codec = ffi.new("sfm_codec *")
    check(lib.sfm_opus_codec(native, codec), "set Opus up")
    return native, codec


def _prove(made: tuple[Any, Any]) -> None:
    """One packet there and back: a library that does something else must not touch a call."""
    codec = made[1]
    state = ffi.new("uint64_t[]", max(codec.encoder_bytes, codec.decoder_bytes) // 8 + 1)
    pcm, packet = ffi.new("int16_t[]", _SAMPLES), ffi.new("uint8_t[]", lib.SFM_MAX_PAYLOAD_BYTES)
    started = lib.sfm_codec_encoder_init(codec, state)
    length = started or lib.sfm_codec_encode(codec, state, pcm, _SAMPLES, packet, len(packet))
    duration = lib.sfm_codec_duration_ts(codec, packet, max(length, 0))
    started = lib.sfm_codec_decoder_init(codec, state)
    decoded = started or lib.sfm_codec_decode(codec, state, packet, max(length, 0), pcm, _SAMPLES)
    if (duration, decoded) != (_SAMPLES, _SAMPLES):
        raise MachineError(f"{MISSING}; the one that is installed does not code as RFC 6716 has it")
