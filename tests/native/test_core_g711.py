"""G.711: all inputs and all codes against the tables of the recommendation, and against the ITU-T STL's own output."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from conftest import Core
from twins import g711

ALL_SAMPLES = np.arange(-32768, 32768).astype(np.int16)
ALL_CODES = np.arange(256).astype(np.uint8)
LAWS = {
    "pcmu": (g711.encode_mu, g711.decode_mu, "u"),
    "pcma": (g711.encode_a, g711.decode_a, "a"),
}


def encode(core: Core, law: str, samples: np.ndarray) -> np.ndarray:
    out = np.zeros(len(samples), np.uint8)
    pcm = core.ffi.from_buffer("int16_t[]", samples)
    getattr(core.lib, f"sfm_{law}_encode")(pcm, len(samples), core.ffi.from_buffer("uint8_t[]", out))
    return out


def decode(core: Core, law: str, codes: np.ndarray) -> np.ndarray:
    out = np.zeros(len(codes), np.int16)
    data = core.ffi.from_buffer("uint8_t[]", codes)
    getattr(core.lib, f"sfm_{law}_decode")(data, len(codes), core.ffi.from_buffer("int16_t[]", out))
    return out


@pytest.mark.parametrize("law", LAWS)
def test_every_sample_gets_the_code_of_its_interval(core: Core, law: str) -> None:
    expected = np.array([LAWS[law][0](int(sample)) for sample in ALL_SAMPLES], np.uint8)
    np.testing.assert_array_equal(encode(core, law, ALL_SAMPLES), expected)


@pytest.mark.parametrize("law", LAWS)
def test_every_code_decodes_to_the_middle_of_its_interval(core: Core, law: str) -> None:
    expected = np.array([LAWS[law][1](int(code)) for code in ALL_CODES], np.int16)
    np.testing.assert_array_equal(decode(core, law, ALL_CODES), expected)


@pytest.mark.parametrize("law", LAWS)
def test_a_code_survives_decoding_and_encoding(core: Core, law: str) -> None:
    again = encode(core, law, decode(core, law, ALL_CODES))
    changed = [int(code) for code in ALL_CODES[again != ALL_CODES]]
    assert changed == ([0x7F] if law == "pcmu" else [])  # mu-law has two zeros: minus zero comes back as plus zero


@pytest.mark.parametrize("law", LAWS)
def test_the_itu_software_tool_library_gives_the_same(core: Core, corpora: Path, law: str) -> None:
    folder = corpora / "codec-g711-stl"
    suffix = LAWS[law][2]
    samples = np.fromfile(folder / "sweep.src", np.int16)
    codes = np.fromfile(folder / f"sweep-r.{suffix}", np.uint16).astype(np.uint8)
    assert len(np.unique(samples)) == 65536
    np.testing.assert_array_equal(encode(core, law, samples), codes)
    both_ways = np.fromfile(folder / f"sweep-r.{suffix}-{suffix}", np.int16)
    np.testing.assert_array_equal(decode(core, law, codes), both_ways)


def test_silence_is_the_code_of_zero(core: Core) -> None:
    assert core.lib.sfm_pcmu_from_linear(0) == core.lib.SFM_PCMU_SILENCE
    assert core.lib.sfm_pcma_from_linear(0) == core.lib.SFM_PCMA_SILENCE
