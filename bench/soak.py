"""Half of capacity for a long time: nothing grows, nothing drifts, and everything is handed back at the end.

Caller and callee are in this process, each call with SIP (INVITE, 180, 200, ACK, BYE, 200) and a duplex leg of media on
both sides. Calls are placed at `--rate`, stay up for `--hold` seconds, and after `--minutes` no more are placed. Then
all of this has to hold:

    no call failed, no packet was lost or missed
    resident memory of the last quarter is at most 5 % and 4 MiB above that of the second
    descriptors never exceed what the calls that were up need
    lateness of sending: p99 of the last quarter is below twice that of the second plus 1 ms
    in the end no call, dialog, transaction, timer or leg is left, and as many descriptors are open as before

    python -m bench.soak [--minutes 30] [--rate 20] [--hold 10]

Prints a line a minute (less in short runs) and the verdict of each; exit code 1 when one does not hold. The last calls'
transactions live for another 32 seconds (RFC 3261 timers), which are waited for.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import resource
import statistics
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench._calls import HOST, HeldCallee, HeldCaller, HeldSide, status_kb
from sipflow.media import EngineConfig, MediaEngine
from sipflow.native import lib

DESCRIPTORS_PER_CALL = 6
SLACK_KB = 4096
GROWTH = 1.05
SLACK_MS = 1.0
FORGOTTEN_AFTER_S = 40.0
SAMPLES = 120
LINES = 10
"""At least as many lines a run; else one a minute."""
PATIENCE_S = 10.0


@dataclass(frozen=True, slots=True)
class Sample:
    """The state at one moment, and the lateness since the moment before."""

    at_s: float
    active: int
    resident_kb: int
    descriptors: int
    p99_ms: float

    def __str__(self) -> str:
        return (
            f"{self.at_s:8.0f} s{self.active:8} up{self.resident_kb:10} kB{self.descriptors:8} descriptors"
            f"{self.p99_ms:10.3f} ms late at p99"
        )


def descriptors() -> int:
    """How many this process has open."""
    return len(list(Path("/proc/self/fd").iterdir())) - 1


class LatenessSince:
    """Percentiles of what was sent since the last look: the engine's histogram minus what it was then."""

    def __init__(self, engine: MediaEngine) -> None:
        self._engine = engine
        self._before: Counter[int] = Counter()

    def p99_ms(self) -> float:
        """Of the packets since the last call; 0 when there were none."""
        now = Counter(self._engine.lateness_counts()[0])
        counts, self._before = now - self._before, now
        rank, seen = 0.99 * counts.total(), 0
        for bucket in sorted(counts):
            seen += counts[bucket]
            if seen >= rank:
                return float(lib.sfm_histogram_highest(bucket)) / 1e6
        return 0.0


@dataclass(slots=True)
class Verdicts:
    """What held and what did not."""

    failed: int = 0

    def tell(self, held: bool, what: str) -> None:
        """Print one."""
        self.failed += not held
        print(f"{'held' if held else 'BROKEN':8}{what}", flush=True)


# --- the run ---


async def sample_until(done: asyncio.Task[None], every_s: float, engine: MediaEngine, side: HeldCaller) -> list[Sample]:
    """Look at the process again and again until all calls are placed."""
    loop, late, samples = asyncio.get_running_loop(), LatenessSince(engine), []
    started, told = loop.time(), 0.0
    while not done.done():
        await asyncio.wait({done}, timeout=every_s)
        at_s = loop.time() - started
        samples.append(Sample(at_s, side.active, status_kb("self"), descriptors(), late.p99_ms()))
        if at_s >= told:
            print(samples[-1], flush=True)
            told = at_s + min(60.0, every_s * SAMPLES / LINES)
    return samples


async def until(held: Callable[[], bool], within_s: float) -> bool:
    """Whether it came to hold in time."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(within_s):
            while not held():  # noqa: ASYNC110 - state of machines and of the kernel, which nobody announces
                await asyncio.sleep(0.1)
    return held()


def judge_flatness(samples: list[Sample], before: int, verdicts: Verdicts) -> None:
    """Memory, descriptors and lateness over time."""
    quarter = max(len(samples) // 4, 1)
    second, last = samples[quarter : 2 * quarter] or samples, samples[-quarter:]
    early, late = (statistics.median(sample.resident_kb for sample in part) for part in (second, last))
    verdicts.tell(late <= GROWTH * early + SLACK_KB, f"resident memory: {early:.0f} kB, at the end {late:.0f} kB")
    most = max(sample.descriptors - before - DESCRIPTORS_PER_CALL * sample.active for sample in samples)
    verdicts.tell(
        most <= 2 * DESCRIPTORS_PER_CALL, f"descriptors: at most {most} beyond those of the calls that were up"
    )
    early_ms, late_ms = (statistics.median(sample.p99_ms for sample in part) for part in (second, last))
    verdicts.tell(late_ms <= 2 * early_ms + SLACK_MS, f"lateness p99: {early_ms:.3f} ms, at the end {late_ms:.3f} ms")


async def judge_end(
    engine: MediaEngine, sides: Sequence[HeldSide], before: int, hold_s: float, verdicts: Verdicts
) -> None:
    """All calls over, all state gone, all descriptors back."""
    over = await until(lambda: not any(side.active for side in sides), hold_s + PATIENCE_S)
    verdicts.tell(over, "every call came to its end")
    idle = await until(lambda: all(side.agent.idle for side in sides), FORGOTTEN_AFTER_S)
    verdicts.tell(idle, "no call, dialog, transaction or timer is left")
    back = await until(lambda: descriptors() <= before, PATIENCE_S)
    verdicts.tell(back, f"descriptors: {before} before, {descriptors()} after")
    verdicts.tell(not any(side.legs for side in sides), "every leg was handed back")
    missed, lost = engine.statistics().missed_ticks, sum(side.lost for side in sides)
    told = "".join(f"\n        {loss}" for side in sides for loss in side.losses)
    verdicts.tell(missed == 0 and lost == 0, f"packets: {lost} lost, {missed} missed{told}")


async def soak(minutes: float, rate: float, hold_s: float) -> int:
    """The number of promises that were broken."""
    verdicts, planned = Verdicts(), max(int(60 * minutes * rate), 1)
    with MediaEngine(EngineConfig(threads=1)) as engine:
        loop = asyncio.get_running_loop()
        loop.add_reader(engine.fileno(), engine.drain)
        caller, callee = HeldCaller("caller", engine, hold_s), HeldCallee("callee", engine)
        before = descriptors()
        target = f"sip:service@{HOST}:{callee.endpoint.address[1]}"
        placing = loop.create_task(caller.place_evenly(planned, rate, target))
        samples = await sample_until(placing, 60 * minutes / SAMPLES, engine, caller)
        judge_flatness(samples, before, verdicts)
        await judge_end(engine, (caller, callee), before, hold_s, verdicts)
        loop.remove_reader(engine.fileno())
    ended = f"{caller.completed} of {planned} calls ended well, {caller.failed + callee.failed} failed"
    verdicts.tell(caller.completed == planned and caller.failed == 0, ended)
    return verdicts.failed


def main() -> int:
    """0 when all held."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=30.0, help="default 30")
    parser.add_argument("--rate", type=float, default=20.0, help="calls a second, default 20")
    parser.add_argument("--hold", type=float, default=10.0, help="seconds that a call is up, default 10")
    options = parser.parse_args()
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    broken = asyncio.run(soak(options.minutes, options.rate, options.hold))
    print("passed" if broken == 0 else f"FAILED: {broken} did not hold")
    return 0 if broken == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
