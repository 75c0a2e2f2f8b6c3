"""Load on several machines: here all of them are this one, and each is a `sipflow worker` of its own."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("distributed", reason="the extra `cluster` is not installed")

from sipflow.errors import SipflowError
from sipflow.load.cluster.address import Certificates, parse_meeting
from sipflow.load.cluster.assets import collect, settle
from sipflow.load.plan import LoadOverrides
from sipflow.loading import LoadOptions, prepare
from tests.ports import free_port

ROOT = Path(__file__).parents[2]
PEM = ROOT / "scenarios" / "certificates"
TLS = ["--tls-ca", str(PEM / "ca.pem"), "--tls-cert", str(PEM / "agent.pem"), "--tls-key", str(PEM / "agent.key")]
CALLS = 'on alice: call bob; play "tone.wav"; release\non bob: answer; expect hangup\n'
LIMIT_S = 90.0


def sipflow(folder: Path, *words: str) -> subprocess.Popen[str]:
    """What it puts among the temporary files is below the folder: a process that a test kills takes nothing away."""
    return subprocess.Popen(
        [sys.executable, "-m", "sipflow", *words],
        cwd=folder,
        env=os.environ | {"TMPDIR": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def scenario(folder: Path) -> None:
    (folder / "calls.sflow").write_text(CALLS, encoding="utf-8")
    source = ROOT / "scenarios" / "media" / "beep.wav"
    (folder / "tone.wav").write_bytes(source.read_bytes())


def run_cluster(folder: Path, meeting: str, *load: str, tls: list[str]) -> tuple[subprocess.Popen[str], ...]:
    """The run, and two workers, each in a folder where no file of the scenario lies."""
    scenario(folder)
    run = sipflow(
        folder, "load", "calls.sflow", "--cluster", meeting, "--machines", "2", "--json", "r.json", *load, *tls
    )
    workers = []
    for name in ("one", "two"):
        (folder / name).mkdir()
        words = ("--connect", meeting, "--processes", "1", "--name", name)
        workers.append(sipflow(folder / name, "worker", *words, *tls))
    return (run, *workers)


def result(folder: Path) -> dict[str, object]:
    told: dict[str, object] = json.loads((folder / "r.json").read_text())
    return told


@pytest.mark.wire
def test_two_machines_share_a_run_over_tls(tmp_path: Path) -> None:
    meeting = f"tls://127.0.0.1:{free_port()}"
    run, one, two = run_cluster(tmp_path, meeting, "--rate", "10", "--calls", "20", tls=TLS)
    output = run.communicate(timeout=LIMIT_S)[0]
    offered = [worker.communicate(timeout=LIMIT_S)[0] for worker in (one, two)]
    assert (one.returncode, two.returncode) == (0, 0), offered
    told = result(tmp_path)
    assert told["calls"]["planned"] == 20, output  # type: ignore[index]
    assert told["calls"]["started"] == 20, output  # type: ignore[index]
    assert "two: 1 processes, clock known to" in output
    assert not [*tmp_path.rglob("sipflow-worker-*"), *tmp_path.rglob("dask*")], (
        "nothing stays among the temporary files"
    )
    names = {worker["name"]: worker for worker in told["workers"]}  # type: ignore[attr-defined]
    assert {name: worker["planned"] for name, worker in names.items()} == {"one": 10, "two": 10}


@pytest.mark.wire
@pytest.mark.timed  # two seconds until it is noticed
@pytest.mark.parametrize(
    ("end", "why"),
    [
        pytest.param(signal.SIGKILL, "left the cluster", id="it dies, and its connection with it"),
        pytest.param(signal.SIGSTOP, "nothing was heard of it", id="it falls silent, and its connection stays"),
    ],
)
def test_a_machine_that_dies_is_noticed_within_two_seconds_and_the_other_one_goes_on(
    tmp_path: Path, end: signal.Signals, why: str
) -> None:
    meeting = f"tcp://127.0.0.1:{free_port()}"
    run, one, two = run_cluster(tmp_path, meeting, "--rate", "10", "--duration", "8s", "--control", "0", tls=[])
    lines: list[str] = []
    reader = threading.Thread(target=lambda: lines.extend(run.stdout or ()))
    reader.start()
    try:
        wait_for(lambda: any("control at" in line for line in lines), "the address of the control")
        status = next(line for line in lines if "control at" in line).split()[-1]
        wait_for(lambda: started(status) >= 10, "the tenth call")
        two.send_signal(end)
        assert run.wait(LIMIT_S) == 4, "".join(lines)
    finally:
        two.kill()
        two.wait(LIMIT_S)
    reader.join(LIMIT_S)
    assert one.wait(LIMIT_S) == 0
    told = result(tmp_path)
    counts, workers = told["calls"], {worker["name"]: worker for worker in told["workers"]}  # type: ignore[attr-defined]
    assert why in workers["two"]["why_lost"]
    # It told something four times a second, so that it died after the last of that and before it was given up.
    assert 0 <= workers["two"]["noticed_s"] < 2.0
    assert workers["one"]["why_lost"] == "" and workers["one"]["noticed_s"] is None
    assert workers["one"]["started"] == workers["one"]["ended"] + workers["one"]["failed"] == 40
    assert counts["planned"] == 80 == counts["started"] + counts["not_started"]  # type: ignore[index]
    assert counts["started"] == counts["ended"] + counts["failed"] + counts["lost"]  # type: ignore[index]
    assert workers["two"]["lost"] == counts["lost"]  # type: ignore[index]


@pytest.mark.wire
def test_what_one_machine_lacks_is_told_with_its_name_before_the_first_packet(tmp_path: Path) -> None:
    """The second one may have 1,000 descriptors, and half of the plan needs more."""
    scenario(tmp_path)
    (tmp_path / "calls.sflow").write_text("on alice: call bob; wait 6s; release\non bob: answer; expect hangup\n")
    meeting = f"tcp://127.0.0.1:{free_port()}"
    run = sipflow(tmp_path, "load", "calls.sflow", "--cluster", meeting, "--machines", "2", "--rate", "80/s")
    workers = []
    for name, granted in (("one", 20_000), ("two", 1000)):
        (tmp_path / name).mkdir()
        words = ["worker", "--connect", meeting, "--processes", "1", "--name", name]
        shell = f"ulimit -n {granted} && exec {shlex.join([sys.executable, '-m', 'sipflow', *words])}"
        workers.append(subprocess.Popen(["sh", "-c", shell], cwd=tmp_path / name, stdout=subprocess.PIPE, text=True))
    output = run.communicate(timeout=LIMIT_S)[0]
    for worker in workers:
        worker.communicate(timeout=LIMIT_S)
    assert run.returncode == 3, output
    assert "ERROR  two: a worker needs" in output and "file descriptors, and the system grants 1000 (SF605)" in output
    assert "one: a worker needs" not in output and "Traceback" not in output
    assert not (tmp_path / "two" / "sipflow-out").exists()


def started(status: str) -> int:
    with urllib.request.urlopen(status, timeout=LIMIT_S) as answer:
        count: int = json.loads(answer.read())["calls"]["started"]
        return count


def wait_for(reached: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + LIMIT_S
    while not reached():
        assert time.monotonic() < deadline, f"{what} did not come"
        time.sleep(0.02)


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGHUP])
def test_a_worker_that_is_ended_leaves_nothing_among_the_temporary_files(tmp_path: Path, end: signal.Signals) -> None:
    """A machine of a cluster is often one of many in ssh sessions, which end by SIGHUP."""
    worker = sipflow(tmp_path, "worker", "--connect", f"tcp://127.0.0.1:{free_port()}", "--patience", "90s")
    try:
        wait_for(lambda: list(tmp_path.glob("sipflow-worker-*")) != [], "the folder of the worker")
        worker.send_signal(end)
        output = worker.communicate(timeout=LIMIT_S)[0]
    finally:
        worker.kill()
        worker.wait(LIMIT_S)
    assert worker.returncode == 130, output
    assert list(tmp_path.iterdir()) == []


def test_a_worker_says_that_nobody_listens(tmp_path: Path) -> None:
    words = ("worker", "--connect", f"tcp://127.0.0.1:{free_port()}", "--patience", "1s")
    worker = sipflow(tmp_path, *words)
    output = worker.communicate(timeout=LIMIT_S)[0]
    assert worker.returncode == 3, output
    assert "ERROR  no load run at tcp://127.0.0.1" in output
    assert "Traceback" not in output


@pytest.mark.parametrize(
    "text", ["tcp://10.0.0.5:8786", "tls://10.0.0.5:8786", "http://127.0.0.1:1", "tcp://:1", "tls://h:99999"]
)
def test_an_address_that_may_not_be_used(text: str) -> None:
    with pytest.raises(SipflowError):
        parse_meeting(text, None)


def test_plain_tcp_stays_on_loopback_and_tls_does_not() -> None:
    pem = Certificates(PEM / "ca.pem", PEM / "agent.pem", PEM / "agent.key")
    assert parse_meeting("tcp://127.0.0.1:8786", None).url == "tcp://127.0.0.1:8786"
    assert parse_meeting("tcp://[::1]:8786", None).url == "tcp://[::1]:8786"
    assert parse_meeting("10.0.0.5", pem).url == "tls://10.0.0.5:8786"
    with pytest.raises(SipflowError, match="there is no file"):
        parse_meeting("tls://10.0.0.5", replace(pem, ca=Path("nowhere.pem")))


def test_files_of_every_row_go_along_and_agents_get_the_address_of_the_machine(tmp_path: Path) -> None:
    for name in ("a.wav", "b.wav", "unused.wav"):
        (tmp_path / name).write_bytes((ROOT / "scenarios" / "media" / "beep.wav").read_bytes())
    (tmp_path / "rows.csv").write_text("file\na.wav\nb.wav\n")
    (tmp_path / "c.sflow").write_text(
        'data rows from "rows.csv"\nagent bob { listen udp "127.0.0.1:0" }\n'
        'on alice: call bob; play "${rows.file}"; release\non bob: answer; expect hangup\n'
    )
    prepared = prepare(tmp_path / "c.sflow", LoadOptions(LoadOverrides()))
    assert set(collect(prepared).files) == {"a.wav", "b.wav"}
    settled = settle(prepared, tmp_path / "there", tmp_path / "out", "192.0.2.7")
    assert settled.plan.agents["alice"].host == "192.0.2.7"
    assert settled.plan.agents["bob"].host == "127.0.0.1"
    assert settled.media_folders == (tmp_path / "there",)


def test_a_file_outside_of_the_folders_cannot_be_sent(tmp_path: Path) -> None:
    sound = ROOT / "scenarios" / "media" / "beep.wav"
    (tmp_path / "c.sflow").write_text(f'on alice: call bob; play "{sound}"; release\non bob: answer; expect hangup\n')
    with pytest.raises(SipflowError, match="cannot be sent"):
        collect(prepare(tmp_path / "c.sflow", LoadOptions(LoadOverrides())))
