"""The adaptive jitter buffer beside a fixed one of 60 ms, on measured and on made delays: what each conceals and holds.

    python -m bench.jitter_buffer [TRACE.csv …]

A trace has a line for each packet of 20 ms: `n,send_ms,arrival_ms`, the last empty for one that never came. Without a
name the traces of the test corpora are taken where they are, and three networks that are made here by seed: bursts of
delay as of a shared radio, a route that becomes longer, and loss. No clock is looked at: the numbers are the same on
every machine.
"""

from __future__ import annotations

import csv
import random
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sipflow.native import check, ffi, lib

TRACES = Path(__file__).resolve().parents[2] / "shared" / "corpora" / "jitter-traces"
PTIME_NS = 20_000_000
Trace = list[tuple[int, float]]
"""(number, arrival in ms) in the order of arrival."""


@dataclass(frozen=True)
class Outcome:
    """What a buffer did with a trace."""

    concealed_ms: float
    silent_ms: float
    """What stayed empty for longer than concealment lasts."""
    mean_delay_ms: float
    """From arrival to being heard."""
    late: int
    lost: int


def read_trace(path: Path) -> Trace:
    """A measured trace."""
    with path.open(encoding="utf-8") as file:
        rows = csv.DictReader(line for line in file if not line.startswith("#"))
        came = [(int(row["n"]), float(row["arrival_ms"])) for row in rows if row["arrival_ms"]]
    return sorted(came, key=lambda packet: packet[1])


def made_traces(packets: int = 6000, seed: int = 1) -> Iterator[tuple[str, Trace]]:
    """Networks that the corpora do not have."""
    rng = random.Random(seed)
    held_until, radio = 0.0, []
    for n in range(packets):
        if rng.random() < 0.004:
            held_until = n * 20 + rng.uniform(40, 160)
        radio.append((n, max(n * 20 + rng.expovariate(1 / 3), held_until)))
    yield "radio (made)", sorted(radio, key=lambda packet: packet[1])
    yield "route +80 ms (made)", [(n, n * 20 + 5 + rng.uniform(0, 4) + 80 * (n > packets // 2)) for n in range(packets)]
    yield "loss 3 % (made)", [(n, n * 20 + 5 + rng.uniform(0, 4)) for n in range(packets) if rng.random() >= 0.03]


def play(trace: Trace, *, fixed_ms: int = 0) -> Outcome:
    """Plays a trace out; `fixed_ms` 0 is the adaptive buffer as legs have it."""
    config = ffi.new("sfm_jitter_config *")
    lib.sfm_jitter_defaults(config, 8000)
    if fixed_ms:
        config.fixed, config.initial_delay_ms = 1, fixed_ms
    out = ffi.new("sfm_jitter **")
    check(lib.sfm_jitter_create(config, out))
    jitter = ffi.gc(out[0], lib.sfm_jitter_destroy)
    _run(jitter, trace)
    counts = ffi.new("sfm_jitter_counts *")
    lib.sfm_jitter_read_counts(jitter, counts)
    delay_ms = counts.mean_delay_ns / 1e6
    return Outcome(counts.concealed_ts / 8, counts.silence_ts / 8, delay_ms, counts.late + counts.overflow, counts.lost)


def _run(jitter: object, trace: Trace) -> None:
    piece = ffi.new("sfm_jitter_piece *")
    payload = ffi.new("uint8_t[160]")
    packet = ffi.new("sfm_jitter_packet *", {"ssrc": 1, "duration_ts": 160, "payload": payload, "payload_length": 160})
    waiting = iter([*trace, (0, float("inf"))])
    n, arrival_ms = next(waiting)
    for tick in range(trace[-1][0] + 20):
        now_ns = 1_000_000_000 + tick * PTIME_NS
        while 1_000_000_000 + arrival_ms * 1e6 <= now_ns:
            packet.sequence_number, packet.timestamp = n % 65536, n * 160
            packet.arrival_ns = 1_000_000_000 + round(arrival_ms * 1e6)
            check(lib.sfm_jitter_put(jitter, packet))
            n, arrival_ms = next(waiting)
        if n == 0 and arrival_ms == float("inf"):
            return  # what comes after the last packet is no fault of the network
        wanted = 160
        while wanted > 0:
            check(lib.sfm_jitter_get(jitter, now_ns, wanted, piece))
            wanted -= piece.duration_ts


def main() -> None:
    """Prints a row for each trace and buffer."""
    named = [(Path(name).stem, read_trace(Path(name))) for name in sys.argv[1:]]
    if not named:
        named = [(path.stem, read_trace(path)) for path in sorted(TRACES.glob("*.csv"))] + list(made_traces())
    line = "{:<22} {:<12} {:>14} {:>10} {:>14} {:>8} {:>8}\n"
    sys.stdout.write(line.format("trace", "buffer", "concealed ms", "silent ms", "mean delay ms", "late", "lost"))
    for name, trace in named:
        for buffer, fixed_ms in (("adaptive", 0), ("fixed 60 ms", 60)):
            one = play(trace, fixed_ms=fixed_ms)
            row = (
                name,
                buffer,
                f"{one.concealed_ms:.0f}",
                f"{one.silent_ms:.0f}",
                f"{one.mean_delay_ms:.1f}",
                one.late,
                one.lost,
            )
            sys.stdout.write(line.format(*row))


if __name__ == "__main__":
    main()
