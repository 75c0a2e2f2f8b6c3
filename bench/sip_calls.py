"""Calls a second: INVITE, 180, 200, ACK, BYE, 200 over UDP on loopback, no media.

Three pairs in one run, each searched for the highest rate that is held without a retransmission or a failed call:
probes of a few seconds, each broken off at the first retransmission that sipflow sees, find it to 5 %; then it has to
hold in one proof that is longer than a transaction lives (32 s), so that forgetting calls is part of it. A proof that
fails is repeated 13 % lower.

    SIPp uac    → SIPp uas      the yardstick
    sipflow uac → SIPp uas
    SIPp uac    → sipflow uas

    python bench/sip_calls.py [--probe 4] [--proof 40] [--start 1000] [--profile]

sipflow's side is one process: the user agent machine of every run, its UDP endpoint, and a loop that starts calls at
their planned times. Beside the rate stands what a call of the proof took of that process's processor time, which a
neighbour on the machine changes less. `--profile` prints where the time of the sipflow sides goes (cProfile, at half of
the rate held).
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import cProfile
import csv
import io
import json
import os
import pstats
import random
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from sipflow import events
from sipflow.load.worker import collect_seldom
from sipflow.media_params import Direction, RtpFormat
from sipflow.runtime.transports.udp import UdpEndpoint
from sipflow.sdp.negotiate import LocalMedia
from sipflow.sip.hop import Hop
from sipflow.sip.outputs import Transmit
from sipflow.sip.user_agent import UserAgent, UserAgentConfig

HOST = "127.0.0.1"
CLOSE_TO = 1.05
"""A rate that is not held is at most so many times the one that is."""
STEP_BACK = 1.15
"""By how much less is tried when a proof fails."""
GRACE_S = 3.0
"""How long after the last planned call a probe waits for what is missing; a call takes milliseconds."""
FORMATS = (RtpFormat("PCMU", 0), RtpFormat("telephone-event", 101, fmtp="0-15"))


@dataclass(slots=True)
class Outcome:
    """What one side counted in one trial."""

    planned: int
    completed: int
    failed: int
    retransmissions: int
    elapsed_s: float
    cpu_s: float = 0.0
    """Processor time of sipflow's process."""

    @property
    def cost_us(self) -> float:
        """Of that for a call."""
        return 1e6 * self.cpu_s / max(self.completed, 1)

    @property
    def rate(self) -> float:
        """Completed calls a second."""
        return self.completed / self.elapsed_s if self.elapsed_s else 0.0

    def holds(self, wanted: float) -> bool:
        """Whether the rate was held: all calls completed in the planned time, and nothing had to be sent twice."""
        return self.failed == 0 and self.retransmissions == 0 and self.completed >= self.planned and (
            self.rate >= 0.95 * wanted
        )  # fmt: skip


class Side:
    """A user agent on a socket, driven by a loop of its own."""

    def __init__(self, name: str) -> None:
        self.loop = asyncio.get_running_loop()
        self.names = iter(range(1, 1 << 62))
        self.endpoint = UdpEndpoint(HOST, 0, receive=self._receive, drained=self.pump)
        host, port = self.endpoint.address
        config = UserAgentConfig(name=name, user=name, host=host, port=port, trace=False)
        self.agent = UserAgent(config, random.Random(os.getpid()), lambda: f"{name}-{next(self.names)}")
        self.media = LocalMedia(host, 20_000, FORMATS, 20, Direction.SENDRECV)
        self.timer: asyncio.TimerHandle | None = None
        self.timer_at = float("inf")
        self.completed = self.failed = 0
        self.progress = asyncio.Event()
        self.endpoint.open(self.loop)

    def _receive(self, data: bytes, source: Hop) -> None:
        self.agent.receive(data, source, self.loop.time())

    def pump(self) -> None:
        """Drain the machine, then re-arm its timer."""
        while outputs := list(self.agent.outputs()):
            for output in outputs:
                if isinstance(output, Transmit):
                    self.endpoint.send(output.data, output.destination)
                else:
                    self.take(output)
        self.progress.set()
        deadline = self.agent.next_deadline()
        if deadline is not None and deadline < self.timer_at:
            if self.timer is not None:
                self.timer.cancel()
            self.timer_at, self.timer = deadline, self.loop.call_at(deadline, self._on_timer)

    def _on_timer(self) -> None:
        self.timer, self.timer_at = None, float("inf")
        self.agent.handle_timer(self.loop.time())
        self.pump()

    def take(self, payload: events.Payload) -> None:
        """What a scenario would do."""
        raise NotImplementedError

    @property
    def retransmissions(self) -> int:
        """Sent and received."""
        counted = self.agent.statistics()
        return counted.retransmissions_sent + counted.retransmissions_received


