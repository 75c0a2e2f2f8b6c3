"""Control over HTTP on loopback, the screen, and the figures for Prometheus."""

from __future__ import annotations

import asyncio
import io
import json
import urllib.request
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from sipflow.load.arrivals import Curve, Segment
from sipflow.load.control import Control
from sipflow.load.links import ProcessLink
from sipflow.load.machine import MachineUse
from sipflow.load.metrics import Metrics, Timeline
from sipflow.load.plan import LoadOverrides
from sipflow.load.report.live import live_view, plain_line
from sipflow.load.result import LoadResult
from sipflow.load.run import LoadRun, Status
from sipflow.loading import LoadOptions, prepare

TWO_SIDES = "on alice: call bob; wait 50ms; release\non bob: answer; expect hangup\n"


def status() -> Status:
    timeline = Timeline()
    for second in range(6):
        delta = Metrics({"planned": 10, "started": 10, "ended": 9, "failed": 1, "code/200": 9, "code/486": 1})
        delta.cause("call bob (line 1): 486 Busy Here")
        for value in range(1, 11):
            delta.record("sip.setup_time", value * 2.0)
            delta.record("media.mos", 4.2)
            delta.record("generator.loop_lag", 1.0)
        timeline.add(second, delta)
    curve = Curve((Segment(10, 10, 60),))
    return Status(6.0, timeline, 3, 10.0, False, False, curve, 2, 0.5, (), MachineUse())


def test_the_screen_has_rates_percentiles_causes_and_the_generator() -> None:
    console = Console(width=120, record=True, force_terminal=True, file=io.StringIO())
    console.print(live_view("calls.sflow", status(), "q stop"))
    shown = console.export_text()
    for text in (
        "started 60",
        "failed 6",
        "54 s to go",
        "sip.setup_time",
        "486 Busy Here",
        "VALID",
        "q stop",
        "90.00%",
        "p95",
    ):
        assert text in shown
    assert "started 60" in plain_line(status())


@pytest.mark.parametrize("width", [40, 60, 80])
def test_a_narrow_screen_has_fewer_columns_and_whole_names_and_figures(width: int) -> None:
    console = Console(width=width, record=True, force_terminal=True, file=io.StringIO())
    console.print(live_view("calls.sflow", status(), "q stop", width))
    lines = console.export_text().splitlines()
    assert max(map(len, lines)) <= width
    setup = next(line for line in lines if line.startswith("sip.setup_time "))
    heads = next(line for line in lines if "p99" in line)
    assert "…" not in setup + heads and "20ms" in setup
    assert ("count" in heads) is (width == 80) and "p50" in heads


def test_calls_that_are_open_do_not_count_against_success_while_it_runs() -> None:
    timeline = Timeline()
    timeline.add(0, Metrics({"planned": 10, "started": 10, "ended": 4}))
    console = Console(width=100, record=True, force_terminal=True, file=io.StringIO())
    console.print(live_view("calls.sflow", replace(status(), timeline=timeline), "", 100))
    assert "success 100.00%" in console.export_text()


def test_prometheus_reads_what_was_counted() -> None:
    pytest.importorskip("prometheus_client")
    from prometheus_client.parser import text_string_to_metric_families

    from sipflow.load.report.prometheus import metrics_page

    found = {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(metrics_page(status()))
        for sample in family.samples
    }
    assert found["sipflow_calls_total", "started"] == 60
    assert found["sipflow_invite_answers_total", "486"] == 6
    assert found["sipflow_sip_setup_time_seconds_count",] == 60
    assert found["sipflow_sip_setup_time_seconds_sum",] == pytest.approx(60 * 0.011)
    assert found["sipflow_sip_setup_time_seconds_quantile", "0.5"] == pytest.approx(0.010, rel=1 / 64)
    assert found["sipflow_media_mos_quantile", "0.5"] == pytest.approx(4.2)


def write(folder: Path) -> Path:
    file = folder / "calls.sflow"
    file.write_text(TWO_SIDES)
    return file


