"""Does the load generator know whose fault it is?

    python bench/load_honesty.py [--rate 20] [--seconds 5] [--capacity 60] [--only NAME]

Four runs against a test peer of this file (a process of its own, sipflow's user agent on a bare socket), and a search:

    quiet      a peer that answers at once                     generator VALID
    late       a peer that answers 700 ms late                 generator VALID, the peer blamed (set-up time)
    dropping   a peer that never answers every third call      generator VALID, the peer blamed (408)
    hogged     the quiet peer, and CPU hogs on every core      generator INVALID, its cause named
    find-max   a peer that takes --capacity calls a second     found within 5 %

The hogs take 0.4 s of every second of every core, with real-time priority where that is granted: beside ordinary
programs that compute, a generator that sleeps most of the time goes first on Linux, and is VALID, rightly so.
Exit code 1 when a line is not as expected.

On a machine that is busy with other things the first three are not VALID, and rightly so: run it on a quiet one.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import multiprocessing
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench._scratch import scratch
from sipflow import events
from sipflow.lang.requirements import compile_requirements
from sipflow.load.capacity import Outcome, Search
from sipflow.load.health import Standing
from sipflow.load.plan import LoadOverrides
from sipflow.load.result import LoadResult
from sipflow.loading import LoadOptions, arun_load
from sipflow.media_params import Direction, RtpFormat
from sipflow.runtime.transports.udp import UdpEndpoint
from sipflow.sdp.negotiate import LocalMedia
from sipflow.sip.hop import Hop
from sipflow.sip.outputs import Transmit
from sipflow.sip.user_agent import UserAgent, UserAgentConfig

HOST = "127.0.0.1"
BUCKET_S = 0.15
"""Calls that the peer of known capacity takes at once, in seconds of its rate, but at least two. A trial of ten seconds
gains 1.5 % by it; a peer or a caller that stands still for a moment breaks nothing."""
HOGGED_S = 0.4
"""How much of every second the hogs take."""
FORMATS = (RtpFormat("PCMU", 0), RtpFormat("telephone-event", 101, fmtp="0-15"))
SCENARIO = 'agent peer = "sip:peer@127.0.0.1:{port}"\ntimeout 4s\non caller: call peer; wait 100ms; release\n'


# --- the peer ------------------------------------------------------------------------------------------------------


class Peer:
    """Answers calls: late, not all of them, or only so many a second (others get 503 at once)."""

    def __init__(self, late_s: float, ignore_every: int, capacity: float) -> None:
        self.loop = asyncio.get_running_loop()
        self.late_s, self.ignore_every, self.capacity = late_s, ignore_every, capacity
        self.calls = 0
        self.tokens, self.filled_at = 1.0, self.loop.time()
        self.endpoint = UdpEndpoint(HOST, 0, receive=self.receive, drained=self.pump)
        host, port = self.endpoint.address
        names = iter(range(1, 1 << 62))
        config = UserAgentConfig(name="peer", user="peer", host=host, port=port, trace=False)
        self.agent = UserAgent(config, random.Random(1), lambda: f"peer-{next(names)}")
        self.media = LocalMedia(host, 40_000, FORMATS, 20, Direction.INACTIVE)
        self.timer: asyncio.TimerHandle | None = None
        self.endpoint.open(self.loop)

    def receive(self, data: bytes, source: Hop) -> None:
        self.agent.receive(data, source, self.loop.time())

    def pump(self) -> None:
        while outputs := self.agent.outputs():
            for output in outputs:
                if isinstance(output, Transmit):
                    self.endpoint.send(output.data, output.destination)
                elif isinstance(output, events.CallIncoming):
                    self.called(output.call)
        deadline = self.agent.next_deadline()
        if self.timer is not None:
            self.timer.cancel()
        self.timer = None if deadline is None else self.loop.call_at(deadline, self.due)

    def due(self) -> None:
        self.agent.handle_timer(self.loop.time())
        self.pump()

    def called(self, call: str) -> None:
        self.calls += 1
        if self.ignore_every and self.calls % self.ignore_every == 0:
            return
        if self.capacity and not self.take_token():
            self.agent.reject(call, 503, None, self.loop.time())
        elif self.late_s:
            self.loop.call_later(self.late_s, self.answer, call)
        else:
            self.answer(call)

    def take_token(self) -> bool:
        """A small bucket: jitter of the machine between the two is no burst, and a trial of many calls gains next to
        nothing by what is in it at the start."""
        now = self.loop.time()
        most = max(self.capacity * BUCKET_S, 2.0)
        self.tokens = min(self.tokens + (now - self.filled_at) * self.capacity, most)
        self.filled_at = now
        if self.tokens < 1.0:
            return False
        self.tokens -= 1.0
        return True

    def answer(self, call: str) -> None:
        with contextlib.suppress(Exception):  # the caller gave up meanwhile
            self.agent.answer(call, self.media, self.loop.time())
        self.pump()


def serve(late_s: float, ignore_every: int, capacity: float) -> None:
    async def work() -> None:
        peer = Peer(late_s, ignore_every, capacity)
        print(peer.endpoint.address[1], flush=True)
        await peer.loop.run_in_executor(None, sys.stdin.readline)

    asyncio.run(work())


@contextlib.contextmanager
def peer(late_s: float = 0.0, ignore_every: int = 0, capacity: float = 0.0) -> Iterator[int]:
    """The port of a peer that lives while inside."""
    arguments = ["--serve", str(late_s), str(ignore_every), str(capacity)]
    process = subprocess.Popen(
        [sys.executable, __file__, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        yield int(process.stdout.readline())
    finally:
        process.communicate("\n", timeout=20)


def hog(core: int) -> None:
    os.sched_setaffinity(0, {core})
    with contextlib.suppress(PermissionError):
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    while True:
        since = time.time() % 1  # all at once
        if since > HOGGED_S:
            time.sleep(1 - since)


@contextlib.contextmanager
def hogs(count: int) -> Iterator[None]:
    """Processes that do nothing but take the processor away."""
    cores = sorted(os.sched_getaffinity(0))
    running = [
        multiprocessing.Process(target=hog, args=(cores[number % len(cores)],), daemon=True) for number in range(count)
    ]
    for process in running:
        process.start()
    try:
        yield
    finally:
        for process in running:
            process.kill()


# --- the runs ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table."""

    name: str
    result: LoadResult
    as_expected: bool


