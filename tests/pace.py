"""Bounds of time that hold on a slow machine: what takes longer is measured against a fixed piece of work.

A bound catches what became quadratic. On a machine that is slow, or that others use, everything takes longer in the
same way; so a bound that was passed is multiplied by how much slower the machine is than the one it was written for. A
machine that others use changes its pace from one second to the next: what counts is the slowest of some looks.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

REFERENCE_S = 0.05
"""Processor time of `_work` on the machine for which bounds are written: an idle core of 2.4 GHz."""

LOOKS = 10
"""How often the pace is measured, over half a second."""


@contextlib.contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """What is done inside takes less than this processor time, on a machine as fast as the reference."""
    began = time.process_time()
    yield
    used = time.process_time() - began
    if used >= seconds:
        slower = max(1.0, *(_measured() / REFERENCE_S for _ in range(LOOKS)))
        assert used < seconds * slower, f"{used:.2f} s, on a machine {slower:.1f} times slower than the reference"


def _measured() -> float:
    began = time.process_time()
    _work()
    return time.process_time() - began


def _work() -> int:
    """Numbers, strings and a dictionary, as parsers have them."""
    kept: dict[int, str] = {}
    length = 0
    for number in range(300_000):
        kept[number & 1023] = str(number)
        length += len(kept[number & 1023])
    return length
