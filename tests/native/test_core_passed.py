"""Codecs that only pass through: how long their packets are, and that nobody makes sound of them."""

from __future__ import annotations

from typing import Any

import pytest
from conftest import Core
from playing import AUDIO, CONCEALED, MS, WAITING, Playout, Rtp

UNKNOWN = 16
AMR_BYTES = (12, 13, 15, 17, 19, 20, 26, 31, 5)
AMR_WB_BYTES = (17, 23, 32, 36, 40, 46, 50, 58, 60, 5)
AMR_BITS = (95, 103, 118, 134, 148, 159, 204, 244, 39)
"""RFC 4867 table 1 and 3GPP TS 26.101: bits of a frame by its type."""


def codecs(core: Core, name: bytes) -> list[Any]:
    found, index = [], 0
    while codec := core.lib.sfm_codec_at(index):
        index += 1
        if core.ffi.string(codec.name) == name:
            found.append(codec)
    return found


def duration(core: Core, codec: Any, payload: bytes) -> int:
    result: int = core.lib.sfm_codec_duration_ts(codec, payload, len(payload))
    return result


@pytest.mark.parametrize(
    ("name", "payload_type", "frame_bytes", "frame_ts"),
    [(b"GSM", 3, 33, 160), (b"G729", 18, 10, 80), (b"iLBC", 255, 50, 240)],
)
def test_frames_of_one_size(core: Core, name: bytes, payload_type: int, frame_bytes: int, frame_ts: int) -> None:
    codec = core.lib.sfm_codec_find(name)
    assert (codec.static_payload_type, codec.frame_bytes, codec.frame_samples) == (payload_type, frame_bytes, frame_ts)
    for frames in range(4):
        assert duration(core, codec, bytes(frames * frame_bytes)) == frames * frame_ts
    assert duration(core, codec, bytes(frame_bytes + 1)) == core.lib.SFM_ERROR_LENGTH


def test_g729_may_end_in_comfort_noise(core: Core) -> None:
    codec = core.lib.sfm_codec_find(b"G729")
    assert [duration(core, codec, bytes(length)) for length in (2, 12, 22)] == [80, 160, 240]
    assert duration(core, codec, bytes(14)) == core.lib.SFM_ERROR_LENGTH


def test_g723_says_in_each_frame_how_long_it_is(core: Core) -> None:
    codec = core.lib.sfm_codec_find(b"G723")
    high, low, noise = b"\0" + bytes(23), b"\1" + bytes(19), b"\2" + bytes(3)
    assert duration(core, codec, high) == 240
    assert duration(core, codec, low + high + noise) == 720
    for broken in (high[:-1], low + b"\0", b"\3" + bytes(23)):
        assert duration(core, codec, broken) == core.lib.SFM_ERROR_LENGTH


def test_ilbc_is_told_by_the_length_of_the_packet(core: Core) -> None:
    for codec in codecs(core, b"iLBC"):
        assert [duration(core, codec, bytes(length)) for length in (38, 76, 50, 100, 0)] == [160, 320, 240, 480, 0]
        assert duration(core, codec, bytes(39)) == core.lib.SFM_ERROR_LENGTH


@pytest.mark.parametrize(("name", "sizes", "frame_ts"), [(b"AMR", AMR_BYTES, 160), (b"AMR-WB", AMR_WB_BYTES, 320)])
def test_amr_aligned_to_octets(core: Core, name: bytes, sizes: tuple[int, ...], frame_ts: int) -> None:
    codec = codecs(core, name)[1]
    for kind, size in enumerate(sizes):
        toc = kind << 3 | 4
        assert duration(core, codec, bytes([0xF0, toc]) + bytes(size)) == frame_ts
        assert duration(core, codec, bytes([0xF0, toc | 0x80, 0x7C]) + bytes(size)) == 2 * frame_ts  # and no data
        assert duration(core, codec, bytes([0xF0, toc]) + bytes(size + 1)) == core.lib.SFM_ERROR_LENGTH
        assert duration(core, codec, bytes([0xF0, toc]) + bytes(size - 1)) == core.lib.SFM_ERROR_LENGTH
    assert duration(core, codec, b"") == 0
    for broken in (b"\xf0", b"\xf0\x80", bytes([0xF0, 12 << 3]), bytes([0xF0] + [0xFC] * 100)):
        assert duration(core, codec, broken) == core.lib.SFM_ERROR_LENGTH


def test_amr_without_bits_that_fill_up(core: Core) -> None:
    codec = codecs(core, b"AMR")[0]
    for kind, bits in enumerate(AMR_BITS):
        head = 0xF << 6 | kind << 1 | 1  # mode request, then F=0, type, Q=1
        length = (4 + 6 + bits + 7) // 8
        assert duration(core, codec, (head << 6).to_bytes(2) + bytes(length - 2)) == 160
        assert duration(core, codec, (head << 6).to_bytes(2) + bytes(length - 1)) == core.lib.SFM_ERROR_LENGTH
    two = (0xF << 12 | 0b1_0111_1 << 6 | 0b0_0111_1).to_bytes(2)  # 12.2 kbit/s twice
    assert duration(core, codec, two + bytes(61)) == 320


