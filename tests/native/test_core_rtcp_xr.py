"""VoIP metrics in extended reports (RFC 3611 section 4.7), against the layout written with `struct`."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from conftest import Core
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

quick = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
u8, u16, u32, s8 = st.integers(0, 255), st.integers(0, 2**16 - 1), st.integers(0, 2**32 - 1), st.integers(-128, 127)
FIELDS = {
    "ssrc": u32,
    **dict.fromkeys(("loss_rate", "discard_rate", "burst_density", "gap_density"), u8),
    **dict.fromkeys(("burst_ms", "gap_ms", "round_trip_ms", "end_system_ms"), u16),
    **dict.fromkeys(("signal_dbm", "noise_dbm"), s8),
    **dict.fromkeys(
        ("echo_return_loss_db", "gmin", "r_factor", "external_r_factor", "mos_lq", "mos_cq", "receiver"), u8
    ),
    **dict.fromkeys(("buffer_nominal_ms", "buffer_maximum_ms", "buffer_absolute_maximum_ms"), u16),
}
metrics = st.fixed_dictionaries(FIELDS)
BLOCK = ">BBHIBBBBHHHHbbBBBBBBBxHHH"
OTHER = struct.pack(">BBHII", 4, 0, 2, 1, 2)
"""A receiver reference time block."""


def block(values: dict[str, int]) -> bytes:
    """The block as the RFC draws it."""
    return struct.pack(BLOCK, 7, 0, 8, *(values[name] for name in FIELDS))


def find(core: Core, body: bytes, about: int) -> tuple[int, Any]:
    found = core.new("sfm_voip_metrics")
    memory = core.ffi.new("uint8_t[]", body) if body else core.ffi.NULL
    return core.lib.sfm_rtcp_find_voip_metrics(memory, len(body), about, found), found


@quick
@given(values=metrics, reporter=u32)
def test_what_is_written_is_what_the_rfc_draws(core: Core, values: dict[str, int], reporter: int) -> None:
    out = core.ffi.new("uint8_t[]", 44)
    assert core.lib.sfm_rtcp_write_voip_metrics(reporter, core.new("sfm_voip_metrics", **values), out, 44) == 44
    assert bytes(core.ffi.buffer(out)) == struct.pack(">BBHI", 0x80, 207, 10, reporter) + block(values)


@quick
@given(values=metrics, before=st.integers(0, 3), after=st.integers(0, 2))
def test_the_block_is_found_among_others(core: Core, values: dict[str, int], before: int, after: int) -> None:
    body = bytes(4) + OTHER * before + block(values) + OTHER * after
    result, found = find(core, body, values["ssrc"])
    assert result == 1
    assert {name: getattr(found, name) for name in FIELDS} == values
    assert find(core, body, values["ssrc"] ^ 1)[0] == 0


def test_a_block_of_another_length_is_passed_over(core: Core) -> None:
    odd = struct.pack(">BBHI", 7, 0, 1, 9)
    assert find(core, bytes(4) + odd, 9)[0] == 0
    assert find(core, bytes(4), 9)[0] == 0


@pytest.mark.parametrize("length", [0, 3, 5, 7, 39])
def test_what_is_cut_off_is_refused(core: Core, length: int) -> None:
    body = bytes(4) + block(dict.fromkeys(FIELDS, 1))
    assert find(core, body[:length], 1)[0] == core.lib.SFM_ERROR_TRUNCATED


def test_there_has_to_be_room(core: Core) -> None:
    out = core.ffi.new("uint8_t[]", 44)
    assert core.lib.sfm_rtcp_write_voip_metrics(1, core.new("sfm_voip_metrics"), out, 43) == core.lib.SFM_ERROR_SPACE
