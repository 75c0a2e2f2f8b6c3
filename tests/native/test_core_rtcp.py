"""RTCP: compound packets read and written."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from conftest import Core
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

quick = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
u32 = st.integers(0, 2**32 - 1)
BLOCK_FIELDS = {
    "ssrc": u32,
    "fraction_lost": st.integers(0, 255),
    "cumulative_lost": st.integers(-(2**23), 2**23 - 1),
    "extended_highest_sequence_number": u32,
    "jitter_ts": u32,
    "last_sr": u32,
    "delay_since_last_sr": u32,
}


@dataclass(slots=True)
class Opened:
    """The packets of a compound, with the memory that they point into."""

    result: int
    packets: list[Any] = field(default_factory=list)
    memory: Any = None


def opened(core: Core, data: bytes) -> Opened:
    memory = core.ffi.new("uint8_t[]", data) if data else core.ffi.new("uint8_t[1]")
    cursor = core.new("sfm_rtcp_cursor")
    result = Opened(core.lib.sfm_rtcp_open(memory, len(data), cursor), [], memory)
    while result.result > 0:
        packet = core.new("sfm_rtcp_packet")
        if not core.lib.sfm_rtcp_next(cursor, packet):
            break
        result.packets.append(packet)
    return result


def text(core: Core, pointer: Any, length: int) -> bytes:
    return bytes(core.ffi.buffer(pointer, length)) if length else b""


def write(core: Core, capacity: int = 2000, **fields: Any) -> bytes | int:
    """Bytes of a compound packet, or the error."""
    keep = {name: value for name, value in fields.items() if name not in ("cname", "bye_reason")}
    for name in ("cname", "bye_reason"):
        if fields.get(name) is not None:
            keep[name] = core.ffi.new("char[]", fields[name])
    out = core.ffi.new("uint8_t[]", capacity)
    result = core.lib.sfm_rtcp_write(core.new("sfm_rtcp_compound", **keep), out, capacity)
    return bytes(out)[:result] if result >= 0 else result


@quick
@given(
    blocks=st.lists(st.fixed_dictionaries(BLOCK_FIELDS), max_size=31),
    info=st.none()
    | st.fixed_dictionaries(
        {"ntp_time": st.integers(0, 2**64 - 1), "rtp_timestamp": u32, "packet_count": u32, "octet_count": u32}
    ),
    cname=st.binary(min_size=1, max_size=255).filter(lambda name: 0 not in name),
    reason=st.none() | st.binary(max_size=255).filter(lambda name: 0 not in name),
)
def test_a_compound_is_read_as_it_was_written(
    core: Core, blocks: list[dict[str, int]], info: dict[str, int] | None, cname: bytes, reason: bytes | None
) -> None:
    c_blocks = core.ffi.new("sfm_rtcp_report_block[]", blocks)
    c_info = core.new("sfm_rtcp_sender_info", **info) if info else core.ffi.NULL
    data = write(
        core,
        4000,
        ssrc=77,
        sender_info=c_info,
        blocks=c_blocks,
        block_count=len(blocks),
        cname=cname,
        bye_reason=reason,
    )
    assert isinstance(data, bytes)
    compound = opened(core, data)
    assert [packet.packet_type for packet in compound.packets] == [200 if info else 201, 202] + [203] * (
        reason is not None
    )

    report = core.new("sfm_rtcp_report")
    assert core.lib.sfm_rtcp_parse_report(compound.packets[0], report) == 0
    assert report.ssrc == 77
    read = [{name: getattr(report.blocks[i], name) for name in BLOCK_FIELDS} for i in range(report.block_count)]
    assert read == blocks
    if info:
        assert {name: getattr(report.sender_info, name) for name in info} == info

    description = core.new("sfm_rtcp_source_description")
    assert core.lib.sfm_rtcp_parse_source_description(compound.packets[1], description) == 0
    chunk = description.chunks[0]
    assert (description.chunk_count, chunk.ssrc, text(core, chunk.text, chunk.length)) == (1, 77, cname)

    if reason is not None:
        bye = core.new("sfm_rtcp_bye")
        assert core.lib.sfm_rtcp_parse_bye(compound.packets[2], bye) == 0
        assert (bye.source_count, bye.sources[0], text(core, bye.reason, bye.reason_length)) == (1, 77, reason)


def test_a_receiver_report_byte_for_byte(core: Core) -> None:
    fields = {"ssrc": 2, "fraction_lost": 64, "cumulative_lost": -2, "jitter_ts": 9, "last_sr": 10}
    fields |= {"extended_highest_sequence_number": 0x10005, "delay_since_last_sr": 11}
    block = core.ffi.new("sfm_rtcp_report_block[]", [fields])
    data = write(core, ssrc=1, blocks=block, block_count=1, cname=b"ab", bye_reason=b"bye")
    expected = "81c90007 00000001 00000002 40fffffe 00010005 00000009 0000000a 0000000b"
    expected += "81ca0003 00000001 01026162 00000000"
    expected += "81cb0002 00000001 03627965"
    assert data == bytes.fromhex(expected)


def test_reduced_size_is_a_report_and_nothing_else(core: Core) -> None:
    """RFC 5506."""
    assert write(core, ssrc=77) == bytes.fromhex("80c900010000004d")


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"cname": b""}, "SFM_ERROR_ARGUMENT"),
        ({"cname": b"a" * 256}, "SFM_ERROR_ARGUMENT"),
        ({"cname": b"a", "bye_reason": b"a" * 256}, "SFM_ERROR_ARGUMENT"),
        ({"cname": b"a", "block_count": 1}, "SFM_ERROR_ARGUMENT"),
        ({"cname": b"a", "capacity": 19}, "SFM_ERROR_SPACE"),
    ],
)
def test_what_cannot_be_written_is_refused(core: Core, fields: dict[str, Any], error: str) -> None:
    assert write(core, **fields) == getattr(core.lib, error)


@pytest.mark.parametrize(
    ("data", "error"),
    [
        ("", "SFM_ERROR_TRUNCATED"),
        ("80c900", "SFM_ERROR_TRUNCATED"),
        ("80c9000200000001", "SFM_ERROR_TRUNCATED"),
        ("00c9000100000001", "SFM_ERROR_VERSION"),
        ("80bf000100000001", "SFM_ERROR_PACKET_TYPE"),
        ("80e0000100000001", "SFM_ERROR_PACKET_TYPE"),
        ("a0c9000100000000", "SFM_ERROR_PADDING"),
        ("a0c9000100000005", "SFM_ERROR_PADDING"),
        ("a0c900020000000100000004" + "80c9000100000001", "SFM_ERROR_PADDING"),  # only the last may be padded
        ("80c9000100000001" + "80ca", "SFM_ERROR_TRUNCATED"),
    ],
)
def test_a_broken_compound_is_refused_as_a_whole(core: Core, data: str, error: str) -> None:
    assert opened(core, bytes.fromhex(data)).result == getattr(core.lib, error)


@pytest.mark.parametrize(
    ("data", "parse"),
    [
        ("81c9000100000001", "report"),  # a block is announced and not there
        ("80c8000100000001", "report"),  # no sender info
        ("82cb000100000001", "bye"),  # two sources announced, one there
        ("81cb000200000001ff616263", "bye"),  # a reason of 255 bytes
        ("81ca000100000001", "none"),
        ("82ca000200000001" + "01016100", "source_description"),  # the second chunk is missing
        ("81ca000200000001" + "01ff6161", "source_description"),  # an item of 255 bytes
        ("81ca000200000001" + "02016101", "source_description"),  # an item without its length
    ],
)
def test_a_truncated_body_is_refused(core: Core, data: str, parse: str) -> None:
    compound = opened(core, bytes.fromhex(data))  # it owns the memory that its packets point into
    packet = compound.packets[0]
    results = {
        "report": core.lib.sfm_rtcp_parse_report(packet, core.new("sfm_rtcp_report")),
        "bye": core.lib.sfm_rtcp_parse_bye(packet, core.new("sfm_rtcp_bye")),
        "source_description": core.lib.sfm_rtcp_parse_source_description(
            packet, core.new("sfm_rtcp_source_description")
        ),
    }
    wrong_kind = core.lib.SFM_ERROR_PACKET_TYPE
    if parse == "none":
        assert sorted(results.values()) == sorted([wrong_kind, wrong_kind, 0])
    else:
        assert results == {name: core.lib.SFM_ERROR_TRUNCATED if name == parse else wrong_kind for name in results}


@pytest.mark.parametrize(
    ("name", "packet_type", "parse", "result"),
    [
        ("rtcp_sr.bin", 200, "report", 0),
        ("rtcp_sr_invalid.bin", 200, "report", "SFM_ERROR_TRUNCATED"),
        ("rtcp_rr.bin", 201, "report", 0),
        ("rtcp_rr_invalid.bin", 201, "report", "SFM_ERROR_TRUNCATED"),
        ("rtcp_sdes.bin", 202, "source_description", 0),
        ("rtcp_sdes_item_truncated.bin", 202, "source_description", "SFM_ERROR_TRUNCATED"),
        ("rtcp_bye.bin", 203, "bye", 0),
        ("rtcp_bye_no_sources.bin", 203, "bye", 0),
        ("rtcp_bye_padding.bin", 203, "bye", 0),
        ("rtcp_bye_invalid.bin", 203, "bye", "SFM_ERROR_TRUNCATED"),
    ],
)
def test_recorded_packets(
    core: Core, corpora: Path, name: str, packet_type: int, parse: str, result: str | int
) -> None:
    compound = opened(core, (corpora / "rtp-aiortc" / name).read_bytes())
    packet = compound.packets[0]
    assert packet.packet_type == packet_type
    expected = result if isinstance(result, int) else getattr(core.lib, result)
    assert getattr(core.lib, f"sfm_rtcp_parse_{parse}")(packet, core.new(f"sfm_rtcp_{parse}")) == expected


@pytest.mark.parametrize(
    "first", ["01026162 00000000", "010161 00", "0103616263 000000", "00000000", "0701610102616200"]
)
def test_chunks_begin_on_whole_words(core: Core, first: str) -> None:
    """At least one zero byte ends the items of a chunk, four when they fill their last word (RFC 3550 section 6.5)."""
    body = bytes.fromhex(f"00000001 {first} 00000002 01017a00")
    packet = struct.pack("!BBH", 0x82, 202, len(body) // 4) + body
    compound, description = opened(core, packet), core.new("sfm_rtcp_source_description")
    assert core.lib.sfm_rtcp_parse_source_description(compound.packets[0], description) == 0
    second = description.chunks[1]
    assert (second.ssrc, text(core, second.text, second.length)) == (2, b"z")


def test_garbage_behind_a_recorded_packet_is_refused(core: Core, corpora: Path) -> None:
    data = (corpora / "rtp-aiortc" / "rtcp_sdes_source_truncated.bin").read_bytes()
    assert opened(core, data).result == core.lib.SFM_ERROR_PACKET_TYPE


def test_times_of_day_become_ntp_times(core: Core) -> None:
    assert core.lib.sfm_ntp_from_unix_ns(0) == 2_208_988_800 << 32
    assert core.lib.sfm_ntp_from_unix_ns(1_500_000_000) == (2_208_988_801 << 32) + (1 << 31)
    assert core.lib.sfm_ntp_middle(0x1234_5678_9ABC_DEF0) == 0x5678_9ABC


@pytest.mark.parametrize(
    ("last_sr", "delay", "now", "expected"),
    [
        (0xB7052000, 0x00054000, 0xB710_8000, 6_125_000_000),  # the example of RFC 3550 figure 2
        (0, 5, 10, -1),
        (0xFFFF_0000, 0, 0x0001_0000, 2_000_000_000),
        (100, 60, 120, -1),
    ],
)
def test_round_trip(core: Core, last_sr: int, delay: int, now: int, expected: int) -> None:
    block = core.new("sfm_rtcp_report_block", last_sr=last_sr, delay_since_last_sr=delay)
    assert core.lib.sfm_rtcp_round_trip_ns(block, now) == expected


def test_only_whole_words_are_read(core: Core) -> None:
    """The longest packet that a length field can announce."""
    data = struct.pack("!BBHI", 0x80, 204, 0xFFFF, 1) + bytes(0x10000 * 4 - 8)
    compound = opened(core, data)
    assert compound.result == 1
    assert compound.packets[0].body_length == 0xFFFF * 4