@pytest.mark.parametrize("name", [b"GSM", b"G729", b"G723", b"iLBC", b"AMR", b"AMR-WB"])
def test_nobody_encodes_decodes_or_makes_silence(core: Core, name: bytes) -> None:
    pcm, payload = core.ffi.new("int16_t[960]"), core.ffi.new("uint8_t[960]")
    for codec in codecs(core, name):
        assert core.lib.sfm_codec_encode(codec, core.ffi.NULL, pcm, 960, payload, 960) == core.lib.SFM_ERROR_ARGUMENT
        assert core.lib.sfm_codec_decode(codec, core.ffi.NULL, payload, 33, pcm, 960) == core.lib.SFM_ERROR_ARGUMENT
        assert core.lib.sfm_codec_silence(codec, 160, payload, 960) == 0


def stored(core: Core, codec: Any, payload: bytes) -> bytes:
    out = core.ffi.new("uint8_t[]", 4096)
    length = core.lib.sfm_passed_store(codec, payload, len(payload), out, 4096)
    assert length >= 0
    return bytes(core.ffi.buffer(out, length))


def test_a_file_of_amr_has_each_frame_behind_its_type(core: Core) -> None:
    """The same two frames in both layouts of RFC 4867 section 4."""
    packed, aligned = codecs(core, b"AMR")
    one, two = bytes([0xA5] * 30 + [0xF0]), bytes([0x5A] * 4 + [0xFE])  # 244 bits, 39 bits
    frames = b"\x3c" + one + b"\x44" + two
    assert stored(core, aligned, b"\xf0\xbc\x44" + one + two) == frames
    bits = 0xF << 12 | 0b1_0111_1 << 6 | 0b0_1000_1
    bits = bits << 244 | int.from_bytes(one) >> 4
    bits = bits << 39 | int.from_bytes(two) >> 1
    count = 4 + 12 + 244 + 39
    payload = (bits << -count % 8).to_bytes((count + 7) // 8)
    assert duration(core, packed, payload) == 320
    assert stored(core, packed, payload) == frames
    assert [core.ffi.string(core.lib.sfm_passed_magic(codec, 10)) for codec in (packed, aligned)] == [b"#!AMR\n"] * 2


@pytest.mark.parametrize("name", [b"AMR", b"AMR-WB"])
@pytest.mark.parametrize("frames", [1, 2, 3, 63, 64])
def test_what_is_missing_of_amr_is_told_by_frames_of_no_data(core: Core, name: bytes, frames: int) -> None:
    for codec in codecs(core, name):
        out = core.ffi.new("uint8_t[]", frames + 1)
        payload = bytes(core.ffi.buffer(out, core.lib.sfm_passed_no_data(codec, frames, out)))
        assert duration(core, codec, payload) == frames * codec.frame_samples
        assert stored(core, codec, payload) == b"\x7c" * frames
        assert core.lib.sfm_passed_no_data(codec, 65, out) == core.lib.sfm_passed_no_data(codec, 0, out) == 0


def test_other_codecs_have_no_frame_without_data(core: Core) -> None:
    assert core.lib.sfm_passed_no_data(core.lib.sfm_codec_find(b"GSM"), 1, core.ffi.new("uint8_t[2]")) == 0


def test_other_files_have_the_frames_alone(core: Core) -> None:
    g729, ilbc = core.lib.sfm_codec_find(b"G729"), core.lib.sfm_codec_find(b"iLBC")
    assert stored(core, g729, bytes(range(22))) == bytes(range(20)), "comfort noise has no place there"
    assert stored(core, core.lib.sfm_codec_find(b"GSM"), bytes(range(33))) == bytes(range(33))
    assert [core.ffi.string(core.lib.sfm_passed_magic(ilbc, length)) for length in (38, 100)] == [
        b"#!iLBC20\n", b"#!iLBC30\n",
    ]  # fmt: skip
    out = core.ffi.new("uint8_t[]", 32)
    assert (
        core.lib.sfm_passed_store(core.lib.sfm_codec_find(b"GSM"), bytes(33), 33, out, 32) == core.lib.SFM_ERROR_SPACE
    )
    assert core.lib.sfm_passed_store(g729, bytes(11), 11, out, 32) == core.lib.SFM_ERROR_LENGTH


def passing(core: Core) -> Playout:
    unit = Playout(core)
    assert core.lib.sfm_playout_set_codec(unit.playout, 3, core.lib.sfm_codec_find(b"GSM"), core.ffi.NULL) == 0
    return unit


def gsm(number: int) -> Rtp:
    return Rtp(number, number * 160, number * 20 * MS, bytes(33), payload_type=3)


def test_the_time_of_packets_that_nobody_decodes_is_unknown(core: Core) -> None:
    unit = passing(core)
    for number in (0, 1, 3, 4):
        unit.put(gsm(number))
    contents = []
    for tick in range(5):
        content, pcm = unit.read((40 + 20 * tick) * MS, 160)
        assert not pcm.any()
        contents.append(content)
    assert contents == [UNKNOWN, UNKNOWN, CONCEALED | UNKNOWN, UNKNOWN, UNKNOWN]
    counts = unit.counts()
    assert (counts.played, counts.lost, counts.late, counts.concealed_ts) == (4, 1, 0, 160)


def test_a_codec_that_is_decoded_is_heard_again_behind_one_that_is_not(core: Core) -> None:
    unit = passing(core)
    unit.put(gsm(0))
    for number in (1, 2):
        unit.put(Rtp(number, number * 160, number * 20 * MS, bytes([0x10] * 160)))
    assert unit.read(20 * MS, 160)[0] == WAITING
    assert unit.read(40 * MS, 160)[0] == UNKNOWN
    content, pcm = unit.read(60 * MS, 160)
    assert content == AUDIO
    assert pcm[80:].all()
