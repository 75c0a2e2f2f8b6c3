"""Junk at the SIP and RTP ports of a call that runs: its verdict stands."""

from __future__ import annotations

import random
import socket
import threading
from pathlib import Path

import pytest

import sipflow
from sipflow import events
from sipflow.events import Record

MEDIA = Path(__file__).parents[2] / "scenarios" / "media"
TEXT = """
on alice { call bob; record "a.wav"; play "greet.wav"; send dtmf "1"; expect hangup; check media.loss < 1% }
on bob { answer; expect dtmf "1"; release }
"""

pytestmark = pytest.mark.wire


class Sprayer:
    """Sends random, truncated and half-right datagrams to every port that the call shows, until it is told to stop."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.targets: set[tuple[str, int]] = set()
        self.seen: list[bytes] = [
            b"INVITE sip:bob@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP",
            b"\x80\x00\x00\x01" + bytes(8),
        ]
        self.sent = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._spray)

    def take(self, record: Record) -> None:
        """Learn ports and messages from the stream."""
        match record.event:
            case events.SipSent(data=data, destination=destination):
                self.targets.add(destination)
                self.seen.append(data)
            case events.MediaNegotiated(params=params):
                self.targets |= {
                    (params.local_address, params.local_port),
                    (params.local_address, params.local_port + 1),
                }
            case _:
                pass

    def _spray(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            while not self._stop.wait(0.001):
                for target in list(self.targets):
                    sock.sendto(self._junk(), target)
                    self.sent += 1

    def _junk(self) -> bytes:
        base = self.random.choice(self.seen)
        match self.random.randrange(4):
            case 0:
                return self.random.randbytes(self.random.randrange(200))
            case 1:
                return base[: self.random.randrange(len(base))]
            case 2:
                spoiled = bytearray(base)
                for _ in range(8):
                    spoiled[self.random.randrange(len(spoiled))] = self.random.randrange(256)
                return bytes(spoiled).replace(b"Call-ID", b"Call-IX")
            case _:
                return b"\x80\x00" + self.random.randbytes(170)

    def __enter__(self) -> Sprayer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_junk_changes_nothing(seed: int, tmp_path: Path) -> None:
    with Sprayer(seed) as sprayer:
        report = sipflow.run(TEXT, out=tmp_path, media_dir=MEDIA, timeout_s=30, sinks=[sprayer.take])
    assert sprayer.sent > 500
    assert report.passed, report.failures
