"""Opus with losses and with pauses: what the copy in the next packet is worth, and what DTX saves."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

from sipflow.media import opus
from sipflow.native import check, ffi, lib
from tests.media.signals import Samples, speech

pytestmark = pytest.mark.skipif(not opus.has_opus(), reason="libopus is not installed")

PACKET = 960
PACKET_NS = 20_000_000


def encode(samples: Samples, fmtp: str) -> list[bytes]:
    """Packets of 20 ms; an empty one is not sent."""
    codec, packets = opus.opus_codec(fmtp), []
    state, out = ffi.new("uint64_t[]", codec.encoder_bytes // 8 + 1), ffi.new("uint8_t[1500]")
    check(lib.sfm_codec_encoder_init(codec, state))
    for start in range(0, len(samples) - PACKET + 1, PACKET):
        pcm = ffi.from_buffer("int16_t[]", np.ascontiguousarray(samples[start : start + PACKET]))
        packets.append(bytes(ffi.buffer(out, check(lib.sfm_codec_encode(codec, state, pcm, PACKET, out, 1500)))))
    return packets


def heard(packets: list[bytes], lost: set[int], codec: Any) -> tuple[Samples, Any]:
    """What a playout makes of those that are not lost, and its counts. Each comes when it is sent, a tick is read 5 ms
    later."""
    config, made = ffi.new("sfm_jitter_config *"), ffi.new("sfm_playout **")
    lib.sfm_jitter_defaults(config, 48000)
    check(lib.sfm_playout_create(config, 48000, made))
    playout = ffi.gc(made[0], lib.sfm_playout_destroy)
    state = ffi.new("uint64_t[]", codec.decoder_bytes // 8 + 1)
    check(lib.sfm_playout_set_codec(playout, 111, codec, state))
    pcm, number = np.zeros((len(packets), PACKET), np.int16), 0
    for n, packet in enumerate(packets):
        header = ffi.new("sfm_rtp_header *", {"payload_type": 111, "sequence_number": number, "timestamp": n * PACKET})
        number += bool(packet)
        if packet and n not in lost:
            check(lib.sfm_playout_put(playout, header, packet, len(packet), n * PACKET_NS))
        check(lib.sfm_playout_read(playout, n * PACKET_NS + 5_000_000, ffi.from_buffer("int16_t[]", pcm[n]), PACKET))
    counts = ffi.new("sfm_jitter_counts *")
    lib.sfm_playout_read_counts(playout, counts)
    return pcm.ravel(), counts


def damage_db(packets: list[bytes], lost: set[int], codec: Any) -> float:
    """By how much what is heard without a loss is stronger than what the losses change of it."""
    whole, damaged = heard(packets, set(), codec)[0].astype(float), heard(packets, lost, codec)[0]
    return float(10 * np.log10(np.mean(whole**2) / np.mean((whole - damaged) ** 2)))


def without_concealment(codec: Any) -> Any:
    """The same codec, whose losses are made up by sfm_plc."""
    plain = ffi.new("sfm_codec *", codec[0])
    plain.conceal = ffi.NULL
    return plain


@pytest.mark.parametrize("share", [0.05, 0.10])
def test_a_lost_packet_is_heard_from_the_copy_in_the_next_one(share: float) -> None:
    samples, draw = speech(6, rate=48000), random.Random(1)
    lost = {n for n in range(20, 300) if draw.random() < share}
    codec = opus.opus_codec("useinbandfec=1")
    copied = encode(samples, "useinbandfec=1")
    with_copies = damage_db(copied, lost, codec)
    unread = damage_db(copied, lost, without_concealment(codec))
    without = damage_db(encode(samples, ""), lost, codec)
    print(f"{share:.0%} lost: copies {with_copies:.1f} dB, unread {unread:.1f} dB, none sent {without:.1f} dB")
    assert with_copies > max(unread, without) + 5


def test_a_pause_with_dtx_is_few_packets_and_no_loss_and_sounds_as_the_room_did() -> None:
    room = np.rint(30 * np.random.default_rng(1).standard_normal(48000 * 4)).astype(np.int16)
    samples = np.concatenate((speech(1, rate=48000), room, speech(1, rate=48000)))
    packets = encode(samples, "usedtx=1")
    in_pause = [bool(packet) for packet in packets[75:245]]  # half a second after the speech: the encoder waits as long
    assert 1 <= sum(in_pause) <= 10, "one in 400 ms, of 170"
    pcm, counts = heard(packets, set(), opus.opus_codec("usedtx=1"))
    assert (counts.lost, counts.late, counts.concealed_ts) == (0, 0, 0)
    for at in range(2 * 48000, 4 * 48000, 4800):
        assert 10 < np.std(pcm[at : at + 4800].astype(float)) < 60, f"comfort noise at {at / 48000:g} s"
