"""Memory of a call with media, beside SIPp's: what a process grows by for each call that is up and sends RTP.

Each side places calls to the same callee and streams PCMA in packets of 20 ms to a port where nothing is kept. The
resident memory of the process is read when the first 50 calls are up and when all are; the difference divided by the
calls between is what a call costs. Both sides of a row are measured in the same run, one after the other. Memory that
the kernel keeps for sockets is not a process's and not counted: sipflow has three sockets a call (RTP, its peer, RTCP),
SIPp two or four.

    python -m bench.memory [--calls 500]
"""

from __future__ import annotations

import argparse
import asyncio
import resource
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

from bench._calls import HOST, HeldCallee, HeldCaller, status_kb
from bench._scratch import scratch
from bench.sip_calls import free_port
from bench.timing_vs_sipp import SCENARIO, told_by
from sipflow.media import EngineConfig, MediaEngine
from sipflow.media_params import Direction
from sipflow.sdp.negotiate import LocalMedia

FIRST = 50
RATE = 50.0
SETTLE_S = 2.0


async def place(port: int, calls: int) -> None:
    """Place the first calls, wait for a word, place the rest."""
    with MediaEngine(EngineConfig(threads=1)) as engine:
        side = HeldCaller("caller", engine)
        target = f"sip:service@{HOST}:{port}"
        for count in (FIRST, calls - FIRST):
            for _ in range(count):
                side.call(target, Direction.SENDONLY)
                await asyncio.sleep(1 / RATE)
            print(side.answered, flush=True)
            await side.loop.run_in_executor(None, sys.stdin.readline)


async def answer(media_port: int) -> None:
    """Answer every call with the same port until the input ends."""

    class OnePort(HeldCallee):
        def local_media(self, call: str, direction: Direction = Direction.RECVONLY) -> LocalMedia:
            media = super().local_media(call, direction)
            return LocalMedia(media.address, media_port, media.formats, media.ptime_ms, Direction.RECVONLY)

    side = OnePort("callee")
    print(side.endpoint.address[1], flush=True)
    await side.loop.run_in_executor(None, sys.stdin.readline)


def spawn(*command: str, folder: Path | None = None) -> subprocess.Popen[str]:
    """A process with pipes."""
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=folder
    )


def role(*arguments: str) -> subprocess.Popen[str]:
    """This file in another role."""
    return spawn(sys.executable, "-m", "bench.memory", *arguments)


def sipflow_growth(port: int, calls: int) -> tuple[int, int]:
    """Resident kilobytes with the first calls and with all."""
    process = role("--call", str(port), str(calls))
    assert process.stdin is not None, "it was piped"
    sizes = []
    for _ in range(2):
        told_by(process)
        time.sleep(SETTLE_S)
        sizes.append(status_kb(process.pid))
        process.stdin.write("\n")
        process.stdin.flush()
    process.wait()
    return sizes[0], sizes[1]


def sipp_growth(port: int, calls: int) -> tuple[int, int]:
    """The same for SIPp: one process with few calls, one with all, for it cannot be stopped in between."""
    sizes = []
    with scratch() as folder:
        (folder / "scenario.xml").write_text(SCENARIO)
        (folder / "tone.alaw").write_bytes(bytes(8000))
        for count in (FIRST, calls):
            process = spawn(
                "sipp", "-sf", "scenario.xml", f"{HOST}:{port}", "-i", HOST, "-p", str(free_port()), "-mp", "10000",
                "-r", f"{RATE:.0f}", "-m", str(count), "-l", str(count), "-nostdin", folder=folder,
            )  # fmt: skip
            time.sleep(count / RATE + SETTLE_S)
            sizes.append(status_kb(process.pid))
            process.kill()
            process.wait()
    return sizes[0], sizes[1]


def compare(calls: int) -> None:
    """Both sides and their table."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sink:
        sink.bind((HOST, 0))
        callee = role("--answer", str(sink.getsockname()[1]))
        port = int(told_by(callee))
        print(f"{'':10}{f'{FIRST} calls kB':>14}{f'{calls} calls kB':>16}{'kB a call':>12}")
        for name, growth in (("sipflow", sipflow_growth), ("SIPp", sipp_growth)):
            few, all_ = growth(port, calls)
            print(f"{name:10}{few:14}{all_:16}{(all_ - few) / (calls - FIRST):12.1f}", flush=True)
        callee.kill()
        callee.wait()


def main() -> None:
    """Prints; there is no aim to miss."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--calls", type=int, default=500, help=f"more than {FIRST}, default 500")
    parser.add_argument("--call", nargs=2, type=int, help=argparse.SUPPRESS)
    parser.add_argument("--answer", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    if options.call:
        asyncio.run(place(*options.call))
    elif options.answer:
        asyncio.run(answer(options.answer))
    elif shutil.which("sipp") is None:
        sys.exit("memory: SIPp is not installed (Debian: sip-tester)")
    else:
        compare(options.calls)


if __name__ == "__main__":
    main()
