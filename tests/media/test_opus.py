"""Opus by the system's libopus."""

from __future__ import annotations

import pytest

from sipflow.media import opus
from sipflow.media.opus import OpusSettings
from sipflow.native import ffi, lib


def test_what_the_receiver_asks_is_read_from_fmtp() -> None:
    text = "maxplaybackrate=16000; useinbandfec=1;usedtx=1; maxaveragebitrate=20000;cbr=1;stereo=x"
    assert OpusSettings.of(text) == OpusSettings(20_000, 16_000, 10, dtx=True, constant=True)
    assert OpusSettings.of("maxaveragebitrate=1") == OpusSettings(6_000)
    assert OpusSettings.of("stereo=1") == OpusSettings(64_000, channels=2)
    assert OpusSettings.of("sprop-stereo=1;stereo=0").channels == 1


@pytest.mark.skipif(not opus.has_opus(), reason="libopus is not installed")
@pytest.mark.parametrize("ptime_ms", opus.PTIMES_MS)
def test_a_silent_packet_is_one_that_libopus_decodes_to_silence(ptime_ms: int) -> None:
    codec, count = opus.opus_codec(""), 48 * ptime_ms
    packet, pcm = ffi.new("uint8_t[64]"), ffi.new("int16_t[]", [1] * count)
    length = lib.sfm_codec_silence(codec, count, packet, 64)
    state = ffi.new("uint64_t[]", codec.decoder_bytes // 8 + 1)
    assert lib.sfm_codec_decoder_init(codec, state) == 0
    assert lib.sfm_codec_duration_ts(codec, packet, length) == count
    assert lib.sfm_codec_decode(codec, state, packet, length, pcm, count) == count
    assert set(pcm) == {0}
