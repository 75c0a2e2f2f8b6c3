"""`load { … }`: how many calls begin when, and what has to hold; and the names of what a load run measures."""

from __future__ import annotations

import re
from typing import NamedTuple

from sipflow.ir.expr import Expr, Unit
from sipflow.ir.span import NOWHERE, Span
from sipflow.values import dataclass

MAX_RATE_PER_S = 1_000_000
"""Of new calls: no machine makes more."""


@dataclass(frozen=True, slots=True)
class Stage:
    """`ramp RATE to RATE over D`; `hold RATE for D` is one whose rate stays."""

    first: Expr
    """Rate of new calls at its beginning."""
    last: Expr
    duration: Expr


@dataclass(frozen=True, slots=True)
class Load:
    """The block."""

    arrivals: str = "uniform"
    """uniform, poisson."""
    stages: tuple[Stage, ...] = ()
    """One after the other, in the order of the text."""
    concurrency: Expr | None = None
    """Calls at the same time, at most; None: no limit."""
    requirements: tuple[Expr, ...] = ()
    span: Span = NOWHERE


# --- names in `require` --------------------------------------------------------------------------------------------

DISTRIBUTIONS: dict[str, Unit | str] = {
    "sip.setup_time": Unit.MILLISECOND,
    "sip.ring_time": Unit.MILLISECOND,
    "sip.request_delay": Unit.MILLISECOND,
    "sip.release_time": Unit.MILLISECOND,
    "media.mos": "number",
    "media.loss": Unit.PERCENT,
    "media.late": Unit.PERCENT,
    "media.jitter": Unit.MILLISECOND,
    "media.delay": Unit.MILLISECOND,
    "media.round_trip": Unit.MILLISECOND,
    "generator.start_lateness": Unit.MILLISECOND,
    "generator.loop_lag": Unit.MILLISECOND,
}
"""One value a call (of the generator's: one a start, one a tick); a statistic is taken of it: `sip.setup_time.p99`."""

TOTALS: dict[str, Unit | str] = {
    "calls.success": Unit.PERCENT,
    "calls.rate": Unit.PER_SECOND,
    "calls.planned": "number",
    "calls.started": "number",
    "calls.not_started": "number",
    "calls.ended": "number",
    "calls.failed": "number",
    "calls.lost": "number",
    "sip.ser": Unit.PERCENT,
    "sip.seer": Unit.PERCENT,
    "sip.isa": Unit.PERCENT,
    "sip.asr": Unit.PERCENT,
    "sip.retransmissions": "number",
    "media.loss": Unit.PERCENT,
    "media.late": Unit.PERCENT,
    "media.one_way": "number",
}
"""One value for the whole run."""

STATISTICS = ("min", "p1", "p5", "p10", "p50", "p90", "p95", "p99", "p999", "max", "mean")
"""The usual ones; every `p1` to `p99` exists."""
_STATISTIC = r"p[1-9][0-9]?|p999|min|max|mean"


class Measured(NamedTuple):
    """What a name in `require` stands for."""

    name: str
    """A key of DISTRIBUTIONS or TOTALS."""
    statistic: str
    """Empty for a total."""
    unit: Unit | str


def measured_by(parts: tuple[str, ...]) -> Measured | None:
    """What a dotted name in a requirement stands for, None for nothing. `sip.` may be left out: `setup_time.p99`."""
    words = parts if parts[0] in _GROUPS else ("sip", *parts)
    name, statistic = ".".join(words[:2]), ".".join(words[2:])
    if not statistic and name in TOTALS:
        return Measured(name, "", TOTALS[name])
    if name in DISTRIBUTIONS and re.fullmatch(_STATISTIC, statistic):
        return Measured(name, statistic, DISTRIBUTIONS[name])
    return None


def names_of_requirements() -> tuple[str, ...]:
    """All names that a requirement may have, with the usual statistics; for hints."""
    return (*TOTALS, *(f"{name}.{statistic}" for name in DISTRIBUTIONS for statistic in STATISTICS))


_GROUPS = frozenset(name.partition(".")[0] for name in (*DISTRIBUTIONS, *TOTALS))
