"""A call while strangers flood the port of the callee: does the verdict stand, and does memory come back?

    python bench/junk_flood.py [--rate 100000] [--seconds 10]

A program of its own (`junk_sender.c`) sends datagrams of junk (random bytes, cut messages, requests of no dialog, each
with a branch of its own, line ends) at the SIP port of the callee, paced to the wanted rate. The run is `sipflow.run`
in this process. Told are the rate that was sent, how many of them the agent read (the kernel drops what its buffer has
no room for, the agent most of what comes from who sends too much), the verdict, and the resident memory before, at its
peak, and after the run. The flood comes twice: what is left by the second one would be a leak, what is left by the
first may be the allocator's.
"""

from __future__ import annotations

import argparse
import gc
import random
import resource
import socket
import subprocess
from pathlib import Path

import sipflow
from bench._compiled import compiled
from bench._scratch import scratch
from sipflow import events

PAGE_BYTES = resource.getpagesize()

CALL = """scenario "Call under junk"
agent bob {{ listen udp "127.0.0.1:{port}" }}
on alice {{ call bob within 30s; wait {seconds}s; release }}
on bob {{ answer; expect hangup within {patience}s }}
"""

WHOLE = (  # Where it says NNNNNNNNNN the sender writes a number that is another one in each datagram.
    "{method} sip:bob@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bKNNNNNNNNNN\r\n"
    "From: <sip:x@y>;tag=1\r\nTo: <sip:bob@127.0.0.1>;tag=none\r\nCall-ID: NNNNNNNNNN\r\nCSeq: 1 {method}\r\n"
    "Content-Length: 0\r\n\r\n"
)


def junk(seed: int) -> list[bytes]:
    """A thousand datagrams that no peer in its senses would send."""
    chance = random.Random(seed)
    made = []
    for _ in range(1000):
        whole = WHOLE.format(method=chance.choice(("ACK", "BYE", "INVITE", "NOPE"))).encode()
        made.append(chance.choice((
            chance.randbytes(chance.randint(1, 400)), whole[: chance.randint(1, len(whole) - 1)], b"\r\n" * 2,
            whole.replace(b"SIP/2.0", b"SIP/7.0"), b"SIP/2.0 200 OK\r\n" + whole, whole,
        )))  # fmt: skip
    return made


def start_flood(port: int, rate: int, seconds: float) -> subprocess.Popen[bytes]:
    """Start sending at that rate, or as fast as this machine can; the process prints how many it sent."""
    command = [str(compiled("junk_sender")), str(port), str(rate), str(seconds)]
    sender = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert sender.stdin is not None
    sender.stdin.write(b"".join([len(datagram).to_bytes(2) + datagram for datagram in junk(1)]))
    sender.stdin.close()
    sender.stdin = None
    return sender


def resident_mb() -> float:
    """Resident memory of this process."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE_BYTES / 1e6


class Counter:
    """Counts what an agent took, and keeps nothing."""

    def __init__(self) -> None:
        self.taken = 0

    def take(self, record: events.Record) -> None:
        """One record."""
        if isinstance(record.event, events.SipReceived):
            self.taken += 1


def run_once(rate: int, seconds: float) -> None:
    """One call with a flood from its beginning to its end; prints a block of lines."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    before, counter = resident_mb(), Counter()
    sender = start_flood(port, rate, seconds) if rate else None
    text = CALL.format(port=port, seconds=seconds, patience=seconds + 30)
    with scratch() as out:
        report = sipflow.run(text, out=out, sinks=[counter.take], timeout_s=seconds + 60)
    sent = int(sender.communicate()[0]) if sender else 0
    passed = report.passed
    del report
    print(f"sent        {sent / seconds:10,.0f} datagrams/s for {seconds:g} s ({rate:,} wanted)")
    print(f"taken       {counter.taken:10,} messages, those of the call among them")
    print(f"verdict     {'passed' if passed else 'FAILED':>10}")
    print(f"memory      {before:10.1f} MB before, {resident_mb():.1f} MB after; highest ever "
          f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6:.1f} MB")  # fmt: skip


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=10)
    arguments = parser.parse_args()
    wanted = (arguments.rate, arguments.seconds)
    for title, rate, seconds in (("quiet", 0, 1.0), ("flood", *wanted), ("flood again", *wanted)):
        print(f"--- {title}")
        run_once(rate, seconds)


if __name__ == "__main__":
    main()
