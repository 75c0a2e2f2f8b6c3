"""G.722 against the recommendation's own test sequences, and both ways through its filters."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import Core


def state(core: Core) -> Any:
    value = core.new("sfm_g722")
    core.lib.sfm_g722_init(value)
    return value


def words(corpora: Path, name: str) -> list[int]:
    return np.fromfile(corpora / "codec-g722-itu" / name, ">i2").astype(int).tolist()


@pytest.mark.parametrize(("source", "expected"), [("bt1c1.xmt", "bt2r1.cod"), ("bt1c2.xmt", "bt2r2.cod")])
def test_the_test_sequences_are_encoded_bit_by_bit(core: Core, corpora: Path, source: str, expected: str) -> None:
    coder, codes = state(core), []
    for word in words(corpora, source):
        if word & 1:
            core.lib.sfm_g722_init(coder)
            codes.append(None)
        else:
            codes.append(core.lib.sfm_g722_encode_bands(coder, word >> 1, word >> 1))
    wanted = [None if word & 1 else (word >> 8) & 0xFF for word in words(corpora, expected)]
    assert codes == wanted


@pytest.mark.parametrize("mode", [1, 2, 3])
@pytest.mark.parametrize(("codes", "name"), [("bt2r1.cod", "1"), ("bt2r2.cod", "2"), ("bt1d3.cod", "3")])
def test_the_test_sequences_are_decoded_bit_by_bit(core: Core, corpora: Path, codes: str, name: str, mode: int) -> None:
    coder, low, high = state(core), core.ffi.new("int *"), core.ffi.new("int *")
    heard = []
    for word in words(corpora, codes):
        if word & 1:
            core.lib.sfm_g722_init(coder)
            heard.append(None)
        else:
            core.lib.sfm_g722_decode_bands(coder, (word >> 8) & 0xFF, mode, low, high)
            heard.append((low[0], high[0]))
    lows = words(corpora, f"bt3l{name}.rc{mode}")
    highs = words(corpora, f"bt3h{name}.rc0")
    wanted = [None if one & 1 else (one >> 1, two >> 1) for one, two in zip(lows, highs, strict=True)]
    assert heard == wanted


def both_ways(core: Core, pcm: np.ndarray) -> np.ndarray:
    codes, out = np.zeros(len(pcm) // 2, np.uint8), np.zeros(len(pcm), np.int16)
    buffer = core.ffi.from_buffer
    core.lib.sfm_g722_encode(state(core), buffer("int16_t[]", pcm), len(pcm), buffer("uint8_t[]", codes))
    core.lib.sfm_g722_decode(state(core), buffer("uint8_t[]", codes), len(codes), buffer("int16_t[]", out))
    return out


@pytest.mark.parametrize("frequency", [300, 1000, 3000, 5000, 6500])
def test_tones_of_both_bands_come_out_22_samples_later(core: Core, frequency: int) -> None:
    time = np.arange(16000) / 16000
    pcm = np.rint(8000 * np.sin(2 * np.pi * frequency * time)).astype(np.int16)
    out = both_ways(core, pcm)[22:].astype(float)
    error = out[2000:] - pcm[2000 : len(out)]
    assert np.sqrt(np.mean(error**2)) < 8000 / 2**0.5 * 10 ** (-15 / 20)


def test_the_silent_byte_is_silence(core: Core) -> None:
    codec, codes, out = core.lib.sfm_codec_find(b"G722"), core.ffi.new("uint8_t[800]"), core.ffi.new("int16_t[1600]")
    assert core.lib.sfm_codec_silence(codec, 1600, codes, 800) == 800
    core.lib.sfm_g722_decode(state(core), codes, 800, out)
    assert max(abs(sample) for sample in out) <= 4


def test_the_clock_runs_at_half_the_sample_rate(core: Core) -> None:
    codec, codes = core.lib.sfm_codec_find(b"g722"), core.ffi.new("uint8_t[160]")
    assert (codec.clock_rate, codec.sample_rate, codec.static_payload_type) == (8000, 16000, 9)
    assert core.lib.sfm_codec_duration_ts(codec, codes, 160) == 160


def speech(count: int, seed: int) -> np.ndarray:
    time, random = np.arange(count) / 16000, np.random.default_rng(seed)
    tone = np.sin(2 * np.pi * 300 * time + 3 * np.sin(2 * np.pi * 3 * time)) + 0.2 * random.standard_normal(count)
    return (6000 * (0.5 + 0.5 * np.sin(2 * np.pi * 2 * time)) * tone).astype(np.int16)


def encoded(core: Core, pcm: np.ndarray) -> bytes:
    """As a prompt is encoded: by the table of codecs."""
    codec, coder, codes = core.lib.sfm_codec_find(b"G722"), core.new("sfm_g722"), np.zeros(len(pcm) // 2, np.uint8)
    core.lib.sfm_codec_encoder_init(codec, coder)
    buffer = core.ffi.from_buffer
    samples, room = buffer("int16_t[]", pcm), buffer("uint8_t[]", codes)
    assert core.lib.sfm_codec_encode(codec, coder, samples, len(pcm), room, len(codes)) == len(codes)
    return codes.tobytes()


def decoded(core: Core, codes: bytes) -> np.ndarray:
    out = np.zeros(2 * len(codes), np.int16)
    core.lib.sfm_g722_decode(state(core), codes, len(codes), core.ffi.from_buffer("int16_t[]", out))
    return out.astype(float)


def test_a_prompt_after_another_and_silence_is_as_good_as_one_alone(core: Core) -> None:
    first, second = speech(16000, 1), speech(16000, 2)
    codes, silence = encoded(core, second), bytes([core.lib.SFM_G722_SILENCE]) * 800
    before = decoded(core, encoded(core, first) + silence + codes)[-len(second) :]
    alone = decoded(core, codes)
    errors = [np.sqrt(np.mean((heard[22:] - second[:-22]) ** 2)) for heard in (before, alone)]
    assert errors[0] < 1.2 * errors[1]
    assert np.array_equal(before[-8000:], alone[-8000:])


def test_pypis_g722_codes_and_decodes_the_same(core: Core) -> None:
    oracle = pytest.importorskip("G722", reason="PyPI's G722 is the oracle: pip install G722")
    pcm = speech(48000, 3)
    codes = np.zeros(24000, np.uint8)
    core.lib.sfm_g722_encode(
        state(core), core.ffi.from_buffer("int16_t[]", pcm), 48000, core.ffi.from_buffer("uint8_t[]", codes)
    )
    theirs = bytes(oracle.G722(16000, 64000).encode(pcm))
    assert codes.tobytes() == theirs
    heard = np.array(oracle.G722(16000, 64000).decode(theirs), float)
    assert np.array_equal(decoded(core, theirs), heard)
