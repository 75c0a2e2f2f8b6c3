"""Calls a second: INVITE, 180, 200, ACK, BYE, 200 over UDP on loopback, no media.

Three pairs in one run, each searched for the highest rate that is held without a retransmission or a failed call:
probes of a few seconds, each broken off at the first of these that the caller sees, find it to 5 %; then it has to
hold in one proof that is longer than a transaction lives (32 s), so that forgetting calls is part of it. A proof that
fails is repeated 13 % lower, as long as there is time: the pairs share `--minutes`. The table comes in any case, and
says what was not proven, and why.

    SIPp uac    → SIPp uas      the yardstick
    sipflow uac → SIPp uas
    SIPp uac    → sipflow uas

    python bench/sip_calls.py [--probe 4] [--proof 40] [--start 1000] [--minutes 5] [--profile]
    python bench/sip_calls.py --at 1000 [--proof 40]

The second only proves a rate: each pair has to hold it for so long, and the exit code is 1 when sipflow's do not.

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
import time
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path

from bench._highest import START_UP_S, Found, Lengths, Outcome, Search, table
from bench._scratch import scratch
from sipflow import events
from sipflow.load.worker import collect_seldom
from sipflow.media_params import Direction, RtpFormat
from sipflow.runtime.transports.udp import UdpEndpoint
from sipflow.sdp.negotiate import LocalMedia
from sipflow.sip.hop import Hop
from sipflow.sip.outputs import Transmit
from sipflow.sip.user_agent import UserAgent, UserAgentConfig

HOST = "127.0.0.1"
LOOK_EVERY_S = 0.3
"""How often a SIPp that calls is asked whether the rate is still held."""
GRACE_S = 3.0
"""How long after the last planned call a probe waits for what is missing; a call takes milliseconds."""
FORMATS = (RtpFormat("PCMU", 0), RtpFormat("telephone-event", 101, fmtp="0-15"))


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
    """SIPp's built-in `uas`, while inside."""

    def __init__(self, folder: Path) -> None:
        self.port, self.stat = free_port(), folder / f"uas-{time.monotonic_ns()}.csv"
        self.process = subprocess.Popen(
            ["sipp", "-sn", "uas", "-i", HOST, "-p", str(self.port), "-mp", "7000", "-nostdin",
             "-trace_stat", "-stf", str(self.stat), "-fd", "1"],
            cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def __enter__(self) -> SippUas:
        time.sleep(0.7)  # SIPp says nowhere that it is ready
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()

    @property
    def retransmissions(self) -> int:
        """As it last wrote."""
        return int(read_stat(self.stat).get("Retransmissions(C)", 0))

    def last_word(self) -> int:
        """Its retransmissions in the end."""
        time.sleep(1.2)  # one more line of statistics
        return self.retransmissions


def sipp_uac(folder: Path, port: int, rate: float, seconds: float, theirs: Callable[[], int] = lambda: 0) -> Outcome:
    """SIPp's built-in `uac`; broken off when one side sends a message again or a call fails, as sipflow's is.

    `theirs` are the retransmissions of the other side until now.
    """
    stat, planned = folder / f"uac-{time.monotonic_ns()}.csv", int(rate * seconds)
    caller = subprocess.Popen(
        ["sipp", "-sn", "uac", f"{HOST}:{port}", "-i", HOST, "-p", str(free_port()), "-mp", "7100", "-nostdin",
         "-r", str(int(rate)), "-m", str(planned), "-l", "50000", "-d", "0", "-trace_stat", "-stf", str(stat),
         "-fd", "1", "-timeout", f"{int(seconds + GRACE_S)}s", "-timeout_error"],
        cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        until = time.monotonic() + seconds + 2 * GRACE_S
        while caller.poll() is None and time.monotonic() < until:
            told = read_stat(stat)
            if told.get("Retransmissions(C)", 0) + told.get("FailedCall(C)", 0) + theirs():
                break
            with contextlib.suppress(subprocess.TimeoutExpired):
                caller.wait(LOOK_EVERY_S)
    finally:
        caller.kill()
        caller.wait()
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
    if not path.exists():
        return {}
    with path.open() as stream:
        rows = list(csv.DictReader(stream, delimiter=";"))
    last = rows[-1] if rows else {}
    return {name: float(value) for name, value in last.items() if name and value and _NUMBER.fullmatch(value.strip())}


_NUMBER = re.compile(r"[0-9]+(\.[0-9]+)?")


# --- the three pairs ---


def sipp_to_sipp(folder: Path, rate: float, seconds: float) -> Outcome:
    with SippUas(folder) as uas:
        outcome = sipp_uac(folder, uas.port, rate, seconds, lambda: uas.retransmissions)
        outcome.retransmissions += uas.last_word()
    return outcome


def sipflow_to_sipp(folder: Path, rate: float, seconds: float) -> Outcome:
    with SippUas(folder) as uas:
        caller = child("--role", "caller", "--port", str(uas.port), "--rate", str(rate), "--seconds", str(seconds))
        outcome = told_by(caller, "", seconds + 2 * GRACE_S + START_UP_S)
        outcome.retransmissions += uas.last_word()
    return outcome


def sipp_to_sipflow(folder: Path, rate: float, seconds: float) -> Outcome:
    callee = child("--role", "callee", "--seconds", str(seconds))
    assert callee.stdout is not None
    try:
        outcome = sipp_uac(folder, int(callee.stdout.readline()), rate, seconds)
    finally:
        theirs = told_by(callee, "\n", 2 * GRACE_S)
    outcome.retransmissions += theirs.retransmissions
    outcome.failed += theirs.failed
    outcome.cpu_s = theirs.cpu_s
    return outcome


def told_by(side: subprocess.Popen[str], words: str, within_s: float) -> Outcome:
    """What a child counted, once it was told `words`; one that does not come to its end has failed."""
    try:
        return Outcome(**json.loads(side.communicate(words, timeout=within_s)[0]))
    except subprocess.TimeoutExpired:
        return Outcome(planned=1, completed=0, failed=1, retransmissions=0, elapsed_s=within_s)
    finally:
        side.kill()
        side.wait()


PAIRS: dict[str, Callable[[Path, float, float], Outcome]] = {
    "SIPp uac    → SIPp uas": sipp_to_sipp,
    "sipflow uac → SIPp uas": sipflow_to_sipp,
    "SIPp uac    → sipflow uas": sipp_to_sipflow,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--probe", type=float, default=4.0, help="seconds of a probe, default 4")
    parser.add_argument("--proof", type=float, default=40.0, help="seconds of the proof, default 40")
    parser.add_argument("--start", type=float, default=1000.0, help="rate of the first probe, default 1000")
    parser.add_argument("--minutes", type=float, default=5.0, help="for all of it, default 5")
    parser.add_argument("--at", type=float, metavar="RATE", help="no search: every pair at this rate for the proof")
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
    if options.at is not None:
        sys.exit(0 if prove(options.at, options.proof) else 1)
    compare(Lengths(options.probe, options.proof), options.start, options.minutes, profile=options.profile)


def prove(rate: float, seconds: float) -> bool:
    """Whether sipflow's pairs hold a rate for so long."""
    good = True
    with scratch() as folder:
        for pair, trial in PAIRS.items():
            outcome = trial(folder, rate, seconds)
            held = outcome.holds(rate)
            good = good and (held or "sipflow" not in pair)
            print(f"{pair:27} {rate:g}/s for {seconds:g} s {'held' if held else 'NOT HELD'}: {outcome}", flush=True)
    return good


def compare(lengths: Lengths, start: float, minutes: float, *, profile: bool) -> None:
    """Each pair has its share of the time that is left; the table is printed however far they came."""
    found: dict[str, Found] = {}
    until = time.monotonic() + 60 * minutes
    with scratch() as folder:
        try:
            for number, (pair, trial) in enumerate(PAIRS.items()):
                print(f"{pair}", file=sys.stderr, flush=True)
                now = time.monotonic()
                search = Search(
                    partial(trial, folder), lengths, now + (until - now) / (len(PAIRS) - number), time.monotonic
                )
                found[pair] = search.run(start)
        finally:
            print("", *table(found), sep="\n", flush=True)
        if profile:
            os.environ["SIP_CALLS_PROFILE"] = "1"
            for pair in list(PAIRS)[1:]:
                print(f"profile of {pair}", file=sys.stderr)
                PAIRS[pair](folder, max(found[pair].probed / 2, 1.0), lengths.probe)


if __name__ == "__main__":
    main()
