"""What rigs proved, as lines for a person."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable

PROPERTY = "proved"
Proved = Callable[[str, str], None]
"""Takes the peer and what was seen of it."""


def lines(told: Iterable[str]) -> list[str]:
    """Each thing once, in order, with the number of ways in which it was seen where there are several."""
    return [what if count == 1 else f"{what} ({count} ways)" for what, count in Counter(told).items()]
