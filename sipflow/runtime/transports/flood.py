"""Who is heard while datagrams come faster than anybody could read them: those who send little."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from sipflow.runtime.network import Address

Datagram = tuple[bytes, Address]

LOST_FOR_ONE_TAKEN = 4
"""So many dropped by the kernel for each one that was taken make a flood; below that a busy agent only falls behind,
and who sends most may be who is wanted most."""

SWEEP = 1024
"""Datagrams that are looked at in one wake-up during a flood; without being read one costs two microseconds."""

MODEST = 16
"""Datagrams of one source in a sweep up to which all of them are read: more than any call sends at once."""

LOUD_SHARE = 8
"""Datagrams of a source that sends more which are read, the first ones of a sweep."""

READ_AT_MOST = 64
"""Datagrams of a sweep that are read, whoever sent them."""


def is_flood(dropped: int, taken: int) -> bool:
    """Whether what was dropped while that many were taken is a flood."""
    return dropped > LOST_FOR_ONE_TAKEN * taken


def worth_reading(sweep: Iterable[Datagram]) -> Iterator[Datagram]:
    """What is read of a sweep: all of those who send little, then a few of each of the others."""
    datagrams = list(sweep)
    sent = Counter(source for _, source in datagrams)
    modest = [one for one in datagrams if sent[one[1]] <= MODEST]
    loud = [one for one in datagrams if sent[one[1]] > MODEST]
    yield from [*modest, *_first_of_each(loud)][:READ_AT_MOST]


def _first_of_each(datagrams: list[Datagram]) -> Iterator[Datagram]:
    taken: Counter[Address] = Counter()
    for datagram in datagrams:
        taken[datagram[1]] += 1
        if taken[datagram[1]] <= LOUD_SHARE:
            yield datagram
