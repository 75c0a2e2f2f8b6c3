"""A line for every second of a load run, for spreadsheets."""

from __future__ import annotations

import csv
from pathlib import Path

from sipflow.ir.load import DISTRIBUTIONS
from sipflow.load.metrics import Metrics
from sipflow.load.report.as_json import calls_of
from sipflow.load.result import LoadResult

_STATISTICS = ("p50", "p99", "max")
_COUNTS = ("sip/attempts", "sip/answered", "sip/rejected", "sip/retransmissions_sent", "media/expected", "media/lost")


def write_csv(result: LoadResult, path: Path) -> None:
    """Write it to a file; folders above it are made. What was not measured in a second is an empty cell."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns())
        for second, metrics in sorted(result.timeline.seconds.items()):
            writer.writerow([second, *_row(metrics, round(result.curve.planned_in(second), 3))])


def columns() -> list[str]:
    """Names in the first line."""
    measured = [f"{name}.{statistic}" for name in DISTRIBUTIONS for statistic in _STATISTICS]
    return ["second", "planned_rate", *calls_of(Metrics()), *_COUNTS, *measured]


def _row(metrics: Metrics, rate: float) -> list[float | int | str]:
    values = [
        None if (histogram := metrics.histograms.get(name)) is None else histogram.statistic(statistic)
        for name in DISTRIBUTIONS
        for statistic in _STATISTICS
    ]
    measured = ["" if value is None else round(value, 3) for value in values]
    return [rate, *calls_of(metrics).values(), *(metrics.get(name) for name in _COUNTS), *measured]
