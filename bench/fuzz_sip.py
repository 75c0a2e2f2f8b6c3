"""SIP under fire: every change of one byte, every cut, and a million mutated messages, in bounded time and memory.

    python bench/fuzz_sip.py [--mutated 1000000] [--all-bytes [--every N]] [--jobs 2] [--seed 1]

The fifty messages of tests/sip/captured are cut at every byte; with --all-bytes every byte of each, or every Nth, takes
all 256 values: 6.5 million messages, shared among processes, as many as there are cores unless --jobs says otherwise.
Then messages mutated by chance are sent. All go to user agents in calls, a registrar and proxy and a stream
(tests/sip/prey.py), in virtual time. Told are messages a second, the processor time of the slowest one, and resident
memory before and after. Anything raised, anything left at the end, a message that takes longer than 250 ms, or memory
that grew by more than 32 MB ends it with exit code 1.
"""

from __future__ import annotations

import argparse
import gc
import multiprocessing
import os
import random
import resource
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.sip.mutations import mutate  # noqa: E402
from tests.sip.prey import Prey  # noqa: E402

CAPTURED = [path.read_bytes() for path in sorted((ROOT / "tests" / "sip" / "captured").glob("*.sip"))]
PAGE_BYTES = resource.getpagesize()
SLOWEST_S = 0.25
GROWTH_MB = 32.0
REST_EVERY = 50_000
"""Messages after which everything has to come to its end, with nothing left."""


def cuts() -> Iterator[bytes]:
    """Every message, cut at every byte."""
    return (data[:length] for data in CAPTURED for length in range(len(data)))


def all_bytes(first: int = 0, step: int = 1) -> Iterator[bytes]:
    """Every message with each byte as every other value; of the bytes every `step`th from the `first` on."""
    for data in CAPTURED:
        for at in range(first, len(data), step):
            yield from (data[:at] + bytes([byte]) + data[at + 1 :] for byte in range(256) if byte != data[at])


def mutated(count: int, seed: int) -> Iterator[bytes]:
    """So many messages mutated by chance."""
    chance = random.Random(seed)
    return (mutate(chance, chance.choice(CAPTURED), CAPTURED) for _ in range(count))


@dataclass
class Round:
    """What one kind of messages did."""

    title: str
    count: int = 0
    seconds: float = 0.0
    slowest_s: float = 0.0
    slowest: bytes = b""

    def run(self, messages: Iterator[bytes]) -> None:
        """Send them all; what is raised shows the message that did it."""
        prey = Prey()
        for data in messages:
            self._take(prey, data)
            if self.count % REST_EVERY == 0:
                prey.rest()
                prey = Prey(self.count)
        prey.rest()

    def _take(self, prey: Prey, data: bytes) -> None:
        begin = time.process_time()
        try:
            prey.take(data)
        except BaseException:
            print(f"{self.title}: message {self.count} ended it:\n{data!r}", file=sys.stderr)
            raise
        took = time.process_time() - begin
        self.count += 1
        self.seconds += took
        if took > self.slowest_s:
            self.slowest_s, self.slowest = took, data

    def join(self, other: Round) -> None:
        """Add what another process did."""
        self.count += other.count
        self.seconds += other.seconds
        if other.slowest_s > self.slowest_s:
            self.slowest_s, self.slowest = other.slowest_s, other.slowest

    def __str__(self) -> str:
        rate = self.count / max(self.seconds, 1e-9)
        return (
            f"{self.title:12} {self.count:10,} messages, {rate:8,.0f}/s a core, slowest {self.slowest_s * 1000:.1f} ms"
        )


def resident_mb() -> float:
    """Resident memory of this process."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE_BYTES / 1e6


def all_bytes_of(share: tuple[int, int]) -> tuple[Round, float]:
    """One process's share of all changes of a byte, and by how many MB its memory grew."""
    Round("warm-up").run(mutated(20_000, 0))
    before, done = resident_mb(), Round("all bytes")
    done.run(all_bytes(*share))
    return done, resident_mb() - before


def run_all_bytes(jobs: int, every: int) -> tuple[Round, float]:
    """All changes of a byte in so many processes; the most by which the memory of one grew, in MB."""
    whole, most = Round("all bytes"), 0.0
    shares = [(every * number, every * jobs) for number in range(jobs)]
    with multiprocessing.Pool(jobs) as pool:
        for done, growth in pool.imap_unordered(all_bytes_of, shares):
            whole.join(done)
            most = max(most, growth)
    return whole, most


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mutated", type=int, default=1_000_000)
    parser.add_argument("--all-bytes", action="store_true")
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    rounds, growth = [], 0.0
    if arguments.all_bytes:
        whole, growth = run_all_bytes(arguments.jobs, arguments.every)
        print(f"{whole}; memory {growth:+.1f} MB", flush=True)
        rounds.append(whole)
    Round("warm-up").run(mutated(20_000, 0))
    before = resident_mb()
    kinds = [("cuts", cuts()), ("mutated", mutated(arguments.mutated, arguments.seed))]
    for title, messages in kinds:
        rounds.append(Round(title))
        rounds[-1].run(messages)
        print(rounds[-1], flush=True)
    growth = max(growth, resident_mb() - before)
    print(f"memory       {before:.1f} MB before, {growth:+.1f} MB after")
    too_slow = [each for each in rounds if each.slowest_s > SLOWEST_S]
    for each in too_slow:
        print(f"TOO SLOW: {each.slowest!r}")
    return 1 if too_slow or growth > GROWTH_MB else 0


if __name__ == "__main__":
    sys.exit(main())
