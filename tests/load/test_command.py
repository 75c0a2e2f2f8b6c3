"""`sipflow load` as a process: signals, files that cannot be written, outputs that nobody reads."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.cli.commands import SIPFLOW

LIMIT_S = 90.0
LONG_CALLS = "on alice: call bob; wait 30s; release\non bob: answer; expect hangup within 60s\n"
SHORT_CALLS = "on alice: call bob; wait 50ms; release\non bob: answer; expect hangup\n"


class Running:
    """A load run with its control."""

    def __init__(self, process: subprocess.Popen[str], url: str) -> None:
        self.process = process
        self.url = url

    def status(self) -> dict[str, Any]:
        with urllib.request.urlopen(f"{self.url}/status", timeout=LIMIT_S) as answer:
            return dict(json.loads(answer.read()))

    def until_started(self, calls: int) -> None:
        while self.status()["calls"]["started"] < calls:
            assert self.process.poll() is None, "the run ended before it had so many calls"


@contextmanager
def running(folder: Path, text: str, *words: str) -> Iterator[Running]:
    """A run in a process group of its own, from when its control listens."""
    (folder / "calls.sflow").write_text(text, encoding="utf-8")
    process = subprocess.Popen(
        [*SIPFLOW, "load", "calls.sflow", "--control", "0", "--json", "r.json", *words],
        cwd=folder,
        env=os.environ | {"PYTHONUTF8": "1", "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    try:
        said = process.stdout.readline()
        assert said.startswith("control at http://"), said
        yield Running(process, said.split()[-1].removesuffix("/status"))
    finally:
        process.kill()
        process.communicate(timeout=LIMIT_S)


def told(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / "r.json").read_text()))


@pytest.mark.wire
@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_to_all_processes_of_a_run_is_taken_by_the_run(tmp_path: Path, end: signal.Signals) -> None:
    """As a service manager, `timeout` or a terminal sends it: workers do not die of it with their calls up. The second
    one releases the calls that would last for half a minute."""
    with running(tmp_path, LONG_CALLS, "--rate", "20/s", "--workers", "2") as run:
        run.until_started(10)
        os.killpg(run.process.pid, end)
        while not run.status()["stopping"]:
            pass
        assert run.process.poll() is None
        os.killpg(run.process.pid, end)
        assert run.process.wait(LIMIT_S) == 130
    result = told(tmp_path)
    calls = result["calls"]
    assert calls["planned"] == calls["started"] == calls["failed"] >= 10, "all were released, none ran its half minute"
    assert [worker["why_lost"] for worker in result["workers"]] == ["", ""]


@pytest.mark.wire
def test_a_run_whose_output_nobody_reads_goes_on_to_its_reports(tmp_path: Path) -> None:
    """`sipflow load … | head -1`."""
    words = ("--rate", "20/s", "--duration", "6s", "--require", "calls.planned == 120")
    with running(tmp_path, SHORT_CALLS, *words) as run:
        assert run.process.stdout is not None
        run.process.stdout.close()
        run.process.stdout = None
        assert run.process.wait(LIMIT_S) in (0, 4)  # 4 on a machine that is too busy for its plan
    assert told(tmp_path)["calls"]["planned"] == 120


@pytest.mark.wire
def test_a_terminal_that_is_closed_interrupts_the_run_and_its_reports_are_written(tmp_path: Path) -> None:
    (tmp_path / "calls.sflow").write_text(SHORT_CALLS, encoding="utf-8")
    words = [*SIPFLOW, "load", "calls.sflow", "--rate", "20/s", "--duration", "10m", "--json", "r.json"]
    process, terminal = pty.fork()
    if process == 0:
        os.chdir(tmp_path)
        os.execvp(words[0], words)
    shown = b""
    while b"ended" not in shown:  # the screen is up
        shown += os.read(terminal, 65_536)
    os.close(terminal)
    _, status = os.waitpid(process, 0)
    assert os.waitstatus_to_exitcode(status) == 130
    assert told(tmp_path)["verdict"] == "INTERRUPTED" and b"Traceback" not in shown
