"""Clock skew: told through jitter, loss and pauses, and not told where nothing can be known."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from conftest import Core
from twins.statistics import Arrival

S = 1_000_000_000


def skew_ppm(core: Core, packets: Iterator[Arrival] | list[Arrival]) -> float | None:
    """What the statistics say of these packets."""
    statistics = core.new("sfm_stream_statistics")
    core.lib.sfm_stream_statistics_init(statistics, 8000)
    for p in packets:
        header = core.new("sfm_rtp_header", sequence_number=p.sequence_number, timestamp=p.timestamp, ssrc=p.ssrc)
        core.lib.sfm_stream_statistics_update(statistics, header, 160, p.arrival_ns, 1)
    fast = core.ffi.new("int64_t *")
    return fast[0] / 1000 if core.lib.sfm_skew_read(core.ffi.addressof(statistics, "skew"), fast) else None


def stream(ppm: float, seconds: float, jitter_ms: float = 0, loss: float = 0, seed: int = 1) -> Iterator[Arrival]:
    """A sender whose clock is fast by `ppm`, over a network that delays and loses."""
    rng = random.Random(seed)
    latest = 0
    for n in range(round(seconds * 50)):
        sent_ns = round(n * 20_000_000 / (1 + ppm / 1e6))
        latest = max(latest, sent_ns + round(rng.random() ** 3 * jitter_ms * 1e6))
        if rng.random() >= loss:
            yield Arrival(n % 65536, n * 160 % 2**32, latest)


@pytest.mark.parametrize("ppm", [-500, -50, -5, 0, 5, 50, 200, 500])
def test_a_clean_stream_is_told_to_a_millionth(core: Core, ppm: float) -> None:
    assert skew_ppm(core, stream(ppm, 30)) == pytest.approx(ppm, abs=1)


@pytest.mark.parametrize("ppm", [-200, -50, 0, 50, 200])
@pytest.mark.parametrize("seed", range(3))
def test_jitter_and_loss_do_not_hide_it(core: Core, ppm: float, seed: int) -> None:
    assert skew_ppm(core, stream(ppm, 120, jitter_ms=60, loss=0.03, seed=seed)) == pytest.approx(ppm, abs=10)


def test_an_hour_is_held_in_the_same_memory(core: Core) -> None:
    assert skew_ppm(core, stream(30, 3600, jitter_ms=20)) == pytest.approx(30, abs=1)


def test_a_few_seconds_tell_nothing(core: Core) -> None:
    assert skew_ppm(core, stream(100, 4)) is None
    assert skew_ppm(core, []) is None


def test_a_jump_of_the_timestamp_begins_anew(core: Core) -> None:
    before = list(stream(50, 20))
    jumped = [
        Arrival((p.sequence_number + len(before)) % 65536, p.timestamp + 9_000_000, p.arrival_ns + 21 * S)
        for p in stream(50, 20)
    ]
    assert skew_ppm(core, before + jumped) == pytest.approx(50, abs=2)