class Caller(Side):
    """Calls at planned times; hangs up as soon as it is answered."""

    def take(self, payload: events.Payload) -> None:
        """Answered: hang up. Released: done."""
        match payload:
            case events.CallAnswered(call=call):
                self.agent.release(call, self.loop.time())
            case events.CallReleased(code=code):
                self.completed += code == 200
                self.failed += code != 200
            case events.CallRejected():
                self.failed += 1
            case _:
                pass

    async def all_done(self, planned: int) -> None:
        """Until every planned call has its outcome."""
        while self.completed + self.failed < planned:
            self.progress.clear()
            await self.progress.wait()

    async def run(self, target: str, rate: float, seconds: float) -> Outcome:
        """Open loop: call n starts at n / rate, whatever became of the calls before."""
        planned, started, cpu_s = int(rate * seconds), self.loop.time(), time.process_time()
        for number in range(planned):
            if self.retransmissions or self.failed:
                break  # the rate is not held
            due = started + number / rate
            if self.loop.time() < due:
                await asyncio.sleep(due - self.loop.time())
            self.agent.invite(f"c-{number}", target, self.media, self.loop.time())
            self.pump()
            if number % 16 == 15:
                await asyncio.sleep(0)
        else:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.all_done(planned), GRACE_S)
        elapsed, cpu_s = self.loop.time() - started, time.process_time() - cpu_s
        return Outcome(planned, self.completed, self.failed, self.retransmissions, elapsed, cpu_s)


class Callee(Side):
    """Rings, answers, and waits for the BYE."""

    def take(self, payload: events.Payload) -> None:
        """A call: 180 and 200."""
        match payload:
            case events.CallIncoming(call=call):
                now = self.loop.time()
                self.agent.ring(call, now)
                self.agent.answer(call, self.media, now)
            case events.CallEnded(by=by):
                self.completed += by == "remote"
                self.failed += by != "remote"
            case _:
                pass


# --- sipflow's sides, each in a process of its own ---


def run_caller(port: int, rate: float, seconds: float) -> Outcome:
    async def work() -> Outcome:
        return await Caller("caller").run(f"sip:service@{HOST}:{port}", rate, seconds)

    return asyncio.run(work())


def run_callee(seconds: float) -> Outcome:
    async def work() -> Outcome:
        side = Callee("callee")
        print(side.endpoint.address[1], flush=True)
        started = side.loop.time()
        await side.loop.run_in_executor(None, sys.stdin.readline)
        elapsed = side.loop.time() - started
        return Outcome(0, side.completed, side.failed, side.retransmissions, elapsed, time.process_time())

    return asyncio.run(work())


