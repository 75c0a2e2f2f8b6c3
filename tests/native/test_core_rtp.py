"""RTP packets: what is read of any bytes, and what is written."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import Core
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from twins import rtp

ERRORS = {"truncated": "SFM_ERROR_TRUNCATED", "version": "SFM_ERROR_VERSION", "padding": "SFM_ERROR_PADDING"}
quick = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def parse(core: Core, data: bytes) -> rtp.Parsed | str:
    """The C parser's result in the twin's form; the bytes lie in a buffer of exactly their size."""
    packet = core.new("sfm_rtp_packet")
    exact = core.ffi.new("uint8_t[]", data) if data else core.ffi.new("uint8_t[1]")
    result = core.lib.sfm_rtp_parse(exact, len(data), packet)
    if result < 0:
        return next(word for word, name in ERRORS.items() if getattr(core.lib, name) == result)
    header = packet.header
    extension = data[packet.extension_offset : packet.extension_offset + packet.extension_length]
    return rtp.Parsed(
        header.marker,
        header.payload_type,
        header.sequence_number,
        header.timestamp,
        header.ssrc,
        tuple(packet.csrc[i] for i in range(packet.csrc_count)),
        (packet.extension_profile, extension) if packet.has_extension else None,
        data[packet.payload_offset : packet.payload_offset + packet.payload_length],
        packet.padding_bytes,
    )


@st.composite
def near_packets(draw: st.DrawFn) -> bytes:
    """Bytes that are often an RTP packet, with CSRCs, extension and padding that may or may not fit."""
    first = draw(st.sampled_from([0x80, 0x90, 0xA0, 0xB0])) | draw(st.integers(0, 15))
    words = draw(st.integers(0, 5))
    body = draw(st.binary(max_size=80)) + words.to_bytes(4) + draw(st.binary(max_size=40))
    return bytes([first]) + draw(st.binary(min_size=11, max_size=11)) + body + bytes([draw(st.integers(0, 60))])


@quick
@given(data=st.one_of(near_packets(), st.binary(max_size=60)))
def test_the_twin_reads_the_same(core: Core, data: bytes) -> None:
    assert parse(core, data) == rtp.parse(data)


@quick
@given(
    marker=st.integers(0, 1),
    payload_type=st.integers(0, 127),
    sequence_number=st.integers(0, 65535),
    timestamp=st.integers(0, 2**32 - 1),
    ssrc=st.integers(0, 2**32 - 1),
)
def test_a_header_is_read_as_it_was_written(core: Core, **fields: int) -> None:
    out = core.ffi.new("uint8_t[12]")
    assert core.lib.sfm_rtp_write_header(core.new("sfm_rtp_header", **fields), out, 12) == 12
    parsed = rtp.parse(bytes(out))
    assert isinstance(parsed, rtp.Parsed)
    assert {name: getattr(parsed, name) for name in fields} == fields


@pytest.mark.parametrize(
    ("fields", "capacity", "error"),
    [
        ({}, 11, "SFM_ERROR_SPACE"),
        ({"marker": 2}, 12, "SFM_ERROR_ARGUMENT"),
        ({"payload_type": 128}, 12, "SFM_ERROR_ARGUMENT"),
    ],
)
def test_a_header_that_cannot_be_written_writes_nothing(
    core: Core, fields: dict[str, int], capacity: int, error: str
) -> None:
    out = core.ffi.new("uint8_t[12]")
    result = core.lib.sfm_rtp_write_header(core.new("sfm_rtp_header", **fields), out, capacity)
    assert result == getattr(core.lib, error)
    assert bytes(out) == bytes(12)


@pytest.mark.parametrize("padding", [0, 5, 255])
def test_padding_that_does_not_fit_is_refused(core: Core, padding: int) -> None:
    packet = bytes([0xA0]) + bytes(11) + b"abc" + bytes([padding])
    assert parse(core, packet) == "padding"


def test_a_packet_may_be_all_padding(core: Core) -> None:
    parsed = parse(core, bytes([0xA0]) + bytes(11) + bytes(3) + b"\4")
    assert isinstance(parsed, rtp.Parsed)
    assert (parsed.payload, parsed.padding_bytes) == (b"", 4)


@pytest.mark.parametrize("length", range(12))
def test_every_shorter_header_is_truncated(core: Core, length: int) -> None:
    assert parse(core, bytes([0x80]) + bytes(length - 1) if length else b"") == "truncated"


@pytest.mark.parametrize(
    ("name", "payload_type", "payload_bytes", "padding_bytes", "csrc_count", "has_extension"),
    [
        ("rtp.bin", 0, 160, 0, 0, False),
        ("rtp_dtmf.bin", 101, 4, 0, 0, False),
        ("rtp_only_padding.bin", 120, 0, 224, 0, False),
        ("rtp_only_padding_with_header_extensions.bin", 98, 0, 224, 0, True),
        ("rtp_with_csrc.bin", 0, 160, 0, 2, False),
        ("rtp_with_sdes_mid.bin", 111, 54, 0, 0, True),
    ],
)
def test_recorded_packets(
    core: Core,
    corpora: Path,
    name: str,
    payload_type: int,
    payload_bytes: int,
    padding_bytes: int,
    csrc_count: int,
    has_extension: bool,
) -> None:
    parsed = parse(core, (corpora / "rtp-aiortc" / name).read_bytes())
    assert isinstance(parsed, rtp.Parsed)
    assert (parsed.payload_type, len(parsed.payload), parsed.padding_bytes) == (
        payload_type,
        payload_bytes,
        padding_bytes,
    )
    assert len(parsed.csrc) == csrc_count
    assert (parsed.extension is not None) == has_extension


@pytest.mark.parametrize(
    ("head", "is_rtcp"),
    [("80c8", 1), ("81c9", 1), ("80df", 1), ("8000", 0), ("80bf", 0), ("80e0", 0), ("40c8", 0)],
)
def test_rtcp_is_told_from_rtp_on_one_port(core: Core, head: str, is_rtcp: int) -> None:
    data = bytes.fromhex(head) + bytes(6)
    assert core.lib.sfm_rtcp_is_rtcp(data, len(data)) == is_rtcp
    assert core.lib.sfm_rtcp_is_rtcp(data, 3) == 0