@pytest.mark.parametrize(
    ("head", "code"),
    [
        ("GET /status HTTP/1.1\r\nHost: 127.0.0.1:1\r\n\r\n", 200),
        ("GET /status HTTP/1.1\r\nHost: localhost:1\r\n\r\n", 200),
        ("GET /status HTTP/1.1\r\nHost: evil.example\r\n\r\n", 403),
        ("POST /stop HTTP/1.1\r\nHost: 127.0.0.1:1\r\nOrigin: http://evil.example\r\n\r\n", 403),
        ("GET /stop HTTP/1.1\r\nHost: 127.0.0.1:1\r\n\r\n", 405),
        ("POST /rate?value=0 HTTP/1.1\r\nHost: 127.0.0.1:1\r\n\r\n", 400),
        ("POST /rate?value=1e300 HTTP/1.1\r\nHost: 127.0.0.1:1\r\n\r\n", 400),
        ("POST /rate?value=nan HTTP/1.1\r\nHost: 127.0.0.1:1\r\n\r\n", 400),
        ("POST /rate HTTP/1.1\r\nHost: 127.0.0.1:1\r\n\r\n", 400),
        ("GET /../etc/passwd HTTP/1.1\r\nHost: 127.0.0.1:1\r\n\r\n", 404),
        ("GET /metrics HTTP/1.1\r\nHost: 127.0.0.1:1\r\n\r\n", 501),
        ("\r\n\r\n", 400),
        ("GET\r\n\r\n", 400),
    ],
)
def test_only_programs_on_this_machine_are_answered(tmp_path: Path, head: str, code: int) -> None:
    async def work() -> int:
        run = LoadRun(prepare(write(tmp_path), LoadOptions()), [])
        return Control(run).answer(head).code

    assert asyncio.run(work()) == code


@pytest.mark.parametrize(("path", "code"), [("/rate?value=5", 409), ("/pause", 409), ("/resume", 409), ("/stop", 200)])
def test_calls_that_others_make_have_no_rate_that_could_be_changed(tmp_path: Path, path: str, code: int) -> None:
    async def work() -> int:
        file = tmp_path / "answers.sflow"
        file.write_text("on bob: answer; expect hangup\n")
        run = LoadRun(prepare(file, LoadOptions()), [])
        return Control(run).answer(f"POST {path} HTTP/1.1\r\nHost: localhost:1\r\n\r\n").code

    assert asyncio.run(work()) == code


@pytest.mark.wire
def test_a_run_is_changed_paused_and_stopped_over_http(tmp_path: Path) -> None:
    prepared = prepare(write(tmp_path), LoadOptions(LoadOverrides(rate=20.0, duration_s=600.0), out=tmp_path / "out"))

    def ask(port: int, path: str, method: str = "GET") -> dict[str, object]:
        request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", method=method)
        with urllib.request.urlopen(request, timeout=20) as answer:
            return dict(json.loads(answer.read()))

    async def steer(control: Control, ticked: asyncio.Event) -> None:
        loop, port = asyncio.get_running_loop(), await control.open(0)

        async def until(path: str, reached: str, value: object) -> None:
            while (await loop.run_in_executor(None, ask, port, path))[reached] != value:
                ticked.clear()
                await ticked.wait()

        await until("/status", "target_rate", 20.0)
        await loop.run_in_executor(None, ask, port, "/rate?value=40/s", "POST")
        await until("/status", "target_rate", 40.0)
        assert (await loop.run_in_executor(None, ask, port, "/pause", "POST"))["paused"] is True
        await until("/status", "open", 0)
        assert (await loop.run_in_executor(None, ask, port, "/resume", "POST"))["paused"] is False
        await until("/status", "target_rate", 40.0)
        await loop.run_in_executor(None, ask, port, "/stop", "POST")

    async def work() -> LoadResult:
        ticked = asyncio.Event()
        run = LoadRun(prepared, [ProcessLink(0)], on_tick=lambda status: ticked.set())
        control = Control(run)
        result, _ = await asyncio.gather(run.run(), asyncio.wait_for(steer(control, ticked), 60))
        await control.close()
        return result

    result = asyncio.run(work())
    assert result.total.get("planned") == result.total.get("started") + result.total.get("not_started")
    assert result.total.get("started") == result.total.get("ended") > 0
