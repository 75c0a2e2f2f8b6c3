"""Figures of a load run for Prometheus. Needs `prometheus-client` (extra `metrics`)."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric, SummaryMetricFamily

from sipflow.ir.expr import Unit
from sipflow.ir.load import DISTRIBUTIONS
from sipflow.load.run import Status

QUANTILES = {"0.5": "p50", "0.9": "p90", "0.95": "p95", "0.99": "p99", "0.999": "p999"}
_CALLS = ("planned", "started", "not_started", "ended", "failed")


def metrics_page(status: Status) -> str:
    """The text that a Prometheus server reads."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(status))
    return generate_latest(registry).decode()


class _Collector:
    """The figures at one moment."""

    def __init__(self, status: Status) -> None:
        self._status = status

    def collect(self) -> Iterator[Metric]:
        """All of them; durations in seconds, as Prometheus wants them."""
        total = self._status.timeline.total
        calls = CounterMetricFamily("sipflow_calls", "Calls of the plan, by what became of them.", labels=["what"])
        for name in _CALLS:
            calls.add_metric([name], total.get(name))
        yield calls
        codes = CounterMetricFamily("sipflow_invite_answers", "Final responses to INVITE.", labels=["code"])
        for code, number in total.named("code/").items():
            codes.add_metric([code], number)
        yield codes
        causes = CounterMetricFamily("sipflow_failures", "Failed calls, by cause.", labels=["cause"])
        for cause, number in total.named("cause/").items():
            causes.add_metric([cause], number)
        yield causes
        again = total.get("sip/retransmissions_sent")
        yield CounterMetricFamily("sipflow_retransmissions", "SIP messages that were sent again.", value=again)
        yield GaugeMetricFamily("sipflow_open_calls", "Calls of the plan that are not over.", value=self._status.active)
        yield GaugeMetricFamily("sipflow_target_rate", "Planned calls a second.", value=self._status.target_rate)
        yield GaugeMetricFamily("sipflow_workers", "Workers that are alive.", value=self._status.workers)
        yield from self._distributions()

    def _distributions(self) -> Iterator[Metric]:
        for name, unit in DISTRIBUTIONS.items():
            histogram = self._status.timeline.total.histograms.get(name)
            if histogram is None:
                continue
            scale, suffix = (1000, "_seconds") if unit is Unit.MILLISECOND else (1, "")
            base = f"sipflow_{name.replace('.', '_')}{suffix}"
            total = histogram.total / (1e6 if not histogram.linear else 1000) / scale
            yield SummaryMetricFamily(base, f"{name}, one value a call.", count_value=histogram.count, sum_value=total)
            gauge = GaugeMetricFamily(f"{base}_quantile", f"Quantiles of {name} over the run.", labels=["quantile"])
            for quantile, statistic in QUANTILES.items():
                gauge.add_metric([quantile], (histogram.statistic(statistic) or 0.0) / scale)
            yield gauge
