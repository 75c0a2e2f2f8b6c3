"""Planned starts: known before the run, the same ones for every worker, changed without touching what was."""

from __future__ import annotations

import math

import pytest

from sipflow.load.arrivals import Arrivals, Curve, Segment


def starts(arrivals: Arrivals) -> list[tuple[int, float]]:
    found = []
    while (planned := arrivals.peek()) is not None and planned[1] < math.inf:
        found.append(planned)
        arrivals.take()
    return found


def hold(rate: float, seconds: float) -> Curve:
    return Curve((Segment(rate, rate, seconds),))


def test_a_rate_held_begins_calls_at_equal_distances() -> None:
    times = [at for _, at in starts(Arrivals(hold(10, 1), "uniform", 0, calls=None))]
    assert times == pytest.approx([number / 10 for number in range(10)])


@pytest.mark.parametrize(
    ("first", "last", "seconds"), [(0, 10, 2), (10, 0, 2), (10, 200, 60), (5, 5, 7), (0.1, 3, 100)]
)
def test_a_ramp_begins_as_many_calls_as_the_area_below_it(first: float, last: float, seconds: float) -> None:
    curve = Curve((Segment(first, last, seconds),))
    times = [at for _, at in starts(Arrivals(curve, "uniform", 0, calls=None))]
    assert len(times) == math.ceil((first + last) / 2 * seconds)
    assert times == sorted(times)
    for number, at in enumerate(times):
        assert curve.mass_until(at) == pytest.approx(number, abs=1e-6)


@pytest.mark.parametrize("arrivals", ["uniform", "poisson"])
@pytest.mark.parametrize("workers", [1, 2, 3, 4])
def test_the_stripes_of_all_workers_are_the_whole_plan(arrivals: str, workers: int) -> None:
    curve = Curve((Segment(0, 50, 2), Segment(50, 50, 2)))
    whole = starts(Arrivals(curve, arrivals, 7, calls=None))
    stripes = [starts(Arrivals(curve, arrivals, 7, calls=None, stripe=n, stripes=workers)) for n in range(workers)]
    assert sorted(planned for stripe in stripes for planned in stripe) == whole


def test_a_number_of_calls_ends_the_plan_of_every_stripe() -> None:
    stripes = [starts(Arrivals(hold(10, 10), "uniform", 0, calls=25, stripe=n, stripes=3)) for n in range(3)]
    assert sorted(number for stripe in stripes for number, _ in stripe) == list(range(25))


def test_poisson_arrivals_have_the_mean_and_the_variance_of_a_poisson_process() -> None:
    times = [at for _, at in starts(Arrivals(hold(100, 200), "poisson", 3, calls=None))]
    counts = [sum(1 for at in times if second <= at < second + 1) for second in range(200)]
    mean = sum(counts) / len(counts)
    variance = sum((count - mean) ** 2 for count in counts) / (len(counts) - 1)
    assert mean == pytest.approx(100, rel=0.05)
    assert variance == pytest.approx(mean, rel=0.35)


def test_the_same_seed_plans_the_same_calls() -> None:
    plans = [starts(Arrivals(hold(20, 5), "poisson", seed, calls=None)) for seed in (5, 5, 6)]
    assert plans[0] == plans[1] != plans[2]


def test_a_changed_rate_leaves_what_was_before_as_it_was() -> None:
    arrivals = Arrivals(hold(10, 2), "uniform", 0, calls=None)
    arrivals.change(arrivals.curve.scaled(1.0, 3))
    times = [at for _, at in starts(arrivals)]
    assert times[:11] == pytest.approx([number / 10 for number in range(11)])
    assert len(times) == 10 + 30


def test_a_rate_that_is_set_holds_for_the_rest_of_the_plan_also_of_a_ramp_from_rest_and_in_a_pause() -> None:
    curve = Curve((Segment(0, 10, 10), Segment(10, 10, 5))).held(4.0, 80.0)
    assert [curve.rate_at(at) for at in (2.0, 4.0, 14.9)] == [2.0, 80.0, 80.0] and curve.duration_s == 15.0
    paused = hold(10, 10).paused(2.0).held(4.0, 50.0)
    assert paused.rate_at(5.0) == 0.0
    gone_on = paused.resumed(6.0)
    assert [gone_on.rate_at(at) for at in (1.0, 5.0, 6.0, 13.9)] == [
        10.0,
        0.0,
        50.0,
        50.0,
    ] and gone_on.duration_s == 14.0


def test_a_pause_moves_what_was_to_come() -> None:
    arrivals = Arrivals(hold(10, 2), "uniform", 0, calls=None)
    arrivals.change(arrivals.curve.paused(1.05))
    for _ in range(11):
        arrivals.take()
    assert arrivals.peek() == (11, math.inf)
    arrivals.change(arrivals.curve.resumed(5.05))
    assert [at for _, at in starts(arrivals)] == pytest.approx([5.1 + number / 10 for number in range(9)])


def test_a_plan_that_is_ended_has_no_more_calls() -> None:
    arrivals = Arrivals(hold(10, 2), "uniform", 0, calls=None)
    arrivals.change(arrivals.curve.ended(0.95))
    assert len(starts(arrivals)) == 10


def test_a_plan_that_is_ended_in_its_pause_is_over() -> None:
    arrivals = Arrivals(hold(10, 2), "uniform", 0, calls=None)
    arrivals.change(arrivals.curve.paused(0.95).ended(3.0))
    assert len(starts(arrivals)) == 10
    assert arrivals.peek() is None
