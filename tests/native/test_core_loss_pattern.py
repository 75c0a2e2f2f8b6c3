"""Bursts and gaps: hand-made patterns, and the definition of RFC 3611 for any pattern."""

from __future__ import annotations

import pytest
from conftest import Core
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from twins.loss_pattern import summary
from twins.statistics import Arrival

FIELDS = [
    "packets",
    "missing",
    "runs",
    "bursts",
    "burst_packets",
    "burst_missing",
    "gaps",
    "gap_packets",
    "gap_missing",
]


def read(core: Core, value: object, reader: str) -> dict[str, int]:
    """The summary as a dict."""
    native = core.new("sfm_loss_summary")
    getattr(core.lib, reader)(value, native)
    return {name: getattr(native, name) for name in FIELDS}


def fed(core: Core, heard: list[bool]) -> dict[str, int]:
    """What the pattern says of these fates."""
    pattern = core.new("sfm_loss_pattern")
    for came in heard:
        core.lib.sfm_loss_pattern_add(pattern, came)
    return read(core, pattern, "sfm_loss_pattern_read")


def fates(text: str) -> list[bool]:
    """`.` came, `x` did not; a number repeats `.`."""
    return [char == "." for char in text]


@pytest.mark.parametrize(
    ("text", "bursts", "burst_packets", "gaps"),
    [
        ("." * 40, 0, 0, 1),
        ("", 0, 0, 0),
        ("." * 20 + "x" + "." * 20, 0, 0, 1),  # one alone is no burst
        ("." * 20 + "xx" + "." * 20, 1, 2, 2),
        ("." * 20 + "x" + "." * 15 + "x" + "." * 20, 1, 17, 2),
        ("." * 20 + "x" + "." * 16 + "x" + "." * 20, 0, 0, 1),  # Gmin between them
        ("xx" + "." * 20, 1, 2, 1),
        ("." * 20 + "xx", 1, 2, 1),
        ("xx", 1, 2, 0),
        ("x", 0, 0, 1),
        ("xx" + "." * 16 + "x" + "." * 16 + "xx", 2, 4, 1),
    ],
)
def test_bursts_and_gaps(core: Core, text: str, bursts: int, burst_packets: int, gaps: int) -> None:
    found = fed(core, fates(text))
    assert (found["bursts"], found["burst_packets"], found["gaps"]) == (bursts, burst_packets, gaps)


pieces = st.lists(st.tuples(st.booleans(), st.integers(1, 40)), max_size=30)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pieces=pieces)
def test_any_pattern_is_counted_as_the_definition_says(core: Core, pieces: list[tuple[bool, int]]) -> None:
    heard = [came for came, count in pieces for _ in range(count if came else count % 6 + 1)]
    assert fed(core, heard) == summary(heard)


def stream_pattern(core: Core, packets: list[Arrival], discarded: dict[int, int]) -> dict[str, int]:
    """The pattern of a stream; `discarded`: what is thrown away, by the index of the arrival after which it is."""
    statistics = core.new("sfm_stream_statistics")
    core.lib.sfm_stream_statistics_init(statistics, 8000)
    for n, p in enumerate(packets):
        header = core.new("sfm_rtp_header", sequence_number=p.sequence_number, timestamp=p.timestamp, ssrc=p.ssrc)
        core.lib.sfm_stream_statistics_update(statistics, header, 160, p.arrival_ns, 1)
        if n in discarded:
            core.lib.sfm_stream_statistics_discard(statistics, discarded[n])
    return read(core, statistics, "sfm_stream_statistics_pattern")


def test_a_stream_is_told_in_the_order_of_sending_whatever_came_when(core: Core) -> None:
    heard = [n % 50 not in (7, 8, 9) and n != 400 for n in range(1000)]
    packets = [Arrival((n + 65000) % 65536, n * 160, n * 20_000_000) for n in range(1000) if heard[n]]
    for n in range(0, len(packets) - 5, 7):  # some are overtaken by five others
        packets[n], packets[n + 5] = packets[n + 5], packets[n]
    assert stream_pattern(core, packets, {}) == summary(heard)


def test_what_was_discarded_counts_as_missing(core: Core) -> None:
    packets = [Arrival(n, n * 160, n * 20_000_000) for n in range(300)]
    heard = [n not in (100, 101, 103, 290) for n in range(300)]
    found = stream_pattern(core, packets, {105: 100, 106: 101, 107: 103, 295: 290})
    assert found == summary(heard)


def test_a_new_source_closes_the_pattern_of_the_old_one(core: Core) -> None:
    first = [Arrival(n, n * 160, n * 20_000_000) for n in range(50) if n not in (20, 21)]
    second = [Arrival(30_000 + n, n * 160, (60 + n) * 20_000_000, ssrc=9) for n in range(50) if n != 30]
    found = stream_pattern(core, first + second, {})
    assert (found["packets"], found["missing"], found["bursts"]) == (100, 3, 1)


def test_a_long_hole_is_one_run(core: Core) -> None:
    packets = [Arrival(n, n * 160, n * 20_000_000) for n in range(3000) if not 500 <= n < 2000]
    found = stream_pattern(core, packets, {})
    assert (found["packets"], found["missing"], found["runs"], found["bursts"]) == (3000, 1500, 1, 1)
