"""Thousands of recordings at once through the one disk thread: every sample of every one of them is on disk.

All legs record in stereo; `--talking` of them are in pairs on loopback and send each other a tone of which 20 samples
are a period, so that one sample that is missing or doubled anywhere in a file shows. The others record the silence of
a call that has no media yet: what they cost the disk thread is the same. In the end all of this has to hold:

    every recording ended without an error, as long as it was told, and as long as it ran
    no tone breaks off or slips, on the side that was sent; nor on the one that was heard, where no packet was late
    no packet time was missed
    as many descriptors are open as before

    python -m bench.recordings [--recordings 2000] [--talking 100] [--seconds 10]

Exit code 1 when one does not hold.
"""

from __future__ import annotations

import argparse
import resource
import select
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from bench._scratch import scratch
from bench.soak import descriptors
from sipflow.events import RecordingFinished
from sipflow.media import EngineConfig, Leg, MediaEngine, PromptStore
from sipflow.media_params import PCMU, Direction, MediaParams

HOST, FIRST_PORT, LAST_PORT = "127.0.0.1", 10_000, 60_000
RATE, TONE_HZ = 8000, 400
PERIOD = RATE // TONE_HZ
PATIENCE_S = 60.0


@dataclass(frozen=True)
class Outcome:
    """What became of all recordings."""

    finished: list[RecordingFinished]
    late: dict[str, int]
    """Packets that a leg did not hear in time, by the path of its recording."""
    missed_ticks: int
    opening_s: float
    """From the first recording that was begun to the last."""
    closing_s: float
    written_bytes: int


def params(leg: Leg, peer: Leg) -> MediaParams:
    """What both negotiated."""
    there = (peer.address, peer.port, peer.rtcp_port)
    return MediaParams(leg.address, leg.port, *there, PCMU, (PCMU,), None, None, 20, Direction.SENDRECV)


def drained(engine: MediaEngine, wanted: int) -> list[RecordingFinished]:
    """So many ends of recordings, or what came in time."""
    found: list[RecordingFinished] = []
    deadline = time.monotonic() + PATIENCE_S
    while len(found) < wanted and time.monotonic() < deadline:
        select.select([engine.fileno()], [], [], 0.1)
        found += [event for event in engine.drain() if isinstance(event, RecordingFinished)]
    return found


def record(folder: Path, count: int, talking: int, seconds: float) -> Outcome:
    """Records with so many legs for a while."""
    tone = PromptStore().tone(TONE_HZ, None, PCMU)
    with MediaEngine(EngineConfig(threads=1)) as engine:
        legs = [engine.open_leg(f"call-{n}", HOST, FIRST_PORT, LAST_PORT) for n in range(count)]
        paths = [folder / f"{n}.wav" for n in range(count)]
        began = time.monotonic()
        for number, (leg, path) in enumerate(zip(legs, paths, strict=True)):
            leg.record(path, number)
        opening_s = time.monotonic() - began
        for first, second in zip(legs[0:talking:2], legs[1:talking:2], strict=True):
            for leg, peer in ((first, second), (second, first)):
                leg.start(params(leg, peer))
                leg.play(tone, count + 1, times=None)
        time.sleep(seconds)
        stopped = time.monotonic()
        for leg in legs:
            leg.stop_record()
        finished = drained(engine, count)
        closing_s = time.monotonic() - stopped
        late = {}
        for leg, path in zip(legs[:talking], paths, strict=False):
            counted = leg.statistics()
            faults = (counted.packets_late, counted.packets_lost, counted.concealed_ms)
            late[str(path)] = sum(round(fault or 0) for fault in faults)
        missed = engine.statistics().missed_ticks
        for leg in legs:
            leg.close()
    return Outcome(finished, late, missed, opening_s, closing_s, sum(path.stat().st_size for path in paths))


def slips(channel: np.ndarray) -> int:
    """Where a tone is not what it was a period before."""
    tone = channel[np.flatnonzero(channel)[0] :] if channel.any() else channel
    return int(np.count_nonzero(tone[2 * PERIOD :] != tone[PERIOD:-PERIOD]))


def judge(outcome: Outcome, count: int, before: int) -> Iterator[tuple[bool, str]]:
    """What held and what did not."""
    finished = outcome.finished
    errors = {event.error for event in finished if event.error}
    yield (
        len(finished) == count and not errors,
        f"{len(finished)} of {count} recordings ended, errors: {errors or 'none'}",
    )
    lengths = [event.duration_ms for event in finished] or [0]
    spread = max(lengths) - min(lengths)
    yield (
        spread < outcome.opening_s * 1000 + 500,
        (f"they are {min(lengths)} to {max(lengths)} ms long, begun within {outcome.opening_s:.1f} s"),
    )
    wrong = [event.path for event in finished if abs(soundfile.info(event.path).frames - event.duration_ms * 8) > 8]
    yield not wrong, f"{len(wrong)} files are not as long as was told"
    sent = heard = silent = checked = 0
    for path, late in outcome.late.items():
        samples, _ = soundfile.read(path, dtype="int16", always_2d=True)
        sent += slips(samples[:, 0])
        silent += not samples[:, 0].any()
        if late == 0:
            checked += 1
            heard += slips(samples[:, 1])
    yield sent == 0 and silent == 0, f"tones that were sent: {sent} samples slipped, {silent} files without one"
    yield (
        heard == 0,
        f"tones that were heard by the {checked} legs that had all packets in time: {heard} samples slipped",
    )
    yield outcome.missed_ticks == 0, f"{outcome.missed_ticks} packet times were missed"
    yield descriptors() <= before, f"descriptors: {before} before, {descriptors()} after"


def main() -> int:
    """0 when all held."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--recordings", type=int, default=2000, help="default 2000")
    parser.add_argument("--talking", type=int, default=100, help="of them with media, default 100")
    parser.add_argument("--seconds", type=float, default=10.0, help="default 10")
    options = parser.parse_args()
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    talking = min(options.talking, options.recordings) // 2 * 2
    before, kept = descriptors(), True
    with scratch() as folder:
        outcome = record(folder, options.recordings, talking, options.seconds)
        for fine, what in judge(outcome, options.recordings, before):
            print(f"{'held' if fine else 'BROKEN':8}{what}", flush=True)
            kept = kept and fine
    rate = outcome.written_bytes / options.seconds / 1e6
    megabytes = f"{outcome.written_bytes / 1e6:.0f} MB, {rate:.0f} MB/s"
    print(f"{megabytes}; all files closed {outcome.closing_s:.2f} s after the end")
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
