"""Some hundreds of short calls in one process: memory and descriptors are where they were (`bench/leak.py`: 10,000)."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest

from bench import leak
from sipflow.events import RecordingFinished
from sipflow.media import EngineConfig, MediaEngine, PromptStore, Simulation
from sipflow.media.formats import codec_names
from sipflow.media_params import SRTP_KEY_BYTES, RtpFormat, SrtpKeys
from tests.media.engine import LOOPBACK, params

pytestmark = pytest.mark.skipif(not leak.has_mallinfo(), reason="what malloc has given out is told by glibc only")

SECOND = 1_000_000_000
FORMATS = {
    "PCMU": RtpFormat("PCMU", 0),
    "PCMA": RtpFormat("PCMA", 8),
    "G722": RtpFormat("G722", 9),
    "L16": RtpFormat("L16", 96, 16000),
    "opus": RtpFormat("opus", 97, 48000, 2),
}


def test_whole_calls_leave_nothing_behind(tmp_path: Path) -> None:
    """An operation kept for each statement of each run, as there was once, is 80 blocks and 400 bytes a call.

    What the interpreter makes once, when a function is called for the eighth time, say, is 8 blocks a call at first and
    one after 150 calls: the first half of the runs is not judged.
    """
    samples = leak.watch(20, 1, tmp_path, sim=True)
    assert samples[-1].calls >= 200
    broken = [what for fine, what in leak.judge(samples, bytes_per_call=100, blocks_per_call=4) if not fine]
    assert broken == []


class Engine:
    """An engine that stays, in which one call after the other has two legs."""

    def __init__(self, folder: Path) -> None:
        self.engine = MediaEngine(EngineConfig(seed=5, simulation=Simulation(seed=5)))
        self.folder, self.now_ns, self.recordings = folder, 0, 0
        self.prompts = PromptStore()

    def call(self, rtp_format: RtpFormat, suite: str | None) -> None:
        """150 ms of one, with all that takes memory."""
        left, right = self.engine.open_leg("left", LOOPBACK), self.engine.open_leg("right", LOOPBACK)
        for leg, peer, own in ((left, right, 0), (right, left, 1)):
            agreed = params(leg, peer, rtp_format)
            leg.start(agreed if suite is None else replace(agreed, srtp=_keys(suite, own)))
        left.record(self.folder / "left.wav", 1)
        left.play(self.prompts.tone(440, None, rtp_format), 2, times=None)
        right.send_dtmf("5", 3)
        self._pass(SECOND // 10)
        if suite is not None:
            for leg, own in ((left, 0), (right, 1)):
                leg.secure(_keys(suite, own, new=True))
        self._pass(SECOND // 20)
        left.close()
        right.close()
        self._pass(SECOND // 20)

    def _pass(self, lasting_ns: int) -> None:
        self.now_ns += lasting_ns
        while self.engine.advance(self.now_ns) < self.now_ns:
            self._take()
        self._take()

    def _take(self) -> None:
        self.recordings += sum(isinstance(event, RecordingFinished) for event in self.engine.drain())


def _keys(suite: str, own: int, *, new: bool = False) -> SrtpKeys:
    chance = random.Random(f"{suite}/{new}")
    both = [chance.randbytes(SRTP_KEY_BYTES[suite]) for _ in range(2)]
    return SrtpKeys(suite, both[own], both[1 - own])


@pytest.mark.parametrize("suite", [None, *SRTP_KEY_BYTES])
def test_legs_of_an_engine_that_stays_leave_nothing_behind(tmp_path: Path, suite: str | None) -> None:
    """Not one byte of the native side a call, whatever the codec: 30 calls warm up, 60 more are counted."""
    engine, formats = Engine(tmp_path), [FORMATS[name] for name in codec_names()]
    for number in range(30):
        engine.call(formats[number % len(formats)], suite)
    before = leak.held(30)
    for number in range(60):
        engine.call(formats[number % len(formats)], suite)
    after = leak.held(90)
    assert engine.recordings == 90
    assert after.descriptors == before.descriptors
    assert after.heap_bytes - before.heap_bytes < 60 * 16, (before, after)
    engine.engine.close()
