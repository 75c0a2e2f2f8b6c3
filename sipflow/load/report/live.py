"""A load run while it runs: one screen of rates, percentiles, causes and the generator's own state."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from sipflow.ir.load import DISTRIBUTIONS
from sipflow.load.health import Evidence, Standing, judge
from sipflow.load.metrics import Metrics, total_of
from sipflow.load.plan import quantity_text
from sipflow.load.run import Status
from sipflow.load.totals import TOTALS

RECENT_S = 5
"""Percentiles beside those of the whole run are of so many seconds."""
_ROWS = ("sip.setup_time", "sip.request_delay", "sip.release_time", "media.mos", "media.loss", "media.jitter")
_STATISTICS = ("p50", "p95", "p99", "max")
_STYLES = {Standing.VALID: "bold green", Standing.DEGRADED: "bold yellow", Standing.INVALID: "bold red"}
MOST_CAUSES = 4


def live_view(name: str, status: Status, keys: str = "") -> RenderableType:
    """The screen; `keys` is the line that says what may be pressed."""
    parts: list[RenderableType] = [_title(name, status), _progress(status), _numbers(status), _times(status)]
    parts += [Text(line, style="red") for line in _causes(status.timeline.total)]
    parts.append(_generator(status))
    if keys:
        parts.append(Text(keys, style="dim"))
    return Group(*parts)


def plain_line(status: Status) -> str:
    """The same in one line, for a log."""
    total, second = status.timeline.total, _recent(status, 1)
    return (
        f"{status.elapsed_s:7.1f} s  rate {second.get('started')}/s of {status.target_rate:g}/s  open {status.active}"
        f"  started {total.get('started')}  ended {total.get('ended')}  failed {total.get('failed')}"
        f"  not started {total.get('not_started')}"
    )


def _title(name: str, status: Status) -> Text:
    state = "paused" if status.paused else "stopping" if status.stopping else "running"
    left = max(status.curve.duration_s - max(status.elapsed_s, 0), 0)
    rest = "" if left == float("inf") else f", {left:.0f} s to go"
    return Text.assemble((name, "bold"), f"  {state} {max(status.elapsed_s, 0):.0f} s{rest}")


def _progress(status: Status) -> RenderableType:
    whole = status.curve.duration_s
    known = 0 < whole < float("inf")
    bar = ProgressBar(total=whole if known else None, completed=min(max(status.elapsed_s, 0), whole if known else 0))
    line = Table.grid(expand=True)  # a bar by itself does not end its line
    line.add_row(bar)
    return line


def _numbers(status: Status) -> Text:
    total, recent = status.timeline.total, _recent(status, 1)
    success = TOTALS["calls.success"](total)
    failed = total.get("failed")
    return Text.assemble(
        f"rate {recent.get('started')}/s of {status.target_rate:.1f}/s   open {status.active}   "
        f"started {total.get('started')}   ended {total.get('ended')}   ",
        (f"failed {failed}", "red" if failed else ""),
        f"   not started {total.get('not_started')}   success {'—' if success is None else f'{success:.2f}%'}",
    )


def _times(status: Status) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("")
    table.add_column("count", justify="right")
    for statistic in _STATISTICS:
        table.add_column(statistic, justify="right")
    table.add_column(f"p99 of {RECENT_S} s", justify="right")
    recent = _recent(status, RECENT_S)
    for name in _ROWS:
        histogram = status.timeline.total.histograms.get(name)
        if histogram is not None:
            values = [histogram.statistic(statistic) for statistic in _STATISTICS]
            now = recent.histograms.get(name)
            values.append(None if now is None else now.statistic("p99"))
            table.add_row(name, str(histogram.count), *("—" if v is None else quantity_text(v, DISTRIBUTIONS[name])
                                                        for v in values))  # fmt: skip
    return table


def _recent(status: Status, seconds: int) -> Metrics:
    """The last whole seconds that were told of."""
    last = max(status.timeline.seconds, default=0)
    found = (status.timeline.seconds.get(second) for second in range(last - seconds, last))
    return total_of(metrics for metrics in found if metrics is not None)


def _causes(total: Metrics) -> Iterator[str]:
    for cause, number in list(total.named("cause/").items())[:MOST_CAUSES]:
        yield f"{number:>8}  {cause}"


def _generator(status: Status) -> Text:
    verdict = judge(Evidence(status.timeline.total, machine=status.machine, workers_lost=status.lost_workers))
    lag = status.timeline.total.histograms.get("generator.loop_lag")
    worst = "" if lag is None else f", loop lag p99 {lag.statistic('p99'):.1f}ms"
    causes = "; ".join(symptom.name for symptom in verdict.causes)
    return Text.assemble(
        "generator ",
        (verdict.standing.name, _STYLES[verdict.standing]),
        f"  {status.workers} workers, {status.cpu:.2f} cores{worst}{f'  ({causes})' if causes else ''}",
    )
