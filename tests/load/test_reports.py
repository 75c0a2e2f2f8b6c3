"""Reports of a load run: all of them folds of one value."""

from __future__ import annotations

import csv
import errno
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from click.testing import CliRunner

from sipflow.cli.load import load
from sipflow.cli.outputs import write_all
from sipflow.load.arrivals import ENDLESS, Curve, Segment
from sipflow.load.health import Evidence, judge
from sipflow.load.histogram import Histogram
from sipflow.load.machine import MachineUse
from sipflow.load.meter import Meter
from sipflow.load.metrics import Metrics, Timeline
from sipflow.load.plan import LoadOverrides
from sipflow.load.report.as_csv import columns, write_csv
from sipflow.load.report.as_html import result_to_html
from sipflow.load.report.as_json import result_to_json
from sipflow.load.report.plots import Series, nice_ceiling, plot
from sipflow.load.report.text import report_lines
from sipflow.load.result import Exit, LoadResult, WorkerReport
from sipflow.load.thresholds import Judged
from sipflow.loading import LoadOptions, preflight, prepare, worker_count


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


def test_media_that_came_from_another_port_than_was_said_is_told() -> None:
    """Else it looks as if the peer had sent nothing."""
    meter, found = Meter(), result()
    counted = dict.fromkeys(("packets_sent", "packets_received", "send_errors", "socket_drops", "packets_expected"), 0)
    meter.measured(counted | {"packets_sent": 100, "junk_packets": 97})
    found.timeline.total.add(meter.take())
    text = "\n".join(report_lines(found))
    assert (
        "1 legs, 100 packets sent, 0 received, nothing was received, one-way 1\n         97 packets came from" in text
    )
    assert result_to_json(found)["counts"]["media/junk"] == 97


@pytest.mark.parametrize(("width", "columns"), [(40, ["p99"]), (70, ["p50", "p95", "p99", "max"]), (None, 6)])
def test_the_table_fits_a_terminal(width: int | None, columns: list[str] | int) -> None:
    lines = list(report_lines(result(), width=width))
    head = next(line.split() for line in lines if line.split()[-1:] in (["max"], ["p99"]))
    assert head == columns or len(head) == columns
    table = [line for line in lines if line.startswith(("sip.", "  floor"))]
    assert table and (width is None or max(map(len, table)) <= width)


def test_json_is_json_with_every_second_also_of_a_plan_without_end() -> None:
    endless = replace(result(), curve=Curve((Segment(0, 0, ENDLESS),)))
    told = json.loads(json.dumps(result_to_json(endless), allow_nan=False))
    assert [second["calls"]["started"] for second in told["seconds"]] == [10, 10, 10, 10]
    assert told["calls"] == {"planned": 40, "started": 40, "not_started": 0, "ended": 36, "failed": 4, "lost": 0}
    assert told["distributions"]["sip.setup_time"]["count"] == 30


def test_what_is_planned_in_a_second_of_a_ramp_is_what_begins_in_it(tmp_path: Path) -> None:
    ramp = Curve((Segment(0, 10, 2), Segment(10, 10, 1.5)))
    assert [ramp.planned_in(second) for second in range(5)] == pytest.approx([2.5, 7.5, 10.0, 5.0, 0.0])
    write_csv(replace(result(), curve=ramp), tmp_path / "seconds.csv")
    with (tmp_path / "seconds.csv").open() as file:
        assert [float(row["planned_rate"]) for row in csv.DictReader(file)] == [2.5, 7.5, 10.0, 5.0]


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
        (("--rate", "0"), 2, "is not a rate of calls"),
        (("--rate", "1e9/s"), 2, "is not a rate of calls"),
        (("--ramp", "0/s..0/s/3s"), 2, "is not a ramp"),
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


@pytest.mark.parametrize(
    ("text", "arguments", "said"),
    [
        ("on a: call b\non b: answer\nload { hold 0/s for 5s }\n", (), "the plan makes no call"),
        ("on b: answer; expect hangup\n", ("--rate", "5/s"), "nobody calls in this file"),
        ("on b: answer; expect hangup\n", ("--find-max", "calls.success > 99%"), "nobody calls in this file"),
    ],
)
def test_a_plan_without_calls_is_refused(tmp_path: Path, text: str, arguments: tuple[str, ...], said: str) -> None:
    (tmp_path / "calls.sflow").write_text(text)
    code, told = run(str(tmp_path / "calls.sflow"), *arguments)
    assert code == 2 and said in told


def test_data_takes_the_place_of_a_table_that_is_not_there_and_has_the_columns_that_count(tmp_path: Path) -> None:
    file, other = tmp_path / "calls.sflow", tmp_path / "other.csv"
    file.write_text('data users from "users.csv" once\non a: call b with { header "X-U" = users.name }\non b: answer\n')
    other.write_text("pin\n1\n")
    code, told = run(str(file), "--data", str(other), "--calls", "5")
    assert code == 2 and "no column `name`" in told and "its columns are pin" in told
    other.write_text("name\n")
    code, told = run(str(file), "--data", str(other), "--calls", "5")
    assert code == 2 and f"{other} has no rows" in told
    other.write_text("name\nAnn\nBob\n")
    prepared = prepare(file, LoadOptions(LoadOverrides(calls=5), data=other))
    assert [rows.rows for _, _, rows in prepared.tables] == [(("Ann",), ("Bob",))]
    assert [one.message for one in preflight(prepared, 1)] == [
        "5 calls are planned, and the table `users` has 2 rows, each to be used once"
    ]


@pytest.mark.parametrize("option", ["--json", "--csv", "--html"])
def test_a_report_that_cannot_be_written_is_told_before_the_first_call(tmp_path: Path, option: str) -> None:
    (tmp_path / "calls.sflow").write_text("on a: call b\non b: answer\n")
    (tmp_path / "file").write_text("")
    code, told = run(str(tmp_path / "calls.sflow"), option, str(tmp_path / "file" / "report"))
    assert code == 3 and "ERROR  cannot write" in told and "Calls" not in told


def test_one_report_that_cannot_be_written_takes_no_other_one_along(tmp_path: Path) -> None:
    def full(path: Path) -> None:
        path.write_text("half of")
        raise OSError(errno.ENOSPC, "No space left on device")

    problems = write_all([(tmp_path / "a.json", full), (tmp_path / "b.csv", lambda path: write_csv(result(), path))])
    assert problems == (f"cannot write {tmp_path / 'a.json'}: No space left on device",)
    assert [path.name for path in tmp_path.iterdir()] == ["b.csv"]


@pytest.mark.parametrize(
    ("text", "words", "count"),
    [
        ("on a: call b\non b: answer\n", {}, 8),
        ("on a: call b\non b: answer\n", {"concurrency": 3}, 3),
        ('agent b { listen udp "127.0.0.1:5090" }\non a: call b\non b: answer\n', {}, 1),
        ('agent b { proxy "sip:10.0.0.1"; register every 60s }\non a: call b\non b: answer\n', {}, 1),
        ('agent b { proxy "sip:10.0.0.1" }\non a: call b\non b: register; answer\n', {}, 1),
        ('agent a { proxy "sip:10.0.0.1"; register every 60s }\non a: call b\non b: answer\n', {}, 8),
    ],
)
def test_there_are_as_many_workers_as_a_call_can_find_its_way_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, words: dict[str, int], count: int
) -> None:
    (tmp_path / "calls.sflow").write_text(text)
    monkeypatch.setattr("sipflow.loading.cores", lambda: 8)
    assert worker_count(prepare(tmp_path / "calls.sflow", LoadOptions(LoadOverrides(**words))), None) == count


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
