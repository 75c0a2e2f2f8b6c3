"""G.711 from its tables: decision values and quantized values, found by searching, not by shifting.

The recommendation lists the decision values x_n of both laws (tables 1a and 2a); interval n between x_n and x_n+1 gets
code n and decodes to the middle of the interval. Values here are scaled to 16-bit samples.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from itertools import accumulate

A_STEPS = [2] * 32 + [step for k in range(2, 8) for step in [2**k] * 16]
"""Interval widths of A-law on its scale of 4096: segments 1 and 2 alike, then doubling."""
MU_STEPS = [1] + [2] * 15 + [step for k in range(2, 9) for step in [2**k] * 16]
"""Interval widths of mu-law on its scale of 8159: the first interval is halved by zero."""
A_DECISIONS = [8 * x for x in accumulate(A_STEPS, initial=0)]
MU_DECISIONS = [4 * x for x in accumulate(MU_STEPS, initial=0)]


def interval(decisions: list[int], sample: int) -> int:
    """Number of the interval. A value on a decision belongs to the one above it, a negative one to the one nearer 0."""
    found = bisect_right(decisions, sample) - 1 if sample >= 0 else bisect_left(decisions, -sample) - 1
    return min(max(found, 0), 127)


def middle(decisions: list[int], n: int) -> int:
    """Quantized value of an interval."""
    return (decisions[n] + decisions[n + 1]) // 2


def encode_a(sample: int) -> int:
    """A-law code with the even bits inverted, as it is sent."""
    return (interval(A_DECISIONS, sample) | (0x80 if sample >= 0 else 0)) ^ 0x55


def decode_a(code: int) -> int:
    """Sample of an A-law code."""
    value = middle(A_DECISIONS, (code ^ 0x55) & 0x7F)
    return value if code & 0x80 else -value


def encode_mu(sample: int) -> int:
    """mu-law code with all bits inverted, as it is sent."""
    return (0xFF if sample >= 0 else 0x7F) - interval(MU_DECISIONS, sample)


def decode_mu(code: int) -> int:
    """Sample of a mu-law code; the interval at zero decodes to zero."""
    n = ~code & 0x7F
    value = middle(MU_DECISIONS, n) if n else 0
    return value if code & 0x80 else -value
