"""The result of a load run as lines of a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sipflow.ir.expr import Unit
from sipflow.ir.load import DISTRIBUTIONS
from sipflow.load.health import Standing
from sipflow.load.histogram import Histogram
from sipflow.load.plan import quantity_text
from sipflow.load.result import Exit, LoadResult
from sipflow.load.totals import TOTALS

SHOWN = ("count", "min", "p50", "p95", "p99", "max")
_MOST_TELLING = ("p99", "p50", "max", "p95", "count", "min")
"""What stays of these where a terminal is too narrow for all."""
_NAME, _COLUMN = 26, 11
MOST_CAUSES = 8

_VERDICTS = {
    Exit.PASSED: "PASSED",
    Exit.FAILED: "FAILED",
    Exit.MACHINE: "ERROR",
    Exit.INVALID: "INVALID",
    Exit.INTERRUPTED: "INTERRUPTED",
}


def verdict_word(result: LoadResult) -> str:
    """PASSED, FAILED, INVALID, ERROR, INTERRUPTED."""
    return _VERDICTS[result.exit_code]


def fitting(shown: Sequence[str], telling: Sequence[str], room: int, each: int) -> tuple[str, ...]:
    """Those of the columns for which there is room, `each` wide, the most telling ones first; one at the least."""
    kept = telling[: max(room // each, 1)]
    return tuple(name for name in shown if name in kept)


def report_lines(result: LoadResult, *, brief: bool = False, width: int | None = None) -> Iterator[str]:
    """Everything that a person wants to know, the most important last, where the cursor is; None: as wide as it is."""
    if result.problem:
        yield f"ERROR  {result.problem}"
        return
    if not brief:
        yield from _calls(result)
        yield from _times(result, SHOWN if width is None else fitting(SHOWN, _MOST_TELLING, width - _NAME, _COLUMN))
        yield from _signalling(result)
        yield from _media(result)
        yield from _causes(result)
        yield from _generator(result)
    yield from _required(result)
    yield _verdict(result)


def _calls(result: LoadResult) -> Iterator[str]:
    total = result.total
    yield ""
    yield (
        f"Calls    planned {total.get('planned')} = started {total.get('started')} + not started "
        f"{total.get('not_started')};  started = ended {total.get('ended')} + failed {total.get('failed')} + lost "
        f"{result.lost}"
    )
    planned, achieved = result.planned_rate, result.achieved_rate
    if planned is not None and achieved is not None:
        yield f"Rate     planned {planned:.2f}/s, achieved {achieved:.2f}/s over {result.starting_s:.1f} s"
    for why, number in total.named("not_started/").items():
        yield f"         {number} not started: {why}"


def _times(result: LoadResult, shown: Sequence[str]) -> Iterator[str]:
    rows = [(name, result.total.histograms[name]) for name in DISTRIBUTIONS if name in result.total.histograms]
    if result.lateness.count:
        rows += [("media packets sent late", result.lateness), ("  floor of this machine", result.floor)]
    if not rows:
        return
    yield ""
    yield " " * _NAME + "".join(f"{name:>{_COLUMN}}" for name in shown)
    for name, histogram in rows:
        yield f"{name:{_NAME}}" + "".join(f"{_statistic(name, histogram, s):>{_COLUMN}}" for s in shown)


def _statistic(name: str, histogram: Histogram, statistic: str) -> str:
    if statistic == "count":
        return str(histogram.count)
    value = histogram.statistic(statistic)
    return "—" if value is None else quantity_text(value, DISTRIBUTIONS.get(name, Unit.MILLISECOND))


def _signalling(result: LoadResult) -> Iterator[str]:
    total = result.total
    ratios = [(name, TOTALS[f"sip.{name}"](total)) for name in ("ser", "seer", "isa", "asr")]
    told = ", ".join(f"{name.upper()} {value:.2f}%" for name, value in ratios if value is not None)
    codes = ", ".join(f"{code} × {number}" for code, number in total.named("code/").items())
    again = total.get("sip/retransmissions_sent"), total.get("sip/retransmissions_received")
    yield ""
    yield f"SIP      {told or 'no INVITE was sent'}"
    yield f"         answers {codes or 'none'};  sent again {again[0]}, received again {again[1]}"


def _media(result: LoadResult) -> Iterator[str]:
    total = result.total
    legs = total.get("media/legs")
    if not legs:
        return
    loss, late = TOTALS["media.loss"](total), TOTALS["media.late"](total)
    shares = "nothing was received" if loss is None or late is None else f"lost {loss:.3f}%, late {late:.3f}%"
    packets = f"{total.get('media/sent')} packets sent, {total.get('media/received')} received"
    yield f"Media    {legs} legs, {packets}, {shares}, one-way {total.get('media/one_way')}"
    if junk := total.get("media/junk"):
        yield f"         {junk} packets came from elsewhere than the peers had said, and were not taken"


def _causes(result: LoadResult) -> Iterator[str]:
    causes = list(result.total.named("cause/").items())
    if not causes:
        return
    yield ""
    yield "Failures by cause"
    for cause, number in causes[:MOST_CAUSES]:
        yield f"{number:>8}  {cause}"
    if len(causes) > MOST_CAUSES:
        yield f"{sum(number for _, number in causes[MOST_CAUSES:]):>8}  {len(causes) - MOST_CAUSES} other causes"
    if result.failures:
        yield f"          {len(result.failures)} of them are kept: {result.failures[0].folder.parent}"


def _generator(result: LoadResult) -> Iterator[str]:
    yield ""
    workers = len(result.workers)
    yield f"Generator {result.verdict.standing.name}, {workers} worker{'s' if workers > 1 else ''}"
    for symptom in result.verdict.causes:
        yield f"         {symptom.standing.name.lower()}: {symptom.name}: {symptom.text}"
    for note in result.notes:
        yield f"         note: {note}"


def _required(result: LoadResult) -> Iterator[str]:
    if result.requirements:
        yield ""
    for one in result.requirements:
        yield f"{'holds  ' if one.holds else 'BROKEN '}  require {one.text}{f'  ({one.found})' if one.found else ''}"


def _verdict(result: LoadResult) -> str:
    total, name = result.total, result.scenario or result.source
    ended = f"{total.get('ended')} of {total.get('planned')} calls ended well in {result.duration_s:.1f} s"
    generator = "" if result.verdict.standing is Standing.VALID else f", generator {result.verdict.standing.name}"
    cause = f": {result.verdict.causes[0].name}" if result.exit_code is Exit.INVALID else ""
    return f"{verdict_word(result)}  {name}: {ended}{generator}{cause}"
