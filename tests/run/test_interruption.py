"""A run that is killed or interrupted: recordings survive, calls are released, the exit code says so."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import soundfile

pytestmark = pytest.mark.wire

TEXT = """
on alice { call bob; record "long.wav" stereo; play tone 440Hz for 60s }
on bob { answer; expect hangup within 120s }
"""


def start(tmp_path: Path) -> subprocess.Popen[bytes]:
    scenario = tmp_path / "long.sflow"
    scenario.write_text(TEXT)
    command = [sys.executable, "-m", "sipflow", "run", str(scenario), "--out", str(tmp_path), "--quiet",
               "--events", str(tmp_path / "events.jsonl")]  # fmt: skip
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def read_events(tmp_path: Path) -> list[dict[str, object]]:
    path = tmp_path / "events.jsonl"
    lines = path.read_text().splitlines() if path.exists() else []
    return [json.loads(line) for line in lines if line.endswith("}")]


def wait_for(process: subprocess.Popen[bytes], tmp_path: Path, event: str) -> float:
    """When `event` was seen in the stream of a run that goes on, on this process's clock."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if any(entry["event"] == event for entry in read_events(tmp_path)):
            return time.monotonic()
        if process.poll() is not None:
            break
        time.sleep(0.01)
    process.kill()
    _, errors = process.communicate()
    seen = [entry["event"] for entry in read_events(tmp_path)]
    raise AssertionError(f"no {event} within 20 s, or before exit code {process.returncode}: {errors.decode()} {seen}")


@pytest.mark.parametrize("round_number", range(20))
def test_a_killed_recording_holds_all_but_the_last_second(round_number: int, tmp_path: Path) -> None:
    process = start(tmp_path)
    try:
        recording_since = wait_for(process, tmp_path, "MediaFirstPacket")
        time.sleep(random.Random(round_number).uniform(0.0, 2.0))
        process.send_signal(signal.SIGKILL)
        lived = time.monotonic() - recording_since
    finally:
        process.kill()
        process.wait()
    info = soundfile.info(tmp_path / "long.wav")
    assert (info.channels, info.samplerate) == (2, 8000)
    assert info.duration >= lived - 1.0


def test_ctrl_c_releases_every_call_on_the_wire(tmp_path: Path) -> None:
    process = start(tmp_path)
    wait_for(process, tmp_path, "MediaFirstPacket")
    os.kill(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 130
    assert errors == b""
    seen = read_events(tmp_path)
    assert any(entry["event"] == "SipSent" and str(entry["data"]).startswith("BYE ") for entry in seen)
    assert any(entry["event"] == "CallReleased" and entry["code"] == 200 for entry in seen)
    assert seen[-1]["event"] == "RunFinished"
    assert soundfile.info(tmp_path / "long.wav").duration > 0
