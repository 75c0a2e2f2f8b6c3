"""Thousands of short calls in one process, with every codec and every way of SRTP: in the end it holds what it held.

Each run is a scenario on loopback, by `sipflow.run`: calls with each codec, plain and under each crypto suite and DTLS,
which play, record, send a digit and are released. After every run these are looked at:

    descriptors, threads           as many as after the first run
    bytes of malloc in use         by mallinfo2: all of the C side
    blocks of Python's allocator   all objects, after a collection

What is remembered on purpose and bounded (`lru_cache` with a size) is forgotten before each look. The bench fails when
descriptors or threads are left, or when the slope of memory over the second half of the calls is above 24 bytes or 0.1
blocks a call.

    python -m bench.leak [--calls 10000] [--repeats 10] [--sim]

`--sim`: in virtual time, without sockets, as the tests have it.
"""

from __future__ import annotations

import argparse
import ctypes
import functools
import gc
import itertools
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import sipflow
from bench._scratch import scratch
from sipflow.media.formats import codec_names
from sipflow.media_params import SRTP_KEY_BYTES

WARM_UP = 0.5
BYTES_PER_CALL = 24.0
BLOCKS_PER_CALL = 0.1
LINES = 10


class _Mallinfo2(ctypes.Structure):
    """Of malloc.h."""

    _fields_ = tuple(
        (name, ctypes.c_size_t)
        for name in (
            "arena",
            "ordblks",
            "smblks",
            "hblks",
            "hblkhd",
            "usmblks",
            "fsmblks",
            "uordblks",
            "fordblks",
            "keep",
        )
    )


_LIBC = ctypes.CDLL(None)


def has_mallinfo() -> bool:
    """Whether the C library tells what it has given out: glibc 2.33 and later."""
    return hasattr(_LIBC, "mallinfo2")


if has_mallinfo():
    _LIBC.mallinfo2.restype = _Mallinfo2


@dataclass(frozen=True, slots=True)
class Held:
    """What the process holds at one moment."""

    calls: int
    descriptors: int
    threads: int
    heap_bytes: int
    """In use, of malloc's arenas and of what it maps."""
    blocks: int
    """Of Python's allocator."""
    resident_kb: int

    def __str__(self) -> str:
        return (
            f"{self.calls:7} calls {self.descriptors:4} descriptors {self.threads:3} threads"
            f" {self.heap_bytes / 1024:10.1f} kB in use {self.blocks:9} blocks {self.resident_kb:8} kB resident"
        )


def held(calls: int) -> Held:
    """Look at this process after what is unreachable was collected, and bounded caches were emptied."""
    for found in gc.get_objects():
        if isinstance(found, functools._lru_cache_wrapper) and found.cache_parameters()["maxsize"] is not None:
            found.cache_clear()
    gc.collect()
    info = _LIBC.mallinfo2()
    status = Path("/proc/self/status").read_text()
    resident, threads = (int(status.split(f"{field}:")[1].split()[0]) for field in ("VmRSS", "Threads"))
    descriptors = len(list(Path("/proc/self/fd").iterdir())) - 1
    return Held(calls, descriptors, threads, info.uordblks + info.hblkhd, sys.getallocatedblocks(), resident)


def ways() -> Iterator[str]:
    """Settings of an agent: every codec plain, and each way of SRTP with a codec of its own and with PCMU."""
    names = [name.lower() for name in codec_names()]
    protections = [*(f"required {suite}" for suite in SRTP_KEY_BYTES), "dtls"]
    yield from (f"codecs {name}" for name in names)
    for number, protection in enumerate(protections):
        yield f"codecs pcmu; srtp {protection}"
        yield f"codecs {names[number % len(names)]}; srtp {protection}"


def scenario(repeats: int) -> tuple[str, int]:
    """The text of a run, and how many calls it has."""
    lines = []
    for n, settings in enumerate(ways()):
        sends = f'record "{n}.wav"; play tone 440Hz for 60ms; send dtmf "5"; release'
        hears = 'play tone 300Hz for 200ms in background else recover; expect dtmf "5"; expect hangup'
        lines += [
            f"agent caller{n} {{ {settings} }}",
            f"agent callee{n} {{ {settings} }}",
            f"on caller{n} {{ repeat {repeats} times {{ call callee{n}; {sends} }} }}",
            f"on callee{n} {{ repeat {repeats} times {{ answer; {hears} }} }}",
        ]
    return "\n".join(lines) + "\n", repeats * len(list(ways()))


def watch(runs: int, repeats: int, out: Path, *, sim: bool, tell: Callable[[Held], None] | None = None) -> list[Held]:
    """What is held after each of so many runs; ends the program when one does not pass."""
    text, calls = scenario(repeats)
    samples: list[Held] = []
    for number in range(1, runs + 1):
        report = sipflow.run(text, out=out, timeout_s=60, sim=sim, seed=number)
        if not report.passed:
            raise SystemExit(f"run {number} did not pass: {report.failures[:3] or report.diagnostics[:3]}")
        del report
        samples.append(held(number * calls))
        if tell is not None:
            tell(samples[-1])
    return samples


def slope(samples: Sequence[Held], field: Callable[[Held], int]) -> float:
    """Growth a call, the median of the slopes of all pairs (Theil-Sen): one step of a cache is no leak."""
    late = samples[int(len(samples) * WARM_UP) :]
    pairs = itertools.combinations(late, 2)
    return statistics.median((field(b) - field(a)) / (b.calls - a.calls) for a, b in pairs)


def judge(
    samples: Sequence[Held], bytes_per_call: float = BYTES_PER_CALL, blocks_per_call: float = BLOCKS_PER_CALL
) -> Iterator[tuple[bool, str]]:
    """What held and what did not."""
    first, last = samples[0], samples[-1]
    yield last.descriptors <= first.descriptors, f"descriptors: {first.descriptors}, at the end {last.descriptors}"
    yield last.threads <= first.threads, f"threads: {first.threads}, at the end {last.threads}"
    heap, blocks = slope(samples, lambda held: held.heap_bytes), slope(samples, lambda held: held.blocks)
    yield heap <= bytes_per_call, f"malloc: {heap:+.1f} bytes a call"
    yield blocks <= blocks_per_call, f"Python: {blocks:+.3f} blocks a call"


def main() -> int:
    """0 when nothing was left."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--calls", type=int, default=10_000, help="default 10000")
    parser.add_argument("--repeats", type=int, default=10, help="calls of each kind in a run, default 10")
    parser.add_argument("--sim", action="store_true", help="in virtual time")
    options = parser.parse_args()
    calls = scenario(options.repeats)[1]
    runs = max(-(-options.calls // calls), 10)
    every, began = max(runs // LINES, 1), time.monotonic()

    def tell(sample: Held) -> None:
        if sample.calls // calls % every == 0 or sample.calls == calls:
            print(f"{time.monotonic() - began:7.0f} s{sample}", flush=True)

    with scratch() as out:
        samples = watch(runs, options.repeats, out, sim=options.sim, tell=tell)
    kept = True
    for fine, what in judge(samples):
        print(f"{'held' if fine else 'BROKEN':8}{what}")
        kept = kept and fine
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
