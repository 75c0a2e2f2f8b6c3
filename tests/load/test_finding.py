"""`sipflow load --find-max`: what is said of the trials, and with which exit code it ends."""

from __future__ import annotations

import io
import json
import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from sipflow.cli.finding import find_max, write_search
from sipflow.load.capacity import Search
from sipflow.load.health import Evidence, Verdict, judge
from sipflow.load.metrics import Metrics
from sipflow.load.result import LoadResult
from sipflow.load.thresholds import Judged
from tests.cli.commands import sipflow
from tests.load.test_reports import result

CONDITION = "calls.success >= 99%"
VALID = judge(Evidence(Metrics()))
INVALID = judge(Evidence(Metrics(), workers_lost=("worker 1: killed",)))
DEGRADED = judge(Evidence(Metrics({"generator/drops": 1, "started": 5000})))


def trial(holds: bool, verdict: Verdict = VALID) -> LoadResult:
    return replace(result(), verdict=verdict, requirements=(Judged(CONDITION, holds, "calls.success is 90%", 1),))


def find(folder: Path, run_at: Callable[[float], LoadResult]) -> tuple[int, str, dict[str, object]]:
    out, file, search = io.StringIO(), folder / "answer.json", Search(10.0)
    code = find_max(search, run_at, Console(file=out, width=200))
    write_search(search, CONDITION, file)
    return code, out.getvalue().splitlines()[-1], json.loads(file.read_text())


def test_the_interval_is_in_the_last_line_and_in_the_json(tmp_path: Path) -> None:
    code, last, answer = find(tmp_path, lambda rate: trial(rate <= 33.0))
    least, most = answer["least"], answer["most"]
    assert code == 0 and isinstance(least, float) and isinstance(most, float) and least <= 33.0 < most
    assert f"{least:.2f}/s to {most:.2f}/s" in last
    assert answer["condition"] == CONDITION and not answer["refused"] and not answer["invalid"]


def test_an_invalid_generator_is_no_answer_whatever_it_measured(tmp_path: Path) -> None:
    code, last, answer = find(tmp_path, lambda rate: trial(rate <= 20, VALID if rate < 20 else INVALID))
    assert code == 4 and last.startswith("INVALID") and "worker 1: killed" in last
    assert answer["invalid"] is True and answer["most"] is None


def test_what_broke_once_while_the_generator_was_degraded_is_tried_again(tmp_path: Path) -> None:
    tried: list[float] = []

    def run_at(rate: float) -> LoadResult:
        tried.append(rate)
        return trial(False, DEGRADED) if len(tried) == 1 else trial(rate <= 33.0)

    code, _, answer = find(tmp_path, run_at)
    assert code == 0 and tried[:2] == [10.0, 10.0]
    assert isinstance(answer["least"], float) and answer["least"] > 30


@pytest.mark.parametrize("holds", [True, False])
def test_without_a_limit_there_is_no_interval(tmp_path: Path, holds: bool) -> None:
    code, last, answer = find(tmp_path, lambda rate: trial(holds))
    assert code == 1 and last.startswith("FAILED  no answer:")
    assert None in (answer["least"], answer["most"])


def test_an_interrupted_trial_ends_the_search(tmp_path: Path) -> None:
    code, last, answer = find(tmp_path, lambda rate: replace(trial(True), interrupted=True))
    assert code == 130 and "interrupted" in last and answer["trials"] == []


def test_options_that_no_search_has_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "calls.sflow"
    file.write_text("on alice: call bob; release\non bob: answer; expect hangup\n")
    done = sipflow("load", str(file), "--find-max", CONDITION, "--csv", str(tmp_path / "x.csv"))
    assert done.returncode == 2 and "--find-max goes with none of" in done.stderr


@pytest.mark.wire
def test_a_machine_that_cannot_run_the_first_trial_ends_the_search(tmp_path: Path) -> None:
    """Searches of known limits are a bench, `bench/find_max.py`: a dozen trials of ten seconds are no test."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        file = tmp_path / "calls.sflow"
        agent = f'agent bob {{ listen udp "127.0.0.1:{other.getsockname()[1]}" }}\n'
        file.write_text(f"{agent}on alice: call bob; release\non bob: answer; expect hangup\n")
        done = sipflow("load", str(file), "--find-max", CONDITION, "--out", str(tmp_path / "out"))
    assert done.returncode == 3, done.stdout
    assert "held" not in done.stdout and "in use" in done.stdout
