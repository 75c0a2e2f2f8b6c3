"""Comfort noise (RFC 3389): a few descriptions of the noise in the place of silence, and the noise at the other end."""

from __future__ import annotations

import itertools
import struct
from pathlib import Path

import numpy as np
import pytest

from sipflow.media.opus import has_opus, opus_codec
from sipflow.media_params import RtpFormat
from sipflow.native import lib
from tests.media.signals import Samples, position_in, round_trip, speech, write_wav
from tests.media.stepped import PCMA, PCMU, STORE, Pair, SteppedLeg

CN = 13
G722 = RtpFormat("G722", 9)


def room(seconds: float, rms: float) -> Samples:
    noise: Samples = np.rint(rms * np.random.default_rng(3).standard_normal(int(8000 * seconds))).astype(np.int16)
    return noise


def pair(rtp_format: RtpFormat = PCMU) -> Pair:
    made = Pair(SteppedLeg(1), SteppedLeg(2))
    for leg in (made.a, made.b):
        leg.start(rtp_format, noise_send_payload_type=CN, noise_receive_payload_type=CN)
    return made


def said(packet: bytes) -> tuple[int, int, int, int, bytes]:
    """Marker, payload type, sequence number, timestamp, payload."""
    _, second, sequence, timestamp = struct.unpack("!BBHI", packet[:8])
    return second >> 7, second & 0x7F, sequence, timestamp, packet[12:]


def rms(samples: Samples) -> float:
    return float(np.sqrt(np.mean(samples.astype(float) ** 2)))


def talk(tmp_path: Path, rtp_format: RtpFormat, noise_rms: float) -> Pair:
    """A second of speech, three of the room, a second of speech."""
    samples = np.concatenate((speech(1.0), room(3.0, noise_rms), speech(1.0, seed=2)))
    joined = pair(rtp_format)
    joined.a.play(STORE.load(write_wav(tmp_path / "talk.wav", samples), rtp_format))
    return joined.run(250)


@pytest.mark.parametrize("rtp_format", [PCMU, PCMA, G722], ids=lambda f: f.name)
def test_the_room_is_described_in_few_packets_and_heard_as_loud(tmp_path: Path, rtp_format: RtpFormat) -> None:
    joined = talk(tmp_path, rtp_format, noise_rms=40)
    packets = [said(packet) for packet in joined.sent_by_a]
    noises = [payload for _, kind, *_, payload in packets if kind == CN]
    assert 6 <= len(noises) <= 9, "from 200 ms of silence on, every 400 ms"
    assert all(len(payload) == 1 and abs(payload[0] - 58) <= 2 for payload in noises), "40 of 32768 is -58 dBov"
    assert len(packets) < 250 - 130, "nothing else is sent meanwhile"
    steps = {(after[2] - before[2]) % 65536 for before, after in itertools.pairwise(packets)}
    assert steps == {1}, "what is not sent has no sequence number"
    counted = joined.b.statistics()
    assert (counted.packets_lost, counted.unknown_payload, counted.noise_received) == (0, 0, len(noises))
    assert joined.a.statistics().noise_sent == len(noises)


def test_the_noise_is_as_loud_as_the_room_and_the_speech_around_it_is_untouched(tmp_path: Path) -> None:
    heard = talk(tmp_path, PCMU, noise_rms=40).run(20).heard_b
    first, second = round_trip(speech(1.0), "PCMU"), round_trip(speech(1.0, seed=2), "PCMU")
    begin, again = position_in(first, heard), position_in(second, heard)
    assert begin >= 0 and again - begin == 4 * 8000
    for at in range(begin + 12_000, again - 1600, 1600):
        assert rms(heard[at : at + 1600]) == pytest.approx(40, rel=0.3)


def test_a_leg_that_says_nothing_sends_hardly_anything_and_begins_with_a_marker(tmp_path: Path) -> None:
    joined = pair().run(200)
    assert [said(packet)[4] for packet in joined.sent_by_a if said(packet)[1] == CN] == [b"\x7f"] * 10, (
        "no noise at all"
    )
    assert len(joined.sent_by_a) == 10 + 10
    assert not joined.heard_b.any()
    joined.a.play(STORE.load(write_wav(tmp_path / "talk.wav", speech(0.5)), PCMU))
    before = len(joined.sent_by_a)
    joined.run(25)
    markers = [said(packet)[0] for packet in joined.sent_by_a[before:]]
    assert markers == [1] + [0] * 24
    assert position_in(round_trip(speech(0.5), "PCMU"), joined.run(20).heard_b) > 0


def test_without_comfort_noise_silence_is_sent() -> None:
    joined = Pair().start().run(100)
    assert len(joined.sent_by_a) == 100
    assert joined.b.statistics().noise_received == 0


def test_a_description_that_is_no_byte_long_is_malformed_and_no_loss() -> None:
    leg = SteppedLeg()
    leg.start(noise_receive_payload_type=CN)
    leg.receive(struct.pack("!BBHII", 0x80, CN, 1, 0, 1), 1_000_000_000)
    leg.receive(struct.pack("!BBHII", 0x80, CN, 2, 0, 1) + b"\xff\x01\x02", 1_000_000_000)
    counted = leg.statistics()
    assert (counted.malformed, counted.noise_received, counted.packets_lost) == (1, 1, 0)
    assert lib.SFM_LEG_SILENCE_DBOV == 50


@pytest.mark.skipif(not has_opus(), reason="libopus is not installed")
@pytest.mark.parametrize(("fmtp", "most"), [("", 100), ("usedtx=1", 6)])
def test_opus_with_dtx_sends_a_silent_packet_now_and_then(fmtp: str, most: int) -> None:
    opus = {"codec": opus_codec(fmtp), "payload_type": 111}
    joined = Pair()
    for leg in (joined.a, joined.b):
        leg.start(send_format=opus, receive_formats=[opus])
    joined.run(100)
    assert most - 1 <= len(joined.sent_by_a) <= most
    assert joined.b.statistics().packets_lost == 0
