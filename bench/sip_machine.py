"""What a call costs in the SIP machines alone: one user agent calls another in memory, no socket, no clock.

    python bench/sip_machine.py [--calls N] [--rate CALLS_PER_S] [--trace] [--profile FILE]

Each call is INVITE, 180, 200, ACK, BYE, 200 with session descriptions. Virtual time advances by 1/rate between calls,
so that finished transactions pile up and expire as they would on the wire (32 s of them at the given rate). The time
of each side is what was spent in its commands, `receive`, `handle_timer`, `next_deadline` and `outputs`, on
the wall clock: on a machine with other work trust the processor time.
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import random
import resource
import time
from collections.abc import Callable
from itertools import count
from typing import Any

from sipflow.events import CallIncoming, CallReleased
from sipflow.media_params import RtpFormat
from sipflow.sdp.negotiate import LocalMedia
from sipflow.sip.hop import Hop
from sipflow.sip.outputs import Transmit
from sipflow.sip.user_agent import UserAgent, UserAgentConfig

FORMATS = (RtpFormat("PCMU", 0), RtpFormat("PCMA", 8), RtpFormat("telephone-event", 101, fmtp="0-16"))


class Side:
    """A user agent and the time that was spent in it."""

    def __init__(self, name: str, port: int, *, trace: bool) -> None:
        numbers = count(1)
        config = UserAgentConfig(name=name, user=name, host="127.0.0.1", port=port, trace=trace, ended_sessions_kept=10)
        self.agent = UserAgent(config, random.Random(name), lambda: f"{name}-{next(numbers)}")
        self.address = Hop("127.0.0.1", port)
        self.spent = 0.0
        self.incoming = ""
        self.released = 0

    def do(self, act: Callable[..., Any], *arguments: Any) -> list[bytes]:
        """Time an input with the draining that follows it; returns the datagrams that it sent."""
        started = time.perf_counter()
        act(*arguments)
        outputs = self.agent.outputs()
        self.agent.next_deadline()
        self.spent += time.perf_counter() - started
        return self._sort(outputs)

    def _sort(self, outputs: list[Any]) -> list[bytes]:
        datagrams = []
        for output in outputs:
            if isinstance(output, Transmit):
                datagrams.append(output.data)
            elif isinstance(output, CallIncoming):
                self.incoming = output.call
            elif isinstance(output, CallReleased):
                self.released += 1
        return datagrams


def deliver(datagrams: list[bytes], sender: Side, receiver: Side, now: float) -> None:
    """Carry datagrams to and fro until nobody has anything to say."""
    while datagrams:
        answers = []
        for data in datagrams:
            answers += receiver.do(receiver.agent.receive, data, sender.address, now)
        datagrams, sender, receiver = answers, receiver, sender


def one_call(caller: Side, callee: Side, call: str, now: float) -> None:
    target = f"sip:callee@127.0.0.1:{callee.address.port}"
    ours, theirs = LocalMedia("127.0.0.1", 20000, FORMATS), LocalMedia("127.0.0.1", 30000, FORMATS)
    deliver(caller.do(caller.agent.invite, call, target, ours, now), caller, callee, now)
    deliver(callee.do(callee.agent.ring, callee.incoming, now), callee, caller, now)
    deliver(callee.do(callee.agent.answer, callee.incoming, theirs, now), callee, caller, now)
    deliver(caller.do(caller.agent.release, call, now), caller, callee, now)


def run(calls: int, rate: float, *, trace: bool) -> tuple[Side, Side, float]:
    caller, callee = Side("caller", 5060, trace=trace), Side("callee", 5062, trace=trace)
    started = time.process_time()
    for number in range(calls):
        now = number / rate
        one_call(caller, callee, f"call-{number}", now)
        for side in (caller, callee):
            side.do(side.agent.handle_timer, now)
    elapsed = time.process_time() - started
    assert caller.released == callee.released == calls, "every call must come to its end"
    return caller, callee, elapsed


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--calls", type=int, default=10_000)
    parser.add_argument("--rate", type=float, default=500.0, help="calls a second of virtual time")
    parser.add_argument("--trace", action="store_true", help="report every message, as a run with events does")
    parser.add_argument("--profile", metavar="FILE", help="write a cProfile and print its top")
    options = parser.parse_args()
    run(200, options.rate, trace=options.trace)
    profile = cProfile.Profile() if options.profile else None
    if profile:
        profile.enable()
    caller, callee, elapsed = run(options.calls, options.rate, trace=options.trace)
    if profile:
        profile.disable()
        profile.dump_stats(options.profile)
        pstats.Stats(profile).sort_stats("tottime").print_stats(35)
    memory_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{options.calls} calls, {elapsed / options.calls * 1e6:.0f} µs of processor time each for both sides and this"
        f" bench, {options.calls / elapsed:.0f} calls/s"
    )
    for name, side in (("caller (UAC)", caller), ("callee (UAS)", callee)):
        print(
            f"{name}: {side.spent / options.calls * 1e6:.0f} µs a call, alone {options.calls / side.spent:.0f} calls/s"
        )
    left = options.calls - options.rate * 32
    print(f"peak memory {memory_mib:.0f} MiB with {min(options.calls, options.rate * 32):.0f} calls not yet forgotten")
    if left < 0:
        print("(the run was shorter than 32 s of virtual time: no transaction expired by its longest timer)")


if __name__ == "__main__":
    main()
