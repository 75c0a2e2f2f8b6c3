"""What a call costs when 100, 1,000 or 10,000 are up at the same time: it must not grow.

Signalling: three pairs of caller and callee keep so many calls up each, and take turns: in its turn a caller places
calls (INVITE, 180, 200, ACK) at the same rate as the others, and for each one hangs up the oldest (BYE, 200). So the
number that is up never changes, and a machine that becomes slower or faster meanwhile does so for all of them. Measured
is the processor time of each process from the beginning of one turn to that of the next one, timers of transactions
that run out in between included, for each call; of the turns in which nothing had to be sent twice the median counts.
Media: the processor time of the pacing thread for each packet that is sent and received, at as many legs as one core of
this machine carries.

    python -m bench.scale [--rate 200] [--seconds 8] [--turns 6] [--held 100 1000 10000] [--legs 100 300 1000]

Packets of many legs share a wake-up of the thread, so media gets cheaper with their number. Exit code 1 when
a cost is more than 20 % above that of the smallest number, or a call failed; 2 when the machine was too busy: in no
turn of some number were all messages answered in time.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from bench._calls import HOST, HeldCallee, HeldCaller, HeldSide
from bench.density import trial
from sipflow.load.worker import collect_seldom

FLAT_WITHIN = 0.2
PACKETS_PER_SECOND = 50
FORGOTTEN_AFTER_S = 33.0
"""When the last transaction of a call is over (64*T1), with a second of grace."""


class Oldest(HeldCaller):
    """A caller that, once so many calls are up, hangs up the oldest for each new one."""

    def __init__(self, held: int, rate: float) -> None:
        super().__init__("caller")
        self.held, self.rate = held, rate
        self.up: deque[str] = deque()

    async def turn(self, calls: int, target: str) -> None:
        """Place so many, evenly."""
        started = self.loop.time()
        for number in range(calls):
            if (early := started + number / self.rate - self.loop.time()) > 0:
                await asyncio.sleep(early)
            self.call(target)
            self.up.append(f"c-{self.placed}")
            if len(self.up) > self.held:
                self.hang_up(self.up.popleft())

    def hang_up(self, call: str) -> None:
        """One that failed long ago has nothing to hang up."""
        if self.agent.session(call) is not None:
            self.agent.release(call, self.loop.time())
            self.pump()


def counted(side: HeldSide) -> str:
    """What a side tells when it is asked."""
    return json.dumps({
        "cpu_s": time.process_time(), "active": side.active, "failed": side.failed, "again": side.retransmissions,
    })  # fmt: skip


async def serve(side: HeldSide, obey: Callable[[str], object]) -> None:
    """Tell how things are for every line that comes, after doing what it says; until there are no more."""
    while line := await side.loop.run_in_executor(None, sys.stdin.readline):
        done = obey(line.strip())
        if asyncio.iscoroutine(done):
            await done
        print(counted(side), flush=True)


async def call(port: str, held: str, rate: str) -> None:
    """The caller's process: a line is the number of calls to place."""
    side = Oldest(int(held), float(rate))
    await serve(side, lambda line: side.turn(int(line), f"sip:service@{HOST}:{port}"))


async def answer() -> None:
    """The callee's process."""
    side = HeldCallee("callee")
    print(side.endpoint.address[1], flush=True)
    await serve(side, lambda line: None)


@dataclass(slots=True)
class Look:
    """One process at one moment."""

    cpu_s: float
    active: int
    failed: int
    again: int


class Process:
    """This file in another role."""

    def __init__(self, *arguments: str) -> None:
        command = [sys.executable, "-m", "bench.scale", *arguments]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def line(self) -> str:
        """Its next line."""
        assert self._process.stdout is not None, "it was piped"
        return self._process.stdout.readline().strip()

    def ask(self, calls: int = 0) -> Look:
        """Have it do that, and look at it."""
        assert self._process.stdin is not None, "it was piped"
        self._process.stdin.write(f"{calls}\n")
        self._process.stdin.flush()
        return Look(**json.loads(self.line()))

    def end(self) -> None:
        """No more of it."""
        self._process.kill()
        self._process.wait()


