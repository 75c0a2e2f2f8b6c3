"""Every codec with every packet time, and with payload types that differ by direction."""

from __future__ import annotations

import itertools
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sipflow.media.formats import codec_of, packet_time_ms
from sipflow.media.opus import has_opus
from sipflow.media_params import RtpFormat
from tests.media.likeness import compare
from tests.media.signals import Samples, speech, write_wav
from tests.media.stepped import STORE, SteppedLeg

PTIMES_MS = (10, 20, 30, 40, 60)
FORMATS = {
    "PCMU": RtpFormat("PCMU", 0),
    "PCMA": RtpFormat("PCMA", 8),
    "G722": RtpFormat("G722", 9),
    "L16/8000": RtpFormat("L16", 99),
    "L16/16000": RtpFormat("L16", 98, 16000),
    "opus": RtpFormat("opus", 111, 48000, 2),
}
SHORTER_MS = {("L16/16000", 60): 43, ("opus", 30): 20}
"""What is sent where the packet would not fit a datagram, and where the codec has no such packets."""
BYTES_PER_MS = {"PCMU": 8, "PCMA": 8, "G722": 8, "L16/8000": 16, "L16/16000": 32}
LEAST = {"opus": 0.7}
"""Correlation of the waveforms; what libopus leaves of harmonics: see tests/interop/test_ffmpeg.py."""

by_codec = pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.skipif(name == "opus" and not has_opus(), reason="no libopus"))
        for name in FORMATS
    ],
)


class Way:
    """One leg that plays to another one; what was sent, and what was heard at 8 kHz."""

    def __init__(self, folder: Path, name: str, ptime_ms: int, payload_types: tuple[int, int] | None = None) -> None:
        rtp_format = FORMATS[name]
        sent_as, other = payload_types or (rtp_format.payload_type,) * 2
        codec = codec_of(rtp_format)
        self.sender, self.receiver = SteppedLeg(1), SteppedLeg(2)
        self._start(self.sender, codec, ptime_ms, sends=sent_as, hears=other)
        self._start(self.receiver, codec, ptime_ms, sends=other, hears=sent_as)
        self.played = speech(4)
        path = write_wav(folder / "played.wav", self.played)
        self.sender.play(STORE.load(path, rtp_format, ptime_ms=ptime_ms))
        self.packets: list[bytes] = []
        self.heard = self._run(ptime_ms)

    @staticmethod
    def _start(leg: SteppedLeg, codec: Any, ptime_ms: int, *, sends: int, hears: int) -> None:
        send, receive = ({"codec": codec, "payload_type": payload_type} for payload_type in (sends, hears))
        leg.start(send_format=send, receive_formats=[receive], ptime_ms=ptime_ms)

    def _run(self, ptime_ms: int) -> Samples:
        blocks = []
        for tick in range(4200 // ptime_ms):
            now_ns = 1_000_000_000 + tick * ptime_ms * 1_000_000
            for leg in (self.sender, self.receiver):
                leg.send_tick(now_ns)
            for packet in self.sender.packets(now_ns):
                self.packets.append(packet)
                self.receiver.receive(packet, now_ns)
            self.receiver.playout_tick(now_ns)
            blocks.append(self.receiver.read_tape()[:, 1])
        heard: Samples = np.concatenate(blocks)
        return heard


@pytest.mark.parametrize("ptime_ms", PTIMES_MS)
@by_codec
def test_every_packet_time_is_sent_and_heard(tmp_path: Path, name: str, ptime_ms: int) -> None:
    sent_ms = packet_time_ms(codec_of(FORMATS[name]), ptime_ms)
    assert sent_ms == SHORTER_MS.get((name, ptime_ms), ptime_ms)
    way = Way(tmp_path, name, sent_ms)
    assert len(way.packets) == 4200 // sent_ms
    if name in BYTES_PER_MS:
        assert {len(packet) - 12 for packet in way.packets} == {BYTES_PER_MS[name] * sent_ms}
    stamps = [struct.unpack("!I", packet[4:8])[0] for packet in way.packets]
    steps = {(after - before) % 2**32 for before, after in itertools.pairwise(stamps)}
    assert steps == {FORMATS[name].clock_rate * sent_ms // 1000}
    counted = way.receiver.statistics()
    assert (counted.packets_lost, counted.late, counted.concealed_ns) == (0, 0, 0)
    assert compare(way.played, way.heard, 8000).correlation > LEAST.get(name, 0.99)


@by_codec
def test_payload_types_may_differ_by_direction_and_be_dynamic(tmp_path: Path, name: str) -> None:
    way = Way(tmp_path, name, 20, (97, 120))
    assert {packet[1] & 0x7F for packet in way.packets} == {97}
    assert way.receiver.statistics().unknown_payload == 0
    assert compare(way.played, way.heard, 8000).correlation > LEAST.get(name, 0.99)