def load(folder: Path, port: int, rate: float, seconds: float, requirement: str = "") -> LoadResult:
    file = folder / "honesty.sflow"
    file.write_text(SCENARIO.format(port=port))
    wanted = compile_requirements(requirement)[0] if requirement else ()
    overrides = LoadOverrides(rate=rate, duration_s=seconds, requirements=wanted)
    return asyncio.run(arun_load(file, LoadOptions(overrides, out=folder / "out", keep_failures=0)))


def quiet(folder: Path, rate: float, seconds: float) -> Row:
    with peer() as port:
        result = load(folder, port, rate, seconds)
    return Row("quiet", result, result.verdict.standing is Standing.VALID and not result.total.get("failed"))


def late(folder: Path, rate: float, seconds: float) -> Row:
    with peer(late_s=0.7) as port:
        result = load(folder, port, rate, seconds)
    setup = result.total.histograms["sip.setup_time"].statistic("p50") or 0.0
    return Row("late", result, result.verdict.standing is Standing.VALID and setup >= 700)


def dropping(folder: Path, rate: float, seconds: float) -> Row:
    with peer(ignore_every=3) as port:
        result = load(folder, port, rate, seconds)
    blamed = result.total.get("failed") >= result.total.get("started") // 4
    return Row("dropping", result, result.verdict.standing is Standing.VALID and blamed)


def hogged(folder: Path, rate: float, seconds: float) -> Row:
    with peer() as port, hogs(4 * (os.cpu_count() or 1)):
        result = load(folder, port, rate, seconds)
    return Row("hogged", result, result.verdict.standing is Standing.INVALID)


def find_max(folder: Path, capacity: float, seconds: float) -> tuple[Search, bool]:
    search = Search(capacity / 3)
    with peer(capacity=capacity) as port:
        while (rate := search.next_rate()) is not None:
            result = load(folder, port, rate, seconds, "calls.success >= 99.5%")
            invalid = result.verdict.standing is Standing.INVALID
            held = all(one.holds for one in result.requirements)
            degraded = result.verdict.standing is Standing.DEGRADED
            broken = Outcome.DOUBTFUL if degraded else Outcome.BROKEN
            outcome = Outcome.INVALID if invalid else Outcome.HELD if held else broken
            search.take(rate, outcome, result.verdict.causes[0].name if invalid else "")
            print(f"    {rate:8.2f}/s  {outcome.value}", file=sys.stderr)
            time.sleep(0.3)  # the bucket fills
    found = search.answer()
    middle = found.middle
    return search, not found.refused and middle is not None and abs(middle - capacity) <= 0.05 * capacity


RUNS = {"quiet": quiet, "late": late, "dropping": dropping, "hogged": hogged}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rate", type=float, default=20.0)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--capacity", type=float, default=60.0)
    parser.add_argument("--only", choices=(*RUNS, "find-max"))
    parser.add_argument("--serve", nargs=3, type=float, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        late_s, ignore_every, capacity = options.serve
        serve(late_s, int(ignore_every), capacity)
        return
    good = True
    with scratch() as folder:
        print(f"{'run':10} {'as expected':12} {'generator':10} {'ended':>6} {'failed':>7} {'set-up p50':>11}  cause")
        for run_name, run in RUNS.items():
            if options.only in (None, run_name):
                row = run(folder, options.rate, options.seconds)
                tell(row)
                good = good and row.as_expected
        if options.only in (None, "find-max"):
            search, near = find_max(folder, options.capacity, options.seconds)
            found = search.answer()
            interval = found.refused or f"{found.least:.2f}/s to {found.most:.2f}/s of {options.capacity:g}/s"
            print(f"{'find-max':10} {'yes' if near else 'NO':12} {interval}, {len(search.trials)} trials")
            good = good and near
    sys.exit(0 if good else 1)


def tell(row: Row) -> None:
    total = row.result.total
    setup = total.histograms.get("sip.setup_time")
    p50 = None if setup is None else setup.statistic("p50")
    causes = ", ".join(symptom.name for symptom in row.result.verdict.causes) or "; ".join(
        list(total.named("cause/"))[:1]
    )
    print(
        f"{row.name:10} {'yes' if row.as_expected else 'NO':12} {row.result.verdict.standing.name:10} "
        f"{total.get('ended'):6} {total.get('failed'):7} {'—' if p50 is None else f'{p50:.1f} ms':>11}  {causes}",
        flush=True,
    )


if __name__ == "__main__":
    main()