def child(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, __file__, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def profiled(work: Callable[[], Outcome]) -> Outcome:
    profile = cProfile.Profile()
    outcome = profile.runcall(work)
    shown = io.StringIO()
    pstats.Stats(profile, stream=shown).sort_stats("tottime").print_stats(25)
    print(shown.getvalue(), file=sys.stderr)
    return outcome


# --- SIPp ---


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


class SippUas:
    """SIPp's built-in `uas`."""

    def __init__(self, folder: Path) -> None:
        self.port, self.stat = free_port(), folder / f"uas-{time.monotonic_ns()}.csv"
        self.process = subprocess.Popen(
            ["sipp", "-sn", "uas", "-i", HOST, "-p", str(self.port), "-mp", "7000", "-nostdin",
             "-trace_stat", "-stf", str(self.stat), "-fd", "1"],
            cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        time.sleep(0.7)  # SIPp says nowhere that it is ready

    def stop(self) -> int:
        """End it; gives its retransmissions."""
        time.sleep(1.2)  # one more line of statistics
        self.process.kill()
        self.process.wait()
        return int(read_stat(self.stat).get("Retransmissions(C)", 0))


def sipp_uac(folder: Path, port: int, rate: float, seconds: float) -> Outcome:
    stat, planned = folder / f"uac-{time.monotonic_ns()}.csv", int(rate * seconds)
    subprocess.run(
        ["sipp", "-sn", "uac", f"{HOST}:{port}", "-i", HOST, "-p", str(free_port()), "-mp", "7100", "-nostdin",
         "-r", str(int(rate)), "-m", str(planned), "-l", "50000", "-d", "0", "-trace_stat", "-stf", str(stat),
         "-fd", "1", "-timeout", f"{int(seconds + GRACE_S)}s", "-timeout_error"],
        cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False,
    )  # fmt: skip
    counted = read_stat(stat)
    completed, reached = int(counted.get("SuccessfulCall(C)", 0)), counted.get("CallRate(C)", 0.0)
    return Outcome(
        planned,
        completed,
        int(counted.get("FailedCall(C)", 0)),
        int(counted.get("Retransmissions(C)", 0)),
        completed / reached if reached else 0.0,
    )


def read_stat(path: Path) -> dict[str, float]:
    """The numbers in the last line of SIPp's statistics file."""
    with path.open() as stream:
        rows = list(csv.DictReader(stream, delimiter=";"))
    last = rows[-1] if rows else {}
    return {name: float(value) for name, value in last.items() if name and value and _NUMBER.fullmatch(value.strip())}


_NUMBER = re.compile(r"[0-9]+(\.[0-9]+)?")


# --- the three pairs ---


def sipp_to_sipp(folder: Path, rate: float, seconds: float) -> Outcome:
    uas = SippUas(folder)
    outcome = sipp_uac(folder, uas.port, rate, seconds)
    outcome.retransmissions += uas.stop()
    return outcome


def sipflow_to_sipp(folder: Path, rate: float, seconds: float) -> Outcome:
    uas = SippUas(folder)
    caller = child("--role", "caller", "--port", str(uas.port), "--rate", str(rate), "--seconds", str(seconds))
    shown, _ = caller.communicate(timeout=seconds + 30)
    outcome = Outcome(**json.loads(shown))
    outcome.retransmissions += uas.stop()
    return outcome


def sipp_to_sipflow(folder: Path, rate: float, seconds: float) -> Outcome:
    callee = child("--role", "callee", "--seconds", str(seconds))
    assert callee.stdout is not None
    outcome = sipp_uac(folder, int(callee.stdout.readline()), rate, seconds)
    shown, _ = callee.communicate("\n", timeout=30)
    theirs = Outcome(**json.loads(shown))
    outcome.retransmissions += theirs.retransmissions
    outcome.failed += theirs.failed
    outcome.cpu_s = theirs.cpu_s
    return outcome


Trial = Callable[[Path, float, float], Outcome]
PAIRS: dict[str, Trial] = {
    "SIPp uac    → SIPp uas": sipp_to_sipp,
    "sipflow uac → SIPp uas": sipflow_to_sipp,
    "SIPp uac    → sipflow uas": sipp_to_sipflow,
}


@dataclass(frozen=True, slots=True)
class Lengths:
    """Seconds that trials take."""

    probe: float
    proof: float


def highest_rate(trial: Trial, folder: Path, lengths: Lengths, start: float) -> tuple[float, Outcome | None]:
    """Bracket the rate by doubling or halving, close in, prove. 0 and None when none is held."""
    low, high = 0.0, start
    while low == 0.0 and high >= 1.0:
        if attempt(trial, folder, high, lengths.probe).holds(high):
            low = high
        else:
            high /= 2
    high = max(2 * low, high)
    while low == high / 2 >= start and attempt(trial, folder, high, lengths.probe).holds(high):
        low, high = high, 2 * high
    while 0 < CLOSE_TO * low < high:
        middle = (low * high) ** 0.5
        if attempt(trial, folder, middle, lengths.probe).holds(middle):
            low = middle
        else:
            high = middle
    while low >= 1.0:
        outcome = attempt(trial, folder, low, lengths.proof)
        if outcome.holds(low):
            return low, outcome
        low /= STEP_BACK
    return 0.0, None


def attempt(trial: Trial, folder: Path, rate: float, seconds: float) -> Outcome:
    """One trial, and a second one when the first was spoiled: the machines are shared."""
    outcome = trial(folder, rate, seconds)
    if not outcome.holds(rate):
        outcome = trial(folder, rate, seconds)
    held = "held" if outcome.holds(rate) else "not held"
    print(f"    {rate:8.0f}/s  {held}: {outcome.completed} of {outcome.planned} completed, {outcome.failed} failed, "
          f"{outcome.retransmissions} retransmissions, {outcome.rate:.0f}/s reached", file=sys.stderr)  # fmt: skip
    return outcome


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--probe", type=float, default=4.0, help="seconds of a probe, default 4")
    parser.add_argument("--proof", type=float, default=40.0, help="seconds of the proof, default 40")
    parser.add_argument("--start", type=float, default=1000.0, help="rate of the first probe, default 1000")
    parser.add_argument("--profile", action="store_true", help="show where the time of sipflow's sides goes")
    parser.add_argument("--role", choices=("caller", "callee"), help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--rate", type=float, help=argparse.SUPPRESS)
    parser.add_argument("--seconds", type=float, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.role:
        work = (
            (lambda: run_caller(options.port, options.rate, options.seconds))
            if options.role == "caller"
            else (lambda: run_callee(options.seconds))
        )
        collect_seldom()
        print(json.dumps(asdict(profiled(work) if os.environ.get("SIP_CALLS_PROFILE") else work())))
        return
    if shutil.which("sipp") is None:
        sys.exit("sip_calls: SIPp is not installed (Debian: sip-tester)")
    compare(Lengths(options.probe, options.proof), options.start, profile=options.profile)


def compare(lengths: Lengths, start: float, *, profile: bool) -> None:
    held: dict[str, tuple[float, Outcome | None]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for pair, trial in PAIRS.items():
            print(f"{pair}", file=sys.stderr)
            held[pair] = highest_rate(trial, folder, lengths, start)
        if profile:
            os.environ["SIP_CALLS_PROFILE"] = "1"
            for pair in list(PAIRS)[1:]:
                print(f"profile of {pair}", file=sys.stderr)
                PAIRS[pair](folder, held[pair][0] / 2, lengths.probe)
    yardstick = next(iter(held.values()))[0] or 1.0
    print(f"\n{'pair':28} {'calls/s held':>13} {'of SIPp':>8} {'µs a call':>10}")
    for pair, (rate, outcome) in held.items():
        cost = f"{outcome.cost_us:10.0f}" if outcome is not None and outcome.cpu_s else f"{'':10}"
        print(f"{pair:28} {rate:13.0f} {rate / yardstick:8.0%} {cost}")


if __name__ == "__main__":
    main()
