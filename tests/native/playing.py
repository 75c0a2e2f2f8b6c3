"""A playout unit fed with made-up packets and read tick by tick, in virtual time."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from conftest import Core
from twins import g711

MS = 1_000_000
MU_TABLE = np.array([g711.decode_mu(code) for code in range(256)], np.int16)
AUDIO, CONCEALED, SILENCE, WAITING = 1, 2, 4, 8


@dataclass(frozen=True, slots=True)
class Rtp:
    """One packet on its way: what it holds and when it arrives."""

    sequence_number: int
    timestamp: int
    arrival_ns: int
    payload: bytes
    ssrc: int = 1
    payload_type: int = 0

    @property
    def samples(self) -> np.ndarray:
        """What it decodes to."""
        return MU_TABLE[np.frombuffer(self.payload, np.uint8)]

    def late(self, ms: float) -> Rtp:
        """The same packet, arriving later."""
        return replace(self, arrival_ns=self.arrival_ns + round(ms * MS))


def noise(count: int, seed: int) -> bytes:
    """Payload bytes that no other packet has."""
    return random.Random(seed).randbytes(count)


def stream(count: int, *, duration_ts: int = 160, sequence: int = 0, timestamp: int = 0, ssrc: int = 1) -> list[Rtp]:
    """A clean stream of noise; packet n arrives when it was sent."""
    return [
        Rtp(
            (sequence + n) % 65536,
            (timestamp + n * duration_ts) % 2**32,
            n * duration_ts * 125_000,
            noise(duration_ts, 1000 * ssrc + n),
            ssrc,
        )
        for n in range(count)
    ]


def audio(packets: Iterable[Rtp]) -> np.ndarray:
    """The packets decoded one after the other."""
    return np.concatenate([packet.samples for packet in packets])


@dataclass(slots=True)
class Heard:
    """What came out: all samples, and per tick what they were made of."""

    pcm: np.ndarray
    content: list[int]
    counts: Any
    delays_ms: list[float] = field(default_factory=list)

    def find(self, packet: Rtp) -> int:
        """Sample at which a packet's audio begins in the output; -1 when it is not there, unchanged."""
        wanted, first = packet.samples, packet.samples[:8]
        for at in np.flatnonzero(self.pcm[: len(self.pcm) - len(wanted) + 1] == first[0]):
            if np.array_equal(self.pcm[at : at + 8], first) and np.array_equal(self.pcm[at : at + len(wanted)], wanted):
                return int(at)
        return -1

    def shifts(self, packets: Iterable[Rtp], duration_ts: int = 160) -> list[int]:
        """For each packet that is heard unchanged: its place in the output minus its place in the stream."""
        places = [(self.find(packet), n) for n, packet in enumerate(packets)]
        return [place - n * duration_ts for place, n in places if place >= 0]


class Playout:
    """The C unit: PCMU on payload type 0, events on 101."""

    def __init__(self, core: Core, **config: int) -> None:
        self.core = core
        values = core.new("sfm_jitter_config")
        core.lib.sfm_jitter_defaults(values, 8000)
        for name, value in config.items():
            setattr(values, name, value)
        out = core.ffi.new("sfm_playout **")
        assert core.lib.sfm_playout_create(values, 8000, out) == 0
        self.playout = core.owned(out[0], core.lib.sfm_playout_destroy)
        assert core.lib.sfm_playout_set_codec(self.playout, 0, core.lib.sfm_codec_find(b"PCMU"), core.ffi.NULL) == 0

    def put(self, packet: Rtp) -> int:
        header = self.core.new(
            "sfm_rtp_header",
            payload_type=packet.payload_type,
            sequence_number=packet.sequence_number,
            timestamp=packet.timestamp,
            ssrc=packet.ssrc,
        )
        if packet.payload_type == 101:
            return self.core.lib.sfm_playout_put_event(self.playout, header, packet.arrival_ns)
        data = self.core.ffi.from_buffer("uint8_t[]", packet.payload)
        return self.core.lib.sfm_playout_put(self.playout, header, data, len(packet.payload), packet.arrival_ns)

    def read(self, now_ns: int, count: int) -> tuple[int, np.ndarray]:
        pcm = np.zeros(count, np.int16)
        buffer = self.core.ffi.from_buffer("int16_t[]", pcm)
        return self.core.lib.sfm_playout_read(self.playout, now_ns, buffer, count), pcm

    def counts(self) -> Any:
        counts = self.core.new("sfm_jitter_counts")
        self.core.lib.sfm_playout_read_counts(self.playout, counts)
        return counts


def play(core: Core, packets: Iterable[Rtp], *, tick_ms: int = 20, until_ms: int = 0, **config: int) -> Heard:
    """Puts every packet at its arrival and reads a tick every `tick_ms`, until 300 ms after the last arrival."""
    unit = Playout(core, **config)
    waiting = sorted(packets, key=lambda packet: packet.arrival_ns)
    end_ns = max(until_ms * MS, waiting[-1].arrival_ns + 300 * MS)
    blocks, content, delays = [], [], []
    for now_ns in range(5 * MS, end_ns, tick_ms * MS):
        while waiting and waiting[0].arrival_ns <= now_ns:
            unit.put(waiting.pop(0))
        kinds, pcm = unit.read(now_ns, tick_ms * 8)
        blocks.append(pcm)
        content.append(kinds)
        delays.append(unit.counts().current_delay_ns / MS)
    return Heard(np.concatenate(blocks), content, unit.counts(), delays)
