"""The search for the highest rate that holds."""

from __future__ import annotations

import random

import pytest

from sipflow.load.capacity import REPETITIONS, Outcome, Search


def run(search: Search, capacity: float, *, noise: float = 0.0, seed: int = 1) -> None:
    randomness = random.Random(seed)
    while (rate := search.next_rate()) is not None:
        limit = capacity * (1 + randomness.uniform(-noise, noise))
        search.take(rate, Outcome.HELD if rate <= limit else Outcome.BROKEN)
        assert len(search.trials) < 200


@pytest.mark.parametrize("capacity", [0.7, 3, 10, 99, 250, 4321.5, 60_000])
def test_a_hard_limit_lies_in_the_interval_which_is_narrow(capacity: float) -> None:
    search = Search(10.0)
    run(search, capacity)
    found = search.answer()
    assert found.least is not None and found.most is not None and not found.refused
    assert found.least <= capacity < found.most
    assert found.most - found.least <= 0.03 * found.most + 1e-9


def test_both_sides_of_the_knee_are_repeated() -> None:
    search = Search(10.0)
    run(search, 77.0)
    found = search.answer()
    outcomes = [(trial.rate, trial.outcome) for trial in search.trials]
    assert outcomes.count((found.least, Outcome.HELD)) == REPETITIONS  # type: ignore[arg-type]
    assert outcomes.count((found.most, Outcome.BROKEN)) == REPETITIONS  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", range(10))
def test_a_limit_that_wavers_is_found_near_by(seed: int) -> None:
    search = Search(20.0)
    run(search, 500.0, noise=0.02, seed=seed)
    middle = search.answer().middle
    assert middle == pytest.approx(500.0, rel=0.06)


def test_a_rate_that_held_and_then_broke_did_not_hold() -> None:
    search = Search(10.0)
    search.take(10.0, Outcome.HELD)
    search.take(10.0, Outcome.BROKEN)
    assert search.next_rate() == 5.0


def test_an_invalid_generator_is_tried_again_and_then_slower_and_then_gives_no_answer() -> None:
    search = Search(10.0)
    search.take(10.0, Outcome.HELD)
    for rate in (20.0, 15.0, 12.5):
        for _ in range(3):
            assert search.next_rate() == rate
            search.take(rate, Outcome.INVALID, "start lateness")
    assert search.next_rate() is None
    assert search.answer().invalid
    assert "INVALID at 12.5/s" in search.answer().refused and "start lateness" in search.answer().refused


def test_an_invalid_generator_at_its_first_rate_gives_no_answer() -> None:
    search = Search(10.0)
    for _ in range(3):
        assert search.next_rate() == 10.0
        search.take(10.0, Outcome.INVALID)
    assert search.next_rate() is None and search.answer().invalid


@pytest.mark.parametrize("generator", [70.0, 80.0, 100.0])
def test_a_limit_below_what_the_generator_can_do_is_found(generator: float) -> None:
    search = Search(10.0)
    while (rate := search.next_rate()) is not None:
        valid = Outcome.HELD if rate <= 60 else Outcome.BROKEN
        search.take(rate, Outcome.INVALID if rate >= generator else valid)
    found = search.answer()
    assert not found.refused and found.least is not None and found.most is not None
    assert found.least <= 60 < found.most < generator


def test_a_limit_above_what_the_generator_can_do_is_no_answer() -> None:
    search = Search(10.0)
    while (rate := search.next_rate()) is not None:
        search.take(rate, Outcome.INVALID if rate >= 50 else Outcome.HELD, "event loop lag")
    found = search.answer()
    assert found.invalid and found.least is not None and 40 <= found.least < 50


def test_one_invalid_trial_is_forgotten_when_the_next_one_is_not() -> None:
    search = Search(10.0)
    search.take(10.0, Outcome.INVALID, "CPU steal")
    assert search.next_rate() == 10.0
    search.take(10.0, Outcome.HELD)
    assert search.next_rate() == 20.0


def test_a_rate_that_broke_while_the_generator_was_degraded_is_tried_again() -> None:
    search = Search(10.0)
    search.take(10.0, Outcome.DOUBTFUL)
    assert search.next_rate() == 10.0
    search.take(10.0, Outcome.HELD)
    assert search.next_rate() == 20.0


def test_three_doubtful_trials_in_a_row_are_a_broken_one() -> None:
    search = Search(10.0)
    for _ in range(3):
        assert search.next_rate() == 10.0
        search.take(10.0, Outcome.DOUBTFUL)
    assert search.next_rate() == 5.0


def test_an_invalid_trial_between_doubtful_ones_does_not_make_them_broken() -> None:
    search = Search(10.0)
    for outcome in (Outcome.DOUBTFUL, Outcome.DOUBTFUL, Outcome.INVALID, Outcome.HELD):
        assert search.next_rate() == 10.0
        search.take(10.0, outcome)
    assert search.next_rate() == 20.0


def test_a_peer_that_holds_nothing_is_told() -> None:
    search = Search(10.0)
    while (rate := search.next_rate()) is not None:
        search.take(rate, Outcome.BROKEN)
    assert "nothing held" in search.answer().refused