@dataclass(slots=True)
class Pair:
    """Caller and callee of one number, and what their turns cost."""

    held: int
    rate: float
    callee: Process = field(init=False)
    caller: Process = field(init=False)
    looks: list[tuple[Look, Look]] = field(default_factory=list)
    calls: int = 0

    def __post_init__(self) -> None:
        self.callee = Process("--answer")
        self.caller = Process("--call", self.callee.line(), str(self.held), str(self.rate))
        self.caller.ask(self.held)

    def look(self) -> None:
        """Between two turns."""
        self.looks.append((self.caller.ask(), self.callee.ask()))

    def turn(self, calls: int) -> None:
        """Place so many calls and hang up as many."""
        self.look()
        self.caller.ask(calls)
        self.calls = calls

    def costs_us(self, side: int) -> list[float]:
        """Of that side, for a call, in each turn in which neither had to send anything twice."""
        return [
            1e6 * (after[side].cpu_s - before[side].cpu_s) / self.calls
            for before, after in zip(self.looks, self.looks[1:], strict=False)
            if all(then.again == now.again for then, now in zip(before, after, strict=True))
        ]


def flat(costs: Sequence[float]) -> bool:
    """Whether none is much dearer than the first."""
    return all(cost <= (1 + FLAT_WITHIN) * costs[0] for cost in costs)


def measure_signalling(counts: Sequence[int], rate: float, seconds: float, turns: int) -> int:
    """All pairs, and their table; gives the exit code."""
    print(f"signalling, {turns} turns of {seconds:g} s at {rate:g} calls/s")
    print(f"{'calls up':>10}{'caller µs':>12}{'callee µs':>12}{'turns':>9}{'failed':>9}{'again':>9}", flush=True)
    pairs = [Pair(held, rate) for held in counts]
    try:
        time.sleep(FORGOTTEN_AFTER_S)
        for _ in range(turns):
            for pair in pairs:
                pair.turn(max(int(rate * seconds), 1))
        time.sleep(FORGOTTEN_AFTER_S)
        for pair in pairs:
            pair.look()
    finally:
        for pair in pairs:
            pair.caller.end()
            pair.callee.end()
    return judge(pairs)


def judge(pairs: Sequence[Pair]) -> int:
    """The table, and the exit code."""
    costs: list[list[float]] = [[], []]
    failed = 0
    for pair in pairs:
        caller, callee = pair.looks[-1]
        quiet = [pair.costs_us(side) for side in range(2)]
        medians = [statistics.median(each) if each else float("nan") for each in quiet]
        for side, median in zip(costs, medians, strict=True):
            side.append(median)
        failed += caller.failed
        print(
            f"{callee.active:10}{medians[0]:12.0f}{medians[1]:12.0f}{len(quiet[0]):9}{caller.failed:9}"
            f"{caller.again + callee.again:9}"
        )
    if failed:
        return 1
    if any(cost != cost for side in costs for cost in side):
        return 2
    return 0 if all(flat(side) for side in costs) else 1


def measure_media(counts: Sequence[int], seconds: float) -> bool:
    """All trials of media, and their table."""
    print(f"\nmedia, PCMU 20 ms, {seconds:g} s each, one core")
    print(f"{'legs':>10}{'µs a packet':>12}{'p99 ms':>12}{'lost':>9}")
    costs = []
    for count in counts:
        outcome = trial(count, seconds, max(os.sched_getaffinity(0)), "", quiet=True)
        costs.append(1e6 * outcome.busy / count / PACKETS_PER_SECOND)
        print(f"{count:10}{costs[-1]:12.2f}{outcome.p99_ms:12.3f}{outcome.lost:9}", flush=True)
    return flat(costs)


def main() -> int:
    """0 when all costs are flat."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rate", type=float, default=200.0, help="calls started a second, default 200")
    parser.add_argument("--seconds", type=float, default=8.0, help="length of each turn, default 8")
    parser.add_argument("--turns", type=int, default=6, help="turns of each number, default 6")
    parser.add_argument("--held", type=int, nargs="+", default=[100, 1000, 10000], help="calls up at the same time")
    parser.add_argument("--legs", type=int, nargs="*", default=[100, 300, 1000], help="legs with media, even")
    parser.add_argument("--call", nargs=3, help=argparse.SUPPRESS)
    parser.add_argument("--answer", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.call or options.answer:
        collect_seldom()
        asyncio.run(call(*options.call) if options.call else answer())
        return 0
    code = measure_signalling(options.held, options.rate, options.seconds, options.turns)
    if options.legs and not measure_media(options.legs, options.seconds):
        code = 1
    verdicts = (
        "flat",
        f"NOT FLAT: a cost grew by more than {FLAT_WITHIN:.0%}, or calls failed",
        "NOT MEASURED: messages were sent twice in every turn of some number; the machine is too busy for this rate",
    )
    print(f"\n{verdicts[code]}")
    return code


if __name__ == "__main__":
    sys.exit(main())
