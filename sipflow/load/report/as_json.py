"""The result of a load run as JSON, with every second of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sipflow.load.capacity import Search
from sipflow.load.histogram import Histogram, summary
from sipflow.load.metrics import Metrics
from sipflow.load.report.text import verdict_word
from sipflow.load.result import LoadResult
from sipflow.load.totals import TOTALS

LOAD_REPORT_VERSION = 1
"""Raised when a field changes its meaning or goes."""

_STATISTICS = ("min", "p1", "p5", "p50", "p90", "p95", "p99", "p999", "max", "mean")


def result_to_json(result: LoadResult) -> dict[str, Any]:
    """Plain values; durations are ms where the names say so and for every `sip.…`, `media.…` that is a time."""
    return {
        "version": LOAD_REPORT_VERSION,
        "sipflow": result.version,
        "scenario": result.scenario,
        "source": result.source,
        "started": result.started,
        "seed": result.seed,
        "verdict": verdict_word(result),
        "exit_code": int(result.exit_code),
        "problem": result.problem,
        "interrupted": result.interrupted,
        "duration_s": round(result.duration_s, 3),
        "plan": {
            "arrivals": result.arrivals,
            "stages": [
                {"first_per_s": s.first, "last_per_s": s.last, "duration_s": _finite(s.duration_s)}
                for s in result.curve.segments
            ],
            "planned_rate": _rounded(result.planned_rate),
            "achieved_rate": _rounded(result.achieved_rate),
        },
        "generator": {
            "standing": result.verdict.standing.name,
            "symptoms": [
                {"standing": s.standing.name, "name": s.name, "text": s.text} for s in result.verdict.symptoms
            ],
            "notes": list(result.notes),
            "media_lateness_ms": _summary(result.lateness),
            "media_floor_ms": _summary(result.floor),
            "steal": _rounded(result.machine.steal),
            "busy": _rounded(result.machine.busy),
        },
        "requirements": [
            {"text": r.text, "holds": r.holds, "found": r.found, "line": r.line} for r in result.requirements
        ],
        "calls": calls_of(result.total),
        **_metrics(result.total),
        "steps": {node: {"text": text, "line": line} for node, (text, line) in result.steps.items()},
        "workers": [{name: getattr(w, name) for name in type(w).__dataclass_fields__} for w in result.workers],
        "failures": [{"number": f.number, "folder": str(f.folder), "why": f.why} for f in result.failures],
        "seconds": [
            {"second": second, "calls": calls_of(metrics), **_metrics(metrics)}
            for second, metrics in sorted(result.timeline.seconds.items())
        ],
    }


def search_to_json(search: Search, condition: str) -> dict[str, Any]:
    """What `--find-max` found: rates in calls a second, null where there is none."""
    found = search.answer()
    return {
        "version": LOAD_REPORT_VERSION,
        "condition": condition,
        "least": found.least,
        "most": found.most,
        "refused": found.refused,
        "invalid": found.invalid,
        "trials": [{"rate": t.rate, "outcome": t.outcome.value, "detail": t.detail} for t in search.trials],
    }


def write_json(result: LoadResult, path: Path) -> None:
    """Write it to a file; folders above it are made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(result_to_json(result), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def calls_of(metrics: Metrics) -> dict[str, int]:
    """`planned = started + not_started`; `started = ended + failed + lost` over a whole run."""
    counts = {name: metrics.get(name) for name in ("planned", "started", "not_started", "ended", "failed")}
    return counts | {"lost": counts["started"] - counts["ended"] - counts["failed"]}


def _metrics(metrics: Metrics) -> dict[str, Any]:
    totals = {name: _rounded(total(metrics)) for name, total in TOTALS.items()}
    return {
        "totals": {name: value for name, value in totals.items() if value is not None},
        "counts": dict(sorted(metrics.counts.items())),
        "distributions": {name: _summary(histogram) for name, histogram in sorted(metrics.histograms.items())},
    }


def _summary(histogram: Histogram) -> Mapping[str, float | int | None]:
    return summary(histogram, _STATISTICS)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def _finite(seconds: float) -> float | None:
    """None for what has no end: JSON has no infinity."""
    return None if seconds == float("inf") else seconds
