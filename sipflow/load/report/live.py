"""A load run while it runs: one screen of rates, percentiles, causes and the generator's own state."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from sipflow.ir.load import DISTRIBUTIONS
from sipflow.load.health import Evidence, Standing, judge
from sipflow.load.histogram import Histogram
from sipflow.load.metrics import Metrics, total_of
from sipflow.load.plan import quantity_text
from sipflow.load.report.text import fitting
from sipflow.load.run import Status

RECENT_S = 5
"""Percentiles beside those of the whole run are of so many seconds."""
_ROWS = ("sip.setup_time", "sip.request_delay", "sip.release_time", "media.mos", "media.loss", "media.jitter")
_RECENT = f"p99 of {RECENT_S} s"
_SHOWN = ("count", "p50", "p95", "p99", "max", _RECENT)
_MOST_TELLING = ("p99", "p50", _RECENT, "max", "p95", "count")
"""What stays of these where a terminal is too narrow for all."""
_COLUMN = 10
_STYLES = {Standing.VALID: "bold green", Standing.DEGRADED: "bold yellow", Standing.INVALID: "bold red"}
MOST_CAUSES = 4


def live_view(name: str, status: Status, keys: str = "", width: int = 100) -> RenderableType:
    """The screen, so many columns wide; `keys` is the line that says what may be pressed."""
    parts: list[RenderableType] = [_title(name, status), _progress(status), _numbers(status), _times(status, width)]
    parts += [
        Text(line, style="red", no_wrap=True, overflow="ellipsis") for line in _causes(status.timeline.total, width)
    ]
    parts.append(_generator(status))
    if keys:
        parts.append(Text(keys, style="dim"))
    return Group(*parts)


def plain_line(status: Status) -> str:
    """The same in one line, for a log."""
    total, second = status.timeline.total, _recent(status, 1)
    return (
        f"{status.elapsed_s:7.1f} s  rate {second.get('started')}/s of {status.target_rate:.1f}/s  open {status.active}"
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
    failed = total.get("failed")
    over = total.get("ended") + failed + total.get("not_started")
    success = 100 * total.get("ended") / over if over else None  # calls that are open have not failed
    return Text.assemble(
        f"rate {recent.get('started')}/s of {status.target_rate:.1f}/s   open {status.active}   "
        f"started {total.get('started')}   ended {total.get('ended')}   ",
        (f"failed {failed}", "red" if failed else ""),
        f"   not started {total.get('not_started')}   success {'—' if success is None else f'{success:.2f}%'}",
    )


def _times(status: Status, width: int) -> Table:
    shown = fitting(_SHOWN, _MOST_TELLING, width - max(map(len, _ROWS)), _COLUMN)
    table = Table(box=None, pad_edge=False)
    table.add_column("", no_wrap=True)
    for statistic in shown:
        table.add_column(statistic, justify="right", no_wrap=True)
    recent = _recent(status, RECENT_S)
    for name in _ROWS:
        histogram = status.timeline.total.histograms.get(name)
        if histogram is not None:
            table.add_row(name, *(_cell(name, one, histogram, recent.histograms.get(name)) for one in shown))
    return table


def _cell(name: str, statistic: str, whole: Histogram, recent: Histogram | None) -> str:
    if statistic == "count":
        return str(whole.count)
    of_recent = recent.statistic("p99") if recent is not None else None
    value = of_recent if statistic == _RECENT else whole.statistic(statistic)
    return "—" if value is None else quantity_text(value, DISTRIBUTIONS[name])


def _recent(status: Status, seconds: int) -> Metrics:
    """The last whole seconds that were told of."""
    last = max(status.timeline.seconds, default=0)
    found = (status.timeline.seconds.get(second) for second in range(last - seconds, last))
    return total_of(metrics for metrics in found if metrics is not None)


def _causes(total: Metrics, width: int) -> Iterator[str]:
    for cause, number in list(total.named("cause/").items())[:MOST_CAUSES]:
        yield f"{number:>{8 if width >= 60 else 4}}  {cause}"


def _generator(status: Status) -> Text:
    verdict = judge(Evidence(status.timeline.total, machine=status.machine, workers_lost=status.lost_workers))
    lag = status.timeline.total.histograms.get("generator.loop_lag")
    worst = "" if lag is None else f", loop lag p99 {lag.statistic('p99'):.1f}ms"
    causes = "; ".join(symptom.name for symptom in verdict.causes)
    return Text.assemble(
        "generator ",
        (verdict.standing.name, _STYLES[verdict.standing]),
        f"  {status.workers} worker{'s' * (status.workers != 1)}, {status.cpu:.2f} cores",
        f"{worst}{f'  ({causes})' if causes else ''}",
    )
