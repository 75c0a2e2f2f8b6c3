"""Counts and shares: addition in any grouping, RFC 6076's ratios, requirements."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sipflow.lang import compile_text
from sipflow.lang.requirements import compile_requirements
from sipflow.load.metrics import MOST_CAUSES, OTHER_CAUSES, Metrics, total_of
from sipflow.load.thresholds import judge_all
from sipflow.load.totals import TOTALS
from sipflow.plan.plan import Plan, make_plan


def plan() -> Plan:
    graph = compile_text("let limit = 150ms\non a: call b; log text(limit)\non b: answer").graph
    assert graph is not None
    return make_plan(graph)


def measured() -> Metrics:
    metrics = Metrics({"planned": 1000, "started": 1000, "ended": 990, "failed": 10})
    for number in range(1, 1001):
        metrics.record("sip.setup_time", number / 10)
        metrics.record("media.mos", 4.4 if number > 50 else 3.9)
    return metrics


@pytest.mark.parametrize(
    ("text", "holds", "found"),
    [
        ("sip.setup_time.p99 < 200ms", True, "sip.setup_time.p99 is 99"),
        ("setup_time.p50 <= 50ms", False, "setup_time.p50 is 50"),
        ("setup_time.max < limit", True, "limit is 150ms"),
        ("calls.success >= 99.5%", False, "calls.success is 99%"),
        ("calls.failed == 10 and calls.lost == 0", True, ""),
        ("calls.rate > 90/s", True, "calls.rate is 100/s"),
        ("media.mos.p5 >= 4.0", False, "media.mos.p5 is 3.9"),
        ("media.mos.p6 >= 4.0", True, "media.mos.p6 is 4.4"),
        ("media.jitter.p99 < 5ms", False, "no media.jitter.p99 was measured"),
        ("sip.asr > 1%", False, "no sip.asr was measured"),
    ],
)
def test_a_requirement_is_judged_by_what_was_measured(text: str, holds: bool, found: str) -> None:
    base = plan()
    conditions, diagnostics, _ = compile_requirements(text)
    named = [diagnostic.message for diagnostic in diagnostics if "limit" not in diagnostic.message]
    assert named == []
    (judged,) = judge_all(conditions, base, measured(), 10.0)
    assert (judged.holds, found in judged.found) == (holds, True)


@pytest.mark.parametrize(
    "text", ["setup_tim.p99 < 1ms", "setup_time < 1ms", "setup_time.p99 < 1", "(", "", "}", "calls"]
)
def test_a_wrong_requirement_is_a_diagnostic(text: str) -> None:
    assert compile_requirements(text)[1]


def test_ratios_are_those_of_rfc_6076() -> None:
    metrics = Metrics(
        {
            "sip/attempts": 110,
            "sip/answered": 80,
            "code/302": 10,
            "code/486": 5,
            "code/603": 5,
            "code/408": 6,
            "code/503": 4,
        }
    )
    assert TOTALS["sip.ser"](metrics) == pytest.approx(80.0)
    assert TOTALS["sip.seer"](metrics) == pytest.approx(90.0)
    assert TOTALS["sip.isa"](metrics) == pytest.approx(100 * 10 / 110)
    assert TOTALS["sip.asr"](metrics) == pytest.approx(100 * 80 / 110)


def test_parts_add_up_in_any_grouping() -> None:
    parts = []
    for number in range(12):
        part = Metrics({"started": number})
        part.record("sip.setup_time", number * 1.5)
        parts.append(part)
    halves = total_of([total_of(parts[:5]), total_of(parts[5:])])
    assert halves == total_of(reversed(parts)) == total_of(parts)


def test_causes_that_are_all_different_fill_no_memory() -> None:
    metrics = Metrics()
    for number in range(2 * MOST_CAUSES):
        metrics.cause(f"cause {number}")
    assert len(metrics.named("cause/")) == MOST_CAUSES + 1
    assert metrics.get(OTHER_CAUSES) == MOST_CAUSES


def test_variables_of_the_file_may_stand_in_a_requirement() -> None:
    text = "let limit = 150ms\nload { require setup_time.p99 < limit }\non a: call b\non b: answer"
    graph = compile_text(text).graph
    assert graph is not None and graph.load is not None
    base = replace(plan(), graph=graph)
    assert [one.holds for one in judge_all(graph.load.requirements, base, measured(), 1.0)] == [True]
