"""Opus in two channels through the playout: apart, with losses, with pauses, from a peer of one channel."""

from __future__ import annotations

import random
from collections.abc import Collection
from typing import Any

import numpy as np
import pytest

from sipflow.media import opus
from sipflow.native import check, ffi, lib
from tests.media.signals import Samples, speech
from tests.media.test_opus_stream import PACKET, PACKET_NS

pytestmark = pytest.mark.skipif(not opus.has_opus(), reason="libopus is not installed")

RATE = 48_000
LEFT_HZ, RIGHT_HZ = 440, 1000


def tone(hertz: float, seconds: float) -> Samples:
    samples: Samples = np.rint(8192 * np.sin(2 * np.pi * hertz / RATE * np.arange(round(seconds * RATE)))).astype(
        np.int16
    )
    return samples


def frames_of(left: Samples, right: Samples) -> Samples:
    return np.stack((left, right), axis=1)


def encode(frames: Samples, fmtp: str) -> list[bytes]:
    """Packets of 20 ms; an empty one is not sent."""
    codec, packets = opus.opus_codec(fmtp), []
    state, out = ffi.new("uint64_t[]", codec.encoder_bytes // 8 + 1), ffi.new("uint8_t[1500]")
    check(lib.sfm_codec_encoder_init(codec, state))
    for start in range(0, len(frames) - PACKET + 1, PACKET):
        pcm = ffi.from_buffer("int16_t[]", np.ascontiguousarray(frames[start : start + PACKET]).reshape(-1))
        packets.append(bytes(ffi.buffer(out, check(lib.sfm_codec_encode(codec, state, pcm, PACKET, out, 1500)))))
    return packets


def heard(packets: list[bytes], lost: Collection[int] = (), *, codec: Any = None, rate: int = RATE) -> Samples:
    """Frames that a playout of two channels makes of those that are not lost."""
    codec = opus.opus_codec("stereo=1") if codec is None else codec
    config, made, right = ffi.new("sfm_jitter_config *"), ffi.new("sfm_playout **"), ffi.new("sfm_playout_right **")
    lib.sfm_jitter_defaults(config, RATE)
    check(lib.sfm_playout_create(config, rate, made))
    check(lib.sfm_playout_right_create(right))
    second = ffi.gc(right[0], lib.sfm_playout_right_destroy)
    playout = ffi.gc(made[0], lib.sfm_playout_destroy)
    lib.sfm_playout_set_right(playout, second)
    state = ffi.new("uint64_t[]", codec.decoder_bytes // 8 + 1)
    check(lib.sfm_playout_set_codec(playout, 111, codec, state))
    tick, number = rate // 50, 0
    pcm = np.zeros((2, len(packets), tick), np.int16)
    for n, packet in enumerate(packets):
        header = ffi.new("sfm_rtp_header *", {"payload_type": 111, "sequence_number": number, "timestamp": n * PACKET})
        number += bool(packet)
        if packet and n not in lost:
            check(lib.sfm_playout_put(playout, header, packet, len(packet), n * PACKET_NS))
        left_pcm, right_pcm = (ffi.from_buffer("int16_t[]", channel[n]) for channel in pcm)
        now_ns = n * PACKET_NS + 5_000_000
        check(lib.sfm_playout_read_both(playout, now_ns, left_pcm, right_pcm, tick))
    return pcm.reshape(2, -1).T


def apart_db(channel: Samples, own_hz: float, other_hz: float, rate: int = RATE) -> float:
    """How much louder a channel has its own tone than that of the other, in its second second."""
    middle = channel[rate : 2 * rate].astype(float)
    spectrum = np.abs(np.fft.rfft(middle * np.hanning(len(middle))))
    return float(20 * np.log10(spectrum[int(own_hz)] / max(spectrum[int(other_hz)], 1e-9)))


@pytest.mark.parametrize("rate", [48_000, 16_000, 8_000])
@pytest.mark.parametrize(("fmtp", "least_db"), [("stereo=1", 60), ("stereo=1;useinbandfec=1", 12)])
def test_left_and_right_are_heard_apart(fmtp: str, least_db: float, rate: int) -> None:
    frames = heard(encode(frames_of(tone(LEFT_HZ, 3), tone(RIGHT_HZ, 3)), fmtp), rate=rate)
    left, right = apart_db(frames[:, 0], LEFT_HZ, RIGHT_HZ, rate), apart_db(frames[:, 1], RIGHT_HZ, LEFT_HZ, rate)
    print(f"{fmtp} at {rate}: left {left:.1f} dB, right {right:.1f} dB apart")
    assert left > least_db
    assert right > least_db


def test_speech_on_one_side_leaves_the_other_silent() -> None:
    voice = speech(3, rate=RATE)
    frames = heard(encode(frames_of(voice, np.zeros_like(voice)), "stereo=1")).astype(float)
    level = 20 * np.log10(np.sqrt((frames**2).mean(axis=0)) + 1e-9)
    print(f"left {level[0]:.1f} dB, right {level[1]:.1f} dB")
    assert level[0] > level[1] + 40


def test_a_peer_of_one_channel_is_heard_on_both() -> None:
    codec, mono = opus.opus_codec(""), speech(2, rate=RATE)
    assert codec.encoded_channels == 1
    frames = heard(encode(mono, ""))
    assert np.abs(frames).max() > 3000
    assert np.array_equal(frames[:, 0], frames[:, 1])


def test_losses_are_made_up_in_both_channels_from_the_copy_in_the_next_packet() -> None:
    """Left and right say different things, so that a copy on the wrong side would be no help."""
    said = frames_of(speech(6, rate=RATE), np.roll(speech(6, rate=RATE), RATE))
    draw = random.Random(1)
    lost = {n for n in range(20, 300) if draw.random() < 0.1}
    codec = opus.opus_codec("stereo=1;useinbandfec=1")
    packets = encode(said, "stereo=1;useinbandfec=1")
    plain = ffi.new("sfm_codec *", codec[0])
    plain.conceal = ffi.NULL
    whole = heard(packets, codec=codec).astype(float)
    for side in (0, 1):
        damage = {
            name: np.mean((whole[:, side] - heard(packets, lost, codec=each)[:, side]) ** 2)
            for name, each in (("copies", codec), ("none", plain))
        }
        decibels = {name: 10 * np.log10(np.mean(whole[:, side] ** 2) / each) for name, each in damage.items()}
        print(f"side {side}: {decibels}")
        assert decibels["copies"] > decibels["none"] + 3


def test_a_pause_with_dtx_is_quiet_in_both_channels_and_no_loss() -> None:
    voice, pause = speech(1, rate=RATE), np.zeros(3 * RATE, np.int16)
    said = np.concatenate((voice, pause, voice))
    packets = encode(frames_of(said, said[::-1]), "stereo=1;usedtx=1")
    assert sum(map(bool, packets[100:190])) <= 10, "one in 400 ms"
    frames = heard(packets, codec=opus.opus_codec("stereo=1;usedtx=1"))
    assert np.abs(frames[2 * RATE : 3 * RATE]).max() < 100
    assert (np.abs(frames[-RATE:]).max(axis=0) > 1000).all()
