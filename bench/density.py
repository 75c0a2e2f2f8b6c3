"""How many calls' media one core carries: duplex legs with every packet measured, beside the core's raw ceiling.

A leg sends 50 packets of PCMU a second and receives as many: kernel timestamps, jitter buffer, loss, jitter and level
of each. All legs of a trial are on one pacing thread on one core; they are paired on loopback. The largest number is
searched for with which no packet is lost or missed and the lateness of sending stays below the floor of the same trial
(an idle timer thread) plus 1 ms at p99. The ceiling is a bare loop of `send` and `recv` over as many connected sockets
on the same core, unpaced (rtp_ceiling.c), measured before, between and after; its median counts. Beside them the same
loop *paced*: woken when packets are due as the engine is, without an engine, once with `recv` and once with `recvmsg`
and the kernel's time of arrival. The largest number of sockets that it holds by the same rule says how much of the
ceiling pacing leaves to anybody.

    python -m bench.density [--seconds 8] [--core 1] [--srtp AEAD_AES_128_GCM] [--legs 2000]

`--srtp` searches twice, plain and protected, and tells the second as a share of the first. `--legs` makes one trial
instead of a search.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from bench._compiled import compiled
from sipflow.media import EngineConfig, Leg, MediaEngine
from sipflow.media_params import Direction, MediaParams, RtpFormat, SrtpKeys

PCMU = RtpFormat("PCMU", 0)
LOOPBACK = "127.0.0.1"
PTIME_MS = 20
PACKETS_PER_SECOND = 1000 // PTIME_MS
ALLOWED_ABOVE_FLOOR_MS = 1.0
KEY_BYTES = {"AES_CM_128_HMAC_SHA1_80": 30, "AES_CM_128_HMAC_SHA1_32": 30, "AEAD_AES_128_GCM": 28}
PRECISION = 0.03
"""The search ends when it knows the number that closely."""
COMPARED_LEGS = 1000
"""At which packets' costs are compared: as many as everybody holds."""
NAMED_WITHIN_S = 10.0
LARGE_PAGES = "glibc.malloc.hugetlb=1"


@dataclass(frozen=True, slots=True)
class Trial:
    """What so many legs came to."""

    legs: int
    sent: int
    lost: int
    missed: int
    p99_ms: float
    floor_p99_ms: float
    busy: float
    """Share of the core that the pacing thread used."""
    realtime: bool
    resident_kb: int

    @property
    def held(self) -> bool:
        """Whether the promise was kept."""
        punctual = self.p99_ms < self.floor_p99_ms + ALLOWED_ABOVE_FLOOR_MS
        return punctual and self.lost == 0 and self.missed == 0

    @property
    def packet_us(self) -> float:
        """Processor time of a packet that is sent and another one that is received."""
        return self.busy * 1e6 / (self.legs * PACKETS_PER_SECOND)

    def __str__(self) -> str:
        verdict = "held" if self.held else "not held"
        return (
            f"{self.legs:6} legs: {verdict:8}  p99 {self.p99_ms:8.3f} ms, floor {self.floor_p99_ms:6.3f} ms, "
            f"lost {self.lost}, missed {self.missed}, core busy {self.busy:.0%}, {self.packet_us:.1f} us a packet"
        )


# --- one trial, in a process of its own ---


def keys(suite: str, number: int) -> tuple[SrtpKeys, SrtpKeys]:
    """For both ends of a pair."""
    chance = random.Random(number)
    one, other = chance.randbytes(KEY_BYTES[suite]), chance.randbytes(KEY_BYTES[suite])
    return SrtpKeys(suite, one, other), SrtpKeys(suite, other, one)


def params(leg: Leg, peer: Leg, srtp: SrtpKeys | None) -> MediaParams:
    """Both directions, PCMU."""
    return MediaParams(
        leg.address, leg.port, peer.address, peer.port, peer.rtcp_port, PCMU, (PCMU,), None, None, PTIME_MS,
        Direction.SENDRECV, srtp=srtp,
    )  # fmt: skip


