"""What a call of a load run costs its worker in Python: both sides of every call, with media, in this process.

    python -m bench.load_cost [--rate 60] [--calls 600] [--rounds 3] [--profile FILE]

A worker of `sipflow load` (`sipflow.load.engine`) is run here, in the thread of the bench, with agents that call each
other over loopback: INVITE, 180, 200, ACK, PCMA in both directions for half a second, BYE, 200, the walk through the
scenario, the measurements of both legs. Printed is the processor time of that thread (so native threads and other
programs of the machine do not count) for each call, less that of an idle worker for as long; the least of the rounds,
since what disturbs it makes it only larger. `--profile` runs once more under cProfile and prints where the time goes
and how many Python functions a call calls, a figure that no neighbour changes.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import pstats
import time
from dataclasses import dataclass, replace
from pathlib import Path

from bench._scratch import scratch
from sipflow.load.engine import Engine
from sipflow.load.messages import Delta, Finished, FromWorker, Ready, Start
from sipflow.load.plan import LoadOverrides
from sipflow.load.worker import collect_seldom
from sipflow.loading import LoadOptions, prepare

SCENARIO = """
agent caller { number 1001; codecs pcma }
agent desk   { number 2000; codecs pcma }
on caller { call desk; wait 500ms; release }
on desk { ring; answer; expect hangup }
"""


@dataclass(slots=True)
class Cost:
    """Of one round."""

    calls: int = 0
    failed: int = 0
    thread_s: float = 0.0
    elapsed_s: float = 0.0


async def run(folder: Path, rate: float, calls: int) -> Cost:
    """One worker from its first call to its last."""
    file = folder / "cost.sflow"
    file.write_text(SCENARIO)
    prepared = prepare(file, LoadOptions(LoadOverrides(rate=rate, calls=calls), out=folder / "out"))
    prepared = replace(prepared, keep_failures=0)
    cost, began = Cost(), (0.0, 0.0)

    def tell(message: FromWorker) -> None:
        nonlocal began
        match message:
            case Ready():
                engine.take(Start(time.monotonic() + 0.2))
                began = time.thread_time(), time.monotonic()
            case Delta(metrics=metrics):
                cost.calls += metrics.get("ended")
                cost.failed += metrics.get("failed")
            case Finished(crashed=crashed):
                assert not crashed, crashed
                cost.thread_s, cost.elapsed_s = time.thread_time() - began[0], time.monotonic() - began[1]
            case _:
                pass

    engine = Engine(prepared, tell)
    await engine.run()
    return cost


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rate", type=float, default=60.0)
    parser.add_argument("--calls", type=int, default=600)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--profile", metavar="FILE", help="write a cProfile and print its top")
    options = parser.parse_args()
    collect_seldom()
    with scratch() as folder:
        costs = []
        for _ in range(options.rounds):
            cost = asyncio.run(run(folder, options.rate, options.calls))
            costs.append(cost.thread_s / max(cost.calls, 1))
            print(f"{cost.calls} calls ended, {cost.failed} failed: {costs[-1] * 1e3:.2f} ms a call", flush=True)
        if costs:
            print(f"least {min(costs) * 1e3:.2f} ms of Python for a call, both sides, with media")
        if options.profile:
            profile = cProfile.Profile()
            profile.enable()
            cost = asyncio.run(run(folder, options.rate / 2, options.calls // 2))
            profile.disable()
            profile.dump_stats(options.profile)
            statistics = pstats.Stats(profile)
            statistics.sort_stats("tottime").print_stats(45)
            total: int = statistics.total_calls  # type: ignore[attr-defined]
            print(f"{total / max(cost.calls, 1):.0f} Python functions a call")


if __name__ == "__main__":
    main()
