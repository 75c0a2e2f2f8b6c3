"""How punctually RTP leaves: lateness of every packet of many calls, beside what the machine itself costs.

Opens `--legs` legs in pairs on loopback, each sending PCMU in packets of 20 ms to its partner and playing out what
comes, in one process, for `--seconds`. Lateness is the time between the moment a packet was due (absolute, fixed when
the leg began) and the moment the kernel had taken it; a packet that waits for a slow one before it counts its wait.
The floor is the wake-up error of a timer thread that does nothing else, in the same run, at the same priority.

    python -m bench.rtp_timing --legs 500 --seconds 20

Exit code 1 when p99.9 of the lateness is not below the floor's p99.9 plus 1 ms, or any packet was missed or lost.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sipflow.media import EngineConfig, EngineStatistics, Leg, LegStatistics, MediaEngine, Timing
from sipflow.media_params import Direction, MediaParams, RtpFormat

PCMU = RtpFormat("PCMU", 0)
PTIME_MS = 20
ALLOWED_ABOVE_FLOOR_MS = 1.0
LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one run measured."""

    engine: EngineStatistics
    legs: tuple[LegStatistics, ...]
    seconds: float
    cpu_seconds: float
    stolen_ms: int

    @property
    def sent(self) -> int:
        """Packets sent by all legs."""
        return sum(leg.packets_sent for leg in self.legs)

    @property
    def received(self) -> int:
        """Packets received by all legs."""
        return sum(leg.packets_received for leg in self.legs)

    @property
    def lost(self) -> int:
        """Packets that never came to the leg they were sent to."""
        return sum(leg.packets_lost or 0 for leg in self.legs)

    @property
    def passed(self) -> bool:
        """Whether the promise held."""
        lateness, floor = self.engine.lateness, self.engine.floor
        assert lateness is not None and floor is not None, "legs were open and the floor was asked for"
        punctual = lateness.p999_ms < floor.p999_ms + ALLOWED_ABOVE_FLOOR_MS
        return punctual and self.engine.missed_ticks == 0 and self.lost == 0


def stolen_ms() -> int:
    """Processor time that a hypervisor gave to others since this machine started; 0 where nobody tells."""
    stat = Path("/proc/stat")
    return int(stat.read_text().split("\n", 1)[0].split()[8]) * 1000 // os.sysconf("SC_CLK_TCK") if stat.exists() else 0


def params(leg: Leg, peer: Leg) -> MediaParams:
    """Both directions, PCMU."""
    return MediaParams(
        leg.address, leg.port, peer.address, peer.port, peer.rtcp_port, PCMU, (PCMU,), None, None, PTIME_MS,
        Direction.SENDRECV,
    )  # fmt: skip


def open_pairs(engine: MediaEngine, count: int) -> list[Leg]:
    """`count` legs, each started towards its partner."""
    legs = [engine.open_leg(f"call-{number}", LOOPBACK) for number in range(count)]
    for first, second in zip(legs[::2], legs[1::2], strict=True):
        first.start(params(first, second))
        second.start(params(second, first))
    return legs


def run(legs: int, seconds: float, threads: int) -> Outcome:
    """One run."""
    with MediaEngine(EngineConfig(threads=threads, measure_floor=True)) as engine:
        opened = open_pairs(engine, legs)
        before, stolen = resource.getrusage(resource.RUSAGE_SELF), stolen_ms()
        started = time.monotonic()
        time.sleep(seconds)
        after = resource.getrusage(resource.RUSAGE_SELF)
        counted = tuple(leg.statistics() for leg in opened)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return Outcome(engine.statistics(), counted, time.monotonic() - started, cpu, stolen_ms() - stolen)


def row(name: str, timing: Timing) -> str:
    """A line of the table, in microseconds."""
    columns = (timing.p50_ms, timing.p99_ms, timing.p999_ms, timing.max_ms)
    return f"{name:<22}{timing.count:>10}" + "".join(f"{1000 * value:>10.0f}" for value in columns)


def table(outcome: Outcome) -> str:
    """What a person reads."""
    engine = outcome.engine
    assert engine.lateness is not None and engine.floor is not None, "measured above"
    lines = [
        f"{'in µs':<22}{'count':>10}{'p50':>10}{'p99':>10}{'p99.9':>10}{'max':>10}",
        row("lateness of sending", engine.lateness),
        row("floor (idle timer)", engine.floor),
        "",
        f"packets sent {outcome.sent}, missed {engine.missed_ticks}, lost {outcome.lost}, received {outcome.received} "
        "(the rest was on its way)",
        f"processor {100 * outcome.cpu_seconds / outcome.seconds:.0f} % of one core, "
        f"stolen by the hypervisor {outcome.stolen_ms} ms",
        f"real-time priority {'granted' if engine.realtime else 'refused'}",
    ]
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs and prints; 0 when the promise held."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--legs", type=int, default=500, help="even; default 500")
    parser.add_argument("--seconds", type=float, default=20.0, help="default 20")
    parser.add_argument("--threads", type=int, default=1, help="pacing threads, default 1")
    options = parser.parse_args(arguments)
    outcome = run(options.legs, options.seconds, options.threads)
    print(f"{options.legs} legs, PCMU {PTIME_MS} ms, {options.seconds:g} s, {options.threads} thread(s)\n")
    print(table(outcome))
    print("passed" if outcome.passed else "FAILED: not below the floor's p99.9 + 1 ms, or packets missed or lost")
    return 0 if outcome.passed else 1


if __name__ == "__main__":
    sys.exit(main())
