"""What a call costs when 100, 1,000 or 10,000 are up at the same time: it must not grow.

Signalling: a caller keeps so many calls up towards a callee (INVITE, 180, 200, ACK, later BYE, 200), placing new ones
at the same rate in every trial and hanging up after as many seconds as that needs; measured is the processor time of
each side's process for each call of a window in which the number is steady. Media: the processor time of the pacing
thread for each packet that is sent and received, at as many legs as one core of this machine carries.

    python -m bench.scale [--rate 200] [--seconds 10] [--held 100 1000 10000] [--legs 100 300 1000]

Packets of many legs share a wake-up of the thread, so media gets cheaper with their number. Exit code 1 when
a cost is more than 20 % above that of the smallest number, or a call failed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Sequence

from bench._calls import HOST, HeldCallee, HeldCaller, processor_s
from bench.density import trial

FLAT_WITHIN = 0.2
PACKETS_PER_SECOND = 50


async def keep_up(port: int, held: int, rate: float, seconds: float) -> None:
    """Place calls until the number is steady, then tell the time before and after the window."""
    side = HeldCaller("caller", hold_s=held / rate)
    target = f"sip:service@{HOST}:{port}"
    placing = side.loop.create_task(side.place_evenly(10**9, rate, target))
    await asyncio.sleep(held / rate + 2)
    print("steady", flush=True)
    before, ended = processor_s("self"), side.completed
    await asyncio.sleep(seconds)
    told = {
        "active": side.active, "cost_us": 1e6 * (processor_s("self") - before) / max(side.completed - ended, 1),
        "failed": side.failed, "retransmissions": side.retransmissions,
    }  # fmt: skip
    placing.cancel()
    print(json.dumps(told), flush=True)


async def answer() -> None:
    """Answer every call until the input ends."""
    side = HeldCallee("callee")
    print(side.endpoint.address[1], flush=True)
    await side.loop.run_in_executor(None, sys.stdin.readline)


def role(*arguments: str) -> subprocess.Popen[str]:
    """This file in another role."""
    command = [sys.executable, "-m", "bench.scale", *arguments]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def line_of(process: subprocess.Popen[str]) -> str:
    """Its next line."""
    assert process.stdout is not None, "it was piped"
    return process.stdout.readline()


def signalling(held: int, rate: float, seconds: float) -> dict[str, float]:
    """One trial: costs of both sides for a call."""
    callee = role("--answer")
    caller = role("--call", line_of(callee).strip(), str(held), str(rate), str(seconds))
    line_of(caller)
    before = processor_s(callee.pid)
    told: dict[str, float] = json.loads(line_of(caller))
    told["callee_us"] = 1e6 * (processor_s(callee.pid) - before) / (rate * seconds)
    for process in (caller, callee):
        process.kill()
        process.wait()
    return told


def flat(costs: Sequence[float]) -> bool:
    """Whether none is much dearer than the first."""
    return all(cost <= (1 + FLAT_WITHIN) * costs[0] for cost in costs)


def measure_signalling(counts: Sequence[int], rate: float, seconds: float) -> bool:
    """All trials of signalling, and their table."""
    print(f"signalling, {rate:g} calls/s started, {seconds:g} s each")
    print(f"{'calls up':>10}{'caller µs':>12}{'callee µs':>12}{'failed':>9}{'again':>9}")
    results = []
    for held in counts:
        told = signalling(held, rate, seconds)
        results.append(told)
        print(
            f"{told['active']:10.0f}{told['cost_us']:12.0f}{told['callee_us']:12.0f}{told['failed']:9.0f}"
            f"{told['retransmissions']:9.0f}",
            flush=True,
        )
    even = flat([told["cost_us"] for told in results]) and flat([told["callee_us"] for told in results])
    return even and not any(told["failed"] for told in results)


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
    parser.add_argument("--seconds", type=float, default=10.0, help="length of each window, default 10")
    parser.add_argument("--held", type=int, nargs="+", default=[100, 1000, 10000], help="calls up at the same time")
    parser.add_argument("--legs", type=int, nargs="+", default=[100, 300, 1000], help="legs with media, even")
    parser.add_argument("--call", nargs=4, help=argparse.SUPPRESS)
    parser.add_argument("--answer", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.call:
        port, held, rate, seconds = options.call
        asyncio.run(keep_up(int(port), int(held), float(rate), float(seconds)))
        return 0
    if options.answer:
        asyncio.run(answer())
        return 0
    even = measure_signalling(options.held, options.rate, options.seconds)
    even = measure_media(options.legs, options.seconds) and even
    print("\nflat" if even else f"\nNOT FLAT: a cost grew by more than {FLAT_WITHIN:.0%}, or calls failed")
    return 0 if even else 1


if __name__ == "__main__":
    sys.exit(main())
