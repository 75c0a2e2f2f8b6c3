"""Reports of a load run: all of them folds of one value."""

from __future__ import annotations

import csv
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from click.testing import CliRunner

from sipflow.cli.load import load
from sipflow.load.arrivals import ENDLESS, Curve, Segment
from sipflow.load.health import Evidence, judge
from sipflow.load.histogram import Histogram
from sipflow.load.machine import MachineUse
from sipflow.load.metrics import Metrics, Timeline
from sipflow.load.report.as_csv import columns, write_csv
from sipflow.load.report.as_html import result_to_html
from sipflow.load.report.as_json import result_to_json
from sipflow.load.report.plots import Series, nice_ceiling, plot
from sipflow.load.report.text import report_lines
from sipflow.load.result import Exit, LoadResult, WorkerReport
from sipflow.load.thresholds import Judged


def result() -> LoadResult:
    timeline = Timeline()
    for second in range(4):
        delta = Metrics({"planned": 10, "started": 10, "ended": 9, "failed": 1, "sip/attempts": 10, "sip/answered": 9})
        delta.count("code/200", 9)
        delta.count("code/486", 1)
        delta.cause('call "<bob>" & co (line 1): 486 Busy Here')
        if second != 2:
            for value in range(1, 11):
                delta.record("sip.setup_time", value * 2.0)
        timeline.add(second, delta)
    return LoadResult(
        scenario='calls <&"> more', source="calls.sflow", started="2026-01-02T03:04:05.678+00:00", version="0", seed=7,
        curve=Curve((Segment(10, 10, 4),)), arrivals="uniform", duration_s=4.5, starting_s=4.0, timeline=timeline,
        workers=(WorkerReport("worker 1", 123, 40, 40, 36, 4, 0),), lateness=Histogram(), floor=Histogram(),
        machine=MachineUse(), verdict=judge(Evidence(timeline.total)), requirements=(),
    )  # fmt: skip


def with_requirement(holds: bool) -> LoadResult:
    return replace(result(), requirements=(Judged("setup_time.p99 < 1ms", holds, "setup_time.p99 is 20ms", 3),))


@pytest.mark.parametrize(
    ("found", "code"),
    [
        (result(), Exit.FAILED),
        (with_requirement(True), Exit.PASSED),
        (with_requirement(False), Exit.FAILED),
        (replace(with_requirement(True), interrupted=True), Exit.INTERRUPTED),
        (replace(with_requirement(True), problem="port in use"), Exit.MACHINE),
        (
            replace(with_requirement(True), verdict=judge(Evidence(Metrics(), workers_lost=("worker 1: killed",)))),
            Exit.INVALID,
        ),
    ],
)
def test_an_invalid_generator_comes_before_what_it_measured(found: LoadResult, code: Exit) -> None:
    assert found.exit_code is code
    assert list(report_lines(found))[-1].startswith(("PASSED", "FAILED", "INVALID", "INTERRUPTED", "ERROR"))


def test_the_text_says_what_adds_up_and_why_calls_failed() -> None:
    text = "\n".join(report_lines(with_requirement(False)))
    assert "planned 40 = started 40 + not started 0;  started = ended 36 + failed 4 + lost 0" in text
    assert "486 Busy Here" in text and "SER 90.00%" in text
    assert "BROKEN   require setup_time.p99 < 1ms  (setup_time.p99 is 20ms)" in text


def test_json_is_json_with_every_second_also_of_a_plan_without_end() -> None:
    endless = replace(result(), curve=Curve((Segment(0, 0, ENDLESS),)))
    told = json.loads(json.dumps(result_to_json(endless), allow_nan=False))
    assert [second["calls"]["started"] for second in told["seconds"]] == [10, 10, 10, 10]
    assert told["calls"] == {"planned": 40, "started": 40, "not_started": 0, "ended": 36, "failed": 4, "lost": 0}
    assert told["distributions"]["sip.setup_time"]["count"] == 30


def test_csv_has_a_line_a_second_and_empty_cells_where_nothing_was_measured(tmp_path: Path) -> None:
    write_csv(result(), tmp_path / "deep" / "seconds.csv")
    with (tmp_path / "deep" / "seconds.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == columns()
    assert [row["sip.setup_time.p99"] == "" for row in rows] == [False, False, True, False]
    assert [row["started"] for row in rows] == ["10"] * 4


class Tags(HTMLParser):
    """Every tag's attributes, and what stands open."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def test_the_page_needs_no_network_and_no_script_and_says_nothing_unescaped() -> None:
    page = result_to_html(with_requirement(True))
    tags = Tags()
    tags.feed(page)
    names = [name for name, _ in tags.found]
    assert names.count("svg") >= 3
    assert not {"script", "link", "img", "iframe"} & set(names)
    assert not [attributes for _, attributes in tags.found if {"src", "href"} & set(attributes)]
    assert "<bob>" not in page and "&lt;bob&gt;" in page
    assert "url(" not in page and "@import" not in page


def test_a_plot_has_a_gap_where_nothing_was_measured() -> None:
    drawn = plot([0, 1, 2, 3], [Series("p99", [1.0, 2.0, None, 3.0], "#000")], "ms", "Set-up")
    assert len(re.findall("<polyline", drawn)) == 2
    assert plot([0, 1], [Series("p99", [None, None], "#000")], "ms", "Set-up") == ""


@pytest.mark.parametrize(
    ("value", "ceiling"), [(0, 1), (0.03, 0.05), (1, 1), (1.01, 2), (2.1, 2.5), (77, 100), (99.9, 100)]
)
def test_axes_end_at_round_numbers(value: float, ceiling: float) -> None:
    assert nice_ceiling(value) == pytest.approx(ceiling)


# --- the command line ----------------------------------------------------------------------------------------------


def run(*arguments: str) -> tuple[int, str]:
    found = CliRunner().invoke(load, arguments)
    return found.exit_code, found.output


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--rate", "fast"), 2, "50/s or 300/m"),
        (("--ramp", "10..20"), 2, "10/s..200/s/60s"),
        (("--require", "setup_tim.p99 < 1ms"), 2, "did you mean `setup_time.p99`"),
        (("--data", "{file}"), 3, "the file's only table"),
    ],
)
def test_a_wrong_command_line_is_told_and_nothing_is_sent(
    tmp_path: Path, arguments: tuple[str, ...], code: int, said: str
) -> None:
    file = tmp_path / "calls.sflow"
    file.write_text("on alice: call bob; release\non bob: answer; expect hangup\n")
    found = run(str(file), *(argument.format(file=file) for argument in arguments))
    assert found[0] == code, found[1]
    assert said in found[1]


def test_a_wrong_file_is_told_with_its_diagnostics(tmp_path: Path) -> None:
    file = tmp_path / "calls.sflow"
    file.write_text("on alice: call bbo\non bob: answer\n")
    code, said = run(str(file))
    assert code == 2 and "SF203" in said


def test_a_plan_that_does_not_fit_is_told_before_anything_is_sent(tmp_path: Path) -> None:
    file = tmp_path / "calls.sflow"
    text = "agent bob { media { ports 20000-20009 } }\nagent alice { media { ports 20000-20009 } }\n"
    file.write_text(text + "on alice: call bob; wait 10s; release\non bob: answer; expect hangup within 20s\n")
    code, said = run(str(file), "--rate", "10/s")
    assert code == 3 and "SF604" in said
