"""What the benches are made of, where it can be tested without measuring anything."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from bench._highest import CLOSE_TO, START_UP_S, STEP_BACK, Found, Lengths, Outcome, Search, table
from bench.density import PACKETS_PER_SECOND, bare_trial, pacing_thread

LENGTHS = Lengths(probe=4.0, proof=40.0)


class Pair:
    """Holds a rate in probes and one in proofs; its trials take their time on a clock of its own."""

    def __init__(self, probes: float, proofs: float) -> None:
        self.limits = {LENGTHS.probe: probes, LENGTHS.proof: proofs}
        self.now = 0.0

    def trial(self, rate: float, seconds: float) -> Outcome:
        self.now += seconds + START_UP_S
        planned = int(rate * seconds)
        again = 0 if rate <= self.limits[seconds] else max(planned // 250, 1)
        return Outcome(planned, planned, 0, again, seconds, cpu_s=planned * 3e-4)

    def search(self, seconds: float) -> Found:
        return Search(self.trial, LENGTHS, seconds, lambda: self.now).run(1000.0)


@pytest.mark.parametrize("limit", [90.0, 700.0, 1000.0, 4700.0])
def test_the_highest_rate_is_found_to_five_per_cent_and_proven(limit: float) -> None:
    found = Pair(limit, limit).search(3600.0)
    assert limit / CLOSE_TO <= found.probed == found.proven <= limit
    assert found.doubt == "" and found.outcome is not None and found.outcome.cost_us == pytest.approx(300, rel=0.01)


def test_a_proof_that_fails_is_repeated_lower() -> None:
    found = Pair(4700.0, 3000.0).search(3600.0)
    assert 3000.0 / STEP_BACK <= found.proven <= 3000.0 and found.doubt == ""


@pytest.mark.parametrize("seconds", [60.0, 100.0, 200.0, 300.0])
def test_a_pair_that_never_holds_a_proof_takes_no_longer_than_it_may_and_says_so(seconds: float) -> None:
    pair = Pair(4700.0, 0.0)
    found = pair.search(seconds)
    assert pair.now <= seconds
    assert found.proven == 0.0 < found.probed
    assert found.doubt.startswith("not proven: at ") and "sent again" in found.doubt


def test_without_time_for_anything_that_is_said() -> None:
    pair = Pair(4700.0, 4700.0)
    assert pair.search(10.0).doubt == "no rate held a probe in the time there was"
    assert pair.now == 0.0


def test_shares_are_of_the_same_kind_and_what_is_missing_stands_below() -> None:
    proven, doubted = Found(2000.0, 2000.0), Found(1000.0, 0.0, None, "not proven: at 1000/s …")
    lines = table({"one": proven, "two": doubted})
    assert lines[1].split() == ["one", "2000/s", "2000/s", "100%", "-"]
    assert lines[2].split() == ["two", "1000/s", "-", "50%", "of", "the", "probes", "-"]
    assert lines[3:] == ["two: not proven: at 1000/s …"]
    assert len(table({"none": Found(doubt="no rate held a probe")})) == 3


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="only Linux tells of its threads")
def test_the_pacing_thread_is_found_although_it_has_no_name_yet() -> None:
    """A thread names itself when it first runs; here that is a tenth of a second after it was made."""
    libc = ctypes.CDLL(None)
    over = threading.Event()

    def late() -> None:
        time.sleep(0.1)
        libc.prctl(15, b"sipflow-media", 0, 0, 0)  # PR_SET_NAME
        over.wait(60)

    thread = threading.Thread(target=late)
    thread.start()
    try:
        assert pacing_thread().name == str(thread.native_id)
    finally:
        over.set()
        thread.join()


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGHUP])
def test_a_bench_that_is_ended_takes_its_folder_along(tmp_path: Path, end: signal.Signals) -> None:
    program = (
        "import time\nfrom bench._scratch import scratch\nwith scratch() as f: print(f, flush=True); time.sleep(60)"
    )
    bench = subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=Path(__file__).parents[1],
        env=os.environ | {"TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        text=True,
    )
    with bench:
        assert bench.stdout is not None
        folder = Path(bench.stdout.readline().strip())
        assert folder.is_dir() and folder.parent == tmp_path
        bench.send_signal(end)
        assert bench.wait(60) == 128 + end
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform != "linux", reason="the bare loop asks Linux for its timers")
@pytest.mark.parametrize("how", ["paced", "stamped"])
def test_the_bare_loop_sends_and_takes_what_is_due(how: str) -> None:
    """Sockets that share a place of the packet time, and places without one."""
    legs, seconds = 130, 0.5
    done = bare_trial(legs, seconds, max(os.sched_getaffinity(0)), how)
    assert (done.legs, done.sent, done.lost) == (legs, round(legs * seconds * PACKETS_PER_SECOND), 0)
    assert done.p99_ms > 0 and done.floor_p99_ms > 0 and done.packet_us > 0
