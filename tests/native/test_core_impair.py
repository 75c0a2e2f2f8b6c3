"""Random numbers and what they do to a stream on purpose."""

from __future__ import annotations

from typing import Any

import pytest
from conftest import Core

MS = 1_000_000


def splitmix64(seed: int) -> list[int]:
    """Four numbers of splitmix64, as published."""
    numbers, mask = [], 2**64 - 1
    for _ in range(4):
        seed = (seed + 0x9E3779B97F4A7C15) & mask
        z = (seed ^ seed >> 30) * 0xBF58476D1CE4E5B9 & mask
        z = (z ^ z >> 27) * 0x94D049BB133111EB & mask
        numbers.append(z ^ z >> 31)
    return numbers


def test_seeding_is_splitmix64(core: Core) -> None:
    random = core.new("sfm_random")
    core.lib.sfm_random_seed(random, 1234567)
    assert list(random.state) == splitmix64(1234567)
    assert splitmix64(1234567)[0] == 6457827717110365317  # from the generator's own publication


def test_the_numbers_are_xoshiro256starstar(core: Core) -> None:
    """State 1, 2, 3, 4 gives the numbers that follow from the algorithm by hand: rotl(2 * 5, 7) * 9 = 11520."""
    random = core.new("sfm_random", state=[1, 2, 3, 4])
    numbers = [core.lib.sfm_random_next(random) for _ in range(4)]
    assert numbers == [11520, 0, 1509978240, 1215971899390074240]


def test_bounded_numbers_are_even(core: Core) -> None:
    random = core.new("sfm_random")
    core.lib.sfm_random_seed(random, 1)
    counts = [0] * 7
    for _ in range(70_000):
        counts[core.lib.sfm_random_below(random, 7)] += 1
    assert max(abs(count - 10_000) for count in counts) < 400
    wide = [core.lib.sfm_random_below(random, 3 << 62) for _ in range(3000)]
    assert sum(number < 1 << 62 for number in wide) == pytest.approx(1000, abs=100)
    assert core.lib.sfm_random_below(random, 0) == 0
    assert core.lib.sfm_random_below(random, 1) == 0


def impaired(core: Core, seed: int = 1, **config: int) -> Any:
    impair = core.new("sfm_impair")
    assert core.lib.sfm_impair_init(impair, core.new("sfm_impair_config", **config), seed) == 0
    return impair


def decide(core: Core, impair: Any, count: int) -> list[Any]:
    actions = [core.new("sfm_impair_action") for _ in range(count)]
    for n, action in enumerate(actions):
        core.lib.sfm_impair_decide(impair, n * 20 * MS, action)
    return actions


def sent(actions: list[Any]) -> list[int]:
    """Numbers of the packets in the order in which a sender that obeys would send them."""
    out: list[int] = []
    held: int | None = None
    for n, action in enumerate(actions):
        if action.hold:
            assert held is None
        elif not action.drop:
            out += [n] * (1 + action.duplicate)
        if action.release_held:
            assert held is not None
            out.append(held)
            held = None
        if action.hold:
            held = n
    return out if held is None else [*out, held]


def test_without_rates_nothing_happens(core: Core) -> None:
    actions = decide(core, impaired(core), 1000)
    assert sent(actions) == list(range(1000))
    assert [action.release_ns for action in actions] == [n * 20 * MS for n in range(1000)]


def test_the_rates_are_kept(core: Core) -> None:
    impair = impaired(core, loss_per_million=50_000, duplicate_per_million=20_000, reorder_per_million=10_000)
    actions = decide(core, impair, 100_000)
    counts = impair.counts
    assert counts.packets == 100_000
    assert counts.lost == sum(action.drop for action in actions) == pytest.approx(5000, rel=0.06)
    assert counts.duplicated == sum(action.duplicate for action in actions) == pytest.approx(1900, rel=0.1)
    assert counts.reordered == sum(action.hold for action in actions) == pytest.approx(940, rel=0.12)


def test_each_packet_is_sent_once_but_for_loss_and_duplicates(core: Core) -> None:
    impair = impaired(core, loss_per_million=100_000, duplicate_per_million=100_000, reorder_per_million=300_000)
    actions = decide(core, impair, 5000)
    expected = [n for n, action in enumerate(actions) for _ in range(1 + action.duplicate - action.drop)]
    assert sorted(sent(actions)) == expected


def test_reordering_swaps_neighbours(core: Core) -> None:
    actions = decide(core, impaired(core, reorder_per_million=200_000), 5000)
    order = sent(actions)
    assert order != sorted(order)
    assert max(abs(place - n) for place, n in enumerate(order)) == 1


def test_jitter_delays_within_bounds_and_keeps_the_order(core: Core) -> None:
    actions = decide(core, impaired(core, jitter_ns=50 * MS), 2000)
    releases = [action.release_ns for action in actions]
    delays = [release - n * 20 * MS for n, release in enumerate(releases)]
    assert releases == sorted(releases)
    assert min(delays) >= 0
    assert 45 * MS < max(delays) <= 50 * MS


@pytest.mark.parametrize("same", [True, False])
def test_the_seed_decides(core: Core, same: bool) -> None:
    rates = {"loss_per_million": 300_000, "jitter_ns": MS}
    first = decide(core, impaired(core, 1, **rates), 200)
    second = decide(core, impaired(core, 1 if same else 2, **rates), 200)
    assert ([(a.drop, a.release_ns) for a in first] == [(a.drop, a.release_ns) for a in second]) is same


def test_another_rate_does_not_change_what_is_lost(core: Core) -> None:
    plain = decide(core, impaired(core, loss_per_million=100_000), 500)
    rough = decide(core, impaired(core, loss_per_million=100_000, duplicate_per_million=500_000), 500)
    assert [action.drop for action in plain] == [action.drop for action in rough]


def test_rates_change_while_a_packet_is_held(core: Core) -> None:
    impair = impaired(core, reorder_per_million=1_000_000)
    assert decide(core, impair, 1)[0].hold
    assert core.lib.sfm_impair_configure(impair, core.new("sfm_impair_config")) == 0
    action = decide(core, impair, 1)[0]
    assert (action.hold, action.release_held) == (0, 1)
    assert core.lib.sfm_impair_flush(impair) == 0


def test_a_held_packet_is_flushed_once(core: Core) -> None:
    impair = impaired(core, reorder_per_million=1_000_000)
    decide(core, impair, 1)
    assert [core.lib.sfm_impair_flush(impair) for _ in range(2)] == [1, 0]


@pytest.mark.parametrize(
    "config",
    [
        {"loss_per_million": 1_000_001},
        {"duplicate_per_million": 1_000_001},
        {"reorder_per_million": 1_000_001},
        {"jitter_ns": -1},
        {"jitter_ns": 60_000 * MS + 1},
    ],
)
def test_impossible_rates_are_refused(core: Core, config: dict[str, int]) -> None:
    impair = core.new("sfm_impair")
    assert core.lib.sfm_impair_init(impair, core.new("sfm_impair_config", **config), 1) == core.lib.SFM_ERROR_ARGUMENT
