"""Histograms: the layout of the native one, the error that is stated, and addition."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipflow.load.histogram import RELATIVE_ERROR, Histogram, bucket_of, highest_of, of_counts
from sipflow.native import lib

VALUES = st.integers(0, 2**40)


@given(VALUES)
def test_buckets_are_those_of_the_native_histogram(value: int) -> None:
    assert bucket_of(value) == lib.sfm_histogram_bucket(value)
    assert highest_of(bucket_of(value)) == lib.sfm_histogram_highest(bucket_of(value))


@given(st.lists(VALUES, min_size=1, max_size=200), st.sampled_from(["p1", "p5", "p50", "p90", "p95", "p99", "p999"]))
def test_a_percentile_is_never_below_the_true_one_and_at_most_a_64th_above(values: list[int], name: str) -> None:
    histogram = Histogram()
    for value in values:
        histogram.add(value / 1e6)
    share = 0.999 if name == "p999" else int(name[1:]) / 100
    true = sorted(values)[max(math.ceil(round(share * len(values), 9)), 1) - 1]
    found = histogram.statistic(name)
    assert found is not None
    assert true <= round(found * 1e6) <= true * (1 + RELATIVE_ERROR)


@given(st.lists(st.lists(VALUES, max_size=60), min_size=1, max_size=5))
def test_merged_parts_are_the_histogram_of_all_values(parts: list[list[int]]) -> None:
    merged, whole = Histogram(), Histogram()
    for part in parts:
        one = Histogram()
        for value in part:
            one.add(value / 1e6)
            whole.add(value / 1e6)
        merged.merge(one)
    assert merged == whole


def test_four_workers_merged_have_the_percentiles_of_one_over_the_same_samples() -> None:
    randomness = random.Random(4)
    samples = [randomness.lognormvariate(3, 1.5) for _ in range(20_000)]
    one = Histogram()
    workers = [Histogram() for _ in range(4)]
    for number, sample in enumerate(samples):
        one.add(sample)
        workers[number % 4].add(sample)
    merged = Histogram()
    for worker in workers:
        merged.merge(worker)
    for name in ("min", "p1", "p50", "p90", "p99", "p999", "max"):
        assert merged.statistic(name) == one.statistic(name)
    assert (merged.count, merged.total) == (one.count, one.total)


@pytest.mark.parametrize("value", [1.0, 3.999, 4.0, 4.41])
def test_a_linear_histogram_keeps_thousandths(value: float) -> None:
    histogram = Histogram(linear=True)
    histogram.add(value)
    assert histogram.statistic("p5") == value


def test_an_empty_histogram_has_no_percentile() -> None:
    assert Histogram().statistic("p99") is None


def test_counts_of_the_media_engine_become_a_histogram() -> None:
    histogram = of_counts({bucket_of(1_000_000): 99, bucket_of(50_000_000): 1})
    assert histogram.count == 100
    assert histogram.statistic("p50") == pytest.approx(1.0, rel=RELATIVE_ERROR)
    assert histogram.statistic("max") == pytest.approx(50.0, rel=RELATIVE_ERROR)
