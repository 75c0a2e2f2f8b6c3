"""`--find-max`: the highest rate at which requirements hold (RFC 7502: session establishment rate).

A machine without clock: it says at which rate to try next and is told what came of it. First the rate doubles until one
is not held, then the gap is halved until it is narrow. Then the knee is repeated: the highest rate that held and the
lowest that did not are tried until each has been seen the same way often enough. The answer is an interval, and there
is none out of a trial in which the generator was INVALID: what it could not do says nothing of the other side, whose
limit may lie below. One that broke while it was DEGRADED is doubted, and tried again, before it counts.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

REPETITIONS = 3
"""How often the rates on both sides of the knee are tried."""
NARROW = 0.03
"""The gap is halved until it is no wider than this share of the rate."""
MOST_INVALID = 3
"""A trial of an INVALID generator is tried again so often; then the rate is beyond what the generator can do."""
MOST_BEYOND = 3
"""So many rates may be beyond it; then the search ends without an answer."""
MOST_DOUBTFUL = 3
"""A rate that broke while the generator was DEGRADED is tried again so often before it is taken for broken."""
MOST_RATE = 1_000_000.0


class Outcome(enum.Enum):
    """What came of a trial."""

    HELD = "held"
    BROKEN = "broken"
    DOUBTFUL = "doubtful"
    """Broken, and the generator was DEGRADED: it may have been its own doing."""
    INVALID = "invalid"
    """The generator did not keep its promises."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One of them."""

    rate: float
    outcome: Outcome
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the search found."""

    least: float | None = None
    """The highest rate that held every time; None when none did."""
    most: float | None = None
    """The lowest rate that did not hold; None when none was found."""
    refused: str = ""
    """Why there is no answer, empty when there is one."""
    invalid: bool = False
    """Whether it was refused because the generator was INVALID."""

    @property
    def middle(self) -> float | None:
        """The middle of the interval."""
        return None if self.least is None or self.most is None else (self.least + self.most) / 2


@dataclass(slots=True)
class Search:
    """`next_rate` until it is None, `take` after every trial; `answer` at the end."""

    first: float
    narrow: float = NARROW
    repetitions: int = REPETITIONS
    trials: list[Trial] = field(default_factory=list)
    _held: dict[float, int] = field(default_factory=dict)
    _broken: dict[float, int] = field(default_factory=dict)
    _beyond: list[float] = field(default_factory=list)
    """Rates that the generator cannot do. A limit of the other side may lie below them still."""
    _invalid: int = 0
    _doubtful: int = 0

    def next_rate(self) -> float | None:
        """Where to try next; None when the search is over."""
        if self._invalid or self._doubtful:
            return self.trials[-1].rate
        if self._given_up:
            return None
        low, high = self._low, self._high
        if high is None:
            return self.first if low is None else self._faster(low)
        if low is None:
            return high / 2 if high > self.first / 64 else None
        if high - low > self.narrow * high:
            return (low + high) / 2
        return self._knee(low, high)

    def _faster(self, low: float) -> float | None:
        """Twice the rate; below what the generator cannot do the gap is halved instead."""
        beyond = min(self._beyond, default=None)
        if beyond is None or low * 2 < beyond:
            return None if low * 2 > MOST_RATE else low * 2
        return None if beyond - low <= self.narrow * beyond else (low + beyond) / 2

    @property
    def _given_up(self) -> bool:
        """Whether what the generator cannot do leaves nothing to be found."""
        if not self._beyond:
            return False
        high = self._high
        return self._low is None or len(self._beyond) >= MOST_BEYOND or (high is not None and min(self._beyond) < high)

    def _knee(self, low: float, high: float) -> float | None:
        if self._held[low] < self.repetitions:
            return low
        return high if self._broken[high] < self.repetitions else None

    def take(self, rate: float, outcome: Outcome, detail: str = "") -> None:
        """What came of a trial at that rate."""
        self.trials.append(Trial(rate, outcome, detail))
        if outcome is Outcome.INVALID:
            self._invalid += 1
            if self._invalid == MOST_INVALID:
                self._invalid = self._doubtful = 0
                self._beyond.append(rate)
            return
        self._invalid = 0
        self._doubtful = self._doubtful + 1 if outcome is Outcome.DOUBTFUL else 0
        if 0 < self._doubtful < MOST_DOUBTFUL:
            return
        self._doubtful = 0
        found = self._held if outcome is Outcome.HELD else self._broken
        found[rate] = found.get(rate, 0) + 1

    @property
    def _low(self) -> float | None:
        """The highest rate that held below every one that broke: one that held once and broke once did not hold."""
        high = self._high
        held = [rate for rate in self._held if high is None or rate < high]
        return max(held, default=None)

    @property
    def _high(self) -> float | None:
        return min(self._broken, default=None)

    def answer(self) -> Answer:
        """The interval, or why there is none."""
        if self._given_up or (self._beyond and self._high is None):
            trial = next(one for one in reversed(self.trials) if one.outcome is Outcome.INVALID)
            text = f"the generator was INVALID at {trial.rate:g}/s, {MOST_INVALID} times: {trial.detail}"
            return Answer(self._low, self._high, f"{text}. The limit that was found is its own", True)
        if self._low is None:
            return Answer(None, self._high, f"nothing held, not even {min(self._broken, default=self.first):g}/s")
        if self._high is None:
            return Answer(self._low, None, f"everything held up to {self._low:g}/s")
        return Answer(self._low, self._high)