def open_pairs(engine: MediaEngine, count: int, suite: str) -> list[Leg]:
    """`count` legs, each started towards its partner."""
    legs = [engine.open_leg(f"call-{number}", LOOPBACK, 10000, 65000) for number in range(count)]
    for number, (first, second) in enumerate(zip(legs[::2], legs[1::2], strict=True)):
        mine, theirs = keys(suite, number) if suite else (None, None)
        first.start(params(first, second, mine))
        second.start(params(second, first, theirs))
    return legs


def pacing_thread() -> Path:
    """Where the kernel tells about the engine's one pacing thread.

    A thread gives itself its name when it first runs. On a machine that is busy, or whose host takes a processor away
    for a moment, that is after the engine was made.
    """
    until = time.monotonic() + NAMED_WITHIN_S
    while time.monotonic() < until:
        for task in Path("/proc/self/task").iterdir():
            with contextlib.suppress(FileNotFoundError):  # a thread that ended meanwhile
                if (task / "comm").read_text().strip() == "sipflow-media":
                    return task
        time.sleep(0.001)
    raise SystemExit(f"density: the pacing thread did not run within {NAMED_WITHIN_S:g} s")


def processor_seconds(thread: Path) -> float:
    """Used by a thread so far."""
    return int((thread / "schedstat").read_text().split()[0]) / 1e9


def resident_kb() -> int:
    """Memory of this process that is in use."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0])


def run_trial(count: int, seconds: float, core: int, suite: str) -> Trial:
    """Open, wait, read; everything but the pacing thread stays off its core where there is another."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    others = os.sched_getaffinity(0) - {core}
    with MediaEngine(EngineConfig(threads=1, measure_floor=True)) as engine:
        thread = pacing_thread()
        os.sched_setaffinity(0, others or {core})
        os.sched_setaffinity(int(thread.name), {core})
        legs = open_pairs(engine, count, suite)
        used, started = processor_seconds(thread), time.monotonic()
        time.sleep(seconds)
        busy = (processor_seconds(thread) - used) / (time.monotonic() - started)
        measured, resident = engine.statistics(), resident_kb()
    counted = [leg.statistics() for leg in legs]  # of the closed legs: to ask a thread that is late takes for ever
    assert measured.lateness is not None and measured.floor is not None, "legs were open, the floor asked for"
    return Trial(
        count, sum(leg.packets_sent for leg in counted), sum(leg.packets_lost or 0 for leg in counted),
        measured.missed_ticks, measured.lateness.p99_ms, measured.floor.p99_ms, busy, measured.realtime, resident,
    )  # fmt: skip


# --- the search ---


def told(outcome: Trial, *, quiet: bool = False) -> Trial:
    """The same, once it was printed."""
    if not quiet:
        print(f"    {outcome}", file=sys.stderr)
    return outcome


def trial(count: int, seconds: float, core: int, suite: str, *, quiet: bool = False) -> Trial:
    """A trial in a new process. glibc takes the memory of legs in large pages: their state is larger than what the
    processor knows the small pages of."""
    arguments = [str(count), str(seconds), str(core), suite]
    environment = os.environ | {"GLIBC_TUNABLES": LARGE_PAGES}
    command = [sys.executable, "-m", "bench.density", "--trial", *arguments]
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return told(Trial(**json.loads(done.stdout)), quiet=quiet)


def bare_trial(count: int, seconds: float, core: int, how: str) -> Trial:
    """One of the bare loop: `how` is paced, or stamped."""
    command = [str(compiled("rtp_ceiling")), str(count), str(seconds), str(core), how]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return told(Trial(**json.loads(done.stdout)))


def attempt(count: int, one: Callable[[int], Trial]) -> Trial:
    """A trial, and another one when the first was spoiled: the machines are shared."""
    outcome = one(count)
    return outcome if outcome.held else one(count)


