"""The table of codecs, and the playout's use of it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from conftest import Core


def test_codecs_are_found_by_name_in_any_case(core: Core) -> None:
    for name in (b"PCMU", b"pcmu", b"PcMu"):
        assert core.ffi.string(core.lib.sfm_codec_find(name).name) == b"PCMU"
    for name in (b"", b"PCM", b"PCMUX", b"opus"):
        assert core.lib.sfm_codec_find(name) == core.ffi.NULL


def test_the_table_can_be_walked(core: Core) -> None:
    names = []
    while codec := core.lib.sfm_codec_at(len(names)):
        names.append(core.ffi.string(codec.name))
        assert core.ffi.string(core.lib.sfm_codec_find(names[-1]).name) == names[-1]
    passed = [b"GSM", b"G729", b"G723", b"iLBC", b"iLBC", b"AMR", b"AMR", b"AMR-WB", b"AMR-WB"]
    assert names == [b"PCMU", b"PCMA", b"G722", b"L16", b"L16", *passed]


@pytest.mark.parametrize(("name", "payload_type", "silence"), [(b"PCMU", 0, 0xFF), (b"PCMA", 8, 0xD5)])
def test_g711_as_rfc_3551_has_it(core: Core, name: bytes, payload_type: int, silence: int) -> None:
    codec = core.lib.sfm_codec_find(name)
    assert (codec.clock_rate, codec.sample_rate, codec.channels) == (8000, 8000, 1)
    assert (codec.static_payload_type, codec.silence, codec.frame_samples) == (payload_type, silence, 1)
    pcm, payload = core.ffi.new("int16_t[160]"), core.ffi.new("uint8_t[160]")
    assert core.lib.sfm_codec_encode(codec, core.ffi.NULL, pcm, 160, payload, 160) == 160
    assert set(bytes(payload)) == {silence}
    assert core.lib.sfm_codec_duration_ts(codec, payload, 160) == 160
    assert core.lib.sfm_codec_decode(codec, core.ffi.NULL, payload, 160, pcm, 160) == 160


@pytest.mark.parametrize(("index", "rate"), [(3, 16000), (4, 8000)])
def test_l16_is_the_samples_in_network_byte_order(core: Core, index: int, rate: int) -> None:
    codec, pcm = core.lib.sfm_codec_at(index), core.ffi.new("int16_t[3]", [1, -2, -32768])
    payload, back = core.ffi.new("uint8_t[6]"), core.ffi.new("int16_t[3]")
    assert (codec.clock_rate, codec.sample_rate, codec.static_payload_type) == (rate, rate, 255)
    assert core.lib.sfm_codec_encode(codec, core.ffi.NULL, pcm, 3, payload, 6) == 6
    assert bytes(payload) == b"\0\1\xff\xfe\x80\0"
    assert core.lib.sfm_codec_duration_ts(codec, payload, 6) == 3
    assert core.lib.sfm_codec_decode(codec, core.ffi.NULL, payload, 6, back, 3) == 3
    assert list(back) == list(pcm)
    assert core.lib.sfm_codec_duration_ts(codec, payload, 5) == core.lib.SFM_ERROR_LENGTH
    assert core.lib.sfm_codec_decode(codec, core.ffi.NULL, payload, 5, back, 3) == core.lib.SFM_ERROR_LENGTH
    assert core.lib.sfm_codec_decode(codec, core.ffi.NULL, payload, 6, back, 2) == core.lib.SFM_ERROR_SPACE
    assert core.lib.sfm_codec_encode(codec, core.ffi.NULL, pcm, 3, payload, 5) == core.lib.SFM_ERROR_SPACE


@pytest.mark.parametrize("name", [b"PCMU", b"PCMA"])
def test_too_little_room_is_refused(core: Core, name: bytes) -> None:
    codec = core.lib.sfm_codec_find(name)
    pcm, payload = core.ffi.new("int16_t[160]"), core.ffi.new("uint8_t[160]")
    assert core.lib.sfm_codec_encode(codec, core.ffi.NULL, pcm, 160, payload, 159) == core.lib.SFM_ERROR_SPACE
    assert core.lib.sfm_codec_decode(codec, core.ffi.NULL, payload, 160, pcm, 159) == core.lib.SFM_ERROR_SPACE


def playout(core: Core, sample_rate: int = 8000) -> object:
    config, out = core.new("sfm_jitter_config"), core.ffi.new("sfm_playout **")
    core.lib.sfm_jitter_defaults(config, 8000)
    assert core.lib.sfm_playout_create(config, sample_rate, out) == 0
    return core.owned(out[0], core.lib.sfm_playout_destroy)


def test_eight_payload_types_at_a_time(core: Core) -> None:
    unit, codec = playout(core), core.lib.sfm_codec_find(b"PCMU")
    results = [core.lib.sfm_playout_set_codec(unit, payload_type, codec, core.ffi.NULL) for payload_type in range(9)]
    assert results == [0] * 8 + [core.lib.SFM_ERROR_SPACE]
    assert core.lib.sfm_playout_set_codec(unit, 3, core.ffi.NULL, core.ffi.NULL) == 0
    assert core.lib.sfm_playout_set_codec(unit, 100, codec, core.ffi.NULL) == 0
    assert core.lib.sfm_playout_set_codec(unit, 128, codec, core.ffi.NULL) == core.lib.SFM_ERROR_ARGUMENT


def test_a_codec_of_another_rate_is_heard_at_the_rate_of_the_unit(core: Core) -> None:
    unit, codec = playout(core, 48000), core.lib.sfm_codec_find(b"PCMU")
    assert core.lib.sfm_playout_set_codec(unit, 0, codec, core.ffi.NULL) == 0
    payload = core.ffi.new("uint8_t[160]")
    payload[0:160] = [core.lib.sfm_pcmu_from_linear(round(8000 * math.sin(n * math.pi / 4))) for n in range(160)]
    for n in range(5):  # 1 kHz
        header = core.new("sfm_rtp_header", sequence_number=n, timestamp=160 * n)
        assert core.lib.sfm_playout_put(unit, header, payload, 160, 20_000_000 * n) == 0
    pcm = core.ffi.new("int16_t[960]")
    for n in range(3):
        assert core.lib.sfm_playout_read(unit, 40_000_000 + 20_000_000 * n, pcm, 960) == 1
    spectrum = np.abs(np.fft.rfft(np.array(list(pcm), float) / 8000)) / 480
    assert spectrum[20] == pytest.approx(1, abs=0.02)  # 20 periods in 20 ms
    assert np.delete(spectrum, 20).max() < 0.02


def test_rates_that_no_whole_factor_connects_are_refused(core: Core) -> None:
    codec = core.lib.sfm_codec_find(b"PCMU")
    unit = playout(core, 8000)
    for sample_rate in (0, 44100, 96000):
        assert core.lib.sfm_playout_configure(unit, 8000, sample_rate) == core.lib.SFM_ERROR_ARGUMENT
    assert core.lib.sfm_playout_set_codec(unit, 0, codec, core.ffi.NULL) == 0
