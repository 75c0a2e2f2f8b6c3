"""An engine on loopback for tests: pairs of legs, waiting for events with a deadline."""

from __future__ import annotations

import select
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import soundfile

from sipflow.events import Payload
from sipflow.media import Leg, MediaEngine
from sipflow.media_params import Direction, MediaParams, RtpFormat
from tests.media.signals import Samples

LOOPBACK = "127.0.0.1"
PCMU, PCMA = RtpFormat("PCMU", 0), RtpFormat("PCMA", 8)


def params(leg: Leg, peer: Any, rtp_format: RtpFormat = PCMU, direction: Direction = Direction.SENDRECV) -> MediaParams:
    """What `leg` would have negotiated with `peer` (anything with port and rtcp_port)."""
    return MediaParams(
        leg.address,
        leg.port,
        LOOPBACK,
        peer.port,
        peer.rtcp_port,
        rtp_format,
        (rtp_format,),
        dtmf_send_payload_type=101,
        dtmf_receive_payload_type=101,
        ptime_ms=20,
        direction=direction,
    )


class Listener:
    """Drains an engine as an event loop would, and keeps what came."""

    def __init__(self, engine: MediaEngine) -> None:
        self.engine = engine
        self.events: list[Payload] = []

    def of(self, kind: type[Any]) -> list[Any]:
        """Events of one kind so far."""
        return [event for event in self.events if isinstance(event, kind)]

    def wait(self, reached: Callable[[], bool], seconds: float = 10.0) -> None:
        """Until something has come true; fails after so many seconds."""
        deadline = time.monotonic() + seconds
        while not reached():
            left = deadline - time.monotonic()
            assert left > 0, f"not reached within {seconds} s; events: {self.events}"
            select.select([self.engine.fileno()], [], [], min(left, 0.05))
            self.events += self.engine.drain()

    def wait_for(self, kind: type[Payload], count: int = 1, seconds: float = 10.0) -> None:
        """Until so many events of a kind have come."""
        self.wait(lambda: len(self.of(kind)) >= count, seconds)


def connect(first: Leg, second: Leg, rtp_format: RtpFormat = PCMU) -> None:
    """Starts two legs towards each other."""
    first.start(params(first, second, rtp_format))
    second.start(params(second, first, rtp_format))


def read_wav(path: Path | str) -> Samples:
    """Samples of a WAV file: one row a frame."""
    samples, rate = soundfile.read(path, dtype="int16", always_2d=True)
    assert rate == 8000
    return samples
