"""Who is due next: the heap beside a sorted list, and the order of those that are due at the same time."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest

from sipflow.native import check, ffi, lib

CAPACITY = 50


@pytest.fixture
def schedule() -> Iterator[Any]:
    """An empty one."""
    made = ffi.new("sfm_schedule *")
    check(lib.sfm_schedule_init(made, CAPACITY))
    yield made
    lib.sfm_schedule_free(made)


def item(due_ns: int) -> Any:
    """That is due then."""
    return ffi.new("sfm_scheduled *", {"due_ns": due_ns})


def test_those_that_are_due_together_keep_their_order_in_every_round(schedule: Any) -> None:
    items = [item(0) for _ in range(30)]
    for each in items:
        check(lib.sfm_schedule_add(schedule, each))
    for tick in range(1, 6):
        popped = [lib.sfm_schedule_pop(schedule) for _ in items]
        assert popped == items
        assert lib.sfm_schedule_due_ns(schedule) == 2**63 - 1
        for each in popped:
            each.due_ns = tick
            lib.sfm_schedule_put_back(schedule, each)


@pytest.mark.parametrize("seed", range(8))
def test_the_first_is_always_the_one_that_a_sorted_list_has_first(schedule: Any, seed: int) -> None:
    chance = random.Random(seed)
    inside: list[Any] = []
    for _ in range(2000):
        action = chance.random()
        if action < 0.4 and len(inside) < CAPACITY:
            inside.append(item(chance.randrange(20)))
            check(lib.sfm_schedule_add(schedule, inside[-1]))
        elif action < 0.5 and inside:
            lib.sfm_schedule_remove(schedule, inside.pop(chance.randrange(len(inside))))
        elif inside:
            first = lib.sfm_schedule_pop(schedule)
            assert first == min(inside, key=lambda each: (each.due_ns, each.ticket))
            first.due_ns += chance.randrange(20)
            lib.sfm_schedule_put_back(schedule, first)
        assert lib.sfm_schedule_due_ns(schedule) == min((each.due_ns for each in inside), default=2**63 - 1)


def test_a_full_schedule_takes_nobody_until_somebody_leaves_even_while_one_is_out(schedule: Any) -> None:
    items = [item(n) for n in range(CAPACITY + 1)]
    for each in items[:CAPACITY]:
        check(lib.sfm_schedule_add(schedule, each))
    out = lib.sfm_schedule_pop(schedule)
    assert lib.sfm_schedule_add(schedule, items[CAPACITY]) == lib.SFM_ERROR_SPACE
    lib.sfm_schedule_put_back(schedule, out)
    lib.sfm_schedule_remove(schedule, out)
    check(lib.sfm_schedule_add(schedule, items[CAPACITY]))
    assert lib.sfm_schedule_first(schedule) == items[1]


@pytest.mark.parametrize("period", [1, 3])
def test_those_that_come_back_with_the_same_step_need_no_ordering_and_others_do_not_disturb_them(
    schedule: Any, period: int
) -> None:
    """Twenty of one packet time and one of another; half of them leave on the way, the last of the queue among them."""
    items = [item(n % 10) for n in range(20)]
    other = item(4)
    for each in (*items, other):
        check(lib.sfm_schedule_add(schedule, each))
    inside, seen = [*items, other], 0
    for turn in range(400):
        first = lib.sfm_schedule_pop(schedule)
        assert first == min(inside, key=lambda each: (each.due_ns, each.ticket))
        first.due_ns += 10 * period if first == other else 10
        lib.sfm_schedule_put_back(schedule, first)
        if turn % 40 == 39:
            leaving = max(inside, key=lambda each: (each.due_ns, each.ticket)) if turn % 80 == 39 else first
            inside.remove(leaving)
            lib.sfm_schedule_remove(schedule, leaving)
        seen = max(seen, schedule.queued)
    assert seen >= 20 and schedule.count + schedule.queued >= len(inside) == 11
