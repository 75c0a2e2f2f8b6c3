"""`--sim` as a user has it: the verdicts of real time, the same log for the same seed, and a clear word where it cannot
be."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

import pytest
import soundfile
from click.testing import CliRunner

import sipflow
from sipflow.cli.run import run
from sipflow.errors import MisuseError
from sipflow.plan.network import NetworkConditions, parse_network
from tests.cli import commands
from tests.run.test_scenarios import SCENARIOS, needs

BAD_NETWORK = "loss 5% delay 30ms jitter 20ms reorder 2% duplicate 1%"
CALL = "timeout 10m\non alice: call bob; wait 2m; release\non bob: answer; expect hangup\n"


@pytest.mark.parametrize("path", sorted(SCENARIOS.rglob("*.sflow")), ids=lambda path: path.stem)
def test_every_scenario_passes_in_virtual_time(path: Path, tmp_path: Path) -> None:
    needs(path)
    report = sipflow.run(path, out=tmp_path, timeout_s=600, sim=True, seed=7)
    assert report.diagnostics == ()
    assert report.passed, report.failures
    assert report.virtual


def test_the_log_is_the_same_in_every_process(tmp_path: Path) -> None:
    """The order of sets differs from process to process, and must decide nothing."""
    logs = []
    for number, hash_seed in enumerate(("1", "2")):
        log = tmp_path / f"{number}.jsonl"
        options = ("--network", BAD_NETWORK, "--seed", "3", "--out", "out", "--events", str(log), "-q")
        commands.sipflow("run", str(SCENARIOS / "ivr.sflow"), *options, folder=tmp_path, PYTHONHASHSEED=hash_seed)
        logs.append(log.read_bytes())
    assert logs[0] == logs[1]
    assert logs[0].count(b"\n") > 50


def test_other_seeds_are_other_runs_and_a_series_counts_on(tmp_path: Path) -> None:
    file = tmp_path / "call.sflow"
    file.write_text(CALL)
    options = ("--network", "loss 5%", "--seed", "8", "--count", "2", "--out", str(tmp_path), "-q")
    result = CliRunner().invoke(run, [str(file), *options, "--json", str(tmp_path / "r.json")])
    first, second = json.loads((tmp_path / "r.json").read_text())
    assert (first["seed"], second["seed"]) == (8, 9)
    assert "of virtual time (seed 9, loss 5%)" in result.output
    assert first["calls"][0]["media"]["path_lost"] != second["calls"][0]["media"]["path_lost"]


def test_without_a_seed_one_is_drawn_and_told(tmp_path: Path) -> None:
    seeds = {sipflow.run(CALL, out=tmp_path, sim=True).seed for _ in range(3)}
    assert len(seeds) == 3 and 0 not in seeds


@pytest.mark.parametrize(("loss", "seed"), [(0.01, 1), (0.03, 2), (0.1, 3)])
def test_what_is_measured_is_what_happened(loss: float, seed: int, tmp_path: Path) -> None:
    conditions = NetworkConditions(loss=loss, delay_ms=40)
    report = sipflow.run(CALL, out=tmp_path, sim=conditions, seed=seed)
    alice, bob = (call.media for call in report.calls)
    assert alice is not None and bob is not None
    assert bob["packets_lost"] == pytest.approx(alice["path_lost"], abs=1)
    assert alice["path_lost"] == pytest.approx(6000 * loss, rel=0.4)
    assert alice["round_trip_ms"] == pytest.approx(80, abs=0.1)
    assert alice["path_delay_mean_ms"] == pytest.approx(40)


def test_a_recording_is_whole(tmp_path: Path) -> None:
    text = CALL.replace("wait 2m", 'record "long.wav" for 1m; wait 2m')
    assert sipflow.run(text, out=tmp_path, sim=True, seed=1).passed
    assert soundfile.info(tmp_path / "long.wav").frames == 480_000


def test_the_time_limit_is_of_virtual_seconds(tmp_path: Path) -> None:
    report = sipflow.run(CALL, out=tmp_path, sim=True, seed=1, timeout_s=60)
    assert report.verdict == "failed"
    assert [failed.code for failed in report.failures] == ["SF505", "SF505"]
    assert 60 <= report.duration_s < 61


def test_somebody_else_is_refused_at_the_line_that_declares_it(tmp_path: Path) -> None:
    text = 'agent desk { uri "sip:desk@192.0.2.1" }\non alice: call desk; release\n'
    report = sipflow.run(text, out=tmp_path, sim=True)
    assert report.exit_code == 3
    (problem,) = report.problems
    assert (problem.code, problem.line) == ("SF506", 1)
    assert "in virtual time there are only the agents of the scenario" in problem.message


def test_an_address_where_nobody_is_is_told_of(tmp_path: Path) -> None:
    report = sipflow.run('on alice: call "sip:x@192.0.2.1" else recover\n', out=tmp_path, sim=True, seed=1)
    assert any("nobody is at 192.0.2.1:5060" in text for *_, text in report.logs)


def test_a_port_that_nobody_has_is_refused_as_by_icmp(tmp_path: Path) -> None:
    text = 'on alice: call "sip:x@127.0.0.1:9"\non bob: wait 5s\n'
    report = sipflow.run(text, out=tmp_path, sim=True, seed=1)
    (failure,) = report.failures
    assert failure.got == "503 nothing listens at 127.0.0.1:9 (ICMP port unreachable) at 0.000 s"


def test_a_run_inside_of_a_loop_does_not_touch_that_loops_time(tmp_path: Path) -> None:
    async def both() -> float:
        before = asyncio.get_running_loop().time()
        report = await sipflow.arun(CALL, out=tmp_path, sim=True, seed=1)
        assert report.duration_s >= 120
        return asyncio.get_running_loop().time() - before

    assert asyncio.run(both()) < 100


def test_real_time_stays_real(tmp_path: Path) -> None:
    before = time.monotonic()
    report = sipflow.run(CALL.replace("2m", "300ms"), out=tmp_path)
    assert time.monotonic() - before >= 0.3
    assert not report.virtual


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("loss", "'loss' lacks its value"),
        ("loss 3", "loss takes a share in per cent, such as 3%"),
        ("delay 3%", "delay takes a time, such as 20ms"),
        ("loss 101%", "loss is a share from 0 to 100 %, not 101 %"),
        ("delay 61s", "delay is 0 to 60 s"),
        ("loss 1% loss 2%", "loss is given twice"),
        ("lose 1%", "'lose' is nothing that a network does"),
    ],
)
def test_conditions_that_are_none_say_what_is_expected(text: str, why: str) -> None:
    with pytest.raises(MisuseError) as error:
        parse_network(text)
    assert why in str(error.value)


@pytest.mark.parametrize(
    "text", ["", "loss 3%", "loss 0.5% delay 20ms jitter 30ms reorder 1% duplicate 2%", "delay 1s"]
)
def test_conditions_are_written_as_they_are_read(text: str) -> None:
    assert parse_network(str(parse_network(text))) == parse_network(text)


@pytest.mark.parametrize("codec", ["pcmu", "g722", "l16"])
def test_each_side_sends_packets_as_long_as_the_other_asks_for(codec: str, tmp_path: Path) -> None:
    text = f"""
    agent alice {{ codecs {codec}; ptime 10ms }}
    agent menu {{ codecs {codec}; ptime 40ms }}
    on alice {{
      call menu
      play "media/sales.wav" in background
      expect heard "media/menu.wav" within 10s
      check media.ptime == 40ms
      release
    }}
    on menu {{
      answer
      play "media/menu.wav" in background
      expect heard "media/sales.wav" within 10s
      check media.ptime == 10ms
      expect hangup within 10s
    }}
    """
    report = sipflow.run(text, out=tmp_path, media_dir=SCENARIOS, timeout_s=60, sim=True, seed=7)
    assert report.passed, report.failures
