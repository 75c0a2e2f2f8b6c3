"""Numbers that wrap, and restarts told from late packets."""

from __future__ import annotations

import pytest
from conftest import Core
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from twins import sequence

quick = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
u16 = st.integers(0, 2**16 - 1)
u32 = st.integers(0, 2**32 - 1)
s64 = st.integers(-(2**60), 2**60)
rates = st.sampled_from([8000, 11025, 16000, 44100, 48000, 90000])


@quick
@given(a=u16, b=u16, c=u32, d=u32, reference=s64)
def test_numbers_wrap_as_on_a_circle(core: Core, a: int, b: int, c: int, d: int, reference: int) -> None:
    assert core.lib.sfm_sequence_delta(a, b) == sequence.wrapped_delta(a, b, 16)
    assert core.lib.sfm_timestamp_delta(c, d) == sequence.wrapped_delta(c, d, 32)
    assert core.lib.sfm_sequence_extend(reference, a) == sequence.extend(reference, a, 16)
    assert core.lib.sfm_timestamp_extend(reference, c) == sequence.extend(reference, c, 32)


@pytest.mark.parametrize(
    ("later", "earlier", "delta"), [(0, 65535, 1), (65535, 0, -1), (0x8000, 0, -0x8000), (5, 5, 0)]
)
def test_steps_of_sequence_numbers(core: Core, later: int, earlier: int, delta: int) -> None:
    assert core.lib.sfm_sequence_delta(later, earlier) == delta


@quick
@given(duration=st.integers(-(2**40), 2**40), rate=rates)
def test_units_become_ns_and_back(core: Core, duration: int, rate: int) -> None:
    assert core.lib.sfm_ns_from_ts(duration, rate) == sequence.ns_from_ts(duration, rate)
    assert core.lib.sfm_ts_from_ns(duration, rate) == sequence.ts_from_ns(duration, rate)


@quick
@given(
    packets=st.lists(st.tuples(st.integers(0, 2), st.integers(-110, 110) | st.integers(2990, 3010) | u16), max_size=40)
)
def test_the_twin_tracks_the_same(core: Core, packets: list[tuple[int, int]]) -> None:
    c, twin, extended = core.new("sfm_source"), sequence.Source(), core.ffi.new("int64_t *")
    for ssrc, number in packets:
        verdict, expected = twin.track(ssrc, number % 65536)
        result = core.lib.sfm_source_track(c, ssrc, number % 65536, extended)
        assert ["first", "continued", "pending", "restarted"][result] == verdict
        if verdict != "pending":
            assert extended[0] == expected


@pytest.mark.parametrize(
    ("second", "verdict"),
    [(101, 1), (100 + 2999, 1), (100 + 3000, 2), (0, 1), (65536 - 1, 2), (65536 - 100, 2), (100, 1)],
)
def test_where_a_jump_begins(core: Core, second: int, verdict: int) -> None:
    """RFC 3550 A.1: 3000 forward, 100 back."""
    source, extended = core.new("sfm_source"), core.ffi.new("int64_t *")
    core.lib.sfm_source_track(source, 1, 100, extended)
    assert core.lib.sfm_source_track(source, 1, second, extended) == verdict


def test_a_live_sender_cannot_be_taken_over(core: Core) -> None:
    """Two packets in sequence of another one count only when none of the current sender comes between."""
    source, extended = core.new("sfm_source"), core.ffi.new("int64_t *")
    track = [(1, 100), (2, 50), (1, 101), (2, 51), (1, 102), (2, 52), (2, 53)]
    verdicts = [core.lib.sfm_source_track(source, ssrc, number, extended) for ssrc, number in track]
    assert verdicts == [0, 2, 1, 2, 1, 2, 3]
