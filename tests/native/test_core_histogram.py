"""The histogram: fixed memory, bounded error, exact sums."""

from __future__ import annotations

from typing import Any

import pytest
from conftest import Core
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

quick = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
values = st.integers(0, 2**64 - 1) | st.integers(0, 300) | st.integers(0, 63).map(lambda bit: 1 << bit)


def filled(core: Core, numbers: list[int]) -> Any:
    histogram = core.new("sfm_histogram")
    for number in numbers:
        core.lib.sfm_histogram_add(histogram, number)
    return histogram


def nearest_rank(numbers: list[int], per_million: int) -> int:
    rank = max(-(-len(numbers) * per_million // 1_000_000), 1)
    return sorted(numbers)[min(rank, len(numbers)) - 1]


@quick
@given(value=values)
def test_a_value_lies_in_its_bucket_and_buckets_are_narrow(core: Core, value: int) -> None:
    bucket = core.lib.sfm_histogram_bucket(value)
    lowest, highest = core.lib.sfm_histogram_lowest(bucket), core.lib.sfm_histogram_highest(bucket)
    assert 0 <= bucket < core.lib.SFM_HISTOGRAM_BUCKETS
    assert lowest <= value <= highest
    assert (highest - lowest) * 64 <= lowest


def test_buckets_follow_each_other_without_a_hole(core: Core) -> None:
    last = core.lib.SFM_HISTOGRAM_BUCKETS - 1
    for bucket in range(last):
        assert core.lib.sfm_histogram_lowest(bucket + 1) == core.lib.sfm_histogram_highest(bucket) + 1
    assert core.lib.sfm_histogram_lowest(0) == 0
    assert core.lib.sfm_histogram_highest(last) == 2**64 - 1
    assert core.lib.sfm_histogram_highest(last + 1) == core.lib.sfm_histogram_lowest(last + 1) == 0


@quick
@given(numbers=st.lists(values, min_size=1, max_size=60), per_million=st.integers(0, 1_000_000))
def test_a_percentile_is_never_below_and_at_most_a_64th_above(core: Core, numbers: list[int], per_million: int) -> None:
    true = nearest_rank(numbers, per_million)
    told = core.lib.sfm_histogram_percentile(filled(core, numbers), per_million)
    assert true <= told <= min(true + true // 64, max(numbers))


@quick
@given(a=st.lists(values, max_size=30), b=st.lists(values, max_size=30))
def test_merging_is_adding(core: Core, a: list[int], b: list[int]) -> None:
    merged, other = filled(core, a), filled(core, b)
    core.lib.sfm_histogram_merge(merged, other)
    both = filled(core, a + b)
    assert bytes(core.ffi.buffer(merged)) == bytes(core.ffi.buffer(both))
    assert merged.count == len(a + b)
    assert merged.maximum == max(a + b, default=0)
    assert merged.minimum == min(a + b, default=0)
    assert merged.sum == min(sum(a + b), 2**64 - 1)


@pytest.mark.parametrize(
    ("per_million", "expected"), [(0, 1), (500_000, 50), (990_000, 99), (999_000, 100), (1_000_000, 100)]
)
def test_percentiles_of_one_to_a_hundred(core: Core, per_million: int, expected: int) -> None:
    histogram = filled(core, list(range(1, 101)))
    assert core.lib.sfm_histogram_percentile(histogram, per_million) == expected


def test_an_empty_histogram_says_zero(core: Core) -> None:
    histogram = filled(core, [7, 8])
    core.lib.sfm_histogram_clear(histogram)
    assert core.lib.sfm_histogram_percentile(histogram, 999_000) == 0
    assert (histogram.count, histogram.maximum, histogram.minimum, histogram.sum) == (0, 0, 0, 0)


def test_counts_beyond_a_million_keep_their_ranks(core: Core) -> None:
    """The rank is computed without a 128-bit product; here the count is made directly."""
    histogram = core.new("sfm_histogram", count=10**13 + 7, maximum=2)
    histogram.buckets[1] = 9 * 10**12
    histogram.buckets[2] = 10**12 + 7
    assert core.lib.sfm_histogram_percentile(histogram, 899_999) == 1
    assert core.lib.sfm_histogram_percentile(histogram, 900_001) == 2