def largest(limit: int, one: Callable[[int], Trial]) -> Trial | None:
    """Halves the gap between what held and what did not until that is known closely enough."""
    low, high, best = 0, limit // 2 * 2, None
    wanted = high * 3 // 4
    while high - low > max(PRECISION * high, 2):
        outcome = attempt(wanted // 2 * 2, one)
        if outcome.held:
            low, best = outcome.legs, outcome
        else:
            high = outcome.legs
        wanted = (low + high) // 2
    return best


def ceiling(sockets: int, core: int) -> float:
    """Packets sent and received a second by the bare loop."""
    command = [str(compiled("rtp_ceiling")), str(sockets), "2", str(core)]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def machine() -> str:
    """What this was measured on."""
    models = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return f"{models[0].partition(':')[2].strip()}, {os.cpu_count()} cores, Linux {os.uname().release}"


def share(part: float, whole: float) -> str:
    """As the table has it."""
    return f"{part / whole:.0%}" if whole else "-"


def compare(seconds: float, core: int, suite: str) -> bool:
    """All of them in one run; whether the aims were reached."""

    def ours(of: str) -> Callable[[int], Trial]:
        return lambda count: trial(count, seconds, core, of)

    def bare(how: str) -> Callable[[int], Trial]:
        return lambda count: bare_trial(count, seconds, core, how)

    raw = [ceiling(2000, core)]
    first = int(raw[0] / PACKETS_PER_SECOND * 1.1)
    rows = [("bare, paced", largest(first, bare("paced")), bare("paced"))]
    rows += [("bare, paced, kernel timestamps", largest(first, bare("stamped")), bare("stamped"))]
    plain = largest(first, ours(""))
    raw.append(ceiling(plain.legs if plain else 2000, core))
    secure = largest(int((plain.legs if plain else 0) * 1.1), ours(suite)) if suite and plain else None
    raw.append(ceiling(plain.legs if plain else 2000, core))
    most = statistics.median(raw) / PACKETS_PER_SECOND
    rows += [("sipflow, plain RTP", plain, ours("")), (f"sipflow, {suite}", secure, ours(suite))]
    print_table(f"{machine()}; core {core}, {seconds:g} s a trial", most, rows)
    if suite and plain:
        print(f"\nprotected, of plain: {share(secure.legs if secure else 0, plain.legs)}")
    return plain is not None and plain.legs >= 0.8 * most and (
        not suite or (secure is not None and secure.legs >= 0.75 * plain.legs)
    )  # fmt: skip


def print_table(title: str, most: float, rows: Sequence[tuple[str, Trial | None, Callable[[int], Trial]]]) -> None:
    """What held, and what a packet costs each of them at the same number of legs."""
    costs = [one(COMPARED_LEGS).packet_us if best is not None else 0.0 for _, best, one in rows]
    print(f"\n{title}\n")
    print(
        f"{'one core':34}{'legs':>8}{'of ceiling':>12}{'p99 ms':>9}{'floor ms':>10}{'kB a leg':>10}"
        f"{f'us a packet, {COMPARED_LEGS} legs':>24}"
    )
    print(f"{'bare send and recv, unpaced':34}{most:8.0f}{'100%':>12}{1e6 / (most * PACKETS_PER_SECOND):53.1f}")
    for (name, best, _), cost in zip(rows, costs, strict=True):
        if best is not None:
            print(
                f"{name:34}{best.legs:8}{share(best.legs, most):>12}{best.p99_ms:9.3f}{best.floor_p99_ms:10.3f}"
                f"{best.resident_kb / best.legs:10.0f}{cost:24.1f}"
            )


def main() -> int:
    """0 when 80 % of the ceiling were reached, and with SRTP 75 % of that."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=8.0, help="length of each trial, default 8")
    parser.add_argument("--core", type=int, default=max(os.sched_getaffinity(0)), help="default: the last one")
    parser.add_argument("--srtp", choices=sorted(KEY_BYTES), default="", metavar="SUITE", help=", ".join(KEY_BYTES))
    parser.add_argument("--legs", type=int, help="one trial with so many legs instead of a search")
    parser.add_argument("--trial", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.trial:
        count, seconds, core, suite = options.trial
        print(json.dumps(asdict(run_trial(int(count), float(seconds), int(core), suite))))
        return 0
    if options.legs:
        return 0 if trial(options.legs // 2 * 2, options.seconds, options.core, options.srtp).held else 1
    return 0 if compare(options.seconds, options.core, options.srtp) else 1


if __name__ == "__main__":
    sys.exit(main())
