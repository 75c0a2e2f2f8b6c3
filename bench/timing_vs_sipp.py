"""How evenly RTP leaves, beside SIPp's rtp_stream: the same calls, seen by an independent receiver.

Each side makes `--calls` calls over SIP from one process on one core and sends PCMA in packets of 20 ms to the port
that the answer names. There rtp_watch.c takes the kernel's timestamps on the other core and notes
|inter-arrival - 20 ms| of every packet. sipflow's side also tells the floor of its run: the error of an idle timer
thread. Rounds alternate between the two sides; each line of the table is one round.

    python -m bench.timing_vs_sipp [--calls 1000] [--seconds 10] [--rounds 2]

Exit code 1 unless, over all rounds, the median of sipflow's p99 is ten times below SIPp's, and its p99.9 below 1 ms
plus the floor's.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

from bench._compiled import compiled
from bench._scratch import scratch
from bench.sip_calls import HOST, Callee, Caller, free_port
from sipflow import events
from sipflow.media import EngineConfig, Leg, MediaEngine, PromptStore
from sipflow.media_params import Direction, RtpFormat
from sipflow.sdp.negotiate import LocalMedia

PCMA = (RtpFormat("PCMA", 8),)
PTIME_MS = 20
CALLS_PER_SECOND = 200
SENDER_CORE, OTHER_CORE = 0, 1
AIM = 10.0
ALLOWED_ABOVE_FLOOR_US = 1000.0
SCENARIO = """<?xml version="1.0" encoding="ISO-8859-1" ?>
<scenario name="PCMA for a while">
<send retrans="500"><![CDATA[
INVITE sip:service@[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: <sip:sipp@[local_ip]:[local_port]>;tag=[pid]T[call_number]
To: <sip:service@[remote_ip]:[remote_port]>
Call-ID: [call_id]
CSeq: 1 INVITE
Contact: <sip:sipp@[local_ip]:[local_port]>
Max-Forwards: 70
Content-Type: application/sdp
Content-Length: [len]

v=0
o=sipp 1 1 IN IP[local_ip_type] [local_ip]
s=-
c=IN IP[media_ip_type] [media_ip]
t=0 0
m=audio [rtpstream_audio_port] RTP/AVP 8
a=rtpmap:8 PCMA/8000
a=ptime:20
]]></send>
<recv response="100" optional="true"/>
<recv response="180" optional="true"/>
<recv response="200"/>
<send><![CDATA[
ACK sip:service@[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: <sip:sipp@[local_ip]:[local_port]>;tag=[pid]T[call_number]
[last_To:]
Call-ID: [call_id]
CSeq: 1 ACK
Max-Forwards: 70
Content-Length: 0

]]></send>
<nop><action><exec rtp_stream="tone.alaw,-1,8,PCMA/8000"/></action></nop>
<pause milliseconds="600000"/>
</scenario>
"""


# --- sipflow's side and the callee, each in a process of its own ---


class MediaCaller(Caller):
    """Calls that stay up, each with a leg that plays for ever."""

    def __init__(self, name: str, engine: MediaEngine) -> None:
        super().__init__(name)
        self.engine = engine
        self.legs: dict[str, Leg] = {}
        self.prompt = PromptStore().tone(440, None, PCMA[0])

    def call(self, number: int, target: str) -> None:
        """Open a leg and send the INVITE."""
        name = f"c-{number}"
        leg = self.legs[name] = self.engine.open_leg(name, HOST, 10000, 59999)
        media = LocalMedia(HOST, leg.port, PCMA, PTIME_MS, Direction.SENDONLY)
        self.agent.invite(name, target, media, self.loop.time())
        self.pump()

    def take(self, payload: events.Payload) -> None:
        """Start what was negotiated; nobody hangs up."""
        if isinstance(payload, events.MediaNegotiated):
            self.legs[payload.call].start(payload.params)
            self.legs[payload.call].play(self.prompt, 1, times=None)
        elif isinstance(payload, events.CallAnswered):
            self.completed += 1


async def call_and_hold(port: int, calls: int) -> None:
    """Make the calls at an even rate, then wait for the end of the input, and tell what the engine measured."""
    with MediaEngine(EngineConfig(threads=1, measure_floor=True)) as engine:
        side = MediaCaller("caller", engine)
        started = side.loop.time()
        for number in range(calls):
            await asyncio.sleep(started + number / CALLS_PER_SECOND - side.loop.time())
            side.call(number, f"sip:service@{HOST}:{port}")
        await side.loop.run_in_executor(None, sys.stdin.readline)
        measured = engine.statistics()
        assert measured.lateness is not None and measured.floor is not None, "legs were open, the floor asked for"
        told = {
            "completed": side.completed, "lateness_p999_us": 1000 * measured.lateness.p999_ms,
            "floor_p50_us": 1000 * measured.floor.p50_ms, "floor_p99_us": 1000 * measured.floor.p99_ms,
            "floor_p999_us": 1000 * measured.floor.p999_ms, "realtime": measured.realtime,
        }  # fmt: skip
        print(json.dumps(told), flush=True)


async def answer(media_port: int) -> None:
    """Answer every call with the watcher's port until the input ends."""
    side = Callee("callee")
    side.media = LocalMedia(HOST, media_port, PCMA, PTIME_MS, Direction.RECVONLY)
    print(side.endpoint.address[1], flush=True)
    await side.loop.run_in_executor(None, sys.stdin.readline)


# --- a round ---


def spawn(core: int, *command: str, folder: Path | None = None) -> subprocess.Popen[str]:
    """A process that stays on a core."""
    return subprocess.Popen(
        ["taskset", "-c", str(core), *command],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=folder,
    )  # fmt: skip


def role(core: int, *arguments: str) -> subprocess.Popen[str]:
    """This file in another role."""
    return spawn(core, sys.executable, "-m", "bench.timing_vs_sipp", *arguments)


def told_by(process: subprocess.Popen[str]) -> str:
    """Its next line."""
    assert process.stdout is not None, "it was piped"
    return process.stdout.readline()


def finish(process: subprocess.Popen[str]) -> str:
    """End its input; gives the rest of what it says."""
    rest, _ = process.communicate("\n", timeout=60)
    return rest


def sipp_caller(folder: Path, port: int, calls: int) -> subprocess.Popen[str]:
    """SIPp, which streams until it is killed."""
    return spawn(
        SENDER_CORE, "sipp", "-sf", "scenario.xml", f"{HOST}:{port}", "-i", HOST, "-p", str(free_port()),
        "-mp", "10000", "-r", str(CALLS_PER_SECOND), "-m", str(calls), "-l", str(calls), "-nostdin",
        folder=folder,
    )  # fmt: skip


def measure(side: str, calls: int, seconds: float) -> dict[str, Any]:
    """One round of one side."""
    with scratch() as folder:
        (folder / "scenario.xml").write_text(SCENARIO)
        (folder / "tone.alaw").write_bytes(bytes(0x55 ^ (n * 37 & 0xFF) for n in range(8000)))
        media_port = free_port()
        watcher = spawn(
            OTHER_CORE, str(compiled("rtp_watch")), str(media_port), str(calls), str(seconds), str(PTIME_MS)
        )
        told_by(watcher)
        callee = role(OTHER_CORE, "--answer", str(media_port))
        port = int(told_by(callee))
        caller = (
            sipp_caller(folder, port, calls) if side == "SIPp" else role(SENDER_CORE, "--call", str(port), str(calls))
        )
        result: dict[str, Any] = json.loads(told_by(watcher))
        if side == "SIPp":
            caller.kill()
            caller.wait()
        else:
            result |= json.loads(finish(caller))
        callee.kill()
        callee.wait()
        watcher.wait()
    return result


# --- the table ---


def row(name: str, values: dict[str, Any]) -> str:
    """A line of the table, in microseconds."""
    columns = "".join(f"{values.get(key, float('nan')):11.0f}" for key in ("p50_us", "p99_us", "p999_us", "max_us"))
    counts = "".join(f"{values[key]:>9}" if key in values else " " * 9 for key in ("received", "lost", "dropped"))
    return f"{name:24}{columns}{counts}"


def floor_of(result: dict[str, Any]) -> dict[str, Any]:
    """The floor's line."""
    return {key: result[f"floor_{key}"] for key in ("p50_us", "p99_us", "p999_us")}


def compare(calls: int, seconds: float, rounds: int) -> bool:
    """All rounds; whether the aim was reached."""
    results: dict[str, list[dict[str, Any]]] = {"sipflow": [], "SIPp": []}
    print(f"{calls} calls, PCMA {PTIME_MS} ms, {seconds:g} s a round; |inter-arrival - {PTIME_MS} ms| in µs\n")
    print(f"{'':24}{'p50':>11}{'p99':>11}{'p99.9':>11}{'max':>11}{'packets':>9}{'lost':>9}{'dropped':>9}")
    for _ in range(rounds):
        for side in results:
            result = measure(side, calls, seconds)
            results[side].append(result)
            print(row(side, result), flush=True)
            if side == "sipflow":
                print(row("  floor (idle timer)", floor_of(result)), flush=True)
    return judge(results)


def judge(results: dict[str, list[dict[str, Any]]]) -> bool:
    """Prints the two comparisons."""
    ours, theirs = (statistics.median(round_["p99_us"] for round_ in results[side]) for side in ("sipflow", "SIPp"))
    above = statistics.median(round_["p999_us"] - round_["floor_p999_us"] for round_ in results["sipflow"])
    print(f"\np99: SIPp's is {theirs / ours:.1f} times sipflow's (aim: {AIM:g})")
    print(f"p99.9: {above:.0f} µs above the floor (aim: below {ALLOWED_ABOVE_FLOOR_US:.0f})")
    return theirs >= AIM * ours and above < ALLOWED_ABOVE_FLOOR_US


def main() -> int:
    """0 when the aim was reached."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--calls", type=int, default=1000, help="default 1000")
    parser.add_argument("--seconds", type=float, default=10.0, help="measured in each round, default 10")
    parser.add_argument("--rounds", type=int, default=2, help="of each side, default 2")
    parser.add_argument("--call", nargs=2, type=int, help=argparse.SUPPRESS)
    parser.add_argument("--answer", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    if options.call:
        asyncio.run(call_and_hold(*options.call))
    elif options.answer:
        asyncio.run(answer(options.answer))
    elif shutil.which("sipp") is None or (os.cpu_count() or 1) <= OTHER_CORE:
        sys.exit("timing_vs_sipp: needs SIPp (Debian: sip-tester) and two cores")
    else:
        return 0 if compare(options.calls, options.seconds, options.rounds) else 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
