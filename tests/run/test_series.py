"""Series of runs: each takes the next row, has its own folder and its own entry in every report."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from junitparser import JUnitXml

import sipflow
from sipflow.cli.run import run

pytestmark = pytest.mark.wire

TEXT = """data users from "users.csv" {order}
agent alice {{ number "${{users.number}}" }}
on alice {{ call bob; record "call.wav"; log "I am ${{users.name}}"; release }}
on bob {{ expect call from users.number; answer; expect hangup; check users.name != "Bob" }}
"""


@pytest.fixture
def scenario(tmp_path: Path) -> Path:
    return written(tmp_path, "in order")


def written(folder: Path, order: str, rows: str = "1001,Ann\n1002,Bob\n1003,Cid\n") -> Path:
    (folder / "users.csv").write_text("number,name\n" + rows)
    path = folder / "users.sflow"
    path.write_text(TEXT.format(order=order))
    return path


def series(scenario: Path, *arguments: str) -> Result:
    return CliRunner().invoke(run, ["--out", str(scenario.parent / "out"), *arguments, str(scenario)])


def test_one_run_takes_the_first_row(scenario: Path) -> None:
    result = series(scenario)
    assert result.exit_code == 0, result.output
    assert "I am Ann" in result.output
    assert "(users row 1)" in result.output
    assert (scenario.parent / "out" / "call.wav").is_file()


def test_count_all_runs_every_row_and_the_worst_decides(scenario: Path) -> None:
    folder = scenario.parent
    result = series(scenario, "--count", "all", "--json", str(folder / "r.json"), "--junit", str(folder / "r.xml"))
    assert result.exit_code == 1
    assert result.output.splitlines()[-1] == (
        f"FAILED  2 of 3 runs passed; not passed: run 2, {scenario} (users row 2)"
    )  # fmt: skip
    reports = json.loads((folder / "r.json").read_text())
    assert [(report["rows"], report["verdict"]) for report in reports] == [
        ({"users": 1}, "passed"), ({"users": 2}, "failed"), ({"users": 3}, "passed"),
    ]  # fmt: skip
    suites = list(JUnitXml.fromfile(str(folder / "r.xml")))
    assert [suite.failures for suite in suites] == [0, 1, 0]
    recordings = sorted(path.relative_to(folder / "out") for path in (folder / "out").rglob("*.wav"))
    assert [str(path) for path in recordings] == [f"run-{run}/call.wav" for run in (1, 2, 3)]


def test_more_runs_than_rows_go_round(scenario: Path) -> None:
    result = series(scenario, "--count", "4", "-q")
    assert [f"(users row {row})" in result.output for row in (1, 2, 3)] == [True] * 3
    assert result.output.count("(users row 1)") == 2
    assert "3 of 4 runs passed" in result.output


def test_no_row_is_used_twice_when_each_is_for_once(tmp_path: Path) -> None:
    result = series(written(tmp_path, "once", "1001,Ann\n"), "--count", "2")
    assert result.exit_code == 3
    assert "the table `users` has 1 rows, each to be used once: there is none for run 2" in result.output


def test_the_events_of_all_runs_are_in_one_file_and_tell_row_numbers(scenario: Path) -> None:
    events = scenario.parent / "e.jsonl"
    series(scenario, "--count", "2", "-q", "--events", str(events))
    started = [line for line in map(json.loads, events.read_text().splitlines()) if line["event"] == "RunStarted"]
    assert [line["rows"] for line in started] == [{"users": 1}, {"users": 2}]
    assert "Ann" not in json.dumps(started)


def test_a_file_that_is_wrong_is_said_once(tmp_path: Path) -> None:
    path = tmp_path / "wrong.sflow"
    path.write_text("on alice: call nobody_at_all\n")
    result = series(path, "--count", "3")
    assert result.exit_code == 2
    assert result.output.count("error[") == 1


def test_without_a_table_all_is_one_run(tmp_path: Path) -> None:
    path = tmp_path / "plain.sflow"
    path.write_text("on alice: wait 1ms\n")
    result = series(path, "--count", "all")
    assert (result.exit_code, result.output.count("PASSED")) == (0, 1)


@pytest.mark.parametrize("count", ["0", "-1", "some", "1.5"])
def test_a_count_is_a_number_or_all(scenario: Path, count: str) -> None:
    assert series(scenario, f"--count={count}").exit_code == 2


def test_files_of_one_name_do_not_overwrite_each_other(tmp_path: Path) -> None:
    paths = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        paths.append(str(written(tmp_path / name, "in order")))
    CliRunner().invoke(run, ["-q", "--out", str(tmp_path / "out"), *paths])
    found = sorted(str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*.wav"))
    assert found == ["users-2/call.wav", "users/call.wav"]


def test_python_takes_the_row_that_it_asks_for(scenario: Path) -> None:
    report = sipflow.run(scenario, row=2, out=scenario.parent / "out")
    assert report.passed, report.failures
    assert report.rows == {"users": 3}
    assert ("I am Cid") in [log[3] for log in report.logs]


def test_the_seed_decides_about_random_rows(tmp_path: Path) -> None:
    path = written(tmp_path, "random", "1001,Ann\n" * 9)
    rows = [sipflow.run(path, row=2, seed=seed, out=tmp_path / "out").rows["users"] for seed in (5, 5)]
    assert rows[0] == rows[1]


def test_a_table_that_went_away_is_the_environments_fault(scenario: Path) -> None:
    """The check saw it; a graph may come without a check."""
    import asyncio

    from sipflow.api import Options, run_graph
    from sipflow.ir.graph import Graph, Scenario, Table

    graph = Graph(Scenario(), (), (), (), tables=(Table("users", "gone.csv"),))
    report = asyncio.run(run_graph(graph, None, Options()))
    assert report.exit_code == 3
    assert report.logs[0][3] == "there is no file gone.csv for the table `users`"
